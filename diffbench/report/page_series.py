"""Every series of a run for the page: its scores, theory, and what its errors are relative to.

A series is what one row of ``summary.csv`` speaks of. ``series_of(run)`` gives the frame that the
explorer, the step chooser and the table of all series share, in one order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import formats
from diffbench.errors import UserError
from diffbench.predictions import error_unit, leading_term
from diffbench.report.curves import Array, derivatives_at
from diffbench.report.data import RunData
from diffbench.stencils import Stencil, stencil_from_name

POINT = ["problem", "point", "format", "derivative"]
SERIES = ["problem", "point", "format", "derivative", "stencil", "variant"]
At = tuple[str, str, float]


def series_of(run: RunData) -> pd.DataFrame:
    """The rows of ``summary.csv`` with columns for the page.

    Added are ``scale`` (of the point), ``unit`` and ``relative_to`` (an error divided by `unit` is relative),
    and theory's curves: the truncation is ``a h^power``, the worst-case rounding ``b / h^m``; NaN where the
    references do not reach far enough. ``left`` and ``right`` are the one-sided derivatives.
    """
    summary = run.summary.drop_duplicates(SERIES).reset_index(drop=True)
    known = {
        (str(key[0]), str(key[1]), float(str(key[2]))): (derivatives_at(rows), _scale(rows))
        for key, rows in run.references.groupby(["problem", "point", "x"], sort=False)
    }
    places = list(zip(summary["problem"], summary["point"], summary["x"], strict=True))
    names = ["unit", "relative_to", "power", "a", "b", "scale"]
    rows = [
        _theory(known, place, name, int(m), stencil)
        for place, name, m, stencil in zip(
            places, summary["format"], summary["derivative"], summary["stencil"], strict=True
        )
    ]
    added = pd.DataFrame(rows, columns=names, index=summary.index)
    return _with_sides(summary.assign(**{name: added[name] for name in names}), run.references)


def _with_sides(series: pd.DataFrame, references: pd.DataFrame) -> pd.DataFrame:
    """The one-sided derivatives beside each series, where the references have them."""
    keys = ["problem", "point", "x", "derivative"]
    if not {"left", "right"} <= set(references):
        return series.assign(left=math.nan, right=math.nan)
    sides = references[[*keys, "left", "right"]].drop_duplicates(keys)
    return series.merge(sides, on=keys, how="left")


def _scale(rows: pd.DataFrame) -> float:
    usual = max(1.0, abs(float(rows["x"].iloc[0])))
    scale = float(rows["scale"].iloc[0]) if "scale" in rows else usual
    return scale if scale > 0 else usual


def _theory(
    known: Mapping[At, tuple[Array, float]], place: At, name: str, m: int, stencil_name: str
) -> tuple[float, str, float, float, float, float]:
    """Unit, what it is, the power and the factor of the truncation, the factor of the rounding, the scale."""
    derivatives, scale = known.get(place, (np.empty(0), max(1.0, abs(place[2]))))
    unit, relative_to = error_unit(derivatives, m, scale)
    if not (math.isfinite(unit) and unit > 0):
        unit, relative_to = 1.0, "nothing"
    power = a = b = math.nan
    stencil = _stencil(stencil_name, m)
    if stencil is not None and len(derivatives) > 1 and name in formats():
        k, a = leading_term(stencil, derivatives)
        power = k - m if math.isfinite(k) else math.nan
        b = _worst_rounding(stencil, derivatives, name, place[2])
    return unit, relative_to, power, a, b, scale


def _worst_rounding(stencil: Stencil, derivatives: Array, name: str, x: float) -> float:
    """``S1 ulp(f)/2 + X1 |f'| ulp(x)/2``: half a unit in the last place of every value and every node."""
    fmt = formats()[name]
    with np.errstate(all="ignore"):
        of_values = float(stencil.S1) * float(fmt.ulp(abs(float(derivatives[0]))))
        of_nodes = float(stencil.X1) * abs(float(derivatives[1])) * float(fmt.ulp(abs(x)))
    return (of_values + of_nodes) / 2


def _stencil(name: str, m: int) -> Stencil | None:
    try:
        return stencil_from_name(name, m)
    except UserError:
        return None
