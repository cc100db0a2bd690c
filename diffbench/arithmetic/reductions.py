"""Sums, products, extremes and matrix products, in every arithmetic.

Everything here works on raw arrays. What has an order of additions asks the arithmetic
(``Arithmetic.add_reduce``, ``Arithmetic.matmul``); the rest repeats a binary ufunc, so that every single
result is one of the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.base import Arithmetic, Raw


def as_raw(ar: Arithmetic, value: Any) -> Raw:
    """A raw array, also where NumPy has made a single element of it."""
    return value if isinstance(value, np.ndarray) else ar.box(value)


def _binary(ar: Arithmetic, ufunc: np.ufunc, a: Any, b: Any) -> Raw:
    return ar.apply(ufunc, (ar.wrap(a), ar.wrap(b)))


def lines(raw: Raw, axis: Any, keepdims: bool) -> tuple[Raw, tuple[int, ...]]:
    """The array with the reduced axes folded into the first one, and the shape of the reduction."""
    axes = tuple(range(raw.ndim)) if axis is None else tuple(np.atleast_1d(axis) % max(raw.ndim, 1))
    kept = [i for i in range(raw.ndim) if i not in axes]
    rest = tuple(raw.shape[i] for i in kept)
    shape = tuple(1 if i in axes else n for i, n in enumerate(raw.shape)) if keepdims else rest
    count = int(np.prod([raw.shape[i] for i in axes], dtype=int))
    return raw.transpose([*axes, *kept]).reshape((count, *rest)), shape


# one after the other ------------------------------------------------------------------------------------


def fold(ufunc: np.ufunc) -> Callable[..., Any]:
    """A reduction as repeated use of a binary ufunc, each result in the arithmetic."""

    def reduction(
        ar: Arithmetic,
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        parts, shape = lines(ar.coerce(a), axis, bool(keepdims))
        if len(parts) == 0 and ufunc is not np.multiply:
            raise ar.refuse(f"np.{ufunc.__name__} of an empty array", "give it at least one element")
        total = parts[0] if len(parts) else ar.coerce(np.ones(parts.shape[1:]))
        for part in parts[1:]:
            total = _binary(ar, ufunc, total, part)
        return ar.wrap(as_raw(ar, total).reshape(shape))

    return reduction


def extreme(ufunc: np.ufunc) -> Callable[..., Any]:
    """``np.max`` and ``np.min``: a fold with their order of arguments."""
    reduction = fold(ufunc)

    def reduce(
        ar: Arithmetic,
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        return reduction(ar, a, axis, keepdims=keepdims)

    return reduce


def sequential_sum(ar: Arithmetic, raw: Raw, axis: Any, keepdims: bool) -> Raw:
    """Left-to-right sum with one rounding per addition (NumPy's own half sums use a wider accumulator)."""
    parts, shape = lines(raw, axis, keepdims)
    total = parts[0] if len(parts) else ar.coerce(np.zeros(parts.shape[1:]))
    for part in parts[1:]:
        total = _binary(ar, np.add, total, part)
    return as_raw(ar, total).reshape(shape)


def sequential_matmul(ar: Arithmetic, a: Raw, b: Raw) -> Raw:
    """Matrix product with one rounding per multiplication and per addition."""
    left = a[None, :] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    products = _binary(ar, np.multiply, left[..., :, :, None], right[..., None, :, :])
    product = sequential_sum(ar, products, -2, False)
    if a.ndim == 1:
        product = product[..., 0, :]
    return product[..., 0] if b.ndim == 1 else product


# the functions of NumPy, with NumPy's own order of arguments ------------------------------------------------


def np_sum(
    ar: Arithmetic,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """``np.sum``."""
    axes = axis if axis is None or isinstance(axis, tuple) else int(axis)
    return ar.wrap(as_raw(ar, ar.add_reduce(ar.coerce(a), axes, bool(keepdims))))


def np_mean(
    ar: Arithmetic,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Any:
    """``np.mean``: the sum, divided once."""
    total = np_sum(ar, a, axis, keepdims=keepdims)
    return total / (ar.coerce(a).size // max(1, total.size))


def np_cumsum(ar: Arithmetic, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """``np.cumsum``."""
    raw = ar.coerce(a)
    raw = raw.reshape(-1) if axis is None else np.moveaxis(raw, axis, 0)
    total = raw.copy()
    for i in range(1, len(raw)):
        total[i] = _binary(ar, np.add, total[i - 1], raw[i])[()]
    return ar.wrap(total if axis is None else np.moveaxis(total, 0, axis))


def np_diff(ar: Arithmetic, a: Any, n: int = 1, axis: int = -1) -> Any:
    """``np.diff``."""
    raw = np.moveaxis(ar.coerce(a), axis, 0)
    for _ in range(n):
        raw = _binary(ar, np.subtract, raw[1:], raw[:-1])
    return ar.wrap(np.moveaxis(raw, 0, axis))


def np_dot(ar: Arithmetic, a: Any, b: Any, out: Any = None) -> Any:
    """``np.dot`` of numbers, vectors and matrices."""
    left, right = ar.coerce(a), ar.coerce(b)
    if left.ndim == 0 or right.ndim == 0:
        return ar.wrap(_binary(ar, np.multiply, left, right))
    if max(left.ndim, right.ndim) > 2:
        raise ar.refuse("np.dot of more than two dimensions", "use np.matmul")
    return ar.wrap(as_raw(ar, ar.matmul(left, right)))


def np_inner(ar: Arithmetic, a: Any, b: Any) -> Any:
    """``np.inner``: the last axes are summed."""
    return np_dot(ar, a, ar.wrap(ar.coerce(b).T))


def np_vdot(ar: Arithmetic, a: Any, b: Any) -> Any:
    """``np.vdot`` without the conjugation: nothing is conjugated in an analytic program."""
    return np_dot(ar, ar.wrap(ar.coerce(a).reshape(-1)), ar.wrap(ar.coerce(b).reshape(-1)))


def np_outer(ar: Arithmetic, a: Any, b: Any, out: Any = None) -> Any:
    """``np.outer``."""
    return ar.wrap(_binary(ar, np.multiply, ar.coerce(a).reshape(-1, 1), ar.coerce(b).reshape(1, -1)))


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np_sum,
    "mean": np_mean,
    "prod": fold(np.multiply),
    "max": extreme(np.maximum),
    "amax": extreme(np.maximum),
    "min": extreme(np.minimum),
    "amin": extreme(np.minimum),
    "cumsum": np_cumsum,
    "diff": np_diff,
    "dot": np_dot,
    "vdot": np_vdot,
    "inner": np_inner,
    "outer": np_outer,
}

_REDUCED = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}


def reduce_ufunc(
    ar: Arithmetic, ufunc: np.ufunc, value: Any, axis: Any = 0, keepdims: bool = False, **options: Any
) -> Any:
    """``ufunc.reduce`` for addition, multiplication, maximum and minimum."""
    if ufunc.__name__ not in _REDUCED:
        raise ar.refuse(f"np.{ufunc.__name__}.reduce")
    ar.refuse_options(options)
    return REDUCTIONS[_REDUCED[ufunc.__name__]](ar, value, axis=axis, keepdims=keepdims)
