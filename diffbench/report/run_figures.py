"""Figures over all problems of a run.

* ``orders_figure(summary)``: how far each observed order is from the expected one.
* ``best_steps_figure(summary)``: measured best steps and errors against the predicted ones.
* ``variants_figure(sweep, summary)``: what half precision gains from each stencil arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffbench.report import error_parts as parts
from diffbench.report import marks, style
from diffbench.report.curves import Series
from diffbench.report.data import ORDER_OF_FORMATS, ordered, select, stencil_order
from diffbench.report.style import GREY, INK
from diffbench.report.text import derivative_symbol

ORDER_TOLERANCE = 0.01
FLOOR = 1e-7  # smaller distances from the expected order stand on the axis


def orders_figure(summary: pd.DataFrame) -> Figure:
    """Distance of the observed from the expected order: a column per stencil, a mark per series."""
    with style.drawing():
        columns = [
            (order, stencil)
            for order in sorted(summary["derivative"].unique())
            for stencil in stencil_order(select(summary, derivative=order)["stencil"])
        ]
        figure, (axes,) = style.canvas(
            "Observed order of the truncation: distance from the expected order",
            height=4.2,
            bottom=0.15,
            top=0.86,
        )
        marks.decades(axes, "y", FLOOR, 2.0)
        axes.axhline(ORDER_TOLERANCE, color=INK, linewidth=0.8, zorder=1)
        axes.text(
            1.0,
            ORDER_TOLERANCE,
            "0.01",
            transform=axes.get_yaxis_transform(),
            va="bottom",
            ha="right",
            fontsize=8,
        )
        formats = ordered(summary["format"], ORDER_OF_FORMATS)
        for column, (order, stencil) in enumerate(columns):
            rows = select(summary, derivative=order, stencil=stencil)
            for position, name in enumerate(formats):
                mine = select(rows, format=name)
                distance = (mine["observed_order"] - mine["expected_order"]).abs().to_numpy(float)
                distance = np.sort(distance[np.isfinite(distance)])
                look = style.look_of_format(name)
                place = column + (position - (len(formats) - 1) / 2) * 0.8 / len(formats)
                spread = place + 0.2 * (np.arange(len(distance)) / max(len(distance) - 1, 1) - 0.5)
                axes.plot(
                    spread,
                    np.clip(distance, FLOOR, 2.0),
                    ls="none",
                    marker=look.marker,
                    ms=2.6,
                    mew=0,
                    color=look.color,
                    alpha=0.6,
                )
        axes.set_xlim(-0.6, len(columns) - 0.4)
        axes.set_xticks(
            range(len(columns)), [f"{s}\n{derivative_symbol(m)[:-3]}" for m, s in columns], fontsize=7.5
        )
        axes.set_ylabel("|observed − expected order|")
        style.legend(figure, [style.handle(style.look_of_format(name), name, line=False) for name in formats])
        return figure


def best_steps_figure(summary: pd.DataFrame, stencils: Sequence[str]) -> Figure:
    """Measured robust best steps against predicted ones, and the ratio of the errors there."""
    with style.drawing():
        rows = summary[
            summary["stencil"].isin(list(stencils)) & (summary[["h_best", "h_predicted"]] > 0).all(axis=1)
        ]
        formats = ordered(rows["format"], ORDER_OF_FORMATS)
        figure, (steps, errors) = style.canvas(
            "Best steps: measured against predicted from the true derivatives",
            2,
            height=4.7,
            wspace=0.22,
        )
        h = rows[["h_best", "h_predicted"]].to_numpy(float)
        low, high = (
            10.0 ** math.floor(np.log10(np.quantile(h, 0.005))),
            10.0 ** math.ceil(np.log10(np.quantile(h, 0.995))),
        )
        for axis in "xy":
            marks.decades(steps, axis, low, high, most=7)
        diagonal = np.array([low, high])
        steps.fill_between(diagonal, diagonal / 3, diagonal * 3, color=style.PALE, linewidth=0, zorder=0)
        steps.plot(diagonal, diagonal, color=GREY, linewidth=0.9, zorder=1)
        steps.set(xlabel="predicted best step", ylabel="measured robust best step")
        steps.set_title("band: within a factor of 3", loc="left")
        for name in formats:
            mine, look = select(rows, format=name), style.look_of_format(name)
            dots: dict[str, Any] = {
                "ls": "none",
                "marker": look.marker,
                "ms": 3.2,
                "mew": 0,
                "color": look.color,
                "alpha": 0.55,
            }
            steps.plot(mine["h_predicted"], mine["h_best"], **dots)
        _error_ratios(errors, rows, formats, stencils)
        style.legend(figure, [style.handle(style.look_of_format(name), name, line=False) for name in formats])
        return figure


def _error_ratios(axes: Axes, rows: pd.DataFrame, formats: Sequence[str], stencils: Sequence[str]) -> None:
    """The measured best error over the predicted one: the middle half as a bar, the median as a mark."""
    ratios = (rows["error_best"] / rows["error_predicted"]).to_numpy(float)
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    low, high = np.log10(np.quantile(ratios, (0.03, 0.95))) if len(ratios) else (-1.0, 1.0)
    marks.decades(axes, "y", 10.0 ** max(math.floor(low), -6), 10.0 ** min(math.ceil(high), 9))
    axes.axhline(1, color=GREY, linewidth=0.9, zorder=1)
    for column, stencil in enumerate(stencils):
        for position, name in enumerate(formats):
            mine = select(rows, stencil=stencil, format=name)
            ratio = (mine["error_best"] / mine["error_predicted"]).to_numpy(float)
            ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
            if len(ratio):
                place = column + (position - (len(formats) - 1) / 2) * 0.22
                _bar(
                    axes, place, np.quantile(ratio, (0.05, 0.25, 0.5, 0.75, 0.95)), style.look_of_format(name)
                )
    axes.set_xticks(range(len(stencils)), list(stencils))
    axes.set_xlim(-0.6, len(stencils) - 0.4)
    axes.set_ylabel("measured / predicted best error")
    axes.set_title("median, middle half, 5 to 95 %", loc="left")


def _bar(axes: Axes, place: float, quantiles: np.ndarray, look: style.Look) -> None:
    axes.plot([place, place], quantiles[[0, 4]], color=look.color, linewidth=0.9, zorder=2)
    axes.plot(
        [place, place],
        quantiles[[1, 3]],
        color=look.color,
        linewidth=4.5,
        alpha=0.45,
        solid_capstyle="butt",
        zorder=2,
    )
    axes.plot(
        [place], quantiles[[2]], color=look.color, marker=look.marker, ms=5, mec="white", mew=0.6, zorder=3
    )


def variants_figure(sweep: pd.DataFrame, summary: pd.DataFrame, title: str) -> Figure:
    """Left: error against step of each variant for one case. Right: digits at the best step over all."""
    with style.drawing():
        name, stencil = str(sweep["format"].iloc[0]), str(sweep["stencil"].iloc[0])
        variants = [v for v in style.VARIANTS if (sweep["variant"] == v).any()]
        series = {v: Series.of(select(sweep, variant=v)) for v in variants}
        figure, (left, right) = style.canvas(title, 2, height=4.6, wspace=0.2)
        u = style.unit_roundoff(name)
        low, high = parts.error_limits(series.values(), [u])
        parts.frame(left, parts.step_limits(series.values()), (max(low, u / 30), high), u)
        problem = str(sweep["problem"].iloc[0])
        for level, (variant, one) in enumerate(series.items()):
            mine = select(summary, problem=problem, point=str(sweep["point"].iloc[0]), variant=variant)
            best = parts.best_of(mine, format=name, stencil=stencil)
            parts.draw_series(left, one, style.VARIANTS[variant], best, level)
        left.set_ylabel("relative error")
        left.set_title(f"{problem}, {name}, {stencil}", loc="left")
        stencils = stencil_order(summary["stencil"])
        for column, each in enumerate(stencils):
            for position, variant in enumerate(variants):
                digits = select(summary, stencil=each, variant=variant)["digits"].dropna().to_numpy(float)
                if len(digits):
                    place = column + (position - (len(variants) - 1) / 2) * 0.22
                    _bar(
                        right,
                        place,
                        np.quantile(digits, (0.05, 0.25, 0.5, 0.75, 0.95)),
                        style.VARIANTS[variant],
                    )
        right.axhline(-math.log10(u), color=GREY, linewidth=0.9)
        right.text(
            1.0,
            -math.log10(u),
            f"all digits of {name}",
            transform=right.get_yaxis_transform(),
            ha="right",
            va="bottom",
            fontsize=7.5,
            color=GREY,
        )
        right.set_xticks(range(len(stencils)), [s.replace("-", "\n") for s in stencils], fontsize=8)
        right.set(
            xlim=(-0.6, len(stencils) - 0.4),
            ylim=(0, -1.12 * math.log10(u)),
            ylabel="digits at the robust best step",
        )
        right.set_title(
            f"{summary['problem'].nunique()} problems: median, middle half, 5 to 95 %", loc="left"
        )
        handles = [style.handle(style.VARIANTS[v], v) for v in variants]
        style.legend(figure, [*handles, *parts.mark_handles(list(series.values()), truncation=False)])
        return figure
