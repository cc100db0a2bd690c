"""Slope triangles beside the truncation branches, where they cover no data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from diffbench.report.curves import Array, Series
from diffbench.report.style import INK

TRIANGLES = (1, 2, 4)  # the orders that get one
LEAST_BRANCH = 0.12  # of the axis: a shorter straight branch has no room for a triangle
PLACES = (0.42, 0.55, 0.3, 0.68)  # along the branch, best first
GAP, RUN, RISE = 0.026, 0.09, 0.14  # distance from the branch and largest sides, as shares of the axes
LABEL = (0.03, 0.045)


def draw_slopes(
    axes: Axes, branches: Mapping[int, Series], data: Iterable[Series], below: bool = False
) -> None:
    """A triangle for each order of `TRIANGLES` whose branch is straight and has a free place beside it.

    Parameters
    ----------
    branches : mapping
        Order -> the series whose truncation has it.
    data : iterable of Series
        Everything in the panel that a triangle must not cover.
    below : bool
        Try the lower right of a branch before its upper left.
    """
    frame = _Frame.of(axes)
    taken = np.concatenate([np.empty((0, 2)), *(frame.points(one) for one in data)])
    for order, one in branches.items():
        branch = _straight(axes, one, order) if order in TRIANGLES else np.empty((0, 2))
        for corners, label in _candidates(frame, branch, order, below):
            if not _covers(corners, label, taken):
                _draw(axes, frame, corners, label, order)
                taken = np.concatenate([taken, _outline(corners), label[None]])
                break


class _Frame:
    """Logarithmic axes as a unit square."""

    def __init__(self, low: Array, size: Array) -> None:
        self.low, self.size = low, size

    @classmethod
    def of(cls, axes: Axes) -> _Frame:
        limits = np.log10(np.array([axes.get_xlim(), axes.get_ylim()]))
        return cls(limits[:, 0], limits[:, 1] - limits[:, 0])

    def unit(self, x: Array, y: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (np.log10(np.column_stack([x, y])) - self.low) / self.size

    def back(self, points: Array) -> Array:
        return 10.0 ** (points * self.size + self.low)

    def points(self, one: Series) -> Array:
        """Errors, their line and the truncation of a series."""
        every = np.concatenate([self.unit(one.h, y) for y in (one.error, one.median, one.truncation)])
        return every[np.isfinite(every).all(axis=1)]


def _straight(axes: Axes, one: Series, order: int) -> Array:
    """The part of the branch that has this slope, is most of the error and is seen; empty if short."""
    if len(one.h) < 5:
        return np.empty((0, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        local = np.gradient(np.log10(one.truncation), np.log10(one.h))
    low, high = axes.get_ylim()
    good = np.isfinite(local) & (np.abs(local - order) < 0.15) & (one.truncation > 0.5 * one.error)
    good &= (one.truncation > low) & (one.truncation < high)
    branch = _Frame.of(axes).unit(one.h[good], one.truncation[good])
    return branch if len(branch) >= 5 and np.ptp(branch[:, 0]) > LEAST_BRANCH else np.empty((0, 2))


def _candidates(frame: _Frame, branch: Array, order: int, below: bool) -> Iterable[tuple[Array, Array]]:
    """Corners (acute, right-angled, acute) and label of the triangles that fit into the axes, best first."""
    if not len(branch):
        return
    slope = order * frame.size[0] / frame.size[1]
    run, normal = min(RUN, RISE / slope), np.array([slope, -1.0]) / np.hypot(slope, 1.0)
    for side in (1, -1) if below else (-1, 1):
        for place in PLACES:
            x, y = branch[int(place * len(branch))] + side * GAP * normal
            inner, outer = x - side * run / 2, x + side * run / 2
            near, far = y - side * slope * run / 2, y + side * slope * run / 2
            corners = np.array([[inner, near], [outer, near], [outer, far]])
            label = np.array([outer + side * LABEL[0] / 2, y])
            inside = np.concatenate([corners, label[None]])
            if (inside > 0.01).all() and (inside < 0.99).all():
                yield corners, label


def _covers(corners: Array, label: Array, taken: Array) -> bool:
    """Whether a point lies in the triangle, a little enlarged, or in the box of its label."""
    wide = corners.mean(axis=0) + 1.15 * (corners - corners.mean(axis=0))
    sides = np.roll(wide, -1, axis=0) - wide
    away = taken[:, None, :] - wide
    turns = sides[:, 0] * away[..., 1] - sides[:, 1] * away[..., 0]
    within = (turns >= 0).all(axis=1) | (turns <= 0).all(axis=1)
    beside = (np.abs(taken - label) < np.array(LABEL) / 2).all(axis=1)
    return bool(within.any() or beside.any())


def _outline(corners: Array) -> Array:
    """Points on the sides of a triangle, which the next one must not cover."""
    along = np.linspace(0, 1, 8)[:, None]
    ends = np.roll(corners, -1, axis=0)
    return np.concatenate([a + along * (b - a) for a, b in zip(corners, ends, strict=True)])


def _draw(axes: Axes, frame: _Frame, corners: Array, label: Array, order: int) -> None:
    shape = Polygon(
        frame.back(corners), closed=True, facecolor="white", edgecolor=INK, linewidth=0.9, zorder=6
    )
    axes.add_patch(shape)
    x, y = frame.back(label)
    axes.text(x, y, str(order), fontsize=8.5, va="center", ha="center", color=INK, zorder=6)
