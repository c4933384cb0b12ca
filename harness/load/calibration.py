"""What a client measured about itself before a load, and whether the load asks for more than that.

Pure: `calibration_run` sends, `reference_server` answers. The client's rows are held against the
server's own record of the same requests, so that a late server is not the client's error.
"""

import math
import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.errors import HarnessError
from harness.load.plan import LoadPlan

MOST_STREAMS = 1000
"""Requests at once that one process is measured with at most."""
MOST_CHUNKS_PER_S = 40_000
"""What the reference server sends on time on one core; more streams get wider gaps."""
MOST_REQUESTS_PER_S = 1500
"""Many short answers would else measure how fast requests are sent, which the burst does."""

GAP_US = 10_000
TTFT_US = 20_000
"""What is not known of the target before the load is guessed: a hundred tokens a second."""
GUESSED_TTFT_S = 0.3
MOST_GUESSED_STREAMS = 400
"""An open loop has as many requests under way as the target makes it; the guess ends here."""

LENGTH_US = 450_000
SLICE_NS = 40_000_000
ENOUGH_ROWS = 60
MOST_ROUNDS = 10

RATE_SHARE = 0.5
"""How much of the highest rate a schedule may ask: at half of it a request that comes while another
is being sent waits half of one sending in the mean (M/D/1), and bursts and answers find room."""
ERROR_SHARE = 0.05
ERROR_MS = 1.0
BUSY_SHARE = 0.6
"""A client that errs while it used less of a core was kept from running by something else: more
processes would not help, and the load itself tells how exact its times are."""
FAILED_SHARE = 0.01


class CalibrationError(HarnessError):
    """The client could not be measured."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a calibration: when its answer is due, in microseconds after its arrival."""

    ttft_us: int = 0
    gap_us: int = 0
    chunks: int = 1
    stream: bool = False

    @property
    def schedule(self) -> str:
        """The value of the reference server's header field."""
        return f"{self.ttft_us},{self.gap_us},{self.chunks}"

    @property
    def length_us(self) -> int:
        """How long the answer takes."""
        return self.ttft_us + (self.chunks - 1) * self.gap_us


@dataclass(frozen=True, slots=True)
class Course:
    """What one process is measured with: so many at once, each asking so often in a row."""

    streams: int
    rounds: int
    ask: Ask

    @property
    def spread_us(self) -> int:
        """Over how long the first requests are spread: all at once would be a burst for ever."""
        return min(self.ask.length_us, 250_000)


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """One answer as the client saw it; `gaps_ms` between its chunks."""

    rid: int
    sent_ns: int
    first_output_ns: int
    done_ns: int
    gaps_ms: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """The same answer as the server sent it."""

    received_ns: int
    sent_ns: Sequence[int]


@dataclass(frozen=True, slots=True)
class Effort:
    """What the sending took: a burst of plain requests, by when each had ended, then the course."""

    burst_ended_ns: Sequence[int]
    burst_cpu_s: float
    course_s: float
    course_cpu_s: float


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Absolute errors in milliseconds; None where there was nothing to measure."""

    p50: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """How exact one process was with `streams` requests at once, and what they cost it.

    `max_rate` is plain requests per second back to back, `cpu_share` of one core while it received
    `chunks_per_second`. Plain answers have no time between chunks, and no cost of one: None.
    """

    ttft_ms: Quantiles
    inter_chunk_ms: Quantiles
    e2e_ms: Quantiles
    cpu_us_per_request: float
    cpu_us_per_chunk: float | None
    cpu_share: float
    max_rate: float
    streams: int
    chunks_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def course_of(plan: LoadPlan) -> Course:
    """The load of the plan on one process, in half a second, as far as it can be known."""
    streams = min(streams_of(plan), MOST_STREAMS)
    least_us = streams * 1_000_000 // MOST_REQUESTS_PER_S
    if not plan.stream:
        return _in_rounds(streams, Ask(max(TTFT_US, least_us)))
    gap_us = max(GAP_US, streams * 1_000_000 // MOST_CHUNKS_PER_S)
    rounds = min(max(ENOUGH_ROWS // streams, 1), MOST_ROUNDS)
    room = (LENGTH_US // rounds - TTFT_US) // gap_us
    chunks = max(min(plan.max_output_tokens, room), 1)
    ttft_us = max(TTFT_US, least_us - (chunks - 1) * gap_us)
    return _in_rounds(streams, Ask(ttft_us, gap_us, chunks, stream=True))


def streams_of(plan: LoadPlan) -> int:
    """How many requests one process has under way at once; guessed where a schedule sends them."""
    if plan.rate is None:
        return max(math.ceil(plan.users / plan.workers), 1)
    answer_s = GUESSED_TTFT_S + plan.max_output_tokens * GAP_US / 1e6
    guessed = math.ceil(plan.rate / plan.workers * answer_s)
    return max(min(guessed, MOST_GUESSED_STREAMS, plan.bound // plan.workers), 1)


def read_record(data: bytes) -> dict[int, ServedAnswer]:
    """The reference server's record by request, without those that had no id."""
    numbers = array("q")
    numbers.frombytes(data)
    served: dict[int, ServedAnswer] = {}
    place = 0
    while place < len(numbers):
        rid, received_ns, count = numbers[place : place + 3]
        place += 3 + count
        served[rid] = ServedAnswer(received_ns, numbers[place - count : place])
    served.pop(-1, None)
    return served


def noise_floor(
    course: Course,
    rows: Sequence[CalibrationRow],
    record: Mapping[int, ServedAnswer],
    effort: Effort,
) -> NoiseFloor:
    """The client's errors and costs; CalibrationError when too few answers came back whole."""
    pairs = [(row, record[row.rid]) for row in rows if _whole(row, record.get(row.rid))]
    asked = course.streams * course.rounds
    if len(pairs) < asked * (1 - FAILED_SHARE):
        raise CalibrationError(f"{asked - len(pairs)} of {asked} answers did not come back whole")
    request_us = effort.burst_cpu_s * 1e6 / len(effort.burst_ended_ns)
    chunks = sum(len(served.sent_ns) for _, served in pairs) if course.ask.stream else 0
    for_chunks_us = max(effort.course_cpu_s * 1e6 - len(pairs) * request_us, 0.0)
    return NoiseFloor(
        ttft_ms=quantiles(_ttft_error_ms(*pair) for pair in pairs),
        inter_chunk_ms=_inter_chunk(pairs),
        e2e_ms=quantiles(_e2e_error_ms(*pair) for pair in pairs),
        cpu_us_per_request=request_us,
        cpu_us_per_chunk=for_chunks_us / chunks if chunks else None,
        cpu_share=effort.course_cpu_s / effort.course_s,
        max_rate=highest_rate(effort.burst_ended_ns),
        streams=course.streams,
        chunks_per_second=chunks / effort.course_s,
    )


def highest_rate(ended_ns: Sequence[int]) -> float:
    """Answers per second in the best of the whole `SLICE_NS`: a pause of the machine is no limit.

    Of a burst shorter than two slices, all of it counts.
    """
    since_ns = np.sort(np.asarray(ended_ns, dtype=np.int64)) - min(ended_ns)
    length_ns = int(since_ns[-1])
    if length_ns < 2 * SLICE_NS:
        return len(since_ns) / max(length_ns / 1e9, 1e-3)
    counts = np.bincount(since_ns // SLICE_NS)[: length_ns // SLICE_NS]
    return float(counts.max() * 1e9 / SLICE_NS)


def quantiles(errors: Iterable[float]) -> Quantiles:
    """Median and 99th percentile of the absolute errors."""
    found = np.abs(np.fromiter(errors, dtype=np.float64))
    if not len(found):
        return Quantiles()
    p50, p99 = (float(value) for value in np.quantile(found, (0.5, 0.99)))
    return Quantiles(p50, p99)


def beyond(plan: LoadPlan, floor: NoiseFloor) -> str | None:
    """Why one process cannot carry its share of the plan, with what would; None when it can."""
    return _too_many(plan, floor) or _too_fast(plan, floor) or _too_inexact(plan, floor)


def _too_many(plan: LoadPlan, floor: NoiseFloor) -> str | None:
    streams = streams_of(plan)
    if streams <= floor.streams:
        return None
    asked = f"{streams} requests at once for one process, {floor.streams} were measured"
    return _advice(plan, asked, by=streams / floor.streams)


def _too_fast(plan: LoadPlan, floor: NoiseFloor) -> str | None:
    rate, bound = (plan.rate or 0.0) / plan.workers, RATE_SHARE * floor.max_rate
    if rate <= bound:
        return None
    asked = (
        f"{rate:,.0f} requests/s for one process, which sends {floor.max_rate:,.0f} back to back "
        f"and keeps its times up to {bound:,.0f}"
    )
    return _advice(plan, asked, by=rate / bound)


def _too_inexact(plan: LoadPlan, floor: NoiseFloor) -> str | None:
    if floor.cpu_share < BUSY_SHARE:
        return None
    ask = course_of(plan).ask
    measured = {
        "TTFT": (floor.ttft_ms, ask.ttft_us),
        "inter-chunk time": (floor.inter_chunk_ms, ask.gap_us),
        "E2E": (floor.e2e_ms, ask.length_us),
    }
    for name, (error_ms, length_us) in measured.items():
        if error_ms.p99 is not None and error_ms.p99 > allowed_ms(length_us / 1000):
            asked = (
                f"{floor.streams} requests at once for one process, whose {name} was then "
                f"{error_ms.p99:.1f} ms off at p99, with {floor.cpu_share:.0%} of a core used"
            )
            return _advice(plan, asked, by=max(floor.cpu_share / BUSY_SHARE, 1.1))
    return None


def allowed_ms(length_ms: float) -> float:
    """How large an error may be: 5 % of what is measured or 1 ms, whichever is larger."""
    return max(ERROR_MS, ERROR_SHARE * length_ms)


def _advice(plan: LoadPlan, asked: str, *, by: float) -> str:
    processes = math.ceil(plan.workers * by)
    more = f"use --processes {processes}"
    cores = os.cpu_count() or 1
    if processes > cores:
        more += f" (this machine has {cores} cores: or workers on others)"
    return f"the plan asks for {asked}; {more} or less load"


def _in_rounds(streams: int, ask: Ask) -> Course:
    return Course(streams, max(LENGTH_US // ask.length_us, 1), ask)


def _whole(row: CalibrationRow, served: ServedAnswer | None) -> bool:
    return served is not None and len(served.sent_ns) == len(row.gaps_ms) + 1


def _ttft_error_ms(row: CalibrationRow, served: ServedAnswer) -> float:
    seen_ns = row.first_output_ns - row.sent_ns
    return (seen_ns - (served.sent_ns[0] - served.received_ns)) / 1e6


def _e2e_error_ms(row: CalibrationRow, served: ServedAnswer) -> float:
    seen_ns = row.done_ns - row.sent_ns
    return (seen_ns - (served.sent_ns[-1] - served.received_ns)) / 1e6


def _inter_chunk(pairs: Sequence[tuple[CalibrationRow, ServedAnswer]]) -> Quantiles:
    seen = _joined([np.asarray(row.gaps_ms, np.float64) for row, _ in pairs])
    sent = _joined([np.diff(np.asarray(served.sent_ns, np.float64)) / 1e6 for _, served in pairs])
    return quantiles(seen - sent)


def _joined(parts: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    return np.concatenate(parts) if parts else np.empty(0)
