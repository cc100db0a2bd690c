"""Sums, extremes and matrix products as nodes; what follows from them by composition.

Values come from the strict format (half-precision sums round after every addition), gradients from NumPy
calls on whatever the pass computes with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.reductions import lines
from diffbench.arithmetic.tape.elementwise import elementwise, unbroadcast
from diffbench.arithmetic.tape.function import Function
from diffbench.arithmetic.tape.variable import Variable, needs_gradient
from diffbench.arithmetic.values import Raw

if TYPE_CHECKING:
    from diffbench.arithmetic.tape.arithmetic import TapeArithmetic


class Sum(Function):
    """A sum along axes: its gradient goes to every term."""

    __slots__ = ("axis",)
    label = "np.sum"

    def __init__(self, axis: Any) -> None:
        self.axis = axis

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        shape = self.operands[0].shape
        return (np.broadcast_to(np.reshape(gys[0], kept_shape(shape, self.axis)), shape),)


class Extreme(Function):
    """The largest or smallest along axes: equal ones share the gradient equally."""

    __slots__ = ("axis",)
    label = "np.max or np.min"

    def __init__(self, axis: Any) -> None:
        self.axis = axis

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        x, y = self.operands[0].raw, self._extreme
        kept = kept_shape(x.shape, self.axis)
        winners = x == y.reshape(kept)
        count = np.count_nonzero(winners, axis=_axes(self.axis), keepdims=True)
        share = np.reshape(gys[0], kept) / count.astype(x.dtype)
        return (np.where(winners, share, np.zeros_like(share)),)

    @property
    def _extreme(self) -> Raw:
        output = self.output
        assert output is not None  # the gradient that is being passed on is its own
        return output.raw


class CumulativeSum(Function):
    """``np.cumsum`` along one axis: every element is in all later sums."""

    __slots__ = ("axis",)
    label = "np.cumsum"

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        backwards = np.cumsum(np.flip(gys[0], self.axis), axis=self.axis)
        return (np.flip(backwards, self.axis),)


class MatrixProduct(Function):
    """``a @ b`` with NumPy's rules for vectors and stacks of matrices."""

    __slots__ = ()
    label = "np.matmul"

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        (gy,), (u, v) = gys, self.operands
        a, b = lift(u), lift(v)
        a2 = np.reshape(a, (1, -1)) if a.ndim == 1 else a
        b2 = np.reshape(b, (-1, 1)) if b.ndim == 1 else b
        g2 = np.reshape(gy, (*gy.shape[: gy.ndim - (a.ndim > 1) - (b.ndim > 1)], a2.shape[-2], b2.shape[-1]))
        return (
            _undo(np.matmul(g2, np.swapaxes(b2, -1, -2)), a2, a) if needs_gradient(u) else None,
            _undo(np.matmul(np.swapaxes(a2, -1, -2), g2), b2, b) if needs_gradient(v) else None,
        )


def _undo(gradient: Any, matrix: Any, operand: Any) -> Any:
    return np.reshape(unbroadcast(gradient, matrix.shape), operand.shape)


def _axes(axis: Any) -> Any:
    return axis if axis is None or isinstance(axis, tuple) else int(axis)


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """The shape of a reduction with its axes kept as 1."""
    axes = range(len(shape)) if axis is None else [int(a) % len(shape) for a in np.atleast_1d(axis)]
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


# what programs call ---------------------------------------------------------------------------------------


def matmul(arithmetic: TapeArithmetic, a: Any, b: Any) -> Any:
    """A matrix product, recorded."""
    operands = (arithmetic.operand(a), arithmetic.operand(b))
    raw = arithmetic.matmul(*(v.raw if isinstance(v, Variable) else v for v in operands))
    return MatrixProduct().link(arithmetic, operands, np.asarray(raw))[0]


def total(arithmetic: TapeArithmetic, a: Any, axis: Any, keepdims: bool) -> Any:
    """A sum, recorded."""
    x = arithmetic.operand(a)
    raw = x.raw if isinstance(x, Variable) else x
    value = np.asarray(arithmetic.add_reduce(raw, _axes(axis), bool(keepdims)))
    return Sum(axis).link(arithmetic, (x,), value)[0]


def extreme(pick: Callable[..., Any]) -> Callable[..., Any]:
    """``np.max`` or ``np.min``, recorded."""

    def reduction(arithmetic: TapeArithmetic, a: Any, axis: Any, keepdims: bool) -> Any:
        x = arithmetic.operand(a)
        raw = x.raw if isinstance(x, Variable) else x
        if not raw.size:
            raise arithmetic.refuse(f"np.{pick.__name__} of an empty array", "give it at least one element")
        value = np.asarray(pick(raw, axis=_axes(axis), keepdims=bool(keepdims)))
        return Extreme(axis).link(arithmetic, (x,), value)[0]

    return reduction


def product(arithmetic: TapeArithmetic, a: Any, axis: Any, keepdims: bool) -> Any:
    """``np.prod`` factor by factor: its gradient is right where a factor is 0."""
    x = arithmetic.wrapped(a)
    index, shape = lines(np.arange(x.size).reshape(x.shape), axis, bool(keepdims))
    flat = np.reshape(x, -1)
    result = arithmetic.wrap(arithmetic.coerce(np.ones(index.shape[1:])))
    for i, row in enumerate(index):
        result = flat[row] if i == 0 else elementwise(arithmetic, np.multiply, (result, flat[row]))
    return np.reshape(result, shape)


def cumulative_sum(arithmetic: TapeArithmetic, a: Any, axis: Any) -> Any:
    """``np.cumsum``, recorded."""
    x: Any = arithmetic.wrapped(a)
    if axis is None:
        x, axis = np.reshape(x, -1), 0
    value = np.cumsum(arithmetic.strict.wrap(x.raw), axis=axis).raw  # type: ignore[attr-defined]
    return CumulativeSum(int(axis)).link(arithmetic, (x,), value)[0]
