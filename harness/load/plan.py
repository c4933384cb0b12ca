"""What one load run will send: plain data that travels to Locust's processes as a JSON file.

Secrets are not part of it; `Identity` goes by pipe.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.load.arrivals import Arrivals
from harness.load.lengths import describe, parse_lengths
from harness.load.stages import LoadStage
from harness.routes.address import Address, Credentials
from harness.routes.route import ROUTES, Route
from harness.transports.exchange import Timeouts

SCHEMA_VERSION = 1

IN_FLIGHT_S = 10.0
"""An open loop may have this much of its rate under way before it drops requests."""
LEAST_IN_FLIGHT = 100


@dataclass(frozen=True, slots=True)
class Caps:
    """What a run may use at most, over all workers; None is no bound. Prices are USD per token."""

    requests: int | None = None
    total_tokens: int | None = None
    cost: float | None = None
    price_in: float | None = None
    price_out: float | None = None


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One load: where to, how many at once or how often, how long, with which prompts.

    `users` is a closed loop: each sends when its last answer has ended. `rate` (requests per
    second) is an open loop and wins over `users`; `in_flight` bounds it (None: ten seconds of the
    rate), and a request that is due beyond the bound is `dropped`. The run lasts `warmup_s` +
    `duration_s`, then waits at most `drain_s` for answers. `blocks` ends an interleaved comparison
    early. `workers` counts Locust's processes. Contract checks of answers take `check_share` of a
    core in each of them, and more only of what it leaves unused. `rid_header` names a field that
    carries the sample's `seq`, for servers that keep records. `calibrate` has each process measure
    itself first; it refuses a plan that asks for more than it reached, unless
    `beyond_calibration`. `cold` opens a connection for every request. With `extend` it goes on, up
    to so many times `duration_s`, until its objectives are settled. With `stages` the load changes:
    `rate` or `users` is then the most of them, and `duration_s` what they take together. With
    `trace`, a file, its `due` requests are replayed `speed` times as fast as they were sent, and
    `rate` is that of its busiest second. With `respect_rate_limit` no more leaves than a quota
    lets through: the declared `rate_limit` (`100/60`), or what refusals teach. `prompt_lengths` and
    `output_lengths` are distributions to draw each length from (`lognormal:512,0.5`);
    `prompt_tokens` and `max_output_tokens` are then about their means. `weights` are how many of a
    block of requests each of `routes` gets, one each where there are none. `stream_share` of the
    requests ask for a stream, where some do and some do not. `tokenizer`, a file, gives prompts
    exactly their lengths. `model_input` are the bodies of the model route where its deployment
    takes no prompt.
    """

    run_id: str
    folder: str
    address: Address
    model: str
    model_id: str | None = None
    name: str = "load"
    routes: tuple[str, ...] = ROUTES
    users: int = 10
    rate: float | None = None
    arrivals: Arrivals = Arrivals.CONSTANT
    gamma_shape: float = 0.5
    in_flight: int | None = None
    duration_s: float = 30.0
    warmup_s: float = 5.0
    drain_s: float = 30.0
    blocks: int | None = None
    stream: bool = True
    prompt_tokens: int = 64
    max_output_tokens: int = 64
    prompts: str | None = None
    store_bodies: bool = False
    skip_cache: bool = True
    collect_log: bool = False
    thresholds: tuple[str, ...] = ()
    abort: tuple[str, ...] = ()
    seed: int = 0
    caps: Caps = field(default_factory=Caps)
    timeouts: Timeouts = field(default_factory=Timeouts)
    check_share: float = 0.02
    workers: int = 1
    rid_header: str | None = None
    calibrate: bool = True
    beyond_calibration: bool = False
    cold: bool = False
    extend: int = 1
    stages: tuple[LoadStage, ...] = ()
    trace: str | None = None
    speed: float = 1.0
    due: int | None = None
    respect_rate_limit: bool = False
    rate_limit: str | None = None
    prompt_lengths: str | None = None
    output_lengths: str | None = None
    weights: tuple[int, ...] = ()
    stream_share: float | None = None
    tokenizer: str | None = None
    model_input: tuple[Mapping[str, Any], ...] = ()

    @property
    def open_loop(self) -> bool:
        """Whether requests are sent by a schedule, not when answers have ended."""
        return self.rate is not None

    @property
    def total_s(self) -> float:
        """How long requests are sent at most, in seconds."""
        return self.warmup_s + self.duration_s * self.extend

    @property
    def bound(self) -> int:
        """How many requests of an open loop may be under way at once."""
        if self.in_flight is not None:
            return self.in_flight
        return max(LEAST_IN_FLIGHT, math.ceil(IN_FLIGHT_S * (self.rate or 0.0)))

    @property
    def turns(self) -> tuple[str, ...]:
        """The routes of one block of requests, each as often as its weight says."""
        weights = self.weights or (1,) * len(self.routes)
        return tuple(
            route for route, weight in zip(self.routes, weights, strict=True) for _ in range(weight)
        )

    def drawn(self) -> dict[str, tuple[int, ...]]:
        """The drawn lengths of `prompt` and `output`, as far as these are drawn."""
        texts = {"prompt": self.prompt_lengths, "output": self.output_lengths}
        return {
            name: parse_lengths(text).drawn(f"{self.seed}:{name}")
            for name, text in texts.items()
            if text is not None
        }

    @property
    def bases(self) -> list[str]:
        """The URLs of all whom the plan asks."""
        address = self.address
        own_host = self.form(Route.DIRECT) == Route.MODEL
        direct = address.deployment if own_host else address.provider
        return [address.origin, *([direct] if Route.DIRECT in self.routes else [])]

    def form(self, route: str) -> str:
        """The route whose requests and answers those of `route` are like.

        Without the gateway that is a chat completion, unless only the dedicated model is compared.
        """
        if route != Route.DIRECT:
            return route
        return Route.MODEL if {*self.routes} <= {Route.DIRECT, Route.MODEL} else Route.NATIVE

    def users_of(self, index: int) -> int:
        """How many users the worker `index` has: an equal share, the first ones one more."""
        if self.open_loop:
            return 1
        return self.users // self.workers + (index < self.users % self.workers)

    def in_folder(self, folder: Path) -> "LoadPlan":
        """The same load with its records in another folder."""
        return replace(self, folder=str(folder.resolve()))

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    def describe(self) -> dict[str, Any]:
        """What a manifest says of it: neither where it is written nor, again, the target."""
        elsewhere = {"folder", "address", "model", "model_id"}
        told = {name: value for name, value in asdict(self).items() if name not in elsewhere}
        drawn = {name: describe(lengths) for name, lengths in self.drawn().items()}
        told |= {"drawn": drawn} if drawn else {}
        told["model_input"] = len(self.model_input)
        return {**told, "users": None if self.open_loop else self.users}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: credentials and extra fields, which may be secret."""

    credentials: Credentials = field(default_factory=Credentials)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def to_text(self) -> str:
        """For a pipe, never for a file."""
        return json.dumps({"credentials": asdict(self.credentials), "headers": self.headers})


def write_plan(plan: LoadPlan, path: Path) -> None:
    """Write the plan where Locust's processes will read it."""
    path.write_text(json.dumps(plan.to_dict(), indent=2) + "\n", encoding="utf-8")


def read_plan(path: Path) -> LoadPlan:
    """Read what `write_plan` wrote."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.pop("schema_version", None) != SCHEMA_VERSION:
        raise UsageError(f"{path}: expected a load plan of schema version {SCHEMA_VERSION}")
    return plan_of(document)


def plan_of(document: Mapping[str, Any]) -> LoadPlan:
    """The plan out of its JSON values."""
    nested = {
        "address": Address(**document["address"]),
        "arrivals": Arrivals(document["arrivals"]),
        "caps": Caps(**document["caps"]),
        "timeouts": Timeouts(**document["timeouts"]),
        "routes": tuple(document["routes"]),
        "weights": tuple(document["weights"]),
        "thresholds": tuple(document["thresholds"]),
        "abort": tuple(document["abort"]),
        "model_input": tuple(document.get("model_input", ())),
        "stages": tuple(LoadStage(**stage) for stage in document["stages"]),
    }
    return LoadPlan(**{**document, **nested})


def read_identity(text: str) -> Identity:
    """The identity out of its text."""
    document = json.loads(text)
    headers = tuple((name, value) for name, value in document["headers"])
    return Identity(Credentials(**document["credentials"]), headers)
