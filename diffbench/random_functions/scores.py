"""What the rows of a method on random functions come to, and the lines of the table on the command line.

* :func:`score`: the numbers of some rows of one method.
* :func:`board`: every method, and every group of it, in every format: the content of ``random-scores.csv``.
* :func:`line`: one row of the Markdown table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.random_functions.groups import GROUPS, NARROW
from diffbench.random_functions.measure import Row, rows_frame

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"  # the group of all cases
RIGHT = 1e-3  # a flagged answer with a smaller relative error was flagged for nothing
GROUP_NAMES = tuple(dict.fromkeys((*GROUPS, *NARROW)))

HEADER = (
    "| method | failed | silently wrong | flagged | flagged, yet right to 1e-3 | median error | 95 % |"
    " coverage | coverage, not flagged | bound / error | evaluations: median | 95 % | most |\n|" + "---|" * 13
)


def score(rows: pd.DataFrame) -> dict[str, Any]:
    """Counts, errors, coverage and cost over rows of one method (columns of ``random-set.parquet``).

    Refused rows do not count. A case without a number has an infinite error, and its bound does not cover
    it; ``tightness`` is the median of bound / error over the cases with both, and an error that is not 0.
    """
    rows = rows[rows["judged"]]
    errors, claims = rows["relative_error"].to_numpy(float), rows["error_estimate"].to_numpy(float)
    flagged, covered = rows["flagged"].to_numpy(bool), rows["covered"].to_numpy(bool)
    evaluations, misses = rows["evaluations"].to_numpy(), rows["error"].to_numpy(float)
    bounded = bool(np.isfinite(claims).any())
    both = np.isfinite(claims) & np.isfinite(misses) & (misses > 0)
    return {
        "cases": len(rows),
        "failed": int(rows["failed"].sum()),
        "silent_wrong": int(rows["silent_wrong"].sum()),
        "flagged": int(flagged.sum()),
        "flagged_right": int((flagged & (errors < RIGHT)).sum()),
        "error_median": _median(errors),
        "error_p95": _p95(errors, method="inverted_cdf"),
        "coverage": float(covered.mean()) if bounded else math.nan,
        "coverage_unflagged": float(covered[~flagged].mean()) if bounded and (~flagged).any() else math.nan,
        "tightness": _median(claims[both] / misses[both]),
        "evaluations_median": _median(evaluations),
        "evaluations_p95": _p95(evaluations),
        "evaluations_max": int(evaluations.max()) if len(rows) else 0,
    }


def _median(values: Any) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _p95(values: Any, **options: Any) -> float:
    return float(np.percentile(values, 95, **options)) if len(values) else math.nan


def board(rows: pd.DataFrame) -> pd.DataFrame:
    """Scores by format, method and group; ``note`` says why a method that gave nothing took no part."""
    import pandas as pd

    lines = []
    for (fmt, method), mine in rows.groupby(["format", "method"], sort=False):
        note = "" if mine["judged"].any() else str(mine["message"].iloc[0])
        lines.append({"format": fmt, "method": method, "group": ALL, **score(mine), "note": note})
        for group in GROUP_NAMES:
            some = mine[mine["judged"] & (mine["group"] == group)]
            if len(some):
                lines.append({"format": fmt, "method": method, "group": group, **score(some), "note": ""})
    return pd.DataFrame(lines)


def line(name: str, rows: Sequence[Row]) -> str:
    """One row of the table under ``HEADER``; a method that took no part says why."""
    found = score(rows_frame(rows))
    if rows and not found["cases"]:
        return f"| {name} | absent: {rows[0].message} |" + " |" * 11
    cells = [
        name,
        *(found[key] for key in ("failed", "silent_wrong", "flagged", "flagged_right")),
        *(f"{found[key]:.1e}" for key in ("error_median", "error_p95")),
        *(_or_dash(found[key], ".4f") for key in ("coverage", "coverage_unflagged")),
        _or_dash(found["tightness"], ".1f"),
        *(f"{found[key]:.0f}" for key in ("evaluations_median", "evaluations_p95")),
        found["evaluations_max"],
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _or_dash(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)
