"""``grad(f)``: the gradient of a function of one argument as a function again, which nests."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from diffbench.arithmetic.tape.backward import walk
from diffbench.arithmetic.tape.function import as_raw, record, recording
from diffbench.arithmetic.tape.variable import Variable
from diffbench.errors import UserError


def grad(f: Callable[..., Any], *, finite: bool = True) -> Callable[..., Any]:
    """The gradient of ``f`` with respect to its first argument, by reverse mode.

    Parameters
    ----------
    f : callable
        A plain NumPy function whose result is one number.
    finite : bool
        Refuse gradients that are infinite or NaN.

    Returns
    -------
    callable
        ``grad(f)(x)`` is a plain array of the shape and format of ``x`` (float64 for Python numbers and
        integers). For a Variable it is a Variable, so that ``grad(grad(f))`` is the second derivative.

    Raises
    ------
    UserError
        If the result has more than one element, or the gradient is not finite.
    RefusedError
        If ``f`` calls what cannot run on the tape.
    """
    if not callable(f):
        raise UserError(f"the function must be callable, not {f!r}")

    @wraps(f)
    def gradient(x: Any, *args: Any, **kwargs: Any) -> Any:
        nested = isinstance(x, Variable)
        create_graph = nested and recording()
        with record(True), np.errstate(all="ignore"):  # what is not finite is refused below, by name
            start: Variable = x.copy() if nested else Variable(x)
            y = start.arithmetic.follow(lambda v: f(v, *args, **kwargs), start)
        if y.size != 1:
            raise UserError(
                f"grad needs a function with one number as result, not shape {y.shape}: sum it first "
                f"(np.sum(f(x)) gives the derivative of an elementwise f at every point)"
            )
        g = pull(y, start, None, create_graph=create_graph, finite=finite)
        return g if nested else as_raw(g)[()]

    return gradient


def pull(y: Variable, x: Variable, seed: Any, *, create_graph: bool, finite: bool = True) -> Variable:
    """The gradient of ``y`` at ``x``, added to nothing; what lies before ``x`` is not walked through."""
    found = walk(y, seed, create_graph=create_graph, finite=finite, since=x.generation)
    if id(x) not in found:
        return x.arithmetic.wrap(np.zeros_like(x.raw))
    g = found[id(x)][1]
    return g if isinstance(g, Variable) else x.arithmetic.wrap(np.array(as_raw(g)))
