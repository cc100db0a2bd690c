"""The tournament: every method on every problem, point and format it accepts, with a certified truth.

* ``tournament(problems, methods, formats)``: gives a :class:`Tournament`.
* ``tournament_cell(problem, format_name, settings)``: the cell of a run, one problem in one format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from diffbench.arithmetic.formats import get_format
from diffbench.errors import UserError
from diffbench.methods import Method
from diffbench.methods.harness import LIMIT
from diffbench.problems import Problem, select
from diffbench.tournament.lineup import lineup
from diffbench.tournament.rows import SECTIONS, STEP_COLUMNS, TournamentSettings, tournament_cell
from diffbench.tournament.scores import kink_board, leaderboard

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "SECTIONS",
    "STEP_COLUMNS",
    "Tournament",
    "TournamentSettings",
    "kink_board",
    "leaderboard",
    "lineup",
    "tournament",
    "tournament_cell",
]


@dataclass(frozen=True)
class Tournament:
    """The result of :func:`tournament`: ``frame`` (a row per estimate), ``leaderboard()``, ``plot()``."""

    frame: pd.DataFrame

    def leaderboard(self, section: str = "main") -> pd.DataFrame:
        """One row per method, format and derivative, ranked (the columns of ``leaderboard.csv``).

        Parameters
        ----------
        section : {"main", "noisy", "kinked"}
            Problems are never mixed: noise and kinks have tables of their own.
        """
        if section not in SECTIONS:
            raise UserError(f"there is no section {section!r}: choose from {', '.join(SECTIONS)}")
        return leaderboard(self.frame, section)

    def kinks(self) -> pd.DataFrame:
        """What methods do at points without a derivative: one row per method, format and derivative."""
        return kink_board(self.frame)

    def plot(self) -> Figure:
        """Share of digits targets reached against evaluations, one panel per format."""
        from diffbench.report.tournament_figures import targets_figure

        return targets_figure(self.frame)

    def __repr__(self) -> str:
        methods, problems = self.frame["method"].nunique(), self.frame["problem"].nunique()
        silent = int(self.frame["silent_wrong"].sum())
        return (
            f"<Tournament: {methods} methods, {problems} problems, {len(self.frame)} rows, "
            f"{silent} silently wrong; .leaderboard() for the scores, .plot() for the picture>"
        )

    def _repr_html_(self) -> str:
        columns = (
            "rank method format derivative cases failed silent_wrong error_median evaluations_median score"
        )
        table = self.leaderboard()[columns.split()]
        return str(table.to_html(index=False, float_format=lambda v: f"{v:.3g}", border=0))


def tournament(
    problems: str | Problem | Iterable[str | Problem] | None = None,
    methods: str | Method | Sequence[str | Method] | None = None,
    formats: Sequence[str] = ("float16", "float32", "float64"),
    *,
    derivatives: Sequence[int] = (1,),
    per_decade: int = 20,
    limit: float = LIMIT,
) -> Tournament:
    """Compare methods on problems, in this process.

    Parameters
    ----------
    problems : patterns or Problem objects, optional
        As ``diffbench list problems`` shows them (names, globs, ``group:smooth``, ``tag:noisy``); all of
        them by default.
    methods : names, patterns or Method objects, optional
        As ``diffbench list methods`` shows them (names, globs, ``family:rival``); by default all that are
        listed.
    formats : sequence of str
    derivatives : sequence of int
        Orders m, 1 to 6.
    per_decade : int
        Steps per decade of the sweep that gives the robust best step of central-2.
    limit : float
        Seconds that a method may take for one point.

    Raises
    ------
    UserError
        If a name is unknown or there is nothing to compute. What methods and problems do is never raised.
    """
    chosen = _problems(problems)
    contenders = lineup("all" if methods is None else methods)
    names = [get_format(name).name for name in ([formats] if isinstance(formats, str) else formats)]
    orders = _orders(derivatives)
    settings = TournamentSettings(tuple(m.name for m in contenders), orders, per_decade, limit=limit)
    cells = [
        tournament_cell(problem, name, settings, contenders)["steps"]
        for problem in chosen
        for name in dict.fromkeys(names)
        if problem.formats is None or name in problem.formats
    ]
    if not cells:
        raise UserError("nothing to compute: none of the chosen problems is defined for the chosen formats")
    return Tournament(join(cells))


def join(cells: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames below each other, text as categories again."""
    texts = [name for name in cells[0] if isinstance(cells[0][name].dtype, pd.CategoricalDtype)]
    plain = [cell.astype(dict.fromkeys(texts, object)) for cell in cells]
    return pd.concat(plain, ignore_index=True).astype(dict.fromkeys(texts, "category"))


def _problems(wanted: str | Problem | Iterable[str | Problem] | None) -> list[Problem]:
    if wanted is None:
        return select(["all"])
    found: dict[str, Problem] = {}
    for item in [wanted] if isinstance(wanted, str | Problem) else wanted:
        for problem in [item] if isinstance(item, Problem) else select([item]):
            found[problem.name] = problem
    if not found:
        raise UserError('no problems: give at least one, such as "sin", or leave problems out for all')
    return list(found.values())


def _orders(derivatives: Sequence[int]) -> tuple[int, ...]:
    orders = [derivatives] if isinstance(derivatives, int) else list(derivatives)
    for m in orders:
        if not isinstance(m, int) or isinstance(m, bool) or not 1 <= m <= 6:
            raise UserError(f"a derivative order must be an integer from 1 to 6, not {m!r}")
    if not orders:
        raise UserError("give at least one derivative order, for example derivatives=(1,)")
    return tuple(dict.fromkeys(orders))
