"""Bridges: the same plain NumPy program, differentiated by other libraries.

* ``bridges()``: every bridge by name, installed or not: ``autograd``, ``jax``, ``torch``.
* ``get_bridge("jax").differentiate(f, x, format="float32")``: value and derivative, by JAX.

A library is imported when its bridge is first used; a missing one is refused with the extra that installs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from diffbench.errors import UnknownNameError
from diffbench.methods.bridges.autograd import AutogradBridge
from diffbench.methods.bridges.bridge import Bridge, Differentiated
from diffbench.methods.bridges.jax import JaxBridge
from diffbench.methods.bridges.torch import TorchBridge

__all__ = ["Bridge", "Differentiated", "bridges", "get_bridge"]


@cache
def bridges() -> Mapping[str, Bridge]:
    """Every bridge, as a read-only mapping name -> :class:`Bridge`."""
    known: tuple[Bridge, ...] = (AutogradBridge(), JaxBridge(), TorchBridge())
    return MappingProxyType({bridge.name: bridge for bridge in known})


def get_bridge(name: str) -> Bridge:
    """The bridge of that name.

    Raises
    ------
    UnknownNameError
        If there is none; the message suggests the nearest.
    """
    if name not in bridges():
        raise UnknownNameError("bridge", name, bridges())
    return bridges()[name]
