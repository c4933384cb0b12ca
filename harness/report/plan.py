"""What a run was to send, as far as a report needs to know; `run.json` holds it as `plan`."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a token; None where nobody knows."""

    price_in: float | None = None
    price_out: float | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A stage: its level goes evenly from `begin` to `end`."""

    seconds: float
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """Lengths that were drawn, in tokens."""

    mean: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Search:
    """Where the capacity was searched; levels are requests per second, or users."""

    by: str
    min_rate: float
    max_rate: float
    target_rate: float | None
    precision: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a load, a comparison or a search; None where the run did not have one.

    `rate` is that of an open loop. `looks` and `margin` are of a comparison.
    """

    thresholds: tuple[str, ...] | None = None
    routes: tuple[str, ...] | None = None
    weights: tuple[int, ...] | None = None
    rate: float | None = None
    in_flight: int | None = None
    duration_s: float | None = None
    extend: int | None = None
    arrivals: str | None = None
    stages: tuple[Planned, ...] | None = None
    trace: str | None = None
    stream: bool | None = None
    stream_share: float | None = None
    prompts: str | None = None
    prompt_tokens: int | None = None
    max_output_tokens: int | None = None
    prompt_lengths: str | None = None
    output_lengths: str | None = None
    drawn: Mapping[str, Drawn] | None = None
    tokenizer: str | None = None
    model_input: int | None = None
    respect_rate_limit: bool | None = None
    rate_limit: str | None = None
    caps: Prices | None = None
    cold: bool | None = None
    looks: int | None = None
    margin: float | None = None
    search: Search | None = None
