"""Kinds of cells, one module each: what plans them, computes them in a worker, and merges their frames.

* :func:`kinds`: all of them, in the order in which a run plans them; :func:`get_kind`: one by name.

To add one, write ``diffbench/runs/kinds/<name>.py`` with a :class:`~diffbench.runs.kinds.kind.Kind` called
``KIND`` and put its name into ``NAMES``. Storage, keys, resuming, worker processes, time limits, progress
and the manifest then work for it; what it needs from the user is a table of the suite
(:mod:`diffbench.runs.suite`), and its tables are read by :meth:`Run.table <diffbench.runs.folder.Run.table>`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from diffbench.runs.kinds.kind import Kind, Work

__all__ = ["NAMES", "Kind", "Work", "get_kind", "kinds"]

NAMES = (
    "sweep",
    "map",
    "tournament",
    "gradients",
    "random",
)


@cache
def get_kind(name: str) -> Kind:
    """The kind of that name."""
    kind: Kind = import_module(f"diffbench.runs.kinds.{name}").KIND
    return kind


def kinds() -> list[Kind]:
    """Every kind, in the order of planning."""
    return [get_kind(name) for name in NAMES]
