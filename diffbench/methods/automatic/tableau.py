"""Extrapolation to h = 0 from nodes that grow, with the noise and the truncation of every choice of nodes.

With t = h^2 (h for one side), D(t) = f' + c_1 t + c_2 t^2 + ...; E(t)/t the same for the even derivatives.
The last row of the divided differences over the nodes t_lo < ... < t_top gives the value T_k from the top
k + 1 nodes, and the coefficients of the Taylor series scaled by the top step,

    M_{2j+1} = |c_j| t_top^j        M_{2j} = |e_j| t_top^j / h_top

whose noise follows from that of one value. The error of T_k is its noise plus theta_k M_{2k+3} (to leading
order), theta_k being the product of the t_i / t_top of its nodes. Where M_{2k+3} was not measured, or is
lost in noise, an envelope continues the decay of those that were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from diffbench.methods.automatic.operations import FLOATS
from diffbench.methods.automatic.pairs import NARROW, Noise, Pair

Z = 4.5  # standard deviations of noise in a bound
SURE = 3.0  # a coefficient counts when it is this many times its noise
LEAST_DECAY = 0.05  # per place: coefficients of smooth functions are not assumed to fall faster
UNKNOWN_DECAY = 0.3  # ... where no decay has been seen yet
REMEMBERED = 3  # coefficients from which the envelope takes its decay
MARGIN = 10.0  # on what the envelope says
FEW = 1.5  # on noise from few residuals: of one there is only its size
COARSE = 1.25  # on truncation in narrow formats: coefficients are known to few digits
BARELY = 2.0**-20  # at steps this small beside the lowest node, the polynomial has its value at 0
CONFLICT = 7.0  # standard deviations by which a smaller node contradicts a fit


@dataclass(frozen=True)
class Pattern:
    """What depends only on the ratios of the steps: one entry for every number of nodes from the top.

    Attributes
    ----------
    theta : tuple of float
        Products of the scaled t of the top k + 1 nodes.
    value : tuple of float
        Noise of T_k over noise of the pair of the lowest of them.
    odd, even : tuple of float
        Noise of M_{2k+1} over that of the lowest pair; of M_{2k+2} over noise of one value / top step.
    """

    theta: tuple[float, ...]
    value: tuple[float, ...]
    odd: tuple[float, ...]
    even: tuple[float, ...]


@lru_cache(maxsize=4096)
def pattern(steps: tuple[float, ...], order: int) -> Pattern:
    """Constants of a row of steps, top first, scaled by the top one."""
    t = [h**order for h in steps]
    theta, value, odd, even = [], [], [], []
    product = 1.0
    for k in range(len(t)):
        v = [1.0 / math.prod(t[i] - t[j] for j in range(k + 1) if j != i) if k else 1.0 for i in range(k + 1)]
        product *= t[k]
        omega = [v[i] * product / t[i] for i in range(k + 1)]
        own = [steps[k] / h for h in steps[: k + 1]]
        theta.append(product)
        value.append(_spread(omega, own, order))
        odd.append(_spread(v, own, order))
        even.append(math.sqrt(1.5) * math.sqrt(sum((a / b) ** 2 for a, b in zip(v, t, strict=False))))
    return Pattern(tuple(theta), tuple(value), tuple(odd), tuple(even))


def _spread(weights: Sequence[float], noise: Sequence[float], order: int) -> float:
    terms = [a * b for a, b in zip(weights, noise, strict=True)]
    square = sum(a * a for a in terms)
    if order == 1:  # half of the variance of a one-sided difference is that of f(x), which all of them share
        square = 0.5 * (square + sum(terms) ** 2)
    return math.sqrt(square)


@dataclass
class Fit:
    """The best value from the nodes up to a top one.

    Attributes
    ----------
    value, bound : float
    noise, truncation : float
        The two parts of the bound.
    used : int
        Nodes used, from the top.
    h, slope : float
        The step of the top node, and the largest change of f over it, divided by it.
    promise : float
        The least bound that the next node can give, by what is known.
    factor : float
        Noise found over noise modelled.
    residuals : list of (deviation, difference, pair)
        Smaller nodes against the fit, in standard deviations and as they are.
    curvature, third : float
        f''/2 and f'''/6, where there is an even part.
    """

    value: Any
    bound: Any
    noise: Any
    truncation: Any
    used: Any
    h: Any
    slope: Any
    promise: Any
    nodes: list[Pair]
    factor: Any = 1.0
    residuals: list[tuple[Any, Any, Pair]] = field(default_factory=list)
    curvature: Any = 0.0
    third: Any = 0.0

    @property
    def top(self) -> Pair:
        return self.nodes[-1]


class Tableau:
    """Divided differences over growing nodes, one row for every top."""

    def __init__(self) -> None:
        self.nodes: list[Pair] = []
        self.steps: list[float] = []  # relative to the lowest
        self._t: list[float] = []
        self._odd: list[Any] = []
        self._even: list[Any] = []
        self._peak_odd: list[Any] = []
        self._peak_even: list[Any] = []

    def add(self, pair: Pair) -> None:
        """A node above all others."""
        step = pair.h / self.nodes[0].h if self.nodes else 1.0
        t = step**pair.order
        self._odd = self._row(pair.d, self._odd, t)
        self._even = self._row(self._other(pair, t), self._even, t)
        self._t.append(t)
        self.steps.append(step)
        self.nodes.append(pair)

    def _other(self, pair: Pair, t: float) -> Any:
        """What of a pair is a polynomial in t beside D."""
        return pair.e / t

    def _row(self, first: Any, above: list[Any], t: float) -> list[Any]:
        row = [first]
        for j, previous in enumerate(above):
            row.append((row[j] - previous) * (1.0 / (t - self._t[-1 - j])))
        return row

    def fit(self, noise: Noise, below: Sequence[Pair]) -> Fit:
        """The best choice of nodes, judged by all smaller ones."""
        nodes, top = self.nodes[::-1], self.nodes[-1]
        order, count = top.order, len(nodes)
        shape = pattern(tuple(step / self.steps[-1] for step in reversed(self.steps)), order)
        sigma = [noise.total(p) for p in nodes]
        by_node = [s / p.w for s, p in zip(sigma, nodes, strict=True)]
        powers = [self._t[-1] ** j for j in range(count + 1)]
        odd = [abs(c) * p for c, p in zip(self._odd, powers, strict=False)]
        odd_noise = [a * b for a, b in zip(shape.odd, by_node, strict=True)]
        even, even_noise = [], []
        if order == 2:
            even = [abs(c) * (p / top.h) for c, p in zip(self._even, powers[1:], strict=True)]
            even_noise = [a * (s / top.h) for a, s in zip(shape.even, sigma, strict=True)]
        beta = remainders(
            order,
            self._peaks(self._peak_odd, odd, odd_noise, powers),
            odd_noise,
            self._peaks(self._peak_even, even, even_noise, [p / top.h for p in powers[1:]]),
            even_noise,
        )
        values = [self._odd[0]]
        for j in range(1, count):
            step = self._odd[j] * (powers[j] * shape.theta[j - 1])
            values.append(values[-1] - step if j % 2 else values[-1] + step)
        spread = [a * b for a, b in zip(shape.value, by_node, strict=True)]
        truncation = [a * b for a, b in zip(shape.theta, beta, strict=True)]
        best = Choice(values, spread, truncation)
        higher = [*zip(odd[2:], odd_noise[2:], strict=True), *zip(even[1:], even_noise[1:], strict=True)]
        return self._judged(noise, below, best, higher)

    def _peaks(self, peaks: list[Any], sizes: list[Any], noise: list[Any], units: list[Any]) -> list[Any]:
        """Every coefficient as large as a smaller top had it: beyond convergence it only seems to fall."""
        peaks.extend([0.0] * (len(sizes) - len(peaks)))
        raised = []
        for j, (size, n, unit) in enumerate(zip(sizes, noise, units, strict=False)):
            if size > SURE * n:
                peaks[j] = max(peaks[j], size / unit)
            raised.append(max(size, peaks[j] * unit))
        return raised

    def _judged(
        self, noise: Noise, below: Sequence[Pair], best: Choice, higher: list[tuple[Any, Any]]
    ) -> Fit:
        """The noise that residuals of smaller nodes and coefficients lost in noise show, and the bound."""
        square: Any = 0.0
        number = 0
        residuals = []
        for node in [*self.nodes[::-1][best.k + 1 :], *below]:
            difference, scale = self._residual(node, best, noise)
            deviation: Any = 0.0
            if scale > 0:
                deviation = difference / scale
                square += deviation * deviation
                number += 1
            residuals.append((deviation, difference, node))
        for size, n in higher:
            if n > 0 and size <= SURE * n:
                ratio = size / n
                square += ratio * ratio
                number += 1
        found: Any = math.sqrt(square / number) * (1 + FEW / number) if number else 1.0
        floor: Any = 1.0  # less noise than modelled is believed only of the argument's rounding
        if not noise.seen and number >= 4:
            total = noise.total(self.nodes[0])
            floor = noise.value(self.nodes[0]) / total if total > 0 else 1.0
        factor = max(found, floor)
        spread = Z * factor * best.spread
        truncation = COARSE * best.truncation if noise.u >= NARROW else best.truncation
        bound = spread + truncation + 2 * noise.u * abs(best.value)
        top = self.nodes[-1]
        promise = best.promise(Z * factor, top.order) + 2 * noise.u * abs(best.value)
        parts = (best.value, bound, spread, truncation, best.k + 1)
        return Fit(*parts, top.h, top.df / top.h, promise, self.nodes[:], factor, residuals)

    def _residual(self, pair: Pair, best: Choice, noise: Noise) -> tuple[Any, Any]:
        """A smaller node against the polynomial through the top k + 1 nodes, and how far it may be off."""
        ratio = pair.h / self.nodes[0].h
        value = best.value if ratio <= BARELY else None
        if value is None:
            t = ratio * ratio if pair.order == 2 else ratio
            value = self._odd[best.k]
            for j in range(best.k - 1, -1, -1):
                value = value * (t - self._t[-1 - j]) + self._odd[j]
        own = noise.total(pair) / pair.w
        third = best.truncation / 3
        return pair.d - value, math.sqrt(own * own + best.spread * best.spread + third * third)

    def low_coefficients(self, k: int) -> tuple[Any, Any]:
        """Half of the second derivative and a sixth of the third, from the top k + 1 nodes."""
        even, value, slope = self._even[k], self._odd[k], 0.0
        for j in range(k - 1, -1, -1):
            even = self._even[j] - self._t[-1 - j] * even
            slope = value - self._t[-1 - j] * slope
            value = self._odd[j] - self._t[-1 - j] * value
        h = self.nodes[0].h  # its square may overflow
        return even / h / h, slope / h / h


class Choice:
    """How many nodes from the top to use: the least sum of noise and truncation."""

    def __init__(self, values: list[Any], spread: list[Any], truncation: list[Any]) -> None:
        self.spreads, self.truncations = spread, truncation
        self.k: Any = 0
        least = Z * spread[0] + truncation[0]
        for j in range(1, len(values)):
            bound = Z * spread[j] + truncation[j]
            if bound < least:
                least, self.k = bound, j
        self.value, self.spread, self.truncation = values[self.k], spread[self.k], truncation[self.k]

    def promise(self, z: Any, order: int) -> Any:
        """The noise and truncation to expect from the best choice once there is a node at twice the top.

        A choice of as many nodes then has half the noise, and its truncation at twice the steps; one of one
        more has the noise that all nodes have now, and a truncation that is taken to vanish.
        """
        growth, factor = 2.0**order, 1.0
        least, half = z * self.spreads[-1], 0.5 * z
        for spread, truncation in zip(self.spreads, self.truncations, strict=True):
            factor *= growth
            least = min(least, half * spread + truncation * factor)
        return least


def conflict(fit: Fit, noise: Noise) -> bool:
    """Whether smaller nodes contradict a fit and noise cannot be why.

    Noise is irreproducible: two nodes that contradict the fit and agree with each other are right, and a node
    whose noise shows nowhere else is not noisy.
    """
    against = [(d, p) for r, d, p in fit.residuals if abs(r) > CONFLICT]
    if not against:
        return False
    for i, (_, p) in enumerate(against):
        for _, q in against[i + 1 :]:
            if abs(p.d - q.d) <= noise.interval(p) + noise.interval(q):
                return True
    size, worst = max((abs(d) * p.w, p.h) for d, p in against)
    return not any(abs(d) * p.w > size / 30 for _, d, p in fit.residuals if p.h != worst)


def remainders(
    order: int, odd: list[Any], odd_noise: list[Any], even: list[Any], even_noise: list[Any]
) -> list[Any]:
    """The next scaled coefficient beyond T_k, for every k: measured, or what the envelope says.

    Even and odd coefficients of one order in t are taken together, so that one that happens to be small
    does not pass for fast convergence.
    """
    envelope = Envelope(odd[0])
    beta = []
    for k in range(len(odd)):
        place = order * (k + 1)
        known = order == 2 and even[k] > SURE * even_noise[k]
        size = even[k] if known else 0.0
        if k + 1 == len(odd):
            if known:
                envelope.add(size, place - order // 2)
            beta.append(envelope.at(place))
            break
        if odd[k + 1] > SURE * odd_noise[k + 1]:
            before = 0.25 * envelope.at(place)
            envelope.add(max(size, odd[k + 1]), place - order // 2)
            beta.append(max(odd[k + 1], before))
        else:
            if known:
                envelope.add(size, place - order // 2)
            beta.append(min(odd[k + 1] + 2 * odd_noise[k + 1], envelope.at(place)))
    return beta


class Envelope:
    """Scaled coefficients go on to fall by the slowest of their last decays; lost ones are left out.

    A coefficient stands at its place in the Taylor series of D; an even and an odd one of the same order in t
    stand together at the place of the even one.
    """

    def __init__(self, first: Any) -> None:
        self.last, self.place = first, 0
        self.newest: Any = 0.0  # decays per place; 0 where there is none yet
        self.older: list[Any] = [0.0] * (REMEMBERED - 2)

    def add(self, size: Any, place: int) -> None:
        """One more coefficient that is known."""
        if not size > 0:
            return
        ratio = size / self.last if self.last > 0 else 0.0
        self.older = [*self.older[1:], self.newest]
        self.newest = FLOATS.root(ratio, place - self.place)
        self.last, self.place = size, place

    def at(self, place: int) -> Any:
        """The coefficient at a place beyond all known ones."""
        least = LEAST_DECAY if self.newest > 0 else UNKNOWN_DECAY
        decay = max(least, self.newest, *self.older)
        return MARGIN * self.last * FLOATS.raised(decay, place - self.place)
