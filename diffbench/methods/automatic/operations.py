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


def _choose(condition: bool, yes: Any, no: Any) -> Any:
    return yes if condition else no


def _not(condition: bool) -> bool:
    return not condition


FLOATS = Operations(max, min, math.sqrt, math.log, _choose, _not, bool, pow, round)
ARRAYS = Operations(
    np.maximum, np.minimum, np.sqrt, np.log, np.where, np.logical_not, np.any, np.power, np.rint
)
