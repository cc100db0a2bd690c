"""Figures inside the page: smaller SVG, as the address of an image or deflated for the scripts to read.

``images(figures, folder, first)``: the figures named in `first` are plain, so that they are there
without scripts, as long as they fit into `PLAIN`; the others are deflated, which takes a fifth of the
space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from diffbench.report.figcache import Figure
from diffbench.report.page_codec import squeeze

PLAIN = 1_000_000  # characters of the figures that need no script
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_GEOMETRY = re.compile(r' (?:d|x|y)="[^"]*"')
_STYLED_USES = re.compile(r'(?:\s*<use xlink:href="[^"]*" x="[^"]*" y="[^"]*" style="[^"]*"/>){2,}')
_GROUP = re.compile(r'<g id="([^"]*)"')
_REFERENCE = re.compile(r"#([\w.-]+)")
_USE = re.compile(r'<use (xlink:href="[^"]*" x="[^"]*" y="[^"]*") style="([^"]*)"/>')


def slim(svg: str) -> str:
    """A smaller SVG that looks the same: coordinates to 0.01 point, shared styles, no names nobody uses."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg, flags=re.DOTALL)
    svg = _GEOMETRY.sub(lambda found: _NUMBER.sub(lambda n: f"{float(n[0]):.2f}", found[0]), svg)
    svg = _STYLED_USES.sub(_share_style, svg)
    used = set(_REFERENCE.findall(svg))
    svg = _GROUP.sub(lambda found: found[0] if found[1] in used else "<g", svg)
    return re.sub(r"\n\s*", "\n", svg).strip()


def _share_style(found: re.Match[str]) -> str:
    uses = _USE.findall(found[0])
    styles = {style for _, style in uses}
    if len(styles) != 1:
        return found[0]
    return f'<g style="{styles.pop()}">' + "".join(f"<use {where}/>" for where, _ in uses) + "</g>"


def inlined(svg: str) -> Markup:
    """A picture as the address of an image, safe between double quotes; shorter than base64."""
    svg = slim(svg).replace("%", "%25")
    svg = svg.replace('"', "%22") if "'" in svg else svg.replace('"', "'")
    for character in "#<>&":
        svg = svg.replace(character, f"%{ord(character):02X}")
    return Markup("data:image/svg+xml," + re.sub(r"\s+", " ", svg))  # none of "<>& is left in it


@dataclass(frozen=True)
class Image:
    """A figure in the page.

    Attributes
    ----------
    address : Markup
        The picture, or an empty one of its shape.
    packed : str
        The picture, deflated, where the address is empty.
    width, height : int
        Of the picture, for the page to leave room.
    """

    address: Markup
    packed: str
    width: int
    height: int


def images(figures: Sequence[Figure], folder: Path, first: Sequence[str]) -> dict[str, Image]:
    """Every figure by its name; those in `first` plain, in that order, while there is room."""
    room, made = PLAIN, {}
    order = sorted(figures, key=lambda f: first.index(f.name) if f.name in first else len(first))
    for figure in order:
        path = folder / f"{figure.name}.svg"
        svg = path.read_text(encoding="utf-8")
        width, height = _size(svg)
        address = inlined(svg) if figure.name in first else Markup()
        if address and len(address) <= room:
            room -= len(address)
            made[figure.name] = Image(address, "", width, height)
        else:
            empty = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"/>'
            made[figure.name] = Image(inlined(empty), squeeze(slim(svg).encode("utf-8")), width, height)
    return made


def _size(svg: str) -> tuple[int, int]:
    """Width and height in whole units; 3 by 2 where the file does not say."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    return (round(float(found[1])), round(float(found[2]))) if found else (3, 2)
