"""A step for every coordinate, by any step rule, and what bounds make of it.

A rule that needs no function values is asked once for all coordinates. A selector looks at the function
along each coordinate in turn (:mod:`~diffbench.multivariate.selectors`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.errors import UserError
from diffbench.methods.names import stencil_method
from diffbench.methods.step_rules import Plan
from diffbench.multivariate.request import Request
from diffbench.multivariate.selectors import search
from diffbench.stencils import Stencil, stencil_from_name
from diffbench.steps.choice import Choice
from diffbench.steps.rounding import round_step
from diffbench.steps.sampler import Sampler

Raw = np.ndarray[Any, Any]

WITHOUT_VALUES = ("constant", "rule")  # kinds of rules that never call the function


@dataclass(frozen=True)
class Steps:
    """Steps of the shape of ``x``, what choosing them cost, and how it went.

    Attributes
    ----------
    h : array, shape of x, dtype of the format
    evaluations : int or array of int, shape (P,)
    statuses, messages : arrays of str, shape of x
    error : array or None
        The error estimate of the rule, where it has one.
    """

    h: Raw
    evaluations: Any
    statuses: Raw
    messages: Raw
    error: Any = None


def plan_of(method: str) -> Plan:
    """The stencil, rule, variant and rounding that a name such as ``central-2@eps-scaled`` stands for.

    Raises
    ------
    UnknownNameError, UserError
        If the name or one of its parts does not exist.
    """
    plan: Plan = stencil_method(method).estimate.__self__  # type: ignore[attr-defined]
    if plan.variant != "integer":
        raise UserError(f"{method}: in several variables stencils run in the variant integer, leave it out")
    if plan.rule.kind == "oracle":
        raise UserError(f"{method}: the rule {plan.rule.name} knows the true derivatives: give step= instead")
    return plan


def choose_steps(asked: Request, plan: Plan, order: int, scalar: bool = True) -> Steps:
    """A step for every coordinate of every point.

    Parameters
    ----------
    order : int
        The order of the derivative, in all variables together.
    scalar : bool
        Whether the function has one output.
    """
    fmt, x = asked.fmt, asked.x
    ok = np.full(x.shape, "ok", dtype=object)
    nothing = np.full(x.shape, "", dtype=object)
    if asked.step is not None:
        return Steps(asked.step, 0, ok, nothing)
    stencil = stencil_from_name(plan.stencil, derivative=min(order, 6))
    if refusal := plan.rule.refusal(stencil.name, order):
        raise UserError(refusal)
    if plan.rule.kind in WITHOUT_VALUES:
        choice = plan.rule.choose(Sampler(_never, fmt), x.reshape(-1), fmt, stencil)
        return _from_choice(asked, plan, choice)
    return _searched(asked, plan, stencil, scalar)


def _never(t: Any) -> Any:
    raise UserError("this step rule looks at the function: it is a selector")


def _from_choice(asked: Request, plan: Plan, choice: Choice) -> Steps:
    shape = asked.x.shape
    h = round_step(plan.rounding, asked.fmt, asked.x.reshape(-1), np.asarray(choice.h))
    statuses = np.broadcast_to(np.asarray(choice.status, dtype=object), asked.x.size).reshape(shape)
    return Steps(h.reshape(shape), 0, statuses, np.full(shape, choice.message, dtype=object))


def _searched(asked: Request, plan: Plan, stencil: Stencil, scalar: bool) -> Steps:
    """One selector for each coordinate of each point."""
    found = search(asked, plan, stencil, scalar)

    def back(a: Raw) -> Raw:
        return np.ascontiguousarray(a.T).reshape(asked.x.shape)

    known = back(found.error) if np.isfinite(found.error).any() else None
    return Steps(back(found.h), found.evaluations, back(found.statuses), back(found.messages), known)


# bounds ---------------------------------------------------------------------------------------------------


def reach(stencil: Stencil) -> tuple[int, int]:
    """The outermost offsets (integers in the families of stencils)."""
    return int(min(stencil.offsets)), int(max(stencil.offsets))


def fitted(asked: Request, name: str, orders: Raw, h: Raw) -> tuple[Raw, Raw, str]:
    """Stencils and steps that stay within the bounds.

    A stencil that would leave them is replaced by the one-sided stencil of its accuracy that fits; where
    neither side has room for it, the step shrinks.

    Parameters
    ----------
    orders : array of int, shape of x
        The order of the derivative in each coordinate.

    Returns
    -------
    names, h : arrays, shape of x
    note : str
        Which coordinates got another stencil or a smaller step.
    """
    names = np.full(asked.x.shape, name, dtype=object)
    if asked.low is None or asked.high is None:
        return names, h, ""
    h, notes = h.copy(), []
    accuracy = stencil_from_name(name).accuracy
    for index in np.ndindex(asked.x.shape):
        m = int(orders[index])
        room = (asked.low[index], asked.high[index])
        for candidate in dict.fromkeys((name, f"forward-{accuracy}", f"backward-{accuracy}")):
            if _fits(asked.fmt, asked.x[index], h[index], stencil_from_name(candidate, derivative=m), room):
                break
        else:
            candidate, h[index] = _shrunk(asked.fmt, asked.x[index], h[index], accuracy, m, room)
            notes.append(f"{_coordinate(index)}: {candidate} with a smaller step, for lack of room")
        if candidate != name and not (notes and notes[-1].startswith(f"{_coordinate(index)}:")):
            notes.append(f"{_coordinate(index)}: {candidate}")
        names[index] = candidate
    note = f"at the bounds, other stencils than {name}: {'; '.join(notes[:8])}" if notes else ""
    return names, h, note + (f"; and {len(notes) - 8} more" if len(notes) > 8 else "")


def _coordinate(index: tuple[int, ...]) -> str:
    return f"x[{', '.join(map(str, index))}]"


def _fits(fmt: Any, x: Any, h: Any, stencil: Stencil, room: tuple[Any, Any]) -> bool:
    low, high = reach(stencil)
    with np.errstate(all="ignore"):
        first, last = x + fmt.dtype.type(low) * h, x + fmt.dtype.type(high) * h
    return bool(room[0] <= first and last <= room[1])


def _shrunk(fmt: Any, x: Any, h: Any, accuracy: int, m: int, room: tuple[Any, Any]) -> tuple[str, Any]:
    """The side with more room, and the largest power of two times h that stays there."""
    name = f"forward-{accuracy}" if room[1] - x >= x - room[0] else f"backward-{accuracy}"
    stencil, half = stencil_from_name(name, derivative=m), fmt.dtype.type(0.5)
    while h > 0 and not _fits(fmt, x, h, stencil, room):
        h = h * half
    return name, h
