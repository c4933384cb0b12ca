"""The cases that every run needs, ordered so that those which show most breaks come first."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.contract.case import Case, Expect
from harness.contract.requests.bounds import IN_EVERY_RUN, ON_BOTH, OPTIONAL, FieldBound
from harness.contract.requests.given import NUMBER, TEXT, only
from harness.contract.requests.text import LONG, MANY, SCRIPTS, WORDS, nonce

USAGE = {"include_usage": True}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather at a place on a day.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},  # not in the order of the alphabet: it must survive
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
            },
            "required": ["city", "unit", "days"],
            "additionalProperties": False,
        },
    },
}
CLOCK = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "The time at a place.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "person", "strict": True, "schema": PERSON},
}


def body(model: str, text: str, **fields: Any) -> dict[str, Any]:
    """A chat body of one user message; None leaves a field out."""
    given = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    return {name: value for name, value in given.items() if value is not None}


def chat_cases(route: str, model: str, seed: int) -> Iterator[Case]:
    """The fixed cases of a chat route, the most telling first.

    Those of `_ONCE` ask by native only for what depends on the provider and not on the route.
    """
    for number, (topic, expect, text, fields) in enumerate(_TELLING):
        if topic in _ONCE and route != "native":
            continue
        asked = f"{text} ({nonce(seed, number)})"
        yield Case(route, body(model, asked, **fields), topic, expect)


def bound_cases(route: str, model: str, seed: int) -> Iterator[Case]:
    """A case for each bound that every run asks a chat route for, over a plain request."""
    listed = IN_EVERY_RUN if route == "native" else ON_BOTH
    return _bound_cases(listed, route, model, seed, 500)


def optional_bound_cases(route: str, model: str, seed: int) -> Iterator[Case]:
    """A case for each further bound; one route is enough for them."""
    listed = OPTIONAL if route == "native" else ()
    return _bound_cases(listed, route, model, seed, 500 + len(IN_EVERY_RUN))


def _bound_cases(
    listed: Sequence[FieldBound], route: str, model: str, seed: int, first: int
) -> Iterator[Case]:
    for number, bound in enumerate(listed, first):
        yield bound_case(route, model, bound, nonce(seed, number))


def cut_json(route: str) -> Case:
    """A body that ends too soon."""
    return Case(route, b'{"model": "x", "messages": [', "cut JSON", Expect.REJECT)


def bound_case(route: str, model: str, bound: FieldBound, mark: str) -> Case:
    """A plain request with one field at a bound; a field of None is left out."""
    asked = body(model, f"Say hello. ({mark})", max_tokens=16)
    asked[bound.field] = bound.value
    if bound.streamed:
        asked["stream"] = True
    if bound.value is None:
        del asked[bound.field]
    missing = bound.value is None
    topic = f"no {bound.field}" if missing else f"{bound.field}={json.dumps(bound.value)[:40]}"
    return Case(route, asked, topic, bound.expect)


def model_cases(seed: int) -> Iterator[Case]:
    """The fixed cases of the model route: any JSON."""
    for number, (topic, expect, document) in enumerate(_DOCUMENTS):
        yield Case("model", _marked(document, nonce(seed, 900 + number)), topic, expect)
    yield Case("model", b'{"prompt": ', "cut JSON", Expect.EITHER)
    yield Case("model", b'["a", "list"]', "a list as body", Expect.EITHER)
    yield Case("model", b'"text"', "a string as body", Expect.EITHER)


def _marked(document: dict[str, Any], mark: str) -> dict[str, Any]:
    """The document made unlike any other, without a field that a model may not know."""
    if "prompt" in document:
        return {**document, "prompt": f"{document['prompt']} ({mark})"}
    return {**document, "mark": mark}


_ASK = "Tell me about rivers in two sentences."
_FILL = "Fill in the form."
_OK = Expect.ACCEPT
_ONCE = (
    "history",
    "logprobs",
    "named tool",
    "reasoning",
    "long stream",
    "long answer",
    "cut by max_completion_tokens",
    "one tool at a time",
    "history with reasoning",
    "two choices",
    "free tools",
    "forbidden tools",
    "scripts",
    "json_object",
    "stream without options",
)
_MANY = {"logprobs": True, "top_logprobs": 20, "max_tokens": 400}
_TOOLS = {"tools": [WEATHER, CLOCK], "tool_choice": "required", "max_tokens": 200}
_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_time", "arguments": '{"city":"Oslo"}'},
}
_TALK = [
    {"role": "system", "content": f"Be brief. {MANY}"},
    {"role": "user", "content": f"Hello. {MANY}"},
    {"role": "assistant", "content": f"Hello. {MANY}"},
    {"role": "user", "content": LONG},
]
"""A history whose every message is heavy enough to be missed."""
_TELLING: tuple[tuple[str, Expect, str, dict[str, Any]], ...] = (
    ("stream", _OK, _ASK, {"stream": True, "stream_options": USAGE, "max_tokens": 48}),
    ("plain", _OK, _ASK, {"max_tokens": 48}),
    (
        "streamed given text",
        _OK,
        _FILL,
        {"response_format": only(text=TEXT), "max_tokens": 400, "stream": True},
    ),
    (
        "streamed tools",
        _OK,
        "Weather in Oslo for three days, and the time there?",
        {**_TOOLS, "stream": True, "stream_options": USAGE},
    ),
    (
        "stream with logprobs",
        Expect.EITHER,
        _ASK,
        {
            "stream": True,
            "stream_options": USAGE,
            "logprobs": True,
            "top_logprobs": 2,
            "max_tokens": 32,
        },
    ),
    (
        "long prompt",
        _OK,
        WORDS,
        {"max_tokens": 16, "stream": True, "stream_options": USAGE},
    ),
    ("long answer", Expect.EITHER, _FILL, {"response_format": only(text=TEXT), **_MANY}),
    (
        "forbidden tools",
        _OK,
        "What time is it in Lima?",
        {"tools": [CLOCK], "tool_choice": "none", "max_tokens": 48, "stream": True},
    ),
    ("tools", _OK, "Weather in Rome for two days, and the time there?", _TOOLS),
    (
        "cut",
        _OK,
        "",
        {"messages": _TALK, "stream": True, "stream_options": USAGE, "max_tokens": 5},
    ),
    ("stop", _OK, f"{LONG} Use commas.", {"stop": [" ", "e"], "max_tokens": 64, "stream": True}),
    ("json_schema", _OK, "Invent a person.", {"response_format": SCHEMA, "max_tokens": 256}),
    (
        "logprobs",
        Expect.EITHER,
        _ASK,
        {"logprobs": True, "top_logprobs": 2, "max_tokens": 24},
    ),
    (
        "given text",
        _OK,
        _FILL,
        {"response_format": only(text=TEXT, number=NUMBER), "max_tokens": 400},
    ),
    (
        "long stream",
        Expect.EITHER,
        _FILL,
        {"response_format": only(text=TEXT), **_MANY, "stream": True},
    ),
    (
        "cut by max_completion_tokens",
        Expect.EITHER,
        LONG,
        {"max_completion_tokens": 4, "max_tokens": 32},
    ),
    (
        "one tool at a time",
        Expect.EITHER,
        "Weather in Oslo for three days, and the time there?",
        {**_TOOLS, "parallel_tool_calls": False},
    ),
    ("cut", _OK, LONG, {"max_tokens": 3}),
    (
        "streamed json_schema",
        _OK,
        "Invent a person as JSON.",
        {"response_format": SCHEMA, "max_tokens": 256, "stream": True, "stream_options": USAGE},
    ),
    ("stop", _OK, LONG, {"stop": "e", "max_tokens": 64}),
    ("cut", _OK, LONG, {"max_tokens": 7, "temperature": 1, "n": 1}),
    (
        "json_object",
        _OK,
        "Answer with a JSON object about bread.",
        {"response_format": {"type": "json_object"}, "max_tokens": 256},
    ),
    (
        "named tool",
        _OK,
        "What time is it in Bogotá?",
        {
            "tools": [WEATHER, CLOCK],
            "tool_choice": {"type": "function", "function": {"name": "get_time"}},
            "max_tokens": 200,
        },
    ),
    (
        "scripts",
        _OK,
        f"Repeat and continue: {' / '.join(SCRIPTS[:8])}",
        {"stream": True, "stream_options": USAGE, "max_tokens": 64},
    ),
    ("stream without options", _OK, _ASK, {"stream": True, "max_tokens": 24}),
    ("free tools", _OK, "Time in Oslo?", {"tools": [CLOCK], "max_tokens": 128}),
    ("two choices", Expect.EITHER, _ASK, {"n": 2, "temperature": 1, "max_tokens": 16}),
    (
        "reasoning",
        Expect.EITHER,
        "Is 91 prime? Think first.",
        {"reasoning_effort": "low", "max_tokens": 96, "stream": True, "stream_options": USAGE},
    ),
    (
        "history",
        _OK,
        "",
        {
            "messages": [
                {"role": "system", "content": f"Be brief. {MANY}"},
                {"role": "user", "content": f"{MANY} Time in Oslo?"},
                {"role": "assistant", "content": None, "tool_calls": [_CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": "12:00"},
            ],
            "tools": [CLOCK],
            "max_tokens": 64,
        },
    ),
    (
        "history with reasoning",
        Expect.EITHER,
        "",
        {
            "messages": [
                {"role": "user", "content": "Is 91 prime?"},
                {"role": "assistant", "content": "No.", "reasoning_content": "7 times 13."},
                {"role": "user", "content": "Why?"},
            ],
            "max_tokens": 32,
        },
    ),
)
_DOCUMENTS: tuple[tuple[str, Expect, dict[str, Any]], ...] = (
    ("prompt", _OK, {"prompt": "Tell me about rivers.", "max_tokens": 48}),
    (
        "streamed prompt",
        Expect.EITHER,
        {"prompt": "Tell me about bees.", "max_tokens": 48, "stream": True},
    ),
    ("scripts", _OK, {"prompt": " / ".join(SCRIPTS), "max_tokens": 32}),
    (
        "nested keys",
        Expect.EITHER,
        {"inputs": {"Text": ["a", {"Deep": None}], "n": 1.5}, "CamelCase": True, "max_tokens": 8},
    ),
    ("long prompt", _OK, {"prompt": "word " * 3000, "max_tokens": 8}),
)
