"""The page of every kind of run: on a screen, a phone, paper, and for those who cannot see it."""

from pathlib import Path
from typing import Any

import pytest

from harness.report.build import build_report
from tests.report.chromium import Browser
from tests.report.folders import blocks, mixed, write_run
from tests.report.pages import KINDS

AXE = Path(__file__).parents[1] / "javascript" / "node_modules" / "axe-core" / "axe.min.js"
EVERY = pytest.mark.parametrize("kind", list(KINDS))
ANSWERS = """[...document.querySelectorAll(".answers > div")].map(each => ({
    texts: [...each.children].map(line => line.textContent.trim()),
    bottom: each.getBoundingClientRect().bottom + scrollY}))"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        kind: make(tmp_path_factory.mktemp(kind)) / "report.html" for kind, make in KINDS.items()
    }


def answers(browser: Browser, page: Path) -> dict[str, str]:
    """Each question of the first screen with the short answer."""
    browser.view(width=1280, height=800)
    browser.open(page)
    return {each["texts"][0]: each["texts"][1] for each in browser.evaluate(ANSWERS)}


@EVERY
def test_the_first_screen_answers_four_questions_and_says_the_result(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    browser.view(width=1280, height=800)
    browser.open(pages[kind])

    found = browser.evaluate(ANSWERS)
    sentence = browser.evaluate("""(() => {
        const line = document.querySelector(".verdict .result");
        return [line.textContent.trim(), line.getBoundingClientRect().bottom];
    })()""")

    assert len(found) == 4
    assert all(text for each in found for text in each["texts"])
    assert max(each["bottom"] for each in found) < 800
    assert sentence[0].endswith(".")
    assert not sentence[0].endswith("..")
    assert sentence[1] < 800


def test_the_first_screen_of_a_run_has_each_answer(
    browser: Browser, pages: dict[str, Path]
) -> None:
    found = answers(browser, pages["run"])

    assert found["Contract"] == "compatible"
    assert found["Carried"] == "39.6/s good of 39.7/s sent"
    assert found["Fastest route"] == "native"
    assert found["How far to trust it"] == "TTFT <100 µs, E2E <200 µs"


def test_what_was_not_measured_is_said_to_be_missing(browser: Browser, tmp_path: Path) -> None:
    write_run(tmp_path, mixed(60))
    build_report(tmp_path)

    found = answers(browser, tmp_path / "report.html")

    assert found["Contract"] == "not checked"
    assert found["Fastest route"] == "not compared"
    assert found["How far to trust it"] == "not calibrated"


@pytest.mark.parametrize(
    ("ratio", "n", "answer"),
    [
        (1.2, 150, "native"),
        (0.8, 150, "compat"),
        (1.0, 300, "native and compat, equal within 5%"),
        (1.05, 30, "open between native and compat"),
    ],
)
def test_the_fastest_route_is_named_only_where_it_is_certain(
    browser: Browser, tmp_path: Path, ratio: float, n: int, answer: str
) -> None:
    write_run(tmp_path, blocks(n, ratio=ratio), command="compare")
    build_report(tmp_path)

    assert answers(browser, tmp_path / "report.html")["Fastest route"] == answer


@pytest.mark.parametrize("kind", ["compare", "runs"])
def test_a_comparison_begins_with_its_chart(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    browser.view(width=1280, height=800)
    browser.open(pages[kind])

    top: Any = browser.evaluate("document.querySelector('svg.chart').getBoundingClientRect().top")

    assert top < 400


@EVERY
def test_on_a_phone_no_row_is_high_and_no_table_hides_a_column(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    browser.view(width=390, height=844)
    browser.open(pages[kind])

    high = browser.evaluate("""[...document.querySelectorAll("tbody tr")]
        .filter(row => row.getBoundingClientRect().height > 200)
        .map(row => row.textContent.trim())""")
    hidden = browser.evaluate("""[...document.querySelectorAll(".scroll")]
        .filter(box => box.scrollWidth > box.clientWidth)
        .map(box => box.textContent.trim().slice(0, 200))""")

    assert high == []
    assert hidden == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_phone_shows_each_percentile_with_its_name(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.view(width=390, height=844)
    browser.open(pages["run"])

    shown = browser.evaluate("""[...document.querySelectorAll("td[data-label]")]
        .filter(cell => cell.getBoundingClientRect().right <= 390)
        .filter(cell => getComputedStyle(cell, "::before").content !== "none")
        .map(cell => cell.dataset.label)""")

    assert {"p50", "p90", "p95", "p99"} <= {*shown}


@EVERY
def test_on_paper_nothing_is_cut_and_everything_is_open(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    browser.view(width=718, height=1000)
    browser.open(pages[kind])
    browser.call("Emulation.setEmulatedMedia", media="print")

    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    closed = browser.evaluate("document.querySelectorAll('details:not([open])').length")
    cut = browser.evaluate("""[...document.querySelectorAll(".scroll, pre, table, .card")]
        .filter(box => box.scrollWidth > box.clientWidth + 1 ||
                       box.getBoundingClientRect().right > 718)
        .map(box => box.tagName + " " + box.textContent.trim().slice(0, 200))""")
    alone = browser.evaluate("""[...document.querySelectorAll("h2, h3, caption")]
        .filter(head => getComputedStyle(head).breakAfter !== "avoid").length""")
    browser.evaluate("dispatchEvent(new Event('afterprint'))")

    assert closed == 0
    assert cut == []
    assert alone == 0


@EVERY
def test_the_markdown_has_at_most_60_lines(pages: dict[str, Path], kind: str) -> None:
    lines = (pages[kind].parent / "report.md").read_text("utf-8").splitlines()

    assert len(lines) <= 60


@EVERY
def test_no_table_has_a_dash_without_a_reason(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    browser.open(pages[kind])

    bare = browser.evaluate("""[...document.querySelectorAll("td, th, .tile > div")]
        .filter(cell => /^[-\u2013\u2014]|^None$/.test(cell.textContent.trim()))
        .map(cell => cell.parentNode.textContent.trim())""")
    markdown = (pages[kind].parent / "report.md").read_text("utf-8")

    assert [told for told in bare if not told[:1].isdigit() and "\u2013" in told[-2:]] == []
    assert "| \N{EN DASH} |" not in markdown
    assert "\N{EN DASH}/s" not in markdown


@pytest.mark.parametrize(
    ("width", "dark"), [(1280, False), (390, True)], ids=["wide and light", "phone and dark"]
)
@EVERY
def test_no_page_has_a_serious_fault_of_accessibility(
    browser: Browser, pages: dict[str, Path], kind: str, width: int, dark: bool
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is missing; run: npm ci --prefix tests/javascript")
    browser.view(width=width, dark=dark)
    browser.open(pages[kind])
    browser.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    browser.evaluate(f"{AXE.read_text('utf-8')}; 0")

    found = browser.evaluate("""axe.run({resultTypes: ["violations"]}).then(result =>
        result.violations.filter(each => ["serious", "critical"].includes(each.impact))
            .map(each => [each.id, each.nodes.length, each.nodes[0].html.slice(0, 200)]))""")

    assert found == []
