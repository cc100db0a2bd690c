"""Second derivatives of the functions of random_set.py: ``auto`` beside what else offers one.

    python benchmarks/random_second.py --seed 7 --cases 1000 [--methods auto] [--groups] [--format float16]

The cases are drawn as those for first derivatives are, with f'' of the smooth program as the truth; a case is
drawn again where f'' is below the rounding of f' over the scale of x, or its ball is wide. ``central-2, best
step`` is the constant relative step that has the fewest cases silently wrong on the set itself: a choice
nobody can make beforehand.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import get_format
from diffbench.random_functions import (
    GROUPS,
    HEADER,
    NARROW,
    Case,
    Exact,
    Row,
    exact_derivatives,
    line,
    measured,
)
from diffbench.random_functions.composites import Program
from diffbench.random_functions.groups import draw, draw_narrow

METHODS = ("auto", "numdifftools", "fdm", "central-2", "central-2, best step")
STEPS = tuple(10.0**-e for e in np.arange(0.5, 7.5, 0.5))


def truth(program: Program, x: float) -> list[Exact] | None:
    """f to f^(4), all finite, f'' sharp; or None."""
    found = exact_derivatives(program, x, 4, sharp=2)
    return found if found is not None and all(math.isfinite(exact.value) for exact in found) else None


def cases(seed: int, count: int) -> Iterator[Case]:
    """So many cases of a seed, in the proportions of ``GROUPS``."""
    rng = np.random.default_rng(seed)
    names, shares = list(GROUPS), np.array(list(GROUPS.values()))
    made = 0
    while made < count:
        group = str(rng.choice(names, p=shares / shares.sum()))
        name, f, smooth, x, noise = draw(rng, group)
        if not math.isfinite(x):
            continue
        with np.errstate(all="ignore"):
            f0 = float(np.asarray(f(np.array([x])))[0])
        derivatives = truth(smooth, x)
        if derivatives is None or not math.isfinite(f0) or not _fair(derivatives, 1e250):
            continue
        level = abs(noise) if noise >= 0 else -noise * abs(derivatives[0].value)
        second, rest = derivatives[2]
        best = 2 * math.sqrt(level * abs(derivatives[4].value) / 3) / abs(second)
        made += 1
        yield Case(f"{group}: {name}", group, f, x, second, best, rest=rest)


def _fair(derivatives: list[Exact], largest: float) -> bool:
    """Whether f'' is a number that matters beside f and f' over the scale of the function."""
    value, first, second, third, _ = (abs(exact.value) for exact in derivatives)
    if not 1 / largest < second < largest or not value < largest:
        return False
    return second > 1e-8 * math.sqrt(first) * math.sqrt(third)  # first and third go on over one scale


def narrow_cases(seed: int, count: int, format_name: str) -> Iterator[Case]:
    """... in a narrow format; x, f(x) and f''(x) are within its range."""
    from diffbench.steps.sampler import Sampler

    fmt = get_format(format_name)
    rng = np.random.default_rng(seed)
    names, shares = list(NARROW), np.array(list(NARROW.values()))
    made = 0
    while made < count:
        group = str(rng.choice(names, p=shares / shares.sum()))
        name, f, x = draw_narrow(rng, group, fmt.precision)
        x = float(fmt.round(x))
        derivatives = truth(f, x)
        f0 = float(Sampler(f, fmt)(np.array([x]))[0])
        if derivatives is None or not math.isfinite(f0) or not _fair(derivatives, 1e4):
            continue
        made += 1
        second, rest = derivatives[2]
        best = empirical_best(Sampler(f, fmt), x, fmt, second)
        yield Case(f"{group}: {name}", group, f, x, second, best, format_name, rest)


def empirical_best(sample: Program, x: float, fmt: Any, exact: float) -> float:
    """The robust best relative error of central-2: the worst of five steps in a row, where that is least."""
    scale = 2.0 ** math.floor(math.log2(abs(x))) if x else 1.0
    h = scale * 10.0 ** np.arange(0.5 * math.log10(fmt.u), 1.0, 0.05)
    upper = np.asarray(fmt.round(x + h), float)
    lower = np.asarray(fmt.round(x - (upper - x)), float)
    with np.errstate(all="ignore"):
        middle = sample(np.array([x]))[0]
        errors = np.abs(((sample(upper) - middle) + (sample(lower) - middle)) / (upper - x) ** 2 - exact)
    errors = np.where(np.isfinite(errors), errors, np.inf)
    return float(min(errors[k - 2 : k + 3].max() for k in range(2, len(errors) - 2)) / abs(exact))


def second_difference(case: Case, relative: float) -> Row:
    """The textbook at a constant relative step; 1 stands for x where that is 0."""
    from diffbench.steps.sampler import Sampler

    fmt = get_format(case.format)
    h = relative * (abs(case.x) or 1.0)
    upper = float(fmt.round(case.x + h))
    lower = float(fmt.round(case.x - (upper - case.x)))
    nodes = np.array([lower, case.x, upper])
    with np.errstate(all="ignore"):
        sample = case.f if case.format == "float64" else Sampler(case.f, fmt)
        a, b, c = np.asarray(sample(nodes), dtype=float)
        value = float(((c - b) + (a - b)) / np.square(upper - case.x))
    return Row("central-2, best step", case, value, math.nan, 3, "ok")


def best_step(drawn: list[Case]) -> tuple[str, list[Row]]:
    """The step of the fewest cases silently wrong or failed."""
    trials = {step: [second_difference(case, step) for case in drawn] for step in STEPS}
    step = min(trials, key=lambda s: sum(r.wrong or r.failed for r in trials[s]))
    return f"central-2, h = {step:.0e} x", trials[step]


def main() -> None:
    """Print the table of a seed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--methods", default="|".join(METHODS), help="separated by |")
    parser.add_argument("--format", default="float64")
    parser.add_argument("--groups", action="store_true", help="a line for every group of the first method")
    parser.add_argument("--rows", action="store_true", help="what is wrong or not covered, of auto")
    options = parser.parse_args()
    narrow = options.format != "float64"
    make = narrow_cases(options.seed, options.cases, options.format) if narrow else None
    drawn = list(make or cases(options.seed, options.cases))
    sys.stdout.write(f"seed {options.seed}, {options.format}, {len(drawn)} cases\n\n{HEADER}\n")
    names = options.methods.split("|")
    for name in names:
        start = time.perf_counter()
        if name == METHODS[-1]:
            label, rows = best_step(drawn)
        else:
            label, rows = name, [measured(name, case, derivative=2) for case in drawn]
        sys.stdout.write(f"{line(label, rows)}  {time.perf_counter() - start:.1f} s\n")
        if options.groups and name == names[0]:
            for group in NARROW if narrow else GROUPS:
                some = [r for r in rows if r.case.group == group]
                if some:
                    sys.stdout.write(line(f"{name}: {group} ({len(some)})", some) + "\n")
        if options.rows and name == "auto":
            for k, r in enumerate(rows):
                if r.wrong or not r.covered:
                    ratio = r.claimed / abs(r.value - r.case.truth)
                    sys.stdout.write(
                        f"{k:4d} {r.case.name:34s} x {r.case.x: .3e} {r.case.truth: .6e} {r.value: .6e}"
                        f" error {r.error:.1e} bound/error {ratio:.1e} best {r.case.best:.1e} {r.status}\n"
                    )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
