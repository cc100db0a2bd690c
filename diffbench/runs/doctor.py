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
        (required ones), ``extras`` (per optional package: version, extra, what it brings), ``formats``,
        ``cpu_model``, ``cpu_features``.
    """
    required = {name: package_version(name) for name, extra in _requirements() if not extra}
    optional = [(name, extra) for name, extra in _requirements() if extra and extra not in DEVELOPER_EXTRAS]
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
                "brings": BRINGS.get(name, ""),
            }
            for name, extra in optional
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
