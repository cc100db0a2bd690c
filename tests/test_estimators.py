"""Ridders, Richardson, GSL, complex step, complex plane, Cauchy: printed tables, orders, what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import NAMES, get_format
from diffbench.errors import RefusedError, UserError
from diffbench.methods import get_method
from diffbench.methods.cauchy import circle
from diffbench.methods.complex_plane import _PLANE, ComplexSampler
from diffbench.methods.names import estimators
from diffbench.steps.sampler import Probe

Function = Callable[[Any], Any]


def squire_trapp(x: Any) -> Any:
    return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)


def cubes(x: Any) -> Any:
    return np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3)


def nested(x: Any) -> Any:
    return np.cos(np.sin(np.sin(np.cos(x))))


# -- complex step: the published tables --------------------------------------------------------------------

# function, x, exact f', h, printed complex step. Tolerance: 4 ulp of the value (libm), or 1 % of the error.
STEPS: tuple[tuple[Function, float, float, float, float], ...] = (
    (squire_trapp, 1.5, 4.05342789389862065771, 1e-1, 4.000333038467173),
    (squire_trapp, 1.5, 4.05342789389862065771, 1e-2, 4.052891814465929),
    (squire_trapp, 1.5, 4.05342789389862065771, 1e-4, 4.053427840285447),
    (squire_trapp, 1.5, 4.05342789389862065771, 1e-6, 4.053427893893258),
    (squire_trapp, 1.5, 4.05342789389862065771, 1e-8, 4.05342789389862),
    (squire_trapp, 1.5, 4.05342789389862065771, 1e-16, 4.05342789389862),
    (cubes, 1.5, 3.622033700716326042597771, 1e-1, 3.528701670819969),
    (cubes, 1.5, 3.622033700716326042597771, 1e-3, 3.6220242282762265),
    (cubes, 1.5, 3.622033700716326042597771, 1e-12, 3.622033700716326),
    (lambda x: x**4.5, 1.5, 18.60081273425975868318563, 1e-2, 18.599607128036325),
    (lambda x: x**4.5, 1.5, 18.60081273425975868318563, 1e-5, 18.600812733054152),
    (lambda x: x**4.5, 1.5, 18.60081273425975868318563, 1e-10, 18.60081273425976),
    (nested, 1.0, 0.29677089046953605583, 1e0, 0.34638573313678306),
    (nested, 1.0, 0.29677089046953605583, 1e-1, 0.2996009285356402),
    (nested, 1.0, 0.29677089046953605583, 1e-3, 0.29677117313456475),
    (nested, 1.0, 0.29677089046953605583, 1e-5, 0.29677089049780264),
    (nested, 1.0, 0.29677089046953605583, 1e-20, 0.29677089046953603),
)


@pytest.mark.parametrize(
    ("f", "x", "exact", "h", "printed"), STEPS, ids=[f"{n} h={c[3]}" for n, c in enumerate(STEPS)]
)
def test_complex_step_tables(f: Function, x: float, exact: float, h: float, printed: float) -> None:
    found = float(db.derivative(f, x, method=f"complex-step(h={h})"))
    error = abs(printed - exact)
    assert (
        abs(found - printed) <= max(0.01 * error, 4 * np.spacing(printed))
        if h < 1
        else abs(found - printed) < 1e-14
    )


def test_the_error_of_the_complex_step_is_h_squared_times_the_third_derivative() -> None:
    """h^2 |f'''| / (6 f') = 1.3227 h^2 for e^x / sqrt(sin^3 + cos^3) at 1.5; central has the same
    coefficient.
    """
    exact = 4.05342789389862065771
    for method in ("complex-step(h=1e-3)", "central-2@1e-3"):
        error = abs(float(db.derivative(squire_trapp, 1.5, method=method)) - exact) / exact
        assert error == pytest.approx(1.3227e-6, rel=1e-3)


def test_higham() -> None:
    """atan(x) / (1 + exp(-x^2)) at 2, blog and gist: complex step 1e-100, and the forward difference at
    sqrt(u).
    """

    def f(x: Any) -> Any:
        return np.arctan(x) / (1 + np.exp(-(x**2)))

    assert float(db.derivative(f, 2.0, method="complex-step(h=1e-100)")) == pytest.approx(
        0.2746237281548576, abs=2 * np.spacing(0.27)
    )
    u = 4 * 2.0**-52
    assert float(db.derivative(f, 2.0, method="forward-1", step=u)) == 0.25
    assert float(db.derivative(f, 2.0, method="forward-1", step=math.sqrt(u))) == pytest.approx(
        0.27462372928857803, abs=1e-7
    )


def test_second_derivatives_off_the_real_line() -> None:
    """exp at 1, measured: the real part cancels (1.9e-8 at 1e-4), the root of i does less (2.8e-11 at
    1e-2).
    """
    e = math.e
    for method, h, error in (("complex-step", 1e-4, 1.9e-8), ("lai-crassidis", 1e-2, 2.8e-11)):
        found = float(db.derivative(np.exp, 1.0, method=f"{method}(h={h})", derivative=2))
        assert abs(found - e) / e <= 2 * error
    found = float(db.derivative(np.exp, 1.0, method="lai-crassidis(h=1e-3)", derivative=2))
    assert abs(found - e) / e <= 1e-12
    assert float(db.derivative(np.exp, 1.0, method="hyper-dual", derivative=2)) == pytest.approx(e, rel=2e-16)


# -- the 3 x 3 stencil -------------------------------------------------------------------------------------

# h, relative error of f' of exp at 1 as measured before; below 1e-14 rounding, which is another on each
# machine
PLANE = ((0.5, 4.3e-8), (0.25, 1.7e-10), (0.1, 1.1e-13))


@pytest.mark.parametrize(("h", "error"), PLANE)
def test_complex_plane_table(h: float, error: float) -> None:
    found = float(db.derivative(np.exp, 1.0, method=f"complex-plane(h={h})"))
    assert abs(found - math.e) / math.e == pytest.approx(error, rel=0.05)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_complex_plane_weights_are_exact(m: int) -> None:
    """On all nine nodes, in Gaussian integers: sum w s^k = 0 for k < m + 8 but m!, and C at k = m + 8."""
    factor, upper, middle, constant, size = _PLANE[m]
    rows = {1: upper, 0: middle, -1: tuple(complex(w).conjugate() for w in upper)}
    scale = Fraction(factor).limit_denominator(100)
    terms = [
        (complex(a, b), complex(w)) for b, row in rows.items() for a, w in zip((-1, 0, 1), row, strict=True)
    ]
    for k in range(m + 9):
        total = sum(w * s**k for s, w in terms)  # small integers: exact in floating point
        moment = scale * Fraction(total.real) / math.factorial(k)
        assert total.imag == 0
        expected = Fraction(k == m) if k < m + 8 else Fraction(constant).limit_denominator(10**7)
        assert moment == expected, k
    assert factor * sum(abs(w) for _, w in terms) == pytest.approx(size, rel=1e-4)


# -- Cauchy's integral -------------------------------------------------------------------------------------

# N, r, relative error of f' of exp at 1: the aliasing r^N / (N + 1)! where it is above rounding
CAUCHY = (
    (4, 0.1, 8.33e-7),
    (4, 1.0, 8.34e-3),
    (4, 3.0, 6.93e-1),
    (8, 0.1, 2.75e-14),
    (8, 1.0, 2.76e-6),
    (8, 3.0, 1.81e-2),
    (16, 3.0, 1.21e-7),
)


@pytest.mark.parametrize(("n", "r", "error"), CAUCHY)
def test_cauchy_table(n: int, r: float, error: float) -> None:
    found = db.derivative(np.exp, 1.0, method=f"cauchy(radius={r},points={n})")
    assert abs(float(found) - math.e) / math.e == pytest.approx(error, rel=0.02)
    assert found.evaluations == n // 2 + 1


@pytest.mark.parametrize(("n", "r"), [(16, 0.1), (16, 1.0), (32, 0.1), (32, 1.0), (32, 3.0)])
def test_cauchy_table_where_rounding_rules(n: int, r: float) -> None:
    found = float(db.derivative(np.exp, 1.0, method=f"cauchy(radius={r},points={n})"))
    assert abs(found - math.e) / math.e <= 1e-14


# n and kappa(n, r = n) of exp (Bornemann 2011)
CONDITION = ((1, 1.2661), (2, 1.1398), (5, 1.0460), (10, 1.0218), (20, 1.0106))


@pytest.mark.parametrize(("n", "kappa"), CONDITION)
def test_condition_numbers_of_bornemann(n: int, kappa: float) -> None:
    probe = Probe(ComplexSampler(np.exp, get_format("float64")), np.zeros(1))  # type: ignore[arg-type]
    found = circle(probe, np.full(1, float(n)), 128, np.arange(1))
    assert found.condition(n)[0] == pytest.approx(kappa, abs=6e-5)
    if n == 10:
        unit = circle(probe, np.ones(1), 128, np.arange(1))
        assert unit.condition(10)[0] == pytest.approx(4.59e6, rel=1e-3)


@pytest.mark.parametrize("n", [1, 2, 5, 10])
@pytest.mark.parametrize("name", ["cauchy-bornemann", "cauchy"])
def test_high_derivatives(name: str, n: int) -> None:
    """d^n/dx^n exp(x/2) sin(x) is Im((1/2 + i)^n e^((1/2 + i) x)); cauchy's radius 1/2 costs 2^n digits."""
    exact = ((0.5 + 1j) ** n * np.exp((0.5 + 1j) * 0.7)).imag
    found = db.derivative(lambda x: np.exp(x / 2) * np.sin(x), 0.7, method=name, derivative=n)
    allowed = 1e-13 if name == "cauchy-bornemann" else 1e-15 * 4.0**n * math.factorial(n) + 1e-14
    assert abs(float(found) - exact) <= allowed * abs(exact)
    assert abs(float(found) - exact) <= 20 * float(found.error) + 1e-15


@pytest.mark.parametrize("name", ["cauchy-bornemann", "cauchy-fornberg"])
def test_a_circle_keeps_away_from_a_singularity(name: str) -> None:
    """log at 1/1000: the circle must shrink below the distance of the branch point."""
    found = db.derivative(np.log, 1e-3, method=name)
    assert float(found.h) < 1e-3
    assert float(found) == pytest.approx(1000.0, rel=1e-8)
    assert abs(float(found) - 1000.0) <= float(found.error)


def test_a_singularity_on_the_circle_is_noticed() -> None:
    found = db.derivative(np.log, 1e-3, method="cauchy")
    assert found.status == "low_confidence" and "singularity" in found.message


NOT_ANALYTIC: tuple[Function, ...] = (
    np.abs,
    lambda x: np.maximum(x, 0.5),
    lambda x: np.where(x > 0, x, -x),
    np.sign,
    np.floor,
)


@pytest.mark.parametrize("name", [n for n in estimators() if get_method(n).formats == ("float64",)])
def test_what_is_not_analytic_is_refused(name: str) -> None:
    m = get_method(name).derivatives[0]  # type: ignore[index]
    for f in NOT_ANALYTIC:
        with pytest.raises(RefusedError, match="not analytic"):
            db.derivative(f, 1.0, method=name, derivative=m)
    with pytest.raises(RefusedError, match="use one of float64"):
        db.derivative(np.exp, 1.0, method=name, derivative=m, format="float16")

    def opaque(x: Any) -> Any:
        return np.exp(x)

    opaque.opaque = True  # type: ignore[attr-defined]
    with pytest.raises(RefusedError, match="opaque"):
        db.derivative(opaque, 1.0, method=name, derivative=m)


# -- extrapolation -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "method", ["ridders", "richardson-central", "richardson-forward", "gsl-central", "gsl-forward"]
)
def test_extrapolation_in_every_format(method: str, name: str) -> None:
    """sin at 1: within a few of the method's own error estimates, and not hopeless in any format.

    Half precision has so few values that two of a table agree by accident: its estimates may be 0.
    """
    fmt = get_format(name)
    found = db.derivative(np.sin, 1.0, method=method, format=name)
    error = abs(float(np.asarray(found.value).astype(np.longdouble) - np.cos(np.longdouble(1.0))))
    assert found.status == "ok"
    if fmt.precision >= 24:
        # two entries of a table may agree by accident, within the rounding of their differences, u / h
        assert error <= 4 * float(found.error) + fmt.u / float(found.h)
    # GSL's second step of the forward formula assumes that only h^1 is left of its error, and is small
    power = 1 / 2 if method == "gsl-forward" else 2 / 3
    if method != "gsl-forward" or fmt.precision >= 24:
        assert error <= 3 * fmt.eps**power


def test_ridders_and_its_references() -> None:
    """tan at 1 in 12 digits (a pocket calculator that uses Ridders); an interval across a pole is trusted
    wrongly.
    """
    assert float(db.derivative(np.tan, 1.0, method="ridders(start=0.1)")) == pytest.approx(
        3.42551882081, abs=5e-12
    )
    assert float(db.derivative(np.tan, 1.57, method="ridders(start=0.1)")) != pytest.approx(1.5769e6, rel=0.5)


@given(st.lists(st.integers(-8, 8), min_size=2, max_size=5), st.floats(-2, 2))
def test_a_table_is_exact_for_polynomials(coefficients: list[int], x: float) -> None:
    """A Romberg table of k rows removes the error terms up to h^(2k-2): degree 4 needs two rows of
    central.
    """
    p = np.polynomial.Polynomial(coefficients)
    exact = float(p.deriv()(x))

    def f(t: Any) -> Any:
        total: Any = 0.0
        for c in reversed(coefficients):
            total = total * t + float(c)
        return total

    bound = 1e-11 * (1 + abs(exact) + sum(map(abs, coefficients)) * 2.0**5)
    assert float(db.derivative(f, x, method="richardson-central")) == pytest.approx(exact, abs=bound)
    assert float(db.derivative(f, x, method="ridders")) == pytest.approx(exact, abs=bound)


def test_gsl_counts_the_rounding_of_the_argument() -> None:
    """sin at 1e6: x + h is rounded by 1e-10, and the error estimate says so."""
    found = db.derivative(np.sin, 1e6, method="gsl-central(start=1e-3)")
    error = abs(float(found) - math.cos(1e6))
    assert error <= float(found.error)
    assert float(found.error) >= 1e6 * 2.0**-52 * abs(math.cos(1e6)) / 1e-3 / 10


def test_numderiv_is_four_rows_of_romberg() -> None:
    """The package's table written out: d = 1e-4, four halvings, factors 4, 16, 64."""
    h = 1e-4 * 0.5 ** np.arange(4)
    a = (np.sin(1 + h) - np.sin(1 - h)) / (2 * h)
    for k in (4, 16, 64):
        a = (a[1:] * k - a[:-1]) / (k - 1)
    assert float(db.derivative(np.sin, 1.0, method="numderiv")) == a[0]


def test_a_step_that_vanishes_is_said_and_the_value_kept() -> None:
    found = db.derivative(np.sin, 1.0, method="numderiv", format="float16")
    assert (found.status, float(found)) == ("step_vanished", 0.0)


# numdifftools' docs: exp at 0, forward quotients at .1, .05, .025 and their extrapolations
def test_printed_extrapolation() -> None:
    quotients = [float(db.derivative(np.exp, 0.0, method=f"forward-1@{h}")) for h in (0.1, 0.05, 0.025)]
    assert quotients == pytest.approx([1.05170918075648, 1.02542192752048, 1.01260482097715], abs=2e-14)
    two = 2 * quotients[1] - quotients[0]
    three = (4 * (2 * quotients[2] - quotients[1]) - two) / 3
    assert two == pytest.approx(0.999134674284488, abs=5e-14)
    table = float(db.derivative(np.exp, 0.0, method="richardson-forward(start=0.1,levels=2)"))
    assert table == pytest.approx(two, abs=1e-14)
    table = float(db.derivative(np.exp, 0.0, method="richardson-forward(start=0.1,levels=3)"))
    assert table == pytest.approx(three, abs=1e-14)


def test_orders_that_an_estimator_does_not_have() -> None:
    with pytest.raises(UserError, match="order 1, not 2"):
        db.derivative(np.exp, 1.0, method="numderiv", derivative=2)
    with pytest.raises(UserError, match="order 2, not 1"):
        db.derivative(np.exp, 1.0, method="lai-crassidis")
