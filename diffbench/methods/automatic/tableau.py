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
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from diffbench.methods.automatic.pairs import Noise, Pair

Z = 4.5  # standard deviations of noise in a bound
SURE = 3.0  # a coefficient counts when it is this many times its noise
FIRST_DECAY = 0.3  # assumed ratio of neighbouring scaled coefficients until two are known
LEAST_DECAY, MOST_DECAY = 0.02, 30.0  # what the envelope may assume


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
        Nodes used, from the top; ``order`` is that of the truncation in h.
    factor : float
        Noise found over noise modelled.
    curvature : float
        f''/2, where there is an even part.
    """

    value: Any
    bound: float
    noise: float
    truncation: float
    used: int
    nodes: list[Pair]
    factor: float = 1.0
    curvature: Any = 0.0
    third: Any = 0.0
    conflict: bool = False

    @property
    def top(self) -> Pair:
        return self.nodes[-1]


class Tableau:
    """Divided differences over growing nodes, one row for every top."""

    def __init__(self) -> None:
        self.nodes: list[Pair] = []
        self._t: list[float] = []
        self._odd: list[Any] = []
        self._even: list[Any] = []
        self._peak_odd: list[float] = []
        self._peak_even: list[float] = []

    def add(self, pair: Pair) -> None:
        """A node above all others."""
        t = (pair.h / self.nodes[0].h) ** pair.order if self.nodes else 1.0
        self._odd = self._row(pair.d, self._odd, t)
        self._even = self._row(pair.e / t, self._even, t)
        self._t.append(t)
        self.nodes.append(pair)

    def _row(self, first: Any, above: list[Any], t: float) -> list[Any]:
        row = [first]
        for j, previous in enumerate(above):
            row.append((row[j] - previous) / (t - self._t[-1 - j]))
        return row

    def fit(self, noise: Noise, below: Sequence[Pair]) -> Fit:
        """The best choice of nodes, judged by all smaller ones."""
        nodes, top = self.nodes[::-1], self.nodes[-1]
        order, count = top.order, len(nodes)
        shape = pattern(tuple(p.h / top.h for p in nodes), order)
        t_top = self._t[-1]
        sigma = [noise.total(p) for p in nodes]
        by_node = [s / p.w for s, p in zip(sigma, nodes, strict=True)]
        powers = [t_top**j for j in range(count + 1)]
        values = [self._odd[0]]
        for j in range(1, count):
            step = self._odd[j] * powers[j] * shape.theta[j - 1]
            values.append(values[-1] - step if j % 2 else values[-1] + step)
        odd = [abs(c) * p for c, p in zip(self._odd, powers, strict=False)]
        odd_noise = [a * b for a, b in zip(shape.odd, by_node, strict=True)]
        if order == 2:
            even = [abs(c) * p / top.h for c, p in zip(self._even, powers[1:], strict=True)]
            even_noise = [a * s / top.h for a, s in zip(shape.even, sigma, strict=True)]
        else:
            even, even_noise = [0.0] * count, [math.inf] * count
        highest_odd = _peaks(self._peak_odd, odd, odd_noise, powers)
        highest_even = _peaks(self._peak_even, even, even_noise, powers)
        factor = 1.0
        for _ in range(2):
            spread = [Z * factor * a * b for a, b in zip(shape.value, by_node, strict=True)]
            beta = _remainders(highest_odd, odd_noise, highest_even, even_noise, factor, order)
            if order == 1:  # no even part to tell a coefficient that is small by accident
                beta = [3 * b for b in beta]
            truncation = [a * b for a, b in zip(shape.theta, beta, strict=True)]
            k = min(range(count), key=lambda i: spread[i] + truncation[i])
            fit = Fit(values[k], spread[k] + truncation[k], spread[k], truncation[k], k + 1, list(self.nodes))
            residuals = [
                self._residual(p, k, noise, shape.value[k] * by_node[k], truncation[k])
                for p in [*nodes[k + 1 :], *below]
            ]
            lost = [
                m / n
                for m, n in zip(odd[2:] + even[1:], odd_noise[2:] + even_noise[1:], strict=True)
                if m <= SURE * factor * n
            ]
            found = _measured([r for r, _, _ in residuals] + lost)
            floor = 1.0  # less noise than modelled is believed only of the argument's rounding
            if not noise.seen and len(residuals) + len(lost) >= 4:
                floor = noise.value(nodes[k]) / sigma[k]
            fit.factor = factor = max(found, floor)
            if 0.5 < factor < 2.0:
                break
        fit.noise = Z * factor * shape.value[k] * by_node[k]
        fit.bound = fit.noise + fit.truncation + 2 * noise.u * abs(fit.value)
        fit.conflict = self._conflict(residuals, noise)
        fit.curvature, fit.third = self._lowest_coefficients(k)
        return fit

    def _conflict(self, residuals: list[tuple[float, float, Pair]], noise: Noise) -> bool:
        """Whether smaller nodes contradict the fit and noise cannot be why.

        Noise is irreproducible: two nodes that contradict the fit and agree with each other are right, and
        a node whose noise shows nowhere else is not noisy.
        """
        against = [(d, p) for r, d, p in residuals if abs(r) > CONFLICT]
        if not against:
            return False
        for i, (_, p) in enumerate(against):
            for _, q in against[i + 1 :]:
                if abs(p.d - q.d) <= noise.interval(p) + noise.interval(q):
                    return True
        size, worst = max((abs(d) * p.w, p.h) for d, p in against)
        return not any(abs(d) * p.w > size / 30 for _, d, p in residuals if p.h != worst)

    def _residual(
        self, pair: Pair, k: int, noise: Noise, spread: float, truncation: float
    ) -> tuple[float, float, Pair]:
        """A smaller node against the polynomial through the top k + 1 nodes, in standard deviations."""
        t = (pair.h / self.nodes[0].h) ** pair.order
        value = self._odd[k]
        for j in range(k - 1, -1, -1):
            value = self._odd[j] + (t - self._t[-1 - j]) * value
        own = noise.total(pair) / pair.w
        scale = math.sqrt(own * own + spread * spread + truncation * truncation / 9)
        difference = float(pair.d - value)
        in_deviations = difference / scale if scale > 0 else math.inf * difference if difference else 0.0
        return in_deviations, difference, pair

    def _lowest_coefficients(self, k: int) -> tuple[Any, Any]:
        """f''/2 and f'''/6 of the polynomials through the top k + 1 nodes."""
        even = self._even[k]
        slope = 0.0
        for j in range(k - 1, -1, -1):
            even = self._even[j] - self._t[-1 - j] * even
        value = self._odd[k]
        for j in range(k - 1, -1, -1):
            slope = value - self._t[-1 - j] * slope
            value = self._odd[j] - self._t[-1 - j] * value
        unit = self.nodes[0].h ** 2
        return even / unit, slope / unit


def _peaks(peaks: list[float], sizes: list[float], noise: list[float], powers: list[float]) -> list[float]:
    """Every coefficient as large as a smaller top had it: beyond the radius of convergence it only seems to fall."""
    peaks.extend([0.0] * (len(sizes) - len(peaks)))
    for j, (size, n) in enumerate(zip(sizes, noise, strict=True)):
        if size > SURE * n:
            peaks[j] = max(peaks[j], size / powers[j])
    return [max(s, p * q) for s, p, q in zip(sizes, peaks, powers, strict=False)]


CONFLICT = 7.0
REMEMBERED = 4  # coefficients from which the envelope takes its decay


def _measured(residuals: list[float]) -> float:
    """Noise over its model from residuals, with a margin for their number."""
    if not residuals:
        return 1.0
    return math.sqrt(sum(r * r for r in residuals) / len(residuals)) * (1 + 1.5 / len(residuals))


def _remainders(
    odd: list[float],
    odd_noise: list[float],
    even: list[float],
    even_noise: list[float],
    factor: float,
    order: int,
) -> list[float]:
    """The next scaled coefficient beyond T_k, for every k: measured, or what the envelope says.

    Even and odd coefficients of one order in t are taken together, so that one that happens to be small
    does not pass for fast convergence.
    """
    count = len(odd)
    power = order
    least, most, first = LEAST_DECAY**power, MOST_DECAY**power, FIRST_DECAY**power
    limit = SURE * factor
    sizes = [odd[0]] + [max(odd[j], even[j - 1]) for j in range(1, count)]
    known = [True] + [
        odd[j] > limit * odd_noise[j] or even[j - 1] > limit * even_noise[j - 1] for j in range(1, count)
    ]
    beta = []
    for k in range(count):  # T_k leaves the coefficient k + 1
        last = max(j for j in range(min(k + 1, count - 1) + 1) if known[j])
        if last == k + 1:
            beta.append(
                max(
                    odd[last],
                    0.25 * _envelope(sizes, known, k, last, least, most, first),
                )
            )
            continue
        env = _envelope(sizes, known, last, k + 1, least, most, first)
        if k + 1 < count:
            measured = odd[k + 1] + 2 * factor * odd_noise[k + 1]
            env = min(env, measured) if env > 0 else measured
        elif even[k] > limit * even_noise[k]:  # the even one of the same order is known
            env = max(0.25 * env, even[k] * math.sqrt(most))
        beta.append(env)
    return beta


def _envelope(
    sizes: list[float], known: list[bool], start: int, target: int, least: float, most: float, first: float
) -> float:
    """Coefficient `target` continued from those up to `start` by the slower of their last two decays."""
    usable = [j for j in range(start + 1) if known[j] and sizes[j] > 0]
    if not usable:
        return 0.0
    recent = usable[-REMEMBERED:]
    decays = [(sizes[b] / sizes[a]) ** (1 / (b - a)) for a, b in zip(recent, recent[1:], strict=False)]
    decay = max(decays, default=first)
    if len(recent) < 3:
        decay = max(decay, first)
    decay = min(max(decay, least), most)
    return max(sizes[j] * decay ** (target - j) for j in recent)
