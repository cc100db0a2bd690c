"""A time limit for a call, inside this process: the call gets an exception when its time is over.

* ``with time_limit(seconds): ...`` raises :class:`TimeLimitExceeded` in the block.

Three nets, since none holds everything:

* In the main thread of a Unix process (where a worker of a run computes) an interval timer sends a signal,
  which also ends a sleep. In other threads, and on Windows, a watchdog thread does what Python allows: it
  plants the exception in the calling thread, which meets it at the next instruction of Python.
* Both come again every tenth of a second, so that a library's bare ``except:`` only delays them.
* What calls the function under test meets its deadline there too (:mod:`diffbench.methods.counting`).

Compiled code that never comes back to Python is beyond all three: only the end of the process stops it.
:mod:`diffbench.methods.isolation` runs calls in a process of their own for that.
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

AGAIN = 0.1  # seconds between reminders


class TimeLimitExceeded(BaseException):  # not an Exception: "except Exception" must not eat it
    """The time of a call is over."""


def time_limit(seconds: float) -> AbstractContextManager[None]:
    """Raise :class:`TimeLimitExceeded` in the block when it takes longer than ``seconds``.

    The signal's handler and a timer that was running before are restored.
    """
    main = threading.current_thread() is threading.main_thread()
    return _Signal(seconds) if main and hasattr(signal, "setitimer") else _watchdog(seconds)


class _Signal:
    """The timer of the main thread.

    A class and not a generator: a signal that arrives where the block is entered or left has one of these two
    methods on top of the stack, and must not raise there, or the timer would go on ticking.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.active = seconds, True

    def __enter__(self) -> None:
        self.began = time.monotonic()
        self.handler = signal.signal(signal.SIGALRM, self._over)
        self.left, self.interval = signal.setitimer(signal.ITIMER_REAL, self.seconds, AGAIN)

    def __exit__(self, *error: object) -> None:
        self.active = False  # a signal on its way finds nothing to do
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.handler)
        if self.left:  # somebody else's timer goes on; if its time came meanwhile, it rings at once
            left = max(self.left - (time.monotonic() - self.began), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left, self.interval)

    def _over(self, number: int, frame: Any) -> None:
        ends = (_Signal.__enter__.__code__, _Signal.__exit__.__code__)
        if self.active and (frame is None or frame.f_code not in ends):
            raise TimeLimitExceeded


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    caller, finished, lock = threading.get_ident(), threading.Event(), threading.Lock()

    def watch() -> None:
        wait = seconds
        while not finished.wait(wait):
            with lock:
                if not finished.is_set():
                    _plant(caller, TimeLimitExceeded)
            wait = AGAIN

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with lock:  # after this nothing is planted any more, and what was planted is taken back
            finished.set()
            _plant(caller, None)


def _plant(thread: int, error: type[BaseException] | None) -> None:
    """An exception for another thread's next instruction (CPython), or its withdrawal."""
    planted = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), planted)
