"""``import diffbench`` is cheap, and a public name is the same thing whatever was imported first."""

from __future__ import annotations

import inspect
import itertools
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import diffbench as db

# Everything a user may not need at all, or not yet.
HEAVY = (
    "click flint gmpy2 hypothesis jinja2 lark matplotlib ml_dtypes mpmath pandas pebble pyarrow pydantic "
    "rich scipy"
).split()


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def loaded_by(code: str) -> set[str]:
    return set(run(f"import sys\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules))").split())


def test_import_loads_nothing_heavy() -> None:
    assert loaded_by("import diffbench") == set()


def test_the_check_for_heavy_imports_would_notice_one() -> None:
    assert "mpmath" in loaded_by("import diffbench, mpmath")


def test_import_loads_no_part_of_diffbench_either() -> None:
    assert run("import sys, diffbench\nprint(*(m for m in sys.modules if m.startswith('diffbench.')))") == ""


def test_dir_lists_the_public_names_without_loading_them() -> None:
    assert loaded_by("import diffbench\nassert set(diffbench.__all__) <= set(dir(diffbench))") == set()


@pytest.mark.parametrize("name", db.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(db, name) is not None


def test_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from diffbench import *", names)
    assert set(db.__all__) <= set(names)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'diffbench' has no attribute 'swep'"):
        db.swep  # noqa: B018
    assert not hasattr(db, "swep")


def test_version_is_that_of_the_installed_package() -> None:
    assert db.__version__ == run("import importlib.metadata as m; print(m.version('diffbench'))")


# ---- names that are a function and a submodule at once ----------------------------------------------

BOTH = ("methods", "opaque", "problems", "reference", "sweep", "tournament")


def test_the_table_of_names_that_are_both_is_complete() -> None:
    """A seventh such name added to the package must be added to the cases below."""
    submodules = {name for name, home in db._HOMES.items() if name == home}
    assert submodules - {"errors"} == set(BOTH)


# Each statement imports or uses the name in another way; they run in every order, from a clean start.
STATEMENTS = {
    "attribute": "import diffbench as db; found = db.{name}",
    "from package": "from diffbench import {name} as found",
    "submodule": "import diffbench.{name}; found = diffbench.{name}",
    "submodule as": "import diffbench.{name} as found",
    "from submodule": "from diffbench.{name} import {name} as f; import diffbench; found = diffbench.{name}",
    "import_module": "import importlib; found = importlib.import_module('diffbench.{name}')",
}


@pytest.fixture
def no_diffbench_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [m for m in sys.modules if m == "diffbench" or m.startswith("diffbench.")]:
        monkeypatch.delitem(sys.modules, module)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("order", list(itertools.permutations(STATEMENTS, 2)), ids=" then ".join)
@pytest.mark.usefixtures("no_diffbench_loaded")
def test_a_name_that_is_both_works_in_every_import_order(name: str, order: tuple[str, ...]) -> None:
    found = []
    for statement in order:
        scope: dict[str, object] = {}
        exec(STATEMENTS[statement].format(name=name), scope)
        found.append(scope["found"])
    assert found[0] is found[1], "one object, however it was imported"
    assert callable(found[0])
    assert inspect.isfunction(getattr(found[0], name)), "and still the module, with all that is in it"


@pytest.mark.parametrize(
    "first", ["import diffbench as db", "import diffbench.problems.smooth, diffbench as db"]
)
def test_problems_is_called_and_looked_into(first: str) -> None:
    assert run(f"{first}\nprint('sin' in dir(db.problems), len(db.problems()) > 0)").endswith("True")


@pytest.mark.parametrize("name", BOTH)
def test_a_name_that_is_both_looks_like_its_function(name: str) -> None:
    assert inspect.signature(getattr(db, name)) == inspect.signature(getattr(getattr(db, name), name))
    assert pickle.loads(pickle.dumps(getattr(db, name))) is getattr(db, name)


def test_the_hazard_is_real(tmp_path: Path) -> None:
    """A package without the callable modules loses its function to the submodule."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/sweep.py").write_text("def sweep(): return 'called'")
    (tmp_path / "plain/__init__.py").write_text(
        "from importlib import import_module\n"
        "def __getattr__(name):\n"
        "    return getattr(import_module('plain.sweep'), 'sweep')\n"
    )
    use = "import plain, plain.sweep\nprint(callable(plain.sweep))"
    assert run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{use}") == "False"
