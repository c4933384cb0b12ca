"""The respx face: streams, ends and timeouts on a virtual clock, for both kinds of client."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
import respx

from harness.gateway.clock import VirtualClock
from harness.gateway.respx import mount
from harness.wire import Chunk, End, Headers, Request, Response

ORIGIN = "https://gateway.example"
SSE = Headers([("content-type", "text/event-stream")])
SECOND = 1_000_000_000
EVENTS = tuple(Chunk(b"data: %d\n\n" % number, (number + 2) * SECOND) for number in range(3))


class Answers:
    """Streams three events at 2, 3 and 4 s; the path names the end, at 5 s."""

    def __init__(self) -> None:
        self.times: list[int] = []

    def handle(self, request: Request, at_ns: int) -> Response:
        self.times.append(at_ns)
        name = request.path.rpartition("/")[2]
        if name == "plain":
            return Response(
                200, Headers([("X-Path", request.url)]), (Chunk(request.body, SECOND),), SECOND
            )
        return Response(200, SSE, EVENTS, SECOND, End(name), 5 * SECOND)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(100 * SECOND)


@pytest.fixture
def answers(clock: VirtualClock) -> Iterator[Answers]:
    model = Answers()
    with respx.mock(assert_all_called=False) as router:
        mount(router, model, origin=ORIGIN, clock=clock)
        yield model


@pytest.mark.usefixtures("answers")
def test_a_plain_answer_arrives_when_it_is_due(clock: VirtualClock) -> None:
    response = httpx.post(f"{ORIGIN}/a/plain?x=%20y", content=b"body")

    assert response.content == b"body"
    assert response.headers["x-path"] == "/a/plain?x=%20y"
    assert response.headers["content-length"] == "4"
    assert (response.http_version, response.reason_phrase) == ("HTTP/1.1", "OK")
    assert clock.now_ns() == 101 * SECOND


@pytest.mark.usefixtures("answers")
def test_a_sync_client_sees_each_event_at_its_time(clock: VirtualClock) -> None:
    seen = []
    with httpx.stream("POST", f"{ORIGIN}/complete") as response:
        seen.append(clock.now_ns() // SECOND)
        seen += [clock.now_ns() // SECOND for _ in response.iter_raw()]

    assert seen == [101, 102, 103, 104]
    assert clock.now_ns() == 105 * SECOND


@pytest.mark.usefixtures("answers")
def test_an_async_client_sees_each_event_at_its_time(clock: VirtualClock) -> None:
    async def watch() -> list[tuple[int, bytes]]:
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", f"{ORIGIN}/complete") as response,
        ):
            return [(clock.now_ns() // SECOND, data) async for data in response.aiter_raw()]

    assert asyncio.run(watch()) == [(chunk.at_ns // SECOND + 100, chunk.data) for chunk in EVENTS]


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize(
    ("end", "error"), [("cut", httpx.RemoteProtocolError), ("reset", httpx.ReadError)]
)
def test_a_broken_stream_raises_after_its_last_byte(
    end: str, error: type[httpx.TransportError], clock: VirtualClock
) -> None:
    received: list[bytes] = []
    with httpx.stream("POST", f"{ORIGIN}/{end}") as response, pytest.raises(error):
        received.extend(response.iter_raw())

    assert received == [chunk.data for chunk in EVENTS]
    assert clock.now_ns() == 105 * SECOND


@pytest.mark.usefixtures("answers")
def test_a_head_that_is_too_late_is_a_read_timeout(clock: VirtualClock) -> None:
    with pytest.raises(httpx.ReadTimeout) as caught:
        httpx.post(f"{ORIGIN}/complete", timeout=0.9)

    assert str(caught.value.request.url) == f"{ORIGIN}/complete"
    assert clock.now_ns() == 100 * SECOND + 900_000_000


@pytest.mark.usefixtures("answers")
def test_each_gap_has_the_whole_read_timeout(clock: VirtualClock) -> None:
    httpx.post(f"{ORIGIN}/complete", timeout=1.1)

    assert clock.now_ns() == 105 * SECOND


@pytest.mark.usefixtures("answers")
def test_silence_ends_with_the_clients_read_timeout(clock: VirtualClock) -> None:
    received: list[bytes] = []
    with (
        httpx.stream("POST", f"{ORIGIN}/open", timeout=30) as response,
        pytest.raises(httpx.ReadTimeout),
    ):
        received.extend(response.iter_raw())

    assert received == [chunk.data for chunk in EVENTS]
    assert clock.now_ns() == 134 * SECOND


@pytest.mark.usefixtures("answers")
def test_silence_without_a_timeout_ends_when_a_server_would_end_it() -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{ORIGIN}/open", timeout=None)  # noqa: S113 - the server ends it


@pytest.mark.usefixtures("answers")
def test_a_timeout_changed_after_the_head_counts_for_the_body() -> None:
    with httpx.Client(timeout=10) as client:
        request = client.build_request("POST", f"{ORIGIN}/complete")
        response = client.send(request, stream=True)
        request.extensions["timeout"]["read"] = 0.5

        with pytest.raises(httpx.ReadTimeout):
            response.read()
        response.close()


def test_the_models_time_starts_with_the_mount(answers: Answers, clock: VirtualClock) -> None:
    httpx.post(f"{ORIGIN}/plain")
    clock.advance(60 * SECOND)
    httpx.post(f"{ORIGIN}/plain")

    assert answers.times == [0, 61 * SECOND]


@pytest.mark.usefixtures("answers")
def test_the_log_tells_who_left_early() -> None:
    with httpx.stream("POST", f"{ORIGIN}/complete") as response:
        next(response.iter_raw())
    httpx.post(f"{ORIGIN}/complete")

    lines = httpx.get(f"{ORIGIN}/__harness/log").text.splitlines()

    assert [json.loads(line)["end"] for line in lines] == ["disconnected", "complete"]


@pytest.mark.usefixtures("answers")
def test_another_origin_is_none_of_its_business() -> None:
    with pytest.raises(AssertionError, match="not mocked"):
        httpx.get("https://gateway.example.org/plain")


@pytest.mark.usefixtures("answers")
def test_a_head_request_gets_no_body() -> None:
    response = httpx.head(f"{ORIGIN}/plain")

    assert response.content == b""
    assert response.headers["content-length"] == "0"
