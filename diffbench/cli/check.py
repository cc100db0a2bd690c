"""``diffbench check``: is a gradient right?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from diffbench.cli.output import examples, note, print_json, print_table, records
from diffbench.cli.points import parse_point
from diffbench.errors import UserError

#: Rows of the table on the terminal; --json has all.
SHOWN = 20


@click.command(
    epilog=examples(
        'diffbench check "exp(sin(x))" --gradient "cos(x)*exp(sin(x))" --at 1 --format float16',
        "diffbench check model.py:loss --gradient model.py:loss_gradient --at 0.5,-1.2,3",
        'diffbench check "x0**2 + x0*x1" --gradient "2*x0 + x1; x0" --at 1,2',
        "diffbench check model.py:loss --gradient model.py:loss_gradient --at 1,2 --format bfloat16 --along",
        "diffbench check --command 'simulate {x0} {x1}' --gradient grad.py:gradient --at 1,2",
    )
)
@click.argument("target", required=False)
@click.option("--gradient", metavar="TARGET", help="The claimed gradient: a function, or text.")
@click.option("--at", multiple=True, metavar="X", help="The point: pi/2, a list 1,2.5,-3, or x=1,y=2.")
@click.option("--format", "formats", default="float64", show_default=True, metavar="F", help="The format.")
@click.option("--command", metavar="TEXT", help="Instead of TARGET: a program, 'simulate {x0} {x1}'.")
@click.option("--pattern", metavar="RE", help="Where --command prints the number: one (group).")
@click.option("--timeout", type=float, metavar="S", help="Seconds for one run of --command.  [default: 60]")
@click.option(
    "--along",
    is_flag=True,
    help="Where values near the point cannot tell, call the gradient along lines through it too.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 also if the check cannot tell about a component.")
@click.option("--json", "as_json", is_flag=True, help="Print every component as JSON.")
def check(
    target: str | None,
    gradient: str | None,
    at: tuple[str, ...],
    formats: str,
    command: str | None,
    pattern: str | None,
    timeout: float | None,
    along: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Check a gradient against finite differences, component by component.

    TARGET is a function of one array that returns one number: package.module:function,
    path/to/file.py:function, a problem of the catalogue, or an expression in x, or in several variables
    such as x0**2 + x0*x1; its gradient is then one expression for each, with semicolons between. It runs
    on plain NumPy arrays of the format. The exit code is 0 if no component disagrees, 1 if one does.
    """
    if gradient is None:
        raise UserError("say what is to be checked: --gradient TARGET")
    point, variables = parse_point(at)
    from diffbench.checking.result import without_empty_parts
    from diffbench.gradient_check import check_gradient

    function = _function(target, command, pattern, timeout, len(point), variables)
    claimed = _gradient(gradient, len(point), getattr(function, "variables", None) or variables)
    result = check_gradient(function, claimed, point, formats.strip(), along)
    title = (target or command or "").strip()
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
        print_table(records(without_empty_parts(result.worst(SHOWN))), f"{title}: {result.summary()}")
        click.echo(result.said())
        if len(result.findings) > SHOWN:
            note(f"note: {len(result.findings) - SHOWN} more components; --json has all")
        for text in result.notes:
            note(f"note: {text}")
    undecided = strict and result.count("cannot tell")
    if undecided and result.passed:
        note(f"note: --strict: {undecided} left open, so the exit code is 1")
    if undecided or not result.passed:
        raise click.exceptions.Exit(1)


def _of_one_number(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of a point of one component, which may take plain numbers only (math.lgamma) in float64."""

    def called(x: Any) -> Any:
        try:
            return f(x)
        except TypeError:
            if x.shape != (1,) or x.dtype.name != "float64":
                raise
            return f(float(x[0]))

    return called


def _function(
    target: str | None,
    command: str | None,
    pattern: str | None,
    timeout: float | None,
    components: int,
    variables: tuple[str, ...] | None,
) -> Callable[[Any], Any]:
    """The target as a function of a point; of a command, every run is one call."""
    from diffbench.opaque import TIMEOUT, Command
    from diffbench.targets import resolve, resolve_point_function

    if command is None:
        if pattern is not None or timeout is not None:
            raise UserError("--pattern and --timeout go with --command")
        if target is None:
            resolve(None)  # says what is missing
        function = resolve_point_function(str(target), components, variables)
        named = components > 1 or hasattr(function, "variables")  # an expression takes points
        return function if named else _of_one_number(function)
    if target is not None:
        raise UserError(f"give a target or --command, not both: {target.strip()!r} and {command!r}")
    return Command(command, pattern, timeout or TIMEOUT)


def _in_format_of_x(expression: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A text such as ``2`` is a gradient too: a number without x takes the shape and the format of x."""

    def gradient(x: Any) -> Any:
        import numpy as np

        value = np.asarray(expression(x))
        return value if value.shape == x.shape else np.full_like(x, value)

    return gradient


def _gradient(text: str, components: int, variables: tuple[str, ...] | None) -> Callable[[Any], Any]:
    """A function, or one expression per component with semicolons between."""
    import numpy as np

    from diffbench.expressions import Expression, parse_point_expression
    from diffbench.targets import resolve_point_function

    if ";" not in text:
        found = resolve_point_function(text, components, variables)
        if components > 1 and isinstance(found, Expression):
            raise UserError(
                f"--gradient {found.text!r} is one expression for a point of shape ({components},): write "
                "one for each component, with semicolons between"
            )
        if isinstance(found, Expression):
            return _in_format_of_x(found)
        if components > 1:
            return found
        one = _of_one_number(found)

        def shaped(x: Any) -> Any:
            value = one(x)
            return np.reshape(value, x.shape) if np.ndim(value) == 0 else value

        return shaped
    names = variables or (("x",) if components == 1 else tuple(f"x{k}" for k in range(components)))
    parts = [parse_point_expression(part, names) for part in text.split(";") if part.strip()]
    if len(parts) != components:
        raise UserError(
            f"--gradient has {len(parts)} expressions, but the point has {components} components: write one "
            "for each, with semicolons between"
        )

    def gradient(x: Any) -> Any:
        return np.array([part(x) for part in parts], dtype=x.dtype)

    return gradient
