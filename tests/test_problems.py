"""The contract of the catalogue: every problem is checked the same way, and bad ones are refused."""

from __future__ import annotations

import ast
import csv
import math
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from diffbench.errors import UnknownNameError, UserError
from diffbench.problems import Problem, get_problem, load_plugins, problem, problems, registry, select

ROOT = Path(__file__).parent.parent
ALL = list(problems().values())
NOT_SMOOTH = ("kinks", "noisy")
SMOOTH = [p for p in ALL if p.group not in NOT_SMOOTH]
FUNCTIONS = list(csv.DictReader((ROOT / "tests/data/functions.csv").read_text(encoding="utf-8").splitlines()))


def by_name(cases):
    return pytest.mark.parametrize("p", cases, ids=lambda p: p.name)


def run(p: Problem, x):
    if "scipy" in p.tags:
        pytest.importorskip("scipy")
    return p.function(x)


def program_text(p: Problem) -> str:
    """What the function returns, spelled the way ast.unparse spells it."""
    returned = [node for node in ast.walk(ast.parse(p.source)) if isinstance(node, ast.Return)]
    return ast.unparse(returned[-1].value)


# every problem ------------------------------------------------------------------------------------------


@by_name(ALL)
def test_runs_on_every_shape(p):
    for point in p.points:
        for shape in ((), (1,), (5,), (2, 3), (0,)):
            values = run(p, np.full(shape, point))
            assert np.shape(values) == shape
            assert np.isfinite(values).all()
        assert np.shape(run(p, np.float64(point))) == ()  # a NumPy scalar
        assert math.isfinite(run(p, point))  # a Python number


@by_name(ALL)
def test_elementwise_and_deterministic(p):
    # NumPy's vector and scalar loops differ by an ulp; cancellation inside f and single precision inside
    # f enlarge it to 1e-10 and 1e-6 at most
    tolerance = {"cancellation in f": 1e-10, "noisy": 1e-6}.get(p.group, 0.0)
    for point in p.points:
        x = point + p.scale_at(point) * np.linspace(-0.05, 0.05, 7)
        values = run(p, x)
        alone = np.concatenate([p.function(x[i : i + 1]) for i in range(len(x))])
        np.testing.assert_allclose(values, alone, rtol=1e-13, atol=tolerance)
        np.testing.assert_array_equal(values, p.function(x.copy()))


@by_name(ALL)
def test_fields_make_sense(p):
    low, high = p.domain
    for point in p.points:
        scale = p.scale_at(point)
        assert 0 < scale < math.inf
        assert low < point - scale / 4 and point + scale / 4 < high, (
            "a quarter of the scale leaves the domain"
        )
    assert p.cite and p.tags and p.group
    assert p.source.startswith("def ") and "dtype" not in (p.source if not p.opaque else "")
    assert p.opaque == (p.group == "noisy")


@by_name([p for p in ALL if p.opaque])
def test_truth_is_what_the_noise_surrounds(p):
    noise = 1.0 if "stochastic" in p.tags else 5e-3  # the largest: a mean of 256 samples, and 2 sqrt(3) 1e-3
    if "scipy" in p.tags:
        pytest.importorskip("scipy")
    x = p.points[0] + np.linspace(-0.1, 0.1, 50)
    gap = p.function(x) - p.truth(x)
    assert 0 < np.abs(gap).max() < noise
    assert np.ptp(np.diff(gap)) > 0, "no noise at all"


def test_noise_is_the_same_in_every_process():
    code = (
        "import numpy as np; from diffbench.problems import select; x = np.linspace(0.5, 1.5, 5);"
        "print([p.function(x).tobytes().hex() for p in select('group:noisy') if 'scipy' not in p.tags])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] and len(runs[0]) > 100


def test_noise_leaves_numpys_random_state_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    for p in select("group:noisy"):
        run(p, np.array([1.0, 1.5]))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


# the catalogue as a whole -------------------------------------------------------------------------------


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row["id"])
def test_functions_csv_is_covered(row):
    text, point = ast.unparse(ast.parse(row["program"], mode="eval")), float(row["x"])
    found = [p for p in SMOOTH if p.group == row["group"] and point in p.points and program_text(p) == text]
    assert len(found) == 1, f"{row['program']} at {point} is in {[p.name for p in found]}"
    # the reference is exact at the binary64 point; rounding inside f is at most 1e-13 of it in these programs
    assert run(found[0], np.array(point)) == pytest.approx(float(row["f"]), rel=1e-12, abs=0)


def test_sizes():
    assert len({program_text(p) for p in SMOOTH}) >= 60, "at least 60 different smooth functions"
    # 115, and the 2 of sigmoid_chain: the report's claim on vanishing gradients needs one that vanishes
    assert sum(len(p.points) for p in ALL) <= 117, "the default run covers every point in 2 minutes"
    counts = Counter(p.group for p in ALL)
    assert set(counts) == {row["group"] for row in FUNCTIONS} | set(NOT_SMOOTH)
    assert min(counts.values()) >= 5


def test_tags_are_explained():
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    assert not [tag for p in ALL for tag in p.tags if f"`{tag}`" not in page]


def test_catalogue_loads_without_scipy_or_pandas():
    code = "import sys, diffbench.problems as p; p.problems(); print(*{'scipy', 'pandas'} & set(sys.modules))"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


H = 2.0**-6  # every h below is a power of two, so the nodes and most values are exact

# name, point, h, forward, backward, central difference: the table of non-smooth points, worked out by hand
KINKS = [
    ("absolute_value", 0.0, H, 1, -1, 0),
    ("absolute_value", 2.0**-6, H, 1, 1, 1),
    ("absolute_value", 2.0**-6, 2 * H, 1, 0, 0.5),  # backward (2x - h)/h, central x/h
    ("relu", 0.0, H, 1, 0, 0.5),
    ("relu", 2.0**-10, H, 1, 2.0**-4, 0.53125),  # backward x/h, central (x + h)/(2h)
    ("leaky_relu", 0.0, H, 1, 0.01, 0.505),
    ("signed_square", 0.0, H, H, H, H),
    ("three_halves", 0.0, H, 2.0**-3, -(2.0**-3), 0),  # sqrt(h) = 1/8
    ("larger_of_x_and_square", 1.0, H, 2 + H, 1, 1.5078125),
    ("huber", 1.0, H, 1, 1 - H / 2, 1 - H / 4),
    ("hard_sigmoid", 3.0, H, 0, 1 / 6, 1 / 12),
    ("unit_step", 0.0, H, 0.5 / H, 0.5 / H, 0.5 / H),
    ("oscillating_square", 0.0, H, H * math.sin(1 / H), H * math.sin(1 / H), H * math.sin(1 / H)),
    ("flat_exponential", 0.0, 0.25, 4 * math.exp(-16), -4 * math.exp(-16), 0),
    ("elu", 0.0, H, 1, (1 - math.exp(-H)) / H, (1 + (1 - math.exp(-H)) / H) / 2),
    ("softsign", 0.0, H, 1 / (1 + H), 1 / (1 + H), 1 / (1 + H)),
]


@pytest.mark.parametrize(("name", "x", "h", "forward", "backward", "central"), KINKS)
def test_differences_at_kinks(name, x, h, forward, backward, central):
    p = get_problem(name)
    assert x in p.points
    low, middle, high = p.function(np.array([x - h, x, x + h]))
    # 1e-13: one ulp of f near 1 divided by h, where 0.01 x, x/6 or exp(x) are not exact
    assert (high - middle) / h == pytest.approx(forward, abs=1e-13)
    assert (middle - low) / h == pytest.approx(backward, abs=1e-13)
    assert (high - low) / (2 * h) == pytest.approx(central, abs=1e-13)


def test_every_kink_has_its_differences_checked():
    assert {p.name for p in select("group:kinks")} == {name for name, *_ in KINKS}


@pytest.mark.parametrize("name", ["three_halves", "oscillating_square", "flat_exponential"])
def test_stated_first_derivatives_are_limits(name):
    p = get_problem(name)
    left, right = p.stated[0.0][1]
    h = 2.0 ** -np.arange(10, 40.0)
    bound = 2 * np.sqrt(h)  # all three approach their limit at least like sqrt(h)
    assert (np.abs(p.function(h) / h - right) <= bound).all()
    assert (np.abs(p.function(-h) / -h - left) <= bound).all()


# finding problems ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "check"),
    [
        ("exp", lambda found: [p.name for p in found] == ["exp"]),
        (["sin", "exp", "sin"], lambda found: [p.name for p in found] == ["sin", "exp"]),
        ("all", lambda found: len(found) == len(ALL)),
        ("sin_*", lambda found: len(found) >= 6 and all(p.name.startswith("sin_") for p in found)),
        ("group:smooth", lambda found: {p.group for p in found} == {"smooth"}),
        ("group:badly scaled", lambda found: {p.group for p in found} == {"badly scaled"}),
        ("group:Badly-Scaled", lambda found: {p.group for p in found} == {"badly scaled"}),
        ("group:zeros", lambda found: {p.group for p in found} == {"x = 0 or f(x) = 0"}),
        ("tag:noisy", lambda found: {p.group for p in found} == {"noisy"}),
        (["tag:kink", "group:noisy"], lambda found: {p.group for p in found} == {"kinks", "noisy"}),
    ],
)
def test_select(patterns, check):
    assert check(select(patterns))


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("saitho", "'saitoh'"),
        ("smooth", "'group:smooth'"),
        ("group:smoth", "'smooth'"),
        ("group:large-y", "'large-x'"),
        ("tag:nosy", "'noisy'"),
        ("zz_*", "unknown problem"),
    ],
)
def test_select_suggests(pattern, hint):
    with pytest.raises(UnknownNameError, match="unknown problem") as caught:
        select(pattern)
    assert hint in str(caught.value)


def test_select_nothing_and_unknown_name():
    with pytest.raises(UserError, match="no problem was asked for"):
        select([])
    with pytest.raises(UnknownNameError, match="did you mean 'saitoh'"):
        get_problem("saitho")


def test_the_mapping_is_read_only():
    with pytest.raises(TypeError):
        problems()["exp"] = None


# showing and pickling -----------------------------------------------------------------------------------


def test_source_and_display():
    p = get_problem("saitoh")
    assert p.source == "def saitoh(x):\n    return 0.01 * x**2 + 0.1 * x"
    assert repr(p) == "<Problem saitoh [deep-learning composites] at 5.0, 10.0>"
    assert p.source in str(p) and p.cite in str(p)
    page = get_problem("relu")._repr_html_()
    assert "np.maximum(x, 0)" in page and "Nair &amp; Hinton" in page


def test_source_of_what_has_none():
    namespace = {}
    exec("def made(x):\n    return x", namespace)
    assert "not available" in Problem("made", namespace["made"], (1.0,)).source
    assert "not available" in Problem("ufunc", np.sin, (1.0,)).source


def doubled(x):
    return 2 * x


def test_pickle_by_name_and_by_value():
    for p in ALL:
        assert pickle.loads(pickle.dumps(p)) is p
    own = Problem("doubled", doubled, (1.0,), stated={1.0: {1: (2.0, 2.0)}})
    copy = pickle.loads(pickle.dumps(own))
    assert copy == own and copy is not own and copy.function is doubled


def test_scale():
    assert get_problem("slow_exp").scale_at(1.0) == 1e6
    assert get_problem("square_at_128").scale_at(128.0) == 128.0
    assert get_problem("exp_at_zero").scale_at(0.0) == 1.0


# bad problems, plugins ----------------------------------------------------------------------------------


@pytest.fixture
def own_registry(monkeypatch):
    """A registry of this test's own, so that planted problems do not stay."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(problems()))


GOOD = dict(at=1.0, cite="a source", group="planted")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(at=()), "no point"),
        (dict(at=math.nan), "not finite"),
        (dict(at=math.inf), "not finite"),
        (dict(at="one"), "write numbers"),
        (dict(at=(1.0, 1.0)), "listed twice"),
        (dict(at=-1.0, domain=(0, math.inf)), "outside its open domain"),
        (dict(at=0.0, domain=(0, math.inf)), "outside its open domain"),
        (dict(domain=(2, 1)), "domain .* is empty"),
        (dict(domain=3), "write numbers"),
        (dict(scale=0.0), "not a positive number"),
        (dict(scale=-1.0), "not a positive number"),
        (dict(scale=math.nan), "not a positive number"),
        (dict(cite=" "), "give cite="),
        (dict(group=None), "define GROUP"),
        (dict(formats=("float8",)), "unknown format 'float8'; choose from float16"),
        (dict(formats=()), "empty list of formats"),
        (dict(opaque=True), "needs truth="),
        (dict(truth=3), "expected a function"),
        (dict(truth=lambda: 1), "must take one argument"),
        (dict(stated={2.0: {1: (0.0, 0.0)}}), "not one of its points"),
        (dict(stated={1.0: {0: (0.0, 0.0)}}), "orders from 1"),
        (dict(stated={1.0: {1: (0.0,)}}), "left, right"),
    ],
)
def test_bad_problems_are_refused(own_registry, options, message):
    def planted(x):
        return x

    with pytest.raises(UserError, match=message) as caught:
        problem(**(GOOD | options))(planted)
    assert "'planted'" in str(caught.value)
    assert "planted" not in registry._REGISTRY


@pytest.mark.parametrize("function", [lambda: 1, lambda x, y: x, lambda *, x: x])
def test_functions_of_another_number_of_arguments_are_refused(own_registry, function):
    with pytest.raises(UserError, match="must take one argument"):
        problem(**GOOD)(function)


def test_two_problems_of_one_name_are_refused(own_registry):
    def exp(x):
        return x

    with pytest.raises(
        UserError, match=r"two problems are called 'exp'.*problems\.smooth, line \d+.*test_problems"
    ):
        problem(**GOOD)(exp)
    assert get_problem("exp").group == "smooth"


PLUGIN = """
import numpy as np
from diffbench.problems import problem

GROUP = "bells"

@problem(at=(0.5, 2), cite="somewhere", tags="mine")
def my_bell(x):
    return np.exp(-x**2)
"""


@pytest.fixture
def plugin_folder(tmp_path, monkeypatch, own_registry):
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("diffbench_test_plugin")]:
        del sys.modules[name]


def test_plugin(plugin_folder):
    (plugin_folder / "diffbench_test_plugin.py").write_text(PLUGIN)
    (found,) = load_plugins(["diffbench_test_plugin"])
    assert found.name == "my_bell" and found.points == (0.5, 2.0) and found.tags == {"mine"}
    assert get_problem("my_bell") is found
    assert select("group:bells") == select("group:diffbench_test_plugin") == select("tag:mine") == [found]
    assert load_plugins("diffbench_test_plugin") == [found], "loading twice changes nothing"
    # a worker process that has not loaded the plugin gets it from the pickle
    code = "import sys, pickle; print(pickle.loads(bytes.fromhex(sys.argv[1])).source)"
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(plugin_folder)])}
    result = subprocess.run(
        [sys.executable, "-c", code, pickle.dumps(found).hex()],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.startswith("def my_bell(x):")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "was not found.*no .py"),
        ("import diffbench_test_nowhere", "needs the module 'diffbench_test_nowhere'"),
        ("1 / 0", "failed on import: ZeroDivisionError"),
        ("def (", "failed on import: SyntaxError"),
        (PLUGIN.replace("my_bell", "exp"), "two problems are called 'exp'.*diffbench_test_plugin_bad"),
        (PLUGIN.replace('"somewhere"', '""'), "give cite="),
    ],
)
def test_bad_plugins(plugin_folder, text, message):
    if text is not None:
        (plugin_folder / "diffbench_test_plugin_bad.py").write_text(text)
    with pytest.raises(UserError, match=message):
        load_plugins(["diffbench_test_plugin_bad"])


def test_a_broken_entry_point_is_reported_and_harms_nothing(own_registry, monkeypatch):
    class Broken:
        name, value = "broken", "nowhere:nothing"

        def load(self):
            raise ImportError("no module named nowhere")

    monkeypatch.setattr(registry, "entry_points", lambda group: [Broken()])
    registry._discover.cache_clear()
    with pytest.warns(RuntimeWarning, match="entry point 'broken'.*no module named nowhere"):
        assert "exp" in problems()
