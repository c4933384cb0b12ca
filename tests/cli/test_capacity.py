"""`capacity` on the stand-in as a user runs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execute
from tests.schemas import problems_in

SHORT = ["--level-time", "1s", "--longest-level", "3s", "--precision", "50%", "--no-calibrate"]
SHORT += ["--routes", "native"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_search_finds_what_the_stand_in_carries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slots = ["--slots", "2", "--service", "50ms", "--arrivals", "constant", "--min-rate", "25"]

    code = execute(["capacity", *SHORT, *slots, "--target-rate", "30", "--out", "out", "--json"])

    printed = capsys.readouterr()
    assert not printed.err
    said: dict[str, Any] = json.loads(printed.out)
    found: dict[str, Any] = json.loads((tmp_path / "out" / "capacity.json").read_text("utf-8"))
    assert found["carried_rate"] == said["carried_rate"]
    if "too little was sent" in found["sentence"]:  # this machine was too busy: never a pass
        assert (code, found["verdict"], found["carried_rate"]["value"]) == (3, "unknown", None)
    else:
        assert 25 <= found["carried_rate"]["value"] <= 60, found["sentence"]
        assert (code, found["verdict"]) == (0, "pass"), said
        assert "Load and latency" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert problems_in(tmp_path / "out") == []

    assert execute(["report", "out", "--quiet"]) == code
    again: dict[str, Any] = json.loads((tmp_path / "out" / "capacity.json").read_text("utf-8"))
    assert again == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--min-rate", "5", "--max-rate", "2"], "--min-rate 5 is above --max-rate"),
        (["--target-rate", "2000"], "--target-rate is above --max-rate"),
        (["--slo", "p95(tftt) < 1s"], "expected one of ttfb"),
        (
            ["--slo", "ratio(p50(ttft){compat/native}) < 2"],
            "expected mean, min, max or a percentile",
        ),
        (["--by", "requests"], "is not one of 'rate', 'users'"),
        (["--level-time", "0s"], "expected a duration above 0"),
    ],
)
def test_what_cannot_be_sought_is_told_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert execute(["capacity", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_paid_target_is_not_loaded_without_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_GATEWAY_ID", "BASETEN_API_KEY"):
        monkeypatch.setenv(name, "x")

    assert execute(["capacity", "--target", "live"]) == 2

    said = capsys.readouterr()
    assert "at most 1000 requests" in said.out
    assert "until it gives way" in said.err
    assert "--yes" in said.err
