"""One row per logical request: the record that reports are made of."""

from dataclasses import dataclass, field

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
