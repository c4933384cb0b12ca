"""The cache (developers.cloudflare.com/ai-gateway/features/caching/)."""

from dataclasses import replace

from harness.defects.defect import Defect
from harness.defects.edits import with_header
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


CACHING = (
    Defect(
        name="cache-key-ignores-body",
        catalogue="I07",
        group="cache",
        statement="an earlier answer is served for another body",
        shown_by="two cached requests with different bodies for one model",
        source="constructed",
        rules=lambda rules: replace(rules, cache_key=_key_without_body),
        needs=_CACHE,
    ),
    Defect(
        name="cache-key-ignores-auth",
        catalogue="I07",
        group="cache",
        statement="an answer kept for one provider key is served to another",
        shown_by="two cached requests that differ in Authorization",
        source="constructed",
        rules=lambda rules: replace(rules, cache_key=_key_without_auth),
        needs=_CACHE,
    ),
    Defect(
        name="skip-cache-ignored",
        catalogue="own",
        group="cache",
        statement="cf-aig-skip-cache: true is answered from the cache",
        shown_by="a repeated request with cf-aig-skip-cache",
        source="constructed",
        rules=lambda rules: replace(rules, reads_cache=lambda call: cache_ttl(call) > 0),
        needs=_CACHE,
    ),
    Defect(
        name="cache-never-hits",
        catalogue="own",
        group="cache",
        statement="a repeated request within the TTL is not served from the cache",
        shown_by="a repeated request",
        source="constructed",
        rules=lambda rules: replace(rules, reads_cache=lambda _call: False),
        needs=_CACHE,
    ),
    Defect(
        name="hit-for-fresh",
        catalogue="own",
        group="cache",
        statement="a fresh answer is reported as HIT",
        shown_by="every first request",
        source="constructed",
        respond=hit_for_fresh,
        needs=_CACHE,
    ),
)
