"""Selectors that a library implements too: the same h from the same inputs, or the difference explained.

The papers of the selectors leave the precision of f and the first step to the caller, and libraries differ in
what they put there. Given the same, the steps must agree; the sums below run in another order, hence 1e-12.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffbench.arithmetic.formats import get_format
from diffbench.methods.counting import PlainFunction
from diffbench.methods.rivals import rivals
from diffbench.methods.rivals.rival import import_warnings
from diffbench.stencils import stencil_from_name
from diffbench.steps import step_rules
from diffbench.steps.sampler import Sampler

F64 = get_format("float64")
PRECISION = 1e-15

FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exp at 1": (np.exp, 1.0),
    "sin at 1": (np.sin, 1.0),
    "arctan at 1/2": (np.arctan, 0.5),
    "log at 2": (np.log, 2.0),
    "cos at 2": (np.cos, 2.0),
    "exp(x)^2 at 0.3": (lambda x: np.exp(x) ** 2, 0.3),
    "x^3 + x at 1.3": (lambda x: x**3 + x, 1.3),
}


@pytest.fixture(params=list(FUNCTIONS))
def case(request: pytest.FixtureRequest) -> tuple[Callable[[Any], Any], float]:
    pytest.importorskip("numericalderivative", reason="needs diffbench[rivals]")
    return FUNCTIONS[request.param]


def ours(rule: str, stencil: str, f: Callable[[Any], Any], x: float, **inputs: Any) -> float:
    choice = step_rules()[rule].choose(
        Sampler(f, F64), np.array([x]), F64, stencil_from_name(stencil), **inputs
    )
    return float(choice.h[0])


def test_stepleman_and_winarsky(case: Any) -> None:
    """Differences of differences compared bit by bit: not one step of the sequence apart."""
    import numericalderivative as nd

    f, x = case
    theirs = nd.SteplemanWinarsky(PlainFunction(f, F64), x).find_step(1.0)[0]
    assert ours("stepleman-winarsky", "central-2", f, x, start=1.0) == theirs


@pytest.mark.parametrize("logarithmic", [False, True], ids=["linear", "logarithmic"])
def test_dumontet_and_vignes(case: Any, logarithmic: bool) -> None:
    """The library's factor is 3 (worst case) where the paper's is 1.67 (mean), and its absolute precision is
    an input of its own; it refuses a bracket whose upper end is outside the domain of f.
    """
    import numericalderivative as nd

    f, x = case
    highest = min(1.0, 0.4 * x)
    library = nd.DumontetVignes(
        PlainFunction(f, F64), x, relative_precision=PRECISION, absolute_precision=PRECISION * abs(f(x))
    )
    theirs = library.find_step(1e-6, highest, logscale=logarithmic)[0]
    bracket = {"lowest": 1e-6, "highest": highest, "logarithmic": int(logarithmic)}
    found = ours("dumontet-vignes", "central-2", f, x, relative=PRECISION, factor=3, **bracket)
    assert found == pytest.approx(theirs, rel=1e-12)


def test_shi_xie_xuan_and_nocedal_forward(case: Any) -> None:
    """Algorithm 2.1 halves the bracket; the library takes the geometric mean unless told not to."""
    import numericalderivative as nd

    f, x = case
    noise = PRECISION * abs(float(f(x)))
    library = nd.ShiXieXuanNocedalForward(PlainFunction(f, F64), x, noise)
    theirs = library.find_step(2 * math.sqrt(noise / 3), logscale=False)[0]
    assert ours("shi-xie-forward", "forward-1", f, x, noise=noise) == pytest.approx(theirs, rel=1e-12)


def test_shi_xie_xuan_and_nocedal_general(case: Any) -> None:
    """The library keeps the forward scheme's window [1.5, 6] and grows by 4 for every formula; ours is put
    around the best ratio of the model and grows by alpha: h agrees within 2.
    """
    import numericalderivative as nd

    f, x = case
    noise = PRECISION * abs(float(f(x)))
    formula = nd.GeneralFiniteDifference(PlainFunction(f, F64), x, 1, 2, "central")
    theirs = nd.ShiXieXuanNocedalGeneral(formula, noise).find_step((3 * noise) ** (1 / 3), logscale=False)[0]
    for found in (
        ours("shi-xie", "central-2", f, x, noise=noise, alpha=2),
        ours("shi-xie-central", "central-2", f, x, noise=noise),
    ):
        assert 1 / 2 <= found / theirs <= 2


def test_gill_murray_saunders_and_wright(case: Any) -> None:
    """Both take h = 2 sqrt(e / |f''|). The library searches f'' by bisection with the central formula alone,
    ours is the whole algorithm FD of the paper: f'' comes from other steps, and agrees to its error of 1 %.
    """
    import numericalderivative as nd

    f, x = case
    noise = PRECISION * abs(float(f(x)))
    library = nd.GillMurraySaundersWright(PlainFunction(f, F64), x, noise)
    theirs = library.find_step(1e-8, min(1.0, 0.4 * x))[0]
    assert ours("gill-murray", "forward-1", f, x, noise=noise) == pytest.approx(theirs, rel=1e-2)


def test_the_bound_estimate_of_finite_differences_jl() -> None:
    """The Julia package takes ulp(max|f|) for the error of f, fdm takes eps max|f|, up to twice as large: the
    steps differ by the fifth root of the quotient, and all else is the same.
    """
    if not rivals()["fdm"].available:
        pytest.skip("needs diffbench[rivals]")
    import_warnings("fdm")  # SymPy warns of what mpmath has renamed
    from fdm import central_fdm

    method = central_fdm(order=5, deriv=1)
    method(PlainFunction(np.sin, F64), 1.0)
    julia = ours("fdm-bound", "central-4", np.sin, 1.0)
    assert julia == pytest.approx(0.001065235154086019, rel=1e-12)  # its README
    largest = (method.step / julia) ** 5 / 2  # ulp(f) is eps / 2 for f in [1/2, 1)
    assert math.sin(1.0) < largest < math.sin(1.0 + 3 * 0.02)
