"""Many points at once: the path that easy points take, with the same rules on arrays.

A point is easy when its climb sees no noise, no plateau, no edge and no kink, and its growth ends by itself:
all that the generators of :mod:`diffbench.methods.automatic.engine` decide for it is then decided here, for
many points in one NumPy expression, from the same nodes. Any other point is handed over to a generator
together with the values it already has, so that its result is the same as alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffbench.methods.automatic.crowds import Crowd, Crowds
from diffbench.methods.automatic.growing import begin, go_inwards, grow_on
from diffbench.methods.automatic.operations import ARRAYS, chosen, everywhere, somewhere
from diffbench.methods.automatic.rows import Base, Record, grained, joined, snapped, taken
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

BLOCK = 16384  # points whose arrays fit into the processor's cache together
ALONE = 6  # points up to which a part is not worth its own arrays
CLIMBS = 5  # jumps after the second pair
HALVINGS = 10  # nodes between two that bend
STAGES = ("climb", "bend", "grow", "inner")

Array = Any


class Bend(Record):
    """How much D changes between the two rows of a crowd, and what of it noise may be."""

    __slots__ = ("difference", "tau", "width")

    def __init__(self, difference: Array, tau: Array, width: Array) -> None:
        self.difference, self.tau, self.width = difference, tau, width


class Lockstep(Crowds):
    """Float64 points: the easy ones are done, the others handed over with their values."""

    def run(self, x: Array) -> None:
        """Do what is easy."""
        for start in range(0, len(x), BLOCK):
            self._begin(np.arange(start, min(start + BLOCK, len(x))), x[start : start + BLOCK])
            self._work()
        while self.waiting:  # the parts that have come least far, so that others can join them later on
            stage = min(self.waiting, key=lambda s: (STAGES.index(s[0]), len(self.waiting[s][0].pairs)))
            crowd = joined(self.waiting.pop(stage))
            if len(crowd) > ALONE:
                self.ready.append(crowd)
                self._work()
            else:
                self.hand_over(crowd)

    def _work(self) -> None:
        while self.ready:
            crowd = self.ready.pop()
            name = crowd.stage[0]
            if name == "climb":
                self._climb(crowd)
            elif name == "bend":
                self._bend(crowd, self.bend(crowd))
            elif name == "grow":
                grow_on(self, crowd)
            else:
                go_inwards(self, crowd)

    # -- the climb ----------------------------------------------------------------------------------------

    def _begin(self, index: Array, x: Array) -> None:
        """f(x), the guard and the second pair, where all is finite and nothing is flat or short."""
        magnitude = np.abs(x)
        usual = (magnitude > 1e-100) & (magnitude < 1e100)
        if not everywhere(usual):
            hard = index[~usual]
            self.give_up(hard, {int(i): {} for i in hard})
            index, x = index[usual], x[usual]
            if not len(index):
                return
        f0 = self.values(index, x)
        bits = round(-math.log2(self.u))
        crowd = Crowd(Base(x, f0, self.u), index)
        fine = f0.astype(np.float32) != f0
        fine &= np.isfinite(f0)
        crowd = self.where(crowd, fine)
        if len(crowd):
            guard = np.ldexp(1.0, np.frexp(np.abs(crowd.base.x))[1] - (1 + round(GUARD * bits)))
            crowd = self.sampled(crowd, guard)
        if len(crowd):
            crowd = self.sampled(crowd, crowd.pairs[0].h * 2.0 ** round(SECOND * bits))
        if not len(crowd):
            return
        coarse, grains = grained(crowd.base.f0, crowd.pairs)
        if len(coarse):
            self.push(taken(crowd, coarse).with_grain(grains), "climb", 0, 1, 0)
            crowd = taken(crowd, np.delete(np.arange(len(crowd)), coarse))
        self.push(crowd, "climb", 0, 1, 0)

    # -- the climb -------------------------------------------------------------------------------------

    def bend(self, crowd: Crowd) -> Bend:
        """The change of D between the two rows a crowd looks at."""
        low, high = crowd.pairs[crowd.stage[1]], crowd.pairs[crowd.stage[2]]
        width = self.noise.interval(low)
        width += self.noise.interval(high)
        return Bend(*bend(ARRAYS, low, high), width)

    def _climb(self, crowd: Crowd) -> None:
        """Look closer where the last pair shows a bend, jump where it shows none."""
        _, at, top, rounds = crowd.stage
        seen = self.bend(crowd)
        bends = seen.difference > seen.width
        if somewhere(bends):
            if everywhere(bends):
                self._bend(crowd.replace(stage=("bend", at, top, False, 0)), seen)
                return
            which = np.flatnonzero(bends)
            self.push(taken(crowd, which), "bend", at, top, False, 0)
            which = np.flatnonzero(~bends)
            crowd, seen = taken(crowd, which), taken(seen, which)
        low, high = crowd.pairs[at], crowd.pairs[top]
        size = np.abs(high.d)
        low_width, high_width = self.noise.interval(low), self.noise.interval(high)
        onward = (high_width < 0.7 * low_width) & (high_width > 4 * self.u * size) & (size >= 3 * seen.width)
        h = high.h * jump(ARRAYS, high, seen.width)
        onward &= h <= 2.0**30 * np.maximum(1.0, np.abs(crowd.base.x) / 2)
        if rounds == CLIMBS:
            onward[:] = False
        if not everywhere(onward):
            h = h[onward]
            crowd = self.where(crowd, onward)
        if len(crowd):
            crowd = self.sampled(crowd, snapped(h))
            self.push(crowd, "climb", top, len(crowd.pairs) - 1, rounds + 1)

    # -- a bend ----------------------------------------------------------------------------------------

    def _bend(self, crowd: Crowd, seen: Bend) -> None:
        """Ask for the h^2 law where it may hold, once, and else between the two rows."""
        if not crowd.stage[3]:
            quick = (seen.tau < QUICK) & (seen.difference > 2 * seen.width)
            if everywhere(quick):
                self._confirm(crowd, seen.tau)
                return
            if somewhere(quick):
                which = np.flatnonzero(quick)
                self._confirm(taken(crowd, which), seen.tau[which])
                which = np.flatnonzero(~quick)
                crowd, seen = taken(crowd, which), taken(seen, which)
        self._halve(crowd, seen.tau)

    def _confirm(self, crowd: Crowd, tau: Array) -> None:
        """Confirm the h^2 law with a growth node."""
        name, at, top, _, rounds = crowd.stage
        low, high = crowd.pairs[at], crowd.pairs[top]
        step = first_step(ARRAYS, length_at(ARRAYS, high, tau), low, self.noise)
        step = snapped(confirming_step(ARRAYS, step, high))
        extra = Bend(tau, tau, tau)
        for part, third in self.obtained(crowd.replace(extra=extra), step):
            low, high, pair = (part.pairs[i] for i in (at, top, third))
            length, lawful, linear = power_law(ARRAYS, low, high, pair)
            if somewhere(linear):
                length, lawful = length[~linear], lawful[~linear]
                part = self.where(part, ~linear)
                if not len(part):
                    continue
            if everywhere(lawful):
                begin(self, part, at, length)
                continue
            which = np.flatnonzero(lawful)
            if len(which):
                begin(self, taken(part, which), at, length[which])
            part = taken(part, np.flatnonzero(~lawful))
            tau = part.extra.tau
            self._halve(part.replace(extra=None, stage=(name, at, top, True, rounds)), tau)

    def _halve(self, crowd: Crowd, tau: Array) -> None:
        """A node between: it agrees with the lower one, or shows the bend already."""
        _, at, top, tried, rounds = crowd.stage
        low, high = crowd.pairs[at], crowd.pairs[top]
        inner = chosen((tau <= 0.1) & (high.h > 8 * low.h), high.h / 4, np.sqrt(low.h) * np.sqrt(high.h))
        wide = high.h >= 2.5 * low.h
        if rounds == HALVINGS:
            wide[:] = False
        if not everywhere(wide):
            inner, tau = inner[wide], tau[wide]
            crowd = self.where(crowd, wide)
            if not len(crowd):
                return
        for part, third in self.obtained(crowd.replace(extra=Bend(tau, tau, tau)), snapped(inner)):
            low, high, middle = (part.pairs[i] for i in (at, top, third))
            width = self.noise.interval(low) + self.noise.interval(middle)
            step = np.abs(middle.d - low.d)
            above = step <= width
            near = high.h <= 8 * middle.h
            below = ~above & (np.abs(high.d - middle.d) > step)
            own, part = part.extra.tau, part.replace(extra=None)
            which = np.flatnonzero(above & near)
            if len(which):
                length = length_at(ARRAYS, taken(high, which), own[which])
                begin(self, taken(part, which), third, length)
            for mask, lower, upper in ((above & ~near, third, top), (below, at, third)):
                which = np.flatnonzero(mask)
                if len(which):
                    self.push(taken(part, which), "bend", lower, upper, tried, rounds + 1)
            which = np.flatnonzero(~(above | below))
            self.hand_over(taken(part, which))
