"""The stand-in in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from harness.defects.make import make_gateway
from harness.errors import UsageError
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server.process import GatewayProcess

ORPHAN = """
import os
from harness.gateway.model import Gateway
from harness.gateway.server.process import GatewayProcess

if __name__ == "__main__":
    gateway = GatewayProcess(Gateway).start()
    print(gateway.url, flush=True)
    os._exit(9)
"""


def test_it_answers_as_it_was_configured_and_ends() -> None:
    with GatewayProcess(partial(Gateway, Config(gateway_id="other"))) as gateway:
        known, unknown = (
            httpx.post(f"{gateway.url}/v1/acc/{name}/compat/chat/completions", trust_env=False)
            for name in ("other", "gw")
        )

    assert known.json()["error"][0]["code"] == 2019
    assert unknown.json()["error"][0]["code"] == 2001
    with pytest.raises(httpx.ConnectError):
        httpx.get(gateway.url, trust_env=False)


def test_what_keeps_it_from_starting_is_raised_in_the_parent() -> None:
    with pytest.raises(UsageError, match="unknown defect 'none-such'"):
        GatewayProcess(partial(make_gateway, defect="none-such")).start()


def test_one_that_is_killed_while_it_starts_says_so(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal\n"
        "from harness.gateway.model import Gateway\n"
        "from harness.gateway.server.process import GatewayProcess\n"
        "if __name__ == '__main__':\n"
        "    GatewayProcess(Gateway).start()\n"
        "else:\n"  # the child imports the file of its parent before anything else
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stderr.strip().endswith(
        "HarnessError: the stand-in was killed (SIGKILL) while it started; start it again"
    )


def test_ctrl_c_in_the_terminal_leaves_it_to_its_parent() -> None:
    with GatewayProcess(Gateway) as gateway:
        os.kill(gateway.pid, signal.SIGINT)

        assert httpx.get(f"{gateway.url}/__harness/health", trust_env=False).status_code == 200


def test_it_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)

    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 9
    wait_until_refused(done.stdout.strip())


def wait_until_refused(url: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/__harness/health", trust_env=False)
        except httpx.TransportError:
            return
        time.sleep(0.01)
    pytest.fail(f"{urlsplit(url).netloc} still answers")
