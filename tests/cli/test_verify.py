"""`gateway-harness verify` as a user or a CI job runs it."""

import json
import socket
from pathlib import Path

import pytest

from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from tests.cli.command import Done, run

KEY = "sk-planted-0123456789"
TOKEN = "cf-planted-9876543210"  # noqa: S105 - planted to be looked for


def verify(*arguments: str, folder: Path, environment: dict[str, str] | None = None) -> Done:
    """One run in `folder`, its files in `folder/run` unless `arguments` say otherwise."""
    return run("verify", "--out", "run", *arguments, folder=folder, environment=environment)


def conformance(folder: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((folder / "run" / "conformance.json").read_text())
    return document


def test_the_embedded_gateway_passes_and_leaves_its_files(tmp_path: Path) -> None:
    done = verify("--strict", "--require", "model,cache,rate,auth", folder=tmp_path)

    assert done.stdout.splitlines()[-2:] == [
        "pass: native, compat, model",
        "report: run/report.html",
    ]
    assert done.returncode == 0
    document = conformance(tmp_path)
    assert document["schema_version"] == 1
    assert document["verdict"] == "compatible"
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (manifest["verdict"], manifest["exit_code"]) == ("pass", 0)
    assert (tmp_path / "run" / "report.md").read_text().startswith("# Contract")
    assert "native, compat, model" in (tmp_path / "run" / "report.html").read_text()
    junit = (tmp_path / "run" / "junit.xml").read_text()
    assert 'classname="contract.compat" name="usage-sum"' in junit
    assert not (tmp_path / "run" / "failures").exists()


def test_a_defect_fails_with_a_reproduction_and_without_secrets(tmp_path: Path) -> None:
    environment = {"BASETEN_API_KEY": KEY, "CF_AIG_TOKEN": TOKEN, "GATEWAY_EXPECT_AUTH": "1"}

    done = verify("--defect", "key-echoed", folder=tmp_path, environment=environment)

    assert done.returncode == 1
    assert "MUST no-secret-back on" in done.stdout
    capsule = tmp_path / "run" / "failures" / "no-secret-back-native"
    assert '"Authorization: Bearer $BASETEN_API_KEY"' in (capsule / "curl.sh").read_text()
    assert json.loads((capsule / "capsule.json").read_text())["clause"] == "no-secret-back"
    written = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    texts = [done.stdout, done.stderr, *(path.read_text("utf-8", "replace") for path in written)]
    assert not [text for text in texts if KEY in text or TOKEN in text]


@pytest.mark.parametrize(
    ("defect", "clause"), [("trunc-chunked-close", "body-whole"), ("missing-done", "stream-done")]
)
def test_defects_show_on_a_socket(defect: str, clause: str, tmp_path: Path) -> None:
    arguments = ("--target", "local", "--defect", defect, "--max-requests", "40")

    done = verify(*arguments, folder=tmp_path)

    assert done.returncode == 1
    assert f"MUST {clause} on native" in done.stdout


def test_a_gateway_that_somebody_else_started_is_judged(tmp_path: Path) -> None:
    with LocalGateway(Gateway(Config())) as gateway:
        done = verify("--target", gateway.url, "--profile", "core", "--json", folder=tmp_path)

    document = json.loads(done.stdout)
    assert document["verdict"] == "pass"
    assert document["exit_code"] == done.returncode == 0
    assert conformance(tmp_path)["not_declared"] == ["cache", "rate", "auth"]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"CLOUDFLARE_GATEWAY_ID": "nowhere"}, "gateway: HTTP 400 (code 2001)"),
        ({"BASETEN_API_KEY": "wrong-key-000"}, "provider: HTTP 401"),
    ],
)
def test_a_refusal_on_every_route_is_unknown_and_names_the_layer(
    environment: dict[str, str], words: str, tmp_path: Path
) -> None:
    with LocalGateway(Gateway(Config())) as gateway:
        done = verify("--target", gateway.url, folder=tmp_path, environment=environment)

    assert done.returncode == 3
    assert "unknown: no route was judged" in done.stdout
    assert words in done.stdout
    assert "wrong-key-000" not in done.stdout


def test_a_refused_connection_is_unknown_and_quick(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    done = verify("--target", f"http://127.0.0.1:{port}", folder=tmp_path)

    assert done.returncode == 3
    assert "network: refused" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--defect", "nothing-like-it"), "unknown defect"),
        (("--defect", "nothing:like-it"), "no generated defect"),
        (("--require", "luck"), "--require luck: expected some of model, cache, rate, auth"),
        (("--waivers", "missing.toml"), "cannot read missing.toml"),
        (("--against", "missing.json"), "cannot read missing.json"),
        (("--junit", "/proc/nothing/junit.xml"), "--junit /proc/nothing/junit.xml cannot be"),
        (("--profile", "huge"), "--profile"),
        (("--target", "http://127.0.0.1:1", "--defect", "html-200"), "use --target mock or local"),
        (("--", "--no-such-option"), "no-such-option"),
        (("--", "-k", "nothing_is_called_so"), "select no clause"),
    ],
)
def test_wrong_arguments_are_said_in_a_line(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    done = verify(*arguments, folder=tmp_path)

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recording_can_be_compared_with_later(tmp_path: Path) -> None:
    selected = ("--", "-k", "places or cross")
    verify("--record", "seen.json", *selected, folder=tmp_path)
    recorded = json.loads((tmp_path / "seen.json").read_text())
    recorded["behaviour"]["sdk_path"] = "pass-through"
    (tmp_path / "before.json").write_text(json.dumps(recorded))

    done = verify("--out", "again", "--against", "before.json", *selected, folder=tmp_path)

    assert done.returncode == 0
    document = json.loads((tmp_path / "again" / "conformance.json").read_text())
    (row,) = document["drift"]
    assert (row["name"], row["recording"]) == ("sdk_path", "pass-through")
    assert row["target"] == "rewrite-to-v1"


WAIVER = """[[waiver]]
clause = "stream-done"
route = "native"
reason = "known"
link = "https://example.com/1"
expires = {expires}
"""


@pytest.mark.parametrize(
    ("defect", "expires", "code", "words"),
    [
        ("missing-done", "2999-12-31", 0, "pass: native"),
        ("missing-done", "2020-01-01", 1, "stream-done on native expired on 2020-01-01"),
        ("html-200", "2020-01-01", 1, "expired on 2020-01-01"),
        (None, "2999-12-31", 1, "waiver for stream-done on native is stale: the clause passes"),
    ],
)
def test_a_waiver_holds_until_it_expires_or_is_stale(
    defect: str | None, expires: str, code: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "waivers.toml").write_text(WAIVER.format(expires=expires))
    broken = ("--defect", defect) if defect else ()

    done = verify(
        *("--waivers", "waivers.toml", *broken, "--", "-k", "stream-done and native"),
        folder=tmp_path,
    )

    assert done.returncode == code
    assert words in done.stdout
