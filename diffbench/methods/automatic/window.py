"""The fits of :mod:`diffbench.methods.automatic.tableau` for many points whose steps double alike.

Steps that are powers of two of the lowest make all weights constants, and scaling by them exact: coefficients
are compared unscaled, with thresholds that carry the constants. Differences (the tableau and the values) are
taken in the order of the tableau, bit for bit; sums of squares and products of noise may be associated
otherwise, which changes a bound by some units of its last place.

Whether a coefficient is seen at all points, at none, or at some decides how much there is to do for it: only
where points differ are there masks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from diffbench.methods.automatic.operations import ARRAYS, chosen, everywhere, kept, somewhere
from diffbench.methods.automatic.rows import Record, Row
from diffbench.methods.automatic.rules import GAIN
from diffbench.methods.automatic.tableau import (
    BARELY,
    CONFLICT,
    FEW,
    LEAST_DECAY,
    MARGIN,
    REMEMBERED,
    SURE,
    UNKNOWN_DECAY,
    Pattern,
    Z,
    pattern,
)

Array = Any


@lru_cache(maxsize=64)
def doubled(count: int) -> Pattern:
    """The constants of so many doubled steps."""
    return pattern(tuple(0.5**i for i in range(count)), 2)


class Fits(Record):
    """Fits of many points; the attributes are those of :class:`diffbench.methods.automatic.tableau.Fit`."""

    __slots__ = ("bound", "h", "noise", "promise", "slope", "truncation", "value")
    bound: Array
    h: Array
    noise: Array
    promise: Array
    slope: Array
    truncation: Array
    value: Array

    def replaced(self, where: Array, other: Fits) -> Fits:
        """Another fit at some of the points."""
        return self.replace(**{n: chosen(where, getattr(other, n), getattr(self, n)) for n in self.__slots__})


class _Best:
    """The choice of nodes with the least noise plus truncation, and what there was to choose from."""

    def __init__(self, values: list[Array], spreads: list[Array], truncations: list[Array]) -> None:
        self.spreads, self.truncations = spreads, truncations
        self.k: Array = 0  # a number where it is the same at all points
        self.value, self.spread, self.truncation = values[0], spreads[0], truncations[0]
        least = spreads[0] * Z
        least += truncations[0]
        for k in range(1, len(values)):
            bound = spreads[k] * Z
            bound += truncations[k]
            better = bound < least
            self.k = k if everywhere(better) else np.where(better, k, self.k) if somewhere(better) else self.k
            self.value = chosen(better, values[k], self.value)
            self.spread = chosen(better, spreads[k], self.spread)
            self.truncation = chosen(better, truncations[k], self.truncation)
            np.minimum(least, bound, out=least)
        if self.value is values[0]:  # part of the tableau, which goes on
            self.value = self.value.copy()

    def promise(self, factor: Array, enough: Array) -> Array:
        """The bound that the next node promises; see ``tableau.Choice.promise``.

        What is below ``enough`` need not be known better.
        """
        least = factor * self.spreads[-1]
        half = 0.5 * factor
        for k in range(len(self.spreads) - 1, -1, -1):
            if everywhere(least <= enough):
                break
            bound = half * self.spreads[k]
            bound += self.truncations[k] * 4.0 ** (k + 1)
            np.minimum(least, bound, out=least)
        return least


class Window(Record):
    """Divided differences of D and E / t over doubled steps, one row for every top."""

    __slots__ = ("coefficients", "peaks")

    def __init__(self) -> None:
        self.coefficients: list[Array] = []  # (2, points): odd and even
        self.peaks: list[Array] = []

    @classmethod
    def of(cls, rows: list[Row]) -> Window:
        """A window of these rows."""
        window = cls()
        for row in rows:
            window.add(row)
        return window

    def add(self, row: Row) -> None:
        """The pairs at twice the highest step."""
        count = len(self.coefficients)
        t = 4.0**count
        first = np.empty((2, len(row.d)))
        first[0] = row.d
        np.multiply(row.e, 1.0 / t, out=first[1])
        fresh = [first]
        for j, previous in enumerate(self.coefficients):
            difference = np.subtract(fresh[j], previous, out=previous)
            difference *= 1.0 / (t - 4.0 ** (count - 1 - j))
            fresh.append(difference)
        self.coefficients = fresh

    def fit(self, nodes: list[Row], u: float, below: list[tuple[Row, Array | None]]) -> tuple[Fits, Array]:
        """The best choices of nodes, and where a smaller node contradicts them.

        ``nodes`` has the rows of the window, lowest first, ``below`` those of smaller steps, each with where
        it counts (None: everywhere).
        """
        return _Judgement(self, nodes).fit(u, below)

    @classmethod
    def judged(cls, nodes: list[Row], u: float, below: list[tuple[Row, Array | None]]) -> tuple[Fits, Array]:
        """... of these rows, each of which was a top."""
        window = cls()
        for count, row in enumerate(nodes, 1):
            window.add(row)
            judgement = _Judgement(window, nodes[:count])
            if count < len(nodes):
                judgement.raised()
        return judgement.fit(u, below)


class _Judgement:
    """One fit: thresholds, envelope, choice, residuals, bound."""

    def __init__(self, window: Window, nodes: list[Row]) -> None:
        self.nodes, self.count = nodes, len(nodes)
        self.coefficients, self.peaks = window.coefficients, window.peaks
        self.shape = doubled(self.count)
        self.t = 4.0 ** (self.count - 1)
        self.sizes = [np.abs(c) for c in self.coefficients]
        self.thresholds = [self._threshold(j) for j in range(self.count)]
        self.seen = [size > level for size, level in zip(self.sizes, self.thresholds, strict=True)]

    def fit(self, u: float, below: list[tuple[Row, Array | None]]) -> tuple[Fits, Array]:
        """See ``Window.fit``."""
        top = self.nodes[-1]
        best = self._best(self._remainders(self.raised()))
        square, number, contradicted = self._residuals(best, below)
        square, number = self._lost(square, number)
        factor = self._factor(u, square, number)
        factor *= Z
        rounding = np.abs(best.value)
        rounding *= 2 * u
        noise = factor * best.spread
        bound = noise + best.truncation
        bound += rounding
        promise = best.promise(factor, bound * (1 / GAIN) - rounding)
        promise += rounding
        fits = object.__new__(Fits)
        fits.value, fits.bound, fits.noise, fits.truncation = best.value, bound, noise, best.truncation
        fits.h, fits.slope, fits.promise = top.h, top.slope, promise
        return fits, contradicted

    # -- coefficients ------------------------------------------------------------------------------

    def _threshold(self, j: int) -> Array:
        """SURE times the noise of the coefficients of order j of the current top, (2, points)."""
        node, found = self.nodes[self.count - 1 - j], np.empty_like(self.sizes[j])
        np.multiply(node.own, SURE * self.shape.odd[j] / self.t**j, out=found[0])
        np.multiply(node.total, SURE * self.shape.even[j] / self.t ** (j + 1), out=found[1])
        return found

    def raised(self) -> list[Array]:
        """Coefficients at least as large as a smaller top had them."""
        raised, peaks = [], self.peaks
        for j, (size, sure) in enumerate(zip(self.sizes, self.seen, strict=True)):
            complete = everywhere(sure)
            if j < len(peaks):
                largest = np.maximum(size, peaks[j])
                raised.append(largest)
                peaks[j] = largest if complete else chosen(sure, largest, peaks[j])
            else:
                raised.append(size)
                peaks.append(size if complete else kept(sure, size))
        return raised

    def _remainders(self, raised: list[Array]) -> list[Array]:
        """The next scaled coefficient beyond T_k, for every k; see ``tableau.remainders``."""
        per_step = 1.0 / self.nodes[-1].h
        envelope = _Envelope(raised[0][0])
        beta = []
        for k in range(self.count):
            place, scale = 2 * (k + 1), self.t ** (k + 1)
            known = raised[k][1] > self.thresholds[k][1]
            size = raised[k][1] * scale
            size *= per_step
            if k + 1 == self.count:
                envelope.add(known, size, place - 1)
                beta.append(envelope.at(place))
                break
            before = envelope.at(place, 0.25)
            level = self.thresholds[k + 1][0]
            sure = raised[k + 1][0] > level
            odd = raised[k + 1][0] * scale
            if everywhere(sure):
                if not everywhere(known):
                    size = kept(known, size)
                envelope.add(sure, np.maximum(size, odd, out=size), place - 1)
                beta.append(np.maximum(odd, before, out=before))
                continue
            if not everywhere(known):
                size = kept(known, size)
            np.maximum(size, kept(sure, odd), out=size)
            envelope.add(known | sure, size, place - 1)
            unsure = level * (2 / SURE * scale)
            unsure += odd
            np.minimum(unsure, envelope.at(place), out=unsure)
            beta.append(chosen(sure, np.maximum(odd, before, out=before), unsure))
        return beta

    # -- the choice and its judgement --------------------------------------------------------------

    def _best(self, beta: list[Array]) -> _Best:
        """The least sum of noise and truncation."""
        value = self.coefficients[0][0]
        values, spreads = [value], []
        for k in range(self.count):
            spreads.append(self.nodes[self.count - 1 - k].own * self.shape.value[k])
            beta[k] *= self.shape.theta[k]
            if k:
                step = self.coefficients[k][0] * (self.t**k * self.shape.theta[k - 1])
                value = np.subtract(value, step, out=step) if k % 2 else np.add(value, step, out=step)
                values.append(value)
        return _Best(values, spreads, beta)

    def _residuals(self, best: _Best, below: list[tuple[Row, Array | None]]) -> tuple[Array, Array, Array]:
        """Sum of the squared deviations of smaller nodes, their number, and where one is a contradiction."""
        count, k = self.count, best.k
        alike = np.ndim(k) == 0
        used = [self.coefficients[j][0] for j in range(k + 1 if alike else count)]
        if not alike:
            used[1:] = [kept(k >= j, column) for j, column in enumerate(used[1:], 1)]
        own = best.truncation * (1 / 3)
        own *= own
        own += best.spread * best.spread
        tally = _Tally(len(own))
        for i in range(k if alike else 0, count - 1):
            unused = None if alike else k < i + 1
            if alike or somewhere(unused):
                row = self.nodes[count - 2 - i]
                tally.count(self._deviation(row, 4.0 ** (count - 2 - i), used, own), unused)
        for row, here in below:
            ratio = row.h / self.nodes[0].h
            barely = ratio <= BARELY
            if everywhere(barely):
                deviation = self._against(best.value, row, own)
            else:
                t = ratio * ratio
                deviation = self._deviation(row, t, used, own)
                if somewhere(barely):
                    deviation = chosen(barely, self._against(best.value, row, own), deviation)
            tally.count(deviation, here)
        return tally.square, tally.number, tally.contradicted

    def _deviation(self, row: Row, t: Array, used: list[Array], own: Array) -> Array:
        """Square of the deviation of a node from the fit, in variances."""
        value = used[-1]
        for j in range(len(used) - 2, -1, -1):
            factor = t - 4.0 ** (self.count - 1 - j)
            value = np.multiply(value, factor, out=factor if np.ndim(t) else None)
            value += used[j]
        return self._against(value, row, own)

    @staticmethod
    def _against(value: Array, row: Row, own: Array) -> Array:
        deviation = row.d - value
        deviation *= deviation
        variance = row.own * row.own
        variance += own
        deviation /= variance
        return deviation

    def _lost(self, square: Array, number: Array) -> tuple[Array, Array]:
        """Coefficients that are lost in noise show how large that is."""
        for part, first in ((0, 2), (1, 1)):
            for j in range(first, self.count):
                if everywhere(self.seen[j][part]):
                    continue
                lost = ~self.seen[j][part]
                ratio = self.sizes[j][part] / self.thresholds[j][part]
                ratio *= ratio
                ratio *= SURE * SURE
                if not everywhere(lost):
                    ratio = kept(lost, ratio)
                number += lost
                square += ratio
        return square, number

    def _factor(self, u: float, square: Array, number: Array) -> Array:
        """Noise found over noise modelled; less than modelled is believed only of the argument's rounding."""
        lowest = self.nodes[0]
        least, most = int(number.min()), int(number.max())
        count: Array = max(least, 1) if least == most else np.maximum(number, 1).astype(float)
        found = square / count
        np.sqrt(found, out=found)
        found *= 1 + FEW / count
        if not least:
            found[number == 0] = 1.0
        if most < 4:
            return np.maximum(found, 1.0, out=found)
        floor = lowest.size * u
        floor /= lowest.total
        if least < 4:
            floor[number < 4] = 1.0
        return np.maximum(found, floor, out=found)


class _Tally:
    """Squares of deviations, how many there are, and which are contradictions."""

    def __init__(self, points: int) -> None:
        self.square, self.number = np.zeros(points), np.zeros(points, np.int8)
        self.contradicted = np.zeros(points, bool)

    def count(self, deviation: Array, here: Array | None) -> None:
        """Add the squares of deviations where they count."""
        if here is not None:
            deviation = kept(here, deviation)
            self.number += here
        else:
            self.number += 1
        self.square += deviation
        if deviation.max() > CONFLICT * CONFLICT:
            self.contradicted |= deviation > CONFLICT * CONFLICT


class _Envelope:
    """``Envelope`` of the module ``tableau`` for arrays: masks only where points differ."""

    def __init__(self, first: Array) -> None:
        self.last = first
        self.place: Array = 0
        self.decays: list[Array] = []
        self._slowest: Array = UNKNOWN_DECAY

    def add(self, known: Array, size: Array, place: int) -> None:
        """One more coefficient, where it is known."""
        complete = everywhere(known)
        if not complete and not somewhere(known):
            return
        ratio = size / self.last
        if not self.decays and self.last.min() <= 0:
            ratio[self.last <= 0] = 0.0
        decay = ARRAYS.root(ratio, place - self.place)
        newer = [*self.decays[2 - REMEMBERED :], decay]  # two decays of three coefficients
        if complete:
            self.decays, self.last, self.place = newer, size, place
        else:
            older = [np.zeros(len(size))] * (len(newer) - len(self.decays)) + self.decays
            self.decays = [chosen(known, a, b) for a, b in zip(newer, older, strict=True)]
            self.last = chosen(known, size, self.last)
            self.place = np.where(known, place, self.place)
        least = (
            LEAST_DECAY
            if self.decays[-1].min() > 0
            else np.where(self.decays[-1] > 0, LEAST_DECAY, UNKNOWN_DECAY)
        )
        self._slowest = np.maximum(self.decays[0], least)
        for one in self.decays[1:]:
            np.maximum(self._slowest, one, out=self._slowest)

    def at(self, place: int, share: float = 1.0) -> Array:
        """The coefficient at a place beyond all known ones, or a share of it."""
        found = ARRAYS.raised(self._slowest, place - self.place) * self.last
        found *= MARGIN * share
        return found
