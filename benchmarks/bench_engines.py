"""The engines against the work they cannot avoid: ratios within one run, never absolute times.

Every benchmark times its subject with pytest-benchmark and notes a ratio: the smallest time of the subject
over the smallest time of the unavoidable work, both taken alternately so that a busy machine slows both.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from flint import arb

from diffbench.arithmetic.balls import to_balls, working_precision
from diffbench.arithmetic.formats import get_format
from diffbench.frames import sweep_frame
from diffbench.methods.finite_differences import Scheme, nodes
from diffbench.reference import certify
from diffbench.sampling import Subject, sample_point, sample_steps
from diffbench.stencils import stencil
from diffbench.steps.grid import Steps, round_steps
from diffbench.sweep import SweepSettings

FLOAT64 = get_format("float64")
SUBJECT = Subject(lambda x: np.exp(np.sin(x)) * x**2 + 0.1 * x, 1.0, 1.0)
X = np.float64(1.0)
RAW_BITS = 320


def ratio(subject: Callable[[], Any], unavoidable: Callable[[], Any], rounds: int) -> float:
    """Smallest time of the subject over the smallest time of the unavoidable work, taken alternately."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for found, work in zip(times, (subject, unavoidable), strict=True):
            start = perf_counter()
            work()
            found.append(perf_counter() - start)
    return min(times[0]) / min(times[1])


def note(benchmark: Any, value: float, against: str, target: float | None = None) -> None:
    benchmark.extra_info.update({"ratio": round(value, 3), "against": against, "target": target})


def test_float_part_of_a_sweep(benchmark: Any) -> None:
    """Nodes, function values and both estimates at 1000 steps, central-2 and central-6, all in float64."""
    schemes = [Scheme(stencil("central", derivative=1, accuracy=p)) for p in (2, 6)]
    steps = round_steps(FLOAT64, np.logspace(0, -16, 1000))
    where = sample_steps(SUBJECT, FLOAT64, X, schemes, steps)[0].nodes.copy()

    def part() -> Any:
        return sample_steps(SUBJECT, FLOAT64, X, schemes, steps)

    found = ratio(part, lambda: SUBJECT.function(where), 500)
    note(benchmark, found, "raw NumPy evaluations of the nodes", 2.0)
    benchmark(part)


def test_whole_sweep_with_the_exact_split(benchmark: Any) -> None:
    """12 stencils on offsets -4..4 at 340 steps, float64: references, split and data frame included."""
    schemes = SweepSettings().schemes(FLOAT64)
    steps = round_steps(FLOAT64, np.logspace(0, -16.5, 340))
    exact, rounded = _balls_of_all_nodes(schemes, steps)
    literal = arb(0.1)

    def raw() -> None:
        with working_precision(RAW_BITS):
            for group in (exact, rounded):
                _ = [x.sin().exp() * x**2 + literal * x for x in group]

    def whole() -> Any:
        result = sample_point(SUBJECT, FLOAT64, schemes, steps)
        return sweep_frame("f", FLOAT64, {"1.0": (result, steps, 1.0)})

    assert len(schemes) == 12
    rows = len(whole())
    against = f"raw Arb at {RAW_BITS} bits, {len(exact)} exact and {len(rounded)} rounded nodes"
    note(benchmark, ratio(whole, raw, 25), against, 2.5)
    benchmark.extra_info["rows"] = rows
    benchmark.pedantic(whole, rounds=10, warmup_rounds=1)


def _balls_of_all_nodes(schemes: list[Scheme], steps: Steps) -> tuple[list[arb], list[arb]]:
    offsets = tuple(sorted({s for scheme in schemes for s in scheme.stencil.offsets}))
    with working_precision(RAW_BITS):
        h = to_balls(steps.h)
        exact = np.concatenate([arb(1) + h * int(s) for s in offsets]).tolist()
        rounded = to_balls(nodes(FLOAT64, X, steps.h, offsets)).ravel().tolist()
    return exact, rounded


@pytest.mark.parametrize("orders", [3, 13])
def test_reference_engine(benchmark: Any, orders: int) -> None:
    """Certified derivatives 0 to ``orders`` with mpmath's check, against one Taylor series of that length."""
    from diffbench.arithmetic.taylor import TaylorArithmetic

    series = TaylorArithmetic(RAW_BITS, orders + 1)

    def certified() -> Any:
        return certify(SUBJECT.function, X, orders)

    def one_series() -> Any:
        return series.expand(SUBJECT.function, arb(1))

    note(benchmark, ratio(certified, one_series, 100), "one Taylor series over Arb")
    benchmark(certified)
