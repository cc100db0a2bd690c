"""Methods on random functions: one row for a method and a case, judged against the exact derivative.

* :func:`measured`: a method on a case, whatever it does.
* :func:`rows_frame`: rows as a data frame, the content of ``random-set.parquet``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.formats import get_format
from diffbench.methods import Method, get_method
from diffbench.methods.harness import LIMIT, measure
from diffbench.methods.isolation import measure_isolated
from diffbench.random_functions.drawing import Case
from diffbench.random_functions.textbook import CBRT

if TYPE_CHECKING:
    import pandas as pd

#: Methods that only this set has.
OWN = {CBRT.name: CBRT}
WRONG = 1e-3  # a relative error above this is wrong, or
FAR = 100.0  # above this many errors of the best central difference, whichever is larger

COLUMNS = (
    *("format", "method", "case", "group", "function", "x", "exact", "exact_rest", "best", "estimate"),
    *("error", "relative_error", "error_estimate", "evaluations", "status", "message"),
    *("judged", "failed", "flagged", "silent_wrong", "covered"),
)


@dataclass(frozen=True)
class Row:
    """One method on one case.

    Attributes
    ----------
    value, claimed : float
        The estimate and the method's own error bound; NaN where there is none.
    evaluations : int
        Counted where the function is called.
    """

    method: str
    case: Case
    value: float
    claimed: float
    evaluations: int
    status: str
    message: str = ""

    @property
    def judged(self) -> bool:
        """Whether the method took part."""
        return self.status != "refused"

    @cached_property
    def miss(self) -> float:
        """The absolute error, infinite without a number."""
        return self.case.miss(self.value) if math.isfinite(self.value) else math.inf

    @property
    def error(self) -> float:
        """The relative error, infinite without a number."""
        return self.miss / abs(self.case.truth)

    @property
    def failed(self) -> bool:
        return self.judged and not math.isfinite(self.value)

    @property
    def flagged(self) -> bool:
        return self.judged and not self.failed and self.status != "ok"

    @property
    def wrong(self) -> bool:
        """Silently: no flag, and an error above 1e-3 and 100 times that of the best central difference."""
        said = not self.judged or self.failed or self.flagged
        return not said and self.error > max(WRONG, FAR * self.case.best)

    @property
    def covered(self) -> bool:
        return math.isfinite(self.value) and self.miss <= self.claimed


def find(name: str | Method) -> Method:
    """The method of that name: one of ``OWN``, or of the registry."""
    return name if isinstance(name, Method) else OWN.get(name) or get_method(name)


def measured(
    method: str | Method, case: Case, limit: float = LIMIT, isolated: bool = False, derivative: int = 1
) -> Row:
    """A method on a case.

    Parameters
    ----------
    method : str or Method
    case : Case
    limit : float
        Seconds.
    isolated : bool
        In a process of its own: a library that never returns or dies costs this row only.
    derivative : int
        The one that the truth of the case is.
    """
    chosen, fmt = find(method), get_format(case.format)
    opaque = case.format == "float64"  # noise and steps are made of bits, which a strict run has none of
    program = _plain(case.f) if opaque else case.f
    if isolated:
        found = measure_isolated([chosen], program, fmt, [case.x], derivative, opaque=opaque, limit=limit)[0][
            0
        ]
    else:
        found = measure(chosen, program, fmt, case.x, derivative, opaque=opaque, limit=limit)
    value, claimed = float(found.value), float(found.error_estimate)
    return Row(chosen.name, case, value, claimed, found.evaluations, found.status, found.message)


def _plain(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def program(t: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(f(t)) + 0.0 * np.asarray(t)

    return program


def rows_frame(rows: Sequence[Row], start: int = 0) -> pd.DataFrame:
    """Rows of the cases from number ``start`` on as a frame with ``COLUMNS``."""
    return _frame(
        (
            *(r.case.format, r.method, start + i, r.case.group, r.case.name, r.case.x, r.case.truth),
            *(r.case.rest, r.case.best, r.value, r.miss, r.error, r.claimed, r.evaluations, r.status),
            *(r.message, r.judged, r.failed, r.flagged, r.wrong, r.covered),
        )
        for i, r in enumerate(rows)
    )


def unmeasured_frame(
    method: str, format_name: str, start: int, stop: int, status: str, message: str
) -> pd.DataFrame:
    """Rows of cases that a method was to be given and that were not finished, which counts as a failure."""
    nan, refused = math.nan, status == "refused"
    return _frame(
        (
            *(format_name, method, number, "", "", nan, nan, nan, nan, nan, math.inf, math.inf, nan, 0),
            *(status, message, not refused, not refused, False, False, False),
        )
        for number in range(start, stop)
    )


def _frame(records: Any) -> pd.DataFrame:
    import pandas as pd

    texts = dict.fromkeys(("format", "method", "group", "function", "status", "message"), object)
    flags = dict.fromkeys(("judged", "failed", "flagged", "silent_wrong", "covered"), bool)
    types = dict.fromkeys(COLUMNS, float) | texts | flags | {"case": np.int64, "evaluations": np.int64}
    return pd.DataFrame.from_records(list(records), columns=list(COLUMNS)).astype(types)
