"""``auto`` in float32 and in half precision: frozen terms, and structure below the smallest steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffbench.arithmetic.formats import get_format
from diffbench.methods.automatic import Result, climb, engine, estimate, frozen
from diffbench.random_functions import Row, measured, narrow_cases
from diffbench.steps.sampler import Sampler

Function = Callable[[Any], Any]


def at(f: Function, x: float, name: str) -> Result:
    fmt = get_format(name)
    return estimate(Sampler(f, fmt), float(fmt.round(x)), fmt)


def sine_remainder(v: Any) -> Any:
    """About v / 6; between two steps of its numerator it falls like 1 / v^2."""
    return (v - np.sin(v)) / v**2


def hyperbola(v: Any) -> Any:
    """About v / 2; between two steps of its numerator it falls like 1 / v."""
    return (np.cosh(v) - 1) / v


# -- frozen terms ------------------------------------------------------------------------------------------

FROZEN: tuple[tuple[Function, float, float, str], ...] = (  # f, x, f' to leading order, format
    (sine_remainder, -9.35e-4, 1 / 6, "float32"),
    (sine_remainder, 4.2e-4, 1 / 6, "float32"),
    (sine_remainder, -1.8e-3, 1 / 6, "float32"),
    (hyperbola, -4.75e-4, 0.5, "float32"),
    (hyperbola, -1.43e-3, 0.5, "float32"),
    (hyperbola, 2.3e-4, 0.5, "float32"),
    (sine_remainder, 0.073, 1 / 6, "float16"),
    (sine_remainder, -0.0796, 1 / 6, "bfloat16"),
)


@pytest.mark.parametrize(("f", "x", "truth", "name"), FROZEN, ids=[f"{c[3]} {c[1]}" for c in FROZEN])
def test_a_frozen_term_is_seen(f: Function, x: float, truth: float, name: str) -> None:
    """The next terms of f' are x^2 smaller."""
    found = at(f, x, name)
    assert abs(found.value - truth) <= found.bound + x * x
    assert found.status == "low_confidence"


def test_frozen_terms_that_are_not_looked_for_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "sudden", lambda *_: False)
    silent = [
        (f, x)
        for f, x, truth, name in FROZEN
        if (found := at(f, x, name)).status == "ok" and abs(found.value - truth) > 0.5 * truth
    ]
    assert len(silent) >= 4


def kink(t: Any) -> Any:
    return np.exp(t) + 2 * abs(t - 1.01)


@pytest.mark.parametrize(
    ("f", "truth"),
    [(kink, math.e - 2), (np.exp, math.e), (lambda t: 1 / t, -1.0), (np.log, 1.0), (lambda t: abs(t), 1.0)],
    ids=["kink near", "exp", "1/x", "log", "abs"],
)
def test_what_is_not_frozen_is_not_flagged_in_float32(f: Function, truth: float) -> None:
    """A kink on one side leaves the other as it was; poles at 0 bend as the length says."""
    found = at(f, 1.0, "float32")
    assert found.status == "ok", found.reason
    assert abs(found.value - truth) <= found.bound <= 1e-3 * abs(truth)


def test_the_other_side_is_what_tells_a_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "ALONE", 0.0)
    assert at(kink, 1.0, "float32").status == "low_confidence"


# -- steps that hide structure -----------------------------------------------------------------------------


HIDDEN = [("float16", 400.0, 1), ("bfloat16", 60.0, 4), ("float32", 3e5, 8)]


def said_and_held(name: str, ratio: float) -> tuple[int, int]:
    """Of sin(ratio x) at 40 points, a few units in the last place of x long: not flagged; covered."""
    fmt = get_format(name)
    said = held = 0
    for x in np.linspace(1.0, 1.9, 40):
        x = float(fmt.round(x))
        found = at(lambda t: np.sin(ratio * t), x, name)
        said += found.status == "ok"
        held += abs(found.value - ratio * math.cos(ratio * x)) <= found.bound
    return said, held


@pytest.mark.parametrize(("name", "ratio", "lost"), HIDDEN)
def test_nothing_is_said_of_what_the_smallest_steps_hide(
    name: str, ratio: float, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said_and_held(name, ratio) == (0, 40)
    monkeypatch.setattr(engine, "_unresolved", lambda *_: False)
    said, held = said_and_held(name, ratio)
    assert said == 0
    assert held <= 40 - lost, "without the rule, bounds fail"


def test_jumps_over_steps_of_few_bits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far below its length f is flat, far above an even f has D = 0: one jump may miss the rest."""

    def missed() -> int:
        rows = [measured("auto", case) for case in narrow_cases(3, 400, "bfloat16")]
        return sum(not r.flagged and not r.covered for r in rows)

    before = missed()
    monkeypatch.setattr(climb, "BOLD", 1e9)
    assert missed() > before


# -- bounds of flagged answers -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_bounds_of_flagged_answers_hold(name: str) -> None:
    """99.5 % on thousands of cases; of about 150 flagged ones, chance takes two more."""
    rows: list[Row] = [measured("auto", case) for case in narrow_cases(11, 400, name)]
    flagged = [r for r in rows if r.flagged]
    assert sum(r.wrong for r in rows) <= 1  # 0.1 % on thousands
    assert np.mean([r.covered for r in rows]) >= 0.985
    assert np.mean([r.covered for r in flagged]) >= 0.98
    assert np.mean([math.isfinite(r.claimed) for r in flagged]) >= 0.8, "bounds say something"
