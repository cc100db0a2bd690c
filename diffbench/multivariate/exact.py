"""Partial derivatives without truncation: complex step, jets (forward mode) and reverse mode.

* ``complex_step``: imag f(x + i h e_k) / h for each coordinate, float64 only.
* ``jet``: all directions in one run of vector-valued Taylor coefficients.
* ``reverse``: the tape, once forward and once back for each output.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.arithmetic.complexes import ComplexArithmetic
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.jets import Jet, JetArithmetic
from diffbench.arithmetic.tape.arithmetic import tape_of
from diffbench.arithmetic.tape.gradient import pull
from diffbench.errors import UserError
from diffbench.multivariate.evaluator import Evaluator
from diffbench.multivariate.nodes import Changed, Listed
from diffbench.multivariate.request import Request

Raw = np.ndarray[Any, Any]

COMPLEX_STEP = 2.0**-100  # far below the rounding of any real part, far above underflow
#: Numbers in the Taylor coefficients of one run of jets, all coordinates together.
_JET_NUMBERS = 2**21


def complex_step(asked: Request, scalar: bool) -> tuple[Raw, int, int]:
    """First derivatives (*outputs, n, P), evaluations per point, and those of the check.

    Source: W. Squire and G. Trapp, Using complex variables to estimate derivatives of real functions,
    SIAM Review 40 (1998).
    """
    evaluator, checks = _complex(asked, scalar)
    points = asked.points
    count, n = points.shape
    point, coordinate = np.repeat(np.arange(count), n), np.tile(np.arange(n), count)
    value = points.reshape(-1) + 1j * COMPLEX_STEP
    values, _ = evaluator.at(Changed(points.astype(complex), point, coordinate[:, None], value[:, None]))
    slopes = np.imag(values) / COMPLEX_STEP
    return np.swapaxes(slopes.reshape(*values.shape[:-1], count, n), -1, -2), n, checks


def complex_step_along(asked: Request, v: Raw) -> tuple[Raw, int, int]:
    """The derivative along ``v`` (*outputs, P) by one complex step: imag f(x + i h v) / h, v of about 1."""
    evaluator, checks = _complex(asked, False)
    exponent = int(np.frexp(np.max(np.abs(v)))[1])
    values, _ = evaluator.at(Listed(asked.points + 1j * (COMPLEX_STEP * np.ldexp(v, -exponent))))
    with np.errstate(all="ignore"):  # a derivative may overflow along a long direction
        return np.ldexp(np.imag(values) / COMPLEX_STEP, exponent), 1, checks


def _complex(asked: Request, scalar: bool) -> tuple[Evaluator, int]:
    """What evaluates the function at complex nodes, and the evaluations of the check."""
    if asked.fmt.name != "float64":
        raise UserError(f"complex-step runs in float64 (as complex128), not in {asked.fmt.name}")
    if asked.step is not None:
        raise UserError("the complex step has no truncation to balance: leave step= out")
    arithmetic = None if asked.opaque else ComplexArithmetic()
    evaluator = asked.evaluator(scalar, dtype=np.complex128, arithmetic=arithmetic)
    return evaluator, asked.checked(asked.evaluator(scalar))


# forward mode ---------------------------------------------------------------------------------------------


def jet_coefficients(asked: Request, point: Raw, directions: Raw, order: int, scalar: bool) -> list[Raw]:
    """Taylor coefficients of t -> f(x + t v) for the rows v of ``directions``: (*outputs, D) by order.

    The values of all directions are the same numbers, so every jet has one value and D tangents.
    """
    inner = FormatArithmetic(asked.fmt)
    arithmetic = JetArithmetic(inner, order)
    zeros = [inner.wrap(np.zeros(len(directions), dtype=asked.fmt.dtype)) for _ in range(order - 1)]
    jets = [
        Jet([inner.wrap(inner.box(x)), inner.wrap(np.ascontiguousarray(d)), *zeros])
        for x, d in zip(point, directions.T, strict=True)
    ]
    with np.errstate(all="ignore"):
        found = arithmetic.outcome(one_point(asked, scalar), arithmetic.array(jets, (asked.n,)))
    return [_coefficient(found, k, len(directions), asked) for k in range(order + 1)]


def one_point(asked: Request, scalar: bool) -> Any:
    """The program for one point, however it wants to be called."""

    def program(x: Any) -> Any:
        if not asked.vectorized:
            return asked.f(x)
        value = asked.f(np.reshape(x, (asked.n, 1)))
        value = np.stack(list(value)) if isinstance(value, list | tuple) else value
        shape = np.shape(value)
        if not shape or shape[-1] != 1 or (scalar and len(shape) > 1):
            expected = "(1,)" if scalar else "(*outputs, 1)"
            raise UserError(
                f"the function returned shape {shape} for x of shape ({asked.n}, 1), expected {expected}: "
                "reduce over axis 0, as in np.sum(x**2, axis=0), or pass vectorized=False for a function of "
                "one point"
            )
        return np.reshape(value, shape[:-1])

    return program


def _coefficient(found: Raw, k: int, directions: int, asked: Request) -> Raw:
    out = np.zeros((found.size, directions), dtype=asked.fmt.dtype)
    for row, jet in zip(out, found.ravel(), strict=True):
        if k < len(jet.c):
            row[:] = jet.c[k].raw
        elif not jet.constant:
            row[:] = np.nan
    return out.reshape(*found.shape, directions)


def jet(asked: Request, scalar: bool) -> tuple[Raw, int, int]:
    """First derivatives (*outputs, n, P): one run of each direction, many directions at a time."""
    n, checks = asked.n, asked.checked(asked.evaluator(scalar)) if len(asked.points) > 1 else 0
    at_once = max(1, _JET_NUMBERS // n)
    identity = np.eye(n, dtype=asked.fmt.dtype) if n <= at_once else None
    columns = []
    for point in asked.points:
        parts = []
        for start in range(0, n, at_once):
            stop = min(start + at_once, n)
            rows = identity[start:stop] if identity is not None else _unit_rows(n, start, stop, asked)
            parts.append(jet_coefficients(asked, point, rows, 1, scalar)[1])
        columns.append(np.concatenate(parts, axis=-1))
    return np.stack(columns, axis=-1), n, checks


def _unit_rows(n: int, start: int, stop: int, asked: Request) -> Raw:
    rows = np.zeros((stop - start, n), dtype=asked.fmt.dtype)
    rows[np.arange(stop - start), np.arange(start, stop)] = 1
    return rows


def jet_hessian(asked: Request) -> tuple[Raw, int]:
    """Second derivatives (n, n, P) along e_i, e_j and e_i + e_j: H_ij = (D_ij - D_i - D_j) / 2."""
    n, dtype = asked.n, asked.fmt.dtype
    i, j = np.triu_indices(n)
    directions = np.zeros((len(i), n), dtype=dtype)
    directions[np.arange(len(i)), i] = 1
    directions[np.arange(len(i)), j] = 1
    sheets = []
    for point in asked.points:
        with np.errstate(all="ignore"):
            seconds = jet_coefficients(asked, point, directions, 2, True)[2] * dtype.type(2)
        along = np.zeros((n, n), dtype=dtype)
        along[i, j] = along[j, i] = seconds
        own = np.diagonal(along)
        with np.errstate(all="ignore"):
            mixed = (along - own[:, None] - own[None, :]) / dtype.type(2)
        np.fill_diagonal(mixed, own)
        sheets.append(mixed)
    return np.stack(sheets, axis=-1), len(i)


# reverse mode ---------------------------------------------------------------------------------------------


def _recorded(asked: Request, scalar: bool) -> tuple[Any, Any]:
    """The points as a variable, and the function's value on the tape."""
    tape = tape_of(asked.fmt)
    if not asked.vectorized and len(asked.points) > 1:
        raise UserError(
            "reverse mode with vectorized=False takes one point at a time: x of shape "
            f"({asked.n},), not {asked.x.shape}"
        )
    start = tape.wrap(np.array(asked.x.reshape(asked.n, -1) if asked.vectorized else asked.points[0]))
    y: Any = tape.follow(lambda v: _joined(asked.f(v)), start)
    batch = start.shape[1:]
    if y.shape[len(y.shape) - len(batch) :] != batch or (scalar and y.shape != batch):
        expected = f"{batch}" if scalar else f"(*outputs, {', '.join(map(str, batch))})"
        raise UserError(
            f"the function returned shape {y.shape} for x of shape {start.shape}, expected {expected}: "
            "reduce over axis 0, as in np.sum(x**2, axis=0), or pass vectorized=False for a function of one "
            "point"
        )
    return start, y


def _joined(value: Any) -> Any:
    return np.stack(list(value)) if isinstance(value, list | tuple) else value


def reverse(asked: Request, scalar: bool) -> tuple[Raw, int, int]:
    """First derivatives (*outputs, n, P): one pass back for each output."""
    with np.errstate(all="ignore"):
        start, y = _recorded(asked, scalar)
        batch = start.shape[1:]
        outputs = y.shape[: len(y.shape) - len(batch)]
        found = np.empty((*outputs, *start.shape), dtype=asked.fmt.dtype)
        for index in np.ndindex(outputs):
            seed = np.zeros(y.shape, dtype=asked.fmt.dtype)
            seed[index] = 1
            found[index] = pull(y, start, seed, create_graph=False, finite=False).raw
    checks = asked.checked(asked.evaluator(scalar)) if len(asked.points) > 1 else 0
    return found.reshape(*outputs, asked.n, -1), 1, checks


def reverse_hessian(asked: Request) -> tuple[Raw, int]:
    """Second derivatives (n, n, P): reverse mode over reverse mode, one pass back for each coordinate."""
    with np.errstate(all="ignore"):
        start, y = _recorded(asked, True)
        g = pull(y, start, np.ones(y.shape, dtype=asked.fmt.dtype), create_graph=True, finite=False)
        found = np.empty((asked.n, *start.shape), dtype=asked.fmt.dtype)
        for i in range(asked.n):
            seed = np.zeros(start.shape, dtype=asked.fmt.dtype)
            seed[i] = 1
            found[i] = pull(g, start, seed, create_graph=False, finite=False).raw
    return found.reshape(asked.n, asked.n, -1), 1


def reverse_partial(asked: Request, orders: tuple[int, ...]) -> tuple[Raw, int]:
    """One mixed derivative (P,), differentiated once for each order."""
    with np.errstate(all="ignore"):
        start, y = _recorded(asked, True)
        turns = [i for i, m in enumerate(orders) for _ in range(m)]
        seed: Any = np.ones(y.shape, dtype=asked.fmt.dtype)
        for k, i in enumerate(turns):
            more = k < len(turns) - 1
            y = pull(y, start, seed, create_graph=more, finite=False)
            seed = np.zeros(start.shape, dtype=asked.fmt.dtype)
            if more:
                seed[i] = 1
            else:
                return np.asarray(y.raw[i]).reshape(-1), 1
    raise UserError("a partial derivative needs at least one order above 0")
