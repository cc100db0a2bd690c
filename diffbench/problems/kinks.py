"""Kinks and other points without a Taylor series: the difference answers, but not with a derivative.

Where the branches are smooth, their one-sided derivatives follow from the program. Where they are not, they
are stated here by hand, as limits of the difference quotient from either side (see ``Problem.stated``).
"""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "kinks"

CLARKE = "Clarke, Optimization and Nonsmooth Analysis (1983), chapter 2"
GELBAUM = "Gelbaum & Olmsted, Counterexamples in Analysis (1964), chapter 3"
NOTHING = (np.nan, np.nan)


@problem(at=(0.0, 2.0**-6), cite=CLARKE, tags=("kink", "even"))
def absolute_value(x):
    return np.abs(x)


@problem(at=(0.0, 2.0**-10), cite="Nair & Hinton, ICML 2010", tags=("kink", "activation", "half-precision"))
def relu(x):
    return np.maximum(x, 0)


@problem(at=0.0, cite="Maas, Hannun & Ng, Rectifier nonlinearities, ICML 2013", tags=("kink", "activation"))
def leaky_relu(x):
    return np.where(x > 0, x, 0.01 * x)


# f is continuously differentiable, f'' jumps from 1 to 0
@problem(
    at=0.0, cite="Clevert, Unterthiner & Hochreiter, arXiv:1511.07289", tags=("kink", "c1", "activation")
)
def elu(x):
    return np.where(x > 0, x, np.exp(x) - 1)


# f'' jumps from 2 to -2
@problem(at=0.0, cite="Glorot & Bengio, AISTATS 2010", tags=("kink", "c1", "activation", "odd"))
def softsign(x):
    return x / (1 + np.abs(x))


# f' = 2 |x|, so every difference is first order
@problem(at=0.0, cite=CLARKE, tags=("kink", "c1", "odd"))
def signed_square(x):
    return x * np.abs(x)


# f'(x) = 1.5 sign(x) sqrt|x| has the limit 0 at 0, so f'(0) = 0 from both sides. (f'(h) - f'(0)) / h is
# 1.5 / sqrt|h| for h of either sign: f'' is +inf from both sides, and what has no value has no derivative.
@problem(
    at=0.0,
    cite=CLARKE,
    tags=("kink", "c1", "even"),
    stated={0.0: {1: (0.0, 0.0), 2: (np.inf, np.inf), 3: NOTHING}},
)
def three_halves(x):
    return np.abs(x) ** 1.5


@problem(at=1.0, cite=CLARKE, tags=("kink",))
def larger_of_x_and_square(x):
    return np.maximum(x, x**2)


# f'' jumps from 1 to 0
@problem(at=1.0, cite="Huber, Ann. Math. Statist. 35 (1964) 73-101", tags=("kink", "c1", "loss", "even"))
def huber(x):
    return np.where(np.abs(x) <= 1, 0.5 * x**2, np.abs(x) - 0.5)


@problem(
    at=3.0, cite="Howard et al., Searching for MobileNetV3, arXiv:1905.02244", tags=("kink", "activation")
)
def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


# every difference through the jump grows like 1 / h
@problem(at=0.0, cite="NIST DLMF, section 1.16", tags=("jump",))
def unit_step(x):
    return np.heaviside(x, 0.5)


# f(h) / h = h sin(1/h) is at most |h|, so f'(0) = 0 from both sides. Elsewhere f' = 2 x sin(1/x) - cos(1/x),
# and f'(h) / h swings between -1/|h| and 1/|h|: f'' has no limit from either side.
@problem(
    at=0.0,
    cite=GELBAUM,
    tags=("kink", "odd"),
    stated={0.0: {1: (0.0, 0.0), 2: NOTHING, 3: NOTHING}},
)
def oscillating_square(x):
    away = np.where(x == 0, 1, x)  # the branch that is not taken must not divide by 0
    return np.where(x == 0, 0, away**2 * np.sin(1 / away))


# f^(m)(x) is a polynomial in 1/x times exp(-1/x^2), which goes to 0: every derivative at 0 is 0, and the
# Taylor series, though it exists, is that of another function. 24 orders are more than any stencil asks for.
@problem(at=0.0, cite=GELBAUM, tags=("flat", "even"), stated={0.0: dict.fromkeys(range(1, 25), (0.0, 0.0))})
def flat_exponential(x):
    away = np.where(x == 0, 1, x)
    return np.where(x == 0, 0, np.exp(-1 / away**2))
