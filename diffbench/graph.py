"""Pictures of the computation graph, with values and gradients.

* ``graph_of(f, x)``: run a plain NumPy function on the tape; DOT text of its graph.
* ``to_dot(y)``: DOT text of everything a Variable was made from.
* ``draw(dot, path)``: write it: text (``.dot .gv``), or a picture by Graphviz (``.svg .png .pdf``).

Boxes are variables: name, value, gradient. Ellipses are functions. Arrows go the way of the values; the red
number on an arrow is the gradient that comes back along it, and a variable's gradient is the sum of those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import format_of, get_format
from diffbench.arithmetic.tape.arithmetic import tape_of
from diffbench.arithmetic.tape.backward import lifting, propagate, starting_gradient
from diffbench.arithmetic.tape.function import Function, as_raw, record
from diffbench.arithmetic.tape.variable import Variable
from diffbench.errors import MissingExtraError, UserError

TEXT = (".dot", ".gv")
PICTURES = (".svg", ".png", ".pdf")
LARGEST = 400  # functions; a picture of more cannot be read, and Graphviz takes minutes for it
SHOWN = 4  # elements of an array that are written out

_HEAD = """digraph {
  graph [rankdir=LR, fontname="DejaVu Sans", fontsize=11, nodesep=0.3, ranksep=0.45, labelloc=t]
  node [fontname="DejaVu Sans", fontsize=11, penwidth=1.2]
  edge [fontname="DejaVu Sans", fontsize=10, fontcolor="#C04A00", color="#222222", arrowsize=0.7]"""
_CAPTION = "red: the gradient, which flows back against the arrows"
_VARIABLE = 'shape=box, style="rounded,filled", fillcolor="#FFF4DC", color="#E69F00"'
_GIVEN = 'shape=box, style="rounded,filled", fillcolor="#DDEBF7", color="#0072B2"'
_CONSTANT = 'shape=box, style="rounded,dashed", color="#8A8A8A", fontcolor="#555555"'
_FUNCTION = 'shape=ellipse, style=filled, fillcolor="#F2F2F2", color="#222222"'


def graph_of(f: Callable[..., Any], x: Any, *, format: str | None = None, title: str = "") -> str:
    """DOT text of the graph of ``f`` at ``x``, with ``dy/d...`` at every node.

    Parameters
    ----------
    f : callable
        A plain NumPy function of one argument whose result is one number.
    x : float or array
    format : str, optional
        Default: the format of ``x``; float64 for Python numbers and integers.
    title : str
        Written above the picture.

    Raises
    ------
    RefusedError
        If ``f`` cannot run on the tape.
    UserError
        If the result has more than one element, or ``x`` is not finite.
    """
    return to_dot(recorded(f, x, format=format), title=title)


def recorded(f: Callable[..., Any], x: Any, *, format: str | None = None) -> Variable:
    """The result of ``f`` at ``x`` on the tape, with the graph behind it; raises as :func:`graph_of`."""
    fmt = get_format(format) if format is not None else format_of(np.asarray(x).dtype)
    points = fmt.round(x)
    if not np.all(np.isfinite(points)):
        raise UserError(f"the point {x!r} is not a finite number of {fmt.name}")
    start = Variable(points, name="x")
    with record(True), np.errstate(all="ignore"):
        y = tape_of(fmt).follow(f, start)
    if y is not start and y.name is None:
        y.name = "y"
    return y


def to_dot(y: Variable, *, seed: Any = None, title: str = "") -> str:
    """DOT text of everything ``y`` was made from, with the gradients of ``y``; no ``grad`` is changed.

    Parameters
    ----------
    y : Variable
    seed : array, optional
        The gradient to start from; default 1 for a single number.
    title : str
        Written above the picture.

    Raises
    ------
    UserError
        If ``y`` has more than one element and there is no seed.
    """
    flows: dict[Function, tuple[Any, ...]] = {}
    gradients = _gradients(y, seed, flows)
    names: dict[int, str] = {}
    numbers = count()
    caption = "\n".join(filter(None, [title, _CAPTION]))
    lines = [_HEAD, f"  label={_quoted(caption)}"]

    def node(value: Any) -> str:
        """The variable or constant as a node; every constant is one of its own."""
        known = names.get(id(value)) if isinstance(value, Variable) else None
        if known is not None:
            return known
        name = f"v{next(numbers)}"
        if isinstance(value, Variable):
            names[id(value)] = name
        lines.append(f"  {name} [{_look(value)}, label={_quoted(_label(value, gradients))}]")
        return name

    node_of_function = (f"f{i}" for i in count())
    for function in functions_of(y):
        name = next(node_of_function)
        sources = [node(operand) for operand in function.operands]
        lines.append(f"  {name} [{_FUNCTION}, label={_quoted(function.name.removeprefix('np.'))}]")
        flowing = flows.get(function, (None,) * len(sources))
        lines += [
            f"  {source} -> {name}" + ("" if back is None else f" [label={_quoted(text_of(as_raw(back)))}]")
            for source, back in zip(sources, flowing, strict=True)
        ]
        lines += [f"  {name} -> {node(output)}" for output in function.outputs if output is not None]
    if not names:  # y was made from nothing
        node(y)
    return "\n".join([*lines, "}", ""])


def functions_of(y: Variable) -> list[Function]:
    """The functions that ``y`` was made by, first to last; a loop, so that long chains work."""
    found: list[Function] = []
    seen: set[Function] = set()
    waiting = [y.creator]
    while waiting:
        function = waiting.pop()
        if function is not None and function not in seen:
            seen.add(function)
            found.append(function)
            waiting += [v.creator for v in reversed(function.inputs)]
    order = {function: position for position, function in enumerate(found)}
    return sorted(found, key=lambda function: (function.generation, order[function]))


def _gradients(y: Variable, seed: Any, flows: dict[Function, tuple[Any, ...]]) -> dict[int, Any]:
    """Gradients by id of the variable; what came back along every arrow is noted in ``flows``."""

    def watch(function: Function, gys: tuple[Any, ...], gxs: tuple[Any, ...]) -> None:
        flows[function] = gxs

    lift = lifting(y.arithmetic, False)
    with record(False), np.errstate(all="ignore"):
        start = lift(as_raw(starting_gradient(y, seed)))
        found = propagate(y, start, lift, retain=True, watch=watch)
    return {key: as_raw(gradient) for key, (_, gradient) in found.items()}


def _look(value: Any) -> str:
    if not isinstance(value, Variable):
        return _CONSTANT
    return _VARIABLE if value.creator is not None else _GIVEN


def _label(value: Any, gradients: dict[int, Any]) -> str:
    if not isinstance(value, Variable):
        return text_of(value)
    name = f"{value.name} = " if value.name else ""
    gradient = gradients.get(id(value))
    return f"{name}{text_of(value.raw)}" + ("" if gradient is None else f"\ngrad {text_of(gradient)}")


def text_of(array: Any) -> str:
    """Numbers with six digits; of a larger array its shape."""
    values = np.asarray(array)
    if values.size > SHOWN:
        return f"shape {values.shape}"
    text = [f"{float(v):.6g}" for v in values.ravel()]
    return text[0] if values.ndim == 0 else f"[{', '.join(text)}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


# files ----------------------------------------------------------------------------------------------------


def draw(dot: str, path: Path | str) -> Path:
    """Write a graph: DOT text as it is, a picture through Graphviz.

    Raises
    ------
    UserError
        If the ending is none of ``.svg .png .pdf .dot .gv``, the graph is too large for a picture, or the
        program ``dot`` is not installed.
    MissingExtraError
        If the Python package ``graphviz`` is not installed.
    """
    path = Path(path)
    check_ending(path)
    content = dot.encode() if path.suffix in TEXT else _picture(dot, path.suffix)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
    return path


def check_ending(path: Path) -> None:
    """Complain about a file name before the work and not after it."""
    if path.suffix not in (*PICTURES, *TEXT):
        raise UserError(f"{path}: the name must end in {', '.join(PICTURES)} (a picture) or .dot (text)")


def _picture(dot: str, suffix: str) -> bytes:
    instead = f"; DOT text needs nothing: end the name in .dot instead of {suffix}"
    size = sum(1 for _ in _function_lines(dot))
    if size > LARGEST:
        raise UserError(f"a graph of {size} functions is too large for a picture (up to {LARGEST}){instead}")
    try:
        import graphviz
    except ModuleNotFoundError:
        raise MissingExtraError("graphviz", "graph", f"a graph as {suffix}") from None
    try:
        picture: bytes = graphviz.Source(dot).pipe(format=suffix[1:])
    except graphviz.ExecutableNotFound:
        raise UserError(
            f"a graph as {suffix} needs Graphviz's program `dot`, which is not installed or not on the PATH "
            f"(Debian, Ubuntu: apt install graphviz){instead}"
        ) from None
    except graphviz.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().split("\n")[0]
        raise UserError(f"Graphviz could not draw the graph: {said or error}{instead}") from error
    return picture


def _function_lines(dot: str) -> Iterator[str]:
    return (line for line in dot.splitlines() if _FUNCTION in line)
