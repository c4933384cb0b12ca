"""report.html in a real browser: charts are drawn, nothing complains, it fits a phone."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.report.build import build_report
from harness.report.files import write_runs
from harness.report.runs import compare_runs
from tests.report import pages
from tests.report.chromium import Browser
from tests.report.folders import (
    Cells,
    answered,
    blocks,
    clause,
    contract,
    failed,
    hurried,
    mixed,
    write_run,
)
from tests.sample import Sample

HOSTILE = (
    '</script><script>window.broken = 1</script><img src=x onerror="window.broken = 2">'
    "\" onmouseover=window.broken=3 x='&lt;b&gt; {{ 7 * 7 }} \u202e\x07"
)
TITLES = {
    "Clauses per route",
    "Routes against each other",
    "Distribution of time to first token",
    "Distribution of inter-chunk latency",
    "Distribution of end-to-end latency",
    "TTFT over time",
    "E2E over time",
    "Sent rate and goodput",
    "In flight",
    "Failed requests",
}


def build(folder: Path, rows: Sequence[Sample | Cells], **options: Any) -> Path:
    build_report(write_run(folder, rows, **options))
    return folder / "report.html"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [*mixed(300), *blocks(40, ratio=1.2)]
    rows += [failed(900 + n, route="compat", sent_ms=9000 + n) for n in range(4)]
    return build(
        tmp_path_factory.mktemp("page"),
        rows,
        command="run",
        thresholds=["p95(ttft) < 150ms", "error_rate < 10%"],
        conformance=contract(clause(), clause("fail", route="compat"), verdict="incompatible"),
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_chart_is_drawn(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.view(width=width, dark=dark)
    browser.open(page)

    charts = browser.evaluate("""[...document.querySelectorAll("svg.chart")].map(svg => {
        const box = svg.getBoundingClientRect();
        const marks = [...svg.querySelectorAll("path, circle, rect, polygon, line")];
        const seen = marks.filter(mark => {
            const size = mark.getBoundingClientRect(), style = getComputedStyle(mark);
            const paint = style.fill !== "none" || style.stroke !== "none";
            return size.width + size.height > 0 && paint && style.visibility === "visible";
        });
        return {title: svg.getAttribute("aria-label"), width: box.width, height: box.height,
                marks: seen.length};
    })""")

    assert {chart["title"] for chart in charts} == TITLES
    for chart in charts:
        assert chart["width"] > 250, chart
        assert chart["height"] > 40, chart
        assert chart["marks"] >= 2, chart
    assert browser.log == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_curves_have_the_colours_of_their_routes(browser: Browser, page: Path, dark: bool) -> None:
    browser.view(width=1280, dark=dark)
    browser.open(page)

    strokes = browser.evaluate("""[...new Set([...document.querySelectorAll("path.line")].map(
        path => getComputedStyle(path).stroke))]""")

    assert len(strokes) == 3
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 100) == dark


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(browser: Browser, page: Path, width: int) -> None:
    browser.view(width=width)
    browser.open(page)

    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_labels_of_an_axis_do_not_touch(browser: Browser, page: Path) -> None:
    browser.view(width=390)
    browser.open(page)

    touching = browser.evaluate("""[...document.querySelectorAll("svg.chart")].flatMap(svg => {
        const texts = [...svg.querySelectorAll("text")];
        const boxes = texts.map(text => [text, text.getBoundingClientRect()]);
        return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
            .filter(([, q]) => p.left < q.right && q.left < p.right && p.top + 2 < q.bottom - 2 &&
                               q.top + 2 < p.bottom - 2)
            .map(([b]) => a.textContent + " / " + b.textContent));
    })""")

    assert touching == []


def test_text_has_enough_contrast_in_both_schemes(browser: Browser, page: Path) -> None:
    for dark in (False, True):
        browser.view(width=1280, dark=dark)
        browser.open(page)
        found = browser.evaluate(f"({CONTRAST})()")
        assert min(found.values()) >= 4.5, found


CONTRAST = """() => {
    const style = getComputedStyle(document.documentElement);
    const colour = name => {
        const probe = document.createElement("i");
        probe.style.color = style.getPropertyValue("--" + name);
        document.body.append(probe);
        const parts = getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3).map(Number);
        probe.remove();
        const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = parts.map(c => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const found = {};
    const inks = ["ink", "muted", "pass", "fail", "unknown", "info"];
    for (const name of [...inks, "route-0", "route-1", "route-2", "route-3"])
        found[name] = ratio(colour(name), colour("card"));
    for (const name of ["pass", "fail", "unknown"])
        found[name + "-soft"] = ratio(colour(name), colour(name + "-soft"));
    return found;
}"""


def test_a_mark_explains_itself_under_the_pointer(browser: Browser, page: Path) -> None:
    browser.view(width=1280)
    browser.open(page)

    shown = browser.evaluate("""(() => {
        const mark = document.querySelector("svg g[data-tip]");
        mark.firstElementChild.dispatchEvent(
            new PointerEvent("pointermove", {bubbles: true, clientX: 50, clientY: 50}));
        const box = document.getElementById("tip");
        return [box.hidden, box.textContent === mark.dataset.tip, box.textContent];
    })()""")

    assert shown[:2] == [False, True]
    assert shown[2]


def test_what_a_server_says_stays_text(browser: Browser, tmp_path: Path) -> None:
    rows = [
        *(answered(n, route=HOSTILE, scenario=HOSTILE, violations=(HOSTILE,)) for n in range(40)),
        *(failed(n, outcome=HOSTILE, message=HOSTILE) for n in range(40, 50)),
        *(answered(n, cache_status=HOSTILE) for n in range(50, 60)),
    ]
    hostile = clause("fail", id=HOSTILE, evidence=HOSTILE, statement=HOSTILE, route=HOSTILE)
    conformance = contract({**hostile, "capsule": HOSTILE}, verdict=HOSTILE)
    browser.view(width=1280)

    browser.open(build(tmp_path, rows, command="run", conformance=conformance, notes=[HOSTILE]))

    assert browser.evaluate("window.broken") is None
    assert browser.evaluate("document.querySelectorAll('script, img').length") == 1
    assert browser.evaluate("document.body.textContent.includes('{{ 7 * 7 }}')")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 1280
    assert browser.log == []


def test_a_server_steers_no_terminal_that_shows_the_page(tmp_path: Path) -> None:
    ruse = "\x1b[2J\x9b31mPASS\r\x00"
    rows = [failed(n, outcome=ruse, message=ruse, route=ruse) for n in range(10)]

    text = build(tmp_path, rows, notes=[ruse]).read_bytes().decode("utf-8")

    assert "PASS" in text
    assert [c for c in text if c != "\n" and c != "\t" and unicodedata.category(c) == "Cc"] == []


def test_a_script_that_slipped_in_would_not_run(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    pierced = tmp_path / "pierced.html"
    text = page.read_text("utf-8").replace("</main>", "<script>window.broken = 1</script></main>")
    pierced.write_text(text, "utf-8")

    browser.open(pierced)

    assert browser.evaluate("window.broken") is None
    assert any("Content Security Policy" in entry for entry in browser.log)


@pytest.mark.parametrize(
    "rows",
    [
        *([], [answered()], [failed(n, outcome="refused") for n in range(9)], mixed(60)[::3]),
        hurried(),
    ],
    ids=["no request", "one request", "only errors", "one route", "late client"],
)
def test_any_run_gives_a_page_that_fits_a_phone_without_complaint(
    browser: Browser, tmp_path: Path, rows: list[Sample | Cells]
) -> None:
    browser.view(width=390)

    browser.open(build(tmp_path, rows))

    assert browser.log == []
    assert browser.evaluate("document.querySelector('h1').textContent.trim()") != ""
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    assert "NaN" not in browser.evaluate("document.documentElement.outerHTML")


def test_two_runs_against_each_other_have_a_page(browser: Browser, tmp_path: Path) -> None:
    write_run(tmp_path / "a", mixed(200))
    write_run(tmp_path / "b", mixed(200, seed=5))
    (tmp_path / "out").mkdir()
    write_runs(compare_runs([tmp_path / "a"], [tmp_path / "b"], margin=0.05), tmp_path / "out")

    browser.view(width=390)
    browser.open(tmp_path / "out" / "report.html")

    assert browser.log == []
    assert browser.evaluate("document.querySelectorAll('svg.chart').length") == 1
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_asks_nobody_for_anything(page: Path) -> None:
    text = page.read_text("utf-8")

    assert "src=" not in text
    assert 'href="http' not in text
    assert "url(" not in text
    assert "@import" not in text


def test_a_broken_clause_is_told_once_with_its_command_and_its_folder(
    browser: Browser, tmp_path: Path
) -> None:
    browser.view(width=1280)
    browser.open(pages.verify(tmp_path) / "report.html")

    told = browser.evaluate("""[...document.querySelectorAll(".failure")].map(each => [
        each.querySelector("h3").textContent.trim().split(/\\s/)[0],
        [...each.querySelectorAll("a")].map(link => link.getAttribute("href")),
        [...each.querySelectorAll("pre")].map(text => text.textContent)])""")

    assert len(told) == 1
    clause_id, links, commands = told[0]
    assert clause_id == "stream-done"
    assert links == ["failures/stream-done-native/", "failures/stream-done-compat/"]
    assert commands == [pages.CURL, pages.CURL]


def test_only_folders_of_failures_are_read_and_linked(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "curl.sh").write_text("private", "utf-8")
    conformance = contract(clause("fail", capsule="failures/../secret"), verdict="incompatible")

    text = build(tmp_path, [], command="verify", conformance=conformance).read_text("utf-8")

    assert "private" not in text
    assert '<a href="failures' not in text


def test_errors_are_grouped_by_cause_with_their_status(browser: Browser, tmp_path: Path) -> None:
    browser.view(width=1280)
    browser.open(pages.limited(tmp_path) / "report.html")

    causes = browser.evaluate("""[...document.querySelectorAll("#errors ~ .card tr")]
        .map(row => [...row.children].map(cell => cell.textContent.trim()))
        .filter(cells => cells[0].startsWith("rate_limited"))""")

    said = "Rate limited: 40 requests per second"
    assert causes == [["rate_limited (429)", "100", "100", "0", said]]


def test_metrics_with_the_same_figures_stand_once(browser: Browser, page: Path) -> None:
    browser.view(width=1280)
    browser.open(page)

    heads = browser.evaluate("""[...document.querySelectorAll(".grouped tr.first th")]
        .map(head => head.textContent.trim().replace(/\\s+/g, " "))""")

    assert heads == ["TTFB", "TTFT and TTFO the same on every route", "Inter-chunk", "TPOT", "E2E"]


def test_settings_that_differ_are_told_in_words(tmp_path: Path) -> None:
    write_run(tmp_path / "a", mixed(60))
    write_run(tmp_path / "b", mixed(60), rate=5.0)
    (tmp_path / "out").mkdir()
    found = compare_runs([tmp_path / "a"], [tmp_path / "b"], margin=0.05)
    write_runs(found, tmp_path / "out")

    text = (tmp_path / "out" / "report.html").read_text("utf-8")

    assert "None" not in text
    assert "{&#39;" not in text
