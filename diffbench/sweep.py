"""Sweeps: the error of every stencil, step and format, split into its parts, as tidy data frames.

* ``sweep(f, x)``: one function at one point; gives a :class:`Sweep`.
* ``sweep_cell(problem, format_name, settings)``: the cell of a run, one problem in one format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import RefusedError, UserError
from diffbench.floor import autodiff_floor
from diffbench.frames import Floor, join_references, references_frame, sweep_frame
from diffbench.methods.finite_differences import Scheme
from diffbench.opaque import OpaqueFunction, opaque
from diffbench.problems import Problem
from diffbench.sampling import PointResult, Subject, sample_point
from diffbench.scores import summarise
from diffbench.stencils import stencil_from_name
from diffbench.steps.grid import Steps, given_steps, step_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT_STENCILS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        1: ("forward-1", "forward-2", "backward-1", "central-2", "central-4", "central-6", "central-8"),
        2: ("central-2", "central-4", "central-6"),
        3: ("central-2", "central-4"),
    }
)


@dataclass(frozen=True)
class SweepSettings:
    """What is swept.

    Attributes
    ----------
    stencils : mapping
        Derivative order -> names of stencils.
    per_decade, kind
        The step grid (:func:`diffbench.steps.grid.step_grid`).
    variants : tuple of str
        Variants of the stencil arithmetic; ``mixed`` applies to the half formats only.
    steps : tuple of float, optional
        Explicit steps instead of a grid.
    """

    stencils: Mapping[int, Sequence[str]] = field(default_factory=lambda: DEFAULT_STENCILS)
    per_decade: int = 20
    kind: str = "decimal"
    variants: tuple[str, ...] = ("integer",)
    steps: tuple[float, ...] | None = None

    def schemes(self, fmt: Format) -> list[Scheme]:
        """All stencils in all variants that the format has."""
        listed = [
            Scheme(stencil_from_name(name, derivative=derivative), variant)
            for derivative, names in self.stencils.items()
            for name in names
            for variant in self.variants
        ]
        return [scheme for scheme in dict.fromkeys(listed) if scheme.available(fmt)]

    def grid(self, fmt: Format, scale: float) -> Steps:
        if self.steps is not None:
            return given_steps(fmt, self.steps)
        return step_grid(fmt, scale, self.per_decade, self.kind)


def sweep_cell(problem: Problem, format_name: str, settings: SweepSettings) -> dict[str, pd.DataFrame]:
    """All points of a problem in one format.

    Parameters
    ----------
    problem : Problem
    format_name : str
    settings : SweepSettings

    Returns
    -------
    dict
        Data frames ``sweep``, ``references`` and ``summary`` (columns in docs/method.md). Whatever the
        problem's function does becomes a status, never an exception.
    """
    fmt = get_format(format_name)
    schemes = settings.schemes(fmt)
    results: dict[str, tuple[PointResult, Steps, float]] = {}
    floors: dict[str, Floor] = {}
    seen = set()
    for point in problem.points:
        x = float(fmt.round(point))
        if x in seen:
            continue  # points that coincide after rounding are kept once
        seen.add(x)
        scale = problem.scale_at(point)
        steps = settings.grid(fmt, scale)
        stated = problem.stated.get(point, {})
        subject = Subject(
            problem.function, point, scale, problem.domain, problem.truth, problem.opaque, stated
        )
        results[repr(point)] = (sample_point(subject, fmt, schemes, steps), steps, scale)
        floors[repr(point)] = autodiff_floor(subject, fmt, results[repr(point)][0])
    rows = sweep_frame(problem.name, fmt, results)
    references = references_frame(problem.name, fmt, results, floors)
    return {"sweep": rows, "references": references, "summary": summarise(rows, references)}


@dataclass(frozen=True)
class Sweep:
    """The result of :func:`sweep`: ``frame`` (a row per step), ``references``, ``summary()``, ``plot()``."""

    frame: pd.DataFrame
    references: pd.DataFrame
    scores: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """One row per format, stencil and variant: orders, best steps, digits (columns of summary.csv)."""
        return self.scores

    def plot(self) -> Figure:
        """Error against step, log-log, one panel per format."""
        from diffbench.report.figures import error_figure

        return error_figure(self.frame, self.references, self.scores)

    def __repr__(self) -> str:
        ok = int((self.frame["status"] == "ok").sum())
        return f"<Sweep: {len(self.frame)} rows, {ok} ok; .summary() for the scores, .plot() for the picture>"

    def _repr_html_(self) -> str:
        columns = [
            "format",
            "stencil",
            "derivative",
            "variant",
            "observed_order",
            "h_best",
            "error_best",
            "digits",
        ]
        return str(self.scores[columns].to_html(index=False, float_format=lambda v: f"{v:.3g}", border=0))


def sweep(
    f: Callable[..., Any],
    x: float,
    *,
    derivative: int = 1,
    formats: Sequence[str] = ("float16", "float32", "float64"),
    stencils: Sequence[str] = ("forward-1", "central-2", "central-4", "central-6"),
    steps: Iterable[float] | None = None,
    variants: Sequence[str] = ("integer",),
    split: bool = True,
    truth: Callable[..., Any] | float | str | None = None,
    scale: float | None = None,
    per_decade: int = 20,
    kind: str = "decimal",
    name: str | None = None,
    domain: tuple[float, float] = (-np.inf, np.inf),
) -> Sweep:
    """Sweep the step for one function at one point, and split every error.

    Parameters
    ----------
    f : callable
        A plain NumPy function of one variable, elementwise on arrays.
    x : float
        The point; each format rounds it once.
    derivative : int
        Order m of the derivative, 1 to 6.
    formats, stencils, variants : sequence of str
        Names, as ``diffbench list`` shows them.
    steps : iterable of float, optional
        Explicit steps; by default a grid over ``scale * [u/4, 1]``.
    split : bool
        With False the function is called with plain arrays and only its total error is known; it then
        needs ``truth``.
    truth : callable, float or "auto", optional
        The derivative as a number, or a NumPy program to differentiate instead of f. ``"auto"`` estimates it
        from f itself, with a bound: rows with an error below the bound are ``uncertified``, not decided.
    scale : float, optional
        The length over which f varies, default ``max(1, |x|)``.
    per_decade, kind
        Density and kind (``decimal`` or ``binary``) of the step grid.
    name : str, optional
        What the function is called in the frames, default ``f.__name__``.
    domain : (float, float), optional
        Open interval; rows with a node outside have the status ``domain``.

    Raises
    ------
    UserError
        For names that do not exist, a point that is not finite, an empty grid, a step of 0.
    RefusedError
        If the function cannot run in Arb or in a format; the message names the NumPy call.
    """
    if not callable(f):
        raise UserError(f"the function must be callable, not {f!r}")
    point = _real("the point", x)
    # a name given twice is one series, not two
    chosen = list(dict.fromkeys(get_format(n) for n in _names("formats", formats)))
    if not chosen:
        raise UserError("give at least one format, for example formats=('float32',)")
    if not split and truth is None:
        raise UserError(
            "split=False needs truth=: the derivative as a number, a NumPy program to differentiate, "
            "or 'auto' to estimate it"
        )
    if split and truth is not None:
        raise UserError("truth= goes with split=False: the split differentiates f itself")
    if truth is not None and not callable(truth) and truth != "auto":
        truth = _real("truth", truth)
    if isinstance(truth, str) or isinstance(f, OpaqueFunction):
        f = called(f, point)
    low, high = _interval(domain)
    given = None if steps is None else tuple(steps) if isinstance(steps, Iterable) else (steps,)
    names, variants = _names("stencils", stencils), _names("variants", variants)
    if not names or not variants:
        raise UserError("give at least one stencil and one variant")
    settings = SweepSettings({derivative: names}, per_decade, kind, variants, given)
    length = max(1.0, abs(point)) if scale is None else _real("scale", scale)
    if length <= 0:
        raise UserError(f"scale must be a positive finite length, not {scale!r}")
    frames = []
    for fmt in chosen:
        schemes = settings.schemes(fmt)
        if not schemes:
            continue
        grid = settings.grid(fmt, length)
        subject = Subject(f, point, length, (low, high), truth, not split)  # type: ignore[arg-type]
        if truth == "auto":
            subject = replace(subject, **_estimated(f, fmt, point, derivative, length))
        result = sample_point(subject, fmt, schemes, grid)
        if result.status == "refused":
            hint = "" if not split else " (or sweep without the split: split=False, truth=...)"
            raise RefusedError(result.message + hint)
        label = str(name or getattr(f, "__name__", "f"))
        found = {repr(point): (result, grid, length)}
        floors = {repr(point): autodiff_floor(subject, fmt, result)}
        frames.append((sweep_frame(label, fmt, found), references_frame(label, fmt, found, floors)))
    if not frames:
        raise UserError("the variant 'mixed' is for the half formats: add float16 or bfloat16")
    rows = pd.concat([a for a, _ in frames], ignore_index=True)
    references = join_references(pd.concat([b for _, b in frames], ignore_index=True))
    return Sweep(rows, references, summarise(rows, references))


def called(f: Callable[..., Any], point: float) -> OpaqueFunction:
    """A function that is only called, with a look at whether it remembers its calls.

    Raises
    ------
    UserError
        If it does: a difference of such values is not a difference of f.
    """
    found = opaque(f)
    try:
        found.value_at(point)
    except UserError:  # in its format it may have one: the rows will tell
        return found
    repeats = found.repeats(point)
    if repeats.kind == "state":
        raise UserError(
            f"{found.__name__} remembers its calls: {repeats.message}; reset the state in each call"
        )
    return found


def _estimated(f: Callable[..., Any], fmt: Format, point: float, m: int, scale: float) -> dict[str, Any]:
    """The derivative from values of f, with its bound, as fields of a :class:`Subject`."""
    from diffbench.advice.survey import yardstick_of

    found = yardstick_of(f, fmt, float(fmt.round(point)), m, scale)
    doubt = f" ({found.status}: {found.message})" if found.status != "ok" else ""
    source = f"estimated from f within {found.bound:.2g}: {found.source}{doubt}"
    if not np.isfinite(found.value) or not np.isfinite(found.bound):
        raise UserError(f"the derivative cannot be estimated here: {found.message}; give it as truth=")
    return {"truth": found.value, "bound": max(found.bound, 5e-324), "source": source}


def _names(what: str, given: Any) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable):
        raise UserError(f"{what} must be a name or a sequence of names, not {given!r}")
    return tuple(given)


def _real(what: str, value: Any) -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError("text")
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{what} must be one real number, not {repr(value).splitlines()[0]:.40}") from error
    if not np.isfinite(number):
        raise UserError(f"{what} must be finite, not {number!r}")
    return number


def _interval(domain: Any) -> tuple[float, float]:
    try:
        low, high = (float(v) for v in domain)
    except (TypeError, ValueError) as error:
        raise UserError(f"the domain must be an interval (low, high), not {domain!r}") from error
    if not low < high:
        raise UserError(f"the domain {domain!r} is empty: give it as (low, high)")
    return low, high
