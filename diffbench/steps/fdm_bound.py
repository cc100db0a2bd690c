"""FiniteDifferences.jl: bound f^(m+p) from a larger stencil at its own default step, then take the
optimum.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil, fornberg_weights
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.verdict import Verdict

#: The package's default guess of |f^(P)| (``condition``) and of ulps lost in a value (``factor``).
CONDITION, FACTOR = 10.0, 1.0
#: A step is never larger than so many default steps; the error estimate is NaN then.
LARGEST = 1000.0


def magnitudes(offsets: tuple[Fraction, ...], weights: tuple[Fraction, ...]) -> tuple[float, float]:
    """``M = sum |w s^P| / P!`` with P the number of grid points, and ``F = sum |w|``."""
    count = len(offsets)
    pairs = list(zip(offsets, weights, strict=True))
    m = sum(abs(w * s**count) for s, w in pairs) / math.factorial(count)
    return float(m), float(sum(abs(w) for w in weights))


def step_and_accuracy(order: int, count: int, c1: Wide | float, c2: Wide | float) -> tuple[Wide, Wide]:
    """``h = (q/(P-q) c1/c2)^(1/P)`` and the error ``c1 h^-q + c2 h^(P-q)`` there; q the order, P the
    points.
    """
    h = np.asarray(order / (count - order) * (c1 / c2)) ** (1.0 / count)
    return h, np.asarray(c1 * h**-order + c2 * h ** (count - order))


@lru_cache(maxsize=128)
def _grid(stencil: Stencil) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """The stencil with the points that have no weight: a central grid has its centre."""
    own = dict(zip(stencil.offsets, stencil.weights, strict=True))
    low, high = int(min(own)), int(max(own))
    grid = tuple(Fraction(s) for s in range(low, high + 1))
    return grid, tuple(own.get(s, Fraction(0)) for s in grid)


@lru_cache(maxsize=128)
def _bounding(stencil: Stencil) -> tuple[tuple[Fraction, ...], tuple[tuple[Fraction, ...], ...]]:
    """The grid with one more point on either side (two more for a one-sided one), and its weights for f^(P).

    Three sets of weights, for the derivative at three neighbouring nodes: -1, 0, 1 of a central grid.
    """
    grid, _ = _grid(stencil)
    low, high = int(grid[0]), int(grid[-1])
    if low == 0:
        low, high, centres = 0, high + 2, (0, 1, 2)
    elif high == 0:
        low, high, centres = low - 2, 0, (0, -1, -2)
    else:
        low, high, centres = low - 1, high + 1, (-1, 0, 1)
    wide = tuple(Fraction(s) for s in range(low, high + 1))
    shifted = tuple(fornberg_weights([s - c for s in wide], len(grid)) for c in centres)
    return wide, shifted


@rule(source="FiniteDifferences.jl, src/methods.jl (adapt = 1)", kind="selector")
def fdm_bound(
    f: Sampler,
    x: Wide,
    fmt: Format,
    stencil: Stencil,
    *,
    condition: float = CONDITION,
    factor: float = FACTOR,
    max_range: float = 0.0,
) -> Choice:
    """h = (q/(P-q) C1/C2)^(1/P), with |f| and |f^(P)| bounded by a stencil of P + 2 points at its default
    step.

    C1 = ulp(max|f|) F ``factor``, C2 = max|f^(P)| M with F the sum of the weights' sizes and M that of the
    truncation constant; P is the number of grid points, q the derivative order. The bounding stencil's own
    step assumes |f^(P)| = ``condition``. ``max_range``: how far from x a node may be, 0 for any distance.
    The error estimate is C1 h^-q + C2 h^(P-q). Where f or f^(P) comes out as 0 the default guesses are used.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    grid, weights = _grid(stencil)
    wide, neighbours = _bounding(stencil)
    q, count = stencil.derivative, len(grid)
    reach = max_range / float(max(map(abs, grid))) if max_range else np.inf
    wide_m, wide_f = magnitudes(wide, neighbours[len(neighbours) // 2 if wide[0] < 0 < wide[-1] else 0])
    first, _ = step_and_accuracy(count, len(wide), fmt.eps * wide_f * factor, condition * wide_m)
    if max_range:
        first = np.minimum(first, max_range / float(max(map(abs, wide))))
    values = probe(np.full_like(x, first), [float(s) for s in wide])
    size = np.abs(values).max(axis=0)
    high = np.stack([_weighted(values, w) for w in neighbours]) / first**count
    bound = np.abs(high).max(axis=0)
    verdict.say(
        ~np.isfinite(size), "domain", "f is not finite where f^(P) is bounded: use max_range or one side"
    )
    guessed = ~((size > 0) & (bound > 0))
    m, total = magnitudes(grid, weights)
    c1 = np.where(guessed, fmt.eps, _ulp(fmt, size)) * total * factor
    c2 = np.where(guessed, condition, bound) * m
    h, error = step_and_accuracy(q, count, c1, c2)
    default, _ = step_and_accuracy(q, count, fmt.eps * total * factor, condition * m)
    limit = np.minimum(LARGEST * default, reach)
    error = np.where(h > LARGEST * default, np.nan, error)
    return verdict.choice(np.minimum(h, limit), "the optimum for |f| and |f^(P)| as bounded", error=error)


def _weighted(values: Wide, weights: tuple[Fraction, ...]) -> Wide:
    return np.asarray(sum(float(w) * v for w, v in zip(weights, values, strict=True)))


def _ulp(fmt: Format, size: Wide) -> Wide:
    return np.where(size > 0, fmt.ulp(fmt.round(size)), fmt.eps)
