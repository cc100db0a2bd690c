"""Random functions to judge derivative methods by: nobody can have tuned to what is drawn after the fact.

    python benchmarks/random_set.py --seed 7 --cases 1000 [--methods auto] [--groups] [--format float16]

Every case is a composite of elementary functions at a random length scale (1e-8 to 1e8), magnitude of x,
amplitude and offset, from one of the groups below; the truth is the derivative of the smooth program from a
Taylor series over Arb balls, at the exact float64 x. A case is drawn again when its truth is not finite,
vanishes beside the scale of the function, or takes Arb more than 4096 bits (the size guard: nested
exponentials would otherwise never end).

In narrower formats the program runs strictly in the format, with groups of their own (``NARROW``): what
differs there is that terms which cancel inside f leave few bits, or none.

Tuning uses seeds below 1000; a published table one that is fixed by the frozen code (docs/auto.md).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Program = Callable[[Any], Any]

GROUPS: dict[str, float] = {  # name -> share
    "smooth": 0.34,
    "wave": 0.10,  # g(k x): the argument is rounded inside
    "offset": 0.08,  # a constant far above the changes of f
    "edge": 0.10,  # the domain ends near x
    "pole": 0.06,
    "at zero": 0.06,  # x = 0
    "noisy": 0.08,
    "quantised": 0.05,
    "float32 inside": 0.05,
    "kink near": 0.05,
    "jump near": 0.03,
    "cancel": 0.08,  # terms that cancel inside f: its noise is far above the rounding of its value
}

NARROW: dict[str, float] = {  # the same for formats of less than 53 bits
    "smooth": 0.34,
    "wave": 0.08,
    "offset": 0.10,
    "edge": 0.10,
    "pole": 0.08,
    "cancel": 0.30,
}


@dataclass(frozen=True)
class Case:
    """One function at one point: ``f`` on arrays of float64, ``truth`` its derivative at ``x``.

    ``best`` is the relative error of a central difference at its best step, for the noise of the case.
    """

    name: str
    group: str
    f: Program
    x: float
    truth: float
    best: float
    format: str = "float64"


# -- composites --------------------------------------------------------------------------------------------

OUTER: tuple[tuple[str, Program], ...] = (
    ("sin", np.sin),
    ("cos", np.cos),
    ("exp", np.exp),
    ("tanh", np.tanh),
    ("arctan", np.arctan),
    ("lorentz", lambda v: 1 / (1 + v**2)),
    ("root", lambda v: np.sqrt(1 + v**2)),
    ("log", lambda v: np.log(2 + v**2)),
    ("gauss", lambda v: np.exp(-(v**2))),
    ("cubic", lambda v: v**3 - v),
    ("quartic", lambda v: 0.1 * v**4 + v),
    ("sigmoid", lambda v: 1 / (1 + np.exp(-v))),
    ("softplus", lambda v: np.log(1 + np.exp(v))),
)


def composite(rng: np.random.Generator) -> tuple[str, Program]:
    """A function of a variable of order 1: one to three elementary functions, composed, added, multiplied."""
    (a, f), (b, g), (c, k) = (OUTER[rng.integers(len(OUTER))] for _ in range(3))
    p, q, s = rng.uniform(0.3, 1.5), rng.uniform(-1.0, 1.0), rng.uniform(0.2, 1.0)
    shapes: tuple[tuple[str, Program], ...] = (
        (a, lambda v: f(p * v + q)),
        (f"{a}({b})", lambda v: f(s * g(p * v + q))),
        (f"{a}+{b}", lambda v: f(p * v + q) + s * g(v)),
        (f"{a}*{b}", lambda v: f(p * v + q) * g(s * v)),
        (f"{a}({b})+{c}", lambda v: f(s * g(p * v)) + k(v + q)),
    )
    return shapes[rng.integers(len(shapes))]


def draw(rng: np.random.Generator, group: str) -> tuple[str, Program, Program, float, float]:
    """Name, function as computed, smooth function, x and absolute noise."""
    name, g = composite(rng)
    length = 10.0 ** rng.uniform(-8, 8)
    amplitude = 10.0 ** rng.uniform(-6, 6)
    v = rng.uniform(-2, 2)
    x = float(rng.choice([-1, 1]) * length * 10.0 ** rng.uniform(-3, 4))
    centre = x - v * length

    def scaled(t: Any) -> Any:
        return amplitude * g((t - centre) / length)

    if group == "wave":
        k = 1 / length
        x = float(rng.choice([-1, 1]) * length * 10.0 ** rng.uniform(-1, 4))

        def wave(t: Any) -> Any:
            return amplitude * (np.sin(k * t) + 0.3 * np.cos(1.7 * k * t))

        return "wave", wave, wave, x, 0.0
    if group == "offset":
        offset = amplitude * 10.0 ** rng.uniform(1, 6)
        return f"{name}+offset", (f := lambda t: offset + scaled(t)), f, x, 0.0
    if group == "edge":
        return _edge(rng, name, g, length, amplitude)
    if group == "pole":
        where = x + length * rng.choice([-1, 1]) * 10.0 ** rng.uniform(-3, 0.5)
        power = int(rng.integers(1, 3))
        return f"pole {power}", (f := lambda t: amplitude / ((t - where) / length) ** power), f, x, 0.0
    if group == "at zero":
        x = 0.0
        return f"{name} at 0", (f := lambda t: amplitude * g(t / length + v)), f, x, 0.0
    if group == "cancel":
        return cancelling(rng, length, amplitude)
    if group == "noisy":
        level = amplitude * 10.0 ** rng.uniform(-13, -2)
        stream = int(rng.integers(1 << 30))
        return f"{name}+noise", lambda t: scaled(t) + level * (2 * hashed(t, stream) - 1), scaled, x, level
    if group == "quantised":
        quantum = amplitude * 10.0 ** rng.uniform(-10, -2)
        return f"{name} in steps", lambda t: np.round(scaled(t) / quantum) * quantum, scaled, x, quantum / 2
    if group == "float32 inside":
        x = float(np.float32(x))
        centre = float(np.float32(x - v * length))
        return f"{name} in float32", lambda t: _single(scaled, t), scaled, x, -(2.0**-24)
    if group == "kink near":
        where = x + length * rng.choice([-1, 1]) * 10.0 ** rng.uniform(-5, 0)
        slope = amplitude / length * 10.0 ** rng.uniform(-3, 1)
        return f"{name}+kink", (f := lambda t: scaled(t) + slope * np.abs(t - where)), f, x, 0.0
    if group == "jump near":
        where = x + length * rng.choice([-1, 1]) * 10.0 ** rng.uniform(-4, 0)
        height = amplitude * 10.0 ** rng.uniform(-4, 1)
        return f"{name}+jump", lambda t: scaled(t) + height * (np.asarray(t) > where), scaled, x, 0.0
    return name, scaled, scaled, x, 0.0


def _edge(
    rng: np.random.Generator, name: str, g: Program, length: float, amplitude: float
) -> tuple[str, Program, Program, float, float]:
    """log, sqrt or a power at a distance of 1e-6 to 1 lengths from the end of its domain."""
    end = float(rng.choice([-1, 0, 1]) * length * 10.0 ** rng.uniform(-2, 3))
    side = float(rng.choice([-1, 1]))
    x = end + side * length * 10.0 ** rng.uniform(-6, 0.5)
    kind = rng.integers(4)

    def f(t: Any) -> Any:
        d = side * (t - end) / length
        if kind == 0:
            return amplitude * np.log(d)
        if kind == 1:
            return amplitude * np.sqrt(d)
        if kind == 2:
            return amplitude * d * np.sqrt(d)
        return amplitude * np.sqrt(d) * g(d)

    label = ("log", "sqrt", "power 3/2", f"sqrt*{name}")[kind]
    return f"{label} edge", f, f, x, 0.0


# -- cancellation ------------------------------------------------------------------------------------------

REMOVABLE: tuple[tuple[str, Program], ...] = (  # 0/0 at 0, and finite beside it
    ("(exp-1)/v", lambda v: (np.exp(v) - 1) / v),
    ("(exp-1-v)/v2", lambda v: (np.exp(v) - 1 - v) / v**2),
    ("(v-sin)/v2", lambda v: (v - np.sin(v)) / v**2),
    ("(cosh-1)/v", lambda v: (np.cosh(v) - 1) / v),
    ("(cosh-1)/v2", lambda v: (np.cosh(v) - 1) / v**2),
    ("(root-1)/v2", lambda v: (np.sqrt(1 + v**2) - 1) / v**2),
    ("log(1+v)/v", lambda v: np.log(1 + v) / v),
    ("(root-1)/v", lambda v: (np.sqrt(1 + v**2) - 1) / v),
    ("(tanh-v)/v2", lambda v: (np.tanh(v) - v) / v**2),
    ("1/v-1/sin", lambda v: 1 / v - 1 / np.sin(v)),
)
EXPANDED: tuple[tuple[str, Program], ...] = (  # sums whose terms cancel
    ("square", lambda v: v**2 - 2 * v + 1),
    ("cube", lambda v: v**3 - 3 * v**2 + 3 * v - 1),
    ("exp-lin", lambda v: np.exp(v - 1) - v),
    ("log+lin", lambda v: np.log(v) - v + 1),
)


def cancelling(
    rng: np.random.Generator, length: float, amplitude: float, bits: int = 53
) -> tuple[str, Program, Program, float, float]:
    """A removable singularity, an expanded polynomial near its zero or a difference quotient inside f.

    Up to two thirds of the bits are lost where x is close to the critical place; in few bits all of them.
    """
    close = 2.0 ** -rng.uniform(0, bits / 3 if bits > 24 else bits / 2)
    side = float(rng.choice([-1, 1]))
    kind = rng.integers(3)
    unit = 2.0**-bits
    if kind == 0:
        name, g = REMOVABLE[rng.integers(len(REMOVABLE))]
        v, power = side * close, 2 if "v2" in name else 1
        level = unit / close**power
    elif kind == 1:
        name, g = EXPANDED[rng.integers(len(EXPANDED))]
        v, level = 1 + 0.5 * side * close, 3 * unit
    else:
        name, k = OUTER[rng.integers(len(OUTER))]
        delta = few_bits(close)
        name, v, level = f"difference of {name}", rng.uniform(0.3, 2), 2 * unit / delta

        def g(v: Any) -> Any:  # a difference quotient
            return (k(v + delta) - k(v)) / delta

    def f(t: Any) -> Any:
        return amplitude * g(t / length)

    return name, f, f, float(v * length), level * amplitude


# -- narrow formats ----------------------------------------------------------------------------------------


def few_bits(value: float) -> float:
    """A number with 7 significant bits: the same in every format."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 128), exponent - 7)


def draw_narrow(rng: np.random.Generator, group: str, bits: int) -> tuple[str, Program, float]:
    """Name, program and x: as ``draw``, with magnitudes that 5 bits of exponent can hold."""
    name, g = composite(rng)
    length, amplitude = (few_bits(10.0 ** rng.uniform(-1.5, 1.5)) for _ in range(2))
    x = float(rng.choice([-1, 1]) * length * 10.0 ** rng.uniform(-2, 0.8))
    if group == "cancel":
        name, f, _, x, _ = cancelling(rng, few_bits(10.0 ** rng.uniform(-0.5, 0.5)), amplitude, bits)
        return name, f, x
    if group == "wave":
        return "wave", lambda t: amplitude * (np.sin(t / length) + 0.25 * np.cos(1.75 * t / length)), x
    if group == "offset":
        offset = few_bits(10.0 ** rng.uniform(0.5, 1.5))
        return f"{name}+offset", lambda t: amplitude * (offset + g(t / length)), x
    if group in ("edge", "pole"):
        where = few_bits(length * rng.uniform(-1, 1))
        side = float(rng.choice([-1, 1]))
        x = where + side * length * 10.0 ** rng.uniform(-1.5, 0.5)
        if group == "pole":
            return "pole", lambda t: amplitude / ((t - where) / length), x
        root = bool(rng.integers(2))
        return "edge", lambda t: amplitude * (np.sqrt if root else np.log)(side * (t - where) / length), x
    return name, lambda t: amplitude * g(t / length), x


def narrow_cases(seed: int, count: int, format_name: str) -> Iterator[Case]:
    """So many cases of a seed in a narrow format; x, f(x) and f'(x) are within its range."""
    from diffbench.arithmetic.formats import get_format
    from diffbench.steps.sampler import Sampler

    fmt = get_format(format_name)
    rng = np.random.default_rng(seed)
    names, shares = list(NARROW), np.array(list(NARROW.values()))
    made = 0
    while made < count:
        group = str(rng.choice(names, p=shares / shares.sum()))
        name, f, x = draw_narrow(rng, group, fmt.precision)
        x = float(fmt.round(x))
        derivatives = truth(f, x)
        f0 = float(Sampler(f, fmt)(np.array([x]))[0])
        if derivatives is None or not math.isfinite(f0) or not 1e-4 < abs(derivatives[1]) < 1e4:
            continue
        made += 1
        best = empirical_best(Sampler(f, fmt), x, fmt, derivatives[1])
        yield Case(f"{group}: {name}", group, f, x, derivatives[1], best, format_name)


def empirical_best(sample: Program, x: float, fmt: Any, exact: float) -> float:
    """The robust best relative error of central-2: the worst of five steps in a row, where that is least."""
    scale = 2.0 ** math.floor(math.log2(abs(x))) if x else 1.0
    h = scale * 10.0 ** np.arange(math.log10(fmt.u), 1.0, 0.05)
    upper, lower = np.asarray(fmt.round(x + h), float), np.asarray(fmt.round(x - h), float)
    with np.errstate(all="ignore"):
        errors = np.abs((sample(upper) - sample(lower)) / (upper - lower) - exact)
    errors = np.where(np.isfinite(errors), errors, np.inf)
    return float(min(errors[k - 2 : k + 3].max() for k in range(2, len(errors) - 2)) / abs(exact))


def _single(f: Program, t: Any) -> Any:
    """The program with its argument and its value rounded to float32."""
    with np.errstate(all="ignore"):
        inner = np.asarray(t, dtype=np.float32).astype(np.float64)
        return np.asarray(f(inner), dtype=np.float32).astype(np.float64)


def hashed(t: Any, stream: int) -> Any:
    """Uniform numbers in [0, 1) that depend on nothing but the bits of t (SplitMix64)."""
    bits = np.atleast_1d(np.asarray(t, dtype=np.float64)).view(np.uint64)
    bits = bits + np.uint64((stream + 1) * 0x9E3779B97F4A7C15 % 2**64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits = bits ^ (bits >> np.uint64(31))
    return ((bits >> np.uint64(11)) * 2.0**-53).reshape(np.shape(t))


# -- truth -------------------------------------------------------------------------------------------------


def truth(program: Program, x: float, orders: int = 3) -> list[float] | None:
    """f, f', ..., from Taylor series over Arb balls, or None where 4096 bits are not enough."""
    from flint import arb

    from diffbench.arithmetic.balls import working_precision
    from diffbench.arithmetic.taylor import TaylorArithmetic

    bits = 192
    while bits <= 4096:
        with working_precision(bits):
            try:
                series = TaylorArithmetic(bits, orders + 1).expand(program, arb(x))
                balls = [series[m] * math.factorial(m) for m in range(orders + 1)]
            except Exception:
                return None
            values = [float(b.mid()) for b in balls]
            radii = [float(b.rad()) for b in balls]
        if all(
            math.isfinite(a) and r <= 1e-20 * abs(a) + 1e-320
            for a, r in zip(values[:2], radii[:2], strict=True)
        ):
            return values
        bits *= 4
    return None


def cases(seed: int, count: int) -> Iterator[Case]:
    """So many cases of a seed, in the proportions of ``GROUPS``."""
    rng = np.random.default_rng(seed)
    names, shares = list(GROUPS), np.array(list(GROUPS.values()))
    made = 0
    while made < count:
        group = str(rng.choice(names, p=shares / shares.sum()))
        name, f, smooth, x, noise = draw(rng, group)
        if not math.isfinite(x):
            continue
        with np.errstate(all="ignore"):
            f0 = float(np.asarray(f(np.array([x])))[0])
        derivatives = truth(smooth, x)
        if derivatives is None or not math.isfinite(f0):
            continue
        value, first, second, third = derivatives
        if not 1e-250 < abs(first) < 1e250 or not abs(value) < 1e250:
            continue
        level = abs(noise) if noise >= 0 else -noise * abs(value)
        best = 0.5 * (9 * level**2 * abs(third)) ** (1 / 3) / abs(first)
        made += 1
        yield Case(f"{group}: {name}", group, f, x, first, best)


# -- methods on the set ------------------------------------------------------------------------------------

METHODS = (
    "auto",
    "numdifftools",
    "jacobi",
    "scipy.differentiate",
    "fdm",
    "statsmodels.centered",
    "central-2@cbrt-eps",
)


@dataclass(frozen=True)
class Row:
    """One method on one case."""

    method: str
    case: Case
    value: float
    claimed: float
    evaluations: int
    status: str

    @property
    def error(self) -> float:
        error = abs(self.value - self.case.truth) / abs(self.case.truth)
        return error if math.isfinite(error) else math.inf

    @property
    def failed(self) -> bool:
        return not math.isfinite(self.value)

    @property
    def flagged(self) -> bool:
        return not self.failed and self.status != "ok"

    @property
    def wrong(self) -> bool:
        """Silently: no flag, and an error above 1e-3 and 100 times that of the best central difference."""
        return not self.failed and not self.flagged and self.error > max(1e-3, 100 * self.case.best)

    @property
    def covered(self) -> bool:
        return abs(self.value - self.case.truth) <= self.claimed


def measured(name: str, case: Case) -> Row:
    """A method on a case, whatever it does."""
    if name == "central-2@cbrt-eps" and case.format == "float64":
        return _cbrt(case)
    from diffbench.arithmetic.formats import get_format
    from diffbench.methods import get_method
    from diffbench.methods.harness import measure

    if case.format != "float64":
        fmt = get_format(case.format)
        found = measure(get_method(name), case.f, fmt, case.x)
        return Row(
            name, case, float(found.value), float(found.error_estimate), found.evaluations, found.status
        )

    def program(t: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(case.f(t)) + 0.0 * np.asarray(t)

    found = measure(get_method(name), program, get_format("float64"), case.x, opaque=True)
    return Row(name, case, float(found.value), float(found.error_estimate), found.evaluations, found.status)


def _cbrt(case: Case) -> Row:
    """The textbook: a central difference at h = cbrt(eps) max(1, |x|)."""
    h = np.finfo(float).eps ** (1 / 3) * max(1.0, abs(case.x))
    with np.errstate(all="ignore"):
        upper, lower = np.asarray(case.f(np.array([case.x + h, case.x - h])), dtype=float)
    return Row("central-2@cbrt-eps", case, float((upper - lower) / (2 * h)), math.nan, 2, "ok")


HEADER = (
    "| method | failed | silently wrong | flagged | flagged, yet right to 1e-3 | median error | 95 % |"
    " coverage | coverage, not flagged | bound / error | evaluations: median | 95 % | most |\n|" + "---|" * 13
)


def line(name: str, rows: list[Row]) -> str:
    """One row of the table."""
    errors = np.array([r.error for r in rows])
    flagged = np.array([r.flagged for r in rows])
    evaluations = np.array([r.evaluations for r in rows])
    claims = np.array([r.claimed for r in rows])
    covered = np.array([r.covered for r in rows])
    has = bool(np.isfinite(claims).any())
    ratio = [
        r.claimed / abs(r.value - r.case.truth) for r in rows if r.error > 0 and math.isfinite(r.claimed)
    ]
    cells = [
        name,
        sum(r.failed for r in rows),
        sum(r.wrong for r in rows),
        int(flagged.sum()),
        int((flagged & (errors < 1e-3)).sum()),
        f"{np.median(errors):.1e}",
        f"{np.percentile(errors, 95, method='inverted_cdf'):.1e}",
        f"{covered.mean():.4f}" if has else "-",
        f"{covered[~flagged].mean():.4f}" if has and (~flagged).any() else "-",
        f"{np.median(ratio):.1f}" if ratio else "-",
        f"{np.median(evaluations):.0f}",
        f"{np.percentile(evaluations, 95):.0f}",
        int(evaluations.max()),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Print the tables of a seed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--format", default="float64")
    parser.add_argument("--groups", action="store_true", help="a line for every group of the first method")
    options = parser.parse_args()
    narrow = options.format != "float64"
    make = narrow_cases(options.seed, options.cases, options.format) if narrow else None
    drawn = list(make or cases(options.seed, options.cases))
    print(f"seed {options.seed}, {options.format}, {len(drawn)} cases\n\n{HEADER}")  # noqa: T201
    for name in options.methods.split(","):
        start = time.perf_counter()
        rows = [measured(name, case) for case in drawn]
        print(line(name, rows), f" {time.perf_counter() - start:.1f} s", flush=True)  # noqa: T201
        if options.groups and name == options.methods.split(",")[0]:
            for group in NARROW if narrow else GROUPS:
                some = [r for r in rows if r.case.group == group]
                if some:
                    print(line(f"{name}: {group} ({len(some)})", some))  # noqa: T201


if __name__ == "__main__":
    main()
