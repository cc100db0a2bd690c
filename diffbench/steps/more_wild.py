"""More and Wild: measure the noise with ECnoise, then the forward step from it and a rough f''."""

from __future__ import annotations

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.noise import NOISE, TOO_CLOSE, ecnoise
from diffbench.steps.rounding import nearest_power_of_two
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.verdict import Verdict, scale_of

#: h = 8^(1/4) (sigma / |f''|)^(1/2) minimises the mean square h^2 f''^2 / 4 + 2 sigma^2 / h^2.
FACTOR = 8.0**0.25
POINTS = 7


@rule(
    source="More and Wild 2011, SIAM J. Sci. Comput. 33, 1292-1314; 2012, ACM TOMS 38(3), 19, section 5",
    kind="selector",
    derivatives=(1,),
    stencils=("forward-1",),
)
def more_wild(
    f: Sampler, x: Wide, fmt: Format, stencil: Stencil, *, spacing: float = 0.0, noise: float = 0.0
) -> Choice:
    """h = 1.68 (sigma/|f''|)**(1/2), the noise sigma measured with ECnoise and f'' from a second difference.

    ECnoise takes 7 values ``spacing`` apart (0: the power of two nearest eps^(0.7) |x|), up to three times
    with a spacing 100 times larger or smaller. f'' is accepted at h_a = sigma^(1/4), else at h_b =
    (sigma/f''_a)^(1/4), if the second difference is over 100 sigma and f changes by less than 10 %, or if
    both agree within a half. ``noise``: sigma, if it is known. The error estimate is the root mean square
    (2^(1/2) |f''| sigma)^(1/2).

    Fails where the values do not show any noise (a smooth function whose rounding errors are too regular),
    where f'' = 0, and where the domain ends nearby.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    if noise:
        centre, sigma = probe.centre(), np.full_like(x, noise)
    else:
        centre, sigma = _measure(probe, fmt, spacing)
    verdict.needs_value(centre)
    verdict.say(np.isnan(sigma), "no_step", "ECnoise found no noise: f is constant, or too regular nearby")
    mu = _curvature(probe, verdict, centre, sigma)
    verdict.say(
        np.isnan(mu), "no_step", "no second difference rises above the noise: f'' is 0 or f varies fast"
    )
    h = FACTOR * np.sqrt(sigma / mu)
    value, error = np.full_like(x, np.nan), np.sqrt(np.sqrt(2.0) * mu * sigma)
    index = np.flatnonzero(verdict.open & np.isfinite(h) & (h > 0))
    if index.size:
        value[index] = (probe(h[index], (1.0,), index)[0] - centre[index]) / h[index]
    outside = np.zeros(x.shape, dtype=bool)
    outside[index] = ~np.isfinite(value[index])
    verdict.say(outside, "domain", "x + h left the domain, or f is infinite there")
    return verdict.choice(
        h, "the mean-square optimum for the measured noise", value, error, low="f'' came out as 0"
    )


def _measure(probe: Probe, fmt: Format, spacing: float) -> tuple[Wide, Wide]:
    """f(x) and the noise: three rounds of ECnoise at most."""
    x = probe.x
    delta = np.full_like(x, spacing) if spacing else nearest_power_of_two(fmt.eps**0.7 * scale_of(x))
    offsets = np.arange(POINTS, dtype=x.dtype) - POINTS // 2
    centre, sigma = np.full_like(x, np.nan), np.full_like(x, np.nan)
    index = np.arange(x.size)
    for _ in range(3):
        values = probe(delta[index], offsets, index)
        centre[index] = values[POINTS // 2]
        found, inform = ecnoise(values)
        sigma[index] = found
        again = (inform != NOISE) & np.isfinite(centre[index])
        delta[index] *= np.where(inform == TOO_CLOSE, 100.0, 0.01)
        index = index[again]
        if not index.size:
            break
    return centre, sigma


def _curvature(probe: Probe, verdict: Verdict, centre: Wide, sigma: Wide) -> Wide:
    """|f''| by the two-step heuristic of the second paper, NaN where it fails."""
    result = np.full_like(centre, np.nan)
    index = np.flatnonzero(verdict.open)
    if not index.size:
        return result
    first, good = _second_difference(probe, index, centre, sigma, sigma[index] ** 0.25)
    result[index[good]] = first[good]
    rest, guess = index[~good], first[~good]
    if rest.size:
        second, good = _second_difference(probe, rest, centre, sigma, (sigma[rest] / guess) ** 0.25)
        good |= np.abs(guess - second) <= np.maximum(guess, second) / 2
        result[rest[good]] = second[good]
    return result


def _second_difference(probe: Probe, index: Wide, centre: Wide, sigma: Wide, h: Wide) -> tuple[Wide, Wide]:
    """``|f(x+h) - 2 f(x) + f(x-h)| / h^2`` and whether it passes both tests."""
    h = np.where(np.isfinite(h) & (h > 0), h, 1.0)
    up, down = probe(h, (1.0, -1.0), index)
    middle = centre[index]
    difference = np.abs(up - 2 * middle + down)
    steady = np.ones(index.shape, dtype=bool)
    for side in (up, down):
        steady &= np.abs(side - middle) <= 0.1 * np.maximum(np.abs(middle), np.abs(side))
    return difference / h**2, steady & (difference >= 100 * sigma[index])
