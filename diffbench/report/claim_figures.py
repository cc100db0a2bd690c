"""The figures of the claims: ``autodiff_figure(cases)``, reverse mode against the best finite difference."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from diffbench.report import marks, style
from diffbench.report.data import ORDER_OF_FORMATS, ordered, select
from diffbench.report.style import GREY


def autodiff_figure(cases: pd.DataFrame) -> Figure:
    """Relative error of reverse mode against that of the best stencil, a mark per point and format.

    Parameters
    ----------
    cases : DataFrame
        With the columns format, autodiff and stencil: relative errors; those below the axis stand on it.
    """
    with style.drawing():
        figure, (axes,) = style.canvas("Reverse mode against the best finite difference", height=4.8)
        sizes = cases[["autodiff", "stencil"]].to_numpy(float)
        sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
        smallest = float(np.min(sizes)) if len(sizes) else 1e-17
        low, high = 10.0 ** max(math.floor(math.log10(smallest)), -18), 10.0
        for axis in "xy":
            marks.decades(axes, axis, low, high)
        axes.plot([low, high], [low, high], color=GREY, linewidth=0.9, zorder=1)
        formats = ordered(cases["format"], ORDER_OF_FORMATS)
        for name in formats:
            mine, look = select(cases, format=name), style.look_of_format(name)
            x, y = (np.clip(mine[key].to_numpy(float), low, high) for key in ("stencil", "autodiff"))
            axes.plot(x, y, ls="none", marker=look.marker, ms=4, mew=0, color=look.color, alpha=0.6)
        axes.set_xlabel("relative error of the best stencil at its robust best step")
        axes.set_ylabel("relative error of reverse mode")
        axes.set_title("below the diagonal: reverse mode is more accurate", loc="left")
        style.legend(figure, [style.handle(style.look_of_format(name), name, line=False) for name in formats])
        return figure
