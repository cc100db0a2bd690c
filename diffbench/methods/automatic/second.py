"""The second derivative: the climb of the first, then growth of the even part.

The climb says how noisy values are, where f' bends and what stands at x (a kink, a jump of f'', a plateau).
The even part has a climb of its own over the same pairs, as a large slope hides from D what E shows, and
bends where f'' does. It begins growth at larger steps than f', because noise is divided by h^2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from diffbench.methods.automatic.climb import Climb, Landscape, between
from diffbench.methods.automatic.curvature import Bows, contradicted, curved
from diffbench.methods.automatic.engine import (
    FAR,
    FLAT,
    INFINITE,
    ISOLATED,
    KINK,
    OUTSIDE,
    STEPS,
    UNRESOLVED,
    Answer,
    Result,
    surveyed,
)
from diffbench.methods.automatic.operations import FLOATS
from diffbench.methods.automatic.pairs import FEW_BITS, Asking, Exhausted, Noise, Pair, Probe, snapped
from diffbench.methods.automatic.rules import (
    WINDOW,
    aligned,
    first_order,
    patience,
    sudden,
    wants_restart,
)
from diffbench.methods.automatic.tableau import Fit, Tableau, conflict

FIRST, LAST = 0.02, 0.5  # growth runs from FIRST L in clean float64, from about LAST L in much noise
BEND = 0.3  # a relative change of f'' from which its length cannot be told
BENT = 0.5  # f'' has changed by this share: the length of the function is reached
ENOUGH = 1e5  # the bound, in unit roundoffs of the value, at which to stop when noise is most of it
VANISHES = 160.0  # the bound, in unit roundoffs of the changes of f, of a derivative that is 0 beside them


class Bowing:
    """Growth of the even part on both sides of x, or of forward values on one."""

    def __init__(self, probe: Probe, noise: Noise, landscape: Landscape) -> None:
        self.probe, self.noise, self.landscape = probe, noise, landscape
        self.unit = 2.0 ** math.frexp(landscape.base.h)[1]
        self.best: Fit | None = None
        self.first_order = False  # D grows like h: f'' jumps at x
        self.rejected = math.inf
        self.length = landscape.length

    def run(self) -> Asking:
        """The best fit in units of 1 / unit^2, or None if no step was good enough."""
        smallest = self.probe.sound[0].h
        try:
            start = yield from self._start()
            for _ in range(6):
                yield from self._outwards(max(start, smallest))
                yield from self._inwards()
                if self.best is not None and not wants_restart(self.best):
                    break
                lowest = min(self.rejected, self.probe.limit, start)
                start = max(lowest / 64 if self.best is None else start / 16, smallest)
                if lowest <= 2 * smallest:
                    break
        except Exhausted:
            pass
        if self.best is not None:
            self.first_order = self._first_order(self.best.nodes[0])
        return self.best

    # -- where to begin ------------------------------------------------------------------------------

    def _start(self) -> Asking:
        """The first step of the growth; the length is that over which f'' changes, where that is seen."""
        base = self.landscape.base
        if base.order == 2:
            low, own = yield from self._even_length()
            if own is not None:
                self.length = own
            elif low is not None and abs(low.d) > 3 * self.noise.interval(low):  # it has not changed there
                self.length = max(self.length or 0.0, low.h)
        if self.length is None:
            return base.h / 4
        return self._first_step(self.length)

    def _first_step(self, length: float) -> float:
        """So far below L that truncation at the last nodes meets noise at the first."""
        base = self.landscape.base
        steepest = max(abs(base.d), base.df / base.h, 1e-300)
        relative = min(max(self.noise.value(base) / (length * steepest), 0.1 * self.noise.u), 1e-2)
        exponent = min(1.0, math.log(relative) / math.log(1e-16))
        return float(LAST * length * (FIRST / LAST) ** exponent)

    def _even_length(self) -> Asking:
        """The largest pair whose E / t meets all smaller intervals, and the length over which f'' changes.

        None where no pair departs from the smaller ones.
        """
        low, high = self._departs()
        for _ in range(8):
            if high is None or low is None:
                break
            if not self._noisy(low, high):
                if high.h < 3 * low.h or self._change(low, high) < BEND:
                    break
                yield from self.probe.pair(between(low.h, high.h))
            low, high = self._departs()
        if high is None or low is None:
            return low, None
        return low, float(high.h / math.sqrt(12 * max(self._change(low, high), 1e-12)))

    def _noisy(self, low: Pair, high: Pair) -> bool:
        """Whether a pair departs because E is noise at `low`, which is then added: it does not grow."""
        size, other = (abs(p.d) * p.w for p in (low, high))
        grown = (high.h / low.h) ** 0.7
        smaller = [p for p in self._curves() if p.h < low.h]
        seen = not smaller or max(abs(p.d) * p.w for p in smaller) > 0.3 * size
        if other > size * grown or not seen:
            return False
        self.noise.add(max(self.noise.added, 2 * size), low)
        return True

    def _curves(self) -> list[Pair]:
        return [curved(p, self.unit) for p in self.probe.sound]

    def _departs(self) -> tuple[Pair | None, Pair | None]:
        """The sharpest pair below the first that departs from a smaller one, and that one."""
        seen: list[Pair] = []
        interval = self.noise.interval
        for pair in self._curves():
            if any(abs(pair.d - p.d) > interval(pair) + interval(p) for p in seen):
                return min(seen, key=interval), pair
            seen.append(pair)
        return (min(seen, key=interval) if seen else None), None

    def _change(self, low: Pair, high: Pair) -> float:
        size = max(abs(low.d), 0.5 * abs(high.d))
        return abs(high.d - low.d) / size if size > 0 else 0.0

    # -- growth --------------------------------------------------------------------------------------

    def _outwards(self, start: float) -> Asking:
        """Add nodes upwards from a step until one more cannot pay."""
        probe, noise = self.probe, self.noise
        nodes: list[Pair] = []
        h, no_gain = self._near(start), 0
        best: Fit | None = None
        for n in range(40):
            if h * 2.0**n >= min(probe.limit, self.rejected):
                break
            pair = yield from probe.pair(h * 2.0**n, exact=True)
            if pair is None:
                break
            if pair.flat or (nodes and pair.h < 1.2 * nodes[-1].h):
                continue
            if any(self._bent(p, pair) for p in nodes):
                break
            nodes = [*nodes, pair][-WINDOW:]
            if len(nodes) < 3:
                continue
            fit = self._fit(nodes)
            if fit is None:
                self.rejected = pair.h
                break
            if best is None or fit.bound < best.bound:
                best, no_gain = fit, 0
            else:
                no_gain += 1
            if no_gain >= patience(len(nodes)) or self._enough(best):
                break
        if best is None and len(nodes) in (1, 2) and (nodes[0].order == 2 or len(nodes) == 2):
            best = self._fit(nodes)
            if best is None:
                self.rejected = min(self.rejected, nodes[-1].h)
        if best is not None and (self.best is None or best.bound < self.best.bound):
            self.best = best

    def _fit(self, nodes: list[Pair]) -> Fit | None:
        """Both parts of the nodes, or None if smaller ones contradict either."""
        bows, slopes = Bows(self.unit), Tableau()
        below = [p for p in self.probe.sound if p.h < nodes[0].h]
        curves = [curved(p, self.unit) for p in below]
        for pair in nodes:
            bows.add(curved(pair, self.unit))
            slopes.add(pair)
            fit, odd = bows.fit(self.noise, curves) if self._able(bows) else None, None
        odd = slopes.fit(self.noise, below)
        if fit is None or conflict(odd, self.noise) or contradicted(fit, self.noise):
            return None
        return replace(fit, slope=fit.slope * min(1.0, fit.h / max(self._reach(), fit.h)))

    def _reach(self) -> float:
        """The length over which changes of f are the scale of f'': beside those of tiny steps all is 0."""
        return self.length if self.length is not None else self.probe.scale if self.probe.x else 0.0

    def _able(self, bows: Bows) -> bool:
        return len(bows.nodes) > 2 - bows.nodes[0].order

    def _bent(self, lower: Pair, pair: Pair) -> bool:
        """Whether f'' (D, for one side) has changed by half, noise apart: the length is reached."""
        low, high = curved(lower, self.unit), curved(pair, self.unit)
        known = self.noise.interval(low) + self.noise.interval(high)
        return abs(high.d - low.d) > BENT * max(abs(low.d), abs(high.d)) + known

    def _enough(self, fit: Fit) -> bool:
        value, u = abs(fit.value), self.noise.u
        settled = fit.noise > fit.truncation > 0.1 * fit.noise * 0.25**fit.used
        zero = value <= fit.bound <= VANISHES * u * fit.slope
        return (fit.bound <= ENOUGH * u * value and settled) or zero

    def _inwards(self) -> Asking:
        """Nodes below the lowest one, where truncation is what limits the best fit."""
        for _ in range(4):
            best = self.best
            if best is None or best.truncation < 2 * best.noise:
                return
            if best.bound <= ENOUGH * self.noise.u * abs(best.value):
                return
            lowest = best.nodes[0]
            pair = yield from self.probe.pair(lowest.h / 2, exact=True)
            if pair is None or pair.flat or pair.h > lowest.h / 1.2:
                return
            known = {p.h: p for p in self.probe.sound}
            fit = self._fit([pair, *(known[p.h] for p in best.nodes)][:WINDOW])
            if fit is None or fit.bound > 0.7 * best.bound:
                return
            self.best = fit

    def _near(self, start: float) -> float:
        """About the start, so that a pair that is already known becomes one of the nodes."""
        known = [p.h for p in self.probe.sound if 0.7 * start <= p.h <= 40 * start]
        return float(aligned(FLOATS, start, min(known))) if known else snapped(start)

    def _first_order(self, low: Pair) -> bool:
        middle, high = (self.probe.pairs.get(low.h * factor) for factor in (2.0, 4.0))
        first = self.probe.pairs.get(low.h)
        if first is None or middle is None or high is None:
            return False
        return bool(first_order([first, middle, high], self.noise))


# -- one point ---------------------------------------------------------------------------------------------


def second_steps(
    x: Any, u: float, round_: Callable[[Any], Any], values: dict[Any, Any] | None = None
) -> Asking:
    """Estimate f''(x), asking for values by yielding nodes; returns a :class:`Result`."""
    probe = Probe(x, u, round_, {} if values is None else values)
    (f0,) = yield from probe.ask(x)
    if not math.isfinite(f0):
        status, reason = ("domain", OUTSIDE) if math.isnan(f0) else ("overflow", INFINITE)
        return Result(math.nan, math.inf, probe.evaluations, status, reason)
    answer = yield from _look(probe)
    if answer.split:
        answer = yield from _both_sides(probe, answer)
    elif answer.fit is None or not _precise(answer.fit, answer.noise.u):
        answer = yield from _open_side(probe, answer)
    return _judged(probe, answer)


def _look(probe: Probe) -> Asking:
    """Climb and grow on the side the probe looks to; the fit is in units of x."""
    answer = yield from surveyed(probe)
    if answer.noise.added and answer.noise.u > probe.u:  # the rounding of a coarser format passed for noise
        answer = yield from surveyed(probe, answer.noise.u)
    landscape = answer.landscape
    if landscape is not None and not answer.split:
        if landscape.plateau is not None:
            answer.fit = _plateau(probe, landscape)
        else:
            yield from _grow(probe, answer)
            if answer.fit is not None and (yield from _sawtooth(probe, answer)):
                yield from _grow(probe, answer)
    answer.side, answer.pairs = probe.side, probe.sound
    return answer


def _grow(probe: Probe, answer: Answer) -> Asking:
    """Fit and split of an answer, from its landscape."""
    assert answer.landscape is not None
    growth = Bowing(probe, answer.noise, answer.landscape)
    fit = yield from growth.run()
    answer.fit = None if fit is None else _unscaled(fit, growth.unit, -1.0 if probe.side < 0 else 1.0)
    answer.split = "first order" if growth.first_order else ""


def _sawtooth(probe: Probe, answer: Answer) -> Asking:
    """Whether D turns at once beyond the fit because a term inside f moves in steps: noise, and a new climb."""
    fit, noise = answer.fit, answer.noise
    assert fit is not None
    pairs = probe.sound
    lower = [p for p in pairs if p.h < fit.top.h / 1.2]
    upper = [p for p in pairs if p.h > fit.top.h * 1.2]
    top = next((p for p in pairs if p.h == fit.top.h), None)
    if top is None or not lower or not upper or not sudden(lower[-1], top, upper[0], noise):
        return False
    climb = Climb(probe, noise)
    height = abs(upper[0].d - top.d) * upper[0].w
    try:
        far = yield from probe.pair(64 * upper[0].h)
        if far is None or abs(far.d) * far.w < 3 * height:  # a pole, a wave: f levels off beyond
            return False
        if not (yield from climb._teeth(top, upper[0])):
            return False
        landscape = yield from climb.run()
    except Exhausted:
        return False
    if landscape is None or landscape.plateau is not None:
        return False
    answer.landscape, answer.notes = landscape, [*answer.notes, *climb.notes]
    return True


def _unscaled(fit: Fit, unit: float, sign: float = 1.0) -> Fit:
    """The fit in units of x; D from the left falls where f'' is positive."""
    names = ("bound", "noise", "truncation", "slope")
    return replace(
        fit, value=sign * fit.value / unit / unit, **{n: getattr(fit, n) / unit / unit for n in names}
    )


def _precise(fit: Fit, u: float) -> bool:
    """Whether the bound says something: a second difference can promise the root of the noise."""
    vanishes = abs(fit.value) <= fit.bound <= max(1e-6, 16 * u) * fit.slope
    return bool(fit.bound <= max(1e-3, min(0.3, 16 * math.sqrt(u))) * abs(fit.value) or vanishes)


def _plateau(probe: Probe, landscape: Landscape) -> Fit:
    """Flat: 0, up to a curvature that f rounds away over |x|, or over the plateau."""
    flat = landscape.plateau
    assert flat is not None
    reach = min(flat.h, probe.scale)
    bound = 4 * probe.u * flat.size / reach / reach
    if landscape.beyond is not None:
        bound = max(bound, 2 * landscape.beyond.df / flat.h / flat.h)
    elif probe.u >= FEW_BITS:
        bound = max([bound, *(2 * p.df / p.h / p.h for p in probe.sound if p.h > flat.h)])
    return Fit(0.0 * flat.d, bound, bound, 0.0, 1, flat.h, 0.0, [flat])


def _both_sides(probe: Probe, central: Answer) -> Asking:
    """f'' from the right and from the left, where a kink or a jump of f'' stands at x."""
    sides = []
    for side in (1, -1):
        probe.turn(side)
        sides.append((yield from _look(probe)))
    probe.turn(0)
    right, left = sides
    reason = KINK_TWICE if central.split == "kink" else JUMP
    if right.fit is None or left.fit is None:
        if central.fit is None and central.landscape is not None:
            growth = Bowing(probe, central.noise, central.landscape)
            fit = yield from growth.run()
            central.fit = None if fit is None else _unscaled(fit, growth.unit)
            central.pairs = probe.sound
        central.low = reason
        return central
    gap = abs(right.fit.value - left.fit.value)
    bound = right.fit.bound + left.fit.bound
    middle = 0.5 * (right.fit.value + left.fit.value)
    if central.split == "kink":
        bound = math.inf
    elif gap <= bound and central.fit is not None:
        return replace(central, fit=replace(central.fit, bound=max(central.fit.bound, bound)))
    fit = replace(right.fit, value=middle, bound=0.5 * (gap + bound))
    return replace(right, fit=fit, low=reason, sides=(left.fit.value, right.fit.value), side=0)


def _open_side(probe: Probe, answer: Answer) -> Asking:
    """The side on which the domain goes on, where the other one ends near x."""
    left, right = probe.bad
    if left == right:
        return answer
    probe.turn(1 if left < right else -1)
    other = yield from _look(probe)
    probe.turn(0)
    if other.fit is None or (answer.fit is not None and not _precise(other.fit, other.noise.u)):
        return answer
    other.notes.append("from one side: the domain ends near x")
    if answer.fit is None:
        return other
    if abs(other.fit.value - answer.fit.value) > other.fit.bound + answer.fit.bound:
        answer.low = "values to one side and to both sides of x disagree"
        return answer
    return other if other.fit.bound < answer.fit.bound else answer


# -- what to believe ---------------------------------------------------------------------------------------


def _judged(probe: Probe, answer: Answer) -> Result:
    """What is returned: the fit, and whether to believe it."""
    fit, noise, landscape = answer.fit, answer.noise, answer.landscape
    if fit is None:
        reason = "no step agrees with the smaller ones" if probe.sound else ISOLATED
        status = "low_confidence" if probe.sound else "domain"
        value = 2 * probe.sound[-1].e / probe.sound[-1].h / probe.sound[-1].h if probe.sound else math.nan
        return Result(value, math.inf, probe.evaluations, status, reason)
    answer.scale = probe.scale if probe.x else math.inf
    bound = float(fit.bound)
    low = answer.low or _doubt(answer, fit)
    coarse = noise.u >= FEW_BITS
    if coarse and not answer.flat:
        bound = max(bound, _frozen(answer, fit))
        low = low or ("" if bound <= fit.bound else _doubt(answer, replace(fit, bound=bound)))
    if low:
        bound = max(bound, _seen(answer, fit))
    if low and coarse and _unresolved(answer.pairs, noise):
        bound, low = math.inf, UNRESOLVED
    status = "low_confidence" if low else "ok"
    if not math.isfinite(fit.value):
        status, low = "overflow", "the second derivative is beyond the range of the format"
    left, right = answer.sides
    return Result(
        fit.value,
        bound,
        probe.evaluations,
        status,
        low or "; ".join(dict.fromkeys(answer.notes)),
        float(noise.value(fit.top) * fit.factor),
        fit.value,
        math.nan,
        landscape.length if landscape and landscape.length else math.inf,
        left,
        right,
        fit.top.h,
        answer.side,
        tuple((p.h, p.d, p.e) for p in answer.pairs),
    )


def _seen(answer: Answer, fit: Fit) -> float:
    """How far what was seen is from the fit: everything but the smallest steps, which say nothing of f''.

    In few bits the fit may have gone far beyond the function, and the smallest steps say so by saying nothing.
    """
    interval = answer.noise.interval
    lowest = 0.0 if answer.noise.u >= FEW_BITS else fit.nodes[0].h / 4
    pairs = [p for p in answer.pairs if p.h > lowest]
    seen = [(p.d, interval(p)) for p in (curved(p, 1.0) for p in pairs if p.order == 2)]
    sign = 2.0 if answer.side > 0 else -2.0
    for p, q in itertools.pairwise(p for p in pairs if p.order == 1):
        if q.h > 1.2 * p.h:
            scale = sign / (q.h - p.h)
            seen.append((scale * (q.d - p.d), abs(scale) * (interval(p) + interval(q))))
    return float(max((abs(d - fit.value) + width for d, width in seen), default=0.0))


def _frozen(answer: Answer, fit: Fit) -> float:
    """How far f'' moves at the first step beyond a fit, if it does so without having bent before."""
    curves = [curved(p, 1.0) for p in answer.pairs if p.order == 2]
    top = next((p for p in curves if p.h == fit.top.h), None)
    lower = [p for p in curves if p.h < fit.top.h / 1.2]
    upper = [p for p in curves if p.h > fit.top.h * 1.2]
    if top is None or not lower or not upper or not sudden(lower[-1], top, upper[0], answer.noise):
        return 0.0
    return float(abs(upper[0].d - fit.value))


def _unresolved(pairs: list[Pair], noise: Noise) -> bool:
    """Whether the smallest steps contradict each other."""
    first = pairs[0]
    second = next((p for p in pairs if p.h > 1.2 * first.h), first)
    return abs(second.d - first.d) > noise.interval(first) + noise.interval(second)


def _doubt(answer: Answer, fit: Fit) -> str:
    """Why not to believe a fit, or an empty text."""
    noise, landscape = answer.noise, answer.landscape
    if landscape is not None and answer.flat:
        return STEPS if landscape.sudden else FLAT if noise.u >= FEW_BITS else ""
    if noise.added > 0.15 * max(p.df for p in answer.pairs):
        return "noise is as large as the changes of f: no step can resolve the derivative"
    if noise.added and fit.top.h > FAR * answer.scale:
        return "noise hides all changes of f but those over steps far larger than x"
    return "" if _precise(fit, noise.u) else "the bound is large beside the value"


KINK_TWICE = KINK.partition(":")[0] + ": there is no second derivative"
JUMP = "f'' jumps at x: there is no second derivative, the value is the mean of both sides"
