"""``diffbench report``: a report again from stored results, or its figures alone as files for papers."""

from __future__ import annotations

from pathlib import Path

import click

from diffbench.cli.output import drawing_display, examples, note
from diffbench.cli.run import render_report
from diffbench.errors import UnknownNameError, UserError

KINDS = ("svg", "png", "pdf")


@click.command(
    epilog=examples(
        "diffbench report reports/latest",
        "diffbench report reports/latest --figures paper/figures --format pdf",
    )
)
@click.argument("run_dir", metavar="RUN_DIR")
@click.option("--figures", metavar="DIR", help="Only draw the figures, as files into this folder.")
@click.option("--format", "kind", metavar="KIND", help="Of the figures: svg, png or pdf.  [default: svg]")
def report(run_dir: str, figures: str | None, kind: str | None) -> None:
    """Render the report of a run folder again, from its stored results."""
    from diffbench.runs import load

    if kind is not None and figures is None:
        raise UserError("--format is for the files of --figures DIR: name the folder they go to")
    if kind is not None and kind not in KINDS:
        raise UnknownNameError("format of figures", kind, KINDS)
    folder = load(run_dir).folder
    if figures is not None:
        _write(folder, Path(figures), kind or KINDS[0])
        return
    render_report(folder)
    click.echo(f"open   {Path(run_dir) / 'index.html'}")


def _write(folder: Path, out: Path, kind: str) -> None:
    from diffbench.report.static_figures import write_figures

    with drawing_display() as progress:
        done = write_figures(folder, out, kind, progress)
    for sentence in done.missing:
        note(f"note: {sentence}")
    click.echo(f"wrote  {len(done.files)} figures into {out}")
