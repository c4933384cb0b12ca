"""A reference for streams over TLS: one epoll loop, memory BIOs, receive times of the kernel.

python -m tests.bench.reference_client ORIGIN --authority FILE --request FILE --record FILE

It does nothing but read: no gevent, no Locust, no parsing until the load is over.
"""

import argparse
import json
import re
import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench import streams

END = b"0\r\n\r\n"
CHUNK = re.compile(rb'"delta":\{"content":"[^"]')
SO_TIMESTAMPNS = 35
"""Linux, asm-generic/socket.h; Python has no name for it."""
_STAMP = struct.Struct("qq")
_READ_BYTES = 65_536
_POLL_S = 0.05
_DRAIN_S = 5.0


@dataclass(slots=True)
class Stream:
    """One answer: slices of plain text, and when the kernel had each."""

    rid: int
    sent_ns: int
    slices: list[tuple[int, bytes]] = field(default_factory=list)

    def chunk_times(self) -> list[int]:
        """The receive time of each content chunk: of the slice in which its event ends."""
        ends, at = [], 0
        for _, data in self.slices:
            at += len(data)
            ends.append(at)
        text = b"".join(data for _, data in self.slices)
        times, place = [], 0
        for found in CHUNK.finditer(text):
            end = text.index(b"\n\n", found.end()) + 2
            while ends[place] < end:
                place += 1
            times.append(self.slices[place][0])
        return times


class Connection:
    """One connection that asks again as soon as it is answered."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self.socket = socket.create_connection(client.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = client.context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=client.address[0]
        )
        self._shaken = False
        self.stream: Stream | None = None

    def shake(self) -> None:
        """Go on with the handshake; ask when it is done."""
        try:
            self._tls.do_handshake()
            self._shaken = True
        except ssl.SSLWantReadError:
            pass
        if self._outgoing.pending:
            self.socket.sendall(self._outgoing.read())
        if self._shaken:
            self.ask()

    def ask(self) -> None:
        """Send the next request, unless the time is over."""
        self.stream = None
        if time.monotonic() >= self._client.until:
            return
        rid = self._client.next_rid()
        self._tls.write(self._client.request.replace(b"RID", b"%d" % rid))
        data = self._outgoing.read()
        self.stream = Stream(rid, time.monotonic_ns())
        self.socket.sendall(data)

    def receive(self) -> None:
        """Read what has come, with the time of its last segment."""
        data, control, _, _ = self.socket.recvmsg(_READ_BYTES, 64)
        if not data:
            raise ConnectionError("the terminator closed a connection")
        at_ns = self._client.monotonic(control)
        self._incoming.write(data)
        if not self._shaken:
            self.shake()
            return
        plain = b"".join(iter(self._decrypted, b""))
        if self.stream is None or not plain:
            return
        self.stream.slices.append((at_ns, plain))
        if plain.endswith(END):
            self._client.done.append(self.stream)
            self.ask()

    def _decrypted(self) -> bytes:
        try:
            piece = bytes(self._tls.read(_READ_BYTES))
        except ssl.SSLWantReadError:
            return b""
        return piece


class Client:
    """All connections and one loop."""

    def __init__(
        self, origin: str, *, authority: Path, request: dict[str, Any], seconds: float
    ) -> None:
        parts = urlsplit(origin)
        self.address = (str(parts.hostname), int(parts.port or 443))
        self.context = ssl.create_default_context(cafile=str(authority))
        self.request = _encode(request, host=parts.netloc)
        self.until = time.monotonic() + seconds
        self.done: list[Stream] = []
        self._rid = 0
        self._offset_ns = _offset_ns()

    def next_rid(self) -> int:
        """The next number."""
        self._rid += 1
        return self._rid

    def monotonic(self, control: list[tuple[int, int, bytes]]) -> int:
        """The kernel's receive time, or now where it gave none."""
        if not control:
            return time.monotonic_ns()
        seconds, nanoseconds = _STAMP.unpack(control[0][2])
        return int(seconds * 1_000_000_000 + nanoseconds - self._offset_ns)

    def run(self, connections: int) -> None:
        """Open connections over a second, and read until the time is over and all is answered."""
        poll = select.epoll()
        open_: dict[int, Connection] = {}
        began = renewed = time.monotonic()
        while (now := time.monotonic()) < self.until + _DRAIN_S:
            if now > renewed + 1:
                self._offset_ns, renewed = _offset_ns(), now
            if len(open_) < connections * min(now - began, 1.0):
                connection = Connection(self)
                open_[connection.socket.fileno()] = connection
                poll.register(connection.socket, select.EPOLLIN)
                connection.shake()
            for number, _ in poll.poll(_POLL_S if len(open_) == connections else 0.001):
                open_[number].receive()
            if now > self.until and all(one.stream is None for one in open_.values()):
                break
        for connection in open_.values():
            connection.socket.close()


def _encode(request: dict[str, Any], *, host: str) -> bytes:
    body: bytes = request["body"].encode()
    fields = {**request["headers"], "Host": host, "x-rid": "RID", "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {request['path']} HTTP/1.1\r\n{head}\r\n".encode() + body


def _offset_ns() -> int:
    """What the wall clock, which the kernel stamps with, is ahead of the monotonic one."""
    pairs = [(time.monotonic_ns(), time.time_ns(), time.monotonic_ns()) for _ in range(5)]
    before, wall, after = min(pairs, key=lambda pair: pair[2] - pair[0])
    return wall - (before + after) // 2


def main() -> None:
    """Run the client and write what it measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("origin")
    parser.add_argument("--authority", type=Path, required=True)
    parser.add_argument("--request", type=Path, required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    client = Client(
        options.origin,
        authority=options.authority,
        request=json.loads(options.request.read_text("utf-8")),
        seconds=options.seconds,
    )
    client.run(options.connections)
    streams.write(
        options.record, [(one.rid, one.sent_ns, one.chunk_times()) for one in client.done]
    )


if __name__ == "__main__":
    main()
