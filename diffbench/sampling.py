"""One point of one problem in one format: sampled at every step, judged row by row.

``sample_point`` rounds the point once, evaluates the program at all nodes of all stencils and steps in one
call, lets every scheme combine the values, splits the errors, and gives each row the first status that
applies. Nothing a program does can lose rows: what it raises becomes a status with a message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from flint import arb

from diffbench.arithmetic.balls import to_balls, working_precision
from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.errors import RefusedError, UserError
from diffbench.methods.finite_differences import Combination, Scheme, layout, nodes
from diffbench.opaque import OpaqueFunction
from diffbench.reference import Reference, certify, from_mpf
from diffbench.split import PARTS, Sampled, split
from diffbench.statuses import STATUSES
from diffbench.steps.grid import Steps

EXTRA_ORDERS = 4  # derivatives beyond m + p that predictions and raised orders may need


@dataclass(frozen=True)
class Subject:
    """The function under test at one point.

    ``truth`` is the program that is differentiated for the reference (the function itself unless it is
    opaque) or a number, the derivative the user supplies. An ``opaque`` function gets plain arrays.
    """

    function: Callable[..., Any]
    point: float
    scale: float
    domain: tuple[float, float] = (-np.inf, np.inf)
    truth: Callable[..., Any] | float | None = None
    opaque: bool = False
    #: one-sided derivatives by order, known by hand where there is no Taylor series at the point
    stated: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    #: how far a supplied derivative may be off: errors below that are not decided
    bound: float = 0.0
    #: where a supplied derivative comes from, where it is not the user's word
    source: str = "supplied by the user"


@dataclass(frozen=True)
class PointResult:
    """What one point gave: references by order, and the rows as arrays of shape (schemes, steps).

    ``columns`` is empty when the point has no sweep; ``status`` and ``message`` then speak for it.
    """

    x: float
    x_text: str
    references: list[Reference]
    schemes: Sequence[Scheme]
    columns: dict[str, Any] = field(default_factory=dict)
    status: str = "ok"
    message: str = ""


def sample_point(subject: Subject, fmt: Format, schemes: Sequence[Scheme], steps: Steps) -> PointResult:
    """Sweep one point in one format (see the module's description)."""
    with np.errstate(all="ignore"):
        x = fmt.round(subject.point)[()]
    wide = float(x)

    def alone(status: str, message: str, references: list[Reference] | None = None) -> PointResult:
        return PointResult(wide, str(x), references or [], schemes, {}, status, message)

    if not np.isfinite(wide):
        return alone("overflow", f"the point {subject.point!r} overflows {fmt.name}")
    if not subject.domain[0] < wide < subject.domain[1]:
        return alone(
            "domain", f"the point rounds to {wide!r} in {fmt.name}, outside the domain {subject.domain}"
        )
    orders = max(s.stencil.derivative + s.stencil.accuracy for s in schemes) + EXTRA_ORDERS
    try:
        references = _references(subject, x, orders, {s.stencil.derivative for s in schemes})
    except (RefusedError, UserError) as error:
        return alone("refused" if isinstance(error, RefusedError) else "error", str(error))
    except Exception as error:  # whatever the user's program raises is a row, not a lost run
        return alone("error", _message(error))
    if references[0].status == "domain":
        return alone("domain", references[0].message, references)
    try:
        return _judge(subject, *sample_steps(subject, fmt, x, schemes, steps), references)
    except RefusedError as error:  # in the format, or on the balls of the split
        return alone("refused", str(error), references)


def _references(subject: Subject, x: Any, orders: int, needed: set[int]) -> list[Reference]:
    if isinstance(subject.truth, int | float):
        value = arb(subject.truth)
        return [_supplied(x, m, value if m in needed else None, subject) for m in range(orders + 1)]
    program, checked = subject.truth or subject.function, sorted({0, *needed})
    found = certify(program, x, orders, scale=subject.scale, checked=checked)
    return [_with_stated(r, subject.stated) if r.status == "no_derivative" else r for r in found]


def _with_stated(ref: Reference, stated: Mapping[int, tuple[float, float]]) -> Reference:
    """Add what is known by hand. Equal sides are a derivative, but not a certified one."""
    import mpmath

    if ref.derivative not in stated:
        return ref
    left, right = (mpmath.mpf(v) for v in stated[ref.derivative])
    if left == right and mpmath.isfinite(left):
        message = "stated by hand: the function has no Taylor series here"
        return replace(ref, value=left, left=left, right=right, status="uncertified", message=message)
    return replace(ref, left=left, right=right, kind="kink", message="one-sided derivatives stated by hand")


def _supplied(x: Any, m: int, value: arb | None, subject: Subject) -> Reference:
    """A derivative the user vouches for, or an estimate with a bound."""
    import mpmath

    number = mpmath.mpf("nan") if value is None else mpmath.mpf(float(value))
    status = "uncertified" if value is None else "ok"
    message = "not known" if value is None else subject.source
    radius = number * 0 + (0 if value is None else mpmath.mpf(subject.bound))
    return Reference(x, m, number, radius, "smooth", number, number, None, status, message, value)


# evaluating the program -----------------------------------------------------------------------------------


def sample_steps(
    subject: Subject, fmt: Format, x: Any, schemes: Sequence[Scheme], steps: Steps
) -> tuple[Sampled, Any, Any, str]:
    """The float part of a sweep: nodes, function values and estimates of every scheme at every step.

    Returns the sampled point, flags of shape (offsets, steps) that say where an intermediate result was
    infinite and where the function raised, and the message of what it raised.

    Raises
    ------
    RefusedError
        If the function cannot run strictly in the format.
    """
    plan = layout(tuple(schemes))
    where = nodes(fmt, x, steps.h, plan.offsets)
    run = _run_opaque if subject.opaque else _run_in_format
    message = ""
    try:
        values, infinite = run(subject.function, fmt, where)
        failed, message = _failures(subject.function, where)
    except RefusedError:
        raise
    except Exception as error:  # the program's own; find the nodes that raise, keep the others
        message = _message(error)
        values, infinite, failed = _one_by_one(run, subject.function, fmt, where)
    combined: list[Combination] = []
    data = Sampled(fmt, x, subject.scale, schemes, steps.h, where, values, combined)
    for scheme, index in zip(schemes, plan.index, strict=True):
        combined.append(scheme.combine(fmt, [values[i] for i in index], steps.h))
    return data, infinite, failed, message


def _run_in_format(f: Callable[..., Any], fmt: Format, where: Any) -> tuple[Any, Any]:
    run = FormatArithmetic(fmt).run(f, where)
    return run.values, run.overflow


def _run_opaque(f: Callable[..., Any], fmt: Format, where: Any) -> tuple[Any, Any]:
    """Call with plain arrays; the result must have their shape and dtype."""
    with np.errstate(all="ignore"):
        values = np.asarray(f(where.copy()))
    if values.shape != where.shape:
        raise UserError(f"the function returned shape {values.shape} for x of shape {where.shape}")
    if values.dtype != fmt.dtype:
        raise UserError(f"the function returned {values.dtype} for x of {fmt.dtype}: keep the precision of x")
    return values, np.isinf(values)


def _failures(f: Callable[..., Any], where: Any) -> tuple[Any, str]:
    """Where an :class:`OpaqueFunction`, which raises nothing, has noted a failure; and the first reason."""
    known = f.failures if isinstance(f, OpaqueFunction) else {}
    failed = np.isin(where.astype(np.float64), list(known)) if known else np.zeros(where.shape, dtype=bool)
    return failed, next((text for x, text in known.items()), "") if failed.any() else ""


def _one_by_one(
    run: Callable[..., Any], f: Callable[..., Any], fmt: Format, where: Any
) -> tuple[Any, Any, Any]:
    values = np.full(where.shape, np.nan).astype(fmt.dtype)
    infinite = np.zeros(where.shape, dtype=bool)
    failed = np.zeros(where.shape, dtype=bool)
    for index in np.ndindex(where.shape):
        try:
            value, inf = run(f, fmt, where[index].reshape(1))
            values[index], infinite[index] = value[0], inf[0]
        except RefusedError:
            raise
        except Exception:  # recorded as failed; the caller has the message
            failed[index] = True
    return values, infinite, failed


def _message(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


# judging the rows ----------------------------------------------------------------------------------


def _judge(
    subject: Subject, data: Sampled, infinite: Any, failed: Any, message: str, references: list[Reference]
) -> PointResult:
    schemes = data.schemes
    shape = (len(schemes), len(data.h))
    truth = [references[s.stencil.derivative] for s in schemes]
    columns: dict[str, Any] = {name: np.full(shape, np.nan) for name in ("error", *PARTS)}
    columns["truncation_zero"] = np.zeros(shape, dtype=bool)
    inside = np.ones(shape, dtype=bool)
    known = [r for r, t in enumerate(truth) if t.status in ("ok", "uncertified") and t.value == t.value]
    own = subject.truth is None and not subject.opaque  # the reference is that of the function itself
    exact = [r for r in known if own and truth[r].ball is not None]
    if exact:
        _fill_split(subject, data, exact, columns, inside)
    _fill_errors(data, truth, [r for r in known if r not in exact], columns)
    estimates = np.stack([data.wide(c.estimate) for c in data.combined])
    columns |= {
        "h": np.broadcast_to(data.wide(data.h), shape),
        "estimate": estimates,
        "exact": np.broadcast_to(np.array([[float(t.value)] for t in truth]), shape),
    }
    code = _codes(subject, data, infinite, failed, inside, truth, columns)
    # longdouble reaches beyond float64, in which the rows are stored
    with np.errstate(over="ignore"):
        beyond = [np.isinf(estimates.astype(np.float64)), *(np.isinf(columns[n]) for n in ("error", *PARTS))]
    lost = np.isfinite(estimates) & np.any(beyond, axis=0)
    overflow = STATUSES.index("overflow")
    columns["code"] = np.where(lost & (code > overflow), overflow, code)
    return PointResult(float(data.x), str(data.x), references, schemes, columns, "ok", message)


def _fill_split(
    subject: Subject, data: Sampled, rows: list[int], columns: dict[str, Any], inside: Any
) -> None:
    parts = split(subject.function, data.only(rows))
    for name in ("error", *PARTS, "truncation_zero"):
        columns[name][rows] = getattr(parts, name)
    inside[rows] = parts.in_domain


def _fill_errors(data: Sampled, truth: list[Reference], rows: list[int], columns: dict[str, Any]) -> None:
    """Estimate minus truth, rounded once (no split)."""
    with working_precision(256):
        for r in rows:
            estimate = data.wide(data.combined[r].estimate)
            known = np.isfinite(estimate)
            balls = to_balls(np.where(known, estimate, 0)) - from_mpf(truth[r].value)
            columns["error"][r] = np.where(known, [float(b) for b in balls], np.nan)


def _codes(
    subject: Subject,
    data: Sampled,
    infinite: Any,
    failed: Any,
    inside: Any,
    truth: list[Reference],
    columns: dict[str, Any],
) -> Any:
    """Index into STATUSES for every row: the first status that applies."""
    where, values = data.wide(data.nodes), data.wide(data.values)
    reached = np.isfinite(where)
    outside = reached & ((where <= subject.domain[0]) | (where >= subject.domain[1]))
    # an infinity on the way explains a NaN; without one, the node left the domain
    not_a_number = np.isnan(values) & ~infinite & ~failed & reached
    overflow = infinite | ~reached | np.isinf(values)
    usable = (data.h > 0) & np.isfinite(data.h)
    rows = []
    for r in range(len(data.schemes)):
        index, combination = data.index[r], data.combined[r]
        divisor = data.wide(combination.divisor)
        distinct = np.sort(where[index], axis=0)
        vanished = (data.wide(data.h) == 0) | (distinct[1:] == distinct[:-1]).any(axis=0)
        flags = {
            "error": failed[index].any(axis=0),
            "domain": (outside | not_a_number)[index].any(axis=0) | (~inside[r] & usable),
            "overflow": overflow[index].any(axis=0) | combination.infinite,
            "underflow": divisor == 0,
            "step_vanished": vanished,
            "no_derivative": np.full(len(data.h), truth[r].status == "no_derivative"),
            "uncertified": _undecided(subject, columns["error"][r], truth[r], data.fmt),
        }
        rows.append(np.select(list(flags.values()), [STATUSES.index(n) for n in flags], STATUSES.index("ok")))
    return np.stack(rows)


def _undecided(subject: Subject, error: Any, truth: Reference, fmt: Format) -> Any:
    """Where the truth is not known closely enough to say what the error is."""
    if subject.bound > 0:
        return ~(np.abs(error) > subject.bound)
    return np.full(len(error), not certified_for(truth, fmt))


def certified_for(truth: Reference, fmt: Format) -> bool:
    """Whether the reference is certified closely enough to judge a format: radius <= 2^-8 ulp."""
    if truth.status == "no_derivative":
        return True
    if truth.status != "ok":
        return False
    import mpmath

    if truth.value == 0:  # there is no ulp at 0; the reference promises 1e-300
        return bool(truth.radius <= 1e-300)
    if np.isinf(float(truth.value)):
        return False
    exponent = max(mpmath.frexp(abs(truth.value))[1] - 1, fmt.min_exponent)
    return bool(truth.radius <= mpmath.ldexp(1, exponent - fmt.precision + 1 - 8))
