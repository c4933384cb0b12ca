"""The options of a load: what each takes, and how its text is read."""

import functools
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.extension import parse_times
from harness.cli.options import parse_duration
from harness.routes.route import ARMS, ROUTES

if TYPE_CHECKING:
    from harness.load.lengths import Lengths

_WEIGHT = re.compile(r"\d{1,2}")
Option = Callable[[Callable[..., Any]], Callable[..., Any]]
"""What adds an option to a command."""


def parse_routes(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """`native,compat` as a tuple in the usual order; empty when not given."""
    return _some_of(ROUTES, text)


def parse_arms(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """The same, with `direct` among them: Baseten without the gateway."""
    return _some_of(ARMS, text)


def parse_weights(
    _: click.Context, __: click.Parameter, text: str | None
) -> tuple[tuple[str, int], ...]:
    """`native=3,compat=1` as routes with how many of a block each gets, one where none is told."""
    if text is None:
        return ()
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    routes = _some_of(ROUTES, ",".join(name for name, _, _ in parts))
    if len(parts) != len(routes):
        raise click.BadParameter(f"{text!r}: expected each route once")
    weights = {}
    for name, sign, weight in parts:
        if sign and not (_WEIGHT.fullmatch(weight.strip()) and int(weight)):
            raise click.BadParameter(
                f"{text!r}: expected a weight from 1 to 99 after {name.strip()}=, got {weight!r}; "
                "such as native=3,compat=1"
            )
        weights[name.strip()] = int(weight) if sign else 1
    common = math.gcd(*weights.values())
    return tuple((route, weights[route] // common) for route in routes)


def _some_of(known: tuple[str, ...], text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or any(name not in known for name in names):
        raise click.BadParameter(f"{text!r}: expected some of {','.join(known)}")
    return tuple(route for route in known if route in names)


def stage_list(_: click.Context, __: click.Parameter, text: str | None) -> Any:
    """The stages of a text, and whether they are of users; None when not given."""
    from harness.load.stages import parse_stages

    return None if text is None else parse_stages(text)


def seconds(text: str) -> float:
    """A duration such as `30s` in seconds; for an option's `type`."""
    return parse_duration(text) / 1e9


def some_seconds(text: str) -> float:
    """A duration that is not 0, in seconds; for an option's `type`."""
    found = seconds(text)
    if not found:
        raise click.BadParameter(f"{text!r}: expected a duration above 0, such as 30s")
    return found


def lengths(_: click.Context, __: click.Parameter, text: str) -> "Lengths":
    """Lengths in tokens: a number, or a distribution to draw from."""
    from harness.load.lengths import parse_lengths

    try:
        return parse_lengths(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def length_option(name: str, default: str, text: str) -> Option:
    """An option that takes lengths."""
    return click.option(
        name, callback=lengths, default=default, show_default=True, metavar="LENGTH", help=text
    )


def workload_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add every option of a load; names are those of `LoadPlan` where it has them."""
    return _with(_OPTIONS, function)


def calibration_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the calibration alone; their names are `CALIBRATION_FIELDS`."""
    return _with(_CALIBRATION, function)


def _with(options: tuple[Any, ...], function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.reduce(lambda made, option: option(made), reversed(options), function)


def _number(name: str, default: int | None, text: str) -> Any:
    return click.option(
        name,
        type=click.IntRange(1),
        default=default,
        metavar="N",
        help=text,
        show_default=default is not None,
    )


def _time(name: str, default: str, text: str, *, kind: Callable[[str], float] = seconds) -> Any:
    return click.option(
        name, type=kind, default=default, show_default=True, metavar="TIME", help=text
    )


def _flag(name: str, text: str) -> Any:
    return click.option(name, is_flag=True, help=text)


CALIBRATION_FIELDS = ("calibrate", "beyond_calibration")
_CALIBRATION = (
    click.option(
        "--calibrate/--no-calibrate",
        default=True,
        show_default=True,
        help="Measure the client's own error first, for about a second.",
    ),
    _flag("--beyond-calibration", "Run also what the client was measured not to carry."),
)


def prompt_tokens(default: str) -> Option:
    """The option `--prompt-tokens`."""
    return length_option(
        "--prompt-tokens",
        default,
        "Length of a prompt, about: N, normal:MEAN,SD, lognormal:MEDIAN,SIGMA or uniform:LOW-HIGH.",
    )


def tokenizer(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option `--tokenizer`."""
    option = click.option(
        "--tokenizer",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A tokenizer.json by which prompts have exactly --prompt-tokens; "
        "needs the extra `tokenizer`.",
    )
    return option(function)


def max_output_tokens(default: str) -> Option:
    """The option `--max-output-tokens`."""
    return length_option("--max-output-tokens", default, "Bound of an answer, in the same forms.")


_POSITIVE = click.FloatRange(0, min_open=True)
_OPTIONS = (
    _number("--users", None, "Closed loop: N at once.  [default: 10]"),
    click.option("--rate", type=_POSITIVE, metavar="R", help="Open loop: R requests per second."),
    click.option(
        "--arrivals",
        type=click.Choice(["constant", "poisson", "gamma"]),
        help="How the open loop spaces its requests.  [default: constant]",
    ),
    click.option(
        "--stages",
        callback=stage_list,
        metavar="LIST",
        help='The load by stages, each reported and judged for itself: "30s:5, 60s:5-20" at 5 '
        'requests per second, then rising from 5 to 20; "30s:5u, 60s:20u" with 5 users, then 20.',
    ),
    click.option(
        "--trace",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Replay a recorded load: Baseten's Parquet, or JSON lines with timestamp in "
        "milliseconds and prompt, messages or input_length.",
    ),
    click.option(
        "--speed",
        type=_POSITIVE,
        default=1.0,
        show_default=True,
        metavar="X",
        help="Replay the trace X times as fast.",
    ),
    click.option(
        "--gamma-shape",
        "--burstiness",
        "gamma_shape",
        type=_POSITIVE,
        default=0.5,
        show_default=True,
        help="Of gamma arrivals; below 1 makes bursts.",
    ),
    _number(
        "--in-flight",
        None,
        "Open loop: what is due beyond N under way is dropped.  [default: 10 s of the rate]",
    ),
    _time("--duration", "30s", "How long after the warm-up.", kind=some_seconds),
    click.option(
        "--extend",
        type=parse_times,
        default="1x",
        show_default=True,
        metavar="TIMES",
        help="Go on, up to so many times the duration, until the objectives are settled, as 3x.",
    ),
    _time("--warmup", "5s", "Recorded, but not counted."),
    _time("--drain", "30s", "How long the last answers are waited for."),
    click.option(
        "--routes",
        callback=parse_weights,
        metavar="LIST",
        help="Such as native,compat, or native=3,compat=1 for three of four requests on native.  "
        "[default: all that the target has]",
    ),
    click.option("--stream/--no-stream", default=True, show_default=True),
    click.option(
        "--stream-share",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        metavar="S",
        help="Stream this share of the requests, such as 0.7, and answer the others whole.",
    ),
    prompt_tokens("64"),
    max_output_tokens("64"),
    tokenizer,
    click.option(
        "--prompts",
        type=click.Path(path_type=Path),
        metavar="FILE.jsonl",
        help='Lines with "prompt" or "messages", or conversations with "turns".',
    ),
    _flag(
        "--respect-rate-limit",
        "Keep below the gateway's rate limit: the declared one, or what refusals (429) teach.",
    ),
    _flag("--store-bodies", "Keep prompts and answers."),
    _flag("--allow-cache", "Let the gateway answer from its cache."),
    _flag("--collect-log", "Let the gateway log these requests."),
    click.option(
        "--rid-header",
        metavar="NAME",
        help="A field to carry each sample's `seq`, for a server that keeps records.",
    ),
    click.option(
        "--threshold",
        multiple=True,
        metavar="OBJECTIVE",
        help='Such as "p95(ttft) < 800ms"; repeatable.',
    ),
    click.option(
        "--abort",
        multiple=True,
        metavar="CONDITION",
        help='Stop when it comes true, such as "error_rate > 20%"; repeatable.',
    ),
    _number("--processes", 1, "Locust processes on this machine."),
    _flag("--ui", "Show Locust's page; ends with Ctrl-C."),
    click.option("--ui-host", default="127.0.0.1", show_default=True, metavar="HOST"),
    click.option(
        "--ui-port",
        type=click.IntRange(0, 65_535),
        default=8089,
        show_default=True,
        metavar="PORT",
        help="0 takes any free one.",
    ),
    _flag("--master", "Direct workers on other machines, send nothing."),
    _number("--expect-workers", 1, "With --master: how many workers there will be."),
    click.option(
        "--master-bind-host",
        default="127.0.0.1",
        show_default=True,
        metavar="HOST",
        help="With --master: the address that workers reach, or 0.0.0.0 for all.",
    ),
    _flag("--leave-samples", "With --master: samples stay with the workers, to be merged later."),
    _flag("--worker", "Send what a master directs; the plan is the master's."),
    click.option(
        "--master-host",
        default="127.0.0.1",
        show_default=True,
        metavar="HOST",
        help="With --worker: where the master is.",
    ),
    click.option(
        "--master-port",
        type=click.IntRange(0, 65_535),
        default=5557,
        show_default=True,
        metavar="PORT",
        help="With --master and --worker; for a master, 0 takes any free one.",
    ),
    *_CALIBRATION,
)
