"""Traces: what is read of a recorded load, and that all of it is replayed."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.cli import execute
from harness.errors import UsageError
from harness.load.plan import Identity, LoadPlan
from harness.load.prompts import Prompts
from harness.load.sender import RequestSender
from harness.load.ticket import Ticket
from harness.load.trace import Trace, affinity, read_trace
from harness.routes.address import Address, Credentials

SETTINGS = ("BASETEN_API_KEY", "CF_AIG_TOKEN", "BASETEN_MODEL_ID", "CLOUDFLARE_ACCOUNT_ID")
START_MS = 1_790_000_000_000


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def lines(*rows: dict[str, Any]) -> Path:
    path = Path("trace.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def parquet(*rows: dict[str, Any]) -> Path:
    path = Path("trace.parquet")
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def recorded(number: int, at_ms: int, **more: Any) -> dict[str, Any]:
    """A row of Baseten's export."""
    return {
        "timestamp_start_unix_ms": START_MS + at_ms,
        "prompt": f"Recorded prompt {number}",
        "input_tokens": 8,
        "output_tokens": 1 + number % 8,
        "provided_session_id": f"s{number % 100}",
        "total_hashes": [1, number],
        "request_canceled": 0,
        **more,
    }


def bodies(trace: Trace) -> list[dict[str, Any]]:
    prompts = Prompts(
        model="m", stream=True, max_output_tokens=64, prompt_tokens=8, prompts=trace.prompts
    )
    return [
        prompts.body("native", index=index, nonce="nonce") for index in range(len(trace.requests))
    ]


def test_basetens_export_is_read_in_the_order_of_its_times() -> None:
    path = parquet(recorded(0, 2_500), recorded(1, 0, output_tokens=0), recorded(2, 1_000))

    trace = read_trace(path)

    assert list(trace.due(1.0)) == [0, 1_000_000_000, 2_500_000_000]
    assert list(trace.due(10.0)) == [0, 100_000_000, 250_000_000]
    asked = bodies(trace)
    assert [body["messages"][0]["content"] for body in asked] == [
        f"Recorded prompt {number}" for number in (1, 2, 0)
    ]
    assert [(body["max_tokens"], body["min_tokens"]) for body in asked] == [(1, 1), (3, 3), (1, 1)]
    assert not {"literal", "session"} & {name for body in asked for name in body}
    assert trace.length_s(10.0) == pytest.approx(0.251)
    assert (trace.peak(1.0), trace.peak(10.0)) == (1.0, 3.0)


def test_json_lines_may_have_a_prompt_messages_or_only_a_length() -> None:
    said = [{"role": "user", "content": "Hi"}]
    path = lines(
        {"timestamp": 5, "messages": said, "output_length": 7},
        {"timestamp": 6.5, "prompt": "Hello"},
        {"timestamp": 7, "input_length": 30, "output_length": 4},
    )

    first, second, third = bodies(read_trace(path))

    assert (first["messages"], first["max_tokens"]) == (said, 7)
    assert (second["messages"][0]["content"], second["max_tokens"]) == ("Hello", 64)
    assert "min_tokens" not in second
    assert len(third["messages"][0]["content"].split()) == 30


def test_prompts_share_their_beginning_where_their_hashes_do() -> None:
    path = lines(
        {"timestamp": 0, "input_length": 1100, "hash_ids": [1, 2, 3]},
        {"timestamp": 1, "input_length": 1100, "hash_ids": [1, 2, 4]},
    )

    one, other = (body["messages"][0]["content"].split() for body in bodies(read_trace(path)))

    assert len(one) == len(other) == 1100
    assert one[:1024] == other[:1024]
    assert one != other


def test_the_requests_of_a_session_carry_its_id_and_no_nonce() -> None:
    path = lines(
        *({"timestamp": at, "prompt": "Hi", "session_id": name} for at, name in enumerate("aba")),
        {"timestamp": 9, "prompt": "Hi"},
    )
    plan = LoadPlan(
        run_id="run", folder="", address=Address("http://127.0.0.1:1", "a", "g"), model="m"
    )
    prompts = Prompts(
        model="m",
        stream=True,
        max_output_tokens=64,
        prompt_tokens=8,
        prompts=read_trace(path).prompts,
    )
    sender = RequestSender(plan, Identity(Credentials("k")), worker="load-0", prompts=prompts)

    requests = [sender.request(Ticket(seq, "native", "mixed", "steady")) for seq in range(4)]

    ids = [request.headers.get("x-session-affinity") for request in requests]
    assert ids == [affinity("run", "a"), affinity("run", "b"), affinity("run", "a"), None]
    assert {request.body for request in requests} == {requests[0].body}


def test_a_session_has_one_id_in_a_run_that_does_not_tell_it() -> None:
    assert affinity("run", "secret-session") == affinity("run", "secret-session")
    assert affinity("run", "secret-session") != affinity("other", "secret-session")
    assert "secret" not in affinity("run", "secret-session")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"prompt": "x"}], 'line 1: expected "timestamp" in milliseconds'),
        ([{"timestamp": -1, "prompt": "x"}], "line 1: expected"),
        ([{"timestamp": True, "prompt": "x"}], "line 1: expected"),
        ([{"timestamp": 0, "prompt": "x"}, {"timestamp": 1}], 'line 2: expected "prompt"'),
        ([{"timestamp": 0, "input_length": "8"}], "expected a number of tokens"),
        ([], "expected at least one request"),
    ],
)
def test_a_line_that_is_no_request_is_named(rows: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_trace(lines(*rows))


def test_a_file_that_is_no_trace_is_refused() -> None:
    Path("broken.parquet").write_bytes(b"PAR1 and nothing else")
    Path("text.jsonl").write_text("no json\n", "utf-8")
    pq.write_table(pa.table({"prompt": ["x"]}), "other.parquet")

    for name, told in (
        ("none.jsonl", "cannot be read"),
        ("broken.parquet", "no Parquet that can be read"),
        ("text.jsonl", "line 1: not JSON"),
        ("other.parquet", "timestamp_start_unix_ms, input_tokens, output_tokens"),
    ):
        with pytest.raises(UsageError, match=told):
            read_trace(Path(name))


@pytest.mark.parametrize("option", ["--rate=3", "--users=3", "--duration=3s", "--prompts=x"])
def test_what_a_trace_decides_cannot_be_given(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lines({"timestamp": 0, "prompt": "x"})

    assert execute(["load", "--trace", str(path), option]) == 2
    assert "--trace says what is sent and when" in capsys.readouterr().err


def test_a_speed_needs_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["load", "--speed", "2"]) == 2
    assert "--speed needs --trace" in capsys.readouterr().err


def test_a_thousand_requests_are_replayed_and_accounted_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rng = random.Random(1)  # noqa: S311 - no secret
    times = sorted(rng.randrange(40_000) for _ in range(1_000))
    path = parquet(*(recorded(number, at_ms) for number, at_ms in enumerate(times)))
    flags = ["--trace", str(path), "--speed", "10", "--no-calibrate", "--routes", "native,compat"]

    code = execute(["load", *flags, "--out", "out"])

    assert code in (0, 3), capsys.readouterr().out  # 3: too busy a machine to keep the times
    rows = pq.read_table(next(Path("out/samples").glob("*.parquet"))).to_pandas()
    assert sorted(rows["seq"]) == list(range(1_000))
    assert set(rows["phase"]) == {"steady"}
    ordered = rows.sort_values("seq")
    due_ms = (ordered["scheduled_ns"] - ordered["scheduled_ns"].min()) / 1e6
    assert [round(each) for each in due_ms] == [round((at - times[0]) / 10) for at in times]
    answered = ordered[ordered["outcome"] == "ok"]
    assert (answered["completion_tokens"] == 1 + answered["seq"] % 8).all()
    summary = json.loads(Path("out/summary.json").read_text("utf-8"))
    assert summary["pacing"]["requests"] == 1_000
    assert summary["pacing"]["start_lag_ms"]["p99"] is not None
