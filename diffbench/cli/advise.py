"""``diffbench advise``: which step for this function, and why."""

from __future__ import annotations

import math
from typing import Any

import click

from diffbench.cli.calling import calling, calling_options
from diffbench.cli.files import check_file, written
from diffbench.cli.output import examples, note, print_json, print_table, split_names
from diffbench.cli.points import parse_point
from diffbench.errors import UserError

PLOTS = (".svg", ".png", ".pdf")


@click.command(
    epilog=examples(
        'diffbench advise "exp(sin(x))" --at 1',
        "diffbench advise my_model.py:loss --at -8 --format float16,float32 --plot advice.svg",
        "diffbench advise math:lgamma --at 2.5",
        "diffbench advise --command 'simulate --x {x}' --at 0.5 --jobs 4",
        'diffbench advise "x0**2 + x0*x1" --at 1,2',
    )
)
@click.argument("target", required=False)
@click.option("--at", multiple=True, metavar="X", help="The point: 1.5, pi/2, 1,2 or x=1,y=2.")
@click.option(
    "--derivative", default=1, show_default=True, metavar="M", help="Order of the derivative, 1 to 6."
)
@click.option("--format", "formats", multiple=True, metavar="F", help="Formats.  [default: float64]")
@click.option("--stencil", metavar="S", help="Advise on the step of this stencil.")
@click.option("--effort", metavar="E", help="Values of f to spend: many, or few (about 100).")
@calling_options
@click.option("--plot", metavar="FILE", help="Write the picture: .svg, .png or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def advise(
    target: str | None,
    at: tuple[str, ...],
    derivative: int,
    formats: tuple[str, ...],
    stencil: str | None,
    effort: str | None,
    plot: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Recommend a stencil and a step for one function at one point.

    TARGET is package.module:function, path/to/file.py:function, a problem of the catalogue, or an
    expression, which is parsed and never run as Python. A function of several variables is advised on
    one component after the other. It may be anything that gives a number: if it is no NumPy program it
    is called with plain numbers, and the answer says so.
    """
    check_file(plot, PLOTS, "--plot")
    names = split_names(formats) or ["float64"]
    found = _advices(target, at, derivative, names, stencil, effort, calling(options))
    if plot:
        if len(found) > 1:
            raise UserError("--plot draws one advice: give one --format and one component")
        figure = found[0].plot()
        with written(plot):
            figure.savefig(plot, bbox_inches="tight")
    if as_json:
        plain = [_plain(advice.as_dict()) for advice in found]
        print_json(plain[0] if len(plain) == 1 else plain)
        return
    for advice in found:
        _show(advice)
    if plot:
        click.echo(f"wrote  {plot}")


def _advices(
    target: str | None,
    at: tuple[str, ...],
    derivative: int,
    formats: list[str],
    stencil: str | None,
    effort: str | None,
    how: Any,
) -> list[Any]:
    from diffbench.advice import advise as ask
    from diffbench.advice.coordinates import along
    from diffbench.arithmetic.formats import get_format
    from diffbench.targets import resolve, resolve_point_function

    fmts = [get_format(name).name for name in formats]
    keywords: dict[str, Any] = {"derivative": derivative, "stencil": stencil, "effort": effort}
    point, variables = parse_point(at) if at else ([], None)
    if len(point) < 2 and variables is None:
        problem = resolve(target, point, how)
        truth = how.known() if how.truth else problem.truth
        return [
            ask(problem.function, x, fmt, truth=truth, scale=problem.scale, name=problem.name, **keywords)
            for x in problem.points
            for fmt in fmts
        ]
    if how.wanted or target is None:
        raise UserError(
            "--command, --truth and --opaque are for functions of one variable: give one number, and "
            "numbers in place of the other components; a gradient of a command is judged by `diffbench check`"
        )
    function = resolve_point_function(target, len(point), variables)
    labels = getattr(function, "variables", None) or [f"x[{i}]" for i in range(len(point))]
    return [
        ask(along(function, point, i), point[i], fmt, name=f"{target.strip()} along {labels[i]}", **keywords)
        for i in range(len(point))
        for fmt in fmts
    ]


def _show(advice: Any) -> None:
    """Sentences, then the usual steps and the other stencils as tables."""
    from diffbench.advice.record import usual_text

    first, *rest = (line for line in advice.lines() if not line.startswith("usual"))
    click.echo("\n  ".join([first, *rest]))
    if advice.usual:
        click.echo()
        print_table(
            [
                {"usual_step": row.name, "h": row.h, "stencil": row.stencil, "error": _finite(row.error)}
                | {"verdict": usual_text(row).partition(", ")[2] or usual_text(row)}
                for row in advice.usual
            ]
        )
    if len(advice.options) > 1:
        columns = ("stencil", "h", "error", "truncation", "noise", "evaluations")
        print_table([{name: getattr(row, name) for name in columns} for row in advice.options])
    if advice.status != "ok":
        note(f"note: {advice.status}: {advice.message}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """Values that JSON has: NaN is null, infinity the text "inf"."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
