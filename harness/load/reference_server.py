"""A chat-completions endpoint on loopback whose timing is known: what a client measures itself by.

`python -m harness.load.reference_server [SECONDS]` prints its port and ends when its standard input
closes, or after SECONDS. Standard library only, so that it starts at once; it shares no code with
the client that it judges. It is a clock, not a gateway: every POST is answered.

A request says in `x-schedule: TTFT_US,GAP_US,CHUNKS` when its answer is due, counted from its
arrival: chunk i at TTFT + i * GAP, each by one send, however late the one before was. A body with
`"stream": true` gets server-sent events, any other one JSON document after TTFT. The server may be
late itself; `GET /record?since=N` therefore gives the times that were kept, not those asked for.
"""

import gc
import heapq
import json
import re
import select
import selectors
import socket
import struct
import sys
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial

HOST = "127.0.0.1"
SCHEDULE_HEADER = "x-schedule"
ID_HEADER = "x-rid"
"""Names the request in the record; an integer, or -1 is recorded."""
LIFE_S = 60.0

_SO_TIMESTAMPNS = 35
"""asm-generic/socket.h; Python's socket module does not name it."""
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

_READ_BYTES = 65_536
_MOST_HEAD = 65_536
_MOST_BODY = 16 * 1024 * 1024
_MOST_CHUNKS = 10_000
_BATCH = 128
"""Chunks that are sent before it looks for requests again."""
_PATIENCE_S = 2.0
_LONGEST_WAIT_S = 0.1

_FIELD = r"\r\n{}:[ \t]*([^\r\n]*)"
_LENGTH = re.compile(_FIELD.format("content-length").encode(), re.IGNORECASE)
_SCHEDULE = re.compile(_FIELD.format(SCHEDULE_HEADER).encode(), re.IGNORECASE)
_ID = re.compile(_FIELD.format(ID_HEADER).encode(), re.IGNORECASE)
_SINCE = re.compile(rb"GET /record(?:\?since=(\d{1,9}))? ")
_STREAM = re.compile(rb'"stream":\s?true')


class ReferenceStream:
    """One answer under way, and what the record will say of it.

    `received_ns` is the kernel's time of the request's last bytes where it gives one, else that of
    the read. `sent_ns` are the times just before each send: on loopback the client's kernel stamps
    the bytes within that call, so what a stamp is later is the client's error and never less.
    """

    __slots__ = ("connection", "gap_ns", "number", "pieces", "received_ns", "rid", "sent_ns")

    def __init__(
        self, connection: "ReferenceConnection", number: int, rid: int, pieces: tuple[bytes, ...]
    ) -> None:
        self.connection = connection
        self.number = number
        self.rid = rid
        self.pieces = pieces
        self.received_ns = connection.read_ns
        self.gap_ns = 0
        self.sent_ns: list[int] = []


class ReferenceConnection:
    """One client's socket, with the bytes that wait for the answer before them to end."""

    __slots__ = ("busy", "read_ns", "sock", "waiting")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _ask_for_stamps(sock)
        self.sock = sock
        self.waiting = b""
        self.read_ns = 0
        self.busy = False

    def read(self) -> bool:
        """Take in what is there; False when the client is gone."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(_READ_BYTES, _ANCILLARY_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.read_ns = _arrival_ns(ancillary)
        self.waiting += data
        return bool(data) and len(self.waiting) <= _MOST_HEAD + _MOST_BODY

    def put(self, piece: bytes) -> bool:
        """Send a piece whole; False when the client is gone or has stopped reading for long."""
        try:
            return self.sock.send(piece) == len(piece)
        except OSError:
            return False

    def put_all(self, data: bytes) -> None:
        """Send what may be more than the kernel takes at once; nothing else is served meanwhile."""
        self.sock.settimeout(_PATIENCE_S)
        with suppress(OSError):
            self.sock.sendall(data)
        self.sock.setblocking(False)

    def take(self) -> tuple[bytes, bytes] | None:
        """Head and body of the next request, once it has arrived whole; ValueError on another."""
        head, found, rest = self.waiting.partition(b"\r\n\r\n")
        if not found:
            if len(head) > _MOST_HEAD:
                raise ValueError("the head is too long")
            return None
        length = int(_field(_LENGTH, head, b"0"))
        if not 0 <= length <= _MOST_BODY:
            raise ValueError("the body is too long")
        if len(rest) < length:
            return None
        self.waiting = rest[length:]
        return head, rest[:length]


class ReferenceServer:
    """Listens from its making; `serve` answers until told to end."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server((HOST, 0), backlog=4096)
        self._listener.setblocking(False)
        _ask_for_stamps(self._listener)
        self._watch(self._listener, self._accept)
        self._due: list[tuple[int, int, ReferenceStream]] = []
        self._streams: list[ReferenceStream] = []
        self._ended = False

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def serve(self, seconds: float = LIFE_S) -> None:
        """Answer until the bound, or until `end` is called."""
        end_ns = time.monotonic_ns() + int(seconds * 1e9)
        while not self._ended and time.monotonic_ns() < end_ns:
            self._send_due()
            self._wait(self._patience_s())

    def end_with(self, descriptor: int) -> None:
        """Have `serve` end when that pipe is closed; one that cannot be watched is left alone."""
        with suppress(PermissionError, ValueError):
            self._selector.register(descriptor, selectors.EVENT_READ, self._end)

    def close(self) -> None:
        """Close every socket."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()

    def _watch(self, sock: socket.socket, act: Callable[[], None]) -> None:
        self._selector.register(sock, selectors.EVENT_READ, act)

    def _end(self) -> None:
        self._ended = True

    def _patience_s(self) -> float:
        if not self._due:
            return _LONGEST_WAIT_S
        left_ns = self._due[0][0] - time.monotonic_ns()
        return min(max(left_ns, 0) / 1e9, _LONGEST_WAIT_S)

    def _wait(self, seconds: float) -> None:
        """Do what has become ready, and wait at most so long for it.

        epoll waits whole milliseconds; select(2) on its descriptor waits microseconds.
        """
        if seconds and sys.platform == "linux":
            select.select((self._selector.fileno(),), (), (), seconds)
            seconds = 0
        for key, _ in self._selector.select(seconds):
            key.data()

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            while True:
                connection = ReferenceConnection(self._listener.accept()[0])
                self._watch(connection.sock, partial(self._read, connection))

    def _read(self, connection: ReferenceConnection) -> None:
        if connection.read():
            self._answer(connection)
        else:
            self._drop(connection)

    def _drop(self, connection: ReferenceConnection) -> None:
        if connection.sock.fileno() >= 0:
            self._selector.unregister(connection.sock)
            connection.sock.close()

    def _answer(self, connection: ReferenceConnection) -> None:
        """Begin the next answer, unless one is under way."""
        try:
            while not connection.busy and (request := connection.take()) is not None:
                self._begin(connection, *request)
        except ValueError:
            connection.put_all(_REFUSAL)
            self._drop(connection)

    def _begin(self, connection: ReferenceConnection, head: bytes, body: bytes) -> None:
        if not head.startswith(b"POST "):
            found = _SINCE.match(head)
            connection.put_all(_NOT_FOUND if found is None else self._record(int(found[1] or 0)))
            return
        ttft_us, gap_us, chunks = _schedule(_field(_SCHEDULE, head, b"0,0,1"))
        pieces = _events(chunks) if _STREAM.search(body) else (_DOCUMENT,)
        stream = ReferenceStream(connection, len(self._streams), _rid(head), pieces)
        stream.gap_ns = gap_us * 1000
        connection.busy = True
        self._streams.append(stream)
        due_ns = stream.received_ns + ttft_us * 1000
        heapq.heappush(self._due, (due_ns, stream.number, stream))

    def _send_due(self) -> None:
        """Send what is due, with one look at the clock per chunk."""
        due, now_ns = self._due, time.monotonic_ns()
        for _ in range(_BATCH):
            if not due or due[0][0] > now_ns:
                return
            due_ns, number, stream = due[0]
            sent_ns = stream.sent_ns
            sent_ns.append(now_ns)
            if not stream.connection.put(stream.pieces[len(sent_ns) - 1]):
                heapq.heappop(due)
                sent_ns.pop()
                self._drop(stream.connection)
            elif len(sent_ns) < len(stream.pieces):
                heapq.heapreplace(due, (due_ns + stream.gap_ns, number, stream))
            else:
                heapq.heappop(due)
                stream.connection.busy = False
                self._answer(stream.connection)
            now_ns = time.monotonic_ns()

    def _record(self, since: int) -> bytes:
        """An answer with one run of native int64 per request: id, received, count, send times."""
        numbers = array("q")
        for stream in self._streams[since:]:
            numbers.extend((stream.rid, stream.received_ns, len(stream.sent_ns), *stream.sent_ns))
        return _plain("200 OK", "application/octet-stream", numbers.tobytes())


def _field(pattern: re.Pattern[bytes], head: bytes, default: bytes) -> bytes:
    found = pattern.search(head)
    return default if found is None else found[1].strip()


def _rid(head: bytes) -> int:
    text = _field(_ID, head, b"-1")
    return int(text) if text.isdigit() and len(text) < 18 else -1


def _schedule(text: bytes) -> tuple[int, int, int]:
    ttft_us, gap_us, chunks = (int(part) for part in text.split(b","))
    if min(ttft_us, gap_us) < 0 or not 1 <= chunks <= _MOST_CHUNKS:
        raise ValueError("no such schedule")
    return ttft_us, gap_us, chunks


def _ask_for_stamps(sock: socket.socket) -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def _arrival_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """When the bytes arrived: the kernel's CLOCK_REALTIME stamp on the monotonic clock, or now."""
    now_ns = time.monotonic_ns()
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(payload[: _TIMESPEC.size])
            stamp_ns = seconds * 1_000_000_000 + nanoseconds
            return min(now_ns, int(stamp_ns) - time.time_ns() + now_ns)
    return now_ns


def _plain(status: str, media_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_ANSWER = {"id": "chatcmpl-reference", "created": 1_760_000_000, "model": "reference"}
_DOCUMENT = _plain(
    "200 OK",
    "application/json",
    json.dumps(
        {
            **_ANSWER,
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "word " * 60},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 32, "completion_tokens": 60, "total_tokens": 92},
        }
    ).encode(),
)
_REFUSAL = _plain("400 Bad Request", "text/plain", b"no request that this server understands\n")
_NOT_FOUND = _plain("404 Not Found", "text/plain", b"POST anything, or GET /record\n")
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


@lru_cache(maxsize=64)
def _events(chunks: int) -> tuple[bytes, ...]:
    """What a stream of so many chunks is sent as: the head with the first, the end with the last.

    The middle ones are one object.
    """
    content = _chunk(_choice({"content": " word"}))
    pieces = [content] * chunks
    pieces[0] = _STREAM_HEAD + _chunk(_choice({"role": "assistant", "content": ""})) + content
    usage = {"prompt_tokens": 32, "completion_tokens": chunks, "total_tokens": chunks + 32}
    end = _chunk(_choice({}, finish_reason="stop")) + _chunk({"choices": [], "usage": usage})
    pieces[-1] += end + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    return tuple(pieces)


def _choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _chunk(content: dict[str, object]) -> bytes:
    document = json.dumps({**_ANSWER, "object": "chat.completion.chunk", **content})
    return _framed(b"data: " + document.encode() + b"\n\n")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _raise_descriptor_limit() -> None:
    """A connection per stream; the usual bound is 1024."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(arguments: list[str]) -> None:
    """Serve until standard input closes or the time is over."""
    gc.disable()  # it lives for seconds, and a collection would be a stall
    _raise_descriptor_limit()
    server = ReferenceServer()
    server.end_with(0)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.serve(float(arguments[0]) if arguments else LIFE_S)
    server.close()


if __name__ == "__main__":
    main(sys.argv[1:])
