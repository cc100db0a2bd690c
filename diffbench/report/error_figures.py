"""Error against step, in decades: the figures a sweep is read from.

* ``error_figure(sweep, references, summary)``: one problem and point, formats as panels (``Sweep.plot()``).
* ``precisions_figure``: every format in one panel, forward beside central.
* ``stencils_figure``: stencils of rising order in one format.
* ``decomposition_figure``: the five parts of one error, with the predicted curves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diffbench.report import error_parts as parts
from diffbench.report import marks, style
from diffbench.report.curves import Array, Series, derivatives_at, error_unit_of, predicted_parts
from diffbench.report.data import ORDER_OF_FORMATS, PARTS, ordered, select, stencil_order
from diffbench.report.estimate_figures import estimates_figure, why_empty
from diffbench.report.slopes import draw_slopes
from diffbench.report.style import GREY, INK, Look, looks_of
from diffbench.report.text import derivative_name, derivative_symbol, point_text

THEORY_OF = {"measured error": ("truncation", "rounding"), "truncation": ("truncation",)}
THEORY_OF |= dict.fromkeys(("abscissa", "evaluation"), ("rounding",))
COMPARISON = "#BBBBBB"


def error_figure(
    sweep: pd.DataFrame, references: pd.DataFrame, summary: pd.DataFrame, title: str | None = None
) -> Figure:
    """Measured errors against the step for one problem and point: a panel per format, a series per stencil.

    Parameters
    ----------
    sweep, references, summary : DataFrame
        Frames with the columns of a run folder's files; the first problem, point, derivative and variant
        is drawn.
    title : str, optional
        Instead of the problem's name and point.

    Returns
    -------
    matplotlib.figure.Figure
        Errors relative to the derivative, absolute where that is 0; estimates where no derivative exists.
    """
    with style.drawing():
        sweep = _first_case(sweep)
        if sweep.empty:
            return marks.empty_figure(title or "no rows", "the sweep has no rows")
        problem, point, order = (
            str(sweep["problem"].iloc[0]),
            str(sweep["point"].iloc[0]),
            int(sweep["derivative"].iloc[0]),
        )
        title = title or f"{problem} at x = {point_text(point)}: {derivative_name(order)}"
        references = select(references, problem=problem, point=point)
        formats, stencils = (
            ordered(sweep["format"], ORDER_OF_FORMATS),
            stencil_order(sweep["stencil"].dropna()),
        )
        cases = {name: _Case.of(select(sweep, format=name), references, order) for name in formats}
        series = {
            (f, s): Series.of(select(sweep, format=f, stencil=s), cases[f].unit)
            for f in formats
            for s in stencils
        }
        if not any(len(one.h) for one in series.values()):
            return estimates_figure(sweep, select(references, derivative=order), formats, stencils, title)

        looks, mine = looks_of(stencils), select(summary, problem=problem, point=point, derivative=order)
        ylim = parts.error_limits(series.values(), [style.unit_roundoff(f) for f in formats])
        spans = [parts.step_limits(series[f, s] for s in stencils) for f in formats]
        figure, panels = parts.format_panels(title, spans, legend_rows=2)
        for axes, name, xlim in zip(panels, formats, spans, strict=True):
            case = cases[name]
            parts.frame(
                axes, xlim, ylim, style.unit_roundoff(name) if case.relative_to != "nothing" else None
            )
            axes.set_title(name, loc="left")
            marks.undecided_band(axes, case.radius / case.unit)
            for level, (stencil, look) in enumerate(looks.items()):
                one = series[name, stencil]
                parts.draw_predictions(axes, one, stencil, order, case.derivatives, name, case.x)
                parts.draw_truncation(axes, one, look)
                best = parts.best_of(mine, format=name, stencil=stencil)
                parts.draw_series(axes, one, look, best, level)
            marks.autodiff_line(axes, case.autodiff / case.unit)
            if not any(len(series[name, s].h) for s in stencils):
                marks.note(axes, why_empty(sweep, name))
        widest = max(range(len(spans)), key=lambda i: spans[i][1] / spans[i][0])
        shown = {s: series[formats[widest], s] for s in stencils}
        draw_slopes(panels[widest], _branches(sweep, shown), shown.values())
        parts.label_errors(panels[0], order, cases[formats[widest]].relative_to)
        floor = any(case.autodiff > 0 for case in cases.values())
        meanings = parts.mark_handles(list(series.values()), predicted=True, autodiff=floor)
        style.legend(figure, [style.handle(look, s) for s, look in looks.items()], meanings)
        return figure


def precisions_figure(
    sweep: pd.DataFrame, summary: pd.DataFrame, title: str, stencils: Sequence[str]
) -> Figure:
    """Every format in one panel, a panel per stencil, all with the same axes, for one problem and point."""
    with style.drawing():
        order = int(sweep["derivative"].iloc[0])
        formats = ordered(sweep["format"], ORDER_OF_FORMATS)
        series = {(f, s): Series.of(select(sweep, format=f, stencil=s)) for f in formats for s in stencils}
        ylim = parts.error_limits(series.values(), [style.unit_roundoff(f) for f in formats])
        xlim = parts.step_limits(series.values())
        figure, panels = style.canvas(title, len(stencils), height=4.8, wspace=0.06)
        for axes, stencil in zip(panels, stencils, strict=True):
            parts.frame(axes, xlim, ylim, None)
            axes.set_title(stencil, loc="left")
            for level, name in enumerate(formats):
                look = style.look_of_format(name)
                marks.roundoff_line(axes, name, look)
                best = parts.best_of(summary, format=name, stencil=stencil)
                parts.draw_series(axes, series[name, stencil], look, best, level)
            branch = _branches(sweep, {stencil: series[formats[-1], stencil]})
            draw_slopes(axes, branch, [series[f, stencil] for f in formats], below=True)
            axes.tick_params(labelleft=axes is panels[0])
        parts.label_errors(panels[0], order, "derivative")
        handles = [style.handle(style.look_of_format(name), name) for name in formats]
        style.legend(figure, [*handles, *parts.mark_handles(list(series.values()), truncation=False)])
        return figure


def stencils_figure(
    sweep: pd.DataFrame, summary: pd.DataFrame, title: str, stencils: Sequence[str]
) -> Figure:
    """Stencils of rising order in one format: the best step grows and the best error falls."""
    with style.drawing():
        order, name = int(sweep["derivative"].iloc[0]), str(sweep["format"].iloc[0])
        series, looks = {s: Series.of(select(sweep, stencil=s)) for s in stencils}, looks_of(stencils)
        figure, (axes,) = style.canvas(title, height=5.4, top=0.86)
        ylim = parts.error_limits(series.values(), [style.unit_roundoff(name)])
        parts.frame(axes, parts.step_limits(series.values()), ylim, style.unit_roundoff(name))
        for level, (stencil, look) in enumerate(looks.items()):
            parts.draw_truncation(axes, series[stencil], look)
            best = parts.best_of(summary, format=name, stencil=stencil)
            parts.draw_series(axes, series[stencil], look, best, level)
        draw_slopes(axes, _branches(sweep, series), series.values())
        parts.label_errors(axes, order, "derivative")
        meanings = parts.mark_handles(list(series.values()))
        style.legend(figure, [style.handle(look, s) for s, look in looks.items()], meanings)
        return figure


def decomposition_figure(sweep: pd.DataFrame, references: pd.DataFrame, title: str) -> Figure:
    """The five parts of one error, each beside the whole, for one series."""
    with style.drawing():
        first = sweep.iloc[0]
        order, name, stencil, x = (
            int(first["derivative"]),
            str(first["format"]),
            str(first["stencil"]),
            float(first["x"]),
        )
        whole, u = Series.of(sweep), style.unit_roundoff(name)
        here = select(references, problem=str(first["problem"]), point=str(first["point"]), x=x)
        derivatives = derivatives_at(here)
        curves = predicted_parts(stencil, order, derivatives, name, x, whole.h) or ()
        predicted = dict(zip(("truncation", "rounding"), curves, strict=False))
        ylim = (10.0 ** math.floor(math.log10(u) - 3), parts.error_limits([whole], [u])[1])
        figure, panels = style.canvas(title, 3, 2, height=5.9, wspace=0.09, hspace=0.2)
        panel_of = dict(zip(("measured error", *PARTS), panels, strict=True))
        for row, (label, axes) in enumerate(panel_of.items()):
            look = style.PARTS.get(label, Look(INK, style.SOLID, "o"))
            parts.frame(axes, parts.step_limits([whole]), ylim, u)
            axes.set_title(label, loc="left", color=look.color, fontweight="bold")
            for curve in (predicted[kind] for kind in THEORY_OF.get(label, ()) if kind in predicted):
                axes.plot(whole.h, curve / whole.unit, color=GREY, linewidth=0.9, zorder=2)
            if label in whole.parts:
                axes.plot(*whole.line, color=COMPARISON, linewidth=1.6, zorder=1.5)
            parts.draw_part(axes, whole.h, whole.parts.get(label, whole.error), look)
            axes.tick_params(labelleft=row % 3 == 0, labelbottom=row >= 3)
            axes.set(
                xlabel="step h" if row >= 3 else "",
                ylabel=f"error relative to {derivative_symbol(order)}" if row % 3 == 0 else "",
            )
        handles = [
            Line2D(
                [],
                [],
                color=INK,
                marker="o",
                markersize=4,
                linewidth=1.8,
                label="each step, and their running median",
            ),
            Line2D([], [], color=COMPARISON, linewidth=1.6, label="measured error, to compare"),
            Line2D([], [], color=GREY, linewidth=0.9, label="predicted"),
        ]
        zero = any((values == 0).any() for values in whole.parts.values())
        style.legend(figure, [*handles, *([parts.zero_handle("exactly 0")] if zero else [])])
        return figure


# -- what a frame says ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """What one format of a sweep knows of its point."""

    x: float
    derivatives: Array
    unit: float
    relative_to: str
    autodiff: float  # |error| of autodiff in the format, NaN where it is not known
    radius: float  # how well the derivative is known

    @classmethod
    def of(cls, rows: pd.DataFrame, references: pd.DataFrame, order: int) -> _Case:
        x = float(rows["x"].iloc[0])
        here = references[references["x"] == x]
        scale = float(here["scale"].iloc[0]) if len(here) and "scale" in here else max(1.0, abs(x))
        derivatives = derivatives_at(here)
        column = f"autodiff_error_{rows['format'].iloc[0]}"
        known = here[here["derivative"] == order] if column in here else here[:0]
        autodiff = abs(float(known[column].iloc[0])) if len(known) else math.nan
        radii = here.loc[here["derivative"] == order, "radius"] if "radius" in here else here["x"][:0]
        radius = float(radii.to_numpy(float)[0]) if len(radii) else math.nan
        return cls(x, derivatives, *error_unit_of(rows, derivatives, order, scale), autodiff, radius)


def _branches(sweep: pd.DataFrame, series: Mapping[str, Series]) -> dict[int, Series]:
    """The first series of each order, by stencil name."""
    found: dict[int, Series] = {}
    for stencil, one in series.items():
        rows = select(sweep, stencil=stencil)
        if len(rows):
            found.setdefault(int(rows["accuracy"].iloc[0]), one)
    return found


def _first_case(sweep: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first problem, point, derivative and variant (a frame of one sweep has one of each)."""
    for name in ("problem", "point", "derivative", "variant"):
        if len(sweep) and name in sweep:
            sweep = sweep[sweep[name] == sweep[name].iloc[0]]
    return sweep
