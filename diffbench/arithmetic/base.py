"""What a number system must offer so that one plain NumPy program can run in it.

:class:`Arithmetic` is the base of all: ``arithmetic.evaluate(f, x)`` runs the program ``f`` in it. The
program sees wrapped values (:mod:`diffbench.arithmetic.values`); NumPy hands every call on them to
``__array_ufunc__`` or ``__array_function__``, and both look the call up in the arithmetic's tables and refuse
what is not there.
Three hazards shaped the wrappers:

* ``x * 2.0`` on a plain float16 array may silently become float32 or float64. Here every operand goes
  through ``Arithmetic.coerce`` and every result is checked, so nothing leaves the arithmetic.
* ``zeros[i] = x`` and ``math.sin(x)`` call ``x.__float__``, which would cut a 300-bit number to 53 bits
  without a word. ``__float__`` and its kin therefore refuse, by name.
* ``np.array([x[0] ** 2, x[1]])`` would turn 0-d wrapped arrays into plain numbers if they could be
  converted. A result without dimensions is a :class:`Scalar`, which NumPy cannot look into.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from diffbench.arithmetic.advice import ADVICE, DEFAULT
from diffbench.arithmetic.values import Array, Raw, RefusedAttributeError, Scalar
from diffbench.errors import RefusedError, UserError

__all__ = ["Arithmetic", "Array", "Program", "Raw", "RefusedAttributeError", "Scalar"]

Program = Callable[..., Any]


class Arithmetic(ABC):
    """A number system in which a NumPy program can run.

    Concrete arithmetics give a name, a coercion and a table of ufuncs; reductions, indexing, stacking and
    reshaping come from :mod:`diffbench.arithmetic.functions` and work on the raw array.
    """

    name: str = ""
    #: NumPy kinds of a constant that a program may return instead of a number of the arithmetic
    constants = "iuf"

    @abstractmethod
    def coerce(self, value: Any) -> Raw:
        """The raw array of a literal, a NumPy array or a wrapped value; refuses what does not belong."""

    def foreign(self, value: Scalar) -> RefusedError:
        """The error for a wrapped value of another arithmetic."""
        return RefusedError(f"a number of {value.arithmetic.name} met one of {self.name}: keep them apart")

    @abstractmethod
    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        """The raw result of a ufunc, or RefusedError."""

    @abstractmethod
    def holds(self, raw: Raw) -> bool:
        """Whether every element of a raw array is a number of this arithmetic."""

    def power(self, base: Raw, exponent: Any) -> Raw:
        """``base ** exponent`` as written with the operator."""
        return self.apply(np.power, (base, exponent))

    def is_zero(self, raw: Raw) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where a raw array is 0 (``np.sinc`` and truth tests ask)."""
        return self.apply(np.equal, (raw, 0))

    def add_reduce(self, raw: Raw, axis: Any, keepdims: bool) -> Raw:
        """Sum along axes; the order of the additions is the arithmetic's own."""
        return np.asarray(np.sum(raw, axis=axis, keepdims=keepdims))

    def matmul(self, a: Raw, b: Raw) -> Raw:
        """Matrix product of two raw arrays."""
        return np.asarray(np.matmul(a, b))

    def same_dtype(self, dtype: Any) -> bool:
        """Whether ``dtype=`` asks for what the arithmetic stores anyway (``dtype=x.dtype``)."""
        return False

    def wrap(self, raw: Any) -> Any:
        """A wrapped value around a raw array; comparisons stay plain Boolean arrays."""
        array = raw if isinstance(raw, np.ndarray) else self.box(raw)
        if array.dtype == bool:
            return array if array.ndim else array[()]
        return Array(array, self) if array.ndim else Scalar(array, self)

    def box(self, element: Any) -> Raw:
        """A single element as a 0-d raw array."""
        return np.asarray(element)

    def entries(self, values: Raw) -> list[Any]:
        """The entries of an object array that a program made (``np.array([x[0] ** 2, 1.0])``)."""
        raws = []
        for value in values.ravel():
            if not isinstance(value, Scalar | int | float | complex | Fraction | np.generic):
                raise self.refuse(f"an operand of type {type(value).__name__}", "use numbers")
            raws.append(self.coerce(value))
        if any(raw.ndim for raw in raws):
            raise self.refuse("an array of arrays", "use np.stack")
        return [raw[()] for raw in raws]

    def evaluate(self, f: Program, *args: Any) -> Raw:
        """Run ``f`` on the arguments and return the raw result, of the shape of the first argument.

        Raises
        ------
        RefusedError
            If ``f`` calls what the arithmetic cannot do, or returns something that is not a number of it.
        UserError
            If the result has another shape than the argument.
        """
        raws = [np.array(self.coerce(a), copy=True, subok=False) for a in args]
        return self.result(self._called(f, raws), raws[0].shape)

    def outcome(self, f: Program, *args: Any) -> Raw:
        """Run ``f`` on the arguments and return the raw result, of whatever shape it has.

        For functions of several variables; the arguments are not copied.

        Raises
        ------
        RefusedError
            If ``f`` calls what the arithmetic cannot do, or returns something that is not a number of it.
        """
        value = self._called(f, [self.coerce(a) for a in args])
        if isinstance(value, list | tuple):  # a function may return its components one by one
            value = np.stack([self.wrap(self.coerce(v)) for v in value])
        if not self._is_result(value):
            self.result(value, ())  # raises, saying what a program may return
        return self.coerce(value)

    def _called(self, f: Program, raws: list[Raw]) -> Any:
        """What the program returns; NumPy's own complaints become refusals."""
        try:
            return f(*(self.wrap(r) for r in raws))
        except (TypeError, ValueError, IndexError) as error:
            explained = self._explained(error)
            if explained is error:
                raise
            raise explained from None

    def result(self, value: Any, shape: tuple[int, ...]) -> Raw:
        """Check what a program returned; a constant counts for every point."""
        if not self._is_result(value):
            raise RefusedError(
                f"the function returned {_describe(value)}, which is not a number of {self.name}: return the "
                "result of the NumPy calls on x, without converting it; where only constants are chosen, "
                "write np.where(condition, np.ones_like(x), np.zeros_like(x))"
            )
        raw = self.coerce(value)
        if raw.shape == shape:
            return raw
        if raw.ndim == 0 and not isinstance(value, Scalar):
            return np.broadcast_to(raw, shape).copy()
        raise UserError(
            f"the function returned shape {raw.shape} for x of shape {shape}: it must work element by element"
        )

    def _is_result(self, value: Any) -> bool:
        if isinstance(value, bool | np.bool_):
            return False
        if isinstance(value, np.ndarray):
            return value.dtype == object  # an array of wrapped scalars; coerce looks at each
        if isinstance(value, np.generic):
            return value.dtype.kind in self.constants
        return isinstance(value, Scalar | int | float) or (
            isinstance(value, complex) and "c" in self.constants
        )

    def _explained(self, error: Exception) -> Exception:
        """NumPy's own complaint about a wrapped value, as a refusal that says what to write instead."""
        if isinstance(error, RefusedError | UserError):
            return error
        if isinstance(error.__cause__, RefusedError):  # "setting an array element with a sequence"
            return error.__cause__
        text = str(error)
        if "truth value of an array" in text:
            return self.refuse("if")
        if "only integers, slices" in text:
            return self.refuse(
                "an index that is not an integer", "take it from x.shape or a range, not from x"
            )
        if "ufunc" in text and ("no callable" in text or "not supported for the input types" in text):
            return self.refuse(f"a NumPy array of single numbers ({text})", "build it with np.stack")
        return error

    def refuse_options(self, options: Mapping[str, Any]) -> None:
        """Refuse ``out=``, ``dtype=`` and their kin unless they ask for nothing."""
        for option, value in options.items():
            if value is None or (option == "where" and value is True):
                continue
            if option != "dtype" or not self.same_dtype(value):
                raise self.refuse(f"{option}=")

    def refuse(self, call: str, advice: str = "") -> RefusedError:
        """The error for a call that is not available, naming what to write instead."""
        return RefusedError(f"{self.name} cannot run {call}: {advice or ADVICE.get(call, DEFAULT)}")

    def __repr__(self) -> str:
        return f"<arithmetic {self.name}>"


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"a plain NumPy array of {value.dtype}"
    return f"a plain {type(value).__name__}"
