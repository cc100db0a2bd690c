"""Step rules and selectors over many points: against raw evaluation of the nodes, and against SciPy.

As in ``bench_engines.py``: ratios within one run, subject and unavoidable work taken alternately.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bench_engines import SUBJECT, note, ratio

import diffbench as db

RNG = np.random.default_rng(2)
MANY = RNG.uniform(0.5, 2.0, 1_000_000)
SOME = RNG.uniform(0.5, 2.0, 20_000)


@pytest.mark.parametrize("method", ["central-2@eps-scaled", "central-2@1e-4"])
def test_rule_of_thumb_over_a_million_points(benchmark: Any, method: str) -> None:
    """Steps, nodes, values, quotient and statuses against the values alone."""
    h = 2.0**-17
    nodes = np.stack([MANY + h, MANY - h])

    def derivative() -> Any:
        return db.derivative(SUBJECT.function, MANY, method=method)

    assert derivative().status == "ok"
    found = ratio(derivative, lambda: SUBJECT.function(nodes), 5)
    note(benchmark, found, "raw NumPy evaluation of its 2 million nodes", 1.4)
    benchmark.pedantic(derivative, rounds=2, warmup_rounds=0)


def exact(x: Any) -> Any:
    """d/dx exp(sin x) x^2 + 0.1 x in longdouble."""
    t = x.astype(np.longdouble)
    return np.exp(np.sin(t)) * (np.cos(t) * t**2 + 2 * t) + np.longdouble(0.1)


ADAPTIVE = (
    "central-4@fdm-bound",
    "central-6@fdm-bound",
    "central-6@shi-xie",
    "ridders",
    "richardson-central",
)


@pytest.mark.parametrize("method", ADAPTIVE)
def test_adaptive_selector_against_scipy(benchmark: Any, method: str) -> None:
    """Time per point beside scipy.differentiate.derivative over the same points, and both errors."""
    differentiate = pytest.importorskip("scipy.differentiate")

    def ours() -> Any:
        return db.derivative(SUBJECT.function, SOME, method=method).value

    def theirs() -> Any:
        return differentiate.derivative(SUBJECT.function, SOME).df

    note(benchmark, ratio(ours, theirs, 3), "scipy.differentiate.derivative on the same 20000 points", 1.0)
    benchmark.extra_info |= {"error": worst(ours), "error_scipy": worst(theirs)}
    benchmark.pedantic(ours, rounds=1, warmup_rounds=0)


def worst(method: Callable[[], Any]) -> float:
    """The 90th percentile of the relative error."""
    truth = exact(SOME)
    return float(np.percentile(np.abs((method() - truth) / truth).astype(float), 90))
