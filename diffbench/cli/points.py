"""Points on the command line: ``1.5``, ``pi/2``, ``1,2.5,-3`` or ``x=1,y=2``."""

from __future__ import annotations

from diffbench.cli.output import split_names
from diffbench.errors import UserError


def parse_numbers(at: tuple[str, ...]) -> list[float]:
    """The points of a function of one variable: a number for every ``--at``.

    Raises
    ------
    UserError
        If one is no number, or a point of several variables.
    """
    from diffbench.expressions import parse_number

    for text in at:
        if "," in text:
            raise UserError(
                f"--at {text}: give one number, or repeat the option for several points (--at 1 --at 2); "
                "points of several variables go to `diffbench advise` (a step for each) and `diffbench check`"
            )
    return [parse_number(text.strip()) for text in at]


def parse_point(at: tuple[str, ...]) -> tuple[list[float], tuple[str, ...] | None]:
    """One point: its components, and their names where they are given.

    Raises
    ------
    UserError
        If there is none or more than one, or a part is no number, or only some of the parts have a name.
    """
    from diffbench.expressions import parse_number

    if not at:
        raise UserError("say where: --at X, or --at 1,2.5,-3 for three components")
    if len(at) > 1:
        raise UserError("give the point once: --at 1.5, or --at 1,2.5,-3 for three components")
    parts = split_names(at)
    if not parts:
        raise UserError("--at is empty; write --at 1.5 or --at 1,2.5,-3")
    named = [part.partition("=") for part in parts]
    if not any(equals for _, equals, _ in named):
        return [parse_number(part) for part in parts], None
    missing = next((part for part, (_, equals, _) in zip(parts, named, strict=True) if not equals), None)
    if missing is not None:
        raise UserError(f"--at: {missing!r} has no name; name all components, as in x=1,y=2, or none")
    return [parse_number(value.strip()) for _, _, value in named], tuple(name.strip() for name, _, _ in named)
