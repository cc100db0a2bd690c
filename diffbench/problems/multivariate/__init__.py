"""The catalogue of functions of several variables: plain NumPy, found by being there.

* ``multivariate_problems()``, ``select_multivariate(["rosen", "tag:jacobian"])``: find them.
* ``@problem(at=..., cite=...)`` of :mod:`~diffbench.problems.multivariate.registry`: write one.

A function takes ``x`` of shape ``(n, B)``, coordinates first, and returns ``(B,)``, or ``(m, B)`` with m
outputs; it reduces over axis 0.
"""

from diffbench.problems.multivariate.registry import (
    MultivariateProblem,
    get_multivariate,
    multivariate_problems,
    select_multivariate,
)

__all__ = ["MultivariateProblem", "get_multivariate", "multivariate_problems", "select_multivariate"]
