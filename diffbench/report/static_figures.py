"""The figures of a run as files of their own, for papers and slides, in the look of the report.

``write_figures(folder, out, ".pdf")`` draws them all; the same run gives the same bytes every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diffbench.errors import UserError
from diffbench.report.data import open_run
from diffbench.report.figcache import Progress, draw_into
from diffbench.report.figures import main_figures, problem_figures
from diffbench.report.style import FILES

KINDS = tuple(suffix[1:] for suffix in FILES)


@dataclass(frozen=True)
class Written:
    """Files that were written, and sentences on figures that could not be."""

    files: tuple[Path, ...]
    missing: tuple[str, ...]


def write_figures(folder: Path, out: Path, kind: str, progress: Progress | None = None) -> Written:
    """Draw every figure of a run into a folder.

    Parameters
    ----------
    folder, out : Path
        The run folder, which is only read, and where the files go; it is made if need be.
    kind : str
        ``svg``, ``png`` or ``pdf``.

    Raises
    ------
    UserError
        If the folder is not a run, the kind is none of the three, or `out` cannot be written.
    """
    if kind not in KINDS:
        raise UserError(f"no figures as {kind!r}: choose {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    run = open_run(folder)
    figures, missing = main_figures(run)
    figures += problem_figures(run)
    written = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for figure, failure in draw_into(figures, out, f".{kind}", progress):
            if failure:
                missing.append(f"The figure {figure.name} could not be drawn: {failure}")
            else:
                written.append(out / f"{figure.name}.{kind}")
    except OSError as error:
        raise UserError(f"cannot write figures into {out}: {error.strerror or error}") from error
    return Written(tuple(sorted(written)), tuple(missing))
