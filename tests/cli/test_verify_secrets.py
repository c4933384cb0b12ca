"""Nothing that `verify` writes holds a secret, wherever an answer carried it."""

import base64
import json
import socket
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.command import run
from tests.transports.peer import Peer, serving

KEY = 'sk-pl/ant+ed="0123456789abc'
TOKEN = "cf-planted&9876543210xyz"  # noqa: S105 - planted to be looked for
WINDOW = 12
"""So many characters of a secret in a row are a leak."""


def head(fields: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode()


def sized(body: str, *fields: str, kind: str = "application/json", status: str = "200 OK") -> bytes:
    length = f"content-length: {len(body.encode())}"
    return head("\r\n".join((f"content-type: {kind}", length, *fields)), status) + body.encode()


def completion(text: str) -> str:
    message = {"role": "assistant", "content": text}
    return json.dumps({"id": "x", "choices": [{"index": 0, "message": message}]})


def events(*texts: str) -> bytes:
    """A stream in chunks of one byte each, so that every secret is cut everywhere."""
    body = "".join(
        f'data: {{"choices":[{{"index":0,"delta":{{"content":{json.dumps(text)}}}}}]}}\n\n'
        for text in texts
    ).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    return (
        head("content-type: text/event-stream\r\ntransfer-encoding: chunked")
        + chunks
        + (b"0\r\n\r\n")
    )


def other(text: str) -> bytes:
    """The rest of a stream whose events say a text in a field that no client reads."""
    body = "".join(f"data: {json.dumps({'note': [piece]})}\n\n" for piece in text).encode()
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def encoded(secret: str) -> str:
    return base64.b64encode(f"Bearer {secret}".encode()).decode()


CARRIERS: dict[str, Callable[[str], bytes]] = {
    "header": lambda s: sized(completion("Hi"), f"x-echo: Bearer {s}", f"set-cookie: a={s}"),
    "header in base64": lambda s: sized(completion("Hi"), f"x-echo: {encoded(s)}"),
    "answer": lambda s: sized(completion(f"Your key is {s}.")),
    "answer in base64": lambda s: sized(completion(encoded(s))),
    "answer, percent-encoded": lambda s: sized(completion(f"https://x/?key={quote(s, safe='')}")),
    "error": lambda s: sized(json.dumps({"error": f"Invalid key {s}"}), status="400 Bad Request"),
    "error of the gateway": lambda s: sized(
        json.dumps({"success": False, "error": [{"code": 2019, "message": f"bad {s}"}]}),
        status="400 Bad Request",
    ),
    "page": lambda s: sized(f"<html>{'x' * 150} {s} {s} </html>", kind="text/html"),
    "stream": lambda s: events("Hello", f"key: {s}", f"base64 {encoded(s)}"),
    "stream of single characters": lambda s: events(*s),
    "stream of other fields": lambda s: events("Hello").replace(b"0\r\n\r\n", b"") + other(s),
    "end alone": lambda s: sized(completion(f"It ends in {s[-13:]}."), f"x-tail: {s[-14:]}"),
    "name of a header": lambda s: sized(completion("Hi"), f"x-{quote(s, safe='')}: 1"),
    "end of the body": lambda s: sized("x" * 190 + s),
    "broken chunk": lambda s: head("transfer-encoding: chunked") + f"{s}\r\n".encode(),
    "broken header": lambda s: head(f"{s} no colon"),
    "cut": lambda s: sized(completion(s))[:-5],
}
ENDING = ("broken chunk", "broken header", "cut")
"""What ends its connection."""
TOGETHER: dict[str, list[str]] = {
    "streams": [name for name in CARRIERS if name.startswith("stream")],
    "errors": [name for name in CARRIERS if name.startswith("error")],
    "ends": list(ENDING),
    "others": [n for n in CARRIERS if not n.startswith(("stream", "error")) and n not in ENDING],
}
"""The carriers that one run meets in turn."""


@pytest.mark.parametrize("carriers", TOGETHER)
def test_no_secret_is_written_or_printed(carriers: str, tmp_path: Path) -> None:
    pairs = cycle((name, secret) for name in TOGETHER[carriers] for secret in (KEY, TOKEN))

    def answer(connection: socket.socket, peer: Peer) -> None:
        while peer.take(connection):
            carrier, secret = next(pairs)
            connection.sendall(CARRIERS[carrier](secret))
            if carrier in ENDING:
                return

    with serving(answer) as peer:
        done = run(
            *("verify", "--target", peer.url, "--out", "run"),
            *("--max-requests", "40", "--against", "before.json", "--record", "seen.json"),
            folder=_prepared(tmp_path),
            environment={
                "BASETEN_API_KEY": KEY,
                "CF_AIG_TOKEN": TOKEN,
                "GATEWAY_EXPECT_AUTH": "1",
                "GITHUB_STEP_SUMMARY": "summary.md",
            },
        )

    files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    texts = files | {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    assert done.returncode in (1, 3)
    assert "summary.md" in {Path(name).name for name in files}
    assert [leak for name, data in texts.items() for leak in leaks(name, data)] == []


def _prepared(folder: Path) -> Path:
    (folder / "before.json").write_text('{"schema_version": 1, "behaviour": {}}')
    return folder


def leaks(name: str, data: bytes) -> list[str]:
    """Every piece of a secret, in any of its forms, that the data holds."""
    text = data.decode("utf-8", "replace")
    return [
        f"{name}: {form[at : at + WINDOW]!r}"
        for secret in (KEY, TOKEN)
        for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), _core(secret))
        for at in range(len(form) - WINDOW + 1)
        if form[at : at + WINDOW] in text
    ]


def _core(secret: str) -> str:
    """The Base64 of a secret after `Bearer `, without the characters that others share."""
    return encoded(secret)[10:-4]
