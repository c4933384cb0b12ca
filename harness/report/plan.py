"""What a run was to send, as far as a report needs to know, and what it asked, in words.

`run.json` holds it as `plan`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.report import figures


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


class LoadBy(StrEnum):
    """What the level of a load is counted in."""

    RATE = "rate"
    """Requests per second, of an open loop."""
    USERS = "users"

    @property
    def unit(self) -> str:
        """What stands behind a level."""
        return "/s" if self is LoadBy.RATE else " users"


@dataclass(frozen=True, slots=True)
class OfferedLoad:
    """What was asked in a stage, by `rate` or by `users`."""

    by: LoadBy
    begin: float
    end: float

    @property
    def told(self) -> str:
        """The level in words: `5 to 20/s`, or `20 users`."""
        ends = dict.fromkeys(f"{end:g}" for end in (self.begin, self.end))
        return f"{' to '.join(ends)}{self.by.unit}"


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


def planned(plan: Plan) -> list[tuple[int, Planned, OfferedLoad]]:
    """The stages of a plan with their numbers, from 1, and what is asked in each."""
    by = LoadBy.RATE if plan.rate else LoadBy.USERS
    return [
        (number, stage, OfferedLoad(by, stage.begin, stage.end))
        for number, stage in enumerate(plan.stages or (), 1)
    ]


def workload(plan: Plan) -> str | None:
    """The prompts and answers of a plan, its streams, the weights of its routes, as one sentence.

    None where the plan does not tell.
    """
    if plan.prompt_tokens is None:
        return None
    told = "; ".join(_parts(plan, plan.routes or ()))
    return f"{told[0].upper()}{told[1:]}."


def _parts(plan: Plan, routes: tuple[str, ...]) -> Iterator[str]:
    """What the chat routes were asked, and the model route where it takes an input of its own."""
    own = bool(plan.model_input) and "model" in routes
    if not own or len(routes) > 1:
        yield ", ".join([_prompts(plan), _answers(plan), *_shares(plan)])
    if own:
        several = "" if plan.model_input == 1 else f"s, {figures.count(plan.model_input)} in turn"
        yield f"on model the deployment's own input{several}"


def _prompts(plan: Plan) -> str:
    if plan.trace:
        return "prompts and lengths of a trace"
    if plan.prompts:
        return "prompts of a file"
    about, drawn = "exactly " if plan.tokenizer else "about ", (plan.drawn or {}).get("prompt")
    if drawn is None:
        return f"prompts of {about}{figures.count(plan.prompt_tokens)} tokens"
    exactly = about if plan.tokenizer else ""
    return f"prompts of {exactly}{_lengths(plan.prompt_lengths, drawn)}"


def _answers(plan: Plan) -> str:
    drawn = (plan.drawn or {}).get("output")
    if drawn is None:
        return f"answers of up to {figures.count(plan.max_output_tokens)} tokens"
    return f"answers of up to {_lengths(plan.output_lengths, drawn)}"


def _lengths(asked: str | None, drawn: Drawn) -> str:
    ends = (("mean", drawn.mean), ("p50", drawn.p50), ("p95", drawn.p95))
    told = ", ".join(f"{name} {figures.count(length)}" for name, length in ends)
    return f"{asked} tokens, drawn: {told}"


def _shares(plan: Plan) -> Iterator[str]:
    if plan.stream_share is not None:
        yield f"{plan.stream_share:.0%} of the requests streamed"
    else:
        yield "none streamed" if plan.stream is False else "all streamed"
    if plan.weights:
        pairs = zip(plan.routes or (), plan.weights, strict=True)
        yield f"of each block {', '.join(f'{route} {weight}' for route, weight in pairs)}"
