"""A function in a format, as a step rule sees it: steps in, wide numbers out, every call counted.

``Sampler(f, fmt)(nodes)`` runs the program strictly in the format at nodes that are rounded to it, and gives
the values in a wider dtype (float64; longdouble for longdouble) so that a rule's own algebra does not round.
Where the program leaves its domain, overflows or raises, the value is NaN or infinite, never an exception.
:class:`Probe` does the same around many points at once and keeps the count of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.ieee import FormatArithmetic, FormatRun
from diffbench.errors import RefusedError, UserError

Program = Callable[..., Any]
Wide = np.ndarray[Any, Any]

# Up to so many nodes, a run looks at every result for infinities: it costs less than running twice.
_FEW = 2048


class Sampler:
    """Values of a program at nodes of a format; ``evaluations`` counts the function values asked for.

    Parameters
    ----------
    program : callable
        A plain NumPy function, elementwise.
    fmt : Format
    opaque : bool, optional
        The program gets plain arrays of the format instead of wrapped values. Default: what the program's
        attribute ``opaque`` says, if it has one.
    """

    def __init__(self, program: Program, fmt: Format, opaque: bool | None = None) -> None:
        self.format = fmt
        self.evaluations = 0
        self.message = ""  # what the program raised first
        self._program = program
        opaque = getattr(program, "opaque", False) if opaque is None else opaque
        self._arithmetic = None if opaque else FormatArithmetic(fmt)
        self.wide = np.dtype(np.longdouble) if fmt.name == "longdouble" else np.dtype(np.float64)

    def round(self, nodes: Any) -> Wide:
        """Numbers as the format has them, in the wide dtype."""
        return self.format.round(np.asarray(nodes, dtype=self.wide)).astype(self.wide)

    def __call__(self, nodes: Any) -> Wide:
        """Values at nodes of any shape, in the wide dtype.

        Raises
        ------
        RefusedError
            If the program cannot run strictly in the format.
        UserError
            If it is not elementwise.
        """
        where = self.format.round(np.asarray(nodes, dtype=self.wide))
        with np.errstate(all="ignore"):
            values = self._safely(self._run, where) if where.size else where
            return values.astype(self.wide, copy=False)

    def run(self, where: Wide) -> FormatRun:
        """Values at nodes of the format's dtype, in it, and where an intermediate result was infinite."""
        if self._arithmetic is None:
            values = self._safely(self._run, where)
            if values.dtype != self.format.dtype:
                own = self.format.dtype
                raise UserError(
                    f"the function returned {values.dtype} for x of {own}: keep the precision of x"
                )
            return FormatRun(values, np.isinf(values))
        few = where.size <= _FEW
        overflow: list[Wide] = []

        def watched(nodes: Wide) -> Wide:
            found = self._arithmetic.run(self._counted, nodes, look=few)  # type: ignore[union-attr]
            overflow.append(found.overflow)
            return found.values

        values = self._safely(watched, where)
        # after an exception every node ran on its own, those that raised not at all
        whole = len(overflow) == 1 and overflow[0].shape == where.shape
        return FormatRun(values, overflow[0] if whole else np.isinf(values))

    def _safely(self, run: Callable[[Wide], Wide], where: Wide) -> Wide:
        """All nodes in one call; where the program raises, each on its own, and NaN where it raises then."""
        flat = where if where.ndim else where.reshape(1)
        try:
            return run(flat).reshape(where.shape)
        except (RefusedError, UserError):
            raise
        except (
            Exception,
            SystemExit,
        ) as error:  # the program's own; find the nodes that raise, keep the others
            self.message = self.message or f"{type(error).__name__}: {error}"
        values = np.full(flat.shape, np.nan).astype(where.dtype)
        if flat.size == 1:
            return values.reshape(where.shape)
        for index in np.ndindex(flat.shape):
            try:
                values[index] = run(flat[index].reshape(1))[0]
            except (RefusedError, UserError):
                raise
            except (Exception, SystemExit):  # NaN says it; the first message is kept
                continue
        return values.reshape(where.shape)

    def _counted(self, x: Any) -> Any:
        if self._arithmetic is None or not self._arithmetic.repeating:  # looking for an infinity: nothing new
            self.evaluations += x.size
        return self._program(x)

    def _run(self, where: Wide) -> Wide:
        with np.errstate(all="ignore"):
            if self._arithmetic is not None:
                return self._arithmetic.evaluate(self._counted, where)
            values = np.asarray(self._counted(where.copy()))
        if values.shape != where.shape:
            raise UserError(f"the function returned shape {values.shape} for x of shape {where.shape}")
        return values


class Probe:
    """A function around many points: values at ``x[index] + s h``, and the count of every point.

    Parameters
    ----------
    f : Sampler
    x : array, shape (n,)
    """

    def __init__(self, f: Sampler, x: Wide) -> None:
        self.f, self.x = f, x
        self.count = np.zeros(x.shape, dtype=np.int64)

    def __call__(self, h: Any, offsets: Any, index: Any = slice(None)) -> Wide:
        """Values at ``x + s h``, shape (len(offsets), number of points chosen by index).

        Parameters
        ----------
        h : array, shape of x[index]
        offsets : sequence of float
            In units of the step.
        index : index of some points, optional
        """
        nodes = self.x[index] + np.asarray(offsets, dtype=self.x.dtype)[:, None] * h
        self.count[index] += len(nodes)
        return self.f(nodes)

    def centre(self, index: Any = slice(None)) -> Wide:
        """Values at the points themselves."""
        self.count[index] += 1
        return self.f(self.x[index])
