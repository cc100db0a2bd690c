"""The command line: what it answers, what it refuses and how, and how it stops."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import diffbench
from diffbench import cli
from diffbench.cli import main, output
from diffbench.cli.run import _typed_command
from diffbench.runs import Progress

MODULE = """
import math
import numpy as np

def loss(x):
    return np.exp(-x) + 0.5

def two(x, y):
    return x + y

def by_hand(x):
    return math.sin(x)

def raises(x):
    raise RuntimeError("boom at the first call")

VALUE = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules of a user, as the current folder."""
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "needs.py").write_text("import no_such_module_anywhere\n")
    (tmp_path / "broken.py").write_text("def f(x) return x\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "other.toml").write_text('title = "t"\nproblems = ["sin"]\nformat = ["float32"]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


Said = tuple[int, str, str]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command here; gives exit code, standard output and standard error."""

    def run(*words: str) -> Said:
        code = main(words)
        found = capsys.readouterr()
        return code, found.out, found.err

    return run


# --- what is refused: exit code 2, one message, no traceback ---

# command, what the message says
REFUSED: list[tuple[str, str]] = [
    ("rnu", "unknown command 'rnu': did you mean 'run'?"),
    ("run quikc", "unknown suite 'quikc': did you mean 'quick'?"),
    ("run missing.toml", "there is no suite file missing.toml"),
    ("run other.toml", "unknown key 'format': did you mean 'formats'?"),
    ("run quick --problems sine", "problems: unknown problem 'sine': did you mean 'sin'"),
    ("run quick --problems group:smoth", "unknown problem group 'smoth': did you mean 'smooth'"),
    ("run quick --formats float32,flaot16", "unknown format 'flaot16': did you mean 'float16'"),
    ("run quick --jobs 0", "--jobs"),
    ("run quick --jobs two", "--jobs"),
    ("run quick --out mine.py", "mine.py is a file; --out needs a folder"),
    ("run quick --out mine.py/sub", "cannot write to the folder mine.py"),
    ("run quick --out .", "holds other things"),
    ("run quick --freshh", "unknown option '--freshh': did you mean '--fresh'"),
    ("run quick default", "unexpected extra argument"),
    ("sweep", "missing argument 'target'"),
    ("sweep sinn --at 1", "unknown problem 'sinn': did you mean 'sin'"),
    ("sweep sinn(x) --at 1", "unknown function 'sinn': did you mean 'sin'"),
    ("sweep exp(sin(x) --at 1", "')' is missing at its end\n  exp(sin(x)\n            ^"),
    ("sweep sin(x)", "say where to differentiate sin(x): --at x"),
    ("sweep x**2 --at nan", "'nan' is not a finite number"),
    ("sweep x**2 --at -inf", "'-inf' is not a finite number"),
    ("sweep x**2 --at one", "'one' is not a number"),
    ("sweep log --at -1", "the point -1.0 is outside its open domain (0.0, inf)"),
    ("sweep log(x) --at -1", "domain"),
    ("sweep sin --format float61", "unknown format 'float61': did you mean 'float64'"),
    ("sweep sin --stencil centrl-2", "unknown stencil 'centrl-2': did you mean 'central-2'"),
    ("sweep sin --stencil central-3", "even accuracy"),
    ("sweep sin --derivative 9", "from 1 to 6"),
    ("sweep sin --derivative two", "--derivative"),
    ("sweep sin --variant flaot", "unknown variant 'flaot': did you mean 'float'?"),
    ("sweep sin --steps-per-decade 0", "from 1 to 200"),
    ("sweep sin --kind decimals", "did you mean 'decimal'?"),
    ("sweep sin --out rows.txt", "the name must end in .csv, .parquet or .json"),
    ("sweep sin --plot errors.jpg", "the name must end in .svg, .png or .pdf"),
    ("sweep sin --out no/such/folder/rows.csv", "there is no folder no/such/folder"),
    ("sweep mine.py:los --at 1", "mine.py has no function 'los': did you mean 'loss'?"),
    ("sweep mine.py --at 1", "mine.py:function; it has by_hand, loss, raises, two"),
    ("sweep mine.py:two --at 1", "mine.py:two is called as two(x, y); a function that takes one argument"),
    ("sweep mine.py:VALUE --at 1", "is not a function but int 3"),
    ("sweep mine.loss --at 1", "for a function write mine:loss"),
    ("sweep missing.py:f --at 1", "there is no file missing.py"),
    ("sweep missing_module:f --at 1", "cannot import module 'missing_module'"),
    ("sweep needs.py:f --at 1", "no module named 'no_such_module_anywhere' (needs.py, line 1)"),
    ("sweep broken.py:f --at 1", "cannot import broken.py: syntaxerror"),
    ("sweep leaves.py:f --at 1", "cannot import leaves.py: systemexit"),
    ("sweep :f --at 1", "is not complete; write module:function"),
    ("sweep mine.py:by_hand --at 1", "use numpy functions on x (np.sin, not math.sin)"),
    ("sweep mine.py:raises --at 1", "runtimeerror: boom at the first call"),
    ("sweep sin --at 1e6 --format float16", "the point 1000000.0 overflows float16"),
    ("list", "missing argument 'what'"),
    ("list problms", "unknown list 'problms': did you mean 'problems'?"),
    ("list problems zzzz", "`diffbench list problems` shows them"),
    ("compare sin --method zzzz", "`diffbench list methods` shows them"),
    ("list problems sine", "unknown problem 'sine': did you mean 'sin'"),
    ("list formats float16", "only problems, gradients, steps and methods can be narrowed"),
    ("list steps curtis-red", "unknown step 'curtis-red': did you mean 'curtis-reid'"),
    ("report missing", "there is no folder missing"),
    ("report .", "is not a run"),
]


@pytest.mark.parametrize(("command", "said"), REFUSED)
def test_a_wrong_request_is_one_message(module: Path, say: Any, command: str, said: str) -> None:
    code, out, err = say(*(command.split(" ")))
    assert code == 2
    assert said in err.lower() if said == said.lower() else said in err
    assert err.startswith("error: ") and "Traceback" not in err
    assert out == ""
    assert not (module / "reports").exists(), "nothing is made for a request that is wrong"


def test_a_function_that_is_refused_everywhere_is_said_once(module: Path, say: Any) -> None:
    _, _, err = say("sweep", "mine.py:by_hand", "--at", "1")
    assert err.count("math.sin") == 1
    assert "float16, float32, float64 at 1.0: refused" in err


def test_a_bug_keeps_its_traceback(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffbench.runs.doctor.examine", lambda: {}["planted"])
    code, _, err = say("doctor")
    assert code == 1
    assert "Traceback" in err and "KeyError: 'planted'" in err and "bug in diffbench; please report it" in err


def test_ctrl_c_before_a_run_is_quiet(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("diffbench.runs.doctor.examine", interrupt)
    code, out, err = say("doctor")
    assert (code, out, err.strip()) == (130, "", "interrupted")


# --- help ---


@pytest.mark.parametrize("command", ["", "run", "sweep", "list", "report", "doctor"])
def test_help_is_good_enough_to_learn_from(say: Any, command: str) -> None:
    code, out, _ = say(*command.split(), "--help")
    assert code == 0
    assert f"Usage: diffbench {command}".rstrip() in out
    if command != "doctor":
        assert "Examples:" in out
    assert say(*command.split(), "-h")[1] == out


def test_the_commands_of_the_help_texts_can_be_read() -> None:
    """An example that the command line itself refuses would be a bad teacher."""
    import shlex

    import click

    for command in cli.cli.commands.values():
        for line in (command.epilog or "").splitlines()[2:]:
            program, name, *words = shlex.split(line)
            assert (program, name) == ("diffbench", command.name)
            command.make_context(name, words, parent=click.Context(cli.cli))  # raises if an option is wrong


def test_version(say: Any) -> None:
    assert say("--version") == (0, f"diffbench {diffbench.__version__}\n", "")


def test_no_command_is_help(say: Any) -> None:
    code, _, err = say()
    assert code == 2 and "Commands:" in err


def test_help_loads_nothing_heavy() -> None:
    """Measured: 0.09 s; NumPy alone would double it, pandas make it half a second."""
    code = (
        "import sys; from diffbench.cli import main; main(['sweep', '--help'])\n"
        "print([m for m in ('numpy', 'pandas', 'rich', 'pydantic', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# --- sweep ---


def test_a_sweep_prints_its_summary(say: Any) -> None:
    code, out, err = say("sweep", "exp(sin(x))", "--at", "1", "--format", "float32", "--stencil", "central-2")
    assert (code, err) == (0, "")
    assert "exp(sin(x)), derivative 1" in out
    (row,) = [line for line in out.splitlines() if "central-2" in line]
    point, name, stencil, variant, order, *_ = row.split()
    assert (point, name, stencil, variant, float(order)) == ("1.0", "float32", "central-2", "integer", 2.0)


def test_a_sweep_as_json(say: Any) -> None:
    words = "--at 1 --format float16,float32 --stencil central-2 --stencil forward-1 --variant float"
    code, out, _ = say("sweep", "x**2", *words.split(), "--json")
    rows = json.loads(out)
    assert code == 0
    assert [(r["format"], r["stencil"]) for r in rows] == [
        *(("float16", "central-2"), ("float16", "forward-1")),
        *(("float32", "central-2"), ("float32", "forward-1")),
    ]
    assert {r["variant"] for r in rows} == {"float"}
    assert rows[0]["observed_order"] == "inf", "JSON has no infinity: central-2 is exact for a parabola"
    assert rows[0]["h_predicted"] is None and "NaN" not in out


@pytest.mark.parametrize("at", [["--at", "-8"], ["--at=-8"], ["--at", "-2**3"]])
@pytest.mark.parametrize("target", ["-x**2", "exp(-x)"])
def test_values_may_begin_with_a_minus(say: Any, target: str, at: list[str]) -> None:
    code, out, err = say("sweep", target, *at, "--format", "float16", "--stencil", "central-2", "--json")
    assert (code, err) == (0, "")
    assert {(row["problem"], row["x"]) for row in json.loads(out)} == {(target, -8.0)}


def test_a_sweep_of_a_problem_uses_its_points_and_formats(say: Any) -> None:
    _, out, _ = say("sweep", "saitoh", "--format", "float32", "--stencil", "central-2", "--json")
    assert [row["x"] for row in json.loads(out)] == [5.0, 10.0]
    _, out, _ = say("sweep", "sin_in_1024ths", "--stencil", "central-2", "--json")
    assert [row["format"] for row in json.loads(out)] == ["float32", "float64"]


# target, where a function of the user is
PLACES = ["mine.py:loss", "./mine.py:loss", "mine:loss"]


@pytest.mark.parametrize("target", PLACES)
def test_a_function_of_a_user(module: Path, say: Any, target: str) -> None:
    code, out, _ = say(
        "sweep",
        target,
        "--at",
        "0.5",
        "--at",
        "pi/4",
        "--format",
        "float32",
        "--stencil",
        "central-2",
        "--json",
    )
    assert code == 0
    assert [row["point"] for row in json.loads(out)] == ["0.5", "0.7853981633974483"]
    assert str(module) not in sys.path


def test_rows_and_figure_go_into_files(module: Path, say: Any) -> None:
    words = ["sweep", "sin(x)", "--at", "1", "--format", "float32", "--stencil", "central-2"]
    for name in ("rows.csv", "rows.parquet", "rows.json"):
        code, out, _ = say(*words, "--out", name)
        assert code == 0 and f"wrote  {name}" in out
    frame = pd.read_parquet("rows.parquet")
    assert len(frame) > 100
    with open("rows.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["error"]) for row in rows] == frame["error"].tolist()
    assert [row["error"] for row in json.loads(Path("rows.json").read_text())] == frame["error"].tolist()
    assert say(*words, "--plot", "errors.svg")[0] == 0
    assert "<svg" in Path("errors.svg").read_text()


def test_a_format_that_fails_is_a_note_beside_the_others(say: Any) -> None:
    code, out, err = say("sweep", "sin", "--at", "1e6", "--stencil", "central-2", "--json")
    assert code == 0
    assert err == "note: float16 at 1000000.0: overflow: the point 1000000.0 overflows float16\n"
    assert len(json.loads(out)) == 3


# target, derivative, what is said of 0
NOT_DIFFERENTIABLE = [
    ("abs(x)", "1", "(the one-sided derivatives differ: -1 from the left, 1 from the right)"),
    ("sqrt(abs(x))", "1", "(the derivative is not finite here)"),
    ("x*abs(x)", "2", "-2 from the left, 2 from the right"),
]


@pytest.mark.parametrize(("target", "derivative", "said"), NOT_DIFFERENTIABLE)
def test_a_sweep_without_a_derivative_says_so(say: Any, target: str, derivative: str, said: str) -> None:
    words = ("sweep", target, "--at", "0", "--derivative", derivative, "--format", "float16,float64")
    code, _, err = say(*words, "--stencil", "central-2")
    assert code == 0 and said in err
    assert err.count(f"note: at 0.0 derivative {derivative} does not exist") == 1


def test_a_sweep_with_a_derivative_needs_no_note(say: Any) -> None:
    code, _, err = say("sweep", "x*abs(x)", "--at", "0", "--format", "float64", "--stencil", "central-2")
    assert (code, err) == (0, "")  # the second derivative jumps, the first is 0


# --- list and doctor ---

# what is listed, a name that must be in it
LISTED = [
    ("problems", "sin"),
    ("gradients", "rosen"),
    ("formats", "bfloat16"),
    ("stencils", "central-8"),
    ("steps", "binary"),
    ("methods", "central-2"),
]


@pytest.mark.parametrize(("what", "name"), LISTED)
def test_lists(say: Any, what: str, name: str) -> None:
    code, out, _ = say("list", what)
    assert code == 0 and name in out
    rows = json.loads(say("list", what, "--json")[1])
    assert name in {row["name"] for row in rows}
    assert all(row.keys() == rows[0].keys() for row in rows)


def test_problems_can_be_narrowed(say: Any) -> None:
    rows = json.loads(say("list", "problems", "tag:noisy", "exp", "--json")[1])
    assert all("noisy" in row["tags"] for row in rows[:-1]) and rows[-1]["name"] == "exp"
    rows = json.loads(say("list", "gradients", "tag:jacobian", "rosen", "--json")[1])
    assert {row["wanted"] for row in rows[:-1]} == {"Jacobian"} and rows[-1]["name"] == "rosen"
    code, _, said = say("list", "gradients", "nosuch")
    assert code == 2 and "nosuch" in said


def test_methods_and_steps_can_be_narrowed(say: Any) -> None:
    rows = json.loads(say("list", "methods", "central-2@*", "ridders", "--json")[1])
    assert len(rows) > 10 and {row["family"] for row in rows} == {"stencil", "extrapolation"}
    assert all(row["name"].startswith("central-2@") for row in rows[:-1]) and rows[-1]["name"] == "ridders"
    (row,) = json.loads(say("list", "steps", "curtis-reid", "--json")[1])
    assert row["kind"] == "selector" and row["stencils"] == "central-2" and "1974" in row["source"]


def test_doctor(say: Any) -> None:
    code, out, _ = say("doctor", "--json")
    found = json.loads(out)
    assert code == 0 and found["ok"] and not found["missing"]
    assert {row["format"] for row in found["formats"]} >= {
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "longdouble",
    }
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "longdouble" in say("doctor")[1]


def test_doctor_names_what_is_missing(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = ["numpy>=2", "not-there-at-all>=1", 'scipy>=1; extra == "special"', 'pytest; extra == "test"']
    monkeypatch.setattr("diffbench.runs.doctor.requires", lambda name: declared)
    monkeypatch.setattr("diffbench.runs.doctor.package_version", {"numpy": "2.4"}.get)
    code, out, err = say("doctor")
    assert code == 1
    assert "missing not-there-at-all" in err
    assert "pip install 'diffbench[special]'" in out and "scipy.special functions" in out
    assert "pytest" not in out, "what developers need is no gap"


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = "import sys; from diffbench.cli import main; sys.exit(main(['list', 'stencils', '--json']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) in (0, 1)


# --- run ---


def test_a_run_from_the_first_command_to_the_second(tmp_path: Path, say: Any) -> None:
    words = ["run", "quick", "--problems", "sin,tanh", "--formats", "float16", "--jobs", "1", "--out"]
    code, out, err = say(*words, str(tmp_path / "out"))
    assert code == 0
    assert "First derivative, Quick look" in out and f"open   {tmp_path / 'out' / 'index.html'}" in out
    assert "cells  4 computed, 0 reused, 0 failed" in out  # two of sweeps, two of the tournament
    assert "0%  0/4 cells" in err and "100%  4/4 cells" in err, "plain lines where there is no terminal"
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made >= {"manifest.json", "sweep.parquet", "summary.csv", "REPORT.md", "index.html", "figures"}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (
        manifest["command"] == "diffbench run quick --out out --problems sin,tanh --formats float16 --jobs 1"
    )

    code, out, err = say(*words, str(tmp_path / "out"), "--json")
    found = json.loads(out)
    assert (code, err) == (0, ""), "no work, no drawing"
    assert found["cells"] == {"computed": 0, "reused": 4, "failed": 0}
    assert {row["stencil"] for row in found["table"]} >= {"forward-1", "central-8"}

    page = tmp_path / "out" / "index.html"
    page.unlink()
    assert say("report", str(tmp_path / "out")) == (0, f"open   {page}\n", "drawing the report\n")
    assert page.is_file()


# command, as the manifest has it
COMMANDS = [
    (("default", "reports/latest", [], [], None, False), "diffbench run default"),
    (("/home/me/s.toml", "/data/out", ["a,b"], ["f"], 2, True),
     "diffbench run s.toml --out out --problems a,b --formats f --jobs 2 --fresh"),
    (("quick", "a b", ["exp*"], [], None, False), "diffbench run quick --out 'a b' --problems 'exp*'"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "text"), COMMANDS)
def test_the_command_in_the_manifest_names_no_absolute_path(given: Any, text: str) -> None:
    assert _typed_command(*given) == text


PLUGIN = """
import time
import numpy as np
from diffbench.problems import problem

@problem(at=1.0, cite="a test", group="waiting", opaque=True, truth=np.sin, formats=("float64",))
def endless(x):
    time.sleep(120)
    return np.sin(x)
"""
SUITE = """
title = "one cell that does not end"
problems = ["sin", "endless"]
formats = ["float16", "float64"]
plugins = ["endless_plugin"]
[stencils]
1 = ["central-2"]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a terminal")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_the_finished_cells(tmp_path: Path, kind: signal.Signals) -> None:
    (tmp_path / "endless_plugin.py").write_text(PLUGIN)
    (tmp_path / "suite.toml").write_text(SUITE)
    code = "import sys; from diffbench.cli import main; sys.exit(main(['run', 'suite.toml', '--out', 'out']))"
    # tests in the background of a shell ignore Ctrl-C, and a child would inherit that
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {code}"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    lines = []
    while "2/3 cells" not in "".join(lines):
        lines.append(process.stderr.readline())
        assert lines[-1], f"it ended before: {lines}"
    begin = time.monotonic()
    if kind == signal.SIGINT:
        os.killpg(process.pid, kind)  # a terminal tells every process of the group
    else:
        process.send_signal(kind)
    rest = process.stderr.read()  # ends when the last worker is gone
    process.stderr.close()
    assert process.wait(30) == 130
    assert rest == "error: interrupted: 2 of 3 cells are stored; the same command goes on from there\n"
    assert time.monotonic() - begin < 15
    assert len(list((tmp_path / "out" / "cells").iterdir())) == 2


# --- progress and JSON ---


def test_plain_progress_is_about_ten_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show = output.PlainProgress()
    for done in range(231):
        show(Progress(done, 230, 0, done // 100, done / 230, done * 0.1))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "  0%  0/230 cells"
    assert lines[5] == " 50%  115/230 cells, 1 failed, about 12 s left"
    assert lines[-1] == "100%  230/230 cells, 2 failed, about 0 s left"


def test_a_run_that_has_everything_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    output.PlainProgress()(Progress(5, 5, 5, 0, 1.0, 0.0))
    assert capsys.readouterr().err == ""


def test_json_has_neither_nan_nor_infinity() -> None:
    frame = pd.DataFrame(
        {"a": [1.5, float("nan"), float("-inf")], "b": pd.Categorical(["x", "y", "x"]), "c": [1, 2, 3]}
    )
    rows = output.records(frame)
    assert rows == [
        {"a": 1.5, "b": "x", "c": 1},
        {"a": None, "b": "y", "c": 2},
        {"a": "-inf", "b": "x", "c": 3},
    ]
    json.dumps(rows, allow_nan=False)
