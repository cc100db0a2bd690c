"""From a suite to cells: the units of work that are computed, stored and resumed on their own.

* :func:`plan`: a suite -> the :class:`Cell` s of its run, in the order in which results are written.
* :func:`cell_key`: the hash of everything a cell's numbers depend on.

A cell is one problem in one format. Its key names its content and not its place: two suites that ask
for the same cell share it, and an edit anywhere in the program, the settings, the engine or the
environment gives a new key, so a stale result cannot be mistaken for a fresh one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffbench.arithmetic.formats import get_format
from diffbench.errors import UserError
from diffbench.problems import Problem, get_problem, load_plugins, select
from diffbench.runs.environment import environment
from diffbench.runs.fingerprint import digest, program_text
from diffbench.targets import search_path

if TYPE_CHECKING:
    from diffbench.runs.suite import Extra, Map, Suite
    from diffbench.sweep import SweepSettings

KEY_LENGTH = 32


@dataclass(frozen=True)
class Cell:
    """One problem in one format, with the settings of its sweep.

    Attributes
    ----------
    problem : Problem
        For a map: with the map's points and one scale for all of them.
    key : str
        Hash of everything the numbers depend on; the name of the cell's folder.
    cost : float
        A guess in arbitrary units, for the order of work and the estimate of the time left.
    """

    problem: Problem
    format_name: str
    settings: SweepSettings
    key: str
    cost: float
    is_map: bool = False

    @property
    def label(self) -> str:
        return f"{self.problem.name} {self.format_name}{' map' if self.is_map else ''}"


def plan(suite: Suite) -> list[Cell]:
    """The cells of a suite: problems in the order of selection, formats in the order of the suite.

    Raises
    ------
    UserError
        A plugin cannot be imported, a pattern matches no problem, or nothing is left to compute.
    """
    import_plugins(suite.plugins, suite.folder)
    chosen = _select(suite.problems, "problems")
    extras = [
        ({problem.name for problem in _select(extra.problems, f"extra[{index}].problems")}, extra)
        for index, extra in enumerate(suite.extra)
    ]
    surroundings = environment()

    def cell(problem: Problem, format_name: str, settings: SweepSettings, is_map: bool = False) -> Cell:
        key = cell_key(problem, format_name, settings, surroundings)
        return Cell(problem, format_name, settings, key, _cost(problem, format_name, settings), is_map)

    cells = []
    for problem in chosen:
        additions = [extra for names, extra in extras if problem.name in names]
        for format_name in _formats(suite, additions, problem):
            here = [extra for extra in additions if extra.formats is None or format_name in extra.formats]
            settings = _settings(suite, here)
            if settings.schemes(get_format(format_name)):  # "mixed" alone has nothing to say in float32
                cells.append(cell(problem, format_name, settings))
    if not cells:
        raise UserError("nothing to compute: none of the chosen problems is defined for the chosen formats")
    computed = {(cell.problem.name, cell.format_name) for cell in cells}
    for index, wanted in enumerate(suite.maps):
        problem = _map_problem(wanted, f"maps[{index}]")
        if (problem.name, wanted.format) in computed:
            cells.append(cell(problem, wanted.format, _map_settings(suite, wanted), is_map=True))
    return cells


def cell_key(
    problem: Problem, format_name: str, settings: SweepSettings, surroundings: dict[str, Any]
) -> str:
    """The hash of everything that the numbers of a cell depend on.

    Parameters
    ----------
    surroundings : dict
        What :func:`diffbench.runs.environment.environment` returns.
    """
    content = {
        "program": program_text(problem.function),
        "truth": program_text(problem.truth) if problem.truth is not None else None,
        # repr: the exact float, and 0.0 apart from -0.0
        "points": [repr(point) for point in problem.points],
        "scales": [repr(problem.scale_at(point)) for point in problem.points],
        "domain": [repr(bound) for bound in problem.domain],
        "opaque": problem.opaque,
        "stated": repr(sorted((point, sorted(facts.items())) for point, facts in problem.stated.items())),
        # the name is in every row; tags and the citation are not, so a better citation costs nothing
        "name": problem.name,
        "format": format_name,
        "settings": vars(settings) | {"stencils": sorted((m, list(s)) for m, s in settings.stencils.items())},
        "surroundings": surroundings,
    }
    return digest(content, KEY_LENGTH)


def import_plugins(modules: list[str], folder: Path | None) -> None:
    """Import a suite's plugins, looking beside its file and in the current folder too."""
    with search_path(folder, Path.cwd()):
        load_plugins(modules)


def _select(patterns: list[str], key: str) -> list[Problem]:
    try:
        return select(patterns)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def _formats(suite: Suite, additions: list[Extra], problem: Problem) -> list[str]:
    wanted = _unique([*suite.formats, *(name for extra in additions for name in extra.formats or ())])
    return [name for name in wanted if problem.formats is None or name in problem.formats]


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


def _settings(suite: Suite, additions: list[Extra]) -> SweepSettings:
    from diffbench.sweep import SweepSettings

    stencils: dict[int, list[str]] = {m: list(names) for m, names in suite.stencils.items()}
    variants = list(suite.variants)
    for extra in additions:
        variants += extra.variants
        for m, names in extra.stencils.items():
            stencils[m] = [*stencils.get(m, []), *names]
    return SweepSettings(
        stencils={m: tuple(_unique(stencils[m])) for m in sorted(stencils)},
        per_decade=suite.steps.per_decade,
        kind=suite.steps.kind,
        variants=tuple(_unique(variants)),
    )


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _cost(problem: Problem, format_name: str, settings: SweepSettings) -> float:
    """Points times steps times stencils; a step near u needs more bits of Arb than a large one."""
    steps = get_format(format_name).precision * settings.per_decade
    return float(len(problem.points) * steps * (2 + sum(map(len, settings.stencils.values()))))
