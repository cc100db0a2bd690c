"""The tables of digits, steps, orders and variants, as text that people read, for both pages.

Each function takes a run and gives a :class:`Table`, or raises ``Missing`` with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diffbench.report.data import Missing, RunData, select, stencil_order
from diffbench.report.text import NONE, count, derivative_symbol, fixed, number


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
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: int
    note: str = ""

    @property
    def text_columns(self) -> int:
        """Columns on the left that hold words."""
        return len(self.columns) - self.numeric


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
    return Table(
        "Digits at the robust best step",
        ("derivative", "stencil", *run.formats),
        cells,
        len(run.formats),
        f"Median over up to {count(series, 'problem point')} of −log₁₀ of the relative error (relative to "
        "max|f| / scale where "
        f"the derivative is 0); rows of summary.csv with variant integer. {NONE}: no series in that format.",
    )


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
            line += [
                number(mine["step"].median(), 2),
                number((both["h_predicted"] / both["scale"]).median(), 2),
            ]
        cells.append(tuple(line))
    heads = [f"{name} {what}" for name in run.formats for what in ("measured", "predicted")]
    return Table(
        "Best steps, relative to the scale of the problem",
        ("derivative", "stencil", *heads),
        cells,
        len(heads),
        "Medians of h_best / scale and h_predicted / scale over the series of summary.csv with variant "
        "integer; the scale "
        f"of a problem is max(1, |x|) unless it states one. {NONE}: no series, or theory names no step (no "
        "truncation term, or f(x) = 0).",
    )


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
        cells.append(
            (
                derivative_symbol(order),
                stencil,
                number(mine["accuracy"].iloc[0]),
                number(finite["observed_order"].median(), 4),
                f"{int((distance <= 0.01).sum())} of {len(known)}",
                number(distance.max(), 2),
                str(int((known["expected_order"] > known["accuracy"]).sum())),
                str(len(exact)),
                fixed(mine["rounding_slope"].median(), 2),
            )
        )
    return Table(
        "Observed order of the truncation, and slope of the rounding",
        (
            "derivative",
            "stencil",
            "order p",
            "median observed",
            "within 0.01 of expected",
            "largest distance",
            "raised by symmetry",
            "truncation 0",
            "rounding slope",
        ),
        cells,
        7,
        "Series of summary.csv with variant integer, all formats. Expected is the first term of the Taylor "
        "expansion that is "
        "not 0: symmetry can raise it above p. Truncation 0: polynomials that the stencil differentiates "
        "exactly. The rounding "
        f"slope should be near −m. {NONE}: no series with that number.",
    )


def variants(run: RunData) -> Table:
    """Digits of the variants of the stencil arithmetic over the same problems."""
    rows = run.summary[run.summary["digits"].notna()]
    others = [v for v in ("float", "mixed") if (rows["variant"] == v).any()]
    if not others:
        raise Missing("No table of variants: the run has only the variant integer.")
    names = ["integer", *others]
    keys = ["problem", "point", "format", "stencil", "derivative"]
    wide = (
        rows.pivot_table(index=keys, columns="variant", values="digits", aggfunc="first")
        .reindex(columns=names)
        .dropna()
    )
    if wide.empty:
        raise Missing("No table of variants: no series was measured in all of them.")
    flat = wide.reset_index()
    cells = []
    for name in [f for f in run.formats if (flat["format"] == f).any()]:
        for order, stencil in _stencils(select(flat, format=name)):
            mine = select(flat, format=name, derivative=order, stencil=stencil)
            medians = [fixed(mine[v].median(), 2) for v in names]
            cells.append((name, derivative_symbol(order), stencil, str(len(mine)), *medians))
    return Table(
        "Digits by variant of the stencil arithmetic",
        ("format", "derivative", "stencil", "series", *names),
        cells,
        1 + len(names),
        "Medians of digits at the robust best step over the series that have all variants. integer: "
        "integer numerators, one "
        "division; float: weights rounded to the format; mixed: f in the format, sums and division in "
        "float32.",
    )


def _stencils(rows: pd.DataFrame) -> list[tuple[int, str]]:
    return [
        (int(m), s)
        for m in sorted(rows["derivative"].unique())
        for s in stencil_order(select(rows, derivative=m)["stencil"])
    ]
