"""The groups of random functions, their shares, and how one function of a group is drawn.

* :data:`GROUPS`, :func:`draw`: float64, length scales from 1e-8 to 1e8.
* :data:`NARROW`, :func:`draw_narrow`: formats of less than 53 bits, magnitudes that their exponents hold.

Another order of the draws would be another set: every seed's cases depend on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.random_functions.composites import (
    Program,
    cancelling,
    composite,
    few_bits,
    hashed,
    in_single,
)

GROUPS: dict[str, float] = {  # name -> share
    "smooth": 0.34,
    "wave": 0.10,  # g(k x): the argument is rounded inside
    "offset": 0.08,  # a constant far above the changes of f
    "edge": 0.10,  # the domain ends near x
    "pole": 0.06,
    "at zero": 0.06,  # x = 0
    "noisy": 0.08,
    "quantised": 0.05,
    "float32 inside": 0.05,
    "kink near": 0.05,
    "jump near": 0.03,
    "cancel": 0.08,  # terms that cancel inside f: its noise is far above the rounding of its value
}

NARROW: dict[str, float] = {  # the same for formats of less than 53 bits
    "smooth": 0.34,
    "wave": 0.08,
    "offset": 0.10,
    "edge": 0.10,
    "pole": 0.08,
    "cancel": 0.30,
}


def draw(rng: np.random.Generator, group: str) -> tuple[str, Program, Program, float, float]:
    """Name, function as computed, smooth function, x and absolute noise."""
    name, g = composite(rng)
    length = 10.0 ** rng.uniform(-8, 8)
    amplitude = 10.0 ** rng.uniform(-6, 6)
    v = rng.uniform(-2, 2)
    x = float(rng.choice([-1, 1]) * length * 10.0 ** rng.uniform(-3, 4))
    centre = x - v * length

    def scaled(t: Any) -> Any:
        return amplitude * g((t - centre) / length)

    if group == "wave":
        k = 1 / length
        x = float(rng.choice([-1, 1]) * length * 10.0 ** rng.uniform(-1, 4))

        def wave(t: Any) -> Any:
            return amplitude * (np.sin(k * t) + 0.3 * np.cos(1.7 * k * t))

        return "wave", wave, wave, x, 0.0
    if group == "offset":
        offset = amplitude * 10.0 ** rng.uniform(1, 6)
        return f"{name}+offset", (f := lambda t: offset + scaled(t)), f, x, 0.0
    if group == "edge":
        return _edge(rng, name, g, length, amplitude)
    if group == "pole":
        where = x + length * rng.choice([-1, 1]) * 10.0 ** rng.uniform(-3, 0.5)
        power = int(rng.integers(1, 3))
        return f"pole {power}", (f := lambda t: amplitude / ((t - where) / length) ** power), f, x, 0.0
    if group == "at zero":
        x = 0.0
        return f"{name} at 0", (f := lambda t: amplitude * g(t / length + v)), f, x, 0.0
    if group == "cancel":
        return cancelling(rng, length, amplitude)
    if group == "noisy":
        level = amplitude * 10.0 ** rng.uniform(-13, -2)
        stream = int(rng.integers(1 << 30))
        return f"{name}+noise", lambda t: scaled(t) + level * (2 * hashed(t, stream) - 1), scaled, x, level
    if group == "quantised":
        quantum = amplitude * 10.0 ** rng.uniform(-10, -2)
        return f"{name} in steps", lambda t: np.round(scaled(t) / quantum) * quantum, scaled, x, quantum / 2
    if group == "float32 inside":
        x = float(np.float32(x))
        centre = float(np.float32(x - v * length))
        return f"{name} in float32", lambda t: in_single(scaled, t), scaled, x, -(2.0**-24)
    if group == "kink near":
        where = x + length * rng.choice([-1, 1]) * 10.0 ** rng.uniform(-5, 0)
        slope = amplitude / length * 10.0 ** rng.uniform(-3, 1)
        return f"{name}+kink", (f := lambda t: scaled(t) + slope * np.abs(t - where)), f, x, 0.0
    if group == "jump near":
        where = x + length * rng.choice([-1, 1]) * 10.0 ** rng.uniform(-4, 0)
        height = amplitude * 10.0 ** rng.uniform(-4, 1)
        return f"{name}+jump", lambda t: scaled(t) + height * (np.asarray(t) > where), scaled, x, 0.0
    return name, scaled, scaled, x, 0.0


def _edge(
    rng: np.random.Generator, name: str, g: Program, length: float, amplitude: float
) -> tuple[str, Program, Program, float, float]:
    """log, sqrt or a power at a distance of 1e-6 to 1 lengths from the end of its domain."""
    end = float(rng.choice([-1, 0, 1]) * length * 10.0 ** rng.uniform(-2, 3))
    side = float(rng.choice([-1, 1]))
    x = end + side * length * 10.0 ** rng.uniform(-6, 0.5)
    kind = rng.integers(4)

    def f(t: Any) -> Any:
        d = side * (t - end) / length
        if kind == 0:
            return amplitude * np.log(d)
        if kind == 1:
            return amplitude * np.sqrt(d)
        if kind == 2:
            return amplitude * d * np.sqrt(d)
        return amplitude * np.sqrt(d) * g(d)

    label = ("log", "sqrt", "power 3/2", f"sqrt*{name}")[kind]
    return f"{label} edge", f, f, x, 0.0


def draw_narrow(rng: np.random.Generator, group: str, bits: int) -> tuple[str, Program, float]:
    """Name, program and x: as ``draw``, with magnitudes that 5 bits of exponent can hold."""
    name, g = composite(rng)
    length, amplitude = (few_bits(10.0 ** rng.uniform(-1.5, 1.5)) for _ in range(2))
    x = float(rng.choice([-1, 1]) * length * 10.0 ** rng.uniform(-2, 0.8))
    if group == "cancel":
        name, f, _, x, _ = cancelling(rng, few_bits(10.0 ** rng.uniform(-0.5, 0.5)), amplitude, bits)
        return name, f, x
    if group == "wave":
        return "wave", lambda t: amplitude * (np.sin(t / length) + 0.25 * np.cos(1.75 * t / length)), x
    if group == "offset":
        offset = few_bits(10.0 ** rng.uniform(0.5, 1.5))
        return f"{name}+offset", lambda t: amplitude * (offset + g(t / length)), x
    if group in ("edge", "pole"):
        where = few_bits(length * rng.uniform(-1, 1))
        side = float(rng.choice([-1, 1]))
        x = where + side * length * 10.0 ** rng.uniform(-1.5, 0.5)
        if group == "pole":
            return "pole", lambda t: amplitude / ((t - where) / length), x
        root = bool(rng.integers(2))
        return "edge", lambda t: amplitude * (np.sqrt if root else np.log)(side * (t - where) / length), x
    return name, lambda t: amplitude * g(t / length), x
