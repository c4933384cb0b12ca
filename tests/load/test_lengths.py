"""Lengths that are drawn: what is read, that a seed decides all, and where they are told."""

import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from harness.cli import execute
from harness.load.asked import prompts_of
from harness.load.budget import estimate
from harness.load.lengths import DRAWS, MOST_TOKENS, parse_lengths
from harness.load.plan import Identity, LoadPlan, plan_of
from harness.load.sender import RequestSender
from harness.load.ticket import Ticket
from harness.routes.address import Address

PLAN = LoadPlan(
    run_id="r",
    folder="/f",
    address=Address("http://127.0.0.1:1"),
    model="m",
    routes=("native", "compat"),
    prompt_lengths="lognormal:200,0.5",
    output_lengths="uniform:16-256",
)


@pytest.mark.parametrize(
    ("text", "middle", "upper"),
    [
        ("512", 512, 512),
        ("normal:512,128", 512, 1024),
        ("normal:512,0", 512, 512),
        ("lognormal:512,0.5", 512, 3783),
        ("uniform:16-256", 136, 256),
        (" uniform : 16 - 256 ", 136, 256),
    ],
)
def test_lengths_are_a_number_or_a_distribution(text: str, middle: float, upper: int) -> None:
    lengths = parse_lengths(text)

    assert lengths.upper == upper
    drawn = lengths.drawn("seed")
    assert len(drawn) == DRAWS
    assert all(1 <= each <= upper for each in drawn)
    assert median(drawn) == pytest.approx(middle, rel=0.08)


def test_a_normal_length_has_its_mean_and_spread() -> None:
    drawn = parse_lengths("normal:512,128").drawn("seed")

    assert fmean(drawn) == pytest.approx(512, abs=15)
    assert fmean((each - 512) ** 2 for each in drawn) ** 0.5 == pytest.approx(128, rel=0.08)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected N, normal:MEAN,SD, lognormal:MEDIAN,SIGMA or uniform:LOW-HIGH"),
        ("0", "at least 1 token"),
        ("-5", "expected N, normal"),
        ("normal:512", "expected N, normal"),
        ("gauss:512,3", "expected N, normal"),
        ("uniform:9-3", "the lower end, 9, is above the upper one, 3"),
        ("uniform:0-3", "at least 1 token"),
        ("normal:0,3", "at least 1 token"),
        ("lognormal:512,9", "more than 1,000,000 tokens: take a smaller median or sigma"),
        ("normal:900000,90000", "more than 1,000,000 tokens: take a smaller mean or deviation"),
        (f"{MOST_TOKENS + 1}", "more than 1,000,000 tokens"),
    ],
)
def test_what_is_no_length_says_what_was_expected_and_what_to_do(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        parse_lengths(text)

    assert repr(text.strip()) in str(caught.value)


@pytest.mark.parametrize("command", ["load", "compare", "capacity"])
@pytest.mark.parametrize("option", ["--prompt-tokens", "--max-output-tokens"])
def test_every_command_that_loads_takes_a_distribution(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([command, option, "uniform:9-3", "--no-calibrate"]) == 2

    told = capsys.readouterr().err
    assert option in told
    assert "the lower end, 9, is above the upper one, 3" in told


def bodies(plan: LoadPlan, *, worker: int, route: str, count: int = 50) -> list[dict[str, Any]]:
    """The bodies of the first requests that a worker would send."""
    sender = RequestSender(plan, Identity(), worker=f"load-{worker}", prompts=prompts_of(plan))
    tickets = (Ticket(n, route, "mixed", "steady") for n in range(count))
    return [json.loads(sender.request(each).body) for each in tickets]


def test_a_request_index_has_its_lengths_on_every_route_and_worker() -> None:
    asked = [
        [(len(body["messages"][0]["content"].split()), body["max_tokens"]) for body in found]
        for found in (
            bodies(PLAN, worker=0, route="native"),
            bodies(PLAN, worker=3, route="compat"),
            bodies(replace(PLAN, seed=1), worker=0, route="native"),
        )
    ]

    assert asked[0] == asked[1]
    assert asked[0] != asked[2]
    assert len(set(asked[0])) > 40
    expected = parse_lengths("uniform:16-256").drawn("0:output")
    assert [most for _, most in asked[0]] == list(expected[:50])


def test_a_line_of_a_file_keeps_its_own_bound_and_others_draw_theirs(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "one", "max_tokens": 3}\n{"prompt": "two"}\n', "utf-8")
    plan = replace(PLAN, prompts=str(path), prompt_lengths=None)

    found = [body["max_tokens"] for body in bodies(plan, worker=0, route="native", count=8)]

    drawn = parse_lengths("uniform:16-256").drawn("0:output")
    assert found == [3, drawn[1], 3, drawn[3], 3, drawn[5], 3, drawn[7]]


def test_a_plan_tells_what_was_drawn_and_travels() -> None:
    described = PLAN.describe()

    drawn = parse_lengths("lognormal:200,0.5").drawn("0:prompt")
    assert described["drawn"]["prompt"] == {
        "mean": pytest.approx(fmean(drawn)),
        "p50": median(drawn),
        "p95": sorted(drawn)[round(0.95 * (DRAWS - 1))],
        "max": max(drawn),
    }
    assert "drawn" not in replace(PLAN, prompt_lengths=None, output_lengths=None).describe()
    assert plan_of({k: v for k, v in PLAN.to_dict().items() if k != "schema_version"}) == PLAN


def test_an_estimate_is_of_the_lengths_that_are_drawn() -> None:
    plan = replace(PLAN, rate=10.0, duration_s=DRAWS / 10, warmup_s=0.0)

    told = estimate(plan)

    names = {"prompt": "lognormal:200,0.5", "output": "uniform:16-256"}
    tokens = sum(sum(parse_lengths(text).drawn(f"0:{name}")) for name, text in names.items())
    assert f"about {tokens:,} tokens, as drawn" in told


def test_a_trace_has_lengths_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text('{"timestamp": 0, "input_length": 3, "output_length": 2}\n', "utf-8")

    code = execute(["load", "--trace", str(path), "--prompt-tokens", "uniform:2-3"])

    assert code == 2
    assert "leave --prompt-tokens out" in capsys.readouterr().err


def test_no_prompts_of_a_file_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "one"}\n', "utf-8")

    code = execute(["load", "--prompts", str(path), "--prompt-tokens", "uniform:2-3"])

    assert code == 2
    assert "--prompts has lengths of its own: leave --prompt-tokens out" in capsys.readouterr().err
