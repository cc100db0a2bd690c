"""The central difference that textbooks recommend, with the step of a formula and no care for rounding.

``central-2@eps-scaled`` is the same with care: its divisor is the distance of the rounded nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.methods.estimate import Estimate
from diffbench.methods.method import Method
from diffbench.steps.sampler import Sampler


def textbook(f: Callable[..., Any], fmt: Format, points: Any, derivative: int) -> Estimate:
    """(f(x + h) - f(x - h)) / 2h at h = cbrt(eps) max(1, |x|), every operation rounded to the format.

    Source: Press et al., Numerical Recipes, section 5.7.
    """
    x = np.asarray(points).astype(np.float64)
    h = np.asarray(fmt.round(fmt.eps ** (1 / 3) * np.maximum(1.0, np.abs(x))), dtype=np.float64)
    sample = Sampler(f, fmt)
    upper, lower = sample(np.asarray(fmt.round(np.stack([x + h, x - h])), dtype=np.float64))
    with np.errstate(all="ignore"):
        difference = np.asarray(fmt.round(upper - lower), dtype=np.float64)
        value = fmt.round(difference / np.asarray(fmt.round(2 * h), dtype=np.float64))
    return Estimate(value, fmt.round(h), 2)


CBRT = Method(
    "central-2@cbrt-eps",
    textbook,
    derivatives=(1,),
    formats=("float16", "bfloat16", "float32", "float64"),
    source="Press et al., Numerical Recipes, section 5.7",
)
