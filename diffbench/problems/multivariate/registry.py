"""What a problem of several variables is, and how problems are found: each module here is imported once."""

from __future__ import annotations

import functools
import importlib
import math
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, TypeVar

from diffbench.errors import UnknownNameError, UserError
from diffbench.problems.base import function_source

Program = Callable[[Any], Any]
Point = tuple[float, ...]
F = TypeVar("F", bound=Program)

_REGISTRY: dict[str, MultivariateProblem] = {}


@dataclass(frozen=True)
class MultivariateProblem:
    """A function of several variables with points, tags and a citation.

    Parameters
    ----------
    name : str
        Unique in the catalogue.
    function : callable
        ``(n, B)`` to ``(B,)`` or, with several outputs, ``(m, B)``.
    points : tuple of tuple of float
        Where it is differentiated.
    group, tags, cite
        As in the catalogue of one variable.
    several : bool
        It has several outputs, and so a Jacobian instead of a gradient.
    start : callable, optional
        For functions of any number of variables: n to a point.
    formats : tuple of str, optional
        The only formats it makes sense in; None means every format.
    """

    name: str
    function: Program
    points: tuple[Point, ...]
    group: str
    tags: frozenset[str]
    cite: str
    several: bool = False
    start: Callable[[int], Any] | None = None
    formats: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.points or any(not point for point in self.points):
            raise UserError(f"problem {self.name!r}: give at=(1.0, 2.0), one point or a list of them")
        if not all(math.isfinite(v) for point in self.points for v in point):
            raise UserError(f"problem {self.name!r}: its points must be finite")
        if not self.cite.strip() or not self.group:
            raise UserError(f"problem {self.name!r}: give cite=... and a GROUP at the top of its module")

    @property
    def source(self) -> str:
        """Text of the function."""
        return function_source(self.function)

    def __reduce__(self) -> tuple[Callable[[str], MultivariateProblem], tuple[str]]:
        return get_multivariate, (self.name,)


def problem(
    *,
    at: Sequence[float] | Sequence[Sequence[float]],
    cite: str,
    tags: Iterable[str] = (),
    several: bool = False,
    start: Callable[[int], Any] | None = None,
    formats: Sequence[str] | None = None,
) -> Callable[[F], F]:
    """Register a function of several variables under its own name; see :class:`MultivariateProblem`.

    Parameters
    ----------
    at : sequence of float, or of points
    """

    def register(function: F) -> F:
        several_points = bool(at) and isinstance(at[0], Sequence)
        points: list[Any] = list(at) if several_points else [at]
        name = function.__name__
        made = MultivariateProblem(
            name,
            function,
            tuple(tuple(float(v) for v in point) for point in points),
            getattr(function, "__globals__", {}).get("GROUP", ""),
            frozenset(tags),
            cite,
            several,
            start,
            None if formats is None else tuple(formats),
        )
        other = _REGISTRY.get(name)
        if other is not None and other.function.__module__ != function.__module__:
            raise UserError(f"two problems of several variables are called {name!r}: rename one")
        _REGISTRY[name] = made
        return function

    return register


@functools.cache
def _discover() -> None:
    package = importlib.import_module(__package__ or "diffbench.problems.multivariate")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)


def multivariate_problems() -> Mapping[str, MultivariateProblem]:
    """Every problem of several variables by name."""
    _discover()
    return MappingProxyType(dict(_REGISTRY))


def get_multivariate(name: str) -> MultivariateProblem:
    """The problem of that name, or an error with the nearest names."""
    known = multivariate_problems()
    if name not in known:
        raise UnknownNameError("problem of several variables", name, known)
    return known[name]


def select_multivariate(patterns: str | Iterable[str]) -> list[MultivariateProblem]:
    """The problems that names, globs, ``"tag:..."``, ``"group:..."`` or ``"all"`` name, each once."""
    found: dict[str, MultivariateProblem] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        kind, _, value = pattern.partition(":")
        chosen = [p for p in multivariate_problems().values() if _matches(p, kind, value, pattern)]
        if not chosen:
            raise UnknownNameError("problem of several variables", pattern, multivariate_problems())
        found |= {p.name: p for p in chosen}
    return list(found.values())


def _matches(p: MultivariateProblem, kind: str, value: str, pattern: str) -> bool:
    if kind == "tag":
        return value in p.tags
    if kind == "group":
        return value == p.group
    return pattern == "all" or fnmatchcase(p.name, pattern)
