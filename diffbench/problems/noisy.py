"""Noisy functions: noise added, single precision inside, rounding, iteration, quadrature, sampling, an ODE.

They get plain arrays (``opaque=True``), and ``truth`` is the smooth function behind the noise. All of them
are deterministic and the same in every process: what looks random depends on nothing but the bits of x.
"""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from diffbench.problems.registry import problem

GROUP = "noisy"

MORE_WILD = "More & Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314"
SHI = "Shi, Xie, Xuan & Nocedal, SIAM J. Sci. Comput. 44 (2022) A2302-A2321, arXiv:2110.06380"
GILL = "Gill, Murray, Saunders & Wright, SIAM J. Sci. Stat. Comput. 4 (1983) 310-321"
GRIEWANK_WALTHER = "Griewank & Walther, Evaluating Derivatives (SIAM, 2008), chapter 15"
GLASSERMAN = "Glasserman, Monte Carlo Methods in Financial Engineering (2004), section 7.1"

SAMPLES = 256


def uniform(x: Any, stream: int) -> np.ndarray:
    """Numbers in [0, 1) that look independent and uniform but are a function of the bits of `x`.

    The mixing function of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014); `stream` selects another set.
    """
    bits = np.atleast_1d(np.asarray(x, dtype=np.float64)).view(np.uint64)  # 1-d: only arrays wrap silently
    bits = bits + np.uint64((stream + 1) * 0x9E3779B97F4A7C15 % 2**64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits = bits ^ (bits >> np.uint64(31))
    return ((bits >> np.uint64(11)) * 2.0**-53).reshape(np.shape(x))


def pointwise(function: Callable[[float], float]) -> Callable[[Any], np.ndarray]:
    """Run a program that takes one number on every element of an array."""

    @wraps(function)
    def on_array(x: Any) -> np.ndarray:
        values = [function(float(value)) for value in np.ravel(x)]
        return np.array(values, dtype=np.float64).reshape(np.shape(x))

    return on_array


def opaque(truth, **options):
    """A problem in float64 that is compared with the derivative of `truth`."""
    return problem(**({"formats": ("float64",)} | options), truth=truth, opaque=True)


@opaque(np.sin, at=1.0, cite=SHI, tags=("noisy",))
def sin_plus_noise(x):
    return np.sin(x) + 1e-6 * (2 * uniform(x, 0) - 1)


# noise of standard deviation 1e-3 and mean sqrt(3) 1e-3
@opaque(lambda x: np.cos(x) + np.sin(x) + np.sqrt(3) * 1e-3, at=1.0, cite=MORE_WILD, tags=("noisy",))
def cos_plus_sin_plus_noise(x):
    return np.cos(x) + np.sin(x) + 2 * np.sqrt(3) * 1e-3 * uniform(x, 1)


# the noise level is 2^-24, not the machine epsilon of the format the values come in
@opaque(np.exp, at=1.0, cite=GILL, tags=("noisy",))
def exp_in_single(x):
    return np.exp(np.asarray(x, dtype=np.float32)).astype(np.float64)


# flat plateaus: both values of a difference are often the same when h < 2^-10 / |f'|
@opaque(np.sin, at=1.0, cite=MORE_WILD, tags=("noisy", "quantised"), formats=("float32", "float64"))
def sin_in_1024ths(x):
    return np.round(1024 * np.sin(x)) / 1024


def _error_integral(x):
    from scipy import special

    return 0.5 * np.sqrt(np.pi) * special.erf(x)


@opaque(
    _error_integral,
    at=1.0,
    cite="Lyness & Kaganove, ACM TOMS 2 (1976) 65-81",
    tags=("noisy", "iteration", "scipy"),
)
@pointwise
def adaptive_quadrature(x):
    """Integral of exp(-t^2) from 0 to x by adaptive Simpson's rule with tolerance 1e-6."""

    def refine(a, fa, c, fc, b, fb, whole, tolerance, depth):
        d, e = (a + c) / 2, (c + b) / 2
        fd, fe = math.exp(-d * d), math.exp(-e * e)
        left, right = (c - a) / 6 * (fa + 4 * fd + fc), (b - c) / 6 * (fc + 4 * fe + fb)
        if depth == 0 or abs(left + right - whole) <= 15 * tolerance:
            return left + right
        return refine(a, fa, d, fd, c, fc, left, tolerance / 2, depth - 1) + refine(
            c, fc, e, fe, b, fb, right, tolerance / 2, depth - 1
        )

    fc, fb = math.exp(-x * x / 4), math.exp(-x * x)
    return refine(0.0, 1.0, x / 2, fc, x, fb, x / 6 * (1 + 4 * fc + fb), 1e-6, 40)


# y^3 + y = x has the solution y = 2/sqrt(3) sinh(t) with 3 t = arcsinh(3 sqrt(3) x / 2)
@opaque(
    lambda x: 2 / np.sqrt(3) * np.sinh(np.arcsinh(1.5 * np.sqrt(3) * x) / 3),
    at=2.0,
    cite=GRIEWANK_WALTHER,
    tags=("noisy", "iteration"),
)
@pointwise
def newton_root(x):
    """The root of y^3 + y = x by Newton's method from y = 0.9, stopped when the residual is below 1e-8."""
    y = 0.9
    for _ in range(100):
        residual = y**3 + y - x
        if abs(residual) < 1e-8:
            break
        y -= residual / (3 * y**2 + 1)
    return y


# The same 256 samples for every x: the noise of a difference is O(h), and the error that stays, 2 mean(Z), is
# that of the sample and not of the difference.
@opaque(lambda x: x**2 + 1, at=1.0, cite=GLASSERMAN, tags=("noisy", "stochastic"))
def sample_mean_common(x):
    z = np.random.default_rng(0).standard_normal(SAMPLES)
    return np.mean((np.asarray(x)[..., None] + z) ** 2, axis=-1)


# Fresh samples for every x: the noise of a difference is O(1) / h.
@opaque(lambda x: x**2 + 1, at=1.0, cite=GLASSERMAN, tags=("noisy", "stochastic"))
@pointwise
def sample_mean_fresh(x):
    z = np.random.default_rng(int(np.float64(x).view(np.uint64))).standard_normal(SAMPLES)
    return np.mean((x + z) ** 2)


# Dormand & Prince, J. Comput. Appl. Math. 6 (1980) 19-26: stages, then 5th minus 4th order weights
STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


@opaque(
    lambda x: np.exp(-x),
    at=1.0,
    cite="Dormand & Prince, J. Comput. Appl. Math. 6 (1980) 19-26",
    tags=("noisy", "iteration"),
)
@pointwise
def ode_solution(x):
    """y(1) for y' = -x y, y(0) = 1, by a Runge-Kutta 5(4) pair that halves or doubles h, tolerance 1e-6."""
    t, y, step = 0.0, 1.0, 0.25
    while t < 1.0:
        step = min(step, 1.0 - t)
        slopes: list[float] = []
        for row in STAGES:
            stage = y + step * sum(a * k for a, k in zip(row, slopes, strict=True))
            slopes.append(-x * stage)
        error = abs(step * sum(e * k for e, k in zip(ERROR, slopes, strict=True))) / (
            1e-6 * max(abs(y), abs(stage))
        )
        if error <= 1:
            t, y = t + step, stage
        step *= 0.5 if error > 1 else 2.0 if error < 1 / 32 else 1.0
    return y
