"""Random functions to judge derivative methods by: nobody can have tuned to what is drawn after the fact.

* :func:`draw_cases`, :func:`cases`, :func:`narrow_cases`: the cases of a seed, with exact derivatives.
* :func:`measured`, :func:`rows_frame`: a method on a case; rows as a data frame.
* :func:`score`, :func:`board`: what rows come to.

Every case is a composite of elementary functions at a random length scale (1e-8 to 1e8), magnitude of x,
amplitude and offset, from one of the groups of :mod:`~diffbench.random_functions.groups`; the truth is the
derivative of the smooth program from a Taylor series over Arb balls, at the exact x. A case is drawn again
when its truth is not finite, vanishes beside the scale of the function, or takes Arb more than 4096 bits (the
size guard: nested exponentials would otherwise never end).

In narrower formats the program runs strictly in the format, with groups of their own (``NARROW``): what
differs there is that terms which cancel inside f leave few bits, or none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffbench.random_functions.composites import hashed
    from diffbench.random_functions.drawing import (
        Case,
        cases,
        cases_between,
        draw_cases,
        narrow_cases,
        shares,
    )
    from diffbench.random_functions.exact import Exact, exact_derivatives, truth
    from diffbench.random_functions.groups import GROUPS, NARROW
    from diffbench.random_functions.measure import (
        OWN,
        Row,
        find,
        measured,
        rows_frame,
        unmeasured_frame,
    )
    from diffbench.random_functions.scores import ALL, HEADER, board, line, score
    from diffbench.random_functions.seed import FORMATS, SEED, check_format

# Where each name lives: a suite needs the seed alone, and methods take a tenth of a second to load.
_HOMES = {
    "drawing": ("Case", "cases", "cases_between", "draw_cases", "narrow_cases", "shares"),
    "composites": ("hashed",),
    "groups": ("GROUPS", "NARROW"),
    "measure": ("OWN", "Row", "find", "measured", "rows_frame", "unmeasured_frame"),
    "scores": ("ALL", "HEADER", "board", "line", "score"),
    "seed": ("FORMATS", "SEED", "check_format"),
    "exact": ("Exact", "exact_derivatives", "truth"),
}

__all__ = [
    "ALL",
    "FORMATS",
    "GROUPS",
    "HEADER",
    "NARROW",
    "OWN",
    "SEED",
    "Case",
    "Exact",
    "Row",
    "board",
    "cases",
    "cases_between",
    "check_format",
    "draw_cases",
    "exact_derivatives",
    "find",
    "hashed",
    "line",
    "measured",
    "narrow_cases",
    "rows_frame",
    "score",
    "shares",
    "truth",
    "unmeasured_frame",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
