"""What a route did in numbers, as tables tell it; where there is no number, why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.report import figures
from harness.report.report import RouteSummary


class Failing(Protocol):
    """Whatever counts how many of its requests failed."""

    @property
    def errors(self) -> int:
        """Their number."""

    @property
    def error_rate(self) -> float | None:
        """Their share of all that were sent."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a route: where it is, how it is written, and what stands where there is none."""

    of: Callable[[RouteSummary], float | None]
    show: Callable[[float], str]
    missing: str


TOO_SHORT = "too short"
"""What has no length has no rate."""


def per_second(value: float | None) -> str:
    """A rate in words."""
    return TOO_SHORT if value is None else f"{figures.digits(value)}/s"


NUMBERS: Mapping[str, Number] = {
    "goodput": Number(lambda route: route.goodput.per_second, per_second, TOO_SHORT),
    "throughput": Number(lambda route: route.counts.throughput, per_second, TOO_SHORT),
    "rate": Number(lambda route: route.counts.rate, per_second, TOO_SHORT),
    "output_tokens_per_second": Number(
        lambda route: route.tokens.output_tokens_per_second, figures.digits, "no usage"
    ),
    "tokens_per_chunk": Number(
        lambda route: route.tokens.tokens_per_chunk, figures.digits, "no usage"
    ),
    "goodput_share": Number(lambda route: route.goodput.share, figures.share, "none due"),
    "error_rate": Number(lambda route: route.counts.error_rate, figures.share, "none sent"),
    "coalesced_share": Number(
        lambda route: route.tokens.coalesced_share, figures.share, "no output"
    ),
    "burst_share": Number(lambda route: route.tokens.burst_share, figures.share, "not recorded"),
    "cache_hit_share": Number(lambda route: route.cache_hit_share, figures.share, "not stated"),
    "violation_rate": Number(
        lambda route: route.contract.violation_rate, figures.share, "not checked"
    ),
}
"""The numbers of a route by their names in `summary.json`."""


def told(route: RouteSummary, name: str) -> str:
    """One of them in words."""
    number = NUMBERS[name]
    value = number.of(route)
    return number.missing if value is None else number.show(value)


def failed(of: Failing) -> str:
    """How many requests failed, and their share."""
    share = "none sent" if of.error_rate is None else figures.share(of.error_rate)
    return f"{figures.count(of.errors)} ({share})"
