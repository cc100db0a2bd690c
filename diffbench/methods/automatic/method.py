"""The estimator as a method: results of many points as one :class:`Estimate` in the format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UserError
from diffbench.methods.automatic.drive import (
    Columns,
    Sample,
    _one_by_one,
    empty_columns,
    estimate_array,
    estimate_many,
)
from diffbench.methods.automatic.second import second_steps
from diffbench.methods.estimate import Estimate
from diffbench.steps.sampler import Sampler

TOGETHER = 4096  # points: what is known of each takes a few kB


def auto(f: Callable[..., Any], fmt: Format, points: Any, derivative: int) -> Estimate:
    """The derivative at every point, with its bound and its status.

    Raises
    ------
    UserError
        If the derivative order is not 1 or 2, or the function is not elementwise.
    RefusedError
        If the function cannot run strictly in the format.
    """
    if derivative not in (1, 2):
        raise UserError(f"auto does derivatives of order 1, 2, not {derivative}: use method='central-2'")
    where = np.asarray(points)
    sampler = Sampler(f, fmt, opaque=bool(getattr(f, "opaque", False)))
    columns = (estimate_array if derivative == 1 else second_array)(sampler, where.reshape(-1), fmt)
    if sampler.message and (columns.evaluations == 1).all():
        f(where)  # it raises at every point: the caller sees its own exception
    return _estimate(columns, fmt, where.shape, sampler.message)


def second_array(sample: Sample, x: Any, fmt: Format) -> Columns:
    """Second derivatives at an array of one dimension, point by point; their nodes are sampled together."""
    columns = empty_columns(len(x), fmt)
    for start in range(0, len(x), TOGETHER):
        some = list(x[start : start + TOGETHER])
        results = estimate_many(sample, some, fmt, engine=second_steps)
        _one_by_one(columns, np.arange(start, start + len(some)), results)
    return columns


def _estimate(columns: Columns, fmt: Format, shape: tuple[int, ...], raised: str) -> Estimate:
    exact = columns.value
    value = fmt.round(exact)
    with np.errstate(invalid="ignore"):
        lost = np.abs(value.astype(exact.dtype) - exact).astype(np.float64)  # rounded to the format
    bound = columns.bound + np.where(np.isnan(lost), np.inf, lost)
    first = next((r for _, r in sorted(columns.results.items()) if r.status != "ok"), None)
    message = "" if first is None else f"{first.reason} ({raised})" if raised else first.reason
    return Estimate(
        value.reshape(shape)[()],
        fmt.round(columns.h).reshape(shape)[()],
        columns.evaluations.reshape(shape)[()],
        "ok" if first is None else first.status,
        message,
        bound.reshape(shape)[()],
        columns.status.reshape(shape).copy(),
    )
