"""The command line: which commands there are, and the border where errors become exit codes.

Nothing but click is imported before a command has been chosen. Exit codes: 0 pass, 1 fail, 2 usage
or our own fault, 3 unknown; `harness.cli.verdict` has the same table for verdicts.
"""

import errno
import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

import click

from harness.errors import (
    AnswerError,
    ContractError,
    HarnessError,
    TransportError,
    UsageError,
    did_you_mean,
)
from harness.foreign import Place, harmless

COMMANDS = {
    "run": "Verify, load, compare and report, with one verdict: the main job.",
    "verify": "Check the contract against a target.",
    "load": "Run one load scenario and report latency and throughput.",
    "capacity": "Find the highest load that still meets the objectives.",
    "compare": "Compare the latency of the routes, or of two runs.",
    "gate": "Decide on a launch from earlier runs: one verdict over all objectives.",
    "report": "Rebuild the report of a run from its samples.",
    "serve": "Serve the stand-in gateway on a port.",
    "doctor": "Check settings and reachability, and say what is missing.",
    "explain": "Say what a clause of the contract demands, and why.",
    "replay": "Repeat a failure of an earlier run: still broken, or fixed.",
}
"""Every command with its line in `--help`; one whose module is not there yet is not listed."""

DEBUG = "GATEWAY_HARNESS_DEBUG"


class LazyGroup(click.Group):
    """A group whose commands are modules, imported when one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for name in COMMANDS if find_spec(f"harness.cli.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = import_module(f"harness.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            hint = did_you_mean(name, known, otherwise=f"there are {', '.join(known)}")
            ctx.fail(f"no such command {name!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, COMMANDS[name]) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"gateway-harness {version('gateway-harness')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Contract tests and load benchmarks for the Baseten routes of Cloudflare AI Gateway."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    gc.set_threshold(100_000, 20, 20)  # a command loads much and ends soon
    _open_streams()
    _end_in_order()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a server says may not fit a C locale
            stream.reconfigure(errors="backslashreplace")
    try:
        code = execute(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # once more, while the first was being answered
        code = 3
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """The exit code of one command line; every error becomes a line on standard error here."""
    try:
        return _invoke(arguments)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted: no verdict", 3)
    except click.exceptions.NoArgsIsHelpError as exc:
        return _say(exc.format_message(), 2)
    except click.ClickException as exc:
        return _say(f"error: {exc.format_message()}{_hint(exc)}", 2)
    except HarnessError as exc:
        return _explain(exc)
    except BrokenPipeError:
        _discard_output()
        return 3
    except OSError as exc:
        return _system(exc)
    except Exception as exc:  # noqa: BLE001 - the outer border: no traceback reaches a user
        return _internal(exc)


def _open_streams() -> None:
    """Open closed standard streams on nothing, or the next socket would get the number of one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _end_in_order() -> None:
    """Let a terminated command end as Ctrl-C ends it: nothing keeps running, no sample is lost."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _invoke(arguments: Sequence[str]) -> int:
    with cli.make_context("gateway-harness", list(arguments)) as context:
        result = cli.invoke(context)
    sys.stdout.flush()
    return result if isinstance(result, int) else 0


def _explain(exc: HarnessError) -> int:
    if isinstance(exc, TransportError):
        return _say(f"error: {exc.layer}: {exc}", 3)
    if isinstance(exc, AnswerError):
        return _say(f"error: {exc}", 3)
    if isinstance(exc, UsageError):
        return _say(f"error: {exc}", 2)
    return _say(f"error: {exc}", 1) if isinstance(exc, ContractError) else _internal(exc)


def _system(exc: OSError) -> int:
    """What a person can change; anything else is a bug of ours."""
    known = {
        errno.ENOENT: "no such file",
        errno.EISDIR: "a folder, not a file",
        errno.ENOTDIR: "not a folder",
        errno.ENAMETOOLONG: "the name is too long",
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EFBIG: "a file may not grow so large; raise the limit (ulimit -f)",
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.EROFS: "the file system is read-only",
        errno.EMFILE: "too many open files; raise the limit (ulimit -n)",
    }
    if exc.errno not in known:
        return _internal(exc)
    where = f": {exc.filename}" if exc.filename else ""
    return _say(f"error: {known[exc.errno]}{where}", 2)


def _internal(exc: Exception) -> int:
    if os.environ.get(DEBUG):
        _say("".join(traceback.format_exception(exc)).rstrip(), 2)
    name = type(exc).__name__
    advice = f"please report it ({DEBUG}=1 shows where it happened)"
    return _say(f"internal error: {name}: {exc}; {advice}", 2)


def _hint(exc: click.ClickException) -> str:
    context = getattr(exc, "ctx", None)
    path = context.command_path if isinstance(context, click.Context) else "gateway-harness"
    return f"\ntry '{path} --help'"


def _say(message: str, code: int) -> int:
    """Write one message for people, without a secret of the environment or the command line."""
    try:
        print(harmless(_clean(message), Place.TERMINAL, lines=True), file=sys.stderr)
    except OSError:
        _discard_output()
    return code


def _clean(message: str) -> str:
    from harness.settings.redaction import Secrets

    secrets = Secrets.of_process(os.environ, sys.argv) | Secrets.of_environment(os.environ)
    return secrets.redact(message)


def _discard_output() -> None:
    """Point closed pipes at nothing, or the interpreter complains about them when it exits."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
