"""mpmath as an arithmetic: any precision, no error bounds; the independent route to the reference.

Each precision has an mpmath context of its own, so the caller's ``mpmath.mp`` is never touched. Where mpmath
raises at a pole (``1/0``, ``gamma(0)``) or leaves the real line (``sqrt(-1)``), the result is an infinity or
NaN, as in the formats: the branch of an ``np.where`` that is not taken must not stop the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath

from diffbench.arithmetic.kernels import Kernel, complete
from diffbench.arithmetic.objects import ObjectArithmetic


class MpArithmetic(ObjectArithmetic):
    """mpmath numbers of ``precision`` bits."""

    def __init__(self, precision: int) -> None:
        self.precision = precision
        self.name = f"mpmath ({precision} bits)"
        self.context, self.kernels = _context(precision)

    def element(self, value: int | float | Fraction) -> Any:
        if isinstance(value, Fraction):
            return self.context.mpf(value.numerator) / value.denominator
        return self.context.mpf(value)

    def is_element(self, value: Any) -> bool:
        return isinstance(value, self.context.mpf)


@lru_cache(maxsize=64)
def _context(precision: int) -> tuple[Any, Mapping[str, Kernel]]:
    """An mpmath context of that precision and its kernels by ufunc name."""
    mp = mpmath.MPContext()
    mp.prec = precision

    def real(function: Kernel) -> Kernel:
        """NaN at a pole and outside the real domain, not an exception or a complex number."""

        def kernel(*args: Any) -> Any:
            try:
                value = function(*args)
            except (ZeroDivisionError, ValueError):
                return mp.nan
            return value if isinstance(value, mp.mpf) else mp.nan

        return kernel

    def divide(x: Any, y: Any) -> Any:
        return x / y if y else _sign(x) * mp.inf if x else mp.nan

    def power(x: Any, y: Any) -> Any:
        return mp.inf if not x and y < 0 else x**y

    def _sign(x: Any) -> Any:
        return mp.mpf(mp.sign(x))

    own: dict[str, Kernel] = {name: real(getattr(mp, target)) for name, target in _NAMES.items()}
    own |= {
        "divide": divide,
        "power": real(power),
        "log": real(lambda x: mp.log(x) if x else mp.ninf),
        "log1p": real(lambda x: mp.log1p(x) if x != -1 else mp.ninf),
        "absolute": abs,
        "cbrt": lambda x: mp.cbrt(x) if x >= 0 else -mp.cbrt(-x),
        "sign": _sign,
        "maximum": lambda x, y: x if mp.isnan(x) or x >= y else y,
        "minimum": lambda x, y: x if mp.isnan(x) or x <= y else y,
        "fmax": lambda x, y: x if mp.isnan(y) or x >= y else y,
        "fmin": lambda x, y: x if mp.isnan(y) or x <= y else y,
        "heaviside": lambda x, at0: at0 if x == 0 else mp.mpf(int(x > 0)) if x == x else x,
        "floor": lambda x: mp.mpf(mp.floor(x)),
        "rint": lambda x: mp.mpf(mp.nint(x)),
        "gammaln": real(lambda x: mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))),
        "isnan": mp.isnan,
        "isinf": mp.isinf,
        "isfinite": mp.isfinite,
        "less": lambda x, y: x < y,
        "less_equal": lambda x, y: x <= y,
        "greater": lambda x, y: x > y,
        "greater_equal": lambda x, y: x >= y,
        "equal": lambda x, y: x == y,
        "not_equal": lambda x, y: x != y,
    }
    return mp, complete(own, lambda: +mp.ln2, lambda: +mp.ln10, lambda: +mp.pi)


# ufunc name -> mpmath name, where mpmath has the function itself
_NAMES = {
    "exp": "exp",
    "expm1": "expm1",
    "sqrt": "sqrt",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "hypot": "hypot",
    "erf": "erf",
    "erfc": "erfc",
    "gamma": "gamma",
    "rgamma": "rgamma",
    "psi": "digamma",
    "jv": "besselj",
}
