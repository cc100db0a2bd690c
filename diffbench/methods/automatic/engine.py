"""The estimator: climb, grow, and say how much to believe; one generator that yields nodes.

``steps(x, u, round, values)`` asks for values by yielding tuples of nodes and is sent their values; it
returns a :class:`Result`. :mod:`diffbench.methods.automatic.drive` feeds one, or many in lock step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from diffbench.methods.automatic.climb import Climb, Landscape
from diffbench.methods.automatic.frozen import departure, look_beyond
from diffbench.methods.automatic.grow import Growth
from diffbench.methods.automatic.pairs import (
    FEW_BITS,
    NARROW,
    Asking,
    Exhausted,
    Noise,
    Pair,
    Probe,
    grain,
    short_unit,
)
from diffbench.methods.automatic.rules import kinked, precise
from diffbench.methods.automatic.tableau import Fit

LARGE, STEEPER = 0.3, 1.4  # changes of f beside f, and slopes beside those over larger steps
FAR = 2.0**12  # of |x|: noise averaged out over larger steps says nothing of the slope at x


@dataclass(frozen=True)
class Result:
    """A derivative, how far it can be off, and why it should not be believed, if so.

    Attributes
    ----------
    value : float
    bound : float
        ``|value - f'(x)| <= bound``, except where the status says otherwise.
    evaluations : int
    status : str
        ``ok``, ``low_confidence``, or ``domain``: no finite values near x.
    reason : str
        Why the status is not ``ok``; notes otherwise.
    noise : float
        Noise of one function value near x, absolute.
    second, third : float
        f'' and f''' as the same nodes have them; NaN where they were not seen.
    length : float
        The length over which f' changes by its own size; inf if that was not seen.
    left, right : float
        One-sided derivatives where they differ.
    side : int
        0, or 1 and -1 if only values to the right or to the left of x were used.
    pairs : tuple of (h, D, E)
        Every pair of values, by step.
    """

    value: Any
    bound: float
    evaluations: int
    status: str = "ok"
    reason: str = ""
    noise: float = 0.0
    second: Any = math.nan
    third: Any = math.nan
    length: float = math.inf
    left: Any = math.nan
    right: Any = math.nan
    h: float = math.nan
    side: int = 0
    pairs: tuple[tuple[float, Any, Any], ...] = field(default=(), repr=False)


@dataclass
class Answer:
    """What one side, or both, has to say."""

    fit: Fit | None
    noise: Noise
    landscape: Landscape | None
    notes: list[str]
    low: str = ""
    side: int = 0
    split: str = ""  # "kink" or "first order": both sides have to be looked at on their own
    sides: tuple[Any, Any] = (math.nan, math.nan)
    pairs: list[Pair] = field(default_factory=list)
    scale: float = math.inf  # the power of two below |x|

    @property
    def flat(self) -> bool:
        return self.landscape is not None and self.landscape.plateau is not None


def steps(x: Any, u: float, round_: Callable[[Any], Any], values: dict[Any, Any] | None = None) -> Asking:
    """Estimate f'(x), asking for values by yielding nodes."""
    probe = Probe(x, u, round_, {} if values is None else values)
    try:
        (f0,) = yield from probe.ask(x)
    except Exhausted:  # pragma: no cover
        f0 = math.nan
    if not math.isfinite(f0):
        status, reason = ("domain", OUTSIDE) if math.isnan(f0) else ("overflow", INFINITE)
        return Result(math.nan, math.inf, probe.evaluations, status, reason)
    answer = yield from _look(probe)
    answer.pairs = probe.sound
    if answer.split:
        answer = yield from _both_sides(probe, answer)
    elif answer.fit is None or _at_an_edge(probe, answer.fit):
        answer = yield from _open_side(probe, answer)
    if answer.fit is not None and answer.side == 0 and not answer.flat:
        yield from look_beyond(probe, answer.fit, answer.noise)
        answer.pairs = answer.pairs if answer.fit.top.order == 1 else probe.sound
    return _judged(probe, answer)


def _both_sides(probe: Probe, central: Answer) -> Asking:
    """The derivatives from the right and from the left, where a kink or a jump of f'' stands at x."""
    right = yield from _one_side(probe, 1)
    left = yield from _one_side(probe, -1)
    if right.fit is None or left.fit is None:
        central.low = KINK if central.split == "kink" else "f'' seems to jump at x"
        if central.landscape is not None:
            central.fit = yield from Growth(probe, central.noise, central.landscape).run()
            central.pairs = probe.sound
        return central
    gap = abs(right.fit.value - left.fit.value)
    bound = right.fit.bound + left.fit.bound
    if gap <= bound and central.split != "kink":
        best = min((a for a in (right, left) if not a.flat), key=lambda a: a.fit.bound, default=right)
        best.notes.append("f'' jumps at x: from one side")
        if probe.u >= FEW_BITS:  # it may as well be rounding that looks like it
            best.fit = replace(best.fit, bound=best.fit.bound + gap)
        return best
    middle = replace(right.fit, value=0.5 * (right.fit.value + left.fit.value), bound=0.5 * (gap + bound))
    return replace(right, fit=middle, low=KINK, sides=(left.fit.value, right.fit.value), side=0)


def _open_side(probe: Probe, answer: Answer) -> Asking:
    """The side on which the domain goes on, where the other one ends near x."""
    left, right = probe.bad
    if left == right:
        return answer
    other = yield from _one_side(probe, 1 if left < right else -1)
    if other.fit is None or (answer.fit is not None and other.flat):
        return answer
    return of_open_side(answer, other)


def of_open_side(answer: Answer, other: Answer) -> Answer:
    """Which one holds: what both sides say, or the one on which the domain goes on; both have to agree."""
    assert other.fit is not None
    other.notes.append("from one side: the domain ends near x")
    if answer.fit is None:
        return other
    if abs(other.fit.value - answer.fit.value) > other.fit.bound + answer.fit.bound:
        answer.low = "values to one side and to both sides of x disagree"
        return answer
    return other if other.fit.bound < answer.fit.bound else answer


def _one_side(probe: Probe, side: int) -> Asking:
    probe.turn(side)
    answer = yield from _look(probe)
    answer.side = side
    answer.pairs = probe.sound
    probe.turn(0)
    return answer


def _kink(probe: Probe, landscape: Landscape) -> bool:
    """Whether the even part grows like h instead of h^2 from the smallest steps on: the slope jumps at x."""
    noise = Noise(probe.u, float(probe.x))
    base, length = landscape.base, landscape.length
    resolved = abs(base.d) > 3 * noise.interval(base)  # otherwise the length is that of the even part
    limit = 0.5 * length if length and resolved else math.inf
    pairs = [p for p in probe.sound if p.h < limit]
    seen = [p for p in pairs if abs(p.e) > 10 * noise.total(p)]
    if not seen:
        return False
    first, slope = seen[0], seen[0].e / seen[0].h
    hidden = all(abs(slope) * p.h < 20 * noise.total(p) for p in pairs if p.h < first.h)
    second = next((p for p in seen if p.h >= 8 * first.h), None)
    return hidden and second is not None and 0.5 < (second.e / second.h) / slope < 2


def _look(probe: Probe) -> Asking:
    """Climb and grow on the side the probe looks to."""
    answer = yield from surveyed(probe)
    landscape = answer.landscape
    if landscape is None or answer.split:
        return answer
    if landscape.plateau is not None:
        answer.fit = _plateau(probe, landscape)
        return answer
    growth = Growth(probe, answer.noise, landscape)
    answer.fit = yield from growth.run()
    answer.split = "first order" if growth.first_order else ""
    if answer.fit is not None and probe.side == 0 and len(answer.fit.nodes) > 2:
        low, high = answer.fit.nodes[0], answer.fit.top
        answer.split = "kink" if kinked(low, high, answer.noise) else answer.split
    return answer


def surveyed(probe: Probe, u: float = 0.0) -> Asking:
    """Climb on the side the probe looks to: an answer without a fit.

    ``u`` is the unit roundoff of the values where it is known to be coarser than that of the format.
    """
    noise = Noise(max(u, probe.u), float(probe.x))
    notes: list[str] = []
    climb = Climb(probe, noise)
    try:
        landscape = yield from climb.run()
        if climb.short and short_unit(probe) != noise.u:  # later values have more bits
            noise = Noise(probe.u, float(probe.x))
            climb = Climb(probe, noise, believe_short=False)
            landscape = yield from climb.run()
        if landscape is not None and noise.added and noise.added > 0.15 * max(p.df for p in probe.sound):
            noise = Noise(probe.u, float(probe.x))
            climb = Climb(probe, noise, believe_noise=False)
            landscape = yield from climb.run()
        notes = climb.notes
    except Exhausted:
        sound = probe.sound
        landscape = Landscape(sound[0]) if sound else None
    if landscape is None or landscape.plateau is not None:
        return Answer(None, noise, landscape, notes)
    short = short_unit(probe)
    noise.coarsen(short)
    if noise.u > probe.u:
        notes.append("values of a coarser format")
    else:
        noise.grain = grain(probe)
    split = "kink" if _kink(probe, landscape) else "first order" if climb.first_order else ""
    return Answer(None, noise, landscape, notes, split=split)


def _plateau(probe: Probe, landscape: Landscape) -> Fit:
    """Flat: the derivative is 0, up to a slope that f rounds away over |x|, or over the plateau."""
    flat = landscape.plateau
    assert flat is not None
    bound = probe.u * flat.size / min(flat.h, probe.scale)
    if landscape.beyond is not None:
        bound = max(bound, landscape.beyond.df / flat.h)
    elif probe.u >= FEW_BITS:  # f may be frozen there: the slope with which it leaves is possible, too
        bound = max([bound, *(p.df / p.h for p in probe.sound if p.h > flat.h)])
    return Fit(0.0 * flat.d, bound, bound, 0.0, 1, flat.h, 0.0, bound, [flat])


def _at_an_edge(probe: Probe, fit: Fit) -> bool:
    """One side ends nearby, and the answer is not as good as it might be from the other."""
    left, right = probe.bad
    return left != right and min(left, right) < 64 * fit.top.h and fit.bound > 1e6 * probe.u * abs(fit.value)


def _judged(probe: Probe, answer: Answer) -> Result:
    """What is returned: the fit, and whether to believe it."""
    fit, noise, landscape = answer.fit, answer.noise, answer.landscape
    if fit is None:
        return _nothing(probe)
    answer.scale = probe.scale if probe.x else math.inf
    low = answer.low or _doubt(answer, fit)
    bound = float(fit.bound)
    coarse = noise.u >= FEW_BITS
    if not answer.flat:
        bound = max(bound, departure(answer.pairs, fit, noise, float(probe.x)))
        low = low or ("" if bound <= fit.bound else _doubt(answer, replace(fit, bound=bound)))
    if low:  # everything seen is possible: at smaller steps, in few bits at the next larger ones as well
        larger = [p.h for p in answer.pairs if p.h > fit.top.h]
        reach = max(4 * fit.top.h, *larger[:1]) if coarse and larger else fit.top.h
        seen = [p for p in answer.pairs if p.h <= reach]
        bound = max([bound, *(abs(float(p.d - fit.value)) + noise.most(p) for p in seen)])
        if noise.u >= NARROW and _unresolved(answer.pairs, noise):
            bound, low = math.inf, UNRESOLVED
    both = fit.top.order == 2
    left, right = answer.sides
    return Result(
        fit.value,
        bound,
        probe.evaluations,
        "low_confidence" if low else "ok",
        low or "; ".join(dict.fromkeys(answer.notes)),
        float(noise.value(fit.top) * fit.factor),
        2 * fit.curvature if both else math.nan,
        6 * fit.third if both else math.nan,
        landscape.length if landscape and landscape.length else math.inf,
        left,
        right,
        fit.top.h,
        answer.side,
        tuple((p.h, p.d, p.e) for p in answer.pairs),
    )


def _unresolved(pairs: list[Pair], noise: Noise) -> bool:
    """Whether what f does near x is below the first of all steps.

    Either the smallest steps contradict each other, or f changes by much of its size over the first and
    gets steeper towards x even there.
    """
    first = pairs[0]
    second = next((p for p in pairs if p.h > 1.9 * first.h), first)
    steeper = first.df / first.h > STEEPER * second.df / second.h
    contradiction = abs(second.d - first.d) > noise.interval(first) + noise.interval(second)
    return bool(contradiction or (steeper and first.df > LARGE * first.size))


def _doubt(answer: Answer, fit: Fit) -> str:
    """Why not to believe a fit, or an empty text."""
    noise, landscape = answer.noise, answer.landscape
    if landscape is not None and answer.flat:
        return STEPS if landscape.sudden else FLAT if noise.u >= FEW_BITS else ""
    if noise.added > 0.15 * max(p.df for p in answer.pairs):
        return "noise is as large as the changes of f: no step can resolve the derivative"
    if noise.added and fit.top.h > FAR * answer.scale:
        return "noise hides all changes of f but those over steps far larger than x"
    return "" if precise(fit, noise.u) else "the bound is large beside the value"


def _nothing(probe: Probe) -> Result:
    sound = probe.sound
    if not sound:
        return Result(math.nan, math.inf, probe.evaluations, "domain", ISOLATED)
    return Result(
        sound[-1].d, math.inf, probe.evaluations, "low_confidence", "no step agrees with the smaller ones"
    )


KINK = "the slope jumps at x: there is no derivative, the value is the mean of both sides"
STEPS = "equal values near x, then a jump: f may be a staircase whose derivative is not 0"
FLAT = "equal values near x: in so few bits a slope may be lost where terms are added inside f"
UNRESOLVED = "f varies within the smallest steps of the format: no step can resolve the derivative"
OUTSIDE = "f(x) is NaN: x is outside the domain of the function"
INFINITE = "f(x) is infinite: x is at a pole, or rescale, or use a wider format"
ISOLATED = "there are no finite values next to x"
