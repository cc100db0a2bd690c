"""Jets: truncated Taylor series over any other arithmetic; forward mode to every order.

``JetArithmetic(FormatArithmetic(get_format("float32")), 3).expand(f, x)`` gives the Taylor coefficients of
``f`` at ``x``, all in float32; over :class:`ArbArithmetic` they are balls, over :class:`MpArithmetic` mpmath
numbers. A jet of order 1 is the dual number.

The four operations are Cauchy products and quotients. Everything else follows from the table of rules by one
step: the rule maps the series of x' to the series of y', which integrated gives y,

    y' = rule(x')    so    y_k = rule(x')_{k-1} / k,

and the rule itself needs its functions to one order less, where the same step applies, down to the number
that the inner arithmetic computes. (Griewank and Walther, Evaluating Derivatives, 2nd ed., chapter 13, solve
the same equations function by function.)
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np

from diffbench.arithmetic.advice import ADVICE, DEFAULT, call_name
from diffbench.arithmetic.base import Arithmetic, Program, Raw, Scalar
from diffbench.arithmetic.ieee import _SHORTCUTS as SHORTCUTS
from diffbench.arithmetic.objects import ObjectArithmetic
from diffbench.arithmetic.rules import RULES, Rule, uses_result
from diffbench.errors import UserError

# Runs with more terms, where a division by a series that starts with 0 has cost some.
_MOST_LOST = 16


class Jet:
    """Taylor coefficients, smallest order first: wrapped numbers of the inner arithmetic.

    One coefficient alone is a constant: what is 0 beyond it is 0 exactly, to every order.
    """

    __slots__ = ("c",)

    def __init__(self, coefficients: list[Any]) -> None:
        self.c = coefficients

    @property
    def value(self) -> Any:
        return self.c[0]

    @property
    def constant(self) -> bool:
        return len(self.c) == 1

    def truncated(self, terms: int) -> Jet:
        return Jet(self.c[:terms])

    def tangent(self) -> Jet:
        """The series of the derivative."""
        return Jet([k * c if k > 1 else c for k, c in enumerate(self.c)][1:])

    def __neg__(self) -> Jet:
        return Jet([-c for c in self.c])

    def __add__(self, other: Any) -> Jet:
        return _sum(self, other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Jet:
        return _sum(self, other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Jet:
        """The Cauchy product."""
        a, b = self.c, other.c
        if self.constant or other.constant:
            return Jet([u * v for u in a for v in b])
        return Jet([_dot(a[: k + 1], b[k::-1]) for k in range(min(len(a), len(b)))])

    def __truediv__(self, other: Any) -> Jet:
        """The quotient q with q b = a; where both start with 0, one term of each is cancelled, and lost."""
        a, b = self.c, other.c
        if other.constant:
            return Jet([u / b[0] for u in a])
        if len(a) > 1 and _is_zero(a[0]) and _is_zero(b[0]):
            return Jet(a[1:]) / Jet(b[1:])
        terms = len(b) if self.constant else min(len(a), len(b))
        q = [a[0] / b[0]]
        for k in range(1, terms):
            known = _dot(b[1 : k + 1], q[k - 1 :: -1])
            q.append((a[k] - known if k < len(a) else -known) / b[0])
        return Jet(q)


def _sum(x: Jet, y: Jet, add: Callable[[Any, Any], Any]) -> Jet:
    first = add(x.value, y.value)
    if y.constant:
        return Jet([first, *x.c[1:]])
    if x.constant:
        return Jet([first, *(add(0, c) for c in y.c[1:])])
    return Jet([first, *(add(a, b) for a, b in zip(x.c[1:], y.c[1:], strict=False))])


def _dot(a: list[Any], b: list[Any]) -> Any:
    total = a[0] * b[0]
    for u, v in zip(a[1:], b[1:], strict=True):
        total = total + u * v
    return total


def _is_zero(number: Scalar) -> bool:
    return bool(number.arithmetic.is_zero(number.raw).all())


_NATIVE: dict[str, Callable[..., Jet]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "square": lambda x: x * x,
}


class JetArithmetic(ObjectArithmetic):
    """Jets of an order over an inner arithmetic."""

    def __init__(self, inner: Arithmetic, order: int) -> None:
        if not isinstance(order, int) or isinstance(order, bool) or order < 0:
            raise UserError(f"the order of a jet must be an integer from 0 on, not {order!r}")
        self.inner, self.order = inner, order
        self.name = f"jets over {inner.name}"

    # numbers -------------------------------------------------------------------------------------------

    def element(self, value: int | float | Fraction) -> Jet:
        return Jet([self.inner.wrap(self.inner.coerce(value))])

    def is_element(self, value: Any) -> bool:
        return isinstance(value, Jet)

    def is_zero(self, raw: Raw) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """0 for all t: beside a zero a series is not 0 (np.sinc then divides, and cancels the zeros)."""
        flags = [j.constant and _is_zero(j.value) for j in raw.ravel()]
        return np.array(flags, dtype=bool).reshape(raw.shape)

    def variables(self, x: Any, order: int | None = None) -> Raw:
        """Points as jets: x + t."""
        raw = self.inner.coerce(x)
        one, zero = (self.inner.wrap(self.inner.coerce(v)) for v in (1, 0))
        terms = (self.order if order is None else order) + 1
        tail = [one, *[zero] * (terms - 2)] if terms > 1 else []
        points = (self.inner.wrap(raw.reshape(-1)[i : i + 1].reshape(())) for i in range(raw.size))
        return self.array((Jet([p, *tail]) for p in points), raw.shape)

    # operations ------------------------------------------------------------------------------------------

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Raw:
        name = ufunc.__name__
        if name not in RULES and name not in self.predicates:
            call = call_name(ufunc)
            raise self.refuse(call, ADVICE.get(call, f"no rule gives its derivative; {DEFAULT}"))
        raws = [self.coerce(v) for v in operands]

        def one(*jets: Jet) -> Any:
            return self.lifted(ufunc, jets)

        result = np.frompyfunc(one, len(raws), 1)(*raws)
        if not isinstance(result, np.ndarray):
            result = self.box(result)
        return result.astype(bool) if name in self.predicates else result

    def power(self, base: Raw, exponent: Any) -> Raw:
        if isinstance(exponent, int | float) and exponent in SHORTCUTS:
            return self.apply(SHORTCUTS[exponent], (base,))
        return self.apply(np.power, (base, exponent))

    def lifted(self, ufunc: np.ufunc, jets: tuple[Jet, ...]) -> Any:
        """One ufunc of single jets; a comparison looks at the values."""
        native = _NATIVE.get(ufunc.__name__)
        if native is not None:
            return native(*jets)
        value = ufunc(*(j.value for j in jets))
        if ufunc.__name__ in self.predicates:
            return bool(value)
        rules = RULES[ufunc.__name__]
        moving = [
            (j, rule) for j, rule in zip(jets, rules, strict=True) if rule is not None and not j.constant
        ]
        if not moving:
            return Jet([value])
        terms = min(len(j.c) for j, _ in moving)
        slope = self._slope(ufunc, tuple(j.truncated(terms) for j in jets), rules)
        return Jet([value, *(c / k if k > 1 else c for k, c in enumerate(slope.c, 1))])

    def _slope(self, ufunc: np.ufunc, jets: tuple[Jet, ...], rules: tuple[Rule | None, ...]) -> Jet:
        """The series of y', by the rules: to one order less than y."""
        terms = max(len(j.c) for j in jets) - 1
        shorter = tuple(j.truncated(terms) for j in jets)
        operands = [self.wrap(self.box(j)) for j in shorter]
        needed = any(
            rule is not None and uses_result(rule) and not j.constant
            for j, rule in zip(jets, rules, strict=True)
        )
        y = self.wrap(self.box(self.lifted(ufunc, shorter))) if needed else None
        total: Jet | None = None
        for j, rule in zip(jets, rules, strict=True):
            if rule is not None and not j.constant:
                tangent = self.wrap(self.box(j.tangent()))
                part = self.coerce(rule(tangent, y, *operands)).item()
                total = part if total is None else total + part
        assert total is not None
        return self._padded(total, terms)

    def _padded(self, jet: Jet, terms: int) -> Jet:
        """A rule's constant result, written out: y' known to ``terms`` terms."""
        if jet.constant and terms > 1:
            return Jet([*jet.c, *[self.inner.wrap(self.inner.coerce(0))] * (terms - 1)])
        return jet

    # runs ------------------------------------------------------------------------------------------------

    def expand(self, f: Program, x: Any) -> list[Raw]:
        """Taylor coefficients of ``f`` at ``x``: ``order + 1`` raw arrays of the inner arithmetic.

        Raises
        ------
        RefusedError
            If ``f`` calls what is not in the table of rules.
        """
        extra = 0
        while True:
            start = self.variables(x, self.order + extra)
            results = self.evaluate(f, start)
            short = min((len(j.c) for j in results.ravel() if not j.constant), default=self.order + 1)
            missing = self.order + 1 - short
            if missing <= 0 or extra >= _MOST_LOST:
                break
            extra += missing
        return [self._coefficients(results, k) for k in range(self.order + 1)]

    def _coefficients(self, results: Raw, k: int) -> Raw:
        zero = self.inner.coerce(0)[()]
        nan = self.inner.coerce(float("nan"))[()] if self.order else zero
        picked = np.empty(results.shape, dtype=self.inner.coerce(0).dtype)
        flat = picked.reshape(-1)
        for i, jet in enumerate(results.ravel()):
            known = k < len(jet.c)
            flat[i] = jet.c[k].raw[()] if known else zero if jet.constant else nan
        return picked

    def derivative(self, f: Program, x: Any) -> Raw:
        """The derivative of ``f`` of this order at ``x``: its last coefficient times the factorial."""
        inner = self.inner
        last = inner.wrap(self.expand(f, x)[-1])
        return inner.coerce(last * factorial(self.order)) if self.order > 1 else inner.coerce(last)
