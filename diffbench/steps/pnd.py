"""Kostyrka's plug-in step and modified Curtis-Reid of the R package pnd.

pnd takes the relative error of a value as eps^(7/8), some 90 times eps in float64: a cautious default.
"""

from __future__ import annotations

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil, stencil_from_name
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.scaled import stepx
from diffbench.steps.sums import stencil_sum
from diffbench.steps.verdict import Verdict

_VIGNETTE = "Kostyrka 2025, R package pnd, vignette 'Step-size selection'"
#: Beyond |x| = 4.7e-7 a step is at most a tenth of |x|.
SMALL_X = 4.7e-7


def cautious(fmt: Format) -> float:
    """pnd's ``max.rel.error``: eps^(7/8)."""
    return float(fmt.eps ** (7 / 8))


def capped(h: Wide, x: Wide) -> Wide:
    """At most ``0.1 |x|`` where x is not small."""
    size = np.abs(x)
    return np.asarray(np.where(size > SMALL_X, np.minimum(h, 0.1 * size), h))


@rule(source=_VIGNETTE + ", plug-in", kind="selector", derivatives=(1,), stencils=("central-2",))
def pnd_plugin(
    f: Sampler, x: Wide, fmt: Format, stencil: Stencil, *, relative: float = 0.0, start: float = 0.0
) -> Choice:
    """h = |1.5 (f/f''') d|^(1/3), with f''' from four values at k = h0 eps^(-2/15) and 2k: no iteration.

    h0 = max(1e-5 |x|, pnd's piecewise rule for m = 3), or ``start``; f is the mean of the two inner values,
    d = ``relative``, 0 for eps^(7/8). Where f''' = 0 or is tiny beside f, h = max(d^(1/3), |x|/128 or
    |x|/256); always within [1e-4, 1e4] h0 and at most 0.1 |x|. The third derivative is divided by k^3;
    version 0.1.3 of the package divides by h0^3, and its steps are some 120 times smaller in float64.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    d = relative or cautious(fmt)
    first = np.full_like(x, start) if start else np.maximum(1e-5 * np.abs(x), stepx(x, fmt, 3, 2))
    k = first * fmt.eps ** (-2 / 15)
    far_down, down, up, far_up = probe(k, (-2.0, -1.0, 1.0, 2.0))
    third = ((far_up - far_down) / 2 - (up - down)) / k**3
    value = (up + down) / 2
    verdict.say(~np.isfinite(third), "domain", "f is not finite at x + 2k or x - 2k, where f''' is estimated")
    h = np.cbrt(np.abs(1.5 * (value / third) * d))
    tiny = np.maximum(np.abs(value), d ** (2 / 3)) / np.abs(third) > d**-0.5
    h = np.where(tiny, np.maximum(np.cbrt(d), np.abs(x) / 256), h)
    h = np.where(third == 0, np.maximum(np.cbrt(d), np.abs(x) / 128), h)
    h = capped(np.clip(h, first * 1e-4, first * 1e4), x)
    return verdict.choice(h, "the optimum for f''' from four values")


@rule(
    source=_VIGNETTE + ", modified Curtis-Reid",
    kind="selector",
    stencils=("central-2", "central-4", "central-6"),
)
def pnd_curtis_reid(f: Sampler, x: Wide, fmt: Format, stencil: Stencil, *, iterations: float = 20) -> Choice:
    """Truncation over rounding of the formula itself, kept near m/p where both together are least.

    The truncation error is the distance from the next formula of the family (accuracy p + 2), the rounding
    error max|f| eps^(7/8) / h^m; accepted within a factor of 4 of m/p, else h <- h (aim/ratio)^(1/(m+p))
    within [1e-5, 1e5] h0. Where the truncation error vanishes h grows by 16 once. The package divides by
    max(ratio, 1), which makes a step that is too small still smaller; here the ratio itself is used.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    m, p = stencil.derivative, stencil.accuracy
    better = stencil_from_name(f"central-{p + 2}", m)
    own, wide = stencil_sum(stencil), stencil_sum(better)
    inner = [i for i, s in enumerate(wide.offsets) if s in own.offsets]
    first = stepx(x, fmt, m, p)
    h, aim = first.copy(), m / p
    value, error = np.full_like(x, np.nan), np.full_like(x, np.nan)
    todo, missed = np.ones(x.shape, dtype=bool), np.zeros(x.shape, dtype=bool)
    for _ in range(int(iterations)):
        index = np.flatnonzero(todo)
        if not index.size:
            break
        step = h[index]
        values = probe(step, wide.offsets, index)
        low, high = own(values[inner]) / step**m, wide(values) / step**m
        truncation = np.abs(low - high)
        rounding = np.abs(values).max(axis=0) * cautious(fmt) / step**m
        ratio = truncation / rounding
        finite = np.isfinite(ratio)
        value[index], error[index] = low, truncation + rounding
        zero = finite & (ratio < fmt.eps**0.8)
        wanted = step * (aim / np.maximum(ratio, fmt.eps)) ** (1.0 / (m + p))
        wanted = np.clip(np.where(zero, 16 * step, wanted), first[index] * 1e-5, first[index] * 1e5)
        good = finite & (ratio >= aim / 4) & (ratio <= 4 * aim)
        bounded = capped(wanted, x[index])
        done = good | ~finite | zero | (bounded == step)
        missed[index] = ~good & finite
        h[index] = np.where(zero, bounded, np.where(done, step, bounded))
        value[index[zero]] = np.nan
        verdict.say(
            _mask(index[~finite], x), "domain", "f is not finite at a node: x is near an end of its domain"
        )
        todo[index[done]] = False
    redo = np.flatnonzero(np.isnan(value) & verdict.open)
    if redo.size:  # the step grew once more after the truncation error vanished
        step = h[redo]
        value[redo] = own(probe(step, own.offsets, redo)) / step**m
    verdict.say(
        missed,
        "low_confidence",
        "truncation and rounding were never seen close: one came out as 0, or h at a limit",
    )
    return verdict.choice(h, "truncation over rounding is near m/p", value, error)


def _mask(index: Wide, x: Wide) -> Wide:
    mask = np.zeros(x.shape, dtype=bool)
    mask[index] = True
    return mask
