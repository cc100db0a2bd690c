"""What a refusal says: how a call is named, and what to write instead of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

DEFAULT = "write it with the elementary NumPy functions (np.exp, np.sin, np.where, ...)"
PRECISION = "leave the precision to the format"

ADVICE: Mapping[str, str] = {
    "float()": "a number of this arithmetic is not a Python float; use NumPy functions on x "
    "(np.sin, not math.sin), and np.stack instead of assigning into a plain array",
    "complex()": "use NumPy functions on x, not cmath",
    "int()": "use np.floor or np.trunc on x, and x.shape for sizes",
    "round()": "use np.floor(x + 0.5)",
    "if": "an array has no single truth value; use np.where(condition, a, b)",
    # methods and attributes
    ".astype": f"{PRECISION}; drop the conversion",
    ".item": "keep the NumPy value",
    ".tolist": "keep the NumPy value",
    ".dtype": f"{PRECISION}; use np.zeros_like(x) or np.ones_like(x) for new arrays",
    ".real": "only real numbers run here; drop it",
    ".imag": "only real numbers run here; drop it",
    # options of NumPy functions
    "out=": "assign the result to a name instead",
    "where=": "use np.where(condition, a, b)",
    "dtype=": f"{PRECISION}; drop dtype",
    "initial=": "combine with it afterwards: np.maximum(np.max(x), initial)",
    # NumPy functions
    "np.round": "use np.floor(x + 0.5)",
    "np.around": "use np.floor(x + 0.5)",
    "np.linalg.norm": "use np.sqrt(np.sum(x**2))",
    "np.einsum": "use np.matmul or np.sum of products",
    "np.gradient": "write the difference out",
    "np.var": "use np.mean((x - np.mean(x))**2)",
    "np.std": "use np.sqrt(np.mean((x - np.mean(x))**2))",
    "np.average": "use np.sum(w * x) / np.sum(w)",
    "np.float_power": "use np.power or **",
    "np.ldexp": "use x * 2.0**n",
    "np.copysign": "use np.abs(a) * np.sign(b)",
    "np.signbit": "use x < 0",
    "np.nan_to_num": "use np.where(condition, a, b) before the NaN arises",
    "np.add.accumulate": "use np.cumsum",
    "np.multiply.outer": "use np.outer",
    "np.interp": "write the pieces with np.where",
    "np.astype": f"{PRECISION}; drop the conversion",
}


def call_name(ufunc: np.ufunc) -> str:
    """``np.sin`` or ``scipy.special.erf``: a ufunc the way a program writes it."""
    name = ufunc.__name__
    if getattr(np, name, None) is ufunc or name in ("divide", "true_divide"):
        return f"np.{name}"
    return f"scipy.special.{name}" if ufunc.signature is None and not hasattr(np, name) else name
