"""Functions that misbehave: each gives one clear error, or rows with a status. Never a lost cell."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import diffbench as db
from diffbench.errors import DiffbenchError, RefusedError, UserError
from diffbench.problems import Problem
from diffbench.split import PARTS
from diffbench.sweep import SweepSettings, sweep_cell

Function = Callable[[Any], Any]
SETTINGS = SweepSettings({1: ("forward-1", "central-2"), 2: ("central-2",)}, per_decade=2)


def beyond(x: Any) -> Any:
    if np.any(x > 1.25):
        raise ValueError("too far\nand more details")
    return x**2


def never(x: Any) -> Any:
    raise MemoryError


def counting(x: Any, calls: list[int] = []) -> Any:  # noqa: B006 (a function that remembers)
    calls.append(1)
    return x + len(calls)


def in_place(x: Any) -> Any:
    x *= 2
    return x


def by_hand(x: Any) -> Any:
    out = np.zeros(1)
    out[0] = x  # what should be np.stack
    return out[0]


# name, function, status of the rows of a cell, error or status of db.derivative, words of the message
CASES: tuple[tuple[str, Function, str, type[Exception] | str, str], ...] = (
    ("raises everywhere", lambda x: x * (1 / 0), "error", ZeroDivisionError, "division by zero"),
    ("raises without a message", never, "error", MemoryError, ""),
    ("returns None", lambda x: None, "refused", RefusedError, "return the result of the NumPy calls on x"),
    ("returns text", lambda x: "0.5", "refused", RefusedError, "return the result of the NumPy calls on x"),
    (
        "returns a tuple",
        lambda x: (x, x),
        "refused",
        RefusedError,
        "return the result of the NumPy calls on x",
    ),
    ("returns a comparison", lambda x: x > 0, "refused", RefusedError, "np.where"),
    ("returns complex numbers", lambda x: 1j * x, "refused", RefusedError, "real numbers"),
    (
        "returns a plain array",
        lambda x: np.full(x.shape, 3.0),
        "refused",
        RefusedError,
        "without converting it",
    ),
    ("assigns into a plain array", by_hand, "refused", RefusedError, "np.stack"),
    ("converts to float64", lambda x: x.astype(np.float64), "refused", RefusedError, "drop the conversion"),
    ("asks for a dtype", lambda x: np.exp(x, dtype=np.float32), "refused", RefusedError, "drop dtype"),
    ("uses the math module", lambda x: math.exp(x), "refused", RefusedError, "np.sin, not math.sin"),
    ("branches on x", lambda x: x if x > 0 else -x, "refused", RefusedError, "np.where"),
    ("returns more values", lambda x: np.stack([x, x]), "error", UserError, "element by element"),
    ("sums over its points", lambda x: np.sum(x**2), "error", UserError, "element by element"),
    ("looks at one point", lambda x: np.ravel(x)[0], "error", UserError, "element by element"),
    ("takes two arguments", lambda x, y: x, "error", TypeError, "argument"),
    ("is NaN", lambda x: x * np.nan, "domain", "domain", "the function"),
    ("is the constant NaN", lambda x: math.nan, "domain", "domain", "the function"),
    ("is infinite", lambda x: x * np.inf, "domain", "overflow", ""),
    ("is a constant", lambda x: 3.0, "ok", "ok", ""),
    ("is an integer", lambda x: 3, "ok", "ok", ""),
    ("is zero", lambda x: 0 * x, "ok", "ok", ""),
    ("multiplies by float64", lambda x: np.float64(2) * np.sin(x), "ok", "ok", ""),
    ("works in place", in_place, "ok", "ok", ""),
)
IDS = [case[0] for case in CASES]
CONSTANTS = {"is a constant", "is an integer", "is zero"}
# auto calls them with Python numbers in float64, as these are the format's own: name -> the derivative at 1
PLAIN = {"uses the math module": math.e, "assigns into a plain array": 1.0}


def cell(f: Function, name: str = "float32", **arguments: Any) -> pd.DataFrame:
    """The sweep frame of a problem made of the function (problems check the number of arguments first)."""
    problem = Problem("bad", lambda x: f(x), (1.0,), **arguments)
    return sweep_cell(problem, name, SETTINGS)["sweep"]


@pytest.mark.parametrize(("case", "f", "status", "outcome", "words"), CASES, ids=IDS)
def test_a_cell_of_a_run_keeps_its_rows(
    case: str, f: Function, status: str, outcome: type[Exception] | str, words: str
) -> None:
    frame = cell(f)
    found = set(frame["status"].astype(str))
    # near u, x + h = x for every function; at the smallest steps h^2 vanishes too
    assert found - {"step_vanished", "underflow"} == {status}
    assert frame.groupby(["stencil", "derivative"], observed=True).ngroups == 3
    rows = frame[frame["status"] == status]
    if status == "ok":
        assert (rows["message"] == "").all()
        assert np.isfinite(rows[[*PARTS, "error"]].to_numpy()).all()
    else:
        assert rows["message"].str.len().min() > 0
        assert rows["message"].str.contains(words, regex=False).all()
        assert not rows["message"].str.contains("\n").any()


@pytest.mark.parametrize(("case", "f", "status", "outcome", "words"), CASES, ids=IDS)
def test_one_estimate_is_an_error_or_has_a_status(
    case: str, f: Function, status: str, outcome: type[Exception] | str, words: str
) -> None:
    """Mistakes of the request are named; what the function itself raises is passed on as it is."""
    for name in ("float16", "float64"):
        if isinstance(outcome, str):
            found = db.derivative(f, 1.0, format=name)
            if case in CONSTANTS and name == "float16":
                # equal values in 11 bits may as well be sqrt(x + 1) - sqrt(x): 0, with a bound and a warning
                assert (float(found), found.status) == (0.0, "low_confidence")
                assert "in so few bits" in found.message
                assert db.derivative(f, 1.0, format=name, method="central-2").status == outcome
                continue
            assert found.status == outcome
            assert words in found.message
        else:
            plain = name == "float64" and case in PLAIN
            if plain:
                found = db.derivative(f, 1.0)
                assert (found.status, abs(found.value - PLAIN[case]) <= found.error < 1e-9) == ("ok", True)
            with pytest.raises(outcome) as caught:
                db.derivative(f, 1.0, format=name, method="central-2" if plain else None)
            assert words in str(caught.value)


@pytest.mark.parametrize(("case", "f", "status", "outcome", "words"), CASES, ids=IDS)
def test_a_sweep_of_ones_own_function(
    case: str, f: Function, status: str, outcome: type[Exception] | str, words: str
) -> None:
    """A refusal is raised, with the way out; everything else is rows."""
    if status == "refused":
        with pytest.raises(RefusedError) as caught:
            db.sweep(f, 1.0, formats="float32", per_decade=2)
        assert words in str(caught.value)
        assert "split=False" in str(caught.value)
    else:
        frame = db.sweep(f, 1.0, formats="float32", per_decade=2).frame
        assert status in set(frame["status"].astype(str))


@pytest.mark.parametrize("name", ["float16", "float64"])
def test_a_function_that_raises_at_some_nodes_loses_only_those_rows(name: str) -> None:
    """Also where it is the exact evaluation that raises: the other rows are those of the function itself."""
    frame, clean = cell(beyond, name), cell(np.square, name)
    assert len(frame) == len(clean)
    far = frame["h"] > 0.25  # h = 0.25 reaches 1.25 itself, which is allowed
    assert (frame["status"][far] == "error").all()
    assert (frame["message"][far] == "ValueError: too far").all()
    near = ~far
    assert near.sum() > 10
    assert (frame["status"][near] == clean["status"][near]).all()
    np.testing.assert_array_equal(frame["estimate"][near], clean["estimate"][near])
    for column in ("exact", "error", *PARTS):  # known to 1e-12, whatever else is computed beside them
        np.testing.assert_allclose(frame[column][near], clean[column][near], rtol=1e-12, atol=0)


def test_the_same_without_the_split() -> None:
    def plain(x: Any) -> Any:
        return beyond(x)

    frame = cell(plain, opaque=True, truth=np.square)
    far = frame["h"] > 0.25
    assert (frame["status"][far] == "error").all()
    assert (frame["message"][far] == "ValueError: too far").all()
    assert (frame["status"][~far] == "error").sum() == 0
    assert (frame["status"] == "ok").any()


def test_nodes_where_the_function_is_nan_are_outside_its_domain() -> None:
    frame = cell(lambda x: np.where(x > 1.25, np.nan, x**2))
    far = frame["h"] > 0.25
    assert (frame["status"][far] == "domain").all()
    assert (frame["status"][~far] != "domain").all()


def test_a_function_that_remembers_its_calls_loses_no_cell() -> None:
    """Every evaluation is of another function: a row may be worthless, but it is there."""
    frame = cell(counting)
    assert len(frame) > 20
    assert set(frame["status"].astype(str)) <= {"ok", "uncertified", "step_vanished", "underflow"}


def test_a_function_that_changes_its_argument_changes_nothing_else() -> None:
    twice = cell(in_place)
    line = cell(lambda x: 2 * x)
    for column in ("h", "estimate", "error", *PARTS):
        np.testing.assert_array_equal(twice[column], line[column])


def test_an_opaque_function_that_changes_its_argument_changes_nothing_else() -> None:
    def harmful(x: Any) -> Any:
        x *= 2
        return x

    twice, line = (cell(f, opaque=True, truth=lambda x: 2 * x) for f in (harmful, lambda x: 2 * x))
    for column in ("h", "estimate", "error"):
        np.testing.assert_array_equal(twice[column], line[column])


@pytest.mark.parametrize("f", [3, None, "sin", [np.sin], math.pi], ids=repr)
def test_what_is_not_a_function(f: Any) -> None:
    for call in (db.sweep, db.derivative, db.reference):
        with pytest.raises(UserError, match="callable"):
            call(f, 1.0)
    with pytest.raises(UserError, match="expected a function"):
        Problem("bad", f, (1.0,))


@pytest.mark.parametrize(("x", "what"), [("a", "text"), (None, "Python objects"), (1j, "complex numbers")])
def test_what_is_not_a_point(x: Any, what: str) -> None:
    with pytest.raises(UserError, match=f"{what}.*give real numbers"):
        db.derivative(np.sin, x)


@pytest.mark.parametrize("word", ["formats", "stencils", "variants"])
def test_what_is_not_a_list_of_names(word: str) -> None:
    with pytest.raises(UserError, match=f"{word} must be a name or a sequence of names, not 3"):
        db.sweep(np.sin, 1.0, **{word: 3})


def test_a_function_of_plain_numbers_is_told_of_opaque() -> None:
    for request in (dict(format="float32"), dict(method="central-2"), dict(step=1e-3)):
        with pytest.raises(RefusedError, match=r"diffbench\.opaque\(f\)"):
            db.derivative(math.sin, 1.0, **request)
    assert db.derivative(db.opaque(math.sin), 1.0).value == pytest.approx(math.cos(1.0), rel=1e-10)
    with pytest.raises(RefusedError) as told:
        db.derivative(lambda x: None, 1.0)
    assert "opaque" not in str(told.value)  # it would not help


@pytest.mark.parametrize("x", [Fraction(1, 3), Decimal("0.25"), 2**70, [Fraction(1, 2), 3], np.array(0.5)])
def test_numbers_of_other_types_are_rounded_once(x: Any) -> None:
    plain = np.vectorize(float)(x)
    found, same = db.derivative(np.cbrt, x), db.derivative(np.cbrt, plain)
    np.testing.assert_array_equal(found.value, same.value)
    assert np.shape(found.value) == np.shape(plain)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (10**400, "too large for float64"),
        ([1.0, [2.0, 3.0]], "one number or an array of numbers"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "masked"),
        ([1.0, None], "give real numbers"),
        ({}, "give real numbers"),
    ],
)
def test_what_cannot_be_a_point_is_said(x: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        db.derivative(np.sin, x)


def leaves(x: Any) -> Any:
    raise SystemExit(3)


def test_an_opaque_function_without_a_value_says_why() -> None:
    for f, why in ((lambda x: math.log(-x), "ValueError: math domain error"), (leaves, "SystemExit: 3")):
        found = db.derivative(db.opaque(f), 1.0)
        assert (found.status, np.isnan(found.value)) == ("error", True)
        assert found.message.startswith("no value at x = 1.0: " + why[:20])
    many = db.derivative(db.opaque(math.log), np.array([-1.0, 2.0]))
    assert many.statuses.tolist() == ["error", "ok"]
    assert many.value[1] == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("amplitude", [1e-13, 1e-8, 1e-3, 10.0])
def test_the_automatic_derivative_refuses_a_memory(amplitude: float) -> None:
    calls, last = itertools.count(), [0.0]

    def warm(x: float) -> float:
        before, last[0] = last[0], x
        return math.sin(x) + amplitude * before

    for f in (lambda x: math.sin(x) + amplitude * next(calls), warm):
        with pytest.raises(UserError, match="remembers its calls"):
            db.derivative(f, 1.0)


def test_noise_is_no_memory_and_asking_again_is_counted() -> None:
    rng = np.random.default_rng(5)
    noisy = db.opaque(lambda x: math.sin(x) + 1e-6 * rng.standard_normal(), batch=False)
    found = db.derivative(noisy, 1.0)
    assert abs(found.value - math.cos(1.0)) <= found.error < 1e-3
    smooth = db.opaque(math.sin, batch=False)
    assert db.derivative(smooth, 1.0).evaluations == smooth.calls
    assert db.derivative(np.sin, 1.0).evaluations + 1 == smooth.calls


def test_every_error_of_diffbench_has_one_base() -> None:
    for error in (UserError, RefusedError):
        assert issubclass(error, DiffbenchError)
    assert issubclass(UserError, ValueError)  # the usual types for those who do not know diffbench's
    assert issubclass(RefusedError, TypeError)
