"""A recorded response, read at once."""

import pytest

from harness.measure.outcome import Outcome
from harness.routes.parse import parse
from harness.routes.route import ROUTES
from harness.wire import Chunk, Headers, Request, Response

STREAM = Response(
    200,
    Headers([("content-type", "text/event-stream"), ("cf-aig-step", "0")]),
    (
        Chunk(b'data: {"choices": [{"index": 0, "delta": {"content": "h"}}]}\n\n', 20),
        Chunk(b'data: {"choices": [{"index": 0, "delta": {"content": "i"}', 30),
        Chunk(b', "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n', 40),
    ),
    head_at_ns=10,
    end_at_ns=50,
)


@pytest.mark.parametrize("route", ROUTES)
def test_a_response_is_read_on_every_route(route: str) -> None:
    request = Request("POST", "/", body=b'{"stream": true}')

    answer = parse(route, request, STREAM, sent_ns=100, scheduled_ns=90)

    assert (answer.route, answer.text, answer.outcome) == (route, "hi", Outcome.OK)
    assert (answer.asked_stream, answer.streamed, answer.done) == (True, True, True)
    assert answer.metadata.step == 0
    timeline = answer.timeline
    assert (timeline.scheduled_ns, timeline.sent_ns, timeline.headers_ns) == (90, 100, 110)
    assert timeline.outputs_ns == (120, 140)
    assert timeline.done_ns == 150


def test_an_unknown_route_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        parse("nowhere", Request("POST", "/"), STREAM)
