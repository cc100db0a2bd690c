"""Which method is used when none is named: one place, for ``db.derivative`` and ``db.gradient`` alike."""

from __future__ import annotations

from typing import Any

AUTOMATIC = "auto"
STENCIL = "central-2"


def default_method(derivative: int = 1, step: Any = None) -> str:
    """``auto`` for first and second derivatives; ``central-2`` with a step, or for a higher order."""
    return AUTOMATIC if step is None and derivative in (1, 2) else STENCIL
