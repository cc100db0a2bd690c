"""The error over the plane of points and steps: a picture of the arithmetic of a half-precision format."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from diffbench.report import marks, style
from diffbench.report.data import select, stencil_order
from diffbench.report.text import power_of_ten

LOST = {"step_vanished": "#C9C9C9", "underflow": "#9A9A9A", "overflow": "#6B6B6B"}
LOST_OTHER = "#E8D5CF"
LOST_NAMES = {"step_vanished": "nodes coincide", "underflow": "the divisor is 0", "overflow": "overflow"}


def map_figure(maps: pd.DataFrame, title: str) -> Figure:
    """The relative error over the (x, h) plane, failures in grey (one problem, format and stencil).

    Parameters
    ----------
    maps : DataFrame
        Rows of ``maps.parquet``: ``problem format stencil x h error status`` on a grid; errors are relative.
    """
    with style.drawing():
        u = style.unit_roundoff(str(maps["format"].iloc[0]))
        stencils = stencil_order(maps["stencil"])
        figure, panels = style.canvas(title, len(stencils), height=4.9, wspace=0.06, right=0.9)
        norm = LogNorm(10.0 ** math.floor(math.log10(u) - 1), 1.0)
        mesh = None
        for axes, stencil in zip(panels, stencils, strict=True):
            rows = select(maps, stencil=stencil)
            x, h = np.sort(rows["x"].unique()), np.sort(rows["h"].unique())
            grid = rows.assign(size=rows["error"].abs()).pivot_table(
                index="h", columns="x", values="size", aggfunc="median"
            )
            error = grid.reindex(index=h, columns=x).to_numpy(float)
            mesh = axes.pcolormesh(
                _edges(x),
                10.0 ** _edges(np.log10(h)),
                np.clip(error, norm.vmin, norm.vmax),
                norm=norm,
                cmap="viridis",
                rasterized=True,
            )
            _draw_lost(axes, rows, x, h)
            marks.decades(axes, "y", 10.0 ** _edges(np.log10(h))[0], 10.0 ** _edges(np.log10(h))[-1])
            axes.set(xlabel="x")
            axes.set_title(stencil, loc="left")
            axes.tick_params(labelleft=axes is panels[0])
        panels[0].set_ylabel("step h")
        if mesh is not None:
            _error_bar(figure, mesh)
        lost = [s for s in maps["status"].unique() if s != "ok"]
        known = [Patch(color=LOST[s], label=LOST_NAMES[s]) for s in LOST if s in lost]
        other = [Patch(color=LOST_OTHER, label="failed otherwise")] if set(lost) - set(LOST) else []
        style.legend(figure, [*known, *other] or [Line2D([], [], ls="none", label="no failures")])
        return figure


def _draw_lost(axes: Axes, rows: pd.DataFrame, x: np.ndarray, h: np.ndarray) -> None:
    codes = {status: code for code, status in enumerate(LOST)}
    code = rows["status"].map(lambda s: math.nan if s == "ok" else codes.get(s, len(LOST)))
    grid = rows.assign(code=code).pivot_table(index="h", columns="x", values="code", aggfunc="min")
    values = np.ma.masked_invalid(grid.reindex(index=h, columns=x).to_numpy(float))
    colors = ListedColormap([*LOST.values(), LOST_OTHER])
    axes.pcolormesh(
        _edges(x),
        10.0 ** _edges(np.log10(h)),
        values,
        cmap=colors,
        vmin=-0.5,
        vmax=len(LOST) + 0.5,
        rasterized=True,
    )


def _error_bar(figure: Figure, mesh: Any) -> None:
    bar = figure.colorbar(mesh, cax=figure.add_axes((0.915, 0.16, 0.016, 0.66)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(round(math.log10(value)))))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.set_label("relative error")
    bar.outline.set_visible(False)


def _edges(centres: np.ndarray) -> np.ndarray:
    """Borders of cells around their centres."""
    if len(centres) < 2:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])
