"""Server-sent events: bytes in, events out (WHATWG HTML, section 9.2, "Server-sent events").

Works on bytes, because a text decoder that splits lines would also split at U+2028, which JSON may
hold raw. Beyond the standard it reports what the standard drops: comments, events without data,
lines with unknown fields, invalid UTF-8, and an event that the end of the body cut off.
"""

import re
from dataclasses import dataclass, field
from itertools import islice

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_MALFORMED = 1000
"""Runs of invalid bytes reported for one line; a body of nothing else would fill the memory."""
LONGEST_RETRY = 18
"""Digits of a `retry` value that are read as a number; a longer value is an ignored line."""

_ESCAPED = re.compile("[\udc80-\udcff]+")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A run of bytes that are not UTF-8; `offset` counts from the start of the body."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that starts with a colon, without the colon and one space after it."""

    text: str
    malformed: tuple[Malformed, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One block of fields ended by a blank line; None where the block had no such field.

    `data` joins its lines with a line feed. A browser would not dispatch an event whose `data` is
    None. `ignored` holds lines that no rule covers, such as `Data: x` or a bare JSON line.
    Invalid bytes stay in the text as lone surrogates (PEP 383) and are listed in `malformed`.
    """

    data: str | None = None
    event: str | None = None
    id: str | None = None
    retry: int | None = None
    malformed: tuple[Malformed, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unterminated:
    """The event that the end of the body cut off before its blank line; a browser drops it."""

    event: Event


@dataclass(slots=True)
class _Block:
    """The fields seen since the last blank line."""

    data: list[str] = field(default_factory=list)
    event: str | None = None
    id: str | None = None
    retry: int | None = None
    malformed: list[Malformed] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self.data.append(value)
        elif name == "event":
            self.event = value
        elif name == "id" and "\0" not in value:
            self.id = value
        elif name == "retry" and _is_number(value):
            self.retry = int(value)
        else:
            self.ignored.append(line)

    def ended(self) -> Event:
        return Event(
            data="\n".join(self.data) if self.data else None,
            event=self.event,
            id=self.id,
            retry=self.retry,
            malformed=tuple(self.malformed),
            ignored=tuple(self.ignored),
        )


class Decoder:
    """An incremental event-stream decoder; the events do not depend on how the bytes are cut.

    Each byte is copied a bounded number of times, whatever the length of its line or event.
    `byte_order_mark` tells whether the body began with one, which is skipped.
    """

    __slots__ = ("_after_cr", "_block", "_offset", "_pending", "byte_order_mark")

    def __init__(self) -> None:
        self.byte_order_mark = False
        self._pending: list[bytes] = []
        self._offset = 0
        self._after_cr = False
        self._block: _Block | None = None

    @property
    def idle(self) -> bool:
        """Whether no event has begun that has not ended."""
        return not self._pending and self._block is None

    @property
    def held(self) -> int:
        """How many bytes of an unfinished line are kept."""
        return sum(map(len, self._pending))

    def plain_event(self, data: bytes) -> bytes | None:
        """The data of the one event that `data` is, when it is that and nothing is pending.

        Who has used it calls `passed`; else `feed` takes the same bytes.
        """
        return data[6:-2] if self._is_one_plain_event(data) else None

    def passed(self, length: int) -> None:
        """Count the bytes of a plain event that was not fed."""
        self._offset += length

    def feed(self, data: bytes) -> list[Event | Comment]:
        """The events and comments that `data` completes, in the order of their last line."""
        if self._is_one_plain_event(data):
            try:
                text = str(data[6:-2], "utf-8")
            except UnicodeDecodeError:
                return self._feed(data)
            self._offset += len(data)
            return [Event(text)]
        return self._feed(data)

    def finish(self) -> Unterminated | None:
        """The event that the end of the body cuts off, or None; a lone comment is no event."""
        line = b"".join(self._pending)
        self._pending = []
        if line:
            self._take(line)
        block, self._block = self._block, None
        return None if block is None else Unterminated(block.ended())

    def _is_one_plain_event(self, data: bytes) -> bool:
        """Whether `data` is exactly one line of data and a blank line, with nothing pending.

        Servers flush each event on its own, so nearly every read looks like this.
        """
        return (
            data.startswith(b"data: ")
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n\n")
            and b"\r" not in data
            and not self._pending
            and self._block is None
            and not self._after_cr
        )

    def _feed(self, data: bytes) -> list[Event | Comment]:
        if self._after_cr and data:
            self._after_cr = False
            if data.startswith(b"\n"):
                self._offset += 1
                data = data[1:]
        out: list[Event | Comment] = []
        for piece in data.splitlines(keepends=True):
            self._pending.append(piece)
            if not piece.endswith((b"\n", b"\r")):
                self._after_cr = False
                break
            found = self._end_line()
            if found is not None:
                out.append(found)
            self._after_cr = piece.endswith(b"\r")
        return out

    def _end_line(self) -> Event | Comment | None:
        line = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
        self._pending = []
        found = self._take(line.rstrip(b"\r\n"))
        self._offset += len(line)
        return found

    def _take(self, line: bytes) -> Event | Comment | None:
        at = self._offset
        if at == 0 and line.startswith(BYTE_ORDER_MARK):
            self.byte_order_mark = True
            line, at = line[3:], 3
        if not line:
            block, self._block = self._block, None
            return None if block is None else block.ended()
        text, malformed = decode(line, at)
        if text.startswith(":"):
            return Comment(text[1:].removeprefix(" "), tuple(malformed))
        if self._block is None:
            self._block = _Block()
        self._block.malformed += malformed
        self._block.add(text)
        return None


def decode(data: bytes, offset: int = 0) -> tuple[str, list[Malformed]]:
    """The bytes as UTF-8 text, invalid ones as lone surrogates, and where those bytes were."""
    try:
        return str(data, "utf-8"), []
    except UnicodeDecodeError:
        text = str(data, "utf-8", "surrogateescape")
    found = []
    end = 0
    for run in islice(_ESCAPED.finditer(text), MOST_MALFORMED):
        offset += len(text[end : run.start()].encode())
        found.append(Malformed(offset, run.group().encode("utf-8", "surrogateescape")))
        offset += len(run.group())
        end = run.end()
    return text, found


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= LONGEST_RETRY
