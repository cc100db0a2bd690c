"""What a run shows about best steps, in sentences computed from its rows; each names the rows it rests on.

A finding is one short function. It raises :class:`Missing` when the run has not the rows, and the report then
says what is missing instead of saying something about nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from diffbench.report.data import Missing, RunData, select, stencil_order
from diffbench.report.text import count, derivative_name, fixed, listing, number, percent

NEAR = 3.0  # a best step within this factor of the predicted one counts as predicted
COMMON = {"float16": 1e-4, "float32": 1.5e-8, "float64": 1e-8}  # steps that are often seen, and too small


@dataclass(frozen=True)
class Finding:
    """A sentence, and the rows it rests on."""

    text: str
    basis: str


def best_digits(run: RunData) -> Finding:
    """Digits of the forward and the central difference in every format."""
    rows = best_series(run)
    names = stencil_order(rows["stencil"])
    stencils: list[str] = [s for s in ("forward-1", "central-2") if s in names] or names[:2]
    rows = rows[rows["stencil"].isin(stencils)]
    medians = rows.groupby(["stencil", "format"])["digits"].median()
    clauses = []
    for stencil in stencils:
        present = [name for name in run.formats if (stencil, name) in medians.index]
        values = [f"{fixed(medians[stencil, name])} in {name}" for name in present]
        clauses.append(f"{stencil} gives {listing(values)}")
    derivative = derivative_name(run.main_derivative)
    text = f"At its robust best step, for the {derivative}, {'; '.join(clauses)} correct digits (medians)."
    return Finding(text, _basis(run, rows, stencils))


def half_precision(run: RunData) -> Finding:
    """Where the central difference is best in half precision, and what a common step gives."""
    return _naive(run, "float16")


def single_precision(run: RunData) -> Finding:
    """The same in float32."""
    return _naive(run, "float32")


def double_precision(run: RunData) -> Finding:
    """The same in float64."""
    return _naive(run, "float64")


def _naive(run: RunData, name: str) -> Finding:
    order = run.main_derivative
    rows = run.scaled_best(variant="integer", derivative=order, format=name, stencil="central-2")
    rows = rows[rows["digits"].notna()]
    if rows.empty:
        what = f"the central difference in {name}"
        raise Missing(f"Nothing is said about {what}: no series has a robust best step.")
    h_best, digits = number(rows["step"].median(), 2), fixed(rows["digits"].median())
    best = (
        f"In {name} the best step of the central difference is h = {h_best} times the scale of the problem "
        f"(median over {len(rows)} series), where it has {digits} digits"
    )
    basis = _basis(run, rows, ["central-2"], name)
    steps = _at_common_step(run, name)
    if len(steps) < 3:
        return Finding(best + ".", basis)
    h, relative = steps["h_requested"].median(), (steps["error"] / steps["exact"]).abs()
    left = float(np.median(np.maximum(-np.log10(np.maximum(relative, 1e-17)), 0.0)))
    zero = int((steps["estimate"] == 0).sum())
    lost = f" and returns exactly 0 for {zero} of {count(len(steps), 'problem point')}" if zero else ""
    text = f"{best}; h = {number(h, 2)} leaves it {fixed(left)} digits{lost}."
    here = f"sweep.parquet: the same filter, h_requested nearest {number(COMMON[name])}, exact not 0"
    return Finding(text, f"{basis}; {here}, {count(len(steps), 'row')}")


def _at_common_step(run: RunData, name: str) -> pd.DataFrame:
    """The row of the central difference nearest to a common step, for every point with a derivative."""
    rows = run.main_rows
    rows = rows[(rows["format"] == name) & (rows["stencil"] == "central-2") & (rows["h_requested"] > 0)]
    rows = rows[np.isfinite(rows["estimate"]) & np.isfinite(rows["error"]) & (rows["exact"] != 0)]
    away = np.log10(rows["h_requested"] / COMMON[name]).abs()
    near = rows.assign(away=away)[away < 0.15].sort_values("away", kind="stable")
    return near.drop_duplicates(["problem", "point"])


def higher_order(run: RunData) -> Finding:
    """What order 8 gains over order 2."""
    rows = run.scaled_best(variant="integer", derivative=run.main_derivative)
    name = _widest(run, rows)
    rows = select(rows[rows["digits"].notna()], format=name)
    centrals = [s for s in stencil_order(rows["stencil"]) if s.startswith("central-")]
    if len(centrals) < 2:
        raise Missing("Nothing is said about higher orders: fewer than two central stencils have best steps.")
    low, high = centrals[0], centrals[-1]
    rows = rows[rows["stencil"].isin([low, high])]
    keys = ["problem", "point"]
    wide = rows.pivot_table(index=keys, columns="stencil", values=["digits", "step"]).dropna()
    if wide.empty:
        raise Missing("Nothing is said about higher orders: no problem has best steps for two of them.")
    digits, step = wide["digits"], wide["step"]
    gain, better = digits[high] - digits[low], int((digits[high] > digits[low]).sum())
    text = (
        f"In {name}, {high} has {fixed(digits[high].median())} digits where {low} has "
        f"{fixed(digits[low].median())} (median gain {fixed(gain.median())}, better for {better} of "
        f"{len(wide)}), at a step {number((step[high] / step[low]).median(), 2)} times as large."
    )
    return Finding(text, _basis(run, rows, [low, high], name))


def predictions(run: RunData) -> Finding:
    """How well theory predicts the best step and the best error."""
    rows = select(run.summary, variant="integer")
    rows = rows[(rows[["h_best", "h_predicted", "error_best", "error_predicted"]] > 0).all(axis=1)]
    if rows.empty:
        raise Missing("Nothing is said about predictions: no series has a measured and a predicted best.")
    ratio = rows["h_best"] / rows["h_predicted"]
    near = float(((ratio <= NEAR) & (ratio >= 1 / NEAR)).mean())
    error = (rows["error_best"] / rows["error_predicted"]).median()
    series = count(len(rows), "series", "series")
    text = (
        f"Theory, given the true derivatives, predicts the robust best step within a factor of {NEAR:g} for "
        f"{percent(near)} of {series}; the error there is {number(error, 2)} times the predicted worst case "
        "(median)."
    )
    size = count(len(rows), "row")
    return Finding(text, f"summary.csv: variant = integer, h_best and h_predicted known, {size}")


def luck(run: RunData) -> Finding:
    """How far the luckiest step lies below the robust best."""
    rows = run.best_rows(variant="integer")
    both = rows[(rows["error_lucky"] > 0) & (rows["error_best"] > 0)]
    if both.empty:
        raise Missing("Nothing is said about lucky steps: no series has a lucky and a robust best error.")
    ratio = both["error_best"] / both["error_lucky"]
    zero = int((rows["error_lucky"] == 0).sum())
    middle, large = number(ratio.median(), 2), number(ratio.quantile(0.9), 2)
    text = (
        f"The smallest error of a sweep is luck: it lies {middle} times below what the steps around the best "
        f"one promise (median; 90th percentile {large}), and is exactly 0 in {zero} more series."
    )
    size = count(len(rows), "row")
    return Finding(text, f"summary.csv: variant = integer, error_lucky and error_best known, {size}")


def variant_gains(run: RunData) -> Finding:
    """What the variants gain or lose against integer weights in half precision."""
    rows = run.summary[run.summary["digits"].notna()]
    keys = ["problem", "point", "format", "stencil", "derivative"]
    wide = rows.pivot_table(index=keys, columns="variant", values="digits", aggfunc="first")
    if "integer" not in wide or not {"float", "mixed"} & set(wide.columns):
        raise Missing("Nothing is said about variants: the run has only the variant integer.")
    clauses, used = [], 0
    for variant, words in (("mixed", "float32 sums (mixed)"), ("float", "rounded weights (float)")):
        if variant in wide:
            pair = wide[["integer", variant]].dropna()
            gain = pair[variant] - pair["integer"]
            used = max(used, len(pair))
            if len(pair):
                change = f"{'gain' if gain.mean() >= 0 else 'lose'} {fixed(abs(gain.mean()), 2)}"
                clauses.append(
                    f"{words} {change} digits on average (from {fixed(gain.min())} to {fixed(gain.max())})"
                )
    if not clauses:
        raise Missing("Nothing is said about variants: no series was measured in two of them.")
    formats = sorted({str(name) for name in wide.dropna().index.get_level_values("format")})
    text = f"At the robust best step in {listing(formats)}, against integer numerators, {'; '.join(clauses)}."
    size = count(used, "series", "series")
    return Finding(text, f"summary.csv: series with variant integer and another, {size}")


def best_series(run: RunData) -> pd.DataFrame:
    """Scores of the main derivative with a robust best step and digits."""
    rows = run.best_rows(variant="integer", derivative=run.main_derivative)
    rows = rows[rows["digits"].notna()]
    if rows.empty:
        raise Missing("Nothing is said about best steps: no series of the run has one.")
    return rows


def _widest(run: RunData, rows: pd.DataFrame) -> str:
    present = [name for name in run.formats if (rows["format"] == name).any()]
    if not present:
        raise Missing("Nothing is said about higher orders: no series has a robust best step.")
    return "float64" if "float64" in present else present[-1]


def rows_filter(run: RunData, stencils: list[str], name: str | None = None) -> str:
    """The filter that a finding rests on, in words."""
    parts = [f"stencil = {listing(stencils)}", f"derivative = {run.main_derivative}", "variant = integer"]
    return ", ".join([f"format = {name}", *parts] if name else parts)


def _basis(run: RunData, rows: pd.DataFrame, stencils: list[str], name: str | None = None) -> str:
    problems = rows["problem"].nunique()
    size = f"{count(len(rows), 'row')} of {count(problems, 'problem')}"
    return f"summary.csv: {rows_filter(run, stencils, name)}, {size}"
