"""The decisions of the estimator that are formulas: for one point and for arrays of points alike.

* how far the climb may jump, where the function bends (its length), and whether a bend follows the h^2 law;
* where growth begins, when it has gone far enough, and whether to believe the result.
"""

from __future__ import annotations

import math
from typing import Any

from diffbench.methods.automatic.operations import Operations
from diffbench.methods.automatic.pairs import Noise, Pair
from diffbench.methods.automatic.tableau import Fit

GUARD, SECOND = 0.64, 0.42  # the first step is 2^(-0.64 bits) of x, the second 2^(0.42 bits) of that
LAW = {2: (0.6, 1.7), 1: (0.8, 1.3)}  # how well a difference must follow h^2 (h for one side)
QUICK = 0.02  # a difference this small relative to D may be truncation by the h^2 law
REACH = 0.6  # share of the shortest length not yet excluded to which to jump
JUMP = 2.0**14
FIRST, LAST = 0.008, 0.5  # growth runs from FIRST L in clean float64, from about LAST L in much noise
BENT = 0.3  # D has changed by this share of the slope: the length of the function is reached
WINDOW = 6  # nodes in one extrapolation
GAIN = 1.5  # what one more node has to promise: the bound is to fall by this factor
ENOUGH = 3000.0  # the bound, in unit roundoffs of the value, below which truncation may be most of it
TURN = 1.25  # a smooth function turns at most this many times as fast as the bend before it says
VANISHES = 160.0  # the bound, in unit roundoffs of the slope, of a derivative that is 0 beside it


def jump(ops: Operations, high: Pair, width: Any) -> Any:
    """The factor to the next step, such that a bend that was invisible until now will not be overrun."""
    visible = abs(high.d) / width
    reach = REACH * (ops.sqrt(visible) if high.order == 2 else visible)
    return ops.minimum(ops.maximum(reach, 4.0), JUMP)


def bend(ops: Operations, low: Pair, high: Pair) -> tuple[Any, Any]:
    """How much D changes between two steps, absolutely and relative to D."""
    difference = abs(high.d - low.d)
    size = ops.maximum(ops.maximum(abs(low.d), 0.5 * abs(high.d)), 1e-300)
    return difference, difference / size


def length_at(ops: Operations, pair: Pair, tau: Any) -> Any:
    """Where a truncation error of relative size tau at h would be of the size of the derivative."""
    some = ops.maximum(tau, 1e-300)
    return pair.h / (ops.sqrt(6 * some) if pair.order == 2 else 2 * some)


def confirming_step(ops: Operations, step: Any, high: Pair) -> Any:
    """A growth node far enough from `high` to tell the h^2 law, and from which doubling leads to it."""
    lower = ops.minimum(aligned(ops, step, high.h), 0.5 * high.h)
    return ops.where(high.h > 0.7 * step, lower, ops.where(high.h > 0.4 * step, 2.0 * high.h, step))


def power_law(ops: Operations, low: Pair, high: Pair, pair: Pair) -> tuple[Any, Any, Any]:
    """The length, whether the difference grows like h^2 (h for one side), and whether like h instead."""
    difference, tau = bend(ops, low, high)
    found, other = bend(ops, low, pair)
    ratio = pair.h / high.h
    growth = found / difference
    least, most = LAW[high.order]
    linear = (growth / ratio > 0.8) & (growth / ratio < 1.25) & (high.order == 2)
    law = growth / (ratio * ratio if high.order == 2 else ratio)
    lawful = (least < law) & (law < most)
    sizes = length_at(ops, pair, other), length_at(ops, high, tau)
    return ops.where(pair.h > high.h, *sizes), lawful, linear


def first_step(ops: Operations, length: Any, base: Pair, noise: Noise, first: float = FIRST) -> Any:
    """Where growth begins: so far below L that truncation at the last nodes meets noise at the first.

    That is ``first`` L in clean float64.
    """
    steepest = ops.maximum(ops.maximum(abs(base.d), base.slope), 1e-300)
    relative = noise.value(base) / (length * steepest)
    relative = ops.minimum(ops.maximum(relative, 0.1 * noise.u), 1e-2)
    exponent = ops.minimum(1.0, ops.log(relative) / math.log(1e-16))
    return LAST * length * ops.power(first / LAST, exponent)


def aligned(ops: Operations, step: Any, known: Any) -> Any:
    """About the step: a known one times a power of two, so that doubling leads from one to the other."""
    return known * ops.power(2.0, ops.rint(ops.log(step / known) / math.log(2.0)))


def bent(ops: Operations, lowest: Pair, pair: Pair) -> Any:
    """Whether D has changed by much of the slope: the length of the function is reached."""
    return abs(pair.d - lowest.d) > BENT * ops.maximum(abs(lowest.d), pair.slope)


def first_order(nodes: list[Pair], noise: Noise) -> Any:
    """Whether D grows like h over three doubled nodes instead of like h^2."""
    low, middle, high = nodes
    once, twice = middle.d - low.d, high.d - middle.d
    seen = abs(once) > 3 * (noise.total(low) / low.w + noise.total(middle) / middle.w)
    return (low.order == 2) & seen & (abs(twice - 2 * once) < 0.5 * abs(once))


def kinked(low: Pair, high: Pair, noise: Noise) -> Any:
    """Whether the even part grew like h, not like h^2, between two nodes of a growth two doublings apart."""
    seen = (abs(low.e) > 10 * noise.total(low)) & (abs(high.e) > 10 * noise.total(high))
    once, again = low.e * high.h, high.e * low.h
    return seen & (once * again > 0) & (abs(again) < 2 * abs(once)) & (abs(once) < 2 * abs(again))


def sudden(low: Pair, middle: Pair, high: Pair, noise: Noise) -> bool:
    """Whether D turns between two steps (of one point) more than the smaller ones let expect."""
    power = middle.order
    growth = (high.h**power - middle.h**power) / (middle.h**power - low.h**power)
    unseen = noise.most(low) + noise.most(middle)
    slow = max(unseen, 2 * abs(middle.d - low.d))
    return bool(abs(high.d - middle.d) > TURN * growth * slow + noise.interval(high))


def enough(fit: Fit, u: float, slope: Any) -> Any:
    """Whether one more node cannot pay: by what is known it would not lower the bound by much.

    Where f' is 0 beside the slope of f, a bound of the rounding of that slope is enough.
    """
    value = abs(fit.value)
    zero = (value <= fit.bound) & (fit.bound <= VANISHES * u * slope)
    return (fit.bound < GAIN * fit.promise) | zero


def wants_inner_nodes(fit: Fit, u: float) -> Any:
    """Whether truncation limits a fit, which a node below the lowest would mend."""
    return (fit.truncation >= 2 * fit.noise) & (fit.bound > ENOUGH * u * abs(fit.value))


def wants_restart(fit: Fit) -> Any:
    """Whether growth began too high to say anything precise."""
    return (fit.bound > 1e-6 * abs(fit.value)) & (fit.truncation > 10 * fit.noise)


def precise(fit: Fit, u: float) -> Any:
    """Whether the bound says something: small beside the value, or the value is 0 beside the slope of f."""
    size = abs(fit.value)
    vanishes = (size <= fit.bound) & (fit.bound <= max(1e-6, 16 * u) * fit.slope)
    return (fit.bound <= max(1e-3, 16 * u ** (2 / 3)) * size) | vanishes
