"""JAX: ``jax.numpy``, traced and differentiated by ``jax.vjp``.

float64 is off in JAX by default, and on here for float64 only, inside the call: the caller's setting stays.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.library import LibraryArithmetic
from diffbench.methods.bridges.bridge import Bridge, Program

_SPECIAL = {name: name for name in "erf erfc gamma gammaln expit logit".split()} | {"psi": "digamma"}


class JaxArithmetic(LibraryArithmetic):
    """``jax.numpy`` and ``jax.scipy.special``, operation by operation (not compiled as a whole)."""

    library = "JAX"

    def __init__(self, fmt: Format) -> None:
        super().__init__(fmt)
        self._numpy = import_module("jax.numpy")
        self._special = import_module("jax.scipy.special")
        self._array = import_module("jax").Array

    def lift(self, array: np.ndarray[Any, Any]) -> Any:
        return self._numpy.asarray(array)

    def plain(self, raw: Any) -> np.ndarray[Any, Any]:
        return np.asarray(raw)

    def owns(self, value: Any) -> bool:
        return isinstance(value, self._array)

    def dtype_name(self, raw: Any) -> str:
        return str(raw.dtype.name)

    def function(self, name: str) -> Callable[..., Any] | None:
        if hasattr(np, name):
            return getattr(self._numpy, name, None)
        return getattr(self._special, _SPECIAL.get(name, ""), None)


class JaxBridge(Bridge):
    """``jax.vjp``, with a cotangent of ones."""

    name = package = extra = "jax"
    formats = ("float16", "bfloat16", "float32", "float64")

    def run(self, f: Program, x: np.ndarray[Any, Any], fmt: Format, derivative: int) -> tuple[Any, Any]:
        with self._wide(fmt.name == "float64"):
            arithmetic = JaxArithmetic(fmt)
            value = gradient = arithmetic.program(f)
            for _ in range(derivative):
                gradient = self._derivative(gradient)
            point = arithmetic.lift(x)
            with arithmetic.answering("the derivative"):
                return arithmetic.plain(value(point)), arithmetic.plain(gradient(point))

    def _derivative(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        jax = self.load()

        def derivative(point: Any) -> Any:
            value, back = jax.vjp(function, point)
            return back(jax.numpy.ones_like(value))[0]

        return derivative

    def _wide(self, on: bool) -> AbstractContextManager[Any]:
        """``jax_enable_x64`` inside the block only."""
        jax = self.load()
        enable = (jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")).enable_x64
        context: AbstractContextManager[Any] = enable(on)
        return context
