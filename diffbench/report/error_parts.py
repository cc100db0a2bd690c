"""The parts of an error plot: one series, its predictions, its star and slope, the axes and the legend.

* ``draw_series(axes, series, look, best)``: marks, line, vanished steps, exact zeros, star.
* ``draw_predictions(...)``: exact truncation in the series' colour, theory's two curves in grey.
* ``error_limits``, ``step_limits``, ``frame``: axes that several panels share.
* ``mark_handles(series)``: legend entries for the marks that occur, and no others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diffbench.report import marks, style
from diffbench.report.curves import Series, predicted_parts, running_median
from diffbench.report.style import GREY, INK, Look
from diffbench.report.text import derivative_symbol

SPAN = 26  # decades: a larger range of errors is cut, so that one wild row cannot flatten the rest
Limits = tuple[float, float]
Array = np.ndarray


def draw_series(
    axes: Axes, one: Series, look: Look, best: tuple[float, float] | None, level: int = 0
) -> None:
    """The running median as a line, rows off it as pale marks, zeros on the floor, a star at the best."""
    _draw_line(axes, one.h, one.error, one.median, look, level)
    lost = one.vanished & ~one.zero
    axes.plot(
        one.h[lost],
        one.error[lost],
        ls="none",
        marker="x",
        ms=3.4,
        mew=0.8,
        color=look.color,
        alpha=0.6,
        zorder=3,
    )
    marks.floor_marks(axes, one.h[one.zero], look, level)
    if best is not None:
        marks.star(axes, best[0], best[1] / one.unit, look)


def draw_part(axes: Axes, h: Array, values: Array, look: Look) -> None:
    """One part of the error: line, marks, exact zeros."""
    shown = np.isfinite(values) & (values > 0)
    _draw_line(axes, h[shown], values[shown], running_median(h[shown], values[shown]), look)
    marks.floor_marks(axes, h[values == 0], look)


def _draw_line(axes: Axes, h: Array, values: Array, median: Array, look: Look, level: int = 0) -> None:
    """A line with some marks; rows that lie on it are not drawn twice, or its dashes could not be seen."""
    with np.errstate(divide="ignore", invalid="ignore"):
        line = np.isfinite(median) & (median > 0)
        away = line & (values > 0) & (np.abs(np.log10(values / median)) > 0.02)
    axes.plot(
        h[away],
        values[away],
        ls="none",
        marker=look.marker,
        ms=2.4,
        color=look.color,
        alpha=0.42,
        mew=0,
        zorder=3.1,
    )
    sparse: dict[str, Any] = {
        "marker": look.marker,
        "ms": 4.4,
        "mew": 0.5,
        "mec": "white",
        "markevery": (0.04 + 0.03 * level, 0.12),
    }
    axes.plot(h[line], median[line], color=look.color, linestyle=look.dash, linewidth=1.7, zorder=4, **sparse)


def draw_truncation(axes: Axes, one: Series, look: Look) -> None:
    """The exact truncation as a thin line: below the optimum it goes on falling while the error rises."""
    shown = np.isfinite(one.truncation) & (one.truncation > 0)
    axes.plot(one.h[shown], one.truncation[shown], color=look.color, linewidth=0.7, alpha=0.8, zorder=2.5)


def draw_predictions(
    axes: Axes, one: Series, stencil: str, order: int, derivatives: Array, name: str, x: float
) -> None:
    """Theory's truncation and rounding as thin grey lines."""
    predicted = predicted_parts(stencil, order, derivatives, name, x, one.h) if len(one.h) else None
    for curve in predicted or ():
        shown = np.isfinite(curve) & (curve > 0)
        axes.plot(one.h[shown], curve[shown] / one.unit, color=GREY, linewidth=0.8, zorder=2)


def best_of(summary: pd.DataFrame, **equal: object) -> tuple[float, float] | None:
    """The robust best step and its error in the row where every keyword equals its value, or None."""
    rows = summary
    for column, wanted in equal.items():
        rows = rows[rows[column] == wanted]
    if "variant" in rows and (rows["variant"] == "integer").any():
        rows = rows[rows["variant"] == "integer"]
    rows = rows[rows["h_best"].notna() & (rows["error_best"] > 0)]
    return (float(rows["h_best"].iloc[0]), float(rows["error_best"].iloc[0])) if len(rows) else None


# -- axes -----------------------------------------------------------------------------------------


def error_limits(series: Iterable[Series], roundoffs: Sequence[float]) -> Limits:
    """Limits in whole decades that show every unit roundoff and the measured errors, but no wild rows.

    Parts of the error have no say: a truncation of 1e-100 must not stretch the axis.
    """
    every = np.concatenate([np.empty(0), *(one.error[one.error > 0] for one in series)])
    every = every[np.isfinite(every)]
    known = [math.floor(math.log10(u)) for u in roundoffs if math.isfinite(u)]
    low, high = np.log10(np.quantile(every, (0.02, 0.985))) if len(every) else (-3.0, 0.0)
    top, bottom = math.ceil(high + 0.15), math.floor(low - 0.2)
    if known:
        bottom = max(min(bottom, min(known) - 1), min(known) - 3) if top > min(known) else bottom
    bottom = min(max(bottom, top - SPAN, -300), 300)
    return 10.0**bottom, 10.0 ** min(max(top, bottom + 3), 307)


def step_limits(series: Iterable[Series]) -> Limits:
    """The steps of all series, with a little room."""
    h = np.concatenate([np.empty(0), *(one.h for one in series)])
    if not len(h):
        return 1e-4, 1.0
    low, high = math.log10(h.min()), math.log10(h.max())
    room = 0.03 * max(high - low, 1.0)
    return 10.0 ** (low - room), 10.0 ** (high + room)


def frame(axes: Axes, xlim: Limits, ylim: Limits, u: float | None, label: str | None = "below u") -> None:
    """Decades on both axes, and the band below the unit roundoff."""
    step_axis(axes, xlim)
    marks.decades(axes, "y", *ylim, most=10)
    if u is not None:
        marks.roundoff_band(axes, u, label)


def step_axis(axes: Axes, xlim: Limits) -> None:
    """Steps in decades, with as many labels as the panel's width carries."""
    inches = axes.get_position().width * style.WIDTH
    marks.decades(axes, "x", *xlim, most=max(3, round(2.1 * inches)))
    axes.set_xlabel("step h")


def format_panels(title: str, spans: Sequence[Limits], legend_rows: int) -> tuple[Figure, list[Axes]]:
    """A panel per format with one y axis for all; formats with more decades of steps get more room."""
    ratios = [math.log10(high / low) + 8 for low, high in spans]
    gap = 0.045 * len(spans)
    figure, panels = style.canvas(
        title, len(spans), height=4.6, legend_rows=legend_rows, width_ratios=ratios, wspace=gap
    )
    for axes in panels[1:]:
        axes.tick_params(labelleft=False)
    return figure, panels


def label_errors(axes: Axes, order: int, relative_to: str) -> None:
    """Say of what the error is, and what it is relative to."""
    symbol = derivative_symbol(order)
    zero = f"where {symbol} = 0"
    texts = {
        "derivative": f"relative error of {symbol}",
        "scale": f"error relative to max|f| / scale, {zero}",
        "nothing": f"absolute error, {zero}",
    }
    axes.set_ylabel(texts[relative_to])


# -- legends --------------------------------------------------------------------------------------


def mark_handles(
    series: Sequence[Series], *, truncation: bool = True, predicted: bool = False, autodiff: bool = False
) -> list[Line2D]:
    """What the marks and thin lines mean: those that occur in the figure."""
    handles = [Line2D([], [], color=GREY, marker="*", markersize=10, ls="none", label="robust best step")]
    if truncation and any(np.isfinite(one.truncation).any() for one in series):
        handles.append(Line2D([], [], color=INK, linewidth=0.7, label="exact truncation"))
    if predicted:
        handles.append(Line2D([], [], color=GREY, linewidth=0.9, label="predicted truncation and rounding"))
    if autodiff:
        handles.append(Line2D([], [], color=INK, linewidth=1.0, ls=(0, (1, 2)), label="autodiff"))
    if any((one.vanished & ~one.zero).any() for one in series):
        handles.append(
            Line2D([], [], color=GREY, marker="x", markersize=4, ls="none", label="nodes coincide")
        )
    if any(one.zero.any() for one in series):
        handles.append(zero_handle())
    return handles


def zero_handle(label: str = "error exactly 0") -> Line2D:
    """The mark on the floor."""
    return Line2D(
        [], [], color=GREY, marker=marks.ZERO_MARK, markersize=7, fillstyle="none", ls="none", label=label
    )
