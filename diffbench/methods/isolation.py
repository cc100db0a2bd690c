"""Methods in a process of their own: what never returns, or takes the process down, costs one row.

``measure_isolated(methods, program, fmt, points)`` forks once, runs the methods one after the other in the
child, and gets every result as soon as it is there. A method that the time limit inside the process cannot
stop (compiled code that loops, a bare ``except:`` around everything) is killed with the child, gets the
status ``timeout``, and the rest goes on in a new child. One that dies (a segmentation fault) gets ``error``.

Why a fork, and for all methods at once: the program under test is often a lambda that no other process could
import, and a fork has it already. It costs 5 ms, and 15 rivals at 2 points take 94 ms in a child where they
take 28 to 57 ms here (pages copied when they are first touched). That is too much for every cell of a run and
nothing for one that was stopped, so this is the second try: a run measures calls in its workers, with the
limits of :mod:`diffbench.methods.limits`, and computes a cell whose worker was stopped or died once more with
the rivals in children. Where there is no fork (Windows) the calls always run here. Not for JAX and PyTorch,
whose threads do not survive a fork.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.methods.harness import LIMIT, Measured, measure_points
from diffbench.methods.measured import failure
from diffbench.methods.method import Method

GRACE = 1.0  # seconds a child has beyond the time limit of its own

Task = Callable[[Method], list[Measured]]


def measure_isolated(
    methods: Sequence[Method],
    program: Callable[..., Any],
    fmt: Format,
    points: Any,
    derivative: int = 1,
    *,
    opaque: bool = False,
    truth: Callable[[int], Any] | None = None,
    limit: float = LIMIT,
) -> list[list[Measured]]:
    """Measure methods at points in a child process: one list of results per method, in their order.

    Parameters are those of :func:`diffbench.methods.harness.measure_points`; ``limit`` is per point.
    """
    size = int(np.size(points))

    def task(method: Method) -> list[Measured]:
        return measure_points(
            method, program, fmt, points, derivative, opaque=opaque, truth=truth, limit=limit
        )

    if not hasattr(os, "fork"):
        return [task(method) for method in methods]
    for method in methods:
        if method.prepare is not None:
            method.prepare()  # once, here, and not in every child
    results: list[list[Measured]] = []
    while len(results) < len(methods):
        waiting = methods[len(results) :]
        found, ending = _in_child(task, waiting, limit * size + GRACE)
        results += found
        if len(found) < len(waiting):
            status, reason = ending
            name = waiting[len(found)].name
            results.append([failure(fmt, status, f"{name} {reason}")] * size)
    return results


def _in_child(
    task: Task, methods: Sequence[Method], patience: float
) -> tuple[list[list[Measured]], tuple[str, str]]:
    """What a child delivered, and why it delivered no more."""
    receiver, sender = Pipe(duplex=False)
    sys.stdout.flush()  # or the child would write out what the parent has in its buffers
    sys.stderr.flush()
    with warnings.catch_warnings():
        # "may lead to deadlocks": of Python's threads there is none that the child waits for
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _deliver(task, methods, sender, patience)
    sender.close()
    found: list[list[Measured]] = []
    ending = "timeout", f"was not finished after {patience:g} s; its process was killed"
    ended = False
    try:
        while len(found) < len(methods) and receiver.poll(patience):
            found.append(receiver.recv())
    except EOFError:
        ended = True
        ending = "error", _obituary(os.waitpid(child, 0)[1])
    finally:
        receiver.close()
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return found, ending


def _deliver(task: Task, methods: Sequence[Method], sender: Connection, patience: float) -> NoReturn:
    """In the child: results one by one; it ends here and runs nothing of the parent's."""
    import resource  # where there is a fork

    code = 1
    try:
        # if the parent is killed itself, nobody is left to stop a loop; threads count several times over
        most = math.ceil(2 * patience * len(methods)) * (os.cpu_count() or 1)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        for method in methods:
            sender.send(task(method))
        code = 0
    finally:
        os._exit(code)


def _obituary(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"ended its process: killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended its process: exit code {os.waitstatus_to_exitcode(status)}"
