"""One contract for every method with a step or an estimate of its own: every format, hostile functions.

A method answers with a finite value, or says why not; it never raises for what a function does, never asks
for values it does not count, and does the same twice. Autodiff and other libraries have tests of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffbench as db
from diffbench.arithmetic.formats import NAMES, get_format
from diffbench.errors import RefusedError, UserError
from diffbench.methods import Estimate, Method, get_method
from diffbench.methods.names import estimators, listed_names
from diffbench.stencils import stencil_names
from diffbench.steps import step_rules

OWN = [*stencil_names(1), *listed_names(), *estimators(), "hyper-dual"]

STATUSES = {"ok", *"error domain overflow underflow step_vanished no_step low_confidence".split()}


def _raises(x: Any) -> Any:
    raise ZeroDivisionError("a function that raises")


# name, function, point: what is unusual about it
HOSTILE: tuple[tuple[str, Callable[[Any], Any], float], ...] = (
    ("constant", lambda x: 3.0 + 0 * x, 1.0),  # f' = f'' = f''' = 0
    ("zero", lambda x: 0 * x, 1.0),
    ("linear", lambda x: 2 * x + 1, 1.0),  # f'' = 0
    ("quadratic", lambda x: x * x - 3 * x, 1.0),  # f''' = 0
    ("sin at 0", np.sin, 0.0),  # x = f = f'' = 0
    ("cos at 0", np.cos, 0.0),  # f' = f''' = 0
    ("log at 1", np.log, 1.0),  # f = 0
    ("sqrt at its edge", np.sqrt, 0.0),
    ("log near its edge", np.log, 2.0**-10),
    ("outside its domain", np.log, -1.0),
    ("overflow", lambda x: np.exp(np.exp(x)), 9.0),
    ("infinite at x", lambda x: 1 / x, 0.0),
    ("nan everywhere", lambda x: x * np.nan, 1.0),
    ("a program that raises", _raises, 1.0),
    ("kink", np.abs, 0.0),
    ("jump", np.sign, 0.0),
    ("quantised", lambda x: np.rint(16 * np.sin(x)) / 16, 1.0),
    ("steep", lambda x: np.exp(40 * x), 0.1),
)


class Counted:
    """How often a function was asked, element by element."""

    def __init__(self, f: Callable[[Any], Any]) -> None:
        self.f, self.count = f, 0

    def __call__(self, x: Any) -> Any:
        if not getattr(x.arithmetic, "repeating", False):
            self.count += x.size
        return self.f(x)


def ask(method: Method, f: Any, fmt: Any, points: Any, m: int) -> Estimate | None:
    """The estimate, or None for a program that cannot run in this arithmetic."""
    try:
        return ask_plainly(method, f, fmt, points, m)
    except RefusedError as refused:
        assert "cannot run" in str(refused)
        return None


def ask_plainly(method: Method, f: Any, fmt: Any, points: Any, m: int) -> Estimate:
    more = {"truth": lambda k: np.cos(np.asarray(points, dtype=float) + k)} if method.oracle else {}
    return method.estimate(f, fmt, points, m, **more)


def check(found: Estimate, fmt: Any, points: Any, what: str) -> None:
    values, h = np.asarray(found.value), found.h
    assert values.shape == points.shape, what
    assert values.dtype == fmt.dtype or values.dtype == np.float32, what
    statuses = np.asarray(np.full(points.shape, found.status) if found.statuses is None else found.statuses)
    assert np.shape(statuses) == points.shape, what
    assert set(np.unique(statuses)) <= STATUSES, what
    finite = np.isfinite(values.astype(np.longdouble))
    assert (finite | (statuses != "ok")).all(), f"{what}: a silent {values}"
    assert (found.status == "ok") == bool((statuses == "ok").all()), what
    assert (found.message == "") == (found.status == "ok"), what
    assert found.status == "ok" or bool((statuses == found.status).any()), what
    if h is not None:
        steps = np.asarray(h).astype(np.longdouble)
        assert (np.isnan(steps) | (steps >= 0)).all(), what
        assert (~np.isnan(steps) | np.isin(statuses, list(STATUSES - {"ok"}))).all(), what
    if found.error is not None:
        errors = np.asarray(found.error)
        assert (np.isnan(errors) | (errors >= 0)).all(), what


@pytest.mark.parametrize("name", OWN)
def test_every_method_on_hostile_functions(name: str) -> None:
    method = get_method(name)
    for format_name in NAMES if method.formats is None else method.formats:
        fmt = get_format(format_name)
        for m in (1, 2) if method.derivatives is None else method.derivatives[:2]:
            for what, f, x in HOSTILE:
                where = f"{name}, {format_name}, m = {m}, {what}"
                points, counted = fmt.round(x), Counted(f)
                found = ask(method, counted, fmt, points, m)
                if found is None:
                    assert name.startswith(("complex", "cauchy", "lai")) or what == "a program that raises", (
                        where
                    )
                    continue
                check(found, fmt, points, where)
                if name != "hyper-dual":  # a jet's run is one evaluation, whatever its size
                    assert found.evaluations == counted.count, where


@pytest.mark.parametrize("name", OWN)
def test_points_do_not_disturb_each_other(name: str) -> None:
    """Vectorised over points: each as if it were alone, easy and hostile ones side by side, and twice the
    same.
    """
    method = get_method(name)
    fmt = get_format("float64" if method.formats is None or "float64" in method.formats else "float16")
    points = fmt.round([[1.0, -2.0, 0.0], [1e-3, 30.0, 0.7]])
    f = _easy if method.family == "complex plane" else _mixed
    m = 1 if method.derivatives is None else method.derivatives[0]
    found, again = (ask(method, f, fmt, points, m) for _ in range(2))
    assert found is not None and again is not None
    check(found, fmt, points, name)
    np.testing.assert_array_equal(found.value, again.value)
    counts = np.broadcast_to(found.evaluations, points.shape)
    statuses = np.asarray(np.full(points.shape, found.status) if found.statuses is None else found.statuses)
    for i in np.ndindex(points.shape):
        alone = ask(method, f, fmt, points[i], m)
        assert alone is not None
        np.testing.assert_array_equal(
            alone.value, np.asarray(found.value)[i], err_msg=f"{name} at {points[i]}"
        )
        assert (alone.status, alone.evaluations) == (statuses[i], counts[i]), f"{name} at {points[i]}"


def _mixed(x: Any) -> Any:
    return np.exp(x) * np.sqrt(x + 2)


def _easy(x: Any) -> Any:
    return np.exp(x) * np.cos(x)


def test_what_a_function_raises_is_passed_on_or_marked() -> None:
    """At every point: as it is, to who asked. At some: their status, and the others have their values."""

    def picky(x: Any) -> Any:
        if np.any(x > 2):
            raise ArithmeticError("too large")
        return x * 2

    for name in ("central-2", "central-2@curtis-reid", "ridders", "forward-1@gill-murray"):
        with pytest.raises(ArithmeticError, match="too large"):
            db.derivative(picky, 3.0, method=name)
        found = db.derivative(picky, [1.0, 3.0], method=name)
        assert found.statuses[1] == "error" and "too large" in found.message
        assert found.value[0] == pytest.approx(2.0) and np.isnan(found.value[1])


def test_blocks_of_points_join_without_a_seam() -> None:
    """More points than are done at once."""
    x = np.linspace(0.5, 2.5, 20_001)
    for name in ("central-2@eps-scaled", "central-2@curtis-reid", "ridders"):
        found = db.derivative(np.sin, x, method=name)
        assert np.shape(found.value) == x.shape
        assert (np.abs(found.value - np.cos(x)) <= 1e-8).all(), name
    found = db.derivative(lambda x: np.sqrt(x - 1), x, method="central-2@1e-6")
    assert (found.statuses[x < 0.9] == "domain").all() and (found.statuses[x > 1.1] == "ok").all()


# -- the checks above are checks ---------------------------------------------------------------------------


def _planted(**wrong: Any) -> Estimate:
    good = dict(value=np.float64(1.0), h=np.float64(1e-3), evaluations=2)
    return Estimate(**(good | wrong))


PLANTED: tuple[dict[str, Any], ...] = (
    dict(value=np.float64(np.nan)),
    dict(value=np.float64(np.inf), message="why"),
    dict(status="no_step"),
    dict(status="domain", message="why", statuses=np.array("ok")),  # statuses do not say so
    dict(message="all is well"),
    dict(status="odd", message="why", statuses=np.array("odd")),
    dict(value=np.ones(2)),
    dict(value=np.float16(1.0)),
    dict(h=np.float64(-1.0)),
    dict(h=np.float64(np.nan)),
    dict(error=np.float64(-1.0)),
)


@pytest.mark.parametrize("wrong", PLANTED, ids=[str(sorted(w)) + str(i) for i, w in enumerate(PLANTED)])
def test_the_contract_catches(wrong: dict[str, Any]) -> None:
    fmt, x = get_format("float64"), np.array(1.0)
    check(_planted(), fmt, x, "good")
    with pytest.raises(AssertionError):
        check(_planted(**wrong), fmt, x, "planted")


# -- rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(step_rules()))
def test_every_rule_says_what_it_is(name: str) -> None:
    found = step_rules()[name]
    assert found.name == name and found.what and found.source
    assert len(found.what) < 200 and not found.what.endswith(",")
    for parameter, value in found.parameters.items():
        assert isinstance(value, int | float), parameter


def test_every_rule_is_listed_with_some_stencil() -> None:
    """A rule that no listed method uses would be in no tournament."""
    used = {get_method(name).rule for name in listed_names()}
    assert set(step_rules()) <= used


def test_every_estimator_refuses_other_orders() -> None:
    for name in [*estimators(), "hyper-dual"]:
        with pytest.raises(UserError, match="order"):
            db.derivative(np.exp, 1.0, method=name, derivative=99)


@pytest.mark.parametrize("name", OWN)
def test_a_function_that_mixes_its_points_is_refused(name: str) -> None:
    """np.sum over the nodes would make every difference 0."""
    method = get_method(name)
    fmt = get_format("float64" if method.formats is None or "float64" in method.formats else "float16")
    m = 1 if method.derivatives is None else method.derivatives[0]
    with pytest.raises((UserError, RefusedError), match="element by element|cannot run"):
        ask_plainly(method, lambda x: np.sum(x**2), fmt, fmt.round([1.0, 2.0]), m)


@pytest.mark.parametrize("name", OWN)
def test_no_points_and_points_at_the_ends_of_a_format(name: str) -> None:
    method = get_method(name)
    m = 1 if method.derivatives is None else method.derivatives[0]
    for format_name in NAMES if method.formats is None else method.formats:
        fmt = get_format(format_name)
        ends = [-0.0, 1e-30, fmt.smallest_normal, 3e4, min(fmt.max, 1e300)]
        for points in (fmt.round(np.zeros(0)), fmt.round(ends)):
            found = ask(method, np.sin, fmt, points, m)
            assert found is not None
            check(found, fmt, points, f"{name}, {format_name}")
