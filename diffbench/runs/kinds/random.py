"""Random functions: one method on a block of the cases of a seed in one format.

A suite asks for them with its table ``[random]``. A block depends on nothing but the seed and its place, so a
run that is stopped keeps the finished ones, and a suite that asks for more cases adds blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diffbench.arithmetic.formats import get_format
from diffbench.errors import UserError
from diffbench.runs.cells import KEY_LENGTH, Cell
from diffbench.runs.environment import package_version
from diffbench.runs.fingerprint import digest
from diffbench.runs.kinds.kind import Kind
from diffbench.runs.store import CellStore, stack, write_csv, write_table

if TYPE_CHECKING:
    import pandas as pd

    from diffbench.methods import Method
    from diffbench.runs.suite import RandomFunctions, Suite

ROWS, BOARD = "random-set.parquet", "random-scores.csv"
BLOCK = 200  # cases of a cell: two seconds for the slowest method


@dataclass(frozen=True)
class Seed:
    """What random functions have in the place of a problem."""

    number: int

    @property
    def name(self) -> str:
        return f"seed {self.number}"


@dataclass(frozen=True)
class Settings:
    """A method on the cases number ``start`` to ``stop - 1``, with the seconds it may take for one."""

    method: str
    start: int
    stop: int
    limit: float

    @property
    def task(self) -> str:
        return f"{self.method} {self.start + 1} to {self.stop}"


def plan(suite: Suite, before: list[Cell]) -> list[Cell]:
    """Blocks of cases for every format and method; a method that cannot take part has one, which says why."""
    wanted = suite.random
    if wanted is None:
        return []
    methods, surroundings = _methods(wanted), KIND.surroundings()
    seed, cells = Seed(wanted.seed), []
    for fmt, count in wanted.cases.items():
        for method in methods:
            absent = bool(method.refusal(get_format(fmt), 1))
            for start in range(0, count, count if absent else BLOCK):
                stop = count if absent else min(start + BLOCK, count)
                settings = Settings(method.name, start, stop, wanted.limit)
                content = {
                    "kind": "random",
                    "seed": seed.number,
                    "format": fmt,
                    "settings": vars(settings),
                    "version": _version(method),
                    "surroundings": surroundings,
                }
                cost = 1e3 if absent else 2e3 * (stop - start)
                cells.append(Cell(seed, fmt, settings, digest(content, KEY_LENGTH), cost, "random"))
    return cells


def _methods(wanted: RandomFunctions) -> list[Method]:
    from diffbench.random_functions import OWN
    from diffbench.tournament import lineup

    try:
        return lineup([OWN.get(name, name) for name in wanted.methods])
    except UserError as error:
        raise UserError(f"random.methods: {error}") from None


def _version(method: Method) -> str | bool | None:
    """What a method's numbers depend on besides our own code: the library and its version."""
    from diffbench.methods.rivals import rivals

    if method.family == "rival":
        return rivals()[method.name].installed
    return package_version(method.name) if method.extra else method.available


def compute(seed: Seed, format_name: str, settings: Settings) -> dict[str, pd.DataFrame]:
    """The rows of a block."""
    return _block(seed, format_name, settings, isolated=False)


def rescue(seed: Seed, format_name: str, settings: Settings) -> dict[str, pd.DataFrame]:
    """The same, every case in a process of its own: what is deadly costs its own row only."""
    return _block(seed, format_name, settings, isolated=True)


def _block(seed: Seed, format_name: str, settings: Settings, isolated: bool) -> dict[str, pd.DataFrame]:
    from diffbench.random_functions import cases_between, find, measured, rows_frame

    method, start, stop = find(settings.method), settings.start, settings.stop
    refusal = method.refusal(get_format(format_name), 1)
    if refusal:
        return failure(seed, format_name, settings, "refused", refusal)
    drawn = cases_between(seed.number, format_name, start, stop)
    rows = [measured(method, case, settings.limit, isolated) for case in drawn]
    return {"random": rows_frame(rows, start)}


def failure(
    seed: Seed, format_name: str, settings: Settings, status: str, message: str
) -> dict[str, pd.DataFrame]:
    """A row for every case, with the reason."""
    from diffbench.random_functions import unmeasured_frame

    text = (message.strip().splitlines() or [status])[0]
    where = (settings.method, format_name, settings.start, settings.stop)
    return {"random": unmeasured_frame(*where, status, text)}


def merge(store: CellStore, keys: list[str], folder: Path) -> None:
    """``random-set.parquet``, and the scores of every method and group."""
    from diffbench.random_functions import board

    rows = stack(store, keys, "random")
    write_table(rows, folder / ROWS)
    frame = rows.to_pandas()
    texts = ("format", "method", "group", "status", "message")
    write_csv(board(frame.astype(dict.fromkeys(texts, object))), folder / BOARD)


KIND = Kind(
    name="random",
    entrance="diffbench.random_functions",
    frames=("random",),
    tables=(ROWS, BOARD),
    plan=plan,
    compute=compute,
    failure=failure,
    rescue=rescue,
    merge=merge,
    pack=lambda seed: seed,
    unpack=lambda seed: seed,
)
