"""Arithmetics whose numbers are Python objects: the raw array is an object array.

A concrete arithmetic gives a table of scalar kernels (ufunc name -> function of elements) and a way to
make an element from a literal. Comparisons return plain Booleans or raise when they cannot be decided.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from diffbench.arithmetic.advice import call_name
from diffbench.arithmetic.base import Arithmetic, Raw, Scalar

Kernel = Callable[..., Any]


@lru_cache(maxsize=1024)
def vectorised(kernel: Kernel, operands: int) -> Callable[..., Any]:
    """A kernel as a function of object arrays."""
    return np.frompyfunc(kernel, operands, 1)


class ObjectArithmetic(Arithmetic):
    """Base of the arithmetics on Python numbers (mpmath, Arb, Taylor series)."""

    #: ufunc name -> function of elements
    kernels: Mapping[str, Kernel] = {}
    #: names of the kernels that return Booleans
    predicates = frozenset(
        ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "isnan", "isinf", "isfinite")
    )

    @abstractmethod
    def element(self, value: int | float | Fraction) -> Any:
        """A literal as an element, exactly."""

    @abstractmethod
    def is_element(self, value: Any) -> bool:
        """Whether a Python object already is a number of this arithmetic."""

    def box(self, element: Any) -> Raw:
        raw = np.empty((), dtype=object)
        raw[()] = element
        return raw

    def array(self, elements: Iterable[Any], shape: tuple[int, ...]) -> Raw:
        """Elements as a raw array. One by one: NumPy would take number types with a length apart."""
        raw = np.empty(shape, dtype=object)
        flat = raw.reshape(-1)
        for i, element in enumerate(elements):
            flat[i] = element
        return raw

    def holds(self, raw: Raw) -> bool:
        if raw.dtype != object:
            return False
        kinds = {type(v): v for v in raw.ravel().tolist()}  # one check per type: sweeps come through here
        return all(self.is_element(v) for v in kinds.values())

    def coerce(self, value: Any) -> Raw:
        if isinstance(value, Scalar):
            if value.arithmetic is not self:
                raise self.foreign(value)
            return value.raw
        if isinstance(value, list | tuple):
            value = np.array(value)
        if isinstance(value, np.ndarray) and value.ndim:
            if self.holds(value):
                return value
            return self.array((self._item(v) for v in value.ravel()), value.shape)
        return self.box(self._item(value[()] if isinstance(value, np.ndarray) else value))

    def _item(self, value: Any) -> Any:
        """One literal, wrapped value or element as an element."""
        if isinstance(value, Scalar):
            raw = self.coerce(value)
            if raw.ndim:
                raise self.refuse("an array of arrays", "use np.stack")
            return raw[()]
        if self.is_element(value):
            return value
        if isinstance(value, np.bool_ | bool | np.integer):
            return self.element(int(value))
        if isinstance(value, np.longdouble) and np.isfinite(value):
            return self.element(Fraction(*value.as_integer_ratio()))
        if isinstance(value, int | float | Fraction):
            return self.element(value)
        if isinstance(value, np.generic) and (value.dtype.kind == "f" or value.dtype.name == "bfloat16"):
            return self.element(float(value))
        raise self.refuse(f"an operand of type {type(value).__name__}", "use real numbers")

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        kernel = self.kernels.get(ufunc.__name__)
        if kernel is None:
            raise self.refuse(call_name(ufunc))
        raws = [self.coerce(v) for v in operands]
        result = vectorised(kernel, len(raws))(*raws)
        if not isinstance(result, np.ndarray):
            result = self.box(result)
        return result.astype(bool) if ufunc.__name__ in self.predicates else result

    def add_reduce(self, raw: Raw, axis: Any, keepdims: bool) -> Raw:
        total = np.sum(raw, axis=axis, keepdims=keepdims)
        if 0 in raw.shape:
            return self.coerce(np.asarray(total, dtype=float))
        return total if isinstance(total, np.ndarray) else self.box(total)

    def matmul(self, a: Raw, b: Raw) -> Raw:
        product = np.matmul(a, b)
        return product if isinstance(product, np.ndarray) else self.box(product)
