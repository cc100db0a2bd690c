"""Pairs of many points as arrays, with what every rule asks of them calculated once.

The numbers are those of :class:`diffbench.methods.automatic.pairs.Pair` and of
:class:`diffbench.methods.automatic.pairs.Noise` without noise beyond rounding; only an interval, K times a
noise already divided by w, may differ in its last bit.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from diffbench.methods.automatic.operations import everywhere
from diffbench.methods.automatic.pairs import NOMINAL, ROOT_2, K, Noise, grain_of, spare_bits

HUGE = 1e290  # noise of values from whose differences nothing overflows
Array = Any


class Record:
    """Arrays of many points that are taken and joined together; other attributes are alike at all points."""

    __slots__: tuple[str, ...] = ()

    def replace(self, **changed: Any) -> Self:
        """A copy with some of the attributes changed."""
        other = object.__new__(type(self))
        for name in self.__slots__:
            setattr(other, name, changed[name] if name in changed else getattr(self, name))
        return other


def taken(item: Any, which: Array) -> Any:
    """Some of the points of arrays, lists of arrays and records."""
    if isinstance(item, np.ndarray):
        return item.take(which, axis=-1)
    if isinstance(item, Row):
        return item.taken(which)
    if isinstance(item, list):
        return [taken(one, which) for one in item]
    if isinstance(item, Record):
        return item.replace(**{name: taken(getattr(item, name), which) for name in item.__slots__})
    return item


def joined(items: list[Any]) -> Any:
    """The points of several alike items, one after another."""
    first = items[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(items, axis=-1)
    if isinstance(first, list):
        return [joined(list(column)) for column in zip(*items, strict=True)]
    if isinstance(first, Row):
        row = object.__new__(Row)
        for name in Row.COLUMNS:
            setattr(row, name, np.concatenate([getattr(item, name) for item in items]))
        return row
    if isinstance(first, Record):
        return first.replace(**{n: joined([getattr(item, n) for item in items]) for n in first.__slots__})
    return first


class Row(Record):
    """The pairs of many points at one step each.

    Columns of a row that was taken from another one are taken when they are asked for.

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
    outer, inner : array (points,)
        f at the node farther from 0 and at the nearer one.
    """

    __slots__ = ("_source", "_which", "d", "df", "e", "h", "inner", "outer", "own", "size", "slope", "total")
    COLUMNS = ("d", "df", "e", "h", "inner", "outer", "own", "size", "slope", "total")
    order = 2
    _source: Row
    _which: Array

    def __init__(self, h: Array, width: Array, values: Array, base: Base) -> None:
        outer, inner = self.outer, self.inner = values
        up, down = outer - base.f0, inner - base.f0
        self.h = h
        self.d = outer - inner
        self.d /= width
        self.e = up + down
        self.e *= 0.5
        np.abs(up, out=up)
        self.df = np.maximum(up, np.abs(down, out=down), out=up)
        self.size = np.abs(outer)
        np.maximum(self.size, np.abs(inner, out=down), out=self.size)
        np.maximum(self.size, base.size, out=self.size)
        inverse = np.divide(1.0, h, out=down)
        self.slope = self.df * inverse
        self.total = base.u * self.size
        self.total += base.argument * self.slope
        inverse *= 1 / ROOT_2
        self.own = np.multiply(self.total, inverse, out=inverse)

    def __getattr__(self, name: str) -> Array:
        if name not in Row.COLUMNS:
            raise AttributeError(name)
        source, which = self._source, self._which
        slot = Row.__dict__[name]
        while True:
            try:
                column = slot.__get__(source)
                break
            except AttributeError:  # not asked for there: from where that row was taken
                source, which = source._source, source._which.take(which)
        column = column.take(which)
        setattr(self, name, column)
        return column

    def taken(self, which: Array) -> Row:
        """Some of the points."""
        some = object.__new__(Row)
        some._source, some._which = self, which
        return some

    def resolved(self) -> Row:
        """With all columns, independent of what it was taken from."""
        some = object.__new__(Row)
        for name in Row.COLUMNS:
            setattr(some, name, getattr(self, name))
        return some

    @property
    def w(self) -> Array:
        """The noise of ``d`` is that of one value divided by w."""
        return self.h * ROOT_2

    def sound(self, width: Array) -> Array | None:
        """Where values are finite and not all equal and the step is the nominal one; None: everywhere."""
        exact = np.abs(width) == 2.0 * self.h
        nominal = everywhere(exact)
        if nominal and self.df.min() > 0 and self.total.max() < HUGE:
            return None
        found = np.isfinite(self.d) & np.isfinite(self.total) & (self.df != 0)
        if not nominal:
            other = np.flatnonzero(~exact)
            h = self.h[other]
            found[other] &= np.abs(0.5 * np.abs(width[other]) - h) <= NOMINAL * h
        return None if everywhere(found) else found


class Base(Record):
    """What the pairs of some points share: x, f(x) and what follows from them."""

    __slots__ = ("argument", "f0", "size", "u", "x")

    def __init__(self, x: Array, f0: Array, u: float) -> None:
        self.x, self.f0, self.u = x, f0, u
        self.size = np.abs(f0)
        self.argument = np.abs(x)
        self.argument *= 0.5 * u

    def nodes(self, h: Array) -> tuple[Array, Array]:
        """The nodes of a step, outer and inner, as one array, and the distance between them."""
        both = np.empty((2, len(self.x)))
        outer, inner = both
        np.add(self.x, h if self.x.min() > 0 else np.copysign(h, self.x, out=outer), out=outer)
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


def grained(f0: Array, rows: list[Row]) -> tuple[Array, Array]:
    """Which float64 points have values with a grain, and how large it is; see ``pairs.grain``."""
    mask = (1 << spare_bits(1 + 2 * len(rows))) - 1
    found = np.flatnonzero((f0.view(np.int64) & mask) == 0)
    for row in rows:
        if len(found):
            last = row.outer.take(found).view(np.int64) | row.inner.take(found).view(np.int64)
            found = found[(last & mask) == 0]
    columns = [c.take(found) for c in (f0, *(column for row in rows for column in (row.outer, row.inner)))]
    grains = np.array([grain_of(seen, 53) for seen in np.transpose(columns).tolist()])
    return (found[grains > 0], grains[grains > 0]) if len(found) else (found, grains)


def snapped(h: Array) -> Array:
    """Steps to 6 significant bits."""
    mantissa, exponent = np.frexp(h)
    mantissa *= 64
    np.rint(mantissa, out=mantissa)
    return np.ldexp(mantissa, exponent - 6)
