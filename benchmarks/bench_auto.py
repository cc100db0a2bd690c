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
from diffbench.methods.automatic import estimate, estimate_array, estimate_many

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


#: A function, and where its points lie.
MANY: tuple[tuple[str, Callable[[Any], Any], float, float], ...] = (
    ("sin", np.sin, 0.5, 1.4),
    ("exp", np.exp, 0.5, 1.4),
    ("exp(sin(x)) x", lambda x: np.exp(np.sin(x)) * x, 0.5, 1.4),
    ("sin(3 x) cos(5 x)", lambda x: np.sin(3 * x) * np.cos(5 * x), -5.0, 5.0),
    ("exp(-x^2)", lambda x: np.exp(-x * x), -5.0, 5.0),
)


@pytest.mark.parametrize(("name", "f", "low", "high"), MANY[:3], ids=[m[0] for m in MANY[:3]])
def test_many_easy_points_beside_their_evaluations(
    benchmark: Any, name: str, f: Callable[[Any], Any], low: float, high: float
) -> None:
    """Easy ones of 2^17 points, against f at the very nodes asked for; CPU time of one thread."""
    x = np.random.default_rng(0).uniform(low, high, 1 << 17)
    hard = list(estimate_array(f, x, FLOAT64).results)
    x = np.delete(x, hard)
    asked: list[Any] = []

    def sample(nodes: Any) -> Any:
        asked.append(nodes.copy())
        return f(nodes)

    found = estimate_array(sample, x, FLOAT64)
    assert len(found.results) <= 1e-4 * len(x), "points are easy"

    def subject() -> Any:
        return estimate_array(f, x, FLOAT64)

    seen = cpu_ratio(subject, lambda: [f(nodes) for nodes in asked], 5)
    note(benchmark, seen, "raw evaluation of the nodes", 3.0 if name == "sin" else None)
    benchmark.extra_info["hard"] = round(len(hard) / (1 << 17), 4)
    benchmark.pedantic(subject, rounds=2)


@pytest.mark.parametrize(("name", "f", "low", "high"), MANY, ids=[m[0] for m in MANY])
def test_many_points_beside_points_one_by_one(
    benchmark: Any, name: str, f: Callable[[Any], Any], low: float, high: float
) -> None:
    """All of 2^14 points, hard ones included, against 2^8 of them one by one: CPU time per point."""
    x = np.random.default_rng(0).uniform(low, high, 1 << 14)

    def subject() -> Any:
        return estimate_array(f, x, FLOAT64)

    some = x[: 1 << 8].tolist()
    seen = cpu_ratio(subject, lambda: estimate_many(f, some, FLOAT64), 3)
    note(benchmark, seen * len(some) / len(x), "points one by one")
    benchmark.pedantic(subject, rounds=1)


def cpu_ratio(subject: Callable[[], Any], other: Callable[[], Any], rounds: int) -> float:
    """Smallest CPU time of the subject over that of something else, taken alternately."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for seen, work in zip(times, (subject, other), strict=True):
            start = process_time()
            work()
            seen.append(process_time() - start)
    return min(times[0]) / min(times[1])


def test_the_public_call(benchmark: Any) -> None:
    """db.derivative with strict arithmetic, against the estimator on the bare function."""
    found = ratio(lambda: db.derivative(np.sin, X), lambda: estimate(np.sin, X, FLOAT64), 12)
    note(benchmark, found, "the estimator on the bare function")
    benchmark(lambda: db.derivative(np.sin, X))
