"""Words and predicates that checks share: how a value is shown, and what counts as a number."""

from typing import Any, TypeGuard

from harness.contract.clause import Fault

LIMIT = 200


def shown(value: Any) -> str:
    """`repr` of a value, cut at 200 characters."""
    text = repr(value)
    return text if len(text) <= LIMIT else text[: LIMIT - 1] + "…"


def cut(data: bytes) -> bytes:
    """The first 200 bytes."""
    return data[:LIMIT]


def fault(expected: str, came: Any, where: str, data: bytes = b"") -> Fault:
    """A fault whose `came` is the repr of a value; text that begins with a space is taken as is."""
    literal = isinstance(came, str) and came.startswith(" ")
    return Fault(expected, came.strip() if literal else shown(came), where, cut(data))


def is_int(value: Any) -> TypeGuard[int]:
    """Whether a JSON value is an integer; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: Any) -> TypeGuard[str]:
    """Whether a JSON value is a non-empty string."""
    return isinstance(value, str) and bool(value)


def event(number: int) -> str:
    """Where the event `number` is, in the words of a failure."""
    return f"event {number}"
