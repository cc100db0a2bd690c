"""``diffbench graph``: the computation graph of one function, with values and gradients."""

from __future__ import annotations

from pathlib import Path

import click

from diffbench.cli.output import examples, note
from diffbench.cli.points import parse_numbers
from diffbench.errors import UserError


@click.command(
    epilog=examples(
        'diffbench graph "x**2 + x" --at 2 --out graph.svg',
        "diffbench graph dezero --format float16",
        "diffbench graph my_model.py:loss --at 0.5 --out loss.dot",
    )
)
@click.argument("target")
@click.option(
    "--at", multiple=True, metavar="X", help="The point: a number, or pi/2.  [default: the problem's first]"
)
@click.option(
    "--format", "format_name", default="float64", show_default=True, metavar="F", help="The format to run in."
)
@click.option(
    "--out",
    metavar="FILE",
    help="Write a picture (.svg, .png, .pdf) or the text (.dot, .gv).",
)
def graph(target: str, at: tuple[str, ...], format_name: str, out: str | None) -> None:
    """Draw how a function is computed, and how its gradient flows back.

    TARGET is a problem of the catalogue, package.module:function, path/to/file.py:function, or an
    expression in x. Prints DOT text; pictures need Graphviz and diffbench[graph].
    """
    import numpy as np

    from diffbench.arithmetic.formats import get_format
    from diffbench.graph import check_ending, draw, recorded, to_dot
    from diffbench.targets import resolve

    if len(at) > 1:
        raise UserError("a graph has one point: give --at once")
    if out is not None:
        check_ending(Path(out))
        if not Path(out).absolute().parent.is_dir():
            raise UserError(f"--out {out}: there is no folder {Path(out).parent}")
    problem = resolve(target, parse_numbers(at))
    if problem.opaque:
        raise UserError(f"{problem.name} is called with plain arrays, not recorded: it has no graph")
    point, fmt = problem.points[0], get_format(format_name)
    title = f"{problem.name} at x = {float(point):.6g}, {fmt.name}"
    y = recorded(problem.function, float(point), format=fmt.name)
    dot = to_dot(y, title=title)
    if not np.all(np.isfinite(y.data)):
        where = f"x = {float(point):.6g} in {fmt.name}"
        note(f"note: y is {y.data} at {where}: the gradients in the graph mean nothing")
    if out is None:
        click.echo(dot, nl=False)
        return
    click.echo(f"wrote  {draw(dot, out)}")
    if len(problem.points) > 1:
        note(f"note: {problem.name} has {len(problem.points)} points; this is the first")
