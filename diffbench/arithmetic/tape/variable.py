"""Variables: arrays that remember which function made them.

:class:`Variable` has ``data``, ``grad``, ``creator`` and ``name``; NumPy functions and operators on it record
themselves, ``y.backward()`` gives the gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.formats import format_of
from diffbench.arithmetic.values import Raw, Scalar
from diffbench.errors import RefusedError, UserError

if TYPE_CHECKING:
    from diffbench.arithmetic.tape.arithmetic import TapeArithmetic
    from diffbench.arithmetic.tape.function import Function

ASSIGNMENT = "build the result instead, with np.where, np.stack or np.concatenate"


CONSTANT = -1  # the generation of a constant


class Variable(Scalar):
    """An array of one format that remembers how it was made.

    Parameters
    ----------
    data : array, number or Variable
        float16, bfloat16, float32, float64 or longdouble. Integers become float64, on purpose: a gradient
        is not an integer. What float64 cannot hold exactly is refused.
    name : str, optional
        For pictures of the graph.

    Attributes
    ----------
    data : ndarray
    grad : ndarray, Variable or None
        Of the shape and format of ``data``; a Variable after ``backward(create_graph=True)``. Gradients add
        up until ``cleargrad``.
    creator : Function or None
    generation : int
        Length of the longest path from a variable without a creator; -1 for a constant (no gradient).
    """

    __slots__ = ("__weakref__", "_grad", "creator", "generation", "name")

    arithmetic: TapeArithmetic
    creator: Function | None
    generation: int
    name: str | None

    def __init__(self, data: Any, name: str | None = None) -> None:
        raw = data.raw if isinstance(data, Variable) else np.array(data, copy=None)
        from diffbench.arithmetic.tape.arithmetic import tape_of

        self.arithmetic = tape_of(format_of(raw.dtype))
        self.raw = raw if raw.dtype == self.arithmetic.dtype else _as_float64(raw)
        self.name, self._grad, self.creator, self.generation = name, None, None, 0

    @property
    def data(self) -> Raw:
        return self.raw

    @data.setter
    def data(self, value: Any) -> None:
        self.raw = self.fitting(value, "data")

    @property
    def grad(self) -> Any:
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None and not isinstance(value, Variable):
            value = self.fitting(value, "gradient")
        elif value is not None:
            self.fitting(value.raw, "gradient")
        self._grad = value

    def fitting(self, value: Any, what: str) -> Raw:
        """A value as an array of this shape and format; nothing is rounded or broadcast in silence."""
        array = np.asarray(value)
        if isinstance(value, int | float) and self.arithmetic.format.round(value) == value:
            array = self.arithmetic.format.round(value)
        label = f"variable {self.name!r}" if self.name else "a variable"
        if array.shape != self.shape:
            raise UserError(f"the {what} of {label} of shape {self.shape} cannot have shape {array.shape}")
        if array.dtype != self.raw.dtype:
            raise UserError(
                f"the {what} of {label} of {self.raw.dtype} cannot be {array.dtype}: convert it on purpose, "
                f"with .astype(x.dtype)"
            )
        return array

    def cleargrad(self) -> None:
        """Forget the gradient."""
        self._grad = None

    def backward(
        self,
        seed: Any = None,
        *,
        retain_grad: bool = False,
        create_graph: bool = False,
        finite: bool = True,
    ) -> None:
        """Add the gradient of this variable to ``grad`` of every variable it was made from.

        Parameters
        ----------
        seed : array, optional
            What the gradient of this variable is; default 1 for a single number.
        retain_grad : bool
            Keep the gradients of the variables in between too.
        create_graph : bool
            Record the backward pass, so that gradients are Variables that can be differentiated again.
        finite : bool
            Refuse gradients that are infinite or NaN.

        Raises
        ------
        UserError
            If there is more than one element and no seed, a gradient has the wrong shape, count or dtype,
            or is not finite; the message names the operation.
        """
        from diffbench.arithmetic.tape.backward import accumulate

        accumulate(self, seed, retain_grad=retain_grad, create_graph=create_graph, finite=finite)

    # NumPy's protocols and the operators, recorded ---------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self.arithmetic.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self.arithmetic.call_function(func, args, kwargs)

    def _binary(self, ufunc: np.ufunc, a: Any, b: Any) -> Any:
        return self.arithmetic.record(ufunc, (a, b))

    def __neg__(self) -> Any:
        return self.arithmetic.record(np.negative, (self,))

    def __abs__(self) -> Any:
        return self.arithmetic.record(np.absolute, (self,))

    def __pow__(self, other: Any) -> Any:
        return self.arithmetic.record_power(self, other)

    def __getitem__(self, key: Any) -> Any:
        return self.arithmetic.record_item(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise RefusedError(f"{self.arithmetic.name} cannot run x[...] = value: {ASSIGNMENT}")

    def __len__(self) -> int:
        return len(self.raw)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a variable without dimensions")
        return (self[i] for i in range(len(self.raw)))

    @property
    def T(self) -> Any:
        return np.transpose(self)

    def __repr__(self) -> str:
        text = np.array2string(self.raw, separator=", ", prefix="Variable(") if self.ndim else str(self.raw)
        notes = [f"name={self.name!r}"] * bool(self.name) + [f"dtype={self.raw.dtype}"] * (
            self.raw.dtype != np.float64
        )
        return f"Variable({', '.join([text, *notes])})"


def needs_gradient(value: Any) -> bool:
    """Whether an operand is a variable, and no constant."""
    return type(value) is Variable and value.generation >= 0


def _as_float64(raw: Raw) -> Raw:
    """Integers as float64, or an error where that is not exact."""
    wide = raw.astype(np.float64)
    if raw.dtype.kind in "iu" and not np.array_equal(wide.astype(object), raw.astype(object)):
        raise UserError(f"{raw!r} holds integers that float64 cannot: convert them on purpose")
    return wide
