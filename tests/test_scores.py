"""Scores: made-up sweeps whose orders, slopes, best steps and digits are known beforehand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffbench.arithmetic.formats import get_format
from diffbench.branches import lucky_best, observed_order, regret, robust_best, rounding_slope
from diffbench.errors import UserError
from diffbench.predictions import digits, error_unit, leading_term, predicted_curves, predicted_optimum
from diffbench.scores import SUMMARY_COLUMNS, summarise
from diffbench.stencils import stencil, stencil_from_name

DECIMAL = 10.0 ** (np.arange(-320, 1) / 20)
BINARY = 2.0 ** np.arange(-53, 1)
COARSE = 10.0 ** np.arange(-8.0, 0)
GRIDS = {"decimal": DECIMAL, "binary": BINARY, "one a decade": COARSE, "unsorted": DECIMAL[::-1]}

U64 = 2.0**-53


def all_ok(h: np.ndarray) -> np.ndarray:
    return np.ones(len(h), dtype=bool)


# -- observed order ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("p", [0.5, 1, 2, 4, 8])
def test_a_pure_power_law_shows_its_order_at_every_step(grid: str, p: float) -> None:
    h = GRIDS[grid]
    order = observed_order(h, -3.0 * h**p)
    assert order.limit == pytest.approx(
        p, rel=1e-9
    )  # logarithms of float64 numbers near 1e-16: about 14 digits
    assert order.high == h.max()
    assert h.min() < order.low <= 10.1 * h.min()  # the smallest steps have no partner near h/2
    assert order.reason == ""


def test_the_interval_ends_where_the_next_term_matters() -> None:
    """T = h^2 (1 + 120 h^2) on powers of 2: p_obs = 2 + log2((1 + 120 h^2) / (1 + 30 h^2)), which grows."""
    order = observed_order(BINARY, BINARY**2 * (1 + 120 * BINARY**2))
    p_obs = 2 + np.log2((1 + 120 * BINARY**2) / (1 + 30 * BINARY**2))
    assert order.limit == pytest.approx(2, abs=1e-12)
    assert order.high == BINARY[np.abs(p_obs - 2) <= 0.1].max() == 2.0**-6  # with h/4 as partner: 2^-5
    assert order.low == BINARY[1]


def test_the_interval_is_the_longest_run_and_not_the_hull() -> None:
    """A detour in the middle splits the range: the longer part counts."""
    truncation = BINARY**2
    truncation[30:33] *= [1.5, 3.0, 1.5]
    order = observed_order(BINARY, truncation)
    assert order.limit == pytest.approx(2)
    assert (order.low, order.high) == (BINARY[1], BINARY[29])


def test_rows_without_a_truncation_are_left_out() -> None:
    truncation = DECIMAL**3
    truncation[::7] = np.nan
    truncation[5] = np.inf
    assert observed_order(DECIMAL, truncation).limit == pytest.approx(3, rel=1e-9)


@pytest.mark.parametrize("flags", [None, "everywhere", "nowhere"])
def test_no_truncation_at_all_is_infinite_order(flags: str | None) -> None:
    """A polynomial of low degree; the flag may be missing from a frame that someone made by hand."""
    zero = None if flags is None else np.full(len(DECIMAL), flags == "everywhere")
    order = observed_order(DECIMAL, np.zeros(len(DECIMAL)), zero)
    assert (order.limit, order.low, order.high) == (math.inf, DECIMAL.min(), DECIMAL.max())


def test_no_truncation_up_to_a_distant_kink_is_infinite_order_so_far() -> None:
    """|x| at 0.1: exact while the nodes stay on one side."""
    truncation = np.maximum(0, DECIMAL - 0.1)
    order = observed_order(DECIMAL, truncation, truncation == 0)
    assert order.limit == math.inf
    assert order.high == DECIMAL[truncation == 0].max()


def test_an_underflow_to_zero_is_not_an_exact_zero() -> None:
    truncation = (DECIMAL * 1e-10) ** 14  # 0 or subnormal below h = 1e-12
    order = observed_order(DECIMAL, truncation, np.zeros(len(DECIMAL), dtype=bool))
    assert order.limit == pytest.approx(14, rel=1e-9)
    assert order.low > 1e-12


def test_a_truncation_without_a_limit_says_so() -> None:
    erratic = DECIMAL * np.exp(np.random.default_rng(7).normal(0, 1, len(DECIMAL)))
    order = observed_order(DECIMAL, erratic)
    assert math.isnan(order.limit) and math.isnan(order.low)
    assert order.reason.startswith("not steady as h -> 0")


def test_a_truncation_that_grows_has_no_order() -> None:
    """A kink nearer than the smallest step: the third derivative of relu is then far off."""
    order = observed_order(COARSE, 1 / COARSE**2)
    assert math.isnan(order.limit)
    assert "grows as h -> 0" in order.reason
    assert (
        observed_order(COARSE, np.full(len(COARSE), 0.5)).limit == 0
    )  # a jump: constant, and that is a finding


def test_a_change_of_order_at_the_smallest_steps_is_not_hidden() -> None:
    """T = h^2 + 1e-16 h: the order falls to 1 just where the grid ends, so neither number may be reported."""
    assert "not steady" in observed_order(DECIMAL, DECIMAL**2 + 1e-16 * DECIMAL).reason


@pytest.mark.parametrize(
    ("h", "reason"),
    [([], "no row"), ([0.1, 0.05], "too few steps"), ([0.1, 0.099, 0.098, 0.097], "too few steps")],
)
def test_too_few_steps_say_so(h: list[float], reason: str) -> None:
    order = observed_order(np.array(h), np.array(h))
    assert math.isnan(order.limit)
    assert reason in order.reason


@given(st.floats(0.3, 9), st.floats(-40, 40), st.floats(0, 1), st.integers(2, 40))
def test_order_is_a_law_of_the_exponent_alone(
    p: float, log_size: float, shift: float, per_decade: int
) -> None:
    h = 10.0 ** (np.arange(-6 * per_decade, 0) / per_decade + shift)
    assert observed_order(h, math.exp(log_size) * h**p).limit == pytest.approx(p, rel=1e-9)


# -- slope of the rounding branch ----------------------------------------------------------------------------


@pytest.mark.parametrize("m", [1, 2, 3, 6])
@pytest.mark.parametrize("grid", GRIDS)
def test_rounding_that_grows_as_a_power_shows_its_slope(grid: str, m: int) -> None:
    h = GRIDS[grid]
    signs = np.where(np.arange(len(h)) % 2, -1.0, 1.0)
    assert rounding_slope(h, 1e-16 * signs / h**m) == pytest.approx(-m, rel=1e-9)


def test_the_slope_withstands_outliers() -> None:
    """A fifth of the rows are 1e6 times too small, as lucky cancellations make them."""
    rng = np.random.default_rng(3)
    rounding = 1e-16 / DECIMAL * np.exp(rng.normal(0, 0.5, len(DECIMAL)))
    rounding[rng.random(len(DECIMAL)) < 0.2] *= 1e-6
    assert rounding_slope(DECIMAL, rounding) == pytest.approx(-1, abs=0.05)


def test_the_slope_needs_five_rows_that_are_not_zero() -> None:
    h = 2.0 ** -np.arange(10)
    rounding = 1 / h
    rounding[4:] = [0, np.nan, np.inf, 0, 0, 0]
    assert math.isnan(rounding_slope(h, rounding))
    rounding[9] = 1 / h[9]
    assert rounding_slope(h, rounding) == pytest.approx(-1)


@given(st.lists(st.floats(-20, 20), min_size=5, max_size=40), st.floats(-5, 5), st.floats(-30, 30))
def test_the_slope_moves_with_the_power_and_not_with_the_size(
    logs: list[float], power: float, size: float
) -> None:
    h = 2.0 ** -np.arange(len(logs))
    rounding = np.exp(np.array(logs))
    found = rounding_slope(h, rounding)
    assert rounding_slope(h, rounding * h**power * math.exp(size)) == pytest.approx(found + power, abs=1e-9)


# -- best steps ----------------------------------------------------------------------------------------------


def robust_best_by_hand(
    h: Sequence[float], error: Sequence[float], ok: Sequence[bool]
) -> tuple[float, float]:
    """THEORY, "The best step", word for word."""
    best = (math.nan, math.nan)
    rows = [(a, e) for a, e, good in zip(h, error, ok, strict=True) if good]
    for a, _ in rows:
        window = [e for b, e in rows if abs(math.log10(a) - math.log10(b)) <= 0.25 + 1e-12]
        if len(window) >= 5:
            value = float(np.quantile(window, 0.9, method="inverted_cdf"))
            if not value >= best[1] or (value == best[1] and a > best[0]):
                best = (a, value)
    return best


errors = st.one_of(st.sampled_from([0.0, 1e-3, 1.0]), st.floats(1e-12, 1e3))


@given(
    st.lists(st.tuples(st.integers(-90, 0), errors, st.booleans()), max_size=60, unique_by=lambda row: row[0])
)
def test_robust_best_is_what_theory_says(rows: list[tuple[int, float, bool]]) -> None:
    h = np.array([10.0 ** (i / 20) for i, _, _ in rows])
    error, ok = np.array([e for _, e, _ in rows]), np.array([good for *_, good in rows], dtype=bool)
    np.testing.assert_array_equal(robust_best(h, error, ok), robust_best_by_hand(h, error, ok))


def test_a_lucky_dip_is_lucky_and_not_best() -> None:
    error = DECIMAL**2 + 1e-16 / DECIMAL
    smooth = robust_best(DECIMAL, error, all_ok(error))
    dip = 150
    error[dip] = 1e-30
    assert lucky_best(DECIMAL, error, all_ok(error)) == (DECIMAL[dip], 1e-30)
    assert robust_best(DECIMAL, error, all_ok(error)) == smooth
    assert smooth[1] > 1e-11


def test_robust_best_of_a_v_lies_near_its_bottom() -> None:
    """h + u/h is least at sqrt(u), 2 sqrt(u); over half a decade the 90th percentile adds at most 10^0.25."""
    h, error = robust_best(DECIMAL, DECIMAL + U64 / DECIMAL, all_ok(DECIMAL))
    assert abs(math.log10(h / math.sqrt(U64))) < 0.1
    assert 1 <= error / (2 * math.sqrt(U64)) < 10**0.25


def test_the_window_holds_the_steps_a_quarter_of_a_decade_away() -> None:
    """Eleven rows at 20 a decade, the errors at both ends large: the percentile is the tenth of eleven."""
    h = 10.0 ** (np.arange(-25, -14) / 20)
    error = np.ones(11)
    error[[0, 10]] = 50.0
    h_best, best = robust_best(h, error, all_ok(h))
    # the middle row sees both ends; the row beside it only one, among ten rows of which the ninth counts
    assert (h_best, best) == (h[6], 1.0)


@pytest.mark.parametrize("lost", range(5))
def test_rows_that_are_not_ok_do_not_count(lost: int) -> None:
    h = 2.0**-10 * 10.0 ** (np.arange(5) / 20)
    ok = np.arange(5) != lost
    error = np.full(5, 2.0)
    assert robust_best(h, error, all_ok(h)) == (h[4], 2.0)  # a tie: the largest h
    assert all(math.isnan(v) for v in robust_best(h, error, ok))
    error[lost] = np.nan
    assert all(math.isnan(v) for v in robust_best(h, error, all_ok(h)))


def test_ties_go_to_the_largest_step() -> None:
    error = np.where(DECIMAL > 1e-3, 1.0, 0.0)
    assert lucky_best(DECIMAL, error, all_ok(error))[0] == DECIMAL[DECIMAL <= 1e-3].max()
    h_best, best = robust_best(DECIMAL, error, all_ok(error))
    assert best == 0.0
    assert h_best == pytest.approx(1e-3 * 10**-0.2)  # one of the eleven errors around it may be large


def test_nothing_ok_has_no_best() -> None:
    for best in (robust_best, lucky_best):
        assert all(math.isnan(v) for v in best(DECIMAL, DECIMAL, ~all_ok(DECIMAL)))
        assert all(math.isnan(v) for v in best(DECIMAL[:0], DECIMAL[:0], all_ok(DECIMAL[:0])))


REGRETS = [
    # error, best, derivative, format, regret
    (4e-6, 2e-6, 1.0, "float64", 2.0),
    (0.0, 2e-6, 1.0, "float64", U64 / 2e-6),  # a zero error counts as u |D|
    (1e-3, 0.0, 1.0, "float64", 1e-3 / U64),  # and so does a zero best
    (0.0, 0.0, 0.0, "float64", 1.0),  # the smallest subnormal: nothing is divided by zero
    (0.0, 0.0, 0.0, "longdouble", 1.0),  # whose smallest subnormal is 0 as a float64
    (2.0**-20, 2.0**-24, 0.0, "float16", 16.0),
    (np.nan, 1.0, 1.0, "float32", np.nan),
]


@pytest.mark.parametrize(("error", "best", "derivative", "fmt", "expected"), REGRETS)
def test_regret(error: float, best: float, derivative: float, fmt: str, expected: float) -> None:
    np.testing.assert_allclose(regret(error, best, derivative, fmt), expected, rtol=1e-15)


def test_regret_broadcasts() -> None:
    np.testing.assert_array_equal(regret([2.0, -8.0], 2.0, 1.0, "float64"), [1.0, 4.0])


# -- predictions ---------------------------------------------------------------------------------------------

# c_h and c_E of h* = c_h u^(1/(m+p)), E = c_E u^(p/(m+p)) for |f| = |f^(m+p)| = 1, where ulp(f)/2 = u.
# They are rounded to four decimals, hence the tolerance of half a unit there.
OPTIMA = [
    ("central-2", 1, 1.4422, 1.0400),
    ("central-4", 1, 1.6227, 1.1555),
    ("central-8", 1, 1.7624, 1.3298),
    ("central-2", 2, 2.6321, 1.1547),
    ("central-6", 2, 2.4074, 1.3906),
    ("central-4", 3, 1.8374, 1.5515),
    ("central-2", 4, 2.4019, 1.4422),
    ("forward-1", 1, 2.0000, 2.0000),
    ("forward-4", 1, 1.6788, 7.9424),
    ("forward-2", 2, 1.9021, 6.6332),
]


@pytest.mark.parametrize("fmt", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("name", "m", "c_h", "c_e"), OPTIMA)
def test_the_predicted_optimum_has_the_constants_of_theory(
    name: str, m: int, c_h: float, c_e: float, fmt: str
) -> None:
    made, u = stencil_from_name(name, m), get_format(fmt).u
    found = predicted_optimum(made, np.ones(20), fmt)
    q = made.accuracy + m
    assert found.h / u ** (1 / q) == pytest.approx(c_h, abs=5.1e-5)
    assert found.error / u ** (made.accuracy / q) == pytest.approx(c_e, abs=5.1e-5)
    assert found.reason == ""


@given(st.sampled_from(OPTIMA), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(0.1, 10))
def test_no_other_step_is_better_than_the_predicted_one(
    case: tuple[str, int, float, float], f: float, q: float, factor: float
) -> None:
    made = stencil_from_name(case[0], case[1])
    derivatives = np.full(20, q)
    derivatives[0] = f
    found = predicted_optimum(made, derivatives, "float64")

    def model(h: float) -> float:
        truncation = abs(float(made.error_constant)) * q * h**made.accuracy
        return truncation + float(made.S1) * np.spacing(f) / 2 / h**made.derivative

    assert model(found.h) == pytest.approx(found.error, rel=1e-12)
    assert model(found.h * factor) >= found.error * (1 - 1e-12)


def test_symmetry_raises_the_predicted_order() -> None:
    """central-2 with f''' = 0 has T = h^4 f^(5) / 120."""
    derivatives = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 7.0, 1.0])
    made = stencil("central", accuracy=2)
    assert leading_term(made, derivatives) == (5.0, pytest.approx(7 / 120))
    assert predicted_optimum(made, derivatives, "float64").h == pytest.approx(
        (U64 / (4 * 7 / 120)) ** (1 / 5)
    )


NO_PREDICTION = [
    ([1.0, 1.0, 1.0, 0.0, 1.0, 0.0], "A = 0"),  # all odd derivatives beyond the first vanish
    ([0.0, 1.0, 0.0, -1.0], "B = 0"),
    ([1.0, 1.0, 1.0, np.nan], "not known"),
    ([1.0, 1.0], "not known"),
    ([], "not known"),
    ([np.nan, 1.0, 1.0, 1.0], "f(x) unknown"),
    ([1e-300, 1.0, 1.0, 1e308], "out of float64's range"),
]


@pytest.mark.parametrize(("derivatives", "reason"), NO_PREDICTION)
def test_what_cannot_be_predicted_says_why(derivatives: list[float], reason: str) -> None:
    found = predicted_optimum(stencil("central", accuracy=2), np.array(derivatives), "float64")
    assert math.isnan(found.h) and math.isnan(found.error)
    assert reason in found.reason


def test_curves_at_exact_nodes_are_truncation_and_evaluation() -> None:
    made, h = stencil("central", accuracy=4), 2.0 ** -np.arange(2, 23)  # 1 + 2^-23 is the next float32
    envelope, rms = predicted_curves(made, np.full(12, np.e), "float32", 1.0, h)
    truncation = np.e / 30 * h**4
    spacing = np.spacing(np.float32(np.exp(1 + 2 * h))).astype(float)  # the largest over the nodes
    np.testing.assert_allclose(envelope, truncation + 1.5 * spacing / 2 / h, rtol=1e-12)
    np.testing.assert_allclose(rms, np.hypot(truncation, made.S2 * spacing / math.sqrt(12) / h), rtol=1e-12)


NODES = [
    # format, x, h, are x and x + h numbers of the format?
    ("float32", 1.0, 2.0**-23, True),
    ("float32", 1.0, 2.0**-24, False),
    ("float32", 1.0, 3 * 2.0**-23, True),
    ("float64", 1.0, 2.0**-24, True),
    ("float64", 1.0, 0.1, False),  # 1.1 needs more bits than the sum of 1 and float64(0.1) may have
    ("float64", 1.0, 1.0, True),
    ("bfloat16", 1.0, 2.0**-7, True),
    ("bfloat16", 1.0, 2.0**-8, False),
    ("float16", 0.0, 2.0**-24, True),  # the smallest subnormal
    ("float16", 0.0, 2.0**-25, False),
    ("float16", 2.0**-20, 2.0**-24, True),
    ("float16", 2.0**-20, 2.0**-25, False),
]


@pytest.mark.parametrize(("fmt", "x", "h", "exact"), NODES)
def test_only_inexact_nodes_have_an_abscissa_term(fmt: str, x: float, h: float, exact: bool) -> None:
    made = stencil("forward", accuracy=1)
    steep, flat = np.array([1.5, 1e-3, 0.0]), np.array([1.5, 0.0, 0.0])
    with_term, without = (predicted_curves(made, d, fmt, x, np.array([h])) for d in (steep, flat))
    assert (with_term[0][0] == without[0][0]) == exact
    assert (with_term[1][0] == without[1][0]) == exact


def sine(x: float) -> np.ndarray:
    return np.array([math.sin(x), math.cos(x), -math.sin(x), -math.cos(x)] * 3)


def test_the_abscissa_term_dominates_far_from_zero() -> None:
    """At x = 1000.1, h = 1e-6: hundreds of times the evaluation term (ulp(x) is 2^10 times that of f)."""
    made = stencil("central", accuracy=2)
    inexact, _ = predicted_curves(made, sine(1000.1), "float64", 1000.1, np.array([1e-6]))
    exact, _ = predicted_curves(made, sine(1000.1), "float64", 1000.1, np.array([2.0**-20]))
    abscissa = abs(math.cos(1000.1)) * np.spacing(1000.1) / 2 / 1e-6
    assert inexact[0] > 200 * exact[0]
    assert inexact[0] == pytest.approx(abscissa, rel=0.01)


MEASURED = [
    # stencil, derivative, centre of the points, steps (a band of them), tolerance of the ratio
    # 400 points or steps: the standard deviation of a root mean square is about 3 %; NumPy's sin is not
    # correctly rounded everywhere and the difference quotient itself rounds, which adds a little
    ("central-2", 1, 1.0, 2.0**-20 * np.ones(400), 0.12),
    ("central-4", 1, 1.0, 2.0**-16 * np.ones(400), 0.25),
    ("forward-1", 1, 1.0, 2.0**-30 * np.ones(400), 0.12),
    ("central-2", 2, 1.0, 2.0**-18 * np.ones(400), 0.12),
    ("central-2", 1, 1000.0, np.geomspace(1e-7, 1e-6, 400), 0.12),  # abscissa: x + h and x - h move together
    ("forward-1", 1, 1000.0, np.geomspace(1e-9, 1e-8, 400), 0.12),
    ("forward-2", 1, 1000.0, np.geomspace(1e-9, 1e-8, 400), 0.15),
    ("central-2", 2, 1000.0, np.geomspace(1e-4, 1e-3, 400), 0.15),  # and cancel for even derivatives
]


@pytest.mark.parametrize(("name", "m", "centre", "steps", "tolerance"), MEASURED)
def test_the_rms_curve_is_what_float64_does(
    name: str, m: int, centre: float, steps: np.ndarray, tolerance: float
) -> None:
    """Errors of sin over a cloud of points, against the prediction of each, root mean square over all."""
    made = stencil_from_name(name, m)
    points = centre + np.random.default_rng(5).random(len(steps)) / 4
    ratios, within = [], []
    for x, h in zip(points, steps, strict=True):
        values = np.sin(x + np.array([float(s) for s in made.offsets]) * h)
        estimate = np.dot(np.array(made.numerators, dtype=float), values) / (made.denominator * h**m)
        true = sine(x)
        envelope, rms = predicted_curves(made, true, "float64", x, np.array([h]))
        ratios.append((estimate - true[m]) / rms[0])
        within.append(abs(estimate - true[m]) / envelope[0])
    assert math.sqrt(np.mean(np.square(ratios))) == pytest.approx(1, abs=tolerance)
    assert max(within) < 1.3  # the envelope bounds the values' roundings, not those of the quotient


def test_the_curves_say_nan_where_a_derivative_is_missing() -> None:
    made = stencil("central", accuracy=2)
    for missing in (0, 1, 3):
        derivatives = sine(1.0)
        derivatives[missing] = np.nan
        envelope, _ = predicted_curves(made, derivatives, "float64", 1.0, np.array([1e-3]))
        assert math.isnan(envelope[0]), missing
    assert math.isnan(predicted_curves(made, np.array([]), "float64", 1.0, np.array([1e-3]))[0][0])


def test_a_zero_of_f_still_has_rounding_at_its_neighbours() -> None:
    """sin at 0: f(h) is about h, so the quotient of two roundings is about u and not 0."""
    h = 2.0 ** -np.arange(1, 40)
    envelope, rms = predicted_curves(stencil("forward", accuracy=2), sine(0.0), "float64", 0.0, h)
    assert ((envelope > U64 / 2) & (rms > U64 / 4)).all()


# -- digits --------------------------------------------------------------------------------------------------

UNITS = [
    ([1.0, -4.0], 1, 1.0, 4.0, "derivative"),
    ([3.0, 0.0], 1, 1.0, 3.0, "scale"),
    ([3.0, 0.0], 1, 2.0, 1.5, "scale"),
    ([3.0, 1.0, 0.0], 2, 2.0, (3 + 0.25) / 4, "scale"),  # f = 3 + t over +-scale/8, divided by scale^2
    ([0.0, 0.0, 2.0], 1, 1.0, 1 / 64, "scale"),  # f = t^2: 0 at the point itself
    ([0.0, 0.0, 0.0], 1, 1.0, 0.0, "scale"),
    ([1.0, np.nan], 1, 1.0, np.nan, ""),
    ([1.0], 1, 1.0, np.nan, ""),
]


@pytest.mark.parametrize(("derivatives", "m", "scale", "unit", "relative_to"), UNITS)
def test_error_unit(derivatives: list[float], m: int, scale: float, unit: float, relative_to: str) -> None:
    found = error_unit(np.array(derivatives), m, scale)
    assert found == (pytest.approx(unit, nan_ok=True), relative_to)


DIGITS = [
    (1e-6, 1.0, "float64", 6.0),
    (1e-6, 100.0, "float64", 8.0),
    (0.0, 1.0, "float32", 24 * math.log10(2)),  # no error: all digits of the format
    (1e-30, 1.0, "float16", 11 * math.log10(2)),  # luck does not give more digits than there are
    (20.0, 1.0, "float64", 0.0),
    (1e-6, 0.0, "float64", math.nan),
    (math.nan, 1.0, "float64", math.nan),
    (1e-200, 1e-300, "float64", 0.0),
]


@pytest.mark.parametrize(("error", "unit", "fmt", "expected"), DIGITS)
def test_digits(error: float, unit: float, fmt: str, expected: float) -> None:
    assert digits(error, unit, fmt) == pytest.approx(expected, nan_ok=True)


# -- summaries -----------------------------------------------------------------------------------------------


def sweep_rows(h: Any, truncation: Any, rounding: Any = 0.0, **columns: Any) -> pd.DataFrame:
    """Sweep rows with one kind of rounding; other columns as given or as for exp-like central-2 at 1."""
    h = np.asarray(h, dtype=float)
    frame = pd.DataFrame({"h": h, "truncation": truncation, "evaluation": rounding, "exact": 1.0})
    frame["error"] = frame["truncation"] + frame["evaluation"]
    frame["estimate"] = frame["exact"] + frame["error"]
    frame = frame.assign(abscissa=0.0, weights=0.0, combination=0.0, truncation_zero=frame["truncation"] == 0)
    usual = dict(
        problem="p", point="1.0", x=1.0, format="float64", stencil="central-2", derivative=1, accuracy=2
    )
    return frame.assign(**{**usual, "variant": "integer", "status": "ok", "message": "", **columns})


def reference_rows(values: Sequence[float], **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"derivative": range(len(values)), "value": np.array(values, dtype=float), "radius": 0.0}
    )
    return frame.assign(**{"problem": "p", "point": "1.0", "x": 1.0, "scale": 1.0, "status": "ok", **columns})


def one_summary(sweep: pd.DataFrame, references: pd.DataFrame | None = None) -> Any:
    summary = summarise(sweep, reference_rows(np.ones(12)) if references is None else references)
    assert tuple(summary.columns) == SUMMARY_COLUMNS
    assert len(summary) == 1
    return next(summary.itertuples())


def model_rows(**columns: Any) -> pd.DataFrame:
    """T = h^2/6 and a rounding of u/h."""
    return sweep_rows(DECIMAL, DECIMAL**2 / 6, U64 / DECIMAL, **columns)


def test_summary_of_a_model_sweep() -> None:
    row = one_summary(model_rows())
    assert row.observed_order == pytest.approx(2, rel=1e-9)
    assert row.expected_order == 2
    assert row.order_h_high == 1.0
    assert row.rounding_slope == pytest.approx(-1, rel=1e-9)
    least = (3 * U64) ** (1 / 3)  # of h^2/6 + u/h: 1.5 u/h there
    assert row.h_predicted == pytest.approx(least)
    assert row.error_predicted == pytest.approx(1.5 * U64 / least)
    assert row.h_lucky == pytest.approx(least, rel=0.06)  # the nearest of 20 steps a decade
    assert row.error_lucky == pytest.approx(row.error_predicted, rel=0.01)
    assert row.h_best == pytest.approx(least, rel=0.25)
    assert 1 < row.error_best / row.error_lucky < 2
    assert row.digits == pytest.approx(-math.log10(row.error_best))
    assert row.relative_to == "derivative"
    assert math.isnan(row.autodiff_error)
    assert row.reason == ""


def test_a_planted_loss_of_order_shows() -> None:
    """central-2 written with a wrong node behaves like forward-1: observed and expected disagree."""
    row = one_summary(sweep_rows(DECIMAL, DECIMAL / 2 + DECIMAL**2 / 6, U64 / DECIMAL))
    assert row.expected_order == 2
    assert row.observed_order == pytest.approx(1, abs=1e-6)


def test_symmetry_raises_the_expected_order() -> None:
    row = one_summary(
        sweep_rows(DECIMAL, DECIMAL**4 / 120, U64 / DECIMAL),
        reference_rows([1, 1, 1, 0, 1, 1, 1]),
    )
    assert row.expected_order == 4
    assert row.observed_order == pytest.approx(4, rel=1e-9)


def test_a_line_has_infinite_order_and_every_digit() -> None:
    row = one_summary(sweep_rows(DECIMAL, 0.0), reference_rows([1, 1, 0, 0, 0, 0, 0]))
    assert row.observed_order == row.expected_order == math.inf
    assert row.error_best == row.error_lucky == 0.0
    assert row.digits == get_format("float64").digits
    assert "A = 0" in row.reason and "rounding_slope" in row.reason


def test_vanishing_derivatives_with_a_truncation_leave_the_expected_order_open() -> None:
    """exp(-1/x^2)-like: every derivative the references know is 0, yet there is an error."""
    row = one_summary(sweep_rows(DECIMAL, DECIMAL**3), reference_rows([1, 1, 0, 0, 0, 0, 0]))
    assert math.isnan(row.expected_order)
    assert row.observed_order == pytest.approx(3)
    assert "expected_order: every known error term vanishes, the truncation does not" in row.reason


def test_a_zero_derivative_makes_errors_relative_to_the_scale() -> None:
    row = one_summary(model_rows(exact=0.0), reference_rows([50.0, 0.0, 0.0, 1.0, 0.0, 1.0], scale=0.5))
    assert row.relative_to == "scale"
    assert row.digits == pytest.approx(math.log10(100 / row.error_best), rel=1e-3)


def test_a_reference_too_wide_to_know_is_not_used() -> None:
    references = reference_rows(np.ones(12))
    references.loc[3, "radius"] = 0.5
    row = one_summary(model_rows(), references)
    assert math.isnan(row.h_predicted) and math.isnan(row.expected_order)
    assert "h_predicted, expected_order: a derivative of the leading error term is not known" in row.reason


@pytest.mark.parametrize("status", ["refused", "timeout", "error", "domain", "overflow"])
def test_a_point_that_failed_is_one_row_with_a_reason(status: str) -> None:
    frame = sweep_rows([np.nan], np.nan, np.nan, status=status, exact=np.nan)
    row = one_summary(frame, reference_rows([]))
    assert all(
        math.isnan(v) for v in (row.observed_order, row.h_best, row.error_lucky, row.digits, row.h_predicted)
    )
    assert f"no ok row (1 {status})" in row.reason
    assert row.relative_to == ""


def test_a_failed_point_without_a_stencil_keeps_its_row() -> None:
    frame = sweep_rows([np.nan], np.nan, np.nan, status="refused", exact=np.nan)
    frame = frame.assign(stencil=None, derivative=np.nan, accuracy=np.nan, x=np.nan)
    row = one_summary(frame)
    assert "no stencil of this name" in row.reason and "1 refused" in row.reason


def test_failed_steps_still_tell_the_order() -> None:
    """The truncation is exact whatever the format did: overflow neither hides it nor is ever best."""
    status = np.where(DECIMAL < 1e-8, "ok", "overflow")
    row = one_summary(model_rows(status=status))
    assert row.order_h_high == 1.0
    assert row.h_best < 1e-8 and row.h_lucky < 1e-8
    row = one_summary(model_rows(status="step_vanished"))
    assert row.observed_order == pytest.approx(2)
    assert f"no ok row ({len(DECIMAL)} step_vanished)" in row.reason


def test_a_sweep_without_the_split_has_best_steps_and_digits() -> None:
    frame = model_rows()[
        ["h", "error", "exact", "status", "x", "accuracy", "problem", "point", "format", "stencil"]
    ]
    row = one_summary(frame.assign(derivative=1, variant="integer"))
    assert row.digits > 9
    assert math.isnan(row.observed_order) and math.isnan(row.rounding_slope)
    assert "observed_order: no row has a truncation error" in row.reason


def test_estimates_of_zero_do_not_bend_the_slope() -> None:
    """Where f no longer changes with h the rounding stays what it is; here on two thirds of the rows."""
    frame = model_rows()
    flat = DECIMAL < 1e-5
    frame.loc[flat, ["estimate", "evaluation"]] = [0.0, -U64 / 1e-5]
    assert one_summary(frame).rounding_slope == pytest.approx(-1, rel=1e-9)
    assert one_summary(frame.assign(estimate=1.0)).rounding_slope > -0.8  # what they would do


def test_too_few_steps_have_a_lucky_best_only() -> None:
    row = one_summary(model_rows().iloc[::20])
    assert row.error_lucky < 1e-9
    assert math.isnan(row.h_best) and math.isnan(row.digits)
    assert "h_best: fewer than 5 ok rows within a quarter of a decade" in row.reason


def test_every_series_is_summarised_on_its_own() -> None:
    """Rows of several series in any order, categorical columns, different x in different formats."""
    parts = [
        model_rows(format=fmt, stencil=name, accuracy=p, point=point, x=x)
        for fmt, x in (("float16", 0.0999755859375), ("float64", 0.1))
        for name, p in (("forward-1", 1), ("central-2", 2))
        for point in ("0.1", "0.10")
    ]
    together = pd.concat(parts, ignore_index=True).sample(frac=1, random_state=1)
    together = together.astype(dict.fromkeys(("problem", "format", "stencil", "status"), "category"))
    references = pd.concat(
        [
            reference_rows(v * np.ones(12), point=p, x=x)
            for v, x in ((1, 0.1), (2, 0.0999755859375))
            for p in ("0.1", "0.10")
        ]
    )
    summary = summarise(together, references)
    assert len(summary) == len(parts)
    assert isinstance(summary["format"].dtype, pd.CategoricalDtype)
    keys = ["format", "stencil", "point"]
    for part in parts:
        alone = summarise(part, references)
        wanted = dict(part[keys].iloc[0])
        same = summary[(summary[keys] == pd.Series(wanted)).all(axis=1)]
        pd.testing.assert_frame_equal(
            same.reset_index(drop=True), alone, check_dtype=False, check_categorical=False
        )


def test_the_order_of_rows_does_not_matter() -> None:
    noise = np.exp(np.random.default_rng(11).normal(0, 1, len(DECIMAL)))
    frame = sweep_rows(DECIMAL, DECIMAL**2 / 6, U64 / DECIMAL * noise)
    references = reference_rows(np.ones(12))
    shuffled = frame.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(summarise(shuffled, references), summarise(frame, references))


def test_the_order_of_series_is_that_of_the_sweep() -> None:
    names = ["forward-2", "backward-1", "central-8", "central-2"]
    frame = pd.concat([model_rows(stencil=name) for name in names])
    assert summarise(frame, reference_rows(np.ones(20)))["stencil"].tolist() == names


def test_an_empty_sweep_has_an_empty_summary() -> None:
    summary = summarise(model_rows().iloc[:0], reference_rows([]))
    assert tuple(summary.columns) == SUMMARY_COLUMNS
    assert len(summary) == 0


def test_a_frame_that_lacks_columns_is_refused() -> None:
    with pytest.raises(UserError, match="sweep frame lacks status"):
        summarise(model_rows().drop(columns="status"), reference_rows([1.0]))
    with pytest.raises(UserError, match="references frame lacks value"):
        summarise(model_rows(), reference_rows([1.0]).drop(columns="value"))
