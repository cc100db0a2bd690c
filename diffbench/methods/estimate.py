"""The result of one differentiation: a value, what it cost, and whether to believe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A derivative estimate; ``float(e)`` and ``np.asarray(e)`` give the value.

    Attributes
    ----------
    value : scalar or array
        In the format that was asked for (float32 for the variant ``mixed``), of the shape of ``x``.
    h : scalar or array
        The step, a number of the format; None for a method without one.
    evaluations : int or array of int
        Function values per point, where they differ as an array of the shape of ``x``.
    status : str
        ``ok``, or the first that applies at some point: ``domain overflow underflow step_vanished`` for a
        stencil, ``no_step`` for a selector that found none, ``low_confidence`` for a value that its method
        would not vouch for, ``error`` and ``timeout`` for a call that failed.
    message : str
        Why the status is not ``ok``.
    error : scalar, array or None
        The method's own error estimate, if it has one.
    statuses : array of str or None
        The status of every point, of the shape of ``x``, where the method knows it; None means ``status``
        for all.
    warnings : tuple of str
        What a library warned of on the way, and that it has another version than the tested one.
    """

    value: Any
    h: Any = None
    evaluations: Any = 0
    status: str = "ok"
    message: str = ""
    error: Any = None
    statuses: Any = None
    warnings: tuple[str, ...] = ()

    def __float__(self) -> float:
        return float(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.value, dtype=dtype)

    def __str__(self) -> str:
        note = "" if self.status == "ok" else f", {self.status}: {self.message}"
        known = self.error is not None and np.ndim(self.error) == 0
        bound = f"error estimate {float(self.error):.2g}, " if known else ""
        return f"{self.value} (h = {self.h}, {bound}{self.evaluations} evaluations{note})"
