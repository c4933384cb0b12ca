"""What the provider's frontend checks in a chat request, and its words.

Bounds and texts: ai-dynamo/dynamo lib/llm/src/protocols/openai/validate.rs and Baseten's published
inference schema; where the two disagree, a behaviour switch decides.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.gateway.behaviour import Behaviour
from harness.gateway.upstream.messages import message_problems
from harness.gateway.upstream.tools import format_problems, tool_problems

_OPENAI = (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
    "max_tokens messages metadata modalities model moderation n parallel_tool_calls prediction "
    "presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format "
    "safety_identifier seed service_tier stop store stream stream_options temperature tool_choice "
    "tools top_logprobs top_p user verbosity web_search_options"
)
_BASETEN = (
    "add_generation_prompt add_special_tokens allowed_token_ids b10_cache_control bad "
    "bad_token_ids bad_words_token_ids baseten best_of cache_salt chat_template chat_template_args "
    "chat_template_kwargs detokenize disaggregated_params documents dynamic_temperature "
    "early_stopping echo ignore_eos include_stop_str_in_output length_penalty min_p min_tokens "
    "repetition_penalty skip_special_tokens stop_token_ids thinking top_k top_p_min "
    "truncate_prompt_tokens"
)
KNOWN_FIELDS = frozenset(f"{_OPENAI} {_BASETEN}".split())

_CANNOT = "Failed to deserialize the JSON body into the target type: "

_RANGES: tuple[tuple[str, str, float, float], ...] = (
    ("top_p", "Top p", 0, 1),
    ("min_p", "Min p", 0, 1),
    ("top_p_min", "Top p min", 0, 1),
    ("frequency_penalty", "Frequency penalty", -2, 2),
    ("presence_penalty", "Presence penalty", -2, 2),
    ("length_penalty", "Length penalty", -2, 2),
    ("top_logprobs", "Top logprobs", 0, 20),
    ("best_of", "Best of", 1, 1),
)
_INTEGERS = ("top_logprobs", "best_of", "seed", "n", "max_tokens", "max_completion_tokens")
_POSITIVE = (("max_tokens", "Max tokens"), ("max_completion_tokens", "Max completion tokens"))
_BOOLEANS = ("stream", "logprobs", "parallel_tool_calls", "ignore_eos", "echo")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def problems(document: Any, behaviour: Behaviour) -> Iterator[str]:
    """Why a decoded chat request is refused, in the order the frontend finds it.

    Only the first counts: those after it assume that it is not there.
    """
    if not isinstance(document, Mapping):
        yield _type_error("the body", "struct NvCreateChatCompletionRequest", document)
        return
    yield from _required(document)
    yield from _types(document)
    if behaviour.unknown_parameter == "reject":
        yield from _unknown(document)
    yield from _model(document)
    yield from message_problems(document["messages"], behaviour.developer_role == "accept")
    yield from _sampling(document, behaviour)
    yield from _limits(document, behaviour)
    yield from _stop(document.get("stop"), behaviour.stop_items_max)
    yield from _stream(document, behaviour)
    yield from _extras(document)
    yield from tool_problems(document)
    yield from format_problems(document.get("response_format"))


def _required(document: Mapping[str, Any]) -> Iterator[str]:
    for name in ("messages", "model"):
        if document.get(name) is None:
            yield f"{_CANNOT}missing field `{name}`"


def _types(document: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(document["messages"], list):
        yield _type_error("messages", "a sequence", document["messages"])
    if not isinstance(document["model"], str):
        yield _type_error("model", "a string", document["model"])
    for name in _BOOLEANS:
        if not isinstance(document.get(name), bool | None):
            yield _type_error(name, "a boolean", document[name])
    for name in _INTEGERS:
        if not _is_integer(document.get(name, 0)):
            yield _type_error(name, "an integer", document[name])
    for name in ("temperature", "top_k", "repetition_penalty", *(row[0] for row in _RANGES)):
        if not _is_number(document.get(name, 0)):
            yield _type_error(name, "a number", document[name])
    for name in ("stream_options", "response_format", "logit_bias", "chat_template_args"):
        if not isinstance(document.get(name), Mapping | None):
            yield _type_error(name, "a map", document[name])


def _is_integer(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _type_error(where: str, expected: str, value: Any) -> str:
    kind = {bool: "boolean", int: "integer", float: "floating point", str: "string"}
    got = kind.get(type(value), "map" if isinstance(value, Mapping) else "sequence")
    got = "null" if value is None else got
    return f"{_CANNOT}{where}: invalid type: {got}, expected {expected}"


def _unknown(document: Mapping[str, Any]) -> Iterator[str]:
    unknown = [name for name in document if name not in KNOWN_FIELDS]
    if unknown:
        names = ", ".join(f"`{name[:100]}`" for name in unknown[:20])
        yield f"Validation: Unsupported parameter(s): {names}"


def _model(document: Mapping[str, Any]) -> Iterator[str]:
    if not document["model"].strip():
        yield "Validation: Model cannot be empty"


def _sampling(document: Mapping[str, Any], behaviour: Behaviour) -> Iterator[str]:
    ranges = (("temperature", "Temperature", 0, behaviour.temperature_max), *_RANGES)
    for name, title, low, high in ranges:
        value = document.get(name)
        if value is not None and not low <= value <= high:
            yield f"Validation: {title} must be between {low} and {high}, got {_short(value)}"
    top_k = document.get("top_k")
    if top_k is not None and top_k < -1:
        yield f"Validation: Top k must be -1 or greater, got {_short(top_k)}"
    penalty = document.get("repetition_penalty")
    if penalty is not None and not 0 < penalty <= 2:
        yield f"Validation: Repetition penalty must be between 0 and 2, got {_short(penalty)}"
    yield from _logit_bias(document.get("logit_bias") or {})


def _logit_bias(bias: Mapping[str, Any]) -> Iterator[str]:
    for value in bias.values():
        if not _is_number(value) or value is None or not -100 <= value <= 100:
            yield f"Validation: Logit bias must be between -100 and 100, got {_short(value)}"


def _short(value: Any) -> str:
    return repr(value)[:40] if _is_number(value) else type(value).__name__


def _limits(document: Mapping[str, Any], behaviour: Behaviour) -> Iterator[str]:
    for name, title in _POSITIVE:
        value = document.get(name)
        if value is not None and value <= 0:
            yield f"Validation: {title} must be greater than 0, got {_short(value)}"
    count = document.get("n")
    if count is not None and not 1 <= count <= 128:
        yield f"Validation: n must be between 1 and 128, got {_short(count)}"
    if count is not None and count > 1 and behaviour.n_policy == "reject":
        yield f"Validation: n > 1 is not supported, got {_short(count)}"


def _stop(stop: Any, most: int) -> Iterator[str]:
    items = [stop] if isinstance(stop, str) else stop
    if items is None:
        return
    if not isinstance(items, list):
        yield _type_error("stop", "a string or a sequence", stop)
        return
    if not 1 <= len(items) <= most:
        yield f"Validation: Stop must have between 1 and {most} items, got {len(items)}"
    for item in items:
        if not isinstance(item, str | int) or isinstance(item, bool):
            yield _type_error("stop", "a string", item)
        if item == "":
            yield "Validation: Stop sequences cannot be empty"


def _stream(document: Mapping[str, Any], behaviour: Behaviour) -> Iterator[str]:
    options = document.get("stream_options")
    if options is None:
        return
    if behaviour.stream_options_without_stream == "reject" and document.get("stream") is not True:
        yield "Validation: The 'stream_options' parameter is only allowed when 'stream' is enabled"
    for name in ("include_usage", "continuous_usage_stats"):
        if not isinstance(options.get(name), bool | None):
            yield _type_error(f"stream_options.{name}", "a boolean", options[name])


def _extras(document: Mapping[str, Any]) -> Iterator[str]:
    user = document.get("user")
    if user is not None and not isinstance(user, str):
        yield _type_error("user", "a string", user)
    elif user is not None and not user.strip():
        yield "Validation: User ID cannot be empty"
    effort = document.get("reasoning_effort")
    if effort is not None and effort not in _EFFORTS:
        yield _type_error("reasoning_effort", f"one of {', '.join(_EFFORTS)}", effort)
    least = document.get("min_tokens")
    if not _is_integer(least) or (least is not None and least < 0):
        yield _type_error("min_tokens", "a non-negative integer", least)
    if "chat_template" in (document.get("chat_template_args") or {}):
        yield "Validation: chat_template_args must not contain chat_template"
