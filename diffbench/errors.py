"""The errors diffbench raises on purpose.

* :class:`UserError`: the request is wrong; the message says what to do (exit code 2 on the command line).
* :class:`UnknownNameError`: a name is not in a registry; the message suggests the nearest ones.
* :class:`MissingExtraError`: an optional package is not installed; the message names the extra.
* :class:`RefusedError`: a function cannot run in an arithmetic; the message names the NumPy call.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DiffbenchError(Exception):
    """Base class of everything diffbench raises on purpose."""


class UserError(DiffbenchError, ValueError):
    """The request is wrong, and the message says what to do instead."""


#: What is looked for -> the list of `diffbench list` that has it.
_LISTS = {
    "problem": "problems",
    "problem of several variables": "problems",
    "format": "formats",
    "stencil": "stencils",
    "step": "steps",
    "step rule": "steps",
    "method": "methods",
}


class UnknownNameError(UserError):
    """A name that is in no registry.

    Parameters
    ----------
    kind : str
        What was looked for, in the singular (``"format"``, ``"problem"``).
    name : str
        The name that was asked for.
    choices : iterable of str
        The names that exist; the nearest are suggested, all are listed when they are few.
    """

    def __init__(self, kind: str, name: str, choices: Iterable[str]) -> None:
        known = sorted(choices)
        near = get_close_matches(str(name), known, n=3, cutoff=0.5)
        if near:
            hint = "did you mean " + " or ".join(repr(n) for n in near) + "?"
        elif len(known) <= 20:
            hint = "choose from: " + ", ".join(known)
        else:
            hint = f"there are {len(known)}"
            if kind in _LISTS:
                hint += f"; `diffbench list {_LISTS[kind]}` shows them"
        super().__init__(f"unknown {kind} {str(name)!r}: {hint}")
        self.kind, self.name, self.choices = kind, name, known

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str]]]:
        return type(self), (self.kind, self.name, self.choices)


class MissingExtraError(DiffbenchError, ImportError):
    """An optional package is missing; the message names the extra that installs it."""

    def __init__(self, package: str, extra: str, why: str) -> None:
        super().__init__(f"{why} needs the package {package!r}: install diffbench[{extra}]")
        self.package, self.extra, self.why = package, extra, why

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str, str]]:
        return type(self), (self.package, self.extra, self.why)


class RefusedError(DiffbenchError, TypeError):
    """A function cannot run in an arithmetic; the message names the call and what to write instead."""
