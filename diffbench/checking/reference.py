"""``auto`` along every coordinate of a point: what the claims are compared with, where it can be trusted.

``references(probe)`` runs the estimator of :mod:`diffbench.methods.automatic` on all coordinates together, as
``db.gradient`` does; only the calls of f are the probe's. A :class:`Reference` has its value, its bound and
its status, and what its nodes say about how far a right claim may be off.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import numpy as np

from diffbench.checking.block import Block
from diffbench.checking.probe import Probe
from diffbench.multivariate.automatic import columns_of

#: Bits of a format from which on ``auto`` is the reference. In the half formats its bound is sometimes too
#: small, beside the kinks of a network of ReLUs, and a right gradient would be failed.
BITS = 20
#: A kink at the point makes the even part of f grow like h: at the two smallest steps at which it is clear of
#: the noise (by so many standard deviations) and which are so many times apart, its ratio to h is the same
#: within a factor.
CLEAR, STEPS_APART, LINEAR = 10.0, 4.0, 2.0
#: Nodes within this many top steps count as seen by the estimate: steps are rounded to the format.
WITHIN = 1.001


@dataclass(frozen=True)
class Reference:
    """What ``auto`` says about one component.

    Attributes
    ----------
    value, bound : float
    ok : bool
        Its status is ``ok``, and its nodes do not look like a kink at the point; otherwise value and bound
        are no basis for a verdict.
    h : float
        The largest step it extrapolates from.
    curvature, change : float
        Second derivative, roughly, and the largest change of f, both from the nodes up to ``h``.
    left, right : float
        The slopes on both sides of a kink at the point, NaN if there is none.
    """

    value: float
    bound: float
    ok: bool
    h: float
    curvature: float
    change: float
    left: float = nan
    right: float = nan

    @property
    def decides(self) -> bool:
        """Whether it may be the reference: a value of exactly 0 is a plateau, which has rules of its own."""
        return self.ok and self.value != 0 and isfinite(self.bound)

    def block(self) -> Block:
        """As a block of values, to be judged by the rules for those; its one bound stands for both parts."""
        return Block(
            h=self.h,
            estimate=self.value,
            rounding=self.bound,
            truncation=0.0,
            kink=0.0,
            kink_error=0.0,
            curvature=self.curvature,
            flat=False,
            noisy=False,
            bends=False,
            rough=0.0,
            change=self.change,
        )


class Coordinates:
    """f of a probe along its coordinates, as the estimator asks for it: nodes, and the line of each.

    Attributes
    ----------
    fmt, n, x, base, wide
        See :class:`diffbench.multivariate.automatic.Along`.
    seen : list of list
        For every line the distances of its nodes from the point, and f minus its value there.
    """

    def __init__(self, probe: Probe) -> None:
        self.probe, self.fmt, self.wide = probe, probe.format, probe.wide
        self.x, self.n = probe.flat, probe.flat.size
        self.base = np.array([probe.value], dtype=self.wide)
        self.seen: list[list[tuple[float, float]]] = [[] for _ in range(self.n)]

    def __call__(self, line: Any, nodes: Any) -> Any:
        """Values at nodes, each with its line; NaN where f raises."""
        with np.errstate(over="ignore"):
            rounded = self.fmt.round(np.asarray(nodes))
        pairs = zip(np.asarray(line).tolist(), rounded, strict=True)
        return np.array([self._value(i, node) for i, node in pairs], dtype=self.wide)

    def _value(self, i: int, node: Any) -> Any:
        value = self.probe.value_at(i, node)
        change = float(value - self.probe.value)
        if isfinite(change):
            self.seen[i].append((float(self.wide.type(node) - self.x[i]), change))
        return value

    def shape(self, i: int, h: float) -> tuple[float, float]:
        """Curvature and largest change of f over the nodes of a line within h; 0 where they are not seen."""
        inside = [(t, g) for t, g in self.seen[i] if 0 < abs(t) <= WITHIN * h]
        change = max((abs(g) for _, g in inside), default=0.0)
        right, left = max(inside, default=(0.0, 0.0)), min(inside, default=(0.0, 0.0))
        if not left[0] < 0 < right[0]:  # values on one side only
            return 0.0, change
        return 2 * (right[1] / right[0] - left[1] / left[0]) / (right[0] - left[0]), change

    def kinked(self, i: int, h: float, noise: float) -> bool:
        """Whether the nodes of one line within h look like a kink at the point: it may be crossed unseen.

        Both slopes are in every pair of nodes then, and all pairs agree on the mean of them.
        """
        line = dict(self.seen[i])
        even = {t: (g + line[-t]) / 2 for t, g in line.items() if 0 < t <= WITHIN * h and -t in line}
        noise = max(noise, self.probe.noise, 0.3 * self.probe.spacing)
        clear = sorted(t for t, e in even.items() if abs(e) > CLEAR * noise)
        far = [t for t in clear if t >= STEPS_APART * clear[0]]
        if not far:
            return False
        jump = even[clear[0]] / clear[0]
        return 1 / LINEAR < even[far[0]] / far[0] / jump < LINEAR


def references(probe: Probe) -> list[Reference]:
    """What ``auto`` says about every component of the point."""
    lines = Coordinates(probe)
    columns = columns_of(lines)
    found = []
    for i in range(lines.n):
        h, special = float(columns.h[i]), columns.results.get(i)
        curvature, change = lines.shape(i, h)
        sides = (float(special.left), float(special.right)) if special is not None else (nan, nan)
        noise = special.noise if special is not None else 0.0
        ok = str(columns.status[i]) == "ok" and not lines.kinked(i, h, noise)
        value, bound = float(columns.value[i]), float(columns.bound[i])
        found.append(Reference(value, bound, ok, h, curvature, change, *sides))
    return found
