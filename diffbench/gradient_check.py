"""Is this gradient right? Component by component, in the format in which the code runs.

* ``check_gradient(f, gradient, x, format="float32")`` -> :class:`GradientCheck`.

No tolerance is asked for. Every component is compared with the value of ``auto`` (in the half formats with
finite differences at steps that suit it), and the gap is judged against the error bound that comes with it.
The verdict is ``agrees``, ``disagrees``, or ``cannot tell`` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format, format_of, get_format, numbers_of
from diffbench.checking.along import Gradient
from diffbench.checking.component import examine
from diffbench.checking.finding import Finding
from diffbench.checking.probe import Probe
from diffbench.checking.reference import BITS, references
from diffbench.checking.result import GradientCheck
from diffbench.errors import UserError

__all__ = ["Finding", "GradientCheck", "check_gradient"]


def check_gradient(
    f: Callable[..., Any],
    gradient: Callable[..., Any],
    x: Any,
    format: str = "float64",
    along: bool = False,
) -> GradientCheck:
    """Compare a claimed gradient with finite differences, and know how far they can be trusted.

    Parameters
    ----------
    f : callable
        Any function from an array to one real number. It is called with one point at a time: a plain array of
        the format's dtype and of the shape of ``x``, shape (1,) for a number.
    gradient : callable
        Its claimed gradient; called once with such an array, it returns one of the same shape and dtype. In
        float16 and bfloat16 it may be float32.
    x : array or float
        The point: floating-point numbers, rounded once to the format.
    format : str
        ``float16 bfloat16 float32 float64 longdouble``.
    along : bool
        Where the values of f near the point cannot tell, call the gradient along a line too (about 50 times
        for each of up to three lengths), and compare its integral with what f changes by. That sees much
        smaller components, and kinks do not matter; it judges the gradient's code rather than its value at x.

    Returns
    -------
    GradientCheck
        With ``.passed`` (no component disagrees), ``.table`` and ``.assert_ok(strict=False)``.

    Raises
    ------
    UserError
        If x is not made of finite floating-point numbers, f raises at x or does not return one finite number,
        or the gradient raises or has another shape or dtype or values that are not finite.

    Notes
    -----
    In float32, float64 and longdouble ``auto`` is the first opinion, and blocks of nine values of f are the
    second; neither fails a claim that the other one allows. That takes about 20 calls of f per component, 50
    where f is noisy or the claim wrong; in the half formats 30, and several hundred where a component seems
    wrong. A component ``agrees`` only if an error of 1 % of it (10 % in float16, 30 % in bfloat16)
    would have been seen, and ``disagrees`` only if the gap is 1.5 times the error bound and a quarter of that
    share. What is in between, and what rounding, kinks, noise or the edge of the domain hide, is
    ``cannot tell``. What was measured, and where it still errs, is on the page on gradient checking.

    Examples
    --------
    >>> import numpy as np
    >>> from diffbench import check_gradient
    >>> check_gradient(lambda x: np.sum(x**2), lambda x: 2 * x, np.array([1.0, 3.0])).passed
    True
    >>> print(check_gradient(np.sin, np.sin, 1.0).table["verdict"][0])
    disagrees
    """
    for name, function in (("f", f), ("the gradient", gradient)):
        if not callable(function):
            raise UserError(f"{name} must be callable, not {type(function).__name__} {function!r:.40}")
    fmt = get_format(format)
    point = _point(x, fmt)
    probe = Probe(f, point, fmt)
    claimed, notes = _claimed(gradient, point, fmt)
    elsewhere = _elsewhere(gradient, fmt) if along else None
    known = references(probe) if fmt.precision >= BITS else None
    findings = tuple(
        examine(probe, i, float(value), known[i] if known else None, elsewhere)
        for i, value in enumerate(claimed.reshape(-1))
    )
    names: tuple[Any, ...] = tuple(np.ndindex(point.shape)) if point.ndim > 1 else tuple(range(point.size))
    return GradientCheck(findings, names, fmt.name, probe.evaluations, (*probe.notes, *notes))


def _point(x: Any, fmt: Format) -> np.ndarray[Any, Any]:
    """x as numbers of the format, shape (1,) for a number."""
    given = numbers_of(x)
    if given.dtype.kind in "iub":
        raise UserError(
            f"x is made of integers ({given.dtype}); write floating-point numbers, as in [1.0, 2.0]"
        )
    format_of(given.dtype)  # says what is wrong with complex numbers, texts and objects
    if given.size == 0:
        raise UserError("x is empty: there is no component to check")
    if not np.all(np.isfinite(given)):
        raise UserError(f"x is not finite at component {_first(~np.isfinite(given))}")
    point = np.atleast_1d(fmt.round(given))
    if not np.all(np.isfinite(point)):
        raise UserError(
            f"x is too large for {fmt.name} at component {_first(~np.isfinite(point))} "
            f"(its largest number is {fmt.max:.4g})"
        )
    return point


def _claimed(
    gradient: Callable[..., Any], point: np.ndarray[Any, Any], fmt: Format
) -> tuple[np.ndarray[Any, Any], list[str]]:
    """What the gradient returns, checked for shape, dtype and finite values; and notes about it."""
    try:
        with np.errstate(all="ignore"):
            result = gradient(point.copy())
    except Exception as error:  # whatever the user's program raises, said with where it happened
        raise UserError(f"the gradient raised {type(error).__name__}: {error}") from error
    try:
        claimed = np.asarray(result)
    except (TypeError, ValueError) as error:
        raise UserError(f"the gradient must return an array: {error}") from error
    if claimed.shape != point.shape and not (claimed.size == point.size == 1):
        raise UserError(f"the gradient has shape {claimed.shape}, but x has shape {point.shape}")
    notes = []
    if claimed.dtype != fmt.dtype:
        if not (fmt.dtype.itemsize == 2 and claimed.dtype == np.float32):
            raise UserError(
                f"the gradient has dtype {claimed.dtype}, but x is {fmt.name}: keep the precision of x "
                f"(return np.asarray(..., dtype=x.dtype)), or check with another format"
            )
        notes.append(f"the gradient is float32 for x in {fmt.name}: taken as it is")
    if not np.all(np.isfinite(claimed)):
        where = _first(~np.isfinite(claimed))
        raise UserError(
            f"the gradient is {claimed.reshape(-1)[_flat(~np.isfinite(claimed))]} at component {where}"
        )
    return claimed, notes


def _elsewhere(gradient: Callable[..., Any], fmt: Format) -> Gradient:
    """The gradient at other points, flattened; NaN where it has no value: the domain may end there."""

    def call(point: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        try:
            return _claimed(gradient, point, fmt)[0].reshape(-1).astype(np.float64)
        except UserError:
            return np.full(point.size, np.nan)

    return call


def _flat(wrong: np.ndarray[Any, Any]) -> int:
    return int(np.argmax(wrong.reshape(-1)))


def _first(wrong: np.ndarray[Any, Any]) -> str:
    """The index of the first True, as a user would write it."""
    index = np.unravel_index(_flat(wrong), wrong.shape)
    return ", ".join(str(int(i)) for i in index) or "0"
