"""A function of several variables along a line: a program of one variable, in every arithmetic.

* ``along_coordinate(f, x, i)``: t -> f(x with x[i] = t).
* ``along_direction(f, x, v)``: t -> f(x + t v).

Step rules, sweeps and the exact split of an error work on these as on any program of one variable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Program = Callable[..., Any]
Raw = np.ndarray[Any, Any]


def along_coordinate(f: Program, x: Raw, i: int, *, vectorized: bool = True) -> Program:
    """The function of coordinate ``i`` alone, the others fixed at ``x`` (shape (n,)); elementwise."""
    before, after = x[:i], x[i + 1 :]

    def restricted(t: Any) -> Any:
        shape = np.shape(t)
        flat = np.reshape(t, (1, -1))
        parts = [_repeated(before, flat), flat, _repeated(after, flat)]
        nodes = np.concatenate([p for p in parts if p is not None])
        return _results(f, nodes, shape, vectorized)

    return restricted


def along_direction(f: Program, x: Raw, v: Raw, *, vectorized: bool = True) -> Program:
    """t -> f(x + t v) for ``x`` and ``v`` of shape (n,); elementwise."""

    def restricted(t: Any) -> Any:
        shape = np.shape(t)
        nodes = x[:, None] + v[:, None] * np.reshape(t, (1, -1))
        return _results(f, nodes, shape, vectorized)

    return restricted


def _repeated(fixed: Raw, flat: Any) -> Any:
    return np.repeat(fixed[:, None], flat.shape[1], axis=1) if len(fixed) else None


def _results(f: Program, nodes: Any, shape: tuple[int, ...], vectorized: bool) -> Any:
    """Values of the shape of t, after the shape of the outputs if there are several."""
    value = f(nodes) if vectorized else [f(nodes[:, k]) for k in range(nodes.shape[1])]
    if isinstance(value, list | tuple):
        value = np.stack(list(value), axis=0 if vectorized else -1)
    return np.reshape(value, (*np.shape(value)[:-1], *shape))
