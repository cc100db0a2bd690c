"""The sentences that tutorials repeat, each with a verdict and numbers from the run; words: ``claims.toml``.

A number is one short function of a run, like a finding. The first number of a claim also gives the share of
cases in which the sentence holds, and that share is the verdict; without its rows the claim is missing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diffbench.report.data import Missing, RunData, select
from diffbench.report.text import NONE, count, grouped, listing, number, percent

MOST = 0.9  # a sentence that holds in so many cases is true within limits
LEAST = 0.1  # and one that holds in so few is false
GOOD = 10.0  # an error within this factor of the robust best counts as good
COMMON_STEP = 1e-4
CASE = ["problem", "point", "format"]
SERIES = [*CASE, "stencil"]


@dataclass(frozen=True)
class Number:
    """A sentence with numbers, the rows it rests on, and the share of cases in which the claim holds."""

    text: str
    basis: str
    share: float | None = None


@dataclass(frozen=True)
class Claim:
    """A sentence that is often heard, the verdict on it with its reason, figures by name, and numbers."""

    sentence: str
    verdict: str
    why: str
    figures: tuple[str, ...]
    numbers: tuple[Number, ...]


Maker = Callable[[RunData], Number]


def measured(run: RunData, makers: Mapping[str, tuple[Maker, ...]]) -> tuple[list[Claim], list[str]]:
    """The claims the run can judge, and sentences on what it cannot."""
    claims, missing = [], []
    for key, functions in makers.items():
        numbers = []
        for make in functions:
            try:
                numbers.append(make(run))
            except Missing as reason:
                missing.append(f"On the claim “{_words()[key]['sentence']}”: {reason}")
        if numbers and numbers[0].share is not None:
            words = _words()[key]
            told = (words["sentence"], verdict(numbers[0].share), words["why"], tuple(words["figures"]))
            claims.append(Claim(*told, tuple(numbers)))
    return claims, missing


def verdict(share: float) -> str:
    """What to say of a sentence that holds in this share of the cases."""
    if share >= 1:
        return "true"
    if share >= MOST:
        return "true within limits"
    return "false" if share <= LEAST else "it depends"


@cache
def _words() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "templates" / "claims.toml").read_text(encoding="utf-8"))


# -- rows that several claims use ------------------------------------------------------------------


def scores(run: RunData) -> pd.DataFrame:
    """Scores of the main derivative, integer weights, that have a robust best step."""
    rows = run.scaled_best(variant="integer", derivative=run.main_derivative)
    if rows.empty:
        raise Missing("no series has a robust best step.")
    return rows


def known_rows(run: RunData) -> pd.DataFrame:
    """Sweep rows of the main stencils with status ok, keys as text."""
    rows = run.main_rows
    rows = rows[(rows["status"] == "ok") & rows["error"].notna()].astype(dict.fromkeys(SERIES, str))
    if rows.empty:
        raise Missing("no row of the sweep is ok.")
    return rows


def each_format(run: RunData, values: Mapping[Any, str]) -> str:
    """``a in float16 and b in float32``."""
    clauses = [f"{values[name]} in {name}" for name in run.formats if name in values]
    return listing(clauses, 9) if clauses else NONE


def medians(run: RunData, rows: pd.DataFrame, column: str) -> str:
    """The median of a column in every format, where it is finite."""
    found = rows[np.isfinite(rows[column])].groupby("format")[column].median()
    return each_format(run, {name: number(value, 2) for name, value in found.items()})


def shares(run: RunData, rows: pd.DataFrame, column: str) -> str:
    """The share of rows for which a column is true, in every format."""
    found = rows.groupby("format")[column].mean()
    return each_format(run, {name: percent(float(value)) for name, value in found.items()})


def named(rows: pd.DataFrame) -> str:
    """The problems with the most of these rows, first."""
    return listing([str(name) for name in rows["problem"].value_counts(sort=True).index], 6)


def filtered(run: RunData, stencils: str) -> str:
    """The filter of the rows, in words."""
    return f"stencil = {stencils}, derivative = {run.main_derivative}, variant = integer"


# -- a smaller h is better ---------------------------------------------------------------------------


def smallest_step(run: RunData) -> Number:
    """The error at the smallest step that is ok against the robust best."""
    rows = known_rows(run).sort_values("h", kind="stable").drop_duplicates(SERIES)
    best = scores(run)[[*SERIES, "h_best", "error_best"]]
    both = rows.merge(best, on=SERIES)
    if both.empty:
        raise Missing("no series has a robust best step and a row that is ok.")
    both = both.assign(smallest=both["h_best"] <= both["h"] * (1 + 1e-9))
    positive = both[both["error_best"] > 0]
    positive = positive.assign(ratio=positive["error"].abs() / positive["error_best"])
    share = float(both["smallest"].mean())
    text = (
        f"The robust best step is larger than the smallest usable one in {percent(1 - share)} of "
        f"{count(len(both), 'series', 'series')}; the error at the smallest is "
        f"{medians(run, positive, 'ratio')} times the robust best error (medians)."
    )
    where = f"{filtered(run, listing(run.main_stencils))}, status = ok, smallest h against summary.csv"
    return Number(text, f"sweep.parquet: {where}, {count(len(both), 'row')}", share)


# -- h = 1e-4 is a good choice -----------------------------------------------------------------------


def common_step(run: RunData) -> Number:
    """The error at 1e-4 of the scale against the robust best of the central difference."""
    best = select(scores(run), stencil="central-2")[[*SERIES, "scale", "error_best"]]
    rows = run.main_rows[run.main_rows["stencil"] == "central-2"].astype(dict.fromkeys(SERIES, str))
    rows = rows[(rows["h_requested"] > 0) & (rows["exact"] != 0)].merge(best, on=SERIES)
    away = (np.log10(rows["h_requested"]) - np.log10(COMMON_STEP * rows["scale"])).abs()
    near = rows.assign(away=away)[away < 0.15].sort_values("away", kind="stable").drop_duplicates(CASE)
    if near.empty:
        raise Missing("central-2 has no row near h = 10⁻⁴ times the scale.")
    good = near["error"].abs() <= GOOD * near["error_best"]  # an estimate that is no number is not good
    near = near.assign(
        good=good, ratio=near["error"].abs() / near["error_best"].where(near["error_best"] > 0)
    )
    clauses = [
        f"{int((mine['estimate'] == 0).sum())} of {len(mine)} in {name}" for name, mine in _parts(run, near)
    ]
    lost = int((~np.isfinite(near["estimate"])).sum())
    text = (
        f"At h = 10⁻⁴ times the scale, central-2 is within a factor of {GOOD:g} of its robust best error for "
        f"{shares(run, near, 'good')}; its error is {medians(run, near, 'ratio')} times "
        f"the best (medians). It is exactly 0, where the derivative is not, for {listing(clauses, 9)}"
    )
    text += f"; {count(lost, 'estimate is', 'estimates are')} no number." if lost else "."
    where = f"{filtered(run, 'central-2')}, h_requested nearest 10⁻⁴ × scale, exact not 0"
    return Number(text, f"sweep.parquet: {where}, {count(len(near), 'row')}", float(good.mean()))


def _parts(run: RunData, rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(name, select(rows, format=name)) for name in run.formats if (rows["format"] == name).any()]


# -- central is more accurate than forward -----------------------------------------------------------


def central_best(run: RunData) -> Number:
    """Robust best errors of both stencils."""
    wide = scores(run).pivot_table(index=CASE, columns="stencil", values="error_best", aggfunc="first")
    wide, equal = _different(wide, "best errors")
    ties = f" ({count(equal, 'point')} with equal errors left out)" if equal else ""
    text = (
        f"At its robust best step central-2 is more accurate for "
        f"{shares(run, wide, 'holds')} of the points{ties}. Exceptions: {named(wide[~wide['holds']])}."
    )
    basis = f"summary.csv: {filtered(run, 'forward-1 and central-2')}, {count(2 * len(wide), 'row')}"
    return Number(text, basis, float(wide["holds"].mean()))


def central_same_step(run: RunData) -> Number:
    """Errors of both stencils at the same step."""
    rows = known_rows(run)
    rows = rows[rows["stencil"].isin(["forward-1", "central-2"])]
    rows = rows.assign(size=rows["error"].abs())
    wide = rows.pivot_table(index=[*CASE, "h_requested"], columns="stencil", values="size", aggfunc="first")
    wide, equal = _different(wide, "rows at the same step")
    text = (
        f"At the same h it is more accurate in {shares(run, wide, 'holds')} of the rows "
        f"({grouped(equal)} equal ones left out). Exceptions most often: {named(wide[~wide['holds']])}."
    )
    basis = f"sweep.parquet: {filtered(run, 'forward-1 and central-2')}, status = ok, same h_requested"
    return Number(text, f"{basis}, {count(2 * len(wide), 'row')}")


def _different(wide: pd.DataFrame, what: str) -> tuple[pd.DataFrame, int]:
    """Cases where the two stencils differ, with the column ``holds``, and how many were equal."""
    if not {"forward-1", "central-2"} <= set(wide.columns):
        raise Missing(f"forward-1 and central-2 do not both have {what}.")
    both = wide[["forward-1", "central-2"]].dropna().reset_index()
    differ = both[both["forward-1"] != both["central-2"]]
    if differ.empty:
        raise Missing(f"forward-1 and central-2 have no different {what}.")
    return differ.assign(holds=differ["central-2"] < differ["forward-1"]), len(both) - len(differ)
