"""The advice held against the truth, where there is one: Arb's for a NumPy program, or the user's.

``check_advice(...)`` sweeps the recommended stencil against the true derivative, and compares the
error at the recommended step with that of the robust best step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.advice.probe import Probe
from diffbench.advice.record import Check
from diffbench.branches import regret, robust_best
from diffbench.errors import RefusedError, UserError
from diffbench.reference import Reference, reference
from diffbench.stencils import Stencil
from diffbench.steps.grid import step_grid

#: Steps per decade of the sweep that the robust best step is taken from, as in any sweep.
PER_DECADE = 20

Truth = Callable[..., Any] | float | None


def check_advice(probe: Probe, truth: Truth, stencil: Stencil, h: float, scale: float, size: float) -> Check:
    """How far the recommended step is from the robust best one.

    Parameters
    ----------
    probe : Probe
    truth : callable, float or None
        A NumPy program to differentiate, the derivative, or nothing: the function itself, if Arb runs it.
    stencil, h
        What was recommended.
    scale : float
        The largest step of the sweep.
    size : float
        |f| near x: where the derivative is 0, errors below ``u size / scale^m`` count as equal.
    """
    m = stencil.derivative
    try:
        exact, source = _exact(probe, truth, m)
    except (RefusedError, UserError) as refusal:
        return Check(message=_first_line(str(refusal)))
    except Exception as raised:  # what the program itself raises where only Arb runs it
        return Check(
            message=f"the function raised {type(raised).__name__} in Arb: {_first_line(str(raised))}"
        )
    if math.isnan(exact):
        return Check(message="the reference has no derivative here")
    grid = step_grid(probe.format, max(scale, h), PER_DECADE).h.astype(np.float64)
    grid = grid[grid > 0]
    if not probe.strict and not probe.opaque.batch:  # one call for every node: only the steps that matter
        grid = grid[(grid > h / 10) & (grid < h * 10)][::2]
    actual = float(abs(probe.estimates(stencil, np.array([h]))[0] - exact))
    error = np.abs(probe.estimates(stencil, grid) - exact)
    h_best, best = robust_best(grid, error, np.isfinite(error))
    unit = abs(exact) or size / max(1.0, abs(probe.x)) ** m
    factor = float(regret(actual, best, unit, probe.format.name)) if math.isfinite(best) else math.nan
    message = "" if math.isfinite(best) else "too few steps have a value for a robust best step"
    return Check(source, actual, h_best, best, factor, message)


def _exact(probe: Probe, truth: Truth, derivative: int) -> tuple[float, str]:
    if truth is None:
        if not probe.strict:
            raise UserError(
                "the function is opaque: give its derivative (truth=, --truth) to check the advice"
            )
        found = reference(probe.program, probe.x, derivative)
        return _value(found), "exact sweep (Arb)"
    if callable(truth):
        return _value(reference(truth, probe.x, derivative)), "sweep against the given truth (Arb)"
    return float(truth), "sweep against the given derivative"


def _value(found: Reference) -> float:
    if found.status not in ("ok", "uncertified"):
        raise UserError(f"no reference: {found.status}: {found.message}")
    return float(found.value)


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
