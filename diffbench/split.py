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

``split_exactly`` does one row in rational arithmetic, term by term as written above. It is the definition;
the fast route must round to the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from diffbench.arithmetic.balls import ArbArithmetic, to_balls, working_precision
from diffbench.arithmetic.base import Program
from diffbench.arithmetic.formats import Format
from diffbench.methods.finite_differences import Combination, Scheme, layout
from diffbench.reference import derivative_balls, precise_balls
from diffbench.truncation import (
    MAX_BITS,
    SERIES_BITS,
    Points,
    evaluate_nodes,
    fraction_ball,
    map_balls,
    truncations,
    weighted_sums,
)

PARTS = ("truncation", "abscissa", "evaluation", "weights", "combination")
# f at the rounded nodes is computed with 75 + p bits (p the precision of the format) beyond what a division
# by h^(m-1) magnifies. The last factor 1/h costs p bits at most before the differences are lost anyway, so
# the parts are known to 2^-75 of |f| / scale^m and better.
NODE_BITS = 75
BAND_BITS = 64  # steps whose precision rounds up to the same multiple are computed together
# Where the parts are far smaller than that (f computed without error, errors that are powers of h), the steps
# concerned are done again with twice the bits, so that every part is known to 2^-58 of the largest.
ROUNDS = 5
KNOWN_BITS = 58
TRUSTED_BITS = 45  # accuracy asked of those values beyond p bits; otherwise twice the bits are used

Floats = np.ndarray[Any, np.dtype[np.float64]]
Balls = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Parts:
    """Float64 arrays of shape (schemes, steps): error, five parts, and where truncation is exactly 0."""

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
    h : array, shape (K,), dtype of the format
    nodes, values : arrays, shape (J, K), dtype of the format
    combined : sequence of Combination
        One per scheme.
    """

    fmt: Format
    x: Any
    scale: float
    schemes: Sequence[Scheme]
    h: Any
    nodes: Any
    values: Any
    combined: Sequence[Combination]

    @property
    def offsets(self) -> tuple[Fraction, ...]:
        """All offsets of all schemes (J of them)."""
        return layout(tuple(self.schemes)).offsets

    @property
    def index(self) -> tuple[list[int], ...]:
        """For every scheme, the positions of its offsets in ``offsets``."""
        return layout(tuple(self.schemes)).index

    def only(self, rows: Sequence[int]) -> Sampled:
        """The same point with some of its schemes."""
        if len(rows) == len(self.schemes):
            return self
        schemes = [self.schemes[r] for r in rows]
        position = {s: i for i, s in enumerate(self.offsets)}
        kept = [position[s] for s in layout(tuple(schemes)).offsets]
        nodes, values, combined = self.nodes[kept], self.values[kept], [self.combined[r] for r in rows]
        return replace(self, schemes=schemes, nodes=nodes, values=values, combined=combined)

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
    members = np.flatnonzero((data.h > 0) & np.isfinite(data.h))
    if members.size:
        points = Points(data.x, data.scale, data.schemes, data.offsets, data.index, data.h[members])
        exact = truncations(f, points)
        zero[:, members] = exact.zero
        inside[:, members] = exact.inside
        bits = _node_bits(data, members)
        todo = np.arange(members.size)
        for _ in range(ROUNDS):
            if todo.size == 0:
                break
            with working_precision(int(bits[todo].max())):
                rows = _Rows(f, data, members[todo], exact.balls[:, todo], bits[todo])
                found = rows.parts()
            for name, values in found.items():
                out[name][:, members[todo]] = values
            inside[:, members[todo]] &= rows.inside
            poor = rows.too_coarse(found)
            bits[todo[poor]] = 2 * bits[todo[poor]] + 128
            todo = todo[poor]
    return Parts(**out, truncation_zero=zero, in_domain=inside)


class _Rows:
    """Everything after the truncation, for all schemes and all positive steps of a point."""

    def __init__(self, f: Program, data: Sampled, members: Any, truncation: Balls, bits: Any) -> None:
        self.data, self.members, self.truncation = data, members, truncation
        self.h = to_balls(data.h[members])
        orders = {s.stencil.derivative for s in data.schemes}
        self.powers = {m: self.h**m for m in orders}
        truth = precise_balls(f, data.x, orders, max(SERIES_BITS, int(bits.max()) + 64))
        self.truth = np.array([[truth[s.stencil.derivative]] for s in data.schemes], dtype=object)
        reached = np.isfinite(data.wide(data.nodes[:, members]))
        y1 = _at_rounded_nodes(f, data, members, bits)
        self.inside = self._all_nodes(map_balls(arb.is_finite, y1) | ~reached)
        computed = data.wide(data.values[:, members])
        self.computed_finite = self._all_nodes(np.isfinite(computed))
        self.y2 = to_balls(np.where(np.isfinite(computed), computed, 0))
        sums = weighted_sums(data.schemes, data.index, np.hstack([y1, self.y2]))
        count = len(members)
        self.sums2 = sums[:, count:]
        inverse = self._inverses()
        self.e1, self.e2 = sums[:, :count] * inverse, self.sums2 * inverse
        self.radius = self._radius()
        self.noise = self.radius * 4

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
            "error": _rounding(d - self.truth, np.abs(_floats(self.truth)) * 2.0**-100),
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

    def _radius(self) -> Floats:
        """The radius of E1, and so of the differences it stands in."""
        radii = np.fromiter((float(b.rad()) for b in self.e1.ravel().tolist()), np.float64, self.e1.size)
        return np.clip(radii.reshape(self.e1.shape), 1e-300, 1e270)  # NaN stays: no part is known there

    def too_coarse(self, parts: dict[str, Floats]) -> Any:
        """Steps at which some scheme's parts are not known to 2^-58 of the largest part."""
        with np.errstate(all="ignore"):
            largest = np.fmax.reduce([np.abs(parts[name]) for name in PARTS])
            return ((self.radius > largest * 2.0**-KNOWN_BITS) & (self.radius > 1e-299)).any(axis=0)

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
                e3[row] = (
                    sum(fraction_ball(c) * y for c, y in zip(coefficients, values, strict=True)) * inverse
                )
            else:
                equal[row] = same
                e3[row, ~same] = self.sums2[row, ~same] * inverse[~same]
        return e3, equal, usable

    def _divisors(self, scheme: Scheme, divisor: Any) -> tuple[Balls, Any, Any]:
        """Inverse of the divisor as rounded in the format, where it is exact, where it is usable."""
        fine = np.isfinite(divisor) & (divisor != 0)
        rounded = to_balls(np.where(fine, divisor, 1))
        exact = self.powers[scheme.stencil.derivative]
        if scheme.variant != "float" and scheme.stencil.denominator != 1:
            exact = exact * scheme.stencil.denominator
        return 1 / rounded, map_balls(arb.is_zero, exact - rounded), fine

    def _all_nodes(self, flags: Any) -> Any:
        """Per scheme and step: does it hold at all of the scheme's nodes?"""
        return np.stack([flags[index].all(axis=0) for index in self.data.index])


def _node_bits(data: Sampled, members: Any) -> Any:
    """Working precision for f at the rounded nodes, per step."""
    order = max(s.stencil.derivative for s in data.schemes)
    depth = np.log2(data.scale) - np.log2(data.h[members].astype(np.longdouble)).astype(np.float64)
    bits = NODE_BITS + data.fmt.precision + max(order - 1, 0) * np.maximum(depth, 0)
    return np.ceil(bits / BAND_BITS).astype(int) * BAND_BITS


def _at_rounded_nodes(f: Program, data: Sampled, members: Any, needed: Any) -> Balls:
    """f at the nodes as rounded in the format, as balls."""
    nodes = to_balls(data.nodes[:, members])
    values = np.empty(nodes.shape, dtype=object)
    for bits in np.unique(needed).tolist():
        band = needed == bits
        found = evaluate_nodes(f, nodes[:, band], data.offsets, bits)
        trusted, work = bits - NODE_BITS + TRUSTED_BITS, bits
        while work < MAX_BITS and _least_accuracy(found) < trusted:
            work = 2 * work + 128
            found = evaluate_nodes(f, nodes[:, band], data.offsets, work)
        values[:, band] = found
    return values


def _least_accuracy(balls: Balls) -> int:
    """Relative accuracy of the worst ball, those aside that no precision makes better: no number, 0."""
    usable = [b for b in balls.ravel().tolist() if b.is_finite()]
    return min((b.rel_accuracy_bits() for b in usable), default=MAX_BITS)


def _floats(values: Balls) -> Floats:
    """Midpoints rounded to nearest."""
    return np.fromiter(map(float, values.ravel().tolist()), np.float64, values.size).reshape(values.shape)


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


def split_exactly(f: Program, data: Sampled, row: int, step: int, bits: int = 2048) -> dict[str, Fraction]:
    """One row as rational numbers: error, the five parts, and their residual (exactly 0).

    The truth, E0 and E1 are the midpoints of balls of ``bits`` bits; everything else is exact.
    """
    scheme, fmt = data.schemes[row], data.fmt
    stencil = scheme.stencil
    index = data.index[row]
    x, h = _fraction(data.x), _fraction(data.h[step])
    with working_precision(bits):
        truth = _midpoint(derivative_balls(f, data.x, [stencil.derivative], bits)[stencil.derivative])
        exact = np.array([fraction_ball(x + s * h) for s in stencil.offsets], dtype=object)
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
