from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from harness.cli.options import Common, common, prepare_folder, unused
from harness.errors import UsageError
from harness.settings import Kind


def seen(*arguments: str, mock: bool = False) -> Common:
    """What a command gets to see for these arguments."""
    found: list[Common] = []

    @click.command("load")
    @common(mock=mock)
    def command(common: Common) -> None:
        found.append(common)

    CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    return found[0]


def test_the_defaults_are_those_of_the_interface() -> None:
    options = seen()

    assert options.command == "load"
    assert options.target.kind is Kind.LOCAL
    assert (options.out, options.seed) == (None, 0)
    assert (options.max_requests, options.max_total_tokens, options.max_cost) == (None, None, None)
    assert (options.quiet, options.json) == (False, False)


def test_every_common_option_is_read() -> None:
    options = seen(
        *("--target", "http://127.0.0.1:9", "--out", "x", "--seed", "7", "--max-requests", "3"),
        *("--max-total-tokens", "4", "--max-cost", "0.5", "--header", "a: b", "--header", "c:d:e"),
        *("--quiet", "--json"),
    )

    assert options.target.address.origin == "http://127.0.0.1:9"
    assert options.target.headers.fields == (("a", "b"), ("c", "d:e"))
    assert (options.out, options.seed) == (Path("x"), 7)
    assert (options.max_requests, options.max_total_tokens, options.max_cost) == (3, 4, 0.5)
    assert (options.quiet, options.json) == (True, True)


def test_only_the_contract_takes_the_mock() -> None:
    with pytest.raises(UsageError, match="mock serves verify only"):
        seen("--target", "mock")

    assert seen("--target", "mock", mock=True).target.kind is Kind.MOCK


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seed", "-1"),
        ("--max-requests", "0"),
        ("--max-total-tokens", "many"),
        ("--max-cost", "-1"),
        ("--max-cost", "nan"),
        ("--header", "no colon"),
        ("--header", "a: line\nbreak"),
        ("--header", "two words: x"),
        ("--header", "Content-Length: 5"),
        ("--out", ""),
    ],
    ids=str,
)
def test_a_wrong_value_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError):
        seen(*arguments)


def test_the_value_of_a_wrong_header_is_not_shown() -> None:
    with pytest.raises(click.UsageError) as refused:
        seen("--header", "Authorization: hush\n")

    assert "hush" not in refused.value.format_message()


def test_what_is_said_to_people_holds_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    options = seen("--header", "Authorization: Bearer hush-0123456789")

    options.say("sent hush-0123456789")
    seen("--quiet").say("quiet")
    seen("--json").say("json")

    assert capsys.readouterr().out == "sent $AUTHORIZATION\n"


def test_the_folder_is_named_after_time_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    first, second = seen().make_folder(), seen().make_folder()

    assert first.parent == Path("reports")
    assert first.name.endswith("Z-load")
    assert first != second
    assert list(first.iterdir()) == []


def test_two_runs_of_one_second_get_different_folders(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x-2").mkdir()

    assert unused(tmp_path / "x") == tmp_path / "x-3"


def test_a_given_folder_is_used_as_it_is(tmp_path: Path) -> None:
    folder = seen("--out", str(tmp_path / "a" / "b")).make_folder()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder == tmp_path / "a" / "b"
    assert folder.is_dir()


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        prepare_folder(tmp_path / "file" / "out")
    with pytest.raises(UsageError, match="cannot be written: "):
        prepare_folder(Path("/proc/nowhere"))


def test_a_folder_with_a_run_in_it_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run.json").touch()

    with pytest.raises(UsageError, match="holds a run already"):
        prepare_folder(tmp_path)


def test_two_runs_that_begin_in_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    assert unused(tmp_path / "run") != unused(tmp_path / "run")
