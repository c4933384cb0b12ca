"""The options that describe a load, and the checks that need no target."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.duration import parse_duration
from harness.errors import UsageError
from harness.routes.route import ROUTES

if TYPE_CHECKING:
    from harness.load.launch import Locust

SCENARIO = "mixed"


def parse_routes(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """`native,compat` as a tuple in the usual order; empty when not given."""
    if text is None:
        return ()
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or any(name not in ROUTES for name in names):
        raise click.BadParameter(f"{text!r}: expected some of {','.join(ROUTES)}")
    return tuple(route for route in ROUTES if route in names)


def seconds(text: str) -> float:
    """A duration such as `30s` in seconds; for an option's `type`."""
    return parse_duration(text) / 1e9


def workload_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add every option of a load; names are those of `LoadPlan` where it has them."""
    return _with(_OPTIONS, function)


def calibration_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the calibration alone; their names are `CALIBRATION_FIELDS`."""
    return _with(_CALIBRATION, function)


def plan_fields(values: dict[str, Any]) -> dict[str, Any]:
    """The options as fields of a plan; UsageError when two of them contradict each other."""
    rate, users, arrivals = values["rate"], values["users"], values["arrivals"]
    if rate is not None and users is not None:
        raise UsageError("--users (closed loop) and --rate (open loop) exclude each other")
    if rate is None and arrivals is not None:
        raise UsageError("--arrivals needs --rate: a closed loop has no schedule")
    same = (
        "gamma_shape",
        "in_flight",
        "stream",
        "prompt_tokens",
        "max_output_tokens",
        "rid_header",
        *CALIBRATION_FIELDS,
    )
    return {
        **{name: values[name] for name in (*same, "store_bodies", "collect_log", "routes")},
        "users": 10 if users is None else users,
        "rate": rate,
        "duration_s": values["duration"],
        "warmup_s": values["warmup"],
        "drain_s": values["drain"],
        "skip_cache": not values["allow_cache"],
        "prompts": values["prompts"],
        "thresholds": values["threshold"],
        "abort": values["abort"],
        "workers": max(values["processes"], values["expect_workers"]),
        "arrivals": arrivals_of(arrivals or "constant"),
    }


def arrivals_of(name: str) -> Any:
    """The arrival process of that name."""
    from harness.load.arrivals import Arrivals

    return Arrivals(name)


def locust_of(values: dict[str, Any]) -> "Locust":
    """How Locust is to be started; UsageError for a scenario that is not there."""
    from harness.load.launch import Locust

    master, worker = values["master"], values["worker"]
    if master and worker:
        raise UsageError("--master and --worker exclude each other")
    host, port = values["master_host"], str(values["master_port"])
    options: tuple[str, ...] = ()
    if master:
        expected = str(values["expect_workers"])
        options = ("--master-bind-port", port, "--expect-workers", expected)
    if worker:
        options = ("--master-host", host, "--master-port", port)
    return Locust(
        scenario(values["locustfile"] or SCENARIO),
        processes=values["processes"],
        ui=values["ui"],
        master=master,
        worker=worker,
        options=options,
    )


def scenario(text: str) -> Path:
    """The locustfile of that path, or of that name among those of the harness."""
    from harness.bundled import folder

    path = Path(text)
    if path.is_file():
        return path
    named = folder("locustfiles") / f"{text}.py"
    if named.is_file():
        return named
    known = ", ".join(sorted(found.stem for found in folder("locustfiles").glob("*.py")))
    raise UsageError(f"{text}: expected a locustfile, or one of {known}")


def _with(options: tuple[Any, ...], function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.reduce(lambda made, option: option(made), reversed(options), function)


def _number(name: str, default: int | None, text: str, *, least: int = 1) -> Any:
    return click.option(
        name,
        type=click.IntRange(least),
        default=default,
        metavar="N",
        help=text,
        show_default=default is not None,
    )


def _time(name: str, default: str, text: str) -> Any:
    return click.option(
        name, type=seconds, default=default, show_default=True, metavar="TIME", help=text
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
        "--gamma-shape",
        type=_POSITIVE,
        default=0.5,
        show_default=True,
        help="Of gamma arrivals; below 1 makes bursts.",
    ),
    _number("--in-flight", 1000, "Open loop: what is due beyond N under way is dropped."),
    _time("--duration", "30s", "How long after the warm-up."),
    _time("--warmup", "5s", "Recorded, but not counted."),
    _time("--drain", "30s", "How long the last answers are waited for."),
    click.option(
        "--routes",
        callback=parse_routes,
        metavar="LIST",
        help="Such as native,compat.  [default: all that the target has]",
    ),
    click.option("--stream/--no-stream", default=True, show_default=True),
    _number("--prompt-tokens", 64, "Length of a prompt, about."),
    _number("--max-output-tokens", 64, "Bound of an answer."),
    click.option(
        "--prompts",
        type=click.Path(path_type=Path),
        metavar="FILE.jsonl",
        help='Lines with "prompt" or "messages".',
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
    _flag("--master", "Direct workers on other machines, send nothing."),
    _flag("--worker", "Send what a master directs."),
    click.option("--master-host", default="127.0.0.1", show_default=True, metavar="HOST"),
    click.option("--master-port", type=click.IntRange(1, 65_535), default=5557, show_default=True),
    _number("--expect-workers", 1, "Workers on all machines; the same for master and workers."),
    *_CALIBRATION,
)
