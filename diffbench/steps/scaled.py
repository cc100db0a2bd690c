"""Rules of thumb: r = eps^(1/(m+p)) times a guess of the function's scale made from x alone.

Dropping every constant of the function from the model A h^p + B / h^m leaves r. The rules differ only in
what stands for the scale, which matters where the size of x is far from 1: each is some library's convention.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps import rules
from diffbench.steps.choice import Choice, rule

Wide = np.ndarray[Any, Any]


def root(fmt: Format, stencil: Stencil) -> float:
    """``eps**(1/(m+p))``."""
    return float(fmt.eps ** (1.0 / (stencil.derivative + stencil.accuracy)))


@rule(source="Numerical Recipes 5.7; scale as SciPy", rounding="power-of-two")
def eps_scaled(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """The default of db.derivative: h = r max(1, |x|), as a power of two."""
    return Choice(rules.thumb(stencil, x, fmt), "eps^(1/(m+p)) max(1, |x|)")


@rule(source="the rule without any scale; torch and JAX fix such a step for every x")
def eps_absolute(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """The step does not know x: h = r."""
    return Choice(np.full_like(x, root(fmt, stencil)), "eps^(1/(m+p))")


@rule(source="the purely relative rule")
def eps_relative(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """The step is a share of x: h = r |x|, which is no step at x = 0."""
    h = root(fmt, stencil) * np.abs(x)
    found = np.where(h > 0, h, np.nan)
    status = np.where(h > 0, "ok", "no_step")
    return Choice(found, "eps^(1/(m+p)) |x|", status=status, message="r |x| is 0 at x = 0: use eps-scaled")


@rule(source="statsmodels, tools/numdiff.py, _get_epsilon")
def eps_statsmodels(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """As statsmodels scales: h = r max(|x|, 0.1)."""
    return Choice(root(fmt, stencil) * np.maximum(np.abs(x), 0.1), "eps^(1/(m+p)) max(|x|, 0.1)")


@rule(source="Gill, Murray, Saunders and Wright 1983, section 3 (eta = 1)")
def eps_plus_one(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """A smooth form of max: h = r (1 + |x|)."""
    return Choice(root(fmt, stencil) * (1.0 + np.abs(x)), "eps^(1/(m+p)) (1 + |x|)")


@rule(source="FiniteDiff.jl, compute_epsilon")
def eps_finitediff(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """As FiniteDiff.jl scales: h = max(r |x|, r), relative and absolute step alike."""
    r = root(fmt, stencil)
    return Choice(np.maximum(r * np.abs(x), r), "max(r |x|, r) with r = eps^(1/(m+p))")


@rule(source="Nash, Compact Numerical Methods for Computers, section 18.5", derivatives=(1,))
def nash(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """Nash's forward step, whatever the stencil: h = sqrt(eps) (|x| + sqrt(eps)), about eps near 0."""
    r = math.sqrt(fmt.eps)
    return Choice(r * (np.abs(x) + r), "sqrt(eps) (|x| + sqrt(eps))")


@rule(source="numdifftools, step_generators.get_nominal_step")
def eps_log(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """As numdifftools scales: h = r max(log(e - 1 + |x|), 1), which grows with the logarithm of x only."""
    scale = np.maximum(np.log(math.e - 1.0 + np.abs(x)), 1.0)
    return Choice(root(fmt, stencil) * scale, "eps^(1/(m+p)) max(log(e - 1 + |x|), 1)")


@rule(source="numDeriv (R), grad.default, method.args d, eps and zero.tol", derivatives=(1,))
def numderiv_start(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """R numDeriv's first step, unextrapolated: h = 1e-4 |x|, plus 1e-4 where |x| < 1.781e-5."""
    return Choice(numderiv_step(x), "1e-4 |x|, plus 1e-4 near 0")


def numderiv_step(x: Wide) -> Wide:
    """``d |x| + e [|x| < zero.tol]`` with numDeriv's d = e = 1e-4 and zero.tol = sqrt(2.22e-16 / 7e-7)."""
    return np.asarray(1e-4 * np.abs(x) + 1e-4 * (np.abs(x) < math.sqrt(2.220446e-16 / 7e-7)))


@rule(source="pnd (R), stepx")
def pnd_stepx(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """pnd's piecewise rule: z near 0, r |x| above 1, and between them log h linear in log |x|."""
    return Choice(stepx(x, fmt, stencil.derivative, stencil.accuracy), "between eps^(1/(m+p-1/2)) and r |x|")


def stepx(x: Wide, fmt: Format, derivative: int, accuracy: int) -> Wide:
    """z = eps^(1/(m+p-1/2)) for |x| < z; r |x| for |x| > 1; log-log linear from (z, z) to (1, r) between."""
    z = fmt.eps ** (1.0 / (derivative + accuracy - 0.5))
    r = fmt.eps ** (1.0 / (derivative + accuracy))
    size = np.abs(x)
    share = np.log(np.clip(size, z, 1.0) / z) / -math.log(z)  # 0 at z, 1 at 1
    return np.asarray(np.where(size > 1, r * size, z * np.exp(share * math.log(r / z))))


@rule(source="Press et al., Numerical Recipes, section 5.7", rounding="representable")
def numerical_recipes(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """Numerical Recipes: h = eps^(1/(m+p)) x_c with the curvature scale x_c taken as |x| (1 at x = 0)."""
    scale = np.where(x == 0, 1.0, np.abs(x))
    return Choice(root(fmt, stencil) * scale, "eps^(1/(m+p)) |x|, the curvature scale unknown")


_BOOST = {1: (4.0, 2), 2: (3.0, 3), 4: (11.25, 5), 6: (1.0 / 168.0, 7), 8: (551.25, 9)}
_BOOST_STENCILS = ("forward-1", "central-2", "central-4", "central-6", "central-8")


@rule(
    source="Boost.Math, finite_difference_derivative<order>",
    derivatives=(1,),
    stencils=_BOOST_STENCILS,
    rounding="representable",
)
def boost(f: Any, x: Wide, fmt: Format, stencil: Stencil) -> Choice:
    """Boost's step per order, blind to x: 2 eps^(1/2), (3 eps)^(1/3), (11.25 eps)^(1/5), (eps/168)^(1/7), ...

    The one for order 8 is (551.25 eps)^(1/9). That for order 6 is a quarter of what minimises Boost's own
    error bound, (700 eps / 6)^(1/7).
    """
    factor, power = _BOOST[stencil.accuracy]
    h = (factor * fmt.eps) ** (1.0 / power)
    return Choice(np.full_like(x, h), f"Boost's step for order {stencil.accuracy}")
