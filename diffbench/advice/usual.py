"""The steps people use without looking, on this function."""

from __future__ import annotations

import math

import numpy as np

from diffbench.advice.curve import Curve
from diffbench.advice.record import Usual
from diffbench.advice.survey import Survey
from diffbench.stencils import Stencil

#: Around each of them the error is measured at these multiples: at one step alone it could be luck.
_NEAR = 10.0 ** np.array([0.0, -0.2, -0.1, 0.1, 0.2])


def usual_steps(survey: Survey, curve: Curve, sparse: bool) -> tuple[Usual, ...]:
    """1e-4, 1e-5, sqrt(eps) and cbrt(eps) with the plainest stencil, against its best step."""
    eps = survey.probe.format.eps
    named = {"1e-4": 1e-4, "1e-5": 1e-5, "sqrt(eps)": math.sqrt(eps), "cbrt(eps)": float(np.cbrt(eps))}
    least = float(np.nanmin(curve.expected)) if np.isfinite(curve.expected).any() else math.nan
    return tuple(_judged(name, h, survey, curve.stencil, least, sparse) for name, h in named.items())


def _judged(name: str, h: float, survey: Survey, stencil: Stencil, least: float, sparse: bool) -> Usual:
    fmt, yardstick = survey.probe.format, survey.yardstick
    step = float(fmt.round(h))
    spacing = float(fmt.ulp(survey.probe.x)) if survey.probe.x else 0.0
    if step < spacing / 2:
        message = f"x + h is x in {fmt.name}: the difference is 0"
        return Usual(
            name, step, stencil.name, abs(yardstick.value), _times(abs(yardstick.value), least), message
        )
    estimates = survey.probe.estimates(stencil, step * (_NEAR[:1] if sparse else _NEAR))
    gap = np.abs(estimates - yardstick.value)
    if not np.isfinite(gap[0]):
        return Usual(name, step, stencil.name, math.inf, math.inf, "a node leaves the domain of f")
    error = float(np.nanmax(gap))
    return Usual(name, step, stencil.name, error, _times(error, max(least, yardstick.bound)))


def _times(error: float, least: float) -> float:
    return error / least if least > 0 else math.inf if error > 0 else 1.0
