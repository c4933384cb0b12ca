"""Chat streams: what is read of a good one, and when it happened."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.outcome import Outcome
from harness.routes.answer import Answer, Choice, ToolCall
from harness.routes.chat import ChatParser
from harness.routes.document import ProblemKind
from harness.routes.usage import Usage
from harness.sse import Comment
from harness.wire import Chunk, End, Headers

SSE = Headers([("content-type", "text/event-stream")])
JSON = Headers([("content-type", "application/json")])
DONE = b"data: [DONE]\n\n"


def event(document: Any, end: bytes = b"\n\n") -> bytes:
    return b"data: " + json.dumps(document).encode() + end


def chunk(delta: dict[str, Any] | None = None, finish: Any = None, **extra: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "delta": delta or {}}
    if finish is not None:
        choice["finish_reason"] = finish
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [choice], **extra}


def stream(*deltas: dict[str, Any], finish: Any = "stop") -> bytes:
    chunks = [chunk({"role": "assistant", "content": ""}), *map(chunk, deltas)]
    return b"".join(map(event, [*chunks, chunk(finish=finish)])) + DONE


def read(
    *pieces: bytes,
    headers: Headers = SSE,
    status: int = 200,
    end: End = End.COMPLETE,
    asked_stream: bool = True,
) -> Answer:
    """The answer of `pieces` that arrive 10 ns apart, the first after 10 ns."""
    parser = ChatParser(sent_ns=1_000, asked_stream=asked_stream)
    parser.head(status, headers, 5)
    for place, piece in enumerate(pieces, start=1):
        parser.feed(Chunk(piece, 10 * place))
    return parser.finish(end, 10 * (len(pieces) + 1))


def kinds(answer: Answer) -> set[ProblemKind]:
    return {problem.kind for problem in answer.problems}


def test_a_good_stream_is_read_whole() -> None:
    answer = read(
        event(chunk({"role": "assistant", "content": ""})),
        event(chunk({"reasoning_content": "hm"})),
        event(chunk({"content": "Hel"})),
        event(chunk({"content": "lo"})),
        event(chunk(finish="stop")),
        event(
            chunk() | {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
        ),
        DONE,
    )

    assert answer.outcome is Outcome.OK
    assert answer.choices == (Choice(0, "assistant", "Hello", "hm", finish_reason="stop"),)
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("Hello", "hm", "stop")
    assert (answer.id, answer.model, answer.created) == ("chatcmpl-1", "m", 1)
    assert answer.usage == Usage(7, 3)
    assert answer.done
    assert answer.streamed
    assert answer.problems == ()
    assert len(answer.events) == 7
    timeline = answer.timeline
    assert timeline.headers_ns == 1_005
    assert timeline.first_byte_ns == timeline.first_event_ns == timeline.first_role_ns == 1_010
    assert timeline.first_reasoning_ns == timeline.first_output_ns == 1_020
    assert timeline.first_answer_ns == 1_030
    assert timeline.outputs_ns == (1_020, 1_030, 1_040)
    assert timeline.usage_ns == 1_060
    assert timeline.done_ns == 1_080
    assert timeline.closed_ns is None


@pytest.mark.parametrize(
    "delta",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": ""},
        {"content": None},
        {"tool_calls": []},
        {"reasoning_content": ""},
        {},
    ],
)
def test_an_empty_delta_is_no_output(delta: dict[str, Any]) -> None:
    answer = read(event(chunk(delta)))

    assert answer.timeline.first_event_ns == 1_010
    assert answer.timeline.first_output_ns is None
    assert answer.timeline.outputs_ns == ()


@pytest.mark.parametrize(
    "delta",
    [
        {"content": " "},
        {"refusal": "no"},
        {"tool_calls": [{"index": 0, "id": "c"}]},
        {"function_call": {"name": "f", "arguments": ""}},
    ],
)
def test_content_refusal_and_tool_calls_are_answer_output(delta: dict[str, Any]) -> None:
    timeline = read(b": hi\n\n", event(chunk(delta))).timeline

    assert timeline.first_byte_ns == 1_010
    assert timeline.first_output_ns == timeline.first_answer_ns == 1_020


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_output_but_no_answer(name: str) -> None:
    answer = read(event(chunk({name: "hm"})))

    assert answer.reasoning == "hm"
    assert answer.timeline.first_output_ns == 1_010
    assert answer.timeline.first_answer_ns is None


def test_reasoning_under_both_names_is_read_once() -> None:
    assert read(event(chunk({"reasoning": "hm", "reasoning_content": "hm"}))).reasoning == "hm"


def test_events_of_one_read_share_its_time_and_are_counted() -> None:
    answer = read(b"".join(event(chunk({"content": text})) for text in "abc"), DONE)

    assert answer.timeline.outputs_ns == (1_010, 1_010, 1_010)
    assert answer.coalesced == 2


def test_events_are_returned_as_they_arrive() -> None:
    parser = ChatParser(sent_ns=0)
    parser.head(200, SSE, 1)
    body = event(chunk({"content": "a"})) + event(chunk({"content": "b"}))

    first = parser.feed(Chunk(body[:100], 2))
    second = parser.feed(Chunk(body[100:], 3))

    assert first == []
    assert [(timed.at_ns, timed.document) for timed in second] == [
        (3, chunk({"content": "a"})),
        (3, chunk({"content": "b"})),
    ]


def test_a_parser_that_keeps_no_events_reads_the_same() -> None:
    kept, dropped = ChatParser(sent_ns=0), ChatParser(sent_ns=0, keep_events=False)
    for parser in (kept, dropped):
        parser.head(200, SSE, 1)
        parser.feed(Chunk(b": c\n\n" + stream({"content": "a"}), 2))
    whole, light = (parser.finish(End.COMPLETE, 3) for parser in (kept, dropped))

    assert (light.text, light.timeline, light.outcome) == (whole.text, whole.timeline, Outcome.OK)
    assert len(whole.events) == 4
    assert whole.comments[0].comment == Comment("c")
    assert (light.events, light.comments) == ((), ())


@pytest.mark.parametrize(
    "body",
    [
        b": ping\n\n" + stream({"content": "hi"}) + b":\n\n",
        stream({"content": "hi"}).replace(b"\n", b"\r\n"),
        stream({"content": "hi"}).replace(b"\n", b"\r"),
        stream({"content": "hi"}).replace(b"data: ", b"data:"),
        stream({"content": "hi"}).replace(b'", "', b'",\ndata: "'),
        stream({"content": "hi"}).replace(b"data: {", b"id: 1\nretry: 5\ndata: {"),
        stream({"content": "hi"}).replace(b"data: {", b"event: message\ndata: {"),
        b"\xef\xbb\xbf" + stream({"content": "hi"}),
        event(chunk({"role": "assistant", "content": "hi"})) + event(chunk(finish="stop")) + DONE,
        event(chunk({"content": "hi"}, finish="stop", usage=None)) + DONE,
        event(chunk({"content": "hi"}, finish="stop")),
        event(chunk() | {"choices": []}) + stream({"content": "hi"}),
        event(chunk() | {"choices": None}) + stream({"content": "hi"}),
        stream({"content": "hi", "tool_calls": None, "refusal": None, "unknown": {"x": 1}}),
        event({"type": "ping"}) + stream({"content": "hi"}),
        b"event: ping\n\n" + stream({"content": "hi"}),
        b"data:\n\n" + stream({"content": "hi"}),
        b"\n\n\n" + stream({"content": "hi"}),
        event({"choices": [{"delta": {"content": "hi"}, "finish_reason": "stop"}], "p": "abc"}),
    ],
)
def test_legal_variants_are_read_without_a_problem(body: bytes) -> None:
    answer = read(body)

    assert (answer.outcome, answer.text, answer.finish_reason) == (Outcome.OK, "hi", "stop")
    assert answer.problems == ()


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream", ""])
def test_a_stream_is_a_stream_whatever_its_label(kind: str) -> None:
    answer = read(stream({"content": "hi"}), headers=Headers([("content-type", kind)]))

    assert (answer.streamed, answer.text, answer.outcome) == (True, "hi", Outcome.OK)


def test_an_answer_to_an_unasked_stream_says_both() -> None:
    answer = read(stream({"content": "hi"}), headers=JSON, asked_stream=False)

    assert (answer.streamed, answer.asked_stream, answer.text) == (True, False, "hi")


@given(
    st.lists(st.text(min_size=1, max_size=4), max_size=4),
    st.lists(st.integers(0, 900), max_size=9),
)
def test_the_answer_does_not_depend_on_how_the_bytes_are_cut(
    parts: list[str], places: list[int]
) -> None:
    body = stream(*({"content": part} for part in parts))
    bounds = sorted({0, len(body), *(place % len(body) for place in places)})
    pieces = [body[start:stop] for start, stop in pairwise(bounds)]

    answer = read(*pieces)

    assert answer.text == "".join(parts)
    assert answer.choices == read(body).choices
    assert [timed.event for timed in answer.events] == [timed.event for timed in read(body).events]
    assert answer.outcome is Outcome.OK


def test_cumulative_usage_counts_its_maximum() -> None:
    body = b"".join(
        event(chunk({"content": "x"}, usage={"prompt_tokens": 4, "completion_tokens": count}))
        for count in (1, 2, 3, 3)
    )

    answer = read(body + event(chunk(finish="stop")) + DONE)

    assert answer.usage == Usage(4, 3)


def test_usage_after_done_is_no_part_of_the_answer() -> None:
    late = event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})

    answer = read(stream({"content": "hi"}) + late)

    assert answer.usage is None
    assert answer.events[-1].document["usage"]["prompt_tokens"] == 1
    assert kinds(answer) == {ProblemKind.DATA_AFTER_DONE}


def test_a_second_stream_after_done_does_not_double_the_text() -> None:
    answer = read(stream({"content": "hi"}) + stream({"content": "hi"}))

    assert answer.text == "hi"
    assert answer.outcome is Outcome.OK
    assert len(answer.problems_of(ProblemKind.DATA_AFTER_DONE)) == 4


def test_choices_are_kept_apart() -> None:
    def of(index: int, **fields: Any) -> dict[str, Any]:
        return {"choices": [{"index": index, **fields}]}

    answer = read(
        event(of(1, delta={"content": "b"})),
        event(of(0, delta={"content": "a"}, finish_reason="stop")),
        event(of(1, delta={"content": "c"}, finish_reason="length")),
    )

    assert [choice.text for choice in answer.choices] == ["a", "bc"]
    assert answer.finish_reasons == {0: "stop", 1: "length"}
    assert answer.finished


def test_a_stream_with_one_unfinished_choice_is_incomplete() -> None:
    both = {
        "choices": [
            {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"},
            {"index": 1, "delta": {"content": "b"}},
        ]
    }

    assert read(event(both) + DONE).outcome is Outcome.INCOMPLETE_STREAM


def test_tool_calls_are_put_together_by_index() -> None:
    answer = read(
        stream(
            {
                "tool_calls": [
                    {"index": 0, "id": "a", "type": "function", "function": {"name": "f"}}
                ]
            },
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"x":'}}]},
            {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": "1"}}]},
            {
                "tool_calls": [
                    {"index": 0, "function": {"arguments": "2"}},
                    {"index": 0, "function": {"arguments": "}"}},
                ]
            },
            finish="tool_calls",
        )
    )

    assert answer.tool_calls == (
        ToolCall(0, "a", "function", "f", '{"x":12}'),
        ToolCall(1, "b", None, "g", "{}"),
    )
    assert answer.problems == ()


def test_tool_calls_without_index_are_told_apart_by_their_id() -> None:
    answer = read(
        stream(
            {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "1"}}]},
            {"tool_calls": [{"function": {"arguments": "2"}}]},
            {"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "3"}}]},
        )
    )

    assert [(call.id, call.arguments) for call in answer.tool_calls] == [("a", "12"), ("b", "3")]
