"""What can be found out about f near x before any step is recommended.

``survey(program, fmt, x, derivative)`` -> :class:`Survey`: a value of the derivative with a bound, the noise
of f, how fast it changes, on which sides of x it has values, and whether there is a kink at x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from diffbench.advice.noise import noise_level, scatter_by_step
from diffbench.advice.probe import Probe, dyadic
from diffbench.advice.yardstick import ROUNDED, Rungs, Yardstick, measure, offsets_of
from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import UserError
from diffbench.methods import methods
from diffbench.opaque import opaque
from diffbench.stencils import stencil_from_name

#: How often a ladder may be continued beyond its end, and by how many octaves.
_EXTENSIONS, _OCTAVES = 5, 8
#: Far out f may swing within a step, which looks like noise: it is at most so many times the first look's.
_MOST = 8.0
#: Octaves that are kept below and above the best of a coarse look.
_BELOW, _ABOVE = 8, 13
#: Octaves over which a slope that rises by 10 % and more is taken to rise without bound.
_GROWING = 12
#: Units in the last place by which rounding alone may change a value.
_ROUNDING = 8
#: A change of f by so many standard deviations is none of the noise.
_NO_NOISE = 12
#: Noise that is so much of all changes of f may hide f altogether.
_NOISY = 0.15
INFINITE = "difference quotients grow without bound as h falls: f has no finite derivative at x"


@dataclass(frozen=True)
class Survey:
    """What is known of f near x.

    Attributes
    ----------
    probe : Probe
        In the format that the advice is for.
    kind : str
        ``central``, or ``forward``, ``backward`` where f has values on one side of x only.
    yardstick : Yardstick
    noise : float
        Standard deviation of one value of f in the format.
    slope : float
        How fast f changes, at most, at the steps that matter.
    low, high : float
        The steps that are worth a look.
    size : float
        |f| at x, or around x where f(x) is 0.
    unit : float
        What errors are relative to: the derivative, or where that may be 0 what it could be.
    notes : list of str
    """

    probe: Probe
    kind: str
    yardstick: Yardstick
    noise: float
    slope: float
    low: float
    high: float
    size: float
    unit: float
    notes: tuple[str, ...] = field(default=())

    @property
    def noise_in_ulp(self) -> float:
        """The noise in units of the last place of f near x."""
        return self.noise / float(self.probe.format.ulp(self.size))


def survey(
    program: Callable[..., Any],
    fmt: Format,
    x: float,
    derivative: int,
    scale: float,
    kind: str | None = None,
    few: bool = False,
) -> Survey:
    """Look at f around x.

    Parameters
    ----------
    program : callable
    fmt : Format
    x : float
        A number of the format.
    derivative : int
    scale : float
        The largest step to begin with; the ladder goes on where the error still falls there.
    kind : {"central", "forward", "backward"}, optional
        The sides to look at; default: both, or the one that has values.
    few : bool
        Spend fewer values: only steps around the best of a coarse look.

    Raises
    ------
    UserError
        If there is no finite value at x, or the function cannot be sampled.
    """
    probe = Probe(program, fmt, x)
    wide = get_format("float64")
    if probe.strict and fmt.precision < wide.precision:
        return _with_wide_run(probe, Probe(program, wide, x), derivative, scale, kind)
    return _measured(probe, derivative, scale, kind, few)


def _with_wide_run(probe: Probe, wider: Probe, derivative: int, scale: float, kind: str | None) -> Survey:
    """A NumPy program in a narrow format: float64 tells its derivative, and the noise of the format."""
    found = _measured(wider, derivative, scale, kind, False)
    low, high = _range(probe, scale)
    h = dyadic(probe.format, low, max(found.high, low), 1)
    with np.errstate(all="ignore"):
        gap = probe.values(h, (-1, 0, 1)).astype(float) - wider.values(h, (-1, 0, 1)).astype(float)
    near = np.abs(gap[np.isfinite(gap)])
    # half of them are within 0.67 standard deviations; a mean would follow the values far away
    noise = float(np.median(near)) / 0.6745 if len(near) else math.nan
    noise = max(noise, ROUNDED * float(probe.format.ulp(probe.value)) if noise else 0.0)
    source = f"the same program in float64: {found.yardstick.source}"
    return replace(
        found,
        probe=probe,
        yardstick=replace(found.yardstick, source=source),
        noise=noise,
        low=low,
        high=max(found.high, low),
    )


def _range(probe: Probe, scale: float) -> tuple[float, float]:
    """Steps from two spacings of the format at x to the scale."""
    fmt = probe.format
    spacing = 2 * float(fmt.ulp(probe.x)) if probe.x else 0.0
    low = max(spacing, scale * fmt.u / 4, 4 * max(fmt.smallest_subnormal, 5e-324))
    return low, max(scale, 4 * low)


def _measured(probe: Probe, derivative: int, scale: float, wanted_kind: str | None, few: bool) -> Survey:
    low, high = _range(probe, scale)
    kind = wanted_kind or _sides(probe, low)
    if few:
        low, high = _narrowed(probe, kind, low, high, derivative)
    most = math.inf
    for _ in range(_EXTENSIONS):
        rungs = _ladder(probe, kind, low, high)
        noise, argument = _noise(probe, rungs)
        noise = min(noise, most)
        most = _MOST * noise if noise else math.inf
        yardstick = measure(rungs, derivative, noise, argument, probe.format.u)
        wanted = _continue(rungs, yardstick, low, high, probe)
        if wanted == (low, high):
            break
        low, high = wanted
    notes = []
    quantum = rungs.quantum(noise)
    if quantum and quantum > 4 * float(probe.format.ulp(probe.value)):
        notes.append(f"f moves in jumps of {quantum:.3g}: it is rounded or quantised inside")
    if probe.scatter > noise:
        noise = probe.scatter
        yardstick = measure(rungs, derivative, noise, argument, probe.format.u)
    yardstick = _doubts(yardstick, rungs, noise, derivative, probe)
    if kind == "central":
        yardstick = second_opinion(yardstick, probe, derivative)
    slope = rungs.slope[np.isfinite(rungs.slope)]
    typical = float(np.median(slope)) if len(slope) else 0.0
    unit = _unit(yardstick, rungs, noise, derivative, probe)
    size = _size(probe, rungs, yardstick)
    return Survey(probe, kind, yardstick, noise, typical, low, high, size, unit, tuple(notes))


def _unit(yardstick: Yardstick, rungs: Rungs, noise: float, derivative: int, probe: Probe) -> float:
    """What errors are relative to: the derivative; where that may be 0, max|f| / scale^m or slopes nearby."""
    if abs(yardstick.value) > 2 * yardstick.bound:
        return abs(yardstick.value)
    around = 0.0
    if derivative == 1 and probe.value == 0:  # x**2 at 0: the slopes nearby that are no noise
        near = rungs.h <= max(1.0, abs(probe.x))
        with np.errstate(invalid="ignore"):
            slopes = rungs.slope[near & (rungs.slope * rungs.h > _NO_NOISE * noise)]
        around = float(np.median(slopes)) if len(slopes) else 0.0
    size = _size(probe, rungs, yardstick) / max(1.0, abs(probe.x)) ** derivative
    return max(abs(yardstick.value), size, around)


def second_opinion(yardstick: Yardstick, probe: Probe, derivative: int) -> Yardstick:
    """The automatic estimator asked as well: the sharper of two that agree, doubts where they do not.

    It knows first and second derivatives; for others the ladder speaks alone.
    """
    method = methods()["auto"]
    if method.refusal(probe.format, derivative) or not math.isfinite(yardstick.value):
        return yardstick
    program = probe.program if probe.strict else probe.opaque
    found = method.estimate(program, probe.format, probe.format.round(np.array([probe.x])), derivative)
    value, bound = float(np.asarray(found.value)[0]), float(np.asarray(found.error)[0])
    if found.status != "ok":
        agree = abs(value - yardstick.value) <= bound + yardstick.bound
        if yardstick.status != "ok" or found.status != "low_confidence" or agree:
            return yardstick
        message = f"the automatic estimator would not vouch for its value: {found.message}"
        return replace(yardstick, status="low_confidence", message=message)
    if abs(value - yardstick.value) > bound + yardstick.bound and yardstick.status == "ok":
        message = f"two estimators disagree: {yardstick.value:.10g} and {value:.10g} (auto)"
        bound = max(abs(value - yardstick.value), bound, yardstick.bound)
        return replace(yardstick, bound=bound, status="low_confidence", message=message)
    if bound < yardstick.bound and yardstick.status == "ok":
        return replace(yardstick, value=value, bound=bound, source="the automatic estimator (method 'auto')")
    return yardstick


def _size(probe: Probe, rungs: Rungs, yardstick: Yardstick) -> float:
    """|f(x)|; where that is 0, |f| at the step that serves the yardstick."""
    if probe.value:
        return abs(probe.value)
    nearest = int(np.argmin(np.abs(np.log(rungs.h) - math.log(yardstick.h)))) if yardstick.h > 0 else -1
    near = np.abs(rungs.values[:, nearest].astype(float))
    return float(np.nanmax(near)) if np.isfinite(near).any() else 0.0


def _sides(probe: Probe, low: float) -> str:
    """On which sides of x there are values, at small steps."""
    h = low * 2.0 ** np.arange(6)
    left = np.isfinite(probe.values(h, (-1,))).sum()
    right = np.isfinite(probe.values(h, (1,))).sum()
    if left and right:
        return "central"
    return "forward" if right else "backward" if left else "central"


def _narrowed(probe: Probe, kind: str, low: float, high: float, derivative: int) -> tuple[float, float]:
    """The steps that matter, from a few pairs far apart: where differences of two points agree best.

    A stencil of high accuracy has its best step far above that of the plainest, so more is kept above.
    """
    h = dyadic(probe.format, low, high)[::4]
    plain = stencil_from_name(f"{kind}-{2 if kind == 'central' else 1}", derivative)
    change = np.abs(np.diff(probe.estimates(plain, h)))
    if not np.isfinite(change).any() or not np.any(change > 0):
        return low, high
    best = h[int(np.nanargmin(np.where(change > 0, change, np.nan)))]
    return max(low, best / 2.0**_BELOW), min(high, best * 2.0**_ABOVE)


def _ladder(probe: Probe, kind: str, low: float, high: float) -> Rungs:
    h = dyadic(probe.format, low, high)
    offsets = offsets_of(kind)
    return Rungs(kind, offsets, h, probe.values(h, offsets))


def _noise(probe: Probe, rungs: Rungs) -> tuple[float, float]:
    """Scatter of one value, and how far an argument inside f may be off."""
    level, _ = noise_level(scatter_by_step(rungs.values), rungs.flat)
    if math.isnan(level):  # no step has all its nodes: take the format's own rounding
        level = ROUNDED * float(probe.format.ulp(probe.value))
    level = max(level, 0.4 * rungs.quantum(level), probe.scatter)
    return level, probe.format.u * abs(probe.x) / 2


def _continue(
    rungs: Rungs, yardstick: Yardstick, low: float, high: float, probe: Probe
) -> tuple[float, float]:
    """A longer range, where the best answer stands at its end: f varies on another scale."""
    if not math.isfinite(yardstick.bound) or len(rungs.h) < 4:
        if rungs.flat.all() and high < probe.format.max / 2.0**_OCTAVES:
            return low, high * 2.0**_OCTAVES
        return low, high
    if yardstick.h >= rungs.h[-3] and np.isfinite(rungs.values[:, -1]).all():
        longer = high * 2.0**_OCTAVES
        return low, longer if longer < probe.format.max / 2.0**_OCTAVES else high
    if yardstick.h <= rungs.h[3] and probe.x == 0 and not yardstick.settled:
        return low * 2.0 ** (-2 * _OCTAVES), high
    return low, high


def _doubts(yardstick: Yardstick, rungs: Rungs, noise: float, derivative: int, probe: Probe) -> Yardstick:
    """Why the yardstick may not be trusted, said in its status."""
    known = np.isfinite(rungs.values).all(axis=0)
    if known.any() and rungs.flat[known].all():
        widest = float(rungs.h[known][-1])
        resolution = float(probe.format.ulp(probe.value)) / widest**derivative
        message = (
            f"f has the same value at all steps up to h = {widest:.3g}: it is constant there, or changes by "
            "less than the format resolves"
        )
        return Yardstick(0.0, resolution, "equal values", widest, "low_confidence", message)
    if derivative == 1 and _grows(rungs, probe.format):
        return replace(yardstick, status="low_confidence", message=INFINITE)
    values = rungs.values[np.isfinite(rungs.values)].astype(float)
    if yardstick.status == "ok" and len(values) and noise > _NOISY * float(np.ptp(values)) > 0:
        message = (
            f"f scatters by {noise:.2g} and changes by no more than {np.ptp(values):.2g}: it looks like noise"
        )
        return replace(yardstick, status="low_confidence", message=message)
    slopes = kink_slopes(rungs, noise) if rungs.kind == "central" and derivative == 1 else None
    if slopes is not None:
        message = (
            f"f has a kink at x: the slope is {slopes[0]:.6g} on the left and {slopes[1]:.6g} on the right"
        )
        return replace(yardstick, status="low_confidence", message=message)
    unit = _unit(yardstick, rungs, noise, derivative, probe)
    if yardstick.status == "ok" and yardstick.bound > max(1e-3, 64 * probe.format.u) * unit:
        message = f"the derivative is only known to {yardstick.bound:.2g} of {yardstick.value:.3g}"
        return replace(yardstick, status="low_confidence", message=message)
    return yardstick


def _grows(rungs: Rungs, fmt: Format) -> bool:
    """Whether the slope to a neighbour keeps rising as h falls, over the smallest steps that show it.

    Changes of a few units in the last place rise like 1/h too, and are rounding.
    """
    middle = rungs.offsets.index(0)
    for side in (middle + 1, middle - 1):
        if not 0 <= side < len(rungs.offsets):
            continue
        with np.errstate(all="ignore"):
            change = np.abs((rungs.values[side] - rungs.values[middle]).astype(float))
            rounding = _ROUNDING * fmt.ulp(np.fmax(*np.abs(rungs.values[[side, middle]]))).astype(float)
            slope = np.where(change > rounding, change / rungs.h, np.nan)
        known = np.isfinite(change) & (change > 0)
        slope = slope[known][:_GROWING]
        if len(slope) == _GROWING and bool(np.all(slope[:-1] > 1.1 * slope[1:])):  # NaN: not so
            return True
    return False


def kink_slopes(rungs: Rungs, noise: float) -> tuple[float, float] | None:
    """One-sided slopes, where they differ at the smallest steps that resolve it; None where f is smooth.

    For smooth f the gap ``(f+ - 2 f0 + f-) / h`` falls like h; at a kink it stays as h falls.
    """
    middle = rungs.offsets.index(0)
    left, centre, right = (rungs.values[middle + j].astype(float) for j in (-1, 0, 1))
    with np.errstate(all="ignore"):
        gap = (right - 2 * centre + left) / rungs.h
        resolved = np.abs(gap) * rungs.h > 12 * noise
    where = np.flatnonzero(resolved & np.isfinite(gap))
    if len(where) < 3:
        return None
    first = gap[where[:3]]
    steady = np.abs(first - first[0]).max() < 0.2 * abs(first[0]) and np.all(np.diff(where[:3]) == 1)
    if not steady:
        return None
    k = where[0]
    return (float((centre - left)[k] / rungs.h[k]), float((right - centre)[k] / rungs.h[k]))


def yardstick_of(
    program: Callable[..., Any], fmt: Format, x: float, derivative: int, scale: float
) -> Yardstick:
    """The derivative of an opaque f at a number of the format, with a bound; from float64 if f takes it.

    A narrower format only rounds: the function is the same, and float64 tells its derivative better.
    """
    wide = get_format("float64") if fmt.precision < get_format("float64").precision else fmt
    called = opaque(program)
    few = not called.local
    try:
        with np.errstate(all="ignore"):
            found = survey(called, wide, x, derivative, scale, few=few)
    except UserError:
        if wide is fmt:
            raise
        with np.errstate(all="ignore"):
            return survey(called, fmt, x, derivative, scale, few=few).yardstick
    source = (
        found.yardstick.source if wide is fmt else f"from values in {wide.name}: {found.yardstick.source}"
    )
    return replace(found.yardstick, source=source)
