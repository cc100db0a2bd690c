"""Sums of squares from the collection of Moré, Garbow and Hillstrom, at their standard starting points."""

import numpy as np

from diffbench.problems.multivariate.registry import problem

GROUP = "Moré-Garbow-Hillstrom"

MGH = "Moré, Garbow & Hillstrom, Testing unconstrained optimization software, ACM TOMS 7 (1981), problem "


@problem(at=(-1.2, 1.0), cite=MGH + "1", tags=("polynomial", "valley"))
def rosen(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@problem(at=(1.0, 1.0), cite=MGH + "1", tags=("polynomial", "zero gradient"))
def rosenmin(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@problem(at=(0.5, -2.0), cite=MGH + "2", tags=("polynomial",))
def freud(x):
    first = -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1]
    second = -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]
    return first**2 + second**2


@problem(at=(0.0, 1.0), cite=MGH + "3", tags=("badly scaled",))
def pbs(x):
    return (1e4 * x[0] * x[1] - 1) ** 2 + (np.exp(-x[0]) + np.exp(-x[1]) - 1.0001) ** 2


@problem(at=(1.0, 1.0), cite=MGH + "4", tags=("polynomial", "badly scaled"))
def bbs(x):
    return (x[0] - 1e6) ** 2 + (x[1] - 2e-6) ** 2 + (x[0] * x[1] - 2) ** 2


@problem(at=(1.0, 1.0), cite=MGH + "5", tags=("polynomial",))
def beale(x):
    terms = [y - x[0] * (1 - x[1] ** k) for k, y in ((1, 1.5), (2, 2.25), (3, 2.625))]
    return terms[0] ** 2 + terms[1] ** 2 + terms[2] ** 2


@problem(at=(-1.0, 0.0, 0.0), cite=MGH + "7", tags=("branch",))
def helical(x):
    angle = np.arctan(x[1] / x[0]) / (2 * np.pi) + np.where(x[0] > 0, 0.0, 0.5)
    radius = np.sqrt(x[0] ** 2 + x[1] ** 2)
    return 100 * (x[2] - 10 * angle) ** 2 + 100 * (radius - 1) ** 2 + x[2] ** 2


@problem(at=(3.0, -1.0, 0.0, 1.0), cite=MGH + "13", tags=("polynomial",))
def powell(x):
    return (x[0] + 10 * x[1]) ** 2 + 5 * (x[2] - x[3]) ** 2 + (x[1] - 2 * x[2]) ** 4 + 10 * (x[0] - x[3]) ** 4


@problem(at=(-3.0, -1.0, -3.0, -1.0), cite=MGH + "14", tags=("polynomial", "valley"))
def wood(x):
    valleys = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + 90 * (x[3] - x[2] ** 2) ** 2 + (1 - x[2]) ** 2
    return valleys + 10.1 * ((x[1] - 1) ** 2 + (x[3] - 1) ** 2) + 19.8 * (x[1] - 1) * (x[3] - 1)


TIMES = np.arange(1, 21)[:, None] / 5


@problem(at=(25.0, 5.0, -5.0, -1.0), cite=MGH + "16, m = 20", tags=("data fitting",))
def bd(x):
    first = x[0] + TIMES * x[1] - np.exp(TIMES)
    second = x[2] + np.sin(TIMES) * x[3] - np.cos(TIMES)
    return np.sum((first**2 + second**2) ** 2, axis=0)


@problem(at=(0.25, 0.25, 0.25, 0.25), cite=MGH + "26, n = 4", tags=("trigonometric",))
def trig4(x):
    n = x.shape[0]
    index = np.arange(1, n + 1)[:, None]
    terms = n - np.sum(np.cos(x), axis=0) + index * (1 - np.cos(x)) - np.sin(x)
    return np.sum(terms**2, axis=0)


def _spread(n):
    return np.where(np.arange(2 * max(1, n // 2)) % 2, 1.0, -1.2)


@problem(at=tuple(_spread(10).tolist()), cite=MGH + "21", tags=("polynomial", "scalable"), start=_spread)
def extended_rosen(x):
    odd, even = x[::2], x[1::2]
    return np.sum(100 * (even - odd**2) ** 2 + (1 - odd) ** 2, axis=0)
