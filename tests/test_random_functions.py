"""Random functions: drawn alike, known exactly, scored rightly; as cells, tables and a section of a run."""

from __future__ import annotations

import math
import re
import runpy
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath.libmp import to_rational

from diffbench.arithmetic.formats import get_format
from diffbench.arithmetic.mp import MpArithmetic
from diffbench.cli import main
from diffbench.errors import UserError
from diffbench.methods import get_method
from diffbench.methods.estimate import Estimate
from diffbench.methods.method import Method
from diffbench.random_functions import (
    FORMATS,
    GROUPS,
    HEADER,
    OWN,
    SEED,
    Case,
    Exact,
    Row,
    board,
    cases,
    cases_between,
    check_format,
    draw_cases,
    exact_derivatives,
    line,
    measured,
    narrow_cases,
    rows_frame,
    score,
    shares,
    truth,
    unmeasured_frame,
)
from diffbench.random_functions.groups import draw
from diffbench.report.data import Missing, open_run
from diffbench.report.page import render
from diffbench.report.random_report import FIGURES, TABLES, random_functions
from diffbench.runs import load, load_suite, run
from diffbench.runs.execute import RunInterrupted
from diffbench.runs.kinds import random
from diffbench.runs.kinds.random import BLOCK, BOARD, ROWS
from diffbench.runs.plan import plan
from diffbench.runs.suite import parse_suite
from diffbench.steps.sampler import Sampler

HERE = Path(__file__).parent.parent
CASES = list(cases(17, 400))


# -- the draw ----------------------------------------------------------------------------------------------


def key(case: Case) -> tuple[Any, ...]:
    return case.name, case.group, case.x, case.truth, case.rest, case.best


@pytest.mark.parametrize("name", FORMATS)
def test_a_seed_draws_the_same_cases_in_blocks_and_at_once(name: str) -> None:
    source = draw_cases(3, name)
    together = [next(source) for _ in range(30)]
    blocks = [case for start in (0, 10, 20) for case in cases_between(3, name, start, start + 10)]
    assert list(map(key, blocks)) == list(map(key, together))
    assert key(cases_between(4, name, 0, 1)[0]) != key(together[0])
    h = np.array([0.0, 0.01])
    for one, other in zip(blocks, together, strict=True):
        with np.errstate(all="ignore"):
            a, b = (np.asarray(c.f(c.x * (1 + h)), dtype=float) for c in (one, other))
        assert a.tobytes() == b.tobytes(), one.name


# Cases of seed 5, format and number first: a draw that changes is another set, and published tables lie.
# Powers of ten differ in the last bit from one C library to another.
DRAWN = [
    ("float64", 0, "quantised: sin+quartic in steps", -1.2651880109, -0.00010007683439),
    ("float64", 7, "wave: wave", 4.4819364301e-08, -8747236.541),
    ("float64", 39, "float32 inside: softplus+cos in float32", -23.394479752, 15268.697834),
    ("float32", 39, "cancel: (exp-1-v)/v2", -0.022362682968, 9.1678121702),
    ("float16", 0, "cancel: (cosh-1)/v2", -0.58154296875, -0.0010533572884),
    ("float16", 39, "cancel: exp-lin", 1.8232421875, 0.013399842127),
    ("bfloat16", 7, "smooth: lorentz+quartic", -59, -0.0068823042206),
]


@pytest.mark.parametrize(("fmt", "number", "name", "x", "slope"), DRAWN)
def test_the_draws_are_those_of_the_published_tables(
    fmt: str, number: int, name: str, x: float, slope: float
) -> None:
    (case,) = cases_between(5, fmt, number, number + 1)
    assert case.name == name
    assert (case.x, case.truth) == (pytest.approx(x, rel=1e-9), pytest.approx(slope, rel=1e-9))


def test_the_groups_have_their_shares() -> None:
    """Within four deviations of a multinomial draw; groups are drawn again together with their case."""
    for name, drawn in (("float64", CASES), ("float16", list(narrow_cases(11, 300, "float16")))):
        wanted = shares(name)
        for group, share in wanted.items():
            p = share / sum(wanted.values())
            found = sum(case.group == group for case in drawn) / len(drawn)
            # what is refused is drawn again, which moves shares by a tenth of themselves at most
            assert abs(found - p) < 4 * math.sqrt(p * (1 - p) / len(drawn)) + 0.1 * p, (name, group, found)
        assert {case.group for case in drawn} == set(wanted)


def test_magnitudes_are_spread() -> None:
    sizes = np.log10(np.abs([case.x for case in CASES if case.x]))
    assert sizes.min() < -7 and sizes.max() > 7
    assert {case.x for case in CASES if case.group == "at zero"} == {0.0}


# -- the truth ---------------------------------------------------------------------------------------------


def slope_in_many_digits(program: Any, x: float) -> Fraction:
    """The program in mpmath at 270 digits, a central difference of width 1e-60: no series, no balls."""
    h = Fraction(abs(x) or 1) / 10**60
    values = MpArithmetic(900).evaluate(program, np.array([Fraction(x) + h, Fraction(x) - h], dtype=object))
    upper, lower = (Fraction(*map(int, to_rational(value._mpf_))) for value in values)
    return (upper - lower) / (2 * h)


def test_truths_agree_with_a_difference_in_many_digits() -> None:
    rng, checked = np.random.default_rng(5), 0
    for group in GROUPS:
        for _ in range(4):
            _, _, smooth, x, _ = draw(rng, group)
            found = exact_derivatives(smooth, x)
            if found is None or not 1e-250 < abs(found[1].value) < 1e250:
                continue
            exact = Fraction(found[1].value) + Fraction(found[1].rest)
            assert abs(slope_in_many_digits(smooth, x) - exact) <= abs(exact) / 10**19, (group, x)
            checked += 1
    assert checked >= 3 * len(GROUPS)


def test_truths_in_narrow_formats_too() -> None:
    for case in narrow_cases(5, 25, "float16"):
        exact = Fraction(case.truth) + Fraction(case.rest)
        assert abs(slope_in_many_digits(case.f, case.x) - exact) <= abs(exact) / 10**19, case.name


def test_the_truth_is_not_rounded_to_float64() -> None:
    third = exact_derivatives(lambda t: t / 3, 1.0)
    assert third is not None
    assert third[1].value == 1 / 3
    assert abs(Fraction(third[1].value) + Fraction(third[1].rest) - Fraction(1, 3)) < Fraction(1, 2**100)
    assert 0 < third[1].distance(1 / 3) < 2.0**-53, "the nearest float is not the truth"
    assert truth(lambda t: t / 3, 1.0) == [e.value for e in third]
    assert sum(case.rest != 0 for case in CASES) > 0.95 * len(CASES)


@given(
    st.floats(-1e200, 1e200),
    st.floats(-1e-17, 1e-17),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_distances_are_exact(value: float, part: float, other: float) -> None:
    rest = value * part
    found = Exact(value, rest).distance(other)
    if not math.isfinite(other):
        assert not math.isfinite(found)
    else:
        assert found == float(abs(Fraction(other) - Fraction(value) - Fraction(rest)))


def test_a_program_that_breaks_has_no_truth() -> None:
    assert exact_derivatives(lambda t: np.log(t), -1.0) is None
    assert exact_derivatives(lambda t: t.nothing, 1.0) is None


# -- methods on it -----------------------------------------------------------------------------------------


def planted(name: str, answer: Any, status: str = "ok", error: Any = None) -> Method:
    def estimate(f: Any, fmt: Any, points: Any, derivative: int) -> Estimate:
        Sampler(f, fmt)(np.asarray(points, dtype=np.float64))
        return Estimate(np.full(np.shape(points), answer), 0.1, 1, status, "planted", error)

    return Method(name, estimate, derivatives=(1,))


def scored(method: Method | str, some: list[Case]) -> dict[str, Any]:
    return score(rows_frame([measured(method, case) for case in some]))


SMOOTH = [case for case in CASES if case.group in ("smooth", "at zero")][:40]


def test_a_planted_wrong_answer_is_silently_wrong() -> None:
    found = scored(planted("wrong", 12345.678, error=1e-9), SMOOTH)
    assert found["silent_wrong"] == len(SMOOTH)
    assert (found["failed"], found["flagged"], found["coverage"]) == (0, 0, 0.0)


def test_a_planted_flag_is_no_silence() -> None:
    found = scored(planted("flags", 12345.678, "low_confidence", error=1e300), SMOOTH)
    assert (found["silent_wrong"], found["flagged"], found["flagged_right"]) == (0, len(SMOOTH), 0)
    assert found["coverage"] == 1.0 and math.isnan(found["coverage_unflagged"])


def test_a_planted_nan_is_a_failure() -> None:
    found = scored(planted("nothing", math.nan, error=1.0), SMOOTH)
    assert (found["failed"], found["silent_wrong"], found["flagged"]) == (len(SMOOTH), 0, 0)
    assert found["error_median"] == math.inf and found["coverage"] == 0.0


def test_an_exception_is_a_failure() -> None:
    def breaks(f: Any, fmt: Any, points: Any, derivative: int) -> Estimate:
        raise ArithmeticError("broken")

    row = measured(Method("breaks", breaks, derivatives=(1,)), SMOOTH[0])
    assert row.failed and row.status == "error" and "broken" in row.message


def test_noise_excuses_what_no_difference_could_do_better() -> None:
    """The same error of 1 % is wrong on a function without noise, and right where the best is 1e-3."""
    quiet = Case("f", "smooth", np.exp, 0.0, 1.0, 0.0)
    noisy = Case("f", "noisy", np.exp, 0.0, 1.0, 1e-3)
    off = planted("off", 1.01)
    assert measured(off, quiet).wrong and not measured(off, noisy).wrong


def test_a_method_that_is_not_there_is_absent_and_not_failed() -> None:
    absent = Method("gone", lambda *_: None, available=False, extra="rivals")  # type: ignore[arg-type,return-value]
    rows = [measured(absent, case) for case in SMOOTH[:3]]
    found = score(rows_frame(rows))
    assert (found["cases"], found["failed"]) == (0, 0)
    assert "absent: gone is not installed" in line("gone", rows)
    (told,) = board(rows_frame(rows)).to_dict("records")
    assert told["note"].startswith("gone is not installed") and told["group"] == "all"


def test_the_textbook_formula_is_that_of_the_textbook() -> None:
    (method,) = OWN.values()
    x, h = 2.5, np.finfo(float).eps ** (1 / 3) * 2.5
    row = measured(method, Case("exp", "smooth", np.exp, x, math.exp(x), 0.0))
    assert row.value == (np.exp(x + h) - np.exp(x - h)) / (2 * h)
    assert row.evaluations == 2
    half = get_format("float16")
    row = measured(method, Case("exp", "smooth", np.exp, 1.0, math.e, 0.0, "float16"))
    step = np.float16(half.eps ** (1 / 3))
    upper, lower = np.exp(np.float16(1) + step), np.exp(np.float16(1) - step)
    assert row.value == float((upper - lower) / (2 * step))


def test_scores_of_known_rows() -> None:
    """Four answers by hand: exact to a bound, flagged and right, silently wrong, none."""
    case = Case("f", "smooth", np.exp, 0.0, 2.0, 0.0)
    rows = [
        Row("m", case, 2.0 + 2.0**-20, 2.0**-18, 10, "ok"),
        Row("m", case, 2.0 - 2.0**-20, 2.0**-21, 20, "low_confidence"),
        Row("m", case, 3.0, 0.5, 30, "ok"),
        Row("m", case, math.nan, math.nan, 40, "error"),
    ]
    found = score(rows_frame(rows))
    counts = [found[name] for name in ("cases", "failed", "silent_wrong", "flagged", "flagged_right")]
    assert counts == [4, 1, 1, 1, 1]
    assert found["coverage"] == 1 / 4 and found["coverage_unflagged"] == 1 / 3
    assert found["tightness"] == 0.5  # of 4, 1/2 and 1/2
    assert found["error_p95"] == math.inf and found["error_median"] == (2.0**-21 + 0.5) / 2
    assert (found["evaluations_median"], found["evaluations_max"]) == (25.0, 40)


def test_groups_of_the_board_add_up() -> None:
    rows = rows_frame([measured("auto", case) for case in CASES[:60]])
    made = board(rows)
    whole, parts = made[made["group"] == "all"], made[made["group"] != "all"]
    for name in ("cases", "failed", "silent_wrong", "flagged"):
        assert int(whole[name].iloc[0]) == int(parts[name].sum())
    unfinished = unmeasured_frame("auto", "float64", 60, 63, "timeout", "too slow")
    told = score(pd.concat([rows, unfinished]))
    assert told["failed"] == int(whole["failed"].iloc[0]) + 3


# -- the command -------------------------------------------------------------------------------------------


Said = tuple[int, str, str]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """benchmarks/random_set.py with words: exit code, output, errors."""

    def run_it(*words: str) -> Said:
        script = str(HERE / "benchmarks" / "random_set.py")
        monkeypatch.setattr("sys.argv", [script, *words])
        code = 0
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    return run_it


def test_the_command_prints_the_table(command: Callable[..., Said]) -> None:
    code, said, _ = command(
        "--seed", "5", "--cases", "20", "--groups", "--methods", "auto,central-2@cbrt-eps"
    )
    assert code == 0
    first, _, *table = said.splitlines()
    assert first == "seed 5, float64, 20 cases"
    assert "\n".join(table).startswith(HEADER)
    named = [text.split("|")[1].strip() for text in table[2:]]
    assert named[0] == "auto" and named[-1] == "central-2@cbrt-eps"
    assert sum(int(n) for n in re.findall(r"\((\d+)\)", " ".join(named))) == 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "float61"), "unknown format 'float61'"),
        (("--format", "longdouble"), "have no longdouble: use one of float16"),
        (("--methods", "jacobbi"), "did you mean 'jacobi'"),
        (("--cases", "0"), "must be at least 1"),
        (("--seed", "-1"), "must be at least 0"),
        (("--seed", "one"), "invalid whole number"),
    ],
)
def test_a_mistake_on_the_command_line_is_answered(
    command: Callable[..., Said], words: tuple[str, ...], said: str
) -> None:
    code, shown, errors = command(*words)
    assert code == 2 and said in errors and not shown


def test_the_seed_of_the_documentation_is_the_seed_of_the_suites() -> None:
    assert f"{SEED}" in (HERE / "docs" / "auto.md").read_text(encoding="utf-8")
    for name in ("default", "full", "quick"):
        suite = load_suite(name)
        assert suite.random is not None and suite.random.seed == SEED >= 1000


# -- a run -------------------------------------------------------------------------------------------------

SUITE = """
title = "random functions"
problems = ["sin"]
formats = ["float64"]
[stencils]
1 = ["central-2"]
[steps]
per_decade = 2
"""
TABLE = """
[random]
cases = { float64 = 210, bfloat16 = 20 }
methods = ["auto", "jacobi", "numdifftools", "fdm", "scipy.approx_derivative", "central-2@cbrt-eps"]
seed = 23
"""


def write(place: Path, table: str = TABLE) -> Path:
    (place / "suite.toml").write_text(SUITE + table, encoding="utf-8")
    return place / "suite.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("random")
    made = run(write(place), place / "run", jobs=2)
    assert made.failed == 0
    assert run(write(place), place / "run", jobs=2).unchanged, "nothing is computed twice"
    return place / "run"


def test_cells_are_blocks_of_one_method(folder: Path) -> None:
    labels = [cell.label for cell in plan(load_suite(folder.parent / "suite.toml")) if cell.kind == "random"]
    assert labels[0] == f"seed 23 float64 random auto 1 to {BLOCK}"
    assert f"seed 23 float64 random auto {BLOCK + 1} to 210" in labels
    counts = load(folder).manifest["kinds"]["random"]["counts"]
    rows = pd.read_parquet(folder / ROWS)
    assert counts == rows["status"].astype(str).value_counts().to_dict()


def test_the_tables_of_a_run_are_those_of_the_package(folder: Path) -> None:
    rows = pd.read_parquet(folder / ROWS)
    mine = rows[(rows["method"] == "auto") & (rows["format"] == "float64")]
    assert list(mine["case"]) == list(range(210))
    direct = rows_frame([measured("auto", case) for case in cases(23, 30)])
    shown = ["x", "exact", "exact_rest", "estimate", "error", "error_estimate", "evaluations", "covered"]
    pd.testing.assert_frame_equal(mine[shown].head(30).reset_index(drop=True), direct[shown])
    scores = pd.read_csv(folder / BOARD)
    (whole,) = scores[
        (scores["method"] == "auto") & (scores["format"] == "float64") & (scores["group"] == "all")
    ].to_dict("records")
    assert whole["cases"] == 210
    assert whole["silent_wrong"] == int(mine["silent_wrong"].sum())
    assert whole["coverage"] == pytest.approx(mine["covered"].mean(), abs=0)


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    suite = write(tmp_path)
    seen = 0

    def stop(progress: Any) -> None:
        nonlocal seen
        seen += 1
        if progress.done >= 4:
            raise KeyboardInterrupt

    with pytest.raises((RunInterrupted, KeyboardInterrupt)):
        run(suite, tmp_path / "run", jobs=1, progress=stop)
    stored = len([path for path in (tmp_path / "run" / "cells").iterdir() if path.name[0] != "."])
    assert seen and stored >= 4
    made = run(suite, tmp_path / "run", jobs=2)
    assert made.reused >= 4 and made.failed == 0
    for name in (ROWS, BOARD):
        assert (tmp_path / "run" / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_first_use_that_takes_its_time_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries import parts of themselves in a first call; a time limit there breaks them for good."""
    ready = []

    def prepare() -> None:
        if not ready:
            time.sleep(0.4)
            ready.append(1)

    def estimate(f: Any, fmt: Any, points: Any, derivative: int) -> Estimate:
        prepare()
        return Estimate(np.ones(np.shape(points)), 0.1, 0)

    method = Method("slow start", estimate, derivatives=(1,), prepare=prepare)
    monkeypatch.setitem(OWN, "slow start", method)
    found = random.compute(random.Seed(5), "float64", random.Settings("slow start", 0, 3, 0.2))
    assert list(found["random"]["status"]) == ["ok"] * 3


def test_a_block_that_was_stopped_is_tried_again_case_by_case() -> None:
    where = (random.Seed(5), "float64", random.Settings("jacobi", 3, 6, 10.0))
    first, again = random.compute(*where)["random"], random.rescue(*where)["random"]
    pd.testing.assert_frame_equal(first, again)
    lost = random.failure(*where, "timeout", "not finished after 120 s")["random"]
    assert list(lost["case"]) == [3, 4, 5] and lost["failed"].all() and not lost["silent_wrong"].any()
    assert list(lost.columns) == list(first.columns) and list(lost.dtypes) == list(first.dtypes)


def test_more_cases_add_blocks(folder: Path, tmp_path: Path) -> None:
    before = plan(load_suite(folder.parent / "suite.toml"))
    after = plan(load_suite(write(tmp_path, TABLE.replace("210", "400"))))
    first = {cell.key for cell in before if cell.kind == "random" and cell.settings.stop == BLOCK}
    assert first and first <= {cell.key for cell in after}
    other = plan(load_suite(write(tmp_path, TABLE.replace("seed = 23", "seed = 24"))))
    assert not {cell.key for cell in before if cell.kind == "random"} & {cell.key for cell in other}


def test_the_report_shows_them(folder: Path) -> None:
    made = render(folder)
    assert set(FIGURES) <= {path.stem for path in made.figures}
    text, page = (path.read_text(encoding="utf-8") for path in (made.report, made.page))
    data = open_run(folder)
    tables = {make.__name__: make(data) for make in TABLES}
    for table in tables.values():
        assert f"### {table.title}" in text and table.title in page
        assert all(len(row) == len(table.columns) for row in table.rows)
    scores = pd.read_csv(folder / BOARD).query("group == 'all' and cases > 0")
    shown = {(row[0], row[1]): row for row in tables["random_methods"].rows}
    assert len(shown) == len(scores)
    for row in scores.to_dict("records"):
        line_of = shown[row["format"], row["method"]]
        assert line_of[2:6] == tuple(
            str(row[name]) for name in ("cases", "failed", "silent_wrong", "flagged")
        )
    absent = {row[:2] for row in tables["random_absent"].rows}
    assert ("scipy.approx_derivative", "bfloat16") in absent
    assert (("fdm", "float64 and bfloat16") in absent) != get_method("fdm").available
    assert {row[1] for row in tables["random_groups"].rows} <= set(GROUPS)
    said = random_functions(data).text
    assert "seed 23" in said and " ".join(said.split()) in text.replace("\\", "")
    assert "tuned" not in said, "tuning uses seeds below 1000"
    wrong = int(scores.query("method == 'auto' and format == 'float64'")["silent_wrong"].iloc[0])
    assert f"in float64 auto is silently wrong in {wrong} of 210 cases" in said


def test_a_run_without_them_says_so(folder: Path, tmp_path: Path) -> None:
    made = run(write(tmp_path, ""), tmp_path / "run", jobs=1)
    assert made.table(ROWS) is None
    shown = render(tmp_path / "run")
    assert "No random functions: the suite has no table [random]." in shown.missing
    with pytest.raises(Missing):
        random_functions(open_run(tmp_path / "run"))


# what is wrong in the table, what is said
MISTAKES = [
    ({}, "the key 'random.cases' is missing"),
    ({"cases": {}}, "random.cases: "),
    ({"cases": 100}, "random.cases: must be a valid dictionary"),
    ({"cases": {"float61": 5}}, "random.cases: unknown format 'float61'"),
    ({"cases": {"longdouble": 5}}, "random.cases: the random functions have no longdouble"),
    ({"cases": {"float64": 0}}, "random.cases: float64 = 0 must be a number of cases from 1 to 100000"),
    ({"cases": {"float64": 1.5}}, "random.cases.float64: must be a valid integer"),
    ({"cases": {"float64": True}}, "random.cases.float64: must be a valid integer"),
    ({"cases": {"float64": 5}, "seed": -1}, "random.seed: must be greater than or equal to 0"),
    ({"cases": {"float64": 5}, "seed": "x"}, "random.seed: must be a valid integer"),
    ({"cases": {"float64": 5}, "limit": 0}, "random.limit: must be greater than 0"),
    ({"cases": {"float64": 5}, "methods": []}, "random.methods: "),
    ({"cases": {"float64": 5}, "sed": 1}, "unknown key 'random.sed': did you mean 'seed'?"),
]


@pytest.mark.parametrize(("table", "said"), MISTAKES)
def test_a_mistake_in_the_table_is_answered_with_its_key(table: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_suite(load_suite("quick").model_dump(mode="json") | {"random": table})
    assert said in str(caught.value) and len(str(caught.value).splitlines()) == 2


def test_mistakes_end_the_command_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = (
        ("cases = { float64 = 0 }", "random.cases"),
        ('cases = { float64 = 5 }\nmethods = ["jacobbi"]', "random.methods: unknown method 'jacobbi'"),
    )
    for table, said in tables:
        suite = write(tmp_path, f"[random]\n{table}\n")
        assert main(["run", str(suite), "--out", str(tmp_path / "run")]) == 2
        assert said in capsys.readouterr().err


def test_options_narrow_the_random_functions_too() -> None:
    suite = load_suite("default")
    assert suite.random is not None
    assert suite.with_options(["sin"]).random is None, "a set of its own"
    assert suite.with_options(["all"]).random == suite.random
    narrow = suite.with_options(formats=["float16"]).random
    assert narrow is not None and set(narrow.cases) == {"float16"}
    assert suite.with_options(formats=["longdouble"]).random is None


def test_formats_of_the_set() -> None:
    assert [check_format(name) for name in FORMATS] == list(FORMATS)
    with pytest.raises(UserError, match="use one of float16"):
        check_format("longdouble")
