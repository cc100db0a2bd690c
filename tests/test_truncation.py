"""Truncation: closed forms, two routes, exact zeros, and steps where it is 1e-100 of the derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from diffbench import truncation
from diffbench.arithmetic.balls import working_precision
from diffbench.arithmetic.formats import get_format
from diffbench.methods.finite_differences import Scheme, layout
from diffbench.reference import certify
from diffbench.stencils import Stencil, stencil, stencil_from_name, stencil_names
from diffbench.steps.grid import given_steps
from diffbench.truncation import ACCURATE_BITS, Points, Truncation, truncations

Function = Callable[[Any], Any]

ALL = [stencil_from_name(name, m) for m in (1, 2, 3, 4) for name in stencil_names(m)]
FEW = [
    stencil_from_name(name, m)
    for m, name in (
        (1, "forward-1"),
        (1, "forward-4"),
        (1, "backward-2"),
        (1, "central-2"),
        (1, "central-8"),
        (2, "central-4"),
        (2, "forward-3"),
        (3, "central-2"),
        (4, "central-8"),
    )
]


def points(
    x: float, h: Sequence[float], stencils: Sequence[Stencil], scale: float = 1.0, name: str = "float64"
) -> Points:
    fmt, schemes = get_format(name), [Scheme(s) for s in stencils]
    plan = layout(tuple(schemes))
    return Points(fmt.round(x)[()], scale, schemes, plan.offsets, plan.index, given_steps(fmt, h).h)


def rational(ball: arb) -> Fraction:
    """The midpoint of a ball."""
    mantissa, exponent = (int(v) for v in ball.mid().man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def relative_gap(found: arb, exact: Fraction) -> float:
    return float(abs(rational(found) - exact) / abs(exact)) if exact else float(abs(rational(found)))


def of_polynomial(c: Sequence[int], x: Fraction, h: Fraction, s: Stencil) -> Fraction:
    """Stencil minus derivative of ``sum c_i t^i``, in rational arithmetic."""
    values = [sum(k * (x + o * h) ** i for i, k in enumerate(c)) for o in s.offsets]
    estimate = sum(w * v for w, v in zip(s.weights, values, strict=True)) / h**s.derivative
    m, factorial = s.derivative, 1
    for i in range(2, m + 1):
        factorial *= i
    slope = sum(k * factorial * comb(i, m) * x ** (i - m) for i, k in enumerate(c) if i >= m)
    return Fraction(estimate - slope)


# -- closed forms ------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=15),
    st.integers(-20, 20).map(lambda n: n / 8),
    st.integers(-60, 0),
)
def test_polynomials_have_the_truncation_of_rational_arithmetic(c: list[int], x: float, e: int) -> None:
    h = 2.0**e
    found = truncations(lambda t: sum((k * t**i for i, k in enumerate(c)), 0 * t), points(x, [h], FEW))
    for row, s in enumerate(FEW):
        exact = of_polynomial(c, Fraction(x), Fraction(h), s)
        assert relative_gap(found.balls[row, 0], exact) <= 1e-18  # 1e-12 is promised, 2^-64 is asked for
        if exact == 0:
            assert found.zero[row, 0]
            assert found.balls[row, 0].is_zero()
        else:
            assert not found.zero[row, 0]


@pytest.mark.parametrize("s", ALL, ids=lambda s: f"{s.name} d{s.derivative}")
def test_a_stencil_is_exact_just_below_its_order(s: Stencil) -> None:
    """Zero for degree m + p - 1, and C h^p (m+p)! for degree m + p: that is what the order means."""
    h, degree = [0.5, 2.0**-20], s.derivative + s.accuracy
    below = truncations(lambda t: t ** (degree - 1) - 2 * t, points(0.75, h, [s]))
    assert below.zero.all()
    at = truncations(lambda t: t**degree, points(0.75, h, [s]))
    for k, step in enumerate(h):
        exact = s.error_constant * Fraction(step) ** s.accuracy
        for i in range(2, degree + 1):
            exact *= i
        assert not at.zero[0, k]
        assert relative_gap(at.balls[0, k], exact) <= 1e-18


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "longdouble"])
def test_the_forward_difference_of_a_square_is_wrong_by_h(name: str) -> None:
    data = points(4.0, [0.1, 1e-2, 1e-3], [stencil("forward", accuracy=1)], name=name)
    found = truncations(np.square, data)
    for k, step in enumerate(data.h):
        exact = Fraction(*np.longdouble(step).as_integer_ratio())  # h as the format has it, not 0.1
        assert relative_gap(found.balls[0, k], exact) <= 1e-18


# function, x, derivatives of any order through the references
SMOOTH: tuple[tuple[str, Function, float], ...] = (
    ("sin", np.sin, 1.0),
    ("exp", np.exp, 0.7),
    ("log", np.log, 1.5),
    ("tanh", np.tanh, 0.3),
    ("runge", lambda x: 1 / (1 + 25 * x**2), 0.2),
    ("product", lambda x: np.exp(np.sin(x)) * x**2 + 0.1 * x, 1.3),
    ("power", lambda x: x**4.5, 1.5),
)


@pytest.mark.parametrize(("name", "f", "x"), SMOOTH, ids=[case[0] for case in SMOOTH])
def test_truncation_is_the_taylor_series_of_the_stencil(name: str, f: Function, x: float) -> None:
    """At 1e-15 the truncation of central-8 is 1e-120 of the derivative; three terms give it to h^3."""
    h = 1e-15
    derivatives = [rational(r.ball) for r in certify(f, x, 20, checked=[]) if r.ball is not None]
    found = truncations(f, points(x, [h], FEW))
    with working_precision(256):
        for row, s in enumerate(FEW):
            terms = s.error_terms(3)
            exact = sum(c * derivatives[k] * Fraction(h) ** (k - s.derivative) for k, c in terms)
            assert relative_gap(found.balls[row, 0], exact) <= 1e-18


# -- two routes --------------------------------------------------------------------------------------------


def both_routes(monkeypatch: pytest.MonkeyPatch, f: Function, data: Points) -> tuple[Truncation, Truncation]:
    """The expansion (small steps) and the direct route (all steps)."""
    expansion = truncations(f, data)
    with monkeypatch.context() as patched:
        patched.setattr(truncation, "REACH", 0.0)
        direct = truncations(f, data)
    return expansion, direct


def worst_gap(a: Truncation, b: Truncation) -> float:
    return max(
        relative_gap(p, rational(q))
        for p, q in zip(a.balls.ravel().tolist(), b.balls.ravel().tolist(), strict=True)
    )


STEPS = [2.0**-e for e in (13, 16, 17, 25, 40, 52)] + [1e-5, 1e-7, 1e-11, 3e-15]


@pytest.mark.parametrize(("name", "f", "x"), SMOOTH, ids=[case[0] for case in SMOOTH])
def test_the_two_routes_agree(monkeypatch: pytest.MonkeyPatch, name: str, f: Function, x: float) -> None:
    data = points(x, STEPS, FEW)
    expansion, direct = both_routes(monkeypatch, f, data)
    for a, b in zip(expansion.balls.ravel().tolist(), direct.balls.ravel().tolist(), strict=True):
        assert a.overlaps(b)
        assert min(a.rel_accuracy_bits(), b.rel_accuracy_bits()) >= ACCURATE_BITS
    assert worst_gap(expansion, direct) <= 2.0**-ACCURATE_BITS
    assert not expansion.zero.any()
    assert expansion.inside.all()


def test_a_wrong_term_of_the_expansion_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = points(1.0, STEPS, FEW)
    true = truncation.expansion_moments

    def wrong(s: Stencil) -> Any:
        """The moment of the leading term off by 1e-15."""
        orders, moments = true(s)
        return orders, (moments[0] * (1 + Fraction(1, 10**15)), *moments[1:])

    monkeypatch.setattr(truncation, "expansion_moments", wrong)
    assert worst_gap(*both_routes(monkeypatch, np.sin, data)) > 9e-16


def test_rows_that_the_expansion_leaves_open_are_settled_by_the_other_route(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With one term the Lagrange remainder is too wide for 64 bits, and it says so in its radius."""
    data = points(0.3, [2.0**-15, 2.0**-16], FEW[:1])
    monkeypatch.setattr(truncation, "TERMS", 1)
    truncation.expansion_moments.cache_clear()
    try:
        series = truncation._Expansion.at(SMOOTH[4][1], data)
        assert series is not None
        with working_precision(truncation.HORNER_BITS):
            coarse = series.truncations(truncation.to_balls(data.h))
        assert max(ball.rel_accuracy_bits() for ball in coarse.flat) < ACCURATE_BITS
        settled, direct = both_routes(monkeypatch, SMOOTH[4][1], data)
        assert all(a.overlaps(b) for a, b in zip(coarse.flat, direct.balls.flat, strict=True))
        assert worst_gap(settled, direct) <= 2.0**-ACCURATE_BITS
    finally:
        truncation.expansion_moments.cache_clear()


def test_precision_does_not_depend_on_the_company(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stencil and a step give the same truncation alone and among others."""
    together = truncations(np.sin, points(1.0, [0.25, 1e-3, 1e-12], FEW))
    for row, s in enumerate(FEW):
        for k, h in enumerate([0.25, 1e-3, 1e-12]):
            alone = truncations(np.sin, points(1.0, [h], [s]))
            assert relative_gap(alone.balls[0, 0], rational(together.balls[row, k])) <= 2.0**-ACCURATE_BITS


# -- domains and kinks -------------------------------------------------------------------------------------


def test_nodes_outside_the_domain_are_told_and_spoil_no_neighbour() -> None:
    data = points(0.25, [0.5, 0.125, 1e-3], [stencil("forward", accuracy=2), stencil("central", accuracy=2)])
    found = truncations(np.log, data)
    assert found.inside.tolist() == [[True, True, True], [False, True, True]]
    assert not found.balls[1, 0].is_finite()
    assert all(
        found.balls[row, k].rel_accuracy_bits() >= ACCURATE_BITS
        for row, k in [(0, 0), (0, 1), (1, 1), (1, 2)]
    )


def test_a_kink_beside_the_point_is_seen_only_by_the_nodes_beyond_it() -> None:
    """|x| at 2^-6: exact as long as h <= x, and x/h - 1 from there on; no series reaches over the kink."""
    x = 2.0**-6
    data = points(x, [2.0**-3, 2.0**-5, 2.0**-6, 2.0**-20], [stencil("central", accuracy=2)])
    found = truncations(np.abs, data)
    assert [rational(b) for b in found.balls[0]] == [Fraction(1, 8) - 1, Fraction(1, 2) - 1, 0, 0]
    assert found.zero.tolist() == [[False, False, True, True]]


def test_the_scale_moves_the_border_between_the_routes_not_the_result() -> None:
    steps = [1e5, 1e3, 1.0, 1e-3]
    wide, narrow = (
        truncations(lambda x: np.exp(-x / 1e6), points(1.0, steps, FEW, scale=scale)) for scale in (1e6, 1.0)
    )
    assert worst_gap(wide, narrow) <= 2.0**-ACCURATE_BITS
