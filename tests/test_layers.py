"""The layer table of CONTRIBUTING.md, enforced: who may import whom, and who may name what.

``violations(package)`` reads every module of a package with ``ast`` (also the imports inside functions
and under ``TYPE_CHECKING``) and returns one line per broken rule. The planted cases below show that each
rule is really looked at.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "diffbench"

# A unit (a module or sub-package of diffbench) imports from the rows above its own, and from itself.
ROWS: list[set[str]] = [
    {"errors", "statuses"},
    {"arithmetic", "stencils", "problems", "expressions"},  # layer 1: strangers to each other
    {"reference", "graph", "opaque"},
    {"steps"},
    {"branches", "predictions"},
    {"methods"},
    {"advice", "random_functions"},
    {"truncation"},
    {"split"},
    {"sampling"},
    {"floor"},
    {"frames"},
    {"multivariate"},
    {"checking"},
    {"sweep", "tournament", "scores", "gradient_check"},
    {"targets"},
    {"runs"},
    {"report"},
    {"cli"},
    {"__main__", "pytest_plugin"},
]
ROW_OF = {unit: row for row, units in enumerate(ROWS) for unit in units}

# Units of one row that may import each other: the experiments share their scores.
FRIENDS = ROWS[ROW_OF["sweep"]]

# What a unit may not import although it stands above: the column "knows nothing of" of the table.
UNKNOWN_TO = {
    "reference": {"problems"},
    "steps": {"problems"},
    "opaque": {"problems"},
    "advice": {"problems"},
    "random_functions": {"problems"},
    "report": {
        "problems",
        "reference",
        "steps",
        "methods",
        "random_functions",
    },  # renders stored results, computes none
}

# Imports that point down on purpose, with the reason; allowed inside a function only.
DOWNWARD = {
    (
        "sweep",
        "report",
    ): "Sweep.plot() draws with the figures of the report, which take frames and nothing else",
    ("advice", "report"): "Advice.plot() draws with a figure of the report, which takes the advice's numbers",
    ("tournament", "report"): "Tournament.plot() likewise",
}

# Other people's packages that only some units may import.
RESERVED = {"click": {"cli"}, "rich": {"cli"}}
NOT_FOR = {
    "pandas": {"errors", "arithmetic", "stencils", "problems", "expressions", "steps", "split"},
}

PROTOCOLS = {"__array_ufunc__", "__array_function__"}  # named in arithmetic/ only

Found = tuple[int, str, bool]  # line, full dotted name, inside a function?


def imported_names(tree: ast.AST, package: list[str], inside: bool = False) -> Iterator[Found]:
    """Every import below a node; ``from a import b`` counts as ``a.b``, relative ones are made absolute."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*base, *filter(None, [node.module])])
            yield from ((node.lineno, f"{origin}.{alias.name}", inside) for alias in node.names)
        elif isinstance(node, ast.Call) and (name := _imported_by_call(node)):
            yield node.lineno, name, inside
        deeper = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imported_names(node, package, deeper)


def _imported_by_call(call: ast.Call) -> str:
    """The name in ``import_module("diffbench.sweep")``, where it is written out."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    first = call.args[0] if call.args else None
    written = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return first.value if called in ("import_module", "__import__") and written else ""


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name a module defines, reads, or spells out as a string of its own."""
    for node in ast.walk(tree):
        for field in ("name", "attr", "id", "value"):
            text = getattr(node, field, None)
            if isinstance(text, str):
                yield getattr(node, "lineno", 0), text


def public_homes(package: Path) -> dict[str, str]:
    """Where the lazy public names of the package live: ``from diffbench import Sweep`` means sweep."""
    for node in ast.walk(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HOMES":
            return dict(ast.literal_eval(node.value))
    return {}


def complaint(unit: str, name: str, inside: bool, homes: dict[str, str]) -> str:
    """What is wrong with one import of `unit`, or nothing."""
    top, *rest = name.split(".")
    if top != "diffbench":
        if unit not in RESERVED.get(top, {unit}):
            return f"only {', '.join(sorted(RESERVED[top]))}.py imports {top}"
        return f"{unit} knows nothing of {top}" if unit in NOT_FOR.get(top, ()) else ""
    if rest == ["__version__"]:
        return ""
    if not rest:
        return "" if unit in {"cli", "__main__"} else "import the module that is needed, not all of diffbench"
    target = homes.get(rest[0], rest[0]).split(".")[0]
    if target not in ROW_OF:
        return f"{target} is in no row of the layer table: add it to ROWS"
    if unit == target or {unit, target} <= FRIENDS:
        return ""
    if (unit, target) in DOWNWARD:
        return "" if inside else f"{unit} may import {target} inside a function only"
    if target in UNKNOWN_TO.get(unit, ()):
        return f"{unit} knows nothing of {target}"
    return (
        "" if ROW_OF[target] < ROW_OF[unit] else f"{unit} may not import {target}: it is not in a row above"
    )


def violations(package: Path) -> list[str]:
    """One line per broken rule in the modules of `package`, which stands for diffbench."""
    homes, found = public_homes(package), []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        unit = parts[0]
        if unit == "__init__":  # the front door names everything, and imports it when it is asked for
            continue
        if unit not in ROW_OF:
            found.append(
                f"{path.relative_to(package)}: {unit} is in no row of the layer table: add it to ROWS"
            )
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        problems = [
            (line, complaint(unit, name, inside, homes))
            for line, name, inside in imported_names(tree, ["diffbench", *parts[:-1]])
        ]
        if unit != "arithmetic":
            problems += [
                (line, f"only arithmetic/ names {text}") for line, text in named(tree) if text in PROTOCOLS
            ]
        found += [f"{path.relative_to(package)}:{line}: {what}" for line, what in problems if what]
    return found


def test_the_package_keeps_the_layers() -> None:
    assert violations(PACKAGE) == []


def test_the_walk_sees_the_package() -> None:
    """Guards the test above against a package that moved: no files would mean no violations."""
    units = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in PACKAGE.rglob("*.py")}
    assert {"arithmetic", "stencils", "errors", "cli"} <= units


# file, its text, what must be said about it
PLANTED = [
    ("stencils.py", "from diffbench.sweep import Sweep", "stencils may not import sweep"),
    ("stencils.py", "import diffbench.arithmetic.formats", "stencils may not import arithmetic"),
    ("arithmetic/arb.py", "from diffbench.stencils import stencil", "arithmetic may not import stencils"),
    ("arithmetic/arb.py", "from ..problems import problems", "arithmetic may not import problems"),
    ("arithmetic/arb.py", "import pandas as pd", "arithmetic knows nothing of pandas"),
    ("problems/smooth.py", "from diffbench.arithmetic import formats", "problems may not import arithmetic"),
    ("problems/smooth.py", "from .. import stencils", "problems may not import stencils"),
    ("reference.py", "from diffbench import methods", "reference may not import methods"),
    ("reference.py", "from diffbench import derivative", "reference may not import methods"),
    ("steps/rules.py", "from diffbench.sweep import Sweep", "steps may not import sweep"),
    ("methods/fd.py", "def f():\n    from diffbench.runs import load", "methods may not import runs"),
    (
        "methods/fd.py",
        "import importlib\nimportlib.import_module('diffbench.tournament')",
        "not import tournament",
    ),
    (
        "methods/fd.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import diffbench.runs",
        "import runs",
    ),
    ("sweep.py", "from diffbench.runs.store import save", "sweep may not import runs"),
    (
        "sweep.py",
        "from diffbench.report.figures import error_figure",
        "sweep may import report inside a function only",
    ),
    ("scores.py", "def f():\n    from diffbench.report import render", "scores may not import report"),
    ("runs/store.py", "from diffbench.report import render", "runs may not import report"),
    ("runs/store.py", "import diffbench as db", "import the module that is needed"),
    ("runs/execute.py", "from rich.progress import Progress", "only cli.py imports rich"),
    ("runs/execute.py", "def f():\n    import click", "only cli.py imports click"),
    ("report/page.py", "from diffbench.problems import problems", "report knows nothing of problems"),
    ("report/page.py", "from diffbench.cli import main", "report may not import cli"),
    ("errors.py", "from diffbench.stencils import Stencil", "errors may not import stencils"),
    ("extra.py", "", "extra is in no row of the layer table"),
    ("runs/store.py", "from diffbench.extra import thing", "extra is in no row of the layer table"),
    (
        "methods/auto.py",
        "class V:\n    def __array_ufunc__(self): ...",
        "only arithmetic/ names __array_ufunc__",
    ),
    (
        "reference.py",
        "def f(x):\n    return x.__array_function__",
        "only arithmetic/ names __array_function__",
    ),
    ("reference.py", "def f(x):\n    return hasattr(x, '__array_ufunc__')", "only arithmetic/ names"),
]

# What looks close to a violation and is none.
ALLOWED = [
    ("arithmetic/arb.py", "from .base import Arithmetic\nclass V:\n    def __array_ufunc__(self): ..."),
    (
        "problems/smooth.py",
        "from diffbench.errors import UserError\nfrom diffbench.problems.registry import problem",
    ),
    ("methods/fd.py", "from diffbench.steps import rules\nfrom diffbench.reference import reference"),
    ("methods/fd.py", '"""Says why __array_ufunc__ is not named here."""'),
    ("sweep.py", "from diffbench.scores import summarise\nfrom diffbench import stencil, formats, errors"),
    ("sweep.py", "def plot():\n    from diffbench.report.figures import error_figure"),
    ("runs/manifest.py", "from diffbench import __version__\nimport pandas"),
    (
        "report/figures.py",
        "from diffbench.arithmetic.formats import formats\nfrom diffbench.runs import load",
    ),
    ("cli.py", "import click, rich.table\nimport diffbench as db\nfrom diffbench.report import render"),
]


def plant(root: Path, file: str, text: str) -> Path:
    """A package of one module, beside the real list of public names."""
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / "__init__.py").write_text((PACKAGE / "__init__.py").read_text(encoding="utf-8"), encoding="utf-8")
    (root / file).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(("file", "text", "said"), PLANTED)
def test_a_planted_violation_is_caught(tmp_path: Path, file: str, text: str, said: str) -> None:
    found = violations(plant(tmp_path / "diffbench", file, text))
    assert len(found) == 1
    assert found[0].startswith(file)
    assert said in found[0]


@pytest.mark.parametrize(("file", "text"), ALLOWED)
def test_what_is_allowed_is_not_reported(tmp_path: Path, file: str, text: str) -> None:
    assert violations(plant(tmp_path / "diffbench", file, text)) == []
