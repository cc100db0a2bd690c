"""Estimates against the step, for points where no derivative exists and an error would mean nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffbench.report import error_parts as parts
from diffbench.report import marks, style
from diffbench.report.data import select
from diffbench.report.style import GREY
from diffbench.report.text import derivative_symbol

SIDES = ("left", "right")


def estimates_figure(
    sweep: pd.DataFrame, facts: pd.DataFrame, formats: Sequence[str], stencils: Sequence[str], title: str
) -> Figure:
    """Estimates of each stencil in each format, with the one-sided derivatives.

    Parameters
    ----------
    sweep : DataFrame
        Rows of one problem, point and derivative.
    facts : DataFrame
        Their references, with ``left`` and ``right``.
    """
    order, looks = int(sweep["derivative"].iloc[0]), style.looks_of(stencils)
    rows = sweep[np.isfinite(sweep["h"]) & (sweep["h"] > 0) & np.isfinite(sweep["estimate"])]
    if rows.empty:
        return marks.empty_figure(title, "\n".join(f"{name}: {why_empty(sweep, name)}" for name in formats))
    sides = {side: float(facts[side].iloc[0]) if len(facts) and side in facts else math.nan for side in SIDES}
    steps = {name: rows.loc[rows["format"] == name, "h"] for name in formats}
    spans = [(h.min() / 1.5, h.max() * 1.5) if len(h) else (1e-4, 1.0) for h in steps.values()]
    figure, panels = parts.format_panels(title, spans, legend_rows=1)
    grows = _set_axis(panels, rows["estimate"], sides)
    for axes, name, xlim in zip(panels, formats, spans, strict=True):
        parts.step_axis(axes, xlim)
        axes.set_title(name, loc="left")
        _draw_sides(axes, sides, grows)
        for level, (stencil, look) in enumerate(looks.items()):
            mine = select(rows, format=name, stencil=stencil).sort_values("h")
            shown = mine["estimate"].abs() if grows else mine["estimate"]
            (line,) = axes.plot(mine["h"], shown, color=look.color, linestyle=look.dash, linewidth=1.4)
            line.set(marker=look.marker, markersize=4, markevery=(0.03 + 0.03 * level, 0.1))
        if steps[name].empty:
            marks.note(axes, why_empty(sweep, name))
    symbol = derivative_symbol(order)
    panels[0].set_ylabel(f"size of the estimate of {symbol}" if grows else f"estimate of {symbol}")
    style.legend(figure, [style.handle(look, s) for s, look in looks.items()])
    return figure


def why_empty(sweep: pd.DataFrame, name: str) -> str:
    """The status and message of a format without results."""
    rows = sweep[sweep["format"] == name]
    if rows.empty:
        return "no rows"
    message = rows["message"].iloc[0] if "message" in rows else ""
    return f"{rows['status'].mode().iloc[0]}\n{message[:100] if isinstance(message, str) else ''}".strip()


def _set_axis(panels: Sequence[Axes], estimates: pd.Series, sides: dict[str, float]) -> bool:
    """One y axis for all panels: in decades if the estimates grow without bound (True), or else linear."""
    largest = max([1e-3, *(abs(value) for value in sides.values() if math.isfinite(value))])
    far = float(np.abs(np.quantile(estimates, (0.05, 0.95))).max())
    grows = far > 100 * max(largest, 1.0)
    sizes = estimates.abs()[estimates != 0]
    for axes in panels:
        if grows:
            bottom, top = math.floor(np.log10(sizes.min())), math.ceil(np.log10(far))
            marks.decades(axes, "y", 10.0 ** max(bottom, top - parts.SPAN), 10.0**top)
        else:
            reach = 1.15 * max(1.5 * largest, 1.2 * far)
            axes.set_ylim(-reach, reach)
    return grows


def _draw_sides(axes: Axes, sides: dict[str, float], grows: bool) -> None:
    """The one-sided derivatives, as lines with their names."""
    levels: dict[float, list[str]] = {}
    for side, value in sides.items():
        if math.isfinite(value) and not (grows and value <= 0):
            levels.setdefault(value, []).append(side)
    for value, names in levels.items():
        axes.axhline(value, color=GREY, linewidth=0.9, zorder=1)
        text, place = f"{' and '.join(names)} derivative", axes.get_yaxis_transform()
        axes.text(0.015, value, text, transform=place, fontsize=7.5, color=GREY, va="bottom")
