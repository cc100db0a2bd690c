"""Feeding the estimator: one point at a time, or many in lock step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.methods.automatic.engine import Result, steps
from diffbench.methods.automatic.pairs import rounder

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


def estimate_many(sample: Sample, points: Any, fmt: Format) -> list[Result]:
    """... at many points; the nodes that all of them want next are sampled in one call."""
    round_, number = _numbers(fmt)
    results: list[Any] = [None] * len(points)
    with np.errstate(all="ignore"):
        running = [(i, steps(number(x), fmt.u, round_)) for i, x in enumerate(points)]
        waiting = [(i, run, next(run)) for i, run in running]
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
