"""The data frames of a sweep: columns, types, and how point results become rows.

Column names and order are those of ``sweep.parquet`` and ``references.parquet`` (docs/method.md). Text that
repeats is categorical, with fixed categories where there is a fixed list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import NAMES, Format
from diffbench.methods.finite_differences import VARIANTS
from diffbench.reference import Reference
from diffbench.sampling import STATUSES, PointResult
from diffbench.split import PARTS
from diffbench.steps.grid import Steps

SWEEP_COLUMNS = (
    *("problem", "point", "x", "format", "stencil", "derivative", "accuracy", "variant", "h_requested", "h"),
    *("evaluations", "estimate", "exact", "error", *PARTS, "status", "truncation_zero", "message"),
)
_MESSAGES = {
    "ok": "",
    "error": "the function raised an exception",
    "domain": "a node left the domain of the function",
    "overflow": "an intermediate result is infinite in the format",
    "underflow": "the divisor h^m is 0 in the format",
    "step_vanished": "two nodes round to the same number",
    "no_derivative": "the derivative does not exist here; see the one-sided derivatives in the references",
    "uncertified": "the reference is not certified closely enough",
}
Results = Mapping[str, tuple[PointResult, Steps, float]]


def sweep_frame(problem: str, fmt: Format, results: Results) -> pd.DataFrame:
    """Rows of one problem in one format, points in order, schemes in order, steps decreasing."""
    blocks = [_rows(point, fmt, *found[:2]) for point, found in results.items()]
    data = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    rows = len(data["h"])
    status = pd.Categorical.from_codes(data.pop("code"), list(STATUSES))
    frame = {
        "problem": _constant(problem, rows),
        "format": pd.Categorical.from_codes(np.full(rows, NAMES.index(fmt.name)), list(NAMES)),
        "variant": pd.Categorical.from_codes(data.pop("variant"), list(VARIANTS)),
        "status": status,
        **{name: pd.Categorical(data.pop(name)) for name in ("point", "stencil", "message")},
        **data,
    }
    extra = [name for name in data if name not in SWEEP_COLUMNS]
    return pd.DataFrame({name: frame[name] for name in (*SWEEP_COLUMNS, *extra)}, copy=False)


def _constant(text: str, rows: int) -> pd.Categorical:
    return pd.Categorical.from_codes(np.zeros(rows, dtype=np.int8), [text])


def _rows(point: str, fmt: Format, result: PointResult, steps: Steps) -> dict[str, Any]:
    """Columns of one point; a point without a sweep is one row with h = NaN per scheme's derivative."""
    if not result.columns:
        return _single_row(point, fmt, result)
    schemes, shape = result.schemes, result.columns["code"].shape

    def per_scheme(values: list[Any], dtype: Any = None) -> Any:
        return np.repeat(np.array(values, dtype=dtype), shape[1])

    data: dict[str, Any] = {
        name: np.ascontiguousarray(v, dtype=np.float64).ravel() for name, v in _floats(result).items()
    }
    code = result.columns["code"].ravel()
    messages = np.array([_MESSAGES.get(status, "") for status in STATUSES], dtype=object)[code]
    if result.message:
        messages[code == STATUSES.index("error")] = result.message
    data |= {
        "point": np.full(code.size, point, dtype=object),
        "x": np.full(code.size, result.x),
        "stencil": per_scheme([s.stencil.name for s in schemes], object),
        "derivative": per_scheme([s.stencil.derivative for s in schemes]),
        "accuracy": per_scheme([s.stencil.accuracy for s in schemes]),
        "variant": per_scheme([VARIANTS.index(s.variant) for s in schemes], np.int8),
        "h_requested": np.tile(steps.requested, shape[0]),
        "evaluations": result.columns["evaluations"].ravel(),
        "truncation_zero": result.columns["truncation_zero"].ravel(),
        "code": code,
        "message": messages,
    }
    if fmt.name == "longdouble":
        data["x_text"] = np.full(code.size, result.x_text, dtype=object)
        data["h_text"] = np.array([str(h) for h in np.tile(steps.h, shape[0])], dtype=object)
        data["estimate_text"] = np.array([str(v) for v in result.columns["estimate"].ravel()], dtype=object)
    return data


def _floats(result: PointResult) -> dict[str, Any]:
    return {name: result.columns[name] for name in ("h", "estimate", "exact", "error", *PARTS)}


def _single_row(point: str, fmt: Format, result: PointResult) -> dict[str, Any]:
    """One row per stencil, so that every group of the summary knows why it is empty."""
    schemes = result.schemes
    count = len(schemes)
    nan = np.full(count, np.nan)
    data: dict[str, Any] = {name: nan for name in ("h_requested", "h", "estimate", "exact", "error", *PARTS)}
    data |= {
        "point": np.full(count, point, dtype=object),
        "x": np.full(count, result.x),
        "stencil": np.array([s.stencil.name for s in schemes], dtype=object),
        "derivative": np.array([s.stencil.derivative for s in schemes]),
        "accuracy": np.array([s.stencil.accuracy for s in schemes]),
        "variant": np.array([VARIANTS.index(s.variant) for s in schemes], dtype=np.int8),
        "evaluations": np.zeros(count, dtype=np.int64),
        "truncation_zero": np.zeros(count, dtype=bool),
        "code": np.full(count, STATUSES.index(result.status)),
        "message": np.full(count, result.message, dtype=object),
    }
    if fmt.name == "longdouble":
        for name in ("x_text", "h_text", "estimate_text"):
            data[name] = np.full(count, result.x_text if name == "x_text" else "", dtype=object)
    return data


def references_frame(problem: str, results: Results) -> pd.DataFrame:
    """One row per point and derivative order."""
    rows = []
    for point, (result, _, scale) in results.items():
        for ref in result.references:
            rows.append({"problem": problem, "point": point, **_reference_row(ref, result.x), "scale": scale})
    columns = "problem point x derivative value radius value_digits mpmath_agrees kind left right scale status message"
    frame = pd.DataFrame(rows, columns=columns.split())
    return frame.astype({"mpmath_agrees": "boolean"})


def _reference_row(ref: Reference, x: float) -> dict[str, Any]:
    return {
        "x": x,
        "derivative": ref.derivative,
        "value": float(ref.value),
        "radius": float(ref.radius),
        "value_digits": ref.digits(),
        "mpmath_agrees": ref.mpmath_agrees,
        "kind": ref.kind,
        "left": float(ref.left),
        "right": float(ref.right),
        "status": ref.status,
        "message": ref.message,
    }
