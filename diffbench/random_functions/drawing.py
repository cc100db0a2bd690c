"""The cases of a seed: random functions at a point, with the truth and what a central difference could reach.

* :func:`draw_cases`: so many cases of a seed in a format.
* :func:`cases_between`: a part of them; what is drawn once in a process is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import get_format
from diffbench.random_functions.composites import Program
from diffbench.random_functions.exact import Exact, exact_derivatives
from diffbench.random_functions.groups import GROUPS, NARROW, draw, draw_narrow
from diffbench.random_functions.seed import check_format
from diffbench.steps.sampler import Sampler


@dataclass(frozen=True)
class Case:
    """One function at one point.

    Attributes
    ----------
    name, group : str
    f : callable
        In float64 a function of float64 arrays; in narrower formats a program that runs strictly in them.
    x, truth, rest : float
        The derivative at ``x`` is ``truth + rest``.
    best : float
        The relative error of a central difference at its best step, for the noise of the case.
    """

    name: str
    group: str
    f: Program
    x: float
    truth: float
    best: float
    format: str = "float64"
    rest: float = 0.0

    def miss(self, value: float) -> float:
        """The absolute error of a value: exact, then rounded once."""
        return Exact(self.truth, self.rest).distance(value)


def shares(format_name: str) -> dict[str, float]:
    """Group -> the share of the draws it gets in a format."""
    return GROUPS if format_name == "float64" else NARROW


def draw_cases(seed: int, format_name: str = "float64") -> Iterator[Case]:
    """The endless cases of a seed in a format, in an order that depends on nothing else."""
    return _wide(seed) if check_format(format_name) == "float64" else _narrow(seed, format_name)


def cases(seed: int, count: int) -> Iterator[Case]:
    """So many cases of a seed in float64, in the proportions of ``GROUPS``."""
    return islice(_wide(seed), count)


def narrow_cases(seed: int, count: int, format_name: str) -> Iterator[Case]:
    """So many cases of a seed in a narrow format, in the proportions of ``NARROW``."""
    return islice(_narrow(seed, format_name), count)


class _Drawn:
    """The cases of a seed that have been asked for so far."""

    def __init__(self, seed: int, format_name: str) -> None:
        self._source = draw_cases(seed, format_name)
        self._cases: list[Case] = []

    def upto(self, stop: int) -> list[Case]:
        self._cases += islice(self._source, max(stop - len(self._cases), 0))
        return self._cases


_drawn = lru_cache(maxsize=4)(_Drawn)


def cases_between(seed: int, format_name: str, start: int, stop: int) -> list[Case]:
    """The cases number ``start`` to ``stop - 1`` of a seed in a format, counted from 0."""
    return _drawn(seed, format_name).upto(stop)[start:stop]


def _wide(seed: int) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    names, odds = list(GROUPS), np.array(list(GROUPS.values()))
    while True:
        group = str(rng.choice(names, p=odds / odds.sum()))
        name, f, smooth, x, noise = draw(rng, group)
        if not math.isfinite(x):
            continue
        with np.errstate(all="ignore"):
            f0 = float(np.asarray(f(np.array([x])))[0])
        derivatives = exact_derivatives(smooth, x)
        if derivatives is None or not math.isfinite(f0):
            continue
        value, first, _, third = (exact.value for exact in derivatives)
        if not 1e-250 < abs(first) < 1e250 or not abs(value) < 1e250:
            continue
        level = abs(noise) if noise >= 0 else -noise * abs(value)
        best = 0.5 * (9 * level**2 * abs(third)) ** (1 / 3) / abs(first)
        yield Case(f"{group}: {name}", group, f, x, first, best, rest=derivatives[1].rest)


def _narrow(seed: int, format_name: str) -> Iterator[Case]:
    """x, f(x) and f'(x) are within the range of the format."""
    fmt = get_format(format_name)
    rng = np.random.default_rng(seed)
    names, odds = list(NARROW), np.array(list(NARROW.values()))
    while True:
        group = str(rng.choice(names, p=odds / odds.sum()))
        name, f, x = draw_narrow(rng, group, fmt.precision)
        x = float(fmt.round(x))
        derivatives = exact_derivatives(f, x)
        f0 = float(Sampler(f, fmt)(np.array([x]))[0])
        if derivatives is None or not math.isfinite(f0) or not 1e-4 < abs(derivatives[1].value) < 1e4:
            continue
        exact = derivatives[1]
        best = empirical_best(Sampler(f, fmt), x, fmt, exact.value)
        yield Case(f"{group}: {name}", group, f, x, exact.value, best, format_name, exact.rest)


def empirical_best(sample: Program, x: float, fmt: Any, exact: float) -> float:
    """The robust best relative error of central-2: the worst of five steps in a row, where that is least."""
    scale = 2.0 ** math.floor(math.log2(abs(x))) if x else 1.0
    h = scale * 10.0 ** np.arange(math.log10(fmt.u), 1.0, 0.05)
    upper, lower = np.asarray(fmt.round(x + h), float), np.asarray(fmt.round(x - h), float)
    with np.errstate(all="ignore"):
        errors = np.abs((sample(upper) - sample(lower)) / (upper - lower) - exact)
    errors = np.where(np.isfinite(errors), errors, np.inf)
    return float(min(errors[k - 2 : k + 3].max() for k in range(2, len(errors) - 2)) / abs(exact))
