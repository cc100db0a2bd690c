"""``diffbench check``: is a gradient right?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from diffbench.cli.output import examples, note, print_json, print_table, records, split_names
from diffbench.errors import UserError

#: Rows of the table on the terminal; --json has all.
SHOWN = 20


@click.command(
    epilog=examples(
        'diffbench check "exp(sin(x))" --gradient "cos(x)*exp(sin(x))" --at 1 --format float16',
        "diffbench check model.py:loss --gradient model.py:loss_gradient --at 0.5,-1.2,3",
    )
)
@click.argument("target")
@click.option("--gradient", metavar="TARGET", help="The claimed gradient: a function, or an expression in x.")
@click.option("--at", multiple=True, metavar="X", help="The point: a number, pi/2, or a list 1,2.5,-3.")
@click.option("--format", "formats", default="float64", show_default=True, metavar="F", help="The format.")
@click.option("--strict", is_flag=True, help="Exit code 1 also if the check cannot tell about a component.")
@click.option("--json", "as_json", is_flag=True, help="Print every component as JSON.")
def check(
    target: str, gradient: str | None, at: tuple[str, ...], formats: str, strict: bool, as_json: bool
) -> None:
    """Check a gradient against finite differences, component by component.

    TARGET is a function of one array that returns one number: package.module:function,
    path/to/file.py:function, a problem of the catalogue, or an expression in x. It runs on plain NumPy
    arrays of the format. The exit code is 0 if no component disagrees, 1 if one does.
    """
    if gradient is None:
        raise UserError("say what is to be checked: --gradient TARGET")
    point = _point(at)
    from diffbench.gradient_check import check_gradient

    result = check_gradient(_function(target, point), _function(gradient, point), point, formats.strip())
    if as_json:
        print_json(
            {
                "passed": result.passed,
                "format": result.format,
                "evaluations": result.evaluations,
                "notes": list(result.notes),
                "components": records(result.table),
            }
        )
    else:
        print_table(records(result.worst(SHOWN)), f"{target.strip()}: {result.summary()}")
        if len(result.findings) > SHOWN:
            note(f"note: {len(result.findings) - SHOWN} more components; --json has all")
        for text in result.notes:
            note(f"note: {text}")
    undecided = strict and result.count("cannot tell")
    if undecided or not result.passed:
        raise click.exceptions.Exit(1)


def _point(at: tuple[str, ...]) -> list[float]:
    from diffbench.expressions import parse_number

    if not at:
        raise UserError("say where: --at X, or --at 1,2.5,-3 for three components")
    if len(at) > 1:
        raise UserError("give the point once: --at 1.5, or --at 1,2.5,-3 for three components")
    numbers = [parse_number(text) for text in split_names(at)]
    if not numbers:
        raise UserError("--at is empty; write --at 1.5 or --at 1,2.5,-3")
    return numbers


def _function(target: str, point: list[float]) -> Callable[[Any], Any]:
    from diffbench.targets import resolve

    return resolve(target, point[:1]).function
