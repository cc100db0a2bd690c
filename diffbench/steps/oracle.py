"""Rules that know the true derivatives: what a perfect selector would do with the worst-case model.

An oracle is no method for anybody who does not have the answer already; it shows how much of an error is the
choice of the step and how much is the formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps.choice import Choice, rule
from diffbench.steps.constants import model_factor

Wide = np.ndarray[Any, Any]
Truth = Callable[[int], Any]


def model_step(stencil: Stencil, noise: Any, high: Any) -> Wide:
    """``h* = (m S1 noise / (p |C f^(m+p)|))**(1/(m+p))`` for A h^p + B / h^m.

    Parameters
    ----------
    stencil : Stencil
    noise : float or array
        Bound of the absolute error of a function value.
    high : float or array
        ``f^(m+p)(x)``.
    """
    with np.errstate(all="ignore"):
        q = stencil.derivative + stencil.accuracy
        return np.asarray(model_factor(stencil) * (noise / np.abs(high)) ** (1.0 / q))


def model_error(stencil: Stencil, noise: Any, high: Any) -> Wide:
    """The model's error at its best step, ``(m+p)/p * S1 noise / h*^m``."""
    m, p = stencil.derivative, stencil.accuracy
    with np.errstate(all="ignore"):
        return np.asarray((m + p) / p * float(stencil.S1) * noise / model_step(stencil, noise, high) ** m)


@rule(source="e.g. Shi, Xie, Xuan and Nocedal 2022, eq. 3.3; Baudin 2023, eq. 9.16", kind="oracle")
def model_optimum(
    f: Any, x: Wide, fmt: Format, stencil: Stencil, truth: Truth, *, relative: float = 0.0
) -> Choice:
    """The step that minimises the worst-case model, from the true f and f^(m+p).

    h* = (m S1 e / (p |C f^(m+p)|))**(1/(m+p)) with e = ulp(f)/2 in the format, or ``relative * |f|`` if that
    parameter is not 0. Where f or f^(m+p) is 0 the model has no optimum.
    """
    value, high = _true(truth, 0, x), _true(truth, stencil.derivative + stencil.accuracy, x)
    noise = relative * np.abs(value) if relative else fmt.ulp(fmt.round(value)) / 2
    noise = np.where(value == 0, 0.0, noise)
    return _found(model_step(stencil, noise, high), "the model optimum from the true derivatives")


@rule(
    source="Press et al., Numerical Recipes, section 5.7",
    kind="oracle",
    derivatives=(1, 2),
    rounding="representable",
)
def numerical_recipes_true(f: Any, x: Wide, fmt: Format, stencil: Stencil, truth: Truth) -> Choice:
    """Numerical Recipes with its curvature scale x_c = |f/f''|**(1/2) from the true derivatives."""
    scale = np.sqrt(np.abs(_true(truth, 0, x) / _true(truth, 2, x)))
    r = fmt.eps ** (1.0 / (stencil.derivative + stencil.accuracy))
    return _found(r * scale, "eps^(1/(m+p)) times the true curvature scale")


def _true(truth: Truth, order: int, x: Wide) -> Wide:
    return np.broadcast_to(np.asarray(truth(order), dtype=x.dtype).reshape(-1), x.shape)


def _found(h: Wide, reason: str) -> Choice:
    good = np.isfinite(h) & (h > 0)
    return Choice(
        np.where(good, h, np.nan),
        reason,
        status=np.where(good, "ok", "no_step"),
        message="f or the derivative in the formula is 0 or unknown here: the model has no best step",
    )
