"""derivkit (N. Sarcevic and others): a polynomial fitted on a Chebyshev grid, and its error proxy."""

from __future__ import annotations

from typing import Any

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival


@rival(
    package="derivkit",
    tested="1.4.0",
    docs="DerivativeKit, Example",
    derivatives=(1, 2, 3, 4),
    formats=("bfloat16", "float32", "float64"),
    lacks="NumPy has no linear algebra in it",
)
def adaptive(f: Any, x: Any, derivative: int) -> Estimate:
    """derivkit.DerivativeKit(f, x0=x).differentiate(order=m)"""
    from derivkit import DerivativeKit

    kit = DerivativeKit(f, x0=x)
    value, error = kit.differentiate(order=derivative, return_error=True)
    return Estimate(value, error=error)
