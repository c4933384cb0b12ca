"""What a reader does with the charts of report.html: values, routes, time."""

from pathlib import Path
from typing import Any

import pytest

from tests.report import pages
from tests.report.chromium import Browser

TIMES = "[...document.querySelectorAll('svg.chart[data-time]')]"
LABELS = f"""{TIMES}.map(svg => [...svg.querySelectorAll(".columns text")]
    .map(text => text.textContent))"""
TIPS = f"[...{TIMES}[0].querySelectorAll('.bins > g')].map(bin => bin.dataset.tip)"
TIP = "(box => box.hidden ? null : box.textContent)(document.getElementById('tip'))"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.failing(tmp_path_factory.mktemp("failing")) / "report.html"


@pytest.fixture(scope="module")
def paused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.late(tmp_path_factory.mktemp("late")) / "report.html"


def focus(browser: Browser, charts: str, place: int = 0) -> None:
    """Give a chart the focus and wait until the page has scrolled to it."""
    browser.evaluate(f"""new Promise(done => {{
        {charts}[{place}].focus();
        requestAnimationFrame(() => requestAnimationFrame(done));
    }})""")


def press(browser: Browser, *keys: str) -> Any:
    """The tip after these keys, in whatever has the focus."""
    for key in keys:
        browser.evaluate(
            "document.activeElement.dispatchEvent("
            f"new KeyboardEvent('keydown', {{key: {key!r}, bubbles: true, cancelable: true}}))"
        )
    return browser.evaluate(TIP)


def drag(browser: Browser, chart: int, start: float, end: float) -> None:
    """Drag over a chart from one share of its width to another."""
    browser.evaluate(f"""(() => {{
        const svg = {TIMES}[{chart}], box = svg.getBoundingClientRect();
        const at = (name, share) => svg.dispatchEvent(new PointerEvent(name, {{bubbles: true,
            clientX: box.left + box.width * share, clientY: box.top + box.height / 2}}));
        svg.setPointerCapture = () => {{}};
        at("pointerdown", {start}); at("pointermove", {end}); at("pointerup", {end});
    }})()""")


def test_the_pointer_and_the_arrow_keys_show_the_same_values(browser: Browser, page: Path) -> None:
    browser.view(width=1280)
    browser.open(page)
    hovered = browser.evaluate(f"""[...{TIMES}[0].querySelectorAll(".bins > g")].slice(0, 3)
        .map(bin => {{
            bin.firstElementChild.dispatchEvent(
                new PointerEvent("pointermove", {{bubbles: true, clientX: 9, clientY: 9}}));
            return {TIP};
        }})""")

    focus(browser, TIMES)
    stepped = [press(browser, "ArrowRight") for _ in range(3)]

    assert stepped == hovered
    assert stepped[2].startswith("2 to 3 s\nnative: p50 ")
    assert press(browser, "ArrowLeft") == stepped[1]
    assert press(browser, "Escape") is None
    assert browser.log == []


def test_every_chart_is_read_by_the_keyboard(browser: Browser, page: Path) -> None:
    browser.view(width=1280)
    browser.open(page)

    charts = browser.evaluate("document.querySelectorAll('svg.chart').length")
    for place in range(charts):
        focus(browser, "document.querySelectorAll('svg.chart')", place)
        told = [press(browser, key) for key in ("ArrowRight", "ArrowRight", "ArrowDown")]

        assert all(told), place
        assert len({*told}) > 1, place


@pytest.mark.parametrize("key", ["click", "Enter"])
def test_a_route_is_hidden_and_shown_by_its_button(browser: Browser, page: Path, key: str) -> None:
    browser.view(width=1280)
    browser.open(page)
    shown = """[...new Set([...document.querySelectorAll("svg.chart [data-route]")]
        .filter(mark => mark.getBoundingClientRect().width > 0).map(mark => mark.dataset.route))]"""
    pressed = """[...document.querySelectorAll("button[data-route=compat]")]
        .map(button => button.getAttribute("aria-pressed"))"""
    assert browser.evaluate(shown) == ["native", "compat", "model"]

    browser.evaluate("document.querySelectorAll('button[data-route=compat]')[1].focus()")
    if key == "click":
        browser.evaluate("document.activeElement.click()")
    else:
        for kind in ("keyDown", "keyUp"):
            enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
            browser.call("Input.dispatchKeyEvent", type=kind, **enter)

    assert browser.evaluate(shown) == ["native", "model"]
    assert browser.evaluate(pressed) == ["false", "false"]
    focus(browser, TIMES)
    assert "compat" not in press(browser, "ArrowRight")
    browser.evaluate("document.querySelector('button[data-route=compat]').click()")
    assert browser.evaluate(shown) == ["native", "compat", "model"]


def test_dragging_zooms_every_chart_over_time_and_a_button_resets(
    browser: Browser, page: Path
) -> None:
    browser.view(width=1280)
    browser.open(page)
    whole = browser.evaluate("document.querySelector('main').innerHTML")
    before = browser.evaluate(LABELS)

    drag(browser, 1, 0.3, 0.5)

    after = browser.evaluate(LABELS)
    assert all(labels == after[0] for labels in after)
    assert 5 < float(after[0][0]) < float(after[0][-1]) < 20
    outside = browser.evaluate(f"""{TIMES}.flatMap(svg =>
        [...svg.querySelectorAll(".columns line")].map(line => +line.getAttribute("x1"))
        .filter(x => x < 45.9 || x > 388.1))""")
    assert outside == []
    focus(browser, TIMES)
    assert press(browser, "ArrowRight").startswith("7 to 8 s")
    assert browser.evaluate("document.querySelector('[data-reset]').hidden") is False

    browser.evaluate("document.querySelector('[data-reset]').click()")

    assert browser.evaluate(LABELS) == before
    assert browser.evaluate("document.querySelector('[data-reset]').hidden") is True
    again = browser.evaluate("document.querySelector('main').innerHTML")
    assert len(again) == pytest.approx(len(whole), rel=0.1)
    assert browser.log == []


def test_the_keyboard_zooms_too(browser: Browser, page: Path) -> None:
    browser.view(width=1280)
    browser.open(page)
    before = browser.evaluate(LABELS)

    focus(browser, TIMES)
    press(browser, "ArrowRight", "+", "+")

    assert max(float(label) for label in browser.evaluate(LABELS)[0]) < 10
    press(browser, "Escape")
    assert browser.evaluate(LABELS) == before


def test_what_happened_is_marked_and_named(browser: Browser, page: Path, paused: Path) -> None:
    browser.view(width=1280)
    browser.open(page)
    assert browser.evaluate("document.querySelectorAll('.event-errors').length") > 4
    assert "failed" in browser.evaluate("document.querySelector('.key').textContent")
    assert "13 failed" in "\n".join(browser.evaluate(TIPS))

    browser.open(paused)
    told = "client load-0 did not run for 1.50 s"
    assert told in browser.evaluate("document.querySelector('.key').textContent")
    bins = [tip.split()[0] for tip in browser.evaluate(TIPS) if told in tip]
    assert bins == ["1", "2", "3"]  # the first request left a little after the clock's zero


def test_objectives_are_drawn_on_their_metric_and_their_labels_are_whole(
    browser: Browser, page: Path
) -> None:
    for width in (390, 1280):
        browser.view(width=width)
        browser.open(page)

        labels = browser.evaluate("""[...document.querySelectorAll("text.objective")].map(text => {
            const own = text.getBoundingClientRect();
            const chart = text.closest("svg"), box = chart.getBoundingClientRect();
            return [chart.getAttribute("aria-label"), text.textContent, own.left >= box.left &&
                    own.right <= box.right && own.top >= box.top && own.bottom <= box.bottom];
        })""")

        title = "Distribution of time to first token"
        assert labels == [[title, "p95 < 120 ms: missed", True]]


def test_the_page_says_how_many_of_how_many_dots_are_drawn(browser: Browser, page: Path) -> None:
    browser.view(width=1280)
    browser.open(page)
    drawn = browser.evaluate(f"{TIMES}[0].querySelectorAll('.dots circle').length")

    told = browser.evaluate(f"{TIMES}[0].parentNode.querySelector('p').textContent")

    assert f"{drawn:,} requests" in told


def test_paper_shows_no_button_and_the_legend_of_what_is_shown(
    browser: Browser, page: Path
) -> None:
    browser.view(width=718)
    browser.open(page)
    browser.evaluate("document.querySelector('button[data-route=compat]').click()")
    browser.call("Emulation.setEmulatedMedia", media="print")

    seen = browser.evaluate("""[...document.querySelectorAll("button, .zoom")]
        .filter(button => button.getBoundingClientRect().width > 0)
        .map(button => [button.textContent, getComputedStyle(button).borderTopWidth])""")

    browser.call("Emulation.setEmulatedMedia", media="")
    assert seen == [["native", "0px"], ["model", "0px"]] * 2
