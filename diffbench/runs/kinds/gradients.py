"""Several variables: one problem in one format, gradients, Jacobians and Hessians by every method.

A suite asks for them with its table ``[gradients]``. Besides the rows of methods there are descents driven by
each gradient, and the fields that the pictures need; all are frames of one kind, told apart by their
settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffbench.arithmetic.formats import get_format
from diffbench.runs.cells import KEY_LENGTH, Cell
from diffbench.runs.fingerprint import digest, program_text
from diffbench.runs.kinds.kind import Kind
from diffbench.runs.store import CellStore, stack, write_csv, write_frame

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.problems.multivariate import MultivariateProblem
    from diffbench.runs.suite import Suite

ROWS, NORMS, BOARD = "gradients.parquet", "gradient-norms.csv", "gradient-methods.csv"
DESCENTS, STALLS = "descents.parquet", "descent-stalls.csv"
FIELDS, MATRICES, SPLITS = "fields.parquet", "jacobians.parquet", "directions.parquet"

PARTS = ("gradients", "norms", "descents", "fields", "matrices", "splits")


@dataclass(frozen=True)
class Settings:
    """What is done: ``methods``, ``descent``, ``field``, ``matrix`` or ``split``."""

    task: str


def plan(suite: Suite, before: list[Cell]) -> list[Cell]:
    """Cells of methods for every problem and format; then descents, fields, the Jacobian and the splits."""
    wanted = suite.gradients
    if wanted is None:
        return []
    from diffbench.multivariate.fields import FIELD, MATRIX
    from diffbench.problems.multivariate import get_multivariate, select_multivariate

    formats = suite.formats if wanted.formats is None else wanted.formats
    problems = select_multivariate(wanted.problems)
    tasks = [(p, f, "methods") for p in problems for f in formats if p.formats is None or f in p.formats]
    tasks += [(get_multivariate(p), f, "descent") for p in wanted.descents for f in formats if f != "float16"]
    if wanted.pictures:
        tasks.append((get_multivariate(FIELD[0]), "float32", "field"))
        tasks.append((get_multivariate(MATRIX[0]), "float32", "matrix"))
        tasks += [(get_multivariate(FIELD[0]), f, "split") for f in formats]
    surroundings = KIND.surroundings()
    return [_cell(problem, fmt, Settings(task), surroundings) for problem, fmt, task in tasks]


_COSTS = {"methods": 1e5, "descent": 2e6, "field": 5e5, "matrix": 1e5, "split": 2e5}


def _cell(problem: MultivariateProblem, fmt: str, settings: Settings, surroundings: dict[str, Any]) -> Cell:
    content = {
        "kind": "gradients",
        "name": problem.name,
        "program": program_text(problem.function),
        "points": [list(map(repr, point)) for point in problem.points],
        "format": fmt,
        "settings": vars(settings),
        "surroundings": surroundings,
    }
    cost = _COSTS[settings.task] + 1e4 * len(problem.points[0]) ** 2
    return Cell(problem, fmt, settings, digest(content, KEY_LENGTH), cost, "gradients")


def compute(problem: MultivariateProblem, format_name: str, settings: Settings) -> dict[str, pd.DataFrame]:
    """The frames of one task; those of the others are empty."""
    from diffbench.multivariate.experiments import run_task

    return _frames(run_task(settings.task, problem, get_format(format_name)))


def _frames(made: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    import pandas as pd

    return {name: made.get(name, pd.DataFrame({"status": pd.Series([], dtype=str)})) for name in PARTS}


def failure(
    problem: MultivariateProblem, format_name: str, settings: Settings, status: str, message: str
) -> dict[str, pd.DataFrame]:
    """One row that says why."""
    import pandas as pd

    row = {"problem": problem.name, "format": format_name, "status": status, "message": message}
    name = {"methods": "gradients", "descent": "descents"}.get(settings.task, "gradients")
    return _frames({name: pd.DataFrame([row])})


def merge(store: CellStore, keys: list[str], folder: Path) -> None:
    """The rows of methods with their norms and board, the descents with where they stall, and the fields."""
    from diffbench.multivariate.descent import stalls
    from diffbench.multivariate.tournament import board

    tables = {name: stack(store, keys, name).to_pandas() for name in PARTS}
    rows, norms = tables["gradients"], tables["norms"]
    for name in ("problem", "point", "format", "method", "status", "message"):
        rows[name] = rows[name].astype(str) if name in rows else ""
    write_frame(rows, folder / ROWS)
    write_csv(norms, folder / NORMS)
    measured = rows[rows["quantity"].notna()] if "quantity" in rows else rows
    write_csv(board(measured, norms), folder / BOARD)
    if len(tables["descents"]):
        write_frame(tables["descents"], folder / DESCENTS)
        write_csv(stalls(tables["descents"]), folder / STALLS)
    for name, file in (("fields", FIELDS), ("matrices", MATRICES), ("splits", SPLITS)):
        if len(tables[name]):
            write_frame(tables[name], folder / file)


def pack(problem: MultivariateProblem) -> str:
    """By name: a worker has the catalogue too."""
    return problem.name


def unpack(name: str) -> MultivariateProblem:
    """The other end of :func:`pack`."""
    from diffbench.problems.multivariate import get_multivariate

    return get_multivariate(name)


KIND = Kind(
    name="gradients",
    entrance="diffbench.multivariate.experiments",
    frames=PARTS,
    tables=(ROWS, NORMS, BOARD, DESCENTS, STALLS, FIELDS, MATRICES, SPLITS),
    plan=plan,
    compute=compute,
    failure=failure,
    merge=merge,
    pack=pack,
    unpack=unpack,
)
