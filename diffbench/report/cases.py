"""Which rows of a run stand for the whole: the showcase, a problem's first point, the columns of a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diffbench.report.data import ORDER_OF_FORMATS, Missing, RunData, ordered, select

SHOWCASE = ("exp_of_sin", "sin", "exp")  # well known, and away from every special case
SERIES = tuple(
    """problem point x format stencil derivative accuracy variant h estimate exact error truncation abscissa
    evaluation weights combination status message""".split()
)


def showcase(run: RunData) -> tuple[str, str]:
    """A well-known problem and point with a regular derivative in as many formats as possible."""
    best = run.best_rows(variant="integer", derivative=run.main_derivative)
    best = best[(best["h_best"] > 0) & (best["error_best"] > 0)]
    if "relative_to" in best:
        best = best[best["relative_to"] == "derivative"]
    if best.empty:
        raise Missing("No overview figures: no series of the run has a best step.")
    formats = best.groupby(["problem", "point"], sort=False)["format"].nunique()
    most = formats[formats == formats.max()].index
    for name in SHOWCASE:
        for problem, point in most:
            if problem == name:
                return str(problem), str(point)
    return str(most[0][0]), str(most[0][1])


def case_rows(run: RunData, problem: str, point: str) -> pd.DataFrame:
    """Sweep rows of one problem and point for the main derivative, all stencils and formats."""
    order = run.main_derivative
    return plain(run.sweep(SERIES, problem=problem, point=point, variant="integer", derivative=order))


def case_summary(run: RunData, problem: str, point: str) -> pd.DataFrame:
    """The scores of the same rows."""
    order = run.main_derivative
    rows = select(run.summary, problem=problem, point=point, variant="integer", derivative=order)
    return rows[["format", "stencil", "variant", "h_best", "error_best"]]


def widest(rows: pd.DataFrame) -> str:
    """float64 where it was measured, or else the widest format."""
    formats = ordered(rows["format"], ORDER_OF_FORMATS)
    return "float64" if "float64" in formats else formats[-1]


def first_point(rows: pd.DataFrame) -> str:
    """The first point with results to draw, or else the first."""
    counts = rows.loc[np.isfinite(rows["estimate"]), "point"].value_counts()
    points = [str(point) for point in pd.unique(rows["point"])]
    return next((point for point in points if counts.get(point, 0) >= 5), points[0])


def what_is_drawn(rows: pd.DataFrame) -> str:
    """What the figure of a problem shows."""
    if np.isfinite(rows["error"]).any():
        return "errors"
    return "estimates" if np.isfinite(rows["estimate"]).any() else "no results"


def references_at(references: pd.DataFrame | None, point: str) -> pd.DataFrame:
    """What figures need of the references of one problem at a point."""
    columns = ["problem", "point", "x", "derivative", "value", "left", "right", "scale"]
    if references is None:
        return pd.DataFrame(columns=columns)
    rows = references[references["point"] == point]
    floors = [name for name in rows if str(name).startswith("autodiff_error_")]
    return rows[[*(name for name in columns if name in rows), *floors]]


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Without categories, so that a frame is small to send and its digest depends on what it shows."""
    categories = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(categories, object)).reset_index(drop=True)
