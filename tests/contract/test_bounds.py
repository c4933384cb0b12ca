"""Answers that hold far too much, or what no program expects: a run ends, in little memory."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.contract.answer.bounds import HELD, KEPT, LINES, SMALL, VALUES, bounded, size
from harness.contract.run.verdict import conclude
from harness.errors import TransportKind
from harness.load.plan import Caps
from harness.settings import load_settings, resolve_target
from harness.transports.exchange import Exchange
from harness.verification import options_for, verify
from harness.wire import Chunk, Request, Response
from tests.contract.answers import chunk, plain
from tests.contract.runs import explore
from tests.transports.peer import Peer, serving

EVENTS, JSON, PAGE = "text/event-stream", "application/json", "text/html"
MOST_MB = 500
VERIFY = """
import json, re, sys
from harness.settings import load_settings, resolve_target
from harness.verification import options_for, verify
from harness.load.plan import Caps
from pathlib import Path
target = resolve_target(sys.argv[1], load_settings())
found = verify(target, options_for(target, caps=Caps(60), out=Path("run")))
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
used = int(peak[1]) // 1024
print(json.dumps([found.verdict.exit_code, list(found.verdict.bugs), used]))
"""
Answer = Callable[[bool], bytes]
"""The bytes of an answer, for a request that wants a stream or not."""


def answer(kind: str, body: bytes | str, status: str = "200 OK") -> bytes:
    data = body if isinstance(body, bytes) else body.encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


def events(*data: str) -> bytes:
    return answer(EVENTS, "".join(f"data: {each}\n\n" for each in data))


def said(document: Any, **changes: str) -> str:
    """A document as text, with what no serializer would write in place of some values."""
    text = json.dumps(document)
    for old, new in changes.items():
        text = text.replace(f'"{old}"', new)
    return text


def choices(number: int, say: str) -> list[dict[str, Any]]:
    spoken = {"role": "assistant", "content": "Hi"}
    return [{"index": n, say: spoken, "finish_reason": "stop"} for n in range(number)]


def either(document: Any, delta: Any, **changes: str) -> Answer:
    def make(stream: bool) -> bytes:
        if stream:
            return events(said(delta, **changes), "[DONE]")
        return answer(JSON, said(document, **changes))

    return make


LONG = "f" * 1_000_000
TOO_MUCH: dict[str, Answer] = {
    "50,000 choices": either(
        plain() | {"choices": choices(50_000, "message")},
        chunk() | {"choices": choices(50_000, "delta")},
    ),
    "a million tiny events": lambda _: answer(EVENTS, b"data: {}\n\n" * 1_000_000),
    "10 MB of an error": lambda _: answer(
        JSON, json.dumps({"error": {"message": "x" * 10_000_000}}), "400 Bad Request"
    ),
    "10 MB of a page": lambda _: answer(PAGE, b"<p>" + b"x" * 10_000_000, "500 Oops"),
    "1 MB of a finish_reason": either(
        plain() | {"choices": [{**choices(1, "message")[0], "finish_reason": LONG}]},
        chunk() | {"choices": [{**choices(1, "delta")[0], "finish_reason": LONG}]},
    ),
}
NUMBERS = {"prompt_tokens": "A", "completion_tokens": "B", "total_tokens": "C"}
ODD: dict[str, Answer] = {
    "numbers of any size": either(
        plain() | {"usage": NUMBERS, "created": "A"},
        chunk() | {"usage": NUMBERS, "created": "A"},
        A="1e400",
        B=str(10**400),
        C="-1e400",
    ),
    "lone surrogates": either(
        plain() | {"id": "A", "choices": choices(1, "message")},
        chunk() | {"id": "A", "choices": choices(1, "delta")},
        A='"\\udfff"',
        Hi='"\\ud800"',
        stop='"\\udc00"',
    ),
    "deep JSON": lambda stream: (
        events("[" * 100_000 + "]" * 100_000)
        if stream
        else answer(JSON, "[" * 100_000 + "]" * 100_000)
    ),
    "JSON as deep as can be read": either(
        plain() | {"choices": "A"},
        chunk() | {"choices": "A"},
        A='[{"a":' * 450 + "1" + "}]" * 450,
    ),
}


def always(make: Answer) -> Callable[[socket.socket, Peer], None]:
    made: dict[bool, bytes] = {}

    def handle(connection: socket.socket, peer: Peer) -> None:
        while asked := peer.take(connection):
            stream = b'"stream":true' in asked or b'"stream": true' in asked
            connection.sendall(made.get(stream) or made.setdefault(stream, make(stream)))

    return handle


def endless(connection: socket.socket, peer: Peer) -> None:
    """A data line that never ends."""
    peer.take(connection)
    connection.sendall(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        b"transfer-encoding: chunked\r\n\r\n6\r\ndata: \r\n"
    )
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


def test_a_run_of_large_legal_answers_is_judged_to_its_end_and_held_in_outline() -> None:
    exploration = explore(variant="huge-event")

    verdict = conclude(exploration.ledger, strict=True, stopped=exploration.stopped)
    assert (verdict.verdict, verdict.reasons) == ("pass", ())
    sizes = [size(each.exchange) for each in exploration.sender.seen]
    assert sum(each for each in sizes if each > SMALL) <= HELD
    assert sum(each.reading is None and each.ok for each in exploration.sender.seen) > 10


@pytest.mark.parametrize("name", [*TOO_MUCH, "a data line without end"])
def test_a_run_ends_in_little_memory(name: str, tmp_path: Path) -> None:
    handler = always(TOO_MUCH[name]) if name in TOO_MUCH else endless

    with serving(handler) as peer:
        done = subprocess.run(
            [sys.executable, "-c", VERIFY, peer.url],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    code, bugs, used_mb = json.loads(done.stdout)
    assert (code in (1, 3), bugs) == (True, [])
    assert used_mb < MOST_MB


@pytest.mark.parametrize("name", ODD)
def test_no_check_breaks(name: str, tmp_path: Path) -> None:
    with serving(always(ODD[name])) as peer:
        target = resolve_target(peer.url, load_settings())
        found = verify(target, options_for(target, caps=Caps(60), out=tmp_path))

    assert (found.verdict.verdict, found.verdict.bugs) == ("fail", ())
    assert json.loads((tmp_path / "conformance.json").read_text())["verdict"] == "incompatible"


def exchange(body: bytes) -> Exchange:
    pieces = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    response = Response(200, chunks=tuple(Chunk(piece, 7) for piece in pieces))
    return Exchange(Request("POST", "http://x/"), 0, response)


@pytest.mark.parametrize(
    "body", [b"data: {}\n\n" * (LINES // 2 - 1), b"1," * (VALUES - 1), b"x" * 2_000_000]
)
def test_what_can_be_read_is_left_as_it_is(body: bytes) -> None:
    one = exchange(body)

    assert bounded(one) is one


@pytest.mark.parametrize(
    "body", [b"data: {}\n\n" * LINES, b"data: {}\r\r" * LINES, b"{}," * VALUES]
)
def test_what_holds_more_is_cut_off_by_us_and_not_by_the_target(body: bytes) -> None:
    cut = bounded(exchange(body))

    assert cut.error is not None
    assert cut.error.kind is TransportKind.CLIENT_LIMIT
    assert cut.response is not None
    assert cut.response.body == body[:KEPT]
