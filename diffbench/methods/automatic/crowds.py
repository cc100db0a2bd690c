"""The growth of many points: nodes that all of them want next, fits, and who is done.

The same as :mod:`diffbench.methods.automatic.grow` does for one point, as far as easy points need it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.methods.automatic.lockstep import Lockstep, snapped
from diffbench.methods.automatic.operations import ARRAYS, chosen, everywhere, somewhere
from diffbench.methods.automatic.rows import Crowd, Record, Row, taken
from diffbench.methods.automatic.rules import (
    WINDOW,
    aligned,
    bent,
    enough,
    first_order,
    first_step,
    precise,
    wants_inner_nodes,
    wants_restart,
)
from diffbench.methods.automatic.window import Fits, Window

MOST = 14  # nodes of a growth
FULL = 1024  # points from which a crowd does not wait for others
FAR = 15  # what is no node has this number

Array = Any


class Growth(Record):
    """What is known of a growing crowd: its lowest step, the tableau, the best fit so far."""

    __slots__ = ("best", "h", "window")

    def __init__(self, h: Array) -> None:
        self.h, self.window = h, Window()
        self.best: Fits | None = None


def begin(lockstep: Lockstep, crowd: Crowd, base: int, length: Array) -> None:
    """Where growth starts; points at which the same pairs are nodes go together."""
    kink = _even_part_like_a_kink(crowd.pairs)
    if somewhere(kink):
        length = length[~kink]
        crowd = lockstep.where(crowd, ~kink)
        if not len(crowd):
            return
    start = first_step(ARRAYS, length, crowd.pairs[base], lockstep.noise)
    start = np.maximum(start, crowd.pairs[0].h)
    h = _near(start, crowd.pairs)
    crowd = crowd.replace(extra=Growth(h))
    keys = _nodes(crowd.pairs, h)
    while len(crowd):
        first = int(keys[0])
        same = keys == first
        nodes = tuple((first >> (4 * i)) & 15 for i in range(len(crowd.pairs)))
        if everywhere(same):
            lockstep.push(crowd, "grow", 0, nodes)
            return
        lockstep.push(taken(crowd, np.flatnonzero(same)), "grow", 0, nodes)
        which = np.flatnonzero(~same)
        crowd, keys = taken(crowd, which), keys[which]


def _near(start: Array, pairs: list[Row]) -> Array:
    """About the start, so that a pair that is already known becomes one of the nodes."""
    least, most = 0.7 * start, 40 * start
    known: Array = np.inf
    for pair in pairs:
        usable = pair.h >= least
        if somewhere(usable):
            usable &= pair.h <= most
            known = np.minimum(known, chosen(usable, pair.h, np.inf))
    none = np.isinf(known)
    if not somewhere(none):
        return aligned(ARRAYS, start, known)
    if everywhere(none):
        return snapped(start)
    return np.where(none, snapped(start), aligned(ARRAYS, start, np.where(none, 1.0, known)))


def _nodes(pairs: list[Row], lowest: Array) -> Array:
    """Which node of the growth every pair is, four bits each: the power of two in h / lowest, FAR if none."""
    keys = np.zeros(len(lowest), np.int64)
    bits = lowest.view(np.int64)
    for i, pair in enumerate(pairs):
        number: Any = FAR
        if somewhere(pair.h >= lowest):  # the same mantissa, and another exponent
            apart = pair.h.view(np.int64) - bits
            number = apart >> 52
            fine = (number << 52) == apart
            fine &= number >= 0
            fine &= number < MOST
            number = number if everywhere(fine) else np.where(fine, number, FAR)
        keys |= number << (4 * i)
    return keys


def grow_on(lockstep: Lockstep, crowd: Crowd) -> None:
    """Add nodes as long as enough points want one."""
    while len(crowd):
        _, number, nodes = crowd.stage
        if number == MOST:
            lockstep.hand_over(crowd)
            return
        if number not in nodes:
            crowd = lockstep.sampled(crowd, crowd.extra.h * 2.0**number)
            nodes = (*nodes, number)
            if not len(crowd):
                return
        lowest = max(0, number - WINDOW)
        row = crowd.pairs[nodes.index(number)]
        if number:
            turns = bent(ARRAYS, crowd.pairs[nodes.index(lowest)], row)
            if somewhere(turns):
                _settle(lockstep, taken(crowd, np.flatnonzero(turns)))
                crowd = taken(crowd, np.flatnonzero(~turns))
                if not len(crowd):
                    return
        rows = [crowd.pairs[nodes.index(i)] for i in range(max(0, number - WINDOW + 1), number + 1)]
        growth = crowd.extra
        if number >= WINDOW:
            growth.window = Window.of(rows)
        else:
            growth.window.add(rows[-1])
        crowd.stage = ("grow", number + 1, nodes)
        if number >= 2:
            crowd = _judged(lockstep, crowd, rows)
            if len(crowd) < FULL:
                lockstep.push(crowd, *crowd.stage)
                return


def _judged(lockstep: Lockstep, crowd: Crowd, rows: list[Row]) -> Crowd:
    """The points at which one more node is wanted; those that are done leave their results."""
    u, growth = lockstep.u, crowd.extra
    best, contradicted = growth.window.fit(rows, u, _below(crowd, rows[0]))
    stop = enough(best, u, rows[-1].slope)
    if growth.best is not None:
        better = best.bound < growth.best.bound
        if not everywhere(better):
            stop |= ~better
            best = growth.best.replaced(better, best)
    growth.best = best
    if crowd.stage[1] == 3 or crowd.stage[1] > WINDOW:  # the lowest node is another one
        contradicted |= first_order(rows[:3], lockstep.noise)
    if somewhere(contradicted):
        which = ~contradicted
        crowd, stop = lockstep.where(crowd, which), stop[which]
    if everywhere(stop):
        _settle(lockstep, crowd)
        return taken(crowd, np.empty(0, int))
    if somewhere(stop):
        _settle(lockstep, taken(crowd, np.flatnonzero(stop)))
        crowd = taken(crowd, np.flatnonzero(~stop))
    return crowd


def _settle(lockstep: Lockstep, crowd: Crowd) -> None:
    """Results, where a generator would not go on."""
    best, u = crowd.extra.best, lockstep.u
    if best is None:
        lockstep.hand_over(crowd)
        return
    settled = ~(wants_inner_nodes(best, u) | wants_restart(best)) & precise(best, u)
    if not everywhere(settled):
        crowd = lockstep.where(crowd, settled)
        best = crowd.extra.best
    if len(crowd):
        lockstep.finish(crowd.index, best, 1 + 2 * len(crowd.pairs))


def _below(crowd: Crowd, lowest: Row) -> list[tuple[Row, Array | None]]:
    """The pairs below the lowest node of the window, and at which points they are."""
    _, number, nodes = crowd.stage
    found: list[tuple[Row, Array | None]] = []
    for pair, node in zip(crowd.pairs, nodes, strict=True):
        if node != FAR:
            if node < number - WINDOW:
                found.append((pair, None))
            continue
        smaller = pair.h < lowest.h
        if everywhere(smaller):
            found.append((pair, None))
        elif somewhere(smaller):
            found.append((pair, smaller))
    return found


def _even_part_like_a_kink(pairs: list[Row]) -> Array:
    """Whether the even part might grow like h: the generator then looks at it."""
    found = np.zeros(len(pairs[0].h), bool)
    seen = []
    for p in pairs:
        here = np.abs(p.e) > 10 * p.total
        if somewhere(here):
            seen.append((p, here))
    for i, (p, here) in enumerate(seen):
        for q, there in seen[i + 1 :]:
            both = (q.h >= 8 * p.h) | (p.h >= 8 * q.h)
            both &= here
            both &= there
            if somewhere(both):
                slope, other = p.e / p.h, q.e / q.h
                both &= other * slope > 0.5 * slope * slope
                both &= np.abs(other) < 2 * np.abs(slope)
                found |= both
    return found
