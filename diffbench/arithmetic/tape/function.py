"""Functions: the nodes of the graph, and the one place where the graph is linked.

Write your own::

    class Square(Function):
        def forward(self, x):           # plain arrays in, a plain array out (or a tuple of them)
            return x**2

        def backward(self, gy):         # the gradient of every input; None where there is none
            x = self.input
            return 2 * x * gy

    y = Square()(Variable(3.0))

``backward`` may use ``self.input.data`` (a plain array). Written with ``self.input`` (a Variable), as here,
it can also be differentiated itself: with ``.data`` a second derivative would take ``x`` for a constant.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from diffbench.arithmetic.tape.variable import CONSTANT, Variable
from diffbench.arithmetic.values import Raw, Scalar
from diffbench.errors import RefusedError, UserError

if TYPE_CHECKING:
    from diffbench.arithmetic.tape.arithmetic import TapeArithmetic

_RECORDING: ContextVar[bool] = ContextVar("recording", default=True)
recording = _RECORDING.get


@contextmanager
def record(on: bool) -> Iterator[None]:
    """Record the graph inside the block, or do not."""
    token = _RECORDING.set(on)
    try:
        yield
    finally:
        _RECORDING.reset(token)


def no_grad() -> Any:
    """``with no_grad():`` evaluates without recording: no graph, no memory for it."""
    return record(False)


class Function:
    """One operation: ``forward`` on arrays, ``backward`` on gradients.

    Attributes
    ----------
    operands : tuple
        What it was called with; a constant stays a plain array.
    generation : int
        The largest generation of its inputs: the backward pass goes through functions in falling order.
    """

    __slots__ = ("__dict__", "__weakref__", "_outputs", "_shapes", "arithmetic", "generation", "operands")

    label: ClassVar[str] = ""  # what error messages and pictures call it; default: the name of the class
    arithmetic: TapeArithmetic
    operands: tuple[Any, ...]
    generation: int
    _outputs: tuple[weakref.ref[Variable], ...]
    _shapes: list[tuple[int, ...]]

    def forward(self, *xs: Raw) -> Any:
        """The value, a plain array of the format of the inputs (or a tuple)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, x)")

    def backward(self, *gys: Any) -> Any:
        """The gradient of every input, from the gradient of every output."""
        raise NotImplementedError(f"{type(self).__name__} needs a method backward(self, gy)")

    def __call__(self, *inputs: Any) -> Any:
        from diffbench.arithmetic.tape.arithmetic import as_variable

        known = next((v.arithmetic for v in inputs if isinstance(v, Variable)), None)
        variables = tuple(as_variable(v, known) for v in inputs)
        if not variables:
            raise UserError(f"{self.name} needs at least one input")
        node = copy(self) if hasattr(self, "_outputs") else self  # called again: another node of the graph
        results = node.forward(*(v.raw for v in variables))
        raws = results if isinstance(results, tuple) else (results,)
        outputs = node.link(
            variables[0].arithmetic, variables, *(node._checked(r, variables[0]) for r in raws)
        )
        return outputs if isinstance(results, tuple) else outputs[0]

    def link(self, arithmetic: TapeArithmetic, operands: tuple[Any, ...], *raws: Raw) -> tuple[Any, ...]:
        """Wrap the results and, while recording, tie them to this function. Nothing else builds the graph."""
        outputs = tuple(map(arithmetic.wrap, raws))
        generation = max([v.generation for v in operands if type(v) is Variable], default=CONSTANT)
        if generation == CONSTANT:
            for output in outputs:
                output.generation = CONSTANT
        elif recording():
            self.arithmetic, self.operands, self.generation = arithmetic, operands, generation
            self._outputs = tuple(map(weakref.ref, outputs))
            self._shapes = [r.shape for r in raws]
            for output in outputs:
                output.creator, output.generation = self, generation + 1
        return outputs

    # the graph, to look at ---------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.label or type(self).__name__

    @property
    def inputs(self) -> tuple[Variable, ...]:
        return tuple(v for v in self.operands if isinstance(v, Variable))

    @property
    def input(self) -> Variable:
        return self.inputs[0]

    @property
    def outputs(self) -> tuple[Variable | None, ...]:
        """The results; None for one that nobody holds any more."""
        return tuple([ref() for ref in self._outputs])

    @property
    def output(self) -> Variable | None:
        return self._outputs[0]()

    # the backward pass -------------------------------------------------------------------------------------

    def gradients(self, lift: Any, gys: tuple[Any, ...]) -> tuple[Any, ...]:
        """What ``backward`` returns, checked: one gradient (or None) for every operand.

        ``lift`` makes of an operand what the pass computes with: see :func:`~.backward.lifting`.
        """
        arrived = (
            np.zeros(s, self.arithmetic.dtype) if g is None else g
            for g, s in zip(gys, self._shapes, strict=True)
        )
        given = self.backward(*(g if isinstance(g, Variable) else as_raw(g) for g in arrived))
        found = given if isinstance(given, tuple | list) else (given,)
        if len(found) != len(self.operands):
            raise UserError(
                f"{self.name}.backward returned {_count(len(found), 'gradient')} for "
                f"{_count(len(self.operands), 'input')}: return one each, None where there is none"
            )
        return tuple(
            None if g is None else lift(self._fitting(g, v))
            for g, v in zip(found, self.operands, strict=True)
        )

    def _fitting(self, gradient: Any, x: Variable) -> Any:
        """A gradient of the shape and format of its input, or an error that names this function."""
        raw = gradient.raw if isinstance(gradient, Scalar) else np.asarray(gradient)
        if raw.shape != x.shape:
            raise UserError(
                f"{self.name}.backward returned shape {raw.shape} for an input of shape {x.shape}"
            )
        if raw.dtype != x.dtype:
            raise UserError(
                f"{self.name}.backward returned {raw.dtype} for an input of {x.dtype}: "
                "a gradient keeps its format"
            )
        return gradient if isinstance(gradient, Variable) else raw

    def _checked(self, result: Any, x: Variable) -> Raw:
        """What forward returned, if it is a plain array of the format."""
        if isinstance(result, Scalar):
            raise RefusedError(f"{self.name}.forward gets plain arrays and must return them, not a Variable")
        raw = np.asarray(result)
        if raw.dtype != x.dtype:
            raise RefusedError(
                f"{self.name}.forward returned {raw.dtype} for {x.dtype}: keep the format, with "
                f"np.asarray(y, dtype=x.dtype)"
            )
        return raw


def as_raw(value: Any) -> Raw:
    """A gradient as a plain array."""
    return value.raw if isinstance(value, Scalar) else np.asarray(value)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)
