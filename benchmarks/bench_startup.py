"""What it costs to start: ``import diffbench`` beyond NumPy, and ``diffbench --help``."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter
from typing import Any

ROUNDS = 7


def seconds(*command: str) -> float:
    """Smallest wall time of a command over several runs."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        best = min(best, perf_counter() - start)
    return best


def python(code: str) -> float:
    return seconds(sys.executable, "-c", code)


def test_import(benchmark: Any) -> None:
    """``import diffbench`` after ``import numpy``."""
    extra = python("import numpy, diffbench") - python("import numpy")
    benchmark.extra_info.update({"milliseconds_beyond_numpy": round(1000 * extra, 1), "target": 60})
    benchmark.pedantic(lambda: python("import diffbench"), rounds=1)


def test_help(benchmark: Any) -> None:
    """``diffbench --help``, as a process of its own."""
    command = (sys.executable, "-m", "diffbench", "--help")
    benchmark.extra_info.update({"seconds": round(seconds(*command), 3), "target": 0.4})
    benchmark.pedantic(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), rounds=3)
