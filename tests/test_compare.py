"""``diffbench compare``: one function, every choice of h, and good answers to bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffbench.cli import main
from diffbench.errors import RefusedError, UserError
from diffbench.problems import Problem, get_problem
from diffbench.tournament.comparison import EVERYBODY, compare


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str) -> tuple[int, str, str]:
        code = main(["compare", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


FEW = ["central-2@1e-4", "central-2@eps-scaled", "central-4@eps-scaled", "ridders", "jet", "torch"]
PICKED = [word for name in FEW for word in ("--method", name)]


# --- the comparison ---


def test_the_best_comes_first_and_curves_go_through_the_choices() -> None:
    (found,) = compare(get_problem("exp_of_sin"), methods=FEW)
    assert found.rows["relative_error"].is_monotonic_increasing and found.rows["method"].iloc[0] == "jet"
    assert set(found.curves["stencil"]) == {"central-2", "central-4"}
    row = found.rows.set_index("method").loc["central-2@1e-4"]
    curve = found.curves[found.curves["stencil"] == "central-2"]
    on_curve = curve.loc[(curve["h"] / row["h"] - 1).abs().idxmin(), "error"]
    assert row["relative_error"] == pytest.approx(on_curve, rel=1e-3), "the same step, the same error"
    assert found.best["error"] == pytest.approx(row["error_best"] / abs(found.exact))
    assert list(found.left_out) == ["torch"] or "torch" in set(found.rows["method"])


def test_every_point_and_a_point_that_the_format_merges() -> None:
    problem = Problem("two", np.sin, (1.0, 2.0))
    assert [one.point for one in compare(problem, methods=FEW)] == ["1.0", "2.0"]


def test_without_a_derivative_there_are_estimates() -> None:
    (found,) = compare(Problem("kink", np.abs, (0.0,)), methods=FEW)
    assert math.isnan(found.exact) and found.rows["relative_error"].isna().all()
    assert np.isfinite(found.rows["estimate"]).all() and found.curves.empty
    assert set(found.rows["left"]) == {-1.0} and set(found.rows["right"]) == {1.0}


# problem, what is raised, what is said
IMPOSSIBLE = [
    (Problem("outside", lambda x: np.log(x), (-1.0,)), UserError, "float64 at -1.0: domain"),
    (Problem("broken", lambda x: 1 / 0, (1.0,)), UserError, "ZeroDivisionError"),
    (Problem("foreign", lambda x: np.frexp(x)[0], (1.0,)), (RefusedError, UserError), "frexp"),
]


@pytest.mark.parametrize(("problem", "kind", "said"), IMPOSSIBLE, ids=lambda case: getattr(case, "name", ""))
def test_a_function_without_a_truth_is_one_clear_error(problem: Problem, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        compare(problem, methods=FEW)


def test_nobody_takes_part() -> None:
    with pytest.raises(UserError, match="none of the methods takes part in float64|float64 at"):
        compare(get_problem("sin"), methods=["central-2/mixed@1e-3", "central-2/mixed@1e-4"])


def test_everybody_is_in_the_suites_too() -> None:
    from diffbench.runs import load_suite

    for name in ("quick", "default"):
        table = load_suite(name).tournament
        assert table is not None and tuple(table.methods) == EVERYBODY


# --- the command ---


def test_the_table_has_a_line_for_each_method(say: Any) -> None:
    code, out, err = say("exp(sin(x))", "--at", "1", *PICKED)
    assert code == 0
    assert "First derivative of exp(sin(x)) at x = 1 in float64: it is 1.2533807674934467" in out
    for name in FEW[:-1]:
        assert f" {name} " in out
    assert "regret" in out and "evaluations" in out and "error estimate" in out
    assert "best   h = " in out and "for central-2, robustly" in out
    assert "take no part" in err or "torch" in out


def test_json_has_every_column(say: Any) -> None:
    code, out, _ = say("sin_10", "--format", "float16,float64", *PICKED, "--json")
    found = json.loads(out)
    assert code == 0 and [one["format"] for one in found] == ["float16", "float64"]
    row = found[1]["methods"][0]
    assert row.keys() >= {
        *("method", "h", "estimate", "relative_error", "regret", "evaluations", "error_estimate", "status"),
        *("message", "failed", "silent_wrong", "warnings"),
    }
    assert found[1]["exact"] == pytest.approx(10 * math.cos(10 * float(found[1]["point"])))


def test_a_kink_is_named(say: Any) -> None:
    code, out, _ = say("abs(x)", "--at", "0", *PICKED)
    assert code == 0 and "no derivative (−1 from the left, 1 from the right)" in " ".join(out.split())
    assert " estimate " in out and "regret" not in out


def test_wrong_answers_are_pointed_at(say: Any) -> None:
    words = ["--format", "float32", "--method", "central-2@1e-2", "--method", "central-2@1e-4"]
    code, out, _ = say("sin_100", *words)
    assert code == 0 and "wrong  central-2@1e-2: finite, not flagged" in out


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_the_picture_is_written(say: Any, tmp_path: Path, ending: str) -> None:
    code, out, _ = say("sin", "--plot", str(tmp_path / f"h{ending}"), *PICKED)
    assert code == 0 and f"wrote  {tmp_path / f'h{ending}'}" in out
    assert (tmp_path / f"h{ending}").stat().st_size > 5000


def test_several_formats_give_several_pictures(say: Any, tmp_path: Path) -> None:
    words = ["--format", "float32", "--format", "float64", "--plot", str(tmp_path / "h.svg")]
    code, _, _ = say("sin", *words, *PICKED)
    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h-float32.svg", "h-float64.svg"]


# words after `compare`, what is said
WRONG = [
    (["exp(x)"], "--at"),
    (["sine"], "did you mean"),
    (["sin", "--method", "centrl-2@1e-4"], "did you mean 'central-2@1e-4'"),
    (["sin", "--method", "zzz*"], "no method matches 'zzz*'"),
    (["sin", "--format", "flaot16"], "did you mean 'float16'"),
    (["sin", "--derivative", "9"], "from 1 to 6"),
    (["sin", "--plot", "h.jpg"], "must end in .svg, .png or .pdf"),
    (["sin", "--plot", "no/such/folder/h.svg"], "there is no folder"),
    (["log(x)", "--at", "-1"], "domain"),
    (["sin", "--metod", "jet"], "did you mean '--method'"),
    (["sin", "--at", "nan"], "nan"),
]


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_bad_input_is_one_message_and_exit_code_2(say: Any, words: list[str], said: str) -> None:
    code, out, err = say(*words)
    assert code == 2 and said in err and "Traceback" not in err + out
    assert err.startswith("error: ")


def test_help_shows_how(say: Any) -> None:
    code, out, _ = say("--help")
    assert code == 0 and "Examples:" in out and "--plot which-h.svg" in out and "regret" in out
