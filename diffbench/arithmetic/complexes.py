"""complex128 as an arithmetic, for the complex step and for Cauchy integrals.

Both methods differentiate by going off the real line, which is right only for analytic functions. What is
not analytic (abs, comparisons, maximum, floor, sign, ...) is therefore refused, where plain NumPy would
answer with a number that is silently wrong: ``np.abs`` gives a modulus and ``np.maximum``
compares real parts first.

``ComplexArithmetic().evaluate(f, x)`` runs ``f`` at complex or real ``x``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from diffbench.arithmetic.advice import call_name
from diffbench.arithmetic.base import Arithmetic, Raw, Scalar

# No derivative in the complex sense; the reason is the same for all.
NOT_ANALYTIC = frozenset(
    "absolute fabs sign heaviside maximum minimum fmax fmin floor ceil trunc rint floor_divide remainder "
    "fmod arctan2 less less_equal greater greater_equal equal not_equal conjugate copysign signbit isnan "
    "isinf isfinite logical_and logical_or logical_not logical_xor cbrt gammaln".split()
)
_ADVICE = {
    "absolute": "it is not analytic; where x has one sign, write x or -x",
    "fabs": "it is not analytic; where x has one sign, write x or -x",
    "arctan2": "it is not analytic; where x > 0, write np.arctan(y / x)",
    "cbrt": "it is not analytic at 0 and NumPy has no complex loop; where x > 0, write x**(1 / 3)",
    "j0": "it has no complex form; write scipy.special.jv(0, x)",
    "j1": "it has no complex form; write scipy.special.jv(1, x)",
    "gammaln": "log|gamma| is not analytic; where x > 0, write scipy.special.loggamma",
}
_DEFAULT = "it is not analytic; where x stays on one side, write the piece that holds there"


def _logaddexp(x: Raw, y: Raw) -> Raw:
    """Log(e**x + e**y), the larger real part taken out; either order is the same analytic function."""
    swap = x.real < y.real
    large, small = np.where(swap, y, x), np.where(swap, x, y)
    return np.asarray(large + np.log1p(np.exp(small - large)))


_LN2 = float(np.log(2.0))
_REAL_ORDER = frozenset({"jv", "yv", "iv", "kv"})  # SciPy's Bessel functions take a real order

# Analytic functions without a complex loop in NumPy or SciPy.
_OWN: Mapping[str, Callable[..., Raw]] = {
    "hypot": lambda x, y: np.sqrt(x * x + y * y),
    "logaddexp": _logaddexp,
    "logaddexp2": lambda x, y: _logaddexp(x * _LN2, y * _LN2) / _LN2,
    "deg2rad": lambda x: x * (np.pi / 180),
    "radians": lambda x: x * (np.pi / 180),
    "rad2deg": lambda x: x * (180 / np.pi),
    "degrees": lambda x: x * (180 / np.pi),
    "expit": lambda x: 1 / (1 + np.exp(-x)),
    "log_expit": lambda x: -_logaddexp(np.zeros_like(x), -x),
    "logit": lambda x: np.log(x / (1 - x)),
}


class ComplexArithmetic(Arithmetic):
    """complex128 numbers; complex literals are welcome, what is not analytic is refused."""

    name = "complex128"
    constants = "iufc"
    dtype = np.dtype(np.complex128)

    def same_dtype(self, dtype: Any) -> bool:
        return np.dtype(dtype) == self.dtype

    def holds(self, raw: Raw) -> bool:
        return raw.dtype == self.dtype

    def is_zero(self, raw: Raw) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.asarray(raw == 0)

    def coerce(self, value: Any) -> Raw:
        if isinstance(value, Scalar):
            if not isinstance(value.arithmetic, ComplexArithmetic):
                raise self.foreign(value)
            return value.raw
        raw = np.asarray(complex(value) if isinstance(value, int | Fraction) else value)
        if raw.dtype == self.dtype:
            return raw
        if raw.dtype == object:
            return np.array(self.entries(raw), dtype=self.dtype).reshape(raw.shape)
        if raw.dtype.kind not in "iufcb" and raw.dtype.name != "bfloat16":
            raise self.refuse(f"an operand of type {raw.dtype}", "use numbers")
        return raw.astype(self.dtype)

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        name = ufunc.__name__
        if name in NOT_ANALYTIC:
            raise self.refuse(call_name(ufunc), _ADVICE.get(name, _DEFAULT))
        raws = [self.coerce(v) for v in operands]
        if name in _REAL_ORDER and not isinstance(operands[0], Scalar):
            raws[0] = np.asarray(operands[0], dtype=np.float64)
        if ufunc.nout != 1 or ufunc.signature is not None:
            raise self.refuse(call_name(ufunc))
        try:
            result = np.asarray(_OWN.get(name, ufunc)(*raws))
        except TypeError:
            raise self.refuse(call_name(ufunc), _ADVICE.get(name, "it has no complex form")) from None
        if result.dtype != self.dtype:
            raise self.refuse(f"{call_name(ufunc)} (its result is {result.dtype})")
        return result
