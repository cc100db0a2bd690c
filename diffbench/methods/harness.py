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
from diffbench.methods.limits import TimeLimitExceeded, time_limit
from diffbench.methods.measured import (
    Measured,
    Outcome,
    complaint,
    described,
    failure,
    record,
    spread,
    tells_points_apart,
)
from diffbench.methods.method import Method

__all__ = ["LIMIT", "Measured", "measure", "measure_points"]

Program = Callable[..., Any]
Truth = Callable[[int], Any]

LIMIT = 10.0  # seconds; the slowest rival takes a hundredth of it


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
        return [failure(fmt, "refused", reason)] * where.size
    if method.prepare is not None:
        method.prepare()  # before the clock runs
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
        if done.status or complaint(self.method, done.estimate, where.shape):
            return None
        if not tells_points_apart(done.estimate):
            return None
        claimed = spread(done.estimate.evaluations, where.shape, -1, np.int64)
        if claimed.sum() != done.evaluations:
            return None
        return [record(self.method, self.fmt, done, i, where.size, int(c)) for i, c in enumerate(claimed)]

    def alone(self, where: Any, truth: Truth | None, limit: float) -> Measured:
        done = self._run(where, truth, limit)
        if done.status:
            return failure(self.fmt, done.status, done.message, done)
        wrong = complaint(self.method, done.estimate, where.shape)
        if wrong:
            return failure(self.fmt, "error", wrong, done)
        return record(self.method, self.fmt, done, 0, 1, done.evaluations)

    def _run(self, where: Any, truth: Truth | None, limit: float) -> Outcome:
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
            except (Exception, SystemExit) as error:  # the method's or the function's: a record, no crash
                status, message = "error", described(error)
        seconds = time.perf_counter() - began
        said = (*getattr(estimate, "warnings", ()), *heard) if status == "" else tuple(heard)
        return Outcome(estimate, status, message, tuple(dict.fromkeys(said)), counted.evaluations, seconds)


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
