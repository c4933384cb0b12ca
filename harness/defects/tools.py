"""Tool calls: lost, renamed, cut, or out of their schema."""

import json
from collections.abc import Callable

from harness.defects.edits import (
    Change,
    Document,
    choices,
    finishing,
    has_calls,
    in_arguments,
    in_calls,
    in_functions,
    in_parts,
    on_chat,
    on_plain,
    on_stream,
)
from harness.defects.rows import rows


def _renamed(change: Callable[[str], str]) -> Callable[[Document], object]:
    """The function under another name, where it is told."""
    return lambda function: "name" in function and function.update(name=change(function["name"]))


def _wrong_values(text: str) -> str:
    """Arguments with every value an array."""
    try:
        values = json.loads(text)
    except ValueError:
        return text
    return json.dumps({name: [None] for name in values}) if isinstance(values, dict) else text


def _choice_twice(document: Document) -> Document:
    """A delta in two choices of the same index in one event."""
    found = choices(document)
    if len(found) == 1 and has_calls(document):
        document["choices"] = [found[0], {"index": found[0].get("index", 0), "delta": {}}]
    return document


def _call_twice(part: Document) -> None:
    """Each call delta as two with the same index in one event."""
    calls = part.get("tool_calls")
    if calls:
        empty = {"index": calls[0].get("index", 0), "function": {"arguments": ""}}
        part["tool_calls"] = [*calls, empty]


def _stopped(edit: Callable[[Document], object]) -> Change:
    """Every part edited in place, in an answer that claims to be the end."""
    parts, finish = in_parts(edit), finishing("stop", instead_of="tool_calls")
    return lambda document: finish(parts(document))


def _told_as_text(part: Document) -> None:
    calls = part.pop("tool_calls", None)
    if calls:
        part["content"] = json.dumps(calls[0].get("function", {}))


def _first_only(part: Document) -> None:
    if part.get("tool_calls"):
        part["tool_calls"] = part["tool_calls"][:1]


def _older(part: Document) -> None:
    if part.get("tool_calls"):
        part["function_call"] = part.pop("tool_calls")[0]["function"]


TOOLS = rows(
    "C",
    (
        "index-always-0",
        "parallel tool calls share index 0",
        on_stream(in_calls(lambda call: call.update(index=0))),
        "tool-index-own",
        "C02, ai-dynamo/dynamo#4723, BerriAI/litellm#33678",
    ),
    (
        "id-missing",
        "tool calls have no id",
        on_chat(in_calls(lambda call: call.pop("id", None))),
        "tool-shape",
        "C04, Dynamo aggregator.rs drops such calls",
    ),
    (
        "args-object",
        "arguments are a JSON object, not a string",
        on_plain(in_arguments(lambda text: json.loads(text or "{}"))),
        "tool-shape",
        "C08, hermes-agent#1440",
    ),
    (
        "args-double-encoded",
        "arguments are JSON text inside JSON text",
        on_plain(in_arguments(json.dumps)),
        "tool-arguments-json",
        "C10",
    ),
    (
        "finish-stop-with-calls",
        "finish_reason is stop although calls are present",
        on_chat(finishing("stop", instead_of="tool_calls")),
        "tool-finish",
        "C11, opencode#14972, mlx-vlm#990",
    ),
    (
        "undeclared-tool",
        "a call names a function that was not declared",
        on_chat(in_functions(_renamed(lambda _: "search_the_web_instead"))),
        "tool-declared",
        "C16",
    ),
    (
        "no-index",
        "call deltas have no index",
        on_stream(in_calls(lambda call: call.pop("index", None))),
        "tool-index tool-index-own tool-arguments-json",
        "C01, openai-python PR#3246, vercel/ai#14277",
    ),
    (
        "index-null",
        "the index of call deltas is null",
        on_stream(in_calls(lambda call: call.update(index=None))),
        "tool-index tool-index-own tool-arguments-json",
        "C01, SamSaffron/term-llm#314",
    ),
    (
        "call-index-jumps",
        "a call's first delta has another index than its others",
        on_stream(in_calls(lambda c: c.update(index=c.get("index", 0) + ("id" in c)))),
        "tool-shape tool-declared tool-arguments-json",
    ),
    (
        "type-missing",
        "calls have no type",
        on_chat(in_calls(lambda call: call.pop("type", None))),
        "tool-shape",
        "C05",
    ),
    (
        "type-empty",
        "the type of calls is empty",
        on_chat(in_calls(lambda call: "type" in call and call.update(type=""))),
        "tool-shape",
        "C05",
    ),
    (
        "name-empty",
        "the function's name is empty",
        on_chat(in_functions(_renamed(lambda _: ""))),
        "tool-shape tool-declared",
        "C07, gsd-2#4647",
    ),
    (
        "name-missing",
        "the function has no name",
        on_chat(in_functions(lambda function: function.pop("name", None))),
        "tool-shape tool-declared",
    ),
    (
        "name-case",
        "the function's name is in upper case",
        on_chat(in_functions(_renamed(str.upper))),
        "tool-declared",
    ),
    (
        "name-in-every-delta",
        "each delta of a call repeats a name",
        on_stream(in_functions(lambda function: function.setdefault("name", "get"))),
        "tool-declared",
    ),
    (
        "args-object-stream",
        "streamed arguments are objects",
        on_stream(in_arguments(lambda text: {"part": text})),
        "tool-shape tool-arguments-json tool-arguments-schema",
        "C08, hermes-agent#1114",
    ),
    (
        "args-null",
        "arguments are null",
        on_chat(in_arguments(lambda _: None)),
        "tool-shape tool-arguments-json tool-arguments-schema",
    ),
    (
        "args-cut",
        "plain arguments lose their last characters",
        on_plain(in_arguments(lambda text: text[:-2])),
        "tool-arguments-json tool-arguments-schema",
    ),
    (
        "args-doubled",
        "plain arguments come twice",
        on_plain(in_arguments(lambda text: text * 2)),
        "tool-arguments-json tool-arguments-schema",
    ),
    (
        "args-empty",
        "plain arguments are empty",
        on_plain(in_arguments(lambda _: "")),
        "tool-arguments-json tool-arguments-schema",
    ),
    (
        "args-off-schema",
        "plain arguments do not fit the declared schema",
        on_plain(in_arguments(_wrong_values)),
        "tool-arguments-schema",
    ),
    (
        "args-pieces-stripped",
        "pieces of streamed arguments lose their spaces",
        on_stream(in_arguments(lambda text: text.replace(" ", ""))),
        "tools-stream-equal",
    ),
    (
        "multi-delta-one-event",
        "a chunk holds one choice index twice",
        on_stream(_choice_twice),
        "chunk-one-delta",
        "C13, basetenlabs/langchain-baseten",
    ),
    (
        "call-delta-doubled",
        "a delta holds one call index twice",
        on_stream(in_parts(_call_twice)),
        "tool-one-delta",
        "basetenlabs/langchain-baseten",
    ),
    (
        "tool-text-leak",
        "a call is printed as content",
        on_plain(_stopped(_told_as_text)),
        "tool-required",
        "C14, constructed; vercel/ai#8116 is near",
    ),
    (
        "call-lost-in-nonstream",
        "plain answers lose the calls that streams have",
        on_plain(_stopped(lambda message: message.pop("tool_calls", None))),
        "usage-not-for-nothing tool-required",
        "C17, Dynamo aggregator.rs",
    ),
    (
        "second-call-lost",
        "plain answers keep the first of two calls",
        on_plain(in_parts(_first_only)),
        "tools-stream-equal",
    ),
    (
        "call-ids-equal",
        "every call has the id call_0",
        on_chat(in_calls(lambda call: "id" in call and call.update(id="call_0"))),
        "tool-id-unique",
    ),
    (
        "function-call-field",
        "plain answers have function_call instead of tool_calls",
        on_plain(in_parts(_older)),
        "tool-required tool-finish",
    ),
    (
        "finish-calls-without",
        "finish_reason is tool_calls without a call",
        on_chat(finishing("tool_calls", instead_of="stop")),
        "tool-finish",
    ),
)
