"""Composites of deep learning: the functions on which gradient checks are run, often in half precision."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "deep-learning composites"


@problem(
    at=0.5,
    cite="Saitoh, Deep Learning from Scratch 3 (DeZero), step 4",
    tags=("composite", "textbook", "even"),
    scale=0.5,
)
def dezero(x):
    return (np.exp(x**2)) ** 2


@problem(
    at=(5.0, 10.0), cite="Saitoh, Deep Learning from Scratch, chapter 4", tags=("polynomial", "textbook")
)
def saitoh(x):
    return 0.01 * x**2 + 0.1 * x


@problem(
    at=(0.0, 8.0),
    cite="Saitoh, Deep Learning from Scratch, chapter 3",
    tags=("activation", "half-precision"),
    scale=1.0,
)
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@problem(
    at=2.0,
    cite="Saitoh, Deep Learning from Scratch, chapter 3",
    tags=("activation", "half-precision", "scipy"),
    scale=1.0,
)
def expit(x):
    from scipy import special

    return special.expit(x)


@problem(
    at=(1.0, -8.0),
    cite="Glorot, Bordes & Bengio, Deep sparse rectifier neural networks, AISTATS 2011",
    tags=("activation", "half-precision"),
    scale=1.0,
)
def softplus(x):
    return np.log(1 + np.exp(x))


@problem(
    at=2.0,
    cite="Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.2",
    tags=("loss", "half-precision"),
    scale=1.0,
)
def logistic_loss(x):
    return np.logaddexp(0, -x)


@problem(
    at=3.0,
    cite="LeCun, Bottou, Orr & Mueller, Efficient BackProp (1998), section 4.4",
    tags=("activation", "half-precision", "odd"),
    scale=1.0,
)
def tanh(x):
    return np.tanh(x)


@problem(at=1.0, cite="Hendrycks & Gimpel, arXiv:1606.08415", tags=("activation", "half-precision", "scipy"))
def gelu(x):
    from scipy import special

    return 0.5 * x * (1 + special.erf(x / np.sqrt(2)))


@problem(at=1.0, cite="Hendrycks & Gimpel, arXiv:1606.08415", tags=("activation", "half-precision"))
def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@problem(at=1.0, cite="Ramachandran, Zoph & Le, arXiv:1710.05941", tags=("activation", "half-precision"))
def swish(x):
    return x / (1 + np.exp(-x))


@problem(at=1.0, cite="Misra, arXiv:1908.08681", tags=("activation", "half-precision"))
def mish(x):
    return x * np.tanh(np.log(1 + np.exp(x)))


@problem(
    at=(1.0, 8.0),
    cite="Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, "
    "AISTATS 2010; Hochreiter, Diploma thesis, TU Munich (1991)",
    tags=("activation", "composite", "half-precision"),
    scale=1.0,
)
def sigmoid_chain(x):
    for _ in range(10):  # each layer multiplies the derivative by at most 1/4
        x = 1 / (1 + np.exp(-x))
    return x
