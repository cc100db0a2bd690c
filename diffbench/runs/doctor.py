"""What this installation has and lacks: Python, packages, extras, formats, processor.

* :func:`examine`: all of it as a dict that can be printed or saved as JSON.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from typing import Any

from diffbench import __version__
from diffbench.arithmetic.formats import formats
from diffbench.methods.rivals import rivals
from diffbench.runs.environment import cpu_features, cpu_model, package_version

#: What an optional package brings; a package without a line here is shown without one.
BRINGS = {
    "scipy": "scipy.special functions in every arithmetic, and the problems that use them",
    "autograd": "the method autograd: the same program differentiated by HIPS autograd",
    "jax": "the method jax: the same program differentiated by JAX",
    "torch": "the method torch: the same program differentiated by PyTorch",
    "graphviz": "pictures of computation graphs (the program dot is needed too)",
}

#: Extras for people who work on diffbench itself: their absence is nothing to report.
DEVELOPER_EXTRAS = ("test", "lint", "dev")

_REQUIREMENT = re.compile(r"""^([\w.-]+)[^;]*(?:;.*extra\s*==\s*['"]([\w-]+)['"])?""")


def examine() -> dict[str, Any]:
    """The state of the installation.

    Returns
    -------
    dict
        ``ok`` (nothing required is missing), ``python``, ``diffbench``, ``packages`` and ``missing``
        (required ones), ``extras`` (per optional package: version, extra, what it brings, and for a rival
        the version it was tested with), ``formats``,
        ``cpu_model``, ``cpu_features``.
    """
    required = {name: package_version(name) for name, extra in _requirements() if not extra}
    optional: dict[str, str] = {}
    for name, extra in _requirements():
        if extra and extra not in DEVELOPER_EXTRAS:
            optional.setdefault(name, extra)  # one line for a package that two extras bring
    missing = [name for name, version in required.items() if version is None]
    return {
        "ok": not missing,
        "diffbench": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": required,
        "missing": missing,
        "extras": [
            {
                "package": name,
                "extra": extra,
                "version": package_version(name),
                "brings": "; ".join(filter(None, [BRINGS.get(name, ""), _rivals_of(name)])),
            }
            for name, extra in optional.items()
        ],
        "formats": [
            {
                "format": fmt.name,
                "kind": fmt.kind,
                "bits": fmt.precision,
                "u": fmt.u,
                "digits": round(fmt.digits, 1),
            }
            for fmt in formats().values()
        ],
        "cpu_model": cpu_model(),
        "cpu_features": cpu_features(),
    }


def _rivals_of(package: str) -> str:
    """The rivals of a package, and whether the installed version is the one that was tested."""
    known = [rival for rival in rivals().values() if rival.package == package]
    if not known:
        return ""
    tested, installed = known[0].tested, known[0].installed
    note = f"tested with {tested}" + ("" if installed in (None, tested) else ", not with this version")
    names = known[0].name if len(known) == 1 else f"{len(known)} rivals"
    return f"{names} in the tournament, {note}"


def _requirements() -> Iterator[tuple[str, str]]:
    """Packages that diffbench declares, each with its extra (empty for required ones)."""
    try:
        declared = requires("diffbench") or []
    except PackageNotFoundError:  # imported from a folder: only what is running can be said
        declared = []
    for line in declared:
        found = _REQUIREMENT.match(line)
        if found and found[1] != "diffbench":
            yield found[1], found[2] or ""
