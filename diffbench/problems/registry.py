"""The catalogue: how a function becomes a problem, and how problems are found.

* :func:`problem`: the decorator that registers a function.
* :func:`problems`, :func:`get_problem`, :func:`select`: all of them, one, or those that patterns name.
* :func:`load_plugins`: add the problems of your own modules.

Modules of this package are found by walking it, installed packages by the entry point group
``diffbench.problems``; there is no list to edit.
"""

from __future__ import annotations

import functools
import importlib
import math
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from importlib.metadata import entry_points
from inspect import unwrap
from types import MappingProxyType
from typing import Any, TypeVar

from diffbench.errors import UnknownNameError, UserError
from diffbench.problems.base import Problem, Program, Stated

ENTRY_POINTS = "diffbench.problems"

F = TypeVar("F", bound=Callable[..., Any])

_REGISTRY: dict[str, Problem] = {}


def problem(
    *,
    at: float | Iterable[float],
    cite: str,
    tags: Iterable[str] = (),
    domain: tuple[float, float] = (-math.inf, math.inf),
    scale: float | None = None,
    group: str | None = None,
    truth: Program | None = None,
    opaque: bool = False,
    stated: Stated | None = None,
    formats: Iterable[str] | None = None,
) -> Callable[[F], F]:
    """Register a function as a problem named like it; the function itself stays as it is.

    Parameters
    ----------
    at : float or iterable of float
        The point or points where it is differentiated.
    cite : str
        Where it comes from: a source that can be looked up.
    group : str, optional
        Default: the ``GROUP`` constant of the module it is written in.
    tags, domain, scale, truth, opaque, stated, formats
        See :class:`Problem`.

    Raises
    ------
    UserError
        If the name is taken (both places are named) or a field makes no sense.
    """

    def register(function: F) -> F:
        name = getattr(function, "__name__", repr(function))
        family = group if group is not None else getattr(unwrap(function), "__globals__", {}).get("GROUP")
        if not family:
            raise UserError(f"problem {name!r}: give group=..., or define GROUP at the top of its module")
        if not str(cite).strip():
            raise UserError(f"problem {name!r}: give cite=..., a source that can be looked up")
        if opaque and truth is None:
            raise UserError(f"problem {name!r}: opaque=True needs truth=..., the smooth program behind it")
        made = Problem(
            name=name,
            function=function,
            points=_several(at),
            group=family,
            tags=frozenset(_several(tags)),
            domain=domain,
            scale=scale,
            cite=cite,
            truth=truth,
            opaque=opaque,
            stated=stated or {},
            formats=None if formats is None else _several(formats),
        )
        other = _REGISTRY.get(name)
        if other is not None and not _same_definition(other, made):
            places = f"{_place(other)} and {_place(made)}"
            raise UserError(f"two problems are called {name!r}: {places}; rename one of the functions")
        _REGISTRY[name] = made
        return function

    return register


def _several(value: Any) -> tuple[Any, ...]:
    """One value or several, as a tuple."""
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)


def _code(p: Problem) -> tuple[str, int]:
    code = getattr(unwrap(p.function), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def _place(p: Problem) -> str:
    return f"{p.function.__module__}, line {_code(p)[1]}"


def _same_definition(a: Problem, b: Problem) -> bool:
    """Whether `b` is `a` again: a module that is reloaded, or a notebook cell that is run again."""
    return a.function.__module__ == b.function.__module__ and (
        _code(a) == _code(b) or a.function.__module__ == "__main__"
    )


@functools.cache
def _discover() -> None:
    package = importlib.import_module(__package__ or "diffbench.problems")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        except (
            Exception
        ) as error:  # somebody else's package: the catalogue must stay usable, but not in silence
            text = (
                f"entry point {entry.name!r} ({entry.value}) of {ENTRY_POINTS} could not be loaded: {error}"
            )
            warnings.warn(text, RuntimeWarning, stacklevel=3)


def problems() -> Mapping[str, Problem]:
    """Every problem by name, in an order that does not depend on what was imported first."""
    _discover()
    ordered = sorted(_REGISTRY.values(), key=lambda p: (p.function.__module__, _code(p)[1], p.name))
    return MappingProxyType({p.name: p for p in ordered})


def is_registered(p: Problem) -> bool:
    """Whether this very object is the one the catalogue has under its name."""
    return _REGISTRY.get(p.name) is p


def get_problem(name: str) -> Problem:
    """The problem of that name.

    Raises
    ------
    UnknownNameError
        If there is none; the nearest names are suggested.
    """
    known = _REGISTRY if name in _REGISTRY else problems()
    if name not in known:
        raise UnknownNameError("problem", name, known)
    return known[name]


def load_plugins(modules: str | Iterable[str]) -> list[Problem]:
    """Import modules that register problems, and return the problems they define.

    Parameters
    ----------
    modules : str or iterable of str
        Names as in an ``import`` statement. A module without problems is no error: plugins may register
        other things.

    Raises
    ------
    UserError
        If a module cannot be found or imported.
    """
    problems()  # the catalogue goes first: a clash of names is then an error in the plugin
    names = [modules] if isinstance(modules, str) else list(modules)
    for name in names:
        try:
            importlib.import_module(name)
        except UserError:
            raise
        except ModuleNotFoundError as error:
            if error.name and not f"{name}.".startswith(f"{error.name}."):
                raise UserError(
                    f"plugin {name!r} needs the module {error.name!r}, which is not installed"
                ) from error
            raise UserError(
                f"plugin {name!r} was not found: write it as in an import statement (no .py), and put the "
                "folder that holds it on PYTHONPATH"
            ) from error
        except Exception as error:
            raise UserError(f"plugin {name!r} failed on import: {type(error).__name__}: {error}") from error
    return [p for p in problems().values() if p.function.__module__ in names]


def select(patterns: str | Iterable[str]) -> list[Problem]:
    """The problems that patterns name, each once, in the order of the patterns.

    Parameters
    ----------
    patterns : str or iterable of str
        Names (``"exp"``), globs (``"sin_*"``), ``"group:smooth"`` (a group, or the module it is written in:
        ``"group:large x"`` and ``"group:large_x"`` are the same), ``"tag:noisy"``, ``"all"``.

    Raises
    ------
    UnknownNameError
        If a pattern matches nothing; the nearest names, groups or tags are suggested.
    """
    wanted = [patterns] if isinstance(patterns, str) else list(patterns)
    if not wanted:
        raise UserError('no problem was asked for; give names or patterns, such as "all" or "group:smooth"')
    found = {p.name: p for pattern in wanted for p in _matching(str(pattern).strip())}
    return list(found.values())


def _matching(pattern: str) -> list[Problem]:
    catalogue = list(problems().values())
    kind, _, value = pattern.partition(":")
    if kind == "group":
        chosen = [p for p in catalogue if _slug(value) in _group_names(p)]
        choices = {name for p in catalogue for name in (p.group, _group_names(p)[1])}
        return _or_unknown(chosen, "problem group", value, choices)
    if kind == "tag":
        tags = {tag for p in catalogue for tag in p.tags}
        return _or_unknown([p for p in catalogue if value in p.tags], "problem tag", value, tags)
    chosen = [p for p in catalogue if pattern == "all" or fnmatchcase(p.name, pattern)]
    choices = {p.name for p in catalogue} | {f"group:{_group_names(p)[1]}" for p in catalogue}
    return _or_unknown(chosen, "problem", pattern, choices)


def _or_unknown(chosen: list[Problem], kind: str, name: str, choices: Iterable[str]) -> list[Problem]:
    if not chosen:
        raise UnknownNameError(kind, name, choices)
    return chosen


def _group_names(p: Problem) -> tuple[str, str]:
    """The group and the module of a problem, spelled the way :func:`_slug` spells."""
    return _slug(p.group), _slug(p.function.__module__.rpartition(".")[2])


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
