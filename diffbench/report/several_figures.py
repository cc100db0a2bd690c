"""Figures of several variables: costs, accuracy, and descents.

* ``cost_figure(rows)``: cost against n. ``accuracy_figure(rows)``: accuracy against cost.
* ``descent_figure(rows)``: where an optimisation stalls.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from diffbench.report import marks, style
from diffbench.report.data import ORDER_OF_FORMATS, ordered
from diffbench.report.style import (
    BLACK,
    BLUE,
    DASH_DOT,
    DASH_DOT_DOT,
    DASHED,
    DOTTED,
    GREEN,
    GREY,
    LONG,
    ORANGE,
    PURPLE,
    SKY,
    SOLID,
    VERMILLION,
    Look,
)

METHODS = {
    "forward-1": Look(VERMILLION, SOLID, "o"),
    "central-2": Look(BLUE, DASHED, "s"),
    "central-4": Look(GREEN, DASH_DOT, "D"),
    "central-6": Look(PURPLE, DASH_DOT_DOT, "v"),
    "auto": Look(GREY, DOTTED, "X"),
    "complex-step": Look(ORANGE, LONG, "P"),
    "jet": Look(SKY, DASH_DOT, "^"),
    "reverse": Look(BLACK, SOLID, "*"),
}
_OTHERS = (DOTTED, DASHED, DASH_DOT, LONG, DASH_DOT_DOT, SOLID, DOTTED, DASHED)
_OTHER_MARKS = ("x", "+", "1", "2", "3", "4", "|", "_")


def _look(name: str, position: int) -> Look:
    return METHODS.get(name) or Look(GREY, _OTHERS[position % 8], _OTHER_MARKS[position % 8])


def cost_figure(rows: pd.DataFrame) -> Figure:
    """Cost in evaluations of f against the number of variables, a line per method.

    Parameters
    ----------
    rows : DataFrame
        ``method rival n cost``.
    """
    with style.drawing():
        figure, (axes,) = style.canvas(
            "What a gradient costs as the number of variables grows", height=5.0, legend_rows=3
        )
        marks.decades(axes, "x", 0.8, float(rows["n"].max()) * 1.3)
        low, high = float(rows["cost"].min()), float(rows["cost"].max())
        marks.decades(axes, "y", low / 2, high * 2)
        handles: tuple[list[Any], list[Any]] = ([], [])
        for position, (name, mine) in enumerate(rows.groupby("method", sort=False)):
            rival = bool(mine["rival"].iloc[0])
            look = _look(str(name), position)
            axes.plot(
                mine["n"],
                mine["cost"],
                color=look.color,
                linestyle=look.dash,
                marker=look.marker,
                markersize=4.5,
                linewidth=1.1 if rival else 1.7,
                zorder=2 if rival else 3,
            )
            handles[rival].append(style.handle(look, str(name)))
        axes.set_xlabel("number of variables n")
        axes.set_ylabel("time of a gradient / time of f")
        others = handles[1]
        style.legend(figure, handles[0], others[:4], others[4:])
        return figure


def accuracy_figure(rows: pd.DataFrame) -> Figure:
    """Median relative error against evaluations for each variable, a panel per format.

    Parameters
    ----------
    rows : DataFrame
        ``format method error evaluations`` (per variable).
    """
    formats = ordered(rows["format"], ORDER_OF_FORMATS)
    with style.drawing():
        figure, panels = style.canvas("Accuracy of gradients against their cost", len(formats), height=4.2)
        shown = [name for name in METHODS if (rows["method"] == name).any()]
        for axes, fmt in zip(panels, formats, strict=True):
            u = style.unit_roundoff(fmt)
            marks.decades(axes, "x", 0.15, 60)
            marks.decades(axes, "y", 1e-18, 10)
            marks.roundoff_band(axes, u)
            for name in shown:
                mine = rows[(rows["format"] == fmt) & (rows["method"] == name)]
                for _, row in mine.iterrows():
                    if np.isnan(row["error"]):
                        continue
                    look = METHODS[name]
                    axes.plot(
                        [row["evaluations"]],
                        [max(row["error"], 1.2e-18)],
                        marker=look.marker,
                        color=look.color,
                        markersize=7,
                        linestyle="none",
                    )
            axes.set_title(fmt)
            axes.set_xlabel("evaluations / n")
            if axes is not panels[0]:
                axes.set_yticklabels([])
        panels[0].set_ylabel("median relative error")
        style.legend(figure, [style.handle(METHODS[name], name, line=False) for name in shown])
        return figure


_WAYS = {
    ("forward-1", "0.01"): Look(VERMILLION, SOLID, "o"),
    ("forward-1", "rule"): Look(ORANGE, DASHED, "^"),
    ("central-2", "0.01"): Look(SKY, DASH_DOT, "D"),
    ("central-2", "0.0001"): Look(GREEN, LONG, "v"),
    ("central-2", "rule"): Look(BLUE, DASH_DOT_DOT, "s"),
    ("reverse", "rule"): Look(BLACK, SOLID, "*"),
}


def _way_name(method: str, step: str) -> str:
    return method if method == "reverse" else f"{method}, {'h by rule' if step == 'rule' else f'h = {step}'}"


def descent_figure(rows: pd.DataFrame) -> Figure:
    """Length of the true gradient against evaluations, a panel per problem and format.

    Parameters
    ----------
    rows : DataFrame
        ``problem format method step evaluations slope`` of one optimiser.
    """
    cases = list(dict.fromkeys(zip(rows["problem"], rows["format"], strict=True)))
    across = 2 if len(cases) > 1 else 1
    down = math.ceil(len(cases) / across)
    with style.drawing():
        figure, panels = style.canvas(
            "Where BFGS stalls because of its gradient",
            across,
            down,
            height=1.4 + 2.6 * down,
            legend_rows=2,
            hspace=0.42,
        )
        shown: list[tuple[str, str]] = []
        positive = rows.loc[rows["slope"] > 0, "slope"]
        low, high = max(float(positive.min()), 1e-16), float(positive.max())
        for axes, (problem, fmt) in zip(panels, cases, strict=False):
            mine = rows[(rows["problem"] == problem) & (rows["format"] == fmt)]
            marks.decades(axes, "x", 0.9, float(rows["evaluations"].max()) * 1.3)
            marks.decades(axes, "y", low / 3, high * 3)
            for (method, step), look in _WAYS.items():
                one = mine[(mine["method"] == method) & (mine["step"] == step)]
                if one.empty:
                    continue
                shown.append((method, step))
                axes.plot(
                    np.maximum(one["evaluations"], 1),
                    np.maximum(one["slope"], low / 2),
                    color=look.color,
                    linestyle=look.dash,
                    linewidth=1.4,
                )
                axes.plot(
                    [max(int(one["evaluations"].iloc[-1]), 1)],
                    [max(float(one["slope"].iloc[-1]), low / 2)],
                    color=look.color,
                    marker=look.marker,
                    markersize=6,
                )
            axes.set_title(f"{problem}, {fmt}")
        for axes in panels[len(cases) :]:
            axes.set_visible(False)
        for k, axes in enumerate(panels):
            if k % across:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel("|true gradient|")
            if k >= (down - 1) * across:
                axes.set_xlabel("function values spent")
        unique = list(dict.fromkeys(shown))
        handles = [style.handle(_WAYS[way], _way_name(*way)) for way in unique]
        style.legend(figure, handles[:3], handles[3:])
        return figure
