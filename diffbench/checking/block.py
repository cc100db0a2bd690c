"""Nine values of a function on a line, and what they say about its slope in the middle.

A block is f at x + j h for j = -4 .. 4. Least-squares polynomials of degree 2, 4 and 6 each give a slope;
they are central differences whose weights are chosen to let little noise through (Savitzky & Golay, Anal.
Chem. 36 (1964) 1627-1639). Each slope has an error bound of two parts:

* rounding: every value may be wrong by 0.6 spacings of the format (hard bound), or by the noise of f
  (statistical bound: 4.5 standard deviations), whichever is worse;
* truncation: what the next degree changes, times 4, which also covers a function whose slope converges with
  the first power of h only (f'' jumps), plus half the jump of the slope where there is a kink.

The degree with the smallest sum wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.float64]]

OFFSETS = np.arange(-4.0, 5.0)
DEGREES = (2, 4, 6)

#: Standard deviations in a statistical bound: one false alarm in 10^5 for normal noise.
SIGMAS = 4.5
#: How often a value may be wrong by the spacing of the format (half of it is the final rounding alone).
SPACINGS = 0.6
#: A residual above this share of the variation of f, and above NOISE_SPACINGS, means that no polynomial fits.
NOISE_SHARE, NOISE_SPACINGS = 0.15, 4.0
#: A kink between the nodes changes the slope by up to this many times the residuals it leaves, divided by h.
KINK_SCATTER = 30.0
#: Residuals up to this many times the noise seen at tiny steps are that noise.
NOISE_MATCH = 5.0
#: What the next degree changes times 4 bounds the truncation error also where f'' jumps; a quarter of what
#: the last one changed keeps an accidental agreement of two degrees from counting.
NEXT_DEGREE, LAST_DEGREE = 4.0, 0.25


@dataclass(frozen=True)
class Weights:
    """Linear maps from nine values to what is read from them, for nodes in units of h."""

    slopes: Vector  # (4, 9): degrees 2, 4, 6, 8
    residuals: Vector  # (3, 9, 9): what the fits of degree 2, 4, 6 leave
    curvature: Vector  # (9,)
    kinks: Vector  # (2, 9): coefficient of |t| beside polynomials of degree 3 and 4
    kink_residual: Vector  # (9, 9): what the fit of |t| and degree 4 leaves


@lru_cache(maxsize=4096)
def weights(nodes: tuple[float, ...]) -> Weights:
    """The maps for nodes that need not be equally spaced: x + j h may have been rounded."""
    t = np.array(nodes)
    powers = np.vander(t, 9, increasing=True)
    columns = [powers[:, : degree + 1] for degree in (*DEGREES, 8)]
    inverses = [np.linalg.pinv(c) for c in columns]
    kinked = [np.column_stack([np.abs(t), powers[:, : degree + 1]]) for degree in (3, 4)]
    kink_inverses = [np.linalg.pinv(c) for c in kinked]
    return Weights(
        slopes=np.array([inverse[1] for inverse in inverses]),
        residuals=np.array([np.eye(9) - c @ inv for c, inv in zip(columns[:3], inverses[:3], strict=True)]),
        curvature=2 * inverses[1][2],
        kinks=np.array([inverse[0] for inverse in kink_inverses]),
        kink_residual=np.eye(9) - kinked[1] @ kink_inverses[1],
    )


@dataclass(frozen=True)
class Block:
    """What nine values say about a slope.

    Attributes
    ----------
    h : float
        Distance of neighbouring nodes.
    estimate : float
    rounding, truncation : float
        The two parts of the error bound; infinite where no polynomial fits.
    kink : float
        Half the jump of the slope at the point, right minus left (its size is part of ``truncation``);
        0 where none is seen.
    kink_error : float
        How large a ``kink`` may hide in rounding.
    curvature : float
        Second derivative, roughly.
    flat : bool
        All nine values are the same.
    noisy : bool
        The values scatter too much around every polynomial.
    bends : bool
        What the next degree changes stands out of the noise: a smaller step would be more accurate.
    rough : float
        By how much a slope may change at something that the block does not resolve, such as a kink; 0 if the
        values scatter no more than the noise of f.
    change : float
        Largest difference from the value in the middle.
    """

    h: float
    estimate: float
    rounding: float
    truncation: float
    kink: float
    kink_error: float
    curvature: float
    flat: bool
    noisy: bool
    bends: bool
    rough: float
    change: float

    @property
    def bound(self) -> float:
        return self.rounding + self.truncation


def fit(t: Vector, g: Vector, h: float, spacing: Vector, noise: float) -> Block:
    """Fit one block.

    Parameters
    ----------
    t : array, shape (9,)
        Distances of the nodes from x, as they really are.
    g : array, shape (9,)
        Values minus the value at x.
    h : float
        The step that was asked for.
    spacing : array, shape (9,)
        Spacing of the format at the values.
    noise : float
        Standard deviation of the noise of f, as far as it is known from elsewhere.
    """
    w = weights(tuple((t / h).tolist()))
    slopes = w.slopes @ g / h
    kink, kink_error, scatter = _kink_and_scatter(w, g, spacing, noise)
    roundings = [_error(w.slopes[i], spacing, max(noise, own)) / h for i, own in enumerate(scatter)]
    next_degree = np.abs(np.diff(slopes))
    last_degree = np.concatenate([[0.0], next_degree[:2]])
    truncations = np.maximum(NEXT_DEGREE * next_degree, LAST_DEGREE * last_degree)
    best = int(np.argmin(roundings + truncations))
    rounding, truncation = roundings[best], float(truncations[best])
    if kink:
        truncation += (abs(kink) + kink_error) / h
    unseen = _error(w.slopes[best + 1] - w.slopes[best], spacing, noise) / h
    bends = bool(next_degree[best] > unseen) or kink != 0
    change, unfitted = float(np.max(np.abs(g))), scatter[1]
    smooth = unfitted <= NOISE_MATCH * max(noise, 0.3 * float(np.max(spacing)))
    noisy = unfitted > max(NOISE_SHARE * change, NOISE_SPACINGS * float(np.max(spacing)))
    if noisy and unfitted <= NOISE_MATCH * noise:  # known noise: a larger step may help
        rounding = float("inf")
    elif noisy:  # structure, as far as one knows: a smaller step may help
        truncation, bends = float("inf"), True
    curvature = float(w.curvature @ g) / h**2
    return Block(
        h=h,
        estimate=float(slopes[best]),
        rounding=rounding,
        truncation=truncation,
        kink=kink / h,
        kink_error=kink_error / h,
        curvature=curvature,
        flat=change == 0,
        noisy=noisy,
        bends=bends or not smooth,
        rough=0.0 if smooth else KINK_SCATTER * unfitted / h,
        change=change,
    )


def _error(row: Vector, spacing: Vector, noise: float) -> float:
    """What rounding may do to a weighted sum of nine values."""
    hard = SPACINGS * float(np.abs(row) @ spacing)
    return max(hard, SIGMAS * float(np.linalg.norm(row)) * noise)


def _kink_and_scatter(
    w: Weights, g: Vector, spacing: Vector, noise: float
) -> tuple[float, float, list[float]]:
    """Coefficient of |t| in units of h, its rounding error, and the scatter around every fit.

    The coefficient is 0 unless it stands out of the noise and does not depend on the degree beside it. The
    scatter is then that around a curve with the kink.
    """
    scatter = [
        float(np.linalg.norm(r @ g)) / (8 - d) ** 0.5 for d, r in zip(DEGREES, w.residuals, strict=True)
    ]
    narrow, wide = (float(v) for v in w.kinks @ g)
    around = float(np.linalg.norm(w.kink_residual @ g)) / 3**0.5  # 9 values, 6 coefficients
    error = _error(w.kinks[1], spacing, max(noise, around))
    if abs(wide) > error and abs(wide - narrow) < 0.5 * abs(wide):
        return wide, error, [min(own, around) for own in scatter]
    return 0.0, error, scatter


def scatter_of(t: Vector, g: Vector, h: float) -> float:
    """The noise of f: standard deviation of nine values around a quartic, with a kink or without."""
    w = weights(tuple((t / h).tolist()))
    plain, kinked = float(np.linalg.norm(w.residuals[1] @ g)), float(np.linalg.norm(w.kink_residual @ g))
    return min(plain / 2.0, kinked / 3**0.5)  # 9 values, 5 and 6 coefficients
