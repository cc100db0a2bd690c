"""What the tournament shows, in sentences computed from its rows; each names the rows it rests on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diffbench.report.data import ORDER_OF_FORMATS, Missing, RunData, ordered
from diffbench.report.findings import Finding
from diffbench.report.text import count, derivative_name, fixed, listing, number, percent
from diffbench.report.tournament_data import board_of, first_order, steps_of
from diffbench.tournament.scores import UNRANKED

TEXTBOOK = ("central-2@1e-4", "central-2@1e-3", "central-2@1e-6")  # the steps that textbooks and checkers use
ENDS = 4  # methods named at each end of a long list
WORKHORSE = ("central-2@eps-scaled", "central-2")


def tournament_winners(run: RunData) -> Finding:
    """Who reaches most targets in every format, and for how many evaluations."""
    board, order = _board(run)
    clauses = []
    for fmt in ordered(board["format"], ORDER_OF_FORMATS):
        ranked = board[(board["format"] == fmt) & board["rank"].notna()]
        if len(ranked) < 2:
            continue
        best = ranked.iloc[0]
        cheap = ranked[ranked["evaluations_median"] <= 2]
        clause = (
            f"in {fmt} {best['method']} reaches {percent(best['targets_100'])} of the digits targets with "
            f"{number(best['evaluations_median'])} evaluations in the median"
        )
        if len(cheap) and cheap.iloc[0]["method"] != best["method"]:
            two = cheap.iloc[0]
            clause += f" ({two['method']}, the best with two, {percent(two['targets_100'])})"
        clauses.append(clause)
    if not clauses:
        raise Missing("Nothing is said about the best method: fewer than two methods are ranked.")
    problems = int(board["problems"].max())
    text = (
        f"Of {count(int(board['rank'].notna().groupby(board['format']).sum().max()), 'ranked method')} on "
        f"{count(problems, 'problem')}, for the {derivative_name(order)}, {'; '.join(clauses)}."
    )
    return Finding(text, _basis(board[board["rank"].notna()], order, "rank known"))


def tournament_textbook(run: RunData) -> Finding:
    """What a fixed step costs in each format, against the robust best step."""
    board, order = _board(run)
    name = next((n for n in TEXTBOOK if (board["method"] == n).any()), None)
    if name is None:
        raise Missing("Nothing is said about fixed steps: the tournament has none of the usual ones.")
    mine = board[(board["method"] == name) & (board["cases"] > 0)]
    clauses = []
    for _, row in mine.iterrows():
        regret, points = float(row["regret_median"]), count(int(row["cases"]), "point")
        far = f"its error is {number(regret, 2)} times the robust best of central-2 (median), "
        where = f"it fails at {row['failed']} and is silently wrong at {row['silent_wrong']} of {points}"
        clauses.append(f"in {row['format']} {far if np.isfinite(regret) else ''}{where}")
    if not clauses:
        raise Missing(f"Nothing is said about {name}: it has no case.")
    return Finding(f"A fixed step, {name}: {'; '.join(clauses)}.", _basis(mine, order, f"method = {name}"))


def tournament_silent(run: RunData) -> Finding:
    """How many methods are silently wrong somewhere, and which never are."""
    board, order = _board(run)
    fmt = _widest(board)
    ranked = board[(board["format"] == fmt) & board["rank"].notna()]
    wrong = ranked[ranked["silent_wrong"] > 0]
    never = ranked[(ranked["silent_wrong"] == 0)]
    names = [f"{n} (failing loudly at {f})" for n, f in zip(never["method"], never["failed"], strict=True)]
    tail = f"; never {listing(names)}" if len(never) else ""
    text = (
        f"In {fmt}, {len(wrong)} of {count(len(ranked), 'ranked method')} give a wrong answer without a word "
        f"at one problem or more (worst: {_worst(wrong)}){tail}."
    )
    if wrong.empty:
        text = f"In {fmt}, none of {count(len(ranked), 'ranked method')} gives a wrong answer without a word."
    return Finding(text, _basis(ranked, order, f"format = {fmt}, ranked"))


def _worst(wrong: pd.DataFrame) -> str:
    if wrong.empty:
        return ""
    most = int(wrong["silent_wrong"].max())
    name = sorted(wrong.loc[wrong["silent_wrong"] == most, "method"])[0]
    return f"{name} at {most} of {count(int(wrong['cases'].max()), 'point')}"


def tournament_estimates(run: RunData) -> Finding:
    """How often the methods' own error estimates hold."""
    board, order = _board(run)
    fmt = _widest(board)
    known = board[(board["format"] == fmt) & (board["estimates"] >= 5)]
    if known.empty:
        raise Missing("Nothing is said about error estimates: no method of the tournament has any.")
    known = known.sort_values(["coverage", "method"], ascending=[False, True])
    parts = [f"{row['method']} {percent(row['coverage'])}" for _, row in known.iterrows()]
    shown = ", ".join(parts) if len(parts) <= 2 * ENDS else _both_ends(parts)
    text = f"Error estimates in {fmt} hold at these shares of the points: {shown}."
    return Finding(text, _basis(known, order, f"format = {fmt}, estimates >= 5"))


def _both_ends(parts: list[str]) -> str:
    left = len(parts) - 2 * ENDS
    return f"{', '.join(parts[:ENDS])}, {left} more, and least often {listing(parts[-ENDS:])}"


def tournament_steps(run: RunData) -> Finding:
    """How often a rule of thumb finds the best step of central-2, and what that costs."""
    steps = steps_of(run)
    order = first_order(steps)
    name = next((n for n in WORKHORSE if (steps["method"] == n).any()), None)
    rows = steps[steps["judged"] & (steps["section"] == "main") & (steps["derivative"] == order)]
    rows = rows[(rows["method"] == name) & (rows["h_best"] > 0)]
    if name is None or rows.empty:
        raise Missing("Nothing is said about rules of thumb: the tournament has no central-2@eps-scaled.")
    clauses = []
    for fmt in ordered(rows["format"], ORDER_OF_FORMATS):
        mine = rows[rows["format"] == fmt]
        chosen = mine["h"].where(mine["h"] > 0).to_numpy(float)
        away = np.abs(np.log10(chosen / mine["h_best"].to_numpy(float)))  # NaN, no step, is not near
        near, regret = percent(float((away <= 1).mean())), number(mine["regret"].median(), 2)
        clauses.append(f"{near} in {fmt} (median regret {regret})")
    text = (
        f"{name} chooses a step within a factor of 10 of the robust best one at these shares of the points: "
        f"{', '.join(clauses)}."
    )
    return Finding(text, f"steps.parquet: method = {name}, derivative = {order}, judged, section = main")


def tournament_half(run: RunData) -> Finding:
    """What the frameworks' default steps give in float16."""
    steps = steps_of(run)
    order = first_order(steps)
    rows = steps[steps["judged"] & (steps["section"] == "main") & (steps["derivative"] == order)]
    rows = rows[rows["format"] == "float16"]
    parts, used = [], []
    for rule in ("1e-6", "1e-4", "1e-3", "jax-half", "dyadic"):
        mine = rows[rows["method"] == f"central-2@{rule}"]
        if mine.empty:
            continue
        vanished = int((mine["status"] == "step_vanished").sum())
        digits = np.where(mine["failed"], 0.0, mine["digits"].to_numpy(float))
        lost = f" (the step vanishes at {vanished} of {len(mine)} points)" if vanished else ""
        parts.append(f"{rule}: {fixed(float(np.median(digits)))}{lost}")
        used.append(f"central-2@{rule}")
    if len(parts) < 2:
        raise Missing("Nothing is said about default steps in float16: the tournament has not two of them.")
    text = f"Digits of central-2 in float16 (medians) by step rule: {'; '.join(parts)}."
    return Finding(text, f"steps.parquet: format = float16, method = {listing(used)}, derivative = {order}")


def tournament_kinks(run: RunData) -> Finding:
    """Whether anybody notices that there is no derivative."""
    kinks = board_of(run, "kinks.csv")
    if kinks.empty:
        raise Missing("Nothing is said about kinks: the tournament has no point without a derivative.")
    kinks = kinks[~kinks["family"].isin(UNRANKED)]
    if kinks.empty:
        raise Missing("Nothing is said about kinks: no method that only evaluates f took part.")
    fmt = _widest(kinks)
    mine = kinks[(kinks["format"] == fmt) & (kinks["derivative"] == kinks["derivative"].min())]
    points = int(mine["points"].max())
    never, always = mine[mine["flagged"] == 0], mine[mine["flagged"] == mine["points"]]
    most = mine.sort_values(["flagged", "method"], ascending=[False, True]).iloc[0]
    names = f": {listing(list(always['method']))}" if len(always) else ""
    tail = "" if len(always) else f"; {most['method']} flags {most['flagged']}"
    text = (
        f"At {count(points, 'point')} without a derivative, {len(never)} of "
        f"{count(len(mine), 'method')} flag nothing in {fmt}, and {len(always)} flag every one{names}{tail}."
    )
    return Finding(text, f"kinks.csv: format = {fmt}, {count(len(mine), 'row')}")


def _board(run: RunData) -> tuple[pd.DataFrame, int]:
    board = board_of(run)
    board = board[board["cases"] > 0]
    if board.empty:
        raise Missing("Nothing is said about methods: no row of the tournament can be judged.")
    order = int(board["derivative"].min())
    return board[board["derivative"] == order], order


def _widest(board: pd.DataFrame) -> str:
    present = ordered(board["format"], ORDER_OF_FORMATS)
    return "float64" if "float64" in present else present[-1]


def _basis(board: pd.DataFrame, order: int, what: str) -> str:
    problems = count(int(board["problems"].max()), "problem")
    return f"leaderboard.csv: derivative = {order}, {what}, {count(len(board), 'row')} over {problems}"
