"""What the tournament's figures, tables and findings share: its rows, and which methods are shown by name.

* :func:`judged`: the rows that count, of one format, derivative and section of problems.
* :func:`contenders`: the methods that a crowded figure names, each with a look of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from diffbench.report import style
from diffbench.report.data import Missing, RunData
from diffbench.report.style import Look
from diffbench.tournament.scores import UNRANKED

#: Named in crowded figures when they take part, in this order; the best of the others fill what is left.
KNOWN = (
    "auto",
    "numdifftools",
    "scipy.differentiate",
    "jacobi",
    "ridders",
    "central-2@eps-scaled",
    "central-2@1e-4",
    "scipy.approx_fprime",
    "central-6@eps-scaled",
    "central-2@gill-murray-saunders-wright",
    "central-2@dumontet-vignes",
    "central-2@dyadic",
    "central-2@1e-3",
    "central-4@eps-scaled",
    "central-2@pnd-kink",
)
MOST = 10
LOOKS = (
    Look(style.BLACK, style.SOLID, "*"),
    Look(style.BLUE, style.SOLID, "o"),
    Look(style.VERMILLION, style.SOLID, "s"),
    Look(style.GREEN, style.SOLID, "^"),
    Look(style.PURPLE, style.DASHED, "D"),
    Look(style.ORANGE, style.DASHED, "v"),
    Look(style.SKY, style.DASHED, "P"),
    Look(style.BLACK, style.DOTTED, "X"),
    Look(style.BLUE, style.DASH_DOT, "p"),
    Look(style.VERMILLION, style.DASH_DOT, "h"),
    Look(style.GREEN, style.DASH_DOT, ">"),
    Look(style.PURPLE, style.DASH_DOT_DOT, "<"),
    Look(style.ORANGE, style.DASH_DOT_DOT, "d"),
    Look(style.SKY, style.DOTTED, "8"),
)
#: What asks for more than real values of f is a line to compare with: label, and names by preference.
REFERENCES = (
    ("autodiff", ("reverse", "jet")),
    ("complex step", ("complex-step", "statsmodels.complex", "numdifftools.complex")),
)


def steps_of(run: RunData) -> pd.DataFrame:
    """The rows of the run's tournament.

    Raises
    ------
    Missing
        The run has none.
    """
    if run.steps is None or run.steps.empty:
        raise Missing("No tournament: the suite has no table [tournament], or no problem for it.")
    return run.steps


def board_of(run: RunData, name: str = "leaderboard.csv") -> pd.DataFrame:
    """A leaderboard of the run."""
    steps_of(run)
    path = run.folder / name
    if not path.is_file():
        raise Missing(f"No table of the tournament: the run has no {name}.")
    return pd.read_csv(path, dtype={"method": str, "format": str, "family": str}, keep_default_na=True)


def judged(steps: pd.DataFrame, fmt: str, derivative: int = 1, section: str = "main") -> pd.DataFrame:
    """The rows that count."""
    wanted = (steps["format"] == fmt) & (steps["derivative"] == derivative) & (steps["section"] == section)
    return steps[wanted & steps["judged"]]


def plain(steps: pd.DataFrame) -> pd.DataFrame:
    """Text as text: grouping by categories would bring back names that have no rows."""
    texts = ["problem", "point", "format", "method", "family", "section", "status", "message"]
    return steps.astype(dict.fromkeys([name for name in texts if name in steps], object))


def first_order(steps: pd.DataFrame) -> int:
    """The first derivative, or the lowest there is."""
    return int(steps["derivative"].min())


def contenders(rows: pd.DataFrame, scores: pd.Series, most: int = MOST) -> list[str]:
    """The methods that a figure names: the known ones that take part, then the best of the others.

    Parameters
    ----------
    rows : DataFrame
        Judged rows; their methods take part.
    scores : Series
        Method -> score, larger is better.
    """
    present = sorted(set(rows.loc[~rows["family"].isin(UNRANKED), "method"]))
    named = [name for name in KNOWN if name in present][:most]
    others = sorted((n for n in present if n not in named), key=lambda n: (-scores.get(n, -1.0), n))
    return [*named, *others[: max(most - len(named), 0)]]


def looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for each method, the same for the known ones in every figure."""
    fixed = dict(zip(KNOWN[: len(LOOKS)], LOOKS, strict=True))
    spare = [look for name, look in fixed.items() if name not in names]
    spare += list(LOOKS[len(fixed) :])
    given: dict[str, Look] = {}
    for name in names:
        given[name] = fixed.get(name) or (spare.pop(0) if spare else LOOKS[-1])
    return given


def spread_labels(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels near their values, in the same order, at least ``gap`` apart, from low to high."""
    order = np.argsort(np.asarray(values, dtype=float), kind="stable")
    places = np.clip(np.asarray(values, dtype=float)[order], low, high)
    for _ in range(60):  # neighbours that are too close push each other away by halves
        for i in range(1, len(places)):
            short = gap - (places[i] - places[i - 1])
            if short > 0:
                places[i - 1 : i + 1] += (-short / 2, short / 2)
    for i in range(1, len(places)):  # then into the axis, from below and from above
        places[i] = max(places[i], places[i - 1] + gap)
    limit = high
    for i in range(len(places) - 1, -1, -1):
        places[i] = min(places[i], limit)
        limit = places[i] - gap
    result = np.empty(len(places))
    result[order] = places
    return [float(place) for place in result]
