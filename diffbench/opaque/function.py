"""A function known only by calling it, made safe to sample: :class:`OpaqueFunction`.

It takes numbers or arrays of a format, of any shape, and answers with numbers of that format, of that shape,
whatever the function behind it can do: one point at a time (``math.sin``, a C extension, a simulation), whole
arrays, or a command line. Values are kept by x, calls may run in parallel and have a time limit. Where the
function raises or is too late the value is NaN and ``failures`` says why; an answer that is no number at all
(text, None, complex, another shape, a wider dtype) is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format, format_of, get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.values import Scalar
from diffbench.errors import RefusedError, UserError
from diffbench.opaque.answers import many_numbers, one_number
from diffbench.opaque.executors import Outcome, executor_named
from diffbench.opaque.repeats import Repeats, examine

RawArray = np.ndarray[Any, Any]

#: Seconds for one call, unless the user says otherwise: a function that hangs must not hang the benchmark.
TIMEOUT = 60.0
#: After so many calls that were too late the others are not tried.
MOST_LATE = 3
#: Calls that are handed to threads or processes at once.
PORTION = 64


class OpaqueFunction:
    """A callable as a function of points of a format.

    Parameters
    ----------
    function : callable
        Anything that takes one number, or an array of points elementwise, and gives one real number each.
    name : str, optional
        For tables and figures; default: the function's own.
    batch : bool, optional
        Whether it may be called with arrays. By default that is tried, and the answer compared with single
        calls; where they differ, or it raises, points are passed one at a time.
    executor : str or object with ``submit``
        ``serial`` (default), ``thread``, ``process``, or an executor of ``concurrent.futures``.
    jobs : int, optional
        Calls at once, for threads and processes.
    timeout : float or None
        Seconds for one call, 60 by default; None for no limit.
    cache : bool
        Keep values by x, so that no point is asked for twice.

    Attributes
    ----------
    calls : int
        Points the function was called with.
    failures : dict
        x (float) -> why there is no value.
    notes : list of str
        What a user of the values should know.

    Raises
    ------
    UserError
        If it is not callable or an option makes no sense.
    """

    #: Methods and samplers that look for it pass plain arrays of the format.
    opaque = True

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        batch: bool | None = None,
        executor: Any = "serial",
        jobs: int | None = None,
        timeout: float | None = TIMEOUT,
        cache: bool = True,
    ) -> None:
        if not callable(function):
            raise UserError(f"the function must be callable, not {type(function).__name__} {function!r:.40}")
        self.function = function
        self.__name__ = name or str(getattr(function, "__name__", type(function).__name__))
        self.batch = batch
        self.calls = 0
        self.failures: dict[float, str] = {}
        self.notes: list[str] = []
        self.keep = cache
        self._options = {"name": name, "batch": batch, "executor": executor, "jobs": jobs}
        self._options |= {"timeout": timeout, "cache": cache}
        self._executor = executor_named(executor, jobs, timeout)
        self._known: dict[tuple[str, Any], Any] = {}
        self._late = 0
        self._answered = False  # whether a call with a single point ever gave a value
        self._in_arrays = False  # whether single points are passed as arrays with one element

    def __call__(self, x: Any) -> Any:
        """Values at x, of its shape and format.

        Raises
        ------
        UserError
            If an answer is no real number of the format, or the function hangs.
        RefusedError
            If x is a number of an arithmetic in which only NumPy programs run.
        """
        if isinstance(x, Scalar):
            return self._in_arithmetic(x)
        points = np.asarray(x)
        fmt = format_of(points.dtype)
        values = self._values(np.ascontiguousarray(fmt.round(points)).reshape(-1), fmt)
        return values.reshape(points.shape)[()]

    def _in_arithmetic(self, x: Scalar) -> Any:
        """In a format's arithmetic the values are numbers of the format, so they may be wrapped again."""
        arithmetic = x.arithmetic
        if type(arithmetic) is not FormatArithmetic or type(x).__name__ == "Variable":
            where = getattr(arithmetic, "name", "this arithmetic")
            raise RefusedError(
                f"{self.__name__} is opaque: it is called with plain numbers and cannot run in {where}; "
                "use a method that only needs values, or give the truth (truth=, --truth)"
            )
        values = self._values(x.raw.reshape(-1).copy(), arithmetic.format)
        if np.isinf(values).any() and np.geterr()["over"] == "raise":
            raise FloatingPointError("an infinite value")  # asks for the pass that looks which
        return arithmetic.wrap(values.reshape(x.raw.shape))

    # calls -------------------------------------------------------------------------------------------

    def _values(self, points: RawArray, fmt: Format) -> RawArray:
        keys = [(fmt.name, point) for point in points.tolist()] if self.keep else []
        if fmt.name == "longdouble":  # tolist would give Python floats or longdoubles: keep the number itself
            keys = [(fmt.name, point) for point in points] if self.keep else []
        wanted = (
            [i for i, key in enumerate(keys) if key not in self._known] if self.keep else range(len(points))
        )
        wanted = list({(points[i] if self.keep else i): i for i in wanted}.values())
        fresh = self._fresh(points[wanted], fmt) if len(wanted) else np.empty(0, fmt.dtype)
        if not self.keep:
            return fresh
        self._known.update({keys[i]: value for i, value in zip(wanted, fresh, strict=True)})
        return np.array([self._known[key] for key in keys], dtype=fmt.dtype)

    def _fresh(self, points: RawArray, fmt: Format) -> RawArray:
        if self.batch is None:
            self.batch = self._takes_arrays(points, fmt) if len(points) > 1 else None
        if self.batch:
            values = self._at_once(points, fmt)
            if values is not None:
                return values
        return self._one_by_one(points, fmt)

    def _at_once(self, points: RawArray, fmt: Format) -> RawArray | None:
        """All points in one call; None if the function does not take them."""

        def call(x: RawArray) -> Any:
            with np.errstate(all="ignore"):
                return self.function(x.copy())

        outcome = self._executor.run(call, [points])[0] if self.local else Outcome(error="not here")
        if outcome.late:
            self._count_late(points[0], outcome.error)
        if outcome.error:
            return None
        values = many_numbers(outcome.value, fmt, points.shape)
        if values is not None:
            self.calls += len(points)
        return values

    @property
    def local(self) -> bool:
        """Whether calls are made in this thread; other executors share single calls among them."""
        return self._options["executor"] == "serial"

    def _takes_arrays(self, points: RawArray, fmt: Format) -> bool:
        """Whether a call with an array gives what calls with single points give."""
        values = self._at_once(points, fmt)
        if values is None:
            return False
        ends = [0, len(points) - 1]
        again = self._one_by_one(points[ends], fmt)
        wide = np.longdouble if fmt.name == "longdouble" else np.float64
        gap = np.abs(values[ends].astype(wide) - again.astype(wide))
        # vector and scalar code of one function may round differently by a few ulp
        alike = (
            (gap <= 8 * fmt.ulp(again)) | (np.isnan(values[ends]) & np.isnan(again)) | (values[ends] == again)
        )
        if not alike.all():
            self.notes.append(
                "calls with arrays and with single points differ: points are passed one at a time"
            )
        return bool(alike.all())

    def _one_by_one(self, points: RawArray, fmt: Format) -> RawArray:
        if self._late >= MOST_LATE:
            raise self._hangs()
        outcomes = self._outcomes([self._argument(point, fmt) for point in points])
        failed = all(outcome.error and not outcome.late for outcome in outcomes)
        if failed and not self._answered and self._takes_one_array(points):
            outcomes = self._outcomes([self._argument(point, fmt) for point in points])
        self._answered |= not all(outcome.error for outcome in outcomes)
        values = np.full(len(points), np.nan).astype(fmt.dtype)
        for i, (point, outcome) in enumerate(zip(points, outcomes, strict=True)):
            if outcome.error:
                self.failures[float(point)] = outcome.error
                continue
            values[i], note = one_number(outcome.value, fmt, f"at x = {point!s}")
            if note and note not in self.notes:
                self.notes.append(note)
        return values

    def _argument(self, point: Any, fmt: Format) -> Any:
        """A point as the function gets it: a Python float in float64, as a person would call it."""
        if self._in_arrays:
            return np.array([point], dtype=fmt.dtype)
        return float(point) if fmt.name == "float64" else point

    def _takes_one_array(self, points: RawArray) -> bool:
        """Whether a function that fails for numbers takes arrays with one element (``x.dtype``, ``x[0]``)."""
        self._in_arrays = bool(self.local and not self._outcomes([points[:1].copy()])[0].error)
        return self._in_arrays

    def _outcomes(self, arguments: list[Any]) -> list[Outcome]:
        """What each call gave; in portions, so that a function that hangs is given up after a few."""
        self.calls += len(arguments)
        portion = 1 if self.local else PORTION
        found: list[Outcome] = []
        with np.errstate(all="ignore"):
            for start in range(0, len(arguments), portion):
                part = arguments[start : start + portion]
                for argument, outcome in zip(part, self._executor.run(self.function, part), strict=True):
                    found.append(outcome)
                    if outcome.late:
                        self._count_late(argument, outcome.error)
        return found

    def _count_late(self, point: Any, error: str) -> None:
        self._late += 1
        self.failures[float(point)] = error
        if self._late >= MOST_LATE:
            raise self._hangs()

    def _hangs(self) -> UserError:
        point, error = list(self.failures.items())[-1]
        return UserError(
            f"{self.__name__}: {error}, at x = {point!r} and {self._late - 1} other points; "
            "give it more time (timeout=, --timeout), or see why it hangs"
        )

    # looking at it -----------------------------------------------------------------------------------

    def value_at(self, x: Any, format: str = "float64") -> float:
        """f(x) as a float, or an error that says why there is none.

        Raises
        ------
        UserError
            If f raises at x, is too late, or gives no finite real number.
        """
        fmt = get_format(format)
        point = fmt.round(x)[()]
        value = float(self(point))
        why = self.failures.get(float(point), "")
        if why:
            raise UserError(f"{self.__name__} has no value at x = {point!s}: {why}")
        if not np.isfinite(value):
            raise UserError(f"{self.__name__} is {value} at x = {point!s}: choose a point inside its domain")
        return value

    def differs(self, x: Any, format: str = "float64") -> bool:
        """Whether f gives another value when it is asked once more at x, past the cache."""
        fmt = get_format(format)
        point = fmt.round(x)[()]
        before, now = self(point), self._one_by_one(fmt.round(np.array([point])), fmt)[0]
        # an array call and a single one may round differently: the cached value came from either
        return not (before == now or (np.isnan(before) and np.isnan(now))) and not (
            bool(self.batch) and abs(float(now) - float(before)) <= 8 * float(fmt.ulp(now))
        )

    def repeats(self, x: Any, format: str = "float64") -> Repeats:
        """Whether f gives the same value when it is asked again at x, past the cache."""
        fmt = get_format(format)
        point = fmt.round(x)[()]
        step = max(float(fmt.ulp(point)), abs(float(point)) * 2.0**-10) or 2.0**-10

        def call(at: Any) -> float:
            return float(self._one_by_one(fmt.round(np.array([at])), fmt)[0])

        return examine(call, point, (float(point) + step, float(point) - step))

    def __repr__(self) -> str:
        return f"<opaque {self.__name__}: {self.calls} calls, {len(self.failures)} failures>"

    def __reduce__(self) -> tuple[Any, ...]:  # a copy in another process starts without values
        return _again, (self.function, self._options)


def _again(function: Callable[..., Any], options: dict[str, Any]) -> OpaqueFunction:
    return OpaqueFunction(function, **options)
