"""docs/steps.md against the code: every rule and estimator, its parameters, and what it costs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import diffbench as db
from diffbench.methods.names import estimators, listed_names
from diffbench.steps import step_rules

PAGE = (Path(__file__).parent.parent / "docs/steps.md").read_text(encoding="utf-8")
#: the first cell of every table row: names, and perhaps parameters in brackets
FIRST = [line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| `")]
NAMED = {name: cell for cell in FIRST for name in re.findall(r"`([\w-]+)`", re.sub(r"\(.*\)", "", cell))}


def test_the_page_has_every_rule_and_every_estimator_and_no_other() -> None:
    statuses = {"no_step", "low_confidence", "domain", "overflow", "error", "step_vanished", "underflow"}
    found = set(NAMED) - statuses
    assert found == set(step_rules()) | set(estimators()) | {"hyper-dual"}


def test_the_page_has_the_parameters() -> None:
    for name, found in {**step_rules(), **estimators()}.items():
        said = re.search(r"\(`([\w ]+)`\)", NAMED[name])
        if found.parameters and name != "model-optimum":  # whose parameter is in the text of its row
            assert said and said[1].split() == list(found.parameters), name


# method, what the page says in its column of evaluations: exp at 1 in float64
COSTS = [
    ("central-2@curtis-reid", 5),
    ("central-2@dumontet-vignes", 39),
    ("central-2@stepleman-winarsky", 11),
    ("forward-1@gill-murray", 4),
    ("forward-1@more-wild", 10),
    ("forward-1@shi-xie-forward", 4),
    ("central-2@shi-xie-central", 14),
    ("central-4@shi-xie", 34),
    ("central-2@mathur", 124),
    ("central-2@pnd-plugin", 6),
    ("central-2@pnd-curtis-reid", 8),
    ("central-2@pnd-kink", 122),
    ("central-4@fdm-bound", 11),
    ("ridders", 14),
    ("richardson-central", 10),
    ("richardson-forward", 14),
    ("numderiv", 8),
    ("gsl-central", 8),
    ("complex-step", 1),
    ("complex-plane", 5),
    ("cauchy", 26),
    ("cauchy-bornemann", 132),
    ("cauchy-fornberg", 162),
]


@pytest.mark.parametrize(("method", "count"), COSTS)
def test_the_page_has_the_costs(method: str, count: int) -> None:
    """The last bits of exp may add an iteration to some: 15 %, and one at least."""
    name = method.rpartition("@")[2]
    (row,) = [
        line for line in PAGE.splitlines() if line.startswith("| `") and f"`{name}`" in line.split("|")[1]
    ]
    assert re.search(rf"\| {count}\b", row), row
    found = db.derivative(np.exp, 1.0, method=method).evaluations
    assert abs(found - count) <= max(4, 0.15 * count)


def test_the_examples_of_the_page_run() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
    names = re.findall(r'method="([^"]+)"', code)
    assert len(names) == 4
    for name in names:
        assert abs(float(db.derivative(np.sin, 1.0, method=name)) - np.cos(1.0)) < 1e-8
    exec(compile(code, "docs/steps.md", "exec"), {})


def test_listed_methods_are_valid_and_not_repeated() -> None:
    names = listed_names()
    assert len(names) == len(set(names))
