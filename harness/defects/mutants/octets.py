"""Generated defects of a body as bytes: at a share of its length in percent, or all of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from harness.gateway.served import Served
from harness.wire import Chunk, End, Response

PLACES = ("0", "10", "25", "50", "75", "90", "99", "100")
WHOLE = "body"
_BLOCK = 16


def _flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes((byte ^ 1) for byte in body[at : at + 1]) + body[at + 1 :]


AT: Mapping[str, Callable[[bytes, int], bytes]] = {
    "byte-cut": lambda body, at: body[:at],
    "byte-lost": lambda body, at: body[:at] + body[at + 1 :],
    "byte-flip": _flipped,
    "byte-nul": lambda body, at: body[:at] + b"\0" + body[at:],
    "byte-high": lambda body, at: body[:at] + b"\xff" + body[at:],
    "byte-junk": lambda body, at: body[:at] + b"junk" + body[at:],
    "byte-line": lambda body, at: body[:at] + b"\n" + body[at:],
    "block-lost": lambda body, at: body[:at] + body[at + _BLOCK :],
    "block-twice": lambda body, at: body[:at] + body[at : at + _BLOCK] + body[at:],
}
ALL: Mapping[str, Callable[[bytes], bytes]] = {
    "body-marked": lambda body: b"\xef\xbb\xbf" + body,
    "body-latin1": lambda body: body.decode("utf-8", "replace").encode("latin-1", "replace"),
    "body-utf16": lambda body: body.decode("utf-8", "replace").encode("utf-16"),
    "body-twice": lambda body: body + body,
    "body-quoted": lambda body: b'"' + body.replace(b'"', b'\\"') + b'"',
    "body-mojibake": lambda body: body.decode("latin-1").encode("utf-8"),
    "body-empty": lambda body: body[:0],
}
BROKEN_OFF = "broken-off"
OPERATORS = (*AT, *ALL, BROKEN_OFF)


def edit_octets(served: Served, place: str, operator: str) -> Response:
    """The answer with other bytes, at the times of the old ones."""
    response = served.response
    body = response.body
    if not body:
        return response
    if operator in ALL:
        return _rewritten(response, ALL[operator](body))
    at = len(body) * int(place) // 100
    if operator == BROKEN_OFF:
        cut = _rewritten(response, body[:at])
        lengths = response.headers.replacing("content-length", str(len(body)))
        streamed = served.streamed or "content-length" in response.headers
        return replace(cut, headers=response.headers if streamed else lengths, end=End.CUT)
    return _rewritten(response, AT[operator](body, at))


def _rewritten(response: Response, body: bytes) -> Response:
    """Another body in chunks of the old sizes at the old times; what is more comes last."""
    if body == response.body:
        return response
    chunks: list[Chunk] = []
    left = body
    for chunk in response.chunks[:-1]:
        part, left = left[: len(chunk.data)], left[len(chunk.data) :]
        if part:
            chunks.append(Chunk(part, chunk.at_ns))
    if left:
        chunks.append(Chunk(left, response.chunks[-1].at_ns))
    return replace(response, chunks=tuple(chunks))
