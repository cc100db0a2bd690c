"""A format whose numbers are Variables.

:class:`TapeArithmetic` makes every value by the format's own strict arithmetic, so coercion, refusals and
every bit of the forward pass are the same as without a tape.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from diffbench.arithmetic.base import Program
from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.ieee import _PLAIN as PLAIN
from diffbench.arithmetic.ieee import _SHORTCUTS as SHORTCUTS
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.tape import numpy_calls
from diffbench.arithmetic.tape.elementwise import elementwise
from diffbench.arithmetic.tape.moving import pick
from diffbench.arithmetic.tape.reductions import matmul
from diffbench.arithmetic.tape.variable import CONSTANT, Variable
from diffbench.arithmetic.values import Raw
from diffbench.errors import UserError


class TapeArithmetic(FormatArithmetic):
    """One format on the tape; ``strict`` is the same format without one."""

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt)
        self.name = f"tape ({fmt.name})"
        self.strict = FormatArithmetic(fmt)
        self.strict.name = self.name  # so that its refusals speak of the tape
        self.plain = fmt.dtype.itemsize > 2  # NumPy keeps the wider formats by itself, and rounds as they do

    def wrap(self, raw: Any) -> Any:
        array = raw if type(raw) is np.ndarray else np.asarray(raw)
        if array.dtype is not self.dtype and array.dtype == bool:
            return array if array.ndim else array[()]
        variable = Variable.__new__(Variable)
        variable.raw, variable.arithmetic = array, self
        variable.creator = variable.name = variable._grad = None
        variable.generation = 0
        return variable

    def coerce(self, value: Any) -> Raw:
        if type(value) is np.ndarray:
            if value.dtype is self.dtype:
                return value
            if value.dtype == object:
                return as_variable(value, self).raw
        return super().coerce(value)

    def value(self, ufunc: np.ufunc, raws: list[Raw]) -> Raw:
        """The strict value of a ufunc of raw arrays, by the short way where NumPy is strict itself."""
        if ufunc in PLAIN:
            result = ufunc(*raws)
            if result.dtype is self.dtype:
                return np.asarray(result)
        return self.apply(ufunc, tuple(raws))

    def _rational(self, value: Any) -> Raw:
        return FormatArithmetic(self.format)._rational(value)  # which looks at the plain name

    def operand(self, value: Any) -> Any:
        """A Variable of this arithmetic as it is; anything else as a constant array."""
        if type(value) is Variable:
            if value.arithmetic is not self:
                self.coerce(value)  # refuses another format
            return value
        if type(value) is np.ndarray and value.dtype == object:
            return as_variable(value, self)
        return self.coerce(value)

    def wrapped(self, value: Any) -> Variable:
        """The same, with a constant as a Variable too."""
        return as_variable(value, self)

    # what Variables hand on ------------------------------------------------------------------------------

    def record(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Any:
        """A ufunc as a node of the graph."""
        return elementwise(self, ufunc, operands)

    def record_power(self, base: Variable, exponent: Any) -> Any:
        """``base ** exponent``, with the shortcuts of NumPy's own operator."""
        shortcut = SHORTCUTS.get(exponent) if isinstance(exponent, int | float) else None
        return elementwise(self, shortcut or np.power, (base,) if shortcut else (base, exponent))

    def record_item(self, x: Variable, key: Any) -> Any:
        """``x[key]``."""
        return pick(x, key)

    def call_ufunc(
        self, ufunc: np.ufunc, method: str, operands: tuple[Any, ...], options: Mapping[str, Any]
    ) -> Any:
        """What NumPy's ufunc protocol asks for."""
        if method == "reduce":
            return numpy_calls.reduce_ufunc(self, ufunc, *operands, **options)
        if method != "__call__":
            raise self.refuse(f"np.{ufunc.__name__}.{method}")
        if options:
            self.refuse_options(options)
        return matmul(self, *operands) if ufunc is np.matmul else elementwise(self, ufunc, operands)

    def call_function(self, func: Any, args: Any, kwargs: Any) -> Any:
        """What NumPy's function protocol asks for."""
        return numpy_calls.call_function(self, func, args, kwargs)

    # running a program -----------------------------------------------------------------------------------

    def trace(self, f: Program, *args: Any) -> tuple[tuple[Variable, ...], Variable]:
        """Run ``f``; the variables it ran on, and the one it returned (of any shape).

        Raises
        ------
        RefusedError
            If ``f`` calls what the tape cannot record, or returns something that is not a number of it.
        """
        inputs = tuple(self.wrap(np.array(self.coerce(a), copy=True)) for a in args)
        return inputs, self.follow(f, *inputs)

    def follow(self, f: Program, *inputs: Variable) -> Variable:
        """Run ``f`` on variables; what it returned, as a variable."""
        try:
            value = f(*inputs)
        except (TypeError, ValueError, IndexError) as error:
            explained = self._explained(error)
            if explained is error:
                raise
            raise explained from None
        if not self._is_result(value):
            self.result(value, ())  # raises, saying what a program may return
        return as_variable(value, self)


@cache
def tape_of(fmt: Format) -> TapeArithmetic:
    """The tape's arithmetic of a format."""
    return TapeArithmetic(fmt)


def as_variable(value: Any, arithmetic: TapeArithmetic | None = None) -> Variable:
    """A Variable around anything that is none yet: a number, an array, an object array of Variables.

    With an arithmetic given it is a constant of it, without one a new variable.

    Raises
    ------
    RefusedError
        If it belongs to another arithmetic or format.
    """
    if isinstance(value, np.ndarray) and value.dtype == object and value.size:
        return _join_objects(value, arithmetic)
    if isinstance(value, Variable):
        if arithmetic is not None:
            arithmetic.coerce(value)  # refuses another format
        return value
    if arithmetic is None:
        return Variable(value)
    constant: Variable = arithmetic.wrap(arithmetic.coerce(value))
    constant.generation = CONSTANT
    return constant


def _join_objects(values: Raw, arithmetic: TapeArithmetic | None) -> Variable:
    """``np.array([x[0] ** 2, 1.0])``: NumPy makes an object array of it."""
    parts = values.ravel().tolist()
    arithmetic = arithmetic or next((v.arithmetic for v in parts if isinstance(v, Variable)), None)
    if arithmetic is None:
        raise UserError("an array of objects is no variable: use numbers")
    arithmetic.entries(values)  # refuses what is no number of this arithmetic
    joined: Any = np.reshape(np.stack([as_variable(v, arithmetic) for v in parts]), values.shape)
    return joined
