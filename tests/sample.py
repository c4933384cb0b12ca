"""One logical request as a value, and as a row of `samples`."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from harness.measure.columns import COLUMNS, sketch
from harness.measure.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Sample:
    """What one logical request did and when; the field names are columns of `samples/*.parquet`.

    `outcome` is `ok`, `dropped` (due, but never sent) or the class of the error; a violated clause
    is listed in `violations` and never changes it. `coalesced` counts output events that shared a
    receive time with the one before, so that their gap is not a measurement. Token counts come from
    `usage`.
    """

    run_id: str
    worker: str
    seq: int
    event_id: str
    scenario: str
    phase: str
    route: str
    stream: bool
    outcome: str
    timeline: Timeline
    status: int | None = None
    coalesced: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    finish_reason: str | None = None
    violations: tuple[str, ...] = field(default=())
    cache_status: str | None = None
    log_id: str | None = None
    cf_ray: str | None = None
    message: str | None = None
    stage: int | None = None
    turn: int | None = None


def row(sample: Sample) -> dict[str, Any]:
    """The sample as one row; `gap_ms` are the times between consecutive output events."""
    outputs = sample.timeline.outputs_ns
    gaps = np.array([(later - earlier) / 1e6 for earlier, later in pairwise(outputs)])
    derived = {
        "gap_ms": sketch(gaps).tolist(),
        "output_chunks": len(outputs),
        "violations": list(sample.violations),
    }
    return {name: derived[name] if name in derived else _value(sample, name) for name in COLUMNS}


def _value(sample: Sample, name: str) -> Any:
    source = sample.timeline if name.endswith("_ns") else sample
    return getattr(source, name, None)
