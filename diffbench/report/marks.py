"""What is drawn on the axes of an error plot besides its series.

* ``decades(axes, "y", low, high)``: a logarithmic axis that is labelled at powers of ten.
* ``roundoff_band``, ``roundoff_line``: the unit roundoff; ``undecided_band``: below a bound of the truth.
* ``star``, ``floor_marks``: a robust best step, errors of exactly 0.
* ``note``, ``empty_figure``: words where there is nothing to draw.
"""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from diffbench.report.style import GREY, INK, PALE, WIDTH, Look, canvas, unit_roundoff
from diffbench.report.text import power_of_ten

HATCH = "#C4C4C4"
ZERO_MARK = [(-4, 9), (0, 0), (4, 9)]  # a cup that stands on the floor


def decades(axes: Axes, axis: str, low: float, high: float, most: int = 8) -> None:
    """A logarithmic axis from `low` to `high` with labels at whole decades, at most `most` of them."""
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
    (axes.set_xlim if axis == "x" else axes.set_ylim)(low, high)
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    stride = next((s for s in (1, 2, 3, 4, 5, 10, 20, 50) if (last - first) // s < most), 100)
    major = [k for k in range(first, last + 1) if k % stride == 0]
    minor = [k for k in range(first, last + 1) if k % stride]
    which = axes.xaxis if axis == "x" else axes.yaxis
    which.set_major_locator(FixedLocator([10.0**k for k in major]))
    which.set_minor_locator(FixedLocator([10.0**k for k in minor]))
    which.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(round(math.log10(value)))))
    which.set_minor_formatter(NullFormatter())


def roundoff_band(axes: Axes, u: float, label: str | None = "below u") -> None:
    """The band that no relative error can promise to enter: below the unit roundoff."""
    low, high = axes.get_ylim()
    if not low < u:
        return
    axes.axhspan(low, min(u, high), color=PALE, zorder=0, linewidth=0)
    if label and math.log10(u / low) > 0.05 * math.log10(high / low):
        axes.text(
            0.985, 0.012, label, transform=axes.transAxes, fontsize=7.5, color=GREY, va="bottom", ha="right"
        )


def autodiff_line(axes: Axes, error: float) -> None:
    """The error of autodiff in the same format, which needs no step; at the floor where it is exactly 0."""
    if error >= 0:
        low, high = axes.get_ylim()
        axes.axhline(min(max(error, low * 1.15), high), color=INK, linewidth=1.0, ls=(0, (1, 2)), zorder=2)


def undecided_band(axes: Axes, bound: float) -> None:
    """The errors that cannot be told from the uncertainty of the derivative they are measured against."""
    low, high = axes.get_ylim()
    if not low < bound < math.inf:
        return
    axes.axhspan(
        low, min(bound, high), facecolor="none", edgecolor=HATCH, hatch="////", linewidth=0, zorder=0
    )
    axes.text(
        0.015,
        min(bound, high),
        "not decidable",
        transform=axes.get_yaxis_transform(),
        fontsize=7.5,
        color=GREY,
        va="bottom",
        ha="left",
    )


def roundoff_line(axes: Axes, name: str, look: Look) -> None:
    """The unit roundoff of one format among several."""
    u = unit_roundoff(name)
    axes.axhline(u, color=look.color, linewidth=0.7, alpha=0.55, zorder=1)
    place = axes.get_yaxis_transform()
    axes.text(0.005, u, f" u of {name}", transform=place, fontsize=7.5, color=look.color, va="top", ha="left")


def star(axes: Axes, h: float, error: float, look: Look) -> None:
    """The robust best step: a star in the series' colour."""
    axes.plot(
        [h],
        [error],
        marker="*",
        markersize=12,
        color=look.color,
        markeredgecolor="white",
        markeredgewidth=0.9,
        zorder=8,
    )


def floor_marks(axes: Axes, h: np.ndarray, look: Look, level: int = 0) -> None:
    """Errors of exactly 0, for which a logarithm has no place: a mark of their own on the floor of the axes.

    Several series stand on levels above each other.
    """
    axes.plot(
        h,
        np.full(len(h), 0.022 * level),
        linestyle="none",
        marker=ZERO_MARK,
        markersize=6,
        fillstyle="none",
        color=look.color,
        transform=axes.get_xaxis_transform(),
        clip_on=False,
        zorder=7,
    )


def note(axes: Axes, text: str) -> None:
    """Words in the middle of a panel that has nothing to draw, broken to its width."""
    letters = max(12, round(axes.get_position().width * WIDTH * 11))
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, letters)]
    place: dict[str, Any] = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, "\n".join(lines), fontsize=8.5, color=GREY, **place)


def empty_figure(title: str, text: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure, (axes,) = canvas(title, height=2.6)
    axes.set_axis_off()
    note(axes, text)
    return figure
