import errno
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import harness.cli
from harness.errors import (
    AnswerError,
    ContractError,
    Failure,
    HarnessError,
    Layer,
    TransportError,
    TransportKind,
    UsageError,
)

HEAVY = {
    *(
        "asyncio",
        "gevent",
        "httpx",
        "hypothesis",
        "importlib.metadata",
        "jinja2",
        "locust",
        "numpy",
    ),
    *("pandas", "pyarrow", "pydantic", "pytest", "respx", "rich", "socket", "ssl"),
}


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def modules_after(code: str) -> set[str]:
    done = python(f"import json, sys\n{code}\njson.dump(sorted(sys.modules), sys.stdout)")
    return set(json.loads(done.stdout.rpartition("\n")[2]))


HELP = """
import io, contextlib
from harness.cli import execute
with contextlib.redirect_stdout(io.StringIO()) as text:
    assert execute(["--help"]) == 0
assert "doctor" in text.getvalue()
"""


def test_help_imports_nothing_heavy() -> None:
    assert not modules_after(HELP) & HEAVY


def test_help_imports_little_more_than_click_alone() -> None:
    with_click, with_help = modules_after("import click"), modules_after(HELP)

    assert len(with_help) < 1.5 * len(with_click)


def test_importing_the_package_or_its_pytest_plugin_imports_nothing_heavy() -> None:
    bare = modules_after("import importlib, typing, pytest")

    assert modules_after("import harness.pytest_plugin") - bare == {
        "harness",
        "harness.contract",
        "harness.contract.options",
        "harness.pytest_plugin",
    }


def test_help_lists_every_command_that_exists_with_its_line() -> None:
    folder = Path(harness.cli.__file__).parent
    existing = [name for name in harness.cli.COMMANDS if (folder / f"{name}.py").exists()]

    context = click.Context(harness.cli.cli)
    text = harness.cli.cli.get_help(context)

    assert harness.cli.cli.list_commands(context) == existing
    for name in existing:
        assert f"  {name} " in text


@pytest.mark.parametrize("name", harness.cli.COMMANDS)
def test_every_listed_command_can_be_asked_for_help(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if name not in harness.cli.cli.list_commands(click.Context(harness.cli.cli)):
        assert harness.cli.execute([name]) == 2
        return

    assert harness.cli.execute([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: gateway-harness {name} ")


def test_the_package_is_a_command_line_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0
    assert done.stdout.startswith("gateway-harness ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["doctr"], "error: no such command 'doctr'; did you mean doctor?"),
        (["--nope"], "error: No such option"),
        (["doctor", "--jsn"], "--json"),
        (["doctor", "--header", "x"], "expected NAME:VALUE"),
        (["doctor", "--header", "x:\x1b"], "expected visible ASCII"),
        (["doctor", "--target", "nowhere"], "error: --target nowhere: expected mock, local"),
    ],
)
def test_a_wrong_command_line_is_one_clear_message_and_exit_code_2(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = harness.cli.execute(arguments)

    printed = capsys.readouterr()
    assert code == 2
    assert expected in printed.err
    assert printed.out == ""
    assert "Traceback" not in printed.err


def test_a_click_error_says_where_help_is(capsys: pytest.CaptureFixture[str]) -> None:
    harness.cli.execute(["doctor", "--nope"])

    assert capsys.readouterr().err.endswith("try 'gateway-harness doctor --help'\n")


def raising(exc: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise exc

    return fail


@pytest.fixture
def run_raising(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Run the frame with one command, which raises."""

    def run(exc: BaseException) -> int:
        command = click.Command("doctor", callback=raising(exc))
        monkeypatch.setattr(harness.cli.LazyGroup, "get_command", lambda *_: command)
        return harness.cli.execute(["doctor"])

    return run


FAILURE = Failure(Layer.PROVIDER, "flat", 401, "x", "no such key", retryable=False)


@pytest.mark.parametrize(
    ("exc", "code", "expected"),
    [
        (UsageError("give a port"), 2, "error: give a port"),
        (TransportError(TransportKind.DNS, "no such name"), 3, "error: network: no such name"),
        (AnswerError(FAILURE), 3, "error: provider answered 401: no such key"),
        (ContractError("wrong"), 1, "error: wrong"),
        (KeyboardInterrupt(), 3, "interrupted: no verdict"),
        (OSError(errno.ENOSPC, "No space", "/out/x"), 2, "error: the disk is full: /out/x"),
        (OSError(errno.EFBIG, "Too large", "/out/x"), 2, "error: a file may not grow so large; "),
        (OSError(errno.EACCES, "denied", "/out/x"), 2, "error: permission denied: /out/x"),
        (FileNotFoundError(errno.ENOENT, "No", "x.toml"), 2, "error: no such file: x.toml"),
        (OSError(errno.EIO, "I/O error"), 2, "internal error: OSError: "),
        (ZeroDivisionError("division"), 2, "internal error: ZeroDivisionError: division; please"),
        (HarnessError("odd"), 2, "internal error: HarnessError: odd"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_error_becomes_a_line_and_a_documented_exit_code(
    run_raising: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    exc: BaseException,
    code: int,
    expected: str,
) -> None:
    assert run_raising(exc) == code

    message = capsys.readouterr().err
    assert message.startswith(expected)
    assert message.count("\n") == 1


def test_no_message_shows_a_secret(
    run_raising: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "hush-0123456789")

    run_raising(ValueError("Authorization: Bearer hush-0123456789"))

    assert "Bearer $BASETEN_API_KEY" in capsys.readouterr().err


def test_a_traceback_is_shown_on_demand_and_redacted(
    run_raising: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "hush-0123456789")
    monkeypatch.setenv("GATEWAY_HARNESS_DEBUG", "1")

    run_raising(ValueError("key hush-0123456789"))

    message = capsys.readouterr().err
    assert "Traceback" in message
    assert "hush" not in message


def test_a_closed_pipe_is_unknown_and_silent() -> None:
    code = """
import os
from harness.cli import main
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
main(["--help"])
"""
    done = python(code)

    assert done.returncode == 3
    assert done.stderr == ""


def test_a_closed_pipe_under_a_table_is_unknown_and_no_broken_contract() -> None:
    code = """
import os, click, harness.cli
from harness.cli.screen import Screen
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
command = click.Command("x", callback=lambda: Screen().print("a table"))
harness.cli.LazyGroup.get_command = lambda *_: command
harness.cli.main(["doctor"])
"""
    done = python(code)

    assert (done.returncode, done.stderr) == (3, "")


def test_text_that_the_terminal_cannot_show_is_escaped() -> None:
    code = """
import click, harness.cli
command = click.Command("x", callback=lambda: print("\\u00fc"))
harness.cli.LazyGroup.get_command = lambda *_: command
harness.cli.main(["doctor"])
"""
    done = python(code, PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stdout) == (0, "\\xfc\n")


def test_a_full_disk_is_one_clear_message() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "harness", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 2
    assert done.stderr == "error: the disk is full\n"


def test_errors_stay_out_of_standard_output_when_standard_error_is_closed() -> None:
    command = f"exec {shlex.quote(sys.executable)} -m harness doctor --target nowhere --json 2>&-"

    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_closed_standard_stream_is_no_file_of_ours() -> None:
    code = """
import os, click, harness.cli
def look():
    with open("/dev/zero") as opened:
        raise SystemExit(opened.fileno() > 2)
harness.cli.LazyGroup.get_command = lambda *_: click.Command("x", callback=look)
harness.cli.main(["doctor"])
"""
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(code)} <&- >&- 2>&-"

    assert subprocess.run(["/bin/sh", "-c", command], timeout=60, check=False).returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_command_ends_like_an_interrupted_one(number: signal.Signals) -> None:
    code = f"""
import os, click, harness.cli
def wait():
    try:
        os.kill(os.getpid(), {int(number)})
    finally:
        print("tidied")
harness.cli.LazyGroup.get_command = lambda *_: click.Command("x", callback=wait)
harness.cli.main(["doctor"])
"""
    done = python(code)

    assert (done.returncode, done.stdout) == (3, "tidied\n")
    assert done.stderr.endswith("interrupted: no verdict\n")


def test_ctrl_c_again_while_the_command_ends_changes_nothing() -> None:
    code = """
import atexit, os, signal, click, harness.cli
def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)
harness.cli.LazyGroup.get_command = lambda *_: click.Command("x", callback=interrupt)
harness.cli._say = interrupt
atexit.register(interrupt)
harness.cli.main(["doctor"])
"""
    done = python(code)

    assert (done.returncode, done.stderr) == (3, "")


def test_an_ignored_hang_up_stays_ignored() -> None:
    code = """
import os, signal, click, harness.cli
signal.signal(signal.SIGHUP, signal.SIG_IGN)
command = click.Command("x", callback=lambda: os.kill(os.getpid(), signal.SIGHUP))
harness.cli.LazyGroup.get_command = lambda *_: command
harness.cli.main(["doctor"])
"""
    assert python(code).returncode == 0


def test_nothing_asked_is_answered_with_what_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert harness.cli.execute([]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Usage: gateway-harness")
    assert "doctor" in said
