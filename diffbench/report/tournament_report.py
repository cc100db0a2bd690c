"""Which figures the tournament of a run gets; their words are in ``templates/tournament.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diffbench.report.cases import SHOWCASE
from diffbench.report.choice_figures import stencil_of
from diffbench.report.data import ORDER_OF_FORMATS, Missing, RunData, ordered
from diffbench.report.figcache import Figure
from diffbench.report.style import unit_roundoff
from diffbench.report.text import count, derivative_name, derivative_symbol, listing, point_text
from diffbench.report.tournament_data import KNOWN, first_order, judged, steps_of
from diffbench.tournament.scores import UNRANKED

MOST_LINES = 46  # methods of the picture of one problem
BASIC = ("problem", "point", "format", "derivative", "method", "family", "section", "judged", "failed")


def figures(run: RunData) -> tuple[list[Figure], list[str]]:
    """The figures of the tournament, and sentences on those it cannot have."""
    made, missing = [], []
    for make in _MAKERS:
        try:
            made += make(run)
        except Missing as reason:
            missing.append(str(reason))
    return made, missing


@cache
def _captions() -> dict[str, dict[str, str]]:
    path = Path(__file__).parent / "templates" / "tournament.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _figure(
    name: str, function: str, arguments: dict[str, Any], words: dict[str, str], text: str = ""
) -> Figure:
    told = {key: template.format(**words) for key, template in _captions()[text or name].items()}
    return Figure(name, function, arguments, **told)


def _words(steps: pd.DataFrame) -> dict[str, str]:
    main = steps[steps["section"] == "main"]
    return {
        "derivative": derivative_name(first_order(steps)),
        "problems": count(main["problem"].nunique(), "problem"),
        "formats": listing(ordered(steps["format"], ORDER_OF_FORMATS)),
        "methods": count(steps.loc[steps["judged"], "method"].nunique(), "method"),
    }


def _columns(steps: pd.DataFrame, *names: str) -> pd.DataFrame:
    """What a figure needs, of the derivative it speaks of: less to send, and to hash."""
    rows = steps[steps["derivative"] == first_order(steps)]
    return rows[[*BASIC, *names]].reset_index(drop=True)


def _targets(run: RunData) -> list[Figure]:
    steps = steps_of(run)
    arguments = {"steps": _columns(steps, "digits", "evaluations")}
    return [
        _figure("tournament-targets", "tournament_figures.targets_figure", arguments, _words(steps)),
    ]


def _profile(run: RunData) -> list[Figure]:
    steps = steps_of(run)
    arguments = {"steps": _columns(steps, "relative_error", "digits", "evaluations")}
    return [_figure("tournament-profile", "tournament_figures.profile_figure", arguments, _words(steps))]


def _groups(run: RunData) -> list[Figure]:
    steps = steps_of(run)
    groups = dict(zip(run.problems["problem"], run.problems["group"], strict=True))
    every = _columns(steps, "digits", "evaluations", "relative_error", "silent_wrong")
    made = []
    for fmt in _shown_formats(steps):
        rows = every[every["format"] == fmt]
        arguments = {"steps": rows, "groups": groups, "fmt": fmt}
        words = _words(rows) | {"format": fmt}
        name = f"tournament-groups-{fmt}"
        made.append(
            _figure(name, "tournament_maps.groups_figure", arguments, words, text="tournament-groups")
        )
    return made


def _calibration(run: RunData) -> list[Figure]:
    steps = steps_of(run)
    every = _columns(steps, "error", "exact", "error_estimate")
    every = every[every["error_estimate"].notna()]
    if every.empty:
        raise Missing("No figure of error estimates: no method of the tournament estimates its error.")
    fmt = _shown_formats(every)[0]
    rows = every[every["format"] == fmt]
    arguments, name = {"steps": rows, "fmt": fmt}, "tournament-calibration"
    return [_figure(name, "tournament_maps.calibration_figure", arguments, {"format": fmt})]


def _chosen(run: RunData) -> list[Figure]:
    steps = steps_of(run)
    every = _columns(steps, "h", "h_best")
    rows = every[every["method"].str.startswith("central-2")]
    if rows["h"].isna().all():
        raise Missing("No figure of chosen steps: no method of the tournament chooses steps for central-2.")
    arguments = {"steps": rows}
    return [_figure("tournament-steps", "tournament_maps.chosen_figure", arguments, _words(steps))]


def _which_h(run: RunData) -> list[Figure]:
    steps = steps_of(run)
    order = first_order(steps)
    rows = steps[steps["judged"] & (steps["derivative"] == order)]
    present = sorted(set(rows.loc[rows["section"] == "main", "problem"]))
    if not present:
        raise Missing("No picture of every rule's choice: no problem of the tournament has a derivative.")
    problem = next((name for name in SHOWCASE if name in present), present[0])
    made = []
    for fmt in _shown_formats(rows):
        mine = rows[(rows["problem"] == problem) & (rows["format"] == fmt)]
        if len(mine):
            made.append(_one_problem(run, mine[mine["point"] == mine["point"].iloc[0]], problem, fmt, order))
    return made


def _one_problem(run: RunData, mine: pd.DataFrame, problem: str, fmt: str, order: int) -> Figure:
    """The picture of one problem at one point in one format."""
    point, first = str(mine["point"].iloc[0]), mine.iloc[0]
    unit = abs(float(first["exact"])) or 1.0
    wanted = {"problem": problem, "point": point, "format": fmt, "derivative": order, "variant": "integer"}
    sweep = run.sweep(["stencil", "h", "error", "status"], **wanted)
    sweep = sweep[(sweep["status"].astype(str) == "ok") & (sweep["h"] > 0)]
    curves = pd.DataFrame(
        {"stencil": sweep["stencil"].astype(str), "h": sweep["h"], "error": sweep["error"].abs() / unit}
    )
    where = f"{derivative_symbol(order)} of {problem} at x = {point_text(point)} in {fmt}"
    arguments = {
        "curves": curves.reset_index(drop=True),
        "choices": choice_lines(mine, sorted(set(curves["stencil"]))),
        "best": {"h": float(first["h_best"]), "error": float(first["error_best"]) / unit},
        "title": f"Which h? {where}",
        "u": unit_roundoff(fmt),
        "relative": float(first["exact"]) != 0,
    }
    words = {"problem": problem, "format": fmt, "where": where}
    words["methods"] = count(len(arguments["choices"]), "method")  # type: ignore[arg-type]
    name = f"tournament-which-h-{fmt}"
    return _figure(name, "choice_figures.choices_figure", arguments, words, text="tournament-which-h")


def choice_lines(rows: pd.DataFrame, stencils: Sequence[str], most: int = MOST_LINES) -> pd.DataFrame:
    """A line for each method of one problem and point, from the smallest error to the largest.

    With more than ``most`` methods, those that differ from a shorter-named one only in the rounding of the
    step are left out first, then lines that say the same (step, error and evaluations) as another, then some
    evenly; the methods that every figure names stay.
    """
    lines = rows[~rows["family"].isin([name for name in UNRANKED if name != "oracle"])]
    error = np.where(np.isnan(lines["relative_error"]), np.inf, lines["relative_error"])
    known = lines["method"].isin(KNOWN)
    lines = lines.assign(place=error, other=~known, length=lines["method"].str.len())
    lines = lines.sort_values(["place", "other", "length", "method"], kind="stable")
    if len(lines) > most:
        lines = lines[~lines["method"].str.contains(":")]
    if len(lines) > most:
        same = lines.duplicated(["h", "relative_error", "evaluations", "status"])
        spare = same & lines["h"].notna()
        extra = len(lines) - most
        lines = lines.drop(index=lines.index[spare.to_numpy()][:extra])
    if len(lines) > most:
        others = np.flatnonzero(lines["other"].to_numpy(bool))
        free = max(most - (len(lines) - len(others)), 0)
        kept = others[np.unique(np.linspace(0, len(others) - 1, free).round().astype(int))]
        lines = lines.iloc[np.union1d(kept, np.flatnonzero(~lines["other"].to_numpy(bool)))]
    lines = lines.assign(
        error=lines["relative_error"], stencil=[stencil_of(name, stencils) for name in lines["method"]]
    )
    columns = ["method", "stencil", "h", "error", "regret", "evaluations", "status", "silent_wrong"]
    return lines[columns].reset_index(drop=True)


def _shown_formats(steps: pd.DataFrame) -> list[str]:
    """The widest common format, and the narrowest."""
    present = ordered(judged_formats(steps), ORDER_OF_FORMATS)
    if not present:
        raise Missing("No figure of the tournament: no row of it can be judged.")
    wide = "float64" if "float64" in present else present[-1]
    return list(dict.fromkeys([wide, present[0]]))


def judged_formats(steps: pd.DataFrame) -> list[str]:
    """Formats with rows that count in the main section."""
    rows = steps[steps["judged"] & (steps["section"] == "main")]
    return sorted(set(rows["format"]))


_MAKERS: tuple[Callable[[RunData], list[Figure]], ...] = (
    _targets,
    _profile,
    _which_h,
    _chosen,
    _groups,
    _calibration,
)

__all__ = ["choice_lines", "figures", "judged", "judged_formats"]
