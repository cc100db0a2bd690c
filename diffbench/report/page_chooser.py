"""Which step to take, out of the run: a constant times the scale of the problem, and how often it is good.

For every derivative, stencil and format, and every quarter of a decade: the share of the problem points
at which that step is within a factor `GOOD` of the stencil's own robust best error, and the median
digits it gives. The best constant is the one with the largest share (of several, the middle one of the
longest run of them).

* ``profiles(rows, series, groups)``: the measured shares; ``recommended_table(profiles, formats)``: the
  best constants.
* ``rule_scores(choices, series)``: the same two numbers for the step rules of ``steps.parquet``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diffbench.arithmetic.formats import formats
from diffbench.report.data import Missing, stencil_order
from diffbench.report.page_series import POINT
from diffbench.report.tables import Table, worded
from diffbench.report.text import derivative_symbol, fixed, number, percent

GOOD = 10.0  # within this factor of the robust best error is good
BINS = 4  # candidates per decade
REACH = 0.06  # decades: a row this close to a candidate stands for it
SETTING = ["derivative", "stencil", "format"]
ALL = "all problems"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """How good each step is for one derivative, stencil, format and group of problems.

    Attributes
    ----------
    derivative, stencil, format, group : int and str
        `group` is a group of the catalogue, or `ALL`.
    points : int
        Problem points with a robust best error.
    low : int
        The first candidate: ``10^(low / BINS)`` times the scale; the others follow without a gap.
    share, digits : ndarray, shape (n,)
        Share of the points at which the step is good; median digits over all points (0 where no row is ok).
    """

    derivative: int
    stencil: str
    format: str
    group: str
    points: int
    low: int
    share: Array
    digits: Array

    @property
    def best(self) -> int:
        """The place of the recommended step: the middle of the longest run of the largest share."""
        top = np.flatnonzero(self.share >= self.share.max() - 1e-12)
        runs = np.split(top, np.flatnonzero(np.diff(top) > 1) + 1)
        longest = max(runs, key=len)
        return int(longest[(len(longest) - 1) // 2])

    def step(self, place: int) -> float:
        """The step of a place, as a multiple of the scale."""
        return float(10.0 ** ((self.low + place) / BINS))


def judged(series: pd.DataFrame) -> pd.DataFrame:
    """The series that can judge a step: integer weights, a robust best error, a scale."""
    rows = series[(series["variant"] == "integer") & series["error_best"].notna() & (series["scale"] > 0)]
    return rows[rows["relative_to"] != "nothing"]


def profiles(rows: pd.DataFrame, series: pd.DataFrame, groups: pd.Series) -> list[Profile]:
    """Profiles of all settings, for all problems and for every group.

    Parameters
    ----------
    rows : DataFrame
        ``page_rows.read_sweep``.
    series : DataFrame
        ``page_series.series_of``.
    groups : Series
        The group of a problem, by its name.
    """
    scored = judged(series).reset_index(drop=True)
    if scored.empty:
        return []
    near = _near_candidates(rows, scored)
    group_of = scored["problem"].map(groups)
    names = [ALL, *sorted(group_of.dropna().unique())]
    found = []
    for setting, members in _settings(scored):
        low, good, digits = _tables(near, members)
        for name in names:
            mine = np.ones(len(members), bool) if name == ALL else (group_of[members] == name).to_numpy()
            if mine.any() and len(good):
                first = (*setting, name, int(mine.sum()), low)
                share = good[:, mine].mean(axis=1)
                found.append(Profile(*first, share, np.asarray(np.median(digits[:, mine], axis=1))))
    return sorted(found, key=lambda profile: names.index(profile.group))


def _settings(scored: pd.DataFrame) -> list[tuple[tuple[int, str, str], NDArray[np.int64]]]:
    """Every derivative, stencil and format, with the places of its series."""
    indices: dict[Any, Any] = scored.groupby(SETTING, sort=False).indices
    return [((int(m), str(stencil), str(name)), np.asarray(at)) for (m, stencil, name), at in indices.items()]


@dataclass(frozen=True)
class _Near:
    """One row for each series (its place among the judged) and candidate: is it good, and its digits."""

    series: NDArray[np.int64]
    candidate: NDArray[np.int64]
    good: NDArray[np.bool_]
    digits: Array


def _near_candidates(rows: pd.DataFrame, scored: pd.DataFrame) -> _Near:
    """The row nearest to every candidate, where one is close."""
    series = _places_of(rows, scored)
    known = series >= 0
    scale = np.where(known, scored["scale"].to_numpy(float)[series], np.nan)
    with np.errstate(all="ignore"):
        place = BINS * np.log10(rows["h"].to_numpy(float) / scale)
        away = np.abs(place - np.rint(place)) / BINS
    close = np.flatnonzero(known & np.isfinite(place) & (away <= REACH))
    series, candidate, away = series[close], np.rint(place[close]).astype(np.int64), away[close]
    order = np.lexsort((away, candidate, series))
    series, candidate = series[order], candidate[order]
    new = np.append(True, (np.diff(series) != 0) | (np.diff(candidate) != 0))[: len(series)]
    series, candidate, chosen = series[new], candidate[new], rows.iloc[close[order][new]]
    error = chosen["error"].where(chosen["status"] == "ok").abs()
    mine = scored.iloc[series]
    good = error.to_numpy(float) <= GOOD * mine["error_best"].to_numpy(float)
    return _Near(series, candidate, good, digits_of(error, mine["unit"], mine["format"]))


def _places_of(rows: pd.DataFrame, scored: pd.DataFrame) -> NDArray[np.int64]:
    """Which of the judged series each row belongs to, or -1; by the codes of categories, which is fast."""
    names = ["problem", "point", "format", "stencil"]
    kinds = [rows[name].cat.categories for name in names]
    orders = np.arange(1 + max(int(rows["derivative"].max()), int(scored["derivative"].max())))
    table = np.full((*map(len, kinds), len(orders)), -1, np.int64)
    at = [kind.get_indexer(pd.Index(scored[name])) for name, kind in zip(names, kinds, strict=True)]
    present = np.all([index >= 0 for index in at], axis=0)
    table[(*(index[present] for index in at), scored["derivative"].to_numpy()[present])] = np.flatnonzero(
        present
    )
    found = table[(*(rows[name].cat.codes.to_numpy() for name in names), rows["derivative"].to_numpy())]
    return np.where((rows["variant"] == "integer").to_numpy(), found, -1)


def _tables(near: _Near, members: NDArray[np.int64]) -> tuple[int, Array, Array]:
    """The first candidate; good (0 or 1) and digits by candidate and series, 0 where there is no row."""
    mine = np.isin(near.series, members)
    candidate = near.candidate[mine]
    if not len(candidate):
        return 0, np.empty((0, len(members))), np.empty((0, len(members)))
    low = int(candidate.min())
    good, digits = np.zeros((2, int(candidate.max()) - low + 1, len(members)))
    at = candidate - low, np.searchsorted(members, near.series[mine])
    good[at], digits[at] = near.good[mine], near.digits[mine]
    return low, good, digits


def digits_of(error: pd.Series, unit: pd.Series, names: pd.Series) -> Array:
    """Digits of absolute errors, between 0 and those of the format; 0 where there is no error."""
    most = names.map({name: fmt.digits for name, fmt in formats().items()}).to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = -np.log10(error.to_numpy(float) / unit.to_numpy(float))
    return np.clip(np.nan_to_num(digits, nan=0.0, posinf=99.0), 0.0, most)


def rule_scores(choices: pd.DataFrame, series: pd.DataFrame) -> pd.DataFrame:
    """Share of good points and median digits of every ``stencil@rule`` of ``steps.parquet``.

    Returns
    -------
    DataFrame
        ``derivative stencil format rule points share digits evaluations``; no rows where the run has none.
    """
    columns = [*SETTING, "rule", "points", "share", "digits", "evaluations"]
    names = choices["method"].astype(str).str.partition("@") if len(choices) else None
    if names is None:
        return pd.DataFrame(columns=columns)
    rows = choices.assign(stencil=names[0], rule=names[2])
    rows = rows[rows["rule"] != ""]
    best = judged(series)[[*POINT, "stencil", "error_best", "unit"]]
    rows = rows.merge(best, on=[*POINT, "stencil"])
    if rows.empty:
        return pd.DataFrame(columns=columns)
    error = rows["error"].where(rows["status"] == "ok").abs()
    rows["good"] = error <= GOOD * rows["error_best"]
    rows["digits"] = digits_of(error, rows["unit"], rows["format"])
    grouped = rows.groupby([*SETTING, "rule"], sort=False)
    scores = grouped.agg(
        points=("good", "size"),
        share=("good", "mean"),
        digits=("digits", "median"),
        evaluations=("evaluations", "median"),
    )
    return scores.reset_index()[columns]


def recommended_table(found: list[Profile], names: list[str]) -> Table:
    """The table of the profiles for all problems."""
    settings = {(p.derivative, p.stencil, p.format): p for p in found if p.group == ALL and p.share.max() > 0}
    if not settings:
        raise Missing("No table of recommended steps: no series has a robust best step.")
    cells = []
    for m in sorted({key[0] for key in settings}):
        for stencil in stencil_order({key[1] for key in settings if key[0] == m}):
            line = [derivative_symbol(m), stencil]
            for name in names:
                line += _cells(settings.get((m, stencil, name)))
            cells.append(tuple(line))
    heads = [f"{name} {what}" for name in names for what in ("step / scale", "digits", "good")]
    return worded("recommended", ("derivative", "stencil", *heads), cells, len(heads), good=f"{GOOD:g}")


def _cells(profile: Profile | None) -> list[str]:
    if profile is None:
        return [number(math.nan)] * 3
    best = profile.best
    return [number(profile.step(best), 2), fixed(profile.digits[best]), percent(float(profile.share[best]))]
