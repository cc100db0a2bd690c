"""A stencil's weighted sum in the wide dtype: whole numerators, one division.

A weight such as 2/3 as a float64 number would cost longdouble its last eleven bits, and let what should
cancel leave a remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Any

import numpy as np

from diffbench.stencils import Stencil

Wide = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Sum:
    """Offsets in units of the step, whole numerators and their denominator; terms without weight left out."""

    offsets: tuple[float, ...]
    numerators: tuple[float, ...]
    denominator: float

    def __call__(self, values: Sequence[Wide] | Wide) -> Wide:
        """``sum n_j v_j / d`` of values at the offsets."""
        total = sum(n * v for n, v in zip(self.numerators, values, strict=True))
        return np.asarray(total / self.denominator if self.denominator != 1 else total)

    @property
    def size(self) -> float:
        """The sum of the weights' sizes."""
        return sum(map(abs, self.numerators)) / self.denominator


def sum_of(terms: dict[Fraction, Fraction]) -> Sum:
    """Weights by offset, in increasing order of the offsets."""
    kept = sorted((s, w) for s, w in terms.items() if w)
    d = lcm(*(w.denominator for _, w in kept))
    return Sum(tuple(float(s) for s, _ in kept), tuple(float(w * d) for _, w in kept), float(d))


@lru_cache(maxsize=256)
def stencil_sum(stencil: Stencil) -> Sum:
    """``h^m D_h`` of a stencil."""
    return sum_of(dict(zip(stencil.offsets, stencil.weights, strict=True)))
