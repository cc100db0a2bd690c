"""Jets: every order against the certified reference, over formats, balls and mpmath; then the catalogue.

A row of the catalogue with a large error is explained when the program itself explains it: ``RoundedBalls``
runs the same jets on balls that grow by a few u at every operation. Whatever a format computes lies in that
ball, and its radius is large exactly where the program cancels.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import diffbench as db
from diffbench.arithmetic.balls import ArbArithmetic, UndecidedError, to_balls, working_precision
from diffbench.arithmetic.base import Raw
from diffbench.arithmetic.formats import get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.jets import JetArithmetic
from diffbench.arithmetic.mp import MpArithmetic
from diffbench.errors import RefusedError, UserError
from diffbench.reference import certify, from_mpf

U = 2.0**-53
FLOAT64 = FormatArithmetic(get_format("float64"))
SUBJECT = staticmethod(lambda x: np.exp(np.sin(x)) * x**2 + 0.1 * x)


def coefficients(f: Callable[[Any], Any], x: Any, order: int) -> list[Raw]:
    return JetArithmetic(FLOAT64, order).expand(f, np.float64(x))


# name, program, point: each has something that could go wrong beyond the first order
PROGRAMS: tuple[tuple[str, Callable[[Any], Any], float], ...] = (
    ("composite", lambda x: np.exp(np.sin(x)) * x**2 + 0.1 * x, 1.0),
    ("tanh at 0: its rule must be smooth there", np.tanh, 0.0),
    ("tanh far out", np.tanh, 9.0),
    ("sigmoid at 0", special.expit, 0.0),
    ("logaddexp at a tie", lambda x: np.logaddexp(x, 0.5), 0.5),
    ("erf", special.erf, 0.75),
    ("x**3 at 0: the exponent counts down to 0", lambda x: x**3, 0.0),
    ("x**2.5", lambda x: x**2.5, 2.0),
    ("x**x", lambda x: x**x, 1.5),
    ("2**x", lambda x: 2**x, 0.5),
    ("sin(x)/x at 0: one term of each cancels", lambda x: np.sin(x) / x, 0.0),
    ("two terms cancel", lambda x: (1 - np.cos(x)) / x**2, 0.0),
    ("np.sinc at 0", np.sinc, 0.0),
    ("gamma", special.gamma, 1.5),
    ("gammaln", special.gammaln, 2.5),
    ("Bessel", lambda x: special.jv(1, x), 1.0),
    ("arctan2", lambda x: np.arctan2(x, 2.0), 1.0),
    ("hypot", lambda x: np.hypot(x, x**2), 1.5),
    ("cbrt", np.cbrt, -2.0),
    ("log2", np.log2, 3.0),
    ("log10 of log1p", lambda x: np.log10(np.log1p(x)), 3.0),
    ("inverse hyperbolic", lambda x: np.arccosh(x) + np.arcsinh(x) * np.arctanh(1 / x), 1.5),
    ("a dot product", lambda x: np.sum(np.stack([x, x**2]) * np.stack([np.sin(x), np.cos(x)]), axis=0), 0.5),
)


@pytest.mark.parametrize(("program", "x"), [row[1:] for row in PROGRAMS], ids=[row[0] for row in PROGRAMS])
def test_six_derivatives_are_right(program: Callable[[Any], Any], x: float) -> None:
    truths = certify(program, x, 6, checked=[])
    for k, value in enumerate(coefficients(program, x, 6)):
        truth = float(truths[k]) / factorial(k)
        # recurrences lose a little at every order; where a coefficient is 0, its terms have size 1
        assert abs(float(value) - truth) <= 40 * (k + 1) * U * max(abs(truth), 1.0), (k, float(value), truth)


def test_jets_over_balls_contain_the_reference() -> None:
    for _, program, x in PROGRAMS:
        with working_precision(300):
            try:
                balls = JetArithmetic(ArbArithmetic(300), 3).expand(program, to_balls(np.array(x)))
            except RefusedError:  # Arb has no Hurwitz zeta kernel here: psi' over balls
                assert program in (special.gamma, special.gammaln)
                continue
            for k, truth in enumerate(certify(program, x, 3, checked=[])):
                gap = balls[k][()] * factorial(k) - from_mpf(truth.value)
                assert abs(gap).lower() <= arb(10) ** -45, (x, k)
                assert gap.rad() < arb(10) ** -60 * (1 + abs(from_mpf(truth.value)))


def test_jets_over_mpmath_have_its_precision() -> None:
    values = JetArithmetic(MpArithmetic(200), 3).expand(SUBJECT, 1.0)
    truths = certify(SUBJECT, 1.0, 3, checked=[])
    for k, value in enumerate(values):
        assert abs(value[()] * factorial(k) - truths[k].value) < 1e-50


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "longdouble"])
def test_jets_keep_the_format(name: str) -> None:
    fmt = get_format(name)
    value = JetArithmetic(FormatArithmetic(fmt), 2).derivative(SUBJECT, fmt.round([0.5, 1.0]))
    assert value.dtype == fmt.dtype and value.shape == (2,)
    truth = [float(certify(SUBJECT, x, 2, checked=[])[2]) for x in (0.5, 1.0)]
    assert np.allclose(value.astype(float), truth, rtol=16 * fmt.eps, atol=0)


def test_order_1_is_the_dual_number_and_order_0_the_value() -> None:
    value, slope = coefficients(SUBJECT, 1.0, 1)
    assert value == SUBJECT(1.0)
    assert slope == db.grad(SUBJECT)(1.0)
    assert coefficients(SUBJECT, 1.0, 0) == [value]


def test_a_polynomial_has_its_coefficients_and_then_zeros() -> None:
    assert [float(c) for c in coefficients(lambda x: (x - 1) ** 4 + 2 * x, 1.0, 6)] == [2, 2, 0, 0, 1, 0, 0]


def test_a_constant_has_no_slope() -> None:
    assert [float(c) for c in coefficients(lambda x: 2.5, 1.0, 2)] == [2.5, 0, 0]
    assert [float(c) for c in coefficients(np.floor, 1.5, 2)] == [1, 0, 0]


def test_ties_take_the_mean_of_both_sides() -> None:
    assert float(coefficients(lambda x: np.maximum(x, 0), 0.0, 1)[1]) == 0.5
    assert float(coefficients(np.abs, 0.0, 1)[1]) == 0


def test_what_has_no_rule_is_refused_by_name() -> None:
    with pytest.raises(RefusedError, match=r"jets over float64 cannot run scipy\.special\.ndtr: no rule"):
        coefficients(special.ndtr, 1.0, 1)
    with pytest.raises(RefusedError, match="the order of jv"):
        coefficients(lambda x: special.jv(x, 1.0), 1.0, 1)
    with pytest.raises(UserError, match="order of a jet"):
        JetArithmetic(FLOAT64, -1)


@given(st.floats(-2, 2), st.floats(-3, 3), st.floats(-3, 3), st.integers(1, 5))
def test_a_sum_and_a_product_follow_leibniz(x: float, a: float, b: float, order: int) -> None:
    def f(v: Any) -> Any:
        return a * np.sin(v)

    def g(v: Any) -> Any:
        return np.exp(b * v)

    fs, gs = ([float(c) for c in coefficients(p, x, order)] for p in (f, g))
    both = [float(c) for c in coefficients(lambda v: f(v) * g(v) + f(v), x, order)]
    size = max(map(abs, fs)) * (1 + max(map(abs, gs)))
    for k, value in enumerate(both):
        expected = sum(fs[j] * gs[k - j] for j in range(k + 1)) + fs[k]
        assert abs(value - expected) <= 1e-13 * max(size, 1e-300)


@given(st.floats(0.125, 3), st.integers(1, 5))
def test_a_function_and_its_inverse_cancel(x: float, order: int) -> None:
    for there, back in ((np.exp, np.log), (np.sqrt, np.square), (np.tanh, np.arctanh), (np.sinh, np.arcsinh)):
        series = [float(c) for c in coefficients(lambda v, t=there, b=back: b(t(v)), x, order)]
        assert np.allclose(series, [x, 1, *[0] * (order - 1)], atol=1e-8)


# the catalogue --------------------------------------------------------------------------------------------


class RoundedBalls(ArbArithmetic):
    """Balls that grow by 8 u of themselves with every operation: what a float64 program may have done."""

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        result = super().apply(ufunc, operands)
        if result.dtype == bool:
            return result
        blur = arb(1, 8 * U)
        return self.array((v * blur for v in result.ravel()), result.shape)


def explained_radius(program: Callable[[Any], Any], x: float, k: int) -> float:
    """How far from the truth rounding may take derivative k of this program, over all ways to round."""
    arithmetic = RoundedBalls(128)
    with working_precision(128):
        try:
            ball = JetArithmetic(arithmetic, k).expand(program, to_balls(np.array(x)))[k][()] * factorial(k)
        except (UndecidedError, RefusedError):
            return float("nan")
        return float(ball.rad()) if ball.is_finite() else float("inf")


def catalogue_rows() -> list[tuple[str, str, float, int, float, float]]:
    """(method, problem, x, k, error in u, error) over every smooth point of the catalogue in float64."""
    rows = []
    for p in db.problems().values():
        if p.opaque:
            continue
        for x in p.points:
            for k, truth in enumerate(certify(p.function, x, 4, checked=[])):
                if k == 0 or truth.status != "ok":
                    continue
                for method in ("jet", "reverse"):
                    value = db.derivative(p.function, x, method=method, derivative=k).value
                    error = abs(float(truth.value - float(value)))
                    size = abs(float(truth)) or abs(float(p.function(x))) / p.scale_at(x) ** k or 1.0
                    rows.append((method, p.name, x, k, error / size / U, error))
    return rows


@pytest.fixture(scope="module")
def catalogue() -> list[tuple[str, str, float, int, float, float]]:
    return catalogue_rows()


@pytest.mark.parametrize("method", ["jet", "reverse"])
def test_the_median_error_over_the_catalogue_is_below_one_and_a_half_u(method: str, catalogue: Any) -> None:
    errors = [row[4] for row in catalogue if row[0] == method]
    assert len(errors) > 300
    assert np.median(errors) < 1.5
    for k in (1, 2, 3, 4):
        assert np.median([row[4] for row in catalogue if row[0] == method and row[3] == k]) < 1.5


def test_every_large_error_is_explained_by_the_condition_of_the_program(catalogue: Any) -> None:
    functions = {name: p.function for name, p in db.problems().items()}
    large = [row for row in catalogue if row[4] > 100]
    assert large, "the catalogue has programs that cancel"
    for method, name, x, k, in_u, error in large:
        radius = explained_radius(functions[name], x, k)
        assert error <= radius, f"{method} {name}({x}), derivative {k}: {in_u:.0f} u are not explained"


def test_an_unexplained_error_would_be_noticed() -> None:
    """A well-conditioned program leaves no room: a relative error of 1e-12 is 9000 u."""
    truth = certify(SUBJECT, 1.0, 3, checked=[])
    for k in (1, 2, 3):
        assert explained_radius(SUBJECT, 1.0, k) < 1e-12 * abs(float(truth[k]))
