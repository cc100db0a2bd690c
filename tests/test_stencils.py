"""Stencils: published tables, exactness on polynomials, names, printing and refusals."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffbench.errors import UnknownNameError, UserError
from diffbench.stencils import Stencil, fornberg_weights, stencil, stencil_from_name, stencil_names

TABLE = json.loads((Path(__file__).parent / "data" / "weights.json").read_text())

rationals = st.fractions(min_value=-6, max_value=6, max_denominator=12)


@st.composite
def offsets_and_derivative(draw: st.DrawFn) -> tuple[list[Fraction], int]:
    offsets = draw(st.lists(rationals, min_size=1, max_size=9, unique=True))
    derivative = draw(st.integers(0, min(6, len(offsets) - 1)))
    if derivative == 0 and 0 in offsets:
        derivative = 1 if len(offsets) > 1 else 0
    return offsets, derivative


def from_table(key: str) -> Stencil:
    family, derivative, accuracy = key.split(",")
    if family == "staggered":
        return stencil(offsets=map(Fraction, TABLE[key]["s"]), derivative=int(derivative))
    return stencil(family, derivative=int(derivative), accuracy=int(accuracy))


def apply_to_monomial(made: Stencil, degree: int) -> Fraction:
    """The stencil at x = 0 with h = 1, on t^degree: exact."""
    return sum((c * s**degree for c, s in zip(made.weights, made.offsets, strict=True)), Fraction(0))


@pytest.mark.parametrize("key", TABLE)
def test_weights_and_constants_equal_the_published_tables(key: str) -> None:
    row, made = TABLE[key], from_table(key)
    assert made.accuracy == int(key.split(",")[2])
    assert [str(s) for s in made.offsets] == row["s"]
    assert list(made.weights) == [Fraction(w) for w in row["w"]]
    assert made.error_constant == Fraction(row["C"])
    assert Fraction(row["S1"]) == made.S1
    assert Fraction(row["X1"]) == made.X1
    assert (
        pytest.approx(row["S2"], rel=1e-15) == made.S2
    )  # a sum of squares and a square root, both rounded once


def test_the_tables_hold_every_family() -> None:
    assert {key.split(",")[0] for key in TABLE} == {"forward", "central", "staggered"}
    assert len(TABLE) == 68


EVERY_NAME = [(name, m) for m in range(1, 7) for name in stencil_names(m)]


def test_every_allowed_name_makes_the_stencil_it_promises() -> None:
    for name, m in EVERY_NAME:
        made = stencil_from_name(name, derivative=m)
        assert (made.name, made.derivative) == (name, m)
        assert (
            made.name == f"{made.kind}-{made.accuracy}"
        )  # the accuracy that was asked for is the true order
        assert all(made.weights), name  # smallest: no offset without weight
        assert len(made.offsets) == m + made.accuracy - (made.kind == "central")
    assert len(EVERY_NAME) == 6 * (12 + 12 + 6)


def test_backward_is_forward_mirrored() -> None:
    for m in range(1, 7):
        for p in range(1, 13):
            forward, backward = (stencil(kind, derivative=m, accuracy=p) for kind in ("forward", "backward"))
            assert backward.offsets == tuple(-s for s in reversed(forward.offsets))
            assert backward.weights == tuple((-1) ** m * c for c in reversed(forward.weights))
            assert backward.error_constant == (-1) ** p * forward.error_constant
            assert (backward.S1, backward.X1) == (forward.S1, forward.X1)


def test_central_stencils_are_symmetric() -> None:
    for m in range(1, 7):
        for p in range(2, 13, 2):
            made = stencil("central", derivative=m, accuracy=p)
            assert made.offsets == tuple(-s for s in reversed(made.offsets))
            assert made.weights == tuple((-1) ** m * c for c in reversed(made.weights))


@given(offsets_and_derivative(), st.lists(st.fractions(-5, 5, max_denominator=9), min_size=1, max_size=9))
def test_exact_on_every_polynomial_below_its_degree(
    case: tuple[list[Fraction], int], coefficients: list[Fraction]
) -> None:
    offsets, m = case
    made = stencil(offsets=offsets, derivative=m)
    polynomial = coefficients[: len(offsets)]
    found = sum((a * apply_to_monomial(made, k) for k, a in enumerate(polynomial)), Fraction(0))
    true = math.factorial(m) * polynomial[m] if m < len(polynomial) else 0
    assert found == true


@given(offsets_and_derivative())
def test_the_error_constant_predicts_the_first_monomial_that_fails(case: tuple[list[Fraction], int]) -> None:
    offsets, m = case
    made = stencil(offsets=offsets, derivative=m)
    first = m + made.accuracy
    for k in range(first):
        assert apply_to_monomial(made, k) == (math.factorial(m) if k == m else 0)
    assert apply_to_monomial(made, first) == made.error_constant * math.factorial(first)
    assert made.error_constant != 0 or 0 in offsets  # only interpolation on a node has no error at all
    assert made.accuracy >= len(offsets) - m


@given(offsets_and_derivative(), st.randoms(use_true_random=False))
def test_the_order_of_the_offsets_does_not_matter(case: tuple[list[Fraction], int], random) -> None:
    offsets, m = case
    shuffled = random.sample(offsets, len(offsets))
    made, other = stencil(offsets=offsets, derivative=m), stencil(offsets=shuffled, derivative=m)
    assert made.offsets == tuple(offsets)
    assert dict(zip(made.offsets, made.weights, strict=True)) == dict(
        zip(other.offsets, other.weights, strict=True)
    )


@settings(max_examples=50)
@given(offsets_and_derivative(), st.integers(0, 8), st.fractions(-1, 1).filter(bool), st.booleans())
def test_check_catches_a_planted_wrong_weight_or_constant(
    case: tuple[list[Fraction], int], where: int, change: Fraction, in_constant: bool
) -> None:
    made = stencil(offsets=case[0], derivative=case[1])
    weights = list(made.weights)
    weights[where % len(weights)] += change
    planted = (
        replace(made, error_constant=made.error_constant + change)
        if in_constant
        else replace(made, weights=tuple(weights))
    )
    made.check()
    with pytest.raises(UserError, match="do not make"):
        planted.check()


def test_wrong_weights_never_leave_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new stencil is checked: a planted bug in the algorithm stops it."""
    planted = (Fraction(-1), Fraction(1, 3), Fraction(2, 3))
    monkeypatch.setattr("diffbench.stencils.fornberg_weights", lambda offsets, derivative: planted)
    with pytest.raises(UserError, match="do not make"):
        stencil(offsets=(-7, 1, Fraction(19, 5)), derivative=1)


def test_check_catches_a_claimed_accuracy_that_is_too_high() -> None:
    made = stencil("central", accuracy=4)
    with pytest.raises(UserError, match=r"f\^\(5\) is -1/30, not 0"):
        replace(made, accuracy=6).check()


def test_fornberg_equals_a_vandermonde_solve() -> None:
    offsets = [Fraction(s) for s in ("-2", "-1/3", "1/2", "1", "7/3")]
    for m in range(5):
        powers = np.array([[float(s) ** k for s in offsets] for k in range(5)])
        solved = np.linalg.solve(powers, math.factorial(m) * np.eye(5)[m])
        # a 5x5 float64 solve; condition number about 100
        np.testing.assert_allclose(
            np.array(fornberg_weights(offsets, m), dtype=float), solved, rtol=1e-12, atol=1e-12
        )


ERROR_TERMS = [
    ("forward-1", 1, [(2, "1/2"), (3, "1/6"), (4, "1/24")]),
    ("central-2", 1, [(3, "1/6"), (5, "1/120"), (7, "1/5040")]),  # even powers cancel by symmetry
    ("central-2", 2, [(4, "1/12"), (6, "1/360"), (8, "1/20160")]),
    ("central-4", 1, [(5, "-1/30"), (7, "-1/252"), (9, "-1/4320")]),
]


@pytest.mark.parametrize(("name", "m", "terms"), ERROR_TERMS)
def test_error_terms_are_those_of_the_taylor_expansion(
    name: str, m: int, terms: list[tuple[int, str]]
) -> None:
    assert stencil_from_name(name, m).error_terms(3) == [(k, Fraction(c)) for k, c in terms]


def test_the_first_error_term_is_the_error_constant() -> None:
    for name, m in EVERY_NAME:
        made = stencil_from_name(name, m)
        assert made.error_terms(1) == [(m + made.accuracy, made.error_constant)]


def test_truncation_of_exp_follows_the_error_constant() -> None:
    """D - f^(m) of exp at 0 tends to C h^p: at h = 2^-6 the next term is below 2 * h * (number of nodes)."""
    h = 2.0**-6
    for name, m, p in [("forward-3", 1, 3), ("central-2", 2, 2), ("backward-2", 1, 2), ("forward-1", 2, 1)]:
        made = stencil_from_name(name, m)
        nodes = zip(made.weights, made.offsets, strict=True)
        error = sum(float(c) * math.exp(float(s) * h) for c, s in nodes) / h**m - 1
        assert error / h**p == pytest.approx(float(made.error_constant), rel=0.1), name


def test_integer_numerators_give_the_weights_back() -> None:
    for name, m in EVERY_NAME:
        made = stencil_from_name(name, m)
        assert all(isinstance(n, int) for n in made.numerators)
        assert tuple(Fraction(n, made.denominator) for n in made.numerators) == made.weights
        assert math.gcd(made.denominator, *made.numerators) == 1


def test_interpolation() -> None:
    midpoint = stencil(offsets=(Fraction(-1, 2), Fraction(1, 2)), derivative=0)
    assert midpoint.weights == (Fraction(1, 2), Fraction(1, 2))
    assert (midpoint.accuracy, midpoint.error_constant) == (2, Fraction(1, 8))
    on_a_node = stencil(offsets=(-1, 0, 2), derivative=0)
    assert on_a_node.weights == (0, 1, 0)
    assert (on_a_node.accuracy, on_a_node.error_constant, on_a_node.error_terms(4)) == (3, 0, [])


PRINTED = [
    (
        "central-4",
        1,
        "central-4, derivative 1: "
        "f'(x) = (f(x-2h) - 8 f(x-h) + 8 f(x+h) - f(x+2h)) / (12 h) + h^4 f^(5)(x)/30 + ...",
    ),
    ("central-2", 1, "central-2, derivative 1: f'(x) = (-f(x-h) + f(x+h)) / (2 h) - h^2 f'''(x)/6 + ..."),
    ("forward-1", 1, "forward-1, derivative 1: f'(x) = (-f(x) + f(x+h)) / h - h f''(x)/2 + ..."),
    ("backward-1", 1, "backward-1, derivative 1: f'(x) = (-f(x-h) + f(x)) / h + h f''(x)/2 + ..."),
    (
        "central-2",
        4,
        "central-2, derivative 4: "
        "f^(4)(x) = (f(x-2h) - 4 f(x-h) + 6 f(x) - 4 f(x+h) + f(x+2h)) / h^4 - h^2 f^(6)(x)/6 + ...",
    ),
    (
        "custom(-1/2,3/2)",
        0,
        "custom(-1/2,3/2), derivative 0: f(x) = (3 f(x-h/2) + f(x+3h/2)) / 4 - 3 h^2 f''(x)/8 + ...",
    ),
    ("custom(0,1)", 0, "custom(0,1), derivative 0: f(x) = f(x)"),
    (
        "custom(-1,0,1)",
        1,
        "custom(-1,0,1), derivative 1: f'(x) = (-f(x-h) + f(x+h)) / (2 h) - h^2 f'''(x)/6 + ...",
    ),
]


@pytest.mark.parametrize(("name", "m", "text"), PRINTED)
def test_a_stencil_prints_its_formula(name: str, m: int, text: str) -> None:
    made = stencil_from_name(name, m)
    assert str(made) == repr(made) == text


def test_the_printed_error_term_has_the_sign_that_makes_the_formula_true() -> None:
    """On t^3 at x = 0, h = 1 the central-2 formula reads 0 = 1 - 1/6 * 6."""
    made = stencil("central", accuracy=2)
    assert "- h^2 f'''(x)/6" in str(made)
    assert apply_to_monomial(made, 3) - Fraction(1, 6) * 6 == 0


def test_html_for_notebooks_shows_formula_and_exact_weights() -> None:
    page = stencil("central", accuracy=4)._repr_html_()
    assert "h<sup>4</sup> f<sup>(5)</sup>(x)/30" in page
    assert "<th>weight</th><td>1/12</td><td>-2/3</td><td>2/3</td><td>-1/12</td>" in page


def test_stencils_are_cached_values() -> None:
    made = stencil("central", derivative=1, accuracy=4)
    assert stencil_from_name("central-4") is made
    assert stencil(offsets=[-1, 0, 2]) is stencil(offsets=np.array([-1, 0, 2]))
    assert pickle.loads(pickle.dumps(made)) == made
    assert hash(made) == hash(replace(made))
    with pytest.raises(AttributeError):
        made.accuracy = 2  # type: ignore[misc]


def test_custom_names_are_read_back() -> None:
    made = stencil(offsets=(Fraction(-1, 2), 0, 2), derivative=1)
    assert made.name == "custom(-1/2,0,2)"
    assert stencil_from_name(made.name, 1) is made


REFUSED = [
    (dict(kind="central", accuracy=3), "even accuracy, not 3: ask for central-4"),
    (dict(kind="forward", accuracy=0), "accuracy must be an integer from 1 to 12, not 0"),
    (dict(kind="forward", accuracy=13), "from 1 to 12"),
    (dict(kind="central", accuracy=14), "from 1 to 12"),
    (dict(kind="central", accuracy=2.0), "accuracy must be an integer"),
    (dict(kind="forward", accuracy=True), "accuracy must be an integer"),
    (dict(kind="forward", accuracy="2"), "accuracy must be an integer"),
    (dict(kind="forward"), "give the accuracy"),
    (dict(), "give a kind"),
    (dict(kind="custom", accuracy=2), "or offsets"),
    (dict(kind="central", derivative=0, accuracy=2), "derivative must be an integer from 1 to 6"),
    (dict(kind="central", derivative=7, accuracy=2), "from 1 to 6"),
    (dict(kind="central", derivative=True, accuracy=2), "derivative must be an integer"),
    (dict(kind="central", derivative=1.5, accuracy=2), "derivative must be an integer"),
    (dict(offsets=(0, 1), derivative=-1), "from 0 to 6"),
    (dict(offsets=range(9), derivative=7), "from 0 to 6"),
    (dict(offsets=(0, 1, Fraction(2, 2))), "distinct: 1 is repeated"),
    (dict(offsets=(0, 1), derivative=2), "at least 3 offsets, not 2"),
    (dict(offsets=(), derivative=0), "at least 1 offsets, not 0"),
    (dict(offsets=(0.0, 0.5)), "write 0.5 as Fraction"),
    (dict(offsets=(False, 2)), "int or a Fraction"),
    (dict(offsets="01"), "int or a Fraction"),
    (dict(offsets=3), "sequence"),
    (dict(kind="central", offsets=(0, 1)), "not both"),
    (dict(offsets=(-1, 0, 2), accuracy=3), "has accuracy 2, not 3"),
]


@pytest.mark.parametrize(("request_", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_wrong_requests_say_what_to_do(request_: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        stencil(**request_)


WRONG_NAMES = [
    ("central-3", UserError, "even accuracy"),
    ("forward-13", UserError, "from 1 to 12"),
    ("centrel-2", UnknownNameError, "did you mean 'central-2'"),
    ("central", UnknownNameError, "unknown stencil"),
    ("central-x", UnknownNameError, "unknown stencil"),
    ("", UnknownNameError, "unknown stencil"),
    ("custom(0,1/0)", UserError, "ratio"),
    ("custom(0,,1)", UserError, "ratio"),
]


@pytest.mark.parametrize(("name", "error", "message"), WRONG_NAMES)
def test_wrong_names_say_what_to_do(name: str, error: type[UserError], message: str) -> None:
    with pytest.raises(error, match=message):
        stencil_from_name(name)


def test_an_unknown_kind_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'forward'"):
        stencil("foward", accuracy=1)  # type: ignore[arg-type]


def test_importing_stencils_does_not_load_numpy() -> None:
    program = (
        "import sys\n"
        "import types; package = types.ModuleType('diffbench'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['diffbench'] = package\n"
        "import diffbench.stencils; sys.exit('numpy' in sys.modules)"
    )
    package = Path(sys.modules["diffbench.stencils"].__file__ or "").parent
    assert subprocess.run([sys.executable, "-c", program, str(package)], check=False).returncode == 0
