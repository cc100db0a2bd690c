"""How good is the advice? Over the catalogue, the error at the advised step against the robust best step.

    .venv/bin/python benchmarks/advise_catalogue.py                      # the tables of docs/which-step.md
    .venv/bin/python benchmarks/advise_catalogue.py --opaque --few       # from values alone, and few of them

The factor is the error at the advised step over that of the robust best step of the same stencil, both at
least a unit roundoff of the derivative: 1 is as good as an exact sweep could tell, below 1 is luck.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

import diffbench as db
from diffbench.errors import RefusedError, UserError

FORMATS = ("float16", "bfloat16", "float32", "float64")


def measure(
    formats: Iterable[str] = FORMATS, derivative: int = 1, opaque: bool = False, effort: str | None = None
) -> pd.DataFrame:
    """One row per problem, point and format of the catalogue.

    Parameters
    ----------
    formats : iterable of str
    derivative : int
    opaque : bool
        Ask for advice as for a function that is only known by calling it; it is held against the certified
        derivative all the same.
    effort : str, optional
        As in :func:`diffbench.advise`.
    """
    rows = []
    for problem in db.problems().values():
        for name in formats:
            if problem.formats and name not in problem.formats:
                continue
            for x in dict.fromkeys(float(db.formats()[name].round(point)) for point in problem.points):
                rows.append(_row(problem, x, name, derivative, opaque or problem.opaque, effort))
    return pd.DataFrame(rows)


def _row(problem: Any, x: float, name: str, m: int, opaque: bool, effort: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"problem": problem.name, "x": x, "format": name, "derivative": m}
    truth = _derivative(problem, x, m) if opaque else None
    function = db.opaque(problem.function) if opaque else problem.function
    try:
        with np.errstate(all="ignore"):
            advice = db.advise(function, x, name, m, truth=truth, scale=problem.scale, effort=effort)
    except (UserError, RefusedError) as error:
        return row | {"status": "refused", "message": str(error)}
    return row | {
        "status": advice.status,
        "message": advice.message,
        "stencil": advice.stencil,
        "h": advice.h,
        "expected": advice.expected_error,
        "actual": advice.check.actual,
        "best": advice.check.error_best,
        "factor": advice.check.factor,
        "evaluations": advice.evaluations,
    }


def _derivative(problem: Any, x: float, m: int) -> float | None:
    try:
        found = db.reference(problem.truth or problem.function, x, m)
    except (UserError, RefusedError):
        return None
    return float(found.value) if found.status in ("ok", "uncertified") else None


def distribution(rows: pd.DataFrame) -> pd.DataFrame:
    """Median, 90 % and worst factor by format and status, and how often the expected error held."""
    known = rows[rows["factor"].notna()]
    groups = [("all", "all", known), *((f, "all", g) for f, g in known.groupby("format", sort=False))]
    groups += [("all", status, g) for status, g in known.groupby("status")]
    return pd.DataFrame(
        [
            {
                "format": name,
                "status": status,
                "cases": len(g),
                "median": g["factor"].median(),
                "p90": g["factor"].quantile(0.9),
                "worst": g["factor"].max(),
                "held": (g["actual"] <= g["expected"]).mean(),
                "evaluations": g["evaluations"].median(),
            }
            for name, status, g in groups
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--derivative", type=int, default=1)
    parser.add_argument("--opaque", action="store_true")
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--rows", type=int, default=5, help="how many of the worst to show")
    options = parser.parse_args()
    rows = measure(FORMATS, options.derivative, options.opaque, "few" if options.few else None)
    sys.stdout.write(distribution(rows).to_string(index=False, float_format=lambda v: f"{v:.3g}") + "\n")
    counts = rows["status"].value_counts().to_dict()
    sys.stdout.write(f"{len(rows)} cases: {counts}\n")
    worst = rows.sort_values("factor", ascending=False).head(options.rows)
    columns = ["problem", "x", "format", "stencil", "h", "factor", "status", "message"]
    sys.stdout.write(worst[columns].to_string(index=False, max_colwidth=60) + "\n")


if __name__ == "__main__":
    main()
