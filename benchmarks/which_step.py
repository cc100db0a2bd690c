"""The tables of docs/which-step.md, from the files of a run folder.

    .venv/bin/diffbench run                                     # the catalogue, into reports/latest
    .venv/bin/python benchmarks/which_step.py reports/latest    # rewrites the part between the markers

Only `summary.csv` and `leaderboard.csv` are read; nothing is computed again. A run without a tournament gives
the first table alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import formats
from diffbench.errors import UserError

PAGE = Path(__file__).parent.parent / "docs" / "which-step.md"
BEGIN, END = "<!-- results: benchmarks/which_step.py -->\n", "<!-- end of results -->\n"
STENCILS = ("forward-1", "central-2", "central-4", "central-6")
#: Rows of the second table, those that stand in the run.
METHODS = (
    "auto",
    "central-2@1e-4",
    "central-2@1e-5",
    "forward-1@eps-absolute",
    "central-2@eps-absolute",
    "central-2@eps-scaled",
    "central-4@eps-scaled",
    "central-2@dumontet-vignes",
    "central-2@shi-xie-central",
    "central-2@pnd-kink",
    "ridders",
    "numdifftools",
    "scipy.differentiate",
    "jacobi",
    "complex-step",
    "jet",
)


def steps_table(summary: pd.DataFrame) -> str:
    """How the robust best step compares with eps^(1/(m+p)) max(1, |x|), by format and stencil."""
    rows = summary[
        summary["variant"].eq("integer") & summary["h_best"].gt(0) & summary["derivative"].isin([1, 2])
    ]
    names = ("format", "derivative", "stencil", "exponent of eps", "c, median", "c, 80 % of problems")
    lines = ["| " + " | ".join((*names, "digits, median")) + " |", "|---" * 7 + "|"]
    for (name, m), group in rows.groupby(["format", "derivative"], sort=False):
        for stencil in STENCILS:
            found = group[group["stencil"] == stencil]
            if len(found) < 10:
                continue
            order = int(m) + int(found["accuracy"].iloc[0])
            rule = formats()[str(name)].eps ** (1 / order) * np.maximum(1.0, found["x"].abs())
            factor = found["h_best"] / rule
            low, middle, high = (_short(v) for v in factor.quantile([0.1, 0.5, 0.9]))
            digits = found["digits"].median()
            lines.append(
                f"| {name} | {m} | {stencil} | 1/{order} | {middle} | {low} to {high} | {digits:.1f} |"
            )
    return "\n".join(lines) + "\n"


def methods_table(board: pd.DataFrame, name: str) -> str:
    """What rules, estimators and libraries make of the catalogue in one format, first derivative."""
    rows = board[(board["format"] == name) & (board["derivative"] == 1)].set_index("method")
    lines = [
        f"| {name} | median error | 90 % | regret, median | silently wrong | failed | evaluations |",
        "|---|---|---|---|---|---|---|",
    ]
    for method in METHODS:
        if method not in rows.index:
            continue
        row = rows.loc[method]
        if not row["ok"] and not row["failed"]:
            continue  # it has no such format
        numbers = [_short(row[c]) for c in ("error_median", "error_p90", "regret_median")]
        counts = [f"{int(row[c])}" for c in ("silent_wrong", "failed")]
        evaluations = f"{row['evaluations_median']:g}"
        lines.append("| " + " | ".join([f"`{method}`", *numbers, *counts, evaluations]) + " |")
    return "\n".join(lines) + "\n"


def _short(value: float) -> str:
    value = float(value)
    return f"{value:.2g}" if np.isfinite(value) else "-" if np.isnan(value) else "inf"


def results(folder: Path) -> str:
    """The text between the markers."""
    try:
        summary = pd.read_csv(folder / "summary.csv")
    except FileNotFoundError:
        raise UserError(f"{folder} is not a run folder: it has no summary.csv") from None
    problems = summary["problem"].nunique()
    text = (
        f"Over {problems} problems of one run, `h = c eps^(1/(m+p)) max(1, |x|)` at the robust best step:\n\n"
    )
    text += steps_table(summary)
    if (folder / "leaderboard.csv").exists():
        board = pd.read_csv(folder / "leaderboard.csv")
        text += "\nWhat becomes of the usual choices, relative errors of the first derivative:\n"
        for name in ("float64", "float32", "float16", "bfloat16"):
            if name in set(board["format"]):
                text += "\n" + methods_table(board, name)
    return text


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "reports/latest")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise UserError(f"{PAGE.name} has lost its markers")
    PAGE.write_text(before + BEGIN + "\n" + results(folder) + "\n" + END + after, encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name} from {folder}\n")


if __name__ == "__main__":
    main()
