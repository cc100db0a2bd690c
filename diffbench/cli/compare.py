"""``diffbench compare``: which step every rule chooses for one function, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diffbench.cli.calling import calling, calling_options
from diffbench.cli.output import examples, note, print_json, print_table, records, split_names
from diffbench.cli.points import parse_numbers
from diffbench.cli.sweep import PLOTS, _check_file, _written
from diffbench.errors import RefusedError, UserError

if TYPE_CHECKING:
    from diffbench.tournament.comparison import Comparison

SHOWN = 40  # lines of the table, without --all
#: Methods that are asked of a command unless others are named.
FEW = ("central-2@*", "forward-1@*", "central-4@*", "family:extrapolation", "family:automatic")
COLUMNS = "method h relative_error regret evaluations error_estimate status".split()


@click.command(
    epilog=examples(
        'diffbench compare "exp(sin(x))" --at 1 --plot which-h.svg',
        "diffbench compare sin_10 --format float16 --method 'central-2@*' --method jacobi",
        "diffbench compare my_model.py:loss --at -8 --derivative 2 --all --json",
        "diffbench compare math:lgamma --at 2.5 --opaque --method 'central-2@*' --method auto",
    )
)
@click.argument("target", required=False)
@click.option("--at", multiple=True, metavar="X", help="The point: a number, or pi/2; may be repeated.")
@click.option(
    "--derivative", default=1, show_default=True, metavar="M", help="Order of the derivative, 1 to 6."
)
@click.option("--format", "formats", multiple=True, metavar="F", help="Formats.  [default: float64]")
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="PATTERN",
    help="Methods: names, globs, family:rival.  [default: every rule, estimator and library]",
)
@click.option("--all", "everything", is_flag=True, help=f"Print every method, not the best {SHOWN}.")
@calling_options
@click.option("--plot", metavar="FILE", help="Write the picture: .svg, .png or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print every row as JSON.")
def compare(
    target: str | None,
    at: tuple[str, ...],
    derivative: int,
    formats: tuple[str, ...],
    methods: tuple[str, ...],
    everything: bool,
    plot: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Compare step rules, estimators and libraries on one function: which h, and how far off.

    TARGET is a problem of the catalogue (`diffbench list problems`), package.module:function,
    path/to/file.py:function, or an expression in x, which is parsed and never run as Python.

    Errors are relative to the derivative; regret is the error over what the robust best step of central-2
    promises; evaluations are counted where the function is called. A method that fails has a status.

    A function that is no NumPy program is compared with --opaque, a program with --command: against
    --truth, or against an estimate with a bound, below which nothing is decided.
    """
    _check_file(plot, PLOTS, "--plot")
    from diffbench.arithmetic.formats import get_format
    from diffbench.targets import resolve
    from diffbench.tournament.comparison import EVERYBODY, undecided

    how = calling(options)
    problem = resolve(target, parse_numbers(at), how)
    chosen = [get_format(name).name for name in split_names(formats) or ["float64"]]
    patterns = [text.strip() for text in methods] or list(FEW if how.command else EVERYBODY)
    # a command is slow, and its values are kept: the methods that come later find most of them
    limit = {"limit": 600.0} if how.wanted else {}
    found = []
    for name in chosen:
        for one, bound in _judged(problem, how, name, derivative) if problem.opaque else [(problem, 0.0)]:
            compared = _compared(one, name, derivative, patterns, limit)
            found += [undecided(each, bound) for each in compared] if bound else compared
    if as_json:
        print_json([_as_json(problem.name, one) for one in found])
    else:
        for one in found:
            _print(problem.name, one, everything)
    if plot:
        for one, path in zip(found, _paths(plot, found), strict=True):
            _draw(problem.name, one, path)
            note(f"wrote  {path}") if as_json else click.echo(f"wrote  {path}")


def _compared(
    problem: Any, name: str, derivative: int, patterns: list[str], limit: dict[str, float]
) -> list[Comparison]:
    """The comparison; what no arithmetic can run may still be called as it is."""
    from diffbench.tournament.comparison import compare as compare_methods

    try:
        return compare_methods(problem, name, derivative, patterns, **limit)
    except RefusedError as error:
        if problem.opaque:
            raise
        raise RefusedError(f"{error}\nor call it as it is, with plain numbers: --opaque") from error


def _judged(problem: Any, how: Any, format_name: str, derivative: int) -> list[tuple[Any, float]]:
    """An opaque problem with its truth, point by point, and how far that truth may be off."""
    from dataclasses import replace

    from diffbench.advice.survey import yardstick_of
    from diffbench.arithmetic.formats import get_format
    from diffbench.targets import with_derivative

    known = how.known()
    if callable(known):
        return [(replace(problem, truth=known), 0.0)]
    if known is None and problem.truth is not None:
        return [(problem, 0.0)]
    if known is not None and len(problem.points) > 1:
        raise UserError("--truth is the derivative at one point: give one --at")
    found = []
    for point in problem.points:
        one = replace(problem, points=(point,), stated={})
        if known is not None:
            found.append((with_derivative(one, known, derivative), 0.0))
            continue
        fmt = get_format(format_name)
        scale = problem.scale_at(point)
        stick = yardstick_of(problem.function, fmt, float(fmt.round(point)), derivative, scale)
        doubt = "" if stick.status == "ok" else f" ({stick.status}: {stick.message})"
        note(
            f"note: at {point!r} the derivative is {stick.value:.10g}, estimated from f within "
            f"{stick.bound:.2g}: {stick.source}{doubt}; smaller errors are not decided"
        )
        found.append((with_derivative(one, stick.value, derivative), stick.bound))
    return found


def _print(name: str, one: Comparison, everything: bool) -> None:
    from diffbench.report.text import derivative_name, number, point_text

    rows = one.rows if everything else one.rows.head(SHOWN)
    what = derivative_name(one.derivative).capitalize()
    title = f"{what} of {name} at x = {point_text(one.point)} in {one.format.name}: {_truth(one)}"
    known = one.exact == one.exact  # without a derivative there is no error, but there are estimates
    columns = COLUMNS if known else ["method", "h", "estimate", *COLUMNS[-3:]]
    print_table(records(rows[columns]), title)
    best = one.best
    if best["h"] == best["h"]:
        relative = "relative error" if one.exact != 0 else "error"
        h, error = number(best["h"], 3), number(best["error"], 2)
        click.echo(f"best   h = {h} for central-2, robustly: {relative} {error}")
    silent = [str(m) for m in one.rows.loc[one.rows["silent_wrong"], "method"]]
    if silent:
        click.echo(f"wrong  {', '.join(silent)}: finite, not flagged, and far from the derivative")
    if len(rows) < len(one.rows):
        note(f"note: {len(one.rows) - len(rows)} more methods, with larger errors: --all shows them")
    if one.left_out:
        note(f"note: {len(one.left_out)} methods take no part; --json says why")


def _truth(one: Comparison) -> str:
    from diffbench.report.text import number

    row = one.rows.iloc[0]
    if one.exact == one.exact:
        return f"it is {one.exact!r}"
    sides = f"{number(row['left'], 6)} from the left, {number(row['right'], 6)} from the right"
    return f"no derivative ({sides})" if row["left"] == row["left"] else "no derivative is known"


def _as_json(name: str, one: Comparison) -> dict[str, Any]:
    columns = [*COLUMNS, *"message estimate error digits family failed silent_wrong claimed warnings".split()]
    first = records(one.rows.head(1))[0]
    return {
        "problem": name,
        "point": one.point,
        "x": first["x"],
        "format": one.format.name,
        "derivative": one.derivative,
        "exact": first["exact"],
        "left": first["left"],
        "right": first["right"],
        "h_best": first["h_best"],
        "error_best": first["error_best"],
        "methods": records(one.rows[columns]),
        "left_out": one.left_out,
    }


def _paths(plot: str, found: list[Comparison]) -> list[Path]:
    """One file for each point and format; their names say which if there are several."""
    path = Path(plot)
    if len(found) == 1:
        return [path]
    points = len({one.point for one in found}) > 1
    tails = [f"-{one.format.name}" + (f"-{one.point}" if points else "") for one in found]
    return [path.with_name(path.stem + tail + path.suffix) for tail in tails]


def _draw(name: str, one: Comparison, path: Path) -> None:
    from diffbench.report.choice_figures import choices_figure
    from diffbench.report.text import derivative_symbol, point_text
    from diffbench.report.tournament_report import choice_lines

    symbol = derivative_symbol(one.derivative)
    title = f"Which h? {symbol} of {name} at x = {point_text(one.point)} in {one.format.name}"
    lines = choice_lines(one.rows, sorted(set(one.curves["stencil"])))
    figure = choices_figure(one.curves, lines, one.best, title, one.format.u, one.exact != 0)
    with _written(path):
        figure.savefig(path, bbox_inches="tight")
