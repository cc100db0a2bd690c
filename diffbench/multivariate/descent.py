"""Optimisation as the consumer of gradients: where a descent stalls because its gradient is wrong.

* ``descents(problem, fmt, ways, ...)``: gradient descent with Armijo's backtracking, and SciPy's BFGS, driven
  by each way of making a gradient; one row per iteration.

The function values that the line search sees are those of the format too. What is recorded of an iterate is
judged in float64: f - f* and the length of the true gradient (reverse mode at the iterate), so that a stall
is seen even where the driving gradient does not show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import DiffbenchError, MissingExtraError
from diffbench.multivariate.partials import gradient
from diffbench.problems.multivariate import MultivariateProblem

Program = Callable[..., Any]

#: Ways of making a gradient: method, and the step where it is not the rule's.
WAYS: tuple[tuple[str, float | None], ...] = (
    ("forward-1", 1e-2),
    ("forward-1", None),
    ("central-2", 1e-2),
    ("central-2", 1e-4),
    ("central-2", None),
    ("reverse", None),
)
COLUMNS = "problem format optimiser method step iteration evaluations value gap slope status message".split()

ARMIJO, SHRINK, SHORTEST = 1e-4, 0.5, 1e-12


@dataclass(frozen=True)
class DescentSettings:
    """Ways, optimisers, number of iterations, and the number of variables of a scalable problem."""

    ways: tuple[tuple[str, float | None], ...] = WAYS
    optimisers: tuple[str, ...] = ("gradient descent", "BFGS")
    iterations: int = 50
    n: int = 8


def descents(problem: MultivariateProblem, fmt: Format, settings: DescentSettings) -> pd.DataFrame:
    """One row per optimiser, way and iteration.

    Returns
    -------
    DataFrame
        ``value`` is f in float64, ``gap`` is f - f*, ``slope`` the length of the true gradient; f* is what
        BFGS with reverse mode reaches in float64.
    """
    x = np.array(problem.points[0]) if problem.start is None else problem.start(settings.n)
    least = lowest_value(problem.function, x)
    rows: list[dict[str, Any]] = []
    for optimiser in settings.optimisers:
        run = _gradient_descent if optimiser == "gradient descent" else _bfgs
        for method, step in settings.ways:
            about = {"problem": problem.name, "format": fmt.name, "optimiser": optimiser, "method": method}
            about["step"] = "rule" if step is None else f"{step:g}"
            track = _Track(problem.function, fmt, method, step)
            status, message = "ok", ""
            try:
                run(track, fmt.round(x), settings.iterations)
            except DiffbenchError as error:
                status, message = "refused", str(error)
            rows += [about | row | {"status": status, "message": message} for row in track.rows(least)]
    return pd.DataFrame(rows, columns=COLUMNS)


def lowest_value(f: Program, x: Any) -> float:
    """The least value near ``x`` in float64: damped Newton steps with exact gradients and Hessians."""
    from diffbench.multivariate.partials import hessian

    best = np.asarray(x, dtype=np.float64)
    track, damping = _Track(f, get_format("float64"), "reverse", None), 1.0
    value = track.wide(best)
    for _ in range(200):
        slope = track.slope(best)
        curvature = hessian(f, best, method="reverse").value
        moved = best - np.linalg.lstsq(curvature + damping * np.eye(len(best)), slope, rcond=None)[0]
        trial = track.wide(moved)
        if trial < value:
            best, value, damping = moved, trial, damping / 8
        elif damping < 1e6:
            damping = max(8 * damping, 1e-12)
        else:
            break
    return value


class _Track:
    """A function and a way of making its gradient, with the iterates they led to."""

    def __init__(self, f: Program, fmt: Format, method: str, step: float | None) -> None:
        self.f, self.format, self.method, self.step = f, fmt, method, step
        self.points: list[Any] = []
        self.spent: list[int] = []
        self.evaluations = 0
        self._arithmetic = None

    def value(self, x: Any) -> float:
        """F in the format."""
        from diffbench.arithmetic.ieee import FormatArithmetic

        self.evaluations += 1
        with np.errstate(all="ignore"):
            return float(FormatArithmetic(self.format).outcome(self.f, self.format.round(x)[:, None])[0])

    def slope(self, x: Any) -> Any:
        """The gradient in the format, as float64."""
        found = gradient(
            self.f,
            self.format.round(x),
            method=self.method,
            step=self.step,
            check=False,
            format=self.format.name,
        )
        self.evaluations += int(np.max(found.evaluations))
        return found.value.astype(np.float64)

    def wide(self, x: Any) -> float:
        """F in float64, for the record."""
        with np.errstate(all="ignore"):
            return float(self.f(np.asarray(x, dtype=np.float64)[:, None])[0])

    def keep(self, x: Any) -> None:
        """Record an iterate."""
        self.points.append(np.asarray(x, dtype=np.float64))
        self.spent.append(self.evaluations)

    def rows(self, least: float) -> list[dict[str, Any]]:
        """What the iterates are worth."""
        if not self.points:
            return [{"iteration": 0, "evaluations": 0, "value": np.nan, "gap": np.nan, "slope": np.nan}]
        stacked = np.stack(self.points, axis=1)
        with np.errstate(all="ignore"):
            slopes = np.sqrt(
                np.sum(gradient(self.f, stacked, method="reverse", check=False).value ** 2, axis=0)
            )
        values = [self.wide(x) for x in self.points]
        return [
            {"iteration": k, "evaluations": spent, "value": value, "gap": value - least, "slope": slope}
            for k, (spent, value, slope) in enumerate(zip(self.spent, values, slopes.tolist(), strict=True))
        ]


def _gradient_descent(track: _Track, x: Any, iterations: int) -> None:
    """Steepest descent; the first trial step is twice the last accepted one."""
    point, length = np.asarray(x, dtype=np.float64), 1.0
    value = track.value(point)
    track.keep(point)
    for _ in range(iterations):
        slope = track.slope(point)
        squared = float(np.dot(slope, slope))
        if not np.isfinite(squared) or squared == 0:
            return
        length *= 2
        while length * np.sqrt(squared) > SHORTEST * max(1.0, float(np.max(np.abs(point)))):
            moved = track.format.round(point - length * slope).astype(np.float64)
            trial = track.value(moved)
            if trial <= value - ARMIJO * length * squared:
                break
            length *= SHRINK
        else:
            return  # no step goes down: this is where the gradient, or f itself, is not good enough
        point, value = moved, trial
        track.keep(point)


def _bfgs(track: _Track, x: Any, iterations: int) -> None:
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise MissingExtraError("scipy", "special", "BFGS") from None
    start = np.asarray(x, dtype=np.float64)
    track.keep(start)
    with np.errstate(all="ignore"):
        minimize(
            track.value,
            start,
            jac=track.slope,
            method="BFGS",
            callback=lambda xk: track.keep(xk),
            options={"maxiter": iterations, "gtol": 0.0},
        )


def stalls(rows: pd.DataFrame) -> pd.DataFrame:
    """Where each descent ends: the smallest true slope and gap, iterations and evaluations."""
    keys = ["problem", "format", "optimiser", "method", "step"]
    out: list[dict[str, Any]] = []
    if "optimiser" not in rows:  # every descent was stopped
        return pd.DataFrame(out)
    for key, group in rows.groupby(keys, sort=False, observed=True):
        last = group.iloc[-1]
        out.append(
            dict(zip(keys, key, strict=True))
            | {
                "iterations": int(last["iteration"]),
                "evaluations": int(last["evaluations"]),
                "gap": float(last["gap"]),
                "slope": float(last["slope"]),
                "least_slope": float(group["slope"].min()),
                "status": str(last["status"]),
            }
        )
    return pd.DataFrame(out)
