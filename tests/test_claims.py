"""The section "Claims, measured" of the report, on the simulated run folders of `test_report`."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from test_report import FUNCTIONS, change, frames, no_scores, only_failures, simulate

from diffbench.report import figcache, render, style
from diffbench.report.claims import measured, verdict
from diffbench.report.claims_rows import CLAIMS
from diffbench.report.data import open_run
from diffbench.report.figures import main_figures


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run with errors of reverse mode, a tenth of the smallest of each series."""
    plain = simulate(tmp_path_factory.mktemp("claims") / "plain")
    return change(
        plain, plain.with_name("run"), summary=lambda f: f.assign(autodiff_error=f["error_best"] / 10)
    )


def judged(folder):
    claims, missing = measured(open_run(folder), CLAIMS)
    return {claim.sentence: claim for claim in claims}, missing


def find(folder, words):
    found = [claim for sentence, claim in judged(folder)[0].items() if words in sentence]
    assert len(found) == 1, words
    return found[0]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "true"),
        (0.999, "true within limits"),
        (0.9, "true within limits"),
        (0.5, "it depends"),
        (0.1, "false"),
        (0.0, "false"),
    ],
)
def test_a_share_is_a_verdict(share, text):
    assert verdict(share) == text


def test_every_number_names_its_rows(run_folder):
    claims, missing = judged(run_folder)
    assert len(claims) == len(CLAIMS) - 1  # no chain of sigmoids in this run
    assert any("vanishing" in text and "sigmoid_chain" in text for text in missing)
    assert any("timings.json" in text for text in missing)
    for claim in claims.values():
        for number in claim.numbers:
            assert re.search(r"(summary\.csv|sweep\.parquet): .*\d (row|rows)$", number.basis), number
            assert "nan" not in number.text and number.text.endswith(".")


def test_numbers_are_those_of_the_rows(run_folder):
    """Counted here by other means."""
    _, _, summary = frames(run_folder)
    mine = (
        summary[summary["derivative"] == 1]
        .set_index(["problem", "format", "stencil"])["error_best"]
        .unstack()
    )
    share = (mine["central-2"] < mine["forward-1"])[mine["central-2"] != mine["forward-1"]].mean()
    assert find(run_folder, "Central").verdict == verdict(share)
    assert find(run_folder, "smaller h").verdict == "false"
    truncation = find(run_folder, "f‴").numbers[0].text
    ratio = float(re.search(r"truncation is ([\d.]+) times", truncation).group(1))
    assert math.isclose(ratio, 1.0, rel_tol=0.05)  # the next term is h^2 f5 / (20 f3) of it


def test_worse_backpropagation_changes_the_verdict(run_folder, tmp_path):
    """Planted: reverse mode ten times worse than the best stencil, in every row."""
    assert find(run_folder, "Backpropagation is").verdict == "true"
    worse = change(
        run_folder, tmp_path / "run", summary=lambda f: f.assign(autodiff_error=f["error_best"] * 10 + 1e-9)
    )
    claim = find(worse, "Backpropagation is")
    assert claim.verdict == "false" and "exp_of_sin" in claim.numbers[0].text.split("Exceptions")[1]


def test_a_small_step_that_is_best_changes_the_verdict(run_folder, tmp_path):
    """Planted: the smallest step is the robust best one of every series."""

    def smallest(frame):
        return frame.assign(h_best=0.0)

    assert find(change(run_folder, tmp_path / "run", summary=smallest), "smaller h").verdict == "true"


def test_estimates_that_are_exactly_zero_are_counted(run_folder, tmp_path):
    def zeros(frame):
        frame["estimate"] = 0.0
        return frame.assign(error=-frame["exact"])

    text = find(change(run_folder, tmp_path / "run", sweep=zeros), "1e-4").numbers[0].text
    assert "2 of 2 in float32 and 2 of 2 in float64" in text


def test_vanishing_gradients_are_counted_by_format(run_folder, tmp_path):
    """Planted: exp_of_sin is called the chain, and reverse mode returns 0 in float16."""

    def chain(frame):
        frame = frame.assign(problem=frame["problem"].astype(str).replace("exp_of_sin", "sigmoid_chain"))
        if "autodiff_error" in frame:
            frame["autodiff_error"] = np.where(frame["format"] == "float16", 10.0, 0.0)
        return frame

    folder = change(run_folder, tmp_path / "run", sweep=chain, references=chain, summary=chain)
    claim = find(folder, "vanishing")
    assert claim.verdict == "it depends" and "in 33\u00a0% of these cases" in claim.numbers[0].text


def test_the_cost_of_reverse_mode_is_that_of_the_timings(run_folder, tmp_path):
    folder = change(run_folder, tmp_path / "run")
    name = "test_gradient_of_a_network_with_10_000_parameters[tanh]"
    timings = {"benchmarks": [{"name": name, "extra_info": {"ratio": 3.25}}, {"name": "test_other"}]}
    (folder / "timings.json").write_text(json.dumps(timings))
    texts = [number.text for number in find(folder, "cost").numbers]
    assert "n + 1 for forward-1" in texts[0] and "2n for central-2" in texts[0]
    assert "for 3.25 times the time of the loss" in texts[1]


@pytest.mark.parametrize(
    "edits",
    [
        {"sweep": only_failures, "references": lambda f: f.iloc[:0], "summary": no_scores},
        {"sweep": lambda f: f.iloc[:0], "references": lambda f: f.iloc[:0], "summary": lambda f: f.iloc[:0]},
        {"summary": no_scores},
        {"references": lambda f: f.iloc[:0]},
        {"summary": lambda f: f.assign(autodiff_error=math.nan)},
        {
            "sweep": lambda f: f[f["stencil"] == "forward-1"],
            "summary": lambda f: f[f["stencil"] == "forward-1"],
        },
    ],
    ids=["failures only", "empty", "no scores", "no references", "no autodiff", "one stencil"],
)
def test_a_partial_run_lists_what_is_missing(run_folder, tmp_path, edits):
    claims, missing = judged(change(run_folder, tmp_path / "run", **edits))
    assert missing and all(text.startswith("On the claim “") for text in missing)
    assert len(claims) < len(CLAIMS)
    for claim in claims.values():
        assert not any(re.search(r"\bnan\b", number.text) for number in claim.numbers)


def test_claims_stand_on_both_pages(tmp_path, monkeypatch):
    def save(figure, stem, suffixes):
        for suffix in figcache.SUFFIXES:
            stem.with_name(stem.name + suffix).write_text("<svg/>")

    monkeypatch.setattr(figcache, "FEW", 1000)
    monkeypatch.setattr(style, "save", save)
    plain = simulate(tmp_path / "plain", {"square": FUNCTIONS["square"]}, ("float32",))
    folder = change(plain, tmp_path / "run", summary=lambda f: f.assign(autodiff_error=1e-30))
    assert "claims-autodiff" in [figure.name for figure in main_figures(open_run(folder))[0]]
    result = render(folder)
    for path in (result.report, result.page):
        text = path.read_text(encoding="utf-8")
        assert (
            "Claims, measured" in text and "Verdict: false" in text and "figures/claims-autodiff.svg" in text
        )
    report = result.report.read_text(encoding="utf-8")
    assert (
        report.index("## Precision") < report.index("## Claims, measured") < report.index("## Observed order")
    )
