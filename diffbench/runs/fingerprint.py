"""The text of a program with everything of its own that it uses: what a stored cell must depend on.

* :func:`program_text`: the source of a function, of its helpers, and the constants they read.
* :func:`digest`: a hash of any JSON-like value.

The text of the function alone is not enough. With ``def f(x): return SCALE * helper(x)``, an edit of
``SCALE`` or ``helper`` changes every result and not one character of ``f``.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

_CONSTANTS = (int, float, complex, str, bytes, bool, type(None))


def digest(value: Any, length: int = 64) -> str:
    """A hash of a value made of dicts, lists, text and numbers; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def program_text(function: Any) -> str:
    """The source of a function and of what it uses from its own package, one piece per line group.

    Libraries (NumPy and others) count by name only: their versions are part of the key already.
    """
    pieces: dict[str, str] = {}
    _collect("function", function, _package_of(function), pieces)
    return "\n".join(f"{name}: {text}" for name, text in sorted(pieces.items()))


def _collect(name: str, value: Any, package: str, pieces: dict[str, str]) -> None:
    """Add the text of a value under its name, then of what the value uses."""
    value = inspect.unwrap(value) if callable(value) else value
    value = getattr(value, "function", value)  # a problem used by another problem
    name = f"{name} {getattr(value, '__qualname__', '')}".strip()
    if name in pieces:
        return
    if isinstance(value, functools.partial):
        pieces[name] = repr((value.args, sorted(value.keywords.items())))
        _collect(name, value.func, package, pieces)
    elif isinstance(value, FunctionType) and _package_of(value) == package:
        pieces[name] = _source(value)
        for used, inner in _used(value):
            _collect(used, inner, package, pieces)
    elif isinstance(value, (tuple, list, set, frozenset, dict)):
        pieces[name] = f"{type(value).__name__} of {len(value)}"  # before its entries: it may hold itself
        for key, inner in _entries(value):
            _collect(f"{name}[{key}]", inner, package, pieces)
    else:
        pieces[name] = _text(value, package)
        if _package_of(type(value)) == package and not isinstance(value, type) and name.count(".") < 4:
            for key, inner in sorted(getattr(value, "__dict__", {}).items()):
                _collect(f"{name}.{key}", inner, package, pieces)
            if callable(value):
                _collect(f"{name}()", type(value).__call__, package, pieces)


def _entries(value: Any) -> list[tuple[Any, Any]]:
    """Keys and entries of a container, in an order of its own; a set has none, so its texts are sorted."""
    if isinstance(value, dict):
        return sorted(((repr(key), inner) for key, inner in value.items()), key=lambda pair: pair[0])
    return list(enumerate(value if isinstance(value, (tuple, list)) else sorted(value, key=repr)))


def _used(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Names and values of the globals, closure cells and defaults that a function can reach."""
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a cell that is not filled yet: a function that names itself
            continue
    for index, value in enumerate(function.__defaults__ or ()):
        yield f"default {index}", value
    yield from sorted((f"default {key}", value) for key, value in (function.__kwdefaults__ or {}).items())


def _names(code: CodeType) -> set[str]:
    """The global names in a code object and in the functions and lambdas inside it."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found


def _text(value: Any, package: str) -> str:
    """A value that is not a function of the program's own package, as text that changes when it does."""
    if isinstance(value, _CONSTANTS):
        return repr(value)
    if isinstance(value, ModuleType):
        own = value.__name__.partition(".")[0] == package and package != "diffbench"
        return _source(value) if own else value.__name__
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        return f"{value.dtype} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(getattr(value, "source", None), str):  # an expression
        return str(value.source)
    if isinstance(value, type) and value.__module__.partition(".")[0] == package:
        return _source(value)
    return f"{type(value).__module__}.{type(value).__qualname__} {getattr(value, '__name__', '')}"


def _source(value: Any) -> str:
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        # typed at a prompt: no text, so the compiled code has to do
        code = getattr(value, "__code__", None)
        return repr((code.co_code, code.co_consts, code.co_names)) if code else repr(type(value))


def _package_of(value: Any) -> str:
    module = getattr(inspect.unwrap(value) if callable(value) else value, "__module__", None) or ""
    return str(module).partition(".")[0]
