"""The estimator: climb, grow, and say how much to believe; one generator that yields nodes.

``steps(x, u, round, values)`` asks for values by yielding tuples of nodes and is sent their values; it returns
a :class:`Result`. :mod:`diffbench.methods.automatic.drive` feeds one, or many in lock step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from diffbench.methods.automatic.climb import Climb, Landscape
from diffbench.methods.automatic.grow import Growth
from diffbench.methods.automatic.pairs import Asking, Exhausted, Noise, Pair, Probe
from diffbench.methods.automatic.tableau import Fit

SHORT = (8, 11, 24)  # significant bits that values computed in a coarser format have


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
    if answer.fit is None or _at_an_edge(probe, answer.fit):
        for side in _open_sides(probe):
            probe.turn(side)
            other = yield from _look(probe)
            if other.fit is None:
                continue
            other.notes.append("right derivative" if side > 0 else "left derivative")
            if answer.fit is None:
                answer = other
            elif abs(other.fit.value - answer.fit.value) > other.fit.bound + answer.fit.bound:
                answer.low = "values to one side and to both sides of x disagree"
            elif other.fit.bound < answer.fit.bound:
                answer = other
        probe.turn(0)
    if answer.fit is None:
        return _nothing(probe, answer)
    return _judged(probe, answer)


def _look(probe: Probe) -> Asking:
    """Climb and grow on the side the probe looks to."""
    noise = Noise(probe.u, float(probe.x))
    notes: list[str] = []
    try:
        climb = Climb(probe, noise)
        landscape = yield from climb.run()
        if landscape is not None and noise.added and noise.added > 0.15 * max(p.df for p in probe.sound):
            noise = Noise(probe.u, float(probe.x))
            climb = Climb(probe, noise, believe_noise=False)
            landscape = yield from climb.run()
        notes = climb.notes
    except Exhausted:
        sound = probe.sound
        landscape = Landscape(sound[0]) if sound else None
    if landscape is None:
        return Answer(None, noise, None, notes)
    if landscape.plateau is not None:
        return Answer(_plateau(landscape), noise, landscape, notes)
    short = _short(probe)
    if short > noise.u:
        noise.coarsen(short)
        notes.append("values of a coarser format")
    fit = yield from Growth(probe, noise, landscape).run()
    return Answer(fit, noise, landscape, notes)


def _plateau(landscape: Landscape) -> Fit:
    """Flat on both sides: the derivative is 0, up to a slope that would show as one rounding at the end."""
    flat = landscape.plateau
    assert flat is not None
    bound = 0.5 * flat.size * 2.0**-53 / flat.h
    return Fit(0.0 * flat.d, bound, bound, 0.0, 1, [flat])


def _short(probe: Probe) -> float:
    """Unit roundoff of the coarsest format that holds all values, if that is coarser than their own."""
    values = {float(v) for v in probe.values.values() if math.isfinite(v)}
    if len(values) < 3 or probe.x == 0:
        return 0.0
    for bits in SHORT:
        if bits < probe.bits and all(_fits(v, bits) for v in values):
            return 2.0**-bits
    return 0.0


def _fits(value: float, bits: int) -> bool:
    return math.ldexp(math.frexp(value)[0], bits).is_integer()


def _at_an_edge(probe: Probe, fit: Fit) -> bool:
    """One side ends nearby, and the answer is not as good as it might be from the other."""
    left, right = probe.bad
    return left != right and min(left, right) < 64 * fit.top.h and fit.bound > 1e-10 * abs(fit.value)


def _open_sides(probe: Probe) -> list[int]:
    left, right = probe.bad
    return [1] if left < right else [-1] if right < left else []


def _judged(probe: Probe, answer: Answer) -> Result:
    fit, noise = answer.fit, answer.noise
    assert fit is not None
    low = answer.low
    top = fit.top
    biggest = max(p.df for p in probe.sound) if probe.sound else 0.0
    slope = top.df / top.h
    size = abs(float(fit.value))
    if not low and noise.added > 0.15 * biggest:
        low = "noise is as large as the changes of f: no step can resolve the derivative"
    flat = answer.landscape is not None and answer.landscape.plateau is not None
    absolute = size <= fit.bound <= 1e-6 * slope  # f' is 0 beside the changes of f
    if not low and not flat and fit.bound > max(1e-3, 64 * noise.u) * size and not absolute:
        low = "the bound is large beside the value"
    side = top.order == 1
    return Result(
        fit.value,
        float(fit.bound),
        probe.evaluations,
        "low_confidence" if low else "ok",
        low or "; ".join(dict.fromkeys(answer.notes)),
        float(noise.value(top) * fit.factor),
        2 * fit.curvature if not side else math.nan,
        6 * fit.third if not side else math.nan,
        answer.landscape.length if answer.landscape and answer.landscape.length else math.inf,
        h=top.h,
        side=0 if not side else (1 if "right derivative" in answer.notes else -1),
        pairs=tuple((p.h, p.d, p.e) for p in probe.sound),
    )


def _nothing(probe: Probe, answer: Answer) -> Result:
    sound = probe.sound
    if not sound:
        return Result(math.nan, math.inf, probe.evaluations, "domain", ISOLATED)
    return Result(
        sound[-1].d, math.inf, probe.evaluations, "low_confidence", "no step agrees with the smaller ones"
    )


OUTSIDE = "f(x) is NaN: x is outside the domain of the function"
INFINITE = "f(x) is infinite: x is at a pole, or rescale, or use a wider format"
ISOLATED = "there are no finite values next to x"
