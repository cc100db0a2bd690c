"""Numbers that know which coordinates they depend on: a program's sparsity pattern from one run.

``IndexSetArithmetic().pattern(f, x)`` runs ``f`` on numbers that carry their value at ``x`` and a set of
coordinates. A result depends on what its operands depend on; a product with a literal 0 depends on nothing.
Comparisons look at the values, so where a program branches the pattern is that of the branch taken at ``x``;
``maximum``, ``minimum`` and ``abs`` keep what both sides depend on.

The sets are bits of Python integers: joining two is one operation, whatever their size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from diffbench.arithmetic.base import Program, Raw
from diffbench.arithmetic.ieee import _REFUSED as REFUSED
from diffbench.arithmetic.ieee import _SHORTCUTS as SHORTCUTS
from diffbench.arithmetic.objects import ObjectArithmetic

#: Ufuncs whose derivative is 0 wherever it exists: their results depend on nothing.
FLAT = frozenset("sign floor ceil trunc rint heaviside".split())


class Dependent:
    """A value at x and the coordinates it depends on, as the bits of an integer."""

    __slots__ = ("on", "value")

    def __init__(self, value: float, on: int = 0) -> None:
        self.value, self.on = value, on

    def is_literal_zero(self) -> bool:
        return not self.on and self.value == 0

    def _joined(self, other: Any, value: float) -> Dependent:
        return Dependent(value, self.on | other.on)

    def __add__(self, other: Any) -> Dependent:
        return self._joined(other, self.value + other.value)

    def __sub__(self, other: Any) -> Dependent:
        return self._joined(other, self.value - other.value)

    def __mul__(self, other: Any) -> Dependent:
        if self.is_literal_zero() or other.is_literal_zero():
            return Dependent(0.0)
        return self._joined(other, self.value * other.value)

    def __truediv__(self, other: Any) -> Dependent:
        if self.is_literal_zero():
            return Dependent(0.0)
        return self._joined(other, float(np.divide(self.value, other.value)))

    def __neg__(self) -> Dependent:
        return Dependent(-self.value, self.on)


class _Kernels(Mapping[str, Callable[..., Any]]):
    """A kernel for every ufunc of NumPy and SciPy: the value, and all that the operands depend on."""

    def __init__(self, predicates: frozenset[str]) -> None:
        self._predicates = predicates
        self._known: dict[str, Callable[..., Any]] = {
            "add": Dependent.__add__,
            "subtract": Dependent.__sub__,
            "multiply": Dependent.__mul__,
            "divide": Dependent.__truediv__,
            "true_divide": Dependent.__truediv__,
            "negative": Dependent.__neg__,
        }

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in self._known:
            self._known[name] = self._made(name)
        return self._known[name]

    def _made(self, name: str) -> Callable[..., Any]:
        ufunc = getattr(np, name, None) or _of_scipy(name)
        if (
            ufunc is None
            or name in REFUSED - {"float_power"}
            or ufunc.nout != 1
            or ufunc.signature is not None
        ):
            raise KeyError(name)
        if name in self._predicates:
            return lambda *operands: bool(ufunc(*(o.value for o in operands)))

        def kernel(*operands: Dependent) -> Dependent:
            on = 0
            for operand in operands:
                on |= operand.on
            return Dependent(float(ufunc(*(o.value for o in operands))), 0 if name in FLAT else on)

        return kernel

    def __iter__(self) -> Any:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _of_scipy(name: str) -> Any:
    try:
        from scipy import special
    except ImportError:
        return None
    return getattr(special, name, None)


class IndexSetArithmetic(ObjectArithmetic):
    """Values in float64, each with the coordinates it depends on."""

    name = "index sets"
    kernels = _Kernels(ObjectArithmetic.predicates)

    def element(self, value: int | float | Fraction) -> Dependent:
        return Dependent(float(value))

    def is_element(self, value: Any) -> bool:
        return type(value) is Dependent

    def is_zero(self, raw: Raw) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.array([d.value == 0 for d in raw.ravel()], dtype=bool).reshape(raw.shape)

    def power(self, base: Raw, exponent: Any) -> Raw:
        if isinstance(exponent, int | float) and exponent in SHORTCUTS:
            return self.apply(SHORTCUTS[exponent], (base,))
        return self.apply(np.power, (base, exponent))

    def variables(self, x: Any) -> Raw:
        """Every coordinate, depending on itself."""
        values = np.asarray(x, dtype=np.float64)
        return self.array((Dependent(v, 1 << i) for i, v in enumerate(values.ravel().tolist())), values.shape)

    def pattern(self, f: Program, x: Any) -> tuple[Raw, Raw, tuple[int, ...]]:
        """Rows and columns where the Jacobian of ``f`` at ``x`` may differ from 0, and its outputs' shape.

        Parameters
        ----------
        f : callable
            Takes the coordinates as a vector of shape (n,).

        Raises
        ------
        RefusedError
            If ``f`` calls what has no elementwise form.
        """
        with np.errstate(all="ignore"):
            found = self.outcome(f, self.variables(x))
        rows: list[int] = []
        columns: list[int] = []
        for row, number in enumerate(found.ravel().tolist()):
            on = number.on
            while on:
                lowest = on & -on
                rows.append(row)
                columns.append(lowest.bit_length() - 1)
                on ^= lowest
        return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64), found.shape
