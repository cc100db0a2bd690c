"""Text such as ``"exp(sin(x))"`` as a NumPy function of ``x``; parsed, never evaluated as Python.

* :func:`parse_expression`: text -> :class:`Expression`, an elementwise callable with a ``source``.
* :data:`FUNCTIONS`, :data:`CONSTANTS`: the names that an expression may use.

Power binds tighter than the minus sign and groups to the right, as in Python and on paper:
``-x**2`` is ``-(x**2)`` and ``2**3**2`` is ``2**9``. ``^`` is another way to write ``**``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from diffbench.errors import MissingExtraError, UnknownNameError, UserError

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

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

CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}

_NUMPY = (
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt abs sign floor ceil square reciprocal"
)
_SPECIAL = "erf erfc gamma gammaln digamma expit j0 j1"
_ALIASES = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "ln": "log",
    "fabs": "abs",
    "lgamma": "gammaln",
    "loggamma": "gammaln",
    "sigmoid": "expit",
    "max": "maximum",
    "min": "minimum",
}

#: name -> (module, attribute, number of arguments)
FUNCTIONS: dict[str, tuple[str, str, int]] = {
    **{name: ("numpy", name, 1) for name in _NUMPY.split()},
    **{name: ("numpy", name, 2) for name in ("maximum", "minimum", "hypot", "arctan2")},
    **{name: ("scipy.special", name, 1) for name in _SPECIAL.split()},
    **{name: ("scipy.special", name, 2) for name in ("jv", "yv", "iv", "kv")},
}
FUNCTIONS |= {alias: FUNCTIONS[name] for alias, name in _ALIASES.items()} | {"atan2": FUNCTIONS["arctan2"]}

#: Longer text is a mistake (a file pasted on the command line), and would nest past the parser's stack.
MAX_LENGTH = 2000

#: Past this, a Python integer is not a binary64 number; a literal then means the rounded number (THEORY.md).
_EXACT_INTEGER = 2**53


@dataclass(frozen=True)
class Node:
    """A part of an expression: what it computes from x, and how Python would write it.

    ``constant`` is its value when there is no x in it; ``rank`` orders the binding strength, for parentheses.
    """

    run: Callable[[Any], Any]
    text: str
    rank: int
    constant: int | float | None = None


@dataclass(frozen=True)
class Expression:
    """An elementwise NumPy function of x, made from text.

    Attributes
    ----------
    text : str
        The expression as it was typed; also the name of the function.
    source : str
        The same program in Python, ``"lambda x: np.exp(np.sin(x))"``.
    """

    text: str
    source: str
    root: Node

    def __call__(self, x: Any) -> Any:
        """Evaluate at x: a number, an array, or anything that NumPy's functions accept."""
        return self.root.run(x)

    @property
    def __name__(self) -> str:  # what a function would be called, for tables and figures
        return self.text

    @property
    def constant(self) -> float | None:
        """The value when no x occurs in the text, else None."""
        return None if self.root.constant is None else float(self.root.constant)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __reduce__(self) -> tuple[Callable[[str], Expression], tuple[str]]:
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
    from lark.exceptions import UnexpectedInput, VisitError

    text = " ".join(text.split())
    if not text:
        raise UserError("the expression is empty; write one in x, such as 'exp(sin(x))'")
    if len(text) > MAX_LENGTH:
        raise UserError(
            f"the expression has {len(text)} characters, more than {MAX_LENGTH}: write a function in a file"
        )
    try:
        tree = _parser().parse(text)
        root = _build(tree, text)
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None
    except (RecursionError, VisitError):
        raise UserError("the expression is nested too deeply; put it in a file as a function") from None
    return Expression(text, f"lambda x: {root.text}", root)


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


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(GRAMMAR, start="sum", parser="lalr", propagate_positions=True)


# --- errors that point at the column ---


def _point_at(text: str, column: int, what: str) -> str:
    """The message, with the expression and a caret below it; columns count from 1."""
    return f"{what}\n  {text}\n  {' ' * (column - 1)}^"


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
    return UserError(_point_at(text, column, what))


def _expected(terminals: Iterable[str]) -> str:
    """The parser's wish list in words: a value, or what may follow a value."""
    wanted = set(terminals)
    if "NUMBER" in wanted:
        return "a number, x, a function or '('"
    return "an operator or ')'" if "RPAR" in wanted else "an operator"


# --- from the tree to a function ---

#: kind of node -> (what it does, how Python writes it, how tightly it binds)
_OPERATORS: dict[str, tuple[Callable[[Any, Any], Any], str, int]] = {
    "add": (operator.add, "+", 1),
    "sub": (operator.sub, "-", 1),
    "mul": (operator.mul, "*", 2),
    "div": (operator.truediv, "/", 2),
    "pow": (operator.pow, "**", 4),
}


def _build(tree: Tree[Token], text: str) -> Node:
    """The node of a subtree of the parser."""
    kind, parts = str(tree.data), tree.children
    if kind == "number":
        return _number(_token(parts[0]), text)
    if kind == "name":
        return _name(_token(parts[0]), text)
    if kind == "call":
        return _call(_token(parts[0]), [_build(_subtree(part), text) for part in parts[1:]], text)
    nodes = [_build(_subtree(part), text) for part in parts]
    if kind == "pos":
        return nodes[0]
    if kind == "neg":
        return _combine(operator.neg, nodes, f"-{_wrap(nodes[0], 3)}", 3, text, tree.meta.column)
    apply, sign, rank = _OPERATORS[kind]
    if kind == "pow":  # groups to the right, and Python too reads x**-2 without parentheses
        written = f"{_wrap(nodes[0], 5)}**{_wrap(nodes[1], 3)}"
    else:
        written = f"{_wrap(nodes[0], rank)} {sign} {_wrap(nodes[1], rank + 1)}"
    return _combine(apply, nodes, written, rank, text, tree.meta.column)


def _token(part: Any) -> Token:
    return part


def _subtree(part: Any) -> Tree[Token]:
    return part


def _number(token: Token, text: str) -> Node:
    # whole numbers stay integers, so that x**2 is a product and not a call of pow with a float
    value = int(token) if token.isdigit() and float(token) <= _EXACT_INTEGER else float(token)
    if not math.isfinite(value):
        raise UserError(_point_at(text, token.column or 1, f"{token} is larger than any float64 number"))
    return Node(lambda x: value, repr(value), 5, value)


def _name(token: Token, text: str) -> Node:
    column = token.column or 1
    if token == "x":
        return Node(lambda x: x, "x", 5)
    if token in CONSTANTS:
        value = CONSTANTS[token]
        return Node(lambda x: value, f"np.{token}" if token in ("pi", "e") else repr(value), 5, value)
    if token in FUNCTIONS:
        raise UserError(_point_at(text, column, f"{str(token)!r} is a function: write {token}(...)"))
    if len(token) == 1:  # the nearest name to one letter would be a joke
        raise UserError(_point_at(text, column, f"unknown name {str(token)!r}: the variable is x"))
    error = UnknownNameError("name", token, ["x", *CONSTANTS, *FUNCTIONS])
    raise UserError(_point_at(text, column, f"{error} (the variable is x)"))


def _call(token: Token, arguments: list[Node], text: str) -> Node:
    column = token.column or 1
    if token not in FUNCTIONS:
        raise UserError(_point_at(text, column, str(UnknownNameError("function", token, FUNCTIONS))))
    module, attribute, arity = FUNCTIONS[token]
    if len(arguments) != arity:
        wanted = "1 argument" if arity == 1 else f"{arity} arguments"
        raise UserError(_point_at(text, column, f"{token} takes {wanted}, got {len(arguments)}"))
    try:
        function = getattr(import_module(module), attribute)
    except ModuleNotFoundError:
        raise MissingExtraError("scipy", "special", f"{token} in an expression") from None
    prefix = "np" if module == "numpy" else "special"
    written = f"{prefix}.{attribute}({', '.join(node.text for node in arguments)})"
    return _combine(function, arguments, written, 5, text, column)


def _wrap(node: Node, rank: int) -> str:
    return node.text if node.rank >= rank else f"({node.text})"


def _combine(
    apply: Callable[..., Any], parts: list[Node], written: str, rank: int, text: str, column: int
) -> Node:
    """A node that applies a function to its parts; without x it is computed here, once, in binary64.

    That is what Python would do with ``1/3`` inside a function; it also makes 1/0 an error with a
    column, and keeps ``9**9**9`` from computing an integer of 370 million digits.
    """
    import numpy as np

    runs = [part.run for part in parts]
    if any(part.constant is None for part in parts):
        return Node(lambda x: apply(*(run(x) for run in runs)), written, rank)
    with np.errstate(all="ignore"):
        value = float(apply(*(np.float64(run(None)) for run in runs)))
    if not math.isfinite(value):
        raise UserError(_point_at(text, column, f"{written} is not a finite real number (column {column})"))
    whole = (
        all(isinstance(part.constant, int) for part in parts)
        and value.is_integer()
        and abs(value) <= _EXACT_INTEGER
    )
    constant = int(value) if whole else value
    return Node(lambda x: constant, written, rank, constant)
