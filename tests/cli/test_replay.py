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


def test_a_sequence_is_played_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = failures(tmp_path / "run", "cache-never-expires", "-k", "cache")
    capsule = str(next(found.iterdir()))

    assert execute(["replay", capsule]) == 1
    assert execute(["replay", capsule, "--target", "mock"]) == 0
    assert "still broken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["."], "cannot read capsule.json"),
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
