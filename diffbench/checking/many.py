"""Many values of a function near a point, for formats in which nine say too little.

In float16 and bfloat16 a step that truncation allows often drowns in rounding. Rounding errors of many values
average out: polynomials are fitted to f at up to 48 points an octave of |x - node|, in windows from narrow to
wide, and each slope gets an error bound that is made of

* scatter: 2.5 standard deviations, from sums over runs of residuals of one sign (a staircase has long runs,
  and averages out no faster than it has stairs), or from the noise of f if that is more;
* noise that averaging cannot remove: an intermediate result that does not move within the window at all;
* truncation: what the next degree changes, here or in a wider window, where it is seen more clearly;
* kinks: what is left at the degrees 9 to 16 of this and the wider windows, unless it fades as it does for a
  smooth function. In a sum of absolute values the slope at the point is another one at every scale.

A slope that a narrower window contradicts is widened until it covers both (Lepski's principle), and the
smallest bound wins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from diffbench.checking.block import Vector
from diffbench.checking.probe import Probe

#: Points an octave on each side, octaves, and windows an octave.
POINTS, OCTAVES, WINDOWS = 24, 8, 2
#: Degrees whose slopes compete (each needs the next one), and the bands in which kinks are looked for.
DEGREES = (2, 4, 6, 8)
KINK_BAND, HIGH_BAND = slice(9, 17), slice(17, 25)
MOST = 24
#: A window needs so many points, so many of them on each side, and so many changes of f.
LEAST_POINTS, LEAST_SIDE, LEAST_CHANGES = 17, 6, 8
#: Standard deviations of the scatter; the sums over runs are 1.5 times those of independent errors.
SIGMAS, RUNS = 2.5, 1.5
#: Final rounding has a standard deviation of 0.29 spacings.
ROUNDING = 0.29
#: Part of the noise of f that counts however many values there are.
SYSTEMATIC = 0.5
#: A fit that leaves more than this many times the noise has missed something.
MOST_SCATTER = 3.0
#: Energy above this many times that of noise is structure, unless the next band has less than a 25th of it.
STRUCTURE, FADES = 3.0, 25.0
#: Kinks are looked for in windows up to 8 times as wide.
KINK_WINDOWS = 3 * WINDOWS
#: Standard deviations of what the next degree changes that count as truncation.
UNSEEN = 0.25
#: Jump of the slope that leaves a root mean square of 1 in the kink band of a window of width 1.
KINK_JUMP = 150.0

#: Slopes of the Legendre polynomials at 0.
SLOPES = np.array([legendre.legval(0.0, legendre.legder(row)) for row in np.eye(MOST + 1)])


@dataclass(frozen=True)
class Slope:
    """A slope at the point from the values in a window of half width ``width``."""

    width: float
    degree: int
    value: float
    rounding: float
    truncation: float
    change: float  # what the next degree changes, and what of it may be scatter

    @property
    def bound(self) -> float:
        return self.rounding + self.truncation


class Window:
    """The values within a distance of the point, in orthonormal polynomials.

    Parameters
    ----------
    t, g : array, shape (n,)
        Distances from the point and values of f minus that at the point.
    width : float
        Half width of the window.
    spacing : float
        Largest spacing of the format at the values.
    noise : float
        Standard deviation of the noise of f.
    """

    def __init__(self, t: Vector, g: Vector, width: float, spacing: float, noise: float) -> None:
        self.g, self.width, self.spacing, self.noise = g, width, spacing, noise
        self.count = len(t)
        degree = min(MOST, self.count - 8)
        self.basis, triangle = np.linalg.qr(legendre.legvander(t / width, degree))
        self.parts = self.basis.T @ g
        self.slopes = np.linalg.solve(triangle.T, SLOPES[: degree + 1])
        self.changes = int(np.count_nonzero(np.diff(g)))

    def slope(self, degree: int) -> tuple[float, float, bool]:
        """Slope of the fit of that degree, its standard deviation, and whether the fit follows f."""
        basis, count = self.basis[:, : degree + 1], self.count
        row = basis @ self.slopes[: degree + 1]
        rest = (self.g - basis @ self.parts[: degree + 1]) * (count / (count - degree - 1)) ** 0.5
        runs = np.concatenate([[0], np.cumsum(np.diff(np.sign(rest)) != 0)])
        scatter = float(np.linalg.norm(np.bincount(runs, weights=row * rest)))
        least = max(ROUNDING * self.spacing, 0.5 * self.noise) * (count / max(self.changes, 1)) ** 0.5
        deviation = max(scatter, RUNS * least * float(np.linalg.norm(row)))
        follows = float(np.std(rest)) <= MOST_SCATTER * max(self.noise, 0.3 * self.spacing)
        return float(row @ self.g) / self.width, deviation / self.width, follows

    def systematic(self) -> float:
        """Error of a slope from noise that may be the same for all values on one side."""
        inside = max(0.0, self.noise**2 - (0.3 * self.spacing) ** 2)
        return SYSTEMATIC * inside**0.5 / self.width

    def kinks(self) -> float:
        """Jump of the slope at kinks, as far as they are seen; 0 for a smooth function."""
        if len(self.parts) <= MOST or self.count < 45:
            return 0.0
        rest = self.g - self.basis @ self.parts
        noise = max(float(rest @ rest) / (self.count - MOST - 1), (0.2 * self.spacing) ** 2)
        found, next_band = (float(np.mean(self.parts[band] ** 2)) for band in (KINK_BAND, HIGH_BAND))
        excess = found - STRUCTURE * noise
        if excess <= 0 or FADES * next_band <= found:
            return 0.0
        return KINK_JUMP * (excess / self.count) ** 0.5 / self.width


def slope_of_many(probe: Probe, component: int, reach: float, least: float) -> Slope | None:
    """The slope along one component with the smallest error bound; None if no fit can be trusted.

    Parameters
    ----------
    probe : Probe
    component : int
        Index into the flattened point.
    reach : float
        How far from the point f is looked at; slopes come from windows up to half of that.
    least : float
        Share of a slope below which its error bound is never put.
    """
    t, g = probe.many(component, reach * 2.0 ** (-np.arange(POINTS * OCTAVES) / POINTS))
    windows = _windows(probe, t, g, reach)
    jumps = [window.kinks() if window else 0.0 for window in windows]
    table: list[list[Slope]] = []  # one row per window, from wide to narrow
    for k, window in enumerate(windows):
        kinks = max(jumps[max(0, k - KINK_WINDOWS) : k + 1])
        table.append(_slopes(window, table, kinks, least) if window else [])
    found = [
        Slope(s.width, s.degree, s.value, s.rounding, s.truncation + 2 * _conflict(s, table[k + 1 :]), 0.0)
        for k, row in enumerate(table)
        for s in row
        if s.width <= 0.5 * reach
    ]
    return min(found, key=lambda s: s.bound, default=None)


def _windows(probe: Probe, t: Vector, g: Vector, reach: float) -> list[Window | None]:
    """Windows from wide to narrow; None where there are too few values, or f does not move."""
    edge = float(np.min(np.abs(t[~np.isfinite(g)]), initial=np.inf))
    windows: list[Window | None] = []
    for k in range(WINDOWS * (OCTAVES - 1)):
        width = reach * 2.0 ** (-k / WINDOWS)
        inside = np.abs(t) <= 1.0001 * width
        sides = min(np.count_nonzero(t[inside] < 0), np.count_nonzero(t[inside] > 0))
        if width >= edge or np.count_nonzero(inside) < LEAST_POINTS or sides < LEAST_SIDE:
            windows.append(None)
            continue
        spacing = float(np.max(probe.format.ulp(g[inside] + float(probe.value))))
        window = Window(t[inside], g[inside], width, spacing, probe.noise)
        windows.append(window if window.changes >= LEAST_CHANGES else None)
    return windows


def _slopes(window: Window, wider: list[list[Slope]], kinks: float, least: float) -> list[Slope]:
    """The slopes of one window that can be trusted, with what wider ones know about truncation."""
    degrees = [d for d in (*DEGREES, DEGREES[-1] + 2) if window.count >= 2 * d + 8]
    fits = [window.slope(d) for d in degrees]
    slopes = []
    for degree, (value, deviation, follows), (above, above_deviation, _) in zip(
        degrees[:-1], fits[:-1], fits[1:], strict=True
    ):
        if not follows:
            continue
        change = abs(above - value) + UNSEEN * float(np.hypot(deviation, above_deviation))
        wide = (s for row in wider for s in row if s.degree == degree)
        truncation = min([change, *(s.change * window.width / s.width for s in wide)])
        rounding = SIGMAS * deviation + window.systematic()
        slopes.append(
            Slope(window.width, degree, value, rounding, truncation + kinks + least * abs(value), change)
        )
    return slopes


def _conflict(slope: Slope, narrower: list[list[Slope]]) -> float:
    """What the bound of a slope lacks to agree with narrower windows."""
    gaps = (abs(s.value - slope.value) - slope.bound - s.rounding for row in narrower for s in row)
    return max([0.0, *gaps])


def reach_of(x: float, h: float) -> float:
    """How far to look: octaves beyond the step h of nine values, up to what they saw or 2 max(1, abs(x))."""
    return min(max(2.0 * max(1.0, abs(x)), 8.0 * h), 64.0 * h)
