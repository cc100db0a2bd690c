"""Functions of many variables with a structure: the energy of a discretised equation, banded systems."""

import numpy as np

from diffbench.problems.multivariate.registry import problem

GROUP = "structured"


def _bump(n):
    t = np.arange(1, n + 1) / (n + 1)
    return t * (1 - t) * (1 + t)


@problem(
    at=tuple(_bump(8).tolist()),
    cite="Trefethen & Bau, Numerical Linear Algebra, lecture 38; Averick, Carter, Moré & Xue, The MINPACK-2 "
    "test problem collection (1992)",
    tags=("quadratic", "scalable", "sparse"),
    start=_bump,
)
def poisson(u):
    """Energy of -u'' = pi^2 sin(pi t) with u = 0 at both ends, on n inner points."""
    n = u.shape[0]
    h = 1 / (n + 1)
    load = np.pi**2 * np.sin(np.pi * np.arange(1, n + 1) * h)[:, None]
    slopes = np.sum((u[1:] - u[:-1]) ** 2, axis=0) + u[0] ** 2 + u[-1] ** 2
    return slopes / (2 * h) - h * np.sum(load * u, axis=0)


def _minus_one(n):
    return np.full(n, -1.0)


@problem(
    at=tuple(_minus_one(10).tolist()),
    cite="Moré, Garbow & Hillstrom, ACM TOMS 7 (1981), problem 30",
    tags=("jacobian", "polynomial", "sparse", "scalable"),
    several=True,
    start=_minus_one,
)
def broyden_tridiagonal(x):
    zero = np.zeros_like(x[:1])
    before = np.concatenate([zero, x[:-1]])
    after = np.concatenate([x[1:], zero])
    return (3 - 2 * x) * x - before - 2 * after + 1


@problem(
    at=tuple(_minus_one(10).tolist()),
    cite="Moré, Garbow & Hillstrom, ACM TOMS 7 (1981), problem 31",
    tags=("jacobian", "polynomial", "sparse", "scalable"),
    several=True,
    start=_minus_one,
)
def broyden_banded(x):
    """Each output depends on five coordinates before its own and on one after."""
    n = x.shape[0]
    terms = x * (1 + x)
    below = [np.concatenate([np.zeros_like(x[:k]), terms[: n - k]]) for k in range(1, min(6, n))]
    above = np.concatenate([terms[1:], np.zeros_like(x[:1])])
    total = above
    for part in below:
        total = total + part
    return x * (2 + 5 * x**2) + 1 - total
