"""What the rivals make of the catalogue in one format: accuracy, cost, failures, coverage.

    python benchmarks/compare_rivals.py [FORMAT]

One row per rival: first derivatives of every problem that is neither opaque nor kinked, at every point with a
certified derivative other than 0. ``failed``: an exception, NaN or a failure flag (infinite error in the
quantiles). ``wrong``: a finite number without any flag and more than 1e-3 off. ``coverage``: how many of its
error estimates are at least as large as the error. ``docs/rivals.md`` shows the table for float64.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np

import diffbench as db
from diffbench.arithmetic.formats import Format, get_format
from diffbench.methods.harness import Measured, measure
from diffbench.methods.method import Method
from diffbench.problems import Problem, problems

Case = tuple[Problem, float, float]


def cases(fmt: Format) -> Iterator[Case]:
    """Problem, point of the format, true derivative."""
    for problem in problems().values():
        if problem.opaque or fmt.name not in (problem.formats or (fmt.name,)):
            continue
        for point in fmt.round(np.array(problem.points)):
            if not np.isfinite(point) or not problem.domain[0] < point < problem.domain[1]:
                continue
            reference = db.reference(problem.function, point)
            if reference.status == "ok" and reference.value != 0:
                yield problem, point, float(reference.value)


def row(method: Method, fmt: Format, known: list[Case]) -> str:
    """One line of the table."""
    began = time.perf_counter()
    found = [(measure(method, problem.function, fmt, x), truth) for problem, x, truth in known]
    milliseconds = (time.perf_counter() - began) / len(known) * 1e3
    asked = [(m, truth) for m, truth in found if m.status != "refused"]
    if not asked:
        return f"| `{method.name}` | {found[0][0].message} |"
    errors = np.array([relative_error(m, truth) for m, truth in asked])
    median, high = np.quantile(errors, (0.5, 0.9), method="inverted_cdf")
    covered = [
        e <= float(m.error_estimate) / abs(t) for (m, t), e in zip(asked, errors, strict=True) if rated(m)
    ]
    cells = (
        f"{median:.0e}",
        f"{high:.0e}",
        f"{np.median([m.evaluations for m, _ in asked]):.0f}",
        f"{sum(m.status != 'ok' for m, _ in asked)}",
        f"{np.sum((errors > 1e-3) & np.isfinite(errors))}",
        f"{len(found) - len(asked)}",
        f"{np.mean(covered):.0%}" if covered else "-",
        f"{milliseconds:.2f}",
    )
    return f"| `{method.name}` | " + " | ".join(cells) + " |"


def relative_error(measured: Measured, truth: float) -> float:
    return float(abs(measured.value - truth)) / abs(truth) if measured.status == "ok" else np.inf


def rated(measured: Measured) -> bool:
    return measured.status == "ok" and bool(np.isfinite(measured.error_estimate))


def main() -> None:
    fmt = get_format(sys.argv[1] if len(sys.argv) > 1 else "float64")
    known = list(cases(fmt))
    names = ["central-2", "central-4", *(n for n, m in db.methods().items() if m.family == "rival")]
    print(f"{fmt.name}, {len(known)} cases\n")  # noqa: T201
    print("| method | median | 90 % | evaluations | failed | wrong | refused | coverage | ms a call |")  # noqa: T201
    print("|---|---|---|---|---|---|---|---|---|")  # noqa: T201
    for name in names:
        measure(db.methods()[name], np.exp, fmt, 1.0)  # the import is not part of a call
        print(row(db.methods()[name], fmt, known), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
