"""Which routes get how many requests of a load, and how many of these are streamed."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import execute
from harness.load.asked import prompts_of
from harness.load.plan import Identity, LoadPlan
from harness.load.prompts import streamed
from harness.load.sender import RequestSender
from harness.load.ticket import Ticket, route_of
from harness.routes.address import Address

PLAN = LoadPlan(
    run_id="r",
    folder="/f",
    address=Address("http://127.0.0.1:1"),
    model="m",
    routes=("native", "compat"),
    weights=(3, 1),
    stream_share=0.7,
)


@pytest.mark.parametrize("count", [4, 40, 400])
def test_each_block_has_the_weights_of_its_routes(count: int) -> None:
    taken = Counter(route_of(PLAN.turns, index=index, seed=7) for index in range(count))

    assert taken == {"native": count * 3 // 4, "compat": count // 4}


@given(st.integers(1, 99), st.integers(0, 2**63), st.integers(0, 50))
def test_every_hundred_requests_have_their_share_of_streams(
    percent: int, seed: int, hundred: int
) -> None:
    found = [
        streamed(index, share=percent / 100, seed=seed)
        for index in range(hundred * 100, hundred * 100 + 100)
    ]

    assert sum(found) == percent


def test_streams_do_not_keep_step_with_the_routes() -> None:
    both = Counter(
        (route_of(("native", "compat"), index=n, seed=0), streamed(n, share=0.5, seed=0))
        for n in range(4000)
    )

    assert all(900 < count < 1100 for count in both.values())


def test_a_request_index_is_streamed_or_not_on_every_route() -> None:
    sender = RequestSender(PLAN, Identity(), worker="load-0", prompts=prompts_of(PLAN))
    bodies = [
        [json.loads(sender.request(Ticket(n, route, "mixed", "steady")).body) for n in range(20)]
        for route in PLAN.routes
    ]

    streams = [[body["stream"] for body in found] for found in bodies]
    assert streams[0] == streams[1]
    assert sum(streams[0]) == 14
    assert all(("stream_options" in body) == body["stream"] for body in bodies[0])


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--routes", "native=0,compat"], "expected a weight from 1 to 99 after native="),
        (["--routes", "native=1.5"], "expected a weight from 1 to 99 after native="),
        (["--routes", "native=,compat"], "expected a weight from 1 to 99 after native="),
        (["--routes", "native,native=2"], "expected each route once"),
        (["--routes", "direct=2,native"], "expected some of native,compat,model"),
        (["compare", "--routes", "native=2,compat"], "leave the weights out"),
        (["native", "--routes", "native=2,compat"], "native sends native alone"),
        (["--stream-share", "1.5"], "--stream-share"),
        (["--stream-share", "0"], "--stream-share"),
        (["--stream-share", "0.5", "--no-stream"], "leave --stream and --no-stream out"),
    ],
)
def test_what_is_no_mixture_is_told(
    flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["load", *flags, "--no-calibrate"]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_load_of_weights_and_shares_says_so_and_tells_its_rows_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BASETEN_API_KEY", "CF_AIG_TOKEN", "BASETEN_MODEL_ID", "CLOUDFLARE_ACCOUNT_ID"):
        monkeypatch.delenv(name, raising=False)
    out = tmp_path / "out"
    flags = ["--rate", "60", "--duration", "1s", "--warmup", "0", "--no-calibrate"]
    flags += ["--routes", "native=3,compat=1", "--stream-share", "0.5"]
    flags += ["--prompt-tokens", "uniform:20-200", "--max-output-tokens", "uniform:2-9"]

    execute(["load", *flags, "--out", str(out)])

    summary: dict[str, Any] = json.loads((out / "summary.json").read_text("utf-8"))
    native, compat = (summary["routes"][route] for route in ("native", "compat"))
    assert (native["requests"], compat["requests"]) == (45, 15)
    modes = {mode["stream"]: mode for mode in summary["modes"]}
    assert (modes[True]["requests"], modes[False]["requests"]) == (30, 30)
    assert native["ttft_ms"]["n"] == modes[True]["routes"]["native"]["requests"]
    assert modes[False]["routes"]["native"]["ttft_ms"]["n"] == 0
    assert modes[False]["routes"]["native"]["e2e_ms"]["n"] > 0
    told = "answers of up to uniform:2-9 tokens, drawn: mean"
    markdown = (out / "report.md").read_text("utf-8")
    page = (out / "report.html").read_text("utf-8")
    for text in (markdown, page, " ".join(capsys.readouterr().out.split())):
        assert told in text
        assert "50% of the requests streamed" in text
        assert "native 3, compat 1" in text
