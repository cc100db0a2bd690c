"""How often the gradient check errs, counted: the tables of docs/gradient-check.md.

    python tests/gradient_scores.py            # the catalogue, and the sets of gradient_cases.py
    python tests/gradient_scores.py 101 6      # with another seed, and 6 random points for every function
    python tests/gradient_scores.py 101 6 fresh    # one set only: catalogue, shown, held out, fresh, kinks
    python tests/gradient_scores.py 101 6 float32  # one format only

The last column is the calls of f for one component with a right gradient, those that measure noise (once for
a point) included.

Right gradients are certified (catalogue) or the hand-written code run in float64, rounded to the format.
Every planted error is put into every component at once; each component is judged on its own.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradient_cases
import numpy as np

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.problems import problems

FORMATS = ("float64", "float32", "float16", "bfloat16")
VERDICTS = ("agrees", "disagrees", "cannot tell")
#: The missing term that must be caught.
MISSING = {"float64": 0.01, "float32": 0.01, "float16": 0.1, "bfloat16": 0.3}


class Check(NamedTuple):
    """A function, a point, the right gradient there rounded to the format, and its code if it has any."""

    name: str
    f: Any
    x: Any
    right: Any
    gradient: Any = None


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
                yield Check(problem.name, problem.function, rounding.round(np.array([x])), right)


def cases(fmt: str, chosen: dict[str, gradient_cases.Case], seed: int, count: int) -> Iterator[Check]:
    """The points of the cases, moved at random by up to 40 %; at the points themselves if count is 0."""
    rounding, random = get_format(fmt), np.random.default_rng(seed)
    for name, case in chosen.items():
        for _ in range(max(count, 1)):
            moved = case.x * (1 + 0.4 * random.uniform(-1, 1, case.x.shape)) if count else case.x
            x = rounding.round(moved)
            right = rounding.round(np.asarray(case.gradient(x.astype(np.float64))))
            yield Check(name, case.f, x, right, case.gradient)


def verdicts(fmt: str, checks: list[Check], factor: float = 1.0, along: bool = False) -> Counter[str]:
    """Verdicts on all components; a claim of 0 cannot be wrong by a factor and is left out then.

    ``lost`` counts those of ``cannot tell`` that no value shows: the error changes f by less than half a unit
    in its last place even over a distance of max(1, abs(x)).
    """
    found: Counter[str] = Counter()
    rounding = get_format(fmt)
    for _, f, x, right, gradient in checks:
        claim = rounding.round(right.astype(np.float64) * factor)

        def code(at: Any, gradient: Any = gradient) -> Any:
            return rounding.round(rounding.round(np.asarray(gradient(at))).astype(np.float64) * factor)

        try:
            result = db.check_gradient(f, code if along else lambda _, claim=claim: claim, x, fmt, along)
        except db.errors.UserError:  # f has no finite value at the point in this format
            found["refused"] += 1
            continue
        found["calls"] += result.evaluations
        half_unit = float(rounding.ulp(np.asarray(f(x), dtype=np.float64).reshape(-1)[0])) / 2
        share = abs(factor - 1) if factor != 1 else MISSING[fmt]
        for finding, at, slope in zip(result.findings, x.reshape(-1), right.reshape(-1), strict=True):
            if factor != 1 and finding.claimed == 0:
                continue
            found[finding.verdict] += 1
            change = share * abs(float(slope)) * max(1.0, abs(float(at)))
            found["lost"] += finding.verdict == "cannot tell" and change < half_unit
    return found


def line(fmt: str, checks: list[Check], along: bool = False) -> str:
    """One row of the table: what is found, and in brackets what is found or lost."""
    right = verdicts(fmt, checks, along=along)
    total = sum(right[verdict] for verdict in VERDICTS)
    cells = [fmt + " along" * along, total, right["disagrees"], f"{right['cannot tell'] / total:.0%}"]
    agreed = 0
    for factor in planted(fmt).values():
        wrong = verdicts(fmt, checks, factor, along)
        agreed += wrong["agrees"]
        judged = sum(wrong[verdict] for verdict in VERDICTS)
        caught, lost = wrong["disagrees"], wrong["lost"]
        cells.append(f"{caught / judged:.0%}" + (f" ({(caught + lost) / judged:.0%})" if lost else ""))
    return " | ".join(map(str, [*cells, agreed, round(right["calls"] / total)]))


def main(seed: int, count: int, chosen: list[str]) -> None:
    sets = {
        "shown": gradient_cases.SHOWN,
        "held out": gradient_cases.HELD_OUT,
        "fresh": gradient_cases.FRESH,
        "kinks": gradient_cases.KINKS,
    }
    head = "format | components | false alarms | cannot tell | " + " | ".join(planted("float16"))
    formats = [fmt for fmt in FORMATS if fmt in chosen] or FORMATS
    for title in [word for word in chosen if word not in FORMATS] or ["catalogue", *sets]:
        sys.stdout.write(f"{title}: {head} | planted and agreed | calls\n")
        for fmt in formats:
            checks = list(catalogue(fmt) if title == "catalogue" else cases(fmt, sets[title], seed, count))
            half = get_format(fmt).precision < 20 and title != "catalogue"
            for along in (False, True) if half else (False,):
                sys.stdout.write(line(fmt, checks, along) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()]
    main(*(numbers if len(numbers) == 2 else (101, 6)), [text for text in sys.argv[1:] if not text.isdigit()])
