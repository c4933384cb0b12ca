"""What the provider is sent in place of what was asked: fields lost, renamed or changed.

Some of it no client can see: the stand-in's log shows it.
"""

from collections.abc import Callable
from typing import Any

from harness.defects.edits import Change, Document, without
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.call import Call
from harness.gateway.rules import passed_headers

LIMITS = ("max_tokens", "max_completion_tokens")
_FALLBACK = {"openai/gpt-oss-120b": "zai-org/GLM-4.6"}
_DEFAULTS = {"max_tokens": 4096, "temperature": 0.7}


def editing(change: Change, *, routes: tuple[str, ...] = ()) -> Decisions:
    """Another body is forwarded, on some routes or all."""

    def forward(call: Call, document: Any) -> Any:
        wanted = not routes or call.target.route in routes
        return change(dict(document)) if wanted and isinstance(document, dict) else document

    return deciding(forward=forward)


def changing(kind: type, change: Callable[[Any], Any], *names: str) -> Change:
    """Fields of a type changed, where they are there."""

    def changed(document: Document) -> Document:
        known = {n: v for n in names if isinstance(v := document.get(n), kind)}
        return {**document, **{name: change(value) for name, value in known.items()}}

    return changed


def in_messages(change: Change) -> Change:
    """Every message changed."""
    return changing(
        list, lambda listed: [change(m) if isinstance(m, dict) else m for m in listed], "messages"
    )


def in_prompts(change: Callable[[str], str]) -> Change:
    """The text of every message changed."""
    return in_messages(changing(str, change, "content"))


def _first(items: list[Any]) -> list[Any]:
    return items[:1]


def _escaped(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _sorted_throughout(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted_throughout(value[name]) for name in sorted(value)}
    return [_sorted_throughout(item) for item in value] if isinstance(value, list) else value


def _bare(tool: Any) -> Any:
    """A tool without its parameters."""
    return (
        changing(dict, without("parameters"), "function")(tool) if isinstance(tool, dict) else tool
    )


def _refused_with_thoughts(messages: list[Any]) -> list[Any]:
    """History with reasoning_content becomes something that the provider refuses."""
    thought = any(isinstance(m, dict) and "reasoning_content" in m for m in messages)
    return [] if thought else messages


def _merged(messages: list[Any]) -> list[Any]:
    """A system message put in front of the text of the message after it."""
    pair = [m if isinstance(m, dict) else {} for m in messages[:2]]
    texts = [text for m in pair if isinstance(text := m.get("content"), str)]
    if len(texts) < 2 or pair[0].get("role") != "system":
        return messages
    return [{**pair[1], "content": "\n".join(texts)}, *messages[2:]]


def _fallen_back(document: Document) -> Document:
    model = document.get("model")
    return {**document, "model": _FALLBACK.get(str(model), model)}


def _spoken(messages: list[Any]) -> list[Any]:
    return [m for m in messages if not isinstance(m, dict) or m.get("content")] or messages


def _token_passed(call: Call) -> tuple[str, ...]:
    own = ("cf-aig-authorization",) if "cf-aig-authorization" in call.arrival.fields else ()
    return passed_headers(call) + own


REQUEST = (
    *rows(
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
            deciding(upstream_model=lambda model: model),
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
        (
            "stream-dropped",
            "stream does not reach the provider: a stream is answered plain",
            editing(without("stream", "stream_options")),
            "stream-is-stream label-stream",
        ),
        (
            "stream-forced",
            "every chat request is forwarded as a stream",
            editing(lambda d: {**d, "stream": True} if "messages" in d else d),
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
            editing(changing(int, lambda limit: min(limit, 3), *LIMITS)),
            "length-at-limit",
        ),
        (
            "max-tokens-doubled",
            "limits are doubled",
            editing(changing(int, lambda limit: limit * 2, *LIMITS)),
            "max-tokens",
        ),
        (
            "stop-first-only",
            "only the first stop string reaches the provider",
            editing(changing(list, _first, "stop")),
            "stop-absent",
        ),
        (
            "schema-to-object",
            "json_schema becomes json_object",
            editing(changing(dict, lambda _: {"type": "json_object"}, "response_format")),
            "json-schema",
        ),
        (
            "first-tool-only",
            "only the first tool reaches the provider",
            editing(changing(list, _first, "tools")),
            "feature-kept",
        ),
        (
            "tool-parameters-dropped",
            "tools lose their parameters",
            editing(changing(list, lambda tools: [*map(_bare, tools)], "tools")),
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
            editing(changing(list, _refused_with_thoughts, "messages")),
            "history-echo",
            "P17, gsd-2#4647",
        ),
        (
            "model-prefix-stripped-twice",
            "baseten/openai/... reaches the provider without openai/: it answers 404",
            deciding(upstream_model=lambda model: model.split("/", 2)[-1]),
            "route-answers",
            "P14",
        ),
        (
            "history-dropped",
            "only the last message reaches the provider",
            editing(changing(list, lambda messages: messages[-1:], "messages")),
            "usage-words",
            "P11",
        ),
        (
            "top-logprobs-clamped",
            "top_logprobs above 1 become 1",
            editing(changing(int, lambda asked: min(asked, 1), "top_logprobs")),
            "logprobs-top",
        ),
    ),
    *rows(
        "E",
        (
            "fallback-silently",
            "another model answers, and the answer says so",
            editing(_fallen_back),
            "model-is-asked",
            "E19, fallback headers in baseten-switch",
        ),
    ),
    *rows(
        "P",
        ("seed-ignored", "seed does not reach the provider", editing(without("seed")), "", "P05"),
        (
            "stream-options-stripped",
            "stream_options do not reach the provider, which reports usage anyway",
            editing(without("stream_options")),
            "",
            "P07",
        ),
        (
            "extra-body-stripped",
            "chat_template_args and reasoning_effort do not reach the provider",
            editing(without("chat_template_args", "reasoning_effort")),
            "",
            "P08",
        ),
        (
            "messages-reordered",
            "the last message is sent first",
            editing(changing(list, lambda m: [*m[-1:], *m[:-1]], "messages")),
            "",
            "P11",
        ),
        (
            "system-merged",
            "a system message becomes the beginning of the user's",
            editing(changing(list, _merged, "messages")),
            "",
            "P11",
        ),
        (
            "empty-messages-removed",
            "messages without content are removed",
            editing(changing(list, _spoken, "messages")),
            "",
            "P11",
        ),
        (
            "messages-escaped",
            "characters outside ASCII in prompts become escape sequences",
            editing(in_prompts(_escaped)),
            "",
            "P11",
        ),
        (
            "messages-trimmed",
            "white space around prompts is removed",
            editing(in_prompts(lambda text: text.strip() or ".")),
            "",
            "P11",
        ),
        (
            "message-names-dropped",
            "names of messages are dropped",
            editing(in_messages(without("name"))),
            "",
            "P11",
        ),
        (
            "body-normalised",
            "fields are sorted, so the body's bytes differ",
            editing(lambda document: dict(sorted(document.items()))),
            "",
            "P13",
        ),
        (
            "defaults-injected",
            "max_tokens and temperature are added",
            editing(lambda d: {**_DEFAULTS, **d} if "messages" in d else d),
            "",
            "P16",
        ),
        (
            "user-dropped",
            "user does not reach the provider",
            editing(without("user", "metadata")),
            "",
        ),
        upstream_only=True,
    ),
    *rows(
        "E",
        (
            "gateway-token-passed-on",
            "cf-aig-authorization reaches the provider",
            deciding(passed_headers=_token_passed),
            "",
            "E17",
        ),
        (
            "disconnect-not-propagated",
            "a client that leaves does not end the generation",
            deciding(stops_with_client=False),
            "",
            "E20",
        ),
        upstream_only=True,
    ),
)
