"""How far an estimated gradient is from the true one: per component, in norms, and as an angle.

Descent sees the angle: a gradient of the wrong length is a wrong step size, one of the wrong direction is a
step that need not go down.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from diffbench.arithmetic.balls import to_balls, working_precision

Array = np.ndarray[Any, Any]

BITS = 320


def errors(estimate: Any, exact: Any) -> Array:
    """Estimate minus truth (balls), rounded once to float64; NaN where the estimate is not finite."""
    values = np.asarray(estimate)
    flat = values.astype(np.longdouble if values.dtype == np.longdouble else np.float64).reshape(-1)
    known = np.isfinite(flat)
    with working_precision(BITS):
        balls = to_balls(np.where(known, flat, 0)) - np.asarray(exact, dtype=object).reshape(-1)
        found = np.array([float(b) for b in balls.tolist()])
    return np.where(known, found, np.nan).reshape(values.shape)


def as_floats(balls: Any) -> Array:
    """Midpoints of balls as float64."""
    array = np.asarray(balls, dtype=object)
    return np.array([float(b.mid() if isinstance(b, arb) else b) for b in array.ravel()]).reshape(array.shape)


def norms(error: Array, exact: Array) -> dict[str, float]:
    """Relative errors in the largest component and in length, and the angle in radians.

    The angle is Kahan's 2 atan2(|a/|a| - b/|b||, |a/|a| + b/|b||), which keeps small angles. It is NaN where
    either vector is 0.
    """
    e, g = np.ravel(error).astype(np.float64), np.ravel(exact).astype(np.float64)
    with np.errstate(all="ignore"):
        largest, length = np.max(np.abs(g)), _length(g)
        scaled = {
            "max_error": np.max(np.abs(e)) / largest if largest else np.nan,
            "norm_error": _length(e) / length if length else np.nan,
        }
        return {name: float(v) for name, v in scaled.items()} | {"angle": _angle(e, g)}


def _length(v: Array) -> float:
    """The 2-norm without overflow."""
    size = float(np.max(np.abs(v)))
    return size * float(np.sqrt(np.sum((v / size) ** 2))) if size > 0 and np.isfinite(size) else size


def _angle(e: Array, g: Array) -> float:
    a, b = _length(g + e), _length(g)
    if not (a > 0 and b > 0 and np.isfinite(a)):
        return float("nan")
    # a/|a| - b/|b| = (e - g (|a| - |b|)/|b|) / |a|, in which the error is not lost beside g
    growth = float(np.dot(e / a, (2 * g + e) / (a + b)))  # (|a| - |b|) / |a|
    difference = e / a - (g / b) * growth
    return 2 * float(np.arctan2(_length(difference), _length((g + e) / a + g / b)))
