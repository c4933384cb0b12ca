"""`gateway-harness load`, as it is typed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execute
from harness.load.progress import FOLDER


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine, no file of the repository, and no proxy."""
    for name in ("BASETEN_API_KEY", "CF_AIG_TOKEN", "BASETEN_MODEL_ID", "CLOUDFLARE_ACCOUNT_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--target", "mock"], "use --target local"),
        (["--rate", "5", "--users", "5"], "exclude each other"),
        (["--arrivals", "poisson"], "--arrivals needs --rate"),
        (["--master", "--worker"], "exclude each other"),
        (
            ["--users", "1", "--processes", "2"],
            "--processes 2: each needs a user, and --users is 1",
        ),
        (["--users", "1", "--master", "--expect-workers", "2"], "--expect-workers 2: each needs"),
        (["--ui", "--processes", "2"], "--ui and --processes exclude each other"),
        (["--ui", "--master"], "leave --master and --worker out"),
        (["--leave-samples"], "--leave-samples needs --master"),
        (["--expect-workers", "2"], "--expect-workers needs --master"),
        (["--master-bind-host", "0.0.0.0"], "--master-bind-host needs --master"),  # noqa: S104
        (["--master-host", "h"], "--master-host needs --worker"),
        (["--master-port", "0"], "--master-port needs --master or --worker"),
        (["--ui-port", "0"], "--ui-port needs --ui"),
        (["--in-flight", "3"], "--in-flight needs --rate"),
        (["--rate", "3", "--gamma-shape", "2"], "--gamma-shape needs --arrivals gamma"),
        (["--routes", "native", "compat"], "compat sends compat alone"),
        (["--routes", "native,foo"], "expected some of native,compat,model"),
        (["nosuch"], "expected a locustfile, or one of compare, compat, mixed, model, native"),
        (["--threshold", "p95(ttft)"], "expected one of"),
        (["--abort", "p95(nothing) > 3ms"], "expected one of"),
        (["--prompts", "none.jsonl"], "cannot be read"),
        (["--duration", "30"], "expected a duration"),
        (["--duration", "0s"], "expected a duration above 0"),
        (["--users", "0"], "--users"),
        (["--max-cost", "1", "--header", "x:y", "--out", "/dev/null/x"], "--out"),
    ],
)
def test_a_wrong_call_gets_one_message_and_sends_nothing(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = execute(["load", *arguments])

    said = capsys.readouterr().err
    assert code == 2
    assert complaint in said
    assert "Traceback" not in said
    assert not (tmp_path / "reports").exists()


def test_the_model_route_needs_a_model_id(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "a")
    monkeypatch.setenv("CLOUDFLARE_GATEWAY_ID", "g")

    code = execute(["load", "--target", "live", "--routes", "model"])

    assert code == 2
    assert "BASETEN_MODEL_ID" in capsys.readouterr().err


def test_a_paid_target_whose_cost_nobody_can_bound_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "a")
    monkeypatch.setenv("CLOUDFLARE_GATEWAY_ID", "g")
    monkeypatch.setenv("BASETEN_MODEL", "some/model")

    code = execute(["load", "--target", "live"])

    assert code == 2
    assert "set --max-requests" in capsys.readouterr().err


def test_a_short_load_on_the_stand_in_passes_and_leaves_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--users", "4", "--duration", "2s", "--warmup", "500ms", "--out", "out"]
    thresholds = ["--threshold", "error_rate < 90%", "--threshold", "p50(e2e) < 60s"]

    code = execute(["load", *arguments, *thresholds, "--json"])

    said = capsys.readouterr()
    assert (code, json.loads(said.out)["verdict"]) == (0, "pass"), said.out
    assert said.err == ""
    out = tmp_path / "out"
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    assert sorted(summary["routes"]) == ["compat", "model", "native"]
    assert all(route["cache_hit_share"] == 0 for route in summary["routes"].values())
    assert summary["client"]["unfinished"] == []
    for name in ("run.json", "summary.csv", "comparison.json", "report.md", "report.html"):
        assert (out / name).stat().st_size
    assert list((out / "samples").glob("*.parquet"))
    assert "baseten-key" not in "".join(
        path.read_text("utf-8", "replace") for path in (out / FOLDER).iterdir()
    )


def test_a_missed_objective_fails_and_a_dead_target_is_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    short = ["--users", "2", "--duration", "3s", "--warmup", "0"]

    missed = execute(["load", *short, "--out", "a", "--threshold", "p50(e2e) < 1us", "native"])
    failed = capsys.readouterr()
    dead = execute(["load", *short, "--out", "b", "--target", "http://127.0.0.1:9"])
    refused = capsys.readouterr()

    assert (missed, dead) == (1, 3), failed.out + failed.err + refused.err
    assert "p50(e2e) < 1us missed" in failed.out
    assert "refused (network)" in refused.out
    assert "Traceback" not in failed.err + refused.err


@pytest.mark.parametrize("command", ["load", "run", "compare"])
def test_every_command_that_loads_can_leave_out_the_calibration(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute([command, "--help"])

    said = capsys.readouterr().out
    assert "--calibrate / --no-calibrate" in said
    assert "--beyond-calibration" in said


def test_the_options_of_the_calibration_reach_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--users", "2", "--duration", "200ms", "--warmup", "0", "--out", "a"]

    code = execute(["load", *short, "--no-calibrate", "--beyond-calibration", "native"])

    plan = json.loads((tmp_path / "a" / "run.json").read_text())["plan"]
    assert code in (0, 3)
    assert (plan["calibrate"], plan["beyond_calibration"]) == (False, True)
    assert "the client's own error is not known" in capsys.readouterr().out


def test_a_load_that_is_refused_leaves_its_folder_for_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load = ["load", "--users", "1", "--duration", "200ms", "--warmup", "0", "--no-calibrate"]
    failing = tmp_path / "failing.py"
    failing.write_text(
        "from harness.load.users import GatewayUser\n"
        "class Failing(GatewayUser):\n"
        "    def on_start(self):\n"
        "        raise KeyError('tenant')\n"
    )

    older = tmp_path / "a" / "samples" / "mine.arrows"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"older")
    os.utime(older, (1, 1))

    refused = execute([*load, "--out", "a", str(failing)])
    begun = (tmp_path / "a" / "run.json").exists()
    kept = older.read_bytes()
    older.unlink()
    again = execute([*load, "--out", "a", "native"])

    assert (refused, begun, kept) == (2, False, b"older")
    assert again == 0, capsys.readouterr()
    assert json.loads((tmp_path / "a" / "run.json").read_text())["state"] == "finished"
