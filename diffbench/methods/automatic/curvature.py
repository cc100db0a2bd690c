"""Extrapolation of the second derivative: the tableau of the first, read for the even part.

With t = h^2, 2 E(t) / t = f'' + c_1 t + c_2 t^2 + ... is a polynomial like D(t), so the value, the scaled
coefficients, their envelope and the residuals are those of :mod:`diffbench.methods.automatic.tableau`. What
differs:

* noise: that of one value divided by t / sqrt(6), two thirds of its variance that of f(x), which all share;
* the coefficients between two of 2 E / t are those of D from f''' on;
* with values on one side only, t = h and D(t) = f' + f'' t / 2 + ...: the value is twice the slope of the
  polynomial at 0 instead of its value there, and its coefficients begin with that of t.

Everything is in units of a power of two for x, so that no square of a step leaves the range of the format.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from diffbench.methods.automatic.pairs import Noise, Pair
from diffbench.methods.automatic.tableau import CONFLICT, Choice, Fit, Tableau, pattern, remainders

#: Scaled coefficients, their noise, and the largest that any top has seen.
Scaled = tuple[list[float], list[float], list[float]]

ROOT_6 = math.sqrt(6.0)
SHARED = {2: 2 / 3, 1: 1 / 2}  # of the variance of a node: that of f(x)


@dataclass(frozen=True)
class Reading:
    """What depends only on the ratios of the steps: one entry for every number of nodes from the top.

    Attributes
    ----------
    weight : tuple of float
        What a divided difference of the polynomial adds to the value.
    value, main : tuple of float
        Noise of the value, and of the scaled divided difference, over that of the lowest node used.
    """

    weight: tuple[float, ...]
    value: tuple[float, ...]
    main: tuple[float, ...]


@lru_cache(maxsize=4096)
def reading(steps: tuple[float, ...], order: int) -> Reading:
    """Constants of a row of steps, top first, scaled by the top one; one weight more than there are steps."""
    t = [h**order for h in steps]
    power, slope = [1.0], [0.0]  # of the product of (s - t_i), and of its derivative, at s = 0
    for one in t:
        slope.append(power[-1] - one * slope[-1])
        power.append(-one * power[-1])
    weight = power if order == 2 else slope
    omega = [0.0] * len(t)
    value, main = [], []
    for k in range(len(t)):
        v = [1.0 / math.prod(t[i] - t[j] for j in range(k + 1) if j != i) if k else 1.0 for i in range(k + 1)]
        for i, one in enumerate(v):
            omega[i] += weight[k] * one
        value.append(_spread(omega[: k + 1], t, order))
        main.append(_spread(v, t, order))
    return Reading(tuple(weight), tuple(value), tuple(main))


def _spread(weights: Sequence[float], t: Sequence[float], order: int) -> float:
    """Of a weighted sum over nodes whose noise goes like 1/t, part of it the same for all."""
    terms = [w * (t[len(weights) - 1] / one) for w, one in zip(weights, t, strict=False)]
    shared = SHARED[order] * sum(terms) ** 2
    return math.sqrt(shared + (1 - SHARED[order]) * sum(a * a for a in terms))


def curved(pair: Pair, unit: float) -> Pair:
    """A pair read for the second derivative: ``d`` is 2 E / t, ``e`` the difference quotient D.

    A one-sided pair stays what it is: the second derivative is the slope of its D.
    """
    if pair.order == 1:
        return pair
    found = object.__new__(Pair)
    h = pair.h / unit
    found.h, found.order, found.size, found.df, found.flat = pair.h, 2, pair.size, pair.df, pair.flat
    found.d, found.e, found.w = 2 * pair.e / h / h, pair.d, h * h / ROOT_6
    return found


class Bows(Tableau):
    """The tableau of curved pairs; ``fit`` gives f'' times the square of the unit."""

    def __init__(self, unit: float) -> None:
        super().__init__()
        self.unit = unit

    @property
    def able(self) -> bool:
        """Whether there are nodes enough for a value."""
        return len(self.nodes) > 2 - self.nodes[0].order

    def _other(self, pair: Pair, t: float) -> Any:
        return pair.e

    def _ratios(self) -> tuple[float, ...]:
        return tuple(step / self.steps[-1] for step in reversed(self.steps))

    def watch(self, noise: Noise) -> tuple[Scaled, Scaled]:
        """The scaled coefficients with this top, remembered for where a larger one sees less of them."""
        order, h, ratios = self.nodes[-1].order, self.nodes[-1].h / self.unit, self._ratios()
        powers = [self._t[-1] ** j for j in range(len(self.nodes) + 1)]
        units = self._units(powers, h)
        main, main_noise = self._main(noise, reading(ratios, order), powers, h)
        between, between_noise = self._between(noise, ratios, powers, h)
        return (
            (main, main_noise, self._peaks(self._peak_odd, main, main_noise, units)),
            (between, between_noise, self._peaks(self._peak_even, between, between_noise, units)),
        )

    def fit(self, noise: Noise, below: Sequence[Pair]) -> Fit:
        """The best choice of nodes, judged by all smaller ones."""
        order, top = self.nodes[-1].order, self.nodes[-1]
        h = top.h / self.unit
        shape = reading(self._ratios(), order)
        powers = [self._t[-1] ** j for j in range(len(self.nodes) + 1)]
        (main, main_noise, peaks), (between, between_noise, peaks_between) = self.watch(noise)
        beta = remainders(order, peaks, main_noise, peaks_between, between_noise)
        skip = 2 - order  # one node alone has no slope
        scale = self._units(powers, h)[0]
        values, spread, truncation = [], [], []
        value = 0.0
        for k, (coefficient, node) in enumerate(zip(self._odd, reversed(self.nodes), strict=True)):
            value += shape.weight[k] * coefficient * powers[k] * scale
            if k >= skip:
                values.append(value)
                spread.append(shape.value[k] * noise.total(node) / node.w * scale)
                truncation.append(abs(shape.weight[k + 1]) * beta[k - skip])
        best = Bowed(values, spread, truncation)
        best.k += skip
        higher = [*zip(main[1:], main_noise[1:], strict=True), *zip(between, between_noise, strict=True)]
        fit = self._judged(noise, below, best, higher)
        return replace(fit, slope=2 * top.df / h / h)

    def _units(self, powers: list[float], h: float) -> list[float]:
        """From the k-th coefficient of the polynomial to the k-th scaled one, in unit^-2."""
        return powers if self.nodes[0].order == 2 else [2 * self.unit / h * p for p in powers]

    def _main(
        self, noise: Noise, shape: Reading, powers: list[float], h: float
    ) -> tuple[list[float], list[float]]:
        """Scaled coefficients from f'' on, every second one (every one for one side), and their noise."""
        units = self._units(powers, h)
        sizes = [abs(c) * p for c, p in zip(self._odd, units, strict=False)]
        lowest = zip(shape.main, reversed(self.nodes), strict=True)
        scale = units[0]
        spread = [a * noise.total(p) / p.w * scale for a, p in lowest]
        skip = 2 - self.nodes[0].order
        return sizes[skip:], spread[skip:]

    def _between(
        self, noise: Noise, ratios: tuple[float, ...], powers: list[float], h: float
    ) -> tuple[list[float], list[float]]:
        """... the ones between, from f''' on: those of D, beside f''; nothing is known beyond the last."""
        if self.nodes[0].order == 1:
            return [], []
        scale = 2 * self.unit / h
        sizes = [abs(c) * p * scale for c, p in zip(self._even, powers, strict=False)]
        shape = pattern(ratios, 2)
        spread = [
            a * noise.total(p) / (math.sqrt(2.0) * p.h) * scale
            for a, p in zip(shape.odd, reversed(self.nodes), strict=True)
        ]
        return [*sizes[1:], 0.0], [*spread[1:], 0.0]

    def _residual(self, pair: Pair, best: Choice, noise: Noise) -> tuple[Any, Any]:
        """As for the first derivative; one-sided nodes are compared as what they are, slopes."""
        if pair.order == 2:
            return super()._residual(pair, best, noise)
        slopes = object.__new__(Choice)
        slopes.value = None  # of the slope at 0
        half = 0.5 * self.nodes[-1].h / self.unit / self.unit
        slopes.k, slopes.spread, slopes.truncation = best.k, best.spread * half, best.truncation * half
        return super()._residual(pair, slopes, noise)


class Bowed(Choice):
    """How many nodes to use: as for the first derivative, but noise falls like h^2."""

    def promise(self, z: Any, order: int) -> Any:
        """The noise and truncation to expect once there is a node at twice the top."""
        growth = 2.0**order
        pairs = enumerate(zip(self.spreads, self.truncations, strict=True))
        least = min(0.25 * z * spread + truncation * growth ** (k + 1) for k, (spread, truncation) in pairs)
        return min(least, z * self.spreads[-1])


def contradicted(fit: Fit, noise: Noise) -> bool:
    """Whether smaller nodes contradict a fit and noise cannot be why.

    As for the first derivative; but nodes that agree because they share a wrong f(x) do not count: their E
    is the same, while that of a function grows with t.
    """
    against = [(d, p) for r, d, p in fit.residuals if abs(r) > CONFLICT]
    if not against:
        return False
    for i, (d, p) in enumerate(against):
        for e, q in against[i + 1 :]:
            if abs(d - e) <= noise.interval(p) + noise.interval(q) and not _shared(d, p, e, q):
                return True
    size, worst = max((abs(d) * p.w, p.h) for d, p in against)
    return not any(abs(d) * p.w > size / 30 for _, d, p in fit.residuals if p.h != worst)


def _shared(d: float, p: Pair, e: float, q: Pair) -> bool:
    """Whether two differences are those of one wrong f(x) rather than of one wrong value."""
    return abs(d * p.w - e * q.w) < 0.5 * max(abs(d * p.w), abs(e * q.w)) and p.h != q.h
