"""HTTP as plain data: what crosses the border between a model, a transport and a check.

Nothing here sends, parses or waits. Times are integers, nanoseconds after the request, so the same
`Response` is a schedule when the stand-in makes it and a record when a transport received it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit


class Headers:
    """Ordered header fields with case-insensitive names; equal names stay separate fields.

    Immutable: `replacing` and `without` return a new value. Comparison ignores the case of names,
    because HTTP does (RFC 9110, section 5.1), and keeps order and repetition.
    """

    __slots__ = ("_by_name", "_fields")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple((str(name), str(value)) for name, value in fields)
        self._by_name: dict[str, tuple[str, ...]] | None = None

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Every field in order, names in the case they were given."""
        return self._fields

    def get(self, name: str) -> str | None:
        """The first value of `name`, or None."""
        values = self.get_all(name)
        return values[0] if values else None

    def get_all(self, name: str) -> tuple[str, ...]:
        """Every value of `name`, in order."""
        if self._by_name is None:  # many are made and passed on without a question
            by_name: dict[str, tuple[str, ...]] = {}
            for field, value in self._folded():
                by_name[field] = (*by_name.get(field, ()), value)
            self._by_name = by_name
        return self._by_name.get(name.lower(), ())

    def replacing(self, name: str, value: str) -> "Headers":
        """These headers with one field `name`, at the end."""
        return Headers((*self.without(name).fields, (name, value)))

    def without(self, name: str) -> "Headers":
        """These headers with no field `name`."""
        unwanted = name.lower()
        return Headers(item for item in self._fields if item[0].lower() != unwanted)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._folded() == other._folded()

    def __hash__(self) -> int:
        return hash(self._folded())

    def __repr__(self) -> str:
        return f"Headers({list(self._fields)!r})"

    def _folded(self) -> tuple[tuple[str, str], ...]:
        return tuple((name.lower(), value) for name, value in self._fields)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `url` is absolute, or only a path where a server received it."""

    method: str
    url: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path of the URL, still percent-encoded, without its query; empty in no URL at all."""
        return _split(self.url).path

    @property
    def query(self) -> str:
        """The query of the URL without its question mark, or an empty string."""
        return _split(self.url).query


def _split(url: str) -> SplitResult:
    """The parts of a URL; a server is also sent what is none, and a leading `//` is no host."""
    try:
        return urlsplit(f"http://host{url}" if url.startswith("/") else url)
    except ValueError:
        return SplitResult("", "", "", "", "")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Body bytes that left or arrived together, `at_ns` nanoseconds after the request."""

    data: bytes
    at_ns: int = 0


class End(StrEnum):
    """How a response ended on the connection that carried it."""

    COMPLETE = "complete"
    """The framing ended as it should: last chunk, Content-Length reached, or agreed close."""
    CUT = "cut"
    """The connection was closed in an orderly way before the framing ended."""
    RESET = "reset"
    """The connection was reset (TCP RST)."""
    OPEN = "open"
    """The peer fell silent before the framing ended and kept the connection open."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response with the time of its head and of every body chunk.

    `head_at_ns` and `Chunk.at_ns` count from the same moment: the arrival of the complete request
    at a server, or its complete sending at a client. They never decrease.
    """

    status: int
    headers: Headers = field(default_factory=Headers)
    chunks: tuple[Chunk, ...] = ()
    head_at_ns: int = 0
    end: End = End.COMPLETE
    end_at_ns: int = 0

    @property
    def body(self) -> bytes:
        """All body bytes."""
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def media_type(self) -> str:
        """The media type of Content-Type in lower case, without parameters; empty when absent."""
        return (self.headers.get("content-type") or "").partition(";")[0].strip().lower()
