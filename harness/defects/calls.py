"""Class C: tool calls."""

import json
from collections.abc import Callable, Iterator

from harness.defects.defect import Defect
from harness.defects.edits import Document, choices, on_both, on_documents, on_plain
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


CALLS = (
    Defect(
        name="index-always-0",
        catalogue="C02",
        group="C",
        statement="parallel tool calls share index 0",
        shown_by="streamed chat answers with two calls",
        source="ai-dynamo/dynamo#4723, BerriAI/litellm#33678",
        respond=index_always_0,
    ),
    Defect(
        name="id-missing",
        catalogue="C04",
        group="C",
        statement="tool calls have no id",
        shown_by="every chat answer with calls",
        source="Dynamo aggregator.rs drops such calls",
        respond=id_missing,
    ),
    Defect(
        name="args-object",
        catalogue="C08",
        group="C",
        statement="arguments are a JSON object, not a string",
        shown_by="plain chat answers with calls",
        source="hermes-agent#1440",
        respond=args_object,
    ),
    Defect(
        name="args-double-encoded",
        catalogue="C10",
        group="C",
        statement="arguments are JSON text inside JSON text",
        shown_by="plain chat answers with calls",
        source="constructed",
        respond=args_double_encoded,
    ),
    Defect(
        name="finish-stop-with-calls",
        catalogue="C11",
        group="C",
        statement="finish_reason is stop although calls are present",
        shown_by="every chat answer with calls",
        source="opencode#14972, mlx-vlm#990",
        respond=finish_stop_with_calls,
    ),
    Defect(
        name="undeclared-tool",
        catalogue="C16",
        group="C",
        statement="a call names a function that was not declared",
        shown_by="every chat answer with calls",
        source="constructed",
        respond=undeclared_tool,
    ),
)
