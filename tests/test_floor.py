"""The autodiff floor: reverse mode's own error, in the references and in the summary."""

from __future__ import annotations

import numpy as np
import pytest

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.frames import autodiff_columns
from diffbench.problems import get_problem
from diffbench.sweep import SweepSettings, sweep_cell


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_the_floor_is_the_error_of_reverse_mode_in_the_format(name: str) -> None:
    sweep = db.sweep(np.sin, 1.0, formats=(name,), stencils=("central-2",), steps=[0.1])
    value, error = (sweep.references.set_index("derivative")[column] for column in autodiff_columns(name))
    x = get_format(name).round(1.0)
    assert value[1] == float(db.derivative(np.sin, x, method="reverse"))
    truth = db.reference(np.sin, x).value
    # the difference is formed exactly and rounded once: one rounding of float64
    assert error[1] == pytest.approx(
        float(db.reference(np.sin, x).value.context.mpf(value[1]) - truth), rel=2e-15
    )
    assert sweep.summary()["autodiff_error"].iloc[0] == abs(error[1])
    assert abs(error[1]) <= 2 * get_format(name).u, "cos 1 is one library call away"


def test_formats_that_share_a_point_share_a_row() -> None:
    sweep = db.sweep(np.sin, 1.0, stencils=("central-2",), steps=[0.1])
    first = sweep.references[sweep.references["derivative"] == 1]
    assert len(first) == 1, "1.0 is the same number in all three formats"
    columns = [autodiff_columns(name)[1] for name in ("float16", "float32", "float64")]
    assert first[columns].notna().all(axis=None)
    assert sweep.summary()["autodiff_error"].nunique() == 3


def test_no_floor_where_nothing_is_certain() -> None:
    """At a kink, for a noisy program, beyond the format: NaN, not a number that pretends."""
    settings = SweepSettings({1: ("central-2",)}, steps=(0.1,))
    kink = sweep_cell(get_problem("absolute_value"), "float64", settings)["summary"].set_index("point")
    assert np.isnan(kink["autodiff_error"]["0.0"])
    assert kink["autodiff_error"]["0.015625"] == 0, "beside the kink the slope is 1, exactly"
    noisy = sweep_cell(get_problem("sin_plus_noise"), "float64", settings)["summary"]
    assert noisy["autodiff_error"].isna().all()
    beyond = db.sweep(lambda x: np.exp(20 * x), 1.0, formats=("float16",))
    assert beyond.summary()["autodiff_error"].isna().all()


def test_the_figure_of_a_problem_has_the_line() -> None:
    from diffbench.report.cases import references_at
    from diffbench.report.figures import error_figure

    sweep = db.sweep(np.exp, 1.0, formats=("float32",), stencils=("central-2",))
    references = references_at(sweep.references, "1.0")
    figure = error_figure(sweep.frame, references, sweep.summary())
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert "autodiff" in labels
    without = error_figure(sweep.frame, references.drop(columns="autodiff_error_float32"), sweep.summary())
    assert "autodiff" not in [text.get_text() for legend in without.legends for text in legend.get_texts()]
