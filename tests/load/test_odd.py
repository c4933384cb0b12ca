"""What a load notes about answers that are legal and not what was asked for."""

import json
from typing import Any

import pytest

from harness.load.facts import odd
from harness.load.reading import AnswerReading
from harness.transports.gevent import Held
from harness.transports.gevent.stamps import StampedRead

MS = 1_000_000
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def event(text: str | None = None, *, finish: str | None = None, **more: Any) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    payload = b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(payload), payload)


DONE = b"e\r\ndata: [DONE]\n\n\r\n"
LAST = b"0\r\n\r\n"


def found(*reads: tuple[int, bytes], streams: bool = True, since_ns: int = MS // 10) -> list[str]:
    """What is odd about an answer whose reads came after so many milliseconds."""
    reading = AnswerReading("native", streams=streams, held=Held())
    reading.begin(0)
    for at_ms, data in reads:
        at_ns = at_ms * MS
        reading.feed([StampedRead(data, at_ns, at_ns - since_ns, at_ns)])
    facts = reading.facts()
    assert facts is not None
    return odd(facts)


def test_a_usual_stream_is_not_odd() -> None:
    reads = ((10, STREAM + event("a")), (20, event("b", finish="stop")), (21, DONE + LAST))

    assert found(*reads) == []


def test_a_stream_that_came_in_one_piece_is_told() -> None:
    whole = STREAM + event("a") + event("b") + event(finish="stop") + DONE + LAST

    assert found((300, whole)) == ["one_piece"]
    assert found(
        (300, STREAM + event("a") + event("b")), (301, event("c", finish="stop") + DONE + LAST)
    ) == ["one_piece"]


def test_many_tokens_in_the_only_chunk_of_a_stream_are_one_piece() -> None:
    few, many = ({"usage": {"prompt_tokens": 1, "completion_tokens": n}} for n in (3, 300))

    assert found((300, STREAM + event("a", finish="stop", **few) + DONE + LAST)) == []
    assert found((300, STREAM + event("a", finish="stop", **many) + DONE + LAST)) == ["one_piece"]


def test_what_a_late_reader_found_together_is_not_held_against_the_target() -> None:
    whole = STREAM + event("a") + event("b") + event(finish="stop") + DONE + LAST

    assert found((300, whole), since_ns=50 * MS) == []


@pytest.mark.parametrize("streams", [True, False])
def test_a_plain_answer_is_odd_where_a_stream_was_asked_for(streams: bool) -> None:
    body = json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]})
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"

    told = found((5, f"{head}\r\n\r\n{body}".encode()), streams=streams)

    assert told == (["not_streamed"] if streams else [])


def test_a_missing_finish_reason_and_a_missing_done_are_told() -> None:
    body = json.dumps({"choices": [{"message": {"content": "a"}}]})
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"

    assert found((5, f"{head}\r\n\r\n{body}".encode()), streams=False) == ["no_finish_reason"]
    assert found((5, STREAM + event("a")), (9, event("b", finish="stop") + LAST)) == ["no_done"]


def test_an_answer_without_any_output_is_told() -> None:
    silent = event(finish="stop", usage={"prompt_tokens": 1, "completion_tokens": 40})

    assert found((5, STREAM + silent + DONE + LAST)) == ["no_output"]
