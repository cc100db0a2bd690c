"""numdifftools (P. A. Brodtkorb): Richardson extrapolation and Wynn's epsilon on a long sequence of steps."""

from __future__ import annotations

from typing import Any

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import number, rival

TESTED = "0.11.2"
DOCS = "numdifftools.Derivative, Examples"
LACKS = "SciPy has no convolution in it"
FORMATS = ("float16", "bfloat16", "float32", "float64")


def _derivative(f: Any, x: Any, derivative: int, **options: Any) -> Estimate:
    import numdifftools as nd

    # full_output adds the error estimate and one call, f(x) itself; the derivative is the same
    found = nd.Derivative(f, n=derivative, full_output=True, **options)(x)
    return Estimate(found.estimate, number(found.final_step), error=found.error_estimate)


@rival(
    package="numdifftools", tested=TESTED, docs=DOCS, derivatives=(1, 2, 3, 4), formats=FORMATS, lacks=LACKS
)
def central(f: Any, x: Any, derivative: int) -> Estimate:
    """numdifftools.Derivative(f, n=m)(x)"""
    return _derivative(f, x, derivative)


@rival(
    package="numdifftools",
    tested=TESTED,
    docs=DOCS,
    name="numdifftools.forward",
    derivatives=(1, 2, 3, 4),
    formats=FORMATS,
    lacks=LACKS,
)
def forward(f: Any, x: Any, derivative: int) -> Estimate:
    """numdifftools.Derivative(f, n=m, method="forward")(x)"""
    return _derivative(f, x, derivative, method="forward")


@rival(
    package="numdifftools",
    tested=TESTED,
    docs=DOCS,
    name="numdifftools.complex",
    derivatives=(1, 2, 3, 4),
    formats=("float64",),
    lacks="complex numbers here are complex128",
)
def complex_(f: Any, x: Any, derivative: int) -> Estimate:
    """numdifftools.Derivative(f, n=m, method="complex")(x)"""
    return _derivative(f, x, derivative, method="complex")
