"""The fits of :mod:`diffbench.methods.automatic.tableau` for many points whose steps double alike.

Steps that are powers of two of the lowest make all weights constants, and scaling by them exact: coefficients
are compared unscaled, with thresholds that carry the constants. Differences (the tableau, the values and the
residuals) are taken in the order of the tableau, bit for bit; sums of squares and products of noise may be
associated otherwise, which changes a bound by some units of its last place.

Whether a coefficient is seen at all points, at none, or at some decides how much there is to do for it: only
where points differ are there masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from diffbench.methods.automatic.operations import ARRAYS
from diffbench.methods.automatic.rows import Row, everywhere, somewhere
from diffbench.methods.automatic.tableau import (
    CONFLICT,
    LEAST_DECAY,
    MARGIN,
    REMEMBERED,
    SURE,
    Pattern,
    Z,
    pattern,
)

Array = Any
FITTED = ("bound", "h", "noise", "promise", "slope", "truncation", "used", "value")


@lru_cache(maxsize=64)
def doubled(count: int) -> Pattern:
    """The constants of so many doubled steps."""
    return pattern(tuple(0.5**i for i in range(count)), 2)


@dataclass
class Fits:
    """Fits of many points; the attributes are those of :class:`diffbench.methods.automatic.tableau.Fit`."""

    value: Array
    bound: Array
    noise: Array
    truncation: Array
    used: Array
    h: Array
    slope: Array
    promise: Array

    def take(self, which: Array) -> Fits:
        """Some of the points."""
        return Fits(**{name: getattr(self, name).take(which) for name in FITTED})

    def replaced(self, where: Array, other: Fits) -> Fits:
        """Another fit at some of the points."""
        return Fits(**{n: np.where(where, getattr(other, n), getattr(self, n)) for n in FITTED})


@dataclass
class _Best:
    """The choice of nodes with the least noise plus truncation, and how many that are."""

    k: Array  # a number where it is the same at all points
    value: Array
    spread: Array
    truncation: Array


class Window:
    """Divided differences of D and E / t over doubled steps, one row for every top."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []  # rows
        self._coefficients: list[Array] = []  # (2, points): odd and even
        self._peaks: list[Array] = []

    @classmethod
    def of(cls, rows: list[Row]) -> Window:
        """A window of these rows."""
        window = cls()
        for row in rows:
            window.add(row)
        return window

    def take(self, which: Array) -> None:
        """Go on with some of the points."""
        self.nodes = [row.take(which) for row in self.nodes]
        self._coefficients = [c.take(which, axis=1) for c in self._coefficients]
        self._peaks = [p.take(which, axis=1) for p in self._peaks]

    def add(self, row: Row) -> None:
        """The pairs at twice the highest step."""
        t = 4.0 ** len(self.nodes)
        first = np.empty((2, len(row.d)))
        first[0] = row.d
        np.multiply(row.e, 1.0 / t, out=first[1])
        fresh = [first]
        for j, previous in enumerate(self._coefficients):
            difference = fresh[j] - previous
            difference *= 1.0 / (t - 4.0 ** (len(self.nodes) - 1 - j))
            fresh.append(difference)
        self._coefficients = fresh
        self.nodes.append(row)

    def fit(self, u: float, below: list[tuple[Row, Array | None]]) -> tuple[Fits, Array]:
        """The best choices of nodes, and where a smaller node contradicts them.

        ``below`` has the rows of smaller steps, each with where it counts (None: everywhere).
        """
        top = self.nodes[-1]
        sizes = [np.abs(c) for c in self._coefficients]
        seen = self._seen(sizes)
        best = self._best(self._remainders(self._raised(sizes, seen)))
        square, number, contradicted = self._residuals(best, below)
        square, number = self._lost(sizes, seen, square, number)
        factor = self._factor(u, square, number)
        factor *= Z
        rounding = np.abs(best.value)
        rounding *= 2 * u
        promise = self._promise(factor)
        promise += rounding
        factor *= best.spread
        bound = rounding
        bound += factor + best.truncation
        used = np.broadcast_to(best.k + 1, bound.shape).astype(np.int8)
        return Fits(best.value, bound, factor, best.truncation, used, top.h, top.slope, promise), contradicted

    # -- coefficients ------------------------------------------------------------------------------

    def _threshold(self, j: int) -> Array:
        """SURE times the noise of the coefficients of order j of the current top, (2, points)."""
        count = len(self.nodes)
        shape, node, t = doubled(count), self.nodes[count - 1 - j], 4.0 ** (count - 1)
        found = np.empty((2, len(node.d)))
        np.multiply(node.own, SURE * shape.odd[j] / t**j, out=found[0])
        np.multiply(node.total, SURE * shape.even[j] / t ** (j + 1), out=found[1])
        return found

    def _seen(self, sizes: list[Array]) -> list[Array]:
        """Where coefficients stand out of their noise."""
        self._thresholds = [self._threshold(j) for j in range(len(sizes))]
        return [size > level for size, level in zip(sizes, self._thresholds, strict=True)]

    def _raised(self, sizes: list[Array], seen: list[Array]) -> list[Array]:
        """Coefficients at least as large as a smaller top had them."""
        raised = []
        for j, (size, sure) in enumerate(zip(sizes, seen, strict=True)):
            if j < len(self._peaks):
                largest = np.maximum(size, self._peaks[j])
                raised.append(largest)
                self._peaks[j] = largest if everywhere(sure) else np.where(sure, largest, self._peaks[j])
            else:
                raised.append(size)
                self._peaks.append(size if everywhere(sure) else np.where(sure, size, 0.0))
        return raised

    def _remainders(self, raised: list[Array]) -> list[Array]:
        """The next scaled coefficient beyond T_k, for every k; see ``tableau.remainders``."""
        count, top = len(raised), self.nodes[-1]
        t = 4.0 ** (count - 1)
        per_step = 1.0 / top.h
        envelope = _Envelope(raised[0][0])
        beta = []
        for k in range(count):
            place = 2 * (k + 1)
            level = self._thresholds[k]
            known = raised[k][1] > level[1]
            size = raised[k][1] * t ** (k + 1)
            size *= per_step
            if k + 1 == count:
                envelope.add(known, size, place - 1)
                beta.append(envelope.at(place))
                break
            before = envelope.at(place)
            before *= 0.25
            odd, level = raised[k + 1][0], self._thresholds[k + 1][0]
            sure = odd > level
            odd = odd * t ** (k + 1)
            if everywhere(known) and everywhere(sure):
                envelope.add(known, np.maximum(size, odd), place - 1)
                beta.append(np.maximum(odd, before, out=before))
                continue
            size = np.where(known, size, 0.0)
            np.maximum(size, odd, out=size, where=sure)
            envelope.add(known | sure, size, place - 1)
            unsure = level * (2 / SURE * t ** (k + 1))
            unsure += odd
            np.minimum(unsure, envelope.at(place), out=unsure)
            np.maximum(odd, before, out=unsure, where=sure)
            beta.append(unsure)
        return beta

    # -- the choice and its judgement --------------------------------------------------------------

    def _best(self, beta: list[Array]) -> _Best:
        """The least sum of noise and truncation."""
        count, c = len(beta), self._coefficients
        shape, t = doubled(count), 4.0 ** (count - 1)
        values, spreads, truncations = [c[0][0]], [], []
        best: Array = 0
        for k in range(count):
            spreads.append(self.nodes[count - 1 - k].own * shape.value[k])
            beta[k] *= shape.theta[k]
            truncations.append(beta[k])
            bound = spreads[k] * Z
            bound += truncations[k]
            if not k:
                least = bound
                continue
            step = c[k][0] * (t**k * shape.theta[k - 1])
            values.append(values[-1] - step if k % 2 else values[-1] + step)
            better = bound < least
            if everywhere(better):
                best, least = k, bound
            elif somewhere(better):
                best = np.where(better, k, best)
                np.minimum(least, bound, out=least)
        self._choices = list(zip(spreads, truncations, strict=True))
        if np.ndim(best) == 0:
            return _Best(best, values[best], spreads[best], truncations[best].copy())
        return _Best(best, *(_chosen(best, rows) for rows in (values, spreads, truncations)))

    def _promise(self, factor: Array) -> Array:
        """The bound that the next node promises; see ``tableau.Choice.promise``."""
        least = factor * self._choices[-1][0]
        for k, (spread, truncation) in enumerate(self._choices):
            bound = factor * spread
            bound *= 0.5
            bound += truncation * 4.0 ** (k + 1)
            np.minimum(least, bound, out=least)
        return least

    def _residuals(self, best: _Best, below: list[tuple[Row, Array | None]]) -> tuple[Array, Array, Array]:
        """Sum of the squared deviations of smaller nodes, their number, and where one is a contradiction."""
        count = len(self.nodes)
        used = [self._coefficients[0][0]]
        for j in range(1, count):
            column = self._coefficients[j][0]
            uses = best.k >= j
            used.append(column if np.all(uses) else np.where(uses, column, 0.0))
        own = best.truncation / 3
        own *= own
        own += best.spread * best.spread
        square, number = np.zeros(len(own)), np.zeros(len(own), np.int8)
        contradicted = np.zeros(len(own), bool)
        for i in range(count - 1):  # top first, as in the sums of the tableau
            unused = best.k < i + 1
            if not np.any(unused):
                continue
            row = self.nodes[count - 2 - i]
            _count(
                self._deviation(row, 4.0 ** (count - 2 - i), used, own),
                None if np.all(unused) else unused,
                square,
                number,
                contradicted,
            )
        for row, here in below:
            ratio = row.h / self.nodes[0].h
            ratio *= ratio
            _count(self._deviation(row, ratio, used, own), here, square, number, contradicted)
        return square, number, contradicted

    def _deviation(self, row: Row, t: Array, used: list[Array], own: Array) -> Array:
        """Square of the deviation of a node from the fit, in variances."""
        value, product = used[0], 1.0
        for j in range(1, len(used)):
            product = product * (t - 4.0 ** (len(used) - j))
            value = value + used[j] * product
        deviation = row.d - value
        deviation *= deviation
        variance = row.own * row.own
        variance += own
        deviation /= variance
        return deviation

    def _lost(
        self, sizes: list[Array], seen: list[Array], square: Array, number: Array
    ) -> tuple[Array, Array]:
        """Coefficients that are lost in noise show how large that is."""
        for part, first in ((0, 2), (1, 1)):
            for j in range(first, len(sizes)):
                lost = ~seen[j][part]
                if not somewhere(lost):
                    continue
                ratio = sizes[j][part] * SURE
                ratio /= self._thresholds[j][part]
                ratio *= ratio
                _count(ratio, None if everywhere(lost) else lost, square, number, None)
        return square, number

    def _factor(self, u: float, square: Array, number: Array) -> Array:
        """Noise found over noise modelled; less than modelled is believed only of the argument's rounding."""
        lowest = self.nodes[0]
        count = np.maximum(number, 1).astype(float)
        found = square / count
        np.sqrt(found, out=found)
        found *= 1 + 1.5 / count
        floor = lowest.size * u
        floor /= lowest.total
        if number.min() < 4:
            floor[number < 4] = 1.0
            found[number == 0] = 1.0
        return np.maximum(found, floor, out=found)


def _count(
    deviation: Array, here: Array | None, square: Array, number: Array, contradicted: Array | None
) -> None:
    """Add the squares of deviations where they count."""
    if here is not None:
        deviation = np.where(here, deviation, 0.0)
        number += here
    else:
        number += 1
    square += deviation
    if contradicted is not None:
        contradicted |= deviation > CONFLICT * CONFLICT


def _chosen(k: Array, rows: list[Array]) -> Array:
    found = rows[0].copy()
    for j in range(1, len(rows)):
        np.copyto(found, rows[j], where=k == j)
    return found


class _Envelope:
    """``Envelope`` of the module ``tableau`` for arrays: masks only where points differ."""

    def __init__(self, first: Array) -> None:
        self.last = first
        self.place: Array = 0
        self.decays: list[Array] = []
        self._slowest: Array = LEAST_DECAY

    def add(self, known: Array, size: Array, place: int) -> None:
        """One more coefficient, where it is known."""
        complete = everywhere(known)
        if not complete and not somewhere(known):
            return
        positive = self.last > 0
        ratio = size / self.last
        if not everywhere(positive):
            ratio[~positive] = 0.0
        decay = ARRAYS.root(ratio, place - self.place)
        newer = [*self.decays[2 - REMEMBERED :], decay]  # two decays of three coefficients
        if complete:
            self.decays, self.last, self.place = newer, size, place
        else:
            older = [0.0] * (len(newer) - len(self.decays)) + self.decays
            self.decays = [np.where(known, a, b) for a, b in zip(newer, older, strict=True)]
            self.last = np.where(known, size, self.last)
            self.place = np.where(known, place, self.place)
        self._slowest = np.maximum(self.decays[0], LEAST_DECAY)
        for one in self.decays[1:]:
            np.maximum(self._slowest, one, out=self._slowest)

    def at(self, place: int) -> Array:
        """The coefficient at a place beyond all known ones."""
        found = ARRAYS.raised(self._slowest, place - self.place) * self.last
        found *= MARGIN
        return found
