"""The answer of :func:`diffbench.advise`: numbers to paste, what to expect of them, and what they rest on."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diffbench.advice.curve import Curve
from diffbench.stencils import stencil_from_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Option:
    """One stencil at its best step.

    ``error`` is what to expect there, ``truncation`` and ``noise`` are what the model says of its parts.
    """

    stencil: str
    h: float
    error: float
    truncation: float
    noise: float
    evaluations: int


@dataclass(frozen=True)
class Usual:
    """A step people use without looking: its error on this function, as a multiple of the best one's."""

    name: str
    h: float
    stencil: str
    error: float
    worse: float
    message: str = ""


@dataclass(frozen=True)
class Check:
    """The advice held against the exact sweep, or against a truth the user gave.

    Attributes
    ----------
    source : str
        What it was checked against; empty if it could not be, and ``message`` says why.
    actual : float
        |error| of the recommended stencil at the recommended step.
    h_best, error_best : float
        The robust best step of the same stencil, and its error.
    factor : float
        ``actual / error_best``, both at least a unit roundoff of the derivative.
    """

    source: str = ""
    actual: float = math.nan
    h_best: float = math.nan
    error_best: float = math.nan
    factor: float = math.nan
    message: str = ""


@dataclass(frozen=True)
class Advice:
    """Which stencil and which step for one function at one point.

    Attributes
    ----------
    stencil : str
        Name of the recommended stencil; empty if there is no step with a value at all.
    h : float
        The recommended step, a number of the format.
    expected_error : float
        Absolute error to expect there: nine of ten steps around it stay below.
    truncation, rounding : float
        Its two parts, by the model: what the stencil gets wrong, and what the noise of f makes of it.
    noise : float
        Standard deviation of one value of f; ``noise_in_ulp`` in units of the last place of f(x).
    value, bound : float
        The derivative by which the steps were judged, and how well it is known.
    options : tuple of Option
        The other stencils at their best steps.
    usual : tuple of Usual
        How 1e-4, 1e-5, sqrt(eps) and cbrt(eps) do on this function.
    instead : tuple of str
        What is better than any step here.
    reasons : tuple of str
        What the advice rests on.
    check : Check
    status, message : str
        ``ok``, or ``low_confidence`` and why.
    evaluations : int
        Values of f that it took.
    """

    function: str
    x: float
    format: str
    derivative: int
    stencil: str
    h: float
    expected_error: float
    truncation: float
    rounding: float
    noise: float
    noise_in_ulp: float
    value: float
    bound: float
    options: tuple[Option, ...] = ()
    usual: tuple[Usual, ...] = ()
    instead: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    check: Check = field(default_factory=Check)
    status: str = "ok"
    message: str = ""
    evaluations: int = 0
    curves: Mapping[str, Curve] = field(default_factory=dict, repr=False, compare=False)
    eps: float = 2.0**-52

    @property
    def relative_error(self) -> float:
        """The expected error relative to the derivative; infinite where that is 0."""
        if self.value:
            return self.expected_error / abs(self.value)
        return math.inf if self.expected_error else 0.0

    @property
    def h_text(self) -> str:
        """The step as one would write it: ``2**-17 = 7.62939453125e-06`` for a power of two."""
        mantissa, exponent = math.frexp(self.h) if math.isfinite(self.h) else (0.0, 0)
        return f"2**{exponent - 1} = {self.h!r}" if mantissa == 0.5 else repr(self.h)

    @property
    def rule(self) -> str:
        """The step as a rule that scales with x and the format; exact at this x, a guess elsewhere.

        Round it to a power of two: x + h is then a number of the format, which all promises assume.
        """
        if not self.stencil:
            return ""
        order = self.derivative + stencil_from_name(self.stencil, self.derivative).accuracy
        factor = self.h / (self.eps ** (1 / order) * max(1.0, abs(self.x)))
        return f"h = {factor:.3g} * eps**(1/{order}) * max(1, abs(x))"

    @property
    def code(self) -> str:
        """The formula in Python, with f, x and h."""
        return formula(self.stencil, self.derivative) if self.stencil else ""

    def plot(self) -> Figure:
        """Expected error against the step, with the recommended and the usual steps marked."""
        from diffbench.report.advice_figure import advice_figure

        return advice_figure(self)

    def as_dict(self) -> dict[str, Any]:
        """All numbers and texts as plain values, for JSON."""
        names = (
            "function x format derivative status message stencil h expected_error truncation rounding noise"
        )
        names += " noise_in_ulp value bound evaluations h_text rule code relative_error"
        found: dict[str, Any] = {name: getattr(self, name) for name in names.split()}
        found |= {name: list(getattr(self, name)) for name in ("reasons", "instead")}
        found |= {name: [dict(vars(row)) for row in getattr(self, name)] for name in ("options", "usual")}
        return found | {"check": dict(vars(self.check))}

    def lines(self) -> list[str]:
        """The answer in sentences."""
        head = f"{self.function} at x = {self.x!r}, derivative {self.derivative}, {self.format}"
        found = [head]
        if self.status != "ok":
            found.append(f"{self.status}: {self.message}")
        if self.stencil:
            found += [
                f"use    {self.stencil} with h = {self.h_text}",
                f"code   {self.code}",
                f"rule   {self.rule}, rounded to a power of two; eps = {self.eps:.3g}",
                f"error  {self.expected_error:.2g} ({_share(self.relative_error)}): truncation "
                f"{self.truncation:.2g}, noise {self.rounding:.2g}",
            ]
        found.append(f"noise  {self.noise:.2g} in one value of f ({self.noise_in_ulp:.2g} ulp)")
        found += [f"usual  {row.name} = {row.h:.3g}, {row.stencil}: {usual_text(row)}" for row in self.usual]
        found += [f"instead {text}" for text in self.instead]
        found.append(f"check  {check_text(self.check)}")
        return found + [f"why    {text}" for text in self.reasons]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        cells = ""
        for line in self.lines()[1:]:
            word, _, text = line.partition(" ")
            cells += f"<tr><th>{html.escape(word)}</th><td>{html.escape(text.strip())}</td></tr>"
        return f"<b>{html.escape(self.lines()[0])}</b><table>{cells}</table>"


def _share(relative: float) -> str:
    return f"{relative:.2g} of the derivative" if math.isfinite(relative) else "the derivative itself is 0"


def usual_text(row: Usual) -> str:
    """What is said of a usual step."""
    if row.message:
        return row.message
    if row.worse <= 2:
        return f"error {row.error:.2g}, as good as the best"
    return f"error {row.error:.2g}, {times(row.worse)} times the best of {row.stencil}"


def times(factor: float) -> str:
    """A factor with two digits, as one would say it."""
    if factor >= 1e5 or not factor >= 1e-2:
        return f"{factor:.1e}"
    return f"{float(f'{factor:.2g}'):g}"


def check_text(check: Check) -> str:
    """What is said of the check."""
    if not check.source:
        return f"not checked: {check.message}"
    if math.isnan(check.factor):
        return f"{check.source}: {check.message}"
    return (
        f"{check.source}: error {check.actual:.2g}, {times(check.factor)} times the robust best "
        f"({check.error_best:.2g} at h = {check.h_best:.2g})"
    )


def formula(name: str, derivative: int) -> str:
    """A stencil as a Python expression in f, x and h, with integer weights and one division."""
    stencil = stencil_from_name(name, derivative)
    terms = ""
    for s, n in sorted(zip(stencil.offsets, stencil.numerators, strict=True), reverse=True):
        if n == 0:
            continue
        sign = "-" if n < 0 else "+" if terms else ""
        factor = "" if abs(n) == 1 else f"{abs(n)}*"
        terms += f" {sign} {factor}{_node(int(s))}" if terms else f"{sign}{factor}{_node(int(s))}"
    power = "h" if derivative == 1 else f"h**{derivative}"
    divisor = power if stencil.denominator == 1 else f"({stencil.denominator}*{power})"
    return f"({terms}) / {divisor}"


def _node(s: int) -> str:
    if s == 0:
        return "f(x)"
    step = "h" if abs(s) == 1 else f"{abs(s)}*h"
    return f"f(x {'+' if s > 0 else '-'} {step})"
