"""Sparse Jacobians: columns that share no row are differentiated together.

* ``group_columns(pattern)``: the groups of Curtis, Powell and Reid.
* ``detect_sparsity(f, x)``: the pattern, by running ``f`` on sets of indices.
* ``jacobian(f, x, sparsity=...)`` uses both, and checks that the pattern is complete.

Source: A. R. Curtis, M. J. D. Powell and J. K. Reid, On the estimation of sparse Jacobian matrices,
J. Inst. Maths Applics 13 (1974).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.index_sets import IndexSetArithmetic
from diffbench.errors import MissingExtraError, UserError
from diffbench.methods.finite_differences import Scheme, nodes
from diffbench.multivariate.differences import ADVICE
from diffbench.multivariate.evaluator import Evaluator
from diffbench.multivariate.nodes import Listed
from diffbench.multivariate.request import Request, array_of, request
from diffbench.multivariate.result import Partials, worst
from diffbench.multivariate.steps import WITHOUT_VALUES, choose_steps, plan_of
from diffbench.stencils import Stencil, stencil_from_name

Raw = np.ndarray[Any, Any]


def _scipy_sparse() -> Any:
    try:
        from scipy import sparse
    except ImportError:
        raise MissingExtraError("scipy", "special", "a sparse Jacobian") from None
    return sparse


def group_columns(pattern: Any) -> Raw:
    """A group for every column, such that the columns of a group have no row in common.

    Columns are taken in their own order and then with the fullest first; each goes into the first group that
    has room for it. The order that needs fewer groups is kept.

    Parameters
    ----------
    pattern : SciPy sparse array or dense array, shape (m, n)

    Returns
    -------
    array of int, shape (n,)
        Groups, counted from 0.
    """
    columns = _scipy_sparse().csc_array(pattern)
    counts = np.diff(columns.indptr)
    natural = _greedy(columns, np.arange(columns.shape[1]))
    if not natural.size or natural.max() + 1 <= _least(columns):
        return natural  # as few as the fullest row allows
    fullest = _greedy(columns, np.argsort(-counts, kind="stable"))
    return fullest if fullest.max() < natural.max() else natural


def _least(columns: Any) -> int:
    """No fewer groups than entries in the fullest row."""
    return int(np.bincount(columns.indices, minlength=1).max())


def _greedy(columns: Any, order: Raw) -> Raw:
    """Each column into the first group none of whose columns has one of its rows."""
    groups = np.zeros(columns.shape[1], dtype=int)
    indices, indptr = columns.indices, columns.indptr
    taken = np.zeros((0, columns.shape[0]), dtype=bool)
    for column in order.tolist():
        rows = indices[indptr[column] : indptr[column + 1]]
        free = ~taken[:, rows].any(axis=1)
        group = int(np.argmax(free)) if free.any() else len(taken)
        if group == len(taken):
            taken = np.concatenate([taken, np.zeros((1, columns.shape[0]), dtype=bool)])
        taken[group, rows] = True
        groups[column] = group
    return groups


def detect_sparsity(f: Callable[..., Any], x: Any, *, vectorized: bool = True) -> Any:
    """Where the Jacobian of ``f`` may differ from 0, as a SciPy sparse array of Booleans, shape (m, n).

    Parameters
    ----------
    f, x, vectorized
        As in ``jacobian``; ``x`` of shape (n,). Where ``f`` branches on values, the pattern is that of the
        branches taken at ``x``.
    """
    asked = request(f, x, vectorized=vectorized)
    rows, columns, outputs = IndexSetArithmetic().pattern(_one_point(asked), asked.points[0])
    shape = (int(np.prod(outputs, dtype=int)), asked.n)
    return _scipy_sparse().csr_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=shape)


def _one_point(asked: Request) -> Callable[..., Any]:
    if not asked.vectorized:
        return asked.f

    def program(x: Any) -> Any:
        value = asked.f(np.reshape(x, (asked.n, 1)))
        value = np.stack(list(value)) if isinstance(value, list | tuple) else value
        return np.reshape(value, np.shape(value)[:-1])

    return program


def sparse_jacobian(asked: Request, method: str, sparsity: Any) -> Partials:
    """The Jacobian by groups of columns; see ``jacobian``."""
    sparse = _scipy_sparse()
    if method in ("jet", "reverse", "complex-step"):
        raise UserError(f"{method} does not use a sparsity pattern: leave it out, or use a stencil")
    plan = plan_of(method)
    stencil = stencil_from_name(plan.stencil, derivative=1)
    if asked.step is None and plan.rule.kind not in WITHOUT_VALUES:
        raise UserError(
            f"{plan.rule.name} looks along every coordinate by itself, which groups of columns exist to "
            "avoid: use a rule without function values (eps-scaled), give step=, or leave the sparsity out"
        )
    if len(asked.points) > 1:
        raise UserError(f"a sparse Jacobian is for one point: x of shape ({asked.n},), not {asked.x.shape}")
    if asked.low is not None:
        raise UserError("bounds and a sparsity pattern do not go together yet: leave one of them out")
    pattern = _pattern(asked, sparsity)
    groups = group_columns(pattern)
    count = int(groups.max()) + 1
    steps = choose_steps(asked, plan, 1, scalar=False)
    h, x = steps.h, asked.points[0]
    evaluator = asked.evaluator(False)
    rows, base = _nodes(asked, stencil, x, h, groups, count)
    values, infinite = evaluator.at(Listed(rows))
    outputs = values.shape[:-1]
    if pattern.shape != (wanted := (int(np.prod(outputs, dtype=int)), asked.n)):
        raise UserError(
            f"the sparsity pattern has shape {pattern.shape}, expected {wanted}: one row for each output, "
            "one column for each coordinate"
        )
    table = _by_offset(stencil, values.reshape(-1, len(rows)), count)  # (J, M, groups)
    entries = pattern.tocoo()
    row, column = entries.coords
    picked = table[:, row, groups[column]]
    combined = Scheme(stencil).combine(asked.fmt, list(picked), h[column])
    statuses = np.full(len(row), "ok", dtype=object)
    statuses[combined.infinite] = "overflow"
    statuses[np.isnan(picked).any(axis=0)] = "domain"
    if infinite.any():
        statuses[statuses == "ok"] = "overflow"
    data = combined.estimate
    value = sparse.csr_array((data, (row, column)), shape=pattern.shape)
    taken = evaluator.evaluations
    checks = _check(asked, evaluator, stencil, value, h, values, base) if asked.check else 0
    checks += evaluator.checks
    status = worst(statuses) if len(statuses) else "ok"
    return Partials(
        value,
        h,
        taken + int(np.sum(steps.evaluations)),
        status,
        ADVICE.get(status, ""),
        None,
        statuses,
        stencils=np.full(asked.x.shape, plan.stencil, dtype=object),
        note=f"{count} groups of columns for {asked.n} coordinates",
        checks=checks,
        groups=groups,
    )


def _pattern(asked: Request, sparsity: Any) -> Any:
    """The pattern as a sparse array of Booleans, in the order of rows."""
    sparse = _scipy_sparse()
    if isinstance(sparsity, str):
        if sparsity != "detect":
            raise UserError(f'sparsity must be a SciPy sparse array or "detect", not {sparsity!r}')
        return detect_sparsity(asked.f, asked.x, vectorized=asked.vectorized)
    given = sparsity if sparse.issparse(sparsity) else array_of(sparsity, "sparsity")
    if given.ndim != 2 or given.shape[1] != asked.n:
        raise UserError(
            f"the sparsity pattern has shape {given.shape}, expected (outputs, {asked.n}): one column "
            "for each coordinate of x"
        )
    pattern = sparse.csr_array(given).astype(bool)
    pattern.eliminate_zeros()
    pattern.sum_duplicates()
    return pattern


def _nodes(
    asked: Request, stencil: Stencil, x: Raw, h: Raw, groups: Raw, count: int
) -> tuple[Raw, int | None]:
    """Nodes of all groups and offsets, each moving all coordinates of a group; x itself once, at the end."""
    lines = nodes(asked.fmt, x, h, stencil.offsets)  # (J, n)
    rows = []
    for offset, line in zip(stencil.offsets, lines, strict=True):
        if offset:
            rows += [np.where(groups == g, line, x) for g in range(count)]
    if 0 in stencil.offsets:
        return np.stack([*rows, x]), len(rows)
    return np.stack(rows), None


def _by_offset(stencil: Stencil, values: Raw, count: int) -> Raw:
    """Values (M, nodes) as (J, M, groups); the value at x, if there is one, stands last."""
    table, start = [], 0
    for offset in stencil.offsets:
        if offset:
            table.append(values[:, start : start + count])
            start += count
        else:
            table.append(np.repeat(values[:, -1:], count, axis=1))
    return np.stack(table)


def _check(
    asked: Request, evaluator: Evaluator, stencil: Stencil, value: Any, h: Raw, values: Raw, base: int | None
) -> int:
    """Compare the matrix with the function along one random direction; the evaluations that took.

    An entry that the pattern lacks is missing from the product, or counted for another column of its group;
    random multiples of the steps tell both from rounding and truncation.

    Raises
    ------
    UserError
        If a row disagrees; the message names it.
    """
    fmt, x = asked.fmt, asked.points[0]
    before = evaluator.evaluations
    factors = np.random.default_rng(20261125).uniform(0.5, 1.0, asked.n)
    signs = np.where(np.arange(asked.n) % 2, -1.0, 1.0)
    moved = fmt.round(h.astype(np.float64) * fmt.round(factors * signs).astype(np.float64))
    ends = [x + moved] if base is not None else [x + moved, x - moved]
    found = evaluator.at(Listed(np.stack(ends)))[0].reshape(-1, len(ends)).astype(np.float64)
    if base is not None:
        centre = values.reshape(len(found), -1)[:, base].astype(np.float64)
        change, reach = found[:, 0] - centre, 1
    else:
        change, reach = (found[:, 0] - found[:, 1]) / 2, 2
    dense = value.astype(np.float64)
    expected = dense @ moved.astype(np.float64)
    size = np.abs(dense) @ np.abs(moved.astype(np.float64))
    accuracy = reach if stencil.accuracy >= 2 else 1
    share = max(1e-5, 30 * fmt.eps ** (accuracy / (1 + accuracy)))
    noise = 64 * fmt.u * np.max(np.abs(found), axis=1)
    wrong = np.abs(change - expected) > share * np.maximum(size, np.abs(change)) + noise
    if wrong.any():
        row = int(np.argmax(np.abs(change - expected) * wrong))
        raise UserError(
            f"the sparsity pattern does not match the function: along a random direction output {row} "
            f"changes by {change[row]:.6g}, its row of the pattern explains {expected[row]:.6g}. Add the "
            'entries it lacks, or pass sparsity="detect"'
        )
    return evaluator.evaluations - before
