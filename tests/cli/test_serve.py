"""`gateway-harness serve` as a user runs it."""

import json
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

URL = "/v1/acc/gw/baseten/v1/chat/completions"
QUESTION = {"model": "openai/gpt-oss-120b", "messages": [{"role": "user", "content": "Hi"}]}
FRESH = {"cf-aig-skip-cache": "true"}
KEY = {"Authorization": "Bearer baseten-key"}
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("CLOUDFLARE_", "BASETEN_", "CF_AIG_", "GATEWAY_"))
}


@contextmanager
def serving(
    *arguments: str, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**CLEAN, **(environment or {})},
    )
    with process:
        assert process.stdout is not None
        first = process.stdout.readline().rstrip("\n")
        try:
            yield first.removeprefix("listening on "), process
        finally:
            process.terminate()
            process.wait(timeout=30)


def rest(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """What it printed after its first line, when it has ended."""
    process.wait(timeout=30)
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.read(), process.stderr.read()


def refused(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "serve", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=CLEAN,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def ask(url: str, **headers: str) -> httpx.Response:
    return httpx.post(url + URL, json=QUESTION, headers=KEY | headers, trust_env=False, timeout=30)


def test_the_first_line_is_the_address_and_a_signal_ends_it_cleanly(tmp_path: Path) -> None:
    with serving("--ttft", "1ms", "--itl", "0", folder=tmp_path) as (url, process):
        assert url.startswith("http://127.0.0.1:")
        assert ask(url).status_code == 200

        process.send_signal(signal.SIGINT)
        more, errors = rest(process)

    assert process.returncode == 0
    assert errors == ""
    assert 2 <= len(more.splitlines()) <= 7


def test_the_example_that_it_prints_works(tmp_path: Path) -> None:
    with serving("--ttft", "0", "--itl", "0", folder=tmp_path) as (url, process):
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        command = shlex.split("".join(lines[2:]).replace("\\\n", " ").removeprefix("try: "))
        answer = subprocess.run(
            [*command, "--silent", "--noproxy", "*"], capture_output=True, timeout=60, check=True
        )

    assert command[0] == "curl"
    assert command[1].startswith(url)
    assert json.loads(answer.stdout)["object"] == "chat.completion"


def test_the_flags_shape_its_answers(tmp_path: Path) -> None:
    flags = "--ttft 1ms --itl 0.1ms --tokens 7 --auth --cache-ttl 60 --rate-limit 1/99999999"
    with serving(*flags.split(), folder=tmp_path) as (url, _):
        without = ask(url)
        token = {"cf-aig-authorization": "Bearer gateway-token"}
        first, second, third = (ask(url, **token, **extra) for extra in ({}, {}, FRESH))

    assert without.status_code == 401
    assert first.json()["usage"]["completion_tokens"] == 7
    assert first.headers["cf-aig-cache-status"] == "MISS"
    assert second.headers["cf-aig-cache-status"] == "HIT"
    assert third.status_code == 429


def test_slots_a_queue_and_an_overhead_are_flags(tmp_path: Path) -> None:
    flags = "--ttft 2s --itl 0 --slots 1 --queue 0 --overhead 40ms"
    with serving(*flags.split(), folder=tmp_path) as (url, _), ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: ask(url), range(2)))
        direct = httpx.post(
            f"{url}/upstream/v1/chat/completions",
            json=QUESTION,
            headers=KEY,
            trust_env=False,
            timeout=30,
        )
        log = httpx.get(f"{url}/__harness/log", trust_env=False).text.splitlines()

    assert sorted(answer.status_code for answer in answers) == [200, 529]
    assert direct.status_code == 200
    took = [entry["end_ns"] - entry["at_ns"] for entry in map(json.loads, log)]
    assert sorted(took) == [40_000_000, 2_000_000_000, 2_040_000_000]


def test_its_identity_comes_from_the_environment_and_a_key_stays_unseen(tmp_path: Path) -> None:
    identity = {"CLOUDFLARE_GATEWAY_ID": "mine", "BASETEN_API_KEY": "secret-of-mine"}
    with serving("--ttft", "0", folder=tmp_path, environment=identity) as (url, process):
        path = url + URL.replace("/gw/", "/mine/")
        key = {"Authorization": "Bearer secret-of-mine"}
        answer = httpx.post(path, json=QUESTION, headers=key, trust_env=False)
        process.terminate()
        more, errors = rest(process)

    assert answer.status_code == 200
    assert "secret-of-mine" not in more + errors
    assert "$BASETEN_API_KEY" in more


def test_a_defect_is_served_by_name(tmp_path: Path) -> None:
    with serving("--ttft", "0", "--defect", "empty-200", folder=tmp_path) as (url, _):
        assert ask(url).content == b""


def test_it_serves_https_with_a_given_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key, roots = (tmp_path / name for name in ("cert.pem", "key.pem", "ca.pem"))
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(roots)

    with serving(
        "--ttft", "0", "--tls-cert", str(certificate), "--tls-key", str(key), folder=tmp_path
    ) as (url, _):
        trusting = ssl.create_default_context(cafile=roots)
        health = httpx.get(f"{url}/__harness/health", verify=trusting, trust_env=False)

    assert url.startswith("https://127.0.0.1:")
    assert health.json()["status"] == "ok"


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        message = refused("--port", str(port), folder=tmp_path)

    assert message == f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--ttft", "200"], "expected a duration such as 200ms"),
        (["--rate-limit", "many"], "100/60"),
        (["--defect", "none-such"], "unknown defect 'none-such'"),
        (["--variant", "none-such"], "unknown variant 'none-such'"),
        (["--behaviour", "none-such.json"], "none-such.json"),
        (["--tls-cert", "cert.pem"], "--tls-cert and --tls-key go together"),
        (["--tls-cert", "no.pem", "--tls-key", "no.key"], "no.pem"),
        (["--port", "65536"], "65535"),
        (["--tokens", "none"], "--tokens"),
        (["--slots", "0"], "--slots"),
        (["--queue", "5"], "--queue needs --slots"),
        (["--overhead", "3"], "expected a duration"),
    ],
)
def test_a_bad_flag_is_told_and_nothing_is_served(
    flags: list[str], expected: str, tmp_path: Path
) -> None:
    assert expected in refused(*flags, folder=tmp_path)
