"""The same samples by other tools' definitions, so that published numbers can be held side by side.

`strict` is ours. The others are what these tools compute, as far as samples can tell: a tool that
reads the content of every chunk again, or counts tokens with a tokenizer of its own, is not copied.
`make bench-peers` holds `vllm` and `aiperf` against these tools' own code, in the versions named.
All take successful requests only and interpolate percentiles linearly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.report.arrays import Floats
from harness.report.frame import Frame
from harness.report.frame import values as values_of
from harness.report.quantile import PERCENTILES

Times = Callable[[Frame], Floats]
_MS = 1e6


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric of a preset: its name there, its formula, and its values in milliseconds."""

    name: str
    formula: str
    values: Times


@dataclass(frozen=True, slots=True)
class Preset:
    """A tool's definitions, and where they stand."""

    name: str
    source: str
    metrics: tuple[Definition, ...]


def _at(rows: Frame, *names: str) -> Floats:
    """The earliest of some moments, nanoseconds; NaN where none happened."""
    columns = [rows.floats(name) for name in names]
    found = columns[0]
    for column in columns[1:]:
        found = np.fmin(found, column)
    return found


def _since_sent(*names: str) -> Times:
    """Milliseconds from sending to the earliest of some moments."""
    return lambda rows: (_at(rows, *names) - _at(rows, "sent_ns")) / _MS


def _last(rows: Frame) -> Floats:
    """When the last output came; a usage chunk after it is none."""
    return _at(rows, *LAST)


def _per_token(first: tuple[str, ...], end: Times) -> Times:
    """Milliseconds per token after the first, by `usage`; NaN with fewer than two tokens."""

    def values(rows: Frame) -> Floats:
        tokens = rows.floats("completion_tokens")
        steps = np.where(tokens > 1, tokens - 1, np.nan)
        return (end(rows) - _at(rows, *first)) / _MS / steps

    return values


def _gaps(rows: Frame) -> Floats:
    return values_of(rows, "inter_chunk").data


OUTPUT = ("first_output_ns",)
LAST = ("last_output_ns",)
_TTFT = Definition("TTFT", "first_output - sent", _since_sent(*OUTPUT))
_TTFO = Definition("TTFO", "first_answer - sent", _since_sent("first_answer_ns"))
_E2E = Definition("E2E", "done - sent", _since_sent("done_ns"))
_POOLED = "gaps between outputs, pooled"
_DECODING = "(last_output - first_output) / (tokens - 1)"
_TO_LAST = "last_output - sent"

_STRICT = (
    *(_TTFT, _TTFO, Definition("inter-chunk", _POOLED, _gaps)),
    Definition(
        "TPOT", "(last_output - first_output) / (completion_tokens - 1)", _per_token(OUTPUT, _last)
    ),
    _E2E,
)
_VLLM = (
    *(_TTFT, Definition("ITL", _POOLED, _gaps)),
    Definition("TPOT", _DECODING, _per_token(OUTPUT, _last)),
    Definition("E2EL", _TO_LAST, _since_sent(*LAST)),
)
_AIPERF = (
    *(_TTFT, _TTFO),
    Definition("ITL", _DECODING, _per_token(OUTPUT, _last)),
    Definition("ICL", _POOLED, _gaps),
    Definition("request latency", _TO_LAST, _since_sent(*LAST)),
)
_GENAI_BENCH = (
    Definition(
        "TTFT", "first output, else the usage chunk, - sent", _since_sent(*OUTPUT, "usage_ns")
    ),
    Definition(
        "TPOT",
        "(done - first_output) / (tokens - 1)",
        _per_token(OUTPUT, lambda rows: _at(rows, "done_ns")),
    ),
    _E2E,
)
PRESETS: Mapping[str, Preset] = {
    each.name: each
    for each in (
        Preset("strict", "reports/README.md", _STRICT),
        Preset("vllm", "vllm 0.33.0: vllm/benchmarks/lib/endpoint_request_func.py", _VLLM),
        Preset("aiperf", "aiperf 0.13.0: aiperf/metrics/types", _AIPERF),
        Preset(
            "genai-bench",
            "sgl-project/genai-bench: genai_bench/metrics/request_metrics_collector.py",
            _GENAI_BENCH,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one route by a preset, in milliseconds; None where nothing has it."""

    route: str
    metric: str
    formula: str
    n: int
    mean: float | None
    percentiles: Mapping[int, float | None]


def figures_of(rows: Frame, preset: Preset) -> list[Figure]:
    """Every metric of a preset on every route, over the requests that succeeded."""
    routes = rows.where(rows.ok).by("route")
    found = []
    for route, ours in sorted(routes.items(), key=lambda each: each[1].places[0]):
        for metric in preset.metrics:
            values = metric.values(ours)
            known = values[np.isfinite(values)]
            some = bool(len(known))
            found.append(
                Figure(
                    route,
                    metric.name,
                    metric.formula,
                    len(known),
                    float(known.mean()) if some else None,
                    {p: float(np.percentile(known, p)) if some else None for p in PERCENTILES},
                )
            )
    return found
