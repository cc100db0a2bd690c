"""One coordinate of a function of several variables, as a function of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffbench.errors import UserError


def along(f: Callable[..., Any], point: Sequence[float], component: int) -> Callable[[Any], Any]:
    """``t -> f(point with t in one place)``, elementwise in t.

    Parameters
    ----------
    f : callable
        Takes x of shape (n, ...), coordinates first, and reduces over axis 0.
    point : sequence of float, shape (n,)
        The other coordinates stay there.
    component : int

    Raises
    ------
    UserError
        If there is no such component.
    """
    fixed = [float(value) for value in point]
    if not 0 <= component < len(fixed):
        raise UserError(f"the point has components 0 to {len(fixed) - 1}, not {component!r}")

    def line(t: Any) -> Any:
        one = np.ones_like(t)
        return f(np.stack([t if i == component else value * one for i, value in enumerate(fixed)]))

    line.__name__ = f"{getattr(f, '__name__', 'f')} along component {component}"
    return line
