"""One library in one format: what its functions are called, how arrays get in and out.

A :class:`LibraryArithmetic` says for one library and one format what NumPy's functions are called there
(``function("sin")``), how an array gets in and out (``lift``, ``plain``), and nothing else. The program sees
wrapped arrays, as in every arithmetic; each call is handed to the library as it is, so the library records,
transforms and differentiates what it would have been given by a program written for it.

The format is pinned: literals are rounded to it on the way in, and a result in another one is refused.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from diffbench.arithmetic.advice import call_name
from diffbench.arithmetic.base import Arithmetic, Program
from diffbench.arithmetic.formats import Format
from diffbench.arithmetic.functions import FIRST, HANDLERS, JOINING, OPTIONS, QUERIES, TOGETHER
from diffbench.arithmetic.library.formulas import FORMULAS, SIGNATURES
from diffbench.arithmetic.library.values import LibraryArray, LibraryScalar
from diffbench.arithmetic.values import Raw, Scalar
from diffbench.errors import RefusedError, UserError

_ALIASES = {"amax": "max", "amin": "min", "true_divide": "divide"}
_CALLS = frozenset([*FIRST, *JOINING, *TOGETHER, *HANDLERS])
# What a library says when it cannot do something; a bug of ours would mostly be one of these too, so its
# own words stay in the message.
_LACKS = (TypeError, ValueError, AttributeError, NotImplementedError, RuntimeError, IndexError)


class LibraryArithmetic(Arithmetic):
    """One library in one format; its raw arrays are the library's own, also while it differentiates.

    Parameters
    ----------
    fmt : Format
        Of every value.
    """

    library: str = ""

    def __init__(self, fmt: Format) -> None:
        self.format = fmt
        self.name = f"{self.library} ({fmt.name})"

    # what a library tells --------------------------------------------------------------------------------

    @abstractmethod
    def lift(self, array: np.ndarray[Any, Any]) -> Any:
        """A plain array of the format as an array of the library."""

    @abstractmethod
    def plain(self, raw: Any) -> np.ndarray[Any, Any]:
        """An array of the library, none that is being differentiated, as a plain array."""

    @abstractmethod
    def owns(self, value: Any) -> bool:
        """Whether a value is an array of the library."""

    @abstractmethod
    def function(self, name: str) -> Callable[..., Any] | None:
        """What the library has for NumPy's (or ``scipy.special``'s) function of that name."""

    @abstractmethod
    def dtype_name(self, raw: Any) -> str:
        """The dtype of an array of the library, in NumPy's words."""

    # values ------------------------------------------------------------------------------------------------

    def holds(self, raw: Any) -> bool:
        return self.owns(raw) and self.dtype_name(raw) == self.format.dtype.name

    def wrap(self, raw: Any) -> Any:
        if not self.owns(raw):
            raw = np.asarray(raw)
            return raw[()] if raw.dtype == bool else self.wrap(self.lift(raw))
        if self.dtype_name(raw) == "bool":  # a comparison is plain: it chooses, and has no derivative
            return self.plain(raw)[()]
        return LibraryArray(raw, self) if raw.ndim else LibraryScalar(raw, self)

    def coerce(self, value: Any) -> Raw:
        if isinstance(value, Scalar):
            if value.arithmetic is not self:
                raise self.foreign(value)
            return value.raw
        if self.owns(value):
            raw: Raw = value
            return raw
        array = np.asarray(float(value) if isinstance(value, Fraction) else value)
        if array.dtype == object:
            return self._joined(array)
        if array.dtype.kind not in "iufb" and array.dtype.name != "bfloat16":
            raise self.refuse(f"an operand of type {array.dtype}", "use real numbers")
        lifted: Raw = self.lift(self.format.round(array))
        return lifted

    def _joined(self, values: np.ndarray[Any, Any]) -> Raw:
        """``np.array([x[0] ** 2, 1.0])``: NumPy makes an object array of it."""
        parts = [self.wrap(self.coerce(v)) for v in values.ravel().tolist()]
        joined: Raw = self.coerce(np.reshape(np.stack(parts), values.shape))
        return joined

    # operations --------------------------------------------------------------------------------------------

    def apply(self, ufunc: np.ufunc, operands: tuple[Any, ...]) -> Any:
        function = self.find(ufunc.__name__, call_name(ufunc))
        with self.answering(call_name(ufunc)):
            return self._kept(function(*(self.coerce(v) for v in operands)), call_name(ufunc))

    def power(self, base: Any, exponent: Any) -> Any:
        if isinstance(exponent, int | float) and not isinstance(exponent, bool):
            with self.answering("**"):  # libraries treat a literal exponent with care: x**2 is x*x
                return self._kept(base**exponent, "**")
        return self.apply(np.power, (base, exponent))

    def call(self, name: str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """NumPy's function of that name, by the library.

        Raises
        ------
        RefusedError
            If the library has no such function, cannot run it, or leaves the format.
        """
        if name in QUERIES:
            return getattr(np, name)(np.empty(self.wrap(self.coerce(args[0])).shape), *args[1:], **kwargs)
        self.refuse_options({option: value for option, value in kwargs.items() if option in OPTIONS})
        given = {option: value for option, value in kwargs.items() if option not in OPTIONS}
        if name in FORMULAS:
            try:
                SIGNATURES[name].bind(self, *args, **given)
            except TypeError as error:
                raise self.refuse(f"np.{name} with these arguments ({error})", "use its plain form") from None
            return FORMULAS[name](self, *args, **given)
        if name not in _CALLS:
            raise self.refuse(f"np.{name}")
        function = self.find(_ALIASES.get(name, name), f"np.{name}")
        if name in JOINING:
            args = ([self.coerce(part) for part in args[0]], *args[1:])
        with self.answering(f"np.{name}"):
            result = function(
                *(self._lower(a) for a in args), **{k: self._lower(v) for k, v in given.items()}
            )
        if isinstance(result, list | tuple):
            return type(result)(self.wrap(self._kept(part, f"np.{name}")) for part in result)
        return self.wrap(self._kept(result, f"np.{name}"))

    def _lower(self, argument: Any) -> Any:
        """An argument as the library takes it: numbers as its arrays, shapes and conditions as they are."""
        if isinstance(argument, list | tuple):
            return type(argument)(self._lower(part) for part in argument)
        kind = (
            getattr(getattr(argument, "dtype", None), "kind", "") if not isinstance(argument, Scalar) else "f"
        )
        return self.coerce(argument) if isinstance(argument, float) or kind in ("f", "O", "V") else argument

    def find(self, name: str, call: str) -> Callable[..., Any]:
        """The library's function of NumPy's name, or RefusedError naming the call."""
        found = self.function(_ALIASES.get(name, name))
        if found is None:
            raise self.refuse(call, f"{self.library} has no such function")
        return found

    def _kept(self, result: Any, call: str) -> Any:
        """A result in the format, or a comparison."""
        dtype = self.dtype_name(result) if self.owns(result) else np.asarray(result).dtype.name
        if dtype in (self.format.dtype.name, "bool"):
            return result
        raise self.refuse(f"{call} (its result is {dtype})", f"{self.library} leaves the format there")

    @contextmanager
    def answering(self, call: str) -> Iterator[None]:
        """The library's own complaint, as a refusal that names the call."""
        try:
            yield
        except (RefusedError, UserError):
            raise
        except _LACKS as error:
            said = str(error).strip().split("\n")[0]
            raise self.refuse(call, f"{self.library} says: {type(error).__name__}: {said}") from error

    # running a program -------------------------------------------------------------------------------------

    def program(self, f: Program) -> Callable[[Any], Any]:
        """``f`` as a function of an array of the library; returns one of the same shape, or one number."""

        def run(raw: Any) -> Any:
            shape = tuple(raw.shape)
            try:
                value = f(self.wrap(raw))
            except (TypeError, ValueError, IndexError) as error:
                explained = self._explained(error)
                if explained is error:
                    raise
                raise explained from None
            if not self._is_result(value):
                self.result(value, shape)  # raises, saying what a program may return
            result = self.coerce(value)
            if tuple(result.shape) not in (shape, ()):
                raise UserError(
                    f"the function returned shape {tuple(result.shape)} for x of shape {shape}: it must work "
                    "element by element, or return one number"
                )
            return result

        return run
