"""What the provider is sent in place of what was asked: fields lost, renamed or changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.call import Call
from harness.gateway.rules import Rules


def _prefix_kept(rules: Rules) -> Rules:
    return replace(rules, upstream_model=lambda model: model)


Edit = Callable[[dict[str, Any]], dict[str, Any]]


def editing(edit: Edit, *, routes: tuple[str, ...] = ()) -> Decisions:
    """Rules that forward an edited body, on some routes or all."""

    def forward(call: Call, document: Any) -> Any:
        wanted = not routes or call.target.route in routes
        return edit(dict(document)) if wanted and isinstance(document, dict) else document

    return deciding(forward=forward)


def without(*names: str) -> Edit:
    """An edit that drops fields."""
    return lambda document: {name: v for name, v in document.items() if name not in names}


def _sorted_throughout(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted_throughout(value[name]) for name in sorted(value)}
    return [_sorted_throughout(item) for item in value] if isinstance(value, list) else value


def _clamped(document: dict[str, Any]) -> dict[str, Any]:
    for name in ("max_tokens", "max_completion_tokens"):
        if isinstance(document.get(name), int):
            document[name] = min(document[name], 3)
    return document


def _doubled(document: dict[str, Any]) -> dict[str, Any]:
    for name in ("max_tokens", "max_completion_tokens"):
        if isinstance(document.get(name), int):
            document[name] = document[name] * 2
    return document


def _first_stop(document: dict[str, Any]) -> dict[str, Any]:
    if isinstance(document.get("stop"), list):
        document["stop"] = document["stop"][:1]
    return document


def _schema_to_object(document: dict[str, Any]) -> dict[str, Any]:
    if isinstance(document.get("response_format"), dict):
        document["response_format"] = {"type": "json_object"}
    return document


def _first_tool(document: dict[str, Any]) -> dict[str, Any]:
    if isinstance(document.get("tools"), list):
        document["tools"] = document["tools"][:1]
    return document


def _parameters_lost(document: dict[str, Any]) -> dict[str, Any]:
    tools = document.get("tools")
    if isinstance(tools, list):
        document["tools"] = [_bare_tool(tool) for tool in tools]
    return document


def _bare_tool(tool: Any) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    return {**tool, "function": {name: v for name, v in function.items() if name != "parameters"}}


def _streamed(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "stream": True} if "messages" in document else document


def _without_thoughts(document: dict[str, Any]) -> dict[str, Any]:
    """History with reasoning_content is turned into something that the provider refuses."""
    messages = document.get("messages")
    if isinstance(messages, list) and any(
        isinstance(m, dict) and "reasoning_content" in m for m in messages
    ):
        document["messages"] = []
    return document


def _stripped_twice(rules: Rules) -> Rules:
    return replace(rules, upstream_model=lambda model: model.split("/", 2)[-1])


def _other_model(document: dict[str, Any]) -> dict[str, Any]:
    known = {"openai/gpt-oss-120b": "zai-org/GLM-4.6"}
    return {**document, "model": known.get(str(document.get("model")), document.get("model"))}


PARAMETERS = rows(
    "P",
    (
        "max-tokens-ignored",
        "max_tokens and max_completion_tokens do not reach the provider",
        editing(without("max_tokens", "max_completion_tokens")),
        "max-tokens",
        "P01, atoma-infer#228",
    ),
    (
        "stop-ignored",
        "stop strings do not reach the provider",
        editing(without("stop")),
        "stop-absent",
        "P02, ocp#470",
    ),
    (
        "logprobs-ignored",
        "logprobs does not reach the provider",
        editing(without("logprobs", "top_logprobs")),
        "logprobs-given",
        "P04, ocp#470",
    ),
    (
        "tools-stripped",
        "tools do not reach the provider: the answer is text",
        editing(without("tools", "tool_choice", "parallel_tool_calls")),
        "tool-required",
        "P10, quill-router#130, otari#152",
    ),
    (
        "model-prefix-not-stripped",
        "baseten/ stays in front of a compat model: the provider answers 404",
        Decisions(_prefix_kept),
        "route-answers",
        "P14",
    ),
    (
        "response-format-stripped",
        "response_format does not reach the provider: the answer is prose",
        editing(without("response_format")),
        "json-mode json-schema",
        "quill-router#130",
    ),
)

BODIES = (
    *rows(
        "P",
        (
            "stream-dropped",
            "stream does not reach the provider: a stream is answered plain",
            editing(without("stream", "stream_options")),
            "stream-is-stream label-stream",
        ),
        (
            "stream-forced",
            "every chat request is forwarded as a stream",
            editing(_streamed),
            "plain-one-json label-json",
        ),
        (
            "schema-keys-sorted",
            "bodies are written anew with the keys of each object sorted",
            editing(_sorted_throughout),
            "schema-order",
            "map types of Go and Rust sort their keys",
        ),
        (
            "max-completion-tokens-ignored",
            "max_completion_tokens does not reach the provider",
            editing(without("max_completion_tokens")),
            "max-tokens",
            "P01, atoma-infer#228",
        ),
        (
            "max-tokens-clamped",
            "limits above 3 become 3",
            editing(_clamped),
            "length-at-limit",
        ),
        ("max-tokens-doubled", "limits are doubled", editing(_doubled), "max-tokens"),
        (
            "stop-first-only",
            "only the first stop string reaches the provider",
            editing(_first_stop),
            "stop-absent",
        ),
        (
            "schema-to-object",
            "json_schema becomes json_object",
            editing(_schema_to_object),
            "json-schema",
        ),
        (
            "first-tool-only",
            "only the first tool reaches the provider",
            editing(_first_tool),
            "feature-kept",
        ),
        (
            "tool-parameters-dropped",
            "tools lose their parameters",
            editing(_parameters_lost),
            "tool-arguments-schema",
        ),
        (
            "tool-choice-dropped",
            "tool_choice does not reach the provider",
            editing(without("tool_choice")),
            "tool-required",
        ),
        (
            "parallel-ignored",
            "parallel_tool_calls does not reach the provider",
            editing(without("parallel_tool_calls")),
            "tool-parallel",
        ),
        (
            "top-logprobs-dropped",
            "top_logprobs does not reach the provider",
            editing(without("top_logprobs")),
            "logprobs-top",
        ),
        (
            "temperature-dropped",
            "temperature does not reach the provider, so none is refused",
            editing(without("temperature")),
            "error-rejected",
        ),
        (
            "reasoning-echo-rejected",
            "a history with reasoning_content is refused",
            editing(_without_thoughts),
            "history-echo",
            "P17, gsd-2#4647",
        ),
        (
            "model-prefix-stripped-twice",
            "baseten/openai/... reaches the provider without openai/: it answers 404",
            Decisions(_stripped_twice),
            "route-answers",
            "P14",
        ),
    ),
    *rows(
        "E",
        (
            "fallback-silently",
            "another model answers, and the answer says so",
            editing(_other_model),
            "model-is-asked",
            "E19, fallback headers in baseten-switch",
        ),
    ),
)
