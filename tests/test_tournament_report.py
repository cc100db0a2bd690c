"""Figures, tables and findings of the tournament, on a small run and on planted rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from diffbench.report import choice_figures, tournament_figures, tournament_maps, tournament_report
from diffbench.report.contents import FINDINGS, TABLES, gather
from diffbench.report.data import RunData, open_run
from diffbench.report.text import NONE, percent
from diffbench.report.tournament_data import KNOWN, MOST, contenders, looks, spread_labels
from diffbench.runs import run
from diffbench.runs.suite import parse_suite

METHODS = [
    *("central-2@1e-3", "central-2@1e-4", "central-2@1e-6", "central-2@dyadic", "central-2@eps-scaled"),
    *("central-2@jax-half", "central-2/mixed@1e-3", "central-2/mixed@dyadic", "forward-1@eps-scaled"),
    *("central-4@eps-scaled", "central-6@eps-scaled", "central-2@model-optimum", "ridders"),
    *("central-2@dumontet-vignes", "complex-step", "jet", "reverse", "torch", "scipy.differentiate"),
]
SUITE = parse_suite(
    {
        "title": "a report of a tournament",
        "problems": [
            "sin",
            "exp_of_sin",
            "tanh",
            "sin_100",
            "log_near_zero",
            "saitoh",
            "relu",
            "sin_plus_noise",
        ],
        "formats": ["float16", "float64"],
        "stencils": {"1": ["forward-1", "central-2", "central-4"]},
        "steps": {"per_decade": 10},
        "tournament": {"methods": METHODS, "limit": 5.0},
    }
)
FIGURES = [
    *("tournament-targets", "tournament-profile", "tournament-which-h-float64", "tournament-which-h-float16"),
    *("tournament-steps", "tournament-groups-float64", "tournament-groups-float16", "tournament-calibration"),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return open_run(run(SUITE, tmp_path_factory.mktemp("report") / "run", 2).folder)


@pytest.fixture(scope="module")
def figures(measured: RunData) -> dict[str, Any]:
    made, missing = tournament_report.figures(measured)
    assert missing == []
    return {figure.name: figure for figure in made}


def drawn(figure: Any) -> Figure:
    module, name = figure.function.split(".")
    modules = {m.__name__.rsplit(".")[-1]: m for m in (choice_figures, tournament_figures, tournament_maps)}
    made: Figure = getattr(modules[module], name)(**figure.arguments)
    return made


def texts(figure: Figure) -> str:
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts]
        found += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        found += [label.get_text() for label in axes.get_yticklabels()]
    return "\n".join(found)


# --- which figures there are ---


def test_the_tournament_has_its_figures_with_their_words(figures: dict[str, Any]) -> None:
    assert list(figures) == FIGURES
    for figure in figures.values():
        for words in (figure.title, figure.caption, figure.alt):
            assert words and not re.search(r"[{}]|nan", words)


def test_a_run_without_a_tournament_says_so(tmp_path: Path) -> None:
    table = SUITE.model_dump(mode="json") | {"problems": ["sin"], "formats": ["float16"], "tournament": None}
    data = open_run(run(parse_suite(table), tmp_path / "run", 1).folder)
    made, missing = tournament_report.figures(data)
    assert made == [] and set(missing) == {
        "No tournament: the suite has no table [tournament], or no problem for it."
    }
    _, without = gather(TABLES, data)
    assert set(missing) <= set(without)


# --- what they show ---


def test_the_first_view_names_the_methods_with_their_shares(
    figures: dict[str, Any], measured: RunData
) -> None:
    figure = drawn(figures["tournament-targets"])
    assert len(figure.axes) == 2 and figure.axes[0].get_title(loc="left").startswith("float64: 6 problems")
    board = pd.read_csv(measured.folder / "leaderboard.csv")
    row = board[(board["method"] == "ridders") & (board["format"] == "float64")].iloc[0]
    assert f"ridders  {100 * row['targets_100']:.0f}" in texts(figure), "the number of the leaderboard"
    assert "autodiff" in texts(figure) and "complex step" in texts(figure)


def test_a_profile_is_of_the_ranked_methods(figures: dict[str, Any], measured: RunData) -> None:
    board = pd.read_csv(measured.folder / "leaderboard.csv")
    row = board[(board["method"] == "central-6@eps-scaled") & (board["format"] == "float64")].iloc[0]
    said = texts(drawn(figures["tournament-profile"]))
    assert f"central-6@eps-scaled  {100 * row['profile']:.0f}" in said
    assert "complex-step" not in said and "reverse" not in said


def test_the_heat_map_has_a_row_per_method_and_shows_failures(figures: dict[str, Any]) -> None:
    said = texts(drawn(figures["tournament-groups-float16"]))
    assert "ridders" in said and "complex-step" not in said, "it has no float16"
    assert re.search(r"✕\d", said), "steps of 1e-6 vanish in float16"
    said = texts(drawn(figures["tournament-groups-float64"]))
    assert re.search(r"!\d", said) and "complex-step" in said


def test_the_picture_of_one_problem_has_every_choice(figures: dict[str, Any]) -> None:
    figure = figures["tournament-which-h-float64"]
    lines = figure.arguments["choices"]
    assert set(lines["method"]) >= {
        "central-2@1e-4",
        "central-2@eps-scaled",
        "ridders",
        "scipy.differentiate",
    }
    assert lines["error"].is_monotonic_increasing, "best first"
    said = texts(drawn(figure))
    for name in lines["method"]:
        assert name in said
    assert "no step of its own" in said and "robust" not in said


def test_calibration_says_what_the_leaderboard_says(figures: dict[str, Any], measured: RunData) -> None:
    board = pd.read_csv(measured.folder / "leaderboard.csv").query("format == 'float64'").set_index("method")
    said = texts(drawn(figures["tournament-calibration"]))
    assert f"ridders\ncovers {percent(board.loc['ridders', 'coverage'])}" in said
    assert len(drawn(figures["tournament-calibration"]).axes) >= 2


def test_steps_are_compared_for_central_2_alone(figures: dict[str, Any]) -> None:
    said = texts(drawn(figures["tournament-steps"]))
    assert "1e-4" in said and "model-optimum (oracle)" in said and "forward-1" not in said


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_in_any_order_of_rows(figures: dict[str, Any], name: str) -> None:
    """Shuffled rows give the same picture, text for text and line for line."""
    figure = figures[name]
    key = next(k for k in ("steps", "choices") if k in figure.arguments)
    if key == "choices":
        return  # their order is that of the lines
    rows = figure.arguments[key]
    shuffled = rows.sample(frac=1.0, random_state=1).reset_index(drop=True)
    other = type(figure)(name, figure.function, {**figure.arguments, key: shuffled}, "", "", "")
    first, second = drawn(figure), drawn(other)
    assert texts(first) == texts(second)
    for a, b in zip(first.axes, second.axes, strict=True):
        for one, two in zip(a.lines, b.lines, strict=True):
            points = (
                np.sort(np.ma.filled(line.get_xydata().astype(float), 0), axis=0) for line in (one, two)
            )
            np.testing.assert_array_equal(*points)


EMPTY = pd.DataFrame(
    {name: [] for name in (*tournament_report.BASIC, "digits", "evaluations", "h", "h_best")}
)


@pytest.mark.parametrize(
    "make",
    [
        tournament_figures.targets_figure,
        tournament_figures.profile_figure,
        lambda steps: tournament_maps.groups_figure(steps, {}, "float64"),
        lambda steps: tournament_maps.calibration_figure(steps.assign(error_estimate=0.0), "float64"),
        tournament_maps.chosen_figure,
    ],
)
def test_nothing_to_draw_is_words(make: Any, measured: RunData) -> None:
    assert measured.steps is not None
    nobody = measured.steps.assign(judged=False)
    assert re.search(r"no (method|rule)", texts(make(nobody)))


# --- who is named ---


def test_a_crowd_is_named_by_the_known_and_the_best() -> None:
    names = [*KNOWN[:4], *(f"other-{i}" for i in range(40)), "reverse"]
    rows = pd.DataFrame({"method": names, "family": ["stencil"] * (len(names) - 1) + ["autodiff"]})
    scores = pd.Series({name: float(i) for i, name in enumerate(names)})
    chosen = contenders(rows, scores)
    assert len(chosen) == MOST and chosen[:4] == list(KNOWN[:4]) and chosen[4] == "other-39"
    assert "reverse" not in chosen
    given_looks = looks(chosen)
    assert len(set(given_looks.values())) == MOST, "every series told apart"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_labels_keep_their_order_and_their_distance(values: list[float]) -> None:
    places = spread_labels(values, 0.08, 0.0, 1.0)
    order = np.argsort(values, kind="stable")
    sorted_places = np.array(places)[order]
    assert np.all(np.diff(sorted_places) >= 0.08 - 1e-9) and sorted_places[-1] <= 1 + 1e-9


def test_lines_that_say_the_same_make_room_for_others() -> None:
    count = 80
    rows = pd.DataFrame(
        {
            "method": [f"m{i:02d}" for i in range(count)] + ["central-2@1e-4"],
            "family": "stencil",
            "h": [1e-5] * (count // 2) + list(np.logspace(-8, -1, count // 2)) + [1e-4],
            "relative_error": [1e-9] * (count // 2) + list(np.logspace(-12, -1, count // 2)) + [5e-9],
            "regret": 1.0,
            "evaluations": 2,
            "status": "ok",
            "silent_wrong": False,
        }
    )
    lines = tournament_report.choice_lines(rows, ["central-2"], most=30)
    assert len(lines) == 30 and "central-2@1e-4" in set(lines["method"])
    assert (lines["h"] == 1e-5).sum() <= 2 and lines["error"].is_monotonic_increasing


# --- tables and findings ---


def test_tables_are_complete_and_say_what_a_dash_means(measured: RunData) -> None:
    tables, missing = gather(TABLES, measured)
    wanted = {"tournament_board", "tournament_others", "tournament_noisy", "tournament_kinked", "half_steps"}
    assert wanted | {"tournament_kinks", "tournament_absent"} <= set(tables), missing
    for name in wanted | {"tournament_kinks", "tournament_absent"}:
        table = tables[name]
        cells = [cell for row in table.rows for cell in row]
        assert all(len(row) == len(table.columns) for row in table.rows) and not re.search(
            "nan|None", str(cells)
        )
        assert NONE not in cells or NONE in table.note, name
        assert "{" not in table.note + table.title
    board = tables["tournament_board"].rows
    assert [row[0] for row in board if row[1] in ("jet", "complex-step")] == [NONE, NONE]
    assert {row[0] for row in tables["tournament_absent"].rows} >= {"torch"} - set(measured_names(measured))


def measured_names(data: RunData) -> set[str]:
    assert data.steps is not None
    return set(data.steps.loc[data.steps["judged"], "method"])


def test_half_precision_has_pure_and_mixed_beside_each_other(measured: RunData) -> None:
    rows = gather(TABLES, measured)[0]["half_steps"].rows
    assert [(row[1], row[3]) for row in rows][:4] == [
        ("1e-6", "integer"),
        ("1e-4", "integer"),
        ("1e-3", "integer"),
        ("1e-3", "mixed"),
    ]
    vanished = {row[1]: int(row[5]) for row in rows if row[3] == "integer"}
    assert measured.steps is not None
    counted = measured.steps.query("method == 'central-2@1e-4' and format == 'float16' and section == 'main'")
    assert vanished["1e-4"] == (counted["status"] == "step_vanished").sum() > 0
    assert vanished["dyadic"] == 0


def test_findings_are_those_of_the_rows(measured: RunData) -> None:
    findings, _ = gather(FINDINGS, measured)
    mine = {name: f for name, f in findings.items() if name.startswith("tournament_")}
    assert len(mine) == 7
    for finding in mine.values():
        assert finding.text.endswith(".") and "nan" not in finding.text and finding.basis
    board = pd.read_csv(measured.folder / "leaderboard.csv")
    best = board[(board["format"] == "float64") & (board["rank"] == 1)].iloc[0]
    said = mine["tournament_winners"].text
    assert f"in float64 {best['method']} reaches {percent(best['targets_100'])}" in said
    ranked = board[(board["format"] == "float64") & board["rank"].notna()]
    wrong = int((ranked["silent_wrong"] > 0).sum())
    assert f"{wrong} of {len(ranked)} ranked methods" in mine["tournament_silent"].text
    assert "1e-4: 0.0 (the step vanishes at" in mine["tournament_half"].text
    coverage = board.set_index(["method", "format"]).loc[("ridders", "float64"), "coverage"]
    assert f"ridders {percent(coverage)}" in mine["tournament_estimates"].text
