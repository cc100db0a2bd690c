"""What the results depend on besides the program: versions, processor, formats, engine.

* :func:`environment`: versions, machine type, NumPy's active CPU features, the kind of longdouble.
* :func:`engine_digest`: a hash of the source files that compute numbers.
* :func:`cpu_model`, :func:`git_revision`: for the manifest; they decide nothing.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from diffbench.arithmetic.formats import get_format

#: The packages that compute numbers; pandas or matplotlib cannot change a result.
NUMERICAL_PACKAGES = ("numpy", "python-flint", "mpmath", "ml_dtypes", "scipy")

#: The module that computes a sweep; what it imports, directly or not, is the engine.
ENTRANCE = "diffbench.sweep"

#: Imported by the engine, but no part of it: problems are in the key one by one, figures change no number.
NOT_ENGINE = ("diffbench.problems", "diffbench.report")

_PACKAGE = Path(__file__).resolve().parents[1]


def package_version(name: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def environment(entrance: str = ENTRANCE) -> dict[str, Any]:
    """Everything outside the program that can change a bit of a result.

    Parameters
    ----------
    entrance : str
        The module that computes; its digest is that of all it imports.
    """
    major, minor, _ = platform.python_version_tuple()
    return {
        "python": f"{major}.{minor}",
        "packages": {name: package_version(name) for name in NUMERICAL_PACKAGES},
        "machine": platform.machine(),
        "cpu_features": cpu_features(),
        "longdouble": get_format("longdouble").kind,
        "engine": engine_digest(entrance),
    }


def cpu_features() -> list[str]:
    """The CPU features that NumPy dispatches to here; disabling them changes float32 exp by up to 3 ulp."""
    try:
        umath: Any = import_module("numpy._core._multiarray_umath")
        active = umath.__cpu_features__
        known = [*umath.__cpu_baseline__, *umath.__cpu_dispatch__]
    except (ImportError, AttributeError):  # private names: without them the NumPy version has to do
        return []
    return [name for name in known if active.get(name)]


@cache
def engine_digest(entrance: str = ENTRANCE) -> str:
    """A hash of the source text of the engine, the same for Unix and Windows line ends."""
    digest = hashlib.sha256()
    for path in engine_files(entrance):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def engine_files(entrance: str = ENTRANCE) -> list[Path]:
    """The source files that decide the numbers: found by imports, so a new one cannot be forgotten."""
    # every number system counts: a registry may import them by a name that is put together
    found = set((_PACKAGE / "arithmetic").rglob("*.py"))
    waiting = [entrance, *(f"diffbench.arithmetic.{path.stem}" for path in found)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        path = _module_file(name)
        if name in seen or path is None or name == "diffbench" or name.startswith(NOT_ENGINE):
            continue
        seen.add(name)
        found.add(path)
        waiting += _imports(path)
    return sorted(found)


def _module_file(name: str) -> Path | None:
    """The file of a module of diffbench, or None if the name is that of something else."""
    path = _PACKAGE.joinpath(*name.split(".")[1:])
    files = [path.with_suffix(".py"), path / "__init__.py"]
    return next((file for file in files if file.is_file()), None) if name.startswith("diffbench") else None


def _imports(path: Path) -> Iterator[str]:
    """Names of diffbench that a file imports; some are modules, some are functions in one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or platform.machine()


def git_revision() -> str | None:
    """The commit of the checkout that runs (``-dirty`` if files differ from it); None outside one."""
    # an installed package can sit inside somebody else's repository: its revision would be a lie
    if not (_PACKAGE.parent / ".git").exists():
        return None
    commit = _output("git", "rev-parse", "--verify", "HEAD")
    changed = _output("git", "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if commit and changed else commit or None


def _output(*command: str) -> str:
    """What a command prints, or nothing when it is not there or fails."""
    try:
        done = subprocess.run(
            command, cwd=_PACKAGE.parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
