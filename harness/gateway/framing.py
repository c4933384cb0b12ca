"""How one answer is framed on an HTTP/1.1 connection (RFC 9112, section 6), as pure data.

Both faces use it: the server sends what it says, the respx face derives what a client would see.
What the model declares is kept as it is, also where it lies: a defect must reach the wire unhealed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

from harness.wire import Chunk, End, Headers, Response

OPEN_S = 600.0
"""How long an answer that ends in silence keeps its connection."""

_LAST_CHUNK = b"0\r\n\r\n"
_STREAMED = ("text/event-stream", "application/octet-stream")
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_LENGTH = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Framed:
    """One answer as a connection carries it.

    `length` is the declared Content-Length, None when another rule delimits the body. `keep_alive`
    is whether the connection can carry another answer after this one.
    """

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    chunks: tuple[Chunk, ...]
    chunked: bool
    length: int | None
    keep_alive: bool
    head_at_ns: int
    end: End
    end_at_ns: int


def frame(
    response: Response, *, method: str = "POST", version: str = "1.1", keep_alive: bool = True
) -> Framed:
    """Choose the framing of `response`; `keep_alive` is what the client asked for.

    An answer that itself says `Connection: keep-alive` keeps the connection even where its length
    lies: what is beyond the length then stands before the next answer. Without a declared length, a
    whole answer of at most one chunk gets a Content-Length; a stream and
    everything else is chunked, or delimited by closing for an HTTP/1.0 client.
    """
    bodiless = method == "HEAD" or response.status < 200 or response.status in (204, 304)
    headers = _framed_headers(response, version=version)
    chunked = (headers.get("transfer-encoding") or "").lower().endswith("chunked")
    length = None if chunked else _declared_length(headers)
    delimited = bodiless or chunked or length == len(response.body)
    claims = _says(headers, "keep-alive") and length is not None
    reusable = (delimited or claims) and response.end is End.COMPLETE
    reusable = reusable and not _says(headers, "close")
    keep = keep_alive and reusable
    return Framed(
        status=response.status,
        fields=_fields(_with_connection(headers, keep, asked=keep_alive, version=version)),
        chunks=() if bodiless else tuple(chunk for chunk in response.chunks if chunk.data),
        chunked=chunked and not bodiless,
        length=0 if bodiless else length,
        keep_alive=keep,
        head_at_ns=response.head_at_ns,
        end=response.end,
        end_at_ns=response.end_at_ns,
    )


def pieces(framed: Framed) -> Iterator[tuple[int, bytes]]:
    """What to send and when: the head, every chunk, and the moment of the end, in this order.

    The last piece carries the end of a chunked body when the answer is whole, else no bytes.
    """
    yield framed.head_at_ns, _head(framed)
    for chunk in framed.chunks:
        yield chunk.at_ns, _chunk(chunk.data) if framed.chunked else chunk.data
    whole = framed.chunked and framed.end is End.COMPLETE
    yield framed.end_at_ns, _LAST_CHUNK if whole else b""


def received(framed: Framed) -> Framed:
    """What a client makes of it: bytes beyond a declared length are no part of the answer.

    An answer that ends before its declared length is cut, because the server closes then.
    """
    if framed.length is None:
        return framed
    chunks: list[Chunk] = []
    left = framed.length
    for chunk in framed.chunks:
        chunks.append(Chunk(chunk.data[:left], chunk.at_ns))
        left -= len(chunks[-1].data)
    whole = not left
    end = End.CUT if framed.end is End.COMPLETE and not whole else framed.end
    last_ns = next((chunk.at_ns for chunk in reversed(chunks) if chunk.data), framed.head_at_ns)
    return replace(
        framed,
        chunks=tuple(chunk for chunk in chunks if chunk.data),
        end=End.COMPLETE if whole else end,
        end_at_ns=last_ns if whole else framed.end_at_ns,
    )


def _framed_headers(response: Response, *, version: str) -> Headers:
    headers = response.headers
    if version == "1.0":
        headers = headers.without("transfer-encoding")
    if "transfer-encoding" in headers or "content-length" in headers:
        return headers
    if response.status < 200 or response.status in (204, 304):
        return headers
    streamed = len(response.chunks) > 1 or response.media_type in _STREAMED
    if not streamed and response.end is End.COMPLETE:
        return headers.replacing("content-length", str(len(response.body)))
    return headers if version == "1.0" else headers.replacing("transfer-encoding", "chunked")


def _declared_length(headers: Headers) -> int | None:
    declared = set(headers.get_all("content-length"))
    value = declared.pop() if len(declared) == 1 else ""
    return int(value) if _LENGTH.fullmatch(value) else None


def _says(headers: Headers, option: str) -> bool:
    return any(option in value.lower() for value in headers.get_all("connection"))


def _with_connection(headers: Headers, keep: bool, *, asked: bool, version: str) -> Headers:
    if "connection" in headers:
        return headers
    if keep and version == "1.0":
        return headers.replacing("connection", "keep-alive")
    closes = not asked or (version == "1.0" and not keep)
    return headers.replacing("connection", "close") if closes else headers


def _fields(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in headers
    )


def _head(framed: Framed) -> bytes:
    status_line = f"HTTP/1.1 {framed.status:03d} {_PHRASES.get(framed.status, '')}\r\n"
    fields = b"".join(b"%b: %b\r\n" % field for field in framed.fields)
    return status_line.encode("ascii") + fields + b"\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
