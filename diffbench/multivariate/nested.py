"""Mixed partial derivatives by jets over jets: a Taylor series in each coordinate over those of the others.

The coefficient of t_1^a t_2^b ... of f(x + t_1 e_i + t_2 e_j + ...) is the derivative divided by a! b! ...;
nothing is subtracted, as the polarisation of derivatives along directions would do.
"""

from __future__ import annotations

from math import factorial, prod
from typing import Any

import numpy as np

from diffbench.arithmetic.base import Arithmetic
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.jets import Jet, JetArithmetic
from diffbench.multivariate.exact import one_point
from diffbench.multivariate.request import Request

Raw = np.ndarray[Any, Any]

Levels = tuple[tuple[int, int], ...]  # coordinate and order, from the innermost series outwards


def jet_partial(asked: Request, orders: tuple[int, ...]) -> tuple[Raw, int]:
    """One mixed derivative at every point, shape (P,), and the evaluations of each."""
    levels = tuple((i, m) for i, m in enumerate(orders) if m)
    arithmetics: list[Any] = [FormatArithmetic(asked.fmt)]
    for _, m in levels:
        arithmetics.append(JetArithmetic(arithmetics[-1], m))
    scale = asked.fmt.round(prod(factorial(m) for _, m in levels))
    values = np.empty(len(asked.points), dtype=asked.fmt.dtype)
    program = one_point(asked, scalar=True)
    with np.errstate(all="ignore"):
        for p, point in enumerate(asked.points):
            jets = [_variable(arithmetics, levels, i, x) for i, x in enumerate(point)]
            top = arithmetics[-1]
            found = top.outcome(program, top.array(jets, (asked.n,)))
            values[p] = _coefficient(found.ravel()[0], levels, asked.fmt.dtype) * scale
    return values, 1


def _variable(arithmetics: list[Any], levels: Levels, i: int, x: Any) -> Jet:
    """x_i, or x_i + t where it is the variable of a level, as a jet of the outermost level."""
    number: Any = arithmetics[0].wrap(arithmetics[0].box(x))
    for depth, (coordinate, m) in enumerate(levels):
        inner: Arithmetic = arithmetics[depth]
        slopes = [int(k == 0) for k in range(m)] if coordinate == i else []
        jet = Jet([number, *(inner.wrap(inner.coerce(slope)) for slope in slopes)])
        if depth < len(levels) - 1:
            cell = np.empty((), dtype=object)
            cell[()] = jet
            number = arithmetics[depth + 1].wrap(cell)
    return jet


def _coefficient(jet: Jet, levels: Levels, dtype: Any) -> Any:
    """The coefficient that has the order of every level; NaN where a division has lost it."""
    (_, m), inner = levels[-1], levels[:-1]
    if m >= len(jet.c):
        return dtype.type(0 if jet.constant else np.nan)
    raw = jet.c[m].raw
    return _coefficient(np.asarray(raw, dtype=object).ravel()[0], inner, dtype) if inner else raw.ravel()[0]
