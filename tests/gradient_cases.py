"""Functions with gradients written by hand, as people write them, for the tests of the gradient check.

``SHOWN`` was looked at while the check was built. ``HELD_OUT`` was written before the check was run on any
of it; afterwards three rules were made stricter or looser by results on it (docs/gradient-check.md), so the
published figures come from fresh random points. Every gradient runs in the dtype of x; `data` makes constants
of that dtype, as a careful user would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class Case:
    """A function, its gradient in plain NumPy, and a point."""

    f: Callable[[Array], Any]
    gradient: Callable[[Array], Any]
    x: Array


def data(x: Array, values: Any) -> Array:
    """Constants in the dtype of x."""
    return np.asarray(values).astype(x.dtype)


def _random(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


# --- looked at while the check was built --------------------------------------------------------------------


def rosenbrock(x):
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    return np.sum(100 * a**2 + b**2)


def rosenbrock_gradient(x):
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * a - 2 * b
    g[1:] += 200 * a
    return g


FEATURES, LABELS = _random(1, 16, 5), (_random(2, 16) > 0).astype(float)


def logistic(w):
    z, y = data(w, FEATURES) @ w, data(w, LABELS)
    return np.mean(np.log(1 + np.exp(z)) - y * z).astype(w.dtype)


def logistic_gradient(w):
    features, y = data(w, FEATURES), data(w, LABELS)
    p = 1 / (1 + np.exp(-(features @ w)))
    return (features.T @ (p - y) / len(y)).astype(w.dtype)


def logsumexp(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def cross_entropy(x):
    return logsumexp(x) - x[2]


def cross_entropy_gradient(x):
    p = softmax(x)
    p[2] -= 1
    return p


BATCH, TARGETS = _random(3, 8, 3), _random(4, 8)


def _unpack(w):
    return w[:12].reshape(3, 4), w[12:16], w[16:20]


def mlp(w):
    first, bias, last = _unpack(w)
    hidden = np.tanh(data(w, BATCH) @ first.astype(w.dtype) + bias)
    out = (hidden @ last).astype(w.dtype)
    return np.mean((out - data(w, TARGETS)) ** 2).astype(w.dtype)


def mlp_gradient(w):
    first, bias, last = _unpack(w)
    batch = data(w, BATCH)
    hidden = np.tanh(batch @ first + bias).astype(w.dtype)
    error = ((hidden @ last).astype(w.dtype) - data(w, TARGETS)) * 2 / 8
    back = np.outer(error, last).astype(w.dtype) * (1 - hidden**2)
    parts = [(batch.T @ back).reshape(-1), back.sum(axis=0), hidden.T @ error]
    return np.concatenate([part.astype(w.dtype) for part in parts])


SCALES = np.array([1e-3, 1.0, 30.0, 1e3])


def badly_scaled(x):
    return np.sum(np.sin(x / data(x, SCALES)))


def badly_scaled_gradient(x):
    scales = data(x, SCALES)
    return np.cos(x / scales) / scales


def product_of_all(x):
    return np.prod(x)


SHOWN = {
    "rosenbrock": Case(rosenbrock, rosenbrock_gradient, np.array([-1.2, 1.0, 0.7, 0.4])),
    "logistic": Case(logistic, logistic_gradient, np.array([0.4, -0.3, 0.8, 0.1, -0.6])),
    "logsumexp": Case(logsumexp, softmax, np.array([0.3, -1.0, 2.0, 1.1])),
    "cross_entropy": Case(cross_entropy, cross_entropy_gradient, np.array([0.3, -1.0, 0.5, 1.1])),
    "mlp": Case(mlp, mlp_gradient, 0.7 * _random(5, 20)),
    "badly_scaled": Case(badly_scaled, badly_scaled_gradient, SCALES * np.array([0.4, 1.1, -0.7, 0.9])),
    "product": Case(product_of_all, lambda x: np.prod(x) / x, np.array([1.1, -0.6, 2.3, 0.8, 1.7])),
}

# --- held out -----------------------------------------------------------------------------------------------


def _quartic(x):
    return (x[0] - 1) ** 4 + (x[0] - 2 * x[1]) ** 2


def _quartic_gradient(x):
    r = 4 * (x[0] - 2 * x[1])
    return np.array([4 * (x[0] - 1) ** 3 + r / 2, -r])


def _norm(x):
    return np.sqrt(np.sum(x * x))


def _himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def _himmelblau_gradient(x):
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return np.array([4 * x[0] * a + 2 * b, 2 * a + 4 * x[1] * b])


MATRIX = _random(6, 6, 6)


def _quadratic_form(x):
    return np.sum(x * (data(x, MATRIX) @ x).astype(x.dtype))


def _quadratic_form_gradient(x):
    m = data(x, MATRIX)
    return (m @ x + m.T @ x).astype(x.dtype)


def _gaussian_mixture(x):
    return np.exp(-np.sum((x - 1) ** 2)) + np.exp(-np.sum((x + 1) ** 2) / 2)


def _gaussian_mixture_gradient(x):
    return -2 * (x - 1) * np.exp(-np.sum((x - 1) ** 2)) - (x + 1) * np.exp(-np.sum((x + 1) ** 2) / 2)


def _entropy(x):
    return -np.sum(x * np.log(x))


def _rational(x):
    return x[0] * x[1] / (1 + x[0] ** 2 + x[2] ** 2)


def _rational_gradient(x):
    d = 1 + x[0] ** 2 + x[2] ** 2
    top = x[0] * x[1]
    return np.array([x[1] / d - 2 * x[0] * top / d**2, x[0] / d, -2 * x[2] * top / d**2])


def _pendulum(x):
    return x[1] * x[1] / 2 - np.cos(x[0])


def _lennard_jones(x):
    return np.sum(x**-12 - 2 * x**-6)


def _lennard_jones_gradient(x):
    return -12 * x**-13 + 12 * x**-7


def _matrix_trace(x):
    return np.sum(x * x.T)


def _frobenius_tanh(x):
    return np.sum(np.tanh(x) ** 2)


def _frobenius_tanh_gradient(x):
    t = np.tanh(x)
    return 2 * t * (1 - t * t)


def _huber_far(x):
    return np.sum(np.where(np.abs(x) <= 1, x * x / 2, np.abs(x) - 0.5))


def _chain(x):
    return np.sin(np.cos(np.sum(x * x) / 2))


def _chain_gradient(x):
    s = np.sum(x * x) / 2
    return -np.cos(np.cos(s)) * np.sin(s) * x


def _poisson(x):
    return np.sum(np.exp(x) - data(x, [1.0, 3.0, 0.0]) * x)


def _student(x):
    return np.sum(np.log(1 + x * x / 3)) * 2


def _softplus_sum(x):
    return np.sum(np.log1p(np.exp(x)))


def _angles(x):
    return np.arctan(x[0] / x[1])


def _angles_gradient(x):
    r = x[0] ** 2 + x[1] ** 2
    return np.array([x[1] / r, -x[0] / r])


HELD_OUT = {
    "quartic valley": Case(_quartic, _quartic_gradient, np.array([1.7, 0.4])),
    "norm": Case(_norm, lambda x: x / _norm(x), np.array([0.3, -2.0, 1.2])),
    "himmelblau": Case(_himmelblau, _himmelblau_gradient, np.array([0.5, -1.5])),
    "quadratic form": Case(_quadratic_form, _quadratic_form_gradient, _random(7, 6)),
    "gaussians": Case(_gaussian_mixture, _gaussian_mixture_gradient, np.array([0.4, -0.3, 0.6])),
    "entropy": Case(_entropy, lambda x: -np.log(x) - 1, np.array([0.1, 0.25, 0.6, 0.05])),
    "rational": Case(_rational, _rational_gradient, np.array([0.8, -1.3, 0.5])),
    "pendulum": Case(_pendulum, lambda x: np.array([np.sin(x[0]), x[1]]), np.array([2.1, 0.7])),
    "lennard-jones": Case(_lennard_jones, _lennard_jones_gradient, np.array([1.1, 1.3, 0.95])),
    "trace of a square": Case(_matrix_trace, lambda x: 2 * x.T, _random(8, 3, 3)),
    "tanh of a matrix": Case(_frobenius_tanh, _frobenius_tanh_gradient, _random(9, 2, 3)),
    "huber off its kink": Case(_huber_far, lambda x: np.clip(x, -1, 1), np.array([0.4, -2.5, 3.0])),
    "sin of cos": Case(_chain, _chain_gradient, np.array([0.9, -0.5, 0.7])),
    "poisson": Case(_poisson, lambda x: np.exp(x) - data(x, [1.0, 3.0, 0.0]), np.array([0.2, 0.9, -1.1])),
    "student": Case(_student, lambda x: 4 * x / (3 + x * x), np.array([0.5, -4.0, 2.0])),
    "softplus": Case(_softplus_sum, lambda x: 1 / (1 + np.exp(-x)), np.array([-1.5, 0.2, 2.5])),
    "angle": Case(_angles, _angles_gradient, np.array([1.4, 0.8])),
    "cube root": Case(lambda x: np.cbrt(x).sum(), lambda x: np.cbrt(x) / x / 3, np.array([0.7, 5.0])),
    "log of a sum": Case(
        lambda x: np.log(np.sum(x)), lambda x: 1 / np.sum(x) + 0 * x, np.array([0.7, 5.0, 1.1])
    ),
    "power": Case(lambda x: np.sum(x**3 - x), lambda x: 3 * x**2 - 1, np.array([-1.3, 0.2, 0.8, 2.0])),
    "cosh": Case(lambda x: np.sum(np.cosh(x)), np.sinh, np.array([-1.3, 0.6, 2.2])),
    "exp of a product": Case(
        lambda x: np.exp(x[0] * x[1]), lambda x: x[::-1] * np.exp(x[0] * x[1]), np.array([0.7, -1.6])
    ),
}


# --- many kinks near the point: the hard case in half precision --------------------------------------------


def _relu_net(w):
    first, bias, last = w[:15].reshape(3, 5), w[15:20], w[20:25]
    hidden = np.maximum((data(w, BATCH) @ first).astype(w.dtype) + bias, 0)
    error = (hidden @ last).astype(w.dtype) - data(w, TARGETS)
    return np.sum(error * error)


def _relu_net_gradient(w):
    first, bias, last = w[:15].reshape(3, 5), w[15:20], w[20:25]
    batch = data(w, BATCH)
    before = (batch @ first).astype(w.dtype) + bias
    hidden = np.maximum(before, 0)
    error = 2 * ((hidden @ last).astype(w.dtype) - data(w, TARGETS))
    back = (np.outer(error, last) * (before > 0)).astype(w.dtype)
    parts = [(batch.T @ back).reshape(-1), back.sum(axis=0), hidden.T @ error]
    return np.concatenate([part.astype(w.dtype) for part in parts])


def _absolute_errors(w):
    return np.sum(np.abs((data(w, FEATURES) @ w).astype(w.dtype) - data(w, LABELS)))


def _absolute_errors_gradient(w):
    features = data(w, FEATURES)
    return (features.T @ np.sign((features @ w).astype(w.dtype) - data(w, LABELS))).astype(w.dtype)


KINKS = {
    "relu net": Case(_relu_net, _relu_net_gradient, 0.8 * _random(10, 25)),
    "absolute errors": Case(_absolute_errors, _absolute_errors_gradient, 0.5 * _random(11, 5)),
}


# --- fresh: written after the rules were frozen, and never used to change one ------------------------------


def _booth(x):
    return (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2


def _booth_gradient(x):
    a, b = x[0] + 2 * x[1] - 7, 2 * x[0] + x[1] - 5
    return np.array([2 * a + 4 * b, 4 * a + 2 * b])


def _morse(x):
    return np.sum((1 - np.exp(-x)) ** 2)


def _kepler(x):
    return (x[2] ** 2 + x[3] ** 2) / 2 - 1 / np.sqrt(x[0] ** 2 + x[1] ** 2)


def _kepler_gradient(x):
    r = np.sqrt(x[0] ** 2 + x[1] ** 2)
    return np.array([x[0] / r**3, x[1] / r**3, x[2], x[3]])


KERNEL = _random(12, 5, 5)


def _bilinear(x):
    half = x.size // 2
    return np.sum(x[:half] * (data(x, KERNEL) @ x[half:]).astype(x.dtype))


def _bilinear_gradient(x):
    half, kernel = x.size // 2, data(x, KERNEL)
    return np.concatenate([kernel @ x[half:], kernel.T @ x[:half]]).astype(x.dtype)


def _bumps(x):
    return np.sum(np.sin(x) ** 2 + x * x / 8)


def _log_det(x):
    return np.log(x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0])


def _log_det_gradient(x):
    det = x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]
    return np.array([[x[1, 1], -x[1, 0]], [-x[0, 1], x[0, 0]]]) / det


def _cosine_likeness(x):
    a, b = x[:3], x[3:]
    return np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))


def _cosine_likeness_gradient(x):
    a, b = x[:3], x[3:]
    aa, bb, ab = np.sum(a * a), np.sum(b * b), np.sum(a * b)
    size = np.sqrt(aa * bb)
    return np.concatenate([(b - a * (ab / aa)) / size, (a - b * (ab / bb)) / size])


def _ridge(x):
    residual = (data(x, FEATURES[:6, :4]) @ x).astype(x.dtype) - data(x, TARGETS[:6])
    return np.sum(residual * residual) + np.sum(x * x) / 4


def _ridge_gradient(x):
    features = data(x, FEATURES[:6, :4])
    residual = (features @ x).astype(x.dtype) - data(x, TARGETS[:6])
    return (2 * (features.T @ residual) + x / 2).astype(x.dtype)


def _swish(x):
    return np.sum(x / (1 + np.exp(-x)))


def _swish_gradient(x):
    p = 1 / (1 + np.exp(-x))
    return p + x * p * (1 - p)


def _hypot3(x):
    return np.hypot(np.hypot(x[0], x[1]), x[2])


def _interest(x):
    return x[0] * (1 + x[1]) ** 5


def _van_der_waals(x):
    return x[1] / (x[0] - data(x, 0.25)) - 1 / x[0] ** 2


def _van_der_waals_gradient(x):
    room = x[0] - data(x, 0.25)
    return np.array([-x[1] / room**2 + 2 / x[0] ** 3, 1 / room])


FRESH = {
    "booth": Case(_booth, _booth_gradient, np.array([0.6, 1.7])),
    "morse": Case(_morse, lambda x: 2 * (1 - np.exp(-x)) * np.exp(-x), np.array([0.4, 1.6, -0.3])),
    "kepler": Case(_kepler, _kepler_gradient, np.array([0.9, 0.5, -0.4, 0.8])),
    "bilinear": Case(_bilinear, _bilinear_gradient, _random(13, 10)),
    "bumps": Case(_bumps, lambda x: 2 * np.sin(x) * np.cos(x) + x / 4, np.array([0.8, -2.2, 3.1])),
    "log of a determinant": Case(_log_det, _log_det_gradient, np.array([[2.0, 0.5], [-0.7, 1.3]])),
    "cosine": Case(_cosine_likeness, _cosine_likeness_gradient, np.array([0.5, -1.2, 0.8, 1.1, 0.4, -0.9])),
    "ridge": Case(_ridge, _ridge_gradient, np.array([0.7, -0.5, 1.2, 0.3])),
    "swish": Case(_swish, _swish_gradient, np.array([-0.7, 0.9, 2.4])),
    "length": Case(_hypot3, lambda x: x / _hypot3(x), np.array([1.4, -0.6, 0.9])),
    "interest": Case(
        _interest, lambda x: np.array([(1 + x[1]) ** 5, 5 * x[0] * (1 + x[1]) ** 4]), np.array([3.0, 0.3])
    ),
    "gas": Case(_van_der_waals, _van_der_waals_gradient, np.array([1.1, 0.8])),
    "exponents": Case(
        lambda x: x[0] ** x[1],
        lambda x: np.array([x[1] * x[0] ** (x[1] - 1), x[0] ** x[1] * np.log(x[0])]),
        np.array([1.6, 1.3]),
    ),
    "arctan": Case(
        lambda x: np.sum(np.arctan(2 * x)), lambda x: 2 / (1 + 4 * x * x), np.array([0.2, -0.8, 1.5])
    ),
    "geometric mean": Case(
        lambda x: np.exp(np.mean(np.log(x))),
        lambda x: np.exp(np.mean(np.log(x))) / (x * x.size),
        np.array([0.8, 2.1, 1.3, 0.5]),
    ),
    "harmonic mean": Case(
        lambda x: x.size / np.sum(1 / x),
        lambda x: x.size / (x * np.sum(1 / x)) ** 2,
        np.array([1.2, 0.7, 2.6]),
    ),
}
