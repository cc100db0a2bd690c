"""What random functions are made of: joined elementary functions, terms that cancel, hashed noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Program = Callable[[Any], Any]

OUTER: tuple[tuple[str, Program], ...] = (
    ("sin", np.sin),
    ("cos", np.cos),
    ("exp", np.exp),
    ("tanh", np.tanh),
    ("arctan", np.arctan),
    ("lorentz", lambda v: 1 / (1 + v**2)),
    ("root", lambda v: np.sqrt(1 + v**2)),
    ("log", lambda v: np.log(2 + v**2)),
    ("gauss", lambda v: np.exp(-(v**2))),
    ("cubic", lambda v: v**3 - v),
    ("quartic", lambda v: 0.1 * v**4 + v),
    ("sigmoid", lambda v: 1 / (1 + np.exp(-v))),
    ("softplus", lambda v: np.log(1 + np.exp(v))),
)


def composite(rng: np.random.Generator) -> tuple[str, Program]:
    """A function of a variable of order 1: one to three elementary functions, composed, added, multiplied."""
    (a, f), (b, g), (c, k) = (OUTER[rng.integers(len(OUTER))] for _ in range(3))
    p, q, s = rng.uniform(0.3, 1.5), rng.uniform(-1.0, 1.0), rng.uniform(0.2, 1.0)
    shapes: tuple[tuple[str, Program], ...] = (
        (a, lambda v: f(p * v + q)),
        (f"{a}({b})", lambda v: f(s * g(p * v + q))),
        (f"{a}+{b}", lambda v: f(p * v + q) + s * g(v)),
        (f"{a}*{b}", lambda v: f(p * v + q) * g(s * v)),
        (f"{a}({b})+{c}", lambda v: f(s * g(p * v)) + k(v + q)),
    )
    return shapes[rng.integers(len(shapes))]


REMOVABLE: tuple[tuple[str, Program], ...] = (  # 0/0 at 0, and finite beside it
    ("(exp-1)/v", lambda v: (np.exp(v) - 1) / v),
    ("(exp-1-v)/v2", lambda v: (np.exp(v) - 1 - v) / v**2),
    ("(v-sin)/v2", lambda v: (v - np.sin(v)) / v**2),
    ("(cosh-1)/v", lambda v: (np.cosh(v) - 1) / v),
    ("(cosh-1)/v2", lambda v: (np.cosh(v) - 1) / v**2),
    ("(root-1)/v2", lambda v: (np.sqrt(1 + v**2) - 1) / v**2),
    ("log(1+v)/v", lambda v: np.log(1 + v) / v),
    ("(root-1)/v", lambda v: (np.sqrt(1 + v**2) - 1) / v),
    ("(tanh-v)/v2", lambda v: (np.tanh(v) - v) / v**2),
    ("1/v-1/sin", lambda v: 1 / v - 1 / np.sin(v)),
)
EXPANDED: tuple[tuple[str, Program], ...] = (  # sums whose terms cancel
    ("square", lambda v: v**2 - 2 * v + 1),
    ("cube", lambda v: v**3 - 3 * v**2 + 3 * v - 1),
    ("exp-lin", lambda v: np.exp(v - 1) - v),
    ("log+lin", lambda v: np.log(v) - v + 1),
)


def cancelling(
    rng: np.random.Generator, length: float, amplitude: float, bits: int = 53
) -> tuple[str, Program, Program, float, float]:
    """A removable singularity, an expanded polynomial near its zero or a difference quotient inside f.

    Up to two thirds of the bits are lost where x is close to the critical place; in few bits all of them.
    """
    close = 2.0 ** -rng.uniform(0, bits / 3 if bits > 24 else bits / 2)
    side = float(rng.choice([-1, 1]))
    kind = rng.integers(3)
    unit = 2.0**-bits
    if kind == 0:
        name, g = REMOVABLE[rng.integers(len(REMOVABLE))]
        v, power = side * close, 2 if "v2" in name else 1
        level = unit / close**power
    elif kind == 1:
        name, g = EXPANDED[rng.integers(len(EXPANDED))]
        v, level = 1 + 0.5 * side * close, 3 * unit
    else:
        name, k = OUTER[rng.integers(len(OUTER))]
        delta = few_bits(close)
        name, v, level = f"difference of {name}", rng.uniform(0.3, 2), 2 * unit / delta

        def g(v: Any) -> Any:  # a difference quotient
            return (k(v + delta) - k(v)) / delta

    def f(t: Any) -> Any:
        return amplitude * g(t / length)

    return name, f, f, float(v * length), level * amplitude


def few_bits(value: float) -> float:
    """A number with 7 significant bits: the same in every format."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 128), exponent - 7)


def in_single(f: Program, t: Any) -> Any:
    """The program with its argument and its value rounded to float32."""
    with np.errstate(all="ignore"):
        inner = np.asarray(t, dtype=np.float32).astype(np.float64)
        return np.asarray(f(inner), dtype=np.float32).astype(np.float64)


def hashed(t: Any, stream: int) -> Any:
    """Uniform numbers in [0, 1) that depend on nothing but the bits of t (SplitMix64)."""
    bits = np.atleast_1d(np.asarray(t, dtype=np.float64)).view(np.uint64)
    bits = bits + np.uint64((stream + 1) * 0x9E3779B97F4A7C15 % 2**64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits = bits ^ (bits >> np.uint64(31))
    return ((bits >> np.uint64(11)) * 2.0**-53).reshape(np.shape(t))
