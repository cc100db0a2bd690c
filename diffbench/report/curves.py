"""What is drawn for one series of a sweep: points, the line through them, and the predicted parts.

* ``Series.of(rows, unit)``: measured errors of one problem, point, format and stencil, made relative.
* ``running_median(h, error)``: the line through noisy errors; on a smooth branch it is the branch itself.
* ``predicted_parts(...)``: truncation and rounding that theory promises, from the reference derivatives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diffbench.errors import UserError
from diffbench.report.data import PARTS
from diffbench.stencils import stencil_from_name

Array = NDArray[np.float64]
HALF_WINDOW = (
    0.25  # decades: the window of the robust best step, so that line and star speak of the same steps
)


@dataclass(frozen=True)
class Series:
    """One series by ascending h; every error is divided by `unit`.

    Attributes
    ----------
    h, error : ndarray, shape (n,)
        Rows with a finite error.
    parts : dict of ndarray, shape (n,)
        Magnitudes of the five parts; NaN where the run has none.
    zero, vanished : ndarray of bool, shape (n,)
        Errors of exactly 0, and rows with status ``step_vanished``.
    median : ndarray, shape (n,)
        The running median of the errors, NaN on rows whose step vanished.
    unit : float
        What the errors are relative to (`error_unit_of`).
    """

    h: Array
    error: Array
    parts: dict[str, Array]
    zero: NDArray[np.bool_]
    vanished: NDArray[np.bool_]
    median: Array
    unit: float

    @classmethod
    def of(cls, rows: pd.DataFrame, unit: float | None = None) -> Series:
        """The series of the rows of one problem, point, format, stencil, derivative and variant.

        Errors are divided by `unit`; by default that is the derivative's magnitude, or 1 where it is 0.
        """
        rows = rows[np.isfinite(rows["h"]) & np.isfinite(rows["error"]) & (rows["h"] > 0)].sort_values("h")
        if unit is None:
            unit = error_unit_of(rows, np.empty(0), 0, 1.0)[0]
        error = np.abs(rows["error"].to_numpy(float)) / unit
        parts = {name: np.abs(_column(rows, name)) / unit for name in PARTS}
        h, vanished = rows["h"].to_numpy(float), (rows["status"] == "step_vanished").to_numpy(bool)
        median = np.full(len(h), np.nan)
        median[~vanished] = running_median(h[~vanished], error[~vanished])
        return cls(
            h,
            error,
            parts,
            error == 0,
            vanished,
            median,
            unit,
        )

    @property
    def truncation(self) -> Array:
        """The stencil's own error."""
        return self.parts["truncation"]

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Rows that a logarithmic axis can show: not zero, and the step did not vanish."""
        return ~self.zero & ~self.vanished

    @property
    def line(self) -> tuple[Array, Array]:
        """Steps and running median where a logarithm exists."""
        drawn = np.isfinite(self.median) & (self.median > 0)
        return self.h[drawn], self.median[drawn]


def _column(rows: pd.DataFrame, name: str) -> Array:
    return rows[name].to_numpy(float) if name in rows else np.full(len(rows), np.nan)


def running_median(h: Array, error: Array) -> Array:
    """The median error within a quarter of a decade of each step; windows at the ends shrink, to be centred.

    Parameters
    ----------
    h, error : ndarray, shape (n,)
        Steps by ascending size, and their absolute errors.
    """
    n = len(h)
    if n == 0:
        return np.empty(0)
    position = np.log10(h)
    reach = np.minimum(HALF_WINDOW, np.minimum(position - position[0], position[-1] - position)) + 1e-9
    first, last = np.searchsorted(position, position - reach), np.searchsorted(position, position + reach)
    index = first[:, None] + np.arange((last - first).max())
    window = np.where(index < last[:, None], error[np.minimum(index, n - 1)], np.inf)
    middle = (last - first - 1) // 2
    return np.sort(window, axis=1)[np.arange(n), middle]


def error_unit_of(rows: pd.DataFrame, derivatives: Array, order: int, scale: float) -> tuple[float, str]:
    """What errors are relative to: the derivative, or where that is 0 ``max|f| / scale^m`` near x.

    Returns
    -------
    (float, str)
        The unit and ``"derivative"``, ``"scale"`` or ``"nothing"`` (unit 1: the errors stay absolute).
    """
    from diffbench.predictions import error_unit

    exact = rows["exact"].to_numpy(float)
    exact = exact[np.isfinite(exact)]
    if len(exact) and exact[0] != 0:
        return abs(float(exact[0])), "derivative"
    if len(exact) and len(derivatives) > order:
        unit, relative_to = error_unit(derivatives, order, scale)
        if math.isfinite(unit) and unit > 0:
            return unit, relative_to
    return 1.0, "nothing"


def derivatives_at(references: pd.DataFrame) -> Array:
    """``f, f', f'', ...`` as far as the references of one problem, point and x go without a gap."""
    values = references.set_index("derivative")["value"].to_dict()
    found: list[float] = []
    while math.isfinite(values.get(len(found), math.nan)):
        found.append(float(values[len(found)]))
    return np.array(found)


def predicted_parts(
    stencil_name: str, derivative: int, derivatives: Array, format_name: str, x: float, h: Array
) -> tuple[Array, Array] | None:
    """The leading truncation term and the worst-case rounding of theory, both absolute.

    Returns
    -------
    (ndarray, ndarray) or None
        Both of the shape of `h`; None when the references do not reach far enough or the name is no stencil.
    """
    from diffbench.predictions import leading_term, predicted_curves

    try:
        stencil = stencil_from_name(stencil_name, derivative)
    except UserError:
        return None
    if len(derivatives) <= derivative + stencil.accuracy:
        return None
    k, size = leading_term(stencil, derivatives)
    truncation = size * h ** (k - derivative) if size > 0 and math.isfinite(k) else np.zeros(len(h))
    # Without the derivatives that make the truncation, what is left of the envelope is the rounding.
    short = np.where(np.arange(len(derivatives)) < derivative + stencil.accuracy, derivatives, 0.0)
    rounding, _ = predicted_curves(stencil, short, format_name, x, h)
    return truncation, np.asarray(rounding, dtype=float)
