"""Suites: what a run computes, written down in a TOML file.

* :func:`load_suite`: a name (``quick``, ``default``, ``full``) or a file -> :class:`Suite`.
* :class:`Suite`: the checked content; :meth:`Suite.with_options` narrows it to some problems or formats.
* :func:`suite_names`: the suites that come with diffbench.

Every mistake in a file is reported at once, each with its key and the choices.
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from diffbench.arithmetic.formats import get_format
from diffbench.errors import UnknownNameError, UserError
from diffbench.random_functions.seed import SEED, check_format
from diffbench.stencils import stencil_from_name

VARIANTS = ("integer", "float", "mixed")
MOST_CASES = 100_000  # random functions in a format

_PACKAGE = Path(__file__).resolve().parents[1]
#: Inside an installed package, and beside it in a checkout.
SUITE_FOLDERS = (_PACKAGE / "suites", _PACKAGE.parent / "benchmarks" / "suites")


class _Table(BaseModel):
    # strict: per_decade = "20" is a mistake to be told about, not a number to be guessed
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Steps(_Table):
    """The grid of steps: how dense, and whether steps are powers of ten or of two (rounded to the format)."""

    per_decade: int = Field(default=20, ge=1, le=200)
    kind: Literal["decimal", "binary"] = "decimal"


class _Choices(_Table):
    """The keys that a suite and its ``[[extra]]`` tables share, and their checks."""

    problems: list[str] = Field(min_length=1)

    @field_validator("formats", check_fields=False)
    @classmethod
    def _known_formats(cls, names: list[str] | None) -> list[str] | None:
        for name in names or ():
            get_format(name)
        return names

    @field_validator("variants", check_fields=False)
    @classmethod
    def _known_variants(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in VARIANTS:
                raise UnknownNameError("variant", name, VARIANTS)
        return names

    @field_validator("stencils", mode="before", check_fields=False)
    @classmethod
    def _known_stencils(cls, table: Any) -> dict[int, list[str]]:
        if not isinstance(table, dict):
            raise ValueError(
                'must be a table of names per derivative, such as 1 = ["forward-1", "central-2"]'
            )
        return {_derivative(key): _stencil_names(key, names) for key, names in table.items()}


class Extra(_Choices):
    """What some of the suite's problems get besides: more formats, variants or stencils."""

    formats: list[str] | None = None
    variants: list[str] = []
    stencils: dict[int, list[str]] = {}


class Map(_Table):
    """A map of the error over the plane of points and steps: one problem in one format at many points."""

    problem: str
    format: str
    stencils: list[str] = Field(min_length=1)
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    points: int = Field(default=120, ge=2, le=1000)

    @field_validator("format")
    @classmethod
    def _known_format(cls, name: str) -> str:
        return get_format(name).name

    @field_validator("stencils")
    @classmethod
    def _known_stencils(cls, names: list[str]) -> list[str]:
        return _stencil_names("1", names)

    @model_validator(mode="after")
    def _range(self) -> Map:
        if not self.low < self.high:
            raise ValueError(f"low = {self.low:g} must be less than high = {self.high:g}")
        return self


class Tournament(_Table):
    """Which methods are compared, and on what; problems and formats are the suite's own by default."""

    methods: list[str] = Field(min_length=1)
    derivatives: list[int] = Field(default=[1], min_length=1)
    problems: list[str] | None = Field(default=None, min_length=1)
    formats: list[str] | None = Field(default=None, min_length=1)
    limit: float = Field(default=10.0, gt=0, allow_inf_nan=False)

    @field_validator("derivatives")
    @classmethod
    def _known_derivatives(cls, orders: list[int]) -> list[int]:
        if any(not 1 <= m <= 6 for m in orders):
            raise ValueError(f"must be derivative orders from 1 to 6, got {orders}")
        return orders

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, names: list[str] | None) -> list[str] | None:
        return None if names is None else [get_format(name).name for name in names]


class Gradients(_Table):
    """Functions of several variables: which problems, formats (the suite's by default) and descents."""

    problems: list[str] = Field(default=["all"], min_length=1)
    formats: list[str] | None = Field(default=None, min_length=1)
    descents: list[str] = ["rosen", "logistic"]
    pictures: bool = True

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, names: list[str] | None) -> list[str] | None:
        return None if names is None else [get_format(name).name for name in names]


class RandomFunctions(_Table):
    """Methods on random functions: how many cases in which format, of which seed (that of docs/auto.md)."""

    cases: dict[str, int] = Field(min_length=1)
    methods: list[str] = Field(default=["auto", "family:rival", "central-2@cbrt-eps"], min_length=1)
    seed: int = Field(default=SEED, ge=0)
    limit: float = Field(default=10.0, gt=0, allow_inf_nan=False)

    @field_validator("cases")
    @classmethod
    def _known_formats(cls, counts: dict[str, int]) -> dict[str, int]:
        for name, count in counts.items():
            check_format(name)
            if not 1 <= count <= MOST_CASES:
                raise ValueError(f"{name} = {count} must be a number of cases from 1 to {MOST_CASES}")
        return counts


class Suite(_Choices):
    """What a run computes.

    Attributes
    ----------
    title : str
        One line for people.
    problems, formats, variants : list of str
        Patterns of problems (``all``, names, ``exp*``, ``group:smooth``, ``tag:noisy``), format names, and
        variants of the stencil arithmetic.
    stencils : dict
        Derivative order -> stencil names.
    steps : Steps
        The grid of steps.
    plugins : list of str
        Modules that are imported before the problems are chosen, here and in the worker processes.
    timeout : float
        Seconds that one cell (a problem in a format) may take.
    extra : list of Extra
        Additions for some of the problems.
    maps : list of Map
        Maps of the error of the first derivative over points and steps.
    tournament : Tournament, optional
        Methods to compare.
    gradients : Gradients, optional
        Functions of several variables.
    random : RandomFunctions, optional
        Random functions, and the methods that are tried on them.
    folder : Path or None
        Where the file is; plugins are looked for there too. Not part of the content.
    """

    title: str
    formats: list[str] = Field(min_length=1)
    stencils: dict[int, list[str]] = Field(min_length=1)
    variants: list[str] = Field(default=["integer"], min_length=1)
    steps: Steps = Steps()
    plugins: list[str] = []
    timeout: float = Field(default=120.0, gt=0, allow_inf_nan=False)
    extra: list[Extra] = []
    maps: list[Map] = []
    tournament: Tournament | None = None
    gradients: Gradients | None = None
    random: RandomFunctions | None = None
    name: str = Field(default="suite", exclude=True)
    folder: Path | None = Field(default=None, exclude=True)

    def with_options(self, problems: list[str] | None = None, formats: list[str] | None = None) -> Suite:
        """The same suite for fewer problems or other formats; its additions are narrowed alike."""
        changes: dict[str, Any] = {}
        if problems:
            changes["problems"] = problems
            if "all" not in problems:  # functions of several variables and random ones are sets of their own
                changes |= {"gradients": None, "random": None}
        if formats:
            for name in formats:
                get_format(name)
            changes["formats"] = formats
            changes["extra"] = [
                extra for extra in (_narrowed(extra, formats) for extra in self.extra) if extra
            ]
            if self.tournament is not None and self.tournament.formats is not None:
                kept = [name for name in self.tournament.formats if name in formats]
                changes["tournament"] = self.tournament.model_copy(update={"formats": kept})
            if self.gradients is not None and self.gradients.formats is not None:
                kept = [name for name in self.gradients.formats if name in formats]
                changes["gradients"] = self.gradients.model_copy(update={"formats": kept})
            if self.random is not None and "random" not in changes:
                counts = {name: n for name, n in self.random.cases.items() if name in formats}
                changes["random"] = self.random.model_copy(update={"cases": counts}) if counts else None
        return self.model_copy(update=changes)


def load_suite(source: str | Path) -> Suite:
    """The suite of that name, or in that file.

    Raises
    ------
    UserError
        No such suite, no such file, not TOML, or keys that are wrong: all of them, with the choices.
    """
    path = _find(source)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"suite {path.name} is not a TOML file: {error}") from None
    except OSError as error:
        raise UserError(f"cannot read the suite {source}: {error.strerror}") from None
    return parse_suite(table, path.name).model_copy(update={"name": path.stem, "folder": path.parent})


def parse_suite(table: dict[str, Any], where: str = "suite") -> Suite:
    """The suite in a table of keys; ``where`` names it in messages. Raises UserError with every mistake."""
    hidden = [key for key in ("name", "folder") if key in table]
    try:
        suite = Suite.model_validate({key: value for key, value in table.items() if key not in hidden})
        mistakes = []
    except ValidationError as error:
        mistakes = [_explain(detail) for detail in error.errors()]
    mistakes += [_unknown_key((key,)) for key in hidden]
    if mistakes:
        raise UserError(f"suite {where}:\n  " + "\n  ".join(mistakes))
    return suite


def suite_names() -> list[str]:
    """Names of the suites that come with diffbench."""
    return sorted({path.stem for folder in SUITE_FOLDERS for path in folder.glob("*.toml")})


def _find(source: str | Path) -> Path:
    path = Path(source)
    if path.suffix == ".toml" or path.is_file():
        if path.is_file():
            return path
        raise UserError(
            f"there is no suite file {source}; the suites that come along are {', '.join(suite_names())}"
        )
    for folder in SUITE_FOLDERS:
        if (folder / f"{source}.toml").is_file():
            return folder / f"{source}.toml"
    raise UnknownNameError("suite", str(source), suite_names())


def _narrowed(extra: Extra, formats: list[str]) -> Extra | None:
    if extra.formats is None:
        return extra
    kept = [name for name in extra.formats if name in formats]
    return extra.model_copy(update={"formats": kept}) if kept else None


def _derivative(key: Any) -> int:
    if str(key) not in ("1", "2", "3", "4", "5", "6"):
        raise ValueError(f"the key {key!r} must be a derivative order from 1 to 6")
    return int(key)


def _stencil_names(key: Any, names: Any) -> list[str]:
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f'{key} must be a list of stencil names, such as ["forward-1", "central-2"]')
    for name in names:
        try:
            stencil_from_name(name, int(key))
        except UserError as error:
            raise ValueError(f"{key} has {name!r}: {error}") from None
    return names


# --- errors in words ---


def _explain(detail: Any) -> str:
    """One line for one mistake: the key, what is wrong, what would be right."""
    location: tuple[str | int, ...] = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return _unknown_key(location)
    key = _dotted(location)
    if detail["type"] == "missing":
        return f"the key {key!r} is missing"
    if detail["type"] == "value_error":
        return f"{key}: {detail['ctx']['error']}"
    message = detail["msg"].replace("Input should be ", "must be ").replace("List should have", "must have")
    return f"{key}: {message}, got {detail['input']!r}"


def _dotted(location: tuple[str | int, ...]) -> str:
    """``('extra', 0, 'formats')`` as ``extra[0].formats``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _unknown_key(location: tuple[str | int, ...]) -> str:
    tables: dict[str | int, type[_Table]] = {
        "steps": Steps,
        "extra": Extra,
        "maps": Map,
        "tournament": Tournament,
        "gradients": Gradients,
        "random": RandomFunctions,
    }
    model = tables.get(location[0], Suite) if len(location) > 1 else Suite
    choices = [key for key, field in model.model_fields.items() if not field.exclude]
    near = get_close_matches(str(location[-1]), choices, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from: {', '.join(choices)}"
    return f"unknown key {_dotted(location)!r}: {hint}"
