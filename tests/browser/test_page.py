"""The page in Chromium: it draws what is stored, a control does what it says, nothing leaves."""

from __future__ import annotations

import io
import re
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_folder import HOSTILE, STENCILS

PARTS = ["truncation", "abscissa", "evaluation", "weights", "combination"]
FOUR = 5.001e-4  # half a unit in the fourth digit, relative to the smallest mantissa


@pytest.fixture(scope="module")
def sweep(folder: Path) -> pd.DataFrame:
    frame = pd.read_parquet(folder / "sweep.parquet")
    return frame.astype({n: str for n in frame if frame[n].dtype.name == "category"})


@pytest.fixture(scope="module")
def summary(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "summary.csv", dtype={"point": str})


def rows_of(sweep, state, **changed):
    wanted = {"problem": state["problem"], "point": state["point"], "format": state["format"], **changed}
    mine = sweep[(sweep["derivative"] == int(state["derivative"])) & (sweep["variant"] == state["variant"])]
    for name, value in wanted.items():
        mine = mine[mine[name] == value]
    return mine[mine["stencil"].isin(state["stencils"])]


def close(left, right):
    left, right = np.asarray(left, float), np.asarray(right, float)
    return bool(np.all(np.abs(left - right) <= FOUR * np.abs(right)))


# -- the numbers --------------------------------------------------------------------------------------------


def assert_drawn(points, rows, unit):
    rows = rows[np.isfinite(rows["error"]) & (rows["h"] > 0)]
    stored = rows.sort_values(["stencil", "h"])
    drawn = sorted(points, key=lambda p: (p["stencil"], p["h"]))
    assert [(p["stencil"], p["status"]) for p in drawn] == list(
        zip(stored["stencil"], stored["status"], strict=True)
    )
    assert [p["h"] for p in drawn] == stored["h"].tolist()  # steps are exact
    assert close([p["error"] for p in drawn], stored["error"])
    assert close([p["y"] for p in drawn], stored["error"].abs() / unit)
    for i, part in enumerate(PARTS):
        known = np.isfinite(stored[part].to_numpy())
        values = [p["parts"][i] for p, k in zip(drawn, known, strict=True) if k]
        assert close(values, stored[part][known]), part


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"explorer-format": "float16"},
        {"explorer-problem": "sin_100", "explorer-format": "float32"},
        {"explorer-derivative": "2"},
        {"explorer-format": "float16", "explorer-variant": "mixed"},
        {"explorer-problem": HOSTILE},
    ],
    ids=["start", "format", "problem", "second derivative", "variant", "hostile name"],
)
def test_the_plotted_numbers_are_the_stored_rows(page, sweep, choices):
    for control, value in choices.items():
        page.choose(control, value)
    rows = rows_of(sweep, page.state())
    assert len(rows) > 20
    assert_drawn(page.points(), rows, abs(rows["exact"].iloc[0]))
    assert page.find("#explorer-density").text.endswith("are in sweep.parquet.")


def test_a_mark_stands_where_its_axes_say(page, sweep):
    """From pixels back to numbers, by the tick labels: a planted shift of the scale would show."""
    page.check("stencil", "forward-1", on=False)
    ticks, mark = page.run("return t.drawn('central-2')")
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")

    def exponent(text):
        return {"1": 0, "10": 1}.get(text) if text in ("1", "10") else int(text[2:].translate(raised))

    x = np.polyfit([t[1] for t in ticks["x"]], [exponent(t[0]) for t in ticks["x"]], 1)
    y = np.polyfit([t[2] - 4 for t in ticks["y"]], [exponent(t[0]) for t in ticks["y"]], 1)
    centres = [np.mean(corners, axis=0) for corners in mark]
    drawn = {(round(np.polyval(x, u), 1), round(np.polyval(y, v), 1)) for u, v in centres}
    rows = rows_of(sweep, page.state())
    rows = rows[(rows["status"] == "ok") & (rows["error"] != 0)]
    size = np.log10(rows["error"].abs() / rows["exact"].abs())
    stored = list(zip(np.log10(rows["h"]).round(1), size.round(1), strict=True))
    near = [any(abs(u - a) < 0.15 and abs(v - b) < 0.15 for a, b in drawn) for u, v in stored]
    assert np.mean(near) > 0.9 and len(drawn) > 20  # a few lie below the axis, on purpose


def test_stars_floors_and_predictions_are_those_of_the_summary(page, summary):
    for name in ("predicted", "autodiff", "slopes"):
        page.check("show", name)
    state = page.state()
    mine = summary[(summary["problem"] == state["problem"]) & (summary["format"] == state["format"])]
    mine = mine[(mine["derivative"] == 1) & (mine["variant"] == "integer")].set_index("stencil")
    stars, levels = page.run("return t.stars()")
    assert [s[0] for s in stars] == state["stencils"]
    assert close([s[1] for s in stars], mine.loc[state["stencils"], "h_best"])
    assert close([s[2] for s in stars], mine.loc[state["stencils"], "error_best"])
    assert close(levels, [mine["autodiff_error"].iloc[0]])
    assert "predicted" in page.lines() and len(page.all("#explorer-plot .slope")) >= 3


def test_where_no_derivative_exists_the_estimates_are_shown(page, sweep):
    page.choose("explorer-problem", "absolute_value")
    state = page.state()
    if not page.run("return diffbench.explorer.panels[0].estimates"):
        page.choose("explorer-point", "0.0")
        state = page.state()
    rows = rows_of(sweep, state)
    points = page.points()
    assert len(points) == np.isfinite(rows["estimate"]).sum() and {p["status"] for p in points} <= {
        "no_derivative",
        "step_vanished",
    }
    labels = page.find("#explorer-plot .surface svg").get_attribute("textContent")
    assert "left derivative −1" in labels and "right derivative 1" in labels


def test_the_choices_of_step_rules_are_marks_on_the_curve(page, folder):
    page.check("show", "rules")
    steps = pd.read_parquet(folder / "steps.parquet")
    steps = steps[
        (steps["problem"] == "exp_of_sin") & (steps["format"] == "float64") & (steps["derivative"] == 1)
    ]
    wanted = steps[steps["method"].str.match(r"(forward-1|central-2)@|complex-step$|reverse$")]
    drawn = page.run("return t.choices()")
    assert sorted(d[0] for d in drawn) == sorted(wanted["method"]) and len(drawn) == 5
    by = wanted.set_index("method")
    for method, h, error, edge in drawn:
        assert close([error], [by.loc[method, "error"]])
        assert edge == (h is None) and (h is None or close([h], [by.loc[method, "h"]]))


# -- controls -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", PARTS)
def test_every_part_appears_and_goes(page, part):
    page.check("show", part)
    assert part in page.lines()
    assert part in [b.text for b in page.all("#explorer-plot .legend button")]
    page.check("show", part, on=False)
    assert part not in page.lines()


def test_stencils_optimum_and_legend_toggles(page):
    page.check("stencil", "central-4")
    assert "central-4" in page.lines() and page.state()["stencils"] == ["forward-1", "central-2", "central-4"]
    page.check("stencil", "forward-1", on=False)
    assert "forward-1" not in page.lines()
    assert len(page.all("#explorer-plot [data-star]")) == 2
    page.check("show", "optimum", on=False)
    assert not page.all("#explorer-plot [data-star]")
    page.click("#explorer-plot .legend button[data-key='central-4']")
    assert "central-4" not in page.lines() and "central-2" in page.lines()
    page.click("#explorer-plot .legend button[data-key='central-4']")
    assert "central-4" in page.lines()
    rows = page.find("#explorer-rows .shown").text
    assert rows.endswith("rows") and "central-4" in page.find("#explorer-command").text


@pytest.mark.parametrize(
    ("mode", "control", "value"),
    [("format", "explorer-format2", "float16"), ("problem", "explorer-problem2", "sin_100")],
)
def test_compare_mode_has_equal_axes_and_both_sets_of_rows(page, sweep, mode, control, value):
    page.choose("explorer-compare", mode)
    page.choose(control, value)
    state = page.state()
    other = {"format": value} if mode == "format" else {"problem": value, "point": state["point2"]}
    for i, changed in enumerate(({}, other)):
        rows = rows_of(sweep, state, **changed)
        assert_drawn(page.points(i), rows, abs(rows["exact"].iloc[0]))
    same = page.run(
        "return diffbench.explorer.figure.panels.map(p => [p.x.domain, p.y.domain].flat().join())"
    )
    assert len(same) == 2 and same[0] == same[1]
    assert page.find("#explorer-command").text.count("diffbench sweep") == 2


def test_zoom_drag_and_reset(page):
    def domain():
        return page.run("return t.domain()")

    whole = domain()
    page.click("#explorer-zoom-in")
    inner = domain()
    assert inner[1] - inner[0] == pytest.approx((whole[1] - whole[0]) / 2)
    page.click("#explorer-zoom-out")
    assert domain() == pytest.approx(whole)
    for kind, x, y in (("down", 200, 100), ("move", 300, 150), ("move", 400, 200), ("up", 400, 200)):
        page.run("t.pointer(...arguments)", f"pointer{kind}", x, y)
    assert domain() != pytest.approx(whole) and "zoom=" in page.find("#explorer-permalink").get_attribute(
        "href"
    )
    page.click("#explorer-reset")
    assert domain() == pytest.approx(whole)


def test_pointing_at_a_mark_names_its_row(page):
    lines = page.run("return t.tip()")
    assert lines[1].startswith("h = ") and lines[2].startswith("error ") and lines[-1] == "status ok"
    assert [line.split()[0] for line in lines[3:-1]] == PARTS


def test_a_link_restores_the_view(page):
    page.choose("explorer-problem", "sin_100")
    page.choose("explorer-format", "float32")
    page.check("stencil", "central-4")
    page.check("show", "evaluation")
    page.choose("explorer-compare", "format")
    page.click("#explorer-plot .legend button[data-key='forward-1']")
    page.click("#explorer-zoom-in")
    state = page.state()
    svg = "return t.picture()"
    link, picture = page.find("#explorer-permalink").get_attribute("href"), page.run(svg)
    assert page.run("return location.href") == link
    page.open(link[link.index("#") :])
    again = page.state()
    assert {k: v for k, v in again.items() if k != "zoom"} == {k: v for k, v in state.items() if k != "zoom"}
    assert page.run(svg) == picture


@pytest.mark.parametrize(
    "state",
    ["#problem=nothing&point=7&stencils=none&format=x", "#problem=&zoom=1,2,x,4", "#show=,,&compare=no"],
)
def test_an_address_with_nonsense_still_shows_something(page, state):
    page.open(state)
    assert page.points() and page.state()["problem"]


def test_headlines_and_the_example_lead_to_their_evidence(page):
    links = page.run("return t.links('.headlines a, #method a')")
    states = [link for link in links if "=" in link]
    ids = set(page.run("return t.ids()"))
    assert states and all(link[1:] in ids for link in links if "=" not in link)
    for link in states:
        page.run("location.hash = arguments[0]", link)
        problem = re.search(r"problem=([^&]+)", link)[1]
        page.until("return t.arrived(arguments[0])", problem)
        wanted = re.search(r"stencils=([^&]+)", link)[1].split(",")
        have = page.run("return diffbench.run.stencils")
        assert page.state()["stencils"] == [name for name in wanted if name in have]


def test_the_step_chooser_says_what_the_table_says(page):
    """Both come from one profile; the chooser's numbers are in the table of the page and of REPORT.md."""
    report = (page.folder / "REPORT.md").read_text(encoding="utf-8")
    for stencil in STENCILS[1]:
        page.choose("chooser-format", "float32")
        page.choose("chooser-stencil", stencil)
        answer, sentence = (
            page.find("#chooser-advice .answer").text,
            page.find("#chooser-advice p:nth-of-type(2)").text,
        )
        step, digits, share = (
            re.search(r"h = (\S+) ·", answer)[1],
            *re.search(r"^(\S+) digits.*for (\d+) %", sentence).groups(),
        )
        table = page.find("#chooser [data-table]").get_attribute("textContent")
        row = next(
            line for line in report.splitlines() if line.startswith(f"| f′(x) | {stencil} |") and "%" in line
        )
        cells = [cell.strip() for cell in row.split("|")[2:-1]]
        assert cells[4] == step and cells[5] == digits and cells[6].split()[0] == share, (
            cells,
            step,
            digits,
            share,
        )
        assert step in table
    assert (
        page.all("#chooser-rules tbody tr")[0].text and "forward-1@" not in page.find("#chooser-rules").text
    )
    assert "central-4@eps-scaled" in page.find("#chooser-rules").text


def test_the_markdown_report_and_the_page_say_the_same(page):
    """Every sentence with a number, and every cell of a table."""

    def plain(text):
        return re.sub(r"\s+", " ", re.sub(r"\\(.)", r"\1", text.replace("&lt;", "<"))).strip()

    report = (page.folder / "REPORT.md").read_text(encoding="utf-8")
    shown = plain(page.run("return document.querySelector('main').textContent").replace("\\", "\\\\"))
    sentences = [line for line in report.splitlines() if line.startswith("- ")]
    assert len(sentences) > 10
    for line in sentences:
        text = re.sub(r"^\*\*(.*?)\*\* ", r"\1 ", line[2:]).split(" <br>")[0]
        assert plain(text) in shown, text
    cells = set(page.run("return t.rows('[data-table] tr')"))
    tables = [line for line in report.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(tables) > 20
    for line in tables:
        found = [plain(re.sub(r"\[(.*)\]\(.*\)", r"\1", cell)) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert "|".join(found) in cells, line


# -- tables -------------------------------------------------------------------------------------------------


def column(page, selector, place):
    return page.run("return t.column(...arguments)", selector, place)


def test_a_table_sorts_by_numbers_filters_and_downloads(page):
    box = "[data-table='Every problem']"
    heading = f"{box} thead th:nth-child(4) button"
    page.click(heading)
    digits = [float(v) for v in column(page, f"{box} table", 3) if v != "–"]
    assert digits == sorted(digits) and len(digits) >= 3
    assert page.find(f"{box} thead th:nth-child(4)").get_attribute("aria-sort") == "ascending"
    page.click(heading)
    assert [float(v) for v in column(page, f"{box} table", 3) if v != "–"] == digits[::-1]
    assert column(page, f"{box} table", 3)[-1] in (
        "–",
        f"{digits[0]:.1f}",
    )  # no number stands last in both directions
    page.find(f"{box} input[type=search]").send_keys("sin_1")
    assert column(page, f"{box} table", 0) == ["sin_100"] and page.find(f"{box} .shown").text == "1 of 5 rows"
    page.click(f"{box} .toolbar button")
    frame = pd.read_csv(io.BytesIO(page.downloaded("Every_problem.csv")))
    assert frame["problem"].tolist() == ["sin_100"] and frame["x"].tolist() == [1.0]


def test_the_rows_of_the_figure_sort_and_download(page, sweep):
    state = page.state()
    page.click("#explorer-rows thead th:nth-child(4) button")
    shown = column(page, "#explorer-rows table", 3)
    assert len(shown) == 20 and shown[0].startswith("2.776×10⁻¹⁷") is False
    page.click("#explorer-rows .toolbar button")
    frame = pd.read_csv(io.BytesIO(page.downloaded("rows.csv")))
    rows = rows_of(sweep, state).sort_values(["h", "stencil"], kind="stable")
    assert len(frame) == len(rows) and frame["h"].is_monotonic_increasing
    frame = frame.sort_values(["h", "stencil"], kind="stable")
    assert frame["stencil"].tolist() == rows["stencil"].tolist() and frame["h"].tolist() == rows["h"].tolist()
    for name in ("error", *PARTS):
        assert close(frame[name], rows[name]), name
    assert frame["status"].tolist() == rows["status"].tolist()


def test_the_long_tables_hold_every_row_of_their_files(page, summary):
    page.click("#grids .table:nth-of-type(2) .toolbar button")
    frame = pd.read_csv(io.BytesIO(page.downloaded("summary.csv")), dtype={"point": str})
    assert len(frame) == len(summary)
    for name in ("problem", "point", "format", "stencil", "variant"):
        assert frame[name].tolist() == summary[name].tolist(), name
    for name in ("h_best", "error_best", "digits", "observed_order", "h_predicted", "autodiff_error"):
        known = np.isfinite(summary[name])
        assert (np.isfinite(frame[name]) == known).all() and close(
            frame[name][known], summary[name][known]
        ), name
    titles = [h.text for h in page.all("#grids h3")]
    assert titles[0].startswith("Leaderboard") and len(titles) == 5
    pages = page.find("#grids .table:nth-of-type(2) .pages")
    first = column(page, "#grids .table:nth-of-type(2) table", 3)
    page.run("arguments[0].querySelector('button:last-child').click()", pages)
    assert "page 2 of" in page.find("#grids .table:nth-of-type(2) .pages").text
    assert column(page, "#grids .table:nth-of-type(2) table", 3) != first or len(first) == 15


# -- downloads ----------------------------------------------------------------------------------------------


def test_figures_are_saved_with_their_parameters(page):
    page.choose("explorer-problem", HOSTILE)
    stem = re.sub(r"[^\w.-]+", "_", f"{HOSTILE}-float64", flags=re.ASCII)
    page.click("#explorer-save-svg")
    root = ElementTree.fromstring(page.downloaded(f"{stem}.svg"))
    metadata = root.find("{http://www.w3.org/2000/svg}metadata").text
    assert metadata.startswith("diffbench explorer #problem=") and "diffbench sweep '" in metadata
    assert root.find("{http://www.w3.org/2000/svg}image") is None and HOSTILE in "".join(root.itertext())
    page.click("#explorer-save-png")
    png = page.downloaded(f"{stem}.png")
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">I", png[16:20]) == (1920,)
    length, kind = struct.unpack(">I4s", png[33:41])
    body = png[41 : 41 + length]
    assert kind == b"iTXt" and body.startswith(b"Description\0\0\0\0\0diffbench explorer #problem=")
    assert struct.unpack(">I", png[41 + length : 45 + length])[0] == zlib.crc32(kind + body)


# -- safety -------------------------------------------------------------------------------------------------


def test_a_hostile_name_is_text_everywhere(page):
    page.choose("explorer-problem", HOSTILE)
    assert page.driver.title == "diffbench: A small run for the browser"
    assert not page.run("return [...document.images].some(i => i.getAttribute('src') === 'x')")
    assert (
        page.run("return document.querySelector('#explorer-problem').selectedOptions[0].textContent")
        == HOSTILE
    )
    assert HOSTILE in page.find("#explorer-plot .surface svg").get_attribute("textContent")
    assert page.find("#explorer-command").text.startswith("diffbench sweep '</script>")
    assert HOSTILE in page.find("#problems").get_attribute("textContent")
    assert page.run("return document.scripts.length") == 3
    for path in (page.folder / "figures").glob("problem-*.svg"):
        ElementTree.parse(path)


def test_nothing_is_fetched_and_nothing_else_can_run(page):
    names = page.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith(("data:", "blob:")) for name in names), names
    refused = page.run("return t.fetched()")
    assert refused == "TypeError"
    page.run("t.plant()")
    page.until("return document.images[document.images.length - 1].complete")
    assert page.run("return window.planted === undefined")
    messages = page.console()  # these three are ours
    assert len(messages) >= 2 and all("Content Security Policy" in m or "violates" in m for m in messages), (
        messages
    )


# -- comfort ------------------------------------------------------------------------------------------------


def test_the_keyboard_reaches_and_works_everything(page):
    page.run("document.activeElement.blur(); scrollTo(0, 0)")
    page.press("TAB")
    assert page.focus() == "Skip to the findings"
    reached = []
    for _ in range(30):
        page.press("TAB")
        reached.append(page.focus())
    order = ["explorer-problem", "explorer-point", "explorer-derivative", "explorer-format"]
    places = [reached.index(name) for name in order]
    assert places == sorted(places)
    page.run("document.getElementById('explorer-problem').focus()")
    before = page.state()["problem"]
    turn = page.run("return diffbench.explorer.turn")
    page.press("ARROW_DOWN")
    page.settled(turn)
    assert page.state()["problem"] != before
    page.run("document.querySelector('#explorer-plot .surface').focus({preventScroll: true})")
    page.press("ARROW_RIGHT", "ARROW_RIGHT")
    said = page.find("#explorer-plot-status").get_attribute("textContent")
    assert "h = " in said and page.find("#explorer-plot .tip").is_displayed()
    page.press("ARROW_DOWN")
    assert page.find("#explorer-plot-status").get_attribute("textContent") != said
    page.press("+")
    assert page.state()["zoom"]
    page.press("0")
    assert not page.state()["zoom"]
    page.run("document.querySelector(\"[data-table='Every problem'] .sort\").focus()")
    page.press("ENTER")
    assert page.find("[data-table='Every problem'] th").get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("width", [375, 1600])
def test_the_page_is_no_wider_than_the_screen(page, width):
    page.size(width, 800)
    page.open()
    page.choose("explorer-compare", "format")
    assert page.run("return document.documentElement.scrollWidth") <= width
    outside = page.run("return t.outside(arguments[0])", width)
    assert outside == []


def test_the_theme_can_be_chosen(page):
    paper = "return getComputedStyle(document.body).backgroundColor"
    line = "return document.querySelector(\"#explorer-plot [data-line='central-2']\").getAttribute('stroke')"
    light = page.run(paper), page.run(line)
    page.choose("theme", "dark")
    dark = page.run(paper), page.run(line)
    page.choose("theme", "")
    assert light[0] == "rgb(255, 255, 255)" and dark[0] != light[0] and dark[1] != light[1]
    assert (page.run(paper), page.run(line)) == light


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)])
def test_axe_finds_nothing_serious(page, width, dark):
    page.dark(dark)
    page.size(width, 900)
    page.open()
    page.check("show", "evaluation")
    page.run((Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8"))
    found = page.run("return t.violations(document, {})")
    page.dark(False)
    bad = {
        v["id"]: [n["html"][:120] for n in v["nodes"][:3]]
        for v in found
        if v["impact"] in ("serious", "critical")
    }
    assert bad == {}


def test_axe_would_find_a_planted_fault(page):
    page.run("document.querySelector('label[for=explorer-problem]').remove()")
    page.run((Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8"))
    found = page.run("return t.violations('#explorer', {runOnly: ['select-name']})")
    assert [v["id"] for v in found] == ["select-name"]


def test_without_javascript_figures_and_tables_are_there(page):
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.driver.get("about:blank")
        page.driver.get((page.folder / "index.html").as_uri())
        assert (
            page.find("#signature-still img").is_displayed()
            and page.find("#explorer noscript p").is_displayed()
        )
        assert (
            not page.find("#explorer-body").is_displayed() and not page.find("#chooser-body").is_displayed()
        )
        images = page.all("main img:not([data-packed])")
        links = page.all("main noscript a")  # the figures that only scripts can read, as files
        assert all(link.is_displayed() for link in links) and len(links) == len(page.all("img[data-packed]"))
        sizes = [image.size for image in images]
        assert len(images) >= 6 and all(s["width"] > 300 and s["height"] > 100 for s in sizes)
        assert len(page.all("main table tbody tr")) > 30 and page.find("#chooser table").is_displayed()
    finally:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_nothing_jumps_while_it_loads(page):
    """Layout shift (as browsers measure it) of what is in view from the start."""
    page.open()
    shift = page.run("return t.shift()")
    assert shift < 0.1  # the bound that browsers call good
