"""The catalogue of problems: plain NumPy functions with points, tags, a domain and a citation.

* ``problems()``, ``get_problem("exp")``, ``select(["group:smooth", "tag:noisy"])``: find them.
* ``@problem(at=..., cite=...)``: write one; every module of this package is found by being there.
* ``load_plugins(["my_module"])``: add your own.
"""

from diffbench.problems.base import Problem
from diffbench.problems.registry import get_problem, load_plugins, problem, problems, select

__all__ = ["Problem", "get_problem", "load_plugins", "problem", "problems", "select"]
