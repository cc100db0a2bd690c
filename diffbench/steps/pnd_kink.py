"""Kostyrka's K: fit a V to the estimated error over a grid of steps, and take its bottom."""

from __future__ import annotations

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil, stencil
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.mathur import grid_exponents, middle_step
from diffbench.steps.pnd import capped
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.scaled import stepx
from diffbench.steps.verdict import Verdict

LEAST = 5  # points of the truncation branch


@rule(
    source="Kostyrka 2025, R package pnd, vignette 'Step-size selection', K ('kink')",
    kind="selector",
    derivatives=(1,),
    stencils=("central-2",),
)
def pnd_kink(f: Sampler, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """The bottom of a V with slopes -m and p, fitted to the estimated truncation error over 61 steps.

    Values at x + h_j and x - h_j, h_j powers of two, serve stencils on +-1, +-2, +-4: two estimates of
    f^(m+p), of accuracy 2 and 4, give tau_j = |C f^(m+p)| h_j^p. The points whose local slope is within 10 %
    of p, with their neighbours, the longest run that rises, make the right branch; all to the left of it is
    rounding. A pseudo- Huber loss with the median residual as scale fits the corner (h_k, e_k); h = h_k
    (m/p)^(1/(m+p)). The value is interpolated between the two nearest steps of the grid; the error estimate
    is the V at h.

    Where there is no branch of 5 points (few bits, f^(m+p) = 0, noise): the package falls back to 128 times
    its piecewise rule, and the point is ``low_confidence``. Of the package's other ways out (a rounding
    estimate on the grid, the lower quartile of a branch that only rises) none is taken. The package minimises
    the loss with BFGS; here a grid of corners narrows.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    down, up = grid_exponents(fmt)
    exponents = np.arange(-down, up + 1, dtype=x.dtype)
    steps = middle_step(x) * np.exp2(exponents)[:, None]
    probe.count += 2 * len(steps)
    differences = f(x + steps) - f(x - steps)
    tau = truncation(differences, steps)
    quotients = differences / (2 * steps)
    logs = np.log2(np.where(np.isfinite(tau) & (tau > 0), tau, np.nan))
    h, value, error = (np.full_like(x, np.nan) for _ in range(3))
    for i in range(x.size):
        corner = _corner(np.log2(steps[:, i]).astype(float), logs[:, i].astype(float), 1, 2)
        if corner is not None:
            h[i] = np.exp2(corner[0]) * 0.5 ** (1 / 3)
            error[i] = np.exp2(corner[1]) * (0.5 ** (2 / 3) + 0.5 ** (-1 / 3))  # both branches at the optimum
    verdict.say(~np.isfinite(quotients).any(axis=0), "domain", "f is not finite at any node of the grid")
    lost = np.isnan(h)
    verdict.say(
        lost, "low_confidence", "no truncation branch on the grid: 128 times the piecewise rule was used"
    )
    h = capped(np.where(lost, 128 * stepx(x, fmt, 1, 2), h), x)
    value = _interpolated(h, steps, quotients)
    verdict.say(~np.isfinite(value), "domain", "f is not finite at the steps of the grid beside h")
    return verdict.choice(h, "the corner of the estimated error", value, error)


def truncation(differences: Wide, steps: Wide) -> Wide:
    """``|f'''| h^2 / 6`` at every step, from f(x + h) - f(x - h) at h, 2h and 4h: the better of two
    estimates.
    """
    result = np.full_like(steps, np.nan)
    with np.errstate(all="ignore"):
        low = _third_times_cube(differences, (1, 2))
        result[:-1] = np.abs(low) / steps[:-1] / 6
        better = np.abs(_third_times_cube(differences, (1, 2, 4))) / steps[:-2] / 6
    result[:-2] = np.where(np.isfinite(better) & (better > 0), better, result[:-2])
    return result


def _third_times_cube(differences: Wide, nodes: tuple[int, ...]) -> Wide:
    """``h^3 f'''`` on +- the nodes; whole numerators, so that what cancels gives 0 exactly."""
    made = stencil(offsets=(*(-s for s in reversed(nodes)), *nodes), derivative=3)
    count = len(differences) - len(nodes) + 1
    total = sum(n * differences[k : count + k] for k, n in enumerate(made.numerators[len(nodes) :]))
    return np.asarray(total / made.denominator)


def _corner(steps: Wide, logs: Wide, m: int, p: int) -> tuple[float, float] | None:
    """log2 of the corner (h_k, e_k) of the V, or None without a truncation branch."""
    branch = _truncation_branch(steps, logs, p)
    if branch is None:
        return None
    start, end = branch
    left = np.arange(start)
    used = np.concatenate([left[np.isfinite(logs[:start])], np.arange(start, end)])
    a, y = steps[used], logs[used]
    best, width = a.mean(), (a[-1] - a[0]) / 2
    for _ in range(4):  # a grid that narrows: accidental agreements make valleys of their own
        candidates = np.clip(np.linspace(best - width, best + width, 65), a[0], a[-1])
        level, loss = _fit(a, y, candidates, m, p)
        best, width = float(candidates[loss.argmin()]), width / 16
    return best, float(level[loss.argmin()])


def _fit(a: Wide, y: Wide, corners: Wide, m: int, p: int) -> tuple[Wide, Wide]:
    """The best height of a V for every corner, and its mean pseudo-Huber loss."""
    away = a - corners[:, None]
    residual = y - np.where(away > 0, p * away, -m * away)
    level = np.median(residual, axis=1, keepdims=True)
    r = np.maximum(np.median(np.abs(residual - level), axis=1, keepdims=True), 1e-6)
    for _ in range(8):  # reweighted means solve the pseudo-Huber problem
        weight = 1 / np.sqrt(1 + ((residual - level) / r) ** 2)
        level = (weight * residual).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    loss = (r * r * (np.sqrt(1 + ((residual - level) / r) ** 2) - 1)).mean(axis=1)
    return level[:, 0], loss


def _truncation_branch(steps: Wide, logs: Wide, p: int) -> tuple[int, int] | None:
    """First and last + 1 index of the longest rising run whose slopes are near p."""
    secants = np.diff(logs) / np.diff(steps)
    local = np.full(logs.shape, np.nan)
    local[1:-1] = (secants[:-1] + secants[1:]) / 2
    good = np.abs(local - p) <= 0.1 * p
    near = good.copy()
    near[:-1] |= good[1:]
    near[1:] |= good[:-1]
    best: tuple[int, int] | None = None
    start = 0
    for i in range(len(near) + 1):
        rises = 0 < i < len(near) and near[i] and near[i - 1] and secants[i - 1] > 0
        if not rises:
            if i > start and near[start] and (best is None or i - start > best[1] - best[0]):
                best = (start, i)
            start = i
    return best if best is not None and best[1] - best[0] >= LEAST else None


def _interpolated(h: Wide, steps: Wide, quotients: Wide) -> Wide:
    """Linear interpolation of the derivative between the two steps of the grid that enclose h."""
    below = np.clip((steps <= h).sum(axis=0) - 1, 0, len(steps) - 2)[None, :]
    left, right = (np.take_along_axis(steps, below + k, axis=0)[0] for k in (0, 1))
    low, high = (np.take_along_axis(quotients, below + k, axis=0)[0] for k in (0, 1))
    share = np.clip((h - left) / (right - left), 0.0, 1.0)
    return np.asarray(low + share * (high - low))
