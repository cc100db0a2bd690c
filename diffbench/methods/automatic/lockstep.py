"""Many points at once: the path that easy points take, with the same rules on arrays.

A point is easy when its climb sees no noise, no plateau, no edge and a bend that follows the h^2 law, and its
growth ends by itself: all that the generators of :mod:`diffbench.methods.automatic.engine` decide for it is
then decided here, for a block of points in one NumPy expression, from the same nodes. Any other point is
handed over to a generator together with the values it already has, so that its result is the same as alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.methods.automatic.operations import ARRAYS
from diffbench.methods.automatic.rows import Base, Rounding, Row, everywhere, grained, somewhere
from diffbench.methods.automatic.rules import (
    GUARD,
    QUICK,
    SECOND,
    WINDOW,
    aligned,
    bend,
    bent,
    confirming_step,
    enough,
    first_order,
    first_step,
    jump,
    length_at,
    power_law,
    precise,
    wants_inner_nodes,
    wants_restart,
)
from diffbench.methods.automatic.window import Fits, Window

BLOCK = 8192  # points whose arrays fit into the processor's cache together
CLIMBS = 3  # jumps after the second pair
MOST = 12  # nodes of a growth in blocks

Array = Any


@dataclass
class Block:
    """Results of a block of points, and which of them are done."""

    value: Array
    bound: Array
    h: Array
    evaluations: Array
    done: Array
    sampled: list[tuple[Array, Array, Array]]  # points, nodes, values (one row or two): all

    def known(self, which: Array) -> dict[int, dict[float, float]]:
        """What was sampled of some points: node -> value."""
        wanted = np.zeros(len(self.done), bool)
        wanted[which] = True
        found: dict[int, dict[float, float]] = {int(i): {} for i in which}
        for index, nodes, values in self.sampled:
            some = np.flatnonzero(wanted[index])
            owners = index[some].tolist()
            for row in zip(
                *(a.reshape(-1, len(index))[:, some].tolist() for a in (nodes, values)), strict=True
            ):
                for i, node, value in zip(owners, *row, strict=True):
                    found[i][node] = value
        return found


class Crowd:
    """Points that have been treated alike so far: their pairs, all arrays of one length."""

    def __init__(self, base: Base, index: Array) -> None:
        self.base, self.index = base, index
        self.noise = Rounding(base.u, 0.0)
        self.pairs: list[Any] = []  # rows: to the rules, pairs whose numbers are arrays

    def take(self, which: Array) -> Crowd:
        """Some of the points."""
        if len(which) == len(self.index):  # indices without repetition: all of them
            return self
        some = Crowd(self.base.take(which), self.index[which])
        some.pairs = [p.take(which) for p in self.pairs]
        return some

    def where(self, mask: Array) -> Crowd:
        """The points at which a mask holds."""
        return self if everywhere(mask) else self.take(np.flatnonzero(mask))

    def __len__(self) -> int:
        return len(self.index)


class Lockstep:
    """One block of float64 points."""

    def __init__(self, sample: Callable[[Array], Array], x: Array, u: float) -> None:
        n = len(x)
        self.sample, self.x, self.u = sample, x, u
        self.block = Block(
            np.full(n, np.nan), np.full(n, np.inf), np.full(n, np.nan), np.ones(n, int), np.zeros(n, bool), []
        )

    def run(self) -> Block:
        """Do what is easy."""
        magnitude = np.abs(self.x)
        start = np.flatnonzero((magnitude > 1e-100) & (magnitude < 1e100))
        if len(start):
            crowd = self._begin(start)
            for _ in range(CLIMBS):
                crowd = self._climb(crowd)
                if not len(crowd):
                    break
        return self.block

    # -- sampling --------------------------------------------------------------------------------------

    def sampled(self, base: Base, index: Array, h: Array) -> Any:
        """The pairs at h, sampled in one call."""
        nodes, width = base.nodes(h)
        values = self.sample(nodes.reshape(-1)).reshape(nodes.shape)
        if len(index) == len(self.x):
            self.block.evaluations += 2
        else:
            self.block.evaluations[index] += 2
        self.block.sampled.append((index, nodes, values))
        return Row(h, width, values, base)

    def _begin(self, index: Array) -> Crowd:
        """f(x), the guard and the second pair, where all is finite and nothing is flat or short."""
        x = self.x[index]
        f0 = self.sample(x)
        self.block.sampled.append((index, x, f0))
        bits = round(-math.log2(self.u))
        crowd = Crowd(Base(x, f0, self.u), index).where(np.isfinite(f0))
        base = crowd.base
        guard = np.ldexp(1.0, np.frexp(np.abs(base.x))[1] - 1 - round(GUARD * bits))
        for h in (guard, guard * 2.0 ** round(SECOND * bits)):
            crowd.pairs.append(self.sampled(base, crowd.index, h))
        low, high = crowd.pairs
        fine = low.sound & high.sound & (base.f0.astype(np.float32) != base.f0)
        fine[grained(base.f0, crowd.pairs)] = False
        return crowd.where(fine)

    # -- the climb -------------------------------------------------------------------------------------

    def _climb(self, crowd: Crowd) -> Crowd:
        """Grow where the last pair shows a bend; where it shows none, jump: these points are returned."""
        noise = crowd.noise
        low, high = crowd.pairs[-2:]
        low_width, high_width = noise.interval(low), noise.interval(high)
        width = low_width + high_width
        difference, tau = bend(ARRAYS, low, high)
        seen = difference > width
        if somewhere(seen):
            lawful = seen & (tau < QUICK) & (difference > 2 * width)
            which = np.flatnonzero(lawful)
            if len(which):
                self._bend(crowd.take(which), tau[which])
            if everywhere(seen):
                return crowd.take(np.empty(0, int))
        size = np.abs(high.d)
        done = (high_width >= 0.7 * low_width) | (high_width <= 4 * noise.u * size)
        onward = ~(seen | done) & (size >= 3 * width)
        rest = crowd.where(onward)
        if len(rest) < len(width):
            width = width[onward]
        if not len(rest):
            return rest
        high = rest.pairs[-1]
        h = high.h * jump(ARRAYS, high, width)
        possible = h <= 2.0**30 * np.maximum(1.0, np.abs(rest.base.x) / 2)
        if not everywhere(possible):
            rest, h = rest.where(possible), h[possible]
        if len(rest):
            rest.pairs.append(self.sampled(rest.base, rest.index, _snapped(h)))
            rest = rest.where(rest.pairs[-1].sound)
        return rest

    def _bend(self, crowd: Crowd, tau: Array) -> None:
        """Confirm the h^2 law with a growth node, and grow."""
        low, high = crowd.pairs[-2:]
        step = first_step(ARRAYS, length_at(ARRAYS, high, tau), low, crowd.noise)
        step = _snapped(confirming_step(ARRAYS, step, high))
        pair = self.sampled(crowd.base, crowd.index, step)
        length, lawful, linear = power_law(ARRAYS, low, high, pair)
        crowd.pairs.append(pair)
        fine = lawful & ~linear & pair.sound & ~_even_part_like_a_kink(crowd.pairs)
        fine[grained(crowd.base.f0, crowd.pairs)] = False
        which = np.flatnonzero(fine)
        if len(which):
            crowd = crowd.take(which)
            self._grow(crowd, crowd.pairs[-3], length[which])

    # -- the growth ------------------------------------------------------------------------------------

    def _grow(self, crowd: Crowd, base: Any, length: Array) -> None:
        start = first_step(ARRAYS, length, base, crowd.noise)
        np.maximum(start, crowd.pairs[0].h, out=start)
        known = np.full(len(crowd), np.inf)
        for pair in crowd.pairs:
            usable = (pair.h >= 0.7 * start) & (pair.h <= 40 * start)
            np.minimum(known, pair.h, out=known, where=usable)
        none = np.isinf(known)
        if somewhere(none):
            h = np.where(none, _snapped(start), aligned(ARRAYS, start, np.where(none, 1.0, known)))
        else:
            h = aligned(ARRAYS, start, known)
        _Growing(self, crowd, h).run()

    def finish(self, index: Array, fits: Fits) -> None:
        """Results of points that are done."""
        block = self.block
        block.value[index], block.bound[index], block.h[index] = fits.value, fits.bound, fits.h
        block.done[index] = True


class _Growing:
    """The growth of a crowd: one node after another, points leave when they are done."""

    def __init__(self, lockstep: Lockstep, crowd: Crowd, h: Array) -> None:
        self.lockstep, self.crowd, self.h = lockstep, crowd, h
        self.window = Window()
        self.dropped: list[Row] = []  # nodes that were the lowest of the window
        self.best: Fits | None = None

    def run(self) -> None:
        """Add nodes until all points have left."""
        row: Any
        for n in range(MOST):
            row = self._known_or_sampled(self.h * 2.0**n)
            fine = row.sound
            if n:
                fine &= ~bent(ARRAYS, self.window.nodes[0], row)
            row = self._keep(fine, row)
            if n >= WINDOW and len(self.crowd):
                self.dropped.append(self.window.nodes[0])
                self.window = Window.of(self.window.nodes[1:])
            if len(self.crowd):
                self.window.add(row)
                if n >= 2:
                    self._keep(self._goes_on(), row)
            if not len(self.crowd):
                return

    def _keep(self, mask: Array, row: Row) -> Row:
        """Go on with the points at which a mask holds; what is left of a row."""
        if everywhere(mask):
            return row
        which = np.flatnonzero(mask)
        self.crowd, self.h = self.crowd.take(which), self.h[which]
        if len(which):
            self.window.take(which)
            self.best = self.best and self.best.take(which)
            self.dropped = [r.take(which) for r in self.dropped]
            row = row.take(which)
        return row

    def _goes_on(self) -> Array:
        """Where one more node is wanted; points that are done leave their results."""
        u, top, count = self.crowd.noise.u, self.window.nodes[-1], len(self.window.nodes)
        best: Any
        best, contradicted = self.window.fit(u, self._below())
        stop = enough(best, u, top.slope)
        if self.best is not None:
            better = best.bound < self.best.bound
            if not everywhere(better):
                stop |= ~better
                best = self.best.replaced(better, best)
        self.best = best
        if count == 3 or self.dropped:  # the lowest node is another one
            contradicted |= first_order(self.window.nodes[:3], self.crowd.noise)
        settled = stop & ~contradicted
        if somewhere(settled):  # results of those that the generator would not look at more closely
            settled &= ~wants_inner_nodes(best, u) & ~wants_restart(best) & precise(best, u)
            which = np.flatnonzero(settled)
            if len(which) == len(settled):
                self.lockstep.finish(self.crowd.index, best)
            else:
                self.lockstep.finish(self.crowd.index[which], best.take(which))
        return ~(stop | contradicted)

    def _below(self) -> list[tuple[Row, Array | None]]:
        """The pairs below the lowest node, and at which points they are."""
        lowest = self.window.nodes[0].h
        found: list[tuple[Row, Array | None]] = []
        for pair in self.crowd.pairs:
            smaller = pair.h < lowest
            if everywhere(smaller):
                found.append((pair, None))
            elif somewhere(smaller):
                found.append((pair, smaller))
        for row in self.dropped:
            fresh = np.ones(len(lowest), bool)
            for pair in self.crowd.pairs:  # where it is not one of these
                fresh &= pair.h != row.h
            found.append((row, fresh))
        return found

    def _known_or_sampled(self, h: Array) -> Row:
        crowd = self.crowd
        missing = np.ones(len(crowd), bool)
        found = []
        for known in crowd.pairs:
            same = known.h == h
            if everywhere(same):
                return known
            if somewhere(same):
                found.append((known.values, same))
                missing &= ~same
        if not found:
            return self.lockstep.sampled(crowd.base, crowd.index, h)
        values = found[0][0].copy()
        for own, same in found[1:]:
            np.copyto(values, own, where=same)
        which = np.flatnonzero(missing)
        if len(which):
            row = self.lockstep.sampled(crowd.base.take(which), crowd.index[which], h[which])
            values[:, which] = row.values
        return Row(h, crowd.base.nodes(h)[1], values, crowd.base)


def _even_part_like_a_kink(pairs: list[Row]) -> Array:
    """Whether the even part might grow like h: the generator then looks at it."""
    found = np.zeros(len(pairs[0].h), bool)
    seen = []
    for p in pairs:
        here = np.abs(p.e) > 10 * p.total
        if somewhere(here):
            seen.append((p.h, here, p.e / p.h))
    for i, (h, here, slope) in enumerate(seen):
        for other_h, there, other in seen[i + 1 :]:
            alike = np.abs(other) < 2 * np.abs(slope)
            if not somewhere(alike):
                continue
            far = (other_h >= 8 * h) | (h >= 8 * other_h)
            found |= alike & here & there & far & (other * slope > 0.5 * slope * slope)
    return found


def _snapped(h: Array) -> Array:
    mantissa, exponent = np.frexp(h)
    return np.ldexp(np.rint(mantissa * 64), exponent - 6)
