"""`compare` with the way that has no gateway, on cold connections, and what it takes beforehand."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execute
from tests.cli.test_serve import serving

FAST = ["--ttft", "20ms", "--itl", "1ms", "--tokens", "4"]
COMPARE = ["compare", "--no-calibrate", "--quiet"]


def compared(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "comparison.json").read_text("utf-8"))
    return found


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_gateways_own_cost_is_found_beside_the_direct_way(tmp_path: Path) -> None:
    with serving(*FAST, "--overhead", "12ms", folder=tmp_path) as (url, _):
        routes = ["--target", url, "--routes", "direct,native", "--pairs", "60"]
        code = execute([*COMPARE, *routes, "--out", "out"])

    found = compared(tmp_path / "out")
    pair = next(each for each in found["pairs"] if each["metric"] == "ttft_ms")
    assert code == 0
    assert (pair["a"], pair["b"], pair["verdict"]) == ("direct", "native", "slower")
    assert 6 < pair["difference_ms"] < 18
    assert {arm["route"] for arm in found["arms"]} == {"direct", "native"}
    assert "native costs" in (tmp_path / "out" / "report.md").read_text("utf-8")


def test_cold_connections_are_opened_for_each_request_and_counted(tmp_path: Path) -> None:
    with serving(*FAST, folder=tmp_path) as (url, _):
        routes = ["--target", url, "--routes", "direct,native", "--pairs", "20", "--cold"]
        execute([*COMPARE, *routes, "--out", "out"])

    found = compared(tmp_path / "out")
    assert found["cold"]
    assert all(arm["reused"] == 0 and arm["connect_ms"] > 0 for arm in found["arms"])


def test_a_plan_says_what_it_takes_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(*FAST, folder=tmp_path) as (url, _):
        code = execute([*COMPARE, "--target", url, "--routes", "native,compat", "--plan", "10%"])

    said = capsys.readouterr().out
    assert code == 0
    assert re.search(
        r"pass: [\d,]+ blocks \(\d+ (s|min), [\d,]+ tokens, \$[\d.]+\) tell a difference of 0.1",
        said,
    )
    assert "compare --margin 10% --pairs " in said
    assert not list(tmp_path.glob("reports/*"))


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--routes", "direct"], {}, "expected two routes or more"),
        (["--routes", "direct,elsewhere"], {}, "expected some of direct,native,compat,model"),
        (["--plan", "5%", "--out", "x"], {}, "--plan leaves no run"),
        (["--baseline", "nowhere"], {}, "expected one RUN"),
        (["a", "--baseline", "nowhere"], {}, "no such run"),
        (["a", "b", "c"], {}, "expected no run, two runs, or one and --baseline, got 3 runs"),
        (
            ["--target", "http://127.0.0.1:9", "--routes", "direct,native"],
            {"BASETEN_BASE_URL": "https://inference.baseten.co/v1"},
            "asked by http and Baseten by https",
        ),
        (
            ["--routes", "direct,native"],
            {"BASETEN_BASE_URL": "baseten"},
            "BASETEN_BASE_URL: expected",
        ),
        (["--threshold", "ratio(p95(ttft)) < 1.1"], {}, "holds a run against another one"),
    ],
)
def test_what_cannot_be_compared_is_told_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    environment: dict[str, str],
    message: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert execute(["compare", *arguments]) == 2
    assert message in capsys.readouterr().err
