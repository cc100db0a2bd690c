"""A run folder for the page: a few real problems, one under a hostile name, with a small tournament."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from diffbench.problems import select as select_problems
from diffbench.scores import summarise
from diffbench.sweep import SweepSettings, sweep_cell
from diffbench.tournament import tournament

FORMATS = ("float16", "float32", "float64")
STENCILS = {1: ("forward-1", "central-2", "central-4"), 2: ("central-2",)}
NAMES = ("exp_of_sin", "sin_100", "absolute_value", "dezero")
METHODS = (
    *("forward-1@eps-scaled", "central-2@eps-scaled", "central-2@1e-4", "central-4@eps-scaled"),
    *("complex-step", "reverse"),
)
HOSTILE = "</script><img src=x onerror=\"document.title='hacked'\">'&`"
PER_DECADE = 10


def make(folder: Path) -> Path:
    """Write the folder; gives it."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = select_problems(list(NAMES))
    cells = [sweep_cell(p, name, SweepSettings(STENCILS, PER_DECADE)) for p in problems for name in FORMATS]
    halves = SweepSettings({1: ("central-2",)}, PER_DECADE, "decimal", ("float", "mixed"))
    cells.append(sweep_cell(problems[0], "float16", halves))
    sweep = pd.concat([cell["sweep"] for cell in cells], ignore_index=True)
    references = pd.concat([cell["references"] for cell in cells], ignore_index=True)
    references = references.drop_duplicates(["problem", "point", "x", "derivative"])
    sweep, references = (with_hostile(frame) for frame in (sweep, references))
    summary = summarise(sweep, references)
    text = ["problem", "point", "format", "stencil", "variant", "status", "message"]
    sweep.astype(dict.fromkeys(text, "category")).to_parquet(folder / "sweep.parquet")
    references.to_parquet(folder / "references.parquet")
    summary.to_csv(folder / "summary.csv", index=False)
    catalogue = [(p.name, p.group, p.cite, p.source, np.nan) for p in problems]
    catalogue.append((HOSTILE, HOSTILE, HOSTILE, HOSTILE, np.nan))
    columns = ["problem", "group", "cite", "program", "scale"]
    pd.DataFrame(catalogue, columns=columns).to_csv(folder / "problems.csv", index=False)
    played = tournament(list(NAMES), list(METHODS), formats=FORMATS)
    with_hostile(played.frame).to_parquet(folder / "steps.parquet")
    played.leaderboard().to_csv(folder / "leaderboard.csv", index=False)
    content = {"title": "A small run for the browser", "steps": {"per_decade": PER_DECADE}}
    manifest = {"state": "complete", "suite": {"name": "small", "hash": "0", "content": content}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def with_hostile(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `dezero` once more, under the hostile name."""
    again = frame[frame["problem"] == "dezero"].assign(problem=HOSTILE)
    return pd.concat([frame, again], ignore_index=True)
