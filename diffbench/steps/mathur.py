"""Mathur: read the step off a whole grid, where the estimated truncation error has the slope it should
have.
"""

from __future__ import annotations

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.sums import stencil_sum
from diffbench.steps.verdict import Verdict

RUN = 5  # so many slopes in a row make a truncation branch


def grid_exponents(fmt: Format) -> tuple[int, int]:
    """How many halvings and doublings of the middle step: 36 and 24 in float64, in proportion elsewhere."""
    return round(36 * fmt.precision / 53), round(24 * fmt.precision / 53)


def middle_step(x: Wide) -> Wide:
    """``2**round(log2(max(|x|, 1) / 1000))``."""
    return np.asarray(np.exp2(np.round(np.log2(1e-3 * np.maximum(np.abs(x), 1.0)))))


@rule(
    source="Mathur 2012, PhD thesis, University of Texas at Austin (AutoDX); grid as in pnd (R)",
    kind="selector",
)
def mathur(f: Sampler, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """The smallest step of the branch where neighbouring estimates differ like h^p, moved to the true kink.

    Steps h_j halve over a grid of 61 in float64 (in proportion to the bits elsewhere). tau_j = |D(h_j/2) -
    D(h_j)| / (1 - 2^-p) has slope p in log-log where truncation rules; the first five slopes in a row within
    10 % of p (then 30 %) start that branch. As tau mixes the noise of two steps, the optimum is
    (1/t*)^(1/(m+p)) times its smallest step, t* = (1 + 2^m)/(1 - 2^-p).

    Costs two values for every step of the grid. Fails where the truncation error is 0 (polynomials of low
    degree) and where the format has too few bits for a branch of five slopes.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    m, p = stencil.derivative, stencil.accuracy
    down, up = grid_exponents(fmt)
    steps = middle_step(x) * np.exp2(np.arange(-down, up + 1, dtype=x.dtype))[:, None]
    total = stencil_sum(stencil)
    probe.count += len(steps) * len(total.offsets)
    estimates = total([f(x + s * steps) for s in total.offsets]) / steps**m
    tau = np.abs(estimates[:-1] - estimates[1:]) / (1 - 2.0**-p)
    slopes = np.diff(np.log2(tau), axis=0)
    k, found = _branch(slopes, p, 0.1)
    again, found_again = _branch(slopes, p, 0.3)
    k, found = np.where(found, k, again), found | found_again
    star = (1 + 2.0**m) / (1 - 2.0**-p)
    # tau_k belongs to the larger of its two steps: (1 + 2^m) counts the noise of both
    kink = np.take_along_axis(steps, k[None, :] + 1, axis=0)[0]
    h = np.where(found, kink * star ** (-1.0 / (m + p)), np.nan)
    verdict.say(~np.isfinite(estimates).any(axis=0), "domain", "f is not finite at any node of the grid")
    verdict.say(
        ~found, "no_step", "no branch with the slope of the truncation error: it is 0, or hidden in noise"
    )
    return verdict.choice(h, "where the estimated truncation error begins to fall like h^p")


def _branch(slopes: Wide, p: int, tolerance: float) -> tuple[Wide, Wide]:
    """Index of the first of RUN consecutive slopes near p, and whether there are any."""
    good = np.abs(slopes - p) <= tolerance * p
    windows = np.lib.stride_tricks.sliding_window_view(good, RUN, axis=0).all(axis=-1)
    return np.asarray(windows.argmax(axis=0)), np.asarray(windows.any(axis=0))
