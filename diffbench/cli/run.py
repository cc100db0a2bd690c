"""``diffbench run``: a suite into a run folder, with progress, a report and a table at the end."""

from __future__ import annotations

import hashlib
import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diffbench.cli.output import (
    drawing_display,
    examples,
    note,
    print_json,
    print_table,
    records,
    run_display,
    split_names,
)

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.runs import Run

DEFAULT_OUT = "reports/latest"


@click.command(
    epilog=examples(
        "diffbench run quick --out reports/quick",
        "diffbench run --problems group:smooth,relu --formats float16",
        "diffbench run my_suite.toml --jobs 4 --fresh",
    )
)
@click.argument("suite", default="default", metavar="[SUITE]")
@click.option(
    "--out",
    default=DEFAULT_OUT,
    show_default=True,
    metavar="DIR",
    help="The run folder: new, or a run to go on with.",
)
@click.option(
    "--problems", multiple=True, metavar="PATTERNS", help="Only these: names, globs, group:smooth, tag:noisy."
)
@click.option("--formats", multiple=True, metavar="NAMES", help="Only these formats: float16,float32.")
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Worker processes.  [default: one per core]"
)
@click.option("--fresh", is_flag=True, help="Compute everything again, whatever is stored.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def run(
    suite: str,
    out: str,
    problems: tuple[str, ...],
    formats: tuple[str, ...],
    jobs: int | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Compute a suite of problems and write a report.

    SUITE is quick, default, full, or a TOML file of your own. Finished cells (a problem in a format) are
    stored at once: an interrupted run goes on where it stopped, and a second run computes only what changed.
    """
    from diffbench.runs import load_suite
    from diffbench.runs import run as run_suite

    chosen = load_suite(suite).with_options(split_names(problems), split_names(formats))
    command = _typed_command(suite, out, problems, formats, jobs, fresh)
    with _terminated_like_interrupted(), run_display() as progress:
        result = run_suite(chosen, out, jobs, fresh, progress, command=command)
    page = _render_if_needed(result)
    if as_json:
        print_json(
            {
                "page": str(page),
                "cells": _cells(result),
                "counts": result.counts,
                "table": records(_overview(result)),
            }
        )
        return
    print_table(
        records(_overview(result)), f"First derivative, {result.manifest['suite']['content']['title']}"
    )
    rows = ", ".join(
        f"{count} {status}" for status, count in sorted(result.counts.items(), key=lambda item: -item[1])
    )
    cells = ", ".join(f"{count} {what}" for what, count in _cells(result).items())
    click.echo(f"rows   {rows}\ncells  {cells}\nopen   {page}")
    if result.failed:
        note(f"note: {result.failed} cells failed; their rows say why, and the next run tries them again")


def _typed_command(
    suite: str, out: str, problems: Sequence[str], formats: Sequence[str], jobs: int | None, fresh: bool
) -> str:
    """The command for the manifest, without the absolute paths that a terminal may have put in."""
    words = ["diffbench", "run", _without_home(suite)]
    words += ["--out", _without_home(out)] if out != DEFAULT_OUT else []
    for option, values in (("--problems", problems), ("--formats", formats)):
        words += [word for value in values for word in (option, value)]
    words += ["--jobs", str(jobs)] if jobs else []
    return shlex.join(words + ["--fresh"] * fresh)


def _without_home(path: str) -> str:
    return Path(path).name if Path(path).is_absolute() else path


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """A run that is told to stop (timeout, a batch system) puts its finished cells away like at Ctrl-C."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _cells(result: Run) -> dict[str, int]:
    return {"computed": result.computed, "reused": result.reused, "failed": result.failed}


def _render_if_needed(result: Run) -> Path:
    """Render the report unless the one that is there was made from these very files by this very code."""
    page, stamp = result.folder / "index.html", result.folder / ".rendered"
    wanted = _report_stamp(result.folder)
    if not (page.is_file() and stamp.is_file() and stamp.read_text() == wanted):
        render_report(result.folder)
    return page


def _report_stamp(folder: Path) -> str:
    """A hash of everything that a rendered report depends on."""
    code = sorted(path for path in (Path(__file__).parents[1] / "report").rglob("*") if path.suffix != ".pyc")
    digest = hashlib.sha256()
    for path in [*code, folder / "manifest.json", folder / "timings.json"]:
        digest.update(path.name.encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def render_report(folder: Path) -> None:
    """Render a run folder, and note what the report was made from."""
    from diffbench.report import render

    note("drawing the report")
    with drawing_display() as progress:
        render(folder, progress)
    (folder / ".rendered").write_text(_report_stamp(folder))


def _overview(result: Run) -> pd.DataFrame:
    """Per format and stencil, for the first derivative: medians over the problems."""
    import numpy as np

    rows = result.summary.query("derivative == 1 and variant == 'integer'").copy()
    own = rows["problem"].map(result.problems.set_index("problem")["scale"])
    length = own.where(own.notna(), rows["point"].astype(float).abs().clip(lower=1.0))  # the default scale
    rows["relative_step"] = rows["h_best"] / length
    rows["observed_order"] = rows["observed_order"].replace(np.inf, np.nan)
    grouped = rows.groupby(["format", "stencil"], sort=False)
    table = grouped[["observed_order", "relative_step", "error_best", "digits"]].median()
    return table.assign(points=grouped.size()).reset_index()
