"""A function of several variables at many nodes: all in one call per block of bounded memory.

``Evaluator(f, fmt, n).at(nodes)`` gives values of shape (*outputs, N). The function sees ``x`` of shape
``(n, B)``, coordinates first, and reduces over axis 0; with ``vectorized=False`` it sees one point of shape
``(n,)`` at a time. Its answers are checked: every error names the shape that came and the one expected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.base import Arithmetic
from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.errors import RefusedError, UserError
from diffbench.multivariate.nodes import Changed, Listed, NodeSet, Raw

Program = Callable[..., Any]

#: Memory of one block of nodes. It fits the second-level cache of common processors together with a few
#: temporaries of the function, and these are small enough for the allocator to keep: with 1 MiB each of them
#: is mapped and cleared by the system anew, and a cheap function takes twice the time.
BLOCK_BYTES = 2**19

_ALONE = "to call it with one point of shape ({n},) at a time, pass vectorized=False"


class Evaluator:
    """Values of a function at nodes, counted.

    Parameters
    ----------
    f : callable
    fmt : Format
    n : int
        Number of coordinates.
    vectorized : bool
        Many points in one call, or one at a time.
    opaque : bool
        The function gets plain arrays of the format instead of wrapped values.
    scalar : bool
        It must return one number for each point.
    block : int
        Bytes of nodes in one call.
    arithmetic, dtype : optional
        Where the function runs, if not in the format itself (the complex step).
    """

    def __init__(
        self,
        f: Program,
        fmt: Format,
        n: int,
        *,
        vectorized: bool = True,
        opaque: bool = False,
        scalar: bool = True,
        block: int = BLOCK_BYTES,
        arithmetic: Arithmetic | None = None,
        dtype: Any = None,
    ) -> None:
        self.dtype = np.dtype(fmt.dtype if dtype is None else dtype)
        self.f, self.format, self.n = f, fmt, n
        self.vectorized, self.opaque, self.scalar = vectorized, opaque, scalar
        self.rows = max(1, block // (n * self.dtype.itemsize)) if vectorized else 1
        self.evaluations = 0
        self._arithmetic = arithmetic or (None if opaque else FormatArithmetic(fmt))
        self._copies = False  # the function writes into its argument
        # NumPy keeps float32 and wider by itself, unless a program converts, which a strict run refuses
        self._may_relax = self._arithmetic is not None and arithmetic is None and fmt.dtype.itemsize > 2
        self._relaxed = False
        self.verify, self.checks = True, 0
        self._outputs: tuple[int, ...] | None = None

    def at(self, nodes: NodeSet) -> tuple[Raw, Raw]:
        """Values (*outputs, N) in the format, and where an infinity arose on the way (N,).

        Raises
        ------
        RefusedError
            If the function cannot run strictly in the format.
        UserError
            If it returns another shape than it must, or cannot take many points at once.
        """
        buffer = np.empty((min(self.rows, nodes.count), self.n), dtype=self.dtype)
        values: Raw | None = None
        infinite = np.zeros(nodes.count, dtype=bool)
        for start in range(0, nodes.count, len(buffer)):
            stop = min(start + len(buffer), nodes.count)
            nodes.fill(buffer, start, stop)
            found, infinite[start:stop] = self._block(buffer[: stop - start])
            if start == 0 and stop < nodes.count and self._may_relax:
                self._relax(buffer[:1], found[..., :1])
            if values is None:
                values = np.empty((*found.shape[:-1], nodes.count), dtype=self.dtype)
            values[..., start:stop] = found
        assert values is not None
        self.evaluations += nodes.count
        return values, infinite

    def _relax(self, row: Raw, strict: Raw) -> None:
        """After a first block that ran strictly, let the others run in plain NumPy, which costs less a call.

        Nothing in the program leaves the format, or the first block would have been refused; the results are
        still looked at for their dtype, and one node is compared bit for bit if checks are wanted.
        """
        self._relaxed, self._may_relax = True, False  # looked at once
        if self.verify:
            with np.errstate(all="ignore"):
                plain = self._called(row)
            self.checks += 1
            self._relaxed = self._relaxed and plain.tobytes() == np.ascontiguousarray(strict).tobytes()

    def check_batches(self, x: Raw) -> int:
        """Whether the function keeps the points of a batch apart; the number of values that took.

        ``f(x)`` must not change when another point stands beside x.

        Raises
        ------
        UserError
            If it does: some sum or mean in the function runs over the points.
        """
        if not self.vectorized:
            return 0
        other = self.format.round(x * self.format.dtype.type(1.25) + self.format.dtype.type(0.125))
        alone = self._block(np.ascontiguousarray(x[None]))[0][..., 0]
        both = self._block(np.stack([x, other]))[0]
        with np.errstate(all="ignore"):
            wide: Any = np.longdouble if self.format.name == "longdouble" else np.float64
            a, b, c = (np.asarray(v, dtype=wide) for v in (alone, both[..., 0], both[..., 1]))
            size = np.fmax(np.abs(a), np.where(np.isfinite(c), np.abs(c - b), 0))
            apart = np.abs(a - b) > max(32 * self.format.u, 1e-6) * size
            mixed = apart | (np.isnan(a) != np.isnan(b))
        if np.any(mixed):
            raise UserError(
                f"the function mixes the points of a batch: at one point alone (x of shape ({self.n}, 1)) it "
                f"gives {_first(alone, mixed)}, beside another one (shape ({self.n}, 2)) "
                f"{_first(both[..., 0], mixed)}. Reduce over axis 0 only, as in np.sum(x**2, axis=0); "
                + _ALONE.format(n=self.n)
            )
        return 3

    # one call of the function ---------------------------------------------------------------------------

    def _block(self, rows: Raw) -> tuple[Raw, Any]:
        """Values at the rows of an array (B, n), and where an infinity arose."""
        try:
            with np.errstate(over="raise", divide="raise", invalid="ignore", under="ignore"):
                return self._called(rows), False
        except FloatingPointError:
            pass
        with np.errstate(all="ignore"):
            values = self._called(rows)
        return values, np.array([self._overflows(row) for row in rows])

    def _overflows(self, row: Raw) -> bool:
        try:
            with np.errstate(over="raise", divide="raise", invalid="ignore", under="ignore"):
                self._called(np.ascontiguousarray(row[None]))
        except FloatingPointError:
            return True
        return False

    def _called(self, rows: Raw) -> Raw:
        point = rows.T if self.vectorized else rows[0]
        try:
            found = self._outcome(point)
        except (FloatingPointError, UserError):
            raise
        except RefusedError as error:
            if " float()" in str(error):  # math.hypot: a function of plain numbers
                raise RefusedError(
                    f"{error}; or have it called as it is: opaque=True, vectorized=False"
                ) from error
            if not self.vectorized or "cannot run if" not in str(error):
                raise
            raise RefusedError(f"{error}; {_ALONE.format(n=self.n)}") from error
        except Exception as error:
            if not self.vectorized:
                raise
            raise UserError(
                f"the function raised {type(error).__name__} on x of shape {point.shape}, which is "
                f"{len(rows)} points at once with the coordinates first: {error}. " + _ALONE.format(n=self.n)
            ) from error
        return self._judged(found, len(rows), point.shape)

    def _outcome(self, point: Raw) -> Raw:
        """What the function returns for one argument, which it may not change for the next call."""
        point = point.copy(order="K") if self._copies else point.view()
        point.flags.writeable = self._copies
        try:
            if self._relaxed:
                found = self._in_plain_numpy(point)
                if found.dtype == self.format.dtype:
                    return found
                self._relaxed = False  # a wider constant or an integer array: only the strict run keeps that
            if self._arithmetic is not None:
                return self._arithmetic.outcome(self.f, point)
            return self._plain(np.asarray(self.f(point)))
        except ValueError as error:
            if self._copies or "read-only" not in str(error):
                raise
        self._copies = True
        return self._outcome(point)

    def _in_plain_numpy(self, point: Raw) -> Raw:
        value = self.f(point)
        return np.stack(value) if isinstance(value, list | tuple) else np.asarray(value)

    def _plain(self, found: Raw) -> Raw:
        if found.dtype.kind not in "biuf" and found.dtype.name != "bfloat16":
            missing = found.dtype == object and found.size > 0 and found.flat[0] is None
            what = "None: is a `return` missing?" if missing else f"{found.dtype}: return real numbers"
            raise UserError(f"the function returned {what}")
        if found.dtype != self.format.dtype:
            raise UserError(
                f"the function returned {found.dtype} for x of {self.format.dtype}: keep the precision of x"
            )
        return found

    def _judged(self, found: Raw, count: int, given: tuple[int, ...]) -> Raw:
        """The shape that came against the one expected."""
        outputs = found.shape[:-1] if self.vectorized else found.shape
        batch = found.shape[-1:] if self.vectorized else (1,)
        expected = "(*outputs, {0})" if not self.scalar else "({0},)"
        if not self.vectorized:
            expected = "(), one number" if self.scalar else "of the outputs"
        if batch != (count,) or (self.scalar and outputs):
            raise UserError(
                f"the function returned shape {found.shape} for x of shape {given}, expected shape "
                f"{expected.format(count)}: "
                + (
                    "x has its coordinates first and the points after them, so reduce over axis 0, as in "
                    "np.sum(x**2, axis=0); " + _ALONE.format(n=self.n)
                    if self.vectorized
                    else "a function with several outputs has a Jacobian: use jacobian"
                )
            )
        if self._outputs not in (None, outputs):
            raise UserError(
                f"the function returned outputs of shape {outputs} after {self._outputs}: its shape must not "
                "depend on the values of x"
            )
        self._outputs = outputs
        return found if self.vectorized else found[..., None]


def _first(values: Any, where: Any) -> Any:
    return np.asarray(values)[where].ravel()[0]


__all__ = ["BLOCK_BYTES", "Changed", "Evaluator", "Listed"]
