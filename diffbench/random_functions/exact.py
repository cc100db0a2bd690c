"""The derivatives of a smooth program, from Taylor series over Arb balls, kept to twice the bits of float64.

* :func:`exact_derivatives`: f, f', ... as :class:`Exact`; :func:`truth`: the same rounded to float64.

A truth of 53 bits would decide errors near 1e-16 by its own rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

Program = Callable[[Any], Any]

FIRST_BITS, MOST_BITS = 192, 4096
RADIUS = 1e-20  # relative


class Exact(NamedTuple):
    """The sum of two floats: ``value``, the nearest one or next to it, and ``rest``, what it lacks."""

    value: float
    rest: float = 0.0

    def distance(self, other: float) -> float:
        """The absolute difference from a finite float, rounded once; NaN or infinite where the other is."""
        if not math.isfinite(other):
            return abs(other)
        return float(abs(Fraction(other) - Fraction(self.value) - Fraction(self.rest)))


def exact_derivatives(program: Program, x: float, orders: int = 3, sharp: int = 1) -> list[Exact] | None:
    """f(x), f'(x), ..., or None where the program breaks or ``MOST_BITS`` are not enough.

    Parameters
    ----------
    program : callable
        A plain NumPy function, elementwise.
    x : float
        Taken exactly.
    orders : int
        The highest derivative.
    sharp : int
        The highest derivative whose relative radius is at most ``RADIUS``.
    """
    from flint import arb

    from diffbench.arithmetic.balls import working_precision
    from diffbench.arithmetic.taylor import TaylorArithmetic

    bits = FIRST_BITS
    while bits <= MOST_BITS:
        with working_precision(bits):
            try:
                series = TaylorArithmetic(bits, orders + 1).expand(program, arb(x))
                balls = [series[m] * math.factorial(m) for m in range(orders + 1)]
            except Exception:  # whatever a drawn program does: the case is drawn again
                return None
            values = [_pair(ball) for ball in balls]
            radii = [float(ball.rad()) for ball in balls]
        if all(
            math.isfinite(exact.value) and radius <= RADIUS * abs(exact.value) + 1e-320
            for exact, radius in zip(values[: sharp + 1], radii[: sharp + 1], strict=True)
        ):
            return values
        bits *= 4
    return None


def _pair(ball: Any) -> Exact:
    """The midpoint of a ball as two floats."""
    middle = ball.mid()
    value = float(middle)
    return Exact(value, float(middle - value) if math.isfinite(value) else 0.0)


def truth(program: Program, x: float, orders: int = 3) -> list[float] | None:
    """As :func:`exact_derivatives`, rounded to float64."""
    found = exact_derivatives(program, x, orders)
    return None if found is None else [exact.value for exact in found]
