"""Step grids and rules: what is asked for, what the format makes of it, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffbench.arithmetic.formats import NAMES, get_format
from diffbench.errors import UnknownNameError, UserError
from diffbench.stencils import stencil_from_name
from diffbench.steps.grid import KINDS, given_steps, round_steps, step_grid
from diffbench.steps.rules import eps_scaled

scales = st.sampled_from([1e-6, 0.125, 1.0, 3.7, 1e6])
names = st.sampled_from(NAMES)


# -- grids -------------------------------------------------------------------------------------------------


@given(names, scales, st.sampled_from(KINDS), st.integers(1, 40))
def test_a_grid_covers_its_range_from_the_top(name: str, scale: float, kind: str, per_decade: int) -> None:
    fmt = get_format(name)
    steps = step_grid(fmt, scale, per_decade, kind)
    assert steps.h.dtype == fmt.dtype
    assert len(steps) == len(steps.requested) == len(steps.h) > 0
    assert (np.diff(steps.requested) < 0).all()
    assert (np.diff(steps.h.astype(np.longdouble)) < 0).all(), "every step once, in decreasing order"
    ratio = 2.0 if kind == "binary" else 10 ** (1 / per_decade)
    assert scale / ratio * (1 - 1e-9) <= steps.requested[0] <= scale * (1 + 1e-9)
    # the last request is the last one above scale u / 4, unless the format ran out of numbers first
    lowest = scale * fmt.u / 4
    kept_all = lowest > 10 * fmt.smallest_subnormal or fmt.smallest_subnormal == 0
    if kept_all and lowest >= fmt.smallest_normal:
        assert lowest * (1 - 1e-9) <= steps.requested[-1] <= lowest * ratio * (1 + 1e-9)


@pytest.mark.parametrize(("per_decade", "count"), [(1, 17), (20, 332), (7, 116)])
def test_a_decimal_grid_has_so_many_steps_per_decade(per_decade: int, count: int) -> None:
    """From 1 to above 2^-55 = 2.8e-17, which is 16.557 decades: floor(16.557 n) + 1 steps."""
    steps = step_grid(get_format("float64"), 1.0, per_decade).requested
    for d in range(1, 15):
        inside = (steps <= 10.0**-d * (1 + 1e-12)) & (steps > 10.0 ** -(d + 1) * (1 + 1e-12))
        assert inside.sum() == per_decade
    assert len(steps) == count
    assert 2.0**-55 <= steps[-1] <= 2.0**-55 * 10 ** (1 / per_decade)


def test_whole_decades_are_the_literals() -> None:
    """1e-5, not 10**-5 by repeated rounding: a step that is printed is the step that was used."""
    steps = set(step_grid(get_format("float64"), 1.0).requested.tolist())
    assert {float(f"1e-{d}") for d in range(17)} <= steps


@given(names, st.sampled_from([2.0**-20, 1.0, 3.7]))
def test_a_binary_grid_has_every_power_of_two(name: str, scale: float) -> None:
    fmt = get_format(name)
    h = step_grid(fmt, scale, kind="binary").h.astype(np.longdouble)
    mantissa, exponent = np.frexp(h)
    positive = h > 0
    assert (mantissa[positive] == 0.5).all()
    assert (np.diff(exponent[positive]) == -1).all()
    assert h[0] <= scale < 2 * h[0]


def test_steps_that_round_to_the_same_number_are_one_step() -> None:
    """float16 near the subnormals: 40 requests a decade, a handful of numbers; one of them is 0."""
    fmt = get_format("float16")
    steps = step_grid(fmt, 1e-4, 40)
    assert len(set(steps.h.tolist())) == len(steps) < 120
    assert steps.h[-1] == 0
    assert steps.h[-2] == fmt.smallest_subnormal
    # the first request of each kind is kept, so what was asked for is known
    assert (fmt.round(steps.requested) == steps.h).all()


@pytest.mark.parametrize(
    ("name", "requested", "h"),
    [
        ("float16", 1e-50, 0.0),
        ("float16", 0.1, 0.0999755859375),
        ("bfloat16", 0.1, 0.10009765625),
        ("float32", 0.1, 0.10000000149011612),
        ("float64", 0.1, 0.1),
        ("float16", 1e6, math.inf),
    ],
)
def test_a_step_is_what_the_format_makes_of_it(name: str, requested: float, h: float) -> None:
    steps = given_steps(get_format(name), [requested])
    assert steps.requested.tolist() == [requested]
    assert steps.h.astype(float).tolist() == [h]


@given(st.lists(st.floats(1e-12, 1e3), min_size=1, max_size=30))
def test_given_steps_come_in_decreasing_order_and_once(requested: list[float]) -> None:
    steps = given_steps(get_format("float32"), requested)
    assert set(steps.h.tolist()) == {float(np.float32(h)) for h in requested}
    assert (np.diff(steps.h) < 0).all()
    assert set(steps.requested.tolist()) <= set(requested)


def test_rounding_keeps_the_first_request_of_each_step() -> None:
    steps = round_steps(get_format("float16"), np.array([0.5, 0.1, 0.1 + 1e-9, 0.05]))
    assert steps.requested.tolist() == [0.5, 0.1, 0.05]


# -- what is refused ---------------------------------------------------------------------------------------

BAD_GRIDS: tuple[tuple[dict[str, Any], type[UserError], str], ...] = (
    (dict(per_decade=0), UserError, "positive integer"),
    (dict(per_decade=-3), UserError, "positive integer"),
    (dict(per_decade=2.5), UserError, "positive integer"),
    (dict(per_decade="20"), UserError, "positive integer"),
    (dict(kind="ternary"), UnknownNameError, "binary"),
    (dict(kind="decimals"), UnknownNameError, "did you mean 'decimal'"),
)


@pytest.mark.parametrize(("arguments", "error", "words"), BAD_GRIDS, ids=[str(case[0]) for case in BAD_GRIDS])
def test_a_grid_that_makes_no_sense(arguments: dict[str, Any], error: type[UserError], words: str) -> None:
    with pytest.raises(error, match=words):
        step_grid(get_format("float32"), 1.0, **arguments)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "empty"),
        ([0], "positive"),
        ([1e-3, 0.0], "positive"),
        ([-1e-3], "positive"),
        ([math.nan], "finite"),
        ([math.inf], "finite"),
        (["a step"], "numbers"),
        ([None], "numbers"),
        ([1e-3, [1e-4]], "numbers"),
    ],
    ids=str,
)
def test_steps_that_make_no_sense(steps: Iterable[Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        given_steps(get_format("float64"), steps)


# -- the rule of thumb -------------------------------------------------------------------------------------

# stencil, derivative, format, step: eps^(1/(m+p)) as a power of two, x = 1
THUMB = (
    ("forward-1", 1, "float64", 2.0**-26),  # 2^-26
    ("central-2", 1, "float64", 2.0**-17),  # 2^(-52/3) = 2^-17.33
    ("central-4", 1, "float64", 2.0**-10),  # 2^-10.4
    ("central-2", 2, "float64", 2.0**-13),  # 2^-13
    ("forward-1", 1, "float32", 2.0**-12),  # 2^-11.5: ties go to even
    ("central-2", 1, "float32", 2.0**-8),  # 2^-7.67
    ("central-2", 1, "float16", 2.0**-3),  # 2^-3.33
    ("central-2", 1, "bfloat16", 2.0**-2),  # 2^-2.33
)


@pytest.mark.parametrize(("name", "m", "fmt", "h"), THUMB)
def test_the_rule_of_thumb(name: str, m: int, fmt: str, h: float) -> None:
    found = eps_scaled(stencil_from_name(name, m), 1.0, get_format(fmt))
    assert found.dtype == get_format(fmt).dtype
    assert float(found) == h


@given(names, st.floats(-1e4, 1e4), st.sampled_from(["forward-1", "central-2", "central-8"]))
def test_the_default_step_is_a_power_of_two_near_the_rule(name: str, x: float, kind: str) -> None:
    fmt, s = get_format(name), stencil_from_name(kind)
    h = float(eps_scaled(s, fmt.round(x), fmt))
    assert math.frexp(h)[0] == 0.5
    wanted = fmt.eps ** (1 / (s.derivative + s.accuracy)) * max(1.0, abs(float(fmt.round(x))))
    assert abs(math.log2(h / wanted)) <= 0.5 + 1e-12


def test_the_rule_of_thumb_takes_arrays() -> None:
    fmt, s = get_format("float64"), stencil_from_name("central-2")
    x = np.array([[0.0, 1.0], [-100.0, 1e6]])
    found = eps_scaled(s, x, fmt)
    assert found.shape == x.shape
    assert found.tolist() == [[float(eps_scaled(s, v, fmt)) for v in row] for row in x]
