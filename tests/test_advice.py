"""Advice on steps: against the model's optimum, against the exact sweep, and honest where it cannot tell."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffbench as db
from diffbench.advice import recommended
from diffbench.advice.coordinates import along
from diffbench.advice.noise import noise_level, scatter_by_step
from diffbench.advice.record import Option, formula, times
from diffbench.arithmetic.formats import get_format
from diffbench.cli.advise import _plain
from diffbench.errors import UserError
from diffbench.stencils import stencil_from_name

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def benchmark_module() -> ModuleType:
    return _benchmark("advise_catalogue")


def _benchmark(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


# --- known functions, the model's optimum ---

#: f, x, f'''(x), format: central-2 is best at (3 eps_f / |f'''|)^(1/3) with eps_f = ulp(f)/2, from the
#: worst-case model A h^2 + B / h. That is a bound on the noise, so the step may be a few times smaller.
KNOWN: list[tuple[Any, float, float, str]] = [
    (np.exp, 1.0, math.e, "float64"),
    (np.sin, 1.0, -math.cos(1.0), "float64"),
    (np.sin, 1.0, -math.cos(1.0), "float32"),
    (np.exp, 1.0, math.e, "float16"),
    (lambda x: np.exp(-x / 1e6), 1.0, -1e-18, "float64"),
    (lambda x: np.sin(1e6 * x + 1), 0.0, -1e18 * math.cos(1.0), "float64"),
    (np.log, 1e-6, 2e18, "float64"),
    (lambda x: 1e200 * np.exp(x), 1.0, 1e200 * math.e, "float64"),
    (np.log, 4096.0, 2 / 4096.0**3, "float64"),
]


@pytest.mark.parametrize(("f", "x", "third", "name"), KNOWN)
@pytest.mark.parametrize("opaque", [False, True], ids=["program", "opaque"])
def test_the_step_is_near_the_models_optimum(f: Any, x: float, third: float, name: str, opaque: bool) -> None:
    fmt = get_format(name)
    with np.errstate(all="ignore"):
        value = float(f(np.float64(x)))
    noise = float(fmt.ulp(value)) / 2
    best = (3 * noise / abs(third)) ** (1 / 3)
    advice = db.advise(db.opaque(f) if opaque else f, x, name, stencil="central-2")
    assert advice.status == "ok"
    assert best / 4 <= advice.h <= 4 * best
    least = 1.5 * noise ** (2 / 3) * (abs(third) / 3) ** (1 / 3)  # E_min of the worst-case model
    assert advice.expected_error <= 2 * least
    assert advice.truncation + advice.rounding >= advice.expected_error / 4


NOISY = [(1e-3, 0.3), (1e-6, 0.03), (1e-9, 0.003)]


@pytest.mark.parametrize(("sigma", "h"), NOISY)
def test_the_noise_is_measured_and_the_step_follows_it(sigma: float, h: float) -> None:
    """sin x + noise: the best step is (3 sigma / |f'''|)^(1/3), in root mean square (ALGORITHMS 5.3)."""
    random = np.random.default_rng(1)
    advice = db.advise(
        lambda x: math.sin(x) + sigma * float(random.standard_normal()),
        1.0,
        stencil="central-2",
        truth=math.cos(1.0),
    )
    assert sigma / 2 <= advice.noise <= 2 * sigma
    best = (3 * sigma / math.cos(1.0)) ** (1 / 3)
    assert best / 5 <= advice.h <= 5 * best
    assert advice.check.factor <= 10
    assert any("noisier than its format" in text for text in advice.instead)
    assert any("other values when asked again" in text for text in advice.reasons)
    assert abs(h / best - 1) < 2  # the table above says what to expect


# --- the noise by itself ---


@given(st.floats(-12, 0), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_the_scatter_of_noise_is_its_standard_deviation(exponent: float, seed: int) -> None:
    sigma = 10.0**exponent
    values = sigma * np.random.default_rng(seed).standard_normal((9, 40))
    level, _ = noise_level(scatter_by_step(values), np.zeros(40, dtype=bool))
    assert sigma / 2.5 <= level <= 2.5 * sigma  # nine values at each of 40 steps


def test_a_smooth_function_is_no_noise() -> None:
    h = np.ldexp(1.0, np.arange(-12, 1))
    values = np.sin(1 + np.arange(-4, 5)[:, None] * h)
    level, _ = noise_level(scatter_by_step(values), np.zeros(len(h), dtype=bool))
    assert level < 1e-15


def test_values_that_do_not_move_say_nothing_of_the_noise() -> None:
    values = np.zeros((9, 30))
    values[:, 15:] = np.random.default_rng(0).standard_normal((9, 15))
    flat = np.arange(30) < 15
    assert 0.4 < noise_level(scatter_by_step(values), flat)[0] < 2.5


# --- the catalogue ---


def test_the_advice_is_close_to_the_robust_best_step(benchmark_module: ModuleType) -> None:
    """Every problem in float64; wanted: median 2, nine of ten 10 (measured: 0.3 and 1.0)."""
    rows = benchmark_module.measure(("float64",))
    factor = rows["factor"].dropna()
    assert len(factor) >= 100
    assert factor.median() <= 1
    assert factor.quantile(0.9) <= 2
    assert rows.loc[rows["status"] == "ok", "factor"].max() <= 10
    held = (rows["actual"] <= rows["expected"])[rows["factor"].notna()]
    assert held.mean() >= 0.9  # it is a 90th percentile of neighbours; measured 0.96


@pytest.mark.slow
@pytest.mark.parametrize("derivative", [1, 2])
@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("effort", ["many", "few"])
def test_so_it_is_in_all_formats(
    benchmark_module: ModuleType, derivative: int, opaque: bool, effort: str
) -> None:
    rows = benchmark_module.measure(derivative=derivative, opaque=opaque, effort=effort)
    factor = rows["factor"].dropna()
    assert len(factor) >= 300
    assert factor.median() <= 2
    assert factor.quantile(0.9) <= 10
    trusted = rows.loc[rows["status"] == "ok", "factor"].dropna()
    assert trusted.quantile(0.99) <= 10


@pytest.mark.parametrize("kind", ["values", "few", "few, float32"])
def test_nine_of_ten_steps_stay_below_the_expected_error(kind: str) -> None:
    """On random functions with a seed that no constant was chosen on; 60 cases have a spread of 4 %."""
    rows = _benchmark("advise_random").measure(kind, 31, 60)
    known = rows[rows["held"].notna()]
    assert len(known) >= 50
    assert known["held"].mean() >= 0.9
    assert known["around"].mean() >= 0.9


# --- what it is honest about ---

DOUBTFUL = [
    ("kink", np.abs, 0.0, "the slope is -1 on the left and 1 on the right"),
    ("relu", lambda x: np.maximum(x, 0), 0.0, "the slope is 0 on the left and 1 on the right"),
    ("no derivative", np.sqrt, 0.0, "grow without bound"),
    ("cube root", np.cbrt, 0.0, "grow without bound"),
    ("jump, from the left", lambda x: np.ceil(x), 1.0, "grow without bound"),
    ("constant", lambda x: 3.0 + 0 * x, 1.0, "the same value at all steps"),
    ("chaos", lambda x: np.sin(1e300 * x), 1.0, ""),
]


@pytest.mark.parametrize(("f", "x", "said"), [c[1:] for c in DOUBTFUL], ids=[c[0] for c in DOUBTFUL])
@pytest.mark.parametrize("opaque", [False, True], ids=["program", "opaque"])
def test_where_it_cannot_tell_it_says_so(f: Any, x: float, said: str, opaque: bool) -> None:
    advice = db.advise(db.opaque(f) if opaque else f, x)
    assert advice.status == "low_confidence"
    assert said in advice.message
    assert f"low_confidence: {advice.message}" in str(advice)


@pytest.mark.parametrize("f", [lambda x: x**2, lambda x: 1 - np.cos(x), lambda x: np.sin(x) ** 3])
def test_a_derivative_of_0_beside_the_slopes_around_is_no_doubt(f: Any) -> None:
    advice = db.advise(f, 0.0)
    assert (advice.status, advice.message) == ("ok", "")
    assert abs(advice.value) <= advice.bound < 1e-8


@pytest.mark.skipif(db.formats()["longdouble"].precision <= 53, reason="longdouble is binary64 here")
def test_rounding_is_no_growth() -> None:
    """At f' = 0 the smallest steps change f by one unit in the last place; the quotient rises like 1/h."""
    advice = db.advise(lambda x: x * np.exp(x), -1.0, "longdouble")
    assert "grow without bound" not in advice.message
    assert advice.stencil


def test_a_contradiction_with_the_exact_derivative_is_said() -> None:
    """A staircase looks linear from far away; its derivative is 0."""
    advice = db.advise(np.floor, 1.5)
    assert advice.status == "low_confidence"
    assert advice.message.startswith("the exact derivative is 1 away from what the values of f say, 1 within")


def test_what_the_function_raises_in_arb_alone_is_no_error() -> None:
    def assigns(x: Any) -> Any:
        x[...] = np.sin(x[...])
        return x

    advice = db.advise(assigns, 1.0)
    assert advice.value == pytest.approx(math.cos(1.0), rel=1e-12)
    assert "not checked" in str(advice)


def test_without_a_finite_derivative_no_step_is_recommended() -> None:
    advice = db.advise(np.sqrt, 0.0)
    assert (advice.stencil, advice.code, advice.rule) == ("", "", "")
    assert math.isnan(advice.h)
    assert "use " not in str(advice)


def test_at_a_kink_the_advice_is_for_one_side() -> None:
    advice = db.advise(lambda x: np.abs(x) + np.exp(x), 0.0)
    assert advice.stencil.startswith("forward")
    assert advice.value == pytest.approx(2.0, abs=1e-9)
    assert "slope is 1.6" not in advice.message


SIDES = [
    ("right only", lambda x: math.sqrt(x) * x, 0.0, "forward"),
    ("left only", lambda x: math.sqrt(1 - x) * (1 - x), 1.0, "backward"),
    ("near the edge", math.sqrt, 1e-12, "central"),
]


@pytest.mark.parametrize(("f", "x", "kind"), [c[1:] for c in SIDES], ids=[c[0] for c in SIDES])
def test_at_the_edge_of_the_domain_the_stencil_stays_inside(f: Any, x: float, kind: str) -> None:
    advice = db.advise(f, x)
    assert advice.stencil.startswith(kind)
    reach = max(abs(float(s)) for s in stencil_from_name(advice.stencil).offsets)
    if x > 0 and kind == "central":
        assert reach * advice.h < x


def test_half_precision_knows_that_x_plus_h_is_x() -> None:
    advice = db.advise(np.sin, 1.0, "float16")
    usual = {row.name: row for row in advice.usual}
    assert "the difference is 0" in usual["1e-4"].message
    assert usual["cbrt(eps)"].message == ""
    assert 2**-6 <= advice.h <= 2**-1
    assert any("float32" in text for text in advice.instead)


def test_other_ways_are_said_only_where_they_work() -> None:
    smooth = db.advise(lambda x: np.exp(np.sin(x)), 1.0)
    assert any("complex step" in text for text in smooth.instead)
    assert any("method='jet'" in text for text in smooth.instead)
    # abs is not analytic: its complex step is silently 0 or wrong, and must not be recommended
    bent = db.advise(lambda x: np.abs(x) * np.exp(x), 1.0)
    assert not any("complex step" in text for text in bent.instead)
    assert not any("complex step" in text for text in db.advise(math.sin, 1.0).instead)


def test_bad_scale_is_found() -> None:
    """No hint of the scale: steps a million times larger or smaller than the default rule's."""
    for length in (1e-8, 1e8):
        advice = db.advise(lambda x, length=length: np.sin(x / length + 1), 0.0)
        assert advice.status == "ok"
        assert 1e-7 <= advice.h / length <= 1e-1
        assert advice.check.factor <= 10


def test_a_large_x_asks_for_rescaling_where_its_spacing_is_in_the_way() -> None:
    advice = db.advise(lambda x: np.sin(1e9 * (x - 1e6)), 1e6)
    assert any(text.startswith("rescale") for text in advice.instead)
    assert not any(text.startswith("rescale") for text in db.advise(np.sin, 1e6).instead)


# --- the check ---


def test_a_program_is_checked_and_an_opaque_one_says_that_it_is_not() -> None:
    assert db.advise(np.sin, 1.0).check.source == "exact sweep (Arb)"
    opaque = db.advise(math.sin, 1.0)
    assert opaque.check.source == ""
    assert "is opaque" in opaque.check.message and "plain numbers" in opaque.reasons[0]
    assert db.advise(math.sin, 1.0, truth=math.cos(1.0)).check.source == "sweep against the given derivative"
    assert db.advise(math.sin, 1.0, truth=np.sin).check.factor <= 10


def test_a_wrong_truth_shows_in_the_check() -> None:
    """The check is no formality: against another derivative the advice is as bad as everything else."""
    wrong = db.advise(math.sin, 1.0, truth=0.6)
    assert wrong.check.actual == pytest.approx(0.6 - math.cos(1.0), rel=1e-6)
    assert wrong.status == "low_confidence"
    assert "the given derivative is 0.06 away" in wrong.message
    assert db.advise(math.sin, 1.0, truth=math.cos(1.0)).status == "ok"


# --- texts and numbers ---


@pytest.mark.parametrize("derivative", [1, 2, 3])
@pytest.mark.parametrize("name", ["central-2", "central-4", "forward-1", "backward-2", "central-6"])
def test_the_code_is_the_stencil(name: str, derivative: int) -> None:
    """The text is Python: evaluated, it gives the derivative of a polynomial that it gets exactly."""
    scope = {"f": lambda t: t**derivative, "x": 1.0, "h": 0.25}
    assert eval(formula(name, derivative), scope) == pytest.approx(math.factorial(derivative), rel=1e-9)


def test_the_rule_gives_the_step() -> None:
    for x in (1.0, -200.0):
        advice = db.advise(np.sin, x)
        found: dict[str, float] = {}
        exec(advice.rule, {"eps": advice.eps, "x": x, "abs": abs, "max": max}, found)
        assert found["h"] == pytest.approx(advice.h, rel=0.01)
    assert advice.h_text.endswith(repr(advice.h))


def test_the_plainest_stencil_that_pays() -> None:
    def option(name: str, error: float) -> Option:
        return Option(name, 1e-3, error, 0.0, 0.0, 2)

    two, four, six = option("central-2", 1e-10), option("central-4", 2e-11), option("central-6", 1e-14)
    assert recommended([two, four], 0.0) is two  # 5 times better does not pay for twice the cost
    assert recommended([two, six], 0.0) is six
    assert recommended([two, six], 1e-10) is two  # good enough


@pytest.mark.parametrize(
    ("factor", "text"),
    [(3.14159, "3.1"), (312.4, "310"), (2.4e7, "2.4e+07"), (1e-4, "1.0e-04"), (10.0, "10")],
)
def test_factors_are_said_with_two_digits(factor: float, text: str) -> None:
    assert times(factor) == text


def test_the_answer_as_text_html_and_json() -> None:
    advice = db.advise(lambda x: np.exp(np.sin(x)), 1.0, name="exp(sin(x)) <f>")
    assert "exp(sin(x)) &lt;f&gt;" in advice._repr_html_()
    for part in (
        "use    central-4",
        "code   (-f(x + 2*h)",
        "rule   h =",
        "check  exact sweep (Arb)",
        "cbrt(eps)",
    ):
        assert part in str(advice)
    plain = json.loads(json.dumps(_plain(advice.as_dict()), allow_nan=False))
    assert plain["h"] == advice.h and plain["usual"][0]["name"] == "1e-4"
    assert advice.relative_error == advice.expected_error / abs(advice.value)


def test_the_picture_has_a_curve_per_stencil_and_the_usual_steps() -> None:
    figure = db.advise(np.sin, 1.0).plot()
    (axes,) = figure.axes
    texts = {text.get_text().strip() for text in axes.texts}
    assert {"1e-4", "1e-5", "sqrt(eps)", "cbrt(eps)", "not decidable"} <= texts
    labels = {text.get_text() for legend in figure.legends for text in legend.get_texts()}
    assert {"central-2", "central-4", "central-6", "recommended"} <= labels
    assert "x = 0" in db.advise(np.sqrt, 0.0).plot().texts[0].get_text()


# --- several variables ---


def test_one_coordinate_after_the_other() -> None:
    def f(x: Any) -> Any:
        return np.exp(x[0]) * np.sin(1e3 * x[1])

    first, second = (db.advise(along(f, [1.0, 2.0], i), [1.0, 2.0][i]) for i in (0, 1))
    assert first.h > 30 * second.h  # f varies a thousand times faster along the second
    assert first.check.source == "exact sweep (Arb)"
    with pytest.raises(UserError, match="components 0 to 1"):
        along(f, [1.0, 2.0], 2)


# --- requests that make no sense ---


def _leaves(x: Any) -> Any:
    raise SystemExit(3)


def _counter() -> Any:
    calls = itertools.count()
    return lambda x: np.sin(x) + 1e-3 * next(calls)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(f=3), "must be callable, not int 3"),
        (dict(x="one"), "must be one real number"),
        (dict(x="1.0"), "must be one real number, not '1.0'"),
        (dict(x=10**400), "must be one real number, not 1000"),
        (dict(f=_leaves), "SystemExit: 3"),
        (dict(f=_counter()), "remembers its calls"),
        (dict(x=[1.0, 2.0]), "must be one real number"),
        (dict(x=math.nan), "not a finite number"),
        (dict(x=1e6, format="float16"), "not a finite number of float16"),
        (dict(format="float61"), "did you mean 'float64'"),
        (dict(derivative=0), "from 1 to 6"),
        (dict(derivative=True), "from 1 to 6"),
        (dict(stencil="centrl-2"), "did you mean 'central-2'"),
        (dict(scale=-1.0), "scale must be a positive"),
        (dict(effort="all"), "unknown effort"),
        (dict(f=np.log, x=-1.0), "there is no value at x = -1.0 in float64"),
        (dict(f=lambda x: "a"), "the text 'a'"),
        (dict(f=lambda x: None), "returned None"),
        (dict(f=lambda x: 1j * x), "complex number"),
        (dict(f=lambda x: 1 / 0), "ZeroDivisionError"),
    ],
)
def test_what_makes_no_sense_is_one_error(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        db.advise(**{"f": np.sin, "x": 1.0, **arguments})
    assert said in str(caught.value)


def test_nothing_global_is_left_changed() -> None:
    before = (np.geterr(), pd.get_option("display.width"))
    db.advise(np.sin, 1.0)
    assert (np.geterr(), pd.get_option("display.width")) == before


# --- the tables of the page ---


def test_the_page_is_written_from_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specification = importlib.util.spec_from_file_location("which_step", BENCHMARKS / "which_step.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    text = module.PAGE.read_text(encoding="utf-8")
    assert text.count(module.BEGIN) == text.count(module.END) == 1
    row = {"variant": "integer", "derivative": 1, "format": "float64", "stencil": "central-2", "accuracy": 2}
    # ten problems whose best step is twice what the rule says
    best = [2 * (2.0**-52) ** (1 / 3) * x for x in range(1, 11)]
    rows = [
        row | {"problem": f"p{x}", "x": float(x), "h_best": best[x - 1], "digits": 10.0} for x in range(1, 11)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "summary.csv")
    board = {"method": "central-2@1e-4", "format": "float64", "derivative": 1, "ok": 9, "failed": 1}
    board |= {"silent_wrong": 2, "error_median": 1e-9, "error_p90": 1e-3, "regret_median": 7.0}
    pd.DataFrame([board | {"evaluations_median": 2}]).to_csv(tmp_path / "leaderboard.csv")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{module.BEGIN}old\n{module.END}after\n", encoding="utf-8")
    monkeypatch.setattr(module, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["which_step.py", str(tmp_path)])
    module.main()
    written = page.read_text(encoding="utf-8")
    assert "| float64 | 1 | central-2 | 1/3 | 2 | 2 to 2 | 10.0 |" in written
    assert "| `central-2@1e-4` | 1e-09 | 0.001 | 7 | 2 | 1 | 2 |" in written
    assert "old" not in written and written.startswith("before") and written.endswith("after\n")
    with pytest.raises(UserError, match="is not a run folder"):
        module.results(tmp_path / "nowhere")
