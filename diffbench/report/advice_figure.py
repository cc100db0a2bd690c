"""Expected error against the step for one function, with the recommended and the usual steps marked.

``advice_figure(advice)`` takes what :func:`diffbench.advise` answers; nothing is computed here. What lies
below the bound of the derivative that was used is hatched: it cannot be decided there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diffbench.report import marks, style
from diffbench.report.style import GREY, INK

_USUAL = "#5A5A5A"


def advice_figure(advice: Any) -> Figure:
    """The picture of an advice.

    Parameters
    ----------
    advice : Advice
        With ``curves`` (arrays ``h``, ``gap``, ``expected`` per stencil), ``usual`` and ``bound``.
    """
    with style.drawing():
        name = advice.function if len(advice.function) <= 60 else advice.function[:57] + "..."
        title = f"{name} at x = {advice.x:g}, {advice.format}: which step?"
        unit = abs(advice.value) if advice.value and math.isfinite(advice.value) else 1.0
        drawn = {key: curve for key, curve in advice.curves.items() if np.isfinite(curve.expected).any()}
        if not drawn:
            return marks.empty_figure(title, advice.message or "no step has a value at all of its nodes")
        figure, (axes,) = style.canvas(title, height=4.9, legend_rows=2)
        looks = style.looks_of(tuple(drawn))
        _frame(axes, drawn, advice, unit)
        for key, curve in drawn.items():
            _series(axes, curve, looks[key], unit)
        if advice.stencil:
            chosen = drawn[advice.stencil]
            marks.star(
                axes, advice.h, max(chosen.at(advice.h) / unit, axes.get_ylim()[0]), looks[advice.stencil]
            )
        _usual(axes, advice)
        axes.set_xlabel("step h")
        axes.set_ylabel("relative error to expect" if unit != 1.0 or advice.value else "error to expect")
        extra = [
            Line2D([], [], linestyle="none", marker=".", color=GREY, label="measured at one step"),
            Line2D([], [], linestyle="none", marker="*", markersize=10, color=INK, label="recommended"),
        ]
        style.legend(figure, [style.handle(looks[key], key) for key in drawn], extra)
        return figure


def _frame(axes: Axes, curves: dict[str, Any], advice: Any, unit: float) -> None:
    """Axes that hold all curves, and the hatched part below the bound."""
    h = np.concatenate([curve.h for curve in curves.values()])
    expected = np.concatenate([curve.expected for curve in curves.values()]) / unit
    shown = expected[np.isfinite(expected) & (expected > 0)]
    u = style.unit_roundoff(advice.format)
    low = min(float(shown.min()) if len(shown) else u, u) / 8
    high = max(min(float(shown.max()) * 4 if len(shown) else 1.0, 1e4), 1e4 * low)
    marks.decades(axes, "x", float(h.min()) / 1.5, float(h.max()) * 1.5)
    marks.decades(axes, "y", low, high)
    marks.undecided_band(axes, advice.bound / unit)


def _series(axes: Axes, curve: Any, look: style.Look, unit: float) -> None:
    low, high = axes.get_ylim()
    gap = curve.gap / unit
    inside = np.isfinite(gap) & (gap > low) & (gap < high)
    axes.plot(
        curve.h[inside],
        gap[inside],
        linestyle="none",
        marker=".",
        markersize=3.2,
        color=look.color,
        alpha=0.45,
    )
    known = np.isfinite(curve.expected)
    axes.plot(
        curve.h[known],
        np.clip(curve.expected[known] / unit, low, high),
        color=look.color,
        linestyle=look.dash,
        linewidth=1.6,
    )


def _usual(axes: Axes, advice: Any) -> None:
    """Vertical lines at the usual steps; names that would overlap stand on different levels."""
    low, high = axes.get_xlim()
    rows = sorted((row for row in advice.usual if low < row.h < high), key=lambda row: row.h)
    place = axes.get_xaxis_transform()
    last, level = -math.inf, 0
    for row in rows:
        position = math.log10(row.h / low) / math.log10(high / low)
        level = (level + 1) % 3 if position - last < 0.09 else 0
        last = position
        axes.axvline(row.h, color=_USUAL, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        text: dict[str, Any] = {
            "fontsize": 7.5,
            "color": _USUAL,
            "ha": "left",
            "va": "top",
            "transform": place,
        }
        axes.text(row.h, 0.99 - 0.045 * level, f" {row.name}", **text)
