"""What is known of a function near a point: pairs of values at x - h and x + h, and how noisy they are.

* :class:`Pair`: one step h with the odd part D (a difference quotient) and the even part E.
* :class:`Noise`: the model of the noise of one value, from which every interval is built.
* :class:`Probe`: asks for values (by yielding nodes), keeps them, and knows where the domain ends.

A one-sided pair (``order`` 1) has one moving node and no even part; everything built on pairs is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any

#: What the estimator's generators do: yield nodes, receive their values, return something.
Asking = Generator[tuple[Any, ...], tuple[Any, ...], Any]

ROOT_2 = math.sqrt(2.0)
K = 5.0  # half width of an interval in noise bounds of one value
LARGEST = 1e300  # steps beyond it are not taken
NOMINAL = 1e-12  # a step that the nodes have up to this is taken for what it was meant to be
FEW_BITS = 2.0**-12  # unit roundoff from which terms inside f may not change at all over the first steps
NARROW = 2.0**-24  # ... from which they may not change up to where the rest of f bends
SHORT = (8, 11, 24)  # significant bits that values computed in a coarser format have
CAP = 60  # function values, x itself included


class Exhausted(Exception):
    """The evaluations are used up; the best answer so far counts."""


class Pair:
    """Values at one step of one point.

    Attributes
    ----------
    h : float
        The step as the nodes have it.
    w : float
        The noise of ``d`` is that of one value divided by w: sqrt(2) h, or h / sqrt(2) for one side.
    d : float
        The difference quotient.
    e : float
        The even part ((f+ - f0) + (f- - f0)) / 2; 0 for one side.
    df : float
        The largest change from f0.
    size : float
        The largest value.
    """

    __slots__ = ("d", "df", "e", "flat", "h", "order", "size", "w")

    def __init__(self, h: Any, width: Any, f0: Any, upper: Any, lower: Any, order: int) -> None:
        up, down = upper - f0, lower - f0
        self.h, self.order = h, order
        self.w = h * (ROOT_2 if order == 2 else 1 / ROOT_2)
        self.d = (upper - lower) / width
        self.e = 0.5 * (up + down) if order == 2 else 0.0
        self.df = max(abs(up), abs(down))
        self.size = max(abs(upper), abs(lower), abs(f0))
        self.flat = self.df == 0.0

    @property
    def slope(self) -> Any:
        """The largest change over the step, divided by the step."""
        return self.df / self.h


class Noise:
    """The noise of one function value near x: unit roundoff times value, plus what was found to be added.

    Attributes
    ----------
    u : float
        Unit roundoff of the values: the format's, or a coarser one that all values were seen to have.
    added : float
        Noise beyond rounding, found because values are irreproducible at nearby nodes.
    seen : bool
        Whether either was found.
    grain : float
        The power of two of which all values are multiples, where terms above the result were rounded; or 0.
    """

    def __init__(self, u: float, x: Any) -> None:
        self.u, self.added, self.reference, self.grain = u, 0.0, 0.0, 0.0
        self.seen = False
        self._argument = 0.5 * abs(x)

    def add(self, amount: float, pair: Pair) -> None:
        """Noise of this size was seen at a pair."""
        self.added, self.reference, self.seen = amount, pair.size, True

    def coarsen(self, u: float) -> None:
        """The values are those of a coarser format."""
        if u > self.u:
            self.u, self.seen = u, True

    def value(self, pair: Pair) -> float:
        """Noise of one value, rounding of the argument not counted."""
        added = self.added
        if added and added < 1e-3 * self.reference:  # relative to the values, as in a coarser format
            added *= max(1.0, pair.size / self.reference)
        return max(self.u * pair.size, 0.5 * self.grain) + added

    def total(self, pair: Pair) -> float:
        """... with the rounding of an argument inside f, such as that of 1e6 x: u |x| / 2 times the slope."""
        return self.value(pair) + self.u * self._argument * (pair.df / pair.h)

    def interval(self, pair: Pair) -> float:
        """Half width of the interval that D stands for, truncation not counted."""
        return K * self.total(pair) / pair.w

    def most(self, pair: Pair) -> float:
        """How far D is off at most, if every value is off by its noise at most."""
        return ROOT_2 * self.total(pair) / pair.w


class Probe:
    """The function near x, as far as it was asked.

    Attributes
    ----------
    pairs : dict
        Pairs of the current order and side, by step.
    limit : float
        The smallest step at which a value was not finite; inf if none.
    evaluations : int
    """

    def __init__(self, x: Any, u: float, round_: Callable[[Any], Any], values: dict[Any, Any]) -> None:
        self.x, self.u, self.round = x, u, round_
        self.values = values  # node -> value, shared by all sides
        self.asked: set[Any] = set()  # the nodes of them that were wanted until now
        self.sign = -1.0 if x < 0 else 1.0
        magnitude = abs(float(x))
        self.scale = math.ldexp(1.0, math.frexp(magnitude)[1] - 1) if magnitude > 1e-280 else 1.0
        self.bits = round(-math.log2(u))
        self.fresh = 0
        self.known: dict[int, dict[float, Pair | None]] = {}
        self.bad = [math.inf, math.inf]  # the smallest step without a value, left and right
        self.turn(0)

    def turn(self, side: int) -> None:
        """Look to both sides (0), to the right (1) or to the left (-1)."""
        self.side, self.order = side, 2 if side == 0 else 1
        self.pairs = self.known.setdefault(side, {})

    @property
    def evaluations(self) -> int:
        return len(self.values)

    @property
    def seen(self) -> list[Any]:
        """The values that were wanted until now, whether they had to be asked for or not."""
        return [self.values[n] for n in self.asked if n in self.values]

    @property
    def limit(self) -> float:
        left, right = self.bad
        return min(self.bad) if self.side == 0 else right if self.side > 0 else left

    @property
    def sound(self) -> list[Pair]:
        """The pairs that have values, by step."""
        return [p for _, p in sorted(self.pairs.items()) if p is not None]

    def nodes(self, h: float) -> tuple[Any, Any]:
        """The nodes of a step, left and right; the one away from zero decides, so that both are exact."""
        outer = self.round(self.x + self.sign * h)
        inner = self.round(self.x - (outer - self.x))
        return (inner, outer) if self.sign > 0 else (outer, inner)

    def ask(self, *nodes: Any) -> Asking:
        """Values at nodes; what is known is not asked for again."""
        self.asked.update(nodes)
        missing = tuple(n for n in dict.fromkeys(nodes) if n not in self.values)
        if missing:
            if len(self.values) + len(missing) > CAP:
                raise Exhausted
            self.values.update(zip(missing, (yield missing), strict=True))
        return [self.values[n] for n in nodes]

    def pair(self, h: float, exact: bool = False) -> Asking:
        """The pair at about h (6 bits are kept), or None where a value is not finite."""
        if not 0 < h < LARGEST:
            return None
        if not exact:
            h = snapped(h)
        if h in self.pairs:
            return self.pairs[h]
        left, right = self.nodes(h)
        if not math.isfinite(right - left):
            self.bad = [min(b, h) for b in self.bad]
            self.pairs[h] = None
            return None
        f0 = self.values[self.x]
        if self.side == 0:
            lower, upper = yield from self.ask(left, right)
        elif self.side > 0:
            left, lower, (upper,) = self.x, f0, (yield from self.ask(right))
        else:
            right, upper, (lower,) = self.x, f0, (yield from self.ask(left))
        return self._keep(h, left, right, lower, upper, f0)

    def _keep(self, h: float, left: Any, right: Any, lower: Any, upper: Any, f0: Any) -> Pair | None:
        width = right - left
        step = float(width) / self.order
        if abs(step - h) <= NOMINAL * h:
            step = h
        for i, value in enumerate((lower, upper)):
            if not math.isfinite(value):
                self.bad[i] = min(self.bad[i], step)
        pair = None
        if step > 0 and math.isfinite(lower) and math.isfinite(upper) and math.isfinite(upper - lower):
            pair = Pair(step, width, f0, upper, lower, self.order)
            if not math.isfinite(pair.d):
                pair = None
        self.pairs[h] = pair
        return pair


def short_unit(probe: Probe) -> float:
    """Unit roundoff of the coarsest format that holds all values, if that is coarser than their own."""
    f0 = float(probe.values[probe.x])
    if probe.bits > SHORT[-1] and math.isfinite(f0) and not _fits(f0, SHORT[-1]):
        return 0.0  # the usual case, in short
    values = {float(v) for v in probe.seen if math.isfinite(v)}
    if len(values) < 3 or probe.x == 0:
        return 0.0
    for bits in SHORT:
        if probe.bits > 11 and bits < probe.bits and all(_fits(v, bits) for v in values):
            return 2.0**-bits
    return 0.0


def grain(probe: Probe) -> float:
    """The power of two of which all values are multiples, if rounding of larger terms inside f is why.

    Exact arithmetic on nodes of few bits gives zero bits as well, but as many as the node has: the last bits
    then lie apart.
    """
    f0 = float(probe.values[probe.x])
    unit = math.ldexp(1.0, math.frexp(f0)[1] - probe.bits + spare_bits(len(probe.asked)))
    if unit and math.isfinite(f0) and f0 % unit:
        return 0.0  # the usual case, in short: the unit below is a multiple of this one
    return grain_of(probe.seen, probe.bits)


def grain_of(seen: list[Any], bits: int) -> float:
    """... of these values, in so many significant bits."""
    values = {abs(float(v)) for v in seen if v and math.isfinite(v)}
    if len(values) < 5 or bits > 53:
        return 0.0
    unit = math.ldexp(1.0, math.frexp(max(values))[1] - bits + spare_bits(len(values)))
    if not unit or any(v % unit for v in values):
        return 0.0
    last = [last_bit(v) for v in values]
    least = min(last)
    return math.ldexp(1.0, least) if 2 * sum(k <= least + 2 for k in last) >= len(values) else 0.0


def spare_bits(count: int) -> int:
    """How many zero bits at the end of so many values are no chance: once in 2^20 times they would be."""
    return -(-20 // count)


def last_bit(value: float) -> int:
    """The exponent of the last bit that is set."""
    mantissa, exponent = math.frexp(value)
    whole = int(math.ldexp(mantissa, 64))
    return exponent - 64 + (whole & -whole).bit_length() - 1


def _fits(value: float, bits: int) -> bool:
    return math.ldexp(math.frexp(value)[0], bits).is_integer()


def snapped(h: float) -> float:
    """h to 6 significant bits, so that x + h is exact wherever h is not far below x."""
    mantissa, exponent = math.frexp(h)
    return math.ldexp(round(mantissa * 64), exponent - 6)


def rounder(precision: int, min_exponent: int, largest: float) -> Callable[[Any], Any]:
    """Rounding of Python floats to a format narrower than float64, to nearest even."""
    least = min_exponent - precision + 1

    def rounded(value: float) -> float:
        if not abs(value) <= largest:
            return math.copysign(math.inf, value)
        mantissa, exponent = math.frexp(value)
        shift = max(exponent - precision, least)
        result = math.ldexp(round(math.ldexp(mantissa, exponent - shift)), shift)
        return result if abs(result) <= largest else math.copysign(math.inf, value)

    return rounded
