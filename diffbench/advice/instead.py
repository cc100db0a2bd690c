"""What is better than any step: tried on the function itself, and said only where it was."""

from __future__ import annotations

import numpy as np

from diffbench.advice.curve import Curve, error_curve
from diffbench.advice.record import times
from diffbench.advice.survey import Survey
from diffbench.arithmetic.formats import get_format
from diffbench.methods.autodiff import jet
from diffbench.stencils import Stencil

#: An alternative is worth a sentence if its error is so much smaller.
WORTH = 10.0


def alternatives(
    survey: Survey, stencil: Stencil, curve: Curve, expected: float, derivative: int
) -> list[str]:
    """Sentences on complex step, autodiff, mixed precision, rescaling and averaging, where they help."""
    found = []
    if survey.probe.strict:
        found += _autodiff(survey, expected, derivative)
        found += _complex_step(survey, expected, derivative)
    found += _mixed(survey, stencil, curve, expected)
    found += _rescaling(survey, curve)
    found += _averaging(survey, stencil)
    return found


def _autodiff(survey: Survey, expected: float, derivative: int) -> list[str]:
    probe = survey.probe
    try:
        with np.errstate(all="ignore"):
            x = np.array([probe.format.round(probe.x)[()]], dtype=probe.format.dtype)
            value = float(np.asarray(jet(probe.program, probe.format, x, derivative).value)[0])
    except Exception:  # it does not run on jets: then it is no alternative
        return []
    error = abs(value - survey.yardstick.value)
    if not _helps(error, expected, survey):
        return []
    return [
        f"automatic differentiation needs no step: method='jet' gives {value!r} in {probe.format.name}, "
        f"within {max(error, survey.yardstick.bound):.2g} of the value used here"
    ]


def _complex_step(survey: Survey, expected: float, derivative: int) -> list[str]:
    """Im f(x + ih) / h, for a program that takes complex numbers (Squire and Trapp, SIAM Rev. 40 (1998))."""
    if derivative != 1 or survey.probe.format.name != "float64":
        return []
    tiny = 1e-100
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(survey.probe.program(np.array([survey.probe.x + 1j * tiny])))
    except Exception:
        return []
    if value.shape != (1,) or value.dtype.kind != "c":
        return []
    slope = float(value.imag[0]) / tiny
    error = abs(slope - survey.yardstick.value)
    if not _helps(error, expected, survey):
        return []
    return [
        f"the complex step needs no h to choose: np.imag(f(x + 1e-100j)) / 1e-100 = {slope!r}, "
        f"within {max(error, survey.yardstick.bound):.2g} of the value used here"
    ]


def _helps(error: float, expected: float, survey: Survey) -> bool:
    """Much closer than the best step, or as close as can be told."""
    return bool(np.isfinite(error)) and error <= max(expected / WORTH, survey.yardstick.bound)


def _mixed(survey: Survey, stencil: Stencil, curve: Curve, expected: float) -> list[str]:
    """Values in the half format, differences in float32."""
    fmt = survey.probe.format
    if fmt.precision >= 24:
        return []
    found = []
    estimates = survey.probe.estimates(stencil, curve.h, "mixed")
    mixed = error_curve(
        stencil,
        curve.h,
        estimates,
        survey.yardstick,
        survey.noise,
        survey.slope,
        survey.probe.x,
        fmt,
        "mixed",
    )
    best = mixed.best()
    if best >= 0 and mixed.expected[best] * 1.3 < expected:
        found.append(
            f"mixed precision: f in {fmt.name}, subtract and divide in float32: error "
            f"{mixed.expected[best]:.2g} at h = {mixed.h[best]:.3g}"
        )
    wide = get_format("float32")
    gain = (wide.u / fmt.u) ** (stencil.accuracy / (stencil.accuracy + stencil.derivative))
    found.append(f"evaluate f in float32: by the model its best error is {times(1 / gain)} times smaller")
    return found


def _rescaling(survey: Survey, curve: Curve) -> list[str]:
    """Where the best step is a few spacings of x, x + h itself is what rounds."""
    x, fmt = survey.probe.x, survey.probe.format
    best = curve.best()
    if best < 0 or not x:
        return []
    spacing = float(fmt.ulp(x))
    lost = curve.expected[best] > 100 * fmt.u * abs(survey.yardstick.value)
    if curve.h[best] > (32 if fmt.precision >= 24 else 2) * spacing or not lost:
        return []
    return [
        f"rescale: f varies within a few spacings of {fmt.name} at x (ulp(x) = {spacing:.2g}); write it as a "
        "function of x - x0 with x0 fixed, or use a wider format"
    ]


def _averaging(survey: Survey, stencil: Stencil) -> list[str]:
    if survey.noise_in_ulp < 100 or not survey.noise:
        return []
    gain = 100 ** (stencil.accuracy / (stencil.accuracy + stencil.derivative))
    return [
        f"f is noisier than its format ({survey.noise_in_ulp:.2g} ulp): a tighter tolerance inside f, or the "
        "same random numbers for all calls, helps more than any step; noise 100 times smaller makes the best "
        f"error {times(gain)} times smaller"
    ]
