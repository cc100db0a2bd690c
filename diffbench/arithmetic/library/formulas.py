"""Formulas that NumPy writes itself, the same for every library: creation, choices, ``sinc``, ``polyval``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from diffbench.arithmetic.values import Scalar

if TYPE_CHECKING:
    from diffbench.arithmetic.library.arithmetic import LibraryArithmetic


def _filled(value: float) -> Callable[..., Any]:
    return lambda ar, a, shape=None: ar.wrap(ar.coerce(np.full(a.shape if shape is None else shape, value)))


def _full_like(ar: LibraryArithmetic, a: Any, fill_value: Any, shape: Any = None) -> Any:
    return ar.wrap(ar.coerce(np.zeros(a.shape if shape is None else shape))) + fill_value


def _where(ar: LibraryArithmetic, condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise ar.refuse("np.where with one argument", "give both choices: np.where(condition, a, b)")
    chosen = condition != 0 if isinstance(condition, Scalar) else np.asarray(condition, dtype=bool)
    with ar.answering("np.where"):
        return ar.wrap(ar.find("where", "np.where")(chosen, ar.coerce(x), ar.coerce(y)))


def _select(ar: LibraryArithmetic, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    picked = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        picked = _where(ar, condition, choice, picked)
    return picked


def _clip(
    ar: LibraryArithmetic, a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    result = a if low is None else np.maximum(a, low)
    return result if high is None else np.minimum(result, high)


def _sinc(ar: LibraryArithmetic, x: Any) -> Any:
    scaled = x * np.pi
    zero = scaled == 0
    safe = np.where(zero, 1.0, scaled)
    return np.where(zero, 1.0, np.sin(safe) / safe)


def _polyval(ar: LibraryArithmetic, p: Any, x: Any) -> Any:
    value = np.zeros_like(x)
    for coefficient in p:
        value = value * x + coefficient
    return value


def _append(ar: LibraryArithmetic, arr: Any, values: Any, axis: Any = None) -> Any:
    parts = [ar.wrap(ar.coerce(part)) for part in (arr, values)]
    return np.concatenate([np.ravel(p) for p in parts] if axis is None else parts, axis=axis or 0)


def _vdot(ar: LibraryArithmetic, a: Any, b: Any) -> Any:
    return np.dot(*(np.ravel(ar.wrap(ar.coerce(v))) for v in (a, b)))  # real numbers: nothing to conjugate


def _take(ar: LibraryArithmetic, a: Any, indices: Any, axis: int | None = None) -> Any:
    where = np.asarray(indices)
    return np.ravel(a)[where] if axis is None else a[(slice(None),) * (axis % a.ndim) + (where,)]


def _piecewise(ar: LibraryArithmetic, *args: Any) -> Any:
    raise ar.refuse("np.piecewise", "use np.where(condition, a, b)")


FORMULAS: Mapping[str, Callable[..., Any]] = {
    "zeros_like": _filled(0.0),
    "empty_like": _filled(0.0),
    "ones_like": _filled(1.0),
    "full_like": _full_like,
    "copy": lambda ar, a, order="K", subok=False: a,  # nothing can be assigned to it
    "where": _where,
    "select": _select,
    "clip": _clip,
    "sinc": _sinc,
    "polyval": _polyval,
    "piecewise": _piecewise,
    "append": _append,
    "vdot": _vdot,
    "take": _take,
}
SIGNATURES = {name: signature(formula) for name, formula in FORMULAS.items()}
