"""Operators on what the gateway reads, sends on and decides: who may, what is kept, what counts.

Each puts a rule in the place of the right one, which it follows but on its occasions.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from harness.defects.mutants.values import EDITS, edited
from harness.defects.when import Occasions
from harness.gateway.call import Arrival, Call
from harness.gateway.limits import Limiter
from harness.gateway.rules import Rules
from harness.gateway.upstream.errors import encode

Document = dict[str, Any]
CacheKey = Callable[[Call], bytes]
Admits = Callable[[Limiter, Call], bool]
Operator = Callable[[str, Occasions, Rules], Rules]
"""The rules with one of them broken at a place."""


def _arrival(given: tuple[Any, ...]) -> Arrival:
    """The request that a rule is asked about."""
    asked = next(each for each in given if isinstance(each, Arrival | Call))
    return asked.arrival if isinstance(asked, Call) else asked


def _rule(name: str, decide: Callable[..., Any]) -> Operator:
    """A rule in place of the right one: that, place and occasions come before what it is about."""

    def operator(place: str, occasions: Occasions, rules: Rules) -> Rules:
        changed: dict[str, Any] = {name: partial(decide, getattr(rules, name), place, occasions)}
        return replace(rules, **changed)

    return operator


def _otherwise(name: str, change: Callable[..., Any]) -> Operator:
    """A rule whose decision is changed; only what comes out otherwise counts as an occasion."""

    def decide(right: Callable[..., Any], place: str, occasions: Occasions, *given: Any) -> Any:
        decision = right(*given)
        other = change(decision, place, *given)
        return other if other != decision and occasions.shows(_arrival(given)) else decision

    return _rule(name, decide)


def _instead(name: str, other: Callable[..., Any]) -> Operator:
    """A rule that on an occasion is not asked at all."""

    def decide(right: Callable[..., Any], _: str, occasions: Occasions, *given: Any) -> Any:
        return (other if occasions.shows(_arrival(given)) else right)(*given)

    return _rule(name, decide)


BODY_PLACES = (
    "model messages messages.0 messages.0.role messages.0.content messages.last "
    "messages.last.content max_tokens max_completion_tokens temperature top_p stop stop.0 seed n "
    "user stream stream_options stream_options.include_usage logprobs top_logprobs tools tools.0 "
    "tools.0.function.name tools.0.function.parameters tools.0.function.parameters.properties "
    "tools.0.function.parameters.required tool_choice tool_choice.function.name "
    "parallel_tool_calls response_format response_format.type response_format.json_schema.schema "
    "response_format.json_schema.schema.properties.text.enum.0 "
    "response_format.json_schema.schema.properties.number.enum.0 reasoning_effort "
    "frequency_penalty presence_penalty prompt"
)


def _body(edit: Callable[[Document, str], Any]) -> Operator:
    """The provider gets another body."""

    def change(document: Any, place: str, *_: Any) -> Any:
        return edit(document, place) if isinstance(document, dict) else document

    return _otherwise("forward", change)


def _sent(operator: str) -> Operator:
    return _body(lambda document, place: edited(document, tuple(place.split(".")), operator))


def _messages(edit: Callable[[list[Any]], list[Any]]) -> Operator:
    def other(document: Document, _: str) -> Document:
        given = document.get("messages")
        usable = isinstance(given, list) and given
        return {**document, "messages": edit(document["messages"])} if usable else document

    return _body(other)


def _merged(messages: list[Any]) -> list[Any]:
    texts = [message.get("content") for message in messages if isinstance(message, dict)]
    joined = "\n".join(text for text in texts if isinstance(text, str))
    return [{"role": "user", "content": joined}]


DEFAULTS: Mapping[str, Any] = {
    "max_tokens": 4096,
    "temperature": 1,
    "top_p": 1,
    "n": 1,
    "stream": False,
    "stop": None,
    "seed": 0,
    "logprobs": False,
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "response_format": {"type": "text"},
    "reasoning_effort": "medium",
}
CLAMPS: Mapping[str, int] = {
    "max_tokens": 16,
    "max_completion_tokens": 2,
    "temperature": 1,
    "top_logprobs": 1,
}


def _default(document: Document, place: str) -> Document:
    return {**document, place: DEFAULTS[place]} if place in document else document


def _clamped(document: Document, place: str) -> Document:
    value = document.get(place)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return {**document, place: min(value or 0, CLAMPS[place])} if numeric else document


SENT: Mapping[str, Operator] = {f"sent-{name}": _sent(name) for name in EDITS}
OF_MESSAGES: Mapping[str, Operator] = {
    "messages-reversed": _messages(lambda messages: messages[::-1]),
    "messages-merged": _messages(_merged),
    "messages-last-only": _messages(lambda messages: messages[-1:]),
    "messages-system-added": _messages(
        lambda messages: [{"role": "system", "content": "Be helpful."}, *messages]
    ),
}
DEFAULTED: Mapping[str, Operator] = {"default": _body(_default)}
CLAMPED: Mapping[str, Operator] = {"clamp": _body(_clamped)}

OPTIONS = (
    "authorization cf-aig-authorization cf-aig-cache-key cf-aig-cache-ttl cf-aig-collect-log "
    "cf-aig-event-id cf-aig-metadata cf-aig-request-timeout cf-aig-skip-cache cf-aig-max-attempts "
    "cf-aig-retry-delay cf-aig-backoff"
)
"""The documented request fields."""


def _option(read: Callable[[str], str | None]) -> Operator:
    """The gateway reads a request field otherwise, or not at all."""

    def change(given: Mapping[str, str], place: str, _: Arrival) -> Mapping[str, str]:
        value = read(given[place]) if place in given else None
        rest = {name: text for name, text in given.items() if name != place}
        return rest if value is None else {**rest, place: value}

    return _otherwise("fields", change)


IGNORED: Mapping[str, Operator] = {"option-ignored": _option(lambda _: None)}
SCALED: Mapping[str, Operator] = {
    "option-scaled": _option(lambda text: str(int(text) * 1000) if text.isdigit() else text)
}
LOWERED: Mapping[str, Operator] = {"option-lowered": _option(str.lower)}

KEY_PARTS = (
    "body path authorization model messages max_tokens temperature stream tools prompt case "
    "spaces end"
)
"""What a cache key may wrongly leave out."""


def _key(right: CacheKey, part: str, occasions: Occasions, call: Call) -> bytes:
    """The default cache key ignores a part of the request; a custom key still replaces it."""
    ignores = call.options.cache_key is None and occasions.shows(call.arrival)
    return right(_without(call, part) if ignores else call)


def _without(call: Call, part: str) -> Call:
    arrival = call.arrival
    body = arrival.request.body
    if part == "path":
        return replace(call, target=replace(call.target, provider="", endpoint=""))
    if part == "authorization":
        kept = {n: v for n, v in arrival.fields.items() if n != "authorization"}
        return replace(call, arrival=replace(arrival, fields=kept))
    made = {"body": b"", "case": body.lower(), "spaces": b"".join(body.split()), "end": body[:512]}
    if part not in made and isinstance(call.document, dict):
        made[part] = encode({n: v for n, v in call.document.items() if n != part})
    request = replace(arrival.request, body=made.get(part, body))
    document = call.document
    if part in ("model", "body") and isinstance(document, dict):
        document = {n: v for n, v in document.items() if n != "model"}
    return replace(call, arrival=replace(arrival, request=request), document=document)


KEY: Mapping[str, Operator] = {"key-ignores": _rule("cache_key", _key)}


def _ttl(factor: float) -> Operator:
    """Answers are kept for another time; no turn is counted."""

    def decide(right: Callable[[Call], int], _: str, occasions: Occasions, call: Call) -> int:
        ttl = right(call)
        return int(ttl * factor) if occasions.condition(call.arrival) else ttl

    return _rule("cache_ttl", decide)


def _spare(count: int) -> Operator:
    def admits(limiter: Limiter, call: Call) -> bool:
        return limiter.admit(call.arrival.now_ns, spare=count)

    return _instead("admits", admits)


def _counted_twice(
    right: Admits, _: str, occasions: Occasions, limiter: Limiter, call: Call
) -> bool:
    admitted = right(limiter, call)
    if admitted and occasions.shows(call.arrival):
        right(limiter, call)
    return admitted


def _has_token(right: bool, _: str, arrival: Arrival, *__: Any) -> bool:
    return right or bool(arrival.fields.get("cf-aig-authorization"))


CACHE: Mapping[str, Operator] = {
    "cache-never-read": _otherwise("reads_cache", lambda *_: False),
    "cache-never-written": _otherwise("stores", lambda *_: False),
    "cache-writes-all": _otherwise("stores", lambda *_: True),
    "cache-ttl-tenfold": _ttl(10),
    "cache-ttl-third": _ttl(0.34),
}
LIMIT: Mapping[str, Operator] = {
    "limit-plus-one": _spare(1),
    "limit-minus-one": _spare(-1),
    "limit-doubled": _spare(4),
    "limit-uncounted": _instead("admits", lambda *_: True),
    "limit-closed": _instead("admits", lambda *_: False),
    "limit-counts-twice": _rule("admits", _counted_twice),
    "limit-counts-hits": lambda _, __, rules: replace(rules, hits_count=True),
}
ACCESS: Mapping[str, Operator] = {
    "token-open": _otherwise("authorised", lambda *_: True),
    "token-any": _otherwise("authorised", _has_token),
    "token-shut": _otherwise("authorised", lambda *_: False),
    "key-replaced": _instead("credential", lambda call, _: f"Bearer {call.config.provider_key}"),
    "key-lost": _instead("credential", lambda *_: None),
}
