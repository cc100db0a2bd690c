"""What a sweep says, in one row per series: orders, slopes, best steps, predictions and digits.

``summarise(sweep, references)`` gives the columns of ``summary.csv``, from frames only. The measurements are
those of :mod:`diffbench.branches`, the theory beside them is that of :mod:`diffbench.predictions`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diffbench.arithmetic.formats import NAMES
from diffbench.branches import Order, lucky_best, observed_order, robust_best, rounding_slope
from diffbench.errors import UserError
from diffbench.predictions import (
    UNKNOWN_TERM,
    Prediction,
    digits,
    error_unit,
    leading_term,
    predicted_optimum,
)
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
        at = (series.problem, series.point, series.x)
        floor = known.autodiff_error(*at, series.derivative, series.format)
        rows.append(series.summary(*known.at(*at), floor))
    keys = sweep[[*KEYS, "x", "accuracy"]].iloc[first].reset_index(drop=True)
    computed = [name for name in SUMMARY_COLUMNS if name not in keys]
    scores = pd.DataFrame(rows, columns=computed).astype(dict.fromkeys(computed[:-2], float))
    return pd.concat([keys, scores], axis=1)[list(SUMMARY_COLUMNS)]


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

    def summary(self, derivatives: Array, scale: float, floor: float) -> tuple[float | str, ...]:
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
            *(prediction.h, prediction.error, found, floor, expected, relative_to, reason),
        )

    def _theory(self, derivatives: Array, order: Order, reasons: dict[str, str]) -> tuple[Prediction, float]:
        if self.stencil is None:
            reasons["h_predicted"] = "no stencil of this name"
            return Prediction(), math.nan
        prediction = predicted_optimum(self.stencil, derivatives, self.format)
        reasons["h_predicted"] = prediction.reason
        k, _ = leading_term(self.stencil, derivatives)
        if math.isnan(k):
            reasons["expected_order"] = UNKNOWN_TERM
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
        self._floors = {name: self._floor(references, name) for name in NAMES}

    @staticmethod
    def _floor(references: pd.DataFrame, format_name: str) -> dict[tuple[str, str, float, int], float]:
        """What autodiff gets wrong in a format, by problem, point, x and derivative."""
        column = f"autodiff_error_{format_name}"
        if column not in references:
            return {}
        known = references[references[column].notna()]
        keys = zip(*(known[name].tolist() for name in ("problem", "point", "x", "derivative")), strict=True)
        found = np.abs(_floats(known, column)).tolist()
        return {(str(a), str(b), float(c), int(d)): e for (a, b, c, d), e in zip(keys, found, strict=True)}

    def autodiff_error(self, problem: str, point: str, x: float, derivative: int, format_name: str) -> float:
        """|error| of autodiff at the point, NaN where it is not known."""
        return self._floors.get(format_name, {}).get((problem, point, x, derivative), math.nan)

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
    with np.errstate(invalid="ignore", over="ignore"):  # rows that overflowed have infinite parts
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
