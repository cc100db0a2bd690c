"""What a step rule answers, and how rules are found.

* :class:`Choice`: the step, why, what it cost, and what the rule knows besides.
* ``@rule(source="...")``: registers ``def name(f, x, fmt, stencil) -> Choice``; ``some_name`` is listed as
  ``some-name``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.errors import UserError

Wide = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Choice:
    """A step for every point.

    Attributes
    ----------
    h : array, shape of x
        Positive steps in the wide dtype, not yet rounded to the format; NaN where none was found.
    reason : str
        In one sentence, why this step.
    evaluations : int or array of int
        Function values the choice cost, per point; the ones of the stencil itself are not in it.
    value, error : array or None
        The derivative and its error estimate, where the rule computes them itself.
    status : str or array of str
        ``ok``, or what went wrong (``no_step domain overflow error``); ``message`` says why.
    """

    h: Wide
    reason: str = ""
    evaluations: Any = 0
    value: Wide | None = None
    error: Wide | None = None
    status: Any = "ok"
    message: str = ""


@dataclass(frozen=True)
class Rule:
    """A step rule by name: ``choose(f, x, fmt, stencil)`` -> :class:`Choice`, vectorised over x."""

    name: str
    choose: Callable[..., Choice]
    source: str
    kind: str = "rule"  # "constant", "rule", "selector" or "oracle"
    derivatives: tuple[int, ...] | None = None

    @property
    def what(self) -> str:
        """The first line of its description."""
        return (self.choose.__doc__ or "").strip().partition("\n")[0].replace("`", "")


RULES: dict[str, Rule] = {}


def rule(
    source: str, kind: str = "rule", derivatives: tuple[int, ...] | None = None, name: str | None = None
) -> Callable[[Callable[..., Choice]], Callable[..., Choice]]:
    """Register a step rule under its function's name."""

    def register(choose: Callable[..., Choice]) -> Callable[..., Choice]:
        listed = name or choose.__name__.replace("_", "-")
        if listed in RULES:
            raise UserError(f"there are two step rules named {listed!r}")
        RULES[listed] = Rule(listed, choose, source, kind, derivatives)
        return choose

    return register
