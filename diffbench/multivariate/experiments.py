"""What a run computes in several variables, one task at a time.

``run_task("methods", problem, fmt)`` gives named frames; the tasks are ``methods``, ``descent``, ``field``,
``matrix`` and ``split``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import Format
from diffbench.methods.finite_differences import Scheme
from diffbench.multivariate.descent import DescentSettings, descents
from diffbench.multivariate.fields import FIELD, FIELD_METHODS, MATRIX, field_frame, matrix_frame, split_frame
from diffbench.multivariate.tournament import GradientSettings, gradient_frame, norms_frame
from diffbench.problems.multivariate import MultivariateProblem
from diffbench.stencils import stencil_from_name

Frames = dict[str, pd.DataFrame]


def run_task(task: str, problem: MultivariateProblem, fmt: Format) -> Frames:
    """The frames of one task for one problem in one format."""
    return TASKS[task](problem, fmt)


def _methods(problem: MultivariateProblem, fmt: Format) -> Frames:
    rows = gradient_frame(problem, fmt, GradientSettings())
    return {"gradients": rows, "norms": norms_frame(rows)}


def _descent(problem: MultivariateProblem, fmt: Format) -> Frames:
    return {"descents": descents(problem, fmt, DescentSettings())}


def _field(problem: MultivariateProblem, fmt: Format) -> Frames:
    _, xs, ys, count = FIELD
    rows = field_frame(problem.function, fmt, (xs[0], ys[0]), (xs[1], ys[1]), count, FIELD_METHODS)
    return {"fields": _labelled(rows, problem, fmt)}


def _matrix(problem: MultivariateProblem, fmt: Format) -> Frames:
    rows = matrix_frame(problem.function, fmt, np.linspace(-1.0, 1.5, MATRIX[1]), FIELD_METHODS)
    return {"matrices": _labelled(rows, problem, fmt)}


def _split(problem: MultivariateProblem, fmt: Format) -> Frames:
    schemes = [Scheme(stencil_from_name(name)) for name in FIELD_METHODS]
    rows = split_frame(problem.function, fmt, np.array(problem.points[0]), schemes)
    return {"splits": _labelled(rows, problem, fmt)}


def _labelled(rows: pd.DataFrame, problem: MultivariateProblem, fmt: Format) -> pd.DataFrame:
    rows.insert(0, "format", fmt.name)
    rows.insert(0, "problem", problem.name)
    return rows.assign(status="ok")


TASKS: dict[str, Callable[[MultivariateProblem, Format], Frames]] = {
    "methods": _methods,
    "descent": _descent,
    "field": _field,
    "matrix": _matrix,
    "split": _split,
}
