"""The section on random functions: figures, tables and a sentence.

The words of the figures are in ``templates/random.toml``, those of the tables in ``tables.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from diffbench.report.data import Missing, RunData
from diffbench.report.figcache import Figure
from diffbench.report.findings import Finding
from diffbench.report.random_data import OURS, SCORES, TUNING, groups, scores_of, seed_of, shares, totals
from diffbench.report.tables import Table, worded
from diffbench.report.text import NONE, count, fixed, listing, number

FIGURES = ("random-methods", "random-groups")
MOST = 30  # bars of a figure
COLUMNS = (
    *("cases", "failed", "silently wrong", "flagged", "flagged, right", "median error", "95 % error"),
    *("coverage", "coverage, not flagged", "bound / error", "evaluations", "95 % evaluations"),
)


def figures(run: RunData) -> tuple[list[Figure], list[str]]:
    """The figures of the random functions, and sentences on those a run cannot have."""
    made: list[Figure] = []
    missing: list[str] = []
    for make in (_methods, _groups):
        try:
            made.append(make(run))
        except Missing as reason:
            missing.append(str(reason))
    return made, list(dict.fromkeys(missing))


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "templates" / "random.toml").read_text(encoding="utf-8"))


def _figure(name: str, rows: pd.DataFrame, **words: str) -> Figure:
    told = {key: text.format(**words) for key, text in _words()[name].items()}
    arguments: dict[str, Any] = {"rows": rows, "title": told["title"]}
    return Figure(name, "random_figures.shares_figure", arguments, **told)


def _methods(run: RunData) -> Figure:
    rows = totals(run)
    first = rows[rows["format"] == rows["format"].iloc[0]]
    bad = (first["silent_wrong"] + first["failed"]) / first["cases"]
    order = first.assign(bad=bad, other=first["method"] != OURS)
    order = order.sort_values(["other", "bad", "method"], kind="stable")["method"].head(MOST)
    place = {str(name): k for k, name in enumerate(order)}
    rows = rows[rows["method"].isin(list(place))]
    rows = rows.sort_values("method", key=lambda names: names.map(place), kind="stable")
    return _figure("random-methods", shares(rows, "method"), formats=_formats(rows), cases=_cases(rows))


def _groups(run: RunData) -> Figure:
    rows = groups(run)
    return _figure("random-groups", shares(rows, "group"), formats=_formats(rows), method=OURS)


def _formats(rows: pd.DataFrame) -> str:
    return listing(list(dict.fromkeys(rows["format"])))


def _cases(rows: pd.DataFrame) -> str:
    most = rows.groupby("format", sort=False)["cases"].max()
    return listing([f"{n} cases in {name}" for name, n in most.items()])


# tables ---------------------------------------------------------------------------------------------------


def random_methods(run: RunData) -> Table:
    """Every method in every format."""
    rows = totals(run)
    lines = [(str(r["format"]), str(r["method"]), *_numbers(r)) for r in _records(rows)]
    words = {"seed": seed_of(run), "cases": _cases(rows)}
    return worded("random_methods", ("format", "method", *COLUMNS), lines, len(COLUMNS), **words)


def random_groups(run: RunData) -> Table:
    """``auto`` by group."""
    lines = [(str(r["format"]), str(r["group"]), *_numbers(r)) for r in _records(groups(run))]
    return worded("random_groups", ("format", "group", *COLUMNS), lines, len(COLUMNS), method=OURS)


def random_absent(run: RunData) -> Table:
    """Methods that took no part, in which formats, and why."""
    rows = scores_of(run)
    rows = rows[rows["cases"] == 0]
    if rows.empty:
        raise Missing("Every method that was to be tried on random functions took part.")
    lines = []
    for key in rows[["method", "note"]].drop_duplicates().itertuples(index=False):
        mine = rows[(rows["method"] == key.method) & (rows["note"] == key.note)]
        lines.append((str(key.method), listing(list(mine["format"])), str(key.note)))
    return worded("random_absent", ("method", "formats", "why"), lines, 0)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _numbers(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        *(str(int(row[key])) for key in ("cases", "failed", "silent_wrong", "flagged", "flagged_right")),
        *(number(row[key], 2) for key in ("error_median", "error_p95")),
        *(_share(row[key]) for key in ("coverage", "coverage_unflagged")),
        number(row["tightness"], 3),
        *(fixed(row[key], 0) for key in ("evaluations_median", "evaluations_p95")),
    )


def _share(value: float) -> str:
    """A share as a percentage with a decimal: 99 and 99.5 are worlds apart here."""
    if value != value:
        return NONE
    rounded = 100.0 if value == 1 else min(round(100 * value, 1), 99.9)  # 100 only where it is
    return f"{fixed(rounded, 1)}\u00a0%"


TABLES: tuple[Callable[[RunData], Table], ...] = (random_methods, random_groups, random_absent)


# finding --------------------------------------------------------------------------------------------------


def random_functions(run: RunData) -> Finding:
    """How often ``auto`` is silently wrong on functions nobody has tuned to, and how often others are."""
    rows = totals(run)
    ours = rows[rows["method"] == OURS]
    if ours.empty:
        raise Missing(f"Nothing is said about random functions: {OURS} took no part.")
    told = [_clause(row) for row in _records(ours)]
    clauses = [told[0] + _others(rows, str(ours["format"].iloc[0])), *told[1:]]
    seed = seed_of(run)
    fresh = " that no constant was tuned on" if seed.isdecimal() and int(seed) >= TUNING else ""
    text = f"On random functions{fresh} (seed {seed}), {'; '.join(clauses)}."
    return Finding(text, f"{SCORES}, group = all: {count(len(rows), 'row')}")


def _clause(row: dict[str, Any]) -> str:
    return (
        f"in {row['format']} {OURS} is silently wrong in {int(row['silent_wrong'])} of "
        f"{count(int(row['cases']), 'case')}, fails in {int(row['failed'])}, flags {int(row['flagged'])}, "
        f"and its bound covers the error in {_share(row['coverage'])}"
    )


def _others(rows: pd.DataFrame, fmt: str) -> str:
    """The other methods with the fewest and with the most silently wrong or missing answers."""
    mine = rows[(rows["format"] == fmt) & (rows["method"] != OURS)]
    if mine.empty:
        return ""
    mine = mine.assign(bad=mine["silent_wrong"] + mine["failed"]).sort_values(
        ["bad", "method"], kind="stable"
    )
    best, worst = _records(mine.iloc[[0, -1]])
    told = [f"{r['method']} {int(r['silent_wrong'])} and {int(r['failed'])}" for r in (best, worst)]
    ends = told[:1] if best["method"] == worst["method"] else [f"from {told[0]}", f"to {told[1]}"]
    return f" (silently wrong and failed, the others: {' '.join(ends)})"
