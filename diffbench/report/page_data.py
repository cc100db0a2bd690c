"""What the page knows of a run, gathered once: the explorer's rows, the step chooser, the long tables.

``Interactive.of(run)`` reads the run; ``payload()`` is what is inlined into the page as JSON. The large
things in it are deflated; ``static/data.js`` reads them when they are needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from diffbench.report import page_chooser, page_grids, page_rows
from diffbench.report.cases import showcase
from diffbench.report.data import PARTS, STATUSES, Missing, RunData, stencil_order
from diffbench.report.page_chooser import Profile
from diffbench.report.page_codec import rounded, squeeze_json
from diffbench.report.page_rows import CHOICES, MOST_ROWS, VALUES, Packed
from diffbench.report.page_series import SERIES, series_of
from diffbench.report.style import unit_roundoff
from diffbench.report.tables import Table
from diffbench.report.tables_run import MEANING

SCORES = (
    *("x", "unit", "relative_to", "scale", "power", "a", "b", "h_best", "error_best", "digits"),
    *(
        "observed_order",
        "order_h_low",
        "order_h_high",
        "autodiff_error",
        "accuracy",
        "reason",
        "left",
        "right",
    ),
)


@dataclass(frozen=True)
class Interactive:
    """The parts of the page that need more than tables: see the functions that make them."""

    run: RunData
    rows: pd.DataFrame
    choices: pd.DataFrame
    series: pd.DataFrame
    profiles: list[Profile]
    rules: pd.DataFrame

    @classmethod
    def of(cls, run: RunData) -> Interactive:
        """Read and pack."""
        rows, choices = page_rows.read_sweep(run), page_rows.read_steps(run)
        series = series_of(run)
        groups = run.problems.set_index("problem")["group"] if len(run.problems) else pd.Series(dtype=object)
        profiles = page_chooser.profiles(rows, series, groups)
        return cls(run, rows, choices, series, profiles, page_chooser.rule_scores(choices, series))

    def recommended(self) -> Table:
        """The table of the step chooser, for both pages."""
        return page_chooser.recommended_table(self.profiles, self.run.formats)

    def payload(self, most: int = MOST_ROWS) -> dict[str, Any]:
        """Everything that the page's scripts need, ready for JSON, with at most about `most` rows."""
        run, packed = self.run, page_rows.pack(self.rows, self.choices, self.run.formats, most)
        return {
            "formats": run.formats,
            "roundoff": {name: rounded(unit_roundoff(name)) for name in run.formats},
            "stencils": stencil_order(self.series["stencil"].dropna()),
            "statuses": [*STATUSES, "other"],
            "meaning": MEANING,
            "parts": PARTS,
            "values": VALUES,
            "choices": CHOICES,
            "methods": packed.methods,
            "stride": packed.stride,
            "density": page_rows.grid_density(run),
            "kept": packed.kept,
            "total": packed.rows,
            "showcase": self._showcase(),
            "problems": self._problems(packed),
            "series": squeeze_json(self._series(packed)),
            "steps": squeeze_json(self._steps()),
            "tables": squeeze_json(page_grids.grids(run, self.series)),
        }

    def _showcase(self) -> list[str]:
        try:
            return list(showcase(self.run))
        except Missing:
            return []

    def _problems(self, packed: Packed) -> list[dict[str, Any]]:
        """Problems in the order of the catalogue's groups, each with its points and their packed rows."""
        known = self.run.problems.set_index("problem").to_dict("index") if len(self.run.problems) else {}
        points: dict[str, list[dict[str, Any]]] = {}
        for (problem, point), blob in packed.blobs.items():
            count = packed.choices[problem, point]
            points.setdefault(problem, []).append({"point": point, "rows": blob, "choices": count})
        order = [name for name in known if name in points] + [name for name in points if name not in known]
        return [
            {
                "name": name,
                "group": _text(known.get(name, {}).get("group")),
                "program": _text(known.get(name, {}).get("program")),
                "cite": _text(known.get(name, {}).get("cite")),
                "points": points[name],
            }
            for name in order
        ]

    def _series(self, packed: Packed) -> dict[str, Any]:
        """Columns over all series, in the order in which their rows are packed, and the steps they share."""
        frame = packed.series.merge(self.series, on=SERIES, how="left", sort=False)
        columns: dict[str, Any] = {"grids": packed.grids}
        for name in (*SERIES, "grid", "evaluations", "message", *SCORES):
            values = frame[name] if name in frame else pd.Series([None] * len(frame))
            if values.dtype.kind in "iuf":
                whole = name in ("grid", "derivative")
                columns[name] = [int(v) if whole else rounded(v) for v in values.tolist()]
            else:
                codes, names = pd.factorize(values.map(_text))
                columns[name] = {"codes": codes.tolist(), "names": list(names)}
        for name in ("x", "unit"):  # exact: rows are divided by the unit, and x is a number of the format
            columns[name] = [value if math.isfinite(value) else None for value in frame[name].tolist()]
        return columns

    def _steps(self) -> dict[str, Any]:
        """The profiles and the step rules of the step chooser."""
        profiles = [
            {
                **{"derivative": p.derivative, "stencil": p.stencil, "format": p.format, "group": p.group},
                **{"points": p.points, "low": p.low, "best": p.best},
                "share": [round(float(v), 6) for v in p.share],
                "digits": [round(float(v), 6) for v in p.digits],
            }
            for p in self.profiles
        ]
        rules = [
            {key: rounded(value) if isinstance(value, float) else value for key, value in row.items()}
            for row in self.rules.to_dict("records")
        ]
        return {
            "bins": page_chooser.BINS,
            "good": page_chooser.GOOD,
            "all": page_chooser.ALL,
            "profiles": profiles,
            "rules": rules,
        }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
