"""x = 0 or f(x) = 0: relative steps and relative errors of f mean nothing here."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "x = 0 or f(x) = 0"


@problem(at=0.0, cite="NIST DLMF, section 4.14", tags=("elementary", "odd", "periodic"))
def sin_at_zero(x):
    return np.sin(x)


@problem(
    at=0.0, cite="Boisgerault, Numerical Differentiation (lecture notes)", tags=("elementary", "textbook")
)
def exp_at_zero(x):
    return np.exp(x)


@problem(at=0.0, cite="NIST DLMF, section 4.2", tags=("elementary",))
def expm1_at_zero(x):
    return np.expm1(x)


@problem(at=1.0, cite="NIST DLMF, section 4.2", tags=("elementary",), domain=(0, np.inf))
def log_at_one(x):
    return np.log(x)


@problem(at=0.0, cite="NIST DLMF, section 4.2", tags=("elementary",), domain=(-1, np.inf))
def log1p_at_zero(x):
    return np.log1p(x)


@problem(at=0.0, cite="NIST DLMF, section 4.28", tags=("elementary", "odd"))
def sinh_at_zero(x):
    return np.sinh(x)


@problem(at=0.0, cite="NIST DLMF, section 10.2", tags=("special", "scipy", "odd"))
def bessel_j1_at_zero(x):
    from scipy import special

    return special.jv(1, x)


@problem(at=0.0, cite="Fornberg, Math. Comp. 51 (1988) 699-706", tags=("polynomial", "odd"))
def identity(x):
    return x
