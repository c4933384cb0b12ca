"""Class C, continued: fields of tool calls that are missing, wrong or lost."""

import json
from collections.abc import Callable, Iterator

from harness.defects.defect import defect
from harness.defects.edits import (
    Document,
    boths,
    choices,
    documents,
    has_calls,
    part_of,
    plains,
)
from harness.gateway.served import Served
from harness.wire import Response

_CALLS, _STREAM, _PLAIN = (
    "every chat answer with calls",
    "streamed chat answers with calls",
    "plain chat answers with calls",
)


def _calls(document: Document) -> Iterator[Document]:
    for choice in choices(document):
        yield from part_of(choice).get("tool_calls") or ()


def _each(edit: Callable[[Document], object]) -> Callable[[Document], Document]:
    def edited(document: Document) -> Document:
        for call in _calls(document):
            edit(call)
        return document

    return edited


def _functions(edit: Callable[[Document], object]) -> Callable[[Document], Document]:
    return _each(lambda call: edit(call.get("function") or {}))


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
    return boths(_each(lambda call: "id" in call and call.update(id="call_0")))(served)


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


TOOLCALLS = (
    defect(
        "no-index",
        "C01",
        "call deltas have no index",
        _STREAM,
        documents(_each(lambda call: call.pop("index", None))),
        source="openai-python PR#3246, vercel/ai#14277",
    ),
    defect(
        "index-null",
        "C01",
        "the index of call deltas is null",
        _STREAM,
        documents(_each(lambda call: call.update(index=None))),
        source="SamSaffron/term-llm#314",
    ),
    defect(
        "call-index-jumps",
        "own",
        "a call's first delta has another index than its others",
        _STREAM,
        documents(_each(lambda call: call.update(index=call.get("index", 0) + ("id" in call)))),
        group="C",
    ),
    defect(
        "type-missing",
        "C05",
        "calls have no type",
        _CALLS,
        boths(_each(lambda c: c.pop("type", None))),
    ),
    defect(
        "type-empty",
        "C05",
        "the type of calls is empty",
        _CALLS,
        boths(_each(lambda call: "type" in call and call.update(type=""))),
    ),
    defect(
        "name-empty",
        "C07",
        "the function's name is empty",
        _CALLS,
        boths(_functions(lambda f: "name" in f and f.update(name=""))),
        source="gsd-2#4647",
    ),
    defect(
        "name-missing",
        "own",
        "the function has no name",
        _CALLS,
        boths(_functions(lambda f: f.pop("name", None))),
        group="C",
    ),
    defect(
        "name-case",
        "own",
        "the function's name is in upper case",
        _CALLS,
        boths(_functions(lambda f: "name" in f and f.update(name=f["name"].upper()))),
        group="C",
    ),
    defect(
        "name-in-every-delta",
        "own",
        "each delta of a call repeats a name",
        _STREAM,
        documents(_functions(lambda f: f.setdefault("name", "get"))),
        group="C",
    ),
    defect(
        "args-object-stream",
        "C08",
        "streamed arguments are objects",
        _STREAM,
        documents(_arguments(lambda text: {"part": text})),
        source="hermes-agent#1114",
    ),
    defect(
        "args-null",
        "own",
        "arguments are null",
        _CALLS,
        boths(_arguments(lambda _text: None)),
        group="C",
    ),
    defect(
        "args-cut",
        "own",
        "plain arguments lose their last characters",
        _PLAIN,
        plains(_arguments(lambda text: text[:-2])),
        group="C",
    ),
    defect(
        "args-doubled",
        "own",
        "plain arguments come twice",
        _PLAIN,
        plains(_arguments(lambda text: text + text)),
        group="C",
    ),
    defect(
        "args-empty",
        "own",
        "plain arguments are empty",
        _PLAIN,
        plains(_arguments(lambda _text: "")),
        group="C",
    ),
    defect(
        "args-off-schema",
        "own",
        "plain arguments do not fit the declared schema",
        _PLAIN,
        plains(_arguments(_wrong_values)),
        group="C",
    ),
    defect(
        "args-pieces-stripped",
        "own",
        "pieces of streamed arguments lose their spaces",
        _STREAM,
        documents(_arguments(lambda text: text.replace(" ", ""))),
        group="C",
    ),
    defect(
        "multi-delta-one-event",
        "C13",
        "a chunk holds one choice index twice",
        _STREAM,
        documents(_split_choice),
        source="basetenlabs/langchain-baseten",
    ),
    defect(
        "call-delta-doubled",
        "own",
        "a delta holds one call index twice",
        _STREAM,
        documents(_doubled_delta),
        group="C",
        source="basetenlabs/langchain-baseten",
    ),
    defect(
        "tool-text-leak",
        "C14",
        "a call is printed as content",
        _PLAIN,
        plains(_text_leak),
        source="constructed; vercel/ai#8116 is near",
    ),
    defect(
        "call-lost-in-nonstream",
        "C17",
        "plain answers lose the calls that streams have",
        _PLAIN,
        plains(_lost),
        source="Dynamo aggregator.rs",
    ),
    defect(
        "second-call-lost",
        "own",
        "plain answers keep the first of two calls",
        "plain chat answers with two calls",
        plains(_first_only),
        group="C",
    ),
    defect("call-ids-equal", "own", "every call has the id call_0", _CALLS, same_ids, group="C"),
    defect(
        "function-call-field",
        "own",
        "plain answers have function_call instead of tool_calls",
        _PLAIN,
        plains(_older),
        group="C",
    ),
    defect(
        "finish-calls-without",
        "own",
        "finish_reason is tool_calls without a call",
        "every chat answer without calls",
        boths(_finish_calls_always),
        group="C",
    ),
)
