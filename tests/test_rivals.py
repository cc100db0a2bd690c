"""Rivals: one contract for all, what a missing or another library means, and what their own pages print.

What needs a library is skipped without it; ``DIFFBENCH_REQUIRED_RIVALS=jacobi,fdm`` makes that a failure. The
slow test installs them all and runs this file.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffbench as db
from diffbench.arithmetic.formats import formats, get_format
from diffbench.errors import MissingExtraError, RefusedError, UserError
from diffbench.methods.counting import PlainFunction
from diffbench.methods.estimate import Estimate
from diffbench.methods.harness import measure, measure_points
from diffbench.methods.rivals import Rival, rivals

# names in the packages above hide these modules
package: Any = import_module("diffbench.methods.rivals")
base: Any = import_module("diffbench.methods.rivals.rival")
ROOT = Path(__file__).parent.parent
FOLDER = Path(package.__file__).parent
F64 = get_format("float64")
REQUIRED = set(filter(None, os.environ.get("DIFFBENCH_REQUIRED_RIVALS", "").split(",")))


def needs(name: str) -> None:
    if not rivals()[name].available:
        library = rivals()[name].package
        assert library not in REQUIRED, f"{library} should be installed here"
        pytest.skip("needs diffbench[rivals]")
    base.import_warnings(rivals()[name].module or rivals()[name].package)  # what it warns of is not an error


@pytest.fixture(params=list(rivals()))
def installed(request: pytest.FixtureRequest) -> Rival:
    """Every rival whose library is there."""
    needs(request.param)
    return rivals()[request.param]


# -- the registry ------------------------------------------------------------------------------------------

NAMES = {
    "scipy": "scipy.differentiate scipy.approx_fprime scipy.approx_derivative",
    "numdifftools": "numdifftools numdifftools.forward numdifftools.complex",
    "jacobi": "jacobi",
    "findiff": "findiff",
    "statsmodels": "statsmodels.forward statsmodels.centered statsmodels.complex",
    "numericalderivative": " ".join(
        f"numericalderivative.{selector}"
        for selector in (
            "dumontet-vignes gill-murray-saunders-wright shi-xie-xuan-nocedal-forward "
            "shi-xie-xuan-nocedal-general shi-xie-xuan-nocedal-general-default "
            "stepleman-winarsky stepleman-winarsky-initialised"
        ).split()
    ),
    "fdm": "fdm",
    "derivkit": "derivkit",
}


def test_the_rivals_are_methods_installed_or_not() -> None:
    assert set(rivals()) == {name for names in NAMES.values() for name in names.split()}
    for name, known in rivals().items():
        method = db.methods()[name]
        assert (method.family, method.extra) == ("rival", "rivals")
        assert method.available == known.available
        assert known.package in NAMES and name in NAMES[known.package].split()
        assert known.what and known.docs and known.tested


def test_every_library_is_in_the_extra_and_in_its_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {r.partition(">")[0] for r in project["optional-dependencies"]["rivals"]}
    assert declared == {known.package for known in rivals().values()}
    page = (ROOT / "docs/rivals.md").read_text(encoding="utf-8")
    for name, known in rivals().items():
        assert f"`{name}`" in page, f"docs/rivals.md does not mention {name}"
        assert known.tested in page


def test_files_of_rivals_are_short() -> None:
    files = [path for path in FOLDER.glob("*.py") if path.name not in ("__init__.py", "rival.py")]
    assert len(files) >= 9
    assert max(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 100


def test_importing_diffbench_and_listing_rivals_imports_no_library() -> None:
    program = (
        "import sys; from diffbench.methods.rivals import rivals; [r.available for r in rivals().values()];"
        "print(sorted({'scipy','numdifftools','jacobi','findiff','statsmodels','fdm','derivkit',"
        "'numericalderivative'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


NEW_FILE = """
from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival

@rival(package="numpy", tested="0.1", docs="its page", name="brand-new")
def default(f, x):
    return Estimate((f(x + 0.125) - f(x - 0.125)) / 0.25, 0.125)
"""


def test_a_new_rival_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brand_new.py").write_text(NEW_FILE, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    try:
        found = package.rivals.__wrapped__()
        assert set(found) == set(rivals()) | {"brand-new"}
        assert measure(found["brand-new"].method(), np.square, F64, 1.0).value == 2.0
    finally:
        base.REGISTERED.pop("brand-new", None)
        sys.modules.pop("diffbench.methods.rivals.brand_new", None)


def test_two_rivals_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "REGISTERED", {})
    make = base.rival(package="numpy", tested="2", docs="")
    make(lambda f, x: Estimate(0.0))
    with pytest.raises(UserError, match="two rivals named 'numpy'"):
        make(lambda f, x: Estimate(0.0))


# -- missing, other version, bad answers -------------------------------------------------------------------


def planted(call: Callable[..., Any], **options: Any) -> Rival:
    return Rival("planted", call, **({"package": "numpy", "tested": np.__version__, "docs": ""} | options))


def test_a_missing_library_is_named_with_its_extra() -> None:
    missing = planted(lambda f, x: Estimate(0.0), package="no_such_library")
    found = measure(missing.method(), np.sin, F64, 1.0)
    assert found.status == "refused"
    assert found.message == "planted is not installed: pip install 'diffbench[rivals]'"
    with pytest.raises(MissingExtraError, match=r"install diffbench\[rivals\]"):
        missing.estimate(np.sin, F64, np.array([1.0]), 1)


def test_a_broken_library_is_an_error_that_says_so() -> None:
    broken = planted(lambda f, x: Estimate(0.0), module="numpy.no_such_module")
    found = measure(broken.method(), np.sin, F64, 1.0)
    assert (found.status, found.message.partition(":")[0]) == ("error", "ModuleNotFoundError")


def test_another_version_than_the_tested_one_is_said_in_the_row() -> None:
    other = planted(lambda f, x: Estimate(f(x)), tested="0.0.1")
    found = measure(other.method(), np.sin, F64, 1.0)
    assert found.status == "ok"
    assert found.warnings == (f"numpy {np.__version__} is installed; diffbench was tested with 0.0.1",)


def warn(f: Any, x: Any) -> Estimate:
    np.float64(1.0) / np.float64(0.0)
    return Estimate(f(x))


# what the library does, status, words of the message
ANSWERS: tuple[tuple[Callable[..., Any], str, str], ...] = (
    (lambda f, x: Estimate(np.array([[1.5]]) * f(x + 1)), "ok", ""),
    (lambda f, x: Estimate(int(f(x))), "ok", ""),
    (lambda f, x: Estimate("1.5"), "error", "TypeError: returned '1.5', not a real number"),
    (lambda f, x: Estimate(1.5 + 0j), "error", "not a real number"),
    (lambda f, x: Estimate(np.ones(2)), "error", "not a real number"),
    (lambda f, x: Estimate(None), "error", "not a real number"),
    (lambda f, x: 1.5, "error", "AttributeError"),
    (lambda f, x: Estimate(1.0 / 0.0), "error", "ZeroDivisionError: float division by zero"),
    (lambda f, x: Estimate(np.nan), "error", "returned NaN, though f was finite at every node"),
    (lambda f, x: Estimate(f(x - 2) * 1.0), "domain", "f is NaN at x = -1.0"),
    (lambda f, x: Estimate(f(x - 1) * 1.0), "overflow", "returned -inf; f is infinite at x = 0.0"),
    (lambda f, x: Estimate(f(x - 1) - f(x - 1)), "overflow", "f is infinite at x = 0.0"),
    (lambda f, x: Estimate(np.nan, status="no_step", message="none"), "no_step", "none"),
    (lambda f, x: f.no_such_thing, "error", "AttributeError"),
)


@pytest.mark.parametrize(
    ("call", "status", "words"), ANSWERS, ids=[f"{n} {c[1]}" for n, c in enumerate(ANSWERS)]
)
def test_every_answer_becomes_a_status(call: Callable[..., Any], status: str, words: str) -> None:
    found = measure(planted(call).method(), np.log, F64, 1.0)
    assert found.status == status
    assert words in found.message
    assert (found.message == "") is (status == "ok")


def test_warnings_become_fields_and_stay_out_of_the_process() -> None:
    """pytest would turn one that got out into an error."""
    method = planted(warn).method()
    found = measure(method, np.sin, F64, 1.0)
    assert found.warnings == ("RuntimeWarning: divide by zero encountered in scalar divide",)
    assert method.estimate(np.sin, F64, np.array([1.0]), 1).warnings == found.warnings


def test_many_points_keep_their_own_status() -> None:
    method = planted(lambda f, x: Estimate(f(x), 0.5, error=0.1)).method()
    found = method.estimate(np.log, F64, np.array([[1.0, -1.0], [2.0, 0.0]]), 1)
    assert found.statuses.tolist() == [["ok", "domain"], ["ok", "overflow"]]
    assert found.status == "domain" and "x = -1.0" in found.message
    assert (found.evaluations == 1).all() and found.h.shape == found.error.shape == (2, 2)
    assert [m.status for m in measure_points(method, np.log, F64, [1.0, -1.0])] == ["ok", "domain"]


@pytest.mark.parametrize(
    ("f", "error", "words"),
    [
        (lambda x: math.sin(x), RefusedError, "np.sin, not math.sin"),
        (lambda x: np.stack([x, x]), UserError, "element by element"),
    ],
    ids=["refused", "not elementwise"],
)
def test_a_function_that_does_not_fit_is_not_the_rivals_fault(f: Any, error: Any, words: str) -> None:
    method = planted(lambda g, x: Estimate(g(x))).method()
    with pytest.raises(error, match=words):
        method.estimate(f, F64, np.array([1.0]), 1)
    assert measure(method, f, F64, 1.0).status == ("refused" if error is RefusedError else "error")


# -- the contract of every installed rival -----------------------------------------------------------------

# relative error on exp at 1 in float64, with the reason
ACCURACY = {
    "derivkit": (1e-6, "a fit on 8 Chebyshev nodes, half-width 0.06"),
    "findiff": (1e-4, "second order at h = 1/99"),
    "numericalderivative.gill-murray-saunders-wright": (1e-7, "forward difference: sqrt(eps)"),
    "numericalderivative.shi-xie-xuan-nocedal-forward": (1e-7, "forward difference: sqrt(eps)"),
    "scipy.approx_fprime": (1e-7, "forward difference: sqrt(eps)"),
    "statsmodels.forward": (1e-7, "forward difference: sqrt(eps)"),
    "numdifftools.complex": (1e-15, "complex step"),
    "statsmodels.complex": (1e-15, "complex step"),
}
CENTRAL = (1e-9, "central differences or better")


def test_it_finds_the_derivative_of_exp(installed: Rival) -> None:
    found = measure(installed.method(), np.exp, F64, 1.0)
    tolerance, _ = ACCURACY.get(installed.name, CENTRAL)
    assert (found.status, found.message) == ("ok", "")
    assert found.value == pytest.approx(np.e, rel=tolerance)
    if installed.installed == installed.tested:
        assert found.warnings == ()


def test_the_harness_changes_no_bit(installed: Rival) -> None:
    """The library called by itself, on NumPy's own function, gives the same numbers."""
    alone = installed.call(np.exp, np.float64(1.0), *([1] if len(installed.derivatives) > 1 else []))
    found = measure(installed.method(), np.exp, F64, 1.0)
    assert found.value == np.asarray(alone.value).reshape(())[()]
    for theirs, ours in ((alone.error, found.error_estimate), (alone.h, found.h)):
        assert np.isnan(ours) if theirs is None else ours == np.asarray(theirs).reshape(())[()]


def test_no_call_is_missed(installed: Rival) -> None:
    """Counted where the library calls, where the program runs, and by the program itself."""
    seen = []

    def f(x: Any) -> Any:
        seen.append(math.prod(getattr(x, "shape", ())))
        return np.exp(x)

    found = measure(installed.method(), f, F64, 1.0)
    assert found.evaluations == found.claimed == sum(seen) > 0


def test_the_answer_follows_the_function(installed: Rival) -> None:
    """No rival knows f from elsewhere: another function, 8 times as steep, has 8 times the derivative."""
    method = installed.method()
    once, eight = (measure(method, f, F64, 1.0) for f in (np.exp, lambda x: 8 * np.exp(x)))
    assert eight.value == pytest.approx(8 * once.value, rel=1e-6)


def test_points_do_not_disturb_each_other(installed: Rival) -> None:
    points = np.array([0.5, 1.0, 3.0])
    together = measure_points(installed.method(), np.exp, F64, points)
    assert [m.value for m in together] == [measure(installed.method(), np.exp, F64, x).value for x in points]
    assert points.tolist() == [0.5, 1.0, 3.0]


def raising(x: Any) -> Any:
    raise RuntimeError("the model did not converge")


# function, point: where libraries stumble
HARD: tuple[tuple[str, Callable[[Any], Any], float], ...] = (
    ("constant", lambda x: 0 * x + 3.0, 1.0),
    ("zero", lambda x: 0 * x, 1.0),
    ("f = 0 at x", np.sin, 0.0),
    ("no third derivative", np.square, 1.0),
    ("edge of the domain", np.log, 1e-9),
    ("beyond the edge", np.sqrt, 0.0),
    ("pole", np.tan, 1.57),
    ("overflow", np.exp, 709.0),
    ("kink", np.abs, 0.0),
    ("jump", np.sign, 0.0),
    ("large x", np.sin, 1e20),
    ("raises", raising, 1.0),
    ("not elementwise", lambda x: np.stack([x, x]), 1.0),
)
STATUSES = "ok refused error domain overflow low_confidence no_step step_vanished".split()


@pytest.mark.parametrize("fmt", list(formats()))
def test_nothing_gets_out(installed: Rival, fmt: str) -> None:
    """Whatever it is asked: a finite number or a status with a message, and never an exception."""
    for what, f, x in HARD:
        if not np.isfinite(get_format(fmt).round(x)):
            continue
        found = measure(installed.method(), f, get_format(fmt), x)
        assert found.status in STATUSES, (what, found)
        assert (found.message != "") is (found.status != "ok"), (what, found)
        assert np.isfinite(found.value) or found.status != "ok", what
        if what in ("raises", "not elementwise"):
            assert found.status in ("error", "refused"), (what, found)


def test_a_format_is_refused_with_a_reason_or_answered(installed: Rival) -> None:
    for name, fmt in formats().items():
        found = measure(installed.method(), np.exp, fmt, 1.0)
        accepted = installed.formats is None or name in installed.formats
        assert (found.status == "refused") is not accepted
        if not accepted:
            assert f"{installed.name} has no {name}" in found.message


def test_opaque_functions_are_asked_with_plain_arrays(installed: Rival) -> None:
    """What computes in C or in complex numbers: a complex step has no way through it."""
    kinds = set()

    def opaque(x: Any) -> Any:
        kinds.add((type(x), x.dtype))
        return np.array([math.exp(v) for v in x.ravel().tolist()]).reshape(x.shape)

    found = measure(installed.method(), opaque, F64, 1.0, opaque=True)
    if installed.name.endswith("complex"):
        assert found.status == "refused" and "opaque" in found.message
    else:
        assert kinds == {(np.ndarray, np.dtype(np.float64))}
        assert found.value == pytest.approx(np.e, rel=1e-4)


def test_orders_it_does_not_do_are_refused(installed: Rival) -> None:
    found = measure(installed.method(), np.exp, F64, 1.0, derivative=7)
    assert found.status == "refused" and "not 7" in found.message
    for order in installed.derivatives:
        found = measure(installed.method(), np.exp, F64, 1.0, order)
        assert found.status == "ok"
        assert found.value == pytest.approx(np.e, rel=0.05)


# -- facts about them (docs/rivals.md) ---------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """A rival on a function: what is known of it in the version that was tested."""

    name: str
    f: Callable[[Any], Any]
    x: float
    evaluations: int | None
    shown: Callable[[Any], bool]
    what: str
    fmt: str = "float64"


def error(exact: float) -> Callable[[Any], float]:
    return lambda found: abs(float(found.value) / exact - 1)


TAN = 1 / np.cos(1.57) ** 2
FACTS = (
    Fact("scipy.differentiate", np.tan, 1.57, 21, lambda m: 1 < error(TAN)(m) < 10, "crosses the pole"),
    Fact("scipy.differentiate", np.exp, 1.0, 11, lambda m: error(np.e)(m) < 1e-13, "two iterations"),
    Fact("scipy.differentiate", np.log, 1e-3, None, lambda m: m.status == "domain", "x - 0.5 is outside"),
    Fact("numdifftools", np.exp, 1.0, 31, lambda m: error(np.e)(m) < 1e-13, "30, and f(x) for full_output"),
    Fact("numdifftools", np.tan, 1.57, 31, lambda m: error(TAN)(m) > 0.9, "crosses the pole"),
    Fact("jacobi", np.exp, 1.0, 18, lambda m: error(np.e)(m) < 1e-14, "14 to 20"),
    Fact("jacobi", np.tan, 1.57, 6, lambda m: error(TAN)(m) > 0.9, "gives up after two steps"),
    Fact("fdm", np.exp, 1.0, 12, lambda m: error(np.e)(m) < 1e-12, "7 for the bound, 5 for the result"),
    Fact("scipy.approx_fprime", np.exp, 1.0, 2, lambda m: m.value == 0, "x + 1.5e-8 = x", "float32"),
    Fact("scipy.approx_fprime", np.exp, 1.0, 2, lambda m: m.value == 0, "x + 1.5e-8 = x", "float16"),
    Fact("statsmodels.forward", np.exp, 1.0, 2, lambda m: m.value == 0, "x + 1.5e-8 = x", "float32"),
    Fact("fdm", np.exp, 1.0, 12, lambda m: m.value == 0, "takes eps of float64", "bfloat16"),
)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.name} {fact.fmt} {fact.what}")
def test_facts(fact: Fact) -> None:
    needs(fact.name)
    known = rivals()[fact.name]
    if known.installed != known.tested:
        pytest.skip(f"known of {known.package} {known.tested}, not {known.installed}")
    found = measure(known.method(), fact.f, get_format(fact.fmt), fact.x)
    assert fact.shown(found), found
    assert fact.evaluations in (None, found.evaluations)


# -- what their own pages print ----------------------------------------------------------------------------


def plain(f: Callable[..., Any] = np.exp) -> PlainFunction:
    return PlainFunction(f, F64)


def test_scipy_reference_page() -> None:
    """scipy.differentiate.derivative, Examples: exp at five points, 9 digits printed."""
    needs("scipy.differentiate")
    x = np.linspace(1, 2, 5)
    found = measure_points(rivals()["scipy.differentiate"].method(), np.exp, F64, x)
    printed = [2.71828183, 3.49034296, 4.48168907, 5.75460268, 7.3890561]
    estimates = [7.13740178e-12, 9.16600129e-12, 1.17594823e-11, 1.51061386e-11, 1.94262384e-11]
    errors = [2.53130850e-14, 3.55271368e-14, 5.77315973e-14, 5.59552404e-14, 6.92779167e-14]
    assert [m.value for m in found] == pytest.approx(printed, abs=5e-9)
    # they are differences of results that agree to 1e-12: some hundredths depend on the last bits of exp
    assert [m.error_estimate for m in found] == pytest.approx(estimates, rel=0.05)
    assert max(abs(m.value - t) for m, t in zip(found, np.exp(x), strict=True)) < 2 * max(errors)


def test_numdifftools_documentation() -> None:
    """Its introduction to Richardson extrapolation (exp at 0), and the examples of Derivative."""
    f = plain()
    df = [(f(dx) - f(0)) / dx for dx in (0.1, 0.05, 0.025)]
    assert df == pytest.approx([1.05170918075648, 1.02542192752048, 1.01260482097715], rel=1e-13)
    assert 2 * df[1] - df[0] == pytest.approx(0.999134674284488, rel=1e-13)
    assert df[0] / 3 - 2 * df[1] + 8 * df[2] / 3 == pytest.approx(1.00000539448361, rel=1e-13)
    needs("numdifftools")
    method = rivals()["numdifftools"].method()
    assert measure(method, np.exp, F64, 1.0).value == pytest.approx(2.71828183, abs=5e-9)
    assert measure(method, np.exp, F64, 2.0).value == pytest.approx(7.3890561, abs=5e-8)
    cubic = [measure(method, lambda x: x**3 + x**2, F64, 1.0, order).value for order in (1, 2)]
    assert cubic == pytest.approx([5, 8], rel=1e-12)


def test_jacobi_readme() -> None:
    """Its figure shows sin(x)/x on [-10, 10] with errors estimated at some 1e-14."""
    needs("jacobi")
    x = np.linspace(-10, 10, 200)
    found = measure_points(rivals()["jacobi"].method(), lambda t: np.sin(t) / t, F64, x)
    truth = np.cos(x) / x - np.sin(x) / x**2
    assert np.median([m.error_estimate for m in found]) < 1e-14
    assert max(abs(m.value - t) for m, t in zip(found, truth, strict=True)) < 1e-11


def test_fdm_readme() -> None:
    """Scalar Derivatives, sin at 1: orders 2 and 3 print these digits; the later ones are an older fdm's."""
    needs("fdm")
    from fdm import central_fdm

    f = plain(np.sin)
    assert central_fdm(order=2, deriv=1)(f, 1) - np.cos(1) == -1.2914319613699377e-09
    assert central_fdm(order=3, deriv=2)(f, 1) + np.sin(1) == 1.6342919018086377e-08
    assert central_fdm(order=3, deriv=2).estimate(f, 1).acc == 5.476137293912896e-06
    found = measure(rivals()["fdm"].method(), np.sin, F64, 1.0, derivative=2)
    assert abs(found.value + np.sin(1)) < 2 * 1.7121615236703747e-10
    assert found.error_estimate < 2 * 7.343652562575157e-10


def test_findiff_readme() -> None:
    """Taking Derivatives: sin on a grid of 100 points; the cut grid gives the numbers of the whole one."""
    needs("findiff")
    from findiff import Diff

    x = np.linspace(0, 1, 100)
    whole = Diff(0, x[1] - x[0])(np.sin(x))
    found = measure_points(rivals()["findiff"].method(), np.sin, F64, x[5:95])
    assert [m.value for m in found] == pytest.approx(whole[5:95].tolist(), rel=1e-12)


def test_numericalderivative_documentation() -> None:
    """Steps of its examples for exp at 1, and the example that 0.3 cannot run."""
    needs("numericalderivative.stepleman-winarsky")
    import numericalderivative as nd

    found = measure(rivals()["numericalderivative.stepleman-winarsky"].method(), np.exp, F64, 1.0)
    assert found.h == 3.814697265625e-6
    gill = nd.GillMurraySaundersWright(plain(), 1.0)
    assert gill.find_step(1e-8, 1e-1)[0] == pytest.approx(3.8346884e-8, rel=1e-8)
    shi = nd.ShiXieXuanNocedalForward(plain(), 1.0)
    assert shi.find_step(2 * np.sqrt(1e-15 / 3))[0] == 3.651483716701108e-08
    with pytest.raises(TypeError):
        nd.ShiXieXuanNocedalForward(plain(), 1.0).find_step()


# Problems of its benchmark for which its pages take the inputs that the rivals take.
BENCHMARK = ("SinProblem", "AtanProblem", "GMSWExponentialProblem", "SXXNProblem3")
SELECTORS = [name for name in rivals() if name.startswith("numericalderivative.")]


@pytest.mark.parametrize("name", SELECTORS)
def test_numericalderivative_benchmark(name: str) -> None:
    """Its own benchmark loop on its own problems agrees with ours at every point."""
    needs(name)
    import numericalderivative as nd

    known = rivals()[name]
    agreed = 0
    for kind in BENCHMARK:
        problem = getattr(nd, kind)()
        f, exact = problem.get_function(), problem.get_first_derivative()
        low, high = problem.get_interval()
        points = np.linspace(low + 1e-3, high - 1e-3, 12)

        def theirs(function: Any, x: float) -> tuple[Any, int]:
            counter = plain(function)
            value = known.call(counter, x, *([1] if len(known.derivatives) > 1 else [])).value
            return value, counter.evaluations

        found = measure_points(known.method(), f, F64, points)
        with np.errstate(all="ignore"):
            _, _, table = nd.benchmark_method(f, exact, points, theirs)
        for m, (x, relative, evaluations) in zip(found, table, strict=True):
            if m.status == "ok":
                assert abs(m.value - exact(x)) / abs(exact(x)) == pytest.approx(relative, rel=1e-12)
                assert m.evaluations == evaluations
            else:  # a point at which the selector gives up lowers their average: -1 evaluations
                assert np.isnan(relative) and evaluations == -1 < m.evaluations
        agreed += sum(m.status == "ok" for m in found)
    assert agreed >= 10


# -- installation ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_tested_versions_install_and_run(tmp_path: Path) -> None:
    """Installs the extra's packages beside this environment, and runs this file there, none of it skipped."""
    ignored = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_HASHES"}
    environment = {k: v for k, v in os.environ.items() if k not in ignored}
    wanted = {known.package: known.tested for known in rivals().values() if known.package != "scipy"}
    environment["DIFFBENCH_REQUIRED_RIVALS"] = ",".join(wanted)

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    (site,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    # what is installed here is there too: only the libraries are new
    here = [path for path in sys.path if Path(path).name == "site-packages"]
    (site / "outer.pth").write_text("\n".join([*here, str(ROOT)]) + "\n", encoding="utf-8")
    run(python, "-m", "pip", "install", "--quiet", *(f"{name}=={v}" for name, v in wanted.items()))
    said = run(
        python, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", "tests/test_rivals.py"
    )
    assert "passed" in said and "skipped" not in said


def test_the_doctor_shows_the_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    from diffbench.runs.doctor import examine

    declared = ['jacobi>=0.9; extra == "rivals"', 'numdifftools; extra == "rivals"']
    monkeypatch.setattr("diffbench.runs.doctor.requires", lambda name: declared)
    rows = {row["package"]: row for row in examine()["extras"]}
    assert rows["numdifftools"]["brings"] == "3 rivals in the tournament, tested with 0.11.2"
    assert rows["jacobi"]["extra"] == "rivals"
    monkeypatch.setattr(base, "installed_version", lambda name: "0.8")
    rows = {row["package"]: row for row in examine()["extras"]}
    assert rows["jacobi"]["brings"] == "jacobi in the tournament, tested with 0.9.2, not with this version"
