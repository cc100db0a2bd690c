"""The tables of the tournament, as text that people read."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from diffbench.report.data import ORDER_OF_FORMATS, Missing, RunData, ordered
from diffbench.report.tables import Table, worded
from diffbench.report.text import NONE, count, derivative_name, fixed, listing, number, percent
from diffbench.report.tournament_data import board_of, first_order, steps_of
from diffbench.tournament.scores import UNRANKED, quantile

HALVES = ("float16", "bfloat16")
TOP = 12  # lines of the shorter tables
#: rule in half precision -> who uses it
HALF_RULES = {
    "1e-6": "torch gradcheck",
    "1e-4": "JAX check_grads",
    "1e-3": "TensorFlow, Chainer",
    "1/1024": "TensorFlow 2",
    "theano": "Theano (0.1 in float16)",
    "jax-half": "JAX, proposed",
    "dyadic": "eps^(1/3), power of two",
    "eps-scaled": "eps^(1/3) max(1, |x|)",
}
COLUMNS = (
    *("rank", "method", "evaluations", "targets within 100", "within 10× of best", "median error"),
    *("90 % error", "median regret", "failed", "silently wrong", "coverage", "tightness"),
)
NUMBERS = len(COLUMNS) - 2  # columns to the right of rank and method


def tournament_board(run: RunData) -> Table:
    """Every method in the widest common format."""
    board = _first(board_of(run))
    present = ordered(board["format"], ORDER_OF_FORMATS)
    if not present:
        raise Missing("No leaderboard: no row of the tournament can be judged.")
    fmt = "float64" if "float64" in present else present[-1]
    mine = board[(board["format"] == fmt) & (board["cases"] > 0)]
    words = _words(mine, fmt)
    return worded("tournament_board", COLUMNS, [_line(row) for row in _records(mine)], NUMBERS, **words)


def tournament_others(run: RunData) -> Table:
    """The best methods of the other formats."""
    board = _first(board_of(run))
    present = ordered(board["format"], ORDER_OF_FORMATS)
    wide = "float64" if "float64" in present else (present or [""])[-1]
    others = [name for name in present if name != wide]
    if not others:
        raise Missing("No leaderboard of other formats: the tournament has one format.")
    lines = []
    for fmt in others:
        mine = board[(board["format"] == fmt) & board["rank"].notna()]
        lines += [(fmt, *_line(row)) for row in _records(mine.head(TOP))]
    words = {"formats": listing(others), "top": str(TOP)}
    return worded("tournament_others", ("format", *COLUMNS), lines, NUMBERS, **words)


def tournament_noisy(run: RunData) -> Table:
    """The best methods on noisy functions."""
    return _section(run, "leaderboard-noisy.csv", "tournament_noisy")


def tournament_kinked(run: RunData) -> Table:
    """The best methods near kinks, at points where the derivative exists."""
    return _section(run, "leaderboard-kinked.csv", "tournament_kinked")


def _section(run: RunData, file: str, key: str) -> Table:
    board = _first(board_of(run, file))
    board = board[board["cases"] > 0]
    if board.empty:
        raise Missing(f"No table from {file}: the tournament has no such problem.")
    present = ordered(board["format"], ORDER_OF_FORMATS)
    fmt = "float64" if "float64" in present else present[-1]
    mine = board[(board["format"] == fmt) & board["rank"].notna()]
    lines = [_line(row) for row in _records(mine.head(2 * TOP))]
    return worded(key, COLUMNS, lines, NUMBERS, top=str(2 * TOP), **_words(mine, fmt))


def tournament_kinks(run: RunData) -> Table:
    """What methods say where there is no derivative."""
    board = _first(board_of(run, "kinks.csv"))
    if board.empty:
        raise Missing("No table of kinks: the tournament has no point without a derivative.")
    present = ordered(board["format"], ORDER_OF_FORMATS)
    fmt = "float64" if "float64" in present else present[-1]
    mine = board[board["format"] == fmt].sort_values(["flagged", "method"], ascending=[False, True])
    lines = [
        (
            str(row["method"]),
            str(row["points"]),
            str(row["flagged"]),
            str(row["between"]),
            str(row["outside"]),
            number(row["worst_outside"], 2),
        )
        for row in _records(mine)
    ]
    columns = ("method", "points", "flagged", "between the sides", "outside", "farthest outside")
    return worded("tournament_kinks", columns, lines, 5, format=fmt)


def half_steps(run: RunData) -> Table:
    """The steps of the frameworks and dyadic ones in half precision, pure and with float32 sums."""
    steps = steps_of(run)
    order = first_order(steps)
    rows = steps[steps["judged"] & (steps["section"] == "main") & (steps["derivative"] == order)]
    lines = []
    for fmt in [name for name in HALVES if (rows["format"] == name).any()]:
        here = rows[rows["format"] == fmt]
        for rule, who in HALF_RULES.items():
            for variant, name in (("integer", f"central-2@{rule}"), ("mixed", f"central-2/mixed@{rule}")):
                mine = here[here["method"] == name]
                if len(mine):
                    lines.append((fmt, rule, who, variant, *_half_numbers(mine)))
    if not lines:
        raise Missing("No table of steps in half precision: the tournament has none of them.")
    columns = (
        *("format", "step rule", "used by", "variant", "points", "step vanished", "other failures"),
        *("silently wrong", "digits", "median regret"),
    )
    return worded("half_steps", columns, lines, 6)


def _half_numbers(mine: pd.DataFrame) -> tuple[str, ...]:
    vanished = int((mine["status"] == "step_vanished").sum())
    failed = mine["failed"].to_numpy(bool)
    digits = np.where(failed, 0.0, mine["digits"].to_numpy(float))
    regret = np.where(failed, np.inf, mine["regret"].to_numpy(float))
    return (
        str(len(mine)),
        str(vanished),
        str(int(failed.sum()) - vanished),
        str(int(mine["silent_wrong"].sum())),
        fixed(quantile(digits, 0.5)),
        number(quantile(regret, 0.5), 2),
    )


def tournament_absent(run: RunData) -> Table:
    """Methods that took no part, with the reason."""
    board = board_of(run)
    counted = board.groupby("method")["cases"].sum()
    absent = sorted(counted[counted == 0].index)
    if not absent:
        raise Missing("Every method of the tournament took part.")
    notes = board[board["method"].isin(absent)].groupby("method")["note"].first()
    lines = [(name, str(notes.get(name, "") or NONE)) for name in absent]
    return worded("tournament_absent", ("method", "why"), lines, 0, methods=count(len(absent), "method"))


def _first(board: pd.DataFrame) -> pd.DataFrame:
    return board[board["derivative"] == board["derivative"].min()] if len(board) else board


def _records(board: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(k): v for k, v in row.items()} for row in board.to_dict("records")]


def _line(row: dict[str, object]) -> tuple[str, ...]:
    rank = float(str(row["rank"]))
    return (
        NONE if math.isnan(rank) else str(int(rank)),
        str(row["method"]),
        number(row["evaluations_median"], 3),
        percent(float(str(row["targets_100"]))),
        percent(float(str(row["profile"]))),
        number(row["error_median"], 2),
        number(row["error_p90"], 2),
        number(row["regret_median"], 2),
        str(row["failed"]),
        str(row["silent_wrong"]),
        percent(float(str(row["coverage"]))),
        number(row["tightness"], 2),
    )


def _words(board: pd.DataFrame, fmt: str) -> dict[str, str]:
    problems = int(board["problems"].max()) if len(board) else 0
    cases = int(board["cases"].max()) if len(board) else 0
    ranked = board[~board["family"].isin(UNRANKED)]
    return {
        "format": fmt,
        "problems": count(problems, "problem"),
        "points": count(cases, "point"),
        "methods": count(len(ranked), "method"),
        "derivative": derivative_name(int(board["derivative"].min()) if len(board) else 1),
    }
