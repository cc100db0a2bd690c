"""Derivatives of analytic functions from values off the real line: complex step, and stencils in the plane.

* ``complex-step``: f' = Im f(x + ih) / h without a subtraction; f'' = 2 (f(x) - Re f(x + ih)) / h^2 with one.
* ``lai-crassidis``: f'' from Im f at two points along the square root of i.
* ``complex-plane``: the 3 x 3 stencil of accuracy 8 for f' to f''''.
* ``hyper-dual``: f' and f'' by numbers with two nilpotent parts, exact but for rounding, in every format.

The program runs in complex128 (:class:`~diffbench.arithmetic.complexes.ComplexArithmetic`), which refuses
what is not analytic; so the format is float64. For a real program f(conj z) = conj f(z), which halves the
work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.complexes import ComplexArithmetic
from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.jets import JetArithmetic
from diffbench.errors import DiffbenchError, RefusedError, UserError
from diffbench.methods.autodiff import judged
from diffbench.methods.estimate import Estimate
from diffbench.methods.estimators import estimator
from diffbench.methods.method import Method
from diffbench.steps.choice import Choice, Wide
from diffbench.steps.sampler import Probe
from diffbench.steps.verdict import Verdict

FAMILY = "complex plane"
FORMATS = ("float64",)


class ComplexSampler:
    """Values of a program at complex nodes; NaN where it raises, every call counted."""

    wide = np.dtype(np.float64)

    def __init__(self, program: Callable[..., Any], fmt: Format) -> None:
        if getattr(program, "opaque", False):
            raise RefusedError("an opaque function has no values at complex numbers: use a finite difference")
        self.format, self.evaluations, self.message = fmt, 0, ""
        self._program = program
        self._arithmetic = ComplexArithmetic()

    def __call__(self, nodes: Wide) -> Wide:
        """Complex values at nodes of any shape."""
        try:
            with np.errstate(all="ignore"):
                return self._arithmetic.evaluate(self._counted, nodes.astype(np.complex128))
        except (RefusedError, UserError):
            raise
        except Exception as error:  # the program's own
            self.message = self.message or f"{type(error).__name__}: {error}"
            return np.full(nodes.shape, complex(np.nan, np.nan))

    def _counted(self, z: Any) -> Any:
        self.evaluations += z.size
        return self._program(z)


def finish(f: ComplexSampler, x: Wide, h: Wide, nodes: int, value: Wide, error: Wide | None = None) -> Choice:
    """The answer of a method that takes so many nodes at every point."""
    probe = Probe(f, x)  # type: ignore[arg-type]
    probe.count += nodes
    verdict = Verdict(probe)
    verdict.say(~np.isfinite(value), "domain", "f is not finite at a node: a pole or a branch point is near")
    return verdict.choice(h, "a step in the complex plane", value, error)


@estimator(FAMILY, "Squire and Trapp 1998, SIAM Rev. 40, 110-112", (1, 2), FORMATS, sampling=ComplexSampler)
def complex_step(f: ComplexSampler, x: Wide, fmt: Format, derivative: int, *, h: float = 0.0) -> Choice:
    """f' = Im f(x + ih) / h: nothing is subtracted, so h may be as small as one likes.

    The error is -h^2 f'''/6. ``h``: 0 for 2^-66, near 1e-20. For f'' the formula 2 (f(x) - Re f(x + ih)) /
    h^2 subtracts after all, and eps^(1/4) max(1, |x|) is taken. Refuses what is not analytic (abs, maximum,
    <).
    """
    if derivative == 1:
        step = np.full_like(x, h or 2.0**-66)
        return finish(f, x, step, 1, f(x + 1j * step).imag / step)
    step = np.full_like(x, h) if h else fmt.eps**0.25 * np.maximum(1.0, np.abs(x))
    values = f(np.stack([x + 0j, x + 1j * step]))
    return finish(f, x, step, 2, 2 * (values[0].real - values[1].real) / step**2)


@estimator(
    FAMILY, "Lai and Crassidis 2008, J. Comput. Appl. Math. 219", (2,), FORMATS, sampling=ComplexSampler
)
def lai_crassidis(f: ComplexSampler, x: Wide, fmt: Format, derivative: int, *, h: float = 0.0) -> Choice:
    """f'' = Im(f(x + i^(1/2) h) + f(x - i^(1/2) h)) / h^2, with error O(h^4) and a cancellation below 1e-3.

    ``h``: 0 for max(1, |x|) / 1024.
    """
    step = np.full_like(x, h) if h else np.maximum(1.0, np.abs(x)) / 1024
    shift = np.exp(0.25j * np.pi) * step
    values = f(np.stack([x + shift, x - shift]))
    return finish(f, x, step, 2, (values[0] + values[1]).imag / step**2)


# Fornberg's 3 x 3 stencils: factor, then rows Im = +1 and Im = 0, columns Re = -1, 0, 1. The row Im = -1 is
# the conjugate of the first. C is the error constant of h^8 f^(m+8), S1 the sum of the weights' sizes.
_PLANE: dict[int, tuple[float, tuple[complex, ...], tuple[float, ...], float, float]] = {
    1: (1 / 40, (-1 - 1j, -8j, 1 - 1j), (-8, 0, 8), 1 / 90720, 0.9414),
    2: (1 / 20, (1j, -8, -1j), (8, 0, 8), 1 / 453600, 1.8),
    3: (3 / 40, (1 - 1j, 16j, -1 - 1j), (-16, 0, 16), 1 / 1663200, 5.2243),
    4: (3 / 10, (-1, 16, -1), (16, -60, 16), 1 / 4989600, 38.4),
}


@estimator(
    FAMILY,
    "Fornberg 2021, Numer. Algorithms, doi 10.1007/s11075-021-01231-5",
    (1, 2, 3, 4),
    FORMATS,
    sampling=ComplexSampler,
)
def complex_plane(f: ComplexSampler, x: Wide, fmt: Format, derivative: int, *, h: float = 0.0) -> Choice:
    """The 3 x 3 stencil on the grid x + h (a + ib): accuracy 8 from five or six values.

    ``h``: 0 for the model optimum (m S1 u / (8 C))^(1/(m+8)) max(1, |x|), about 0.05 for f'. The nodes reach
    2^(1/2) h from x: a pole nearer than a few h spoils the value.
    """
    factor, upper, middle, constant, size = _PLANE[derivative]
    best = (derivative * size * fmt.u / (8 * constant)) ** (1 / (derivative + 8))
    step = np.full_like(x, h) if h else best * np.maximum(1.0, np.abs(x))
    columns = (-1.0, 0.0, 1.0)
    kept = [(c, w) for c, w in zip(columns, middle, strict=True) if w]
    nodes = [x + (c + 1j) * step for c in columns] + [x + c * step + 0j for c, _ in kept]
    values = f(np.stack(nodes))
    total = 2 * sum((w * v).real for w, v in zip(upper, values[:3], strict=True))
    total = total + sum(w * v.real for (_, w), v in zip(kept, values[3:], strict=True))
    return finish(f, x, step, len(nodes), factor * total / step**derivative)


def hyper_dual(f: Callable[..., Any], fmt: Format, points: Wide, derivative: int) -> Estimate:
    """f' and f'' at x + e1 + e2 with e1^2 = e2^2 = 0: exact but for the rounding of the format.

    With one variable the hyper-dual numbers that occur are symmetric in e1 and e2, and t = e1 + e2 has t^2 =
    2 e1 e2, t^3 = 0: they are the Taylor series of order 2 in t, which is how they are computed here.
    """
    if getattr(f, "opaque", False):
        raise RefusedError("an opaque function has no values at hyper-dual numbers: use a finite difference")
    with np.errstate(all="ignore"):
        try:
            coefficients = JetArithmetic(FormatArithmetic(fmt), 2).expand(f, points)
        except DiffbenchError:
            raise
        except Exception as error:  # the program's own
            nothing = np.full(points.shape, np.nan).astype(fmt.dtype)[()]
            message = f"the function raised {type(error).__name__}: {error}"
            return Estimate(nothing, evaluations=1, status="error", message=message)
        value = coefficients[derivative] if derivative == 1 else 2 * coefficients[2]
    return judged(np.broadcast_to(value, points.shape).astype(fmt.dtype))


HYPER_DUAL = Method(
    "hyper-dual",
    hyper_dual,
    FAMILY,
    derivatives=(1, 2),
    source="Fike and Alonso 2011, AIAA 2011-886",
)
