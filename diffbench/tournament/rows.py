"""The rows of a tournament: every method at every point of one problem in one format, judged.

* :func:`tournament_cell`: the cell of a run; a frame with the columns ``STEP_COLUMNS``.

Whatever a method does is a row: a format or an order it does not accept, a library that is not installed, an
exception, a time limit and a number that is not finite are a status and a message.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from diffbench.arithmetic.balls import to_ball, working_precision
from diffbench.arithmetic.formats import Format, get_format
from diffbench.branches import regret
from diffbench.methods import Method
from diffbench.methods.harness import LIMIT, Measured, measure_points
from diffbench.methods.isolation import measure_isolated
from diffbench.predictions import digits
from diffbench.problems import Problem
from diffbench.tournament.lineup import lineup
from diffbench.tournament.truth import Judge, Known, known_points

STEP_COLUMNS = tuple(
    """problem point x format derivative method h evaluations estimate exact error relative_error
    error_estimate regret status message family section digits h_best error_best relative_to judged failed
    silent_wrong claimed warnings left right""".split()
)
SECTIONS = ("main", "noisy", "kinked")
WRONG = 1e-3  # a relative error above this is wrong, or
FAR = 100.0  # above this many robust best errors of central-2, whichever is larger
_TYPES: dict[str, Any] = dict.fromkeys(("derivative", "evaluations", "claimed"), np.int64)
_TYPES |= dict.fromkeys(("judged", "failed", "silent_wrong"), np.bool_)
_TEXTS = ("problem", "point", "format", "method", "status", "message", "family", "section", "relative_to")


@dataclass(frozen=True)
class TournamentSettings:
    """What a tournament compares.

    Attributes
    ----------
    methods : tuple of str
        Names, as :func:`diffbench.methods.methods` has them.
    derivatives : tuple of int
    per_decade, kind
        The step grid of the yardstick.
    limit : float
        Seconds that a method may take for one point.
    """

    methods: tuple[str, ...]
    derivatives: tuple[int, ...] = (1,)
    per_decade: int = 20
    kind: str = "decimal"
    limit: float = LIMIT


def section_of(problem: Problem) -> str:
    """``noisy``, ``kinked`` or ``main``: which table a problem is counted in."""
    if problem.opaque or "noisy" in problem.tags:
        return "noisy"
    return "kinked" if problem.group == "kinks" or problem.tags & {"kink", "jump"} else "main"


def kind_of(method: Method) -> str:
    """A method's family; ``oracle`` and ``complex plane`` also where its family is another.

    Such methods ask for more than values of f at real points, which is what counts when methods are compared.
    """
    if method.oracle:
        return "oracle"
    return "complex plane" if "complex" in method.name else method.family


def tournament_cell(
    problem: Problem,
    format_name: str,
    settings: TournamentSettings,
    methods: Sequence[Method] | None = None,
    isolated: bool = False,
) -> dict[str, pd.DataFrame]:
    """All methods at all points of a problem in one format.

    Parameters
    ----------
    methods : sequence of Method, optional
        Instead of those that the settings name.
    isolated : bool
        Rivals run in processes of their own, so that one that cannot be stopped, or takes its process down,
        costs its own rows only (:mod:`diffbench.methods.isolation`).

    Returns
    -------
    dict
        The data frame ``steps``: a row per point, derivative and method, in that order.
    """
    fmt = get_format(format_name)
    chosen = lineup(settings.methods) if methods is None else list(methods)
    points = known_points(problem, fmt, settings.derivatives, settings.per_decade, settings.kind)
    rows = []
    for m in settings.derivatives:
        for method in chosen:
            alone = isolated and method.family == "rival"
            rows += list(_rows(problem, fmt, points, m, method, settings.limit, alone))
    order = {known.point: place for place, known in enumerate(points)}
    rows.sort(key=lambda row: order[row["point"]])  # stable: methods stay in their order
    return {"steps": steps_frame(rows)}


def unmeasured_rows(
    problem: Problem, format_name: str, settings: TournamentSettings, status: str, message: str
) -> pd.DataFrame:
    """A row for every point and method of a cell that was stopped or broke: nothing was judged."""
    fmt, section = get_format(format_name), section_of(problem)
    text = (message.strip().splitlines() or [status])[0]
    nan = math.nan
    nobody = Judge(nan, None, status, text, nan, "", nan, nan, nan, nan)
    rows = [
        {
            "problem": problem.name,
            "point": repr(point),
            "x": float(fmt.round(point)),
            "format": fmt.name,
            "derivative": m,
            "method": method.name,
            "family": kind_of(method),
            "section": section,
            **_judged(None, nobody, fmt),
        }
        for point in problem.points
        for m in settings.derivatives
        for method in lineup(settings.methods)
    ]
    return steps_frame(rows)


def steps_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame whose types do not depend on the values."""
    columns: dict[str, Any] = {}
    for name in STEP_COLUMNS:
        values = [row[name] for row in rows]
        if name in _TEXTS:
            columns[name] = pd.Categorical(values, categories=sorted(set(values)))
        elif name == "warnings":
            columns[name] = pd.Series(values, dtype=object)
        else:
            columns[name] = np.array(values, dtype=_TYPES.get(name, np.float64))
    return pd.DataFrame(columns, copy=False)


def _rows(
    problem: Problem, fmt: Format, points: list[Known], m: int, method: Method, limit: float, isolated: bool
) -> Iterator[dict[str, Any]]:
    """The rows of one method, one for each point."""
    reached = [known for known in points if known.curve]
    measured: dict[str, Measured] = {}
    if problem.opaque and method.family == "autodiff":
        reached, text = [], f"{method.name} differentiates the program, and an opaque function has none"
        measured = {known.point: _nothing("refused", text) for known in points}
    if reached:
        where = np.array([known.x for known in reached], dtype=fmt.dtype)
        found = (_each_alone if isolated else measure_points)(
            method,
            problem.function,
            fmt,
            where,
            m,
            opaque=problem.opaque,
            truth=lambda k: np.array([_order(known.derivatives, k) for known in reached]),
            limit=limit,
        )
        measured = {known.point: one for known, one in zip(reached, found, strict=True)}
    for known in points:
        judge = known.judges[m]
        yield {
            "problem": problem.name,
            "point": known.point,
            "x": float(known.x),
            "format": fmt.name,
            "derivative": m,
            "method": method.name,
            "family": kind_of(method),
            "section": section_of(problem),
            **_judged(measured.get(known.point), judge, fmt),
        }


def _each_alone(
    method: Method, program: Any, fmt: Format, points: Any, derivative: int, **more: Any
) -> list[Measured]:
    """As ``measure_points``, every point in a process of its own: what is deadly at one costs that row."""
    return [measure_isolated([method], program, fmt, [x], derivative, **more)[0][0] for x in points]


def _order(derivatives: Any, k: int) -> float:
    return float(derivatives[k]) if k < len(derivatives) else math.nan


def _judged(done: Measured | None, judge: Judge, fmt: Format) -> dict[str, Any]:
    """The measured and the computed columns of one row."""
    asked = done is not None
    if done is None:  # the point itself is outside: there was nothing to ask
        done = _nothing(judge.status, judge.message)
    judged = judge.status == "ok" and done.status != "refused"
    failed = asked and done.status not in ("ok", "refused")
    error = _error(done.value, judge)
    relative = abs(error) / judge.unit if judge.unit > 0 else math.nan
    if judge.unit == 0 and error == error:
        relative = 0.0 if error == 0 else math.inf
    return {
        "h": float(done.h),
        "evaluations": done.evaluations,
        "claimed": done.claimed,
        "estimate": float(done.value),
        "exact": judge.exact,
        "error": error,
        "relative_error": relative,
        "error_estimate": float(done.error_estimate),
        "regret": _regret(error, judge, fmt) if judged else math.nan,
        "status": judge.status if done.status == "ok" else done.status,
        "message": judge.message if done.status == "ok" else done.message,
        "digits": digits(abs(error), judge.unit, fmt.name),
        "h_best": judge.h_best,
        "error_best": judge.error_best,
        "relative_to": judge.relative_to,
        "judged": judged,
        "failed": failed,
        "silent_wrong": judged and not failed and relative > wrong_from(judge, fmt),
        "warnings": "; ".join(done.warnings),
        "left": judge.left,
        "right": judge.right,
    }


def _nothing(status: str, message: str) -> Measured:
    return Measured(None, math.nan, math.nan, math.nan, 0, -1, status, message, (), 0.0)


def _error(value: Any, judge: Judge) -> float:
    """Estimate minus truth, rounded once."""
    if judge.ball is None or not np.isfinite(value):
        return math.nan
    with working_precision(256):
        return float(to_ball(value) - judge.ball)


def _regret(error: float, judge: Judge, fmt: Format) -> float:
    """How much worse than the robust best of central-2; infinite without a number, NaN without a best."""
    if judge.error_best != judge.error_best:
        return math.nan
    if error != error:
        return math.inf
    with np.errstate(over="ignore"):  # beyond float64's range it is infinite
        return float(regret(error, judge.error_best, judge.exact, fmt.name))


def wrong_from(judge: Judge, fmt: Format) -> float:
    """The relative error above which an answer is wrong: 1e-3, or 100 robust best errors of central-2.

    The best counts as at least the unit roundoff, as it does in the regret: where central-2 happens to be
    exact, another method's last digit is no mistake.
    """
    best = judge.error_best / judge.unit if judge.unit > 0 else math.nan
    return max(WRONG, FAR * max(best, fmt.u) if best == best else 0.0)
