"""The truncation error of every stencil at every step, as balls, to 64 bits and better of itself.

Two routes, both rigorous:

* Large steps: the exact stencil on Arb values at the exact nodes, minus the reference. About
  ``(m + p) log2(scale / h)`` bits cancel, so the working precision grows as the step shrinks.
* Small steps: the Taylor expansion of the stencil, ``T = sum_k (sum_j c_j s_j^k) f^(k)(x)/k! h^(k-m)`` for
  k from m + p on, with the Lagrange remainder from a Taylor series over the ball that holds all nodes.
  Nothing cancels, so 128 bits are plenty at any step.

A row that is not accurate enough is computed again by the first route with more bits, up to 8192; if the ball
still contains 0 then, the truncation is 0 (``zero``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb

from diffbench.arithmetic.balls import ArbArithmetic, UndecidedError, to_ball, to_balls, working_precision
from diffbench.arithmetic.base import Program
from diffbench.arithmetic.taylor import TaylorArithmetic
from diffbench.errors import DiffbenchError
from diffbench.methods.finite_differences import Scheme
from diffbench.reference import derivative_balls
from diffbench.stencils import Stencil

Balls = np.ndarray[Any, Any]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

ACCURATE_BITS = 64  # asked of every truncation; 1e-12 is promised, and the parts must add up to 2^-53
GUARD_BITS = 104  # beyond what the cancellation eats
MIN_BITS = 256
BAND_BITS = 64  # steps whose precision rounds up to the same multiple are computed together
MAX_BITS = 8192
SERIES_BITS = 512  # Taylor coefficients at the point; also the precision of the reference inside the split
HORNER_BITS = 128
TERMS = 6  # terms of the expansion beyond the leading one
REACH = 2.0**-12  # |s| h <= REACH * scale: the remainder is then about REACH**TERMS = 2^-72 of the truncation


@dataclass(frozen=True)
class Points:
    """Where to differentiate: exact point, scale, schemes, offsets with positions, steps of the format."""

    x: Any
    scale: float
    schemes: Sequence[Scheme]
    offsets: tuple[Fraction, ...]
    index: Sequence[Sequence[int]]
    h: Any


@dataclass(frozen=True)
class Truncation:
    """Balls of shape (schemes, steps), where they are exactly 0, where all exact nodes are in the domain."""

    balls: Balls
    zero: Flags
    inside: Flags


def truncations(f: Program, data: Points) -> Truncation:
    """Truncation errors at all steps; steps must be positive."""
    shape = (len(data.schemes), len(data.h))
    result = Truncation(np.full(shape, arb.nan(), dtype=object), np.zeros(shape, bool), np.ones(shape, bool))
    small = _small_steps(data)
    series = _Expansion.at(f, data) if small.any() else None
    if series is None:
        small[:] = False
    else:
        with working_precision(HORNER_BITS):
            result.balls[:, small] = series.truncations(to_balls(data.h[small]))
    for bits, members in _bands(data, np.flatnonzero(~small)):
        with working_precision(bits):
            balls, inside = _direct(f, data, members, bits)
            result.balls[:, members], result.inside[:, members] = balls, inside
    _refine(f, data, result)
    nothing = result.balls == 0  # true for exact balls only
    result.zero[...] = nothing.astype(bool)
    return result


def _small_steps(data: Points) -> Flags:
    widest = float(max(abs(s) for s in data.offsets))
    with np.errstate(over="ignore"):
        # a little less than REACH: the product is rounded, and no node may leave the ball
        return np.asarray(widest * data.h.astype(np.float64) <= REACH * data.scale * (1 - 2.0**-40))


# the expansion route -------------------------------------------------------------------------------


class _Expansion:
    """Taylor coefficients at the point and over the ball of all nodes of the small steps."""

    def __init__(self, schemes: Sequence[Scheme], at_point: list[arb], over_ball: list[arb]) -> None:
        self.schemes, self.at_point, self.over_ball = schemes, at_point, over_ball

    @classmethod
    def at(cls, f: Program, data: Points) -> _Expansion | None:
        """None where there is no series over the whole ball (a kink, a pole, the edge of a domain)."""
        order = max(s.stencil.derivative + s.stencil.accuracy for s in data.schemes) + TERMS + 1
        with working_precision(SERIES_BITS):
            x = to_ball(data.x)
            ball = arb(x, REACH * data.scale)
        try:
            point = TaylorArithmetic(SERIES_BITS, order + 1)
            at_point = point.expand(f, x)
            over_ball = TaylorArithmetic(HORNER_BITS, order + 1).expand(f, ball)
        except UndecidedError:
            return None
        except DiffbenchError:
            raise
        except Exception:  # the program's own, somewhere on the ball
            return None
        if point.trace.tied or not all(c.is_finite() for c in (*at_point, *over_ball)):
            return None
        return cls(data.schemes, at_point, over_ball)

    def truncations(self, h: Balls) -> Balls:
        """One row per scheme."""
        powers: dict[int, Balls] = {1: h}

        def power(k: int) -> Balls:
            if k not in powers:
                powers[k] = h**k
            return powers[k]

        return np.stack([self._row(scheme.stencil, power) for scheme in self.schemes])

    def _row(self, stencil: Stencil, power: Any) -> Balls:
        orders, moments = expansion_moments(stencil)
        last = orders[-1]
        # the remainder: every node has its own intermediate point in the ball
        signed = [c * s**last for s, c in zip(stencil.offsets, stencil.weights, strict=True)]
        total: Any = sum((fraction_ball(v) * self.over_ball[last] for v in signed), arb(0))
        below = last
        for k, moment in zip(reversed(orders[:-1]), reversed(moments[:-1]), strict=True):
            total = power(below - k) * total + fraction_ball(moment) * self.at_point[k]
            below = k
        return power(below - stencil.derivative) * total


@lru_cache(maxsize=512)
def expansion_moments(stencil: Stencil) -> tuple[tuple[int, ...], tuple[Fraction, ...]]:
    """Orders k >= m + p with a non-zero moment ``sum_j c_j s_j**k``, the last one for the remainder."""
    first = stencil.derivative + stencil.accuracy
    orders, moments = [], []
    for k in range(first, first + TERMS):
        moment = sum((c * s**k for s, c in zip(stencil.offsets, stencil.weights, strict=True)), Fraction(0))
        if moment:
            orders.append(k)
            moments.append(moment)
    return (*orders, first + TERMS), (*moments, Fraction(0))


# the direct route ----------------------------------------------------------------------------------


def _bits_needed(data: Points, members: Any) -> Any:
    top = max(s.stencil.derivative + s.stencil.accuracy for s in data.schemes)
    depth = np.log2(data.scale) - np.log2(data.h[members].astype(np.longdouble)).astype(np.float64)
    return GUARD_BITS + top * np.maximum(depth, 0)


def _bands(data: Points, members: Any) -> list[tuple[int, Any]]:
    """Steps grouped by the precision they need: (bits, indices of steps)."""
    level = np.ceil(np.clip(_bits_needed(data, members), MIN_BITS, MAX_BITS) / BAND_BITS).astype(int)
    return [(int(v) * BAND_BITS, members[level == v]) for v in np.unique(level)]


def _direct(f: Program, data: Points, members: Any, bits: int, rows: Any = None) -> tuple[Balls, Flags]:
    """Exact stencils at exact nodes minus the reference, and where all nodes are in the domain."""
    chosen = range(len(data.schemes)) if rows is None else rows
    schemes, index = [data.schemes[r] for r in chosen], [data.index[r] for r in chosen]
    h = to_balls(data.h[members])
    values = evaluate_nodes(f, exact_nodes(data, h), data.offsets, bits)
    finite = map_balls(arb.is_finite, values)
    sums = weighted_sums(schemes, index, values)
    truth = derivative_balls(f, data.x, {s.stencil.derivative for s in schemes}, bits)
    result = np.empty(sums.shape, dtype=object)
    for r, scheme in enumerate(schemes):
        stencil = scheme.stencil
        result[r] = sums[r] / (h**stencil.derivative * stencil.denominator) - truth[stencil.derivative]
    return result, np.stack([finite[list(i)].all(axis=0) for i in index])


def exact_nodes(data: Points, h: Balls) -> Balls:
    """x + s h as balls, shape (offsets, steps)."""
    x = to_ball(data.x)
    return np.stack([x + h * fraction_ball(s) for s in data.offsets])


def evaluate_nodes(f: Program, nodes: Balls, offsets: Sequence[Fraction], bits: int) -> Balls:
    """f at nodes of shape (offsets, steps); the centre, which is x at every step, once."""
    arithmetic = ArbArithmetic(bits)
    others = [i for i, s in enumerate(offsets) if s != 0]
    if len(others) == len(offsets):
        return _evaluate(arithmetic, f, nodes)
    values = np.empty(nodes.shape, dtype=object)
    centre = offsets.index(Fraction(0))
    values[centre] = _evaluate(arithmetic, f, nodes[centre, :1])[0]
    if others:
        values[others] = _evaluate(arithmetic, f, nodes[others])
    return values


def _evaluate(arithmetic: ArbArithmetic, f: Program, nodes: Balls) -> Balls:
    """Values at the nodes; where the program raises, as it may at some nodes only, there is none: NaN."""
    try:
        return arithmetic.evaluate(f, nodes)
    except DiffbenchError:
        raise
    except Exception:  # the program's own
        if nodes.size == 1:
            return np.full(nodes.shape, arb.nan(), dtype=object)
        flat = nodes.reshape(-1)
        found = [_evaluate(arithmetic, f, flat[i : i + 1])[0] for i in range(flat.size)]
        return arithmetic.array(found, nodes.shape)


def weighted_sums(schemes: Sequence[Scheme], index: Sequence[Sequence[int]], values: Balls) -> Balls:
    """``sum_j n_j f_j`` with the integer numerators of every scheme, shape (schemes, columns).

    Symmetric pairs are added or subtracted once for all schemes. A node outside the domain is NaN and spoils
    only the schemes that use it.
    """
    pairs: dict[tuple[int, int, int], Balls] = {}

    def pair(left: int, right: int, sign: int) -> Balls:
        if (left, right, sign) not in pairs:
            a, b = values[right], values[left]
            pairs[left, right, sign] = a + b if sign > 0 else a - b
        return pairs[left, right, sign]

    rows = []
    for scheme, where in zip(schemes, index, strict=True):
        n, last = scheme.stencil.numerators, len(where) - 1
        sign = -1 if scheme.stencil.derivative % 2 else 1
        if all(n[i] == sign * n[last - i] for i in range(len(n))):
            terms = [(n[last - i], pair(where[i], where[last - i], sign)) for i in range(len(n) // 2)]
            terms += [(n[last // 2], values[where[last // 2]])] * (len(n) % 2)
        else:
            terms = [(numerator, values[j]) for numerator, j in zip(n, where, strict=True)]
        rows.append(_sum_of_products(terms))
    return np.stack(rows)


def _sum_of_products(terms: list[tuple[int, Balls]]) -> Balls:
    total: Balls | None = None
    for factor, values in terms:
        if factor == 0:
            continue
        if total is None:
            total = values * factor if factor != 1 else values
        elif abs(factor) == 1:
            total = total + values if factor > 0 else total - values
        else:
            total = total + values * factor
    assert total is not None  # a stencil has a non-zero weight
    return total


# more precision ------------------------------------------------------------------------------------


def _refine(f: Program, data: Points, result: Truncation) -> None:
    """Compute rows that are not accurate enough again, with more and more bits."""
    unclear = ~_accurate(result.balls)
    unclear[unclear] = map_balls(arb.is_finite, result.balls[unclear])
    if not unclear.any():
        return
    need = int(np.max(_bits_needed(data, np.flatnonzero(unclear.any(axis=0)))))
    for bits in sorted({min(level, MAX_BITS) for level in (need + 128, 2 * need + 256, MAX_BITS)}):
        rows, steps = np.flatnonzero(unclear.any(axis=1)), np.flatnonzero(unclear.any(axis=0))
        if steps.size == 0:
            return
        with working_precision(bits):
            balls, _ = _direct(f, data, steps, bits, rows)
            settled = _accurate(balls) | (bits >= MAX_BITS)
            where = np.ix_(rows, steps)
            zero = map_balls(arb.is_zero, balls)
            if bits >= MAX_BITS:
                zero |= map_balls(lambda ball: ball.contains(0), balls)
            change = unclear[where] & settled
            balls[zero] = arb(0)
            result.balls[where] = np.where(change, balls, result.balls[where])
            unclear[where] &= ~settled


def _accurate(balls: Balls) -> Flags:
    """Whether a ball is known to 64 bits of itself (as an exact 0 is)."""
    return np.asarray(map_balls(arb.rel_accuracy_bits, balls) >= ACCURATE_BITS)


def map_balls(function: Any, values: Balls) -> Any:
    """A plain array of what a function says of every ball."""
    return np.array(list(map(function, values.ravel().tolist()))).reshape(values.shape)


def fraction_ball(value: Fraction) -> arb:
    """A rational number as a ball at the working precision."""
    return arb(value.numerator) if value.denominator == 1 else arb(value.numerator) / arb(value.denominator)
