"""The gateway's decisions as plain functions in one record: what a defect replaces.

Sources: developers.cloudflare.com/ai-gateway/, configuration/authentication/, features/caching/,
features/rate-limiting/ and usage/chat-completion/.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.gateway import cache, universal
from harness.gateway.call import Arrival, Call
from harness.gateway.config import Config
from harness.gateway.limits import Limiter
from harness.gateway.universal import UniversalStep
from harness.wire import Response


def fields(arrival: Arrival) -> Mapping[str, str]:
    """The request fields that the gateway reads: those that came."""
    return arrival.fields


def authorised(arrival: Arrival, config: Config) -> bool:
    """Whether the request carries the gateway's token, where one is required."""
    expected = f"Bearer {config.gateway_token}"
    if config.gateway_token is None or arrival.fields.get("cf-aig-authorization") == expected:
        return True
    lone = "cf-aig-authorization" not in arrival.fields and "/compat/" in arrival.request.path
    allowed = config.behaviour.compat_token_in_authorization and lone
    return allowed and arrival.fields.get("authorization") == expected


def cache_key(call: Call) -> bytes:
    """The custom key, or SHA-256 over provider, path, model, provider auth header and body."""
    if call.options.cache_key is not None:
        return cache.custom_key(call.options.cache_key)
    return cache.default_key(
        provider=call.target.provider,
        endpoint=call.target.endpoint,
        model=call.model,
        authorization=call.authorization or "",
        body=call.arrival.request.body,
    )


def cache_ttl(call: Call) -> int:
    """Seconds that the answer may be kept: request over gateway; 0 means no caching."""
    if call.options.cache_ttl is not None:
        return call.options.cache_ttl
    ghost = cache.GHOST_TTL_S if call.config.behaviour.ghost_cache else 0
    of_gateway = call.config.cache_ttl or ghost
    if call.options.cache_key is not None:
        return of_gateway or cache.CUSTOM_KEY_TTL_S
    return of_gateway


def reads_cache(call: Call) -> bool:
    """Whether a kept answer may be served."""
    return not call.options.skip_cache and cache_ttl(call) > 0


def stores(call: Call, response: Response) -> bool:
    """Whether the provider's answer is kept: complete successes, and no streams by default."""
    behaviour = call.config.behaviour
    if call.options.skip_cache and not behaviour.skip_cache_writes:
        return False
    small = len(call.arrival.request.body) <= cache.MAX_REQUEST_BYTES
    plain = not call.stream or behaviour.stream_cached
    return response.status == 200 and small and plain


def upstream_model(model: str) -> str:
    """The provider's name of a compat model: one `baseten/` less."""
    return model.removeprefix("baseten/")


def forward(_call: Call, document: Any) -> Any:
    """The body that the provider gets: as the client sent it."""
    return document


def credential(_call: Call, given: str | None) -> str | None:
    """The provider credential that is sent on: as it was resolved."""
    return given


def admits(limiter: Limiter, call: Call) -> bool:
    """Whether the rate limit lets a request through that no cache answered."""
    return limiter.admit(call.arrival.now_ns)


def timeout_ms(call: Call) -> int | None:
    """The time that an attempt has for the first part of its answer; None is no bound."""
    return call.options.request_timeout_ms


def steps(given: tuple[UniversalStep, ...]) -> tuple[UniversalStep, ...]:
    """The steps of a request to the universal endpoint that are tried: all, in their order."""
    return given


def passed_headers(call: Call) -> tuple[str, ...]:
    """The names of the client's headers that reach the provider: all but the gateway's own."""
    return tuple(name for name in call.arrival.fields if not name.startswith("cf-"))


@dataclass(frozen=True, slots=True)
class Rules:
    """One function per decision.

    `hits_count` is whether the rate limit counts what the cache answers, `last_attempt_waits`
    whether the last of several attempts has no timeout, `timeouts_fall_back` whether a step that
    exceeds its timeout hands over to the next one (both configuration/request-handling/),
    `stops_with_client` whether a client that leaves ends the generation.
    """

    fields: Callable[[Arrival], Mapping[str, str]] = fields
    authorised: Callable[[Arrival, Config], bool] = authorised
    cache_key: Callable[[Call], bytes] = cache_key
    cache_ttl: Callable[[Call], int] = cache_ttl
    reads_cache: Callable[[Call], bool] = reads_cache
    stores: Callable[[Call, Response], bool] = stores
    upstream_model: Callable[[str], str] = upstream_model
    forward: Callable[[Call, Any], Any] = forward
    admits: Callable[[Limiter, Call], bool] = admits
    credential: Callable[[Call, str | None], str | None] = credential
    passed_headers: Callable[[Call], tuple[str, ...]] = passed_headers
    timeout_ms: Callable[[Call], int | None] = timeout_ms
    steps: Callable[[tuple[UniversalStep, ...]], tuple[UniversalStep, ...]] = steps
    falls_back: Callable[[Response, Config], bool] = universal.falls_back
    hits_count: bool = False
    last_attempt_waits: bool = True
    timeouts_fall_back: bool = True
    stops_with_client: bool = True
