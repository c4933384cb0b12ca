"""How much of an answer is read, and of all answers of a run: what they hold costs time and memory.

An answer of a contract run has some hundred events. One of a million, or with fifty thousand
choices, is no work for two hundred checks; a run ends when it meets a few of them.
"""

from dataclasses import replace

from harness.errors import TransportError, TransportKind
from harness.transports.exchange import Exchange
from harness.wire import Chunk, End, Response

LINES = 60_000
"""So many lines of an answer are read."""
VALUES = 150_000
"""So many JSON values of an answer are read, counted by what stands between them."""
ERROR = 1 << 20
"""So many bytes of an error are read."""
KEPT = 1 << 18
"""So many bytes are kept of an answer that holds more."""
HELD = 32 << 20
"""So many bytes of answers a run holds whole; of more only the small ones and the outlines."""
FAILED = 400
SMALL = 1 << 16
"""An answer of no more bytes is always held whole."""


def bounded(exchange: Exchange) -> Exchange:
    """The exchange, cut off by us where its answer holds more than is read."""
    response = exchange.response
    if response is None:
        return exchange
    body = response.body
    what = _excess(body, error=response.status >= FAILED)
    if not what:
        return exchange
    error = TransportError(
        TransportKind.CLIENT_LIMIT, f"the answer has {what} in {len(body)} bytes, and was not read"
    )
    cut = replace(response, chunks=_first(response), end=End.CUT)
    return replace(exchange, response=cut, error=error)


def size(exchange: Exchange) -> int:
    """The bytes of an answer."""
    chunks = exchange.response.chunks if exchange.response else ()
    return sum(len(chunk.data) for chunk in chunks)


def _excess(body: bytes, *, error: bool) -> str:
    if len(body) <= LINES:
        return ""
    if error and len(body) > ERROR:
        return f"more than {ERROR:,} bytes of an error"
    if body.count(b"\n") + body.count(b"\r") > LINES:
        return f"more than {LINES:,} lines"
    if sum(map(body.count, (b"{", b"[", b","))) > VALUES:
        return f"more than {VALUES:,} values"
    return ""


def _first(response: Response) -> tuple[Chunk, ...]:
    """The first chunks, at most so many bytes."""
    kept: list[Chunk] = []
    left = KEPT
    for chunk in response.chunks:
        if left <= 0:
            break
        kept.append(Chunk(chunk.data[:left], chunk.at_ns))
        left -= len(chunk.data)
    return tuple(kept)
