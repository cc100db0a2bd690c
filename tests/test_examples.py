"""The textbook's experiments: scripts that run and save pictures, and an argument that holds in numbers."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import diffbench as db

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(EXAMPLES.glob("[0-9]*.py"))


def run(script: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script as its reader runs it, in this process (a new one would take seconds to start)."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(sys, "argv", [str(script), str(folder)])
    runpy.run_path(str(script), run_name="__main__")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_runs_and_saves_its_picture(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(script, tmp_path, monkeypatch)
    made = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    stem = script.stem.partition("_")[2]
    if stem == "graph":  # its picture needs Graphviz, the text does not
        assert made["graph.dot"] > 500
    else:
        assert made.keys() == {f"{stem}.svg", f"{stem}.png"}
        assert min(made.values()) > 5000


# script, what is written in it, what is planted instead
PLANTED = [
    ("01_chain_of_functions.py", "np.exp(self.input.data) * gy", "self.input.data * gy"),
    ("01_chain_of_functions.py", "def numerical(f, x, h=1e-4)", "def numerical(f, x, h=1e-3)"),
    ("05_tangent_line.py", "/ (2 * h)", "/ h"),
    ("09_gradient_descent.py", "path[-1] - rate", "path[-1] + rate"),
    ("10_square_test.py", "2 * self.input.data * gy", "-2 * self.input.data * gy"),
    ("11_taylor_argument.py", "h / 2 * second", "h / 3 * second"),
    (
        "12_many_variables.py",
        "(3 - 2 * x) * x - before",
        "(3 - 2 * x) * x - np.roll(before, 1, axis=0) - before",
    ),
]


@pytest.mark.parametrize(("name", "written", "planted"), PLANTED)
def test_an_example_notices_a_wrong_number(
    name: str, written: str, planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert written in text
    script = tmp_path / name
    script.write_text(text.replace(written, planted), encoding="utf-8")
    with pytest.raises(AssertionError):
        run(script, tmp_path, monkeypatch)


def test_without_an_argument_the_picture_goes_to_a_new_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(sys, "argv", ["05_tangent_line.py"])
    import pictures

    made = pictures.folder()
    assert made.is_dir() and not list(made.iterdir())
    shutil.rmtree(made)


def test_the_page_of_the_examples_lists_every_script() -> None:
    listed = re.findall(
        r"^\| \[(\S+?)\]\((\S+?)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.M
    )
    assert [name for name, _ in listed] == [target for _, target in listed] == [p.name for p in SCRIPTS]


@pytest.mark.parametrize("page", ["examples/README.md", "docs/textbook.md"])
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)\s#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert targets
    assert [t for t in targets if not (ROOT / page).parent.joinpath(t).exists()] == []


# ---- the Taylor argument of docs/textbook.md ---------------------------------------------------------------

STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9)
# function, point: f'' and f''' are not 0 there; the constants bound the next term's share, |f'''/(3 f'')| h
# and |f5/(20 f''')| h^2, with what follows it
FUNCTIONS = [
    (lambda x: np.exp(np.sin(x)), 1.0, 1.2, 0.5),
    (lambda x: 0.01 * x**2 + 0.1 * x + x**3, 2.0, 0.5, 1e-14),
    (lambda x: np.exp(x**2) ** 2, 0.5, 3.0, 5.0),
    (lambda x: 1 / (1 + np.exp(-x)), 1.5, 2.0, 2.0),
    (np.log, 3.0, 0.3, 0.1),
]


def shares(f: object, x: float, steps: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Measured truncation over the leading term, per step (largest first)."""
    second, third = (float(db.reference(f, x, derivative=k).value) for k in (2, 3))
    rows = db.sweep(f, x, formats=("float64",), stencils=("forward-1", "central-2"), steps=steps).frame
    leading = {"forward-1": lambda h: h / 2 * second, "central-2": lambda h: h**2 / 6 * third}
    found = {}
    for name, term in leading.items():
        curve = rows[rows["stencil"] == name].sort_values("h", ascending=False)
        assert len(curve) == len(steps) and (curve["status"] == "ok").all()
        found[name] = (curve["truncation"] / term(curve["h"])).to_numpy()
    return found


@pytest.mark.parametrize(("f", "x", "forward", "central"), FUNCTIONS)
def test_the_leading_terms_are_the_truncation(f: object, x: float, forward: float, central: float) -> None:
    """h/2 f'' with a relative error O(h), h^2/6 f''' with O(h^2)."""
    h = np.array(STEPS)
    found = shares(f, x, STEPS)
    rounding = 1e-13  # of the division by the leading term, and of its powers of h
    assert np.all(np.abs(found["forward-1"] - 1) <= forward * h + rounding)
    assert np.all(np.abs(found["central-2"] - 1) <= central * h**2 + rounding)
    # and not better than that: the next term is there
    assert abs(found["forward-1"][1] - 1) > 0.01 * forward * h[1]


def test_the_page_shows_what_is_measured() -> None:
    text = (ROOT / "docs/textbook.md").read_text(encoding="utf-8")
    rows = [tuple(map(float, row)) for row in re.findall(r"^\| (1e-\d) \| (\S+) \| (\S+) \|", text, re.M)]
    assert len(rows) == 4
    steps = tuple(h for h, _, _ in rows)
    found = shares(lambda x: np.exp(np.sin(x)), 1.0, steps)
    for (_, forward, central), a, b in zip(rows, found["forward-1"], found["central-2"], strict=True):
        assert abs(forward - a) <= 0.5e-6 and abs(central - b) <= 0.5e-6
    for k, shown in ((2, -1.27482), (3, -4.05154)):
        assert f"{shown}..." in text
        assert abs(float(db.reference(lambda x: np.exp(np.sin(x)), 1.0, derivative=k).value) - shown) < 1e-5
