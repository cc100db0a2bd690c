"""scipy.differentiate: an order-8 geometric stencil, halved until two results agree to sqrt(eps)."""

from __future__ import annotations

from typing import Any

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival

#: Result flags of scipy.differentiate.derivative, as its reference describes them.
FLAGS = {
    -1: ("low_confidence", "the error estimate increased, so the iteration was stopped"),
    -2: ("low_confidence", "not converged after 10 iterations"),
    -3: ("domain", "a value that is not finite was met"),
}


@rival(
    package="scipy",
    tested="1.17.1",
    name="scipy.differentiate",
    docs="scipy.differentiate.derivative, Examples",
    module="scipy.differentiate",
)
def derivative(f: Any, x: Any) -> Estimate:
    """scipy.differentiate.derivative(f, x)"""
    from scipy.differentiate import derivative

    found = derivative(f, x)
    status, message = FLAGS.get(int(found.status), ("ok", ""))
    return Estimate(found.df, error=found.error, status=status, message=message)
