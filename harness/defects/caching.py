"""The cache (developers.cloudflare.com/ai-gateway/features/caching/)."""

from harness.defects.edits import with_header
from harness.defects.rows import deciding, rows
from harness.gateway import cache
from harness.gateway.call import Call
from harness.gateway.rules import cache_ttl
from harness.gateway.served import Served
from harness.wire import Response

_CACHE = frozenset({"cache"})


def _key_without_body(call: Call) -> bytes:
    if call.options.cache_key is not None:
        return cache.custom_key(call.options.cache_key)
    return cache.default_key(
        provider=call.target.provider,
        endpoint=call.target.endpoint,
        model=call.model,
        authorization=call.authorization or "",
        body=b"",
    )


def _key_without_auth(call: Call) -> bytes:
    if call.options.cache_key is not None:
        return cache.custom_key(call.options.cache_key)
    return cache.default_key(
        provider=call.target.provider,
        endpoint=call.target.endpoint,
        model=call.model,
        authorization="",
        body=call.arrival.request.body,
    )


def hit_for_fresh(served: Served) -> Response:
    """A fresh answer reported as a cached one."""
    if served.response.headers.get("cf-aig-cache-status") != "MISS":
        return served.response
    return with_header(served.response, "cf-aig-cache-status", "HIT")


CACHING = rows(
    "cache",
    (
        "cache-key-ignores-body",
        "an earlier answer is served for another body",
        deciding(cache_key=_key_without_body),
        "cache-key-body",
        "I07",
    ),
    (
        "cache-key-ignores-auth",
        "an answer kept for one provider key is served to another",
        deciding(cache_key=_key_without_auth),
        "cache-key-auth",
        "I07",
    ),
    (
        "skip-cache-ignored",
        "cf-aig-skip-cache: true is answered from the cache",
        deciding(reads_cache=lambda call: cache_ttl(call) > 0),
        "cache-skip",
    ),
    (
        "cache-never-hits",
        "a repeated request within the TTL is not served from the cache",
        deciding(reads_cache=lambda _call: False),
        "cache-hit",
    ),
    ("hit-for-fresh", "a fresh answer is reported as HIT", hit_for_fresh, "cache-miss"),
    needs=("cache",),
)
