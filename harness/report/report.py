"""What a run amounts to, as records: the figures of `summary.json`, and with them the verdict.

Every table and every file is made of these. Each record is built once, where its figures are;
`document` turns it into its part of the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.measure.metrics import METRICS, SCHEDULED
from harness.report import frame
from harness.report.documents import document, fields_of
from harness.report.frame import Frame
from harness.report.quantile import Estimate
from harness.routes.route import ARMS

if TYPE_CHECKING:
    from harness.report.capacity.result import Capacity
    from harness.report.comparison import Comparison
    from harness.report.conformance import Conformance
    from harness.report.groups import LoadParts
    from harness.report.load_generator import LoadGenerator
    from harness.report.manifest import Manifest
    from harness.report.pacing import Pacing
    from harness.report.quota import Quota
    from harness.report.records import Recorded
    from harness.report.samples import SampleFile
    from harness.report.series import TimeSeries
    from harness.report.thresholds import Checked
    from harness.report.verdict import Verdict

SCHEMA_VERSION = 1
"""Of `summary.json`."""
COMPARE = "compare"
"""The scenario that is the interleaved comparison."""
ENDS: Mapping[str, str] = {
    "": "value",
    "_low": "low",
    "_high": "high",
    "_at_least": "at_least",
    "_at_most": "at_most",
}
"""What of an estimate is kept, by what the name of its statistic then ends with."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The statistics of one metric over `n` values, in milliseconds.

    An estimate without a value has a reason, and bounds where the client could not see it.
    """

    n: int
    mean: Estimate
    min: Estimate
    max: Estimate
    percentiles: Mapping[int, Estimate]

    def document(self) -> dict[str, Any]:
        """A number for each end of each statistic, and why one is null."""
        estimates = {"mean": self.mean, "min": self.min, "max": self.max}
        estimates |= {f"p{percent}": each for percent, each in self.percentiles.items()}
        ends = {
            f"{name}{end}": getattr(each, field)
            for name, each in estimates.items()
            for end, field in ENDS.items()
        }
        reasons = {name: each.reason for name, each in estimates.items() if each.reason}
        return {"n": self.n, **ends, "reasons": reasons}


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the requests of a route: what the target did apart from what the client did.

    `own` counts what the client did itself, `error_classes` what the target did; of these
    `error_statuses` has the HTTP statuses and `error_examples` the commonest messages. Rates are
    per second, over `seconds`; `throughput` is of good answers.
    """

    requests: int
    sent: int
    ok: int
    errors: int
    dropped: int
    own: Mapping[str, int]
    error_rate: float | None
    error_classes: Mapping[str, int]
    error_statuses: Mapping[str, Mapping[str, int]]
    error_examples: Mapping[str, Sequence[str]]
    seconds: float
    rate: float | None
    throughput: float | None


@dataclass(frozen=True, slots=True)
class Violations:
    """Broken clauses; rates are of what was checked, where the samples say so, else of all sent.

    `checked` is None where they do not.
    """

    violations: Mapping[str, int]
    violation_count: int
    checked: int | None
    violation_rates: Mapping[str, float | None]
    violation_rate: float | None


@dataclass(frozen=True, slots=True)
class Oddities:
    """How many good answers were odd in each way, and their shares; None where nobody knows.

    `at_most` are the shares if the `untold` streams, which the client read too late to tell, came
    in one piece.
    """

    counts: Mapping[str, int | None]
    shares: Mapping[str, float | None]
    at_most: Mapping[str, float | None]
    untold: int

    def document(self) -> dict[str, Any]:
        """The fields of a route that are about these."""
        return {
            "odd": dict(self.counts),
            "odd_shares": dict(self.shares),
            "odd_at_most": dict(self.at_most),
            "one_piece_untold": self.untold,
        }


@dataclass(frozen=True, slots=True)
class Goodput:
    """Good answers per second, with the bounds that an uncertain latency leaves, and their share
    of all requests."""

    per_second: float | None
    at_least: float | None
    at_most: float | None
    share: float | None

    def document(self) -> dict[str, Any]:
        """The fields that are about it."""
        return {
            "goodput": self.per_second,
            "goodput_at_least": self.at_least,
            "goodput_at_most": self.at_most,
            "goodput_share": self.share,
        }


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token totals from `usage`, and how many of the output events came together, and by whom."""

    prompt_tokens: int | None
    completion_tokens: int | None
    output_tokens_per_second: float | None
    output_chunks: int | None
    tokens_per_chunk: float | None
    coalesced_share: float | None
    burst_share: float | None

    @property
    def total(self) -> int | None:
        """Prompts and answers together; None where either is not known."""
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class RouteSummary:
    """One route of a load: what became of its requests, and each latency by its `key`."""

    counts: Counts
    contract: Violations
    odd: Oddities
    goodput: Goodput
    cache_hit_share: float | None
    tokens: Tokens
    latencies: Mapping[str, Latency]

    def numbers(self) -> dict[str, Any]:
        """All but the latencies, flat."""
        return {
            **fields_of(self.counts),
            **fields_of(self.contract),
            **self.odd.document(),
            **self.goodput.document(),
            "cache_hit_share": self.cache_hit_share,
            **fields_of(self.tokens),
        }

    def document(self) -> dict[str, Any]:
        """One entry of `routes`."""
        return {**self.numbers(), **document(self.latencies)}


Routes = Mapping[str, RouteSummary]


@dataclass(frozen=True, slots=True)
class Lags:
    """How late something was, milliseconds; None where nothing was."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """All that was measured in a run.

    `routes` is the load itself, whose scenarios `routes_of` names; `scenarios` holds each by
    itself. `cancelled` requests, which an interruption ended, are in no other number.
    """

    requests: int
    warmup_requests: int
    routes_of: tuple[str, ...]
    routes: Routes
    scenarios: Mapping[str, Routes]
    parts: "LoadParts"
    cancelled: int
    records: "Recorded"
    pacing: "Pacing | None"
    quota: "Quota | None"
    client: "LoadGenerator"
    timeline: "TimeSeries"

    def document(self) -> dict[str, Any]:
        """The measured part of `summary.json` but for the timeline."""
        scenarios = {name: {"routes": document(each)} for name, each in self.scenarios.items()}
        return {
            "requests": self.requests,
            "warmup_requests": self.warmup_requests,
            "routes_of": list(self.routes_of),
            "routes": document(self.routes),
            "scenarios": scenarios,
            **self.parts.document(),
            "cancelled": self.cancelled,
            "records": document(self.records),
            "pacing": document(self.pacing),
            "quota": document(self.quota),
            "client": document(self.client),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What a run amounts to; `folder` holds the same as files."""

    folder: Path
    manifest: "Manifest"
    decision: "Verdict"
    summary: Summary
    comparison: "Comparison"
    contract: "Conformance | None"
    checked: "tuple[Checked, ...]"
    files: "tuple[SampleFile, ...]"
    rows: Frame
    capacity: "Capacity | None" = None

    @property
    def load(self) -> Frame:
        """The requests of the load's scenarios, warm-up excluded."""
        return of_load(self.rows, self.summary.routes_of)

    @property
    def verdict(self) -> str:
        """`pass`, `fail` or `unknown`."""
        return self.decision.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """What decided the verdict; empty for a pass."""
        return self.decision.reasons

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 unknown."""
        return self.decision.exit_code

    def document(self) -> dict[str, Any]:
        """The content of `summary.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.manifest.run_id,
            "command": self.manifest.command,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "remarks": list(self.decision.remarks),
            **self.summary.document(),
            "objectives": document(self.checked),
            "files": document(self.files),
            "timeline": document(self.summary.timeline),
        }


def of_load(rows: Frame, scenarios: Sequence[str]) -> Frame:
    """The requests of the load's scenarios, warm-up excluded."""
    counted = frame.steady(rows)
    return counted.where(counted.texts("scenario").among(*scenarios))


def ordered_routes(routes: Iterable[str]) -> list[str]:
    """The routes in the order of every table: native, compat, model, then any other by name."""
    return sorted(routes, key=lambda route: (ARMS.index(route) if route in ARMS else 9, route))


def key(metric: str) -> str:
    """The name of a metric in `summary.json`: `ttft_scheduled` is `ttft_ms_scheduled` there."""
    plain = metric.removesuffix(SCHEDULED)
    return f"{plain}_ms{metric.removeprefix(plain)}"


BY_KEY: Mapping[str, str] = {key(name): name for name in METRICS}
"""Each metric by its name in `summary.json`."""
