"""fdm (W. Bruinsma), the Python sister of FiniteDifferences.jl: a step from estimated bounds."""

from __future__ import annotations

from typing import Any

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival


@rival(package="fdm", tested="0.5.0", docs="README, Scalar Derivatives", derivatives=(1, 2))
def central(f: Any, x: Any, derivative: int) -> Estimate:
    """fdm.central_fdm(order=5, deriv=m)(f, x)"""
    from fdm import central_fdm

    method = central_fdm(order=5, deriv=derivative)
    value = method(f, x)
    return Estimate(value, method.step, error=method.acc)
