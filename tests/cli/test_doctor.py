import json
import socket
from pathlib import Path
from typing import Any

import pytest

import harness.cli
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from tests.transports.peer import answering, serving

SECRET = "hush-0123456789"  # noqa: S105 - what must never be printed


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = harness.cli.execute(["doctor", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, _ = doctor(capsys, "--json", *arguments)
    found: dict[str, Any] = json.loads(out)
    assert found["exit_code"] == code
    return found


def test_a_gateway_that_answers_on_every_route_passes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = doctor(capsys, "--target", "local")

    assert (code, err) == (0, "")
    assert out.count("answers: status 200 in ") == 3
    assert out.endswith("pass: 3 of 3 routes answer\n")


def test_what_is_set_is_shown_with_its_source_and_without_its_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", SECRET)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@proxy:3128")
    (tmp_path / "harness.toml").write_text('account_id = "acc7"')

    _, out, _ = doctor(capsys, "--target", "local")

    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in out.splitlines() if line}
    assert rows["BASETEN_API_KEY"] == ["set", "environment BASETEN_API_KEY"]
    assert rows["CLOUDFLARE_ACCOUNT_ID"] == ["acc7", str(tmp_path / "harness.toml")]
    assert rows["CLOUDFLARE_GATEWAY_ID"] == ["gw", "the stand-in's default"]
    assert SECRET not in out


def test_what_is_missing_is_listed_with_how_to_set_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = doctor(capsys)

    assert code == 2
    assert "CLOUDFLARE_ACCOUNT_ID: first segment of every path\n    export it; " in out
    assert err.startswith("error: --target live: CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_GATEWAY_ID")


def test_what_is_missing_is_a_document_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys)

    assert (found["verdict"], found["exit_code"]) == ("unknown", 2)
    assert found["settings"][0]["name"] == "CLOUDFLARE_ACCOUNT_ID"
    assert found["settings"][0]["value"] is None


def test_nothing_listening_is_unknown_and_blamed_on_the_network(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = doctor(capsys, "--target", "http://127.0.0.1:1")

    assert code == 3
    assert "native  network: refused: 127.0.0.1:1: connection refused" in out
    assert "gateway-harness serve" in out
    assert "compat  " not in out


def test_what_looks_wrong_is_warned_of_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "acc")
    monkeypatch.setenv("CLOUDFLARE_GATEWAY_ID", "gw")
    monkeypatch.setenv("GATEWAY_EXPECT_AUTH", "1")

    code, out, _ = doctor(capsys, "--target", "http://nowhere.invalid")

    assert code == 3
    assert "warning: http:// carries credentials unencrypted" in out
    assert "warning: authentication is declared (GATEWAY_EXPECT_AUTH), but CF_AIG_TOKEN" in out
    assert "native  network: dns: nowhere.invalid: the name cannot be resolved" in out


def probes(capsys: pytest.CaptureFixture[str], config: Config) -> list[dict[str, Any]]:
    with LocalGateway(Gateway(config)) as gateway:
        found = document(capsys, "--target", gateway.url)
    routes: list[dict[str, Any]] = found["routes"]
    assert found["exit_code"] == 3
    return routes


def test_an_unknown_gateway_is_refused_by_the_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    routes = probes(capsys, Config(gateway_id="another"))

    assert {route["layer"] for route in routes} == {"gateway"}
    assert "code 2001" in routes[0]["message"]
    assert "CLOUDFLARE_GATEWAY_ID" in routes[0]["advice"]


def test_a_missing_token_is_refused_by_the_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    routes = probes(capsys, Config(gateway_token="needed"))  # noqa: S106 - a test's

    assert {(route["layer"], route["status"]) for route in routes} == {("gateway", 401)}
    assert "CF_AIG_TOKEN" in routes[0]["advice"]


def test_a_wrong_key_is_refused_by_the_provider(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", SECRET)

    routes = probes(capsys, Config())

    assert {route["layer"] for route in routes} == {"provider"}
    assert "BASETEN_API_KEY" in routes[0]["advice"]
    assert SECRET not in json.dumps(routes)


def test_the_mock_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = doctor(capsys, "--target", "mock")

    assert code == 2
    assert "mock serves verify only" in err


def test_malformed_toml_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text("[[[")

    code, out, err = doctor(capsys)

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "harness.toml is not valid TOML" in err


def test_a_proxy_that_is_down_is_named_and_not_the_target(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        proxy = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("HTTP_PROXY", proxy)

    assert harness.cli.execute(["doctor", "--target", "http://127.0.0.1:1"]) == 3

    said = capsys.readouterr().out
    named = f"the proxy {proxy.removeprefix('http://')} (HTTP_PROXY) is down: connection refused"
    assert "network: proxy: " in said
    assert named in said
    assert "to go without one, name the host in NO_PROXY" in said


def test_a_proxy_that_wants_a_password_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    with serving(answering(refusal)) as peer:
        monkeypatch.setenv("HTTP_PROXY", peer.url)
        assert harness.cli.execute(["doctor", "--target", "http://127.0.0.1:1"]) == 3

    assert "it wants a user and a password in its URL" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["doctor", "verify", "load", "compare", "run"])
def test_a_proxy_that_cannot_be_spoken_to_is_one_line_of_every_command(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")

    assert harness.cli.execute([command, "--target", "http://127.0.0.1:1"]) == 2

    said = capsys.readouterr().err
    assert "in ALL_PROXY, got socks5://127.0.0.1:1080: SOCKS is not spoken" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080"),
        ("HTTP_PROXY", "http://127.0.0.1:word"),
        ("SSL_CERT_FILE", "/nonexistent.pem"),
    ],
)
@pytest.mark.parametrize(
    "arguments",
    [("doctor", "--target", "local"), ("verify", "--profile", "core", "--max-requests", "40")],
    ids=["local", "mock"],
)
def test_what_is_set_for_the_way_out_is_not_in_the_way_of_the_stand_in(
    arguments: tuple[str, ...], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    assert harness.cli.execute(list(arguments)) in (
        0,
        3,
    )  # 3: the budget is too small for every clause
