"""Bytes of one client, cut anywhere, into requests; no I/O.

h11 does the parsing, one parser per request: answers that break HTTP on purpose could not be sent
through the same connection object, so its sending half stays unused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import h11

from harness.wire import Headers, Request

_AFTER_HOST = re.compile(r"[/?].*")
_EVENTS_AT_ONCE = 500
"""So many pieces of a body are parsed before others have their turn: some ten milliseconds."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One complete request, its HTTP version (`1.1`) and whether the connection may stay open."""

    request: Request
    version: str
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class BadRequest:
    """What came is no request that a model could answer; nothing after it can be read."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class ParserPause:
    """There is more to parse: call `next` again when others have had their turn."""


class RequestReader:
    """Takes bytes, gives requests; pipelined requests come out one per call of `next`."""

    def __init__(self, *, head_bytes: int, body_bytes: int) -> None:
        self._head_bytes = head_bytes
        self._body_bytes = body_bytes
        self._parser = self._new_parser()
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._continued = False
        self.buffered = 0
        """Bytes taken since the last complete request."""

    def feed(self, data: bytes) -> None:
        """Take bytes; none at all means that the client will send no more."""
        self._parser.receive_data(data)
        self.buffered += len(data)

    def next(self) -> ReceivedRequest | BadRequest | ParserPause | None:
        """The next request, or None while it is incomplete."""
        try:
            for number, event in enumerate(self._events(), 1):
                if isinstance(event, h11.Request):
                    self._head = event
                    if not event.http_version.startswith(b"1."):
                        return BadRequest(505, "only HTTP/1.1 is spoken here")
                elif isinstance(event, h11.Data):
                    self._body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    return self._complete()
                if self._announced() > self._body_bytes:
                    return BadRequest(413, f"the body exceeds {self._body_bytes} bytes")
                if number >= _EVENTS_AT_ONCE:
                    return ParserPause()
        except h11.RemoteProtocolError as exc:
            return BadRequest(exc.error_status_hint, str(exc))
        return None

    def wants_continue(self) -> bool:
        """Whether the client waits for `100 Continue` (RFC 9110, section 10.1.1); true once."""
        waits = self._parser.they_are_waiting_for_100_continue and not self._continued
        self._continued = self._continued or waits
        return waits

    def _events(self) -> Iterator[object]:
        last = (h11.NEED_DATA, h11.PAUSED)
        while (event := self._parser.next_event()) not in last:
            yield event
            if isinstance(event, h11.ConnectionClosed):
                return

    def _announced(self) -> int:
        headers = () if self._head is None else self._head.headers
        lengths = (int(value) for name, value in headers if name == b"content-length")
        return max((len(self._body), *lengths))

    def _complete(self) -> ReceivedRequest:
        head = cast(h11.Request, self._head)
        version = head.http_version.decode("ascii")
        incoming = ReceivedRequest(
            Request(
                method=head.method.decode("ascii"),
                url=_origin_form(head.target.decode("ascii")),
                headers=Headers(
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in head.headers.raw_items()
                ),
                body=bytes(self._body),
            ),
            version=version,
            keep_alive=_asks_keep_alive(head, version),
        )
        self._start_over()
        return incoming

    def _start_over(self) -> None:
        rest, closed = self._parser.trailing_data
        self._parser = self._new_parser()
        self._head, self._body, self._continued = None, bytearray(), False
        self.buffered = len(rest)
        if rest:
            self._parser.receive_data(rest)
        if closed:
            self._parser.receive_data(b"")

    def _new_parser(self) -> h11.Connection:
        return h11.Connection(h11.SERVER, max_incomplete_event_size=self._head_bytes)


def _origin_form(target: str) -> str:
    """The path and query of a target in any form (RFC 9112, section 3.2)."""
    if target.startswith("/") or "://" not in target:
        return target
    after_host = _AFTER_HOST.search(target.partition("://")[2])
    rest = after_host.group() if after_host else ""
    return rest if rest.startswith("/") else f"/{rest}"


def _asks_keep_alive(head: h11.Request, version: str) -> bool:
    values = (value.lower() for name, value in head.headers if name == b"connection")
    tokens = {token.strip() for value in values for token in value.split(b",")}
    framings = {name for name, _ in head.headers} & {b"content-length", b"transfer-encoding"}
    if len(framings) > 1:  # RFC 9112, section 6.1: perhaps smuggled, so nothing after it is read
        return False
    return b"keep-alive" in tokens if version == "1.0" else b"close" not in tokens
