"""Pictures of the computation graph: what the text says, what Graphviz is needed for, and the command."""

from __future__ import annotations

import builtins
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import diffbench as db
from diffbench.cli import main
from diffbench.errors import MissingExtraError, RefusedError, UserError
from diffbench.graph import LARGEST, draw, functions_of, graph_of, text_of, to_dot

NODE = re.compile(r'^  (v\d+|f\d+) \[.*label="(.*)"\]$', re.M)
EDGE = re.compile(r'^  (\w+) -> (\w+)(?: \[label="(.*)"\])?$', re.M)


def parsed(dot: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Labels of the nodes, and arrows as (label, label, what flows back)."""
    labels = {name: label.replace("\\n", "; ") for name, label in NODE.findall(dot)}
    return list(labels.values()), [(labels[a], labels[b], back) for a, b, back in EDGE.findall(dot)]


def test_five_arrives_at_x() -> None:
    labels, arrows = parsed(graph_of(lambda x: x**2 + x, 2.0))
    assert labels == ["x = 2; grad 5", "square", "4; grad 1", "add", "y = 6; grad 1"]
    assert arrows == [
        ("x = 2; grad 5", "square", "4"),
        ("square", "4; grad 1", ""),
        ("4; grad 1", "add", "1"),
        ("x = 2; grad 5", "add", "1"),
        ("add", "y = 6; grad 1", ""),
    ]


# function, point, labels that must be there, what arrives at x (the sum must be x's gradient)
CASES = [
    (lambda x: x * x, 3.0, ["x = 3; grad 6", "y = 9; grad 1"], [3, 3]),
    (lambda x: x * x * x, 2.0, ["x = 2; grad 12"], [4, 4, 4]),
    (lambda x: np.exp(0.5 * x), 0.0, ["0.5", "x = 0; grad 0.5", "exp"], [0.5]),
    (lambda x: np.floor(x) + x, 1.5, ["x = 1.5; grad 1", "floor"], [1]),
    (lambda x: np.floor(x), 1.5, ["x = 1.5", "floor", "y = 1; grad 1"], []),
    (lambda x: x, 7.0, ["x = 7; grad 1"], []),
    (lambda x: np.where(x > 0, x, -x), -2.0, ["x = -2; grad -1"], [0, -1]),
]


@pytest.mark.parametrize(("f", "x", "wanted", "arriving"), CASES)
def test_what_flows_back_adds_up(f: Any, x: float, wanted: list[str], arriving: list[float]) -> None:
    labels, arrows = parsed(graph_of(f, x))
    assert set(wanted) <= set(labels)
    back = [float(b) for a, _, b in arrows if a.startswith(f"x = {x:g}") and b]
    assert sorted(b for b in back if b) == sorted(a for a in arriving if a)


def test_a_wrong_gradient_shows() -> None:
    """The picture is of the gradients that the functions return, not of the right ones."""

    class Wrong(db.Function):
        def forward(self, x: Any) -> Any:
            return x**2

        def backward(self, gy: Any) -> Any:
            return 3 * self.input.data * gy

    x = db.Variable(2.0, name="x")
    labels, _ = parsed(to_dot(Wrong()(x)))
    assert labels == ["x = 2; grad 6", "Wrong", "4; grad 1"]


def test_drawing_changes_no_gradient() -> None:
    x = db.Variable(2.0, name="x")
    y = np.exp(x) * x
    to_dot(y)
    assert x.grad is None and y.grad is None
    y.backward()
    before = float(x.grad)
    to_dot(y)
    assert float(x.grad) == before


def test_arrays_show_their_numbers_or_their_shape() -> None:
    assert text_of(np.array([1.0, 0.25])) == "[1, 0.25]"
    assert text_of(np.zeros((3, 4))) == "shape (3, 4)"
    labels, _ = parsed(graph_of(lambda x: np.sum(x**2), np.array([3.0, 4.0])))
    assert "x = [3, 4]; grad [6, 8]" in labels and "y = 25; grad 1" in labels


def test_the_format_is_the_graph_s() -> None:
    labels, _ = parsed(graph_of(lambda x: x * 0.1, 1.0, format="float16"))
    assert "0.0999756" in labels and "x = 1; grad 0.0999756" in labels


def test_names_are_quoted() -> None:
    x = db.Variable(1.0, name='a "b" \\ c')
    assert 'label="a \\"b\\" \\\\ c = 1\\ngrad 1"' in to_dot(x)


def test_a_long_chain_is_a_loop_and_not_a_recursion() -> None:
    y = x = db.Variable(1.0, name="x")
    for _ in range(5000):
        y = -y
    assert len(functions_of(y)) == 5000
    dot = to_dot(y)
    assert "x = 1\\ngrad 1" in dot
    with pytest.raises(UserError, match=f"5000 functions is too large for a picture.*{LARGEST}.*DOT text"):
        draw(dot, "chain.svg")
    del x


@pytest.mark.parametrize(
    ("f", "x", "error", "said"),
    [
        (lambda x: np.stack([x, x]), 1.0, UserError, "needs a seed"),
        (lambda x: x, float("nan"), UserError, "not a finite number"),
        (lambda x: np.round(x), 1.0, RefusedError, "np.round"),
        (lambda x: "text", 1.0, RefusedError, "returned a plain str"),
    ],
)
def test_what_has_no_graph_is_said(f: Any, x: float, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        graph_of(f, x)


# ---- files -----------------------------------------------------------------------------------------------

DOT = graph_of(lambda x: x**2 + x, 2.0)


def test_text_needs_nothing(tmp_path: Path) -> None:
    for name in ("g.dot", "g.gv"):
        assert draw(DOT, tmp_path / name).read_text(encoding="utf-8") == DOT


@pytest.mark.parametrize(
    ("name", "said"), [("g.jpg", "must end in .svg, .png, .pdf"), ("nowhere/g.dot", "cannot write .*nowhere")]
)
def test_a_wrong_file_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        draw(DOT, tmp_path / name)


def test_without_the_package_the_message_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def lacking(name: str, *args: Any, **kwargs: Any) -> ModuleType:
        if name == "graphviz":
            raise ModuleNotFoundError(name, name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(
        MissingExtraError, match=r"graph as .svg needs the package 'graphviz'.*diffbench\[graph\]"
    ):
        draw(DOT, tmp_path / "g.svg")
    assert not list(tmp_path.iterdir())


class FakeGraphviz(ModuleType):
    """A stand-in whose program is missing or fails."""

    class ExecutableNotFound(RuntimeError):
        pass

    class CalledProcessError(RuntimeError):
        stderr = b"syntax error in line 1\nmore"

    def __init__(self, raised: str) -> None:
        super().__init__("graphviz")
        self.raised = raised

    def Source(self, dot: str) -> Any:  # the package's own name
        return self

    def pipe(self, format: str) -> bytes:
        raise getattr(self, self.raised)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("ExecutableNotFound", "Graphviz's program `dot`, which is not installed.*end the name in .dot"),
        ("CalledProcessError", "could not draw the graph: syntax error in line 1"),
    ],
)
def test_graphviz_that_fails_is_explained(
    raised: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", FakeGraphviz(raised))
    with pytest.raises(UserError, match=said):
        draw(DOT, tmp_path / "g.svg")


def test_pictures_by_graphviz(tmp_path: Path) -> None:
    pytest.importorskip("graphviz", reason="needs diffbench[graph]")
    if shutil.which("dot") is None:
        pytest.skip("needs Graphviz's program dot")
    svg = draw(DOT, tmp_path / "g.svg").read_text(encoding="utf-8")
    assert "grad 5" in svg and svg.count("<ellipse") == 2
    assert draw(DOT, tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    assert draw(DOT, tmp_path / "g.pdf").read_bytes().startswith(b"%PDF")


# ---- the command -------------------------------------------------------------------------------------------


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["graph", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_prints_dot(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = command(capsys, "x**2 + x", "--at", "2")
    assert (code, err) == (0, "")
    assert out.startswith("digraph {") and 'label="x = 2\\ngrad 5"' in out
    assert "x**2 + x at x = 2, float64" in out


def test_the_command_says_that_a_result_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = command(capsys, "log(x)", "--at", "-1")
    assert code == 0 and out.startswith("digraph {")
    assert err.startswith("note: y is nan at x = -1 in float64")


def test_the_command_writes_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = command(capsys, "saitoh", "--out", str(tmp_path / "g.dot"))
    assert code == 0 and out.startswith("wrote  ")
    assert "has 2 points; this is the first" in err
    assert "saitoh at x = 5, float64" in (tmp_path / "g.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x", "--at", "1", "--at", "2"], "one point"),
        (["x", "--at", "1", "--format", "float15"], "did you mean"),
        (["x", "--at", "1", "--out", "g.jpg"], "must end in"),
        (["x", "--at", "1", "--out", "nowhere/g.svg"], "there is no folder"),
        (["x**2"], "--at X"),
    ],
)
def test_the_command_refuses(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = command(capsys, *words)
    assert (code, out) == (2, "") and said in err
