"""What a program sees instead of a number or array of a library; NumPy hands all calls on it on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.values import RefusedAttributeError, Scalar

if TYPE_CHECKING:
    from diffbench.arithmetic.library.arithmetic import LibraryArithmetic

ASSIGNMENT = "build the result instead, with np.where, np.stack or np.concatenate"
_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}


class LibraryScalar(Scalar):
    """A number of a library: opaque to NumPy, which hands all calls on."""

    __slots__ = ()

    arithmetic: LibraryArithmetic

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arithmetic = self.arithmetic
        if method == "reduce" and ufunc.__name__ in _REDUCTIONS:
            return arithmetic.call(_REDUCTIONS[ufunc.__name__], inputs, {"axis": 0, **kwargs})
        if method != "__call__":
            raise arithmetic.refuse(f"np.{ufunc.__name__}.{method}")
        arithmetic.refuse_options(kwargs)
        return arithmetic.wrap(arithmetic.apply(ufunc, inputs))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        linear_algebra = "linalg" in (func.__module__ or "")
        return self.arithmetic.call(
            f"linalg.{func.__name__}" if linear_algebra else func.__name__, args, kwargs
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.raw.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    @property
    def dtype(self) -> np.dtype[Any]:
        raise RefusedAttributeError(str(self.arithmetic.refuse(".dtype")))

    @property
    def T(self) -> Any:
        return np.transpose(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.arithmetic.name}, shape {self.shape})"


class LibraryArray(LibraryScalar):
    """An array of a library, with indexing; assignment is refused, since not every library has it."""

    __slots__ = ()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        with self.arithmetic.answering("x[...]"):
            return self.arithmetic.wrap(self.raw[np.asarray(key) if isinstance(key, list) else key])

    def __setitem__(self, key: Any, value: Any) -> None:
        raise self.arithmetic.refuse("x[...] = value", ASSIGNMENT)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))
