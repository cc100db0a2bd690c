"""A stencil with a step rule, applied: choose h, round it, evaluate the nodes, combine, judge every point.

:class:`Plan` is what a method such as ``central-2@eps-scaled`` does. The program runs in the format and the
stencil is combined in it (``Scheme``); a rule that has computed the derivative on its way answers with that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import UserError
from diffbench.methods.estimate import Estimate
from diffbench.methods.finite_differences import Scheme, factors, nodes
from diffbench.stencils import Stencil, stencil_from_name
from diffbench.steps.choice import Choice, Rule, worst
from diffbench.steps.rounding import round_step
from diffbench.steps.sampler import Sampler

Program = Callable[..., Any]
Raw = np.ndarray[Any, Any]

#: Points that are done at once: their nodes and values stay in the processor's cache.
BLOCK = 16384

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
    """What some points gave: arrays of one length.

    ``evaluations`` is a number where it is the same for all, ``statuses`` None where all are ok. ``own`` is
    the status that ``message`` explains.
    """

    value: Raw
    h: Raw
    evaluations: Any
    error: Raw | None = None
    statuses: Raw | None = None
    own: str = "ok"
    message: str = ""


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
        if self.rule.kind == "oracle" and truth is None and step is None:
            raise UserError(f"the step rule {self.rule.name} needs the true derivatives: give truth=")
        flat = points.reshape(-1)
        if flat.size <= BLOCK or truth is not None:
            return joined([self._block(f, fmt, flat, scheme, step, truth)], points.shape)
        return in_blocks(lambda part: self._block(f, fmt, part, scheme, step, None), flat, points.shape)

    def _block(self, f: Program, fmt: Format, x: Raw, scheme: Scheme, step: Any, truth: Any) -> Block:
        sampler = Sampler(f, fmt)
        if step is not None:
            return _by_stencil(Choice(x), sampler, fmt, x, np.full(x.shape, step, dtype=fmt.dtype), scheme)
        more = {} if truth is None else {"truth": truth}
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
    sure = isinstance(choice.status, str) and choice.status == "ok"
    usable = None if sure else np.isfinite(h)
    count = choice.evaluations
    if usable is None or usable.all():
        value, statuses = _apply(sampler, fmt, x, h, scheme)
        count = count + len(scheme.stencil.offsets)
    else:
        value = np.full(x.shape, np.nan).astype(scheme.working_format(fmt).dtype)
        count = count + np.where(usable, len(scheme.stencil.offsets), 0)
        statuses = None
        if usable.any():
            value[usable], found = _apply(sampler, fmt, x[usable], h[usable], scheme)
            if found is not None:
                statuses = np.full(x.shape, "ok", dtype=found.dtype)
                statuses[usable] = found
    if not sure:
        own = np.broadcast_to(np.asarray(choice.status), x.shape)
        statuses = own if statuses is None else np.where(statuses == "ok", own, statuses)
    return _block(value, h, count, choice, statuses, sampler)


def _apply(sampler: Sampler, fmt: Format, x: Raw, h: Raw, scheme: Scheme) -> tuple[Raw, Raw | None]:
    """Estimates in the format and the status of every point (None: ok everywhere)."""
    exact = factors(fmt, scheme.stencil)
    with np.errstate(all="ignore"):
        where = nodes(fmt, x, h, scheme.stencil.offsets) if exact is None else _nodes(x, exact, h)
    run = sampler.run(where)
    combined = scheme.combine(fmt, run.values, h)
    order = _order(scheme.stencil)
    ordered = where if order is None else where[order]
    with np.errstate(all="ignore"):
        vanished = ordered[1:] == ordered[:-1]
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


def _nodes(x: Raw, exact: Raw, h: Raw) -> Raw:
    """``fl(x + fl(s h))`` where the offsets are numbers of the format, without a second array."""
    where = exact * h
    where += x
    return where


@lru_cache(maxsize=512)
def _order(stencil: Stencil) -> Raw | None:
    """What sorts the offsets; None where they increase already."""
    offsets = [float(s) for s in stencil.offsets]
    return None if offsets == sorted(offsets) else np.argsort(offsets)


def computed_by_rule(choice: Choice, sampler: Any, fmt: Format, x: Raw, h: Raw) -> Block:
    """The rule's own value, rounded once to the format."""
    value = fmt.round(choice.value)
    statuses = choice.status
    finite = np.isfinite(value)
    if not finite.all():
        statuses = np.broadcast_to(np.asarray(statuses), x.shape)
        wrong = np.where(np.isnan(value), "error" if sampler.message else "domain", "overflow")
        statuses = np.where((statuses == "ok") & ~finite, wrong, statuses)
    elif isinstance(statuses, str):
        statuses = None if statuses == "ok" else np.full(x.shape, statuses)
    return _block(value, h, choice.evaluations, choice, statuses, sampler)


def _block(value: Raw, h: Raw, count: Any, choice: Choice, statuses: Raw | None, sampler: Any) -> Block:
    if value.size == 1:  # what was really asked for, a second try after an exception included
        count = sampler.evaluations
    own, message = "ok", ""
    if statuses is not None:
        own, message = worst(choice.status), choice.message
        if sampler.message:
            own, message = "error", f"the function raised {sampler.message}"
    return Block(value, h, count, choice.error, statuses, own, message)


def in_blocks(apply: Callable[[Raw], Block], points: Raw, shape: tuple[int, ...]) -> Estimate:
    """Some points at a time; values and steps go where they belong at once."""
    made: dict[str, Raw] = {}
    blocks = []
    for start in range(0, max(points.size, 1), BLOCK):
        block = apply(points[start : start + BLOCK])
        for name, part in (("value", block.value), ("h", block.h)):
            if start == 0:
                made[name] = np.empty(points.shape, dtype=part.dtype)
            made[name][start : start + BLOCK] = part
        blocks.append(replace(block, value=made["value"][start : start + BLOCK], h=block.h[:0]))
    return joined(blocks, shape, (made["value"], made["h"]))


def joined(blocks: list[Block], shape: tuple[int, ...], made: tuple[Raw, Raw] | None = None) -> Estimate:
    """Blocks as one estimate of the shape of x; ``made``: their values and steps, joined already."""

    def together(arrays: list[Any]) -> Any:
        whole = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        return whole.reshape(shape)[()]

    status, message, statuses = "ok", "", None
    if any(b.statuses is not None for b in blocks):
        statuses = together(
            [np.full(b.value.shape, "ok") if b.statuses is None else b.statuses for b in blocks]
        )
        status = worst(statuses)
        own = next((b.message for b in blocks if b.own == status and b.message), "")
        message = "" if status == "ok" else own or ADVICE[status]
    errors = [b.error for b in blocks]
    value, h = made or (blocks[0].value, blocks[0].h)
    return Estimate(
        value.reshape(shape)[()],
        h.reshape(shape)[()],
        _counted(blocks, shape),
        status,
        message,
        None if any(e is None for e in errors) else together(errors),
        None if status == "ok" else statuses,
    )


def _counted(blocks: list[Block], shape: tuple[int, ...]) -> Any:
    """Evaluations per point: a number where they are the same everywhere."""
    if all(isinstance(b.evaluations, int) for b in blocks) and len({b.evaluations for b in blocks}) == 1:
        return blocks[0].evaluations
    every = np.concatenate([np.broadcast_to(b.evaluations, b.value.shape) for b in blocks])
    same = every.size == 0 or bool((every == every[0]).all())
    return (int(every[0]) if every.size else 0) if same else every.reshape(shape)
