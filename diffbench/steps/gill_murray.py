"""Gill, Murray, Saunders and Wright: the forward difference's step from an estimate of f''."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffbench.arithmetic.formats import Format
from diffbench.stencils import Stencil
from diffbench.steps.choice import Choice, Wide, rule
from diffbench.steps.sampler import Probe, Sampler
from diffbench.steps.verdict import Mask, Verdict

#: Algorithm FD's K: how often the trial step may change.
TRIALS = 6


@dataclass
class Trial:
    """Quotients at a trial step: forward, central, second difference, and their relative condition errors."""

    forward: Wide
    central: Wide
    second: Wide
    first_error: Wide  # the larger of those of the forward and the backward quotient
    second_error: Wide
    inside: Mask


def trial(centre: Wide, values: Wide, h: Wide, noise: Wide) -> Trial:
    """The quotients at h, from f(x), f(x + h), f(x - h) and the absolute noise of a value."""
    up, down = values
    forward, backward = (up - centre) / h, (centre - down) / h
    second = (up - 2 * centre + down) / h**2
    first_error = 2 * noise / (h * np.minimum(np.abs(forward), np.abs(backward)))
    inside = np.isfinite(up) & np.isfinite(down)
    return Trial(
        forward, (up - down) / (2 * h), second, first_error, 4 * noise / (h**2 * np.abs(second)), inside
    )


@rule(
    source="Gill, Murray, Saunders and Wright 1983, SIAM J. Sci. Stat. Comput. 4, 310-321, algorithm FD",
    kind="selector",
    derivatives=(1,),
    stencils=("forward-1",),
)
def gill_murray(f: Sampler, x: Wide, fmt: Format, stencil: Stencil, *, noise: float = 0.0) -> Choice:
    """h = 2 (e/|f''|)**(1/2), with f'' from a second difference whose condition error is in [0.001, 0.1].

    The trial step starts at 10 times 2 (1 + |x|) (e/(1 + |f|))**(1/2) and changes by factors of 10, at most 6
    times (steps FD1 to FD4). ``noise``: the bound e of the absolute error of a value, 0 for eps (1 + |f|).
    The error estimate is h|f''|/2 + 2e/h. Where it, or the distance from the central quotient, is over half
    the derivative, the paper advises central differences: ``low_confidence``. Without a usable f'' (FD6) f
    is nearly constant (the derivative returned is 0), nearly linear or odd, or f'' grows as h falls.
    """
    probe = Probe(f, x)
    verdict = Verdict(probe)
    centre = probe.centre()
    verdict.needs_value(centre)
    e = np.full_like(x, noise) if noise else fmt.eps * (1 + np.abs(centre))
    start = 2 * (1 + np.abs(x)) * np.sqrt(e / (1 + np.abs(centre)))
    state = _Search(probe, centre, e, 10 * start, verdict.open)
    for _ in range(TRIALS):
        state.step()
    return _answer(state, verdict, start)


class _Search:
    """Steps FD1 to FD4 for many points: a trial step, its direction, and what has been accepted."""

    def __init__(self, probe: Probe, centre: Wide, noise: Wide, h: Wide, todo: Mask) -> None:
        self.probe, self.centre, self.noise, self.h = probe, centre, noise, h
        self.second = np.full_like(h, np.nan)  # the accepted f'', and the central quotient there
        self.central = np.full_like(h, np.nan)
        self.safe = np.full_like(h, np.nan)  # h_s: the first quotients are good to 10 %
        self.safe_forward = np.full_like(h, np.nan)
        self.forward = np.full_like(h, np.nan)
        self.error = np.full_like(h, np.inf)
        self.before = np.full_like(h, np.nan), np.full_like(h, np.nan)  # f'' and quotient one step before
        self.todo = todo
        found = self._look(np.flatnonzero(todo))
        index = np.flatnonzero(todo)
        error = self.error[index]
        self.growing = np.zeros(h.shape, dtype=bool)
        self.growing[index] = found.inside & ~(error <= 0.1)
        self._accept(index, found, found.inside & (error >= 0.001) & (error <= 0.1))

    def _look(self, index: Wide) -> Trial:
        """Evaluate the trial step; remember h_s, the smallest or first step that is safe for f'."""
        h = self.h[index]
        found = trial(self.centre[index], self.probe(h, (1.0, -1.0), index), h, self.noise[index])
        self.error[index], self.forward[index] = found.second_error, found.forward
        safe = found.inside & (found.first_error <= 0.1)
        chosen = index[safe]
        self.safe[chosen], self.safe_forward[chosen] = h[safe], found.forward[safe]
        return found

    def _accept(self, index: Wide, found: Trial, good: Mask) -> None:
        chosen = index[good]
        self.second[chosen], self.central[chosen] = found.second[good], found.central[good]
        self.todo[chosen] = False
        for kept, new in zip(self.before, (found.second, found.central), strict=True):
            kept[index] = np.where(found.inside, new, np.nan)

    def step(self) -> None:
        """One change of the trial step: FD3 where it grows, FD4 where it shrinks."""
        up = np.flatnonzero(self.todo & self.growing)
        if up.size:
            self.h[up] *= 10
            had = ~np.isnan(self.safe[up])
            kept = self.safe[up], self.safe_forward[up]
            found = self._look(up)
            self.safe[up] = np.where(had, kept[0], self.safe[up])  # growing: the first safe step stays
            self.safe_forward[up] = np.where(had, kept[1], self.safe_forward[up])
            self._accept(up, found, found.inside & (found.second_error <= 0.1))
            self.todo[up[~found.inside]] = False  # the domain ends here: no larger step will do
        down = np.flatnonzero(self.todo & ~self.growing)
        if down.size:
            self.h[down] /= 10
            second, central = (kept[down].copy() for kept in self.before)
            found = self._look(down)
            passed = found.inside & ~(found.second_error <= 0.1) & np.isfinite(second)
            self._accept(
                down, found, found.inside & (found.second_error >= 0.001) & (found.second_error <= 0.1)
            )
            chosen = down[passed]  # one step too far: take the one before
            self.second[chosen], self.central[chosen] = second[passed], central[passed]
            self.todo[chosen] = False


def _answer(state: _Search, verdict: Verdict, start: Wide) -> Choice:
    """FD5, and FD6 where there is no f''."""
    probe, e = state.probe, state.noise
    h = 2 * np.sqrt(e / np.abs(state.second))
    value, error = np.full_like(h, np.nan), np.full_like(h, np.nan)
    index = np.flatnonzero(verdict.open & np.isfinite(h))
    if index.size:
        ahead = probe(h[index], (1.0,), index)[0]
        value[index] = (ahead - state.centre[index]) / h[index]
        error[index] = h[index] * np.abs(state.second[index]) / 2 + 2 * e[index] / h[index]
    outside = np.zeros(h.shape, dtype=bool)
    outside[index] = ~np.isfinite(value[index])
    verdict.say(outside, "domain", "x + h left the domain, or f is infinite there")
    apart = np.maximum(error, np.abs(value - state.central)) > 0.5 * np.abs(value)
    verdict.say(apart, "low_confidence", "the error estimate is over half the value: use central differences")

    without = ~np.isfinite(h)
    constant, odd = without & np.isnan(state.safe), without & ~np.isnan(state.safe) & ~(state.error <= 0.1)
    wild = without & ~constant & ~odd
    h = np.where(constant, start, np.where(odd, state.safe, np.where(wild, state.h, h)))
    value = np.where(constant, 0.0, np.where(odd, state.safe_forward, np.where(wild, state.forward, value)))
    error = np.where(without, 2 * e / h, error)
    unseen = constant & ~np.isfinite(state.forward)
    verdict.say(unseen, "domain", "x + h or x - h left the domain at every trial step")
    verdict.say(constant, "low_confidence", "f is constant as far as its noise lets one see: 0 is returned")
    verdict.say(odd, "low_confidence", "no trial step shows f'': f is nearly linear, or odd about x")
    verdict.say(wild, "low_confidence", "f'' grows as the step falls: the smallest trial step was taken")
    return verdict.choice(h, "the optimum for f'' as estimated", value, error)
