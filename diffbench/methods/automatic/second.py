"""The second derivative: the climb of the first, then growth of the even part, and what to believe.

The climb says how noisy values are, where f' bends and what stands at x (a kink, a jump of f'', a plateau).
Beyond what the first derivative knows: at a jump of f'' both sides have to agree, a sawtooth may show only
beyond the fit, and a second difference can promise no more than the square root of the noise.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from diffbench.methods.automatic.bowing import STRAIGHT, Bowing
from diffbench.methods.automatic.climb import Climb, Landscape
from diffbench.methods.automatic.curvature import curved
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
    of_open_side,
    surveyed,
)
from diffbench.methods.automatic.frozen import thawed, turn
from diffbench.methods.automatic.pairs import FEW_BITS, NARROW, Asking, Exhausted, Noise, Pair, Probe
from diffbench.methods.automatic.tableau import Fit

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
    if answer.fit is not None and answer.side == 0 and NARROW <= answer.noise.u < FEW_BITS:
        top = next((p for p in answer.pairs if p.h == answer.fit.top.h), None)
        if top is not None:
            with contextlib.suppress(Exhausted):
                yield from thawed(probe, top)
            answer.pairs = probe.sound
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
            if (yield from _sawtooth(probe, answer)):
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
    """Whether D turns at once beyond the fit as a term inside f moves in steps: noise, and a new climb."""
    fit, noise = answer.fit, answer.noise
    three = None if fit is None else _turn(probe.sound, fit.top.h, noise)
    if three is None:
        return False
    _, top, beyond = three
    climb = Climb(probe, noise)
    height = abs(beyond.d - top.d) * beyond.w
    try:
        far = yield from probe.pair(64 * beyond.h)
        if far is None or abs(far.d) * far.w < 3 * height:  # a pole, a wave: f levels off beyond
            return False
        if not (yield from climb.teeth(top, beyond)):
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
    names = ("bound", "noise", "truncation", "slope", "promise")
    return replace(
        fit, value=sign * fit.value / unit / unit, **{n: getattr(fit, n) / unit / unit for n in names}
    )


def _precise(fit: Fit, u: float) -> bool:
    """Whether the bound says something: a second difference can promise the root of the noise."""
    vanishes = abs(fit.value) <= fit.bound <= max(1e-6, u) * fit.slope
    return bool(fit.bound <= max(1e-3, min(0.3, 16 * math.sqrt(u))) * abs(fit.value) or vanishes)


def _plateau(probe: Probe, landscape: Landscape) -> Fit:
    """Flat: 0, up to a curvature that f rounds away over |x|, or over the plateau."""
    flat = landscape.plateau
    assert flat is not None
    reach = min(flat.h, probe.scale)
    bound = 4 * probe.u * flat.size / reach / reach
    if landscape.beyond is not None:
        bound = max(bound, 2 * landscape.beyond.df / flat.h / flat.h)
    elif probe.u >= NARROW:
        bound = max([bound, *(2 * p.df / p.h / p.h for p in probe.sound if p.h > flat.h)])
    return Fit(0.0 * flat.d, bound, bound, 0.0, 1, flat.h, 0.0, bound, [flat])


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
        if central.fit is None:
            yield from _grow(probe, central)
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
    return of_open_side(answer, other)


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
    if noise.u >= NARROW and not answer.flat:
        bound = max(bound, _frozen(answer, fit))
        low = low or ("" if bound <= fit.bound else _doubt(answer, replace(fit, bound=bound)))
    if low:
        bound = max(bound, _seen(answer, fit)) or math.inf  # 0 of a plateau at 0 that is not believed
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

    In few bits the fit may have gone beyond the function; the smallest steps say so by saying nothing.
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
    """How far f'' moves at a step beyond a fit at which D or E turns without having bent before.

    As for the first derivative: the sign of a term inside f that does not change at the smaller steps.
    """
    pairs = [p for p in answer.pairs if p.order == 2]
    three = _turn(pairs, fit.top.h, answer.noise) or _turn(
        [curved(p, 1.0) for p in pairs], fit.top.h, answer.noise
    )
    if three is None:
        return 0.0
    beyond = next(p for p in pairs if p.h == three[2].h)
    return 2 * float(abs(curved(beyond, 1.0).d - fit.value))


def _turn(pairs: list[Pair], h: float, noise: Noise) -> tuple[Pair, Pair, Pair] | None:
    here = next((p for p in pairs if p.h == h), None)
    return None if here is None else turn(pairs, here, noise)


def _unresolved(pairs: list[Pair], noise: Noise) -> bool:
    """Whether the smallest steps contradict each other."""
    first = pairs[0]
    second = next((p for p in pairs if p.h > 1.2 * first.h), first)
    return abs(second.d - first.d) > noise.interval(first) + noise.interval(second)


def _doubt(answer: Answer, fit: Fit) -> str:
    """Why not to believe a fit, or an empty text."""
    noise, landscape = answer.noise, answer.landscape
    if landscape is not None and answer.flat:
        few = noise.u >= FEW_BITS or (noise.u >= NARROW and fit.h < answer.scale / 4)
        return STEPS if landscape.sudden else FLAT if few else ""
    if noise.added > 0.15 * max(p.df for p in answer.pairs):
        return "noise is as large as the changes of f: no step can resolve the derivative"
    if noise.added and fit.top.h > FAR * answer.scale:
        return "noise hides all changes of f but those over steps far larger than x"
    if not _precise(fit, noise.u):
        return "the bound is large beside the value"
    return BEYOND if abs(fit.value) <= fit.bound and _seen_beyond(answer, fit) else ""


def _seen_beyond(answer: Answer, fit: Fit) -> bool:
    """Whether f'' is 0 in a fit, but not at larger steps over which f is as straight as below.

    Values that move in steps hide E, not D, as long as it is less than half a step.
    """
    noise, base = answer.noise, fit.top
    straight = [p for p in answer.pairs if p.h > base.h and abs(p.d - base.e) <= STRAIGHT * abs(base.e)]
    curves = [curved(p, 1.0) for p in straight if p.order == 2 == base.order]
    return any(abs(p.d - fit.value) > fit.bound + noise.interval(p) for p in curves)


BEYOND = "f'' is 0 at small steps, but not at larger ones: f may move in steps"
KINK_TWICE = KINK.partition(":")[0] + ": there is no second derivative"
JUMP = "f'' jumps at x: there is no second derivative, the value is the mean of both sides"
