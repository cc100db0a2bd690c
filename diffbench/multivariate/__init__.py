"""Several variables: gradients, Jacobians, Hessians, directional and mixed derivatives.

* ``gradient(f, x)``, ``jacobian``, ``hessian``, ``directional(f, x, v)``, ``partial(f, x, (2, 0, 1))``.
* :mod:`~diffbench.multivariate.sparse`: column grouping for sparse Jacobians.
* :mod:`~diffbench.multivariate.truth`: certified gradients, Jacobians and Hessians.
"""

from diffbench.multivariate.partials import (
    DEFAULT_METHOD,
    directional,
    gradient,
    hessian,
    jacobian,
    partial,
)
from diffbench.multivariate.result import Partials

__all__ = ["DEFAULT_METHOD", "Partials", "directional", "gradient", "hessian", "jacobian", "partial"]
