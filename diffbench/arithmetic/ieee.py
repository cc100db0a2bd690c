"""The floating-point formats as arithmetics: every operation runs and rounds in the format.

``FormatArithmetic(get_format("float16")).run(f, x)`` gives the values and, for every point, whether an
intermediate result was infinite. Constants are rounded to the format when they meet a value of it
(charged to the evaluation, see the method page). Half-precision sums round after every addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from diffbench.arithmetic.advice import call_name
from diffbench.arithmetic.base import Arithmetic, Program, Raw, Scalar
from diffbench.arithmetic.formats import Format, format_of
from diffbench.arithmetic.reductions import sequential_matmul, sequential_sum

Flags = np.ndarray[Any, np.dtype[np.bool_]]

# Ufuncs that answer in another format, or ask about this one.
_REFUSED = frozenset({"frexp", "modf", "divmod", "ldexp", "spacing", "nextafter", "conjugate", "float_power"})
# NumPy's own operator ** takes these for simple exponents; so does ours.
_SHORTCUTS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}


@dataclass(frozen=True)
class FormatRun:
    """Values of a program in a format: ``values`` (dtype of the format), ``overflow`` (bool), same shape."""

    values: Raw
    overflow: Flags


# NumPy's own ufuncs that keep every format and raise the processor's flags.
_PLAIN = frozenset(
    (np.add, np.subtract, np.multiply, np.divide, np.negative, np.square, np.sqrt, np.power, np.exp, np.log)
    + (np.sin, np.cos, np.tan, np.tanh, np.absolute, np.maximum, np.minimum)
)


class FormatArithmetic(Arithmetic):
    """One floating-point format; an instance serves one thread, and one run at a time."""

    def __init__(self, fmt: Format) -> None:
        self.format = fmt
        self.dtype = fmt.dtype
        self.name = fmt.name
        self._half = fmt.dtype.itemsize == 2
        self._flagging = False  # an infinity that raises no flag of the processor raises FloatingPointError
        self._infinite: Flags | None = None  # while looking: the points that saw an infinity
        self._scattered = False  # ... and whether one was seen that belongs to no point in particular
        #: True while ``run`` goes over the same points again to find an infinity: no new evaluations
        self.repeating = False

    # numbers of the format ---------------------------------------------------------------------------

    def same_dtype(self, dtype: Any) -> bool:
        return np.dtype(dtype) == self.dtype

    def holds(self, raw: Raw) -> bool:
        return raw.dtype == self.dtype

    def coerce(self, value: Any) -> Raw:
        if isinstance(value, Scalar):
            if value.arithmetic.name != self.name:
                raise self.foreign(value)
            return value.raw
        if type(value) is float or (type(value) is int and -(2**53) <= value <= 2**53):
            raw = np.asarray(value, dtype=np.float64)
        elif isinstance(value, int | Fraction) and not isinstance(value, bool):
            raw = self._rational(Fraction(value))
        else:
            raw = np.asarray(value)
        if raw.dtype == self.dtype:
            return raw
        if raw.dtype == object:
            return np.array(self.entries(raw), dtype=self.dtype).reshape(raw.shape)
        if raw.dtype.kind not in "iufb" and raw.dtype.name != "bfloat16":
            raise self.refuse(f"an operand of type {raw.dtype}", "use real numbers")
        return self._round(raw)

    def _rational(self, value: Fraction) -> Raw:
        """An exact literal; longdouble divides, the others have no more digits than float64."""
        wide = np.longdouble if self.name == "longdouble" else np.float64
        try:
            quotient = wide(value.numerator) / wide(value.denominator)
        except OverflowError:
            quotient = wide(np.inf if value > 0 else -np.inf)
        return np.asarray(quotient)

    def _round(self, raw: Raw) -> Raw:
        """Round to the format once, watching for what becomes infinite (casts do not always raise a flag)."""
        rounded = self.format.round(raw)
        if self._flagging or self._infinite is not None:
            self._watch(np.isinf(rounded) & ~np.isinf(raw))
        return rounded

    # operations --------------------------------------------------------------------------------------

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        raws = [self.coerce(v) for v in operands]
        if ufunc in _PLAIN and self._infinite is None:  # the hot path of sweeps
            plain = ufunc(*raws) if raws[0].dtype is self.dtype else None
            if type(plain) is np.ndarray and plain.dtype is self.dtype:
                return plain
        if ufunc.__name__ in _REFUSED or ufunc.nout != 1 or ufunc.signature is not None:
            raise self.refuse(call_name(ufunc))
        try:
            result = np.asarray(ufunc(*raws))
        except TypeError:
            result = None
        if result is None or result.dtype not in (self.dtype, bool):
            result = self._through_float32(ufunc, raws, result)
        return self._checked(result, ufunc)

    def power(self, base: Raw, exponent: Any) -> Raw:
        if isinstance(exponent, int | float) and exponent in _SHORTCUTS:
            return self.apply(_SHORTCUTS[exponent], (base,))
        return self.apply(np.power, (base, exponent))

    def _through_float32(self, ufunc: np.ufunc, raws: list[Raw], result: Raw | None) -> Raw:
        """A ufunc without a loop for 16 bits: computed in float32, rounded once (as NumPy's own are)."""
        if self._half:
            try:
                result = np.asarray(ufunc(*(r.astype(np.float32) for r in raws)))
            except TypeError:
                result = None
            if result is not None and result.dtype == np.float32:
                return self._round(result)
        call = call_name(ufunc) + ("" if result is None else f" (its result is {result.dtype})")
        raise self.refuse(call, "it computes in float64 at most" if self.name == "longdouble" else "")

    def _checked(self, result: Raw, ufunc: np.ufunc) -> Raw:
        """Look for infinities; NumPy's own ufuncs raise the processor's flags, SciPy's may not."""
        if result.dtype == bool:
            return result
        if self._infinite is not None or (self._flagging and getattr(np, ufunc.__name__, None) is not ufunc):
            self._watch(np.isinf(result))
        return result

    def add_reduce(self, raw: Raw, axis: Any, keepdims: bool) -> Raw:
        if self._half:
            return sequential_sum(self, raw, axis, keepdims)
        return self._reduced(super().add_reduce(raw, axis, keepdims))

    def matmul(self, a: Raw, b: Raw) -> Raw:
        if self._half and a.ndim and b.ndim:
            return sequential_matmul(self, a, b)
        return self._reduced(super().matmul(a, b))

    def _reduced(self, result: Raw) -> Raw:
        if self._flagging or self._infinite is not None:
            self._watch(np.isinf(result))  # BLAS may work in another thread, whose flags nobody sees
        return result

    # runs that watch for infinities ------------------------------------------------------------------

    def run(self, f: Program, x: Raw, look: bool = False) -> FormatRun:
        """Run ``f`` at every element of ``x`` (dtype of the format).

        The first pass lets the processor's own flags watch for infinities, which costs nothing; only when
        one is raised (and always in bfloat16, whose casts raise none) a second pass looks at every result.
        With ``look`` there is that one pass only, so that ``f`` is not called twice.
        """
        if self.name != "bfloat16" and not look:
            self._flagging = True
            try:
                with np.errstate(over="raise", divide="raise", invalid="raise", under="ignore"):
                    values = self.evaluate(f, x)
                return FormatRun(values, np.zeros(x.shape, dtype=bool))
            except FloatingPointError:
                pass
            finally:
                self._flagging = False
            self.repeating = True
        try:
            values, overflow = self._look(f, x)
            self.repeating = True
            if self._scattered and x.size > 1:  # a result of another shape was infinite: find out whose
                points = [self._look(f, x.reshape(-1)[i : i + 1])[1] for i in range(x.size)]
                overflow = np.concatenate(points).reshape(x.shape)
        finally:
            self.repeating = False
        return FormatRun(values, overflow)

    def _look(self, f: Program, x: Raw) -> tuple[Raw, Flags]:
        """Values and, for every point, whether any result was infinite."""
        flags: Flags = np.zeros(x.shape, dtype=bool)
        self._infinite, self._scattered = flags, False
        try:
            with np.errstate(all="ignore"):
                values = self.evaluate(f, x)
            return values, flags | np.isinf(values)
        finally:
            self._infinite = None

    def _watch(self, infinite: Flags) -> None:
        """Remember the points that saw an infinite result, or leave the first pass for the second."""
        if not infinite.any():
            return
        if self._infinite is None:
            raise FloatingPointError("an infinite result")
        if infinite.ndim == 0 or self._infinite.size <= 1:
            self._infinite[...] = True
        elif infinite.shape == self._infinite.shape:
            self._infinite |= infinite
        else:
            self._scattered = True


def arithmetic_of(dtype: Any) -> FormatArithmetic:
    """The arithmetic of the format a dtype stores."""
    return FormatArithmetic(format_of(dtype))
