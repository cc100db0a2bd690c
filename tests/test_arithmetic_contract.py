"""One contract for every arithmetic: the same table of bodies, the same refusals, nothing leaks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from inspect import isabstract
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from arithmetic_bodies import BODIES, Body
from arithmetic_contract import (
    ArbRunner,
    FormatRunner,
    M,
    MpRunner,
    Runner,
    TaylorRunner,
    check,
    exact_ball,
    runners,
)
from arithmetic_refusals import EVERYWHERE, GAPS, PLAIN, REFUSED
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from diffbench.arithmetic.balls import ArbArithmetic, to_balls, working_precision
from diffbench.arithmetic.base import Arithmetic, Raw
from diffbench.arithmetic.complexes import ComplexArithmetic
from diffbench.arithmetic.formats import get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.mp import MpArithmetic
from diffbench.arithmetic.taylor import TaylorArithmetic
from diffbench.errors import RefusedError, UserError

NAMES = tuple(runners())


@pytest.fixture
def runner(request: pytest.FixtureRequest) -> Runner:
    return runners()[request.param]


@pytest.mark.parametrize("runner", NAMES, indirect=True)
@pytest.mark.parametrize("name", BODIES)
def test_every_body_runs_in_every_arithmetic_or_is_a_known_refusal(
    name: str, runner: Runner, request: pytest.FixtureRequest
) -> None:
    message = REFUSED.get((request.node.callspec.params["runner"], name))
    if message is None:
        check(runner, BODIES[name])
    else:
        with pytest.raises(RefusedError, match=f"cannot run .*{message}"):
            check(runner, BODIES[name])


def test_the_list_of_gaps_is_complete_and_gives_reasons() -> None:
    assert set(REFUSED) <= {(arithmetic, name) for arithmetic in NAMES for name in BODIES}
    assert len(REFUSED) == sum(len(a.split()) * len(b.split(", ")) for a, b, _, _ in GAPS), "listed twice"
    assert all(reason for _, _, reason, _ in GAPS)


@pytest.mark.parametrize("runner", NAMES, indirect=True)
@pytest.mark.parametrize(
    ("name", "program", "call", "advice"), EVERYWHERE, ids=[row[0] for row in EVERYWHERE]
)
def test_what_would_leave_the_arithmetic_is_refused_by_name_with_advice(
    runner: Runner, name: str, program: Callable[[Any], Any], call: str, advice: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        runner.run(Body(name, program, lambda m, x: x), PLAIN)
    message = str(refusal.value)
    assert re.search(call, message), message
    assert re.search(advice, message), message
    assert runner.arithmetic.name in message


@pytest.mark.parametrize("runner", [n for n in NAMES if n != "complex128"], indirect=True)
def test_complex_literals_need_the_complex_arithmetic(runner: Runner) -> None:
    with pytest.raises(RefusedError, match="complex"):
        runner.run(Body("1j * x", lambda x: 1j * x, lambda m, x: x), PLAIN)
    assert ComplexArithmetic().evaluate(lambda x: 1j * x + (2 - 1j), np.array([0.5])) == [2 - 0.5j]


def test_a_wrong_shape_is_the_users_error() -> None:
    for runner in runners().values():
        with pytest.raises(UserError, match=r"shape \(2,\) for x of shape \(3,\)"):
            runner.run(Body("short", lambda x: x[1:], lambda m, x: x), PLAIN)


def test_hasattr_understands_a_refused_attribute() -> None:
    value = MpArithmetic(60).wrap(MpArithmetic(60).coerce(0.5))
    assert not hasattr(value, "astype")
    assert not hasattr(value, "dtype")
    assert hasattr(value, "sum")


# two arithmetics ------------------------------------------------------------------------------------------


OTHER_PRECISION = {"mpmath": MpArithmetic(90), "Arb": ArbArithmetic(90), "Taylor": TaylorArithmetic(90, 3)}


@pytest.mark.parametrize("inner", NAMES)
@pytest.mark.parametrize("outer", NAMES)
def test_values_of_two_arithmetics_do_not_mix(outer: str, inner: str) -> None:
    other = runners()[inner].arithmetic  # another precision where the kind is the same
    if outer == inner:
        if inner not in OTHER_PRECISION:
            pytest.skip("two instances of one format are the same format")
        other = OTHER_PRECISION[inner]
    with working_precision(128, 3):
        foreign = other.wrap(other.coerce(PLAIN))
        for program in (lambda x: x + foreign, lambda x: np.stack([x, foreign])[0], lambda x: foreign[0] * x):
            with pytest.raises(RefusedError, match="keep them apart"):
                runners()[outer].run(Body("mixed", program, lambda m, x: x), PLAIN)
        with pytest.raises(RefusedError, match="keep them apart"):
            runners()[outer].run(Body("returned", lambda x: foreign, lambda m, x: x), PLAIN)


# leaks planted on purpose: the contract has to see them ---------------------------------------------------


class WideLiterals(FormatArithmetic):
    """Forgets to round literals: float64 constants carry the rest of the program off."""

    def coerce(self, value: Any) -> Raw:
        return value.raw if hasattr(value, "raw") else np.asarray(value)

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        return np.asarray(ufunc(*(self.coerce(v) for v in operands)))


class WideInside(FormatArithmetic):
    """Computes sqrt in float64 and returns it so; the next operation rounds again."""

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        if ufunc is np.sqrt:
            return np.sqrt(self.coerce(operands[0]).astype(np.float64))
        return super().apply(ufunc, operands)


class DoubleLiterals(MpArithmetic):
    """Cuts what it is given to 53 bits, as ``float(x)`` in the wrong place would."""

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        result = super().apply(ufunc, operands)
        return np.asarray(self.coerce(result.astype(float))) if result.dtype == object else result


class PlainNumbers(MpArithmetic):
    """Lets Python floats in as elements."""

    def is_element(self, value: Any) -> bool:
        return isinstance(value, self.context.mpf)

    def element(self, value: Any) -> Any:
        return float(value)


class CutBalls(ArbArithmetic):
    """An exponential without its radius."""

    kernels = {**ArbArithmetic.kernels, "exp": lambda x: arb(math.exp(float(x)))}


class WrongSeries(TaylorArithmetic):
    """A tanh whose first derivative is right and whose second is not."""

    kernels = {**TaylorArithmetic.kernels, "tanh": lambda x: x - x * x * x / 3 + 0 * x}


LEAKS: tuple[tuple[Runner, str], ...] = (
    (FormatRunner(WideLiterals(get_format("float16"))), "constant array"),
    (FormatRunner(WideLiterals(get_format("float32"))), "np.float64 literal"),
    (FormatRunner(WideInside(get_format("float32"))), "np.sqrt"),
    (FormatRunner(WideInside(get_format("float32"))), "where guarding a root"),
    (MpRunner(DoubleLiterals(120)), "np.exp"),
    (MpRunner(PlainNumbers(120)), "constant array"),
    (ArbRunner(CutBalls(160)), "np.exp"),
    (TaylorRunner(WrongSeries(320, 5)), "np.tanh"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("leaky", "body"), LEAKS, ids=[f"{type(r.arithmetic).__name__}-{b}" for r, b in LEAKS]
)
def test_the_contract_catches_a_leaky_arithmetic(leaky: Runner, body: str) -> None:
    with pytest.raises(AssertionError):
        check(leaky, BODIES[body])


# global state ---------------------------------------------------------------------------------------------


def _state() -> tuple[Any, ...]:
    return flint.ctx.prec, flint.ctx.cap, mpmath.mp.prec, np.geterr()


@pytest.mark.parametrize("runner", NAMES, indirect=True)
@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt, ZeroDivisionError])
def test_precision_and_error_handling_are_the_callers_again(
    runner: Runner, error: type[BaseException] | None
) -> None:
    before = _state()

    def program(x: Any) -> Any:
        assert mpmath.mp.prec == before[2], "mpmath's own context is never touched"
        if error is not None:
            raise error("from the program")
        return np.exp(x)

    body = Body("raises", program, lambda m, x: x)
    if error is None:
        runner.run(body, PLAIN)
    else:
        with pytest.raises(error, match="from the program"):
            runner.run(body, PLAIN)
    assert _state() == before


def test_an_interrupted_run_of_a_format_leaves_no_watch_behind() -> None:
    arithmetic = FormatArithmetic(get_format("float16"))

    def program(x: Any) -> Any:
        np.exp(12.0 * x)
        raise RuntimeError("after an overflow")

    with pytest.raises(RuntimeError):
        arithmetic.run(program, np.ones(2, np.float16))
    assert not arithmetic.run(lambda x: x, np.ones(2, np.float16)).overflow.any()
    with np.errstate(over="ignore"):  # evaluate alone does not watch
        assert np.isinf(arithmetic.evaluate(lambda x: 1e6 * x, np.ones(2, np.float16))).all()


# expression trees: the ball contains the exact value ------------------------------------------------------

UFUNCS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sin": (np.sin, M.sin),
    "exp": (np.exp, M.exp),
    "tanh": (np.tanh, M.tanh),
    "arctan": (np.arctan, M.atan),
    "arcsinh": (np.arcsinh, M.asinh),
    "root": (lambda v: np.sqrt(np.abs(v) + 0.1), lambda v: M.sqrt(abs(v) + M.mpf(0.1))),
    "log1p": (lambda v: np.log1p(v**2), lambda v: M.log1p(v**2)),
    "inverse": (lambda v: 1 / (0.25 + v * v), lambda v: 1 / (M.mpf(0.25) + v * v)),
    "clip": (lambda v: np.clip(v, -0.7, 0.7), lambda v: min(max(v, M.mpf(-0.7)), M.mpf(0.7))),
}  # fmt: skip
Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]


def _leaf(constant: float | None) -> Pair:
    if constant is None:
        return (lambda x: x), (lambda x: x)
    return (lambda x: constant + 0 * x), (lambda x: M.mpf(constant))


def _unary(name: str, of: Pair) -> Pair:
    program, truth = UFUNCS[name]
    return (lambda x: program(of[0](x))), (lambda x: truth(of[1](x)))


def _binary(operator: str, a: Pair, b: Pair) -> Pair:
    act = {"+": lambda p, q: p + q, "-": lambda p, q: p - q, "*": lambda p, q: p * q}[operator]
    return (lambda x: act(a[0](x), b[0](x))), (lambda x: act(a[1](x), b[1](x)))


trees = st.recursive(
    st.one_of(st.none(), st.floats(-2, 2)).map(_leaf),
    lambda inner: st.one_of(
        st.builds(_unary, st.sampled_from(sorted(UFUNCS)), inner),
        st.builds(_binary, st.sampled_from("+-*"), inner, inner),
    ),
    max_leaves=8,
)


@given(trees, st.floats(-2, 2))
def test_a_ball_contains_the_exact_value_of_any_expression(tree: Pair, x: float) -> None:
    program, truth = tree
    with working_precision(200):
        point = to_balls(np.array([x]))
    ball = ArbArithmetic(200).evaluate(program, point)[0]
    with working_precision(600):
        assert (ball - exact_ball(truth(M.mpf(x)))).contains(0)
    assert ball.rad() < 1e-30


def test_a_comparison_that_stays_open_gives_nan_at_that_point_only() -> None:
    with working_precision(128):
        points = np.array([arb(1, 0.5), arb(2)], dtype=object)
    balls = ArbArithmetic(128).evaluate(lambda x: np.where(x > 1, x, -x), points)
    assert balls[0].is_nan()
    assert balls[1] == 2


def test_the_runners_are_all_there_is() -> None:
    tested = {type(r.arithmetic) for r in runners().values()}
    concrete = {cls for cls in _all_subclasses(Arithmetic) if not isabstract(cls)}
    # the bridges to other libraries are methods, with tests of their own
    assert {cls for cls in concrete if cls.__module__.startswith("diffbench.arithmetic.")} == tested


def _all_subclasses(base: type[Arithmetic]) -> set[type[Arithmetic]]:
    return {base, *(leaf for sub in base.__subclasses__() for leaf in _all_subclasses(sub))}
