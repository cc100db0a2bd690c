"""``auto`` on the catalogue of this project: every problem and point with a certified derivative, by format.

    python benchmarks/catalogue_auto.py                        the table of docs/auto.md
    python benchmarks/catalogue_auto.py --formats float16 --rows    and every row to look at

A row is silently wrong if its relative error exceeds 1e-3 and 100 times the robust best error of central-2 for the
same problem, point and format; flagged if the status is not ``ok``; failed without a finite number. Problems
whose truth is another function's (noise put on a smooth one, a solver, a quadrature) have a row of their own.
"""

from __future__ import annotations

import argparse
import sys
import warnings

import numpy as np
import pandas as pd

import diffbench as db
from diffbench.tournament.rows import TournamentSettings, tournament_cell, wrong_from  # noqa: F401

FORMATS = ("float64", "float32", "float16", "bfloat16")
HEADER = (
    "| format | points | failed | silently wrong | flagged | median relative error | covered, all |"
    " covered, not flagged | bound / error | evaluations: median | 95 % | most |\n|" + "---|" * 12
)


def rows_of(format_name: str, method: str = "auto", derivative: int = 1) -> pd.DataFrame:
    """All judged rows of a format; ``own`` says whether the truth is the derivative of the program itself."""
    settings = TournamentSettings(methods=(method,), derivatives=(derivative,))
    parts = []
    for problem in db.problems().values():
        if problem.formats and format_name not in problem.formats:
            continue
        rows = tournament_cell(problem, format_name, settings)["steps"]
        parts.append(rows.assign(own=problem.truth is None))
    rows = pd.concat(parts, ignore_index=True)
    return scored(rows[rows["judged"] & (rows["relative_to"] != "")])


def scored(rows: pd.DataFrame) -> pd.DataFrame:
    """What is counted of each row."""
    finite = np.isfinite(rows["estimate"])
    flagged = finite & (rows["status"] != "ok")
    error = rows["error"].abs()
    best = rows["error_best"]
    unit = (error / rows["relative_error"]).where(rows["relative_error"] > 0)
    del best, unit
    return rows.assign(
        lost=~finite,
        flagged=flagged,
        wrong=rows["silent_wrong"] & ~flagged,
        covered=finite & (error <= rows["error_estimate"]),
        ratio=(rows["error_estimate"] / error).where((error > 0) & np.isfinite(rows["error_estimate"])),
    )


def line(name: str, rows: pd.DataFrame) -> str:
    """One row of the table."""
    sure = rows[~rows["flagged"]]
    cells = [
        name,
        len(rows),
        int(rows["lost"].sum()),
        int(rows["wrong"].sum()),
        int(rows["flagged"].sum()),
        f"{rows['relative_error'].median():.1e}",
        f"{rows['covered'].mean():.3f}",
        f"{sure['covered'].mean():.3f}" if len(sure) else "-",
        f"{rows['ratio'].median():.1f}",
        f"{rows['evaluations'].median():.0f}",
        f"{np.percentile(rows['evaluations'], 95):.0f}",
        int(rows["evaluations"].max()),
    ]
    return "| " + " | ".join(map(str, cells)) + " |\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--derivative", type=int, default=1)
    parser.add_argument("--rows", action="store_true", help="every row that is lost, wrong or not covered")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.stdout.write(HEADER + "\n")
    for name in options.formats.split(","):
        rows = rows_of(name, derivative=options.derivative)
        sys.stdout.write(line(name, rows[rows["own"]]))
        if not rows["own"].all():
            sys.stdout.write(line(f"{name}, the truth is another function's", rows[~rows["own"]]))
        if options.rows:
            bad = rows[rows["lost"] | rows["wrong"] | ~rows["covered"]]
            columns = "problem point exact estimate error error_estimate evaluations status message".split()
            sys.stdout.write(bad[columns].to_string(index=False, max_colwidth=40) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
