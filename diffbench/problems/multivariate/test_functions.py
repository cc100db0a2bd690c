"""Small functions of textbooks, whose gradients are known by heart."""

import numpy as np

from diffbench.problems.multivariate.registry import problem

GROUP = "textbook functions"


@problem(at=(3.0, 4.0), cite="Saitoh, Deep Learning from Scratch, chapter 4", tags=("polynomial", "textbook"))
def sphere2(x):
    return np.sum(x**2, axis=0)


@problem(at=(1.0, 1.0), cite="Saitoh, Deep Learning from Scratch 3 (DeZero), step 24", tags=("polynomial",))
def matyas(x):
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


@problem(at=(1.0, 1.0), cite="Saitoh, Deep Learning from Scratch 3 (DeZero), step 24", tags=("polynomial",))
def goldstein(x):
    a, b = x[0], x[1]
    first = 19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2
    second = 18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2
    return (1 + (a + b + 1) ** 2 * first) * (30 + (2 * a - 3 * b) ** 2 * second)


@problem(
    at=(-2.0, -1.0, 0.0, 1.0, 2.0),
    cite="Blanchard, Higham & Higham, Accurately computing the log-sum-exp and softmax functions, IMA J. "
    "Numer. Anal. 41 (2021)",
    tags=("loss", "half-precision"),
)
def lse5(x):
    largest = np.max(x, axis=0)
    return largest + np.log(np.sum(np.exp(x - largest), axis=0))


@problem(
    at=(0.5, -1.0, 2.0, 0.25),
    cite="Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3",
    tags=("loss", "half-precision"),
)
def ce4(x):
    """Cross-entropy of a softmax with label 2."""
    largest = np.max(x, axis=0)
    return largest + np.log(np.sum(np.exp(x - largest), axis=0)) - x[2]
