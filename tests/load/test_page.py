"""Locust's page with our tabs in it, in a browser; and what it does not let happen."""

import json
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execute
from harness.load.page import tables, template_arguments
from harness.load.progress import LoadProgress, read_reports
from harness.load.tally import RouteTally
from tests.bench.truth import Truth
from tests.load.commands import printed, started, wait_until
from tests.load.conftest import MakePlan, rows_of
from tests.load.samples import tally
from tests.report.chromium import Browser

PAGE = re.compile(r"Locust's page: (http://127\.0\.0\.1:\d+) \(Ctrl-C ends it\)")
OBJECTIVE = "p95(ttft) < 800ms"


def test_tables_show_what_there_is_and_say_what_is_not_there_yet() -> None:
    counted = tally(*["ok"] * 29, "cut")

    shown = tables(
        LoadProgress(elapsed_s=10.0, routes={"native": counted}), (OBJECTIVE, "rate > 1")
    )

    assert shown["gateway-latency"][0]["latency"] == "TTFT"
    assert shown["gateway-latency"][0]["count"] == 29
    assert shown["gateway-routes"][0] == {
        "route": "native",
        "requests": 30,
        "errors": 1,
        "goodput": "2.9",
        "violations": 0,
        "outcomes": "ok 29, cut 1",
    }
    assert [(row["objective"], row["where"]) for row in shown["gateway-objectives"]] == [
        (OBJECTIVE, "native"),
        ("rate > 1", "all"),
    ]
    few = tables(LoadProgress(elapsed_s=0.0, routes={"native": RouteTally()}), (OBJECTIVE,))
    assert few["gateway-objectives"][0]["so_far"] == "not yet"
    assert few["gateway-routes"][0]["goodput"] == "not yet"


def test_every_column_of_a_table_is_in_its_rows() -> None:
    shown = tables(LoadProgress(elapsed_s=1.0, routes={"native": tally("ok")}), (OBJECTIVE,))

    for table in template_arguments()["extended_tables"]:
        columns = {column["key"] for column in table["structure"]}
        assert all(set(row) == columns for row in shown[table["key"]])


def test_a_port_that_is_taken_is_said_in_one_line(
    truth: Truth, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        target = ("native", "--target", truth.origin, "--ui", "--ui-port", port)
        code = execute(["load", *target, "--quiet", "--out", str(tmp_path / "out")])

    assert code == 2
    assert capsys.readouterr().err == f"error: --ui-port {port} is taken; 0 takes any free one\n"


def test_the_page_shows_our_figures_and_a_second_start_overwrites_nothing(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    out = tmp_path / "out"
    load = ("native", "--target", truth.origin, "--ui", "--ui-port", "0", "--users", "2")
    lengths = ("--duration", "60s", "--warmup", "0", "--rid-header", "x-rid")
    with started(out, *load, *lengths, "--threshold", OBJECTIVE) as command:
        wait_until(lambda: PAGE.search(printed(out)))
        found = PAGE.search(printed(out))
        assert found is not None
        with Browser(tmp_path / "profile") as browser:
            visit(browser, found[1])
            see(browser, "Gateway latency", lambda text: "ttft" in text and "inter-chunk" in text)
            see(browser, "Gateway routes", lambda text: "ok " in text)
            see(browser, "Objectives", lambda text: OBJECTIVE.lower() in text and " ms" in text)
            click(browser, "Stop")
            wait_until(lambda: ended(out) == 1)
            first = len(rows_of(out))
            click(browser, "New")
            click(browser, "Start")
            wait_until(lambda: len(read_reports(out, "load")) == 2 and len(rows_of(out)) > first)
            assert browser.log == []
        refuses_others(found[1])
        command.send_signal(signal.SIGINT)
        command.wait(30)

    record, _ = truth.record(tmp_path)
    samples = rows_of(out)
    notes = json.loads((out / "run.json").read_text())["notes"]
    assert "2 starts at the page, each with its own warm-up: load-0, load-2-0" in notes
    assert len(samples) == len(record["rid"]) > first > 0
    assert {row["worker"] for row in samples} == {"load-0", "load-2-0"}
    assert len({row["event_id"] for row in samples}) == len(samples)


def visit(browser: Browser, url: str) -> None:
    browser.call("Page.navigate", url=url)
    wait_until(lambda: "gateway latency" in text_of(browser))
    browser.log.clear()


def text_of(browser: Browser) -> str:
    """What can be read, in small letters: the page shows some of it in capitals."""
    return str(browser.evaluate("document.body?.innerText ?? ''")).lower()


def see(browser: Browser, tab: str, there: Callable[[str], bool]) -> None:
    """Open a tab and wait for what it shows."""
    click(browser, tab)
    wait_until(lambda: there(text_of(browser)))


def click(browser: Browser, label: str) -> None:
    """Press what bears the label, once it is there."""
    script = f"""(() => {{
        const wanted = {json.dumps(label.lower())};
        const named = [...document.querySelectorAll('button, [role=tab]')];
        const found = named.find(one => one.innerText.trim().toLowerCase() === wanted);
        if (found) found.click();
        return Boolean(found);
    }})()"""
    wait_until(lambda: browser.evaluate(script), seconds=10)


def ended(out: Path) -> int:
    return sum(one.state == "closed" for one in read_reports(out, "load"))


def refuses_others(url: str) -> None:
    """No other page may stop the load; nor does this one need to be asked twice."""
    asked = urllib.request.Request(  # noqa: S310 - our own page
        f"{url}/stop", method="POST", headers={"Origin": "http://elsewhere.example"}
    )
    opener: Any = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener.open(asked, timeout=10)
