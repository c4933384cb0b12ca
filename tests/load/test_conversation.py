"""Conversations: what a line holds, and that each question carries everything said before it."""

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.cli import execute
from harness.errors import UsageError
from harness.gateway.config import Config
from harness.gateway.log import LogEntry
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from harness.gateway.timing import Timing
from harness.load.conversation import ConversationTurn, Dialogue, Reply
from harness.load.prompts import Prompts, read_prompts
from harness.routes.answer import ToolCall
from harness.wire import Request, Response
from tests.schemas import problems_in

SETTINGS = ("BASETEN_API_KEY", "CF_AIG_TOKEN", "BASETEN_MODEL_ID", "CLOUDFLARE_ACCOUNT_ID")
TALK = {
    "messages": [{"role": "system", "content": "Be brief."}],
    "turns": ["Hi", {"content": "And now?", "wait": 0.02}, "Bye"],
    "max_tokens": 5,
}
TOOLS = {
    "tools": [
        {
            "type": "function",
            "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
        }
    ],
    "turns": ["Rain?", {"results": {"weather": "wet"}, "wait": 0.01}, "Bye"],
    "max_tokens": 60,
}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def lines(*rows: Any) -> Path:
    path = Path("talks.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


class Listening:
    """The stand-in, which also keeps what it was asked."""

    def __init__(self) -> None:
        self.gateway = Gateway(Config(timing=Timing(ttft_ns=1_000_000, itl_ns=0)))
        self.asked: list[Request] = []

    @property
    def log(self) -> list[LogEntry]:
        """What the stand-in logged."""
        return list(self.gateway.log)

    def handle(self, request: Request, at_ns: int) -> Response:
        """Answer, and keep the request."""
        self.asked.append(request)
        return self.gateway.handle(request, at_ns)


def test_a_line_has_questions_with_the_time_before_each() -> None:
    (talk,) = read_prompts(lines(TALK))

    assert talk["turns"] == [
        ConversationTurn("Hi"),
        ConversationTurn("And now?", 0.02),
        ConversationTurn("Bye"),
    ]


def test_each_question_has_all_that_was_said_before_it() -> None:
    (talk,) = read_prompts(lines(TALK))
    dialogue = Dialogue(talk, 0, "nonce")
    prompts = Prompts(
        model="m", stream=True, max_output_tokens=64, prompt_tokens=8, prompts=(talk,)
    )

    bodies = []
    for number, turn in dialogue:
        bodies.append(prompts.body_of(dialogue.asked(turn), "native", nonce="unused"))
        dialogue.answered(Reply(f"answer {number}"))

    said = [[message["content"] for message in body["messages"]] for body in bodies]
    assert said[0] == ["[nonce] Be brief.", "Hi"]
    assert said[1] == [*said[0], "answer 1", "And now?"]
    assert said[2] == [*said[1], "answer 2", "Bye"]
    assert [body["max_tokens"] for body in bodies] == [5, 5, 5]
    assert not {"turns", "session", "literal"} & {name for body in bodies for name in body}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"turns": []}], "at least one question"),
        ([{"turns": "Hi"}], "at least one question"),
        ([{"turns": [1]}], "expected texts"),
        ([{"turns": ["Hi", {"content": "x", "results": "y"}]}], 'either "content" or the'),
        ([{"turns": ["Hi", {"results": {"f": 1}}]}], "texts by the name of a function"),
        ([{"turns": [{"results": "y"}]}], "results need an answer before them"),
        ([{"turns": [{"content": "Hi", "wait": -1}]}], "expected texts"),
        ([{"turns": [{"content": "Hi", "wait": "1s"}]}], "expected texts"),
        ([{"turns": ["Hi"], "prompt": "x"}], 'either "prompt" or "turns"'),
        ([{"turns": ["Hi"], "messages": ["x"]}], "expected a list of messages"),
        ([{"turns": ["Hi"]}, {"prompt": "x"}], 'either all lines have "turns", or none'),
    ],
)
def test_a_line_that_is_no_conversation_is_named(rows: list[Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_prompts(lines(*rows))


def call(name: str, arguments: str = "{}", *, id_: str | None = "call-1") -> ToolCall:
    return ToolCall(0, id_, "function", name, arguments)


def asked(turns: list[Any], *replies: Reply) -> list[list[dict[str, Any]]]:
    """The messages of each request of a conversation that is answered so."""
    (talk,) = read_prompts(lines({"turns": turns}))
    dialogue, answers, found = Dialogue(talk, 0, "nonce"), iter(replies), []
    for _, turn in dialogue:
        found.append(dialogue.asked(turn)["messages"])
        dialogue.answered(next(answers))
    return found


def test_results_of_tools_answer_the_calls_and_the_history_keeps_both() -> None:
    turns = ["Rain?", {"results": {"weather": "wet"}, "wait": 0.5}, "And you?"]
    calls = call("weather", '{"in": "Paris"}'), call("time", id_="call-2")

    first, second, third = asked(turns, Reply("", calls), Reply("It is wet."), Reply("Dry."))

    assert second[:1] == first
    assert second[1] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call-1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"in": "Paris"}'},
            },
            {"id": "call-2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
        ],
    }
    assert second[2:] == [
        {"role": "tool", "tool_call_id": "call-1", "content": "wet"},
        {"role": "tool", "tool_call_id": "call-2", "content": ""},
    ]
    assert third[: len(second)] == second
    assert [message["role"] for message in third[len(second) :]] == ["assistant", "user"]


def test_results_are_left_out_where_no_tool_was_called() -> None:
    first, second = asked(["Rain?", {"results": "wet"}, "Bye"], Reply("No."), Reply("Bye."))

    assert [message["content"] for message in second[len(first) :]] == ["No.", "Bye"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply("", (call("weather", '{"in": "Par'),)),
        Reply("", (call("weather", "[]"),)),
        Reply("", (call("weather", id_=None),)),
    ],
)
def test_calls_that_cannot_stand_in_a_history_end_the_conversation(reply: Reply) -> None:
    assert len(asked(["Rain?", {"results": "wet"}, "Bye"], reply)) == 1


def test_calls_that_no_turn_answers_end_the_conversation() -> None:
    assert len(asked(["Rain?", "Bye"], Reply("", (call("weather"),)))) == 1


def test_a_turn_may_have_fields_of_its_own() -> None:
    turns = [{"content": "Rain?", "tool_choice": "required"}, "Bye"]
    (talk,) = read_prompts(lines({"turns": turns, "top_p": 0.5}))
    dialogue = Dialogue(talk, 0, "nonce")

    bodies = []
    for _, turn in dialogue:
        bodies.append(dialogue.asked(turn))
        dialogue.answered(Reply("Yes."))

    assert [body.get("tool_choice") for body in bodies] == ["required", None]
    assert [body["top_p"] for body in bodies] == [0.5, 0.5]


def test_conversations_are_no_open_loop(capsys: pytest.CaptureFixture[str]) -> None:
    path = lines(TALK)

    assert execute(["load", "--prompts", str(path), "--rate", "3", "--no-calibrate"]) == 2
    assert "conversations are a closed loop" in capsys.readouterr().err


@pytest.mark.parametrize("streamed", ["--stream", "--no-stream"])
def test_a_load_of_conversations_sends_the_history_and_one_id_each(
    streamed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lines(TALK, {**TALK, "turns": ["One", "Two"]}, TOOLS)
    flags = ["--users", "2", "--duration", "1s", "--warmup", "0", "--no-calibrate", streamed]

    handler = Listening()
    with LocalGateway(handler) as served:
        target = ["--target", served.url, "--prompts", str(path), "--routes", "native,compat"]
        code = execute(["load", *target, *flags, "--out", "out"])

    assert code in (0, 3), capsys.readouterr().out  # 3: too busy a machine to see the times
    talks: dict[str, list[list[dict[str, Any]]]] = defaultdict(list)
    for request in handler.asked:
        session = request.headers.get("x-session-affinity")
        assert session is not None
        talks[session].append(json.loads(request.body)["messages"])
    assert len(talks) > 4
    for questions in talks.values():
        assert 1 <= len(questions) <= 3
        for before, after in pairwise(questions):
            assert after[: len(before)] == before
            said, *answers = after[len(before) :]
            assert said["role"] == "assistant"
            assert said["content"] or said["tool_calls"]
            calls = [each["id"] for each in said.get("tool_calls", ())]
            assert [one.get("tool_call_id") for one in answers] == (calls or [None])
    assert any(one["role"] == "tool" for each in talks.values() for one in each[-1])
    rows = pq.read_table(next(Path("out/samples").glob("*.parquet"))).to_pandas()
    assert set(rows["turn"]) == {1, 2, 3}
    assert rows["seq"].is_unique
    summary = json.loads(Path("out/summary.json").read_text("utf-8"))
    assert problems_in(Path("out")) == []
    assert [turn["turn"] for turn in summary["turns"]] == [1, 2, 3]
    assert summary["turns"][2]["routes"]["native"]["ttft_ms"]["n"] > 0
    assert "turn 2" in Path("out/report.md").read_text("utf-8")
    assert "turn 2" in Path("out/report.html").read_text("utf-8")
