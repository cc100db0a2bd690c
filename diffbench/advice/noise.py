"""How noisy f is: the scatter of one value, from high differences of values at equal distances.

A smooth function's k-th difference falls like ``h^k``; that of independent noise does not depend on h. With
``gamma_k = (k!)^2 / (2k)!``, ``sqrt(gamma_k mean((Delta^k f)^2))`` is the standard deviation of the noise.

Source: J. J. More and S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011), section 2;
their single spacing is replaced by all of a ladder, since none suits every function.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Orders of the differences; the lower one has more of them, the higher one fades faster for smooth f.
ORDERS = (4, 6)
#: Where f itself shows, differences grow with every octave, at a kink only twice; noise does not grow. A run
#: of so many octaves, each this much larger, is no chance.
_GROWTH, GROWING = 1.5, 4
SHORT = 24


def scatter_by_step(values: Any) -> Array:
    """Scatter that the differences show at every step.

    Parameters
    ----------
    values : array, shape (J, K)
        f at J >= 7 equidistant nodes, for K steps.

    Returns
    -------
    array, shape (K,)
        NaN where a value is missing.
    """
    found = []
    with np.errstate(invalid="ignore", over="ignore"):
        for order in ORDERS:
            gamma = math.factorial(order) ** 2 / math.factorial(2 * order)
            differences = np.diff(values, order, axis=0).astype(np.float64)
            found.append(np.sqrt(gamma * np.mean(differences**2, axis=0)))
    return np.asarray(np.minimum(*found))


def noise_level(scatter: Array, flat: Any) -> tuple[float, int]:
    """One level for the ladder, and how many of its smallest steps show noise and not f.

    Parameters
    ----------
    scatter : array, shape (K,)
        From :func:`scatter_by_step`, by ascending step.
    flat : array of bool, shape (K,)
        Steps whose values are all equal: they say nothing of the noise, below the resolution of f.
    """
    known = np.flatnonzero(np.isfinite(scatter))
    if len(known) == 0:
        return math.nan, 0
    values = scatter[known]
    short = len(values) < SHORT  # a half format has few octaves, and noise and growth share them
    run_length, quantile = (2, 0.5) if short else (GROWING, 0.75)
    end = len(values)
    for i in range(len(values) - run_length):
        run = values[i : i + run_length + 1]
        if run[0] > 0 and np.all(run[1:] > _GROWTH * run[:-1]):
            end = i + 1 if i else 0
            break
    seen = values[:end][~flat[known[:end]]]
    level = float(np.quantile(seen, quantile)) if len(seen) else 0.0  # one odd step is no level
    return level, int(known[end - 1]) + 1 if end else 0
