"""Chat streams that end early, hold an error, or break the format."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.outcome import Outcome
from harness.routes.answer import Answer
from harness.routes.chat import ChatParser
from harness.routes.document import ProblemKind
from harness.sse import Event
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


def test_a_stream_without_done_is_finished_all_the_same() -> None:
    answer = read(event(chunk({"content": "hi"}, finish="stop")))

    assert (answer.done, answer.outcome) == (False, Outcome.OK)


@pytest.mark.parametrize("tail", [b"", DONE])
def test_an_end_before_the_finish_reason_is_incomplete(tail: bytes) -> None:
    answer = read(event(chunk({"content": "hi"})) + tail)

    assert answer.outcome is Outcome.INCOMPLETE_STREAM
    assert answer.done is bool(tail)
    assert answer.finish_reason is None
    assert answer.timeline.done_ns == 1_020


@pytest.mark.parametrize(
    ("end", "outcome"),
    [(End.CUT, Outcome.CUT), (End.RESET, Outcome.RESET), (End.OPEN, Outcome.IDLE_TIMEOUT)],
)
def test_a_body_that_broke_off_is_no_success(end: End, outcome: Outcome) -> None:
    answer = read(stream({"content": "hi"}), end=end)

    assert answer.outcome is outcome
    assert answer.end is end
    assert answer.timeline.done_ns is None
    assert answer.timeline.closed_ns == (None if end is End.OPEN else 1_020)


def test_an_unterminated_last_event_is_kept_apart() -> None:
    answer = read(event(chunk({"content": "hi"}, finish="stop")) + event({"a": 1}, b"\n"))

    assert answer.unterminated is not None
    assert answer.unterminated.event == Event('{"a": 1}')
    assert kinds(answer) == {ProblemKind.UNTERMINATED_EVENT}
    assert answer.outcome is Outcome.OK
    assert len(answer.events) == 1


@pytest.mark.parametrize("finish", ["stop", "length", "eos_token", {"why": 1}, 7])
def test_any_finish_reason_ends_a_choice(finish: Any) -> None:
    answer = read(event(chunk({"content": "hi"}, finish=finish)) + DONE)

    assert answer.outcome is Outcome.OK
    assert answer.finish_reason == (finish if isinstance(finish, str) else json.dumps(finish))


def test_an_empty_finish_reason_ends_nothing() -> None:
    answer = read(event(chunk({"content": "hi"}, finish="")) + DONE)

    assert answer.outcome is Outcome.INCOMPLETE_STREAM


def test_content_after_the_finish_is_read_and_reported() -> None:
    answer = read(event(chunk(finish="stop")) + event(chunk({"content": "late"})) + DONE)

    assert answer.text == "late"
    assert answer.outcome is Outcome.OK
    assert [problem.event for problem in answer.problems] == [1]
    assert kinds(answer) == {ProblemKind.CONTENT_AFTER_FINISH}


@pytest.mark.parametrize("body", [b"", b"\n", b": only a comment\n\n", DONE])
def test_a_stream_without_a_chunk_is_no_success(body: bytes) -> None:
    answer = read(body)

    assert answer.outcome is not Outcome.OK
    assert answer.empty is (body == b"")


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (event({"error": {"message": "boom", "type": "x", "code": 500}}), "boom"),
        (event({"error": "boom"}), "boom"),
        (b'event: error\ndata: {"message": "boom"}\n\n', "boom"),
        (b"event: error\ndata: boom\n\n", "boom"),
        (b"event: error\n: boom\n\n", "boom"),
        (event({"message": "boom", "type": "Internal Server Error", "code": 500}), "boom"),
        (event({"type": "error", "error": {"type": "overloaded", "message": "boom"}}), "boom"),
        (event({"success": False, "errors": [{"code": 1, "message": "boom"}]}), "boom"),
        (event(chunk(finish="error") | {"error": {"message": "boom"}}), "boom"),
    ],
)
@pytest.mark.parametrize("tail", [b"", DONE])
def test_an_error_inside_a_stream_is_a_failure(sent: bytes, message: str, tail: bytes) -> None:
    answer = read(event(chunk({"content": "he"})) + sent + tail)

    assert answer.outcome is Outcome.IN_STREAM_ERROR
    assert answer.failure is not None
    assert answer.failure.message == message
    assert answer.text == "he"
    assert answer.problems == ()


def test_the_first_error_of_a_stream_is_the_one_told() -> None:
    answer = read(event({"error": "first"}) + event({"error": "second"}))

    assert answer.failure is not None
    assert answer.failure.message == "first"


@pytest.mark.parametrize("error", [None, "", {}, [], False])
def test_an_error_field_that_says_nothing_is_no_error(error: Any) -> None:
    answer = read(event(chunk({"content": "hi"}, finish="stop", error=error)))

    assert (answer.failure, answer.outcome) == (None, Outcome.OK)


def test_an_error_in_a_plain_success_is_a_failure() -> None:
    answer = read(b'{"error": {"message": "boom"}}', headers=JSON, asked_stream=False)

    assert answer.outcome is Outcome.IN_STREAM_ERROR


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b'data: {"choices": [\n\n', ProblemKind.INVALID_JSON),
        (b"data: : keepalive\n\n", ProblemKind.INVALID_JSON),
        (b"data: [done]\n\n", ProblemKind.INVALID_JSON),
        (b'data: "[DONE]"\n\n', ProblemKind.NOT_OBJECT),
        (b"data: [1]\n\n", ProblemKind.NOT_OBJECT),
        (b"data: null\n\n", ProblemKind.NOT_OBJECT),
        (b'data: {"x": NaN}\n\n', ProblemKind.INVALID_JSON),
        (b"data: " + b"[" * 200_000 + b"\n\n", ProblemKind.INVALID_JSON),
        (b"data: " + b"9" * 10_000 + b"\n\n", ProblemKind.INVALID_JSON),
        (b'data: {"choices": "x"}\n\n', ProblemKind.WRONG_TYPE),
        (b'data: {"choices": [7]}\n\n', ProblemKind.WRONG_TYPE),
        (event(chunk({"content": ["x"]})), ProblemKind.WRONG_TYPE),
        (event(chunk({"role": 7})), ProblemKind.WRONG_TYPE),
        (event(chunk({"tool_calls": "x"})), ProblemKind.WRONG_TYPE),
        (event(chunk({"tool_calls": ["x"]})), ProblemKind.WRONG_TYPE),
        (event(chunk({"tool_calls": [{"index": 0, "function": 1}]})), ProblemKind.WRONG_TYPE),
        (
            event(chunk({"tool_calls": [{"index": 0, "function": {"arguments": {"x": 1}}}]})),
            ProblemKind.WRONG_TYPE,
        ),
        (b'data: {"choices": [{"delta": 1}]}\n\n', ProblemKind.WRONG_TYPE),
        (b'data: {"choices": [{"index": "0"}]}\n\n', ProblemKind.WRONG_TYPE),
        (b'data: {"p": "\xff"}\n\n', ProblemKind.INVALID_UTF8),
        (b": \xff\n" + event(chunk()), ProblemKind.INVALID_UTF8),
    ],
)
def test_what_cannot_be_read_is_reported_and_makes_the_answer_malformed(
    bad: bytes, kind: ProblemKind
) -> None:
    answer = read(event(chunk({"content": "hi"})) + bad + event(chunk(finish="stop")) + DONE)

    assert kinds(answer) == {kind}
    assert [problem.event for problem in answer.problems] == [1]
    assert answer.outcome is Outcome.MALFORMED
    assert answer.text == "hi"


def test_invalid_bytes_inside_content_stay_in_the_text() -> None:
    answer = read(stream({"content": "x?y"}).replace(b"?", b"\xff"))

    assert answer.text == "x\udcffy"
    assert kinds(answer) == {ProblemKind.INVALID_UTF8}
    assert answer.outcome is Outcome.MALFORMED


def test_a_character_split_between_two_events_is_joined_and_reported() -> None:
    halves = b"".join(
        b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % half
        for half in (b"\\ud83d", b"\\ude00")
    )

    answer = read(halves + event(chunk(finish="stop")) + DONE)

    assert answer.text == "😀"
    assert kinds(answer) == {ProblemKind.LONE_SURROGATE}
    assert answer.outcome is Outcome.OK


@pytest.mark.parametrize(
    "body",
    [
        stream({"content": "hi"}).replace(b"data:", b"Data:"),
        stream({"content": "hi"}).replace(b"\n\n", b"\n"),
        stream({"content": "hi"}).replace(b"data: ", b""),
        b"<html><title>x</title></html>",
    ],
)
def test_a_stream_that_no_reader_would_get_is_no_success(body: bytes) -> None:
    answer = read(body)

    assert answer.outcome is not Outcome.OK
    assert answer.text == ""
    assert answer.problems != ()


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "error", "stop", "\ud83d", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "arguments",
                    "choices",
                    "code",
                    "content",
                    "created",
                    "delta",
                    "error",
                    "errors",
                    "finish_reason",
                    "function",
                    "function_call",
                    "id",
                    "index",
                    "message",
                    "model",
                    "prompt_tokens_details",
                    "reasoning",
                    "role",
                    "success",
                    "tool_calls",
                    "type",
                    "usage",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"data: ", b"\n\n", b"event: error\n", b": c\n", DONE, b"\xff", b"[" * 3000]),
    ANY_JSON.map(lambda value: b"data: " + json.dumps(value).encode() + b"\n\n"),
    ANY_JSON.map(lambda value: json.dumps({"choices": [{"delta": value}]}).encode()),
    ANY_JSON.map(lambda value: event({"choices": [{"delta": value}], "usage": value})),
    ANY_JSON.map(lambda value: json.dumps(value).encode()),
)


@given(
    st.lists(PIECES, max_size=6),
    st.sampled_from([200, 201, 302, 400, 401, 429, 500, 503, 524, 529, 999]),
    st.sampled_from([SSE, JSON, Headers(), Headers([("content-type", "text/html")])]),
    st.sampled_from(list(End)),
)
def test_nothing_a_server_sends_raises(
    pieces: list[bytes], status: int, headers: Headers, end: End
) -> None:
    answer = read(*pieces, status=status, headers=headers, end=end)

    assert isinstance(answer.outcome, Outcome)
    assert isinstance(answer.text, str)
    assert (answer.failure is not None) >= (status >= 300)
    if answer.failure is not None:
        answer.failure.message.encode()
