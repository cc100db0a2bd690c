"""Functions with derivatives that vanish at the point: zero truncation, zero curvature, or a zero answer."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "vanishing derivatives"

FORNBERG = "Fornberg, Math. Comp. 51 (1988) 699-706: stencils are exact on polynomials of low degree"


@problem(at=(1.0, 4.0), cite=FORNBERG, tags=("polynomial", "even", "textbook"))
def square(x):
    return x**2


@problem(at=np.pi, cite="NIST DLMF, section 4.14", tags=("elementary", "odd", "periodic"))
def sin_at_pi(x):
    return np.sin(x)


@problem(at=0.0, cite="NIST DLMF, section 4.14", tags=("elementary", "even", "periodic"))
def cos_at_zero(x):
    return np.cos(x)


@problem(at=0.0, cite="NIST DLMF, section 4.28", tags=("elementary", "even"))
def cosh_at_zero(x):
    return np.cosh(x)


@problem(at=0.0, cite="NIST DLMF, section 7.2", tags=("composite", "even"))
def gaussian(x):
    return np.exp(-(x**2))


# its minimum, where the two real branches of Lambert's W meet
@problem(at=-1.0, cite="NIST DLMF, section 4.13", tags=("composite",))
def x_exp_x(x):
    return x * np.exp(x)


@problem(at=1.0, cite=FORNBERG, tags=("polynomial", "even"))
def constant(x):
    return 5 + 0 * x


@problem(at=0.1, cite=FORNBERG, tags=("polynomial",))
def linear(x):
    return np.pi * x + np.e
