"""The table of function bodies that every arithmetic runs: NumPy the way people write it, beside its truth.

A row is a name, a program, its truth in mpmath (``m`` is the context, ``x`` one number; the binary64 literals
of the program are taken as they are), the points and the error that a format may make, in ulps of the result.
The points have at most 6 significant bits, so they are the same number in every format.
"""

# ruff: noqa: E501  (tables: one case, one line)

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

THIRD = Fraction(1, 3)
TENTH32 = np.float32(0.1)
NODES = np.array([0.25, 0.5, 1.0])
WEIGHTS = np.array([0.5, -1.25, 3.0])
MATRIX = np.array([[1.0, 2.0, 0.5], [0.25, -1.0, 4.0]])


@dataclass(frozen=True)
class Body:
    """One program. ``shape``: "any" (elementwise), "array" (needs an array) or "scalar" (needs a number)."""

    name: str
    function: Callable[[Any], Any]
    truth: Callable[..., Any]
    points: tuple[float, ...] = (0.375, 0.75, 1.25)
    ulps: float = 4.0
    shape: str = "any"
    whole: bool = False  # the truth takes the list of all points and gives the list of all values
    beside: Callable[..., Any] | None = None  # the truth just beside a point that has a value of its own

    def truths(self, m: Any, xs: list[Any]) -> list[Any]:
        values = self.truth(m, xs) if self.whole else [self.truth(m, x) for x in xs]
        return [m.mpf(v) for v in values]


SIGNED = (-0.625, 0.375, 1.25)
UNIT = (-0.625, 0.25, 0.75)

# name of the ufunc, truth, points, ulps. 4 ulp is what NumPy promises of its vectorised loops; the points keep
# away from zeros of the result, where an error of the argument would weigh more.
UNARY: tuple[tuple[str, Callable[..., Any], tuple[float, ...], float], ...] = (
    ("sin", lambda m, x: m.sin(x), SIGNED, 4),
    ("cos", lambda m, x: m.cos(x), SIGNED, 4),
    ("tan", lambda m, x: m.tan(x), SIGNED, 4),
    ("arcsin", lambda m, x: m.asin(x), UNIT, 4),
    ("arccos", lambda m, x: m.acos(x), UNIT, 4),
    ("arctan", lambda m, x: m.atan(x), SIGNED, 4),
    ("sinh", lambda m, x: m.sinh(x), SIGNED, 4),
    ("cosh", lambda m, x: m.cosh(x), SIGNED, 4),
    ("tanh", lambda m, x: m.tanh(x), SIGNED, 4),
    ("arcsinh", lambda m, x: m.asinh(x), SIGNED, 4),
    ("arccosh", lambda m, x: m.acosh(x), (1.25, 2.5), 4),
    ("arctanh", lambda m, x: m.atanh(x), UNIT, 4),
    ("exp", lambda m, x: m.exp(x), SIGNED, 4),
    ("exp2", lambda m, x: m.mpf(2) ** x, SIGNED, 4),
    ("expm1", lambda m, x: m.expm1(x), SIGNED, 4),
    ("log", lambda m, x: m.log(x), (0.375, 2.5), 4),
    ("log2", lambda m, x: m.log(x) / m.ln2, (0.375, 2.5), 4),
    ("log10", lambda m, x: m.log(x) / m.ln10, (0.375, 2.5), 4),
    ("log1p", lambda m, x: m.log1p(x), UNIT, 4),
    ("sqrt", lambda m, x: m.sqrt(x), (0.375, 2.5), 1),
    ("cbrt", lambda m, x: m.cbrt(x) if x > 0 else -m.cbrt(-x), SIGNED, 2),
    ("square", lambda m, x: x * x, SIGNED, 1),
    ("reciprocal", lambda m, x: 1 / x, SIGNED, 1),
    ("negative", lambda m, x: -x, SIGNED, 0),
    ("positive", lambda m, x: x, SIGNED, 0),
    ("absolute", lambda m, x: abs(x), SIGNED, 0),
    ("fabs", lambda m, x: abs(x), SIGNED, 0),
    ("sign", lambda m, x: m.sign(x), SIGNED, 0),
    ("floor", lambda m, x: m.floor(x), SIGNED, 0),
    ("ceil", lambda m, x: m.ceil(x), SIGNED, 0),
    ("trunc", lambda m, x: m.floor(x) if x > 0 else m.ceil(x), (-1.25, -0.625, 2.5), 0),
    ("rint", lambda m, x: m.nint(x), (-1.25, -0.625, 2.25), 0),
    ("degrees", lambda m, x: x * 180 / m.pi, SIGNED, 4),
    ("radians", lambda m, x: x * m.pi / 180, SIGNED, 4),
)
# gamma and its kin: SciPy promises some ulps only, and fewer near their zeros.
SPECIAL: tuple[tuple[str, Callable[..., Any], Callable[..., Any], tuple[float, ...], float], ...] = (
    ("erf", special.erf, lambda m, x: m.erf(x), SIGNED, 4),
    ("erfc", special.erfc, lambda m, x: m.erfc(x), SIGNED, 4),
    ("gamma", special.gamma, lambda m, x: m.gamma(x), (-0.625, 0.375, 2.5), 8),
    ("rgamma", special.rgamma, lambda m, x: 1 / m.gamma(x), (-0.625, 0.375, 2.5), 8),
    ("gammaln", special.gammaln, lambda m, x: m.log(abs(m.gamma(x))), (-0.625, 0.375, 2.5), 8),
    ("psi", special.psi, lambda m, x: m.digamma(x), (-0.625, 0.375, 2.5), 8),
    ("expit", special.expit, lambda m, x: 1 / (1 + m.exp(-x)), SIGNED, 4),
    ("log_expit", special.log_expit, lambda m, x: -m.log1p(m.exp(-x)), SIGNED, 4),
    ("logit", special.logit, lambda m, x: m.log(x / (1 - x)), (0.25, 0.75), 4),
    ("j0", special.j0, lambda m, x: m.besselj(0, x), SIGNED, 8),
    ("j1", special.j1, lambda m, x: m.besselj(1, x), SIGNED, 8),
    ("jv", lambda x: special.jv(1.5, x), lambda m, x: m.besselj(1.5, x), (0.375, 2.5), 8),
)


# programs of several lines ----------------------------------------------------------------------------------


def horner(x: Any) -> Any:
    value = 0.5
    for c in (1.0, -0.25, 0.1):
        value = value * x + c
    return value


def assign_zeros_like(x: Any) -> Any:
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = x[i] ** 2 + 1
    return y


def assign_mask(x: Any) -> Any:
    y = np.ones_like(x)
    y[x > 0.5] = 2.0 * x[x > 0.5]
    return y


def assign_slice(x: Any) -> Any:
    y = np.empty_like(x)
    y[0] = x[0]
    y[1:] = x[1:] * x[:-1]
    return y


def shifted(x: Any) -> Any:
    y = x.copy()
    y += 1.0
    y *= x
    return y


def branch(x: Any) -> Any:
    if x > 0.5:
        return x**2
    return 1 - x


def while_loop(x: Any) -> Any:
    n = 0
    while x < 4:
        x = 2 * x
        n += 1
    return x + n


def python_sum(x: Any) -> Any:
    return sum(v * v for v in x) + 0 * x


def newton_sqrt(x: Any) -> Any:
    y = np.ones_like(x)
    for _ in range(8):
        y = 0.5 * (y + x / y)
    return y


def pairs_by_scalars(x: Any) -> Any:
    return np.array([x[0] ** 2, np.sin(x[1]), x[2]])


def mixed_object_array(x: Any) -> Any:
    v = np.array([x[0], 2 * x[1], x[2] - 1])
    return np.exp(v) + v.sum()


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def softmax_truth(m: Any, xs: list[Any]) -> list[Any]:
    return [m.exp(x) / sum(m.exp(v) for v in xs) for x in xs]


def stacked(x: Any) -> Any:
    return np.stack([x, x**2, np.ones_like(x)])


def column(x: Any) -> Any:
    return x[:, None] * NODES


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """The truth of a reduction: the same value at every point."""
    return lambda m, xs: [function(m, xs)] * len(xs)


def product(values: Any) -> Any:
    return math.prod(values)


ROWS: tuple[Body, ...] = (
    # literals, 1 ulp for each that the format has to round
    Body("integer literal", lambda x: 3 * x + 1, lambda m, x: 3 * x + 1),
    Body("float literal", lambda x: 0.1 * x - 0.7, lambda m, x: m.mpf(0.1) * x - m.mpf(0.7), ulps=4),
    Body("np.float64 literal", lambda x: np.float64(0.1) * x, lambda m, x: m.mpf(0.1) * x),
    Body("np.float64 on the left", lambda x: np.float64(2.0) ** x + np.float64(1.0) / x * (np.float64(2.0) - x),
         lambda m, x: m.mpf(2) ** x + (2 - x) / x),
    Body("np.float32 literal", lambda x: TENTH32 * x, lambda m, x: m.mpf(float(TENTH32)) * x),
    Body("np.pi", lambda x: np.pi * x + np.e, lambda m, x: m.mpf(math.pi) * x + m.mpf(math.e)),
    Body("Fraction literal", lambda x: THIRD * x + THIRD, lambda m, x: (x + 1) / 3),
    Body("0-d array literal", lambda x: np.array(1.5) * x, lambda m, x: 1.5 * x),
    Body("constant", lambda x: 2.5, lambda m, x: 2.5, ulps=0),
    Body("Boolean factor", lambda x: (x > 0.5) * x, lambda m, x: x if x > 0.5 else 0, ulps=0),
    Body("exp(sin x) x^2 + 0.1 x", lambda x: np.exp(np.sin(x)) * x**2 + 0.1 * x,
         lambda m, x: m.exp(m.sin(x)) * x**2 + m.mpf(0.1) * x, ulps=8),
    # powers: the operator, np.power, zero and negative bases
    Body("x**2", lambda x: x**2, lambda m, x: x**2, (-0.625, 0.0, 1.25), 1),
    Body("x**3", lambda x: x**3, lambda m, x: x**3, (-0.625, 0.0, 1.25), 2),
    Body("x**0", lambda x: x**0 + x, lambda m, x: 1 + x, (-0.625, 0.0, 1.25), 1),
    Body("x**1", lambda x: x**1, lambda m, x: x, (-0.625, 0.0, 1.25), 0),
    Body("x**0.5", lambda x: x**0.5, lambda m, x: m.sqrt(x), (0.375, 1.25), 1),
    Body("x**1.5", lambda x: x**1.5, lambda m, x: m.power(x, 1.5)),
    Body("x**-1", lambda x: x**-1, lambda m, x: 1 / x, SIGNED, 1),
    Body("x**-3", lambda x: x**-3, lambda m, x: x**-3, SIGNED),
    Body("x**-0.5", lambda x: x**-0.5, lambda m, x: 1 / m.sqrt(x)),
    Body("2**x", lambda x: 2**x, lambda m, x: m.mpf(2) ** x, SIGNED),
    Body("x**x", lambda x: x**x, lambda m, x: x**x, (0.375, 0.75, 2.5)),
    Body("0.0**x", lambda x: 0.0**x + x, lambda m, x: x),
    Body("np.power(x, 3)", lambda x: np.power(x, 3), lambda m, x: x**3, SIGNED),
    Body("np.power(x, 1/3)", lambda x: np.power(x, 1 / 3), lambda m, x: m.power(x, m.mpf(1 / 3))),
    Body("np.float_power", lambda x: np.float_power(x, 2.5), lambda m, x: m.power(x, 2.5)),
    # two operands
    Body("arithmetic", lambda x: (x + 1) * (x - 2) / (3 - x) - (-x), lambda m, x: (x + 1) * (x - 2) / (3 - x) + x,
         ulps=12),  # the last addition cancels a bit or two
    Body("maximum", lambda x: np.maximum(x, 0.5), lambda m, x: max(x, m.mpf(0.5)), SIGNED, 0),
    Body("minimum", lambda x: np.minimum(x, 0.5), lambda m, x: min(x, m.mpf(0.5)), SIGNED, 0),
    Body("maximum of itself", lambda x: np.maximum(x, x), lambda m, x: x, SIGNED, 0),
    Body("fmax fmin", lambda x: np.fmax(x, 0.5) - np.fmin(x, 0.5), lambda m, x: abs(x - 0.5), SIGNED, 1),
    Body("clip", lambda x: np.clip(x, 0.0, 1.0) + x.clip(-0.5, 0.5),
         lambda m, x: min(max(x, 0), 1) + min(max(x, -0.5), 0.5), SIGNED, 1),
    Body("heaviside", lambda x: np.heaviside(x, 0.5), lambda m, x: int(x > 0), SIGNED, 0),
    Body("hypot", lambda x: np.hypot(x, 2.0), lambda m, x: m.sqrt(x * x + 4), SIGNED, 2),
    Body("arctan2", lambda x: np.arctan2(x, -0.5) + np.arctan2(2.0, x),
         lambda m, x: m.atan2(x, -0.5) + m.atan2(2, x), SIGNED, 8),
    Body("logaddexp", lambda x: np.logaddexp(0, x), lambda m, x: m.log1p(m.exp(x)), SIGNED),
    Body("logaddexp of itself", lambda x: np.logaddexp(x, x), lambda m, x: x + m.ln2, (0.375, 1.25)),
    Body("logaddexp2", lambda x: np.logaddexp2(x, 1.0), lambda m, x: m.log(2**x + 2) / m.ln2, SIGNED),
    Body("remainder", lambda x: x % 0.75 + np.mod(x, 2), lambda m, x: x % m.mpf(0.75) + x % 2, (-0.625, 1.25)),
    Body("fmod", lambda x: np.fmod(x, 0.5), lambda m, x: x - 0.5 * (m.floor(2 * x) if x > 0 else m.ceil(2 * x)),
         SIGNED, 0),
    Body("floor_divide", lambda x: x // 0.5 + 7 // x, lambda m, x: m.floor(2 * x) + m.floor(7 / x), SIGNED, 1),
    Body("copysign", lambda x: np.copysign(x, -1.0), lambda m, x: -abs(x), SIGNED, 0),
    Body("sinc", lambda x: np.sinc(x),
         lambda m, x: m.sin(m.mpf(math.pi) * x) / (m.mpf(math.pi) * x) if x else 1, (0.0, 0.375, 1.25), 8),
    # choices
    Body("where", lambda x: np.where(x > 0.5, x**2, -x), lambda m, x: x**2 if x > 0.5 else -x, SIGNED, 1),
    Body("where with a constant", lambda x: np.where(x <= 0, 0.0, x), lambda m, x: max(x, 0), SIGNED, 0),
    Body("where guarding a pole", lambda x: np.where(x == 0, 1.0, np.sin(x) / x),
         lambda m, x: m.sin(x) / x if x else 1, (-0.625, 0.0, 1.25)),
    Body("where guarding a root", lambda x: np.where(x >= 0, np.sqrt(x), 0.0),
         lambda m, x: m.sqrt(x) if x > 0 else 0, SIGNED, 1),
    Body("where with two conditions", lambda x: np.where((x > 0) & ~(x > 1), x, 2 * x),
         lambda m, x: x if 0 < x <= 1 else 2 * x, SIGNED, 0),
    Body("select", lambda x: np.select([x < 0, x < 1], [-x, x**2], default=1.0),
         lambda m, x: -x if x < 0 else x**2 if x < 1 else 1, SIGNED, 1),
    Body("piecewise", lambda x: np.piecewise(x, [x < 0, x >= 1], [lambda v: -v, 1.0, lambda v: v**2]),
         lambda m, x: -x if x < 0 else x**2 if x < 1 else 1, SIGNED, 1),
    Body("comparisons", lambda x: x * (x != 0.375) * (x >= 0) + (x == 0.375) + (x < 0) * 2.0,
         lambda m, x: 2 if x < 0 else 1 if x == 0.375 else x, SIGNED, 0,
         beside=lambda m, x: 2 if x < 0 else x),
    Body("abs of a difference", lambda x: abs(x - 0.5) + np.abs(x), lambda m, x: abs(x - 0.5) + abs(x), SIGNED, 1),
    Body("if on a scalar", branch, lambda m, x: x**2 if x > 0.5 else 1 - x, SIGNED, 1, "scalar"),
    Body("while on a scalar", while_loop, lambda m, x: x * 2 ** (v := int(m.ceil(2 - m.log(x) / m.ln2))) + v,
         (0.375, 1.25), 1, "scalar"),
    Body("truth of a scalar", lambda x: x if x else x + 1, lambda m, x: x or 1, (0.0, 0.375), 0, "scalar",
         beside=lambda m, x: x),
    Body("Python max and abs", lambda x: max(x, 0.5) + abs(x), lambda m, x: max(x, m.mpf(0.5)) + abs(x), SIGNED, 1,
         "scalar"),
    # reductions over axes of their own: one value a point
    Body("sum of a stack", lambda x: np.sum(stacked(x), axis=0), lambda m, x: x + x**2 + 1),
    Body("sum method", lambda x: stacked(x).sum(axis=0), lambda m, x: x + x**2 + 1),
    Body("np.add.reduce", lambda x: np.add.reduce(stacked(x)), lambda m, x: x + x**2 + 1),
    Body("prod", lambda x: stacked(x).prod(axis=0) + np.prod(stacked(x), axis=0), lambda m, x: 2 * x**3),
    Body("mean", lambda x: stacked(x).mean(axis=0) + np.mean(stacked(x), 0), lambda m, x: 2 * (x + x**2 + 1) / 3),
    Body("max", lambda x: np.max(stacked(x), axis=0) + stacked(x).max(0), lambda m, x: 2 * max(x, x**2, 1), ulps=1),
    Body("min", lambda x: np.amin(stacked(x), axis=0) + stacked(x).min(0), lambda m, x: 2 * min(x, x**2, 1), ulps=1),
    Body("np.maximum.reduce", lambda x: np.maximum.reduce(stacked(x)), lambda m, x: max(x, x**2, 1), ulps=1),
    Body("cumsum", lambda x: np.cumsum(stacked(x), axis=0)[-1], lambda m, x: x + x**2 + 1),
    Body("diff", lambda x: np.diff(stacked(x), axis=0)[0], lambda m, x: x**2 - x, ulps=8),
    Body("matmul of constants", lambda x: WEIGHTS @ stacked(x), lambda m, x: 0.5 * x - 1.25 * x**2 + 3),
    Body("keepdims", lambda x: (stacked(x) / np.sum(stacked(x), axis=0, keepdims=True))[1],
         lambda m, x: x**2 / (x + x**2 + 1), ulps=8),
    # reductions over the points
    Body("x.sum()", lambda x: x.sum() + 0 * x, each(lambda m, xs: sum(xs)), shape="array", whole=True),
    Body("Python sum()", python_sum, each(lambda m, xs: sum(v * v for v in xs)), shape="array", whole=True),
    Body("x.prod()", lambda x: x.prod() * np.ones_like(x), each(lambda m, xs: product(xs)), shape="array", whole=True),
    Body("x.mean()", lambda x: x - x.mean(), lambda m, xs: [x - sum(xs) / 3 for x in xs], ulps=8, shape="array",
         whole=True),
    Body("x.max() x.min()", lambda x: x.max() - x.min() + 0 * x, each(lambda m, xs: max(xs) - min(xs)), ulps=1,
         shape="array", whole=True),
    Body("x @ y", lambda x: x @ x + np.dot(x, WEIGHTS) + x.dot(x) * x, lambda m, xs: [
        sum(v * v for v in xs) * (1 + x) + 0.5 * xs[0] - 1.25 * xs[1] + 3 * xs[2] for x in xs], ulps=8,
        shape="array", whole=True),
    Body("matrix times vector", lambda x: np.sum(MATRIX @ x) + np.vdot(x, x) + np.inner(x, x) + 0 * x,
         each(lambda m, xs: 1.25 * xs[0] + xs[1] + 4.5 * xs[2] + 2 * sum(v * v for v in xs)), ulps=8, shape="array",
         whole=True),
    Body("outer", lambda x: np.outer(x, WEIGHTS).sum(axis=1), lambda m, x: 2.25 * x, shape="array"),
    Body("softmax", softmax, softmax_truth, ulps=12, shape="array", whole=True),
    # indexing, assignment, stacking, shapes
    Body("index and slice", lambda x: np.concatenate([x[:1] * 2, x[1:] + x[-1]]),
         lambda m, xs: [2 * xs[0], xs[1] + xs[2], 2 * xs[2]], ulps=1, shape="array", whole=True),
    Body("Boolean mask", lambda x: x[x > 0.5].sum() + 0 * x, each(lambda m, xs: sum(x for x in xs if x > 0.5)),
         ulps=1, shape="array", whole=True),
    Body("index array", lambda x: x[[2, 0, 1]] + np.take(x, [0, 0, 0]),
         lambda m, xs: [xs[2] + xs[0], xs[0] + xs[0], xs[1] + xs[0]], ulps=1, shape="array", whole=True),
    Body("assign element by element", assign_zeros_like, lambda m, x: x**2 + 1, shape="array"),
    Body("assign by mask", assign_mask, lambda m, x: 2 * x if x > 0.5 else 1, shape="array", ulps=1),
    Body("assign a slice", assign_slice, lambda m, xs: [xs[0], xs[0] * xs[1], xs[1] * xs[2]], ulps=1, shape="array",
         whole=True),
    Body("in-place operators", shifted, lambda m, x: (x + 1) * x),
    Body("np.array of scalars", pairs_by_scalars, lambda m, xs: [xs[0] ** 2, m.sin(xs[1]), xs[2]], shape="array",
         whole=True),
    Body("ufuncs of an array of scalars", mixed_object_array,
         lambda m, xs: [m.exp(v) + xs[0] + 2 * xs[1] + xs[2] - 1 for v in (xs[0], 2 * xs[1], xs[2] - 1)], ulps=8,
         shape="array", whole=True),
    Body("constant array", lambda x: NODES * x + x * NODES, lambda m, xs: [0.5 * xs[0], xs[1], 2 * xs[2]], ulps=1,
         shape="array", whole=True),
    Body("list of constants", lambda x: x * [1, 2, 3], lambda m, xs: [xs[0], 2 * xs[1], 3 * xs[2]], ulps=1,
         shape="array", whole=True),
    Body("concatenate with constants", lambda x: np.concatenate([np.array([0.25]), x, [2]])[1:-1],
         lambda m, x: x, ulps=0, shape="array"),
    Body("append and hstack", lambda x: np.hstack([np.append(x, 1.5)[3:], x])[1:], lambda m, x: x, ulps=0,
         shape="array"),
    Body("reshape and .T", lambda x: stacked(x).T.reshape(-1)[1::3] + stacked(x).T.ravel()[::3],
         lambda m, x: x**2 + x, ulps=1, shape="array"),
    Body("broadcasting by None", lambda x: np.sum(column(x) * WEIGHTS, axis=-1), lambda m, x: 2.5 * x, ulps=8,
         shape="array"),
    Body("roll flip tile", lambda x: np.roll(x, 1) + np.flip(x) + np.tile(x, 2)[:3],
         lambda m, xs: [2 * xs[2] + xs[0], xs[0] + 2 * xs[1], xs[1] + xs[0] + xs[2]], ulps=4, shape="array",
         whole=True),
    Body("zeros ones full like", lambda x: np.zeros_like(x) + np.ones_like(x) * x + np.full_like(x, 0.5),
         lambda m, x: x + 0.5, ulps=1),
    # loops
    Body("Horner", horner, lambda m, x: ((0.5 * x + 1) * x - 0.25) * x + m.mpf(0.1), ulps=8),
    Body("np.polyval", lambda x: np.polyval([0.5, 1.0, -0.25], x), lambda m, x: (0.5 * x + 1) * x - 0.25, ulps=8),
    Body("Newton", newton_sqrt, lambda m, x: newton_sqrt_truth(m, x), ulps=2),
)  # fmt: skip


def newton_sqrt_truth(m: Any, x: Any) -> Any:
    """Eight steps are part of the program: its derivative is that of the iterate, not of the root."""
    y = m.mpf(1)
    for _ in range(8):
        y = (y + x / y) / 2
    return y


def _unary(name: str) -> Callable[[Any], Any]:
    return lambda x: getattr(np, name)(x)


BODIES: Mapping[str, Body] = {
    body.name: body
    for body in (
        *(Body(f"np.{name}", _unary(name), truth, points, ulps) for name, truth, points, ulps in UNARY),
        *ROWS,
        *(Body(f"special.{name}", f, truth, points, ulps) for name, f, truth, points, ulps in SPECIAL),
    )
}
