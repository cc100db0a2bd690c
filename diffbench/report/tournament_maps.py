"""Figures of a tournament in many small parts: errors by group, error estimates, chosen steps.

* ``groups_figure(steps, groups, fmt)``: error quantiles as a heat map, method by group, failures visible.
* ``calibration_figure(steps, fmt)``: the methods' own error estimates against their errors.
* ``chosen_figure(steps)``: the step each rule chooses against the best one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import BoundaryNorm, Colormap, LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from diffbench.report import marks, style
from diffbench.report.data import ORDER_OF_FORMATS, ordered
from diffbench.report.style import INK
from diffbench.report.text import count, number, percent, power_of_ten
from diffbench.report.tournament_data import KNOWN, first_order, judged, plain
from diffbench.report.tournament_figures import scores_of
from diffbench.tournament.scores import UNRANKED, calibration, quantile

ROWS = 44  # methods of a heat map
GOOD, MIDDLE, BAD = "#0B4F8A", "#F3F1E7", "#C2560A"  # blue to orange: told apart by every eye
DEAD = "#3A3A3A"
Corners = list[tuple[float, float]]
PANELS = 12
COLUMNS = 4


# -- errors by group ---------------------------------------------------------------------------------------


def groups_figure(steps: pd.DataFrame, groups: dict[str, str], fmt: str, most: int = ROWS) -> Figure:
    """Median and 90 % quantile of the relative error, method by group of problems.

    Parameters
    ----------
    steps : DataFrame
        Rows of a tournament.
    groups : dict
        Problem -> group.
    fmt : str
        The format.
    """
    steps = plain(steps)
    order = first_order(steps)
    rows = pd.concat([judged(steps, fmt, order, section) for section in ("main", "noisy", "kinked")])
    title = f"Errors by group of problems in {fmt}: median (upper left) and 90 % quantile (lower right)"
    if rows.empty:
        return marks.empty_figure(title, f"no method has a row that can be judged in {fmt}")
    rows = rows.assign(group=[groups.get(name, "user") for name in rows["problem"]])
    names = _rows_of(judged(steps, fmt, order), most)
    columns = _columns(rows)
    with style.drawing():
        height = 0.205 * len(names) + 1.67
        left = min(0.35 + 0.054 * max(map(len, names)), 3.2)
        layout: dict[str, Any] = {
            "left": left / style.WIDTH,
            "right": 0.985,
            "bottom": 0.15 / height,
            "top": 1 - 1.52 / height,
        }
        figure, (axes,) = style.canvas(title, height=height, **layout)
        shades, norm = _shades(fmt)
        found = dict(iter(rows.groupby(["method", "group"], sort=False)))
        halves: list[tuple[Corners, Any]] = []
        for y, name in enumerate(names):
            for x, (group, _) in enumerate(columns):
                halves += _cell(axes, x, y, found.get((name, group)), shades, norm)
        corners, colors = [c for c, _ in halves], [color for _, color in halves]
        axes.add_collection(PolyCollection(corners, facecolors=colors, linewidths=0, zorder=1))
        _frame(axes, names, columns, rows)
        _key(figure, shades, norm)
        return figure


def _rows_of(rows: pd.DataFrame, most: int) -> list[str]:
    """Methods from best to worst: the ranked ones, thinned out evenly if there are many, then the others."""
    scores = scores_of(rows)
    family = rows.drop_duplicates("method").set_index("method")["family"]
    ranked = sorted((n for n in scores.index if family[n] not in UNRANKED), key=lambda n: (-scores[n], n))
    others = sorted((n for n in scores.index if family[n] in UNRANKED), key=lambda n: (-scores[n], n))
    others = others[:6]
    room = most - len(others)
    if len(ranked) > room:  # the known, every rival and estimator, the best, then evenly
        wanted = [n for n in ranked if n in KNOWN or family[n] in ("rival", "automatic", "extrapolation")]
        kept = set(wanted[:room]) | set(ranked[: max(room - len(wanted), 0) // 2])
        rest = [n for n in ranked if n not in kept]
        free = room - len(kept)
        if free > 0:
            kept |= {rest[i] for i in np.unique(np.linspace(0, len(rest) - 1, free).round().astype(int))}
        ranked = [n for n in ranked if n in kept]
    return [*others, *ranked]


def _columns(rows: pd.DataFrame) -> list[tuple[str, int]]:
    """Groups with their numbers of points, the large ones first, noise and kinks last."""
    points = rows.drop_duplicates(["problem", "point"])
    sizes = points.groupby("group").size()
    late = set(points.loc[points["section"] != "main", "group"])
    return [(g, int(sizes[g])) for g in sorted(sizes.index, key=lambda g: (g in late, -sizes[g], g))]


def _shades(fmt: str) -> tuple[Colormap, BoundaryNorm]:
    """Decades from the unit roundoff to 1, each with a shade of its own."""
    low = math.floor(math.log10(style.unit_roundoff(fmt)))
    edges = np.arange(low, 1)
    ramp = LinearSegmentedColormap.from_list("error", [GOOD, "#7FB2D9", MIDDLE, "#EFB26F", BAD])
    colors = ramp(np.linspace(0, 1, len(edges) + 1))
    shades = ListedColormap(colors[1:-1]).with_extremes(under=colors[0], over=colors[-1], bad="white")
    return shades, BoundaryNorm(edges, shades.N)


def _cell(
    axes: Axes, x: int, y: int, mine: pd.DataFrame | None, shades: Colormap, norm: BoundaryNorm
) -> list[tuple[Corners, Any]]:
    """The two halves of a cell with their colours; its signs are written at once."""
    if mine is None:
        empty: dict[str, Any] = {"facecolor": "white", "hatch": "////", "edgecolor": "#DDDDDD", "lw": 0}
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **empty))
        return []
    failed = mine["failed"].to_numpy(bool)
    errors = np.where(failed, np.inf, mine["relative_error"].to_numpy(float))
    halves: list[tuple[Corners, Any]] = []
    for share, corner in ((0.5, (-0.5, -0.5)), (0.9, (0.5, 0.5))):
        value = quantile(errors, share)
        color = DEAD if math.isinf(value) else shades(norm(math.log10(max(value, 1e-300))))
        triangle = [(x + a, y + b) for a, b in (corner, (0.5, -0.5), (-0.5, 0.5))]
        halves.append((triangle, color))
    lost, wrong = int(failed.sum()), int(mine["silent_wrong"].sum())
    text = (f"✕{lost}" if lost else "") + (f" !{wrong}" if wrong else "")
    if text:
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.82, "pad": 0.6}
        axes.text(x, y, text.strip(), fontsize=6.5, ha="center", va="center", color=INK, bbox=box, zorder=3)
    return halves


def _frame(axes: Axes, names: list[str], columns: list[tuple[str, int]], rows: pd.DataFrame) -> None:
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    heads = [f"{_broken(group)}\n{count(size, 'point')}" for group, size in columns]
    axes.set_xticks(range(len(columns)), heads, fontsize=6.8)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for x in range(1, len(columns)):
        axes.axvline(x - 0.5, color="white", lw=1.6, zorder=2)
    for y in range(1, len(names)):
        axes.axhline(y - 0.5, color="white", lw=0.8, zorder=2)
    family = rows.drop_duplicates("method").set_index("method")["family"]
    last = sum(1 for name in names if family[name] in UNRANKED)
    if 0 < last < len(names):
        axes.axhline(last - 0.5, color=INK, lw=1.2, zorder=4)


def _broken(group: str) -> str:
    """A group's name on at most three short lines."""
    lines: list[str] = []
    for word in group.replace("-", "- ").split():
        if lines and len(lines[-1]) + len(word) < 10:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return "\n".join(lines).replace("- ", "-")


def _key(figure: Figure, shades: Colormap, norm: BoundaryNorm) -> None:
    """What the shades and signs mean, below the title."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0.1 / width, 1 - 0.62 / height, 4.3 / width, 0.13 / height))
    edges = [int(e) for e in norm.boundaries]
    colors = [shades.get_under(), *(shades(i) for i in range(shades.N)), shades.get_over()]
    for i, color in enumerate(colors):
        axes.add_patch(Rectangle((i, 0), 1, 1, facecolor=color, lw=0))
    axes.set_xlim(0, len(colors))
    axes.set_ylim(0, 1)
    stride = 1 if len(edges) <= 8 else 2
    shown = [(i + 1, edge) for i, edge in enumerate(edges) if (edge - edges[-1]) % stride == 0]
    axes.set_xticks([i for i, _ in shown], [power_of_ten(edge) for _, edge in shown], fontsize=7)
    axes.set_yticks([])
    axes.tick_params(length=2)
    axes.spines[:].set_visible(False)
    text = "relative error   ·   black: infinite (a failure)   ·   ✕ failed   ·   ! silently wrong"
    figure.text(4.55 / width, 1 - 0.555 / height, text, fontsize=7.5, va="center")


# -- the methods' own error estimates -----------------------------------------------------------------------


def calibration_figure(steps: pd.DataFrame, fmt: str) -> Figure:
    """Estimated against true relative error, a panel per method that estimates its error."""
    steps = plain(steps)
    rows = judged(steps, fmt, first_order(steps))
    rows = rows[~rows["failed"] & np.isfinite(rows["error_estimate"])]
    title = f"Can the methods' own error estimates be believed? Estimated against true errors in {fmt}"
    names = [n for n, mine in rows.groupby("method", sort=True) if len(mine) >= 5]
    if not names:
        return marks.empty_figure(title, f"no method of this run estimates its error in {fmt}")
    facts = {str(n): calibration(rows[rows["method"] == n]) for n in names}
    shown = sorted(facts, key=lambda n: (-facts[n]["coverage"], n))[:PANELS]
    with style.drawing():
        figure, panels = _grid(title, len(shown), 2.35, hspace=0.42, top_inches=0.72)
        floor = style.unit_roundoff(fmt) / 100
        for axes, name in zip(panels, shown, strict=False):
            mine = rows[rows["method"] == name]
            unit = np.where(mine["exact"] != 0, mine["exact"].abs(), 1.0)
            error = np.clip(mine["error"].abs() / unit, floor * 1.3, 9)
            estimate = np.clip(mine["error_estimate"].abs() / unit, floor * 1.3, 9)
            _decades_both(axes, floor, 10)
            axes.fill_between([floor, 10], [floor, 10], [floor, floor], color="#FBE3D3", lw=0, zorder=0)
            axes.plot([floor, 10], [floor, 10], color=INK, lw=0.8, zorder=1)
            held = (mine["error"].abs() <= mine["error_estimate"].abs()).to_numpy()
            for good, color, marker in ((True, style.BLUE, "o"), (False, style.VERMILLION, "x")):
                which = held == good
                mark: dict[str, Any] = {"marker": marker, "ms": 3.2, "color": color, "alpha": 0.8}
                axes.plot(error[which], estimate[which], ls="none", **mark)
            fact = facts[name]
            covered, median = percent(float(fact["coverage"])), number(fact["tightness"], 2)
            text = f"{name}\ncovers {covered} of {fact['estimates']}, median ×{median}"
            axes.set_title(text, loc="left", fontsize=7.5)
        _hide(panels[len(shown) :])
        _outer_labels(panels, len(shown), "true relative error", "estimated error")
        handles = [
            Line2D([], [], ls="none", marker=marker, ms=4, color=color, label=text)
            for marker, color, text in (
                ("o", style.BLUE, "error within the estimate"),
                ("x", style.VERMILLION, "error above the estimate (shaded)"),
            )
        ]
        style.legend(figure, handles)
        return figure


# -- the steps that rules choose ----------------------------------------------------------------------------


def chosen_figure(steps: pd.DataFrame, rules: Sequence[str] | None = None) -> Figure:
    """The step that a rule chooses for central-2 against the robust best step, a panel per rule."""
    steps = plain(steps)
    order = first_order(steps)
    central = steps["method"].str.startswith("central-2@") | (steps["method"] == "central-2")
    rows = steps[steps["judged"] & central & (steps["section"] == "main") & (steps["derivative"] == order)]
    rows = rows[rows["h_best"] > 0]
    title = "Which h? The step a rule chooses for central-2 against the robust best one"
    shown = [r for r in (rules or _rules(rows)) if (rows["method"] == r).any()][:PANELS]
    if not shown:
        return marks.empty_figure(title, "no rule of this run chooses steps for central-2")
    formats = ordered(rows["format"], ORDER_OF_FORMATS)
    small, large = (float(q) for q in np.quantile(rows["h_best"].to_numpy(float), (0.01, 0.99)))
    low, high = (
        10.0 ** math.floor(math.log10(max(small / 30, 1e-12))),
        10.0 ** math.ceil(math.log10(large * 3)),
    )
    with style.drawing():
        figure, panels = _grid(title, len(shown), 2.3, hspace=0.36, top_inches=0.72)
        for axes, name in zip(panels, shown, strict=False):
            mine = rows[rows["method"] == name]
            _decades_both(axes, low, high)
            edge = np.array([low, high])
            axes.fill_between(edge, edge / 10, edge * 10, color="#E8F2EC", lw=0, zorder=0)
            axes.plot([low, high], [low, high], color=INK, lw=0.8, zorder=1)
            for fmt in formats:
                look, these = style.look_of_format(fmt), mine[mine["format"] == fmt]
                x, y = (np.clip(these[c].to_numpy(float), low * 1.2, high / 1.2) for c in ("h_best", "h"))
                axes.plot(x, y, ls="none", marker=look.marker, ms=2.8, mew=0, color=look.color, alpha=0.65)
            near = _within_ten(mine).mean()  # of all points: no step is not a near one
            oracle = " (oracle)" if (mine["family"] == "oracle").any() else ""
            text = f"{name.removeprefix('central-2@')}{oracle}\n{percent(float(near))} within ×10"
            axes.set_title(text, loc="left", fontsize=7.5)
        _hide(panels[len(shown) :])
        _outer_labels(panels, len(shown), "robust best h", "chosen h")
        style.legend(figure, [style.handle(style.look_of_format(f), f, line=False) for f in formats])
        return figure


def _within_ten(rows: pd.DataFrame) -> np.ndarray:
    """Where the chosen step is within a factor of 10 of the best one."""
    h, best = rows["h"].to_numpy(float), rows["h_best"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(np.log10(np.where(h > 0, h, np.nan) / best)) <= 1


def _rules(rows: pd.DataFrame) -> list[str]:
    """Rules of central-2 by how often they are within a factor of 10 of the best step; both ends shown."""
    near = pd.Series(_within_ten(rows)).groupby(rows["method"].to_numpy()).mean()
    names = sorted(near.index, key=lambda n: (-near[n], n))
    plain_names = [n for n in names if ":" not in n and "@" in n]
    if len(plain_names) <= PANELS:
        return plain_names
    places = np.unique(np.linspace(0, len(plain_names) - 1, PANELS).round().astype(int))
    return [plain_names[i] for i in places]


# -- small panels -------------------------------------------------------------------------------------------


def _grid(
    title: str, panels: int, panel: float, hspace: float, top_inches: float
) -> tuple[Figure, list[Axes]]:
    rows = math.ceil(panels / COLUMNS)
    height = panel * rows + top_inches + 0.75
    layout: dict[str, Any] = {
        "left": 0.075,
        "right": 0.985,
        "bottom": 0.5 / height,
        "top": 1 - (top_inches + 0.28) / height,
    }
    return style.canvas(title, COLUMNS, rows, height=height, hspace=hspace, wspace=0.1, **layout)


def _decades_both(axes: Axes, low: float, high: float) -> None:
    marks.decades(axes, "x", low, high, most=6)
    marks.decades(axes, "y", low, high, most=6)


def _hide(panels: Sequence[Axes]) -> None:
    for axes in panels:
        axes.set_visible(False)


def _outer_labels(panels: Sequence[Axes], shown: int, xlabel: str, ylabel: str) -> None:
    """Labels and numbers at the outer edge only: all panels have the same axes."""
    for place, axes in enumerate(panels[:shown]):
        if place % COLUMNS:
            axes.set_yticklabels([])
        else:
            axes.set_ylabel(ylabel)
        if place + COLUMNS < shown:
            axes.set_xticklabels([])
        else:
            axes.set_xlabel(xlabel)
