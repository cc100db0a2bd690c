"""``stencil@rule``: what a name means, what is listed, and what a mistyped one suggests."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import NAMES, get_format
from diffbench.errors import RefusedError, UnknownNameError, UserError
from diffbench.methods import get_method
from diffbench.steps.rounding import ROUNDINGS, nearest_power_of_two, round_step

# name, format, h that it means at x = 3 (central-2: eps^(1/3))
MEANINGS: tuple[tuple[str, str, float], ...] = (
    ("central-2@1e-4", "float64", 1e-4),
    ("central-2@2^-10", "float64", 2.0**-10),
    ("central-2@1/1024", "float64", 2.0**-10),
    ("central-2@10^-3", "float64", 1e-3),
    ("central-2@.5", "float64", 0.5),
    ("central-2@1e-3", "float16", float(np.float16(1e-3))),
    ("central-2@1e-4:power-of-two", "float64", 2.0**-13),
    ("central-2@1e-4:representable", "float64", (3 + 1e-4) - 3),
    ("central-2@1e-3:representable", "float16", float(np.float16(2.0**-9))),  # not even 0: the neighbour of 3
    ("central-2@eps-scaled", "float64", 2.0**-16),  # 3 * 2^-17.33 = 2^-15.75
    ("central-2@eps-scaled:plain", "float64", 3 * 2.0 ** (-52 / 3)),
    ("central-2/mixed@2^-4", "bfloat16", 2.0**-4),
    ("custom(-1,0,2)@1e-3", "float64", 1e-3),
    ("custom(-1/2,0,1/2)@1e-3", "float64", 1e-3),
    ("custom(-1/2,1/2)/mixed@2^-3", "float16", 2.0**-3),
    ("central-2@theano", "float32", float(np.float32(3e-4))),
    ("central-2@jax-half", "float16", 2.0**-4),  # the values that the proposal names
    ("central-2@jax-half", "bfloat16", 2.0**-3),
    ("central-4@boost:plain", "float64", (11.25 * 2.0**-52) ** 0.2),
)


@pytest.mark.parametrize(("name", "fmt", "h"), MEANINGS, ids=[f"{c[0]} {c[1]}" for c in MEANINGS])
def test_what_a_name_means(name: str, fmt: str, h: float) -> None:
    found = db.derivative(np.sin, 3.0, method=name, format=fmt)
    assert float(found.h) == pytest.approx(h, rel=4e-16, abs=0)
    assert found.status == "ok"


def test_a_bare_stencil_is_its_default_rule() -> None:
    bare, named = (
        db.derivative(np.sin, 1.0, method="central-2"),
        db.derivative(np.sin, 1.0, method="central-2@eps-scaled"),
    )
    assert (bare.value, bare.h, bare.evaluations) == (named.value, named.h, named.evaluations)


def test_mixed_subtracts_in_float32() -> None:
    """f in half precision, the rest in float32: the quotient keeps more digits than the format has."""
    x, h = np.float16(1.0), np.float16(2.0**-4)
    up, down = np.sin(x + h), np.sin(x - h)
    found = db.derivative(np.sin, x, method="central-2/mixed@2^-4").value
    assert found.dtype == np.float32
    assert found == (np.float32(up) - np.float32(down)) / np.float32(0.125)


def test_listed_methods_are_a_curated_list_and_others_resolve() -> None:
    known = db.methods()
    assert {"central-2@1e-4", "central-2@eps-scaled", "central-4@dyadic", "central-2/mixed@1e-3"} <= set(
        known
    )
    assert "central-2@3e-5" not in list(known)
    assert get_method("central-2@3e-5") is known["central-2@3e-5"]
    for name, method in known.items():
        assert method.name == name and get_method(name) is method
        assert method.available or method.extra


def test_statuses_are_those_of_the_points() -> None:
    found = db.derivative(np.log, [1.0, 1e-9, 2.0], method="central-2@1e-6")
    assert found.statuses.tolist() == ["ok", "domain", "ok"]
    assert found.status == "domain" and math.isnan(found.value[1])
    assert db.derivative(np.log, [1.0, 2.0], method="central-2@1e-6").statuses is None


def test_no_step_is_a_status_and_costs_nothing() -> None:
    found = db.derivative(np.sin, [0.0, 1.0], method="central-2@eps-relative")
    assert found.statuses.tolist() == ["no_step", "ok"]
    assert found.evaluations.tolist() == [0, 2]
    assert math.isnan(found.value[0]) and math.isnan(found.h[0])
    assert "x = 0" in found.message


# -- half precision ----------------------------------------------------------------------------------------

# step, the central difference of sin at 1 in float16 and in bfloat16 (cos 1 = 0.5403), five digits
HALF: tuple[tuple[str, float, float], ...] = (
    ("1e-6", 0.0, 0.0),  # PyTorch
    ("1e-4", 0.0, 0.0),  # JAX
    ("1e-3", 0.48804, 0.0),  # TensorFlow, Chainer, MeZO
    ("1/1024", 0.5, 0.0),  # TensorFlow 2
    ("1e-2", 0.53711, 0.39063),
    ("2^-4", 0.53906, 0.5625),
    ("theano", 0.53955, 0.54688),  # 0.1
    ("2^-3", 0.53906, 0.54688),
)


@pytest.mark.parametrize(("rule", "float16", "bfloat16"), HALF)
def test_what_the_frameworks_steps_give_in_half_precision(rule: str, float16: float, bfloat16: float) -> None:
    for name, expected in (("float16", float16), ("bfloat16", bfloat16)):
        found = db.derivative(np.sin, 1.0, method=f"central-2@{rule}", format=name)
        assert float(found.value) == pytest.approx(expected, abs=6e-6)
        assert (found.status == "step_vanished") == (expected == 0)


# -- typos -------------------------------------------------------------------------------------------------

BAD: tuple[tuple[str, type[Exception], str], ...] = (
    ("centrl-2@1e-4", UnknownNameError, "did you mean 'central-2@1e-4'"),
    ("central-2@eps-scald", UnknownNameError, "'central-2@eps-scaled'"),
    ("central-2@1e-4:plane", UnknownNameError, "did you mean 'central-2@1e-4:plain'"),
    ("central-2/mixd@2^-4", UnknownNameError, "did you mean 'central-2/mixed@2^-4'"),
    ("central-2@", UnknownNameError, "'central-2'"),
    ("@1e-4", UnknownNameError, "unknown method"),
    ("central-3@1e-4", UserError, "ask for central-4"),
    ("central-2@0", UserError, "not a positive finite number"),
    ("central-2@-1e-3", UserError, "not a positive finite number"),
    ("central-2@1e999", UserError, "not a positive finite number"),
    ("central-2@1/0", UnknownNameError, "unknown method"),
    ("forward-2@boost", UserError, "is for forward-1"),
    ("central-2@nash(a=1)", UserError, "no parameters"),
    ("central-2@model-optimum", UserError, "needs the true derivatives"),
    ("central-2/mixed@1e-3", RefusedError, "use one of float16, bfloat16"),
)


@pytest.mark.parametrize(("name", "error", "words"), BAD, ids=[c[0] for c in BAD])
def test_names_that_mean_nothing(name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        db.derivative(np.sin, 1.0, method=name)


def test_a_rule_says_which_order_it_is_for() -> None:
    with pytest.raises(UserError, match="order 1, not 2"):
        db.derivative(np.sin, 1.0, method="central-2@boost", derivative=2)


def test_a_step_is_for_a_bare_stencil() -> None:
    with pytest.raises(UserError, match="leave step= out"):
        db.derivative(np.sin, 1.0, method="central-2@1e-4", step=1e-3)


# -- laws of the rounding ----------------------------------------------------------------------------------

names = st.sampled_from(NAMES)


@given(names, st.floats(-1e3, 1e3), st.floats(1e-3, 10.0))
def test_a_representable_step_is_a_distance_of_the_format(name: str, x: float, h: float) -> None:
    fmt = get_format(name)
    point, wide = fmt.round([x]), np.array([h], dtype=np.longdouble if name == "longdouble" else np.float64)
    step = round_step("representable", fmt, point, wide)
    assert step.dtype == fmt.dtype and step[0] > 0
    assert (point + step) - point == step


@given(st.floats(1e-300, 1e300))
def test_the_nearest_power_of_two(h: float) -> None:
    found = float(nearest_power_of_two(h))
    assert math.frexp(found)[0] == 0.5
    assert abs(math.log2(found) - math.log2(h)) <= 0.5 + 1e-12


@pytest.mark.parametrize("how", ROUNDINGS)
def test_no_step_stays_no_step(how: str) -> None:
    for name in NAMES:
        fmt = get_format(name)
        wide: Any = np.longdouble if name == "longdouble" else np.float64
        assert np.isnan(round_step(how, fmt, fmt.round([1.0]), np.array([np.nan], dtype=wide))[0])


def test_a_rounding_that_does_not_exist() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'plain'"):
        round_step("plian", get_format("float64"), np.ones(1), np.ones(1))
