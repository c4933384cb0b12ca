"""Both faces give the same answer to the same request: status, fields, bytes and the end."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.defects.make import make_gateway
from harness.defects.table import DEFECTS, suited
from harness.gateway.clock import VirtualClock
from harness.gateway.config import Config, RateLimit
from harness.gateway.handler import Handler
from harness.gateway.model import Gateway
from harness.gateway.respx import mount
from harness.gateway.server import LocalGateway
from harness.gateway.server.connection import ConnectionLimits
from harness.gateway.timing import Timing
from harness.wire import Chunk, End, Headers, Request, Response

SECOND = 1_000_000_000
NO_REUSE = httpx.Limits(max_keepalive_connections=0)
"""A client cannot know that a whole answer's connection is about to be cut."""
AT_ONCE = Timing(ttft_ns=0, itl_ns=0, gateway_ns=0)
CONFIG = Config(timing=AT_ONCE, cache_ttl=60, rate_limit=RateLimit(5, 60))


@dataclass(frozen=True)
class Received:
    """What a client made of one answer."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    end: str


class Replayed:
    """Hands requests to a handler that can be exchanged, at times that both faces share.

    Answers are played a thousand times as fast, so that a stall of 30 s is one of 30 ms.
    """

    def __init__(self) -> None:
        self.begin(Gateway(CONFIG))

    def begin(self, handler: Handler) -> None:
        self._handler = handler
        self._at_ns = 0

    def handle(self, request: Request, at_ns: int) -> Response:
        del at_ns
        self._at_ns += SECOND
        return hastened(self._handler.handle(request, self._at_ns))


def hastened(response: Response) -> Response:
    return replace(
        response,
        chunks=tuple(Chunk(chunk.data, chunk.at_ns // 1000) for chunk in response.chunks),
        head_at_ns=response.head_at_ns // 1000,
        end_at_ns=response.end_at_ns // 1000,
    )


class Scripted:
    def __init__(self, response: Response) -> None:
        self._response = response

    def handle(self, request: Request, at_ns: int) -> Response:
        del request, at_ns
        return self._response


class Faces:
    """The same handler behind a socket and behind respx, at one origin."""

    def __init__(self, local: LocalGateway, replayed: Replayed, client: httpx.Client) -> None:
        self._local = local
        self._replayed = replayed
        self._client = client

    def on_socket(self, handler: Handler, *requests: httpx.Request) -> list[Received]:
        self._replayed.begin(handler)
        return [self._send(request) for request in requests]

    def on_respx(self, handler: Handler, *requests: httpx.Request) -> list[Received]:
        self._replayed.begin(handler)
        with respx.mock() as router:
            mount(router, self._replayed, origin=self._local.url, clock=VirtualClock())
            return [self._send(request) for request in requests]

    def build(self, method: str, path: str, **parts: Any) -> httpx.Request:
        return self._client.build_request(method, self._local.url + path, **parts)

    def _send(self, request: httpx.Request) -> Received:
        received = b""
        try:
            response = self._client.send(request, stream=True)
        except httpx.RemoteProtocolError as exc:  # no head that a client would take
            return Received(0, [], b"", type(exc).__name__)
        try:
            for data in response.iter_raw():
                received += data
            end = "complete"
        except httpx.TransportError as exc:
            end = type(exc).__name__
        finally:
            response.close()
        return Received(response.status_code, response.headers.multi_items(), received, end)


@pytest.fixture(scope="module")
def faces() -> Iterator[Faces]:
    replayed = Replayed()
    limits = ConnectionLimits(open_s=0.01, sweep_s=0.002)
    with (
        LocalGateway(replayed, limits=limits) as local,
        httpx.Client(trust_env=False, timeout=10_000, limits=NO_REUSE) as client,
    ):
        yield Faces(local, replayed, client)


PATHS = st.sampled_from(
    [
        "/v1/acc/gw/baseten/v1/chat/completions",
        "/v1/acc/gw/baseten/chat/completions",
        "/v1/acc/gw/compat/chat/completions",
        "/v1/acc/gw/baseten/model/abcd1234",
        "/v1/acc/gw/baseten/model/unknown",
        "/v1/acc/gw/compat/models",
        "/v1/acc/other/baseten/v1/chat/completions",
        "/v1/acc/gw/nobody/v1/chat/completions?x=%00",
        "/",
    ]
)
BODIES = st.builds(
    lambda model, text, stream, more: json.dumps(
        {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "prompt": text,
            "stream": stream,
            "max_tokens": 8,
            **more,
        }
    ).encode(),
    st.sampled_from(["openai/gpt-oss-120b", "baseten/openai/gpt-oss-120b", "x/y", ""]),
    st.text(max_size=20),
    st.booleans(),
    st.dictionaries(
        st.sampled_from(["n", "stop", "seed", "logprobs", "stream_options", "messages", "tools"]),
        st.none() | st.integers(-2, 3) | st.booleans() | st.text(max_size=4),
        max_size=2,
    ),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": st.sampled_from(["Bearer baseten-key", "Bearer wrong", "nonsense"]),
        "Content-Type": st.sampled_from(["application/json", "text/plain"]),
        "cf-aig-authorization": st.just("Bearer gateway-token"),
        "cf-aig-cache-ttl": st.sampled_from(["60", "0", "-1", "soon"]),
        "cf-aig-skip-cache": st.sampled_from(["true", "false", "AAA"]),
        "cf-aig-event-id": st.text(
            st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=10
        ),
        "cf-aig-metadata": st.sampled_from(['{"a": 1}', '{"a": {}}', "{"]),
        "X-Latin": st.just("caf\xe9"),
    },
)


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(["POST"] * 5 + ["GET", "HEAD", "OPTIONS", "PUT", "BREW"]),
    path=PATHS,
    fields=FIELDS,
    body=BODIES | st.binary(max_size=30),
    times=st.integers(1, 3),
)
def test_the_model_answers_alike_on_both_faces(
    faces: Faces, method: str, path: str, fields: dict[str, str], body: bytes, times: int
) -> None:
    headers = {name: value.encode("latin-1") for name, value in fields.items()}
    requests = [faces.build(method, path, headers=headers, content=body) for _ in range(times)]

    on_socket = faces.on_socket(Gateway(CONFIG), *requests)

    assert faces.on_respx(Gateway(CONFIG), *requests) == on_socket


@st.composite
def responses(draw: st.DrawFn) -> Response:
    fields = [("content-type", draw(st.sampled_from(["application/json", "text/event-stream"])))]
    chunks = tuple(Chunk(data) for data in draw(st.lists(st.binary(max_size=20), max_size=5)))
    length = sum(len(chunk.data) for chunk in chunks)
    framing = draw(st.sampled_from(["none", "chunked", "short", "exact", "long"]))
    if framing == "chunked":
        fields.append(("Transfer-Encoding", "chunked"))
    elif framing != "none":
        shift = {"short": -1, "exact": 0, "long": 3}[framing]
        fields.append(("Content-Length", str(max(0, length + shift))))
    fields += draw(st.sampled_from([[], [("Connection", "close")], [("X-A", "1"), ("x-a", "2")]]))
    return Response(
        status=draw(st.sampled_from([200, 204, 304, 400, 429, 503, 529])),
        headers=Headers(fields),
        chunks=chunks,
        end=draw(st.sampled_from(list(End))),
    )


@settings(max_examples=150, deadline=None)
@given(responses(), st.sampled_from(["GET", "POST", "HEAD"]))
def test_any_answer_looks_alike_on_both_faces(
    faces: Faces, response: Response, method: str
) -> None:
    request = faces.build(method, "/anything")

    on_socket = faces.on_socket(Scripted(response), request)

    assert faces.on_respx(Scripted(response), request) == on_socket


@pytest.mark.parametrize("name", list(DEFECTS)[::3])
@pytest.mark.parametrize("stream", [False, True])
def test_a_defect_looks_alike_on_both_faces(faces: Faces, name: str, *, stream: bool) -> None:
    config = suited(Config(timing=AT_ONCE), name)
    headers = {
        "Authorization": "Bearer baseten-key",
        "cf-aig-authorization": f"Bearer {config.gateway_token}",
    }
    question = {"messages": [{"role": "user", "content": "Hi"}], "stream": stream, "max_tokens": 9}
    chat = {"model": "openai/gpt-oss-120b", **question}
    compat = {"model": "baseten/openai/gpt-oss-120b", **question}
    requests = [
        faces.build("POST", f"/v1/acc/gw{path}", headers=headers, json=body)
        for path, body in (
            ("/baseten/v1/chat/completions", chat),
            ("/compat/chat/completions", compat),
            ("/baseten/model/abcd1234", {"prompt": "Hi", "stream": stream, "max_tokens": 9}),
            ("/baseten/v1/chat/completions", {**chat, "messages": []}),
            ("/baseten/v1/chat/completions", chat),
        )
    ]

    on_socket = faces.on_socket(make_gateway(config, defect=name), *requests)

    assert faces.on_respx(make_gateway(config, defect=name), *requests) == on_socket
