"""Methods that misbehave on purpose, one for each way of doing so, for the tests of whatever runs methods.

``PLANTED`` is a table: the method, the status and the words by which it must be recognised.
"""

from __future__ import annotations

import os
import signal
import time
import warnings
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from diffbench.arithmetic.formats import get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.methods.estimate import Estimate
from diffbench.methods.harness import measure
from diffbench.methods.method import Method

#: What the planted methods are tried on; two of them know it and do not ask.
FUNCTION, POINT, TRUTH = np.exp, 1.0, np.e


def honest(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    h = fmt.round(2.0**-17)
    values = FormatArithmetic(fmt).evaluate(f, np.stack([x + h, x - h]))
    return Estimate((values[0] - values[1]) / (2 * h), h, 2, error=np.full(x.shape, 1e-9))


def constant(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    return Estimate(np.full(x.shape, 2.5), evaluations=2)


def truth_plus_one_percent(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    found = honest(f, fmt, x, derivative)
    return Estimate(found.value * 1.01, found.h, found.evaluations, error=np.abs(found.value) * 0.02)


def lies_about_its_error(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    found = truth_plus_one_percent(f, fmt, x, derivative)
    return Estimate(found.value, found.h, found.evaluations, error=np.full(x.shape, 1e-15))


def behind_the_counter(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    h = 2.0**-17
    return Estimate((FUNCTION(x + h) - FUNCTION(x - h)) / (2 * h), h, 0)


def calls_less_than_it_needs(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    """Claims two function values, takes none of the function it was given."""
    found = behind_the_counter(f, fmt, x, derivative)
    return Estimate(found.value, found.h, 2)


def claims_too_little(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    found = honest(f, fmt, x, derivative)
    return Estimate(found.value, found.h, 1)


def hangs(f: Any, fmt: Any, x: Any, derivative: int) -> NoReturn:
    while True:
        try:
            time.sleep(0.01)
        except Exception:  # libraries do that; the limit is no Exception
            continue


def hangs_in_the_function(f: Any, fmt: Any, x: Any, derivative: int) -> NoReturn:
    while True:
        honest(f, fmt, x, derivative)


def cannot_be_stopped(f: Any, fmt: Any, x: Any, derivative: int) -> NoReturn:
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            continue


def dies(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    os.kill(os.getpid(), signal.SIGKILL)
    return honest(f, fmt, x, derivative)


def raises(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    honest(f, fmt, x, derivative)
    raise ArithmeticError("no convergence\nsecond line")


def exits(f: Any, fmt: Any, x: Any, derivative: int) -> NoReturn:
    raise SystemExit(3)


def warns(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    for _ in range(2):
        warnings.warn("precision may be lost", RuntimeWarning, stacklevel=1)
    return honest(f, fmt, x, derivative)


def nan(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    return Estimate(honest(f, fmt, x, derivative).value * np.nan, evaluations=2)


def infinite(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    return Estimate(honest(f, fmt, x, derivative).value * np.inf, evaluations=2)


def text(f: Any, fmt: Any, x: Any, derivative: int) -> Any:
    return "2.718"


def estimate_of_text(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    return Estimate("2.718", evaluations=0)


def complex_number(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    return Estimate(honest(f, fmt, x, derivative).value * (1 + 0j), evaluations=2)


def wrong_shape(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    return Estimate(np.ones((2, 3)), evaluations=0)


def ragged(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    return Estimate([[1.0], [1.0, 2.0]], evaluations=0)


def text_as_error(f: Any, fmt: Any, x: Any, derivative: int) -> Estimate:
    return Estimate(honest(f, fmt, x, derivative).value, "small", "two", error="tiny")


@dataclass(frozen=True)
class Planted:
    """A method, and the words that must appear: status, in the message, among the warnings."""

    method: Method
    status: str = "ok"
    message: str = ""
    warning: str = ""
    evaluations: int = 2

    def __str__(self) -> str:
        return self.method.name


def planted(call: Any, *words: Any, **more: Any) -> Planted:
    return Planted(Method(call.__name__.replace("_", "-"), call), *words, **more)


NO_CALL = "returned a number without calling the function"
PLANTED = (
    planted(honest),
    planted(constant, warning="claims 2 evaluations, 0 were counted", evaluations=0),
    planted(truth_plus_one_percent),  # its error of 1 % is the tournament's to show
    planted(lies_about_its_error),  # ... as is the coverage of its error estimate
    planted(behind_the_counter, warning=NO_CALL, evaluations=0),
    planted(calls_less_than_it_needs, warning="claims 2 evaluations, 0 were counted", evaluations=0),
    planted(claims_too_little, warning="claims 1 evaluations, 2 were counted"),
    planted(hangs, "timeout", "hangs was not finished after 0.2 s", evaluations=0),
    planted(hangs_in_the_function, "timeout", "was not finished after 0.2 s", evaluations=-1),
    planted(raises, "error", "ArithmeticError: no convergence"),
    planted(exits, "error", "SystemExit: 3", evaluations=0),
    planted(warns, warning="RuntimeWarning: precision may be lost"),
    planted(nan, "domain", "nan returned NaN without saying why"),
    planted(infinite, "overflow", "infinite returned an infinite number"),
    planted(text, "error", "text returned '2.718', not an Estimate", evaluations=0),
    planted(estimate_of_text, "error", "'2.718', which is not a real number", evaluations=0),
    planted(complex_number, "error", "which is not a real number"),
    planted(wrong_shape, "error", "an array of shape (2, 3) for x of shape (1,)", evaluations=0),
    planted(ragged, "error", "something that is no array", evaluations=0),
    planted(text_as_error),
)
#: What only a process of its own survives.
DEADLY = (
    planted(cannot_be_stopped, "timeout", "its process was killed", evaluations=0),
    planted(dies, "error", "killed by SIGKILL", evaluations=0),
)


def statuses_in_a_worker() -> list[str]:
    """What a worker process makes of the planted methods, the one that hangs in the middle."""
    order = ("honest", "hangs", "raises", "honest")
    known = {str(case): case.method for case in PLANTED}
    fmt = get_format("float64")
    return [measure(known[name], FUNCTION, fmt, POINT, limit=0.2).status for name in order]
