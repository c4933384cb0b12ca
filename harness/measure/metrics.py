"""The latency metrics: what each is, its formula over the columns of a sample, and its source.

Every metric exists from *send* and, as `<name>_scheduled`, from the time the request was due, which
counts the wait of a client that was late (coordinated omission). Only answers with outcome `ok`
belong in a latency statistic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from harness.measure.timeline import Timeline

SCHEDULED = "_scheduled"
"""What the name of a metric ends with when it counts from schedule."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; values are nanoseconds, `formula` and `source` are text for reports.

    Where the metric is one difference, `start` and `stop` name its columns, so that a table can be
    computed by column: `stop - start`. `many`: one request
    has any number of values.
    """

    name: str
    title: str
    formula: str
    source: str
    start: str | None = None
    stop: str | None = None
    many: bool = False

    @property
    def scheduled(self) -> bool:
        """Whether it counts from schedule."""
        return self.name.endswith(SCHEDULED)

    def values(self, timeline: Timeline, *, completion_tokens: int | None = None) -> list[float]:
        """The metric's values for one request, in nanoseconds; empty where it is not defined."""
        if self.scheduled and timeline.scheduled_ns is None:
            return []
        plain = self.name.removesuffix(SCHEDULED)
        if plain == "inter_chunk":
            return list(inter_chunk(timeline))
        if plain == "tpot":
            value = tpot(timeline, completion_tokens)
        else:
            value = _between(timeline, self.start, self.stop)
        return [] if value is None else [value]


def inter_chunk(timeline: Timeline) -> list[int]:
    """The times between consecutive events that carried output, in nanoseconds."""
    return [later - earlier for earlier, later in pairwise(timeline.outputs_ns)]


def tpot(timeline: Timeline, completion_tokens: int | None) -> float | None:
    """Mean time per output token after the first, in nanoseconds.

    Tokens are those of `usage`, since a chunk may hold several. None with fewer than two tokens or
    two output events: an answer that came in one piece says nothing about the time per token.
    """
    outputs = timeline.outputs_ns
    if completion_tokens is None or completion_tokens < 2 or len(outputs) < 2:
        return None
    return (outputs[-1] - outputs[0]) / (completion_tokens - 1)


def _between(timeline: Timeline, start: str | None, stop: str | None) -> float | None:
    if start is None or stop is None:
        return None
    first, last = getattr(timeline, start), getattr(timeline, stop)
    return None if first is None or last is None else last - first


def _difference(name: str, title: str, stop: str, source: str) -> tuple[Metric, Metric]:
    return (
        Metric(name, title, f"{stop} - sent_ns", source, "sent_ns", stop),
        Metric(
            name + SCHEDULED,
            f"{title}, from schedule",
            f"{stop} - scheduled_ns",
            source,
            "scheduled_ns",
            stop,
        ),
    )


def _independent(name: str, title: str, formula: str, source: str, *, many: bool) -> list[Metric]:
    """A metric that no start enters; its twin is the same for requests that had a schedule."""
    return [
        Metric(name, title, formula, source, many=many),
        Metric(
            name + SCHEDULED,
            f"{title}, of scheduled requests",
            f"{formula} where scheduled_ns is not null",
            source,
            many=many,
        ),
    ]


_ALL = (
    *_difference(
        "ttfb",
        "time to first body byte",
        "first_byte_ns",
        "RFC 9110, section 6: content follows the header section",
    ),
    *_difference(
        "ttft",
        "time to first token",
        "first_output_ns",
        "AIPerf, metrics reference: first non-empty content of any channel; not vLLM's, which "
        "counts a chunk with a role alone (vllm-project/vllm#3768)",
    ),
    *_difference(
        "ttfo",
        "time to first output that is not reasoning",
        "first_answer_ns",
        "AIPerf, metrics reference: Time to First Output Token",
    ),
    *_independent(
        "inter_chunk",
        "inter-chunk latency",
        "gap_ms: differences of consecutive output events",
        "AIPerf, metrics reference: Inter Chunk Latency; chunks are not tokens "
        "(vllm-project/vllm#27485)",
        many=True,
    ),
    *_independent(
        "tpot",
        "time per output token after the first",
        "(last_output_ns - first_output_ns) / (completion_tokens - 1)",
        "MLPerf Inference, TPOT = (latency - TTFT) / (tokens - 1), with the last output in the "
        "place of the latency, so that usage and [DONE] do not count",
        many=False,
    ),
    *_difference("e2e", "end-to-end latency", "done_ns", "MLPerf Inference, LoadGen: latency"),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
"""Every metric by name, in the order of the tables."""

NAMES: tuple[str, ...] = tuple(name for name in METRICS if not name.endswith(SCHEDULED))
"""The six metrics without their twins."""


ERROR_OF: Mapping[str, str] = {
    **dict.fromkeys(("ttfb", "ttft", "ttfo"), "ttft_ms"),
    **dict.fromkeys(("inter_chunk", "tpot"), "inter_chunk_ms"),
    "e2e": "e2e_ms",
}
"""Which error of a calibration, by its name in a noise floor, is that of a metric."""


def definitions() -> dict[str, dict[str, str]]:
    """Title, formula and source of every metric, for a run's manifest."""
    return {
        metric.name: {"title": metric.title, "formula": metric.formula, "source": metric.source}
        for metric in METRICS.values()
    }
