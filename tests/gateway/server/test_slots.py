"""Slots and a queue on a real socket: waves, refusals, and clients that leave."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from harness.gateway.timing import Timing

PATH = "/v1/acc/gw/baseten/v1/chat/completions"
BODY = json.dumps(
    {"model": "openai/gpt-oss-120b", "messages": [{"role": "user", "content": "Hi"}]}
).encode()
FIELDS = {"authorization": "Bearer baseten-key", "content-type": "application/json"}
SERVICE_S = 0.1


@contextmanager
def served(*, slots: int, queue: int, service_s: float = SERVICE_S) -> Iterator[LocalGateway]:
    timing = Timing(ttft_ns=int(service_s * 1e9), itl_ns=0)
    with LocalGateway(Gateway(Config(timing=timing, slots=slots, queue=queue))) as local:
        yield local


def ask(url: str, path: str = PATH) -> httpx.Response:
    return httpx.post(url + path, content=BODY, headers=FIELDS, trust_env=False, timeout=30)


def entries(url: str) -> list[dict[str, int]]:
    text = httpx.get(url + "/__harness/log", trust_env=False).text
    return [json.loads(line) for line in text.splitlines()]


def test_sixteen_at_once_end_in_two_waves_of_eight() -> None:
    with served(slots=8, queue=100) as local, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(local.url), range(16)))
        log = entries(local.url)

    assert {answer.status_code for answer in answers} == {200}
    begun = sorted(entry["end_ns"] - int(SERVICE_S * 1e9) for entry in log)
    waited = sorted(entry["end_ns"] - entry["at_ns"] - int(SERVICE_S * 1e9) for entry in log)
    assert waited[:8] == [0] * 8
    assert all(
        after - before >= SERVICE_S * 1e9 for before, after in zip(begun, begun[8:], strict=False)
    )


def test_a_full_queue_refuses_on_the_socket() -> None:
    with served(slots=1, queue=1, service_s=0.5) as local, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(local.url), range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 529, 529]


def test_a_client_that_leaves_frees_its_slot_for_the_one_that_waits() -> None:
    with served(slots=1, queue=10, service_s=20.0) as local:
        leaving = [started(local.url) for _ in range(2)]
        waiting = started(local.url)
        before = [entry["end_ns"] - entry["at_ns"] for entry in entries(local.url)]
        for connection in leaving:
            connection.close()
        for _ in range(200):
            log = entries(local.url)
            if log[2]["end_ns"] - log[2]["at_ns"] < 30e9:
                break
            time.sleep(0.009)
        after = entries(local.url)
        waiting.close()

    assert [round(each / 1e9) for each in before] == [20, 40, 60]
    assert 20 <= (after[2]["end_ns"] - after[2]["at_ns"]) / 1e9 < 30


def test_the_answer_itself_comes_earlier_when_another_client_leaves() -> None:
    with served(slots=1, queue=10, service_s=2.0) as local:
        first = started(local.url)
        second = started(local.url)
        began = time.monotonic()
        first.close()
        head = second.recv(20)
        took = time.monotonic() - began
        second.close()

    assert head.startswith(b"HTTP/1.1 200")
    assert took < 3


def test_the_provider_answers_below_its_own_path() -> None:
    with served(slots=1, queue=1, service_s=0.001) as local:
        answer = ask(local.url, "/upstream/v1/chat/completions")

    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("cf-")]


def started(url: str) -> socket.socket:
    """A connection whose request has reached the model."""
    port = int(url.rpartition(":")[2])
    before = len(entries(url))
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(BODY)}\r\n"
    fields = "".join(f"{name}: {value}\r\n" for name, value in FIELDS.items())
    connection.sendall(f"{head}{fields}\r\n".encode() + BODY)
    for _ in range(500):
        if len(entries(url)) > before:
            break
        time.sleep(0.005)
    return connection
