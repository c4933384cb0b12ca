"""What the options of a load make of a plan, and the checks that need no target."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from harness.cli.load_options import CALIBRATION_FIELDS
from harness.errors import UsageError
from harness.routes.route import ROUTES

if TYPE_CHECKING:
    from harness.load.launch import Locust
    from harness.load.lengths import Lengths

SCENARIO = "mixed"


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
    routes = _routes_of(values)
    weights = tuple(weight for _, weight in routes)
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
        "rid_header",
        "respect_rate_limit",
        "stream_share",
        *CALIBRATION_FIELDS,
    )
    fields = {
        **{name: values[name] for name in (*same, "store_bodies", "collect_log")},
        **length_fields(values),
        "routes": tuple(route for route, _ in routes),
        "weights": weights if len({*weights}) > 1 else (),
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
        "prompt_tokens": trace.mean("input_tokens") or values["prompt_tokens"].typical,
        "max_output_tokens": trace.mean("output_tokens") or values["max_output_tokens"].typical,
    }


def length_fields(values: dict[str, Any]) -> dict[str, Any]:
    """The lengths of prompts and answers as fields of a plan, each one number or drawn."""
    fields: dict[str, Any] = {}
    for option, drawn in _LENGTHS.items():
        lengths: Lengths = values[option]
        fields[option] = lengths.typical
        fields[drawn] = lengths.text if lengths.one is None else None
    path = values["tokenizer"]
    fields["tokenizer"] = None if path is None else str(path.resolve())
    if path is not None and (values.get("prompts") or values.get("trace")) is not None:
        raise UsageError("--tokenizer is for prompts of --prompt-tokens: leave it out")
    if fields["prompt_lengths"] and values.get("prompts") is not None:
        raise UsageError("--prompts has lengths of its own: leave --prompt-tokens out")
    return fields


_LENGTHS = {"prompt_tokens": "prompt_lengths", "max_output_tokens": "output_lengths"}
"""Options on lengths, and the field of a plan that has the distribution."""


def level_of(values: dict[str, Any]) -> tuple[float | None, int | None]:
    """The rate of an open loop and the users of a closed one: at most one of them is given."""
    if values["stages"] is None:
        return values["rate"], values["users"]
    from harness.load.stages import peak

    stages, of_users = values["stages"]
    return (None, int(peak(stages))) if of_users else (peak(stages), None)


def _routes_of(values: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """The routes that were asked for, with their weights.

    A scenario that is named by its route has only that one, and the comparison has each once.
    """
    name: str | None = values["locustfile"]
    routes: tuple[tuple[str, int], ...] = values["routes"]
    if name == "compare" and len({weight for _, weight in routes}) > 1:
        raise UsageError("compare sends each route once in a block: leave the weights out")
    if name is None or name not in ROUTES or Path(name).is_file():
        return routes
    if routes not in ((), ((name, 1),)):
        raise UsageError(f"{name} sends {name} alone: leave --routes out, or load mixed")
    return ((name, 1),)


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
    if "stream" in typed and "stream_share" in typed:
        raise UsageError(
            "--stream-share says how many are streamed: leave --stream and --no-stream out"
        )
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
