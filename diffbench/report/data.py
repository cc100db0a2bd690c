"""A run folder as the report reads it: column by column, and never more than a figure needs.

* ``open_run(folder)`` reads the small files and checks the large one; a damaged folder is one clear message.
* ``RunData.sweep(columns, format="float16", stencil=[...])`` reads columns and rows of ``sweep.parquet``.

Nothing here knows how the numbers were made.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from diffbench.errors import UserError
from diffbench.statuses import STATUSES as STATUSES  # read from here by the rest of the report

ORDER_OF_FORMATS = ("float16", "bfloat16", "float32", "float64", "longdouble")
COMPARED = ("forward-1", "central-2", "central-4")
PARTS = ("truncation", "abscissa", "evaluation", "weights", "combination")
_TEXT = dict.fromkeys(("problem", "point", "format", "stencil", "variant", "relative_to", "reason"), str)

_NUMBERS = {
    "references": ("x", "value", "radius", "left", "right", "scale"),
    "summary": tuple(
        """x observed_order order_h_low order_h_high rounding_slope h_lucky error_lucky h_best error_best
        h_predicted error_predicted digits autodiff_error expected_order""".split()
    ),
}


class Missing(Exception):
    """The run has nothing to draw or to say about something; the text says why, and the report prints it."""


@dataclass(frozen=True)
class RunData:
    """The files of one run folder; `maps` is None when the run made none."""

    folder: Path
    summary: pd.DataFrame
    references: pd.DataFrame
    problems: pd.DataFrame
    manifest: dict[str, Any]
    timings: dict[str, Any]
    maps: pd.DataFrame | None

    def sweep(self, columns: Sequence[str], **equal: Any) -> pd.DataFrame:
        """Columns of ``sweep.parquet``, rows where every keyword equals its value (or one of a list)."""
        test: ds.Expression | None = None
        for name, wanted in equal.items():
            kind = pa.string() if name in _TEXT else pa.int64()  # text may be stored as categories
            values = pa.array(wanted if isinstance(wanted, list | tuple) else [wanted], kind)
            one = ds.field(name).cast(kind).isin(values)
            test = one if test is None else test & one
        present = [c for c in columns if c in self.sweep_columns]
        return pq.read_table(self.folder / "sweep.parquet", columns=present, filters=test).to_pandas()

    @cached_property
    def sweep_columns(self) -> tuple[str, ...]:
        """The columns ``sweep.parquet`` has."""
        return tuple(pq.read_schema(self.folder / "sweep.parquet").names)

    @cached_property
    def steps(self) -> pd.DataFrame | None:
        """The rows of the tournament, ``steps.parquet``; None when the run has none."""
        path = self.folder / "steps.parquet"
        return _as_text(pq.read_table(path).to_pandas()) if path.is_file() else None

    @cached_property
    def main_derivative(self) -> int:
        """The derivative that figures and findings speak of: the first, or the lowest there is."""
        orders = self.summary["derivative"].dropna()
        return 1 if orders.empty or (orders == 1).any() else int(orders.min())

    @cached_property
    def main_stencils(self) -> list[str]:
        """At most three stencils that the figures of single problems compare."""
        present = stencil_order(select(self.summary, derivative=self.main_derivative)["stencil"].dropna())
        return [name for name in COMPARED if name in present] or present[:3]

    @cached_property
    def main_rows(self) -> pd.DataFrame:
        """Sweep rows of the main derivative and stencils, variant ``integer``: read once, used by many."""
        columns = [name for name in self.sweep_columns if not name.endswith("_text")]
        return self.sweep(
            columns, derivative=self.main_derivative, stencil=self.main_stencils, variant="integer"
        )

    @cached_property
    def formats(self) -> list[str]:
        """The formats of the run, narrow ones first."""
        return ordered(self.status_counts["format"], ORDER_OF_FORMATS)

    @cached_property
    def status_counts(self) -> pd.DataFrame:
        """Rows per problem, format, stencil, derivative, status and message: ``sweep.parquet`` counted."""
        keys = [
            c
            for c in ("problem", "format", "stencil", "derivative", "status", "message")
            if c in self.sweep_columns
        ]
        table = pq.read_table(self.folder / "sweep.parquet", columns=keys)
        for index, name in enumerate(keys):  # text is grouped as text, however it was encoded
            if pa.types.is_dictionary(table.schema.field(name).type):
                table = table.set_column(index, name, table.column(name).cast(pa.string()))
        counted = (
            table.append_column("rows", pa.repeat(1, table.num_rows))
            .group_by(keys)
            .aggregate([("rows", "sum")])
        )
        frame = counted.to_pandas().rename(columns={"rows_sum": "rows"})
        if "message" not in frame:
            frame["message"] = ""
        return frame.assign(message=frame["message"].fillna("").astype(str))

    def scaled_best(self, **equal: Any) -> pd.DataFrame:
        """`best_rows` with the ``scale`` at the point, and ``step``: the best step relative to it."""
        rows = self.best_rows(**equal)
        usual = rows["x"].abs().clip(lower=1.0)
        if "scale" in self.references:
            keys = ["problem", "point", "x"]
            scales = self.references.drop_duplicates(keys)[[*keys, "scale"]]
            rows = rows.merge(scales, on=keys, how="left").set_axis(rows.index)
            usual = rows["scale"].fillna(usual)
        rows = rows.assign(scale=usual)
        return rows.assign(step=rows["h_best"] / rows["scale"])

    def best_rows(self, **equal: Any) -> pd.DataFrame:
        """The summary's rows with an ``h_best``, where every keyword equals its value."""
        rows = select(self.summary, **equal)
        return rows[rows["h_best"].notna() & rows["error_best"].notna()]


def select(frame: pd.DataFrame, **equal: Any) -> pd.DataFrame:
    """Rows where every named column equals its value."""
    for name, wanted in equal.items():
        frame = frame[frame[name] == wanted]
    return frame


def ordered(names: Any, order: Sequence[str]) -> list[str]:
    """The distinct names, those in `order` first, the others alphabetically."""
    distinct = {str(name) for name in names}
    return [name for name in order if name in distinct] + sorted(distinct - set(order))


def stencil_order(names: Any) -> list[str]:
    """Distinct stencil names by accuracy within forward, backward, central, then the rest."""
    kinds = {"forward": 0, "backward": 1, "central": 2}

    def key(name: str) -> tuple[int, int, str]:
        kind, _, accuracy = name.partition("-")
        return kinds.get(kind, 3), int(accuracy) if accuracy.isdigit() else 0, name

    return sorted({str(name) for name in names}, key=key)


def open_run(folder: Path) -> RunData:
    """Read a run folder.

    Raises
    ------
    UserError
        If the folder does not exist, holds no results, or a file is damaged; the message says what to do.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: `diffbench run --out {folder}` makes one")
    for name in ("sweep.parquet", "references.parquet", "summary.csv"):
        if not (folder / name).is_file():
            raise UserError(
                f"{folder} is not a complete run: {name} is missing; "
                f"`diffbench run --out {folder}` goes on from what is there"
            )
    try:
        pq.read_schema(folder / "sweep.parquet")
        references = _as_text(pq.read_table(folder / "references.parquet").to_pandas())
        maps = folder / "maps.parquet"
        return RunData(
            folder=folder,
            summary=_as_numbers(pd.read_csv(folder / "summary.csv", dtype=_TEXT), _NUMBERS["summary"]),
            references=_as_numbers(references, _NUMBERS["references"]),
            problems=_optional_csv(folder / "problems.csv"),
            manifest=_optional_json(folder / "manifest.json"),
            timings=_optional_json(folder / "timings.json"),
            maps=_as_text(pq.read_table(maps).to_pandas()) if maps.is_file() else None,
        )
    except (pa.ArrowException, ValueError, OSError) as damage:
        raise UserError(
            f"{folder} cannot be read ({damage}): `diffbench run --out {folder} --fresh` writes it again"
        ) from damage


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as plain text: no grouping then brings back names that have no rows."""
    categories = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(categories, object))


def _as_numbers(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Numbers where a file without rows, or with failures alone, left columns of objects."""
    present = [name for name in names if name in frame]
    return frame.assign(
        **{name: pd.to_numeric(frame[name], errors="coerce").astype(float) for name in present}
    )


def _optional_csv(path: Path) -> pd.DataFrame:
    columns = ["problem", "group", "tags", "domain_low", "domain_high", "scale", "cite", "program"]
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    return pd.read_csv(path, dtype={"problem": str, "group": str, "cite": str, "program": str})


def _optional_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
