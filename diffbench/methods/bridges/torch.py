"""PyTorch on the CPU: its functions under NumPy's names, differentiated by ``torch.autograd.grad``.

PyTorch has NumPy's functions with other names and arguments (``dim`` for ``axis``). The table below says, one
line each, what a NumPy call is there; what is not in it PyTorch lacks (``cbrt``, ``sinc`` at 0, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.library import LibraryArithmetic
from diffbench.methods.bridges.bridge import Bridge, Program

_SAME = (
    "sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log "
    "log2 log10 log1p sqrt square reciprocal absolute negative positive sign floor ceil trunc "
    "floor_divide remainder fmod hypot logaddexp logaddexp2 heaviside copysign maximum minimum fmax "
    "fmin add subtract multiply divide less less_equal greater greater_equal isnan isinf isfinite "
    "matmul squeeze moveaxis swapaxes fliplr flipud ravel hstack vstack dstack column_stack "
    "broadcast_to diff inner outer deg2rad rad2deg"
).split()
_RENAMED = {"fabs": "abs", "rint": "round", "power": "pow", "degrees": "rad2deg", "radians": "deg2rad"}
_RENAMED |= {"equal": "eq", "not_equal": "ne"}
_SPECIAL = {
    "erf": "erf",
    "erfc": "erfc",
    "expit": "expit",
    "logit": "logit",
    "gammaln": "gammaln",
    "psi": "digamma",
}


@cache
def table() -> Mapping[str, Callable[..., Any]]:
    """NumPy's name -> a function of tensors with NumPy's arguments."""
    import torch

    def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
        def reduce(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
            axes = tuple(range(a.ndim)) if axis is None else axis
            return function(a, dim=axes, keepdim=bool(keepdims))

        return reduce

    def product(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.prod(a) if axis is None else torch.prod(a, dim=axis, keepdim=bool(keepdims))

    def flat(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda a, axis=None: function(a.reshape(-1) if axis is None else a, dim=axis or 0)

    def dot(a: Any, b: Any) -> Any:
        return a * b if 0 in (a.ndim, b.ndim) else torch.matmul(a, b)

    def axes_of(a: Any, axis: Any) -> tuple[int, ...]:
        return tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)

    own: dict[str, Callable[..., Any]] = {
        "sum": reduction(torch.sum),
        "mean": reduction(torch.mean),
        "max": reduction(torch.amax),
        "min": reduction(torch.amin),
        "prod": product,
        "cumsum": flat(torch.cumsum),
        "concatenate": lambda parts, axis=0: torch.cat(list(parts), dim=axis),
        "stack": lambda parts, axis=0: torch.stack(list(parts), dim=axis),
        "where": lambda condition, a, b: torch.where(torch.as_tensor(condition), a, b),
        "reshape": lambda a, shape: torch.reshape(a, (shape,) if isinstance(shape, int) else tuple(shape)),
        "transpose": lambda a, axes=None: a.permute(
            tuple(reversed(range(a.ndim))) if axes is None else tuple(axes)
        ),
        "expand_dims": lambda a, axis: torch.unsqueeze(a, axis),
        "flip": lambda a, axis=None: torch.flip(a, axes_of(a, axis)),
        "roll": lambda a, shift, axis=None: torch.roll(a, shift, axis),
        "repeat": lambda a, repeats, axis=None: torch.repeat_interleave(a, repeats, dim=axis),
        "tile": lambda a, reps: torch.tile(a, (reps,) if isinstance(reps, int) else tuple(reps)),
        "dot": dot,
    }
    same = {name: getattr(torch, target) for name, target in [*((n, n) for n in _SAME), *_RENAMED.items()]}
    special = {name: getattr(torch.special, target) for name, target in _SPECIAL.items()}
    return {**same, **special, **own}


class TorchArithmetic(LibraryArithmetic):
    """Tensors on the CPU."""

    library = "PyTorch"

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt)
        import torch

        self._torch = torch
        self._dtype = getattr(torch, fmt.name)

    def lift(self, array: np.ndarray[Any, Any]) -> Any:
        wide = (
            array.astype(np.float32) if self.format.name == "bfloat16" else array
        )  # exact; from_numpy lacks it
        return self._torch.tensor(wide).to(self._dtype)

    def plain(self, raw: Any) -> np.ndarray[Any, Any]:
        tensor = raw.detach()
        if tensor.dtype == self._torch.bfloat16:
            return self.format.round(tensor.to(self._torch.float32).numpy())
        array: np.ndarray[Any, Any] = tensor.numpy(force=True)  # PyTorch keeps known zeros without storage
        return array

    def owns(self, value: Any) -> bool:
        return isinstance(value, self._torch.Tensor)

    def dtype_name(self, raw: Any) -> str:
        return str(raw.dtype).removeprefix("torch.")

    def function(self, name: str) -> Callable[..., Any] | None:
        return table().get(name)


class TorchBridge(Bridge):
    """``torch.autograd.grad``, with a seed of ones."""

    name = package = extra = "torch"
    formats = ("float16", "bfloat16", "float32", "float64")

    def run(self, f: Program, x: np.ndarray[Any, Any], fmt: Format, derivative: int) -> tuple[Any, Any]:
        torch = self.load()
        arithmetic = TorchArithmetic(fmt)
        point = arithmetic.lift(x).requires_grad_()
        with torch.enable_grad(), arithmetic.answering("the derivative"):
            value = result = arithmetic.program(f)(point)
            for order in range(derivative, 0, -1):
                if not result.requires_grad:  # it does not depend on the point
                    result = torch.zeros_like(point)
                    break
                (result,) = torch.autograd.grad(
                    result, point, torch.ones_like(result), create_graph=order > 1, materialize_grads=True
                )
        return arithmetic.plain(value), arithmetic.plain(result)
