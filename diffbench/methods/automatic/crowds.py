"""Points that have been treated alike so far, where their ways part, and where they meet again.

Points at the same stage make a :class:`Crowd`. Where decisions differ, a crowd is divided; parts that are
small wait for others that are at the same stage, so that arrays are always long enough to be worth a call of
NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from diffbench.methods.automatic.operations import everywhere, somewhere
from diffbench.methods.automatic.rows import Base, Record, Rounding, Row, joined, taken

PART = 2048  # points from which a part of a crowd does not wait for others

Array = Any


class Crowd(Record):
    """Points that have been treated alike so far.

    Attributes
    ----------
    base, index : Base, array of int
        The points.
    pairs : list of Row
        In the order in which they were sampled: to the rules, pairs whose numbers are arrays.
    extra : Record or None
        What a stage needs besides.
    stage : tuple
        Which stage is next, and its constants; crowds with the same stage can be joined.
    """

    __slots__ = ("base", "extra", "index", "pairs", "stage")

    def __init__(self, base: Base, index: Array) -> None:
        self.base, self.index = base, index
        self.pairs: list[Any] = []  # rows: to the rules, pairs whose numbers are arrays
        self.extra: Any = None
        self.stage: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return len(self.index)

    def known(self) -> dict[int, dict[float, float]]:
        """All values, by point and node."""
        found: dict[int, dict[float, float]] = {int(i): {} for i in self.index}
        columns = [(self.base.x, self.base.f0)]
        for pair in self.pairs:
            nodes = self.base.nodes(pair.h)[0]
            columns += [(nodes[0], pair.outer), (nodes[1], pair.inner)]
        for nodes, values in columns:
            for i, node, value in zip(self.index.tolist(), nodes.tolist(), values.tolist(), strict=True):
                found[i][node] = value
        return found

    def with_grain(self, grain: Array) -> Crowd:
        """The same with noise of at least half a grain: as if values were so large that this is rounding."""
        base = self.base.replace(size=np.maximum(np.abs(self.base.f0), 0.5 * grain / self.base.u))
        pairs = [Row(p.h, base.nodes(p.h)[1], np.stack([p.outer, p.inner]), base) for p in self.pairs]
        return self.replace(base=base, pairs=pairs)


class Crowds:
    """Crowds that are ready for their next stage, and small ones that wait for others.

    Parameters
    ----------
    sample : callable
        ``sample(nodes)`` -> values.
    u : float
        Unit roundoff.
    finish : callable
        ``finish(index, value, bound, h, evaluations)`` takes results of points.
    give_up : callable
        ``give_up(index, known)`` takes points that are not easy, with their values by node.
    """

    def __init__(
        self,
        sample: Callable[..., Array],
        u: float,
        finish: Callable[[Array, Array, Array, Array, int], None],
        give_up: Callable[[Array, dict[int, dict[float, float]]], None],
    ) -> None:
        self.sample, self.u, self.finish, self.give_up = sample, u, finish, give_up
        self.noise = Rounding(u, 0.0)
        self.ready: list[Crowd] = []
        self.waiting: dict[tuple[Any, ...], list[Crowd]] = {}

    def values(self, index: Array, nodes: Array) -> Array:
        """Values at nodes: those of the points of an index, once or more times over."""
        return self.sample(nodes)

    def push(self, crowd: Crowd, *stage: Any) -> None:
        """A crowd for its next stage; small ones wait."""
        if not len(crowd):
            return
        crowd.stage = stage
        if len(crowd) >= PART:
            self.ready.append(crowd)
            return
        key = (*stage, len(crowd.pairs))
        others = self.waiting.setdefault(key, [])
        others.append(crowd.replace(pairs=[pair.resolved() for pair in crowd.pairs]))
        if sum(map(len, others)) >= PART:
            self.ready.append(joined(self.waiting.pop(key)))

    def hand_over(self, crowd: Crowd) -> None:
        """Points that are not easy."""
        if len(crowd):
            self.give_up(crowd.index, crowd.known())

    def where(self, crowd: Crowd, mask: Array) -> Crowd:
        """The points at which a mask holds; the others are handed over."""
        if everywhere(mask):
            return crowd
        self.hand_over(taken(crowd, np.flatnonzero(~mask)))
        return taken(crowd, np.flatnonzero(mask))

    def sampled(self, crowd: Crowd, h: Array) -> Crowd:
        """One more pair, at h; where it is not sound, points are handed over."""
        nodes, width = crowd.base.nodes(h)
        values = self.values(crowd.index, nodes.reshape(-1)).reshape(nodes.shape)
        row = Row(h, width, values, crowd.base)
        crowd = crowd.replace(pairs=[*crowd.pairs, row])
        sound = row.sound(width)
        return crowd if sound is None else self.where(crowd, sound)

    def obtained(self, crowd: Crowd, h: Array) -> Iterator[tuple[Crowd, int]]:
        """... or one of the known ones, if it has that step: parts, and which pair it is."""
        fresh: Array | None = None
        for i, pair in enumerate(crowd.pairs):
            same = pair.h == h
            if somewhere(same):
                yield taken(crowd, np.flatnonzero(same)), i
                fresh = ~same if fresh is None else fresh & ~same
        if fresh is not None:
            which = np.flatnonzero(fresh)
            crowd, h = taken(crowd, which), h[which]
        if len(crowd):
            crowd = self.sampled(crowd, h)
            if len(crowd):
                yield crowd, len(crowd.pairs) - 1
