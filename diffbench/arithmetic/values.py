"""What a program sees instead of a number or an array.

* :class:`Scalar`: one number of an arithmetic, opaque to NumPy.
* :class:`Array`: an array of them, with indexing and assignment.

Both hold a raw array (native for the IEEE formats, an object array otherwise) and hand every call on to their
arithmetic. ``np.array([x[0] ** 2, x[1]])`` works because NumPy cannot look into a :class:`Scalar`: the list
becomes an object array of them, and ``np.sin`` of that array finds their method ``sin``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.errors import RefusedError

if TYPE_CHECKING:
    from diffbench.arithmetic.base import Arithmetic

Raw = np.ndarray[Any, Any]


class RefusedAttributeError(RefusedError, AttributeError):
    """An attribute that would leave the arithmetic (``x.astype``), refused in a way hasattr understands."""


class Scalar:
    """One number of an arithmetic, as a program sees it: operators and NumPy functions, no conversions."""

    __slots__ = ("arithmetic", "raw")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]  # equality is elementwise, as for arrays

    raw: Raw
    arithmetic: Arithmetic

    def __init__(self, raw: Raw, arithmetic: Arithmetic) -> None:
        self.raw = raw
        self.arithmetic = arithmetic

    # NumPy's protocols -----------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arithmetic = self.arithmetic
        if method == "__call__":
            arithmetic.refuse_options(kwargs)
            if ufunc is np.matmul:
                return arithmetic.wrap(arithmetic.matmul(*(arithmetic.coerce(v) for v in inputs)))
            return arithmetic.wrap(arithmetic.apply(ufunc, inputs))
        if method == "reduce":
            from diffbench.arithmetic.reductions import reduce_ufunc

            return reduce_ufunc(arithmetic, ufunc, *inputs, **kwargs)
        raise arithmetic.refuse(f"np.{ufunc.__name__}.{method}")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from diffbench.arithmetic.functions import call_function

        return call_function(self.arithmetic, func, args, kwargs)

    # operators --------------------------------------------------------------------------------------

    def _binary(self, ufunc: np.ufunc, a: Any, b: Any) -> Any:
        return self.arithmetic.wrap(self.arithmetic.apply(ufunc, (a, b)))

    def __add__(self, other: Any) -> Any:
        return self._binary(np.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return self._binary(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return self._binary(np.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._binary(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return self._binary(np.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._binary(np.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._binary(np.true_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._binary(np.true_divide, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._binary(np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._binary(np.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return self._binary(np.remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._binary(np.remainder, other, self)

    def __pow__(self, other: Any) -> Any:
        return self.arithmetic.wrap(self.arithmetic.power(self.raw, other))

    def __rpow__(self, other: Any) -> Any:
        return self._binary(np.power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(other, self)

    def __neg__(self) -> Any:
        return self.arithmetic.wrap(self.arithmetic.apply(np.negative, (self,)))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.arithmetic.wrap(self.arithmetic.apply(np.absolute, (self,)))

    def __lt__(self, other: Any) -> Any:
        return self._binary(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return self._binary(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return self._binary(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return self._binary(np.greater_equal, self, other)

    def __eq__(self, other: Any) -> Any:
        return self._binary(np.equal, self, other)

    def __ne__(self, other: Any) -> Any:
        return self._binary(np.not_equal, self, other)

    def __bool__(self) -> bool:
        if self.raw.ndim:
            raise self.arithmetic.refuse("if")
        return bool(self != 0)

    # what must not happen silently -------------------------------------------------------------------

    def __float__(self) -> float:
        raise self.arithmetic.refuse("float()")

    def __complex__(self) -> complex:
        raise self.arithmetic.refuse("complex()")

    def __int__(self) -> int:
        raise self.arithmetic.refuse("int()")

    __index__ = __trunc__ = __floor__ = __ceil__ = __int__

    def __round__(self, digits: int | None = None) -> Any:
        raise self.arithmetic.refuse("round()")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # NumPy asks for many protocols
            raise AttributeError(name)
        from diffbench.arithmetic.functions import METHODS

        if name in METHODS:
            return METHODS[name].__get__(self)
        raise RefusedAttributeError(str(self.arithmetic.refuse(f".{name}")))

    # what an array can tell about itself ----------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.raw.shape

    @property
    def ndim(self) -> int:
        return self.raw.ndim

    @property
    def size(self) -> int:
        return self.raw.size

    @property
    def dtype(self) -> np.dtype[Any]:
        if self.raw.dtype == object:
            raise RefusedAttributeError(str(self.arithmetic.refuse(".dtype")))
        return self.raw.dtype

    @property
    def T(self) -> Any:
        return self.arithmetic.wrap(self.raw.T)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.arithmetic.name}, {self.raw[()]!r})"


class Array(Scalar):
    """An array of numbers of an arithmetic, with indexing and assignment into its own copy."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, key: Any) -> Any:
        picked = self.raw[key]
        return self.arithmetic.wrap(picked if isinstance(picked, np.ndarray) else self.arithmetic.box(picked))

    def __setitem__(self, key: Any, value: Any) -> None:
        raw = self.arithmetic.coerce(value)
        self.raw[key] = raw if raw.ndim else raw[()]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.raw)))
