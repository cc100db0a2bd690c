"""``manifest.json``: what was run, with which versions, on which processor, and how it went.

* :func:`describe`: the manifest of a run that begins.
* :func:`read`: the manifest of a folder, checked; :func:`write`: put it there.

It names no user, no machine and no absolute path: a run folder can be shown to anybody.
"""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffbench import __version__
from diffbench.errors import UserError
from diffbench.runs.environment import cpu_model, environment, git_revision, package_version
from diffbench.runs.fingerprint import digest
from diffbench.runs.store import write_text

if TYPE_CHECKING:
    from diffbench.runs.suite import Suite

NAME = "manifest.json"

#: Raised when a reader of an older diffbench would misunderstand the files of a run.
VERSION = 1

#: Packages besides the numerical ones that shape the files.
OTHER_PACKAGES = ("pandas", "pyarrow", "matplotlib")


def describe(suite: Suite, command: str, jobs: int) -> dict[str, Any]:
    """The manifest of a run that begins now."""
    surroundings = environment()
    others = {name: package_version(name) for name in OTHER_PACKAGES}
    return {
        "manifest_version": VERSION,
        "state": "incomplete",
        "command": command,
        "suite": {"name": suite.name, "hash": suite_hash(suite), "content": suite.model_dump(mode="json")},
        "git_revision": git_revision(),
        "versions": {
            "diffbench": __version__,
            "python": platform.python_version(),
            **others,
            **surroundings["packages"],
        },
        "system": platform.system(),
        "machine": surroundings["machine"],
        "cpu_model": cpu_model(),
        "cpu_features": surroundings["cpu_features"],
        "longdouble": surroundings["longdouble"],
        "engine": surroundings["engine"],
        "jobs": jobs,
        "start": now(),
        "end": None,
    }


def suite_hash(suite: Suite) -> str:
    """A hash of a suite's content; the name and place of its file do not count."""
    return digest(suite.model_dump(mode="json"))


def now() -> str:
    """The time in UTC, ``2025-01-31T12:00:00Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write(folder: Path, manifest: dict[str, Any]) -> None:
    """Put the manifest into its folder."""
    write_text(folder / NAME, json.dumps(manifest, indent=2) + "\n")


def read(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder; None if it has none, or one that was cut short.

    Raises
    ------
    UserError
        If a newer diffbench wrote it, or it is the manifest of something else.
    """
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return None  # damaged: the cells say for themselves what they are
    version = found.get("manifest_version") if isinstance(found, dict) else None
    if not isinstance(version, int):
        raise UserError(
            f"{folder / NAME} is not the manifest of a diffbench run; choose another folder with --out"
        )
    if version > VERSION:
        raise UserError(
            f"{folder} was written by a newer diffbench (manifest version {version}, "
            f"this one reads {VERSION}): update diffbench, or choose another folder with --out"
        )
    return found
