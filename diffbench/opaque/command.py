"""A program as a function: ``Command("simulate --x {x}")(0.5)`` runs it and reads the number it prints.

The text is split into words as a shell would, and no shell ever sees it: ``{x}`` becomes the shortest text
that reads back as the same number, inside its word. What the program prints must hold a number: the last one
on standard output, or the group of a pattern.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffbench.errors import DiffbenchError, UserError

#: {x}, or {x0}, {x1}, ... for the components of a point.
_PLACE = re.compile(r"\{x(\d*)\}")
#: A number that stands alone: not the 86 of x86, not the 2 of v1.2.3.
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:0[xX][0-9a-fA-F]+\.?[0-9a-fA-F]*[pP][-+]?\d+"
    r"|(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?|nan|inf(?:inity)?)(?![\w]|\.\d)",
    re.IGNORECASE,
)
#: Digits with commas between them, to the end of the text.
_COMMAS = re.compile(r"[-+]?[\d.]*\d(?:,[-+]?[\d.]*\d(?:[eEdD][-+]?\d+)?)+$")
#: Of those, what can only be a list: its last number has a point, and what stands before is no thousands.
_LIST = re.compile(r".*,[-+]?\d*\.\d*(?:[eEdD][-+]?\d+)?$")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?(?:[eEdD][-+]?\d+)?$")
_SHELL = frozenset(["|", "||", "&&", "&", ";", ">", ">>", "<", "2>", "2>&1", "&>"])
_SHOWN = 60  # letters of a program's output in a message


class CommandError(DiffbenchError):
    """One run of the command gave no number; the message says why."""


@dataclass(frozen=True)
class Command:
    """A command line as a function of one number, or of a point.

    Parameters
    ----------
    text : str
        The command with ``{x}`` in it, or ``{x0}``, ``{x1}``, ... for the components of a point; ``{x}`` is
        then all of them with commas between. Other braces are left alone.
    pattern : str, optional
        A regular expression with one group: the number is what the group of its last match holds. By
        default the last number on standard output.
    timeout : float
        Seconds for one run; then the program and what it started are ended.

    Raises
    ------
    UserError
        If the text cannot be split into words, has no ``{x}``, holds a pipe or a redirection, or names a
        program that does not exist; or if the pattern is not one with a single group.
    """

    text: str
    pattern: str | None = None
    timeout: float = 60.0
    words: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", _words(self.text))
        _check_pattern(self.pattern)
        if not (isinstance(self.timeout, int | float) and 0 < self.timeout < float("inf")):
            raise UserError(f"the time limit must be a positive number of seconds, not {self.timeout!r}")

    @property
    def __name__(self) -> str:
        return self.text

    def arguments(self, x: Any) -> list[str]:
        """The words of one run."""
        numbers = [number_text(value) for value in np.atleast_1d(x).reshape(-1)]

        def fill(found: re.Match[str]) -> str:
            if not found[1]:
                return ",".join(numbers)
            if int(found[1]) >= len(numbers):
                raise UserError(
                    f"the command asks for {found[0]}, but the point has only {len(numbers)} components"
                )
            return numbers[int(found[1])]

        return [_PLACE.sub(fill, word) for word in self.words]

    def __call__(self, x: Any) -> float:
        """The number the program prints for x.

        Raises
        ------
        CommandError
            If it cannot be started, takes too long, ends with an exit code, or prints no number.
        """
        arguments = self.arguments(x)
        code, out, err = _run(arguments, self.timeout)
        if code is None:
            raise CommandError(f"no answer within {self.timeout:g} s: {shlex.join(arguments)}")
        if code != 0:
            said = _last_line(err) or _last_line(out) or "it says nothing"
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise CommandError(f"{shlex.join(arguments)} {how}: {said}")
        return self._number(out, arguments)

    def _number(self, out: str, arguments: list[str]) -> float:
        if self.pattern is not None:
            matches = list(re.finditer(self.pattern, out, re.MULTILINE))
            if not matches:
                raise CommandError(
                    f"{shlex.join(arguments)} printed nothing that matches {self.pattern!r}: {_shown(out)}"
                )
            text = matches[-1][1] or ""
            if _NUMBER.fullmatch(text.strip()) is None:
                raise CommandError(
                    f"{shlex.join(arguments)}: the pattern found {text!r:.40}, which is no number"
                )
            return _read(text.strip())
        found = list(_NUMBER.finditer(out))
        if not found:
            raise CommandError(f"{shlex.join(arguments)} printed no number: {_shown(out)}")
        comma = _with_commas(out, found[-1].end())
        if comma:
            raise CommandError(
                f"{shlex.join(arguments)} printed {comma}, which may be one number with a comma or several: "
                "let it write a point (env LC_ALL=C ...), or say what counts with a pattern (--pattern)"
            )
        return _read(found[-1][0])


def _with_commas(out: str, end: int) -> str:
    """The text of the last number, if a comma in it makes it unclear: ``1,5``, ``1.234,5``, ``1,234.5``."""
    found = _COMMAS.search(out[:end])
    if found is None or (_LIST.match(found[0]) and not _THOUSANDS.match(found[0])):
        return ""
    return found[0]


def number_text(value: Any) -> str:
    """The shortest text that reads back as the same number (of longdouble, if it is one)."""
    if isinstance(value, np.longdouble) and np.dtype(np.longdouble) != np.dtype(np.float64):
        return str(value)
    return repr(float(value))


def _words(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UserError(f"the command {text!r} cannot be split into words: {error}") from None
    if not words:
        raise UserError("the command is empty; write for example 'simulate --x {x}'")
    shell = next((word for word in words if word in _SHELL), None)
    if shell is not None:
        raise UserError(
            f"{shell!r} in the command would be an argument, since no shell reads it: write a script, "
            "or ask for a shell yourself: sh -c '... {x} | ...'"
        )
    if not any(_PLACE.search(word) for word in words):
        raise UserError(f"there is no {{x}} in the command {text!r}: write where the number goes")
    if not _PLACE.search(words[0]) and shutil.which(words[0]) is None:
        raise UserError(f"there is no program {words[0]!r}: give its path, or see that it is on the PATH")
    return words


def _check_pattern(pattern: str | None) -> None:
    if pattern is None:
        return
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise UserError(f"the pattern {pattern!r} is not a regular expression: {error}") from None
    if groups != 1:
        raise UserError(
            f"the pattern {pattern!r} has {groups} groups: put the number, and only it, into parentheses"
        )


def _run(arguments: Sequence[str], timeout: float) -> tuple[int | None, str, str]:
    """Exit code (None: out of time), standard output and standard error."""
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,  # a program that asks gets no answer, instead of waiting for one
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(f"cannot start {arguments[0]}: {error.strerror}") from None
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        return None, "", ""
    except BaseException:  # Ctrl-C: do not leave it running
        _end(process)
        raise
    return process.returncode, out, err


def _end(process: subprocess.Popen[str]) -> None:
    """End the program and what it started: the group that it leads."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:  # it has just ended by itself
        pass
    process.communicate()


def _read(text: str) -> float:
    if "x" in text.lower() and "inf" not in text.lower():
        return float.fromhex(text)
    return float(text.lower().replace("d", "e"))  # Fortran writes 1.5D-03


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""


def _shown(out: str) -> str:
    text = " ".join(out.split())
    return f"it printed {text[:_SHOWN]!r}" if text else "it printed nothing"
