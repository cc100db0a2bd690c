"""What the page holds: numbers of four digits, thinned rows, steps to recommend; what is safe in it."""

from __future__ import annotations

import json
import math
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report import FUNCTIONS, frames, simulate

from diffbench.cli import main
from diffbench.errors import UserError
from diffbench.report import (
    page_assets,
    page_chooser,
    page_codec,
    page_example,
    page_html,
    page_images,
    page_rows,
)
from diffbench.report.data import PARTS, STATUSES, open_run
from diffbench.report.page_data import Interactive
from diffbench.report.page_headlines import headlines
from diffbench.report.page_series import series_of
from diffbench.report.static_figures import write_figures
from diffbench.report.tables import Table
from diffbench.stencils import stencil_from_name


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(simulate(tmp_path_factory.mktemp("run") / "run", variants=("integer", "mixed")))


# -- four digits in three bytes ----------------------------------------------------------------------------

EXTREMES = [
    *(0.0, -0.0, math.nan, math.inf, -math.inf, 1.0, -1.0, 5e-324, -5e-324, 1.7976931348623157e308),
    *(9.9995, 9.99949, 0.99995, 1e-300, 2.2250738585072014e-308, 1e22, 1e23, 999.95, 1000.0, 10.0**-5),
]


@given(st.lists(st.floats(width=64), max_size=40))
def test_numbers_come_back_with_four_digits(values):
    assert_four_digits([*values, *EXTREMES])


def assert_four_digits(values):
    found = page_codec.decode(page_codec.encode(values))
    for value, back in zip(values, found, strict=True):
        if math.isnan(value):
            assert math.isnan(back)
        elif value == 0 or math.isinf(value):
            assert back == value
        else:
            unit = 10.0 ** (math.floor(math.log10(abs(value))) - 3)
            slack = (
                1e-9 * abs(value) + 5e-324 + (0.5 * unit if abs(value) > 1.797e308 else 0)
            )  # the last float before a tie, and subnormal numbers
            assert abs(back - value) <= 0.5 * unit + slack, (value, back)


def test_a_code_is_the_rounded_number_itself():
    values = [1.2345678e-7, -9.8764e120, 3.0]
    assert page_codec.decode(page_codec.encode(values)).tolist() == [1.235e-7, -9.876e120, 3.0]
    assert page_codec.rounded(1.2345678e-7) == 1.235e-7 and page_codec.rounded(math.nan) is None


@given(st.binary(max_size=300))
def test_bytes_survive_squeezing(data):
    assert page_codec.unsqueeze(page_codec.squeeze(data)) == data


# -- packed rows -------------------------------------------------------------------------------------------


def unpacked(packed, key):
    """The sweep rows of one point, read the way the page reads them."""
    data = page_codec.unsqueeze(packed.blobs[key])
    mine = packed.series[(packed.series["problem"] == key[0]) & (packed.series["point"] == key[1])]
    sizes = [len(packed.grids[grid]) for grid in mine["grid"]]
    n = sum(sizes)
    planes = np.frombuffer(data[: 3 * len(page_rows.VALUES) * n], np.uint8).reshape(-1, 3, n)
    frame = pd.DataFrame(dict(zip(page_rows.VALUES, map(page_codec.decode, planes), strict=True)))
    at = 3 * len(page_rows.VALUES) * n
    frame["status"] = [STATUSES[i] for i in data[at : at + n]]
    frame["h"] = [h for grid in mine["grid"] for h in packed.grids[grid]]
    for name in page_rows.SERIES:
        frame[name] = np.repeat(mine[name].to_numpy(), sizes)
    return frame, data[at + n :]


@pytest.mark.parametrize("most", [10**9, 300, 90])
def test_packed_rows_are_every_nth_step_of_every_series(run, most):
    rows = page_rows.read_sweep(run)
    packed = page_rows.pack(rows, page_rows.read_steps(run), run.formats, most)
    assert packed.stride == max(1, math.ceil(len(rows) / most)) and packed.rows == len(rows)
    seen = 0
    stored = frames(run.folder)[0].astype(dict.fromkeys(("problem", "point", "status", *page_rows.TEXT), str))
    for key in packed.blobs:
        frame, rest = unpacked(packed, key)
        assert not rest and packed.choices[key] == 0
        for series, mine in frame.groupby(list(page_rows.SERIES)):
            whole = stored
            for name, value in zip(page_rows.SERIES, series, strict=True):
                whole = whole[whole[name] == value]
            whole = whole.sort_values("h", ascending=False).iloc[:: packed.stride]
            assert (
                mine["h"].tolist() == whole["h"].tolist()
                and mine["status"].tolist() == whole["status"].tolist()
            )
            for name in ("error", *PARTS, "estimate"):
                np.testing.assert_allclose(mine[name], whole[name], rtol=5.001e-4, atol=0)
            seen += len(mine)
    assert seen == packed.kept


def test_choices_of_a_tournament_are_packed_beside_the_rows(run, tmp_path):
    folder = with_steps(run, tmp_path)
    other = open_run(folder)
    order = ["float64", "float16", "float32"]  # whatever the page lists first
    packed = page_rows.pack(page_rows.read_sweep(other), page_rows.read_steps(other), order)
    steps = pd.read_parquet(folder / "steps.parquet")
    key = ("exp_of_sin", "1.0")
    mine = steps[steps["problem"] == key[0]]
    assert packed.choices[key] == len(mine) and packed.methods == list(dict.fromkeys(steps["method"]))
    _, rest = unpacked(packed, key)
    n = len(mine)
    small = np.frombuffer(rest[: 4 * n], np.uint8).reshape(4, n)
    assert [packed.methods[i] for i in small[0]] == mine["method"].tolist()
    assert [order[i] for i in small[1]] == mine["format"].tolist() and set(small[2]) == {1}
    assert [STATUSES[i] if i < len(STATUSES) else "other" for i in small[3]] == ["ok", "other"] * (n // 2)
    columns = np.frombuffer(rest[4 * n :], np.uint8).reshape(-1, 3, n)
    for name, planes in zip(page_rows.CHOICES, columns, strict=True):
        np.testing.assert_allclose(page_codec.decode(planes), mine[name].astype(float), rtol=5.001e-4)


def with_steps(run, target, **columns):
    """A copy of the run with a small steps.parquet: two methods for every point and format."""
    folder = target / "run"
    shutil.copytree(run.folder, folder)
    cases = run.summary.drop_duplicates(["problem", "point", "format"])
    rows = []
    for case in cases.itertuples():
        first = {"problem": case.problem, "point": case.point, "format": case.format, "derivative": 1}
        best = run.summary[(run.summary["problem"] == case.problem) & (run.summary["format"] == case.format)]
        best = best[(best["stencil"] == "central-2") & (best["derivative"] == 1)].iloc[0]
        good = {"h": best["h_best"], "error": best["error_best"] * 9, "status": "ok", "evaluations": 2}
        bad = {"h": math.nan, "error": 1e9, "status": "gave up", "evaluations": 40}
        rows += [first | {"method": "central-2@rule"} | good, first | {"method": "scipy.differentiate"} | bad]
    frame = pd.DataFrame(rows).assign(regret=2.5, error_estimate=math.nan, **columns)
    frame.to_parquet(folder / "steps.parquet")
    return folder


def test_a_run_without_a_tournament_has_no_choices_and_a_damaged_one_says_so(run, tmp_path):
    assert page_rows.read_steps(run).empty
    folder = with_steps(run, tmp_path)
    (folder / "steps.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(UserError, match=r"steps.parquet cannot be read.*--fresh"):
        page_rows.read_steps(open_run(folder))
    pd.DataFrame({"problem": ["a"]}).to_parquet(folder / "steps.parquet")
    with pytest.raises(UserError, match="has no column derivative, error"):
        page_rows.read_steps(open_run(folder))


# -- series and steps to recommend -------------------------------------------------------------------------


def test_theory_of_a_series_is_the_leading_term_and_the_worst_rounding(run):
    series = series_of(run)
    mine = series[(series["problem"] == "exp_of_sin") & (series["format"] == "float64")]
    row = mine[(mine["stencil"] == "central-2") & (mine["derivative"] == 1)].iloc[0]
    d = run.references[run.references["problem"] == "exp_of_sin"].drop_duplicates("derivative")
    d = d.set_index("derivative")["value"]
    assert row["unit"] == abs(d[1]) and row["relative_to"] == "derivative" and row["power"] == 2
    assert row["a"] == pytest.approx(abs(d[3]) / 6, rel=1e-12)
    # S1 = X1 = 1: half an ulp of f in [2, 4), and |f'| times half an ulp of x in [1, 2)
    assert row["b"] == pytest.approx(2.0**-52 + abs(d[1]) * 2.0**-53, rel=1e-12)
    exact = series[(series["problem"] == "square") & (series["stencil"] == "central-2")]
    assert (exact["a"] == 0).all() and exact["power"].isna().all()


def test_the_share_of_a_step_is_counted_row_by_row(run):
    """The same numbers by a loop over points, for every candidate."""
    rows, series = page_rows.read_sweep(run), series_of(run)
    groups = pd.Series({"exp_of_sin": "smooth", "square": "odd"})
    found = page_chooser.profiles(rows, series, groups)
    assert {p.group for p in found} == {page_chooser.ALL, "smooth", "odd"}
    profile = next(
        p
        for p in found
        if (p.derivative, p.stencil, p.format, p.group) == (1, "central-2", "float32", "all problems")
    )
    sweep, _, summary = frames(run.folder)
    for place in range(len(profile.share)):
        wanted = page_chooser.BINS * math.log10(profile.step(place))
        good, digits = 0, []
        for problem, (_, point) in FUNCTIONS.items():
            mine = sweep[
                (sweep["problem"] == problem)
                & (sweep["format"] == "float32")
                & (sweep["stencil"] == "central-2")
            ]
            mine = mine[(mine["derivative"] == 1) & (mine["variant"] == "integer")]
            best = summary[
                (summary["problem"] == problem)
                & (summary["format"] == "float32")
                & (summary["stencil"] == "central-2")
            ]
            best = best[(best["derivative"] == 1) & (best["variant"] == "integer")].iloc[0]
            away = (page_chooser.BINS * np.log10(mine["h"] / max(1.0, abs(point))) - wanted).abs()
            row = mine.loc[away.idxmin()]
            ok = away.min() <= page_chooser.REACH * page_chooser.BINS and row["status"] == "ok"
            good += bool(ok and abs(row["error"]) <= 10 * best["error_best"])
            relative = abs(row["error"] / row["exact"]) if ok else 1.0
            digits.append(
                min(max(-math.log10(relative), 0), 24 * math.log10(2)) if relative else 24 * math.log10(2)
            )
        assert profile.share[place] == good / 2
        assert profile.digits[place] == pytest.approx(np.median(digits), abs=1e-9)
    assert profile.share[profile.best] == profile.share.max()


def test_the_best_constant_is_the_middle_of_the_longest_run():
    share = np.array([0.2, 0.9, 0.5, 0.9, 0.9, 0.9, 0.1])
    profile = page_chooser.Profile(1, "central-2", "float64", "all problems", 10, -8, share, share)
    assert profile.best == 4 and profile.step(4) == 0.1


def test_step_rules_are_judged_by_the_best_of_their_own_stencil(run, tmp_path):
    other = open_run(with_steps(run, tmp_path))
    scores = page_chooser.rule_scores(page_rows.read_steps(other), series_of(other))
    assert set(scores["rule"]) == {"rule"} and (scores["stencil"] == "central-2").all()
    assert (scores["share"] == 1).all() and (
        scores["points"] == 2
    ).all()  # 9 times the best is within 10 times
    worse = with_steps(run, tmp_path / "worse")
    frame = pd.read_parquet(worse / "steps.parquet")
    frame.assign(error=frame["error"] * 1.2).to_parquet(worse / "steps.parquet")
    again = open_run(worse)
    assert (page_chooser.rule_scores(page_rows.read_steps(again), series_of(again))["share"] == 0).all()


def test_the_payload_is_json_without_nan_and_names_what_it_left_out(run):
    payload = Interactive.of(run).payload()
    text = json.dumps(payload, allow_nan=False)
    series = json.loads(page_codec.unsqueeze(payload["series"]))
    assert len(series["problem"]["codes"]) == len(run.summary) and payload["total"] >= payload["kept"] > 0
    assert "NaN" not in text and set(payload["statuses"]) > set(STATUSES)
    grids = json.loads(page_codec.unsqueeze(payload["tables"]))
    assert [grid["key"] for grid in grids][:2] == ["series", "references"]
    for grid in grids:
        assert len({len(column["values"]) for column in grid["columns"]}) == 1 and all(
            c["help"] for c in grid["columns"]
        )


# -- words -------------------------------------------------------------------------------------------------


def test_headlines_count_what_they_say(run):
    found = {line.link: line for line in headlines(run)}
    summary = run.summary[(run.summary["variant"] == "integer") & (run.summary["derivative"] == 1)]
    central = summary[summary["stencil"] == "central-2"].groupby("format")["digits"].median()
    assert found["#precision"].figure == f"{central['float64']:.1f}" or "%" in found["#precision"].figure
    assert all(line.text.endswith(".") and "nan" not in line.text + line.figure for line in found.values())
    assert 1 <= len(found) <= 4


def test_the_worked_example_adds_up(run):
    example = page_example.worked_example(run)
    assert example.error == example.total and [part[0] for part in example.parts] == list(PARTS)
    assert example.formula == "(f(x + h) − f(x − h)) / (2 h)" and example.link.startswith(
        "#problem=exp_of_sin&"
    )


@pytest.mark.parametrize(
    ("name", "derivative", "text"),
    [
        ("forward-1", 1, "(f(x + h) − f(x)) / h"),
        ("central-2", 2, "(f(x + h) − 2 f(x) + f(x − h)) / h²"),
        ("central-4", 1, "(−f(x + 2 h) + 8 f(x + h) − 8 f(x − h) + f(x − 2 h)) / (12 h)"),
        ("custom(-1/2,1/2)", 1, "(f(x + 1/2 h) − f(x − 1/2 h)) / h"),
    ],
)
def test_a_stencil_written_out(name, derivative, text):
    assert page_example.formula(name, derivative) == text
    stencil_from_name(name, derivative)


def test_columns_are_explained_once_whatever_the_format():
    table = Table(
        "t", ("stencil", "float16 digits", "float64 digits", "unheard of"), (), 3, key="recommended"
    )
    found = page_html.explained(table, ["float16", "float64"])
    assert [name for name, _ in found] == ["stencil", "(format) digits"] and all(
        text.endswith(".") for _, text in found
    )


def test_every_table_of_the_report_has_its_columns_explained(run):
    from diffbench.report import tables, tables_run

    ours = (
        tables.digits,
        tables.steps,
        tables.orders,
        tables.variants,
        tables_run.statuses,
        tables_run.references,
        tables_run.hardest,
    )
    for table in [*(make(run) for make in ours), Interactive.of(run).recommended()]:
        names = [name.replace("(format)", "") for name, _ in page_html.explained(table, run.formats)]
        left = [
            c
            for c in table.columns
            if not any(c == n or (n and c.endswith(n)) or c in run.formats for n in names)
        ]
        assert left == [], table.title


# -- one file, and safe ------------------------------------------------------------------------------------


def test_the_script_is_every_module_and_nothing_is_left_to_import():
    text = page_assets.script()
    files = {path.stem for path in page_assets.STATIC.glob("*.js")}
    assert files == set(page_assets.MODULES)
    assert not re.search(r"^(import|export) ", text, re.MULTILINE) and "</script" not in text
    names = re.findall(r"^(?:async )?function (\w+)|^(?:const|let|class) (\w+)", text, re.MULTILINE)
    flat = [a or b for a, b in names]
    assert len(flat) == len(set(flat)), "two modules give the same name to different things"
    for path in page_assets.STATIC.glob("*.js"):
        source = path.read_text(encoding="utf-8")
        assert (
            "innerHTML" not in source
            and "eval(" not in source
            and "http" not in source.replace("http://www.w3.org/2000/svg", "")
        )
        for found, origin in re.findall(r"import \{([^}]*)\} from \"\./(\w+)\.js\"", source):
            other = (page_assets.STATIC / f"{origin}.js").read_text(encoding="utf-8")
            for name in filter(None, map(str.strip, found.split(","))):
                assert re.search(
                    rf"^export (?:async )?(?:function|class|const) {name}\b", other, re.MULTILINE
                ), (path.name, name)


def test_a_slimmer_svg_keeps_its_marks_and_what_scales_them():
    marks = "".join(
        f'\n   <use xlink:href="#m" x="{i}.123456" y="2.987654" style="fill: #009e73"/>' for i in range(3)
    )
    path = '<path d="M 1.23456 2" transform="scale(0.015625)"/>'
    svg = f'<?xml version="1.0"?><svg><metadata>who</metadata><g>{marks}</g>{path}</svg>'
    found = page_images.slim(svg)
    assert found.count("<use ") == 3 and found.count("fill: #009e73") == 1 and 'x="2.12" y="2.99"' in found
    assert "scale(0.015625)" in found and 'd="M 1.23 2"' in found and "who" not in found


def test_a_slimmer_svg_keeps_the_names_that_are_used():
    svg = '<svg><g id="axes_1"><g id="glyph"/><path id="m"/><use xlink:href="#glyph"/></g></svg>'
    assert page_images.slim(svg) == svg.replace(' id="axes_1"', "")


@pytest.mark.parametrize("text", ['a"b', "a'b", "50% of #1", "<&>"])
def test_an_inlined_figure_cannot_leave_its_attribute(tmp_path, text):
    from urllib.parse import unquote

    (tmp_path / "f.svg").write_text(
        f"<svg title='{text}'></svg>" if "'" not in text else f'<svg title="{text}"></svg>'
    )
    address = page_images.inlined((tmp_path / "f.svg").read_text())
    assert not set('"<>&#') & set(address.removeprefix("data:image/svg+xml,"))
    assert text in unquote(address).replace('"', "'") or text in unquote(address)


# -- figures for papers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_figures_for_papers_are_the_same_bytes_every_time(tmp_path, monkeypatch, kind):
    from diffbench.report import figures

    folder = simulate(tmp_path / "run", {"square": FUNCTIONS["square"]}, ("float16",), {1: ("central-2",)})
    monkeypatch.setattr("diffbench.report.static_figures.main_figures", lambda run: ([], ["none of these"]))
    one, two = (write_figures(folder, tmp_path / name, kind) for name in ("one", "two"))
    assert [path.name for path in one.files] == [f"problem-square.{kind}"] and one.missing == (
        "none of these",
    )
    for first, second in zip(one.files, two.files, strict=True):
        assert first.read_bytes() == second.read_bytes() and len(first.read_bytes()) > 2000
    assert not (folder / "figures").exists()  # the run is only read
    assert figures.main_figures is not None


def test_the_report_command_refuses_what_it_cannot_do(tmp_path, capsys):
    folder = simulate(tmp_path / "run", {"square": FUNCTIONS["square"]}, ("float16",), {1: ("central-2",)})
    cases = [
        (["--format", "pdf"], "--format is for the files of --figures DIR"),
        (["--figures", str(tmp_path / "f"), "--format", "jpg"], "unknown format of figures 'jpg'"),
    ]
    for options, said in cases:
        assert main(["report", str(folder), *options]) == 2
        assert said in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write figures"):
        write_figures(folder, tmp_path / "file", "svg")
    with pytest.raises(UserError, match="no figures as 'gif'"):
        write_figures(folder, tmp_path / "f", "gif")


def unsaved(monkeypatch):
    """`render`, with small files in place of the figures: drawing is tested elsewhere."""
    from diffbench.report import figcache, render, style

    def save(figure, stem, suffixes):
        for suffix in suffixes:
            stem.with_name(stem.name + suffix).write_text("<svg/>")

    monkeypatch.setattr(figcache, "FEW", 1000)
    monkeypatch.setattr(style, "save", save)
    return render


def payload_of(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="run-data">(.*?)</script>', text, re.DOTALL)[1])


def test_a_page_that_would_be_too_large_has_fewer_steps_and_says_so(tmp_path, monkeypatch):
    render = unsaved(monkeypatch)
    folder = simulate(tmp_path / "run", {"square": FUNCTIONS["square"]}, ("float32",), {1: ("central-2",)})
    whole = payload_of(render(folder).page)
    monkeypatch.setattr("diffbench.report.page.MOST_ROWS", whole["total"])
    monkeypatch.setattr("diffbench.report.page.LIMIT", 1000)
    small = payload_of(render(folder).page)
    assert whole["stride"] == 1 and whole["kept"] == whole["total"]
    assert small["stride"] >= 10 and small["kept"] == math.ceil(whole["total"] / small["stride"])


def test_a_name_that_is_markup_stays_inside_its_script(tmp_path, monkeypatch):
    """The data is JSON in a script element: nothing in it may close the element."""
    render = unsaved(monkeypatch)
    bad = "</script><img src=x onerror=alert(1)>"
    folder = simulate(tmp_path / "run", {bad: FUNCTIONS["square"]}, ("float16",), {1: ("central-2",)})
    text = render(folder).page.read_text(encoding="utf-8")
    assert text.count("</script>") == 3 and "<img src=x" not in text
    data = re.search(r'<script type="application/json" id="run-data">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(data)["problems"][0]["name"] == bad
    assert SimpleNamespace(**json.loads(data)).formats == ["float16"]


def test_a_column_is_aligned_as_numbers_when_all_of_it_is():
    rows = (("a", "1.2×10⁻⁵", "central-2@1e-3", "80 %"), ("b", "–", "ridders", "under 1 %"))
    assert page_html.aligned(Table("t", ("1", "2", "3", "4"), rows, 3)) == [False, True, False, True]
    assert page_html.aligned(Table("t", ("1", "2"), (), 1)) == [False, False]
