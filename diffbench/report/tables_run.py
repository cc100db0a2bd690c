"""The tables of statuses, references, hard problems, benchmarks and the environment, like `tables`."""

from __future__ import annotations

import math

from diffbench.report.data import STATUSES, Missing, RunData, select
from diffbench.report.tables import Table, worded
from diffbench.report.text import NONE, count, derivative_name, fixed, number, point_text

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
    total = count(int(counts["rows"].sum()), "row")
    columns = ("status", "what it means", *run.formats)
    return worded("statuses", columns, cells, len(run.formats), total=total)


def references(run: RunData) -> Table:
    """How well the truth is known."""
    rows = run.references
    if rows.empty:
        raise Missing("No table of references: references.parquet has no rows.")
    used = rows[rows["derivative"].isin(run.summary["derivative"])]
    cells = []
    for name, mine in (("all derivatives", rows), ("derivatives that are estimated", used)):
        ok = mine[mine["status"] == "ok"]
        relative = number((ok["radius"] / ok["value"].abs()).where(ok["value"] != 0).max(), 2)
        checked = mine["mpmath_agrees"].dropna()
        agree = f"{int(checked.sum())} of {len(checked)}"
        one_sided = str(int(mine["kind"].isin(["one-sided", "kink", "jump"]).sum()))
        cells.append((name, str(len(mine)), str(len(ok)), relative, agree, one_sided))
    columns = (
        "rows",
        "number",
        "certified",
        "worst relative radius",
        "mpmath agrees",
        "one-sided facts only",
    )
    return worded("references", columns, cells, len(columns) - 1)


def hardest(run: RunData) -> Table:
    """The problems that keep the fewest digits, whatever the stencil."""
    rows = run.best_rows(variant="integer", derivative=run.main_derivative)
    rows = rows[rows["digits"].notna()]
    name = "float64" if "float64" in run.formats else run.formats[-1] if run.formats else ""
    rows = select(rows, format=name)
    if rows.empty:
        raise Missing("No table of the hardest problems: no series of the widest format has digits.")
    best = rows.loc[rows.groupby(["problem", "point"], sort=False)["digits"].idxmax()]
    best = best.sort_values("digits", kind="stable").head(HARDEST)
    groups = run.problems.set_index("problem")["group"].to_dict() if len(run.problems) else {}
    cells = []
    for row in best.itertuples():
        names = (str(row.problem), str(groups.get(row.problem, NONE)), str(row.stencil))
        numbers = (fixed(row.digits), number(row.h_best, 2), number(row.error_best, 2))
        cells.append((*names, point_text(row.point), *numbers))
    columns = ("problem", "group", "best stencil", "x", "digits", "best step", "absolute error there")
    words = {"format": name, "derivative": derivative_name(run.main_derivative)}
    return worded("hardest", columns, cells, 4, points=count(len(cells), "problem point"), **words)


def benchmarks(run: RunData) -> Table:
    """Timings of pytest-benchmark, with the ratios that the benchmarks note down."""
    found = run.timings.get("benchmarks", [])
    cells = []
    for item in found if isinstance(found, list) else []:
        extra = item.get("extra_info", {})
        notes = ", ".join(f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in extra.items())
        median = item.get("stats", {}).get("median", math.nan)
        name = str(item.get("name", "")).removeprefix("test_").removeprefix("bench_").replace("_", " ")
        cells.append((name, notes or NONE, _seconds(median)))
    if not cells:
        raise Missing("No benchmark ratios: the run has no timings.json.")
    return worded("benchmarks", ("benchmark", "ratios and facts", "median time"), cells, 1)


def environment(run: RunData) -> Table:
    """What the numbers depend on, from the manifest."""
    if not run.manifest:
        raise Missing("No environment: the run has no manifest.json.")
    cells = [(key, text) for key, text in _environment_rows(run.manifest) if text]
    return worded("environment", ("what", "value"), cells, 0)


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


def _seconds(value: object) -> str:
    seconds = float(value) if isinstance(value, int | float) else math.nan
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit:
            return f"{number(seconds / unit)} {name}"
    return NONE if math.isnan(seconds) else f"{number(seconds / 1e-9)} ns"


def _plain(value: object) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
