"""What a step rule answers, and how rules are found.

* :class:`Choice`: the step, why, what it cost, and what the rule knows besides.
* ``@rule(source="...")``: registers ``def name(f, x, fmt, stencil) -> Choice``; ``some_name`` is listed as
  ``some-name``.
* :class:`Rule`: ``rule.choose(f, x, fmt, stencil)`` for points of any shape.

A rule is a pure function. ``f`` is a :class:`~diffbench.steps.sampler.Sampler`, ``x`` a flat array of points
in the wide dtype (numbers of the format), ``fmt`` the format, ``stencil`` the formula that will use the step.
Its keyword-only arguments are its parameters, which a method's name may set: ``mathur(points=40)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UnknownNameError, UserError
from diffbench.stencils import Stencil
from diffbench.steps.sampler import Sampler

Wide = np.ndarray[Any, Any]

KINDS = ("constant", "rule", "selector", "oracle")

# What can go wrong at a point, the most serious first; an estimate's status is the first that applies
# somewhere.
ORDER = (
    *"refused timeout error domain overflow underflow step_vanished".split(),
    *"no_derivative no_step low_confidence ok".split(),
)


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
        ``ok``, or what went wrong (``no_step low_confidence domain overflow error``); ``message`` says why of
        the most serious.
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
    """A step rule by name.

    Attributes
    ----------
    name : str
    function : callable
        ``function(f, x, fmt, stencil, **parameters)`` -> :class:`Choice`, for a flat array of points; an
        oracle also takes ``truth=``, a callable: order k -> the true f^(k) at the points.
    source : str
        Where it is described.
    kind : str
        ``constant``, ``rule`` (a formula), ``selector`` (looks at f) or ``oracle`` (knows the truth).
    derivatives : tuple of int or None
        The orders it is for; None means every order.
    stencils : tuple of str or None
        The formulas it is for; None means every one.
    rounding : str
        What becomes of its step unless the method's name says otherwise (:mod:`diffbench.steps.rounding`).
    settings : mapping
        Parameters that differ from their defaults.
    """

    name: str
    function: Callable[..., Choice]
    source: str
    kind: str = "rule"
    derivatives: tuple[int, ...] | None = None
    stencils: tuple[str, ...] | None = None
    rounding: str = "plain"
    settings: Mapping[str, float] = field(default_factory=dict)

    def choose(self, f: Sampler, x: Any, fmt: Format, stencil: Stencil, **more: Any) -> Choice:
        """The step at every point; the fields of the choice have the shape of ``x``."""
        points = np.asarray(x, dtype=f.wide)
        with np.errstate(all="ignore"):  # a zero or an infinity is the rule's own business
            found = self.function(f, points.reshape(-1), fmt, stencil, **self.settings, **more)
        if points.ndim == 1:
            return found
        return replace(found, **{name: _shaped(getattr(found, name), points.shape) for name in _PER_POINT})

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters and their values."""
        signature = inspect.signature(self.function).parameters.values()
        own = {p.name: p.default for p in signature if p.kind is p.KEYWORD_ONLY and p.name != "truth"}
        return {**own, **self.settings}

    def with_settings(self, settings: Mapping[str, float]) -> Rule:
        """The rule with other parameters.

        Raises
        ------
        UnknownNameError
            If it has no such parameter; the message suggests the nearest.
        """
        for name in settings:
            if not self.parameters:
                raise UserError(f"the step rule {self.name} has no parameters: leave ({name}=...) out")
            if name not in self.parameters:
                raise UnknownNameError(f"parameter of {self.name}", name, self.parameters)
        return replace(self, settings={**self.settings, **settings}) if settings else self

    def refusal(self, stencil: str, derivative: int) -> str:
        """Why the rule is not for this formula, or an empty text."""
        if self.stencils is not None and stencil not in self.stencils:
            return f"the step rule {self.name} is for {' and '.join(self.stencils)}, not {stencil}"
        if self.derivatives is not None and derivative not in self.derivatives:
            listed = ", ".join(map(str, self.derivatives))
            return f"the step rule {self.name} is for derivatives of order {listed}, not {derivative}"
        return ""

    @property
    def what(self) -> str:
        """The first sentence of its description."""
        paragraph = (self.function.__doc__ or "").strip().partition("\n\n")[0]
        return " ".join(paragraph.split()).replace("`", "")


def worst(statuses: Any) -> str:
    """The most serious of some statuses (one, or an array)."""
    if isinstance(statuses, str):
        return str(statuses)
    return min(map(str, np.unique(statuses)), key=ORDER.index, default="ok")


_PER_POINT = ("h", "evaluations", "value", "error", "status")


def _shaped(value: Any, shape: tuple[int, ...]) -> Any:
    return value.reshape(shape) if isinstance(value, np.ndarray) and value.ndim else value


RULES: dict[str, Rule] = {}


def rule(
    source: str,
    kind: str = "rule",
    derivatives: tuple[int, ...] | None = None,
    name: str | None = None,
    stencils: tuple[str, ...] | None = None,
    rounding: str = "plain",
) -> Callable[[Callable[..., Choice]], Callable[..., Choice]]:
    """Register a step rule under its function's name."""

    def register(function: Callable[..., Choice]) -> Callable[..., Choice]:
        listed = name or function.__name__.replace("_", "-")
        if listed in RULES:
            raise UserError(f"there are two step rules named {listed!r}")
        if kind not in KINDS:
            raise UnknownNameError("kind of step rule", kind, KINDS)
        RULES[listed] = Rule(listed, function, source, kind, derivatives, stencils, rounding)
        return function

    return register
