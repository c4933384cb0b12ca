"""Class P, continued: request bodies that reach the provider altered, and visibly so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.defect import Defect
from harness.gateway.call import Call
from harness.gateway.rules import Rules

Edit = Callable[[dict[str, Any]], dict[str, Any]]


def editing(edit: Edit, *, routes: tuple[str, ...] = ()) -> Callable[[Rules], Rules]:
    """Rules that forward an edited body, on some routes or all."""

    def forward(call: Call, document: Any) -> Any:
        wanted = not routes or call.target.route in routes
        return edit(dict(document)) if wanted and isinstance(document, dict) else document

    return lambda rules: replace(rules, forward=forward)


def without(*names: str) -> Edit:
    """An edit that drops fields."""
    return lambda document: {name: v for name, v in document.items() if name not in names}


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


def _altering(
    name: str,
    catalogue: str,
    statement: str,
    shown_by: str,
    edit: Edit,
    source: str = "constructed",
) -> Defect:
    return Defect(
        name=name,
        catalogue=catalogue,
        group="P" if catalogue == "own" else catalogue[0],
        statement=statement,
        shown_by=shown_by,
        source=source,
        rules=editing(edit),
    )


BODIES = (
    _altering(
        "stream-dropped",
        "own",
        "stream does not reach the provider: a stream is answered plain",
        "streamed chat requests",
        without("stream", "stream_options"),
    ),
    _altering(
        "stream-forced",
        "own",
        "every chat request is forwarded as a stream",
        "plain chat requests",
        _streamed,
    ),
    _altering(
        "max-completion-tokens-ignored",
        "P01",
        "max_completion_tokens does not reach the provider",
        "chat requests with max_completion_tokens",
        without("max_completion_tokens"),
        "atoma-infer#228",
    ),
    _altering(
        "max-tokens-clamped",
        "own",
        "limits above 3 become 3",
        "chat requests with a limit above 3",
        _clamped,
    ),
    _altering(
        "max-tokens-doubled",
        "own",
        "limits are doubled",
        "chat requests that reach their limit",
        _doubled,
    ),
    _altering(
        "stop-first-only",
        "own",
        "only the first stop string reaches the provider",
        "chat requests with several stop strings",
        _first_stop,
    ),
    _altering(
        "schema-to-object",
        "own",
        "json_schema becomes json_object",
        "chat requests with response_format json_schema",
        _schema_to_object,
    ),
    _altering(
        "first-tool-only",
        "own",
        "only the first tool reaches the provider",
        "chat requests that name another tool than the first",
        _first_tool,
    ),
    _altering(
        "tool-parameters-dropped",
        "own",
        "tools lose their parameters",
        "chat requests with tools",
        _parameters_lost,
    ),
    _altering(
        "tool-choice-dropped",
        "own",
        "tool_choice does not reach the provider",
        "chat requests with tool_choice",
        without("tool_choice"),
    ),
    _altering(
        "parallel-ignored",
        "own",
        "parallel_tool_calls does not reach the provider",
        "chat requests with parallel_tool_calls false",
        without("parallel_tool_calls"),
    ),
    _altering(
        "top-logprobs-dropped",
        "own",
        "top_logprobs does not reach the provider",
        "chat requests with top_logprobs",
        without("top_logprobs"),
    ),
    _altering(
        "temperature-dropped",
        "own",
        "temperature does not reach the provider, so none is refused",
        "chat requests with a temperature out of range",
        without("temperature"),
    ),
    _altering(
        "reasoning-echo-rejected",
        "P17",
        "a history with reasoning_content is refused",
        "chat requests whose history has reasoning_content",
        _without_thoughts,
        "gsd-2#4647",
    ),
    _altering(
        "fallback-silently",
        "E19",
        "another model answers, and the answer says so",
        "every chat answer",
        _other_model,
        "fallback headers in baseten-switch",
    ),
    Defect(
        name="model-prefix-stripped-twice",
        catalogue="P14",
        group="P",
        statement="baseten/openai/... reaches the provider without openai/: it answers 404",
        shown_by="every compat request",
        source="constructed",
        rules=_stripped_twice,
    ),
)
