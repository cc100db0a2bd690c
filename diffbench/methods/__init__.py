"""Methods: whatever returns a derivative estimate.

* ``derivative(f, x)``: one estimate by a named method.
* ``methods()``: every method by name. A bare stencil name uses the default step rule, ``stencil@rule`` any
  other (:mod:`diffbench.methods.names`); ``jet`` and ``reverse`` are automatic differentiation, ``autograd``,
  ``jax`` and ``torch`` the same by other libraries.
* ``get_method("central-2@3e-5")``: one of them, also a combination that is not listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format, format_of, get_format, numbers_of
from diffbench.errors import RefusedError, UnknownNameError, UserError
from diffbench.methods import autodiff
from diffbench.methods.automatic.method import auto
from diffbench.methods.bridges import bridges
from diffbench.methods.called import seen_by_calling
from diffbench.methods.complex_plane import HYPER_DUAL
from diffbench.methods.default import AUTOMATIC, default_method
from diffbench.methods.estimate import Estimate
from diffbench.methods.method import Method
from diffbench.methods.names import estimators, listed_names, near, plain_method, stencil_method
from diffbench.methods.rivals import rivals
from diffbench.opaque import OpaqueFunction, opaque
from diffbench.stencils import stencil_names

__all__ = ["Estimate", "Method", "derivative", "get_method", "methods"]


class Methods(Mapping[str, Method]):
    """Read-only: iterates over the listed methods, and looks up every valid name."""

    def __init__(self, listed: Mapping[str, Method]) -> None:
        self._listed = dict(listed)

    def __getitem__(self, name: str) -> Method:
        if name in self._listed:
            return self._listed[name]
        try:
            return plain_method(name) or stencil_method(name)
        except (UserError, AttributeError):
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def __repr__(self) -> str:
        return f"<{len(self)} methods: {', '.join(islice(self, 4))}, ..., {', '.join([*self][-4:])}>"


def methods() -> Mapping[str, Method]:
    """Every listed method: a read-only mapping name -> :class:`Method` that looks up any valid name."""
    return _registry()


def get_method(name: str) -> Method:
    """The method of that name, listed or a valid combination.

    Raises
    ------
    UnknownNameError
        If there is none; the message suggests the nearest.
    UserError
        If the parts of the name exist but do not go together.
    """
    known = methods()
    if name in known:
        return known[name]
    try:
        return plain_method(str(name)) or stencil_method(str(name))
    except UserError as error:
        parameter = isinstance(error, UnknownNameError) and error.kind.startswith("parameter")
        if not parameter and (isinstance(error, UnknownNameError) or "@" not in str(name)):
            raise UnknownNameError("method", name, near(str(name), known)) from None
        raise


@cache
def _registry() -> Methods:
    return Methods(
        {
            m.name: m
            for family in (_stencils, _estimators, _exact, _bridges, _automatic, _rivals)
            for m in family()
        }
    )


def _stencils() -> list[Method]:
    return [stencil_method(name) for name in (*stencil_names(1), *listed_names())]


def _estimators() -> list[Method]:
    return [found.method() for found in estimators().values()] + [HYPER_DUAL]


def _exact() -> list[Method]:
    return [Method("jet", autodiff.jet, "autodiff"), Method("reverse", autodiff.reverse, "autodiff")]


def _bridges() -> list[Method]:
    return [
        Method(name, b.estimate, "autodiff", formats=b.formats, available=b.available, extra=b.extra)
        for name, b in bridges().items()
    ]


def _automatic() -> list[Method]:
    return [Method(AUTOMATIC, auto, "automatic", derivatives=(1, 2), source="docs/auto.md")]


def _rivals() -> list[Method]:
    return [rival.method() for rival in rivals().values()]


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
        A plain NumPy function of one variable, elementwise on arrays; or :func:`diffbench.opaque` of anything
        that takes one number. ``auto`` in float64 also takes functions of Python numbers as they are
        (``math.lgamma``).
    x : float or array
        One point or many.
    derivative : int
        Order m, 1 to 6; methods without a step take any from 1 on.
    method : str, optional
        A stencil (``central-2``), a stencil with a step rule (``central-2@1e-4``, see docs/steps.md) or a
        plain name (``ridders``, ``jet``), as ``diffbench list methods`` shows them. Default: ``auto``, which
        needs no step and bounds its error (docs/auto.md), for first and second derivatives; with a step, or
        for a higher derivative, ``central-2``.
    step : float, optional
        The step h of a bare stencil; default ``eps**(1/(m+p)) * max(1, |x|)``, rounded to a power of two.
    format : str, optional
        Default: the format of ``x``; float64 for Python numbers and integers.

    Returns
    -------
    Estimate
        With values of the shape of ``x``; NaN and infinities come with a status that says why.

    Raises
    ------
    UserError
        If a name is unknown, the step is not a positive number, or ``x`` is not finite; if the method needs
        the true derivatives or is not for this order or format.
    RefusedError
        If ``f`` cannot run strictly in the format.
    MissingExtraError
        If the method is a library that is not installed.
    Exception
        What ``f`` raises, if it does at every point; at some of many points it is their status ``error``.
    """
    if not callable(f):
        raise UserError(f"the function must be callable, not {f!r}")
    x = numbers_of(x)
    fmt = get_format(format) if format is not None else format_of(x.dtype)
    chosen = get_method(default_method(derivative, step) if method is None else method)
    points = x if isinstance(x, np.ndarray) and x.dtype == fmt.dtype else fmt.round(x)
    if not np.all(np.isfinite(points)):
        raise UserError(f"the point {x!r} is not a finite number of {fmt.name}")
    if not chosen.takes_step:
        if step is not None:
            raise UserError(f"{method} chooses its step, or has none: leave step= out")
        if not isinstance(derivative, int) or isinstance(derivative, bool) or derivative < 1:
            raise UserError(f"the derivative order must be an integer from 1 on, not {derivative!r}")
        _check_accepts(chosen, fmt, derivative)
    more = {} if step is None else {"step": _checked_step(step, fmt)}
    if chosen.family not in _MARK_ERRORS:
        return chosen.estimate(f, fmt, points, derivative, **more)
    with _opaque_named():
        try:
            return _estimate_or_raise(chosen, f, fmt, points, derivative, more)
        except RefusedError as error:
            # a function of Python numbers (math.lgamma): in float64 they are the format's own
            if chosen.name != AUTOMATIC or fmt.name != "float64" or _NEEDS_FLOAT not in str(error):
                raise
        return _estimate_or_raise(chosen, opaque(f), fmt, points, derivative, more)


def _estimate_or_raise(
    chosen: Method, f: Callable[..., Any], fmt: Format, points: Any, derivative: int, more: dict[str, float]
) -> Estimate:
    """The estimate; or what ``f`` raised, if it did so at every point."""
    heard = _Heard(f)
    found = chosen.estimate(heard, fmt, points, derivative, **more)
    if isinstance(f, OpaqueFunction):
        return seen_by_calling(f, fmt, points, found)
    everywhere = found.status == "error" and bool(np.all(np.asarray(found.statuses) == "error"))
    if heard.error is not None and (everywhere or (found.status == "error" and found.statuses is None)):
        raise heard.error  # a mistake in the function, as it is; at some points only, it is their status
    return found


#: Families whose methods turn what a function raises into a status.
_MARK_ERRORS = ("stencil", "extrapolation", "complex plane", "automatic")


#: What the refusal of a function of plain numbers says: it converts x.
_NEEDS_FLOAT = " float()"


@contextmanager
def _opaque_named() -> Iterator[None]:
    """A function of plain numbers (``math.sin``) has a way in: the refusal names it."""
    try:
        yield
    except RefusedError as error:
        if _NEEDS_FLOAT not in str(error):
            raise
        raise RefusedError(f"{error}; or differentiate it as it is: diffbench.opaque(f)") from None


class _Heard:
    """The function, with a memory of what it raised first."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self._f = f
        self.opaque = getattr(f, "opaque", False)
        self.error: Exception | None = None

    def __call__(self, x: Any) -> Any:
        try:
            return self._f(x)
        except Exception as error:
            self.error = self.error or error
            raise


def _check_accepts(method: Method, fmt: Format, derivative: int) -> None:
    """Refuse what the method does not do; a missing library names its extra when it is loaded."""
    if method.oracle:
        raise UserError(
            f"{method.name} needs the true derivatives, which a tournament has: use another method"
        )
    if method.available and (refusal := method.refusal(fmt, derivative)):
        raise (
            RefusedError(refusal) if method.formats and fmt.name not in method.formats else UserError(refusal)
        )


def _checked_step(step: float, fmt: Format) -> Any:
    try:
        positive = np.ndim(step) == 0 and bool(np.isfinite(step)) and step > 0
    except TypeError:
        positive = False
    if not positive:
        raise UserError(f"the step must be a positive finite number, not {step!r}")
    return fmt.round(step)
