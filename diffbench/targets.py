"""What a user means by TARGET: a catalogue name, a function in a module or a file, or an expression in x.

* :func:`resolve`: any of them -> a :class:`diffbench.problems.Problem`.

    sin_10                      a problem of the catalogue
    package.module:function     a function that can be imported
    path/to/file.py:function    a function in a file
    "exp(sin(x))"               an expression: parsed, never evaluated as Python
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from diffbench.errors import UnknownNameError, UserError
from diffbench.expressions import CONSTANTS, parse_expression
from diffbench.problems import Problem, problems

_WORD = re.compile(r"[A-Za-z_][\w.\-]*")


def resolve(target: str, at: Sequence[float] = ()) -> Problem:
    """The problem that a text names.

    Parameters
    ----------
    target : str
        Name, ``module:function``, ``file.py:function`` or expression.
    at : sequence of float
        Where it is to be differentiated; a problem of the catalogue has points of its own.

    Raises
    ------
    UserError
        There is nothing of that name, it cannot be imported, it does not take one argument, or a point is
        missing or outside the domain.
    """
    target = target.strip()
    if not target:
        raise UserError(
            "the target is empty; give a problem, file.py:function or an expression such as 'exp(sin(x))'"
        )
    if target in problems():
        return _at_points(problems()[target], at)
    if ":" in target:
        return _problem(*_imported(target), at)
    if target.endswith(".py"):
        module = _load_file(Path(target))
        raise UserError(f"name a function of the file: {target}:FUNCTION; {_functions_text(module)}")
    if _WORD.fullmatch(target) and target != "x" and target not in CONSTANTS:
        raise _unknown_word(target)
    return _problem(target, parse_expression(target), at)


def _problem(name: str, found: Any, at: Sequence[float]) -> Problem:
    if isinstance(found, Problem):
        return _at_points(found, at)
    registered = next((p for p in problems().values() if p.function is found), None)
    if registered is not None:
        return _at_points(registered, at)
    if not at:
        raise UserError(f"say where to differentiate {name}: --at X")
    return Problem(name=name, function=found, points=tuple(at))


def _at_points(problem: Problem, at: Sequence[float]) -> Problem:
    if not at:
        return problem
    stated = {point: facts for point, facts in problem.stated.items() if point in at}
    return replace(problem, points=tuple(at), stated=stated)


def _unknown_word(target: str) -> UserError:
    """A word that is no problem; with a dot in it, it may be a function without its colon."""
    module, dot, function = target.rpartition(".")
    if dot and "-" not in target:
        return UserError(
            f"{target!r} is not a problem of the catalogue; for a function write {module}:{function}"
        )
    error = UnknownNameError("problem", target, problems())
    return UserError(f"{error} (a target may also be file.py:function or an expression in x)")


# --- functions of modules and files ---


def _imported(target: str) -> tuple[str, Callable[[Any], Any] | Problem]:
    """``module:function`` or ``file.py:function`` as a name and the function."""
    place, _, name = target.rpartition(":")
    is_file = place.endswith(".py") or "/" in place or "\\" in place
    if not place or not name:
        raise UserError(f"{target!r} is not complete; write module:function or file.py:function")
    module = _load_file(Path(place)) if is_file else _import(place)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise UserError(f"{place} has no function {name!r}: {_functions_text(module, name)}")
        found = getattr(found, part)
    if isinstance(found, Problem):
        return found.name, found
    if not callable(found):
        raise UserError(f"{target} is not a function but {type(found).__name__} {found!r:.40}")
    _check_arity(target, found)
    return name, found


def _check_arity(target: str, function: Callable[..., Any]) -> None:
    if isinstance(getattr(function, "nin", None), int):  # a NumPy ufunc has no signature before NumPy 2.4
        arguments = function.nin  # type: ignore[attr-defined]
        if arguments != 1:
            raise UserError(f"{target} takes {arguments} arguments; a function of one argument is needed")
        return
    try:
        signature = inspect.signature(function)
    except ValueError:  # compiled code without a signature: calling it will tell
        return
    try:
        signature.bind(None)
    except TypeError:
        raise UserError(
            f"{target} is called as {getattr(function, '__name__', 'it')}{signature}; "
            "a function that takes one argument x is needed"
        ) from None


def _functions_text(module: ModuleType, near: str = "") -> str:
    """Which functions a module has of its own, the nearest first."""
    own = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    if near and own:
        return str(UnknownNameError("name", near, own)).partition(": ")[2]
    if own:
        return f"it has {', '.join(sorted(own))}"
    return "it defines no function of its own"


def _import(name: str) -> ModuleType:
    with _import_errors(f"module {name!r}"), search_path(Path.cwd()):
        return importlib.import_module(name)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    path = path.resolve()
    name = f"diffbench_target_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise UserError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses and pickle look their module up there
    with _import_errors(path.name), search_path(path.parent):
        specification.loader.exec_module(module)
    return module


@contextmanager
def _import_errors(what: str) -> Iterator[None]:
    """What goes wrong in somebody's module, in one line with its place."""
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a script may do anything, also leave
        trace, place = error.__traceback__, ""
        while trace is not None:
            place = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
            trace = trace.tb_next
        if isinstance(error, SyntaxError) or "importlib" in place:
            place = ""  # the text has the place, or the module itself is what was not found
        raise UserError(f"cannot import {what}: {type(error).__name__}: {error}{place}") from error


@contextmanager
def search_path(*folders: Path | None) -> Iterator[None]:
    """Folders to import from for a moment: a console command, unlike a script, has none of its own."""
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders if folder is not None]
    try:
        yield
    finally:
        sys.path[:] = before
