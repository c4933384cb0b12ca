"""The rendered report, compared with `golden/`.

After a change that is meant: `pytest tests/report --rewrite-golden`, then read the difference.
"""

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from harness.report.build import build_report
from harness.report.report import Report
from harness.report.terminal import show
from tests.report.folders import (
    FLOOR,
    START_NS,
    answered,
    blocks,
    clause,
    contract,
    failed,
    hurried,
    mixed,
    write_run,
    write_worker,
)

Golden = Callable[[str, str], None]
CLAUSES = (
    clause(),
    clause(route="compat", id="usage.sum", level="SHOULD"),
    clause("fail", route="compat", violated=3, evidence="no `data: [DONE]`", statement="It ends."),
    clause("not_applicable", route="model", id="cache.hit", exercised=0),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Report:
    rows = [*mixed(240), *blocks(40, ratio=1.15)]
    rows += [
        failed(900 + n, outcome="rate_limited", message="slow | down", sent_ms=9000 + n)
        for n in range(4)
    ]
    folder = tmp_path_factory.mktemp("whole")
    thresholds = ["p50(ttft) < 140ms", "p99(e2e) < 2s", "error_rate < 10%"]
    conformance = contract(*CLAUSES, verdict="incompatible")
    write_run(folder, rows, command="run", thresholds=thresholds, conformance=conformance)
    return build_report(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return build_report(write_run(tmp_path_factory.mktemp("small"), [answered()]))


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("late")
    thresholds = ["p50(ttft) < 140ms", "p50(inter_chunk) < 25ms", "one_piece < 1%"]
    write_run(folder, hurried(), thresholds=thresholds, rate=50, in_flight=8)
    pause = [START_NS + 2_000_000_000, 1_500_000_000]
    write_worker(folder, records=303, noise_floor=FLOOR, pauses=[pause])
    return build_report(folder)


def test_the_markdown_of_a_client_that_was_late(late: Report, golden: Golden) -> None:
    golden("late.md", (late.folder / "report.md").read_text("utf-8"))


def test_the_page_of_a_client_that_was_late(late: Report, golden: Golden) -> None:
    golden("late.html", _body(late))


def test_the_terminal_text_of_a_client_that_was_late(late: Report, golden: Golden) -> None:
    golden("late.txt", _printed(late))


def test_the_markdown_of_a_whole_run(whole: Report, golden: Golden) -> None:
    golden("whole.md", (whole.folder / "report.md").read_text("utf-8"))


def test_the_page_of_a_whole_run(whole: Report, golden: Golden) -> None:
    golden("whole.html", _body(whole))


def test_the_terminal_text_of_a_whole_run(whole: Report, golden: Golden) -> None:
    golden("whole.txt", _printed(whole))


def test_the_markdown_of_one_request(small: Report, golden: Golden) -> None:
    golden("small.md", (small.folder / "report.md").read_text("utf-8"))


def test_the_page_of_one_request(small: Report, golden: Golden) -> None:
    golden("small.html", _body(small))


def test_the_terminal_text_of_one_request(small: Report, golden: Golden) -> None:
    golden("small.txt", _printed(small))


def _body(report: Report) -> str:
    """The page's <main> without the curves, which the browser's tests look at."""
    page = (report.folder / "report.html").read_text("utf-8")
    body = page[page.index("<main>") : page.index("</main>")]
    return re.sub(r"<svg viewBox=\"0 0 400 .*?</svg>", "<svg>...</svg>", body, flags=re.DOTALL)


def _printed(report: Report) -> str:
    text = io.StringIO()
    show(report, Console(file=text, width=100, color_system=None))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def test_paths_of_the_machine_are_in_no_report(whole: Report) -> None:
    for name in ("report.md", "report.html", "summary.json"):
        assert str(whole.folder) not in (whole.folder / name).read_text("utf-8")
