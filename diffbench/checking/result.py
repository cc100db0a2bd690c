"""The outcome of a gradient check: a verdict for every component, as a table and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any

from diffbench.checking.finding import AGREES, CANNOT_TELL, DISAGREES, Finding

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    *("component", "claimed", "reference", "estimate", "error_bound", "bounds_away"),
    *("h", "truncation", "rounding", "verdict", "reason"),
]
#: Columns that are left out of the text form where they are empty: ``auto`` has one bound.
PARTS = ["truncation", "rounding"]
#: Rows of the text form: what disagrees comes first.
SHOWN = 10


@dataclass(frozen=True)
class GradientCheck:
    """A claimed gradient, judged component by component.

    Attributes
    ----------
    findings : tuple of Finding
        In the order of the flattened point.
    components : tuple
        How the components are called: an index, or a tuple of indices where x has several axes.
    format : str
        The format in which f and the gradient ran.
    evaluations : int
        Calls of f.
    notes : tuple of str
        What else was noticed.
    """

    findings: tuple[Finding, ...]
    components: tuple[Any, ...]
    format: str
    evaluations: int
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """No component disagrees."""
        return not self.count(DISAGREES)

    def count(self, verdict: str) -> int:
        """How many components have a verdict: ``agrees``, ``disagrees`` or ``cannot tell``."""
        return sum(found.verdict == verdict for found in self.findings)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per component.

        Columns: ``component claimed reference estimate error_bound bounds_away h truncation rounding verdict
        reason``. The derivative is ``estimate`` ± ``error_bound``, the rounding of the claim included,
        according to ``reference``: ``auto``, ``nine values``, ``many values`` or ``along a line``. The claim
        is ``bounds_away`` error bounds from the estimate. ``error_bound = truncation + rounding``; these two
        are NaN where ``auto`` is the reference, which has one bound for both.
        """
        return self.rows(self._order_of_components())

    def rows(self, order: Sequence[int]) -> pd.DataFrame:
        """Some rows of the table, in a given order."""
        import pandas as pd

        records = [
            (self.components[i], *(getattr(self.findings[i], name) for name in COLUMNS[1:])) for i in order
        ]
        return pd.DataFrame(records, columns=COLUMNS)

    def worst(self, count: int = SHOWN) -> pd.DataFrame:
        """The rows to look at first: what disagrees, then what is open, then the largest gaps."""
        return self.rows(self._worst_first()[:count])

    def said(self) -> str:
        """The component to look at first, in words: its reference with the bound, how far the claim is."""
        first = self._worst_first()[0]
        name = f"component {self.components[first]}: " if len(self.findings) > 1 else ""
        return name + self.findings[first].comparison

    def _worst_first(self) -> list[int]:
        rank = {DISAGREES: 0, CANNOT_TELL: 1, AGREES: 2}
        return sorted(
            self._order_of_components(),
            key=lambda i: (rank[self.findings[i].verdict], -_excess(self.findings[i])),
        )

    def assert_ok(self, strict: bool = False) -> None:
        """Raise an AssertionError with the table if a component disagrees.

        Parameters
        ----------
        strict : bool
            Also if there is a component about which the check cannot tell.
        """
        __tracebackhide__ = True  # pytest shows the test that failed, not this line
        if not self.passed:
            raise AssertionError(str(self))
        if strict and self.count(CANNOT_TELL):
            raise AssertionError(f"strict: {self.count(CANNOT_TELL)} left open\n{self}")

    def summary(self) -> str:
        """One line: the outcome and the counts."""
        total = len(self.findings)
        counts = ", ".join(
            f"{self.count(verdict)} {text}"
            for verdict, text in ((AGREES, "agree"), (DISAGREES, "disagree"), (CANNOT_TELL, "cannot tell"))
            if self.count(verdict)
        )
        outcome = "passed" if self.passed else "FAILED"
        plural = "s" if total != 1 else ""
        return f"gradient check {outcome} in {self.format}: {total} component{plural}, {counts or 'none'}"

    def _order_of_components(self) -> range:
        return range(len(self.findings))

    def __str__(self) -> str:
        shown = without_empty_parts(self.worst())
        text = shown.to_string(index=False, float_format=lambda v: f"{v:.6g}", na_rep="-")
        hidden = len(self.findings) - len(shown)
        more = [f"... and {hidden} more components (see .table)"] if hidden > 0 else []
        return "\n".join([self.summary(), text, *more, self.said(), *(f"note: {n}" for n in self.notes)])

    def __repr__(self) -> str:
        return f"<GradientCheck: {self.summary()}>"

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        rows = without_empty_parts(self.worst(50))
        table = rows.to_html(index=False, float_format=lambda v: f"{v:.6g}", na_rep="-")
        return f"<p><b>{escape(self.summary())}</b></p>{table}<p>{escape(self.said())}</p>{notes}"


def without_empty_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Some rows without the two parts of the bound, where none of them knows these."""
    return rows.drop(columns=PARTS) if rows[PARTS].isna().all(axis=None) else rows


def _excess(found: Finding) -> float:
    return 0.0 if isnan(found.bounds_away) else found.bounds_away
