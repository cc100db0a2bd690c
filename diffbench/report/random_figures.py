"""The figures of the random functions: ``shares_figure(rows, title)``, what became of the cases, as bars."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from diffbench.report import style
from diffbench.report.data import ORDER_OF_FORMATS, ordered, select
from diffbench.report.random_data import OUTCOMES
from diffbench.report.style import GREY, INK
from diffbench.report.text import NONE


class Fill(NamedTuple):
    """How an outcome is drawn: told apart by colour and by hatch."""

    color: str
    hatch: str


FILLS = {
    "rest": Fill("#CFE3EF", ""),  # a pale blue: what is as it should be stays in the background
    "flagged": Fill(style.ORANGE, "///"),
    "silent_wrong": Fill(style.VERMILLION, ""),
    "failed": Fill(INK, ""),
}
BAR = 0.235  # inches for a bar
LETTER = 0.062  # inches of a letter of a label


def shares_figure(rows: pd.DataFrame, title: str) -> Figure:
    """Stacked bars of the shares of ``OUTCOMES``: a line per label, a panel per format.

    Parameters
    ----------
    rows : DataFrame
        With the columns format, label, cases and one for each outcome: shares of 1. Labels are drawn from
        the top in their order of first appearance; a panel without a label has a dash there.
    """
    with style.drawing():
        labels = list(dict.fromkeys(rows["label"]))
        formats = ordered(rows["format"], ORDER_OF_FORMATS[::-1])
        height = 1.55 + BAR * len(labels)
        left = (0.25 + LETTER * max(map(len, labels))) / style.WIDTH
        figure, panels = style.canvas(
            title, len(formats), height=height, left=left, right=0.975, bottom=0.5 / height, wspace=0.14
        )
        for axes, name in zip(panels, formats, strict=True):
            _panel(axes, select(rows, format=name), labels)
            axes.set_title(name, loc="left")
        panels[0].set_yticks(range(len(labels)), labels, fontsize=8)
        style.legend(figure, [_handle(outcome, words) for outcome, words in OUTCOMES.items()])
        return figure


def _panel(axes: Axes, rows: pd.DataFrame, labels: list[str]) -> None:
    place = np.array([labels.index(label) for label in rows["label"]], dtype=float)
    begin = np.zeros(len(rows))
    for outcome, fill in FILLS.items():
        width = 100 * rows[outcome].to_numpy(float)
        axes.barh(
            place,
            width,
            left=begin,
            height=0.72,
            color=fill.color,
            hatch=fill.hatch,
            edgecolor="white" if fill.hatch else fill.color,
            linewidth=0,
        )
        begin = begin + width
    for row in sorted(set(range(len(labels))) - set(place.astype(int))):
        axes.text(1.5, row, NONE, fontsize=8, color=GREY, va="center")
    axes.set_xlim(0, 100)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xticks([0, 50, 100])
    axes.set_xticks([25, 75], minor=True)
    axes.set_yticks([])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("% of the cases")


def _handle(outcome: str, words: str) -> Patch:
    fill = FILLS[outcome]
    return Patch(
        facecolor=fill.color,
        hatch=fill.hatch,
        edgecolor="white" if fill.hatch else fill.color,
        linewidth=0,
        label=words,
    )
