"""One component of a gradient, judged: ``agrees``, ``disagrees``, or ``cannot tell`` with the reason.

``examine(probe, i, claimed, reference)`` compares the claim with the value and bound of ``auto``. Where there
is no such reference, or it leaves the claim open, blocks of nine values decide. A claim that ``auto``
excludes is failed only if nine values do not contradict that.
"""

from __future__ import annotations

from dataclasses import replace
from math import nan

from diffbench.checking.along import Gradient, Share, share_along
from diffbench.checking.finding import AGREES, AUTO, CANNOT_TELL, DISAGREES, LINE, Finding, kink_of
from diffbench.checking.ladder import MARGIN, Estimate, Ladder
from diffbench.checking.nine import SMALLEST_ERROR, TOWARDS, by_nine, judge
from diffbench.checking.probe import Probe
from diffbench.checking.reference import Reference

CONTRADICTED = "steps disagree: auto excludes the claim, but nine values of f at other steps allow it"
CONTRADICTED_BY_AUTO = "steps disagree: nine values of f exclude the claim, but auto allows it"


def examine(
    probe: Probe,
    component: int,
    claimed: float,
    reference: Reference | None = None,
    elsewhere: Gradient | None = None,
) -> Finding:
    """Judge one component.

    Parameters
    ----------
    probe : Probe
        The function at the point.
    component : int
        Index into the flattened point.
    claimed : float
        Its derivative, according to the user.
    reference : Reference, optional
        Its derivative, according to ``auto``.
    elsewhere : callable, optional
        The claimed gradient at other points: it is asked along a line where the values of f near the point
        cannot tell.
    """
    ladder = Ladder(probe, component, claimed)
    finding = by_nine(ladder) if reference is None else _auto_then_nine(ladder, reference)
    if elsewhere is None or finding.verdict != CANNOT_TELL:
        return finding
    share = share_along(probe, elsewhere, component)
    return finding if share is None else _judge_share(ladder, finding, share)


def _judge_share(ladder: Ladder, finding: Finding, share: Share) -> Finding:
    """What the integral of the gradient says; the finding as it was if that cannot tell either."""
    gap = abs(share.value - 1)
    said = f"along the line: f changes by {share.value:.3g} of the integral of the gradient"
    if gap > max(MARGIN * share.bound, SMALLEST_ERROR * ladder.resolution):
        verdict = DISAGREES
    elif gap <= share.bound and 2 * share.bound <= 0.9 * ladder.resolution:
        verdict = AGREES
    else:
        return finding
    claimed, bound = finding.claimed, share.bound * abs(finding.claimed)
    return Finding(claimed, share.value * claimed, bound, share.length, 0.0, bound, verdict, said, LINE)


def by_auto(ladder: Ladder, reference: Reference) -> Finding | None:
    """The verdict from the value and bound of ``auto`` alone; None where they are no basis for one."""
    if not reference.decides:
        return None
    block = reference.block()
    return judge(ladder, Estimate(0, block, block.rounding, 0.0, ladder.allowance(block), 0.0), AUTO)


def _auto_then_nine(ladder: Ladder, reference: Reference) -> Finding:
    """The verdict from what ``auto`` says, with the help of nine values where that does not settle it.

    Neither fails a claim alone: what one of them excludes is left open if the other one allows it.
    """
    auto = by_auto(ladder, reference)
    if auto is not None and auto.verdict == AGREES:
        return auto
    nine = by_nine(ladder)
    if auto is not None and auto.verdict == DISAGREES:
        return _objection(nine, auto) or auto
    if nine.verdict == DISAGREES:
        return _objection_of_auto(ladder, reference, nine) or nine
    if nine.verdict == CANNOT_TELL and not nine.reason.startswith("kink"):
        better = auto is not None and auto.error_bound <= nine.error_bound
        return _at_kink(ladder, reference, nine) or (auto if auto is not None and better else nine)
    return nine


def _objection(nine: Finding, auto: Finding) -> Finding | None:
    """Nine values that allow a claim which ``auto`` excludes: the claim is left open then."""
    apart = abs(nine.estimate - auto.estimate) > nine.error_bound + auto.error_bound
    if nine.verdict == AGREES or (apart and nine.bounds_away <= 1):
        return replace(auto, verdict=CANNOT_TELL, reason=CONTRADICTED)
    between_slopes = nine.reason.startswith("kink") and nine.bounds_away <= 1
    return nine if between_slopes or nine.reason == TOWARDS else None


def _objection_of_auto(ladder: Ladder, reference: Reference, nine: Finding) -> Finding | None:
    """... and the other way round: a value of ``auto``, flagged or not, that nine values exclude.

    Its bound may be anything then, so the claim has to be as near to it as it would be to nine values.
    """
    allowed = abs(nine.claimed - reference.value) <= min(reference.bound, nine.error_bound)
    if allowed and abs(nine.estimate - reference.value) > nine.error_bound:
        return replace(nine, verdict=CANNOT_TELL, reason=CONTRADICTED_BY_AUTO)
    return _at_kink(ladder, reference, nine)


def _at_kink(ladder: Ladder, reference: Reference, nine: Finding) -> Finding | None:
    """The kink that ``auto`` sees at the point, if the claim is not outside its two slopes."""
    low, high = sorted((reference.left, reference.right))
    value, bound, h = reference.value, reference.bound, reference.h
    beyond = SMALLEST_ERROR * ladder.resolution * abs(nine.claimed)
    if not low - beyond <= nine.claimed <= high + beyond:  # NaN where there is no kink
        return None
    said = kink_of(reference.left, reference.right)
    return Finding(nine.claimed, value, bound, h, nan, nan, CANNOT_TELL, said, AUTO)
