"""The picture every lesson begins with: secants beside the tangent. It needs no run."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diffbench.report import style
from diffbench.report.style import BLUE, GREY, INK, VERMILLION, Look

X = 1.0
STEPS: tuple[tuple[float, Any, float], ...] = ((1.0, style.SOLID, 1.0), (0.5, style.DASHED, 0.65))
LOOKS = {"forward": Look(VERMILLION, style.SOLID, "o"), "central": Look(BLUE, style.SOLID, "s")}


def secants_figure() -> Figure:
    """Secants of the forward and the central difference of sin at 1, and the tangent, for two large steps."""
    with style.drawing():
        figure, panels = style.canvas(
            "A difference quotient is the slope of a secant: f(x) = sin x at x = 1",
            2,
            height=4.7,
            wspace=0.05,
        )
        for axes, (kind, look) in zip(panels, LOOKS.items(), strict=True):
            _curve(axes)
            for h, dash, alpha in STEPS:
                _secant(axes, kind, h, Look(look.color, dash, look.marker), alpha)
            axes.tick_params(labelleft=axes is panels[0])
        panels[0].set_title("forward: (f(x + h) − f(x)) / h", loc="left", color=VERMILLION)
        panels[1].set_title("central: (f(x + h) − f(x − h)) / 2h", loc="left", color=BLUE)
        panels[0].set_ylabel("f")
        style.legend(
            figure,
            [
                Line2D([], [], color=GREY, linewidth=2.4, label="f(x) = sin x"),
                Line2D([], [], color=INK, linewidth=1.2, label=f"tangent, slope cos 1 = {math.cos(X):.3f}"),
                *(
                    Line2D([], [], color=GREY, linestyle=dash, linewidth=1.7, label=f"secant, h = {h:g}")
                    for h, dash, _ in STEPS
                ),
            ],
        )
        return figure


def _curve(axes: Axes) -> None:
    t = np.linspace(-0.45, 2.75, 129)
    axes.plot(t, np.sin(t), color="#B5B5B5", linewidth=2.4, zorder=1)
    axes.plot(t, math.sin(X) + math.cos(X) * (t - X), color=INK, linewidth=1.2, zorder=2)
    axes.plot([X], [math.sin(X)], marker="o", color=INK, ms=6, zorder=6)
    axes.set(
        xlim=(-0.45, 3.0), ylim=(-0.35, 1.6), xlabel="x", xticks=[0, 0.5, 1, 1.5, 2], yticks=[0, 0.5, 1, 1.5]
    )


def _secant(axes: Axes, kind: str, h: float, look: Look, alpha: float) -> None:
    left = X - h if kind == "central" else X
    slope = (math.sin(X + h) - math.sin(left)) / (X + h - left)
    t = np.array([left - 0.22, X + h + 0.34])
    axes.plot(
        t,
        math.sin(left) + slope * (t - left),
        color=look.color,
        linestyle=look.dash,
        linewidth=1.7,
        alpha=alpha,
        zorder=3,
    )
    nodes = np.array([left, X + h])
    axes.plot(
        nodes,
        np.sin(nodes),
        ls="none",
        marker=look.marker,
        color=look.color,
        ms=6,
        mec="white",
        mew=0.8,
        zorder=5,
    )
    axes.annotate(
        f"slope {slope:.3f}",
        (t[1], math.sin(left) + slope * (t[1] - left)),
        xytext=(3, 0),
        textcoords="offset points",
        color=look.color,
        fontsize=8.5,
        va="center",
    )
