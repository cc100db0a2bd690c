"""What a gradient costs as the number of parameters grows, and against whom.

Run it alone with ``pytest benchmarks/bench_gradients.py --benchmark-enable --benchmark-only``. Rivals that
are not installed are left out (``pip install numdifftools jacobi statsmodels autograd jax`` brings them all);
a method that becomes slow is not measured at larger n. Costs are in units of one evaluation of f in plain
NumPy at the same n, taken in the same minute.
"""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pytest
from bench_engines import note

import diffbench as db
from diffbench.multivariate.evaluator import BLOCK_BYTES
from diffbench.multivariate.growth import fit_exponent
from diffbench.problems.multivariate import get_multivariate

SIZES = (1, 3, 10, 30, 100, 200, 400, 1000, 2000, 4000, 10_000, 30_000, 100_000)
COMPILED = (10, 100, 1000, 10_000, 100_000)  # each of them is compiled first, which takes its time
# Seconds: a method that took longer is not measured at a larger n. DIFFBENCH_SLOW=2 goes on to n = 10 000.
SLOW = float(os.environ.get("DIFFBENCH_SLOW", "0.05"))
LARGEST = 10_000


def ring(numpy: Any, x: Any) -> Any:
    """Rosenbrock's function on a ring of n variables: cheap, and coupled."""
    after = numpy.roll(x, -1, axis=0)
    return numpy.sum(100 * (after - x**2) ** 2 + (1 - x) ** 2, axis=0)


def f(x: Any) -> Any:
    return ring(np, x)


def single(x: Any) -> Any:
    """The same for one point of shape (n,), as the rivals call it."""
    return float(ring(np, np.asarray(x)))


def wells(x: Any) -> Any:
    """As cheap as a function can be that is not quadratic: what counts then is the work around it."""
    return np.sum((x**2 - 1) ** 2, axis=0)


def start(n: int) -> Any:
    return 0.25 + 0.5 * np.cos(np.arange(n) * 1.0)


def exact(x: Any) -> Any:
    after, before = np.roll(x, -1), np.roll(x, 1)
    return -400 * x * (after - x**2) - 2 * (1 - x) + 200 * (x - before**2)


# contenders: name -> a function of x that gives the gradient -------------------------------------------

Contender = Callable[[Any], Any]


def ours(method: str) -> Contender:
    return lambda x: db.gradient(f, x, method=method, check=False).value


OURS = {name: ours(name) for name in ("forward-1", "central-2", "complex-step", "jet", "reverse")}
COUNTS: dict[str, Callable[[int], int]] = {
    "forward-1": lambda n: n + 1,
    "central-2": lambda n: 2 * n,
    "complex-step": lambda n: n,
    "jet": lambda n: n,
    "reverse": lambda n: 1,
}


def rivals() -> dict[str, Contender]:
    """Other libraries as their documentation calls them; what is not installed is not there."""
    found: dict[str, Contender] = {}
    if find_spec("scipy"):
        from scipy.differentiate import jacobian
        from scipy.optimize import approx_fprime
        from scipy.optimize._numdiff import approx_derivative

        found["scipy approx_fprime"] = lambda x: approx_fprime(x, single)
        found["scipy approx_derivative 3-point"] = lambda x: approx_derivative(single, x, method="3-point")
        found["scipy.differentiate.jacobian"] = lambda x: jacobian(f, x).df
    if find_spec("numdifftools"):
        found["numdifftools.Gradient"] = lambda x: import_module("numdifftools").Gradient(single)(x)
    if find_spec("jacobi"):
        found["jacobi"] = lambda x: import_module("jacobi").jacobi(single, x)[0]
    if find_spec("statsmodels"):
        from statsmodels.tools.numdiff import approx_fprime as theirs

        found["statsmodels centered"] = lambda x: theirs(x, single, centered=True)
    if find_spec("autograd"):
        numpy = import_module("autograd.numpy")
        found["autograd"] = import_module("autograd").grad(lambda x: ring(numpy, x))
    if find_spec("jax"):
        found["jax"] = jax_gradient()
    return found


def large_rivals(method: str, single_point: Callable[[Any], float]) -> dict[str, Contender]:
    """Other libraries with the same number of evaluations that can do ten thousand parameters in seconds."""
    found: dict[str, Contender] = {}
    if find_spec("scipy"):
        from scipy.optimize import approx_fprime
        from scipy.optimize._numdiff import approx_derivative

        if method == "forward-1":
            found["scipy approx_fprime"] = lambda x: approx_fprime(x, single_point)
        else:
            found["scipy approx_derivative 3-point"] = lambda x: approx_derivative(
                single_point, x, method="3-point"
            )
    if find_spec("statsmodels"):
        from statsmodels.tools.numdiff import approx_fprime as theirs

        centred = method == "central-2"
        found["statsmodels"] = lambda x: theirs(x, single_point, centered=centred)
    return found


def jax_gradient() -> Contender:
    """Compiled once for every n before it is timed; float64, as the others."""
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit(jax.grad(lambda x: ring(import_module("jax.numpy"), x)))
    return lambda x: np.asarray(compiled(x))


def seconds(call: Callable[[], Any], least: float = 0.004) -> float:
    """The smallest time of one call, over calls that fill `least` seconds."""
    best, spent = np.inf, 0.0
    while spent < least:
        begin = perf_counter()
        call()
        took = perf_counter() - begin
        best, spent = min(best, took), spent + took
    return float(best)


def counted(gradient: Callable[..., Any], x: Any) -> int:
    """Points at which a gradient by stencils or complex steps really evaluates the function."""
    points = 0

    def watched(v: Any) -> Any:
        nonlocal points
        points += v.shape[1] if v.ndim > 1 else 1
        return f(v)

    gradient(watched, x)
    return points


def study(name: str, gradient: Contender, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Cost and accuracy at every n until the method becomes slow."""
    rows = []
    for n in sizes:
        x, point = start(n), start(n)[:, None]
        if name == "jax":
            gradient(x)
        begin = perf_counter()
        value = gradient(x)
        first = perf_counter() - begin
        took = first if first > SLOW else seconds(lambda x=x: gradient(x))
        unit = seconds(lambda point=point: f(point), 0.001)
        truth = exact(x)
        error = float(
            np.max(np.abs(np.asarray(value, dtype=float).reshape(-1) - truth)) / np.max(np.abs(truth))
        )
        rows.append({"n": n, "seconds": took, "unit": unit, "cost": took / unit, "error": error})
        if name in COUNTS:
            rows[-1]["evaluations"] = int(COUNTS[name](n))
        if first > SLOW:
            break
    return rows


def growth(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The fitted exponent of the time for n >= 100, and of the counted evaluations."""
    large = [row for row in rows if row["n"] >= 100]
    if len(large) < 3:
        return None
    fitted = fit_exponent([r["n"] for r in large], [r["seconds"] for r in large])
    return {"exponent": fitted.value, "low": fitted.low, "high": fitted.high, "points": fitted.points}


@pytest.mark.parametrize("name", OURS)
def test_cost_of_a_gradient(benchmark: Any, name: str) -> None:
    """Seconds, evaluations and error as n grows; the exponent in counted evaluations is exact."""
    for n in (1, 3, 30):
        found = db.gradient(f, start(n), method=name, check=False)
        assert found.evaluations == COUNTS[name](n)
        if name in ("forward-1", "central-2", "complex-step"):
            assert counted(lambda g, x: db.gradient(g, x, method=name, check=False), start(n)) == COUNTS[
                name
            ](n)
    rows = study(name, OURS[name], SIZES)
    note(benchmark, rows[-1]["cost"], f"one evaluation of f at n = {rows[-1]['n']}")
    benchmark.extra_info.update({"study": rows, "method": name, "growth": growth(rows)})
    x = start(100)
    benchmark.pedantic(lambda: OURS[name](x), rounds=3)


@pytest.mark.parametrize("name", rivals())
def test_cost_of_a_gradient_elsewhere(benchmark: Any, name: str) -> None:
    """The same for another library."""
    gradient = rivals()[name]
    rows = study(name, gradient, COMPILED if name == "jax" else SIZES)
    note(benchmark, rows[-1]["cost"], f"one evaluation of f at n = {rows[-1]['n']}")
    benchmark.extra_info.update({"study": rows, "method": name, "growth": growth(rows), "rival": True})
    x = start(10)
    benchmark.pedantic(lambda: gradient(x), rounds=2)


def blocks(n: int, nodes: int) -> tuple[Any, int]:
    """All nodes of a gradient as one block that is evaluated again and again, and how often."""
    rows = max(1, BLOCK_BYTES // (8 * n))
    return np.repeat(start(n)[None], rows, axis=0).T, -(-nodes // rows)


@pytest.mark.parametrize("method", ["forward-1", "central-2"])
def test_gradient_of_10_000_parameters(benchmark: Any, method: str) -> None:
    """Against the raw evaluation of its nodes (target 1.5), and against rivals, in CPU time of one thread."""
    x, nodes = start(LARGEST), COUNTS[method](LARGEST)
    block, times = blocks(LARGEST, nodes)

    def raw() -> None:
        for _ in range(times):
            wells(block)

    def gradient() -> Any:
        return db.gradient(wells, x, method=method, check=False).value

    best = {"gradient": np.inf, "raw": np.inf}
    for _ in range(2):
        for label, call in (("gradient", gradient), ("raw", raw)):
            begin = process_time()
            call()
            best[label] = min(best[label], process_time() - begin)
    note(benchmark, best["gradient"] / best["raw"], f"raw NumPy evaluations of its {nodes} nodes", 1.5)
    others = {}
    for name, rival in large_rivals(method, lambda v: float(wells(v))).items():
        begin = process_time()
        rival(x)
        others[name] = (process_time() - begin) / best["gradient"]
    benchmark.extra_info["times_of_rivals"] = {name: round(value, 2) for name, value in others.items()}
    benchmark.extra_info["evaluations"] = nodes
    if method == "central-2":
        benchmark.extra_info.update(peak_memory=peak_memory(gradient), block=BLOCK_BYTES)
    small = start(1000)
    benchmark.pedantic(lambda: db.gradient(f, small, method=method, check=False), rounds=2)


def peak_memory(call: Callable[[], Any]) -> int:
    """Bytes that a call takes at most."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_tridiagonal_jacobian_of_10_000_coordinates(benchmark: Any) -> None:
    """Three groups of columns: four evaluations forward, six central; and SciPy's grouping."""
    sparse = pytest.importorskip("scipy.sparse")
    from scipy.optimize._numdiff import group_columns as theirs

    from diffbench.multivariate.sparse import group_columns

    n = LARGEST
    x = np.linspace(-1.0, 1.0, n)
    diagonals = [np.ones(n - 1), np.ones(n), np.ones(n - 1)]
    pattern = sparse.diags_array(diagonals, offsets=[-1, 0, 1]).tocsr()
    program = get_multivariate("broyden_tridiagonal").function
    counts = {
        method: db.jacobian(program, x, method=method, sparsity=pattern, check=False).evaluations
        for method in ("forward-1", "central-2")
    }
    assert counts == {"forward-1": 4, "central-2": 6}
    benchmark.extra_info["evaluations"] = counts
    benchmark.extra_info["groups"] = int(group_columns(pattern).max()) + 1
    benchmark.extra_info["groups_of_scipy"] = int(theirs(pattern).max()) + 1
    benchmark.pedantic(lambda: db.jacobian(program, x, sparsity=pattern, check=False), rounds=1)
