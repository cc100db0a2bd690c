"""How a cost grows with the number of variables: the exponent of a power law, and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffbench.errors import UserError

# Two-sided 95 % quantiles of Student's t for 1, 2, 3, ... degrees of freedom (any table of t)
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145)


@dataclass(frozen=True)
class Exponent:
    """``cost ~ n**value``; ``low`` to ``high`` is the 95 % interval of the slope of a straight line."""

    value: float
    low: float
    high: float
    points: int


def fit_exponent(n: Sequence[float], cost: Sequence[float]) -> Exponent:
    """Least squares on the logarithms.

    Parameters
    ----------
    n, cost : sequence of float
        Positive, at least three of each.

    Raises
    ------
    UserError
        If there are fewer than three points, or one is not positive.
    """
    x, y = np.asarray(n, dtype=float), np.asarray(cost, dtype=float)
    if x.shape != y.shape or x.ndim != 1 or x.size < 3 or not (np.all(x > 0) and np.all(y > 0)):
        raise UserError(f"an exponent needs three positive points or more, not n = {n!r} and cost = {cost!r}")
    x, y = np.log(x) - np.mean(np.log(x)), np.log(y) - np.mean(np.log(y))
    slope = float(np.dot(x, y) / np.dot(x, x))
    freedom = x.size - 2
    spread = float(np.sqrt(np.sum((y - slope * x) ** 2) / freedom / np.dot(x, x)))
    half = _T95[min(freedom, len(_T95)) - 1] * spread
    return Exponent(slope, slope - half, slope + half, int(x.size))
