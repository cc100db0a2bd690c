"""NumPy's ufuncs as nodes of the graph: values from the strict format, gradients from the rule table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.advice import DEFAULT, call_name
from diffbench.arithmetic.rules import RULES, Rule, uses_result
from diffbench.arithmetic.tape.function import Function
from diffbench.arithmetic.tape.variable import Variable, needs_gradient
from diffbench.arithmetic.values import Raw

if TYPE_CHECKING:
    from diffbench.arithmetic.tape.arithmetic import TapeArithmetic

_USES_RESULT = {rule for rules in RULES.values() for rule in rules if rule is not None and uses_result(rule)}


class Elementwise(Function):
    """A ufunc: every operand's rule, and its broadcasting undone."""

    __slots__ = ("rules", "ufunc")

    def __init__(self, ufunc: np.ufunc, rules: tuple[Rule | None, ...]) -> None:
        self.ufunc = ufunc
        self.rules = rules

    @property
    def name(self) -> str:
        return call_name(self.ufunc)

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        (gy,) = gys
        operands = [lift(v) for v in self.operands]
        gradients: list[Any] = []
        for v, rule in zip(self.operands, self.rules, strict=True):
            if rule is None or not needs_gradient(v):
                gradients.append(None)
                continue
            y = lift(self.output) if rule in _USES_RESULT else None
            g = rule(gy, y, *operands)
            gradients.append(g if g.shape == v.shape else unbroadcast(g, v.shape))
        return tuple(gradients)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes that were stretched to make it."""
    added = g.ndim - len(shape)
    stretched = tuple(i + added for i, n in enumerate(shape) if n == 1 and g.shape[i + added] != 1)
    axes = (*range(added), *stretched)
    return np.reshape(np.sum(g, axis=axes), shape) if axes else np.reshape(g, shape)


def elementwise(arithmetic: TapeArithmetic, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Any:
    """Apply a ufunc to variables and constants, and record it.

    Raises
    ------
    RefusedError
        If the ufunc cannot run in the format, or has no rule in the table.
    """
    kept = tuple([arithmetic.operand(v) for v in operands])
    result: Raw = arithmetic.value(ufunc, [v.raw if type(v) is Variable else v for v in kept])
    rules = RULES.get(ufunc.__name__)
    if rules is None:
        if result.dtype == bool:
            return arithmetic.wrap(result)
        raise arithmetic.refuse(call_name(ufunc), f"no rule gives its derivative; {DEFAULT}")
    return Elementwise(ufunc, rules).link(arithmetic, kept, result)[0]
