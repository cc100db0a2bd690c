"""``auto`` against the work it cannot avoid and against its rivals: ratios within one run."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pytest
from bench_engines import note, ratio

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.methods.automatic import estimate, estimate_array

FLOAT64 = get_format("float64")
X = 1.0


def numdifftools(x: float) -> Any:
    library = pytest.importorskip("numdifftools")
    return library.Derivative(np.sin)(x)


def jacobi(x: float) -> Any:
    library = pytest.importorskip("jacobi")
    return library.jacobi(np.sin, x)


def scipy(x: float) -> Any:
    from scipy.differentiate import derivative

    return derivative(np.sin, x)


@pytest.mark.parametrize("rival", [jacobi, numdifftools, scipy], ids=lambda f: f.__name__)
def test_one_call_beside_a_rival_with_an_error_estimate(
    benchmark: Any, rival: Callable[[float], Any]
) -> None:
    """One scalar derivative of sin, its evaluations included; the target is to be below every rival."""

    def subject() -> Any:
        return estimate(np.sin, X, FLOAT64)

    rival(X)
    note(benchmark, ratio(subject, lambda: rival(X), 12), f"one call of {rival.__name__}", 1.0)
    benchmark(subject)


def test_many_easy_points_beside_their_evaluations(benchmark: Any) -> None:
    """sin at 2^17 points of [0.5, 1.4], against sin at the very nodes asked for; CPU time of one thread."""
    x = np.random.default_rng(0).uniform(0.5, 1.4, 1 << 17)
    asked: list[Any] = []

    def sample(nodes: Any) -> Any:
        asked.append(nodes.copy())
        return np.sin(nodes)

    found = estimate_array(sample, x, FLOAT64)
    assert not found.results, "all points are easy"

    def subject() -> Any:
        return estimate_array(np.sin, x, FLOAT64)

    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(3):
        for seen, work in zip(times, (subject, lambda: [np.sin(nodes) for nodes in asked]), strict=True):
            start = process_time()
            work()
            seen.append(process_time() - start)
    note(benchmark, min(times[0]) / min(times[1]), "raw evaluation of the nodes", 3.0)
    benchmark.pedantic(subject, rounds=2)


def test_the_public_call(benchmark: Any) -> None:
    """db.derivative with strict arithmetic, against the estimator on the bare function."""
    found = ratio(lambda: db.derivative(np.sin, X), lambda: estimate(np.sin, X, FLOAT64), 12)
    note(benchmark, found, "the estimator on the bare function")
    benchmark(lambda: db.derivative(np.sin, X))
