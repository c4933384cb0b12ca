"""Words and predicates that checks share: how a value is shown, and what counts as a number."""

from collections.abc import Iterable
from typing import Any, TypeGuard

from harness.contract.clause import Fault
from harness.contract.observation import Observation

LIMIT = 200
BEFORE = 40
"""So many characters before a difference show where it is."""


def shown(value: Any) -> str:
    """`repr` of a value, cut at 200 characters."""
    return clipped(repr(value))


def clipped(text: str) -> str:
    """A text, cut at 200 characters."""
    return text if len(text) <= LIMIT else text[: LIMIT - 1] + "…"


def cut(data: bytes) -> bytes:
    """The first 200 bytes."""
    return data[:LIMIT]


def fault(
    expected: str, came: Any, where: str, data: bytes = b"", *, requests: tuple[int, ...] = ()
) -> Fault:
    """A fault that shows a value of the target: quoted, and cut at 200 characters."""
    return Fault(expected, shown(came), where, cut(data), requests)


def told(
    expected: str, words: str, where: str, data: bytes = b"", *, requests: tuple[int, ...] = ()
) -> Fault:
    """A fault in words of our own, in which the target may have had one: nothing in it is obeyed
    by a terminal, and it is as short as a value.
    """
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)
    return Fault(expected, clipped(plain), where, cut(data), requests)


def unequal(
    wanted: Any, came: Any, where: str, data: bytes = b"", *, expected: str = "{}"
) -> Fault:
    """A fault of two values that should be equal: each is shown around their first difference.

    `expected` says what the first one is, which stands in the place of its braces.
    """
    one, other = repr(wanted), repr(came)
    first = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    start = max((min(len(one), len(other)) if first is None else first) - BEFORE, 0)
    lead = "…" if start else ""
    shown_one, shown_other = (clipped(f"{lead}{text[start:]}") for text in (one, other))
    return Fault(expected.replace("{}", shown_one), shown_other, where, cut(data))


def numbers(seen: Iterable[Observation]) -> tuple[int, ...]:
    """The numbers of exchanges, for the `requests` of a fault."""
    return tuple(each.number for each in seen)


def is_int(value: Any) -> TypeGuard[int]:
    """Whether a JSON value is an integer; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: Any) -> TypeGuard[str]:
    """Whether a JSON value is a non-empty string."""
    return isinstance(value, str) and bool(value)


def event(number: int) -> str:
    """Where the event `number` is, in the words of a failure."""
    return f"event {number}"
