"""advise, sweep and check on the command line: opaque functions, commands, several variables, mistakes."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from diffbench.cli import main

COMMAND = f"""{sys.executable} -c "import sys, math; print('%.9f' % math.sin(float(sys.argv[1])))" {{x}}"""
PAIR = (
    f"""{sys.executable} -c "import sys; a, b = map(float, sys.argv[1:]); print(a * a * b)" {{x0}} {{x1}}"""
)

MODEL = """
import itertools
import math
import time

calls = itertools.count()

def scalar(x):
    return math.lgamma(x)

def counter(x):
    return math.sin(x) + 1e-9 * next(calls)

def hangs(x):
    time.sleep(100)

def leaves(x):
    raise SystemExit(3)

def nothing(x):
    pass

def text(x):
    return "one"

def pair(x):
    return x[0] ** 2 * x[1]

def pair_gradient(x):
    import numpy as np
    return np.array([2 * x[0] * x[1], x[0] ** 2])
"""


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    (tmp_path / "mine.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    return run


# --- advise ---


def test_advise_prints_what_to_paste_and_why(say: Any) -> None:
    code, out, err = say("advise", "exp(sin(x))", "--at", "1")
    assert (code, err) == (0, "")
    for part in (
        "use    central-4 with h = ",
        "code   (",
        "rule   h = ",
        "exact sweep (Arb)",
        "sqrt(eps)",
        "central-6",
    ):
        assert part in out
    assert max(map(len, out.splitlines())) <= 170


def test_advise_as_json(say: Any) -> None:
    code, out, _ = say("advise", "sin(x)", "--at", "1", "--format", "float16,float32", "--json")
    found = json.loads(out)
    assert code == 0
    assert [row["format"] for row in found] == ["float16", "float32"]
    assert all(row["h"] > 0 and row["status"] == "ok" for row in found)
    assert found[0]["check"]["factor"] <= 10


def test_advise_draws(say: Any, tmp_path: Path) -> None:
    code, out, _ = say("advise", "mine.py:scalar", "--at", "2.5", "--plot", "advice.svg")
    assert code == 0 and "wrote  advice.svg" in out
    assert (tmp_path / "advice.svg").read_text().startswith("<?xml")


def test_advise_on_scalar_functions_says_how_it_was_called(say: Any) -> None:
    for target in ("math:lgamma", "mine.py:scalar"):
        code, out, _ = say("advise", target, "--at", "2.5")
        assert code == 0
        assert "called with plain numbers" in out and "not checked" in out
    _, out, _ = say("advise", "math:lgamma", "--at", "2.5", "--truth", "gammaln(x)")
    assert "sweep against the given truth (Arb)" in out


def test_advise_on_several_variables(say: Any) -> None:
    code, out, _ = say("advise", "x**2 + x*y", "--at", "x=1,y=2", "--json")
    assert code == 0
    assert [row["function"] for row in json.loads(out)] == ["x**2 + x*y along x", "x**2 + x*y along y"]
    assert [row["value"] for row in json.loads(out)] == pytest.approx([4.0, 1.0], abs=1e-12)
    _, out, _ = say("advise", "mine.py:pair", "--at", "2,3", "--json")
    assert [row["value"] for row in json.loads(out)] == pytest.approx([12.0, 4.0], abs=1e-9)


def test_advise_on_a_command(say: Any) -> None:
    """Nine decimals are printed: that is the noise, and the step follows it."""
    code, out, _ = say("advise", "--command", COMMAND, "--at", "1", "--truth", str(math.cos(1)), "--json")
    found = json.loads(out)
    assert code == 0
    assert 1e-10 <= found["noise"] <= 1e-9
    assert 1e-4 <= found["h"] <= 1e-1
    assert found["check"]["factor"] <= 10
    assert found["evaluations"] <= 150


def test_low_confidence_is_said_beside_the_answer(say: Any) -> None:
    code, out, err = say("advise", "abs(x)", "--at", "0")
    assert code == 0
    assert "low_confidence: f has a kink at x" in out and "low_confidence" in err


# --- sweep ---


def test_sweep_of_an_opaque_function_against_an_estimate(say: Any, tmp_path: Path) -> None:
    code, out, err = say(
        "sweep", "math:sin", "--at", "1", "--opaque", "--stencil", "central-2,central-6", "--out", "rows.csv"
    )
    assert code == 0
    assert "the derivative is 0.5403023059, estimated from f within" in err
    assert "central-6" in out
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert set(rows["status"]) == {"ok", "uncertified", "step_vanished"}


def test_sweep_against_a_truth(say: Any) -> None:
    for truth in (str(math.cos(1)), "sin(x)"):
        code, out, err = say(
            "sweep", "math:sin", "--at", "1", "--truth", truth, "--stencil", "central-2", "--json"
        )
        assert (code, err) == (0, "")
        (row,) = json.loads(out)
        assert row["error_best"] < 1e-10


def test_sweep_of_a_command(say: Any) -> None:
    code, out, err = say(
        "sweep", "--command", COMMAND, "--at", "1", "--truth", "sin(x)", "--stencil", "forward-1", "--json",
        "--steps-per-decade", "1",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)[0]["stencil"] == "forward-1"
    assert "--steps-per-decade 10" in err


# --- compare ---


def test_compare_of_an_opaque_function_against_an_estimate(say: Any) -> None:
    code, out, err = say(
        "compare", "math:sin", "--at", "1", "--opaque", "--method", "central-2@1e*", "--json"
    )
    (found,) = json.loads(out)
    assert code == 0
    assert "estimated from f within" in err
    assert abs(found["exact"] - math.cos(1)) < 1e-12
    assert {row["status"] for row in found["methods"]} == {"ok"}


def test_compare_says_what_it_cannot_decide(say: Any) -> None:
    """The estimate against itself: an error below its own bound is no error that anybody measured."""
    code, out, _ = say("compare", "math:sin", "--at", "1", "--opaque", "--method", "auto", "--json")
    (row,) = json.loads(out)[0]["methods"]
    assert code == 0
    assert row["status"] == "uncertified" and "not decided" in row["message"]


@pytest.mark.parametrize("truth", ["sin(x)", repr(math.cos(1))])
def test_compare_against_a_truth(say: Any, truth: str) -> None:
    code, out, err = say(
        "compare", "math:sin", "--at", "1", "--truth", truth, "--method", "central-2@1e-5", "--json"
    )
    assert (code, err) == (0, "")
    assert json.loads(out)[0]["methods"][0]["relative_error"] < 1e-10


# --- check ---


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["x0**2 + x0*x1", "--gradient", "2*x0 + x1; x0", "--at", "1,2"], 0),
        (["x**2 * y", "--gradient", "2*x*y; x**2", "--at", "x=2,y=3"], 0),
        (["x**2 * y", "--gradient", "x*y; x**2", "--at", "x=2,y=3"], 1),
        (["mine.py:pair", "--gradient", "2*x0*x1; x0**2", "--at", "2,3"], 0),
        (["x0**2*x1", "--gradient", "mine.py:pair_gradient", "--at", "2,3"], 0),
        (["--command", PAIR, "--gradient", "2*x0*x1; x0**2", "--at", "2,3"], 0),
        pytest.param(
            ["--command", PAIR, "--gradient", "2*x0*x1; x1**2", "--at", "2,3"], 1, marks=pytest.mark.slow
        ),
    ],
)
def test_check_of_several_variables(say: Any, words: list[str], code: int) -> None:
    assert say("check", *words)[0] == code


# --- mistakes ---


def test_check_of_a_function_of_plain_numbers(say: Any) -> None:
    assert say("check", "math:sin", "--gradient", "math:cos", "--at", "1")[0] == 0
    assert say("check", "math:sin", "--gradient", "math:sin", "--at", "1")[0] == 1
    code, _, err = say("check", "math:sin", "--gradient", "cos(x)", "--at", "1", "--format", "float32")
    assert (code, "TypeError" in err) == (2, True)  # it would run in float64


MISTAKES = [
    (["advise"], "missing argument 'TARGET'"),
    (["advise", "sin(x)"], "say where to differentiate sin(x): --at X"),
    (["advise", "sinn", "--at", "1"], "did you mean 'sin'"),
    (["advise", "sin(x)", "--at", "one"], "'one' is not a number"),
    (["advise", "sin(x)", "--at", "1", "--formt", "float16"], "did you mean '--format'"),
    (["advise", "sin(x)", "--at", "1", "--format", "float61"], "did you mean 'float64'"),
    (["advise", "sin(x)", "--at", "1", "--stencil", "centrl-2"], "did you mean 'central-2'"),
    (["advise", "sin(x)", "--at", "1", "--effort", "lots"], "unknown effort 'lots'"),
    (["advise", "sin(x)", "--at", "1", "--plot", "a.jpg"], "must end in .svg, .png or .pdf"),
    (["advise", "x*y", "--at", "1,2", "--plot", "a.svg"], "--plot draws one advice"),
    (["advise", "sin(x)", "--at", "1", "--derivative", "9"], "from 1 to 6"),
    (["advise", "log(x)", "--at", "-1"], "there is no value at x = -1.0"),
    (["advise", "x*y", "--at", "1,2,3"], "has 2 variables (x, y), but the point has shape (3,)"),
    (["advise", "x*yy", "--at", "1,2"], "must be declared, as in --at"),
    (["advise", "x*y", "--at", "x=1,2"], "'2' has no name"),
    (["advise", "x*z", "--at", "x=1,y=2"], "unknown name 'z': the variables are x, y"),
    (["advise", "mine.py:counter", "--at", "1"], "remembers its calls"),
    (["advise", "mine.py:hangs", "--at", "1", "--timeout", "0.1"], "no answer within 0.1 s"),
    (["advise", "mine.py:nothing", "--at", "1"], "returned None"),
    (["advise", "mine.py:text", "--at", "1"], "returned the text 'one'"),
    (["advise", "sin(x)", "--at", "1", "--pattern", "(a)"], "it goes with --command"),
    (["advise", "sin(x)", "--command", "true {x}", "--at", "1"], "not both"),
    (["advise", "--command", "true {x}"], "say where to differentiate the command"),
    (["advise", "--command", "true", "--at", "1"], "there is no {x} in the command"),
    (["advise", "--command", "tru_e {x}", "--at", "1"], "there is no program 'tru_e'"),
    (["advise", "--command", "true {x}", "--at", "1"], "printed no number: it printed nothing"),
    (["advise", "--command", "false {x}", "--at", "1"], "ended with exit code 1"),
    (["advise", "--command", "sleep 9{x}", "--at", "1", "--timeout", "0.2"], "no answer within 0.2 s"),
    (["advise", "--command", "echo {x} | cat", "--at", "1"], "no shell reads it"),
    (["advise", "--command", "echo {x}", "--at", "1", "--timeout", "0"], "positive number of seconds, not 0"),
    (["advise", "--command", "echo 1,5 {x}", "--at", "1", "--pattern", "(.*) 1"], "which is no number"),
    (
        ["advise", "--command", "echo {x} 1,5", "--at", "1"],
        "printed 1,5, which may be one number with a comma",
    ),
    (["advise", "mine.py:leaves", "--at", "1"], "there is no value at x = 1.0 in float64: SystemExit: 3"),
    (["advise", "math:sinn", "--at", "1"], "math has no function 'sinn': did you mean 'sin'"),
    (["sweep", "x0+x1", "--at", "1"], 'diffbench advise "x0+x1" --at 1,1 (a step for each)'),
    (["compare", "x*y", "--at", "1"], "x*y has the variables x, y"),
    (["sweep", "sin(y)", "--at", "1"], "unknown name 'y': the variable is x\n  sin(y)\n      ^"),
    (["sweep", "x0+x1", "--at", "1,2"], "repeat the option for several points"),
    (["compare", "sin(x)", "--at", "1,2"], "repeat the option for several points"),
    (["sweep", "math:sin", "--at", "1", "--opaque", "--timeout", "0"], "positive number of seconds, not 0"),
    (["compare", "mine.py:scalar", "--at", "1"], "--opaque"),
    (["compare"], "missing argument 'TARGET'"),
    (["compare", "math:sin", "--at", "1", "--at", "2", "--truth", "0.5"], "the derivative at one point"),
    (["compare", "sin(x)", "--at", "1", "--pattern", "(a)"], "it goes with --command"),
    (["sweep", "mine.py:counter", "--at", "1", "--opaque"], "remembers its calls"),
    (["sweep", "math:sin", "--at", "1", "--truth", "coss(x)"], "did you mean 'cos'"),
    (["sweep", "math:sin", "--at", "1", "--at", "2", "--truth", "0.5"], "the derivative at one point"),
    (["sweep", "math:log", "--at", "-1", "--opaque"], "no value at x = -1.0"),
    (["sweep", "mine.py:scalar", "--at", "1"], "use NumPy functions on x (np.sin, not math.sin)"),
    (["check", "x0*x1", "--gradient", "x1", "--at", "1,2"], "is one expression for a point of shape (2,)"),
    (["check", "x0*x1", "--gradient", "x1; x0; 0", "--at", "1,2"], "has 3 expressions"),
    (["check", "x0*x1", "--gradient", "x1; xx", "--at", "1,2"], "unknown name 'xx'"),
    (["check", "--command", PAIR, "--gradient", "1", "--at", "1"], "asks for {x1}"),
    (["check", "x", "--gradient", "1", "--at", "1", "--timeout", "3"], "go with --command"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(words)[:50] for words, _ in MISTAKES])
def test_a_mistake_is_one_message(say: Any, words: list[str], said: str) -> None:
    code, out, err = say(*words)
    assert said in err
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
