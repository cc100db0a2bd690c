"""The error of a stencil against its step, as far as it can be known without the true derivative.

``error_curve(...)`` compares every estimate with a yardstick (a value and its bound). Where the gap exceeds
the bound it is the error, measured; below the bound nothing can be decided, and a model takes over:
truncation continued from larger steps with the stencil's order, and noise as ``S2 sigma / h^m``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.advice.yardstick import Yardstick
from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil

Array = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

#: Decades to each side of a step over which its error is judged (THEORY: the best step), and the least rows.
HALF_WINDOW, LEAST_ROWS = 0.25, 3
QUANTILE = 0.9
#: The share of its bound by which the yardstick is taken to be off. On random functions (seeds below 1000)
#: the error of nine in ten steps then stays below what is expected.
YARDSTICK_OFF = 0.25
#: 90 % of normal deviates are within this many standard deviations.
NORMAL_90 = 1.645


@dataclass(frozen=True)
class Curve:
    """Expected error of one stencil; arrays of shape (K,) by ascending step.

    Attributes
    ----------
    gap : array
        |estimate - yardstick|, as measured at the step itself.
    expected : array
        The error to expect: the 90th percentile of what is measured nearby, or the model. NaN where a node
        has no value.
    truncation, noise : array
        What the model says of the two parts.
    decided : array of bool
        Where the measured error exceeds the yardstick's bound.
    typical : float
        The step that a rule of thumb would take.
    """

    stencil: Stencil
    h: Array
    estimate: Array
    gap: Array
    expected: Array
    truncation: Array
    noise: Array
    decided: Mask
    typical: float = 1.0
    variant: str = "integer"

    def best(self) -> int:
        """Where the expected error is least; a power of two is preferred when it costs little. -1: nowhere.

        Of steps that are equally good (f is a polynomial, say), the nearest to the rule of thumb.
        """
        if not np.isfinite(self.expected).any():
            return -1
        least = np.nanmin(self.expected)
        mantissa, _ = np.frexp(self.h)
        round_one = (mantissa == 0.5) & (self.expected <= 1.5 * least)
        among = round_one if round_one.any() else self.expected <= least
        found = np.flatnonzero(among)
        ties = found[self.expected[found] <= 1.02 * np.min(self.expected[found])]
        return int(ties[np.argmin(np.abs(np.log(self.h[ties] / self.typical)))])

    def at(self, h: float) -> float:
        """The expected error at any step, between the ones of the curve."""
        known = np.isfinite(self.expected) & (self.expected > 0)
        if not known.any() or not self.h[0] * 0.99 <= h <= self.h[-1] * 1.01:
            return math.nan
        return float(np.exp(np.interp(math.log(h), np.log(self.h[known]), np.log(self.expected[known]))))


def error_curve(
    stencil: Stencil,
    h: Array,
    estimate: Array,
    yardstick: Yardstick,
    noise: float,
    slope: float,
    x: float,
    fmt: Format,
    variant: str = "integer",
) -> Curve:
    """The curve of one stencil.

    Parameters
    ----------
    stencil : Stencil
    h, estimate : array, shape (K,)
        Ascending steps and the estimates of the format.
    yardstick : Yardstick
    noise : float
        Standard deviation of one value of f.
    slope : float
        |f'|, roughly, for what a rounded node costs.
    x : float
    fmt : Format
    """
    m, p = stencil.derivative, stencil.accuracy
    with np.errstate(all="ignore"):
        gap = np.abs(estimate - yardstick.value)
        gap = np.where(np.isfinite(estimate), gap, np.nan)
        rounding = NORMAL_90 * stencil.S2 * noise / h**m + _abscissa(stencil, h, slope, x, fmt)
    upper = _upper(h, gap, m, p)
    if len(h) > 1 and np.diff(np.log10(h)).min() > HALF_WINDOW:
        # three gaps may all be small by luck, and the best step is sought among such
        upper = np.fmax(upper, np.where(np.isfinite(upper), rounding, np.nan))
    truncation = _truncation(h, upper, rounding, yardstick.bound, p)
    model = np.fmax(truncation + rounding, _least(yardstick, fmt))
    if yardstick.status != "ok":  # then the estimates may agree with it and all be wrong
        model = np.fmax(model, yardstick.bound)
    decided = upper > 2 * yardstick.bound
    # what is not decided still lies within a bound of the gap
    between = np.fmin(np.fmax(model, upper - yardstick.bound / 3), np.fmax(upper, 0) + yardstick.bound)
    expected = np.where(decided, upper, between) + YARDSTICK_OFF * yardstick.bound
    expected = np.where(np.isfinite(gap), expected, np.nan)
    typical = fmt.eps ** (1 / (m + p)) * max(1.0, abs(x))
    decided &= np.isfinite(gap)
    return Curve(stencil, h, estimate, gap, expected, truncation, rounding, decided, typical, variant)


def _least(yardstick: Yardstick, fmt: Format) -> float:
    """No estimate of a format can be promised closer than its unit roundoff."""
    return fmt.u * abs(yardstick.value)


def _abscissa(stencil: Stencil, h: Array, slope: float, x: float, fmt: Format) -> Array:
    """What nodes that are no numbers of the format cost, in the worst case."""
    reach = max(abs(float(s)) for s in stencil.offsets) * h
    spacing = fmt.ulp(np.abs(x) + reach)
    exact = np.all([np.mod(float(s) * h, spacing) == 0 for s in stencil.offsets if s], axis=0)
    return np.where(exact, 0.0, float(stencil.X1) * slope * spacing / 2 / h**stencil.derivative)


def _upper(h: Array, gap: Array, m: int, p: int) -> Array:
    """The 90th percentile (inverted CDF) of the gaps within a quarter of a decade, at least three.

    On a coarse grid the window is wider, and gaps count as what they would be at this step: noise falls
    from the smaller steps like h^-m, truncation from the larger ones like h^p.
    """
    position = np.log10(h)
    found = np.full(len(h), np.nan)
    for i in range(len(h)):
        if not np.isfinite(gap[i]):
            continue
        distance = np.abs(position - position[i])
        inside = (distance <= HALF_WINDOW + 1e-9) & np.isfinite(gap)
        values = gap[inside]
        if inside.sum() < LEAST_ROWS:
            near = (distance <= 2 * HALF_WINDOW) & np.isfinite(gap)
            values = _between(h[near] / h[i], gap[near], m, p)
        found[i] = np.sort(values)[math.ceil(QUANTILE * len(values)) - 1]
    return found


def _between(ratio: Array, gap: Array, m: int, p: int) -> Array:
    """What gaps at a few steps (relative to one) say of the steps of the window around it."""
    inner = 10.0 ** np.linspace(-HALF_WINDOW, HALF_WINDOW, 11)[:, None]
    scaled = np.where(ratio <= inner, (ratio / inner) ** m, (inner / ratio) ** float(p))
    return np.asarray((gap * scaled).max(keepdims=True).reshape(1))


def _truncation(h: Array, upper: Array, rounding: Array, bound: float, accuracy: int) -> Array:
    """Measured where it is seen (the right branch), continued to the left with the order of the stencil."""
    seen = np.isfinite(upper) & (upper > 4 * rounding) & (upper > 4 * bound)
    # the branch is what is seen without a gap up to the largest step that has a value
    known = np.flatnonzero(np.isfinite(upper))
    if len(known) == 0 or not seen[known[-1]]:
        return np.where(np.isfinite(upper), 0.0, np.nan)
    start = len(known) - 1
    while start > 0 and seen[known[start - 1]]:
        start -= 1
    first = known[start]
    left = upper[first] * (h / h[first]) ** accuracy
    return np.where(np.arange(len(h)) < first, left, upper)
