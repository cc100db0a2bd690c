"""The few operations in which rules for one point and rules for an array of points differ.

A rule written with these, with + - * / and with abs, serves both: ``FLOATS`` for one point,
``ARRAYS`` for many.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Operations:
    """Functions of numbers, or of arrays element by element."""

    maximum: Callable[[Any, Any], Any]
    minimum: Callable[[Any, Any], Any]
    sqrt: Callable[[Any], Any]
    log: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]
    negate: Callable[[Any], Any]  # of truth values
    any: Callable[[Any], bool]
    power: Callable[[float, Any], Any]
    rint: Callable[[Any], Any]
    root: Callable[[Any, Any], Any]  # of a ratio, over a gap: a small whole number
    raised: Callable[[Any, Any], Any]  # ... and back


def _choose(condition: bool, yes: Any, no: Any) -> Any:
    return yes if condition else no


def _not(condition: bool) -> bool:
    return not condition


def _root(ratio: float, gap: float) -> float:
    return ratio if gap == 1 else math.sqrt(ratio) if gap == 2 else ratio ** (1.0 / gap)


def _power(base: float, exponent: float) -> float:
    try:
        return base**exponent
    except OverflowError:  # where NumPy says infinite
        return math.inf


def _roots(ratio: Any, gap: Any) -> Any:
    """Square roots, and the slow general power only where a gap is larger."""
    if np.ndim(gap) == 0:
        return ratio if gap == 1 else np.sqrt(ratio) if gap == 2 else np.power(ratio, 1.0 / gap)
    found = np.where(gap == 1, ratio, np.sqrt(ratio))
    wide = np.flatnonzero(gap > 2)
    if len(wide):
        found[wide] = np.power(ratio[wide], 1.0 / gap[wide])
    return found


def _powers(decay: Any, gap: Any) -> Any:
    """Products, which are faster than the general power."""
    found = decay
    for g in range(2, int(np.max(gap)) + 1):
        found = found * decay if np.ndim(gap) == 0 else np.where(gap >= g, found * decay, found)
    return found


FLOATS = Operations(max, min, math.sqrt, math.log, _choose, _not, bool, _power, round, _root, _power)
ARRAYS = Operations(
    np.maximum,
    np.minimum,
    np.sqrt,
    np.log,
    np.where,
    np.logical_not,
    np.any,
    np.power,
    np.rint,
    _roots,
    _powers,
)
