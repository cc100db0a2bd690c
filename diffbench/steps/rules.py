"""The default step of ``db.derivative``, as functions of stencil, point and format."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps.rounding import nearest_power_of_two


def eps_scaled(stencil: Stencil, x: Any, fmt: Format) -> np.ndarray[Any, Any]:
    """``eps**(1/(m+p)) * max(1, |x|)``, rounded to the nearest power of two (on the log scale).

    The power balances an O(h^p) truncation error against an O(eps/h^m) rounding error when nothing is known
    of the function; a power of two keeps x + h a number of the format where it can.

    Source: Press et al., Numerical Recipes, section 5.7, for the exponent at m = p = 1 and m = 1, p = 2.
    """
    return fmt.round(nearest_power_of_two(thumb(stencil, np.asarray(x, dtype=np.float64), fmt)))


def thumb(stencil: Stencil, x: Any, fmt: Format) -> np.ndarray[Any, Any]:
    """``eps**(1/(m+p)) * max(1, |x|)``, unrounded."""
    factor = fmt.eps ** (1.0 / (stencil.derivative + stencil.accuracy))
    h = np.maximum(1.0, np.abs(x))
    h *= factor
    return np.asarray(h)
