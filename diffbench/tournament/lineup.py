"""Which methods take part: names and patterns -> methods.

central-2@1e-4      one method
central-2@*         all listed methods of that shape
family:rival        a family (stencil, extrapolation, complex plane, autodiff, automatic, rival)
all                 every listed method
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from diffbench.errors import UnknownNameError, UserError
from diffbench.methods import Method, get_method, methods
from diffbench.methods.method import FAMILIES


def lineup(patterns: str | Method | Sequence[str | Method]) -> list[Method]:
    """The methods that names and patterns choose, each once, in the order of the patterns.

    Raises
    ------
    UserError
        If a pattern matches nothing; for a name, the nearest is suggested.
    """
    if isinstance(patterns, str | Method):
        patterns = [patterns]
    if not patterns:
        raise UserError('no methods: give at least one, such as "central-2@eps-scaled", or "all"')
    known = methods()
    chosen: dict[str, Method] = {}
    for pattern in patterns:
        for method in [pattern] if isinstance(pattern, Method) else _matching(pattern, known):
            chosen[method.name] = method
    return list(chosen.values())


def _matching(pattern: str, known: Mapping[str, Method]) -> Iterable[Method]:
    if pattern == "all":
        return known.values()
    kind, colon, name = pattern.partition(":")
    if colon and kind == "family":
        if name not in FAMILIES:
            raise UnknownNameError("family", name, FAMILIES)
        return [method for method in known.values() if method.family == name]
    if any(sign in pattern for sign in "*?"):
        found = [method for method in known.values() if fnmatchcase(method.name, pattern)]
        if not found:
            raise UserError(f"no method matches {pattern!r}; `diffbench list methods` shows them")
        return found
    return [get_method(pattern)]
