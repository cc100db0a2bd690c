"""Which problems and formats a table of a suite means: what the plans of all kinds share."""

from __future__ import annotations

from collections.abc import Sequence

from diffbench.errors import UserError
from diffbench.problems import Problem, select


def chosen_problems(patterns: Sequence[str], key: str) -> list[Problem]:
    """The catalogue's problems that the patterns choose.

    Raises
    ------
    UserError
        If a pattern matches nothing; the message begins with the suite's ``key``.
    """
    try:
        return select(list(patterns))
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def chosen_formats(wanted: Sequence[str], problem: Problem) -> list[str]:
    """The formats of a list, each once, in which a problem makes sense."""
    return [name for name in unique(wanted) if problem.formats is None or name in problem.formats]


def unique(names: Sequence[str]) -> list[str]:
    """Every name once, in the order of first appearance."""
    return list(dict.fromkeys(names))
