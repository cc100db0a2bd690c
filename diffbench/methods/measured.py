"""What a call of a method is turned into: one record per point, whatever came back.

* :class:`Measured`: the record.
* :class:`Outcome`: one call, at one point or at many.
* ``record``, ``failure``: the record of a point, from a number or from its absence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.methods.estimate import Estimate
from diffbench.methods.method import Method


@dataclass(frozen=True)
class Measured:
    """What a method made of one point; numbers are float64 (longdouble for longdouble).

    Attributes
    ----------
    estimate : Estimate or None
        What the method returned, if it returned one; for several points, theirs together.
    value, error_estimate, h : floating
        NaN where there is none.
    evaluations : int
        Function values counted where the program was called.
    claimed : int
        What the method says it used; -1 where it said nothing.
    status, message : str
        ``ok``, the method's own status, or ``refused timeout error domain overflow`` with the reason.
    warnings : tuple of str
        Warnings on the way, each text once; counting that disagrees with the claim.
    seconds : float
        Wall time, of which the strict arithmetic is a part; the mean over points of a joint call.
    """

    estimate: Estimate | None
    value: Any
    error_estimate: Any
    h: Any
    evaluations: int
    claimed: int
    status: str
    message: str
    warnings: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """One call: what came back or what went wrong."""

    estimate: Any
    status: str
    message: str
    warnings: tuple[str, ...]
    evaluations: int
    seconds: float


def record(method: Method, fmt: Format, done: Outcome, i: int, size: int, counted: int) -> Measured:
    """The record of point ``i`` of a call at ``size`` points."""
    found: Estimate = done.estimate
    wide = np.longdouble if fmt.name == "longdouble" else np.float64

    def number(value: Any) -> Any:
        return spread(value, (size,), np.nan, wide)[i]

    claimed = int(spread(found.evaluations, (size,), -1, np.int64)[i])
    value = number(found.value)
    status = str(spread(found.status if found.statuses is None else found.statuses, (size,), "ok", str)[i])
    message = found.message if status != "ok" or found.status == "ok" else ""
    status, message = _judge(method, status, message, value)
    notes = done.warnings
    if claimed not in (-1, counted):
        notes = (*notes, f"claims {claimed} evaluations, {counted} were counted")
    elif counted == 0 and np.isfinite(value):
        notes = (*notes, "returned a number without calling the function")
    error, h = number(found.error), number(found.h)
    return Measured(found, value, error, h, counted, claimed, status, message, notes, done.seconds / size)


def failure(fmt: Format, status: str, message: str, done: Outcome | None = None) -> Measured:
    """The record of a call that gave no number."""
    nan = np.longdouble("nan") if fmt.name == "longdouble" else np.float64("nan")
    if done is None:
        return Measured(None, nan, nan, nan, 0, -1, status, message, (), 0.0)
    return Measured(None, nan, nan, nan, done.evaluations, -1, status, message, done.warnings, done.seconds)


def _judge(method: Method, status: str, message: str, value: Any) -> tuple[str, str]:
    """A number that is not finite has a status, whatever the method says."""
    if status != "ok":
        return status, message
    if np.isnan(value):
        return "domain", message or f"{method.name} returned NaN without saying why"
    if np.isinf(value):
        return "overflow", message or f"{method.name} returned an infinite number"
    return status, message


def described(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def complaint(method: Method, estimate: Any, shape: tuple[int, ...]) -> str:
    """What is wrong with a result, or nothing."""
    if not isinstance(estimate, Estimate):
        return f"{method.name} returned {estimate!r:.60}, not an Estimate"
    problem = _shape_problem(estimate.value, shape)
    return f"{method.name} returned {problem}" if problem else ""


def _shape_problem(value: Any, shape: tuple[int, ...]) -> str:
    try:
        array = np.asarray(value)
    except Exception as error:
        return f"something that is no array ({described(error)})"
    if array.dtype.kind not in "iuf" and array.dtype.name != "bfloat16":
        return f"{value!r:.60}, which is not a real number"
    if array.shape != shape and not (array.ndim == 0 and shape == (1,)):
        return f"an array of shape {array.shape} for x of shape {shape}"
    return ""


def spread(value: Any, shape: tuple[int, ...], missing: Any, dtype: Any) -> Any:
    """A number or an array as one entry per point; what is neither is missing."""
    try:
        array = np.asarray(missing if value is None else value)
        return np.broadcast_to(
            array.astype(dtype, casting="same_kind" if array.dtype.kind == "c" else "unsafe"), shape
        )
    except Exception:  # text for a number, another shape: the method's own affair
        return np.full(shape, missing, dtype=dtype)


def tells_points_apart(found: Estimate) -> bool:
    """Whether one estimate for many points says of each how it went; it has one message for all."""
    if found.statuses is None:
        return found.status == "ok"
    return len({str(s) for s in np.ravel(found.statuses)} - {"ok"}) <= 1
