"""What estimates are judged by: the true derivatives of a problem at its points, and the robust best step.

* :func:`known_points`: the points of a problem in a format, with :class:`Known` for each.

The best step comes from a sweep of central-2 over the same grid of steps as a run's, with the same rounding
of the point, the same statuses and the same window, so it is the number that ``summary.csv`` has; only the
five parts of the errors, which no regret needs, are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.branches import robust_best
from diffbench.methods.finite_differences import Scheme
from diffbench.predictions import error_unit
from diffbench.problems import Problem
from diffbench.reference import from_mpf
from diffbench.sampling import STATUSES, PointResult, Subject, certified_for, sample_point
from diffbench.stencils import stencil_from_name
from diffbench.steps.grid import step_grid

YARDSTICK = "central-2"  # regret is measured against its robust best step
_OK = STATUSES.index("ok")


@dataclass(frozen=True)
class Judge:
    """What is known of one derivative at one point.

    Attributes
    ----------
    exact : float
        The true derivative; NaN where there is none or it is not known.
    ball : arb or None
        The same to its full precision.
    status : str
        ``ok`` if it is certified, else ``no_derivative``, ``uncertified`` or why the point has no truth.
    message : str
    unit : float
        What errors are relative to: |exact|, or the size of f over its scale where that is 0.
    relative_to : str
        ``derivative`` or ``scale``.
    h_best, error_best : float
        The robust best step of central-2, and the error it promises; NaN without one.
    left, right : float
        The one-sided derivatives.
    """

    exact: float
    ball: Any
    status: str
    message: str
    unit: float
    relative_to: str
    h_best: float
    error_best: float
    left: float
    right: float


@dataclass(frozen=True)
class Known:
    """One point of a problem in a format.

    Attributes
    ----------
    point : str
        As the problem lists it; joins the formats.
    x : number of the format
    judges : dict
        Derivative order -> :class:`Judge`.
    derivatives : ndarray, shape (K,)
        True f, f', f'', ... as float64, for oracles.
    curve : dict
        Derivative order -> (h, size of the error, ok) of the sweep of central-2.
    """

    point: str
    x: Any
    judges: dict[int, Judge]
    derivatives: Any
    curve: dict[int, tuple[Any, Any, Any]]


def known_points(
    problem: Problem, fmt: Format, derivatives: Sequence[int], per_decade: int = 20, kind: str = "decimal"
) -> list[Known]:
    """Truth and yardstick at every point of a problem; points that coincide in the format are kept once."""
    schemes = [Scheme(stencil_from_name(YARDSTICK, derivative=m)) for m in derivatives]
    found: dict[float, Known] = {}
    for point in problem.points:
        x = fmt.round(point)[()]
        if float(x) not in found:
            found[float(x)] = _known(problem, point, x, fmt, schemes, per_decade, kind)
    return list(found.values())


def _known(
    problem: Problem, point: float, x: Any, fmt: Format, schemes: list[Scheme], per_decade: int, kind: str
) -> Known:
    scale = problem.scale_at(point)
    # with a truth of its own a point is judged by its total error alone
    program = problem.truth or problem.function
    stated = problem.stated.get(point, {})
    subject = Subject(problem.function, point, scale, problem.domain, program, problem.opaque, stated)
    result = sample_point(subject, fmt, schemes, step_grid(fmt, scale, per_decade, kind))
    values = np.array([float(r.value) if _is_known(r) else math.nan for r in result.references])
    judges, curve = {}, {}
    for row, scheme in enumerate(schemes):
        m = scheme.stencil.derivative
        if result.columns:
            curve[m] = _curve(result, row)
        judges[m] = _judge(result, m, values, scale, fmt, curve.get(m))
    return Known(repr(point), x, judges, values, curve)


def _is_known(reference: Any) -> bool:
    return reference.status in ("ok", "uncertified")


def _curve(result: PointResult, row: int) -> tuple[Any, Any, Any]:
    h, error = (np.asarray(result.columns[name][row], dtype=float) for name in ("h", "error"))
    return h, np.abs(error), result.columns["code"][row] == _OK


def _judge(result: PointResult, m: int, values: Any, scale: float, fmt: Format, curve: Any) -> Judge:
    nan = math.nan
    if len(result.references) <= m:
        return Judge(nan, None, result.status, result.message, nan, "", nan, nan, nan, nan)
    truth = result.references[m]
    h, error = robust_best(*curve) if curve else (nan, nan)
    status, message = truth.status, truth.message
    if status == "ok" and not certified_for(truth, fmt):
        status, message = "uncertified", "the reference is not certified closely enough for this format"
    if status == "ok" and result.status != "ok":
        status, message = result.status, result.message
    exact = float(values[m])
    unit, relative_to = error_unit(values, m, scale)
    ball = from_mpf(truth.value) if math.isfinite(exact) else None
    sides = float(truth.left), float(truth.right)
    return Judge(exact, ball, status, message, unit, relative_to, h, error, *sides)
