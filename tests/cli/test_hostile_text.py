"""No command and no file of a run obeys what a target says: each is driven by a hostile one."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transports.peer import Peer, serving

SAID = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m \u202etxt\r\n::set-output name=pwned::yes\n##[error]boom\n"
    "# Heading\n![image](https://evil.example/p.png) <img src=x onerror=alert(1)> =1+1"
)
FIELDS = "x \x1b[2J\x9b31m ::error::boom ![image](https://evil.example/p.png)"
"""What fits in a header field."""
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
COMMAND = re.compile(r"^\s*::[a-z-]+( [^\n]*)?::|##\[|##vso\[", re.MULTILINE)
MARKUP = re.compile(r"(?<!\\)!\[image|(?<!\\)<img|^# Heading|(?<!\\)\]\(https:", re.MULTILINE)
LOAD = ("--users", "1", "--duration", "1s", "--warmup", "0s", "--no-calibrate")


def answer(number: int) -> bytes:
    """An error, an answer that breaks the contract, and a stream, one after another."""
    head = f"content-type: application/json\r\ncf-ray: {FIELDS}\r\ncf-aig-log-id: {FIELDS}\r\n"
    if number % 3 == 0:
        status, body = f"400 {FIELDS}", json.dumps({"error": {"message": SAID, "code": SAID}})
    else:
        status = "200 OK"
        choice = {"index": 0, "message": {"role": SAID, "content": SAID}, "finish_reason": SAID}
        body = json.dumps({"id": SAID, "model": SAID, "object": SAID, "choices": [choice]})
    if number % 3 == 2:
        delta = {"index": SAID, "delta": {"role": SAID, "content": SAID}, "finish_reason": SAID}
        body = f"data: {json.dumps({'id': SAID, 'choices': [delta]})}\n\nevent: {FIELDS}\n\n"
        head = head.replace("application/json", "text/event-stream")
    data = body.encode()
    return (
        f"HTTP/1.1 {status}\r\n{head}content-length: {len(data)}\r\n\r\n".encode("latin-1") + data
    )


def always(connection: socket.socket, peer: Peer) -> None:
    while peer.take(connection):
        connection.sendall(answer(len(peer.requests)))


@pytest.fixture(name="peer", scope="module")
def _peer() -> Iterator[Peer]:
    with serving(always) as peer:
        yield peer


def run(folder: Path, *arguments: str) -> str:
    """What a command prints; it ends with a verdict, never with an error of its own."""
    hidden = ("CLOUDFLARE_", "BASETEN_", "CF_AIG_", "GATEWAY_")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**inherited, "GITHUB_STEP_SUMMARY": str(folder / "step-summary.md")},
        capture_output=True,
        timeout=110,
        check=False,
    )
    printed = (done.stdout + done.stderr).decode()
    assert "internal error" not in printed
    assert done.returncode in (0, 1, 3), printed
    return printed


def obeyed(name: str, text: str) -> list[str]:
    """What a terminal, a CI system or a reader of Markdown would obey in a text."""
    found = [f"{name}: {each[0]!r}" for each in RAW.finditer(text)]
    if not name.endswith((".json", ".html", ".csv")):  # no CI system reads those
        found += [f"{name}: {each[0]!r}" for each in COMMAND.finditer(text)]
    if name.endswith(".md"):
        found += [f"{name}: {each[0]!r}" for each in MARKUP.finditer(text)]
    return found


def left_in(folder: Path) -> dict[str, str]:
    """The texts of a folder that are shown to people as they are."""
    shown = (".md", ".txt", ".html", ".csv", ".xml", ".json")
    found = (path for path in folder.rglob("*") if path.suffix in shown)
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in found}


COMMANDS = {
    "doctor": (),
    "verify": ("--max-requests", "40", "--out", "run"),
    "load": (*LOAD, "--out", "run"),
    "run": (*LOAD, "--max-requests", "120", "--out", "run"),
    "compare": ("--pairs", "20", "--out", "run"),
    "capacity": (
        *("--routes", "native", "--slo", "error_rate < 1%", "--min-rate", "2", "--max-rate", "4"),
        *("--level-time", "1s", "--longest-level", "1s", "--out", "run"),
    ),
}


@pytest.mark.parametrize(
    ("command", "more"),
    [*((each, ()) for each in COMMANDS), *((each, ("--json",)) for each in ("doctor", "load"))],
)
def test_nothing_of_a_hostile_target_is_obeyed(
    command: str, more: tuple[str, ...], peer: Peer, tmp_path: Path
) -> None:
    printed = run(tmp_path, command, "--target", peer.url, *COMMANDS[command], *more)

    texts = {"printed": printed, **left_in(tmp_path)}
    assert [each for name, text in texts.items() for each in obeyed(name, text)] == []


def test_nothing_of_a_hostile_run_is_obeyed_later(peer: Peer, tmp_path: Path) -> None:
    run(tmp_path, "load", "--target", peer.url, *LOAD, "--out", "load")
    run(tmp_path, "verify", "--target", peer.url, "--max-requests", "40", "--out", "verify")
    capsule = next((tmp_path / "verify" / "failures").iterdir())
    (tmp_path / "harness.toml").write_text(
        '[gate]\nobjectives = ["compatible", "error_rate < 1%"]\n'
    )

    printed = {
        "report": run(tmp_path, "report", "load"),
        "report of verify": run(tmp_path, "report", "verify"),
        "gate": run(tmp_path, "gate", "--load", "load", "--contract", "verify"),
        "replay": run(tmp_path, "replay", str(capsule), "--times", "1"),
    }

    texts = {**printed, **left_in(tmp_path)}
    assert [each for name, text in texts.items() for each in obeyed(name, text)] == []
