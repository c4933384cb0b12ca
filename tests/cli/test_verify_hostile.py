"""`verify` against targets that cannot be judged: bounded, unknown, never a traceback or green."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import Done, run
from tests.transports.peer import Peer, serving

PATIENCE = "0.04"
"""Scales every limit of time: what takes 15 s for a user takes 0.6 s here."""
JSON = "content-type: application/json\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


def answer(status: str, body: str, fields: str = JSON) -> bytes:
    head = f"HTTP/1.1 {status}\r\n{fields}content-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def always(data: bytes) -> Callable[[socket.socket, Peer], None]:
    def handle(connection: socket.socket, peer: Peer) -> None:
        while peer.take(connection):
            connection.sendall(data)

    return handle


def hang(connection: socket.socket, peer: Peer) -> None:
    peer.take(connection)
    connection.recv(1)  # until the client gives up


def drip(connection: socket.socket, peer: Peer) -> None:
    """A body of one space after the other, of the type that was asked for, for ever."""
    asked = peer.take(connection)
    kind = b"text/event-stream" if b'"stream":true' in asked else b"application/json"
    sent = [line for line in asked.split(b"\r\n") if line.lower().startswith(b"cf-aig-event-id")]
    fields = b"\r\n".join((b"content-type: " + kind, *sent, CHUNKED))
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + fields)
    while True:
        connection.sendall(b"1\r\n \r\n")
        time.sleep(0.01)


def drip_head(connection: socket.socket, peer: Peer) -> None:
    """A head that never ends."""
    peer.take(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.01)


def close(connection: socket.socket, peer: Peer) -> None:
    peer.take(connection)


def plain_socket(connection: socket.socket, peer: Peer) -> None:
    connection.recv(10)
    connection.sendall(b"no TLS here\r\n")
    del peer


PAGE = "<!doctype html><title>Sign in</title>"
HOSTILE: dict[str, Callable[[socket.socket, Peer], None]] = {
    "hanging": hang,
    "dripping": drip,
    "dripping head": drip_head,
    "closing": close,
    "no HTTP": always(b"220 smtp.example.com ESMTP\r\n"),
    "429 only": always(answer("429 Too Many Requests", '{"error": "slow down"}')),
    "500 only": always(answer("500 Internal Server Error", '{"error": "boom"}')),
    "503 page": always(answer("503 Service Unavailable", PAGE, "content-type: text/html\r\n")),
    "401 only": always(answer("401 Unauthorized", '{"error": "no"}')),
    "404 page": always(answer("404 Not Found", PAGE, "content-type: text/html\r\n")),
    "403 edge": always(answer("403 Forbidden", "error code: 1010", "content-type: text/plain\r\n")),
}
BREAKING: dict[str, Callable[[socket.socket, Peer], None]] = {
    "redirecting": always(answer("302 Found", "", "location: /login\r\n")),
    "html 200": always(answer("200 OK", PAGE, "content-type: text/html\r\n")),
    "empty 200": always(answer("200 OK", "")),
    "null 200": always(answer("200 OK", "null")),
    "deep 200": always(answer("200 OK", "[" * 50_000)),
    "binary 200": always(answer("200 OK", "\x00\x01\x02")),
}


def verify(target: str, folder: Path, *more: str) -> Done:
    arguments = ("verify", "--target", target, "--out", "run", *more)
    return run(*arguments, folder=folder, environment={"GATEWAY_HARNESS_PATIENCE": PATIENCE})


def assert_orderly(done: Done, folder: Path) -> None:
    assert "Traceback" not in done.stdout + done.stderr
    document = json.loads((folder / "run" / "conformance.json").read_text())
    assert document["exit_code"] == done.returncode


@contextmanager
def refusing() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    yield url


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_judged_is_unknown(name: str, tmp_path: Path) -> None:
    with serving(HOSTILE[name]) as peer:
        done = verify(peer.url, tmp_path)

    assert_orderly(done, tmp_path)
    assert done.returncode == 3, done.stdout
    assert "unknown: " in done.stdout


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_the_contract_fails(name: str, tmp_path: Path) -> None:
    with serving(BREAKING[name]) as peer:
        done = verify(peer.url, tmp_path, "--max-requests", "60")

    assert_orderly(done, tmp_path)
    assert done.returncode == 1, done.stdout


def test_a_dead_target_is_unknown(tmp_path: Path) -> None:
    with refusing() as url:
        done = verify(url, tmp_path)

    assert_orderly(done, tmp_path)
    assert done.returncode == 3
    assert "refused" in done.stdout


def test_a_plain_port_behind_https_is_unknown(tmp_path: Path) -> None:
    with serving(plain_socket) as peer:
        done = verify(peer.url.replace("http:", "https:"), tmp_path)

    assert_orderly(done, tmp_path)
    assert done.returncode == 3
    assert "tls" in done.stdout.lower()
