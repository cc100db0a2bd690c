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
from diffbench.methods.automatic.pairs import COLUMNS, Noise, Pair
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
    patience,
    power_law,
    precise,
    wants_inner_nodes,
    wants_restart,
)
from diffbench.methods.automatic.tableau import CONFLICT, Fit, Tableau

BLOCK = 4096  # points whose arrays fit into the processor's cache together
CLIMBS = 3  # jumps after the second pair

Array = Any


@dataclass
class Block:
    """Results of a block of points, and which of them are done."""

    value: Array
    bound: Array
    h: Array
    evaluations: Array
    done: Array
    sampled: list[tuple[Array, Array, Array]]  # points, nodes, values: everything that was sampled

    def known(self, which: Array) -> dict[int, dict[float, float]]:
        """What was sampled of some points: node -> value."""
        wanted = np.zeros(len(self.done), bool)
        wanted[which] = True
        found: dict[int, dict[float, float]] = {int(i): {} for i in which}
        for index, nodes, values in self.sampled:
            some = wanted[index]
            for i, node, value in zip(*(a[some].tolist() for a in (index, nodes, values)), strict=True):
                found[i][node] = value
        return found


class Crowd:
    """Points that have been treated alike so far: their pairs, all arrays of one length."""

    def __init__(self, x: Array, f0: Array, index: Array, u: float) -> None:
        self.x, self.f0, self.index = x, f0, index
        self.noise = Noise(u, x)
        self.pairs: list[Pair] = []

    def take(self, which: Array) -> Crowd:
        """Some of the points."""
        if len(which) == len(self.x):  # indices without repetition: all of them
            return self
        some = Crowd(self.x[which], self.f0[which], self.index[which], self.noise.u)
        some.pairs = [p.take(which) for p in self.pairs]
        return some

    def __len__(self) -> int:
        return len(self.x)


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

    def sampled(self, crowd: Crowd, steps: list[Array]) -> list[Pair]:
        """Pairs at steps, sampled in one call."""
        x = crowd.x
        sign = np.where(x < 0, -1.0, 1.0)
        outer = [x + sign * h for h in steps]
        inner = [x - (o - x) for o in outer]
        nodes = np.concatenate(outer + inner)
        values = self.sample(nodes).reshape(2 * len(steps), len(x))
        self.block.evaluations[crowd.index] += 2 * len(steps)
        self.block.sampled.append((np.tile(crowd.index, 2 * len(steps)), nodes, values.reshape(-1)))
        found = []
        for k, h in enumerate(steps):
            width = outer[k] - inner[k]
            found.append(Pair(h, width, crowd.f0, values[k], values[len(steps) + k], 2, ARRAYS))
        return found

    def _begin(self, index: Array) -> Crowd:
        """f(x), the guard and the second pair, where all is finite and nothing is flat or short."""
        x = self.x[index]
        f0 = self.sample(x)
        self.block.sampled.append((index, x, f0))
        bits = round(-math.log2(self.u))
        finite = np.flatnonzero(np.isfinite(f0))
        index, x, f0 = index[finite], x[finite], f0[finite]
        guard = np.ldexp(1.0, np.frexp(np.abs(x))[1] - 1 - round(GUARD * bits))
        crowd = Crowd(x, f0, index, self.u)
        crowd.pairs = self.sampled(crowd, [guard, guard * 2.0 ** round(SECOND * bits)])
        low, high = crowd.pairs
        with np.errstate(over="ignore"):
            short = f0.astype(np.float32) == f0
        fine = np.isfinite(low.size) & np.isfinite(high.size) & ~low.flat & ~high.flat & ~short
        return crowd.take(np.flatnonzero(fine))

    # -- the climb -------------------------------------------------------------------------------------

    def _climb(self, crowd: Crowd) -> Crowd:
        """Grow where the last pair shows a bend; where it shows none, jump: these points are returned."""
        noise = crowd.noise
        low, high = crowd.pairs[-2:]
        low_width, high_width = noise.interval(low), noise.interval(high)
        width = low_width + high_width
        difference, tau = bend(ARRAYS, low, high)
        seen = difference > width
        lawful = np.flatnonzero(seen & (tau < QUICK) & (difference > 2 * width))
        if len(lawful):
            self._bend(crowd.take(lawful), tau[lawful])
        done = (high_width >= 0.7 * low_width) | (high_width <= 4 * noise.u * np.abs(high.d))
        onward = np.flatnonzero(~seen & ~done & (np.abs(high.d) >= 3 * width))
        if not len(onward):
            return crowd.take(onward)
        rest = crowd.take(onward)
        low, high = rest.pairs[-2:]
        gap: Array = width
        h = high.h * jump(ARRAYS, high, gap[onward])
        possible = np.flatnonzero(h <= 2.0**30 * np.maximum(1.0, np.abs(rest.x) / 2))
        rest, h = rest.take(possible), h[possible]
        if len(rest):
            rest.pairs += self.sampled(rest, [_snapped(h)])
            finite = np.isfinite(rest.pairs[-1].d) & np.isfinite(rest.pairs[-1].size) & ~rest.pairs[-1].flat
            rest = rest.take(np.flatnonzero(finite))
        return rest

    def _bend(self, crowd: Crowd, tau: Array) -> None:
        """Confirm the h^2 law with a growth node, and grow."""
        low, high = crowd.pairs[-2:]
        step = first_step(ARRAYS, length_at(ARRAYS, high, tau), low, crowd.noise)
        (pair,) = self.sampled(crowd, [_snapped(confirming_step(ARRAYS, step, high))])
        length, lawful, linear = power_law(ARRAYS, low, high, pair)
        crowd.pairs.append(pair)
        finite = np.isfinite(pair.size) & np.isfinite(pair.d) & ~pair.flat
        fine = np.flatnonzero(lawful & ~linear & finite & ~_even_part_like_a_kink(crowd))
        if len(fine):
            crowd = crowd.take(fine)
            self._grow(crowd, crowd.pairs[-3], length[fine])

    # -- the growth ------------------------------------------------------------------------------------

    def _grow(self, crowd: Crowd, base: Pair, length: Array) -> None:
        start = first_step(ARRAYS, length, base, crowd.noise)
        start = np.maximum(start, crowd.pairs[0].h)
        known = np.full(len(crowd), np.inf)
        for pair in crowd.pairs:
            usable = (pair.h >= 0.7 * start) & (pair.h <= 40 * start)
            known = np.where(usable, np.minimum(known, pair.h), known)
        none = np.isinf(known)
        h = np.where(none, _snapped(start), aligned(ARRAYS, start, np.where(none, 1.0, known)))
        _Growing(self, crowd, h).run()

    def finish(self, crowd: Crowd, which: Array, value: Array, bound: Array, h: Array) -> None:
        """Results of points that are done."""
        index = crowd.index[which]
        block = self.block
        block.value[index], block.bound[index], block.h[index] = value, bound, h
        block.done[index] = True


class _Growing:
    """The growth of a crowd: one node after another, points leave when they are done."""

    def __init__(self, lockstep: Lockstep, crowd: Crowd, h: Array) -> None:
        self.lockstep, self.crowd, self.h = lockstep, crowd, h

    def run(self) -> None:
        crowd, h = self.crowd, self.h
        tableau = Tableau(ARRAYS)
        best = None
        gain = np.zeros(len(crowd), int)
        for n in range(WINDOW):
            pair, crowd, keep = self._node(crowd, h * 2.0**n, tableau)
            if keep is not None:
                h, gain = h[keep], gain[keep]
                tableau.keep(keep)
                best = best.keep(keep) if best is not None else None
            if not len(crowd):
                return
            tableau.add(pair, 2.0**n)
            if n < 2:
                continue
            fit = tableau.fit(crowd.noise, *_below(crowd, tableau))
            contradicted = np.zeros(len(crowd), bool)
            for deviation, _, _ in fit.residuals:
                contradicted |= np.abs(deviation) > CONFLICT
            better = np.ones(len(crowd), bool) if best is None else fit.bound < best.bound
            best = fit if best is None else best.replaced(better, fit)
            gain = np.where(better, 0, gain + 1)
            stop = (gain >= patience(n + 1)) | enough(best, crowd.noise.u, pair.df / pair.h)
            settled = stop & ~contradicted
            if n == 2:
                settled &= ~first_order(tableau.nodes, crowd.noise)
                contradicted |= first_order(tableau.nodes, crowd.noise)
            if settled.any():
                self._finish(crowd, best, settled)
            keep = np.flatnonzero(~stop & ~contradicted)
            if not len(keep):
                return
            crowd, h, gain, best = crowd.take(keep), h[keep], gain[keep], best.keep(keep)
            tableau.keep(keep)

    def _node(self, crowd: Crowd, h: Array, tableau: Tableau) -> tuple[Pair, Crowd, Array | None]:
        """The pairs at h, from what is known where it is known; points that meet an obstacle leave."""
        pair = self._known_or_sampled(crowd, h)
        fine = np.isfinite(pair.d) & ~pair.flat
        if tableau.nodes:
            fine &= ~bent(ARRAYS, tableau.nodes[0], pair)
        if fine.all():
            return pair, crowd, None
        keep = np.flatnonzero(fine)
        return pair.take(keep), crowd.take(keep), keep

    def _known_or_sampled(self, crowd: Crowd, h: Array) -> Pair:
        missing = np.ones(len(crowd), bool)
        found = []
        for known in crowd.pairs:
            same = known.h == h
            if same.all():
                return known
            if same.any():
                found.append((known, same))
                missing &= ~same
        if not found:
            return self.lockstep.sampled(crowd, [h])[0]
        which = np.flatnonzero(missing)
        if len(which):
            part = Crowd(crowd.x[which], crowd.f0[which], crowd.index[which], crowd.noise.u)
            found.append((self.lockstep.sampled(part, [h[which]])[0], missing))
        return _merged(found, len(crowd))

    def _finish(self, crowd: Crowd, best: Fit, settled: Array) -> None:
        """Results of the settled points that the generator would not look at more closely."""
        u = crowd.noise.u
        fine = settled & ~wants_inner_nodes(best, u) & ~wants_restart(best) & precise(best, u)
        which = np.flatnonzero(fine)
        self.lockstep.finish(crowd, which, best.value[which], best.bound[which], best.h[which])


def _merged(parts: list[tuple[Pair, Array]], count: int) -> Pair:
    """One pair of arrays from pairs of all points, or of those where a mask holds."""
    pair = object.__new__(Pair)
    pair.order = 2
    for name in COLUMNS:
        column = np.empty(count, bool if name == "flat" else float)
        for part, where in parts:
            own = getattr(part, name)
            column[where] = own if len(own) != count else own[where]
        setattr(pair, name, column)
    return pair


def _below(crowd: Crowd, tableau: Tableau) -> tuple[list[Pair], list[Array]]:
    """The pairs below the lowest node, and at which points they are."""
    lowest = tableau.nodes[0].h
    found = [(p, p.h < lowest) for p in crowd.pairs]
    found = [(p, smaller) for p, smaller in found if smaller.any()]
    return [p for p, _ in found], [smaller for _, smaller in found]


def _even_part_like_a_kink(crowd: Crowd) -> Array:
    """Whether the even part might grow like h: the generator then looks at it."""
    seen = [(p.h, np.abs(p.e) > 10 * crowd.noise.total(p), p.e / p.h) for p in crowd.pairs]
    found = np.zeros(len(crowd), bool)
    for i, (h, here, slope) in enumerate(seen):
        for other_h, there, other in seen[i + 1 :]:
            far = (other_h >= 8 * h) | (h >= 8 * other_h)
            found |= (
                here
                & there
                & far
                & (other * slope > 0.5 * slope * slope)
                & (np.abs(other) < 2 * np.abs(slope))
            )
    return found


def _snapped(h: Array) -> Array:
    mantissa, exponent = np.frexp(h)
    return np.ldexp(np.rint(mantissa * 64), exponent - 6)
