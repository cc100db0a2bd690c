"""Which figures several variables get, and their tables; their words are in ``templates/several.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from diffbench.report.data import ORDER_OF_FORMATS, Missing, RunData, ordered
from diffbench.report.figcache import Figure
from diffbench.report.several_data import board, studies, table
from diffbench.report.tables import Table
from diffbench.report.text import NONE, count, listing, number

FIGURES = (
    "gradients-cost",
    "gradients-accuracy",
    "gradients-descent",
    "gradients-field",
    "gradients-angle",
    "gradients-jacobian",
    "gradients-parts",
)


def figures(run: RunData) -> tuple[list[Figure], list[str]]:
    """The figures of several variables, and sentences on those a run cannot have."""
    made: list[Figure] = []
    missing: list[str] = []
    for make in (_cost, _accuracy, _descent, _field, _angle, _jacobian, _parts):
        try:
            made.append(make(run))
        except Missing as reason:
            missing.append(str(reason))
    return made, list(dict.fromkeys(missing))


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "templates" / "several.toml").read_text(encoding="utf-8"))


def _figure(name: str, function: str, arguments: dict[str, Any], **words: str) -> Figure:
    told = {key: text.format(**words) for key, text in _words()["figures"][name].items()}
    return Figure(name, function, arguments, **told)


def _cost(run: RunData) -> Figure:
    rows = studies(run)[["method", "rival", "n", "cost"]]
    return _figure("gradients-cost", "several_figures.cost_figure", {"rows": rows})


def _accuracy(run: RunData) -> Figure:
    rows = board(run)
    rows = rows[(rows["scaling"] == "as given") & (rows["quantity"] == "gradient")]
    rows = rows.rename(columns={"error_median": "error", "evaluations_per_n": "evaluations"})
    shown = rows[["format", "method", "error", "evaluations"]].reset_index(drop=True)
    words = {
        "cases": count(int(rows["cases"].max()), "gradient"),
        "formats": listing(ordered(shown["format"], ORDER_OF_FORMATS)),
    }
    return _figure("gradients-accuracy", "several_figures.accuracy_figure", {"rows": shown}, **words)


def _descent(run: RunData) -> Figure:
    rows = table(run, "descents.parquet")
    rows = rows[(rows["optimiser"] == "BFGS") & rows["slope"].notna()]
    shown = rows[["problem", "format", "method", "step", "evaluations", "slope"]].reset_index(drop=True)
    cases = list(dict.fromkeys(shown["problem"] + " in " + shown["format"]))
    return _figure(
        "gradients-descent", "several_figures.descent_figure", {"rows": shown}, panels=listing(cases)
    )


def _plane(run: RunData) -> tuple[Any, str]:
    rows = table(run, "fields.parquet")
    return rows[["method", "x", "y", "gx", "gy", "ex", "ey"]], str(rows["format"].iloc[0])


def _field(run: RunData) -> Figure:
    rows, fmt = _plane(run)
    arguments = {"rows": rows, "title": f"Gradient field of Rosenbrock's function, and its error in {fmt}"}
    return _figure("gradients-field", "several_maps.field_figure", arguments, format=fmt)


def _angle(run: RunData) -> Figure:
    rows, fmt = _plane(run)
    arguments = {"rows": rows, "title": f"Angle between true and estimated gradient in {fmt}"}
    return _figure("gradients-angle", "several_maps.angle_figure", arguments, format=fmt)


def _jacobian(run: RunData) -> Figure:
    rows = table(run, "jacobians.parquet")
    problem, fmt = str(rows["problem"].iloc[0]), str(rows["format"].iloc[0])
    arguments = {
        "rows": rows[["method", "row", "column", "exact", "error"]],
        "title": f"Relative errors of the Jacobian of {problem} in {fmt}",
    }
    words = {"problem": problem, "format": fmt, "n": str(int(rows["column"].max()) + 1)}
    return _figure("gradients-jacobian", "several_maps.jacobian_figure", arguments, **words)


def _parts(run: RunData) -> Figure:
    rows = table(run, "directions.parquet")
    fmt = ordered(rows["format"], ORDER_OF_FORMATS)[-1]
    rows = rows[(rows["format"] == fmt) & (rows["stencil"] == "central-2")]
    names = ["direction", "h", "error", "truncation", "abscissa", "evaluation", "weights", "combination"]
    problem = str(rows["problem"].iloc[0])
    title = f"The five parts along directions: central-2 of {problem} in {fmt}"
    words = {"problem": problem, "format": fmt, "panels": listing(list(dict.fromkeys(rows["direction"])))}
    arguments = {"rows": rows[names].reset_index(drop=True), "title": title}
    return _figure("gradients-parts", "several_maps.parts_figure", arguments, **words)


# tables ---------------------------------------------------------------------------------------------------


def _table(key: str, columns: list[str], rows: Sequence[tuple[str, ...]], numeric: int) -> Table:
    told = {name: text.format(none=NONE) for name, text in _words()["tables"][key].items()}
    return Table(told["title"], tuple(columns), rows, numeric, told["note"])


def gradient_methods(run: RunData) -> Table:
    """Errors, angles and costs of every method."""
    rows = board(run)
    wide = ordered(rows["format"], ORDER_OF_FORMATS)[-1]
    rows = rows[(rows["quantity"] == "gradient") & (rows["format"] == wide)]
    columns = ["scaling", "method", "ok / cases", "median error", "90 %", "median angle", "worst angle"]
    columns += ["within", "evaluations / n"]
    cells = [
        (
            str(r["scaling"]),
            str(r["method"]),
            f"{int(r['ok'])} / {int(r['cases'])}",
            *(number(r[k]) for k in ("error_median", "error_p90", "angle_median", "angle_worst", "within")),
            number(r["evaluations_per_n"]),
        )
        for _, r in rows.iterrows()
    ]
    return _table("gradient_methods", columns, cells, 7)


def gradient_growth(run: RunData) -> Table:
    """Fitted exponents of the cost, beside the counted evaluations."""
    cells = []
    for name, mine in studies(run).groupby("method", sort=False):
        last = mine.iloc[-1]
        interval = f"{last['low']:.2f} to {last['high']:.2f}" if last["low"] == last["low"] else NONE
        counted = COUNTED.get(str(name), NONE)
        exponent = f"{last['exponent']:.2f}" if last["exponent"] == last["exponent"] else NONE
        size = f"{int(last['n'])}"
        cells.append(
            (str(name), counted, exponent, interval, size, number(last["cost"]), number(last["error"]))
        )
    columns = ["method", "evaluations", "exponent of time", "95 % interval", "largest n", "cost there / f"]
    return _table("gradient_growth", [*columns, "error there"], cells, 5)


COUNTED = {"forward-1": "n + 1", "central-2": "2 n", "complex-step": "n", "jet": "n", "reverse": "1"}


def gradient_stalls(run: RunData) -> Table:
    """Where each descent stops."""
    rows = table(run, "descent-stalls.csv")
    columns = [
        "problem",
        "format",
        "optimiser",
        "gradient",
        "step",
        "iterations",
        "values",
        "slope",
        "f − f*",
    ]
    cells = [
        (
            *(str(r[k]) for k in ("problem", "format", "optimiser", "method", "step")),
            str(int(r["iterations"])),
            str(int(r["evaluations"])),
            number(r["slope"]),
            number(r["gap"]),
        )
        for _, r in rows.iterrows()
    ]
    return _table("gradient_stalls", columns, cells, 4)


TABLES: tuple[Callable[[RunData], Table], ...] = (gradient_methods, gradient_growth, gradient_stalls)
