"""A contract run that is ended before its end: by Ctrl-C, twice, by SIGTERM, or without a word."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.cli import execute
from harness.defects.make import make_gateway
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from harness.gateway.timing import Timing

SLOW = Timing(ttft_ns=150_000_000, itl_ns=5_000_000)
SOON_S = 20.0


@contextmanager
def verifying(url: str, folder: Path) -> "Iterator[subprocess.Popen[str]]":
    """`verify` as it is started by a shell, with its files in `folder/run`."""
    hidden = ("CLOUDFLARE_", "BASETEN_", "CF_AIG_", "GATEWAY_", "GITHUB_")
    started = subprocess.Popen(
        [sys.executable, "-m", "harness", "verify", "--target", url, "--out", "run"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith(hidden)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def until(true: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def broken_gateway() -> Gateway:
    return make_gateway(Config(timing=SLOW), defect="missing-done")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_judges_what_it_saw_and_writes_every_file(
    number: signal.Signals, tmp_path: Path
) -> None:
    gateway = broken_gateway()
    with LocalGateway(gateway) as running, verifying(running.url, tmp_path) as run:
        until(lambda: len(gateway.log) > 12)
        run.send_signal(number)
        out, err = run.communicate(timeout=SOON_S)

    assert err == "stopping; again to quit now\n"
    assert run.returncode == 3
    assert "MUST stream-done on " in out
    assert "unknown: interrupted, broken so far: " in out
    document = json.loads((tmp_path / "run" / "conformance.json").read_text())
    assert (document["verdict"], document["interrupted"]) == ("unknown", True)
    assert document["cost"]["requests"] < 100
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (manifest["state"], manifest["interrupted"]) == ("finished", True)
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left >= {"junit.xml", "report.md", "report.html", "failures"}
    assert "interrupted" in (tmp_path / "run" / "report.html").read_text()
    assert "stream-done broken on " in (tmp_path / "run" / "report.md").read_text()


@contextmanager
def full() -> Iterator[str]:
    """A port whose queue is full: whoever connects waits."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_second_time_ends_it_at_once_and_names_what_shows_the_rest(tmp_path: Path) -> None:
    with full() as url, verifying(url, tmp_path) as run:
        until((tmp_path / "run" / "run.json").exists)
        time.sleep(1.0)  # until it waits for the connection
        run.send_signal(signal.SIGINT)
        assert run.stderr is not None
        assert run.stderr.readline() == "stopping; again to quit now\n"
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=SOON_S)

    assert time.monotonic() - began < 2
    assert run.returncode == 3
    assert err.splitlines() == [
        "interrupted: no verdict; what there is: gateway-harness report run"
    ]


def test_a_killed_run_sends_nothing_more_and_what_it_left_can_be_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = broken_gateway()
    with LocalGateway(gateway) as running, verifying(running.url, tmp_path) as run:
        until(lambda: len(gateway.log) > 5)
        run.kill()
        run.wait(SOON_S)
        time.sleep(1.0)
        sent = len(gateway.log)
        time.sleep(1.0)

    assert len(gateway.log) == sent
    assert execute(["report", str(tmp_path / "run")]) == 3
    assert "interrupted" in capsys.readouterr().out
