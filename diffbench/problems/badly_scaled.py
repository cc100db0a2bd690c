"""Functions whose values, derivatives or natural step are orders of magnitude away from 1."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "badly scaled"

SHI = "Shi, Xie, Xuan & Nocedal, SIAM J. Sci. Comput. 44 (2022) A2302-A2321, arXiv:2110.06380"


# the best central step is about 14 at x = 1, not 6e-6
@problem(
    at=1.0,
    cite="Baudin, Python package numericalderivative, ScaledExponentialProblem",
    tags=("elementary", "overflow"),
    scale=1e6,
)
def slow_exp(x):
    return np.exp(-x / 1e6)


@problem(at=0.01, cite=SHI, tags=("elementary", "textbook", "overflow"), scale=0.01)
def fast_exp(x):
    return np.exp(100 * x)


@problem(at=1e-9, cite=SHI, tags=("polynomial", "textbook"), scale=0.01)
def nearly_odd_cubic(x):
    return 1e4 * x**3 + 0.01 * x**2 + 5 * x


@problem(at=10.0, cite="NIST DLMF, section 4.2", tags=("elementary", "overflow"), scale=1.0)
def exp_at_10(x):
    return np.exp(x)


@problem(at=3.0, cite="NIST DLMF, section 4.2", tags=("polynomial", "even", "overflow"))
def tenth_power(x):
    return x**10
