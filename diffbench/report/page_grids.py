"""The long tables of the page, that a browser sorts: every series, reference, failure and problem.

A grid is a list of columns with values, not text; ``static/grid.js`` shows a few rows of it at a time.
Numbers have four significant digits; titles, notes and the explanation of every column are in
``templates/grids.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diffbench.report.data import RunData
from diffbench.report.page_codec import rounded

Grid = dict[str, Any]
MESSAGE = 200  # characters of a message


def grids(run: RunData, series: pd.DataFrame) -> list[Grid]:
    """Every grid that has rows, in the order of ``grids.toml``."""
    made = {
        "series": series,
        "references": _references(run),
        "failures": _failures(run),
        "problems": run.problems,
        "leaderboard": _leaderboard(run),
    }
    return [_grid(key, made[key], words) for key, words in _words().items() if len(made.get(key, ()))]


@cache
def _words() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "templates" / "grids.toml").read_text(encoding="utf-8"))


def _grid(key: str, frame: pd.DataFrame, words: Mapping[str, Any]) -> Grid:
    columns = [_column(frame[name], name, help) for name, help in words["columns"].items() if name in frame]
    return {
        "key": key,
        "title": words["title"],
        "note": words["note"],
        "file": words["file"],
        "columns": columns,
    }


def _column(values: pd.Series, name: str, help: str) -> dict[str, Any]:
    """One column: text as places in a list of distinct texts, numbers as they are (None for nothing)."""
    if values.dtype.kind in "iufb" and values.dtype.kind != "b":
        return {
            "name": name,
            "help": help,
            "numeric": True,
            "values": [_number(value) for value in values.tolist()],
        }
    text = values.map(lambda value: "" if value is None or value is np.nan else str(value)[:MESSAGE])
    codes, names = pd.factorize(text)
    return {
        "name": name,
        "help": help,
        "numeric": False,
        "values": codes.tolist(),
        "names": list(map(str, names)),
    }


def _number(value: Any) -> int | float | str | None:
    if isinstance(value, int):
        return value
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return rounded(value)


def _references(run: RunData) -> pd.DataFrame:
    rows = run.references
    rows = rows[rows["derivative"].isin(run.summary["derivative"]) | (rows["derivative"] == 0)]
    if "value_digits" in rows:
        rows = rows.assign(value=rows["value_digits"].fillna("").astype(str).str.slice(0, 24))
    return rows.assign(
        mpmath_agrees=rows["mpmath_agrees"].map({True: "yes", False: "no"}).fillna("not asked")
    )


def _failures(run: RunData) -> pd.DataFrame:
    counts = run.status_counts
    keys = ["problem", "format", "derivative", "status", "message"]
    lost = counts[counts["status"] != "ok"]
    if lost.empty or not set(keys) <= set(lost):
        return lost[:0]
    return lost.groupby(keys, sort=False)["rows"].sum().reset_index()


def _leaderboard(run: RunData) -> pd.DataFrame:
    path = run.folder / "leaderboard.csv"
    return pd.read_csv(path, dtype={"method": str, "format": str}) if path.is_file() else pd.DataFrame()
