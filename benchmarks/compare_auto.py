"""``auto`` on what others use to judge: another library's benchmark, and the distributions of SciPy.

    python benchmarks/compare_auto.py numericalderivative     its 16 problems, 100 points each, every selector
    python benchmarks/compare_auto.py distributions           cdf against pdf, five quantiles of each

Neither was used to tune anything. Truth: certified Taylor series for the first, where the problem runs in Arb
(its own formula otherwise); the density for the second.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from diffbench.random_functions import HEADER, Case, Exact, exact_derivatives, line, measured

QUANTILES = (0.001, 0.1, 0.5, 0.9, 0.999)
SLOW = {"studentized_range", "levy_stable"}  # a cdf takes seconds: not measured
SELECTORS = (
    "stepleman-winarsky",
    "stepleman-winarsky-initialised",
    "shi-xie-xuan-nocedal-general",
    "shi-xie-xuan-nocedal-forward",
    "gill-murray-saunders-wright",
    "dumontet-vignes",
)


def library_cases() -> Iterator[Case]:
    """The benchmark of numericalderivative: 100 points from end to end of the interval of each problem."""
    import numericalderivative as nd

    for problem in nd.build_benchmark():
        f, formula = problem.get_function(), problem.get_first_derivative()
        for x in np.linspace(*problem.get_interval(), 100):
            known = exact_derivatives(f, float(x), 1)
            exact, rest = known[1] if known is not None else Exact(float(formula(x)))
            if exact != 0 and math.isfinite(exact):
                yield Case(problem.get_name(), "numericalderivative", f, float(x), exact, 0.0, rest=rest)


def numericalderivative() -> None:
    """Every selector of the library with the inputs of its own pages, and the other rivals."""
    drawn = list(library_cases())
    print(f"{len(drawn)} cases\n\n{HEADER}")  # noqa: T201
    others = ("auto", "numdifftools", "jacobi", "scipy.differentiate", "fdm", "central-2@cbrt-eps")
    for name in (*others, *(f"numericalderivative.{s}" for s in SELECTORS)):
        print(line(name, [measured(name, case) for case in drawn]), flush=True)  # noqa: T201


def distribution_cases() -> Iterator[Case]:
    """Every continuous distribution of SciPy with the parameters of its own tests."""
    from scipy import stats
    from scipy.stats._distr_params import distcont

    for name, shape in distcont:
        if not isinstance(name, str) or name in SLOW:
            continue
        law = getattr(stats, name)(*shape)
        for q in QUANTILES:
            x = float(law.ppf(q))
            density = float(law.pdf(x))
            if math.isfinite(x) and math.isfinite(density) and density > 0:
                yield Case(f"{name}{shape} at {q}", name, law.cdf, x, density, 0.0)


def distributions() -> None:
    """The table, and every row that is flagged, wrong or not covered."""
    drawn = list(distribution_cases())
    print(f"{len(drawn)} cases\n\n{HEADER}")  # noqa: T201
    rows = [measured("auto", case) for case in drawn]
    print(line("auto", rows))  # noqa: T201
    for name in ("numdifftools", "jacobi", "central-2@cbrt-eps"):
        print(line(name, [measured(name, case) for case in drawn]), flush=True)  # noqa: T201
    for row in rows:
        if row.flagged or row.failed or row.wrong or not row.covered:
            print(  # noqa: T201
                f"{row.case.name}: x={row.case.x!r} error {row.error:.1e}, claimed {row.claimed:.1e}, "
                f"value {row.value:.16g}, pdf {row.case.truth:.16g}, {row.status}, {row.evaluations}"
            )


TABLES: dict[str, Callable[[], Any]] = {
    "numericalderivative": numericalderivative,
    "distributions": distributions,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("table", choices=TABLES)
    warnings.simplefilter("ignore")
    TABLES[parser.parse_args().table]()
