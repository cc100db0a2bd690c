"""The tables of several variables in a run folder, as the figures and sentences use them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from diffbench.report.data import Missing, RunData

NO_STUDY = "No cost of gradients: timings.json has no study of it."
NO_TABLE = "The run has nothing on several variables: its suite has no table [gradients]."


def table(run: RunData, name: str) -> pd.DataFrame:
    """A table of the folder, text as text.

    Raises
    ------
    Missing
        If the run has none.
    """
    path = run.folder / name
    if not path.is_file():
        raise Missing(NO_TABLE)
    read: Any = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
    rows = read(path)
    for column in rows.columns:
        if isinstance(rows[column].dtype, pd.CategoricalDtype):
            rows[column] = rows[column].astype(str)
    return rows


def board(run: RunData) -> pd.DataFrame:
    """One row per scaling, quantity, format and method."""
    return table(run, "gradient-methods.csv")


def studies(run: RunData) -> pd.DataFrame:
    """The cost study of timings.json: one row per method and n, with the fitted exponent of the method.

    Raises
    ------
    Missing
        If the timings have none.
    """
    rows: list[dict[str, Any]] = []
    for benchmark in run.timings.get("benchmarks", []):
        told = benchmark.get("extra_info", {})
        growth = told.get("growth") or {}
        for point in told.get("study", []):
            fitted = {name: growth.get(name, np.nan) for name in ("exponent", "low", "high")}
            rows.append({"method": told["method"], "rival": bool(told.get("rival")), **point, **fitted})
    if not rows:
        raise Missing(NO_STUDY)
    return pd.DataFrame(rows)


def largest_case(run: RunData) -> tuple[dict[str, Any], dict[str, float]]:
    """What timings.json says of the central gradient at n = 10 000; and rivals of the forward one."""
    told = [benchmark.get("extra_info", {}) for benchmark in run.timings.get("benchmarks", [])]
    large = [about for about in told if "times_of_rivals" in about]
    central = next((about for about in large if "peak_memory" in about), None)
    if central is None:
        raise Missing(NO_STUDY)
    forward: dict[str, float] = next(
        (about["times_of_rivals"] for about in large if about is not central), {}
    )
    return dict(central), forward
