"""Methods with a plain name that estimate the derivative themselves: what they are, and how they are applied.

``@estimator(...)`` registers ``def name(f, x, fmt, derivative, *, parameters) -> Choice``, a pure function
like a step rule: ``f`` a sampler, ``x`` a flat array of points in the wide dtype, the answer a
:class:`~diffbench.steps.choice.Choice` with ``value`` and, where there is one, ``error``. Its algebra runs
in the wide dtype on values of the format; the value is rounded to the format once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UnknownNameError, UserError
from diffbench.methods.estimate import Estimate
from diffbench.methods.method import Method
from diffbench.methods.step_rules import Block, computed_by_rule, in_blocks
from diffbench.steps.choice import Choice, Wide
from diffbench.steps.rounding import round_step
from diffbench.steps.sampler import Sampler

Sampling = Callable[[Any, Format], Any]


@dataclass(frozen=True)
class Estimator:
    """A method that is one function; ``sampling`` makes what it calls its function with."""

    name: str
    function: Callable[..., Choice]
    family: str
    source: str
    derivatives: tuple[int, ...]
    formats: tuple[str, ...] | None = None
    sampling: Sampling = Sampler
    settings: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters and their values."""
        signature = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in signature if p.kind is p.KEYWORD_ONLY} | dict(self.settings)

    def with_settings(self, name: str, settings: Mapping[str, float]) -> Estimator:
        """The estimator with other parameters, under the name that says so.

        Raises
        ------
        UnknownNameError
            If it has no such parameter.
        """
        for key in settings:
            if key not in self.parameters:
                raise UnknownNameError(f"parameter of {self.name}", key, self.parameters)
        return Estimator(
            name,
            self.function,
            self.family,
            self.source,
            self.derivatives,
            self.formats,
            self.sampling,
            dict(settings),
        )

    def method(self) -> Method:
        """As ``methods()`` lists it."""
        return Method(
            self.name,
            self.estimate,
            self.family,
            derivatives=self.derivatives,
            formats=self.formats,
            source=self.source,
        )

    def estimate(self, f: Any, fmt: Format, points: Wide, derivative: int) -> Estimate:
        """The derivative at every point."""
        if derivative not in self.derivatives:
            listed = ", ".join(map(str, self.derivatives))
            raise UserError(f"{self.name} does derivatives of order {listed}, not {derivative}")
        return in_blocks(lambda part: self._block(f, fmt, part, derivative), points.reshape(-1), points.shape)

    def _block(self, f: Any, fmt: Format, x: Wide, derivative: int) -> Block:
        sampler = self.sampling(f, fmt)
        with np.errstate(all="ignore"):
            found = self.function(sampler, x.astype(sampler.wide), fmt, derivative, **self.settings)
        return computed_by_rule(found, sampler, fmt, x, round_step("plain", fmt, x, found.h))


ESTIMATORS: dict[str, Estimator] = {}


def estimator(
    family: str,
    source: str,
    derivatives: tuple[int, ...],
    formats: tuple[str, ...] | None = None,
    name: str | None = None,
    sampling: Sampling = Sampler,
) -> Callable[[Callable[..., Choice]], Callable[..., Choice]]:
    """Register an estimator under its function's name."""

    def register(function: Callable[..., Choice]) -> Callable[..., Choice]:
        listed = name or function.__name__.replace("_", "-")
        if listed in ESTIMATORS:
            raise UserError(f"there are two estimators named {listed!r}")
        ESTIMATORS[listed] = Estimator(listed, function, family, source, derivatives, formats, sampling)
        return function

    return register
