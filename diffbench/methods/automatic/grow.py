"""The growth: nodes from well below the length of the function outwards, until the bound stops falling.

Steps double; after each node the best extrapolation with that node
on top is judged by all smaller nodes. A node whose fit contradicts them (a kink, a pole, another period) ends
the growth: nothing beyond it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from diffbench.methods.automatic.climb import Landscape, aligned, first_step
from diffbench.methods.automatic.pairs import Asking, Exhausted, Noise, Pair, Probe, snapped
from diffbench.methods.automatic.tableau import Fit, Tableau

BENT = 0.3  # D has changed by this share of the slope: the length of the function is reached
WINDOW = 9  # nodes in one extrapolation
GOOD, FAIR, POOR = 12.0, 160.0, 3000.0  # bounds in unit roundoffs of the value at which to stop


class Growth:
    """Extrapolation on one side (or both) of x, from what the climb found."""

    def __init__(self, probe: Probe, noise: Noise, landscape: Landscape) -> None:
        self.probe, self.noise, self.landscape = probe, noise, landscape
        self.best: Fit | None = None
        self.rejected = math.inf  # the smallest step that contradicts smaller ones

    def run(self) -> Asking:
        """The best fit, or None if no step was good enough."""
        base, length = self.landscape.base, self.landscape.length
        if length is None:
            start = base.h / 4
        else:
            start = first_step(length, base, self.noise, abs(base.d))
        smallest = self.probe.sound[0].h
        try:
            for _ in range(6):
                yield from self._outwards(max(start, smallest))
                yield from self._inwards()
                if self.best is not None and not self._wants_smaller():
                    break
                lowest = min(self.rejected, self.probe.limit, start)
                start = max(math.sqrt(smallest * lowest) / 4 if self.best is None else start / 16, smallest)
                if lowest <= 2 * smallest:
                    break
        except Exhausted:
            pass
        return self.best

    def _wants_smaller(self) -> bool:
        best = self.best
        return best is not None and best.bound > 1e-6 * abs(best.value) and best.truncation > 10 * best.noise

    def _outwards(self, start: float) -> Asking:
        """Add nodes upwards from a step until one more cannot pay."""
        tableau = Tableau()
        h, no_gain = self._near(start), 0
        best: Fit | None = None
        for n in range(40):
            step = h * 2.0**n
            if step >= min(self.probe.limit, self.rejected):
                break
            pair = yield from self.probe.pair(step, exact=True)
            if pair is None:
                break
            tableau.add(pair)
            below = [p for p in self.probe.sound if p.h < tableau.nodes[0].h]
            if len(tableau.nodes) > WINDOW:
                tableau = _without_lowest(tableau)
            fit = tableau.fit(self.noise, below)
            if fit.conflict:
                self.rejected = pair.h
                break
            if best is None or fit.bound < best.bound:
                best, no_gain = fit, 0
            else:
                no_gain += 1
            if self._enough(best, fit, no_gain, len(tableau.nodes)):
                break
        if best is not None and (self.best is None or best.bound < self.best.bound):
            self.best = best

    def _inwards(self) -> Asking:
        """Nodes below the lowest one, where truncation is what limits the best fit."""
        for _ in range(4):
            best = self.best
            if best is None or best.truncation < 2 * best.noise:
                return
            if best.bound <= FAIR * self.noise.u * abs(best.value):
                return
            nodes = best.nodes
            pair = yield from self.probe.pair(nodes[0].h / 2, exact=True)
            if pair is None or pair.h >= nodes[0].h:
                return
            tableau = Tableau()
            below = [p for p in self.probe.sound if p.h < pair.h]
            for node in [pair, *nodes]:
                tableau.add(node)
                fit = tableau.fit(self.noise, below)
            if fit.conflict or fit.bound > 0.7 * best.bound:
                return
            self.best = fit

    def _near(self, start: float) -> float:
        """About the start, so that a pair that is already known becomes one of the nodes."""
        known = [p.h for p in self.probe.sound if 0.7 * start <= p.h <= 40 * start]
        return aligned(start, min(known)) if known else snapped(start)

    def _enough(self, best: Fit, fit: Fit, no_gain: int, count: int) -> bool:
        u, value = self.noise.u, abs(best.value)
        slope = fit.top.df / fit.top.h
        return (
            best.bound <= GOOD * u * value
            or (best.bound <= FAIR * u * value and best.truncation < best.noise)
            or (best.bound <= POOR * u * value and best.noise > best.truncation > 0.5 * best.noise / 4.0**best.used)
            or value <= best.bound <= FAIR * u * slope
            or abs(fit.top.d - fit.value) > BENT * max(value, slope)
            or no_gain >= (2 if count <= 4 else 1)
        )


def _without_lowest(tableau: Tableau) -> Tableau:
    fresh = Tableau()
    for pair in tableau.nodes[1:]:
        fresh.add(pair)
    return fresh
