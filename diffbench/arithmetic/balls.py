"""Arb balls as an arithmetic: every result is a midpoint and a radius that contains the true value.

``ArbArithmetic(bits).evaluate(f, x)`` runs a program on balls at that working precision. FLINT's precision
is global state; :func:`working_precision` is the one place that sets it, and always restores it.
A comparison that the radii leave open raises :class:`UndecidedError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import prod
from typing import Any

import flint
import numpy as np
from flint import arb

from diffbench.arithmetic.base import Program, Raw
from diffbench.arithmetic.formats import exact_parts
from diffbench.arithmetic.kernels import Kernel, complete
from diffbench.arithmetic.objects import ObjectArithmetic
from diffbench.arithmetic.reductions import as_raw
from diffbench.errors import DiffbenchError


class UndecidedError(DiffbenchError, ArithmeticError):
    """The radii are too large to decide a comparison; more precision may."""


@contextmanager
def working_precision(bits: int, terms: int | None = None) -> Iterator[None]:
    """Set FLINT's working precision (and series length) for a block, and restore both."""
    old_bits, old_terms = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec = bits
    if terms is not None:
        flint.ctx.cap = terms
    try:
        yield
    finally:
        flint.ctx.prec, flint.ctx.cap = old_bits, old_terms


def to_balls(values: Any) -> Raw:
    """Numbers of a format as exact balls (shape kept). Needs a working precision of 128 bits or more."""
    array = np.asarray(values)
    flat = array.reshape(-1)
    if array.dtype != np.longdouble:
        return _floats_as_balls(flat.astype(np.float64)).reshape(array.shape)
    mantissas, exponents = np.frexp(flat)  # a longdouble may lie outside float64's range
    raw = sum(_floats_as_balls(part) for part in exact_parts(mantissas))
    powers = np.fromiter((arb(2) ** int(e) for e in exponents), object, flat.size)
    return np.asarray(raw * powers).reshape(array.shape)


def _floats_as_balls(values: Raw) -> Raw:
    return np.fromiter(map(arb, values.tolist()), object, values.size)


def to_ball(value: Any) -> arb:
    """One number of a format as an exact ball."""
    ball: arb = to_balls(np.asarray(value)).item()
    return ball


def decide_sign(ball: arb) -> int:
    """The sign of a ball, or UndecidedError. (Not a number counts as undecided.)"""
    if ball > 0:
        return 1
    if ball < 0:
        return -1
    if ball.is_zero():
        return 0
    raise UndecidedError(f"the sign of {ball.str(5)} is not decided at this precision")


def _power(x: arb, y: arb) -> arb:
    """``x ** y``; an exact integer exponent also takes a base that is negative or contains 0."""
    integer = y.unique_fmpz() if y.is_exact() else None
    if integer is None:
        return x**y
    power = x ** int(integer)
    if power.is_nan() and x.is_finite() and 0 < integer < 1000:  # FLINT's power of a ball around 0
        return prod([x] * int(integer), start=arb(1))
    return power


def _cbrt(x: arb) -> arb:
    return arb.root(x, 3) if decide_sign(x) >= 0 else -arb.root(-x, 3)


def decide_floor(x: arb) -> arb:
    """The largest integer below a ball, or UndecidedError; NaN stays NaN."""
    floor = x.floor()
    if not floor.is_exact() and not x.is_nan():
        raise UndecidedError(f"the floor of {x.str(5)} is not decided at this precision")
    return floor


def _rint(x: arb) -> arb:
    """Nearest integer, ties to even, as NumPy rounds."""
    shifted = x + arb(0.5)
    up = decide_floor(shifted)
    tie = shifted.is_exact() and shifted.is_integer()
    return up - 1 if tie and not (up / 2).is_integer() else up


def _sign(x: arb) -> arb:
    return x if x.is_nan() else arb(decide_sign(x))


def _heaviside(x: arb, at0: arb) -> arb:
    return x if x.is_nan() else (at0, arb(1), arb(0))[decide_sign(x)]


def _gammaln(x: arb) -> arb:
    return x.lgamma() if x > 0 else abs(x.gamma()).log()


_OWN: dict[str, Kernel] = {
    "exp": arb.exp,
    "expm1": arb.expm1,
    "log": arb.log,
    "log1p": arb.log1p,
    "sqrt": arb.sqrt,
    "cbrt": _cbrt,
    "sin": arb.sin,
    "cos": arb.cos,
    "tan": arb.tan,
    "arcsin": arb.asin,
    "arccos": arb.acos,
    "arctan": arb.atan,
    "arctan2": arb.atan2,
    "sinh": arb.sinh,
    "cosh": arb.cosh,
    "tanh": arb.tanh,
    "arcsinh": arb.asinh,
    "arccosh": arb.acosh,
    "arctanh": arb.atanh,
    "erf": arb.erf,
    "erfc": arb.erfc,
    "gamma": arb.gamma,
    "rgamma": arb.rgamma,
    "gammaln": _gammaln,
    "psi": arb.digamma,
    "jv": lambda order, x: x.bessel_j(order),
    "add": arb.__add__,
    "subtract": arb.__sub__,
    "multiply": arb.__mul__,
    "divide": arb.__truediv__,
    "negative": arb.__neg__,
    "power": _power,
    "absolute": arb.__abs__,
    "sign": _sign,
    "maximum": lambda x, y: x.max(y),
    "minimum": lambda x, y: x.min(y),
    "heaviside": _heaviside,
    "floor": decide_floor,
    "rint": _rint,
    "isnan": arb.is_nan,
    "isfinite": arb.is_finite,
    "less": lambda x, y: decide_sign(x - y) < 0,
    "less_equal": lambda x, y: decide_sign(x - y) <= 0,
    "greater": lambda x, y: decide_sign(x - y) > 0,
    "greater_equal": lambda x, y: decide_sign(x - y) >= 0,
    "equal": lambda x, y: decide_sign(x - y) == 0,
    "not_equal": lambda x, y: decide_sign(x - y) != 0,
}


class ArbArithmetic(ObjectArithmetic):
    """Real balls at a working precision of ``bits``."""

    kernels = complete(_OWN, arb.const_log2, arb.const_log10, arb.pi)

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.name = f"Arb balls ({bits} bits)"

    def element(self, value: int | float | Fraction) -> arb:
        if isinstance(value, Fraction):
            return arb(value.numerator) / arb(value.denominator)
        return arb(value)

    def is_element(self, value: Any) -> bool:
        return type(value) is arb

    def power(self, base: Raw, exponent: Any) -> Raw:
        if type(exponent) is int and 1 < exponent < 5:  # products enclose the power of a ball around 0 too
            return as_raw(self, prod([base] * exponent))
        return super().power(base, exponent)

    def evaluate(self, f: Program, *args: Any) -> Raw:
        """As :meth:`Arithmetic.evaluate`; a point where a comparison stays open becomes a NaN ball."""
        with working_precision(self.bits):
            try:
                return super().evaluate(f, *args)
            except UndecidedError:
                x = self.coerce(args[0])
                if x.size == 1:
                    return self.array([arb.nan()], x.shape)
                points = [self.evaluate(f, self.array([p], (1,)), *args[1:])[0] for p in x.ravel()]
                return self.array(points, x.shape)
