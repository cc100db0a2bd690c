"""Suite files: those that come along are right, and every mistake in one is answered with its key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from diffbench.errors import UserError
from diffbench.problems import problems, registry
from diffbench.runs import load_suite, suite_names
from diffbench.runs.plan import plan
from diffbench.runs.suite import Suite, parse_suite

GOOD: dict[str, Any] = {
    "title": "a test",
    "problems": ["sin"],
    "formats": ["float32"],
    "stencils": {"1": ["forward-1", "central-2"]},
}


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


# --- the suites that come along ---


def test_there_are_three() -> None:
    assert suite_names() == ["default", "full", "quick"]


@pytest.mark.parametrize("name", ["default", "full", "quick"])
def test_every_suite_has_a_plan(name: str) -> None:
    cells = plan(load_suite(name))
    assert len({cell.key for cell in cells}) == len(cells), "two cells would overwrite each other"
    assert len({cell.label for cell in cells}) == len(cells)
    assert any(cell.is_map for cell in cells), "the report shows a map"


def test_the_default_suite_is_what_the_readme_promises() -> None:
    suite = load_suite("default")
    assert set(suite.formats) == {"float16", "float32", "float64"}
    assert suite.steps.per_decade >= 20
    assert set(suite.stencils[1]) == {
        *("forward-1", "forward-2", "backward-1", "central-2", "central-4", "central-6", "central-8")
    }
    assert set(suite.stencils[2]) == {"central-2", "central-4", "central-6"}
    assert set(suite.stencils[3]) == {"central-2", "central-4"}
    cells = [cell for cell in plan(suite) if cell.kind == "sweep"]
    everywhere = {p.name for p in problems().values() if p.formats is None}
    assert {c.problem.name for c in cells} == set(problems())
    assert {(c.problem.name, c.format_name) for c in cells} >= {
        (p, f) for p in everywhere for f in suite.formats
    }
    assert any(
        c.settings.variants == ("integer", "float", "mixed") for c in cells if c.format_name == "float16"
    )
    assert all(c.settings.variants == ("integer",) for c in cells if c.format_name != "float16")


def test_the_full_suite_has_every_format_variant_and_four_derivatives() -> None:
    suite = load_suite("full")
    assert suite.formats == ["float16", "bfloat16", "float32", "float64", "longdouble"]
    assert suite.variants == ["integer", "float", "mixed"]
    assert sorted(suite.stencils) == [1, 2, 3, 4]


# --- additions and options ---


def settings_of(suite: Suite) -> dict[tuple[str, str], Any]:
    return {(cell.problem.name, cell.format_name): cell.settings for cell in plan(suite)}


EXTRA = {
    "problems": ["sin", "exp"],
    "formats": ["bfloat16"],
    "variants": ["mixed"],
    "stencils": {"2": ["central-4"]},
}


def test_an_addition_gives_more_to_some_problems() -> None:
    found = settings_of(parse_suite(GOOD | {"problems": ["sin", "cos"], "extra": [EXTRA]}))
    assert set(found) == {("sin", "float32"), ("sin", "bfloat16"), ("cos", "float32")}, (
        "exp was not asked for"
    )
    assert found["sin", "bfloat16"].variants == ("integer", "mixed")
    assert found["sin", "bfloat16"].stencils == {1: ("forward-1", "central-2"), 2: ("central-4",)}
    assert found["sin", "float32"].variants == ("integer",), "the addition names another format"


def test_options_narrow_a_suite_and_its_additions() -> None:
    suite = parse_suite(GOOD | {"problems": ["all"], "extra": [EXTRA]})
    assert set(settings_of(suite.with_options(["sin"], ["float32"]))) == {("sin", "float32")}
    assert set(settings_of(suite.with_options(["cos"]))) == {("cos", "float32")}
    with pytest.raises(UserError, match="did you mean 'float16'"):
        suite.with_options(formats=["flaot16"])


def test_a_problem_that_has_no_such_format_is_no_cell() -> None:
    suite = parse_suite(GOOD | {"problems": ["sin_plus_noise"]})  # float64 only
    with pytest.raises(UserError, match="nothing to compute"):
        plan(suite)


MAP = {"problem": "sin", "format": "float32", "stencils": ["central-2"], "low": 1.0, "high": 3.0, "points": 5}


def test_a_map_is_a_cell_with_points_of_its_own_and_one_grid_of_steps() -> None:
    *_, made = plan(parse_suite(GOOD | {"maps": [MAP]}))
    assert made.is_map and made.label == "sin float32 map"
    assert made.problem.points == (1.0, 1.5, 2.0, 2.5, 3.0)
    assert {made.problem.scale_at(point) for point in made.problem.points} == {3.0}


def test_a_map_goes_with_its_problem_and_format() -> None:
    suite = parse_suite(GOOD | {"problems": ["sin", "cos"], "maps": [MAP]})
    assert len(plan(suite)) == 3
    assert len(plan(suite.with_options(["cos"]))) == 1
    assert len(plan(suite.with_options(formats=["float64"]))) == 2


def test_options_narrow_the_functions_of_several_variables_too() -> None:
    suite = load_suite("default")
    assert suite.gradients is not None
    assert suite.with_options(["sin"]).gradients is None, "another catalogue"
    assert suite.with_options(["all"]).gradients == suite.gradients
    narrow = suite.model_copy(
        update={"gradients": suite.gradients.model_copy(update={"formats": ["float32", "float64"]})}
    ).with_options(formats=["float64"])
    assert narrow.gradients is not None and narrow.gradients.formats == ["float64"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"problem": "sine"}, r"^maps\[0\]: unknown problem 'sine'"),
        ({"problem": "log", "low": -1.0}, r"^maps\[0\]: problem 'log': the point -1.0 is outside"),
    ],
)
def test_a_map_that_cannot_be_made(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        plan(parse_suite(GOOD | {"problems": ["all"], "maps": [MAP | change]}))


# --- plugins ---

PLUGIN = """
import numpy as np
from diffbench.problems import problem

@problem(at=0.5, cite="a test", group="mine")
def {name}(x):
    return np.sin(x)
"""


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone afterwards."""
    problems()
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


@pytest.mark.usefixtures("own_registry")
def test_a_plugin_beside_the_suite_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "plugin_of_a_suite.py").write_text(PLUGIN.format(name="from_a_plugin"))
    text = 'title = "t"\nproblems = ["group:mine"]\nformats = ["float32"]\nplugins = ["plugin_of_a_suite"]\n'
    suite = load_suite(write(tmp_path, text + '[stencils]\n1 = ["central-2"]\n'))
    assert [cell.problem.name for cell in plan(suite)] == ["from_a_plugin"]


@pytest.mark.usefixtures("own_registry")
def test_the_suite_and_the_plugin_of_the_manual_work(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "docs" / "command-line.md").read_text(encoding="utf-8")
    (plugin,) = (
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "@problem" in block
    )
    (suite,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    name = "problems_of_the_manual"
    (tmp_path / f"{name}.py").write_text(plugin)
    loaded = load_suite(write(tmp_path, suite.replace("my_problems", name)))
    assert set(type(loaded).model_fields) - {"name", "folder"} <= set(re.findall(r"\w+", suite)), (
        "a key is not shown"
    )
    cells = plan(loaded)
    assert {"my_loss float16", "tanh bfloat16", "tanh float32", "tanh float16 map"} <= {
        cell.label for cell in cells
    }


def test_a_plugin_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="plugin 'no_such_plugin' was not found"):
        plan(parse_suite(GOOD | {"plugins": ["no_such_plugin"]}))


# --- mistakes ---

# key, wrong value, what must be said: the key and the choices
MISTAKES: list[tuple[str, Any, list[str]]] = [
    ("formats", ["float61"], ["formats: unknown format 'float61'", "'float16'"]),
    ("formats", [], ["formats: ", "at least 1"]),
    ("formats", "float32", ["formats: ", "list", "got 'float32'"]),
    ("variants", ["integr"], ["variants: unknown variant 'integr'", "did you mean 'integer'"]),
    ("stencils", {"1": ["central-3"]}, ["stencils: 1 has 'central-3': ", "even", "central-4"]),
    (
        "stencils",
        {"1": ["centrl-2"]},
        ["stencils: 1 has 'centrl-2': unknown stencil", "did you mean 'central-2'"],
    ),
    ("stencils", {"7": ["central-2"]}, ["stencils: the key '7'", "from 1 to 6"]),
    ("stencils", {"1": []}, ["stencils: 1 must be a list of stencil names"]),
    ("stencils", ["central-2"], ["stencils: must be a table"]),
    ("stencils", {}, ["stencils: "]),
    ("steps", {"per_decade": 0}, ["steps.per_decade: must be greater than or equal to 1, got 0"]),
    ("steps", {"per_decade": 500}, ["steps.per_decade: must be less than or equal to 200"]),
    ("steps", {"per_decade": "20"}, ["steps.per_decade: must be a valid integer"]),
    ("steps", {"kind": "octal"}, ["steps.kind: must be 'decimal' or 'binary', got 'octal'"]),
    ("steps", {"per_decad": 20}, ["unknown key 'steps.per_decad': did you mean 'per_decade'?"]),
    ("timeout", 0, ["timeout: must be greater than 0"]),
    ("timeout", float("inf"), ["timeout: must be a finite number"]),
    ("timeout", "1 min", ["timeout: must be a valid number"]),
    ("title", 3, ["title: must be a valid string"]),
    ("problem", ["sin"], ["unknown key 'problem': did you mean 'problems'?"]),
    ("colour", "red", ["unknown key 'colour': choose from: ", "timeout"]),
    ("name", "x", ["unknown key 'name'"]),
    ("problems", [], ["problems: ", "at least 1"]),
    ("plugins", "mine", ["plugins: ", "list"]),
    ("maps", [MAP | {"format": "float61"}], ["maps[0].format: unknown format 'float61'"]),
    ("maps", [MAP | {"stencils": ["central-3"]}], ["maps[0].stencils: ", "even"]),
    ("maps", [MAP | {"high": 0.5}], ["maps[0]: low = 1 must be less than high = 0.5"]),
    ("maps", [MAP | {"points": 1}], ["maps[0].points: must be greater than or equal to 2"]),
    ("maps", [MAP | {"point": 9}], ["unknown key 'maps[0].point': did you mean 'points'?"]),
    ("extra", [{"problems": ["sin"], "variant": []}], ["unknown key 'extra[0].variant'", "'variants'"]),
    ("extra", [{"variants": ["mixed"]}], ["the key 'extra[0].problems' is missing"]),
    ("extra", [{"problems": ["sin"], "formats": ["f"]}], ["extra[0].formats: unknown format 'f'"]),
]


@pytest.mark.parametrize(("key", "value", "said"), MISTAKES)
def test_a_mistake_is_answered_with_its_key(key: str, value: Any, said: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parse_suite(GOOD | {key: value}, "mine.toml")
    message = str(caught.value)
    assert message.startswith("suite mine.toml:\n")
    for text in said:
        assert text in message
    assert len(message.splitlines()) == 2, "one mistake, one line"


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(UserError) as caught:
        parse_suite({"formats": ["float61"], "timeout": -1, "colour": "red"})
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 6  # title, problems and stencils are missing too


@pytest.mark.parametrize("pattern", ["sine", "group:smoth", "tag:nosy", "zzz*"])
def test_a_pattern_that_matches_nothing_is_answered_with_its_key(pattern: str) -> None:
    with pytest.raises(UserError, match="^problems: unknown problem"):
        plan(parse_suite(GOOD | {"problems": [pattern]}))
    with pytest.raises(UserError, match=r"^extra\[0\].problems: unknown problem"):
        plan(parse_suite(GOOD | {"extra": [{"problems": [pattern]}]}))


# source, what is said
FILES = [
    ("quikc", "did you mean 'quick'"),
    ("no/such/file.toml", "the suites that come along are default, full, quick"),
]


@pytest.mark.parametrize(("source", "said"), FILES)
def test_a_suite_that_is_not_there(source: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_suite(source)


@pytest.mark.parametrize("text", ["title = \n", "title = 'a'\ntitle = 'b'\n", "[[[", "just words"])
def test_a_file_that_is_not_toml_is_answered_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match=r"suite mine.toml is not a TOML file: .*line \d"):
        load_suite(write(tmp_path, text))


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is not a TOML file"):
        load_suite(path)


def test_a_folder_is_no_suite(tmp_path: Path) -> None:
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(UserError, match=r"there is no suite file"):
        load_suite(folder)
