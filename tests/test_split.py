"""The split: an identity, its exact definition, facts of theory, printed examples, planted mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from operator import mul
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flint import arb

import diffbench as db
from diffbench.arithmetic.formats import NAMES, get_format
from diffbench.errors import UserError
from diffbench.methods.finite_differences import VARIANTS, Scheme
from diffbench.problems import get_problem
from diffbench.sampling import Subject, sample_steps
from diffbench.split import PARTS, Parts, Sampled, split, split_exactly
from diffbench.stencils import stencil_from_name, stencil_names
from diffbench.steps.grid import given_steps
from diffbench.sweep import SweepSettings, sweep_cell

Function = Callable[[Any], Any]

#: |sum of stored parts - stored error| relative to (sum of |parts| + |error|): six roundings to float64
IDENTITY = 3 * 2.0**-53
ALL = [
    stencil_from_name(name, m)
    for m in (1, 2, 3, 4)
    for name in stencil_names(m)
    if int(name.split("-")[1]) <= 8
]

FUNCTIONS: tuple[tuple[str, Function, float], ...] = (
    ("sin", np.sin, 1.0),
    ("exp", np.exp, 0.7),
    ("product", lambda x: np.exp(np.sin(x)) * x**2 + 0.1 * x, 1.3),
    ("quartic", lambda x: x**4 - 2 * x, 0.9),
    ("log", np.log, 5.5),
    ("tanh", np.tanh, 0.3),
    ("runge", lambda x: 1 / (1 + 25 * x**2), 0.2),
    ("line", lambda x: 3 * x + 1, 1.1),
    ("large x", np.sin, 1000.1),
)


def sample(f: Function, x: float, name: str, schemes: Sequence[Scheme], h: Sequence[float]) -> Sampled:
    fmt = get_format(name)
    subject = Subject(f, x, max(1.0, abs(x)))
    return sample_steps(subject, fmt, fmt.round(x)[()], schemes, given_steps(fmt, h))[0]


def rational(value: Any) -> Fraction:
    return Fraction(*np.longdouble(value).as_integer_ratio())


def schemes_of(name: str) -> list[Scheme]:
    made = [Scheme(s, variant) for s in ALL for variant in VARIANTS]
    return [scheme for scheme in made if scheme.available(get_format(name))]


def gaps(parts: Parts, exact: dict[str, Fraction], row: int, step: int) -> dict[str, float]:
    """Of the fast split from the exact one: truncation relative to itself, the others to the largest part."""
    largest = max(abs(exact[name]) for name in PARTS)
    found = {}
    for name in PARTS:
        stored = Fraction(float(getattr(parts, name)[row, step]))
        unit = abs(exact[name]) if name == "truncation" else largest
        found[name] = float(abs(stored - exact[name]) / unit) if unit else float(abs(stored))
    return found


# -- the definition ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_fast_split_is_the_exact_one_rounded(name: str) -> None:
    """Rows drawn at random (the same at every run): all families to m = 4 and p = 8, all variants."""
    rng = np.random.default_rng(20240)
    schemes, checked = schemes_of(name), 0
    for _, f, x in FUNCTIONS:
        steps = 10 ** rng.uniform(np.log10(get_format(name).u), -0.7, size=6)
        data = sample(f, x, name, schemes, steps)
        parts = split(f, data)
        for _ in range(12):
            row, step = int(rng.integers(len(schemes))), int(rng.integers(len(data.h)))
            if not np.isfinite(parts.error[row, step]):
                continue  # the divisor or a numerator is out of the format's range
            exact = split_exactly(f, data, row, step)
            assert exact["residual"] == 0
            worst = gaps(parts, exact, row, step)
            where = f"{schemes[row]} at h = {data.h[step]}: {worst}"
            assert max(worst.values()) <= 1e-12, where  # what is promised; measured: 1.1e-16
            error = abs(Fraction(float(parts.error[row, step])) - exact["error"])
            assert error <= 2.0**-52 * abs(exact["error"]), where
            checked += 1
    assert checked >= 60


@pytest.mark.parametrize("e", [42, 60, 100, 200])
def test_parts_far_below_the_function_are_known_too(e: int) -> None:
    """1 + x^3/3 at 0: every value rounds to 1, and evaluation takes back all of the truncation, h^2/3.

    At the usual precision h^3/3 beside 1 has two bits left, or none; it has to follow the smallest part.
    """

    def flat(x: Any) -> Any:
        return 1 + x**3 / 3

    data = sample(flat, 0.0, "float64", [Scheme(stencil_from_name("central-2"))], [2.0**-e])
    parts = split(flat, data)
    assert parts.truncation[0, 0] == pytest.approx(2.0 ** (-2 * e) / 3, rel=1e-15)
    assert parts.evaluation[0, 0] == pytest.approx(-(2.0 ** (-2 * e)) / 3, rel=1e-15)
    assert parts.error[0, 0] == 0
    assert max(gaps(parts, split_exactly(flat, data, 0, 0), 0, 0).values()) <= 1e-12


def violations(frame: pd.DataFrame) -> pd.DataFrame:
    """Ok rows whose parts do not add up to the error."""
    ok = frame[frame["status"] == "ok"]
    parts = ok[list(PARTS)].to_numpy(dtype=float)
    # exact sums: what remains is the rounding of the stored numbers
    exact = [
        sum(map(Fraction, row), -Fraction(e))
        for row, e in zip(parts.tolist(), ok["error"].tolist(), strict=True)
    ]
    total = np.array([float(v) for v in exact])
    allowed = IDENTITY * (np.abs(parts).sum(axis=1) + np.abs(ok["error"].to_numpy()))
    return ok[~(np.abs(total) <= allowed)]


CELLS = (
    ("sin", "float16", VARIANTS),
    ("sin", "bfloat16", VARIANTS),
    ("exp", "float32", ("integer", "float")),
    ("saitoh", "float64", ("integer", "float")),
    ("log", "longdouble", ("integer",)),
    ("reciprocal", "float16", ("integer", "mixed")),
)


@pytest.fixture(scope="module", params=CELLS, ids=[f"{c[0]} {c[1]}" for c in CELLS])
def swept(request: pytest.FixtureRequest) -> pd.DataFrame:
    problem, name, variants = request.param
    return sweep_cell(get_problem(problem), name, SweepSettings(variants=variants))["sweep"]


def test_the_parts_of_every_ok_row_add_up(swept: pd.DataFrame) -> None:
    ok = swept[swept["status"] == "ok"]
    assert len(ok) > 300
    assert np.isfinite(ok[[*PARTS, "error", "estimate", "exact"]].to_numpy(dtype=float)).all()
    assert len(violations(swept)) == 0


def test_the_error_is_the_estimate_minus_the_reference(swept: pd.DataFrame) -> None:
    """Stored rounded: what float64 subtraction of the stored numbers gives, up to its own rounding."""
    ok = swept[(swept["status"] == "ok") & (swept["format"] != "longdouble")]
    gap = ok["estimate"] - ok["exact"] - ok["error"]
    assert (gap.abs() <= 2.0**-52 * (ok["estimate"].abs() + ok["exact"].abs())).all()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_a_little_off_is_noticed(swept: pd.DataFrame, part: str) -> None:
    planted = swept.copy()
    sizes = planted[list(PARTS)].abs()
    # where the part matters: at least a thousandth of all
    rows = planted.index[(planted["status"] == "ok") & (sizes[part] > 1e-3 * sizes.sum(axis=1))]
    if len(rows) == 0:
        assert part == "weights", "only rounded weights may be negligible everywhere"
        return
    planted.loc[rows[0], part] *= 1 + 1e-12
    assert violations(planted).index.tolist() == [rows[0]]


# -- facts -------------------------------------------------------------------------------------------------


def test_a_power_of_two_with_exact_nodes_leaves_no_abscissa_error() -> None:
    for name in NAMES:
        fmt = get_format(name)
        # x = 1.25 and |s| h >= ulp(x): x + s h is a number of the format for |s| <= 8 and h <= 1/16
        h = [2.0**-e for e in range(4, fmt.precision - 1)]
        data = sample(np.exp, 1.25, name, schemes_of(name), h)
        parts = split(np.exp, data)
        assert data.nodes.astype(np.longdouble).tolist() == [
            [
                np.longdouble(1.25) + np.longdouble(float(s)) * np.longdouble(k)
                for k in data.h.astype(np.longdouble)
            ]
            for s in data.offsets
        ]
        assert (parts.abscissa == 0).all()
        assert (parts.evaluation != 0).any()


def test_a_decimal_step_does_not() -> None:
    data = sample(np.exp, 1.25, "float64", [Scheme(stencil_from_name("central-2"))], [1e-3])
    assert split(np.exp, data).abscissa[0, 0] != 0


def test_weights_are_exact_just_when_their_numbers_are() -> None:
    """weights = 0 if and only if fl(d h^m) is d h^m (the numerators are small): 12 h is not always."""
    names = (("central-2", 1), ("central-4", 1), ("central-2", 2), ("forward-2", 1), ("central-2", 3))
    schemes = [Scheme(stencil_from_name(n, m)) for n, m in names]
    for name in NAMES:
        data = sample(np.exp, 1.0, name, schemes, [0.5, 0.25, 0.0625, 0.1, 0.2, 0.3, 0.07])
        exact, empty = [], []
        for scheme, index, combined in zip(schemes, data.index, data.combined, strict=True):
            s = scheme.stencil
            pairs = zip(combined.divisor, data.h, strict=True)
            exact.append([rational(d) == s.denominator * rational(h) ** s.derivative for d, h in pairs])
            values = [[rational(v) for v in data.values[i]] for i in index]
            empty.append([sum(map(mul, s.weights, column)) == 0 for column in zip(*values, strict=True)])
        weights = split(np.exp, data).weights
        assert ((weights == 0) == (np.array(exact) | np.array(empty))).all()  # 0 / divisor needs no divisor
        assert all(exact[0]), "d = 2: doubling h does not round"
        assert not all(exact[2]), "h^2 rounds for decimal h"
        assert any(exact[4]), "h^3 is exact for powers of two"


def test_float_weights_that_are_dyadic_are_exact_too() -> None:
    data = sample(np.sin, 1.0, "float16", [Scheme(stencil_from_name("central-2"), "float")], [0.1, 0.125])
    assert (split(np.sin, data).weights == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_difference_of_close_values_is_exact(name: str) -> None:
    """Sterbenz: where f+/2 <= f- <= 2 f+, and the divisor is a power of two, nothing is left to combine."""
    h = [2.0**-e for e in range(2, 8)]
    data = sample(
        np.exp, 1.0, name, [Scheme(stencil_from_name("central-2")), Scheme(stencil_from_name("forward-1"))], h
    )
    for row, index in enumerate(data.index):
        low, high = (data.values[i].astype(np.longdouble) for i in (index[0], index[-1]))
        assert (high / 2 <= low).all()
        assert (low <= 2 * high).all()
        assert (split(np.exp, data).combination[row] == 0).all()


def test_beyond_sterbenz_the_difference_rounds() -> None:
    data = sample(np.exp, 1.0, "float32", [Scheme(stencil_from_name("central-2"))], [2.0, 3.0, 0.7])
    assert (split(np.exp, data).combination[0] != 0).any()


def test_float_weights_of_high_order_cost_as_much_as_the_function() -> None:
    """Why `integer` is the default: with 2/3 and 1/12 the products round at the size of f, not of f+ - f-."""
    h = [2.0**-e for e in range(8, 18)]
    stencils = [stencil_from_name(n) for n in ("central-4", "central-6", "central-8")]
    schemes = [Scheme(s, v) for v in ("float", "integer") for s in stencils]
    parts = split(np.sin, sample(np.sin, 1.0, "float64", schemes, h))

    def rms(values: Any) -> Any:
        return np.sqrt(np.mean(values**2, axis=1))

    evaluation, combination = rms(parts.evaluation), rms(parts.combination)
    assert (combination[:3] > evaluation[:3] / 2).all()
    assert (combination[:3] > 10 * combination[3:]).all()


@pytest.mark.parametrize("m", [1, 2, 3])
def test_polynomials_of_low_degree_have_no_truncation(m: int) -> None:
    names = [n for n in stencil_names(m) if int(n.split("-")[1]) >= 2]
    schemes = [Scheme(stencil_from_name(n, m)) for n in names]

    def quadratic_and_so_on(x: Any) -> Any:
        return x ** (m + 1) - 3 * x**m

    parts = split(quadratic_and_so_on, sample(quadratic_and_so_on, 0.7, "float32", schemes, [0.1, 1e-3]))
    assert parts.truncation_zero.all()
    assert (parts.truncation == 0).all()
    lower = [Scheme(stencil_from_name("forward-1", m))]
    parts = split(quadratic_and_so_on, sample(quadratic_and_so_on, 0.7, "float32", lower, [0.1, 1e-3]))
    assert not parts.truncation_zero.any()
    assert (parts.truncation != 0).all()


def test_below_the_spacing_of_x_two_large_parts_cancel() -> None:
    """x + h = x: the estimate is 0, the error -f', while abscissa and evaluation go on growing like 1/h."""
    data = sample(np.sin, 1.0, "float64", [Scheme(stencil_from_name("forward-1"))], [1e-17])
    parts = split(np.sin, data)
    assert data.combined[0].estimate[0] == 0
    assert parts.error[0, 0] == -0.5403023058681398
    assert parts.abscissa[0, 0] == pytest.approx(-0.5403023058681398, rel=1e-15)  # E1 is exactly 0
    assert parts.evaluation[0, 0] == 0


def test_large_x_moves_its_nodes() -> None:
    """sin at 1000.1, h = 1e-6: abscissa is a hundred times evaluation; at h = 2^-20 it is gone."""
    s = [Scheme(stencil_from_name("central-2"))]
    decimal, binary = (split(np.sin, sample(np.sin, 1000.1, "float64", s, [h])) for h in (1e-6, 2.0**-20))
    assert decimal.abscissa[0, 0] == pytest.approx(-1.20e-9, rel=0.005)  # printed with 3 digits
    assert decimal.evaluation[0, 0] == pytest.approx(1.1e-11, rel=0.05)  # with 2; libm may differ by an ulp
    assert binary.abscissa[0, 0] == 0
    assert abs(binary.error[0, 0]) == pytest.approx(3.5e-11, rel=0.02)


# -- printed examples --------------------------------------------------------------------------------------

# sin at 1: stencil, format, h, then total error, T, X, F, W, A as a program written from the definitions gave
# them. fwd1 and cen2 are the integer variant; cen4 has weights rounded to the format (variant `float`), all
# summed left to right. For these stencils the order of the operations is ours: two products with +-1/2 and a
# division by h give the bits of a difference and a division by 2 h.
PRINTED = """
fwd1 float16   0.125     -5.202e-02 -5.39e-02 +0.00e+00 +1.91e-03 +0.00e+00 +0.00e+00
fwd1 float16   0.01      -3.193e-03 -4.22e-03 -1.26e-02 +1.35e-02 +0.00e+00 +1.15e-04
fwd1 float16   0.001     -5.227e-02 -4.21e-04 -1.29e-02 -3.89e-02 +0.00e+00 -4.68e-05
fwd1 bfloat16  0.125     -4.030e-02 -5.39e-02 +0.00e+00 +1.36e-02 +0.00e+00 +0.00e+00
fwd1 bfloat16  0.1       -3.249e-02 -4.30e-02 +6.63e-03 +3.37e-03 +0.00e+00 +4.95e-04
fwd1 bfloat16  0.01      -1.497e-01 -4.22e-03 -1.17e-01 -2.89e-02 +0.00e+00 +3.81e-04
fwd1 float32   2**-8     -1.652e-03 -1.64e-03 +0.00e+00 -6.92e-06 +0.00e+00 +0.00e+00
fwd1 float32   0.001     -4.034e-04 -4.21e-04 +2.52e-05 -7.82e-06 +0.00e+00 +2.56e-08
fwd1 float32   1e-05     -3.861e-03 -4.21e-06 +7.34e-04 -4.59e-03 +0.00e+00 -1.36e-08
fwd1 float64   2**-17    -3.210e-06 -3.21e-06 +0.00e+00 +6.07e-12 +0.00e+00 +0.00e+00
fwd1 float64   1e-05     -4.207e-06 -4.21e-06 +3.54e-12 -1.89e-12 +0.00e+00 +4.42e-17
fwd1 float64   1e-09     +5.254e-08 -4.21e-10 +4.47e-08 +8.26e-09 +0.00e+00 +3.37e-17
cen2 float16   0.125     -1.240e-03 -1.41e-03 +0.00e+00 +1.66e-04 +0.00e+00 +0.00e+00
cen2 float16   0.01      -3.193e-03 -9.01e-06 -1.28e-02 +9.48e-03 +0.00e+00 +1.15e-04
cen2 float16   0.001     -5.227e-02 -9.01e-08 -1.29e-02 -3.93e-02 +0.00e+00 -4.68e-05
cen2 bfloat16  0.125     +6.573e-03 -1.41e-03 +0.00e+00 +7.98e-03 +0.00e+00 +0.00e+00
cen2 bfloat16  0.1       +6.573e-03 -9.02e-04 +7.87e-03 -9.26e-04 +0.00e+00 +5.34e-04
cen2 bfloat16  0.01      -1.497e-01 -9.02e-06 -1.16e-02 -1.38e-01 +0.00e+00 +3.81e-04
cen2 float32   2**-8     -3.844e-06 -1.37e-06 +0.00e+00 -2.47e-06 +0.00e+00 +0.00e+00
cen2 float32   0.001     +1.380e-05 -9.01e-08 +9.10e-06 +4.77e-06 +0.00e+00 +2.57e-08
cen2 float32   1e-05     -8.803e-04 -9.01e-12 +7.34e-04 -1.61e-03 +0.00e+00 -1.36e-08
cen2 float64   2**-17    -1.860e-13 -5.24e-12 +0.00e+00 +5.06e-12 +0.00e+00 +0.00e+00
cen2 float64   1e-05     -1.114e-11 -9.01e-12 +5.40e-13 -2.68e-12 +0.00e+00 +4.42e-17
cen2 float64   1e-09     -2.970e-09 -9.01e-20 +1.47e-08 -1.77e-08 +0.00e+00 +3.37e-17
cen4 float16   0.125     +7.133e-04 -4.39e-06 +0.00e+00 +6.67e-05 -1.32e-04 +7.83e-04
cen4 float16   0.01      +2.708e-02 -1.80e-10 -1.50e-02 +1.17e-02 -1.31e-04 +3.05e-02
cen4 float16   0.001     -1.743e-01 -1.80e-14 -1.29e-02 -3.93e-02 -1.19e-04 -1.22e-01
cen4 bfloat16  0.125     -1.240e-03 -4.39e-06 +0.00e+00 +9.18e-03 +1.07e-03 -1.15e-02
cen4 bfloat16  0.1       -1.296e-02 -1.81e-06 +1.02e-02 -8.82e-04 +1.07e-03 -2.33e-02
cen4 bfloat16  0.01      -2.473e-01 -1.81e-10 -2.80e-02 -1.87e-01 +6.35e-04 -3.29e-02
cen4 float32   2**-8     -1.937e-06 -4.19e-12 +0.00e+00 -3.84e-06 +1.61e-08 +1.89e-06
cen4 float32   0.001     +2.870e-05 -1.80e-14 +1.45e-05 +4.29e-06 +1.61e-08 +9.94e-06
cen4 float32   1e-05     -6.096e-03 -1.80e-22 +7.34e-04 -2.11e-03 +1.61e-08 -4.72e-03
cen4 float64   2**-17    +1.073e-11 -6.10e-23 +0.00e+00 +7.09e-12 -3.00e-17 +3.64e-12
cen4 float64   1e-05     +5.513e-12 -1.80e-22 +1.04e-12 -3.85e-12 -3.00e-17 +8.33e-12
cen4 float64   1e-09     +1.091e-08 -1.80e-38 +1.97e-08 -2.27e-08 -3.00e-17 +1.39e-08
"""
EXAMPLES = [line.split() for line in PRINTED.strip().splitlines()]
ARITHMETIC = {
    "fwd1": ("forward-1", "integer"),
    "cen2": ("central-2", "integer"),
    "cen4": ("central-4", "float"),
}
#: last digits of the total and of the parts
LAST = dict.fromkeys(PARTS, "+.2e") | {"error": "+.3e"}


def printed_row(kind: str, name: str, step: str) -> pd.Series[Any]:
    stencil, variant = ARITHMETIC[kind]
    h = 2.0 ** int(step[3:]) if step.startswith("2**") else float(step)
    found = db.sweep(np.sin, 1.0, formats=name, stencils=stencil, variants=variant, steps=[h])
    return found.frame.iloc[0]


@pytest.mark.parametrize("example", EXAMPLES, ids=[" ".join(e[:3]) for e in EXAMPLES])
def test_printed_splits_of_the_sine(example: list[str]) -> None:
    """Digit for digit in the half formats and float32, whose sine is the same everywhere.

    A float64 sine that differs by an ulp (another libm) changes evaluation by 1.1e-16 / h: within that, then.
    """
    kind, name, step, *numbers = example
    row = printed_row(kind, name, step)
    for column, text in zip(("error", *PARTS), numbers, strict=True):
        if name == "float64" and column in ("error", "evaluation", "combination"):
            tolerance = 2.0**-53 * 2 / row["h"] + abs(float(text)) * 5e-3
            assert row[column] == pytest.approx(float(text), abs=tolerance, rel=0)
        else:
            assert format(row[column] + 0.0, LAST[column]) == text, column


def test_the_integer_variant_of_central_4_is_another_computation() -> None:
    """8 (f1 - f-1) - (f2 - f-2) over 12 h: the same E0 to E2, but nearly no combination error."""
    for name in ("float16", "float32", "float64"):
        found = db.sweep(
            np.sin, 1.0, formats=name, stencils="central-4", variants=("integer", "float"), steps=[0.125]
        ).frame.set_index("variant")
        for part in ("truncation", "abscissa", "evaluation"):
            assert found.loc["integer", part] == found.loc["float", part]
        assert abs(found.loc["integer", "combination"]) < abs(found.loc["float", "combination"]) / 2


# -- planted mistakes --------------------------------------------------------------------------------------


def test_a_wrong_reference_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A derivative off by 1e-14 of itself, in the split only, leaves parts that do not add up."""
    from diffbench import split as module

    true = module.precise_balls

    def wrong(*arguments: Any) -> dict[int, arb]:
        return {m: value * (1 + arb(10) ** -14) for m, value in true(*arguments).items()}

    sin = get_problem("sin")
    settings = SweepSettings({1: ("central-2", "central-4")})
    frame = sweep_cell(sin, "float64", settings)["sweep"]
    assert len(violations(frame)) == 0
    monkeypatch.setattr(module, "precise_balls", wrong)
    planted = sweep_cell(sin, "float64", settings)["sweep"]
    changed = (planted["error"] != frame["error"]) & (frame["status"] == "ok")
    assert changed.mean() > 0.5
    # the abscissa part takes up the difference, where there must be none: the nodes of binary steps are exact
    binary = replace(settings, kind="binary")
    at_nodes = sweep_cell(sin, "float64", binary)["sweep"].query("status == 'ok' and h > 1e-15")
    assert (at_nodes["abscissa"] != 0).all()


def test_a_wrong_weight_is_noticed() -> None:
    """A weight off by 2^-40: the stencil refuses it, and the two routes of the split no longer agree."""
    true = stencil_from_name("central-4")
    off = replace(true, weights=(*true.weights[:-1], true.weights[-1] * (1 + Fraction(1, 2**40))))
    with pytest.raises(UserError, match="do not make central-4"):
        off.check()
    for stencil, agree in ((true, True), (off, False)):
        data = sample(np.sin, 1.0, "float64", [Scheme(stencil)], [2.0**-14, 2.0**-16])
        parts = split(np.sin, data)
        worst = max(max(gaps(parts, split_exactly(np.sin, data, 0, k), 0, k).values()) for k in range(2))
        assert (worst <= 1e-12) is agree


def test_a_wrong_estimate_is_noticed() -> None:
    """One ulp more in what the format combined: the exact split of the row says so."""
    data = sample(np.sin, 1.0, "float32", [Scheme(stencil_from_name("central-2"))], [2.0**-6])
    right = split_exactly(np.sin, data, 0, 0)
    estimate = np.nextafter(data.combined[0].estimate, np.float32(1))
    wrong = split_exactly(
        np.sin, replace(data, combined=[replace(data.combined[0], estimate=estimate)]), 0, 0
    )
    assert right["combination"] == 0  # a Sterbenz difference over a power of two
    assert wrong["combination"] == Fraction(float(estimate[0])) - Fraction(
        float(data.combined[0].estimate[0])
    )
    assert wrong["residual"] == right["residual"] == 0
    assert all(wrong[name] == right[name] for name in PARTS if name != "combination")


def test_wrong_values_are_charged_to_the_evaluation() -> None:
    data = sample(np.sin, 1.0, "float64", [Scheme(stencil_from_name("central-2"))], [2.0**-10])
    values = data.values.copy()
    values[1] += 2.0**-20
    wrong = replace(data, values=values, combined=[data.schemes[0].combine(data.fmt, list(values), data.h)])
    a, b = (split_exactly(np.sin, d, 0, 0) for d in (data, wrong))
    assert b["evaluation"] - a["evaluation"] == Fraction(2) ** -20 / (2 * Fraction(2) ** -10)
    assert b["truncation"] == a["truncation"]
