"""The scores of the random functions in a run folder, as its tables, figures and sentences use them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diffbench.report.data import ORDER_OF_FORMATS, Missing, RunData, ordered

SCORES = "random-scores.csv"
NOTHING = "No random functions: the suite has no table [random]."
ALL = "all"  # the group of all cases
OURS = "auto"
TUNING = 1000  # constants may be tuned on seeds below this one

#: What became of a case, in the order of the bars: column of the shares -> words.
OUTCOMES = {
    "rest": "not wrong",
    "flagged": "flagged",
    "silent_wrong": "silently wrong",
    "failed": "failed",
}


def scores_of(run: RunData) -> pd.DataFrame:
    """One row per format, method and group, formats in their order; a method that took no part has no case.

    Raises
    ------
    Missing
        If the run has none.
    """
    path = run.folder / SCORES
    if not path.is_file():
        raise Missing(NOTHING)
    texts = dict.fromkeys(("format", "method", "group", "note"), str)
    rows = pd.read_csv(path, dtype=texts).fillna({"note": ""})
    place = {name: k for k, name in enumerate(ordered(rows["format"], ORDER_OF_FORMATS[::-1]))}
    return rows.sort_values("format", key=lambda names: names.map(place), kind="stable", ignore_index=True)


def totals(run: RunData) -> pd.DataFrame:
    """The rows over all cases of the methods that took part."""
    rows = scores_of(run)
    rows = rows[(rows["group"] == ALL) & (rows["cases"] > 0)]
    if rows.empty:
        raise Missing("Nothing on random functions: no method took part.")
    return rows


def groups(run: RunData) -> pd.DataFrame:
    """The rows of the groups for ``auto``."""
    rows = scores_of(run)
    rows = rows[(rows["group"] != ALL) & (rows["method"] == OURS)]
    if rows.empty:
        raise Missing(f"No groups of random functions: {OURS} took no part.")
    return rows


def seed_of(run: RunData) -> str:
    """The seed the manifest names, or words for one that is not known."""
    found: Any = run.manifest
    for key in ("suite", "content", "random", "seed"):
        found = found.get(key) if isinstance(found, dict) else None
    return str(found) if found is not None else "unknown"


def shares(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    """Format, label and the share of the cases with each outcome."""
    made = pd.DataFrame({"format": rows["format"], "label": rows[label], "cases": rows["cases"]})
    for outcome in ("flagged", "silent_wrong", "failed"):
        made[outcome] = rows[outcome] / rows["cases"]
    made["rest"] = (1 - made[["flagged", "silent_wrong", "failed"]].sum(axis=1)).clip(lower=0)
    return made.reset_index(drop=True)
