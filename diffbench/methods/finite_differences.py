"""Finite differences as a format computes them: nodes, weighted sums, division, all roundings included.

* :class:`Scheme`: a stencil together with a variant of its arithmetic (``integer``, ``float``, ``mixed``).
* ``nodes``: the rounded nodes ``fl(x + fl(s h))`` for all offsets and steps at once.
* ``Scheme.combine``: the estimate for every step, and the divisor that was used.

The order of the operations is part of the definition (docs/method.md): the error split refers to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import UnknownNameError
from diffbench.stencils import Stencil

VARIANTS = ("integer", "float", "mixed")
RawArray = np.ndarray[Any, Any]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Combination:
    """A stencil applied at K steps: ``estimate`` and ``divisor`` (working dtype), ``infinite`` (bool).

    ``infinite``: an operation on finite function values overflowed.
    """

    estimate: RawArray
    divisor: RawArray
    infinite: BoolArray


@dataclass(frozen=True)
class Scheme:
    """A stencil in one variant of its arithmetic.

    ``integer`` multiplies differences by integer numerators and divides once; ``float`` uses weights rounded
    to the format; ``mixed`` is ``integer`` in float32 on function values of a half format.
    """

    stencil: Stencil
    variant: str = "integer"

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UnknownNameError("variant", self.variant, VARIANTS)

    def available(self, fmt: Format) -> bool:
        """``mixed`` means more precision than the format's, so it is for the half formats."""
        return self.variant != "mixed" or fmt.precision < 24

    def working_format(self, fmt: Format) -> Format:
        """Where the sums, products and the division run."""
        return get_format("float32") if self.variant == "mixed" else fmt

    def coefficients(self, fmt: Format) -> tuple[Fraction, ...]:
        """The weights (``float``) or numerators (others) as the format rounds them, exactly."""
        return self._coefficients(fmt)[1]

    def numerators_exact(self, fmt: Format) -> bool:
        """Whether the integer numerators are numbers of the working format."""
        return self.variant != "float" and self._coefficients(fmt)[1] == self.stencil.numerators

    def _rounded(self, fmt: Format) -> RawArray:
        return self._coefficients(fmt)[0]

    def _coefficients(self, fmt: Format) -> tuple[RawArray, tuple[Fraction, ...]]:
        return _rounded_coefficients(self.stencil, self.variant == "float", self.working_format(fmt).name)

    def divisor(self, fmt: Format, h: RawArray) -> RawArray:
        """``h**m`` by repeated multiplication, times the denominator unless the weights carry it."""
        work = self.working_format(fmt)
        step = h.astype(work.dtype, copy=False)
        power = step
        for _ in range(self.stencil.derivative - 1):
            power = power * step
        if self.stencil.derivative == 0:
            power = np.ones_like(step)
        if self.variant == "float" or self.stencil.denominator == 1:
            return power
        return power * _round_all(work.name, (self.stencil.denominator,))[0][0]

    def combine(self, fmt: Format, values: Sequence[RawArray] | RawArray, h: RawArray) -> Combination:
        """The estimate at every step.

        Parameters
        ----------
        fmt : Format
        values : array or sequence of arrays, shape (len(offsets), K), dtype of the format
            Function values at this stencil's nodes, in the order of its offsets.
        h : array, shape (K,), dtype of the format
        """
        work = self.working_format(fmt)
        rows = [row.astype(work.dtype, copy=False) for row in values]
        if work.name != "bfloat16":  # whose operations raise no flags
            try:
                # the processor's own flags say for nothing that all went well
                with np.errstate(over="raise", divide="raise", invalid="raise", under="ignore"):
                    _, divisor, estimate = self._apply(fmt, rows, h)
                return Combination(estimate, divisor, np.zeros(h.shape, dtype=bool))
            except FloatingPointError:
                pass
        with np.errstate(all="ignore"):
            total, divisor, estimate = self._apply(fmt, rows, h)
            # inf - inf on the way leaves a NaN: of finite values, that too is an overflow
            infinite = ~np.isfinite(total) | np.isinf(divisor) | (~np.isfinite(estimate) & (divisor != 0))
        return Combination(estimate, divisor, infinite)

    def _apply(
        self, fmt: Format, rows: Sequence[RawArray], h: RawArray
    ) -> tuple[RawArray, RawArray, RawArray]:
        """Weighted sum, divisor and their quotient."""
        coefficients, divisor, pairs = self._rounded(fmt), self.divisor(fmt, h), self._pairs()
        total = self._paired(pairs, coefficients, rows) if pairs else _left_to_right(coefficients, rows)
        return total, divisor, total / divisor

    def _pairs(self) -> tuple[tuple[int, int], ...]:
        """Indices (left, right) of symmetric pairs, outermost first; empty if the sum runs left to right."""
        return _symmetric_pairs(self.stencil) if self.variant != "float" else ()

    def _paired(
        self, pairs: Sequence[tuple[int, int]], coefficients: RawArray, rows: Sequence[RawArray]
    ) -> RawArray:
        odd = self.stencil.derivative % 2 == 1
        total: RawArray | None = None
        for left, right in pairs:
            pair = rows[right] - rows[left] if odd else rows[right] + rows[left]
            term = pair if self.stencil.numerators[right] == 1 else coefficients[right] * pair
            total = term if total is None else total + term
        centre = len(rows) // 2
        if len(rows) % 2 and self.stencil.weights[centre]:
            term = coefficients[centre] * rows[centre]
            total = term if total is None else total + term
        assert total is not None  # a stencil has at least one node
        return total


def _left_to_right(coefficients: RawArray, rows: Sequence[RawArray]) -> RawArray:
    total = coefficients[0] * rows[0]
    for coefficient, row in zip(coefficients[1:], rows[1:], strict=True):
        total = total + coefficient * row
    return total


@lru_cache(maxsize=512)
def _symmetric_pairs(stencil: Stencil) -> tuple[tuple[int, int], ...]:
    """The pairs x +- s h of a stencil whose weights are equal (even m) or opposite (odd m), or nothing."""
    s, w = stencil.offsets, stencil.weights
    sign = -1 if stencil.derivative % 2 else 1
    if any(a != -b or c != sign * d for a, b, c, d in zip(s, s[::-1], w, w[::-1], strict=True)):
        return ()
    pairs = [(i, len(s) - 1 - i) for i in range(len(s) // 2)]
    return tuple(sorted(pairs, key=lambda pair: -abs(s[pair[1]])))


@lru_cache(maxsize=512)
def _rounded_coefficients(
    stencil: Stencil, weights: bool, name: str
) -> tuple[RawArray, tuple[Fraction, ...]]:
    return _round_all(name, stencil.weights if weights else stencil.numerators)


def factors(fmt: Format, stencil: Stencil) -> RawArray | None:
    """The offsets as a column of the format's numbers, or None if one is not a number of it (1/3)."""
    return _factors(fmt.name, stencil)


@lru_cache(maxsize=512)
def _factors(name: str, stencil: Stencil) -> RawArray | None:
    rounded, exact = _round_all(name, stencil.offsets)
    return rounded[:, None] if exact == stencil.offsets else None


@lru_cache(maxsize=512)
def _round_all(name: str, values: tuple[Fraction | int, ...]) -> tuple[RawArray, tuple[Fraction, ...]]:
    """Rational coefficients in a format, and the exact values of those."""
    fmt = get_format(name)
    rounded = np.array([round_fraction(fmt, Fraction(v)) for v in values], dtype=fmt.dtype)
    rounded.flags.writeable = False
    # a numerator too large for the format (forward-8 in float16) makes every row overflow: any number will do
    exact = [_exact(r) if np.isfinite(r) else Fraction(v) for r, v in zip(rounded, values, strict=True)]
    return rounded, tuple(exact)


@dataclass(frozen=True)
class Layout:
    """All offsets of several schemes, increasing, and for every scheme the positions of its own."""

    offsets: tuple[Fraction, ...]
    index: tuple[list[int], ...]


@lru_cache(maxsize=256)
def layout(schemes: tuple[Scheme, ...]) -> Layout:
    """Where the nodes of several schemes lie, so that the function is evaluated once at each."""
    offsets = tuple(sorted({s for scheme in schemes for s in scheme.stencil.offsets}))
    position = {s: i for i, s in enumerate(offsets)}
    return Layout(offsets, tuple([position[s] for s in scheme.stencil.offsets] for scheme in schemes))


def nodes(fmt: Format, x: Any, h: RawArray, offsets: tuple[Fraction, ...]) -> RawArray:
    """Rounded nodes ``fl(x + fl(s h))``, shape (len(offsets), K), dtype of the format."""
    point = np.asarray(x, dtype=fmt.dtype)
    factors, exact = _round_all(fmt.name, tuple(offsets))
    with np.errstate(all="ignore"):
        if exact == tuple(offsets):
            return point + factors[:, None] * h
        return point + np.stack([_scaled(fmt, s, h) for s in offsets])


def _scaled(fmt: Format, s: Fraction, h: RawArray) -> RawArray:
    """``fl(s h)`` with one rounding, also for an offset that is no number of the format (1/3)."""
    sign = fmt.dtype.type(1 if s > 0 else -1)
    scaled = [round_fraction(fmt, s * _exact(step)) if np.isfinite(step) else sign * step for step in h]
    return np.array(scaled, dtype=fmt.dtype)


def round_fraction(fmt: Format, value: Fraction) -> Any:
    """A rational number rounded once to the format (to nearest, ties to even)."""
    magnitude = abs(value)
    if magnitude == 0:
        return fmt.dtype.type(0)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > magnitude
    last = max(exponent, fmt.min_exponent) - fmt.precision + 1
    units = round(magnitude / Fraction(2) ** last)  # Python rounds a Fraction to nearest even
    sign = -1 if value < 0 else 1
    with np.errstate(over="ignore"):
        return fmt.dtype.type(np.ldexp(np.longdouble(sign * units), last))


def _exact(value: Any) -> Fraction:
    return Fraction(*value.as_integer_ratio()) if isinstance(value, np.longdouble) else Fraction(float(value))
