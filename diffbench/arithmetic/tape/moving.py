"""Functions that only move elements about: indexing, reshaping, stacking, repeating.

Where an element came from is found by moving an array of indices the same way, so one node serves them all;
the gradient goes back to where each element came from, and adds up where one was taken twice. Reshaping,
transposing and slicing, which every program does all the time, take the direct way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.tape.elementwise import unbroadcast
from diffbench.arithmetic.tape.function import Function
from diffbench.arithmetic.tape.variable import Variable
from diffbench.arithmetic.values import Raw, Scalar

if TYPE_CHECKING:
    from diffbench.arithmetic.tape.arithmetic import TapeArithmetic

_RESHAPING = frozenset("reshape ravel squeeze expand_dims".split())


class Item(Function):
    """``x[key]``."""

    __slots__ = ("key",)
    label = "x[...]"

    def __init__(self, key: Any) -> None:
        self.key = key

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        return (scatter(gys[0], self.key, self.operands[0].shape),)


class Scatter(Function):
    """Zeros of a shape, with ``x`` added at ``key``: what ``Item`` does to gradients, and the reverse."""

    __slots__ = ("key",)
    label = "scatter"

    def __init__(self, key: Any) -> None:
        self.key = key

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        return (gys[0][self.key],)


class Move(Function):
    """A NumPy function of one array that only moves elements; ``which`` of several results it gave."""

    __slots__ = ("arguments", "function", "which")

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, Any], which: int | None) -> None:
        self.function, self.arguments, self.which = function, arguments, which

    @property
    def name(self) -> str:
        return f"np.{self.function.__name__}"

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        (gy,), shape, name = gys, self.operands[0].shape, self.function.__name__
        if name in _RESHAPING and "order" not in self.arguments[1] and len(self.arguments[0]) < 2:
            return (np.reshape(gy, shape),)
        if name == "broadcast_to":
            return (unbroadcast(gy, shape),)
        if name == "transpose":
            axes = (*self.arguments[0], *self.arguments[1].values(), None)[0]
            return (
                np.transpose(gy, None if axes is None else np.argsort(np.mod(axes, len(shape))).tolist()),
            )
        size = int(np.prod(shape, dtype=int))
        origin = self.function(np.arange(size).reshape(shape), *self.arguments[0], **self.arguments[1])
        origin = origin if self.which is None else origin[self.which]
        return (np.reshape(scatter(np.reshape(gy, -1), origin.ravel(), (size,)), shape),)


class Join(Function):
    """``concatenate``, ``stack`` and their kin: every element appears once."""

    __slots__ = ("arguments", "function")

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, Any]) -> None:
        self.function, self.arguments = function, arguments

    @property
    def name(self) -> str:
        return f"np.{self.function.__name__}"

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        shapes = [v.shape for v in self.operands]
        ends = np.cumsum([np.prod(s, dtype=int) for s in shapes])
        numbered = [
            np.arange(e - np.prod(s, dtype=int), e).reshape(s) for e, s in zip(ends, shapes, strict=True)
        ]
        origin = self.function(numbered, *self.arguments[0], **self.arguments[1])
        home = np.reshape(gys[0], -1)[np.argsort(origin.ravel())]
        return tuple(
            np.reshape(home[n.ravel()[0] : n.ravel()[-1] + 1], n.shape) if n.size else None for n in numbered
        )


def scatter(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros with ``g`` added at ``key``, of the kind that ``g`` is (array, strict value, Variable)."""
    raw = g.raw if isinstance(g, Scalar) else np.asarray(g)
    full = np.zeros(shape, dtype=raw.dtype)
    if _is_basic(key):
        full[key] = raw
    else:
        np.add.at(full, key, raw)
    if isinstance(g, Variable):
        return Scatter(key).link(g.arithmetic, (g,), full)[0]
    return g.arithmetic.wrap(full) if isinstance(g, Scalar) else full


def _is_basic(key: Any) -> bool:
    """Whether an index takes no element twice: slices, integers, Boolean masks."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        p is None
        or p is Ellipsis
        or isinstance(p, slice | int | np.integer)
        or (isinstance(p, np.ndarray) and p.dtype == bool)
        for p in parts
    )


# what programs call ---------------------------------------------------------------------------------------


def pick(x: Variable, key: Any) -> Any:
    """``x[key]``, recorded."""
    picked = np.asarray(x.raw[key])
    return Item(key).link(x.arithmetic, (x,), picked)[0]


def move(
    arithmetic: TapeArithmetic, function: Callable[..., Any], x: Any, args: tuple[Any, ...], kwargs: Any
) -> Any:
    """A function of one array that only moves elements, recorded."""
    operand = arithmetic.operand(x)
    raw = operand.raw if isinstance(operand, Variable) else operand
    result = function(arithmetic.strict.wrap(raw), *args, **kwargs)  # refuses what the format refuses
    if not isinstance(result, list | tuple):
        return Move(function, (args, kwargs), None).link(arithmetic, (operand,), result.raw)[0]
    return type(result)(
        Move(function, (args, kwargs), i).link(arithmetic, (operand,), part.raw)[0]
        for i, part in enumerate(result)
    )


def join(
    arithmetic: TapeArithmetic,
    function: Callable[..., Any],
    parts: Sequence[Any],
    args: tuple[Any, ...],
    kwargs: Any,
) -> Any:
    """A function that puts arrays together, recorded."""
    operands = tuple(arithmetic.operand(p) for p in parts)
    raws: list[Raw] = [v.raw if isinstance(v, Variable) else v for v in operands]
    result = function([arithmetic.strict.wrap(r) for r in raws], *args, **kwargs)
    return Join(function, (args, kwargs)).link(arithmetic, operands, result.raw)[0]
