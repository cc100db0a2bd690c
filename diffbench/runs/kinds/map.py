"""Maps: one problem in one format, swept at many points, for a picture of the error over points and steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from diffbench.errors import UserError
from diffbench.problems import Problem, get_problem
from diffbench.runs.cells import Cell
from diffbench.runs.kinds import sweep
from diffbench.runs.kinds.kind import Kind
from diffbench.runs.store import CellStore, concat, write_table

if TYPE_CHECKING:
    from diffbench.runs.suite import Map, Suite
    from diffbench.sweep import SweepSettings


def plan(suite: Suite, before: list[Cell]) -> list[Cell]:
    """The maps whose problem and format are swept too."""
    computed = {(cell.problem.name, cell.format_name) for cell in before if cell.kind == "sweep"}
    surroundings = KIND.surroundings()
    cells = []
    for index, wanted in enumerate(suite.maps):
        problem = _map_problem(wanted, f"maps[{index}]")
        if (problem.name, wanted.format) in computed:
            settings = _map_settings(suite, wanted)
            cells.append(sweep.sweep_cell_of(problem, wanted.format, settings, surroundings, "map"))
    return cells


def _map_problem(wanted: Map, key: str) -> Problem:
    """The problem of a map at its points; with one scale, since all points share one grid of steps."""
    step = (wanted.high - wanted.low) / (wanted.points - 1)
    points = tuple(wanted.low + step * i for i in range(wanted.points))
    try:
        problem = get_problem(wanted.problem)
        return replace(problem, points=points, stated={}, scale=max(map(problem.scale_at, points)))
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def _map_settings(suite: Suite, wanted: Map) -> SweepSettings:
    from diffbench.sweep import SweepSettings

    return SweepSettings({1: tuple(wanted.stencils)}, suite.steps.per_decade, suite.steps.kind)


def merge(store: CellStore, keys: list[str], folder: Path) -> None:
    """``maps.parquet``: the errors relative to the derivative."""
    write_table(concat([_map_table(store.table(key, "sweep")) for key in keys]), folder / "maps.parquet")


def _map_table(rows: pa.Table) -> pa.Table:
    """What a map shows of a sweep: the error relative to the derivative, over x and h."""
    magnitude = pc.abs(rows["exact"])
    relative = pc.if_else(pc.greater(magnitude, 0.0), pc.divide(rows["error"], magnitude), None)
    shown = rows.select(["problem", "format", "stencil", "derivative", "x", "h", "status"])
    return shown.append_column("error", pc.if_else(pc.is_valid(relative), relative, float("nan")))


KIND = Kind(
    name="map",
    entrance="diffbench.sweep",
    frames=sweep.KIND.frames,
    tables=("maps.parquet",),
    plan=plan,
    compute=sweep.compute,
    failure=sweep.failure,
    merge=merge,
    retry=sweep.KIND.retry,
)
