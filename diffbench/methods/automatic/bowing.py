"""Growth of the even part: nodes outwards, until the bound of f'' stops falling.

The even part has a climb of its own over the pairs that the climb of D left: a large slope hides from D what
E shows, E may be noise where D is not, and f'' has a length of its own. Growth begins at larger steps than
that of f', because noise is divided by h^2, and ends where f'' itself has changed by half.
"""

from __future__ import annotations

import math
from dataclasses import replace

from diffbench.methods.automatic.climb import Landscape, between
from diffbench.methods.automatic.curvature import Bows, contradicted, curved
from diffbench.methods.automatic.grow import near
from diffbench.methods.automatic.operations import FLOATS
from diffbench.methods.automatic.pairs import Asking, Exhausted, Noise, Pair, Probe
from diffbench.methods.automatic.rules import WINDOW, enough, first_order, first_step, wants_restart
from diffbench.methods.automatic.tableau import Fit, Tableau, conflict

FIRST = 0.02  # growth begins there, times L, in clean float64
STRAIGHT = 1e-3  # a relative change of D over which f is a straight line
FAR = 2.0  # the step up to which a straight line is followed where x is smaller
BEND = 0.3  # a relative change of f'' from which its length cannot be told
BENT = 0.5  # f'' has changed by this share: the length of the function is reached
ENOUGH = 1e5  # the bound, in unit roundoffs of the value, below which truncation may be most of it


class Bowing:
    """Growth of the even part on both sides of x, or of forward values on one."""

    def __init__(self, probe: Probe, noise: Noise, landscape: Landscape) -> None:
        self.probe, self.noise, self.landscape = probe, noise, landscape
        self.unit = 2.0 ** math.frexp(landscape.base.h)[1]
        self.best: Fit | None = None
        self.first_order = False  # D grows like h: f'' jumps at x
        self.rejected = math.inf
        self.length = landscape.length

    def run(self) -> Asking:
        """The best fit in units of 1 / unit^2, or None if no step was good enough."""
        smallest = self.probe.sound[0].h
        try:
            start = yield from self._start()
            for _ in range(6):
                yield from self._outwards(max(start, smallest))
                yield from self._inwards()
                farther = yield from self._farther()
                if farther:
                    start = yield from self._start()
                    continue
                if self.best is not None and not wants_restart(self.best):
                    break
                lowest = min(self.rejected, self.probe.limit, start)
                start = max(lowest / 64 if self.best is None else start / 16, smallest)
                if lowest <= 2 * smallest:
                    break
        except Exhausted:
            pass
        if self.best is not None:
            self.first_order = self._first_order(self.best.nodes[0])
        return self.best

    def _farther(self) -> Asking:
        """Whether pairs were added up to a step of 1, as f'' is 0 and |x| alone says over what length.

        Nothing bends at the steps seen, and next to 0 they may all be far too small for f''.
        """
        best, base = self.best, self.landscape.base
        if best is None or self.length is not None or abs(best.value) > best.bound or base.order == 1:
            return False
        h, added = 64 * max(best.top.h, base.h), False
        while h < min(FAR, self.probe.limit):
            pair = yield from self.probe.pair(h)
            if pair is None or abs(pair.d - base.d) > BENT * abs(base.d):
                break
            self.landscape, added = Landscape(pair), True
            h *= 64
        return added

    # -- where to begin ------------------------------------------------------------------------------

    def _start(self) -> Asking:
        """The first step of the growth; the length is that over which f'' changes, where that is seen."""
        base = self.landscape.base
        if base.order == 2:
            low, own = yield from self._even_length()
            if own is not None:
                self.length = own
            elif low is not None and abs(low.d) > 3 * self.noise.interval(low):  # it has not changed there
                self.length = max(self.length or 0.0, low.h)
            elif self.length is not None:  # of f', which known pairs may refute
                self.length = max(self.length, *map(self._least_length, self.probe.sound))
        if self.length is None:
            return base.h / 4
        return float(first_step(FLOATS, self.length, base, self.noise, FIRST))

    def _least_length(self, pair: Pair) -> float:
        """How long the length of f' is at least, as D at a pair is that of the base but for a small share."""
        base, interval = self.landscape.base, self.noise.interval
        known = abs(pair.d - base.d) + interval(pair) + interval(base)
        return pair.h / math.sqrt(6 * known / abs(base.d)) if 0 < 10 * known < abs(base.d) else 0.0

    def _even_length(self) -> Asking:
        """The largest pair whose E / t meets all smaller intervals, and the length over which f'' changes.

        None where no pair departs from the smaller ones.
        """
        low, high = self._departs()
        for _ in range(8):
            if high is None or low is None:
                break
            if not self._noisy(low, high):
                if high.h < 3 * low.h or self._change(low, high) < BEND:
                    break
                yield from self.probe.pair(between(low.h, high.h))
            low, high = self._departs()
        if high is None or low is None:
            return low, None
        return low, float(high.h / math.sqrt(12 * max(self._change(low, high), 1e-12)))

    def _noisy(self, low: Pair, high: Pair) -> bool:
        """Whether a pair departs because E is noise at `low`, which is then added: it does not grow."""
        size, other = (abs(p.d) * p.w for p in (low, high))
        grown = (high.h / low.h) ** 0.7
        smaller = [p for p in self._curves() if p.h < low.h]
        seen = not smaller or max(abs(p.d) * p.w for p in smaller) > 0.3 * size
        if other > size * grown or not seen:
            return False
        self.noise.add(max(self.noise.added, 2 * size), low)
        return True

    def _curves(self) -> list[Pair]:
        return [curved(p, self.unit) for p in self.probe.sound]

    def _departs(self) -> tuple[Pair | None, Pair | None]:
        """The sharpest pair below the first that departs from a smaller one, and that one."""
        seen: list[Pair] = []
        interval = self.noise.interval
        for pair in self._curves():
            if any(abs(pair.d - p.d) > interval(pair) + interval(p) for p in seen):
                return min(seen, key=interval), pair
            seen.append(pair)
        return (min(seen, key=interval) if seen else None), None

    def _change(self, low: Pair, high: Pair) -> float:
        size = max(abs(low.d), 0.5 * abs(high.d))
        return abs(high.d - low.d) / size if size > 0 else 0.0

    # -- growth --------------------------------------------------------------------------------------

    def _outwards(self, start: float) -> Asking:
        """Add nodes upwards from a step until one more cannot pay."""
        probe = self.probe
        nodes: list[Pair] = []
        h = near(probe, start)
        best: Fit | None = None
        for n in range(40):
            if h * 2.0**n >= min(probe.limit, self.rejected):
                break
            pair = yield from probe.pair(h * 2.0**n, exact=True)
            if pair is None:
                break
            if pair.flat or (nodes and pair.h < 1.2 * nodes[-1].h):
                continue
            if any(self._bent(p, pair) for p in nodes):
                break
            nodes = [*nodes, pair][-WINDOW:]
            if len(nodes) < 3:
                continue
            fit = self._fit(nodes)
            if fit is None:
                self.rejected = pair.h
                break
            if best is not None and fit.bound >= best.bound:
                break
            best = fit
            lost = abs(best.value) <= best.bound and pair.h < 0.5 * self.landscape.base.h
            if not lost and enough(best, self.noise.u, best.slope):  # f is straight up to the base
                break
        if best is None and len(nodes) in (1, 2):
            best = self._fit(nodes)
            if best is None:
                self.rejected = min(self.rejected, nodes[-1].h)
        if best is not None and (self.best is None or best.bound < self.best.bound):
            self.best = best

    def _fit(self, nodes: list[Pair]) -> Fit | None:
        """Both parts of the nodes, or None if smaller ones contradict either."""
        bows, slopes = Bows(self.unit), Tableau()
        below = [p for p in self.probe.sound if p.h < nodes[0].h]
        curves = [curved(p, self.unit) for p in below]
        for pair in nodes:
            if bows.nodes and bows.able:
                bows.watch(self.noise)
            bows.add(curved(pair, self.unit))
            slopes.add(pair)
        if not bows.able or conflict(slopes.fit(self.noise, below), self.noise):
            return None
        fit = bows.fit(self.noise, curves)
        if contradicted(fit, self.noise):
            return None
        return replace(fit, slope=fit.slope * min(1.0, fit.h / max(self._reach(), fit.h)))

    def _reach(self) -> float:
        """The length over which changes of f are the scale of f'': beside those of tiny steps all is 0."""
        base = self.landscape.base
        least = STRAIGHT * abs(base.d)
        straight = max((p.h for p in self.probe.sound if abs(p.d - base.d) <= least), default=0.0)
        scale = self.probe.scale if self.probe.x and self.length is None else 0.0
        return max(self.length or 0.0, straight, scale)

    def _bent(self, lower: Pair, pair: Pair) -> bool:
        """Whether f'' (D, for one side) has changed by half, noise apart: the length is reached."""
        low, high = curved(lower, self.unit), curved(pair, self.unit)
        known = self.noise.interval(low) + self.noise.interval(high)
        return abs(high.d - low.d) > BENT * max(abs(low.d), abs(high.d)) + known

    def _inwards(self) -> Asking:
        """Nodes below the lowest one, where truncation is what limits the best fit."""
        for _ in range(4):
            best = self.best
            if best is None or best.truncation < 2 * best.noise:
                return
            if best.bound <= ENOUGH * self.noise.u * abs(best.value):
                return
            lowest = best.nodes[0]
            pair = yield from self.probe.pair(lowest.h / 2, exact=True)
            if pair is None or pair.flat or pair.h > lowest.h / 1.2:
                return
            known = {p.h: p for p in self.probe.sound}
            fit = self._fit([pair, *(known[p.h] for p in best.nodes)][:WINDOW])
            if fit is None or fit.bound > 0.7 * best.bound:
                return
            self.best = fit

    def _first_order(self, low: Pair) -> bool:
        known = {p.h: p for p in self.probe.sound}
        nodes = [known[h] for h in (low.h, 2.0 * low.h, 4.0 * low.h) if h in known]
        return len(nodes) == 3 and bool(first_order(nodes, self.noise))
