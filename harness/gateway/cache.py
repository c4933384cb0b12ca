"""The gateway's response cache (developers.cloudflare.com/ai-gateway/features/caching/)."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from harness.wire import Headers, Response

CUSTOM_KEY_TTL_S = 300
"""How long an answer lives under cf-aig-cache-key when no TTL is given anywhere."""
GHOST_TTL_S = 300
MAX_REQUEST_BYTES = 25 * 1024 * 1024
_ENTRIES = 10_000


def default_key(
    *, provider: str, endpoint: str, model: str, authorization: str, body: bytes
) -> bytes:
    """SHA-256 over exactly what the documentation names; lengths keep the parts apart."""
    hasher = sha256()
    for part in (provider, endpoint, model, authorization):
        data = part.encode("utf-8", "surrogatepass")
        hasher.update(len(data).to_bytes(8, "big") + data)
    hasher.update(body)
    return hasher.digest()


def custom_key(text: str) -> bytes:
    """The key of cf-aig-cache-key, which replaces the default one."""
    return b"custom:" + text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Stored:
    """One kept answer: usable from `from_ns` on and before `until_ns`."""

    status: int
    headers: Headers
    body: bytes
    from_ns: int
    until_ns: int


class Cache:
    """Answers by key; the least recently stored go first when there are too many.

    An answer can be read only after it was complete, so two identical requests at the same time
    both miss.
    """

    def __init__(self) -> None:
        self._stored: OrderedDict[bytes, Stored] = OrderedDict()

    def __len__(self) -> int:
        return len(self._stored)

    def get(self, key: bytes, now_ns: int) -> Stored | None:
        """The answer kept under `key`, or None when there is none that is alive."""
        stored = self._stored.get(key)
        return stored if stored and stored.from_ns <= now_ns < stored.until_ns else None

    def put(self, key: bytes, response: Response, *, complete_ns: int, ttl_s: int) -> None:
        """Keep a complete answer for `ttl_s` seconds from `complete_ns`."""
        until_ns = complete_ns + ttl_s * 1_000_000_000
        stored = Stored(response.status, response.headers, response.body, complete_ns, until_ns)
        self._stored.pop(key, None)
        self._stored[key] = stored
        while len(self._stored) > _ENTRIES:
            self._stored.popitem(last=False)
