"""What every test runs under: no display, repeatable generated cases, and global state left as it was."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

# No deadline: the machine's speed is not what is tested. Derandomised: a run can be repeated.
settings.register_profile("diffbench", deadline=None, derandomize=True)
settings.load_profile("diffbench")


def _global_state() -> dict[str, object]:
    """Precision and error handling of the libraries; their defaults before they are loaded."""
    mpmath, flint = sys.modules.get("mpmath"), sys.modules.get("flint")
    return {
        "np.geterr()": np.geterr(),
        "mpmath.mp.prec": mpmath.mp.prec if mpmath else 53,
        "flint.ctx.prec": flint.ctx.prec if flint else 53,
        "flint.ctx.cap": flint.ctx.cap if flint else 10,
    }


@pytest.fixture(autouse=True)
def global_state_is_kept() -> Iterator[None]:
    """Fail a test that leaves NumPy's, mpmath's or FLINT's global state changed, and put it back."""
    before = _global_state()
    yield
    after = _global_state()
    if after != before:
        np.seterr(**before["np.geterr()"])
        if "mpmath" in sys.modules:
            sys.modules["mpmath"].mp.prec = before["mpmath.mp.prec"]
        if "flint" in sys.modules:
            sys.modules["flint"].ctx.prec = before["flint.ctx.prec"]
            sys.modules["flint"].ctx.cap = before["flint.ctx.cap"]
        changed = [name for name in before if before[name] != after[name]]
        pytest.fail(f"left changed for the tests that follow: {', '.join(changed)}")
