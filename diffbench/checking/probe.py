"""The user's function, called safely: one point of the format at a time.

``Probe(f, x, fmt)`` evaluates f on lines through x and measures how noisy f is at x. What comes back must be
one real number. A wider one than the format (NumPy makes float32 of ``2.0 * x`` in bfloat16, and float64 of
``x / np.sqrt(2)``) is taken as it is and judged by the precision of the format, in which x is; a narrower one
is refused, because then the code does not run in the format it is to be checked in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.formats import Format, format_of
from diffbench.checking.block import OFFSETS, Block, Vector, fit, scatter_of
from diffbench.errors import UserError

#: Noise is taken this much larger in formats that leave room for it: nine values tell it only roughly.
CAUTION = 2.0


class Probe:
    """A function at a point, in a format.

    Parameters
    ----------
    f : callable
        Called with an array of the shape of ``x`` and the dtype of the format.
    x : array
        Finite numbers of the format.
    fmt : Format

    Raises
    ------
    UserError
        If f raises at x, or does not return one finite real number of enough precision there.
    """

    def __init__(self, f: Callable[..., Any], x: np.ndarray[Any, Any], fmt: Format) -> None:
        self.f, self.x, self.format = f, x, fmt
        self.wide = np.dtype(np.longdouble if fmt.name == "longdouble" else np.float64)
        self.flat = x.astype(self.wide).reshape(-1)
        self.evaluations = 0
        self.notes: list[str] = []
        self.raised = ""  # what f said when it raised at a point near x
        self.value = self._first_value()
        again = self._call(x)
        self.nearby = 0.0  # largest |f| among the points where noise is looked for
        self.noise = self._measure_noise()
        if again != self.value:
            self.notes.append("f gives another value when it is called again at the same point")
            self.noise = max(self.noise, abs(float(again - self.value)))

    @property
    def spacing(self) -> float:
        """Spacing of the format at f(x), or at the values of f around x where f(x) is 0."""
        largest = max(abs(float(self.value)), self.nearby)
        return float(self.format.ulp(largest))

    def noisiness(self, change: float = 0.0) -> float:
        """Noise of f in units of one rounding of f, where it moves by ``change``; at least 1."""
        spacing = max(self.spacing, float(self.format.ulp(change)))
        return max(1.0, self.noise / spacing / 0.3)

    def block(self, component: int, h: float) -> Block | str:
        """Nine values along one coordinate, fitted; or why there are none: ``overflow domain grid``."""
        base = self.flat[component]
        with np.errstate(over="ignore"):
            nodes = self.format.round(base + OFFSETS * self.wide.type(h))
        t = (nodes.astype(self.wide) - base).astype(np.float64)
        if not np.all(np.isfinite(t)):
            return "overflow"
        if np.any(np.diff(t) <= 0.5 * h):
            return "grid"
        values = [self.value_at(component, node) for node in nodes]
        return self._fitted(t, np.array(values, dtype=self.wide), h)

    def many(self, component: int, distances: Vector) -> tuple[Vector, Vector]:
        """Distances from x along one coordinate, in order, and f minus its value at x there.

        The distances are those asked for, on both sides, as the format can hold them; where f raises, or is
        not finite, the value is NaN.
        """
        base = self.flat[component]
        offsets = np.concatenate([-distances, [0.0], distances])
        with np.errstate(over="ignore"):
            nodes = np.unique(self.format.round(base + offsets.astype(self.wide)))
        nodes = nodes[np.isfinite(nodes)]
        values = np.array([self.value_at(component, node) for node in nodes], dtype=self.wide)
        values[~np.isfinite(values)] = np.nan
        return (nodes.astype(self.wide) - base).astype(np.float64), (values - self.value).astype(np.float64)

    def moved(self, component: int, distance: float) -> np.ndarray[Any, Any]:
        """The point with one coordinate moved."""
        point = self.x.copy()
        point.reshape(-1)[component] = self.format.round(self.flat[component] + distance)
        return point

    def value_at(self, component: int, node: Any) -> Any:
        """f with one coordinate moved."""
        if node == self.x.reshape(-1)[component]:
            return self.value
        point = self.x.copy()
        point.reshape(-1)[component] = node
        return self._near(point)

    def _fitted(self, t: Vector, values: np.ndarray[Any, Any], h: float) -> Block | str:
        if not np.all(np.isfinite(values)):
            return "overflow" if np.any(np.isinf(values)) else "domain"
        largest = float(np.max(np.abs(values)))
        noise, here = self.noise, abs(float(self.value))
        if 0 < here < largest and noise < 1e-3 * here:  # noise that is relative grows with f
            noise *= largest / here
        caution = 1.0 if self.format.precision < 20 else CAUTION
        spacing = self.format.ulp(values) * caution
        return fit(t, (values - self.value).astype(np.float64), h, spacing, caution * noise)

    # values -----------------------------------------------------------------------------------------

    def _call(self, point: np.ndarray[Any, Any]) -> Any:
        """f at a point, as a number of the wide dtype."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            result = self.f(point.copy())
        if type(result) is not self.format.dtype.type:
            result = self._checked(result)
        return self.wide.type(result)

    def _checked(self, result: Any) -> Any:
        try:
            array = np.asarray(result)
        except (TypeError, ValueError) as error:
            raise UserError(f"f must return one number, not {type(result).__name__} ({error})") from error
        if array.size != 1:
            raise UserError(
                f"f returned an array of shape {array.shape} for x of shape {self.x.shape}: "
                "a gradient belongs to one number, so reduce it (np.sum), or check one output at a time"
            )
        if array.dtype != self.format.dtype:
            self._check_dtype(array.dtype)
        return array.reshape(())[()]

    def _check_dtype(self, dtype: np.dtype[Any]) -> None:
        name = self.format.name
        if dtype.kind in "iubOUSc":
            raise UserError(
                f"f returned {dtype} for x in {name}: it must return a real floating-point number"
            )
        found = format_of(dtype)
        if found.precision < self.format.precision or found.name == "float16":
            raise UserError(
                f"f returned {found.name} for x in {name}, so its digits are lost: "
                f"check it with format={found.name!r}, or keep the precision of x"
            )
        note = f"f returned {found.name} for x in {name}: judged by the precision of {name}"
        if note not in self.notes:
            self.notes.append(note)

    def _first_value(self) -> Any:
        try:
            value = self._call(self.x)
        except UserError:
            raise
        except Exception as error:  # whatever the user's program raises, said with where it happened
            raise UserError(
                f"f raised {_said(error)} when it was called with {_shown(self.x)} in {self.format.name}"
            ) from error
        if not np.isfinite(value):
            raise UserError(
                f"f({_shown(self.x)}) is {value} in {self.format.name}: "
                "choose a point inside its domain, or a format with more range"
            )
        return value

    def _near(self, point: np.ndarray[Any, Any]) -> Any:
        """f at a point near x, NaN where it raises: the domain may end there."""
        try:
            return self._call(point)
        except UserError:
            raise
        except Exception as error:  # see above
            self.raised = _said(error)
            return self.wide.type(np.nan)

    # noise ------------------------------------------------------------------------------------------

    def _measure_noise(self) -> float:
        """Standard deviation of f around a smooth curve, on lines through x in no special direction.

        After More & Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314: points so near that a polynomial follows
        f. Rounding errors inside f can follow a straight line for a while (exp(x) - 1 at x = 2**-10 in steps
        of 2**-17), so several spacings are tried, and the worst counts.
        """
        size = np.abs(self.flat)
        typical = float(np.max(size)) or 1.0
        spacing = self.format.ulp(np.where(size > 0, size, typical)).reshape(-1)
        signs = np.random.default_rng(0).choice((-1.0, 1.0), spacing.shape)
        found = 0.0
        for power in self._noise_powers():
            factor = 1.0 if power == 0 else round(1.618 * 2.0**power)
            g = self._along(spacing * signs * factor)
            if g is None:
                break
            scatter = scatter_of(OFFSETS, g, 1.0)
            if scatter > 4 * found > 0 and power:
                closer = self._along(spacing * signs * (factor // 2))
                if closer is not None and scatter_of(OFFSETS, closer, 1.0) < 0.6 * scatter:
                    continue  # what fades with the spacing is no noise: a kink, or a curve not followed
            found = max(found, scatter)
        return found

    def _noise_powers(self) -> list[int]:
        """Spacings between the points of a line, in powers of two of the format's own."""
        bits = self.format.precision
        return [0, 1] if bits < 20 else [0, bits // 6, bits // 3, bits // 2]

    def _along(self, direction: Vector) -> Vector | None:
        """f - f(x) at nine points of a line; None if one of them has no value."""
        values = []
        for j in OFFSETS:
            with np.errstate(over="ignore"):
                point = self.format.round(self.flat + self.wide.type(j) * direction)
            values.append(self._near(point.reshape(self.x.shape)) if j else self.value)
        g = (np.array(values, dtype=self.wide) - self.value).astype(np.float64)
        self.nearby = max(self.nearby, float(np.nanmax(np.abs(values))))
        return g if np.all(np.isfinite(g)) else None


def _said(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _shown(x: np.ndarray[Any, Any]) -> str:
    return str(x) if x.size <= 4 else f"x of shape {x.shape}"
