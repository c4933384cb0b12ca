"""`serve --list` shows what the stand-in can do, and a misspelt name is answered with near ones."""

from pathlib import Path

import pytest

import harness.cli
from harness.defects.table import DEFECTS
from harness.defects.variants import VARIANTS
from harness.errors import did_you_mean
from harness.gateway.behaviour import EXAMPLE, SWITCHES, Behaviour
from harness.gateway.recording import read_behaviour


def serve(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = harness.cli.execute(["serve", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("defects", list(DEFECTS)),
        ("variants", list(VARIANTS)),
        ("behaviours", [switch.name for switch in SWITCHES]),
    ],
)
def test_every_name_is_listed_with_what_it_does(
    capsys: pytest.CaptureFixture[str], kind: str, names: list[str]
) -> None:
    code, out, err = serve(capsys, "--list", kind)

    first = [line.split()[0] for line in out.splitlines() if line[0] != " "]
    assert (code, err) == (0, "")
    assert first == names
    assert max(map(len, out.splitlines())) <= 100


def test_a_word_chooses_by_name_and_by_text(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = serve(capsys, "--list", "defects", "BUFFER")

    assert "full-buffering" in out
    assert 0 < len(out.splitlines()) < 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--list", "defects", "zzz"), "nothing of that; there are"),
        (("--list", "variants", "crfl"), "did you mean crlf"),
        (("crlf",), "serve takes a word only with --list"),
        (("--defect", "ful-buffering"), "did you mean full-buffering?"),
        (("--defect", "zzz"), "serve --list defects has all"),
        (("--variant", "crfl"), "did you mean crlf"),
    ],
)
def test_what_is_not_known_is_answered_with_what_is(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = serve(capsys, *arguments)

    assert code == 2
    assert said in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", f"expected JSON such as {EXAMPLE}"),
        ('{"sdk_path": "pass-through"}', f"expected {EXAMPLE}"),
        ('{"schema_version": 9, "behaviour": {}}', "schema_version: expected 1, got 9"),
        ('{"schema_version": 1, "behaviour": {"sdkpath": 1}}', "did you mean sdk_path?"),
    ],
)
def test_a_wrong_behaviour_file_is_answered_with_its_format(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "behaviour.json"
    file.write_text(content)

    code, _, err = serve(capsys, "--behaviour", str(file))

    assert code == 2
    assert said in err


def test_the_example_is_a_behaviour_file(tmp_path: Path) -> None:
    file = tmp_path / "behaviour.json"
    file.write_text(EXAMPLE)

    assert read_behaviour(file) == Behaviour(sdk_path="pass-through")


def test_nothing_near_is_no_hint() -> None:
    assert did_you_mean("", ["a"], otherwise="none") == "none"
    assert (
        did_you_mean("route", ["all-routes", "b"], otherwise="none") == "did you mean all-routes?"
    )
