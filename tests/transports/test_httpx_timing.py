"""The transport under a virtual clock: a response's schedule comes back as its record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import TransportKind
from harness.gateway.clock import VirtualClock
from harness.gateway.respx import mount
from harness.transports.exchange import Timeouts
from harness.transports.httpx import HttpxTransport
from harness.wire import Chunk, End, Headers, Request, Response

ORIGIN = "https://gateway.example"
REQUEST = Request("POST", f"{ORIGIN}/v1/x", body=b"{}")
MS = 1_000_000


class Scheduled:
    """Answers every request with one response."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def handle(self, request: Request, at_ns: int) -> Response:
        del request, at_ns
        return self._response


@contextmanager
def transport_to(response: Response) -> Iterator[HttpxTransport]:
    clock = VirtualClock(12_345)
    with respx.mock() as router, HttpxTransport(now_ns=clock.now_ns) as transport:
        mount(router, Scheduled(response), origin=ORIGIN, clock=clock)
        yield transport


@st.composite
def responses(draw: st.DrawFn) -> Response:
    gaps = draw(st.lists(st.integers(0, 20_000 * MS), min_size=1, max_size=8))
    times = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    chunks = [Chunk(draw(st.binary(min_size=1, max_size=20)), at_ns) for at_ns in times]
    return Response(
        status=200,
        headers=Headers([("content-type", "text/event-stream")]),
        chunks=tuple(chunks),
        head_at_ns=draw(st.integers(0, times[0])),
        end_at_ns=times[-1] + draw(st.integers(0, 1_000 * MS)),
    )


@settings(deadline=None)
@given(responses())
def test_what_was_scheduled_is_what_is_recorded(scheduled: Response) -> None:
    with transport_to(scheduled) as transport:
        exchange = transport.send(REQUEST)

    assert exchange.whole
    assert exchange.sent_ns == 12_345
    assert exchange.response is not None
    assert replace(exchange.response, headers=scheduled.headers) == scheduled


@pytest.mark.parametrize(
    ("timeouts", "kind", "received"),
    [
        (Timeouts(first_byte=0.009), TransportKind.FIRST_BYTE_TIMEOUT, None),
        (Timeouts(idle=0.019), TransportKind.IDLE_TIMEOUT, b"one"),
        (Timeouts(total=0.015), TransportKind.TOTAL_TIMEOUT, b""),
        (Timeouts(total=0.039), TransportKind.TOTAL_TIMEOUT, b"one"),
        (Timeouts(first_byte=0.01, idle=0.02, total=0.04), None, b"onetwo"),
        (Timeouts(None, None, None, None), None, b"onetwo"),
    ],
)
def test_a_bound_holds_to_the_millisecond(
    timeouts: Timeouts, kind: TransportKind | None, received: bytes | None
) -> None:
    scheduled = Response(
        status=200,
        headers=Headers([("content-type", "text/event-stream")]),
        chunks=(Chunk(b"one", 20 * MS), Chunk(b"two", 40 * MS)),
        head_at_ns=10 * MS,
        end_at_ns=40 * MS,
    )

    with transport_to(scheduled) as transport:
        exchange = transport.send(REQUEST, timeouts=timeouts)

    assert (exchange.error.kind if exchange.error else None) is kind
    assert (exchange.response.body if exchange.response else None) == received


@pytest.mark.parametrize(
    ("end", "kind"), [(End.CUT, TransportKind.CUT), (End.RESET, TransportKind.RESET)]
)
def test_an_end_that_came_too_early_is_recorded_with_its_time(
    end: End, kind: TransportKind
) -> None:
    scheduled = Response(
        200, Headers([("content-type", "text/event-stream")]), (Chunk(b"one", MS),), 0, end, 7 * MS
    )

    with transport_to(scheduled) as transport:
        exchange = transport.send(REQUEST)

    assert exchange.error is not None
    assert exchange.error.kind is kind
    assert exchange.response is not None
    assert (exchange.response.end, exchange.response.end_at_ns) == (end, 7 * MS)
