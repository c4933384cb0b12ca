"""Chat answers in one document, and answers with an error status."""

import json
from typing import Any

import pytest

from harness.measure.outcome import Outcome
from harness.routes.answer import Answer, Choice
from harness.routes.chat import ChatParser
from harness.routes.document import ProblemKind
from harness.routes.usage import Usage
from harness.wire import Chunk, End, Headers

SSE = Headers([("content-type", "text/event-stream")])
JSON = Headers([("content-type", "application/json")])
DONE = b"data: [DONE]\n\n"


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


COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hi", "refusal": None},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


def plain(document: Any, **arguments: Any) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    middle = len(body) // 2
    return read(body[:middle], body[middle:], headers=JSON, asked_stream=False, **arguments)


def test_a_plain_completion_is_read_and_puts_out_once_with_its_last_byte() -> None:
    answer = plain(COMPLETION)

    assert answer.choices == (Choice(0, "assistant", "hi", finish_reason="stop"),)
    assert answer.usage == Usage(1, 2, 3)
    assert answer.document == COMPLETION
    assert (answer.is_json, answer.streamed, answer.outcome) == (True, False, Outcome.OK)
    assert answer.events == ()
    assert answer.timeline.first_byte_ns == 1_010
    assert answer.timeline.outputs_ns == (1_020,)
    assert answer.timeline.done_ns == 1_030


def test_a_stream_asked_for_and_answered_in_one_document_is_read() -> None:
    body = json.dumps(COMPLETION).encode()

    answer = read(body, headers=SSE, asked_stream=True)

    assert (answer.streamed, answer.text, answer.outcome) == (False, "hi", Outcome.OK)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", ProblemKind.INVALID_JSON),
        (b'{"choices": [', ProblemKind.INVALID_JSON),
        (b'{"choices": []}\ndata: [DONE]\n\n', ProblemKind.INVALID_JSON),
        (json.dumps(COMPLETION).encode("utf-16"), ProblemKind.INVALID_JSON),
        (b"7", ProblemKind.NOT_OBJECT),
        (b"{}", ProblemKind.NO_CHOICES),
        (b'{"choices": []}', ProblemKind.NO_CHOICES),
        (b'{"success": true, "result": {"choices": []}}', ProblemKind.NO_CHOICES),
        (b'{"choices": 5}', ProblemKind.WRONG_TYPE),
        (b'{"choices": [{"message": {"content": "\xff"}}]}', ProblemKind.INVALID_UTF8),
        (b"   ", ProblemKind.INVALID_JSON),
    ],
)
def test_a_plain_body_that_is_no_completion_is_malformed(body: bytes, kind: ProblemKind) -> None:
    answer = plain(body)

    assert kind in kinds(answer)
    assert answer.outcome is Outcome.MALFORMED


def test_an_empty_success_is_empty() -> None:
    assert plain(b"").outcome is Outcome.EMPTY


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": None, "reasoning_content": "hm"},
        {"role": "assistant", "reasoning": "hm"},
    ],
)
def test_an_answer_of_reasoning_alone_is_a_success_without_text(message: dict[str, Any]) -> None:
    answer = plain({"choices": [{"index": 0, "message": message, "finish_reason": "length"}]})

    assert (answer.outcome, answer.text, answer.reasoning) == (Outcome.OK, "", "hm")
    assert answer.timeline.first_answer_ns is None


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.UNAUTHORIZED),
        (429, Outcome.RATE_LIMITED),
        (529, Outcome.OVERLOADED),
        (502, Outcome.HTTP_5XX),
        (400, Outcome.HTTP_4XX),
    ],
)
def test_an_error_status_decides_before_everything_else(status: int, outcome: Outcome) -> None:
    answer = read(b'{"error": "no"}', headers=SSE, status=status, end=End.CUT)

    assert answer.outcome is outcome
    assert answer.failure is not None
    assert (answer.failure.message, answer.failure.status) == ("no", status)
    assert answer.document == {"error": "no"}
    assert answer.timeline.first_byte_ns == 1_010
    assert answer.timeline.first_output_ns is None
