"""The catalogue of several variables, its certified truth, and what theory predicts for its errors."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.errors import UnknownNameError, UserError
from diffbench.multivariate import truth
from diffbench.multivariate.predicted import predict
from diffbench.multivariate.truth import certify
from diffbench.problems.multivariate import get_multivariate, multivariate_problems, select_multivariate
from diffbench.problems.multivariate.registry import problem
from diffbench.stencils import stencil_from_name

ALL = list(multivariate_problems().values())
SCALARS = [p for p in ALL if not p.several]
FLOAT64 = get_format("float64")
floats = np.vectorize(float, otypes=[float])

# name -> f(x) and gradient to 15 digits, computed in 60-digit arithmetic; the values of f at the standard
# starting points match the tables of Moré, Garbow & Hillstrom (1981)
PUBLISHED: dict[str, tuple[float, list[float]]] = {
    "sphere2": (25.0, [6.0, 8.0]),
    "matyas": (0.04, [0.04, 0.04]),
    "goldstein": (1876.0, [-5376.0, 8064.0]),
    "rosen": (24.2, [-215.6, -88.0]),
    "rosenmin": (0.0, [0.0, 0.0]),
    "freud": (400.5, [30.0, -1272.0]),
    "pbs": (1.13526171734838, [-20000.7355588823, -0.270596990584991]),
    "bbs": (999998000003.0, [-2000000.0, -4.0e-6]),
    "beale": (14.203125, [0.0, 27.75]),
    "helical": (2500.0, [0.0, -1591.54943091895, -1000.0]),
    "powell": (215.0, [306.0, -144.0, -2.0, -310.0]),
    "wood": (19192.0, [-12008.0, -2080.0, -10808.0, -1880.0]),
    "bd": (7926693.33699743, [1149322.83636589, 1779291.67433979, -254579.585463521, -173400.429253115]),
    "trig4": (
        0.0130531278513817,
        [0.0429807174516109, -0.0320023428550332, -0.0762206433519916, -0.0896741840392643],
    ),
    "lse5": (
        2.45191439593759,
        [0.0116562309560396, 0.0316849207961243, 0.0861285444362687, 0.234121657252737, 0.636408646558831],
    ),
    "ce4": (
        0.369278998448253,
        [0.154234825284162, 0.0344144412661202, -0.308767469258469, 0.120118202708187],
    ),
    "mlp": (
        0.507586477484591,
        [0.51450860036048, -0.0562430075260888, -0.268685781052615, -0.110635206280842, 0.239534605446871]
        + [-0.0632780860844648, 0.266048260108078, -0.256953455342768, 0.182345596080506, 0.339333016628239]
        + [-0.410115048683331, 0.182307782345158, 0.370395658352623],
    ),
}


def by_name(cases: Any) -> Any:
    return pytest.mark.parametrize("p", cases, ids=lambda p: p.name)


# the contract ----------------------------------------------------------------------------------------------


@by_name(ALL)
def test_points_are_columns_and_do_not_meet(p: Any) -> None:
    for point in p.points:
        x = np.array(point)
        near = np.stack([x, x * 1.01 + 0.01, x * 0.99], axis=1)
        values = p.function(near)
        assert values.shape[-1] == 3 and values.ndim == (2 if p.several else 1)
        for k in range(3):
            # a matrix product of one column may add in another order
            np.testing.assert_allclose(p.function(near[:, k : k + 1])[..., 0], values[..., k], rtol=1e-13)
        before = near.copy()
        np.testing.assert_array_equal(p.function(near), values)
        np.testing.assert_array_equal(near, before)


@by_name(ALL)
def test_runs_strictly_in_every_format(p: Any) -> None:
    run = db.jacobian if p.several else db.gradient
    for fmt in db.formats() if p.formats is None else p.formats:
        for method in ("central-2", "reverse"):
            assert run(p.function, np.array(p.points[0]), method=method, format=fmt).status in (
                "ok",
                "overflow",  # float16 ends at 65504
                "step_vanished",  # the fixed points of 1e6 in bbs and of 25 in bd
            )


@by_name(ALL)
def test_fields_make_sense(p: Any) -> None:
    assert p.cite and p.tags and p.group and p.source.startswith("def ")
    assert pickle.loads(pickle.dumps(p)) is p
    assert ("jacobian" in p.tags) == p.several
    assert ("scalable" in p.tags) == (p.start is not None)


@by_name([p for p in ALL if p.start is not None])
def test_scalable_problems_have_any_number_of_parameters(p: Any) -> None:
    for n in (12, 101):
        x = p.start(n)
        assert abs(len(x) - n) <= 3
        assert p.function(x[:, None]).shape == ((len(x), 1) if p.several else (1,))


def test_poisson_at_a_hundred_thousand_unknowns() -> None:
    p = get_multivariate("poisson")
    x = p.start(100_000)
    found = db.gradient(p.function, x, method="reverse")
    h = 1 / (len(x) + 1)
    padded = np.concatenate([[0], x, [0]])
    inside = (2 * x - padded[:-2] - padded[2:]) / h
    load = h * np.pi**2 * np.sin(np.pi * np.arange(1, len(x) + 1) * h)
    # the differences of neighbours lose log2(1/h^2) = 33 bits
    np.testing.assert_allclose(found.value, inside - load, atol=1e-9)


def test_names_and_patterns() -> None:
    assert {p.name for p in select_multivariate("tag:jacobian")} == {p.name for p in ALL if p.several}
    assert [p.name for p in select_multivariate(["rosen*"])][:1] == ["rosen"]
    with pytest.raises(UnknownNameError, match="rosen"):
        get_multivariate("rosem")


@pytest.mark.parametrize("at", [(), ((1.0,), ()), (float("nan"),)])
def test_bad_problems_are_refused(at: Any) -> None:
    with pytest.raises(UserError):
        problem(at=at, cite="somewhere")(lambda x: x)


# the truth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLISHED)
def test_certified_against_published_values(name: str) -> None:
    p = get_multivariate(name)
    found = certify(p.function, np.array(p.points[0]), hessian=len(p.points[0]) <= 5)
    assert found.status == "ok" and found.mpmath_agrees
    value, gradient = PUBLISHED[name]
    # 15 digits; literals such as 0.26 are binary64, 1e-16 of them
    assert float(found.value[()]) == pytest.approx(value, rel=2e-14, abs=1e-14)
    np.testing.assert_allclose(floats(found.gradient), gradient, rtol=2e-14, atol=1e-14)
    for ball in found.gradient.ravel():
        assert ball.rad() <= abs(ball) * 1e-50 or ball.rad() < 1e-300


def test_certified_hessian_and_jacobian() -> None:
    found = certify(get_multivariate("rosen").function, np.array([-1.2, 1.0]), hessian=True)
    assert found.hessian is not None
    np.testing.assert_allclose(floats(found.hessian), [[1330.0, 480.0], [480.0, 200.0]], rtol=1e-15)
    found = certify(get_multivariate("broyden_tridiagonal").function, -np.ones(4))
    expected = 7 * np.eye(4) - np.eye(4, k=-1) - 2 * np.eye(4, k=1)
    np.testing.assert_array_equal(floats(found.gradient), expected)


def test_a_tie_has_no_gradient_and_a_bad_point_is_refused() -> None:
    assert certify(lambda x: np.abs(x[0]) + x[1], np.array([0.0, 1.0])).status == "no_derivative"
    assert certify(lambda x: np.log(x[0]) + x[1], np.array([-1.0, 1.0])).status == "domain"
    with pytest.raises(UserError, match="shape"):
        certify(lambda x: x[0], np.array(1.0))
    with pytest.raises(UserError, match=r"expected \(\*outputs, 1\)"):
        certify(lambda x: np.sum(x), np.array([1.0, 2.0]))


def test_a_wrong_reference_is_caught_by_mpmath(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug planted in the certified route: the second variable runs with 1 + 1e-40 of its speed."""
    real = truth.Lines.derivatives

    def planted(self: Any, v: Any, orders: int) -> Any:
        with truth.working_precision(256):
            faster = truth.arb(v[1]) * (1 + truth.arb(10) ** -40)
        return real(self, [v[0], faster if v[1] else 0], orders)

    monkeypatch.setattr(truth.Lines, "derivatives", planted)
    found = certify(get_multivariate("rosen").function, np.array([-1.2, 1.0]))
    assert found.status == "uncertified" and found.mpmath_agrees is False


# errors against what theory predicts ------------------------------------------------------------------------


def gradient_errors(p: Any, method: str = "central-2") -> tuple[Any, Any, Any, Any]:
    """Errors, predictions, truth and h of every component."""
    x = np.array(p.points[0])
    exact = floats(certify(p.function, x, check=False).gradient)
    found = (db.jacobian if p.several else db.gradient)(p.function, x, method=method)
    stencil = stencil_from_name(method, derivative=1)
    parts = [predict(p.function, FLOAT64, x, exact, (i,), (stencil,), (found.h[i],)) for i in range(len(x))]
    return np.abs(found.value - exact), np.stack([q.total for q in parts], axis=-1), exact, found


@by_name(ALL)
@pytest.mark.parametrize("method", ["central-2", "forward-1", "central-4"])
def test_every_component_is_within_the_predicted_error(p: Any, method: str) -> None:
    error, predicted, _, found = gradient_errors(p, method)
    assert found.status == "ok"
    assert np.all(error <= predicted)


@by_name([p for p in SCALARS if len(p.points[0]) <= 5])
def test_every_entry_of_the_hessian_is_within_the_predicted_error(p: Any) -> None:
    x = np.array(p.points[0])
    exact = certify(p.function, x, hessian=True, check=False)
    slopes, found = floats(exact.gradient), db.hessian(p.function, x)
    error = np.abs(found.value - floats(exact.hessian))
    for i in range(len(x)):
        for j in range(i + 1):
            orders = {i: 2} if i == j else {j: 1, i: 1}
            stencils = tuple(stencil_from_name("central-2", derivative=m) for m in orders.values())
            steps = tuple(found.h[k] for k in orders)
            predicted = predict(p.function, FLOAT64, x, slopes, tuple(orders), stencils, steps)
            assert error[i, j] <= predicted.total


def test_a_planted_bug_leaves_the_predicted_error() -> None:
    """A stencil that divides by 2h (1 + 1e-7) is outside for most components."""
    outside = []
    for p in SCALARS:
        error, predicted, exact, found = gradient_errors(p)
        wrong = np.abs(found.value / (1 + 1e-7) - exact)
        outside += (wrong > predicted)[exact != 0].tolist()
    assert np.mean(outside) > 0.5


def test_median_errors_of_the_catalogue() -> None:
    central, reverse = [], []
    for p in SCALARS:
        error, _, exact, _ = gradient_errors(p)
        back = db.gradient(p.function, np.array(p.points[0]), method="reverse").value
        central += (error[exact != 0] / np.abs(exact[exact != 0])).tolist()
        reverse += (np.abs(back - exact)[exact != 0] / np.abs(exact[exact != 0])).tolist()
    assert np.median(central) <= 1e-9
    assert np.median(reverse) <= 4 * FLOAT64.u


def test_balls_around_zero_have_integer_powers() -> None:
    """FLINT's own power of such a ball is not a number; a square root near 1 minus 1 is such a ball."""
    from flint import arb

    from diffbench.arithmetic.balls import ArbArithmetic

    arithmetic = ArbArithmetic(53)
    around = arithmetic.array([arb(0, 1e-16)], (1,))
    for n in (2, 3, 5):
        power = arithmetic.evaluate(lambda x, n=n: x**n, around)[0]
        assert power.is_finite() and power.contains(0)
        assert arithmetic.evaluate(lambda x, n=n: np.power(x, n), around)[0].is_finite()
