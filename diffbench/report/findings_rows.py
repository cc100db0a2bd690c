"""What a run shows about orders, parts of the error, the truth and failures, in sentences like `findings`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diffbench.report.data import PARTS, Missing, RunData, select
from diffbench.report.findings import Finding, best_series, rows_filter
from diffbench.report.text import (
    count,
    derivative_symbol,
    fixed,
    grouped,
    listing,
    number,
    percent,
    point_text,
)

ORDER_TOLERANCE = 0.01


def observed_orders(run: RunData) -> Finding:
    """How well the observed orders agree with theory."""
    rows = _orders(run)
    distance = (rows["observed_order"] - rows["expected_order"]).abs()
    within = int((distance <= ORDER_TOLERANCE).sum())
    worst = rows.iloc[int(distance.to_numpy().argmax())]
    raised = int((rows["expected_order"] > rows["accuracy"]).sum())
    share = f"{grouped(within)} of {count(len(rows), 'series', 'series')} ({percent(within / len(rows))})"
    where = f"{worst['problem']} at x = {point_text(worst['point'])}, {worst['format']}, {worst['stencil']}"
    text = (
        f"The observed order of the truncation is within {ORDER_TOLERANCE} of the expected one for "
        f"{share}; the largest distance is {number(distance.max(), 2)} ({where})."
    )
    if raised:
        text += f" Symmetry raises the order above p in {grouped(raised)} of them."
    known = "observed_order finite and expected_order known"
    return Finding(text, f"summary.csv: variant = integer, {known}, {count(len(rows), 'row')}")


def exact_stencils(run: RunData) -> Finding:
    """Series without any truncation error."""
    rows = select(run.summary, variant="integer")
    rows = rows[np.isinf(rows["observed_order"])]
    if rows.empty:
        raise Missing("No series of the run has a truncation error of 0 at every step.")
    names = sorted(rows["problem"].unique())
    series = count(len(rows), "series has", "series have")
    text = (
        f"{series} no truncation error at any step, since the stencil differentiates the function exactly "
        f"there ({listing(names, 5)}): the error is rounding alone."
    )
    return Finding(text, f"summary.csv: variant = integer, observed_order = inf, {count(len(rows), 'row')}")


def rounding_slopes(run: RunData) -> Finding:
    """The slope of the rounding branch."""
    rows = select(run.summary, variant="integer")
    rows = rows[np.isfinite(rows["rounding_slope"])]
    if rows.empty:
        raise Missing("Nothing is said about rounding slopes: no series has one.")
    clauses = [
        f"{fixed(mine['rounding_slope'].median(), 2)} for {derivative_symbol(int(m))}"
        for m, mine in rows.groupby("derivative")
    ]
    powers = f"{listing(clauses)} (medians of the fitted slopes; theory says −m)"
    text = f"The rounding error grows like h to the power {powers}."
    return Finding(text, f"summary.csv: variant = integer, rounding_slope known, {count(len(rows), 'row')}")


def largest_parts(run: RunData) -> Finding:
    """Which part of the error is the largest at the robust best step."""
    best = best_series(run)
    best = best[best["stencil"].isin(run.main_stencils)][["problem", "point", "format", "stencil", "h_best"]]
    keys = ["problem", "point", "format", "stencil"]
    sweep = run.main_rows[[*keys, "h", *PARTS]].astype(dict.fromkeys(keys, str))
    rows = best.merge(sweep, left_on=[*keys, "h_best"], right_on=[*keys, "h"]).dropna(subset=list(PARTS))
    if rows.empty:
        raise Missing("Nothing is said about parts of the error: no split row lies at a robust best step.")
    sizes = rows[list(PARTS)].abs()
    largest = sizes.idxmax(axis=1)[sizes.max(axis=1) > 0]
    shares = largest.value_counts()
    named = [f"{part} in {shares[part]}" for part in shares.index]
    series = count(len(largest), "series", "series")
    text = f"At the robust best step the largest part of the error is {listing(named)} of {series}"
    text += f" (in {len(rows) - len(largest)} more, all parts are 0)." if len(rows) > len(largest) else "."
    where = f"{rows_filter(run, run.main_stencils)}, h = h_best of summary.csv"
    return Finding(text, f"sweep.parquet: {where}, {count(len(rows), 'row')}")


def certified(run: RunData) -> Finding:
    """How many references are certified."""
    rows = run.references
    if rows.empty:
        raise Missing("Nothing is said about references: the run has none.")
    ok = rows[rows["status"] == "ok"]
    relative = (ok["radius"] / ok["value"].abs())[ok["value"] != 0]
    checked = rows["mpmath_agrees"].dropna()
    worst = f", the worst with a relative radius of {number(relative.max(), 2)}" if len(relative) else ""
    others = rows.loc[rows["status"] != "ok", "status"].value_counts()
    named = listing([f"{grouped(n)} {status}" for status, n in others.items()])
    rest = f" (the others: {named})" if len(others) else ""
    asked, agree = grouped(len(checked)), grouped(int(checked.sum()))
    all_rows = count(len(rows), "reference")
    text = (
        f"{grouped(len(ok))} of {all_rows} are certified enclosures{worst}{rest}; mpmath, by its own "
        f"route, agrees with {agree} of the {asked} it was asked about."
    )
    return Finding(text, f"references.parquet: all derivatives from 0, {count(len(rows), 'row')}")


def failures(run: RunData) -> Finding:
    """Rows that are not ok."""
    counts = run.status_counts
    total = int(counts["rows"].sum())
    if not total:
        raise Missing("The sweep has no rows.")
    all_rows = count(total, "row")
    lost = counts[counts["status"] != "ok"].groupby("status")["rows"].sum().sort_values(ascending=False)
    if lost.empty:
        return Finding("Every row of the sweep is ok.", f"sweep.parquet: {all_rows}")
    named = [f"{status} ({percent(rows / total)})" for status, rows in lost.items()]
    share = percent(lost.sum() / total)
    text = f"{share} of {all_rows} are not ok, and say why: {listing(named, 9)}."
    return Finding(text, f"sweep.parquet: {all_rows}, counted by status")


def kinks(run: RunData) -> Finding:
    """Points where no derivative exists."""
    counts = run.status_counts
    rows = counts[counts["status"] == "no_derivative"]
    if rows.empty:
        raise Missing("Nothing is said about kinks: every point of the run has a derivative.")
    names = sorted(rows["problem"].unique())
    text = (
        f"At the kinks and jumps of {listing(names, 5)} no derivative exists: the estimates are kept, no "
        "error is claimed, and the references hold the one-sided derivatives."
    )
    return Finding(text, f"sweep.parquet: status = no_derivative, {count(int(rows['rows'].sum()), 'row')}")


def _orders(run: RunData) -> pd.DataFrame:
    rows = select(run.summary, variant="integer").reset_index(drop=True)
    rows = rows[np.isfinite(rows["observed_order"]) & np.isfinite(rows["expected_order"])]
    if rows.empty:
        raise Missing("Nothing is said about observed orders: no series has one.")
    return rows
