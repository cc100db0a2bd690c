"""NumPy functions on Variables: the table that ``__array_function__`` looks into.

The same calls with the same signatures as in :mod:`diffbench.arithmetic.functions`; a call that is in neither
table is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.functions import HANDLERS, OPTIONS, Ways, bind, dispatch
from diffbench.arithmetic.tape import moving, reductions
from diffbench.arithmetic.tape.elementwise import elementwise, unbroadcast
from diffbench.arithmetic.tape.function import Function
from diffbench.arithmetic.tape.variable import Variable, needs_gradient
from diffbench.arithmetic.values import Scalar

if TYPE_CHECKING:
    from diffbench.arithmetic.tape.arithmetic import TapeArithmetic


def call_function(ar: TapeArithmetic, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Run a NumPy function on variables.

    Raises
    ------
    RefusedError
        If the function is not available; the message names it and what to write instead.
    """
    return dispatch(RECORDING, ar, func, args, kwargs)


def _together(ar: TapeArithmetic, func: Callable[..., Any], arrays: Any, kwargs: Any) -> Any:
    if func is np.broadcast_arrays:
        shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
        return tuple(np.broadcast_to(ar.wrapped(a), shape) for a in arrays)
    found = tuple(moving.move(ar, func, a, (), kwargs) for a in arrays)
    return found if len(found) > 1 else found[0]


def _handle(ar: TapeArithmetic, name: str, args: Any, kwargs: Any) -> Any:
    """A function with a signature of its own: bound as the table for all arithmetics binds it."""
    if name in _PLAIN_REDUCTIONS and len(args) <= 2 and kwargs.keys() <= {"axis", "keepdims"}:
        return RECORDED[name](ar, *args, **kwargs)  # binding takes longer than summing
    bound = bind(ar, name, args, kwargs)
    given = {k: v for k, v in bound.arguments.items() if k != "ar" and k not in OPTIONS}
    extra = given.pop("args", ())
    if name not in RECORDED:  # creation: nothing to differentiate
        return ar.wrapped(
            HANDLERS[name](ar.strict, *_plain(bound.args[1:]), **_plain_values(bound.kwargs)).raw
        )
    return RECORDED[name](ar, *given.values(), *extra) if extra else RECORDED[name](ar, **given)


RECORDING = Ways(_handle, moving.move, moving.join, _together)


def _plain(values: Any) -> list[Any]:
    return [v.arithmetic.strict.wrap(v.raw) if isinstance(v, Variable) else v for v in values]


def _plain_values(options: Mapping[str, Any]) -> dict[str, Any]:
    return dict(zip(options, _plain(options.values()), strict=True))


def reduce_ufunc(
    ar: TapeArithmetic, ufunc: np.ufunc, value: Any, axis: Any = 0, keepdims: bool = False, **options: Any
) -> Any:
    """``ufunc.reduce`` for addition, multiplication, maximum and minimum."""
    name = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}.get(ufunc.__name__)
    if name is None:
        raise ar.refuse(f"np.{ufunc.__name__}.reduce")
    ar.refuse_options(options)
    return RECORDED[name](ar, value, axis=axis, keepdims=keepdims)


# choices ----------------------------------------------------------------------------------------------------


class Where(Function):
    """``np.where``: the gradient goes to what was chosen."""

    __slots__ = ("condition",)
    label = "np.where"

    def __init__(self, condition: Any) -> None:
        self.condition = condition

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        zero = np.zeros_like(gys[0])
        chosen = np.where(self.condition, gys[0], zero), np.where(self.condition, zero, gys[0])
        return tuple(
            unbroadcast(g, v.shape) if needs_gradient(v) else None
            for g, v in zip(chosen, self.operands, strict=True)
        )


def _where(ar: TapeArithmetic, condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise ar.refuse("np.where with one argument", "give both choices: np.where(condition, a, b)")
    if isinstance(condition, Scalar):
        condition = ~np.asarray(ar.is_zero(ar.coerce(condition)))
    chosen = np.asarray(condition, dtype=bool)
    operands = ar.operand(x), ar.operand(y)
    raws = [v.raw if isinstance(v, Variable) else v for v in operands]
    return Where(chosen).link(ar, operands, np.where(chosen, *raws))[0]


def _select(ar: TapeArithmetic, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    picked = ar.wrapped(default)
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        picked = _where(ar, condition, choice, picked)
    return picked


def _piecewise(ar: TapeArithmetic, x: Any, condlist: Any, funclist: Any, *args: Any) -> Any:
    """Each function sees only its own elements; the last condition that holds decides, as in NumPy."""
    whole = ar.wrapped(x)
    points = np.reshape(whole, -1)
    conditions = np.asarray(condlist, dtype=bool).reshape(-1, whole.size)
    if len(funclist) == len(conditions) + 1:
        conditions = np.concatenate([conditions, ~conditions.any(axis=0, keepdims=True)])
    values = np.zeros_like(points)
    for mask, piece in zip(conditions, funclist, strict=True):
        if mask.any():
            part = piece(points[mask], *args) if callable(piece) else piece
            spread = moving.scatter(np.broadcast_to(ar.wrapped(part), (mask.sum(),)), mask, points.shape)
            values = _where(ar, mask, spread, values)
    return np.reshape(values, whole.shape)


def _clip(
    ar: TapeArithmetic, a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    result = ar.wrapped(a)
    if low is not None:
        result = elementwise(ar, np.maximum, (result, low))
    return result if high is None else elementwise(ar, np.minimum, (result, high))


# sums and products ------------------------------------------------------------------------------------------


def _sum(ar: TapeArithmetic, a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return reductions.total(ar, a, axis, keepdims)


def _mean(ar: TapeArithmetic, a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    sums = reductions.total(ar, a, axis, keepdims)
    return sums / (np.size(a) // max(1, sums.size))


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(ar: TapeArithmetic, a: Any, axis: Any = None, keepdims: Any = False) -> Any:
        return function(ar, a, axis, keepdims)

    return reduce


def _cumsum(ar: TapeArithmetic, a: Any, axis: Any = None) -> Any:
    return reductions.cumulative_sum(ar, a, axis)


def _diff(ar: TapeArithmetic, a: Any, n: int = 1, axis: int = -1) -> Any:
    x: Any = np.moveaxis(ar.wrapped(a), axis, 0)  # type: ignore[type-var]
    for _ in range(n):
        x = x[1:] - x[:-1]
    return np.moveaxis(x, 0, axis)


def _dot(ar: TapeArithmetic, a: Any, b: Any) -> Any:
    x, y = ar.wrapped(a), ar.wrapped(b)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if max(x.ndim, y.ndim) > 2:
        raise ar.refuse("np.dot of more than two dimensions", "use np.matmul")
    return reductions.matmul(ar, x, y)


def _inner(ar: TapeArithmetic, a: Any, b: Any) -> Any:
    return _dot(ar, a, np.transpose(ar.wrapped(b)))


def _vdot(ar: TapeArithmetic, a: Any, b: Any) -> Any:
    return _dot(ar, np.reshape(ar.wrapped(a), -1), np.reshape(ar.wrapped(b), -1))


def _outer(ar: TapeArithmetic, a: Any, b: Any) -> Any:
    return np.reshape(ar.wrapped(a), (-1, 1)) * np.reshape(ar.wrapped(b), (1, -1))


# formulas that NumPy writes itself ------------------------------------------------------------------------


def _copy(ar: TapeArithmetic, a: Any, order: str = "K", subok: bool = False) -> Any:
    return elementwise(ar, np.positive, (ar.wrapped(a),))


def _append(ar: TapeArithmetic, arr: Any, values: Any, axis: Any = None) -> Any:
    parts = [ar.wrapped(arr), ar.wrapped(values)]
    return np.concatenate([np.reshape(p, -1) for p in parts] if axis is None else parts, axis=axis or 0)


def _full_like(
    ar: TapeArithmetic, a: Any, fill_value: Any, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    return np.broadcast_to(ar.wrapped(fill_value), np.shape(a) if shape is None else shape)


def _sinc(ar: TapeArithmetic, x: Any) -> Any:
    """Near 0 by the series of sin(z)/z, whose derivatives are right there too."""
    z = ar.wrapped(x) * np.pi
    near = np.abs(z.raw) < 1
    small, large = np.where(near, z, 0.0), np.where(near, 1.0, z)
    series = ar.wrapped(0.0)
    for k in range(12, 0, -1):
        series = (1 + series) * (small * small) * (-1.0 / (2 * k * (2 * k + 1)))
    return np.where(near, 1 + series, np.sin(large) / large)


def _polyval(ar: TapeArithmetic, p: Any, x: Any) -> Any:
    """Horner's rule, highest power first."""
    point = ar.wrapped(x)
    value = np.zeros_like(point)
    for coefficient in ar.wrapped(p):
        value = value * point + coefficient
    return value


_PLAIN_REDUCTIONS = frozenset({"sum", "mean", "max", "min"})

RECORDED: Mapping[str, Callable[..., Any]] = {
    "where": _where,
    "select": _select,
    "piecewise": _piecewise,
    "clip": _clip,
    "sum": _sum,
    "mean": _mean,
    "prod": _reduction(reductions.product),
    "max": _reduction(reductions.extreme(np.max)),
    "amax": _reduction(reductions.extreme(np.max)),
    "min": _reduction(reductions.extreme(np.min)),
    "amin": _reduction(reductions.extreme(np.min)),
    "cumsum": _cumsum,
    "diff": _diff,
    "dot": _dot,
    "inner": _inner,
    "vdot": _vdot,
    "outer": _outer,
    "copy": _copy,
    "append": _append,
    "full_like": _full_like,
    "sinc": _sinc,
    "polyval": _polyval,
}
