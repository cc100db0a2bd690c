"""A function near one point, in one format: values at the nodes of stencils, each asked for once.

* ``Probe(program, fmt, x)``: the function there, run strictly in the format, or called with plain numbers
  where it cannot be.
* ``probe.values(h, offsets)``: values at ``fl(x + fl(s h))`` for all offsets and steps, in a wide dtype.
* ``probe.estimates(stencil, h)``: what the format makes of a stencil at every step.
* ``dyadic(fmt, low, high, per_octave)``: steps with few bits, whose nodes are numbers of the format.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.errors import RefusedError, UserError
from diffbench.methods.finite_differences import Scheme, nodes
from diffbench.opaque import OpaqueFunction, opaque
from diffbench.stencils import Stencil
from diffbench.steps.sampler import Sampler

Array = np.ndarray[Any, np.dtype[np.float64]]
_MANTISSAS = {1: (1.0,), 2: (1.0, 1.5), 4: (1.0, 1.25, 1.5, 1.75)}


class Probe:
    """Values of a function around a point, kept by node.

    Parameters
    ----------
    program : callable
        A NumPy program, or any callable of one number.
    fmt : Format
    x : float
        The point, a number of the format.

    Attributes
    ----------
    strict : bool
        Whether every operation of the program runs in the format. Else it is called with plain numbers of
        the format, and ``why_opaque`` says why.

    Raises
    ------
    UserError
        If there is no finite value at x, an answer is no real number, or the function hangs or depends on
        the calls before.
    """

    def __init__(self, program: Callable[..., Any], fmt: Format, x: float) -> None:
        self.format = fmt
        self.program = program
        self.x = x
        self.wide = np.dtype(np.longdouble if fmt.name == "longdouble" else np.float64)
        self.scatter = 0.0
        self.why_opaque = ""
        self._known: dict[Any, Any] = {}
        self._sampler, self.strict = self._sampler_for(program)
        self.value = self._first_value()

    def _sampler_for(self, program: Callable[..., Any]) -> tuple[Sampler, bool]:
        if not isinstance(program, OpaqueFunction):
            strict = Sampler(program, self.format)
            near = self.x + np.array([0.0, 1.0]) * float(self.format.ulp(self.x))
            try:
                strict(near)
                return strict, True
            except (RefusedError, UserError) as error:
                self.why_opaque = str(error)
        self.opaque = opaque(program)
        return Sampler(self.opaque, self.format, opaque=True), False

    def _first_value(self) -> float:
        if not self.strict:
            value = self.opaque.value_at(self.x, self.format.name)
            self._look_again(self.opaque)
            return value
        value = float(self._at(np.array([self.x], dtype=self.wide))[0])
        if not np.isfinite(value):
            said = self._sampler.message
            why = said or f"f is {value} there; choose a point inside its domain"
            raise UserError(f"there is no value at x = {self.x!r} in {self.format.name}: {why}")
        again = float(self._sampler(np.array([self.x], dtype=self.wide))[0])
        if again != value and not np.isnan(again):
            self._look_again(opaque(self.program))
        return value

    def _look_again(self, called: OpaqueFunction) -> None:
        """Noise is measured; values that depend on the calls before are refused."""
        found = called.repeats(self.x, self.format.name)
        if found.kind == "state":
            raise UserError(
                f"{called.__name__} remembers its calls: {found.message}. A difference of such "
                "values is not a difference of f: reset the state in each call"
            )
        self.scatter = found.scatter

    @property
    def evaluations(self) -> int:
        """Different points at which f was asked for."""
        return len(self._known)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the function's answers were like, for the reader."""
        return () if self.strict else tuple(self.opaque.notes)

    @property
    def failure(self) -> str:
        """What the function said first where it has no value."""
        if self.strict:
            return self._sampler.message
        return next((f"{text} (at x = {x!r})" for x, text in self.opaque.failures.items()), "")

    def _at(self, points: Any) -> Any:
        """Values at numbers of the format, wide, of the shape of the points."""
        flat = points.reshape(-1)
        missing = [point for point in dict.fromkeys(flat.tolist()) if point not in self._known]
        finite = [point for point in missing if np.isfinite(point)]
        if finite:
            values = self._sampler(np.array(finite, dtype=self.wide))
            self._known.update(zip(finite, values, strict=True))
        found = [self._known.get(point, np.nan) for point in flat.tolist()]
        return np.array(found, dtype=self.wide).reshape(points.shape)

    def values(self, h: Any, offsets: Sequence[Fraction | int]) -> Any:
        """Values at the rounded nodes, shape (len(offsets), len(h)), wide; NaN where there is none."""
        exact = tuple(Fraction(s) for s in offsets)
        where = nodes(self.format, self.format.round(self.x), self.format.round(h), exact)
        return self._at(where.astype(self.wide))

    def estimates(self, stencil: Stencil, h: Any, variant: str = "integer") -> Array:
        """The stencil at every step as the format computes it (float64); NaN where a node has no value."""
        steps = self.format.round(h)
        found = self.values(h, stencil.offsets)
        with np.errstate(all="ignore"):
            combined = Scheme(stencil, variant).combine(self.format, self.format.round(found), steps)
            return np.where(np.isfinite(found).all(axis=0), combined.estimate.astype(np.float64), np.nan)


def dyadic(fmt: Format, low: float, high: float, per_octave: int = 1) -> Array:
    """Steps from `low` to `high`, ascending: powers of two, and their multiples by 1.25, 1.5 and 1.75."""
    first, last = int(np.ceil(np.log2(low) - 1e-9)), int(np.floor(np.log2(high) + 1e-9))
    mantissas = np.array(_MANTISSAS[per_octave])
    steps = (np.ldexp(1.0, np.arange(first, last + 1))[:, None] * mantissas).reshape(-1)
    rounded = fmt.round(steps).astype(np.float64)
    return np.unique(rounded[(rounded > 0) & np.isfinite(rounded) & (rounded <= high * (1 + 1e-9))])
