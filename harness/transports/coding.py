"""Content codings undone as the bytes arrive: gzip and deflate (RFC 9110, section 8.4.1).

Neither is asked for, yet a server that was sent no Accept-Encoding may choose one. Anything else is
passed through as it came, for a check to judge by its Content-Encoding.
"""

import zlib

from harness.errors import TransportError, TransportKind
from harness.wire import Headers

LONGEST = 256 << 20
"""Bytes of a body that are taken, decoded, as under load; more has no end, or is a bomb."""


class ContentDecoder:
    """The decoder of one body; `feed` returns what the bytes so far reveal, maybe nothing.

    Broken or unfinished data, and more than `longest` bytes, is a `TransportError` of kind
    `protocol`. `known` tells a coding that is undone from one that is passed through.
    """

    def __init__(self, headers: Headers, *, longest: int = LONGEST) -> None:
        self._longest = self._left = longest
        coding = (headers.get("content-encoding") or "identity").strip().lower()
        self._gzip = coding in ("gzip", "x-gzip")
        self._active = self._gzip or coding == "deflate"
        self.known = self._active or coding == "identity"
        self._start = b""
        self._inflate: zlib._Decompress | None = None

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that become known with `data`."""
        try:
            decoded = self._feed(data) if self._active and data else data
        except zlib.error as exc:
            raise TransportError(TransportKind.PROTOCOL, f"broken content coding: {exc}") from exc
        self._left -= len(decoded)
        if self._left < 0:
            message = f"the body is longer than {self._longest} bytes"
            raise TransportError(TransportKind.PROTOCOL, message)
        return decoded

    def finish(self) -> None:
        """Complain when the body ended inside the coded data."""
        ended = self._inflate.eof if self._inflate else not self._start
        if not ended:
            message = "the body ended before its content coding did"
            raise TransportError(TransportKind.PROTOCOL, message)

    def _feed(self, data: bytes) -> bytes:
        if self._inflate is None:
            data = self._start = self._start + data
            if len(data) < 2:
                return b""
            self._inflate = self._new(data)
        pieces, room = [], self._left + 1
        while data and room > 0:
            if self._inflate.eof and self._gzip:  # several members in a row are legal
                self._inflate = self._new(data)
            pieces.append(self._inflate.decompress(data, room))
            room -= len(pieces[-1])
            data = self._inflate.unused_data if self._gzip else b""
        return b"".join(pieces)

    def _new(self, start: bytes) -> "zlib._Decompress":
        """An inflater; deflate should come in a zlib wrapper, which some servers leave out."""
        if self._gzip:
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        wrapped = start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
