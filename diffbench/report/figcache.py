"""Draws figures in a small pool of processes, and only those whose data or drawing code changed.

* ``Figure`` is a picture that is to be drawn: a function of this package and its arguments, name, words.
* ``draw(figures, folder)`` brings a folder up to date; ``folder/.cache.json`` holds a digest per figure.

The digest covers the arguments, the source of every module that draws, and matplotlib's version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from diffbench.runs.execute import process_context
from diffbench.runs.store import write_text

CACHE = ".cache.json"
SUFFIXES = (".svg", ".png")
WORKERS = 2
FEW = 10  # fewer figures than these are drawn before a pool has started
DRAWING = (
    "style",
    "marks",
    "slopes",
    "text",
    "curves",
    "data",
    "error_parts",
    "error_figures",
    "estimate_figures",
    "run_figures",
    "claim_figures",
    "map_figures",
    "lesson_figures",
    "tournament_data",
    "tournament_figures",
    "tournament_maps",
    "choice_figures",
    "random_data",
    "random_figures",
    "several_figures",
    "several_maps",
)
THEORY = (
    "diffbench.predictions",
    "diffbench.stencils",
    "diffbench.arithmetic.formats",
    "diffbench.tournament.profiles",
    "diffbench.tournament.scores",
)
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Figure:
    """A picture of the report.

    Attributes
    ----------
    name : str
        File name without suffix.
    function : str
        ``module.function`` of this package, which returns a matplotlib figure.
    arguments : mapping
        What it is called with: frames, text, numbers and sequences of them.
    title, caption, alt : str
        What it is called, what it shows in a sentence, and what somebody is told who cannot see it.
    """

    name: str
    function: str
    arguments: Mapping[str, Any]
    title: str
    caption: str
    alt: str

    @property
    def digest(self) -> str:
        """Changes when the picture could."""
        hashing = hashlib.sha256(source_digest().encode())
        for piece in _pieces((self.function, dict(self.arguments))):
            hashing.update(piece)
        return hashing.hexdigest()[:32]


@dataclass
class Drawn:
    """What `draw` did: names of the figures drawn now, and why others could not be drawn."""

    redrawn: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def draw(figures: list[Figure], folder: Path, progress: Progress | None = None) -> Drawn:
    """Bring the figures of a folder up to date, and remove files of figures that are no more.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known, wanted = _read(folder / CACHE), {figure.name: figure.digest for figure in figures}
    for name in set(known) - set(wanted):
        for path in _files(folder, name):
            path.unlink(missing_ok=True)
    missing = [f for f in figures if known.get(f.name) != wanted[f.name] or not _complete(folder, f.name)]
    drawn = Drawn()
    for done, (figure, failure) in enumerate(_draw_all(missing, folder), start=1):
        if failure:
            drawn.failed[figure.name] = failure
        else:
            drawn.redrawn.append(figure.name)
        if progress is not None:
            progress(done, len(missing), f"figure {figure.name}")
    kept = {name: digest for name, digest in wanted.items() if name not in drawn.failed}
    if kept != known:
        write_text(folder / CACHE, json.dumps(kept, indent=1, sort_keys=True) + "\n")
    return drawn


def draw_into(
    figures: list[Figure], folder: Path, suffix: str, progress: Progress | None = None
) -> Iterator[tuple[Figure, str]]:
    """Draw every figure as a file of one kind; each as it is done, with the reason if it failed."""
    for done, (figure, failure) in enumerate(_draw_all(figures, folder, (suffix,)), start=1):
        if progress is not None:
            progress(done, len(figures), f"figure {figure.name}")
        yield figure, failure


def _draw_all(
    figures: list[Figure], folder: Path, suffixes: tuple[str, ...] = SUFFIXES
) -> Iterator[tuple[Figure, str]]:
    """Each figure with the reason why it failed, or an empty one; slow ones first come as they are done."""
    if len(figures) < FEW:
        yield from ((figure, _draw_one(figure, folder, suffixes)) for figure in figures)
        return
    waiting = {figure.name: figure for figure in figures}
    pool = ProcessPoolExecutor(WORKERS, mp_context=process_context())
    try:
        running: dict[Future[str], Figure] = {pool.submit(_draw_one, f, folder, suffixes): f for f in figures}
        for future in as_completed(running):
            figure = running[future]
            failure = future.result()
            del waiting[figure.name]
            yield figure, failure
    except BrokenProcessPool:  # a script without a __main__ guard, or a worker that was killed
        for figure in list(waiting.values()):
            yield figure, _draw_one(figure, folder, suffixes)
    finally:
        pool.shutdown(cancel_futures=True)


def _draw_one(figure: Figure, folder: Path, suffixes: tuple[str, ...]) -> str:
    """Draw and save; the reason in one line when that fails, since one picture must not lose a report."""
    from diffbench.report import style

    module, name = figure.function.split(".")
    make = getattr(import_module(f"diffbench.report.{module}"), name)
    try:
        with style.drawing():
            style.save(make(**figure.arguments), folder / figure.name, suffixes)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _complete(folder: Path, name: str) -> bool:
    return all(path.is_file() and path.stat().st_size for path in _files(folder, name))


def _files(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}{suffix}" for suffix in SUFFIXES]


def _read(path: Path) -> dict[str, str]:
    """Digests by name; a cache that cannot be read is an empty one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@cache
def source_digest() -> str:
    """A digest of everything that decides how a figure looks, its data aside."""
    here = Path(__file__).parent
    files = [here / f"{name}.py" for name in DRAWING]
    files += [here.parent.joinpath(*name.split(".")[1:]).with_suffix(".py") for name in THEORY]
    hashing = hashlib.sha256(version("matplotlib").encode())
    for path in files:
        hashing.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return hashing.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    """The content of an argument as bytes, the same for the same content."""
    if isinstance(value, pd.DataFrame):
        for name, column in value.items():
            yield f"{name}:{len(column)}:".encode()
            if column.dtype.kind in "fiub":
                yield column.to_numpy().tobytes()
            else:
                yield "\x1f".join(map(str, column)).encode()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{key}=".encode()
            yield from _pieces(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _pieces(item)
    else:
        yield f"{value!r};".encode()
