"""What the contract demands of an arithmetic: how each one is run, checked and what it is known to refuse.

``check(runner, body)`` raises AssertionError when a result leaves the arithmetic or is wrong. The truth is
mpmath at 500 bits, written by hand beside every body; nothing of the arithmetics is used to make it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
from arithmetic_bodies import Body
from flint import arb, arb_series

from diffbench.arithmetic.balls import ArbArithmetic, to_balls, working_precision
from diffbench.arithmetic.base import Arithmetic, Raw
from diffbench.arithmetic.complexes import ComplexArithmetic
from diffbench.arithmetic.formats import NAMES, exact_parts, get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.index_sets import IndexSetArithmetic
from diffbench.arithmetic.jets import JetArithmetic
from diffbench.arithmetic.mp import MpArithmetic
from diffbench.arithmetic.tape import TapeArithmetic
from diffbench.arithmetic.taylor import Series, TaylorArithmetic

M = mpmath.MPContext()
M.prec = 500
TERMS = 4  # coefficients compared in the Taylor contract
DERIVATIVE_DIGITS = M.mpf(10) ** -40


@contextmanager
def watched(arithmetic: Arithmetic) -> Iterator[list[str]]:
    """Note every value a program gets to see that is not a number of the arithmetic."""
    leaks: list[str] = []
    wrap = arithmetic.wrap

    def watching(raw: Any) -> Any:
        array = raw if isinstance(raw, np.ndarray) else arithmetic.box(raw)
        if array.dtype != bool and not arithmetic.holds(array):
            leaks.append(f"a value of {array.dtype} ({array.ravel()[:1]})")
        return wrap(raw)

    arithmetic.wrap = watching  # type: ignore[method-assign]
    try:
        yield leaks
    finally:
        del arithmetic.wrap


class Runner(ABC):
    """One arithmetic under test: makes arguments, runs a program, compares with the truth."""

    def __init__(self, arithmetic: Arithmetic) -> None:
        self.arithmetic = arithmetic

    @abstractmethod
    def run(self, body: Body, points: np.ndarray[Any, Any]) -> Raw:
        """The raw result of a program at points (float64 array of one dimension or none)."""

    @abstractmethod
    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        """Raise AssertionError unless the values are what the body promises."""

    def truths(self, body: Body, points: list[float]) -> list[Any]:
        return body.truths(M, [M.mpf(p) for p in points])


def check(runner: Runner, body: Body) -> None:
    """The contract: results of the arithmetic's own kind, as exact as promised, for arrays and numbers."""
    arrays = [] if body.shape == "scalar" else [np.array(body.points)]
    numbers = [] if body.shape == "array" else [np.array(p) for p in body.points]
    for points in [*arrays, *numbers]:
        with watched(runner.arithmetic) as leaks:
            values = runner.run(body, points)
        assert not leaks, f"{body.name} left {runner.arithmetic.name}: {leaks}"
        assert runner.arithmetic.holds(values), f"{body.name} returned {values.dtype}"
        assert values.shape == points.shape
        runner.compare(body, points.ravel().tolist(), values.ravel())


class FormatRunner(Runner):
    """An error of some ulps of the true result, as the body says; no infinity may be reported."""

    def run(self, body: Body, points: np.ndarray[Any, Any]) -> Raw:
        run = self.arithmetic.run(body.function, self.arithmetic.format.round(points))
        assert not run.overflow.any()
        return run.values

    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        parts = [part.ravel().tolist() for part in exact_parts(values)]
        got = [sum(M.mpf(v) for v in pieces) for pieces in zip(*parts, strict=True)]
        for p, value, truth in zip(points, got, self.truths(body, points), strict=True):
            if value != truth:  # longdouble's ulp of 0 is below float64
                error = float(abs(value - truth) / float(self.arithmetic.format.ulp(float(truth))))
                assert error <= body.ulps, f"{body.name}({p}): {error:.2f} ulp"


class ComplexRunner(Runner):
    """As float64, with twice the ulps (NumPy's complex functions are compositions), and no imaginary part."""

    def run(self, body: Body, points: np.ndarray[Any, Any]) -> Raw:
        return self.arithmetic.evaluate(body.function, points)

    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        ulp = get_format("float64").ulp
        for p, value, truth in zip(points, values.tolist(), self.truths(body, points), strict=True):
            error = abs(M.mpf(value.real) - truth) / float(ulp(float(truth)))
            assert error <= 2 * body.ulps, f"{body.name}({p}): {float(error):.2f} ulp"
            assert abs(value.imag) <= 2 * body.ulps * float(ulp(float(truth)))


class MpRunner(Runner):
    """Twice the ulps of a number of that precision; 2**-precision where the truth is 0."""

    def run(self, body: Body, points: np.ndarray[Any, Any]) -> Raw:
        return self.arithmetic.evaluate(body.function, points)

    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        unit = M.mpf(2) ** (1 - self.arithmetic.precision)
        for p, value, truth in zip(points, values, self.truths(body, points), strict=True):
            error = abs(M.make_mpf(value._mpf_) - truth) / unit / (abs(truth) or 1)
            assert error <= 2 * body.ulps, f"{body.name}({p}): {float(error):.2f} ulp"


def exact_ball(value: Any) -> arb:
    """An mpmath number as a ball of radius 0."""
    sign, mantissa, exponent, _ = value._mpf_
    return arb((-int(mantissa) if sign else int(mantissa), int(exponent)))


class ArbRunner(Runner):
    """The ball contains the truth and is small."""

    def run(self, body: Body, points: np.ndarray[Any, Any]) -> Raw:
        return self.arithmetic.evaluate(body.function, points)

    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        for p, ball, truth in zip(points, values, self.truths(body, points), strict=True):
            with working_precision(600):
                assert ball.contains(exact_ball(truth)), f"{body.name}({p}) = {ball.str(50)} misses {truth}"
                assert ball.rad() < 2.0 ** (20 - self.arithmetic.bits), (
                    f"{body.name}({p}) has a wide ball {ball}"
                )


class TaylorRunner(Runner):
    """Coefficient 0 contains the truth; the others agree with mpmath's differentiation of the truth."""

    def run(self, body: Body, points: np.ndarray[Any, Any]) -> Raw:
        arithmetic = self.arithmetic
        with working_precision(arithmetic.bits, arithmetic.terms):
            starts = [
                Series(arb_series([b, 1], arithmetic.terms), arithmetic.trace) for b in to_balls(points).flat
            ]
            return arithmetic.evaluate(body.function, arithmetic.array(starts, points.shape))

    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        for i, series in enumerate(values):
            expected = self.expected(body, points, i)
            for k, truth in enumerate(expected):
                ball = series.coefficient(k)
                with working_precision(600):
                    gap = ball - exact_ball(truth)
                    allowed = 0 if k == 0 else float(DERIVATIVE_DIGITS * max(1, abs(truth)))
                    assert abs(gap).lower() <= allowed, (
                        f"{body.name}{points[i]}: coefficient {k} misses {truth}"
                    )
                    assert ball.rad() < 2.0 ** (60 - self.arithmetic.bits), f"{body.name}: wide ball {ball}"

    def expected(self, body: Body, points: list[float], i: int) -> list[Any]:
        """Taylor coefficients of the truth at point i, all points moving together."""
        base = [M.mpf(p) for p in points]
        body = replace(body, truth=body.beside or body.truth)
        value = body.truths(M, base)[i]

        def along(t: Any) -> Any:
            moved = [b + t for b in base] if body.whole else [base[i] + t]
            return body.truths(M, moved)[i if body.whole else 0]

        with M.workprec(200):  # mpmath differentiates with steps of about 2**-200
            return [value, *M.taylor(along, 0, TERMS - 1)[1:]]


# np.where with a branch that is not finite where it is not chosen: its gradient is 0 times infinity, a known
# limit of reverse mode (an error names the operation, see test_tape.py).
UNGUARDED = frozenset({"where guarding a pole", "where guarding a root"})


# Tape and jets differentiate the branch that is taken; at these points that is the constant 1 of an equality.
CONSTANT_BRANCH = {("comparisons", 0.375), ("where guarding a pole", 0.0)}


class TapeRunner(FormatRunner):
    """Values as in the format, bit for bit; the gradient of every value, summed over the points, is right."""

    def run(self, body: Body, points: np.ndarray[Any, Any]) -> Raw:
        arithmetic = self.arithmetic
        x = arithmetic.format.round(points)
        with np.errstate(all="ignore"):
            values = arithmetic.evaluate(body.function, x)
            strict = FormatArithmetic(arithmetic.format).evaluate(body.function, x)
            assert np.array_equal(values, strict) or "sinc" in body.name, "another value on the tape"
            self.slopes = [] if body.name in UNGUARDED else [self._slope(body, x, i) for i in range(x.size)]
        return values

    def _slope(self, body: Body, x: Raw, i: int) -> Raw:
        """The derivative of value i where all points move together."""
        (start,), y = self.arithmetic.trace(body.function, x)
        seed = np.zeros(x.shape, x.dtype)
        seed.reshape(-1)[i] = 1
        if y.shape != x.shape:  # a constant
            y = np.broadcast_to(y, x.shape)
        y.backward(seed)
        gradient = np.zeros_like(x) if start.grad is None else start.grad
        assert gradient.dtype == x.dtype
        return np.asarray(sum(gradient.ravel().astype(np.longdouble)))

    def _slope_error(self, slope: Raw, expected: Any) -> Any:
        parts = [float(part) for part in exact_parts(slope)]
        return abs(sum(M.mpf(v) for v in parts) - expected)

    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        super().compare(body, points, values)
        for i, slope in enumerate(self.slopes):
            expected = slope_of(body, points, i)
            error = self._slope_error(slope, expected)
            scale = max(1, abs(expected))  # a slope of 0 may come out as the rounding of its terms
            assert error <= 8 * max(body.ulps, 1) * self.arithmetic.format.eps * scale, (
                f"{body.name}({points[i]}): slope {slope}, should be {mpmath.nstr(expected, 10)}"
            )


class JetRunner(FormatRunner):
    """Taylor coefficients in a format; the first is the value, bit for bit (np.polyval starts with 0 x)."""

    def run(self, body: Body, points: np.ndarray[Any, Any]) -> Raw:
        arithmetic = self.arithmetic
        with np.errstate(all="ignore"):
            return arithmetic.evaluate(body.function, arithmetic.variables(points))

    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        fmt = self.arithmetic.inner.format
        super_values = np.array([jet.value.raw[()] for jet in values], dtype=fmt.dtype)
        self.compare_values(body, points, super_values, fmt)
        for i, jet in enumerate(values):
            if (body.name, points[i]) in CONSTANT_BRANCH:
                continue
            for k, truth in enumerate(taylor_of(body, points, i)[1:], 1):
                got = jet.c[k].raw[()] if k < len(jet.c) else 0.0
                scale = max(1, abs(truth)) if abs(truth) < 1 else abs(truth)
                error = abs(M.mpf(float(got)) - truth)
                # each order divides, multiplies and adds a few times
                allowed = 16 * (k + 1) * max(body.ulps, 1) * fmt.eps * scale
                if k < len(jet.c) or jet.constant:
                    assert error <= allowed, (
                        f"{body.name}({points[i]}): coefficient {k} is {got}, not {mpmath.nstr(truth, 10)}"
                    )

    def compare_values(self, body: Body, points: list[float], values: Raw, fmt: Any) -> None:
        for p, value, truth in zip(points, values.tolist(), self.truths(body, points), strict=True):
            error = float(abs(M.mpf(value) - truth) / float(fmt.ulp(float(truth))))
            assert error <= max(2 * body.ulps, 1), f"{body.name}({p}): {error:.2f} ulp"


class IndexSetRunner(JetRunner):
    """Values in float64, each with what it depends on: its own point, unless it is constant there."""

    def compare(self, body: Body, points: list[float], values: Raw) -> None:
        self.compare_values(body, points, np.array([v.value for v in values]), get_format("float64"))
        for i, value in enumerate(values):
            if body.whole:
                continue
            assert value.on in (0, 1 << i), f"{body.name}({points[i]}) depends on {value.on:b}"
            if (body.name, points[i]) not in CONSTANT_BRANCH and abs(slope_of(body, points, i)) > 1e-30:
                assert value.on, f"{body.name}({points[i]}) depends on its point"


def taylor_of(body: Body, points: list[float], i: int) -> list[Any]:
    """Taylor coefficients of the truth's value i where all points move together."""
    base = [M.mpf(p) for p in points]
    body = replace(body, truth=body.beside or body.truth)

    def along(t: Any) -> Any:
        moved = [b + t for b in base] if body.whole else [base[i] + t]
        return body.truths(M, moved)[i if body.whole else 0]

    with M.workprec(200):
        return list(M.taylor(along, 0, TERMS - 1))


def slope_of(body: Body, points: list[float], i: int) -> Any:
    """The derivative of the truth's value i where all points move together."""
    base = [M.mpf(p) for p in points]
    if (body.name, points[i]) in CONSTANT_BRANCH:
        return 0
    body = replace(body, truth=body.beside or body.truth)

    def along(t: Any) -> Any:
        moved = [b + t for b in base] if body.whole else [base[i] + t]
        return body.truths(M, moved)[i if body.whole else 0]

    with M.workprec(200):
        return M.diff(along, 0)


def runners() -> dict[str, Runner]:
    """Every arithmetic under the contract, by a short name."""
    formats: dict[str, Runner] = {name: FormatRunner(FormatArithmetic(get_format(name))) for name in NAMES}
    return formats | {
        "complex128": ComplexRunner(ComplexArithmetic()),
        "mpmath": MpRunner(MpArithmetic(120)),
        "Arb": ArbRunner(ArbArithmetic(160)),
        **{f"tape-{name}": TapeRunner(TapeArithmetic(get_format(name))) for name in NAMES},
        **{
            f"jets-{name}": JetRunner(JetArithmetic(FormatArithmetic(get_format(name)), TERMS - 1))
            for name in ("float32", "float64")
        },
        "index sets": IndexSetRunner(IndexSetArithmetic()),
        "Taylor": TaylorRunner(TaylorArithmetic(320, TERMS + 1)),
    }
