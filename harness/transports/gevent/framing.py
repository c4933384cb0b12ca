"""A cheap guess at where an answer ends, so that its reader is woken once; does no I/O.

The guess decides when somebody looks, never what he sees: `Incoming` reads every byte.
"""

import re

_CHUNKED_END = b"0\r\n\r\n"
_LONGEST_HEAD = 16_384
_FIELDS = re.compile(
    rb"\r\n(?:content-length:[ \t]*(\d{1,15})[ \t]*(?=\r)|(transfer-encoding:)"
    rb"|(content-type:[ \t]*application/json(?=[;\r ]))"
    rb"|content-length:|content-type:|content-encoding:|connection:|keep-alive:|upgrade:)",
    re.IGNORECASE,
)
"""A length, a coding of the transfer, and fields with which an answer may not be what it seems."""


class EndOfAnswer:
    """Sees the bytes of one answer as they come, and says when the last may have arrived.

    An answer whose head did not come in one piece, that is not framed by a length or by chunks, or
    that is an interim one, may end with any bytes. `plain` says of a whole answer that it is a
    success of JSON, framed by its length alone, on a connection that stays open: that is all that
    need be known of it before the next request.
    """

    __slots__ = ("_chunked", "_left", "_tail", "_usual")

    def __init__(self) -> None:
        self._left: int | None = None
        self._chunked = self._usual = False
        self._tail: bytes | None = None

    @property
    def plain(self) -> bool:
        """Whether a usual answer has come whole, and nothing after it."""
        return self._usual and self._left == 0

    def seen(self, data: bytes) -> bool:
        """Whether the answer may be whole with `data`."""
        if self._chunked:
            return self._last_chunk(data)
        if self._left is not None:
            self._left -= len(data)
            return self._left <= 0
        return self._tail is not None or self._head(data)

    def _head(self, data: bytes) -> bool:
        end = data.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
        if end < 0 or data.startswith(b"HTTP/1.1 1"):
            self._tail = b""
            return True
        self._usual, is_json = data.startswith(b"HTTP/1.1 200 "), False
        for field in _FIELDS.finditer(data, 0, end + 2):
            length, chunked, json = field.groups()
            if length is not None and self._left is None:
                self._left = int(length)
            elif chunked is not None:
                self._chunked = True
            elif json is not None:
                is_json = True
            else:
                self._usual = False
        self._usual &= is_json
        if self._chunked:
            self._left, self._tail = None, b""
            return self._last_chunk(data)
        if self._left is None:
            self._tail = b""
            return True
        self._left -= len(data) - end - 4
        return self._left <= 0

    def _last_chunk(self, data: bytes) -> bool:
        if len(data) < len(_CHUNKED_END):
            data = ((self._tail or b"") + data)[-len(_CHUNKED_END) :]
        self._tail = data[-len(_CHUNKED_END) :]
        return data.endswith(_CHUNKED_END)
