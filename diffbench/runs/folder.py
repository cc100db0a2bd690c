"""A run's folder: what it must be like before a run, and what can be read from it afterwards.

* :func:`load`: the :class:`Run` in a folder, without computing anything.
* :func:`prepare`: make a folder, or refuse one that cannot be used.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffbench.errors import UserError
from diffbench.runs import manifest as manifests
from diffbench.runs.kinds import get_kind

if TYPE_CHECKING:
    import pandas as pd

PROBLEMS = "problems.csv"

#: What every run has; tables of other kinds of cells are there when the suite asks for them.
TABLES = (*get_kind("sweep").tables, PROBLEMS)

#: What may be in a folder before its first run: the timings of the benchmarks are taken first.
WELCOME = ("timings.json", "timings.json.part")

_TEXT_COLUMNS = dict.fromkeys(
    (
        "problem",
        "point",
        "format",
        "stencil",
        "variant",
        "method",
        "family",
        "relative_to",
        "reason",
        "group",
        "tags",
        "cite",
        "program",
    ),
    str,
)


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its manifest, and its tables, read when they are asked for.

    Attributes
    ----------
    folder : Path
    manifest : dict
        The content of ``manifest.json``.
    computed, reused, failed : int
        Cells of the call that made this object; ``failed`` ones have rows with ``error`` or ``timeout``.
    unchanged : bool
        Everything was there already, and no file was written.
    """

    folder: Path
    manifest: dict[str, Any]
    computed: int = 0
    reused: int = 0
    failed: int = 0
    unchanged: bool = False

    @cached_property
    def sweep(self) -> pd.DataFrame:
        """One row per problem, point, format, stencil, derivative, variant and step."""
        return _read_table(self.folder, "sweep.parquet")

    @cached_property
    def references(self) -> pd.DataFrame:
        """One row per problem, point, x and derivative."""
        return _read_table(self.folder, "references.parquet")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per problem, point, format, stencil, derivative and variant."""
        return _read_table(self.folder, "summary.csv")

    @cached_property
    def problems(self) -> pd.DataFrame:
        """One row per problem, with its source text."""
        return _read_table(self.folder, "problems.csv")

    @cached_property
    def maps(self) -> pd.DataFrame | None:
        """One row per point and step of every map of the error; None when the suite has none."""
        return self.table("maps.parquet")

    def table(self, name: str) -> pd.DataFrame | None:
        """A table of the folder by its file name; None when this run has no such table."""
        return _read_table(self.folder, name) if (self.folder / name).is_file() else None

    @property
    def counts(self) -> dict[str, int]:
        """Rows of the sweep by status."""
        return dict(self.manifest["counts"])

    def __repr__(self) -> str:
        return f"<Run {self.folder.name}: {sum(self.counts.values())} rows, {self.counts.get('ok', 0)} ok>"

    def _repr_html_(self) -> str:
        rows = {"suite": self.manifest["suite"]["name"], "finished": self.manifest["end"]} | self.counts
        cells = "".join(
            f"<tr><th>{escape(str(k))}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items()
        )
        return f"<b>Run {escape(self.folder.name)}</b><table>{cells}</table>"


def load(folder: str | Path) -> Run:
    """The run in a folder.

    Raises
    ------
    UserError
        There is no run, it is not finished, or a newer diffbench wrote it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; `diffbench run --out {folder}` makes one")
    found = manifests.read(folder)
    if found is None:
        raise UserError(
            f"{folder} is not a run (it has no readable manifest.json); `diffbench run --out DIR` makes one"
        )
    if found.get("state") != "complete":
        raise UserError(
            f"the run in {folder} is not finished; `{found.get('command', 'diffbench run')}` goes on with it"
        )
    missing = [name for name in TABLES if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder} lacks {', '.join(missing)}; `{found['command']}` writes it again from the stored cells"
        )
    return Run(folder, found)


def prepare(folder: Path) -> dict[str, Any] | None:
    """Make the folder, or check that it is a run; returns the manifest it has."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except FileExistsError:
        raise UserError(f"{folder} is a file; --out needs a folder") from None
    except OSError as error:
        raise UserError(
            f"cannot write to the folder {folder}: {error.strerror}; choose another with --out"
        ) from None
    is_run = "cells" in names or manifests.NAME in names
    foreign = [name for name in names if name not in WELCOME]
    if foreign and not is_run:
        shown = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        raise UserError(
            f"{folder} holds other things ({shown}) and is not a run; choose a new or empty folder with --out"
        )
    return manifests.read(folder)


def _read_table(folder: Path, name: str) -> pd.DataFrame:
    import pandas as pd

    path = folder / name
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        frame = pd.read_csv(path, dtype=dict(_TEXT_COLUMNS))
        texts = [name for name in _TEXT_COLUMNS if name in frame]
        return frame.fillna(dict.fromkeys(texts, ""))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); run the suite again to write it from the stored cells"
        ) from None
