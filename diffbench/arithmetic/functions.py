"""What ``__array_function__`` can do in every arithmetic: choices, creation, stacking, reshaping.

Everything here works on raw arrays (native for the IEEE formats, object arrays otherwise), so one
implementation serves every arithmetic. A call that is not in a table is refused by name.

* ``call_function(arithmetic, func, args, kwargs)``: run one NumPy function.
* ``METHODS``: the methods a wrapped value has (``x.sum()``, ``x.reshape(...)``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import BoundArguments, signature
from typing import Any, NamedTuple

import numpy as np

from diffbench.arithmetic.base import Arithmetic, Scalar
from diffbench.arithmetic.reductions import REDUCTIONS

# Functions that only move elements about: NumPy runs them on raw arrays as they are.
FIRST = (  # the first argument is the array; the others are shapes, axes and indices
    "reshape ravel transpose squeeze expand_dims broadcast_to moveaxis rollaxis swapaxes flip fliplr flipud "
    "roll rot90 take tile repeat split array_split diagonal delete take_along_axis"
).split()
JOINING = "concatenate stack hstack vstack dstack column_stack".split()  # a list of arrays, then axes
TOGETHER = "broadcast_arrays atleast_1d atleast_2d".split()  # every argument is an array
QUERIES = ("shape", "ndim", "size")  # ask about the shape only

OPTIONS = ("out", "dtype", "initial", "where", "casting", "device")


class Ways(NamedTuple):
    """How one kind of value runs the groups of NumPy functions: wrapped values here, the tape in its own."""

    handle: Callable[..., Any]  # (ar, name, args, kwargs): a function with a handler
    move: Callable[..., Any]  # (ar, func, array, rest, kwargs): elements of one array
    join: Callable[..., Any]  # (ar, func, arrays, rest, kwargs): a list of arrays
    together: Callable[..., Any]  # (ar, func, arrays, kwargs): each array by itself, to a common shape


def call_function(ar: Arithmetic, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Run a NumPy function on wrapped values.

    Raises
    ------
    RefusedError
        If the function is not available; the message names it and what to write instead.
    """
    return dispatch(WRAPPED, ar, func, args, kwargs)


def dispatch(ways: Ways, ar: Any, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Run a NumPy function in the way of its group, or refuse it by name."""
    name = func.__name__
    linear_algebra = "linalg" in (func.__module__ or "")
    if name in HANDLERS and not linear_algebra:
        return ways.handle(ar, name, args, kwargs)
    if name in QUERIES:
        return func(ar.coerce(args[0]), *args[1:], **kwargs)
    ar.refuse_options({option: value for option, value in kwargs.items() if option in OPTIONS})
    if name in FIRST:
        return ways.move(ar, func, args[0], args[1:], kwargs)
    if name in JOINING:
        return ways.join(ar, func, args[0], args[1:], kwargs)
    if name in TOGETHER:
        return ways.together(ar, func, args, kwargs)
    raise ar.refuse(f"np.linalg.{name}" if linear_algebra else f"np.{name}")


def bind(ar: Any, name: str, args: Any, kwargs: Any) -> BoundArguments:
    """The arguments of a function with a handler, by its signature; forbidden options are refused."""
    try:
        bound = SIGNATURES[name].bind(ar, *args, **kwargs)
    except TypeError as error:
        raise ar.refuse(f"np.{name} with these arguments ({error})", "use its plain form") from None
    ar.refuse_options({option: value for option, value in bound.arguments.items() if option in OPTIONS})
    return bound


def _handle(ar: Arithmetic, name: str, args: Any, kwargs: Any) -> Any:
    bound = bind(ar, name, args, kwargs)
    return HANDLERS[name](*bound.args, **bound.kwargs)


def _move_one(ar: Arithmetic, func: Callable[..., Any], array: Any, rest: Any, kwargs: Any) -> Any:
    return _move(ar, func, [ar.coerce(array)], rest, kwargs)


def _join(ar: Arithmetic, func: Callable[..., Any], arrays: Any, rest: Any, kwargs: Any) -> Any:
    return _move(ar, func, [[ar.coerce(part) for part in arrays]], rest, kwargs)


def _together(ar: Arithmetic, func: Callable[..., Any], arrays: Any, kwargs: Any) -> Any:
    return _move(ar, func, [ar.coerce(a) for a in arrays], (), kwargs)


WRAPPED = Ways(_handle, _move_one, _join, _together)


def _move(ar: Arithmetic, func: Callable[..., Any], raws: list[Any], rest: Any, kwargs: Any) -> Any:
    """Call NumPy on raw arrays; neither a shape nor an index may be a number of the arithmetic."""
    if any(isinstance(v, Scalar) or getattr(getattr(v, "dtype", None), "kind", "i") == "f" for v in rest):
        raise ar.refuse(f"np.{func.__name__} with a real number as shape, axis or index", "use integers")
    result = func(*raws, *rest, **kwargs)
    parts = result if isinstance(result, list | tuple) else [result]
    if not all(ar.holds(part) for part in parts):
        raise ar.refuse(f"np.{func.__name__} (its result is {parts[0].dtype})")
    wrapped = [ar.wrap(part) for part in parts]
    return type(result)(wrapped) if isinstance(result, list | tuple) else wrapped[0]


# choices ------------------------------------------------------------------------------------------------


def _where(ar: Arithmetic, condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise ar.refuse("np.where with one argument", "give both choices: np.where(condition, a, b)")
    if isinstance(condition, Scalar):
        condition = ~np.asarray(ar.is_zero(ar.coerce(condition)))
    return ar.wrap(np.where(np.asarray(condition, dtype=bool), ar.coerce(x), ar.coerce(y)))


def _select(ar: Arithmetic, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The first condition that holds decides."""
    picked = ar.wrap(ar.coerce(default))
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        picked = _where(ar, condition, choice, picked)
    return picked


def _piecewise(ar: Arithmetic, x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function sees only its own elements; the last function without a condition takes the rest."""
    raw = ar.coerce(x)
    conditions = np.asarray(condlist, dtype=bool).reshape(-1, *raw.shape)
    if len(funclist) == len(conditions) + 1:
        conditions = np.concatenate([conditions, ~conditions.any(axis=0, keepdims=True)])
    points = ar.wrap(raw.reshape(-1))
    values = np.zeros_like(points)
    for condition, piece in zip(conditions, funclist, strict=True):
        mask = condition.reshape(-1)
        if mask.any():
            values[mask] = piece(points[mask], *args, **kw) if callable(piece) else piece
    return np.reshape(values, raw.shape)


def _clip(
    ar: Arithmetic,
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    result = ar.wrap(ar.coerce(a))
    if low is not None:
        result = np.maximum(result, low)
    return result if high is None else np.minimum(result, high)


# creation -----------------------------------------------------------------------------------------------


def _filled(value: float) -> Callable[..., Any]:
    def create(
        ar: Arithmetic,
        a: Any,
        dtype: Any = None,
        order: str = "K",
        subok: bool = True,
        shape: Any = None,
        *,
        device: Any = None,
    ) -> Any:
        size = ar.coerce(a).shape if shape is None else shape
        return ar.wrap(np.array(ar.coerce(np.full(size, value)), copy=True))

    return create


def _full_like(
    ar: Arithmetic,
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
) -> Any:
    size = ar.coerce(a).shape if shape is None else shape
    return ar.wrap(np.broadcast_to(ar.coerce(fill_value), size).copy())


def _copy(ar: Arithmetic, a: Any, order: str = "K", subok: bool = False) -> Any:
    return ar.wrap(ar.coerce(a).copy())


def _append(ar: Arithmetic, arr: Any, values: Any, axis: Any = None) -> Any:
    parts = [ar.coerce(arr), ar.coerce(values)]
    return ar.wrap(np.concatenate([p.reshape(-1) for p in parts] if axis is None else parts, axis=axis or 0))


# formulas that NumPy writes itself --------------------------------------------------------------------------


def _sinc(ar: Arithmetic, x: Any) -> Any:
    scaled = ar.wrap(ar.coerce(x)) * np.pi
    zero = ar.is_zero(scaled.raw)
    safe = np.where(zero, 1.0, scaled)
    return np.where(zero, 1.0, np.sin(safe) / safe)


def _polyval(ar: Arithmetic, p: Any, x: Any) -> Any:
    """Horner's rule, highest power first."""
    point = ar.wrap(ar.coerce(x))
    value = np.zeros_like(point)
    for coefficient in ar.coerce(p):
        value = value * point + ar.wrap(coefficient)
    return value


HANDLERS: Mapping[str, Callable[..., Any]] = {
    **REDUCTIONS,
    "where": _where,
    "select": _select,
    "piecewise": _piecewise,
    "clip": _clip,
    "zeros_like": _filled(0.0),
    "ones_like": _filled(1.0),
    "empty_like": _filled(0.0),
    "full_like": _full_like,
    "copy": _copy,
    "append": _append,
    "sinc": _sinc,
    "polyval": _polyval,
}
SIGNATURES = {name: signature(handler) for name, handler in HANDLERS.items()}
# The keywords of functions of one array that are no options; others are looked at each time.
PLAIN_CALLS: Mapping[str, frozenset[str]] = {
    name: frozenset({"axis", "keepdims"}) & frozenset(found.parameters) for name, found in SIGNATURES.items()
}


# methods ------------------------------------------------------------------------------------------------


def _function_method(name: str) -> Callable[..., Any]:
    """``x.sum(...)`` as ``np.sum(x, ...)``."""
    return lambda self, *args, **kwargs: getattr(np, name)(self, *args, **kwargs)


def _reshape(self: Any, *shape: Any, **kwargs: Any) -> Any:
    return np.reshape(self, shape[0] if len(shape) == 1 else shape, **kwargs)


def _transpose(self: Any, *axes: Any) -> Any:
    return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)


# Object arrays of wrapped scalars call these by the ufunc's name: np.sin(np.array([x, y])).
_UNARY = (
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log log2 log10 "
    "log1p sqrt cbrt square reciprocal absolute fabs sign floor ceil trunc rint degrees radians deg2rad "
    "rad2deg"
).split()
_METHODS = "sum mean prod max min dot clip cumsum ravel squeeze swapaxes take copy repeat diagonal".split()

METHODS: Mapping[str, Callable[..., Any]] = {
    **{name: _function_method(name) for name in [*_UNARY, *_METHODS]},
    "flatten": _function_method("ravel"),
    "reshape": _reshape,
    "transpose": _transpose,
}
