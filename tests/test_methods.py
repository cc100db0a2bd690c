"""``db.derivative``: one estimate, every operation in one format, a status that says whether to trust it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import NAMES, get_format
from diffbench.errors import RefusedError, UnknownNameError, UserError
from diffbench.methods import Estimate
from diffbench.methods.finite_differences import Scheme, nodes, round_fraction
from diffbench.stencils import stencil, stencil_from_name, stencil_names

Function = Callable[[Any], Any]


# -- what comes in and what comes out ----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_format_of_x_is_the_format_of_the_answer(name: str) -> None:
    fmt = get_format(name)
    for x in (fmt.round(1.25)[()], fmt.round([0.5, 1.25]), fmt.round([[0.5], [1.25]])):
        found = db.derivative(np.sin, x)
        assert found.value.dtype == fmt.dtype
        assert np.shape(found.value) == np.shape(x) == np.shape(found.h)
        exact = np.cos(np.asarray(x).astype(np.longdouble))
        # the rule of thumb promises about eps^(2/3)
        assert (np.abs(np.asarray(found.value).astype(np.longdouble) - exact) <= 2 * fmt.eps ** (2 / 3)).all()


@pytest.mark.parametrize("x", [1, True, 1.0, np.int32(1), [1, 2], (1.0, 2.0), np.array([1, 2])], ids=repr)
def test_python_numbers_and_integers_count_as_float64(x: Any) -> None:
    found = db.derivative(np.square, x)
    assert found.value.dtype == np.float64
    assert np.shape(found) == np.shape(x)


def test_a_format_can_be_asked_for() -> None:
    found = db.derivative(np.sin, 1.0, format="float16")
    assert isinstance(found.value, np.float16)
    assert found.value == db.derivative(np.sin, np.float16(1.0)).value


def test_an_estimate_is_a_number_and_an_array() -> None:
    found = db.derivative(np.square, 3.0, step=2.0**-10)
    assert isinstance(found, Estimate)
    assert float(found) == 6.0
    assert np.asarray(found) == 6.0
    assert np.asarray(found, dtype=np.float32).dtype == np.float32
    assert (found.h, found.evaluations, found.status, found.message, found.error) == (
        2.0**-10,
        2,
        "ok",
        "",
        None,
    )
    assert str(found) == "6.0 (h = 0.0009765625, 2 evaluations)"
    judged = db.derivative(np.square, 3.0)  # by the default method, which knows how wrong it may be
    cost = f"error estimate {judged.error:.2g}, {judged.evaluations} evaluations"
    assert str(judged) == f"{judged.value} (h = {judged.h}, {cost})"
    many = db.derivative(np.square, [1.0, 3.0], step=2.0**-10)
    assert np.asarray(many).tolist() == [2.0, 6.0]
    with pytest.raises(TypeError):
        float(many)


def test_points_do_not_disturb_each_other() -> None:
    x = np.array([0.3, 1.0, 7.5, 1000.1])
    together = db.derivative(np.sin, x)
    alone = [db.derivative(np.sin, v) for v in x]
    assert together.value.tolist() == [float(e) for e in alone]
    assert together.h.tolist() == [e.h for e in alone]


# -- the defaults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["forward-1", "backward-2", "central-2", "central-6"])
def test_the_default_step_is_a_power_of_two(method: str) -> None:
    for x in (0.0, 1.0, -3.0, 1e5):
        h = db.derivative(np.sin, x, method=method).h
        assert math.frexp(h)[0] == 0.5


@pytest.mark.parametrize("m", range(1, 7))
@pytest.mark.parametrize("kind", ["forward", "backward", "central"])
def test_every_derivative_and_family_finds_the_exponential(m: int, kind: str) -> None:
    """Its own derivative at 0; for m = 6 the rule of thumb leaves eps^(4/10) = 1e-6, times S1 = 1e3."""
    found = db.derivative(np.exp, 0.0, derivative=m, method=f"{kind}-4")
    assert found.status == "ok"
    assert float(found) == pytest.approx(1.0, rel=5e-3 if m > 4 else 2e-5)
    s = stencil(kind, derivative=m, accuracy=4)
    assert found.evaluations == len(s.offsets)


def test_methods_lists_every_stencil_and_every_one_runs() -> None:
    known = db.methods()
    assert tuple(known)[: len(stencil_names(1))] == stencil_names(1)
    plain = {name for name in known if "@" not in name}
    assert plain - set(stencil_names(1)) >= {"jet", "reverse", "auto", "autograd", "jax", "torch"}
    for name in stencil_names(1):
        method = known[name]
        assert method.name == name
        assert str(method) == f"{name}@eps-scaled"
        assert float(db.derivative(np.square, 1.0, method=name, step=2.0**-8)) == pytest.approx(
            2.0, abs=2.0**-8 + 1e-9
        )
    with pytest.raises(TypeError):
        known["mine"] = known["central-2"]  # type: ignore[index]


# -- the computation ---------------------------------------------------------------------------------------


@given(
    st.sampled_from(["float16", "float32", "float64"]),
    st.sampled_from(stencil_names(1)),
    st.floats(0.5, 2.0),
    st.integers(2, 8),
)
def test_an_estimate_is_numpys_arithmetic_step_by_step(name: str, method: str, x: float, e: int) -> None:
    """The order of operations, written out: pairs from the outermost inwards, one division."""
    fmt, s = get_format(name), stencil_from_name(method)
    h = fmt.round(0.77 * 2.0**-e)[()]
    point = fmt.round(x)[()]
    t = fmt.dtype.type
    with np.errstate(all="ignore"):
        values = [np.square(point + t(int(o)) * h) for o in s.offsets]
        n = [t(v) for v in s.numerators]
        if s.kind == "central":
            terms = [n[-1 - i] * (values[-1 - i] - values[i]) for i in range(len(n) // 2)]
        else:
            terms = [a * b for a, b in zip(n, values, strict=True)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        expected = total / (h * t(s.denominator) if s.denominator != 1 else h)
    found = db.derivative(np.square, point, method=method, step=float(h)).value
    assert found.dtype == fmt.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("variant", ["integer", "float", "mixed"])
def test_coefficients_are_rounded_to_nearest_once(variant: str) -> None:
    fmt = get_format("bfloat16")
    scheme = Scheme(stencil_from_name("central-8"), variant)
    work = scheme.working_format(fmt)
    assert work.name == ("float32" if variant == "mixed" else "bfloat16")
    exact = scheme.stencil.weights if variant == "float" else scheme.stencil.numerators
    for found, value in zip(scheme.coefficients(fmt), exact, strict=True):
        assert abs(found - value) <= abs(Fraction(value)) * Fraction(work.u)


@given(
    st.fractions(min_value=-(10**4), max_value=10**4, max_denominator=10**9),
    st.sampled_from(["float16", "float32", "float64"]),
)
def test_fractions_round_like_the_division(value: Fraction, name: str) -> None:
    fmt = get_format(name)
    found = Fraction(float(round_fraction(fmt, value)))
    neighbours = [
        Fraction(float(np.nextafter(fmt.dtype.type(float(found)), fmt.dtype.type(side))))
        for side in (-6e4, 6e4)
    ]
    assert all(abs(found - value) <= abs(other - value) for other in neighbours)
    if name == "float64":
        assert found == Fraction(value.numerator / value.denominator)  # Python divides integers correctly


def test_nodes_round_twice() -> None:
    """fl(x + fl(s h)): in float16, 3 h rounds before it is added. An offset of 1/3 is rounded once."""
    fmt = get_format("float16")
    h = np.array([0.0999755859375], dtype=np.float16)
    found = nodes(fmt, np.float16(1.0), h, (Fraction(3), Fraction(1, 3)))
    assert found[0, 0] == np.float16(1.0) + np.float16(3) * h[0]
    assert found[1, 0] == np.float16(1.0) + np.float16(Fraction(1, 3) * Fraction(0.0999755859375))


def test_a_numerator_too_large_for_the_format_overflows_and_says_so() -> None:
    """The whole numbers of forward-12 go past 65504."""
    found = db.derivative(np.sin, np.float16(1.0), method="forward-12")
    assert found.status == "overflow"
    assert not math.isfinite(found.value)


# -- status ------------------------------------------------------------------------------------------------

# function, x, arguments, status, words of the advice
STATUSES: tuple[tuple[Function, Any, dict[str, Any], str, str], ...] = (
    (np.sin, 1.0, {}, "ok", ""),
    (np.log, 0.0, {}, "domain", "left the domain"),
    (np.sqrt, 1e-9, {}, "domain", "one-sided"),
    (lambda x: x * np.nan, 1.0, {}, "domain", "left the domain"),
    (np.exp, np.float16(11.0), {}, "overflow", "infinite"),
    (lambda x: np.exp(x) - np.exp(x), 1000.0, {}, "overflow", "infinite"),
    (lambda x: 1 / x, 2.0**-17, {}, "overflow", "infinite"),
    (np.sin, 6e4, dict(format="float16", step=6e4), "overflow", "infinite"),
    (np.sin, 1.0, dict(format="float16", step=1e-50), "underflow", "larger step"),
    (np.sin, 1.0, dict(format="float16", step=1e-3, derivative=3), "underflow", "larger step"),
    (np.sin, 1e10, dict(step=1e-10), "step_vanished", "larger step"),
    (np.sin, [1.0, 1e10], dict(step=1e-10), "step_vanished", "larger step"),
)


@pytest.mark.parametrize(
    ("f", "x", "arguments", "status", "words"), STATUSES, ids=[f"{n} {c[3]}" for n, c in enumerate(STATUSES)]
)
def test_every_status(f: Function, x: Any, arguments: dict[str, Any], status: str, words: str) -> None:
    found = db.derivative(f, x, **({"method": "central-2"} | arguments))
    assert found.status == status
    assert (found.message == "") is (status == "ok")
    assert words in found.message
    assert status == "ok" or status in str(found)


def test_a_one_sided_stencil_avoids_the_end_of_a_domain() -> None:
    assert db.derivative(np.sqrt, 1e-9, method="forward-1").status == "ok"


# -- bad input ---------------------------------------------------------------------------------------------

BAD: tuple[tuple[dict[str, Any], type[Exception], str], ...] = (
    (dict(method="centrl-2"), UnknownNameError, "did you mean 'central-2'"),
    (dict(method="central-3"), UnknownNameError, "central-"),
    (dict(method="magic"), UnknownNameError, "method"),
    (dict(format="flaot64"), UnknownNameError, "did you mean 'float64'"),
    (dict(derivative=0), UserError, "1 to 6"),
    (dict(derivative=7), UserError, "1 to 6"),
    (dict(derivative=1.5), UserError, "1 to 6"),
    (dict(step=0), UserError, "positive finite"),
    (dict(step=-1e-3), UserError, "positive finite"),
    (dict(step=math.nan), UserError, "positive finite"),
    (dict(step=math.inf), UserError, "positive finite"),
    (dict(step="a"), UserError, "positive finite"),
    (dict(step=[1e-3, 1e-4]), UserError, "positive finite"),
    (dict(x=math.nan), UserError, "not a finite number"),
    (dict(x=[1.0, math.inf]), UserError, "not a finite number"),
    (dict(x=1e6, format="float16"), UserError, "not a finite number of float16"),
    (dict(x="one"), UserError, "no format"),
    (dict(x=None), UserError, "no format"),
    (dict(x=1j), UserError, "no format"),
    (dict(f=3), UserError, "callable"),
    (dict(f=lambda x: math.sin(x), format="float32"), RefusedError, "np.sin, not math.sin"),
    (dict(f=lambda x: np.stack([x, x])), UserError, "shape"),
    (dict(f=lambda x: None), RefusedError, "return the result of the NumPy calls"),
    (dict(f=lambda x: x.astype(np.float32)), RefusedError, "drop the conversion"),
)


@pytest.mark.parametrize(
    ("arguments", "error", "words"), BAD, ids=[f"{n} {next(iter(c[0]))}" for n, c in enumerate(BAD)]
)
def test_bad_input(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        db.derivative(**({"f": np.sin, "x": 1.0} | arguments))


def test_a_sum_over_the_points_is_not_a_function_of_each() -> None:
    """np.sum mixes the nodes: without a word this would give the derivative 0."""
    with pytest.raises(UserError, match="element by element"):
        db.derivative(lambda x: np.sum(x**2), 1.0)
    with pytest.raises(UserError, match="element by element"):
        db.derivative(lambda x: np.ravel(x)[0], 1.0)


def test_variants_have_names() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'integer'"):
        Scheme(stencil_from_name("central-2"), "integr")
