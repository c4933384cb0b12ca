"""AIPerf's own parser and metrics of recorded streams: `aiperf_metrics.py RECORDS.json`, in its
venv.

Its endpoint reads each event, its metric classes make the values, its statistics the figures.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def of(module: str, name: str) -> Any:
    """A part of AIPerf, which is installed where this runs and nowhere else."""
    return getattr(importlib.import_module(f"aiperf.{module}"), name)


_RECORDS, _TYPES = "common.models.record_models", "metrics.types"
START_NS = 1_000_000_000
PERCENTILES = (50, 90, 95, 99)
METRICS = {
    "TTFT": of(f"{_TYPES}.ttft_metric", "TTFTMetric"),
    "TTFO": of(f"{_TYPES}.time_to_first_output_token_metric", "TimeToFirstOutputTokenMetric"),
    "request latency": of(f"{_TYPES}.request_latency_metric", "RequestLatencyMetric"),
    "OSL": of(f"{_TYPES}.output_sequence_length_metric", "OutputSequenceLengthMetric"),
    "ITL": of(f"{_TYPES}.inter_token_latency_metric", "InterTokenLatencyMetric"),
    "ICL": of(f"{_TYPES}.inter_chunk_latency_metric", "InterChunkLatencyMetric"),
}
"""In an order in which each finds what it needs."""


def parsed(record: dict[str, Any]) -> Any:
    """The record as AIPerf has it after its endpoint has read it."""
    endpoint = of("endpoints.openai_chat", "ChatEndpoint")(model_endpoint=None)
    message, counts = of(_RECORDS, "SSEMessage"), of(_RECORDS, "TokenCounts")
    messages = [
        message.parse(data.strip(), START_NS + round(at_s * 1e9)) for at_s, data in record["chunks"]
    ]
    found = [endpoint.parse_response(each) for each in messages if "[DONE]" not in str(each)]
    responses = [each for each in found if each is not None]
    tokens = next(each.usage["completion_tokens"] for each in responses if each.usage)
    request = of(_RECORDS, "RequestRecord")(
        start_perf_ns=START_NS, end_perf_ns=messages[-1].perf_ns
    )
    return of(_RECORDS, "ParsedResponseRecord")(request, responses, counts(output=tokens))


def values(record: Any) -> dict[str, list[float]]:
    """What each metric is for one record, in milliseconds; nothing where it has none."""
    known: Any = of("metrics.metric_dicts", "MetricRecordDict")()
    found = {}
    for name, metric in METRICS.items():
        try:
            value = metric().parse_record(record, known)
        except ValueError as error:
            if type(error).__name__ != "NoMetricValue":
                raise
            continue
        known[metric.tag] = value
        found[name] = [each / 1e6 for each in (value if isinstance(value, list) else [value])]
    return found


def main() -> None:
    """Print the figures in milliseconds as JSON."""
    records = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    pooled: dict[str, list[float]] = {name: [] for name in METRICS if name != "OSL"}
    for record in records:
        for name, found in values(parsed(record)).items():
            pooled.get(name, []).extend(found)
    statistics = of("metrics.derived_latency", "_array_to_metric_result")
    figures = {}
    for name, found in pooled.items():
        told = statistics(
            tag=name, header=name, unit="ms", values_ms=np.array(found, dtype=np.float64)
        )
        figures[name] = {"mean": told.avg, **{str(p): getattr(told, f"p{p}") for p in PERCENTILES}}
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
