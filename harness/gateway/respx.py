"""The stand-in behind a respx router: no socket, a virtual clock, sync and async clients alike.

    clock = VirtualClock()
    with respx.mock() as router:
        mount(router, Gateway(Config()), origin="https://gateway.ai.cloudflare.com", clock=clock)

A client sees what it would see on a socket: framing fields, bytes, the end, and its own timeouts,
which httpx leaves to the network and respx therefore never enforces.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import respx

from harness.gateway.clock import VirtualClock
from harness.gateway.framing import OPEN_S, Framed, frame, received
from harness.gateway.handler import Handler
from harness.gateway.ledger import Seen
from harness.gateway.service import Service
from harness.wire import End, Headers, Request

ORIGIN = "https://gateway.ai.cloudflare.com"
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


def mount(
    router: respx.Router, gateway: Handler, *, origin: str, clock: VirtualClock
) -> respx.Route:
    """Answer every request to `origin` with `gateway`; the clock passes as answers are read.

    The model's time is 0 now. What `/__harness/` answers on a socket it answers here too.
    """
    service = Service(gateway, started_ns=clock.now_ns())

    def answer(request: httpx.Request) -> httpx.Response:
        return _answer(service, request, clock)

    url = httpx.URL(origin)
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    route = router.route(scheme=url.scheme, host=url.host, port=port)
    return route.mock(side_effect=answer)


@dataclass(frozen=True, slots=True)
class Mocked:
    """A stand-in that answers at `url` in this process; `clock` moves when somebody moves it."""

    url: str
    gateway: Handler
    router: respx.MockRouter
    clock: VirtualClock


@contextmanager
def mocked(gateway: Handler, *, origin: str = ORIGIN) -> Iterator[Mocked]:
    """Mount `gateway` at `origin` on a router of its own, until the end of the `with` block."""
    clock = VirtualClock()
    with respx.mock(assert_all_called=False) as router:
        mount(router, gateway, origin=origin, clock=clock)
        yield Mocked(origin, gateway, router, clock)


def _answer(service: Service, request: httpx.Request, clock: VirtualClock) -> httpx.Response:
    sent_ns = clock.now_ns()
    response, seen = service.answer(_as_request(request), arrived_ns=sent_ns)
    framed = received(frame(response, method=request.method))
    if framed.length is None and not framed.chunked:
        raise httpx.RemoteProtocolError("bad Content-Length", request=request)
    _wait(clock, sent_ns + framed.head_at_ns, request)

    def on_left(seen: Seen, left_ns: int) -> None:
        service.left(seen, left_ns=left_ns)

    return httpx.Response(
        framed.status,
        headers=list(framed.fields),
        stream=Body(
            framed, request=request, clock=clock, sent_ns=sent_ns, seen=seen, on_left=on_left
        ),
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": _PHRASES.get(framed.status, b"")},
    )


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Yields an answer's chunks at their times on the virtual clock, for either kind of client."""

    def __init__(
        self,
        framed: Framed,
        *,
        request: httpx.Request,
        clock: VirtualClock,
        sent_ns: int,
        seen: Seen | None,
        on_left: Callable[[Seen, int], None],
    ) -> None:
        self._framed = framed
        self._request = request
        self._clock = clock
        self._sent_ns = sent_ns
        self._seen = seen
        self._on_left = on_left

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._framed.chunks:
            _wait(self._clock, self._sent_ns + chunk.at_ns, self._request)
            yield chunk.data
        self._finish()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for data in self:
            yield data

    def close(self) -> None:
        """Note a client that leaves before the end."""
        seen = self._note("disconnected")
        if seen is not None:
            self._on_left(seen, self._clock.now_ns())

    async def aclose(self) -> None:
        """Note a client that leaves before the end."""
        self.close()

    def _finish(self) -> None:
        framed = self._framed
        silent = framed.end is End.OPEN
        _wait(
            self._clock,
            self._sent_ns + framed.end_at_ns + (int(OPEN_S * 1e9) if silent else 0),
            self._request,
        )
        self._note(framed.end)
        if framed.end is End.RESET:
            raise httpx.ReadError("[Errno 104] Connection reset by peer", request=self._request)
        if framed.end is not End.COMPLETE:
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body",
                request=self._request,
            )

    def _note(self, end: str) -> Seen | None:
        """Complete the record of the answer and return it; None when it was complete."""
        if self._seen is None or self._seen.end is not None:
            return None
        self._seen.end = str(end)
        self._seen.ended_ns = self._clock.now_ns()
        return self._seen


def _wait(clock: VirtualClock, due_ns: int, request: httpx.Request) -> None:
    """Let time pass until bytes arrive, or until the client has had enough of waiting."""
    timeout = request.extensions.get("timeout", {}).get("read")
    if timeout is not None and due_ns - clock.now_ns() > timeout * 1e9:
        clock.advance(int(timeout * 1e9))
        raise httpx.ReadTimeout("The read operation timed out", request=request)
    clock.advance_to(due_ns)


def _as_request(request: httpx.Request) -> Request:
    return Request(
        method=request.method,
        url=request.url.raw_path.decode("ascii"),
        headers=Headers(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
        ),
        body=request.content,
    )
