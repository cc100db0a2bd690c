"""Selectors in several variables: each looks at the function along every coordinate of every point.

With several outputs a selector is run for each of them on the same values, and the step of the coordinate is
the middle, on the log scale, of the smallest and the largest step that it found: truncation grows like h^p
and rounding like 1/h, so no output is then further from its own step than it must be. Outputs for which it
finds none, such as those that do not depend on the coordinate, have no say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.methods.step_rules import Plan
from diffbench.multivariate.nodes import Changed
from diffbench.multivariate.request import Request, rows
from diffbench.stencils import Stencil
from diffbench.steps.rounding import round_step
from diffbench.steps.sampler import Sampler

Raw = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Found:
    """What selectors found, shape (P, n); evaluations of each point."""

    h: Raw
    error: Raw
    statuses: Raw
    messages: Raw
    evaluations: Raw


class Line:
    """All outputs along coordinate ``i`` of point ``p``, each node evaluated once.

    Where bounds are given there are no values outside them: NaN.
    """

    def __init__(self, asked: Request, p: int, i: int, scalar: bool) -> None:
        self.asked, self.i = asked, i
        self.base = asked.points[p : p + 1]
        self.evaluator = asked.evaluator(scalar)
        bounded = asked.low is not None and asked.high is not None
        self.room = (rows(asked.low)[p, i], rows(asked.high)[p, i]) if bounded else None  # type: ignore[arg-type]
        self.known: dict[Any, Raw] = {}

    def values(self, t: Raw) -> Raw:
        """Values (outputs, K) at nodes (K,)."""
        fresh = np.array(list(dict.fromkeys(v for v in t if v not in self.known)), dtype=t.dtype)
        if self.room is not None and fresh.size:
            fresh = fresh[(self.room[0] <= fresh) & (fresh <= self.room[1])]
        if fresh.size:
            zeros = np.zeros(len(fresh), dtype=int)
            found = self.evaluator.at(Changed(self.base, zeros, zeros[:, None] + self.i, fresh[:, None]))[0]
            self.known.update(zip(fresh, found.reshape(-1, len(fresh)).T, strict=True))
        outputs = len(next(iter(self.known.values())))
        nothing = np.full(outputs, np.nan, dtype=self.asked.fmt.dtype)
        return np.stack([self.known.get(v, nothing) for v in t], axis=-1)

    def output(self, j: int) -> Callable[[Any], Any]:
        """One output as a function of one variable."""
        return lambda t: self.values(np.ravel(t))[j].reshape(np.shape(t))


def search(asked: Request, plan: Plan, stencil: Stencil, scalar: bool) -> Found:
    """Run the selector of a plan along every coordinate of every point."""
    points, fmt = asked.points, asked.fmt
    shape = points.shape
    h, error = np.full(shape, np.nan).astype(fmt.dtype), np.full(shape, np.nan)
    statuses, messages = np.full(shape, "ok", dtype=object), np.full(shape, "", dtype=object)
    evaluations = np.zeros(len(points), dtype=int)
    for p, i in np.ndindex(shape):
        line, here = Line(asked, p, i, scalar), points[p, i : i + 1]
        count = 1 if scalar else len(line.values(here))
        choices = [_choice(plan, stencil, fmt, line.output(j), here) for j in range(count)]
        steps = [step for step, status, _, _ in choices if status == "ok" and np.isfinite(step) and step > 0]
        h[p, i], statuses[p, i], messages[p, i], error[p, i] = choices[0]
        if count > 1 and steps:
            middle = np.sqrt(np.longdouble(min(steps))) * np.sqrt(np.longdouble(max(steps)))
            h[p, i] = round_step(plan.rounding, fmt, here, np.asarray([middle], dtype=np.float64))[0]
            statuses[p, i], messages[p, i], error[p, i] = "ok", "", np.nan
        evaluations[p] += line.evaluator.evaluations
    return Found(h, error, statuses, messages, evaluations)


def _choice(plan: Plan, stencil: Stencil, fmt: Any, f: Any, here: Raw) -> tuple[Any, str, str, float]:
    """Step, status, message and error estimate of one run."""
    choice = plan.rule.choose(Sampler(f, fmt, opaque=True), here, fmt, stencil)
    step = round_step(plan.rounding, fmt, here, np.asarray(choice.h))[0]
    status = str(np.asarray(choice.status, dtype=object).reshape(-1)[0])
    error = np.nan if choice.error is None else float(np.asarray(choice.error).reshape(-1)[0])
    return step, status, choice.message, error
