"""What a function gave back, as numbers of a format: or what is wrong with it, in one sentence.

* ``one_number(value, fmt, where)``: the answer of a call with one point.
* ``many_numbers(values, fmt, shape)``: the answer of a call with an array; None if it is not one.

Nothing is converted that would hide a mistake: text, None, complex numbers, arrays of another shape and a
wider dtype than the format's are refused with what to return instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.arithmetic.formats import NAMES, Format, format_of
from diffbench.arithmetic.values import Scalar
from diffbench.errors import UserError

RawArray = np.ndarray[Any, Any]


def one_number(value: Any, fmt: Format, where: str) -> tuple[Any, str]:
    """The answer of a call with one point, rounded to the format, and a note if that was needed.

    Raises
    ------
    UserError
        If it is not one real number.
    """
    if value is None:
        raise UserError(f"the function returned None {where}: is a `return` missing?")
    if isinstance(value, str | bytes):
        raise UserError(f"the function returned the text {value!r:.40} {where}: return one real number")
    if isinstance(value, bool | np.bool_):
        raise UserError(f"the function returned the truth value {value} {where}: return one real number")
    if isinstance(value, Scalar):  # x of an attempt to run it as a NumPy program
        raise UserError(
            f"the function returned a number of an earlier call {where}: it remembers its calls. A "
            "difference of such values is not a difference of f: reset the state in each call"
        )
    if value is np.ma.masked:
        return fmt.round(np.float64(np.nan))[()], "the function returned masked values: they count as missing"
    if isinstance(value, int | float) and not isinstance(value, np.generic):  # Python's own
        return _python_number(value, fmt)
    try:
        array = np.asarray(value)
    except Exception as error:
        raise UserError(f"the function returned {_kind(value)} {where}: {error}") from None
    if array.dtype.kind == "c":
        raise UserError(
            f"the function returned the complex number {array.reshape(-1)[:1]} {where}: "
            "return one real number (its .real, if that is what you mean)"
        )
    if array.dtype == object and array.ndim == 0 and hasattr(value, "__float__"):  # Decimal, Fraction, mpf
        return _python_number(_to_float(value, where), fmt)
    if array.size != 1:
        raise UserError(
            f"the function returned an array of shape {array.shape} {where}: return one real number"
        )
    if array.dtype == object:
        raise UserError(f"the function returned {_kind(value)} {where}: return one real number")
    refused = _wrong_dtype(array.dtype, fmt)
    if refused:
        raise UserError(f"the function returned {refused}")
    return fmt.round(array.reshape(())[()])[()], _narrow_note(array.dtype, fmt)


def many_numbers(values: Any, fmt: Format, shape: tuple[int, ...]) -> RawArray | None:
    """The answer of a call with an array, in the format; None if it does not fit the points one by one."""
    try:
        array = np.asarray(values)
    except Exception:
        return None
    if array.shape != shape or array.dtype.kind not in "iuf" and array.dtype.name not in NAMES:
        return None
    return None if _wrong_dtype(array.dtype, fmt) else fmt.round(array)


def _python_number(value: int | float, fmt: Format) -> tuple[Any, str]:
    """A Python number is a float64, whatever the format of x."""
    try:
        wide = float(value)
    except OverflowError:
        wide = np.inf if value > 0 else -np.inf
    note = "" if fmt.name == "float64" or np.isnan(wide) else _rounded_note(fmt)
    return fmt.round(np.float64(wide))[()], note


def _rounded_note(fmt: Format) -> str:
    return (
        f"the function computes in float64 and returns Python numbers: its values are rounded to {fmt.name} "
        "once, its own operations are not"
    )


def _to_float(value: Any, where: str) -> float:
    try:
        return float(value)
    except Exception as error:
        raise UserError(
            f"the function returned {_kind(value)} {where}, which is no number: {error}"
        ) from None


def _wrong_dtype(dtype: np.dtype[Any], fmt: Format) -> str:
    """What is wrong with a dtype: nothing, if every number of it is one of the format."""
    if dtype.kind in "iu":
        return ""
    if dtype.kind != "f" and dtype.name not in NAMES:
        return f"{dtype} for x of {fmt.name}: return real numbers"
    own = format_of(dtype)
    if own.precision > fmt.precision:
        return f"{own.name} for x of {fmt.name}: keep the precision of x, or ask for format={own.name!r}"
    return ""


def _narrow_note(dtype: np.dtype[Any], fmt: Format) -> str:
    if dtype.kind in "iu" or format_of(dtype).precision >= fmt.precision:
        return ""
    own = format_of(dtype).name
    return f"the function returns {own} for x of {fmt.name}: its values have fewer digits than the format"


def _kind(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.40}"
