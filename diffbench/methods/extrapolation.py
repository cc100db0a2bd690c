"""Extrapolation: differences at several steps, combined so that the leading error terms cancel.

* ``ridders``: a Romberg table of central differences that stops by itself.
* ``richardson-central``, ``richardson-forward``: a table of fixed size.
* ``numderiv``: R's numDeriv. ``gsl-central``, ``gsl-forward``, ``gsl-backward``: GSL's derivatives with
error.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.methods.estimators import estimator
from diffbench.stencils import Stencil, stencil_from_name
from diffbench.steps.choice import Choice, Wide
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.scaled import numderiv_step
from diffbench.steps.sums import stencil_sum
from diffbench.steps.verdict import Verdict

FAMILY = "extrapolation"


def quotient(probe: Probe, stencil: Stencil, h: Wide, index: Wide) -> Wide:
    """The stencil at steps h, in the wide dtype."""
    total = stencil_sum(stencil)
    return np.asarray(total(probe(h, total.offsets, index)) / h**stencil.derivative)


@estimator(
    FAMILY, "Ridders 1982, Adv. Eng. Softw. 4, 75-76; Numerical Recipes, section 5.7, dfridr", (1, 2, 3, 4)
)
def ridders(
    f: Sampler,
    x: Wide,
    fmt: Format,
    derivative: int,
    *,
    start: float = 0.0,
    ratio: float = 1.4,
    size: float = 10,
    safe: float = 2.0,
) -> Choice:
    """A Romberg table of central differences at h, h/1.4, ...; the entry with the smallest error estimate.

    err = max of the distances of an entry from its two parents; the table ends when the newest diagonal entry
    is worse than the one before by ``safe`` times the best error, or has ``size`` rows. ``start``: the first
    step, which must be large, a length over which f changes; 0 for 0.1 max(1, |x|).

    The estimate is trusted as it is: a first interval across a pole gives a wrong value and a wrong error.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    base = stencil_from_name("central-2", derivative)
    h = np.full_like(x, start) if start else 0.1 * np.maximum(1.0, np.abs(x))
    value, error, step = np.full_like(x, np.nan), np.full_like(x, np.inf), np.full_like(x, np.nan)
    before: list[Wide] = []
    index = np.arange(x.size)  # the points whose table still grows
    for i in range(int(size)):
        if not index.size:
            break
        row = [quotient(probe, base, h, index)]
        best, found, where = error[index], value[index], step[index]
        for j in range(1, i + 1):
            factor = x.dtype.type(ratio) ** (2 * j)
            entry = (row[j - 1] * factor - before[j - 1]) / (factor - 1)
            distance = np.fmax(np.abs(entry - row[j - 1]), np.abs(entry - before[j - 1]))
            better = np.isfinite(entry) & (distance <= best)
            best, found = np.where(better, distance, best), np.where(better, entry, found)
            where = np.where(better, h, where)
            row.append(entry)
        error[index], value[index], step[index] = best, found, where
        h = h / ratio
        if i:
            grows = ~(np.abs(row[i] - before[i - 1]) >= safe * best)
            index, h, row = index[grows], h[grows], [entry[grows] for entry in row]
        before = row
    verdict.say(
        np.isnan(value), "domain", "f is not finite around x at any step of the table: give a smaller start"
    )
    return verdict.choice(step, "the table's entry with the smallest error estimate", value, error)


def levels_of(fmt: Format, half: int, single: int, double: int) -> int:
    """How many halvings of the step the bits of a format allow."""
    return half if fmt.precision < 24 else single if fmt.precision < 53 else double


@estimator(FAMILY, "Richardson 1911; Lyness and Moler 1966, Numer. Math. 8", (1, 2, 3, 4))
def richardson_central(
    f: Sampler, x: Wide, fmt: Format, derivative: int, *, start: float = 0.0, levels: float = 0
) -> Choice:
    """The corner of a Romberg table of central differences, steps halved, error terms h^2, h^4, ...

    ``start``: the first step, 0 for max(1, |x|) / 8; ``levels``: rows of the table, 0 for 2 in half
    precision, 3 in float32, 5 beyond. The error estimate is the last change on the diagonal.
    """
    rows = int(levels) or levels_of(fmt, 2, 3, 5)
    return _table(f, x, stencil_from_name("central-2", derivative), 2, rows, start)


@estimator(FAMILY, "Richardson 1911; Lyness and Moler 1966, Numer. Math. 8", (1, 2, 3, 4))
def richardson_forward(
    f: Sampler, x: Wide, fmt: Format, derivative: int, *, start: float = 0.0, levels: float = 0
) -> Choice:
    """The corner of a table of forward differences, steps halved, error terms h, h^2, ...: for an end of a
    domain.

    As ``richardson-central``, with 2, 4 and 7 rows.
    """
    rows = int(levels) or levels_of(fmt, 2, 4, 7)
    return _table(f, x, stencil_from_name("forward-1", derivative), 1, rows, start)


def _table(f: Sampler, x: Wide, base: Stencil, power: int, rows: int, start: float) -> Choice:
    probe = Probe(f, x)
    verdict = Verdict(probe)
    first = np.full_like(x, start) if start else np.maximum(1.0, np.abs(x)) / 8
    everywhere = np.arange(x.size)
    row: list[Wide] = []
    for i in range(rows):
        before, row = row, [quotient(probe, base, first / 2**i, everywhere)]
        for j in range(1, i + 1):
            row.append(row[j - 1] + (row[j - 1] - before[j - 1]) / (2 ** (power * j) - 1))
    value, error = row[-1], np.abs(row[-1] - before[-1]) if rows > 1 else np.full_like(x, np.nan)
    _said(verdict, value)
    return verdict.choice(first / 2 ** (rows - 1), "the corner of the table", value, error)


def _said(verdict: Verdict, value: Wide) -> None:
    verdict.say(~np.isfinite(value), "domain", "f is not finite at a node: give a smaller start")


@estimator(FAMILY, "numDeriv (R), grad, method 'Richardson'", (1,))
def numderiv(
    f: Sampler, x: Wide, fmt: Format, derivative: int, *, rows: float = 4, ratio: float = 2.0
) -> Choice:
    """R's numDeriv: four central differences from h = 1e-4 |x| (1e-4 near 0), halved, Romberg in h^2.

    Always 8 values, no error estimate; d = eps = 1e-4, r = 4, v = 2 are the package's defaults, for every
    format: in half precision the nodes do not leave x (``step_vanished``).
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    base = stencil_from_name("central-2", 1)
    first = numderiv_step(x)
    count = int(rows)
    row = [quotient(probe, base, first / ratio**i, np.arange(x.size)) for i in range(count)]
    for j in range(1, count):
        factor = ratio ** (2 * j)
        row = [(b * factor - a) / (factor - 1) for a, b in zip(row[:-1], row[1:], strict=True)]
    last = first / ratio ** (count - 1)
    _said(verdict, row[0])
    _vanished(verdict, last)
    return verdict.choice(last, "four fixed steps", row[0])


def _vanished(verdict: Verdict, h: Wide) -> None:
    probe = verdict.probe
    stuck = (probe.f.round(probe.x + h) == probe.x) & (probe.f.round(probe.x - h) == probe.x)
    verdict.say(
        stuck, "step_vanished", "x + h and x - h round to x in the format: the steps are too small for it"
    )


@estimator(FAMILY, "GSL, deriv/deriv.c, gsl_deriv_central", (1,))
def gsl_central(f: Sampler, x: Wide, fmt: Format, derivative: int, *, start: float = 0.0) -> Choice:
    """GSL's central derivative: five points, the three-point formula as error, one better step if that helps.

    Where rounding is below truncation the step h (rounding / (2 truncation))^(1/3) is tried, and kept if its
    error is smaller and the values agree within 4 errors. The rounding error counts that of x + h too.
    ``start``: the first step, GSL's argument h; 0 for eps^(1/5) max(1, |x|).
    """
    return _gsl(f, x, fmt, start, 1 / 5, _gsl_five_points, lambda r, t: np.cbrt(r / (2 * t)))


@estimator(FAMILY, "GSL, deriv/deriv.c, gsl_deriv_forward", (1,))
def gsl_forward(f: Sampler, x: Wide, fmt: Format, derivative: int, *, start: float = 0.0) -> Choice:
    """GSL's forward derivative: points h/4, h/2, 3h/4, h, never x itself; otherwise as ``gsl-central``."""
    return _gsl(f, x, fmt, start, 1 / 4, _gsl_four_ahead, lambda r, t: np.sqrt(r / t))


@estimator(FAMILY, "GSL, deriv/deriv.c, gsl_deriv_backward", (1,))
def gsl_backward(f: Sampler, x: Wide, fmt: Format, derivative: int, *, start: float = 0.0) -> Choice:
    """GSL's backward derivative: ``gsl-forward`` with the step -h."""
    return _gsl(f, x, fmt, start, 1 / 4, _gsl_four_ahead, lambda r, t: np.sqrt(r / t), sign=-1)


def _gsl(
    f: Sampler,
    x: Wide,
    fmt: Format,
    start: float,
    power: float,
    formula: Callable[[Probe, Wide, Wide, float], tuple[Wide, Wide, Wide]],
    better: Callable[[Wide, Wide], Wide],
    sign: int = 1,
) -> Choice:
    probe = Probe(f, x)
    verdict = Verdict(probe)
    h = np.full_like(x, start) if start else fmt.eps**power * np.maximum(1.0, np.abs(x))
    value, rounding, truncation = formula(probe, sign * h, np.arange(x.size), fmt.eps)
    error = rounding + truncation
    try_again = (rounding < truncation) & (rounding > 0) & (truncation > 0) & np.isfinite(error)
    index = np.flatnonzero(try_again)
    if index.size:
        step = h[index] * better(rounding[index], truncation[index])
        again, r, t = formula(probe, sign * step, index, fmt.eps)
        kept = (r + t < error[index]) & (np.abs(again - value[index]) < 4 * error[index])
        chosen = index[kept]
        value[chosen], error[chosen], h[chosen] = again[kept], (r + t)[kept], step[kept]
    _said(verdict, value)
    return verdict.choice(h, "the better of two steps", value, error)


def _gsl_five_points(probe: Probe, h: Wide, index: Wide, eps: float) -> tuple[Wide, Wide, Wide]:
    down, half_down, half_up, up = probe(h, (-1.0, -0.5, 0.5, 1.0), index)
    r3 = 0.5 * (up - down)
    r5 = (4 / 3) * (half_up - half_down) - r3 / 3
    e3 = (np.abs(up) + np.abs(down)) * eps
    e5 = 2 * (np.abs(half_up) + np.abs(half_down)) * eps + e3
    shift = np.maximum(np.abs(r3 / h), np.abs(r5 / h)) * np.abs(probe.x[index] / h) * eps
    return r5 / h, np.abs(e5 / h) + shift, np.abs((r5 - r3) / h)


def _gsl_four_ahead(probe: Probe, h: Wide, index: Wide, eps: float) -> tuple[Wide, Wide, Wide]:
    f1, f2, f3, f4 = probe(h, (0.25, 0.5, 0.75, 1.0), index)
    r2 = 2 * (f4 - f2)
    r4 = (22 / 3) * (f4 - f3) - (62 / 3) * (f3 - f2) + (52 / 3) * (f2 - f1)
    e4 = 2 * 20.67 * (np.abs(f4) + np.abs(f3) + np.abs(f2) + np.abs(f1)) * eps
    shift = np.maximum(np.abs(r2 / h), np.abs(r4 / h)) * np.abs(probe.x[index] / h) * eps
    return r4 / h, np.abs(e4 / h) + shift, np.abs((r4 - r2) / h)
