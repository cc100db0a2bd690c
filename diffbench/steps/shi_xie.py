"""Shi, Xie, Xuan and Nocedal: bisect until the next-order difference shows a few units of noise."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.constants import model_factor
from diffbench.steps.noise import conditioned_noise
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.sums import Sum, stencil_sum, sum_of
from diffbench.steps.verdict import Verdict

_SOURCE = "Shi, Xie, Xuan and Nocedal 2022, SIAM J. Sci. Comput. 44, A2302 (arXiv 2110.06380)"


@lru_cache(maxsize=256)
def combined(stencil: Stencil, alpha: int) -> Sum:
    """h^m (D_h - D_(alpha h)) as one sum; its size is A.

    For the forward difference and alpha = 4 that is (-f(x+4h) + 4 f(x+h) - 3 f(x)) / 4 with A = 2.
    """
    weights: dict[Fraction, Fraction] = {}
    for s, w in zip(stencil.offsets, stencil.weights, strict=True):
        weights[s] = weights.get(s, Fraction(0)) + w
        weights[alpha * s] = weights.get(alpha * s, Fraction(0)) - w / alpha**stencil.derivative
    return sum_of(weights)


@rule(source=_SOURCE + ", section 3.1", kind="selector", derivatives=(1,), stencils=("forward-1",))
def shi_xie_forward(
    f: Sampler,
    x: Wide,
    fmt: Format,
    stencil: Stencil,
    *,
    noise: float = 0.0,
    low: float = 1.5,
    high: float = 6.0,
    iterations: float = 40,
) -> Choice:
    """h with |f(x+4h) - 4 f(x+h) + 3 f(x)| / (8 e) in [1.5, 6]; start (2/3^(1/2)) e^(1/2), factor 4, then
    bisection.

    ``noise``: the bound e of the absolute error of a value, which the paper takes as given; 0 for
    eps max(|f|, |x f'|), at the cost of one value. With a right e the error is at most 1.43 times the best.
    The error estimate is the truncation seen, |D_h - D_4h| / 3, plus 2 e / h. Where f'' = 0 the step grows
    until ``iterations`` ends it: ``low_confidence``.
    """
    return _search(f, x, fmt, stencil, 4, noise, (low, high), 2 / np.sqrt(3.0), iterations)


@rule(source=_SOURCE + ", section 3.2", kind="selector", derivatives=(1,), stencils=("central-2",))
def shi_xie_central(
    f: Sampler,
    x: Wide,
    fmt: Format,
    stencil: Stencil,
    *,
    noise: float = 0.0,
    low: float = 1.5,
    high: float = 4.5,
    iterations: float = 40,
) -> Choice:
    """h with |f(x+3h) - 3 f(x+h) + 3 f(x-h) - f(x-3h)| / (8 e) in [1.5, 4.5]; start (3 e)^(1/3), factor 3.

    As ``shi-xie-forward``, with the error at most 1.31 times the best if e is right. Where f''' = 0 the step
    grows until ``iterations`` ends it.
    """
    return _search(f, x, fmt, stencil, 3, noise, (low, high), model_factor(stencil), iterations)


@rule(source=_SOURCE + ", section 4 (general scheme)", kind="selector")
def shi_xie(
    f: Sampler,
    x: Wide,
    fmt: Format,
    stencil: Stencil,
    *,
    noise: float = 0.0,
    alpha: float = 3,
    iterations: float = 40,
) -> Choice:
    """The general scheme for any stencil: r = |D_h - D_(alpha h)| h^m / (A e), A the sum of all weights'
    sizes.

    The model puts the best step at r* = m S1 (alpha^p - 1) / (p A); accepted is [max(1.5, r*/2), 3/2 r*],
    and at least 2 wide as the paper demands. Start: the model optimum for f^(m+p) = 1.
    """
    factor = int(alpha)
    m, p = stencil.derivative, stencil.accuracy
    best = m * float(stencil.S1) * (factor**p - 1) / (p * combined(stencil, factor).size)
    low = max(1.5, best / 2)
    window = (low, max(1.5 * best, low + 2.5))
    return _search(f, x, fmt, stencil, factor, noise, window, model_factor(stencil), iterations)


def _search(
    f: Sampler,
    x: Wide,
    fmt: Format,
    stencil: Stencil,
    alpha: int,
    noise: float,
    window: tuple[float, float],
    start: float,
    iterations: float,
) -> Choice:
    """The bracketing of algorithms 2.1 and 3.1: grow or shrink by alpha, then halve the bracket.

    Not in the paper: the end after ``iterations``, the end where the bracket is within 2 % (the ratio jumps
    over its window), and that a node without a finite value counts as a step that is too large.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    m, p = stencil.derivative, stencil.accuracy
    own, both = stencil_sum(stencil), combined(stencil, alpha)
    centre = probe.centre()
    verdict.needs_value(centre)
    e = np.full_like(x, noise) if noise else conditioned_noise(probe, centre, fmt)
    e = np.maximum(e, fmt.smallest_subnormal or np.finfo(fmt.dtype).smallest_subnormal)
    h = start * e ** (1.0 / (m + p))
    low, high = np.zeros_like(x), np.full_like(x, np.inf)
    value, gap = np.full_like(x, np.nan), np.full_like(x, np.nan)
    todo, jumped = verdict.open, np.zeros(x.shape, dtype=bool)
    used = h.copy()
    for _ in range(int(iterations)):
        index = np.flatnonzero(todo)
        if not index.size:
            break
        step = h[index]
        difference, derivative = _differences(probe, index, step, centre, own, both)
        used[index] = step
        r = np.abs(difference) / (both.size * e[index])
        finite = np.isfinite(r)
        value[index] = np.where(finite, derivative / step**m, value[index])
        gap[index] = np.where(finite, np.abs(difference) / step**m, gap[index])
        small, large = finite & (r < window[0]), ~finite | (r > window[1])
        low[index[small]], high[index[large]] = step[small], step[large]
        closed = high[index] < 1.02 * low[index]  # the window is many times wider: it was jumped over
        todo[index[(~small & ~large) | closed]] = False
        jumped[index] = closed & (small | large)
        some = np.flatnonzero(todo)
        unbounded, unfounded = np.isinf(high[some]), low[some] == 0
        halved = (low[some] + high[some]) / 2
        h[some] = np.where(unbounded, h[some] * alpha, np.where(unfounded, h[some] / alpha, halved))
    endless = todo & np.isinf(high)
    verdict.say(todo & np.isnan(value), "domain", "f is not finite at any step that was tried")
    verdict.say(
        endless, "low_confidence", f"f^({m + p}) does not show at any step: it is 0, or the noise too large"
    )
    verdict.say(
        todo | jumped, "low_confidence", "the test ratio jumps over its window: the noise bound is too small"
    )
    error = gap / (alpha**p - 1) + float(stencil.S1) * e / used**m
    return verdict.choice(
        used, f"f^({m + p}) shows {window[0]:.3g} to {window[1]:.3g} units of noise", value, error
    )


def _differences(probe: Probe, index: Wide, h: Wide, centre: Wide, own: Sum, both: Sum) -> tuple[Wide, Wide]:
    """``h^m (D_h - D_(alpha h))`` and ``h^m D_h``; f(x) is known."""
    away = [s for s in both.offsets if s]
    values = dict(zip(away, probe(h, away, index), strict=True)) | {0.0: centre[index]}
    return both([values[s] for s in both.offsets]), own([values[s] for s in own.offsets])
