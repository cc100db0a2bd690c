"""Which points a selector has settled, and what it says about those that went wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.steps.choice import Choice, worst
from diffbench.steps.sampler import Probe

Wide = np.ndarray[Any, Any]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Verdict:
    """The status of every point; what is said first about a point stays.

    Parameters
    ----------
    probe : Probe
        Counts the function values.
    """

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.status = np.full(probe.x.shape, "ok", dtype="<U14")
        self._messages: dict[str, str] = {}

    def say(self, where: Mask, status: str, message: str) -> None:
        """Something went wrong at some points."""
        new = where & (self.status == "ok")
        if new.any():
            self.status[new] = status
            self._messages.setdefault(status, message)

    @property
    def open(self) -> Mask:
        """The points about which nothing was said."""
        return np.asarray(self.status == "ok")

    def needs_value(self, value: Wide) -> None:
        """The function must be finite at the points themselves."""
        self.say(np.isnan(value), "domain", "f(x) is not a number: x is outside the domain")
        self.say(
            np.isinf(value), "overflow", "f(x) is infinite in the format: rescale, or use a wider format"
        )

    def choice(
        self, h: Wide, reason: str, value: Wide | None = None, error: Wide | None = None, low: str = ""
    ) -> Choice:
        """What the selector answers; without a step there is no value.

        ``low``: said where the step is no positive finite number and nothing else was.
        """
        good = np.isfinite(h) & (h > 0)
        self.say(~good, "no_step", low or "no step was found")
        if self.probe.f.message:  # a value that is missing because the function raised
            self.status[self.status == "domain"] = "error"
            self._messages["error"] = f"the function raised {self.probe.f.message}"
        usable = good & np.isin(self.status, ("ok", "low_confidence", "step_vanished"))
        if value is not None:
            value = np.where(usable, value, np.nan)
        if error is not None:
            error = np.where(usable, error, np.nan)
        return Choice(
            np.where(usable, h, np.nan),
            reason,
            self.probe.count,
            value,
            error,
            "ok" if (self.status == "ok").all() else self.status,
            self._messages.get(worst(self.status), ""),
        )


def scale_of(x: Wide) -> Wide:
    """``|x|``, and 1 at 0: where a relative search starts."""
    return np.where(x == 0, 1.0, np.abs(x)).astype(x.dtype)
