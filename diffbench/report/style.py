"""The look of every figure: colours, dashes, margins, and files that are the same bytes every time.

* ``with drawing():`` the settings under which figures are made and saved (matplotlib's own are put back).
* ``canvas(...)``: a figure with a title on the left and a legend row under it, clear of the data.
* ``look_of_format``, ``looks_of(stencils)``: every series is told apart by colour and dash and marker.
* ``save(figure, stem)``: SVG and PNG beside each other, or PDF.

Colours: M. Okabe and K. Ito, Color Universal Design (2008).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diffbench.arithmetic.formats import formats

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
INK, GREY, PALE = "#222222", "#8A8A8A", "#EFEFEF"

SOLID, DASHED, DOTTED = "-", (0, (5, 1.6)), (0, (1.2, 1.2))
DASH_DOT, LONG, DASH_DOT_DOT = (0, (6, 1.4, 1.2, 1.4)), (0, (9, 2)), (0, (5, 1.2, 1.2, 1.2, 1.2, 1.2))

WIDTH = 9.2  # inches; a README shows it about 830 pixels wide, so 9 points are read as 11 pixels
DPI = 150

# What makes a file of each kind the same bytes every time: no date, no version of matplotlib.
FILES: dict[str, dict[str, Any]] = {
    ".svg": {"metadata": {"Date": None}},
    ".png": {"dpi": DPI, "metadata": {"Software": None}},
    ".pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
}

SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "diffbench",
    "pdf.fonttype": 42,  # letters stay text that can be searched and copied
    "svg.fonttype": "path",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titley": 1.0,  # no search for a place: there is nothing above the panels
    "axes.labelsize": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.facecolor": "white",
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "path.simplify": True,
}


class Look(NamedTuple):
    """How one series is drawn: three ways to tell it from its neighbours."""

    color: str
    dash: Any
    marker: str


FORMATS = {
    "float16": Look(VERMILLION, SOLID, "o"),
    "bfloat16": Look(PURPLE, DASH_DOT, "v"),
    "float32": Look(GREEN, DASHED, "s"),
    "float64": Look(BLUE, DASH_DOT_DOT, "^"),
    "longdouble": Look(BLACK, DOTTED, "D"),
}
STENCILS = {
    "forward-1": Look(VERMILLION, SOLID, "o"),
    "backward-1": Look(BLACK, DOTTED, "<"),
    "forward-2": Look(SKY, LONG, "^"),
    "central-2": Look(BLUE, DASHED, "s"),
    "central-4": Look(GREEN, DASH_DOT, "D"),
    "central-6": Look(PURPLE, DASH_DOT_DOT, "v"),
    "central-8": Look(ORANGE, LONG, "P"),
}
PARTS = {
    "truncation": Look(BLUE, SOLID, "o"),
    "abscissa": Look(ORANGE, DASHED, "^"),
    "evaluation": Look(VERMILLION, DASH_DOT, "s"),
    "weights": Look(PURPLE, LONG, "v"),
    "combination": Look(GREEN, DASH_DOT_DOT, "D"),
}
VARIANTS = {
    "integer": Look(BLUE, SOLID, "o"),
    "float": Look(VERMILLION, DASHED, "s"),
    "mixed": Look(GREEN, DASH_DOT, "D"),
}
_SPARE = tuple(
    Look(color, dash, marker)
    for color, dash, marker in zip(
        (SKY, ORANGE, PURPLE, GREEN, BLACK, VERMILLION, BLUE),
        (DASH_DOT, SOLID, DASHED, LONG, DASH_DOT_DOT, DOTTED, LONG),
        ("X", "p", "h", ">", "*", "d", "8"),
        strict=True,
    )
)


def look_of_format(name: str) -> Look:
    """The look of a format, the same in every figure."""
    return FORMATS.get(name, _SPARE[0])


def looks_of(stencils: Sequence[str]) -> dict[str, Look]:
    """The looks of the stencils of a figure; one without a look of its own takes a spare that nobody has."""
    taken = {STENCILS[name].color for name in stencils if name in STENCILS}
    spare = [look for look in _SPARE if look.color not in taken] + [
        look for look in _SPARE if look.color in taken
    ]
    others = [name for name in stencils if name not in STENCILS]
    given = {name: spare[position % len(spare)] for position, name in enumerate(others)}
    return {name: STENCILS.get(name) or given[name] for name in stencils}


@cache
def unit_roundoff(format_name: str) -> float:
    """Unit roundoff ``u`` of a format (NaN for a name that is no format)."""
    known = formats()
    return known[format_name].u if format_name in known else math.nan


@contextmanager
def drawing() -> Iterator[None]:
    """The settings of this module while a figure is made or saved; the caller's come back afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(SETTINGS)
        yield


def canvas(
    title: str,
    columns: int = 1,
    rows: int = 1,
    *,
    height: float = 4.4,
    width: float = WIDTH,
    legend_rows: int = 1,
    **grid: Any,
) -> tuple[Figure, list[Axes]]:
    """Panels under a title and room for a legend; margins are fixed, so nothing shifts between runs.

    Returns
    -------
    (Figure, list of Axes)
        The panels row by row.
    """
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    top = 1 - (0.62 + 0.2 * legend_rows) / height
    layout = {
        "left": 0.68 / width,
        "right": 1 - 0.16 / width,
        "bottom": 0.55 / height,
        "top": top,
        "wspace": 0.08,
        "hspace": 0.3,
    }
    spec = figure.add_gridspec(rows, columns, **{**layout, **grid})
    figure.text(0.1 / width, 1 - 0.1 / height, title, fontsize=11, fontweight="bold", va="top", ha="left")
    return figure, [figure.add_subplot(spec[r, c]) for r in range(rows) for c in range(columns)]


def legend(figure: Figure, *rows: Sequence[Artist]) -> None:
    """A legend for all panels, under the title and above the data: one line per row of handles."""
    width, height = figure.get_size_inches()
    for position, handles in enumerate(row for row in rows if row):
        figure.legend(
            handles=list(handles),
            loc="upper left",
            bbox_to_anchor=(0.02 / width, 1 - (0.32 + 0.2 * position) / height),
            ncols=len(handles),
            handlelength=2.8,
            columnspacing=1.3,
            handletextpad=0.5,
            borderaxespad=0.3,
        )


def handle(look: Look, label: str, *, line: bool = True) -> Line2D:
    """The legend's entry for a series: its line and its marker."""
    return Line2D(
        [],
        [],
        color=look.color,
        linestyle=look.dash if line else "none",
        marker=look.marker,
        markersize=4.2,
        label=label,
    )


def save(figure: Figure, stem: Path, suffixes: Sequence[str] = (".svg", ".png")) -> list[Path]:
    """Write `stem` with every suffix, each complete or not at all; the bytes depend on the data alone."""
    written = []
    for suffix in suffixes:
        target = stem.with_name(stem.name + suffix)
        half = target.with_name(f".{target.name}.{os.getpid()}")
        figure.savefig(half, format=suffix[1:], **FILES[suffix])
        os.replace(half, target)
        written.append(target)
    return written
