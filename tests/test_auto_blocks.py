"""``auto`` in blocks beside single points: the same nodes, values and statuses, and bounds to rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffbench.arithmetic.formats import get_format
from diffbench.methods.automatic import estimate_array, estimate_many, window

FLOAT64 = get_format("float64")
#: Constants of powers of two are exact; sums of squares and products of noise are associated otherwise.
ASSOCIATION = 1e-12
Function = Callable[[Any], Any]


def rational(x: Any) -> Any:
    return (x * x + 0.3 * x + 1) / (x * x * x * x + 2)


def bumpy(x: Any) -> Any:
    """A square in pieces that do not quite meet: it jumps by 1e-14 at every odd sixteenth."""
    centre = np.rint(8 * x) / 8
    t = x - centre
    return (centre * centre + 2 * centre * t + t * t) * (1 + 1e-13 * centre)


def edged(x: Any) -> Any:
    return np.where(x > 0.9, np.nan, np.sqrt(np.abs(x * x - 0.5)) + x)


#: Functions of operations that IEEE 754 rounds exactly: the same value at a point in arrays of every length.
FUNCTIONS: list[tuple[str, Function, float, float]] = [
    ("rational", rational, 0.5, 1.4),
    ("rational, both signs", rational, -6.0, 6.0),
    ("pole", lambda x: 1 / (1 + x * x), 0.2, 3.0),
    ("root", lambda x: np.sqrt(x * x + x), 1e-3, 1e3),
    ("cubic, f' = 0 inside", lambda x: x * x * x - x, -1.0, 1.0),
    ("far from 0", lambda x: x / (1 + 1e-8 * x), 1e6, 1e8),
    ("offset", lambda x: 1e6 + x * x / (1 + x), 0.5, 2.0),
    ("few bits left", lambda x: (2.5 + x / (1 + x * x)) - 2.5, 0.1, 0.4),
    ("few bits left of some", lambda x: (2.5 + x / (1 + x * x)) - 2.5, 0.1, 3.0),
    ("cubic, f = 0 inside", lambda x: x * x * x - 2 * x + 1, 0.5, 1.4),
    ("bell", lambda x: 1 / ((1 + x * x) * (1 + x * x)), -3.0, 3.0),
    ("narrow pole", lambda x: 1 / (1e-3 + (x - 1) * (x - 1)), 0.5, 1.5),
    ("wiggles", lambda x: (x * x - 0.3) * (x * x - 1.7) * (x * x - 4.1) / (1 + x * x * x * x), -3.0, 3.0),
    ("steps", lambda x: np.rint(x * 1e9) / 1e9 + x * x, 0.5, 2.0),
    ("pieces", bumpy, 0.5, 2.0),
    ("kink", lambda x: np.abs(x - 1) + x * x, 0.9, 1.1),
    ("edge", edged, 0.6, 1.0),
]


def rows(f: Function) -> Function:
    def sample(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(np.asarray(x))

    return sample


def differences(f: Function, low: float, high: float, count: int, seed: int) -> tuple[dict[str, int], int]:
    """How often blocks and single points differ, and how many points were done in blocks."""
    x = np.random.default_rng(seed).uniform(low, high, count)
    together = estimate_array(rows(f), x, FLOAT64)
    alone = estimate_many(rows(f), list(x), FLOAT64)
    bound = np.array([r.bound for r in alone])
    found = {
        name: int((~((got == want) | ((got != got) & (want != want)))).sum())
        for name, got, want in (
            ("value", together.value, np.array([r.value for r in alone])),
            ("h", together.h, np.array([r.h for r in alone])),
            ("evaluations", together.evaluations, np.array([r.evaluations for r in alone])),
            ("status", together.status, np.array([r.status for r in alone], object)),
        )
    }
    with np.errstate(invalid="ignore"):
        apart = (np.abs(together.bound - bound) > ASSOCIATION * bound) & (together.bound != bound)
    found["bound"] = int(apart.sum())
    return found, count - len(together.results)


@pytest.mark.parametrize(("name", "f", "low", "high"), FUNCTIONS, ids=[c[0] for c in FUNCTIONS])
def test_blocks_decide_like_single_points(name: str, f: Function, low: float, high: float) -> None:
    found, _ = differences(f, low, high, 400, 11)
    assert not any(found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "f", "low", "high"), FUNCTIONS, ids=[c[0] for c in FUNCTIONS])
def test_blocks_decide_like_single_points_at_thousands(
    name: str, f: Function, low: float, high: float
) -> None:
    found, _ = differences(f, low, high, 6000, 12)
    assert not any(found.values()), found


def test_blocks_are_what_is_tested() -> None:
    """Windows that slide and points that part ways are done in blocks as well."""
    _, done = differences(rational, 0.5, 1.4, 300, 13)
    assert done > 280


@pytest.mark.parametrize("name", ["bell", "narrow pole", "wiggles", "cubic, f = 0 inside"])
def test_bends_grain_and_inner_nodes_are_done_in_blocks(name: str) -> None:
    """No h^2 law at once, zeros, truncation that a node below mends: nine points in ten are easy still."""
    f, low, high = next(case[1:] for case in FUNCTIONS if case[0] == name)
    x = np.random.default_rng(15).uniform(low, high, 1000)
    assert len(estimate_array(rows(f), x, FLOAT64).results) < 100


# not CONFLICT: where a node contradicts a fit, blocks decide nothing and hand the point over
@pytest.mark.parametrize(("constant", "value"), [("LEAST_DECAY", 0.5), ("SURE", 2.0), ("MARGIN", 11.0)])
def test_another_rule_in_blocks_is_noticed(
    constant: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, constant, value)
    found, _ = differences(rational, -6.0, 6.0, 300, 14)
    assert any(found.values())


def composition(seed: int) -> tuple[Function, float]:
    """A function drawn from exact operations, and its length scale."""
    draw = np.random.default_rng(seed)
    c, kinds, scale = draw.uniform(-3, 3, 8).round(3), draw.integers(0, 6, 5), 10.0 ** draw.integers(-3, 4)

    def f(x: Any) -> Any:
        t = x / scale
        v = t * c[0] + c[1]
        for i, kind in enumerate(kinds):
            one = c[2 + i]
            v = (
                v * (t - one),
                v + one * t * t,
                1 / (1.3 + v * v),
                np.sqrt(2 + v * v) + t,
                v / (2 + t * t),
                v - one * t * t * t,
            )[kind]
        return v

    return f, scale


@pytest.mark.parametrize("seed", range(12))
def test_compositions_are_decided_alike(seed: int) -> None:
    f, scale = composition(seed)
    found, _ = differences(f, -3 * scale if seed % 2 else 0.2 * scale, 3 * scale, 100, seed)
    assert not any(found.values()), found
