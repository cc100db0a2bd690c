"""The tournament in several variables: every method on every problem, against certified truth.

* ``gradient_frame(problem, fmt, settings)``: one row per method and component of gradients, Jacobians and
  Hessians.
* ``norms_frame(rows)``: one row per gradient, in norms and as an angle.
* ``board(norms)``: one row per method and format.

Each problem also runs in badly chosen units: y with x_i = 2^k_i y_i, k_i spread from -20 to 20 (-3 to 3 in
float16), so that the same function has coordinates a million times too large and too small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from diffbench.arithmetic.balls import UndecidedError
from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import DiffbenchError, RefusedError
from diffbench.methods.default import AUTOMATIC
from diffbench.multivariate.components import is_stencil
from diffbench.multivariate.partials import gradient, hessian, jacobian
from diffbench.multivariate.predicted import predict
from diffbench.multivariate.result import Partials
from diffbench.multivariate.scores import as_floats, errors, norms
from diffbench.multivariate.steps import plan_of
from diffbench.multivariate.truth import Truth, certify
from diffbench.problems.multivariate import MultivariateProblem
from diffbench.stencils import stencil_from_name

Program = Callable[..., Any]

#: One step for all coordinates: that of the rule at the largest coordinate.
ONE_STEP = "one step"
METHODS = (
    *("forward-1", "central-2", "central-4", "central-6"),
    *("central-2@1e-4", "central-2@eps-relative", f"central-2, {ONE_STEP}", "forward-1@gill-murray"),
    *("auto", "complex-step", "jet", "reverse"),
)
#: Not for Jacobians: auto has one output, and a selector for each output takes seconds for what it shows.
ONE_OUTPUT = ("auto", "forward-1@gill-murray")
HESSIANS = ("central-2", "central-4", "jet", "reverse")
SCALINGS = ("as given", "badly scaled")
SPREADS = {"float16": 3}  # its range is short
SPREAD = 20
#: Hessians take n (n + 1) / 2 directions of the truth; problems of more variables have none here.
HESSIAN_SIZE = 5

COLUMNS = (
    "problem scaling point format quantity method component n h evaluations estimate exact error "
    "relative_error predicted status message"
).split()


@dataclass(frozen=True)
class GradientSettings:
    """What a cell computes: methods, those for Hessians, scalings, and whether mpmath checks the truth."""

    methods: tuple[str, ...] = METHODS
    hessians: tuple[str, ...] = HESSIANS
    scalings: tuple[str, ...] = SCALINGS
    predicted: bool = True


def scaled(f: Program, n: int, spread: int = SPREAD) -> tuple[Program, Any]:
    """The function in badly chosen units, and the factors x / y, powers of two of shape (n,)."""
    exponents = np.round(np.linspace(spread, -spread, n)) if n > 1 else np.array([float(spread)])
    factors = np.exp2(exponents)

    def in_units(y: Any) -> Any:
        return f(factors[:, None] * y)

    return in_units, factors


def gradient_frame(problem: MultivariateProblem, fmt: Format, settings: GradientSettings) -> pd.DataFrame:
    """Rows of every method at every point of a problem, in one format.

    Returns
    -------
    DataFrame
        With the columns of ``COLUMNS``; what a method cannot do is a row with a status and a message.
    """
    rows: list[dict[str, Any]] = []
    for point in problem.points:
        known: Truth | None = None
        for scaling in settings.scalings:
            found, known = _point_rows(problem, fmt, settings, scaling, point, known)
            rows += found
    return pd.DataFrame(rows, columns=COLUMNS)


def _point_rows(
    problem: MultivariateProblem,
    fmt: Format,
    settings: GradientSettings,
    scaling: str,
    point: Any,
    known: Truth | None,
) -> tuple[list[dict[str, Any]], Truth | None]:
    """Rows of one point in its own units or in bad ones, and the truth in its own units."""
    f, given, factors = problem.function, fmt.round(np.array(point)), None
    x = given
    if scaling != "as given":
        f, factors = scaled(f, len(point), SPREADS.get(fmt.name, SPREAD))
        x = fmt.round(given.astype(np.longdouble) / factors)
    label = ", ".join(f"{v:g}" for v in point)
    about = {"problem": problem.name, "scaling": scaling, "point": label, "format": fmt.name, "n": len(x)}
    wanted = not problem.several and len(x) <= HESSIAN_SIZE and scaling == "as given"
    if not np.all(np.isfinite(x)):
        reason = f"x overflows {fmt.name}"
        return [_nothing(about, m, "overflow", reason) for m in settings.methods], known
    exactly = factors is not None and bool(np.all(x.astype(np.longdouble) * factors == given))
    try:
        truth = known.in_units(factors) if exactly and known is not None else certify(f, x, hessian=wanted)
    except RefusedError as error:
        return [_nothing(about, m, "refused", str(error)) for m in settings.methods], known
    quantity = "jacobian" if problem.several else "gradient"
    rows = []
    for method in settings.methods:
        if quantity == "gradient" or method not in ONE_OUTPUT:
            rows += _method_rows(about, f, fmt, x, truth, quantity, method, settings)
    for method in settings.hessians if wanted else ():
        rows += _method_rows(about, f, fmt, x, truth, "hessian", method, settings)
    return rows, truth if factors is None else known


def _nothing(
    about: dict[str, Any], method: str, status: str, message: str, quantity: str = ""
) -> dict[str, Any]:
    empty = dict.fromkeys(("h", "estimate", "exact", "error", "relative_error", "predicted"), np.nan)
    return (
        about
        | empty
        | {
            "quantity": quantity or "gradient",
            "method": method,
            "component": "",
            "evaluations": 0,
            "status": status,
            "message": message,
        }
    )


def _method_rows(
    about: dict[str, Any],
    f: Program,
    fmt: Format,
    x: Any,
    truth: Truth,
    quantity: str,
    method: str,
    settings: GradientSettings,
) -> list[dict[str, Any]]:
    """One row per component of one method's answer."""
    run = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian}[quantity]
    name, _, kind = method.partition(", ")
    step = one_step(name, fmt, x) if kind == ONE_STEP else None
    try:
        found = run(f, x, method=name, step=step, check=False, format=fmt.name)
    except DiffbenchError as refusal:
        return [_nothing(about, method, "refused", str(refusal), quantity)]
    except Exception as failure:  # what a program or a selector raises is a row, not a lost run
        return [_nothing(about, method, "error", f"{type(failure).__name__}: {failure}", quantity)]
    exact = truth.hessian if quantity == "hessian" else truth.gradient
    error, reference = errors(found.value, exact), as_floats(exact)
    with np.errstate(all="ignore"):
        relative = np.where(reference != 0, np.abs(error) / np.abs(reference), np.nan)
    predicted = np.full(error.shape, np.nan)
    known = settings.predicted and about["scaling"] == "as given" and fmt.name == "float64"
    if known and is_stencil(method) and "@" not in method:
        predicted = _predictions(f, fmt, truth, quantity, name, found, error.shape)
    if name == AUTOMATIC and found.error is not None:  # its own bound, where it says that it is one
        predicted = np.where(found.statuses == "ok", found.error, np.nan)
    steps = None if found.h is None else np.broadcast_to(found.h.astype(np.float64), error.shape)
    certified = truth.status == "ok"
    return [
        about
        | {
            "quantity": quantity,
            "method": method,
            "component": ",".join(map(str, index)),
            "h": np.nan if steps is None else float(steps[index]),
            "evaluations": int(np.max(found.evaluations)),
            "estimate": float(found.value[index]),
            "exact": float(reference[index]),
            "error": float(error[index]),
            "relative_error": float(relative[index]),
            "predicted": float(predicted[index]),
            "status": str(found.statuses[index]) if certified else truth.status,
            "message": (found.message if found.statuses[index] != "ok" else "")
            if certified
            else truth.message,
        }
        for index in np.ndindex(error.shape)
    ]


def one_step(method: str, fmt: Format, x: Any) -> float:
    """The step of the default rule at the largest coordinate, for all coordinates alike."""
    from diffbench.steps.sampler import Sampler

    plan = plan_of(method)
    largest = fmt.round(np.max(np.abs(x.astype(np.float64))))
    choice = plan.rule.choose(
        Sampler(lambda t: t, fmt), np.array([largest]), fmt, stencil_from_name(plan.stencil, derivative=1)
    )
    return float(np.exp2(np.round(np.log2(float(np.ravel(choice.h)[0])))))


def _predictions(
    f: Program, fmt: Format, truth: Truth, quantity: str, name: str, found: Partials, shape: Any
) -> Any:
    """The predicted error of every component; NaN where there was no step, or it cannot be said."""
    x, slopes = truth.x, as_floats(truth.gradient)
    stencil, n, out = plan_of(name).stencil, len(x), np.full(shape, np.nan)
    if not np.all(np.isfinite(found.h)):
        return out

    def one(*coordinates: int) -> Any:
        orders: tuple[int, ...]
        if len(set(coordinates)) < len(coordinates):
            coordinates, orders = coordinates[:1], (2,)
        else:
            orders = (1,) * len(coordinates)
        stencils = tuple(stencil_from_name(stencil, derivative=m) for m in orders)
        steps = tuple(found.h[i] for i in coordinates)
        return predict(f, fmt, x, slopes, coordinates, stencils, steps, truth.along).total

    try:
        for i in range(n):
            if quantity == "hessian":
                for j in range(i + 1):
                    out[i, j] = out[j, i] = one(j, i)
            else:
                out[..., i] = one(i)
    except (UndecidedError, RefusedError):  # a comparison that stays open with so few bits
        return out
    return out


# scores ---------------------------------------------------------------------------------------------------

_ONE = ["problem", "scaling", "point", "format", "quantity", "method"]


def norms_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per gradient, Jacobian or Hessian: norms of its error, its angle, and the first bad status."""
    columns = {name: rows[name].to_numpy() for name in (*_ONE, *_USED)}
    keys = (
        rows[_ONE].apply(tuple, axis=1) if rows.empty else list(zip(*(columns[k] for k in _ONE), strict=True))
    )
    starts = [i for i in range(len(rows)) if i == 0 or keys[i] != keys[i - 1]]  # rows of one stand together
    out = []
    for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
        part = {name: values[start:stop] for name, values in columns.items()}
        error, exact = part["error"].astype(float), part["exact"].astype(float)
        predicted, statuses = part["predicted"].astype(float), part["status"]
        bad = statuses[statuses != "ok"]
        known = ~(np.isnan(predicted) | np.isnan(error))
        within = float(np.mean(np.abs(error[known]) <= predicted[known])) if known.any() else np.nan
        out.append(
            {name: part[name][0] for name in (*_ONE, "n")}
            | {"evaluations": int(part["evaluations"].max())}
            | norms(error, exact)
            | {"components": len(error), "within": within, "status": str(bad[0]) if len(bad) else "ok"}
        )
    return pd.DataFrame(out)


_USED = ("n", "error", "exact", "predicted", "evaluations", "status")


def board(rows: pd.DataFrame, norms_: pd.DataFrame) -> pd.DataFrame:
    """One row per scaling, quantity, format and method: typical errors, angles, cost and failures."""
    keys = ["scaling", "quantity", "format", "method"]
    relative = rows["relative_error"].where(np.isfinite(rows["estimate"].to_numpy(float)))
    by_component = relative.groupby([rows[k] for k in keys], sort=False, observed=True)
    by_gradient = norms_.assign(ok=norms_["status"] == "ok", per_n=norms_["evaluations"] / norms_["n"])
    grouped = by_gradient.groupby(keys, sort=False, observed=True)
    table = grouped.agg(
        cases=("ok", "size"),
        ok=("ok", "sum"),
        norm_median=("norm_error", "median"),
        angle_median=("angle", "median"),
        angle_worst=("angle", "max"),
        within=("within", "min"),
        evaluations_per_n=("per_n", "median"),
    )
    table.insert(2, "error_median", by_component.median())
    table.insert(3, "error_p90", by_component.quantile(0.9))
    return table.reset_index()


def formats_of(problem: MultivariateProblem, names: list[str]) -> list[str]:
    """The formats, of those asked for, that a problem makes sense in."""
    return [get_format(name).name for name in names if problem.formats is None or name in problem.formats]
