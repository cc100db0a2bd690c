"""What a user means by TARGET: a catalogue name, a function in a module or a file, or an expression in x.

* :func:`resolve`: any of them -> a :class:`diffbench.problems.Problem`.
* :class:`Calling`: how an opaque one is called: a command line, one point at a time, in parallel.
* :func:`resolve_point_function`: a function of a point, from text in several variables or any of the above.

    sin_10                      a problem of the catalogue
    package.module:function     a function that can be imported
    path/to/file.py:function    a function in a file
    "exp(sin(x))"               an expression: parsed, never evaluated as Python
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from diffbench.errors import UnknownNameError, UserError
from diffbench.expressions import (
    CONSTANTS,
    Expression,
    has_several_variables,
    parse_expression,
    parse_number,
    parse_point_expression,
)
from diffbench.opaque import TIMEOUT, command, opaque
from diffbench.problems import Problem, problems

_WORD = re.compile(r"[A-Za-z_][\w.\-]*")


@dataclass(frozen=True)
class Calling:
    """How a function that is only known by calling it is called.

    Attributes
    ----------
    command : str, optional
        A command line with ``{x}``; there is then no target.
    pattern : str, optional
        Where the number is in what the command prints.
    timeout : float, optional
        Seconds for one call.
    jobs : int, optional
        Calls at once: runs of the command, or threads.
    opaque : bool
        Call the target with plain numbers, although it may be a NumPy program.
    truth : str, optional
        The derivative as a number, or the function itself as a target that is differentiated exactly.
    """

    command: str | None = None
    pattern: str | None = None
    timeout: float | None = None
    jobs: int | None = None
    opaque: bool = False
    truth: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether the target is opaque: any of the options says so."""
        given = (self.command, self.pattern, self.timeout, self.jobs, self.truth)
        return self.opaque or any(option is not None for option in given)

    def wrap(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A target's function, called as the options say."""
        if self.pattern is not None:
            raise UserError("--pattern says where a command prints its number: it goes with --command")
        if not self.wanted:
            return function
        executor = "thread" if self.jobs else "serial"
        name = getattr(function, "__name__", None)
        return opaque(function, name=name, executor=executor, jobs=self.jobs, timeout=self.seconds)

    def run(self) -> Callable[[Any], Any]:
        """The command as a function."""
        return command(str(self.command), pattern=self.pattern, timeout=self.seconds, jobs=self.jobs)

    @property
    def seconds(self) -> float:
        """The time limit of one call."""
        return TIMEOUT if self.timeout is None else self.timeout

    def known(self) -> Callable[[Any], Any] | float | None:
        """The truth: a number, a program to differentiate, or nothing."""
        if self.truth is None:
            return None
        try:
            return parse_number(self.truth.strip())
        except UserError:
            return resolve(self.truth, (0.0,)).function


def with_derivative(problem: Problem, value: float, derivative: int) -> Problem:
    """The problem with a truth whose derivative of that order is `value` everywhere: ``value x^m / m!``.

    For what is judged at one point only, where no program is known but the number is.
    """
    factor = value / math.factorial(derivative)
    return replace(problem, truth=lambda x: factor * x**derivative)


def resolve(target: str | None, at: Sequence[float] = (), calling: Calling | None = None) -> Problem:
    """The problem that a text names.

    Parameters
    ----------
    target : str
        Name, ``module:function``, ``file.py:function`` or expression; None with a command.
    at : sequence of float
        Where it is to be differentiated; a problem of the catalogue has points of its own.
    calling : Calling, optional
        For functions that are only known by calling them: the problem is then ``opaque``.

    Raises
    ------
    UserError
        There is nothing of that name, it cannot be imported, it does not take one argument, or a point is
        missing or outside the domain; or there is a target and a command, or neither.
    """
    calling = calling or Calling()
    if calling.command is not None:
        if target is not None:
            raise UserError(
                f"give a target or --command, not both: {target.strip()!r} and {calling.command!r}"
            )
        if not at:
            raise UserError("say where to differentiate the command: --at X")
        return Problem(name=calling.command, function=calling.run(), points=tuple(at), opaque=True)
    if target is None:
        raise UserError(
            "missing argument 'TARGET': a problem, file.py:function, an expression such as 'exp(sin(x))', "
            "or --command 'simulate --x {x}'"
        )
    found = _named(target, at)
    function = calling.wrap(found.function)
    if function is found.function:
        return found
    return replace(found, function=function, opaque=True, truth=found.truth)


def _named(target: str, at: Sequence[float]) -> Problem:
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
    try:
        return _problem(target, parse_expression(target), at)
    except UserError as error:
        if not has_several_variables(target):
            raise
        raise _several(target, error) from error


def _several(target: str, error: UserError) -> UserError:
    """An expression in several variables where one is needed: what to do with it instead."""
    try:
        variables = parse_point_expression(target).variables
    except UserError:
        return error
    if len(variables) < 2:  # y for x, most likely: the message shows where
        return error
    point = ",".join("1" * min(len(variables), 4)) + ",..." * (len(variables) > 4)
    return UserError(
        f"{target} has the variables {', '.join(variables[:6])}, and a function of x alone is needed here: "
        "put numbers for all but one of them, which is x; or ask for all, "
        f'diffbench advise "{target}" --at {point} (a step for each), '
        f'diffbench check "{target}" --gradient ... --at {point}'
    )


def resolve_point_function(
    target: str, components: int, variables: Sequence[str] | None = None, calling: Calling | None = None
) -> Callable[[Any], Any]:
    """A function of a point of `components` numbers, from any target.

    Text in several variables (``"x0**2 + x0*x1"``, ``"x**2 + y"``) becomes a function of x of shape (n, ...);
    other targets are functions already.

    Parameters
    ----------
    target : str
    components : int
        How many numbers the point has.
    variables : sequence of str, optional
        Names of the components, where the caller gives them (``--at x=1,y=2``).

    Raises
    ------
    UserError
        As for :func:`resolve`, and if the text has another number of variables than the point.
    """
    calling = calling or Calling()
    text = target.strip()
    word = _WORD.fullmatch(text) and text not in (variables or ()) and text != "x"
    if ":" in text or text.endswith(".py") or text in problems() or (word and components == 1):
        return resolve(text, (0.0,) if text not in problems() else (), calling).function
    if variables is None and components == 1 and not has_several_variables(text):
        return resolve(text, (0.0,), calling).function
    found = parse_point_expression(text, variables)
    if variables is None and len(found.variables) < components:  # x0 + x1 at three numbers
        numbered = tuple(f"x{k}" for k in range(components))
        if set(found.variables) <= set(numbered):
            found = parse_point_expression(text, numbered)
    _check_components(found, components)
    return found


def _check_components(found: Expression, components: int) -> None:
    if len(found.variables) != components:
        count, names = len(found.variables), ", ".join(found.variables)
        raise UserError(
            f"{found.text} has {count} variable{'s' * (count != 1)} ({names}), but the point has shape "
            f"({components},); give one number for each, as in --at "
            + ",".join(f"{name}=1" for name in found.variables[:4])
        )


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
    if near and not own:  # compiled modules: math, scipy.special
        own = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
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
