"""Tool calls: lost, renamed, cut, or out of their schema."""

import json
from collections.abc import Callable, Iterator

from harness.defects.edits import (
    Document,
    boths,
    choices,
    documents,
    has_calls,
    on_both,
    on_documents,
    on_plain,
    part_of,
    plains,
)
from harness.defects.rows import rows
from harness.gateway.served import Served
from harness.wire import Response


def _calls(document: Document) -> Iterator[Document]:
    for choice in choices(document):
        yield from part_of(choice).get("tool_calls") or ()


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


_CALLS, _STREAM, _PLAIN = (
    "every chat answer with calls",
    "streamed chat answers with calls",
    "plain chat answers with calls",
)


def _functions(edit: Callable[[Document], object]) -> Callable[[Document], Document]:
    return _every_call(lambda call: edit(call.get("function") or {}))


def _arguments(change: Callable[[str], object]) -> Callable[[Document], Document]:
    def edited(function: Document) -> None:
        if "arguments" in function:
            function["arguments"] = change(function["arguments"])

    return _functions(edited)


def _text_leak(document: Document) -> Document:
    for choice in choices(document):
        part = part_of(choice)
        calls = part.pop("tool_calls", None)
        if calls:
            part["content"] = json.dumps(calls[0].get("function", {}))
        if choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = "stop"
    return document


def _lost(document: Document) -> Document:
    for choice in choices(document):
        part_of(choice).pop("tool_calls", None)
        if choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = "stop"
    return document


def _doubled_delta(document: Document) -> Document:
    """Each call delta as two with the same index in one event."""
    for choice in choices(document):
        part = part_of(choice)
        if part.get("tool_calls"):
            call = part["tool_calls"][0]
            empty = {"index": call.get("index", 0), "function": {"arguments": ""}}
            part["tool_calls"] = [*part["tool_calls"], empty]
    return document


def _split_choice(document: Document) -> Document:
    """A delta in two choices of the same index in one event."""
    found = choices(document)
    if len(found) == 1 and has_calls(document):
        document["choices"] = [found[0], {"index": found[0].get("index", 0), "delta": {}}]
    return document


def _finish_calls_always(document: Document) -> Document:
    for choice in choices(document):
        if choice.get("finish_reason") == "stop":
            choice["finish_reason"] = "tool_calls"
    return document


def _older(document: Document) -> Document:
    for choice in choices(document):
        part = part_of(choice)
        if part.get("tool_calls"):
            part["function_call"] = part.pop("tool_calls")[0]["function"]
    return document


def same_ids(served: Served) -> Response:
    """Every call of every answer has one id."""
    return boths(_every_call(lambda call: "id" in call and call.update(id="call_0")))(served)


def _wrong_values(text: str) -> str:
    """Arguments with every value an array."""
    try:
        values = json.loads(text)
    except ValueError:
        return text
    return json.dumps({name: [None] for name in values}) if isinstance(values, dict) else text


def _first_only(document: Document) -> Document:
    for choice in choices(document):
        part = part_of(choice)
        if part.get("tool_calls"):
            part["tool_calls"] = part["tool_calls"][:1]
    return document


TOOLCALLS = rows(
    "C",
    (
        "no-index",
        "call deltas have no index",
        documents(_every_call(lambda call: call.pop("index", None))),
        "tool-index tool-index-own tool-arguments-json",
        "C01, openai-python PR#3246, vercel/ai#14277",
    ),
    (
        "index-null",
        "the index of call deltas is null",
        documents(_every_call(lambda call: call.update(index=None))),
        "tool-index tool-index-own tool-arguments-json",
        "C01, SamSaffron/term-llm#314",
    ),
    (
        "call-index-jumps",
        "a call's first delta has another index than its others",
        documents(
            _every_call(lambda call: call.update(index=call.get("index", 0) + ("id" in call)))
        ),
        "tool-shape tool-declared tool-arguments-json",
    ),
    (
        "type-missing",
        "calls have no type",
        boths(_every_call(lambda c: c.pop("type", None))),
        "tool-shape",
        "C05",
    ),
    (
        "type-empty",
        "the type of calls is empty",
        boths(_every_call(lambda call: "type" in call and call.update(type=""))),
        "tool-shape",
        "C05",
    ),
    (
        "name-empty",
        "the function's name is empty",
        boths(_functions(lambda f: "name" in f and f.update(name=""))),
        "tool-shape tool-declared",
        "C07, gsd-2#4647",
    ),
    (
        "name-missing",
        "the function has no name",
        boths(_functions(lambda f: f.pop("name", None))),
        "tool-shape tool-declared",
    ),
    (
        "name-case",
        "the function's name is in upper case",
        boths(_functions(lambda f: "name" in f and f.update(name=f["name"].upper()))),
        "tool-declared",
    ),
    (
        "name-in-every-delta",
        "each delta of a call repeats a name",
        documents(_functions(lambda f: f.setdefault("name", "get"))),
        "tool-declared",
    ),
    (
        "args-object-stream",
        "streamed arguments are objects",
        documents(_arguments(lambda text: {"part": text})),
        "tool-shape tool-arguments-json tool-arguments-schema",
        "C08, hermes-agent#1114",
    ),
    (
        "args-null",
        "arguments are null",
        boths(_arguments(lambda _text: None)),
        "tool-shape tool-arguments-json tool-arguments-schema",
    ),
    (
        "args-cut",
        "plain arguments lose their last characters",
        plains(_arguments(lambda text: text[:-2])),
        "tool-arguments-json tool-arguments-schema",
    ),
    (
        "args-doubled",
        "plain arguments come twice",
        plains(_arguments(lambda text: text + text)),
        "tool-arguments-json tool-arguments-schema",
    ),
    (
        "args-empty",
        "plain arguments are empty",
        plains(_arguments(lambda _text: "")),
        "tool-arguments-json tool-arguments-schema",
    ),
    (
        "args-off-schema",
        "plain arguments do not fit the declared schema",
        plains(_arguments(_wrong_values)),
        "tool-arguments-schema",
    ),
    (
        "args-pieces-stripped",
        "pieces of streamed arguments lose their spaces",
        documents(_arguments(lambda text: text.replace(" ", ""))),
        "tools-stream-equal",
    ),
    (
        "multi-delta-one-event",
        "a chunk holds one choice index twice",
        documents(_split_choice),
        "chunk-one-delta",
        "C13, basetenlabs/langchain-baseten",
    ),
    (
        "call-delta-doubled",
        "a delta holds one call index twice",
        documents(_doubled_delta),
        "tool-one-delta",
        "basetenlabs/langchain-baseten",
    ),
    (
        "tool-text-leak",
        "a call is printed as content",
        plains(_text_leak),
        "tool-required",
        "C14, constructed; vercel/ai#8116 is near",
    ),
    (
        "call-lost-in-nonstream",
        "plain answers lose the calls that streams have",
        plains(_lost),
        "usage-not-for-nothing tool-required",
        "C17, Dynamo aggregator.rs",
    ),
    (
        "second-call-lost",
        "plain answers keep the first of two calls",
        plains(_first_only),
        "tools-stream-equal",
    ),
    ("call-ids-equal", "every call has the id call_0", same_ids, "tool-id-unique"),
    (
        "function-call-field",
        "plain answers have function_call instead of tool_calls",
        plains(_older),
        "tool-required tool-finish",
    ),
    (
        "finish-calls-without",
        "finish_reason is tool_calls without a call",
        boths(_finish_calls_always),
        "tool-finish",
    ),
)
