"""The formats: what they hold, how they round, and runs that watch for infinities."""

# ruff: noqa: E501  (tables: one case, one line)

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arithmetic_bodies import BODIES, Body
from arithmetic_refusals import REFUSED
from flint import arb
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special

from diffbench.arithmetic.balls import to_balls, working_precision
from diffbench.arithmetic.formats import NAMES, Format, exact_parts, format_of, formats, get_format
from diffbench.arithmetic.ieee import FormatArithmetic, arithmetic_of
from diffbench.errors import UnknownNameError, UserError

LONG = get_format("longdouble")
finite = st.floats(allow_nan=False, allow_infinity=False)


def fraction(value: Any) -> Fraction:
    return Fraction(*value.as_integer_ratio()) if isinstance(value, np.longdouble) else Fraction(float(value))


# what a format holds ----------------------------------------------------------------------------------------

# name, bits, kind, largest, exponent of the smallest normal (IEEE 754-2019 table 3.5; bfloat16: 8 and 8 bits)
FACTS = (
    ("float16", 11, "binary16", 65504.0, -14),
    ("bfloat16", 8, "bfloat16", (2 - 2.0**-7) * 2.0**127, -126),
    ("float32", 24, "binary32", (2 - 2.0**-23) * 2.0**127, -126),
    ("float64", 53, "binary64", math.nextafter(math.inf, 0), -1022),
)


@pytest.mark.parametrize(("name", "bits", "kind", "largest", "exponent"), FACTS)
def test_facts_of_the_formats(name: str, bits: int, kind: str, largest: float, exponent: int) -> None:
    fmt = get_format(name)
    assert (fmt.precision, fmt.kind, fmt.max, fmt.min_exponent) == (bits, kind, largest, exponent)
    assert fmt.u == 2.0**-bits
    assert fmt.eps == 2 * fmt.u
    one = fmt.dtype.type(1)
    assert float(one + fmt.dtype.type(fmt.eps)) == 1 + fmt.eps
    assert float(one + fmt.dtype.type(fmt.u)) == 1
    assert float(fmt.dtype.type(fmt.smallest_subnormal)) == fmt.smallest_subnormal > 0
    assert float(fmt.dtype.type(fmt.smallest_subnormal / 2)) == 0
    assert fmt.smallest_normal == fmt.smallest_subnormal * 2.0 ** (bits - 1)
    assert fmt.digits == pytest.approx(bits * math.log10(2))


def test_longdouble_is_named_for_what_it_is_here() -> None:
    expected = {53: "binary64", 64: "x87-80", 113: "binary128"}
    assert LONG.kind == expected[LONG.precision]
    one = np.longdouble(1)
    assert one + np.longdouble(LONG.eps) > one == one + np.longdouble(LONG.u)


def test_names_and_dtypes_find_a_format() -> None:
    assert tuple(formats()) == NAMES
    for name, fmt in formats().items():
        assert get_format(name) is fmt is get_format(fmt) is format_of(fmt.dtype)
        assert arithmetic_of(fmt.dtype).name == name
    assert format_of(int).name == "float64"
    with pytest.raises(UnknownNameError, match="did you mean 'float16'"):
        get_format("flaot16")
    with pytest.raises(UserError, match="complex128"):
        format_of(complex)


# rounding ---------------------------------------------------------------------------------------------------


def nearest(value: Fraction, fmt: Format) -> Fraction:
    """Round to nearest even, by integer arithmetic (largest numbers excluded)."""
    if value == 0:
        return value
    exponent = abs(value).numerator.bit_length() - abs(value).denominator.bit_length()
    exponent -= Fraction(2) ** exponent > abs(value)
    spacing = Fraction(2) ** (max(exponent, fmt.min_exponent) - fmt.precision + 1)
    return round(value / spacing) * spacing  # Python rounds ties to even


@st.composite
def near_ties(draw: st.DrawFn) -> float:
    """A number of 8 or 11 bits, half a unit more, and a hair: where rounding twice goes wrong."""
    digits = draw(st.sampled_from([8, 11]))
    significand = draw(st.integers(2 ** (digits - 1), 2**digits - 1))
    hair = draw(st.sampled_from([-1, 0, 1])) * 2.0 ** -draw(st.integers(14, 40))
    return (significand + 0.5 + hair) * 2.0 ** draw(st.integers(-30, 10))


@given(st.one_of(near_ties(), st.floats(-6e4, 6e4)), st.sampled_from(NAMES))
def test_rounding_is_to_nearest_even_and_happens_once(x: float, name: str) -> None:
    fmt = get_format(name)
    assume(abs(x) < 6e4)
    for value in (x, np.longdouble(x) + np.longdouble(x) * 2**-60):
        assert fraction(fmt.round(value)[()]) == nearest(fraction(value), fmt)


@pytest.mark.parametrize("name", NAMES)
def test_rounding_of_integers_and_of_the_unbounded(name: str) -> None:
    fmt = get_format(name)
    if name != "float16":
        number = 2**25 + 2**17 + 1  # just above a tie of bfloat16
        assert fraction(fmt.round(number)[()]) == nearest(Fraction(number), fmt)
    assert fmt.round([math.inf, -math.inf, 0.0]).tolist() == [math.inf, -math.inf, 0.0]
    assert np.isnan(fmt.round(math.nan))
    if name not in ("float64", "longdouble"):
        assert np.isinf(fmt.round(1e300))
        assert fmt.round(-1e-300) == 0


@given(finite, st.sampled_from(["float16", "bfloat16", "float32", "float64"]))
def test_ulp_is_the_distance_to_the_next_number(x: float, name: str) -> None:
    fmt = get_format(name)
    x = abs(float(fmt.round(x)))
    assume(x < fmt.max)
    after = np.nextafter(fmt.dtype.type(x), fmt.dtype.type(np.inf))
    assert float(fmt.ulp(x)) == float(after) - x
    assert float(fmt.ulp(-x)) == float(fmt.ulp(x))


def test_ulp_at_the_edges() -> None:
    ulps = get_format("float16").ulp([0.0, 2.0**-24, 1.0, 1.9999, 65504.0, math.inf, math.nan])
    assert ulps[:5].tolist() == [2.0**-24, 2.0**-24, 2.0**-10, 2.0**-10, 32.0]
    assert np.isnan(ulps[5:]).all()
    below_two = np.nextafter(np.longdouble(2), np.longdouble(0))  # 2 once it is cut to float64
    assert LONG.ulp(below_two) == LONG.eps


@given(finite, finite, st.integers(-4000, 4000))
def test_longdoubles_are_taken_apart_exactly(high: float, low: float, exponent: int) -> None:
    value = np.longdouble(high) + np.longdouble(low) * np.longdouble(2) ** -50
    assume(np.isfinite(value) and (value == 0 or 1e-250 < abs(value) < 1e300))
    assert sum(Fraction(float(p)) for p in exact_parts(value)) == fraction(value)
    if LONG.kind == "binary64":
        return
    far = np.ldexp(value, exponent)  # outside float64's range
    assume(np.isfinite(far) and np.ldexp(far, -exponent) == value)
    with working_precision(128):
        ball = to_balls(np.array([far]))[0]
        assert ball.is_exact()
        assert (ball * arb(2) ** -exponent).mid() == to_balls(np.array([value]))[0]


# runs: the program stays in the format --------------------------------------------------------------------------

POINTS = np.array([-1.25, -0.625, 0.0, 0.3, 0.75, 1.0, 2.5, 7.0, 0.1, 11.0, 1e-3, 0.5, 33.0])


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("body", [b for b in BODIES.values() if b.shape == "any"], ids=lambda b: b.name)
def test_a_run_has_the_bits_of_plain_numpy_where_that_stays_in_the_format(body: Body, name: str) -> None:
    fmt = get_format(name)
    x = fmt.round(POINTS)
    with np.errstate(all="ignore"):
        plain = body.function(x.copy())
    if (name, body.name) in REFUSED:
        pytest.skip("a known refusal")
    if not isinstance(plain, np.ndarray) or plain.dtype != fmt.dtype:
        pytest.skip("plain NumPy leaves the format")
    run = FormatArithmetic(fmt).run(body.function, x)
    assert run.values.dtype == fmt.dtype
    np.testing.assert_array_equal(run.values, plain)


operations: dict[str, Callable[[Any], Any]] = {
    "sin": np.sin,
    "exp": np.exp,
    "tanh": np.tanh,
    "square": lambda v: v**2,
    "cube": lambda v: v**3,
    "root": lambda v: np.sqrt(abs(v)),
    "where": lambda v: np.where(v > 0.3, v, 0.1 * v),
    "divide": lambda v: 1.0 / (v - 0.7),
    "sum": lambda v: v + np.sum(np.stack([v, 0.1 * v, v * v]), axis=0),
}  # fmt: skip


@given(
    st.lists(st.sampled_from(sorted(operations)), min_size=1, max_size=5),
    st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=9),
    st.sampled_from(["float32", "float64"]),
)
def test_a_chain_of_operations_has_the_bits_of_plain_numpy(
    names: list[str], points: list[float], fmt: str
) -> None:
    def program(x: Any) -> Any:
        for name in names:
            x = operations[name](x)
        return x

    x = np.array(points, dtype=fmt)
    run = FormatArithmetic(get_format(fmt)).run(program, x)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(run.values, program(x))


def test_half_precision_sums_round_after_every_addition() -> None:
    ones = np.ones(4096, np.float16)
    stack = lambda x: np.sum(np.ones_like(x)) + 0 * x  # noqa: E731
    assert FormatArithmetic(get_format("float16")).run(stack, ones).values[0] == 2048  # 2048 + 1 = 2048
    assert np.sum(ones) == 4096, "NumPy itself adds in float32"


# runs: infinities -------------------------------------------------------------------------------------------------

HALF, WIDE = ("float16",), ("float32", "float64", "longdouble")
ALL = tuple(NAMES)
BIG = {"float16": 6e4, "bfloat16": 3e38, "float32": 3e38, "float64": 1.5e308, "longdouble": 1.5e308}

# name, formats, program, points, the points that saw an infinity; a NaN alone is no overflow
FLAGS: tuple[tuple[str, tuple[str, ...], Callable[[Any], Any], tuple[float, ...], tuple[bool, ...]], ...] = (
    ("exp(12)", HALF, np.exp, (1, 12.0), (False, True)),
    ("exp hidden by a quotient", HALF, lambda x: 1 / np.exp(x), (1, 12), (False, True)),
    ("literal 1e6", HALF, lambda x: x * 1e6 * 1e-6, (0.5, 1), (True, True)),
    ("array of literals", HALF, lambda x: np.array([1.0, 1e6]) * x, (0.5, 1), (False, True)),
    ("large integer", HALF, lambda x: x * 10**30 / 10**30, (0.5, 1), (True, True)),
    ("square", HALF, lambda x: x**2, (200, 300), (False, True)),
    ("float32 through SciPy", HALF, special.gamma, (3, 12), (False, True)),
    ("sequential sum", HALF, lambda x: 1 / np.sum(np.stack([x, x]), axis=0), (2, 4e4), (False, True)),
    ("inf times 0", ALL, lambda x: 0 * (1 / x), (0, 1), (True, False)),
    ("division by zero", ALL, lambda x: 1 / x, (0, 1), (True, False)),
    ("untaken branch", ALL, lambda x: np.where(x > 0, 1 / x, x), (0, 1), (True, False)),
    ("log of 0", ALL, lambda x: np.exp(np.log(x)), (0, 1), (True, False)),
    ("log1p of -1", ALL, lambda x: np.exp(np.log1p(x)), (-1, 1), (True, False)),
    ("arctanh of 1", ALL, lambda x: np.tanh(np.arctanh(x)), (1, 0.5), (True, False)),
    ("0 to a negative power", ALL, lambda x: x**-3 * 0, (0, 1), (True, False)),
    ("reciprocal", ALL, lambda x: np.arctan(x**-1), (0, 1), (True, False)),
    ("matrix product", ALL, lambda x: 1 / ([[2.0, 2.0]] @ np.stack([x, x]))[0], (0, 1), (True, False)),
    ("sum over the points", ALL, lambda x: x / (1 / x).sum(), (0, 1), (True, True)),
    ("mask", ALL, lambda x: np.where(x < 2, 0 * (1 / x[x < 2]).sum(), x), (0, 3), (True, False)),
    ("columns", ALL, lambda x: np.arctan(1 / (x[:, None] * [1.0, 2.0, 3.0])).sum(axis=1), (0, 3), (True, False)),
    ("stack", ALL, lambda x: np.arctan(1 / np.stack([x, x - 1, x])).sum(axis=0), (2, 1), (False, True)),
    ("NaN of 0/0", ALL, lambda x: x / x, (0, 1), (False, False)),
    ("guarded 0/0", ALL, lambda x: np.where(x == 0, 1.0, np.sin(x) / x), (0, 1), (False, False)),
    ("root of a negative", ALL, np.sqrt, (-1, 1), (False, False)),
    ("infinite literal", ALL, lambda x: np.minimum(x, np.inf), (0, 1), (False, False)),
    ("underflow", ALL, lambda x: x * x * x, (1e-5, 1e-3), (False, False)),
    ("exp", ("bfloat16", "float32"), lambda x: 1 / np.exp(x), (80, 90), (False, True)),
    ("exp", ("float64",), lambda x: 1 / np.exp(x), (700, 710), (False, True)),
    ("exp", ("longdouble",), lambda x: 1 / np.exp(x), (700, 12000), (False, True)),
    ("exp2 sinh cosh expm1", ("float64",), lambda x: 1 / (np.exp2(x) + np.sinh(x) + np.cosh(x) + np.expm1(x)),
     (700, 1100), (False, True)),
    ("gamma pole", ("float32", "float64"), lambda x: 1 / special.gamma(x), (0, 1), (True, False)),
    ("hypot", ("float32",), lambda x: 1 / np.hypot(x, x), (1, 3e38), (False, True)),
    ("product of points", ("float32",), lambda x: np.prod(np.stack([x, x, x]), axis=0), (2, 1e20), (False, True)),
)  # fmt: skip
CASES = [(label, name, *rest) for label, names, *rest in FLAGS for name in names]


@pytest.mark.parametrize(
    ("label", "name", "program", "points", "flags"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES]
)
def test_a_run_tells_which_points_saw_an_infinity(
    label: str, name: str, program: Callable[[Any], Any], points: tuple[float, ...], flags: tuple[bool, ...]
) -> None:
    fmt = get_format(name)
    x = fmt.round(points)
    run = FormatArithmetic(fmt).run(program, x)
    assert run.overflow.dtype == bool
    assert run.overflow.tolist() == list(flags)
    assert run.values.dtype == fmt.dtype


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_numbers_do_not_count_as_infinite(name: str) -> None:
    fmt = get_format(name)
    run = FormatArithmetic(fmt).run(lambda x: x * 1.0, fmt.round([BIG[name], -BIG[name]]))
    assert not run.overflow.any()
    twice = FormatArithmetic(fmt).run(lambda x: x * 2.0, fmt.round([BIG[name], 1.0]))
    assert twice.overflow.tolist() == [LONG.kind == "binary64" if name == "longdouble" else True, False]


def test_a_number_without_dimensions_is_a_run_too() -> None:
    for fmt in formats().values():
        run = FormatArithmetic(fmt).run(lambda x: 1 / x, fmt.round(0.0))
        assert run.overflow.shape == ()
        assert run.overflow
