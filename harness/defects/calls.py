"""Class C: tool calls."""

import json
from collections.abc import Callable, Iterator

from harness.defects.edits import Document, choices, on_both, on_documents, on_plain
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Response


def _calls(document: Document) -> Iterator[Document]:
    for choice in choices(document):
        part = choice.get("delta") or choice.get("message") or {}
        yield from part.get("tool_calls") or ()


def _every_call(edit: Callable[[Document], object]) -> Callable[[Document], Document]:
    def edited(document: Document) -> Document:
        for call in _calls(document):
            edit(call)
        return document

    return edited


def index_always_0(served: Served) -> Response:
    """Parallel calls share one index in a stream."""
    return on_documents(served, _every_call(lambda call: call.update(index=0)))


def id_missing(served: Served) -> Response:
    """Calls without an id, plain and streamed."""
    return on_both(served, _every_call(lambda call: call.pop("id", None)))


def args_object(served: Served) -> Response:
    """Arguments as an object instead of its text."""
    return on_plain(served, _every_call(_decoded))


def _decoded(call: Document) -> None:
    call["function"]["arguments"] = json.loads(call["function"]["arguments"] or "{}")


def args_double_encoded(served: Served) -> Response:
    """Arguments as the text of a text."""
    return on_plain(served, _every_call(_encoded_again))


def _encoded_again(call: Document) -> None:
    call["function"]["arguments"] = json.dumps(call["function"]["arguments"])


def finish_stop_with_calls(served: Served) -> Response:
    """An answer with calls that claims to be the end."""
    return on_both(served, _stopped)


def _stopped(document: Document) -> Document:
    for choice in choices(document):
        if choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = "stop"
    return document


def undeclared_tool(served: Served) -> Response:
    """Calls of a function that was not offered."""
    return on_both(served, _every_call(_misnamed))


def _misnamed(call: Document) -> None:
    if "name" in call.get("function", {}):
        call["function"]["name"] = "search_the_web_instead"


CALLS = rows(
    "C",
    (
        "index-always-0",
        "parallel tool calls share index 0",
        index_always_0,
        "tool-index-own",
        "C02, ai-dynamo/dynamo#4723, BerriAI/litellm#33678",
    ),
    (
        "id-missing",
        "tool calls have no id",
        id_missing,
        "tool-shape",
        "C04, Dynamo aggregator.rs drops such calls",
    ),
    (
        "args-object",
        "arguments are a JSON object, not a string",
        args_object,
        "tool-shape",
        "C08, hermes-agent#1440",
    ),
    (
        "args-double-encoded",
        "arguments are JSON text inside JSON text",
        args_double_encoded,
        "tool-arguments-json",
        "C10",
    ),
    (
        "finish-stop-with-calls",
        "finish_reason is stop although calls are present",
        finish_stop_with_calls,
        "tool-finish",
        "C11, opencode#14972, mlx-vlm#990",
    ),
    (
        "undeclared-tool",
        "a call names a function that was not declared",
        undeclared_tool,
        "tool-declared",
        "C16",
    ),
)
