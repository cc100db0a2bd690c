"""The unit of work: what is computed, stored and resumed on its own.

* :class:`Cell`: one problem in one format, of one kind (:mod:`diffbench.runs.kinds`).
* :func:`problem_content`: what the key of a cell says about its problem.

A key names the content of a cell and not its place: two suites that ask for the same cell share it, and an
edit anywhere in the program, the settings, the engine or the environment gives a new key, so a stale
result cannot be mistaken for a fresh one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffbench.runs.fingerprint import program_text

if TYPE_CHECKING:
    from diffbench.problems import Problem

KEY_LENGTH = 32


@dataclass(frozen=True)
class Cell:
    """A problem in a format, with the settings of what is done to it.

    Attributes
    ----------
    problem : Problem
        Or what another kind of cell has in its place: a record with a ``name``. For a map: with the map's
        points and one scale for all of them.
    settings : object
        What the kind's ``compute`` gets besides; it can be pickled.
    key : str
        Hash of everything the numbers depend on; the name of the cell's folder.
    cost : float
        A guess in units of about a microsecond, for the order of work and the estimate of the time left.
    kind : str
        The name of its :class:`~diffbench.runs.kinds.kind.Kind`.
    """

    problem: Any
    format_name: str
    settings: Any
    key: str
    cost: float
    kind: str = "sweep"

    @property
    def is_map(self) -> bool:
        return self.kind == "map"

    @property
    def label(self) -> str:
        what = "" if self.kind == "sweep" else f" {self.kind}"
        task = getattr(self.settings, "task", "")  # of a kind that has several
        return f"{self.problem.name} {self.format_name}{what}{task and f' {task}'}"


def problem_content(problem: Problem) -> dict[str, Any]:
    """What the numbers of a cell depend on in a problem: its programs, points, scales, domain and name.

    The name is in every row; tags and the citation are not, so a better citation costs nothing.
    """
    return {
        "program": program_text(problem.function),
        "truth": program_text(problem.truth) if problem.truth is not None else None,
        # repr: the exact float, and 0.0 apart from -0.0
        "points": [repr(point) for point in problem.points],
        "scales": [repr(problem.scale_at(point)) for point in problem.points],
        "domain": [repr(bound) for bound in problem.domain],
        "opaque": problem.opaque,
        "stated": repr(sorted((point, sorted(facts.items())) for point, facts in problem.stated.items())),
        "name": problem.name,
    }
