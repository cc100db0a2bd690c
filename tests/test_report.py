"""The report layer, on run folders made by a small simulator: NumPy differences against mpmath, no engine."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType, SimpleNamespace

import matplotlib
import mpmath
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from diffbench.errors import UserError
from diffbench.report import curves, error_parts, figcache, marks, render, slopes, style
from diffbench.report.contents import FINDINGS, TABLES, gather
from diffbench.report.curves import Series
from diffbench.report.data import PARTS, STATUSES, open_run, select
from diffbench.report.figures import error_figure, main_figures, problem_figures
from diffbench.report.random_data import NOTHING as NOTHING_RANDOM
from diffbench.report.several_data import NO_STUDY, NO_TABLE
from diffbench.report.text import NONE, count, derivative_symbol, fixed, listing, number, percent
from diffbench.stencils import stencil_from_name

# -- a small honest simulator ------------------------------------------------------------------------------

UNITS = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
TYPES = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
STENCILS = {1: ("forward-1", "central-2", "central-4"), 2: ("central-2",)}


def exp_of_sin(x, m):
    return m.exp(m.sin(x))


def square(x, m):
    return x * x  # central differences have no truncation error


FUNCTIONS = {"exp_of_sin": (exp_of_sin, 1.0), "square": (square, 4.0)}


def simulate(
    folder: Path, functions=FUNCTIONS, formats=tuple(UNITS), stencils=STENCILS, variants=("integer",)
):
    """Write a run folder with the columns of a real one; gives the folder."""
    rows, references, summary = [], [], []
    for problem, (f, point) in functions.items():
        for name in formats:
            x = float(TYPES[name](point))
            derivatives = true_derivatives(f, x)
            references += [reference_row(problem, point, x, k, value) for k, value in enumerate(derivatives)]
            for order, names in stencils.items():
                for stencil in names:
                    for variant in variants if name == "float16" else ("integer",):
                        first = series_keys(problem, point, x, name, stencil, order, variant)
                        mine = [sweep_row(first, f, derivatives[order], h) for h in steps(name)]
                        rows += mine
                        summary.append(summary_row(first, mine, derivatives))
    write(folder, pd.DataFrame(rows), pd.DataFrame(references), pd.DataFrame(summary))
    return folder


def true_derivatives(f, x):
    with mpmath.workdps(50):
        taylor = mpmath.taylor(lambda t: f(t, mpmath), mpmath.mpf(x), 10)
        return [0.0 if abs(t) < 1e-30 else float(t * mpmath.factorial(k)) for k, t in enumerate(taylor)]


def steps(name, per_decade=8):
    wanted = 10.0 ** -(np.arange(per_decade * math.log10(4 / UNITS[name])) / per_decade)
    return list(dict.fromkeys(float(h) for h in wanted.astype(TYPES[name])))


def series_keys(problem, point, x, name, stencil, order, variant):
    accuracy = stencil_from_name(stencil, order).accuracy
    return {
        **{"problem": problem, "point": repr(point), "x": x, "format": name, "stencil": stencil},
        **{"derivative": order, "accuracy": accuracy, "variant": variant},
    }


def sweep_row(first, f, exact, h):
    """One estimate in its format, and its error in three parts (weights and combination go to evaluation)."""
    number_type, stencil = TYPES[first["format"]], stencil_from_name(first["stencil"], first["derivative"])
    wide = np.float32 if first["variant"] == "mixed" else number_type
    with np.errstate(all="ignore"):
        moved = [number_type(first["x"]) + number_type(float(s)) * number_type(h) for s in stencil.offsets]
        total = wide(0)
        for n, node in zip(stencil.numerators, moved, strict=True):
            total += wide(n) * wide(f(node, np))
        divisor = wide(stencil.denominator) * wide(h) ** wide(first["derivative"])
        estimate = float(total / divisor) if divisor else math.nan
    row = {**first, "h_requested": h, "h": h, "evaluations": len(moved), "estimate": estimate, "exact": exact}
    row |= {"error": estimate - exact, **dict.fromkeys(PARTS, 0.0), "status": "ok", "message": ""}
    row["truncation_zero"] = False
    with mpmath.workdps(50):
        weights = [
            mpmath.mpf(c.numerator) / c.denominator / mpmath.mpf(h) ** first["derivative"]
            for c in stencil.weights
        ]
        nodes = [
            first["x"] + mpmath.mpf(s.numerator) / s.denominator * mpmath.mpf(h) for s in stencil.offsets
        ]
        ideal = sum(c * f(x, mpmath) for c, x in zip(weights, nodes, strict=True)) - exact
        rounded = (
            sum(c * f(mpmath.mpf(float(x)), mpmath) for c, x in zip(weights, moved, strict=True)) - exact
        )
        row["truncation"] = 0.0 if abs(ideal) < 1e-25 else float(ideal)
        row["abscissa"] = float(rounded - ideal)
        row["evaluation"] = row["error"] - float(rounded)
    if not divisor:
        row["status"] = "underflow"
    elif len({float(x) for x in moved}) < len(moved):
        row["status"] = "step_vanished"
    return row


def reference_row(problem, point, x, k, value):
    return {
        **{"problem": problem, "point": repr(point), "x": x, "derivative": k, "value": value},
        **{
            "radius": abs(value) * 1e-55,
            "value_digits": repr(value),
            "mpmath_agrees": True,
            "kind": "smooth",
        },
        **{"left": math.nan, "right": math.nan, "scale": max(1.0, abs(x)), "status": "ok", "message": ""},
    }


def summary_row(first, rows, derivatives):
    ok = [row for row in rows if row["status"] == "ok"]
    h, error = np.array([row["h"] for row in ok]), np.abs([row["error"] for row in ok])
    windows = [np.sort(error[np.abs(np.log10(h / centre)) <= 0.25]) for centre in h]
    robust = np.array([w[math.ceil(0.9 * len(w)) - 1] if len(w) >= 5 else math.inf for w in windows])
    stencil, m, unit = (
        stencil_from_name(first["stencil"], first["derivative"]),
        first["derivative"],
        UNITS[first["format"]],
    )
    k, c = next(
        ((k, float(c)) for k, c in stencil.error_terms(4) if k <= 10 and derivatives[k] != 0), (m + 1, 0.0)
    )
    a, b = abs(c * derivatives[k]), float(stencil.S1) * unit * abs(derivatives[0])
    predicted = (m * b / ((k - m) * a)) ** (1 / k) if a else math.nan
    return {
        **first,
        **{"observed_order": k - m - 0.002 if a else math.inf, "order_h_low": h.min(), "order_h_high": 0.1},
        **{"rounding_slope": -m + 0.03, "h_lucky": h[error.argmin()], "error_lucky": error.min()},
        **{"h_best": h[robust.argmin()], "error_best": robust.min(), "h_predicted": predicted},
        "error_predicted": k / (k - m) * b / predicted**m if a else math.nan,
        "digits": digits_of(robust.min() / abs(derivatives[m]), unit),
        **{"autodiff_error": math.nan, "expected_order": k - m if a else math.nan},
        **{"relative_to": "derivative", "reason": "" if a else "observed_order: the truncation is 0"},
    }


def digits_of(relative, unit):
    return float(np.clip(-math.log10(max(relative, 1e-300)), 0, -math.log10(unit)))


def write(folder, sweep, references, summary):
    folder.mkdir(parents=True, exist_ok=True)
    text = ["problem", "point", "format", "stencil", "variant", "status", "message"]
    sweep.astype(dict.fromkeys(text, "category")).to_parquet(folder / "sweep.parquet")
    references.to_parquet(folder / "references.parquet")
    summary.to_csv(folder / "summary.csv", index=False)
    groups = {"problem": sorted(set(summary["problem"])), "group": "smooth"}
    pd.DataFrame(groups).to_csv(folder / "problems.csv", index=False)
    suite = {"name": "small", "hash": "0" * 40, "content": {"title": "A small run"}}
    manifest = {"state": "complete", "suite": suite, "versions": {"numpy": "2.4.0"}, "cpu_features": ["AVX2"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def frames(folder):
    return (
        pd.read_parquet(folder / "sweep.parquet"),
        pd.read_parquet(folder / "references.parquet"),
        pd.read_csv(folder / "summary.csv", dtype={"point": str}),
    )


def change(folder, target, *, sweep=lambda f: f, references=lambda f: f, summary=lambda f: f):
    """A copy of a run with its frames changed."""
    old = frames(folder)
    write(target, *(edit(frame) for edit, frame in zip((sweep, references, summary), old, strict=True)))
    return target


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory) -> Path:
    return simulate(tmp_path_factory.mktemp("run") / "run", variants=("integer", "float", "mixed"))


@pytest.fixture(scope="module")
def rendered(run_folder):
    """The run, its maps and timings, rendered once for all tests that only read."""
    grid = [(x, h) for x in np.linspace(0.5, 4, 12) for h in 2.0 ** -np.arange(10)]
    maps = pd.DataFrame(grid, columns=["x", "h"]).assign(
        problem="exp_of_sin", format="float16", stencil="central-2"
    )
    maps["error"], maps["status"] = (
        maps["h"] ** 2,
        np.where(maps["h"] < 2e-3 * maps["x"], "step_vanished", "ok"),
    )
    maps.to_parquet(run_folder / "maps.parquet")
    benchmark = {
        "name": "test_whole_sweep",
        "stats": {"median": 0.0123},
        "extra_info": {"ratio": 1.625, "target": 2.5},
    }
    (run_folder / "timings.json").write_text(json.dumps({"benchmarks": [benchmark]}))
    return render(run_folder)


@pytest.fixture
def unsaved(monkeypatch):
    """Figures are made, in this process, but small files stand for them: drawing is tested elsewhere."""

    def save(figure, stem, suffixes):
        for suffix in figcache.SUFFIXES:
            stem.with_name(stem.name + suffix).write_text(f"<svg>{len(figure.axes)}</svg>")

    monkeypatch.setattr(figcache, "FEW", 1000)
    monkeypatch.setattr(style, "save", save)


# -- words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (40, "40"),
        (0.00625, "0.00625"),
        (-0.5, "−0.5"),
        (1.2345e-5, "1.23×10⁻⁵"),
        (1e-8, "10⁻⁸"),
        (-1e-8, "−10⁻⁸"),
        (9.9996, "10"),  # rounds up to the next decade
        (99999.6, "10⁵"),
        (123456, "1.23×10⁵"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, NONE),
        (None, NONE),
        ("x", NONE),
    ],
)
def test_numbers_as_people_write_them(value, text):
    assert number(value) == text


def test_words():
    assert fixed(-0.996, 2) == "−1.00" and fixed(math.nan) == NONE
    assert (
        percent(1.0) == "100\u00a0%"
        and percent(0.9999).startswith("over")
        and percent(1e-6).startswith("under")
    )
    assert listing(["a"]) == "a" and listing(["a", "b", "c"]) == "a, b and c" and listing([]) == "none"
    assert listing(list("abcdefgh"), 4) == "a, b, c and 5 more"
    assert count(1, "row") == "1 row" and count(1200, "row") == "1\u202f200 rows"
    assert derivative_symbol(1) == "f′(x)" and derivative_symbol(4) == "f⁽⁴⁾(x)"


# -- curves ------------------------------------------------------------------------------------------------


def test_running_median_is_the_branch_where_it_is_smooth_and_the_middle_where_it_is_not():
    h = 10.0 ** np.linspace(-6, 0, 121)
    assert curves.running_median(h, h**2) == pytest.approx(
        h**2, rel=1e-12
    )  # also at both ends: windows stay centred
    noisy = np.where(np.arange(121) % 10 == 5, 1e6, 1.0)  # one row in ten is far off
    assert (curves.running_median(h, noisy)[5:-5] == 1.0).all()
    assert curves.running_median(np.empty(0), np.empty(0)).shape == (0,)


def test_predicted_parts_are_the_leading_term_and_the_worst_rounding():
    derivatives = np.array([math.sin(1), math.cos(1), -math.sin(1), -math.cos(1), math.sin(1), math.cos(1)])
    h = 2.0 ** -np.arange(2.0, 20.0)
    truncation, rounding = curves.predicted_parts("central-2", 1, derivatives, "float64", 1.0, h)
    assert truncation == pytest.approx(math.cos(1) / 6 * h**2, rel=1e-12)
    # S1 = 1 and ulp(f)/2 = 2^-54 at sin 1; the abscissa part adds at most |f'| ulp(1)/2 per node
    assert (rounding >= 2.0**-54 / h).all() and (rounding <= (2.0**-53 + math.cos(1) * 2.0**-52) / h).all()
    assert (
        curves.predicted_parts("central-4", 1, derivatives[:3], "float64", 1.0, h) is None
    )  # f^(5) is not known
    assert curves.predicted_parts("no-such", 1, derivatives, "float64", 1.0, h) is None


def series(error, **columns):
    n = len(error)
    frame = {"h": 10.0 ** -np.arange(n), "error": error, "exact": np.ones(n), "status": ["ok"] * n, **columns}
    return Series.of(pd.DataFrame(frame))


def test_a_tiny_truncation_does_not_stretch_the_axis():
    error = 10.0 ** -np.linspace(0, 12, 30)
    plain, deep = series(error), series(error, truncation=np.full(30, 1e-100))
    assert error_parts.error_limits([deep], [2.0**-53]) == error_parts.error_limits([plain], [2.0**-53])
    low, high = error_parts.error_limits([deep], [2.0**-53])
    assert 1e-19 < low < 2.0**-53 and high >= 1


def test_limits_hold_for_zeros_nothing_and_wild_rows():
    for errors in ([0.0] * 8, [], [1e300] + [1e-3] * 99, [5e-324] * 8):
        low, high = error_parts.error_limits([series(errors)], [2.0**-24])
        assert 0 < low < high < math.inf and high / low <= 10.0 ** (error_parts.SPAN + 1)


# -- figures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("looks", [style.FORMATS, style.STENCILS, style.PARTS, style.VARIANTS])
def test_series_are_told_apart_by_colour_and_dash_and_marker(looks):
    for first, second in zip(*np.triu_indices(len(looks), 1), strict=True):
        one, other = list(looks.values())[first], list(looks.values())[second]
        assert one.color != other.color and one.marker != other.marker
        assert one.dash != other.dash or len(looks) > 6, (one, other)  # there are six dashes


def labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_error_figure_shows_what_the_frame_has(run_folder):
    sweep, references, summary = frames(run_folder)
    before = dict(matplotlib.rcParams)
    mine = sweep[(sweep["problem"] == "exp_of_sin") & (sweep["derivative"] == 1)]
    figure = error_figure(mine, references, summary)
    assert dict(matplotlib.rcParams) == before  # the caller's settings are not touched
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(UNITS)
    assert {"forward-1", "central-2", "central-4", "robust best step", "exact truncation"} <= set(
        labels(figure)
    )
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    stars = [line for line in figure.axes[2].lines if line.get_marker() == "*"]
    best = select(summary, problem="exp_of_sin", format="float64", derivative=1, variant="integer")
    assert sorted(float(line.get_xdata()[0]) for line in stars) == sorted(best["h_best"])


def branch(cover: bool) -> tuple[Axes, list[Series]]:
    """A panel with the branches h and h^2, and with `cover` a cloud of other data over all of it."""
    h = 10.0 ** np.linspace(-8, 0, 161)
    frame = pd.DataFrame({"h": h, "exact": 1.0, "status": "ok"})
    lines = [Series.of(frame.assign(error=h**p, truncation=h**p)) for p in (1, 2)]
    axes = style.canvas("slopes")[1][0]
    error_parts.frame(axes, (1e-8, 2.0), (1e-12, 10.0), None)
    cloud = pd.DataFrame({"h": np.repeat(h, 60), "error": np.tile(10.0 ** np.linspace(-12, 1, 60), 161)})
    cloud = cloud.assign(exact=1.0, status="ok")
    slopes.draw_slopes(
        axes, dict(zip((1, 2), lines, strict=True)), [*lines, *([Series.of(cloud)] if cover else [])]
    )
    return axes, lines


def test_slope_triangles_have_their_slope_and_stay_beside_their_branch():
    axes, lines = branch(cover=False)
    assert len(axes.patches) == 2 and [text.get_text() for text in axes.texts] == ["1", "2"]
    for order, triangle in zip((1, 2), axes.patches, strict=True):
        (x0, y0), _, (x2, y2) = np.log10(triangle.get_xy()[:3])
        assert (y2 - y0) / (x2 - x0) == pytest.approx(order)
        shape = Polygon(np.log10(triangle.get_xy())).get_path()
        for one in lines:
            assert not shape.contains_points(np.log10(np.column_stack([one.h, one.error]))).any()


def test_no_slope_triangle_covers_data():
    axes, _ = branch(cover=True)
    assert not axes.patches and not axes.texts


def test_exact_zeros_have_a_mark_of_their_own_on_the_floor(run_folder):
    sweep, references, summary = frames(run_folder)
    mine = sweep[
        (sweep["problem"] == "square") & (sweep["derivative"] == 1) & (sweep["format"] == "float64")
    ].copy()
    mine["error"] = np.where(mine["stencil"] == "central-2", 0.0, mine["error"])
    figure = error_figure(mine, references, summary)
    floor = [line for line in figure.axes[0].lines if list(line.get_marker()) == marks.ZERO_MARK]
    zeros = int(((mine["error"] == 0) & (mine["h"] > 0)).sum())
    assert "error exactly 0" in labels(figure) and sum(len(line.get_xdata()) for line in floor) == zeros


def test_a_point_without_derivative_shows_estimates_and_both_sides(run_folder):
    sweep, references, summary = frames(run_folder)
    kink = sweep[(sweep["problem"] == "square") & (sweep["derivative"] == 1)].copy()
    kink[["error", "exact", *PARTS]], kink["status"] = math.nan, "no_derivative"
    facts = references.assign(kind="kink", left=-1.0, right=1.0, value=math.nan)
    figure = error_figure(kink, facts, summary)
    assert figure.axes[0].get_ylabel() == "estimate of f′(x)"
    assert {text.get_text() for text in figure.axes[0].texts} == {"left derivative", "right derivative"}


def test_frames_without_rows_or_results_still_give_a_figure(run_folder):
    sweep, references, summary = frames(run_folder)
    assert "no rows" in error_figure(sweep.iloc[:0], references, summary).texts[0].get_text()
    lost = sweep.iloc[:1].assign(
        h=math.nan, error=math.nan, estimate=math.nan, status="refused", message="np.foo"
    )
    figure = error_figure(lost, references, summary)
    assert "refused" in figure.axes[0].texts[0].get_text()


def test_figures_are_the_same_bytes_every_time_in_one_process_and_in_a_pool(
    run_folder, rendered, tmp_path, monkeypatch
):
    monkeypatch.setattr(figcache, "FEW", 1000)
    figures = [*main_figures(open_run(run_folder))[0], *problem_figures(open_run(run_folder))]
    assert len(figures) >= 10 == figcache_default_few()  # so the module's fixture drew them in a pool
    again = [f for f in figures if f.name in ("overview-stencils", "half-map", "problem-square")]
    figcache.draw(again, tmp_path)
    for figure in again:
        for suffix in figcache.SUFFIXES:
            path = rendered.report.parent / "figures" / f"{figure.name}{suffix}"
            assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
    for path in rendered.figures:
        assert "<dc:date>" not in path.read_text(encoding="utf-8")
        assert path.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"


def figcache_default_few():
    source = Path(figcache.__file__).read_text(encoding="utf-8")
    return int(re.search(r"^FEW = (\d+)", source, re.MULTILINE)[1])


def test_no_figure_module_uses_the_global_state_of_pyplot():
    for path in Path(figcache.__file__).parent.glob("*.py"):
        assert "pyplot" not in path.read_text(encoding="utf-8"), path


# -- the cache ---------------------------------------------------------------------------------------------


def test_a_second_render_draws_nothing_and_a_changed_problem_only_its_own(run_folder, tmp_path, unsaved):
    small = simulate(tmp_path / "run", formats=("float16",), stencils={1: ("central-2",)})
    first = render(small)
    texts = first.report.read_bytes(), first.page.read_bytes()
    assert first.redrawn == len(first.figures)
    second = render(small)
    assert second.redrawn == 0 and (second.report.read_bytes(), second.page.read_bytes()) == texts
    change(
        small, small, sweep=lambda f: f.assign(error=f["error"] * np.where(f["problem"] == "square", 3, 1))
    )
    seen = []
    assert render(small, progress=lambda done, total, what: seen.append((done, total, what))).redrawn == 1
    assert seen == [(1, 1, "figure problem-square")]
    (small / "figures" / "secants.png").unlink()
    assert render(small).redrawn == 1 and (small / "figures" / "secants.png").is_file()
    only = {"exp_of_sin": FUNCTIONS["exp_of_sin"]}
    simulate(small, functions=only, formats=("float16",), stencils={1: ("central-2",)})
    render(small)
    assert not list((small / "figures").glob("problem-square*"))  # what is no more is removed


def test_a_figure_that_fails_is_named_and_loses_nothing_else(tmp_path, monkeypatch, unsaved):
    small = simulate(tmp_path / "run", formats=("float16",), stencils={1: ("central-2",)})

    def broken(**_):
        raise ValueError("planted")

    monkeypatch.setattr("diffbench.report.run_figures.orders_figure", broken)
    result = render(small)
    assert any("orders" in text and "planted" in text for text in result.missing)
    assert "planted" in result.report.read_text(encoding="utf-8")
    assert (small / "figures" / "secants.svg").is_file() and not (small / "figures" / "orders.svg").exists()


# -- the pages ---------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags that open and close in order, images, links, headings and identifiers."""

    VOID = frozenset(("meta", "link", "img", "br", "input"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.images, self.links, self.ids, self.tags = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.images += [found] if tag == "img" else []
        self.links += [found["href"]] if tag == "a" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_its_links_and_images_resolve(rendered):
    text = rendered.page.read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        target = rendered.page.parent / link
        state = link.startswith("#problem=")  # of the explorer; tests/browser follows those
        assert state or (link[1:] in page.ids if link.startswith("#") else target.is_file()), link
    assert len(page.images) == 8
    for image in page.images:
        assert image["src"].startswith("data:image/svg+xml,") and len(image["alt"]) > 40
    assert {"header", "main", "nav", "footer", "h1", "h2", "figcaption", "noscript"} <= set(page.tags)
    assert page.tags.count("script") == 3  # a line in the head, the data and the code
    assert page.tags.count("h1") == 1 and 'lang="en"' in text and "prefers-color-scheme: dark" in text
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text)  # works offline


def test_the_markdown_figures_have_words_and_files(rendered):
    text = rendered.report.read_text(encoding="utf-8")
    images = re.findall(r"!\[(.*?)\]\((.*?)\)", text)
    assert len(images) == 8 and all(
        len(alt) > 40 and (rendered.report.parent / path).is_file() for alt, path in images
    )
    links = re.findall(r"(?<!!)\[[^\]]*\]\((figures/.*?)\)", text)
    assert sum("problem-" in path for path in links) == len(FUNCTIONS) and all(
        (rendered.report.parent / path).is_file() for path in links
    )


NO_TOURNAMENT = "No tournament: the suite has no table [tournament], or no problem for it."


def of_the_tournament(makers):
    return {name for name, make in makers.items() if ".tournament_" in make.__module__}


def of_several_variables(makers):
    """Shown in tests/test_several_experiments.py."""
    return {name for name, make in makers.items() if ".several_" in make.__module__}


def of_random_functions(makers):
    """Shown in tests/test_random_functions.py."""
    return {name for name, make in makers.items() if ".random_" in make.__module__}


def of_other_tests(makers):
    return of_the_tournament(makers) | of_several_variables(makers) | of_random_functions(makers)


def test_tables_have_a_cell_for_every_column_and_no_bare_nan(rendered, run_folder):
    text = rendered.report.read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b(?! *,)", text.replace("observed\\_order = inf", ""))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.split(r"(?<!\\)\|", line)) for line in rows}
    assert rows and min(widths) >= 4
    tables, missing = gather(TABLES, open_run(run_folder))
    assert set(TABLES) - set(tables) == of_other_tests(TABLES)
    assert set(missing) == {NO_TOURNAMENT, NO_TABLE, NO_STUDY, NOTHING_RANDOM}, (
        "shown in the tests of these reports"
    )
    for table in tables.values():
        assert all(len(row) == len(table.columns) for row in table.rows)
        cells = {cell for row in table.rows for cell in row}
        assert NONE not in cells or NONE in table.note, table.title
    assert ("whole sweep", "ratio: 1.62, target: 2.5", "12.3 ms") in tables["benchmarks"].rows


def test_text_of_a_run_cannot_become_markup(tmp_path, unsaved):
    bad = "a|b<script>alert(1)</script>*"
    folder = simulate(tmp_path / "run", {bad: FUNCTIONS["square"]}, ("float16",), {1: ("central-2",)})
    result = render(folder)
    page = Page(result.page.read_text(encoding="utf-8"))
    assert page.tags.count("script") == 3
    line = next(
        line for line in result.report.read_text(encoding="utf-8").splitlines() if line.startswith("| [a")
    )
    assert len(re.split(r"(?<!\\)\|", line)) == 6 and "<script" not in line


# -- findings ----------------------------------------------------------------------------------------------


def said(folder):
    return gather(FINDINGS, open_run(folder))[0]


def test_every_finding_says_which_rows_it_rests_on(run_folder):
    findings, missing = gather(FINDINGS, open_run(run_folder))
    assert set(FINDINGS) - set(findings) == {"kinks"} | of_other_tests(FINDINGS)
    assert set(missing) == {
        "Nothing is said about kinks: every point of the run has a derivative.",
        NO_TOURNAMENT,
        NO_TABLE,
        NO_STUDY,
        NOTHING_RANDOM,
    }
    for finding in findings.values():
        assert re.search(
            r"(summary\.csv|sweep\.parquet|references\.parquet): .*\d+ (row|series)",
            finding.basis.replace("\u202f", ""),
        )
        assert finding.text[0].isupper() or finding.text[0].isdigit()
        assert finding.text.endswith(".") and "nan" not in finding.text


def test_findings_are_those_of_the_rows(run_folder):
    """The same numbers, counted here from the files by other means."""
    sweep, references, summary = frames(run_folder)
    text = {name: finding.text for name, finding in said(run_folder).items()}
    plain = select(summary, variant="integer")
    central = select(plain, stencil="central-2", derivative=1, format="float16")
    assert f"where it has {central['digits'].median():.1f} digits" in text["half_precision"]
    assert f"({percent((sweep['status'] == 'step_vanished').mean())})" in text["failures"]
    assert text["exact_stencils"].startswith(f"{np.isinf(plain['observed_order']).sum()} series have")
    finite = int(np.isfinite(plain["observed_order"]).sum())
    assert (
        f"for {finite} of {finite} series (100\u00a0%); the largest distance is 0.002"
        in text["observed_orders"]
    )
    assert text["certified"].startswith(f"{len(references)} of {len(references)} references")
    assert "−0.97 for f′(x) and −1.97 for f″(x)" in text["rounding_slopes"]
    both = plain[plain["h_predicted"] > 0]
    near = (np.abs(np.log(both["h_best"] / both["h_predicted"])) <= np.log(3)).mean()
    assert f"within a factor of 3 for {percent(near)} of {len(both)} series" in text["predictions"]


def test_a_common_step_that_returns_zero_is_counted(run_folder, tmp_path):
    """Planted: at h near 1e-4 in float16, three of the four problems return 0."""
    names = [f"p{k}" for k in range(4)]

    def four(frame):
        copies = [frame[frame["problem"] == "exp_of_sin"].assign(problem=name) for name in names]
        return pd.concat(copies, ignore_index=True)

    def planted(frame):
        frame = four(frame)
        frame["estimate"] = np.where(frame["problem"] == "p3", 0.5, 0.0)
        return frame.assign(error=frame["estimate"] - frame["exact"])

    folder = change(run_folder, tmp_path / "run", sweep=planted, references=four, summary=four)
    assert "returns exactly 0 for 3 of 4 problem points" in said(folder)["half_precision"].text


def test_findings_change_when_the_errors_do(run_folder, tmp_path):
    """Planted: every error ten times as large. Digits fall by one, orders and statuses stay."""

    def worse_scores(frame):
        columns = ["error_best", "error_lucky"]
        frame[columns] = frame[columns] * 10
        return frame.assign(digits=(frame["digits"] - 1).clip(lower=0))

    def worse_rows(frame):
        columns = ["error", *PARTS]
        return frame.assign(**{name: frame[name] * 10 for name in columns})

    folder = change(run_folder, tmp_path / "run", sweep=worse_rows, summary=worse_scores)
    before, after = said(run_folder), said(folder)
    for name in ("best_digits", "half_precision", "single_precision", "double_precision", "predictions"):
        assert before[name].text != after[name].text, name
    for name in ("observed_orders", "rounding_slopes", "luck", "failures", "certified", "largest_parts"):
        assert before[name].text == after[name].text, name
    was, now = (re.findall(r"(\d+\.\d) in", found["best_digits"].text) for found in (before, after))
    assert [float(d) for d in now] == pytest.approx(
        [max(float(d) - 1, 0) for d in was], abs=0.11
    )  # one decimal


# -- partial and damaged runs ------------------------------------------------------------------------------


def only_failures(frame):
    """What is left when every cell fails: a row per series without a step."""
    frame = frame.drop_duplicates(["problem", "point", "format", "stencil", "derivative", "variant"])
    numbers = ["h_requested", "h", "estimate", "exact", "error", *PARTS]
    return frame.assign(
        **dict.fromkeys(numbers, math.nan), status="refused", message="np.foo is not available"
    )


def no_scores(frame):
    numbers = frame.columns[list(frame.columns).index("observed_order") :]
    return frame.assign(**dict.fromkeys(numbers, math.nan))


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (
            {"sweep": only_failures, "references": lambda f: f.iloc[:0], "summary": no_scores},
            "No table of digits",
        ),
        (
            {
                "sweep": lambda f: f.iloc[:0],
                "references": lambda f: f.iloc[:0],
                "summary": lambda f: f.iloc[:0],
            },
            "no rows",
        ),
        ({"summary": no_scores}, "Nothing is said about best steps"),
        ({"references": lambda f: f.iloc[:0].astype(object)}, "No table of references"),
        ({"references": lambda f: f.drop(columns=["scale", "left", "right"])}, "Nothing is said about kinks"),
    ],
    ids=["failures only", "empty", "no scores", "no references", "old references"],
)
def test_a_partial_run_renders_and_says_what_is_missing(run_folder, tmp_path, unsaved, edits, expected):
    folder = change(run_folder, tmp_path / "run", **edits)
    result = render(folder)
    report = result.report.read_text(encoding="utf-8")
    assert any(expected in text for text in result.missing) and "## What is missing" in report
    assert not re.search(r"\bnan\b", report)
    Page(result.page.read_text(encoding="utf-8"))


def test_a_run_of_one_format_second_derivatives_and_bare_files_renders(tmp_path, unsaved):
    folder = simulate(tmp_path / "run", {"square": FUNCTIONS["square"]}, ("float64",), {2: ("central-2",)})
    for name in ("manifest.json", "problems.csv"):
        (folder / name).unlink()
    result = render(folder)
    report = result.report.read_text(encoding="utf-8")
    assert (
        "f″(x)" in report
        and "f′(x)" not in report
        and "central difference in float16" in " ".join(result.missing)
    )
    assert "# diffbench: errors of finite differences" in report


def test_an_unfinished_run_says_so(run_folder, tmp_path, unsaved):
    folder = simulate(tmp_path / "run", {"square": FUNCTIONS["square"]}, ("float16",), {1: ("central-2",)})
    (folder / "manifest.json").write_text('{"state": "incomplete"}')
    result = render(folder)
    assert "not complete" in result.report.read_text(encoding="utf-8")
    assert "not complete" in result.page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["sweep.parquet", "references.parquet", "summary.csv"])
def test_a_missing_or_damaged_file_is_one_clear_message(run_folder, tmp_path, name):
    folder = change(run_folder, tmp_path / "run")
    if name.endswith("parquet"):
        (folder / name).write_bytes((folder / name).read_bytes()[:100])
        with pytest.raises(UserError, match="cannot be read.*--fresh"):
            render(folder)
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        render(folder)
    with pytest.raises(UserError, match="not a folder"):
        render(folder / "nowhere")


def test_a_folder_that_cannot_be_written_is_one_clear_message(run_folder, tmp_path):
    folder = change(run_folder, tmp_path / "run")
    (folder / "figures").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="cannot write the report"):
        render(folder)


def test_every_status_has_a_meaning_and_a_row_in_the_table():
    from diffbench.report.tables_run import MEANING, statuses

    counts = pd.DataFrame(
        {"problem": "p", "format": "float16", "status": STATUSES, "message": "why", "rows": 2}
    )
    run = SimpleNamespace(status_counts=counts, formats=["float16"])
    assert tuple(MEANING) == STATUSES and [row[0] for row in statuses(run).rows] == list(STATUSES)
    assert all(row[-1] == "2" for row in statuses(run).rows)


def test_the_package_loads_nothing_before_it_is_asked():
    import diffbench.report

    assert isinstance(diffbench.report, ModuleType)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = diffbench.report.nothing
