"""How one stand-in gateway is set up: identity, credentials, cache, limit, upstream."""

from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.gateway.behaviour import Behaviour
from harness.gateway.timing import Timing
from harness.gateway.upstream.catalogue import CATALOGUE

ANY_NUMBER = 1_000_000
"""Of requests that may wait for a slot."""
DEFAULT_GATEWAY_KEY = "gateway-token"
"""The token of a stand-in that was told to require one."""
_EPOCH_NS = 1_793_491_200 * 1_000_000_000
"""2026-11-01 00:00:00 UTC, the wall clock at `at_ns` 0 unless a face sets the real one."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` requests in `seconds`, counted in `fixed` or `sliding` windows."""

    limit: int
    seconds: int
    technique: str = "fixed"

    @classmethod
    def parse(cls, text: str, *, technique: str = "fixed") -> "RateLimit":
        """The limit written as `N/S`, such as `100/60`; raises `UsageError`."""
        limit, slash, seconds = text.partition("/")
        if not (slash and _is_positive(limit) and _is_positive(seconds)):
            raise UsageError(f"rate limit: expected N/S with positive integers, got {text!r}")
        if technique not in ("fixed", "sliding"):
            raise UsageError(f"rate limit: expected fixed or sliding, got {technique!r}")
        return cls(int(limit), int(seconds), technique)


def _is_positive(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0


@dataclass(frozen=True, slots=True)
class UpstreamOutage:
    """An upstream that fails the first `attempts` tries of every request with `status`.

    Status None means that no answer comes from the provider at all. `model` limits the outage to
    requests for one model, so that a fallback to another can succeed.
    """

    status: int | None
    attempts: int
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """One gateway and the account around it.

    `gateway_token` None switches gateway authentication off. `stored_keys` are (alias, key) pairs
    kept at the gateway. `cache_ttl` is in seconds, None or 0 is off. `custom_domain` serves
    `/{provider}/...` without the `/v1/{account}/{gateway}` prefix. `epoch_ns` is the Unix time at
    `at_ns` 0. `log_entries` bounds the log; the oldest go first. `slots` is how many requests the
    provider serves at once (None: any number), `queue` how many may wait for one.
    """

    account_id: str = "acc"
    gateway_id: str = "gw"
    provider_key: str = field(default="baseten-key", repr=False)
    gateway_token: str | None = field(default=None, repr=False)
    stored_keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    byok_only: bool = False
    model_id: str = "abcd1234"
    catalogue: tuple[str, ...] = CATALOGUE
    cache_ttl: int | None = None
    rate_limit: RateLimit | None = None
    timing: Timing = field(default_factory=Timing)
    behaviour: Behaviour = field(default_factory=Behaviour)
    outage: UpstreamOutage | None = None
    custom_domain: bool = False
    seed: int = 0
    epoch_ns: int = _EPOCH_NS
    log_entries: int = 1_000_000
    slots: int | None = None
    queue: int = ANY_NUMBER
