"""What only calling shows of an opaque function: why it has no value at x, whether it remembers its calls.

``seen_by_calling(f, fmt, points, found)`` -> the estimate, with the reason where f failed at x itself. A
function whose values depend on the calls before is refused: a difference of them is no difference of f.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UserError
from diffbench.methods.estimate import Estimate
from diffbench.opaque import OpaqueFunction


def seen_by_calling(f: OpaqueFunction, fmt: Format, points: Any, found: Estimate) -> Estimate:
    """The estimate with what calling f showed.

    f is asked once more at the first point that has a value; about twenty times if the answer differs.

    Raises
    ------
    UserError
        If f remembers its calls: a counter, a toggle, a warm start.
    """
    where = np.atleast_1d(points).reshape(-1)
    statuses = np.atleast_1d(np.asarray(found.statuses if found.statuses is not None else found.status))
    statuses = np.broadcast_to(statuses.reshape(-1), where.shape).astype(object)
    failed = np.array([float(x) in f.failures for x in where], dtype=bool)
    if failed.any():
        statuses[failed] = "error"
        first = float(where[np.argmax(failed)])
        found = replace(found, message=f"no value at x = {first!r}: {f.failures[first]}")
        found = replace(found, status="error", statuses=statuses.reshape(np.shape(points)))
    valued = np.flatnonzero(~failed & np.isfinite(np.atleast_1d(found.value).reshape(-1)))
    return _asked_again(f, fmt, where, int(valued[0]), found) if len(valued) else found


def _asked_again(f: OpaqueFunction, fmt: Format, where: Any, index: int, found: Estimate) -> Estimate:
    x, calls = where[index], 1
    if f.differs(x, fmt.name):
        again = f.repeats(x, fmt.name)
        calls += again.calls
        if again.kind == "state":
            raise UserError(
                f"{f.__name__} remembers its calls: {again.message}. A difference of such values is not a "
                "difference of f: reset the state in each call"
            )
    evaluations = np.array(found.evaluations)
    evaluations.reshape(-1)[index if evaluations.size > 1 else 0] += calls
    return replace(found, evaluations=evaluations[()])
