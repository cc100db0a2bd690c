"""``auto`` for a gradient: the estimator of one variable along every coordinate of every point, all together.

The lines through x along its coordinates are different functions, so every node belongs to one of them. What
all lines want next is evaluated in one call of the function, in blocks of bounded memory; f(x) is shared by
the lines of a point. Easy lines of float64 go in lock step, as many points of one variable do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import RefusedError, UserError
from diffbench.methods.automatic.drive import FEW, Columns, _numbers, _one_by_one
from diffbench.methods.automatic.engine import Result, steps
from diffbench.methods.automatic.lockstep import BLOCK, Lockstep
from diffbench.multivariate.nodes import Changed
from diffbench.multivariate.request import Request, rows
from diffbench.multivariate.result import Partials, worst

Raw = np.ndarray[Any, Any]


def automatic(asked: Request) -> Partials:
    """The gradient with a bound for every component, and a status.

    Raises
    ------
    UserError
        If ``f`` returns another shape than it must, or mixes points.
    RefusedError
        If it cannot run strictly in the format.
    """
    lines = Lines(asked)
    checks = asked.checked(lines.evaluator)
    columns = columns_of(lines)
    exact = columns.value
    value = asked.fmt.round(exact)
    with np.errstate(invalid="ignore"):
        lost = np.abs(value.astype(exact.dtype) - exact).astype(np.float64)  # rounded to the format
    bound = columns.bound + np.where(np.isnan(lost), np.inf, lost)
    reasons = [r.reason for _, r in sorted(columns.results.items()) if r.status != "ok"]

    def shaped(flat: Raw) -> Raw:
        return np.ascontiguousarray(flat.reshape(asked.points.shape).T).reshape(asked.x.shape)

    statuses = shaped(columns.status)
    message = f"{reasons[0]} ({lines.raised})" if reasons and lines.raised else "".join(reasons[:1])
    return Partials(
        shaped(value),
        shaped(asked.fmt.round(columns.h)),
        int(lines.count[0]) if (lines.count == lines.count[0]).all() else lines.count.reshape(asked.batch),
        worst(statuses),
        message,
        shaped(bound),
        statuses,
        note=_sides(asked, columns.results),
        checks=checks + lines.evaluator.checks,
    )


class Along(Protocol):
    """A function along every coordinate of one or several points, called with nodes and the line of each.

    Attributes
    ----------
    fmt : Format
    n : int
        Lines of one point.
    x : array, shape (P * n,)
        Where each line has its derivative taken.
    base : array, shape (P,)
        The function's values at the points.
    wide : dtype
        Of the values: float64, or longdouble for longdouble.
    """

    fmt: Format
    n: int
    x: Raw
    base: Raw
    wide: Any

    def __call__(self, line: Raw, nodes: Raw) -> Raw:
        """Values at nodes; NaN or infinite where there is none."""


class Lines:
    """The function along every coordinate of every point; line number = point * n + coordinate.

    Attributes
    ----------
    x : array, shape (P * n,)
        Where each line has its derivative taken.
    base : array, shape (P,)
        The function's values at the points.
    count : array of int, shape (P,)
        Evaluations for each point.
    raised : str
        What the function raised first, where it is called with one point at a time.
    """

    def __init__(self, asked: Request) -> None:
        self.asked, self.n, self.fmt = asked, asked.n, asked.fmt
        self.x: Raw = asked.points.reshape(-1)
        self.wide: Any = np.longdouble if asked.fmt.name == "longdouble" else np.float64
        self.low = None if asked.low is None else rows(asked.low).reshape(-1)
        self.high = None if asked.high is None else rows(asked.high).reshape(-1)
        self.evaluator = asked.evaluator()
        self.raised = ""
        self.count = np.ones(len(asked.points), dtype=int)
        every = np.arange(0, len(self.x), self.n)  # the first line of each point
        self.base: Raw = self._at(every, self.x[every])

    def __call__(self, line: Raw, nodes: Raw) -> Raw:
        """Values at nodes, each with its line; outside the bounds there are none."""
        nodes = self.asked.fmt.round(nodes)
        values = self.base[line // self.n].copy()
        wanted = nodes != self.x[line]
        if self.low is not None and self.high is not None:
            inside = (self.low[line] <= nodes) & (nodes <= self.high[line])
            values[~inside] = np.nan
            wanted &= inside
        if wanted.any():
            values[wanted] = self._evaluated(line[wanted], nodes[wanted])
        return values

    def _evaluated(self, line: Raw, nodes: Raw) -> Raw:
        self.count += np.bincount(line // self.n, minlength=len(self.count))
        if self.evaluator.vectorized:
            return self._at(line, nodes)
        values = np.full(len(line), np.nan, dtype=self.wide)
        for k in range(len(line)):
            try:
                values[k] = self._at(line[k : k + 1], nodes[k : k + 1])[0]
            except (RefusedError, UserError):
                raise
            except Exception as error:  # there is no value at this node, as at the edge of a domain
                self.raised = self.raised or f"{type(error).__name__}: {error}"
        return values

    def _at(self, line: Raw, nodes: Raw) -> Raw:
        point, coordinate = np.divmod(line, self.n)
        nodeset = Changed(self.asked.points, point, coordinate[:, None], nodes[:, None])
        return self.evaluator.at(nodeset)[0].astype(self.wide)


# estimating -----------------------------------------------------------------------------------------------


def columns_of(lines: Along) -> Columns:
    """Results of all lines: easy ones of float64 in lock step, the others one by one."""
    fmt, count = lines.fmt, len(lines.x)
    columns = Columns(
        np.full(count, np.nan, dtype=lines.wide),
        np.full(count, np.inf),
        np.full(count, np.nan),
        np.zeros(count, int),
        np.full(count, "ok", dtype=object),
        {},
    )
    if count < FEW or fmt.name != "float64":
        _one_by_one(columns, np.arange(count), _estimates(lines, np.arange(count)))
        return columns
    hard: dict[int, dict[Any, Any]] = {}

    def finish(index: Raw, value: Raw, bound: Raw, h: Raw, evaluations: int) -> None:
        columns.value[index], columns.bound[index], columns.h[index] = value, bound, h
        columns.evaluations[index] = evaluations

    with np.errstate(all="ignore"):
        _LinesInLockstep(lines, finish, lambda _, known: hard.update(known)).run(lines.x)
    which = np.array(sorted(hard), int)
    for start in range(0, len(which), BLOCK):
        some = which[start : start + BLOCK]
        _one_by_one(columns, some, _estimates(lines, some, [hard[i] for i in some.tolist()]))
    return columns


class _LinesInLockstep(Lockstep):
    """Lines instead of points: every node belongs to one of them."""

    def __init__(
        self,
        lines: Along,
        finish: Callable[[Raw, Raw, Raw, Raw, int], None],
        give_up: Callable[[Raw, dict[int, dict[float, float]]], None],
    ) -> None:
        super().__init__(lines, lines.fmt.u, finish, give_up)
        self.lines = lines

    def values(self, index: Raw, nodes: Raw) -> Raw:
        return self.lines(np.tile(index, len(nodes) // len(index)), nodes)


def _estimates(lines: Along, which: Raw, known: list[dict[Any, Any]] | None = None) -> list[Result]:
    """The estimator on some of the lines; what all of them want next is evaluated in one call."""
    fmt = lines.fmt
    round_, number = _numbers(fmt)
    results: dict[int, Result] = {}
    with np.errstate(all="ignore"):
        pending: list[tuple[int, Any, tuple[Any, ...] | None]] = []
        for k, line in enumerate(which.tolist()):
            x = number(lines.x[line])
            values = {x: number(lines.base[line // lines.n])} if known is None else known[k]
            pending.append((line, steps(x, fmt.u, round_, values), None))
        while pending:
            asking = []
            for line, run, answer in pending:
                try:
                    asking.append((line, run, next(run) if answer is None else run.send(answer)))
                except StopIteration as stop:
                    results[line] = stop.value
            pending = _answered(lines, asking, number)
    return [results[line] for line in which.tolist()]


def _answered(lines: Along, asking: list[Any], number: Any) -> list[Any]:
    """The runs with the values they asked for."""
    if not asking:
        return []
    owner = np.repeat([line for line, _, _ in asking], [len(nodes) for _, _, nodes in asking])
    nodes = np.array([node for _, _, wanted in asking for node in wanted], dtype=lines.wide)
    found = lines(owner, nodes)
    values = iter(found.tolist() if number is float else found)
    return [(line, run, tuple(next(values) for _ in wanted)) for line, run, wanted in asking]


def _sides(asked: Request, results: dict[int, Result]) -> str:
    """Which coordinates were seen from one side only; the bounds are a reason the reader should know."""
    if asked.low is None:
        return ""
    several = len(asked.points) > 1
    seen = []
    for line, result in sorted(results.items()):
        if result.side:
            point, i = divmod(line, asked.n)
            where = f"x[{i}]" + (f" of point {point}" if several else "")
            seen.append(f"{where} {'from the right' if result.side > 0 else 'from the left'}")
    more = f"; and {len(seen) - 8} more" if len(seen) > 8 else ""
    return f"at the bounds, from one side: {'; '.join(seen[:8])}{more}" if seen else ""
