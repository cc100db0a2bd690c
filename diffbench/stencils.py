"""Finite-difference stencils with exact rational weights.

* ``stencil("central", derivative=1, accuracy=4)``: the smallest of a family (also ``forward``, ``backward``).
* ``stencil(offsets=(-1, 0, 2), derivative=1)``: any distinct rational offsets; ``derivative=0`` interpolates.
* ``stencil_from_name("central-4", derivative=1)``, ``stencil_names(derivative=1)``: the names used in tables.
* ``print(stencil(...))`` shows the formula with its leading error term.

A stencil with offsets ``s_j`` and weights ``c_j`` is the estimate ``D = sum_j c_j f(x + s_j h) / h^m``, and
``D - f^(m)(x) = C h^p f^(m+p)(x) + ...``: ``m`` is the derivative, ``p`` the accuracy, ``C`` the error
constant. Everything here is a :class:`fractions.Fraction`; a format rounds the weights later, if at all.

Source: B. Fornberg, Generation of finite difference formulas on arbitrarily spaced grids, Math. Comp. 51
(1988).
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from html import escape
from numbers import Rational

from diffbench.errors import UnknownNameError, UserError

KINDS = ("forward", "backward", "central")
MAX_DERIVATIVE = 6
MAX_ACCURACY = 12

_NAME = re.compile(r"(\w+)-(\d+)")
_CUSTOM_NAME = re.compile(r"custom\(([-\d/, ]+)\)")
_POWER = re.compile(r"\^(\(\d+\)|\d+)")


@dataclass(frozen=True, repr=False)
class Stencil:
    """A finite-difference formula: offsets, exact weights, and what they promise.

    Attributes
    ----------
    kind : str
        ``forward``, ``backward``, ``central`` or ``custom``.
    offsets, weights : tuple of Fraction
        Offsets ``s_j`` in units of the step (custom ones in the order given) and weights ``c_j``.
    derivative, accuracy : int
        ``m`` and the true order ``p``: the first error term that is not zero, minus ``m``.
    error_constant : Fraction
        ``C`` of ``D - f^(m) = C h^p f^(m+p) + ...``. It is 0 only for an interpolation that has offset 0: its
        value is f(x) itself, and its accuracy then the number of nodes.
    """

    kind: str
    offsets: tuple[Fraction, ...]
    weights: tuple[Fraction, ...]
    derivative: int
    accuracy: int
    error_constant: Fraction

    def __hash__(self) -> int:
        # hashing a dozen fractions each time a stencil is looked up would cost more than the look-up saves
        return hash((self.kind, self.derivative, self.accuracy, len(self.offsets)))

    @property
    def name(self) -> str:
        """The name in tables: ``central-2``, or ``custom(-1,0,2)``; `stencil_from_name` reads it back."""
        if self.kind == "custom":
            return f"custom({','.join(map(str, self.offsets))})"
        return f"{self.kind}-{self.accuracy}"

    @cached_property
    def denominator(self) -> int:
        """The least common denominator ``d`` of the weights."""
        return math.lcm(*(c.denominator for c in self.weights))

    @cached_property
    def numerators(self) -> tuple[int, ...]:
        """The integers ``n_j`` with ``c_j = n_j / d``."""
        return tuple(int(c * self.denominator) for c in self.weights)

    @cached_property
    def S1(self) -> Fraction:
        """``sum |c_j|``: amplifies the worst evaluation errors (ALGORITHMS: rounding-error theory)."""
        return sum(map(abs, self.weights), Fraction(0))

    @cached_property
    def S2(self) -> float:
        """``sqrt(sum c_j^2)``: amplifies independent random evaluation errors."""
        return math.sqrt(sum(c * c for c in self.weights))

    @cached_property
    def X1(self) -> Fraction:
        """``sum |c_j s_j|``: amplifies errors of the nodes."""
        return sum((abs(c * s) for c, s in zip(self.weights, self.offsets, strict=True)), Fraction(0))

    def error_terms(self, count: int) -> list[tuple[int, Fraction]]:
        """The first `count` terms ``coefficient * h^(k-m) * f^(k)(x)`` of ``D - f^(m)(x)`` that are not zero.

        Returns
        -------
        list of (int, Fraction)
            Pairs ``(k, sum_j c_j s_j^k / k!)``; empty for an interpolation that has offset 0.
        """
        terms = _taylor_terms(self.offsets, self.weights, self.derivative + 1)
        return [term for term, _ in zip(terms, range(count), strict=False)]

    def check(self) -> None:
        """Verify the weights against their definition, by a route that shares nothing with how they are made.

        Raises
        ------
        UserError
            If a monomial of degree below ``m + p`` is not exact, or the error constant is wrong.
        """
        m, p = self.derivative, self.accuracy
        wanted = [Fraction(k == m) for k in range(m + p)] + [self.error_constant]
        for k, value in enumerate(wanted):
            found = _taylor_coefficient(self.offsets, self.weights, k)
            if found != value:
                raise UserError(
                    f"these weights do not make {self.name} for derivative {m} with accuracy {p}: "
                    f"the coefficient of h^{k - m} f^({k}) is {found}, not {value}"
                )

    def __str__(self) -> str:
        return f"{self.name}, derivative {self.derivative}: {self._formula()}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The formula and a table of weights, for notebooks."""
        formula = _POWER.sub(r"<sup>\1</sup>", escape(self._formula(), quote=False))
        offsets = "".join(f"<td>{s}</td>" for s in self.offsets)
        weights = "".join(f"<td>{c}</td>" for c in self.weights)
        return (
            f"<div><b>{self.name}</b>, derivative {self.derivative}: {formula}"
            f"<table><tr><th>offset</th>{offsets}</tr><tr><th>weight</th>{weights}</tr></table></div>"
        )

    def _formula(self) -> str:
        """D solved for f^(m)(x), so the error term carries the sign of ``-C``."""
        pairs = [(n, _node(s)) for n, s in zip(self.numerators, self.offsets, strict=True) if n]
        total = _signed(" ".join([f"{'-' if n < 0 else '+'} {_times(abs(n), node)}" for n, node in pairs]))
        divisor = _times(self.denominator, _power("h", self.derivative))
        if divisor != "1":
            total = f"({total}) / {f'({divisor})' if ' ' in divisor else divisor}"
        if self.error_constant:
            size, sign = abs(self.error_constant), "-" if self.error_constant > 0 else "+"
            term = f"{_power('h', self.accuracy)} {_derivative(self.derivative + self.accuracy)}"
            over = f"/{size.denominator}" if size.denominator > 1 else ""
            total += f" {sign} {_times(size.numerator, term)}{over} + ..."
        return f"{_derivative(self.derivative)} = {total}"


def stencil(
    kind: str | None = None,
    *,
    offsets: Iterable[int | Fraction] | None = None,
    derivative: int = 1,
    accuracy: int | None = None,
) -> Stencil:
    """Make a stencil: the smallest one of a family, or the one that given offsets define.

    Parameters
    ----------
    kind : str, optional
        ``forward`` (offsets 0, 1, ..., m+p-1), ``backward`` (mirrored) or ``central`` (smallest symmetric).
    offsets : iterable of int or Fraction, optional
        Distinct offsets in units of the step, instead of `kind`, at least ``derivative + 1`` of them.
    derivative : int
        1 to 6; with `offsets` also 0, which is interpolation at x.
    accuracy : int, optional
        1 to 12, even for ``central``. Needed with `kind`, computed with `offsets`.

    Returns
    -------
    Stencil
        The same object for the same request.

    Raises
    ------
    UserError
        If a number is out of range or not an integer, or offsets are repeated, too few or not rational.
    UnknownNameError
        If `kind` is not a family.
    """
    m = _integer("derivative", derivative, 0 if offsets is not None else 1, MAX_DERIVATIVE)
    if offsets is not None:
        if kind not in (None, "custom"):
            raise UserError(f"give either a kind ({kind!r}) or offsets, not both")
        made = _build("custom", _rational_offsets(offsets, m), m)
        if accuracy not in (None, made.accuracy):
            raise UserError(f"{made.name} has accuracy {made.accuracy}, not {accuracy!r}: leave it out")
        return made
    if kind is None or kind == "custom":
        raise UserError("give a kind and an accuracy, as in stencil('central', accuracy=2), or offsets")
    if kind not in KINDS:
        raise UnknownNameError("stencil kind", kind, KINDS)
    if accuracy is None:
        raise UserError(f"give the accuracy of the {kind} stencil, as in stencil({kind!r}, accuracy=2)")
    p = _integer("accuracy", accuracy, 1, MAX_ACCURACY)
    if kind == "central" and p % 2:
        raise UserError(f"central stencils have an even accuracy, not {p}: ask for central-{p + 1}")
    return _build(kind, _family_offsets(kind, m, p), m)


def stencil_from_name(name: str, derivative: int = 1) -> Stencil:
    """The stencil that a table calls `name`, such as ``central-4`` or ``custom(-1,0,2)``.

    Raises
    ------
    UnknownNameError
        If `name` is not of that form or its family does not exist.
    UserError
        If the accuracy does not exist in the family (``central-3``) or `derivative` is out of range.
    """
    if match := _CUSTOM_NAME.fullmatch(str(name)):
        try:
            parsed = [Fraction(s.strip()) for s in match[1].split(",")]
        except (ValueError, ZeroDivisionError):
            raise UserError(f"{name!r} has an offset that is not an integer or a ratio such as 1/2") from None
        return stencil(offsets=parsed, derivative=derivative)
    match = _NAME.fullmatch(str(name))
    if match is None or match[1] not in KINDS:
        raise UnknownNameError("stencil", name, stencil_names(derivative))
    return stencil(match[1], derivative=derivative, accuracy=int(match[2]))


def stencil_names(derivative: int = 1) -> tuple[str, ...]:
    """Every name of a family's stencil for a derivative, by family and accuracy."""
    _integer("derivative", derivative, 1, MAX_DERIVATIVE)
    accuracies = {"central": range(2, MAX_ACCURACY + 1, 2)}
    every = range(1, MAX_ACCURACY + 1)
    return tuple(f"{kind}-{p}" for kind in KINDS for p in accuracies.get(kind, every))


def fornberg_weights(offsets: Sequence[Fraction], derivative: int) -> tuple[Fraction, ...]:
    """Weights with ``sum_j c_j f(s_j) = f^(m)(0)`` for every polynomial of degree below ``len(offsets)``.

    Parameters
    ----------
    offsets : sequence of Fraction, shape (n,)
        Distinct; n > derivative.
    derivative : int
        ``m``.

    Notes
    -----
    Fornberg (1988), section 3: nodes enter one at a time. ``table[k][j]`` is the weight of node j for
    derivative k with the nodes so far; ``product`` is that of the distances from the new node to them.
    """
    table = [[Fraction(0)] * len(offsets) for _ in range(derivative + 1)]
    table[0][0] = Fraction(1)
    last_product = Fraction(1)
    for n in range(1, len(offsets)):
        new, last = offsets[n], offsets[n - 1]
        product = math.prod((new - s for s in offsets[:n]), start=Fraction(1))
        scale = last_product / product
        for k in reversed(range(min(n, derivative) + 1)):  # downwards: row k still needs the old row k - 1
            below = table[k - 1] if k else [Fraction(0)] * len(offsets)
            table[k][n] = scale * (k * below[n - 1] - last * table[k][n - 1])
            for j in range(n):
                table[k][j] = (new * table[k][j] - k * below[j]) / (new - offsets[j])
        last_product = product
    return tuple(table[derivative])


@lru_cache(maxsize=4096)
def _build(kind: str, offsets: tuple[Fraction, ...], derivative: int) -> Stencil:
    weights = fornberg_weights(offsets, derivative)
    no_error = (derivative + len(offsets), Fraction(0))
    k, constant = next(_taylor_terms(offsets, weights, derivative + 1), no_error)
    made = Stencil(kind, offsets, weights, derivative, k - derivative, constant)
    made.check()
    return made


def _taylor_coefficient(offsets: Sequence[Fraction], weights: Sequence[Fraction], k: int) -> Fraction:
    """``sum_j c_j s_j^k / k!``, the factor of ``h^(k-m) f^(k)(x)`` in the expansion of D."""
    return sum((c * s**k for c, s in zip(weights, offsets, strict=True)), Fraction(0)) / math.factorial(k)


def _taylor_terms(
    offsets: Sequence[Fraction], weights: Sequence[Fraction], k: int
) -> Iterator[tuple[int, Fraction]]:
    """Terms from degree `k` on that are not zero.

    The sums obey a recurrence as long as the stencil: once that many in a row are zero, all are.
    """
    zeros = 0
    while zeros <= len(offsets):
        coefficient = _taylor_coefficient(offsets, weights, k)
        zeros = 0 if coefficient else zeros + 1
        if coefficient:
            yield k, coefficient
        k += 1


def _family_offsets(kind: str, m: int, p: int) -> tuple[Fraction, ...]:
    if kind == "central":
        reach = (m + p - 1) // 2
        skip_centre = m % 2  # the centre's weight is 0 for odd m
        return tuple(Fraction(s) for s in range(-reach, reach + 1) if s or not skip_centre)
    first = 0 if kind == "forward" else 1 - m - p
    return tuple(Fraction(first + j) for j in range(m + p))


def _rational_offsets(offsets: Iterable[int | Fraction], m: int) -> tuple[Fraction, ...]:
    try:
        given = list(offsets)
    except TypeError:
        raise UserError(f"offsets must be a sequence such as (-1, 0, 2), not {offsets!r}") from None
    nodes = tuple(map(_rational, given))
    if len(set(nodes)) < len(nodes):
        twice = sorted({str(s) for s in nodes if nodes.count(s) > 1})
        raise UserError(f"offsets must be distinct: {', '.join(twice)} is repeated")
    if len(nodes) <= m:
        raise UserError(f"derivative {m} needs at least {m + 1} offsets, not {len(nodes)}")
    return nodes


def _rational(value: object) -> Fraction:
    if isinstance(value, Rational) and not isinstance(value, bool):
        return Fraction(int(value.numerator), int(value.denominator))
    raise UserError(f"an offset must be an int or a Fraction, not {value!r}: write 0.5 as Fraction(1, 2)")


def _integer(what: str, value: object, low: int, high: int) -> int:
    try:
        number = low - 1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = low - 1
    if not low <= number <= high:
        raise UserError(f"{what} must be an integer from {low} to {high}, not {value!r}")
    return number


def _node(s: Fraction) -> str:
    if s == 0:
        return "f(x)"
    multiple = "" if abs(s.numerator) == 1 else abs(s.numerator)
    part = "" if s.denominator == 1 else f"/{s.denominator}"
    return f"f(x{'-' if s < 0 else '+'}{multiple}h{part})"


def _derivative(k: int) -> str:
    return f"f{chr(39) * k}(x)" if k < 4 else f"f^({k})(x)"


def _power(base: str, k: int) -> str:
    return "1" if k == 0 else base if k == 1 else f"{base}^{k}"


def _times(n: int, text: str) -> str:
    return text if n == 1 else str(n) if text == "1" else f"{n} {text}"


def _signed(text: str) -> str:
    """Without the plus sign in front, and with a minus sign that touches its term."""
    return text[2:] if text.startswith("+") else "-" + text[2:]
