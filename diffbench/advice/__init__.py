"""Which step should I use, for this function, at this point, in this format?

* ``advise(f, x)`` -> :class:`Advice`: stencil and step, the error to expect, what is better than any step.

The advice is made from values of f alone: a derivative with a bound from a ladder of steps, and the error of
every stencil measured against it. Where the truth is known, the advice is held against it and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffbench.advice.check import check_advice
from diffbench.advice.curve import Curve, error_curve
from diffbench.advice.instead import alternatives
from diffbench.advice.probe import dyadic
from diffbench.advice.record import Advice, Check, Option, Usual
from diffbench.advice.survey import INFINITE, Survey, survey
from diffbench.advice.usual import usual_steps
from diffbench.arithmetic.formats import Format, get_format
from diffbench.errors import UnknownNameError, UserError
from diffbench.opaque import OpaqueFunction
from diffbench.stencils import MAX_DERIVATIVE, stencil_from_name

__all__ = ["Advice", "Check", "Option", "Usual", "advise"]

#: What is compared, by the sides on which f has values.
CANDIDATES = {
    "central": ("central-2", "central-4", "central-6"),
    "forward": ("forward-1", "forward-2", "forward-4"),
    "backward": ("backward-1", "backward-2", "backward-4"),
}
#: A stencil with more nodes has to be so many times better than a plainer one.
PAYS = 10.0
#: Decades to each side of a coarse optimum that are looked at closely.
CLOSE = 1.0
EFFORTS = ("many", "few")


def advise(
    f: Callable[..., Any],
    x: float,
    format: str = "float64",
    derivative: int = 1,
    *,
    stencil: str | None = None,
    truth: Callable[..., Any] | float | None = None,
    scale: float | None = None,
    effort: str | None = None,
    name: str | None = None,
) -> Advice:
    """Recommend a stencil and a step for one function at one point.

    Parameters
    ----------
    f : callable
        A NumPy program, or anything that takes one number and gives one (``math.sin``, a simulation,
        ``diffbench.command("simulate --x {x}")``).
    x : float
        The point; rounded once to the format.
    format : str
        ``float16 bfloat16 float32 float64 longdouble``: the format in which f runs.
    derivative : int
        Order m, 1 to 6.
    stencil : str, optional
        Ask for the step of this stencil; by default the plainest that pays is recommended.
    truth : callable or float, optional
        The derivative, or a NumPy program to differentiate, to hold the advice against.
    scale : float, optional
        The length over which f varies, default ``max(1, |x|)``; a first guess, not a limit.
    effort : {"many", "few"}, optional
        How many values of f to spend: about 400, or about 100. Default: few for functions that run in other
        threads or processes (commands), many for others.
    name : str, optional
        What the function is called in the answer.

    Returns
    -------
    Advice
        ``print`` shows it; ``.stencil``, ``.h``, ``.expected_error``, ``.noise``, ``.reasons`` and others.

    Raises
    ------
    UserError
        If f has no finite value at x, returns something that is no number, hangs, or depends on its calls;
        or an argument makes no sense.

    Notes
    -----
    The expected error is the 90th percentile of the measured errors around the step. What it cannot see: a
    smooth error of f itself (f is then another function), and structure far below the smallest step.
    """
    fmt, point, scale = _checked(f, x, format, derivative, scale, effort)
    names = None if stencil is None else (stencil_from_name(stencil, derivative).name,)
    label = str(name or getattr(f, "__name__", "f"))
    with np.errstate(all="ignore"):  # values that overflow or are missing are looked at, not warned of
        return _advised(f, fmt, point, derivative, names, truth, scale, effort, label)


def _advised(
    f: Callable[..., Any],
    fmt: Format,
    point: float,
    derivative: int,
    names: tuple[str, ...] | None,
    truth: Any,
    scale: float,
    effort: str | None,
    label: str,
) -> Advice:
    few = effort == "few" or (effort is None and isinstance(f, OpaqueFunction) and not f.local)
    found = survey(f, fmt, point, derivative, scale, few=few)
    message = found.yardstick.message
    if names is None and found.kind == "central" and message.startswith("f has a kink"):
        found = survey(f, fmt, point, derivative, scale, "forward", few=few)
        message += (
            "; the advice is for the slope on the right, and holds for the left with a backward stencil"
        )
    curves = {wanted: _curve(found, wanted, derivative, few) for wanted in names or CANDIDATES[found.kind]}
    return _answer(found, curves, label, derivative, message, truth, scale, few)


def _checked(
    f: Any, x: Any, format: str, derivative: int, scale: float | None, effort: str | None
) -> tuple[Format, float, float]:
    if not callable(f):
        raise UserError(f"the function must be callable, not {type(f).__name__} {f!r:.40}")
    if (
        isinstance(derivative, bool)
        or not isinstance(derivative, int)
        or not 1 <= derivative <= MAX_DERIVATIVE
    ):
        raise UserError(
            f"the derivative order must be an integer from 1 to {MAX_DERIVATIVE}, not {derivative!r}"
        )
    if effort is not None and effort not in EFFORTS:
        raise UnknownNameError("effort", str(effort), EFFORTS)
    fmt = get_format(format)
    try:
        if isinstance(x, str | bytes):
            raise TypeError("text")
        given = float(x)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"the point must be one real number, not {repr(x).splitlines()[0]:.40}") from error
    point = float(fmt.round(np.float64(given)))
    if not np.isfinite(point):
        raise UserError(f"the point {given!r} is not a finite number of {fmt.name}")
    if scale is not None and not (isinstance(scale, int | float) and 0 < scale < np.inf):
        raise UserError(f"scale must be a positive finite length, not {scale!r}")
    return fmt, point, max(1.0, abs(point)) if scale is None else float(scale)


def _curve(found: Survey, name: str, derivative: int, few: bool) -> Curve:
    """A stencil's error curve: on the rungs of the ladder, then closely around the best of them."""
    stencil, probe = stencil_from_name(name, derivative), found.probe
    facts = (found.yardstick, found.noise, found.slope, probe.x, probe.format)
    h = dyadic(probe.format, found.low, found.high)
    coarse = error_curve(stencil, h, probe.estimates(stencil, h), *facts)
    best = coarse.best()
    if few or best < 0:
        return coarse
    close = dyadic(
        probe.format,
        max(found.low, coarse.h[best] / 10**CLOSE),
        max(found.low, min(found.high, coarse.h[best] * 10**CLOSE)),
        4,
    )
    h = np.unique(np.concatenate([h, close]))
    return error_curve(stencil, h, probe.estimates(stencil, h), *facts)


def _answer(
    found: Survey,
    curves: dict[str, Curve],
    label: str,
    derivative: int,
    message: str,
    truth: Any,
    scale: float,
    few: bool,
) -> Advice:
    probe, yardstick = found.probe, found.yardstick
    options = tuple(option for curve in curves.values() for option in _options(curve))
    status = "low_confidence" if message else yardstick.status
    facts: dict[str, Any] = dict(
        function=label,
        x=probe.x,
        format=probe.format.name,
        derivative=derivative,
        noise=found.noise,
        noise_in_ulp=found.noise_in_ulp,
        value=yardstick.value,
        bound=yardstick.bound,
        curves=curves,
        eps=probe.format.eps,
    )
    if not options or INFINITE in message:
        none = (
            message or f"no step has a value at all of its nodes: {probe.failure or 'f is not finite near x'}"
        )
        return Advice(
            **facts,
            stencil="",
            h=np.nan,
            expected_error=np.nan,
            truncation=np.nan,
            rounding=np.nan,
            reasons=_reasons(found),
            check=Check(message="there is no step to check"),
            status="low_confidence",
            message=none,
            evaluations=probe.evaluations,
        )
    chosen = recommended(options, abs(yardstick.value) * probe.format.u)
    curve = curves[chosen.stencil]
    plainest = next(iter(curves.values()))
    usual = usual_steps(found, plainest, few)
    instead = alternatives(found, curve.stencil, curve, chosen.error, derivative)
    reasons = _reasons(found, "kink" in message)
    evaluations = probe.evaluations  # what the check costs is not what the advice cost
    check = check_advice(probe, truth, curve.stencil, chosen.h, scale, found.size)
    unit = found.unit
    if not message and chosen.error > 0.1 * unit:
        status = "low_confidence"
        share = f"{chosen.error / unit:.0%} of" if chosen.error <= unit else "larger than"
        message = f"no step is good: the best error is {share} the derivative"
    if not message and check.actual > 10 * (chosen.error + yardstick.bound):
        status, message = "low_confidence", _contradiction(truth, check, yardstick)
    return Advice(
        **facts,
        stencil=chosen.stencil,
        h=chosen.h,
        expected_error=chosen.error,
        truncation=chosen.truncation,
        rounding=chosen.noise,
        options=options,
        usual=usual,
        instead=tuple(instead),
        reasons=reasons,
        check=check,
        status=status,
        message=message,
        evaluations=evaluations,
    )


def _contradiction(truth: Any, check: Check, yardstick: Any) -> str:
    """What is said where the true derivative is far from what the values of f say."""
    found = f"{check.actual:.2g} away from what the values of f say, {yardstick.value:.10g} within"
    if isinstance(truth, float | int):
        return f"the given derivative is {found} {yardstick.bound:.2g}: look at it again"
    return (
        f"the exact derivative is {found} {yardstick.bound:.2g}: f moves in steps, has structure that these "
        "values do not show, or is another function in this format"
    )


def _options(curve: Curve) -> list[Option]:
    best = curve.best()
    if best < 0:
        return []
    evaluations = sum(1 for weight in curve.stencil.weights if weight)
    parts = (float(curve.expected[best]), float(curve.truncation[best]), float(curve.noise[best]))
    return [Option(curve.stencil.name, float(curve.h[best]), *parts, evaluations)]


def recommended(options: Sequence[Option], enough: float) -> Option:
    """The plainest stencil that no better one beats by far.

    Parameters
    ----------
    options : sequence of Option
        The plainest first.
    enough : float
        An error that needs no improvement.
    """
    chosen = options[0]
    for option in options[1:]:
        if chosen.error > 4 * enough and option.error * PAYS < chosen.error:
            chosen = option
    return chosen


def _reasons(found: Survey, kink: bool = False) -> tuple[str, ...]:
    probe, yardstick = found.probe, found.yardstick
    how = "every operation runs in the format" if probe.strict else "it is called with plain numbers"
    texts = [
        f"{probe.evaluations} values of f in {probe.format.name}; {how}"
        + (f" ({_first_clause(probe.why_opaque)})" if probe.why_opaque else ""),
        f"the derivative is taken to be {yardstick.value:.10g} within {yardstick.bound:.2g}: "
        f"{yardstick.source}",
        "errors above that bound are measured, below it they are continued by the model "
        "(truncation ~ h^p, noise ~ 1/h^m)",
    ]
    if found.kind != "central" and not kink:
        texts.append(f"f has values on one side of x only: {found.kind} stencils")
    if probe.scatter:
        texts.append(f"f gives other values when asked again: scatter {probe.scatter:.2g} at x")
    return (*texts, *found.notes, *probe.notes)


def _first_clause(text: str) -> str:
    """Enough of a refusal to recognise it."""
    return text.splitlines()[0].split(":")[0].split(";")[0]
