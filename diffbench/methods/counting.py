"""The function under test as a method gets it: every call counted, every call in the format.

* :class:`CountedProgram`: a NumPy program for diffbench's own methods, which run it in arithmetics.
* :class:`PlainFunction`: the same for other libraries: plain numbers and arrays in and out, the program
  strictly in the format in between.

A function value is counted where the program itself is called, so that no way through a library, its
vectorisation or its retries can miss one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.complexes import ComplexArithmetic
from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.errors import RefusedError, UserError
from diffbench.methods.limits import TimeLimitExceeded

Program = Callable[..., Any]


class CountedProgram:
    """A program that counts the points it is asked for.

    Parameters
    ----------
    program : callable
        A plain NumPy function, elementwise.
    opaque : bool
        The program gets plain arrays of the format. Methods run it like any other; an arithmetic that is not
        a format is refused, since nothing but numbers of the format can go through it.
    """

    def __init__(self, program: Program, opaque: bool = False) -> None:
        self.evaluations = 0
        self.deadline = math.inf  # time.monotonic() from which on a call is refused
        self._program = program
        self._opaque = opaque

    def __call__(self, x: Any) -> Any:
        if time.monotonic() > self.deadline:
            raise TimeLimitExceeded
        arithmetic = getattr(x, "arithmetic", None)
        if not getattr(arithmetic, "repeating", False):  # the engine looks for infinities: not a new value
            self.evaluations += math.prod(getattr(x, "shape", ()))
        return self._on_numbers(x) if self._opaque else self._program(x)

    def _on_numbers(self, x: Any) -> Any:
        """An opaque program on the raw array of a wrapped value."""
        arithmetic = getattr(x, "arithmetic", None)
        if type(arithmetic) is not FormatArithmetic:  # a tape is one too, and would see a constant
            name = getattr(arithmetic, "name", type(x).__name__)
            raise RefusedError(f"the function is opaque: it takes plain numbers of a format, not {name}")
        raw = x.raw
        with np.errstate(all="ignore"):
            values = np.asarray(self._program(np.array(raw)))
        if values.shape != raw.shape:
            raise UserError(f"the function returned shape {values.shape} for x of shape {raw.shape}")
        if values.dtype != raw.dtype:
            raise UserError(
                f"the function returned {values.dtype} for x of {raw.dtype}: keep the precision of x"
            )
        return arithmetic.wrap(values)


class PlainFunction:
    """A function of plain numbers for other libraries: rounds x to the format, runs there, returns its dtype.

    Complex x runs in complex128, for the complex step of libraries in float64.

    Attributes
    ----------
    evaluations : int
        Function values asked for.
    outside : float or None
        The first point at which the value was NaN; ``infinite``: at which it was infinite.
    """

    def __init__(self, program: Program, fmt: Format) -> None:
        self.format = fmt
        self.evaluations = 0
        self.outside: float | None = None
        self.infinite: float | None = None
        self._program = program

    def __call__(self, x: Any) -> Any:
        where = np.asarray(x)
        self.evaluations += where.size
        if where.dtype.kind == "c":
            return self._complex(where)
        nodes = self.format.round(where)
        with np.errstate(all="ignore"):
            values = FormatArithmetic(self.format).evaluate(self._program, nodes)
        self._look(nodes, values)
        return values[()]

    def _complex(self, where: Any) -> Any:
        if self.format.name != "float64":
            raise RefusedError(f"complex numbers are complex128 here: use float64, not {self.format.name}")
        with np.errstate(all="ignore"):
            return ComplexArithmetic().evaluate(self._program, where.astype(np.complex128))[()]

    def _look(self, nodes: Any, values: Any) -> None:
        if np.isfinite(values).all():
            return
        for x, value in zip(nodes.ravel(), values.ravel(), strict=True):
            if np.isnan(value) and self.outside is None:
                self.outside = float(x)
            if np.isinf(value) and self.infinite is None:
                self.infinite = float(x)
