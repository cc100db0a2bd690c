"""The outcome of a gradient check: a verdict for every component, as a table and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from diffbench.checking.component import AGREES, CANNOT_TELL, DISAGREES, Finding

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = "component claimed estimate error_bound h truncation rounding verdict reason".split()
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

        Columns: ``component claimed estimate error_bound h truncation rounding verdict reason``, with
        ``error_bound = truncation + rounding``, the rounding of the claimed value included.
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
        rank = {DISAGREES: 0, CANNOT_TELL: 1, AGREES: 2}
        order = sorted(
            self._order_of_components(),
            key=lambda i: (rank[self.findings[i].verdict], -_excess(self.findings[i])),
        )
        return self.rows(order[:count])

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
        shown = self.worst()
        text = (
            shown.to_string(index=False, float_format=lambda v: f"{v:.6g}", na_rep="-") if len(shown) else ""
        )
        hidden = len(self.findings) - len(shown)
        more = [f"... and {hidden} more components (see .table)"] if hidden > 0 else []
        return "\n".join([self.summary(), *filter(None, [text]), *more, *(f"note: {n}" for n in self.notes)])

    def __repr__(self) -> str:
        return f"<GradientCheck: {self.summary()}>"

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        table = self.worst(50).to_html(index=False, float_format=lambda v: f"{v:.6g}", na_rep="-")
        return f"<p><b>{escape(self.summary())}</b></p>{table}{notes}"


def _excess(found: Finding) -> float:
    gap = abs(found.claimed - found.estimate)
    return gap / found.error_bound if found.error_bound > 0 else gap
