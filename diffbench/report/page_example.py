"""The worked example of the method section: one row of the run, and the five parts of its error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from diffbench.errors import UserError
from diffbench.report.cases import case_rows, showcase
from diffbench.report.data import PARTS, Missing, RunData, ordered, select, stencil_order
from diffbench.report.text import number, point_text
from diffbench.stencils import stencil_from_name

WANTED = ("float32", "central-2")
MEANING = {
    "truncation": "the formula itself, in exact arithmetic",
    "abscissa": "x + s h is not a number of the format",
    "evaluation": "f is computed with rounding errors",
    "weights": "weights or divisor are rounded",
    "combination": "products, sums and the division round",
}


@dataclass(frozen=True)
class Example:
    """One estimate and its error, ready to be printed.

    Attributes
    ----------
    problem, point, program, format, stencil : str
    h, estimate, exact, error : str
        Numbers with the digits that matter.
    formula : str
        The stencil written out.
    parts : list of (str, str, str)
        Name, meaning and value of each part.
    total : str
        The sum of the five stored parts.
    link : str
        The state of the explorer that shows it.
    """

    problem: str
    point: str
    program: str
    format: str
    stencil: str
    h: str
    estimate: str
    exact: str
    error: str
    formula: str
    parts: list[tuple[str, str, str]]
    total: str
    link: str


def worked_example(run: RunData) -> Example:
    """A row near the best step where truncation and rounding both matter."""
    problem, point = showcase(run)
    rows = case_rows(run, problem, point)
    rows = rows[(rows["status"] == "ok") & rows[list(PARTS)].notna().all(axis=1) & (rows["h"] > 0)]
    if rows.empty:
        raise Missing("No worked example: the best-known problem of the run has no split errors.")
    names, stencils = ordered(rows["format"], ()), stencil_order(rows["stencil"])
    name = WANTED[0] if WANTED[0] in names else names[0]
    stencil = WANTED[1] if WANTED[1] in stencils else stencils[0]
    mine = select(rows, format=name, stencil=stencil)
    mine = mine if len(mine) else rows
    row = mine.iloc[_most_even(mine[["truncation", "abscissa", "evaluation"]].to_numpy(float))]
    parts = [(part, MEANING[part], signed(row[part])) for part in PARTS]
    programs = run.problems.set_index("problem")["program"].to_dict() if "program" in run.problems else {}
    program = programs.get(problem, "")
    link = (
        f"#problem={problem}&point={point}&derivative={int(row['derivative'])}&format={row['format']}"
        f"&stencils={row['stencil']}&show=optimum,{','.join(PARTS)}"
    )
    return Example(
        problem,
        point_text(point),
        program if isinstance(program, str) else "",
        str(row["format"]),
        str(row["stencil"]),
        f"{row['h']:.9g}",
        f"{row['estimate']:.12g}",
        f"{row['exact']:.12g}",
        signed(row["error"]),
        formula(str(row["stencil"]), int(row["derivative"])),
        parts,
        signed(math.fsum(row[part] for part in PARTS)),
        link,
    )


def _most_even(sizes: np.ndarray) -> int:
    """The row whose parts are most nearly of one size."""
    with np.errstate(all="ignore"):
        logs = np.log10(np.abs(sizes))
        spread = np.where(np.isfinite(logs).all(axis=1), np.ptp(logs, axis=1), np.inf)
    return int(np.argmin(spread))


def signed(value: float) -> str:
    """Four digits with a sign: ``+1.380×10⁻⁵``."""
    return ("+" if value > 0 else "") + number(value, 4)


def formula(name: str, derivative: int) -> str:
    """The stencil in symbols: ``(f(x + h) − f(x − h)) / (2 h)``, the way it is computed."""
    try:
        stencil = stencil_from_name(name, derivative)
    except UserError:
        return name
    text = ""
    for n, s in sorted(zip(stencil.numerators, stencil.offsets, strict=True), key=lambda term: -term[1]):
        if n:
            sign = ("−" if n < 0 else "") if not text else (" − " if n < 0 else " + ")
            text += f"{sign}{'' if abs(n) == 1 else f'{abs(n)} '}f(x{_shift(s)})"
    power = "h" if derivative == 1 else f"h{str(derivative).translate(str.maketrans('23456', '²³⁴⁵⁶'))}"
    return f"({text}) / " + (power if stencil.denominator == 1 else f"({stencil.denominator} {power})")


def _shift(s: Fraction) -> str:
    if s == 0:
        return ""
    return f" {'+' if s > 0 else '−'} {'' if abs(s) == 1 else f'{abs(s)} '}h"
