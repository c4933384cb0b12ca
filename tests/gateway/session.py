"""A mixed session with the stand-in: requests that show each defect, at their times."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from harness.gateway.model import Gateway
from harness.wire import Headers, Request, Response

S = 1_000_000_000
MODEL, COMPAT = "openai/gpt-oss-120b", "baseten/openai/gpt-oss-120b"
NATIVE_PATH, COMPAT_PATH = "baseten/v1/chat/completions", "compat/chat/completions"
MODEL_PATH = "baseten/model/abcd1234"
TOKEN, KEY = "Bearer gateway-token", "Bearer baseten-key"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": CITY}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY, "strict": True}}
NAMED = {"type": "function", "function": {"name": "get_time"}}
HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " Grüezi ", "name": "ann"},
    {"role": "assistant", "content": "Hello", "reasoning_content": "greet"},
    {"role": "user", "content": ""},
    {"role": "user", "content": "Again"},
]
LONG = [{"role": "user", "content": "word " * 20_000}]

BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"max_tokens": 4},
    {"max_completion_tokens": 6, "user": "ann"},
    {"tools": [TOOL], "parallel_tool_calls": True},
    {"tools": [TOOL, TIME], "parallel_tool_calls": False},
    {"tools": [TOOL, TIME], "tool_choice": NAMED},
    {"logprobs": True, "top_logprobs": 5, "seed": 7},
    {"stop": ["zzz", " the"]},
    {"reasoning_effort": "low"},
    {"response_format": {"type": "json_object"}},
    {"response_format": SCHEMA},
    {"messages": HISTORY},
    {"temperature": 9},
    {"x_unknown": 1},
    {"model": "openai/unknown"},
    {"seed": 3},
)

Timed = tuple[int, Request]


def chat(
    document: Mapping[str, Any] | None = None,
    *,
    path: str = NATIVE_PATH,
    headers: Mapping[str, str | None] | None = None,
) -> Request:
    """A chat request; headers that are None are left out."""
    messages = [{"role": "user", "content": "What is Cloudflare?"}]
    body = {"model": MODEL, "messages": messages, **(document or {})}
    if path == COMPAT_PATH:
        body["model"] = f"baseten/{body['model']}"
    return post(path, body, headers)


def predict(document: Mapping[str, Any] | None = None, **more: Any) -> Request:
    """A request on the model route."""
    return post(MODEL_PATH, {"prompt": "Hi", "Max": 1, "max_tokens": 9, **(document or {})}, **more)


def post(path: str, body: Any, headers: Mapping[str, str | None] | None = None) -> Request:
    """A request with token and key, unless the headers say otherwise."""
    given: dict[str, str | None] = {
        "content-type": "application/json",
        "authorization": KEY,
        "cf-aig-authorization": TOKEN,
    }
    fields = {name: value for name, value in {**given, **(headers or {})}.items() if value}
    return Request("POST", f"/v1/acc/gw/{path}", Headers(fields.items()), json.dumps(body).encode())


@cache
def requests() -> tuple[Timed, ...]:
    """The session; at most ten requests a second until the burst at its end."""
    return tuple(_requests())


def _requests() -> Iterator[Timed]:
    slow = [*_access(), *_bodies(), *_cached(), *_large(), *_steps(), *_retries()]
    for number, request in enumerate(slow):
        yield 7 * S * number, request
    at_ns = 7 * S * len(slow)
    for number, token in enumerate((None, TOKEN)):
        yield at_ns + number, chat({"seed": 50}, headers={"cf-aig-authorization": token})
    at_ns += 60 * S
    for second in (0, 1):
        for number in range(3):
            yield at_ns + second * S, chat({"seed": number, "stream": second == 0})
    for number in range(30):
        yield at_ns + 600 * S + number, chat({"seed": 100 + number, "stream": number % 5 == 4})
    yield at_ns + 625 * S, chat({"seed": 150})
    for number in range(30):
        yield at_ns + 661 * S + number, chat({"seed": 200}, path=COMPAT_PATH)
    for number in range(30):
        yield at_ns + (663 + number) * S, chat({"seed": 200}, path=COMPAT_PATH)
    for number in range(30):
        path = (NATIVE_PATH, COMPAT_PATH)[number % 2]
        yield at_ns + 780 * S + number, chat({"seed": 400 + number}, path=path)
    yield at_ns + 900 * S, predict({"seed": 300})
    yield at_ns + 940 * S, chat({"seed": 301})


def _access() -> Iterator[Request]:
    for path in (NATIVE_PATH, COMPAT_PATH):
        for token in (
            None,
            "Bearer gateway-tokem",
            "Bearer x",
            TOKEN.upper(),
            "Bearer gateway-toke",
        ):
            yield chat({"seed": 1}, path=path, headers={"cf-aig-authorization": token})
        yield chat({"stream": True}, path=path)
        for key in (None, "Bearer other"):
            yield chat({"seed": 2}, path=path, headers={"authorization": key})
    for name in ("cf-aig-authorization", "authorization"):
        yield predict(headers={name: None})
        yield predict(headers={name: "Bearer other"})
    yield post("nobody/v1/chat/completions", {})
    yield post("baseten/model/other", {"prompt": "Hi"})


def _bodies() -> Iterator[Request]:
    for path in (NATIVE_PATH, COMPAT_PATH):
        for document in BODIES:
            for stream in (False, True):
                usage = {"stream_options": {"include_usage": True}} if stream else {}
                asked = {**document, "stream": stream, **usage}
                yield from [chat(asked, path=path, headers={"cf-aig-event-id": "mine"})] * 2
    yield chat({"temperature": 9})
    yield chat({"stream": True})
    for stream in (False, True):
        yield predict({"stream": stream, "max_tokens": 30})


def _cached() -> Iterator[Request]:
    yield from [chat({"temperature": 0.5}, headers={"cf-aig-cache-ttl": "0"})] * 2
    yield chat({"seed": 40})
    yield from [chat({"seed": 40}, headers={"cf-aig-skip-cache": "true"})] * 2
    for edited in ({"model": "zai-org/GLM-4.6"}, {"tools": [TOOL]}, {"temperature": 0.1}):
        yield chat({"seed": 41, "temperature": 0.2})
        yield chat({"seed": 41, "temperature": 0.2, **edited})
    for text in ("One  two", "One two", "one two", "x" * 2000 + "a", "x" * 2000 + "b"):
        yield chat({"messages": [{"role": "user", "content": text}]})
    for team in ("a", "b"):
        yield chat(headers={"cf-aig-metadata": json.dumps({"team": team})})
    for seed in (1, 2):
        yield chat({"seed": seed}, headers={"cf-aig-cache-key": "mine"})
    yield predict()
    yield post(NATIVE_PATH, {"prompt": "Hi", "Max": 1, "max_tokens": 9})
    yield post("baseten/chat/completions", {"model": MODEL, "messages": HISTORY[:1]})
    yield chat({"messages": HISTORY[:1]})
    yield from [chat({"messages": HISTORY[:1]})] * 10
    yield chat({"messages": HISTORY[:1]})


def _large() -> Iterator[Request]:
    for stream in (False, True):
        yield chat({"messages": LONG, "stream": stream})
        yield chat({"min_tokens": 14_000, "max_tokens": 14_000, "stream": stream})
        yield chat({"logprobs": True, "top_logprobs": 20, "max_tokens": 60, "stream": stream})
    yield chat({"messages": [{"role": "user", "content": "word " * 250_000}]})
    for limit in (20, 30):
        text = [{"role": "user", "content": "Tell more. " * limit}]
        yield chat({"messages": text, "min_tokens": 300, "stream": True})


def _steps() -> Iterator[Request]:
    lists: tuple[Any, ...] = (
        [_step(), _step(seed=1)],
        [_step(KEY[:-1]), _step("Bearer other", seed=2), _step(stream=True)],
        [_step(config={"requestTimeout": 1}), _step(seed=3)],
        [_step(KEY[:-1]), _step("Bearer other")],
        {},
    )
    for steps in lists:
        yield Request("POST", "/v1/acc/gw", chat().headers, json.dumps(steps).encode())


def _step(key: str = KEY, *, config: Any = None, **query: Any) -> dict[str, Any]:
    asked = {"model": MODEL, "messages": HISTORY[:1], **query}
    step = {"provider": "baseten", "endpoint": "v1/chat/completions", "config": config or {}}
    return {**step, "headers": {"authorization": key}, "query": asked}


def _retries() -> Iterator[Request]:
    names = ("cf-aig-max-attempts", "cf-aig-retry-delay", "cf-aig-backoff")
    for values in (("1", "5000", "constant"), ("5", "100", "linear"), ("5", "1", "exponential")):
        for path in (NATIVE_PATH, COMPAT_PATH):
            yield chat({"seed": 60}, path=path, headers=dict(zip(names, values, strict=True)))
    for timeout, attempts in (("1", "1"), ("1", "2"), ("3600000", "1")):
        bounds = {"cf-aig-request-timeout": timeout, "cf-aig-max-attempts": attempts}
        yield chat({"seed": 61}, headers=bounds)


def play(gateway: Gateway) -> Iterator[Response]:
    """What the clients of a gateway see, answer by answer; the last one but one leaves early."""
    for at_ns, request in requests():
        yield gateway.handle(request, at_ns)
    last_ns = at_ns + 60 * S
    yield gateway.handle(chat({"seed": 500, "stream": True}), last_ns)
    gateway.left(gateway.log[-1], last_ns + S // 2)
    yield gateway.handle(chat({"seed": 501, "stream": True}), last_ns + S)


def notes(gateway: Gateway) -> list[tuple[object, ...]]:
    """What the log of a gateway says about the way to the provider, after the whole session."""
    for _ in play(gateway):
        pass
    return [(e.altered, e.forwarded, e.passed_headers, e.stops_with_client) for e in gateway.log]
