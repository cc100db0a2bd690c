"""From a suite to cells: the units of work that are computed, stored and resumed on their own.

* :func:`plan`: a suite -> the :class:`~diffbench.runs.cells.Cell` s of its run, kind by kind, in the order in
  which results are written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from diffbench.errors import UserError
from diffbench.problems import load_plugins
from diffbench.runs.cells import Cell
from diffbench.runs.kinds import kinds
from diffbench.runs.kinds.sweep import cell_key
from diffbench.targets import search_path

if TYPE_CHECKING:
    from diffbench.runs.suite import Suite

__all__ = ["Cell", "cell_key", "import_plugins", "plan"]


def plan(suite: Suite) -> list[Cell]:
    """The cells of a suite, every kind's after those of the kinds before.

    Raises
    ------
    UserError
        A plugin cannot be imported, a pattern matches no problem, or nothing is left to compute.
    """
    import_plugins(suite.plugins, suite.folder)
    cells: list[Cell] = []
    for kind in kinds():
        cells += kind.plan(suite, cells)
        if not cells:  # sweeps come first, and a run without any has no references
            raise UserError(
                "nothing to compute: none of the chosen problems is defined for the chosen formats"
            )
    return cells


def import_plugins(modules: list[str], folder: Path | None) -> None:
    """Import a suite's plugins, looking beside its file and in the current folder too."""
    with search_path(folder, Path.cwd()):
        load_plugins(modules)
