"""Answers written by hand: a good stream and a good plain answer, to be changed by a test."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.contract.case import Case, Expect
from harness.contract.clause import Fault
from harness.contract.observation import Observation, observe
from harness.contract.run.results import Results
from harness.contract.topics.catalogue import BY_ID
from harness.errors import TransportError
from harness.transports.exchange import Exchange
from harness.wire import Chunk, End, Headers, Request, Response

MODEL = "openai/gpt-oss-120b"
SSE = "text/event-stream"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def asked(route: str = "native", **fields: Any) -> Case:
    """A small chat request."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return Case(route, body, "by hand")


def streamed(**fields: Any) -> Case:
    """A small streamed chat request that asks for usage."""
    return asked(stream=True, stream_options={"include_usage": True}, **fields)


def chunk(delta: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """One chunk with one choice, or with the fields given instead."""
    choice = {"index": 0, "delta": dict(delta or {}), "finish_reason": fields.pop("finish", None)}
    made = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_793_491_200,
        "model": MODEL,
        "choices": [choice],
    }
    return made | fields


def good_chunks() -> list[dict[str, Any]]:
    """Role, three pieces of text, finish, usage."""
    return [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo wörld"}),
        chunk({"content": " 😀"}),
        chunk(finish="stop"),
        chunk(choices=[], usage=USAGE),
    ]


def sse(chunks: Sequence[Mapping[str, Any]], *, done: bool = True) -> bytes:
    """The chunks as an event stream."""
    events = [f"data: {json.dumps(c, ensure_ascii=False)}\n\n" for c in chunks]
    return "".join([*events, *(["data: [DONE]\n\n"] if done else [])]).encode()


def plain(**fields: Any) -> dict[str, Any]:
    """A good completion with these fields replaced."""
    message = {"role": "assistant", "content": "Hello wörld 😀"}
    made = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_793_491_200,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    return made | fields


def calling(*calls: Mapping[str, Any], finish: str = "tool_calls") -> dict[str, Any]:
    """A completion with tool calls."""
    message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    return plain(choices=[{"index": 0, "message": message, "finish_reason": finish}])


def call(name: str = "get_time", arguments: Any = '{"city":"Oslo"}') -> dict[str, Any]:
    """One tool call."""
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def seen(
    case: Case,
    body: bytes | Mapping[str, Any],
    *,
    status: int = 200,
    media: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    at_ns: int = 0,
    end: End = End.COMPLETE,
    error: TransportError | None = None,
    number: int = 1,
) -> Observation:
    """What a run sees of an answer that arrives in one piece."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    label = media or (SSE if case.stream else "application/json")
    response = Response(
        status,
        Headers((("content-type", label), *headers)),
        (Chunk(data, at_ns),) if data else (),
        end=end,
        end_at_ns=at_ns,
    )
    return observe(number, case, Exchange(_request(case), 0, response, error))


def _request(case: Case) -> Request:
    fields = Headers((("Authorization", "Bearer secret-key-123"), ("cf-aig-event-id", "event-1")))
    url = "https://gateway.example/v1/acc/gw/baseten/v1/chat/completions"
    return Request("POST", url, fields, json.dumps(case.asked).encode())


def broken(observation: Observation) -> set[str]:
    """The ids of all clauses on single exchanges that an observation breaks."""
    ledger = Results(BY_ID.values(), (observation.case.route,))
    ledger.see(observation)
    return {entry.clause.id for entry in ledger.failing()}


def faults(clause: str, observation: Observation) -> tuple[Fault, ...] | None:
    """What one clause says about one observation; None when it says nothing."""
    check = BY_ID[clause].check
    assert check is not None
    found = check(observation)
    assert found is None or isinstance(found, tuple)
    return found


def gateway_fields() -> list[tuple[str, str]]:
    """The header fields that a gateway adds to a good answer."""
    log_id = "01a19468-35a2-747f-8927-8da3b1ebf548"
    return [
        ("cf-aig-event-id", "event-1"),
        ("cf-aig-log-id", log_id),
        ("cf-aig-request-id", log_id),
        ("cf-aig-step", "0"),
        ("cf-aig-cache-status", "MISS"),
    ]


def rejected() -> Case:
    """A request that every document calls invalid."""
    return Case("native", {"model": MODEL, "messages": []}, "no messages", Expect.REJECT)
