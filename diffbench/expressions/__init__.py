"""Text such as ``"exp(sin(x))"`` as a NumPy function; parsed, never evaluated as Python.

* :func:`parse_expression`: text in x -> :class:`Expression`, an elementwise callable with a ``source``.
* :func:`parse_point_expression`: text in several variables -> a callable on points of shape (n, ...).
* :func:`parse_number`: a finite number, or an expression without variables.
* :data:`FUNCTIONS`, :data:`CONSTANTS`: the names that an expression may use.

Power binds tighter than the minus sign and groups to the right, as in Python and on paper:
``-x**2`` is ``-(x**2)`` and ``2**3**2`` is ``2**9``. ``^`` is another way to write ``**``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from diffbench.errors import UserError
from diffbench.expressions.build import Builder, Node, coordinates, one_variable, point_at
from diffbench.expressions.names import (
    CONSTANTS,
    FUNCTIONS,
    MOST_COORDINATES,
    may_be_variable,
    order_variables,
)

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "Expression",
    "Node",
    "parse_expression",
    "parse_number",
    "parse_point_expression",
]

GRAMMAR = r"""
    ?sum: product | sum "+" product -> add | sum "-" product -> sub
    ?product: unary | product "*" unary -> mul | product "/" unary -> div
    ?unary: power | "-" unary -> neg | "+" unary -> pos
    ?power: atom | atom _POWER unary -> pow
    ?atom: NUMBER -> number | NAME -> name | NAME "(" sum ("," sum)* ")" -> call | "(" sum ")"
    _POWER: "**" | "^"
    NUMBER: /(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
    NAME: /[A-Za-z_]\w*/
    %ignore /\s+/
"""

#: Longer text is a mistake (a file pasted on the command line), and would nest past the parser's stack.
MAX_LENGTH = 2000


@dataclass(frozen=True)
class Expression:
    """A NumPy function made from text.

    Attributes
    ----------
    text : str
        The expression as it was typed; also the name of the function.
    source : str
        The same program in Python, ``"lambda x: np.exp(np.sin(x))"`` or ``"lambda x: x[0]**2 + x[1]"``.
    variables : tuple of str
        Its variables; with ``several``, the components of the point in this order.
    several : bool
        False: elementwise in x, for x of any shape. True: x has shape (n, ...), coordinates first, and the
        value has the shape of one coordinate.
    """

    text: str
    source: str
    root: Node
    variables: tuple[str, ...] = ("x",)
    several: bool = False

    def __call__(self, x: Any) -> Any:
        """Evaluate at x: a number, an array, or anything that NumPy's functions accept.

        Raises
        ------
        UserError
            If there are several variables and x does not have as many components.
        """
        if self.several:
            shape = getattr(x, "shape", None)
            if shape is None:
                shape = (len(x),) if isinstance(x, Sequence) else ()
            if not shape or shape[0] != len(self.variables):
                names = ", ".join(self.variables)
                found = f"shape {tuple(shape)}" if shape else "one number"
                raise UserError(
                    f"{self.text} has {len(self.variables)} variables ({names}), but x has {found}: "
                    "give x with shape (n, ...), coordinates first"
                )
        return self.root.run(x)

    @property
    def __name__(self) -> str:  # what a function would be called, for tables and figures
        return self.text

    @property
    def constant(self) -> float | None:
        """The value when no variable occurs in the text, else None."""
        return None if self.root.constant is None else float(self.root.constant)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __reduce__(self) -> tuple[Callable[..., Expression], tuple[Any, ...]]:
        if self.several:
            return parse_point_expression, (self.text, self.variables)
        return parse_expression, (self.text,)


def parse_expression(text: str) -> Expression:
    """Parse an expression in x.

    Parameters
    ----------
    text : str
        Numbers, ``x``, ``pi``, ``e``, ``+ - * / ** ^``, parentheses and the names in :data:`FUNCTIONS`.

    Returns
    -------
    Expression
        A callable on numbers and arrays, with ``.text`` and ``.source``.

    Raises
    ------
    UserError
        The text is not an expression; the message shows the column.
    """
    text, tree = _parsed(text)
    root = _built(Builder(text, one_variable()), tree)
    return Expression(text, f"lambda x: {root.text}", root)


def parse_point_expression(text: str, variables: Sequence[str] | None = None) -> Expression:
    """Parse an expression in several variables: a function of a point of shape (n, ...).

    Parameters
    ----------
    text : str
        As for :func:`parse_expression`, with any of the variables.
    variables : sequence of str, optional
        Their names in the order of the components. By default they are read from the text: one letter,
        perhaps with a number. ``x0, x1, ...`` are the components of that number, from 0 to the highest that
        occurs; other names are sorted by letter, then by number (``x, y``; ``a2, a10``).

    Returns
    -------
    Expression
        With ``.variables`` and ``.several``; the function takes x with ``len(variables)`` coordinates first.

    Raises
    ------
    UserError
        The text is not an expression or uses another name; the message shows the column. Or there is no
        variable in it, or the names that are given cannot be variables.

    Examples
    --------
    >>> f = parse_point_expression("x**2 + 3*y")
    >>> f.variables, f([2.0, 1.0])
    (('x', 'y'), 7.0)
    """
    text, tree = _parsed(text)
    order = order_variables(_free_names(tree)) if variables is None else _declared(variables)
    if not order:
        raise UserError(f"there is no variable in {text!r}: write x0, x1, ... or names such as x and y")
    if variables is None and len(order) > MOST_COORDINATES:
        raise UserError(
            f"{order[-1]} makes a point of {len(order)} components, more than {MOST_COORDINATES}: "
            "coordinates count from x0"
        )
    hint = (
        "" if variables is not None else "; a name with more letters must be declared, as in --at rate=1,y=2"
    )
    root = _built(Builder(text, coordinates(order), hint), tree)
    return Expression(text, f"lambda x: {root.text}", root, order, True)


def has_several_variables(text: str) -> bool:
    """Whether a text parses as an expression with other variables than x (``"x0 + x1"``, ``"x*y"``)."""
    try:
        _, tree = _parsed(text)
    except UserError:
        return False
    return bool(_free_names(tree) - {"x"})


def parse_number(text: str) -> float:
    """A finite number, or an expression without x (``pi/2``, ``-1e-3``); UserError otherwise."""
    try:
        value = float(text)
    except ValueError:
        try:
            constant = parse_expression(text).constant
        except UserError as error:
            raise UserError(f"{text!r} is not a number: {error}") from None
        if constant is None:
            raise UserError(f"{text!r} is not a number: x may not occur in it") from None
        value = constant
    if not math.isfinite(value):
        raise UserError(f"{text!r} is not a finite number")
    return value


# --- from text to a tree ---


def _parsed(text: str) -> tuple[str, Tree[Token]]:
    """The text with single blanks, and its tree."""
    from lark.exceptions import UnexpectedInput

    text = " ".join(text.split())
    if not text:
        raise UserError("the expression is empty; write one in x, such as 'exp(sin(x))'")
    if len(text) > MAX_LENGTH:
        raise UserError(
            f"the expression has {len(text)} characters, more than {MAX_LENGTH}: write a function in a file"
        )
    try:
        return text, _parser().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None
    except RecursionError:
        raise _too_deep() from None


def _built(builder: Builder, tree: Tree[Token]) -> Node:
    try:
        return builder.build(tree)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> UserError:
    return UserError("the expression is nested too deeply; put it in a file as a function")


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(GRAMMAR, start="sum", parser="lalr", propagate_positions=True)


def _free_names(tree: Tree[Token]) -> set[str]:
    """The names in a tree that may be variables."""
    from lark import Tree

    nodes = tree.iter_subtrees() if isinstance(tree, Tree) else ()
    names = {str(node.children[0]) for node in nodes if node.data == "name"}
    return {name for name in names if may_be_variable(name)}


def _declared(variables: Sequence[str]) -> tuple[str, ...]:
    """The names that a caller gives, checked."""
    names = tuple(variables.replace(",", " ").split() if isinstance(variables, str) else variables)
    for name in names:
        if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name)):
            raise UserError(f"{name!r} cannot be the name of a variable: write letters, digits and _")
        if name in CONSTANTS or name in FUNCTIONS:
            raise UserError(
                f"{name!r} is a {'constant' if name in CONSTANTS else 'function'}, not a variable"
            )
        if names.count(name) > 1:
            raise UserError(f"the variable {name!r} is listed twice")
    return names


# --- errors that point at the column ---


def _syntax_error(text: str, error: Any) -> UserError:
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    column = error.column if isinstance(error.column, int) and error.column > 0 else len(text) + 1
    if isinstance(error, UnexpectedCharacters):
        what = f"{text[column - 1]!r} cannot be used in an expression (column {column})"
    elif isinstance(error, UnexpectedToken) and error.token.type == "$END":
        column = len(text) + 1
        missing = "')'" if "RPAR" in error.accepts else _expected(error.accepts)
        what = f"the expression stops too early: {missing} is missing at its end"
    else:
        what = f"column {column}: expected {_expected(error.accepts)}, found {str(error.token)!r}"
        if error.token.type in ("NAME", "NUMBER", "LPAR"):
            what += " (a product needs its *)"
    return UserError(point_at(text, column, what))


def _expected(terminals: Iterable[str]) -> str:
    """The parser's wish list in words: a value, or what may follow a value."""
    wanted = set(terminals)
    if "NUMBER" in wanted:
        return "a number, x, a function or '('"
    return "an operator or ')'" if "RPAR" in wanted else "an operator"
