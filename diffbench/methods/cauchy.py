"""Cauchy's integral on a circle by the trapezoid rule: derivatives of any order of an analytic function.

    f^(n)(x) = n! / (N r^n) sum_k f(x + r e^(2 pi i k/N)) e^(-2 pi i k n/N)

is wrong by n! (a_(n+N) r^N + ...), the aliasing, and by rounding errors of n! u M / r^n, M the mean of
|f| on the circle. A large circle has little rounding and much aliasing; the three methods differ in how
they choose r and N.

* ``cauchy``: Lyness and Moler, r given, N doubled until two values agree.
* ``cauchy-bornemann``: r doubled or halved to the least condition number M / (|a_n| r^n).
* ``cauchy-fornberg``: r moved until the coefficients fade at a given rate, then Richardson on three radii.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.methods.complex_plane import FAMILY, FORMATS, ComplexSampler
from diffbench.methods.estimators import estimator
from diffbench.steps.choice import Choice, Wide
from diffbench.steps.sampler import Probe
from diffbench.steps.verdict import Verdict

ORDERS = tuple(range(1, 11))


@dataclass
class Circle:
    """Scaled Taylor coefficients ``a_k r^k`` for k < N, shape (N, n), and the mean of |f| on the circle."""

    scaled: Wide
    mean: Wide

    def derivative(self, n: int, radius: Wide) -> Wide:
        return np.asarray(math.factorial(n) * self.scaled[n] / radius**n)

    def condition(self, n: int) -> Wide:
        """kappa(n, r) = M / (|a_n| r^n): how much rounding errors of f grow."""
        return np.asarray(self.mean / np.abs(self.scaled[n]))

    def tail(self) -> Wide:
        """The largest of the last quarter of the coefficients beside the largest: 0 without aliasing."""
        size = np.abs(self.scaled)
        count = len(size)
        return np.asarray(size[count - count // 4 :].max(axis=0) / size.max(axis=0))


def circle(probe: Probe, radius: Wide, count: int, index: Wide) -> Circle:
    """Values on the upper half of a circle, mirrored, and their Fourier coefficients."""
    half = np.arange(count // 2 + 1)
    unit = np.exp(2j * np.pi * half / count)
    unit[[0, -1]] = 1.0, -1.0
    probe.count[index] += len(half)
    upper = probe.f(probe.x[index] + unit[:, None] * radius)
    values = np.concatenate([upper, upper[-2:0:-1].conj()])
    return Circle(np.fft.fft(values, axis=0).real / count, np.abs(values).mean(axis=0))


def direct(probe: Probe, radius: Wide, count: int, n: int, index: Wide) -> tuple[Wide, Wide, Wide]:
    """The n-th derivative from N points, the rounding error to expect of it, and a bound of the aliasing."""
    found = circle(probe, radius, count, index)
    size = math.factorial(n) / radius**n
    aliasing = size * found.tail() * np.abs(found.scaled).max(axis=0)
    return found.derivative(n, radius), np.asarray(size * 2.0**-53 * found.mean), np.asarray(aliasing)


def _probe(f: ComplexSampler, x: Wide) -> Probe:
    return Probe(f, x)  # type: ignore[arg-type]


@estimator(
    FAMILY, "Lyness and Moler 1967, SIAM J. Numer. Anal. 4, 202-210", ORDERS, FORMATS, sampling=ComplexSampler
)
def cauchy(
    f: ComplexSampler, x: Wide, fmt: Format, derivative: int, *, radius: float = 0.0, points: float = 0
) -> Choice:
    """The trapezoid rule on a circle of given radius; the number of points is doubled until two values agree.

    ``radius``: 0 for max(1, |x|) / 2; ``points``: a fixed even number instead of 16, 32, ..., 256 (N/2 + 1
    values are computed, the others are their conjugates). The error estimate is the last change
    (with fixed ``points`` the last quarter of the coefficients) plus the rounding n! u M / r^n. A
    singularity inside the circle shows as values that never agree, or as a wrong value that does.
    """
    probe = _probe(f, x)
    verdict = Verdict(probe)
    r = np.full_like(x, radius) if radius else np.maximum(1.0, np.abs(x)) / 2
    value, error = np.full_like(x, np.nan), np.full_like(x, np.nan)
    todo = np.ones(x.shape, dtype=bool)
    counts = [_even(points)] if points else [16, 32, 64, 128, 256]
    last = np.full_like(x, np.nan)
    for count in counts:
        index = np.flatnonzero(todo)
        if not index.size:
            break
        if count <= derivative:
            continue
        found, rounding, aliasing = direct(probe, r[index], count, derivative, index)
        change = np.abs(found - last[index])
        value[index], last[index] = found, found
        error[index] = (aliasing if points else change) + rounding
        done = ~np.isfinite(found) | (change <= 10 * rounding)
        todo[index[done]] = False
    _judge(verdict, value)
    unsure = todo if not points else np.zeros(x.shape, dtype=bool)
    verdict.say(
        unsure, "low_confidence", "256 points do not agree with 128: a singularity is near the circle"
    )
    return verdict.choice(r, "a circle of given radius", value, error)


def _even(points: float) -> int:
    return max(4, 2 * round(points / 2))


def _judge(verdict: Verdict, value: Wide) -> None:
    verdict.say(~np.isfinite(value), "domain", "f is not finite on the circle: use a smaller radius")


@estimator(FAMILY, "Bornemann 2011, Found. Comput. Math. 11, 1-63", ORDERS, FORMATS, sampling=ComplexSampler)
def cauchy_bornemann(
    f: ComplexSampler, x: Wide, fmt: Format, derivative: int, *, points: float = 64
) -> Choice:
    """The radius with the least condition number kappa(n, r) = M(r) / (|a_n| r^n), by doubling and halving.

    A circle counts if the last coefficients have faded to 1e-13 of the largest, so that N = ``points`` are
    enough and no singularity is near. From max(1, |x|)/2 the radius is halved until it counts, then doubled
    or halved as long as kappa falls by a tenth. The error estimate is n! (kappa u |a_n| + the faded
    coefficients).
    """
    probe = _probe(f, x)
    verdict = Verdict(probe)
    count, n = _even(points), derivative
    r = np.maximum(1.0, np.abs(x)) / 2
    best = {name: np.full_like(x, np.nan) for name in ("value", "error", "radius")}
    least = np.full_like(x, np.inf)
    direction = np.zeros(x.shape)  # 0: looking for the first circle that counts
    todo = np.ones(x.shape, dtype=bool)
    for _ in range(40):
        index = np.flatnonzero(todo)
        if not index.size:
            break
        found = circle(probe, r[index], count, index)
        kappa, tail = found.condition(n), found.tail()
        counts = np.isfinite(kappa) & (tail < 1e-13)
        better = counts & (kappa < 0.9 * least[index])
        first = np.isinf(least[index]) & better
        chosen = index[better]
        size = math.factorial(n) / r[index] ** n
        least[chosen] = kappa[better]
        best["value"][chosen] = found.derivative(n, r[index])[better]
        best["radius"][chosen] = r[index][better]
        peak = np.abs(found.scaled).max(axis=0)
        best["error"][chosen] = (size * (found.mean * fmt.u + tail * peak))[better]
        # a direction that no longer helps is turned round once, from the best radius
        turned = ~better & (direction[index] == 2)
        ended = ~better & (direction[index] == 0.5)
        direction[index] = np.where(first, 2.0, np.where(turned, 0.5, direction[index]))
        start = np.where(turned, best["radius"][index], r[index])
        r[index] = start * np.where(direction[index] == 0, 0.5, direction[index])
        todo[index[ended]] = False
    verdict.say(np.isnan(best["value"]) & bool(f.message), "domain", "the function raised")
    verdict.say(np.isnan(best["value"]), "no_step", "no circle around x on which the coefficients of f fade")
    return verdict.choice(best["radius"], "the least condition number", best["value"], best["error"])


@estimator(
    FAMILY,
    "Fornberg 1981, ACM TOMS 7, algorithm 579 (CPSC)",
    tuple(range(1, 7)),
    FORMATS,
    sampling=ComplexSampler,
)
def cauchy_fornberg(
    f: ComplexSampler, x: Wide, fmt: Format, derivative: int, *, radius: float = 0.0059, points: float = 16
) -> Choice:
    """The radius at which the coefficients fade to 1e-4 over N points; Richardson on the last three radii.

    The scaled coefficients |a_k| r^k, divided by what a geometric fall from 1 to 1e-4 would give, have their
    maximum in the upper half where r is too large, in the lower where it is too small: r moves by 1.6, and by
    the square root of the factor after every turn. Three radii then remove the aliasing terms r^N and
    r^(2N). The error estimate is the last change of the extrapolation plus the rounding n! u M / r^n.
    """
    probe = _probe(f, x)
    verdict = Verdict(probe)
    count, n = max(_even(points), 2 * derivative + 2), derivative
    r, factor = np.full_like(x, radius), np.full_like(x, 1.6)
    turns, up = np.zeros(x.shape, dtype=int), np.zeros(x.shape, dtype=bool)
    radii, values = np.full((3, x.size), np.nan), np.full((3, x.size), np.nan)
    mean = np.full_like(x, np.nan)
    todo = np.ones(x.shape, dtype=bool)
    fading = 1e-4 ** (np.arange(count) / (count - 1))
    for step in range(40):
        index = np.flatnonzero(todo)
        if not index.size:
            break
        found = circle(probe, r[index], count, index)
        for kept, new in ((radii, r[index]), (values, found.derivative(n, r[index]))):
            kept[:, index] = np.concatenate([kept[1:, index], np.asarray(new)[None]])
        mean[index] = found.mean
        size = np.abs(found.scaled) / fading[:, None]
        low, high = size[: count // 2].max(axis=0), size[count // 2 :].max(axis=0)
        grow = np.isfinite(high) & (high < low)
        turned = (grow != up[index]) if step else np.zeros(index.shape, dtype=bool)
        turns[index] += turned
        factor[index] = np.where(turned, np.sqrt(factor[index]), factor[index])
        up[index] = grow
        seen = np.isfinite(radii[:, index]).all(axis=0) & np.isfinite(values[:, index]).all(axis=0)
        done = seen & (turns[index] >= 2)
        todo[index[done]] = False
        r[index] *= np.where(grow, factor[index], 1 / factor[index])
    value, change = _extrapolated(values, radii**count)
    error = change + math.factorial(n) * fmt.u * mean / radii[-1] ** n
    _judge(verdict, value)
    return verdict.choice(radii[-1], "the coefficients fade at the given rate", value, error)


def _extrapolated(values: Wide, powers: Wide) -> tuple[Wide, Wide]:
    """Three values with errors c r^N + d r^(2N) at three radii: both removed, and the last change."""
    first = [
        (powers[j] * values[i] - powers[i] * values[j]) / (powers[j] - powers[i]) for i, j in ((0, 1), (1, 2))
    ]
    second = (powers[2] * first[0] - powers[0] * first[1]) / (powers[2] - powers[0])
    return np.asarray(second), np.abs(second - first[1])
