"""Does the expected error of an advice hold? On random functions, whose derivatives are known exactly.

    .venv/bin/python benchmarks/advise_random.py                  # seeds 101 and 103, 250 cases each
    .venv/bin/python benchmarks/advise_random.py --seed 7 --cases 100 --kind few

``held``: the share of answers whose error at the advised step is at most the expected one. ``around``: the
same for the steps of few bits within a quarter of a decade of it, on average; ``any``: for steps with all
their bits, whose nodes are no numbers of the format. Constants of the advice use seeds below 1000.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import diffbench as db
from diffbench.advice.curve import HALF_WINDOW
from diffbench.advice.probe import Probe, dyadic
from diffbench.errors import UserError
from diffbench.stencils import stencil_from_name

sys.path.insert(0, str(Path(__file__).parent))
from random_set import cases, narrow_cases

#: kind of advice -> (format, as for a function that is only known by calling it, effort)
KINDS: dict[str, tuple[str, bool, str | None]] = {
    "values": ("float64", True, None),
    "few": ("float64", True, "few"),
    "values, float32": ("float32", True, None),
    "few, float32": ("float32", True, "few"),
    "values, float16": ("float16", True, None),
    "program, float32": ("float32", False, None),
    "program, float16": ("float16", False, None),
}


def measure(kind: str, seed: int, count: int) -> pd.DataFrame:
    """One row per case: its group, the status of the advice, and what held.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.
    seed, count : int
    """
    name = KINDS[kind][0]
    drawn = cases(seed, count) if name == "float64" else narrow_cases(seed, count, name)
    return pd.DataFrame([{"group": case.group, **_row(case, *KINDS[kind])} for case in drawn])


def _row(case: Any, name: str, opaque: bool, effort: str | None) -> dict[str, Any]:
    f = db.opaque(case.f) if opaque else case.f
    fmt = db.formats()[name]
    with np.errstate(all="ignore"):
        try:
            advice = db.advise(f, case.x, name, truth=case.truth, effort=effort)
        except UserError as error:
            return {"status": "refused", "message": str(error)}
        if not advice.stencil:
            return {"status": advice.status, "message": advice.message}
        # nothing is promised closer than the format's own rounding of the derivative
        enough = advice.expected_error + fmt.u * abs(case.truth)
        low, high = advice.h * 10**-HALF_WINDOW, advice.h * 10**HALF_WINDOW
        dense = np.unique(fmt.round(np.geomspace(low, high, 11)).astype(float))
        probe = Probe(f, fmt, advice.x)
        near, dense = (_below(probe, advice, h, case, enough) for h in (dyadic(fmt, low, high, 4), dense))
    return {
        "status": advice.status,
        "held": float(advice.check.actual <= enough),
        "around": near,
        "any": dense,
        "factor": advice.check.factor,
        "evaluations": advice.evaluations,
    }


def _below(probe: Probe, advice: Any, h: Any, case: Any, enough: float) -> float:
    error = np.abs(probe.estimates(stencil_from_name(advice.stencil, 1), h) - case.truth)
    return float(np.mean(error[np.isfinite(error)] <= enough)) if np.isfinite(error).any() else np.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, action="append", help="may be repeated")
    parser.add_argument("--cases", type=int, default=250)
    parser.add_argument("--kind", choices=KINDS, action="append", help="may be repeated; default: all")
    options = parser.parse_args()
    columns = ["held", "around", "any"]
    for kind in options.kind or KINDS:
        rows = pd.concat([measure(kind, seed, options.cases) for seed in options.seed or (101, 103)])
        known = rows[rows["held"].notna()]
        share = {"all": known, "ok": known[known["status"] == "ok"]}
        shown = [
            f"{name} ({len(g)}): " + ", ".join(f"{c} {g[c].mean():.3f}" for c in columns)
            for name, g in share.items()
        ]
        sys.stdout.write(f"{kind}: {'; '.join(shown)}; evaluations {known['evaluations'].median():.0f}\n")


if __name__ == "__main__":
    main()
