"""numericalderivative (M. Baudin): the classical selectors, each after its paper.

Every selector wants inputs. They are those of the library's own benchmark pages for a problem whose scale is
not known: a largest (or first) step of 1, a smallest one of 1e-10 or 1e-16, and the precision that the page
sets. Where the scale is known the pages take first steps from 1e-3 to 1e5; a rival is not told the scale.
``-default`` is the example of the class's own reference, with no input at all.
"""

from __future__ import annotations

from typing import Any

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival

TESTED = "0.3"


def page(selector: str, **options: Any) -> Any:
    """Register a selector with the inputs of the library's benchmark page."""
    return _selector(selector, f"with the inputs of its benchmark page for {selector}", **options)


#: For the inputs that state how precise f is.
PRECISE = {"formats": ("float64", "longdouble"), "lacks": "its inputs state the precision of float64"}


def _selector(selector: str, docs: str, **options: Any) -> Any:
    name = f"numericalderivative.{selector}"
    return rival(package="numericalderivative", tested=TESTED, docs=docs, name=name, **options)


def _first(algorithm: Any, *inputs: float) -> Estimate:
    h, _ = algorithm.find_step(*inputs)
    return Estimate(algorithm.compute_first_derivative(h), h)


@page("stepleman-winarsky")
def stepleman_winarsky(f: Any, x: Any) -> Estimate:
    """SteplemanWinarsky(f, x), initial_step=1"""
    import numericalderivative as nd

    return _first(nd.SteplemanWinarsky(f, x), 1.0)


@page("stepleman-winarsky-initialised")
def stepleman_winarsky_initialised(f: Any, x: Any) -> Estimate:
    """SteplemanWinarsky(f, x), the first step from SteplemanWinarskyInitialize in [1e-7, 10]"""
    import numericalderivative as nd

    algorithm = nd.SteplemanWinarsky(f, x)
    initial_step, _ = nd.SteplemanWinarskyInitialize(algorithm).find_initial_step(1e-7, 1e1)
    return _first(algorithm, initial_step)


@page("dumontet-vignes", **PRECISE)
def dumontet_vignes(f: Any, x: Any) -> Estimate:
    """DumontetVignes(f, x, relative_precision=1e-14), kmin=1e-10, kmax=1"""
    import numericalderivative as nd

    return _first(nd.DumontetVignes(f, x, relative_precision=1e-14), 1e-10, 1.0)


@page("gill-murray-saunders-wright", **PRECISE)
def gill_murray_saunders_wright(f: Any, x: Any) -> Estimate:
    """GillMurraySaundersWright(f, x), kmin=1e-16, kmax=1"""
    import numericalderivative as nd

    return _first(nd.GillMurraySaundersWright(f, x), 1e-16, 1.0)


@page("shi-xie-xuan-nocedal-forward", **PRECISE)
def shi_xie_xuan_nocedal_forward(f: Any, x: Any) -> Estimate:
    """ShiXieXuanNocedalForward(f, x, 1e-15 * abs(f(x))), initial_step=1"""
    import numericalderivative as nd

    return _first(nd.ShiXieXuanNocedalForward(f, x, 1e-15 * abs(f(x))), 1.0)


@page("shi-xie-xuan-nocedal-general", derivatives=(1, 2, 3, 4), **PRECISE)
def shi_xie_xuan_nocedal_general(f: Any, x: Any, derivative: int) -> Estimate:
    """ShiXieXuanNocedalGeneral(central formula of order 2, 1e-15 * abs(f(x))), initial_step=1"""
    import numericalderivative as nd

    formula = nd.GeneralFiniteDifference(f, x, derivative, 2, "central")
    algorithm = nd.ShiXieXuanNocedalGeneral(formula, 1e-15 * abs(f(x)))
    h, _ = algorithm.find_step(1.0)
    return Estimate(algorithm.compute_derivative(h), h)


@_selector(
    "shi-xie-xuan-nocedal-general-default", "ShiXieXuanNocedalGeneral, Examples", derivatives=(1, 2, 3, 4)
)
def shi_xie_xuan_nocedal_general_default(f: Any, x: Any, derivative: int) -> Estimate:
    """ShiXieXuanNocedalGeneral(central formula of order 2)"""
    import numericalderivative as nd

    algorithm = nd.ShiXieXuanNocedalGeneral(nd.GeneralFiniteDifference(f, x, derivative, 2, "central"))
    h, _ = algorithm.find_step()
    return Estimate(algorithm.compute_derivative(h), h)
