"""Methods: whatever returns a derivative estimate.

* ``derivative(f, x)``: one estimate by a named method.
* ``methods()``: every method by name. A bare stencil name uses the default step rule; ``jet`` and ``reverse``
  are automatic differentiation, ``autograd``, ``jax`` and ``torch`` the same by other libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format, format_of, get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.errors import UnknownNameError, UserError
from diffbench.methods import autodiff
from diffbench.methods.automatic.method import auto
from diffbench.methods.bridges import bridges
from diffbench.methods.default import AUTOMATIC, default_method
from diffbench.methods.estimate import Estimate
from diffbench.methods.finite_differences import Scheme, nodes
from diffbench.methods.method import Method
from diffbench.stencils import stencil_from_name, stencil_names
from diffbench.steps.rules import eps_scaled

__all__ = ["Estimate", "Method", "derivative", "methods"]


def methods() -> Mapping[str, Method]:
    """Every method, as a read-only mapping name -> :class:`Method`."""
    return _registry()


@cache
def _registry() -> Mapping[str, Method]:
    return MappingProxyType(
        {m.name: m for family in (_stencils, _exact, _bridges, _automatic) for m in family()}
    )


def _stencils() -> list[Method]:
    return [
        Method(name, partial(_difference, name), rule="eps-scaled", takes_step=True)
        for name in stencil_names(1)
    ]


def _exact() -> list[Method]:
    return [Method("jet", autodiff.jet, "autodiff"), Method("reverse", autodiff.reverse, "autodiff")]


def _bridges() -> list[Method]:
    return [
        Method(name, b.estimate, "autodiff", formats=b.formats, available=b.available, extra=b.extra)
        for name, b in bridges().items()
    ]


def _automatic() -> list[Method]:
    return [Method(AUTOMATIC, auto, "automatic", derivatives=(1,), source="docs/auto.md")]


def derivative(
    f: Callable[..., Any],
    x: Any,
    *,
    derivative: int = 1,
    method: str | None = None,
    step: float | None = None,
    format: str | None = None,
) -> Estimate:
    """Differentiate ``f`` at ``x`` by one method, every operation in one format.

    Parameters
    ----------
    f : callable
        A plain NumPy function of one variable, elementwise on arrays.
    x : float or array
        One point or many.
    derivative : int
        Order m, 1 to 6; methods without a step take any from 1 on.
    method : str, optional
        A name of ``diffbench list methods``. Default: ``auto``, which needs no step and bounds its error
        (docs/auto.md); with a step, or for a higher derivative, ``central-2``.
    step : float, optional
        The step h; default ``eps**(1/(m+p)) * max(1, |x|)``, rounded to a power of two.
    format : str, optional
        Default: the format of ``x``; float64 for Python numbers and integers.

    Returns
    -------
    Estimate
        With values of the shape of ``x``; NaN and infinities come with a status that says why.

    Raises
    ------
    UserError
        If a name is unknown, the step is not a positive number, or ``x`` is not finite.
    RefusedError
        If ``f`` cannot run strictly in the format.
    MissingExtraError
        If the method is a library that is not installed.
    """
    if not callable(f):
        raise UserError(f"the function must be callable, not {f!r}")
    fmt = get_format(format) if format is not None else format_of(np.asarray(x).dtype)
    known = methods()
    method = default_method(derivative, step) if method is None else method
    if method not in known:
        raise UnknownNameError("method", method, known)
    points = fmt.round(x)
    if not np.all(np.isfinite(points)):
        raise UserError(f"the point {x!r} is not a finite number of {fmt.name}")
    chosen = known[method]
    if not chosen.takes_step:
        if step is not None:
            raise UserError(f"{method} has no step: leave step= out")
        if not isinstance(derivative, int) or isinstance(derivative, bool) or derivative < 1:
            raise UserError(f"the derivative order must be an integer from 1 on, not {derivative!r}")
        return chosen.estimate(f, fmt, points, derivative)
    return chosen.estimate(
        f, fmt, points, derivative, step=None if step is None else _checked_step(step, fmt)
    )


def _checked_step(step: float, fmt: Format) -> Any:
    try:
        positive = np.ndim(step) == 0 and bool(np.isfinite(step)) and step > 0
    except TypeError:
        positive = False
    if not positive:
        raise UserError(f"the step must be a positive finite number, not {step!r}")
    return fmt.round(step)


def _difference(
    name: str, f: Callable[..., Any], fmt: Format, points: Any, derivative: int, step: Any = None
) -> Estimate:
    """A stencil at a given step, or at the default one."""
    stencil = stencil_from_name(name, derivative=derivative)
    h = eps_scaled(stencil, points, fmt) if step is None else np.broadcast_to(step, points.shape)
    flat, steps = points.reshape(-1), np.ascontiguousarray(h).reshape(-1)
    where = nodes(fmt, flat, steps, stencil.offsets)
    run = FormatArithmetic(fmt).run(f, where)
    combined = Scheme(stencil).combine(fmt, run.values, steps)
    ordered = np.sort(where.astype(np.longdouble), axis=0)
    reached = np.isfinite(where)
    problems = {
        # an infinity on the way explains a NaN; without one, the node left the domain
        "domain": (np.isnan(run.values) & ~run.overflow & reached).any(axis=0),
        "overflow": combined.infinite | run.overflow.any(axis=0) | ~reached.all(axis=0),
        "underflow": combined.divisor == 0,
        "step_vanished": (np.diff(ordered, axis=0) == 0).any(axis=0),
    }
    status = next((name for name, found in problems.items() if found.any()), "ok")
    return Estimate(
        combined.estimate.reshape(points.shape)[()],
        np.asarray(h)[()],
        len(stencil.offsets),
        status,
        _ADVICE.get(status, ""),
    )


_ADVICE = {
    "domain": "a node left the domain of the function: use a smaller step or a one-sided stencil",
    "overflow": "an intermediate result is infinite in the format: rescale, or use a wider format",
    "underflow": "h^m is 0 in the format: use a larger step",
    "step_vanished": "x + h rounds to x in the format: use a larger step",
}
