"""What the derivative is, well enough to judge steps by: a value with a bound.

Stencils of rising accuracy on a ladder of steps. Each answer has an interval: its noise, and the change from
the step of half the size as its truncation. An answer counts only while it agrees with the intervals of all
smaller steps (Lepski's principle), so a pole or a kink that a large step jumps over does not pass unseen.

Source: O. V. Lepski, Theory Probab. Appl. 35 (1991), for the principle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from diffbench.stencils import Stencil, stencil_from_name

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Nodes on each side of a central ladder, and of a one-sided one.
REACH, ONE_SIDED = 4, 8
#: Half the width of an interval in standard deviations of its noise.
WIDTH = 4.5
#: Standard deviation of a correctly rounded value, in units of its last place.
ROUNDED = 1 / math.sqrt(12)


@dataclass(frozen=True)
class Yardstick:
    """A derivative and a bound on its error, and where both come from."""

    value: float = math.nan
    bound: float = math.inf
    source: str = ""
    h: float = math.nan
    status: str = "ok"
    message: str = ""
    settled: bool = True  # its truncation has fallen below its noise: smaller steps would not help

    @property
    def relative(self) -> float:
        """The bound relative to the value."""
        return self.bound / abs(self.value) if self.value else math.inf if self.bound else 0.0


@dataclass(frozen=True)
class Rungs:
    """A ladder: ``values`` of shape (J, K) at ``offsets`` (J) times ``h`` (K, ascending), around x."""

    kind: str
    offsets: tuple[int, ...]
    h: Array
    values: Any

    @cached_property
    def flat(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Steps below the resolution of f: on one side, or on both, all values equal f(x).

        A side that is flat at every step is not meant: there f is constant (as relu is on the left of 0).
        """
        middle = self.offsets.index(0)
        sides = [side for side in (self.values[: middle + 1], self.values[middle:]) if len(side) > 1]
        flat = [np.all(side == side[:1], axis=0) for side in sides]
        known = [np.isfinite(side).all(axis=0) for side in sides]
        all_of_it = [bool(f[k].all()) for f, k in zip(flat, known, strict=True)]
        if all(all_of_it):
            return flat[0] & flat[-1]
        return np.any([f for f, everywhere in zip(flat, all_of_it, strict=True) if not everywhere], axis=0)

    @property
    def slope(self) -> Array:
        """How fast f changes over each step's nodes, at most."""
        return np.asarray(np.abs(np.diff(self.values, axis=0)).max(axis=0) / self.h, dtype=float)

    def quantum(self, noise: float) -> float:
        """The height of the steps of a staircase, 0 if f is none.

        At a step h the values should differ by |slope| h. Where they are all equal although that is far above
        the noise, f moves in jumps, and the first step that sees one shows how high they are.
        """
        known = np.isfinite(self.values).all(axis=0)
        flat = np.flatnonzero(self.flat & known)
        after = np.flatnonzero(~self.flat & known & (np.arange(len(self.h)) > flat.max(initial=-1)))
        if len(flat) == 0 or len(after) == 0:
            return 0.0
        edge = self.values[:, after[0]]
        slope = (edge.max() - edge.min()) / (self.h[after[0]] * (len(self.offsets) - 1))
        if slope * self.h[flat[-1]] <= 6 * noise:
            return 0.0
        jumps = np.abs(np.diff(edge))
        return float(jumps[jumps > 0].min())

    def of(self, stencil: Stencil) -> Array:
        """The stencil at every step, combined in the wide dtype; differences to f(x) cancel first."""
        index = [self.offsets.index(int(s)) for s in stencil.offsets]
        wide = self.values.dtype
        weights = np.array([float(c) for c in stencil.weights], dtype=wide)
        with np.errstate(all="ignore"):
            near = (self.values - self.values[self.offsets.index(0)])[index]
            return np.asarray(
                np.sum(weights[:, None] * near, axis=0) / self.h**stencil.derivative, dtype=float
            )


def offsets_of(kind: str) -> tuple[int, ...]:
    """The nodes of a ladder on the side, or on both."""
    if kind == "central":
        return tuple(range(-REACH, REACH + 1))
    sign = 1 if kind == "forward" else -1
    return tuple(sorted(sign * j for j in range(ONE_SIDED + 1)))


@lru_cache(maxsize=64)
def stencils_on(kind: str, derivative: int) -> tuple[Stencil, ...]:
    """Stencils whose nodes are on the ladder, by accuracy."""
    found = []
    for accuracy in range(1, 2 * ONE_SIDED):
        if kind == "central" and accuracy % 2:
            continue
        try:
            stencil = stencil_from_name(f"{kind}-{accuracy}", derivative)
        except ValueError:
            break
        if not set(stencil.offsets) <= set(offsets_of(kind)):
            break
        found.append(stencil)
    return tuple(found)


def measure(rungs: Rungs, derivative: int, noise: float, argument: float, u: float) -> Yardstick:
    """The best answer that the ladder supports.

    Parameters
    ----------
    rungs : Rungs
    derivative : int
    noise : float
        Standard deviation of one value.
    argument : float
        What rounding an argument inside f (10 x in sin(10 x)) may move x by: u |x| / 2. Steps with few bits
        may not show it as noise.
    u : float
        Unit roundoff of the format of f's values.
    """
    h = rungs.h
    answers, bounds, widths = [], [], []
    slope = rungs.slope
    # differences of exact values can be 0 by symmetry (expm1(h) = h for small h): a value is never better
    # known than its own rounding
    scatter = np.maximum(noise, ROUNDED * 2 * u * np.abs(rungs.values).max(axis=0).astype(float))
    for stencil in stencils_on(rungs.kind, derivative):
        d = rungs.of(stencil)
        with np.errstate(all="ignore"):
            width = WIDTH * stencil.S2 * (scatter + argument * slope) / h**derivative + 8 * min(
                u, 2.0**-53
            ) * np.abs(d)
            change = np.abs(np.diff(d, prepend=np.nan))
            # truncation falls by 2^p per octave, so the change to the larger step bounds it as well
            later = np.append(change[1:], 0.0) / 2.0 ** (stencil.accuracy - 1)
            truncation = np.fmax(change, np.nan_to_num(later, nan=0.0))
        answers.append(d)
        widths.append(width)
        bounds.append(width + truncation)
    if not answers:
        return Yardstick(source="no stencil", status="low_confidence", message="no stencil fits the ladder")
    value, bound = np.stack(answers), np.stack(bounds)
    bound[:, rungs.flat] = np.inf  # all values equal: nothing is known about the slope
    allowed = _agreeing(value, bound)
    bound = np.where(allowed & np.isfinite(value), bound, np.inf)
    if not np.isfinite(bound).any():
        return Yardstick(
            source="a ladder of stencils",
            status="low_confidence",
            message="no two steps agree with each other",
        )
    p, k = np.unravel_index(np.argmin(bound), bound.shape)
    name = stencils_on(rungs.kind, derivative)[p].name
    source = f"{name} at h = {h[k]:.3g} of a ladder of steps"
    settled = bool(bound[p, k] <= 3 * widths[p][k])
    return Yardstick(float(value[p, k]), float(bound[p, k]), source, float(h[k]), settled=settled)


def _agreeing(value: Array, bound: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which answers lie within the intervals of all smaller steps (of the lowest accuracy)."""
    low, high = value[0] - bound[0], value[0] + bound[0]
    low = np.fmax.accumulate(np.where(np.isfinite(low), low, -np.inf))
    high = np.fmin.accumulate(np.where(np.isfinite(high), high, np.inf))
    # the intervals of the steps before
    low = np.concatenate([[-np.inf], low[:-1]])
    high = np.concatenate([[np.inf], high[:-1]])
    return (value + bound >= low) & (value - bound <= high) & (low <= high)
