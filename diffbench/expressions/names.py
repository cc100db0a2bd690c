"""The names an expression may use: constants, functions, and what counts as a variable.

* :data:`FUNCTIONS`, :data:`CONSTANTS`: name -> where it comes from, and its value.
* ``variables_of(names)``: the variables among the names of an expression, in their order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}

_NUMPY = (
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt abs sign floor ceil square reciprocal"
)
_SPECIAL = "erf erfc gamma gammaln digamma expit j0 j1"
_ALIASES = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "ln": "log",
    "fabs": "abs",
    "lgamma": "gammaln",
    "loggamma": "gammaln",
    "sigmoid": "expit",
    "max": "maximum",
    "min": "minimum",
}

#: name -> (module, attribute, number of arguments)
FUNCTIONS: dict[str, tuple[str, str, int]] = {
    **{name: ("numpy", name, 1) for name in _NUMPY.split()},
    **{name: ("numpy", name, 2) for name in ("maximum", "minimum", "hypot", "arctan2")},
    **{name: ("scipy.special", name, 1) for name in _SPECIAL.split()},
    **{name: ("scipy.special", name, 2) for name in ("jv", "yv", "iv", "kv")},
}
FUNCTIONS |= {alias: FUNCTIONS[name] for alias, name in _ALIASES.items()} | {"atan2": FUNCTIONS["arctan2"]}

_COORDINATE = re.compile(r"x(0|[1-9]\d*)")
#: A variable that need not be declared: one letter, perhaps with a number. A longer word may be a typo.
_SHORT = re.compile(r"[A-Za-z]_?\d*")
#: More coordinates than this is a mistake: x1000000 would make a point of a million components.
MOST_COORDINATES = 1000


def may_be_variable(name: str) -> bool:
    """Whether a name can be a variable that nobody declared (``x``, ``y``, ``x12``, ``a_1``)."""
    return _SHORT.fullmatch(name) is not None and name not in CONSTANTS and name not in FUNCTIONS


def coordinate(name: str) -> int | None:
    """The k of ``xk``, None for any other name."""
    found = _COORDINATE.fullmatch(name)
    return int(found[1]) if found else None


def order_variables(names: Iterable[str]) -> tuple[str, ...]:
    """The order in which the variables of an expression are the components of a point.

    Coordinates ``x0, x1, ...`` stand at their own number, and the ones in between that do not occur count
    too: ``x0 + x2`` has three. Other names are sorted by letter and then by number (``x, y``; ``a2, a10``).
    """
    found = set(names)
    numbers = [coordinate(name) for name in found]
    if found and all(k is not None for k in numbers):
        return tuple(f"x{k}" for k in range(1 + max(k for k in numbers if k is not None)))
    return tuple(sorted(found, key=_natural))


def _natural(name: str) -> list[tuple[bool, int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
