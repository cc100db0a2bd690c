"""The table of derivative rules against certified references, which never use it; planted errors are caught."""

# ruff: noqa: E501  (tables: one case, one line)

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy import special

from diffbench.arithmetic.formats import get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.rules import RULES, uses_result
from diffbench.errors import RefusedError
from diffbench.reference import Reference, certify

U = 2.0**-53
SIGNED = (-1.375, -0.25, 0.5, 2.0)
UNIT = (-0.75, 0.125, 0.5, 0.9375)
POSITIVE = (0.125, 0.75, 1.5, 8.0)

# ufunc, points (up to 6 bits, so numbers of every format), error allowed in u. A rule costs some roundings (0.5 u
# each, up to 2 u for a quotient) on top of the functions it calls: 4 ulp = 8 u is what NumPy promises of each.
UNARY: Mapping[str, tuple[tuple[float, ...], float]] = {
    "positive": (SIGNED, 0), "negative": (SIGNED, 0), "absolute": (SIGNED, 0), "fabs": (SIGNED, 0),
    "square": (SIGNED, 0), "reciprocal": (SIGNED, 4), "sqrt": (POSITIVE, 4), "cbrt": ((-1.5, 0.125, 4.0), 8),
    "deg2rad": (SIGNED, 4), "radians": (SIGNED, 4), "rad2deg": (SIGNED, 4), "degrees": (SIGNED, 4),
    "exp": ((-20.0, -0.25, 0.5, 3.0), 8), "exp2": (SIGNED, 8), "expm1": ((-20.0, -0.25, 0.5, 3.0), 8),
    "log": (POSITIVE, 4), "log2": (POSITIVE, 6), "log10": (POSITIVE, 6), "log1p": ((-0.984375, -0.5, 0.25, 4.0), 4),
    "sin": (SIGNED, 8), "cos": (SIGNED, 8), "tan": (SIGNED, 20),
    "arcsin": (UNIT, 8), "arccos": (UNIT, 8), "arctan": ((-30.0, -0.25, 0.5, 2.0), 6),
    "sinh": (SIGNED, 8), "cosh": (SIGNED, 8), "tanh": ((-15.0, -3.0, -0.25, 0.0, 0.5, 8.0), 20),
    "arcsinh": ((-30.0, -0.25, 0.5, 2.0), 8), "arccosh": ((1.03125, 1.5, 3.0), 8), "arctanh": (UNIT, 6),
    "erf": ((-3.0, -0.25, 0.5, 2.125, 5.0), 20), "erfc": ((-3.0, -0.25, 0.5, 2.125, 5.0), 20),
    "gamma": ((-0.625, 0.375, 2.5, 4.0), 40), "rgamma": ((-0.625, 0.375, 2.5, 4.0), 40),
    "gammaln": ((0.375, 2.5, 4.0), 20), "psi": ((0.375, 2.5, 4.0), 20),
    "expit": ((-15.0, -3.0, 0.0, 0.5, 15.0), 20), "log_expit": ((-15.0, -3.0, 0.0, 0.5, 15.0), 20), "logit": ((0.03125, 0.25, 0.9375), 6),
    "j0": (SIGNED, 40), "j1": ((-1.0, 0.0, 0.5, 3.0), 40),
}  # fmt: skip
PAIRS = ((0.75, 0.5), (-1.25, 2.0), (2.5, -0.375))
ABOVE = ((0.75, 0.5), (1.25, 2.0), (2.5, -0.375))  # a base must be positive where the exponent moves
BINARY: Mapping[str, tuple[tuple[tuple[float, float], ...], float]] = {
    "add": (PAIRS, 0), "subtract": (PAIRS, 0), "multiply": (PAIRS, 0), "divide": (PAIRS, 6),
    "power": ((*ABOVE, (3.0, 0.0), (1.5, -2.0)), 20), "hypot": (PAIRS, 8), "arctan2": (PAIRS, 8),
    "logaddexp": ((*PAIRS, (20.0, -20.0), (1000.0, 1001.0)), 20), "logaddexp2": (PAIRS, 20),
    "maximum": (PAIRS, 0), "minimum": (PAIRS, 0), "fmax": (PAIRS, 0), "fmin": (PAIRS, 0),
    "remainder": (PAIRS, 0), "fmod": (PAIRS, 0), "heaviside": (PAIRS, 0),
}  # fmt: skip
STEPS = ("sign", "floor", "ceil", "trunc", "rint", "floor_divide")
# checked elsewhere: no exact signed zero in Arb; parameters that must be constant
OTHERS = {"copysign", "jv", "_zeta"}


def ufunc(name: str) -> Any:
    return getattr(np, name, None) or getattr(special, name)


def partial(
    rules: Mapping[str, Any], name: str, which: int, at: tuple[float, ...], format_name: str = "float64"
) -> Any:
    """The partial derivative that the table gives, computed in a format."""
    fmt = get_format(format_name)
    strict = FormatArithmetic(fmt)
    with np.errstate(all="ignore"):
        values = [strict.wrap(strict.coerce(a)) for a in at]
        t = strict.wrap(strict.coerce(1.0))
        return rules[name][which](t, ufunc(name)(*values), *values).raw


def along(name: str, which: int, at: tuple[float, ...]) -> Callable[[Any], Any]:
    """The ufunc as a function of one operand."""
    return lambda x: ufunc(name)(*(x if i == which else a for i, a in enumerate(at)))


def certified(name: str, which: int, at: tuple[float, ...]) -> Reference:
    return certify(along(name, which, at), at[which], 1, checked=[])[1]


def error_in_u(value: float, truth: Reference, u: float = U) -> float:
    import mpmath

    gap = abs(mpmath.mpf(value) - truth.value)
    return float(gap / (abs(truth.value) or 1)) / u


CASES = [(name, 0, (p,), allowed) for name, (points, allowed) in UNARY.items() for p in points] + [
    (name, which, pair, allowed) for name, (pairs, allowed) in BINARY.items() for pair in pairs for which in (0, 1)
]  # fmt: skip
TRUTHS: dict[Any, Reference] = {}


def truth_of(name: str, which: int, at: tuple[float, ...]) -> Reference:
    return TRUTHS.setdefault((name, which, at), certified(name, which, at))


def wrong_cases(rules: Mapping[str, Any]) -> list[str]:
    """The rows of the table that do not agree with the certified derivative."""
    found = []
    for name, which, at, allowed in CASES:
        truth = truth_of(name, which, at)
        assert truth.status == "ok", (name, at, truth)
        if rules[name][which] is None:
            ok = truth.value == 0
        else:
            ok = error_in_u(float(partial(rules, name, which, at)), truth) <= allowed
        if not ok:
            found.append(f"{name}[{which}]{at}")
    return found


def test_every_rule_agrees_with_the_certified_derivative() -> None:
    assert wrong_cases(RULES) == []


def test_every_rule_is_looked_at() -> None:
    assert {name for name, *_ in CASES} | set(STEPS) | OTHERS == set(RULES)


@pytest.mark.parametrize("format_name", ["float16", "bfloat16", "float32"])
def test_rules_stay_in_the_format(format_name: str) -> None:
    fmt = get_format(format_name)
    for name, which, at, allowed in CASES:
        if RULES[name][which] is None or not all(float(fmt.round(a)) == a for a in at):
            continue
        value = partial(RULES, name, which, at, format_name)
        assert value.dtype == fmt.dtype, name
        truth = truth_of(name, which, at)
        if abs(truth.value) < fmt.smallest_normal:
            continue
        # psi and erf lose digits to their arguments in 8 bits; a format's own functions err by 4 ulp at most
        assert error_in_u(float(value), truth, fmt.u) <= max(2 * allowed, 12), (name, which, at, value)


def test_rules_of_plain_arrays_keep_float32_by_themselves() -> None:
    """What the tape relies on when it hands plain arrays to the rules."""
    for name, which, at, _ in CASES:
        if RULES[name][which] is None:
            continue
        values = [np.full(3, a, dtype=np.float32) for a in at]
        with np.errstate(all="ignore"):
            result = RULES[name][which](np.ones(3, np.float32), ufunc(name)(*values), *values)
        assert result.dtype == np.float32, name


@pytest.mark.parametrize("name", STEPS)
def test_steps_have_no_rule(name: str) -> None:
    assert set(RULES[name]) == {None}


def test_ties_are_split_in_half_and_abs_is_flat_at_0() -> None:
    for name in ("maximum", "minimum", "fmax", "fmin"):
        assert partial(RULES, name, 0, (1.5, 1.5)) == partial(RULES, name, 1, (1.5, 1.5)) == 0.5
    assert partial(RULES, "absolute", 0, (0.0,)) == 0


def test_copysign_follows_both_signs() -> None:
    for a, b in ((0.5, 2.0), (-0.5, 2.0), (0.5, -2.0), (-0.5, -2.0)):
        assert partial(RULES, "copysign", 0, (a, b)) == np.sign(a) * np.sign(b)


def test_powers_at_zero() -> None:
    slopes = {2.0: 0.0, 1.0: 1.0, 0.0: 0.0, 3.0: 0.0}
    assert {b: float(partial(RULES, "power", 0, (0.0, b))) for b in slopes} == slopes
    assert partial(RULES, "power", 1, (0.0, 2.0)) == 0


def test_the_order_of_a_bessel_function_must_be_constant() -> None:
    with pytest.raises(RefusedError, match="the order of jv: keep it constant"):
        partial(RULES, "jv", 0, (1.0, 0.5))
    for v in (0.0, 1.5):
        truth = certify(lambda x, v=v: special.jv(v, x), 0.75, 1, checked=[])[1]
        assert error_in_u(float(partial(RULES, "jv", 1, (v, 0.75))), truth) < 20


def test_rules_say_whether_they_use_the_result() -> None:
    assert uses_result(RULES["exp"][0])
    assert not uses_result(RULES["sin"][0])
    for name, which, at, _ in CASES:  # a rule that says it does not must not
        rule = RULES[name][which]
        if rule is not None and not uses_result(rule):
            values = [np.asarray(a) for a in at]
            with np.errstate(all="ignore"):
                rule(np.asarray(1.0), None, *values)


# planted errors -------------------------------------------------------------------------------------------

PLANTED: Mapping[str, tuple[Any, ...]] = {
    # a sign
    "cos": (lambda t, _, x: t * np.sin(x),),
    "subtract": (lambda t, _, a, b: t, lambda t, _, a, b: t),
    "arccos": (lambda t, _, x: t / np.sqrt((1 - x) * (1 + x)),),
    # a missing factor
    "square": (lambda t, _, x: t * x,),
    "exp2": (lambda t, y, x: t * y,),
    "sqrt": (lambda t, y, x: t / y,),
    "log10": (lambda t, _, x: t / x,),
    "erf": (lambda t, _, x: t * np.exp(-x * x),),
    # swapped operands or partials
    "divide": (lambda t, y, a, b: -t * y / b, lambda t, _, a, b: t / b),
    "multiply": (lambda t, _, a, b: t * a, lambda t, _, a, b: t * b),
    "arctan2": (RULES["arctan2"][1], RULES["arctan2"][0]),
    "maximum": (RULES["maximum"][1], RULES["maximum"][0]),
    "power": (lambda t, _, a, b: t * b * a**b, RULES["power"][1]),
    # a step where there is a slope, a slope where there is none
    "absolute": (None,),
    "heaviside": (lambda t, _, a, b: t, RULES["heaviside"][1]),
    # right in exact arithmetic, without digits in floating point
    "tanh": (lambda t, y, x: t * (1 - y * y),),
    "expit": (lambda t, y, x: t * (y * (1 - y)),),
    "expm1": (lambda t, y, x: t * (y + 1),),
    "logaddexp": (lambda t, y, a, b: t * np.exp(a - y), RULES["logaddexp"][1]),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_caught(name: str) -> None:
    caught = wrong_cases({**RULES, name: PLANTED[name]})
    assert caught and all(row.startswith(f"{name}[") for row in caught)
