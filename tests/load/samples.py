"""Samples for tests, as values and as rows."""

from typing import Any

import pandas as pd  # noqa: F401 - Arrow loads it for its first array, which takes its time
import pyarrow as pa

from harness.load.counting import count
from harness.load.recorder import SCHEMA
from harness.load.rows import Row
from harness.load.tally import RouteTally
from harness.measure.timeline import Timeline
from tests.sample import Sample
from tests.sample import row as as_row


def sample(seq: int = 0, *, outcome: str = "ok", ttft_ms: int = 50, **facts: Any) -> Sample:
    """A streamed request of three outputs, 10 ms apart."""
    first_ns = 1_000 + ttft_ms * 1_000_000
    timeline = Timeline(
        sent_ns=1_000,
        headers_ns=2_000,
        first_output_ns=first_ns,
        outputs_ns=tuple(first_ns + step * 10_000_000 for step in range(3)),
        done_ns=first_ns + 20_000_000,
    )
    return Sample(
        **{
            "run_id": "r",
            "worker": "load-0",
            "seq": seq,
            "event_id": f"r-load-0-{seq}",
            "scenario": "mixed",
            "phase": "steady",
            "route": "native",
            "stream": True,
            "outcome": outcome,
            "timeline": timeline,
            **facts,
        }
    )


def row(seq: int = 0, **facts: Any) -> Row:
    """The same as a row of `samples`."""
    return tuple(as_row(sample(seq, **facts)).values())


def tally(*outcomes: str, ttft_ms: int = 50, layer: str | None = None) -> RouteTally:
    """The counts of requests that ended like this."""
    made = RouteTally()
    rows = [as_row(sample(outcome=outcome, ttft_ms=ttft_ms, message="why")) for outcome in outcomes]
    count(lambda _: made, pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    for outcome in outcomes:
        if outcome != "ok" and layer is not None:
            made.blame(layer)
    return made
