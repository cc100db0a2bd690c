"""Pictures over a plane and over a matrix: gradient fields, angles, errors of a Jacobian, exact splits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from diffbench.report import marks, style
from diffbench.report.style import GREY, PARTS

SHADES = "cividis"  # told apart by every eye, and in grey
_ROOM: dict[str, Any] = {"right": 0.885}  # for the bar of colours


def _relative(rows: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Error relative to the length of the true gradient; NaN where that is 0."""
    with np.errstate(all="ignore"):
        gx, gy, ex, ey = (rows[name].to_numpy(float) for name in ("gx", "gy", "ex", "ey"))
        length = np.hypot(gx, gy)
        found = np.hypot(ex, ey) / length
    return np.where(length > 0, found, np.nan)


def _bar(figure: Figure, picture: Any, label: str, axes: Any) -> None:
    place = axes[-1].get_position()
    bar = figure.colorbar(picture, cax=figure.add_axes((place.x1 + 0.012, place.y0, 0.014, place.height)))
    bar.set_label(label)
    bar.outline.set_linewidth(0.6)


def field_figure(rows: pd.DataFrame, title: str) -> Figure:
    """Arrows in the direction of the estimated gradient, coloured by its relative error, a panel per method.

    Parameters
    ----------
    rows : DataFrame
        ``method x y gx gy ex ey``.
    """
    methods = list(dict.fromkeys(rows["method"]))
    relative = _relative(rows)
    known = relative[np.isfinite(relative) & (relative > 0)]
    least, most = float(np.min(known)), float(np.max(known))
    norm = LogNorm(least, most)
    with style.drawing():
        figure, panels = style.canvas(title, len(methods), height=4.6, legend_rows=0, **_ROOM)
        for axes, method in zip(panels, methods, strict=True):
            mine = (rows["method"] == method).to_numpy()
            part = rows[mine]
            gx, gy = (part["gx"] + part["ex"]).to_numpy(), (part["gy"] + part["ey"]).to_numpy()
            length = np.hypot(gx, gy)
            length[length == 0] = 1.0
            colour = np.clip(np.nan_to_num(relative[mine], nan=most), least, most)
            picture = axes.quiver(
                part["x"], part["y"], gx / length, gy / length, colour,
                cmap=SHADES, norm=norm, scale=24, width=0.005, pivot="mid",
            )  # fmt: skip
            axes.set_title(method)
            axes.set_xlabel("x")
            if axes is not panels[0]:
                axes.set_yticklabels([])
        panels[0].set_ylabel("y")
        _bar(figure, picture, "error / |gradient|", panels)
        return figure


def angle_figure(rows: pd.DataFrame, title: str) -> Figure:
    """The angle between true and estimated gradient over the plane, a heat map per method."""
    methods = list(dict.fromkeys(rows["method"]))
    angles = angle(rows)
    known = angles[np.isfinite(angles) & (angles > 0)]
    least = float(np.min(known))
    norm = LogNorm(least, float(np.max(known)))
    with style.drawing():
        figure, panels = style.canvas(title, len(methods), height=4.6, legend_rows=0, **_ROOM)
        for axes, method in zip(panels, methods, strict=True):
            mine = (rows["method"] == method).to_numpy()
            part = rows[mine].assign(angle=np.fmax(angles[mine], np.where(angles[mine] == 0, least, np.nan)))
            grid = part.pivot(index="y", columns="x", values="angle")
            axes.set_facecolor(style.PALE)
            picture = axes.pcolormesh(grid.columns, grid.index, grid.to_numpy(), cmap=SHADES, norm=norm)
            axes.set_title(method)
            axes.set_xlabel("x")
            if axes is not panels[0]:
                axes.set_yticklabels([])
        panels[0].set_ylabel("y")
        _bar(figure, picture, "angle in radians (darkest: or 0)", panels)
        return figure


def angle(rows: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Angle between (gx, gy) and (gx + ex, gy + ey), by the cross product; NaN where one of them is 0."""
    gx, gy, ex, ey = (rows[name].to_numpy(float) for name in ("gx", "gy", "ex", "ey"))
    cross = gx * ey - gy * ex  # of g and g + e: the product of g with itself is 0 exactly
    dot = gx * (gx + ex) + gy * (gy + ey)
    none = (np.hypot(gx, gy) == 0) | (np.hypot(gx + ex, gy + ey) == 0)
    return np.where(none, np.nan, np.abs(np.arctan2(cross, dot)))


def jacobian_figure(rows: pd.DataFrame, title: str) -> Figure:
    """Relative error of every entry, a heat map per method; entries that are 0, and found to be 0, are grey.

    Parameters
    ----------
    rows : DataFrame
        ``method row column exact error``.
    """
    methods = list(dict.fromkeys(rows["method"]))
    with np.errstate(all="ignore"):
        relative = np.abs(rows["error"].to_numpy(float) / rows["exact"].to_numpy(float))
    relative = np.where(rows["exact"] == 0, np.where(rows["error"] == 0, np.nan, 1.0), relative)
    known = relative[np.isfinite(relative) & (relative > 0)]
    least = float(np.min(known))
    norm = LogNorm(least, float(np.max(known)))
    with style.drawing():
        figure, panels = style.canvas(title, len(methods), height=4.7, legend_rows=0, **_ROOM)
        for axes, method in zip(panels, methods, strict=True):
            mine = (rows["method"] == method).to_numpy()
            shape = (int(rows["row"].max()) + 1, int(rows["column"].max()) + 1)
            grid = np.maximum(relative[mine], least).reshape(shape)
            axes.set_facecolor(style.PALE)
            picture = axes.imshow(np.ma.masked_invalid(grid), cmap=SHADES, norm=norm, aspect="equal")
            axes.set_title(method)
            axes.set_xlabel("coordinate")
            if axes is not panels[0]:
                axes.set_yticklabels([])
        panels[0].set_ylabel("output")
        _bar(figure, picture, "relative error", panels)
        return figure


def parts_figure(rows: pd.DataFrame, title: str) -> Figure:
    """The five parts of the error against the step, a panel per direction.

    Parameters
    ----------
    rows : DataFrame
        ``direction h error truncation abscissa evaluation weights combination`` of one stencil and format.
    """
    directions = list(dict.fromkeys(rows["direction"]))
    names = [name for name in PARTS if (rows[name].abs() > 0).any()]
    sizes = rows[[*names, "error"]].abs().to_numpy()
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    with style.drawing():
        figure, panels = style.canvas(title, len(directions), height=4.2)
        for axes, direction in zip(panels, directions, strict=True):
            part = rows[rows["direction"] == direction]
            marks.decades(axes, "x", float(rows["h"].min()) / 2, float(rows["h"].max()) * 2)
            marks.decades(axes, "y", max(float(sizes.min()), 1e-22) / 3, float(sizes.max()) * 3)
            axes.plot(part["h"], part["error"].abs().replace(0, np.nan), color=GREY, linewidth=3.5, alpha=0.5)
            for name in names:
                look = PARTS[name]
                size = part[name].abs().replace(0, np.nan)
                axes.plot(
                    part["h"], size, color=look.color, linestyle=look.dash, marker=look.marker, markersize=3
                )
            axes.set_title(f"along {direction}")
            axes.set_xlabel("step h")
            if axes is not panels[0]:
                axes.set_yticklabels([])
        panels[0].set_ylabel("size of the part")
        style.legend(figure, [style.handle(PARTS[name], name) for name in names])
        return figure
