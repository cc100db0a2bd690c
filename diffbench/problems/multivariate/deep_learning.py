"""Losses of small models, as functions of all their parameters in one vector.

The data are the two spirals of Lang and Witbrock, made by their formula; every sixth point of the 194.
"""

import functools

import numpy as np

from diffbench.problems.multivariate.registry import problem

GROUP = "deep-learning losses"

SPIRALS = (
    "K. J. Lang and M. J. Witbrock, Learning to tell two spirals apart, Connectionist Models Summer "
    "School (1988)"
)

XOR = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
XOR_TARGETS = np.array([0.0, 1.0, 1.0, 0.0])


@problem(
    at=(0.5, -0.25, -0.75, 1.0, 0.25, 0.5, 0.125, -0.125, 0.25, 1.0, -0.5, 0.75, 0.0625),
    cite="Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.1 (XOR)",
    tags=("network", "half-precision"),
)
def mlp(p):
    """A network of 2-3-1 units with tanh, mean squared error on XOR; rows of W1, b1, w2, b2."""
    weights = np.reshape(p[:6], (3, 2, 1, -1))
    hidden = np.tanh(np.sum(weights * XOR[None, :, :, None], axis=1) + np.reshape(p[6:9], (3, 1, -1)))
    outputs = np.sum(np.reshape(p[9:12], (3, 1, -1)) * hidden, axis=0) + p[12]
    return np.mean((outputs - XOR_TARGETS[:, None]) ** 2, axis=0)


def _spirals():
    """Inputs (2, 34) and labels (34,) of two classes, -1 and 1."""
    i = np.arange(0, 97, 6)
    radius, angle = (104 - i) / 104, i * np.pi / 16
    first = np.stack([radius * np.sin(angle), radius * np.cos(angle)])
    return np.concatenate([first, -first], axis=1), np.repeat([1.0, -1.0], len(i))


INPUTS, LABELS = _spirals()


@functools.lru_cache(maxsize=32)
def _features(n):
    """Signed features (samples, n): a constant, and cosines in directions that fill the circle evenly."""
    k = np.arange(1, n)
    length, turn = 1 + 3 * ((k * 0.7548776662466927) % 1), 2 * np.pi * ((k * 0.5698402909980532) % 1)
    waves = np.cos(
        np.outer(INPUTS[0], length * np.cos(turn)) + np.outer(INPUTS[1], length * np.sin(turn)) + k
    )
    return LABELS[:, None] * np.concatenate([np.ones((len(LABELS), 1)), waves], axis=1)


def _wave(n):
    return 0.5 * np.cos(np.arange(n) * 1.0)


@problem(
    at=tuple(_wave(8).tolist()),
    cite=SPIRALS + "; Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, section 4.4",
    tags=("loss", "scalable", "convex"),
    start=_wave,
)
def logistic(w):
    """Logistic regression with n features and a small ridge."""
    margins = np.matmul(_features(w.shape[0]), w)
    return np.mean(np.logaddexp(0.0, -margins), axis=0) + 0.0005 * np.sum(w**2, axis=0)


@problem(
    at=tuple(_wave(9).tolist()),
    cite=SPIRALS,
    tags=("network", "scalable"),
    start=lambda n: _wave(4 * max(1, (n - 1) // 4) + 1),
)
def spirals_mlp(p):
    """A network of 2-h-1 units with tanh and the logistic loss, n = 4 h + 1 parameters."""
    h = (p.shape[0] - 1) // 4
    first = np.transpose(np.reshape(p[: 2 * h], (h, 2, -1)), (2, 0, 1))  # (B, h, 2)
    bias = np.transpose(p[2 * h : 3 * h])[:, :, None]
    hidden = np.tanh(np.matmul(first, INPUTS) + bias)  # (B, h, samples)
    outputs = np.matmul(np.transpose(p[3 * h : 4 * h])[:, None, :], hidden)[:, 0, :]
    margins = LABELS * (outputs + np.reshape(p[4 * h], (-1, 1)))
    return np.mean(np.logaddexp(0.0, -margins), axis=1)
