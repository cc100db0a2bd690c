"""The truth: derivatives of a program at an exact point, with a guaranteed radius.

* ``reference(f, x, derivative=1)``: one derivative as a :class:`Reference`.
* ``certify(f, x, orders)``: all derivatives up to an order at once, for sweeps.

A Taylor series over Arb balls gives f^(m)(x) and a radius that contains every rounding error; the precision
is raised until the radius is small. mpmath then differentiates the same program by high-precision
difference quotients, a route that shares no code with the first, and both must agree to 45 digits. Where a
program has a kink or a jump, the two one-sided derivatives are reported and no number in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import comb, factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from diffbench.arithmetic.balls import ArbArithmetic, UndecidedError, to_ball, to_balls, working_precision
from diffbench.arithmetic.base import Program
from diffbench.arithmetic.mp import MpArithmetic
from diffbench.arithmetic.taylor import TaylorArithmetic
from diffbench.errors import UserError

if TYPE_CHECKING:
    import mpmath

START_BITS, MAX_BITS = 256, 16384
DIGITS = 50  # relative radius asked of a value that is not 0
ZERO_RADIUS_BITS = 997  # 1e-300: radius asked of a value that may be 0
AGREE_DIGITS = 45  # Arb and mpmath must agree so far
CHECKED_ORDERS = 4  # derivatives that mpmath checks; higher ones only serve predictions
_STEP_BITS = (
    160  # mpmath's difference quotients use h = scale * 2**-160 (two-sided) and its square (one-sided)
)


@dataclass(frozen=True)
class Reference:
    """The derivative of a program at a point.

    Attributes
    ----------
    x : float or numpy scalar
        The exact point.
    derivative : int
    value, radius : mpmath.mpf
        ``|value - f^(m)(x)| <= radius``; NaN where the derivative does not exist.
    kind : {"smooth", "one-sided", "kink", "jump"}
    left, right : mpmath.mpf
        One-sided derivatives (equal to ``value`` where the function is smooth).
    mpmath_agrees : bool or None
        Whether mpmath's independent value agrees to 45 digits; None if it was not asked.
    status : {"ok", "uncertified", "no_derivative", "refused", "domain", "error"}
    message : str
        Why the status is not ``ok``.
    ball : flint.arb or None
        Value and radius as Arb has them.
    """

    x: Any
    derivative: int
    value: mpmath.mpf
    radius: mpmath.mpf
    kind: str
    left: mpmath.mpf
    right: mpmath.mpf
    mpmath_agrees: bool | None
    status: str
    message: str = ""
    ball: arb | None = field(default=None, repr=False, compare=False)

    def __float__(self) -> float:
        return float(self.value)

    def digits(self, count: int = DIGITS) -> str:
        """The value to ``count`` significant digits, as text; empty if there is none."""
        import mpmath

        return mpmath.nstr(self.value, count, min_fixed=-8, max_fixed=20) if self.status == "ok" else ""

    def _repr_html_(self) -> str:
        return f"<code>{escape(str(self))}</code>"

    def __str__(self) -> str:
        import mpmath

        if self.kind != "smooth":
            sides = f"left {mpmath.nstr(self.left, 15)}, right {mpmath.nstr(self.right, 15)}"
            return f"derivative {self.derivative} at {self.x}: {self.kind}, {sides}"
        if self.status != "ok":
            return f"derivative {self.derivative} at {self.x}: {self.status} ({self.message})"
        return f"derivative {self.derivative} at {self.x}: {self.digits()} +/- {mpmath.nstr(self.radius, 3)}"


def reference(f: Program, x: Any, derivative: int = 1, digits: int = DIGITS) -> Reference:
    """The certified derivative of ``f`` at ``x``.

    Parameters
    ----------
    f : callable
        A plain NumPy function of one variable.
    x : float, int or NumPy scalar
        The point; its value is taken exactly.
    derivative : int
        Order of the derivative, 0 to 30.
    digits : int
        Digits that the radius must guarantee.

    Raises
    ------
    UserError
        If the point is not finite, the order is out of range, or the function returns another shape.
    RefusedError
        If the function cannot run on Arb balls; the message says what to write instead.
    """
    if not isinstance(derivative, int) or isinstance(derivative, bool) or not 0 <= derivative <= 30:
        raise UserError(f"the derivative order must be an integer from 0 to 30, not {derivative!r}")
    if not isinstance(digits, int) or not 1 <= digits <= 1000:
        raise UserError(f"digits must be an integer from 1 to 1000, not {digits!r}")
    if not callable(f):
        raise UserError(f"the function must be callable, not {f!r}")
    point = _finite_point(x)
    return certify(f, point, derivative, digits=digits, checked=[derivative])[derivative]


def certify(
    f: Program,
    x: Any,
    orders: int,
    *,
    digits: int = DIGITS,
    scale: float | None = None,
    checked: Sequence[int] | None = None,
) -> list[Reference]:
    """Derivatives 0 to ``orders`` of ``f`` at the exact point ``x``, smallest order first.

    Parameters
    ----------
    scale : float, optional
        The length over which ``f`` varies, default ``max(1, |x|)``; sets the step of mpmath's check.
    checked : sequence of int, optional
        Orders that mpmath checks, default 0 to 4.
    """
    scale = max(1.0, abs(float(x))) if scale is None else scale
    wanted = range(CHECKED_ORDERS + 1) if checked is None else checked
    sides = _one_sided_series(f, x, orders, digits)
    if isinstance(sides, str):
        return [_without_value(x, m, "uncertified", sides) for m in range(orders + 1)]
    right, left = sides
    if not right[0].is_finite() and not left[0].is_finite():
        with working_precision(START_BITS):
            value: Any = ArbArithmetic(START_BITS).evaluate(f, to_balls(np.asarray(x)))[()]
            inside = value.is_finite()
        status, why = "domain", "the function is not defined here"
        if inside:
            status, why = _without_series(left is not right, "no Taylor series here")
        return [_without_value(x, m, status, why) for m in range(orders + 1)]
    check = _MpmathCheck(f, x, scale)
    return [_assemble(x, m, left, right, check if m in wanted else None) for m in range(orders + 1)]


def derivative_balls(f: Program, x: Any, orders: Iterable[int], bits: int) -> dict[int, arb]:
    """Derivatives of ``f`` at ``x`` by order, at a given working precision (for smooth points) or, where a
    comparison stays open, at a higher one.
    """
    wanted = set(orders)
    with working_precision(bits):
        start = to_ball(x)
    try:
        coefficients = TaylorArithmetic(bits, max(wanted) + 3).expand(f, start)
    except UndecidedError:
        if bits >= MAX_BITS:
            raise
        return derivative_balls(f, x, wanted, 2 * bits)
    with working_precision(bits):
        return {m: coefficients[m] * factorial(m) for m in wanted}


def precise_balls(f: Program, x: Any, orders: Iterable[int], bits: int) -> dict[int, arb]:
    """As ``derivative_balls``, at this precision or as much more as the cancellation in ``f`` asks for.

    A ball that still contains 0 when its radius is below 1e-300 is 0, as in a :class:`Reference`.
    """
    while True:
        balls = derivative_balls(f, x, orders, bits)
        if bits >= MAX_BITS or all(_precise(ball, DIGITS) for ball in balls.values()):
            return {m: arb(0) if ball.contains(0) else ball for m, ball in balls.items()}
        bits *= 2


def _finite_point(x: Any) -> Any:
    try:
        if isinstance(x, str | bytes):
            raise TypeError("text")
        finite = np.ndim(x) == 0 and not np.iscomplexobj(x) and bool(np.isfinite(x))
    except (TypeError, ValueError) as error:
        raise UserError(f"the point must be a real number, not {x!r}") from error
    if not finite:
        raise UserError(f"the point must be one finite real number, not {x!r}")
    return x if isinstance(x, np.floating) or type(x).__module__ == "ml_dtypes" else float(x)


# the certified route ------------------------------------------------------------------------------------


def _one_sided_series(f: Program, x: Any, orders: int, digits: int) -> tuple[list[arb], list[arb]] | str:
    """Derivatives from the right and from the left, precise enough; or the reason there are none."""
    bits = START_BITS
    while True:
        try:
            right, tied = _expand(f, x, orders, bits, +1)
            left = _expand(f, x, orders, bits, -1)[0] if tied else right
            if bits >= MAX_BITS or all(_precise(d, digits) for d in (*right, *left)):
                break
        except UndecidedError as error:
            if bits >= MAX_BITS:
                return str(error)
        bits *= 2
    return right, left


def _expand(f: Program, x: Any, orders: int, bits: int, side: int) -> tuple[list[arb], bool]:
    series = TaylorArithmetic(bits, orders + 3)  # two more: a tie is decided by what comes next
    with working_precision(bits):
        coefficients = series.expand(f, to_ball(x), side)
        derivatives = [c * (factorial(m) * side**m) for m, c in enumerate(coefficients[: orders + 1])]
    return derivatives, series.trace.tied


def _precise(ball: arb, digits: int) -> bool:
    if not ball.is_finite() or ball.is_exact():
        return True
    if ball.contains(0):
        return bool(ball.rad() < arb(2) ** -ZERO_RADIUS_BITS)
    return bool(ball.rel_accuracy_bits() > digits * 3.33 + 4)


# putting a Reference together ------------------------------------------------------------------------------


def _assemble(x: Any, m: int, left: list[arb], right: list[arb], check: _MpmathCheck | None) -> Reference:
    kind = _kind(m, left, right)
    below, above = to_mpf(left[m]), to_mpf(right[m])
    if kind != "smooth":
        agrees = check.sides_agree(m, below[0], above[0]) if check else None
        return Reference(x, m, _nan(), _nan(), kind, below[0], above[0], agrees, "no_derivative", _WHY[kind])
    value, radius = above
    if not right[m].is_finite():
        status, why = _without_series(left is not right, "the derivative is not finite here")
        return _without_value(x, m, status, why)
    if right[m].contains(0):
        value = value * 0 if radius < 1e-290 else value
    agrees = check.agrees(m, value) if check else None
    status = "uncertified" if agrees is False or not _precise(right[m], 30) else "ok"
    message = (
        "" if status == "ok" else "mpmath disagrees" if agrees is False else "the radius stayed too large"
    )
    return Reference(x, m, value, radius, kind, value, value, agrees, status, message, right[m])


def _without_series(tied: bool, why: str) -> tuple[str, str]:
    """Status where no coefficient is finite: only a point with two sides (a zero, a tie) proves anything."""
    return ("no_derivative", why) if tied else ("uncertified", "no finite enclosure was found")


_WHY = {
    "kink": "the one-sided derivatives differ",
    "jump": "the function jumps here",
    "one-sided": "the function has a derivative on one side only",
}


def _kind(m: int, left: list[arb], right: list[arb]) -> str:
    """Compare the sides order by order up to m: balls that do not overlap are proof of a difference."""
    for k in range(m + 1):
        a, b = left[k], right[k]
        if a is b:
            continue
        if a.is_finite() != b.is_finite():
            return "one-sided"
        if a.is_finite() and not a.overlaps(b):
            return "jump" if k == 0 else "kink"
    return "smooth"


def _without_value(x: Any, m: int, status: str, message: str) -> Reference:
    return Reference(x, m, _nan(), _nan(), "smooth", _nan(), _nan(), None, status, message)


def _nan() -> Any:
    import mpmath

    return mpmath.mpf("nan")


def to_mpf(ball: arb) -> tuple[Any, Any]:
    """Midpoint and radius (rounded up) as mpmath numbers, exactly."""
    import mpmath

    if not ball.is_finite():
        return _nan(), _nan()
    mantissa, exponent = (int(v) for v in ball.mid().man_exp())
    low, shift = (int(v) for v in ball.rad().mid().man_exp())
    make = mpmath.mp.make_mpf
    return (
        make(mpmath.libmp.from_man_exp(mantissa, exponent)),
        make(mpmath.libmp.from_man_exp(low, shift)),
    )


def from_mpf(number: Any) -> arb:
    """An mpmath number as an exact ball, whatever FLINT's working precision is."""
    return arb(number)  # a product of mantissa and power would be rounded to the working precision


# the independent route --------------------------------------------------------------------------------


class _MpmathCheck:
    """Difference quotients of the same program in mpmath, with steps far below every feature of it."""

    def __init__(self, f: Program, x: Any, scale: float) -> None:
        self.f, self.x, self.scale = f, x, scale

    def agrees(self, m: int, value: Any) -> bool:
        return self._close(self.central(m), value, m)

    def sides_agree(self, m: int, left: Any, right: Any) -> bool:
        """At a kink: both finite one-sided values, by one-sided quotients."""
        pairs = [(side, v) for side, v in ((-1, left), (1, right)) if v == v]
        return bool(pairs) and all(self._close(self.one_sided(m, side), v, m) for side, v in pairs)

    def central(self, m: int) -> Any:
        return self._quotient(m, _STEP_BITS, lambda i: 2 * i - m, 2)

    def one_sided(self, m: int, side: int) -> Any:
        # nodes side*h, 2 side*h, ...: the point itself may have a value of its own (a jump)
        return self._quotient(m, 2 * _STEP_BITS, lambda i: side * (i + 1) if side > 0 else -(m - i + 1), 1)

    def _quotient(self, m: int, step_bits: int, offset: Callable[[int], int], unit: int) -> Any:
        """sum (-1)^(m-i) C(m, i) f(x + offset_i h / unit) / h^m."""
        bits = 400 + (m + 1) * step_bits
        arithmetic = MpArithmetic(bits)
        mp = arithmetic.context
        h = mp.mpf(self.scale) * mp.mpf(2) ** -step_bits
        x = arithmetic._item(np.asarray(self.x)[()])
        points = arithmetic.array((x + offset(i) * h / unit for i in range(m + 1)), (m + 1,))
        values = arithmetic.evaluate(self.f, points)
        total = mp.fsum((-1) ** (m - i) * comb(m, i) * values[i] for i in range(m + 1))
        return total / h**m

    def _close(self, found: Any, value: Any, m: int) -> bool:
        mp = MpArithmetic(400).context
        size = abs(mp.mpf(value)) or self._magnitude(m)
        return bool(abs(mp.mpf(found) - mp.mpf(value)) <= mp.mpf(10) ** -AGREE_DIGITS * size)

    def _magnitude(self, m: int) -> Any:
        """What 'relative' means where the derivative is 0: the largest |f| near x, over scale^m."""
        arithmetic = MpArithmetic(200)
        mp = arithmetic.context
        x = arithmetic._item(np.asarray(self.x)[()])
        scale = mp.mpf(self.scale)
        near = [x - scale / 8, x, x + scale / 8]
        values = arithmetic.evaluate(self.f, arithmetic.array(near, (3,)))
        return max((abs(v) for v in values if mp.isfinite(v)), default=mp.mpf(0)) / scale**m
