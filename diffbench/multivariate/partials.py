"""The public functions: gradient, Jacobian, Hessian, directional and mixed partial derivatives.

When none is named a gradient runs by ``auto``, which bounds its error, as ``db.derivative`` does
(:mod:`diffbench.methods.default`); everything else by ``central-2``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from diffbench.errors import UserError
from diffbench.methods.default import STENCIL, default_method
from diffbench.multivariate import exact
from diffbench.multivariate.components import EXACT, exactly, finished, first_derivatives, mixed, refuse_step
from diffbench.multivariate.nested import jet_partial
from diffbench.multivariate.request import Options, array_of, request
from diffbench.multivariate.result import Partials

Raw = np.ndarray[Any, Any]
Program = Callable[..., Any]

#: What ``jacobian``, ``hessian``, ``directional`` and ``partial`` use when no method is named.
DEFAULT_METHOD = STENCIL


def gradient(f: Program, x: Any, *, method: str | None = None, **options: Unpack[Options]) -> Partials:
    """The gradient of a function of several variables.

    Parameters
    ----------
    f : callable
        A plain NumPy function: ``x`` of shape ``(n, B)``, coordinates first, to ``(B,)``; it reduces over
        axis 0, as in ``np.sum(x**2, axis=0)``.
    x : array, shape (n, ...)
        One point, or a batch of them.
    method : str, optional
        A stencil (``forward-1 central-2 central-4 ...``), ``stencil@rule``, ``complex-step``, ``jet``
        (forward mode), ``reverse``, or any method of ``methods()``, used along each coordinate. Default:
        ``auto``, which needs no step and bounds the error of each component (``error``), for about ten times
        the evaluations of ``central-2``; with a step, ``central-2``.
    step : float or array, optional
        One step, or one for each coordinate; default: the rule, for each coordinate.
    bounds : (low, high), optional
        Where ``f`` may be evaluated; a stencil that would leave is replaced by a one-sided one, and the
        result's ``note`` and ``stencils`` say so.
    format : str, optional
        Default: the format of ``x``; float64 for Python numbers and integers.
    vectorized : bool
        ``False``: ``f`` takes one point of shape ``(n,)`` at a time.
    opaque : bool
        ``f`` gets plain arrays of the format, which is needed where it calls other code; nothing then keeps
        it from computing in a wider format.
    check : bool
        Spend three function values (four where there are many blocks) on looking whether ``f`` keeps the
        points of a batch apart.
    block : int
        Bytes of nodes in one call of ``f``, default 512 KiB.

    Returns
    -------
    Partials
        ``value`` of the shape of ``x``.

    Raises
    ------
    UserError
        If shapes, bounds, steps or names make no sense, or ``f`` returns another shape than it must.
    RefusedError
        If ``f`` cannot run strictly in the format.

    Examples
    --------
    >>> import numpy as np
    >>> from diffbench import gradient
    >>> print(gradient(lambda x: np.sum(x**2, axis=0), [3.0, 4.0]).value)
    [6. 8.]
    """
    asked = request(f, x, **options)
    return first_derivatives(asked, method or default_method(1, asked.step), scalar=True)


def jacobian(
    f: Program, x: Any, *, method: str | None = None, sparsity: Any = None, **options: Any
) -> Partials:
    """The Jacobian of a function with outputs of any shape.

    Parameters
    ----------
    f : callable
        ``x`` of shape ``(n, B)`` to ``(*outputs, B)``; a list of components is stacked.
    sparsity : SciPy sparse array or "detect", optional
        Where the Jacobian may differ from 0, shape (m, n). Columns that share no row are differentiated
        together (Curtis, Powell and Reid 1974); ``value`` is then a SciPy sparse array. ``"detect"`` finds
        the pattern by running ``f`` on sets of indices.
    x, method, **options
        As in :func:`gradient`.

    Returns
    -------
    Partials
        ``value`` of shape ``(*outputs, n, ...)``.
    """
    asked = request(f, x, **options)
    if sparsity is not None:
        from diffbench.multivariate.sparse import sparse_jacobian

        return sparse_jacobian(asked, method or DEFAULT_METHOD, sparsity)
    return first_derivatives(asked, method or DEFAULT_METHOD, scalar=False)


def hessian(f: Program, x: Any, *, method: str | None = None, **options: Unpack[Options]) -> Partials:
    """The matrix of second derivatives.

    Stencils use the second-derivative stencil on the diagonal and the product of two first-derivative ones
    beside it; ``jet`` uses second-order jets along all e_i and e_i + e_j, ``reverse`` goes back twice.

    Returns
    -------
    Partials
        ``value`` of shape ``(n, n, ...)``, symmetric for stencils and jets.
    """
    asked, name = request(f, x, **options), method or DEFAULT_METHOD
    if name in EXACT:
        if name == "complex-step":
            raise UserError("complex-step gives first derivatives: use jet, reverse or a stencil")
        refuse_step(asked, name)
        found, evaluations = (exact.jet_hessian if name == "jet" else exact.reverse_hessian)(asked)
        return exactly(asked, found, evaluations, 0)
    n, count = asked.n, len(asked.points)
    own, beside = np.arange(n), np.column_stack(np.triu_indices(n, 1))
    i, j = np.concatenate([np.column_stack([own, own]), beside]).T
    wanted: list[Any] = [((2,), own[:, None]), ((1, 1), beside)][: 1 + (n > 1)]
    result = mixed(asked, name, wanted, 2, scalar=True)

    def square(flat: Raw) -> Raw:
        full = np.empty((n, n, count), dtype=flat.dtype)
        full[i, j] = full[j, i] = flat.reshape(len(i), count)
        return full.reshape((n, n, *asked.batch))

    return finished(asked, result, square)


def partial(
    f: Program, x: Any, orders: Sequence[int], *, method: str | None = None, **options: Any
) -> Partials:
    """One partial derivative: ``partial(f, x, (2, 0, 1))`` is d^3 f / dx0^2 dx2.

    Parameters
    ----------
    orders : sequence of int, length n
        How often to differentiate by each coordinate.
    method : str, optional
        A stencil, ``jet`` (a series in each coordinate, over those of the others), ``reverse`` (once for each
        order) or, for a first derivative, ``complex-step``. Default: ``central-2``.

    Returns
    -------
    Partials
        ``value`` of the shape of the batch, ``()`` for one point.
    """
    asked, name = request(f, x, **options), method or DEFAULT_METHOD
    wanted = _orders(orders, asked.n)
    if name in EXACT:
        if name == "complex-step" and sum(wanted) > 1:
            raise UserError("complex-step gives first derivatives: use jet, reverse or a stencil")
        refuse_step(asked, name)
        if name == "complex-step":
            slopes, evaluations, checks = exact.complex_step(asked, True)
            return exactly(asked, slopes[np.argmax(wanted)], evaluations, checks)
        found, evaluations = (jet_partial if name == "jet" else exact.reverse_partial)(asked, wanted)
        return exactly(asked, found, evaluations, 0)
    coordinates = np.flatnonzero(wanted)
    component = (tuple(m for m in wanted if m), coordinates[None])
    result = mixed(asked, name, [component], sum(wanted), scalar=True)
    return finished(asked, result, lambda flat: flat.reshape(asked.batch))


def directional(
    f: Program, x: Any, v: Any, *, derivative: int = 1, method: str | None = None, **options: Any
) -> Partials:
    """The derivative of t -> f(x + t v) at t = 0: the gradient times ``v``, which is not normalised.

    Parameters
    ----------
    v : array, shape (n,)
        The direction, not 0.
    derivative : int
        Order of the derivative along the direction.
    step : float, optional
        In units of t. Default: the rule, with t scaled so that a step moves x by about what it would move
        a coordinate.
    f, x, method, **options
        As in :func:`gradient`.

    Returns
    -------
    Partials
        ``value`` of the shape of the batch, ``()`` for one point.
    """
    from diffbench.multivariate.directions import along

    return along(request(f, x, **options), v, derivative, method or DEFAULT_METHOD)


def _orders(orders: Any, n: int) -> tuple[int, ...]:
    given = array_of(orders, "orders")
    if given.shape != (n,) or given.dtype.kind not in "iu":
        raise UserError(
            f"orders must be {n} integers, one for each coordinate of x, such as "
            f"{(2, *[0] * (n - 1))}; got {orders!r}"
        )
    wanted = tuple(int(m) for m in given)
    if min(wanted) < 0 or sum(wanted) < 1:
        raise UserError(f"orders must be 0 or more, and one of them above 0; got {wanted}")
    return wanted
