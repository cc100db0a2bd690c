"""Tournaments: one problem in one format, every method at every point."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from diffbench.errors import UserError
from diffbench.runs.cells import KEY_LENGTH, Cell, problem_content
from diffbench.runs.environment import package_version
from diffbench.runs.fingerprint import digest
from diffbench.runs.kinds.kind import Kind
from diffbench.runs.selection import chosen_formats, chosen_problems
from diffbench.runs.store import CellStore, write_csv, write_stacked

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.methods import Method
    from diffbench.problems import Problem
    from diffbench.runs.suite import Suite, Tournament
    from diffbench.tournament import TournamentSettings

STEPS = "steps.parquet"
#: section of problems -> its table
BOARDS = {
    "main": "leaderboard.csv",
    "noisy": "leaderboard-noisy.csv",
    "kinked": "leaderboard-kinked.csv",
}
KINKS = "kinks.csv"


def plan(suite: Suite, before: list[Cell]) -> list[Cell]:
    """The suite's problems and formats, or those of its table ``[tournament]`` that the suite has too."""
    wanted = suite.tournament
    if wanted is None:
        return []
    methods = _methods(wanted)
    settings = _settings(suite, wanted, methods)
    versions = {method.name: _version(method) for method in methods}
    surroundings = KIND.surroundings() | {"methods": versions}
    listed = None if wanted.problems is None else chosen_problems(wanted.problems, "tournament.problems")
    names = None if listed is None else {problem.name for problem in listed}
    cells = []
    for problem in chosen_problems(suite.problems, "problems"):
        if names is not None and problem.name not in names:
            continue
        formats = suite.formats if wanted.formats is None else wanted.formats
        program = problem_content(problem)
        for format_name in chosen_formats(formats, problem):
            content = program | {
                "kind": "tournament",
                "tags": sorted(problem.tags & {"noisy", "kink", "jump"}),  # which table it is counted in
                "group": problem.group == "kinks",
                "format": format_name,
                "settings": vars(settings),
                "surroundings": surroundings,
            }
            slow = 20.0 if problem.opaque else 1.0  # solvers and simulations, which may also hang
            cost = slow * 500.0 * len(problem.points) * (5 + len(methods)) * len(settings.derivatives)
            key = digest(content, KEY_LENGTH)
            cells.append(Cell(problem, format_name, settings, key, cost, "tournament"))
    return cells


def _methods(wanted: Tournament) -> list[Method]:
    from diffbench.tournament import lineup

    try:
        return lineup(wanted.methods)
    except UserError as error:
        raise UserError(f"tournament.methods: {error}") from None


def _settings(suite: Suite, wanted: Tournament, methods: list[Method]) -> TournamentSettings:
    from diffbench.tournament import TournamentSettings

    return TournamentSettings(
        tuple(method.name for method in methods),
        tuple(dict.fromkeys(wanted.derivatives)),
        suite.steps.per_decade,
        suite.steps.kind,
        wanted.limit,
    )


def _version(method: Method) -> str | bool | None:
    """What a method's numbers depend on besides our own code: the library and its version."""
    from diffbench.methods.rivals import rivals

    if method.family == "rival":
        return rivals()[method.name].installed
    return package_version(method.name) if method.extra else method.available


def compute(problem: Problem, format_name: str, settings: TournamentSettings) -> dict[str, pd.DataFrame]:
    """The rows of every method."""
    from diffbench.tournament import tournament_cell

    return tournament_cell(problem, format_name, settings)


def rescue(problem: Problem, format_name: str, settings: TournamentSettings) -> dict[str, pd.DataFrame]:
    """The same, with other libraries in processes of their own: what is deadly costs its own rows only."""
    from diffbench.tournament import tournament_cell

    return tournament_cell(problem, format_name, settings, isolated=True)


def failure(
    problem: Problem, format_name: str, settings: TournamentSettings, status: str, message: str
) -> dict[str, pd.DataFrame]:
    """One row per point and method, with the reason."""
    from diffbench.tournament.rows import unmeasured_rows

    return {"steps": unmeasured_rows(problem, format_name, settings, status, message)}


def merge(store: CellStore, keys: list[str], folder: Path) -> None:
    """``steps.parquet``, and a leaderboard for each section of problems."""
    from diffbench.tournament import kink_board, leaderboard

    write_stacked(store, keys, "steps", folder / STEPS)
    steps = pq.read_table(folder / STEPS).to_pandas()
    for section, name in BOARDS.items():
        write_csv(leaderboard(steps, section), folder / name)
    write_csv(kink_board(steps), folder / KINKS)


KIND = Kind(
    name="tournament",
    entrance="diffbench.tournament",
    frames=("steps",),
    tables=(STEPS, *BOARDS.values(), KINKS),
    plan=plan,
    compute=compute,
    failure=failure,
    rescue=rescue,
    merge=merge,
)
