"""Functions that oscillate fast compared with max(1, |x|): a step that looks small is many periods long."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "oscillatory"


@problem(at=1.0, cite="NIST DLMF, section 4.14", tags=("elementary", "odd", "periodic"), scale=0.1)
def sin_10(x):
    return np.sin(10 * x)


@problem(at=1.0, cite="NIST DLMF, section 4.14", tags=("elementary", "odd", "periodic"), scale=0.01)
def sin_100(x):
    return np.sin(100 * x)


@problem(
    at=2.0625,
    cite="Gilbert & Varadhan, R package numDeriv, example of its manual",
    tags=("composite",),
    scale=0.1,
)
def sin_10_minus_exp(x):
    return np.sin(10 * x) - np.exp(-x)


# the argument is near 8e5: rounding it costs every format more than rounding the sine
@problem(
    at=np.pi / 4,
    cite="Kostyrka, R package pnd (2025), test functions",
    tags=("composite", "overflow"),
    scale=1e-6,
)
def chirp(x):
    return np.sin(x**2 + 1e6 * x)


# near 0.1 one period is 2 pi x^2 = 0.06 long
@problem(
    at=0.1,
    cite="Gelbaum & Olmsted, Counterexamples in Analysis (1964)",
    tags=("composite", "odd"),
    domain=(0, np.inf),
    scale=0.01,
)
def sin_of_reciprocal(x):
    return np.sin(1 / x)


@problem(at=10.0, cite="NIST DLMF, section 6.2", tags=("composite", "even"), domain=(0, np.inf), scale=1.0)
def sin_over_x(x):
    return np.sin(x) / x


@problem(at=10.0, cite="NIST DLMF, section 10.2", tags=("special", "scipy", "even"), scale=1.0)
def bessel_j0(x):
    from scipy import special

    return special.jv(0, x)
