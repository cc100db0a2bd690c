"""Pairs of many points as arrays, with what every rule asks of them calculated once.

The numbers are those of :class:`diffbench.methods.automatic.pairs.Pair` and of
:class:`diffbench.methods.automatic.pairs.Noise` without noise beyond rounding; only an interval, K times a
noise already divided by w, may differ in its last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.methods.automatic.pairs import ROOT_2, K, Noise, spare_bits

Array = Any

COLUMNS = ("d", "df", "e", "h", "own", "size", "slope", "total", "values")


class Row:
    """The pairs of many points at one step each.

    Attributes
    ----------
    h, d, e, df, size : array (points,)
        As in a pair.
    slope : array (points,)
        df / h.
    total : array (points,)
        Noise of one value, the rounding of the argument included.
    own : array (points,)
        Noise of ``d``: total / w.
    values : array (2, points)
        f at the outer and at the inner node.
    """

    __slots__ = COLUMNS
    order = 2

    def __init__(self, h: Array, width: Array, values: Array, base: Base) -> None:
        change = values - base.f0
        self.h, self.values = h, values
        self.d = values[0] - values[1]
        self.d /= width
        self.e = change[0] + change[1]
        self.e *= 0.5
        np.abs(change, out=change)
        self.df = np.maximum(change[0], change[1])
        np.abs(values, out=change)
        self.size = np.maximum(change[0], change[1], out=change[0])
        np.maximum(self.size, base.size, out=self.size)
        self.slope = self.df / h
        self.total = base.u * self.size
        self.total += np.multiply(base.argument, self.slope, out=change[1])
        self.own = np.multiply(h, ROOT_2)
        np.divide(self.total, self.own, out=self.own)

    def take(self, which: Array) -> Row:
        """Some of the points."""
        some = object.__new__(Row)
        for name in COLUMNS:
            setattr(some, name, getattr(self, name).take(which, axis=-1))
        return some

    @property
    def w(self) -> Array:
        """The noise of ``d`` is that of one value divided by w."""
        return self.h * ROOT_2

    @property
    def sound(self) -> Array:
        """Where the values are finite and not all equal."""
        return np.isfinite(self.d) & np.isfinite(self.size) & (self.df != 0)


class Base:
    """What the pairs of some points share: x, f(x) and what follows from them."""

    def __init__(self, x: Array, f0: Array, u: float) -> None:
        self.x, self.f0, self.u = x, f0, u
        self.size = np.abs(f0)
        self.argument = u * (0.5 * np.abs(x))

    def take(self, which: Array) -> Base:
        """Some of the points."""
        some = object.__new__(Base)
        some.u = self.u
        for name in ("x", "f0", "size", "argument"):
            setattr(some, name, getattr(self, name).take(which))
        return some

    def nodes(self, h: Array) -> tuple[Array, Array]:
        """The nodes of a step, outer and inner, as one array, and the distance between them."""
        both = np.empty((2, len(self.x)))
        outer, inner = both
        np.add(self.x, np.copysign(h, self.x, out=outer), out=outer)
        np.subtract(outer, self.x, out=inner)
        np.subtract(self.x, inner, out=inner)
        return both, outer - inner


class Rounding(Noise):
    """The noise of rows: rounding, and no more."""

    def value(self, pair: Any) -> Any:
        """Noise of one value, rounding of the argument not counted."""
        return self.u * pair.size

    def total(self, pair: Any) -> Any:
        """... with the rounding of the argument."""
        return pair.total

    def interval(self, pair: Any) -> Any:
        """Half width of the interval that D stands for."""
        return K * pair.own


def grained(f0: Array, rows: list[Row]) -> Array:
    """Indices of float64 points whose values all end in so many zero bits that ``grain`` must look."""
    mask = (1 << spare_bits(1 + 2 * len(rows))) - 1
    found = np.flatnonzero((f0.view(np.int64) & mask) == 0)
    for row in rows:
        if len(found):
            last = row.values.take(found, axis=1).view(np.int64) & mask
            found = found[(last[0] | last[1]) == 0]
    return found


def everywhere(mask: Array) -> bool:
    """Whether a mask holds at all points; counting is the fastest way to ask."""
    return bool(np.count_nonzero(mask) == mask.size)


def somewhere(mask: Array) -> bool:
    """Whether a mask holds at any point."""
    return bool(np.count_nonzero(mask))
