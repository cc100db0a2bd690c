"""``auto`` on the catalogue of this project: every problem and point with a certified derivative, by format.

    python benchmarks/catalogue_auto.py                        the table of docs/auto.md
    python benchmarks/catalogue_auto.py --formats float16 --rows    and every row to look at

A row is silently wrong if its relative error exceeds 1e-3 and 100 times the robust best error of central-2
for the same problem, point and format; flagged if the status is not ``ok``; failed without a finite number.
Points where f(x) or f'(x) is no number of the format count as ``beyond the format`` and nowhere else.
Problems whose truth is another function's (noise put on a smooth one, a solver) have a row of their own.
The easy half are the points at which the robust best step of central-2 has a relative error up to its median.
"""

from __future__ import annotations

import argparse
import sys
import warnings

import numpy as np
import pandas as pd

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.tournament.rows import TournamentSettings, tournament_cell

FORMATS = ("float64", "float32", "float16", "bfloat16")
HEADER = (
    "| format | points | beyond the format | failed | silently wrong | flagged | median relative error |"
    " covered, all | covered, not flagged | bound / error | evaluations: median | 95 % | most |\n|"
    + "---|" * 13
    + "\n"
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
    return scored(rows[rows["judged"]], get_format(format_name).max)


def scored(rows: pd.DataFrame, largest: float) -> pd.DataFrame:
    """What is counted of each row; ``beyond``: f(x) or the derivative is no number of the format."""
    finite = np.isfinite(rows["estimate"])
    flagged = finite & (rows["status"] != "ok")
    error = rows["error"].abs()
    beyond = rows["status"].isin(("domain", "overflow")) | ~(rows["exact"].abs() <= largest)
    return rows.assign(
        beyond=beyond,
        lost=~finite & ~beyond,
        flagged=flagged,
        wrong=rows["silent_wrong"] & ~flagged,
        covered=finite & (error <= rows["error_estimate"]),
        ratio=(rows["error_estimate"] / error).where((error > 0) & np.isfinite(rows["error_estimate"])),
    )


def easy_half(rows: pd.DataFrame) -> pd.DataFrame:
    """The points at which a central difference with the best step is more precise than at the others."""
    best = rows["error_best"] / rows["exact"].abs()
    return rows[best <= best.median()]


def line(name: str, rows: pd.DataFrame) -> str:
    """One row of the table."""
    everything, rows = len(rows), rows[~rows["beyond"]]
    sure = rows[~rows["flagged"]]
    cells = [
        name,
        everything,
        everything - len(rows),
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
    sys.stdout.write(HEADER)
    for name in options.formats.split(","):
        rows = rows_of(name, derivative=options.derivative)
        own = rows[rows["own"]]
        sys.stdout.write(line(name, own))
        sys.stdout.write(line(f"{name}, the easy half", easy_half(own[~own["beyond"]])))
        if not rows["own"].all():
            sys.stdout.write(line(f"{name}, the truth is another function's", rows[~rows["own"]]))
        if options.rows:
            bad = rows[rows["lost"] | rows["wrong"] | ~rows["covered"]]
            columns = "problem point exact estimate error error_estimate evaluations status message".split()
            sys.stdout.write(bad[columns].to_string(index=False, max_colwidth=40) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
