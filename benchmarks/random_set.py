"""Random functions to judge derivative methods by: nobody can have tuned to what is drawn after the fact.

    python benchmarks/random_set.py [--seed 7] [--cases 1000] [--methods auto] [--groups] [--format float16]

The functions, their truths and the scores are those of :mod:`diffbench.random_functions`; a run of a suite
with a table ``[random]`` has them in its report. Tuning uses seeds below 1000; a published table one that is
fixed by the frozen code (docs/auto.md), which is the seed here unless another is given.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import islice

from diffbench.errors import UserError
from diffbench.random_functions import (
    GROUPS,
    HEADER,
    NARROW,
    SEED,
    Case,
    Row,
    cases,
    check_format,
    draw_cases,
    find,
    hashed,
    line,
    measured,
    narrow_cases,
    shares,
    truth,
)

__all__ = [
    "GROUPS",
    "HEADER",
    "NARROW",
    "Case",
    "Row",
    "cases",
    "hashed",
    "line",
    "measured",
    "narrow_cases",
    "truth",
]

METHODS = (
    "auto",
    "numdifftools",
    "jacobi",
    "scipy.differentiate",
    "fdm",
    "statsmodels.centered",
    "central-2@cbrt-eps",
)


def at_least(low: int) -> Callable[[str], int]:
    """Whole numbers from ``low`` on, for argparse."""

    def number(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, not {value}")
        return value

    number.__name__ = "whole number"
    return number


def main() -> None:
    """Print the tables of a seed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=at_least(0), default=SEED, help="default: that of docs/auto.md")
    parser.add_argument("--cases", type=at_least(1), default=1000)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--format", default="float64")
    parser.add_argument("--groups", action="store_true", help="a line for every group of the first method")
    options = parser.parse_args()
    try:
        fmt = check_format(options.format)
        methods = [find(name) for name in options.methods.split(",")]
    except UserError as error:
        parser.error(str(error))
    drawn = list(islice(draw_cases(options.seed, fmt), options.cases))
    print(f"seed {options.seed}, {fmt}, {len(drawn)} cases\n\n{HEADER}")  # noqa: T201
    for method in methods:
        start = time.perf_counter()
        rows = [measured(method, case) for case in drawn]
        print(line(method.name, rows), f" {time.perf_counter() - start:.1f} s", flush=True)  # noqa: T201
        if options.groups and method is methods[0]:
            for group in shares(fmt):
                some = [row for row in rows if row.case.group == group]
                if some:
                    print(line(f"{method.name}: {group} ({len(some)})", some))  # noqa: T201


if __name__ == "__main__":
    main()
