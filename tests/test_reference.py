"""The truth: every known digit, the exact point of each format, kinks, and lies that must be noticed."""

from __future__ import annotations

import contextlib
import csv
import math
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import diffbench as db
from diffbench.arithmetic.balls import working_precision
from diffbench.arithmetic.formats import NAMES, get_format
from diffbench.arithmetic.mp import MpArithmetic
from diffbench.arithmetic.taylor import Series, TaylorArithmetic
from diffbench.errors import RefusedError, UserError
from diffbench.reference import Reference, certify, from_mpf, reference

Function = Callable[[Any], Any]
DATA = Path(__file__).parent / "data" / "functions.csv"
ROWS = list(csv.DictReader(DATA.read_text(encoding="utf-8").splitlines()))


def program(text: str) -> Function:
    function: Function = eval(f"lambda x: {text}", {"np": np, "special": special})
    return function


def exactly(number: Any) -> Fraction:
    """An mpmath number as the rational it is."""
    sign, mantissa, exponent, _ = number._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


# -- digits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_all_forty_digits_of_the_catalogue(row: dict[str, str]) -> None:
    found = certify(program(row["program"]), float(row["x"]), 3)
    for ref, text in zip(found, (row["f"], row["d1"], row["d2"], row["d3"]), strict=True):
        with mpmath.workdps(80):
            printed = mpmath.mpf(mpmath.nstr(ref.value, 40))
            assert printed == mpmath.mpf(text), f"derivative {ref.derivative}: {printed} is not {text}"
            relative = ref.radius / abs(ref.value) if ref.value else ref.radius
        assert relative <= (1e-50 if ref.value else 1e-300)
        assert ref.mpmath_agrees is True
        assert (ref.status, ref.kind) == ("ok", "smooth")


def test_a_wrong_digit_in_the_catalogue_would_be_noticed() -> None:
    """The comparison above is one of decimals: the fortieth digit counts."""
    value = reference(np.exp, 1.0).value
    with mpmath.workdps(80):
        assert mpmath.nstr(value, 40) == "2.718281828459045235360287471352662497757"
        assert mpmath.nstr(value + mpmath.mpf(10) ** -39, 40) != "2.718281828459045235360287471352662497757"


MARTINS = "np.exp(x) / np.sqrt(np.sin(x)**3 + np.cos(x)**3)"
SQUIRE_TRAPP = "np.exp(x) / (np.sin(x)**3 + np.cos(x)**3)"
GMSW = "(np.exp(x) - 1)**2 + (1 / np.sqrt(1 + x**2) - 1)**2"

# program, x (the float64 number), order of the derivative, digits; computed with mpmath alone at 60 digits
PRINTED = (
    (MARTINS, 1.5, 0, "4.49778005394616195025177"),
    (MARTINS, 1.5, 1, "4.053427893898620657714188"),
    (MARTINS, 1.5, 2, "9.463073681596603352536"),
    (MARTINS, 1.5, 3, "32.16790451368894089325"),
    (SQUIRE_TRAPP, 1.5, 0, "4.513928810360317781010728"),
    (SQUIRE_TRAPP, 1.5, 1, "3.622033700716326042597771"),
    (SQUIRE_TRAPP, 1.5, 2, "14.56828426829999154025"),
    (SQUIRE_TRAPP, 1.5, 3, "56.83472513183646892629"),
    (SQUIRE_TRAPP, math.pi / 4, 0, "3.101766393836051400234111"),
    (SQUIRE_TRAPP, math.pi / 4, 1, "3.101766393836051685126733"),
    (SQUIRE_TRAPP, math.pi / 4, 2, "-6.203532787672102230683"),
    (SQUIRE_TRAPP, math.pi / 4, 3, "-24.81413115068841917887"),
    ("x**4.5", 1.5, 0, "6.200270911419919561061875"),
    ("x**4.5", 1.5, 1, "18.60081273425975868318563"),
    ("x**4.5", 1.5, 2, "43.40189637993943692743"),
    ("x**4.5", 1.5, 3, "72.33649396656572821239"),
    ("np.arctan(x) / (1 + np.exp(-x**2))", 2.0, 0, "1.087235308496585537395003"),
    ("np.arctan(x) / (1 + np.exp(-x**2))", 2.0, 1, "0.2746237281548575890153809"),
    ("np.arctan(x) / (1 + np.exp(-x**2))", 2.0, 2, "-0.3913800816402060152651"),
    ("np.arctan(x) / (1 + np.exp(-x**2))", 2.0, 3, "0.6631143151621393383389"),
    ("np.cos(np.sin(np.sin(np.cos(x))))", 1.0, 0, "0.8813858478132355846060059"),
    ("np.cos(np.sin(np.sin(np.cos(x))))", 1.0, 1, "0.2967708904695360558326638"),
    ("np.cos(np.sin(np.sin(np.cos(x))))", 1.0, 2, "0.113523651845686465273"),
    ("np.cos(np.sin(np.sin(np.cos(x))))", 1.0, 3, "-1.695989961301688173465"),
    ("np.tan(x)", 1.0, 1, "3.4255188208147597609"),
    ("np.exp(x**2)**2", 0.5, 1, "3.2974425414002562937"),
    (GMSW, 1.0, 1, "9.5486553221297575081"),
    ("np.exp(2 * x)", 1.0, 1, "14.7781121978613"),
)


@pytest.mark.parametrize(("text", "x", "m", "digits"), PRINTED)
def test_printed_values(text: str, x: float, m: int, digits: str) -> None:
    with mpmath.workdps(60):
        unit = mpmath.mpf(10) ** -len(digits.partition(".")[2])
        # printed to nearest: half a unit of the last digit
        assert abs(reference(program(text), x, m).value - mpmath.mpf(digits)) <= unit / 2 * (
            1 + mpmath.mpf(2) ** -100
        )


def test_digits_can_be_asked_for() -> None:
    few, many = reference(np.exp, 1.0, digits=20), reference(np.exp, 1.0, digits=300)
    assert many.radius <= 1e-300 < few.radius
    with mpmath.workdps(300):
        assert abs(many.value - mpmath.e) < mpmath.mpf(10) ** -299
    assert many.digits(60) == "2.71828182845904523536028747135266249775724709369995957496697"
    assert str(few).startswith(
        "derivative 1 at 1.0: 2.71828182845904523536028747135266249775724709370".rstrip("0")
    )


# -- laws --------------------------------------------------------------------------------------------------

coefficients = st.lists(st.integers(-1000, 1000), min_size=1, max_size=8)
dyadic = st.builds(lambda n, e: n / 2.0**e, st.integers(-1000, 1000), st.integers(0, 12))


@given(coefficients, dyadic, st.integers(0, 8))
def test_polynomials_are_differentiated_exactly(c: list[int], x: float, m: int) -> None:
    found = reference(lambda t: sum((k * t**i for i, k in enumerate(c)), 0 * t), x, m)
    exact = sum(
        (Fraction(k * math.perm(i, m)) * Fraction(x) ** (i - m) for i, k in enumerate(c) if i >= m),
        Fraction(0),
    )
    assert exactly(found.value) == exact
    assert found.radius == 0
    assert found.status == "ok"


@given(st.integers(-8, 8).filter(bool), dyadic.filter(lambda x: abs(x) < 30), st.integers(0, 6))
def test_exp_of_a_multiple_brings_down_its_factor(a: int, x: float, m: int) -> None:
    values = certify(lambda t: np.exp(a * t), x, m, checked=[m])
    assert values[m].mpmath_agrees is True
    with mpmath.workdps(60):
        assert abs(values[m].value / values[0].value / mpmath.mpf(a) ** m - 1) < mpmath.mpf(10) ** -49


@given(dyadic, st.integers(0, 9))
def test_sine_and_cosine_take_turns(x: float, m: int) -> None:
    found = reference(np.sin, x, m)
    with mpmath.workdps(60):
        turned = (mpmath.sin, mpmath.cos)[m % 2](mpmath.mpf(x)) * (1, 1, -1, -1)[m % 4]
        assert abs(found.value - turned) <= abs(turned) * mpmath.mpf(10) ** -49


# -- the problem and the point -----------------------------------------------------------------------------

# format, what 0.1 becomes there (significand over a power of two)
POINTS = (
    ("float16", Fraction("0.0999755859375")),
    ("bfloat16", Fraction("0.10009765625")),
    ("float32", Fraction(13421773, 2**27)),
    ("float64", Fraction(0.1)),
)


@pytest.mark.parametrize(("name", "point"), POINTS)
def test_the_point_is_what_the_format_makes_of_it(name: str, point: Fraction) -> None:
    x = get_format(name).round(0.1)[()]
    value, slope = certify(lambda t: t**2, x, 1)
    assert exactly(value.value) == point**2
    assert exactly(slope.value) == 2 * point


@pytest.mark.parametrize("name", NAMES)
def test_a_format_wider_than_float64_uses_the_point_exactly(name: str) -> None:
    x = get_format(name).round(np.longdouble(1) / 3)[()]
    found = exactly(reference(lambda t: t * 1, x, 0).value)
    assert abs(found - Fraction(1, 3)) <= Fraction(1, 3) * Fraction(get_format(name).u)
    if name == "longdouble":
        assert found == Fraction(*(np.longdouble(1) / 3).as_integer_ratio())


def test_a_literal_is_its_binary64_value() -> None:
    assert exactly(reference(lambda x: 0.1 * x, 1.0).value) == Fraction(0.1)
    with mpmath.workdps(60):
        assert (
            mpmath.nstr(reference(lambda x: 0.1 * x, 1.0).value, 34) == "0.1000000000000000055511151231257827"
        )
    # a literal that float16 would round, at a float16 point: it belongs to the problem, not to the format
    assert exactly(reference(lambda x: 0.1 * x, np.float16(0.1)).value) == Fraction(0.1)
    # constants made outside the wrapped operations are binary64 numbers too
    assert exactly(reference(lambda x: np.pi * x + np.e, 2.0).value) == Fraction(math.pi)
    # integers are exact, and 1/3 is what Python makes of it
    assert exactly(reference(lambda x: (2**60 + 1) * x, 1.0).value) == 2**60 + 1
    assert exactly(reference(lambda x: 1 / 3 * x, 1.0).value) == Fraction(1 / 3)


@pytest.mark.parametrize(
    ("f", "derivatives"),
    [
        (lambda x: 5.0, (5, 0, 0)),
        (lambda x: np.float64(5), (5, 0, 0)),
        (lambda x: 5 + 0 * x, (5, 0, 0)),
        (lambda x: np.zeros_like(x), (0, 0, 0)),
        (lambda x: x, (3, 1, 0)),
        (lambda x: 2 * x + 1, (7, 2, 0)),
        (lambda x: x - x, (0, 0, 0)),
        (lambda x: np.where(x > 2, x**2, x), (9, 6, 2)),
    ],
)
def test_constants_and_lines(f: Function, derivatives: tuple[int, ...]) -> None:
    for ref, value in zip(certify(f, 3.0, 2), derivatives, strict=True):
        assert exactly(ref.value) == value
        assert (ref.radius, ref.status, ref.kind, ref.mpmath_agrees) == (0, "ok", "smooth", True)


# -- kinks, jumps and edges --------------------------------------------------------------------------------

NAN = math.nan
# name, program, x, order -> (kind, status, left, right); NaN where there is no number
KINKS: tuple[tuple[str, Function, float, dict[int, tuple[str, str, float, float]]], ...] = (
    ("|x|", np.abs, 0.0, {0: ("smooth", "ok", 0, 0), 1: ("kink", "no_derivative", -1, 1)}),
    ("|x| elsewhere", np.abs, -2.0, {0: ("smooth", "ok", 2, 2), 1: ("smooth", "ok", -1, -1)}),
    ("relu", lambda x: np.maximum(x, 0), 0.0, {1: ("kink", "no_derivative", 0, 1)}),
    ("minimum", lambda x: np.minimum(x, 0), 0.0, {1: ("kink", "no_derivative", 1, 0)}),
    ("leaky relu", lambda x: np.where(x > 0, x, 0.25 * x), 0.0, {1: ("kink", "no_derivative", 0.25, 1)}),
    ("x|x|", lambda x: x * np.abs(x), 0.0, {1: ("smooth", "ok", 0, 0), 2: ("kink", "no_derivative", -2, 2)}),
    (
        "|x|^3",
        lambda x: np.abs(x) ** 3,
        0.0,
        {2: ("smooth", "ok", 0, 0), 3: ("kink", "no_derivative", -6, 6)},
    ),
    (
        "|x|^1.5",
        lambda x: np.abs(x) ** 1.5,
        0.0,
        {1: ("smooth", "ok", 0, 0), 2: ("smooth", "no_derivative", NAN, NAN)},
    ),
    ("max(x, x^2)", lambda x: np.maximum(x, x**2), 1.0, {1: ("kink", "no_derivative", 1, 2)}),
    (
        "Huber",
        lambda x: np.where(np.abs(x) <= 1, 0.5 * x**2, np.abs(x) - 0.5),
        1.0,
        {1: ("smooth", "ok", 1, 1), 2: ("kink", "no_derivative", 1, 0)},
    ),
    ("hard sigmoid", lambda x: np.clip(x + 3, 0, 6) / 6, 3.0, {1: ("kink", "no_derivative", 1 / 6, 0)}),
    (
        "heaviside",
        lambda x: np.heaviside(x, 0.5),
        0.0,
        {0: ("jump", "no_derivative", 0, 1), 1: ("jump", "no_derivative", 0, 0)},
    ),
    ("sign", np.sign, 0.0, {0: ("jump", "no_derivative", -1, 1)}),
    ("floor", np.floor, 1.0, {0: ("jump", "no_derivative", 0, 1)}),
    ("floor beside", np.floor, 1.5, {0: ("smooth", "ok", 1, 1), 1: ("smooth", "ok", 0, 0)}),
    ("log", np.log, -1.0, {0: ("smooth", "domain", NAN, NAN), 1: ("smooth", "domain", NAN, NAN)}),
    ("1/x", lambda x: 1 / x, 0.0, {1: ("smooth", "domain", NAN, NAN)}),
    ("cbrt", np.cbrt, 0.0, {0: ("smooth", "ok", 0, 0), 1: ("smooth", "no_derivative", NAN, NAN)}),
)


@pytest.mark.parametrize(("name", "f", "x", "facts"), KINKS, ids=[case[0] for case in KINKS])
def test_kinks_jumps_and_edges(
    name: str, f: Function, x: float, facts: dict[int, tuple[str, str, float, float]]
) -> None:
    found = certify(f, x, 3)
    for m, (kind, status, left, right) in facts.items():
        ref = found[m]
        assert (ref.kind, ref.status) == (kind, status), f"derivative {m}"
        # 1/6 of the hard sigmoid is rounded to float64 here, the reference is not
        assert float(ref.left) == pytest.approx(left, rel=2e-16, abs=0, nan_ok=True)
        assert float(ref.right) == pytest.approx(right, rel=2e-16, abs=0, nan_ok=True)
        if status == "ok":
            assert ref.mpmath_agrees is True
            assert ref.value == ref.left == ref.right
        else:
            assert math.isnan(ref.value)
            assert ref.message
            assert ref.digits() == ""
        if kind in ("kink", "jump"):
            assert ref.mpmath_agrees is True, "mpmath's one-sided quotients find the same two numbers"


# a square root lives on one side of 0 only; there the function ends, and so does every derivative
@pytest.mark.parametrize(
    ("name", "f", "kind"),
    [
        ("sqrt", np.sqrt, "smooth"),  # infinite on the right, nothing on the left
        ("x^1.5", lambda x: x**1.5, "one-sided"),
        ("x^2.5", lambda x: x**2.5, "one-sided"),
    ],
)
def test_the_end_of_a_domain(name: str, f: Function, kind: str) -> None:
    value, slope = certify(f, 0.0, 1)
    assert (value.value, value.status) == (0, "ok")
    assert (slope.kind, slope.status) == (kind, "no_derivative")
    assert math.isnan(slope.value)


def test_a_tie_that_no_precision_decides_is_uncertified() -> None:
    # the argument of |.| is identically 0, which no finite precision can tell
    found = reference(lambda x: np.abs(np.sin(x) ** 2 + np.cos(x) ** 2 - 1), 1.0)
    assert found.status == "uncertified"
    assert "not decided" in found.message


def test_a_kink_shows_its_two_sides_as_text() -> None:
    assert str(reference(np.abs, 0.0)) == "derivative 1 at 0.0: kink, left -1.0, right 1.0"
    assert "domain" in str(reference(np.log, -1.0))


# -- two routes that share no code -------------------------------------------------------------------------


def lying_sine(monkeypatch: pytest.MonkeyPatch, relative_bits: int) -> None:
    """Make the sine of the certified route wrong by a factor ``1 + 2**-relative_bits``."""
    true = TaylorArithmetic.kernels["sin"]

    def wrong(x: Series) -> Series:
        return true(x) * (1 + flint.arb(2) ** -relative_bits)

    monkeypatch.setitem(TaylorArithmetic.kernels, "sin", wrong)


@pytest.mark.parametrize(
    ("bits", "noticed"),
    [(20, True), (100, True), (147, True), (152, False)],
    ids=["1e-6", "8e-31", "5.6e-45", "1.8e-46: below the 45 digits promised"],
)
def test_a_wrong_ball_is_noticed_by_mpmath(monkeypatch: pytest.MonkeyPatch, bits: int, noticed: bool) -> None:
    lying_sine(monkeypatch, bits)
    found = reference(np.sin, 1.0)
    assert found.mpmath_agrees is not noticed
    assert found.status == ("uncertified" if noticed else "ok")


def test_a_wrong_one_sided_derivative_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reference(lambda x: np.abs(np.sin(x)), 0.0).mpmath_agrees is True
    lying_sine(monkeypatch, 100)
    assert reference(lambda x: np.abs(np.sin(x)), 0.0).mpmath_agrees is False


def test_a_wrong_mpmath_is_noticed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(MpArithmetic):
        def __init__(self, precision: int) -> None:
            super().__init__(precision)
            self.kernels = {
                **self.kernels,
                "exp": lambda x: self.context.exp(x) * (1 + self.context.mpf(2) ** -100),
            }

    monkeypatch.setattr("diffbench.reference.MpArithmetic", Wrong)
    assert reference(np.exp, 1.0).status == "uncertified"
    assert reference(np.sin, 1.0).status == "ok"


# -- bad input, and what is left behind --------------------------------------------------------------------

# arguments, words of the message
BAD: tuple[tuple[dict[str, Any], str], ...] = (
    (dict(derivative=31), "0 to 30"),
    (dict(derivative=-1), "0 to 30"),
    (dict(derivative=1.0), "0 to 30"),
    (dict(derivative=True), "0 to 30"),
    (dict(derivative="1"), "0 to 30"),
    (dict(x=math.nan), "finite"),
    (dict(x=math.inf), "finite"),
    (dict(x=[1.0, 2.0]), "one finite real number"),
    (dict(x=[[1.0], [2.0, 3.0]]), "real number"),
    (dict(x=1j), "real number"),
    (dict(x="one"), "real number"),
    (dict(x=None), "real number"),
    (dict(x=10**400), "real number"),
    (dict(digits=0), "1 to 1000"),
    (dict(digits=1001), "1 to 1000"),
    (dict(digits=2.5), "1 to 1000"),
    (dict(f=3), "callable"),
    (dict(f=None), "callable"),
    (dict(f=lambda x: np.stack([x, x])), "shape (2,)"),
)


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=[f"{(*a,)} {n}" for n, (a, _) in enumerate(BAD)])
def test_bad_input_is_a_user_error(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=re.escape(words)):
        db.reference(**({"f": np.sin, "x": 1.0} | arguments))


# program, words of the advice
REFUSED: tuple[tuple[str, Function, str], ...] = (
    ("math.sin", lambda x: math.sin(x), "np.sin, not math.sin"),
    ("if", lambda x: x if x > 0 else -x, "np.where"),
    ("astype", lambda x: x.astype(np.float32), "drop the conversion"),
    ("None", lambda x: None, "return the result of the NumPy calls"),
    ("text", lambda x: "1", "return the result of the NumPy calls"),
    ("complex", lambda x: 1j * x, "real numbers"),
    ("comparison", lambda x: x > 0, "np.where"),
)


@pytest.mark.parametrize(("name", "f", "words"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_program_that_cannot_run_is_refused_with_advice(name: str, f: Function, words: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(words)):
        reference(f, 1.0)


def test_what_the_program_raises_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        reference(lambda x: x * (1 / 0), 1.0)


@pytest.mark.parametrize(
    "f", [np.sin, np.abs, np.log, lambda x: math.sin(x)], ids=["sin", "kink", "domain", "refused"]
)
def test_precision_of_flint_and_mpmath_is_the_callers(f: Function) -> None:
    old = flint.ctx.prec, flint.ctx.cap, mpmath.mp.prec
    try:
        flint.ctx.prec, flint.ctx.cap, mpmath.mp.prec = 77, 7, 31
        for x in (0.0, -1.0):
            with contextlib.suppress(RefusedError):
                reference(f, x)
            assert (flint.ctx.prec, flint.ctx.cap, mpmath.mp.prec) == (77, 7, 31)
    finally:
        flint.ctx.prec, flint.ctx.cap, mpmath.mp.prec = old


def test_the_callers_precision_does_not_enter_the_value() -> None:
    expected = reference(np.exp, 1.0)
    with mpmath.workprec(12):
        found = reference(np.exp, 1.0)
        assert found.digits(45) == "2.71828182845904523536028747135266249775724709"
    assert (found.value, found.radius) == (expected.value, expected.radius)


def test_a_reference_is_a_number_and_frozen() -> None:
    found = reference(np.sin, 1.0)
    assert isinstance(found, Reference)
    assert float(found) == math.cos(1.0)
    with pytest.raises(AttributeError):
        found.value = 0  # type: ignore[misc]


@pytest.mark.parametrize("bits", [53, 128, 512])
def test_an_mpmath_number_is_an_exact_ball_at_any_working_precision(bits: int) -> None:
    with mpmath.workdps(60):
        for number in (mpmath.cos(1), -(mpmath.mpf(2) ** -900) / 3, mpmath.mpf(0)):
            with working_precision(bits):
                ball = from_mpf(number)
            sign, mantissa, exponent, _ = number._mpf_
            assert ball.is_exact()
            assert tuple(map(int, ball.man_exp())) == ((-1) ** sign * int(mantissa), exponent)
