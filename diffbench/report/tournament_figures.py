"""Figures that compare methods over all problems: what they reach for how many evaluations, and how often.

* ``targets_figure(steps)``: share of digits targets reached against evaluations, a row per format.
* ``profile_figure(steps)``: share of cases within a factor of the best method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from diffbench.report import marks, style
from diffbench.report.data import ORDER_OF_FORMATS, ordered
from diffbench.report.style import GREY, INK
from diffbench.report.text import count
from diffbench.report.tournament_data import (
    REFERENCES,
    contenders,
    first_order,
    judged,
    looks,
    plain,
    spread_labels,
)
from diffbench.tournament.profiles import NEAR, costs, profile, reached, share_within, targets_of
from diffbench.tournament.scores import UNRANKED

PANEL = 2.75  # inches of a row
NAMES = 2.35  # inches for the names on the right
BUDGET = 100.0  # evaluations within which the names at the right give the share


def targets_figure(steps: pd.DataFrame, formats: Sequence[str] | None = None) -> Figure:
    """Share of (problem, point, digits target) triples reached within a number of evaluations.

    Parameters
    ----------
    steps : DataFrame
        Rows of a tournament.
    formats : sequence of str, optional
        Which formats get a row; default: all.
    """
    steps = plain(steps)
    spent = steps.loc[steps["judged"] & ~steps["failed"], "evaluations"].to_numpy(float)
    most = float(np.quantile(spent, 0.995)) if len(spent) else 1.0
    last = 2.0 ** np.clip(np.ceil(np.log2(max(most, 1) * 1.3)), 6, 10)
    coarse = np.round(np.logspace(6, 10.3, 40, base=2))
    budgets = np.unique(np.concatenate([np.arange(1, 65), coarse]))

    def dress(axes: Axes) -> None:
        axes.set_xscale("log", base=2)
        axes.set_xlim(0.93, last * 1.08)
        axes.xaxis.set_major_locator(FixedLocator([2.0**k for k in range(11) if 2.0**k <= last]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        if last > BUDGET:
            axes.axvline(BUDGET, color=GREY, linewidth=0.7, zorder=0)

    view = _View(
        "Digits targets reached against function evaluations",
        "share of targets reached",
        "evaluations of f",
        f"% within {BUDGET:.0f} evaluations",
        lambda rows, names: reached(rows, names, budgets),
        BUDGET,
        dress,
        references=True,
    )
    return _rows_figure(steps, formats, view)


def profile_figure(steps: pd.DataFrame, formats: Sequence[str] | None = None) -> Figure:
    """Performance profile: share of cases with an error within a factor of the best method's.

    Errors below the unit roundoff are raised as Dingle and Higham do, so that luck below it decides little.
    """
    factors = np.logspace(0, 6, 241)

    def curves(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
        ranked = sorted(set(rows.loc[~rows["family"].isin(UNRANKED), "method"]))
        return profile(rows, ranked, factors)[list(names)]

    def dress(axes: Axes) -> None:
        marks.decades(axes, "x", 0.93, 1.08e6, most=10)
        axes.axvline(NEAR, color=GREY, linewidth=0.7, zorder=0)

    view = _View(
        "Performance profile: how often a method is within a factor of the best one",
        "share of points",
        "error / smallest error that any ranked method has at the point",
        f"% within a factor of {NEAR:.0f}",
        curves,
        NEAR,
        dress,
    )
    return _rows_figure(plain(steps), formats, view)


@dataclass(frozen=True)
class _View:
    """What is drawn in every row of a figure: curves over x by method, and the share named at the right."""

    title: str
    ylabel: str
    xlabel: str
    shares: str
    curves: Callable[[pd.DataFrame, Sequence[str]], pd.DataFrame]
    at: float
    dress: Callable[[Axes], None]
    references: bool = False


def _rows_figure(steps: pd.DataFrame, formats: Sequence[str] | None, view: _View) -> Figure:
    """A row per format: the named methods in colour with their names at the right, the others in grey."""
    order = first_order(steps)
    present = [f for f in ordered(steps["format"], ORDER_OF_FORMATS) if len(judged(steps, f, order))]
    names_of = [f for f in present if formats is None or f in formats][::-1]  # float64 first
    if not names_of:
        return marks.empty_figure(view.title, "no method has a row that can be judged")
    height = PANEL * len(names_of) + 0.75
    with style.drawing():
        figure, panels = style.canvas(
            view.title,
            1,
            len(names_of),
            height=height,
            legend_rows=0,
            right=1 - NAMES / style.WIDTH,
            top=1 - 0.6 / height,
            bottom=0.5 / height,
            hspace=0.28,
        )
        for axes, name in zip(panels, names_of, strict=True):
            rows = judged(steps, name, order)
            view.dress(axes)
            axes.set_ylim(0, 1)
            _draw_format(axes, rows, view)
            axes.set_ylabel(view.ylabel)
            cases = rows[["problem", "point"]].drop_duplicates()
            axes.set_title(
                f"{name}: {count(cases['problem'].nunique(), 'problem')}, "
                f"{count(len(cases), 'point')}, {count(rows['method'].nunique(), 'method')}",
                loc="left",
            )
            axes.text(
                1.03, 1.045, view.shares, transform=axes.transAxes, fontsize=7.5, color=GREY, va="bottom"
            )
        panels[-1].set_xlabel(view.xlabel)
        return figure


def _draw_format(axes: Axes, rows: pd.DataFrame, view: _View) -> None:
    named = contenders(rows, scores_of(rows))
    ranked = rows[~rows["family"].isin(UNRANKED)]
    others = sorted(set(ranked["method"]) - set(named))
    table = view.curves(rows, [*named, *others])
    x = table.index.to_numpy(float)
    at = min(int(np.searchsorted(x, view.at, side="right")) - 1, len(x) - 1)
    right = axes.get_xlim()[1]
    seen = int(np.searchsorted(x, right, side="right")) - 1
    for name in others:
        axes.plot(x, table[name], color=GREY, linewidth=0.6, alpha=0.45, drawstyle="steps-post", zorder=1)
    labels: list[_Label] = []
    for name, look in looks(named).items():
        y = table[name].to_numpy(float)
        line: dict[str, Any] = {"color": look.color, "linestyle": look.dash, "linewidth": 1.7}
        axes.plot(x, y, drawstyle="steps-post", zorder=3, **line)
        jump = int(np.argmax(y >= y[seen] - 1e-12))  # where the curve has reached its height
        axes.plot([x[jump]], [y[jump]], ls="none", marker=look.marker, ms=5.5, color=look.color, zorder=4)
        labels.append(_Label(name, float(y[seen]), float(y[at]), look.color))
    labels += _draw_references(axes, rows) if view.references else []
    _write(axes, labels, len(others))


class _Label(NamedTuple):
    name: str
    end: float  # where its curve leaves the panel
    share: float
    color: str


def _draw_references(axes: Axes, rows: pd.DataFrame) -> list[_Label]:
    """What asks for more than values of f, as lines: the share that needs no step."""
    labels = []
    for text, names in REFERENCES:
        name = next((n for n in names if (rows["method"] == n).any()), None)
        if name is None:
            continue
        mine = rows[rows["method"] == name]
        share = share_within(costs(mine, targets_of(str(mine["format"].iloc[0]))), np.inf)
        axes.axhline(share, color=INK, linewidth=1.0, linestyle=(0, (1, 2)), zorder=2)
        labels.append(_Label(text, share, share, INK))
    return labels


def _write(axes: Axes, labels: list[_Label], others: int) -> None:
    """Names at the right of the curves' ends, apart from each other, each with a thin line to its end."""
    places = spread_labels([label.end for label in labels], 0.084, -0.02, 1.0)
    right = axes.get_yaxis_transform()
    for label, place in zip(labels, places, strict=True):
        line: dict[str, Any] = {
            "color": label.color,
            "lw": 0.7,
            "transform": right,
            "clip_on": False,
            "zorder": 5,
        }
        axes.plot([1.0, 1.025], [label.end, place], **line)
        text = f"{label.name}  {100 * label.share:.0f}"
        axes.text(1.03, place, text, transform=right, color=label.color, fontsize=8, va="center")
    if others:
        text = f"{count(others, 'other method')} in grey"
        under: dict[str, Any] = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.0}
        corner: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "bbox": under}
        axes.text(0.985, 0.025, text, fontsize=7.5, color=style.INK, **corner)


def scores_of(rows: pd.DataFrame) -> pd.Series:
    """Share of targets reached within 100 evaluations, by method."""
    targets = targets_of(str(rows["format"].iloc[0]))
    grouped = rows.groupby("method", sort=True)
    return pd.Series({str(name): share_within(costs(mine, targets), BUDGET) for name, mine in grouped})
