"""FiniteDifferences.jl: bound f^(m+p) from a larger stencil at its own default step, then take the
optimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UserError
from diffbench.stencils import Stencil, fornberg_weights
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.verdict import Verdict

#: The package's default guess of |f^(P)| (``condition``) and of ulps lost in a value (``factor``).
CONDITION, FACTOR = 10.0, 1.0
#: A step is never larger than so many default steps; the error estimate is NaN then.
LARGEST = 1000.0


def step_and_accuracy(order: int, count: int, c1: Wide | float, c2: Wide | float) -> tuple[Wide, Wide]:
    """``h = (q/(P-q) c1/c2)^(1/P)`` and the error ``c1 h^-q + c2 h^(P-q)`` there; q the order, P the
    points.
    """
    h = np.asarray(order / (count - order) * (c1 / c2)) ** (1.0 / count)
    return h, np.asarray(c1 * h**-order + c2 * h ** (count - order))


@dataclass(frozen=True)
class Grid:
    """Equally spaced points and weights for the derivative at some of them, as floats.

    ``size`` and ``truncation`` are ``F = sum |w|`` and ``M = sum |w s^P| / P!`` of the first weights, P the
    number of points.
    """

    offsets: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    size: float
    truncation: float

    @property
    def reach(self) -> float:
        return max(map(abs, self.offsets))


def _made(offsets: Sequence[Fraction], weights: Sequence[tuple[Fraction, ...]]) -> Grid:
    count = len(offsets)
    truncation = sum(abs(w * s**count) for s, w in zip(offsets, weights[0], strict=True)) / math.factorial(
        count
    )
    return Grid(
        tuple(map(float, offsets)),
        tuple(tuple(map(float, row)) for row in weights),
        float(sum(map(abs, weights[0]))),
        float(truncation),
    )


@lru_cache(maxsize=128)
def own_grid(stencil: Stencil) -> Grid:
    """The stencil with its centre, which has no weight in an odd derivative but counts as a point.

    Raises
    ------
    UserError
        If the offsets are not whole numbers.
    """
    own = dict(zip(stencil.offsets, stencil.weights, strict=True))
    if any(s.denominator != 1 for s in own):
        raise UserError(f"fdm-bound is for stencils on whole offsets, not {stencil.name}")
    offsets = sorted({*own, Fraction(0)} if stencil.kind == "central" else own)
    return _made(offsets, [tuple(own.get(s, Fraction(0)) for s in offsets)])


@lru_cache(maxsize=128)
def bounding_grid(stencil: Stencil) -> Grid:
    """One more point on either side (two more for a one-sided grid), with weights for f^(P).

    Three sets of them, for the derivative at x and at two neighbours: -1 and 1 of a central grid.
    """
    own = own_grid(stencil).offsets
    low, high = int(own[0]), int(own[-1])
    if low == 0:
        high, centres = high + 2, (0, 1, 2)
    elif high == 0:
        low, centres = low - 2, (0, -1, -2)
    else:
        low, high, centres = low - 1, high + 1, (0, -1, 1)
    offsets = [Fraction(s) for s in range(low, high + 1)]
    return _made(offsets, [fornberg_weights([s - c for s in offsets], len(own)) for c in centres])


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
    grid, wide = own_grid(stencil), bounding_grid(stencil)
    q, count = stencil.derivative, len(grid.offsets)
    first, _ = step_and_accuracy(
        count, len(wide.offsets), fmt.eps * wide.size * factor, condition * wide.truncation
    )
    if max_range:
        first = np.minimum(first, max_range / wide.reach)
    values = probe(np.full_like(x, first), wide.offsets)
    size = np.abs(values).max(axis=0)
    high = np.stack([_weighted(values, row) for row in wide.weights]) / first**count
    bound = np.abs(high).max(axis=0)
    verdict.say(
        ~np.isfinite(size), "domain", "f is not finite where f^(P) is bounded: use max_range or one side"
    )
    guessed = ~((size > 0) & (bound > 0))
    c1 = np.where(guessed, fmt.eps, _ulp(fmt, size)) * grid.size * factor
    c2 = np.where(guessed, condition, bound) * grid.truncation
    h, error = step_and_accuracy(q, count, c1, c2)
    default, _ = step_and_accuracy(q, count, fmt.eps * grid.size * factor, condition * grid.truncation)
    error = np.where(h > LARGEST * default, np.nan, error)
    limit = min(LARGEST * float(default), max_range / grid.reach if max_range else np.inf)
    return verdict.choice(np.minimum(h, limit), "the optimum for |f| and |f^(P)| as bounded", error=error)


def _weighted(values: Wide, weights: tuple[float, ...]) -> Wide:
    return np.asarray(sum(w * v for w, v in zip(weights, values, strict=True)))


def _ulp(fmt: Format, size: Wide) -> Wide:
    return np.where(size > 0, fmt.ulp(fmt.round(size)), fmt.eps)
