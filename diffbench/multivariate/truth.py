"""The truth in several variables: certified gradients, Jacobians and Hessians.

``certify(f, x, hessian=True)`` runs the program on Taylor series over Arb balls along directions:
t -> f(x + t v) has the gradient's component in its first coefficient for v = e_i, and twice its second is
v' H v, so that

    H_ij = (D^2 along e_i + e_j  -  D^2 along e_i  -  D^2 along e_j) / 2        (polarisation)

with every radius carried along. mpmath then evaluates difference quotients with steps of 2^-160 at enough
digits, by the mixed formula for H_ij, which shares nothing with the first route; both must agree to 45
digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import factorial
from typing import Any

import numpy as np
from flint import arb, arb_series

from diffbench.arithmetic.balls import UndecidedError, to_balls, working_precision
from diffbench.arithmetic.mp import MpArithmetic
from diffbench.arithmetic.taylor import Series, TaylorArithmetic
from diffbench.errors import UserError
from diffbench.reference import AGREE_DIGITS, DIGITS, MAX_BITS, START_BITS, ZERO_RADIUS_BITS, to_mpf

Program = Callable[..., Any]
Balls = np.ndarray[Any, Any]

ORDERS = 8  # derivatives along each coordinate, which predictions of higher-order stencils use
_STEP_BITS = 160


@dataclass(frozen=True)
class Truth:
    """Certified derivatives at one point; balls of python-flint throughout.

    Attributes
    ----------
    x : array, shape (n,)
        The exact point.
    value : array of arb, shape (*outputs)
    along : array of arb, shape (ORDERS + 1, *outputs, n)
        Derivatives of every order along each coordinate.
    hessian : array of arb, shape (n, n), or None
    status : {"ok", "no_derivative", "uncertified", "domain"}
        ``no_derivative``: a decision of the program hangs on the side of ``x``.
    mpmath_agrees : bool or None
        Whether all components agree with mpmath to 45 digits; None if it was not asked.
    message : str
    """

    x: Any
    value: Balls
    along: Balls
    hessian: Balls | None
    status: str = "ok"
    mpmath_agrees: bool | None = None
    message: str = ""

    @property
    def gradient(self) -> Balls:
        """First derivatives, shape (*outputs, n)."""
        return np.asarray(self.along[1])

    def in_units(self, factors: Any) -> Truth:
        """The same truth for y with x = factors * y, exactly, for factors that are powers of two."""
        with working_precision(MAX_BITS):  # a product with a power of two does not round
            units = to_balls(np.asarray(factors, dtype=np.float64))
            along = np.stack([row * units**k if k else row for k, row in enumerate(self.along)])
            hessian = None if self.hessian is None else self.hessian * units[:, None] * units[None, :]
        y = self.x / np.asarray(factors, dtype=self.x.dtype)
        return replace(self, x=y, along=along, hessian=hessian)


def certify(f: Program, x: Any, *, hessian: bool = False, orders: int = ORDERS, check: bool = True) -> Truth:
    """Certified derivatives of a function of several variables at an exact point.

    Parameters
    ----------
    f : callable
        ``(n, B)`` to ``(*outputs, B)``.
    x : array, shape (n,)
        Numbers of any format, taken exactly.
    hessian : bool
        Whether to compute second derivatives too (functions with one output).
    orders : int
        Derivatives along each coordinate.
    check : bool
        Whether mpmath checks the first derivatives and the Hessian.

    Raises
    ------
    UserError
        If ``x`` is not a vector of finite numbers, or ``f`` returns another shape.
    RefusedError
        If ``f`` cannot run on Taylor series over Arb.
    """
    point = np.asarray(x)
    if point.ndim != 1 or not point.size or not np.all(np.isfinite(point)):
        raise UserError(f"a reference needs a vector of finite numbers, shape (n,), not shape {point.shape}")
    bits = START_BITS
    while True:
        try:
            found = _at_precision(f, point, bits, orders, hessian)
        except UndecidedError as error:
            found = None
            if bits >= MAX_BITS:
                empty = np.full((orders + 1, len(point)), arb.nan(), dtype=object)
                return Truth(point, empty[0, 0], empty, None, "uncertified", None, str(error))
        if found is not None and (bits >= MAX_BITS or found.status != "ok" or _all_precise(found)):
            break
        bits *= 2
    assert found is not None
    return _checked(f, found) if check and found.status == "ok" else found


def _at_precision(f: Program, x: Any, bits: int, orders: int, hessian: bool) -> Truth:
    n = len(x)
    lines = Lines(f, x, bits)
    columns = [lines.derivatives(_unit(n, i), orders) for i in range(n)]
    along = np.stack(columns, axis=-1)
    second = _polarised(lines, along[2], n) if hessian else None
    status, message = "ok", ""
    if lines.tied:
        status, message = "no_derivative", "a comparison or an absolute value is at a tie here"
    elif not all(b.is_finite() for b in along[:2].ravel().tolist()):
        status, message = "domain", "the function has no finite derivative here"
    return Truth(x, along[0, ..., 0], along, second, status, None, message)


class Lines:
    """Taylor series of a program along directions, at one precision.

    ``derivatives(v, k)`` gives d^j/dt^j f(x + t v) at t = 0 for j = 0 ... k, shape (k + 1, *outputs).
    """

    def __init__(self, f: Program, x: Any, bits: int) -> None:
        self.f, self.bits, self.tied = f, bits, False
        with working_precision(bits):
            self.x = to_balls(x)

    def derivatives(self, v: Any, orders: int) -> Balls:
        """Derivatives along ``v``, a sequence of numbers or balls."""
        arithmetic = TaylorArithmetic(self.bits, orders + 3)
        with working_precision(self.bits, orders + 3):
            parts = [
                Series(arb_series([x, arb(d)], orders + 3), arithmetic.trace) if d else arithmetic.element(x)
                for x, d in zip(self.x.tolist(), v, strict=True)
            ]
            found = arithmetic.outcome(self.f, arithmetic.array(parts, (len(parts), 1)))
            self.tied |= arithmetic.trace.tied
            _refuse_shape(found, len(parts))
            series = found[..., 0].ravel()
            rows = [[s.coefficient(k) * factorial(k) for s in series] for k in range(orders + 1)]
        table = np.empty((orders + 1, len(series)), dtype=object)
        for k, row in enumerate(rows):
            table[k] = row
        return table.reshape((orders + 1, *found.shape[:-1]))


def _refuse_shape(found: Any, n: int) -> None:
    if found.ndim < 1 or found.shape[-1] != 1:
        raise UserError(
            f"the function returned shape {found.shape} for x of shape ({n}, 1), expected (*outputs, 1): "
            "reduce over axis 0, as in np.sum(x**2, axis=0)"
        )


def _unit(n: int, *where: int) -> list[int]:
    return [int(i in where) for i in range(n)]


def _polarised(lines: Lines, own: Balls, n: int) -> Balls:
    if own.shape != (n,):
        raise UserError(f"a Hessian is for a function with one output, not outputs of shape {own.shape[:-1]}")
    full = np.empty((n, n), dtype=object)
    with working_precision(lines.bits):
        for i in range(n):
            full[i, i] = own[i]
            for j in range(i):
                both = lines.derivatives(_unit(n, i, j), 2)[2]
                full[i, j] = full[j, i] = (both - own[i] - own[j]) / 2
    return full


def _all_precise(found: Truth) -> bool:
    balls = found.along[:2].ravel().tolist()
    balls += [] if found.hessian is None else found.hessian.ravel().tolist()
    return all(_precise(b) for b in balls)


def _precise(ball: arb) -> bool:
    if not ball.is_finite() or ball.is_exact():
        return True
    if ball.contains(0):
        return bool(ball.rad() < arb(2) ** -ZERO_RADIUS_BITS)
    return bool(ball.rel_accuracy_bits() > DIGITS * 3.33 + 4)


# the independent route ------------------------------------------------------------------------------------


def _checked(f: Program, found: Truth) -> Truth:
    scale = np.maximum(1.0, np.abs(np.asarray(found.x, dtype=np.float64)))
    check = _Quotients(f, found.x, scale, 1 if found.hessian is None else 2)
    agrees = all(
        check.close(check.first(i), found.gradient[..., i], check.scale[i]) for i in range(len(found.x))
    )
    if agrees and found.hessian is not None:
        agrees = all(
            check.close(check.second(i, j), found.hessian[i, j], check.scale[i] * check.scale[j])
            for i in range(len(found.x))
            for j in range(i + 1)
        )
    status, message = ("ok", "") if agrees else ("uncertified", "mpmath disagrees")
    return Truth(found.x, found.value, found.along, found.hessian, status, agrees, message)


class _Quotients:
    """Central difference quotients of the program in mpmath, with steps far below every feature of it."""

    def __init__(self, f: Program, x: Any, scale: Any, order: int) -> None:
        # a quotient of order m loses m times the bits of the step; 45 digits and more must be left
        self.arithmetic = MpArithmetic(320 + order * _STEP_BITS)
        self.f, self.mp = f, self.arithmetic.context
        self.x = [self.arithmetic._item(v) for v in x]
        self.scale = [self.mp.mpf(s) for s in scale]
        self.h = [s * self.mp.mpf(2) ** -_STEP_BITS for s in self.scale]
        self.size = np.max([abs(v) for v in self.values([{}]).ravel()])

    def values(self, moves: list[dict[int, int]]) -> Any:
        """f with coordinates moved by multiples of their steps, shape (*outputs, len(moves))."""
        nodes = [
            [x + m.get(i, 0) * h for m in moves] for i, (x, h) in enumerate(zip(self.x, self.h, strict=True))
        ]
        flat = [v for row in nodes for v in row]
        return self.arithmetic.outcome(self.f, self.arithmetic.array(flat, (len(nodes), len(moves))))

    def first(self, i: int) -> Any:
        up, down = np.moveaxis(self.values([{i: 1}, {i: -1}]), -1, 0)
        return (up - down) / (2 * self.h[i])

    def second(self, i: int, j: int) -> Any:
        if i == j:
            up, here, down = np.moveaxis(self.values([{i: 1}, {}, {i: -1}]), -1, 0)
            return (up - 2 * here + down) / self.h[i] ** 2
        corners = self.values([{i: a, j: b} for a in (1, -1) for b in (1, -1)])
        a, b, c, d = np.moveaxis(corners, -1, 0)
        return (a - b - c + d) / (4 * self.h[i] * self.h[j])

    def close(self, found: Any, balls: Any, scale: Any) -> bool:
        """Agreement to 45 digits of the value, or, where that is 0, of max|f| over the scale."""
        pairs = zip(np.ravel(found).tolist(), np.ravel(balls).tolist(), strict=True)
        return all(self._near(v, to_mpf(b)[0], scale) for v, b in pairs)

    def _near(self, found: Any, value: Any, scale: Any) -> bool:
        mp = self.mp
        exact = mp.mpf(value)
        # the quotient's truncation is h^2 f''' / 6: 2^-320, beside what rounding leaves of a value of 0
        floor = (self.size + 1) / scale * mp.mpf(2) ** -ZERO_RADIUS_BITS
        size = abs(exact) if abs(exact) > floor else (self.size + 1) / scale
        return bool(abs(found - exact) <= mp.mpf(10) ** -AGREE_DIGITS * size)
