"""Everything a report says about a run: findings, tables, and sentences on those it cannot have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from diffbench.report import (
    findings,
    findings_rows,
    random_report,
    several_findings,
    several_report,
    tables,
    tables_run,
    tournament_findings,
    tournament_tables,
)
from diffbench.report.data import Missing, RunData
from diffbench.report.findings import Finding
from diffbench.report.tables import Table

T = TypeVar("T")

FINDINGS: Mapping[str, Callable[[RunData], Finding]] = {
    make.__name__: make
    for make in (
        findings.best_digits,
        findings.half_precision,
        findings.single_precision,
        findings.double_precision,
        findings.higher_order,
        findings_rows.observed_orders,
        findings_rows.exact_stencils,
        findings_rows.rounding_slopes,
        findings.predictions,
        findings.luck,
        findings_rows.largest_parts,
        findings.variant_gains,
        findings_rows.certified,
        findings_rows.failures,
        findings_rows.kinks,
        tournament_findings.tournament_winners,
        tournament_findings.tournament_textbook,
        tournament_findings.tournament_silent,
        tournament_findings.tournament_estimates,
        tournament_findings.tournament_steps,
        tournament_findings.tournament_half,
        tournament_findings.tournament_kinks,
        random_report.random_functions,
        *several_findings.FINDINGS,
    )
}
TABLES: Mapping[str, Callable[[RunData], Table]] = {
    make.__name__: make
    for make in (
        tables.digits,
        tables.steps,
        tables.orders,
        tables.variants,
        tables_run.statuses,
        tables_run.references,
        tables_run.hardest,
        tables_run.benchmarks,
        tables_run.environment,
        tournament_tables.tournament_board,
        tournament_tables.tournament_others,
        tournament_tables.tournament_noisy,
        tournament_tables.tournament_kinked,
        tournament_tables.tournament_kinks,
        tournament_tables.half_steps,
        tournament_tables.tournament_absent,
        *random_report.TABLES,
        *several_report.TABLES,
    )
}


def gather(makers: Mapping[str, Callable[[RunData], T]], run: RunData) -> tuple[dict[str, T], list[str]]:
    """What each maker makes of a run, by its name, and the reasons of those that had to give up."""
    made: dict[str, T] = {}
    missing: list[str] = []
    for name, make in makers.items():
        try:
            made[name] = make(run)
        except Missing as reason:
            missing.append(str(reason))
    return made, missing
