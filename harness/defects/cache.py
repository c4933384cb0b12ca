"""The cache: what is kept, under which key, for how long, and what a kept answer is."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.edits import with_body, with_header
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway import cache
from harness.gateway.call import Call
from harness.gateway.rules import cache_key, cache_ttl, stores
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Headers, Response

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


def keyed(
    *,
    body: Callable[[Call], bytes] | None = None,
    route: bool = True,
    model: bool = True,
) -> Decisions:
    """Rules whose default key leaves something out; a custom key still replaces it."""

    def key(call: Call) -> bytes:
        if call.options.cache_key is not None:
            return cache.custom_key(call.options.cache_key)
        return cache.default_key(
            provider=call.target.provider if route else "",
            endpoint=call.target.endpoint if route else "",
            model=call.model if model else "",
            authorization=call.authorization or "",
            body=body(call) if body else call.arrival.request.body,
        )

    return deciding(cache_key=key)


def _without(*names: str) -> Callable[[Call], bytes]:
    def body(call: Call) -> bytes:
        if not isinstance(call.document, dict):
            return call.arrival.request.body
        return encode({name: v for name, v in call.document.items() if name not in names})

    return body


def _only(*names: str) -> Callable[[Call], bytes]:
    def body(call: Call) -> bytes:
        if not isinstance(call.document, dict):
            return call.arrival.request.body
        return encode({name: v for name, v in call.document.items() if name in names})

    return body


def _route_free(call: Call) -> bytes:
    """The body under the provider's model name, so that routes share it."""
    if not isinstance(call.document, dict):
        return call.arrival.request.body
    return encode({**call.document, "model": call.model.removeprefix("baseten/")})


def _lower(call: Call) -> bytes:
    return call.arrival.request.body.lower()


def _start(call: Call) -> bytes:
    return call.arrival.request.body[:1024]


def _squeezed(call: Call) -> bytes:
    return b"".join(call.arrival.request.body.split())


def _with_metadata(call: Call) -> bytes:
    return cache_key(call) + call.arrival.fields.get("cf-aig-metadata", "").encode()


def _no_custom_key(call: Call) -> bytes:
    return cache_key(replace(call, options=replace(call.options, cache_key=None)))


def _custom_key_and_body(call: Call) -> bytes:
    return cache_key(call) + call.arrival.request.body


def _always_stores(call: Call, response: Response) -> bool:
    return stores(call, response) or response.status >= 400


def _stores_streams(call: Call, response: Response) -> bool:
    return stores(call, response) or response.status == 200


def _endless(call: Call) -> int:
    return 10**6 if cache_ttl(call) else 0


def _gateway_ttl(call: Call) -> int:
    """The gateway's TTL, whatever the request says."""
    return cache_ttl(replace(call, options=replace(call.options, cache_ttl=None)))


def _none_asked(call: Call) -> int:
    """The gateway's TTL, and none for a request that has one of its own."""
    return 0 if call.options.cache_ttl is not None else cache_ttl(call)


def _a_second(call: Call) -> int:
    return 1 if cache_ttl(call) else 0


def _on_hit(edit: Callable[[Response], Response]) -> Callable[[Served], Response]:
    def respond(served: Served) -> Response:
        hit = served.response.headers.get("cf-aig-cache-status") == "HIT"
        return edit(served.response) if hit else served.response

    return respond


def _status(value: str | None) -> Callable[[Response], Response]:
    def edit(response: Response) -> Response:
        if value is None:
            return replace(
                response, headers=Headers(response.headers.without("cf-aig-cache-status"))
            )
        return with_header(response, "cf-aig-cache-status", value)

    return edit


def _new_id(response: Response) -> Response:
    """A kept completion with another text: not what was stored."""
    if response.media_type != "application/json" or not response.body:
        return response
    document: Any = json.loads(response.body)
    return with_body(response, encode({**document, "cached": True, "choices": []}))


STORAGE = rows(
    "cache",
    (
        "cache-key-ignores-route",
        "native and compat share entries",
        keyed(body=_route_free, route=False, model=False),
        "cache-key-path",
        "I07",
    ),
    (
        "cache-key-ignores-path",
        "provider and path are not in the key",
        keyed(route=False),
        "cache-key-path",
    ),
    (
        "cache-key-ignores-model",
        "the model is not in the key",
        keyed(body=_without("model"), model=False),
        "model-is-asked cache-key-model",
    ),
    (
        "cache-key-messages-only",
        "only model and messages are in the key",
        keyed(body=_only("model", "messages", "prompt", "stream")),
        "max-tokens cache-key-fields",
    ),
    (
        "cache-key-ignores-limits",
        "max_tokens is not in the key",
        keyed(body=_without("max_tokens", "max_completion_tokens")),
        "max-tokens cache-key-fields",
    ),
    (
        "cache-key-ignores-tools",
        "tools are not in the key",
        keyed(body=_without("tools", "tool_choice")),
        "cache-key-fields",
    ),
    (
        "cache-key-ignores-format",
        "response_format is not in the key",
        keyed(body=_without("response_format")),
        "cache-key-fields",
    ),
    (
        "cache-key-ignores-temperature",
        "temperature and seed are not in the key",
        keyed(body=_without("temperature", "seed", "top_p")),
        "cache-key-fields",
    ),
    (
        "cache-key-ignores-stream",
        "a stream is answered from a plain answer's entry",
        keyed(body=_without("stream", "stream_options")),
        "label-stream cache-stream",
    ),
    (
        "cache-key-lower-cased",
        "the key is made of the lower-case body",
        keyed(body=_lower),
        "cache-key-fields",
    ),
    (
        "cache-key-without-space",
        "white space is not in the key",
        keyed(body=_squeezed),
        "cache-key-fields",
    ),
    (
        "cache-key-first-kilobyte",
        "only the first KiB of the body is in the key",
        keyed(body=_start),
        "cache-key-body cache-stream",
    ),
    (
        "cache-key-has-metadata",
        "cf-aig-metadata is in the key",
        deciding(cache_key=_with_metadata),
        "cache-metadata",
    ),
    (
        "custom-key-ignored",
        "cf-aig-cache-key has no effect",
        deciding(cache_key=_no_custom_key),
        "cache-custom-key cache-asked-key",
    ),
    (
        "custom-key-not-alone",
        "the body is in the key beside cf-aig-cache-key",
        deciding(cache_key=_custom_key_and_body),
        "cache-custom-key cache-asked-key",
    ),
    (
        "errors-cached",
        "the provider's errors are kept",
        deciding(stores=_always_stores),
        "cache-errors",
    ),
    (
        "streams-cached",
        "streams are kept and replayed",
        deciding(stores=_stores_streams),
        "cache-stream",
    ),
    (
        "cache-never-expires",
        "entries outlive their TTL",
        deciding(cache_ttl=_endless),
        "cache-expires",
    ),
    (
        "cache-ttl-header-ignored",
        "cf-aig-cache-ttl has no effect",
        deciding(
            cache_ttl=_gateway_ttl,
            reads_cache=lambda call: not call.options.skip_cache and _gateway_ttl(call) > 0,
        ),
        "cache-own-ttl",
    ),
    (
        "cache-ttl-header-disables",
        "cf-aig-cache-ttl turns caching off, whatever it says",
        deciding(cache_ttl=_none_asked, reads_cache=lambda call: _none_asked(call) > 0),
        "cache-asked-ttl cache-own-ttl",
    ),
    (
        "cache-expires-early",
        "entries live one second",
        deciding(cache_ttl=_a_second),
        "cache-lives cache-own-ttl",
    ),
    (
        "hit-as-miss",
        "a kept answer is reported as MISS",
        _on_hit(_status("MISS")),
        "cache-hit cache-fresh",
    ),
    (
        "hit-unreported",
        "a kept answer has no cache status",
        _on_hit(_status(None)),
        "cache-hit cache-fresh",
    ),
    (
        "hit-lower-case",
        "the status of a kept answer is `hit`",
        _on_hit(_status("hit")),
        "cache-status-words",
    ),
    (
        "hit-cut",
        "a kept answer loses its last bytes",
        _on_hit(lambda r: with_body(r, r.body[:-10])),
        "plain-one-json cache-same",
    ),
    ("hit-changed", "a kept answer has no choices", _on_hit(_new_id), "plain-fields cache-same"),
    (
        "hit-label-lost",
        "a kept answer is labelled octet-stream",
        _on_hit(lambda r: with_header(r, "content-type", "application/octet-stream")),
        "label-json",
    ),
    (
        "hit-status-203",
        "a kept answer is 203",
        _on_hit(lambda r: replace(r, status=203)),
        "status-200",
    ),
    needs=("cache",),
)
