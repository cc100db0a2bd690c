"""Our gradient check beside torch.autograd.gradcheck and jax.test_util.check_grads, on the same cases.

    python benchmarks/compare_checkers.py [ours] [torch] [torch-set] [jax] [jax-set]

Prints the table of docs/gradient-check.md for the checkers that are installed. The cases are the catalogue
and the functions of tests/gradient_cases.py at their points. Every checker calls the same NumPy code in the
same format: to PyTorch it is a `torch.autograd.Function`, to JAX a `custom_vjp` around a callback, whose
gradient is the claim. `torch` and `jax` are their defaults; with `-set` the step is the cube root of the
format's unit roundoff and the relative tolerance half of the share that our check promises to see.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import gradient_cases
import gradient_scores

import diffbench as db
from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import UserError

Array = Any
PASSED, FAILED, OPEN, REFUSED = "passed", "failed", "open", "refused"
ERRORS = ("factor 2", "factor 0.5", "sign", "missing", "transposed")


class Case(NamedTuple):
    """A function, a point and a claimed gradient in one format; what is wrong with the claim, if anything."""

    f: Callable[[Array], Any]
    x: Array
    claim: Array
    error: str


def cases(fmt: str) -> Iterator[Case]:
    """Right gradients, and each error in the largest component only."""
    chosen = gradient_cases.SHOWN | gradient_cases.HELD_OUT
    rounding = get_format(fmt)
    for _, f, x, right, _ in [*gradient_scores.catalogue(fmt), *gradient_scores.cases(fmt, chosen, 0, 0)]:
        yield Case(f, x, right, "")
        largest = np.unravel_index(np.argmax(np.abs(right.astype(np.float64))), right.shape)
        if right[largest] == 0:
            continue  # 0 times 2 is no error
        for error, factor in gradient_scores.planted(fmt).items():
            if error in ERRORS:
                wrong = right.astype(np.float64)
                wrong[largest] *= factor
                yield Case(f, x, rounding.round(wrong), error)
        if right.ndim == 2 and right.shape[0] == right.shape[1]:
            yield Case(f, x, right.T, "transposed")


# ---- the checkers --------------------------------------------------------------------------------------


def ours(case: Case, fmt: Format, _: bool) -> str:
    """Open: no component is wrong, and there is one about which the check cannot tell."""
    try:
        check = db.check_gradient(case.f, lambda _: case.claim, case.x, fmt.name)
    except UserError:
        return REFUSED
    if not check.passed:
        return FAILED
    return OPEN if check.count("cannot tell") else PASSED


def _value(case: Case, x: Array, fmt: Format) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(case.f(x)).reshape(()).astype(fmt.dtype)


def by_torch(case: Case, fmt: Format, fitted: bool) -> str:
    """`torch.autograd.gradcheck`."""
    import torch

    dtype = getattr(torch, fmt.name)

    def to_torch(array: Array) -> Any:
        return torch.from_numpy(array.astype(np.float64)).to(dtype)  # exact: every format fits float64

    def to_numpy(tensor: Any) -> Array:
        return tensor.detach().double().numpy().astype(fmt.dtype)

    class Claimed(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Any) -> Any:
            return to_torch(_value(case, to_numpy(x), fmt))

        @staticmethod
        def backward(context: Any, gy: Any) -> Any:
            return gy * to_torch(case.claim)

    point = to_torch(case.x).requires_grad_()
    chosen = {"eps": fmt.u ** (1 / 3), "rtol": 0.5 * gradient_scores.MISSING[fmt.name]} if fitted else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the input is not in double precision
        try:
            right = torch.autograd.gradcheck(Claimed.apply, (point,), raise_exception=False, **chosen)
        except (RuntimeError, ValueError):
            return REFUSED
    return PASSED if right else FAILED


#: What the gradient of a function of JAX returns; it changes, so that JAX compiles every function only once.
CLAIM: list[Array] = [None]


@cache
def _function_of_jax(f: Callable[[Array], Any], shape: tuple[int, ...], fmt: Format) -> Any:
    import jax

    number, point = jax.ShapeDtypeStruct((), fmt.dtype), jax.ShapeDtypeStruct(shape, fmt.dtype)
    case = Case(f, None, None, "")

    @jax.jit
    def value(x: Any) -> Any:
        return jax.pure_callback(lambda v: _value(case, np.array(v), fmt), number, x)

    @jax.jit
    def slope(x: Any, gy: Any) -> Any:
        return gy * jax.pure_callback(lambda _: CLAIM[0], point, x)

    called = jax.custom_vjp(value)
    called.defvjp(lambda x: (value(x), x), lambda x, gy: (slope(x, gy),))
    return called


def by_jax(case: Case, fmt: Format, fitted: bool) -> str:
    """`jax.test_util.check_grads` in reverse mode; it compares along one random direction."""
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    f = _function_of_jax(case.f, case.x.shape, fmt)
    CLAIM[0] = case.claim
    tolerance = 0.5 * gradient_scores.MISSING[fmt.name]
    chosen = {"eps": fmt.u ** (1 / 3), "rtol": tolerance, "atol": 1e-5} if fitted else {}
    np.random.seed(0)  # noqa: NPY002 - check_grads takes its direction from there
    with jax.enable_x64(True):
        try:
            check_grads(f, (jnp.asarray(case.x),), order=1, modes=("rev",), **chosen)
        except AssertionError:
            return FAILED
    return PASSED


CHECKERS: dict[str, tuple[Callable[[Case, Format, bool], str], bool]] = {
    "ours": (ours, False),
    "torch": (by_torch, False),
    "torch-set": (by_torch, True),
    "jax": (by_jax, False),
    "jax-set": (by_jax, True),
}

# ---- the table -------------------------------------------------------------------------------------------


def rows(names: list[str]) -> Iterator[str]:
    """Verdicts by format and checker: right gradients passed and failed, errors caught, as Markdown."""
    head = ["format", "checker", "right", "passed", "failed", "open", *ERRORS, "errors passed"]
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for fmt in gradient_scores.FORMATS:
        found = list(cases(fmt))
        for name in names:
            checker, fitted = CHECKERS[name]
            verdicts = Counter((case.error, checker(case, get_format(fmt), fitted)) for case in found)
            yield _row(fmt, name, verdicts)


def _row(fmt: str, name: str, verdicts: Counter[tuple[str, str]]) -> str:
    right = {verdict: verdicts["", verdict] for verdict in (PASSED, FAILED, OPEN)}
    cells = [fmt, name, sum(right.values()), *right.values()]
    for error in ERRORS:
        judged = sum(verdicts[error, verdict] for verdict in (PASSED, FAILED, OPEN))
        cells.append(f"{verdicts[error, FAILED]} of {judged}")
    cells.append(sum(verdicts[error, PASSED] for error in ERRORS))
    return "| " + " | ".join(map(str, cells)) + " |"


def main(names: list[str]) -> None:
    """Print the table of the checkers asked for, or of all that are installed."""
    unknown = [name for name in names if name not in CHECKERS]
    if unknown:
        raise SystemExit(f"no checker {unknown[0]!r}: choose from {', '.join(CHECKERS)}")
    missing = {lib for lib in ("torch", "jax") if not db.methods()[lib].available}
    wanted = names or [name for name in CHECKERS if name.split("-")[0] not in missing]
    for name in wanted:
        if name.split("-")[0] in missing:
            raise SystemExit(
                f"{name} needs {name.split('-')[0]}: pip install 'diffbench[{name.split('-')[0]}]'"
            )
    for row in rows(wanted):
        sys.stdout.write(row + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
