"""Automatic differentiation: the cost of a gradient against the work it cannot avoid, and against autograd.

Run it alone with ``pytest benchmarks/bench_autodiff.py --benchmark-enable --benchmark-only``. With HIPS
autograd installed (``pip install diffbench[autograd]``) its ratio on the same program, measured in the same
minute, is noted too.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from bench_engines import note, ratio

from diffbench.arithmetic.formats import get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.jets import JetArithmetic
from diffbench.arithmetic.tape import Variable, grad

OPERATIONS = 100_000
BATCH, INPUTS, HIDDEN, CLASSES = 256, 100, 90, 10  # 100*90 + 90 + 90*10 + 10 = 10,000 parameters


def autograd_numpy() -> Any:
    return import_module("autograd.numpy") if find_spec("autograd") else None


def chain(numpy: Any, x: Any) -> Any:
    """Sines and products in turn: the work of each is next to nothing, so the bookkeeping is what counts."""
    y = x
    for i in range(OPERATIONS):
        y = y * 0.999 if i % 2 else numpy.sin(y)
    return y


def test_chain_of_100_000_operations(benchmark: Any) -> None:
    """Forward and backward; the target is HIPS autograd's time per operation."""

    def ours() -> Any:
        return grad(lambda x: chain(np, x))(0.5)

    theirs = autograd_numpy()
    if theirs is None:
        note(
            benchmark, ratio(ours, lambda: chain(np, np.float64(0.5)), 2), "the same chain without a gradient"
        )
    else:
        other = import_module("autograd").grad(lambda x: chain(theirs, x))
        assert other(0.5) == pytest.approx(float(ours()), rel=1e-12)
        note(benchmark, ratio(ours, lambda: other(0.5), 2), "HIPS autograd on the same chain", 1.0)
    benchmark.pedantic(ours, rounds=2)
    if benchmark.stats:
        benchmark.extra_info["microseconds_per_operation"] = round(
            benchmark.stats.stats.min / OPERATIONS * 1e6, 2
        )


def test_backward_alone_of_100_000_operations(benchmark: Any) -> None:
    """The walk back, against the forward pass that recorded the graph."""

    def forward() -> Variable:
        return chain(np, Variable(0.5))

    y = forward()
    note(benchmark, ratio(y.backward, forward, 2), "recording the chain")
    benchmark.pedantic(y.backward, rounds=2)


# a network with one hidden layer ----------------------------------------------------------------------------

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(BATCH, INPUTS))
LABELS = np.eye(CLASSES)[RNG.integers(0, CLASSES, BATCH)]
PARAMETERS = 0.1 * RNG.normal(size=INPUTS * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES)


def network(numpy: Any, activation: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Softmax cross-entropy of one hidden layer, as a function of all parameters in one vector."""

    def loss(p: Any) -> Any:
        first = numpy.reshape(p[: INPUTS * HIDDEN], (INPUTS, HIDDEN))
        bias, rest = p[INPUTS * HIDDEN : (INPUTS + 1) * HIDDEN], p[(INPUTS + 1) * HIDDEN :]
        second = numpy.reshape(rest[:-CLASSES], (HIDDEN, CLASSES))
        hidden = activation(numpy.dot(IMAGES, first) + bias)
        scores = numpy.dot(hidden, second) + rest[-CLASSES:]
        shifted = scores - numpy.max(scores, axis=1, keepdims=True)
        logs = numpy.log(numpy.sum(numpy.exp(shifted), axis=1)) - numpy.sum(shifted * LABELS, axis=1)
        return numpy.mean(logs)

    return loss


ACTIVATIONS = {
    "tanh": lambda numpy: numpy.tanh,
    "relu": lambda numpy: lambda v: numpy.maximum(v, 0.0),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_of_a_network_with_10_000_parameters(benchmark: Any, name: str) -> None:
    """One gradient against one loss in plain NumPy."""
    loss = network(np, ACTIVATIONS[name](np))
    gradient = grad(loss)
    assert gradient(PARAMETERS).shape == (10_000,)
    theirs = autograd_numpy()
    if theirs is not None:
        other = import_module("autograd").grad(network(theirs, ACTIVATIONS[name](theirs)))
        assert np.allclose(gradient(PARAMETERS), other(PARAMETERS), rtol=1e-9, atol=1e-12)
        found = ratio(lambda: other(PARAMETERS), lambda: loss(PARAMETERS), 100)
        benchmark.extra_info["autograd_ratio"] = round(found, 3)
    value = ratio(lambda: gradient(PARAMETERS), lambda: loss(PARAMETERS), 100)
    note(benchmark, value, "the loss in plain NumPy", 6.0)
    benchmark(lambda: gradient(PARAMETERS))


def test_jet_of_order_4(benchmark: Any) -> None:
    """All derivatives up to the fourth of one program at one point."""
    jets = JetArithmetic(FormatArithmetic(get_format("float64")), 4)

    def program(x: Any) -> Any:
        return np.exp(np.sin(x)) * x**2 + 0.1 * x

    note(
        benchmark, ratio(lambda: jets.expand(program, 1.0), lambda: program(np.float64(1.0)), 50), "one value"
    )
    benchmark(lambda: jets.expand(program, 1.0))
