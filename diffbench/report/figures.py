"""Which figures a run gets, and the data each one shows; their words are in ``templates/captions.toml``.

* ``error_figure(sweep, references, summary)``: what ``Sweep.plot()`` shows.
* ``main_figures(run)``: the figures of the report; ``problem_figures(run)``: one for each problem.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diffbench.report import random_report, several_report, tournament_report
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
from diffbench.report.claims_rows import autodiff_cases
from diffbench.report.data import ORDER_OF_FORMATS, Missing, RunData, ordered, select, stencil_order
from diffbench.report.error_figures import error_figure
from diffbench.report.figcache import Figure
from diffbench.report.text import count, derivative_name, derivative_symbol, listing, point_text

__all__ = ["error_figure", "main_figures", "problem_figures"]

RISING = ("forward-1", "central-2", "central-4", "central-6", "central-8")
HALVES = ("float16", "bfloat16")


def main_figures(run: RunData) -> tuple[list[Figure], list[str]]:
    """The figures over the whole run, and sentences on those it cannot have."""
    figures, missing = [_secants()], []
    for make in (_precisions, _stencils, _decomposition, _map, _orders, _best_steps, _variants, _autodiff):
        try:
            figures.append(make(run))
        except Missing as reason:
            missing.append(str(reason))
    of_the_tournament, without = tournament_report.figures(run)
    of_the_random, none = random_report.figures(run)
    of_several, lacking = several_report.figures(run)
    return [*figures, *of_the_tournament, *of_the_random, *of_several], [*missing, *without, *none, *lacking]


def problem_figures(run: RunData) -> Iterator[Figure]:
    """One figure for each problem: the first point that has results, all formats, up to three stencils."""
    order = run.main_derivative
    references = {str(name): rows for name, rows in run.references.groupby("problem", sort=False)}
    scores = select(run.summary, derivative=order)
    summary = {str(name): rows for name, rows in scores.groupby("problem", sort=False)}
    frame = run.main_rows[[name for name in SERIES if name in run.main_rows]]
    for problem, every in frame.groupby("problem", sort=False, observed=True):
        name, point = str(problem), first_point(every)
        rows = plain(every[every["point"] == point])
        others = [point_text(p) for p in pd.unique(every["point"]) if p != point]
        arguments = {
            "sweep": rows,
            "references": references_at(references.get(name), point),
            "summary": select(summary.get(name, scores), problem=name, point=point),
        }
        words = {
            "problem": name,
            "point": point_text(point),
            "what": what_is_drawn(rows),
            "derivative": derivative_name(order),
            "stencils": listing(run.main_stencils),
            "formats": listing(ordered(rows["format"], ORDER_OF_FORMATS)),
            "also": f" Also measured at x = {listing(others)}." if others else "",
        }
        file = "problem-" + re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        yield _figure(file, "error_figures.error_figure", arguments, words, text="problem")


@cache
def _captions() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "templates" / "captions.toml").read_text(encoding="utf-8"))


def _figure(
    name: str, function: str, arguments: dict[str, Any], words: dict[str, str], text: str | None = None
) -> Figure:
    """A figure with its words filled in."""
    told = {key: template.format(**words) for key, template in _captions()[text or name].items()}
    return Figure(name, function, arguments, **told)


# -- the figures of the report --------------------------------------------------------------------


def _secants() -> Figure:
    return _figure("secants", "lesson_figures.secants_figure", {}, {})


def _autodiff(run: RunData) -> Figure:
    try:
        cases = autodiff_cases(run)
    except Missing as reason:
        raise Missing(f"No figure of reverse mode against stencils: {reason}") from reason
    cases = cases[np.isfinite(cases["value"]) & (cases["value"] != 0)]
    if cases.empty:
        raise Missing("No figure of reverse mode against stencils: no point has a derivative that is not 0.")
    size = cases["value"].abs()
    cases = cases.assign(autodiff=cases["autodiff_error"] / size, stencil=cases["error_best"] / size)
    arguments = {"cases": cases[["format", "autodiff", "stencil"]].reset_index(drop=True)}
    words = {"points": count(len(cases), "mark")}
    return _figure("claims-autodiff", "claim_figures.autodiff_figure", arguments, words)


def _precisions(run: RunData) -> Figure:
    problem, point = showcase(run)
    rows = case_rows(run, problem, point)
    names = stencil_order(rows["stencil"])
    stencils = [s for s in ("forward-1", "central-2") if s in names] or names[:2]
    where = f"{derivative_symbol(run.main_derivative)} of {problem} at x = {point_text(point)}"
    formats = ordered(rows["format"], ORDER_OF_FORMATS)
    arguments = {
        "sweep": rows[rows["stencil"].isin(stencils)],
        "summary": case_summary(run, problem, point),
        "title": f"Every format has its own best step: {where}",
        "stencils": stencils,
    }
    words = {"where": where, "formats": listing(formats), "stencils": listing(stencils)}
    return _figure("overview-precisions", "error_figures.precisions_figure", arguments, words)


def _stencils(run: RunData) -> Figure:
    problem, point = showcase(run)
    rows = case_rows(run, problem, point)
    name = widest(rows)
    rows = rows[rows["format"] == name]
    names = stencil_order(rows["stencil"])
    stencils = [s for s in RISING if s in names] or names
    where = f"{derivative_symbol(run.main_derivative)} of {problem} at x = {point_text(point)} in {name}"
    arguments = {
        "sweep": rows[rows["stencil"].isin(stencils)],
        "summary": case_summary(run, problem, point),
        "title": f"Higher order, larger best step: {where}",
        "stencils": stencils,
    }
    words = {"where": where, "stencils": listing(stencils)}
    return _figure("overview-stencils", "error_figures.stencils_figure", arguments, words)


def _decomposition(run: RunData) -> Figure:
    problem, point = showcase(run)
    rows = case_rows(run, problem, point)
    rows = rows[rows["truncation"].notna()]
    if rows.empty:
        raise Missing("No figure of the five parts: the best-known problem of the run has no split errors.")
    name = _first(("float32", "float16", "float64"), ordered(rows["format"], ORDER_OF_FORMATS))
    rows = select(rows, format=name)
    stencil = _first(("central-4", "central-2"), stencil_order(rows["stencil"]))
    symbol = derivative_symbol(run.main_derivative)
    where = f"{symbol} of {problem} at x = {point_text(point)} in {name}, {stencil}"
    arguments = {
        "sweep": select(rows, stencil=stencil),
        "references": references_at(select(run.references, problem=problem), point),
        "title": f"Five parts that add up to the error: {where}",
    }
    return _figure("decomposition", "error_figures.decomposition_figure", arguments, {"where": where})


def _map(run: RunData) -> Figure:
    if run.maps is None or run.maps.empty:
        raise Missing("No map of the error over the (x, h) plane: the run has no maps.parquet.")
    name = _first(HALVES, ordered(run.maps["format"], ORDER_OF_FORMATS))
    maps = select(run.maps, format=name)
    problem = _first(SHOWCASE, list(maps["problem"].unique()))
    maps = select(maps, problem=problem)
    order = int(maps["derivative"].min()) if "derivative" in maps else 1
    maps = select(maps, derivative=order) if "derivative" in maps else maps
    columns = ["format", "stencil", "x", "h", "error", "status"]
    arguments = {"maps": maps[columns], "title": f"Relative error over points and steps: {problem} in {name}"}
    words = {"problem": problem, "format": name, "stencils": listing(stencil_order(maps["stencil"]))}
    words["derivative"] = derivative_name(order)
    return _figure("half-map", "map_figures.map_figure", arguments, words)


def _orders(run: RunData) -> Figure:
    rows = select(run.summary, variant="integer")
    rows = rows[np.isfinite(rows["observed_order"]) & rows["expected_order"].notna()]
    if rows.empty:
        raise Missing("No figure of observed orders: no series of the run has one.")
    columns = ["derivative", "stencil", "format", "observed_order", "expected_order"]
    words = {"series": str(len(rows))}
    return _figure("orders", "run_figures.orders_figure", {"summary": rows[columns]}, words)


def _best_steps(run: RunData) -> Figure:
    stencils = run.main_stencils
    rows = select(run.summary, variant="integer", derivative=run.main_derivative)
    rows = rows[rows["stencil"].isin(stencils) & (rows["h_best"] > 0) & (rows["h_predicted"] > 0)]
    if rows.empty:
        raise Missing("No figure of best steps: no series has both a measured and a predicted one.")
    columns = ["format", "stencil", "h_best", "h_predicted", "error_best", "error_predicted"]
    arguments = {"summary": rows[columns], "stencils": stencils}
    words = {"series": str(len(rows)), "stencils": listing(stencils)}
    return _figure("best-steps", "run_figures.best_steps_figure", arguments, words)


def _variants(run: RunData) -> Figure:
    others = run.summary[run.summary["variant"].isin(["float", "mixed"]) & run.summary["digits"].notna()]
    names = [name for name in HALVES if (others["format"] == name).any()]
    if not names:
        raise Missing(
            "No figure of variants: the run has no half-precision rows with variant float or mixed."
        )
    name, others = names[0], select(others, format=names[0])
    order = int(others["derivative"].min())
    summary = select(run.summary, format=name, derivative=order)
    summary = summary[summary["problem"].isin(others["problem"])]
    problem = _first(SHOWCASE, list(summary["problem"].unique()))
    point = str(select(summary, problem=problem)["point"].iloc[0])
    stencil = _first(("central-6", "central-4"), stencil_order(select(summary, problem=problem)["stencil"]))
    rows = run.sweep(SERIES, problem=problem, point=point, format=name, stencil=stencil, derivative=order)
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
    arguments = {
        "sweep": plain(rows),
        "summary": summary[columns],
        "title": f"What {name} gains from the arithmetic of the stencil",
    }
    words = {"problem": problem, "point": point_text(point), "stencil": stencil, "format": name}
    words["problems"] = count(summary["problem"].nunique(), "problem")
    return _figure("variants", "run_figures.variants_figure", arguments, words)


def _first(wanted: tuple[str, ...], present: list[str]) -> str:
    """The first wanted name that is present, or else the last that is."""
    return next((name for name in wanted if name in present), str(present[-1]))
