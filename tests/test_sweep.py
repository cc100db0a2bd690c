"""Sweeps: observed orders, frames and their columns, every status, and functions without a split."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pandas as pd
import pytest

import diffbench as db
from diffbench.arithmetic.formats import NAMES, get_format
from diffbench.arithmetic.taylor import TaylorArithmetic
from diffbench.errors import RefusedError, UnknownNameError, UserError
from diffbench.frames import SWEEP_COLUMNS
from diffbench.methods.finite_differences import VARIANTS
from diffbench.problems import Problem, get_problem, problems
from diffbench.reference import reference
from diffbench.sampling import STATUSES, certified_for
from diffbench.scores import SUMMARY_COLUMNS
from diffbench.split import PARTS
from diffbench.stencils import stencil_from_name
from diffbench.sweep import DEFAULT_STENCILS, SweepSettings, sweep_cell

Function = Callable[[Any], Any]
Cell = dict[str, pd.DataFrame]

SMOOTH = [p.name for p in problems().values() if p.group == "smooth"]
LINE = SweepSettings({1: ("central-2",)}, per_decade=2)


def swept(f: Function, x: float = 1.0, **arguments: Any) -> pd.DataFrame:
    """A small sweep in float64."""
    chosen = {"formats": "float64", "stencils": "central-2", "per_decade": 2} | arguments
    return db.sweep(f, x, **chosen).frame


def statuses(frame: pd.DataFrame) -> set[str]:
    return set(frame["status"].astype(str))


# -- orders ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=SMOOTH)
def smooth(request: pytest.FixtureRequest) -> dict[str, Cell]:
    """All default stencils of one smooth problem, in float64 and float32."""
    problem = get_problem(request.param)
    return {name: sweep_cell(problem, name, SweepSettings()) for name in ("float64", "float32")}


@pytest.mark.parametrize("name", ["float64", "float32"])
def test_the_observed_order_is_the_expected_one(smooth: dict[str, Cell], name: str) -> None:
    """Within 0.01 of p; of a higher order, or infinity, where the Taylor series says so (x**3 and x**4)."""
    summary = smooth[name]["summary"]
    assert len(summary) == sum(map(len, DEFAULT_STENCILS.values())) * summary["point"].nunique()
    for row in summary.itertuples():
        assert row.expected_order >= row.accuracy
        assert row.expected_order == row.accuracy or row.problem in ("cube", "fourth_power")
        near = (
            row.observed_order == row.expected_order or abs(row.observed_order - row.expected_order) <= 0.01
        )
        assert near, f"{row.stencil} d{row.derivative}: {row.observed_order} is not {row.expected_order}"
        # the regime reaches from the smallest steps of the sweep up to a step that is worth knowing
        assert 0 < row.order_h_low < 1e-6 < row.order_h_high


@pytest.mark.parametrize("name", ["float64", "float32"])
def test_the_truncation_tends_to_its_leading_term(smooth: dict[str, Cell], name: str) -> None:
    """T / h^p -> C f^(m+p)(x): within 1e-6 at the smallest step, where the next term is 1e-8 or less."""
    references = smooth[name]["references"].set_index(["point", "derivative"])["value"]
    frame = smooth[name]["sweep"]
    usable = frame[(frame["h"] > 0) & frame["truncation"].notna()]
    smallest = usable.loc[usable.groupby(["point", "stencil", "derivative"], observed=True)["h"].idxmin()]
    assert len(smallest) == len(smooth[name]["summary"])
    for row in smallest.itertuples():
        stencil = stencil_from_name(row.stencil, row.derivative)
        leading = float(stencil.error_constant) * references[row.point, row.derivative + row.accuracy]
        assert row.truncation / row.h**row.accuracy == pytest.approx(leading, rel=1e-6, abs=0)
        assert row.truncation_zero == (leading == 0)


def test_symmetry_raises_the_order_and_the_expansion_explains_it() -> None:
    """forward-1 of sin at 0: f'' = 0, so the error is h^2 f'''/6, and of cos at 0 with central: exact."""
    odd = db.sweep(
        np.sin, 0.0, formats="float64", stencils=("forward-1", "backward-1", "central-2")
    ).summary()
    assert odd["expected_order"].tolist() == [2, 2, 2]
    assert odd["observed_order"].tolist() == pytest.approx([2, 2, 2], abs=0.01)
    even = db.sweep(np.cos, 0.0, formats="float64", stencils=("central-2", "forward-1")).summary()
    assert even["observed_order"].tolist() == [math.inf, pytest.approx(1, abs=0.01)]


def test_a_wrong_error_constant_would_be_noticed() -> None:
    """What the test of the leading term compares with is sharp: C off by 1e-5 is off."""
    row = swept(np.exp, steps=[1e-6]).iloc[0]
    right = float(stencil_from_name("central-2").error_constant) * math.e
    assert row["truncation"] / row["h"] ** 2 == pytest.approx(right, rel=1e-6)
    assert row["truncation"] / row["h"] ** 2 != pytest.approx(right * (1 + 1e-5), rel=1e-6)


# -- the frames --------------------------------------------------------------------------------------------

TYPES = {
    **dict.fromkeys(("problem", "point", "format", "stencil", "variant", "status", "message"), "category"),
    **dict.fromkeys(("derivative", "accuracy", "evaluations"), "int64"),
    **dict.fromkeys(("x", "h_requested", "h", "estimate", "exact", "error", *PARTS), "float64"),
    "truncation_zero": "bool",
}
TEXTS = ["x_text", "h_text", "estimate_text"]


@pytest.mark.parametrize("name", NAMES)
def test_columns_types_and_order_of_the_rows(name: str) -> None:
    settings = SweepSettings({1: ("forward-1", "central-4"), 2: ("central-2",)}, 4, variants=VARIANTS)
    cell = sweep_cell(get_problem("sin"), name, settings)
    frame = cell["sweep"]
    assert list(frame.columns) == [*SWEEP_COLUMNS, *(TEXTS if name == "longdouble" else [])]
    assert {c: str(t) for c, t in frame[list(SWEEP_COLUMNS)].dtypes.items()} == TYPES
    assert tuple(frame["status"].cat.categories) == STATUSES
    assert tuple(frame["format"].cat.categories) == NAMES
    assert tuple(frame["variant"].cat.categories) == VARIANTS
    variants = VARIANTS if get_format(name).precision < 24 else VARIANTS[:2]  # mixed is for the half formats
    keys = frame[["stencil", "derivative", "variant"]].drop_duplicates().astype(str)
    expected = [
        (s, d, v) for s, d in (("forward-1", "1"), ("central-4", "1"), ("central-2", "2")) for v in variants
    ]
    assert [tuple(row) for row in keys.to_numpy().tolist()] == expected
    for _, rows in frame.groupby(["stencil", "derivative", "variant"], observed=True):
        assert (rows["h_requested"].diff().dropna() < 0).all()
        assert len(rows) == len(frame) / len(expected)
    assert (frame["problem"] == "sin").all()
    assert (frame["point"] == "1.0").all()
    assert frame["evaluations"].tolist() == [
        len(stencil_from_name(s, int(d)).offsets)
        for s, d in zip(frame["stencil"], frame["derivative"], strict=True)
    ]
    assert list(cell["summary"].columns) == list(SUMMARY_COLUMNS)
    assert len(cell["summary"]) == len(expected)


def test_the_references_hold_what_predictions_need() -> None:
    """Derivatives 0 to m + p + 4, 50 digits, and the scale."""
    references = sweep_cell(get_problem("slow_exp"), "float64", SweepSettings())["references"]
    assert references["derivative"].tolist() == list(range(1 + 8 + 4 + 1))
    assert set(references["scale"]) == {1e6}
    assert references["status"].tolist() == ["ok"] * 14
    checked = references["mpmath_agrees"]
    assert str(checked.dtype) == "boolean"
    assert checked[:4].tolist() == [True] * 4  # f and the derivatives that are swept
    assert checked[4:].isna().all()
    assert references["value_digits"].str.len().min() > 50
    assert (references["left"] == references["value"]).all()


def test_longdouble_numbers_are_kept_as_text() -> None:
    frame = swept(np.exp, 0.1, formats="longdouble", steps=[1e-3, 1e-5])
    # the point is the float64 number 0.1, used exactly; h is 1e-3 in float64, then exactly that
    assert [np.longdouble(t) for t in frame["x_text"]] == [np.longdouble(0.1)] * 2
    assert [np.longdouble(t) for t in frame["h_text"]] == [np.longdouble(1e-3), np.longdouble(1e-5)]
    for text, stored in zip(frame["estimate_text"], frame["estimate"], strict=True):
        assert float(np.longdouble(text)) == stored
    if get_format("longdouble").precision > 53:
        assert any(
            np.longdouble(t) != np.longdouble(s)
            for t, s in zip(frame["estimate_text"], frame["estimate"], strict=True)
        )
    assert swept(np.exp, 0.1).columns.tolist() == list(SWEEP_COLUMNS)


def test_steps_of_your_own_and_binary_steps() -> None:
    own = swept(np.sin, steps=[1e-3, 0.25, 1e-5])
    assert own["h"].tolist() == [0.25, 1e-3, 1e-5]
    assert swept(np.sin, steps=(10.0**-k for k in range(3)))["h"].tolist() == [1.0, 0.1, 0.01]
    assert swept(np.sin, steps=0.5)["h"].tolist() == [0.5]
    binary = swept(np.sin, kind="binary")
    assert binary["h"].tolist() == [2.0**-e for e in range(56)]
    ok = binary[binary["h"] >= 2.0**-52]
    assert (ok["abscissa"] == 0).all()
    wide = swept(np.sin, 1.0, scale=100.0, kind="binary")
    assert wide["h"].iloc[0] == 64.0
    assert swept(np.sin, 300.0, kind="binary")["h"].iloc[0] == 256.0  # the default scale is max(1, |x|)


@pytest.mark.parametrize("m", [2, 3, 6])
def test_higher_derivatives(m: int) -> None:
    frame = db.sweep(np.exp, 0.0, derivative=m, formats="float64", stencils=("central-2", "forward-3")).frame
    assert set(frame["derivative"]) == {m}
    assert (frame["exact"] == 1).all()
    best = (
        frame[frame["status"] == "ok"].groupby("stencil", observed=True)["error"].agg(lambda e: e.abs().min())
    )
    assert (best < 0.05).all()


def test_several_formats_make_one_frame() -> None:
    made = db.sweep(np.sin, 0.1, stencils=("central-2",), per_decade=4, name="my sine")
    assert made.frame["format"].unique().tolist() == ["float16", "float32", "float64"]
    assert (made.frame["problem"] == "my sine").all()
    assert isinstance(made.frame["status"].dtype, pd.CategoricalDtype)
    points = made.frame.groupby("format", observed=True)["x"].first()
    assert points.tolist() == [0.0999755859375, 0.10000000149011612, 0.1]
    # a reference for every x: three points, orders 0 to 7
    assert len(made.references) == 3 * 8
    assert made.summary()["format"].tolist() == ["float16", "float32", "float64"]


def test_points_that_coincide_after_rounding_are_kept_once() -> None:
    close = Problem("close", np.sin, (1.0, 1.0 + 2.0**-40, 2.0))
    for name, points in (("float16", ["1.0", "2.0"]), ("float64", ["1.0", repr(1.0 + 2.0**-40), "2.0"])):
        assert sweep_cell(close, name, LINE)["sweep"]["point"].unique().tolist() == points


def test_a_sweep_shows_itself() -> None:
    made = db.sweep(np.sin, 1.0, per_decade=5)
    assert repr(made).startswith(f"<Sweep: {len(made.frame)} rows, ")
    html = made._repr_html_()
    assert html.count("<tr") == 1 + len(made.summary())
    assert "central-4" in html
    figure = made.plot()
    assert figure.get_axes(), "a figure with at least one panel"
    assert any(axes.get_xscale() == "log" for axes in figure.get_axes())


# -- every status ------------------------------------------------------------------------------------------


def raising(x: Any) -> Any:
    raise RuntimeError("the simulation diverged\nwith details nobody needs in a table")


def uncertain(x: Any) -> Any:
    return np.abs(np.sin(x) ** 2 + np.cos(x) ** 2 - 1) + x


# status -> problem, format, step. `timeout` is given by the pool that runs cells, never by a sweep.
STATUS_CASES: dict[str, tuple[Problem, str, float]] = {
    "refused": (Problem("mathematical", lambda x: math.sin(x), (1.0,)), "float64", 1e-3),
    "error": (Problem("raising", raising, (1.0,)), "float64", 1e-3),
    "domain": (Problem("edge", np.log, (0.01,)), "float64", 0.1),
    "overflow": (Problem("large", np.exp, (11.0,)), "float16", 0.5),
    "underflow": (Problem("small", np.sin, (1.0,)), "float16", 1e-50),
    "step_vanished": (Problem("far", np.sin, (1e10,)), "float64", 1e-10),
    "no_derivative": (Problem("kink", np.abs, (0.0,)), "float64", 1e-3),
    "uncertified": (Problem("undecided", uncertain, (1.0,)), "float64", 1e-3),
    "ok": (Problem("fine", np.sin, (1.0,)), "float64", 1e-3),
}


def test_every_status_at_once() -> None:
    assert set(STATUSES) == {*STATUS_CASES, "timeout"}
    settings = SweepSettings({1: ("central-2", "forward-2")})
    cells = {
        status: sweep_cell(problem, name, replace(settings, steps=(h,)))["sweep"]
        for status, (problem, name, h) in STATUS_CASES.items()
    }
    for status, frame in cells.items():
        expected = {status}
        if status == "domain":  # forward stencils stay inside
            assert frame["status"].tolist() == ["domain", "ok"]
            expected = {"domain", "ok"}
        assert statuses(frame) == expected, status
        assert len(frame) == 2
        worst = frame.iloc[0]
        assert (worst["message"] == "") is (status == "ok")
        # the parts are told just where there is a certified derivative and a finite estimate
        whole = status in ("ok", "step_vanished")
        assert np.isfinite(worst[[*PARTS, "error"]].to_numpy(dtype=float)).all() == whole, status
    everything = pd.concat(cells.values())
    assert statuses(everything) == set(STATUSES) - {"timeout"}
    # refused before a single step was tried: one row per stencil, without a step
    assert cells["refused"]["h"].isna().all()
    assert (cells["refused"]["evaluations"] == 0).all()
    assert "np.sin, not math.sin" in cells["refused"]["message"].iloc[0]
    assert cells["error"]["message"].iloc[0] == "RuntimeError: the simulation diverged"
    # the estimate is what the format gave, whatever the status
    assert cells["step_vanished"]["estimate"].iloc[0] == 0.0
    assert cells["no_derivative"]["estimate"].iloc[0] == 0.0
    assert cells["overflow"]["estimate"].iloc[0] == math.inf
    assert (everything["evaluations"][everything["h"].notna()] > 0).all()


# several things are wrong at once: the first of the list counts
FIRST: tuple[tuple[str, Problem, str, float, str], ...] = (
    ("h^2 underflows before 1 + h = 1", Problem("a", np.sin, (1.0,)), "float16", 1e-50, "underflow"),
    ("exp overflows before x + h = x", Problem("b", np.exp, (90.0,)), "float32", 1e-7, "overflow"),
    ("x + h = x at a kink elsewhere", Problem("c", np.abs, (1.0,)), "float64", 1e-20, "step_vanished"),
    ("outside before anything", Problem("d", np.log, (0.5,), domain=(0.25, 1)), "float64", 0.3, "domain"),
    ("a kink underflows", Problem("e", np.abs, (0.0,)), "float16", 1e-50, "underflow"),
)


@pytest.mark.parametrize(("case", "problem", "name", "h", "status"), FIRST, ids=[c[0] for c in FIRST])
def test_the_first_status_that_applies_counts(
    case: str, problem: Problem, name: str, h: float, status: str
) -> None:
    settings = SweepSettings({1: ("central-2",)}, steps=(h,))
    assert statuses(sweep_cell(problem, name, settings)["sweep"]) == {status}


# a point that the format cannot take: one row per stencil with that status; the other points are swept
@pytest.mark.parametrize(
    ("problem", "name", "status"),
    [
        (Problem("far", np.sin, (1e5, 1.0)), "float16", "overflow"),
        (Problem("edge", np.log1p, (1.0 - 1e-12, 0.5), domain=(-1, 1)), "float32", "domain"),
        (Problem("outside", np.log, (-1.0, 1.0)), "float64", "domain"),
    ],
)
def test_a_point_that_cannot_be_swept_is_one_row(problem: Problem, name: str, status: str) -> None:
    cell = sweep_cell(problem, name, LINE)
    first = cell["sweep"][cell["sweep"]["point"] == repr(problem.points[0])]
    assert len(first) == 1
    row = first.iloc[0]
    assert (row["status"], row["evaluations"]) == (status, 0)
    assert math.isnan(row["h"])
    assert row["message"]
    others = cell["sweep"][cell["sweep"]["point"] == repr(problem.points[1])]
    assert (others["status"] == "ok").sum() > 5


def test_nodes_that_leave_the_domain_are_the_only_rows_lost() -> None:
    frame = swept(
        np.sqrt, 0.5, domain=(0.25, 1.0), stencils=("central-2", "forward-1"), steps=[0.6, 0.3, 0.1]
    )
    assert frame["status"].tolist() == ["domain", "domain", "ok"] + ["domain", "ok", "ok"]
    # without a domain the function itself tells: sqrt of a negative number
    frame = swept(np.sqrt, 0.5, stencils=("central-2", "forward-1"), steps=[0.6, 0.3])
    assert frame["status"].tolist() == ["domain", "ok", "ok", "ok"]


def test_a_planted_wrong_reference_marks_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    true = TaylorArithmetic.kernels["sin"]
    monkeypatch.setitem(TaylorArithmetic.kernels, "sin", lambda x: true(x) * (1 + flint.arb(2) ** -100))
    cell = sweep_cell(get_problem("sin"), "float64", LINE)
    assert statuses(cell["sweep"]) == {"uncertified", "step_vanished"}
    assert cell["references"]["mpmath_agrees"][1] == False  # noqa: E712
    assert cell["references"]["message"][1] == "mpmath disagrees"


@pytest.mark.parametrize("name", NAMES)
def test_a_reference_judges_a_format_it_is_sharp_enough_for(name: str) -> None:
    """Its radius may be 2^-8 ulp of the format at its value, no more."""
    fmt, found = get_format(name), reference(np.exp, 1.0)
    ulp = 2.0 ** (2 - fmt.precision)  # of e, between 2 and 4
    for bits, enough in ((-8, True), (-7.9, False)):
        assert certified_for(replace(found, radius=mpmath.mpf(ulp * 2.0**bits)), fmt) is enough
    assert not certified_for(replace(found, status="uncertified"), fmt)


def test_stated_derivatives_are_told_apart_from_certified_ones() -> None:
    """x^2 sin(1/x) has no Taylor series at 0: its stated derivative is in the references, no row is `ok`."""
    cell = sweep_cell(get_problem("oscillating_square"), "float64", LINE)
    assert "ok" not in statuses(cell["sweep"])
    references = cell["references"].set_index("derivative")
    assert (references.loc[1, "left"], references.loc[1, "right"]) == (0, 0)
    kink = sweep_cell(get_problem("absolute_value"), "float64", LINE)
    at_kink = kink["references"].query("point == '0.0' and derivative == 1").iloc[0]
    assert (at_kink["kind"], at_kink["left"], at_kink["right"]) == ("kink", -1, 1)


# -- without the split -------------------------------------------------------------------------------------


def through_math(x: Any) -> Any:
    """What an opaque function has to be: plain arrays in, the same shape and dtype out."""
    return np.vectorize(math.sin)(x).astype(x.dtype)


@pytest.mark.parametrize(
    ("truth", "exact"),
    [(math.cos(1.0), math.cos(1.0)), (np.sin, math.cos(1.0)), (np.float32(0.5), 0.5), (1, 1.0)],
)
def test_a_function_of_the_math_module_without_the_split(truth: Any, exact: float) -> None:
    frame = swept(through_math, split=False, truth=truth, steps=[1e-3, 1e-5])
    assert statuses(frame) == {"ok"}
    assert frame["exact"].tolist() == [exact] * 2
    assert frame[list(PARTS)].isna().all(axis=None)
    # the error is the estimate minus the truth, rounded once
    wanted = [float(Fraction(d) - Fraction(exact)) for d in frame["estimate"]]
    if not callable(truth):
        assert frame["error"].tolist() == wanted
    assert frame["error"].tolist() == pytest.approx(wanted, abs=1e-16)


def test_no_split_gives_the_estimates_of_the_split() -> None:
    with_split = swept(np.sin)
    without = swept(np.sin, split=False, truth=np.sin)
    for column in ("h", "estimate", "exact", "error", "status"):
        assert with_split[column].tolist() == without[column].tolist()


def test_an_opaque_function_must_keep_shape_and_dtype() -> None:
    for f, words in (
        (np.vectorize(math.sin), "float64 for x of float32"),
        (lambda x: np.float32(1), "shape ()"),
        (lambda x: [1, 2], "shape (2,)"),
        (lambda x: None, "shape ()"),
        (raising, "the simulation diverged"),
    ):
        frame = swept(f, formats="float32", split=False, truth=1.0)
        assert statuses(frame) == {"error"}
        assert words in frame["message"].iloc[0]


def test_a_problem_with_a_truth_of_its_own_is_measured_against_it() -> None:
    """Its parts would be those of another function: none are given, and the error is estimate - exact."""
    noisy = Problem("noisy", lambda x: np.sin(x) + 1e-6 * np.sin(1e6 * x), (1.0,), truth=np.sin)
    frame = sweep_cell(noisy, "float64", LINE)["sweep"]
    ok = frame[frame["status"] == "ok"]
    assert len(ok) > 20
    assert (ok["exact"] == math.cos(1.0)).all()
    assert ok[list(PARTS)].isna().all(axis=None)
    assert ((ok["estimate"] - ok["exact"] - ok["error"]).abs() <= 1e-15).all()


# -- requests that make no sense ---------------------------------------------------------------------------

WRONG: tuple[tuple[dict[str, Any], type[Exception], str], ...] = (
    (dict(formats=("flot32",)), UnknownNameError, "did you mean 'float32'"),
    (dict(formats="double"), UnknownNameError, "format"),
    (dict(formats=()), UserError, "at least one format"),
    (dict(stencils=("centrl-2",)), UnknownNameError, "did you mean 'central-2'"),
    (dict(stencils=("central-3",)), UserError, "ask for central-4"),
    (dict(stencils=("forward-0",)), UserError, "accuracy must be an integer from 1 to 12"),
    (dict(stencils=("central-14",)), UserError, "accuracy must be an integer from 1 to 12"),
    (dict(stencils=()), UserError, "at least one stencil"),
    (dict(derivative=0), UserError, "derivative must be an integer from 1 to 6"),
    (dict(derivative=7), UserError, "derivative must be an integer from 1 to 6"),
    (dict(derivative=1.5), UserError, "derivative must be an integer from 1 to 6"),
    (dict(derivative="1"), UserError, "derivative must be an integer from 1 to 6"),
    (dict(variants=()), UserError, "at least one"),
    (dict(variants=("mixd",)), UnknownNameError, "did you mean 'mixed'"),
    (dict(variants="flaot"), UnknownNameError, "did you mean 'float'"),
    (dict(variants=("mixed",)), UserError, "half formats"),
    (dict(steps=[]), UserError, "empty"),
    (dict(steps=[0]), UserError, "positive"),
    (dict(steps=[-1e-3]), UserError, "positive"),
    (dict(steps=[math.nan]), UserError, "finite"),
    (dict(steps=["a"]), UserError, "numbers"),
    (dict(per_decade=0), UserError, "positive integer"),
    (dict(kind="ternary"), UnknownNameError, "binary"),
    (dict(scale=0), UserError, "positive"),
    (dict(scale=-1.0), UserError, "positive"),
    (dict(scale=math.nan), UserError, "finite"),
    (dict(scale="wide"), UserError, "scale"),
    (dict(x=math.nan), UserError, "finite"),
    (dict(x=-math.inf), UserError, "finite"),
    (dict(x=[1.0, 2.0]), UserError, "one real number"),
    (dict(x="one"), UserError, "one real number"),
    (dict(x=None), UserError, "one real number"),
    (dict(x=1j), UserError, "one real number"),
    (dict(x=10**400), UserError, "one real number"),
    (dict(domain=(2, 1)), UserError, "empty"),
    (dict(domain="unit"), UserError, "(low, high)"),
    (dict(domain=1.0), UserError, "(low, high)"),
    (dict(split=False), UserError, "needs truth="),
    (dict(split=False, truth="cos"), UserError, "truth"),
    (dict(split=False, truth=math.nan), UserError, "truth"),
    (dict(truth=0.5), UserError, "split=False"),
    (dict(f=3), UserError, "callable"),
    (dict(f="sin"), UserError, "callable"),
    (dict(f=lambda x: math.sin(x)), RefusedError, "np.sin, not math.sin"),
    (dict(f=lambda x: math.sin(x)), RefusedError, "split=False, truth="),
)


@pytest.mark.parametrize(
    ("arguments", "error", "words"), WRONG, ids=[f"{n} {next(iter(c[0]))}" for n, c in enumerate(WRONG)]
)
def test_a_request_that_makes_no_sense(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    request = {"f": np.sin, "x": 1.0, "formats": "float32", "per_decade": 2} | arguments
    with pytest.raises(error) as caught:
        db.sweep(**request)
    assert words in str(caught.value)


def test_the_mixed_variant_is_left_out_where_it_means_nothing() -> None:
    frame = swept(np.sin, formats=("float16", "float32"), variants=("integer", "mixed"))
    found = frame.groupby("format", observed=True)["variant"].unique()
    assert [list(v) for v in found] == [["integer", "mixed"], ["integer"]]


def test_mixed_arithmetic_rescues_the_combination_of_a_half_format() -> None:
    """Function values in float16, the rest in float32: no overflow of 12 h^3, and less combination error."""
    frame = swept(np.sin, formats="float16", stencils="central-4", variants=VARIANTS, steps=[0.1, 0.03])
    by = frame.set_index("variant")["combination"].abs().groupby(level=0, observed=True).max()
    assert by["mixed"] < by["integer"] / 100 < by["float"]
    for part in ("truncation", "abscissa", "evaluation"):
        values = frame.pivot(index="variant", columns="h", values=part)
        assert (values.nunique() == 1).all()
