"""What a problem is: one immutable record of a NumPy program, its points and where it comes from.

* :class:`Problem`: the record; checks itself when it is made.
* ``FORMATS``: the names of the number formats a problem may be limited to.
"""

from __future__ import annotations

import ast
import html
import importlib
import inspect
import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from diffbench.errors import UserError

FORMATS = ("float16", "bfloat16", "float32", "float64", "longdouble")

Program = Callable[[Any], Any]
Sides = tuple[float, float]
Stated = Mapping[float, Mapping[int, Sides]]


@dataclass(frozen=True, repr=False)
class Problem:
    """A real function given as a NumPy program, with points, tags, domain and a citation.

    Parameters
    ----------
    name : str
        Unique in the catalogue.
    function : callable
        The program: one argument, elementwise on arrays of any shape.
    points : tuple of float
        Where it is differentiated: finite, inside the domain, none twice.
    group : str
        The family it is listed under.
    tags : frozenset of str
        Properties to select by.
    domain : (float, float)
        Open interval on which the program is meant to be evaluated.
    scale : float, optional
        Length over which the function varies; the sweep covers steps up to it. Default: ``max(1, |x|)``.
    cite : str
        A source that can be looked up.
    truth : callable, optional
        The smooth NumPy program whose derivative counts, where the function itself is noisy.
    opaque : bool
        The function gets plain arrays of the format instead of wrapped values (noise, solvers, simulations).
    stated : mapping of point to mapping of derivative order to (left, right)
        One-sided derivatives known by hand where no Taylor series exists: the limit, from that side, of the
        difference quotient of the derivative before; ``inf`` where it grows without bound, ``nan`` where
        there is no limit or no derivative before.
    formats : tuple of str, optional
        The only formats it makes sense in; None means every format.

    Raises
    ------
    UserError
        If a field makes no sense; the message names the problem and says what to write.
    """

    name: str
    function: Program
    points: tuple[float, ...]
    group: str = "user"
    tags: frozenset[str] = frozenset()
    domain: tuple[float, float] = (-math.inf, math.inf)
    scale: float | None = None
    cite: str = ""
    truth: Program | None = None
    opaque: bool = False
    stated: Stated = field(default_factory=dict, hash=False)
    formats: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        def refuse(text: str) -> UserError:
            return UserError(f"problem {self.name!r}: {text}")

        check_program(self.function, refuse)
        if self.truth is not None:
            check_program(self.truth, refuse)
        try:
            self._set("points", tuple(float(p) for p in self.points))
            self._set("domain", (float(self.domain[0]), float(self.domain[1])))
            self._set("scale", None if self.scale is None else float(self.scale))
        except (TypeError, ValueError, IndexError):
            got = f"points={self.points}, domain={self.domain}, scale={self.scale}"
            raise refuse(f"write numbers, as in points=(1.0,), domain=(0, 5), scale=0.1; got {got}") from None
        self._set("tags", frozenset(self.tags))
        check_points(self.points, self.domain, refuse)
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise refuse(f"the scale {self.scale} is not a positive number; leave it out for max(1, |x|)")
        check_formats(self.formats, refuse)
        check_stated(self.stated, self.points, refuse)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the one way to normalise a field of a frozen dataclass

    def scale_at(self, x: float) -> float:
        """Length over which the function varies near `x`: the problem's own scale, or max(1, |x|)."""
        return self.scale if self.scale is not None else max(1.0, abs(float(x)))

    @property
    def source(self) -> str:
        """Text of the function: dedented, without its decorators."""
        return function_source(self.function)

    def __repr__(self) -> str:
        return f"<Problem {self.name} [{self.group}] at {self._points_text()}>"

    def __str__(self) -> str:
        return f"{self.name} [{self.group}] at {self._points_text()}\n{self.source}\n{self.cite}".rstrip()

    def _repr_html_(self) -> str:
        rows = {"group": self.group, "points": self._points_text(), "tags": ", ".join(sorted(self.tags))}
        rows |= {"scale": "max(1, |x|)" if self.scale is None else repr(self.scale), "source": self.cite}
        if self.domain != (-math.inf, math.inf):
            rows["domain"] = "({}, {})".format(*self.domain)
        cells = "".join(
            f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in rows.items() if v
        )
        return f"<b>{html.escape(self.name)}</b><pre>{html.escape(self.source)}</pre><table>{cells}</table>"

    def _points_text(self) -> str:
        return ", ".join(map(repr, self.points))

    def __reduce__(self) -> tuple[Callable[..., Problem], tuple[Any, ...]]:
        """Registry problems travel by name (their functions may be local to a decorator), others by value."""
        from diffbench.problems.registry import is_registered

        if is_registered(self):
            return _restore, (self.name, self.function.__module__)
        return Problem, tuple(getattr(self, f.name) for f in fields(self))


def _restore(name: str, module: str) -> Problem:
    from diffbench.problems.registry import get_problem

    importlib.import_module(module)  # a plugin registers itself when it is imported
    return get_problem(name)


def function_source(function: Program) -> str:
    """Text of a function without its decorators, or a line that says why there is none."""
    try:
        text = textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError):
        return f"# {getattr(function, '__name__', function)!s}: its source text is not available"
    try:
        first = ast.parse(text).body[0]
    except SyntaxError:  # a lambda in the middle of an expression
        return text
    return "\n".join(text.splitlines()[first.lineno - 1 :]) if isinstance(first, ast.FunctionDef) else text


# What __post_init__ checks, one thing each; `refuse(text)` makes the error that names the problem.

Refuse = Callable[[str], UserError]


def check_program(function: Program, refuse: Refuse) -> None:
    """The function is callable with exactly one argument."""
    if not callable(function):
        raise refuse(f"expected a function of x, got {function!r}")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        name = getattr(function, "__name__", repr(function))
        raise refuse(f"{name} must take one argument, as in `def {name}(x)`") from None
    except ValueError:  # some compiled functions have no signature: calling them will tell
        return


def check_points(points: tuple[float, ...], domain: tuple[float, float], refuse: Refuse) -> None:
    """There is a point; every point is finite, inside the domain and listed once."""
    low, high = domain
    if not low < high:
        raise refuse(f"the domain ({low}, {high}) is empty; give it as (low, high)")
    if not points:
        raise refuse("it has no point; give at least one, as in at=1.0")
    for point in points:
        if not math.isfinite(point):
            raise refuse(f"the point {point} is not finite")
        if not low < point < high:
            raise refuse(f"the point {point} is outside its open domain ({low}, {high})")
        if points.count(point) > 1:
            raise refuse(f"the point {point} is listed twice")


def check_formats(formats: tuple[str, ...] | None, refuse: Refuse) -> None:
    """The formats, if any are named, are known."""
    if formats is None:
        return
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        what = f"unknown format {unknown[0]!r}" if unknown else "an empty list of formats"
        raise refuse(f"{what}; choose from {', '.join(FORMATS)}, or leave formats out for all")


def check_stated(
    stated: Mapping[float, Mapping[int, Sides]], points: tuple[float, ...], refuse: Refuse
) -> None:
    """Stated derivatives belong to a point of the problem, have an order and two sides."""
    for point, by_order in stated.items():
        if point not in points:
            raise refuse(f"derivatives are stated at {point}, which is not one of its points {points}")
        for order, sides in by_order.items():
            if not isinstance(order, int) or order < 1 or len(sides) != 2:
                raise refuse("state derivatives as {point: {order: (left, right)}} with orders from 1")
