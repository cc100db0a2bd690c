"""Sparse Jacobians: grouping, detection, evaluations, and patterns that do not match."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.index_sets import IndexSetArithmetic
from diffbench.errors import UserError
from diffbench.multivariate.sparse import detect_sparsity, group_columns
from diffbench.problems.multivariate import get_multivariate

sparse = pytest.importorskip("scipy.sparse")
TRIDIAGONAL = get_multivariate("broyden_tridiagonal").function
BANDED = get_multivariate("broyden_banded").function


def band(n: int, below: int, above: int) -> Any:
    return sparse.diags_array(
        [np.ones(n - abs(k)) for k in range(-below, above + 1)], offsets=range(-below, above + 1)
    )


@st.composite
def patterns(draw: Any) -> Any:
    m, n = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    cells = draw(st.lists(st.booleans(), min_size=m * n, max_size=m * n))
    return np.array(cells).reshape(m, n)


@given(patterns())
@settings(max_examples=60, deadline=None)
def test_columns_of_a_group_share_no_row(pattern: Any) -> None:
    groups = group_columns(pattern)
    assert groups.shape == (pattern.shape[1],)
    assert set(groups) == set(range(groups.max() + 1))
    for g in range(groups.max() + 1):
        assert pattern[:, groups == g].sum(axis=1).max() <= 1


@given(patterns())
@settings(max_examples=30, deadline=None)
def test_no_more_groups_than_scipy_finds_in_the_same_orders(pattern: Any) -> None:
    from scipy.optimize._numdiff import group_columns as theirs

    assert group_columns(pattern).max() <= theirs(pattern, order=np.arange(pattern.shape[1])).max()


@pytest.mark.parametrize(("below", "above"), [(0, 0), (1, 1), (2, 2), (5, 1)])
def test_a_band_needs_as_many_groups_as_it_is_wide(below: int, above: int) -> None:
    assert group_columns(band(60, below, above)).max() + 1 == below + above + 1


@pytest.mark.parametrize(("method", "evaluations"), [("forward-1", 4), ("central-2", 6)])
def test_tridiagonal_jacobian_of_ten_thousand_coordinates(method: str, evaluations: int) -> None:
    n = 10_000
    x = np.linspace(-1.0, 1.0, n)
    seen = 0

    def counted(u: Any) -> Any:
        nonlocal seen
        seen += u.shape[1]
        return TRIDIAGONAL(u)

    found = db.jacobian(counted, x, method=method, sparsity=band(n, 1, 1))
    assert found.evaluations == evaluations and found.groups.max() + 1 == 3
    assert seen == evaluations + found.checks
    exact = sparse.diags_array([-np.ones(n - 1), 3 - 4 * x, -2 * np.ones(n - 1)], offsets=[-1, 0, 1])
    tolerance = 1e-6 if method == "forward-1" else 1e-9
    assert abs(found.value - exact).max() <= tolerance * 7
    assert found.value.nnz == 3 * n - 2


@pytest.mark.parametrize("function", [TRIDIAGONAL, BANDED])
def test_detected_patterns_are_the_true_ones(function: Any) -> None:
    x = np.linspace(0.5, 1.5, 12)
    dense = db.jacobian(function, x, method="reverse").value
    pattern = detect_sparsity(function, x)
    np.testing.assert_array_equal(pattern.toarray(), dense != 0)
    found = db.jacobian(function, x, sparsity="detect")
    np.testing.assert_allclose(found.value.toarray(), dense, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(np.asarray(found), dense, rtol=1e-8, atol=1e-8)


# program, x, the coordinates that its result depends on
DEPENDS = [
    (lambda x: x[0] * x[1] + 0 * x[2], [1.0, 2.0, 3.0], {0, 1}),  # a product with a literal 0
    (lambda x: np.maximum(x[0], x[1]), [1.0, 2.0], {0, 1}),
    (lambda x: np.where(x[0] > 0, x[1], x[2]), [1.0, 2.0, 3.0], {1}),  # the branch taken
    (lambda x: np.where(x[0] > 0, x[1], x[2]), [-1.0, 2.0, 3.0], {2}),
    (lambda x: np.floor(x[0]) + np.sin(x[1]), [1.5, 2.0], {1}),
    (lambda x: np.sum(x**2), [1.0, 2.0], {0, 1}),
    (lambda x: np.matmul(np.array([[1.0, 0.0, 2.0]]), x)[0], [1.0, 1.0, 1.0], {0, 2}),
    (lambda x: np.exp(x[0]) / x[1] - x[0] ** 0.5, [1.0, 2.0], {0, 1}),
    (lambda x: np.hypot(x[0], x[1]), [1.0, 2.0], {0, 1}),
]


@pytest.mark.parametrize(("f", "x", "on"), DEPENDS, ids=range(len(DEPENDS)))
def test_index_sets(f: Any, x: Any, on: set[int]) -> None:
    _, columns, _ = IndexSetArithmetic().pattern(f, x)
    assert set(columns.tolist()) == on


def test_index_sets_of_scipy_functions() -> None:
    special = pytest.importorskip("scipy.special")
    _, columns, _ = IndexSetArithmetic().pattern(
        lambda x: special.erf(x[0]) + special.jv(1, x[2]), [1.0, 2.0, 3.0]
    )
    assert set(columns.tolist()) == {0, 2}


# patterns that do not match ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["forward-1", "central-2", "central-4"])
@pytest.mark.parametrize("fmt", ["float32", "float64"])
def test_an_incomplete_pattern_is_detected(method: str, fmt: str) -> None:
    x = np.linspace(0.5, 1.5, 40)
    whole = band(40, 1, 1)
    db.jacobian(TRIDIAGONAL, x, method=method, sparsity=whole, format=fmt)
    for missing in ((3, 2), (20, 21), (39, 39)):
        lacking = whole.toarray()
        lacking[missing] = False
        with pytest.raises(UserError, match=f"output {missing[0]} "):
            db.jacobian(TRIDIAGONAL, x, method=method, sparsity=lacking, format=fmt)
    with pytest.raises(UserError, match="does not match"):
        db.jacobian(TRIDIAGONAL, x, method=method, sparsity=band(40, 0, 0), format=fmt)


BAD = [
    (np.ones((40, 39)), r"shape \(40, 39\), expected \(outputs, 40\)"),
    (np.ones((39, 40)), r"shape \(39, 40\), expected \(40, 40\)"),
    ("guess", '"detect"'),
    (np.ones(40), r"shape \(40,\)"),
]


@pytest.mark.parametrize(("pattern", "said"), BAD, ids=range(len(BAD)))
def test_bad_patterns(pattern: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        db.jacobian(TRIDIAGONAL, np.linspace(0.5, 1.5, 40), sparsity=pattern)


def test_what_does_not_go_with_a_pattern() -> None:
    x, pattern = np.linspace(0.5, 1.5, 5), band(5, 1, 1)
    for options in ({"method": "reverse"}, {"bounds": (0, 2)}, {"method": "central-2@pnd-kink"}):
        with pytest.raises(UserError):
            db.jacobian(TRIDIAGONAL, x, sparsity=pattern, **options)
    with pytest.raises(UserError, match="one point"):
        db.jacobian(TRIDIAGONAL, np.ones((5, 2)), sparsity=pattern)
