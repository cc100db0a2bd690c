"""The tournament: methods are judged by the truth, cheats and lies are seen, no order of lists matters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import planted_methods as planted
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.errors import UserError
from diffbench.methods import Method
from diffbench.methods.estimate import Estimate
from diffbench.problems import Problem, get_problem
from diffbench.sweep import SweepSettings, sweep_cell
from diffbench.tournament import SECTIONS, STEP_COLUMNS, Tournament, leaderboard, lineup, tournament
from diffbench.tournament.profiles import costs, profile, profile_errors, ratios, reached, targets_of
from diffbench.tournament.rows import TournamentSettings, section_of, tournament_cell, wrong_from
from diffbench.tournament.scores import LEADERBOARD_COLUMNS, kink_board, quantile
from diffbench.tournament.truth import Judge, known_points

FLOAT64 = get_format("float64")


def make(call: Callable[..., Any], name: str = "", **options: Any) -> Method:
    return Method(name or call.__name__.replace("_", "-"), call, **options)


# --- methods that are shown for what they are ---

EXP = Problem("exp_here", np.exp, (1.0, 2.0))  # planted methods know exp and go around the counter
CAST = [
    planted.honest,
    planted.constant,
    planted.truth_plus_one_percent,
    planted.lies_about_its_error,
    planted.behind_the_counter,
    planted.claims_too_little,
    planted.hangs,
    planted.raises,
    planted.nan,
]


@pytest.fixture(scope="module")
def shown() -> Tournament:
    return tournament(EXP, [make(call) for call in CAST], ("float64",), limit=0.2)


@pytest.fixture(scope="module")
def board(shown: Tournament) -> pd.DataFrame:
    return shown.leaderboard().set_index("method")


def rows_of(shown: Tournament, name: str) -> pd.DataFrame:
    return shown.frame[shown.frame["method"] == name]


# method, status of its rows, silently wrong ones, failed ones, what its relative errors are near
PLANTED = [
    ("honest", "ok", 0, 0, 0.0),
    ("constant", "ok", 2, 0, None),  # 2.5 against e is 8 % off, against e^2 66 %: an answer like any other
    ("truth-plus-one-percent", "ok", 2, 0, 0.01),
    ("lies-about-its-error", "ok", 2, 0, 0.01),
    ("claims-too-little", "ok", 0, 0, 0.0),
    ("hangs", "timeout", 0, 2, None),
    ("raises", "error", 0, 2, None),
    ("nan", "domain", 0, 2, None),
]


@pytest.mark.parametrize(("name", "status", "silent", "failed", "near"), PLANTED)
def test_planted_methods_are_shown_for_what_they_are(
    shown: Tournament,
    board: pd.DataFrame,
    name: str,
    status: str,
    silent: int,
    failed: int,
    near: float | None,
) -> None:
    rows, line = rows_of(shown, name), board.loc[name]
    assert set(rows["status"]) == {status}
    assert (line["silent_wrong"], line["failed"], line["ok"]) == (silent, failed, 2 - failed)
    assert line["cases"] == 2 and rows["judged"].all()
    if near is not None:
        assert rows["relative_error"].to_numpy() == pytest.approx([near, near], abs=1e-8)
    if failed:
        assert rows["error"].isna().all() and np.isinf(line["error_median"]) and line["targets"] == 0
        assert rows["message"].astype(str).str.len().gt(0).all(), "a failure says why"


def test_a_lie_about_the_error_is_a_coverage_of_0(board: pd.DataFrame) -> None:
    assert board.loc["lies-about-its-error", "coverage"] == 0
    assert board.loc["lies-about-its-error", "tightness"] < 1e-12
    assert board.loc["truth-plus-one-percent", "coverage"] == 1
    assert board.loc["truth-plus-one-percent", "tightness"] == pytest.approx(2, rel=0.05)
    assert math.isnan(board.loc["constant", "coverage"]) and board.loc["constant", "estimates"] == 0


def test_a_number_without_a_call_wins_nothing(board: pd.DataFrame) -> None:
    """The cheat is as accurate as the honest one, has no rank and reaches no target."""
    cheat, honest = board.loc["behind-the-counter"], board.loc["honest"]
    assert cheat["error_worst"] < 1e-8 and cheat["uncounted"] == 2
    assert pd.isna(cheat["rank"]) and cheat["targets"] == 0 and "without calling" in cheat["note"]
    assert honest["rank"] == 1 and honest["targets"] > 0.4
    assert board.loc["claims-too-little", "miscounted"] == 2 and honest["miscounted"] == 0


def test_every_row_has_the_columns_in_their_order(shown: Tournament) -> None:
    assert tuple(shown.frame.columns) == STEP_COLUMNS
    assert tuple(shown.leaderboard().columns) == LEADERBOARD_COLUMNS
    published = "problem point x format derivative method h evaluations estimate exact error relative_error"
    published += " error_estimate regret status message"
    assert STEP_COLUMNS[:16] == tuple(published.split())


# --- what no method or problem can do is raise ---


def not_elementwise(x: Any) -> Any:
    return np.sum(x)


def raising(x: Any) -> Any:
    raise ZeroDivisionError("planted in f")


UNSURE = {"ok", "no_step", "low_confidence", "domain"}
NEAR_EDGE = UNSURE | {"step_vanished", "overflow"}

# problem, the statuses there may be, what the message of an error says
TROUBLE = [
    (
        Problem("edge", lambda x: np.sqrt(x), (1e-9,), domain=(0.0, 5.0)),
        UNSURE | {"step_vanished", "overflow"},
        "",
    ),
    (Problem("flat", lambda x: 0 * x + 2.0, (1.0,)), UNSURE, ""),
    (Problem("zero", lambda x: 0 * x, (1.0,)), UNSURE, ""),
    (Problem("no_third", lambda x: x * x, (1.0,)), UNSURE, ""),
    (Problem("summed", not_elementwise, (1.0,)), {"error"}, "shape|elementwise|element by element"),
    (Problem("raises", raising, (1.0,)), {"error"}, "planted in f"),
    (Problem("huge", lambda x: np.exp(x), (1e6,)), {"overflow", "domain"}, ""),
]


@pytest.mark.parametrize(("problem", "statuses", "said"), TROUBLE, ids=lambda case: getattr(case, "name", ""))
def test_trouble_is_a_status_and_a_reason(problem: Problem, statuses: set[str], said: str) -> None:
    methods = ["central-2", "central-2@dumontet-vignes", "forward-1@gill-murray", "ridders", "reverse"]
    found = tournament(problem, methods, ("float16", "float64"))
    assert set(found.frame["method"]) == set(methods), "every method has its rows"
    bad = found.frame[found.frame["status"] != "ok"]
    assert bad["message"].astype(str).str.len().gt(0).all()
    assert set(found.frame["status"]) <= statuses
    if statuses == {"error"}:
        assert found.frame["message"].astype(str).str.contains(said).all()
    found.leaderboard()


def test_who_does_not_take_part_says_why() -> None:
    absent = make(planted.honest, "absent", available=False, extra="rivals")
    narrow = make(planted.honest, "narrow", formats=("float32",))
    second = make(planted.honest, "second", derivatives=(2,))
    found = tournament(EXP, [absent, narrow, second], ("float64",))
    assert set(found.frame["status"]) == {"refused"} and not found.frame["judged"].any()
    assert not found.frame["failed"].any() and not found.frame["silent_wrong"].any()
    notes = found.leaderboard().set_index("method")["note"]
    assert "pip install 'diffbench[rivals]'" in notes["absent"]
    assert "float32" in notes["narrow"] and "order 2" in notes["second"]


def test_autodiff_has_no_say_about_an_opaque_function() -> None:
    found = tournament("sin_plus_noise", ["reverse", "central-2"], ("float64",))
    rows = found.frame.set_index("method")
    assert rows.loc["reverse", "status"] == "refused" and "opaque" in rows.loc["reverse", "message"]
    assert rows.loc["central-2", "judged"]


# argument, value, what is said
REFUSED = [
    ("problems", "sine", "unknown problem 'sine'"),
    ("problems", [], "no problems"),
    ("methods", "centrl-2", "did you mean 'central-2'"),
    ("methods", "centrl*", "no method matches 'centrl.'"),
    ("methods", "family:rivals", "did you mean 'rival'"),
    ("methods", [], "no methods"),
    ("formats", ["float61"], "unknown format"),
    ("derivatives", [7], "from 1 to 6"),
    ("derivatives", [], "at least one derivative"),
]


@pytest.mark.parametrize(("name", "value", "said"), REFUSED)
def test_a_wrong_request_is_answered(name: str, value: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        tournament(**{"problems": "sin", "methods": "central-2", "formats": ["float64"]} | {name: value})  # type: ignore[arg-type]


def test_a_lineup_has_everybody_once() -> None:
    names = [
        m.name for m in lineup(["central-2@1e-4", "central-2@1e-*", "family:autodiff", "central-2@1e-4"])
    ]
    assert names[0] == "central-2@1e-4" and len(names) == len(set(names))
    assert {"central-2@1e-3", "jet", "reverse"} <= set(names)
    assert lineup("central-2@3e-5")[0].name == "central-2@3e-5", "a name that is not listed"


# --- the yardstick ---

YARDSTICKS = ["sin", "exp_of_sin", "log_near_zero", "slow_exp", "saitoh", "relu", "sin_plus_noise"]


@pytest.mark.parametrize("name", YARDSTICKS)
@pytest.mark.parametrize("fmt", ["float16", "float64", "longdouble"])
def test_the_robust_best_is_that_of_the_summary(name: str, fmt: str) -> None:
    """Computed without the split, and yet the same step and error, to rounding."""
    problem = get_problem(name)
    if problem.formats is not None and fmt not in problem.formats:
        return
    orders = (1, 2)
    summary = sweep_cell(problem, fmt, SweepSettings(dict.fromkeys(orders, ("central-2",))))["summary"]
    for known in known_points(problem, get_format(fmt), orders):
        for m in orders:
            line = summary[(summary["point"] == known.point) & (summary["derivative"] == m)].iloc[0]
            judge = known.judges[m]
            assert judge.h_best == line["h_best"] or (math.isnan(judge.h_best) and math.isnan(line["h_best"]))
            assert judge.error_best == pytest.approx(line["error_best"], rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("fmt", ["float16", "float32", "float64"])
def test_errors_are_rounded_once(fmt: str) -> None:
    """Against cos(1) by mpmath: also where the estimate is the number of the format nearest to it."""
    with mpmath.workdps(60):
        rows = tournament("sin", ["jet", "hyper-dual", "central-2@eps-scaled"], (fmt,)).frame
        for row in rows.itertuples():
            assert row.error == float(mpmath.mpf(row.estimate) - mpmath.cos(mpmath.mpf(row.x))), row.method


def test_regret_is_the_error_over_the_robust_best() -> None:
    names = ["central-2@1e-4", "forward-1@1e-4", "jet"]
    found = tournament("sin", names, ("float64",)).frame.set_index("method")
    for name in ("central-2@1e-4", "forward-1@1e-4"):
        row = found.loc[name]
        assert row["regret"] == pytest.approx(abs(row["error"]) / row["error_best"])
        assert row["error"] == pytest.approx(row["estimate"] - row["exact"], rel=1e-5), "rounded once"
        assert row["relative_error"] == pytest.approx(abs(row["error"] / row["exact"]))
    jet = found.loc["jet"]
    least = max(abs(jet["error"]), FLOAT64.u * abs(jet["exact"]))  # an error of 0 counts as u
    assert jet["regret"] == pytest.approx(least / jet["error_best"])


def judge(unit: float = 1.0, best: float = 1e-11) -> Judge:
    return Judge(unit, None, "ok", "", unit, "derivative", 1e-5, best, unit, unit)


# robust best error of central-2, format, the relative error from which an answer is wrong
WRONG = [
    (1e-11, "float64", 1e-3),
    (1e-4, "float64", 1e-2),  # 100 robust best errors are more than 1e-3
    (math.nan, "float64", 1e-3),  # no best step is known
    (1e-2, "float16", 1.0),
    (0.0, "float16", 100 * 2.0**-11),  # an exact best counts as u: a last digit is no mistake
]


@pytest.mark.parametrize(("best", "fmt", "limit"), WRONG)
def test_silently_wrong_is_what_theory_says(best: float, fmt: str, limit: float) -> None:
    assert wrong_from(judge(best=best), get_format(fmt)) == pytest.approx(limit)


def test_sections_keep_noise_and_kinks_apart() -> None:
    assert {section_of(p) for p in db.problems().values()} == set(SECTIONS)
    assert (
        section_of(get_problem("relu")) == "kinked" and section_of(get_problem("sin_plus_noise")) == "noisy"
    )
    assert section_of(get_problem("sin")) == "main"
    found = tournament(["sin", "relu", "sin_plus_noise"], "central-2", ("float64",))
    cases = {name: int(found.leaderboard(name)["cases"].sum()) for name in SECTIONS}
    assert cases == {"main": 1, "noisy": 1, "kinked": 1}, "relu has a derivative at one of its two points"
    with pytest.raises(UserError, match="choose from main"):
        found.leaderboard("smooth")


def test_where_there_is_no_derivative_only_a_flag_is_right() -> None:
    flags = make(
        lambda f, fmt, x, m: Estimate(np.zeros(x.shape), evaluations=1, status="no_step", message="kink"),
        "flags",
    )
    far = make(lambda f, fmt, x, m: Estimate(np.full(x.shape, 7.0), evaluations=0), "far")
    found = tournament("absolute_value", ["central-2", flags, far, "reverse"], ("float64",))
    at_zero = found.frame[found.frame["point"] == "0.0"].set_index("method")
    assert not at_zero["judged"].any() and not at_zero["silent_wrong"].any()
    assert at_zero["status"].to_dict() == {
        "central-2": "no_derivative",
        "flags": "no_step",
        "far": "no_derivative",
        "reverse": "no_derivative",
    }
    kinks = kink_board(found.frame).set_index("method")
    assert kinks["flagged"].to_dict() == {"central-2": 0, "flags": 1, "far": 0, "reverse": 0}
    assert kinks["outside"].to_dict() == {"central-2": 0, "flags": 0, "far": 1, "reverse": 0}
    assert kinks.loc["far", "worst_outside"] == 6


# --- scores ---


def steps(errors: dict[str, list[float]], evaluations: int = 2, fmt: str = "float64") -> pd.DataFrame:
    """Rows of planted relative errors: a point per entry; NaN is a failure."""
    rows = []
    for method, values in errors.items():
        for place, error in enumerate(values):
            failed = math.isnan(error)
            digits = (
                0.0 if failed else float(np.clip(-math.log10(max(error, 1e-300)), 0, get_format(fmt).digits))
            )
            rows.append(
                dict(
                    problem=f"p{place}",
                    point="1.0",
                    format=fmt,
                    derivative=1,
                    method=method,
                    family="stencil",
                )
                | dict(section="main", judged=True, failed=failed, relative_error=error, error=error)
                | dict(
                    silent_wrong=bool(error > 1e-3),
                    regret=error * 1e10,
                    evaluations=evaluations,
                    claimed=evaluations,
                )
                | dict(
                    estimate=math.nan if failed else 1.0,
                    error_estimate=math.nan,
                    digits=digits,
                    message="",
                    status="ok",
                )
                | dict(left=math.nan, right=math.nan)
            )
    return pd.DataFrame(rows)


def test_a_failure_counts_as_an_infinite_error() -> None:
    line = leaderboard(steps({"a": [1e-8, 1e-6, math.nan, math.nan, math.nan]})).iloc[0]
    assert (line["ok"], line["failed"], line["silent_wrong"]) == (2, 3, 0)
    assert np.isinf(
        [line["error_median"], line["error_p90"], line["error_worst"], line["regret_median"]]
    ).all()
    assert line["targets"] == pytest.approx((16 + 12) / (5 * 31)), "half-digit targets: 8 and 6 digits"
    assert line["digits_per_evaluation"] == 0


# values, share, quantile
QUANTILES = [
    ([3.0, 1.0, 2.0], 0.5, 2.0),
    ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),  # the lower median: an error that occurred
    ([1.0, math.inf, math.inf], 0.5, math.inf),
    ([1.0, math.nan], 1.0, 1.0),  # what is not known does not count
    (list(range(1, 11)), 0.9, 9.0),
    ([], 0.5, math.nan),
]


@pytest.mark.parametrize(("values", "share", "expected"), QUANTILES)
def test_quantiles_are_errors_that_occurred(values: list[float], share: float, expected: float) -> None:
    assert quantile(np.array(values, dtype=float), share) == pytest.approx(expected, nan_ok=True)


# format, number of targets
@pytest.mark.parametrize(
    ("fmt", "count"), [("float16", 6), ("bfloat16", 4), ("float32", 14), ("float64", 31)]
)
def test_targets_are_half_digits_up_to_the_format(fmt: str, count: int) -> None:
    targets = targets_of(fmt)
    assert (
        len(targets) == count
        and targets[0] == 0.5
        and targets[-1] <= get_format(fmt).digits < targets[-1] + 0.5
    )


def test_targets_are_reached_with_all_the_evaluations_or_not_at_all() -> None:
    rows = steps({"a": [1e-3, math.nan]}, evaluations=7)
    cost = costs(rows, np.array([1.0, 2.0, 4.0]))
    assert cost.tolist() == [[7, 7, math.inf], [math.inf] * 3]
    curve = reached(rows, ["a"], np.array([6.0, 7.0]))["a"]
    assert curve.tolist() == [0.0, pytest.approx(6 / 62)]


def test_profiles_have_the_floor_of_dingle_and_higham() -> None:
    u = FLOAT64.u
    rows = steps({"exact": [0.0], "lucky": [u / 100], "at-u": [u], "far": [1e-8], "lost": [math.nan]})
    errors = profile_errors(rows).iloc[0]
    assert errors["exact"] == pytest.approx(u / 20) and errors["at-u"] == u
    assert errors["lucky"] == pytest.approx(u / 20 + 19 / 20 * u / 100)
    table = ratios(profile_errors(rows)).iloc[0]
    assert table["exact"] == 1 and table["at-u"] == pytest.approx(20) and np.isinf(table["lost"])
    curves = profile(rows, list(errors.index), np.array([1.0, 20.001, 1e12]))
    assert curves["exact"].tolist() == [1, 1, 1] and curves["at-u"].tolist() == [0, 1, 1]
    assert curves["lost"].tolist() == [0, 0, 0], "no factor is large enough for a failure"


def test_a_point_that_nobody_solves_is_nobodys() -> None:
    table = ratios(profile_errors(steps({"a": [math.nan, 1e-9], "b": [math.nan, 1e-8]})))
    assert np.isinf(table.iloc[0]).all() and table.iloc[1].tolist() == [1.0, pytest.approx(10.0)]


def test_ranks_go_by_targets_then_by_nearness_and_ties_share_one() -> None:
    board = leaderboard(
        steps({"c": [1e-12, 1e-12], "a": [1e-9, 1e-9], "b": [1e-9, 1e-9], "z": [math.nan, math.nan]})
    )
    assert board["method"].tolist() == ["c", "a", "b", "z"]
    assert board["rank"].tolist() == [1, 2, 2, 4]
    assert set(board["methods"]) == {4} and set(board["problems"]) == {2}


ERRORS = st.one_of(st.just(math.nan), st.just(0.0), st.floats(1e-18, 10))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_order_of_methods_or_rows_changes_anything(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=6, unique=True))
    points = data.draw(st.integers(1, 4))
    errors = {n: data.draw(st.lists(ERRORS, min_size=points, max_size=points)) for n in names}
    rows = steps(errors, data.draw(st.sampled_from([1, 2, 31])))
    shuffled = rows.iloc[data.draw(st.permutations(range(len(rows))))].reset_index(drop=True)
    shuffled["method"] = pd.Categorical(shuffled["method"], categories=data.draw(st.permutations(names)))
    pd.testing.assert_frame_equal(leaderboard(rows), leaderboard(shuffled))


@settings(max_examples=15, deadline=None)
@given(errors=st.lists(ERRORS, min_size=1, max_size=5), better=st.data())
def test_a_smaller_error_never_lowers_a_score(errors: list[float], better: st.DataObject) -> None:
    place = better.draw(st.integers(0, len(errors) - 1))
    improved = list(errors)
    improved[place] = 0.0
    before, after = (
        leaderboard(steps({"a": e, "b": [1e-5] * len(e)})).set_index("method") for e in (errors, improved)
    )
    for name in ("targets", "score", "profile"):
        assert after.loc["a", name] >= before.loc["a", name] - 1e-12


def test_adding_a_method_changes_no_share_of_targets() -> None:
    """What a profile cannot promise: the first ranking stays meaningful whoever else takes part."""
    few = {"a": [1e-9, 1e-3], "b": [1e-5, math.nan]}
    columns = ["targets", "targets_100", "score", "error_median", "coverage"]
    before = leaderboard(steps(few)).set_index("method")[columns]
    after = leaderboard(steps(few | {"c": [0.0, 0.0]})).set_index("method").loc[["a", "b"], columns]
    pd.testing.assert_frame_equal(before.loc[["a", "b"]], after)


def test_methods_that_ask_for_more_are_not_ranked() -> None:
    rows = steps({"plain": [1e-8], "auto-diff": [0.0]})
    rows.loc[rows["method"] == "auto-diff", "family"] = "autodiff"
    board = leaderboard(rows).set_index("method")
    assert board.loc["plain", "rank"] == 1 and pd.isna(board.loc["auto-diff", "rank"])
    assert board.loc["plain", "profile"] == 1, "measured against those that are ranked"


def test_a_frame_that_is_not_of_a_tournament_is_refused() -> None:
    with pytest.raises(UserError, match="lacks .*claimed"):
        leaderboard(steps({"a": [1e-8]}).drop(columns="claimed"))


# --- published numbers ---

# table 4.2 of the half-precision measurements: central-2 of sin at 1, relative error in percent
HALF = [
    ("1e-3", 9.7, 0.05),
    ("1/1024", 7.5, 0.05),
    ("1e-2", 0.59, 0.01),
    ("theano", 0.14, 0.01),
    ("jax-half", 0.23, 0.01),
]


@pytest.mark.parametrize(("rule", "percent", "slack"), HALF)
def test_float16_errors_of_sin_are_the_measured_ones(rule: str, percent: float, slack: float) -> None:
    row = tournament(Problem("sin_here", np.sin, (1.0,)), f"central-2@{rule}", ("float16",)).frame.iloc[0]
    assert 100 * row["relative_error"] == pytest.approx(percent, abs=slack)


@pytest.mark.parametrize("rule", ["1e-4", "1e-6"])
def test_steps_below_the_spacing_of_float16_are_flagged(rule: str) -> None:
    row = tournament(Problem("sin_here", np.sin, (1.0,)), f"central-2@{rule}", ("float16",)).frame.iloc[0]
    assert (
        row["estimate"] == 0
        and row["status"] == "step_vanished"
        and row["failed"]
        and not row["silent_wrong"]
    )


# --- the object ---


def test_a_tournament_shows_itself(shown: Tournament) -> None:
    assert "silently wrong" in repr(shown) and "<table" in shown._repr_html_()
    assert len(shown.plot().axes) == 1


def test_the_cell_of_a_run_is_what_the_function_gives() -> None:
    names = ("central-2", "ridders", "jet")
    cell = tournament_cell(get_problem("tanh"), "float32", TournamentSettings(names))["steps"]
    pd.testing.assert_frame_equal(cell, tournament("tanh", list(names), ("float32",)).frame)
