"""Partial derivatives by stencils: nodes of all components in one go, combined as the format computes.

A mixed derivative is the derivative of the derivative: the stencil of the last coordinate is combined (sum
and division, in the format) at every node of the ones before it, and so on inwards. Nodes that components
share, such as x itself, are evaluated once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.methods.finite_differences import Scheme, nodes
from diffbench.multivariate.evaluator import Evaluator
from diffbench.multivariate.nodes import Changed
from diffbench.stencils import Stencil

Raw = np.ndarray[Any, Any]

STATUSES = ("ok", "step_vanished", "underflow", "overflow", "domain")  # a later one goes before

ADVICE = {
    "domain": "a node left the domain of the function: use a smaller step, bounds, or a one-sided stencil",
    "overflow": "an intermediate result is infinite in the format: rescale, or use a wider format",
    "underflow": "h^m is 0 in the format: use a larger step",
    "step_vanished": "x + h rounds to x in the format: use a larger step",
}


@dataclass(frozen=True)
class Family:
    """Partial derivatives that have their stencils in common.

    Attributes
    ----------
    stencils : tuple of Stencil
        One for each coordinate of a component, its order included.
    members : array of int, shape (K,)
        Where the components stand among all.
    point : array of int, shape (K,)
    coordinate : array of int, shape (K, S)
    """

    stencils: tuple[Stencil, ...]
    members: Raw
    point: Raw
    coordinate: Raw


@dataclass(frozen=True)
class Combined:
    """Values and status codes (*outputs, K), and how many nodes each of the P points took."""

    values: Raw
    codes: Raw
    nodes: Raw


@dataclass(frozen=True)
class _Group:
    """A family with its nodes: G for each of K members, S coordinates each."""

    members: Raw
    stencils: tuple[Stencil, ...]
    h: tuple[Raw, ...]
    point: Raw  # (K,)
    coordinate: Raw  # (G, K, S)
    offset: Raw  # (G, S), indices of offsets
    value: Raw  # (G, K, S)
    vanished: Raw  # (K,)


def differences(evaluator: Evaluator, points: Raw, h: Raw, families: Sequence[Family]) -> Combined:
    """All components of all families, every node evaluated once.

    Parameters
    ----------
    points, h : arrays, shape (P, n)
        Base points and steps, in the format.
    """
    fmt = evaluator.format
    offsets = _all_offsets(tuple(stencil for family in families for stencil in family.stencils))
    groups = [_group(fmt, points, h, family, offsets) for family in families]
    first, inverse = _shared(groups, offsets.index(Fraction(0)), len(offsets))
    width = max(group.offset.shape[1] for group in groups)
    flattened = zip(*(_flat(group, width) for group in groups), strict=True)
    wanted = Changed(points, *(np.concatenate(parts)[first] for parts in flattened))
    values, infinite = evaluator.at(wanted)
    flat = values.reshape(-1, values.shape[-1])
    count, start = sum(len(group.members) for group in groups), 0
    out = np.empty((len(flat), count), dtype=fmt.dtype)
    codes = np.zeros(out.shape, dtype=np.int8)
    for group in groups:
        size = len(group.offset) * len(group.members)
        where = inverse[start : start + size].reshape(len(group.offset), -1)
        start += size
        out[:, group.members], codes[:, group.members] = _combine(fmt, group, flat[:, where], infinite[where])
    shape = (*values.shape[:-1], count)
    taken = np.bincount(wanted.point, minlength=len(points))
    return Combined(out.reshape(shape), codes.reshape(shape), taken)


@lru_cache(maxsize=512)
def _all_offsets(stencils: tuple[Stencil, ...]) -> list[Fraction]:
    return sorted({s for stencil in stencils for s in stencil.offsets} | {Fraction(0)})


def _group(fmt: Format, points: Raw, h: Raw, family: Family, offsets: list[Fraction]) -> _Group:
    stencils, point, where = family.stencils, family.point, family.coordinate
    dimensions = range(len(stencils))
    steps = tuple(h[point, where[:, s]] for s in dimensions)
    lines = [nodes(fmt, points[point, where[:, s]], steps[s], stencils[s].offsets) for s in dimensions]
    grid = np.array(list(product(*(range(len(line)) for line in lines))))  # (G, S)
    value = np.stack([lines[s][grid[:, s]] for s in dimensions], axis=-1)
    index = [np.array([offsets.index(s) for s in stencil.offsets]) for stencil in stencils]
    offset = np.stack([index[s][grid[:, s]] for s in dimensions], axis=-1)
    vanished = np.zeros(len(point), dtype=bool)
    for line in lines:
        ordered = np.sort(line.astype(np.longdouble), axis=0)
        vanished |= (np.diff(ordered, axis=0) == 0).any(axis=0)
    coordinate = np.broadcast_to(where, value.shape)
    return _Group(family.members, stencils, steps, point, coordinate, offset, value, vanished)


def _flat(group: _Group, width: int) -> tuple[Raw, Raw, Raw]:
    """Point, coordinates and values of all nodes of a group; the last is repeated up to a width."""
    size, own = group.offset.shape[0] * len(group.members), group.offset.shape[1]
    point = np.broadcast_to(group.point, (group.offset.shape[0], len(group.members))).reshape(-1)
    columns = np.minimum(np.arange(width), own - 1)
    return point, group.coordinate.reshape(size, own)[:, columns], group.value.reshape(size, own)[:, columns]


def _shared(groups: list[_Group], base: int, count: int) -> tuple[Raw, Raw]:
    """Nodes that are the same up to their order of coordinates: where each first appears, and the inverse.

    A key names the point and, for each coordinate off its place, the coordinate and the offset.
    """
    width, keys = max(group.offset.shape[1] for group in groups), []
    for group in groups:
        nodes_, members, own = group.value.shape
        key = np.full((nodes_, members, width + 1), -1, dtype=np.int64)
        key[..., 0] = group.point
        offset = group.offset[:, None, :]
        moved = np.where(offset == base, -1, group.coordinate.astype(np.int64) * count + offset)
        key[..., 1 : own + 1] = moved
        key[..., 1:].sort(axis=-1)
        keys.append(key.reshape(-1, width + 1))
    stacked = np.concatenate(keys)
    if width == 1:  # the usual case, which is worth the shorter way
        single = stacked[:, 0] * (np.max(stacked[:, 1]) + 2) + stacked[:, 1] + 1
        _, first, inverse = np.unique(single, return_index=True, return_inverse=True)
    else:
        _, first, inverse = np.unique(stacked, axis=0, return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)


def _combine(fmt: Format, group: _Group, values: Raw, infinite: Raw) -> tuple[Raw, Raw]:
    """Combine (M, G, K) values along the last coordinate, then the one before; and the status codes."""
    outputs, _, members = values.shape
    sizes = [len(stencil.offsets) for stencil in group.stencils]
    table = values.reshape(outputs, *sizes, members)
    overflow = np.broadcast_to(infinite.any(axis=0), (outputs, members)).copy()
    underflow = np.zeros((outputs, members), dtype=bool)
    lost = np.isnan(values) & ~infinite
    for stencil, h in zip(reversed(group.stencils), reversed(group.h), strict=True):
        rows = np.moveaxis(table, -2, 0)  # (J, M, ..., K)
        steps = np.broadcast_to(h, rows.shape[1:]).reshape(-1)
        combined = Scheme(stencil).combine(fmt, list(rows.reshape(len(rows), -1)), steps)
        table = combined.estimate.reshape(rows.shape[1:])
        inner = (outputs, -1, members)
        overflow |= combined.infinite.reshape(inner).any(axis=1)
        underflow |= (combined.divisor == 0).reshape(inner).any(axis=1)
    code = np.zeros((outputs, members), dtype=np.int8)
    code[:, group.vanished] = STATUSES.index("step_vanished")
    code[underflow] = STATUSES.index("underflow")
    code[overflow & ~lost.any(axis=1)] = STATUSES.index("overflow")
    code[lost.any(axis=1)] = STATUSES.index("domain")
    return table.reshape(outputs, members), code
