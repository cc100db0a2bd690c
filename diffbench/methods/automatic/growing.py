"""The growth of many points: nodes that all of them want next, fits, and who is done.

The same as :mod:`diffbench.methods.automatic.grow` does for one point, as far as easy points need it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.methods.automatic.crowds import Crowd, Crowds
from diffbench.methods.automatic.operations import ARRAYS, chosen, everywhere, somewhere
from diffbench.methods.automatic.rows import Record, Row, grained, snapped, taken
from diffbench.methods.automatic.rules import (
    WINDOW,
    aligned,
    bent,
    enough,
    first_order,
    first_step,
    kinked,
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


def begin(crowds: Crowds, crowd: Crowd, base: int, length: Array) -> None:
    """Where growth starts; points at which the same pairs are nodes go together."""
    crowd = crowd.replace(extra=None)
    found, grains = grained(crowd.base.f0, crowd.pairs)
    changed = crowd.base.size > np.abs(crowd.base.f0)  # those that had grain at first
    changed[found] = True
    if somewhere(changed):  # what the climb has seen since may say otherwise
        grain = np.zeros(len(crowd))
        grain[found] = grains
        which = np.flatnonzero(changed)
        _start(crowds, taken(crowd, which), base, length[which], grain[which])
        which = np.flatnonzero(~changed)
        crowd, length = taken(crowd, which), length[which]
    if len(crowd):
        _start(crowds, crowd, base, length, None)


def _start(crowds: Crowds, crowd: Crowd, base: int, length: Array, grain: Array | None) -> None:
    if grain is not None:  # a kink is looked for as if there were none
        crowd = crowd.with_grain(0 * grain)
    kink = _even_part_like_a_kink(crowd.pairs)
    if somewhere(kink):
        length, grain = length[~kink], None if grain is None else grain[~kink]
        crowd = crowds.where(crowd, ~kink)
        if not len(crowd):
            return
    if grain is not None:
        crowd = crowd.with_grain(grain)
    start = first_step(ARRAYS, length, crowd.pairs[base], crowds.noise)
    start = np.maximum(start, crowd.pairs[0].h)
    h = _near(start, crowd.pairs)
    crowd = crowd.replace(extra=Growth(h))
    keys = _nodes(crowd.pairs, h)
    while len(crowd):
        first = int(keys[0])
        same = keys == first
        nodes = tuple((first >> (4 * i)) & 15 for i in range(len(crowd.pairs)))
        if everywhere(same):
            crowds.push(crowd, "grow", 0, nodes)
            return
        crowds.push(taken(crowd, np.flatnonzero(same)), "grow", 0, nodes)
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


def grow_on(crowds: Crowds, crowd: Crowd) -> None:
    """Add nodes as long as enough points want one."""
    while len(crowd):
        _, number, nodes = crowd.stage
        if number == MOST:
            crowds.hand_over(crowd)
            return
        if number not in nodes:
            crowd = crowds.sampled(crowd, crowd.extra.h * 2.0**number)
            nodes = (*nodes, number)
            if not len(crowd):
                return
        lowest = max(0, number - WINDOW)
        row = crowd.pairs[nodes.index(number)]
        if number:
            turns = bent(ARRAYS, crowd.pairs[nodes.index(lowest)], row)
            if somewhere(turns):
                _settle(crowds, taken(crowd, np.flatnonzero(turns)), number - 1)
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
            crowd = _judged(crowds, crowd, rows)
            if len(crowd) < FULL:
                crowds.push(crowd, *crowd.stage)
                return


def _judged(crowds: Crowds, crowd: Crowd, rows: list[Any]) -> Crowd:
    """The points at which one more node is wanted; those that are done leave their results."""
    u, growth, number = crowds.u, crowd.extra, crowd.stage[1] - 1
    best, contradicted = growth.window.fit(rows, u, _below(crowd, rows[0]))
    stop = enough(best, u, rows[-1].slope)
    if number == 2 or number >= WINDOW:  # the lowest node is another one
        contradicted |= first_order(rows[:3], crowds.noise)
    contradicted |= kinked(rows[0], rows[-1], crowds.noise)
    if somewhere(contradicted):
        fine = np.flatnonzero(~contradicted)
        crowd, best, stop = crowds.where(crowd, ~contradicted), taken(best, fine), stop[fine]
    if crowd.extra.best is not None:
        worse = best.bound >= crowd.extra.best.bound
        if somewhere(worse):
            _settle(crowds, taken(crowd, np.flatnonzero(worse)), number - 1)
            fine = np.flatnonzero(~worse)
            crowd, best, stop = taken(crowd, fine), taken(best, fine), stop[fine]
    crowd.extra.best = best
    if somewhere(stop):
        inner = wants_inner_nodes(best, u)
        done = stop & _final(best, u) & ~inner
        _leave(crowds, crowd, np.flatnonzero(done))
        others = np.flatnonzero(stop & ~done)
        if len(others):
            _settle(crowds, taken(crowd, others), number)
        crowd = taken(crowd, np.flatnonzero(~stop))
    return crowd


def _settle(crowds: Crowds, crowd: Crowd, top: int) -> None:
    """Results of points whose best fit has a given node on top; nodes below it where truncation limits it."""
    best = crowd.extra.best
    if best is None:
        crowds.hand_over(crowd)
        return
    inner = wants_inner_nodes(best, crowds.u)
    if somewhere(inner):
        nodes = crowd.stage[2]
        rows = tuple(nodes.index(i) for i in range(max(0, top - WINDOW + 1), top + 1))
        bare = crowd.replace(extra=crowd.extra.replace(window=None))
        crowds.push(taken(bare, np.flatnonzero(inner)), "inner", 0, rows)
        crowd = taken(crowd, np.flatnonzero(~inner))
    _finish(crowds, crowd)


def go_inwards(crowds: Crowds, crowd: Crowd) -> None:
    """A node below the lowest one; see ``Growth._inwards`` of the module ``grow``."""
    _, rounds, above = crowd.stage
    for part, lowest in crowds.obtained(crowd, 0.5 * crowd.pairs[above[0]].h):
        indices = (lowest, *above)
        rows = [part.pairs[i] for i in indices]
        below = _smaller(part.pairs, rows[0])
        fit, contradicted = Window.judged(rows, crowds.u, below)
        contradicted |= first_order(rows[:3], crowds.noise) | kinked(rows[0], rows[-1], crowds.noise)
        fine = np.flatnonzero(~contradicted)
        part, fit = crowds.where(part, ~contradicted), taken(fit, fine)
        if not len(part):
            continue
        best = part.extra.best
        better = fit.bound <= 0.7 * best.bound
        again = better & wants_inner_nodes(fit, crowds.u) if rounds < 3 else np.zeros(len(part), bool)
        part = part.replace(extra=part.extra.replace(best=best.replaced(better, fit)))
        which = np.flatnonzero(again)
        crowds.push(taken(part, which), "inner", rounds + 1, indices)
        _finish(crowds, taken(part, np.flatnonzero(~again)) if len(which) else part)


def _finish(crowds: Crowds, crowd: Crowd) -> None:
    """Results, where a generator would not go on."""
    if len(crowd):
        final = _final(crowd.extra.best, crowds.u)
        _leave(crowds, crowd, np.flatnonzero(final))
        crowds.hand_over(taken(crowd, np.flatnonzero(~final)))


def _final(best: Any, u: float) -> Array:
    """Where a fit is good enough to be the result."""
    return precise(best, u) & ~wants_restart(best)


def _leave(crowds: Crowds, crowd: Crowd, which: Array) -> None:
    """Write down results of some of the points."""
    best = crowd.extra.best
    index, value, bound, h = crowd.index, best.value, best.bound, best.h
    if len(which) < len(crowd):
        index, value, bound, h = (column.take(which) for column in (index, value, bound, h))
    if len(which):
        crowds.finish(index, value, bound, h, 1 + 2 * len(crowd.pairs))


def _smaller(pairs: list[Row], lowest: Row) -> list[tuple[Row, Array | None]]:
    """The pairs below a node, and at which points they are."""
    found: list[tuple[Row, Array | None]] = []
    for pair in pairs:
        smaller = pair.h < lowest.h
        if everywhere(smaller):
            found.append((pair, None))
        elif somewhere(smaller):
            found.append((pair, smaller))
    return found


def _below(crowd: Crowd, lowest: Row) -> list[tuple[Row, Array | None]]:
    """The pairs below the lowest node of the window, and at which points they are."""
    _, number, nodes = crowd.stage
    dropped = [p for p, node in zip(crowd.pairs, nodes, strict=True) if node < number - WINDOW]
    others = [p for p, node in zip(crowd.pairs, nodes, strict=True) if node == FAR]
    return [*((p, None) for p in dropped), *_smaller(others, lowest)]


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
