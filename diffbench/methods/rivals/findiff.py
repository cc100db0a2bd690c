"""findiff (M. Baer): difference operators on a grid.

The library differentiates values on a grid, so the grid is the method: spacing 1/99 as in the first example
of its README, cut to the points around x that the operator needs (the example's grid has 100).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival

SPACING = 1 / 99  # numpy.linspace(0, 1, 100)


@rival(package="findiff", tested="0.16.0", docs="README, Taking Derivatives", derivatives=(1, 2, 3, 4))
def diff(f: Any, x: Any, derivative: int) -> Estimate:
    """(findiff.Diff(0, h) ** m)(f(grid)) at the middle of the grid, h = 1/99"""
    from findiff import Diff

    reach = 2 * derivative + 1  # the operator is a product, and its ends need one-sided stencils
    grid = x + SPACING * np.arange(-reach, reach + 1)
    values = (Diff(0, grid[1] - grid[0]) ** derivative)(f(grid))
    return Estimate(values[reach], SPACING)
