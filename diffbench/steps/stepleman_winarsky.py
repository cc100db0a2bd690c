"""Stepleman and Winarsky: shrink h until successive central differences stop approaching each other."""

from __future__ import annotations

import math

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.verdict import Verdict, scale_of


@rule(
    source="Stepleman and Winarsky 1979, Math. Comp. 33, 1257-1264, eqs 2.3 and 3.9-3.16",
    kind="selector",
    derivatives=(1,),
    stencils=("central-2",),
)
def stepleman_winarsky(
    f: Sampler,
    x: Wide,
    fmt: Format,
    stencil: Stencil,
    *,
    start: float = 0.0,
    beta: float = 4.0,
    iterations: float = 60,
) -> Choice:
    """d(h), d(h/4), ...: in exact arithmetic their differences decrease; the first that does not ends it.

    ``start``: the first step; 0 searches one at which the difference loses between 0 and T =
    log10(eps^(-1/3)/ beta) digits: from beta eps^(1/3) |x| (0.04 eps^(1/3) at 0) by factors of 10, then by
    bisection on log h. The error estimate is the difference that ended it: the one before bounds the
    truncation (eq. 2.3), and this one shows the rounding.

    Where f(x) = 0 no digits can be counted: the search is left out. The last bits of f decide where it
    stops, so another library's exp may give a step that is a factor beta or two away.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    if start:
        h = np.full_like(x, start)
        centre = np.zeros_like(x)
    else:
        centre = probe.centre()
        verdict.needs_value(centre)
        h = _first_step(probe, verdict, centre, fmt, beta)
    size = x.shape
    value, error, step = (np.full(size, np.nan, dtype=x.dtype) for _ in range(3))
    last, gap = np.full_like(x, np.nan), np.full_like(x, np.inf)
    todo = verdict.open | (verdict.status == "low_confidence")
    for _ in range(int(iterations)):
        index = np.flatnonzero(todo)
        if not index.size:
            break
        up, down = probe(h[index], (1.0, -1.0), index)
        d = (up - down) / (2 * h[index])
        new_gap = np.abs(d - last[index])
        comparable = np.isfinite(new_gap) & np.isfinite(gap[index])
        stops = comparable & ((new_gap > gap[index]) | (new_gap == 0))
        ended = index[stops]
        value[ended], step[ended] = last[ended], h[ended] * beta
        error[ended] = np.maximum(gap[ended], new_gap[stops])
        # two differences in a row are needed before one can be larger; a node outside starts again
        gap[index] = np.where(np.isfinite(new_gap), new_gap, np.inf)
        last[index] = d
        todo[ended] = False
        h[index] = h[index] / beta
    verdict.say(
        np.isnan(step), "no_step", "the differences never stopped decreasing, or f is not finite nearby"
    )
    return verdict.choice(
        step, "the smallest step whose difference still approached the one before", value, error
    )


def _first_step(probe: Probe, verdict: Verdict, centre: Wide, fmt: Format, beta: float) -> Wide:
    """A step at which the difference loses between 0 and T decimal digits (section 3)."""
    x = probe.x
    most = math.log10(fmt.eps ** (-1 / 3) / beta)
    h = np.where(x == 0, 0.04, beta * scale_of(x)) * fmt.eps ** (1 / 3)
    first = h.copy()
    low, high = np.full_like(x, np.nan), np.full_like(x, np.nan)
    todo = verdict.open & (centre != 0)
    for _ in range(60):
        index = np.flatnonzero(todo)
        if not index.size:
            break
        up, down = probe(h[index], (1.0, -1.0), index)
        lost = -np.log10(np.abs((up - down) / centre[index]))
        large = ~(np.isfinite(up) & np.isfinite(down)) | (lost <= 0)
        small = ~large & (lost > most)
        high[index[large]], low[index[small]] = h[index[large]], h[index[small]]
        todo[index[~large & ~small]] = False
        some = np.flatnonzero(todo)
        both = np.sqrt(low[some] * high[some])
        single = np.where(np.isnan(high[some]), low[some] * 10, high[some] / 10)
        h[some] = np.where(np.isnan(both), single, both)
    h[todo] = first[todo]
    verdict.say(
        todo, "low_confidence", "no step loses between 0 and T digits: f is constant, or tiny beside f'"
    )
    return h
