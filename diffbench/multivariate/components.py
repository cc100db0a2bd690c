"""The components of a derivative in several variables, by whichever method: from a request to a result.

* ``first_derivatives``: gradient and Jacobian by any method.
* ``mixed`` and ``finished``: any components by stencils, and the result they make.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffbench.errors import UnknownNameError, UserError
from diffbench.methods import methods
from diffbench.methods.default import AUTOMATIC
from diffbench.methods.method import Method
from diffbench.multivariate import exact
from diffbench.multivariate.along import along_coordinate
from diffbench.multivariate.automatic import automatic
from diffbench.multivariate.differences import ADVICE, STATUSES, Combined, Family, differences
from diffbench.multivariate.request import Request, rows
from diffbench.multivariate.result import Partials, worst
from diffbench.multivariate.steps import WITHOUT_VALUES, Steps, choose_steps, fitted, plan_of
from diffbench.stencils import Stencil, stencil_from_name, stencil_names

Raw = np.ndarray[Any, Any]

EXACT = ("complex-step", "jet", "reverse")
_STENCILS = frozenset(stencil_names(1))


# first derivatives ----------------------------------------------------------------------------------------


def first_derivatives(asked: Request, name: str, *, scalar: bool) -> Partials:
    """The gradient of a scalar function, or the Jacobian of any other."""
    if name in EXACT:
        refuse_step(asked, name)
        run = {"complex-step": exact.complex_step, "jet": exact.jet, "reverse": exact.reverse}[name]
        return exactly(asked, *run(asked, scalar))
    if name == AUTOMATIC and scalar:
        refuse_step(asked, name)
        return automatic(asked)
    if not is_stencil(name) or (scalar and _selects(asked, name)):
        return _by_coordinate(asked, _method(name), scalar)
    result = mixed(asked, name, [((1,), np.arange(asked.n)[:, None])], 1, scalar=scalar)

    def shaped(flat: Raw) -> Raw:
        return flat.reshape((*flat.shape[:-1], asked.n, *asked.batch))

    return finished(asked, result, shaped)


def is_stencil(name: str) -> bool:
    """Whether a method is ``stencil`` or ``stencil@rule``."""
    formula = name.partition("@")[0].partition("/")[0]
    return formula in _STENCILS or formula.startswith("custom(")


def _selects(asked: Request, name: str) -> bool:
    """Whether the step comes from a selector, which may compute the derivative on its way."""
    return asked.step is None and asked.low is None and plan_of(name).rule.kind not in WITHOUT_VALUES


def _method(name: str) -> Method:
    known = methods()
    if name not in known:
        raise UnknownNameError("method", name, {*known, *EXACT})
    return known[name]


def refuse_step(asked: Request, name: str) -> None:
    """Exact methods have no step."""
    if asked.step is not None:
        raise UserError(f"{name} has no step: leave step= out")


def exactly(asked: Request, found: Raw, evaluations: int, checks: int) -> Partials:
    """The result of an exact method: NaN and infinities come with a status."""
    value = found.reshape((*found.shape[:-1], *asked.batch))
    statuses = np.full(value.shape, "ok", dtype=object)
    statuses[np.isinf(value)] = "overflow"
    statuses[np.isnan(value)] = "domain"
    status = worst(statuses)
    return Partials(
        value, None, evaluations, status, _EXACT_ADVICE.get(status, ""), None, statuses, checks=checks
    )


_EXACT_ADVICE = {
    "domain": "a derivative came out as NaN: x is outside the domain, or a branch that np.where does not "
    "choose is not finite there",
    "overflow": "a derivative is infinite in the format: it has none there, or rescale, or use a wider one",
}


def _by_coordinate(asked: Request, method: Method, scalar: bool) -> Partials:
    """A method for functions of one variable, along each coordinate of each point."""
    if not scalar:
        raise UserError(f"{method.name} differentiates functions with one output: use a stencil or reverse")
    refusal = method.refusal(asked.fmt, 1)
    if refusal:
        raise UserError(refusal)
    if asked.low is not None:
        raise UserError(f"{method.name} cannot be kept within bounds: use a stencil, auto or an exact method")
    checks = asked.checked(asked.evaluator(scalar))
    options = {}
    if asked.step is not None and not method.takes_step:
        raise UserError(f"{method.name} has no step of its own: leave step= out")
    shape = asked.points.shape
    value, h, error = np.empty(shape, dtype=asked.fmt.dtype), np.full(shape, np.nan), np.full(shape, np.nan)
    statuses = np.full(shape, "ok", dtype=object)
    evaluations, message = np.zeros(len(value), dtype=int), ""
    for p, i in np.ndindex(shape):
        program = along_coordinate(asked.f, asked.points[p], i, vectorized=asked.vectorized)
        if asked.step is not None:
            options["step"] = rows(asked.step)[p, i]
        found = method.estimate(program, asked.fmt, asked.points[p, i : i + 1], 1, **options)
        value[p, i] = np.asarray(found.value).reshape(-1)[0]
        statuses[p, i] = found.status if found.statuses is None else str(np.ravel(found.statuses)[0])
        message = message or found.message
        evaluations[p] += int(np.sum(found.evaluations))
        for target, source in ((h, found.h), (error, found.error)):
            if source is not None:
                target[p, i] = np.asarray(source, dtype=float).reshape(-1)[0]

    def back(a: Raw) -> Raw:
        return np.ascontiguousarray(a.T).reshape(asked.x.shape)

    statuses = back(statuses)
    return Partials(
        back(value),
        back(h) if np.isfinite(h).any() else None,
        _counts(evaluations, asked),
        worst(statuses),
        message,
        back(error) if np.isfinite(error).any() else None,
        statuses,
        checks=checks,
    )


# stencils -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mixed:
    """What the stencils gave, still flat: (*outputs, components * points)."""

    found: Combined
    steps: Steps
    names: Raw
    h: Raw
    note: str
    checks: int


Wanted = tuple[tuple[int, ...], Raw]  # orders, and an array (K, S) of the coordinates they belong to


def mixed(asked: Request, method: str, wanted: Sequence[Wanted], total: int, *, scalar: bool) -> Mixed:
    """Every wanted component at every point, by stencils; the points of a component stand together."""
    if not is_stencil(method):
        raise UserError(f"{method} has no derivatives in several variables: use a stencil, jet or reverse")
    plan = plan_of(method)
    name = plan.stencil
    steps = choose_steps(asked, plan, total, scalar)
    highest = np.ones(asked.n, dtype=int)
    for orders, coordinates in wanted:
        for m, column in zip(orders, coordinates.T, strict=True):
            np.maximum.at(highest, column, m)
    each = np.broadcast_to(highest.reshape(-1, *[1] * len(asked.batch)), asked.x.shape)
    names, h, note = fitted(asked, name, each, steps.h)
    families, start = [], 0
    for orders, coordinates in wanted:
        families += _families(orders, coordinates, rows(names), name, note, start)
        start += len(coordinates) * len(asked.points)
    evaluator = asked.evaluator(scalar)
    checks = asked.checked(evaluator)
    found = differences(evaluator, asked.points, rows(h), families)
    return Mixed(found, steps, names, h, note, checks + evaluator.checks)


def _families(
    orders: tuple[int, ...], coordinates: Raw, names: Raw, name: str, note: str, start: int
) -> list[Family]:
    """Components by their stencils; without bounds they all have the same."""
    count = len(names)
    coordinate, point = np.repeat(coordinates, count, axis=0), np.tile(np.arange(count), len(coordinates))
    members = start + np.arange(len(point))
    if not note:
        return [Family(_stencils([name] * len(orders), orders), members, point, coordinate)]
    kinds = names[point[:, None], coordinate].astype(str)
    found = []
    for kind in np.unique(kinds, axis=0):
        chosen = (kinds == kind).all(axis=1)
        stencils = _stencils(kind.tolist(), orders)
        found.append(Family(stencils, members[chosen], point[chosen], coordinate[chosen]))
    return found


def _stencils(names: list[str], orders: tuple[int, ...]) -> tuple[Stencil, ...]:
    return tuple(stencil_from_name(name, derivative=m) for name, m in zip(names, orders, strict=True))


def finished(asked: Request, result: Mixed, shaped: Callable[[Raw], Raw]) -> Partials:
    """The result of stencils, in the shape of the derivative."""
    names = np.array(STATUSES, dtype=object)
    statuses = shaped(names[result.found.codes])
    lacking = result.steps.statuses
    message = ""
    if np.any(lacking != "ok") and statuses.shape[-lacking.ndim :] == lacking.shape:
        # what the step rule could not do goes before what the stencil then found
        statuses = np.where(lacking != "ok", lacking, statuses)
        message = str(result.steps.messages[lacking != "ok"][0])
    status = worst(statuses)
    return Partials(
        shaped(result.found.values),
        result.h,
        _counts(result.found.nodes + result.steps.evaluations, asked),
        status,
        message or ADVICE.get(status, ""),
        result.steps.error,
        statuses,
        stencils=result.names,
        note=result.note,
        checks=result.checks,
    )


def _counts(evaluations: Any, asked: Request) -> Any:
    """One number where all points took as many."""
    counts = np.asarray(evaluations)
    return int(counts.flat[0]) if np.all(counts == counts.flat[0]) else counts.reshape(asked.batch)
