"""The backward pass: from an output to everything it was made from.

``propagate`` is the walk, with nothing numerical in it: it hands gradients to the functions, newest
generation first, and adds what arrives at one variable twice. What a gradient *is* in a pass is decided by
``lifting``:

* a plain array, in a format that NumPy keeps by itself (float32, float64, longdouble);
* a wrapped value of the strict arithmetic in float16 and bfloat16, where it does not;
* a Variable, with ``create_graph``: then the pass records itself.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.tape.function import Function, as_raw, record
from diffbench.arithmetic.tape.variable import Variable, needs_gradient
from diffbench.errors import UserError

if TYPE_CHECKING:
    from diffbench.arithmetic.tape.arithmetic import TapeArithmetic

Lift = Callable[[Any], Any]
Watch = Callable[[Function, tuple[Any, ...], tuple[Any, ...]], None]
# id of a variable -> the variable, its gradient
Gradients = dict[int, tuple[Variable, Any]]


def propagate(
    y: Variable, seed: Any, lift: Lift, *, since: int = 0, retain: bool = False, watch: Watch | None = None
) -> Gradients:
    """The gradients of ``y`` at the variables where the walk ends, or (``retain``) at all of them.

    Functions of a generation below ``since`` are not entered.
    """
    found: Gradients = {id(y): (y, seed)}
    take: Any = found.get if retain else found.pop
    heap: list[tuple[int, int, Function]] = []
    entered: set[Function] = set()

    def enter(function: Function | None) -> None:
        if function is not None and function.generation >= since and function not in entered:
            entered.add(function)
            heappush(heap, (-function.generation, len(entered), function))

    enter(y.creator)
    while heap:
        function = heappop(heap)[2]
        gys = tuple([take(id(output), (output, None))[1] for output in function.outputs])
        gxs = function.gradients(lift, gys)
        for x, gx in zip(function.operands, gxs, strict=True):
            if gx is not None and needs_gradient(x):
                found[id(x)] = (x, found[id(x)][1] + gx if id(x) in found else gx)
                enter(x.creator)
        if watch is not None:
            watch(function, gys, gxs)
    return found


def lifting(arithmetic: TapeArithmetic, create_graph: bool) -> Lift:
    """What a pass makes of a variable or of a constant array, to compute with it."""
    if create_graph:
        return arithmetic.wrapped
    if arithmetic.plain:
        return lambda v: v.raw if isinstance(v, Variable) else v
    return lambda v: arithmetic.strict.wrap(v.raw if isinstance(v, Variable) else v)


def walk(
    y: Variable, seed: Any, *, create_graph: bool, finite: bool, since: int = 0, retain: bool = False
) -> Gradients:
    """``propagate`` from a checked seed, to checked gradients."""
    start = starting_gradient(y, seed)
    lift = lifting(y.arithmetic, create_graph)
    with record(create_graph), np.errstate(all="ignore"):
        found = propagate(y, lift(start), lift, since=since, retain=retain)
        if finite and not all(np.isfinite(as_raw(g)).all() for _, g in found.values()):
            plain = lifting(y.arithmetic, False)
            propagate(y, plain(as_raw(start)), plain, since=since, watch=name_the_culprit)
    return found


def accumulate(y: Variable, seed: Any, *, retain_grad: bool, create_graph: bool, finite: bool) -> None:
    """What ``y.backward()`` does: add the gradients to what the variables have."""
    found = walk(y, seed, create_graph=create_graph, finite=finite, retain=retain_grad)
    if y.creator is not None:
        y.cleargrad()  # it held the seed
    for x, g in found.values():
        gradient = g if create_graph else np.array(as_raw(g))  # a copy: two variables may share one gradient
        with record(create_graph):
            x.grad = gradient if x.grad is None else x.grad + gradient


def starting_gradient(y: Variable, seed: Any) -> Any:
    """The seed, or what stands in for it: the gradient that was set by hand, or 1 for a single number."""
    if seed is None:
        seed = y.grad
    if seed is None:
        if y.size != 1:
            raise UserError(
                f"backward() from a variable of shape {y.shape} needs a seed: "
                f"y.backward(np.ones_like(y.data)), or sum it to one number first"
            )
        return np.ones(y.shape, dtype=y.dtype)
    array = y.fitting(as_raw(seed) if isinstance(seed, Variable) else seed, "gradient")
    if not np.isfinite(array).all():
        raise UserError(f"backward() cannot start from a gradient that is not finite: {array}")
    return seed if isinstance(seed, Variable) else array


_GUARD = (
    "In a branch that np.where does not choose, guard the argument as well: np.sqrt(np.where(x > 0, x, 1))"
)


def name_the_culprit(function: Function, gys: tuple[Any, ...], gxs: tuple[Any, ...]) -> None:
    """Say which operation turned finite numbers into infinities or NaN.

    Raises
    ------
    UserError
        If it was this one.
    """
    inputs = [as_raw(v) for v in function.operands]
    outputs = [v.raw for v in function.outputs if v is not None]
    at = ", ".join(_first_of(v) for v in inputs)
    if _all_finite(inputs) and not _all_finite(outputs):
        raise UserError(f"{function.name} gave {_first_bad(outputs)} for finite input ({at}). {_GUARD}")
    arrived = [as_raw(g) for g in gys if g is not None]
    passed = [as_raw(g) for g in gxs if g is not None]
    if _all_finite(arrived) and not _all_finite(passed):
        raise UserError(
            f"the gradient of {function.name} is {_first_bad(passed)} (its operands: {at}): it has no finite "
            f"derivative there, or the format cannot hold it; finite=False lets it through. {_GUARD}"
        )


def _all_finite(arrays: list[Any]) -> bool:
    return all(bool(np.isfinite(a).all()) for a in arrays)


def _first_bad(arrays: list[Any]) -> str:
    return str(
        next(a[~np.isfinite(a)].ravel()[0] for a in map(np.asarray, arrays) if not np.isfinite(a).all())
    )


def _first_of(array: Any) -> str:
    return str(array) if array.size == 1 else f"an array of shape {array.shape}"
