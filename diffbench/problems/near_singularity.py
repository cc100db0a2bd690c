"""Points close to a pole, a branch point or the end of the domain: the scale is the distance to it."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "near a singularity"


@problem(at=2.0**-10, cite="NIST DLMF, section 4.2", tags=("elementary",), domain=(0, np.inf), scale=1e-3)
def log_near_zero(x):
    return np.log(x)


@problem(at=2.0**-10, cite="NIST DLMF, section 4.2", tags=("elementary",), domain=(0, np.inf), scale=1e-3)
def sqrt_near_zero(x):
    return np.sqrt(x)


@problem(
    at=1.57,
    cite="NIST DLMF, section 4.14",
    tags=("elementary", "odd"),
    domain=(-np.pi / 2, np.pi / 2),
    scale=1e-3,
)
def tan_near_pole(x):
    return np.tan(x)


@problem(at=0.99, cite="NIST DLMF, section 15.4", tags=("rational",), domain=(-np.inf, 1), scale=0.01)
def geometric_series(x):
    return 1 / (1 - x)


@problem(at=0.999, cite="NIST DLMF, section 4.23", tags=("elementary",), domain=(-1, 1), scale=1e-3)
def arccos_near_one(x):
    return np.arccos(x)


@problem(at=0.99, cite="NIST DLMF, section 4.37", tags=("elementary", "odd"), domain=(-1, 1), scale=0.01)
def arctanh_near_one(x):
    return np.arctanh(x)
