"""Numbers printed in books, papers and manuals, reproduced: digit for digit where only + - * / are involved.

A function of the mathematical library (exp, sin, ...) may differ by an ulp from the one the author used. An
error of ``d`` ulp in each value changes a difference quotient by at most ``S1 d ulp(f) / h^m``; where that is
more than half a unit of the last printed digit, it is the tolerance, with d = 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffbench as db

Function = Callable[[Any], Any]


def estimate(f: Function, x: float, method: str, h: float, **arguments: Any) -> float:
    return float(db.derivative(f, x, method=method, step=h, **arguments))


def saitoh(x: Any) -> Any:
    return 0.01 * x**2 + 0.1 * x


def higham(x: Any) -> Any:
    return np.arctan(x) / (1 + np.exp(-(x**2)))


# -- bit for bit -------------------------------------------------------------------------------------------

# source, function, x, stencil, h, value. The first group uses + - * / alone: these are IEEE's bits anywhere.
# The others call exp or arctan, and a correctly rounded library gives these bits.
BITS: tuple[tuple[str, Function, float, str, float, float], ...] = (
    ("Saitoh, Deep Learning from Scratch, ch. 4", saitoh, 5.0, "central-2", 1e-4, 0.1999999999990898),
    ("Saitoh, Deep Learning from Scratch, ch. 4", saitoh, 10.0, "central-2", 1e-4, 0.2999999999986347),
    (
        "Saitoh, ch. 4, x0**2 + x1**2 at (3, 4)",
        lambda x: x**2 + 16.0,
        3.0,
        "central-2",
        1e-4,
        6.00000000000378,
    ),
    (
        "Saitoh, ch. 4, x0**2 + x1**2 at (3, 4)",
        lambda x: 9.0 + x**2,
        4.0,
        "central-2",
        1e-4,
        7.999999999999119,
    ),
    ("DeZero, step 4", np.square, 2.0, "central-2", 1e-4, 4.000000000004),
)
LIBM: tuple[tuple[str, Function, float, str, float, float], ...] = (
    ("DeZero, step 4", lambda x: np.exp(x**2) ** 2, 0.5, "central-2", 1e-4, 3.2974426293330694),
    ("Higham, h = u = 4 * 2^-52", higham, 2.0, "forward-1", 2.0**-50, 0.25),
    ("Higham, h = sqrt(u)", higham, 2.0, "forward-1", 2.0**-25, 0.27462372928857803),
    ("Boisgerault, Numerical differentiation", np.exp, 0.0, "forward-1", 1e-4, 1.000050001667141),
    ("Boisgerault, Numerical differentiation", np.exp, 0.0, "forward-1", 1e-8, 0.99999999392252903),
    ("Boisgerault, Numerical differentiation", np.exp, 0.0, "forward-1", 1e-12, 1.000088900582341),
    ("leespen1, exp(2x)", lambda x: np.exp(2 * x), 1.0, "forward-1", 2.0**-52, 12.0),
)


@pytest.mark.parametrize(
    ("source", "f", "x", "method", "h", "value"), BITS, ids=[f"{c[0]} {c[5]}" for c in BITS]
)
def test_values_of_pure_arithmetic(
    source: str, f: Function, x: float, method: str, h: float, value: float
) -> None:
    assert estimate(f, x, method, h) == value


@pytest.mark.parametrize(
    ("source", "f", "x", "method", "h", "value"), LIBM, ids=[f"{c[0]} {c[5]}" for c in LIBM]
)
def test_values_that_rest_on_the_mathematical_library(
    source: str, f: Function, x: float, method: str, h: float, value: float
) -> None:
    found = estimate(f, x, method, h)
    ulp = math.ulp(float(f(np.float64(x))))
    assert found == pytest.approx(value, rel=0, abs=2 * ulp / h), (
        "not even within an ulp of each function value"
    )
    if np.exp(np.float64(1.0)) == math.e and float(np.exp(np.float64(0.25))) == math.exp(0.25):
        assert found == value


# x**2 at 4, forward difference, h = 10**-n: course notes (in French) print n = 9 to 16; the others follow
# from the same four operations
SQUARE = {
    1: "8.1000000",
    2: "8.0100000",
    3: "8.0010000",
    4: "8.0001000",
    5: "8.0000100",
    6: "8.0000010",
    7: "8.0000001",
    8: "8.0000000",
    9: "8.0000007",
    10: "8.0000007",
    11: "8.0000007",
    12: "8.0007112",
    13: "8.0291329",
    14: "7.8159701",
    15: "7.1054274",
    16: "0.0000000",
}


def test_the_square_at_four() -> None:
    steps = [float(f"1e-{n}") for n in SQUARE]
    swept = db.sweep(np.square, 4.0, formats="float64", stencils="forward-1", steps=steps).frame
    assert swept["h"].tolist() == steps
    assert [f"{value:.7f}" for value in swept["estimate"]] == list(SQUARE.values())
    assert swept["status"].tolist() == ["ok"] * 15 + ["step_vanished"]
    # its truncation is h, and nothing else: the rest of the error is rounding
    assert swept["truncation"].tolist() == steps


# -- as many digits as were printed ------------------------------------------------------------------------

# source, function, x, stencil, h, digits as printed
DIGITS: tuple[tuple[str, Function, float, str, float, str], ...] = (
    # a calculator with 12 digits: 11 of them are also IEEE's, whose own rounding is 1e-12 at h = 1e-4
    ("TI-89", np.tan, 1.0, "central-2", 1e-2, "3.4264641601"),
    ("TI-89", np.tan, 1.0, "central-2", 1e-3, "3.4255282713"),
    ("TI-89", np.tan, 1.0, "central-2", 1e-4, "3.4255189153"),
    ("numdifftools, documentation", np.exp, 0.0, "forward-1", 0.1, "1.05170918075648"),
    ("numdifftools, documentation", np.exp, 0.0, "forward-1", 0.05, "1.02542192752048"),
    ("numdifftools, documentation", np.exp, 0.0, "forward-1", 0.025, "1.01260482097715"),
    # Nash, Compact Numerical Methods, table 18.1, h = 16^-k, in IEEE arithmetic; the table itself is below
    ("Nash, log", np.log, 0.001, "forward-1", 1.0, "6.908755"),
    ("Nash, log", np.log, 0.001, "forward-1", 2.0**-4, "66.41664"),
    ("Nash, exp", np.exp, 1.0, "forward-1", 1.0, "4.670774"),
    ("Nash, exp", np.exp, 1.0, "forward-1", 2.0**-4, "2.805026"),
    ("Nash, tan", np.tan, 1.0, "forward-1", 1.0, "-3.742448"),
    ("Nash, tan", np.tan, 1.0, "forward-1", 2.0**-4, "3.800391"),
)


@pytest.mark.parametrize(
    ("source", "f", "x", "method", "h", "text"), DIGITS, ids=[f"{c[0]} {c[5]}" for c in DIGITS]
)
def test_printed_digits(source: str, f: Function, x: float, method: str, h: float, text: str) -> None:
    decimals = len(text.partition(".")[2])
    libm = 2 * math.ulp(float(f(np.float64(x)))) / h
    assert libm < 2 * 10.0**-decimals, "an ulp of the library does not reach the last digit"
    found = estimate(f, x, method, h)
    assert f"{found:.{decimals}f}" == text or abs(found - float(text)) <= 0.5 * 10.0**-decimals + libm


NASH = {
    "6.90876": (np.log, 0.001, 1.0),
    "66.4166": (np.log, 0.001, 2.0**-4),
    "4.67077": (np.exp, 1.0, 1.0),
    "2.80502": (np.exp, 1.0, 2.0**-4),
    "-3.74245": (np.tan, 1.0, 1.0),
    "3.80045": (np.tan, 1.0, 2.0**-4),
}


@pytest.mark.parametrize("text", NASH)
def test_nash_printed_on_a_machine_with_shorter_words(text: str) -> None:
    """Six hexadecimal digits: units of 16^-5 of a value, four of them for its tangent, divided by h."""
    f, x, h = NASH[text]
    size = max(abs(float(f(x))), abs(float(f(x + h))))
    assert estimate(f, x, "forward-1", h) == pytest.approx(float(text), rel=0, abs=4 * size * 16.0**-5 / h)


def test_the_five_point_stencil_of_finite_differences_jl() -> None:
    """Its README: central_fdm(5, 1)(sin, 1, 1e-3) is 0.5403023058679624.

    It multiplies by weights rounded to float64 and adds from left to right, which is the variant `float`. The
    default variant, with whole numbers and one division, is another computation: its last digits differ.
    """
    swept = db.sweep(
        np.sin, 1.0, formats="float64", stencils="central-4", variants=("integer", "float"), steps=[1e-3]
    ).frame.set_index("variant")["estimate"]
    tolerance = 1.5 * math.ulp(0.8) / 1e-3  # S1 = 3/2, one ulp of the sine
    assert swept["float"] == pytest.approx(0.5403023058679624, rel=0, abs=tolerance)
    assert swept["integer"] != swept["float"]
    if np.sin(np.float64(1.001)) == math.sin(1.001):
        assert swept["float"] == 0.5403023058679624


def test_the_best_power_of_two_of_hooper() -> None:
    """Notes of W. P. Hooper: exp(x) sin(x) at 2.2, forward, h = 2^-k: best at k = 27, error 3.05e-8."""
    swept = db.sweep(
        lambda x: np.exp(x) * np.sin(x),
        2.2,
        formats="float64",
        stencils="forward-1",
        steps=[2.0**-k for k in range(1, 53)],
    ).frame
    best = swept.loc[swept["error"].abs().idxmin()]
    assert best["h"] == 2.0**-27
    assert f"{abs(best['error']):.2e}" == "3.05e-08"


# -- tables where truncation dominates ---------------------------------------------------------------------


def martins(x: Any) -> Any:
    return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)


def squire_trapp(x: Any) -> Any:
    return np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3)


def power(x: Any) -> Any:
    return x**4.5


def nested(x: Any) -> Any:
    return np.cos(np.sin(np.sin(np.cos(x))))


# function, x, stencil, value at h = 10**-k for k = first, first + 1, ...: the functions are those of Martins,
# Sturdza & Alonso (ACM TOMS 29, 2003) and of Squire & Trapp (SIAM Review 40, 1998)
TABLES: tuple[tuple[Function, float, str, int, tuple[float, ...]], ...] = (
    (
        martins,
        1.5,
        "forward-1",
        1,
        (4.584837713419052, 4.101283511308651, 4.058164796127528, 4.0539011012086235)
        + (4.053475209886415, 4.053432625994446, 4.053428384054314),
    ),
    (
        martins,
        1.5,
        "central-2",
        1,
        (4.107569146542462, 4.053964077959504, 4.053433255221339, 4.05342794751018, 4.05342789444596),
    ),
    (
        squire_trapp,
        1.5,
        "central-2",
        1,
        (3.7181839629673297, 3.622981087041799, 3.622043173184597, 3.622033795434021, 3.6220337017223154),
    ),
    (
        power,
        1.5,
        "central-2",
        2,
        (18.60201834450188, 18.600824790340198, 18.600812854816517, 18.600812735591887),
    ),
    (
        nested,
        1.0,
        "forward-1",
        0,
        (0.04225614025248303, 0.2993676773608678, 0.29730998399788433, 0.29682736937186593)
        + (0.2967765638250963, 0.29677145806372707, 0.29677094715019336, 0.29677089674606805),
    ),
)


@pytest.mark.parametrize(
    ("f", "x", "method", "first", "values"), TABLES, ids=[f"{c[0].__name__} {c[2]}" for c in TABLES]
)
def test_tables_where_truncation_dominates(
    f: Function, x: float, method: str, first: int, values: tuple[float, ...]
) -> None:
    """The error within 1 %, the estimate within 4 ulp of f over h: composites of five library calls."""
    steps = [float(f"1e-{first + k}") for k in range(len(values))]
    swept = db.sweep(f, x, formats="float64", stencils=method, steps=steps).frame
    libm = 4 * math.ulp(float(f(np.float64(x)))) / swept["h"]
    assert ((swept["estimate"] - np.array(values)).abs() <= libm).all()
    printed_error = np.array(values) - swept["exact"]
    assert ((swept["error"] - printed_error).abs() <= 0.01 * printed_error.abs() + libm).all()
    # the exact truncation is what these tables are about: all of the error but its last digits
    assert ((swept["error"] - swept["truncation"]).abs() <= 0.03 * swept["truncation"].abs() + libm).all()


@pytest.mark.parametrize(
    ("method", "order", "coefficient"),
    [
        ("central-2", 2, 32.16790451368894 / (6 * 4.05342789389862)),  # f''' / (6 f')
        ("forward-1", 1, 9.463073681596603 / (2 * 4.05342789389862)),  # f'' / (2 f')
    ],
)
def test_the_coefficient_of_the_leading_term(method: str, order: int, coefficient: float) -> None:
    row = db.sweep(martins, 1.5, formats="float64", stencils=method, steps=[1e-8]).frame.iloc[0]
    found = row["truncation"] / row["exact"] / row["h"] ** order
    assert found == pytest.approx(coefficient, rel=2e-8)  # the next term of the series


# -- kinks, with powers of two: no rounding at all ---------------------------------------------------------


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def leaky(x: Any) -> Any:
    return np.where(x > 0, x, 0.25 * x)


def huber(x: Any) -> Any:
    return np.where(np.abs(x) <= 1, 0.5 * x**2, np.abs(x) - 0.5)


H = 2.0**-6
# function, x, h, forward, backward, central: what Clarke (1983) lets one expect, in exact arithmetic
KINKS: tuple[tuple[str, Function, float, float, float, float, float], ...] = (
    ("|x| at 0", np.abs, 0.0, H, 1, -1, 0),
    ("|x| beside 0, h <= x", np.abs, H, H, 1, 1, 1),
    ("|x| beside 0, h > x", np.abs, H, 4 * H, 1, (2 * H - 4 * H) / (4 * H), 0.25),
    ("relu at 0", relu, 0.0, H, 1, 0, 0.5),
    ("relu beside 0, h > x", relu, 2.0**-10, H, 1, 2.0**-4, 0.53125),
    ("leaky relu at 0", leaky, 0.0, H, 1, 0.25, 0.625),
    ("x|x| at 0", lambda x: x * np.abs(x), 0.0, H, H, H, H),
    ("|x|^1.5 at 0", lambda x: np.abs(x) ** 1.5, 0.0, H, 0.125, -0.125, 0),
    ("max(x, x^2) at 1", lambda x: np.maximum(x, x**2), 1.0, H, 2 + H, 1, 1.5078125),
    ("Huber at 1", huber, 1.0, H, 1, 1 - H / 2, 1 - H / 4),
    ("step at 0", lambda x: np.heaviside(x, 0.5), 0.0, H, 0.5 / H, 0.5 / H, 0.5 / H),
)


#: values that need more bits than a half format has: (1 + h)^2 and (1 - h)^2 / 2
LONG = ("max(x, x^2) at 1", "Huber at 1")


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(
    ("case", "f", "x", "h", "forward", "backward", "central"), KINKS, ids=[case[0] for case in KINKS]
)
def test_differences_across_a_kink(
    case: str, f: Function, x: float, h: float, forward: float, backward: float, central: float, name: str
) -> None:
    found = [estimate(f, x, method, h, format=name) for method in ("forward-1", "backward-1", "central-2")]
    # every operation is exact, but for the square of 1 + h, which takes 13 bits
    tolerance = db.formats()[name].u / h if case in LONG and name in ("float16", "bfloat16") else 0.0
    assert found == pytest.approx([forward, backward, central], rel=0, abs=tolerance)


def test_hard_sigmoid_sees_one_branch_on_each_side() -> None:
    """At 3 the slopes are 1/6 and 0: the sixth is rounded, so within the rounding of f over h."""
    for method, value in (("forward-1", 0.0), ("backward-1", 1 / 6), ("central-2", 1 / 12)):
        found = estimate(lambda x: np.clip(x + 3, 0, 6) / 6, 3.0, method, H)
        assert found == pytest.approx(value, rel=0, abs=math.ulp(1.0) / H)


def test_bounded_oscillation_and_flatness() -> None:
    def oscillating(x: Any) -> Any:
        away = np.where(x == 0, 1, x)
        return np.where(x == 0, 0, away**2 * np.sin(1 / away))

    def flat(x: Any) -> Any:
        away = np.where(x == 0, 1, x)
        return np.where(x == 0, 0, np.exp(-1 / away**2))

    for h in (2.0**-2, 2.0**-4, 2.0**-7):
        found = estimate(oscillating, 0.0, "forward-1", h)
        assert found == pytest.approx(h * math.sin(1 / h), rel=1e-14)  # a few roundings and the sine
        assert abs(found) <= h
        assert estimate(flat, 0.0, "forward-1", h) == pytest.approx(math.exp(-(h**-2)) / h, rel=1e-12)
    assert estimate(flat, 0.0, "forward-1", 2.0**-5) == 0.0


# -- half precision: sin at 1 ------------------------------------------------------------------------------

# h, then float16, bfloat16, float32 as printed; None where x + h = x; float64 has its relative error instead
HALF: tuple[tuple[float, str | None, str | None, str, str], ...] = (
    (1e-6, None, None, "0.53644", "5.1e-11"),
    (1e-4, None, None, "2.6e-05", "1.7e-09"),
    (1e-3, "0.48804", None, "2.6e-05", "1.7e-07"),
    (2.0**-10, "0.50000", None, "3.5e-05", "1.6e-07"),
    (1e-2, "0.53711", "0.39062", "1.9e-05", "1.7e-05"),
    (2.0**-4, "0.53906", "0.56250", "6.5e-04", "6.5e-04"),
    (0.1, "0.53955", "0.54688", "1.7e-03", "1.7e-03"),
    (2.0**-3, "0.53906", "0.54688", "2.6e-03", "2.6e-03"),
)


@pytest.mark.parametrize("row", HALF, ids=[f"h = {row[0]:g}" for row in HALF])
def test_the_central_difference_of_the_sine_in_every_precision(row: tuple[float, ...]) -> None:
    """Digits as printed: a value (with a point), or the relative error (with an exponent)."""
    h, *printed = row
    for name, text in zip(("float16", "bfloat16", "float32", "float64"), printed, strict=True):
        found = db.derivative(np.sin, 1.0, step=h, format=name)
        if text is None:
            assert (float(found), found.status) == (0.0, "step_vanished")
            continue
        relative = abs(float(found) / 0.5403023058681398 - 1)
        if name == "float64" and h < 1e-5:
            # an ulp of the sine over h = 1e-6 is 2e-10: half of it is a digit here
            assert relative == pytest.approx(float(text), abs=2.0**-53 / h / 0.54)
        else:
            assert (f"{relative:.1e}" if "e" in str(text) else f"{float(found):.5f}") == text
