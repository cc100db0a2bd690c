"""The files of a run: finished cells, one folder each, and the tables that are merged from them.

* :class:`CellStore`: puts a finished cell away atomically, and says which stored cells can be trusted.
* :func:`stack`, :func:`write_stacked`: one frame of many cells below each other, in memory or as a file.
* :func:`encode`: frames -> the bytes of parquet files (runs in the worker, so that only bytes travel).

A cell folder appears under its final name in one rename, so an interrupted run leaves whole cells and
rubbish with another name, never half a cell. ``cell.json`` holds the hash of every file: a cell that was
cut short or changed afterwards is computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import pandas as pd

#: Few distinct values in many rows: kept as codes, in the files and in memory.
CATEGORIES = (
    "problem",
    "point",
    "format",
    "stencil",
    "variant",
    "status",
    "message",
    "kind",
    "method",
    "family",
    "section",
    "relative_to",
    "reason",
)

#: Merged tables are written in row groups of about this many rows: small cells, one group.
ROWS_PER_GROUP = 50_000


@dataclass(frozen=True)
class StoredCell:
    """What ``cell.json`` says about a finished cell.

    Attributes
    ----------
    failed : bool
        It broke, or has rows that its kind would try again; it is kept for the report and computed anew.
    counts : dict
        Rows of the kind's first frame by status.
    files : dict
        File name -> hash of its content.
    surroundings : str
        Hash of the environment it was made in.
    kind : str
        What it is (:mod:`diffbench.runs.kinds`).
    """

    key: str
    label: str
    failed: bool
    counts: dict[str, int]
    files: dict[str, str]
    surroundings: str
    kind: str = "sweep"

    @property
    def content(self) -> str:
        """One text that changes when a number in the cell does."""
        return " ".join([self.key, *(self.files[name] for name in sorted(self.files))])


class CellStore:
    """The cells of a run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, cell: StoredCell, files: Mapping[str, bytes]) -> None:
        """Store a cell: everything into a folder of another name, then one rename."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.folder))
        try:
            for name, content in files.items():
                (draft / name).write_bytes(content)
            about = {name: value for name, value in vars(cell).items() if name != "key"}
            (draft / "cell.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
            draft.chmod(0o755)  # mkdtemp makes it private; a run is shared like any other file
            shutil.rmtree(self.folder / cell.key, ignore_errors=True)
            draft.replace(self.folder / cell.key)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def get(self, key: str, frames: Iterable[str] | None = None) -> StoredCell | None:
        """The stored cell of that key, or None when there is none, a frame is missing, or a byte is wrong."""
        try:
            about = json.loads((self.folder / key / "cell.json").read_text(encoding="utf-8"))
            cell = StoredCell(key=key, **about)
            whole = frames is None or set(cell.files) == {f"{name}.parquet" for name in frames}
            whole = whole and all(
                file_hash(self.folder / key / name) == value for name, value in cell.files.items()
            )
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return cell if whole else None

    def table(self, key: str, frame: str) -> pa.Table:
        """One frame of a stored cell as an Arrow table."""
        return pq.read_table(self.folder / key / f"{frame}.parquet")

    def sweep_out(self, keep: Iterable[str], surroundings: Mapping[str, str]) -> None:
        """Remove drafts, and cells that nothing can use again: made by another engine or environment.

        Parameters
        ----------
        surroundings : mapping
            Kind -> hash of today's environment.
        """
        wanted = set(keep)
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.name in wanted:
                continue
            cell = self.get(path.name)
            if cell is None or cell.surroundings != surroundings.get(cell.kind):
                shutil.rmtree(path, ignore_errors=True)


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- frames to files ---


def encode(frames: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """The frames of a cell as parquet files, ``{"sweep.parquet": bytes, ...}``."""
    files = {}
    for name, frame in frames.items():
        sink = pa.BufferOutputStream()
        pq.write_table(to_table(frame), sink, compression="zstd")
        files[f"{name}.parquet"] = sink.getvalue().to_pybytes()
    return files


def to_table(frame: pd.DataFrame) -> pa.Table:
    """A frame as an Arrow table whose column types do not depend on the values that happen to be in it."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    columns = {name: _typed(name, table.column(name)) for name in table.column_names}
    return pa.table(columns)


def _typed(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name in CATEGORIES:
        return column.cast(pa.string()).dictionary_encode()
    if pa.types.is_large_string(column.type) or pa.types.is_dictionary(column.type):
        return column.cast(pa.string())
    return column  # a column of nothing has the null type, which joins any other


# --- the merged tables ---


def stack(store: CellStore, keys: list[str], frame: str) -> pa.Table:
    """One frame of many cells below each other; for tables that fit into memory."""
    return concat([store.table(key, frame) for key in keys])


def write_table(table: pa.Table, path: Path) -> None:
    """Write an Arrow table as a parquet file, which appears in one rename."""
    with _replacing(path) as draft:
        pq.write_table(table, draft, compression="zstd")


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a data frame as a parquet file, with its pandas types."""
    with _replacing(path) as draft:
        frame.to_parquet(draft, compression="zstd", index=False)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table whose floats read back bit for bit."""
    with _replacing(path) as draft:
        frame.to_csv(draft, index=False, lineterminator="\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old content or the new, never half."""
    with _replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A name to write to; the file moves to its place when that went well."""
    draft = path.with_name(f".{path.name}.draft-{os.getpid()}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_stacked(store: CellStore, keys: list[str], frame: str, path: Path) -> None:
    """All rows below each other, a few cells at a time: a full run has more rows than fit into memory."""
    schemas = [pq.read_schema(store.folder / key / f"{frame}.parquet") for key in keys]
    schema = pa.unify_schemas(schemas, promote_options="permissive").remove_metadata()
    tables = (store.table(key, frame) for key in keys)
    with _replacing(path) as draft, pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        for group in _groups(tables):
            writer.write_table(concat([*group, schema.empty_table()]).select(schema.names).cast(schema))


def _groups(tables: Iterable[pa.Table]) -> Iterator[list[pa.Table]]:
    """Tables in batches of many rows; cells have a few thousand, and a row group costs a footer."""
    batch: list[pa.Table] = []
    for table in tables:
        batch.append(table)
        if sum(part.num_rows for part in batch) >= ROWS_PER_GROUP:
            yield batch
            batch = []
    if batch:
        yield batch


def concat(tables: list[pa.Table]) -> pa.Table:
    """Tables below each other; a column that one lacks is empty there."""
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
