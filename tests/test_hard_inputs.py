"""Inputs on which a plausible implementation is quietly wrong: cancellation, extremes, infinite steps.

Every case once gave a wrong number, a wrong status or a traceback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.errors import UserError
from diffbench.sampling import Subject, sample_steps
from diffbench.split import PARTS, split, split_exactly
from diffbench.steps.grid import given_steps
from diffbench.sweep import SweepSettings

Function = Callable[[Any], Any]

# f, x, scale, m, stencil, steps: f^ is 0 or far too small in the format, so its size says nothing about f
CANCELLING: list[tuple[Function, float, float, int, str, tuple[float, ...]]] = [
    (lambda x: (1 - np.cos(x)) / x**2, 1e-30, 1e-30, 2, "central-2", (1e-31, 1e-33)),
    (lambda x: (1 - np.cos(x)) / x**2, 1e-10, 1e-10, 2, "central-2", (1e-11, 1e-13)),
    (lambda x: (np.sin(x) + 2.0**400) - 2.0**400, 1.0, 1.0, 1, "central-2", (1e-3, 1e-16)),
]


@pytest.mark.parametrize("case", CANCELLING, ids=["1-cos at 1e-30", "1-cos at 1e-10", "absorbed in 2^400"])
def test_parts_are_known_where_the_format_cancels(case: Any) -> None:
    f, x0, scale, m, name, steps = case
    fmt = get_format("float64")
    schemes = SweepSettings({m: (name,)}).schemes(fmt)
    grid = given_steps(fmt, steps)
    data = sample_steps(Subject(f, x0, scale), fmt, fmt.round(x0)[()], schemes, grid)[0]
    parts = split(f, data)
    for step in range(len(grid)):
        exact = split_exactly(f, data, 0, step, bits=4096)
        largest = max(abs(exact[part]) for part in PARTS)
        for part in PARTS:
            gap = abs(float(getattr(parts, part)[0, step]) - float(exact[part]))
            assert gap <= 1e-12 * float(largest), (part, float(grid.h[step]))


def test_an_infinite_step_leaves_the_others_alone() -> None:
    steps = [1e5, 1.0, 0.5]  # float16(1e5) is infinite
    frame = db.sweep(
        lambda x: np.logaddexp(x, 0),
        3.0,
        formats=("float16",),
        stencils=("forward-1",),
        steps=steps,
        scale=1.0,
    ).frame
    assert list(frame["status"]) == ["overflow", "ok", "ok"]


def test_an_infinite_step_with_an_offset_that_is_no_number_of_the_format() -> None:
    frame = db.sweep(
        np.sin, 1.0, formats=("float16",), stencils=("custom(-1/3,1/2)",), steps=[1e6, 1.0]
    ).frame
    assert list(frame["status"]) == ["overflow", "ok"]


def test_a_derivative_of_zero_is_zero_in_the_split_too() -> None:
    # the third derivative of softplus at 0 vanishes only as a sum: a ball around 0 at any precision
    frame = db.sweep(
        lambda x: np.log(1 + np.exp(x)), 0.0, derivative=3, formats=("float64",), stencils=("central-2",)
    ).frame
    zero = frame[(frame["estimate"] == 0) & (frame["status"] == "ok")]
    assert (zero["error"] == 0).all()


def test_a_derivative_near_the_smallest_numbers_is_certified() -> None:
    frame = db.sweep(lambda x: np.exp(-x), 705.0, formats=("float64",), stencils=("central-2",)).frame
    assert "uncertified" not in set(frame["status"])
    assert (frame["status"] == "ok").any()


def test_longdouble_beyond_float64_is_an_overflow_not_an_infinite_ok() -> None:
    frame = db.sweep(
        lambda x: 1e300 * np.sin(x), 1.0, derivative=2, formats=("longdouble",), stencils=("central-2",)
    ).frame
    ok = frame[frame["status"] == "ok"]
    assert np.isfinite(ok[["estimate", "error", *PARTS]].to_numpy(dtype=float)).all()


def test_a_tiny_scale_has_a_grid() -> None:
    frame = db.sweep(np.sin, 0.0, formats=("float64",), stencils=("central-2",), scale=5e-324).frame
    assert len(frame) >= 1


@pytest.mark.parametrize("steps", [[10**400], [0.0], [-1.0], [float("nan")], []])
def test_steps_that_are_no_steps(steps: list[float]) -> None:
    with pytest.raises(UserError, match="step"):
        db.sweep(np.sin, 1.0, steps=steps)


def test_a_name_given_twice_is_one_series() -> None:
    twice = ("float64", "float64")
    frame = db.sweep(np.sin, 1.0, formats=twice, stencils=("central-2", "central-2"), steps=[0.1, 0.08]).frame
    assert len(frame) == 2


def test_a_function_too_flat_to_enclose_is_not_called_a_kink() -> None:
    assert db.reference(np.tanh, 1e300).status == "uncertified"
    assert db.reference(np.sqrt, 0.0).status == "no_derivative"
