"""What a bridge is: another library that differentiates the same plain NumPy program, by its own rules.

A bridge gives its name, what to install, the formats it has, and ``run``: value and derivative by the
library. Everything else (formats, points, refusals, results in NumPy) is here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format, format_of, get_format
from diffbench.errors import MissingExtraError, RefusedError, UserError
from diffbench.methods.autodiff import judged
from diffbench.methods.estimate import Estimate

Program = Callable[..., Any]


@dataclass(frozen=True)
class Differentiated:
    """What a library answered, as plain arrays of the format.

    Attributes
    ----------
    value : array or scalar
        ``f(x)``, of the shape of ``x``, or one number for a function that reduces.
    derivative : array or scalar
        Of the shape of ``x``: the derivative at every point, or the gradient of the one number.
    """

    value: Any
    derivative: Any


class Bridge(ABC):
    """One library."""

    name: str = ""
    package: str = ""
    extra: str = ""
    #: formats in which the library computes
    formats: tuple[str, ...] = ()

    @property
    def available(self) -> bool:
        """Whether the library is installed; it is not imported to find out."""
        return find_spec(self.package) is not None

    def load(self) -> Any:
        """Import the library.

        Raises
        ------
        MissingExtraError
            If it is not installed; the message names the extra.
        """
        try:
            return import_module(self.package)
        except ModuleNotFoundError as error:
            if error.name != self.package:
                raise  # the library is there and broken: its own message says more
            raise MissingExtraError(self.package, self.extra, f"differentiating with {self.name}") from None

    @abstractmethod
    def run(self, f: Program, x: np.ndarray[Any, Any], fmt: Format, derivative: int) -> tuple[Any, Any]:
        """Value and k-th derivative as plain arrays, by the (loaded) library."""

    def differentiate(
        self, f: Program, x: Any, *, derivative: int = 1, format: str | None = None
    ) -> Differentiated:
        """Run ``f`` through the library, and its derivative by reverse mode.

        Parameters
        ----------
        f : callable
            A plain NumPy function: elementwise, or one that reduces to a single number (then its gradient).
        x : float or array
            The point or points.
        derivative : int
            Order, 1 or more, by reverse mode over reverse mode; above 1 for elementwise functions only.
        format : str, optional
            Default: the format of ``x``; float64 for Python numbers and integers.

        Raises
        ------
        MissingExtraError
            If the library is not installed.
        RefusedError
            If the library has not that format, lacks a function, or leaves the format.
        UserError
            If the order or the point makes no sense.
        """
        if isinstance(derivative, bool) or not isinstance(derivative, int) or derivative < 1:
            raise UserError(f"the order of the derivative must be 1 or more, not {derivative!r}")
        fmt = get_format(format) if format is not None else format_of(np.asarray(x).dtype)
        if fmt.name not in self.formats:
            raise RefusedError(f"{self.name} has no {fmt.name}: use one of {', '.join(self.formats)}")
        points = fmt.round(x)
        if not np.all(np.isfinite(points)):
            raise UserError(f"the point {x!r} is not a finite number of {fmt.name}")
        self.load()
        with np.errstate(all="ignore"):  # autograd runs NumPy itself; infinities are in the result
            value, gradient = self.run(f, points, fmt, derivative)
        if derivative > 1 and value.shape != points.shape:
            raise UserError("a derivative above the first needs a function that works element by element")
        if gradient.dtype != fmt.dtype:
            raise RefusedError(
                f"{self.name} returned a derivative of {gradient.dtype} for {fmt.name}: one of its rules "
                "leaves the format"
            )
        return Differentiated(value[()], gradient[()])

    def estimate(self, f: Program, fmt: Format, points: np.ndarray[Any, Any], derivative: int) -> Estimate:
        """The derivative of an elementwise function, as ``db.derivative(f, x, method="jax")`` asks for it."""
        found = self.differentiate(f, points, derivative=derivative, format=fmt.name)
        if np.shape(found.value) not in (points.shape, ()):
            raise UserError(
                f"the function returned shape {np.shape(found.value)} for x of shape {points.shape}"
            )
        return judged(np.asarray(found.derivative))

    def __repr__(self) -> str:
        return f"<bridge {self.name}{'' if self.available else ', not installed'}>"
