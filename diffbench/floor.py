"""The autodiff floor: what reverse mode gets wrong at a point, in the format, with no step at all.

Autodiff never decides what is true; its gap to the certified derivative is a result like any other, and the
line below which a finite difference need not be expected to fall.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffbench.arithmetic.balls import to_ball, working_precision
from diffbench.arithmetic.formats import Format
from diffbench.errors import DiffbenchError
from diffbench.methods.autodiff import reverse
from diffbench.reference import Reference, from_mpf
from diffbench.sampling import PointResult, Subject


def autodiff_floor(subject: Subject, fmt: Format, result: PointResult) -> Mapping[int, tuple[float, float]]:
    """Value and error (estimate minus truth) of reverse mode, by derivative order.

    Left out are orders without a certified truth, programs that the tape refuses, and results that are not
    finite.
    """
    if subject.opaque or not result.columns:
        return {}
    found = {}
    for order in sorted({scheme.stencil.derivative for scheme in result.schemes} - {0}):
        truth = result.references[order]
        value = _backward(subject, fmt, order) if truth.status == "ok" else None
        if value is not None:
            found[order] = (float(value), _error(value, truth))
    return found


def _backward(subject: Subject, fmt: Format, order: int) -> Any:
    """The derivative by the tape (above order 1 by reverse over reverse), or None."""
    try:
        estimate = reverse(subject.function, fmt, fmt.round(subject.point), order)
    except DiffbenchError:
        return None
    except Exception:  # the program's own; the sweep's rows say what it raised
        return None
    return estimate.value if np.isfinite(estimate.value) else None


def _error(value: Any, truth: Reference) -> float:
    with working_precision(512):
        return float(to_ball(value) - from_mpf(truth.value))
