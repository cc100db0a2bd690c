"""The climb: from steps so small that only noise can be wrong, up to where the function bends.

Every pair stands for an interval D +- noise. A larger step is accepted while its interval meets the one
before (Lepski's principle). Where it does not, one of three things happened, and a node between tells which:

* the function bends: the difference obeys the h^2 law, the smaller node agrees with what is in between;
* noise beyond rounding: values are not reproducible at nodes close to the smaller one, at any small scale;
* a plateau: values that are exactly equal over a wide range, then are not.

The result is a length L over which f' changes by its own size, and the noise of one value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffbench.methods.automatic.operations import FLOATS
from diffbench.methods.automatic.pairs import (
    CAP,
    FEW_BITS,
    LARGEST,
    Asking,
    Noise,
    Pair,
    Probe,
    grain,
    short_unit,
)
from diffbench.methods.automatic.rules import (
    GUARD,
    QUICK,
    SECOND,
    bend,
    confirming_step,
    first_step,
    jump,
    length_at,
    power_law,
)

TRIES = 2  # a sawtooth is looked for so many times in a climb
EDGE = 1.5  # how well the end of a plateau is located: the second step of a staircase is at three times that
LATE = 16  # evaluations after which it is not: the growth needs what is left
BOLD = 0.5  # over 1 / sqrt(u) steps a curvature that is lost in rounding changes f by its own size
GOLDEN = 1.6180339887498949  # steps that no staircase takes in whole numbers of its own


@dataclass
class Landscape:
    """What the climb found.

    Attributes
    ----------
    base : Pair
        The largest pair that agrees with all smaller ones.
    length : float or None
        Where f' changes by its own size; None if that was not seen.
    plateau : Pair or None
        The largest pair of equal values, if the function is flat there.
    beyond : Pair or None
        The first pair above it, if the plateau ends in a jump, which might be the first of many steps.
    """

    base: Pair
    length: float | None = None
    plateau: Pair | None = None
    beyond: Pair | None = None

    @property
    def sudden(self) -> bool:
        return self.beyond is not None


class Climb:
    """One climb on one side (or both) of x."""

    def __init__(
        self, probe: Probe, noise: Noise, believe_noise: bool = True, believe_short: bool = True
    ) -> None:
        self.probe, self.noise, self.believe_noise = probe, noise, believe_noise
        self.believe_short, self.short = believe_short, False
        self.quantum = 0.0
        self.tries = 0  # of looking for a sawtooth
        self.first_order = False
        self.notes: list[str] = []

    def run(self) -> Asking:
        """The landscape, or None if there is no pair of values."""
        low = yield from self._guard()
        if low is None:
            return None
        high = yield from self._upwards(low, low.h * 2.0 ** round(SECOND * self.probe.bits))
        short = short_unit(self.probe) if self.believe_short else 0.0
        if short > self.noise.u:
            self.noise.coarsen(short)
            self.short = True
        else:
            self.noise.grain = grain(self.probe)
        unresolved = flats = 0
        for _ in range(CAP):  # every round asks for a value, or knows one more pair
            if high is None:
                break
            noise = self.noise
            if low.flat and not high.flat and abs(high.d) * low.h > 6 * noise.u * high.size:
                landscape = yield from self._edge(low, high)
                if landscape is not None:
                    return landscape
                low = self._largest_agreeing(high)
                high = yield from self._upwards(low, 4 * low.h)
                continue
            width = noise.interval(low) + noise.interval(high)
            difference = abs(high.d - low.d)
            if difference > width and not low.flat:
                outcome = yield from self._bend(low, high, width)
                if isinstance(outcome, Landscape):
                    return outcome
                low = outcome
                high = yield from self._upwards(low, 4 * low.h)
                continue
            if high.order == 2 and not low.flat and abs(high.d) < 3 * width and self._bends_evenly(low, high):
                length = yield from self._even_length(low, high)
                if length is not None:
                    return Landscape(low, length)
            done = not high.flat and (
                noise.interval(high) >= 0.7 * noise.interval(low)
                or noise.interval(high) <= 4 * noise.u * abs(high.d)
            )
            flats += high.flat
            unresolved = 0 if abs(high.d) >= 3 * width else unresolved + 1
            factor = self._next_factor(low, high, width, unresolved, flats)
            low = high
            if (done and not noise.added) or factor * high.h > 2.0**30 * max(1.0, self.probe.scale):
                break
            high = yield from self._upwards(low, factor * low.h)
        return Landscape(low, None, low if low.flat else None)

    # -- one step ------------------------------------------------------------------------------------

    def _guard(self) -> Asking:
        """The first pair: as small as still resolves a slope of |f / x|."""
        probe = self.probe
        share = GUARD if probe.x else 40 / 53
        h = probe.scale * 2.0 ** -round(share * probe.bits)
        for _ in range(5):
            pair = yield from probe.pair(h)
            if pair is not None:
                return pair
            h *= 2.0 ** -max(1, round(0.08 * probe.bits))
        return None

    def _upwards(self, low: Pair, h: float) -> Asking:
        """The pair at h, or below where h is out of bounds; None when there is no room above `low`."""
        probe = self.probe
        h = min(h, 0.5 * LARGEST)
        for _ in range(CAP):
            if h >= probe.limit:
                h = between(low.h, probe.limit)
            if h < 1.5 * low.h:
                return None
            pair = yield from probe.pair(h)
            if pair is not None:
                return pair
            h = between(low.h, min(h, probe.limit))
        return None

    def _next_factor(self, low: Pair, high: Pair, width: float, unresolved: int, flats: int) -> float:
        """How far to jump so that a bend that was invisible until now stays below the h^2 law's reach."""
        farthest = BOLD / math.sqrt(self.noise.u)
        if high.flat:
            middle = 2.0**-24 * self.probe.scale < high.h < 2.0**22 * self.probe.scale
            return min(2.0**6.3 if middle else 2.0 ** (6.3 + 2 * flats), farthest)
        if abs(high.d) < 3 * width:
            factor = min(2.0**5 if self.noise.added else 2.0 ** min(6 * unresolved, 18), farthest)
        else:
            return float(jump(FLOATS, high, max(width, 1e-300)))
        value = self.noise.value(high)
        if abs(high.e) > 20 * value:
            factor = min(factor, max(4.0, 0.6 * math.sqrt(abs(high.e) / (5 * value))))
        return factor

    # -- a bend --------------------------------------------------------------------------------------

    def _bend(self, low: Pair, high: Pair, width: float) -> Asking:
        """A landscape if the function bends at `high`; the pair to go on from if that was noise."""
        tried = False
        for _ in range(12):
            difference, tau = bend(FLOATS, low, high)
            if tau < QUICK and difference > 2 * width and not tried:
                tried = True
                length = yield from self._by_power_law(low, high, tau)
                if length is not None:
                    return Landscape(low, length)
            if high.h < 2.5 * low.h:
                confirmed = yield from self._is_noise(low, high)
                return high if confirmed else Landscape(low, high.h)
            inner = high.h / 4 if tau <= 0.1 and high.h > 8 * low.h else between(low.h, high.h)
            middle = yield from self.probe.pair(inner)
            if middle is None:
                return Landscape(low, low.h * 4)
            width = self.noise.interval(low) + self.noise.interval(middle)
            step = abs(middle.d - low.d)
            if step <= width:  # the bend is above the middle
                if high.h <= 8 * middle.h:
                    return Landscape(middle, length_at(FLOATS, high, tau))
                low = middle
                width = self.noise.interval(low) + self.noise.interval(high)
            elif abs(high.d - middle.d) > step:  # it is visible at the middle already
                high = middle
            else:
                confirmed = yield from self._is_noise(low, middle)
                if confirmed:
                    return self._largest_agreeing(high)
                high = middle
        return Landscape(low, high.h)

    def _by_power_law(self, low: Pair, high: Pair, tau: float) -> Asking:
        """The length, if a growth node confirms that the difference grows like h^2."""
        length = length_at(FLOATS, high, tau)
        step = confirming_step(FLOATS, first_step(FLOATS, length, low, self.noise), high)
        pair = yield from self.probe.pair(step)
        if pair is None:
            return length if self.probe.limit < length else None
        length, lawful, linear = power_law(FLOATS, low, high, pair)
        self.first_order |= linear
        return length if lawful or linear else None

    # -- the even part -------------------------------------------------------------------------------

    def _bends_evenly(self, low: Pair, high: Pair) -> bool:
        """Whether f'' changes between two steps more than noise explains."""
        ratio = (high.h / low.h) ** 2
        allowed = 7.5 * (self.noise.total(high) + ratio * self.noise.total(low)) + 0.02 * abs(high.e)
        return abs(high.e - ratio * low.e) > allowed

    def _even_length(self, low: Pair, high: Pair) -> Asking:
        """The length over which f'' changes, or None if the even part of `low` was noise."""
        for _ in range(4):
            if high.h < 4 * low.h:
                break
            middle = yield from self.probe.pair(between(low.h, high.h))
            if middle is None:
                break
            if self._bends_evenly(low, middle):
                high = middle
            else:
                low = middle
        ratio = high.h / low.h
        if abs(high.e) < abs(low.e) * ratio**0.7:  # noise does not grow; a function levels off for good
            if not self.believe_noise or abs(high.e - low.e) < 0.3 * abs(low.e):
                return 0.5 * low.h
            self.noise.add(max(self.noise.added, 0.8 * abs(low.e)), low)
            return None
        tau = abs(high.e - ratio**2 * low.e) / max(abs(high.e), abs(low.e) * ratio**2, 1e-300)
        return float(high.h / math.sqrt(12 * max(tau, 1e-3)))

    # -- noise ---------------------------------------------------------------------------------------

    def _is_noise(self, low: Pair, middle: Pair) -> Asking:
        """Whether `low` departs from the others because of noise, which is then added."""
        if not self.believe_noise:
            return False
        if (yield from self._irreproducible(low, middle)):
            return True
        late = self.tries >= TRIES or self.probe.evaluations > LATE
        if late or self.quantum or self.noise.added or math.isfinite(self.probe.limit):
            return False
        self.tries += 1
        return (yield from self.teeth(low, middle))

    def _irreproducible(self, low: Pair, middle: Pair) -> Asking:
        """Whether values close to `low` do not give its D again."""
        noise, probe = self.noise, self.probe
        suspected = abs(middle.d - low.d) * low.w
        for smaller in probe.sound:  # a smaller node that agrees with this one, although it need not
            agrees = abs(smaller.d - low.d) <= noise.interval(smaller) + noise.interval(low)
            if smaller.h < low.h and agrees and suspected / smaller.w > 5 * noise.interval(smaller):
                return False
        smallest = [p.df for p in probe.sound[:3]]
        if suspected > 12 * max(smallest):
            return False
        if self.quantum and suspected > 10 * self.quantum:
            return False
        step = abs(middle.d - low.d)
        for factor, share in ((GOLDEN, 0.02), (GOLDEN**-2, 0.1)):
            again = yield from probe.pair(low.h * factor, exact=True)
            if again is None:
                return False
            departure = abs(again.d - middle.d)
            suspected = max(suspected, departure * again.w)
            if factor > 1 and departure < 0.5 * step and noise.u < FEW_BITS:  # it came back
                break
            difference = abs(again.d - low.d)
            stairs = again.df == low.df
            if not stairs and difference <= max(share * step, noise.interval(again) + noise.interval(low)):
                return False
        noise.add(max(noise.added, 0.6 * suspected), low)
        self.notes.append("noise beyond rounding")
        return True

    def teeth(self, low: Pair, high: Pair) -> Asking:
        """Whether values follow a sawtooth: smooth between jumps, because a term inside f moves in steps.

        D then leaves its value at once, stays at another one, does not fall back to the first like 1/h (as
        after a single jump), and the even part does not grow along (as after a kink). The height of the
        teeth becomes noise.
        """
        if low.order != 2 or self.noise.u >= FEW_BITS:
            return False
        far: list[Pair] = []
        start, height = high.h, abs(high.d - low.d) * high.w
        for factor in (64.0, 512.0):
            pair = yield from self.probe.pair(factor * start)
            if pair is None or abs(pair.e) > 3 * height or abs(pair.d - low.d) * pair.w < 6 * height:
                return False
            far.append(pair)
        for _ in range(4):
            if high.h <= 2.6 * low.h:
                break
            middle = yield from self.probe.pair(between(low.h, high.h))
            if middle is None:
                return False
            if abs(middle.d - low.d) > 0.03 * abs(high.d - low.d):
                high = middle
            else:
                low = middle
        height = abs(high.d - low.d) * high.w
        if any(abs(p.d - far[-1].d) * p.w > 3 * height for p in (high, far[0])):
            return False
        self.noise.add(max(self.noise.added, 0.6 * height), high)
        self.notes.append("a term inside f moves in steps")
        return True

    def _largest_agreeing(self, high: Pair) -> Pair:
        """Under the noise found, the largest pair up to `high` that meets all smaller intervals."""
        best = None
        seen: list[Pair] = []
        for pair in self.probe.sound:
            if pair.h > high.h:
                break
            if all(abs(pair.d - p.d) <= self.noise.interval(pair) + self.noise.interval(p) for p in seen):
                best = pair
            elif best is not None:
                break
            seen.append(pair)
        return best or self.probe.sound[0]

    # -- plateaus ------------------------------------------------------------------------------------

    def _edge(self, flat: Pair, high: Pair) -> Asking:
        """Where a plateau ends: None if it is a step of a staircase (its height becomes noise)."""
        probe = self.probe
        stairs = False  # the same jump at two steps: f is constant on both sides of it
        for _ in range(8):
            if stairs or high.h < EDGE * flat.h:
                break
            middle = yield from probe.pair(between(flat.h, high.h))
            if middle is None or middle is high or middle is flat:
                break
            if middle.flat:
                flat = middle
            else:
                stairs = middle.df == high.df
                high = middle
        if not stairs:
            near = yield from probe.pair(1.3 * high.h)
            if near is not None and near.df > 1.5 * high.df:  # f leaves the plateau continuously
                return (yield from self._plateau(flat, high, None))
        last = probe.sound[-1]
        for _ in range(3):  # one step, or the first of many?
            if last.df > 1.5 * high.df:
                return self._steps(high)
            last = (yield from probe.pair(8 * last.h)) or last
        return (yield from self._plateau(flat, high, high))

    def _plateau(self, flat: Pair, high: Pair, beyond: Pair | None) -> Asking:
        """The plateau, unless values are equal only here and there: then these are steps as well."""
        for factor in (GOLDEN**-1, GOLDEN**-3):
            inside = yield from self.probe.pair(flat.h * factor, exact=True)
            if inside is not None and not inside.flat:
                return self._steps(max(inside, high, key=_change))
        return Landscape(flat, flat.h, flat, beyond)

    def _steps(self, pair: Pair) -> None:
        """Values move in steps as high as the change at a pair: noise of that size."""
        self.quantum = pair.df
        self.noise.add(max(self.noise.added, 0.4 * pair.df), pair)
        self.notes.append("quantised values")


def _change(pair: Pair) -> float:
    return float(pair.df)


def between(low: float, high: float) -> float:
    """The geometric mean; the product itself might overflow."""
    return math.sqrt(low) * math.sqrt(high)
