"""Curves that compare methods: targets reached against evaluations, and performance profiles.

* :func:`targets_of`: the digits targets of a format; :func:`costs`: what each (case, target) cost a method.
* :func:`reached`: share of targets against evaluations, a curve per method.
* :func:`profile`: share of cases within a factor of the best method, a curve per method.

A case is a problem at a point. Sources: J. J. More and S. M. Wild, SIAM J. Optim. 20 (2009), 172, for data
profiles; E. D. Dolan and J. J. More, Math. Program. 91 (2002), 201, for performance profiles; N. J. Dingle
and N. J. Higham, ACM Trans. Math. Softw. 39 (2013), 24, for the floor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import get_format

BUDGETS = tuple(2**k for k in range(11))  # 1 to 1024 evaluations: what the score is averaged over
TARGET_STEP = 0.5  # digits between two targets
NEAR = 10.0  # within this factor of the best error counts as near it

Array = np.ndarray
Rows = pd.DataFrame | Mapping[str, Array]  # columns by name


def targets_of(format_name: str) -> Array:
    """Digits targets of a format: 0.5, 1, 1.5, ... up to its own number of digits."""
    return np.arange(TARGET_STEP, get_format(format_name).digits + 1e-9, TARGET_STEP)


def costs(rows: Rows, targets: Array) -> Array:
    """Evaluations at which a case reached a target, shape (cases, targets); infinite where it did not.

    A method is one call: it reaches a target with all the evaluations it used, or not at all. Failed rows
    reach nothing, nor does a number that came without a call of the function.
    """
    failed, spent = np.asarray(rows["failed"], dtype=bool), np.asarray(rows["evaluations"], dtype=float)
    found = np.where(failed, -1.0, np.asarray(rows["digits"], dtype=float))
    found = np.where(spent > 0, found, -1.0)
    hit = found[:, None] >= targets - 1e-9
    return np.where(hit, spent[:, None], np.inf)


def share_within(cost: Array, budget: float) -> float:
    """Share of all (case, target) pairs reached within a number of evaluations; NaN without any."""
    if cost.size == 0:
        return math.nan
    return float(np.mean(cost <= budget if math.isfinite(budget) else np.isfinite(cost)))


def reached(rows: pd.DataFrame, methods: Sequence[str], budgets: Array) -> pd.DataFrame:
    """Share of targets reached against evaluations.

    Parameters
    ----------
    rows : DataFrame
        Judged rows of one format and derivative.
    budgets : array
        Numbers of evaluations.

    Returns
    -------
    DataFrame
        Index: the budgets; a column for every method.
    """
    curves = {}
    for name in methods:
        mine = rows[rows["method"].astype(str) == name]
        cost = costs(mine, targets_of(str(mine["format"].iloc[0]))) if len(mine) else np.empty((0, 0))
        spent = np.sort(cost.ravel())
        below = np.searchsorted(spent, budgets, side="right")
        curves[name] = below / len(spent) if len(spent) else np.full(len(budgets), math.nan)
    return pd.DataFrame(curves, index=pd.Index(budgets, name="evaluations"))


def profile_errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Relative errors with the floor of Dingle and Higham: cases down, methods across.

    An error e below the unit roundoff u becomes u/20 + 19 e/20, so that luck below u decides little and an
    error of 0 divides nothing. Failed rows and missing ones are infinite.
    """
    errors = np.where(rows["failed"].to_numpy(bool), np.inf, rows["relative_error"].to_numpy(float))
    u = np.array([get_format(str(name)).u for name in rows["format"]])
    floored = np.where(errors < u, u / 20 + 19 * errors / 20, errors)
    case = rows["problem"].astype(str) + "\x1f" + rows["point"].astype(str)
    long = pd.DataFrame(
        {"case": case.to_numpy(), "method": rows["method"].astype(str).to_numpy(), "e": floored}
    )
    wide = long.pivot_table(index="case", columns="method", values="e", aggfunc="first", dropna=False)
    return wide.fillna(np.inf)


def ratios(errors: pd.DataFrame) -> pd.DataFrame:
    """Every error over the smallest of its case; a case that nobody solved is infinite for all."""
    if errors.empty:
        return errors
    best = errors.min(axis=1)
    solved = np.isfinite(best.to_numpy())
    divided = errors.div(best.where(solved, 1.0), axis=0)
    return divided.where(pd.Series(solved, index=errors.index), np.inf, axis=0)


def profile(rows: pd.DataFrame, methods: Sequence[str], factors: Array) -> pd.DataFrame:
    """Share of cases in which a method's error is within a factor of the best of these methods.

    Returns
    -------
    DataFrame
        Index: the factors; a column for every method.
    """
    table = ratios(profile_errors(rows[rows["method"].astype(str).isin(list(methods))]))
    curves = {}
    for name in methods:
        found = np.sort(table[name].to_numpy(float)) if name in table else np.empty(0)
        below = np.searchsorted(found, factors, side="right")
        curves[name] = below / len(found) if len(found) else np.full(len(factors), math.nan)
    return pd.DataFrame(curves, index=pd.Index(factors, name="factor"))
