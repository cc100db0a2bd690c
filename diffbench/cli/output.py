"""How the command line speaks: tables, JSON, progress, and words for its options.

Answers go to standard output, progress and notes to standard error.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.runs import Progress

#: Without a terminal nobody's window is too narrow: wide enough for every table.
PLAIN_WIDTH = 160


def split_names(texts: Iterable[str]) -> list[str]:
    """Values of an option that may be repeated and may hold comma lists."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def examples(*lines: str) -> str:
    """The end of a help text: commands to copy, on lines that click leaves as they are."""
    return "\b\nExamples:\n  " + "\n  ".join(lines)


def note(text: str) -> None:
    """Say something beside the answer."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON values: NaN is null, and infinity, which JSON lacks, is the text "inf"."""
    rows: list[dict[str, Any]] = frame.astype(object).to_dict("records")  # type: ignore[assignment]
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def print_table(rows: list[dict[str, Any]], title: str | None = None) -> None:
    """Print rows with the columns of the first; numbers short and to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        click.echo("nothing to show")
        return
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        number = any(isinstance(row[name], int | float) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if number else "left", no_wrap=number)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    console.print(table)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# --- progress: a bar on a terminal, plain lines elsewhere ---


def run_display() -> AbstractContextManager[Callable[[Progress], None]]:
    """What shows the progress of a run: counts, failures, and the time left."""
    return _run_bar() if sys.stderr.isatty() else nullcontext(PlainProgress())


def drawing_display() -> AbstractContextManager[Callable[[int, int, str], None]]:
    """What shows the progress of a report: called with figures done, figures to draw, the last one."""
    return _drawing_bar() if sys.stderr.isatty() else nullcontext(lambda done, total, text: None)


class PlainProgress:
    """Lines for a log: one at the start, and one whenever another tenth of the work is done."""

    def __init__(self) -> None:
        self.next = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.share < self.next or progress.reused == progress.total:
            return
        self.next = math.floor(progress.share * 10 + 1e-9) / 10 + 0.1
        failed = f", {progress.failed} failed" if progress.failed else ""
        left = f", about {progress.remaining:.0f} s left" if progress.remaining is not None else ""
        note(f"{progress.share:4.0%}  {progress.done}/{progress.total} cells{failed}{left}")


@contextmanager
def _run_bar() -> Iterator[Callable[[Progress], None]]:
    with _bar() as show:

        def update(progress: Progress) -> None:
            left = f"{progress.remaining:.0f} s left" if progress.remaining is not None else "starting"
            failed = f"  [red]{progress.failed} failed[/red]" if progress.failed else ""
            show(progress.share, f"{progress.done}/{progress.total} cells  {left}{failed}  {progress.label}")

        yield update


@contextmanager
def _drawing_bar() -> Iterator[Callable[[int, int, str], None]]:
    with _bar() as show:
        yield lambda done, total, text: show(done / total, f"{done}/{total} figures  {text}")


@contextmanager
def _bar() -> Iterator[Callable[[float, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda share, text: bar.update(task, completed=share, description=text)
