"""What the pictures of several variables show: fields over a plane, a Jacobian's errors, and exact splits.

* ``field_frame``: the gradient of a function of two variables over a grid of points, and its error.
* ``matrix_frame``: every entry of a Jacobian, and its error.
* ``split_frame``: the five parts of the error along a coordinate or a direction, over a grid of steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import Format
from diffbench.multivariate.along import along_coordinate, along_direction
from diffbench.multivariate.partials import gradient, jacobian
from diffbench.multivariate.scores import as_floats, errors
from diffbench.multivariate.truth import certify
from diffbench.sampling import Subject, sample_point
from diffbench.split import PARTS
from diffbench.steps.grid import step_grid

Program = Callable[..., Any]

#: Function, range of x, range of y and number of points on each axis of the field.
FIELD = ("rosen", (-2.0, 2.0), (-1.0, 3.0), 17)
FIELD_METHODS = ("forward-1", "central-2")
MATRIX = ("broyden_banded", 14)


def field_frame(f: Program, fmt: Format, low: Any, high: Any, count: int, methods: Any) -> pd.DataFrame:
    """Gradients on a grid, exact and estimated; one row per method and point.

    Returns
    -------
    DataFrame
        ``method x y gx gy ex ey``: the true gradient and the error of its estimate.
    """
    xs, ys = (fmt.round(np.linspace(a, b, count)) for a, b in zip(low, high, strict=True))
    points = np.stack([v.ravel() for v in np.meshgrid(xs, ys)])
    truths = [certify(f, points[:, k], orders=1, check=False).gradient for k in range(points.shape[1])]
    exact = np.stack(truths, axis=1)
    known = as_floats(exact)
    frames = []
    for method in methods:
        found = gradient(f, points, method=method, check=False)
        error = errors(found.value, exact)
        columns = {
            "x": points[0],
            "y": points[1],
            "gx": known[0],
            "gy": known[1],
            "ex": error[0],
            "ey": error[1],
        }
        frames.append(pd.DataFrame({name: np.asarray(v, dtype=float) for name, v in columns.items()}))
        frames[-1].insert(0, "method", method)
    return pd.concat(frames, ignore_index=True)


def matrix_frame(f: Program, fmt: Format, x: Any, methods: Any) -> pd.DataFrame:
    """Every entry of a Jacobian: ``method row column exact error h``."""
    point = fmt.round(x)
    truth = certify(f, point, orders=1, check=False).gradient
    known, frames = as_floats(truth), []
    rows, columns = np.indices(known.shape)
    for method in methods:
        found = jacobian(f, point, method=method, check=False)
        h = np.nan if found.h is None else np.broadcast_to(found.h.astype(float), known.shape).ravel()
        table = {"row": rows.ravel(), "column": columns.ravel(), "exact": known.ravel()}
        frames.append(pd.DataFrame(table | {"error": errors(found.value, truth).ravel(), "h": h}))
        frames[-1].insert(0, "method", method)
    return pd.concat(frames, ignore_index=True)


def split_frame(f: Program, fmt: Format, x: Any, schemes: Any, per_decade: int = 2) -> pd.DataFrame:
    """The exact split along each coordinate and along (1, ..., 1), for every scheme and step.

    Along a direction the program is t -> f(x + t v) at t = 0: its nodes are exact, and the rounding of
    x + t v is charged to the evaluation.

    Returns
    -------
    DataFrame
        ``direction stencil h error truncation abscissa evaluation weights combination status``.
    """
    point, frames = fmt.round(x), []
    directions = [*range(len(point)), None]
    for i in directions:
        program = (
            along_direction(f, point, np.ones_like(point)) if i is None else along_coordinate(f, point, i)
        )
        at = 0.0 if i is None else float(point[i])
        scale = max(1.0, float(np.max(np.abs(point.astype(float)))) if i is None else abs(at))
        steps = step_grid(fmt, scale, per_decade)
        found = sample_point(Subject(program, at, scale), fmt, schemes, steps)
        if not found.columns:
            continue
        for k, scheme in enumerate(schemes):
            part = {name: np.asarray(found.columns[name][k], dtype=float) for name in ("h", "error", *PARTS)}
            frames.append(pd.DataFrame(part))
            frames[-1].insert(0, "stencil", scheme.stencil.name)
            frames[-1].insert(0, "direction", "(1, ..., 1)" if i is None else f"x[{i}]")
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
