"""The growth: nodes from well below the length of the function outwards, until the bound stops falling.

Steps double; after each node the best extrapolation with that node
on top is judged by all smaller nodes. A node whose fit contradicts them (a kink, a pole, another period) ends
the growth: nothing beyond it is used.
"""

from __future__ import annotations

import math

from diffbench.methods.automatic.climb import Landscape, between
from diffbench.methods.automatic.operations import FLOATS
from diffbench.methods.automatic.pairs import FEW_BITS, Asking, Exhausted, Noise, Pair, Probe, snapped
from diffbench.methods.automatic.rules import (
    WINDOW,
    aligned,
    bent,
    enough,
    first_order,
    first_step,
    wants_inner_nodes,
    wants_restart,
)
from diffbench.methods.automatic.tableau import Fit, Tableau, conflict


class Growth:
    """Extrapolation on one side (or both) of x, from what the climb found."""

    def __init__(self, probe: Probe, noise: Noise, landscape: Landscape) -> None:
        self.probe, self.noise, self.landscape = probe, noise, landscape
        self.best: Fit | None = None
        self.first_order = False  # D grows like h: f'' jumps at x
        self.rejected = math.inf  # the smallest step that contradicts smaller ones

    def run(self) -> Asking:
        """The best fit, or None if no step was good enough."""
        base, length = self.landscape.base, self.landscape.length
        if length is None:
            start = self._precise_step(base) / 4
        else:
            start = first_step(FLOATS, length, base, self.noise)
        smallest = self.probe.sound[0].h
        try:
            for _ in range(6):
                yield from self._outwards(max(start, smallest))
                yield from self._inwards()
                if self.best is not None and not wants_restart(self.best):
                    break
                lowest = min(self.rejected, self.probe.limit, start)
                start = max(between(smallest, lowest) / 4 if self.best is None else start / 16, smallest)
                if lowest <= 2 * smallest:
                    break
        except Exhausted:
            pass
        if self.best is not None:
            self.first_order = self._first_order(self.best.nodes[0])
            _with_higher_derivatives(self.best)
        return self.best

    def _precise_step(self, base: Pair) -> float:
        """The base, or where its noise has become large (in relation to large values) a smaller step."""
        pairs = [p for p in self.probe.sound if p.h <= base.h]
        least = min(self.noise.interval(p) for p in pairs)
        if self.noise.u < FEW_BITS and self.noise.interval(base) <= 30 * least:
            return base.h
        return next(p.h for p in pairs if self.noise.interval(p) <= 2 * least)

    def _first_order(self, low: Pair) -> bool:
        middle, high = (self.probe.pairs.get(low.h * factor) for factor in (2.0, 4.0))
        return middle is not None and high is not None and bool(first_order([low, middle, high], self.noise))

    def _outwards(self, start: float) -> Asking:
        """Add nodes upwards from a step until one more cannot pay."""
        probe, noise = self.probe, self.noise
        tableau = Tableau()
        h = near(probe, start)
        best: Fit | None = None
        for n in range(40):
            if h * 2.0**n >= min(probe.limit, self.rejected):
                break
            pair = yield from probe.pair(h * 2.0**n, exact=True)
            if pair is None:
                break
            if pair.flat or (tableau.nodes and pair.h < 1.2 * tableau.nodes[-1].h):
                continue  # the change, or that of the step, is below the rounding of the format
            if tableau.nodes and bent(FLOATS, tableau.nodes[0], pair):
                break
            if len(tableau.nodes) == WINDOW:
                tableau = _without_lowest(tableau)
            tableau.add(pair)
            if len(tableau.nodes) < 3:
                continue
            fit = tableau.fit(noise, self._below(tableau))
            if conflict(fit, noise):
                self.rejected = pair.h
                break
            if best is not None and fit.bound >= best.bound:
                break
            best = fit
            if enough(best, noise.u, pair.df / pair.h):
                break
        if best is None and tableau.nodes:
            fit = tableau.fit(noise, self._below(tableau))
            if conflict(fit, noise):
                self.rejected = min(self.rejected, fit.top.h)
            else:
                best = fit
        if best is not None and (self.best is None or best.bound < self.best.bound):
            self.best = best

    def _below(self, tableau: Tableau) -> list[Pair]:
        return [p for p in self.probe.sound if p.h < tableau.nodes[0].h]

    def _inwards(self) -> Asking:
        """Nodes below the lowest one, where truncation is what limits the best fit."""
        for _ in range(4):
            best = self.best
            if best is None or not wants_inner_nodes(best, self.noise.u):
                return
            nodes = best.nodes
            pair = yield from self.probe.pair(nodes[0].h / 2, exact=True)
            if pair is None or pair.flat or pair.h > nodes[0].h / 1.2:
                return
            tableau = Tableau()
            below = [p for p in self.probe.sound if p.h < pair.h]
            for node in [pair, *nodes]:
                tableau.add(node)
                fit = tableau.fit(self.noise, below)
            if conflict(fit, self.noise) or fit.bound > 0.7 * best.bound:
                return
            self.best = fit


def near(probe: Probe, start: float) -> float:
    """About the start, so that a pair that is already known becomes one of the nodes."""
    known = [p.h for p in probe.sound if 0.7 * start <= p.h <= 40 * start]
    return float(aligned(FLOATS, start, min(known))) if known else snapped(start)


def _without_lowest(tableau: Tableau) -> Tableau:
    fresh = Tableau()
    for pair in tableau.nodes[1:]:
        fresh.add(pair)
    return fresh


def _with_higher_derivatives(fit: Fit) -> None:
    tableau = Tableau()
    for node in fit.nodes:
        tableau.add(node)
    fit.curvature, fit.third = tableau.low_coefficients(fit.used - 1)
