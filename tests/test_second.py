"""``auto`` for second derivatives: a bound that holds, or a flag, in every format."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from auto_support import load, plain
from hypothesis import given, settings
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.errors import UserError
from diffbench.methods.automatic import Result, bowing, curvature, estimate_many, pairs, second_steps, tableau
from diffbench.methods.automatic.curvature import curved, reading
from diffbench.methods.automatic.pairs import CAP, Noise, Pair
from diffbench.random_functions import hashed, measured

Function = Callable[[Any], Any]
FLOAT64 = get_format("float64")


def at(f: Function, x: float) -> Result:
    return estimate_many(plain(f), [x], FLOAT64, engine=second_steps)[0]


random_second = load("random_second")


# -- what is easy ------------------------------------------------------------------------------------------

# function, its second derivative, x
EASY: tuple[tuple[str, Function, Function, float], ...] = (
    ("sin", np.sin, lambda x: -np.sin(x), 1.0),
    ("exp at 0", np.exp, np.exp, 0.0),
    ("log", np.log, lambda x: -1 / x**2, 1.5),
    ("sqrt", np.sqrt, lambda x: -0.25 / (x * np.sqrt(x)), 1.0),
    ("tanh", np.tanh, lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2, 0.5),
    ("cubic", lambda x: x**3 - x, lambda x: 6 * x, 1.25),
    ("1/x", lambda x: 1 / x, lambda x: 2 / x**3, -2.0),
    ("square", lambda x: x**2, lambda x: 2 + 0 * x, 0.75),
)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "longdouble"])
@pytest.mark.parametrize(("what", "f", "exact", "x"), EASY, ids=[e[0] for e in EASY])
def test_every_format_is_covered_by_its_bound(
    name: str, what: str, f: Function, exact: Function, x: float
) -> None:
    fmt = get_format(name)
    point = fmt.round(x)
    found = db.derivative(f, point[()], method="auto", derivative=2)
    truth = exact(np.longdouble(point))
    assert found.value.dtype == fmt.dtype
    assert abs(np.longdouble(found.value) - truth) <= found.error
    if fmt.precision > 11:  # a second difference keeps half of the digits; half precision may keep none
        assert found.status == "ok", found.message
        assert found.error <= max(1e-3, 16 * math.sqrt(fmt.u)) * abs(truth)
    assert found.evaluations <= 31


@pytest.mark.parametrize(("what", "f", "exact", "x"), EASY, ids=[e[0] for e in EASY])
def test_smooth_functions_come_out_to_eleven_digits(
    what: str, f: Function, exact: Function, x: float
) -> None:
    """The noise of one value over the square of L / 100 is 1e-12."""
    found = at(f, x)
    assert abs(found.value - exact(x)) <= 1e-11 * abs(exact(x))
    assert found.evaluations <= 25


# -- what is hostile ---------------------------------------------------------------------------------------


def noisy(level: float) -> Function:
    """Uniform noise in +-level that depends on nothing but the bits of x."""
    return lambda x: np.sin(x) + level * (2 * hashed(x, 5) - 1)


S1 = math.sin(1.0)

# name, function, x, second derivative (NaN: there is none), status, words of the reason
HOSTILE: tuple[tuple[str, Function, float, float, str, str], ...] = (
    ("linear", lambda x: 3 * x + 1, 0.75, 0.0, "ok", ""),
    ("linear, rounded", lambda x: np.pi * x + np.e, 0.1, 0.0, "ok", ""),
    ("constant", lambda x: 5 + 0 * x, 1.0, 0.0, "ok", ""),
    ("zero", lambda x: 0 * x, 1.0, 0.0, "ok", ""),
    ("f'' = 0 by symmetry", np.sin, 0.0, 0.0, "ok", ""),
    ("f = 0 and f' = 0", lambda x: x**2, 0.0, 2.0, "ok", ""),
    ("huge x", lambda x: 1e100 * np.sin(x / 1e200), 1e200, -S1 * 1e-300, "ok", ""),
    ("tiny x", lambda x: 1e-200 * np.sin(x * 1e200), 1e-200, -S1 * 1e200, "ok", ""),
    ("huge f", lambda x: 1e250 * np.exp(x), 1.0, 1e250 * math.e, "ok", ""),
    ("tiny f", lambda x: 1e-250 * np.exp(x), 1.0, 1e-250 * math.e, "ok", ""),
    ("fast", lambda x: np.sin(1e6 * x), 1.0, -1e12 * math.sin(1e6), "ok", ""),
    ("offset", lambda x: 1e6 + np.sin(x), 1.0, -S1, "ok", ""),
    ("large slope", lambda x: 1e6 * x + np.sin(x), 1.0, -S1, "ok", ""),
    (
        "small waves",
        lambda x: np.sin(x) + 1e-10 * np.sin(1e4 * x),
        1.0,
        -S1 - 1e-2 * math.sin(1e4),
        "ok",
        "",
    ),
    ("x far below the scale", lambda x: 5 * x + np.sin(x) ** 2, 1e-9, 2.0, "ok", ""),
    ("linear at a tiny x", lambda x: 5 * x, 1e-9, 0.0, "ok", ""),
    ("pole near", np.tan, 1.57, 2 * math.tan(1.57) / math.cos(1.57) ** 2, "ok", ""),
    ("edge near", np.log, 1e-3, -1e6, "ok", ""),
    ("right only", lambda x: np.where(x < 1, np.nan, np.exp(x)), 1.0, math.e, "ok", "one side"),
    ("left only", lambda x: np.where(x > 1, np.inf, np.exp(-x)), 1.0, 1 / math.e, "ok", "one side"),
    ("isolated", lambda x: np.where(x == 1, 2.0, np.nan), 1.0, math.nan, "domain", "next to x"),
    ("outside", np.log, -1.0, math.nan, "domain", "outside the domain"),
    ("at a pole", lambda x: 1 / x, 0.0, math.nan, "overflow", "infinite"),
    ("kink at x", np.abs, 0.0, math.nan, "low_confidence", "no second derivative"),
    ("kink on a slope", lambda x: np.sin(x) + np.abs(x - 1), 1.0, math.nan, "low_confidence", "slope jumps"),
    ("f'' jumps at x", lambda x: np.sin(x) + x * np.abs(x), 0.0, math.nan, "low_confidence", "f'' jumps"),
    (
        "f'' jumps a little",
        lambda x: np.exp(x) + 0.1 * (x - 1) * np.abs(x - 1),
        1.0,
        math.nan,
        "low_confidence",
        "f'' jumps",
    ),
    ("infinite f''", lambda x: np.abs(x) ** 1.5, 0.0, math.nan, "low_confidence", ""),
    ("jump at x", lambda x: np.sin(x) + (x > 1.0), 1.0, math.nan, "low_confidence", ""),
    ("kink near", lambda x: np.sin(x) + 1e-3 * np.abs(x - 1.01), 1.0, -S1, "ok", ""),
    ("jump near", lambda x: np.sin(x) + (x > 1.01), 1.0, -S1, "ok", ""),
    ("ramp, flat side", lambda x: np.maximum(x, 0.0), -1.0, 0.0, "ok", ""),
    ("nothing but a step", np.floor, 0.5, 0.0, "low_confidence", ""),
    ("staircase", lambda x: np.floor(1e3 * x) / 1e3, 0.7, 0.0, "low_confidence", ""),
    ("nothing but noise", lambda x: hashed(x, 6), 1.0, math.nan, "low_confidence", ""),
    ("noise", noisy(1e-9), 1.0, -S1, "ok", "noise"),
    ("steps", lambda x: np.round(np.sin(x) * 1e7) / 1e7, 1.0, -S1, "ok", "quantised"),
    ("terms that cancel", lambda x: (1 - np.cos(x)) / x**2, 1e-3, -1 / 12, "low_confidence", ""),
)


@pytest.mark.parametrize(("name", "f", "x", "truth", "status", "words"), HOSTILE, ids=[c[0] for c in HOSTILE])
def test_hostile_functions(name: str, f: Function, x: float, truth: float, status: str, words: str) -> None:
    found = at(f, x)
    assert found.status == status, (found.status, found.reason, found.value)
    assert words in found.reason
    assert (found.reason != "") or status == "ok"
    assert found.evaluations <= CAP
    if not math.isnan(truth):
        # 1e6 and 1e4 times a float64 are rounded in the truths here as they are in f
        assert abs(found.value - truth) <= found.bound + 1e-10 * abs(truth) * (name == "fast")
    if status == "ok":
        assert found.bound <= 1e-3 * abs(truth) or truth == 0
        # a derivative that is 0 is 0 beside the changes of f over its own length, which are about 1 here
        assert truth != 0 or found.bound <= 1e-6


def test_both_sides_of_a_jump_are_told() -> None:
    found = at(lambda x: np.where(x < 0, x**2, 3 * x**2) + x, 0.0)
    assert (found.left, found.right) == (pytest.approx(2, abs=1e-6), pytest.approx(6, abs=1e-6))
    assert found.value == pytest.approx(4, abs=1e-6)
    assert found.bound >= 2


# -- laws --------------------------------------------------------------------------------------------------

whole = st.integers(-64, 64).map(float)


@settings(max_examples=60, deadline=None)
@given(a=whole, b=whole, c=whole, x=st.integers(-64, 64).map(lambda n: n / 8))
def test_quadratics_are_exact(a: float, b: float, c: float, x: float) -> None:
    found = at(lambda t: (a * t + b) * t + c, x)
    assert found.status == "ok"
    assert found.value == 2 * a  # all values are integers over 64, which float64 holds, at steps of few bits
    assert found.bound <= 1e-14 * max(abs(a), abs(b), abs(c))


@settings(max_examples=60, deadline=None)
@given(a=st.integers(1, 32), b=whole, c=whole, x=st.integers(1, 64).map(lambda n: n / 8))
def test_quartics_are_covered(a: int, b: float, c: float, x: float) -> None:
    found = at(lambda t: ((a * t + b) * t * t + c) * t + 1, x)
    truth = 12 * a * x * x + 6 * b * x
    assert found.status == "ok" or truth == 0
    assert abs(found.value - truth) <= found.bound


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(EASY[:5]), st.integers(-40, 40), st.integers(-40, 40))
def test_scaling_by_powers_of_two_scales_value_and_bound(
    case: tuple[str, Function, Function, float], up: int, along: int
) -> None:
    _, f, _, x = case
    x = x or 0.5  # at 0 the first step is absolute
    base = at(f, x)
    scaled = at(lambda t: f(t * 2.0**-along) * 2.0**up, x * 2.0**along)
    factor = 2.0 ** (up - 2 * along)
    assert (scaled.value, scaled.bound) == (base.value * factor, base.bound * factor)
    assert (scaled.evaluations, scaled.status) == (base.evaluations, base.status)


# -- the weights -------------------------------------------------------------------------------------------


def test_two_nodes_give_the_five_point_formula() -> None:
    """-1/12, 4/3, -5/2, 4/3, -1/12: the textbook's weights for f'' with h and 2h."""
    weights = np.array(db.stencil("central", derivative=2, accuracy=4).weights, dtype=float)
    values = np.array([1.75, 1.25, 2.0, 0.5, 3.0])
    bows = curvature.Bows(1.0)
    for k in (1, 2):
        bows.add(curved(Pair(float(k), 2.0 * k, values[2], values[2 + k], values[2 - k], 2), 1.0))
    shape = reading((1.0, 0.5), 2)
    value = sum(w * c * 4.0**j for j, (w, c) in enumerate(zip(shape.weight, bows._odd, strict=False)))
    assert value == pytest.approx(weights @ values, rel=1e-15)


@pytest.mark.parametrize("order", [1, 2])
def test_noise_of_the_value_is_that_of_simulated_values(order: int) -> None:
    """White noise on f(x) and on every node: its deviation is predicted; 20000 samples tell it to 2 %."""
    rng = np.random.default_rng(1)
    steps = (1.0, 0.5, 0.25, 0.125)
    noise = rng.standard_normal((20000, 9))
    f0 = noise[:, 0]
    for count in range(3 - order, 5):
        coefficients = []
        for k, h in enumerate(steps[:count]):
            upper, lower = noise[:, 1 + k], noise[:, 5 + k]
            coefficients.append((upper + lower - 2 * f0) / h**2 if order == 2 else (upper - f0) / h)
        row = divided(coefficients, [h**order for h in steps[:count]])
        shape = reading(steps, order)
        scale = 1.0 if order == 2 else 2.0
        value = scale * sum(w * c for w, c in zip(shape.weight, row, strict=False))
        lowest = math.sqrt(6) / steps[count - 1] ** 2 if order == 2 else math.sqrt(2) / steps[count - 1]
        assert scale * shape.value[count - 1] * lowest == pytest.approx(float(np.std(value)), rel=0.02)


def divided(values: list[Any], t: list[float]) -> list[Any]:
    """Divided differences from the first node on."""
    row, found = list(values), [values[0]]
    for j in range(1, len(values)):
        row = [(row[i + 1] - row[i]) / (t[i + j] - t[i]) for i in range(len(row) - 1)]
        found.append(row[0])
    return found


# -- random functions --------------------------------------------------------------------------------------

CASES = list(random_second.cases(17, 400))


def scored(cases: list[Any]) -> tuple[float, int, list[int]]:
    """Coverage, silently wrong answers, evaluations."""
    rows = [measured("auto", case, derivative=2) for case in cases]
    assert not any(r.status == "error" for r in rows), "a planted bug that crashes shows nothing"
    return (
        sum(r.covered for r in rows) / len(rows),
        sum(r.wrong or r.failed for r in rows),
        [r.evaluations for r in rows],
    )


def test_a_random_set_is_covered_and_never_silently_wrong() -> None:
    """99 % on thousands of cases (docs/auto.md); of 400, chance takes one below."""
    coverage, wrong, evaluations = scored(CASES)
    assert wrong == 0
    assert coverage >= 0.9825
    assert max(evaluations) <= CAP
    assert np.median(evaluations) <= 21


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_narrow_formats_are_flagged_rather_than_wrong(name: str) -> None:
    rows = [measured("auto", c, derivative=2) for c in random_second.narrow_cases(19, 150, name)]
    assert sum(r.wrong for r in rows) == 0
    assert sum(r.covered for r in rows) >= 0.98 * len(rows)
    assert any(not r.flagged for r in rows)


def halved(pair: Pair, unit: float) -> Pair:
    found = curved(pair, unit)
    if found is not pair:
        found.d *= 0.5  # E / t is f'' / 2
    return found


def no_noise(self: Noise, pair: Any) -> float:
    return 0.0


def no_remainder(order: int, odd: Any, odd_noise: Any, even: Any, even_noise: Any) -> Any:
    return [0.0 * c for c in odd]


def independent(weights: Any, t: Any, order: int) -> float:
    """As if no node shared f(x), and E had no factor for it."""
    terms = [w * (t[len(weights) - 1] / one) for w, one in zip(weights, t, strict=False)]
    return 0.1 * math.sqrt(sum(a * a for a in terms))


PLANTED: tuple[tuple[str, tuple[Any, ...], str, Any, tuple[str, ...]], ...] = (
    ("the factor 2 dropped", (bowing, curvature), "curved", halved, ("smooth",)),
    ("noise left out", (pairs.Noise,), "total", no_noise, ("smooth", "wave", "offset")),
    ("truncation left out", (curvature,), "remainders", no_remainder, ("smooth", "edge", "pole")),
    ("noise of the value a tenth", (curvature,), "_spread", independent, ("wave", "offset", "noisy")),
    ("one deviation instead of 4.5", (tableau,), "Z", 0.3, ("smooth", "wave", "offset", "noisy")),
)


@pytest.mark.parametrize(("what", "owners", "name", "bug", "groups"), PLANTED, ids=[p[0] for p in PLANTED])
def test_planted_bugs_fail_the_coverage(
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    owners: tuple[Any, ...],
    name: str,
    bug: Any,
    groups: tuple[str, ...],
) -> None:
    some = [case for case in CASES if case.group in groups][:120]
    before, wrong_before, _ = scored(some)
    reading.cache_clear()
    for owner in owners:
        monkeypatch.setattr(owner, name, bug)
    after, wrong, _ = scored(some)
    reading.cache_clear()
    assert before >= 0.95
    assert after < before - 0.02 or wrong > wrong_before, (what, before, after, wrong)


def test_truths_agree_with_the_reference() -> None:
    for case in [c for c in CASES if c.group in ("smooth", "edge", "at zero")][:10]:
        assert float(db.reference(case.f, case.x, derivative=2)) == pytest.approx(case.truth, rel=1e-14)


# -- as a method -------------------------------------------------------------------------------------------


def test_points_of_an_array_come_out_as_alone() -> None:
    def f(x: Any) -> Any:  # operations that IEEE 754 rounds exactly
        return (x * x + 0.3 * x + 1) / (x * x * x * x + 2)

    x = np.random.default_rng(3).uniform(-5, 5, (2, 3, 10))
    together = db.derivative(f, x, derivative=2)
    alone = [db.derivative(f, one, derivative=2) for one in x.ravel()]
    for name in ("value", "error", "evaluations", "h"):
        np.testing.assert_array_equal(np.ravel(getattr(together, name)), [getattr(e, name) for e in alone])
    assert np.shape(together.value) == np.shape(together.error) == np.shape(together.statuses) == x.shape
    assert np.shape(db.derivative(f, np.empty((0,)), derivative=2).value) == (0,)


def test_it_says_which_orders_it_does() -> None:
    assert db.methods()["auto"].derivatives == (1, 2)
    with pytest.raises(UserError, match="order 1, 2, not 3"):
        db.derivative(np.sin, 1.0, method="auto", derivative=3)


def test_what_f_raises_everywhere_is_raised() -> None:
    def f(x: Any) -> Any:
        raise ValueError("not today")

    with pytest.raises(ValueError, match="not today"):
        db.derivative(f, 1.0, derivative=2)
