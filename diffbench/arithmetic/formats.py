"""The floating-point formats: what they are called, and what they can hold.

* ``formats()``: every format, as a mapping name -> :class:`Format`.
* ``get_format("float16")``: one of them, with a suggestion when the name is mistyped.
* ``Format.round(values)``: round once to the format; ``Format.ulp(values)``: spacing at a value.
* ``exact_parts(values)``: numbers of any format as sums of float64 numbers, exactly.

``longdouble`` is not one format: it is x87 extended (64 bits), binary128 (113) or plain binary64 (53),
depending on the machine; ``Format.kind`` says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from diffbench.errors import UnknownNameError, UserError

NAMES = ("float16", "bfloat16", "float32", "float64", "longdouble")
_KINDS = {11: "binary16", 8: "bfloat16", 24: "binary32", 53: "binary64", 64: "x87-80", 113: "binary128"}


@dataclass(frozen=True)
class Format:
    """A floating-point format.

    Attributes
    ----------
    name : str
        One of ``float16 bfloat16 float32 float64 longdouble``.
    dtype : numpy.dtype
        The dtype that stores it.
    precision : int
        Bits of the significand, the hidden bit included.
    kind : str
        What the format is on this machine (``binary16``, ``x87-80``, ...).
    u, eps : float
        Unit roundoff ``2**-precision`` and machine epsilon ``2u``.
    max, smallest_normal, smallest_subnormal : float
        Range of the format; outside float64's range (longdouble) they read inf or 0.
    min_exponent : int
        Exponent of the smallest normal number: ``smallest_normal == 2.0**min_exponent``.
    """

    name: str
    dtype: np.dtype[Any]
    precision: int
    kind: str
    max: float
    min_exponent: int

    @property
    def u(self) -> float:
        return 2.0**-self.precision

    @property
    def eps(self) -> float:
        return 2.0 ** (1 - self.precision)

    @property
    def digits(self) -> float:
        """Decimal digits of the format: ``-log10(u)``."""
        return float(self.precision * np.log10(2.0))

    @property
    def smallest_normal(self) -> float:
        return float(np.ldexp(1.0, self.min_exponent))

    @property
    def smallest_subnormal(self) -> float:
        return float(np.ldexp(1.0, self.min_exponent - self.precision + 1))

    def round(self, values: Any) -> np.ndarray[Any, Any]:
        """Round to the format, once, to nearest even; what is too large becomes infinite."""
        array = np.asarray(values)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            if self.dtype.itemsize == 2 and (self.name == "bfloat16" or array.dtype != np.float64):
                array = _round_to_odd(array)
            return array.astype(self.dtype)

    def ulp(self, values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Spacing of the format in the binade of each value, as float64 (NaN where not finite)."""
        array = np.asarray(values)
        magnitude = np.abs(array if array.dtype == np.longdouble else array.astype(np.float64))
        _, exponent = np.frexp(magnitude)
        exponent = np.where(magnitude > 0, exponent - 1, self.min_exponent)
        spacing = np.ldexp(1.0, np.maximum(exponent, self.min_exponent) - self.precision + 1)
        return np.where(np.isfinite(magnitude), spacing, np.nan)


@cache
def formats() -> Mapping[str, Format]:
    """Every format, as a read-only mapping name -> :class:`Format`."""
    return MappingProxyType({name: _describe(name) for name in NAMES})


def get_format(name: str) -> Format:
    """The format of that name.

    Raises
    ------
    UnknownNameError
        If there is none; the message suggests the nearest.
    """
    if isinstance(name, Format):
        return name
    if name not in NAMES:
        raise UnknownNameError("format", name, NAMES)
    return formats()[name]


def format_of(dtype: Any) -> Format:
    """The format stored in a dtype; integers and Python numbers count as float64.

    Raises
    ------
    UserError
        If the dtype holds something else (complex, object, text).
    """
    wanted = np.dtype(dtype)
    if wanted.kind in "iub":
        return get_format("float64")
    for candidate in formats().values():
        if candidate.dtype == wanted:
            return candidate
    what = {"U": " (text)", "S": " (bytes)", "O": " (Python objects)", "c": " (complex numbers)"}
    raise UserError(
        f"no format is stored in dtype {wanted}{what.get(wanted.kind, '')}: give real numbers, as Python "
        f"numbers or in one of {', '.join(NAMES)}"
    )


def numbers_of(x: Any, name: str = "x") -> np.ndarray[Any, Any]:
    """What a user gives as numbers, as an array; Fraction, Decimal and large integers are rounded to float64.

    Raises
    ------
    UserError
        If elements are masked, a number is too large, or the nested lists have no common shape.
    """
    if np.ma.is_masked(x):
        raise UserError(
            f"{name} has masked elements: fill them ({name}.filled(...)) or drop them ({name}.compressed())"
        )
    try:
        given = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name} must be one number or an array of numbers: {error}") from None
    items = given.reshape(-1).tolist() if given.dtype == object else []
    if not items or not all(hasattr(item, "__float__") for item in items):
        return given  # its dtype says what it is
    try:
        wide = [float(item) for item in items]
    except OverflowError:
        raise UserError(
            f"{name} has a number that is too large for float64: rescale, or give it in longdouble"
        ) from None
    except (TypeError, ValueError) as error:
        raise UserError(f"{name} must be made of real numbers: {error}") from None
    return np.array(wide, dtype=np.float64).reshape(given.shape)


def _describe(name: str) -> Format:
    if name == "bfloat16":
        import ml_dtypes

        return Format(
            name, np.dtype(ml_dtypes.bfloat16), 8, "bfloat16", float(ml_dtypes.finfo("bfloat16").max), -126
        )
    info = np.finfo(name)
    precision = int(info.nmant) + 1
    with np.errstate(over="ignore"):
        largest = float(info.max)
    return Format(
        name, np.dtype(name), precision, _KINDS.get(precision, f"{precision} bits"), largest, int(info.minexp)
    )


def _round_to_odd(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """To float32 so that a second rounding to 16 bits gives what a single one would have.

    NumPy and ml_dtypes go through float32 themselves, rounding twice: bfloat16(1 + 2**-8 + 2**-40) became 1.
    An inexact result keeps its last bit set instead (Boldo and Melquiond, When double rounding is odd, 2005).
    """
    if array.dtype.itemsize <= 2 or array.dtype == np.float32:
        return array
    wide = array.astype(np.longdouble) if array.dtype.kind in "iu" else array
    narrow = wide.astype(np.float32)
    back = narrow.astype(wide.dtype)
    wrong = (back != wide) & ~np.isnan(wide) & (narrow.view(np.uint32) % 2 == 0)
    towards = np.where(wide > back, np.float32(np.inf), np.float32(-np.inf))
    return np.where(wrong, np.nextafter(narrow, towards), narrow)


def exact_parts(values: Any) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Numbers of any format as a short list of float64 arrays whose exact sum they are.

    A float64 array is enough up to 53 bits; x87 needs two, binary128 three. A longdouble outside float64's
    range has no such parts: scale it first, as ``to_balls`` does.
    """
    array = np.asarray(values)
    if array.dtype != np.dtype(np.longdouble):
        return [array.astype(np.float64)]
    parts = []
    rest = array
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(3):
            head = rest.astype(np.float64)
            parts.append(head)
            rest = np.where(np.isfinite(head), rest - head, 0)
            if not np.any(rest):
                break
    return parts
