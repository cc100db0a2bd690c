"""Options for functions that are only known by calling them, shared by sweep, compare, check and advise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option("--command", metavar="TEXT", help="Instead of TARGET: a program, 'simulate --x {x}'."),
    click.option("--pattern", metavar="RE", help="Where --command prints the number: one (group)."),
    click.option("--timeout", type=float, metavar="S", help="Seconds for one call.  [default: 60]"),
    click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Calls at once: runs or threads."),
    click.option("--opaque", is_flag=True, help="Call TARGET with plain numbers, as math.sin needs it."),
    click.option("--truth", metavar="T", help="The derivative as a number, or f itself as a target."),
)


def calling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as ``command, pattern, timeout, jobs, opaque, truth``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def calling(options: dict[str, Any]) -> Any:
    """A :class:`diffbench.targets.Calling` of the options."""
    from diffbench.targets import Calling

    names = ("command", "pattern", "timeout", "jobs", "opaque", "truth")
    return Calling(**{name: options[name] for name in names if name in options})
