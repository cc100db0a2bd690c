"""What a rival is: a function ``def name(f, x)`` that calls a library, and what the harness adds to it.

``@rival(package="jacobi", tested="0.9.2", docs="README, first example")`` registers it. The function gets a
plain callable and a number of the format's dtype, and returns an :class:`Estimate` with what the library
says (value, error estimate, step, status). Counting, NaN, exceptions, warnings and versions are here, once.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import MissingExtraError, RefusedError, UserError
from diffbench.methods.counting import PlainFunction
from diffbench.methods.estimate import Estimate
from diffbench.methods.measured import described
from diffbench.methods.method import Method

EXTRA = "rivals"
Program = Callable[..., Any]


@dataclass(frozen=True)
class Rival:
    """A library's derivative at one point.

    Attributes
    ----------
    name : str
    call : callable
        ``call(f, x)``, or ``call(f, x, derivative)`` where it does more than first derivatives.
    package : str
        The distribution to install.
    tested : str
        The version diffbench was tested with.
    docs : str
        Where the library's documentation shows this call.
    derivatives : tuple of int
    formats : tuple of str or None
        The formats it accepts; None means every format. A format that is accepted and answered wrongly is
        not left out: the numbers show it.
    lacks : str
        Why it does not accept the other formats.
    module : str
        What the call imports, where it is not the package itself.
    """

    name: str
    call: Callable[..., Estimate]
    package: str
    tested: str
    docs: str
    derivatives: tuple[int, ...] = (1,)
    formats: tuple[str, ...] | None = None
    lacks: str = ""
    module: str = ""

    @property
    def available(self) -> bool:
        """Whether the library is installed; it is not imported to find out."""
        return find_spec(self.package) is not None

    @property
    def installed(self) -> str | None:
        """The installed version, or None."""
        return installed_version(self.package)

    @property
    def what(self) -> str:
        """The call, as the first line of its description has it."""
        return inspect.getdoc(self.call).partition("\n")[0] if self.call.__doc__ else ""  # type: ignore[union-attr]

    def method(self) -> Method:
        """The rival as a method of the registry."""
        return Method(
            self.name,
            self.estimate,
            "rival",
            derivatives=self.derivatives,
            formats=self.formats,
            available=self.available,
            extra=EXTRA,
            source=f"{self.package} {self.tested}, {self.docs}",
            lacks=self.lacks,
            prepare=self.prepare,
        )

    def prepare(self) -> None:
        """Import the library and let it fill its caches, so that a fork inherits them."""
        if self.available:
            _warm(self)

    def estimate(self, f: Program, fmt: Format, points: Any, derivative: int) -> Estimate:
        """Call the library at every point; values in the dtype it returns.

        Raises
        ------
        MissingExtraError
            If the library is not installed.
        RefusedError, UserError
            If ``f`` cannot run strictly in the format or is not elementwise.
        """
        if not self.available:
            raise MissingExtraError(self.package, EXTRA, f"the method {self.name}")
        found = [self._at(f, fmt, x, derivative) for x in np.ravel(points)]
        if np.ndim(points) == 0:
            return found[0]
        return _joined(found, np.shape(points))

    def _at(self, f: Program, fmt: Format, x: Any, derivative: int) -> Estimate:
        plain = PlainFunction(f, fmt)
        order = () if self.derivatives == (1,) else (derivative,)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                import_warnings(self.module or self.package)
                found = _judged(self.call(plain, x, *order), plain)
            except (RefusedError, UserError):
                raise
            except Exception as error:  # whatever a library raises is its answer
                found = Estimate(np.nan, status="error", message=described(error))
        said = [*self._version_note(), *(f"{w.category.__name__}: {w.message}" for w in caught)]
        return replace(found, evaluations=plain.evaluations, warnings=tuple(dict.fromkeys(said)))

    def _version_note(self) -> list[str]:
        if self.installed == self.tested:
            return []
        return [f"{self.package} {self.installed} is installed; diffbench was tested with {self.tested}"]


@cache
def installed_version(package: str) -> str | None:
    """The version of a distribution, or None; looked up once."""
    from importlib.metadata import PackageNotFoundError, version  # costs as much as half of NumPy

    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def import_warnings(module: str) -> tuple[str, ...]:
    """Import a library; what it warns of then says nothing about the call that happened to be the first."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import_module(module)
    return tuple(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))


_WARM: set[str] = set()


def _warm(rival: Rival) -> None:
    if rival.name not in _WARM:
        _WARM.add(rival.name)
        for derivative in rival.derivatives:  # what goes wrong here goes wrong again in a call that counts
            with contextlib.suppress(Exception):
                rival.estimate(np.exp, get_format("float64"), np.float64(1.0), derivative)


REGISTERED: dict[str, Rival] = {}


def rival(
    *, package: str, tested: str, docs: str, name: str = "", **options: Any
) -> Callable[[Callable[..., Estimate]], Callable[..., Estimate]]:
    """Register a function as a rival; its name is the package's unless given, other options are fields."""

    def register(call: Callable[..., Estimate]) -> Callable[..., Estimate]:
        made = Rival(name or package, call, package, tested, docs, **options)
        if made.name in REGISTERED:
            raise UserError(f"there are two rivals named {made.name!r}")
        REGISTERED[made.name] = made
        return call

    return register


def number(value: Any) -> Any:
    """The one number in what a library returned: a scalar, or an array of one element."""
    array = np.asarray(value)
    return array.reshape(())[()] if array.size == 1 else value


def _judged(found: Estimate, plain: PlainFunction) -> Estimate:
    """One real number with a status, or an exception that says what came instead."""
    array = np.asarray(number(found.value))
    if array.ndim or (array.dtype.kind not in "iuf" and array.dtype.name != "bfloat16"):
        raise TypeError(f"returned {found.value!r:.60}, not a real number")
    value = array[()]
    found = replace(found, value=value, error=None if found.error is None else number(found.error))
    if found.status == "ok" and np.isfinite(value):
        return found
    where = _where(plain)
    if found.status != "ok":
        return replace(found, message="; ".join(filter(None, [found.message, where])))
    if plain.outside is not None:
        return replace(found, status="domain", message=f"returned {value}; {where}")
    if np.isinf(value) or plain.infinite is not None:
        return replace(
            found, status="overflow", message="; ".join(filter(None, [f"returned {value}", where]))
        )
    return replace(found, status="error", message="returned NaN, though f was finite at every node")


def _where(plain: PlainFunction) -> str:
    """Where the function was not finite when the library asked."""
    if plain.outside is not None:
        return f"f is NaN at x = {plain.outside!r}"
    return "" if plain.infinite is None else f"f is infinite at x = {plain.infinite!r}"


def _joined(found: list[Estimate], shape: tuple[int, ...]) -> Estimate:
    """Estimates of single points as one."""

    def all_of(values: list[Any], dtype: Any = None) -> Any:
        return np.array(values, dtype=dtype).reshape(shape)

    def optional(values: list[Any]) -> Any:
        known = [np.nan if v is None else v for v in values]
        return None if all(v is None for v in values) else all_of(known)

    worst = next((e for e in found if e.status != "ok"), Estimate(np.nan))
    return Estimate(
        all_of([e.value for e in found]),
        optional([e.h for e in found]),
        all_of([e.evaluations for e in found], np.int64),
        worst.status,
        worst.message,
        optional([e.error for e in found]),
        all_of([e.status for e in found]),
        tuple(dict.fromkeys(w for e in found for w in e.warnings)),
    )
