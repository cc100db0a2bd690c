"""Does a function give the same value when it is asked again? Noise is fine; a memory is not.

``examine(call, x, away)`` calls f a few times at x, with other points in between:

    constant    always the same value
    noisy       values that scatter without a pattern: an estimate can live with that, and is told how much
    state       values that depend on the calls before: a counter, a toggle, a warm start. A difference of
                such values is not a difference of f, so it is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Calls at x when the first few differ. Chance makes 12 values monotone once in 2.4e8 tries.
CALLS = 12
#: Kendall's tau of the values with their order, beyond which the values drift. Of 12 values without drift,
#: |tau| > 0.8 has a probability of 1e-4 (M. G. Kendall, Biometrika 30 (1938)).
_DRIFT = 0.8
_LONGEST_PERIOD = 4


@dataclass(frozen=True)
class Repeats:
    """What asking again found: ``constant``, ``noisy`` or ``state``; the scatter, and a sentence."""

    kind: str
    scatter: float = 0.0
    message: str = ""
    calls: int = 0


def examine(call: Callable[[Any], float], x: Any, away: tuple[Any, Any]) -> Repeats:
    """Call f at x again and again.

    Parameters
    ----------
    call : callable
        One call of f, without any cache; NaN where f fails.
    x : number
    away : two numbers
        Points on both sides to visit in between.
    """
    values, calls = [call(x), call(x)], 2
    for point in away:
        call(point)
        values.append(call(x))
        calls += 2
    if any(map(math.isnan, values)) and not all(map(math.isnan, values)):
        return Repeats(
            "state", message="it gives a value at some calls and fails at others at the same point"
        )
    if len(set(values)) == 1 or all(map(math.isnan, values)):
        return Repeats("constant", calls=calls)
    row = [call(x) for _ in range(CALLS)]
    calls += CALLS
    pattern = _pattern(row)
    if not pattern and len(set(row)) == 1:
        visits = [(call(point), call(x))[1] for point in (*away, *away)]
        calls += 2 * len(visits)
        if visits[:2] == visits[2:] and set(visits) != {row[0]}:
            pattern, row = (
                "the value at x depends on the point before (a warm start, a memory)",
                [row[0], *visits],
            )
    if pattern:
        shown = ", ".join(f"{value:.17g}" for value in row[:4])
        return Repeats("state", message=f"{pattern}: {shown}, ...", calls=calls)
    scatter = float(np.std([*values, *row], ddof=1))
    return Repeats("noisy", scatter, "it gives other values when it is asked again at the same point", calls)


def _pattern(values: list[float]) -> str:
    """How the values follow from how often f was called, or nothing."""
    for period in range(2, _LONGEST_PERIOD + 1):
        pairs = list(zip(values, values[period:], strict=False))
        # a few values that come back by chance are noise of a coarse grid; all of them are a cycle
        if len(set(values)) == period and all(a == b for a, b in pairs):
            return f"the values repeat every {period} calls"
    n = len(values)
    signs = [np.sign(values[j] - values[i]) for i in range(n) for j in range(i + 1, n)]
    if abs(float(np.sum(signs))) > _DRIFT * len(signs):
        return "the values drift with the number of calls (a counter, a clock, a training step)"
    return ""
