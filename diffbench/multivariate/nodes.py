"""Where a function of several variables is evaluated: sets of points that differ little from each other.

A set fills the rows of a buffer, one node a row, with the coordinates contiguous in memory. NumPy then sums
over the coordinates of a node the way it sums one vector (pairwise), fast and with the rounding errors that
a single point has too.

* :class:`Changed`: a few base points, in every node of which a few coordinates are replaced.
* :class:`Listed`: nodes written out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Raw = np.ndarray[Any, Any]


class NodeSet(Protocol):
    """Nodes that can be written into a buffer of shape (rows, n), block by block."""

    @property
    def count(self) -> int:
        """Number of nodes."""

    def fill(self, buffer: Raw, start: int, stop: int) -> None:
        """Write nodes ``start`` to ``stop`` into the first rows of the buffer."""


@dataclass
class Changed:
    """Base points with replaced coordinates.

    Attributes
    ----------
    base : array, shape (P, n)
    point : array of int, shape (N,)
        The base point of each node.
    coordinate : array of int, shape (N, S)
        Coordinates that are replaced; one that is not stays when its own value is written again.
    value : array, shape (N, S)
    """

    base: Raw
    point: Raw
    coordinate: Raw
    value: Raw
    _dirty: Any = field(default=None, repr=False)

    @property
    def count(self) -> int:
        return len(self.point)

    def fill(self, buffer: Raw, start: int, stop: int) -> None:
        rows = np.arange(stop - start)[:, None]
        columns = self.coordinate[start:stop]
        if len(self.base) > 1:
            buffer[: stop - start] = self.base[self.point[start:stop]]
        elif self._dirty is None or self._dirty[0] is not buffer:
            buffer[:] = self.base[0]
        else:  # one base point: put back what the last block changed, which is little
            _, old_rows, old_columns = self._dirty
            buffer[old_rows, old_columns] = self.base[0][old_columns]
        buffer[rows, columns] = self.value[start:stop]
        self._dirty = (buffer, rows, columns)


@dataclass
class Listed:
    """Nodes written out, shape (N, n)."""

    rows: Raw

    @property
    def count(self) -> int:
        return len(self.rows)

    def fill(self, buffer: Raw, start: int, stop: int) -> None:
        buffer[: stop - start] = self.rows[start:stop]
