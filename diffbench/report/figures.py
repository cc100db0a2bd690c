"""Which figures a run gets, with their data, titles and words.

* ``error_figure(sweep, references, summary)``: what ``Sweep.plot()`` shows.
* ``main_figures(run)``: the figures of the report; ``problem_figures(run)``: one for each problem.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from diffbench.report.cases import (
    SERIES,
    SHOWCASE,
    case_rows,
    case_summary,
    first_point,
    plain,
    references_at,
    showcase,
    what_is_drawn,
    widest,
)
from diffbench.report.data import ORDER_OF_FORMATS, Missing, RunData, ordered, select, stencil_order
from diffbench.report.error_figures import error_figure
from diffbench.report.figcache import Figure
from diffbench.report.text import derivative_name, derivative_symbol, listing, point_text

__all__ = ["error_figure", "main_figures", "problem_figures"]

RISING = ("forward-1", "central-2", "central-4", "central-6", "central-8")
HALVES = ("float16", "bfloat16")


def main_figures(run: RunData) -> tuple[list[Figure], list[str]]:
    """The figures over the whole run, and sentences on those it cannot have."""
    figures, missing = [], []
    for make in (_secants, _precisions, _stencils, _decomposition, _map, _orders, _best_steps, _variants):
        try:
            figures.append(make(run))
        except Missing as reason:
            missing.append(str(reason))
    return figures, missing


def problem_figures(run: RunData) -> Iterator[Figure]:
    """One figure for each problem: the first point that has results, all formats, up to three stencils."""
    order, stencils = run.main_derivative, run.main_stencils
    frame = run.main_rows
    references = {str(name): rows for name, rows in run.references.groupby("problem", sort=False)}
    summary = {
        str(name): rows for name, rows in select(run.summary, derivative=order).groupby("problem", sort=False)
    }
    columns = [name for name in SERIES if name in frame]
    for problem, rows in frame[columns].groupby("problem", sort=False, observed=True):
        name = str(problem)
        point, points = first_point(rows), [str(p) for p in pd.unique(rows["point"])]
        rows = plain(rows[rows["point"] == point])
        others = [point_text(p) for p in points if p != point]
        also = f" Also measured at x = {listing(others)}." if others else ""
        formats = ordered(rows["format"], ORDER_OF_FORMATS)
        what = what_is_drawn(rows)
        caption = f"{name} at x = {point_text(point)}: {what} of the {derivative_name(order)} against the step.{also}"
        yield Figure(
            f"problem-{name}",
            "error_figures.error_figure",
            {
                "sweep": rows,
                "references": references_at(references.get(name), point),
                "summary": select(summary[name], point=point) if name in summary else run.summary.iloc[:0],
            },
            name,
            caption,
            f"Log-log plot of the {what} of {listing(stencils)} for {name} at x = {point_text(point)}, with a panel "
            f"for {listing(formats)}.",
        )


# -- the figures of the report --------------------------------------------------------------------


def _secants(run: RunData) -> Figure:
    return Figure(
        "secants",
        "lesson_figures.secants_figure",
        {},
        "Secants and the tangent",
        "The forward difference uses the secant from x to x + h, the central difference the one from x − h to x + h: "
        "at the same h its slope is much closer to the tangent's.",
        "Two panels with the curve sin x and its tangent at 1: on the left secants of the forward difference for h = 1 "
        "and 0.5, on the right those of the central difference, which are nearly parallel to the tangent.",
    )


def _precisions(run: RunData) -> Figure:
    problem, point = showcase(run)
    order = run.main_derivative
    rows = case_rows(run, problem, point, derivative=order)
    stencils = [s for s in ("forward-1", "central-2") if (rows["stencil"] == s).any()] or stencil_order(
        rows["stencil"]
    )[:2]
    rows = rows[rows["stencil"].isin(stencils)]
    formats = ordered(rows["format"], ORDER_OF_FORMATS)
    where = f"{derivative_symbol(order)} of {problem} at x = {point_text(point)}"
    return Figure(
        "overview-precisions",
        "error_figures.precisions_figure",
        {
            "sweep": rows,
            "summary": case_summary(run, problem, point),
            "title": f"Every format has its own best step: {where}",
            "stencils": stencils,
        },
        "Precisions",
        f"Error of {where} against the step in {listing(formats)}. On the right the formula is wrong: truncation, the "
        "same in every format. On the left the arithmetic is wrong: rounding, which takes over the sooner the fewer "
        "digits the format has. Stars: robust best steps.",
        f"Log-log plot of relative error against step, a panel for {listing(stencils)}: V-shaped curves for "
        f"{listing(formats)} share the straight truncation branch and part where rounding takes over.",
    )


def _stencils(run: RunData) -> Figure:
    problem, point = showcase(run)
    order = run.main_derivative
    rows = case_rows(run, problem, point, derivative=order)
    name = widest(rows)
    rows = rows[rows["format"] == name]
    stencils = [s for s in RISING if (rows["stencil"] == s).any()] or stencil_order(rows["stencil"])
    rows = rows[rows["stencil"].isin(stencils)]
    where = f"{derivative_symbol(order)} of {problem} at x = {point_text(point)} in {name}"
    return Figure(
        "overview-stencils",
        "error_figures.stencils_figure",
        {
            "sweep": rows,
            "summary": case_summary(run, problem, point),
            "title": f"Higher order, larger best step: {where}",
            "stencils": stencils,
        },
        "Stencils",
        f"Error of {where} for {listing(stencils)}. The higher the order, the steeper the truncation branch, the larger "
        "the best step and the smaller the error there. Thin lines: the exact truncation, which goes on falling.",
        f"Log-log plot of relative error against step for {listing(stencils)}: one common rounding branch on the left, "
        "and truncation branches of rising slope on the right, with slope triangles for orders 1, 2 and 4.",
    )


def _decomposition(run: RunData) -> Figure:
    problem, point = showcase(run)
    order = run.main_derivative
    rows = case_rows(run, problem, point, derivative=order)
    split = rows[rows["truncation"].notna()]
    if split.empty:
        raise Missing("No figure of the five parts: the run has no split errors for its best-known problem.")
    name = next(
        (f for f in ("float32", "float16", "float64") if (split["format"] == f).any()),
        str(split["format"].iloc[0]),
    )
    split = split[split["format"] == name]
    stencil = next(
        (s for s in ("central-4", "central-2") if (split["stencil"] == s).any()),
        str(split["stencil"].iloc[0]),
    )
    where = f"{derivative_symbol(order)} of {problem} at x = {point_text(point)} in {name}, {stencil}"
    return Figure(
        "decomposition",
        "error_figures.decomposition_figure",
        {
            "sweep": split[split["stencil"] == stencil],
            "references": references_at(select(run.references, problem=problem), point),
            "title": f"Five parts that add up to the error: {where}",
        },
        "The five parts of an error",
        f"The error of {where}, split exactly: truncation of the formula, nodes that are not numbers of the format "
        "(abscissa), rounding inside f (evaluation), rounded weights and divisor (weights), and the last operations "
        "(combination). Grey: the whole error, and what theory predicts.",
        "Six log-log panels with the same axes: the measured error and its five parts. Truncation falls with the step, "
        "abscissa and evaluation rise as the step shrinks, weights and combination stay near the unit roundoff.",
    )


def _map(run: RunData) -> Figure:
    if run.maps is None or run.maps.empty:
        raise Missing("No map of the error over the (x, h) plane: the run has no maps.parquet.")
    maps = run.maps
    name = next((f for f in HALVES if (maps["format"] == f).any()), str(maps["format"].iloc[0]))
    maps = maps[maps["format"] == name]
    problem = next((p for p in SHOWCASE if (maps["problem"] == p).any()), str(maps["problem"].iloc[0]))
    maps = maps[maps["problem"] == problem]
    stencils = stencil_order(maps["stencil"])
    return Figure(
        "half-map",
        "map_figures.map_figure",
        {
            "maps": maps[["format", "stencil", "x", "h", "error", "status"]],
            "title": f"Relative error over points and steps: {problem} in {name}",
        },
        "The plane of points and steps",
        f"Relative error of the first derivative of {problem} in {name} over x and h, for {listing(stencils)}. The steps "
        "down to which the nodes still differ double with every power of two in x; below them the estimate means nothing.",
        f"Colour maps of the relative error over x and log h for {listing(stencils)}: small errors in a band of steps near "
        "0.1, large ones below, and a grey staircase where nodes coincide.",
    )


def _orders(run: RunData) -> Figure:
    rows = select(run.summary, variant="integer")
    rows = rows[np.isfinite(rows["observed_order"]) & rows["expected_order"].notna()]
    if rows.empty:
        raise Missing("No figure of observed orders: no series of the run has one.")
    columns = ["derivative", "stencil", "format", "observed_order", "expected_order"]
    return Figure(
        "orders",
        "run_figures.orders_figure",
        {"summary": rows[columns]},
        "Observed orders",
        "How far the observed order of the truncation is from the expected one (which counts symmetry), one mark per "
        f"problem, point and format: {len(rows)} series. The line is at 0.01; distances below 10⁻⁷ stand on the axis.",
        "Strip plot with a column per stencil and derivative: distances between observed and expected order on a "
        "logarithmic axis, with a line at 0.01.",
    )


def _best_steps(run: RunData) -> Figure:
    stencils = run.main_stencils
    rows = select(run.summary, variant="integer", derivative=run.main_derivative)
    rows = rows[rows["stencil"].isin(stencils) & (rows["h_best"] > 0) & (rows["h_predicted"] > 0)]
    if rows.empty:
        raise Missing("No figure of best steps: no series has both a measured and a predicted one.")
    columns = ["format", "stencil", "h_best", "h_predicted", "error_best", "error_predicted"]
    return Figure(
        "best-steps",
        "run_figures.best_steps_figure",
        {"summary": rows[columns], "stencils": stencils},
        "Best steps, measured and predicted",
        f"Left: the measured robust best step against the predicted one, {len(rows)} series of {listing(stencils)}. "
        "Right: the measured over the predicted error there.",
        "Left a scatter plot along the diagonal, right the median and spread of measured over predicted errors by "
        "stencil and format.",
    )


def _variants(run: RunData) -> Figure:
    others = run.summary[run.summary["variant"].isin(["float", "mixed"]) & run.summary["digits"].notna()]
    name = next((f for f in HALVES if (others["format"] == f).any()), None)
    if name is None:
        raise Missing(
            "No figure of variants: the run has no half-precision rows with variant float or mixed."
        )
    order = int(others.loc[others["format"] == name, "derivative"].min())
    summary = select(run.summary, format=name, derivative=order)
    summary = summary[summary["problem"].isin(others.loc[others["format"] == name, "problem"])]
    problem = next((p for p in SHOWCASE if (summary["problem"] == p).any()), str(summary["problem"].iloc[0]))
    point = str(select(summary, problem=problem)["point"].iloc[0])
    known = stencil_order(select(summary, problem=problem, variant="integer")["stencil"])
    stencil = next((s for s in ("central-6", "central-4") if s in known), known[-1])
    rows = run.sweep([*SERIES], problem=problem, point=point, format=name, stencil=stencil, derivative=order)
    columns = [
        "problem",
        "point",
        "format",
        "stencil",
        "derivative",
        "variant",
        "h_best",
        "error_best",
        "digits",
    ]
    return Figure(
        "variants",
        "run_figures.variants_figure",
        {
            "sweep": plain(rows),
            "summary": summary[columns],
            "title": f"What {name} gains from the arithmetic of the stencil",
        },
        "Variants of the stencil arithmetic",
        f"Left: {problem} at x = {point_text(point)} with {stencil} in {name}: integer numerators, weights rounded to the "
        f"format (float), and f in {name} with the rest in float32 (mixed). Right: digits at the robust best step over "
        f"{summary['problem'].nunique()} problems.",
        "Left a log-log plot of the error against the step for three variants, right the digits at the best step by "
        "stencil and variant.",
    )
