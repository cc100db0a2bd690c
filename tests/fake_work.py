"""Stand-ins for the sweep engine, imported by name in the worker processes; each fails in its own way."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import pandas as pd

SWEEP_NUMBERS = (
    "h_requested h estimate exact error truncation abscissa evaluation weights combination".split()
)


def good(problem: Any, format_name: str, settings: Any) -> dict[str, pd.DataFrame]:
    """Frames with the columns of a sweep; the numbers depend on the problem, the format and the point."""
    sweep, references, summary = [], [], []
    for point in problem.points:
        x = float(np.float32(point)) if format_name == "float32" else point
        generator = np.random.default_rng([*problem.name.encode(), *format_name.encode()])
        for m, names in settings.stencils.items():
            for name in names:
                for variant in settings.variants:
                    key = dict(problem=problem.name, point=repr(point), x=x, format=format_name)
                    key |= dict(stencil=name, derivative=m, accuracy=int(name[-1]), variant=variant)
                    numbers = generator.standard_normal((settings.per_decade, len(SWEEP_NUMBERS)))
                    rows = pd.DataFrame(numbers, columns=SWEEP_NUMBERS).assign(**key)
                    sweep.append(rows.assign(evaluations=2, truncation_zero=False, status="ok", message=""))
                    summary.append(key | dict(observed_order=float(m), h_best=0.1, digits=1 / 3, reason=""))
        for m in range(3):
            row = dict(
                problem=problem.name, point=repr(point), x=x, derivative=m, value=x / 3 + m, radius=0.0
            )
            references.append(row | dict(value_digits="0." + "3" * 49, mpmath_agrees=None if m else True))
    frame = pd.DataFrame(references)
    frame["mpmath_agrees"] = frame["mpmath_agrees"].astype("boolean")
    sweep_frame = pd.concat(sweep, ignore_index=True).astype({"stencil": "category", "status": "category"})
    return {"sweep": sweep_frame, "references": frame, "summary": pd.DataFrame(summary)}


def failing(problem: Any, format_name: str, settings: Any) -> dict[str, pd.DataFrame]:
    """One cell raises, one kills its process, one never ends; the others are good."""
    if (problem.name, format_name) == ("sin", "float32"):
        raise ArithmeticError("planted failure\nwith a second line")
    if (problem.name, format_name) == ("cos", "float32"):
        os._exit(7)
    if (problem.name, format_name) == ("exp", "float32"):
        time.sleep(60)
    return good(problem, format_name, settings)


def dies(problem: Any, format_name: str, settings: Any) -> dict[str, pd.DataFrame]:
    """Every cell ends its process."""
    os._exit(7)


def must_not_run(problem: Any, format_name: str, settings: Any) -> dict[str, pd.DataFrame]:
    """For runs that should find everything stored."""
    raise AssertionError("a stored cell was computed again")
