"""The functions of Taylor series: FLINT's own where it has them, else identities that keep the enclosure.

``SERIES`` maps ufunc names to functions of :class:`~diffbench.arithmetic.series.Series`; what follows from
these by an identity alone (sinh, log1p, expit, ...) is added by ``kernels.complete``.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import flint
from flint import arb, arb_series

from diffbench.arithmetic.balls import decide_floor, decide_sign, working_precision
from diffbench.arithmetic.kernels import Kernel
from diffbench.arithmetic.series import Series
from diffbench.errors import RefusedError


def _method(name: str) -> Kernel:
    """FLINT's own series function."""
    function = getattr(arb_series, name)

    def kernel(x: Series) -> Series:
        try:
            return Series(function(x.s), x.trace)
        except (ValueError, ZeroDivisionError):
            return x.unknown()

    return kernel


# powers and roots -----------------------------------------------------------------------------------------


def _exactly(ball: arb) -> Fraction | None:
    """The number a ball consists of, if it is just one."""
    if not (ball.is_exact() and ball.is_finite()):
        return None
    mantissa, exponent = (int(v) for v in ball.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def _power(x: Series, y: Series) -> Series:
    if not y.is_constant():
        if x.is_zero() and y.start > 0:
            return x
        return Series(x.s**y.s, x.trace)
    exponent = _exactly(y.start)
    if exponent is not None and exponent.denominator == 1 and abs(exponent) < 2**31:
        n = int(exponent)
        return Series(x.s**n, x.trace) if n >= 0 else 1 / Series(x.s**-n, x.trace)
    if not x.start.is_zero():
        return Series(x.s**y.start, x.trace)
    return _power_at_zero(x, y.start, exponent)


def _power_at_zero(x: Series, exponent: arb, exactly: Fraction | None) -> Series:
    """(c t**k + ...)**a with a no integer: t**(k a) times a power series, if k a is an integer.

    Otherwise the derivatives below order k a are 0 and the higher ones do not exist (they are infinite).
    """
    k = x.valuation()
    if not exponent > 0:
        return x.unknown()
    if x.is_zero():
        return x
    x.trace.tied = True
    if k >= x.terms:  # O(t**n) with n terms known
        x.trace.flat = True
        known = int(float((exponent * k).upper().ceil()))
        return x.like([], min(known, flint.ctx.cap))
    if decide_sign(x.s[k]) < 0:  # a negative number has no such power: the function ends at the point
        return x.like([arb(0)] + [arb.nan()] * (flint.ctx.cap - 1))
    if exactly is not None and (exactly * k).denominator == 1:
        shift = int(exactly * k)
        rest = arb_series([x.s[i] for i in range(k, x.terms)], x.terms - k) ** exponent
        known = min(shift + x.terms - k, flint.ctx.cap)
        return x.like(([arb(0)] * shift + [rest[i] for i in range(x.terms - k)])[:known], known)
    zeros = int(float((exponent * k).lower().floor())) + 1
    return x.like(([arb(0)] * zeros + [arb.nan()] * flint.ctx.cap)[: flint.ctx.cap])


def _sqrt(x: Series) -> Series:
    return _power_at_zero(x, arb(0.5), Fraction(1, 2)) if x.start.is_zero() else Series(x.s.sqrt(), x.trace)


def _cbrt(x: Series) -> Series:
    if x.is_nan() or x.is_zero():
        return x
    third = arb(1) / 3
    sign = x.sign() or 1
    base = x * sign
    if x.start.is_zero():
        return _power_at_zero(base, third, Fraction(1, 3)) * sign
    return Series(base.s**third, x.trace) * sign


# choices and steps ----------------------------------------------------------------------------------------


def _absolute(x: Series) -> Series:
    return x if x.is_nan() or x.sign() >= 0 else -x


def _sign(x: Series) -> Series:
    return x if x.is_nan() else x.constant(x.sign())


def _heaviside(x: Series, at0: Series) -> Series:
    sign = _sign(x)
    return at0 if sign.start.is_zero() else (sign + 1) / 2


def _larger(x: Series, y: Series, side: int) -> Series:
    """The larger (side 1) or the smaller (side -1) of two just beside the point."""
    if x is y:
        return x
    gap = x - y
    return gap if gap.is_nan() else x if gap.sign() * side >= 0 else y


def _floor(x: Series) -> Series:
    floor = decide_floor(x.start)
    if (x.start - floor).is_zero() and (x - floor).sign() < 0:
        floor = floor - 1
    return x.constant(floor)


def _rint(x: Series) -> Series:
    """Nearest integer just beside the point; the tie rule (to even) counts only where x stays at the tie."""
    shifted = x + arb(0.5)
    up = _floor(shifted)
    stays = x.is_constant() and (shifted.start - up.start).is_zero()
    return up - 1 if stays and not (up.start / 2).is_integer() else up


def _compare(test: Callable[[int], bool]) -> Kernel:
    return lambda x, y: test((x - y).sign())


# functions FLINT has no series for ------------------------------------------------------------------------


def _tanh(x: Series) -> Series:
    exp = SERIES["exp"]
    if x.start.contains(0):  # keeps tanh(0) = 0 exactly
        up, down = exp(x), exp(-x)
        return (up - down) / (up + down)
    return 1 - 2 / (exp(2 * x) + 1)  # stays tight for large |x|


def _arcsinh(x: Series) -> Series:
    if x.start < 0:
        return -_arcsinh(-x)
    return SERIES["log"](x + SERIES["sqrt"](x * x + 1))


def _logaddexp(x: Series, y: Series) -> Series:
    """Log(e**x + e**y) = x + log(1 + e**(y - x)): holds in either order, so nothing has to be decided."""
    if x.start.mid() < y.start.mid():
        x, y = y, x
    return x + SERIES["log"](1 + SERIES["exp"](y - x))


def _arctan2(y: Series, x: Series) -> Series:
    atan, pi = SERIES["arctan"], arb.pi()
    if x.start > 0:
        return atan(y / x)
    if y.start > 0:
        return pi / 2 - atan(x / y)
    if y.start < 0:
        return -pi / 2 - atan(x / y)
    if x.start < 0 and y.start.is_zero():  # the branch cut: y decides which side of it
        return atan(y / x) + (pi if y.sign() >= 0 else -pi)
    return x.unknown()


def _bessel_j(order: Series, x: Series) -> Series:
    """J_v by its Taylor series at x_0: J_v^(n) = 2^-n sum (-1)^k C(n, k) J_{v-n+2k} (DLMF 10.6.7)."""
    if not order.is_constant():
        raise RefusedError("Taylor series cannot run scipy.special.jv with an order that depends on x")
    v, x0, terms = order.start, x.start, flint.ctx.cap
    values = {d: x0.bessel_j(v + d) for d in range(-terms, terms + 1)}
    outer = []
    scale = arb(1)
    for n in range(terms):
        total = arb(0)
        for k in range(n + 1):
            total += (-1) ** k * int(flint.fmpz.bin_uiui(n, k)) * values[2 * k - n]
        outer.append(total * scale)
        scale = scale / (2 * (n + 1))
    return x.compose(outer)


def _gammaln(x: Series) -> Series:
    if x.start > 0:
        return Series(x.s.lgamma(), x.trace)
    return SERIES["log"](_absolute(SERIES["gamma"](x)))


def _digamma(x: Series) -> Series:
    """Digamma = -r'/r with r = 1/gamma, which has no poles; one more term makes up for the derivative."""
    terms = flint.ctx.cap
    with working_precision(flint.ctx.prec, terms + 1):
        r = arb_series([x.start, 1], terms + 1).rgamma()
    quotient = -Series(r.derivative(), x.trace) / Series(r, x.trace)
    return x.compose([quotient.coefficient(k) for k in range(terms)])


SERIES: dict[str, Kernel] = {
    **{n: _method(n) for n in ("exp", "log", "sin", "cos", "tan", "erf", "erfc", "gamma", "rgamma")},
    **{f"arc{n}": _method(f"a{n}") for n in ("sin", "cos", "tan")},
    "sqrt": _sqrt,
    "cbrt": _cbrt,
    "power": _power,
    "tanh": _tanh,
    "arcsinh": _arcsinh,
    "arctan2": _arctan2,
    "logaddexp": _logaddexp,
    "gammaln": _gammaln,
    "psi": _digamma,
    "jv": _bessel_j,
    "absolute": _absolute,
    "sign": _sign,
    "maximum": lambda x, y: _larger(x, y, 1),
    "minimum": lambda x, y: _larger(x, y, -1),
    "heaviside": _heaviside,
    "floor": _floor,
    "rint": _rint,
    "isnan": Series.is_nan,
    "isfinite": lambda x: x.start.is_finite(),
    "less": _compare(lambda s: s < 0),
    "less_equal": _compare(lambda s: s <= 0),
    "greater": _compare(lambda s: s > 0),
    "greater_equal": _compare(lambda s: s >= 0),
    "equal": _compare(lambda s: s == 0),
    "not_equal": _compare(lambda s: s != 0),
}
