"""The data frames of a sweep: columns, types, and how point results become rows.

Column names and order are those of ``sweep.parquet`` and ``references.parquet`` (docs/method.md). Text that
repeats is categorical, with fixed categories where there is a fixed list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
REFERENCE_COLUMNS = (
    *("problem", "point", "x", "derivative", "value", "radius", "value_digits", "mpmath_agrees"),
    *("kind", "left", "right", "scale", "status", "message"),
)
_MESSAGES = {
    "ok": "",
    "error": "the function raised an exception",
    "domain": "a node left the domain of the function",
    "overflow": "an intermediate result is infinite in the format, or too large for the float64 columns",
    "underflow": "the divisor h^m is 0 in the format",
    "step_vanished": "two nodes round to the same number",
    "no_derivative": "the derivative does not exist here; see the one-sided derivatives in the references",
    "uncertified": "the reference is not certified closely enough",
}
Results = Mapping[str, tuple[PointResult, Steps, float]]
Floor = Mapping[int, tuple[float, float]]  # order -> value and error of autodiff


def sweep_frame(problem: str, fmt: Format, results: Results) -> pd.DataFrame:
    """Rows of one problem in one format, points in order, schemes in order, steps decreasing."""
    texts = {name: _Texts() for name in ("point", "stencil", "message")}
    blocks = [_rows(point, fmt, found[0], found[1], texts) for point, found in results.items()]
    data = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    rows = len(data["h"])
    frame = {
        "problem": _categorical(np.zeros(rows, dtype=np.int8), [problem]),
        "format": _categorical(np.full(rows, NAMES.index(fmt.name), dtype=np.int8), NAMES),
        "variant": _categorical(data.pop("variant"), VARIANTS),
        "status": _categorical(data.pop("code"), STATUSES),
        **{name: _categorical(data.pop(name), list(seen)) for name, seen in texts.items()},
        **data,
    }
    extra = [name for name in data if name not in SWEEP_COLUMNS]
    return pd.DataFrame({name: frame[name] for name in (*SWEEP_COLUMNS, *extra)}, copy=False)


class _Texts(dict[str, int]):
    """Texts of a categorical column, numbered as they come."""

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]


def _categorical(codes: Any, categories: Sequence[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(codes, pd.Index(categories))


def _rows(
    point: str, fmt: Format, result: PointResult, steps: Steps, texts: Mapping[str, _Texts]
) -> dict[str, Any]:
    """Columns of one point: a row per scheme and step, or one per scheme (h = NaN) without a sweep."""
    schemes = result.schemes
    swept = bool(result.columns)
    shape = result.columns["code"].shape if swept else (len(schemes), 1)
    rows = shape[0] * shape[1]

    def per_scheme(values: list[Any], dtype: Any) -> Any:
        return np.repeat(np.array(values, dtype=dtype), shape[1])

    nan = np.full(rows, np.nan)
    with np.errstate(over="ignore"):  # a longdouble beyond float64 is a row with the status overflow
        data: dict[str, Any] = {
            name: np.ascontiguousarray(result.columns[name], dtype=np.float64).ravel() if swept else nan
            for name in ("h", "estimate", "exact", "error", *PARTS)
        }
    data |= {
        "point": np.full(rows, texts["point"][point], dtype=np.int32),
        "x": np.full(rows, result.x),
        "stencil": per_scheme([texts["stencil"][s.stencil.name] for s in schemes], np.int32),
        "derivative": per_scheme([s.stencil.derivative for s in schemes], np.int64),
        "accuracy": per_scheme([s.stencil.accuracy for s in schemes], np.int64),
        "variant": per_scheme([VARIANTS.index(s.variant) for s in schemes], np.int8),
        "h_requested": np.tile(steps.requested, shape[0]) if swept else nan,
        "evaluations": per_scheme([len(s.stencil.offsets) if swept else 0 for s in schemes], np.int64),
        "truncation_zero": result.columns["truncation_zero"].ravel() if swept else np.zeros(rows, dtype=bool),
        "code": result.columns["code"].ravel() if swept else np.full(rows, STATUSES.index(result.status)),
    }
    data["message"] = _messages(result, texts["message"])[data["code"]]
    if fmt.name == "longdouble":
        data |= _exact_texts(result, steps, rows, shape[0])
    return data


def _messages(result: PointResult, seen: _Texts) -> Any:
    """Number of the message for every status."""
    alone = {} if result.columns else {result.status: result.message}
    own = {"error": result.message} if result.message else {}
    texts = {**_MESSAGES, **own, **alone}
    return np.array([seen[texts.get(status, "")] for status in STATUSES], dtype=np.int32)


def _exact_texts(result: PointResult, steps: Steps, rows: int, schemes: int) -> dict[str, Any]:
    """Numbers of longdouble as text, since float64 columns cannot hold them exactly."""
    swept = bool(result.columns)
    h = [str(v) for v in np.tile(steps.h, schemes)] if swept else [""] * rows
    estimate = [str(v) for v in result.columns["estimate"].ravel()] if swept else [""] * rows
    return {
        "x_text": np.full(rows, result.x_text, dtype=object),
        "h_text": np.array(h, dtype=object),
        "estimate_text": np.array(estimate, dtype=object),
    }


def references_frame(
    problem: str, fmt: Format, results: Results, floors: Mapping[str, Floor]
) -> pd.DataFrame:
    """One row per point and derivative order; ``floors`` has what autodiff gave in the format, by point."""
    rows = []
    value, error = autodiff_columns(fmt.name)
    for point, (result, _, scale) in results.items():
        for ref in result.references:
            found = floors.get(point, {}).get(ref.derivative, (np.nan, np.nan))
            row = {"problem": problem, "point": point, **_reference_row(ref, result.x), "scale": scale}
            rows.append(row | {value: found[0], error: found[1]})
    frame = pd.DataFrame(rows, columns=[*REFERENCE_COLUMNS, value, error])
    return frame.astype({"mpmath_agrees": "boolean", value: float, error: float})


def autodiff_columns(format_name: str) -> tuple[str, str]:
    """Columns of the references for the autodiff value and its error in a format."""
    return f"autodiff_{format_name}", f"autodiff_error_{format_name}"


def join_references(references: pd.DataFrame) -> pd.DataFrame:
    """One row per problem, point, x and derivative: formats that share an x share its row."""
    key = ["problem", "point", "x", "derivative"]
    rows = references.drop_duplicates(key, ignore_index=True)
    for name in [name for name in references.columns if name.startswith("autodiff_")]:
        known = references.dropna(subset=[name]).drop_duplicates(key).set_index(key)[name]
        rows[name] = known.reindex(pd.MultiIndex.from_frame(rows[key])).to_numpy()
    return rows


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
