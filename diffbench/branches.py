"""The measured branches of an error curve: orders, slopes and the best steps.

* ``observed_order(h, truncation, zero)``, ``rounding_slope(h, rounding)``: the two branches of the error.
* ``robust_best(h, abs_error, ok)``: the best step that does not rest on luck; ``regret(...)`` against it.
* ``lucky_best(h, abs_error, ok)``: the smallest error of the sweep, never used to rank.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffbench.arithmetic.formats import get_format

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ORDER_TOLERANCE = 0.1  # how far p_obs(h) may be from its limit in the asymptotic regime
HALF_WINDOW = 0.25  # decades to each side, and at least
LEAST_ROWS = 5  # ok rows in the window of a robust best step
SLOPE_ROWS = 150  # more rows than these are thinned out: Theil-Sen looks at every pair
_CLOSEST_RATIO = 4 / 3  # two steps closer than this say little about an order
_UNDERFLOWN = 1e-300  # a truncation below this has lost digits when it was stored as float64


@dataclass(frozen=True)
class Order:
    """The limit of p_obs(h) as h -> 0, and the steps from `low` to `high` that keep to it; or a reason."""

    limit: float = math.nan
    low: float = math.nan
    high: float = math.nan
    reason: str = ""


# -- the two branches of the error -------------------------------------------------------------------------


def observed_order(h: Array, truncation: Array, zero: Mask | None = None) -> Order:
    """The order at which the truncation error vanishes, and the steps over which it does.

    ``p_obs(h_i) = log |T(h_i) / T(h_j)| / log(h_i / h_j)``, with h_j the step nearest to ``h_i / 2``. The
    limit is the median over the smallest decade of steps, at least three, which must all be within 0.1 of it.

    Parameters
    ----------
    h, truncation : ndarray, shape (n,)
        Distinct steps and the truncation error at each; rows that are not finite are left out.
    zero : ndarray of bool, shape (n,), optional
        Where a truncation of 0 is exact (column `truncation_zero`), not an underflow; default: everywhere.

    Returns
    -------
    Order
        ``inf`` where the truncation is exactly 0 as far as the smallest steps show.
    """
    usable = np.isfinite(truncation) & np.isfinite(h) & (h > 0)
    zero = truncation == 0 if zero is None or not truncation[usable].any() else zero & (truncation == 0)
    usable &= zero | (np.abs(truncation) > _UNDERFLOWN)
    ascending = np.flatnonzero(usable)[np.argsort(h[usable], kind="stable")]
    h, size, zero = h[ascending], np.abs(truncation[ascending]), zero[ascending]
    if len(h) == 0:
        return Order(reason="no row has a truncation error")
    if zero[:LEAST_ROWS].all():
        return Order(math.inf, *_longest_run(h, zero))
    h, position, size = h[~zero], np.log(h[~zero]), np.log(size[~zero])
    nearest = _nearest(position, position - math.log(2))
    far_enough = np.searchsorted(position, position - math.log(_CLOSEST_RATIO), side="right") - 1
    i = np.flatnonzero(far_enough >= 0)
    j = np.minimum(nearest, far_enough)[i]
    if len(i) < 3:
        return Order(reason="too few steps to see an order")
    order, steps = (size[i] - size[j]) / (position[i] - position[j]), h[i]
    smallest = order[: max(3, int(np.searchsorted(steps, 10 * steps[0], side="right")))]
    limit = float(np.median(smallest))
    if np.abs(smallest - limit).max() > ORDER_TOLERANCE:
        return Order(reason=f"not steady as h -> 0: from {smallest.min():.3g} to {smallest.max():.3g}")
    if limit < -ORDER_TOLERANCE:
        return Order(reason="the truncation grows as h -> 0: something happens within the smallest steps")
    return Order(limit, *_longest_run(steps, np.abs(order - limit) <= ORDER_TOLERANCE))


def _nearest(ascending: Array, wanted: Array) -> NDArray[np.intp]:
    right = np.clip(np.searchsorted(ascending, wanted), 1, max(len(ascending) - 1, 1))
    right = np.minimum(right, len(ascending) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(wanted - ascending[left] <= ascending[right] - wanted, left, right)


def _longest_run(h: Array, good: Mask) -> tuple[float, float]:
    """First and last step of the run of good rows that spans most decades; `h` ascends."""
    edges = np.diff(np.concatenate(([0], good.astype(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    if len(starts) == 0:
        return math.nan, math.nan
    longest = np.argmax(np.log(h[ends]) - np.log(h[starts]))
    return float(h[starts[longest]]), float(h[ends[longest]])


def rounding_slope(h: Array, rounding: Array) -> float:
    """Slope of ``log |rounding|`` over ``log h`` by Theil and Sen: the median of the slopes of all pairs.

    Theory says about ``-m``. NaN with fewer than five rows that are finite and not 0. More than 150 rows are
    thinned out evenly. Source: P. K. Sen, J. Amer. Statist. Assoc. 63 (1968).
    """
    good = np.flatnonzero(np.isfinite(rounding) & (rounding != 0) & np.isfinite(h) & (h > 0))
    if len(good) < LEAST_ROWS:
        return math.nan
    if len(good) > SLOPE_ROWS:
        good = good[np.linspace(0, len(good) - 1, SLOPE_ROWS).round().astype(int)]
    x, y = np.log(h[good]), np.log(np.abs(rounding[good]))
    i, j = _pairs(len(good))
    run = x[j] - x[i]
    apart = run != 0
    return float(np.median(((y[j] - y[i])[apart]) / run[apart])) if apart.any() else math.nan


@lru_cache(maxsize=SLOPE_ROWS)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    i, j = np.triu_indices(n, 1)
    return i, j


# -- the best step -----------------------------------------------------------------------------------------


def lucky_best(h: Array, abs_error: Array, ok: Mask) -> tuple[float, float]:
    """Step and value of the smallest error over ok rows: luck, never ranked. Ties: the largest h."""
    return _least(h, np.where(ok, abs_error, np.nan))


def robust_best(h: Array, abs_error: Array, ok: Mask) -> tuple[float, float]:
    """The step around which the error is reliably small (THEORY: the best step).

    It minimises, over ok rows, the 90th percentile (inverted CDF) of |error| over the ok rows within a
    quarter of a decade of h, at least 5 of them. Ties: the largest h.

    Parameters
    ----------
    h, abs_error : ndarray, shape (n,)
        Steps in any order, and absolute errors.
    ok : ndarray of bool, shape (n,)
        Rows that count.

    Returns
    -------
    h, error : float
        The step, and that percentile; NaN where no window holds five rows.
    """
    good = np.flatnonzero(ok & np.isfinite(abs_error) & np.isfinite(h) & (h > 0))
    good = good[np.argsort(h[good], kind="stable")]
    if len(good) == 0:
        return math.nan, math.nan
    position, error = np.log10(h[good]), abs_error[good]
    reach = HALF_WINDOW + 1e-12  # a neighbour that is a quarter of a decade away counts, rounded logs or not
    low = np.searchsorted(position, position - reach, side="left")
    count = np.searchsorted(position, position + reach, side="right") - low
    columns = np.arange(count.max())
    inside = columns < count[:, None]
    window = np.where(inside, error[np.minimum(low[:, None] + columns, len(error) - 1)], np.inf)
    window.sort(axis=1)
    rank = (9 * count + 9) // 10 - 1  # ceil(0.9 n), without the rounding of 0.9 * n
    percentile = window[np.arange(len(good)), rank]
    return _least(h[good], np.where(count >= LEAST_ROWS, percentile, np.nan))


def _least(h: Array, value: Array) -> tuple[float, float]:
    if not np.isfinite(value).any():
        return math.nan, math.nan
    least = np.nanmin(value)
    return float(h[value == least].max()), float(least)


def regret(
    abs_error: ArrayLike, best_error: ArrayLike, derivative_value: ArrayLike, format_name: str
) -> Array:
    """``max(|error|, u|D|, s) / max(best, u|D|, s)``: how much worse than the robust best of central-2.

    Parameters
    ----------
    abs_error, best_error, derivative_value : array_like, broadcast together
        |error| of a method, robust best error of central-2 for the same derivative, true derivative D.
    format_name : str
        Gives the unit roundoff u and the smallest subnormal s.
    """
    fmt = get_format(format_name)
    smallest = max(fmt.smallest_subnormal, 5e-324)  # longdouble's reads 0 as float64
    floor = np.maximum(fmt.u * np.abs(np.asarray(derivative_value, dtype=float)), smallest)
    return np.asarray(np.maximum(np.abs(abs_error), floor) / np.maximum(np.abs(best_error), floor))
