"""Would `auto` make a better gradient check? Its verdicts beside those of the check's own nine values.

    python benchmarks/auto_in_checks.py [SEED] [COUNT] [catalogue] [held out] [shown] [fresh] [kinks]

Prints the table of docs/gradient-check.md. `auto` is asked once for every component, along its coordinate; a
claim is judged from its value and bound by the rules of the check. `auto, then nine` takes the verdict of the
check where `auto` cannot tell, `nine, then auto` the other way round.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import gradient_cases
import gradient_scores

from diffbench.arithmetic.formats import Format, get_format
from diffbench.checking.component import AGREES, CANNOT_TELL, DISAGREES, SMALLEST_ERROR, examine
from diffbench.checking.ladder import FINE_RESOLUTION, MARGIN, RESOLUTION, ROUNDINGS
from diffbench.checking.probe import Probe
from diffbench.errors import UserError
from diffbench.methods.automatic import Result, estimate

WAYS = ("nine", "auto", "auto, then nine", "nine, then auto")
SETS = {
    "held out": gradient_cases.HELD_OUT,
    "shown": gradient_cases.SHOWN,
    "fresh": gradient_cases.FRESH,
    "kinks": gradient_cases.KINKS,
}


@dataclass
class Tally:
    """Verdicts by name of the error, and what the right gradients cost."""

    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    evaluations: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, error: str, verdict: str, evaluations: int, seconds: float) -> None:
        self.verdicts[error, verdict] += 1
        if error == "right":
            self.evaluations.append(evaluations)
            self.seconds += seconds


def by_auto(probe: Probe, component: int) -> Result:
    """What `auto` says about f along one coordinate."""

    def sample(nodes: Any) -> Any:
        return [probe.value_at(component, probe.format.dtype.type(node)) for node in nodes]

    return estimate(sample, probe.flat[component].item(), probe.format)


def judged(result: Result, claimed: float, probe: Probe, component: int) -> str:
    """The verdict on a claim: the rules of the check, with the bound of `auto`."""
    fmt = probe.format
    if result.status != "ok":
        return CANNOT_TELL
    seen = [max(abs(float(d)), abs(float(e)) / h) for h, d, e in result.pairs if h <= 1.0001 * result.h]
    change = max(seen, default=0.0) * result.h
    spacing = float(fmt.ulp(max(abs(float(probe.value)), change)))
    noisiness = max(1.0, result.noise / spacing / 0.3)
    second = abs(float(result.second)) if np.isfinite(result.second) else 0.0
    own = ROUNDINGS * noisiness * abs(claimed) + second * abs(float(probe.flat[component]))
    allowance = fmt.u * own + fmt.smallest_subnormal
    value, bound = float(result.value), result.bound
    resolution = RESOLUTION.get(fmt.precision, FINE_RESOLUTION)
    gap, size = abs(claimed - value), max(abs(claimed), abs(value))
    if abs(claimed) <= min(allowance, 1e-4 * bound) and abs(value) <= bound + allowance:
        size = max(size, *seen) if seen else size  # 0 is claimed: small beside what f does
    if gap > max(MARGIN * (bound + allowance), SMALLEST_ERROR * resolution * size):
        return DISAGREES
    seen_errors = 2 * bound + MARGIN * allowance <= 0.9 * resolution * size
    return AGREES if gap <= bound + allowance and seen_errors else CANNOT_TELL


def compare(check: gradient_scores.Check, fmt: Format, tallies: dict[str, Tally]) -> None:
    """All components of one gradient, right and with every planted error."""
    try:
        probe = Probe(check.f, check.x, fmt)
    except UserError:  # f has no finite value there in the format
        return
    for component, right in enumerate(check.right.reshape(-1).astype(np.float64).tolist()):
        before, start = probe.evaluations, time.perf_counter()
        result = by_auto(probe, component)
        auto_cost = probe.evaluations - before, time.perf_counter() - start
        for error, factor in {"right": 1.0, **gradient_scores.planted(fmt.name)}.items():
            if error != "right" and right == 0:
                continue
            claimed = float(fmt.round(np.float64(right * factor)))
            before, start = probe.evaluations, time.perf_counter()
            nine = examine(probe, component, claimed).verdict
            nine_cost = probe.evaluations - before, time.perf_counter() - start
            auto = judged(result, claimed, probe, component)
            both = auto_cost[0] + nine_cost[0], auto_cost[1] + nine_cost[1]
            tallies["nine"].add(error, nine, *nine_cost)
            tallies["auto"].add(error, auto, *auto_cost)
            open_nine, open_auto = nine == CANNOT_TELL, auto == CANNOT_TELL
            tallies[WAYS[2]].add(error, nine if open_auto else auto, *(both if open_auto else auto_cost))
            tallies[WAYS[3]].add(error, auto if open_nine else nine, *(both if open_nine else nine_cost))


def rows(fmt: str, checks: list[gradient_scores.Check]) -> Iterator[str]:
    """One row for each way."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for check in checks:
        compare(check, get_format(fmt), tallies)
    for way in WAYS:
        tally = tallies[way]
        found, total = tally.verdicts, len(tally.evaluations)
        wrong = [(e, v) for e, v in found if e != "right"]
        judged_errors = sum(found[key] for key in wrong)
        caught = sum(found[e, v] for e, v in wrong if v == DISAGREES)
        share = sum(found[e, v] for e, v in wrong if v == DISAGREES and e in ("missing", "too much"))
        asked = sum(found[e, v] for e, v in wrong if e in ("missing", "too much"))
        cells = (fmt, way, total, found["right", DISAGREES], found["right", CANNOT_TELL])
        shares = (
            f"{caught / judged_errors:.1%}",
            f"{share / asked:.1%}",
            sum(found[e, AGREES] for e, _ in wrong),
        )
        cost = f"{np.mean(tally.evaluations):.1f}", f"{1e3 * tally.seconds / total:.2f}"
        yield "| " + " | ".join(map(str, (*cells, *shares, *cost))) + " |"


def main(seed: int, count: int, chosen: list[str]) -> None:
    head = "format", "way", "right", "false alarms", "open", "caught", "promised share", "wrong agreed"
    for line in ((*head, "calls", "ms"), ("---",) * 10):
        sys.stdout.write("| " + " | ".join(line) + " |\n")
    for fmt in gradient_scores.FORMATS:
        checks: list[gradient_scores.Check] = []
        for title in chosen or ["catalogue", *SETS]:
            named = SETS.get(title)
            checks += (
                gradient_scores.catalogue(fmt)
                if named is None
                else gradient_scores.cases(fmt, named, seed, count)
            )
        for row in rows(fmt, checks):
            sys.stdout.write(row + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()]
    main(*(numbers if len(numbers) == 2 else (77, 1)), [text for text in sys.argv[1:] if not text.isdigit()])
