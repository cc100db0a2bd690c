"""What theory promises when the true derivatives are known: curves, the best step, and digits.

In all functions ``derivatives`` is the array ``f(x), f'(x), f''(x), ...``, NaN where one is not known.

* ``leading_term``: the first term of the truncation that does not vanish.
* ``predicted_optimum``: the step that balances truncation and rounding.
* ``predicted_curves``: worst case and root mean square of the error against the step.
* ``error_unit``, ``digits``: errors in digits, also where the derivative is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from diffbench.arithmetic.formats import Format, get_format
from diffbench.stencils import Stencil

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

UNKNOWN_TERM = "a derivative of the leading error term is not known"


@dataclass(frozen=True)
class Prediction:
    """The step that balances truncation and rounding, and the worst-case error there; or a reason."""

    h: float = math.nan
    error: float = math.nan
    reason: str = ""


# -- what theory promises ----------------------------------------------------------------------------------


def leading_term(stencil: Stencil, derivatives: Array) -> tuple[float, float]:
    """The truncation error ``A h^(k-m)`` for small h: symmetry of the function may remove the first terms.

    Returns
    -------
    k, A : float
        Degree of the first term whose derivative is not 0, and ``|coefficient f^(k)(x)|``; ``(inf, 0)`` if
        all known terms vanish, ``(nan, nan)`` if a derivative is missing before one is found.
    """
    terms = [(k, c) for k, c in _float_terms(stencil) if k < len(derivatives)]
    for k, coefficient in terms:
        if derivatives[k] != 0:
            size = abs(coefficient * float(derivatives[k]))
            return (float(k), size) if math.isfinite(size) else (math.nan, math.nan)
    return (math.inf, 0.0) if terms else (math.nan, math.nan)


@lru_cache(maxsize=1024)
def _float_terms(stencil: Stencil) -> list[tuple[int, float]]:
    return [(k, float(c)) for k, c in stencil.error_terms(16)]


def predicted_optimum(stencil: Stencil, derivatives: Array, format_name: str) -> Prediction:
    """Where ``A h^p + B h^-m`` is least, with ``B = S1 ulp(f)/2`` (THEORY: predicted curves).

    ``h* = (m B / (p A))^(1/(m+p))`` and ``E = (m+p)/p B h*^-m``, with p the order that the function
    really gives.
    """
    m = stencil.derivative
    k, a = leading_term(stencil, derivatives)
    f = float(derivatives[0]) if len(derivatives) else math.nan
    if math.isnan(k):
        return Prediction(reason=UNKNOWN_TERM)
    if a == 0:
        return Prediction(reason="A = 0: no known error term is left")
    if not math.isfinite(f) or f == 0 or m == 0:
        return Prediction(reason="B = 0: f(x) = 0" if f == 0 else "no rounding term: f(x) unknown or m = 0")
    p = k - m
    with np.errstate(all="ignore"):
        b = float(stencil.S1) * get_format(format_name).ulp(f) / 2
        h = (m * b / (p * np.float64(a))) ** (1 / k)
        error = (m + p) / p * b / h**m
    if not (np.isfinite(error) and h > 0):
        return Prediction(reason="the predicted step is out of float64's range")
    return Prediction(float(h), float(error))


def predicted_curves(
    stencil: Stencil, derivatives: Array, format_name: str, x: float, h: Array
) -> tuple[Array, Array]:
    """The error that theory expects at each step: worst-case envelope and root mean square.

    envelope = A h^p + S1 ulp(f)/2 / h^m + X1 |f'| ulp(x)/2 / h^m, the last one where a node is not a number
    of the format; rms = the root of the sum of squares of A h^p, ``S2 ulp(f)/sqrt(12) / h^m`` and, where a
    node is inexact, the same for ``|f'| ulp(x)``, nodes at equal distances moving together. Spacings are the
    largest over the nodes, whose function values come from the Taylor polynomial of `derivatives`.

    Parameters
    ----------
    derivatives : ndarray, shape (K,)
        True f, f', f'', ... at `x`.
    h : ndarray, shape (n,)
        Steps, as numbers of the format.

    Returns
    -------
    envelope, rms : ndarray, shape (n,)
        Absolute; NaN where a derivative that is needed is not known.
    """
    fmt, m = get_format(format_name), stencil.derivative
    h, derivatives = np.asarray(h, dtype=float), np.asarray(derivatives, dtype=float)
    used = [(s, abs(c)) for s, c in zip(stencil.offsets, stencil.weights, strict=True) if c]
    shifts = np.array([float(s) for s, _ in used])[:, None] * h
    slope = abs(float(derivatives[1])) if len(derivatives) > 1 else math.nan
    k, a = leading_term(stencil, derivatives)
    with np.errstate(all="ignore"):
        truncation = np.zeros_like(h) if a == 0 else a * h ** (k - m)
        f_spacing = fmt.ulp(np.abs(_taylor(derivatives, shifts)).max(axis=0))
        x_spacing = fmt.ulp(np.maximum(np.abs(x + shifts).max(axis=0), abs(x)))
        moved = np.where(_inexact(x, h, [s for s, _ in used], fmt), slope * x_spacing, 0.0)
        # X1, except that an offset below 1 (staggered grids) still carries the full half ulp of its node
        reach = float(sum((c * max(Fraction(1), abs(s)) for s, c in used if s), Fraction(0)))
        # x is a number of the format, so x + s h and x - s h round by opposite amounts
        signed: dict[Fraction, Fraction] = {}
        for s, c in zip(stencil.offsets, stencil.weights, strict=True):
            signed[abs(s)] = signed.get(abs(s), Fraction(0)) + (c if s > 0 else -c if s < 0 else 0)
        away = math.sqrt(sum(c * c for c in signed.values()))
        envelope = truncation + (float(stencil.S1) * f_spacing + reach * moved) / 2 / h**m
        scatter = ((stencil.S2 * f_spacing) ** 2 + (away * moved) ** 2) / 12
        return envelope, np.sqrt(truncation**2 + scatter / h ** (2 * m))


def _taylor(derivatives: Array, shifts: Array) -> Array:
    """The Taylor polynomial of the derivatives before the first unknown one."""
    unknown = np.flatnonzero(~np.isfinite(derivatives))
    total = np.full_like(
        shifts, np.nan if len(derivatives) == 0 or (len(unknown) and unknown[0] == 0) else 0.0
    )
    for k in reversed(range(int(unknown[0]) if len(unknown) else len(derivatives))):
        total = total * shifts / (k + 1) + derivatives[k]
    return total


def _inexact(x: float, h: Array, offsets: list[Fraction], fmt: Format) -> Mask:
    """Where a node ``x + s h`` is not a number of the format."""
    at = Fraction(x)
    exact = [all(_representable(at + s * step, fmt) for s in offsets) for step in map(Fraction, h.tolist())]
    return ~np.array(exact, dtype=bool)


def _representable(value: Fraction, fmt: Format) -> bool:
    """Whether the format holds the number exactly (its largest number aside)."""
    if value == 0:
        return True
    numerator, denominator = abs(value.numerator), value.denominator
    trailing = (numerator & -numerator).bit_length() - 1
    dyadic = denominator & (denominator - 1) == 0
    coarse_enough = denominator.bit_length() - 1 <= fmt.precision - 1 - fmt.min_exponent
    return dyadic and coarse_enough and (numerator >> trailing).bit_length() <= fmt.precision


def error_unit(derivatives: Array, m: int, scale: float) -> tuple[float, str]:
    """What errors of the m-th derivative are relative to, and the name of it.

    Returns
    -------
    unit : float
        ``|f^(m)(x)|``; where that is 0, ``max|f| / scale^m`` over x and x +- scale/8 (Taylor polynomial).
    relative_to : str
        ``"derivative"`` or ``"scale"``; empty where the derivative is not known.
    """
    value = abs(float(derivatives[m])) if m < len(derivatives) else math.nan
    if value != 0:
        return value, "derivative" if math.isfinite(value) else ""
    with np.errstate(all="ignore"):
        near = _taylor(derivatives, np.array([-scale / 8, 0.0, scale / 8]))
        return float(np.abs(near).max() / np.float64(scale) ** m), "scale"


def digits(abs_error: float, unit: float, format_name: str) -> float:
    """``-log10(|error| / unit)``, clipped to [0, digits of the format]; NaN where either is not known."""
    most = get_format(format_name).digits
    if abs_error == 0:
        return most
    if not (math.isfinite(abs_error) and math.isfinite(unit) and unit > 0):
        return math.nan
    return min(max(math.log10(unit) - math.log10(abs_error), 0.0), most)
