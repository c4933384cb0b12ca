"""The options that every command shares, as one decorator and one value."""

import functools
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.errors import UsageError
from harness.foreign import Place, harmless
from harness.settings.values import parse_field_name, parse_field_value
from harness.wire import Headers

if TYPE_CHECKING:
    from harness.load.plan import Caps
    from harness.settings import Settings, Target

_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ns|us|ms|s|m)")


@dataclass(frozen=True, slots=True)
class Common:
    """The common options of one call; settings are read and the target is resolved already.

    The three caps are None where no flag gave one: a command decides its own default.
    """

    command: str
    settings: "Settings"
    target: "Target"
    out: Path | None
    seed: int
    max_requests: int | None
    max_total_tokens: int | None
    max_cost: float | None
    quiet: bool
    json: bool

    @property
    def caps(self) -> "Caps":
        """What the flags bound."""
        from harness.load.plan import Caps

        return Caps(self.max_requests, self.max_total_tokens, self.max_cost)

    @property
    def shows(self) -> bool:
        """Whether people read along: neither `--quiet` nor `--json` was given."""
        return not (self.quiet or self.json)

    def make_folder(self) -> Path:
        """Create the output folder, prove that it can be written, and return it.

        Call it after the command's own checks and before the first request. UsageError when the
        folder cannot be made or written, or holds another run already.
        """
        return make_folder(self.out, self.command)

    def say(self, text: str) -> None:
        """Print for people: nothing with `--quiet` or `--json`, and never a secret."""
        if self.shows:
            click.echo(harmless(self.target.secrets.redact(text), Place.TERMINAL, lines=True))


def common(
    *, target: str = "local", mock: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the common options; the command is called with `common=Common(...)` first.

    `mock` allows the in-process target, which only the contract can use.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(**values: Any) -> Any:
            taken = {name: values.pop(name, None) for name in _NAMES}
            command = click.get_current_context().info_name or "run"
            return function(common=_common(command, taken, mock=mock), **values)

        print_options(call)
        for option in reversed(_OPTIONS):
            option(call)
        return target_options(target, mock=mock)(call)

    return decorate


def parse_header(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> Headers:
    """`NAME:VALUE` fields; the message never shows the value, which may be a secret."""
    fields = []
    for value in values:
        name, colon, content = value.partition(":")
        if not colon:
            raise click.BadParameter("expected NAME:VALUE, such as cf-aig-collect-log:false")
        try:
            fields.append((parse_field_name(name), parse_field_value(content)))
        except ValueError as exc:
            raise click.BadParameter(f"expected NAME:VALUE: {exc}") from None
    return Headers(fields)


def parse_duration(text: str) -> int:
    """Whole nanoseconds; a number needs its unit, except 0. For an option's `type`."""
    found = _DURATION.fullmatch(text.strip())
    if found:
        return round(float(found[1]) * _UNITS[found[2]])
    if text.strip() == "0":
        return 0
    raise click.BadParameter(f"{text!r}: expected a duration such as 200ms, 1.5s or 2m")


def parse_cost(text: str) -> float:
    """Dollars: a finite number that is not negative."""
    try:
        cost = float(text)
    except ValueError:
        cost = -1
    if not 0 <= cost < math.inf:
        raise click.BadParameter(f"{text!r}: expected dollars, such as 0.50")
    return cost


def parse_folder(text: str) -> Path:
    """The path of a folder that exists or can be made."""
    if not text.strip() or "\0" in text:
        raise click.BadParameter(f"{text!r}: expected the path of a folder")
    return Path(text)


def unused(folder: Path) -> Path:
    """A new folder of this name, or with a number behind it where another run has that one."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    for path in (folder, *islice(numbered, 1000)):
        try:
            path.mkdir(0o700, parents=True)
        except FileExistsError:  # of a run that began in the same second
            continue
        except OSError:  # `prepare_folder` says why
            pass
        return path
    raise UsageError(f"{folder} and a thousand more are there already; use --out")


def make_folder(out: Path | None, command: str) -> Path:
    """Create `out`, or a new folder of the command in `reports/`; see `prepare_folder`."""
    if out is not None:
        return prepare_folder(out)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return prepare_folder(unused(Path("reports") / f"{stamp}-{command}"))


def prepare_folder(folder: Path) -> Path:
    """Create `folder` and write a page to it; UsageError when that fails or a run is in it.

    A new one is its owner's alone: what prompts and answers said may be in it.
    """
    if (folder / "run.json").exists():
        raise UsageError(f"--out {folder} holds a run already; choose another folder")
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as exc:
        raise UsageError(f"--out {folder} cannot be written: {exc.strerror}") from exc
    _try_summary()
    return folder


def _try_summary() -> None:
    """Say at once where no summary of the CI step can be written."""
    from harness.report import step_summary

    complaint = step_summary.complaint()
    if complaint:
        click.echo(f"note: {complaint}", err=True)


def _common(command: str, taken: dict[str, Any], *, mock: bool) -> Common:
    from harness.settings import Kind, load_settings, resolve_target

    settings = load_settings()
    target = resolve_target(taken.pop("target"), settings, headers=taken.pop("header"))
    if target.kind is Kind.MOCK and not mock:
        raise UsageError("--target mock serves verify only; use --target local")
    return Common(command=command, settings=settings, target=target, **taken)


def target_options(
    default: str, *, mock: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--target` and `--header`, which name the gateway and what it is sent."""
    target = click.option(
        "--target",
        default=default,
        show_default=True,
        metavar=f"{'mock|' if mock else ''}local|live|NAME|URL",
        help="The gateway: embedded, configured, named in harness.toml, or an origin.",
    )
    header = click.option(
        "--header",
        multiple=True,
        metavar="NAME:VALUE",
        callback=parse_header,
        help="A header field for every request; repeatable.",
    )
    return lambda function: target(header(function))


def print_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--quiet` and `--json`."""
    quiet = click.option("--quiet", is_flag=True, help="Print only the verdict.")
    as_json = click.option("--json", is_flag=True, help="Print the verdict as JSON, nothing else.")
    return quiet(as_json(function))


out_option = click.option(
    "--out",
    type=parse_folder,
    metavar="DIR",
    help="Where the run is left.  [default: reports/<timestamp>-<command>]",
)
_OPTIONS = (
    out_option,
    click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True),
    click.option("--max-requests", type=click.IntRange(min=1), metavar="N"),
    click.option("--max-total-tokens", type=click.IntRange(min=1), metavar="N"),
    click.option("--max-cost", type=parse_cost, metavar="USD"),
)
_NAMES = (
    *("target", "header", "out", "seed"),
    *("max_requests", "max_total_tokens", "max_cost", "quiet", "json"),
)
