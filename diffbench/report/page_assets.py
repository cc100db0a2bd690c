"""The page's own style and scripts, as one text each, and the policy that lets nothing else run.

The files under ``static/`` are plain CSS and ES modules. A page that works from ``file://`` cannot load
modules, so ``script()`` joins them in the order of `MODULES` and drops the lines that import and export.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

# Runs before anything is seen, so that nothing jumps.
EARLY = 'document.documentElement.classList.add("js");'
STATIC = Path(__file__).parent / "static"
MODULES = tuple(
    """dom words codec data looks curves scales marks plot pointer exports state figure panels controls
    sorting grid explorer signature chooser tables pictures main""".split()
)
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class|let)", re.MULTILINE)


@cache
def script() -> str:
    """All modules in one scope of their own."""
    text = "\n".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in MODULES)
    return '"use strict";\n(() => {\n' + _EXPORT.sub("", _IMPORT.sub("", text)) + "})();\n"


@cache
def style() -> str:
    """The style sheet."""
    return (STATIC / "page.css").read_text(encoding="utf-8")


def policy() -> str:
    """A Content-Security-Policy: this style, these scripts (by their digests), inlined images, no network."""
    rules = {
        "default-src": "'none'",
        "script-src": f"'{_digest(EARLY)}' '{_digest(script())}'",
        "style-src": f"'{_digest(style())}'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
