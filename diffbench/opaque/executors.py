"""Who makes the calls: this thread, several threads, worker processes, or an executor of the user's.

* ``executor_named("thread", jobs, timeout)``: one by name; anything with ``submit`` is taken as it is.
* ``executor.run(call, points)``: an :class:`Outcome` for every point, in their order.

Each call has a time limit. In the main thread it is an alarm of the system, which interrupts Python code; a
call that hangs inside compiled code can only be ended in a process of its own (``"process"``).
"""

from __future__ import annotations

import pickle
import queue
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from diffbench.errors import UnknownNameError, UserError

NAMES = ("serial", "thread", "process")
Call = Callable[[Any], Any]


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a value, or the text of what it raised; ``late`` if its time was up."""

    value: Any = None
    error: str = ""
    late: bool = False


class Executor(Protocol):
    """Makes calls and never raises what they raise."""

    def run(self, call: Call, points: Sequence[Any]) -> list[Outcome]:
        """An outcome for every point, in their order."""


def executor_named(which: Any, jobs: int | None = None, timeout: float | None = None) -> Executor:
    """An executor by name, or the user's own.

    Parameters
    ----------
    which : str or object with ``submit``
        ``serial``, ``thread``, ``process``, or for example a ``concurrent.futures`` executor.
    jobs : int, optional
        How many calls at once, for threads and processes; default: the number of cores.
    timeout : float, optional
        Seconds for one call; None: no limit.

    Raises
    ------
    UserError
        If the name is unknown, or jobs or timeout is not a positive number.
    """
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise UserError(f"jobs must be a positive integer, not {jobs!r}")
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
        raise UserError(f"timeout must be a positive number of seconds, not {timeout!r}")
    if isinstance(which, str):
        if which not in NAMES:
            raise UnknownNameError("executor", which, NAMES)
        if which == "serial":
            return Serial(timeout)
        return (Threads if which == "thread" else Processes)(jobs or _cores(), timeout)
    if hasattr(which, "submit"):
        return Submitting(which, timeout)
    raise UserError(f"the executor must be one of {', '.join(NAMES)} or have a method submit, not {which!r}")


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def outcome_of(call: Call, point: Any) -> Outcome:
    """Call once; what it raises becomes the outcome's text."""
    try:
        return Outcome(call(point))
    except _TimeIsUp:
        raise
    except (Exception, SystemExit) as error:  # a simulation that leaves when it dislikes its input
        return Outcome(error=said(error))


def said(error: BaseException) -> str:
    """What an exception says, in one line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _late(timeout: float | None) -> Outcome:
    return Outcome(error=f"no answer within {timeout:g} s", late=True)


class _TimeIsUp(BaseException):
    """Not an Exception, so that a function that catches everything does not catch this."""


@dataclass(frozen=True)
class Serial:
    """One call after the other, in this thread."""

    timeout: float | None = None

    def run(self, call: Call, points: Sequence[Any]) -> list[Outcome]:
        found = []
        for point in points:
            try:
                with _alarm(self.timeout):
                    found.append(outcome_of(call, point))
            except _TimeIsUp:
                found.append(_late(self.timeout))
        return found


@contextmanager
def _alarm(timeout: float | None) -> Iterator[None]:
    """Interrupt the block after a time, where the system can: the main thread of a POSIX process."""
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if timeout is None or not usable or signal.getitimer(signal.ITIMER_REAL)[0]:  # a timer of somebody's own
        yield
        return

    def ring(*_: Any) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Threads:
    """Several calls at once in threads, for calls that wait (commands, services) or release the lock.

    A thread cannot be ended: one whose time is up is left behind and does not keep the program from ending.
    """

    jobs: int
    timeout: float | None = None

    def run(self, call: Call, points: Sequence[Any]) -> list[Outcome]:
        found: list[Outcome | None] = [None] * len(points)
        started = [0.0] * len(points)
        given_up: set[int] = set()  # not `found`: that may have this call's own outcome by then
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for index in range(len(points)):
            todo.put(index)
        done: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()

        def work() -> None:
            while True:
                try:
                    index = todo.get_nowait()
                except queue.Empty:
                    return
                started[index] = time.monotonic()
                done.put((index, outcome_of(call, points[index])))
                if index in given_up:  # somebody else has taken this place
                    return

        def hire() -> None:
            threading.Thread(target=work, daemon=True).start()

        for _ in range(min(self.jobs, len(points))):
            hire()
        while any(outcome is None for outcome in found):
            try:
                index, outcome = done.get(timeout=0.05 if self.timeout else 1.0)
                found[index] = found[index] or outcome
            except queue.Empty:
                pass
            now = time.monotonic()
            for index, begun in enumerate(started):
                if self.timeout and found[index] is None and begun and now - begun > self.timeout:
                    found[index] = _late(self.timeout)
                    given_up.add(index)
                    hire()
        return [outcome for outcome in found if outcome is not None]


@dataclass(frozen=True)
class Processes:
    """Several calls at once in processes of their own, which are ended when their time is up.

    The workers stay for the next calls, as starting one takes longer than most calls, and end with this.
    """

    jobs: int
    timeout: float | None = None

    @cached_property
    def pool(self) -> Any:
        """The workers; pebble starts another one where one had to be ended."""
        from pebble import ProcessPool

        pool = ProcessPool(max_workers=self.jobs, context=_context())
        weakref.finalize(self, _end, pool)  # also when the program ends
        return pool

    def run(self, call: Call, points: Sequence[Any]) -> list[Outcome]:
        from pebble import ProcessExpired

        _check_portable(call)
        futures = [self.pool.schedule(outcome_of, args=(call, p), timeout=self.timeout) for p in points]
        found = []
        for future in futures:
            try:
                found.append(future.result())
            except TimeoutError:
                found.append(_late(self.timeout))
            except ProcessExpired as error:
                found.append(Outcome(error=f"its process ended abruptly (exit code {error.exitcode})"))
            except Exception as error:  # the value could not travel back, or the process did not start
                found.append(Outcome(error=said(error)))
        return found


def _end(pool: Any) -> None:
    pool.stop()
    pool.join()


def _context() -> Any:
    """Workers start from a server process without threads, where the system has one; else afresh."""
    import multiprocessing

    known = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if "forkserver" in known else "spawn")


def _check_portable(call: Call) -> None:
    try:
        pickle.dumps(call)
    except Exception as error:
        raise UserError(
            f"this function cannot be sent to another process ({said(error)}): define it at the top level of "
            "a module that can be imported, or use executor='thread'"
        ) from None


@dataclass(frozen=True)
class Submitting:
    """An executor of the user's: whatever has ``submit(function, argument)`` -> a future."""

    pool: Any
    timeout: float | None = None

    def run(self, call: Call, points: Sequence[Any]) -> list[Outcome]:
        futures: list[Future[Outcome]] = [self.pool.submit(outcome_of, call, point) for point in points]
        found = []
        for future in futures:
            try:
                found.append(future.result(self.timeout))
            except TimeoutError:
                future.cancel()
                found.append(_late(self.timeout))
            except Exception as error:  # of the executor itself
                found.append(Outcome(error=said(error)))
        return found
