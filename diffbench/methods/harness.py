"""One safe call of a method: counted, limited in time, and whatever it does becomes a record.

* ``measure(method, program, fmt, x)``: one point.
* ``measure_points(method, program, fmt, points)``: many, in one call where the method is vectorised; a point
  that fails does not touch the others.

Nothing a method or a function does gets out as an exception (Ctrl-C excepted): a refusal, an exception, a
time limit, NaN, text, an array of another shape are a status and a message. Function values are counted
where the program is called; what a method claims is kept beside it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import MissingExtraError, RefusedError
from diffbench.methods.counting import CountedProgram
from diffbench.methods.estimate import Estimate
from diffbench.methods.limits import TimeLimitExceeded, time_limit
from diffbench.methods.method import Method

Program = Callable[..., Any]
Truth = Callable[[int], Any]

LIMIT = 10.0  # seconds; the slowest rival takes a hundredth of it


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


def measure(
    method: Method,
    program: Program,
    fmt: Format,
    x: Any,
    derivative: int = 1,
    *,
    opaque: bool = False,
    truth: Truth | None = None,
    limit: float = LIMIT,
) -> Measured:
    """Run a method at one point.

    Parameters
    ----------
    method : Method
    program : callable
        A plain NumPy function, elementwise.
    fmt : Format
        Where the program runs.
    x : scalar
        The point; rounded to the format.
    derivative : int
        Order m.
    opaque : bool
        The program gets plain arrays of the format instead of wrapped values.
    truth : callable, optional
        Order k -> the true f^(k)(x), for methods that are an ``oracle``; they are refused without it.
    limit : float
        Seconds.
    """
    return measure_points(
        method, program, fmt, np.reshape(x, (1,)), derivative, opaque=opaque, truth=truth, limit=limit
    )[0]


def measure_points(
    method: Method,
    program: Program,
    fmt: Format,
    points: Any,
    derivative: int = 1,
    *,
    opaque: bool = False,
    truth: Truth | None = None,
    limit: float = LIMIT,
) -> list[Measured]:
    """Run a method at many points; parameters as for :func:`measure`, ``limit`` for each point.

    Rivals are called point by point, as their documentation shows them. Other methods get all points at
    once; only if that call fails, or counts other function values than the method claims, every point gets a
    call of its own, so that evaluations and failures belong to points.
    """
    where = fmt.round(np.asarray(points))
    reason = _refusal(method, fmt, derivative, truth)
    if reason:
        return [_failed(fmt, "refused", reason)] * where.size
    call = _Call(method, program, fmt, derivative, opaque)
    if method.family != "rival" and where.size > 1:
        together = call.together(where, truth, limit * where.size)
        if together is not None:
            return together
    return [call.alone(where[i : i + 1], _at(truth, i), limit) for i in range(where.size)]


def _refusal(method: Method, fmt: Format, derivative: int, truth: Truth | None) -> str:
    if method.oracle and truth is None:
        return f"{method.name} is an oracle: it needs the true derivatives"
    return method.refusal(fmt, derivative)


def _at(truth: Truth | None, index: int) -> Truth | None:
    if truth is None:
        return None
    return lambda order: np.atleast_1d(truth(order))[index : index + 1]


@dataclass(frozen=True)
class _Outcome:
    """One call: what came back or what went wrong."""

    estimate: Any
    status: str
    message: str
    warnings: tuple[str, ...]
    evaluations: int
    seconds: float


@dataclass(frozen=True)
class _Call:
    """A method on a program in a format."""

    method: Method
    program: Program
    fmt: Format
    derivative: int
    opaque: bool

    def together(self, where: Any, truth: Truth | None, limit: float) -> list[Measured] | None:
        """All points in one call, or None if it does not tell them apart."""
        done = self._run(where, truth, limit)
        if done.status or not _sensible(done.estimate, where.shape):
            return None
        if done.estimate.status != "ok" and done.estimate.statuses is None:
            return None  # somewhere something is wrong: find out where
        claimed = _spread(done.estimate.evaluations, where.shape, -1, np.int64)
        if claimed.sum() != done.evaluations:
            return None
        return [self._record(done, i, where.size, int(claimed[i])) for i in range(where.size)]

    def alone(self, where: Any, truth: Truth | None, limit: float) -> Measured:
        done = self._run(where, truth, limit)
        if done.status:
            return _failed(self.fmt, done.status, done.message, done)
        complaint = _complaint(self.method, done.estimate, where.shape)
        if complaint:
            return _failed(self.fmt, "error", complaint, done)
        return self._record(done, 0, 1, done.evaluations)

    def _record(self, done: _Outcome, i: int, size: int, counted: int) -> Measured:
        found: Estimate = done.estimate
        wide = np.longdouble if self.fmt.name == "longdouble" else np.float64

        def number(value: Any) -> Any:
            return _spread(value, (size,), np.nan, wide)[i]

        claimed = int(_spread(found.evaluations, (size,), -1, np.int64)[i])
        value = number(found.value)
        status = str(
            _spread(found.status if found.statuses is None else found.statuses, (size,), "ok", str)[i]
        )
        status, message = _judge(self.method, status, found.message, value)
        notes = done.warnings
        if claimed not in (-1, counted):
            notes = (*notes, f"claims {claimed} evaluations, {counted} were counted")
        elif counted == 0 and np.isfinite(value):
            notes = (*notes, "returned a number without calling the function")
        return Measured(
            found,
            value,
            number(found.error),
            number(found.h),
            counted,
            claimed,
            status,
            message,
            notes,
            done.seconds / size,
        )

    def _run(self, where: Any, truth: Truth | None, limit: float) -> _Outcome:
        counted = CountedProgram(self.program, self.opaque)
        options = {"truth": truth} if self.method.oracle else {}
        estimate, status, message = None, "", ""
        began = time.perf_counter()
        with _heard() as heard:
            try:
                counted.deadline = time.monotonic() + limit
                with time_limit(limit):
                    estimate = self.method.estimate(counted, self.fmt, where, self.derivative, **options)
            except TimeLimitExceeded:
                status, message = "timeout", f"{self.method.name} was not finished after {limit:g} s"
            except (RefusedError, MissingExtraError) as error:
                status, message = "refused", str(error)
            except (
                Exception,
                SystemExit,
            ) as error:  # the method's or the function's own: a record, not a crash
                status, message = "error", described(error)
        seconds = time.perf_counter() - began
        said = (*getattr(estimate, "warnings", ()), *heard) if status == "" else tuple(heard)
        return _Outcome(estimate, status, message, tuple(dict.fromkeys(said)), counted.evaluations, seconds)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect warnings as texts, whatever the filters of the process say."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield texts
        finally:
            texts += dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)


def described(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _sensible(estimate: Any, shape: tuple[int, ...]) -> bool:
    return isinstance(estimate, Estimate) and not _shape_problem(estimate.value, shape)


def _complaint(method: Method, estimate: Any, shape: tuple[int, ...]) -> str:
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


def _spread(value: Any, shape: tuple[int, ...], missing: Any, dtype: Any) -> Any:
    """A number or an array as one entry per point; what is neither is missing."""
    try:
        return np.broadcast_to(np.asarray(missing if value is None else value, dtype=dtype), shape)
    except (TypeError, ValueError, OverflowError):
        return np.full(shape, missing, dtype=dtype)


def _judge(method: Method, status: str, message: str, value: Any) -> tuple[str, str]:
    """A number that is not finite has a status, whatever the method says."""
    if status != "ok":
        return status, message
    if np.isnan(value):
        return "domain", message or f"{method.name} returned NaN without saying why"
    if np.isinf(value):
        return "overflow", message or f"{method.name} returned an infinite number"
    return status, message


def _failed(fmt: Format, status: str, message: str, done: _Outcome | None = None) -> Measured:
    nan = np.longdouble("nan") if fmt.name == "longdouble" else np.float64("nan")
    if done is None:
        return Measured(None, nan, nan, nan, 0, -1, status, message, (), 0.0)
    return Measured(None, nan, nan, nan, done.evaluations, -1, status, message, done.warnings, done.seconds)
