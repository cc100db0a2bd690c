"""``diffbench sweep``: error against step for one function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diffbench.cli.calling import calling, calling_options
from diffbench.cli.files import check_file as _check_file
from diffbench.cli.files import written as _written
from diffbench.cli.output import examples, note, print_json, print_table, records, split_names
from diffbench.cli.points import parse_numbers
from diffbench.errors import RefusedError, UnknownNameError, UserError

if TYPE_CHECKING:
    import pandas as pd

PLOTS = (".svg", ".png", ".pdf")
TABLES = (".csv", ".parquet", ".json")
DEFAULT_FORMATS = ("float16", "float32", "float64")
COLUMNS = "point format stencil variant observed_order h_best error_best h_predicted error_predicted digits"


@click.command(
    epilog=examples(
        'diffbench sweep "exp(sin(x))" --at 1 --plot errors.svg',
        "diffbench sweep sin_10 --format float16,bfloat16 --stencil central-2 --stencil central-4",
        "diffbench sweep my_model.py:loss --at -8 --derivative 2 --out rows.csv",
        "diffbench sweep math:lgamma --at 2.5 --opaque",
        "diffbench sweep --command 'simulate --x {x}' --at 0.5 --truth 1.25",
    )
)
@click.argument("target", required=False)
@click.option("--at", multiple=True, metavar="X", help="The point: a number, or pi/2; may be repeated.")
@click.option(
    "--derivative", default=1, show_default=True, metavar="M", help="Order of the derivative, 1 to 6."
)
@click.option(
    "--format", "formats", multiple=True, metavar="F", help="Formats.  [default: float16,float32,float64]"
)
@click.option(
    "--stencil", "stencils", multiple=True, metavar="S", help="Stencils, as in `diffbench list stencils`."
)
@click.option(
    "--variant", "variants", multiple=True, metavar="V", help="integer, float, mixed.  [default: integer]"
)
@click.option(
    "--steps-per-decade",
    type=int,
    metavar="N",
    help="How dense the grid of steps is.  [default: 20; 2 for a command]",
)
@click.option("--kind", default="decimal", show_default=True, help="decimal steps, or binary: powers of two.")
@calling_options
@click.option("--out", metavar="FILE", help="Write every row: .csv, .parquet or .json.")
@click.option("--plot", metavar="FILE", help="Write the figure: .svg, .png or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def sweep(
    target: str | None,
    at: tuple[str, ...],
    derivative: int,
    formats: tuple[str, ...],
    stencils: tuple[str, ...],
    variants: tuple[str, ...],
    steps_per_decade: int | None,
    kind: str,
    out: str | None,
    plot: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Sweep the step for one function: error against h, best steps, observed orders.

    TARGET is a problem of the catalogue (`diffbench list problems`), package.module:function,
    path/to/file.py:function, or an expression in x, which is parsed and never run as Python.
    A function that is no NumPy program is swept with --opaque, a program with --command: errors are then
    those against --truth, or against an estimate with a bound, below which nothing is decided.
    """
    _check_file(out, TABLES, "--out")
    _check_file(plot, PLOTS, "--plot")
    from diffbench.targets import resolve

    how = calling(options)
    problem = resolve(target, parse_numbers(at), how)
    names = split_names(formats) or [
        f for f in DEFAULT_FORMATS if not problem.formats or f in problem.formats
    ]
    if how.command and not stencils:
        stencils = ("forward-1", "central-2") if derivative == 1 else ("central-2",)  # every node is a run
    per_decade = steps_per_decade if steps_per_decade is not None else (2 if how.command else 20)
    settings = _settings(derivative, split_names(stencils), split_names(variants), per_decade, kind)
    if how.wanted:
        frames = _opaque_frames(problem, names if formats else ["float64"], settings, how)
    else:
        frames = _sweep_frames(problem, names, settings)
    if out:
        _write_rows(frames["sweep"], Path(out))
    if plot:
        _write_plot(frames, Path(plot))
    if as_json:
        print_json(records(frames["summary"]))
        return
    print_table(records(frames["summary"][COLUMNS.split()]), f"{problem.name}, derivative {derivative}")
    for path in filter(None, (out, plot)):
        click.echo(f"wrote  {path}")


def _settings(derivative: int, stencils: list[str], variants: list[str], per_decade: int, kind: str) -> Any:
    from diffbench.runs.suite import VARIANTS
    from diffbench.stencils import stencil_from_name, stencil_names
    from diffbench.sweep import DEFAULT_STENCILS, SweepSettings

    if not 1 <= per_decade <= 200:
        raise UserError(f"--steps-per-decade must be from 1 to 200, not {per_decade}")
    if kind not in ("decimal", "binary"):
        raise UnknownNameError("kind of steps", kind, ("decimal", "binary"))
    for variant in variants:
        if variant not in VARIANTS:
            raise UnknownNameError("variant", variant, VARIANTS)
    known = stencil_names(derivative)  # also says which derivatives there are
    default = DEFAULT_STENCILS.get(derivative) or [
        name for name in known if name in ("central-2", "central-4")
    ]
    chosen = tuple(stencils or default)
    for name in chosen:
        stencil_from_name(name, derivative)
    return SweepSettings({derivative: chosen}, per_decade, kind, tuple(variants or ["integer"]))


def _sweep_frames(problem: Any, formats: list[str], settings: Any) -> dict[str, pd.DataFrame]:
    """All formats below each other; what a format refuses is a note, what all refuse is an error."""
    import pandas as pd

    from diffbench.arithmetic.formats import get_format
    from diffbench.sweep import sweep_cell

    cells = [sweep_cell(problem, get_format(name).name, settings) for name in formats]
    frames = {key: pd.concat([cell[key] for cell in cells], ignore_index=True) for key in cells[0]}
    frames["references"] = frames["references"].drop_duplicates(["problem", "point", "x", "derivative"])
    _report_failures(frames["sweep"])
    _report_kinks(frames["references"], *settings.stencils)
    return frames


def _opaque_frames(problem: Any, formats: list[str], settings: Any, how: Any) -> dict[str, pd.DataFrame]:
    """Without the split, against the user's truth or an estimate; float64 unless formats are asked for."""
    import pandas as pd

    from diffbench.sweep import sweep as one

    given = how.known()
    truth = given if given is not None else problem.truth if problem.truth is not None else "auto"
    if isinstance(truth, float) and len(problem.points) > 1:
        raise UserError("--truth is the derivative at one point: give one --at")
    ((derivative, stencils),) = settings.stencils.items()
    found = [
        one(
            problem.function,
            point,
            derivative=derivative,
            formats=formats,
            stencils=stencils,
            variants=settings.variants,
            split=False,
            truth=truth,
            scale=problem.scale,
            per_decade=settings.per_decade,
            kind=settings.kind,
            name=problem.name,
            domain=problem.domain,
        )
        for point in problem.points
    ]
    frames = {
        "sweep": pd.concat([sweep.frame for sweep in found], ignore_index=True),
        "references": pd.concat([sweep.references for sweep in found], ignore_index=True),
        "summary": pd.concat([sweep.summary() for sweep in found], ignore_index=True),
    }
    _report_failures(frames["sweep"])
    if truth == "auto":
        known = frames["references"][frames["references"]["derivative"] == derivative]
        for row in known.itertuples():
            note(
                f"note: at {row.point} the derivative is {row.value:.10g}, {row.message}; smaller errors are "
                "not decided"
            )
    if frames["summary"]["h_best"].isna().all() and settings.per_decade < 10:
        note("note: a robust best step needs 10 steps or more per decade: --steps-per-decade 10")
    for text in dict.fromkeys(getattr(problem.function, "notes", ())):
        note(f"note: {text}")
    return frames


def _report_failures(rows: pd.DataFrame) -> None:
    """Say why a point has no sweep in a format; an error if that is so for all of them."""
    empty = rows[rows["h"].isna()]
    reasons = [
        f"{', '.join(found['format'].astype(str).unique())} at {point}: {status}: {message}"
        for (point, status, message), found in empty.groupby(["point", "status", "message"], observed=True)
    ]
    if reasons and len(empty) == len(rows):
        refused = (empty["status"] == "refused").all()
        if refused:
            reasons.append("or call it as it is, with plain numbers and without the split: --opaque")
        raise (RefusedError if refused else UserError)("\n".join(reasons))
    for reason in reasons:
        note(f"note: {reason}")


def _report_kinks(references: pd.DataFrame, derivative: int) -> None:
    """Say why a point has estimates but no errors: there is nothing to compare them with."""
    here = (references["status"] == "no_derivative") & (references["derivative"] == derivative)
    for row in records(references[here].drop_duplicates("point")):
        left, right = row["left"], row["right"]
        known = isinstance(left, float) and isinstance(right, float)  # not NaN, not infinite
        sides = f": {left:.6g} from the left, {right:.6g} from the right" if known else ""
        note(
            f"note: at {row['point']} derivative {derivative} does not exist ({row['message']}{sides}); "
            "no error is claimed, --out keeps the estimates"
        )


def _write_rows(rows: pd.DataFrame, path: Path) -> None:
    with _written(path):
        if path.suffix == ".csv":
            rows.to_csv(path, index=False)
        elif path.suffix == ".parquet":
            rows.to_parquet(path, index=False)
        else:
            path.write_text(json.dumps(records(rows), indent=1) + "\n", encoding="utf-8")


def _write_plot(frames: dict[str, pd.DataFrame], path: Path) -> None:
    from diffbench.sweep import Sweep

    figure = Sweep(frames["sweep"], frames["references"], frames["summary"]).plot()
    with _written(path):
        figure.savefig(path, bbox_inches="tight")
