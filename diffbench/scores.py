"""What a sweep says, in one row per series: orders, slopes, best steps, predictions and digits.

* ``summarise(sweep, references)``: the columns of ``summary.csv``, from frames only.
* ``observed_order(h, truncation, zero)``, ``rounding_slope(h, rounding)``: the two branches of the error.
* ``robust_best(h, abs_error, ok)``: the best step that does not rest on luck; ``regret(...)`` against it.
* ``leading_term``, ``predicted_optimum``, ``predicted_curves``: what theory promises, with true derivatives.

In all of them ``derivatives`` is the array ``f(x), f'(x), f''(x), ...``, NaN where one is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import UserError
from diffbench.stencils import Stencil, stencil_from_name

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

KEYS = ("problem", "point", "format", "stencil", "derivative", "variant")
SUMMARY_COLUMNS = tuple(
    """problem point x format stencil derivative accuracy variant observed_order order_h_low order_h_high
    rounding_slope h_lucky error_lucky h_best error_best h_predicted error_predicted digits autodiff_error
    expected_order relative_to reason""".split()
)
ROUNDING_PARTS = ("abscissa", "evaluation", "weights", "combination")

ORDER_TOLERANCE = 0.1  # how far p_obs(h) may be from its limit in the asymptotic regime (THEORY)
HALF_WINDOW = 0.25  # decades to each side, and at least
LEAST_ROWS = 5  # ok rows in the window of a robust best step (THEORY)
SLOPE_ROWS = 150  # more rows than these are thinned out: Theil-Sen looks at every pair
_CLOSEST_RATIO = 4 / 3  # two steps closer than this say little about an order
_UNKNOWN_TERM = "a derivative of the leading error term is not known"
_UNDERFLOWN = 1e-300  # a truncation below this has lost digits when it was stored as float64


@dataclass(frozen=True)
class Order:
    """The limit of p_obs(h) as h -> 0, and the steps from `low` to `high` that keep to it; or a reason."""

    limit: float = math.nan
    low: float = math.nan
    high: float = math.nan
    reason: str = ""


@dataclass(frozen=True)
class Prediction:
    """The step that balances truncation and rounding, and the worst-case error there; or a reason."""

    h: float = math.nan
    error: float = math.nan
    reason: str = ""


def summarise(sweep: pd.DataFrame, references: pd.DataFrame) -> pd.DataFrame:
    """One row per problem, point, format, stencil, derivative and variant.

    Parameters
    ----------
    sweep, references : DataFrame
        With the columns of ``sweep.parquet`` and ``references.parquet``.

    Returns
    -------
    DataFrame
        Columns ``SUMMARY_COLUMNS``, in the order in which the series appear. What cannot be said is NaN and
        named in `reason`.

    Raises
    ------
    UserError
        If a column that is needed is missing.
    """
    _require(sweep, "sweep", (*KEYS, "x", "accuracy", "h", "error", "exact", "status"))
    _require(references, "references", ("problem", "point", "x", "derivative", "value"))
    known = _Known(references)
    first, rows = [], []
    for series in _series(sweep):
        first.append(series.first)
        rows.append(series.summary(*known.at(series.problem, series.point, series.x)))
    keys = sweep[[*KEYS, "x", "accuracy"]].iloc[first].reset_index(drop=True)
    computed = [name for name in SUMMARY_COLUMNS if name not in keys]
    scores = pd.DataFrame(rows, columns=computed).astype(dict.fromkeys(computed[:-2], float))
    return pd.concat([keys, scores], axis=1)[list(SUMMARY_COLUMNS)]


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


# -- what theory promises ----------------------------------------------------------------------------------


def leading_term(stencil: Stencil, derivatives: Array) -> tuple[float, float]:
    """The truncation error ``A h^(k-m)`` for small h: symmetry of the function may remove the first terms.

    Returns
    -------
    k, A : float
        Degree of the first term whose derivative is not 0, and ``|coefficient f^(k)(x)|``; ``(inf, 0)`` if
        all known terms vanish, ``(nan, nan)`` if a derivative is missing before one is found.
    """
    terms = [(k, c) for k, c in _float_terms(stencil) if k < len(derivatives)]
    for k, coefficient in terms:
        if derivatives[k] != 0:
            size = abs(coefficient * float(derivatives[k]))
            return (float(k), size) if math.isfinite(size) else (math.nan, math.nan)
    return (math.inf, 0.0) if terms else (math.nan, math.nan)


@lru_cache(maxsize=1024)
def _float_terms(stencil: Stencil) -> list[tuple[int, float]]:
    return [(k, float(c)) for k, c in stencil.error_terms(16)]


def predicted_optimum(stencil: Stencil, derivatives: Array, format_name: str) -> Prediction:
    """Where ``A h^p + B h^-m`` is least, with ``B = S1 ulp(f)/2`` (THEORY: predicted curves).

    ``h* = (m B / (p A))^(1/(m+p))`` and ``E = (m+p)/p B h*^-m``, with p the order that the function
    really gives.
    """
    m = stencil.derivative
    k, a = leading_term(stencil, derivatives)
    f = float(derivatives[0]) if len(derivatives) else math.nan
    if math.isnan(k):
        return Prediction(reason=_UNKNOWN_TERM)
    if a == 0:
        return Prediction(reason="A = 0: no known error term is left")
    if not math.isfinite(f) or f == 0 or m == 0:
        return Prediction(reason="B = 0: f(x) = 0" if f == 0 else "no rounding term: f(x) unknown or m = 0")
    p = k - m
    with np.errstate(all="ignore"):
        b = float(stencil.S1) * get_format(format_name).ulp(f) / 2
        h = (m * b / (p * np.float64(a))) ** (1 / k)
        error = (m + p) / p * b / h**m
    if not (np.isfinite(error) and h > 0):
        return Prediction(reason="the predicted step is out of float64's range")
    return Prediction(float(h), float(error))


def predicted_curves(
    stencil: Stencil, derivatives: Array, format_name: str, x: float, h: Array
) -> tuple[Array, Array]:
    """The error that theory expects at each step: worst-case envelope and root mean square.

    envelope = A h^p + S1 ulp(f)/2 / h^m + X1 |f'| ulp(x)/2 / h^m, the last one where a node is not a number
    of the format; rms = the root of the sum of squares of A h^p, ``S2 ulp(f)/sqrt(12) / h^m`` and, where a
    node is inexact, the same for ``|f'| ulp(x)``, nodes at equal distances moving together. Spacings are the
    largest over the nodes, whose function values come from the Taylor polynomial of `derivatives`.

    Parameters
    ----------
    derivatives : ndarray, shape (K,)
        True f, f', f'', ... at `x`.
    h : ndarray, shape (n,)
        Steps, as numbers of the format.

    Returns
    -------
    envelope, rms : ndarray, shape (n,)
        Absolute; NaN where a derivative that is needed is not known.
    """
    fmt, m = get_format(format_name), stencil.derivative
    h, derivatives = np.asarray(h, dtype=float), np.asarray(derivatives, dtype=float)
    used = [(s, abs(c)) for s, c in zip(stencil.offsets, stencil.weights, strict=True) if c]
    shifts = np.array([float(s) for s, _ in used])[:, None] * h
    slope = abs(float(derivatives[1])) if len(derivatives) > 1 else math.nan
    k, a = leading_term(stencil, derivatives)
    with np.errstate(all="ignore"):
        truncation = np.zeros_like(h) if a == 0 else a * h ** (k - m)
        f_spacing = fmt.ulp(np.abs(_taylor(derivatives, shifts)).max(axis=0))
        x_spacing = fmt.ulp(np.maximum(np.abs(x + shifts).max(axis=0), abs(x)))
        moved = np.where(_inexact(x, h, [s for s, _ in used], fmt), slope * x_spacing, 0.0)
        # X1, except that an offset below 1 (staggered grids) still carries the full half ulp of its node
        reach = float(sum((c * max(Fraction(1), abs(s)) for s, c in used if s), Fraction(0)))
        # x is a number of the format, so x + s h and x - s h round by opposite amounts
        signed: dict[Fraction, Fraction] = {}
        for s, c in zip(stencil.offsets, stencil.weights, strict=True):
            signed[abs(s)] = signed.get(abs(s), Fraction(0)) + (c if s > 0 else -c if s < 0 else 0)
        away = math.sqrt(sum(c * c for c in signed.values()))
        envelope = truncation + (float(stencil.S1) * f_spacing + reach * moved) / 2 / h**m
        scatter = ((stencil.S2 * f_spacing) ** 2 + (away * moved) ** 2) / 12
        return envelope, np.sqrt(truncation**2 + scatter / h ** (2 * m))


def _taylor(derivatives: Array, shifts: Array) -> Array:
    """The Taylor polynomial of the derivatives before the first unknown one."""
    unknown = np.flatnonzero(~np.isfinite(derivatives))
    total = np.full_like(
        shifts, np.nan if len(derivatives) == 0 or (len(unknown) and unknown[0] == 0) else 0.0
    )
    for k in reversed(range(int(unknown[0]) if len(unknown) else len(derivatives))):
        total = total * shifts / (k + 1) + derivatives[k]
    return total


def _inexact(x: float, h: Array, offsets: list[Fraction], fmt: Format) -> Mask:
    """Where a node ``x + s h`` is not a number of the format."""
    at = Fraction(x)
    exact = [all(_representable(at + s * step, fmt) for s in offsets) for step in map(Fraction, h.tolist())]
    return ~np.array(exact, dtype=bool)


def _representable(value: Fraction, fmt: Format) -> bool:
    """Whether the format holds the number exactly (its largest number aside)."""
    if value == 0:
        return True
    numerator, denominator = abs(value.numerator), value.denominator
    trailing = (numerator & -numerator).bit_length() - 1
    dyadic = denominator & (denominator - 1) == 0
    coarse_enough = denominator.bit_length() - 1 <= fmt.precision - 1 - fmt.min_exponent
    return dyadic and coarse_enough and (numerator >> trailing).bit_length() <= fmt.precision


def error_unit(derivatives: Array, m: int, scale: float) -> tuple[float, str]:
    """What errors of the m-th derivative are relative to, and the name of it.

    Returns
    -------
    unit : float
        ``|f^(m)(x)|``; where that is 0, ``max|f| / scale^m`` over x and x +- scale/8 (Taylor polynomial).
    relative_to : str
        ``"derivative"`` or ``"scale"``; empty where the derivative is not known.
    """
    value = abs(float(derivatives[m])) if m < len(derivatives) else math.nan
    if value != 0:
        return value, "derivative" if math.isfinite(value) else ""
    with np.errstate(all="ignore"):
        near = _taylor(derivatives, np.array([-scale / 8, 0.0, scale / 8]))
        return float(np.abs(near).max() / scale**m), "scale"


def digits(abs_error: float, unit: float, format_name: str) -> float:
    """``-log10(|error| / unit)``, clipped to [0, digits of the format]; NaN where either is not known."""
    most = get_format(format_name).digits
    if abs_error == 0:
        return most
    if not (math.isfinite(abs_error) and math.isfinite(unit) and unit > 0):
        return math.nan
    return min(max(math.log10(unit) - math.log10(abs_error), 0.0), most)


# -- from frames to series ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Series:
    """The rows of one problem, point, format, stencil, derivative and variant, by ascending h (NaN last)."""

    first: int
    problem: str
    point: str
    x: float
    format: str
    stencil: Stencil | None
    derivative: int
    h: Array
    estimate: Array
    error: Array
    truncation: Array
    zero: Mask
    rounding: Array
    status: NDArray[np.object_]

    def summary(self, derivatives: Array, scale: float) -> tuple[float | str, ...]:
        """The computed columns of one summary row, in their order."""
        reasons: dict[str, str] = {}
        ok = (self.status == "ok") & np.isfinite(self.error)
        order = observed_order(self.h, self.truncation, self.zero)
        reasons["observed_order"] = order.reason
        # where all values are equal the estimate is 0 and the rounding is all of -f^(m), whatever h is
        cancelled = self.estimate == 0
        slope = rounding_slope(self.h[ok & ~cancelled], self.rounding[ok & ~cancelled])
        h_lucky, lucky = lucky_best(self.h, self.error, ok)
        h_best, best = robust_best(self.h, self.error, ok)
        if not ok.any():
            reasons["h_best"] = f"no ok row ({_counts(self.status)})"
        else:
            if math.isnan(slope):
                reasons["rounding_slope"] = "fewer than 5 ok rows with a rounding error, estimates of 0 aside"
            if math.isnan(best):
                reasons["h_best"] = "fewer than 5 ok rows within a quarter of a decade"
        prediction, expected = self._theory(derivatives, order, reasons)
        unit, relative_to = error_unit(derivatives, self.derivative, scale)
        found = digits(best, unit, self.format)
        if math.isnan(found) and not math.isnan(best):
            reasons["digits"] = "the size of the derivative is not known" if unit != 0 else "f is 0 nearby"
        reason = _sentence(reasons)
        return (
            *(order.limit, order.low, order.high, slope, h_lucky, lucky, h_best, best),
            *(prediction.h, prediction.error, found, math.nan, expected, relative_to, reason),
        )

    def _theory(self, derivatives: Array, order: Order, reasons: dict[str, str]) -> tuple[Prediction, float]:
        if self.stencil is None:
            reasons["h_predicted"] = "no stencil of this name"
            return Prediction(), math.nan
        prediction = predicted_optimum(self.stencil, derivatives, self.format)
        reasons["h_predicted"] = prediction.reason
        k, _ = leading_term(self.stencil, derivatives)
        if math.isnan(k):
            reasons["expected_order"] = _UNKNOWN_TERM
        elif k == math.inf and order.limit != math.inf:
            reasons["expected_order"] = "every known error term vanishes, the truncation does not"
            k = math.nan
        return prediction, k - self.derivative


class _Known:
    """The reference derivatives of every problem, point and x, as arrays."""

    def __init__(self, references: pd.DataFrame) -> None:
        self._values: dict[tuple[str, str, float], dict[int, float]] = {}
        self._scales: dict[tuple[str, str, float], float] = {}
        value, radius = _floats(references, "value"), np.nan_to_num(_floats(references, "radius"))
        value = np.where(
            (value == 0) | (radius <= 1e-3 * np.abs(value)), value, np.nan
        )  # too wide to predict with
        columns = (references[name].tolist() for name in ("problem", "point", "x", "derivative"))
        for *key, k, v, s in zip(
            *columns, value.tolist(), _floats(references, "scale").tolist(), strict=True
        ):
            at = (str(key[0]), str(key[1]), float(key[2]))
            self._values.setdefault(at, {})[int(k)] = v
            self._scales[at] = s

    def at(self, problem: str, point: str, x: float) -> tuple[Array, float]:
        """``f, f', ...`` (NaN where missing) and the scale, default max(1, |x|)."""
        known = self._values.get((problem, point, x), {})
        scale = self._scales.get((problem, point, x), math.nan)
        values = np.array([known.get(k, math.nan) for k in range(max(known, default=-1) + 1)], dtype=float)
        return values, scale if scale > 0 else max(1.0, abs(x))


def _series(sweep: pd.DataFrame) -> Iterator[_Series]:
    """Split the frame once: group numbers by first appearance, then slices of sorted arrays."""
    if len(sweep) == 0:
        return
    codes = sweep.groupby(list(KEYS), sort=False, dropna=False, observed=True).ngroup().to_numpy()
    h = _floats(sweep, "h")
    order = np.lexsort((h, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    _, first = np.unique(codes, return_index=True)
    estimate = _floats(sweep, "estimate")[order]
    error, truncation = np.abs(_floats(sweep, "error"))[order], _floats(sweep, "truncation")[order]
    rounding = sum((_floats(sweep, name) for name in ROUNDING_PARTS), np.zeros(len(sweep)))[order]
    flagged = sweep["truncation_zero"] if "truncation_zero" in sweep else sweep["error"].notna()
    zero = flagged.fillna(False).to_numpy(dtype=bool)[order]
    status = sweep["status"].astype(str).to_numpy(dtype=object)[order]
    h = h[order]
    names = ("problem", "point", "x", "format", "stencil", "derivative")
    keys = zip(first.tolist(), *(sweep[name].iloc[first].tolist() for name in names), strict=True)
    bounds = zip(starts, [*starts[1:], len(h)], strict=True)
    for (row, problem, point, x, fmt, stencil, m), (low, high) in zip(keys, bounds, strict=True):
        yield _Series(
            row,
            *(str(problem), str(point), float(x), str(fmt)),
            stencil=_named(str(stencil), m),
            derivative=int(m) if m == m else 0,
            h=h[low:high],
            estimate=estimate[low:high],
            error=error[low:high],
            truncation=truncation[low:high],
            zero=zero[low:high],
            rounding=rounding[low:high],
            status=status[low:high],
        )


@lru_cache(maxsize=1024)
def _named(name: str, derivative: float) -> Stencil | None:
    try:
        return stencil_from_name(name, int(derivative))
    except (UserError, ValueError):
        return None


def _sentence(reasons: dict[str, str]) -> str:
    """``h_best: why; h_predicted, expected_order: why`` from a reason per column, empty ones left out."""
    columns: dict[str, list[str]] = {}
    for column, why in reasons.items():
        if why:
            columns.setdefault(why, []).append(column)
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in columns.items())


def _counts(status: NDArray[np.object_]) -> str:
    names, counts = np.unique(status.astype(str), return_counts=True)
    return ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))


def _floats(frame: pd.DataFrame, name: str) -> Array:
    """A column as float64; NaN throughout where the frame has none (a sweep without the split)."""
    return (
        frame[name].to_numpy(dtype=float, na_value=np.nan) if name in frame else np.full(len(frame), np.nan)
    )


def _require(frame: pd.DataFrame, what: str, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in frame]
    if missing:
        raise UserError(f"the {what} frame lacks {', '.join(missing)}: pass the frame of a sweep or of a run")
