"""Elementary functions that follow from others by an identity, for every arithmetic on Python numbers.

``complete(primitives, constants)`` takes the kernels an arithmetic has of its own and adds what is missing:
``exp2``, ``log2``, ``logaddexp``, ``expit`` and so on. Identities are used only where the primitive is
absent, and every one keeps an enclosure: with balls or series of balls the result still contains the true
value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Kernel = Callable[..., Any]


def complete(
    own: Mapping[str, Kernel], ln2: Callable[[], Any], ln10: Callable[[], Any], pi: Callable[[], Any]
) -> dict[str, Kernel]:
    """All kernels of an arithmetic: its own, and what identities make of them.

    Parameters
    ----------
    own : mapping
        Kernels by ufunc name; must have ``exp log sqrt sin cos absolute maximum minimum floor jv ...``.
    ln2, ln10, pi : callable
        Constants at the precision of the moment.
    """
    k: dict[str, Kernel] = dict(own)
    add = k.setdefault
    # arithmetic
    add("positive", lambda x: x)
    add("negative", lambda x: -x)
    add("add", lambda x, y: x + y)
    add("subtract", lambda x, y: x - y)
    add("multiply", lambda x, y: x * y)
    add("divide", lambda x, y: x / y)
    add("true_divide", k["divide"])
    add("square", lambda x: x * x)
    add("reciprocal", lambda x: k["divide"](x * 0 + 1, x))
    add("float_power", k["power"])
    # trigonometric and hyperbolic functions
    add("sinh", lambda x: (k["exp"](x) - k["exp"](-x)) / 2)
    add("cosh", lambda x: (k["exp"](x) + k["exp"](-x)) / 2)
    add("tanh", lambda x: _tanh(k, x))
    add("arcsinh", lambda x: _arcsinh(k, x))
    add("arccosh", lambda x: k["log"](x + k["sqrt"](x - 1) * k["sqrt"](x + 1)))
    add("arctanh", lambda x: k["log"](k["divide"](1 + x, 1 - x)) / 2)
    add("hypot", lambda x, y: k["sqrt"](x * x + y * y))
    add("deg2rad", lambda x: x * pi() / 180)
    add("rad2deg", lambda x: x * 180 / pi())
    add("radians", k["deg2rad"])
    add("degrees", k["rad2deg"])
    # exponentials and logarithms
    add("expm1", lambda x: k["exp"](x) - 1)
    add("log1p", lambda x: k["log"](1 + x))
    add("exp2", lambda x: k["exp"](x * ln2()))
    add("log2", lambda x: k["log"](x) / ln2())
    add("log10", lambda x: k["log"](x) / ln10())
    add("logaddexp", lambda x, y: k["maximum"](x, y) + k["log1p"](k["exp"](-k["absolute"](x - y))))
    add("logaddexp2", lambda x, y: k["logaddexp"](x * ln2(), y * ln2()) / ln2())
    # choices and steps
    add("fabs", k["absolute"])
    add("fmax", k["maximum"])
    add("fmin", k["minimum"])
    add("floor_divide", lambda x, y: k["floor"](k["divide"](x, y)))
    add("remainder", lambda x, y: x - y * k["floor_divide"](x, y))
    add("ceil", lambda x: -k["floor"](-x))
    add("trunc", lambda x: k["floor"](x) if k["greater_equal"](x, 0 * x) else -k["floor"](-x))
    add("fmod", lambda x, y: x - y * k["trunc"](k["divide"](x, y)))
    # special functions
    add("expit", lambda x: 1 / (1 + k["exp"](-x)))
    add("logit", lambda x: k["log"](k["divide"](x, 1 - x)))
    add("log_expit", lambda x: -k["logaddexp"](0 * x, -x))
    add("j0", lambda x: k["jv"](x * 0, x))
    add("j1", lambda x: k["jv"](x * 0 + 1, x))
    return k


def _tanh(k: Mapping[str, Kernel], x: Any) -> Any:
    """1 - 2/(exp(2x) + 1): unlike sinh/cosh it stays tight for large |x|."""
    return 1 - 2 / (k["exp"](2 * x) + 1)


def _arcsinh(k: Mapping[str, Kernel], x: Any) -> Any:
    """Log(x + sqrt(x^2 + 1))."""
    return k["log"](x + k["sqrt"](x * x + 1))
