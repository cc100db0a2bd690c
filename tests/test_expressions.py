"""Expressions in x: they mean what Python means, are never run as Python, and a mistake has a column."""

from __future__ import annotations

import ast
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from diffbench.errors import UserError
from diffbench.expressions import FUNCTIONS, parse_expression, parse_number, parse_point_expression

X = np.array([0.3, 0.7, 1.9])

# text, the same written in NumPy
MEANS = [
    ("exp(sin(x))", np.exp(np.sin(X))),
    ("-x**2", -(X**2)),  # the minus binds looser than the power
    ("(-x)**2", X**2),
    ("-x^2", -(X**2)),
    ("2**-x", 2**-X),
    ("2**3**2*x", 512 * X),  # powers group to the right
    ("x**-2", X**-2),
    ("(x**2)**3", (X**2) ** 3),
    ("x-1-2", X - 1 - 2),  # differences and quotients group to the left
    ("x-(1-2)", X - (1 - 2)),
    ("x/2/4", X / 2 / 4),
    ("x/(2/4)", X / (2 / 4)),
    ("1/3*x", 1 / 3 * X),  # 1/3 is the binary64 number, as in Python
    ("+x - -x", X + X),
    ("2e-3*x + .5 + 1.", 2e-3 * X + 0.5 + 1.0),
    ("pi*x + e", np.pi * X + np.e),
    ("ln(x) + log10(x) + log2(x) + log1p(x)", np.log(X) + np.log10(X) + np.log2(X) + np.log1p(X)),
    ("asin(x/2) + arcsin(x/2)", 2 * np.arcsin(X / 2)),
    ("max(x, 1) + minimum(x, 1)", np.maximum(X, 1) + np.minimum(X, 1)),
    ("erf(x) + gamma(x) + jv(1, x)", special.erf(X) + special.gamma(X) + special.jv(1, X)),
    ("abs(x-1)*sign(x-1)", X - 1),
    ("  x\n * 2 ", X * 2),
]


@pytest.mark.parametrize(("text", "value"), MEANS)
def test_an_expression_means_what_it_does_on_paper(text: str, value: np.ndarray) -> None:
    np.testing.assert_allclose(
        parse_expression(text)(X), value, rtol=4e-16, atol=0
    )  # 2 ulp: groupings differ


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_is_there(name: str) -> None:
    arguments = ", ".join(["x"] * FUNCTIONS[name][2])
    with np.errstate(invalid="ignore"):  # arccosh and others are not defined on all of X
        assert np.shape(parse_expression(f"{name}({arguments})")(X)) == X.shape


# --- Python's own parser as the second opinion ---

NUMBERS = st.sampled_from(["1", "2", "0.5", "3e-2", "x", "x", "pi"])


def _combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(parts, st.sampled_from(["+", "-", "*", " - "]), parts).map("".join),
        parts.map(lambda part: f"-{part}"),
        parts.map(lambda part: f"({part})"),
        parts.map(lambda part: f"{part}**2"),
        parts.map(lambda part: f"2**-({part})"),
        parts.map(lambda part: f"sin({part})"),
    )


@given(st.recursive(NUMBERS, _combined, max_leaves=12))
def test_precedence_is_that_of_python(text: str) -> None:
    names: dict[str, Any] = {"x": X, "sin": np.sin, "pi": np.pi}
    try:
        expected = eval(text, {"__builtins__": {}}, names)
    except OverflowError:
        return
    if not np.all(np.isfinite(expected)):
        return
    np.testing.assert_allclose(parse_expression(text)(X), expected, rtol=1e-12)


@given(st.recursive(NUMBERS, _combined, max_leaves=12))
def test_the_source_is_the_same_program(text: str) -> None:
    try:
        expression = parse_expression(text)
    except UserError as error:
        assert "not a finite" in str(error)  # a tower of powers of constants
        return
    function = eval(expression.source, {"np": np})
    np.testing.assert_array_equal(expression(X), function(X))


def test_names_for_tables_and_workers() -> None:
    expression = parse_expression(" exp( sin(x) )")
    assert (expression.__name__, expression.source) == ("exp( sin(x) )", "lambda x: np.exp(np.sin(x))")
    again = pickle.loads(pickle.dumps(expression))
    assert again.source == expression.source
    assert again(0.5) == expression(0.5)


def test_whole_exponents_stay_integers() -> None:
    """x**2 with an integer is a product in every arithmetic; x**2.0 would be a call of pow."""
    assert parse_expression("x**2").source == "lambda x: x**2"
    assert isinstance(ast.parse(parse_expression("x**2").source, mode="eval").body, ast.Lambda)


# --- mistakes: the text, the column of the caret, what is said ---

MISTAKES = [
    ("exp(*x)", 5, "expected a number, x, a function or '('"),
    ("sinn(x)", 1, "did you mean 'sin'"),
    ("1 + expp(x)", 5, "did you mean 'exp'"),
    ("exp(x", 6, "')' is missing"),
    ("3 +", 4, "stops too early"),
    ("exp(x))", 7, "found ')'"),
    ("2x", 2, "a product needs its *"),
    ("x $ 2", 3, "'$' cannot be used"),
    ("y + 1", 1, "the variable is x"),
    ("sin + 1", 1, "write sin(...)"),
    ("sin(x, x)", 1, "takes 1 argument, got 2"),
    ("maximum(x)", 1, "takes 2 arguments, got 1"),
    ("x + 1/0", 5, "not a finite real number"),
    ("sqrt(-1)*x", 1, "not a finite real number"),
    ("9**9**9**9", 4, "not a finite real number"),  # at once, without an integer of 370 million digits
    ("1e999*x", 1, "larger than any float64"),
    ("x.real", 2, "'.' cannot be used"),
    ("x if x else 1", 3, "found 'if'"),
    ("__import__('os')", 12, "cannot be used"),
    ("[x]", 1, "cannot be used"),
    ("lambda: x", 7, "cannot be used"),
]


@pytest.mark.parametrize(("text", "column", "said"), MISTAKES)
def test_a_mistake_is_shown_at_its_column(text: str, column: int, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_expression(text)
    message, shown, caret = str(caught.value).splitlines()
    assert said in message
    assert shown.strip() == text
    assert caret == "  " + " " * (column - 1) + "^"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("-" * 1900 + "x", "nested too deeply"), ("x+" * 1500 + "x", "more than 2000")],
)
def test_other_mistakes(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "value"), [("-8", -8.0), ("1e-3", 1e-3), ("pi/2", math.pi / 2), ("-2**3", -8.0)]
)
def test_a_point_may_be_written_as_a_constant(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "x", "2*x", "q", "1/0", ""])
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        parse_number(text)


# --- several variables ---

POINT = np.array([[1.5, 0.5], [2.0, 3.0], [-1.0, 4.0]])  # three coordinates, two points

# text, variables in order, the same written in NumPy
SEVERAL = [
    ("x0**2 + x0*x1", ("x0", "x1"), lambda x: x[0] ** 2 + x[0] * x[1]),
    ("x**2 + y", ("x", "y"), lambda x: x[0] ** 2 + x[1]),
    ("y + x**2", ("x", "y"), lambda x: x[0] ** 2 + x[1]),  # by letter, not by appearance
    ("x2 - x0", ("x0", "x1", "x2"), lambda x: x[2] - x[0]),  # x1 does not occur and counts
    ("a10*a2", ("a2", "a10"), lambda x: x[0] * x[1]),  # by number
    ("exp(-x0**2)*sin(pi*x1)", ("x0", "x1"), lambda x: np.exp(-(x[0] ** 2)) * np.sin(np.pi * x[1])),
    ("-x0**2", ("x0",), lambda x: -(x[0] ** 2)),
    ("max(x, y) + e", ("x", "y"), lambda x: np.maximum(x[0], x[1]) + np.e),
]


@pytest.mark.parametrize(("text", "variables", "function"), SEVERAL)
def test_several_variables_are_coordinates(text: str, variables: tuple[str, ...], function: Any) -> None:
    f = parse_point_expression(text)
    assert (f.variables, f.several) == (variables, True)
    x = POINT[: len(variables)]
    np.testing.assert_array_equal(f(x), function(x))
    assert f(x).shape == x.shape[1:]
    np.testing.assert_array_equal(f(list(x[:, 0])), function(x[:, 0]))  # a single point, as a list
    np.testing.assert_array_equal(eval(f.source, {"np": np})(x), f(x))
    again = pickle.loads(pickle.dumps(f))
    assert (again.variables, again.source) == (f.variables, f.source)


def test_declared_variables_have_the_order_and_the_names_they_are_given() -> None:
    f = parse_point_expression("rate*y - x", ("y", "x", "rate"))
    assert f([2.0, 1.0, 10.0]) == 19.0
    assert parse_point_expression("x0", ("x0", "x1")).variables == ("x0", "x1")


def test_a_function_of_several_variables_runs_in_every_arithmetic() -> None:
    import diffbench as db
    from diffbench.advice.coordinates import along

    f = parse_point_expression("exp(x0)*x1**2")
    assert float(db.reference(along(f, [0.0, 3.0], 1), 3.0)) == 6.0
    assert db.derivative(along(f, [0.0, 3.0], 1), 3.0, method="jet", format="float16").value == 6.0
    assert db.check_gradient(
        f, lambda x: np.array([np.exp(x[0]) * x[1] ** 2, 2 * np.exp(x[0]) * x[1]]), [0.5, 2.0]
    ).passed


SEVERAL_MISTAKES = [
    ("x0 + sinn(x1)", 6, "did you mean 'sin'"),
    ("x0 + rate*x1", 6, "the variables are x0, x1; a name with more letters must be declared"),
    ("x0 x1", 4, "a product needs its *"),
    ("x0(x1)", 1, "is a variable, not a function"),
    ("x0 + 1/0", 6, "not a finite real number"),
    ("x0 + (x1", 9, "')' is missing"),
    ("x0 + x1[0]", 8, "'[' cannot be used"),
    ("x0 if x1 else 0", 4, "found 'if'"),
    ("x0.real + x1", 3, "'.' cannot be used"),
    ("__import__('os') + x0", 12, "cannot be used"),
]


@pytest.mark.parametrize(("text", "column", "said"), SEVERAL_MISTAKES)
def test_a_mistake_in_several_variables_has_its_column(text: str, column: int, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_point_expression(text)
    message, shown, caret = str(caught.value).splitlines()
    assert said in message
    assert shown.strip() == text
    assert caret == "  " + " " * (column - 1) + "^"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("1 + 2",), "there is no variable in '1 \\+ 2'"),
        (("x0 + x5000",), "a point of 5001 components"),
        (("x + y", ("x", "x")), "'x' is listed twice"),
        (("x + y", ("x", "sin")), "'sin' is a function, not a variable"),
        (("x + y", ("x", "e")), "'e' is a constant, not a variable"),
        (("x + y", ("x", "2y")), "cannot be the name of a variable"),
        (("x + y", ("x",)), "the variable is x"),
    ],
)
def test_variables_that_make_no_sense(arguments: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_point_expression(*arguments)


@pytest.mark.parametrize("x", [1.0, [1.0], [1.0, 2.0, 3.0], np.zeros((3, 2)), np.float64(1)])
def test_a_point_of_another_size_is_refused(x: Any) -> None:
    with pytest.raises(UserError, match=r"x0 \+ x1 has 2 variables \(x0, x1\)"):
        parse_point_expression("x0 + x1")(x)


@given(st.recursive(st.sampled_from(["x0", "x1", "2", "0.5"]), _combined, max_leaves=10))
def test_precedence_with_several_variables_is_that_of_python(text: str) -> None:
    x = np.array([[0.3, 0.7], [1.9, -0.4]])
    expected = eval(text, {"__builtins__": {}}, {"x0": x[0], "x1": x[1], "sin": np.sin})
    if "x" not in text or not np.all(np.isfinite(expected)):
        return
    np.testing.assert_allclose(parse_point_expression(text, ("x0", "x1"))(x), expected, rtol=1e-12)
