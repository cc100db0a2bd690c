"""What the arithmetics refuse, each with its reason: calls that no arithmetic takes, and the gaps of each.

A refusal that is listed here and does not happen fails the test, so the lists cannot go stale.
"""

# ruff: noqa: E501  (tables: one case, one line)

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

PLAIN = np.array([0.5, 1.5, 2.5])
MASK = np.array([True, False, True])


def fill_by_index(x: Any) -> Any:
    y = np.zeros(3)
    for i in range(3):
        y[i] = x[i]
    return y


def fill_by_slice(x: Any) -> Any:
    y = np.zeros(3)
    y[:] = x
    return y


def fill_in_place(x: Any) -> Any:
    y = np.zeros(3)
    y += x
    return y


def at(x: Any) -> Any:
    y = np.zeros(3)
    np.add.at(y, [0, 1, 2], x)
    return y


def if_on_array(x: Any) -> Any:
    return x if x * 0 + 1 else -x


# name, program, what the message names, what it advises
EVERYWHERE: tuple[tuple[str, Callable[[Any], Any], str, str], ...] = (
    # conversions to plain numbers
    ("float(x)", lambda x: float(x[0]), r"float\(\)", "np.sin, not math.sin"),
    ("math.sin", lambda x: math.sin(x[0]), r"float\(\)", "np.sin, not math.sin"),
    ("math.floor", lambda x: math.floor(x[0]), r"int\(\)", "np.floor"),
    ("int(x)", lambda x: int(x[0]), r"int\(\)", "np.floor"),
    ("complex(x)", lambda x: complex(x[0]), r"complex\(\)", "not cmath"),
    ("round(x)", lambda x: round(x[0], 2), r"round\(\)", "np.floor"),
    ("x as an index", lambda x: PLAIN[x[0]], "index", r"x\.shape"),
    ("x as a count", lambda x: np.roll(x, x[0]), "np.roll", "integers"),
    ("np.vectorize of math", lambda x: np.vectorize(math.sin)(x), r"float\(\)", "np.sin, not math.sin"),
    ("np.asarray to float", lambda x: np.asarray(x, dtype=float), r"float\(\)", "np.stack"),
    ("np.array of scalars to float", lambda x: np.array([x[0], x[1], x[2]], float), r"float\(\)", "np.stack"),
    ("x.astype", lambda x: x.astype(float), r"\.astype", "leave the precision"),
    ("np.astype", lambda x: np.astype(x, float), r"np\.astype", "leave the precision"),
    ("x.item", lambda x: x[0].item(), r"\.item", "keep the NumPy value"),
    ("x.tolist", lambda x: x.tolist(), r"\.tolist", "keep the NumPy value"),
    # assignment into plain arrays
    ("zeros[i] = x[i]", fill_by_index, r"float\(\)", "np.stack"),
    ("zeros[:] = x", fill_by_slice, r"float\(\)", "np.stack"),
    ("zeros += x", fill_in_place, "out=", "assign the result"),
    ("np.add.at", at, r"np\.add\.at", ""),
    ("out= of a ufunc", lambda x: np.sin(x, out=np.zeros(3)), "out=", "assign the result"),
    ("positional out", lambda x: np.add(x, 1.0, np.zeros(3)), "out=", "assign the result"),
    ("out= of a reduction", lambda x: np.sum(x, out=np.zeros(())), "out=", "assign the result"),
    ("out= of concatenate", lambda x: np.concatenate([x, x], out=np.zeros(6)), "out=", "assign the result"),
    # another precision, options that would be dropped
    ("dtype= of a ufunc", lambda x: np.add(x, 1.0, dtype=np.float32, casting="unsafe"), "dtype=|casting=", ""),
    ("dtype= of a sum", lambda x: np.sum(x, dtype=np.uint8), "dtype=", "drop dtype"),
    ("positional dtype", lambda x: np.sum(x, None, np.uint8), "dtype=", "drop dtype"),
    ("dtype= of zeros_like", lambda x: x + np.zeros_like(x, dtype=np.uint8), "dtype=", "drop dtype"),
    ("dtype= of stack", lambda x: np.stack([x], dtype=np.uint8)[0], "dtype=", "drop dtype"),
    ("x.sum with dtype", lambda x: x.sum(dtype=np.uint8), "dtype=", "drop dtype"),
    ("np.add.reduce with dtype", lambda x: np.add.reduce(x, dtype=np.uint8), "dtype=", "drop dtype"),
    ("where= of a ufunc", lambda x: np.sin(x, where=MASK), "where=", r"np\.where"),
    ("where= of a sum", lambda x: np.sum(x, where=MASK), "where=", r"np\.where"),
    ("initial= of a maximum", lambda x: np.max(x, initial=0.0), "initial=", "afterwards"),
    ("initial= of a sum", lambda x: np.add.reduce(x, initial=1.0), "initial=", "afterwards"),
    ("prepend= of diff", lambda x: np.diff(x, prepend=0.0), r"np\.diff with these arguments", "plain form"),
    # NumPy functions that are not there
    ("np.round", lambda x: np.round(x, 2), r"np\.round", r"np\.floor"),
    ("np.linalg.norm", lambda x: np.linalg.norm(x), r"np\.linalg\.norm", r"np\.sqrt\(np\.sum"),
    ("np.linalg.outer", lambda x: np.linalg.outer(x, x)[0], r"np\.linalg\.outer", ""),
    ("np.gradient", lambda x: np.gradient(x), r"np\.gradient", "write the difference out"),
    ("np.einsum", lambda x: np.einsum("i,i", x, x), r"np\.einsum", r"np\.matmul"),
    ("np.var", lambda x: np.var(x), r"np\.var", r"np\.mean"),
    ("np.fft.fft", lambda x: np.fft.fft(x), "np.fft", "elementary"),
    ("np.interp", lambda x: np.interp(x, PLAIN, PLAIN), r"np\.interp", r"np\.where"),
    ("np.nan_to_num", lambda x: np.nan_to_num(x), r"np\.nan_to_num", r"np\.where"),
    ("np.frexp", lambda x: np.frexp(x)[0], r"np\.frexp", ""),
    ("np.ldexp", lambda x: np.ldexp(x, 2), r"np\.ldexp", ""),
    ("np.spacing", lambda x: np.spacing(x), r"np\.spacing", ""),
    ("np.nextafter", lambda x: np.nextafter(x, 2.0), r"np\.nextafter", ""),
    ("divmod", lambda x: np.divmod(x, 2.0)[0], r"np\.divmod", ""),
    ("np.vecdot", lambda x: np.vecdot(x, x), r"vecdot", ""),
    ("np.add.accumulate", lambda x: np.add.accumulate(x), r"np\.add\.accumulate", r"np\.cumsum"),
    ("np.multiply.outer", lambda x: np.multiply.outer(x, x)[0], r"np\.multiply\.outer", r"np\.outer"),
    ("np.subtract.reduce", lambda x: np.subtract.reduce(x), r"np\.subtract\.reduce", ""),
    ("np.where with one argument", lambda x: x[np.where(x)[0]], r"np\.where with one", "both choices"),
    ("special.sici", lambda x: special.sici(x)[0], r"scipy\.special\.sici", "elementary"),
    ("a method that is not there", lambda x: x.argsort(), r"\.argsort", ""),
    ("erf of an array of scalars", lambda x: special.erf(np.array([x[0], x[1], x[2]])), "single numbers", r"np\.stack"),
    # operands and results that are no numbers
    ("text", lambda x: x + "1", "", ""),
    ("None", lambda x: x + None, "", ""),
    ("nested lists of values", lambda x: x[0] + np.array([[x], [x, x]], dtype=object), "array of arrays|type list", ""),
    ("if on an array", if_on_array, "if", r"np\.where"),
    ("a list as result", lambda x: [x[0], x[1], x[2]], "", "without converting"),
    ("a plain array as result", lambda x: PLAIN, "", r"np\.ones_like"),
    ("a Boolean result", lambda x: MASK, "", "without converting"),
    ("nothing as result", lambda x: None, "", "without converting"),
)  # fmt: skip


# What one arithmetic refuses and others run: (arithmetics, bodies, reason, what the message must say).
FORMATS = "float16 bfloat16 float32 float64 longdouble"
TAPES = " ".join(f"tape-{name}" for name in FORMATS.split())
GAPS: tuple[tuple[str, str, str, str], ...] = (
    (
        f"{FORMATS} {TAPES} jets-float32 jets-float64",
        "np.float_power",
        "its result is float64 by definition",
        r"np\.float_power: use np\.power",
    ),
    (
        TAPES,
        "assign element by element, assign by mask, assign a slice",
        "the graph would not know what was overwritten",
        r"x\[\.\.\.\] = value: build the result instead",
    ),
    (
        "tape-longdouble",
        "special.erf, special.erfc, special.gamma, special.rgamma, special.gammaln, special.psi, special.j0, "
        "special.j1, special.jv",
        "as in longdouble itself",
        r"scipy\.special\.\w+",
    ),
    (
        "longdouble",
        "special.erf, special.erfc, special.gamma, special.rgamma, special.gammaln, special.psi, special.j0, "
        "special.j1, special.jv",
        "SciPy has no long double loop; float64 would be a silent loss",
        r"scipy\.special\.\w+: it computes in float64 at most",
    ),
    (
        "mpmath Arb Taylor",
        "copysign",
        "exact numbers have no signed zero",
        r"np\.abs\(a\) \* np\.sign",
    ),
    (
        "complex128",
        "np.absolute, np.fabs, np.sign, np.floor, np.ceil, np.trunc, np.rint, np.cbrt, maximum, minimum, "
        "maximum of itself, fmax fmin, clip, heaviside, arctan2, remainder, fmod, floor_divide, copysign, "
        "abs of a difference, Python max and abs, max, min, np.maximum.reduce, x.max() x.min(), softmax, "
        "special.gammaln",
        "no derivative in the complex sense: the complex step and Cauchy integrals would be silently wrong",
        "not analytic",
    ),
    (
        "complex128",
        "Boolean factor, where, where with a constant, where guarding a pole, where guarding a root, "
        "where with two conditions, select, piecewise, comparisons, if on a scalar, while on a scalar, "
        "truth of a scalar, Boolean mask, assign by mask",
        "complex numbers have no order, and a branch is not analytic",
        "not analytic",
    ),
    (
        "complex128",
        "special.j0, special.j1",
        "SciPy has complex loops for jv only",
        r"write scipy\.special\.jv\(",
    ),
)
REFUSED = {
    (arithmetic, body): message
    for arithmetics, bodies, _, message in GAPS
    for arithmetic in arithmetics.split()
    for body in bodies.split(", ")
}
