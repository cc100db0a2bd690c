"""What a run shows about several variables, in sentences computed from its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from diffbench.report.data import Missing, RunData
from diffbench.report.findings import Finding
from diffbench.report.several_data import NO_STUDY, board, largest_case, studies, table
from diffbench.report.text import count, listing, number, percent


def gradient_accuracy(run: RunData) -> Finding:
    """Median errors of gradients by the usual ways, and whether theory covers them."""
    rows = board(run)
    rows = rows[
        (rows["quantity"] == "gradient") & (rows["scaling"] == "as given") & (rows["format"] == "float64")
    ]
    told = [
        f"{r['method']} {number(r['error_median'])}"
        for _, r in rows.iterrows()
        if r["method"] in ("forward-1", "central-2", "central-6", "auto", "reverse")
    ]
    if not told:
        raise Missing("No accuracy of gradients: the run has no float64 rows of several variables.")
    text = (
        f"Gradients in float64 have median relative errors of {listing(told)}; "
        f"{_covered(rows, 'central-2')} of every central-2 gradient lie within the error that theory predicts"
        f"{_bounded(rows)}."
    )
    return Finding(text, f"gradient-methods.csv, {count(int(rows['cases'].max()), 'gradient')}")


def _covered(rows: pd.DataFrame, method: str) -> str:
    """The share of components inside their prediction, in the gradient where it is smallest."""
    inside = rows.loc[rows["method"] == method, "within"]
    share = float(inside.iloc[0]) if len(inside) else float("nan")
    return "all components" if share == 1 else f"at least {percent(share)} of the components"


def _bounded(rows: pd.DataFrame) -> str:
    if not (rows["method"] == "auto").any():
        return ""
    return f", and {_covered(rows, 'auto')} of every gradient by auto, the default, within its own bound"


def gradient_scaling(run: RunData) -> Finding:
    """One step for all coordinates against a step for each, where coordinates are badly scaled."""
    rows = board(run)
    rows = rows[
        (rows["quantity"] == "gradient") & (rows["scaling"] == "badly scaled") & (rows["format"] == "float64")
    ]
    medians = dict(zip(rows["method"], rows["norm_median"], strict=True))
    names = ("central-2, one step", "central-2", "central-2@eps-relative", "reverse")
    told = [f"{name} {number(medians[name])}" for name in names if name in medians]
    if len(told) < 2:
        raise Missing("Nothing on badly scaled coordinates: the run has no such rows in float64.")
    text = (
        "In units that are off by up to 2^20, the error of the gradient relative to its length is "
        f"{listing(told)} in the median{_gain(medians, 'central-2@eps-relative', 'central-2, one step')}."
    )
    return Finding(text, f"gradient-methods.csv, {count(len(rows), 'row')}")


def _gain(medians: Mapping[str, float], better: str, base: str) -> str:
    """What a step for each coordinate, relative to it, does to the error of one step for all."""
    if not (medians.get(better, 0.0) > 0 and medians.get(base, 0.0) > 0):
        return ""
    ratio = medians[base] / medians[better]
    verb, factor = ("divides", ratio) if ratio >= 1 else ("multiplies", 1 / ratio)
    return f": a step for each coordinate, relative to it, {verb} the error of one step by {number(factor)}"


def gradient_cost(run: RunData) -> Finding:
    """The textbook's claim that numerical differentiation gets too expensive, answered with numbers."""
    rows = studies(run)
    told = []
    for name in ("forward-1", "central-2", "reverse"):
        mine = rows[rows["method"] == name]
        if len(mine):
            last = mine.iloc[-1]
            fitted = last["exponent"]
            growth = f", time ~ n^{fitted:.2f}" if fitted == fitted else ""
            told.append(f"{name} {number(last['cost'])} at n = {int(last['n'])}{growth}")
    if not told:
        raise Missing(NO_STUDY)
    text = (
        "Numerical differentiation gets expensive with many parameters, as the textbooks say: its "
        "evaluations grow as n + 1 and 2n where reverse mode needs one, and f itself takes longer the "
        f"larger n is. Measured, in the time of one evaluation of f: {listing(told)}.{_together(rows)}"
    )
    return Finding(text, f"timings.json, {count(len(rows), 'row')}")


def _together(rows: pd.DataFrame) -> str:
    """What the textbooks do not count: nodes that are evaluated in one call."""
    mine = rows[(rows["method"] == "central-2") & (rows["cost"] < 2 * rows["n"])]
    if mine.empty:
        return ""
    row = mine.iloc[int((mine["cost"] / mine["n"]).to_numpy().argmin())]
    n = int(row["n"])
    return (
        f" What they do not count: all nodes run in one call, so that at n = {n} the {2 * n} evaluations "
        f"of a central gradient take the time of {number(row['cost'])}."
    )


def gradient_overhead(run: RunData) -> Finding:
    """A central gradient of 10 000 parameters against the work it cannot avoid and against others."""
    told, forward = largest_case(run)
    against = _longer("central", told["times_of_rivals"]) + _longer("forward", forward)
    memory = f"blocks of {told['block'] // 1024} KiB and {number(told['peak_memory'] / 2**20)} MiB in all"
    text = (
        f"A central gradient of 10 000 parameters takes {number(told['ratio'])} times the raw evaluation of "
        f"its nodes, in {memory}.{against}"
    )
    return Finding(text, "timings.json, one benchmark")


def _longer(kind: str, rivals: dict[str, float]) -> str:
    others = [f"{name} {number(value)} times" for name, value in rivals.items()]
    return f" Other {kind} differences take {listing(others)} as long." if others else ""


def gradient_descent(run: RunData) -> Finding:
    """Where BFGS stops for each gradient."""
    rows = table(run, "descent-stalls.csv")
    mine = rows[(rows["optimiser"] == "BFGS") & (rows["problem"] == "rosen") & (rows["format"] == "float64")]
    if mine.empty:
        raise Missing("Nothing on descents: the run has none on Rosenbrock's function in float64.")
    told = [f"{_way(r['method'], str(r['step']))} at {number(r['slope'])}" for _, r in mine.iterrows()]
    text = (
        "BFGS on Rosenbrock's function in float64 stops where the true gradient has the length: "
        f"{listing(told, 8)}."
    )
    return Finding(text, f"descent-stalls.csv, {count(len(mine), 'row')}")


def _way(method: str, step: str) -> str:
    if method == "reverse":
        return method
    return f"{method} with h {'by rule' if step == 'rule' else f'= {step}'}"


FINDINGS: tuple[Callable[[RunData], Finding], ...] = (
    gradient_accuracy,
    gradient_scaling,
    gradient_cost,
    gradient_overhead,
    gradient_descent,
)
