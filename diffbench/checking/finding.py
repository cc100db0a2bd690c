"""The verdict on one component, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, isnan, log10

AGREES, DISAGREES, CANNOT_TELL = "agrees", "disagrees", "cannot tell"
#: What a claim is compared with: the column ``reference``.
AUTO, NINE, MANY, LINE = "auto", "nine values", "many values", "along a line"

#: Digits of a value in a sentence.
LEAST_DIGITS, MOST_DIGITS = 4, 17


@dataclass(frozen=True)
class Finding:
    """The verdict on one component, and the numbers it rests on.

    Attributes
    ----------
    claimed : float
        What the user's gradient says.
    estimate, error_bound : float
        What the check says: the derivative is ``estimate`` ± ``error_bound``, the rounding of the claim
        included.
    h : float
        The step of the estimate; the largest one of those that ``auto`` extrapolates from.
    truncation, rounding : float
        The two parts of the bound, which is their sum; NaN where ``auto`` is the reference: it has one bound.
    verdict : str
        ``agrees``, ``disagrees`` or ``cannot tell``.
    reason : str
        Why, where that is not plain.
    reference : str
        Where the estimate comes from: ``auto``, ``nine values``, ``many values`` or ``along a line``.
    """

    claimed: float
    estimate: float
    error_bound: float
    h: float
    truncation: float
    rounding: float
    verdict: str
    reason: str
    reference: str = NINE

    @property
    def bounds_away(self) -> float:
        """How far the claim is from the estimate, in error bounds; NaN where there is no estimate."""
        gap = abs(self.claimed - self.estimate)
        if self.error_bound > 0 or isnan(gap):
            return gap / self.error_bound
        return inf if gap else 0.0

    @property
    def comparison(self) -> str:
        """... in words: ``auto: 4 ± 1.4e-12; -4 is claimed, 5.9e+12 error bounds away: disagrees``."""
        if isnan(self.estimate):
            return f"{self.claimed:.6g} is claimed, there is no value to compare it with: {self.verdict}"
        digits = self._digits()
        reference = f"{self.reference}: {self.estimate:.{digits}g} ± {self.error_bound:.2g}"
        near = self.bounds_away <= 1
        where = "within the bound" if near else f"{self.bounds_away:.3g} error bounds away"
        return f"{reference}; {self.claimed:.{digits}g} is claimed, {where}: {self.verdict}"

    def _digits(self) -> int:
        """As many digits as the bound leaves, and one more."""
        size = max(abs(self.claimed), abs(self.estimate))
        if not 0 < self.error_bound < size:
            return LEAST_DIGITS
        return min(max(LEAST_DIGITS, ceil(log10(size) - log10(self.error_bound)) + 1), MOST_DIGITS)


def difference(claimed: float, estimate: float, bound: float) -> str:
    """What kind of error it looks like."""
    if abs(estimate) <= bound:
        return "the derivative is 0 within the bound"
    ratio = claimed / estimate
    spread = bound / abs(estimate)
    for value, text in ((-1.0, "the sign is wrong"), (2.0, "twice the estimate"), (0.5, "half the estimate")):
        if spread < 0.2 and abs(ratio - value) <= abs(value) * spread + 1e-9:
            return text
    return f"{ratio:.4g} times the estimate" if claimed else "0 is claimed"


def kink_of(left: float, right: float) -> str:
    """The reason where the slope jumps at the point."""
    return f"kink: the slope is {left:.4g} on the left and {right:.4g} on the right"
