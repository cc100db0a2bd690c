"""Functions known only by calling them: hostile ones, slow ones, ones with a memory, and command lines."""

from __future__ import annotations

import itertools
import math
import os
import pickle
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffbench as db
from diffbench.errors import RefusedError, UnknownNameError, UserError
from diffbench.opaque import Command, CommandError, OpaqueFunction, command, executors, opaque
from diffbench.opaque.command import number_text
from diffbench.opaque.executors import Threads

POINTS = np.linspace(0.25, 1.0, 7)


def _hang(x: Any) -> float:
    while True:
        pass


def _hang_and_catch(x: Any) -> float:
    while True:
        with suppress(Exception):  # what a careless simulation does
            time.sleep(0.01)


def _sleepy_square(x: float) -> float:
    """At module level: it can travel to another process."""
    return x * x


def _hang_in_compiled_code(x: float) -> float:
    """Nothing in this process can interrupt it: the lock is held."""
    return float(sum(itertools.repeat(1)))


def _process(x: float) -> float:
    return float(os.getpid())


def _exit(x: float) -> float:
    os._exit(3)


# --- what may be called ---

CALLABLES: list[tuple[str, Callable[..., Any], Callable[[float], float]]] = [
    ("math", math.sin, math.sin),
    ("ufunc", np.exp, math.exp),
    ("lambda of arrays", lambda x: x**2 + 1, lambda x: x**2 + 1),
    ("constant", lambda x: 3.0, lambda x: 3.0),
    ("integer result", lambda x: 2, lambda x: 2.0),
    ("Decimal result", lambda x: Decimal(float(x)) * 2, lambda x: 2 * x),
    ("Fraction result", lambda x: Fraction(float(x)) / 4, lambda x: x / 4),
    ("0-d array", lambda x: np.array(float(x)), lambda x: x),
    ("one-element array", lambda x: np.array([float(x)]), lambda x: x),
    ("needs x.dtype", lambda x: np.sin(x).astype(x.dtype), math.sin),
    ("needs x[0]", lambda x: math.cos(x[0]) if x.shape == (1,) else 1 / 0, math.cos),
    ("not elementwise", lambda x: x / np.max(x), lambda x: 1.0),
    ("branches", lambda x: 1.0 if x > 0.5 else 0.0, lambda x: 1.0 if x > 0.5 else 0.0),
    ("changes its argument", lambda x: _double_in_place(x), lambda x: 2 * x),
]


def _double_in_place(x: Any) -> Any:
    x *= 2
    return x


@pytest.mark.parametrize(("function", "exact"), [c[1:] for c in CALLABLES], ids=[c[0] for c in CALLABLES])
def test_anything_that_gives_a_number_can_be_sampled(
    function: Callable[..., Any], exact: Callable[[float], float]
) -> None:
    f = opaque(function)
    values = f(POINTS)
    assert (values.shape, values.dtype) == (POINTS.shape, POINTS.dtype)
    np.testing.assert_allclose(values, [exact(x) for x in POINTS], rtol=4e-16)  # 2 ulp: vector or scalar code
    assert f(POINTS.reshape(7, 1)).shape == (7, 1)
    assert float(f(0.5)) == pytest.approx(exact(0.5), rel=4e-16)


def test_processes_stay_for_the_next_calls() -> None:
    """A function that is asked point by point would else start a process for each."""
    f = opaque(_process, executor="process", jobs=1)
    first, second = float(f(1.0)), float(f(2.0))
    assert first == second != os.getpid()


class _SlowToReturn(queue.Queue[Any]):
    """Hands an item over and returns much later, as a thread does that is switched off at that moment."""

    def put(self, item: Any, *options: Any) -> None:
        super().put(item, *options)
        if isinstance(item, tuple):  # an outcome
            time.sleep(0.02)


def test_no_thread_takes_its_own_answer_for_one_that_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that leaves because its answer is there already would at last leave nobody to work."""
    monkeypatch.setattr(executors.queue, "SimpleQueue", _SlowToReturn)
    found: list[Any] = []
    run = threading.Thread(target=lambda: found.extend(Threads(2, 60.0).run(abs, range(8))), daemon=True)
    run.start()
    run.join(10)
    assert [outcome.value for outcome in found] == list(range(8))


def test_no_point_is_asked_for_twice() -> None:
    asked: list[float] = []
    f = opaque(lambda x: asked.append(x) or math.sin(x), batch=False)
    f(POINTS)
    f(POINTS[::-1])
    assert sorted(asked) == POINTS.tolist()
    assert f.calls == len(POINTS)
    again = opaque(lambda x: asked.append(x) or 1.0, batch=False, cache=False)
    asked.clear()
    again(POINTS[[0, 0, 1]])
    assert len(asked) == 3


# --- what is refused, and in which words ---

HOSTILE: list[tuple[str, Callable[..., Any], str]] = [
    ("None", lambda x: None, "returned None at x = 0.25: is a `return` missing?"),
    ("text", lambda x: "0.5", "the text '0.5'"),
    ("bytes", lambda x: b"1", "the text b'1'"),
    ("truth value", lambda x: x > 0.5 if isinstance(x, float) else None, "truth value False"),
    ("complex", lambda x: 1j, "complex number"),
    ("complex array", lambda x: np.array([1 + 0j]), "complex number"),
    ("list", lambda x: [1.0, 2.0], "shape (2,)"),
    ("wide array", lambda x: np.zeros((2, 2)), "shape (2, 2)"),
    ("empty", lambda x: np.array([]), "shape (0,)"),
    ("dictionary", lambda x: {"y": 1.0}, "returned dict {'y': 1.0} at x = 0.25"),
    ("longdouble", lambda x: np.longdouble(1), "longdouble for x of float64: keep the precision"),
    ("ragged", lambda x: [[1.0], [1.0, 2.0]], "list"),
]


@pytest.mark.parametrize(("function", "said"), [c[1:] for c in HOSTILE], ids=[c[0] for c in HOSTILE])
def test_what_is_no_real_number_is_an_error(function: Callable[..., Any], said: str) -> None:
    if np.finfo(np.longdouble).nmant == 52 and "longdouble" in said:
        pytest.skip("longdouble is float64 on this machine")
    with pytest.raises(UserError) as caught:
        opaque(function)(POINTS)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", [3, None, "f", np.zeros(3)])
def test_what_cannot_be_called_is_refused(value: Any) -> None:
    with pytest.raises(UserError, match="must be callable"):
        opaque(value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(executor="threads"), "did you mean 'thread'"),
        (dict(executor=3), "method submit"),
        (dict(jobs=0, executor="thread"), "jobs must be a positive integer"),
        (dict(jobs=True, executor="thread"), "jobs must be a positive integer"),
        (dict(timeout=0), "timeout must be a positive number"),
        (dict(timeout=math.inf), "timeout must be a positive number"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        opaque(math.sin, **options)


def test_where_it_raises_there_is_nan_and_the_reason() -> None:
    f = opaque(math.log)
    values = f(np.array([-1.0, 1.0, math.e]))
    assert np.isnan(values[0]) and values[1:].tolist() == [0.0, 1.0]
    assert list(f.failures) == [-1.0] and f.failures[-1.0].startswith("ValueError")
    with pytest.raises(UserError, match="has no value at x = -1.0: ValueError"):
        f.value_at(-1.0)
    with pytest.raises(UserError, match="is inf at x = 0"):
        opaque(lambda x: math.inf).value_at(0.0)


# --- precision ---


def test_a_narrower_answer_is_taken_and_said_a_wider_one_refused() -> None:
    f = opaque(lambda x: np.float32(x))
    assert f(0.1) == np.float64(np.float32(0.1))
    assert "float32 for x of float64" in f.notes[0]
    with pytest.raises(UserError, match="float64 for x of float32: keep the precision of x"):
        opaque(lambda x: np.float64(x))(np.float32(0.1))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "longdouble"])
def test_python_numbers_are_rounded_to_the_format_once_and_said(name: str) -> None:
    fmt = db.formats()[name]
    f = opaque(lambda x: math.sin(float(x)))
    x = fmt.round(0.7)
    value = f(x)
    assert value.dtype == fmt.dtype
    assert value == fmt.round(math.sin(float(x)))
    assert "rounded to " + name in f.notes[0]


# --- time ---


@pytest.mark.parametrize("function", [_hang, _hang_and_catch], ids=["busy", "swallows exceptions"])
def test_a_function_that_hangs_is_given_up(function: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match=r"no answer within 0.05 s.*and 2 other points.*--timeout"):
        opaque(function, timeout=0.05)(POINTS)


def test_one_late_point_does_not_lose_the_others() -> None:
    f = opaque(lambda x: _hang(x) if x == POINTS[3] else math.sin(x), batch=False, timeout=0.1)
    values = f(POINTS)
    assert np.isnan(values).tolist() == [i == 3 for i in range(7)]
    assert f.failures == {POINTS[3]: "no answer within 0.1 s"}


def test_a_time_limit_leaves_the_callers_alarm_alone() -> None:
    import signal

    before = signal.getsignal(signal.SIGALRM)
    opaque(math.sin, timeout=5)(POINTS)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_threads_have_a_time_limit_too() -> None:
    f = opaque(lambda x: time.sleep(30) if x == POINTS[3] else math.sin(x), executor="thread", timeout=0.2)
    started = time.monotonic()
    assert np.isnan(f(POINTS)).tolist() == [i == 3 for i in range(7)]
    assert time.monotonic() - started < 10  # 30 would mean that the limit did nothing


# --- executors ---


@pytest.mark.parametrize("executor", ["serial", "thread", "mine"])
def test_executors_give_the_same_values_in_order(executor: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        f = opaque(math.sin, executor=pool if executor == "mine" else executor)
        assert f(POINTS).tolist() == [math.sin(x) for x in POINTS]


def test_threads_call_at_once() -> None:
    both = threading.Barrier(2, timeout=10)  # passed only if two calls are under way together
    f = opaque(lambda x: both.wait() * 0.0 + x, executor="thread", jobs=2)
    assert f(POINTS[:2]).tolist() == POINTS[:2].tolist()


@pytest.mark.slow  # processes that start afresh
@pytest.mark.parametrize(
    ("function", "said"),
    [(_hang_in_compiled_code, "no answer within 2 s"), (_exit, "ended abruptly")],
)
def test_processes_are_ended(function: Callable[..., Any], said: str) -> None:
    f = opaque(function, executor="process", jobs=2, timeout=2)
    with pytest.raises(UserError, match=said):
        f.value_at(0.5)


@pytest.mark.slow
def test_processes_give_the_values() -> None:
    f = opaque(_sleepy_square, executor="process", jobs=2)
    assert f(POINTS).tolist() == [x * x for x in POINTS]


def test_what_cannot_travel_to_a_process_is_said() -> None:
    with pytest.raises(UserError, match="cannot be sent to another process"):
        opaque(lambda x: x, executor="process")(POINTS)


def test_an_opaque_function_travels_without_its_values() -> None:
    f = opaque(math.sin, name="mine", timeout=7)
    f(POINTS)
    again = pickle.loads(pickle.dumps(f))
    assert (again.__name__, again.calls, again(0.5)) == ("mine", 0, math.sin(0.5))


# --- memory ---


def _counter(step: float = 1e-9) -> Callable[[Any], float]:
    count = itertools.count()
    return lambda x: math.sin(x) + step * next(count)


def _toggle() -> Callable[[Any], float]:
    values = itertools.cycle([0.0, 1e-9])
    return lambda x: math.sin(x) + next(values)


def _warm_start() -> Callable[[Any], float]:
    last = [0.0]

    def f(x: float) -> float:
        value = math.sin(x) + 1e-8 * last[0]
        last[0] = x
        return value

    return f


def _drift_with_noise() -> Callable[[Any], float]:
    random, count = np.random.default_rng(0), itertools.count()
    return lambda x: math.sin(x) + 1e-9 * next(count) + 1e-10 * random.standard_normal()


def _fails_at_times() -> Callable[[Any], float]:
    count = itertools.count()
    return lambda x: 1 / (next(count) % 3)


STATEFUL = [_counter, _toggle, _warm_start, _drift_with_noise, _fails_at_times]


@pytest.mark.parametrize("make", STATEFUL)
def test_a_function_that_remembers_its_calls_is_found_out(make: Callable[[], Callable[[Any], float]]) -> None:
    found = opaque(make()).repeats(1.0)
    assert found.kind == "state"
    assert found.message


@pytest.mark.parametrize("make", STATEFUL)
def test_and_nothing_is_said_of_its_derivative(make: Callable[[], Callable[[Any], float]]) -> None:
    with pytest.raises(UserError, match="remembers its calls|has no value"):
        db.advise(opaque(make(), batch=False), 1.0)
    with pytest.raises(UserError, match="remembers its calls|has no value"):
        db.sweep(opaque(make(), batch=False), 1.0, formats="float64", split=False, truth="auto")


def test_noise_is_no_memory() -> None:
    """600 noisy functions, a third of them on a coarse grid: none is taken for a counter."""
    for seed in range(600):
        random = np.random.default_rng(seed)
        digits = (None, 2, 1)[seed % 3]

        def f(x: float, random: Any = random, digits: int | None = digits) -> float:
            value = x + 0.3 * float(random.standard_normal())
            return value if digits is None else round(value, digits)

        found = opaque(f, batch=False, cache=False).repeats(1.0)
        assert found.kind == "noisy", (seed, found.message)
        assert 0.1 < found.scatter < 0.7


def test_a_function_of_x_alone_is_constant_when_asked_again() -> None:
    assert opaque(math.sin).repeats(1.0).kind == "constant"


# --- in the other parts of diffbench ---


@pytest.mark.parametrize("name", ["central-2", "central-4", "forward-1"])
def test_methods_take_opaque_functions(name: str) -> None:
    ours, plain = db.derivative(opaque(math.sin), 1.0, method=name), db.derivative(np.sin, 1.0, method=name)
    assert ours.value == pytest.approx(float(plain.value), abs=1e-8)
    assert ours.h == plain.h


@pytest.mark.parametrize("name", ["jet", "reverse"])
def test_methods_that_need_the_program_say_so(name: str) -> None:
    with pytest.raises(RefusedError, match="is opaque"):
        db.derivative(opaque(math.sin), 1.0, method=name)


def test_an_opaque_function_has_no_reference() -> None:
    with pytest.raises(RefusedError, match="is opaque"):
        db.reference(opaque(math.sin), 1.0)


def test_infinite_values_are_an_overflow_and_failures_an_error() -> None:
    made = db.sweep(
        opaque(lambda x: math.inf if x > 1.01 else x), 1.0, formats="float64", steps=[0.1, 1e-3],
        stencils="forward-1", split=False, truth=1.0,
    )  # fmt: skip
    assert made.frame["status"].tolist() == ["overflow", "ok"]
    failing = db.sweep(
        opaque(lambda x: math.sqrt(1.01 - x)), 1.0, formats="float64", steps=[0.1, 1e-3],
        stencils="forward-1", split=False, truth=-5.0,
    )  # fmt: skip
    assert failing.frame["status"].tolist() == ["error", "ok"]
    assert "ValueError" in failing.frame["message"].iloc[0]


# --- sweeps against an estimate ---


def test_a_sweep_against_an_estimate_says_what_it_cannot_decide() -> None:
    made = db.sweep(
        opaque(math.sin),
        1.0,
        formats="float64",
        stencils=("central-2", "central-6"),
        split=False,
        truth="auto",
    )
    reference = made.references.query("derivative == 1").iloc[0]
    assert "estimated from f within" in reference["message"]
    assert abs(reference["value"] - math.cos(1.0)) <= reference["radius"] < 1e-12
    rows = made.frame[made.frame["status"].isin(["ok", "uncertified"])]
    decided = rows["status"] == "ok"
    assert (rows["error"].abs() > reference["radius"])[decided].all()
    assert (rows["error"].abs() <= reference["radius"])[~decided].all()
    assert 0 < (~decided).sum() < 40  # the valley of central-6, a few decades of h at most
    # what is decided is right: the true error is there up to the bound
    true = (rows["estimate"] - math.cos(1.0)).abs()
    assert ((true - rows["error"].abs()).abs() <= reference["radius"] + 1e-16).all()


def test_an_estimate_is_refused_where_there_is_none() -> None:
    with pytest.raises(UserError, match="no value at x|cannot be estimated"):
        db.sweep(opaque(math.log), -1.0, formats="float64", split=False, truth="auto")


# --- commands ---

PYTHON = f"{sys.executable} -c"


def run_python(code: str) -> str:
    return f'{PYTHON} "{code}" {{x}}'


def test_a_command_is_a_function() -> None:
    f = command(run_python("import sys, math; print('y =', math.sin(float(sys.argv[1])))"), jobs=2)
    assert f(POINTS[:3]).tolist() == [math.sin(x) for x in POINTS[:3]]
    assert isinstance(f, OpaqueFunction)


FAILING = [
    ("import sys; sys.exit('no convergence')", "ended with exit code 1: no convergence"),
    ("raise ValueError('x is negative')", "exit code 1: ValueError: x is negative"),
    ("print('nothing to see')", "printed no number: it printed 'nothing to see'"),
    ("pass", "printed no number: it printed nothing"),
    ("print('v1.2.3 of x86_64, 5s')", "printed no number"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed by signal 9"),
    ("import time; time.sleep(60)", "no answer within 0.5 s"),
]


@pytest.mark.parametrize(("code", "said"), FAILING, ids=[said[:20] for _, said in FAILING])
def test_a_command_that_fails_says_why(code: str, said: str) -> None:
    timeout = 0.5 if "sleep" in code else 60.0
    with pytest.raises(CommandError) as caught:
        Command(run_python(code), timeout=timeout)(0.5)
    assert said in str(caught.value)
    with pytest.raises(UserError) as refused:
        command(run_python(code), timeout=timeout).value_at(0.5)
    assert said in str(refused.value)


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Any) -> None:
    alive = tmp_path / "alive"
    child = f"import time, pathlib; time.sleep(1.5); pathlib.Path('{alive}').touch()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '''{child}'''])"
    with pytest.raises(CommandError, match="no answer within"):
        Command(run_python(code), timeout=0.4)(1.0)
    time.sleep(1.6)
    assert not alive.exists()


# what is printed, the number that is read
PRINTED = [
    ("1.5", 1.5),
    ("steps 12, residual 1e-9, y = -2.5e-3", -2.5e-3),
    ("y=.5", 0.5),
    ("0.1D+01", 1.0),
    ("0x1.8p+1", 3.0),
    ("result: 7.", 7.0),
    ("1.5 (in 3.2s)", 1.5),
    ("1, 5", 5.0),
    ("0.25,1.5", 1.5),
    ("x,1e-3,.5e1", 5.0),
    ("1,234 steps, f = 2.5", 2.5),
    ("-inf", -math.inf),
    ("1\n2\n", 2.0),
]


@pytest.mark.parametrize(("text", "number"), PRINTED)
def test_the_last_number_is_read(text: str, number: float) -> None:
    assert Command("true {x}")._number(text, ["true"]) == number


@pytest.mark.parametrize("text", ["1,5", "y = -0,25e-3", "1.234,5", "1,234.5", "f: 12,345,678", "3,0.5,7"])
def test_a_decimal_comma_is_no_number(text: str) -> None:
    """Read as its last part, 1,25338 would be 25338: a number, and not that of the program."""
    with pytest.raises(CommandError, match="one number with a comma or several.*LC_ALL=C.*--pattern"):
        Command("true {x}")._number(text, ["true"])
    digits = text.split()[-1].replace(",", "").lstrip("-")
    assert math.isfinite(Command("true {x}", r"(\d)\D*$")._number(digits, ["true"]))


def test_nan_is_read_as_nan() -> None:
    assert math.isnan(Command("true {x}")._number("f = nan", ["true"]))


def test_a_pattern_says_where_the_number_is() -> None:
    f = Command("true {x}", pattern=r"energy = (\S+)")
    assert f._number("energy = 1\nenergy = 2.5 J\ntime 3.0", ["true"]) == 2.5
    with pytest.raises(CommandError, match="nothing that matches"):
        f._number("no such line 1.0", ["true"])
    with pytest.raises(CommandError, match="found 'none'"):
        f._number("energy = none", ["true"])


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", {}, "the command is empty"),
        ("true", {}, "there is no {x} in the command"),
        ("true 'x", {}, "cannot be split into words: No closing quotation"),
        ("no-such-program-anywhere {x}", {}, "there is no program 'no-such-program-anywhere'"),
        ("true {x} | tail -1", {}, "no shell reads it"),
        ("true {x} > out", {}, "no shell reads it"),
        ("true {x} && true", {}, "no shell reads it"),
        ("true {x}", dict(pattern="energy"), "has 0 groups"),
        ("true {x}", dict(pattern="(a)(b)"), "has 2 groups"),
        ("true {x}", dict(pattern="("), "is not a regular expression"),
        ("true {x}", dict(timeout=-1), "the time limit must be a positive number"),
    ],
)
def test_a_command_that_cannot_work_is_refused_at_once(text: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        command(text, **options)
    assert said in str(caught.value)


def test_no_shell_sees_the_words() -> None:
    """What a shell would run stays an argument, and the number arrives as one word."""
    found = Command("""echo '{x};' "$(touch pwned)" `id` {"a":1} --x={x}""").arguments(-1.5)
    assert found == ["echo", "-1.5;", "$(touch pwned)", "`id`", "{a:1}", "--x=-1.5"]
    assert Command("echo {x0} {x1} {x}").arguments([1.0, 2.5]) == ["echo", "1.0", "2.5", "1.0,2.5"]
    with pytest.raises(UserError, match="asks for {x2}"):
        Command("echo {x2}").arguments([1.0, 2.5])


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=300)
def test_the_text_of_a_number_reads_back_as_the_same_number(x: float) -> None:
    assert float(number_text(x)) == x
    assert not set(number_text(x)) - set("0123456789.e+-")


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
def test_numbers_of_narrow_formats_are_written_exactly(name: str) -> None:
    x = db.formats()[name].round(0.1)[()]
    assert db.formats()[name].round(float(number_text(x)))[()] == x
    assert float(number_text(x)) == float(x)


def test_a_name_that_is_unknown_is_the_known_kind_of_error() -> None:
    with pytest.raises(UnknownNameError):
        opaque(math.sin, executor="proces")
