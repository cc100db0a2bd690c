"""A run: a suite computed into a folder.

* :func:`run`: compute what is missing, merge the tables, write the manifest -> :class:`Run`.

A run can be stopped and started again: finished cells are found by their keys. When nothing changed,
nothing is written, so the folder stays as it is, to the byte.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffbench.errors import UserError
from diffbench.runs import manifest as manifests
from diffbench.runs.cells import Cell
from diffbench.runs.execute import Progress, Works, execute
from diffbench.runs.fingerprint import digest
from diffbench.runs.folder import PROBLEMS, Run, prepare
from diffbench.runs.kinds import Kind, get_kind, kinds
from diffbench.runs.plan import plan
from diffbench.runs.store import CellStore, StoredCell, file_hash, write_csv
from diffbench.runs.suite import Suite, load_suite


def run(
    suite: Suite | str | Path,
    out: str | Path = "reports/latest",
    jobs: int | None = None,
    fresh: bool = False,
    progress: Callable[[Progress], None] | None = None,
    *,
    command: str | None = None,
    work: Works = None,
) -> Run:
    """Compute a suite into a folder, going on from what is stored there.

    Parameters
    ----------
    suite : Suite, str or Path
        A suite, the name of one (``quick``, ``default``, ``full``), or a TOML file.
    out : str or Path
        The run folder. It must be new, empty, or a run.
    jobs : int, optional
        Worker processes; by default one per core. The rows do not depend on it.
    fresh : bool
        Forget the stored cells and compute everything.
    progress : callable, optional
        Called with a :class:`Progress` at the start and after every cell.
    command : str, optional
        What the manifest says was typed.
    work : callable or mapping, optional
        What computes a cell instead of its kind's own function, (problem, format name, settings) -> frames:
        a function for sweeps and maps, or a mapping kind -> function.

    Returns
    -------
    Run

    Raises
    ------
    UserError
        The suite is wrong, or the folder cannot be used.
    RunInterrupted
        Ctrl-C; the finished cells are stored, and the same call goes on.
    """
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    folder = Path(out)
    jobs = _check_jobs(jobs)
    cells = plan(suite)
    before = prepare(folder)
    store = CellStore(folder / "cells")
    try:
        if fresh:
            shutil.rmtree(store.folder, ignore_errors=True)
        description = manifests.describe(suite, command or f"run({suite.name!r})", jobs)
        return _Session(suite, folder, jobs, cells, store, description, progress, work).go(before)
    except OSError as error:
        raise UserError(
            f"cannot write to {folder}: {error.strerror or error}; finished cells are kept, "
            "and the same command goes on"
        ) from error


@dataclass
class _Session:
    """One call of :func:`run`, with what its steps share."""

    suite: Suite
    folder: Path
    jobs: int
    cells: list[Cell]
    store: CellStore
    manifest: dict[str, Any]
    progress: Callable[[Progress], None] | None
    work: Works

    def go(self, before: dict[str, Any] | None) -> Run:
        stored = {cell.key: self.store.get(cell.key, get_kind(cell.kind).frames) for cell in self.cells}
        reusable = {key: cell for key, cell in stored.items() if cell is not None and not cell.failed}
        missing = [cell for cell in self.cells if cell.key not in reusable]
        if before and not missing and self._is_current(before, [reusable[cell.key] for cell in self.cells]):
            return Run(self.folder, before, reused=len(self.cells), unchanged=True)
        manifests.write(self.folder, self.manifest)
        done = reusable | self._compute(missing, len(reusable))
        ordered = [done[cell.key] for cell in self.cells]
        self._write_tables()
        failed = sum(cell.failed for cell in ordered)
        self._finish(ordered, computed=len(missing), reused=len(reusable), failed=failed)
        return Run(self.folder, self.manifest, computed=len(missing), reused=len(reusable), failed=failed)

    def _is_current(self, before: dict[str, Any], cells: list[StoredCell]) -> bool:
        """Whether the tables are those of these cells, and the manifest describes this suite."""
        if before.get("state") != "complete":
            return False
        if before["data"] != self._data_digest(cells):
            return False
        if before["suite"]["hash"] != manifests.suite_hash(self.suite):
            return False
        try:
            return all(file_hash(self.folder / name) == value for name, value in before["files"].items())
        except OSError:
            return False

    def _data_digest(self, cells: list[StoredCell]) -> str:
        """A hash of everything that the tables are made from."""
        return digest([[cell.content for cell in cells], _problem_rows(self.cells)])

    def _compute(self, missing: list[Cell], reused: int) -> dict[str, StoredCell]:
        done: dict[str, StoredCell] = {}
        whole = sum(cell.cost for cell in missing)
        behind = 0.0
        begin = time.monotonic()

        def tell(label: str = "") -> None:
            if self.progress is not None:
                failed = sum(cell.failed for cell in done.values())
                share = behind / whole if whole else 1.0
                count, elapsed = reused + len(done), time.monotonic() - begin
                self.progress(Progress(count, len(self.cells), reused, failed, share, elapsed, label))

        def finished(cell: Cell, stored: StoredCell) -> None:
            nonlocal behind
            behind += cell.cost
            done[cell.key] = stored
            tell(cell.label)

        tell()
        if missing:
            execute(missing, self.suite, self.store, _surroundings(), self.jobs, finished, self.work)
        return done

    def _write_tables(self) -> None:
        import pandas as pd

        for kind in kinds():
            if keys := [cell.key for cell in self._of(kind)]:
                kind.merge(self.store, keys, self.folder)
            else:
                for name in kind.tables:  # of an earlier run that had such cells
                    (self.folder / name).unlink(missing_ok=True)
        write_csv(pd.DataFrame(_problem_rows(self.cells)), self.folder / PROBLEMS)

    def _of(self, kind: Kind) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == kind.name]

    def _finish(self, ordered: list[StoredCell], **cells: int) -> None:
        counts: dict[str, Counter[str]] = {cell.kind: Counter() for cell in self.cells}
        for cell, stored in zip(self.cells, ordered, strict=True):
            counts[cell.kind].update(stored.counts)
        names = [PROBLEMS, *(name for kind in kinds() for name in kind.tables)]
        names = [name for name in names if (self.folder / name).is_file()]
        self.manifest |= {
            "state": "complete",
            "end": manifests.now(),
            "counts": dict(sorted(counts["sweep"].items())),
            "kinds": {name: self._describe(get_kind(name), counts[name]) for name in counts},
            "cells": {"total": len(ordered), **cells},
            "data": self._data_digest(ordered),
            "files": {name: file_hash(self.folder / name) for name in names},
        }
        manifests.write(self.folder, self.manifest)
        self.store.sweep_out((cell.key for cell in ordered), _surroundings())

    def _describe(self, kind: Kind, counts: Counter[str]) -> dict[str, Any]:
        """What the manifest says of one kind of cell: how many, what their surroundings were, their rows."""
        return {
            "cells": len(self._of(kind)),
            "counts": dict(sorted(counts.items())),
            "surroundings": kind.surroundings_hash(),
        }


def _surroundings() -> dict[str, str]:
    return {kind.name: kind.surroundings_hash() for kind in kinds()}


def _check_jobs(jobs: int | None) -> int:
    if jobs is None:
        return default_jobs()
    if not isinstance(jobs, int) or jobs < 1:
        raise UserError(f"jobs must be a whole number of at least 1, not {jobs!r}")
    return jobs


def default_jobs() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _problem_rows(cells: list[Cell]) -> list[dict[str, Any]]:
    """The rows of ``problems.csv``."""
    chosen = {cell.problem.name: cell.problem for cell in cells if cell.kind == "sweep"}
    return [
        {
            "problem": problem.name,
            "group": problem.group,
            "tags": " ".join(sorted(problem.tags)),
            "domain_low": problem.domain[0],
            "domain_high": problem.domain[1],
            "scale": problem.scale if problem.scale is not None else math.nan,
            "cite": problem.cite,
            "program": problem.source,
        }
        for problem in chosen.values()
    ]
