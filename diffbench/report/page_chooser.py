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
    scored = judged(series)
    if scored.empty:
        return []
    near = _near_candidates(rows, scored)
    group_of = scored["problem"].map(groups)
    found = []
    for name in [ALL, *sorted(group_of.dropna().unique())]:
        mine = scored if name == ALL else scored[group_of == name]
        found += _profiles_of(near[near["problem"].isin(mine["problem"])], mine, name)
    return found


def _near_candidates(rows: pd.DataFrame, scored: pd.DataFrame) -> pd.DataFrame:
    """For every series and candidate the row nearest to it: whether it is good, and its digits."""
    with np.errstate(all="ignore"):
        place = BINS * np.log10(rows["h"].to_numpy(float) / _scales_of(rows, scored))
        away = np.abs(place - np.rint(place)) / BINS
    close = (away <= REACH) & np.isfinite(place) & (rows["variant"] == "integer").to_numpy()
    columns = ["problem", "point", *SETTING, "error", "status"]
    near = rows.loc[close, columns].astype({n: str for n in columns if rows[n].dtype.name == "category"})
    near = near.assign(candidate=np.rint(place[close]).astype(int), away=away[close])
    keys = ["problem", "point", *SETTING]
    near = near.sort_values("away", kind="stable").drop_duplicates([*keys, "candidate"])
    near = near.merge(scored[[*keys, "error_best", "unit"]], on=keys)
    near["error"] = near["error"].where(near["status"] == "ok").abs()
    near["good"] = near["error"] <= GOOD * near["error_best"]
    near["digits"] = digits_of(near["error"], near["unit"], near["format"])
    return near


def _scales_of(rows: pd.DataFrame, scored: pd.DataFrame) -> Array:
    """The scale of each row's problem and point, NaN where nothing is judged."""
    problems, points = rows["problem"].cat, rows["point"].cat
    table = np.full((len(problems.categories), len(points.categories)), np.nan)
    places = scored.drop_duplicates(["problem", "point"])
    row, column = (
        problems.categories.get_indexer(pd.Index(places["problem"])),
        points.categories.get_indexer(pd.Index(places["point"])),
    )
    table[row, column] = places["scale"]
    return np.asarray(table[problems.codes.to_numpy(), points.codes.to_numpy()])


def digits_of(error: pd.Series, unit: pd.Series, names: pd.Series) -> Array:
    """Digits of absolute errors, between 0 and those of the format; 0 where there is no error."""
    most = names.map({name: fmt.digits for name, fmt in formats().items()}).to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = -np.log10(error.to_numpy(float) / unit.to_numpy(float))
    return np.clip(np.nan_to_num(digits, nan=0.0, posinf=99.0), 0.0, most)


def _profiles_of(near: pd.DataFrame, scored: pd.DataFrame, group: str) -> list[Profile]:
    found = []
    points = scored.groupby(SETTING, sort=False).size()
    for key, mine in near.groupby(SETTING, sort=False):
        derivative, stencil, name = map(str, key)
        total = int(points.get(key, 0))
        by = mine.groupby("candidate")
        places = np.arange(mine["candidate"].min(), mine["candidate"].max() + 1)
        good = by["good"].sum().reindex(places, fill_value=0).to_numpy(float)
        share = good / total
        digits = _padded_medians(mine, places, total)
        found.append(
            Profile(int(derivative), str(stencil), str(name), group, total, int(places[0]), share, digits)
        )
    return found


def _padded_medians(rows: pd.DataFrame, places: NDArray[np.int64], total: int) -> Array:
    """Median digits at every candidate over all points: one without a row there has no digits."""
    table = np.zeros((len(places), total))
    column = rows.groupby("candidate").cumcount().to_numpy()
    table[rows["candidate"].to_numpy() - places[0], column] = rows["digits"].to_numpy()
    return np.asarray(np.median(table, axis=1))


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
