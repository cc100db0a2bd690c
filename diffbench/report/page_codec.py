"""Numbers for the page: four significant digits in three bytes, compressed, as text.

* ``encode(values)``: three planes of bytes; ``decode(planes)`` gives the rounded numbers back.
* ``squeeze(data)``: raw deflate and base64, which every browser reads without help; ``unsqueeze(text)``.

A number is the code ``4 + 9000 (e + 330) + (m - 1000)`` for ``m 10^(e - 3)`` with ``1000 <= m <= 9999``, plus
``2^23`` when it is negative; codes 0 to 3 are zero, none, infinity and minus infinity. Neighbours share their
high bytes, so the planes are kept apart: that compresses better. ``static/codec.js`` reads all of it.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

ZERO, NONE, INFINITE, NEGATIVE_INFINITE, FIRST = range(5)
LOWEST, MANTISSAS, SIGN = 330, 9000, 1 << 23
Bytes = NDArray[np.uint8]
Numbers = NDArray[np.float64]


def encode(values: ArrayLike) -> Bytes:
    """Planes of low, middle and high bytes.

    Parameters
    ----------
    values : array_like, shape (n,)

    Returns
    -------
    ndarray of uint8, shape (3, n)
    """
    numbers = np.asarray(values, dtype=float)
    codes = np.full(len(numbers), NONE, dtype=np.uint32)
    codes[numbers == 0] = ZERO
    codes[numbers == np.inf], codes[numbers == -np.inf] = INFINITE, NEGATIVE_INFINITE
    usual = np.isfinite(numbers) & (numbers != 0)
    exponent, mantissa = _four_digits(np.abs(numbers[usual]))
    sign = np.where(numbers[usual] < 0, SIGN, 0)
    codes[usual] = FIRST + (exponent + LOWEST) * MANTISSAS + (mantissa - 1000) + sign
    return np.ascontiguousarray(codes.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].T)


def _four_digits(sizes: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Exponent and four-digit mantissa of positive numbers."""
    exponent = np.floor(np.log10(sizes)).astype(np.int64)
    scaled = _times_power(sizes, 3 - exponent)
    low = scaled < 1000  # the logarithm was rounded up to the next decade
    exponent = exponent - low
    mantissa = np.rint(np.where(low, scaled * 10, scaled)).astype(np.int64)
    mantissa = np.where(exponent == 308, np.minimum(mantissa, 1797), mantissa)  # 1.798e308 would be infinite
    over = mantissa == 10000
    return exponent + over, np.where(over, 1000, mantissa)


def _times_power(sizes: Numbers, power: NDArray[np.int64]) -> Numbers:
    """``sizes * 10^power`` in two halves, since 10^327 is no float64."""
    half = power // 2
    return np.asarray(sizes * 10.0**half * 10.0 ** (power - half))


def decode(planes: Bytes) -> Numbers:
    """The numbers of `encode`, rounded to four significant digits."""
    low, middle, high = (plane.astype(np.int64) for plane in planes)
    codes = low + (middle << 8) + (high << 16)
    size = (codes & (SIGN - 1)) - FIRST
    exponent, mantissa = size // MANTISSAS - LOWEST, size % MANTISSAS + 1000
    special = {ZERO: 0.0, NONE: math.nan, INFINITE: math.inf, NEGATIVE_INFINITE: -math.inf}
    parts = zip(codes.tolist(), mantissa.tolist(), exponent.tolist(), strict=True)
    return np.array(
        [special[c] if c < FIRST else float(f"{'-' if c & SIGN else ''}{m}e{e - 3}") for c, m, e in parts]
    )


def rounded(value: Any) -> float | None:
    """Four significant digits for JSON, which has neither NaN nor infinity: those become None."""
    number = float(value)
    return float(f"{number:.3e}") if math.isfinite(number) else None


def squeeze(data: bytes) -> str:
    """Deflated, as base64."""
    deflater = zlib.compressobj(8, zlib.DEFLATED, -15)
    return base64.b64encode(deflater.compress(data) + deflater.flush()).decode("ascii")


def unsqueeze(text: str) -> bytes:
    """The bytes that `squeeze` was given."""
    return zlib.decompress(base64.b64decode(text), -15)


def squeeze_json(content: Any) -> str:
    """A JSON document, deflated; `content` must not hold NaN."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return squeeze(text.encode("utf-8", "replace"))
