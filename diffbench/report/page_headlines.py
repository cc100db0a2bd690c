"""What a visitor should know after a minute: a number, a sentence, and where the page shows the evidence.

A headline is one short function of a run, like a finding; those that the run has no rows for are left
out, and the first `MOST` of the others stand on the first screen and at the top of ``REPORT.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffbench.report import claims_rows
from diffbench.report.contents import gather
from diffbench.report.data import Missing, RunData, select
from diffbench.report.findings import COMMON, _at_common_step, best_series, predictions
from diffbench.report.text import count, fixed, listing, number, percent

MOST = 4


@dataclass(frozen=True)
class Headline:
    """A number with its sentence.

    Attributes
    ----------
    figure, text, basis : str
        The number, what it says, and the rows it rests on.
    link, evidence : str
        An anchor of the page or a state of the explorer, and what is to be seen there.
    """

    figure: str
    text: str
    basis: str
    link: str
    evidence: str


def headlines(run: RunData) -> list[Headline]:
    """The most important findings that the run supports."""
    made, _ = gather(
        {make.__name__: make for make in (best, too_small, order_gain, reverse_mode, theory)}, run
    )
    return list(made.values())[:MOST]


def best(run: RunData) -> Headline:
    """Digits of the central and the forward difference at their best steps."""
    rows = best_series(run)
    name = "float64" if (rows["format"] == "float64").any() else str(rows["format"].iloc[-1])
    mine = select(rows, format=name).groupby("stencil")["digits"].median()
    if not {"forward-1", "central-2"} <= set(mine.index):
        raise Missing("no forward and central difference")
    central, forward = fixed(mine["central-2"]), fixed(mine["forward-1"])
    medians = select(rows, stencil="central-2").groupby("format")["digits"].median()
    others = [f"{fixed(medians[n])} in {n}" for n in run.formats if n != name and n in medians.index]
    text = (
        f"correct digits are what the central difference gives in {name} at its best step"
        f"{f' ({listing(others)})' if others else ''}; the forward difference gives {forward} (medians)."
    )
    series = count(int((rows["format"] == name).sum()), "series", "series")
    basis = f"summary.csv, column digits: {series} in {name}"
    return Headline(central, text, basis, "#precision", "Digits by stencil and format")


def too_small(run: RunData) -> Headline:
    """What a step that is often seen costs."""
    for name in ("float32", "float16"):
        rows = _at_common_step(run, name)
        good = select(
            run.scaled_best(variant="integer", derivative=run.main_derivative, format=name),
            stencil="central-2",
        )
        if len(rows) >= 3 and len(good):
            break
    else:
        raise Missing("no common step")
    relative = (rows["error"] / rows["exact"]).abs()
    left = float(np.median(np.maximum(-np.log10(np.maximum(relative, 1e-17)), 0.0)))
    h, best_step = number(rows["h_requested"].median(), 2), number(good["step"].median(), 2)
    text = (
        f"digits: what {name} code loses when it takes h = {h}, a usual choice for float64. Smaller is not "
        f"better: its best step is {best_step} times the scale of the problem (medians)."
    )
    state = f"#problem=exp_of_sin&format={name}&stencils=central-2&show=optimum,truncation"
    basis = f"sweep.parquet, central-2, h_requested nearest {number(COMMON[name])}: {count(len(rows), 'row')}"
    return Headline(
        f"{fixed(good['digits'].median())} → {fixed(left)}",
        text,
        basis,
        state,
        f"The curve of exp(sin x) in {name}",
    )


def order_gain(run: RunData) -> Headline:
    """What a higher order gains."""
    rows = best_series(run)
    name = "float64" if (rows["format"] == "float64").any() else str(rows["format"].iloc[-1])
    mine = select(rows, format=name)
    wide = mine.pivot_table(index=["problem", "point"], columns="stencil", values="digits")
    if not {"central-2", "central-8"} <= set(wide.columns):
        raise Missing("no central-8")
    pairs = wide[["central-2", "central-8"]].dropna()
    gain = (pairs["central-8"] - pairs["central-2"]).median()
    better = percent(float((pairs["central-8"] > pairs["central-2"]).mean()))
    text = (
        f"more digits in {name} when central-8 replaces central-2 (median): eight evaluations instead of "
        f"two, at a much larger step. It is better for {better} of the problem points."
    )
    basis = f"summary.csv: {count(len(pairs), 'pair')} of series at their robust best steps"
    state = f"#problem=exp_of_sin&format={name}&stencils=central-2,central-4,central-6,central-8&show=optimum"
    return Headline(f"+{fixed(gain)}", text, basis, state, "Four orders on one curve")


def reverse_mode(run: RunData) -> Headline:
    """How much closer reverse mode comes than any stencil."""
    rows = claims_rows.autodiff_cases(run)
    rows = rows[(rows["autodiff_error"] > 0) & (rows["error_best"] > 0)]
    name = "float64" if (rows["format"] == "float64").any() else None
    if name is None or len(rows) < 3:
        raise Missing("no automatic differentiation")
    mine = select(rows, format=name)
    ratio = float((mine["error_best"] / mine["autodiff_error"]).median())
    text = (
        f"smaller is the error of reverse-mode differentiation of the same program in {name} than that of "
        "the best stencil at its best step (median): it has no step to choose."
    )
    points = count(len(mine), "problem point")
    basis = f"summary.csv, autodiff_error and the smallest error_best, both not 0: {points}"
    return Headline(f"{number(ratio, 2)}×", text, basis, "#claims", "The claims, measured")


def theory(run: RunData) -> Headline:
    """How well theory predicts the best step."""
    found = predictions(run)
    rows = select(run.summary, variant="integer")
    rows = rows[(rows[["h_best", "h_predicted", "error_best", "error_predicted"]] > 0).all(axis=1)]
    ratio = rows["h_best"] / rows["h_predicted"]
    share = percent(float(((ratio <= 3) & (ratio >= 1 / 3)).mean()))
    text = (
        "of the measured best steps lie within a factor of 3 of what theory names from the true derivatives."
    )
    return Headline(share, text, found.basis, "#precision", "Best steps, measured and predicted")
