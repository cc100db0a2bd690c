"""The report of a run folder: figures, ``REPORT.md`` and ``index.html``, from the stored files alone.

``render(folder)`` can be called again at any time: figures whose data did not change are not drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from diffbench.errors import UserError
from diffbench.report import random_report, several_report
from diffbench.report.claims import Claim, measured
from diffbench.report.claims_rows import CLAIMS
from diffbench.report.contents import FINDINGS, TABLES, gather
from diffbench.report.data import RunData, open_run, select
from diffbench.report.figcache import Figure, Progress, draw
from diffbench.report.figures import main_figures, problem_figures
from diffbench.report.page_data import Interactive
from diffbench.report.page_example import worked_example
from diffbench.report.page_headlines import headlines
from diffbench.report.page_html import TEMPLATE, page_context
from diffbench.report.page_rows import MOST_ROWS
from diffbench.report.tables import Table
from diffbench.report.text import NONE, count, fixed, point_text
from diffbench.runs.store import write_text

REPORT, PAGE, FIGURES = "REPORT.md", "index.html", "figures"
LIMIT = 6_000_000  # bytes of the page
FIGURES_LATER = {"random"}  # sections whose tables say it all where there are no scripts
SIGNATURE = "overview-precisions"  # on the first screen, where the scripts draw it again
SECTIONS = (
    (
        "precision",
        "Precision and the best step",
        ("overview-precisions", "overview-stencils", "best-steps"),
        ("digits", "steps"),
    ),
    ("claims", "Claims, measured", (), ()),
    (
        "tournament",
        "Which h? The tournament of methods",
        (
            "tournament-targets",
            "tournament-profile",
            "tournament-which-h-float64",
            "tournament-which-h-float16",
            "tournament-steps",
            "tournament-groups-float64",
            "tournament-groups-float16",
            "tournament-calibration",
        ),
        (
            "tournament_board",
            "tournament_others",
            "tournament_noisy",
            "tournament_kinked",
            "tournament_kinks",
            "tournament_absent",
        ),
    ),
    (
        "random",
        "Random functions",
        random_report.FIGURES,
        ("random_methods", "random_groups", "random_absent"),
    ),
    (
        "several",
        "Several variables",
        several_report.FIGURES,
        ("gradient_methods", "gradient_growth", "gradient_stalls"),
    ),
    ("order", "Observed order", ("orders",), ("orders",)),
    ("parts", "The five parts of an error", ("decomposition",), ()),
    ("half", "Half precision", ("half-map", "variants"), ("variants", "half_steps")),
    ("truth", "What is known of the truth", (), ("references",)),
    ("rows", "What did not work", (), ("statuses", "hardest")),
)


@dataclass(frozen=True)
class Rendered:
    """The files of a report.

    Attributes
    ----------
    report, page : Path
        ``REPORT.md`` and ``index.html``.
    figures : tuple of Path
        Every SVG of the report; a PNG of the same name lies beside each.
    redrawn : int
        Figures that had to be drawn this time.
    missing : tuple of str
        What the run cannot show, in sentences that the report prints too.
    """

    report: Path
    page: Path
    figures: tuple[Path, ...]
    redrawn: int
    missing: tuple[str, ...]


def render(folder: Path, progress: Progress | None = None) -> Rendered:
    """Write the report of a run folder.

    Parameters
    ----------
    folder : Path
        With ``sweep.parquet``, ``references.parquet`` and ``summary.csv``; others are used where present.
    progress : callable, optional
        Called with (figures done, figures to draw, what was done).

    Raises
    ------
    UserError
        If the folder is not a complete run, or cannot be written.
    """
    run = open_run(Path(folder))
    try:
        return _render(run, progress)
    except OSError as error:
        raise UserError(f"cannot write the report into {folder}: {error.strerror or error}") from error


def _render(run: RunData, progress: Progress | None) -> Rendered:
    figures, missing = main_figures(run)
    singles = list(problem_figures(run))
    drawn = draw([*figures, *singles], run.folder / FIGURES, progress)
    missing += [f"The figure {name} could not be drawn: {why}" for name, why in drawn.failed.items()]
    figures = [figure for figure in figures if figure.name not in drawn.failed]
    singles = [figure for figure in singles if figure.name not in drawn.failed]
    tables, without_tables = gather(TABLES, run)
    findings, without_findings = gather(FINDINGS, run)
    claims, without_claims = measured(run, CLAIMS)
    missing = list(dict.fromkeys([*missing, *without_findings, *without_tables, *without_claims]))
    interactive = Interactive.of(run)
    extra, without_extra = gather(
        {"recommended": lambda _: interactive.recommended(), "example": worked_example}, run
    )
    missing += without_extra
    content: dict[str, Any] = {
        "title": _title(run),
        "subtitle": _subtitle(run),
        "state": _state(run),
        "headlines": headlines(run),
        "findings": list(findings.values()),
        "recommended": extra.get("recommended"),
        "missing": missing,
        "lesson": next((figure for figure in figures if figure.name == "secants"), None),
        "sections": _sections(figures, tables, _claim_rows(claims, [*figures, *singles])),
        "problems": _problem_rows(run, singles),
        "formats": run.formats,
        "environment": [tables[key] for key in ("environment", "benchmarks") if key in tables],
        "folder": FIGURES,
    }
    report, page = run.folder / REPORT, run.folder / PAGE
    write_text(report, _environment(html=False).get_template("report.md.j2").render(content))
    write_text(page, _page(run, content, figures, interactive, extra.get("example")))
    paths = tuple(run.folder / FIGURES / f"{figure.name}.svg" for figure in [*figures, *singles])
    return Rendered(report, page, paths, len(drawn.redrawn), tuple(missing))


def _page(
    run: RunData, content: dict[str, Any], figures: list[Figure], interactive: Interactive, example: object
) -> str:
    """The text of ``index.html``, with as many rows as `LIMIT` leaves room for."""
    sections = content["sections"]
    leading = [s.figures[0].name for s in sections if s.figures and s.key not in FIGURES_LATER]
    first = [SIGNATURE, "secants", *leading]
    content = content | page_context(content, figures, run.folder / FIGURES, first)
    content |= {
        "signature": next((figure for figure in figures if figure.name == SIGNATURE), None),
        "placed": {SIGNATURE},
        "anchors": [section.key for section in sections],
        "example": example,
    }
    template = _environment(html=True).get_template(TEMPLATE)
    for share in (1, 2, 3, 5, 10):
        text = template.render(content, payload=interactive.payload(MOST_ROWS // share))
        if len(text.encode("utf-8")) <= LIMIT:
            break
    return text


@dataclass(frozen=True)
class Section:
    """A part of the report: its claims, its figures, then its tables."""

    key: str
    title: str
    figures: list[Figure]
    tables: list[Table]
    claims: list[ClaimRow]


@dataclass(frozen=True)
class ClaimRow:
    """A claim with the figures made for it, and those of other sections that it links to."""

    claim: Claim
    figures: list[Figure]
    links: list[Figure]


def _claim_rows(claims: list[Claim], figures: list[Figure]) -> list[ClaimRow]:
    drawn = {figure.name: figure for figure in figures}
    rows = []
    for claim in claims:
        found = [drawn[name] for name in claim.figures if name in drawn]
        own = [figure for figure in found if figure.name.startswith("claims-")]
        rows.append(ClaimRow(claim, own, [figure for figure in found if figure not in own]))
    return rows


def _sections(figures: list[Figure], tables: dict[str, Table], claims: list[ClaimRow]) -> list[Section]:
    drawn = {figure.name: figure for figure in figures}
    made = [
        Section(
            key,
            title,
            [drawn[n] for n in names if n in drawn],
            [tables[t] for t in keys if t in tables],
            claims if key == "claims" else [],
        )
        for key, title, names, keys in SECTIONS
    ]
    return [section for section in made if section.figures or section.tables or section.claims]


def _title(run: RunData) -> str:
    suite = run.manifest.get("suite")
    content = suite.get("content") if isinstance(suite, dict) else None
    title = content.get("title") if isinstance(content, dict) else None
    return f"diffbench: {title}" if title else "diffbench: errors of finite differences"


def _subtitle(run: RunData) -> str:
    rows = int(run.status_counts["rows"].sum()) if len(run.status_counts) else 0
    problems = run.status_counts["problem"].nunique() if len(run.status_counts) else 0
    stencils = run.summary[["derivative", "stencil"]].drop_duplicates().shape[0]
    ok = int(select(run.status_counts, status="ok")["rows"].sum()) if rows else 0
    formulas, functions = count(stencils, "finite-difference formula"), count(problems, "function")
    formats, certified = count(len(run.formats), "number format"), count(ok, "has", "have")
    return (
        f"How wrong {formulas} are for {functions} in {formats}, over every step: {count(rows, 'row')}, "
        f"of which {certified} a certified error, split into parts; the others say why not."
    )


def _state(run: RunData) -> str:
    """A warning when the manifest says that the run is not finished."""
    state = run.manifest.get("state")
    return (
        "This run is not complete: its tables may be those of an earlier one."
        if state not in (None, "complete")
        else ""
    )


@dataclass(frozen=True)
class ProblemRow:
    """A problem in the list of all: its figure, and the digits of its best stencil at that point."""

    figure: Figure
    group: str
    point: str
    digits: list[str]


def _problem_rows(run: RunData, figures: list[Figure]) -> list[ProblemRow]:
    groups = run.problems.set_index("problem")["group"].to_dict() if len(run.problems) else {}
    scores = select(run.summary, variant="integer", derivative=run.main_derivative)
    digits = scores.groupby(["problem", "point", "format"], sort=False)["digits"].max().to_dict()
    rows = []
    for figure in figures:
        name, point = figure.title, str(figure.arguments["sweep"]["point"].iloc[0])
        best = [fixed(digits.get((name, point, f))) for f in run.formats]
        rows.append(ProblemRow(figure, str(groups.get(name, NONE)), point_text(point), best))
    return rows


def _environment(*, html: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("diffbench.report", "templates"),
        autoescape=html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["cell"] = _markdown_cell
    return environment


def _markdown_cell(text: str) -> str:
    """Text that cannot end a cell, start another or become markup."""
    for character in "\\|*<_`":
        text = text.replace(character, f"\\{character}" if character != "<" else "&lt;")
    return " ".join(text.split())
