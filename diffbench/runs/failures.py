"""Rows for a cell that has no results: why, in the columns of every other row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diffbench.arithmetic.formats import get_format
from diffbench.frames import references_frame, sweep_frame
from diffbench.sampling import PointResult
from diffbench.scores import summarise
from diffbench.steps.grid import Steps

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.problems import Problem
    from diffbench.sweep import SweepSettings


def failure_frames(
    problem: Problem, format_name: str, settings: SweepSettings, status: str, message: str
) -> dict[str, pd.DataFrame]:
    """The frames of a cell that was stopped or broke: every stencil has one row, without a step.

    Parameters
    ----------
    status : str
        ``timeout`` or ``error``.
    message : str
        What happened; the first line is kept.
    """
    fmt = get_format(format_name)
    text = (message.strip().splitlines() or [status])[0]
    no_steps = Steps(np.empty(0), np.empty(0, dtype=fmt.dtype))
    results = {}
    for point in problem.points:
        x = fmt.round(point)
        nothing = PointResult(float(x), str(x), [], settings.schemes(fmt), {}, status, text)
        results[repr(point)] = (nothing, no_steps, problem.scale_at(point))
    rows = sweep_frame(problem.name, fmt, results)
    references = references_frame(problem.name, fmt, results, {})
    return {"sweep": rows, "references": references, "summary": summarise(rows, references)}
