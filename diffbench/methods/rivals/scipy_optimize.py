"""scipy.optimize: the forward difference users call, and the 3-point one its solvers use."""

from __future__ import annotations

from typing import Any

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival


@rival(
    package="scipy",
    tested="1.17.1",
    name="scipy.approx_fprime",
    docs="scipy.optimize.approx_fprime",
    module="scipy.optimize",
)
def approx_fprime(f: Any, x: Any) -> Estimate:
    """scipy.optimize.approx_fprime(x, f)"""
    from scipy.optimize import approx_fprime

    return Estimate(approx_fprime(x, f))


@rival(
    package="scipy",
    tested="1.17.1",
    name="scipy.approx_derivative",
    docs="scipy.optimize.least_squares, jac='3-point'",
    formats=("float16", "float32", "float64", "longdouble"),
    lacks="SciPy takes NumPy's own dtypes only",
    module="scipy.optimize",
)
def approx_derivative(f: Any, x: Any) -> Estimate:
    """scipy.optimize._numdiff.approx_derivative(f, x, method="3-point")"""
    from scipy.optimize._numdiff import approx_derivative

    return Estimate(approx_derivative(f, x, method="3-point"))
