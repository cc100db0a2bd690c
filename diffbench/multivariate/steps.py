"""A step for every coordinate, by any step rule, and what bounds make of it.

A rule that needs no function values is asked once for all coordinates. A selector looks at the function
along each coordinate in turn, as at any function of one variable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.errors import UnknownNameError, UserError
from diffbench.multivariate.along import along_coordinate
from diffbench.multivariate.request import Request
from diffbench.stencils import Stencil, stencil_from_name
from diffbench.steps.choice import RULES
from diffbench.steps.rules import eps_scaled

Raw = np.ndarray[Any, Any]

DEFAULT_RULE = "eps-scaled"
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


def split_name(name: str) -> tuple[str, str]:
    """``central-2@rule`` as its stencil and its rule."""
    stencil, _, rule = name.partition("@")
    return stencil, rule or DEFAULT_RULE


def choose_steps(asked: Request, name: str, rule: str, order: int) -> Steps:
    """A step for every coordinate of every point.

    Parameters
    ----------
    name, rule : str
        The stencil and the rule.
    order : int
        The order of the derivative, in all variables together.

    Raises
    ------
    UnknownNameError
        If there is no such rule.
    """
    fmt, x = asked.fmt, asked.x
    stencil = stencil_from_name(name, derivative=min(order, 6))
    ok = np.full(x.shape, "ok", dtype=object)
    nothing = np.full(x.shape, "", dtype=object)
    if asked.step is not None:
        return Steps(asked.step, 0, ok, nothing)
    if rule == DEFAULT_RULE and rule not in RULES:
        return Steps(fmt.round(eps_scaled(stencil, x, fmt)), 0, ok, nothing)
    known = _rule(rule)
    if known.derivatives is not None and order not in known.derivatives:
        listed = ", ".join(map(str, known.derivatives))
        raise UserError(f"the step rule {rule} is for derivatives of order {listed}, not {order}")
    if known.kind in WITHOUT_VALUES:
        return _from_choice(asked, known.choose(_never, x.reshape(-1), fmt, stencil))
    return _searched(asked, known, stencil)


def _rule(name: str) -> Any:
    import diffbench.methods  # noqa: F401  (importing the methods registers the rules)

    if name not in RULES:
        raise UnknownNameError("step rule", name, {DEFAULT_RULE, *RULES})
    return RULES[name]


def _never(t: Any) -> Any:
    raise UserError("this step rule looks at the function: it is a selector")


def _from_choice(asked: Request, choice: Any) -> Steps:
    shape = asked.x.shape
    statuses = np.broadcast_to(np.asarray(choice.status, dtype=object), asked.x.size).reshape(shape)
    messages = np.full(shape, choice.message, dtype=object)
    return Steps(asked.fmt.round(np.asarray(choice.h).reshape(shape)), 0, statuses, messages)


def _searched(asked: Request, rule: Any, stencil: Stencil) -> Steps:
    """One selector for each coordinate of each point."""
    points, fmt = asked.points, asked.fmt
    shape = points.shape
    h, error = np.full(shape, np.nan).astype(fmt.dtype), np.full(shape, np.nan)
    statuses, messages = np.full(shape, "ok", dtype=object), np.full(shape, "", dtype=object)
    evaluations = np.zeros(len(points), dtype=int)
    for p, i in np.ndindex(shape):
        program = along_coordinate(asked.f, points[p], i, vectorized=asked.vectorized)
        choice = rule.choose(program, points[p, i : i + 1], fmt, stencil)
        h[p, i] = fmt.round(np.asarray(choice.h).reshape(-1)[0])
        statuses[p, i] = str(np.asarray(choice.status, dtype=object).reshape(-1)[0])
        messages[p, i] = choice.message
        evaluations[p] += int(np.sum(choice.evaluations))
        if choice.error is not None:
            error[p, i] = np.asarray(choice.error).reshape(-1)[0]

    def back(a: Raw) -> Raw:
        return np.ascontiguousarray(a.T).reshape(asked.x.shape)

    known = back(error) if np.isfinite(error).any() else None
    return Steps(back(h), evaluations, back(statuses), back(messages), known)


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
