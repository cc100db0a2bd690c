"""Feeding the estimator: one point at a time, or many in lock step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.methods.automatic.engine import Result, steps
from diffbench.methods.automatic.lockstep import BLOCK, Lockstep
from diffbench.methods.automatic.pairs import rounder

FEW = 32  # points for which blocks do not pay
KEPT = 1 << 21  # numbers: more than the arrays of a block take together

#: Values at an array of nodes, NaN or infinite where there is none; float64 (longdouble for longdouble).
Sample = Callable[[Any], Any]


def estimate(sample: Sample, x: Any, fmt: Format) -> Result:
    """The derivative of a function known by its values, at one point.

    Parameters
    ----------
    sample : callable
        ``sample(nodes)`` -> values: arrays of one dimension; a value that does not exist is NaN.
    x : float
        A number of the format.
    fmt : Format
        The format of the nodes and of the values.
    """
    return estimate_many(sample, [x], fmt)[0]


def estimate_many(
    sample: Sample,
    points: Any,
    fmt: Format,
    known: list[dict[Any, Any]] | None = None,
    engine: Callable[..., Any] = steps,
) -> list[Result]:
    """... at many points; the nodes that all of them want next are sampled in one call.

    ``known`` has for every point the values that were already sampled, by node; ``engine`` is what asks for
    them.
    """
    round_, number = _numbers(fmt)
    results: list[Any] = [None] * len(points)
    known = [{} for _ in points] if known is None else known
    with np.errstate(all="ignore"):
        running = [
            (i, engine(number(x), fmt.u, round_, values))
            for i, (x, values) in enumerate(zip(points, known, strict=True))
        ]
        waiting = []
        for i, run in running:
            try:
                waiting.append((i, run, next(run)))
            except StopIteration as stop:  # everything it asks for is known
                results[i] = stop.value
        while waiting:
            nodes = [n for _, _, wanted in waiting for n in wanted]
            values = iter(_values(sample, nodes, fmt, number))
            still = []
            for i, run, wanted in waiting:
                try:
                    still.append((i, run, run.send(tuple(next(values) for _ in wanted))))
                except StopIteration as stop:
                    results[i] = stop.value
            waiting = still
    return results


@dataclass
class Columns:
    """Results of many points as arrays; ``results`` has those that were looked at one by one, by index."""

    value: Any
    bound: Any
    h: Any
    evaluations: Any
    status: Any
    results: dict[int, Result]


def empty_columns(n: int, fmt: Format) -> Columns:
    """Room for the results of n points; the status is the same for all until one differs."""
    return Columns(
        np.empty(n, dtype=np.longdouble if fmt.name == "longdouble" else np.float64),
        np.empty(n),
        np.empty(n),
        np.empty(n, int),
        np.broadcast_to(np.array("ok", dtype=object), n),
        {},
    )


def estimate_array(sample: Sample, x: Any, fmt: Format) -> Columns:
    """... at an array of one dimension: easy points of float64 in lock step, the others one by one."""
    n = len(x)
    columns = empty_columns(n, fmt)
    if n > BLOCK:  # glibc then keeps freed memory of this size instead of returning it at every block's end
        np.empty(KEPT)
    if n < FEW or fmt.name != "float64":
        _one_by_one(columns, np.arange(n), estimate_many(sample, list(x), fmt))
    else:
        _Together(sample, np.ascontiguousarray(x), fmt, columns).run()
    return columns


class _Together:
    """Easy points in lock step; the others are collected and done one by one."""

    def __init__(self, sample: Sample, x: Any, fmt: Format, columns: Columns) -> None:
        self.sample, self.x, self.fmt, self.columns = sample, x, fmt, columns
        self.hard: dict[int, dict[Any, Any]] = {}

    def run(self) -> None:
        """All points."""
        with np.errstate(all="ignore"):
            Lockstep(self.sample, self.fmt.u, self._finish, self._collect).run(self.x)
            self._do_hard()

    def _finish(self, index: Any, value: Any, bound: Any, h: Any, evaluations: int) -> None:
        columns = self.columns
        columns.value[index], columns.bound[index], columns.h[index] = value, bound, h
        columns.evaluations[index] = evaluations

    def _collect(self, index: Any, known: dict[int, dict[Any, Any]]) -> None:
        self.hard.update(known)
        if len(self.hard) >= BLOCK:
            self._do_hard()

    def _do_hard(self) -> None:
        index = np.array(sorted(self.hard), int)
        known = [self.hard[i] for i in index.tolist()]
        self.hard = {}
        _one_by_one(self.columns, index, estimate_many(self.sample, self.x[index].tolist(), self.fmt, known))


def _one_by_one(columns: Columns, index: Any, results: list[Result]) -> None:
    for i, result in zip(index.tolist(), results, strict=True):
        columns.value[i], columns.bound[i], columns.h[i] = result.value, result.bound, result.h
        columns.evaluations[i] = result.evaluations
        if result.status != "ok":
            if not columns.status.flags.writeable:
                columns.status = columns.status.copy()
            columns.status[i] = result.status
        columns.results[i] = result


def _values(sample: Sample, nodes: list[Any], fmt: Format, number: Callable[[Any], Any]) -> list[Any]:
    if fmt.name != "longdouble":
        return list(np.asarray(sample(np.array(nodes)), dtype=np.float64).tolist())
    return list(np.asarray(sample(np.array(nodes, dtype=np.longdouble)), dtype=np.longdouble))


def _numbers(fmt: Format) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """How nodes are rounded to the format, and the type the estimator calculates with."""
    if fmt.name == "longdouble":
        return _same, np.longdouble
    if fmt.name == "float64":
        return _same, float
    return rounder(fmt.precision, fmt.min_exponent, fmt.max), float


def _same(value: Any) -> Any:
    return value
