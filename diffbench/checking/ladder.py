"""The blocks of one component at several steps, and the error bound that they support together.

A single block knows its rounding well and its truncation roughly. Its neighbours add what it cannot know:
larger steps see truncation (and kinks) more clearly, smaller ones contradict what was crossed unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, floor, frexp, inf, isfinite, isinf, log2

from diffbench.checking.block import Block
from diffbench.checking.probe import Probe

#: The share of a component that may be missing before the check has to notice, by bits of the format.
RESOLUTION = {8: 0.3, 11: 0.1}
FINE_RESOLUTION = 0.01
#: A claimed value may be wrong by this many roundings of itself, and by one of x.
ROUNDINGS = 4.0
#: A claim is wrong if its gap is this many times the error bound; it agrees within the bound itself.
MARGIN = 1.5
#: Largest step, in units of max(1, |x|), and the largest before there is a clear signal.
LARGEST_STEP, LARGEST_BLIND_STEP = 8.0, 0.5
#: Steps are this times a power of two: round numbers let rounding errors inside f follow a straight line.
MANTISSA = 1.3133


@dataclass(frozen=True)
class Estimate:
    """A block with its final error bound.

    ``allowance`` is what the claim itself may be off; ``kink`` is half the jump of the slope (part of the
    truncation).
    """

    level: int
    block: Block
    rounding: float
    truncation: float
    allowance: float
    kink: float

    @property
    def value(self) -> float:
        return self.block.estimate

    @property
    def bound(self) -> float:
        return self.rounding + self.truncation

    @property
    def total(self) -> float:
        return self.bound + self.allowance

    def excludes(self, claimed: float) -> bool:
        """Whether a claim is clearly outside; a kink's two slopes are hard limits and get no margin."""
        return abs(claimed - self.value) > MARGIN * self.total - (MARGIN - 1) * self.kink


@dataclass
class Ladder:
    """Blocks of one component by level: the step is ``1.3133 * scale * 2**level``.

    Parameters
    ----------
    probe : Probe
    component : int
        Index into the flattened point.
    claimed : float
        Its derivative, according to the user.
    """

    probe: Probe
    component: int
    claimed: float
    blocks: dict[int, Block] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        x = float(self.probe.flat[self.component])
        precision = self.probe.format.precision
        self.x = abs(x)
        self.half = precision < 20
        x = x if abs(x) >= 2.0**self.probe.format.min_exponent else 0.0  # below, steps relative to it vanish
        self.scale = 2.0 ** floor(log2(abs(x))) if x else 1.0
        self.resolution = RESOLUTION.get(precision, FINE_RESOLUTION)
        self.start = -ceil(precision / 3)
        self.lowest = frexp(float(self.probe.format.ulp(x)) / self.scale)[1] - 1 if x else -1000
        reach = log2(max(1.0, self.x) / MANTISSA) - log2(self.scale)  # the quotient itself may overflow
        self.highest = floor(log2(LARGEST_STEP) + reach)
        self.highest_blind = floor(log2(LARGEST_BLIND_STEP) + reach)

    # sampling ----------------------------------------------------------------------------------------

    def sample(self, level: int) -> Block | str:
        """The block at a level, or why there is none."""
        if level in self.blocks:
            return self.blocks[level]
        result = self.probe.block(self.component, self._step(level))
        if isinstance(result, Block):
            self.blocks[level] = result
        else:
            self.failures[level] = result
        return result

    def sample_if_possible(self, level: int) -> Block | str:
        """The block at a level, unless the format has no such step."""
        return self.sample(level) if self.lowest <= level <= self.highest else "grid"

    def coarser(self, level: int) -> Iterator[Block]:
        """Blocks at larger steps, up to the largest."""
        stride = max(2, self.probe.format.precision // 8)
        for higher in range(level + stride, self.highest + 1, stride):
            block = self.sample(higher)
            if isinstance(block, Block) and not isinf(block.bound):
                yield block

    def _step(self, level: int) -> float:
        """A step whose multiples are numbers of the format, where there is room for that."""
        h = MANTISSA * self.scale * 2.0**level
        grid = float(self.probe.format.ulp(self.x + 4 * h)) if self.x else 0.0
        if not isfinite(grid):
            return h
        grid = max(grid, 2.0 ** (floor(log2(h)) - self.probe.format.precision + 4))
        return max(1, round(h / grid)) * grid

    # bounds ------------------------------------------------------------------------------------------

    def size(self, block: Block) -> float:
        """The magnitude that an error is compared with."""
        size = max(abs(self.claimed), abs(block.estimate))
        return max(size, block.change / block.h) if self.is_zero(block) else size

    def is_zero(self, block: Block) -> bool:
        """Whether 0 is claimed (but for rounding) and nothing else is seen."""
        tiny = self.allowance(block)
        rounded_zero = abs(self.claimed) <= min(tiny, 1e-4 * block.bound)
        seen = abs(block.estimate) > block.bound + tiny or block.kink != 0
        return (self.claimed == 0 or rounded_zero) and not seen

    def allowance(self, block: Block) -> float:
        """How far a right claim may be from the true value, because it is computed in the format too.

        A few roundings of itself, more of them where f itself loses digits, and what a rounding of x makes:
        the gradient changes by its own derivative times u |x|.
        """
        u = self.probe.format.u
        own = (
            ROUNDINGS * self.probe.noisiness(block.change) * abs(self.claimed) + abs(block.curvature) * self.x
        )
        return u * own + self.probe.format.smallest_subnormal

    def settles(self, level: int) -> bool:
        """Whether an error of the promised size cannot hide: twice the bound is below it."""
        block = self.blocks[level]
        bound = block.rounding + self.truncation(level) + self.conflict(level)
        return not block.flat and self.enough(bound, block)

    def enough(self, bound: float, block: Block) -> bool:
        """Whether an error of the promised size would be outside a bound, wherever in it the truth is."""
        return 2 * bound + MARGIN * self.allowance(block) <= 0.9 * self.resolution * self.size(block)

    def truncation(self, level: int) -> float:
        """The truncation error of a block, as far as it or a larger step can tell.

        In a small block what the next degree changes is mostly noise. A larger one sees less noise, and the
        error falls at least as fast as the step, unless there is a kink.
        """
        block, found = self.blocks[level], self.blocks[level].truncation
        if isinf(found) or block.kink:
            return found
        for higher, wide in self.blocks.items():
            alike = abs(wide.estimate - block.estimate) <= wide.bound + block.bound
            if higher > level and alike and not (wide.kink or wide.flat):
                found = min(found, wide.truncation * block.h / wide.h)
        return found

    def conflict(self, level: int) -> float:
        """What must be added to a bound so that it covers what smaller steps say (Lepski's principle).

        A function may be crossed with a large step only if all smaller steps allow the result.
        """
        block, extra = self.blocks[level], 0.0
        bound = block.rounding + self.truncation(level)
        for lower, finer in self.blocks.items():
            if lower >= level or isinf(finer.rounding):
                continue
            own = self.quantum(finer) if finer.flat else finer.bound
            gap = abs(block.estimate - finer.estimate)
            if gap > bound + own or isinf(finer.truncation):
                extra = max(extra, gap + own - bound)
            if abs(finer.kink) > 1.5 * abs(block.kink) + finer.kink_error:
                extra = inf
        wider = self.next_larger(level)
        if wider is not None and 0 < 1.5 * abs(wider.kink) < abs(block.kink):
            extra = inf  # a "kink" that grows when the step shrinks is a jump, or a spike at x
        return extra + abs(self.inherited_kink(level))

    def next_larger(self, level: int) -> Block | None:
        """The block with the next larger step, if there is one."""
        higher = [other for other in self.blocks if other > level]
        return self.blocks[min(higher)] if higher else None

    def inherited_kink(self, level: int) -> float:
        """A kink that the next larger step sees, and this block can neither see nor deny."""
        block, wider = self.blocks[level], self.next_larger(level)
        kink = wider.kink if wider is not None and not block.kink else 0.0
        return kink if block.kink_error > 0.5 * abs(kink) else 0.0

    def quantum(self, flat: Block) -> float:
        """Error bound of the slope 0 of a flat block: f may move in steps as large as the least one seen."""
        moves = [b.change for b in self.blocks.values() if not b.flat]
        return min(moves, default=0.0) / flat.h

    def best(self, clean: bool = False) -> Estimate | None:
        """The estimate with the smallest bound (of those that are not rough); None if there is none."""
        levels = [level for level, b in self.blocks.items() if not b.flat and not (clean and b.rough)]
        found = [self.estimate(level) for level in levels]
        best = min(found, key=lambda estimate: estimate.bound, default=None)
        return None if best is None or isinf(best.bound) else best

    def estimate(self, level: int) -> Estimate:
        """What a block and its neighbours say, with the rounding of the claim in the bound."""
        block = self.blocks[level]
        truncation = self.truncation(level) + self.conflict(level)
        kink = abs(block.kink or self.inherited_kink(level))
        return Estimate(level, block, block.rounding, truncation, self.allowance(block), kink)
