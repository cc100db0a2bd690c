"""Runs: resumed equals fresh, failures are rows and are tried again, a key knows what a cell depends on."""

from __future__ import annotations

import functools
import json
import math
import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_work
import numpy as np
import pandas as pd
import pytest

from diffbench.errors import UserError
from diffbench.problems import Problem, get_problem, registry
from diffbench.runs import Progress, Run, RunInterrupted, Suite, load, run
from diffbench.runs import environment as environments
from diffbench.runs import manifest as manifests
from diffbench.runs.environment import engine_files, environment
from diffbench.runs.execute import process_context
from diffbench.runs.fingerprint import program_text
from diffbench.runs.plan import cell_key, plan
from diffbench.runs.suite import parse_suite
from diffbench.sweep import SweepSettings

SUITE = parse_suite(
    {
        "title": "four problems in two formats",
        "problems": ["sin", "cos", "exp", "saitoh"],
        "formats": ["float32", "float64"],
        "stencils": {"1": ["forward-1", "central-2"]},
        "steps": {"per_decade": 5},
        "timeout": 30,
    }
)
CELLS = 8


def go(folder: Path, suite: Suite = SUITE, work: Any = fake_work.good, **options: Any) -> Run:
    return run(suite, folder, options.pop("jobs", 2), work=work, **options)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a run but the cells and the manifest, which has times in it."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".parquet", ".csv")}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return go(tmp_path_factory.mktemp("runs") / "fresh")


@pytest.fixture
def copy(fresh: Run, tmp_path: Path) -> Path:
    """A copy of the fresh run that a test may damage."""
    return Path(shutil.copytree(fresh.folder, tmp_path / "copy"))


# --- what a run leaves behind ---


def test_the_tables_have_all_rows_in_the_order_of_the_plan(fresh: Run) -> None:
    order = (
        fresh.sweep[["problem", "format"]].astype(str).drop_duplicates().itertuples(index=False, name=None)
    )
    assert list(order) == [(p, f) for p in ("sin", "cos", "exp", "saitoh") for f in ("float32", "float64")]
    assert len(fresh.sweep) == 5 * 2 * 2 * 5  # points, formats, stencils, steps: saitoh has two points
    assert len(fresh.summary) == 5 * 2 * 2
    assert list(fresh.problems["problem"]) == ["sin", "cos", "exp", "saitoh"]
    assert fresh.problems.set_index("problem").loc["saitoh", "program"].startswith("def saitoh(x)")


def test_the_numbers_are_those_of_the_worker_bit_for_bit(fresh: Run) -> None:
    cell = next(c for c in plan(SUITE) if c.label == "exp float64")
    expected = fake_work.good(cell.problem, cell.format_name, cell.settings)
    rows = fresh.sweep.query("problem == 'exp' and format == 'float64'")
    for name in fake_work.SWEEP_NUMBERS:
        np.testing.assert_array_equal(rows[name].to_numpy(), expected["sweep"][name].to_numpy())
    scores = fresh.summary.query("problem == 'exp' and format == 'float64'")
    np.testing.assert_array_equal(scores["digits"], expected["summary"]["digits"])  # through CSV and back


def test_a_reference_that_formats_share_is_kept_once(fresh: Run) -> None:
    keys = fresh.references[["problem", "point", "x", "derivative"]]
    assert not keys.duplicated().any()
    assert len(keys) == 5 * 3  # 1, 5 and 10 are the same number in both formats
    assert fresh.references["mpmath_agrees"].dtype == "boolean"
    assert fresh.references["value_digits"].str.len().eq(51).all()


def test_text_is_kept_as_categories(fresh: Run) -> None:
    """800 000 rows of text in 8 columns would be half a gigabyte."""
    for name in ("problem", "point", "format", "stencil", "variant", "status", "message"):
        assert isinstance(fresh.sweep[name].dtype, pd.CategoricalDtype), name
    assert fresh.summary["point"].tolist()[:2] == ["1.0", "1.0"], "points are text that joins the formats"


def test_the_manifest_says_what_was_run(fresh: Run) -> None:
    manifest = json.loads((fresh.folder / "manifest.json").read_text())
    assert manifest == fresh.manifest
    assert manifest["counts"] == {"ok": len(fresh.sweep)}
    assert manifest["cells"] == {"total": CELLS, "computed": CELLS, "reused": 0, "failed": 0}
    assert manifest["versions"].keys() >= {
        "diffbench",
        "python",
        "numpy",
        "python-flint",
        "mpmath",
        "ml_dtypes",
    }
    assert manifest["longdouble"] in ("x87-80", "binary128", "binary64")
    assert manifest["start"] <= manifest["end"] and manifest["end"].endswith("Z")
    assert manifest.keys() >= {
        "command",
        "suite",
        "git_revision",
        "cpu_model",
        "cpu_features",
        "machine",
        "jobs",
    }


def test_the_manifest_names_no_place_and_no_person(fresh: Run) -> None:
    text = (fresh.folder / "manifest.json").read_text()
    for private in (str(Path.home()), str(fresh.folder), str(Path(__file__).parent)):
        assert private not in text


def test_a_run_reads_back(fresh: Run) -> None:
    again = load(fresh.folder)
    pd.testing.assert_frame_equal(again.sweep, fresh.sweep)
    assert again.counts == fresh.counts
    assert "<table>" in again._repr_html_() and "ok" in repr(again)


MAP = {"problem": "sin", "format": "float32", "stencils": ["central-2"], "low": 1.0, "high": 3.0, "points": 5}


def test_a_map_is_a_table_of_its_own(fresh: Run, tmp_path: Path) -> None:
    suite = parse_suite(SUITE.model_dump(mode="json") | {"maps": [MAP]})
    made = go(tmp_path, suite)
    assert content(tmp_path).keys() - content(fresh.folder).keys() == {"maps.parquet"}
    assert content(tmp_path)["sweep.parquet"] == content(fresh.folder)["sweep.parquet"]
    assert made.counts == fresh.counts and made.manifest["files"].keys() >= {"maps.parquet"}
    assert made.maps is not None and fresh.maps is None
    assert sorted(made.maps["x"].unique()) == [1.0, 1.5, 2.0, 2.5, 3.0]
    cell = plan(suite)[-1]
    rows = fake_work.good(cell.problem, cell.format_name, cell.settings)["sweep"]
    np.testing.assert_array_equal(made.maps["error"], rows["error"] / rows["exact"].abs())
    assert not (go(tmp_path).folder / "maps.parquet").exists(), "a map that is no longer asked for"


# --- the same rows, however the run went ---


def test_one_process_and_two_give_the_same_files(fresh: Run, tmp_path: Path) -> None:
    go(tmp_path / "one", jobs=1)
    assert content(tmp_path / "one") == content(fresh.folder)


def test_an_interrupted_run_goes_on_to_the_same_files(fresh: Run, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(RunInterrupted, match="of 8 cells are stored; the same command goes on") as caught:
        go(tmp_path, jobs=1, progress=interrupt)
    assert 3 <= caught.value.done < CELLS
    assert not multiprocessing.active_children(), "the pool is stopped"
    with pytest.raises(UserError, match="is not finished"):
        load(tmp_path)
    resumed = go(tmp_path)
    assert (resumed.reused, resumed.computed) == (caught.value.done, CELLS - caught.value.done)
    assert content(tmp_path) == content(fresh.folder)


def test_a_second_run_reuses_everything_and_writes_nothing(copy: Path) -> None:
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in copy.rglob("*") if path.is_file()
    }
    again = go(copy, work=fake_work.must_not_run)
    assert again.unchanged and again.reused == CELLS and again.computed == 0
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in copy.rglob("*") if path.is_file()}
    assert after == before


def test_a_better_citation_reaches_the_tables_without_computing(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    better = replace(get_problem("cos"), cite="a better source")
    monkeypatch.setitem(registry._REGISTRY, "cos", better)
    again = go(copy, work=fake_work.must_not_run)
    assert not again.unchanged
    assert again.problems.set_index("problem").loc["cos", "cite"] == "a better source"


def test_fresh_computes_everything_again(copy: Path) -> None:
    assert go(copy, fresh=True).computed == CELLS


def test_a_run_of_fewer_problems_keeps_the_cells_of_the_others(copy: Path) -> None:
    fewer = go(copy, SUITE.with_options(problems=["cos"]), fake_work.must_not_run)
    assert fewer.reused == 2 and set(fewer.sweep["problem"]) == {"cos"}
    assert go(copy, work=fake_work.must_not_run).reused == CELLS


# --- damage ---


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


# file of a cell, what happens to it
DAMAGES: list[tuple[str, Callable[[Path], object]]] = [
    ("sweep.parquet", cut),
    ("sweep.parquet", flip),
    ("summary.parquet", Path.unlink),
    ("cell.json", cut),
    ("cell.json", lambda path: path.write_text("[]")),
    ("cell.json", lambda path: path.write_text("{}")),
]


def test_a_damaged_cell_is_computed_again(fresh: Run, copy: Path) -> None:
    cells = sorted((copy / "cells").iterdir())
    for cell, (name, damage) in zip(cells, DAMAGES, strict=False):
        damage(cell / name)
    repaired = go(copy)
    assert (repaired.computed, repaired.reused) == (len(DAMAGES), CELLS - len(DAMAGES))
    assert content(copy) == content(fresh.folder)


@pytest.mark.parametrize("name", ["sweep.parquet", "summary.csv", "manifest.json"])
@pytest.mark.parametrize("damage", [Path.unlink, cut])
def test_a_damaged_table_is_merged_again(
    fresh: Run, copy: Path, name: str, damage: Callable[[Path], object]
) -> None:
    damage(copy / name)
    repaired = go(copy, work=fake_work.must_not_run)
    assert repaired.reused == CELLS and not repaired.unchanged
    assert content(copy) == content(fresh.folder)
    assert load(copy).counts == fresh.counts


def test_drafts_and_cells_of_another_engine_are_swept_out(copy: Path) -> None:
    store = copy / "cells"
    (store / ".draft-left").mkdir()
    old = sorted(store.iterdir())[-1]
    about = json.loads((old / "cell.json").read_text())
    stale = store / ("0" * 32)
    shutil.copytree(old, stale)
    (stale / "cell.json").write_text(json.dumps(about | {"surroundings": "another"}))
    (copy / "summary.csv").unlink()  # something to do
    go(copy)
    assert len(list(store.iterdir())) == CELLS


# --- failures ---


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Progress]]:
    seen: list[Progress] = []
    suite = SUITE.model_copy(update={"timeout": 2.0})
    folder = tmp_path_factory.mktemp("runs") / "failed"
    return go(folder, suite, fake_work.failing, progress=seen.append), seen


# problem, status, what the message says
FAILURES = [
    ("sin", "error", "ArithmeticError: planted failure"),
    ("cos", "error", "the worker process ended abruptly (exit code 7)"),
    ("exp", "timeout", "not finished after 2 s, the time limit of the suite"),
]


@pytest.mark.parametrize(("problem", "status", "message"), FAILURES)
def test_a_failure_is_rows(
    failed: tuple[Run, list[Progress]], problem: str, status: str, message: str
) -> None:
    result, _ = failed
    rows = result.sweep.query("problem == @problem and format == 'float32'")
    assert list(rows["stencil"]) == ["forward-1", "central-2"], "every series says why it is empty"
    assert set(rows["status"]) == {status}
    assert set(rows["message"]) == {message}
    assert rows["h"].isna().all() and rows["x"].eq(1.0).all()
    scores = result.summary.query("problem == @problem and format == 'float32'")
    assert len(scores) == 2 and scores["h_best"].isna().all() and scores["reason"].ne("").all()


def test_a_failure_loses_nothing_else(failed: tuple[Run, list[Progress]], fresh: Run) -> None:
    result, _ = failed
    assert result.failed == 3
    assert result.counts == {"error": 4, "ok": len(fresh.sweep) - 3 * 2 * 5, "timeout": 2}
    expected = fresh.sweep.query("problem == 'saitoh' or format == 'float64'")
    kept = result.sweep.query("problem == 'saitoh' or format == 'float64'")
    for name in fake_work.SWEEP_NUMBERS:
        np.testing.assert_array_equal(kept[name].to_numpy(), expected[name].to_numpy())
    assert dict(result.sweep.dtypes).keys() >= dict(fresh.sweep.dtypes).keys()
    assert result.sweep["derivative"].dtype == fresh.sweep["derivative"].dtype, "no integer became a float"


def test_failures_are_tried_again(failed: tuple[Run, list[Progress]], fresh: Run, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(failed[0].folder, tmp_path / "again"))
    again = go(folder)
    assert (again.computed, again.reused, again.failed) == (3, CELLS - 3, 0)
    pd.testing.assert_frame_equal(again.sweep, fresh.sweep)


def test_progress_counts_every_cell(failed: tuple[Run, list[Progress]]) -> None:
    _, seen = failed
    assert [p.done for p in seen] == list(range(CELLS + 1))
    assert seen[0].share == 0 and seen[0].remaining is None
    assert seen[-1].share == pytest.approx(1) and seen[-1].remaining == pytest.approx(0, abs=1e-9)
    assert seen[-1].failed == 3 and all(p.total == CELLS for p in seen)
    assert {p.label for p in seen[1:]} == {cell.label for cell in plan(SUITE)}


def test_workers_are_never_plain_forks() -> None:
    """A fork would copy the locks of the pool's and the progress bar's threads as they happen to be."""
    assert process_context().get_start_method() in ("forkserver", "spawn")


# --- folders that cannot be used ---


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.tex").write_text("x")
    cases = [
        (file, "is a file; --out needs a folder"),
        (file / "below", "cannot write to the folder .*Not a directory"),
        (full, r"holds other things \(thesis.tex\) and is not a run"),
    ]
    for folder, said in cases:
        with pytest.raises(UserError, match=said):
            go(folder)
    assert [path.name for path in full.iterdir()] == ["thesis.tex"]


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may write anywhere, so the refusal of the system is played
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(UserError, match="cannot write to the folder .*: Permission denied"):
        go(tmp_path)


def test_a_disk_that_fills_up_keeps_what_is_stored(
    fresh: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes = Path.write_bytes
    written: list[str] = []

    def full_after_four(self: Path, data: bytes) -> int:
        written.append(self.name)
        if len(written) > 4 * 3:
            raise OSError(28, "No space left on device")
        return write_bytes(self, data)

    with (
        monkeypatch.context() as patch,
        pytest.raises(UserError, match="No space left on device; finished cells"),
    ):
        patch.setattr(Path, "write_bytes", full_after_four)
        go(tmp_path)
    assert go(tmp_path).reused == 4
    assert content(tmp_path) == content(fresh.folder)


def test_the_timings_of_the_benchmarks_may_be_there_already(tmp_path: Path) -> None:
    (tmp_path / "timings.json").write_text("{}")
    (tmp_path / ".gitkeep").write_text("")
    assert go(tmp_path).computed == CELLS
    assert (tmp_path / "timings.json").read_text() == "{}"


# what is in manifest.json, what is said
MANIFESTS = [
    ({"manifest_version": manifests.VERSION + 1}, "was written by a newer diffbench"),
    ({"name": "an extension"}, "is not the manifest of a diffbench run"),
    ([1], "is not the manifest of a diffbench run"),
]


@pytest.mark.parametrize(("found", "said"), MANIFESTS)
def test_a_manifest_that_is_not_ours(tmp_path: Path, found: Any, said: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(found))
    for act in (go, load):
        with pytest.raises(UserError, match=said):
            act(tmp_path)


def test_reading_what_is_no_run(tmp_path: Path, copy: Path) -> None:
    (copy / "sweep.parquet").unlink()
    cases = [
        (tmp_path / "missing", "there is no folder"),
        (tmp_path, "is not a run"),
        (copy, "lacks sweep.parquet; `run.*` writes it again"),
    ]
    for folder, said in cases:
        with pytest.raises(UserError, match=said):
            load(folder)


@pytest.mark.parametrize("jobs", [0, -1, 1.5])
def test_jobs_must_be_a_count(tmp_path: Path, jobs: Any) -> None:
    with pytest.raises(UserError, match="jobs must be a whole number"):
        go(tmp_path, jobs=jobs)


# --- keys: what a cell depends on ---

SURROUNDINGS = environment()
SETTINGS = SweepSettings(stencils={1: ("central-2",)})
SHIFT = 2.0
TABLE = np.array([1.0, 2.0])


def helper(x: Any) -> Any:
    return x + SHIFT


def program(x: Any) -> Any:
    return np.exp(helper(x)) * TABLE[0]


PROBLEM = Problem("p", program, (1.0, 2.0), scale=1.0)


def key(
    problem: Problem = PROBLEM, format_name: str = "float32", settings: Any = SETTINGS, **other: Any
) -> str:
    return cell_key(problem, format_name, settings, SURROUNDINGS | other)


# what changes, and the key it gives
CHANGES: list[tuple[str, Callable[[], str]]] = [
    ("points", lambda: key(replace(PROBLEM, points=(1.0, 2.5)))),
    ("order of points", lambda: key(replace(PROBLEM, points=(2.0, 1.0)))),
    ("sign of zero", lambda: key(replace(PROBLEM, points=(0.0,))) + key(replace(PROBLEM, points=(-0.0,)))),
    ("scale", lambda: key(replace(PROBLEM, scale=2.0))),
    ("default scale", lambda: key(replace(PROBLEM, scale=None))),
    ("domain", lambda: key(replace(PROBLEM, domain=(0.0, math.inf)))),
    ("truth", lambda: key(replace(PROBLEM, truth=lambda x: np.sin(x)))),
    ("another truth", lambda: key(replace(PROBLEM, truth=lambda x: np.cos(x)))),
    ("opaque", lambda: key(replace(PROBLEM, opaque=True))),
    ("stated", lambda: key(replace(PROBLEM, stated={1.0: {1: (0.0, 1.0)}}))),
    ("name", lambda: key(replace(PROBLEM, name="q"))),
    ("program", lambda: key(replace(PROBLEM, function=lambda x: np.exp(x)))),
    ("format", lambda: key(format_name="float64")),
    ("stencils", lambda: key(settings=SweepSettings(stencils={1: ("central-4",)}))),
    ("derivative", lambda: key(settings=SweepSettings(stencils={2: ("central-2",)}))),
    ("variants", lambda: key(settings=replace(SETTINGS, variants=("integer", "float")))),
    ("per_decade", lambda: key(settings=replace(SETTINGS, per_decade=10))),
    ("kind", lambda: key(settings=replace(SETTINGS, kind="binary"))),
    ("numpy", lambda: key(packages=SURROUNDINGS["packages"] | {"numpy": "0.1"})),
    ("scipy gone", lambda: key(packages=SURROUNDINGS["packages"] | {"scipy": None})),
    ("python", lambda: key(python="3.99")),
    ("cpu features", lambda: key(cpu_features=[])),
    ("machine", lambda: key(machine="aarch64")),
    ("longdouble", lambda: key(longdouble="binary128")),
    ("engine", lambda: key(engine="0")),
]


def test_every_change_gives_a_key_of_its_own() -> None:
    keys = [change() for _, change in CHANGES]
    assert len({key(), *keys}) == len(CHANGES) + 1


def test_what_changes_no_number_changes_no_key() -> None:
    assert key() == key()
    assert key() == key(replace(PROBLEM, tags=frozenset({"new"}), cite="a better citation", group="other"))
    assert key() == key(settings=SweepSettings(stencils={1: ["central-2"]}))


# --- the text of a program ---

# global name, its new value: each of them changes what program() computes
EDITS: list[tuple[str, Any]] = [
    ("SHIFT", 3.0),
    ("TABLE", np.array([5.0, 2.0])),
    ("helper", lambda x: x - 1),
]


@pytest.mark.parametrize(("name", "value"), EDITS)
def test_the_text_follows_what_the_program_uses(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    before = program_text(program)
    monkeypatch.setitem(globals(), name, value)
    assert program_text(program) != before


def power_of(n: int) -> Callable[[Any], Any]:
    return lambda x: x**n


def with_default(n: int) -> Callable[[Any], Any]:
    def function(x: Any, exponent: int = n) -> Any:
        return x**exponent

    return function


@pytest.mark.parametrize("make", [power_of, with_default, lambda n: functools.partial(pow, n)])
def test_the_text_knows_closures_defaults_and_partials(make: Callable[[int], Any]) -> None:
    assert program_text(make(2)) == program_text(make(2))
    assert program_text(make(2)) != program_text(make(3))


def test_the_text_of_a_recursive_program_ends() -> None:
    def countdown(x: Any) -> Any:
        return x if np.all(x < 1) else countdown(x - 1)

    assert "countdown(x - 1)" in program_text(countdown)


def test_the_text_of_a_program_without_a_file_follows_its_code() -> None:
    made = []
    for text in ("def f(x): return x * 2", "def f(x): return x * 3"):
        scope: dict[str, Any] = {}
        exec(text, scope)
        made.append(program_text(scope["f"]))
    assert made[0] != made[1]


def test_a_library_counts_by_name_and_version_only() -> None:
    assert len(program_text(get_problem("gamma").function)) < 1000


# --- the engine ---


def test_the_engine_is_all_that_computes_and_nothing_that_draws() -> None:
    package = Path(environments.__file__).parents[1]
    names = {path.relative_to(package).as_posix() for path in engine_files()}
    assert names >= {
        "sweep.py",
        "scores.py",
        "stencils.py",
        "reference.py",
        "errors.py",
        "arithmetic/formats.py",
    }
    assert not {name for name in names if name.split("/")[0] in ("report", "runs", "problems", "cli")}


def test_an_edit_of_the_engine_changes_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "diffbench"
    (package / "arithmetic").mkdir(parents=True)
    files = {
        "sweep.py": "from diffbench.scores import summarise\n",
        "scores.py": "def f():\n    from diffbench.deep import below\n",
        "deep.py": "below = 1\n",
        "unused.py": "x = 1\n",
        "arithmetic/formats.py": "y = 1\n",
    }
    for name, text in files.items():
        (package / name).write_text(text)
    monkeypatch.setattr(environments, "_PACKAGE", package)
    digest = environments.engine_digest.__wrapped__
    before = digest()
    for name in files:
        (package / name).write_text(files[name] + "# edited\n")
        assert (digest() != before) == (name != "unused.py"), name
        (package / name).write_bytes(files[name].replace("\n", "\r\n").encode())
        assert digest() == before, "line ends are no edit"
