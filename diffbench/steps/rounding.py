"""What becomes of a step before it is used: as it is, representable at x, or a power of two.

* ``plain``: rounded to the format, as any program does that computes a step.
* ``representable``: the distance that ``x + h`` really has from ``x`` in the format, ``fl(fl(x + h) - x)``.
* ``power-of-two``: the nearest power of two on the log scale; x + h is then exact unless h < ulp(x).

Sources: Press et al., Numerical Recipes, section 5.7 (``temp = x + h; h = temp - x``); Boost.Math,
``make_xph_representable`` (the neighbour of x where that is 0).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UnknownNameError

ROUNDINGS = ("plain", "representable", "power-of-two")

Raw = np.ndarray[Any, Any]

_MIDDLE = float(np.sqrt(0.5))  # between the powers of two 1/2 and 1, on the log scale


def round_step(how: str, fmt: Format, x: Raw, h: Raw) -> Raw:
    """Steps as numbers of the format.

    Parameters
    ----------
    how : {"plain", "representable", "power-of-two"}
    fmt : Format
    x : array, dtype of the format
    h : array, shape of x, wide dtype
        Steps; NaN stays NaN.
    """
    if how == "plain":
        return h if h.dtype == fmt.dtype else fmt.round(h)
    if how == "power-of-two":
        power = nearest_power_of_two(h)
        return power if power.dtype == fmt.dtype else fmt.round(power)
    if how == "representable":
        with np.errstate(all="ignore"):
            step = (x + fmt.round(h)) - x
            vanished = step == 0
            if vanished.any():
                step = np.where(vanished, fmt.round(fmt.ulp(x)), step).astype(fmt.dtype)
        return step
    raise UnknownNameError("rounding of a step", how, ROUNDINGS)


def nearest_power_of_two(h: Any) -> Raw:
    """The power of two nearest on the log scale; in the middle the one with the even exponent."""
    fast = _by_bits(h)
    return _by_exponents(h) if fast is None else fast


# float64: 11 bits of exponent above 52 of significand; sqrt(2) has these 52 bits.
_ONE = 1 << 52
_SQRT2 = int(np.float64(np.sqrt(2.0)).view(np.int64)) & (_ONE - 1)


def _by_bits(h: Any) -> Raw | None:
    """For float64 arrays away from the middle: significands from sqrt(2) on carry into the exponent."""
    if type(h) is not np.ndarray or h.dtype != np.float64:
        return None
    if not (h.size and h.min() > 1e-300 and h.max() < 1e300):
        return None
    bits = h.view(np.int64) + (_ONE - _SQRT2 + 4)
    if ((bits & (_ONE - 1)) < 8).any():  # the middle, within its rounding
        return None
    bits &= -_ONE
    return bits.view(np.float64)


def _by_exponents(h: Any) -> Raw:
    significand, exponent = np.frexp(h)
    # a step such as eps**(1/4) is itself rounded: a few units more or less are still the middle
    middle = np.abs(significand - _MIDDLE) < 4e-16
    down = np.where(middle, exponent % 2 == 1, significand < _MIDDLE)
    return np.ldexp(np.where(np.isfinite(h), np.ones_like(significand), h), exponent - down)
