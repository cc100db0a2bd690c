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

from markupsafe import Markup

EARLY = 'document.documentElement.classList.add("js");'  # before anything is seen, so that nothing jumps
STATIC = Path(__file__).parent / "static"
MODULES = (
    *("dom", "words", "codec", "data", "looks", "curves", "scales", "marks", "plot"),
    *(
        "pointer",
        "exports",
        "state",
        "figure",
        "panels",
        "controls",
        "sorting",
        "grid",
        "explorer",
        "signature",
        "chooser",
        "tables",
        "main",
    ),
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


# -- figures ---------------------------------------------------------------------------------------

_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_GEOMETRY = re.compile(r' (?:d|x|y)="[^"]*"')
_STYLED_USES = re.compile(r'(?:\s*<use xlink:href="[^"]*" x="[^"]*" y="[^"]*" style="[^"]*"/>){2,}')
_USE = re.compile(r'<use (xlink:href="[^"]*" x="[^"]*" y="[^"]*") style="([^"]*)"/>')


def slim(svg: str) -> str:
    """A smaller SVG that looks the same: coordinates to 0.01 point, one style for marks that share it."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg, flags=re.DOTALL)
    svg = _GEOMETRY.sub(lambda found: _NUMBER.sub(lambda n: f"{float(n[0]):.2f}", found[0]), svg)
    svg = _STYLED_USES.sub(_share_style, svg)
    return re.sub(r"\n\s*", "\n", svg).strip()


def _share_style(found: re.Match[str]) -> str:
    uses = _USE.findall(found[0])
    styles = {style for _, style in uses}
    if len(styles) != 1:
        return found[0]
    return f'<g style="{styles.pop()}">' + "".join(f"<use {where}/>" for where, _ in uses) + "</g>"


def inlined(path: Path) -> Markup:
    """A figure as the address of an image, safe between double quotes; shorter than base64."""
    svg = slim(path.read_text(encoding="utf-8")).replace("%", "%25")
    svg = svg.replace('"', "%22") if "'" in svg else svg.replace('"', "'")
    for character in "#<>&":
        svg = svg.replace(character, f"%{ord(character):02X}")
    return Markup("data:image/svg+xml," + re.sub(r"\s+", " ", svg))  # none of "<>& is left in it
