"""From the tree of the parser to a function: nodes that compute, and how Python would write them.

``Builder(text, variables).build(tree)`` -> :class:`Node`. A mistake in a name or a constant is a
:class:`diffbench.errors.UserError` that shows the column.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from diffbench.errors import MissingExtraError, UnknownNameError, UserError
from diffbench.expressions.names import CONSTANTS, FUNCTIONS

if TYPE_CHECKING:
    from lark import Token, Tree

#: Past this, a Python integer is not a binary64 number; a literal then means the rounded number (THEORY.md).
_EXACT_INTEGER = 2**53


@dataclass(frozen=True)
class Node:
    """A part of an expression: what it computes from x, and how Python would write it.

    ``constant`` is its value when there is no variable in it; ``rank`` orders the binding strength, for
    parentheses.
    """

    run: Callable[[Any], Any]
    text: str
    rank: int
    constant: int | float | None = None


def point_at(text: str, column: int, what: str) -> str:
    """The message, with the expression and a caret below it; columns count from 1."""
    return f"{what}\n  {text}\n  {' ' * (column - 1)}^"


def one_variable() -> Mapping[str, Node]:
    """The variable of an elementwise function: x itself."""
    return {"x": Node(lambda x: x, "x", 5)}


def coordinates(names: tuple[str, ...]) -> Mapping[str, Node]:
    """The variables of a function of a point of shape (n, ...): its components, in this order."""
    return {name: Node(operator.itemgetter(i), f"x[{i}]", 5) for i, name in enumerate(names)}


#: kind of node -> (what it does, how Python writes it, how tightly it binds)
_OPERATORS: dict[str, tuple[Callable[[Any, Any], Any], str, int]] = {
    "add": (operator.add, "+", 1),
    "sub": (operator.sub, "-", 1),
    "mul": (operator.mul, "*", 2),
    "div": (operator.truediv, "/", 2),
    "pow": (operator.pow, "**", 4),
}


class Builder:
    """Makes nodes of subtrees.

    Parameters
    ----------
    text : str
        The expression, for messages.
    variables : mapping of name to Node
        What its variables read from the argument.
    hint : str
        What else is said of a name that is none of them.
    """

    def __init__(self, text: str, variables: Mapping[str, Node], hint: str = "") -> None:
        self.text = text
        self.variables = variables
        self.hint = hint

    def build(self, tree: Tree[Token]) -> Node:
        """The node of a subtree of the parser."""
        kind, parts = str(tree.data), tree.children
        if kind == "number":
            return self._number(_token(parts[0]))
        if kind == "name":
            return self._name(_token(parts[0]))
        if kind == "call":
            return self._call(_token(parts[0]), [self.build(_subtree(part)) for part in parts[1:]])
        nodes = [self.build(_subtree(part)) for part in parts]
        if kind == "pos":
            return nodes[0]
        if kind == "neg":
            return self._combine(operator.neg, nodes, f"-{_wrap(nodes[0], 3)}", 3, tree.meta.column)
        apply, sign, rank = _OPERATORS[kind]
        if kind == "pow":  # groups to the right, and Python too reads x**-2 without parentheses
            written = f"{_wrap(nodes[0], 5)}**{_wrap(nodes[1], 3)}"
        else:
            written = f"{_wrap(nodes[0], rank)} {sign} {_wrap(nodes[1], rank + 1)}"
        return self._combine(apply, nodes, written, rank, tree.meta.column)

    def _refuse(self, column: int | None, what: str) -> UserError:
        return UserError(point_at(self.text, column or 1, what))

    def _number(self, token: Token) -> Node:
        # whole numbers stay integers, so that x**2 is a product and not a call of pow with a float
        value = int(token) if token.isdigit() and float(token) <= _EXACT_INTEGER else float(token)
        if not math.isfinite(value):
            raise self._refuse(token.column, f"{token} is larger than any float64 number")
        return Node(lambda x: value, repr(value), 5, value)

    def _name(self, token: Token) -> Node:
        if token in self.variables:
            return self.variables[token]
        if token in CONSTANTS:
            value = CONSTANTS[token]
            return Node(lambda x: value, f"np.{token}" if token in ("pi", "e") else repr(value), 5, value)
        if token in FUNCTIONS:
            raise self._refuse(token.column, f"{str(token)!r} is a function: write {token}(...)")
        known = list(self.variables)
        which = f"the variable is {known[0]}" if len(known) == 1 else f"the variables are {', '.join(known)}"
        if len(token) == 1:  # the nearest name to one letter would be a joke
            raise self._refuse(token.column, f"unknown name {str(token)!r}: {which}")
        error = UnknownNameError("name", token, [*known, *CONSTANTS, *FUNCTIONS])
        raise self._refuse(token.column, f"{error} ({which}{self.hint})")

    def _call(self, token: Token, arguments: list[Node]) -> Node:
        if token in self.variables:
            raise self._refuse(
                token.column, f"{str(token)!r} is a variable, not a function: a product needs its *"
            )
        if token not in FUNCTIONS:
            raise self._refuse(token.column, str(UnknownNameError("function", token, FUNCTIONS)))
        module, attribute, arity = FUNCTIONS[token]
        if len(arguments) != arity:
            wanted = "1 argument" if arity == 1 else f"{arity} arguments"
            raise self._refuse(token.column, f"{token} takes {wanted}, got {len(arguments)}")
        try:
            function = getattr(import_module(module), attribute)
        except ModuleNotFoundError:
            raise MissingExtraError("scipy", "special", f"{token} in an expression") from None
        prefix = "np" if module == "numpy" else "special"
        written = f"{prefix}.{attribute}({', '.join(node.text for node in arguments)})"
        return self._combine(function, arguments, written, 5, token.column or 1)

    def _combine(
        self, apply: Callable[..., Any], parts: list[Node], written: str, rank: int, column: int
    ) -> Node:
        """A node that applies a function to its parts; without a variable it is computed here, once.

        In binary64: that is what Python would do with ``1/3`` inside a function; it also makes 1/0 an error
        with a column, and keeps ``9**9**9`` from computing an integer of 370 million digits.
        """
        import numpy as np

        runs = [part.run for part in parts]
        if any(part.constant is None for part in parts):
            return Node(lambda x: apply(*(run(x) for run in runs)), written, rank)
        with np.errstate(all="ignore"):
            value = float(apply(*(np.float64(run(None)) for run in runs)))
        if not math.isfinite(value):
            raise self._refuse(column, f"{written} is not a finite real number (column {column})")
        whole = (
            all(isinstance(part.constant, int) for part in parts)
            and value.is_integer()
            and abs(value) <= _EXACT_INTEGER
        )
        constant = int(value) if whole else value
        return Node(lambda x: constant, written, rank, constant)


def _token(part: Any) -> Token:
    return part


def _subtree(part: Any) -> Tree[Token]:
    return part


def _wrap(node: Node, rank: int) -> str:
    return node.text if node.rank >= rank else f"({node.text})"
