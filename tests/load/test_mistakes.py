"""What a user did wrong, found by a Locust process, is told in one line and is exit 2."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.load.launch import Locust, launch
from harness.load.plan import Identity
from harness.routes.address import Address
from tests.bench.truth import Truth
from tests.load.conftest import MakePlan, scenario


def test_certificates_that_cannot_be_read_are_named_by_their_variable(
    plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    wanted = plan(address=Address("https://127.0.0.1:9", "acc", "gw"))

    with pytest.raises(UsageError, match="SSL_CERT_FILE cannot be used"):
        launch(wanted, Identity(), scenario("native"))


def test_a_proxy_that_cannot_be_spoken_to_is_named_before_anything_is_sent(
    truth: Truth, plan: MakePlan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")

    with pytest.raises(UsageError, match=r"in ALL_PROXY, got socks5://127\.0\.0\.1"):
        launch(plan(workers=2), Identity(), scenario("native", processes=2))

    assert len(truth.record(tmp_path)[0]["rid"]) == 0


def test_no_configuration_of_locust_steers_a_load(
    plan: MakePlan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".locust.conf").write_text("users = 40\nnonsense = 1\n")
    folder = Path(plan().folder)
    folder.mkdir()
    for place in (folder, tmp_path):
        (place / "locust.conf").write_text("users = 40\nmaster = true\nnonsense = 1\n")
        (place / "pyproject.toml").write_text("[tool.locust]\nusers = 40\nnonsense = 1\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOCUST_USERS", "40")
    monkeypatch.setenv("LOCUST_MODE_MASTER", "true")
    monkeypatch.chdir(tmp_path)
    wanted = plan(users=2, duration_s=0.5)

    outcome = launch(wanted, Identity(), scenario("native"))

    assert outcome.problems == ()
    assert outcome.requests > 0
    log = (folder / "workers" / "load-0.log").read_text()
    assert "Ramping to 2 users" in log


def test_a_scenario_that_fails_in_its_own_code_ends_the_load_as_its_mistake(
    plan: MakePlan, tmp_path: Path
) -> None:
    file = tmp_path / "failing.py"
    file.write_text(
        "from harness.load.users import GatewayUser\n"
        "class Failing(GatewayUser):\n"
        "    def on_start(self):\n"
        "        raise KeyError('tenant')\n"
    )

    with pytest.raises(UsageError, match="Failing failed: KeyError: 'tenant'"):
        launch(plan(duration_s=600.0), Identity(), Locust(file))
