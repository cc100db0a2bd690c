"""Steps that do not look at the function: literal numbers, and what frameworks use.

Any positive number is a rule (``1e-4``, ``2^-10``, ``1/1024``). The rules with a name depend on the format or
on m and p, never on the function.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.steps.choice import Choice, Rule, rule
from diffbench.steps.rounding import nearest_power_of_two

_POWER = re.compile(r"(\d+)\^(-?\d+)")
_RATIO = re.compile(r"(\d+)/(\d+)")

#: Constants that `diffbench list steps` shows, with who uses them.
WELL_KNOWN = {
    "1e-1": "MeZO (prefix tuning): Malladi et al. 2023; Theano's step for float16",
    "1e-2": "MeZO (LoRA): Malladi et al. 2023; Ceres (relative)",
    "1e-3": "TensorFlow gradient_checker, Chainer numerical_grad, MeZO",
    "1/1024": "TensorFlow gradient_checker_v2",
    "1e-4": "JAX check_grads; Saitoh, Deep Learning from Scratch, ch. 4",
    "1e-5": "a common choice in course notes and tutorials",
    "1e-6": "PyTorch gradcheck",
    "1e-7": "Theano type_eps for float64",
    "1e-8": "a common choice for forward differences",
}


def constant_value(text: str) -> float | None:
    """The number a rule's name stands for, or None if it is no number: ``1e-4``, ``2^-10``, ``1/1024``."""
    try:
        if match := _POWER.fullmatch(text):
            return float(match[1]) ** int(match[2])
        if match := _RATIO.fullmatch(text):
            return int(match[1]) / int(match[2])
        return float(text) if text[:1].isdigit() or text[:1] == "." else None
    except (ValueError, ArithmeticError):
        return None


def constant_rule(text: str, value: float) -> Rule:
    """The rule ``h = value``."""
    source = WELL_KNOWN.get(text, "the user's number")
    return Rule(text, partial(_constant, value), source, "constant")


def _constant(value: float, f: Any, x: Any, fmt: Format, stencil: Any) -> Choice:
    """The same step everywhere."""
    return Choice(np.full_like(x, value), "a constant")


_THEANO = {"float64": 1e-7, "longdouble": 1e-7, "float32": 3e-4}


@rule(source="Theano, gradient.py, numeric_grad.type_eps", kind="constant")
def theano(f: Any, x: Any, fmt: Format, stencil: Any) -> Choice:
    """Theano's step per format: 1e-7 (float64), 3e-4 (float32), 1e-1 (half precision).

    The only released framework found that has a step of its own for float16; bfloat16 is given the same.
    """
    return Choice(np.full_like(x, _THEANO.get(fmt.name, 1e-1)), f"Theano's step for {fmt.name}")


@rule(source="JAX, pull request 39821 (proposal for check_grads)", kind="constant", rounding="power-of-two")
def jax_half(f: Any, x: Any, fmt: Format, stencil: Any) -> Choice:
    """JAX as proposed: 2**floor(log2(cbrt(eps))) for formats coarser than float32, else 1e-4 as today."""
    h = 2.0 ** np.floor(np.log2(np.cbrt(fmt.eps))) if fmt.precision < 24 else 1e-4
    return Choice(np.full_like(x, h), "the largest power of two below cbrt(eps)" if h > 1e-4 else "1e-4")


@rule(source="diffbench, docs/steps.md (dyadic steps)", kind="rule", rounding="power-of-two")
def dyadic(f: Any, x: Any, fmt: Format, stencil: Any) -> Choice:
    """The model optimum for |f| = |f^(m+p)| x^(m+p) in this format, as a power of two: no constant left out.

    h = ((m/p) S1 u / |C|)**(1/(m+p)) * max(1, |x|), with the stencil's own S1 and C: what the worst-case
    model says when f and its derivatives have one size. For central-2 that is 2^-3 in float16, 2^-2 in
    bfloat16, 2^-7 in float32 and 2^-17 in float64.
    """
    c_h = model_factor(stencil)
    h = c_h * fmt.u ** (1.0 / (stencil.derivative + stencil.accuracy)) * np.maximum(1.0, np.abs(x))
    return Choice(nearest_power_of_two(h), "the model optimum for a function of one scale, a power of two")


def model_factor(stencil: Any) -> float:
    """``c_h`` of h* = c_h (epsilon |f| / |f^(m+p)|)**(1/(m+p)): ((m S1) / (p |C|))**(1/(m+p))."""
    m, p = stencil.derivative, stencil.accuracy
    return float((m * stencil.S1) / (p * abs(stencil.error_constant))) ** (1.0 / (m + p))
