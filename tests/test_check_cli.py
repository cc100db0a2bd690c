"""``diffbench check``: exit codes, tables, JSON, and what it says about mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from diffbench.cli import main

MODEL = """
import numpy as np

def loss(x):
    return np.sum(x**2)

def gradient(x):
    return 2 * x

def wrong(x):
    g = 2 * x
    g[-1] = -g[-1]
    return g

def corner(x):
    return np.sum(np.abs(x))
"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "model.py").write_text(MODEL)
    return str(tmp_path / "model.py")


# target, gradient, rest, exit code, a part of what is printed
RUNS = [
    ("exp(sin(x))", "cos(x)*exp(sin(x))", "--at 1", 0, "1 agree"),
    ("exp(sin(x))", "cos(x)*exp(sin(x))", "--at -1.5 --format float16", 0, "in float16"),
    ("-x**2", "-2*x", "--at pi/2 --format bfloat16", 0, "passed"),
    ("sin_10", "10*cos(10*x)", "--at 1", 0, "passed"),
    ("sin_10", "cos(10*x)", "--at 1", 1, "0.1 times the estimate"),
    ("2*x", "2", "--at 1 --format float16", 0, "1 agree"),
    ("2*x", "3", "--at 1", 1, "1.5 times the estimate"),
    ("MODEL:loss", "MODEL:gradient", "--at 1,2,-pi/2", 0, "3 agree"),
    ("MODEL:loss", "MODEL:gradient", "--at 1,1 --format float32", 0, "2 agree"),
    ("MODEL:loss", "MODEL:wrong", "--at 1,2,-3.5", 1, "the sign is wrong"),
    ("MODEL:corner", "MODEL:gradient", "--at 0", 0, "kink"),
    ("MODEL:corner", "MODEL:gradient", "--at 0 --strict", 1, "kink"),
    # float16 holds 40 + sin(x) to 0.03 and 160 + sin(x) to 0.12: too little near the point, enough on a line
    ("40 + sin(x)", "cos(x)", "--at 0.7 --format float16", 0, "1 cannot tell"),
    ("40 + sin(x)", "cos(x)", "--at 0.7 --format float16 --along --strict", 0, "along the line"),
    ("160 + sin(x)", "cos(x)/2", "--at 0.7 --format float16", 0, "1 cannot tell"),
    ("160 + sin(x)", "cos(x)/2", "--at 0.7 --format float16 --along", 1, "along a line: 0.762 ± 0.08;"),
]


@pytest.mark.parametrize(("target", "gradient", "rest", "code", "text"), RUNS)
def test_runs(
    target: str,
    gradient: str,
    rest: str,
    code: int,
    text: str,
    model: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [target.replace("MODEL", model), "--gradient", gradient.replace("MODEL", model), *rest.split()]
    assert main(["check", *words]) == code
    assert text in capsys.readouterr().out


def test_json(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", f"{model}:loss", "--gradient", f"{model}:wrong", "--at", "1,2", "--json"]
    assert main(words) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is False
    assert found["format"] == "float64"
    assert [row["verdict"] for row in found["components"]] == ["agrees", "disagrees"]
    wrong = found["components"][1]
    assert (wrong["claimed"], wrong["reference"], wrong["truncation"]) == (-4.0, "auto", None)
    assert wrong["bounds_away"] > 1e10


def test_the_answer_says_what_the_claim_is_compared_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "sin(x)", "--gradient", "-cos(x)", "--at", "0.5"]) == 1
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.startswith("auto: 0.877582561890")
    assert "; -0.877582561890" in last
    assert last.endswith("error bounds away: disagrees")


def test_strict_says_why_it_fails_what_passed(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", f"{model}:corner", "--gradient", f"{model}:gradient", "--at", "0", "--strict"]
    assert main(words) == 1
    assert "--strict: 1 left open, so the exit code is 1" in capsys.readouterr().err


def test_long_tables_are_cut_and_say_so(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = ",".join(str(1 + i / 32) for i in range(30))
    assert main(["check", f"{model}:loss", "--gradient", f"{model}:gradient", "--at", at]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("agrees") == 20 + 1  # 20 rows, and the sentence about the first of them
    assert "10 more components" in printed.err


# words after `check`, a part of the message
MISTAKES = [
    (["x**2", "--gradient", "2*x"], "say where: --at"),
    (["x**2", "--at", "1"], "--gradient TARGET"),
    (["x**2", "--gradient", "2*x", "--at", "1", "--at", "2"], "give the point once"),
    (["x**2", "--gradient", "2*x", "--at", ","], "--at is empty"),
    (["x**2", "--gradient", "2*x", "--at", "one"], "'one'"),
    (["x**2", "--gradient", "2*x", "--at", "1,2"], "shape (2,)"),
    (["x**2", "--gradient", "2*x", "--at", "1", "--format", "flot32"], "did you mean 'float32'"),
    (["x**2", "--gradeint", "2*x", "--at", "1"], "did you mean '--gradient'"),
    (["sin_1O", "--gradient", "2*x", "--at", "1"], "did you mean"),
    (["MODEL:loss", "--gradient", "MODEL:gradeint", "--at", "1"], "did you mean 'gradient'"),
    (["exp(sinn(x))", "--gradient", "2*x", "--at", "1"], "did you mean"),
    (["log(x)", "--gradient", "1/x", "--at", "-1"], "is nan in float64"),
]


@pytest.mark.parametrize(("words", "message"), MISTAKES)
def test_mistakes(words: list[str], message: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *(word.replace("MODEL", model) for word in words)]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""
