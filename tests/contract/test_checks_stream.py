"""Clauses on streams: what breaks them, by hand-written bytes."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tests.contract.answers import (
    broken,
    chunk,
    gateway_fields,
    good_chunks,
    seen,
    sse,
    streamed,
)

Chunks = list[dict[str, Any]]


def test_a_good_stream_breaks_no_clause() -> None:
    answer = seen(streamed(), sse(good_chunks()), headers=gateway_fields())

    assert broken(answer) == set()


def _changed(position: int, **fields: Any) -> Callable[[], Chunks]:
    def make() -> Chunks:
        chunks = good_chunks()
        chunks[position] = chunks[position] | fields
        return chunks

    return make


def _choice(position: int, **fields: Any) -> Callable[[], Chunks]:
    def make() -> Chunks:
        chunks = good_chunks()
        (choice,) = chunks[position]["choices"]
        chunks[position]["choices"] = [{k: v for k, v in (choice | fields).items() if v is not ...}]
        return chunks

    return make


def _without(position: int, name: str) -> Callable[[], Chunks]:
    def make() -> Chunks:
        chunks = good_chunks()
        del chunks[position][name]
        return chunks

    return make


def _inserted(position: int, *more: dict[str, Any]) -> Callable[[], Chunks]:
    def make() -> Chunks:
        chunks = good_chunks()
        return [*chunks[:position], *more, *chunks[position:]]

    return make


@pytest.mark.parametrize(
    ("clause", "make"),
    [
        ("chunk-object", _changed(1, object="chat.completion")),
        ("chunk-object", _without(1, "object")),
        ("chunk-object", _inserted(2, {"type": "ping"})),
        ("chunk-fields", _without(0, "id")),
        ("chunk-fields", _changed(2, choices=None)),
        ("chunk-fields", _changed(2, created="now")),
        ("chunk-choices", _choice(1, index=...)),
        ("chunk-choices", _choice(1, delta=..., message={"content": "Hel"})),
        ("chunk-types", _choice(1, delta={"content": 7})),
        ("chunk-index", _choice(1, index=1)),
        ("stream-first-choice", _inserted(0, chunk(choices=[]))),
        ("stream-one-id", _changed(3, id="chatcmpl-2")),
        ("stream-one-created", _changed(3, created=1)),
        ("stream-one-model", _changed(3, model="another/model")),
        ("role-first", _choice(0, delta={"content": ""})),
        ("role-assistant", _choice(0, delta={"role": "tool"})),
        ("role-once", _choice(1, delta={"role": "assistant", "content": "Hel"})),
        ("finish-once", _choice(4, finish_reason=None)),
        ("finish-once", _choice(1, finish_reason="")),
        ("finish-known", _choice(4, finish_reason="eos_token")),
        ("finish-is-last", _inserted(5, chunk({"content": "more"}))),
        ("usage-stream", lambda: good_chunks()[:5]),
        ("usage-chunk-last", _changed(5, usage=None)),
        ("usage-chunk-last", lambda: [*good_chunks(), good_chunks()[5]]),
        ("usage-chunk-last", lambda: [*good_chunks()[:4], *good_chunks()[:3:-1]]),
        ("usage-integers", _changed(5, usage={"input_tokens": 1, "output_tokens": 2})),
        (
            "usage-integers",
            _changed(5, usage={"prompt_tokens": "9", "completion_tokens": 4, "total_tokens": 13}),
        ),
        (
            "usage-sum",
            _changed(5, usage={"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 14}),
        ),
        (
            "usage-positive",
            _changed(5, usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
        ),
        ("text-whole", _choice(1, delta={"content": "\ud83d"})),
        (
            "stream-no-error",
            _inserted(3, {"error": {"message": "boom", "type": "server_error", "code": 500}}),
        ),
        ("tool-none", _choice(1, delta={"tool_calls": [{"index": 0, "id": "a"}]})),
    ],
    ids=map(str, count()),
)
def test_a_broken_stream_breaks_its_clause(clause: str, make: Callable[[], Chunks]) -> None:
    body = "".join(f"data: {json.dumps(c)}\n\n" for c in make()) + "data: [DONE]\n\n"

    assert clause in broken(seen(streamed(), body.encode()))


@pytest.mark.parametrize(
    ("clause", "change"),
    [
        ("stream-done", lambda body: body.replace(b"data: [DONE]\n\n", b"")),
        ("sse-done-exact", lambda body: body.replace(b"[DONE]", b"[done]")),
        ("sse-done-exact", lambda body: body.replace(b"[DONE]", b"[DONE] ")),
        ("sse-done-exact", lambda body: body.replace(b"[DONE]", b'"[DONE]"')),
        ("stream-done-last", lambda body: body + b'data: {"tokens": 4}\n\n'),
        ("stream-done-last", lambda body: body + body),
        ("sse-json", lambda body: body.replace(b'"Hel"', b'"Hel', 1)),
        ("sse-json", lambda body: body.replace(b"data: {", b"data: : keepalive\n\ndata: {", 1)),
        ("sse-terminated", lambda body: body.replace(b"\n\n", b"\n")),
        ("sse-event-data", lambda body: b"event: ping\n\n" + body),
        ("sse-event-data", lambda body: b"event: error\n: boom\n\n" + body),
        ("sse-event-name", lambda body: body.replace(b"data: {", b"event: thread.x\ndata: {", 1)),
        ("sse-nothing-hidden", lambda body: body.replace(b"data: {", b"Data: {", 1)),
        ("sse-nothing-hidden", lambda body: body.replace(b"\n\ndata: {", b"\n\n{", 1)),
        ("sse-terminated", lambda body: body[:-1]),
        ("sse-no-bom", lambda body: b"\xef\xbb\xbf" + body),
        ("body-utf8", lambda body: body.replace(b"Hel", b"H\xffl")),
        ("stream-is-stream", lambda _: b"<html>no</html>"),
        ("body-not-empty", lambda _: b""),
        ("stream-has-choice", lambda _: b"data: [DONE]\n\n"),
    ],
    ids=map(str, count()),
)
def test_broken_framing_breaks_its_clause(clause: str, change: Callable[[bytes], bytes]) -> None:
    answer = seen(streamed(), change(sse(good_chunks())))

    assert clause in broken(answer)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: body.replace(b"\n", b"\r"),
        lambda body: body.replace(b"data: ", b"data:"),
        lambda body: b": keep-alive\n\n" + body.replace(b"data", b":\n\ndata", 1),
        lambda body: body.replace(b"data: {", b"id: 1\nretry: 10\ndata: {"),
        lambda body: body.replace(b"data: {", b"event: message\ndata: {"),
        lambda body: body.replace(b'data: {"id"', b'data: {\ndata: "id"'),
        lambda body: body.replace(b'"object"', b'"p": "xxxx", "object"'),
        lambda body: body.replace(b'"finish_reason": null', b'"logprobs": null'),
        lambda body: body.replace(b'"delta": {}', b'"delta": {"content": null}'),
        lambda body: body.replace(b'"usage": {', b'"usage": {"prompt_tokens_details": null, '),
    ],
    ids=map(str, count()),
)
def test_legal_variants_of_a_stream_break_no_clause(change: Callable[[bytes], bytes]) -> None:
    answer = seen(streamed(), change(sse(good_chunks())), headers=gateway_fields())

    assert broken(answer) == set()


def test_usage_on_every_chunk_or_on_the_finish_chunk_is_legal() -> None:
    def usage(count: int) -> dict[str, int]:
        return {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": 9 + count}

    every = [c | {"usage": usage(min(n, 4))} for n, c in enumerate(good_chunks())]
    finish = [*good_chunks()[:4], good_chunks()[4] | {"usage": usage(4)}]

    for chunks in (every, finish):
        assert broken(seen(streamed(), sse(chunks), headers=gateway_fields())) == set()


def test_reasoning_with_an_empty_answer_is_legal_when_the_limit_was_reached() -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 16,
        "total_tokens": 25,
        "completion_tokens_details": {"reasoning_tokens": 16},
    }
    chunks = [
        chunk({"role": "assistant", "reasoning_content": "Let me"}),
        chunk({"reasoning_content": " think"}),
        chunk(finish="length"),
        chunk(choices=[], usage=usage),
    ]

    answer = seen(streamed(max_tokens=16), sse(chunks), headers=gateway_fields())

    assert broken(answer) == set()


def test_cumulative_deltas_are_told_from_repeated_words() -> None:
    so_far = ["Rivers ", "Rivers carry", "Rivers carry water", "Rivers carry water away"]
    words = ["no ", "no ", "no ", "no"]

    def answer(pieces: list[str]) -> set[str]:
        made = [chunk({"role": "assistant"}), *(chunk({"content": p}) for p in pieces)]
        return broken(seen(streamed(), sse([*made, chunk(finish="stop"), good_chunks()[5]])))

    assert "deltas-are-new" in answer(so_far)
    assert "deltas-are-new" not in answer(words)


def test_two_streamed_calls_need_two_indexes() -> None:
    def parts(second: int) -> bytes:
        one = {"index": 0, "id": "a", "type": "function"}
        two = {"index": second, "id": "b", "type": "function"}
        function = {"name": "f", "arguments": "{}"}
        calls = [one | {"function": function}, two | {"function": function}]
        deltas = [chunk({"role": "assistant"}), *(chunk({"tool_calls": [c]}) for c in calls)]
        return sse([*deltas, chunk(finish="tool_calls"), good_chunks()[5]])

    tools = [{"type": "function", "function": {"name": "f"}}]

    assert "tool-index-own" in broken(seen(streamed(tools=tools), parts(0)))
    assert "tool-index-own" not in broken(seen(streamed(tools=tools), parts(1)))
