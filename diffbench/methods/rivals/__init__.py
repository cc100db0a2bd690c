"""Rivals: other libraries' derivatives, each called the way its own documentation shows.

* ``rivals()``: every rival by name, installed or not.

One file per library. A new one is found by being here: a module whose functions carry
``@rival(package=..., tested=..., docs=...)``. Nothing of the library is imported before its first call.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from diffbench.methods.rivals.rival import REGISTERED, Rival, rival

__all__ = ["Rival", "rival", "rivals"]


@cache
def rivals() -> Mapping[str, Rival]:
    """Every rival, as a read-only mapping name -> :class:`Rival`."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return MappingProxyType(dict(sorted(REGISTERED.items())))
