"""Sweeps: one problem in one format, every stencil at every step, with the five parts of every error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffbench.arithmetic.formats import get_format
from diffbench.runs.cells import KEY_LENGTH, Cell, problem_content
from diffbench.runs.fingerprint import digest
from diffbench.runs.kinds.kind import Kind
from diffbench.runs.selection import chosen_formats, chosen_problems, unique
from diffbench.runs.store import CellStore, stack, write_csv, write_frame, write_stacked

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.problems import Problem
    from diffbench.runs.suite import Extra, Suite
    from diffbench.sweep import SweepSettings


def plan(suite: Suite, before: list[Cell]) -> list[Cell]:
    """Problems in the order of selection, formats in the order of the suite, additions after them."""
    extras = [
        ({problem.name for problem in chosen_problems(extra.problems, f"extra[{index}].problems")}, extra)
        for index, extra in enumerate(suite.extra)
    ]
    surroundings = KIND.surroundings()
    cells = []
    for problem in chosen_problems(suite.problems, "problems"):
        additions = [extra for names, extra in extras if problem.name in names]
        wanted = [*suite.formats, *(name for extra in additions for name in extra.formats or ())]
        for format_name in chosen_formats(wanted, problem):
            here = [extra for extra in additions if extra.formats is None or format_name in extra.formats]
            settings = _settings(suite, here)
            if settings.schemes(get_format(format_name)):  # "mixed" alone has nothing to say in float32
                cells.append(sweep_cell_of(problem, format_name, settings, surroundings))
    return cells


def sweep_cell_of(
    problem: Problem,
    format_name: str,
    settings: SweepSettings,
    surroundings: dict[str, Any],
    kind: str = "sweep",
) -> Cell:
    """A cell that sweeps; maps are made of the same."""
    key = cell_key(problem, format_name, settings, surroundings)
    return Cell(problem, format_name, settings, key, _cost(problem, format_name, settings), kind)


def cell_key(
    problem: Problem, format_name: str, settings: SweepSettings, surroundings: dict[str, Any]
) -> str:
    """The hash of everything that the numbers of a cell depend on.

    Parameters
    ----------
    surroundings : dict
        What :meth:`Kind.surroundings <diffbench.runs.kinds.kind.Kind.surroundings>` returns.
    """
    stencils = {"stencils": sorted((m, list(s)) for m, s in settings.stencils.items())}
    content = problem_content(problem) | {
        "format": format_name,
        "settings": vars(settings) | stencils,
        "surroundings": surroundings,
    }
    return digest(content, KEY_LENGTH)


def _settings(suite: Suite, additions: list[Extra]) -> SweepSettings:
    from diffbench.sweep import SweepSettings

    stencils: dict[int, list[str]] = {m: list(names) for m, names in suite.stencils.items()}
    variants = list(suite.variants)
    for extra in additions:
        variants += extra.variants
        for m, names in extra.stencils.items():
            stencils[m] = [*stencils.get(m, []), *names]
    return SweepSettings(
        stencils={m: tuple(unique(stencils[m])) for m in sorted(stencils)},
        per_decade=suite.steps.per_decade,
        kind=suite.steps.kind,
        variants=tuple(unique(variants)),
    )


def _cost(problem: Problem, format_name: str, settings: SweepSettings) -> float:
    """Points times steps times stencils; a step near u needs more bits of Arb than a large one."""
    steps = get_format(format_name).precision * settings.per_decade
    return float(len(problem.points) * steps * (2 + sum(map(len, settings.stencils.values()))))


def compute(problem: Problem, format_name: str, settings: SweepSettings) -> dict[str, pd.DataFrame]:
    """The frames of a sweep."""
    from diffbench.sweep import sweep_cell

    return sweep_cell(problem, format_name, settings)


def failure(
    problem: Problem, format_name: str, settings: SweepSettings, status: str, message: str
) -> dict[str, pd.DataFrame]:
    """One row per point and stencil, without a step."""
    from diffbench.runs.failures import failure_frames

    return failure_frames(problem, format_name, settings, status, message)


def merge(store: CellStore, keys: list[str], folder: Path) -> None:
    """``sweep.parquet``, ``references`` (one row for all formats that share an x) and ``summary.csv``."""
    write_stacked(store, keys, "sweep", folder / "sweep.parquet")
    from diffbench.frames import join_references

    rows = join_references(stack(store, keys, "references").to_pandas())
    if "mpmath_agrees" in rows:
        rows["mpmath_agrees"] = rows["mpmath_agrees"].astype("boolean")
    write_frame(rows, folder / "references.parquet")
    write_csv(rows, folder / "references.csv")
    write_csv(stack(store, keys, "summary").to_pandas(), folder / "summary.csv")


KIND = Kind(
    name="sweep",
    entrance="diffbench.sweep",
    frames=("sweep", "references", "summary"),
    tables=("sweep.parquet", "references.parquet", "references.csv", "summary.csv"),
    plan=plan,
    compute=compute,
    failure=failure,
    merge=merge,
    retry=("timeout", "error"),
)
