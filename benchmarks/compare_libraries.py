"""The tape beside autograd, JAX and PyTorch over the whole catalogue: where they differ, and who is right.

    python benchmarks/compare_libraries.py [autograd] [jax] [torch]

Prints the tables of docs/bridges.md, for the libraries that are installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.errors import RefusedError

FORMAT = get_format("float64")
FEW = 8  # u; closer than that counts as equal


class Row(NamedTuple):
    problem: str
    point: float
    derivative: int
    values: tuple[float, float]  # the tape's, the library's
    gap: float  # between the two, in u of the larger
    errors: tuple[float, float]  # in u of the true derivative; NaN where there is none


def rows(name: str, refused: dict[str, str]) -> Iterator[Row]:
    """One row per problem, point and derivative 1 or 2; what the library cannot run is noted."""
    for problem in db.problems().values():
        if problem.opaque or FORMAT.name not in (problem.formats or (FORMAT.name,)):
            continue
        for point in map(float, problem.points):
            for order in (1, 2):
                try:
                    theirs = db.derivative(problem.function, point, method=name, derivative=order)
                except RefusedError as error:
                    refused[problem.name] = str(error)
                    continue
                ours = db.derivative(problem.function, point, method="reverse", derivative=order)
                truth = db.reference(problem.function, point, derivative=order).value
                errors = [_units(float(v) - truth, truth) for v in (ours, theirs)]
                a, b = float(ours), float(theirs)
                gap = 0.0 if a == b or (a != a and b != b) else _units(a - b, max(abs(a), abs(b)))
                yield Row(problem.name, point, order, (a, b), gap, (errors[0], errors[1]))


def _units(difference: object, scale: object) -> float:
    scale = abs(float(scale))
    difference = abs(float(difference))
    return difference / scale / FORMAT.u if scale else difference and np.inf


def table(name: str) -> str:
    """What `name` answers beside the tape, as Markdown."""
    refused: dict[str, str] = {}
    found = list(rows(name, refused))
    same = sum(row.gap == 0 for row in found)
    near = sum(row.gap <= FEW for row in found)
    lines = [
        f"### {name}",
        "",
        f"{len(found)} derivatives, orders 1 and 2: {same} equal bit for bit, {near} within {FEW} u. Others:",
        "",
        f"| problem | at | order | apart | error of the tape | error of {name} |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        if row.gap <= FEW:
            continue
        none = np.isnan(row.errors[0])  # at a kink there are conventions, and no error
        shown = [f"says {v:g}" for v in row.values] if none else [f"{e:.4g} u" for e in row.errors]
        apart = "no derivative" if none else f"{row.gap:.4g} u"
        lines.append(
            f"| `{row.problem}` | {row.point:g} | {row.derivative} | {apart} | {' | '.join(shown)} |"
        )
    lines += ["", "Cannot run: " + (", ".join(f"`{p}`" for p in sorted(refused)) or "nothing") + "."]
    return "\n".join(lines)


def main(names: list[str]) -> None:
    """Print the tables of the libraries asked for, or of all that are installed."""
    known = [name for name in ("autograd", "jax", "torch") if db.methods()[name].available]
    sys.stdout.write("\n\n".join(map(table, names or known)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
