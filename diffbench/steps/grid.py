"""The grid of steps a sweep looks at: scale * [u/4, 1], decimal or powers of two, rounded to the format.

A step is what the format makes of the request: float16(1e-50) is 0, and two requests that round to the
same number are one step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UnknownNameError, UserError

KINDS = ("decimal", "binary")


@dataclass(frozen=True)
class Steps:
    """Requested steps (float64) and what the format makes of them (its dtype), shape (K,), decreasing."""

    requested: np.ndarray[Any, np.dtype[np.float64]]
    h: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return len(self.h)


def step_grid(fmt: Format, scale: float, per_decade: int = 20, kind: str = "decimal") -> Steps:
    """Steps from ``scale`` down to ``scale * u / 4``.

    Parameters
    ----------
    fmt : Format
    scale : float
        The length over which the function varies; the largest step.
    per_decade : int
        Steps per decade of a decimal grid; a binary grid has every power of two.
    kind : {"decimal", "binary"}

    Raises
    ------
    UserError
        If ``per_decade`` is not a positive integer or the kind is unknown.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of step grid", kind, KINDS)
    if not isinstance(per_decade, int) or per_decade < 1:
        raise UserError(f"steps per decade must be a positive integer, not {per_decade!r}")
    low, high = max(scale * fmt.u / 4, 5e-324), scale
    if kind == "binary":
        exponents = np.arange(int(np.floor(np.log2(high))), int(np.ceil(np.log2(low))) - 1, -1)
        return round_steps(fmt, np.ldexp(1.0, exponents))
    # 10**(i/per_decade), spelled so that whole decades are exact powers of ten
    first = int(np.floor(np.log10(high) * per_decade + 1e-9))
    last = int(np.ceil(np.log10(low) * per_decade - 1e-9))
    index = np.arange(first, last - 1, -1)
    decade, rest = np.divmod(index, per_decade)
    requested = np.array([float(f"1e{d}") for d in decade.tolist()]) * 10.0 ** (rest / per_decade)
    if requested.size == 0:  # a scale so small that the range holds no step of the grid
        requested = np.array([scale])
    return round_steps(fmt, requested)


def given_steps(fmt: Format, steps: Iterable[float]) -> Steps:
    """Steps the user asks for, in decreasing order.

    Raises
    ------
    UserError
        If there are none, or one is not a number, not finite, or not positive.
    """
    try:
        requested = np.array([float(s) for s in steps], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"steps must be a sequence of numbers, not {steps!r}") from error
    if requested.size == 0:
        raise UserError("the step grid is empty: give at least one step, for example steps=[1e-4]")
    if not np.all(np.isfinite(requested)) or np.any(requested <= 0):
        raise UserError("steps must be positive and finite: a difference quotient divides by h")
    return round_steps(fmt, np.sort(requested)[::-1])


def round_steps(fmt: Format, requested: np.ndarray[Any, np.dtype[np.float64]]) -> Steps:
    """Round requests to the format and keep every resulting step once."""
    h = fmt.round(requested)
    _, first = np.unique(h.astype(np.longdouble), return_index=True)
    keep = np.sort(first)
    return Steps(requested[keep], h[keep])
