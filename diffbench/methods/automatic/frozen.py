"""Terms inside f that do not change over the smallest steps: f is then another smooth function near x.

x - sin x for small x is a few units in the last place. Between two of its steps, (x - sin x) / x^2 is a
constant over x^2: smooth, and its slope has the wrong sign. No smaller step shows it; beyond, D turns at
once, without having bent before. A kink or a jump near x does the same, but the other side goes on.
"""

from __future__ import annotations

from diffbench.methods.automatic.operations import FLOATS
from diffbench.methods.automatic.pairs import FEW_BITS, NARROW, Asking, Exhausted, Noise, Pair, Probe
from diffbench.methods.automatic.rules import bent, sudden
from diffbench.methods.automatic.tableau import Fit

THAW = 0.375  # of |x|: over such a step no difference of two terms that vanishes at 0 keeps its value
BEYOND = (3.0, 10.0)  # times the wall: where it is looked whether both sides are crossed by one
NEAR = 20.0  # ... and up to where what is known already counts
ALONE = 0.15  # of the change on the side of the wall: what the other one may depart
POSSIBLE = 2.0  # steps of the term, of which one has been seen


def departure(pairs: list[Pair], fit: Fit, noise: Noise, x: float) -> float:
    """How far the derivative may be off because a term is frozen over the nodes of a fit; 0 if none is.

    In half precision every wall counts: there are too few steps between rounding and bending to look beyond.
    """
    wall = _wall(pairs, fit.top, noise) if noise.u >= NARROW else None
    if wall is None or (noise.u < FEW_BITS and _one_sided(pairs, fit.top, wall, THAW * abs(x))):
        return 0.0
    return POSSIBLE * float(abs(wall.d - fit.value))


def look_beyond(probe: Probe, fit: Fit, noise: Noise) -> Asking:
    """Pairs beyond a central fit that tell whether it rests on a frozen term, if those known do not."""
    if not NARROW <= noise.u < FEW_BITS or fit.top.order == 1:
        return
    thaw = THAW * abs(float(probe.x))
    try:
        yield from thawed(probe, fit.top)
        wall = _wall(probe.sound, fit.top, noise)
        if wall is None:
            return
        for step in sorted({factor * wall.h for factor in BEYOND} | {thaw}):
            bends = step * step * abs(fit.third) > abs(fit.value)
            if bends or not _one_sided(probe.sound, fit.top, wall, thaw):
                break
            if step > 2 * wall.h:
                yield from probe.pair(step)
    except Exhausted:
        pass


def thawed(probe: Probe, top: Pair) -> Asking:
    """One pair at a step where no term inside f can be frozen any longer, if f was not seen to bend below."""
    thaw = THAW * abs(float(probe.x))
    larger = [p for p in probe.sound if top.h < p.h < 2 * thaw]
    if top.h < thaw and not any(p.h > 0.7 * thaw or bent(FLOATS, top, p) for p in larger):
        yield from probe.pair(thaw)


def turn(pairs: list[Pair], top: Pair, noise: Noise) -> tuple[Pair, Pair, Pair] | None:
    """The first three pairs from a step on of which the last turns at once, if there was no bend before."""
    lower = [p for p in pairs if p.h < top.h / 1.2]
    if not lower:
        return None
    low, middle = lower[-1], top
    for high in pairs:
        if high.h <= 1.2 * middle.h:
            continue
        if sudden(low, middle, high, noise):
            return low, middle, high
        if bent(FLOATS, top, high):
            break
        low, middle = middle, high
    return None


def _wall(pairs: list[Pair], top: Pair, noise: Noise) -> Pair | None:
    """The first pair beyond a node at which D turns without having bent before, if there is one."""
    three = turn(pairs, top, noise)
    return None if three is None else three[2]


def _one_sided(pairs: list[Pair], top: Pair, wall: Pair, thaw: float) -> bool:
    """Whether one and the same side goes on as at the top node at all pairs from a wall on, near it."""
    if top.order == 1:
        return False
    right = left = True
    far = max(NEAR * wall.h, 1.1 * thaw)
    for p in pairs:
        if wall.h <= p.h <= far:
            ratio = p.h / top.h
            odd, even = (p.d - top.d) * p.h, p.e - top.e * ratio * ratio
            up, down = abs(even + odd), abs(even - odd)
            right, left = right and up <= ALONE * down, left and down <= ALONE * up
    return right or left
