"""The tables of digits, steps, orders and variants, as text that people read, for both pages.

Each function takes a run and gives a :class:`Table`, or raises ``Missing`` with the reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from diffbench.report.data import Missing, RunData, select, stencil_order
from diffbench.report.text import NONE, count, derivative_symbol, fixed, number

ORDER_COLUMNS = (
    *("derivative", "stencil", "order p", "median observed", "within 0.01 of expected", "largest distance"),
    *("raised by symmetry", "truncation 0", "rounding slope"),
)


@dataclass(frozen=True)
class Table:
    """Rows of text under headings.

    Attributes
    ----------
    title, note : str
        What it shows; what has to be known to read it, including what `NONE` stands for.
    columns : tuple of str
    numeric : int
        How many columns, counted from the right, hold numbers.
    rows : sequence of tuple of str
    key : str
        Under which ``templates/columns.toml`` explains the columns.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: int
    note: str = ""
    key: str = ""

    @property
    def text_columns(self) -> int:
        """Columns on the left that hold words."""
        return len(self.columns) - self.numeric


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "templates" / "tables.toml").read_text(encoding="utf-8"))


def worded(
    key: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]], numeric: int, **words: str
) -> Table:
    """A table with its title and note from ``templates/tables.toml``, `words` filled in."""
    told = {name: text.format(none=NONE, **words) for name, text in _words()[key].items()}
    return Table(told["title"], tuple(columns), rows, numeric, told["note"], key)


def digits(run: RunData) -> Table:
    """Median digits at the robust best step, by stencil and format."""
    rows = run.best_rows(variant="integer")
    rows = rows[rows["digits"].notna()]
    if rows.empty:
        raise Missing("No table of digits: no series has a robust best step.")
    cells = []
    for order, stencil in _stencils(rows):
        mine = select(rows, derivative=order, stencil=stencil)
        medians = mine.groupby("format")["digits"].median()
        cells.append((derivative_symbol(order), stencil, *(fixed(medians.get(f)) for f in run.formats)))
    series = rows.groupby(["problem", "point"]).ngroups
    columns = ("derivative", "stencil", *run.formats)
    return worded("digits", columns, cells, len(run.formats), points=count(series, "problem point"))


def steps(run: RunData) -> Table:
    """Robust best steps relative to the problem's scale, beside the predicted ones."""
    rows = run.scaled_best(variant="integer")
    if rows.empty:
        raise Missing("No table of best steps: no series has a robust best step.")
    cells = []
    for order, stencil in _stencils(rows):
        line = [derivative_symbol(order), stencil]
        for name in run.formats:
            mine = select(rows, derivative=order, stencil=stencil, format=name)
            both = mine[mine["h_predicted"] > 0]
            predicted = (both["h_predicted"] / both["scale"]).median()
            line += [number(mine["step"].median(), 2), number(predicted, 2)]
        cells.append(tuple(line))
    heads = [f"{name} {what}" for name in run.formats for what in ("measured", "predicted")]
    return worded("steps", ("derivative", "stencil", *heads), cells, len(heads))


def orders(run: RunData) -> Table:
    """Observed order of the truncation against theory, and the slope of the rounding part."""
    rows = select(run.summary, variant="integer")
    rows = rows[rows["observed_order"].notna()]
    if rows.empty:
        raise Missing("No table of orders: no series has an observed order.")
    cells = []
    for order, stencil in _stencils(rows):
        mine = select(rows, derivative=order, stencil=stencil)
        exact, finite = mine[np.isinf(mine["observed_order"])], mine[np.isfinite(mine["observed_order"])]
        known = finite[finite["expected_order"].notna()]
        distance = (known["observed_order"] - known["expected_order"]).abs()
        numbers = (
            number(mine["accuracy"].iloc[0]),
            number(finite["observed_order"].median(), 4),
            f"{int((distance <= 0.01).sum())} of {len(known)}",
            number(distance.max(), 2),
            str(int((known["expected_order"] > known["accuracy"]).sum())),
            str(len(exact)),
            fixed(mine["rounding_slope"].median(), 2),
        )
        cells.append((derivative_symbol(order), stencil, *numbers))
    return worded("orders", ORDER_COLUMNS, cells, len(ORDER_COLUMNS) - 2)


def variants(run: RunData) -> Table:
    """Digits of the variants of the stencil arithmetic over the same problems."""
    rows = run.summary[run.summary["digits"].notna()]
    others = [v for v in ("float", "mixed") if (rows["variant"] == v).any()]
    if not others:
        raise Missing("No table of variants: the run has only the variant integer.")
    names = ["integer", *others]
    keys = ["problem", "point", "format", "stencil", "derivative"]
    every = rows.pivot_table(index=keys, columns="variant", values="digits", aggfunc="first")
    wide = every.reindex(columns=names).dropna()
    if wide.empty:
        raise Missing("No table of variants: no series was measured in all of them.")
    flat = wide.reset_index()
    cells = []
    for name in [f for f in run.formats if (flat["format"] == f).any()]:
        for order, stencil in _stencils(select(flat, format=name)):
            mine = select(flat, format=name, derivative=order, stencil=stencil)
            medians = [fixed(mine[v].median(), 2) for v in names]
            cells.append((name, derivative_symbol(order), stencil, str(len(mine)), *medians))
    return worded("variants", ("format", "derivative", "stencil", "series", *names), cells, 1 + len(names))


def _stencils(rows: pd.DataFrame) -> list[tuple[int, str]]:
    return [
        (int(m), s)
        for m in sorted(rows["derivative"].unique())
        for s in stencil_order(select(rows, derivative=m)["stencil"])
    ]
