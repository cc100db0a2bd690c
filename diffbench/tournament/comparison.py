"""One function at one point: what every rule chooses, and the error curves it chooses on.

* :func:`compare`: a problem in a format -> a :class:`Comparison` for each of its points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import RefusedError, UserError
from diffbench.methods import Method
from diffbench.methods.finite_differences import Scheme
from diffbench.problems import Problem
from diffbench.sampling import STATUSES, Subject, sample_point
from diffbench.stencils import stencil_from_name, stencil_names
from diffbench.steps.grid import step_grid
from diffbench.tournament.lineup import lineup
from diffbench.tournament.rows import TournamentSettings, tournament_cell

#: Who takes part when nobody is named: every listed rule on its stencils, estimators and libraries.
EVERYBODY = (
    "*@*",
    "family:extrapolation",
    "family:complex plane",
    "family:automatic",
    "family:autodiff",
    "family:rival",
)
LIMIT = 2.0  # seconds for one method


@dataclass(frozen=True)
class Comparison:
    """Methods on one function at one point in one format.

    Attributes
    ----------
    rows : DataFrame
        The columns of ``steps.parquet``, a row for each method that takes part, best first.
    curves : DataFrame
        ``stencil h error``: relative errors of the stencils that the rules use, at the steps of a sweep
        (absolute ones where the derivative is 0).
    left_out : dict
        Method -> why it takes no part.
    """

    point: str
    format: Format
    derivative: int
    rows: pd.DataFrame
    curves: pd.DataFrame
    left_out: dict[str, str]

    @property
    def exact(self) -> float:
        """The true derivative; NaN where there is none."""
        return float(self.rows["exact"].iloc[0])

    @property
    def unit(self) -> float:
        """What the errors of the curves are relative to."""
        return abs(self.exact) if self.exact == self.exact and self.exact != 0 else 1.0

    @property
    def best(self) -> dict[str, float]:
        """The robust best step of central-2 and its error, in the unit of the curves."""
        first = self.rows.iloc[0]
        return {"h": float(first["h_best"]), "error": float(first["error_best"]) / self.unit}


def compare(
    problem: Problem,
    format_name: str = "float64",
    derivative: int = 1,
    methods: Sequence[str | Method] = EVERYBODY,
    limit: float = LIMIT,
) -> list[Comparison]:
    """What methods make of a problem, point by point.

    Raises
    ------
    UserError
        A name is unknown, the order is out of range, no method takes part, or a point has no value.
    RefusedError
        The function cannot run in Arb, so there is no truth to compare with.
    """
    fmt = get_format(format_name)
    stencil_names(derivative)  # says which orders there are
    chosen = lineup(methods)
    settings = TournamentSettings(tuple(m.name for m in chosen), (derivative,), limit=limit)
    rows = tournament_cell(problem, fmt.name, settings, chosen)["steps"]
    text = ["problem", "point", "format", "method", "status", "message", "family", "section", "relative_to"]
    rows = rows.astype(dict.fromkeys(text, object))
    return [_at(problem, fmt, derivative, mine) for _, mine in rows.groupby("point", sort=False)]


def _at(problem: Problem, fmt: Format, derivative: int, rows: pd.DataFrame) -> Comparison:
    point = str(rows["point"].iloc[0])
    part = rows[rows["status"] != "refused"]
    left_out = {
        m: t for m, t in zip(rows["method"], rows["message"], strict=True) if m not in set(part["method"])
    }
    asked = part[np.isfinite(part["estimate"]) | part["failed"]]
    if asked.empty:
        _nothing(rows, part, point, fmt)
    missing = np.where(np.isnan(asked["relative_error"]), np.inf, asked["relative_error"])
    order = np.lexsort((asked["method"].to_numpy(str), asked["failed"].to_numpy(bool), missing))
    ordered = asked.iloc[order].reset_index(drop=True)
    exact = float(ordered["exact"].iloc[0])
    unit = abs(exact) if exact == exact and exact != 0 else 1.0
    curves = error_curves(problem, fmt, float(point), derivative, _stencils(ordered, derivative))
    curves = curves.assign(error=curves["error"] / unit)
    return Comparison(point, fmt, derivative, ordered, curves, left_out)


def undecided(one: Comparison, bound: float) -> Comparison:
    """The comparison against an estimate that may be off by `bound`: smaller errors are undecided."""
    below = ~(one.rows["error"].abs() > bound) & np.isfinite(one.rows["estimate"])
    message = f"the error is below the bound of the estimate, {bound:.2g}: not decided"
    rows = one.rows.assign(
        status=np.where(below & (one.rows["status"] == "ok"), "uncertified", one.rows["status"]),
        message=np.where(below, message, one.rows["message"]),
    )
    return replace(one, rows=rows)


def _nothing(rows: pd.DataFrame, part: pd.DataFrame, point: str, fmt: Format) -> None:
    """Say why no method could be asked."""
    first = (part if len(part) else rows).iloc[0]
    status, message = str(first["status"]), str(first["message"])
    if part.empty and set(rows["message"]) != {message}:
        raise UserError(f"none of the methods takes part in {fmt.name}; the first says: {message}")
    kind = RefusedError if status == "refused" else UserError
    raise kind(f"{fmt.name} at {point}: {status}: {message}")


def _stencils(rows: pd.DataFrame, derivative: int) -> list[str]:
    """The stencils of the methods, central-2 first: it is what regret is measured by."""
    known = set(stencil_names(derivative))
    names = [name.partition("@")[0].partition("/")[0] for name in rows["method"]]
    return list(dict.fromkeys(["central-2", *(name for name in names if name in known)]))


def error_curves(
    problem: Problem,
    fmt: Format,
    point: float,
    derivative: int,
    stencils: Sequence[str],
    per_decade: int = 20,
) -> pd.DataFrame:
    """Errors of stencils at every step of a sweep, ok rows: ``stencil h error`` (absolute)."""
    schemes = [Scheme(stencil_from_name(name, derivative=derivative)) for name in stencils]
    scale = problem.scale_at(point)
    program = problem.truth or problem.function
    stated = problem.stated.get(point, {})
    subject = Subject(problem.function, point, scale, problem.domain, program, problem.opaque, stated)
    result = sample_point(subject, fmt, schemes, step_grid(fmt, scale, per_decade))
    parts = [pd.DataFrame({"stencil": [], "h": [], "error": []})]
    for row, name in enumerate(stencils if result.columns else ()):
        ok = result.columns["code"][row] == STATUSES.index("ok")
        h, error = (np.asarray(result.columns[c][row], dtype=float)[ok] for c in ("h", "error"))
        parts.append(pd.DataFrame({"stencil": name, "h": h, "error": np.abs(error)}))
    return pd.concat(parts[1:] or parts, ignore_index=True)
