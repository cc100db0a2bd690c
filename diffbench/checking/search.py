"""Which steps to look at: up while rounding is in the way, down while truncation is.

``explore(ladder)`` samples blocks until the error bound is small enough to see an error of the size that is
promised for the format, or nothing is gained any more.
"""

from __future__ import annotations

from math import ceil, isinf, log2

from diffbench.checking.block import Block
from diffbench.checking.ladder import Ladder

#: Most blocks for one component: 8 values each.
MOST_BLOCKS = 12


def explore(ladder: Ladder) -> None:
    """Sample until the component is settled or no step is left to try."""
    _bracket(ladder)
    if ladder.probe.format.precision < 20:  # few steps, little room: every one may be the one that decides
        for level in range(ladder.start, ladder.highest_blind + 1):
            if any(ladder.settles(known) for known in ladder.blocks):
                return
            ladder.sample(level)


def _bracket(ladder: Ladder) -> None:
    """Go up while rounding is in the way and down while truncation is; then halve the gap between."""
    low: int | None = None  # the highest level where rounding is the larger part
    high: int | None = None  # the lowest one where truncation is, or where f has no value
    level = ladder.start
    for _ in range(MOST_BLOCKS):
        block = ladder.sample(level)
        if isinstance(block, Block) and ladder.settles(level):
            return
        if isinstance(block, Block) and _kink_stays(ladder, block):
            return
        if block == "grid" or (isinstance(block, Block) and not block.bends):
            low = level if low is None else max(low, level)
        else:
            high = level if high is None else min(high, level)
        step = _stride(ladder, block)
        if high is None:
            level += step
        elif low is None:
            level -= step
        elif high - low > 1:
            level = (low + high) // 2
        else:
            return
        clear = isinstance(block, Block) and 2 * block.bound < abs(block.estimate)
        level = min(level, ladder.highest if clear else ladder.highest_blind)
        if level < ladder.lowest or level in ladder.blocks or level in ladder.failures:
            return


def _kink_stays(ladder: Ladder, block: Block) -> bool:
    """Whether another step has seen the same kink: no smaller one will make it go away."""
    others = (b.kink for b in ladder.blocks.values() if b is not block and b.kink)
    return bool(block.kink) and any(abs(k - block.kink) < 0.1 * abs(block.kink) for k in others)


def _stride(ladder: Ladder, block: Block | str) -> int:
    """How many powers of two to the next step, from how much the bound has to shrink."""
    coarse = max(1, ladder.probe.format.precision // 6)
    if not isinstance(block, Block) or block.flat or isinf(block.bound):
        return max(2, coarse)
    wanted = 0.2 * ladder.resolution * ladder.size(block)
    if not block.bends:  # the bound falls like 1/h
        return min(max(1, ceil(0.75 * _halvings(block.rounding, wanted))), 8)
    return min(max(1, ceil(_halvings(block.truncation, wanted) / 2)), coarse)  # ... like h^2 or faster


def _halvings(found: float, wanted: float) -> float:
    """How often a bound must be halved."""
    return log2(found / wanted) if 0 < wanted < found else 0.0 if wanted else 64.0
