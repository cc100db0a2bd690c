"""What a kind of cell is: how its cells are planned, computed, and merged into tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffbench.runs.environment import environment
from diffbench.runs.fingerprint import digest

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.runs.cells import Cell
    from diffbench.runs.store import CellStore
    from diffbench.runs.suite import Suite

#: What computes a cell: (problem, format name, settings) -> frames. It must be importable by its name.
Work = Callable[[Any, str, Any], "dict[str, pd.DataFrame]"]


def pack_problem(problem: Any) -> Any:
    """A catalogue problem as it travels to a worker: by name, with its points and scale.

    Functions made in a decorator cannot be pickled; points and scale are those that a map has changed.
    """
    return problem.name, problem.points, problem.scale


def unpack_problem(packed: Any) -> Any:
    """The other end of :func:`pack_problem`, in the worker, where the plugins are imported already."""
    from diffbench.problems import get_problem

    name, points, scale = packed
    problem = get_problem(name)
    if (points, scale) != (problem.points, problem.scale):  # a map
        problem = replace(problem, points=points, scale=scale, stated={})
    return problem


@dataclass(frozen=True)
class Kind:
    """A kind of cell; one module each in this folder, which has it as ``KIND``.

    Attributes
    ----------
    name : str
        That of its module, and of ``cell.kind``.
    entrance : str
        The module that computes: it and all it imports are the engine of these cells, whose text is part of
        their keys.
    frames : tuple of str
        Names of the frames that ``compute`` returns. The first has a column ``status``, which is counted.
    tables : tuple of str
        Files that ``merge`` writes into the run folder. They are removed when a run has no such cell.
    plan : callable
        (suite, cells of the kinds before) -> cells, in the order of their rows.
    compute : callable
        In a worker: (problem, format name, settings) -> frames.
    failure : callable
        (problem, format name, settings, status, message) -> frames that say why there is no result, for a
        cell that was stopped (``timeout``) or broke (``error``). Such a cell is tried again by the next run.
    merge : callable
        (store, keys of all cells in the order of the plan, run folder): writes the tables.
    rescue : callable or None
        What computes a cell whose worker was stopped or died, once, before ``failure`` is asked.
    retry : tuple of str
        Statuses of rows that make the whole cell count as failed, to be tried again.
    pack, unpack : callable
        ``cell.problem`` to something that can be pickled, and back.
    also : callable
        What the numbers depend on besides the engine and the usual packages, such as versions of others.
    """

    name: str
    entrance: str
    frames: tuple[str, ...]
    tables: tuple[str, ...]
    plan: Callable[[Suite, list[Cell]], list[Cell]]
    compute: Work
    failure: Callable[[Any, str, Any, str, str], dict[str, pd.DataFrame]]
    merge: Callable[[CellStore, list[str], Path], None]
    rescue: Work | None = None
    retry: tuple[str, ...] = ()
    pack: Callable[[Any], Any] = pack_problem
    unpack: Callable[[Any], Any] = unpack_problem
    also: Callable[[], dict[str, Any]] = dict

    def surroundings(self) -> dict[str, Any]:
        """Everything outside the program and the settings that can change a number; part of every key."""
        return environment(self.entrance) | self.also()

    def surroundings_hash(self) -> str:
        """The hash of the surroundings that is stored with a cell."""
        return digest(self.surroundings())
