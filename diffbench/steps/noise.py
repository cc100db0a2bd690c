"""How noisy a function is: measured from differences (ECnoise), or guessed from one more value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.steps.sampler import Probe

Wide = np.ndarray[Any, Any]

NOISE, TOO_CLOSE, TOO_FAR = 1, 2, 3


def ecnoise(values: Wide) -> tuple[Wide, Wide]:
    """The standard deviation of the noise in equally spaced values, and whether to believe it.

    Source: More and Wild 2011, Estimating computational noise, SIAM J. Sci. Comput. 33, section 4.

    Parameters
    ----------
    values : array, shape (m + 1, n)
        Values on a line of equally spaced points, for n functions; m + 1 from 7 to 9.

    Returns
    -------
    noise : array, shape (n,)
        NaN where not detected.
    inform : array of int, shape (n,)
        1: noise; 2: the points are too close (half of the first differences are 0); 3: too far apart.

    Notes
    -----
    The k-th differences of a smooth function fade, those of noise grow by ((2k)!)^(1/2) / k!. So sigma_k, the
    scaled root mean square of the k-th differences, stays level once noise rules: the first level where three
    in a row are within a factor of 4 and the differences have both signs.
    """
    count, n = values.shape
    high, low = values.max(axis=0), values.min(axis=0)
    far = (high - low) / np.maximum(np.abs(high), np.abs(low)) > 0.1
    close = (np.diff(values, axis=0) == 0).sum(axis=0) >= (count - 1) / 2
    level = np.zeros((count - 1, n), dtype=values.dtype)
    signs = np.zeros((count - 1, n), dtype=bool)
    table, gamma = values, 1.0
    for k in range(1, count):
        table = np.diff(table, axis=0)
        gamma *= 0.5 * k / (2 * k - 1)
        level[k - 1] = np.sqrt(gamma * (table**2).mean(axis=0))
        signs[k - 1] = table.min(axis=0) * table.max(axis=0) < 0
    noise, found = np.full(n, np.nan, dtype=values.dtype), np.zeros(n, dtype=bool)
    for k in range(count - 3):
        three = level[k : k + 3]
        here = (three.max(axis=0) <= 4 * three.min(axis=0)) & signs[k] & ~found
        noise[here] = level[k][here]
        found |= here
    good = found & ~far & ~close & (noise > 0)
    inform = np.where(good, NOISE, np.where(close & ~far, TOO_CLOSE, TOO_FAR))
    return np.where(good, noise, np.nan), inform


def conditioned_noise(probe: Probe, centre: Wide, fmt: Format) -> Wide:
    """``eps max(|f|, |x f'|)``: a value's own rounding, and that of its argument, from one more value.

    Selectors that take the noise as given need this where f is 0 or small beside x f': eps|f| alone is then
    far below the true noise. The slope is a forward quotient over eps^(1/2) max(1, |x|).
    """
    x = probe.x
    d = math.sqrt(fmt.eps) * np.maximum(1.0, np.abs(x))
    ahead = probe(d, (1.0,))[0]
    rise = np.abs(ahead - centre)
    rise = np.where(np.isfinite(rise), rise, 0.0)
    size = np.maximum(np.abs(centre), rise * np.maximum(np.abs(x) / d, 1.0))
    return np.asarray(fmt.eps * size)
