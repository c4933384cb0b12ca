"""The plugin in somebody else's project."""

import os
import subprocess
import sys

import pytest

from harness.defects.make import make_gateway
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway

pytest_plugins = ["pytester"]

CHAT = '{"model": "openai/gpt-oss-120b", "messages": [{"role": "user", "content": "Hi"}]}'
EXAMPLE = f"""
import httpx
import pytest
from harness.gateway.config import Config

BODY = '{CHAT}'
HEADERS = {{"Authorization": "Bearer baseten-key", "Content-Type": "application/json"}}
PATH = "/v1/acc/gw/baseten/v1/chat/completions"


@pytest.mark.parametrize("face", ["gateway", "gateway_mock"])
def test_an_answer(face, request):
    url = request.getfixturevalue(face).url
    answer = httpx.post(url + PATH, content=BODY, headers=HEADERS, trust_env=False)
    assert answer.json()["object"] == "chat.completion"


class TestWithACache:
    @pytest.fixture
    def gateway_config(self):
        return Config(cache_ttl=60)

    def test_the_cache_expires(self, gateway_mock):
        def ask():
            sent = httpx.post(gateway_mock.url + PATH, content=BODY, headers=HEADERS)
            return sent.headers["cf-aig-cache-status"]

        assert [ask(), ask()] == ["MISS", "HIT"]
        gateway_mock.clock.advance(61_000_000_000)
        assert ask() == "MISS"


class TestBroken:
    @pytest.fixture
    def gateway_defect(self):
        return "html-200"

    def test_a_page_instead_of_json(self, gateway_mock):
        answer = httpx.post(gateway_mock.url + PATH, content=BODY, headers=HEADERS)
        assert "html" in answer.text
"""


def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("CLOUDFLARE_", "BASETEN_", "CF_AIG_", "GATEWAY_", "PYTEST_XDIST")):
            monkeypatch.delenv(name)


def test_the_fixtures_give_a_gateway_on_a_socket_and_in_process(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(EXAMPLE)

    found = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")

    found.assert_outcomes(passed=4)


def test_the_contract_runs_beside_ones_own_tests(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean(monkeypatch)
    pytester.makepyfile("def test_mine(): pass")

    with LocalGateway(Gateway(Config())) as running:
        found = pytester.runpytest_subprocess("--gateway-target", running.url)

    outcomes = found.parseoutcomes()
    assert found.ret == 0
    assert outcomes["passed"] > 50
    assert "failed" not in outcomes
    assert (pytester.path / ".gateway-harness" / "contract" / "conformance.json").exists()


def test_a_broken_gateway_fails_the_clause_and_the_verdict(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean(monkeypatch)
    arguments = ("--gateway-out=report", "-k", "stream-done or verdict", "-rf")

    with LocalGateway(make_gateway(Config(), defect="missing-done")) as running:
        found = pytester.runpytest_subprocess("--gateway-target", running.url, *arguments)

    text = found.stdout.str()
    assert found.parseoutcomes()["failed"] == 3
    assert "stream-done (MUST, native): " in text
    assert "evidence: expected `data: [DONE]`" in text
    assert "FAILED gateway-contract::stream-done[native]" in text
    assert "Traceback" not in text


def test_workers_share_one_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    clean(monkeypatch)
    gateway = make_gateway(Config(), defect="missing-done")
    arguments = ("-n", "2", "-k", "stream-done or usage or verdict")

    with LocalGateway(gateway) as running:
        found = pytester.runpytest_subprocess("--gateway-target", running.url, *arguments)

    assert found.ret == 1
    assert found.parseoutcomes()["failed"] == 3
    assert len({entry.metadata["run"] for entry in gateway.log if entry.metadata}) == 1


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_cannot_be_judged_is_not_green(
    workers: tuple[str, ...], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean(monkeypatch)

    found = pytester.runpytest_subprocess("--gateway-target", "http://127.0.0.1:1", *workers)

    assert found.ret == 1
    assert found.parseoutcomes()["failed"] == 1
    found.stdout.fnmatch_lines(["unknown: no route was judged*"])


def test_a_wrong_target_is_said_before_anything_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mine(): pass")

    found = pytester.runpytest_subprocess("--gateway-target", "nowhere")

    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*--gateway-target nowhere: expected mock, local*"])


def test_every_option_begins_with_gateway() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    section = done.stdout.partition("contract of an AI gateway:")[2].partition("\n\n")[0]
    options = [line.split()[0] for line in section.splitlines() if line.startswith("  -")]
    assert len(options) == 6
    assert all(option.startswith("--gateway-") for option in options)


def test_nothing_heavy_is_imported_until_a_fixture_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_light():
            loaded = {name.partition(".")[0] for name in sys.modules}
            assert not loaded & {"httptools", "h11", "numpy", "pandas", "pydantic", "locust"}
            assert not [n for n in sys.modules if n.startswith("harness.gateway")]
        """
    )
    unwanted = ("hypothesispytest", "respx", "locust", "anyio")

    found = pytester.runpytest_subprocess(*(f"-pno:{name}" for name in unwanted))

    found.assert_outcomes(passed=1)
