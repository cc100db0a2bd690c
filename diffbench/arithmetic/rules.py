"""The derivative rules: one primitive, one line, for reverse mode and forward mode alike.

A rule is the linear map ``t -> t * (partial derivative)``, written with NumPy functions:

* the tape feeds it the gradient that comes back and sums what returns over broadcast axes;
* jets feed it the series of the tangent and integrate what returns, which gives the next coefficient;
* with Variables as arguments (``create_graph``) the rule itself is recorded, and can be differentiated.

``RULES["divide"]`` holds one rule per operand, each called as ``rule(t, y, *operands)``; ``y`` is the result, and
a rule that does not look at it names it ``_`` (jets then need not compute it). ``None`` stands for a derivative
that is 0 wherever it exists (``floor``, ``sign``). Ties: maximum and minimum give half to each side, abs'(0) = 0.

Two things to mind when a rule is added. Its literals must be small integers (constants like log 2 are made in the
arithmetic at hand, which may have 300 bits) and the choices of its ``np.where`` arrays, so that plain float32 stays
float32. And it must be smooth where the function is: ``exp(-2 * abs(x))`` in
the rule of tanh would be right for one derivative and, since abs'(0) = 0, wrong for the third at 0. Where
``-|x|`` is needed against overflow, ``_folded`` takes one smooth branch of it. The tests compare every rule, and
its own derivatives, with certified references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from diffbench.errors import RefusedError

Rule = Callable[..., Any]


class _Special:
    """``scipy.special``, imported when a rule of one of its functions is first used (SciPy is an extra)."""

    def __getattr__(self, name: str) -> Any:
        import scipy.special

        return getattr(scipy.special, name)


special = _Special()


def uses_result(rule: Rule) -> bool:
    """Whether a rule looks at ``y``."""
    return rule.__code__.co_varnames[1] != "_"


# constants, to the precision of the arithmetic at hand --------------------------------------------------


def _log_of(base: int, like: Any) -> Any:
    return np.log(np.full_like(like, base, shape=()))


def _root_pi_half(like: Any) -> Any:
    """sqrt(pi)/2 = sqrt(arctan 1)."""
    return np.sqrt(np.arctan(np.full_like(like, 1, shape=())))


# careful forms ------------------------------------------------------------------------------------------


def _folded(x: Any) -> Any:
    """-|x|, with the derivative of the branch that is taken also at 0."""
    return np.where(x < 0, x, -x)


def _share(z: Any, exp: Any = np.exp) -> Any:
    """1/(1 + exp(-z)): no overflow, and full relative accuracy on both sides."""
    e = exp(_folded(z))
    return np.where(z < 0, e, np.ones_like(e)) / (1 + e)


def _sech2(x: Any) -> Any:
    """1/cosh(x)^2, the derivative of tanh. As 1 - y^2 it would lose every digit for large x.

    A plain array is differentiated no further and takes the short way; the other form has derivatives where
    cosh overflows.
    """
    if type(x) is np.ndarray:
        r = 1 / np.cosh(x)
        return r * r
    e = np.exp(2 * _folded(x))
    d = 1 + e
    return 4 * e / (d * d)


def _gauss(x: Any) -> Any:
    """exp(-x^2). Rounding x^2 costs x^2 u, so x is split: the square of z, a multiple of 1/16, is exact."""
    z = np.where(abs(x) < 64, np.rint(x * 16) / 16, x)
    return np.exp(-z * z) * np.exp((z - x) * (z + x))


def _larger(t: Any, a: Any, b: Any) -> Any:
    """What of t goes to a, if a wins where it is larger."""
    ties, zero = a == b, np.zeros_like(t, shape=())
    return np.where(a > b, t, np.where(ties, t / 2, zero) if np.any(ties) else zero)


def _fixed(parameter: str) -> Rule:
    """The rule of an operand that has none."""

    def rule(t: Any, _: Any, *operands: Any) -> Any:
        raise RefusedError(f"no derivative is known for {parameter}: keep it constant")

    return rule


def _power_base(t: Any, a: Any, b: Any) -> Any:
    """t b a^(b-1); a constant for b = 0, also where a is 0."""
    return t * (b * np.power(a, np.where(b == 0, np.ones_like(b), b - 1)))


def _power_exponent(t: Any, y: Any, a: Any) -> Any:
    """t y log(a), which tends to 0 with a."""
    return t * (y * np.log(np.where(a == 0, np.ones_like(a), a)))


# ruff: noqa: E501  (a table: one primitive, one line)

# the table ----------------------------------------------------------------------------------------------

# fmt: off
RULES: Mapping[str, tuple[Rule | None, ...]] = {
    # one operand
    "positive":   (lambda t, _, x: t,),
    "negative":   (lambda t, _, x: -t,),
    "square":     (lambda t, _, x: t * (2 * x),),
    "reciprocal": (lambda t, y, x: -t * (y * y),),
    "sqrt":       (lambda t, y, x: t / (2 * y),),
    "cbrt":       (lambda t, y, x: t / (3 * (y * y)),),
    "absolute":   (lambda t, _, x: t * np.sign(x),),
    "fabs":       (lambda t, _, x: t * np.sign(x),),
    "deg2rad":    (lambda t, _, x: np.deg2rad(t),),
    "radians":    (lambda t, _, x: np.deg2rad(t),),
    "rad2deg":    (lambda t, _, x: np.rad2deg(t),),
    "degrees":    (lambda t, _, x: np.rad2deg(t),),
    "exp":        (lambda t, y, x: t * y,),
    "exp2":       (lambda t, y, x: t * (y * _log_of(2, x)),),
    "expm1":      (lambda t, _, x: t * np.exp(x),),
    "log":        (lambda t, _, x: t / x,),
    "log2":       (lambda t, _, x: t / (x * _log_of(2, x)),),
    "log10":      (lambda t, _, x: t / (x * _log_of(10, x)),),
    "log1p":      (lambda t, _, x: t / (1 + x),),
    "sin":        (lambda t, _, x: t * np.cos(x),),
    "cos":        (lambda t, _, x: -t * np.sin(x),),
    "tan":        (lambda t, y, x: t * (1 + y * y),),
    "arcsin":     (lambda t, _, x: t / np.sqrt((1 - x) * (1 + x)),),
    "arccos":     (lambda t, _, x: -t / np.sqrt((1 - x) * (1 + x)),),
    "arctan":     (lambda t, _, x: t / (1 + x * x),),
    "sinh":       (lambda t, _, x: t * np.cosh(x),),
    "cosh":       (lambda t, _, x: t * np.sinh(x),),
    "tanh":       (lambda t, _, x: t * _sech2(x),),
    "arcsinh":    (lambda t, _, x: t / np.hypot(x, 1),),
    "arccosh":    (lambda t, _, x: t / (np.sqrt(x - 1) * np.sqrt(x + 1)),),
    "arctanh":    (lambda t, _, x: t / ((1 - x) * (1 + x)),),
    "erf":        (lambda t, _, x: t * (_gauss(x) / _root_pi_half(x)),),
    "erfc":       (lambda t, _, x: -t * (_gauss(x) / _root_pi_half(x)),),
    "gamma":      (lambda t, y, x: t * (y * special.psi(x)),),
    "rgamma":     (lambda t, y, x: -t * (y * special.psi(x)),),
    "gammaln":    (lambda t, _, x: t * special.psi(x),),
    "psi":        (lambda t, _, x: t * special.zeta(2, x),),
    "expit":      (lambda t, _, x: t * (_sech2(x / 2) / 4),),
    "log_expit":  (lambda t, _, x: t * _share(-x),),
    "logit":      (lambda t, _, x: t / (x * (1 - x)),),
    "j0":         (lambda t, _, x: -t * special.j1(x),),
    "j1":         (lambda t, _, x: t * ((special.j0(x) - special.jv(2, x)) / 2),),
    # two operands:  the first                                 the second
    "add":          (lambda t, _, a, b: t,                       lambda t, _, a, b: t),
    "subtract":     (lambda t, _, a, b: t,                       lambda t, _, a, b: -t),
    "multiply":     (lambda t, _, a, b: t * b,                   lambda t, _, a, b: t * a),
    "divide":       (lambda t, _, a, b: t / b,                   lambda t, y, a, b: -t * y / b),
    "power":        (lambda t, _, a, b: _power_base(t, a, b),    lambda t, y, a, b: _power_exponent(t, y, a)),
    "remainder":    (lambda t, _, a, b: t,                       lambda t, _, a, b: -t * np.floor(a / b)),
    "fmod":         (lambda t, _, a, b: t,                       lambda t, _, a, b: -t * np.trunc(a / b)),
    "hypot":        (lambda t, y, a, b: t * (a / y),             lambda t, y, a, b: t * (b / y)),
    "arctan2":      (lambda t, _, a, b: t * b / (a * a + b * b), lambda t, _, a, b: -t * a / (a * a + b * b)),
    "logaddexp":    (lambda t, _, a, b: t * _share(a - b),       lambda t, _, a, b: t * _share(b - a)),
    "logaddexp2":   (lambda t, _, a, b: t * _share(a - b, np.exp2), lambda t, _, a, b: t * _share(b - a, np.exp2)),
    "maximum":      (lambda t, _, a, b: _larger(t, a, b),        lambda t, _, a, b: _larger(t, b, a)),
    "minimum":      (lambda t, _, a, b: _larger(t, b, a),        lambda t, _, a, b: _larger(t, a, b)),
    "fmax":         (lambda t, _, a, b: _larger(t, a, b),        lambda t, _, a, b: _larger(t, b, a)),
    "fmin":         (lambda t, _, a, b: _larger(t, b, a),        lambda t, _, a, b: _larger(t, a, b)),
    "jv":           (_fixed("the order of jv"),                  lambda t, _, v, x: t * ((special.jv(v - 1, x) - special.jv(v + 1, x)) / 2)),
    "_zeta":        (_fixed("the exponent of zeta"),             lambda t, _, s, x: -t * (s * special.zeta(s + 1, x))),
    "copysign":     (lambda t, _, a, b: t * (np.sign(a) * np.copysign(1, b)), None),
    "heaviside":    (None,                                       lambda t, _, a, b: np.where(a == 0, t, 0 * t)),
    # steps: 0 wherever there is a derivative
    "sign": (None,), "floor": (None,), "ceil": (None,), "trunc": (None,), "rint": (None,), "floor_divide": (None, None),
}
# fmt: on
