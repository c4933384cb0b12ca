"""The options that describe a load, and the checks that need no target."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from harness.cli.duration import parse_duration
from harness.cli.extension import parse_times
from harness.errors import UsageError
from harness.routes.route import ARMS, ROUTES

if TYPE_CHECKING:
    from harness.load.launch import Locust

SCENARIO = "mixed"


def parse_routes(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """`native,compat` as a tuple in the usual order; empty when not given."""
    return _some_of(ROUTES, text)


def parse_arms(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """The same, with `direct` among them: Baseten without the gateway."""
    return _some_of(ARMS, text)


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


def workload_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add every option of a load; names are those of `LoadPlan` where it has them."""
    return _with(_OPTIONS, function)


def calibration_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the calibration alone; their names are `CALIBRATION_FIELDS`."""
    return _with(_CALIBRATION, function)


def loading_ahead(function: Callable[..., Any]) -> Callable[..., Any]:
    """Start the Locust processes at once: they load for longer than the command prepares."""

    @functools.wraps(function)
    def call(**values: Any) -> Any:
        from harness.load.processes import started_ahead

        check_parts(values)
        with started_ahead(values["processes"]):
            return function(**values)

    return call


def plan_fields(values: dict[str, Any]) -> dict[str, Any]:
    """The options as fields of a plan; UsageError when two of them contradict each other."""
    arrivals = values["arrivals"]
    rate, users = values["rate"], values["users"]
    if rate is not None and users is not None:
        raise UsageError("--users (closed loop) and --rate (open loop) exclude each other")
    duration, stages = values["duration"], ()
    if values["stages"] is not None:
        from harness.load.stages import length_s

        rate, users = level_of(values)
        stages = values["stages"][0]
        duration = length_s(stages)
    same = (
        "gamma_shape",
        "in_flight",
        "extend",
        "stream",
        "prompt_tokens",
        "max_output_tokens",
        "rid_header",
        "respect_rate_limit",
        *CALIBRATION_FIELDS,
    )
    fields = {
        **{name: values[name] for name in (*same, "store_bodies", "collect_log")},
        "routes": _routes_of(values),
        "users": 10 if users is None else users,
        "rate": rate,
        "duration_s": duration,
        "stages": stages,
        "warmup_s": values["warmup"],
        "drain_s": values["drain"],
        "skip_cache": not values["allow_cache"],
        "prompts": values["prompts"],
        "thresholds": values["threshold"],
        "abort": values["abort"],
        "workers": values["expect_workers"] if values["master"] else values["processes"],
        "arrivals": arrivals_of(arrivals or "constant"),
    }
    return fields if values["trace"] is None else fields | _of_trace(values)


def _of_trace(values: dict[str, Any]) -> dict[str, Any]:
    """What a trace decides of a plan; all of it is counted unless a warm-up was typed."""
    from harness.load.trace import read_trace

    trace, speed = read_trace(values["trace"]), values["speed"]
    typed = _typed(click.get_current_context(), "warmup")
    warmup_s = min(values["warmup"], trace.length_s(speed)) if typed else 0.0
    return {
        "trace": str(values["trace"].resolve()),
        "speed": speed,
        "due": len(trace.requests),
        "rate": trace.peak(speed),
        "warmup_s": warmup_s,
        "duration_s": trace.length_s(speed) - warmup_s,
        "prompt_tokens": trace.mean("input_tokens") or values["prompt_tokens"],
        "max_output_tokens": trace.mean("output_tokens") or values["max_output_tokens"],
    }


def level_of(values: dict[str, Any]) -> tuple[float | None, int | None]:
    """The rate of an open loop and the users of a closed one: at most one of them is given."""
    if values["stages"] is None:
        return values["rate"], values["users"]
    from harness.load.stages import peak

    stages, of_users = values["stages"]
    return (None, int(peak(stages))) if of_users else (peak(stages), None)


def _routes_of(values: dict[str, Any]) -> tuple[str, ...]:
    """The routes that were asked for; a scenario that is named by its route has only that one."""
    name: str | None = values["locustfile"]
    routes: tuple[str, ...] = values["routes"]
    if name is None or name not in ROUTES or Path(name).is_file():
        return routes
    if routes not in ((), (name,)):
        raise UsageError(f"{name} sends {name} alone: leave --routes out, or load mixed")
    return (name,)


def arrivals_of(name: str) -> Any:
    """The arrival process of that name."""
    from harness.load.arrivals import Arrivals

    return Arrivals(name)


def locust_of(values: dict[str, Any]) -> "Locust":
    """How Locust is to be started; UsageError for a scenario that is not there."""
    from harness.load.launch import Locust
    from harness.load.task import Role

    role, host, port = Role.LOCAL, "127.0.0.1", 0
    if values["ui"]:
        role, host, port = Role.PAGE, values["ui_host"], values["ui_port"]
    elif values["master"]:
        role, host, port = Role.MASTER, values["master_bind_host"], values["master_port"]
    elif values["worker"]:
        role, host, port = Role.WORKER, values["master_host"], values["master_port"]
    return Locust(
        scenario(values["locustfile"] or SCENARIO),
        processes=values["processes"],
        role=role,
        host=host,
        port=port,
        leave_samples=values["leave_samples"],
    )


def check_parts(values: dict[str, Any]) -> None:
    """UsageError for parts of a load that exclude each other, do nothing, or have no user."""
    _check_partners(values)
    if values["master"] and values["worker"]:
        raise UsageError("--master and --worker exclude each other")
    for part in ("ui", "master"):
        if values[part] and values["processes"] > 1:
            raise UsageError(
                f"--{part} and --processes exclude each other: the {part} is one process"
            )
    if values["worker"] and values["processes"] > 1:
        raise UsageError("--worker and --processes exclude each other: start one worker for each")
    if values["ui"] and (values["master"] or values["worker"]):
        raise UsageError("--ui shows the load of this machine: leave --master and --worker out")
    workers = values["expect_workers"] if values["master"] else values["processes"]
    asked = level_of(values)[1]
    users = 10 if asked is None else asked
    if not _is_open(values) and not values["worker"] and users < workers:
        name = "--expect-workers" if values["master"] else "--processes"
        raise UsageError(f"{name} {workers}: each needs a user, and --users is {users}")


_PARTNERS = (
    ("arrivals", "rate", "a closed loop has no schedule"),
    ("in_flight", "rate", "a closed loop has never more under way than --users"),
    ("speed", "trace", "only a trace has times of its own"),
    ("leave_samples", "master", "samples are on this machine already"),
    ("expect_workers", "master", "--processes is for this machine"),
    ("master_bind_host", "master", "--master-host is for a worker"),
    ("master_host", "worker", "--master-bind-host is for a master"),
    ("ui_host", "ui", "there is no page without it"),
    ("ui_port", "ui", "there is no page without it"),
)
"""Options that do nothing without another, and why."""


_OF_TRACE = (
    *("rate", "users", "stages", "duration", "arrivals", "extend"),
    *("prompts", "prompt_tokens", "max_output_tokens"),
)
"""Options whose part a trace takes."""


def _is_open(values: dict[str, Any]) -> bool:
    """Whether requests are sent by a schedule."""
    return values["trace"] is not None or level_of(values)[0] is not None


def _check_partners(values: dict[str, Any]) -> None:
    context = click.get_current_context()
    typed = {name for name in values if _typed(context, name)}
    for option, partner, why in _PARTNERS:
        if option in typed and not (_is_open(values) if partner == "rate" else values[partner]):
            raise UsageError(f"{_flag_of(option)} needs {_flag_of(partner)}: {why}")
    for option in ("rate", "users", "duration", "extend"):
        if option in typed and values["stages"]:
            raise UsageError(f"--stages says how much and how long: leave {_flag_of(option)} out")
    for option in _OF_TRACE:
        if option in typed and values["trace"] is not None:
            raise UsageError(f"--trace says what is sent and when: leave {_flag_of(option)} out")
    if "extend" in typed and (values["master"] or values["worker"] or values["ui"]):
        raise UsageError("--extend is for a load of this machine that ends by itself")
    if "extend" in typed and not values["threshold"]:
        raise UsageError("--extend needs --threshold: it goes on until objectives are settled")
    if "gamma_shape" in typed and values["arrivals"] != "gamma":
        raise UsageError("--gamma-shape needs --arrivals gamma: others have no shape")
    if "master_port" in typed and not (values["master"] or values["worker"]):
        raise UsageError("--master-port needs --master or --worker: one process has no master")


def _typed(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _flag_of(name: str) -> str:
    return f"--{name.replace('_', '-')}"


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
