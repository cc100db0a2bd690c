"""Files that a command writes: complain before the work and not after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from diffbench.errors import UserError


def check_file(name: str | None, endings: Sequence[str], option: str) -> None:
    """Refuse a name with another ending, or in a folder that does not exist."""
    if name is None:
        return
    if Path(name).suffix not in endings:
        raise UserError(f"{option} {name}: the name must end in {', '.join(endings[:-1])} or {endings[-1]}")
    if not Path(name).absolute().parent.is_dir():
        raise UserError(f"{option} {name}: there is no folder {Path(name).parent}")


@contextmanager
def written(path: str | Path) -> Iterator[None]:
    """Say in one line what keeps a file from being written."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
