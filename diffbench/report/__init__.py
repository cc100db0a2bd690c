"""The report layer: figures, tables, findings in words and the page, from the files of a run folder.

* ``render(folder)``: writes ``figures/``, ``REPORT.md`` and ``index.html``; gives a ``Rendered``.
* ``report.figures.error_figure(sweep, references, summary)``: the figure of one sweep.

Nothing is imported before it is asked for: matplotlib and pandas are slow to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffbench.report.page import Rendered, render

__all__ = ["Rendered", "render"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from diffbench.report import page

        return getattr(page, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
