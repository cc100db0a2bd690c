"""The exact split of a finite difference's error into five parts.

    truncation  = E0 - f^(m)(x)    E0: exact weights, exact nodes x + s h
    abscissa    = E1 - E0          E1: exact f at the rounded nodes
    evaluation  = E2 - E1          E2: f as the format computed it there
    weights     = E3 - E2          E3: weights, denominator and h^m as rounded in the format
    combination = D  - E3          D: what the format computed

``split(...)`` computes all of it for every scheme and every step of a point at once. E0 and E1 come from Arb:
all stencils are applied to all steps of a band of precision at once, and the precision grows as the step
shrinks, so that the truncation is known to 1e-12 of itself. E2 and E3 are sums and quotients of
numbers of the format; at the working precision they are exact up to a radius far below their last bit.

``split_exactly`` does one row in rational arithmetic, term by term as written above. It is the definition; the
fast route must round to the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from diffbench.arithmetic.balls import ArbArithmetic, to_balls, working_precision
from diffbench.arithmetic.base import Program
from diffbench.arithmetic.formats import Format
from diffbench.methods.finite_differences import Combination, Scheme
from diffbench.reference import derivative_ball
from diffbench.truncation import SERIES_BITS, Points, evaluate_nodes, map_balls, truncations, weighted_sums

PARTS = ("truncation", "abscissa", "evaluation", "weights", "combination")
SPLIT_BITS = 256  # E1 to E3 cancel at most some 53 bits against each other
TRUSTED_BITS = 150  # relative accuracy of f at the rounded nodes below which twice the bits are used

Floats = np.ndarray[Any, np.dtype[np.float64]]
Balls = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Parts:
    """Arrays of shape (schemes, steps), float64: the error, its five parts, and where truncation is exactly 0."""

    error: Floats
    truncation: Floats
    abscissa: Floats
    evaluation: Floats
    weights: Floats
    combination: Floats
    truncation_zero: np.ndarray[Any, np.dtype[np.bool_]]
    in_domain: np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Sampled:
    """What the format did at one point: the input of the split.

    Attributes
    ----------
    fmt : Format
    x : scalar of the format
    scale : float
    schemes : sequence of Scheme
    offsets : tuple of Fraction, length J
        All offsets of all schemes.
    h : array, shape (K,), dtype of the format
    nodes, values : arrays, shape (J, K), dtype of the format
    combined : sequence of Combination
        One per scheme.
    """

    fmt: Format
    x: Any
    scale: float
    schemes: Sequence[Scheme]
    offsets: tuple[Fraction, ...]
    h: Any
    nodes: Any
    values: Any
    combined: Sequence[Combination]

    @cached_property
    def index(self) -> list[list[int]]:
        """For every scheme, the positions of its offsets in ``offsets``."""
        position = {s: i for i, s in enumerate(self.offsets)}
        return [[position[s] for s in scheme.stencil.offsets] for scheme in self.schemes]

    def wide(self, values: Any) -> Any:
        """Numbers of the format or of the working format in a dtype that holds them all exactly."""
        return values.astype(np.longdouble if self.fmt.name == "longdouble" else np.float64)


def split(f: Program, data: Sampled) -> Parts:
    """Split every row of a sampled point.

    Raises
    ------
    RefusedError
        If the program cannot run on Arb balls.
    """
    shape = (len(data.schemes), len(data.h))
    out = {name: np.full(shape, np.nan) for name in ("error", *PARTS)}
    zero, inside = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    members = np.flatnonzero(data.h.astype(np.float64) > 0)
    if members.size:
        points = Points(data.x, data.scale, data.schemes, data.offsets, data.index, data.h[members])
        exact = truncations(f, points)
        zero[:, members] = exact.zero
        with working_precision(SPLIT_BITS):
            rows = _Rows(f, data, members, exact.balls)
            for name, values in rows.parts().items():
                out[name][:, members] = values
            inside[:, members] = exact.inside & rows.inside
    return Parts(**out, truncation_zero=zero, in_domain=inside)


class _Rows:
    """Everything after the truncation, for all schemes and all positive steps of a point."""

    def __init__(self, f: Program, data: Sampled, members: Any, truncation: Balls) -> None:
        self.data, self.members, self.truncation = data, members, truncation
        self.h = to_balls(data.h[members])
        orders = {s.stencil.derivative for s in data.schemes}
        self.powers = {m: self.h**m for m in orders}
        truth = {m: derivative_ball(f, data.x, m, SERIES_BITS) for m in orders}
        self.truth = np.array([[truth[s.stencil.derivative]] for s in data.schemes], dtype=object)
        reached = np.isfinite(data.wide(data.nodes[:, members]))
        y1 = _at_rounded_nodes(f, data, members)
        self.inside = self._all_nodes(map_balls(arb.is_finite, y1) | ~reached)
        computed = data.wide(data.values[:, members])
        self.computed_finite = self._all_nodes(np.isfinite(computed))
        self.y2 = to_balls(np.where(np.isfinite(computed), computed, 0))
        sums = weighted_sums(data.schemes, data.index, np.hstack([y1, self.y2]))
        count = len(members)
        self.sums2 = sums[:, count:]
        inverse = self._inverses()
        self.e1, self.e2 = sums[:, :count] * inverse, self.sums2 * inverse
        self.noise = self._noise(computed)

    def parts(self) -> dict[str, Floats]:
        """Error and parts as float64; NaN where an operand is not finite."""
        estimate = np.stack([self.data.wide(c.estimate[self.members]) for c in self.data.combined])
        known = np.isfinite(estimate) & self.computed_finite
        d = to_balls(np.where(known, estimate, 0))
        e3, equal, usable = self._rounded_weights()
        truncation = _floats(self.truncation)
        # the truncation is known to 64 bits and better, which bounds what of X can be told from 0
        noise = np.fmax(self.noise, np.abs(truncation) * 2.0**-60)
        parts = {
            "error": _floats(d - self.truth),
            "truncation": truncation,
            "abscissa": _rounding(self.e1 - self.truth - self.truncation, noise),
            "evaluation": _rounding(self.e2 - self.e1, self.noise),
            "weights": np.where(equal, 0.0, _rounding(e3 - self.e2, self.noise)),
            "combination": _rounding(d - e3, self.noise),
        }
        for name in ("error", "combination"):
            parts[name][~known] = np.nan
        parts["evaluation"][~self.computed_finite] = np.nan
        for name in ("weights", "combination"):
            parts[name][~usable] = np.nan
        return parts

    def _inverses(self) -> Balls:
        """1 / (d h^m), a row per scheme."""
        known: dict[tuple[int, int], Balls] = {}
        for scheme in self.data.schemes:
            m, d = scheme.stencil.derivative, scheme.stencil.denominator
            if (m, d) not in known:
                known[m, d] = 1 / (self.powers[m] * d if d != 1 else self.powers[m])
        return np.stack([known[s.stencil.derivative, s.stencil.denominator] for s in self.data.schemes])

    def _noise(self, computed: Any) -> Floats:
        """A generous bound of the radii of E1 to E3: 2^40 units in the last place of max|f| / h^m."""
        largest = float(np.abs(computed[np.isfinite(computed)]).max(initial=1.0))
        steps = self.data.h[self.members].astype(np.float64)
        orders = np.array([[s.stencil.derivative] for s in self.data.schemes])
        with np.errstate(over="ignore", under="ignore"):
            return np.maximum(largest * 2.0 ** (40 - SPLIT_BITS) / steps**orders, 1e-290)

    def _rounded_weights(self) -> tuple[Balls, Any, Any]:
        """E3, where it is E2 exactly, and where the divisor is a number to divide by."""
        e3, shape = self.e2.copy(), self.e2.shape
        equal, usable = np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)
        known: dict[tuple[int, int, str], tuple[Balls, Any, Any]] = {}
        for row, (scheme, combined) in enumerate(zip(self.data.schemes, self.data.combined, strict=True)):
            key = (scheme.stencil.denominator, scheme.stencil.derivative, scheme.variant)
            if key not in known:
                known[key] = self._divisors(scheme, self.data.wide(combined.divisor[self.members]))
            inverse, same, usable[row] = known[key]
            if not scheme.numerators_exact(self.data.fmt):
                values = self.y2[self.data.index[row]]
                coefficients = scheme.coefficients(self.data.fmt)
                e3[row] = sum(_ball(c) * y for c, y in zip(coefficients, values, strict=True)) * inverse
            else:
                equal[row] = same
                e3[row, ~same] = self.sums2[row, ~same] * inverse[~same]
        return e3, equal, usable

    def _divisors(self, scheme: Scheme, divisor: Any) -> tuple[Balls, Any, Any]:
        """Inverse of the divisor as rounded in the format, where it is exact, where it is finite and not 0."""
        fine = np.isfinite(divisor) & (divisor != 0)
        rounded = to_balls(np.where(fine, divisor, 1))
        exact = self.powers[scheme.stencil.derivative]
        if scheme.variant != "float" and scheme.stencil.denominator != 1:
            exact = exact * scheme.stencil.denominator
        return 1 / rounded, map_balls(arb.is_zero, exact - rounded), fine

    def _all_nodes(self, flags: Any) -> Any:
        """Per scheme and step: does it hold at all of the scheme's nodes?"""
        return np.stack([flags[index].all(axis=0) for index in self.data.index])


def _at_rounded_nodes(f: Program, data: Sampled, members: Any) -> Balls:
    """f at the nodes as rounded in the format, as balls."""
    nodes = to_balls(data.nodes[:, members])
    values = evaluate_nodes(f, nodes, data.offsets, SPLIT_BITS)
    if map_balls(arb.rel_accuracy_bits, values).min() < TRUSTED_BITS:
        values = evaluate_nodes(f, nodes, data.offsets, 2 * SPLIT_BITS)
    return values


def _floats(values: Balls) -> Floats:
    """Midpoints rounded to nearest."""
    return np.array([float(v) for v in values.ravel().tolist()]).reshape(values.shape)


def _rounding(values: Balls, noise: Floats) -> Floats:
    """As ``_floats``, for differences that are either 0 or far larger than their radius.

    A ball that contains 0 is 0: E1 to E3 and the estimate differ by numbers of a few hundred bits at most.
    Only differences below ``noise``, a generous bound of the radii, need the look.
    """
    floats = _floats(values)
    for index in np.argwhere((floats != 0) & (np.abs(floats) < noise)):
        if values[tuple(index)].contains(0):
            floats[tuple(index)] = 0.0
    return floats


def _ball(value: Fraction) -> arb:
    return arb(value.numerator) if value.denominator == 1 else arb(value.numerator) / arb(value.denominator)


def split_exactly(f: Program, data: Sampled, row: int, step: int, bits: int = 2048) -> dict[str, Fraction]:
    """One row as rational numbers: error, the five parts, and their residual (exactly 0).

    The truth, E0 and E1 are the midpoints of balls of ``bits`` bits; everything else is exact.
    """
    scheme, fmt = data.schemes[row], data.fmt
    stencil = scheme.stencil
    index = data.index[row]
    x, h = _fraction(data.x), _fraction(data.h[step])
    with working_precision(bits):
        truth = _midpoint(derivative_ball(f, data.x, stencil.derivative, bits))
        exact = np.array([_ball(x + s * h) for s in stencil.offsets], dtype=object)
        arithmetic = ArbArithmetic(bits)
        y0 = [_midpoint(y) for y in arithmetic.evaluate(f, exact)]
        y1 = [_midpoint(y) for y in arithmetic.evaluate(f, to_balls(data.nodes[index, step]))]
    y2 = [_fraction(y) for y in data.values[index, step]]
    power = h**stencil.derivative

    def quotient(coefficients: Sequence[Fraction], values: list[Fraction], divisor: Fraction) -> Fraction:
        return sum((c * y for c, y in zip(coefficients, values, strict=True)), Fraction(0)) / divisor

    e0, e1, e2 = (quotient(stencil.weights, y, power) for y in (y0, y1, y2))
    e3 = quotient(scheme.coefficients(fmt), y2, _fraction(data.combined[row].divisor[step]))
    d = _fraction(data.combined[row].estimate[step])
    parts = {
        "truncation": e0 - truth,
        "abscissa": e1 - e0,
        "evaluation": e2 - e1,
        "weights": e3 - e2,
        "combination": d - e3,
    }
    error = d - truth
    return {"error": error, **parts, "residual": error - sum(parts.values(), Fraction(0))}


def _midpoint(ball: arb) -> Fraction:
    mantissa, exponent = (int(v) for v in ball.mid().man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def _fraction(value: Any) -> Fraction:
    if isinstance(value, np.longdouble):
        return Fraction(*value.as_integer_ratio())
    return Fraction(float(value))
