"""Would `auto` make a better gradient check? Its verdicts beside those of the check's own nine values.

    python benchmarks/auto_in_checks.py [SEED] [COUNT] [FORMAT ...] [SET ...]

Prints the table of docs/gradient-check.md. Sets are catalogue, held out, shown, fresh, kinks, and those of
tests/gradient_hard.py, which have 20 cases for every COUNT and are asked for by name; `hard` is all of them.
`auto` is asked once for every gradient; a claim is judged from its value and bound by the rules of the check.

`auto, then nine` is the check in float64 and float32: nine values decide where `auto` cannot tell, and
neither fails a claim that the other one allows. `nine`, with many values in the half formats, is the check
there. `nine, then auto` asks `auto` only where nine values cannot tell.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import gradient_cases
import gradient_hard
import gradient_scores

from diffbench.arithmetic.formats import Format, get_format
from diffbench.checking.component import by_auto, examine
from diffbench.checking.finding import AGREES, CANNOT_TELL, DISAGREES, Finding
from diffbench.checking.ladder import Ladder
from diffbench.checking.probe import Probe
from diffbench.checking.reference import references
from diffbench.errors import UserError

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
    evaluations: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, error: str, verdict: str, evaluations: float, seconds: float) -> None:
        self.verdicts[error, verdict] += 1
        if error == "right":
            self.evaluations.append(evaluations)
            self.seconds += seconds


def findings(
    ways: dict[str, Callable[[], Finding | None]], probe: Probe
) -> Iterator[tuple[str, Finding | None, int, float]]:
    """What every way says, with its calls of f and its time."""
    for way, ask in ways.items():
        before, start = probe.evaluations, time.perf_counter()
        found = ask()
        yield way, found, probe.evaluations - before, time.perf_counter() - start


def compare(check: gradient_scores.Check, fmt: Format, tallies: dict[str, Tally]) -> None:
    """All components of one gradient, right and with every planted error."""
    try:
        probe = Probe(check.f, check.x, fmt)
    except UserError:  # f has no finite value there in the format
        return
    before, start = probe.evaluations, time.perf_counter()
    known = references(probe)
    n = len(known)
    auto_cost = (probe.evaluations - before) / n, (time.perf_counter() - start) / n
    for component, right in enumerate(check.right.reshape(-1).astype(np.float64).tolist()):
        for error, factor in {"right": 1.0, **gradient_scores.planted(fmt.name)}.items():
            if error != "right" and right == 0:
                continue
            claimed = float(fmt.round(np.float64(right * factor)))
            ask = partial(examine, probe, component, claimed)
            ladder = Ladder(probe, component, claimed)
            ways = {
                "nine": ask,
                "auto": partial(by_auto, ladder, known[component]),
                "auto, then nine": partial(ask, known[component]),
            }
            found = {way: rest for way, *rest in findings(ways, probe)}
            for way, (finding, calls, seconds) in found.items():
                first = auto_cost if way != "nine" else (0.0, 0.0)
                verdict = CANNOT_TELL if finding is None else finding.verdict
                tallies[way].add(error, verdict, calls + first[0], seconds + first[1])
            nine, auto = found["nine"], found["auto"]
            open_ = nine[0].verdict == CANNOT_TELL
            verdict = auto[0].verdict if open_ and auto[0] is not None else nine[0].verdict
            more = auto_cost if open_ else (0.0, 0.0)
            tallies[WAYS[3]].add(error, verdict, nine[1] + more[0], nine[2] + more[1])


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


def checks_of(title: str, fmt: str, seed: int, count: int) -> list[gradient_scores.Check]:
    """The right gradients of one set."""
    if title in gradient_hard.KINDS:
        return list(gradient_hard.hard(title, fmt, seed, 20 * count))
    if title == "catalogue":
        return list(gradient_scores.catalogue(fmt))
    return list(gradient_scores.cases(fmt, SETS[title], seed, count))


def main(seed: int, count: int, chosen: list[str]) -> None:
    head = "format", "way", "right", "false alarms", "open", "caught", "promised share", "wrong agreed"
    for line in ((*head, "calls", "ms"), ("---",) * 10):
        sys.stdout.write("| " + " | ".join(line) + " |\n")
    formats = [fmt for fmt in gradient_scores.FORMATS if fmt in chosen] or gradient_scores.FORMATS
    titles = [word for word in chosen if word not in gradient_scores.FORMATS]
    if titles == ["hard"]:
        titles = list(gradient_hard.KINDS)
    for fmt in formats:
        checks: list[gradient_scores.Check] = []
        for title in titles or ["catalogue", *SETS]:
            checks += checks_of(title, fmt, seed, count)
        for row in rows(fmt, checks):
            sys.stdout.write(row + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()]
    main(*(numbers if len(numbers) == 2 else (77, 1)), [text for text in sys.argv[1:] if not text.isdigit()])
