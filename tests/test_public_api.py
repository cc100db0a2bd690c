"""The public names: what each takes and gives, as a newcomer would type it."""

from __future__ import annotations

import inspect
import math
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

import diffbench as db

PUBLIC = {
    "Advice": (),
    "Estimate": (),
    "Function": (),
    "GradientCheck": (),
    "OpaqueFunction": (),
    "Partials": (),
    "Reference": (),
    "Stencil": (),
    "Sweep": (),
    "Variable": (),
    "Tournament": (),
    "advise": ("f", "x", "format", "derivative", "stencil", "truth", "scale", "effort", "name"),
    "check_gradient": ("f", "gradient", "x", "format", "along"),
    "command": ("text", "pattern", "timeout", "jobs"),
    "derivative": ("f", "x", "derivative", "method", "step", "format"),
    "directional": ("f", "x", "v", "derivative", "method", "options"),
    "errors": None,
    "formats": (),
    "grad": (),
    "gradient": ("f", "x", "method", "options"),
    "hessian": ("f", "x", "method", "options"),
    "jacobian": ("f", "x", "method", "sparsity", "options"),
    "methods": (),
    "no_grad": (),
    "opaque": ("f", "options"),
    "partial": ("f", "x", "orders", "method", "options"),
    "problems": (),
    "reference": ("f", "x", "derivative", "digits"),
    "stencil": ("kind", "offsets", "derivative", "accuracy"),
    "sweep": (
        "f",
        "x",
        "derivative",
        "formats",
        "stencils",
        "steps",
        "variants",
        "split",
        "truth",
        "scale",
        "per_decade",
        "kind",
        "name",
        "domain",
    ),
    "tournament": ("problems", "methods", "formats", "derivatives", "per_decade", "limit"),
    "__version__": None,
}


def test_the_list_of_public_names_is_this_one() -> None:
    assert set(db.__all__) == set(PUBLIC)


@pytest.mark.parametrize("name", [n for n, arguments in PUBLIC.items() if arguments])
def test_arguments_keep_their_names(name: str) -> None:
    """Names of arguments are part of the interface; options are keywords, so that they can be added to."""
    parameters = inspect.signature(getattr(db, name)).parameters
    assert tuple(parameters) == PUBLIC[name]
    if name in ("derivative", "sweep"):
        assert all(p.kind is p.KEYWORD_ONLY for n, p in parameters.items() if n not in ("f", "x"))


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"__version__", "errors"}))
def test_every_public_name_is_documented(name: str) -> None:
    found = getattr(db, name)
    assert len(inspect.getdoc(found) or "") > 40


@pytest.mark.parametrize("name", ["advise", "command", "derivative", "reference", "sweep"])
def test_every_argument_is_documented(name: str) -> None:
    text = inspect.getdoc(getattr(getattr(db, name), name, getattr(db, name))) or ""
    described = text.partition("Parameters\n")[2]
    missing = [argument for argument in PUBLIC[name] or () if argument not in described]
    assert missing == []
    assert "Raises\n" in text


def test_a_first_session() -> None:
    """The five things the package's own description promises, in its order."""
    made = db.sweep(np.sin, 1.0, per_decade=5)
    assert isinstance(made, db.Sweep)
    assert isinstance(made.frame, pd.DataFrame)
    assert isinstance(made.references, pd.DataFrame)
    assert len(made.summary()) == 3 * 4  # formats x stencils
    truth = db.reference(np.sin, 1.0)
    assert isinstance(truth, db.Reference)
    assert float(truth) == math.cos(1.0)
    formula = db.stencil("central", accuracy=4)
    assert isinstance(formula, db.Stencil)
    assert formula.name == "central-4"
    estimate = db.derivative(np.sin, 1.0)
    assert isinstance(estimate, db.Estimate)
    assert abs(float(estimate) - float(truth)) < 1e-9
    assert "sin" in db.problems()
    assert "central-2" in db.methods()
    assert list(db.formats()) == ["float16", "bfloat16", "float32", "float64", "longdouble"]


def test_the_defaults_of_a_sweep() -> None:
    made = db.sweep(np.exp, 0.0)
    assert made.frame["format"].unique().tolist() == ["float16", "float32", "float64"]
    assert made.frame["stencil"].unique().tolist() == ["forward-1", "central-2", "central-4", "central-6"]
    assert made.frame["problem"].unique().tolist() == ["exp"]
    assert made.frame["point"].unique().tolist() == ["0.0"]
    # 20 steps a decade on [u/4, 1]
    steps = made.frame.groupby(["format", "stencil"], observed=True).size()
    assert steps["float64"].tolist() == [332] * 4
    assert steps["float32"].tolist() == [157] * 4


@pytest.mark.parametrize("mapping", ["formats", "methods", "problems"])
def test_registries_are_read_only(mapping: str) -> None:
    registry = getattr(db, mapping)()
    with pytest.raises(TypeError):
        registry["mine"] = None
    assert all(isinstance(name, str) for name in registry)


@pytest.mark.parametrize(
    "value",
    [
        lambda: db.derivative(np.sin, 1.0),
        lambda: db.stencil("central", accuracy=2),
        lambda: db.formats()["float16"],
        lambda: db.errors.UnknownNameError("format", "flot", ["float16"]),
        lambda: db.errors.UserError("no"),
    ],
    ids=["Estimate", "Stencil", "Format", "UnknownNameError", "UserError"],
)
def test_results_travel_between_processes(value: Any) -> None:
    found = value()
    copy = pickle.loads(pickle.dumps(found))
    assert type(copy) is type(found)
    assert str(copy) == str(found)


def test_frames_survive_a_file(tmp_path: Any) -> None:
    """Parquet keeps every number and type of a sweep: what a run stores is what was measured."""
    made = db.sweep(np.log, 1.5, formats=("float16", "longdouble"), per_decade=4)
    made.frame.to_parquet(tmp_path / "sweep.parquet")
    back = pd.read_parquet(tmp_path / "sweep.parquet")
    for column in made.frame:
        assert (
            back[column].tolist() == made.frame[column].tolist()
            or (back[column].isna() == made.frame[column].isna()).all()
        ), column
    numbers = ["h", "estimate", "error", "truncation"]
    np.testing.assert_array_equal(back[numbers].to_numpy(), made.frame[numbers].to_numpy())
