"""`load --stages` on the stand-in: each stage a row of its own, in every output."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.cli import execute
from tests.schemas import problems_in

SETTINGS = ("BASETEN_API_KEY", "CF_AIG_TOKEN", "BASETEN_MODEL_ID", "CLOUDFLARE_ACCOUNT_ID")
JUDGED = (0, 3)
"""3: this machine was too busy to keep the times of a schedule, which is no matter here."""
SHORT = ("--warmup", "500ms", "--no-calibrate", "native")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def load(*arguments: str) -> tuple[int, dict[str, Any], Path]:
    code = execute(["load", *arguments, *SHORT, "--out", "out"])
    out = Path("out")
    return code, json.loads((out / "summary.json").read_text("utf-8")), out


def test_each_stage_of_an_open_loop_is_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    code, summary, out = load("--stages", "1s:10, 1s:40, 1s:40-10")

    assert code in JUDGED, capsys.readouterr().out
    counts = [(stage["stage"], stage["requests"]) for stage in summary["stages"]]
    assert [number for number, _ in counts] == [1, 2, 3]
    assert [count for _, count in counts] == [10, 40, 25]
    assert problems_in(out) == []
    first, second, third = summary["stages"]
    assert second["achieved_rate"] == second["sent"]
    assert third["asked"] == {"by": "rate", "begin": 40.0, "end": 10.0}
    assert first["routes"]["native"]["ttft_ms_scheduled"]["n"] > 0
    assert {"p50", "p95_low", "p99_high"} <= second["routes"]["native"]["e2e_ms"].keys()
    for text in (
        (out / "report.md").read_text("utf-8"),
        (out / "report.html").read_text("utf-8"),
        capsys.readouterr().out,
    ):
        assert "2: 1 s at 40/s" in text


def test_each_stage_of_a_closed_loop_has_its_users() -> None:
    code, summary, out = load("--stages", "1s:1u, 1s:6u")

    assert code in JUDGED
    first, second = summary["stages"]
    assert first["asked"] == {"by": "users", "begin": 1.0, "end": 1.0}
    assert second["requests"] > 1.5 * first["requests"]
    rows = pq.read_table(next((out / "samples").glob("*.parquet"))).to_pandas()
    assert set(rows["stage"].dropna()) == {1, 2}
    assert rows["stage"].isna().equals(rows["phase"] == "warmup")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--stages", "1s:5", "--rate", "5"], "leave --rate out"),
        (["--stages", "1s:5", "--users", "5"], "leave --users out"),
        (["--stages", "1s:5", "--duration", "5s"], "leave --duration out"),
        (["--stages", "1s:5u", "--arrivals", "poisson"], "--arrivals needs --rate"),
        (["--stages", "5"], "expected LENGTH:RATE"),
    ],
)
def test_what_contradicts_the_stages_is_told(
    flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["load", *flags]) == 2
    assert told in capsys.readouterr().err


def test_burstiness_is_the_shape_of_gamma(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--rate", "20", "--arrivals", "gamma", "--burstiness", "2", "--duration", "1s"]

    code, _, out = load(*flags)

    assert code in JUDGED, capsys.readouterr().out
    assert json.loads((out / "run.json").read_text("utf-8"))["plan"]["gamma_shape"] == 2
