"""The default of ``db.gradient``: the estimator along all coordinates at once, with a bound for each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.methods.automatic.method import auto
from diffbench.multivariate.along import along_coordinate
from diffbench.multivariate.scores import errors
from diffbench.multivariate.truth import certify
from diffbench.problems.multivariate import multivariate_problems

PROBLEMS = [p for p in multivariate_problems().values() if not p.several]


def wavy(x: Any) -> Any:
    return np.sum(np.sin(x) * np.exp(0.25 * x), axis=0) + x[0] * x[-1]


def slopes(x: Any) -> Any:
    found = np.exp(0.25 * x) * (np.cos(x) + 0.25 * np.sin(x))
    found[0] += x[-1]
    found[-1] += x[0]
    return found


def outside(name: str) -> set[tuple[str, int]]:
    """Components of the catalogue that ``auto`` claims to know (ok) but are outside its bound."""
    found = set()
    for problem in PROBLEMS:
        if problem.formats is not None and name not in problem.formats:
            continue
        for point in problem.points:
            x = get_format(name).round(np.array(point))
            g = db.gradient(problem.function, x, check=False)
            error = np.abs(errors(g.value, certify(problem.function, x, orders=1, check=False).gradient))
            wrong = (g.statuses == "ok") & ~(error <= g.error)
            found |= {(problem.name, int(i)) for i in np.flatnonzero(wrong)}
    return found


@pytest.mark.parametrize("name", ["float64", "float32", "float16"])
def test_every_component_of_the_catalogue_is_within_its_bound(name: str) -> None:
    assert outside(name) == set()


@pytest.mark.parametrize("name", ["float64", "float32", "longdouble"])
@pytest.mark.parametrize("n", [1, 3, 50])
def test_each_component_is_what_one_variable_gives(name: str, n: int) -> None:
    """In lock step or not: the lines are estimated together, not differently.

    Bit for bit but for the bound, whose sums run over unscaled coefficients in lock step: 1e-12 of itself.
    """

    def chained(x: Any) -> Any:  # NumPy's sum would add in another order where the nodes lie otherwise
        total = x[0] * x[-1]
        for xi in x:
            total = total + np.sin(xi) * np.exp(0.25 * xi)
        return total

    fmt = get_format(name)
    x = fmt.round(0.5 + np.cos(np.arange(n)))
    found = db.gradient(chained, x)
    for i in (0, n // 2, n - 1):
        alone = auto(along_coordinate(chained, x, i), fmt, x[i : i + 1], 1)
        assert found.value[i] == alone.value[0]
        assert found.error[i] == pytest.approx(alone.error[0], rel=1e-12)
        assert found.h[i] == alone.h[0]
    assert found.value.dtype == fmt.dtype and found.statuses.shape == (n,)


@given(st.integers(1, 40), st.integers(1, 3), st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_batches_are_points_and_every_value_is_counted(n: int, batch: int, seed: int) -> None:
    seen = 0

    def watched(x: Any) -> Any:
        nonlocal seen
        seen += x.shape[1]
        return wavy(x)

    x = np.random.default_rng(seed).uniform(-2, 2, (n, batch))
    found = db.gradient(watched, x, check=False)
    assert seen == np.sum(np.broadcast_to(found.evaluations, batch))
    truth = slopes(x.copy())
    if n == 1:
        return  # x[0] * x[-1] is a square then
    fine = found.statuses == "ok"
    assert fine.mean() > 0.5
    assert (np.abs(found.value - truth) <= found.error + 4e-15 * np.abs(truth))[fine].all()
    single = db.gradient(wavy, x[:, -1])
    np.testing.assert_allclose(single.value, found.value[:, -1], rtol=1e-9, atol=1e-9)


def test_all_lines_share_calls_and_the_value_at_x() -> None:
    calls = []

    def watched(x: Any) -> Any:
        calls.append(x.shape[1])
        return wavy(x)

    n = 300
    found = db.gradient(watched, np.linspace(-1.5, 1.7, n), check=False)
    assert len(calls) < 200, "a few calls for all coordinates, not some for each"
    assert found.evaluations == sum(calls) and found.evaluations < 40 * n
    assert max(calls) <= 2**19 // (8 * n), "blocks of bounded memory"


def test_bounds_are_kept_and_said() -> None:
    def strict(x: Any) -> Any:
        assert np.all((x >= 0) & (x <= 2)), "evaluated outside the bounds"
        return np.exp(x[0]) * np.cos(x[1]) + x[2] ** 2

    x = np.array([0.0, 2.0, 1.0])
    found = db.gradient(strict, x, bounds=(0, 2), check=False)
    truth = np.array([np.cos(2.0), -np.sin(2.0), 2.0])
    assert (np.abs(found.value - truth) <= found.error).all() and (found.error < 1e-8).all()
    assert "x[0] from the right" in found.note and "x[1] from the left" in found.note
    assert "x[2]" not in found.note


def test_a_function_of_one_point_may_raise_outside_its_domain() -> None:
    def one(x: Any) -> Any:
        return math.log(x[0]) + math.sqrt(x[1])

    found = db.gradient(one, [1e-3, 4.0], vectorized=False, opaque=True)
    assert (np.abs(found.value - [1000.0, 0.25]) <= found.error).all()
    assert (found.error < 1e-6).all()
    with pytest.raises(ValueError, match="math domain"):
        db.gradient(one, [-1.0, 4.0], vectorized=False, opaque=True)


def test_what_auto_cannot_say_has_a_status_and_a_reason() -> None:
    kink = db.gradient(lambda x: np.abs(x[0]) + x[1] ** 2, [0.0, 1.0])
    assert kink.statuses.tolist() == ["low_confidence", "ok"] and kink.message
    assert kink.status == "low_confidence"
    edge = db.gradient(lambda x: np.log(x[0]) + x[1], [-1.0, 1.0])
    assert set(edge.statuses) == {"domain"} and edge.message and np.isnan(edge.value).all()


def test_a_step_asks_for_a_stencil() -> None:
    assert db.gradient(wavy, [1.0, 2.0], step=1e-5).stencils.tolist() == ["central-2", "central-2"]
    assert db.gradient(wavy, [1.0, 2.0]).stencils is None
