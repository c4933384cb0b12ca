"""Content codings undone as the bytes arrive: gzip and deflate (RFC 9110, section 8.4.1).

Neither is asked for, yet a server that was sent no Accept-Encoding may choose one. Anything else is
passed through as it came, for a check to judge by its Content-Encoding.
"""

import zlib

from harness.errors import TransportError, TransportKind
from harness.wire import Headers

_GZIP = 16 + zlib.MAX_WBITS


class ContentDecoder:
    """The decoder of one body; `feed` returns what the bytes so far reveal, maybe nothing.

    Broken or unfinished data is a `TransportError` of kind `protocol`.
    """

    def __init__(self, headers: Headers) -> None:
        coding = (headers.get("content-encoding") or "identity").strip().lower()
        self._gzip = coding in ("gzip", "x-gzip")
        self._active = self._gzip or coding == "deflate"
        self._inflate = self._new()
        self._started = False

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that become known with `data`."""
        if not self._active or not data:
            return data
        try:
            return self._feed(data)
        except zlib.error as exc:
            raise TransportError(TransportKind.PROTOCOL, f"broken content coding: {exc}") from exc

    def finish(self) -> None:
        """Complain when the body ended inside the coded data."""
        if self._active and self._started and not self._inflate.eof:
            message = "the body ended before its content coding did"
            raise TransportError(TransportKind.PROTOCOL, message)

    def _feed(self, data: bytes) -> bytes:
        if not self._started and not self._gzip and not _is_zlib(data):
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._started = True
        pieces = []
        while data:
            inflate = self._inflate = self._next()
            pieces.append(inflate.decompress(data))
            data = inflate.unused_data
            if data and not self._gzip:
                break
        return b"".join(pieces)

    def _next(self) -> "zlib._Decompress":
        """The inflater for the bytes to come: gzip allows several members in a row."""
        return self._new() if self._gzip and self._inflate.eof else self._inflate

    def _new(self) -> "zlib._Decompress":
        return zlib.decompressobj(_GZIP if self._gzip else zlib.MAX_WBITS)


def _is_zlib(data: bytes) -> bool:
    """Whether deflate comes in its zlib wrapper, as it should; some servers leave it out."""
    return data[0] & 0x0F == 8 and (len(data) < 2 or int.from_bytes(data[:2], "big") % 31 == 0)
