"""The cells of a plan, computed in worker processes and stored one by one as they finish.

* :func:`execute`: run cells over a number of processes, with a time limit for each.
* :class:`RunInterrupted`: Ctrl-C; what was finished is stored.
* :class:`Progress`: what a progress bar needs to know.

What a worker does wrong becomes rows: a time limit gives status ``timeout``, an exception or a dead
process gives status ``error`` with a message. Such a cell is stored as failed and tried again next time. A
kind that has a ``rescue`` gets a second try with it before.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffbench.errors import DiffbenchError
from diffbench.runs.kinds import Work, get_kind
from diffbench.runs.plan import import_plugins
from diffbench.runs.store import CellStore, StoredCell, encode

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.runs.cells import Cell
    from diffbench.runs.suite import Suite

#: What computes the cells of a kind instead of the kind's own function; a function alone is for sweeps.
Works = Work | Mapping[str, Work] | None


class RunInterrupted(DiffbenchError):
    """The run was stopped by Ctrl-C; ``done`` of ``total`` cells are stored."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(
            f"interrupted: {done} of {total} cells are stored; the same command goes on from there"
        )
        self.done, self.total = done, total

    def __reduce__(self) -> tuple[type[RunInterrupted], tuple[int, int]]:
        return type(self), (self.done, self.total)


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    done, total, reused, failed : int
        Numbers of cells; ``done`` includes the reused and the failed ones.
    share : float
        The part of the work to be done now that is behind, from 0 to 1, with cells weighted by their cost.
    elapsed : float
        Seconds since the work began.
    label : str
        The cell that was finished last.
    """

    done: int
    total: int
    reused: int
    failed: int
    share: float
    elapsed: float
    label: str = ""

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest should take; None as long as nothing is known."""
        return self.elapsed * (1 - self.share) / self.share if self.share > 0 else None


@dataclass(frozen=True)
class Task:
    """A cell as it travels to a worker, with the problem as its kind packs it."""

    kind: str
    packed: Any
    format_name: str
    settings: Any
    plugins: list[str]
    folder: Path | None
    work: Work | None


def execute(
    cells: list[Cell],
    suite: Suite,
    store: CellStore,
    surroundings: Mapping[str, str],
    jobs: int,
    finished: Callable[[Cell, StoredCell], None],
    work: Works = None,
) -> None:
    """Compute and store cells.

    Parameters
    ----------
    cells : list of Cell
        What is to be computed; the most costly are begun first, so that none of them is last.
    surroundings : mapping
        Kind -> hash of the environment, kept with every cell.
    jobs : int
        Number of worker processes.
    finished : callable
        Called with every cell when it is stored, in the order of completion.
    work : callable or mapping, optional
        What computes a cell instead of its kind's own function: a function for sweeps and maps, or a
        mapping kind -> function.

    Raises
    ------
    RunInterrupted
        On Ctrl-C; the finished cells are stored.
    """
    from pebble import ProcessPool

    waiting: dict[Future[Any], tuple[Cell, Task]] = {}
    stored = 0

    def begin(cell: Cell, task: Task) -> None:
        waiting[pool.schedule(compute, args=(task,), timeout=suite.timeout)] = cell, task

    def put_away(futures: Iterable[Future[Any]]) -> None:
        nonlocal stored
        for future in futures:
            cell, task = waiting.pop(future)  # forgets the result too: what is stored is not kept in memory
            again = _second_try(future, task)
            if again is not None:
                begin(cell, again)
                continue
            done, files = _outcome(future, cell, suite.timeout, surroundings[cell.kind])
            store.put(done, files)
            stored += 1
            finished(cell, done)

    pool = ProcessPool(
        max_workers=min(jobs, len(cells)), initializer=_begin_worker, context=process_context()
    )
    try:
        for cell in sorted(cells, key=lambda cell: -cell.cost):
            begin(cell, _task(cell, suite, work))
        while waiting:
            # a time limit keeps the wait open to Ctrl-C on every system
            put_away(wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED).done)
    except KeyboardInterrupt:
        pool.stop()
        put_away(
            [
                future
                for future in waiting
                if future.done() and not future.cancelled() and not future.exception()
            ]
        )
        raise RunInterrupted(stored, len(cells)) from None
    finally:
        pool.stop()
        pool.join()


def _task(cell: Cell, suite: Suite, work: Works) -> Task:
    works = {"sweep": work, "map": work} if callable(work) else work or {}
    packed = get_kind(cell.kind).pack(cell.problem)
    place = (suite.plugins, suite.folder, works.get(cell.kind))
    return Task(cell.kind, packed, cell.format_name, cell.settings, *place)


def _second_try(future: Future[Any], task: Task) -> Task | None:
    """The task of a worker that was stopped or died, with what its kind has for that, once."""
    from pebble import ProcessExpired

    rescue = get_kind(task.kind).rescue
    stopped = isinstance(future.exception(), TimeoutError | ProcessExpired)
    return replace(task, work=rescue) if stopped and rescue is not None and task.work is None else None


def process_context() -> Any:
    """How workers start: from a server process where there is one (Linux, macOS), afresh elsewhere.

    Not ``fork``: the pool and a progress bar have threads, and a fork copies their locks as they
    happen to be. ``forkserver`` forks too, but from a process without threads that has the engine
    loaded already, so a worker that replaces a killed one is there in milliseconds, not in seconds.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["diffbench.runs.preload"])
    return context


def _begin_worker() -> None:
    # Ctrl-C goes to every process of the terminal; the parent decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def compute(task: Task) -> tuple[dict[str, int], dict[str, bytes]]:
    """In the worker: a cell's counts by status and its files."""
    kind = get_kind(task.kind)
    import_plugins(task.plugins, task.folder)
    frames = (task.work or kind.compute)(kind.unpack(task.packed), task.format_name, task.settings)
    return _counts(frames[kind.frames[0]]), encode(frames)


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {str(status): int(n) for status, n in rows["status"].value_counts().items() if n}


def _outcome(
    future: Future[Any], cell: Cell, limit: float, surroundings: str
) -> tuple[StoredCell, dict[str, bytes]]:
    """What came of a cell: its own frames, or rows that say why there are none."""
    from pebble import ProcessExpired

    failed = True
    try:
        counts, files = future.result()
        failed = any(counts.get(status) for status in get_kind(cell.kind).retry)
    except BrokenProcessPool:
        raise DiffbenchError(
            "the worker processes could not be started; if this is a script of yours, put the call of run() "
            'below `if __name__ == "__main__":`'
        ) from None
    except TimeoutError:
        counts, files = _failure(
            cell, "timeout", f"not finished after {limit:g} s, the time limit of the suite"
        )
    except ProcessExpired as error:
        counts, files = _failure(
            cell, "error", f"the worker process ended abruptly ({_exit_text(error.exitcode)})"
        )
    except Exception as error:  # anything the engine or a plugin can raise: it must not end the run
        counts, files = _failure(cell, "error", f"{type(error).__name__}: {error}")
    return StoredCell(cell.key, cell.label, failed, counts, _hashes(files), surroundings, cell.kind), files


def _exit_text(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            pass
    return f"exit code {code}"


def _hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _failure(cell: Cell, status: str, message: str) -> tuple[dict[str, int], dict[str, bytes]]:
    """The files of a cell that has no results: rows with the status and the message."""
    kind = get_kind(cell.kind)
    frames = kind.failure(cell.problem, cell.format_name, cell.settings, status, message)
    return _counts(frames[kind.frames[0]]), encode(frames)
