"""Functions known only by calling them: ``math.*``, compiled code, simulations, command lines.

* ``opaque(f, ...)``: any callable as an :class:`OpaqueFunction`, which every part of diffbench can sample.
* ``command("simulate --x {x}", ...)``: a program that prints a number, the same way.
* :class:`OpaqueFunction`: values kept by x, calls in parallel and with a time limit, failures with a reason.
* :class:`Command`: one run of a program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffbench.opaque.command import Command, CommandError
from diffbench.opaque.function import TIMEOUT, OpaqueFunction
from diffbench.opaque.repeats import Repeats

__all__ = ["Command", "CommandError", "OpaqueFunction", "Repeats", "command", "opaque"]


def opaque(f: Callable[..., Any], **options: Any) -> OpaqueFunction:
    """Any callable of one number as a function that diffbench can sample.

    Parameters
    ----------
    f : callable
        Takes one number (or an array of points, elementwise) and gives one real number each.
    **options
        ``name``, ``batch``, ``executor``, ``jobs``, ``timeout``, ``cache``: see :class:`OpaqueFunction`.

    Examples
    --------
    >>> import math
    >>> float(opaque(math.sqrt)(4.0)), float(opaque(math.sqrt)(-1.0))
    (2.0, nan)
    """
    if isinstance(f, OpaqueFunction) and not options:
        return f
    return OpaqueFunction(f, **options)


def command(
    text: str, *, pattern: str | None = None, timeout: float = TIMEOUT, jobs: int | None = None
) -> OpaqueFunction:
    """A command line as a function that diffbench can sample; runs go in parallel.

    Parameters
    ----------
    text : str
        The command with ``{x}`` where the number goes. No shell reads it.
    pattern : str, optional
        A regular expression whose one group holds the number; default: the last number that is printed.
    timeout : float
        Seconds for one run.
    jobs : int, optional
        Runs at once; default: the number of cores.

    Raises
    ------
    UserError
        See :class:`Command`.
    """
    program = Command(text, pattern, timeout)
    # the program's own limit ends it; the thread's is there only for what does not obey
    return OpaqueFunction(program, batch=False, executor="thread", jobs=jobs, timeout=timeout + 5)
