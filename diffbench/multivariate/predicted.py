"""What theory predicts for the error of a stencil in several variables, component by component.

    predicted = |leading terms of the truncation| + rounding of f + rounding of the nodes + combination

* The truncation comes from a Taylor series in tau of the stencil with steps tau h: its first two terms that
  do not vanish, at tau = 1. No derivative is guessed.
* The rounding of f is the radius of a ball: f is run on Arb balls with the precision of the format. Their
  radius collects one rounding of every operation, amplified as the program amplifies it. That is a worst
  case, and twice of it is taken for functions that NumPy computes with more than one rounding.
* Nodes that are no numbers of the format count with the true gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from flint import arb

from diffbench.arithmetic.balls import ArbArithmetic, to_balls, working_precision
from diffbench.arithmetic.formats import Format
from diffbench.methods.finite_differences import nodes
from diffbench.multivariate.scores import as_floats
from diffbench.multivariate.truth import Lines
from diffbench.stencils import Stencil

Program = Callable[..., Any]

BITS = 256
EXTRA_TERMS = 4  # Taylor terms beyond the leading one
ROUNDINGS = 2.0


@dataclass(frozen=True)
class Predicted:
    """Worst-case parts of an error, shape (*outputs): ``total`` bounds the error to first order."""

    truncation: Any
    rounding: Any

    @property
    def total(self) -> Any:
        return self.truncation + self.rounding


def predict(
    f: Program,
    fmt: Format,
    x: Any,
    gradient: Any,
    coordinates: tuple[int, ...],
    stencils: tuple[Stencil, ...],
    h: tuple[Any, ...],
    along: Any = None,
) -> Predicted:
    """The error that theory predicts for one component.

    Parameters
    ----------
    f : callable
        ``(n, B)`` to ``(*outputs, B)``.
    x : array, shape (n,), dtype of the format
    gradient : array of float, shape (*outputs, n)
        The true first derivatives.
    coordinates, stencils, h
        Those of the component; their orders are the stencils'.
    along : array of arb, shape (orders, *outputs, n), optional
        The true derivatives along each coordinate, which save work where a component has one coordinate.
    """
    grid = list(product(*(range(len(s.offsets)) for s in stencils)))
    weights = np.array(
        [prod(s.weights[k] for s, k in zip(stencils, g, strict=True)) for g in grid], dtype=object
    )
    divisor = prod(float(step) ** s.derivative for s, step in zip(stencils, h, strict=True))
    if along is not None and len(coordinates) == 1:
        truncation = _along_coordinate(stencils[0], float(h[0]), along[..., coordinates[0]])
    else:
        truncation = _truncation(f, x, coordinates, stencils, h, grid, weights) / divisor
    where, moved = _rounded_nodes(fmt, x, coordinates, stencils, h, grid)
    value, radius = _radii(f, fmt, where)
    size = np.array([abs(float(w)) for w in weights])
    with np.errstate(all="ignore"):
        abscissa = np.abs(gradient[..., list(coordinates)]) @ moved.T  # (*outputs, G)
        each = ROUNDINGS * radius + abscissa + len(grid) * fmt.u * np.abs(value)
        # a second-order difference divides twice: the inner quotients round too
        rounding = np.sum(size * each, axis=-1) / abs(divisor)
        total = truncation + rounding
    return Predicted(truncation, np.asarray(rounding + 2 * fmt.u * total + fmt.smallest_subnormal))


def _along_coordinate(stencil: Stencil, h: float, derivatives: Any) -> Any:
    """The same from the true derivatives along the coordinate, as far as they are known."""
    terms = [
        np.abs(float(c) * h ** (k - stencil.derivative) * as_floats(derivatives[k]))
        for k, c in stencil.error_terms(EXTRA_TERMS)
        if k < len(derivatives)
    ]
    return _leading(np.stack(terms))


def _truncation(f: Program, x: Any, coordinates: Any, stencils: Any, h: Any, grid: Any, weights: Any) -> Any:
    """First two non-zero Taylor terms of the weighted sum beyond the derivative itself."""
    order = sum(s.derivative for s in stencils)
    last = order + max(s.accuracy for s in stencils) + EXTRA_TERMS
    lines, total, known = Lines(f, x, BITS), None, {}
    with working_precision(BITS):
        for g, weight in zip(grid, weights, strict=True):
            move = tuple(s.offsets[k] * _exactly(step) for s, k, step in zip(stencils, g, h, strict=True))
            if not any(move):
                continue  # x itself: a constant has no terms beyond its value
            if move not in known:
                known[move] = _coefficients(lines, len(x), coordinates, move, last)
            with working_precision(BITS):
                part = known[move] * (arb(weight.numerator) / weight.denominator)
                total = part if total is None else total + part
        terms = np.vectorize(float, otypes=[float])(total)[order + 1 :]
    return _leading(np.abs(terms))


def _coefficients(lines: Lines, n: int, coordinates: Any, move: Any, last: int) -> Any:
    direction: list[Any] = [0] * n
    for i, m in zip(coordinates, move, strict=True):
        if m:
            direction[i] = arb(m.numerator) / m.denominator
    derivatives = lines.derivatives(direction, last)
    factorials = np.cumprod([1.0, *range(1, last + 1)])
    return np.stack([row / arb(c) for row, c in zip(derivatives, factorials, strict=True)])


def _exactly(step: Any) -> Any:
    from fractions import Fraction

    return Fraction(*np.longdouble(step).as_integer_ratio())


def _leading(terms: Any) -> Any:
    """The sum of the first two terms that are not 0 (balls around 0 leave less than 1e-60), per output."""
    out = np.zeros(terms.shape[1:])
    for index in np.ndindex(out.shape):
        column = terms[(slice(None), *index)]
        out[index] = np.sum(column[column > 0][:2])
    return out


def _rounded_nodes(
    fmt: Format, x: Any, coordinates: Any, stencils: Any, h: Any, grid: Any
) -> tuple[Any, Any]:
    """Nodes (n, G) as the format has them, and how far (G, S) they are from the exact ones."""
    lines = [
        nodes(fmt, x[i : i + 1], np.asarray([step], dtype=fmt.dtype), s.offsets)[:, 0]
        for i, s, step in zip(coordinates, stencils, h, strict=True)
    ]
    where = np.repeat(np.asarray(x)[:, None], len(grid), axis=1)
    moved = np.zeros((len(grid), len(coordinates)))
    for column, g in enumerate(grid):
        for k, (i, s, step) in enumerate(zip(coordinates, stencils, h, strict=True)):
            where[i, column] = lines[k][g[k]]
            exact = _exactly(x[i]) + s.offsets[g[k]] * _exactly(step)
            moved[column, k] = abs(float(_exactly(lines[k][g[k]]) - exact))
    return where, moved


def _radii(f: Program, fmt: Format, where: Any) -> tuple[Any, Any]:
    """f at the nodes on balls with the format's precision: midpoints and radii, shape (*outputs, G)."""
    with working_precision(BITS):
        balls = to_balls(where)
    arithmetic = ArbArithmetic(fmt.precision)
    with working_precision(fmt.precision):
        found = arithmetic.outcome(f, balls)
    value = np.array([float(b.mid()) for b in found.ravel().tolist()]).reshape(found.shape)
    radius = np.array([float(b.rad()) for b in found.ravel().tolist()]).reshape(found.shape)
    return value, radius
