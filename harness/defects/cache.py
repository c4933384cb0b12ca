"""The cache: what is kept, under which key, for how long, and what a kept answer is."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.answers import (
    both,
    document,
    header,
    hit,
    label,
    labelled,
    on,
    rewritten,
    status,
    without_headers,
)
from harness.defects.edits import Change, Document, having, without
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway import cache
from harness.gateway.call import Call
from harness.gateway.rules import cache_key, cache_ttl, stores
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Response

_STATUS = "cf-aig-cache-status"


def keyed(
    *,
    body: Callable[[Call], bytes] | None = None,
    route: bool = True,
    model: bool = True,
    authorization: bool = True,
) -> Decisions:
    """The default key leaves something out; a custom key still replaces it."""

    def key(call: Call) -> bytes:
        if call.options.cache_key is not None:
            return cache.custom_key(call.options.cache_key)
        return cache.default_key(
            provider=call.target.provider if route else "",
            endpoint=call.target.endpoint if route else "",
            model=call.model if model else "",
            authorization=(call.authorization or "") if authorization else "",
            body=body(call) if body else call.arrival.request.body,
        )

    return deciding(cache_key=key)


def _fields(change: Change) -> Callable[[Call], bytes]:
    """The body with other fields."""

    def body(call: Call) -> bytes:
        if not isinstance(call.document, dict):
            return call.arrival.request.body
        return encode(change(call.document))

    return body


def _core(asked: Document) -> Document:
    return {n: v for n, v in asked.items() if n in ("model", "messages", "prompt", "stream")}


def _route_free(call: Call) -> bytes:
    """The body under the provider's model name, so that routes share it."""
    if not isinstance(call.document, dict):
        return call.arrival.request.body
    return encode({**call.document, "model": call.model.removeprefix("baseten/")})


def _with_metadata(call: Call) -> bytes:
    return cache_key(call) + call.arrival.fields.get("cf-aig-metadata", "").encode()


def _no_custom_key(call: Call) -> bytes:
    return cache_key(replace(call, options=replace(call.options, cache_key=None)))


def _storing(more: Callable[[Response], bool]) -> Decisions:
    """Something is kept beside what should be."""
    return deciding(stores=lambda call, response: stores(call, response) or more(response))


def _living(seconds: int) -> Decisions:
    """What is kept lives so long."""
    return deciding(cache_ttl=lambda call: seconds if cache_ttl(call) else 0)


def _gateway_ttl(call: Call) -> int:
    """The gateway's TTL, whatever the request says."""
    return cache_ttl(replace(call, options=replace(call.options, cache_ttl=None)))


def _none_asked(call: Call) -> int:
    """The gateway's TTL, and none for a request that has one of its own."""
    return 0 if call.options.cache_ttl is not None else cache_ttl(call)


def _missed(served: Served) -> bool:
    return served.response.headers.get(_STATUS) == "MISS"


CACHE = rows(
    "cache",
    (
        "cache-key-ignores-body",
        "an earlier answer is served for another body",
        keyed(body=lambda _: b""),
        "cache-key-body",
        "I07",
    ),
    (
        "cache-key-ignores-auth",
        "an answer kept for one provider key is served to another",
        keyed(authorization=False),
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
    (
        "hit-for-fresh",
        "a fresh answer is reported as HIT",
        on(_missed, header(_STATUS, "HIT")),
        "cache-miss",
    ),
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
        keyed(body=_fields(without("model")), model=False),
        "model-is-asked cache-key-model",
    ),
    (
        "cache-key-messages-only",
        "only model and messages are in the key",
        keyed(body=_fields(_core)),
        "max-tokens cache-key-fields",
    ),
    (
        "cache-key-ignores-limits",
        "max_tokens is not in the key",
        keyed(body=_fields(without("max_tokens", "max_completion_tokens"))),
        "max-tokens cache-key-fields",
    ),
    (
        "cache-key-ignores-tools",
        "tools are not in the key",
        keyed(body=_fields(without("tools", "tool_choice"))),
        "cache-key-fields",
    ),
    (
        "cache-key-ignores-format",
        "response_format is not in the key",
        keyed(body=_fields(without("response_format"))),
        "cache-key-fields",
    ),
    (
        "cache-key-ignores-temperature",
        "temperature and seed are not in the key",
        keyed(body=_fields(without("temperature", "seed", "top_p"))),
        "cache-key-fields",
    ),
    (
        "cache-key-ignores-stream",
        "a stream is answered from a plain answer's entry",
        keyed(body=_fields(without("stream", "stream_options"))),
        "label-stream cache-stream",
    ),
    (
        "cache-key-lower-cased",
        "the key is made of the lower-case body",
        keyed(body=lambda call: call.arrival.request.body.lower()),
        "cache-key-fields",
    ),
    (
        "cache-key-without-space",
        "white space is not in the key",
        keyed(body=lambda call: b"".join(call.arrival.request.body.split())),
        "cache-key-fields",
    ),
    (
        "cache-key-first-kilobyte",
        "only the first KiB of the body is in the key",
        keyed(body=lambda call: call.arrival.request.body[:1024]),
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
        deciding(cache_key=lambda call: cache_key(call) + call.arrival.request.body),
        "cache-custom-key cache-asked-key",
    ),
    (
        "errors-cached",
        "the provider's errors are kept",
        _storing(lambda response: response.status >= 400),
        "cache-errors",
    ),
    (
        "streams-cached",
        "streams are kept and replayed",
        _storing(lambda response: response.status == 200),
        "cache-stream",
    ),
    ("cache-never-expires", "entries outlive their TTL", _living(10**6), "cache-expires"),
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
    ("cache-expires-early", "entries live one second", _living(1), "cache-lives cache-own-ttl"),
    (
        "hit-as-miss",
        "a kept answer is reported as MISS",
        on(hit, header(_STATUS, "MISS")),
        "cache-hit cache-fresh",
    ),
    (
        "hit-unreported",
        "a kept answer has no cache status",
        on(hit, without_headers(_STATUS)),
        "cache-hit cache-fresh",
    ),
    (
        "hit-lower-case",
        "the status of a kept answer is `hit`",
        on(hit, header(_STATUS, "hit")),
        "cache-status-words",
    ),
    (
        "hit-cut",
        "a kept answer loses its last bytes",
        on(hit, rewritten(lambda data: data[:-10])),
        "plain-one-json cache-same",
    ),
    (
        "hit-changed",
        "a kept answer has no choices",
        on(both(hit, labelled("application/json")), document(having(cached=True, choices=[]))),
        "plain-fields cache-same",
    ),
    (
        "hit-label-lost",
        "a kept answer is labelled octet-stream",
        on(hit, label("application/octet-stream")),
        "label-json",
    ),
    ("hit-status-203", "a kept answer is 203", on(hit, status(203)), "status-200"),
    needs=("cache",),
)
