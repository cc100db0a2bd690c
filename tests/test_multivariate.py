"""Gradients, Jacobians, Hessians, directional and mixed derivatives: values, counts, shapes, bad input."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.errors import RefusedError, UnknownNameError, UserError
from diffbench.multivariate.evaluator import BLOCK_BYTES


def rosenbrock(x: Any) -> Any:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def sphere(x: Any) -> Any:
    return np.sum(x**2, axis=0)


def waves(x: Any) -> Any:
    """Two outputs for any n."""
    return np.stack([np.sum(np.sin(x), axis=0), np.prod(np.cos(x), axis=0)])


AT = np.array([-1.2, 1.0])
GRADIENT = np.array([-215.6, -88.0])
HESSIAN = np.array([[1330.0, 480.0], [480.0, 200.0]])

# method, evaluations, relative tolerance: truncation and rounding at the default step, with room for 10
GRADIENTS = [
    ("forward-1", 3, 1e-6),  # sqrt(eps) times f''/f'
    ("backward-1", 3, 1e-6),
    ("central-2", 4, 1e-8),
    ("central-4", 8, 1e-11),
    ("central-6", 12, 1e-12),
    ("forward-2", 5, 1e-7),
    ("complex-step", 2, 1e-15),
    ("jet", 2, 1e-15),
    ("reverse", 1, 1e-15),
]


@pytest.mark.parametrize(("method", "evaluations", "tolerance"), GRADIENTS)
def test_gradient(method: str, evaluations: int, tolerance: float) -> None:
    found = db.gradient(rosenbrock, AT, method=method)
    np.testing.assert_allclose(found.value, GRADIENT, rtol=tolerance)
    assert found.evaluations == evaluations
    assert found.status == "ok" and np.all(found.statuses == "ok")
    assert found.value.dtype == np.float64


# the evaluations of jets and reverse mode are directions and passes of one run, not points
CALLED = [(method, evaluations) for method, evaluations, _ in GRADIENTS if method not in ("jet", "reverse")]


@pytest.mark.parametrize(("method", "evaluations"), CALLED)
def test_the_function_is_called_as_often_as_it_says(method: str, evaluations: int) -> None:
    seen = 0

    def counted(x: Any) -> Any:
        nonlocal seen
        seen += x.shape[1]
        return rosenbrock(x)

    found = db.gradient(counted, AT, method=method)
    assert seen == found.evaluations + found.checks
    seen = 0
    assert db.gradient(counted, AT, method=method, check=False).checks == 0
    assert seen == evaluations


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_counts_grow_as_the_textbook_says(n: int) -> None:
    x = np.linspace(0.5, 1.5, n)
    counts = {m: db.gradient(sphere, x, method=m).evaluations for m in ("forward-1", "central-2", "reverse")}
    assert counts == {"forward-1": n + 1, "central-2": 2 * n, "reverse": 1}
    assert db.hessian(sphere, x).evaluations == 2 * n * n + 1


@pytest.mark.parametrize("method", ["central-2", "forward-1", "complex-step", "jet", "reverse"])
def test_a_batch_is_its_points(method: str) -> None:
    x = np.random.default_rng(1).normal(size=(3, 4, 2))
    found = db.gradient(sphere, x, method=method)
    assert found.value.shape == x.shape
    for index in np.ndindex(4, 2):
        alone = db.gradient(sphere, x[:, *index], method=method)
        np.testing.assert_array_equal(found.value[:, *index], alone.value)


@pytest.mark.parametrize("fmt", ["float16", "bfloat16", "float32", "float64", "longdouble"])
@pytest.mark.parametrize("method", ["central-2", "jet", "reverse"])
def test_formats(fmt: str, method: str) -> None:
    info = db.formats()[fmt]
    found = db.gradient(rosenbrock, np.array([0.5, 0.75]), method=method, format=fmt)
    assert found.value.dtype == info.dtype
    # the default step leaves eps**(2/3) of f''' and of f/f'; rounding in f of an exact method: some u
    tolerance = 60 * info.eps ** (2 / 3) if method == "central-2" else 60 * info.u
    np.testing.assert_allclose(found.value.astype(float), [-101.0, 100.0], rtol=tolerance)


# Jacobians ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["central-2", "complex-step", "jet", "reverse"])
def test_jacobian(method: str) -> None:
    x = np.array([0.3, -0.7, 1.1])
    expected = np.stack([np.cos(x), -np.prod(np.cos(x)) * np.tan(x)])
    found = db.jacobian(waves, x, method=method)
    np.testing.assert_allclose(found.value, expected, rtol=1e-9)
    batch = db.jacobian(waves, np.stack([x, 2 * x], axis=1), method=method)
    assert batch.value.shape == (2, 3, 2)
    np.testing.assert_array_equal(batch.value[..., 0], found.value)


def test_outputs_of_any_shape() -> None:
    def outer(x: Any) -> Any:
        return x[:, None] * x[None, :]

    x = np.array([2.0, 3.0])
    for method in ("central-2", "jet", "reverse", "complex-step"):
        found = db.jacobian(outer, x, method=method).value
        assert found.shape == (2, 2, 2)
        np.testing.assert_allclose(found[0, 1], [3.0, 2.0], rtol=1e-9)
    listed = db.jacobian(lambda x: [x[0] * x[1], np.sin(x[0])], x)
    np.testing.assert_allclose(listed.value, [[3.0, 2.0], [np.cos(2.0), 0.0]], rtol=1e-9, atol=1e-12)


# Hessians and mixed derivatives ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "tolerance"),
    [("central-2", 1e-6), ("central-4", 1e-9), ("forward-1", 1e-3), ("jet", 1e-14), ("reverse", 1e-15)],
)
def test_hessian(method: str, tolerance: float) -> None:
    found = db.hessian(rosenbrock, AT, method=method)
    np.testing.assert_allclose(found.value, HESSIAN, rtol=tolerance)
    batch = db.hessian(rosenbrock, np.stack([AT, AT + 1], axis=1), method=method)
    np.testing.assert_array_equal(batch.value[..., 0], found.value)


@given(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1))
@settings(max_examples=20, deadline=None)
def test_partial_of_a_product(a: int, b: int, c: int) -> None:
    """d^(a+b+c) of exp(x) sin(2y) (1 + z): the product of three derivatives."""

    def f(x: Any) -> Any:
        return np.exp(x[0]) * np.sin(2 * x[1]) * (1 + x[2])

    if not a + b + c:
        return
    x = np.array([0.5, 0.25, 2.0])
    sines = [np.sin(0.5), 2 * np.cos(0.5), -4 * np.sin(0.5)]
    truth = np.exp(0.5) * sines[b] * (3.0 if c == 0 else 1.0)
    for method in ("reverse", "jet"):
        assert float(db.partial(f, x, (a, b, c), method=method)) == pytest.approx(truth, rel=1e-14)
    if a + b + c == 1:
        assert float(db.partial(f, x, (a, b, c), method="complex-step")) == pytest.approx(truth, rel=1e-14)
    # eps**(p/(m+p)) is what the default step leaves
    assert float(db.partial(f, x, (a, b, c), method="central-4")) == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("name", ["float16", "float32", "longdouble"])
def test_jets_over_jets_stay_in_their_format(name: str) -> None:
    """d^3 f / dx^2 dy of exp(x y) + x^2 y, a batch of two points: roundings of the format, no truncation."""
    fmt = get_format(name)
    x = fmt.round(np.array([[0.5, 0.75], [1.0, 0.25]]))
    found = db.partial(lambda x: np.exp(x[0] * x[1]) + x[0] ** 2 * x[1], x, (2, 1), method="jet")
    a, b = x.astype(np.longdouble)
    truth = np.exp(a * b) * (2 * b + a * b**2) + 2
    assert found.value.dtype == fmt.dtype and found.evaluations == 1
    np.testing.assert_allclose(found.value.astype(np.longdouble), truth, rtol=float(20 * fmt.u))
    root = db.partial(lambda x: np.sqrt(x[0]) * x[1], [0.0, 1.0], (1, 1), method="jet")
    assert root.status != "ok" and root.message


def test_partial_agrees_with_the_hessian() -> None:
    for orders, expected in (((2, 0), 1330.0), ((1, 1), 480.0), ((0, 2), 200.0)):
        assert float(db.partial(rosenbrock, AT, orders)) == pytest.approx(expected, rel=1e-6)


# directions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "tolerance"),
    [
        *(("central-2", 1e-8), ("forward-1", 1e-5), ("central-4", 1e-11)),
        *(("jet", 1e-15), ("reverse", 1e-15), ("complex-step", 1e-15)),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e8])
def test_directional_derivative_whatever_the_length_of_v(method: str, tolerance: float, scale: float) -> None:
    found = db.directional(rosenbrock, AT, np.array([1.0, 2.0]) * scale, method=method)
    assert float(found) == pytest.approx(-391.6 * scale, rel=tolerance)


def test_one_complex_step_along_a_direction_is_one_evaluation() -> None:
    v = np.array([1.0, 0.5, -2.0])
    x = np.array([[0.3, 1.3], [-0.7, 0.2], [1.1, 0.1]])
    found = db.directional(waves, x, v, method="complex-step")
    assert found.evaluations == 1 and found.value.shape == (2, 2)
    full = db.jacobian(waves, x, method="reverse").value
    np.testing.assert_allclose(found.value, np.einsum("mnp,n->mp", full, v), rtol=1e-14)
    for size in (1e-300, 1e300):
        tiny = db.directional(lambda x: x[0] + x[1], [1.0, 2.0], [size, size], method="complex-step")
        assert float(tiny) == pytest.approx(2 * size, rel=1e-15)


def test_second_derivative_along_a_direction() -> None:
    v = np.array([1.0, 2.0])
    for method in ("central-4", "jet"):
        found = db.directional(rosenbrock, AT, v, derivative=2, method=method)
        assert float(found) == pytest.approx(v @ HESSIAN @ v, rel=1e-8)


def test_directional_of_outputs_and_batches() -> None:
    x = np.array([[0.3, 1.3], [-0.7, 0.2], [1.1, 0.1]])
    v = np.array([1.0, -1.0, 0.5])
    full = db.jacobian(waves, x).value
    found = db.directional(waves, x, v)
    assert found.value.shape == (2, 2)
    np.testing.assert_allclose(found.value, np.einsum("mnp,n->mp", full, v), rtol=1e-7)


# steps and bounds ------------------------------------------------------------------------------------------


def test_a_step_for_each_coordinate() -> None:
    h = np.array([2.0**-10, 2.0**-12])
    found = db.gradient(rosenbrock, AT, step=h)
    np.testing.assert_array_equal(found.h, h)
    by_hand = (rosenbrock(AT + [h[0], 0]) - rosenbrock(AT - [h[0], 0])) / (2 * h[0])
    assert found.value[0] == by_hand
    badly_scaled = db.gradient(lambda x: x[0] ** 2 + (x[1] / 1e6) ** 2, [1.0, 1e6])
    assert badly_scaled.h[1] > 1e5 * badly_scaled.h[0]


@pytest.mark.parametrize("rule", ["eps-scaled", "1e-4", "2^-16", "eps-relative", "nash", "dyadic"])
def test_a_rule_is_asked_for_every_coordinate(rule: str) -> None:
    x = np.array([-1.2, 1000.0])
    found = db.gradient(rosenbrock, x, method=f"central-2@{rule}")
    alone = [
        db.derivative(
            lambda t, i=i: rosenbrock([t if j == i else x[j] for j in range(2)]),
            x[i],
            method=f"central-2@{rule}",
        )
        for i in range(2)
    ]
    np.testing.assert_array_equal(found.h, [float(one.h) for one in alone])
    np.testing.assert_array_equal(found.value, [float(one) for one in alone])
    assert found.evaluations == 4


@pytest.mark.parametrize(
    "method", ["central-2@dumontet-vignes", "forward-1@gill-murray", "central-2@stepleman-winarsky"]
)
def test_a_selector_looks_along_each_coordinate(method: str) -> None:
    def f(x: Any) -> Any:
        return np.exp(x[0]) * np.sin(x[1])

    x = np.array([0.5, 0.75])
    exact = np.exp(0.5) * np.array([np.sin(0.75), np.cos(0.75)])
    found = db.gradient(f, x, method=method)
    np.testing.assert_allclose(found.value, exact, rtol=1e-5)
    assert found.evaluations > 4 and found.h.shape == (2,)
    along = db.directional(f, x, [1.0, 2.0], method=method)
    assert float(along) == pytest.approx(exact @ [1.0, 2.0], rel=1e-5)


SELECTORS = ["central-2@dumontet-vignes", "forward-1@gill-murray", "central-2@pnd-kink"]


@pytest.mark.parametrize("method", SELECTORS)
def test_a_selector_for_several_outputs_takes_the_middle_of_their_steps(method: str) -> None:
    """One step for each coordinate; the values of a node are shared by the outputs, and counted once."""
    parts = (
        lambda x: np.exp(x[0]) * np.sin(x[1]),
        lambda x: x[1] ** 3 + np.exp(4 * x[1]),  # does not depend on x[0]: no say in its step
        lambda x: np.cos(100 * x[0]) * x[1],
    )
    seen = set()

    def watched(x: Any) -> Any:
        seen.update(map(tuple, np.asarray(x).T.tolist()))
        return np.stack([part(x) for part in parts])

    x = np.array([0.5, 0.75])
    found = db.jacobian(watched, x, method=method, check=False, opaque=True)
    exact = db.jacobian(lambda x: [part(x) for part in parts], x, method="reverse").value
    error = np.abs(found.value - exact)
    assert (error <= 1e-5 * np.abs(exact)).all() and (found.statuses == "ok").all()
    alone = [db.gradient(part, x, method=method) for part in parts]
    steps = np.array(
        [[h if s == "ok" else np.nan for h, s in zip(a.h, a.statuses, strict=True)] for a in alone], float
    )
    steps[1, 0] = np.nan
    middle = np.sqrt(np.nanmin(steps, axis=0) * np.nanmax(steps, axis=0))
    np.testing.assert_allclose(found.h.astype(float), middle, rtol=0.5)
    # what selectors and stencil asked for, nodes of the stencil apart from those of the selectors
    assert len(seen) <= found.evaluations <= len(seen) + 8


def test_selectors_stay_within_bounds() -> None:
    def strict(x: Any) -> Any:
        assert np.all((x >= 0) & (x <= 2)), "evaluated outside the bounds"
        return np.stack([np.sqrt(x[0] + 1) * np.exp(x[1]), np.exp(x[0] * x[1])])

    for f in (strict, lambda x: strict(x)[0]):
        run = db.jacobian if f is strict else db.gradient
        found = run(f, [1.0, 1.5], method="central-2@dumontet-vignes", bounds=(0, 2), check=False)
        exact = run(f, [1.0, 1.5], method="reverse").value
        np.testing.assert_allclose(found.value, exact, rtol=1e-7)


def test_selectors_along_a_direction_of_several_outputs() -> None:
    x, v = np.array([0.5, -0.25, 1.0]), np.array([1.0, 2.0, 0.0])
    found = db.directional(waves, x, v, method="central-2@dumontet-vignes")
    np.testing.assert_allclose(found.value, db.directional(waves, x, v, method="jet").value, rtol=1e-8)


def test_a_selector_without_a_step_says_so_for_its_coordinate() -> None:
    """Dumontet and Vignes need a third derivative; this function is quadratic in its second variable."""
    found = db.gradient(rosenbrock, AT, method="central-2@dumontet-vignes")
    assert found.statuses[0] == "ok" and found.statuses[1] != "ok" and found.message
    assert found.value[0] == pytest.approx(GRADIENT[0], rel=1e-6)


def test_auto_bounds_the_error_of_each_component() -> None:
    found = db.gradient(rosenbrock, AT)
    assert np.all(np.abs(found.value - GRADIENT) <= found.error)
    assert np.all(found.error < 1e-9) and found.status == "ok"
    with pytest.raises(UserError, match="mixes the points"):
        db.gradient(lambda x: np.sum((x - np.mean(x)) ** 2, axis=0), AT, method="auto")
    with pytest.raises(UserError, match="one output"):
        db.jacobian(waves, AT, method="auto")
    with pytest.raises(UserError, match="stencil"):
        db.hessian(rosenbrock, AT, method="auto")


def test_blocks_after_the_first_run_plainly_only_where_that_is_the_same() -> None:
    """Strict float32 rounds the float64 table first, plain NumPy would compute in float64."""
    table = np.linspace(0.1, 0.9, 400)

    def weighted(x: Any) -> Any:
        return np.sum(table[:, None] * x**2, axis=0)

    x = np.linspace(0.5, 1.5, 400, dtype=np.float32)
    many = db.gradient(weighted, x, block=40_000)
    one = db.gradient(weighted, x, block=2**30)
    np.testing.assert_array_equal(many.value, one.value)
    assert many.checks == one.checks + 1


def test_a_stencil_at_a_bound_becomes_one_sided_and_says_so() -> None:
    def f(x: Any) -> Any:
        return np.sqrt(x[0]) * x[1] + np.sqrt(5 - x[2]) + x[3]

    def strict(x: Any) -> Any:
        assert np.all((x >= 0) & (x <= 5)), "evaluated outside the bounds"
        return f(x)

    x = np.array([1e-9, 2.0, 5 - 1e-9, 0.0])
    found = db.gradient(strict, x, bounds=(0, 5), step=2.0**-40, check=False)
    assert found.stencils.tolist() == ["central-2"] * 3 + ["forward-2"]  # 1e-9 is 1000 steps away
    found = db.gradient(strict, [0.0, 2.0, 5.0, 5.0], method="central-2", bounds=(0, 5), check=False)
    assert found.stencils.tolist() == ["forward-2", "central-2", "backward-2", "backward-2"]
    assert "x[0]: forward-2" in found.note and "x[2]: backward-2" in found.note
    assert found.evaluations == 2 + 3 * 2 + 1  # f(x) is shared
    squeezed = db.gradient(strict, np.ones(4), method="central-2", bounds=(1.0, 1.0 + 1e-9), check=False)
    assert "lack of room" in squeezed.note
    np.testing.assert_allclose(squeezed.value, [0.5, 1.0, -0.25, 1.0], rtol=1e-4)  # u / 1e-9, amplified by 4
    hessian = db.hessian(lambda x: x[0] ** 2 * x[1], [0.0, 1.0], bounds=(0, None))
    np.testing.assert_allclose(hessian.value, [[2.0, 0.0], [0.0, 0.0]], atol=1e-4)  # eps**(1/2) and room


# evaluation in blocks ---------------------------------------------------------------------------------------


def test_memory_is_bounded_by_the_block() -> None:
    largest = 0

    def watched(x: Any) -> Any:
        nonlocal largest
        largest = max(largest, x.size * 8)
        return sphere(x)

    x = np.linspace(0.5, 1.5, 1000)
    whole = db.gradient(watched, x, method="central-2")
    assert largest <= BLOCK_BYTES
    for block in (1, 8000, 100_000):
        largest = 0
        np.testing.assert_array_equal(
            db.gradient(watched, x, block=block, method="central-2").value, whole.value
        )
        assert largest <= max(block, 2 * 8000)  # the check has two points


def test_one_point_at_a_time_on_request() -> None:
    def alone(x: Any) -> Any:
        total = 0.0
        for i in range(x.shape[0]):
            total = total + x[i] * x[i] if x[i] > 0 else total - x[i]
        return total

    found = db.gradient(alone, [3.0, -4.0], vectorized=False)
    np.testing.assert_allclose(found.value, [6.0, -1.0], rtol=1e-9)
    with pytest.raises(RefusedError, match="vectorized=False"):
        db.gradient(alone, [3.0, -4.0])


def test_a_function_may_write_into_its_argument() -> None:
    def overwrites(x: Any) -> Any:
        x[0] = x[0] * 2
        return x[0] * x[1]

    np.testing.assert_allclose(db.gradient(overwrites, [3.0, 4.0]).value, [8.0, 6.0], rtol=1e-9)


def test_plain_arrays_for_other_peoples_code() -> None:
    def opaque(x: Any) -> Any:
        assert type(x) is np.ndarray
        return np.linalg.norm(x, axis=0)

    np.testing.assert_allclose(db.gradient(opaque, [3.0, 4.0], opaque=True).value, [0.6, 0.8], rtol=1e-9)
    with pytest.raises(UserError, match="float64 for x of float32"):
        db.gradient(lambda x: np.sum(x.astype(float), axis=0), [3.0], opaque=True, format="float32")


def test_any_method_of_one_variable_works_along_each_coordinate() -> None:
    from diffbench.methods.autodiff import jet
    from diffbench.methods.method import Method
    from diffbench.multivariate import components
    from diffbench.multivariate.request import request

    found = components._by_coordinate(request(rosenbrock, AT), Method("one", jet, "autodiff"), True)
    np.testing.assert_allclose(found.value, GRADIENT, rtol=1e-14)
    assert found.value.shape == found.statuses.shape == (2,) and found.evaluations == 2


# statuses --------------------------------------------------------------------------------------------------


def test_statuses_of_each_component() -> None:
    def f(x: Any) -> Any:
        return np.sqrt(x[0]) + x[1] + np.exp(700 * x[2])

    found = db.gradient(f, [1e-9, 1.0, 1.01389], method="central-2")
    assert found.statuses.tolist() == ["domain", "ok", "overflow"]
    assert found.status == "domain" and "one-sided" in found.message
    assert np.isfinite(found.value[1])
    vanished = db.gradient(sphere, np.array([1.0, 1e9]), step=1e-9)
    assert vanished.statuses.tolist() == ["ok", "step_vanished"]
    exact = db.gradient(lambda x: np.sqrt(x[0]) + x[1], [0.0, 1.0], method="reverse")
    assert exact.statuses.tolist() == ["overflow", "ok"] and exact.message


# bad input: what is asked, and what the message must say ----------------------------------------------------

BAD = [
    (lambda: db.gradient(sphere, 1.0), "shape ()"),
    (lambda: db.gradient(sphere, np.zeros((0,))), "shape (0,)"),
    (lambda: db.gradient(sphere, np.zeros((0, 3))), "shape (0, 3)"),
    (lambda: db.gradient(sphere, [1.0, np.nan]), "x[1] is nan"),
    (lambda: db.gradient(sphere, [1.0, 1e6], format="float16"), "too large for float16"),
    (lambda: db.gradient(sphere, [1 + 2j]), "complex128"),
    (lambda: db.gradient(sphere, ["a"]), "real numbers"),
    (lambda: db.gradient(3, [1.0]), "callable"),
    (lambda: db.gradient(lambda x: np.sum(x**2), [1.0, 2.0]), "returned shape () for x of shape (2, "),
    (lambda: db.gradient(lambda x: np.sum(x, axis=-1), [1.0, 2.0]), "expected shape (1,)"),
    (
        lambda: db.gradient(lambda x: np.sum(x, axis=-1), [1.0, 2.0], check=False, method="central-2"),
        "expected shape (4,)",
    ),
    (lambda: db.gradient(sphere, [1.0, 2.0], bounds=(0, 3), method="ridders"), "kept within bounds"),
    (lambda: db.gradient(sphere, [1.0, 2.0], method="auto", step=1e-3), "no step"),
    (lambda: db.gradient(lambda x: x**2, [1.0, 2.0]), "returned shape (2, "),
    (lambda: db.gradient(lambda x: np.sum((x - np.mean(x)) ** 2, axis=0), [1.0, 2.0]), "mixes the points"),
    (lambda: db.gradient(lambda x: np.sum(x / np.max(x), axis=0), [1.0, 2.0]), "mixes the points"),
    (lambda: db.gradient(lambda x: x[5], [1.0, 2.0]), "IndexError"),
    (lambda: db.gradient(lambda x: np.matmul(np.ones((4, 3)), x), [1.0, 2.0]), "ValueError"),
    (lambda: db.gradient(sphere, [1.0, 2.0], step=[1e-3, 1e-3, 1e-3]), "shape (3,), expected (), (2,)"),
    (lambda: db.gradient(sphere, [1.0, 2.0], step=-1.0), "positive"),
    (lambda: db.gradient(sphere, [1.0, 2.0], bounds=(1.5, 3.0)), "x[0] = 1.0 lies outside"),
    (lambda: db.gradient(sphere, [1.0, 2.0], bounds=3), "a pair (low, high)"),
    (lambda: db.gradient(sphere, [1.0, 2.0], bounds=([0, 0, 0], None)), "shape (3,)"),
    (lambda: db.gradient(sphere, [1.0, 2.0], block=0), "block"),
    (lambda: db.gradient(sphere, [1.0], method="reverse", step=1e-3), "no step"),
    (lambda: db.gradient(sphere, [1.0], method="complex-step", format="float32"), "float64"),
    (lambda: db.jacobian(lambda x: np.sum(x), [1.0, 2.0]), "(*outputs, "),
    (lambda: db.directional(sphere, [1.0, 2.0], [0.0, 0.0]), "zero"),
    (lambda: db.directional(sphere, [1.0, 2.0], [[1.0, 0.0]]), "shape (1, 2), expected (2,)"),
    (lambda: db.directional(sphere, [1.0, 2.0], [1.0, np.inf]), "finite"),
    (lambda: db.directional(sphere, [1.0, 2.0], [1.0]), "expected (2,)"),
    (lambda: db.partial(sphere, [1.0, 2.0], (0, 0)), "above 0"),
    (lambda: db.partial(sphere, [1.0, 2.0], (1,)), "2 integers"),
    (lambda: db.partial(sphere, [1.0, 2.0], (1, 0.5)), "2 integers"),
    (lambda: db.hessian(sphere, [1.0], method="complex-step"), "first derivatives"),
    (lambda: db.partial(sphere, [1.0, 2.0], (1, 1), method="complex-step"), "first derivatives"),
    (lambda: db.partial(sphere, [1.0, 2.0], (1, 1), method="jet", step=1e-3), "no step"),
    (lambda: db.partial(lambda x: x, [1.0, 2.0], (1, 1), method="jet"), "expected (1,)"),
]


@pytest.mark.parametrize(("ask", "said"), BAD, ids=range(len(BAD)))
def test_bad_input_says_what_came_and_what_was_expected(ask: Any, said: str) -> None:
    with pytest.raises(UserError) as caught:
        ask()
    assert said in str(caught.value)


def test_unknown_names_are_suggested() -> None:
    with pytest.raises(UnknownNameError, match="central-2"):
        db.gradient(sphere, [1.0], method="centrl-2")
    with pytest.raises(UnknownNameError, match="eps-scaled"):
        db.gradient(sphere, [1.0], method="central-2@eps-scald")


NO_NUMBERS = [
    (lambda x: None, "returned None: is a `return` missing?"),
    (lambda x: "one", "return real numbers"),
    (lambda x: 1j * x[0], "complex128: return real numbers"),
]


@pytest.mark.parametrize(("f", "said"), NO_NUMBERS)
def test_an_opaque_function_that_returns_no_numbers(f: Any, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        db.gradient(f, [3.0, 4.0], opaque=True, vectorized=False)


def test_a_function_of_plain_numbers_is_told_how_it_can_be_called() -> None:
    def hypot(x: Any) -> Any:
        return math.hypot(x[0], x[1])

    with pytest.raises(RefusedError, match="opaque=True, vectorized=False"):
        db.gradient(hypot, [3.0, 4.0])
    found = db.gradient(hypot, [3.0, 4.0], opaque=True, vectorized=False)
    np.testing.assert_allclose(found.value, [0.6, 0.8], rtol=1e-12)
