"""The universal endpoint: a list of steps, tried one after the other until one succeeds.

developers.cloudflare.com/ai-gateway/usage/universal/ and configuration/fallbacks/. What a step may
set, in order of precedence: its config, its headers, the request's headers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.gateway import envelope, routing
from harness.gateway.call import Arrival, Call
from harness.gateway.config import Config
from harness.gateway.envelope import Refusal
from harness.gateway.options import options_of
from harness.gateway.upstream.errors import JSON, encode
from harness.wire import Headers, Request, Response

_CONFIG = {
    "requestTimeout": "cf-aig-request-timeout",
    "maxAttempts": "cf-aig-max-attempts",
    "retryDelay": "cf-aig-retry-delay",
    "backoff": "cf-aig-backoff",
    "cacheTtl": "cf-aig-cache-ttl",
    "skipCache": "cf-aig-skip-cache",
    "cacheKey": "cf-aig-cache-key",
}
"""What `config` is called as a header (configuration/request-handling/); the cache names are those
of `ai-gateway-provider`."""


@dataclass(frozen=True, slots=True)
class UniversalStep:
    """One element of the list; header names in lower case, `config` already as headers."""

    provider: str
    endpoint: str
    headers: Mapping[str, str]
    config: Mapping[str, str]
    query: Any


@dataclass(frozen=True, slots=True)
class TriedStep:
    """What became of one step, for the log."""

    provider: str
    endpoint: str
    status: int
    attempts: int
    cache_status: str | None
    model: str


def read_steps(document: Any) -> tuple[UniversalStep, ...] | None:
    """The steps of a decoded body; None when it is no list of steps."""
    if not isinstance(document, list) or not document:
        return None
    steps = [_step(item) for item in document]
    return tuple(step for step in steps if step) if all(steps) else None


def _step(item: Any) -> UniversalStep | None:
    if not isinstance(item, Mapping) or "query" not in item:
        return None
    provider, endpoint = item.get("provider"), item.get("endpoint", "")
    headers, config = _texts(item.get("headers")), _texts(item.get("config"))
    if not (isinstance(provider, str) and isinstance(endpoint, str)):
        return None
    if headers is None or config is None:
        return None
    named = {name.lower(): value for name, value in headers.items()}
    if isinstance(item.get("authorization"), str):
        named.setdefault("authorization", item["authorization"])
    options = {_CONFIG[name]: value for name, value in config.items() if name in _CONFIG}
    return UniversalStep(provider, endpoint.removeprefix("/"), named, options, item["query"])


def _texts(fields: Any) -> dict[str, str] | None:
    """Header values as text; None for what is no object of plain values."""
    fields = {} if fields is None else fields
    if not isinstance(fields, Mapping):
        return None
    if not all(isinstance(value, str | int | float) for value in fields.values()):
        return None
    return {name: _text(value) for name, value in fields.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def call_of(arrival: Arrival, step: UniversalStep, config: Config) -> Call | Refusal:
    """The step as if it had been sent to its provider's own endpoint."""
    fields = _fields(arrival.fields, step, config)
    options = options_of(fields, reject=config.behaviour.option_out_of_range == "reject")
    if isinstance(options, Refusal):
        return options
    target = routing.locate(f"{step.provider}/{step.endpoint}", config)
    if isinstance(target, Refusal):
        return target
    path = f"{arrival.request.path.rstrip('/')}/{step.provider}/{step.endpoint}"
    request = Request("POST", path, Headers(fields.items()), encode(step.query))
    return Call(
        replace(arrival, request=request, fields=fields), config, target, options, step.query
    )


def _fields(given: Mapping[str, str], step: UniversalStep, config: Config) -> dict[str, str]:
    """The headers of one step: gateway options of the request, then all of the step's own."""
    inherited = {name: value for name, value in given.items() if name.startswith("cf-")}
    if config.behaviour.universal_authorization == "step-or-request" and "authorization" in given:
        inherited["authorization"] = given["authorization"]
    passed = {name: given[name] for name in ("accept", "user-agent") if name in given}
    return {"content-type": JSON, **passed, **inherited, **step.headers, **step.config}


def falls_back(answer: Response, config: Config) -> bool:
    """Whether a step's answer hands over to the next step."""
    if config.behaviour.universal_fallback == "any-error":
        return answer.status >= 400
    return answer.status >= 500 or answer.status in (408, 429)


def bad_body(config: Config) -> Refusal:
    """What a body that is no list of steps earns."""
    bad_path = config.behaviour.universal_bad_body == "400-2001"
    return envelope.UNKNOWN_GATEWAY if bad_path else envelope.BAD_FORMAT
