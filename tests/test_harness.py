"""The harness: what a method does wrong becomes a record, its calls are counted, its time is limited."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from planted_methods import DEADLY, FUNCTION, PLANTED, POINT, TRUTH, Planted, honest, statuses_in_a_worker

import diffbench as db
from diffbench.arithmetic.formats import formats, get_format
from diffbench.methods.counting import CountedProgram, PlainFunction
from diffbench.methods.estimate import Estimate
from diffbench.methods.harness import Measured, measure, measure_points
from diffbench.methods.isolation import measure_isolated
from diffbench.methods.limits import TimeLimitExceeded, time_limit
from diffbench.methods.method import Method
from diffbench.problems import get_problem
from diffbench.runs.execute import process_context

F64 = get_format("float64")
HONEST = Method("honest", honest)

# -- planted methods ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PLANTED, ids=str)
def test_every_planted_method_is_shown_for_what_it_is(case: Planted) -> None:
    found = measure(case.method, FUNCTION, F64, POINT, limit=0.2)
    assert found.status == case.status
    assert case.message in found.message
    assert (found.message == "") is (found.status == "ok")
    assert case.warning in " ".join(found.warnings)
    assert bool(found.warnings) is bool(case.warning)
    assert found.evaluations == case.evaluations or (case.evaluations == -1 and found.evaluations > 2)
    assert np.isfinite(found.value) == (found.status == "ok")


def test_the_numbers_show_an_error_of_one_percent_and_an_error_estimate_that_lies() -> None:
    known = {str(case): measure(case.method, FUNCTION, F64, POINT) for case in PLANTED[:4]}
    error = {name: abs(m.value - TRUTH) for name, m in known.items()}
    assert error["truth-plus-one-percent"] / TRUTH == pytest.approx(0.01, rel=1e-6)
    covered = {name: bool(error[name] <= m.error_estimate) for name, m in known.items()}
    assert covered == {
        "honest": True,
        "constant": False,  # NaN: it has no estimate
        "truth-plus-one-percent": True,
        "lies-about-its-error": False,
    }


def test_planted_methods_at_many_points() -> None:
    """Each point has its own record, whatever the joint call looked like."""
    points = [0.5, 1.0, 2.0]
    for case in PLANTED:
        if case.status == "timeout":
            continue
        found = measure_points(case.method, FUNCTION, F64, points, limit=0.2)
        assert [m.status for m in found] == [case.status] * 3, case
        assert [m.evaluations for m in found] == [case.evaluations] * 3, case


@pytest.mark.skipif(not hasattr(os, "fork"), reason="isolation needs fork")
def test_in_a_process_of_its_own_the_deadly_cost_only_their_rows() -> None:
    first, second = DEADLY
    methods = [HONEST, first.method, HONEST, second.method, HONEST]
    before, others = threading.active_count(), children()
    began = time.monotonic()
    found = measure_isolated(methods, FUNCTION, F64, [1.0, 2.0], limit=0.1)
    assert time.monotonic() - began < 30  # two limits of 0.1 s and a second of grace, on a busy machine
    assert [[m.status for m in rows] for rows in found] == [
        ["ok", "ok"],
        ["timeout"] * 2,
        ["ok", "ok"],
        ["error"] * 2,
        ["ok", "ok"],
    ]
    assert first.message in found[1][0].message
    assert second.message in found[3][1].message
    alone = measure_points(HONEST, FUNCTION, F64, [1.0, 2.0])
    assert [m.value for m in found[0]] == [m.value for m in alone]
    assert threading.active_count() == before
    assert children() <= others, "no child is left behind"


def children() -> set[str]:
    """Processes that this one started, as Linux lists them: other tests of a worker may have some too."""
    found = Path("/proc/self/task").glob("*/children")
    return {pid for listed in found for pid in listed.read_text().split()}


def test_without_fork_the_calls_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork", raising=False)
    found = measure_isolated([HONEST], FUNCTION, F64, [1.0])
    assert found[0][0].status == "ok"


def test_ctrl_c_is_not_swallowed() -> None:
    def interrupted(*arguments: Any) -> Estimate:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(Method("interrupted", interrupted), FUNCTION, F64, POINT)


# -- counting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", list(formats()))
@pytest.mark.parametrize("name", ["central-2", "central-6", "forward-3", "jet", "reverse"])
def test_own_methods_claim_what_is_counted(name: str, fmt: str) -> None:
    """Also where an infinity makes the engine look a second time (exp at 11 in float16)."""
    for f, x in ((np.exp, 1.0), (np.exp, 11.0), (lambda x: np.log(x) + np.sum([1.0]), 2.0)):
        found = measure(db.methods()[name], f, get_format(fmt), x)
        assert (found.evaluations, found.warnings) == (found.claimed, ())


def test_points_of_a_joint_call_are_those_of_single_calls() -> None:
    points = np.array([0.3, 1.0, 7.5, 1000.1])
    for name in ("central-2", "jet", "backward-4"):
        together = measure_points(db.methods()[name], np.sin, F64, points)
        alone = [measure(db.methods()[name], np.sin, F64, x) for x in points]
        for a, b in zip(together, alone, strict=True):
            assert (a.value, a.evaluations, a.status) == (b.value, b.evaluations, b.status)
            assert a.h == b.h or (np.isnan(a.h) and np.isnan(b.h))


def test_a_bad_point_does_not_touch_the_others() -> None:
    found = measure_points(db.methods()["central-2"], np.log, F64, [1.0, 1e-9, 3.0])
    assert [m.status for m in found] == ["ok", "domain", "ok"]
    assert [m.message != "" for m in found] == [False, True, False]


def test_a_function_that_raises_somewhere_costs_only_that_point() -> None:
    def picky(x: Any) -> Any:
        if np.any(x > 2):
            raise ValueError("too large")
        return np.sin(x)

    found = measure_points(db.methods()["central-2"], picky, F64, [1.0, 3.0])
    assert [m.status for m in found] == ["ok", "error"]
    assert "ValueError: too large" in found[1].message


def test_refusals_are_records() -> None:
    oracle = Method("oracle", honest, oracle=True)
    only_32 = Method("only-32", honest, formats=("float32",))
    missing = Method("missing", honest, available=False, extra="rivals")
    for method, f, words, evaluations in (
        (HONEST, lambda x: math.sin(x), "np.sin, not math.sin", 2),
        (oracle, np.sin, "needs the true derivatives", 0),
        (only_32, np.sin, "only-32 has no float64: use one of float32", 0),
        (missing, np.sin, "pip install 'diffbench[rivals]'", 0),
    ):
        found = measure(method, f, F64, 1.0)
        assert (found.status, found.evaluations) == ("refused", evaluations)
        assert words in found.message


def test_an_oracle_is_told_the_truth_of_its_points() -> None:
    def told(f: Any, fmt: Any, x: Any, derivative: int, truth: Callable[[int], Any]) -> Estimate:
        if x.size > 1:
            raise ValueError("one by one, please")
        return Estimate(truth(derivative), evaluations=0)

    found = measure_points(
        Method("told", told, oracle=True),
        np.sin,
        F64,
        [1.0, 2.0],
        truth=lambda k: np.array([10.0 + k, 20.0 + k]),
    )
    assert [m.value for m in found] == [11.0, 21.0]


def test_numbers_are_as_wide_as_the_format_needs() -> None:
    assert isinstance(measure(HONEST, np.exp, F64, 1.0).value, np.float64)
    assert isinstance(measure(HONEST, np.exp, get_format("float16"), 1.0).value, np.float64)
    assert isinstance(measure(HONEST, np.exp, get_format("longdouble"), 1.0).value, np.longdouble)


# -- opaque functions --------------------------------------------------------------------------------------


def test_opaque_programs_get_plain_arrays() -> None:
    seen = []

    def program(x: Any) -> Any:
        seen.append(type(x))
        return np.sin(x)

    found = measure(db.methods()["central-4"], program, get_format("float32"), 1.0, opaque=True)
    assert set(seen) == {np.ndarray}
    assert found.value == measure(db.methods()["central-4"], np.sin, get_format("float32"), 1.0).value
    assert (found.status, found.evaluations) == ("ok", 4)


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        (lambda x: x[:1], "error", "shape"),
        (lambda x: np.sin(x).astype(np.float32), "error", "keep the precision"),
        (lambda x: np.full(x.shape, np.nan), "domain", "left the domain"),
    ],
    ids=["shape", "dtype", "nan"],
)
def test_bad_opaque_programs(program: Any, status: str, words: str) -> None:
    found = measure_points(db.methods()["central-2"], program, F64, [1.0, 2.0], opaque=True)
    assert {m.status for m in found} == {status}
    assert words in found[0].message


def test_no_other_arithmetic_runs_an_opaque_program() -> None:
    problem = get_problem("sin_plus_noise")
    for name in ("jet", "reverse"):
        found = measure(db.methods()[name], problem.function, F64, 1.0, opaque=True)
        assert (found.status, "opaque" in found.message) == ("refused", True)


# -- the plain function ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", list(formats()))
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2)])
def test_plain_functions_keep_shape_and_dtype_and_count(fmt: str, shape: tuple[int, ...]) -> None:
    known = get_format(fmt)
    f = PlainFunction(np.exp, known)
    x = np.full(shape, 0.5)
    value = f(x.astype(known.dtype))
    assert np.shape(value) == shape
    assert np.asarray(value).dtype == known.dtype
    assert f.evaluations == x.size
    assert np.ndim(f(0.5)) == 0
    assert f.evaluations == x.size + 1


def test_a_plain_function_works_in_the_format_whatever_it_is_given() -> None:
    """A library that computes nodes in float64 still asks a float32 function."""
    f = PlainFunction(np.exp, get_format("float32"))
    assert f(1.0 + 1e-9) == f(1.0) == np.exp(np.float32(1))


def test_complex_numbers_run_in_complex_arithmetic() -> None:
    f = PlainFunction(lambda x: np.exp(x) * np.sin(x), F64)
    step = f(1.5 + 1e-30j)
    exact = np.exp(1.5) * (np.sin(1.5) + np.cos(1.5))
    assert step.imag / 1e-30 == pytest.approx(exact, rel=1e-15)
    with pytest.raises(db.errors.RefusedError, match="not analytic"):
        PlainFunction(np.abs, F64)(1.0 + 1e-30j)
    with pytest.raises(db.errors.RefusedError, match="use float64"):
        PlainFunction(np.exp, get_format("float32"))(np.complex64(1j))


def test_a_plain_function_remembers_where_it_was_not_finite() -> None:
    f = PlainFunction(np.log, F64)
    f(np.array([1.0, -2.0, -3.0]))
    f(0.0)
    assert (f.outside, f.infinite) == (-2.0, 0.0)


def test_a_counted_program_refuses_calls_after_its_deadline() -> None:
    f = CountedProgram(np.sin)
    f.deadline = time.monotonic() - 1
    with pytest.raises(TimeLimitExceeded):
        f(1.0)


# -- time limits -------------------------------------------------------------------------------------------


def in_a_thread(call: Callable[[], Measured]) -> Measured:
    found: list[Measured] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def test_a_limit_holds_in_other_threads_too() -> None:
    slow = next(case.method for case in PLANTED if str(case) == "hangs")
    found = in_a_thread(lambda: measure(slow, FUNCTION, F64, POINT, limit=0.1))
    assert found.status == "timeout"
    assert in_a_thread(lambda: measure(HONEST, FUNCTION, F64, POINT)).status == "ok"


def test_a_limit_leaves_handler_and_timer_of_others() -> None:
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(TimeLimitExceeded), time_limit(0.05):
            time.sleep(5)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left < 0.3
        time.sleep(left + 0.05)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_in_a_worker_of_a_run_a_method_that_hangs_costs_its_own_row_only() -> None:
    """Cells are computed in the main thread of a pebble worker, where the timer's signal arrives."""
    from pebble import ProcessPool

    with ProcessPool(max_workers=1, context=process_context()) as pool:
        found = pool.schedule(statuses_in_a_worker, timeout=60).result()
    assert found == ["ok", "timeout", "error", "ok"]


def test_nothing_is_left_ticking() -> None:
    for _ in range(3):
        measure(HONEST, FUNCTION, F64, POINT, limit=0.05)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    time.sleep(0.1)  # a planted exception would surface here


@pytest.mark.parametrize("moment", ["__enter__", "__exit__"])
def test_a_signal_where_a_block_is_entered_or_left_does_not_raise(moment: str) -> None:
    """It would leave the timer ticking; the next reminder comes soon enough."""
    limit: Any = time_limit(60.0)
    with limit:
        limit._over(signal.SIGALRM, SimpleNamespace(f_code=getattr(type(limit), moment).__code__))
        with pytest.raises(TimeLimitExceeded):
            limit._over(signal.SIGALRM, SimpleNamespace(f_code=None))
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_warnings_are_heard_under_any_filter() -> None:
    case = next(case for case in PLANTED if str(case) == "warns")
    for action in ("error", "ignore", "default"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)  # type: ignore[arg-type]
            found = measure(case.method, FUNCTION, F64, POINT)
        assert found.warnings == ("RuntimeWarning: precision may be lost",)


def test_another_function_shows_who_does_not_ask_it() -> None:
    """The check of the rivals' contract (8 f has 8 times the derivative), on methods that would fail it."""
    following = {}
    for case in PLANTED:
        once, eight = (
            measure(case.method, f, F64, POINT, limit=0.2) for f in (np.exp, lambda x: 8 * np.exp(x))
        )
        if once.status == "ok":
            following[str(case)] = bool(abs(eight.value - 8 * once.value) < 1e-6)
    assert {name for name, follows in following.items() if not follows} == {
        "constant",
        "behind-the-counter",
        "calls-less-than-it-needs",
    }


def test_the_first_use_of_a_library_is_not_limited_in_time() -> None:
    """What ``prepare`` takes is not counted: a limit that strikes in an import breaks a library for good."""
    ready: list[bool] = []

    def prepare() -> None:
        if not ready:
            time.sleep(0.3)
            ready.append(True)

    def estimate(f: Any, fmt: Any, points: Any, derivative: int) -> Estimate:
        prepare()  # what an import inside a library does
        return Estimate(np.cos(points), np.float64(0.1), 0)

    slow = Method("slow-at-first", estimate, "rival", prepare=prepare)
    found = measure(slow, np.sin, F64, 1.0, limit=0.1)
    assert found.status == "ok", found.message
    ready.clear()
    assert measure(replace(slow, prepare=None), np.sin, F64, 1.0, limit=0.1).status == "timeout"
