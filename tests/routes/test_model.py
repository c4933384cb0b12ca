"""The answers of the model route: any JSON, raw chunks, or an event stream."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.outcome import Outcome
from harness.routes.answer import Answer
from harness.routes.document import ProblemKind
from harness.routes.model import ModelParser
from harness.routes.usage import Usage
from harness.wire import Chunk, End, Headers

PIECES = st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b'{"a":1}'])


def of_type(content_type: str | None) -> Headers:
    return Headers([] if content_type is None else [("content-type", content_type)])


def read(
    *pieces: bytes,
    kind: str | None = "application/json",
    status: int = 200,
    end: End = End.COMPLETE,
) -> Answer:
    """The answer of `pieces` that arrive 10 ns apart, the first after 10 ns."""
    parser = ModelParser(sent_ns=1_000)
    parser.head(status, of_type(kind), 5)
    for place, piece in enumerate(pieces, start=1):
        parser.feed(Chunk(piece, 10 * place))
    return parser.finish(end, 10 * (len(pieces) + 1))


@pytest.mark.parametrize(
    "document",
    [{"x": 1}, [1, 2], "text", 7, 1.5, True, None, {}, {"error": "a model's own field"}],
)
@pytest.mark.parametrize("kind", ["application/json", "application/problem+json", None])
def test_any_json_is_a_whole_answer(document: Any, kind: str | None) -> None:
    answer = read(json.dumps(document).encode(), kind=kind)

    assert answer.outcome is Outcome.OK
    assert answer.document == document
    assert (answer.is_json, answer.streamed, answer.problems) == (True, False, ())
    assert answer.text == (document if isinstance(document, str) else "")


def test_the_first_output_of_a_document_is_its_first_byte() -> None:
    answer = read(b'{"x"', b": 1}")

    timeline = answer.timeline
    assert timeline.first_byte_ns == timeline.first_output_ns == timeline.first_answer_ns == 1_010
    assert timeline.outputs_ns == (1_010,)
    assert timeline.done_ns == 1_030


def test_a_document_in_the_form_of_a_completion_gives_text_and_usage() -> None:
    document = {
        "choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": "3", "completion_tokens": 2},
    }

    answer = read(json.dumps(document).encode())

    assert (answer.text, answer.finish_reason, answer.usage) == ("hi", "stop", Usage(3, 2))


@pytest.mark.parametrize("document", [{"choices": 5}, {"choices": [{"delta": 1}]}, {"usage": []}])
def test_a_model_owes_no_format(document: Any) -> None:
    answer = read(json.dumps(document).encode())

    assert (answer.outcome, answer.problems) == (Outcome.OK, ())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", ProblemKind.INVALID_JSON),
        (b"NaN", ProblemKind.INVALID_JSON),
        (b"<html>", ProblemKind.INVALID_JSON),
        (b'"\xff"', ProblemKind.INVALID_UTF8),
    ],
)
def test_a_document_that_is_no_json_is_malformed(body: bytes, kind: ProblemKind) -> None:
    answer = read(body)

    assert answer.outcome is Outcome.MALFORMED
    assert {problem.kind for problem in answer.problems} == {kind}


def test_a_page_with_a_status_of_success_is_no_answer() -> None:
    answer = read(b"<html><title>502</title></html>", kind="text/html; charset=utf-8")

    assert (answer.outcome, answer.streamed) == (Outcome.MALFORMED, False)


def test_raw_chunks_are_text_and_each_is_output() -> None:
    answer = read(b"da", b"ta: caf\xc3", b"\xa9", kind="application/octet-stream")

    assert (answer.text, answer.streamed, answer.outcome) == ("data: café", True, Outcome.OK)
    assert answer.timeline.outputs_ns == (1_010, 1_020, 1_030)
    assert answer.timeline.first_output_ns == 1_010
    assert answer.problems == ()


def test_binary_chunks_are_no_problem() -> None:
    answer = read(b"\xff\x00", kind="application/octet-stream")

    assert answer.outcome is Outcome.OK
    assert answer.text.encode("utf-8", "surrogateescape") == b"\xff\x00"


def test_an_event_stream_may_hold_anything() -> None:
    body = b': hi\n\ndata: {"message": "m", "type": "token"}\n\ndata: plain text\n\ndata: [1]\n\n'

    answer = read(body, kind="text/event-stream; charset=utf-8")

    assert answer.outcome is Outcome.OK
    assert answer.text == '{"message": "m", "type": "token"}\nplain text\n[1]'
    assert [timed.document for timed in answer.events] == [
        {"message": "m", "type": "token"},
        None,
        [1],
    ]
    assert answer.problems == ()


def test_an_event_stream_of_chat_chunks_gives_their_text() -> None:
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("h", "i")]
    pieces = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]

    answer = read(*pieces, b"data: [DONE]\n\n", kind="text/event-stream")

    assert (answer.text, answer.done, answer.outcome) == ("hi", True, Outcome.OK)
    assert answer.timeline.outputs_ns == (1_010, 1_020)


@pytest.mark.parametrize("body", [b'data: {"error": "boom"}\n\n', b"event: error\ndata: boom\n\n"])
def test_an_error_event_is_a_failure(body: bytes) -> None:
    answer = read(b"data: a\n\n", body, kind="text/event-stream")

    assert answer.outcome is Outcome.IN_STREAM_ERROR
    assert answer.failure is not None
    assert answer.failure.message == "boom"


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream", None])
def test_an_empty_success_is_empty(kind: str | None) -> None:
    assert read(kind=kind).outcome is Outcome.EMPTY
    assert read(b"", kind=kind).outcome is Outcome.EMPTY


@pytest.mark.parametrize(
    ("end", "outcome"),
    [(End.CUT, Outcome.CUT), (End.RESET, Outcome.RESET), (End.OPEN, Outcome.IDLE_TIMEOUT)],
)
def test_a_body_that_broke_off_is_no_success(end: End, outcome: Outcome) -> None:
    assert read(b"abc", kind="application/octet-stream", end=end).outcome is outcome


def test_an_error_status_is_a_failure_and_no_output() -> None:
    answer = read(b'{"error": "boom"}', status=500)

    assert answer.outcome is Outcome.HTTP_5XX
    assert answer.failure is not None
    assert answer.failure.message == "boom"
    assert answer.timeline.first_byte_ns == 1_010
    assert answer.timeline.first_output_ns is None
    assert answer.timeline.outputs_ns == ()


@given(
    st.lists(
        st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b'{"a":1}']), max_size=5
    ),
    st.sampled_from([200, 404, 500]),
    st.sampled_from(["application/json", "text/event-stream", "application/octet-stream", None]),
    st.sampled_from(list(End)),
)
def test_nothing_a_model_sends_raises(
    pieces: list[bytes], status: int, kind: str | None, end: End
) -> None:
    answer = read(*pieces, status=status, kind=kind, end=end)

    assert isinstance(answer.outcome, Outcome)
    assert (answer.failure is not None) >= (status != 200)
