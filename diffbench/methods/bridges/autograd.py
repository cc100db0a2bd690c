"""HIPS autograd: tape-based reverse mode over NumPy, the model of many that followed.

Maclaurin, Duvenaud and Adams, Autograd: effortless gradients in NumPy (ICML 2015 AutoML workshop).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.library import LibraryArithmetic
from diffbench.methods.bridges.bridge import Bridge, Program


class AutogradArithmetic(LibraryArithmetic):
    """``autograd.numpy`` and ``autograd.scipy.special``; arrays are NumPy's, boxed while traced."""

    library = "autograd"

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt)
        self._numpy = import_module("autograd.numpy")
        self._special = import_module("autograd.scipy.special")
        self._box = import_module("autograd.numpy.numpy_boxes").ArrayBox

    def lift(self, array: np.ndarray[Any, Any]) -> Any:
        return array

    def plain(self, raw: Any) -> np.ndarray[Any, Any]:
        return np.asarray(raw)

    def owns(self, value: Any) -> bool:
        return isinstance(value, self._box | np.ndarray | np.generic) and value.dtype != object

    def dtype_name(self, raw: Any) -> str:
        return str(raw.dtype.name)

    def coerce(self, value: Any) -> Any:
        plain = isinstance(value, np.ndarray | np.generic)
        if plain and value.dtype not in (self.format.dtype, object):
            value = self.format.round(value)  # a constant of the program; NumPy's arrays are not all ours
        return super().coerce(value)

    def function(self, name: str) -> Callable[..., Any] | None:
        return getattr(self._numpy if hasattr(np, name) else self._special, name, None)


class AutogradBridge(Bridge):
    """``autograd.elementwise_grad``, which is also the gradient of a function that reduces."""

    name = package = extra = "autograd"
    formats = ("float16", "float32", "float64", "longdouble")

    def run(self, f: Program, x: np.ndarray[Any, Any], fmt: Format, derivative: int) -> tuple[Any, Any]:
        arithmetic = AutogradArithmetic(fmt)
        value = gradient = arithmetic.program(f)
        for _ in range(derivative):
            gradient = self.load().elementwise_grad(gradient)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Output seems independent of input")  # then 0 is right
            with arithmetic.answering("the derivative"):
                return np.asarray(value(x)), np.asarray(gradient(x))
