"""The tournament in a run: cells of their own kind, stored, resumed and merged like sweeps; its table."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_work
import pandas as pd
import pytest

from diffbench.errors import UserError
from diffbench.methods import _registry
from diffbench.methods.rivals import rivals
from diffbench.methods.rivals.rival import REGISTERED
from diffbench.problems import get_problem, registry
from diffbench.runs import Run, RunInterrupted, Suite, load, load_suite, run
from diffbench.runs.kinds import NAMES, get_kind, kinds
from diffbench.runs.kinds.tournament import BOARDS
from diffbench.runs.plan import plan
from diffbench.runs.suite import parse_suite
from diffbench.tournament import leaderboard, tournament

TABLE = {"methods": ["central-2@1e-4", "central-2@eps-scaled", "ridders", "jet"], "limit": 5.0}
SUITE = parse_suite(
    {
        "title": "a small tournament",
        "problems": ["sin", "exp", "relu", "saitoh"],
        "formats": ["float32", "float64"],
        "stencils": {"1": ["central-2"]},
        "steps": {"per_decade": 5},
        "timeout": 30,
        "tournament": TABLE,
    }
)
CELLS = 16  # eight of sweeps, eight of the tournament
FILES = {"steps.parquet", *BOARDS.values(), "kinks.csv"}


def go(folder: Path, suite: Suite = SUITE, **options: Any) -> Run:
    """Sweeps are played, so that what is measured here is the tournament."""
    return run(suite, folder, options.pop("jobs", 2), work=options.pop("work", fake_work.good), **options)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".parquet", ".csv")}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return go(tmp_path_factory.mktemp("tournament") / "fresh")


def steps_of(result: Run) -> pd.DataFrame:
    found = result.table("steps.parquet")
    assert found is not None
    return found


# --- cells of a kind ---


def test_every_kind_is_found_by_its_name() -> None:
    assert NAMES[0] == "sweep", "a run without sweeps has no references"
    assert [kind.name for kind in kinds()] == list(NAMES)
    tables = [name for kind in kinds() for name in kind.tables]
    assert len(set(tables)) == len(tables), "two kinds would write one file"


def test_the_plan_has_the_sweeps_first() -> None:
    cells = plan(SUITE)
    assert [cell.kind for cell in cells] == ["sweep"] * 8 + ["tournament"] * 8
    assert len({cell.key for cell in cells}) == len({cell.label for cell in cells}) == CELLS
    assert cells[-1].label == "saitoh float64 tournament"


def test_an_edit_of_the_tournament_leaves_the_sweeps_alone() -> None:
    sweep, contest = get_kind("sweep").surroundings(), get_kind("tournament").surroundings()
    assert sweep["engine"] != contest["engine"]
    assert {k: v for k, v in sweep.items() if k != "engine"} == {
        k: v for k, v in contest.items() if k != "engine"
    }


def keys(suite: Suite = SUITE) -> list[str]:
    return [cell.key for cell in plan(suite) if cell.kind == "tournament"]


# what of the suite changes, and whether the cells do
CHANGES = [
    ({"tournament": TABLE | {"methods": ["central-2@1e-4"]}}, True),
    ({"tournament": TABLE | {"derivatives": [1, 2]}}, True),
    ({"tournament": TABLE | {"limit": 1.0}}, True),
    ({"steps": {"per_decade": 10}}, True),  # the yardstick
    ({"stencils": {"1": ["central-4"]}}, False),
    ({"title": "another"}, False),
]


@pytest.mark.parametrize(("change", "changes"), CHANGES)
def test_a_key_follows_what_the_numbers_depend_on(change: dict[str, Any], changes: bool) -> None:
    other = keys(parse_suite(SUITE.model_dump(mode="json") | change))
    assert (set(other).isdisjoint(keys())) if changes else (other == keys())


def test_a_key_follows_the_table_a_problem_is_counted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys()
    kinked = replace(get_problem("sin"), tags=frozenset({"kink"}))
    monkeypatch.setitem(registry._REGISTRY, "sin", kinked)
    assert [a != b for a, b in zip(keys(), before, strict=True)] == [True, True, *[False] * 6]


# --- what a run leaves behind ---


def test_the_rows_are_those_of_the_function(fresh: Run) -> None:
    rows = steps_of(fresh)
    direct = tournament(SUITE.problems, TABLE["methods"], SUITE.formats, per_decade=5)  # type: ignore[arg-type]
    texts = {name: object for name in rows if isinstance(rows[name].dtype, pd.CategoricalDtype)}
    pd.testing.assert_frame_equal(
        rows.astype(texts), direct.frame[rows.columns].astype(texts), check_dtype=False
    )


def test_the_leaderboards_are_those_of_the_rows(fresh: Run) -> None:
    rows = steps_of(fresh)
    for section, name in BOARDS.items():
        stored, computed = pd.read_csv(fresh.folder / name), leaderboard(rows, section)
        assert list(stored.columns) == list(computed.columns)
        if len(stored):
            pd.testing.assert_series_equal(stored["error_median"], computed["error_median"])
    board = pd.read_csv(fresh.folder / "leaderboard.csv")
    assert set(board["method"]) == set(TABLE["methods"]) and set(board["format"]) == set(SUITE.formats)
    assert set(board["problems"]) == {3}, "relu is counted elsewhere"
    kinks = pd.read_csv(fresh.folder / "kinks.csv")
    assert set(kinks["points"]) == {1}


def test_the_manifest_counts_every_kind(fresh: Run) -> None:
    kinds_of = fresh.manifest["kinds"]
    assert {name: kinds_of[name]["cells"] for name in kinds_of} == {"sweep": 8, "tournament": 8}
    assert sum(kinds_of["tournament"]["counts"].values()) == len(steps_of(fresh))
    assert fresh.manifest["files"].keys() >= FILES
    assert fresh.counts == kinds_of["sweep"]["counts"]


def test_one_process_and_two_give_the_same_files(fresh: Run, tmp_path: Path) -> None:
    go(tmp_path, jobs=1)
    assert content(tmp_path) == content(fresh.folder) and content(tmp_path).keys() >= FILES


def test_a_second_run_computes_nothing(fresh: Run) -> None:
    again = go(fresh.folder, work={"sweep": fake_work.must_not_run, "tournament": fake_work.must_not_run})
    assert again.unchanged and (again.reused, again.computed) == (CELLS, 0)


def test_an_interrupted_run_goes_on_to_the_same_files(fresh: Run, tmp_path: Path) -> None:
    def interrupt(progress: Any) -> None:
        if progress.done == 11:
            raise KeyboardInterrupt

    with pytest.raises(RunInterrupted):
        go(tmp_path, jobs=1, progress=interrupt)
    assert go(tmp_path).reused >= 11
    assert content(tmp_path) == content(fresh.folder)


def test_a_cell_that_breaks_is_rows_with_the_reason_and_is_tried_again(fresh: Run, tmp_path: Path) -> None:
    broken = go(tmp_path, work={"sweep": fake_work.good, "tournament": fake_work.must_not_run})
    assert broken.failed == 8
    rows = steps_of(broken)
    assert set(rows["status"]) == {"error"} and not rows["judged"].any() and not rows["failed"].any()
    assert set(rows["message"]) == {"AssertionError: a stored cell was computed again"}
    assert len(rows) == len(steps_of(fresh))
    board = pd.read_csv(tmp_path / "leaderboard.csv")
    assert set(board["cases"]) == {0} and board["note"].str.contains("AssertionError").all()
    again = go(tmp_path)
    assert (again.computed, again.failed) == (8, 0)
    assert content(tmp_path) == content(fresh.folder)


def test_a_failing_method_does_not_make_a_cell_failed(tmp_path: Path) -> None:
    """A method that refuses or fails is a result, and results are not computed again."""
    table = {"methods": ["central-2@1e-8", "central-2/mixed@1e-4"]}
    suite = parse_suite(SUITE.model_dump(mode="json") | {"tournament": table, "problems": ["sin"]})
    result = go(tmp_path, suite)
    assert set(steps_of(result)["status"]) >= {"refused"} and result.failed == 0
    assert go(tmp_path, suite).unchanged


def test_a_tournament_that_is_no_longer_asked_for_leaves_no_tables(fresh: Run, tmp_path: Path) -> None:
    go(tmp_path)
    without = SUITE.model_copy(update={"tournament": None})
    result = go(tmp_path, without)
    assert not FILES & set(content(tmp_path)) and result.table("steps.parquet") is None
    assert load(tmp_path).manifest["kinds"].keys() == {"sweep"}


# --- the suite's table ---


def test_the_tournament_goes_with_problems_and_formats() -> None:
    def labels(suite: Suite) -> list[str]:
        return [cell.label for cell in plan(suite) if cell.kind == "tournament"]

    assert labels(SUITE.with_options(["sin"], ["float64"])) == ["sin float64 tournament"]
    narrow = parse_suite(
        SUITE.model_dump(mode="json")
        | {"tournament": TABLE | {"problems": ["exp", "cos"], "formats": ["float16", "float64"]}}
    )
    assert labels(narrow) == ["exp float16 tournament", "exp float64 tournament"], "cos is not in the suite"
    assert labels(narrow.with_options(formats=["float32"])) == []


@pytest.mark.parametrize("name", ["quick", "default", "full"])
def test_every_suite_has_a_tournament(name: str) -> None:
    suite = load_suite(name)
    assert suite.tournament is not None
    methods = next(cell.settings.methods for cell in plan(suite) if cell.kind == "tournament")
    assert {"central-2@1e-4", "central-2@eps-scaled", "ridders", "complex-step"} <= set(methods)
    assert {"scipy.differentiate", "numdifftools", "jacobi"} <= set(methods), "rivals, installed or not"
    assert {f"central-2/mixed@{step}" for step in ("1e-3", "1e-4", "1e-6", "dyadic")} <= set(methods)


# what is wrong in the table, what is said
MISTAKES = [
    ({"methods": []}, "tournament.methods: "),
    ({}, "the key 'tournament.methods' is missing"),
    ({"methods": ["jet"], "formats": ["float61"]}, "tournament.formats: unknown format 'float61'"),
    (
        {"methods": ["jet"], "derivatives": [7]},
        "tournament.derivatives: must be derivative orders from 1 to 6",
    ),
    ({"methods": ["jet"], "limit": 0}, "tournament.limit: must be greater than 0"),
    ({"methods": ["jet"], "method": []}, "unknown key 'tournament.method': did you mean 'methods'?"),
    ({"methods": "jet"}, "tournament.methods: must be a valid list"),
]


@pytest.mark.parametrize(("table", "said"), MISTAKES)
def test_a_mistake_in_the_table_is_answered_with_its_key(table: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_suite(SUITE.model_dump(mode="json") | {"tournament": table})
    assert said in str(caught.value) and len(str(caught.value).splitlines()) == 2


# names in the table that do not exist, what is said when the run is planned
UNKNOWN = [
    ({"methods": ["centrl-2@1e-4"]}, "tournament.methods: unknown method .* did you mean 'central-2@1e-4'"),
    ({"methods": ["family:rivals"]}, "tournament.methods: unknown family 'rivals': did you mean 'rival'"),
    ({"methods": ["zzz*"]}, "tournament.methods: no method matches"),
    ({"methods": ["jet"], "problems": ["sine"]}, "tournament.problems: unknown problem 'sine'"),
]


@pytest.mark.parametrize(("table", "said"), UNKNOWN)
def test_names_that_do_not_exist_are_answered(table: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        plan(parse_suite(SUITE.model_dump(mode="json") | {"tournament": table}))


# --- rivals that take their process down ---


@pytest.fixture
def deadly() -> Iterator[str]:
    yield "deadly_rival"
    REGISTERED.pop("planted-deadly", None)
    sys.modules.pop("deadly_rival", None)
    rivals.cache_clear()
    _registry.cache_clear()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process for a call needs fork")
def test_a_deadly_rival_costs_the_rows_at_which_it_is_deadly(tmp_path: Path, deadly: str) -> None:
    """That is at one of the two points of saitoh; all other rows are those of a run without the rival."""
    table = SUITE.model_dump(mode="json") | {"problems": ["sin", "saitoh"], "plugins": [deadly]}
    names = [*TABLE["methods"], "planted-deadly"]
    found = go(tmp_path / "with", parse_suite(table | {"tournament": TABLE | {"methods": names}}))
    assert found.failed == 0, "the cells have their rows: nothing is to be tried again"
    steps = steps_of(found)
    mine = steps[(steps["method"] == "planted-deadly") & steps["judged"]]
    killed = mine["message"].astype(str).str.contains("ended its process: killed by SIGKILL")
    assert 0 < killed.sum() < len(mine)
    assert set(mine.loc[killed, "status"]) == {"error"} and mine.loc[killed, "failed"].all()
    assert (mine.loc[killed, "x"] > 7).all() and (mine.loc[~killed, "x"] < 7).all()
    assert (mine.loc[~killed, "status"] == "ok").all()
    alone = steps_of(go(tmp_path / "without", parse_suite(table | {"tournament": TABLE})))
    others = steps[steps["method"] != "planted-deadly"].reset_index(drop=True)
    texts = dict.fromkeys(others.select_dtypes("category"), str)
    pd.testing.assert_frame_equal(others.astype(texts), alone.astype(texts))


def test_work_of_the_caller_has_no_second_try(tmp_path: Path) -> None:
    """What stands in for a kind's own function is not replaced by its rescue."""
    found = go(tmp_path, work={"sweep": fake_work.good, "tournament": fake_work.dies})
    assert found.failed == 8
    assert set(steps_of(found)["status"].astype(str)) == {"error"}
