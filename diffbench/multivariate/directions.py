"""Derivatives along a direction: t -> f(x + t v) at t = 0, by every method."""

from __future__ import annotations

from dataclasses import replace
from math import factorial
from typing import Any

import numpy as np

from diffbench.errors import UserError
from diffbench.methods.finite_differences import Scheme, nodes
from diffbench.methods.step_rules import Plan
from diffbench.multivariate import exact
from diffbench.multivariate.along import along_direction
from diffbench.multivariate.differences import ADVICE
from diffbench.multivariate.nodes import Listed
from diffbench.multivariate.request import Request, array_of
from diffbench.multivariate.result import Partials, worst
from diffbench.multivariate.steps import choose_steps, plan_of
from diffbench.stencils import stencil_from_name

Raw = np.ndarray[Any, Any]


def along(asked: Request, v: Any, derivative: int, method: str) -> Partials:
    """The derivative of order ``derivative`` along ``v`` at every point of a batch."""
    direction = _direction(asked, v)
    if not isinstance(derivative, int) or isinstance(derivative, bool) or derivative < 1:
        raise UserError(f"the derivative order must be an integer from 1 on, not {derivative!r}")
    if method in ("jet", "reverse", "complex-step"):
        return _exact(asked, direction, derivative, method)
    plan = plan_of(method)
    stencil = stencil_from_name(plan.stencil, derivative=derivative)
    fmt, points = asked.fmt, asked.points
    parts, taken, h_all, codes = [], [], [], []
    evaluator = asked.evaluator(False)
    checks = asked.checked(evaluator)
    for p, point in enumerate(points):
        unit = _unit(point, direction)
        h, cost = _step(asked, plan, derivative, point, direction, unit, p)
        t = nodes(fmt, fmt.dtype.type(0), h[None], stencil.offsets)[:, 0]
        with np.errstate(all="ignore"):
            rows = point + t[:, None] * direction
        _refuse_outside(asked, rows, p)
        values, infinite = evaluator.at(Listed(rows))
        flat = values.reshape(-1, len(t)).T
        combined = Scheme(stencil).combine(fmt, list(flat), np.repeat(h[None], flat.shape[1]))
        parts.append(combined.estimate.reshape(values.shape[:-1]))
        moved = len(np.unique(rows.astype(np.longdouble), axis=0)) == len(rows)
        codes.append(_status(flat, infinite, combined, moved).reshape(values.shape[:-1]))
        taken.append(len(t) + cost)
        h_all.append(h)
    value, statuses = np.stack(parts, axis=-1), np.stack(codes, axis=-1)
    shape = (*value.shape[:-1], *asked.batch)
    status = worst(statuses)
    counts = np.array(taken)
    return Partials(
        value.reshape(shape),
        np.array(h_all).reshape(asked.batch),
        int(counts[0]) if np.all(counts == counts[0]) else counts.reshape(asked.batch),
        status,
        ADVICE.get(status, ""),
        None,
        statuses.reshape(shape),
        stencils=plan.stencil,
        checks=checks + evaluator.checks,
    )


def _direction(asked: Request, v: Any) -> Raw:
    given = array_of(v, "the direction v")
    if given.shape != (asked.n,):
        raise UserError(
            f"the direction v has shape {given.shape}, expected ({asked.n},): one number "
            "for each coordinate of x"
        )
    direction = asked.fmt.round(given)
    if not np.all(np.isfinite(direction)):
        raise UserError("the direction v must be finite")
    if not np.any(direction):
        raise UserError("the direction v is zero: there is no derivative along it")
    return direction


def _unit(point: Raw, direction: Raw) -> float:
    """A power of two: the t that moves x by about what a step of 1 times its size would move a coordinate."""
    size = max(1.0, float(np.max(np.abs(point)))) / float(np.max(np.abs(direction)))
    return float(np.exp2(np.round(np.log2(size))))


def _step(asked: Request, plan: Plan, order: int, point: Raw, v: Raw, unit: float, p: int) -> tuple[Any, int]:
    """The step in t, a number of the format, and the evaluations that choosing it took."""
    fmt = asked.fmt
    if asked.step is not None:
        return asked.step.reshape(asked.n, -1)[0, p], 0
    scaled = fmt.round(v * unit) if fmt.name != "bfloat16" else fmt.round(v.astype(np.float32) * unit)
    program = along_direction(asked.f, point, scaled, vectorized=asked.vectorized)

    def on_line(x: Any) -> Any:  # a function of one coordinate, as the rules of one coordinate see it
        return program(x[0])

    line = replace(asked, f=on_line, x=fmt.round(np.zeros(1)), low=None, high=None, vectorized=True)
    chosen = choose_steps(line, plan, order, scalar=False)
    if chosen.statuses[0] != "ok":
        raise UserError(f"{plan.rule.name} found no step along v: {chosen.messages[0]}; give step=")
    return fmt.round(chosen.h[0].astype(np.longdouble) * unit), int(np.sum(chosen.evaluations))


def _refuse_outside(asked: Request, rows: Raw, p: int) -> None:
    if asked.low is None or asked.high is None:
        return
    low, high = (b.reshape(asked.n, -1)[:, p] for b in (asked.low, asked.high))
    if np.any(rows < low) or np.any(rows > high):
        raise UserError(
            "the nodes along v leave the bounds: use a smaller step, a one-sided stencil (forward-2), or -v"
        )


def _status(flat: Raw, infinite: Raw, combined: Any, moved: bool) -> Raw:
    found = np.full(flat.shape[1], "ok" if moved else "step_vanished", dtype=object)
    found[combined.divisor == 0] = "underflow"
    found[combined.infinite | infinite.any()] = "overflow"
    found[np.isnan(flat[~infinite]).any(axis=0)] = "domain"
    return found


def _exact(asked: Request, direction: Raw, order: int, method: str) -> Partials:
    """By one jet along the direction, or as the gradient's product with it."""
    if asked.step is not None:
        raise UserError(f"{method} has no step: leave step= out")
    if method == "jet":
        columns = [
            exact.jet_coefficients(asked, point, direction[None], order, False)[order][..., 0]
            for point in asked.points
        ]
        value = np.stack(columns, axis=-1)
        if order > 1:
            value = value * asked.fmt.dtype.type(factorial(order))
        return _wrapped(asked, value)
    if order > 1:
        raise UserError(
            f"{method} along a direction gives the first derivative: use jet or a stencil for order {order}"
        )
    if method == "complex-step":
        return _wrapped(asked, *exact.complex_step_along(asked, direction))
    found, evaluations, checks = exact.reverse(asked, False)
    value = np.sum(found * direction[:, None], axis=-2, dtype=asked.fmt.dtype)
    return _wrapped(asked, value, evaluations, checks)


def _wrapped(asked: Request, value: Raw, evaluations: int = 1, checks: int = 0) -> Partials:
    shaped = value.reshape((*value.shape[:-1], *asked.batch))
    statuses = np.full(shaped.shape, "ok", dtype=object)
    statuses[np.isinf(shaped)] = "overflow"
    statuses[np.isnan(shaped)] = "domain"
    return Partials(shaped, None, evaluations, worst(statuses), "", None, statuses, checks=checks)
