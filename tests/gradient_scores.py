"""How often the gradient check errs, counted: the tables of docs/gradient-check.md.

    python tests/gradient_scores.py            # the catalogue, and both sets of gradient_cases.py
    python tests/gradient_scores.py 101 6      # with another seed, and 6 random points for every function

Right gradients are certified (catalogue) or the hand-written code run in float64, rounded to the format.
Every planted error is put into every component at once; each component is judged on its own.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import gradient_cases
import numpy as np

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.problems import problems

FORMATS = ("float64", "float32", "float16", "bfloat16")
#: The missing term that must be caught.
MISSING = {"float64": 0.01, "float32": 0.01, "float16": 0.1, "bfloat16": 0.3}
Check = tuple[str, Any, Any, Any]  # name, f, x, right gradient (both in the format)


def planted(fmt: str) -> dict[str, float]:
    """Name of an error and the factor that makes it."""
    part = MISSING[fmt]
    return {"factor 2": 2, "factor 0.5": 0.5, "sign": -1, "missing": 1 - part, "too much": 1 + part}


def catalogue(fmt: str) -> Iterator[Check]:
    """Certified derivatives of the catalogue at all its points where the function is smooth."""
    rounding = get_format(fmt)
    for problem in problems().values():
        if problem.opaque or (problem.formats and fmt not in problem.formats):
            continue
        for x in {float(v) for v in rounding.round(np.array(problem.points)) if np.isfinite(v)}:
            if not problem.domain[0] < x < problem.domain[1] or x in problem.stated:
                continue
            truth = db.reference(problem.function, x, digits=25)
            right = rounding.round(np.array([float(truth.value)]))
            if truth.kind == "smooth" and truth.status == "ok" and np.isfinite(right[0]):
                yield problem.name, problem.function, rounding.round(np.array([x])), right


def cases(fmt: str, chosen: dict[str, gradient_cases.Case], seed: int, count: int) -> Iterator[Check]:
    """The points of the cases, moved at random by up to 40 %; at the points themselves if count is 0."""
    rounding, random = get_format(fmt), np.random.default_rng(seed)
    for name, case in chosen.items():
        for _ in range(max(count, 1)):
            moved = case.x * (1 + 0.4 * random.uniform(-1, 1, case.x.shape)) if count else case.x
            x = rounding.round(moved)
            yield name, case.f, x, rounding.round(np.asarray(case.gradient(x.astype(np.float64))))


def verdicts(fmt: str, checks: list[Check], factor: float = 1.0) -> Counter[str]:
    """Verdicts on all components; a claim of 0 cannot be wrong by a factor and is left out then."""
    found: Counter[str] = Counter()
    rounding = get_format(fmt)
    for _, f, x, right in checks:
        claim = rounding.round(right.astype(np.float64) * factor)
        try:
            result = db.check_gradient(f, lambda _, claim=claim: claim, x, fmt)
        except db.errors.UserError:  # f has no finite value at the point in this format
            found["refused"] += 1
            continue
        found.update(
            finding.verdict for finding in result.findings if factor == 1 or abs(finding.claimed) > 0
        )
    return found


def line(fmt: str, checks: list[Check]) -> str:
    right = verdicts(fmt, checks)
    total = sum(right.values()) - right["refused"]
    cells = [f"{fmt:9}", f"{total:5}", f"{right['disagrees']:3}", f"{right['cannot tell'] / total:4.0%}"]
    agreed = 0
    for factor in planted(fmt).values():
        wrong = verdicts(fmt, checks, factor)
        agreed += wrong["agrees"]
        cells.append(f"{wrong['disagrees'] / (sum(wrong.values()) - wrong['refused']):5.0%}")
    return " | ".join([*cells, str(agreed)])


def main(seed: int, count: int) -> None:
    sets = {"shown": gradient_cases.SHOWN, "held out": gradient_cases.HELD_OUT, "kinks": gradient_cases.KINKS}
    head = "format | components | false alarms | cannot tell | " + " | ".join(planted("float16"))
    for title in ("catalogue", *sets):
        sys.stdout.write(f"{title}: {head} | planted and agreed\n")
        for fmt in FORMATS:
            checks = catalogue(fmt) if title == "catalogue" else cases(fmt, sets[title], seed, count)
            sys.stdout.write(line(fmt, list(checks)) + "\n")


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    main(*(numbers if len(numbers) == 2 else (101, 6)))
