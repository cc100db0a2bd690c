"""Residual vectors of the collection of Moré, Garbow and Hillstrom, for Jacobians."""

import numpy as np

from diffbench.problems.multivariate.more_garbow_hillstrom import MGH, TIMES
from diffbench.problems.multivariate.registry import problem

GROUP = "Moré-Garbow-Hillstrom residuals"


@problem(at=(-1.2, 1.0), cite=MGH + "1", tags=("jacobian", "polynomial"), several=True)
def rosen_residuals(x):
    return np.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


@problem(at=(0.5, -2.0), cite=MGH + "2", tags=("jacobian", "polynomial"), several=True)
def freud_residuals(x):
    first = -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1]
    return np.stack([first, -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]])


@problem(at=(0.0, 1.0), cite=MGH + "3", tags=("jacobian", "badly scaled"), several=True)
def pbs_residuals(x):
    return np.stack([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


@problem(at=(1.0, 1.0), cite=MGH + "5", tags=("jacobian", "polynomial"), several=True)
def beale_residuals(x):
    return np.stack([y - x[0] * (1 - x[1] ** k) for k, y in ((1, 1.5), (2, 2.25), (3, 2.625))])


@problem(at=(-1.0, 0.0, 0.0), cite=MGH + "7", tags=("jacobian", "branch"), several=True)
def helical_residuals(x):
    angle = np.arctan(x[1] / x[0]) / (2 * np.pi) + np.where(x[0] > 0, 0.0, 0.5)
    return np.stack([10 * (x[2] - 10 * angle), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


@problem(at=(3.0, -1.0, 0.0, 1.0), cite=MGH + "13", tags=("jacobian", "polynomial"), several=True)
def powell_residuals(x):
    first = [x[0] + 10 * x[1], np.sqrt(5.0) * (x[2] - x[3])]
    return np.stack([*first, (x[1] - 2 * x[2]) ** 2, np.sqrt(10.0) * (x[0] - x[3]) ** 2])


@problem(at=(25.0, 5.0, -5.0, -1.0), cite=MGH + "16, m = 20", tags=("jacobian", "data fitting"), several=True)
def bd_residuals(x):
    first = x[0] + TIMES * x[1] - np.exp(TIMES)
    second = x[2] + np.sin(TIMES) * x[3] - np.cos(TIMES)
    return first**2 + second**2


@problem(
    at=(0.25, 0.25, 0.25, 0.25), cite=MGH + "26, n = 4", tags=("jacobian", "trigonometric"), several=True
)
def trig4_residuals(x):
    n = x.shape[0]
    index = np.arange(1, n + 1)[:, None]
    return n - np.sum(np.cos(x), axis=0) + index * (1 - np.cos(x)) - np.sin(x)
