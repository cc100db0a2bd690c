"""The gradient check: no false alarm on right gradients, planted errors caught, and reasons that are true."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradient_cases import FRESH, HELD_OUT, KINKS, SHOWN, Case
from gradient_scores import FORMATS, catalogue, planted
from hypothesis import given, settings
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.checking import block, many
from diffbench.errors import UnknownNameError, UserError
from diffbench.problems.noisy import uniform

HALF = ("float16", "bfloat16")


def check(case: Case, fmt: str) -> db.GradientCheck:
    return db.check_gradient(case.f, case.gradient, case.x, fmt)


@cache
def right_gradients(fmt: str) -> list[Any]:
    return list(catalogue(fmt))


@cache
def exact(name: str, fmt: str) -> Any:
    """The gradient of a case at its point in a format, from the float64 code."""
    case = (SHOWN | HELD_OUT | KINKS)[name]
    rounding = get_format(fmt)
    return rounding.round(np.asarray(case.gradient(rounding.round(case.x).astype(np.float64))))


def verdicts_of(name: str, fmt: str, factor: float) -> tuple[str, ...]:
    case, claim = (SHOWN | HELD_OUT)[name], get_format(fmt).round(exact(name, fmt).astype(float) * factor)
    result = db.check_gradient(case.f, lambda x: claim, case.x, fmt)
    return tuple(found.verdict for found in result.findings)


# --- right gradients ------------------------------------------------------------------------------------

# format, the least share of the catalogue about which the check is sure; the rest is lost in rounding
SURE = [("float64", 0.95), ("float32", 0.85), ("float16", 0.65), ("bfloat16", 0.60)]


@pytest.mark.parametrize(("fmt", "share"), SURE)
def test_no_false_alarm_on_the_catalogue(fmt: str, share: float) -> None:
    found: Counter[str] = Counter()
    for name, f, x, right, _ in right_gradients(fmt):
        try:
            finding = db.check_gradient(f, lambda _, right=right: right, x, fmt).findings[0]
        except UserError:  # f overflows at the point
            assert fmt == "float16", name
            continue
        assert finding.verdict != "disagrees", (name, x, finding)
        found[finding.verdict] += 1
    assert found["agrees"] >= share * sum(found.values())


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("name", [*SHOWN, *HELD_OUT])
def test_no_false_alarm_on_gradients_written_by_hand(name: str, fmt: str) -> None:
    result = check((SHOWN | HELD_OUT)[name], fmt)
    result.assert_ok(strict=fmt in ("float64", "float32"))


@pytest.mark.parametrize("fmt", ["float64", "float32"])
@pytest.mark.parametrize("name", KINKS)
def test_no_false_alarm_between_many_kinks(name: str, fmt: str) -> None:
    """In half precision such gradients are sometimes failed: docs/gradient-check.md has the figures."""
    check(KINKS[name], fmt).assert_ok()


def test_bounds_that_are_too_small_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: without the rounding part of the bound there are false alarms."""
    monkeypatch.setattr(block, "SPACINGS", 0.0)
    monkeypatch.setattr(block, "SIGMAS", 0.0)
    for name in ("SIGMAS", "SYSTEMATIC", "UNSEEN", "KINK_JUMP"):
        monkeypatch.setattr(many, name, 0.0)
    monkeypatch.setattr("diffbench.checking.nine.LEAST_SHARE", 0.0)
    monkeypatch.setattr("diffbench.checking.nine._confirm", lambda ladder, best: "")
    alarms = sum(not check(case, "bfloat16").passed for case in (SHOWN | HELD_OUT).values())
    assert alarms >= 3


# --- planted errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", ["float64", "float32"])
def test_every_planted_error_is_caught(fmt: str) -> None:
    for error, factor in planted(fmt).items():
        for name in SHOWN | HELD_OUT:
            assert set(verdicts_of(name, fmt, factor)) == {"disagrees"}, (name, error)


# least share caught, and least share caught by calling the gradient along a line too
LEAST = {"float16": {"missing": (0.9, 1)}, "bfloat16": {"factor 2": (0.85, 1)}}


@pytest.mark.parametrize(("fmt", "error"), [(fmt, error) for fmt in HALF for error in LEAST[fmt]])
def test_planted_errors_in_half_precision(fmt: str, error: str) -> None:
    """What is missed must be "cannot tell"."""
    found = Counter(v for name in HELD_OUT for v in verdicts_of(name, fmt, planted(fmt)[error]))
    assert found["agrees"] == 0
    assert found["disagrees"] >= LEAST[fmt][error][0] * sum(found.values()), found


@pytest.mark.parametrize(("fmt", "error"), [(fmt, error) for fmt in HALF for error in LEAST[fmt]])
def test_a_gradient_along_a_line_shows_what_rounding_hides_at_the_point(fmt: str, error: str) -> None:
    rounding, found = get_format(fmt), Counter[str]()
    for case in FRESH.values():

        def wrong(x: Any, case: Case = case) -> Any:
            return rounding.round(case.gradient(x).astype(float) * planted(fmt)[error])

        result = db.check_gradient(case.f, wrong, case.x, fmt, along=True)
        found.update(finding.verdict for finding in result.findings)
    assert found["agrees"] == 0
    assert found["disagrees"] >= LEAST[fmt][error][1] * sum(found.values()) - 1, found


@pytest.mark.parametrize("fmt", HALF)
def test_right_gradients_along_a_line(fmt: str) -> None:
    for case in (FRESH | KINKS).values():
        db.check_gradient(case.f, case.gradient, case.x, fmt, along=True).assert_ok()


def test_along_a_line_kinks_do_not_matter() -> None:
    at_kink = db.check_gradient(np.abs, np.sign, 0.0, along=True).findings[0]
    assert at_kink.verdict == "cannot tell"  # 0 is claimed at the kink: no share of it can be told
    near = db.check_gradient(np.abs, lambda x: np.sign(x) * 2, 2.0**-6, "bfloat16", along=True)
    assert near.findings[0].verdict == "disagrees"


def test_the_gradient_is_called_once_unless_along_is_asked_for() -> None:
    calls = Counter[bool]()

    def gradient(x: Any) -> Any:
        calls[along] += 1
        return 0 * x + 1

    for along in (False, True):
        db.check_gradient(lambda x: 1000 + np.sum(x), gradient, 2.0**-4, "bfloat16", along=along)
    assert calls[False] == 1 < calls[True]


def test_a_gradient_that_raises_elsewhere_is_no_error() -> None:
    def gradient(x: Any) -> Any:
        if x[0] != 0.5:
            raise ValueError("only at 0.5")
        return 0 * x + 1

    result = db.check_gradient(lambda x: 1000 + np.sum(x), gradient, 0.5, "bfloat16", along=True)
    assert result.findings[0].verdict == "cannot tell"


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("error", ["factor 2", "factor 0.5", "sign", "missing"])
@pytest.mark.parametrize("name", ["power", "student", "pendulum"])
def test_planted_errors_in_plain_functions_are_caught_in_every_format(
    name: str, error: str, fmt: str
) -> None:
    verdicts = verdicts_of(name, fmt, planted(fmt)[error])
    assert "disagrees" in verdicts
    assert "agrees" not in verdicts


def one_wrong(x: Any) -> Any:
    g = 2 * x
    g[417] *= 2
    return g


@pytest.mark.parametrize("fmt", ["float64", "float32", "float16"])
def test_one_wrong_component_among_1000(fmt: str) -> None:
    x = np.random.default_rng(0).standard_normal(1000)
    result = db.check_gradient(lambda x: np.sum(x * x), one_wrong, x, fmt)
    assert list(result.table.query("verdict == 'disagrees'")["component"]) == [417]
    assert result.worst(1)["reason"][0] == "twice the estimate"


@pytest.mark.parametrize("fmt", FORMATS)
def test_transposed_gradient(fmt: str) -> None:
    x = np.array([[1.0, 2.0], [-0.75, 1.5]])
    result = db.check_gradient(lambda x: np.sum(x**2), lambda x: 2 * x.T, x, fmt)
    wrong = {row.component for row in result.table.itertuples() if row.verdict == "disagrees"}
    assert wrong == {(0, 1), (1, 0)}


@pytest.mark.parametrize("fmt", FORMATS)
def test_permuted_gradient(fmt: str) -> None:
    x = np.array([0.5, -1.5, 2.0])
    result = db.check_gradient(lambda x: np.sum(np.sin(x)), lambda x: np.cos(x)[::-1], x, fmt)
    assert [found.verdict == "disagrees" for found in result.findings] == [True, False, True]


@settings(max_examples=40)
@given(
    power=st.integers(-20, 20), x=st.floats(0.25, 4.0), factor=st.sampled_from([1.0, 1.02, 2.0, -1.0, 0.0])
)
def test_scaling_by_a_power_of_two_changes_no_verdict(power: int, x: float, factor: float) -> None:
    scale = 2.0**power
    plain = db.check_gradient(np.log, lambda x: factor / x, x).findings[0]
    scaled = db.check_gradient(lambda x: scale * np.log(x), lambda x: scale * (factor / x), x).findings[0]
    assert scaled.verdict == plain.verdict
    assert math.isclose(scaled.estimate, scale * plain.estimate, rel_tol=1e-9)


# --- kinks and other reasons ------------------------------------------------------------------------------

# f, x, slope on the left, slope on the right
CORNERS = [
    (np.abs, 0.0, -1.0, 1.0),
    (lambda x: np.maximum(x, 0), 0.0, 0.0, 1.0),
    (lambda x: np.maximum(x, x**2), 1.0, 1.0, 2.0),
    (lambda x: np.abs(x - 1.5) + x * x, 1.5, 2.0, 4.0),
]


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(("f", "x", "left", "right"), CORNERS)
def test_at_a_kink_every_slope_between_the_sides_is_left_open(
    f: Any, x: float, left: float, right: float, fmt: str
) -> None:
    for claim in (left, right, (left + right) / 2, 0.75 * left + 0.25 * right):
        finding = db.check_gradient(f, lambda x, c=claim: 0 * x + int(4 * c) / x.dtype.type(4), x, fmt)
        assert finding.findings[0].verdict == "cannot tell"
        assert finding.findings[0].reason.startswith("kink")


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(("f", "x", "left", "right"), CORNERS)
def test_at_a_kink_a_slope_outside_the_sides_disagrees(
    f: Any, x: float, left: float, right: float, fmt: str
) -> None:
    width = right - left
    for claim in (left - 1.5 * width, right + 1.5 * width):
        assert not db.check_gradient(f, lambda x, c=claim: 0 * x + x.dtype.type(c), x, fmt).passed


# f, claimed gradient, x, format, verdict, beginning of the reason
REASONS = [
    (lambda x: 5 + 0 * x, lambda x: 0 * x, 1.0, "float64", "agrees", "f does not change"),
    (lambda x: 5 + 0 * x, lambda x: 0 * x + 1, 1.0, "float64", "disagrees", "f does not change"),
    (np.cos, lambda x: -np.sin(x), 0.0, "float32", "agrees", "0 within the bound"),
    (np.sin, np.cos, np.pi / 2, "float64", "agrees", "0 within the bound"),
    (np.sin, lambda x: -np.cos(x), 1.0, "float64", "disagrees", "the sign is wrong"),
    (np.sqrt, lambda x: 0 * x + 1, 0.0, "float64", "cannot tell", "domain edge"),
    (np.log, lambda x: 1 / x, 2.0**-30, "float32", "agrees", ""),
    (lambda x: x**3, lambda x: 3 * x**2, 40.28, "float16", "cannot tell", "overflow"),
    (lambda x: 1000 + x, lambda x: 1 + 0 * x, 2.0**-4, "bfloat16", "cannot tell", ""),
    (lambda x: np.sin(x) + uniform(x, 0), np.cos, 1.0, "float64", "cannot tell", "noise"),
    (
        lambda x: np.sin(x) + uniform(x, 0) / 1000,
        np.cos,
        1.0,
        "float64",
        "cannot tell",
        "rounding and the noise",
    ),
    (lambda x: np.sin(x) * (1 + 1e-6), np.cos, 1.0, "float64", "cannot tell", "small"),
    (np.sign, lambda x: 0 * x, 0.0, "float64", "cannot tell", "noise"),
    (lambda x: np.log(1 + x), lambda x: 1 / (1 + x), 2.0**-14, "float16", "cannot tell", ""),
]


@pytest.mark.parametrize(("f", "gradient", "x", "fmt", "verdict", "reason"), REASONS)
def test_reasons(f: Any, gradient: Any, x: float, fmt: str, verdict: str, reason: str) -> None:
    finding = db.check_gradient(f, gradient, x, fmt).findings[0]
    assert (finding.verdict, finding.reason[: len(reason)]) == (verdict, reason), finding


def test_math_functions_that_raise_at_the_edge_of_their_domain() -> None:
    result = db.check_gradient(lambda x: math.sqrt(x[0]), lambda x: 0.5 / np.sqrt(x), 1e-3)
    assert result.findings[0].verdict == "agrees"
    result = db.check_gradient(lambda x: math.sqrt(x[0]), lambda x: x, 0.0)
    assert "ValueError" in result.findings[0].reason


def test_a_function_that_is_not_repeatable_is_noted() -> None:
    random = np.random.default_rng(0)
    result = db.check_gradient(lambda x: np.sin(x[0]) + 1e-3 * random.standard_normal(), np.cos, 1.0)
    assert result.passed
    assert "another value" in result.notes[0]


def test_a_function_that_writes_into_its_argument_harms_nothing() -> None:
    x = np.array([1.0, 2.0])

    def f(x: Any) -> Any:
        x *= x
        return np.sum(x)

    db.check_gradient(f, lambda x: 2 * x, x).assert_ok(strict=True)
    assert x.tolist() == [1.0, 2.0]


def test_wider_results_are_judged_in_the_format_and_noted() -> None:
    result = db.check_gradient(
        lambda x: np.sum(x / np.sqrt(2)), lambda x: 0 * x + 0.7071, [0.5, 1.5], "float32"
    )
    assert result.passed
    assert "float64 for x in float32" in result.notes[0]
    result = db.check_gradient(lambda x: np.sum(x * 2.0), lambda x: 0 * x + 2.0, [0.5, 1.5], "bfloat16")
    assert result.passed
    assert len(result.notes) == 2


# --- the result -------------------------------------------------------------------------------------------


def test_table() -> None:
    result = db.check_gradient(lambda x: np.sum(x**2), lambda x: 3 * x, np.array([1.0, 0.0, 2.0]))
    table = result.table
    assert list(table.columns) == [
        *("component", "claimed", "reference", "estimate", "error_bound", "bounds_away"),
        *("h", "truncation", "rounding", "verdict", "reason"),
    ]
    assert table["component"].tolist() == [0, 1, 2]
    assert table["verdict"].tolist() == ["disagrees", "agrees", "disagrees"]
    np.testing.assert_allclose(table["estimate"], [2, 0, 4], atol=1e-9)
    assert table["reference"].tolist() == ["auto", "nine values", "auto"]  # f is even at 0: no pair differs
    parts = (table["truncation"] + table["rounding"]).fillna(table["error_bound"])  # `auto` has one bound
    np.testing.assert_array_equal(table["error_bound"], parts)
    gaps = np.abs(table["claimed"] - table["estimate"])
    np.testing.assert_allclose(table["bounds_away"], gaps / table["error_bound"])
    assert isinstance(result, db.GradientCheck)
    assert not result.passed
    assert "FAILED in float64: 3 components, 1 agree, 2 disagree" in str(result)
    assert "<table" in result._repr_html_()


def test_assert_ok_shows_the_table() -> None:
    with pytest.raises(AssertionError, match="the sign is wrong"):
        db.check_gradient(np.sin, lambda x: -np.cos(x), 1.0).assert_ok()
    unsure = db.check_gradient(np.abs, np.sign, 0.0)
    unsure.assert_ok()
    with pytest.raises(AssertionError, match="kink"):
        unsure.assert_ok(strict=True)


def test_text_of_many_components_is_short() -> None:
    x = np.linspace(1, 2, 50)
    text = str(db.check_gradient(lambda x: np.sum(np.exp(x)), np.exp, x))
    assert len(text.splitlines()) < 15
    assert "40 more components" in text


@pytest.mark.parametrize("fmt", FORMATS)
def test_calls(fmt: str) -> None:
    """f gets one point of the format at a time, the gradient is called once."""
    calls: list[Any] = []

    def gradient(x: Any) -> Any:
        calls.append(x)
        return np.cos(x)

    def f(x: Any) -> Any:
        assert type(x) is np.ndarray
        assert (x.shape, x.dtype) == ((2,), get_format(fmt).dtype)
        return np.sum(np.sin(x))

    assert db.check_gradient(f, gradient, [0.5, 1.0], fmt).passed
    assert len(calls) == 1


# --- bad input --------------------------------------------------------------------------------------------


def raising(x: Any) -> Any:
    raise KeyError("weights")


def total(x: Any) -> Any:
    return np.sum(x)


def ones(x: Any) -> Any:
    return 0 * x + 1


BAD = [
    (dict(gradient=lambda x: np.ones(3)), r"shape \(3,\), but x has shape \(2,\)"),
    (dict(gradient=lambda x: 1.0), "shape"),
    (dict(gradient=lambda x: np.ones(2, int)), "dtype int64, but x is float64"),
    (dict(gradient=lambda x: np.ones(2, np.float32)), "dtype float32"),
    (dict(gradient=lambda x: np.ones(2), format="float32"), "dtype float64, but x is float32"),
    (dict(gradient=lambda x: ["a", "b"]), "dtype"),
    (dict(gradient=lambda x: np.array([1.0, np.nan])), "nan at component 1"),
    (dict(gradient=raising), "the gradient raised KeyError"),
    (dict(gradient=None), "must be callable"),
    (dict(f=raising), "f raised KeyError: 'weights'"),
    (dict(f=3.0), "f must be callable"),
    (dict(f=lambda x: x), r"shape \(2,\)"),
    (dict(f=lambda x: 3), "int64"),
    (dict(f=lambda x: None), "object"),
    (dict(f=lambda x: 1j * x[0]), "complex"),
    (dict(f=lambda x: np.float32(x[0])), "format='float32'"),
    (dict(f=lambda x: np.log(-x[0])), "is nan in float64"),
    (dict(x=[1, 2]), "integers"),
    (dict(x=np.array([1, 2])), "integers"),
    (dict(x=[1.0, np.inf]), "not finite at component 1"),
    (dict(x=[]), "empty"),
    (dict(x=["a"]), "dtype"),
    (dict(x=[[1.0], [1.0, 2.0]]), "array of numbers"),
    (dict(x=[1.0, 1e6], format="float16"), "too large for float16 at component 1"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        db.check_gradient(**({"f": total, "gradient": ones, "x": [1.0, 2.0]} | change))


def test_unknown_format() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'float32'"):
        db.check_gradient(total, ones, [1.0], "flaot32")


# --- the pytest plugin --------------------------------------------------------------------------------------

PLUGIN_TEST = """
import numpy as np

def test_right(gradient_check):
    assert gradient_check(np.sin, np.cos, 1.0, format="float16").passed

def test_wrong(gradient_check):
    gradient_check(np.sin, np.sin, 1.0)

def test_strict(gradient_check):
    gradient_check(np.abs, np.sign, 0.0, strict=True)

def test_bad_request(gradient_check):
    gradient_check(np.sin, np.cos, 1)

def broken(x):
    raise KeyError("weights")

def test_broken(gradient_check):
    gradient_check(broken, np.cos, 1.0)
"""


def test_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(PLUGIN_TEST)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment["PYTHONPATH"] = str(Path(db.__file__).parents[1])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "diffbench.pytest_plugin", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert "4 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "1.557 times the estimate" in done.stdout
    assert "kink: the slope is -1 on the left and 1 on the right" in done.stdout
    assert "strict: 1 left open" in done.stdout
    assert "UserError: x is made of integers" in done.stdout
    assert 'raise KeyError("weights")' in done.stdout  # the line of the user's own code
    for code in ("check_gradient(*arguments", "def assert_ok", "def _point"):  # ... and none of ours
        assert code not in done.stdout
