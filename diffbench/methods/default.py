"""Which method is used when none is named: one place, for ``db.derivative`` and ``db.gradient`` alike."""

from __future__ import annotations

from typing import Any

AUTOMATIC = "auto"
STENCIL = "central-2"


def default_method(derivative: int = 1, step: Any = None) -> str:
    """``auto`` for first and second derivatives; ``central-2`` where a step is given or the order is higher."""
    return AUTOMATIC if step is None and derivative in (1, 2) else STENCIL
