"""Seeded draws: the only source of chance in the stand-in, the same on every machine.

Draws come from BLAKE2b in counter mode over a key, because they must depend on the request's
content and on nothing else: no global state, no platform, no Python version.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_BLOCK = 64


def digest(*parts: object) -> bytes:
    """32 bytes that depend on every part and on the borders between the parts."""
    hasher = blake2b(digest_size=32)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        hasher.update(len(data).to_bytes(8, "big"))
        hasher.update(data)
    return hasher.digest()


class Rng:
    """An endless sequence of draws that its key determines."""

    __slots__ = ("_buffer", "_counter", "_key", "_position")

    def __init__(self, *key: object) -> None:
        self._key = digest(*key)
        self._counter = 0
        self._buffer = b""
        self._position = 0

    def fork(self, *key: object) -> "Rng":
        """An independent sequence; what is drawn from one does not move the other."""
        return Rng(self._key, *key)

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._buffer) - self._position < count:
            block = blake2b(self._counter.to_bytes(8, "big"), key=self._key, digest_size=_BLOCK)
            self._buffer = self._buffer[self._position :] + block.digest()
            self._counter += 1
            self._position = 0
        start = self._position
        self._position = start + count
        return self._buffer[start : start + count]

    def below(self, limit: int) -> int:
        """An integer from 0 to `limit` - 1."""
        return int.from_bytes(self.bytes(8), "big") % limit

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def unit(self) -> float:
        """A number from 0 (included) to 1 (excluded)."""
        return int.from_bytes(self.bytes(6), "big") / (1 << 48)

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]
