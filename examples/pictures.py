"""What the scripts share: where their pictures go, and the look of the report's figures."""

import sys
import tempfile
from pathlib import Path

from diffbench.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, VERMILLION, canvas, drawing, save

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PALE",
    "VERMILLION",
    "canvas",
    "drawing",
    "folder",
    "save",
]


def folder() -> Path:
    """The folder given as argument, or a new temporary one."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="diffbench-"))
    path.mkdir(parents=True, exist_ok=True)
    print(f"pictures go to {path}")
    return path
