"""Curtis and Reid: keep the ratio of truncation to rounding error of the forward difference near 100."""

from __future__ import annotations

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.verdict import Verdict, scale_of


def ratio(h: Wide, centre: Wide, up: Wide, down: Wide, eps: float) -> Wide:
    """Estimated truncation error of the forward difference over its rounding error ``eps |f(x)| / (2 h)``."""
    truncation = np.abs((up - down) / (2 * h) - (up - centre) / h)
    return np.asarray(truncation / (0.5 * eps * np.abs(centre) / h))


def next_step(h: Wide, found: Wide, first: Wide, aim: float = 100.0) -> Wide:
    """``h (aim / max(ratio, 1))**(1/2)``, within a factor of 1000 of the first step."""
    wanted = h * np.sqrt(aim / np.fmax(found, 1.0))  # 0/0 counts as a ratio of 1: the step grows
    return np.clip(wanted, first / 1000, first * 1000)


@rule(
    source="Curtis and Reid 1974, J. Inst. Maths Applics 13, 121-126",
    kind="selector",
    derivatives=(1,),
    stencils=("central-2",),
)
def curtis_reid(
    f: Sampler,
    x: Wide,
    fmt: Format,
    stencil: Stencil,
    *,
    start: float = 0.0,
    low: float = 10.0,
    high: float = 1000.0,
    iterations: float = 20,
) -> Choice:
    """Steps until truncation over rounding of the forward difference is near 100; the central one is
    returned.

    e_t = |central - forward| estimates h|f''|/2, e_r = eps |f(x)| / (2 h); accept where low <= e_t/e_r <=
    high, else h <- h (100 / max(e_t/e_r, 1))**(1/2). ``start``: the first step, 0 for eps^(1/3) |x|.

    The step balances the forward formula, so it is some 50 times too small for the central difference that
    comes with it. Where f'' = 0 or f = 0 the ratio says nothing and h runs to its limit, 1000 times the
    first.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    centre = probe.centre()
    verdict.needs_value(centre)
    first = np.full_like(x, start) if start else fmt.eps ** (1 / 3) * scale_of(x)
    h, value, found = first.copy(), np.full_like(x, np.nan), np.full_like(x, np.nan)
    todo = verdict.open
    for _ in range(int(iterations)):
        index = np.flatnonzero(todo)
        if not index.size:
            break
        up, down = probe(h[index], (1.0, -1.0), index)
        inside = np.isfinite(up) & np.isfinite(down)
        value[index] = (up - down) / (2 * h[index])
        found[index] = ratio(h[index], centre[index], up, down, fmt.eps)
        wanted = next_step(h[index], found[index], first[index])
        done = ((found[index] >= low) & (found[index] <= high)) | (wanted == h[index]) | ~inside
        verdict.say(
            _at(index[~inside], x), "domain", "x + h or x - h left the domain, or f is infinite there"
        )
        h[index[~done]] = wanted[~done]
        todo[index[done]] = False
    bad = ~((found >= low) & (found <= high))
    verdict.say(
        bad, "low_confidence", "no step reached the ratio: f or f'' is 0 here, or the limits were hit"
    )
    return verdict.choice(h, "truncation over rounding of the forward difference is near 100", value)


def _at(index: Wide, x: Wide) -> Wide:
    mask = np.zeros(x.shape, dtype=bool)
    mask[index] = True
    return mask
