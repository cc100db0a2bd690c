"""Claims on backpropagation, any function, f‴, vanishing gradients and cost, like those of `claims`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diffbench.report import claims
from diffbench.report.claims import (
    CASE,
    SERIES,
    Maker,
    Number,
    each_format,
    filtered,
    known_rows,
    medians,
    named,
    scores,
    shares,
)
from diffbench.report.data import Missing, RunData, select
from diffbench.report.style import unit_roundoff
from diffbench.report.text import count, fixed, grouped, listing, number, percent, point_text

FOLLOWS = 2.0  # an error within this factor of the leading term follows it
LARGE_X = 10.0
CHAIN = "sigmoid_chain"
PARAMETERS = 10_000


def autodiff_cases(run: RunData) -> pd.DataFrame:
    """Per problem point and format: the error of reverse mode, the smallest robust best error, and f′."""
    rows = scores(run)
    best = rows.groupby(CASE, sort=False)[["error_best", "autodiff_error"]].min().dropna().reset_index()
    exact = select(run.references, derivative=run.main_derivative)[["problem", "point", "x", "value"]]
    exact = rows.drop_duplicates(CASE)[[*CASE, "x"]].merge(
        exact.drop_duplicates(["problem", "point", "x"]), on=["problem", "point", "x"], how="left"
    )
    if best.empty:
        raise Missing("summary.csv has no errors of automatic differentiation beside those of stencils.")
    return best.merge(exact, on=CASE, how="left")


def backpropagation(run: RunData) -> Number:
    """The error of reverse mode against that of the best stencil at its robust best step."""
    rows = autodiff_cases(run)
    rows = rows[rows["autodiff_error"] != rows["error_best"]]
    if rows.empty:
        raise Missing("reverse mode and the best stencil have the same error everywhere.")
    rows = rows.assign(
        holds=rows["autodiff_error"] < rows["error_best"],
        ratio=rows["error_best"] / rows["autodiff_error"].where(rows["autodiff_error"] > 0),
    )
    zero = int((rows["autodiff_error"] == 0).sum())
    text = (
        f"Reverse mode, in the same format, is more accurate than the best stencil at its robust best step "
        f"for {shares(run, rows, 'holds')} of the points; the stencil's error is "
        f"{medians(run, rows, 'ratio')} times as large (medians, without the "
        f"{count(zero, 'point')} where reverse mode is exact). Exceptions: {named(rows[~rows['holds']])}."
    )
    known = f"derivative = {run.main_derivative}, variant = integer, smallest over the stencils"
    return Number(text, f"summary.csv: {known}, {count(len(rows), 'row')}", float(rows["holds"].mean()))


def usable(run: RunData) -> Number:
    """At how many points any stencil has a correct digit."""
    rows = select(run.summary, variant="integer", derivative=run.main_derivative)
    if rows.empty:
        raise Missing("summary.csv has no series.")
    best = rows.groupby(CASE, sort=False)["digits"].max().reset_index()  # NaN where no series has digits
    holds = best["digits"] >= 1
    none, poor = best[best["digits"].isna()], best[best["digits"] < 1]
    text = (
        f"Some stencil has at least one correct digit for {percent(float(holds.mean()))} of "
        f"{count(len(best), 'point in a format', 'points in a format')}. No stencil has a step with "
        f"a known error for {len(none)} ({named(none)}), and the best has less than a digit for "
        f"{len(poor)} ({named(poor)})."
    )
    basis = f"summary.csv: derivative = {run.main_derivative}, variant = integer, {count(len(rows), 'row')}"
    return Number(text, basis, float(holds.mean()))


def no_derivative(run: RunData) -> Number:
    """Rows at kinks, and rows lost to domain and range."""
    rows = run.status_counts
    rows = rows[rows["status"].isin(["no_derivative", "domain", "overflow", "underflow"])]
    if rows.empty:
        raise Missing("no row lies at a kink, outside the domain or outside the range of the format.")
    clauses = []
    for status, mine in rows.groupby("status", sort=True, observed=True):
        names = sorted(mine["problem"].astype(str).unique())
        clauses.append(f"{count(int(mine['rows'].sum()), 'row')} {status} ({listing(names, 5)})")
    total = count(int(rows["rows"].sum()), "row")
    return Number(f"What it cannot do: {listing(clauses)}.", f"sweep.parquet: counted by status, {total}")


def saturation(run: RunData) -> Number:
    """Digits of the best stencil where the sigmoid is flat."""
    rows = select(scores(run), problem="sigmoid")
    rows = rows[rows["digits"].notna() & (rows["x"].abs() == rows["x"].abs().max())]
    if rows.empty:
        raise Missing("the run has no digits for the problem sigmoid.")
    best = rows.groupby("format")["digits"].max()
    values = {name: fixed(digits) for name, digits in best.items()}
    text = f"On the saturated sigmoid, x = {point_text(rows['x'].iloc[0])}, the best stencil has "
    text += f"{each_format(run, values)} correct digits."
    return Number(text, f"summary.csv: problem = sigmoid, largest x, {count(len(rows), 'row')}")


def _central(run: RunData) -> pd.DataFrame:
    """Rows of central-2 with f, f′, f‴, the robust best step, and ``below``: left of it."""
    rows = known_rows(run)
    rows = rows[rows["stencil"] == "central-2"]
    if run.main_derivative != 1 or rows.empty:
        raise Missing("the run has no rows of central-2 for the first derivative.")
    keys = ["problem", "point", "x"]
    wide = run.references.pivot_table(index=keys, columns="derivative", values="value", aggfunc="first")
    wide = wide.reindex(columns=[0, 1, 3]).set_axis(["f", "f1", "f3"], axis=1).reset_index()
    best = scores(run)[[*SERIES, "h_best"]]
    rows = rows.merge(best, on=SERIES).merge(wide, on=keys)
    return rows.assign(below=rows["h"] < rows["h_best"], leading=rows["h"] ** 2 / 6 * rows["f3"].abs())


def leading_term(run: RunData) -> Number:
    """The measured error against h² f‴ / 6."""
    rows = _central(run)
    rows = rows[rows["leading"] > 0]
    if rows.empty:
        raise Missing("no row of central-2 has a known f‴ that is not 0.")
    ratio = rows["error"].abs() / rows["leading"]
    follows = (ratio <= FOLLOWS) & (ratio >= 1 / FOLLOWS)
    above = percent(float(follows[~rows["below"]].mean()))
    under = percent(float(follows[rows["below"]].mean()))
    exact = (rows["truncation"].abs() / rows["leading"])[~rows["below"]].median()
    text = (
        f"The error of central-2 is within a factor of {FOLLOWS:g} of h²|f‴|/6 for {above} of the rows from "
        f"the robust best step on, and for {under} below it; from the "
        f"best step on its truncation is {number(exact)} times that term (median)."
    )
    basis = f"sweep.parquet: {filtered(run, 'central-2')}, status = ok, f‴ not 0, {count(len(rows), 'row')}"
    return Number(text, basis, float(follows.mean()))


def rounding_part(run: RunData) -> Number:
    """What rounding inside f adds, against ulp(f)/h, and what rounded nodes add for large x."""
    rows = _central(run)
    rows = rows[rows["below"] & (rows["f"] != 0) & np.isfinite(rows["f"]) & rows["evaluation"].notna()]
    if rows.empty:
        raise Missing("no row of central-2 below its best step has a split error.")
    ulp = 2.0 ** np.floor(np.log2(rows["f"].abs())) * 2 * rows["format"].map(unit_roundoff).astype(float)
    rows = rows.assign(ulps=rows["evaluation"].abs() * rows["h"] / ulp)
    large = rows["x"].abs() >= LARGE_X
    more = rows["abscissa"].abs() > rows["evaluation"].abs()
    shares_of = [percent(float(more[side].mean())) for side in (large, ~large)]
    text = (
        f"Below the best step the rounding inside f contributes {medians(run, rows, 'ulps')} times "
        f"ulp(f)/h (medians). Rounded nodes contribute more than that in {shares_of[0]} of the "
        f"rows with |x| ≥ {LARGE_X:g} and in {shares_of[1]} of the others."
    )
    basis = f"sweep.parquet: {filtered(run, 'central-2')}, status = ok, h < h_best, f not 0"
    return Number(text, f"{basis}, {count(len(rows), 'row')}")


def vanishing(run: RunData) -> Number:
    """Reverse mode and finite differences through a chain of ten sigmoids."""
    rows = select(run.summary, problem=CHAIN, variant="integer", derivative=run.main_derivative)
    exact = select(run.references, problem=CHAIN, derivative=run.main_derivative)
    exact = exact[np.isfinite(exact["value"]) & (exact["value"] != 0)].drop_duplicates(["point", "x"])
    rows = rows.merge(exact[["point", "x", "value"]], on=["point", "x"])
    rows = rows.assign(relative=rows["autodiff_error"] / rows["value"].abs())
    rows = rows[rows["relative"].notna()]
    if rows.empty:
        raise Missing(f"the run has no reverse-mode errors for the problem {CHAIN}.")
    cases = rows.groupby(["point", "format"], sort=False).agg(
        value=("value", "first"), relative=("relative", "min"), digits=("digits", "max")
    )
    clauses = []
    for point, mine in cases.reset_index().groupby("point", sort=False):
        by = mine.set_index("format")
        errors = each_format(run, {name: number(v, 2) for name, v in by["relative"].items()})
        digits = each_format(run, {name: fixed(v) for name, v in by["digits"].items()})
        where = f"at x = {point_text(point)}, where f′ = {number(by['value'].iloc[0])}"
        clauses.append(
            f"{where}, reverse mode has a relative error of {errors}, "
            f"and the best stencil {digits} correct digits"
        )
    text = f"Ten sigmoids in a row: {'; '.join(clauses)}."
    share = float((cases["relative"] > 0.1).mean())
    text += f" Reverse mode loses its first digit in {percent(share)} of these cases."
    basis = f"summary.csv: problem = {CHAIN}, variant = integer, autodiff_error known"
    return Number(text, f"{basis}, {count(len(rows), 'row')}", share)


def evaluations(run: RunData) -> Number:
    """Evaluations of a gradient, from those of one derivative."""
    rows = run.main_rows
    if run.main_derivative != 1:
        raise Missing("the run has no first derivatives.")
    one = rows[rows["evaluations"] > 0].groupby("stencil", observed=True)["evaluations"].agg(["max", "size"])
    one = one[[str(name).startswith(("forward", "central")) for name in one.index]]
    if one.empty:
        raise Missing("no row of the sweep says how often f was evaluated.")
    clauses = []
    for stencil, row in one.iterrows():
        shared = str(stencil).startswith("forward")  # f(x) itself serves every component
        total = (int(row["max"]) - shared) * PARAMETERS + shared
        formula = f"{int(row['max']) - shared}n{' + 1' if shared else ''}".replace("1n", "n")
        clauses.append(f"{formula} for {stencil} ({grouped(total)})")
    text = (
        f"A gradient of n components (n = {grouped(PARAMETERS)}) takes, by definition, {listing(clauses)} "
        "evaluations of the function: linear in n."
    )
    basis = f"sweep.parquet: column evaluations of {listing(run.main_stencils)}"
    # It grows, but not as "some say": half of the sentence holds, whatever the run.
    return Number(text, f"{basis}, {count(int(one['size'].sum()), 'row')}", 0.5)


def reverse_cost(run: RunData) -> Number:
    """The measured price of a gradient by reverse mode."""
    found = run.timings.get("benchmarks", [])
    ratios = {}
    for item in found if isinstance(found, list) else []:
        name, ratio = str(item.get("name", "")), item.get("extra_info", {}).get("ratio")
        if "10_000_parameters" in name and isinstance(ratio, int | float):
            ratios[name] = float(ratio)
    if not ratios:
        raise Missing("no timing of a gradient with 10 000 parameters by reverse mode in timings.json.")
    values = listing([number(ratio) for ratio in ratios.values()])
    text = (
        f"Reverse mode gives all {grouped(PARAMETERS)} components of a network's gradient for {values} times "
    )
    return Number(
        text + "the time of the loss.", f"timings.json: {listing(list(ratios))}, {count(len(ratios), 'row')}"
    )


CLAIMS: Mapping[str, tuple[Maker, ...]] = {
    "smaller_h": (claims.smallest_step,),
    "common_step": (claims.common_step,),
    "central_forward": (claims.central_best, claims.central_same_step),
    "backpropagation": (backpropagation,),
    "any_function": (usable, no_derivative, saturation),
    "third_derivative": (leading_term, rounding_part),
    "vanishing": (vanishing,),
    "cost": (evaluations, reverse_cost),
}
