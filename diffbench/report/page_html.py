"""``index.html`` from its templates: the content of the report, the page's own data, style and scripts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from diffbench.report import page_assets
from diffbench.report.figcache import Figure
from diffbench.report.page_images import images
from diffbench.report.tables import Table

TEMPLATE = "index.html.j2"
_NUMBER = re.compile(r"[−+]?[\d∞]|–$|under |over ")
ANY, SAME, FORMAT = "any", "same_as", "{format}"


def page_context(
    content: Mapping[str, Any], figures: list[Figure], folder: Path, first: list[str]
) -> dict[str, Any]:
    """What the templates of the page need beside the content of the report.

    Parameters
    ----------
    content : mapping
        What ``REPORT.md`` is made from, with ``formats``.
    figures : list of Figure
        Those that are inlined.
    folder : Path
        Where their files are.
    first : list of str
        Names of the figures that must be there without scripts, the most important first.
    """
    return {
        "inlined": images(figures, folder, first),
        "aligned": aligned,
        "explained": lambda table: explained(table, content["formats"]),
        "style": page_assets.style(),
        "early": page_assets.EARLY,
        "script": page_assets.script(),
        "policy": page_assets.policy(),
    }


def aligned(table: Table) -> list[bool]:
    """Which columns hold numbers: those that every cell of begins like one, whatever the table says."""
    columns = zip(*table.rows, strict=True) if table.rows else ((),) * len(table.columns)
    return [bool(cells) and all(map(_NUMBER.match, cells)) for cells in columns]


@cache
def _words() -> dict[str, dict[str, str]]:
    path = Path(__file__).parent / "templates" / "columns.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def explained(table: Table, formats: list[str]) -> list[tuple[str, str]]:
    """The columns of a table with what they mean; those of the formats once."""
    own, usual = _words().get(table.key, {}), _words()[ANY]
    own = _words().get(own.get(SAME, ""), {}) | own
    found: dict[str, str] = {}
    for column in table.columns:
        general = next(
            (column.replace(name, FORMAT, 1) for name in formats if column.startswith(name)), column
        )
        meaning = own.get(column) or own.get(general) or usual.get(column) or usual.get(general)
        if meaning:
            found.setdefault(general if general in own or general in usual else column, meaning)
    return [(name.replace(FORMAT, "(format)"), meaning) for name, meaning in found.items()]
