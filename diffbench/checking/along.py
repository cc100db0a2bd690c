"""The claimed gradient along a line, against what f does there: no step, no truncation.

f(b) - f(a) is the integral of the derivative, however far apart a and b are and however many kinks lie
between. So a gradient that may be called at other points too is checked over distances at which rounding is
small: f is fitted by c + share * G, where G is the integral of the claimed component; the share must be 1.
It is the gradient's code that is judged then, along the line, and no longer its value at the point alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.checking.block import Vector
from diffbench.checking.probe import Probe

#: Points on each side, and half lengths of the lines in units of max(1, |x|).
POINTS, LENGTHS = 24, (1.0, 0.25, 0.0625)
#: Standard deviations in the bound; the sums over runs are 1.5 times those of independent errors.
SIGMAS, RUNS, ROUNDING = 2.5, 1.5, 0.29
#: Part of the noise of f that counts however many values there are, and roundings of the gradient.
SYSTEMATIC, ROUNDINGS = 0.5, 4.0

#: The claimed gradient at a point of the format, flattened; not finite where it has no value.
Gradient = Callable[[np.ndarray[Any, Any]], Vector]


@dataclass(frozen=True)
class Share:
    """How much of the integral of the claimed component f shows, and how wrong that may be."""

    value: float
    bound: float
    length: float


def share_along(probe: Probe, gradient: Gradient, component: int) -> Share | None:
    """The share with the smallest bound over lines of several lengths; None if no line is of use."""
    size = max(1.0, abs(float(probe.flat[component])))
    distances = np.arange(1, POINTS + 1) / POINTS
    found = (_share(probe, gradient, component, length * size, distances) for length in LENGTHS)
    return min((s for s in found if s), key=lambda s: s.bound, default=None)


def _share(
    probe: Probe, gradient: Gradient, component: int, length: float, distances: Vector
) -> Share | None:
    t, g = probe.many(component, length * distances)
    t, g = _around(t, g)
    if len(t) < POINTS // 2:
        return None
    slopes = np.array([gradient(probe.moved(component, distance))[component] for distance in t])
    if not np.all(np.isfinite(slopes)):
        return None
    integral = _integral(t, slopes)
    coarse = np.interp(t, t[::2], _integral(t[::2], slopes[::2]))
    centred = integral - integral.mean()
    size = float(centred @ centred)
    if size == 0:
        return None
    row = centred / size
    value = float(row @ g)
    rest = g - g.mean() - value * centred
    runs = np.concatenate([[0], np.cumsum(np.diff(np.sign(rest)) != 0)])
    scatter = float(np.linalg.norm(np.bincount(runs, weights=row * rest)))
    spacing = float(np.max(probe.format.ulp(g + float(probe.value))))
    changes = max(1, int(np.count_nonzero(np.diff(g))))
    least = max(ROUNDING * spacing, 0.5 * probe.noise) * (len(t) / changes) ** 0.5
    deviation = max(scatter, RUNS * least * float(np.linalg.norm(row)))
    inside = max(0.0, probe.noise**2 - (0.3 * spacing) ** 2) ** 0.5
    width = float(np.ptp(integral))
    quadrature = float(np.linalg.norm(coarse - integral) * np.linalg.norm(row))
    bound = SIGMAS * deviation + SYSTEMATIC * inside / width + quadrature + ROUNDINGS * probe.format.u
    return Share(value, bound, length)


def _around(t: Vector, g: Vector) -> tuple[Vector, Vector]:
    """The part of the line around the point where f has values."""
    edge = float(np.min(np.abs(t[~np.isfinite(g)]), initial=np.inf))
    inside = np.abs(t) < edge
    return t[inside], g[inside]


def _integral(t: Vector, slopes: Vector) -> Vector:
    """By trapezoids, from the first point."""
    return np.concatenate([[0.0], np.cumsum(np.diff(t) * (slopes[1:] + slopes[:-1]) / 2)])
