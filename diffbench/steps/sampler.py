"""A function in a format, as a step rule sees it: steps in, wide numbers out, every call counted.

``Sampler(f, fmt)(nodes)`` runs the program strictly in the format at nodes that are rounded to it, and gives
the values in a wider dtype (float64; longdouble for longdouble) so that a rule's own algebra does not round.
Where the program leaves its domain, overflows or raises, the value is NaN or infinite, never an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.errors import RefusedError, UserError

Program = Callable[..., Any]
Wide = np.ndarray[Any, Any]


class Sampler:
    """Values of a program at nodes of a format; ``evaluations`` counts the function values asked for.

    Parameters
    ----------
    program : callable
        A plain NumPy function, elementwise.
    fmt : Format
    opaque : bool
        The program gets plain arrays of the format instead of wrapped values.
    """

    def __init__(self, program: Program, fmt: Format, opaque: bool = False) -> None:
        self.format = fmt
        self.evaluations = 0
        self.message = ""  # what the program raised first
        self._program = program
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
        self.evaluations += where.size
        if where.size == 0:
            return where.astype(self.wide)
        flat = np.atleast_1d(where)
        try:
            values = self._run(flat)
        except (RefusedError, UserError):
            raise
        except Exception as error:  # the program's own; find the nodes that raise, keep the others
            self.message = self.message or f"{type(error).__name__}: {error}"
            values = self._one_by_one(flat)
        return values.astype(self.wide).reshape(where.shape)

    def _run(self, where: Wide) -> Wide:
        with np.errstate(all="ignore"):
            if self._arithmetic is not None:
                return self._arithmetic.evaluate(self._program, where)
            values = np.asarray(self._program(where.copy()))
        if values.shape != where.shape:
            raise UserError(f"the function returned shape {values.shape} for x of shape {where.shape}")
        return values

    def _one_by_one(self, where: Wide) -> Wide:
        values = np.full(where.shape, np.nan).astype(where.dtype)
        for index in np.ndindex(where.shape):
            try:
                values[index] = self._run(where[index].reshape(1))[0]
            except (RefusedError, UserError):
                raise
            except Exception:  # NaN says it; the first message is kept
                continue
        return values
