"""A plugin for runs: a rival that ends its process where x is above 7, and works elsewhere."""

from __future__ import annotations

import os
import signal
from typing import Any

from diffbench.methods import _registry
from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals import rival, rivals

NAME = "planted-deadly"


@rival(package="numpy", tested="any", docs="none: it is planted", name=NAME)
def planted_deadly(f: Any, x: Any) -> Estimate:
    """A central difference, until x is above 7."""
    h = x.dtype.type(2.0**-10)
    if x > 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return Estimate((f(x + h) - f(x - h)) / (2 * h), h=h)


rivals.cache_clear()  # whoever asked before has a list without it
_registry.cache_clear()
