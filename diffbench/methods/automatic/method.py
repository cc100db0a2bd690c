"""The estimator as a method: results of many points as one :class:`Estimate` in the format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UserError
from diffbench.methods.automatic.drive import estimate_many
from diffbench.methods.automatic.engine import Result
from diffbench.methods.estimate import Estimate
from diffbench.steps.sampler import Sampler


def auto(f: Callable[..., Any], fmt: Format, points: Any, derivative: int) -> Estimate:
    """The derivative at every point, with its bound and its status.

    Raises
    ------
    UserError
        If the derivative order is not 1, or the function is not elementwise.
    RefusedError
        If the function cannot run strictly in the format.
    """
    if derivative != 1:
        raise UserError(f"auto estimates first derivatives, not order {derivative}: use method='central-2'")
    where = np.asarray(points)
    sampler = Sampler(f, fmt, opaque=bool(getattr(f, "opaque", False)))
    results = estimate_many(sampler, list(where.reshape(-1)), fmt)
    if sampler.message and all(r.evaluations == 1 for r in results):
        f(where)  # it raises at every point: the caller sees its own exception
    return _together(results, fmt, where.shape, sampler.message)


def _together(results: list[Result], fmt: Format, shape: tuple[int, ...], raised: str) -> Estimate:
    wide = np.longdouble if fmt.name == "longdouble" else np.float64

    def column(name: str, dtype: Any) -> Any:
        return np.array([getattr(r, name) for r in results], dtype=dtype).reshape(shape)

    exact = column("value", wide)
    value = fmt.round(exact)
    with np.errstate(invalid="ignore"):
        lost = np.abs(value.astype(wide) - exact).astype(np.float64)  # the answer is rounded to the format
    bound = column("bound", np.float64) + np.where(np.isnan(lost), np.inf, lost)
    statuses = column("status", object)
    first = next((r for r in results if r.status != "ok"), None)
    message = "" if first is None else f"{first.reason} ({raised})" if raised else first.reason
    return Estimate(
        value[()],
        fmt.round(column("h", np.float64))[()],
        column("evaluations", int)[()],
        "ok" if first is None else first.status,
        message,
        bound[()],
        statuses,
    )
