"""What a differentiation in several variables gives: an :class:`Estimate` with an array for everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.methods.estimate import Estimate


@dataclass(frozen=True)
class Partials(Estimate):
    """Partial derivatives of a function of several variables.

    Attributes
    ----------
    value : array
        Gradient ``(n, ...)``, Jacobian ``(*outputs, n, ...)`` (a SciPy sparse array where a sparsity was
        given), Hessian ``(n, n, ...)``; the dots are the points of a batch.
    h : array or None
        The step of every coordinate, shape of ``x``; None for methods without one.
    evaluations : int or array of int
        Function values per point. Checks of the function are not in it: they are in ``checks``.
    statuses : array of str
        The status of every component, of the shape of ``value``.
    stencils : array of str or None
        The stencil of every coordinate, shape of ``x``: one-sided where a bound asked for it.
    note : str
        What the reader should know although all is well, such as which coordinates are at a bound.
    checks : int
        Function values that looked whether the function keeps the points of a batch apart, or whether a
        sparsity pattern is complete; ``check=False`` saves them.
    groups : array of int or None
        For a sparse Jacobian: the group of columns that each coordinate belongs to.
    """

    stencils: Any = None
    note: str = ""
    checks: int = 0
    groups: Any = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        dense = self.value.toarray() if hasattr(self.value, "toarray") else self.value
        return np.array(dense, dtype=dtype)

    def __str__(self) -> str:
        note = "" if self.status == "ok" else f"\n{self.status}: {self.message}"
        more = f"\n{self.note}" if self.note else ""
        checks = f" and {self.checks} to check" if self.checks else ""
        return f"{self.value}\n({self.evaluations} evaluations{checks}){note}{more}"


#: The first that applies somewhere is the status of the whole.
ORDER = ("error", "domain", "overflow", "underflow", "step_vanished", "no_step", "low_confidence")


def worst(statuses: Any) -> str:
    """The status that stands for all."""
    found = set(np.unique(statuses).tolist())
    return next((name for name in ORDER if name in found), next(iter(found - {"ok"}), "ok"))
