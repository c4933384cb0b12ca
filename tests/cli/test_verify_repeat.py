"""`gateway-harness verify --repeat`: shares of errors, objectives, what it costs and leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Done, run

EMPTY = "empty-calls:22-of-51@compat"


def verify(*arguments: str, folder: Path) -> Done:
    return run("verify", "--target", "mock", "--out", "run", *arguments, folder=folder)


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run" / "conformance.json").read_text())
    return found


def test_answers_that_come_empty_now_and_then_are_found_on_their_route(tmp_path: Path) -> None:
    asked = ("--repeat", "24", "--threshold", "tool_schema >= 90%", "--defect", EMPTY)

    done = verify(*asked, folder=tmp_path)

    assert done.returncode == 1
    assert "objective missed: tool_schema >= 90% on compat" in done.stdout
    assert "pass: tool_schema >= 90% on native" in done.stdout
    assert "the routes differ" in done.stdout
    rates = document(tmp_path)["rates"]
    assert rates["ended"] == "every objective is decided"
    empty = {
        each["route"]: each["count"] / each["of"]
        for each in rates["shares"]
        if (each["group"], each["kind"]) == ("tools", "empty_but_billed")
    }
    assert empty["native"] == 0
    assert empty["compat"] == pytest.approx(22 / 51, abs=0.1)
    page = (tmp_path / "run" / "report.md").read_text()
    assert "## Repeated requests" in page
    assert "| requests with | error | native | compat |" in page
    assert "| tools | empty_but_billed | 0.0 % (0 of " in page
    assert "Requests asked many times" in (tmp_path / "run" / "report.html").read_text()


def test_a_clean_gateway_passes_with_the_requests_that_were_announced(tmp_path: Path) -> None:
    done = verify("--repeat", "4", "--threshold", "answered >= 80%", "--strict", folder=tmp_path)

    assert done.returncode == 0
    assert "no error in any answer" in done.stdout
    rates = document(tmp_path)["rates"]
    assert {each["count"] for each in rates["shares"]} == {0}
    assert [each["result"] for each in rates["objectives"]] == ["pass", "pass"]


def test_too_few_answers_for_an_objective_are_unknown_and_say_how_many(tmp_path: Path) -> None:
    done = verify("--repeat", "2", "--threshold", "tool_schema >= 98%", folder=tmp_path)

    assert done.returncode == 3
    assert "objective unknown: tool_schema >= 98% on native: 100.0 % (10 of 10" in done.stdout
    assert "about 256 answers would settle it" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--threshold", "tool_schema >= 98%"), "needs --repeat N"),
        (("--repeat", "0"), "0 is not in the range"),
        (("--repeat", "9", "--threshold", "p95(ttft) < 1s"), "a contract run judges tool_schema"),
        (("--defect", "empty-calls:52-of-51@compat"), "empty-calls:COUNT-of-N@ROUTE"),
    ],
)
def test_what_cannot_be_asked_is_said_before_the_first_request(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    done = verify(*arguments, folder=tmp_path)

    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "run").exists()
