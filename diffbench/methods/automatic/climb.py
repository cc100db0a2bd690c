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
from typing import Any

from diffbench.methods.automatic.pairs import Asking, Noise, Pair, Probe

GUARD, SECOND = 0.64, 0.42  # the first step is 2^(-0.64 bits) of x, the second 2^(0.42 bits) of that
LAW = {2: (0.6, 1.7), 1: (0.8, 1.3)}  # how well a difference must follow h^2 (h for one side)
QUICK = 0.02  # a difference this small relative to D may be truncation by the h^2 law
REACH = 0.3  # share of the shortest length not yet excluded to which to jump
JUMP = 2.0**14
FIRST, LAST = 0.016, 0.5  # growth runs from FIRST L in clean float64, from about LAST L in much noise


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
    sudden : bool
        The plateau ends in a jump, which might be the first of many steps.
    """

    base: Pair
    length: float | None = None
    plateau: Pair | None = None
    sudden: bool = False


class Climb:
    """One climb on one side (or both) of x."""

    def __init__(self, probe: Probe, noise: Noise, believe_noise: bool = True) -> None:
        self.probe, self.noise, self.believe_noise = probe, noise, believe_noise
        self.quantum = 0.0
        self.first_order = False
        self.notes: list[str] = []

    def run(self) -> Asking:
        """The landscape, or None if there is no pair of values."""
        low = yield from self._guard()
        if low is None:
            return None
        high = yield from self._upwards(low, low.h * 2.0 ** round(SECOND * self.probe.bits))
        unresolved = flats = 0
        while high is not None:
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
            if done and noise.added and noise.interval(high) >= 0.7 * noise.interval(low):
                pass
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
        while True:
            if h >= probe.limit:
                h = math.sqrt(low.h * probe.limit)
            if h < 1.5 * low.h:
                return None
            pair = yield from probe.pair(h)
            if pair is not None:
                return pair
            h = math.sqrt(low.h * min(h, probe.limit))

    def _next_factor(self, low: Pair, high: Pair, width: float, unresolved: int, flats: int) -> float:
        """How far to jump so that a bend that was invisible until now stays below the h^2 law's reach."""
        if high.flat:
            middle = 2.0**-24 * self.probe.scale < high.h < 2.0**22 * self.probe.scale
            return 2.0**6.3 if middle else 2.0 ** (6.3 + 2 * flats)
        if abs(high.d) < 3 * width:
            factor = 2.0**5 if self.noise.added else 2.0 ** min(6 * unresolved, 18)
        else:
            visible = abs(high.d) / width if width > 0 else math.inf
            reach = REACH * (math.sqrt(visible) if high.order == 2 else visible)
            return min(max(reach, 4.0), JUMP)
        value = self.noise.value(high)
        if abs(high.e) > 20 * value:
            factor = min(factor, max(4.0, 0.6 * math.sqrt(abs(high.e) / (5 * value))))
        return factor

    # -- a bend --------------------------------------------------------------------------------------

    def _bend(self, low: Pair, high: Pair, width: float) -> Asking:
        """A landscape if the function bends at `high`; the pair to go on from if that was noise."""
        for _ in range(12):
            difference = abs(high.d - low.d)
            tau = difference / max(abs(low.d), 0.5 * abs(high.d))
            if tau < QUICK and difference > 2 * width:
                length = yield from self._by_power_law(low, high, difference, tau)
                if length is not None:
                    return Landscape(low, length)
            if high.h < 2.5 * low.h:
                confirmed = yield from self._is_noise(low, high, high)
                return high if confirmed else Landscape(low, high.h)
            between = high.h / 4 if tau <= 0.1 and high.h > 8 * low.h else math.sqrt(low.h * high.h)
            middle = yield from self.probe.pair(between)
            if middle is None:
                return Landscape(low, low.h * 4)
            width = self.noise.interval(low) + self.noise.interval(middle)
            step = abs(middle.d - low.d)
            if step <= width:  # the bend is above the middle
                if high.h <= 8 * middle.h:
                    return Landscape(middle, self._length(high, difference, tau))
                low = middle
                width = self.noise.interval(low) + self.noise.interval(high)
            elif abs(high.d - middle.d) > step:  # it is visible at the middle already
                high = middle
            else:
                confirmed = yield from self._is_noise(low, middle, high)
                if confirmed:
                    return self._largest_agreeing(high)
                high = middle
        return Landscape(low, high.h)

    def _by_power_law(self, low: Pair, high: Pair, difference: float, tau: float) -> Asking:
        """The length, if a larger node confirms that the difference grows like h^2."""
        length = self._length(high, difference, tau)
        step = first_step(length, low, self.noise, abs(low.d))
        if high.h > 0.7 * step:  # a growth node for which `high` is another, far enough to tell the law
            step = min(aligned(step, high.h), 0.5 * high.h)
        elif high.h > 0.4 * step:
            step = 2.0 * high.h
        pair = yield from self.probe.pair(step)
        if pair is None:
            return length if self.probe.limit < length else None
        found = abs(pair.d - low.d)
        ratio = pair.h / high.h
        least, most = LAW[high.order]
        growth = found / difference / ratio**high.order
        if high.order == 2 and 0.8 < found / difference / ratio < 1.25:
            self.first_order = True  # D grows like h: f'' jumps at x
        elif not least < growth < most:
            return None
        larger, departure = (pair, found) if pair.h > high.h else (high, difference)
        return self._length(larger, departure, departure / max(abs(low.d), 0.5 * abs(larger.d)))

    def _length(self, pair: Pair, difference: float, tau: float) -> float:
        """Where a truncation error tau at h would be of the size of f'."""
        if tau <= 0:
            return pair.h
        return pair.h / math.sqrt(6 * tau) if pair.order == 2 else pair.h / (2 * tau)

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
            middle = yield from self.probe.pair(math.sqrt(low.h * high.h))
            if middle is None:
                break
            if self._bends_evenly(low, middle):
                high = middle
            else:
                low = middle
        ratio = high.h / low.h
        if abs(high.e) < abs(low.e) * ratio**0.7:
            if self.believe_noise:
                self.noise.add(max(self.noise.added, 0.8 * abs(low.e)), low)
            return None
        tau = abs(high.e - ratio**2 * low.e) / max(abs(high.e), abs(low.e) * ratio**2, 1e-300)
        return float(high.h / math.sqrt(12 * max(tau, 1e-3)))

    # -- noise ---------------------------------------------------------------------------------------

    def _is_noise(self, low: Pair, middle: Pair, high: Pair) -> Asking:
        """Whether `low` departs from the others because values are irreproducible; the noise is then added."""
        if not self.believe_noise:
            return False
        noise, probe = self.noise, self.probe
        suspected = abs(middle.d - low.d) * low.w
        for smaller in probe.sound:  # a smaller node that agrees with this one, although it need not
            if smaller.h < low.h and abs(smaller.d - low.d) <= noise.interval(smaller) + noise.interval(low):
                if suspected / smaller.w > 5 * noise.interval(smaller):
                    return False
        smallest = [p.df for p in probe.sound[:3]]
        if suspected > 12 * max(smallest):
            return False
        if self.quantum and suspected > 10 * self.quantum:
            return False
        step = abs(middle.d - low.d)
        for factor, share in ((1.75, 0.02), (1 / 2.6, 0.1)):
            again = yield from probe.pair(low.h * factor)
            if again is None:
                return False
            difference = abs(again.d - low.d)
            stairs = again.df == low.df
            if not stairs and difference <= max(share * step, noise.interval(again) + noise.interval(low)):
                return False
        noise.add(max(noise.added, 0.6 * suspected), low)
        self.notes.append("noise beyond rounding")
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
        for _ in range(8):
            if high.h < 1.05 * flat.h:
                break
            middle = yield from probe.pair(math.sqrt(flat.h * high.h))
            if middle is None or middle is high or middle is flat:
                break
            if middle.flat:
                flat = middle
            else:
                high = middle
        steps = [p for p in probe.sound if p.h >= high.h]
        for _ in range(3):  # one step, or the first of many?
            if steps[-1].df > 1.5 * high.df:
                break
            beyond = yield from probe.pair(8 * steps[-1].h)
            if beyond is None:
                break
            steps.append(beyond)
        growth, distance = steps[-1].df / high.df, steps[-1].h / high.h
        level = any(abs(p.df - high.df) <= 1e-3 * high.df for p in steps[1:] if p.h < 1.5 * high.h)
        if growth > 1.5 and (level or growth <= 3 * distance):
            self.quantum = high.df
            self.noise.add(max(self.noise.added, 0.4 * high.df), high)
            self.notes.append("quantised values")
            return None
        return Landscape(flat, flat.h, flat, sudden=growth <= 20 or level)


def first_step(length: float, base: Pair, noise: Noise, slope: float) -> float:
    """Where growth begins: so far below L that the truncation of the last nodes meets the noise of the first."""
    steepest = max(slope, base.df / base.h, 1e-300)
    relative = noise.value(base) / (length * steepest)
    relative = min(max(relative, 0.1 * noise.u), 1e-2)
    exponent = min(1.0, math.log(relative) / math.log(1e-16))
    return LAST * length * (FIRST / LAST) ** exponent


def aligned(step: float, known: float) -> float:
    """About the step: a known one times a power of two, so that doubling leads from one to the other."""
    return known * 2.0 ** round(math.log2(step / known))
