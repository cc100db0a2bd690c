"""Taylor series over Arb: what FLINT lacks against Cauchy integrals, zeros, ties, poles and lost terms."""

# ruff: noqa: E501  (tables: one case, one line)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest
from flint import acb, arb
from scipy import special

from diffbench.arithmetic.balls import UndecidedError, working_precision
from diffbench.arithmetic.taylor import TaylorArithmetic
from diffbench.errors import RefusedError

BITS, TERMS = 400, 12
PI = acb(np.pi)

# name, program, the same in acb, points, distance to the nearest singularity. All of these are built here from
# identities, because FLINT has no series for them.
MISSING: tuple[tuple[str, Callable[[Any], Any], Callable[[acb], acb], tuple[float, ...], float], ...] = (
    ("sinh", np.sinh, acb.sinh, (-2.0, 0.0, 0.5), 4),
    ("cosh", np.cosh, acb.cosh, (-2.0, 0.0, 0.5), 4),
    ("tanh", np.tanh, acb.tanh, (-2.0, 0.0, 0.5, 30.0), 1.5),
    ("expm1", np.expm1, lambda z: z.exp() - 1, (-2.0, 0.0, 0.5), 4),
    ("exp2", np.exp2, lambda z: acb(2) ** z, (-2.0, 0.0, 0.5), 4),
    ("log1p", np.log1p, acb.log1p, (-0.5, 0.0, 2.0), 0.5),
    ("log2", np.log2, lambda z: z.log() / arb.const_log2(), (0.5, 2.0), 0.5),
    ("log10", np.log10, lambda z: z.log() / arb.const_log10(), (0.5, 2.0), 0.5),
    ("arcsinh", np.arcsinh, acb.asinh, (-2.0, 0.0, 0.5), 1),
    ("arccosh", np.arccosh, acb.acosh, (1.5, 3.0), 0.5),
    ("arctanh", np.arctanh, acb.atanh, (-0.5, 0.0, 0.5), 0.5),
    ("abs right", np.abs, lambda z: z, (0.5, 2.0), 4),
    ("abs left", np.abs, lambda z: -z, (-0.5, -2.0), 4),
    ("cbrt", np.cbrt, lambda z: (z.log() / 3).exp(), (0.5, 2.0), 0.5),
    ("cbrt left", np.cbrt, lambda z: -((-z).log() / 3).exp(), (-0.5, -2.0), 0.5),
    ("x**0.3", lambda x: x**0.3, lambda z: (z.log() * acb(0.3)).exp(), (0.5, 2.0), 0.5),
    ("x**-3", lambda x: x**-3, lambda z: 1 / (z * z * z), (-0.5, 2.0), 0.5),
    ("x**x", lambda x: x**x, lambda z: (z * z.log()).exp(), (0.5, 2.0), 0.5),
    ("logaddexp", lambda x: np.logaddexp(x, 0.5), lambda z: (z.exp() + acb(0.5).exp()).log(), (-3.0, 0.5, 4.0), 3),
    ("logaddexp2", lambda x: np.logaddexp2(x, 1), lambda z: (2**z + 2).log() / arb.const_log2(), (-3.0, 1.0), 3),
    ("hypot", lambda x: np.hypot(x, 2.0), lambda z: (z * z + 4).sqrt(), (-3.0, 0.0, 1.0), 2),
    ("arctan2 right", lambda x: np.arctan2(x, 2.0), lambda z: (z / 2).atan(), (-3.0, 0.0, 1.0), 2),
    ("arctan2 above", lambda x: np.arctan2(2.0, x), lambda z: arb.pi() / 2 - (z / 2).atan(), (-3.0, 0.0, 1.0), 2),
    ("arctan2 below", lambda x: np.arctan2(-2.0, x), lambda z: -arb.pi() / 2 + (z / 2).atan(), (-3.0, 0.0), 2),
    ("arctan2 left", lambda x: np.arctan2(x, -2.0), lambda z: arb.pi() - (z / 2).atan(), (1.0, 3.0), 2),
    ("radians", np.radians, lambda z: z * arb.pi() / 180, (0.5,), 4),
    ("sinc", np.sinc, lambda z: (PI * z).sin() / (PI * z), (0.0, 0.5), 1),
    ("expit", special.expit, lambda z: 1 / (1 + (-z).exp()), (-3.0, 0.0, 2.0), 3),
    ("log_expit", special.log_expit, lambda z: -(1 + (-z).exp()).log(), (-3.0, 0.0, 2.0), 3),
    ("logit", special.logit, lambda z: (z / (1 - z)).log(), (0.25, 0.5), 0.25),
    ("psi", special.psi, acb.digamma, (-0.5, 0.5, 3.0), 0.5),
    ("gammaln", special.gammaln, acb.lgamma, (0.5, 3.0), 0.5),
    ("gammaln left", special.gammaln, lambda z: (-z.gamma()).log(), (-0.5,), 0.5),
    ("j0", special.j0, lambda z: z.bessel_j(0), (-2.0, 0.0, 3.0), 4),
    ("jv 1", lambda x: special.jv(1, x), lambda z: z.bessel_j(1), (-2.0, 0.0, 3.0), 4),
    ("jv 2.5", lambda x: special.jv(2.5, x), lambda z: z.bessel_j(acb(2.5)), (0.5, 3.0), 0.5),
    ("of a series", lambda x: np.tanh(special.j0(x**2)), lambda z: (z * z).bessel_j(0).tanh(), (0.0, 0.5), 1),
)  # fmt: skip
CASES = [(name, f, g, x, size) for name, f, g, points, size in MISSING for x in points]


def cauchy(g: Callable[[acb], acb], x: float, radius: float, terms: int) -> list[arb]:
    """Taylor coefficients by the trapezoidal rule on a circle: the error falls like (radius/distance)**128."""
    count = 128
    turns = [acb(0, 2 * arb.pi() * j / count).exp() for j in range(count)]
    values = [g(acb(x) + turn * acb(radius)) for turn in turns]
    return [
        (
            sum((v * turns[-j * k % count] for j, v in enumerate(values)), acb(0)) / count / acb(radius) ** k
        ).real
        for k in range(terms)
    ]


@pytest.mark.parametrize(("name", "f", "g", "x", "distance"), CASES, ids=[f"{c[0]}-{c[3]}" for c in CASES])
def test_series_that_flint_lacks_agree_with_cauchy_integrals(
    name: str, f: Callable[[Any], Any], g: Callable[[acb], acb], x: float, distance: float
) -> None:
    with working_precision(BITS):
        expected = cauchy(g, x, distance / 4, TERMS)
    coefficients = TaylorArithmetic(BITS, TERMS).expand(f, arb(x))
    with working_precision(BITS):
        for k, (got, truth) in enumerate(zip(coefficients, expected, strict=True)):
            assert abs(got - truth) < 1e-55 / distance**k, (
                f"coefficient {k}: {got.str(20)} is not {truth.str(20)}"
            )
            assert got.rad() < 1e-55 / distance**k


def test_the_cauchy_integral_notices_a_wrong_series() -> None:
    with working_precision(BITS):
        expected = cauchy(acb.sinh, 0.5, 1.0, 4)
    wrong = TaylorArithmetic(BITS, 4).expand(np.cosh, arb(0.5))
    with working_precision(BITS):
        assert not abs(wrong[1] - expected[1]) < 1e-2


NAN = float("nan")
# name, program, point, side, coefficients of f(x + side t), whether a decision depended on the side
TIES: tuple[tuple[str, Callable[[Any], Any], float, int, tuple[float, ...], bool], ...] = (
    ("abs", np.abs, 0.0, 1, (0, 1, 0, 0), True),
    ("abs", np.abs, 0.0, -1, (0, 1, 0, 0), True),
    ("sqrt of a square", lambda x: np.sqrt(x**2), 0.0, -1, (0, 1, 0, 0), True),
    ("sqrt", np.sqrt, 0.0, 1, (0, NAN, NAN, NAN), True),
    ("sqrt left", np.sqrt, 0.0, -1, (0, NAN, NAN, NAN), True),
    ("x**1.5", lambda x: x**1.5, 0.0, 1, (0, 0, NAN, NAN), True),
    ("(x**2)**1.5", lambda x: (x**2) ** 1.5, 0.0, -1, (0, 0, 0, 1), True),
    ("(4 x**4)**0.5", lambda x: (4 * x**4) ** 0.5, 0.0, 1, (0, 0, 2, 0), True),
    ("(x**6)**0.5", lambda x: (x**6) ** 0.5, 0.0, 1, (0, 0, 0, 1), True),
    ("sqrt of 0", lambda x: np.sqrt(np.clip(x, 0.0, None)), -1.0, 1, (0, 0, 0, 0), False),
    ("0.3 power of 0", lambda x: (0 * x) ** 0.3, 1.0, 1, (0, 0, 0, 0), False),
    ("cbrt of x**9", lambda x: np.cbrt(x**9), 0.0, -1, (0, 0, 0, -1), True),
    ("x**-0.5", lambda x: x**-0.5, 0.0, 1, (NAN, NAN, NAN, NAN), False),
    ("cbrt", np.cbrt, 0.0, 1, (0, NAN, NAN, NAN), True),
    ("cbrt of a cube", lambda x: np.cbrt(-8 * x**3), 0.0, 1, (0, -2, 0, 0), True),
    ("0**x", lambda x: 0.0**x, 0.5, 1, (0, 0, 0, 0), False),
    ("x**0", lambda x: x**0, 0.0, 1, (1, 0, 0, 0), False),
    ("x |x|", lambda x: x * np.abs(x), 0.0, -1, (0, 0, -1, 0), True),
    ("maximum", lambda x: np.maximum(x, x**2), 0.0, 1, (0, 1, 0, 0), True),
    ("maximum", lambda x: np.maximum(x, x**2), 0.0, -1, (0, 0, 1, 0), True),
    ("minimum", lambda x: np.minimum(x, 0.5), 1.0, 1, (0.5, 0, 0, 0), False),
    ("where", lambda x: np.where(x >= 0, x**2, x**3), 0.0, -1, (0, 0, 0, -1), True),
    ("sign", np.sign, 0.0, -1, (-1, 0, 0, 0), True),
    ("heaviside", lambda x: np.heaviside(x, 0.5), 0.0, -1, (0, 0, 0, 0), True),
    ("heaviside of 0", lambda x: np.heaviside(0 * x, 0.5), 0.0, 1, (0.5, 0, 0, 0), False),
    ("floor", np.floor, 2.0, 1, (2, 0, 0, 0), True),
    ("floor", np.floor, 2.0, -1, (1, 0, 0, 0), True),
    ("ceil", np.ceil, 2.0, 1, (3, 0, 0, 0), True),
    ("rint", np.rint, 0.5, 1, (1, 0, 0, 0), True),
    ("rint", np.rint, 0.5, -1, (0, 0, 0, 0), True),
    ("rint that stays at a tie", lambda x: np.rint(0 * x + 2.5), 0.5, 1, (2, 0, 0, 0), False),
    ("arctan2 on its cut", lambda x: np.arctan2(x, -1.0) / np.pi, 0.0, -1, (-1, 1 / np.pi, 0, -1 / 3 / np.pi), True),
    ("hypot", lambda x: np.hypot(3 * x, 4 * x), 0.0, -1, (0, 5, 0, 0), True),
    ("logaddexp has no tie", lambda x: np.logaddexp(x, -x), 0.0, 1, (np.log(2), 0, 0.5, 0), False),
    ("sin(x)/x", lambda x: np.sin(x) / x, 0.0, 1, (1, 0, -1 / 6, 0), False),
    ("(1 - cos x)/x**2", lambda x: (1 - np.cos(x)) / x**2, 0.0, 1, (0.5, 0, -1 / 24, 0), False),
    ("guarded sin(x)/x", lambda x: np.where(x == 0, 1.0, np.sin(x) / x), 0.0, -1, (1, 0, -1 / 6, 0), True),
    ("x**4/x", lambda x: x**4 / x, 0.0, 1, (0, 0, 0, 1), False),
    ("x**9/x**6", lambda x: x**9 / x**6, 0.0, 1, (0, 0, 0, 1), False),
    ("which is larger, told late", lambda x: np.where(x**9 > x**7, 2.0 + x, x), 0.0, -1, (2, -1, 0, 0), True),
    ("which is larger, never told", lambda x: np.maximum(2 * x, x + x), 0.0, 1, (0, 2, 0, 0), True),
    ("pole", lambda x: 1 / x, 0.0, 1, (NAN, NAN, NAN, NAN), False),
    ("untaken pole", lambda x: np.where(x >= 0, x, abs(1 / x)), 0.0, 1, (0, 1, 0, 0), True),
    ("outside the domain", lambda x: np.log(x), -1.0, 1, (NAN, NAN, NAN, NAN), False),
    ("untaken root", lambda x: np.where(x > 0, np.sqrt(x), np.sign(np.log(x))), 4.0, 1, (2, 0.25, -1 / 64, 1 / 512), False),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "f", "x", "side", "expected", "tied"), TIES, ids=[f"{c[0]} {c[2]}{c[3]:+d}" for c in TIES]
)
def test_one_sided_series_at_zeros_ties_and_poles(
    name: str, f: Callable[[Any], Any], x: float, side: int, expected: tuple[float, ...], tied: bool
) -> None:
    arithmetic = TaylorArithmetic(200, 4)
    coefficients = arithmetic.expand(f, arb(x), side)
    assert arithmetic.trace.tied is tied
    for k, (got, value) in enumerate(zip(coefficients, expected, strict=True)):
        assert got.is_nan() if np.isnan(value) else abs(got - value) < 1e-15, f"coefficient {k} is {got}"


@pytest.mark.parametrize("x", [-60.0, 60.0])
def test_tanh_stays_tight_where_it_saturates(x: float) -> None:
    slope = TaylorArithmetic(320, 3).expand(np.tanh, arb(x))[1]
    assert slope.rel_accuracy_bits() > 280, "sinh/cosh would cancel 170 of 320 bits"
    with working_precision(320):
        assert slope.overlaps(1 / arb(x).cosh() ** 2)


def test_an_open_comparison_raises_and_the_precision_is_restored() -> None:
    before = flint.ctx.prec, flint.ctx.cap
    with pytest.raises(UndecidedError, match="not decided at this precision"):
        TaylorArithmetic(100, 3).expand(
            lambda x: np.where(np.sin(x) ** 2 + np.cos(x) ** 2 > 1, x, -x), arb(0.5)
        )
    assert (flint.ctx.prec, flint.ctx.cap) == before


def test_an_order_that_depends_on_x_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"scipy\.special\.jv"):
        TaylorArithmetic(100, 3).expand(lambda x: special.jv(x, 2.0), arb(0.5))
