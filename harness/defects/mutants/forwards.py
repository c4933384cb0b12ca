"""Generated defects of what the gateway reads and sends on: body fields, messages, options."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.defects.mutants.occasion import Occasion
from harness.defects.mutants.values import EDITS, edited
from harness.gateway.call import Call
from harness.gateway.rules import Rules

Fields = dict[str, str]

BODY_PLACES = (
    "model",
    "messages",
    "messages.0",
    "messages.0.role",
    "messages.0.content",
    "messages.last",
    "messages.last.content",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "stop.0",
    "seed",
    "n",
    "user",
    "stream",
    "stream_options",
    "stream_options.include_usage",
    "logprobs",
    "top_logprobs",
    "tools",
    "tools.0",
    "tools.0.function.name",
    "tools.0.function.parameters",
    "tools.0.function.parameters.properties",
    "tools.0.function.parameters.required",
    "tool_choice",
    "tool_choice.function.name",
    "parallel_tool_calls",
    "response_format",
    "response_format.type",
    "response_format.json_schema.schema",
    "response_format.json_schema.schema.properties.text.enum.0",
    "response_format.json_schema.schema.properties.number.enum.0",
    "reasoning_effort",
    "frequency_penalty",
    "presence_penalty",
    "prompt",
)
LIMITS = ("max_tokens", "max_completion_tokens")


def _reversed(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "messages": document["messages"][::-1]}


def _merged(document: dict[str, Any]) -> dict[str, Any]:
    texts = [m.get("content") for m in document["messages"] if isinstance(m, dict)]
    joined = "\n".join(text for text in texts if isinstance(text, str))
    return {**document, "messages": [{"role": "user", "content": joined}]}


def _last_only(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "messages": document["messages"][-1:]}


def _system_added(document: dict[str, Any]) -> dict[str, Any]:
    added = {"role": "system", "content": "Be helpful."}
    return {**document, "messages": [added, *document["messages"]]}


MESSAGES: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "messages-reversed": _reversed,
    "messages-merged": _merged,
    "messages-last-only": _last_only,
    "messages-system-added": _system_added,
}
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
SENT = tuple(f"sent-{name}" for name in EDITS)
DEFAULTED, CLAMPED = "default", "clamp"
_CLAMPS: Mapping[str, int] = {
    "max_tokens": 16,
    "max_completion_tokens": 2,
    "temperature": 1,
    "top_logprobs": 1,
}
_RATES = ("cf-aig-max-attempts", "cf-aig-retry-delay", "cf-aig-backoff")
OPTIONS = (
    "authorization",
    "cf-aig-authorization",
    "cf-aig-cache-key",
    "cf-aig-cache-ttl",
    "cf-aig-collect-log",
    "cf-aig-event-id",
    "cf-aig-metadata",
    "cf-aig-request-timeout",
    "cf-aig-skip-cache",
    *_RATES,
)
"""The documented request fields."""
IGNORED, SCALED, LOWERED = "option-ignored", "option-scaled", "option-lowered"
OPTION_OPERATORS = (IGNORED, SCALED, LOWERED)


def sent_otherwise(place: str, operator: str, occasion: Occasion, rules: Rules) -> Rules:
    """Rules by which the provider gets another body."""

    def forward(call: Call, document: Any) -> Any:
        document = rules.forward(call, document)
        if not isinstance(document, dict) or not occasion.holds(call.arrival):
            return document
        other = _edited(document, place, operator)
        changed = other != document
        return other if changed and occasion.turn(call.arrival) else document

    return replace(rules, forward=forward)


def _edited(document: dict[str, Any], place: str, operator: str) -> Any:
    if operator in MESSAGES:
        usable = isinstance(document.get("messages"), list) and document["messages"]
        return MESSAGES[operator](document) if usable else document
    if operator == DEFAULTED:
        return {**document, place: DEFAULTS[place]} if place in document else document
    if operator == CLAMPED:
        value = document.get(place)
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        return {**document, place: min(value or 0, _CLAMPS[place])} if numeric else document
    return edited(document, tuple(place.split(".")), operator.removeprefix("sent-"))


def read_otherwise(place: str, operator: str, occasion: Occasion, rules: Rules) -> Rules:
    """Rules by which the gateway reads a request field otherwise, or not at all."""

    def fields(arrival: Any) -> Mapping[str, str]:
        given = rules.fields(arrival)
        if place not in given or not occasion.holds(arrival):
            return given
        value = _read(given[place], operator)
        if value == given[place] or not occasion.turn(arrival):
            return given
        rest = {name: text for name, text in given.items() if name != place}
        return rest if value is None else {**rest, place: value}

    return replace(rules, fields=fields)


def _read(value: str, operator: str) -> str | None:
    if operator == IGNORED:
        return None
    if operator == SCALED:
        return str(int(value) * 1000) if value.isdigit() else value
    return value.lower()
