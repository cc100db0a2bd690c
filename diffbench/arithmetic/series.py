"""Truncated power series of Arb balls: the numbers of :mod:`diffbench.arithmetic.taylor`.

A series runs in t > 0 from a point to one side. Its sign is that of its first coefficient that is not zero,
that is what holds just beside the point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flint
from flint import arb, arb_series

from diffbench.arithmetic.balls import decide_sign


@dataclass
class Trace:
    """What happened while a program ran.

    Attributes
    ----------
    tied : bool
        A decision depended on the side.
    flat : bool
        A decision or a division met a series with no coefficient but zeros, which more terms could change.
    """

    tied: bool = False
    flat: bool = False


class Series:
    """A truncated power series in t. (A class of its own: NumPy would take ``arb_series`` apart.)

    ``fixed`` marks a literal: what is 0 there is 0 for all t, not only as far as the series reaches.
    """

    __slots__ = ("fixed", "s", "trace")

    def __init__(self, s: arb_series, trace: Trace, fixed: bool = False) -> None:
        self.s = s
        self.trace = trace
        self.fixed = fixed

    @property
    def start(self) -> arb:
        """The value at the point."""
        return self.s[0]

    @property
    def terms(self) -> int:
        """Number of coefficients that are known; a division by t loses one."""
        return self.s.prec

    def coefficient(self, k: int) -> arb:
        """Coefficient of t**k; NaN beyond what is known."""
        return self.s[k] if k < self.terms else arb.nan()

    def is_nan(self) -> bool:
        """Whether there is no value at the point."""
        return self.start.is_nan()

    def is_constant(self) -> bool:
        """Whether all coefficients but the first are exactly zero."""
        return self.s.length() <= 1

    def sign(self) -> int:
        """The sign just beside the point (t -> 0+), or UndecidedError."""
        first = self.valuation()
        if not self.fixed:
            self.trace.tied |= first > 0
            self.trace.flat |= first == self.terms
        return decide_sign(self.s[first]) if first < self.terms else 0

    def valuation(self) -> int:
        """Number of leading coefficients that are exactly zero."""
        return next((k for k in range(self.terms) if not self.s[k].is_zero()), self.terms)

    def like(self, coefficients: Sequence[Any], terms: int | None = None) -> Series:
        """Another series of the same run."""
        return Series(arb_series(list(coefficients), flint.ctx.cap if terms is None else terms), self.trace)

    def constant(self, value: Any) -> Series:
        """A constant of the same run."""
        return Series(arb_series([arb(value)], flint.ctx.cap), self.trace, fixed=True)

    def is_zero(self) -> bool:
        """Whether this is 0 for all t."""
        return self.fixed and self.s.length() == 0

    def unknown(self) -> Series:
        """What has no Taylor series here: NaN in every coefficient."""
        return self.like([arb.nan()] * flint.ctx.cap)

    def compose(self, outer: Sequence[arb]) -> Series:
        """The series with Taylor coefficients ``outer`` at ``start``, of this series."""
        inner = arb_series([arb(0), *(self.s[k] for k in range(1, self.terms))], self.terms)
        return Series(arb_series(list(outer)[: self.terms], self.terms)(inner), self.trace)

    # operators -----------------------------------------------------------------------------------------

    def _other(self, other: Any) -> Any:
        return other.s if isinstance(other, Series) else other

    def _both_fixed(self, other: Any) -> bool:
        return self.fixed and (other.fixed if isinstance(other, Series) else True)

    def __add__(self, other: Any) -> Series:
        return Series(self.s + self._other(other), self.trace, self._both_fixed(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Series:
        return Series(self.s - self._other(other), self.trace, self._both_fixed(other))

    def __rsub__(self, other: Any) -> Series:
        return Series(self._other(other) - self.s, self.trace, self.fixed)

    def __mul__(self, other: Any) -> Series:
        product = self.s * self._other(other)
        fixed = self._both_fixed(other) or self.is_zero() or (isinstance(other, Series) and other.is_zero())
        return Series(product, self.trace, fixed)

    __rmul__ = __mul__

    def __neg__(self) -> Series:
        return Series(-self.s, self.trace, self.fixed)

    def __truediv__(self, other: Any) -> Series:
        if not isinstance(other, Series):
            return Series(self.s / other, self.trace, self.fixed) if other else self.unknown()
        first = other.valuation()
        self.trace.flat |= first == other.terms and not other.fixed
        if self.s.length() == 0 and not self.fixed and 0 < first < self.terms:
            return self.like([], min(self.terms, other.terms) - first)  # 0 + O(t**n): FLINT forgets the loss
        try:
            return Series(self.s / other.s, self.trace, self._both_fixed(other))
        except (ValueError, ZeroDivisionError):  # a pole
            return self.unknown()

    def __rtruediv__(self, other: Any) -> Series:
        return self.constant(other) / self
