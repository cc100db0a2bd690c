"""``diffbench list | doctor``: what there is, and the state of the installation."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import click

from diffbench.cli.output import examples, print_json, print_table
from diffbench.errors import UnknownNameError, UserError


@click.command(
    "list",
    epilog=examples(
        "diffbench list problems",
        'diffbench list problems group:smooth "sin*" tag:noisy',
        "diffbench list gradients tag:jacobian",
        'diffbench list methods "central-2@*"',
        "diffbench list stencils --json",
    ),
)
@click.argument("what", metavar="WHAT")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_command(what: str, patterns: tuple[str, ...], as_json: bool) -> None:
    """List what there is: problems, gradients, formats, stencils, steps or methods.

    Gradients are the problems of several variables. Problems and gradients can be narrowed by names, globs,
    groups and tags; steps and methods by names and globs.
    """
    if what not in LISTS:
        raise UnknownNameError("list", what, LISTS)
    if patterns and what not in (*SELECTED, "steps", "methods"):
        raise UserError(
            f"only problems, gradients, steps and methods can be narrowed by a pattern: diffbench list {what}"
        )
    rows = LISTS[what](patterns) if what in SELECTED else _matching(what, LISTS[what](), patterns)
    if as_json:
        print_json(rows)
    else:
        print_table(rows)


def _matching(what: str, rows: list[dict[str, Any]], patterns: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows whose name matches one of the patterns, if there are any patterns."""
    for pattern in patterns:
        if not any(fnmatchcase(row["name"], pattern) for row in rows):
            raise UnknownNameError(what.removesuffix("s"), pattern, [row["name"] for row in rows])
    return [row for row in rows if not patterns or any(fnmatchcase(row["name"], p) for p in patterns)]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def doctor(as_json: bool) -> None:
    """Show the installation: versions, formats, processor, and what is missing.

    The exit code is 1 if a required package is missing.
    """
    from diffbench.runs.doctor import examine

    found = examine()
    if as_json:
        print_json(found)
    else:
        _print_doctor(found)
    if not found["ok"]:
        raise click.exceptions.Exit(1)


def _print_doctor(found: dict[str, Any]) -> None:
    click.echo(
        f"diffbench {found['diffbench']}, Python {found['python']}, {found['system']}, {found['cpu_model']}"
    )
    click.echo(f"NumPy dispatches to: {' '.join(found['cpu_features']) or 'nothing it would name'}")
    print_table(found["formats"], "Formats")
    packages = [
        {"package": name, "version": version or "MISSING"} for name, version in found["packages"].items()
    ]
    extras = [
        {
            "package": row["package"],
            "version": row["version"] or f"missing: pip install 'diffbench[{row['extra']}]'",
        }
        | {"brings": row["brings"]}
        for row in found["extras"]
    ]
    if packages:
        print_table(packages, "Required")
    if extras:
        print_table(extras, "Optional")
    if found["missing"]:
        click.echo(f"error: missing {', '.join(found['missing'])}; install diffbench again", err=True)


# --- the lists ---


def _problems(patterns: tuple[str, ...]) -> list[dict[str, Any]]:
    from diffbench.problems import select

    return [
        {
            "name": problem.name,
            "group": problem.group,
            "at": list(problem.points),
            "formats": list(problem.formats or ["all"]),
            "tags": sorted(problem.tags),
        }
        for problem in select(patterns or ["all"])
    ]


def _gradients(patterns: tuple[str, ...]) -> list[dict[str, Any]]:
    from diffbench.problems.multivariate import select_multivariate

    return [
        {
            "name": problem.name,
            "group": problem.group,
            "n": "any" if problem.start else str(len(problem.points[0])),
            "wanted": "Jacobian" if problem.several else "gradient, Hessian",
            "at": ["(" + ", ".join(f"{v:g}" for v in point) + ")" for point in problem.points],
            "formats": list(problem.formats or ["all"]),
            "tags": sorted(problem.tags),
        }
        for problem in select_multivariate(patterns or ["all"])
    ]


def _formats() -> list[dict[str, Any]]:
    from diffbench.arithmetic.formats import formats

    return [
        {
            "name": fmt.name,
            "kind": fmt.kind,
            "bits": fmt.precision,
            "u": fmt.u,
            "digits": round(fmt.digits, 1),
            "max": _as_text(fmt.max, fmt, "max"),
            "smallest_normal": _as_text(fmt.smallest_normal, fmt, "smallest_normal"),
        }
        for fmt in formats().values()
    ]


def _as_text(value: float, fmt: Any, name: str) -> str:
    """A limit of a format; that of a wide longdouble does not fit into a float."""
    import numpy as np

    exact = getattr(np.finfo(fmt.dtype), name) if fmt.name == "longdouble" else value
    return np.format_float_scientific(exact, precision=2, exp_digits=2)


def _stencils() -> list[dict[str, Any]]:
    from diffbench.stencils import stencil_from_name

    rows = []
    for derivative in (1, 2, 3, 4, 5, 6):
        for kind in ("forward", "backward", "central"):
            for accuracy in _shown_accuracies(kind):
                made = stencil_from_name(f"{kind}-{accuracy}", derivative)
                offsets = " ".join(map(str, made.offsets))
                weights = " ".join(map(str, made.weights))
                rows.append(
                    {"derivative": derivative, "name": made.name, "offsets": offsets, "weights": weights}
                )
    return rows


def _shown_accuracies(kind: str) -> tuple[int, ...]:
    return (2, 4, 6, 8, 10, 12) if kind == "central" else tuple(range(1, 13))


def _steps() -> list[dict[str, Any]]:
    from diffbench.steps import step_rules
    from diffbench.steps.constants import WELL_KNOWN

    grids = {
        "decimal": "N steps per decade, rounded to the format, over scale * [u/4, 1]",
        "binary": "every power of two over scale * [u/4, 1]: a number of every format",
    }
    rows = [_step(name, "grid of a sweep", "-", "-", "-", what, "-") for name, what in grids.items()]
    rows += [_step(n, "constant", "any", "any", "plain", "h = " + n, who) for n, who in WELL_KNOWN.items()]
    for name, found in step_rules().items():
        orders = "any" if found.derivatives is None else " ".join(map(str, found.derivatives))
        stencils = "any" if found.stencils is None else " ".join(found.stencils)
        rows.append(_step(name, found.kind, orders, stencils, found.rounding, found.what, found.source))
    return rows


def _step(
    name: str, kind: str, orders: str, stencils: str, rounding: str, what: str, source: str
) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "derivatives": orders,
        "stencils": stencils,
        "rounding": rounding,
        "what": what,
        "source": source,
    }


def _methods() -> list[dict[str, Any]]:
    from diffbench.methods import methods

    return [
        {
            "name": name,
            "family": method.family,
            "default_step": method.rule,
            "derivatives": "any" if method.derivatives is None else " ".join(map(str, method.derivatives)),
            "formats": "any" if method.formats is None else " ".join(method.formats),
            "installed": "yes" if method.available else f"no: diffbench[{method.extra}]",
            "source": method.source,
        }
        for name, method in methods().items()
    ]


#: Lists that are narrowed as suites narrow them: by names, globs, groups and tags.
SELECTED = ("problems", "gradients")

LISTS: dict[str, Any] = {
    "problems": _problems,
    "gradients": _gradients,
    "formats": _formats,
    "stencils": _stencils,
    "steps": _steps,
    "methods": _methods,
}
