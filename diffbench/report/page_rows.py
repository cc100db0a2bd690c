"""The rows of ``sweep.parquet`` and ``steps.parquet`` for the explorer: thinned, and packed by point.

``pack(rows, choices)`` keeps every n-th step of each series, with n as small as the page allows, and
writes one blob for each problem and point, so that a browser reads only what it shows.

Bytes of a blob, for ``r`` sweep rows and ``t`` rows of ``steps.parquet``, planes as in ``page_codec``:
the columns of `VALUES`, 3 planes of r bytes each; the status, r bytes; then method, format, derivative
and status, t bytes each; then the columns of `CHOICES`, 3 planes of t bytes each.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from diffbench.errors import UserError
from diffbench.report.data import PARTS, STATUSES, RunData
from diffbench.report.page_codec import encode, squeeze
from diffbench.report.page_series import SERIES

MOST_ROWS = (
    270_000  # about 3 MB: a row takes 11 or 12 characters; the rest of a page's 6 MB is figures and tables
)
VALUES = ("error", *PARTS, "estimate")
CHOICES = ("h", "error", "error_estimate", "regret", "evaluations")
TEXT = ("problem", "point", "format", "stencil", "variant", "status", "message")
MOST_METHODS = 255  # one byte
WORKERS = 2
Index = NDArray[np.int64]


@dataclass
class Packed:
    """What a page holds of the rows of a run.

    Attributes
    ----------
    stride : int
        Every so many steps are kept.
    kept, rows : int
        Sweep rows on the page, and in the run.
    blobs : dict of str
        By (problem, point): the packed rows.
    grids : list of list of float
        The steps, exact; series share them. None stands where a row has no step.
    series : DataFrame
        `SERIES` in the order of the blobs, with ``grid``, ``evaluations`` and the first ``message``.
    methods : list of str
        Names of `steps.parquet`, by number.
    choices : dict of int
        By (problem, point): its rows of `steps.parquet`.
    """

    stride: int
    kept: int
    rows: int
    blobs: dict[tuple[str, str], str]
    grids: list[list[float | None]]
    series: pd.DataFrame
    methods: list[str] = field(default_factory=list)
    choices: dict[tuple[str, str], int] = field(default_factory=dict)


def read_steps(run: RunData) -> pd.DataFrame:
    """``steps.parquet`` with text as text, or no rows where the run has none."""
    columns = ["problem", "point", "format", "derivative", "method", "status", *CHOICES]
    path = run.folder / "steps.parquet"
    if not path.is_file():
        return pd.DataFrame({name: [] for name in columns})
    try:
        present = set(pq.read_schema(path).names)
        frame = pq.read_table(path, columns=[name for name in columns if name in present]).to_pandas()
    except (pa.ArrowException, OSError) as damage:
        raise UserError(f"{path} cannot be read ({damage}): run again with --fresh") from damage
    missing = {"problem", "point", "format", "derivative", "method", "h", "error", "status"} - present
    if missing:
        raise UserError(f"{path} has no column {', '.join(sorted(missing))}: run again with --fresh")
    text = [name for name in ("problem", "point", "format", "method", "status") if name in frame]
    numbers = {name: pd.to_numeric(frame.get(name), errors="coerce") for name in CHOICES if name in frame}
    absent = {name: np.nan for name in CHOICES if name not in frame}
    return frame.astype(dict.fromkeys(text, str)).assign(**numbers, **absent)


def read_sweep(run: RunData) -> pd.DataFrame:
    """What the page needs of ``sweep.parquet``: text as categories, a column without values if need be."""
    rows = run.sweep([*SERIES, "h", *VALUES, "evaluations", "status", "message"])
    for name in TEXT:
        if name not in rows:
            rows[name] = ""
        if not isinstance(rows[name].dtype, pd.CategoricalDtype):
            rows[name] = rows[name].astype(str).astype("category")
    for name in ("evaluations", *VALUES):
        if name not in rows:
            rows[name] = np.nan
    return rows


def pack(rows: pd.DataFrame, choices: pd.DataFrame, formats: list[str], most: int = MOST_ROWS) -> Packed:
    """Pack the rows of `read_sweep` and `read_steps`: about `most` of the sweep, series thinned alike.

    A row of `choices` names its format by the place in `formats`.
    """
    stride = max(1, -(-len(rows) // most))
    keys = [_codes(rows, name) for name in SERIES]
    order = np.lexsort([-rows["h"].to_numpy(float), *reversed(keys)])
    first = _series_starts([key[order] for key in keys])
    place = np.arange(len(rows)) - np.repeat(first, np.diff(np.append(first, len(rows))))
    kept = rows.iloc[order[place % stride == 0]].reset_index(drop=True)
    return _pack_rows(kept, choices, formats, len(rows), stride)


def _codes(rows: pd.DataFrame, name: str) -> Index:
    column = rows[name]
    return np.asarray(column if name == "derivative" else column.cat.codes, dtype=np.int64)


def _series_starts(keys: list[Index]) -> Index:
    """Where each series begins, in rows that are sorted by series."""
    if not len(keys[0]):
        return np.empty(0, np.int64)
    new = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(np.append(True, new))


def _pack_rows(
    rows: pd.DataFrame, choices: pd.DataFrame, formats: list[str], total: int, stride: int
) -> Packed:
    first = _series_starts([_codes(rows, name) for name in SERIES])
    ends = np.append(first, len(rows))
    planes = np.concatenate([encode(rows[name]) for name in VALUES]) if len(rows) else np.empty((0, 0))
    status = _numbers_of(rows["status"], STATUSES)
    series = rows.loc[first, [*SERIES, "evaluations", "message"]].reset_index(drop=True)
    series = series.astype({name: str for name in SERIES if name != "derivative"} | {"message": str})
    series["grid"], grids = _grids(rows["h"].to_numpy(float), ends)
    methods = list(dict.fromkeys(choices["method"]))[:MOST_METHODS]
    tools = {name: number for number, name in enumerate(methods)}
    chosen = {(str(p), str(t)): part for (p, t), part in choices.groupby(["problem", "point"], sort=False)}
    packed = Packed(stride, len(rows), total, {}, grids, series, methods)
    raw: dict[tuple[str, str], bytes] = {}
    for (problem, point), members in series.groupby(["problem", "point"], sort=False):
        start, end = ends[members.index[0]], ends[members.index[-1] + 1]
        blob = np.ascontiguousarray(planes[:, start:end]).tobytes() + status[start:end].tobytes()
        mine = chosen.get((str(problem), str(point)), choices[:0])
        mine = mine[mine["method"].isin(tools) & mine["format"].isin(formats)]
        packed.choices[str(problem), str(point)] = len(mine)
        raw[str(problem), str(point)] = blob + _choice_bytes(mine, tools, formats)
    with ThreadPoolExecutor(WORKERS) as pool:  # zlib works outside of Python's lock
        packed.blobs.update(zip(raw, pool.map(squeeze, raw.values()), strict=True))
    return packed


def _choice_bytes(rows: pd.DataFrame, tools: dict[str, int], formats: list[str]) -> bytes:
    if rows.empty:
        return b""
    small = (
        rows["method"].map(tools),
        rows["format"].map(formats.index),
        rows["derivative"],
        pd.Series(_numbers_of(rows["status"], STATUSES)),
    )
    return b"".join(column.to_numpy(np.uint8).tobytes() for column in small) + b"".join(
        encode(rows[name]).tobytes() for name in CHOICES
    )


def _numbers_of(names: pd.Series, order: tuple[str, ...]) -> NDArray[np.uint8]:
    """Each name's place in `order`; one past the end for a name that is not there."""
    places = {name: number for number, name in enumerate(order)}
    if isinstance(names.dtype, pd.CategoricalDtype):
        table = np.array([places.get(str(name), len(order)) for name in names.cat.categories], np.uint8)
        return table[names.cat.codes.to_numpy()] if len(table) else np.empty(0, np.uint8)
    return np.array([places.get(str(name), len(order)) for name in names], np.uint8)


def _grids(h: NDArray[np.float64], ends: Index) -> tuple[list[int], list[list[float | None]]]:
    """The number of each series' list of steps, and the distinct lists."""
    known: dict[bytes, int] = {}
    numbers: list[int] = []
    grids: list[list[float | None]] = []
    for start, end in zip(ends[:-1], ends[1:], strict=True):
        mine = h[start:end]
        key = mine.tobytes()
        if key not in known:
            known[key] = len(grids)
            grids.append([float(step) if np.isfinite(step) else None for step in mine])
        numbers.append(known[key])
    return numbers, grids


def grid_density(run: RunData) -> Any:
    """Steps per decade of the run's grid, where the suite says so."""
    suite = run.manifest.get("suite")
    content = suite.get("content") if isinstance(suite, dict) else None
    steps = content.get("steps") if isinstance(content, dict) else None
    return steps.get("per_decade") if isinstance(steps, dict) else None
