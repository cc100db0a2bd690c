"""The tape: the textbook's walk, gradients, graphs that nest and are freed, and errors that name the operation."""

# ruff: noqa: E501  (tables: one case, one line)

from __future__ import annotations

import gc
import inspect
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.arithmetic.tape import Function, Variable, as_variable, grad, no_grad
from diffbench.arithmetic.tape.backward import propagate
from diffbench.arithmetic.tape.functions import exp, square
from diffbench.errors import RefusedError, UserError
from diffbench.reference import certify

U = 2.0**-53
FORMATS = ("float16", "bfloat16", "float32", "float64", "longdouble")


class Square(Function):
    def forward(self, x: Any) -> Any:
        return x**2

    def backward(self, gy: Any) -> Any:
        return 2 * self.input * gy


class Exp(Function):
    def forward(self, x: Any) -> Any:
        return np.exp(x)

    def backward(self, gy: Any) -> Any:  # the textbook's way, with plain arrays
        return np.exp(self.input.data) * gy


# the textbook's walk ----------------------------------------------------------------------------------------


def test_the_walk_through_creators_and_inputs() -> None:
    first, second, third = Square(), Exp(), Square()
    x = Variable(np.array(0.5))
    a = first(x)
    b = second(a)
    y = third(b)
    assert y.data == 1.648721270700128
    assert y.creator is third and y.creator.input is b
    assert y.creator.input.creator is second and b.creator.input is a
    assert a.creator is first and a.creator.input is x and x.creator is None
    assert third.output is y and third.inputs == (b,)
    assert [v.generation for v in (x, a, b, y)] == [0, 1, 2, 3]
    gb = third.backward(np.array(1.0))  # by hand
    assert float(first.backward(second.backward(gb.data)).data) == 3.297442541400256
    y.backward()
    assert x.grad == 3.297442541400256
    assert isinstance(x.grad, np.ndarray) and x.grad.shape == () and y.grad is None and b.grad is None


def test_python_functions_record_like_numpy() -> None:
    x = Variable(0.5, name="x")
    y = square(exp(square(x)))
    y.backward()
    z = Variable(0.5)
    (np.exp(z**2) ** 2).backward()
    assert x.grad == z.grad == 3.297442541400256
    assert repr(x) == "Variable(0.5, name='x')"
    assert square(3).data == 9


def test_a_variable_used_twice_adds_up_until_cleargrad() -> None:
    x = Variable(2.0)
    y = x**2 + x
    y.backward(retain_grad=True)
    assert x.grad == 5 and y.grad == 1
    (x**2 + x).backward()
    assert x.grad == 10
    x.cleargrad()
    assert x.grad is None
    (x + x + x).backward()
    assert x.grad == 3


def test_a_function_can_be_called_again() -> None:
    f, x = Square(), Variable(3.0)
    y = f(x)
    z = f(y)
    z.backward()
    assert x.grad == 4 * 27 and y.creator is f and z.creator is not f


class Halves(Function):
    """Two results of one function."""

    def forward(self, x: Any) -> Any:
        return x[::2], x[1::2]

    def backward(self, even: Any, odd: Any) -> Any:
        return np.stack([even, odd], axis=1).reshape(-1)


def test_a_result_that_is_not_used_counts_as_zero() -> None:
    x = Variable([1.0, 2.0, 3.0, 4.0])
    even, _ = Halves()(x)
    np.sum(even**2).backward()
    assert x.grad.tolist() == [2, 0, 6, 0]
    x.cleargrad()
    even, odd = Halves()(x)
    np.sum(even * odd).backward()
    assert x.grad.tolist() == [2, 1, 4, 3]


def test_a_gradient_set_by_hand_is_the_seed() -> None:
    x = Variable(np.array([1.0, 2.0]))
    y = x**2
    y.grad = np.array([1.0, 10.0])
    y.backward()
    assert x.grad.tolist() == [2, 40]
    x.cleargrad()
    (x**2).backward(np.array([0.0, 1.0]))
    assert x.grad.tolist() == [0, 4]


# every operation: reverse mode against central differences of the same program in longdouble -------------------

RNG = np.random.default_rng(3)
X = RNG.uniform(0.25, 2.0, (3, 4))
W = RNG.normal(size=(4, 2))
ROW, COLUMN = X[0].copy(), X[:, :1].copy()

OPERATIONS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("broadcast a row", lambda x: x * ROW + ROW / x),
    ("broadcast the variable", lambda x: x[0] * X + COLUMN - x[:, :1]),
    ("broadcast a number", lambda x: x[0, 0] * X),
    ("sum", lambda x: np.sum(x * x) * x),
    ("sum over an axis", lambda x: np.sum(x * x, axis=1, keepdims=True) * x),
    ("sum over axes", lambda x: np.sum(np.reshape(x, (3, 2, 2)) ** 2, axis=(0, -1))),
    ("mean", lambda x: np.mean(x**3, axis=0) * x.mean()),
    ("prod", lambda x: np.prod(x, axis=1) * x.prod()),
    ("prod with a zero", lambda x: np.prod(np.concatenate([x[0] * 0, x[1]]) + np.arange(8))),
    ("max and min", lambda x: np.max(x * x, axis=1) * x.min(axis=1) + x.max() - np.min(x)),
    ("cumsum", lambda x: np.cumsum(x * x, axis=1) * np.cumsum(x).reshape(3, 4)),
    ("diff", lambda x: np.diff(x**2, axis=0) * np.diff(x, n=2, axis=0)),
    ("matmul", lambda x: (x @ W) @ W.T * x),
    ("matmul of two variables", lambda x: x.T @ x),
    ("matrix times vector", lambda x: (x @ x[0]) @ x),
    ("stacks of matrices", lambda x: np.matmul(np.stack([x, x * x]), W) @ np.reshape(x[0], (2, 2))),
    ("dot, inner, outer, vdot", lambda x: np.dot(x[0], x[1]) * np.inner(x, x[0]) @ np.outer(x[0], x[1])[:3] * np.vdot(x, x)),
    ("a slice", lambda x: x[1:, ::2] * x[:-1, 1::2]),
    ("an index taken twice", lambda x: x[[0, 0, 2, 0]] ** 2),
    ("two index arrays", lambda x: x[[0, 0, 1], [1, 1, 2]] * x[2, 3]),
    ("a mask", lambda x: x[X > 1.0] ** 2),
    ("take, repeat, tile", lambda x: np.take(x, [1, 1, 0], axis=1) * np.repeat(x[:, :1], 3, axis=1) + np.tile(x[:, 0], (3, 1))),
    ("reshape, transpose, ravel", lambda x: (x.T.reshape(2, 6) @ x.ravel()[:6]) * np.transpose(x, (1, 0))[0, 0]),
    ("axes", lambda x: np.swapaxes(x, 0, 1) @ np.squeeze(np.expand_dims(x, 0)) + np.moveaxis(x, 0, 1)[:, :1]),
    ("flip, roll, rot90", lambda x: np.flip(x, 1) * np.roll(x, 2) + np.rot90(x, 2)),
    ("concatenate and stack", lambda x: np.concatenate([x, X, x[:1] * 2]) * np.vstack([x, x, x[0]]) + np.hstack([x[:, :1]] * 4)[0]),
    ("split", lambda x: np.split(x, 2, axis=1)[0] * np.split(x, 2, axis=1)[1]),
    ("broadcast_to and broadcast_arrays", lambda x: np.broadcast_to(x[0], (3, 4)) * np.broadcast_arrays(x[:, :1], x)[0]),
    ("where", lambda x: np.where(X > 1.0, x**2, 3 * x[0])),
    ("select and clip", lambda x: np.select([X < 0.8, X < 1.2], [x, x**2], 1.0) * np.clip(x, 0.6, 1.4)),
    ("piecewise", lambda x: np.piecewise(x, [X < 0.8, X < 0.5], [lambda v: v**2, lambda v: np.sin(v), 2.0])),
    ("maximum of two", lambda x: np.maximum(x, x[::-1] * 1.5) * np.minimum(x, 1.3)),
    ("sinc on both sides of its switch", lambda x: np.sinc(x / 3)),
    ("polyval", lambda x: np.polyval([1.0, -2.0, 0.5], x)),
    ("an array of scalars", lambda x: np.array([x[0, 0] * x[1, 1], x[2, 2] ** 2, 1.0])),
    ("softmax cross-entropy", lambda x: np.log(np.sum(np.exp(x - x.max(axis=1, keepdims=True)), axis=1)) - x[:, 0]),
    ("append, atleast", lambda x: np.append(x[0], x[1]) * np.atleast_1d(x[0, 0])),
)  # fmt: skip
SHAPED = dict(OPERATIONS)


def slope(f: Callable[[Any], Any], x: Any, direction: Any) -> Any:
    """f'(x) direction by a central difference of high order, in longdouble."""
    h = np.longdouble(2.0) ** -10
    steps = [(3, np.longdouble(1) / 60), (2, -np.longdouble(3) / 20), (1, np.longdouble(3) / 4)]
    wide, way = x.astype(np.longdouble), direction.astype(np.longdouble)
    return sum(w * (f(wide + s * h * way) - f(wide - s * h * way)) for s, w in steps) / h


@pytest.mark.parametrize("name", SHAPED)
def test_the_gradient_of_every_operation(name: str) -> None:
    f = SHAPED[name]
    plain = f(X) if name != "an array of scalars" else np.array([X[0, 0] * X[1, 1], X[2, 2] ** 2, 1.0])
    rng = np.random.default_rng(5)
    seed = rng.normal(size=plain.shape)
    x = Variable(X)
    y = as_variable(f(x), x.arithmetic)
    assert np.allclose(y.data, plain, rtol=4 * U * 8, atol=0 if name != "diff" else 1e-12)
    y.backward(seed)
    direction = rng.normal(size=X.shape)
    expected = np.sum(slope(f, X, direction) * seed)
    assert np.sum(x.grad * direction) == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", SHAPED)
def test_the_gradient_of_every_operation_has_a_gradient(name: str) -> None:
    """Reverse over reverse: the gradient of a weighted sum, differentiated along a direction."""
    f, direction = SHAPED[name], np.random.default_rng(5).normal(size=X.shape)

    def weighted(x: Any) -> Any:
        value = f(x)
        value = as_variable(value) if isinstance(value, np.ndarray) and value.dtype == object else value
        return np.sum(value * np.sin(1.0 + np.arange(np.size(value)).reshape(np.shape(value))))

    second = grad(lambda x: np.sum(grad(weighted)(x) * direction))(X)
    h = 2.0**-12
    expected = (grad(weighted)(X + h * direction) - grad(weighted)(X - h * direction)) / (2 * h)
    assert second.shape == X.shape
    assert np.allclose(second, expected, rtol=1e-5, atol=1e-5 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", [n for n in SHAPED if n not in ("an array of scalars",)])
def test_no_gradient_changes_its_format(name: str, format_name: str) -> None:
    fmt = get_format(format_name)
    x = Variable(fmt.round(X))
    y = SHAPED[name](x)
    y.backward(np.ones_like(y.data), retain_grad=True)
    assert x.grad.dtype == fmt.dtype and x.grad.shape == x.shape
    assert np.isfinite(x.grad).all()
    truth = Variable(fmt.round(X).astype(np.longdouble))
    SHAPED[name](truth).backward(np.ones(y.shape, np.longdouble))
    gap = np.abs(x.grad.astype(np.longdouble) - truth.grad)
    assert gap.max() <= 60 * fmt.eps * (1 + np.abs(truth.grad).max())


def test_equal_largest_elements_share_the_gradient() -> None:
    x = Variable([1.0, 3.0, 3.0, 3.0])
    np.max(x).backward()
    assert x.grad.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])


# graphs that nest ---------------------------------------------------------------------------------------------


def subject(x: Any) -> Any:
    return np.exp(np.sin(x)) * x**2 + 0.1 * x


def test_reverse_over_reverse_up_to_the_third_derivative() -> None:
    derivative = subject
    truths = certify(subject, 0.75, 3, checked=[])
    for k in (1, 2, 3):
        derivative = grad(derivative)
        assert abs(float(derivative(0.75)) - float(truths[k])) <= 8 * U * abs(float(truths[k]))


def test_backward_with_create_graph_can_be_repeated() -> None:
    x = Variable(2.0)
    y = x**4 - 2 * x**2
    y.backward(create_graph=True)
    first = x.grad
    assert isinstance(first, Variable) and first.data == 24
    x.cleargrad()
    first.backward(create_graph=True)
    second = x.grad
    assert second.data == 44
    x.cleargrad()
    second.backward()
    assert x.grad == 48


def test_a_function_of_ones_own_nests_if_it_uses_variables() -> None:
    def f(x: Any) -> Any:
        return Square()(np.sin(x)) if isinstance(x, Variable) else np.sin(x) ** 2

    assert grad(grad(f))(0.5) == pytest.approx(2 * np.cos(1.0), rel=1e-14)


def test_inner_and_outer_derivatives_are_told_apart() -> None:
    """d/dx [x d/dy (x + y)] = 1: the classical case of perturbation confusion (Siskind and Pearlmutter, 2005)."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6
    assert grad(lambda x: grad(lambda y: x * y**2)(x) + x**2)(3.0) == 18


def test_grad_gives_plain_numbers_for_plain_numbers() -> None:
    g = grad(lambda x: np.sum(x**2))
    assert isinstance(g(3), np.float64) and g(3) == 6
    assert g(np.array([1, 2])).tolist() == [2, 4] and g(np.array([1, 2])).dtype == np.float64
    assert g(np.float32(1.5)).dtype == np.float32
    assert g(np.array([1.5], np.float16)).dtype == np.float16
    assert isinstance(g(Variable(3.0)), Variable)
    assert grad(lambda x: 2.5)(1.0) == 0
    assert grad(lambda x, a, power=1: a * x**power)(2.0, 3.0, power=2) == 12
    assert db.grad is grad and db.Variable is Variable and db.Function is Function and db.no_grad is no_grad


def test_no_grad_records_nothing() -> None:
    x = Variable(2.0)
    with no_grad():
        y = x**2
        assert grad(lambda v: v**3)(2.0) == 12, "a gradient that is asked for is still computed"
    assert y.creator is None and y.data == 4
    assert (x**2).creator is not None
    with pytest.raises(RuntimeError), no_grad():
        raise RuntimeError
    assert (x**2).creator is not None


# memory -----------------------------------------------------------------------------------------------------


def chain(x: Any, count: int) -> Any:
    y = x
    for i in range(count):
        y = y * 0.999 if i % 2 else np.sin(y)
    return y


def test_a_chain_of_100_000_operations_forward_backward_and_freed() -> None:
    x = Variable(0.5)
    y = chain(x, 100_000)
    assert y.generation == 100_000
    y.backward()
    assert np.isfinite(x.grad) and x.grad > 0
    last = weakref.ref(y)
    del y  # a chain of a hundred thousand creators goes at once, without recursion
    assert last() is None


def test_the_memory_of_a_chain_is_linear() -> None:
    sizes = []
    for count in (2_000, 4_000, 8_000):
        tracemalloc.start()
        x = Variable(0.5)
        y = chain(x, count)
        y.backward()
        sizes.append(tracemalloc.get_traced_memory()[1] / count)
        tracemalloc.stop()
        del x, y
    assert max(sizes) < 1.2 * min(sizes)
    assert max(sizes) < 2000, "bytes per operation"


def test_a_graph_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x = Variable(np.ones(3))
        a = np.exp(x) * x
        b = np.sum(a + Square()(a))
        watched = [weakref.ref(v) for v in (a, b, a.creator, b.creator)]
        b.backward(create_graph=True)
        x.cleargrad()
        del a, b
        assert [w() for w in watched] == [None] * 4
        grad(subject)(1.0)
    finally:
        gc.enable()
    assert gc.collect() == 0, "no cycle was left"


# bad input ----------------------------------------------------------------------------------------------------


class Wrong(Function):
    """Returns what it is told to."""

    def __init__(self, forward: Any = None, backward: Any = None) -> None:
        self._forward, self._backward = forward, backward

    def forward(self, *xs: Any) -> Any:
        return xs[0] if self._forward is None else self._forward(*xs)

    def backward(self, gy: Any) -> Any:
        return self._backward(gy)


def assign(x: Any) -> Any:
    x[0] = 1.0


def add_in_place(x: Any) -> Any:
    y = np.zeros(2)
    y += x


V = np.array([1.0, 2.0])
BAD: tuple[tuple[str, Callable[[Any], Any], str], ...] = (
    ("no seed", lambda x: (x * 2).backward(), r"shape \(2,\) needs a seed"),
    ("a seed of another shape", lambda x: (x * 2).backward(np.ones(3)), r"gradient of a variable of shape \(2,\) cannot have shape \(3,\)"),
    ("a seed of another format", lambda x: (x * 2).backward(np.ones(2, np.float32)), r"of float64 cannot be float32"),
    ("a seed that is not finite", lambda x: (x * 2).backward(np.array([1.0, np.inf])), "not finite"),
    ("a gradient of another shape", lambda x: setattr(x, "grad", np.ones(3)), r"cannot have shape \(3,\)"),
    ("a gradient of integers", lambda x: setattr(x, "grad", np.array([1, 2])), "cannot be int64"),
    ("data of another format", lambda x: setattr(x, "data", np.ones(2, np.float32)), "data of .* cannot be float32"),
    ("an assignment", assign, r"x\[\.\.\.\] = value: build the result instead"),
    ("an assignment to a plain array", add_in_place, "out=: assign the result"),
    ("an unsupported function", lambda x: np.linalg.norm(x), r"tape \(float64\) cannot run np\.linalg\.norm"),
    ("an unsupported ufunc", lambda x: np.spacing(x), r"cannot run np\.spacing"),
    ("two formats", lambda x: x + Variable(np.ones(2, np.float32)), r"tape \(float32\) met one of tape \(float64\)"),
    ("a backward with too many results", lambda x: np.sum(Wrong(None, lambda g: (g, g))(x)).backward(), "Wrong.backward returned 2 gradients for 1 input"),
    ("a backward of another shape", lambda x: np.sum(Wrong(None, lambda g: g[:1])(x)).backward(), r"Wrong.backward returned shape \(1,\)"),
    ("a backward of another format", lambda x: np.sum(Wrong(None, lambda g: g.astype(np.float32))(x)).backward(), "Wrong.backward returned float32 for an input of float64"),
    ("a forward of another format", lambda x: Wrong(lambda v: v.astype(np.float32))(x), "Wrong.forward returned float32 for float64"),
    ("a forward that returns a variable", lambda x: Wrong(lambda v: x)(x), "Wrong.forward gets plain arrays"),
    ("no forward", lambda x: Function()(x), "Function needs a method forward"),
    ("an infinite gradient", lambda x: np.sum(np.sqrt(x * 0)).backward(), r"gradient of np\.sqrt is inf"),
    ("an infinite value", lambda x: np.sum(np.exp(x * 1000)).backward(), r"np\.exp gave inf"),
    ("a branch that is not chosen", lambda x: np.sum(np.where(x > 1.5, np.sqrt(x - 1.5), 0.0)).backward(), r"np\.sqrt gave nan .*guard the argument"),
    ("integers too large", lambda x: Variable(2**53 + 1), "integers that float64 cannot"),
    ("complex data", lambda x: Variable(1j), "no format is stored in dtype complex128"),
    ("text", lambda x: Variable("a"), "no format"),
    ("grad of an array", lambda x: grad(lambda v: v**2)(V), r"one number as result, not shape \(2,\)"),
    ("grad of a list", lambda x: grad(lambda v: [v, v])(1.0), "returned a plain list"),
    ("grad of nothing", lambda x: grad(3), "must be callable"),
)  # fmt: skip


@pytest.mark.parametrize(("run", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_an_error_that_names_the_operation(run: Callable[[Any], Any], message: str) -> None:
    with (
        np.errstate(all="ignore"),
        pytest.raises((UserError, RefusedError, NotImplementedError), match=message),
    ):
        run(Variable(V))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_no_warning_of_numpy_comes_before_the_error(dtype: Any) -> None:
    for f in (np.log, lambda x: 1 / x, lambda x: np.mean(np.log(np.stack([x, x])))):
        with pytest.raises(UserError, match=r"gave -?inf for finite input"):
            grad(f)(dtype(0))


def test_infinities_pass_when_asked_to() -> None:
    x = Variable(0.0)
    np.sqrt(x).backward(finite=False)
    assert np.isinf(x.grad)


def test_integers_become_float64_on_purpose() -> None:
    for data in (3, np.array(3), np.array([1, 2], np.int8), True):
        assert Variable(data).data.dtype == np.float64
    x = Variable(3)
    (x**2).backward()
    assert x.grad == 6
    assert Variable(np.float16(3)).data.dtype == np.float16


def test_the_walk_is_short_and_has_nothing_numerical_in_it() -> None:
    lines = [line for line in inspect.getsource(propagate).splitlines() if line.strip()]
    body = lines[next(i for i, line in enumerate(lines) if "found: Gradients" in line) :]
    assert len(body) <= 22 and "np." not in "".join(body)


# laws ---------------------------------------------------------------------------------------------------------

points = st.floats(-2, 2)
weights = st.floats(-3, 3)
FUNCTIONS = {"sin": np.sin, "exp": np.exp, "square": np.square, "tanh": np.tanh, "arctan": np.arctan}
names = st.sampled_from(sorted(FUNCTIONS))


def close(a: Any, b: Any, scale: float) -> bool:
    return bool(abs(a - b) <= 1e-13 * max(1.0, scale))


@given(points, weights, weights, names, names)
def test_linearity(x: float, a: float, b: float, f: str, g: str) -> None:
    p, q = FUNCTIONS[f], FUNCTIONS[g]
    both = grad(lambda v: a * p(v) + b * q(v))(x)
    assert close(both, a * grad(p)(x) + b * grad(q)(x), 30)


@given(points, names, names)
def test_product_rule(x: float, f: str, g: str) -> None:
    p, q = FUNCTIONS[f], FUNCTIONS[g]
    assert close(grad(lambda v: p(v) * q(v))(x), grad(p)(x) * q(x) + p(x) * grad(q)(x), 60)


@given(points, names, names)
def test_chain_rule(x: float, f: str, g: str) -> None:
    p, q = FUNCTIONS[f], FUNCTIONS[g]
    assert close(grad(lambda v: p(q(v)))(x), grad(p)(q(x)) * grad(q)(x), 2e4)


@given(st.lists(points, min_size=1, max_size=6), names)
def test_a_sum_has_the_derivatives_of_its_terms(xs: list[float], f: str) -> None:
    p = FUNCTIONS[f]
    assert grad(lambda v: np.sum(p(v)))(np.array(xs)).tolist() == pytest.approx(
        [float(grad(p)(x)) for x in xs], rel=1e-14
    )
