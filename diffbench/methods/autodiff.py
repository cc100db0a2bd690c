"""Automatic differentiation as methods: no step, no truncation, only the rounding of the format.

* ``jet``: forward mode, truncated Taylor series; every order in one run.
* ``reverse``: the tape, differentiated by itself for orders above 1.

Both run the program's own operations in the format. At a tie they follow the branch that is taken: maximum
and minimum give half of the slope to each side, and abs'(0) = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.jets import JetArithmetic
from diffbench.arithmetic.tape.arithmetic import tape_of
from diffbench.arithmetic.tape.gradient import pull
from diffbench.methods.estimate import Estimate

Program = Callable[..., Any]


def jet(f: Program, fmt: Format, points: Any, derivative: int) -> Estimate:
    """The derivative by Taylor series of the format's numbers."""
    with np.errstate(all="ignore"):
        value = JetArithmetic(FormatArithmetic(fmt), derivative).derivative(f, points)
    return judged(value)


def reverse(f: Program, fmt: Format, points: Any, derivative: int) -> Estimate:
    """The derivative by the tape; above order 1 by reverse mode over reverse mode."""
    tape = tape_of(fmt)
    with np.errstate(all="ignore"):
        start = tape.wrap(np.array(points))
        y: Any = tape.follow(f, start)
        tape.result(y, start.shape)  # the program must work element by element
        y = np.broadcast_to(y, start.shape) if y.shape != start.shape else y
        seed = np.ones(start.shape, dtype=fmt.dtype)  # no point depends on another: one pass serves all
        for order in range(1, derivative + 1):
            y = pull(y, start, seed, create_graph=order < derivative, finite=False)
    return judged(y.raw)


def judged(value: Any) -> Estimate:
    """A value and whether to believe it."""
    if np.isnan(value).any():
        return Estimate(value[()], evaluations=1, status="domain", message=_OUTSIDE)
    if np.isinf(value).any():
        return Estimate(value[()], evaluations=1, status="overflow", message=_INFINITE)
    return Estimate(value[()], evaluations=1)


_OUTSIDE = (
    "the derivative came out as NaN: x is outside the domain, or a branch that np.where does not choose is "
    "not finite there; guard its argument, as in np.sqrt(np.where(x > 0, x, 1))"
)
_INFINITE = "the derivative is infinite in the format: it has none there, or rescale, or use a wider format"
