"""`gateway-harness replay`: still broken, fixed or unknown."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import execute
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from tests.transports.peer import answering, plain, serving


def failures(out: Path, defect: str, *selected: str) -> Path:
    """The failures of a run on a broken stand-in."""
    arguments = ["verify", "--out", str(out), "--defect", defect, "--quiet", "--", *selected]
    assert execute(arguments) == 1
    return out / "failures"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("broken") / "run"
    return failures(out, "missing-done", "-k", "stream-done")


@pytest.fixture
def fixed() -> Iterator[LocalGateway]:
    with LocalGateway(Gateway(Config())) as running:
        yield running


def test_a_failure_that_is_still_there_fails(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsule = str(broken / "stream-done-compat")

    assert execute(["replay", capsule]) == 1

    text = capsys.readouterr().out
    assert text.startswith("fail: still broken: stream-done on compat, broken 3 of 3 times")
    assert "expected `data: [DONE]`" in text


@pytest.mark.parametrize("target", ["mock", "local"])
def test_a_failure_that_is_gone_passes(
    target: str, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["replay", str(broken / "stream-done-native"), "--target", target]) == 0
    assert "fixed: stream-done on native, broken 0 of 3 times" in capsys.readouterr().out


def test_another_gateway_can_be_asked(
    broken: Path, fixed: LocalGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    capsule = str(broken / "stream-done-native" / "capsule.json")

    assert execute(["replay", capsule, "--target", fixed.url, "--times", "2", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["result"], found["exercised"]) == ("pass", "fixed", 2)


def test_a_gateway_that_does_not_answer_leaves_it_unknown(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    assert execute(["replay", str(broken / "stream-done-native"), "--target", url]) == 3
    assert "unknown: stream-done on native" in capsys.readouterr().out


def moved(capsule: Path, folder: Path, origin: str, **case: object) -> str:
    """The capsule as if its run had asked another origin; `case` replaces what a case says."""
    document = json.loads((capsule / "capsule.json").read_text())
    document["run"]["target_kind"] = "url"
    for exchange in document["exchanges"]:
        exchange["request"]["url"] = f"{origin}/v1/acc/gw/baseten/v1/chat/completions"
        exchange["case"] |= case
    path = folder / "capsule.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://127.0.0.1:{}"])
def test_credentials_go_to_no_origin_that_only_the_capsule_names(
    origin: str,
    broken: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "hush-0123456789")
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "acc")
    monkeypatch.setenv("CLOUDFLARE_GATEWAY_ID", "gw")
    with serving(answering(plain(b"{}"))) as peer:
        named = origin.format(peer.port)
        code = execute(["replay", moved(broken / "stream-done-native", tmp_path, named)])

    said = capsys.readouterr().err
    assert code == 2
    assert "which is no origin of the settings; your credentials are not sent there" in said
    assert f"--target {named}" in said
    assert peer.requests == []


@pytest.mark.parametrize("settings", ['base_url = "{}"', '[targets.staging]\nbase_url = "{}"'])
def test_a_capsule_is_repeated_at_an_origin_of_the_settings(
    settings: str,
    broken: Path,
    fixed: LocalGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "harness.toml").write_text(settings.format(fixed.url))
    monkeypatch.setenv("BASETEN_API_KEY", "baseten-key")
    capsule = moved(broken / "stream-done-native", tmp_path, fixed.url)

    assert execute(["replay", capsule, "--times", "1"]) == 0


def test_a_loopback_origin_is_asked_where_there_is_no_secret_to_send(
    broken: Path, fixed: LocalGateway, tmp_path: Path
) -> None:
    capsule = moved(broken / "stream-done-native", tmp_path, fixed.url)

    assert execute(["replay", capsule, "--times", "1"]) == 0


def test_a_path_that_would_name_another_host_is_refused(
    broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsule = moved(broken / "stream-done-native", tmp_path, "http://127.0.0.1:1", path="@h/x")

    assert execute(["replay", capsule, "--target", "mock"]) == 2
    assert "path '@h/x' would name another host" in capsys.readouterr().err


def test_a_sequence_is_played_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = failures(tmp_path / "run", "cache-never-expires", "-k", "cache")
    capsule = str(next(found.iterdir()))

    assert execute(["replay", capsule]) == 1
    assert execute(["replay", capsule, "--target", "mock"]) == 0
    assert "still broken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["."], "holds no failure: expected capsule.json"),
        (["missing"], "missing"),
        (["{}", "--defect", "nothing-like-it"], "unknown defect"),
        (["{}", "--target", "http://127.0.0.1:1", "--defect", "html-200"], "--target mock or"),
    ],
)
def test_wrong_arguments_are_said(
    arguments: list[str], words: str, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsule = str(broken / "stream-done-native")

    assert execute(["replay", *(text.replace("{}", capsule) for text in arguments)]) == 2
    assert words in capsys.readouterr().err


def test_a_run_is_answered_with_the_failures_that_it_holds(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = sorted(path.name for path in broken.iterdir())

    for folder in (broken, broken.parent, broken.parent.parent):
        assert execute(["replay", str(folder)]) == 2
        said = capsys.readouterr().err
        assert f"{folder} holds {len(held)} failures; replay one of" in said
        assert str(broken / held[0]) in said


def test_a_folder_without_a_failure_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["replay", str(tmp_path)]) == 2
    assert f"{tmp_path} holds no failure: expected capsule.json" in capsys.readouterr().err
