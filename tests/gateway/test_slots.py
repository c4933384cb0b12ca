"""A model with slots and a queue: who waits how long, and who is refused."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.slots import Slots
from harness.gateway.timing import Timing
from harness.wire import Headers, Request

MS = 1_000_000
SERVICE = Timing(ttft_ns=100 * MS, itl_ns=0, tokens=1)


def ends(gateway: Gateway, requests: Sequence[Request], *, every_ms: int = 0) -> list[int | None]:
    """When each answer ended, in milliseconds after the first request; None for a refusal."""
    found: list[int | None] = []
    for number, request in enumerate(requests):
        at_ns = number * every_ms * MS
        answer = gateway.handle(request, at_ns)
        found.append((at_ns + answer.end_at_ns) // MS if answer.status == 200 else None)
    return found


def test_requests_beyond_the_slots_wait_for_the_first_that_is_free(
    chat: Callable[..., Request],
) -> None:
    gateway = Gateway(Config(timing=SERVICE, slots=2))

    assert ends(gateway, [chat() for _ in range(6)]) == [100, 100, 200, 200, 300, 300]


def test_a_full_queue_refuses_as_a_model_without_capacity_does(
    chat: Callable[..., Request],
) -> None:
    gateway = Gateway(Config(timing=SERVICE, slots=1, queue=1))

    assert ends(gateway, [chat(), chat(), chat()]) == [100, 200, None]
    refused = gateway.handle(chat(), 3 * MS)
    assert refused.status == 529
    assert b'"code":529' in refused.body


def test_a_target_that_keeps_up_lets_nobody_wait(chat: Callable[..., Request]) -> None:
    gateway = Gateway(Config(timing=SERVICE, slots=1))

    assert ends(gateway, [chat() for _ in range(3)], every_ms=100) == [100, 200, 300]


def test_what_needs_no_generation_takes_no_slot(chat: Callable[..., Request]) -> None:
    gateway = Gateway(Config(timing=SERVICE, slots=1))
    nobody = chat(key=None)

    assert [gateway.handle(nobody, 0).status for _ in range(3)] == [401] * 3
    assert ends(gateway, [chat()]) == [100]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 80)), max_size=60), st.integers(1, 5))
def test_never_more_than_the_slots_are_served_and_nobody_overtakes(
    asked: list[tuple[int, int]], count: int
) -> None:
    slots, at, begins, spans = Slots(count, 10**6), 0, list[int](), list[tuple[int, int]]()
    for gap, length in asked:
        at += gap
        wait = slots.take(at, length)
        assert wait is not None
        begins.append(at + wait)
        spans.append((at + wait, at + wait + length))

    assert begins == sorted(begins)
    for begin, _ in spans:
        assert sum(first <= begin < last for first, last in spans) <= count


def test_the_upstream_answers_without_the_gateway() -> None:
    extra = (("native", 3 * MS),)
    gateway = Gateway(Config(timing=Timing(ttft_ns=20 * MS, tokens=1, route_extra_ns=extra)))
    body = b'{"model":"openai/gpt-oss-120b","messages":[{"role":"user","content":"Hi"}]}'
    fields = (("Authorization", "Bearer baseten-key"), ("Content-Type", "application/json"))

    direct, native = (
        gateway.handle(Request("POST", f"http://127.0.0.1:1{path}", Headers(fields), body), 0)
        for path in ("/upstream/v1/chat/completions", "/v1/acc/gw/baseten/v1/chat/completions")
    )

    assert (direct.status, native.status) == (200, 200)
    assert (direct.end_at_ns, native.end_at_ns) == (20 * MS, 23 * MS)
    names = [name.lower() for name, _ in direct.headers]
    assert not [name for name in names if name.startswith("cf-")]
    assert "x-baseten-request-id" in names
    assert gateway.log[0].route is None


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/upstream/model/abcd1234/predict", "Bearer baseten-key", 200),
        ("/upstream/model/other/predict", "Bearer baseten-key", 404),
        ("/upstream/v1/chat/completions", "Bearer wrong", 401),
        ("/upstream/v1/elsewhere", "Bearer baseten-key", 404),
    ],
)
def test_the_upstream_has_the_paths_and_the_keys_of_the_provider(
    path: str, key: str, status: int
) -> None:
    fields = (("Authorization", key), ("Content-Type", "application/json"))
    request = Request("POST", f"http://127.0.0.1:1{path}", Headers(fields), b'{"prompt": "Hi"}')

    assert Gateway(Config()).handle(request, 0).status == status
