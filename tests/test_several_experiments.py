"""Experiments in several variables: scores, the tournament, descents, fields, growth, and a run with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from diffbench.arithmetic.formats import get_format
from diffbench.errors import UserError
from diffbench.methods.finite_differences import Scheme
from diffbench.multivariate import tournament as several
from diffbench.multivariate.descent import DescentSettings, descents, lowest_value, stalls
from diffbench.multivariate.fields import field_frame, matrix_frame, split_frame
from diffbench.multivariate.growth import fit_exponent
from diffbench.multivariate.scores import errors, norms
from diffbench.multivariate.tournament import GradientSettings, board, gradient_frame, norms_frame, scaled
from diffbench.multivariate.truth import certify
from diffbench.problems.multivariate import get_multivariate, multivariate_problems
from diffbench.report import several_findings, several_report
from diffbench.report.data import Missing
from diffbench.report.several_maps import angle as drawn_angle
from diffbench.split import PARTS
from diffbench.stencils import stencil_from_name

FLOAT32, FLOAT64 = get_format("float32"), get_format("float64")


# scores ---------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=5), st.floats(1e-12, 1e-3), st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_small_angles_are_the_orthogonal_part(vector: list[float], size: float, seed: int) -> None:
    g = np.array(vector)
    if np.linalg.norm(g) < 1e-3:
        return
    e = np.random.default_rng(seed).normal(size=g.size)
    e -= g * (e @ g) / (g @ g)
    e *= size * np.linalg.norm(g) / np.linalg.norm(e)
    found = norms(e, g)
    assert found["angle"] == pytest.approx(np.arctan(size), rel=1e-6)
    assert found["norm_error"] == pytest.approx(size, rel=1e-9)
    assert norms(1e-6 * g, g)["angle"] < 1e-14  # a wrong length is no wrong direction


@pytest.mark.parametrize(
    ("e", "g", "angle"),
    [([-2.0, 0.0], [1.0, 0.0], np.pi), ([-1.0, 1.0], [1.0, 0.0], np.pi / 2), ([0.0, 0.0], [3.0, 4.0], 0.0)],
)
def test_large_angles(e: Any, g: Any, angle: float) -> None:
    assert norms(np.array(e), np.array(g))["angle"] == pytest.approx(angle, abs=1e-15)
    rows = pd.DataFrame({"gx": [g[0]], "gy": [g[1]], "ex": [e[0]], "ey": [e[1]]})
    assert drawn_angle(rows)[0] == pytest.approx(angle, abs=1e-15)


def test_no_angle_without_a_direction() -> None:
    assert np.isnan(norms(np.array([1.0, 0.0]), np.zeros(2))["angle"])
    assert np.isnan(norms(np.array([-1.0, 0.0]), np.array([1.0, 0.0]))["angle"])


def test_errors_are_exact_differences() -> None:
    exact = np.array([arb(1) / 3, arb(2)], dtype=object)
    found = errors(np.array([1 / 3, np.nan]), exact)
    assert found[0] == pytest.approx(-1.850371707708594e-17, rel=1e-12)  # 1/3 in binary64 is that much less
    assert np.isnan(found[1])


# the tournament --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    frames = [
        gradient_frame(get_multivariate(name), fmt, GradientSettings())
        for name in ("rosen", "helical", "powell_residuals")
        for fmt in (get_format("float16"), FLOAT64)
    ]
    return pd.concat(frames, ignore_index=True)


def test_every_method_has_a_row_for_every_component(rows: pd.DataFrame) -> None:
    mine = rows[
        (rows["problem"] == "rosen") & (rows["format"] == "float64") & (rows["scaling"] == "as given")
    ]
    counts = mine.groupby(["quantity", "method"]).size()
    assert set(counts["gradient"]) == {2} and set(counts["hessian"]) == {4}
    assert set(mine.loc[mine["quantity"] == "gradient", "method"]) == set(several.METHODS)
    known = {"ok", "refused", "overflow", "domain", "no_step", "step_vanished", "low_confidence"}
    assert set(rows["status"]) <= known
    assert (rows.loc[rows["status"] != "ok", "message"] != "").all(), "a failure says why"


def test_rows_are_what_they_say(rows: pd.DataFrame) -> None:
    fine = rows[rows["status"] == "ok"]
    gap = (fine["estimate"] - fine["exact"]) - fine["error"]
    assert (gap.abs() <= 4e-16 * (fine["estimate"].abs() + fine["exact"].abs())).all()
    inside = fine[fine["predicted"].notna()]
    assert len(inside) > 100
    assert (inside["error"].abs() <= inside["predicted"]).all()


def test_one_step_for_all_is_worse_where_coordinates_are_badly_scaled(rows: pd.DataFrame) -> None:
    scores = norms_frame(rows)
    table = board(rows, scores)
    mine = table[(table["quantity"] == "gradient") & (table["format"] == "float64")]
    bad = mine[mine["scaling"] == "badly scaled"].set_index("method")["norm_median"]
    assert bad["central-2@eps-relative"] < 1e-6 < bad["central-2, one step"]
    assert bad["reverse"] < 1e-15
    assert (table["within"].dropna() == 1).all()


def test_bad_units_are_the_same_function_and_the_same_truth() -> None:
    p = get_multivariate("powell")
    f, factors = scaled(p.function, 4)
    y = np.array(p.points[0]) / factors
    assert f(y[:, None])[0] == p.function(np.array(p.points[0])[:, None])[0]
    known = certify(p.function, np.array(p.points[0]), hessian=True).in_units(factors)
    again = certify(f, y, hessian=True)
    for a, b in zip(known.gradient.ravel(), again.gradient.ravel(), strict=True):
        assert (a - b).contains(0) and a.rad() < 1e-60 * abs(a) + arb(1e-60)
    assert known.hessian is not None and again.hessian is not None
    assert all((a - b).contains(0) for a, b in zip(known.hessian.ravel(), again.hessian.ravel(), strict=True))


# descents ---------------------------------------------------------------------------------------------------


def test_a_descent_ends_where_its_gradient_is_wrong() -> None:
    ways = (("forward-1", 1e-2), ("central-2", None), ("reverse", None))
    found = descents(get_multivariate("rosen"), FLOAT64, DescentSettings(ways=ways))
    ends = stalls(found).set_index(["optimiser", "method"])["slope"]["BFGS"]
    assert ends["forward-1"] > 1e-2 > 1e-5 > ends["central-2"] >= ends["reverse"]
    assert ends["reverse"] < 1e-9
    assert (found["gap"].dropna() >= -1e-15).all(), "nothing lies below the minimum"
    first = found.groupby(["optimiser", "method"]).head(1)
    assert (first["iteration"] == 0).all() and (first["value"] == first["value"].iloc[0]).all()


def test_the_minimum_of_the_logistic_loss_has_no_slope() -> None:
    p = get_multivariate("logistic")
    assert p.start is not None
    least = lowest_value(p.function, p.start(8))
    moved = [p.function((p.start(8) + d)[:, None])[0] for d in np.linspace(-1, 1, 5)]
    assert 0 < least < min(moved)


# fields -----------------------------------------------------------------------------------------------------


def test_fields_hold_the_truth_and_its_error() -> None:
    f = get_multivariate("rosen").function
    found = field_frame(f, FLOAT32, (-2, -1), (2, 3), 5, ("central-2",))
    assert len(found) == 25
    x, y = found["x"].to_numpy(), found["y"].to_numpy()
    np.testing.assert_allclose(found["gx"], -400 * x * (y - x**2) - 2 * (1 - x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found["gy"], 200 * (y - x**2), rtol=1e-12)
    assert 0 < found["ex"].abs().max() < 1
    matrix = matrix_frame(
        get_multivariate("broyden_banded").function, FLOAT64, np.linspace(-1, 1, 8), ("reverse",)
    )
    assert len(matrix) == 64 and matrix["error"].abs().max() < 1e-14


def test_splits_along_directions_add_up() -> None:
    schemes = [Scheme(stencil_from_name("central-2"))]
    f = get_multivariate("rosen").function
    found = split_frame(f, FLOAT32, np.array([-1.2, 1.0]), schemes)
    assert set(found["direction"]) == {"x[0]", "x[1]", "(1, ..., 1)"}
    parts = found[list(PARTS)].to_numpy()
    gap = np.abs(parts.sum(axis=1) - found["error"])
    assert np.all(gap <= 4e-16 * (np.abs(parts).sum(axis=1) + found["error"].abs()))
    along = found[found["direction"] == "(1, ..., 1)"]
    assert (along["abscissa"] == 0).all(), "the nodes of t are exact"
    assert (found.loc[found["direction"] == "x[1]", "truncation"] == 0).all(), "f is quadratic in x[1]"


SCALAR = [name for name, p in multivariate_problems().items() if not p.several]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCALAR)
def test_splits_add_up_for_every_problem(name: str) -> None:
    """Along every coordinate and the diagonal; where a row has parts, they add up to its error."""
    problem = get_multivariate(name)
    schemes = [Scheme(stencil_from_name(stencil)) for stencil in ("forward-1", "central-2")]
    for fmt in (FLOAT32, FLOAT64):
        if problem.formats is not None and fmt.name not in problem.formats:
            continue
        for point in problem.points:
            found = split_frame(problem.function, fmt, np.array(point), schemes, per_decade=2)
            assert set(found["direction"]) == {*(f"x[{i}]" for i in range(len(point))), "(1, ..., 1)"}
            known = found[np.isfinite(found["error"])]
            assert len(known) > 0.5 * len(found)
            # helical divides by x[0]: at the node x[0] = 0, with h = 1 on the diagonal, f has no true value
            undecided = known[list(PARTS)].isna().any(axis=1)
            at_zero = (known["direction"] == "(1, ..., 1)") & (known["h"] == 1)
            assert not undecided.any() or (name == "helical" and at_zero[undecided].all())
            known = known[~undecided]
            parts = known[list(PARTS)].to_numpy()
            gap = np.abs(parts.sum(axis=1) - known["error"])
            assert np.all(gap <= 1e-15 * (np.abs(parts).sum(axis=1) + known["error"].abs()))


# growth -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_exponents_of_exact_powers(exponent: float) -> None:
    n = np.array([100, 300, 1000, 3000])
    found = fit_exponent(n, 7.0 * n**exponent)
    assert found.value == pytest.approx(exponent, abs=1e-12)
    assert found.low == pytest.approx(exponent, abs=1e-9) and found.high == pytest.approx(exponent, abs=1e-9)


def test_the_interval_covers_as_often_as_it_says() -> None:
    random, n, covered = np.random.default_rng(5), np.array([100, 200, 400, 800, 1600]), 0
    for _ in range(400):
        found = fit_exponent(n, n**1.5 * np.exp(0.2 * random.normal(size=n.size)))
        covered += found.low <= 1.5 <= found.high
    assert 0.92 <= covered / 400 <= 0.98  # 95 %, and three standard deviations of 400 draws


@pytest.mark.parametrize(("n", "cost"), [([1, 2], [1, 2]), ([1, 2, 3], [1, 2, 0]), ([1, 2, 3], [1, 2])])
def test_what_cannot_be_fitted(n: list[int], cost: list[int]) -> None:
    with pytest.raises(UserError, match="three positive points"):
        fit_exponent(n, cost)


# a run ------------------------------------------------------------------------------------------------------

SUITE = """
title = "several variables"
problems = ["exp"]
formats = ["float32", "float64"]
[stencils]
1 = ["central-2"]
[steps]
per_decade = 2
[gradients]
problems = ["rosen", "rosen_residuals"]
descents = ["rosen"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from diffbench.runs import run

    place = tmp_path_factory.mktemp("several")
    (place / "suite.toml").write_text(SUITE, encoding="utf-8")
    made = run(place / "suite.toml", place / "run", jobs=2)
    assert made.failed == 0
    again = run(place / "suite.toml", place / "run", jobs=2)
    assert again.unchanged, "nothing is computed twice"
    return place / "run"


def test_a_run_has_the_tables(folder: Path) -> None:
    from diffbench.runs.kinds import get_kind

    tables = get_kind("gradients").tables
    assert [name for name in tables if not (folder / name).is_file()] == []
    rows = pd.read_parquet(folder / "gradients.parquet")
    assert {"rosen", "rosen_residuals"} == set(rows["problem"])
    assert {"gradient", "jacobian", "hessian"} == set(rows["quantity"])
    table = pd.read_csv(folder / "gradient-methods.csv")
    assert set(table["format"]) == {"float32", "float64"}


def test_the_report_shows_them(folder: Path) -> None:
    from diffbench.report.page import render

    made = render(folder)
    names = {path.stem for path in made.figures}
    assert {name for name in several_report.FIGURES if name != "gradients-cost"} <= names
    text = made.report.read_text(encoding="utf-8")
    assert "## Several variables" in text and "Where a descent stops" in text
    assert any("timings.json has no study" in sentence for sentence in made.missing)
    pictures = {path: path.read_bytes() for path in made.figures}
    assert render(folder).redrawn == 0
    assert {path: path.read_bytes() for path in made.figures} == pictures


def test_cost_and_overhead_come_from_the_timings(folder: Path) -> None:
    from dataclasses import replace

    from diffbench.report.data import open_run

    data = open_run(folder)
    with pytest.raises(Missing):
        several_findings.gradient_cost(data)
    study = [{"n": n, "seconds": n * 1e-6, "unit": 1e-6, "cost": 0.5 * n, "error": 1e-9} for n in (100, 1000)]
    growth = {"exponent": 1.0, "low": 0.9, "high": 1.1}
    benchmarks = [
        {"extra_info": {"method": "central-2", "study": study, "growth": growth}},
        {
            "extra_info": {
                "ratio": 1.2,
                "times_of_rivals": {"other": 2.0},
                "block": 2**19,
                "peak_memory": 2**22,
            }
        },
    ]
    benchmarks.insert(1, {"extra_info": {"ratio": 1.3, "times_of_rivals": {"approx": 1.9}}})
    timed = replace(data, timings={"benchmarks": benchmarks})
    told = several_findings.gradient_cost(timed).text
    assert "500 at n = 1000" in told and "n^1.00" in told and "200 evaluations" in told
    told = several_findings.gradient_overhead(timed).text
    assert "512 KiB" in told and "takes 1.2 times" in told
    assert "central differences take other 2 times" in told and "forward differences take approx 1.9" in told
    table = several_report.gradient_growth(timed)
    assert table.rows[0][:4] == ("central-2", "2 n", "1.00", "0.90 to 1.10")


def test_a_mistake_in_the_suite_names_the_key(tmp_path: Path) -> None:
    from diffbench.runs import run

    for wrong, said in (('problems = ["rosem"]', "rosen"), ('formats = ["float63"]', "float64")):
        (tmp_path / "suite.toml").write_text(
            SUITE.split("[gradients]")[0] + f"[gradients]\n{wrong}\n", "utf-8"
        )
        with pytest.raises(UserError, match=said):
            run(tmp_path / "suite.toml", tmp_path / "run", jobs=1)
