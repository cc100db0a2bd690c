"""The picture that answers "which h": the error curve of one problem with every rule's choice marked.

* ``choices_figure(curves, choices, best, title)``: the curve above, a line per method below, on one axis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffbench.report import marks, style
from diffbench.report.style import GREY, INK, Look
from diffbench.report.text import number

CURVE = 3.1  # inches of the upper panel
LINE = 0.172  # inches of a method below it
RIGHT = 2.7  # inches for the numbers
FEW = 4  # curves in the upper panel


def choices_figure(
    curves: pd.DataFrame,
    choices: pd.DataFrame,
    best: Mapping[str, float],
    title: str,
    u: float,
    relative: bool = True,
) -> Figure:
    """Error against step, and where each method goes.

    Parameters
    ----------
    curves : DataFrame
        ``stencil h error``: the error of each stencil at every step (ok rows).
    choices : DataFrame
        ``method stencil h error regret evaluations status silent_wrong``: a line for each method, in the
        order in which they are drawn; `h` is NaN for methods without a step, `stencil` empty for those that
        have none.
    best : mapping
        ``h`` and ``error`` of the robust best step of central-2.
    title : str
    u : float
        Unit roundoff of the format.
    relative : bool
        Whether errors are relative to the derivative.
    """
    stencils = _stencils(curves, choices)
    looks = style.looks_of(stencils)
    lows = curves.loc[curves["error"] > 0, "error"]
    if lows.empty or choices.empty:
        return marks.empty_figure(title, "no step has an error that is known")
    lower = LINE * len(choices) + 0.16
    height = CURVE + lower + 1.4
    with style.drawing():
        figure = style.canvas(title, height=height, legend_rows=1)[0]
        figure.delaxes(figure.axes[0])
        left = min(max(0.3 + 0.0605 * max(map(len, choices["method"])), 0.8), 3.45) / style.WIDTH
        wide = 1 - RIGHT / style.WIDTH - left
        above = figure.add_axes((left, (lower + 0.72) / height, wide, CURVE / height))
        below = figure.add_axes((left, 0.55 / height, wide, lower / height))
        _draw_curves(above, curves, looks, best, u, relative)
        below.set_xscale("log")
        marks.decades(below, "x", *above.get_xlim(), most=9)
        _draw_lines(above, below, choices, looks, best)
        handles = [style.handle(look, name) for name, look in looks.items()]
        style.legend(figure, handles)
        return figure


def _stencils(curves: pd.DataFrame, choices: pd.DataFrame) -> list[str]:
    """The stencils that most methods use, each with a curve."""
    known = set(curves["stencil"])
    used = choices.loc[choices["stencil"].isin(known) & (choices["h"] > 0), "stencil"].value_counts()
    names = sorted(used.index, key=lambda n: (-used[n], n))[:FEW]
    return sorted(names, key=lambda n: (n.partition("-")[0] == "central", n)) or sorted(known)[:1]


def _draw_curves(
    axes: Axes,
    curves: pd.DataFrame,
    looks: Mapping[str, Look],
    best: Mapping[str, float],
    u: float,
    relative: bool,
) -> None:
    shown = curves[curves["stencil"].isin(list(looks))]
    positive = shown[shown["error"] > 0]
    low = 10.0 ** math.floor(math.log10(max(positive["error"].min(), u * 1e-3)))
    high = 10.0 ** math.ceil(math.log10(min(positive["error"].max(), 1e3)))
    marks.decades(axes, "x", float(shown["h"].min()) / 1.5, float(shown["h"].max()) * 1.5, most=9)
    marks.decades(axes, "y", low, high)
    if relative:
        marks.roundoff_band(axes, u)
    axes.set_xticklabels([])
    axes.set_ylabel("relative error" if relative else "error")
    for name, look in looks.items():
        mine = shown[shown["stencil"] == name].sort_values("h")
        axes.plot(
            mine["h"],
            np.maximum(mine["error"], low * 1.1),
            color=look.color,
            linestyle=look.dash,
            linewidth=1.2,
            alpha=0.75,
            zorder=2,
        )
    if best["h"] > 0:
        axes.axvline(best["h"], color=GREY, linewidth=0.7, zorder=1)
        look = looks.get("central-2", Look(INK, "-", "o"))
        marks.star(axes, best["h"], max(best["error"], low * 1.1), look)


def _draw_lines(
    above: Axes, below: Axes, choices: pd.DataFrame, looks: Mapping[str, Look], best: Mapping[str, float]
) -> None:
    count = len(choices)
    below.set_ylim(count - 0.4, -0.7)
    below.set_yticks(range(count), list(choices["method"]), fontsize=7.5)
    below.tick_params(axis="y", length=0)
    below.spines["left"].set_visible(False)
    below.set_xlabel("step h")
    if best["h"] > 0:
        below.axvline(best["h"], color=GREY, linewidth=0.7, zorder=1)
    _heads(below)
    low, high = above.get_ylim()
    first, last = above.get_xlim()
    for place, row in enumerate(_lines(choices)):
        below.axhline(place, color="#EEEEEE", linewidth=0.6, zorder=0)
        look = looks.get(row.stencil, Look(GREY, "-", "o"))
        alive = math.isfinite(row.error)
        if row.h > 0:
            inside = min(max(row.h, first * 1.1), last / 1.1)
            hollow: dict[str, Any] = {"fillstyle": "full" if inside == row.h else "none", "clip_on": False}
            below.plot([inside], [place], marker=look.marker, ms=5, color=look.color, zorder=4, **hollow)
            if alive and row.stencil in looks:
                error = min(max(row.error, low * 1.1), high / 1.1)
                mark: dict[str, Any] = {
                    "marker": look.marker,
                    "ms": 5.5,
                    "color": look.color,
                    "mec": "white",
                    "mew": 0.6,
                    "clip_on": False,
                }
                above.plot([inside], [error], zorder=6, **mark)
        else:
            below.text(
                0.01,
                place,
                "no step of its own" if alive else "",
                transform=below.get_yaxis_transform(),
                fontsize=6.8,
                color=GREY,
                va="center",
            )
        _numbers(below, place, row)


class _Line(NamedTuple):
    """What is said of one method."""

    method: str
    stencil: str
    h: float
    error: float
    regret: float
    evaluations: int
    status: str
    silent_wrong: bool


def _lines(choices: pd.DataFrame) -> list[_Line]:
    columns = (choices[name].tolist() for name in _Line._fields)
    return [_Line(*values) for values in zip(*columns, strict=True)]


def _heads(axes: Axes) -> None:
    for x, text in zip(_PLACES, ("error", "regret", "evals"), strict=True):
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "bottom", "ha": "right"}
        axes.text(_beside(axes, x), -0.75, text, fontsize=7.2, color=GREY, **place)


_PLACES = (0.75, 1.35, 1.72)  # inches from the panel to the right ends of the columns


def _beside(axes: Axes, inches: float) -> float:
    """A place beside the panel in units of its width."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # these axes were just made for one
    return 1 + inches / (axes.get_position().width * figure.get_size_inches()[0])


def _numbers(axes: Axes, place: int, row: _Line) -> None:
    """Error, regret and evaluations of one method at the right of its line; or why there are none."""
    right = axes.get_yaxis_transform()
    failed = row.status not in ("ok", "no_derivative", "uncertified")
    color = style.VERMILLION if failed or row.silent_wrong else INK
    texts = (number(row.error, 2), number(row.regret, 2), str(row.evaluations))
    for x, text in zip(_PLACES, texts, strict=True):
        axes.text(
            _beside(axes, x), place, text, transform=right, fontsize=7.2, color=color, va="center", ha="right"
        )
    note = row.status if failed else "silently wrong" if row.silent_wrong else ""
    if note:
        axes.text(
            _beside(axes, _PLACES[-1] + 0.08),
            place,
            note,
            transform=right,
            fontsize=6.8,
            color=color,
            va="center",
        )


def stencil_of(method: str, known: Sequence[str]) -> str:
    """The stencil in a method's name, where it is one of those with a curve; or nothing."""
    name = method.partition("@")[0].partition("/")[0]
    return name if name in known else ""
