"""The tables of a report, as text that people read; both pages print the same cells.

Each function takes a run and gives a :class:`Table`, or raises :class:`Missing` with the reason why it has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diffbench.report.data import STATUSES, RunData, select, stencil_order
from diffbench.report.figures import Missing
from diffbench.report.text import NONE, count, derivative_symbol, fixed, number, point_text

MEANING = {
    "refused": "the function cannot run in this format",
    "timeout": "the cell took longer than the suite allows",
    "error": "the function or the method raised an exception",
    "domain": "a node left the domain of the function",
    "overflow": "an intermediate result is infinite in the format",
    "underflow": "the divisor is 0 in the format",
    "step_vanished": "h is 0, or two nodes round to the same number",
    "no_derivative": "the true derivative does not exist at this point",
    "uncertified": "the reference could not be certified closely enough",
    "ok": "estimate, certified error and its parts",
}
HARDEST = 12


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


def all_tables(run: RunData) -> tuple[dict[str, Table], list[str]]:
    """Every table that the run has, by key, and sentences on those it has not."""
    tables: dict[str, Table] = {}
    missing: list[str] = []
    makers: dict[str, Callable[[RunData], Table]] = {
        "digits": digits,
        "steps": steps,
        "orders": orders,
        "variants": variants,
        "statuses": statuses,
        "references": references,
        "hardest": hardest,
        "benchmarks": benchmarks,
        "environment": environment,
    }
    for key, make in makers.items():
        try:
            tables[key] = make(run)
        except Missing as reason:
            missing.append(str(reason))
    return tables, missing


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
        f"Median over up to {count(series, 'problem point')} of −log₁₀ of the relative error (relative to max|f| / scale where "
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
        "Medians of h_best / scale and h_predicted / scale over the series of summary.csv with variant integer; the scale "
        f"of a problem is max(1, |x|) unless it states one. {NONE}: no series, or theory names no step (no truncation term, or f(x) = 0).",
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
        "Series of summary.csv with variant integer, all formats. Expected is the first term of the Taylor expansion that is "
        "not 0: symmetry can raise it above p. Truncation 0: polynomials that the stencil differentiates exactly. The rounding "
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
        "Medians of digits at the robust best step over the series that have all variants. integer: integer numerators, one "
        "division; float: weights rounded to the format; mixed: f in the format, sums and division in float32.",
    )


def statuses(run: RunData) -> Table:
    """Rows of the sweep by status and format, with the commonest message."""
    counts = run.status_counts
    if counts.empty:
        raise Missing("No table of statuses: the sweep has no rows.")
    cells = []
    for status in [s for s in STATUSES if (counts["status"] == s).any()]:
        mine = counts[counts["status"] == status]
        by_format = mine.groupby("format")["rows"].sum()
        messages = mine[mine["message"] != ""].groupby("message")["rows"].sum().sort_values(ascending=False)
        reason = MEANING[status]
        if status in ("refused", "error", "timeout") and len(messages):
            problems = mine.loc[mine["message"] == messages.index[0], "problem"].nunique()
            reason = f"{reason}; most often ({count(problems, 'problem')}): {messages.index[0][:160]}"
        cells.append((status, reason, *(f"{int(by_format.get(f, 0))}" for f in run.formats)))
    return Table(
        "Rows by status",
        ("status", "what it means", *run.formats),
        cells,
        len(run.formats),
        f"All {count(int(counts['rows'].sum()), 'row')} of sweep.parquet. A row has the first status that applies, in this order.",
    )


def references(run: RunData) -> Table:
    """How well the truth is known."""
    rows = run.references
    if rows.empty:
        raise Missing("No table of references: references.parquet has no rows.")
    used = rows[
        rows["derivative"].between(1, max(1, int(run.summary["derivative"].max() if len(run.summary) else 1)))
    ]
    cells = []
    for name, mine in (("all derivatives", rows), ("derivatives that are estimated", used)):
        ok = mine[mine["status"] == "ok"]
        relative = (ok["radius"] / ok["value"].abs()).where(ok["value"] != 0)
        checked = mine["mpmath_agrees"].dropna()
        cells.append(
            (
                name,
                str(len(mine)),
                str(len(ok)),
                number(relative.max(), 2),
                f"{int(checked.sum())} of {len(checked)}",
                str(int((mine["kind"] == "one-sided").sum() + mine["kind"].isin(["kink", "jump"]).sum())),
            )
        )
    return Table(
        "References",
        (
            "rows",
            "number",
            "certified",
            "worst relative radius",
            "mpmath agrees",
            "without a two-sided derivative",
        ),
        cells,
        5,
        "Rows of references.parquet: derivatives of the program at the exact point of each format, enclosed by Arb and checked "
        f"against mpmath to 45 digits. {NONE}: no value that is not 0.",
    )


def hardest(run: RunData) -> Table:
    """The problems that keep the fewest digits, whatever the stencil."""
    rows = run.best_rows(variant="integer", derivative=run.main_derivative)
    rows = rows[rows["digits"].notna()]
    name = "float64" if "float64" in run.formats else run.formats[-1] if run.formats else ""
    rows = select(rows, format=name)
    if rows.empty:
        raise Missing("No table of the hardest problems: no series of the widest format has digits.")
    best = rows.loc[rows.groupby(["problem", "point"], sort=False)["digits"].idxmax()].sort_values(
        "digits", kind="stable"
    )
    groups = run.problems.set_index("problem")["group"].to_dict() if len(run.problems) else {}
    cells = []
    for row in best.head(HARDEST).itertuples():
        cells.append(
            (
                str(row.problem),
                str(groups.get(row.problem, NONE)),
                str(row.stencil),
                point_text(row.point),
                fixed(row.digits),
                number(row.h_best, 2),
                number(row.error_best, 2),
            )
        )
    return Table(
        f"Hardest problems in {name}",
        ("problem", "group", "best stencil", "x", "digits", "best step", "absolute error there"),
        cells,
        4,
        f"The {len(cells)} problem points with the fewest digits even with their best stencil; first derivative and variant "
        "integer of summary.csv."
        if run.main_derivative == 1
        else "Variant integer of summary.csv.",
    )


def benchmarks(run: RunData) -> Table:
    """Timings of pytest-benchmark, with the ratios that the benchmarks note down."""
    found = run.timings.get("benchmarks", [])
    cells = []
    for item in found if isinstance(found, list) else []:
        extra = item.get("extra_info", {})
        notes = ", ".join(f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in extra.items())
        median = item.get("stats", {}).get("median", math.nan)
        cells.append(
            (
                str(item.get("name", "")).removeprefix("test_").replace("_", " "),
                notes or NONE,
                _seconds(median),
            )
        )
    if not cells:
        raise Missing("No benchmark ratios: the run has no timings.json.")
    return Table(
        "Benchmarks of the engine",
        ("benchmark", "ratios and facts", "median time"),
        cells,
        1,
        f"From timings.json (pytest-benchmark). {NONE}: the benchmark notes nothing down.",
    )


def environment(run: RunData) -> Table:
    """What the numbers depend on, from the manifest."""
    if not run.manifest:
        raise Missing("No environment: the run has no manifest.json.")
    cells = [(key, text) for key, text in _environment_rows(run.manifest) if text]
    return Table("Environment", ("what", "value"), cells, 0, "From manifest.json.")


def _environment_rows(manifest: dict[str, object]) -> list[tuple[str, str]]:
    suite = manifest.get("suite")
    suite = suite if isinstance(suite, dict) else {"name": suite}
    versions = manifest.get("versions")
    versions = versions if isinstance(versions, dict) else {}
    features = manifest.get("cpu_features")
    listed = " ".join(map(str, features)) if isinstance(features, list) else features
    rows = {
        "command": manifest.get("command"),
        "suite": " ".join(str(suite[key])[:40] for key in ("name", "hash") if suite.get(key)),
        "git revision": manifest.get("git_revision") or "not in a git checkout",
        "processor": manifest.get("cpu_model"),
        "NumPy's active CPU features": listed,
        "longdouble": manifest.get("longdouble"),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items() if version),
        "start": manifest.get("start"),
        "end": manifest.get("end"),
    }
    return [(key, "" if value is None else str(value)) for key, value in rows.items()]


def _stencils(rows: pd.DataFrame) -> list[tuple[int, str]]:
    return [
        (int(m), s)
        for m in sorted(rows["derivative"].unique())
        for s in stencil_order(select(rows, derivative=m)["stencil"])
    ]


def _seconds(value: object) -> str:
    seconds = float(value) if isinstance(value, int | float) else math.nan
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit:
            return f"{number(seconds / unit)} {name}"
    return NONE if math.isnan(seconds) else f"{number(seconds / 1e-9)} ns"


def _plain(value: object) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
