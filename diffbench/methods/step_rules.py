"""A stencil with a step rule, applied: choose h, round it, evaluate the nodes, combine, judge every point.

:class:`Plan` is what a method such as ``central-2@eps-scaled`` does. The program runs in the format and the
stencil is combined in it (``Scheme``); a rule that has computed the derivative on its way answers with that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UserError
from diffbench.methods.estimate import Estimate
from diffbench.methods.finite_differences import Scheme, nodes
from diffbench.stencils import stencil_from_name
from diffbench.steps.choice import Choice, Rule
from diffbench.steps.rounding import round_step
from diffbench.steps.sampler import Sampler

Program = Callable[..., Any]
Raw = np.ndarray[Any, Any]

#: Points that are done at once: their nodes and values stay in the processor's cache.
BLOCK = 8192

# In the order of THEORY: the first that applies at some point is the estimate's.
ORDER = (
    *"refused timeout error domain overflow underflow step_vanished".split(),
    *"no_derivative no_step low_confidence".split(),
)
ADVICE = {
    "error": "the function raised",
    "domain": "a node left the domain of the function: use a smaller step or a one-sided stencil",
    "overflow": "an intermediate result is infinite in the format: rescale, or use a wider format",
    "underflow": "h^m is 0 in the format: use a larger step",
    "step_vanished": "x + h rounds to x in the format: use a larger step",
    "no_step": "the rule found no step",
    "low_confidence": "the method does not vouch for this value",
}


@dataclass(frozen=True)
class Block:
    """What some points gave: arrays of one length."""

    value: Raw
    h: Raw
    evaluations: Raw
    error: Raw | None
    statuses: Raw | None  # None: ok everywhere
    message: str


@dataclass(frozen=True)
class Plan:
    """A stencil's name, a rule, the variant of the arithmetic and the rounding of the step."""

    stencil: str
    rule: Rule
    variant: str
    rounding: str

    def estimate(
        self, f: Program, fmt: Format, points: Raw, derivative: int, step: Any = None, truth: Any = None
    ) -> Estimate:
        """The derivative at every point; see :class:`~diffbench.methods.method.Method`."""
        scheme = _scheme(self.stencil, derivative, self.variant)
        if refusal := self.rule.refusal(scheme.stencil.name, derivative):
            raise UserError(refusal)
        flat = points.reshape(-1)
        if flat.size <= BLOCK or truth is not None:
            return joined([self._block(f, fmt, flat, scheme, step, truth)], points.shape)
        parts = [flat[i : i + BLOCK] for i in range(0, flat.size, BLOCK)]
        return joined([self._block(f, fmt, part, scheme, step, None) for part in parts], points.shape)

    def _block(self, f: Program, fmt: Format, x: Raw, scheme: Scheme, step: Any, truth: Any) -> Block:
        sampler = Sampler(f, fmt)
        more = {} if truth is None else {"truth": truth}
        if step is not None:
            choice, h = Choice(x), np.full(x.shape, step, dtype=fmt.dtype)
        elif self.rule.kind == "oracle" and truth is None:
            raise UserError(f"the step rule {self.rule.name} needs the true derivatives: give truth=")
        else:
            choice = self.rule.choose(sampler, x, fmt, scheme.stencil, **more)
            h = round_step(self.rounding, fmt, x, choice.h)
        if choice.value is not None:
            return computed_by_rule(choice, sampler, fmt, x, h)
        return _by_stencil(choice, sampler, fmt, x, h, scheme)


@lru_cache(maxsize=512)
def _scheme(name: str, derivative: int, variant: str) -> Scheme:
    return Scheme(stencil_from_name(name, derivative=derivative), variant)


def _by_stencil(choice: Choice, sampler: Sampler, fmt: Format, x: Raw, h: Raw, scheme: Scheme) -> Block:
    """The stencil at the chosen steps; points without a step are left out, and NaN."""
    usable = None if isinstance(choice.status, str) and choice.status == "ok" else np.isfinite(h)
    if usable is None or usable.all():
        value, statuses = _apply(sampler, fmt, x, h, scheme)
        count = choice.evaluations + len(scheme.stencil.offsets)
    else:
        value = np.full(x.shape, np.nan).astype(scheme.working_format(fmt).dtype)
        count = choice.evaluations + np.where(usable, len(scheme.stencil.offsets), 0)
        statuses = None
        if usable.any():
            value[usable], found = _apply(sampler, fmt, x[usable], h[usable], scheme)
            if found is not None:
                statuses = np.full(x.shape, "ok", dtype=found.dtype)
                statuses[usable] = found
    if not isinstance(choice.status, str) or choice.status != "ok":
        statuses = choice.status if statuses is None else np.where(statuses == "ok", choice.status, statuses)
    return _block(value, h, count, choice, statuses, sampler, x)


def _apply(sampler: Sampler, fmt: Format, x: Raw, h: Raw, scheme: Scheme) -> tuple[Raw, Raw | None]:
    """Estimates in the format and the status of every point (None: ok everywhere)."""
    where = nodes(fmt, x, h, scheme.stencil.offsets)
    run = sampler.run(where)
    combined = scheme.combine(fmt, run.values, h)
    order = _increasing(scheme.stencil.offsets)
    with np.errstate(all="ignore"):
        vanished = where[order[1:]] == where[order[:-1]]
    fine = not (vanished.any() or run.overflow.any() or combined.infinite.any())
    if fine and np.isfinite(combined.estimate).all():  # h^m = 0 and nodes outside would show in the estimate
        return combined.estimate, None
    reached = np.isfinite(where)
    problems = {
        "step_vanished": vanished.any(axis=0),
        "underflow": combined.divisor == 0,
        # a numerator may be infinite in the format, which raises no flag
        "overflow": combined.infinite
        | run.overflow.any(axis=0)
        | ~reached.all(axis=0)
        | (~np.isfinite(combined.estimate) & (combined.divisor != 0)),
        # an infinity on the way explains a NaN; without one, the node left the domain
        "domain": (np.isnan(run.values) & ~run.overflow & reached).any(axis=0),
    }
    statuses = np.full(x.shape, "ok", dtype="<U14")
    for name, found in problems.items():  # the most serious last
        statuses[found] = name
    if sampler.message:
        statuses[problems["domain"]] = "error"
    return combined.estimate, statuses


@lru_cache(maxsize=512)
def _increasing(offsets: Any) -> Raw:
    return np.argsort([float(s) for s in offsets])


def computed_by_rule(choice: Choice, sampler: Sampler, fmt: Format, x: Raw, h: Raw) -> Block:
    """The rule's own value, rounded once to the format."""
    assert choice.value is not None
    with np.errstate(all="ignore"):
        value = fmt.round(choice.value)
    statuses = np.broadcast_to(np.asarray(choice.status), x.shape)
    silent = (statuses == "ok") & ~np.isfinite(value)
    if silent.any():
        wrong = np.where(np.isnan(value), "error" if sampler.message else "domain", "overflow")
        statuses = np.where(silent, wrong, statuses)
    return _block(value, h, choice.evaluations, choice, statuses, sampler, x)


def _block(value: Raw, h: Raw, count: Any, choice: Choice, statuses: Any, sampler: Sampler, x: Raw) -> Block:
    evaluations = np.broadcast_to(np.asarray(count), x.shape)
    if x.size == 1:  # what was really asked for, a second run to find an overflow included
        evaluations = np.full(x.shape, sampler.evaluations)
    if statuses is not None:
        statuses = np.broadcast_to(np.asarray(statuses), x.shape)
    message = choice.message
    if sampler.message:
        message = f"the function raised {sampler.message}"
    return Block(value, h, evaluations, choice.error, statuses, message)


def joined(blocks: list[Block], shape: tuple[int, ...]) -> Estimate:
    """Blocks as one estimate of the shape of x."""

    def together(arrays: list[Any]) -> Any:
        whole = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        return whole.reshape(shape)[()]

    evaluations = (
        np.concatenate([b.evaluations for b in blocks]) if len(blocks) > 1 else blocks[0].evaluations
    )
    same = evaluations.size == 0 or bool((evaluations == evaluations[0]).all())
    counted = (int(evaluations[0]) if evaluations.size else 0) if same else evaluations.reshape(shape)
    errors = [b.error for b in blocks]
    status, message, statuses = "ok", "", None
    if any(b.statuses is not None for b in blocks):
        every = [np.full(b.value.shape, "ok") if b.statuses is None else b.statuses for b in blocks]
        statuses = together(every)
        status = worst(np.unique(statuses))
        own = next(
            (b.message for b in blocks if b.message and b.statuses is not None and status in b.statuses), ""
        )
        special = status in ("error", "no_step", "low_confidence")
        message = (own if special and own else "") or ADVICE.get(status, "")
    return Estimate(
        together([b.value for b in blocks]),
        together([b.h for b in blocks]),
        counted,
        status,
        message,
        None if any(e is None for e in errors) else together(errors),
        None if status == "ok" else statuses,
    )


def worst(statuses: Any) -> str:
    """The status that comes first in THEORY's order."""
    found = {str(s) for s in statuses} - {"ok"}
    return min(found, key=lambda s: ORDER.index(s) if s in ORDER else len(ORDER), default="ok")
