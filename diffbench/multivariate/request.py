"""What was asked for, checked: function, points, format, bounds and steps.

``x`` has shape ``(n, ...)``, coordinates first. Inside the package the points are a matrix of shape
``(P, n)``, one point a row, and results go back to the shape of ``x``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from diffbench.arithmetic.formats import Format, format_of, get_format, numbers_of
from diffbench.errors import UserError
from diffbench.multivariate.evaluator import BLOCK_BYTES, Evaluator

Raw = np.ndarray[Any, Any]


class Options(TypedDict, total=False):
    """What every derivative in several variables can be told; :func:`~diffbench.multivariate.gradient` says
    what each means.
    """

    format: str | None
    step: Any
    bounds: Any
    vectorized: bool
    opaque: bool
    check: bool
    block: int


@dataclass(frozen=True)
class Request:
    """A function, where it is differentiated, and how it may be called.

    Attributes
    ----------
    f : callable
    fmt : Format
    x : array, shape (n, ...)
        Numbers of the format.
    low, high : array or None
        Bounds, of the shape of ``x``.
    step : array or None
        Steps that the caller gave, of the shape of ``x``.
    vectorized, opaque, check, block
        See :class:`~diffbench.multivariate.evaluator.Evaluator`.
    """

    f: Callable[..., Any]
    fmt: Format
    x: Raw
    low: Raw | None = None
    high: Raw | None = None
    step: Raw | None = None
    vectorized: bool = True
    opaque: bool = False
    check: bool = True
    block: int = BLOCK_BYTES

    @property
    def n(self) -> int:
        return len(self.x)

    @property
    def batch(self) -> tuple[int, ...]:
        return self.x.shape[1:]

    @property
    def points(self) -> Raw:
        """The points as rows, shape (P, n)."""
        return rows(self.x)

    def evaluator(self, scalar: bool = True, **options: Any) -> Evaluator:
        """Something that evaluates the function at nodes."""
        made = Evaluator(
            self.f,
            self.fmt,
            self.n,
            vectorized=self.vectorized,
            opaque=self.opaque,
            scalar=scalar,
            block=self.block,
            **options,
        )
        made.verify = self.check
        return made

    def checked(self, evaluator: Evaluator) -> int:
        """Look whether the function keeps points apart, if that was not declined; evaluations it took."""
        return evaluator.check_batches(self.points[0]) if self.check else 0


def rows(array: Raw) -> Raw:
    """Coordinates first to one point a row."""
    return np.ascontiguousarray(array.reshape(len(array), -1).T)


def request(
    f: Any,
    x: Any,
    *,
    format: str | None = None,
    step: Any = None,
    bounds: Any = None,
    vectorized: bool = True,
    opaque: bool = False,
    check: bool = True,
    block: int = BLOCK_BYTES,
) -> Request:
    """Check what was asked for.

    Raises
    ------
    UserError
        With the shape that came and the one expected.
    """
    if not callable(f):
        raise UserError(f"the function must be callable, not {f!r}")
    given = array_of(x, "x")
    fmt = get_format(format) if format is not None else format_of(given.dtype)
    if given.ndim == 0:
        raise UserError(
            f"x is one number, shape (); a function of several variables takes x of shape (n, ...), "
            f"coordinates first: write [{x!r}] for n = 1, or use diffbench.derivative"
        )
    if given.size == 0:
        raise UserError(f"x has shape {given.shape}: there is no coordinate to differentiate by")
    points = fmt.round(given)
    _refuse_not_finite(given, points, fmt)
    if not isinstance(block, int) or isinstance(block, bool) or block < 1:
        raise UserError(f"block is the memory of one call in bytes, a positive integer, not {block!r}")
    low, high = _bounds(bounds, points, fmt)
    steps = None if step is None else _steps(step, points, fmt)
    return Request(f, fmt, points, low, high, steps, bool(vectorized), bool(opaque), bool(check), block)


def array_of(value: Any, name: str) -> Raw:
    """Numbers as an array, or a UserError that says what came."""
    array = numbers_of(value, name)
    if array.dtype.kind not in "iufb" and array.dtype.name != "bfloat16":
        raise UserError(f"{name} must be an array of real numbers, not of {array.dtype}")
    return array


def _refuse_not_finite(given: Raw, points: Raw, fmt: Format) -> None:
    wrong = ~np.isfinite(points)
    if not wrong.any():
        return
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    if np.isfinite(given[index]):
        raise UserError(f"x[{_text(index)}] = {given[index]} is too large for {fmt.name}")
    raise UserError(f"x must be finite: x[{_text(index)}] is {given[index]} (x has shape {given.shape})")


def _text(index: tuple[int, ...]) -> str:
    return ", ".join(map(str, index))


def _spread(value: Any, x: Raw, name: str) -> Raw:
    """One number, one for each coordinate, or one for each coordinate of each point."""
    array = array_of(value, name)
    if array.ndim == 1 and x.ndim > 1 and array.shape[0] == len(x):
        array = array.reshape(-1, *[1] * (x.ndim - 1))
    try:
        return np.broadcast_to(array, x.shape)
    except ValueError:
        raise UserError(
            f"{name} has shape {array.shape}, expected (), ({len(x)},) or the shape of x, {x.shape}: "
            "one number, or one for each coordinate"
        ) from None


def _steps(step: Any, x: Raw, fmt: Format) -> Raw:
    h = fmt.round(_spread(step, x, "step"))
    if not np.all(np.isfinite(h)) or np.any(np.asarray(_spread(step, x, "step")) <= 0):
        raise UserError(f"steps must be positive finite numbers, not {step!r}")
    return h


def _bounds(bounds: Any, x: Raw, fmt: Format) -> tuple[Raw | None, Raw | None]:
    """``(low, high)`` or an object with ``lb`` and ``ub`` (scipy.optimize.Bounds)."""
    if bounds is None:
        return None, None
    pair = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") and hasattr(bounds, "ub") else bounds
    try:
        lower, upper = pair
    except (TypeError, ValueError):
        raise UserError(
            f"bounds must be a pair (low, high) of numbers or arrays of shape ({len(x)},), not {bounds!r}"
        ) from None
    low = _spread(-np.inf if lower is None else lower, x, "the lower bound")
    high = _spread(np.inf if upper is None else upper, x, "the upper bound")
    wide = x.astype(np.longdouble)
    outside = ~((low <= wide) & (wide <= high))
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        raise UserError(
            f"x[{_text(index)}] = {x[index]} lies outside its bounds [{low[index]}, {high[index]}]: "
            "move x inside, or widen the bounds"
        )
    return low, high
