"""One component judged from blocks of nine values of f; in the half formats from many values, too.

``by_nine(ladder)`` looks for the step with the smallest error bound and compares the claim with the estimate
there. Before it calls a claim wrong it looks at other steps for doubts.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

from diffbench.checking.block import Block
from diffbench.checking.finding import (
    AGREES,
    AUTO,
    CANNOT_TELL,
    DISAGREES,
    MANY,
    NINE,
    Finding,
    difference,
    kink_of,
)
from diffbench.checking.ladder import Estimate, Ladder
from diffbench.checking.many import reach_of, slope_of_many
from diffbench.checking.search import explore

#: A smaller share of a component than this part of the format's resolution is never called an error.
SMALLEST_ERROR = 0.25
#: A smaller step that moves the estimate by this share of the rounding bounds casts doubt on a larger one.
HINT = 0.7
#: The bound of a slope from many values is never put below this part of what the format can show.
LEAST_SHARE = 0.1
#: Flat over so many powers of two of the step: f does not depend on the component here.
CONSTANT_BINADES = 10

FEW = "rounding: f moves too little, or scatters too much, for many values to confirm the gap"
STEPS_DISAGREE = "steps disagree: f is not smooth between the steps, or moves on a staircase"
TOWARDS = "truncation: smaller steps move the estimate towards the claim"


def by_nine(ladder: Ladder) -> Finding:
    """The verdict from blocks of nine values near the point; of many values in the half formats."""
    claimed = ladder.claimed
    explore(ladder)
    if any(b.flat for b in ladder.blocks.values()):
        flat = _judge_flat(ladder)
        if flat is not None:
            return flat
    best = ladder.best()
    if best is None:
        return _undecided(ladder)
    if ladder.half and not best.kink and _many_may_help(ladder, best):
        many = _from_many(ladder, best)
        if many is not None:
            return _judge_both(ladder, best, many)
        if best.excludes(claimed):
            return _finding(ladder, best, CANNOT_TELL, FEW)
    if best.excludes(claimed) and _may_be_kink(best, claimed):
        best = _resolved(ladder, best)
    if best.excludes(claimed):
        doubt = _confirm(ladder, best)
        again = ladder.best(clean=True) or ladder.best()
        if again is None:
            return _finding(ladder, best, CANNOT_TELL, STEPS_DISAGREE)
        best = again
        if doubt and best.excludes(claimed):
            return _finding(ladder, best, CANNOT_TELL, doubt)
    return judge(ladder, best)


def _resolved(ladder: Ladder, best: Estimate) -> Estimate:
    """The best estimate from steps so small that nothing but noise is left around the fits."""
    stride = max(1, ladder.probe.format.precision // 8)
    for level in range(best.level - stride, best.level - 7 * stride, -stride):
        block = ladder.sample_if_possible(level)
        if isinstance(block, Block) and not block.rough:
            break
    return ladder.best(clean=True) or best


def _may_be_kink(best: Estimate, claimed: float) -> bool:
    """Whether what a block does not resolve could explain the gap."""
    return abs(claimed - best.value) <= best.block.rough


def _confirm(ladder: Ladder, best: Estimate) -> str:
    """Why other steps cast doubt on an estimate that excludes the claim; empty if they do not."""
    if not ladder.half and _may_be_kink(best, ladder.claimed):
        return "noise: f scatters around every smooth curve, at every step that was tried"
    stride = max(1, ladder.probe.format.precision // 12)
    tried = [ladder.sample_if_possible(best.level - k) for k in sorted({1, stride, 2 * stride, 3 * stride})]
    smaller = [block for block in tried if isinstance(block, Block)]
    if not smaller:
        return f"grid: {ladder.probe.format.name} has no points between the nodes"
    for block in smaller:
        moved = abs(block.estimate - best.value) > HINT * (block.rounding + best.rounding)
        nearer = abs(block.estimate - ladder.claimed) < 0.8 * abs(best.value - ladder.claimed)
        if moved and nearer:
            return TOWARDS
    return _staircase(ladder, best)


def _staircase(ladder: Ladder, best: Estimate) -> str:
    """Why the slope may be that of one stair of a staircase inside f; empty if it is not."""
    if abs(best.value) > best.total and 4 * abs(ladder.claimed) > abs(best.value):
        return ""
    # only no slope, or one much steeper than the claim, may be that of one stair
    for coarser in ladder.coarser(best.level):
        gap = abs(coarser.estimate - best.value)
        supports = abs(coarser.estimate - ladder.claimed) <= coarser.bound + ladder.allowance(coarser)
        if supports and gap > coarser.bound + best.bound:
            h = best.block.h
            return f"steps disagree: the claim fits steps of {coarser.h:.2g}, but not those of {h:.2g}"
    return ""


def _clear(ladder: Ladder, best: Estimate) -> bool:
    """Whether nine values already show that the claim is right."""
    return abs(ladder.claimed - best.value) <= best.total and ladder.enough(best.bound, best.block)


def _many_may_help(ladder: Ladder, best: Estimate) -> bool:
    """Whether the verdict is open, or negative, and an error of the promised size changes f at all."""
    if best.excludes(ladder.claimed):
        return True
    reach = reach_of(ladder.x, best.block.h) / 2
    change = ladder.resolution * ladder.size(best.block) * reach
    return not _clear(ladder, best) and change >= ladder.probe.spacing / 2


def _from_many(ladder: Ladder, best: Estimate) -> Estimate | None:
    """The estimate from many values: what rounding hides from nine of them, and what nine have missed."""
    reach = reach_of(ladder.x, best.block.h)
    slope = slope_of_many(ladder.probe, ladder.component, reach, LEAST_SHARE * ladder.resolution)
    if slope is None:
        return None
    block = replace(
        best.block,
        h=slope.width / 4,
        estimate=slope.value,
        rounding=slope.rounding,
        truncation=slope.truncation,
        rough=0.0,
    )
    return Estimate(best.level, block, slope.rounding, slope.truncation, ladder.allowance(block), 0.0)


def _judge_both(ladder: Ladder, best: Estimate, many: Estimate) -> Finding:
    """The verdict of nine values and of many, which may not contradict each other."""
    claimed = ladder.claimed
    both = best.excludes(claimed) and many.excludes(claimed)
    alike = (claimed < best.value) == (claimed < many.value)
    if abs(best.value - many.value) > best.bound + many.bound and not (both and alike):
        return _finding(ladder, many, CANNOT_TELL, STEPS_DISAGREE, MANY)
    if not many.excludes(claimed):
        many_first = best.excludes(claimed) or many.bound < best.bound
        return judge(ladder, many, MANY) if many_first else judge(ladder, best)
    doubt = _confirm(ladder, best) if both else _staircase(ladder, many)
    if doubt:
        return _finding(ladder, many, CANNOT_TELL, doubt, MANY)
    return judge(ladder, many, MANY)


def judge(ladder: Ladder, best: Estimate, reference: str = NINE) -> Finding:
    """The verdict on the claim from one estimate and its bound."""
    gap = abs(ladder.claimed - best.value)
    if best.excludes(ladder.claimed):
        share = gap / max(abs(ladder.claimed), abs(best.value))
        if share <= SMALLEST_ERROR * ladder.resolution:
            reason = f"small: the gap is {share:.2g} of the component; f may be computed to a tolerance only"
            return _finding(ladder, best, CANNOT_TELL, reason, reference)
        said = difference(ladder.claimed, best.value, best.total)
        return _finding(ladder, best, DISAGREES, said, reference)
    if gap <= best.total and ladder.enough(best.bound, best.block):
        said = "0 within the bound" if ladder.is_zero(best.block) else ""
        return _finding(ladder, best, AGREES, said, reference)
    if ladder.enough(best.bound, best.block):
        said = "close: the gap is above the bound, but not by enough to be sure"
    elif reference == AUTO:
        said = f"rounding: an error of {ladder.resolution:.0%} could hide in the bound of auto"
    else:
        said = _doubt(ladder, best)
    return _finding(ladder, best, CANNOT_TELL, said, reference)


def _finding(ladder: Ladder, best: Estimate, verdict: str, reason: str, reference: str = NINE) -> Finding:
    rounding, truncation = best.rounding + best.allowance, best.truncation
    total, h = rounding + truncation, best.block.h
    if reference == AUTO:  # its bound is one number
        rounding = truncation = nan
    return Finding(ladder.claimed, best.value, total, h, truncation, rounding, verdict, reason, reference)


def _judge_flat(ladder: Ladder) -> Finding | None:
    """A function that does not move: constant here if that is so over many steps, else a plateau."""
    flat = sorted(level for level, b in ladder.blocks.items() if b.flat)
    low, high = flat[0], flat[-1]
    moving = any(not b.flat for b in ladder.blocks.values()) or bool(ladder.failures)
    if moving and high - low < CONSTANT_BINADES:
        return None
    h = ladder.blocks[high].h
    rounding = ladder.probe.spacing / (4 * h)
    verdict, reason = AGREES, f"f does not change within {4 * h:.2g} of the point"
    if ladder.claimed != 0:
        # a smooth function would have moved by at least 8 spacings, if the claim were right
        seen = abs(ladder.claimed) > 8 * rounding and not moving
        verdict = DISAGREES if seen else CANNOT_TELL
        reason = reason if seen else f"plateau: {reason}"
    return Finding(ladder.claimed, 0.0, rounding, h, 0.0, rounding, verdict, reason)


def _doubt(ladder: Ladder, best: Estimate) -> str:
    """Why the bound is too large to decide."""
    kink = best.block.kink or ladder.inherited_kink(best.level)
    if abs(kink) > 0.4 * best.bound:
        return kink_of(best.value - kink, best.value + kink)
    if ladder.conflict(best.level) > 0.5 * best.bound:
        return STEPS_DISAGREE
    hides = f"an error of {ladder.resolution:.0%} could hide in the bound"
    if best.rounding >= best.truncation:
        lost = " and the noise of f" if ladder.probe.noisiness() > 4 else ""
        return f"rounding{lost}: {hides}"
    if any(kind != "grid" for kind in ladder.failures.values()):
        return f"{_failure(ladder)}, and {hides} at smaller steps"
    return f"truncation: f bends too much within the steps that rounding allows, {hides}"


def _undecided(ladder: Ladder) -> Finding:
    if any(b.noisy for b in ladder.blocks.values()):
        reason = "noise: f scatters or jumps, no smooth curve fits its values near the point"
    elif any(b.flat for b in ladder.blocks.values()):
        reason = "plateau: f does not change at the steps where it has values"
    else:
        reason = _failure(ladder)
    return Finding(ladder.claimed, nan, inf, nan, inf, inf, CANNOT_TELL, reason)


def _failure(ladder: Ladder) -> str:
    said = f" (f raised {ladder.probe.raised})" if ladder.probe.raised else ""
    kinds = list(ladder.failures.values())
    level = min(ladder.failures, default=0)
    where = f"within {4 * ladder.scale * 2.0**level:.2g} of the point"
    if "overflow" in kinds:
        return f"overflow: f is infinite {where}{said}"
    if "domain" in kinds:
        return f"domain edge: f has no value {where}{said}"
    return f"grid: {ladder.probe.format.name} has no points between the nodes"
