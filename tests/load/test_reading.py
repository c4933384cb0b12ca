"""The quick reading of usual answers gives what the parsers give, and leaves the rest to them."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.errors import TransportError
from harness.load.facts import Facts
from harness.load.quick import MOST_KEPT, QuickReading
from harness.load.reading import AnswerReading
from harness.measure.outcome import Outcome
from harness.routes.moments import Moments
from harness.transports.gevent import Held
from harness.transports.gevent.stamps import StampedRead
from harness.wire import End

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n%b"
STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cf-aig-cache-status: MISS\r\ncf-aig-log-id: 01AB\r\ncf-ray: 8f-FRA\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)

TEXT = st.text(max_size=4) | st.sampled_from(["a\u2028b", "\ud83d", "{", "data: ", "\r\n", "\x00"])
COUNT = st.none() | st.integers(-1, 50) | st.sampled_from([2**63, "7", 3.0, True])
USAGE = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": COUNT,
        "completion_tokens": COUNT,
        "total_tokens": COUNT,
        "completion_tokens_details": st.none() | st.fixed_dictionaries({"reasoning_tokens": COUNT}),
        "prompt_tokens_details": st.none() | st.fixed_dictionaries({"cached_tokens": COUNT}),
    },
)
DELTA = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["assistant", "", None, 3]),
        "content": st.none() | TEXT | st.just([]),
        "reasoning": st.none() | TEXT,
        "reasoning_content": st.none() | TEXT,
        "refusal": st.none() | TEXT,
        "tool_calls": st.none() | st.just([]) | st.just([{"index": 0, "id": "c"}]),
    },
)
FINISH = st.sampled_from([None, "", "stop", "length", 7])


def choice(part: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {part: DELTA},
        optional={"index": st.sampled_from([0, 0, 0, 1, None]), "finish_reason": FINISH},
    )


def document(part: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"choices": st.lists(choice(part), max_size=2)},
        optional={
            "id": st.just("c1"),
            "error": st.none() | st.just({"message": "m"}),
            "usage": USAGE,
        },
    )


LINE = st.one_of(
    document("delta").map(json.dumps),
    document("delta").map(json.dumps),
    st.sampled_from(["[DONE]", "{", "null", '{"choices": null}', '{"choices": [], "a": NaN}']),
)
EVENT = LINE.map(lambda line: f"data: {line}\n\n".encode()) | st.sampled_from(
    [b": ping\n\n", b"event: error\ndata: {}\n\n", b"data: [DONE]\r\n\r\n", b"data:[DONE]\n\n"]
)


def chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """The bytes of a stream as reads."""
    payloads = draw(st.lists(st.lists(EVENT, min_size=1, max_size=3).map(b"".join), max_size=5))
    data = STREAM + b"".join(map(chunk, payloads)) + b"0\r\n\r\n"
    return cut(draw, data)


@st.composite
def plain_answers(draw: st.DrawFn) -> list[bytes]:
    body = json.dumps(draw(document("message"))).encode()
    field = draw(st.sampled_from([b"", b"cf-ray: a\r\n", b"x: 1\r\nx: 2\r\n"]))
    return cut(draw, PLAIN % (len(body), field, body))


def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.sets(st.integers(1, len(data) - 1), max_size=4)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def arrivals(reads: list[bytes]) -> list[StampedRead]:
    """Reads a millisecond apart, the socket seen empty half a millisecond before each."""
    return [
        StampedRead(
            data, (place + 1) * 1_000_000, place * 1_000_000 + 500_000, (place + 1) * 1_000_000
        )
        for place, data in enumerate(reads)
    ]


def read(reads: list[bytes], *, quickly: bool) -> tuple[Outcome | None, Facts | None]:
    """How a reading ends and what it notes; `quickly` false: by the parsers alone."""
    reading = AnswerReading("native", streams=True, held=Held(), whole=not quickly)
    reading.begin(0)
    end = End.COMPLETE
    try:
        for arrival in arrivals(reads):
            reading.feed([arrival])
    except TransportError:
        end = End.CUT
    return reading.outcome(end), reading.facts()


def comparable(facts: Facts | None) -> dict[str, Any]:
    if facts is None:
        return {}
    noted = {name: getattr(facts, name) for name in Facts.__slots__ if name != "moments"}
    return noted | {name: getattr(facts.moments, name) for name in Moments.__slots__}


@settings(deadline=None, max_examples=300)
@given(streams())
@example([STREAM + chunk(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n') + b"0\r\n\r\n"])
@example([STREAM + b"17\r\nd", b'ata: {"choices": []}\n\n\r\n0\r\n\r\n'])  # cut in the first chunk
def test_a_stream_reads_the_same_quickly_and_by_the_parsers(reads: list[bytes]) -> None:
    quick, slow = read(reads, quickly=True), read(reads, quickly=False)

    assert quick[0] == slow[0]
    assert comparable(quick[1]) == comparable(slow[1])


@settings(deadline=None, max_examples=300)
@given(plain_answers())
def test_a_plain_answer_reads_the_same_quickly_and_by_the_parsers(reads: list[bytes]) -> None:
    quick, slow = read(reads, quickly=True), read(reads, quickly=False)

    assert quick[0] == slow[0]
    assert comparable(quick[1]) == comparable(slow[1])


def usual_stream(count: int) -> list[bytes]:
    """What a server sends that flushes each event."""
    part = '{"choices": [{"index": 0, "delta": {"content": "w"}, "finish_reason": %s}]}'
    lines = [part % "null"] * (count - 1) + [part % '"stop"', "[DONE]"]
    chunks = [chunk(f"data: {line}\n\n".encode()) for line in lines]
    return [STREAM + chunks[0], *chunks[1:-1], chunks[-1] + b"0\r\n\r\n"]


def test_a_usual_stream_is_read_quickly_to_its_end() -> None:
    reading = QuickReading(0)

    assert reading.feed(arrivals(usual_stream(20)))
    assert reading.complete
    assert len(reading.moments.outputs) == 20


def test_a_stream_that_is_too_long_to_be_kept_goes_on_with_the_parsers() -> None:
    reads = usual_stream(MOST_KEPT // 90 + 100)

    outcome, facts = read(reads, quickly=True)

    assert outcome is Outcome.OK
    assert facts is not None
    assert len(facts.moments.outputs) == len(reads) - 1


@pytest.mark.parametrize("reads", [usual_stream(3), usual_stream(3)[:2]])
def test_a_whole_answer_can_be_looked_at_once_more(reads: list[bytes]) -> None:
    reading = AnswerReading("native", streams=True, held=Held())
    reading.begin(0)
    reading.feed(arrivals(reads))

    response = reading.response(0, End.COMPLETE)

    assert response is not None
    assert response.status == 200
    assert response.body.startswith(b'data: {"choices"')


def test_events_of_one_read_lie_between_the_last_empty_look_and_its_stamp() -> None:
    first, *rest = usual_stream(4)
    merged = [first, b"".join(rest)]

    _, facts = read(merged, quickly=True)

    assert facts is not None
    assert facts.moments.outputs == [1_000_000, 2_000_000, 2_000_000, 2_000_000]
    assert facts.moments.outputs_since == [1_000_000, 1_500_000, 1_500_000, 1_500_000]
