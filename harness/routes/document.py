"""JSON text in, document or problem out; whatever a server sends, nothing raises."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

import msgspec

from harness.sse import BYTE_ORDER_MARK, Malformed, decode


class ProblemKind(StrEnum):
    """What keeps an answer from being read without loss."""

    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    """Not JSON (RFC 8259; so `NaN` is not), or nested or numbered beyond what can be decoded."""
    NOT_OBJECT = "not_object"
    """JSON, but no object where the format has one."""
    WRONG_TYPE = "wrong_type"
    """A field that the answer is made of has a type from which nothing can be read."""
    NO_CHOICES = "no_choices"
    """A plain completion without one choice."""

    LONE_SURROGATE = "lone_surrogate"
    """Half a character in a JSON escape; the halves are joined if the next event has the other."""
    CONTENT_AFTER_FINISH = "content_after_finish"
    DATA_AFTER_DONE = "data_after_done"
    UNTERMINATED_EVENT = "unterminated_event"
    IGNORED_LINES = "ignored_lines"
    """Lines of an event stream that no field rule covers."""

    @property
    def lossy(self) -> bool:
        """Whether part of the answer could not be read, which makes its outcome `malformed`."""
        return self in _LOSSY


_LOSSY = {
    ProblemKind.INVALID_UTF8,
    ProblemKind.INVALID_JSON,
    ProblemKind.NOT_OBJECT,
    ProblemKind.WRONG_TYPE,
    ProblemKind.NO_CHOICES,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong; `detail` says what was expected, what came and where.

    `event` is the position of its event in `Answer.events`, for a comment that of the event after
    it, and None for a plain answer.
    """

    kind: ProblemKind
    detail: str
    event: int | None = None


@dataclass(frozen=True, slots=True)
class NotJson:
    """Why a text is no JSON document."""

    detail: str


def decode_text(text: str) -> Any:
    """The document in `text`, or a `NotJson`."""
    try:
        if text.startswith("{") and text.endswith("}"):
            document, end = _DECODER.raw_decode(text)  # spares the search for white space
            if end == len(text):
                return document
        return _DECODER.decode(text)
    except RecursionError:
        return NotJson(f"expected JSON, got one nested too deeply, in {excerpt(text)}")
    except ValueError as exc:
        return NotJson(f"expected JSON, got {excerpt(text)}: {cut(str(exc))}")


def decode_quickly(data: bytes) -> Any:
    """What `decode_text` makes of these bytes, or None for bytes that it has to judge itself.

    msgspec decodes three times as fast and to the same values; it refuses more, such as half of a
    character in an escape.
    """
    try:
        return _QUICK.decode(data)
    except (ValueError, RecursionError):
        return None


def decode_body(body: bytes) -> tuple[Any, str, tuple[Problem, ...]]:
    """The document (or `NotJson`) of a whole body, its text, and what was wrong with its bytes.

    RFC 8259, section 8.1: UTF-8, and a byte order mark may be ignored.
    """
    bare = body.removeprefix(BYTE_ORDER_MARK)
    text, malformed = decode(bare, len(body) - len(bare))
    problems = tuple(Problem(ProblemKind.INVALID_UTF8, not_utf8(run)) for run in malformed)
    return decode_text(text), text, problems


def not_utf8(run: Malformed) -> str:
    """What a problem says of invalid bytes."""
    return f"expected UTF-8, got {run.data[:50]!r} at byte {run.offset}"


def excerpt(text: str | bytes) -> str:
    """The start of `text` by `repr`, at most 200 characters of it."""
    return repr(text[:200]) + ("..." if len(text) > 200 else "")


def cut(text: str, length: int = 500) -> str:
    """Text that any file can hold: at most `length` characters, lone surrogates escaped."""
    return text[:length].encode("utf-8", "backslashreplace").decode()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_QUICK = msgspec.json.Decoder()
_DECODER = json.JSONDecoder(parse_constant=_no_constant)
