"""What the rows of a tournament say: one line per method, and the order of the lines.

* :func:`leaderboard`: the columns of ``leaderboard.csv``, ranked.
* :func:`kink_board`: the same for points without a derivative, where there is no error to speak of.

Nothing here depends on the order in which methods or rows are listed. A failed row counts as an infinite
error that reaches no target; a median over rows is the lower one, so that it is an error that occurred.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import NAMES
from diffbench.errors import UserError
from diffbench.tournament.profiles import (
    BUDGETS,
    NEAR,
    Rows,
    costs,
    profile_errors,
    ratios,
    share_within,
    targets_of,
)

KEYS = ("method", "format", "derivative")
LEADERBOARD_COLUMNS = tuple(
    """method format derivative cases ok failed silent_wrong error_median error_p90 error_worst regret_median
    regret_p95 evaluations_median digits_per_evaluation coverage tightness rank score targets_10 targets_100
    targets profile flagged uncounted miscounted digits_median estimates problems methods family
    note""".split()
)
KINK_COLUMNS = tuple(
    """method format derivative points flagged between outside worst_outside evaluations_median
    family""".split()
)
#: Not ranked: they ask for more than values of f at real points, and are there to be compared with.
UNRANKED = ("autodiff", "complex plane", "oracle")
_NUMBERS = (
    *("estimate", "error", "relative_error", "error_estimate", "regret", "digits", "evaluations", "claimed"),
)
Columns = dict[str, np.ndarray]
_NEEDED = (
    *(*KEYS, "problem", "point", "estimate", "error", "relative_error", "error_estimate", "regret", "digits"),
    *("evaluations", "claimed", "status", "message", "judged", "failed", "silent_wrong"),
)


def leaderboard(steps: pd.DataFrame, section: str = "main") -> pd.DataFrame:
    """One row per method, format and derivative; within format and derivative by rank.

    Parameters
    ----------
    steps : DataFrame
        Rows of a tournament.
    section : str
        Which problems: ``main``, ``noisy`` or ``kinked``.

    Returns
    -------
    DataFrame
        Columns ``LEADERBOARD_COLUMNS`` (docs/tournament.md); methods without a case come last, with a note.

    Raises
    ------
    UserError
        If a column that is needed is missing.
    """
    _require(steps)
    rows = steps[steps["section"].astype(str) == section]
    boards = [
        _board(rows[(rows["format"].astype(str) == fmt) & (rows["derivative"] == m)], fmt, m)
        for fmt in [name for name in NAMES if (rows["format"].astype(str) == name).any()]
        for m in sorted(set(rows.loc[rows["format"].astype(str) == fmt, "derivative"].tolist()))
    ]
    if not boards:
        return pd.DataFrame(columns=list(LEADERBOARD_COLUMNS))
    board = pd.concat(boards, ignore_index=True)
    return board[list(LEADERBOARD_COLUMNS)]


def _require(steps: pd.DataFrame) -> None:
    missing = [name for name in (*_NEEDED, "section", "family") if name not in steps]
    if missing:
        raise UserError(f"the frame lacks {', '.join(missing)}: pass the frame of a tournament")


def _board(rows: pd.DataFrame, fmt: str, derivative: int) -> pd.DataFrame:
    """The lines of one format and derivative, ranked."""
    judged = rows[rows["judged"]]
    targets = targets_of(fmt)
    asking = judged[(judged["evaluations"] > 0) | judged["failed"]]
    within = _near_best(asking)
    lines = []
    for name, mine in _by_method(rows):
        counted = {column: values[mine["judged"]] for column, values in mine.items()}
        line = {"method": name, "format": fmt, "derivative": derivative, "family": min(set(mine["family"]))}
        line |= _line(counted, targets)
        line["profile"] = within.get(name, math.nan)
        line["note"] = _note(line, mine)
        lines.append(line)
    board = pd.DataFrame(lines)
    board["methods"] = int((board["cases"] > 0).sum())
    return _ranked(board)


def _by_method(rows: pd.DataFrame) -> Iterator[tuple[str, Columns]]:
    """The rows of each method as plain arrays, methods by name: a thousand frames would take seconds."""
    texts = ("method", "problem", "message", "family")
    columns = {name: rows[name].astype(str).to_numpy(object) for name in texts}
    columns |= {name: rows[name].to_numpy(float) for name in _NUMBERS}
    columns |= {name: rows[name].to_numpy(bool) for name in ("judged", "failed", "silent_wrong")}
    names, codes = np.unique(columns["method"].astype(str), return_inverse=True)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for place, name in enumerate(names):
        mine = order[bounds[place] : bounds[place + 1]]
        yield str(name), {column: values[mine] for column, values in columns.items()}


def _line(rows: Columns, targets: np.ndarray) -> dict[str, Any]:
    failed, evaluations, claimed = rows["failed"], rows["evaluations"], rows["claimed"]
    relative = np.where(failed, np.inf, rows["relative_error"])
    regrets = np.where(failed, np.inf, rows["regret"])
    answered = np.isfinite(rows["estimate"])
    digits = np.where(failed, 0.0, rows["digits"])
    cost = costs(rows, targets)
    line: dict[str, Any] = {
        "problems": len(set(rows["problem"])),
        "cases": len(failed),
        "ok": int((~failed).sum()),
        "failed": int(failed.sum()),
        "silent_wrong": int(rows["silent_wrong"].sum()),
        "uncounted": int((answered & (evaluations == 0)).sum()),
        "miscounted": int((answered & (claimed >= 0) & (claimed != evaluations)).sum()),
        "flagged": int((failed & answered).sum()),
        "error_median": quantile(relative, 0.5),
        "error_p90": quantile(relative, 0.9),
        "error_worst": quantile(relative, 1.0),
        "regret_median": quantile(regrets, 0.5),
        "regret_p95": quantile(regrets, 0.95),
        "evaluations_median": quantile(evaluations, 0.5),
        "digits_median": quantile(digits, 0.5),
        "score": _score(cost),
        "targets_10": share_within(cost, 10),
        "targets_100": share_within(cost, 100),
        "targets": share_within(cost, math.inf),
    }
    spent = float(line["evaluations_median"])
    line["digits_per_evaluation"] = line["digits_median"] / spent if spent > 0 else math.nan
    return line | calibration(rows)


def _score(cost: np.ndarray) -> float:
    """The mean share of targets over the budgets 1, 2, 4, ..., 1024."""
    return float(np.mean([share_within(cost, budget) for budget in BUDGETS])) if cost.size else math.nan


def calibration(rows: Rows) -> dict[str, float | int]:
    """``coverage`` and ``tightness`` of the methods' own error estimates, and how many there are.

    Coverage: the share of rows with |error| <= estimate; tightness: the median of estimate / |error| where
    the error is not 0. Rows that failed say nothing, nor do estimates that are no numbers.
    """
    estimate = np.asarray(rows["error_estimate"], dtype=float)
    error = np.abs(np.asarray(rows["error"], dtype=float))
    used = ~np.asarray(rows["failed"], dtype=bool) & ~np.isnan(estimate) & ~np.isnan(error)
    estimate, error = np.abs(estimate[used]), error[used]
    if len(estimate) == 0:
        return {"coverage": math.nan, "tightness": math.nan, "estimates": 0}
    wrong = error > 0
    return {
        "coverage": float(np.mean(error <= estimate)),
        "tightness": quantile(estimate[wrong] / error[wrong], 0.5),
        "estimates": len(estimate),
    }


def quantile(values: np.ndarray, share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; infinities allowed.

    NaN (no number is known) is left out.
    """
    known = np.sort(values[~np.isnan(values)])  # an infinity takes part: a failure is a large error
    return float(known[max(math.ceil(share * len(known) - 1e-9) - 1, 0)]) if len(known) else math.nan


def _near_best(judged: pd.DataFrame) -> dict[str, float]:
    """For every method the share of cases within a factor of 10 of the best method of the case."""
    table = ratios(profile_errors(judged[~judged["family"].astype(str).isin(UNRANKED)]))
    shares = (table <= NEAR).mean(axis=0)
    return {str(name): float(share) for name, share in shares.items()}


def _note(line: dict[str, Any], rows: Columns) -> str:
    """Why a method is not ranked, if that is not for its family.

    For a method without a case: the commonest message, the first of the alphabet among equals.
    """
    if line["uncounted"]:
        return f"answered {line['uncounted']} times without calling the function: not ranked"
    if line["cases"]:
        return ""
    said = Counter(rows["message"])
    return min(said, key=lambda text: (-said[text], text)) if said else ""


def _ranked(board: pd.DataFrame) -> pd.DataFrame:
    """Rank by targets within 100 evaluations, then by cases near the best; equal ones share a rank.

    Methods that are not ranked stand below, those without a case last; the rest is by name.
    """
    ranks = ~board["family"].isin(UNRANKED) & (board["cases"] > 0) & (board["uncounted"] == 0)
    key = list(zip(-board["targets_100"].round(9), -board["profile"].round(9), strict=True))
    ordered = sorted({k for k, ranked in zip(key, ranks, strict=True) if ranked})
    below = {k: sum(1 for other, r in zip(key, ranks, strict=True) if r and other < k) for k in ordered}
    board["rank"] = [below[k] + 1 if ranked else math.nan for k, ranked in zip(key, ranks, strict=True)]
    board["rank"] = board["rank"].astype("Int64")
    board["empty"] = board["cases"] == 0
    by = ["empty", "rank", "targets_100", "method"]
    ordered_board = board.sort_values(by, ascending=[True, True, False, True], na_position="last")
    return ordered_board.drop(columns="empty").reset_index(drop=True)


def kink_board(steps: pd.DataFrame) -> pd.DataFrame:
    """What methods do where there is no derivative: flag it, or answer inside or outside of its two sides.

    Returns
    -------
    DataFrame
        Columns ``KINK_COLUMNS``: `points` that were tried, `flagged` ones (a failure there is the right
        answer), answers `between` the one-sided derivatives (within 1 % of the larger of them and 1), answers
        `outside`, and the largest distance of those from the nearer side.
    """
    _require(steps)
    rows = steps[(steps["section"].astype(str) == "kinked") & ~steps["judged"]]
    rows = rows[rows["status"].astype(str).ne("refused") & (rows["left"] == rows["left"])]
    lines = []
    keys: Any
    for keys, mine in rows.groupby(["format", "derivative", "method"], sort=True, observed=True):
        fmt, m, name = keys
        failed = mine["failed"].to_numpy(bool)
        estimate, left, right = (mine[c].to_numpy(float) for c in ("estimate", "left", "right"))
        low, high = np.minimum(left, right), np.maximum(left, right)
        away = np.maximum(np.maximum(low - estimate, estimate - high), 0.0)
        outside = ~failed & ~(away <= 0.01 * np.maximum(np.maximum(np.abs(low), np.abs(high)), 1.0))
        lines.append(
            {
                "method": str(name),
                "format": str(fmt),
                "derivative": int(m),
                "points": len(mine),
                "flagged": int(failed.sum()),
                "between": int((~failed & ~outside).sum()),
                "outside": int(outside.sum()),
                "worst_outside": float(away[outside].max()) if outside.any() else math.nan,
                "evaluations_median": quantile(mine["evaluations"].to_numpy(float), 0.5),
                "family": str(mine["family"].iloc[0]),
            }
        )
    return pd.DataFrame(lines, columns=list(KINK_COLUMNS))
