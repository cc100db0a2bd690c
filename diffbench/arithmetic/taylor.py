"""Truncated Taylor series of Arb balls: derivatives of a program, with guaranteed radii.

``TaylorArithmetic(bits, terms).expand(f, x)`` gives the Taylor coefficients of ``f`` at ``x``. FLINT's own
series arithmetic does the work; what it lacks (sinh, tanh, expm1, log1p, abs, Bessel functions, powers
at a zero) is built in :mod:`diffbench.arithmetic.series_kernels`. No derivative rule of diffbench is used.

The series runs in a variable t > 0 from ``x`` to one side. A comparison at a tie is decided by the first
coefficient that is not zero, that is by what holds just beside ``x``; ``Trace.tied`` then says that the two
sides have to be looked at separately.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
from flint import arb, arb_series

from diffbench.arithmetic.balls import UndecidedError, working_precision
from diffbench.arithmetic.base import Program, Raw
from diffbench.arithmetic.kernels import complete
from diffbench.arithmetic.objects import ObjectArithmetic
from diffbench.arithmetic.series import Series, Trace
from diffbench.arithmetic.series_kernels import SERIES

__all__ = ["Series", "TaylorArithmetic", "Trace", "UndecidedError"]

# More coefficients to look at before a difference that is 0 as far as it is known counts as 0.
_FLAT_TERMS = 16


class TaylorArithmetic(ObjectArithmetic):
    """Series of ``terms`` coefficients at ``bits`` of working precision, to one side of a point."""

    kernels = complete(SERIES, arb.const_log2, arb.const_log10, arb.pi)

    def __init__(self, bits: int, terms: int) -> None:
        self.bits, self.terms = bits, terms
        self.name = f"Taylor series over Arb ({bits} bits)"
        self.trace = Trace()

    def element(self, value: int | float | Fraction) -> Series:
        ball = arb(value.numerator) / value.denominator if isinstance(value, Fraction) else arb(value)
        return Series(arb_series([ball], flint.ctx.cap), self.trace, fixed=True)

    def is_element(self, value: Any) -> bool:
        return isinstance(value, Series)

    def evaluate(self, f: Program, *args: Any) -> Raw:
        """As :meth:`Arithmetic.evaluate`, at the working precision."""
        with working_precision(self.bits, self.terms):
            return super().evaluate(f, *args)

    def expand(self, f: Program, x: arb, side: int = 1) -> list[arb]:
        """Taylor coefficients of t -> f(x + side t) for t -> 0+, NaN where there are none.

        Raises
        ------
        UndecidedError
            If a comparison stays open at this precision.
        """
        extra = 0
        for _ in range(3):
            with working_precision(self.bits, self.terms + extra):
                self.trace.tied = self.trace.flat = False
                start = Series(arb_series([x, arb(side)], self.terms + extra), self.trace)
                result: Series = super().evaluate(f, self.box(start)).item()
            missing = self.terms - result.terms
            if self.trace.flat and extra < _FLAT_TERMS:  # is x**9 > 0 beside 0? Zeros alone do not tell
                extra = _FLAT_TERMS
            elif missing > 0:  # sin(x)/x at 0 loses a coefficient
                extra += missing
            else:
                break
        return [result.coefficient(k) for k in range(self.terms)]
