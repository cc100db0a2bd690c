"""Random functions of one variable that are hard to check, with their derivative, in float64 and float32.

A wave and a bump with length scales from 1e-3 to 1e3 and sizes from 1e-3 to 1e3, at points up to 20 lengths
from 0, and what real programs add to that: noise, values on a grid, float32 inside, kinks beside the point,
jumps of f'', networks of ReLUs, stairs, an edge of the domain, a large constant, an error of a solver. All is
computed in float64 and rounded to the format once. ``corner`` has a kink at the point itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gradient_scores import Check

from diffbench.arithmetic.formats import get_format

Function = Callable[[Any], Any]
Random = np.random.Generator


@dataclass(frozen=True)
class Smooth:
    """A wave and a bump; ``u`` is the spacing of the format at ``x``, within 16 of which nothing is put."""

    x: float
    u: float
    length: float
    size: float
    phase: float

    def __call__(self, t: Any) -> Any:
        s = t / self.length
        return self.size * (np.sin(s + self.phase) + 0.3 * np.exp(-(s**2)))

    def slope(self, t: Any) -> Any:
        s = t / self.length
        return self.size / self.length * (np.cos(s + self.phase) - 0.6 * s * np.exp(-(s**2)))

    @property
    def steepness(self) -> float:
        return self.size / self.length


def smooth(random: Random, fmt: str) -> Smooth:
    rounding = get_format(fmt)
    length, size = 10.0 ** random.uniform(-3, 3, 2)
    x = rounding.round(np.array([random.uniform(0.3, 2) * length * 10.0 ** random.uniform(-1, 1)]))
    u = float(np.asarray(rounding.ulp(x.astype(np.float64))).reshape(-1)[0])
    return Smooth(float(x[0]), u, length, size, random.uniform(0, 2 * np.pi))


def away(random: Random, g: Smooth, low: float, high: float) -> float:
    """A distance from x, between powers of ten of the length."""
    return max(g.length * 10.0 ** random.uniform(low, high), 16 * g.u)


def noise(random: Random, g: Smooth) -> tuple[Function, float]:
    """Repeatable noise of a relative size between 1e-12 and 1e-4."""
    level, seed = g.size * 10.0 ** random.uniform(-12, -4), np.uint64(random.integers(1 << 30))

    def f(t: Any) -> Any:
        bits = np.float64(t).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ seed
        return g(t) + level * (float(bits * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(40)) / 2**24 - 0.5)

    return f, g.slope(g.x)


def quantised(random: Random, g: Smooth) -> tuple[Function, float]:
    """Values printed to 4 to 10 digits."""
    grid = g.size * 10.0 ** random.uniform(-10, -4)
    return lambda t: grid * np.round(g(t) / grid), g.slope(g.x)


def float32_inside(random: Random, g: Smooth) -> tuple[Function, float]:
    """A float64 function that computes in float32."""
    length, size, phase, bump = (np.float32(v) for v in (g.length, g.size, g.phase, 0.3))

    def f(t: Any) -> Any:
        s = np.float32(t) / length
        return np.float64(size * (np.sin(s + phase) + bump * np.exp(-(s**2))))

    return f, g.slope(g.x)


def kink_near(random: Random, g: Smooth) -> tuple[Function, float]:
    side = random.choice([-1.0, 1.0])
    at, jump = g.x + side * away(random, g, -8, -1), g.steepness * 10.0 ** random.uniform(-3, 1)
    return lambda t: g(t) + jump * np.abs(t - at), g.slope(g.x) - side * jump


def bend_jumps(random: Random, g: Smooth) -> tuple[Function, float]:
    """f'' jumps at the point."""
    jump = g.steepness / g.length * 10.0 ** random.uniform(-2, 1)
    return lambda t: g(t) + jump * np.maximum(t - g.x, 0) ** 2, g.slope(g.x)


def network(random: Random, g: Smooth) -> tuple[Function, float]:
    """30 ReLUs with kinks at all distances from the point."""
    inner, outer = random.standard_normal((2, 30))
    bias = -inner * g.x + g.length * random.standard_normal(30) * 10.0 ** random.uniform(-3, 0)
    active = inner * g.x + bias > 0
    return lambda t: outer @ np.maximum(inner * t + bias, 0), float(outer * inner @ active)


def stairs(random: Random, g: Smooth) -> tuple[Function, float]:
    """The argument is rounded to a grid inside f; the slope that is meant is that without it."""
    grid = abs(g.x) * 10.0 ** random.uniform(-9, -3)
    return lambda t: g(grid * np.round(t / grid)), g.slope(g.x)


def edge(random: Random, g: Smooth) -> tuple[Function, float]:
    """A square root that ends the domain beside the point."""
    start = g.x - away(random, g, -6, -1)

    def f(t: Any) -> Any:
        return g(t) + g.size * np.sqrt((t - start) / g.length)

    return f, g.slope(g.x) + 0.5 * g.steepness / np.sqrt((g.x - start) / g.length)


def offset(random: Random, g: Smooth) -> tuple[Function, float]:
    """A constant that leaves 6 (16) to -2 (7) digits of f in float32 (float64)."""
    constant = g.size * 10.0 ** random.uniform(0, 9)
    return lambda t: g(t) + constant, g.slope(g.x)


def tolerance(random: Random, g: Smooth) -> tuple[Function, float]:
    """f is wrong by a smooth relative error of 1e-10 to 1e-5, as that of a solver."""
    level = 10.0 ** random.uniform(-10, -5)
    return lambda t: g(t) * (1 + level * np.sin(t / g.length)), g.slope(g.x)


KINDS = {
    "noise": noise,
    "quantised": quantised,
    "float32 inside": float32_inside,
    "kink near": kink_near,
    "bend jumps": bend_jumps,
    "network": network,
    "stairs": stairs,
    "edge": edge,
    "offset": offset,
    "tolerance": tolerance,
}


def hard(kind: str, fmt: str, seed: int, count: int) -> Iterator[Check]:
    """Cases of one kind; the same ones in both formats, but for the rounding of x."""
    rounding, random = get_format(fmt), np.random.default_rng([seed, list(KINDS).index(kind)])
    for _ in range(count):
        g = smooth(random, fmt)
        f, right = KINDS[kind](random, g)
        yield Check(
            kind, in_format(f, fmt), rounding.round(np.array([g.x])), rounding.round(np.array([right]))
        )


def in_format(f: Function, fmt: str) -> Function:
    """f of an array of the format with one number."""
    rounding = get_format(fmt)

    def rounded(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return rounding.round(np.asarray(f(np.float64(x[0]))))[()]

    return rounded


def corner(random: Random, fmt: str) -> tuple[Function, float, float, float]:
    """A function with a kink at a point: f, x, and the slopes on the left and on the right."""
    g = smooth(random, fmt)
    jump, slope = g.steepness * 10.0 ** random.uniform(-1, 1), float(g.slope(g.x))
    return in_format(lambda t: g(t) + jump * np.abs(t - g.x), fmt), g.x, slope - jump, slope + jump
