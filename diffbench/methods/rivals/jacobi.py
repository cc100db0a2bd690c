"""jacobi (H. Dembinski): polynomial fits to central differences at steps 0.25 |x| / 2^i."""

from __future__ import annotations

from typing import Any

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival


@rival(
    package="jacobi",
    tested="0.9.2",
    docs="README, first example",
    formats=("float16", "bfloat16", "float32", "float64"),
    lacks="NumPy has no linear algebra in it",
)
def jacobi_default(f: Any, x: Any) -> Estimate:
    """jacobi.jacobi(f, x)"""
    from jacobi import jacobi

    value, error = jacobi(f, x)
    return Estimate(value, error=error)
