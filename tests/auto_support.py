"""What the tests of ``auto`` share: plain functions as samples, and the benchmarks' scripts as modules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

Function = Callable[[Any], Any]


def plain(f: Function) -> Function:
    """A function of float64 arrays as a sample: no warnings, constants broadcast."""

    def sample(nodes: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(f(nodes)) + 0.0 * np.asarray(nodes)

    return sample


def load(name: str) -> ModuleType:
    path = Path(__file__).parent.parent / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
